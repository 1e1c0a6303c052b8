"""The camera's password goes in clear, and its pictures are pictures."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import camera
from otmon.lab.frames import Say, connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng

PLANT = shipped_plant("food-factory")
CAMERA = PLANT.host("camera")
HMI = PLANT.host("hmi")
WIRE = PLANT.wire


def read(tshark: str, folder: Path, says: list[Say], port: int, shown: str, *fields: str) -> list[str]:
    packets = connection(WIRE, 0, (HMI, CAMERA), (50_000, port), says, Random(1), "x")
    capture = folder / "camera.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    command = [tshark, "-r", str(capture), "-Y", shown, "-T", "fields", "-E", "separator=,"]
    command += [part for field in fields for part in ("-e", field)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_page_is_given_for_the_factory_password(tshark: str, tmp_path: Path) -> None:
    says = camera.web_visit(CAMERA, "Mozilla/5.0")
    fields = ("http.request.method", "http.authbasic", "http.response.code", "http.server")
    assert read(tshark, tmp_path, says, camera.WEB_PORT, "http", *fields) == [
        "GET,,,",
        ",,401,LabCam-Web/1.2",
        "GET,admin:12345,,",
        ",,200,LabCam-Web/1.2",
    ]
    assert camera.login() == "Authorization: Basic YWRtaW46MTIzNDU="


def test_somebody_looks_through_it(tshark: str, tmp_path: Path) -> None:
    says = camera.watching(CAMERA, 5, Random(1))
    methods = read(tshark, tmp_path, says, camera.PICTURE_PORT, "rtsp.method", "rtsp.method")
    assert methods == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
    pictures = read(tshark, tmp_path, says, camera.PICTURE_PORT, "jpeg", "rtp.seq", "jpeg.main_hdr.width")
    assert pictures == [f"{number},320" for number in range(5)]
    assert read(tshark, tmp_path, says, camera.PICTURE_PORT, "_ws.malformed", "frame.number") == []
