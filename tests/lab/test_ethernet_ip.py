"""EtherNet/IP of the lab is what tshark and the program take it for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import ethernet_ip
from otmon.lab.frames import connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng
from tests.protocols.recognition import ask

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
PLC_MIXING = PLANT.host("plc-mixing")
WIRE = PLANT.wire


def test_tshark_reads_what_is_said(tshark: str, tmp_path: Path) -> None:
    says = ethernet_ip.session(0x1234, {"Station_Counts": (7, 6), "Odd": (-1,)})
    packets = connection(WIRE, 0, (HMI, PLC_MIXING), (50_000, ethernet_ip.PORT), says, Random(1), "x")
    capture = tmp_path / "eip.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    fields = ("enip.command", "enip.session", "cip.sc", "cip.genstat", "cip.symbol")
    command = [tshark, "-r", str(capture), "-Y", "enip", "-T", "fields", "-E", "separator=,"]
    command += [part for field in fields for part in ("-e", field)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert shown == [
        "0x0065,0x00000000,,,",
        "0x0065,0x00001234,,,",
        "0x006f,0x00001234,0x4c,,Station_Counts",
        "0x006f,0x00001234,0x4c,0x00,Station_Counts",
        "0x006f,0x00001234,0x4c,,Odd",
        "0x006f,0x00001234,0x4c,0x00,Odd",
        "0x0066,0x00001234,,,",
    ]


def test_the_program_knows_it() -> None:
    found = ethernet_ip.identity("10.0.0.9", 1, 2, 3, "LAB")
    for message, transport in (
        (ethernet_ip.list_identity(), "udp"),
        (found, "udp"),
        (ethernet_ip.register(), "tcp"),
        (ethernet_ip.register(5), "tcp"),
        (ethernet_ip.read_tag(5, 1, "Tag", 1), "tcp"),
        (ethernet_ip.answer_tag(5, 1, (1, 2)), "tcp"),
        (ethernet_ip.unregister(5), "tcp"),
    ):
        known = ask(message, transport)  # type: ignore[arg-type]
        assert known is not None and known.name == "ethernet_ip"
    assert found.endswith(b"\x03LAB\x03") and bytes((10, 0, 0, 9)) in found
