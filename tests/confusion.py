"""How well devices of real captures are told apart: ``python -m tests.confusion`` writes the table into
docs/assets.md.

The devices are those of which their capture names the model, or its page says what it is. `OTMON_CORPUS`
names the folder of captures.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from otmon.assets.classify import population
from otmon.engine import replay

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "assets.md"
BEGIN, END = "<!-- confusion: begin -->\n", "<!-- confusion: end -->"


class Known(NamedTuple):
    """A device of a capture: what it is, and what says so."""

    capture: str
    device: str
    what: str
    why: str


_OPENICS: Final = "ITI+ICS-Security-Tools/pcaps/openics/EIP-IPAddressChangeAttempt.pcap"
_ENIP: Final = "OISF+suricata-verify/tests/enip-alert/enip_test1.pcap"
_PRINTER: Final = "zeek+zeek/testing/btest/Traces/snmp/leak_test.pcapng"
_3560: Final = "the-tcpdump-group+tcpdump/tests/3560_CDP.pcap"
_CDP: Final = "the-tcpdump-group+tcpdump/tests/LLDP_and_CDP.pcap"
DEVICES: Final = (
    Known(_OPENICS, "00:00:bc:3e:eb:e4", "controller", "1756-ENBT/A of a ControlLogix"),
    Known(_OPENICS, "00:e0:62:60:35:d0", "controller", "Koyo DL405"),
    Known(_OPENICS, "00:1e:f6:73:59:81", "switch", "Cisco Catalyst Express 500"),
    Known(_OPENICS, "00:0c:29:19:9e:8e", "server", "Windows Server 2003 R2"),
    Known(_OPENICS, "00:0c:29:e8:32:7a", "server", "Windows Server 2003 R2"),
    Known(_OPENICS, "00:0c:29:f7:85:99", "server", "Windows Server 2003 R2"),
    Known(
        "ITI+ICS-Security-Tools/pcaps/s7/s7comm_reading_plc_status.pcap",
        "00:1b:1b:23:eb:3b", "controller", "6ES7 151-8AB01-0AB0, IM151-8 PN/DP CPU",
    ),
    Known(
        "cisagov+icsnpp-s7comm/tests/traces/snap7.pcap", "00:0e:8c:d0:f9:cb", "controller", "CPU 315-2 PN/DP"
    ),
    Known(
        "ITI+ICS-Security-Tools/pcaps/profinet/profinet-wireshark-bug.pcap",
        "00:02:e3:17:c7:50", "controller", "S7-300EC",
    ),
    Known(_ENIP, "e4:aa:ea:a9:25:2f", "controller", "1756-ENBT/A"),
    Known(
        "cisagov+icsnpp-bsap/testing/traces/bsap-serial_example.pcapng",
        "00:1f:6d:68:76:c7", "switch", "Cisco WS-C2940-8TT-S",
    ),
    Known(_3560, "00:19:06:ea:b8:85", "switch", "Cisco WS-C3560G-24PS"),
    Known(_CDP, "00:18:ba:98:68:8f", "switch", "Cisco WS-C3560-24TS"),
    Known(_CDP, "00:19:2f:a7:b2:8d", "switch", "Cisco WS-C3560G-24PS"),
    Known("zeek+zeek/testing/btest/Traces/lldp.pcap", "00:22:2d:81:db:10", "switch", "SMCGS8P-Smart"),
    Known(_PRINTER, "08:00:37:15:e6:bc", "printer", "Xerox B6300"),
)  # fmt: skip


def told(corpus: Path) -> list[tuple[Known, str]]:
    """Each device with what it is taken for: a class, several, or why none."""
    found = []
    for capture in dict.fromkeys(one.capture for one in DEVICES):
        by_id = population(replay([str(corpus / capture)]).ledger).by_id
        for one in DEVICES:
            if one.capture == capture:
                probable = by_id[one.device].probable
                classes = " or ".join(probable.classes)
                named = probable.sureness in ("sure", "likely", "possible")
                found.append((one, classes if named else probable.sureness))
    return found


def table(found: list[tuple[Known, str]]) -> str:
    """The table, line by line."""
    counts = Counter((one.what, taken) for one, taken in found)
    right = sum(one.what == taken for one, taken in found)
    among = sum(one.what in taken.split(" or ") for one, taken in found)
    lines = ["| is | taken for | devices |", "| --- | --- | --- |"]
    lines += [f"| {what} | {taken} | {count} |" for (what, taken), count in sorted(counts.items())]
    lines += ["", f"Of {len(found)} devices {right} are told by their class, {among} by it or among others."]
    return "\n".join(lines) + "\n"


def written(page: str, text: str) -> str:
    """The page with the table between its marks."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + text + END + rest.partition(END)[2]


if __name__ == "__main__":
    CORPUS = Path(os.environ.get("OTMON_CORPUS") or ROOT.parent / "shared" / "corpus")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table(told(CORPUS))), encoding="utf-8")
