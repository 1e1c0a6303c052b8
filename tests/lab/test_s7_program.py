"""Work on a program is what Wireshark reads as such."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import s7, s7_program
from otmon.lab.frames import SECOND_NS, Say, connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng

PLANT = shipped_plant("body-line")


def read(tshark: str, folder: Path, says: list[Say]) -> list[str]:
    hosts = PLANT.host("line-ews"), PLANT.host("line-plc")
    packets = connection(PLANT.wire, 0, hosts, (50_000, s7.PORT), [*s7.session(()), *says], Random(1), "x")
    capture = folder / "s7.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    command = [tshark, "-r", str(capture), "-Y", "s7comm", "-T", "fields", "-e", "_ws.col.Info"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    broken = [tshark, "-r", str(capture), "-Y", "_ws.malformed || _ws.expert.severity >= 0x800000"]
    assert subprocess.run(broken, check=True, capture_output=True, text=True).stdout == ""
    return [line.strip() for line in shown[2:]]


def test_a_program_is_downloaded_part_by_part_as_the_cpu_asks_for_it(tshark: str, tmp_path: Path) -> None:
    code = s7_program.code_of(500, Random(1))
    assert read(tshark, tmp_path, s7_program.download(2, 1, code)) == [
        "ROSCTR:[Job     ] Function:[Request download] -> Block:[OB1]",
        "ROSCTR:[Ack_Data] Function:[Request download]",
        *["ROSCTR:[Job     ] Function:[Download block] -> Block:[OB1]",
          "ROSCTR:[Ack_Data] Function:[Download block]"] * 3,
        "ROSCTR:[Job     ] Function:[Download ended] -> Block:[OB1]",
        "ROSCTR:[Ack_Data] Function:[Download ended]",
        "ROSCTR:[Job     ] Function:[PI-Service] -> _INSE(OB1)",
        "ROSCTR:[Ack_Data] Function:[PI-Service]",
    ]  # fmt: skip


def test_a_program_is_uploaded(tshark: str, tmp_path: Path) -> None:
    shown = read(tshark, tmp_path, s7_program.upload(2, 1, s7_program.code_of(100, Random(1))))
    assert [line.partition("[")[2][:8] for line in shown] == ["Job     ", "Ack_Data"] * 3
    assert "Start upload" in shown[0] and "End upload" in shown[-1]


def test_a_cpu_is_stopped_identified_and_started(tshark: str, tmp_path: Path) -> None:
    exchanges = [
        *s7_program.identification(2),
        (SECOND_NS, s7_program.stop(3), s7_program.stopped(3)),
        (SECOND_NS, s7_program.start(4, cold=True), s7_program.invoked(4)),
        (SECOND_NS, s7_program.start(5), s7_program.invoked(5)),
        (SECOND_NS, s7_program.insert(6, 7), s7_program.invoked(6)),
    ]
    says = [
        say
        for wait_ns, asked, told in exchanges
        for say in (Say("client", asked, wait_ns), Say("server", told, 1_000_000))
    ]
    shown = read(tshark, tmp_path, says)
    assert "[Read SZL] ID=0x0011" in shown[0] and "Response" in shown[1]
    assert shown[2].endswith("[PLC Stop]") and shown[4].endswith('P_PROGRAM("C ")')
    assert shown[6].endswith("P_PROGRAM()") and shown[8].endswith("_INSE(OB7)")
