"""Files over SMB 1 are what Wireshark reads as such, to the last byte."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import smb, smb_files
from otmon.lab.frames import connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng

PLANT = shipped_plant("two-factories")


def test_a_file_is_stored_and_another_one_encrypted(tshark: str, tmp_path: Path) -> None:
    says = smb.logon("LABEL-PC", "COPIER", (smb.XP_CLIENT, smb.PRINTER), Random(1))
    says += smb_files.share("COPIER", "DATA")
    says += smb_files.store(0x4000, "\\a.exe", b"MZ" * 3_000)
    says += smb_files.encrypt(0x4001, "\\b.csv", 5_000, Random(2))
    hosts = PLANT.host("a-label-pc"), PLANT.host("copier")
    packets = connection(PLANT.wire, 0, hosts, (1_030, smb.PORT), says, Random(1), "x")
    capture = tmp_path / "smb.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))

    def shown(display: str, *fields: str) -> list[str]:
        command = [tshark, "-r", str(capture), "-Y", display, "-T", "fields", "-E", "separator=,"]
        command += [part for field in fields for part in ("-e", field)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    asked = shown("smb.cmd != 0x72 && smb.cmd != 0x73 && smb.flags.response == 0", "smb.cmd", "smb.file")
    assert [line.partition(",")[0] for line in asked] == [
        "0x75", "0x75", "0xa2", "0x2f", "0x2f", "0x04", "0xa2", "0x2e", "0x2f", "0x2e", "0x2f", "0x04",
    ]  # fmt: skip
    assert [line.rpartition(",")[2] for line in asked if line.startswith("0xa2")] == ["\\a.exe", "\\b.csv"]
    assert shown("smb.cmd == 0x2f && smb.flags.response == 0", "smb.data_len_low") == [
        "4096",
        "1904",
        "4096",
        "904",
    ]
    assert shown("smb.nt_status != 0 && smb.nt_status != 0xc0000016", "frame.number") == []
    assert shown("_ws.malformed || _ws.expert.severity >= 0x800000", "frame.number") == []
