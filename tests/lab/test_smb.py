"""What a Windows XP says of itself, read by tshark."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from otmon.lab import smb
from otmon.lab.frames import connection
from otmon.lab.plant import shipped_plant
from otmon.outputs.pcapng import pcapng
from tests.protocols.recognition import ask

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
LABEL_PC = PLANT.host("label-pc")
WIRE = PLANT.wire


def test_tshark_reads_the_logon_and_its_age(tshark: str, tmp_path: Path) -> None:
    says = smb.logon("LABEL-PC", "COPIER", (smb.XP_CLIENT, smb.PRINTER), Random(1))
    packets = connection(WIRE, 0, (LABEL_PC, HMI), (1046, smb.PORT), says, Random(1), "x")
    capture = tmp_path / "smb.pcapng"
    capture.write_bytes(pcapng(((p.time_ns, p.data) for p in packets), "test", "x", "x"))
    fields = (
        "smb.cmd",
        "smb.flags.response",
        "ntlmssp.messagetype",
        "ntlmssp.version.build_number",
        "smb.native_os",
        "smb.native_lanman",
        "ntlmssp.auth.username",
        "ntlmssp.auth.hostname",
        "smb.path",
    )
    command = [tshark, "-r", str(capture), "-Y", "smb", "-T", "fields"]
    command += ["-E", "separator=,", "-E", "occurrence=f"]
    command += [part for field in fields for part in ("-e", field)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert shown == [
        "0x72,0,,,,,,,",
        "0x72,1,,,,,,,",
        "0x73,0,0x00000001,2600,Windows 2002 Service Pack 3 2600,Windows 2002 5.1,,,",
        "0x73,1,0x00000002,0,Unix,Samba 3.6.3,,,",
        "0x73,0,0x00000003,2600,Windows 2002 Service Pack 3 2600,Windows 2002 5.1,guest,LABEL-PC,",
        "0x73,1,,,Unix,Samba 3.6.3,,,",
        "0x75,0,,,,,,,\\\\COPIER\\IPC$",
        "0x75,1,,,,,,,\\\\COPIER\\IPC$",
    ]
    broken = [tshark, "-r", str(capture), "-Y", "_ws.malformed || _ws.expert.severity >= 0x600000"]
    assert subprocess.run(broken, check=True, capture_output=True, text=True).stdout == ""


def test_every_message_counts_its_bytes_and_is_known() -> None:
    for say in smb.logon("", "A" * 15, (smb.CRAWLER, smb.XP_SERVER), Random(2)):
        assert int.from_bytes(say.payload[:4], "big") == len(say.payload) - 4
        known = ask(say.payload, "tcp", (50_000, 1445))
        assert known is not None and known.name == "smb"
