"""How well devices are told apart: ``python -m tests.confusion`` writes two tables into docs/assets.md.

The first is of devices in real captures, of which their capture names the model, or its page says what it is;
`OTMON_CORPUS` names the folder of captures. The second is of the made-up days in `pcaps/`, without their
inventories: it shows what the program does where nobody has a real capture, and not how well.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from otmon.assets.classify import Device, population
from otmon.engine import replay
from otmon.lab.plant import shipped_plant, shipped_plants

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "assets.md"
BEGIN, END = "<!-- confusion: begin -->\n", "<!-- confusion: end -->"
MADE_UP, MADE_UP_END = "<!-- made-up: begin -->\n", "<!-- made-up: end -->"
_BY_ROLE: Final = {
    "scada": "hmi", "hmi": "hmi", "engineering": "engineering-station", "controller": "controller",
    "safety": "controller", "remote-io": "controller", "robot": "controller", "historian": "historian",
    "server": "server", "names": "server", "time": "server", "office": "pc", "terminal": "pc", "labels": "pc",
    "printer": "printer", "maintenance": "pc", "switch": "switch",
}  # fmt: skip
"""What hosts of the training range are, by their first role (`otmon.lab.plant`)."""
_BY_NAME: Final = ("phone", "camera", "laptop")
"""And guests, who have no role, by a part of their name."""


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
                found.append((one, _taken(by_id[one.device])))
    return found


def made_up() -> list[tuple[str, str]]:
    """Of each host of the plants that its day shows: what it is, and what it is taken for."""
    found = []
    for plant in map(shipped_plant, shipped_plants()):
        day = ROOT / "pcaps" / f"{Path(plant.model).stem}-day.pcapng"
        people = population(replay([str(day)]).ledger)
        for host in plant.hosts:
            device = people.by_id.get(host.mac)
            what = _BY_ROLE.get(host.roles[0]) or next((one for one in _BY_NAME if one in host.name), None)
            if device is not None and what is not None:
                found.append((what, _taken(device)))
    return found


def _taken(device: Device) -> str:
    probable = device.probable
    named = probable.sureness in ("sure", "likely", "possible")
    return " or ".join(probable.classes) if named else probable.sureness


def table(found: list[tuple[str, str]]) -> str:
    """The table of what devices are and are taken for, line by line."""
    counts = Counter(found)
    right = sum(what == taken for what, taken in found)
    among = sum(what in taken.split(" or ") for what, taken in found)
    lines = ["| is | taken for | devices |", "| --- | --- | --- |"]
    lines += [f"| {what} | {taken} | {count} |" for (what, taken), count in sorted(counts.items())]
    lines += ["", f"Of {len(found)} devices {right} are told by their class, {among} by it or among others."]
    return "\n".join(lines) + "\n"


def written(page: str, real: str, own: str) -> str:
    """The page with both tables between their marks."""
    for begin, end, text in ((BEGIN, END, real), (MADE_UP, MADE_UP_END, own)):
        head, _, rest = page.partition(begin)
        page = head + begin + text + end + rest.partition(end)[2]
    return page


def pages(corpus: Path) -> tuple[str, str]:
    """Both tables."""
    return table([(one.what, taken) for one, taken in told(corpus)]), table(made_up())


if __name__ == "__main__":
    CORPUS = Path(os.environ.get("OTMON_CORPUS") or ROOT.parent / "shared" / "corpus")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), *pages(CORPUS)), encoding="utf-8")
