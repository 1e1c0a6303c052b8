"""S7 of the lab is what tshark and the program take it for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import s7
from otmon.lab.frames import connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng
from tests.protocols.recognition import ask

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
PLC_MIXING = PLANT.host("plc-mixing")
WIRE = PLANT.wire

VALUE = bytes(range(6))


def test_tshark_reads_what_is_said(tshark: str, tmp_path: Path) -> None:
    says = s7.session(
        [
            (9, s7.read(2, 10, 4, 6), s7.answer_read(2, VALUE)),
            (9, s7.write(3, 20, 2, VALUE), s7.answer_write(3)),
        ]
    )
    packets = connection(WIRE, 0, (HMI, PLC_MIXING), (50_000, s7.PORT), says, Random(1), "x")
    capture = tmp_path / "s7.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    fields = ("header.rosctr", "param.func", "param.item.db", "param.item.address.byte", "resp.data")
    command = [tshark, "-r", str(capture), "-Y", "s7comm", "-T", "fields", "-E", "separator=,"]
    command += [part for field in fields for part in ("-e", f"s7comm.{field}")]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert shown == [
        "1,0xf0,,,",
        "3,0xf0,,,",
        "1,0x04,10,4,",
        "3,0x04,,,000102030405",
        "1,0x05,20,2,000102030405",
        "3,0x05,,,",
    ]


def test_the_program_knows_it() -> None:
    messages = (
        s7.connect(1), s7.connected(1), s7.setup(1), s7.set_up(1), s7.read(2, 1, 0, 2),
        s7.answer_read(2, b"ab"), s7.write(3, 1, 0, b"ab"), s7.answer_write(3),
    )  # fmt: skip
    for message in messages:
        known = ask(message, "tcp", (50_000, 1102))
        assert known is not None and known.name == "s7comm"
        assert int.from_bytes(message[2:4], "big") == len(message)


def test_a_refusal_is_told_from_an_answer() -> None:
    done, refused = s7.answer_read(2, VALUE), bytearray(s7.answer_write(3))
    assert not s7.refuses(done) and not s7.refuses(bytes(refused)) and not s7.refuses(s7.read(2, 10, 4, 6))
    refused[17] = 0x81
    assert s7.refuses(bytes(refused)) and s7.refuses(done + bytes(refused))
    alone = bytes.fromhex("03000013 02f080 32 02 0000 0007 0000 0000 8104")
    assert s7.refuses(alone) and s7.refuses(s7.connected(1) + alone)
    for data in (b"", b"\3", b"\3\0\0\0", b"\3\0\0\0" * 9, b"\3\0\xff\xff", alone[:17], b"HTTP" + alone):
        assert not s7.refuses(data)
