"""Who answers for whom."""

from __future__ import annotations

import struct
from pathlib import Path

from otmon.lab.frames import Host, Packet, udp_packet
from otmon.ledger.facts import AssetClaim, Evidence
from tests.detect import captures
from tests.detect.plant import HMI, found

RULE = "name-poisoning"


def named(name: str, protocol: str = "llmnr", kind: str = "name", address: str = HMI) -> AssetClaim:
    seen = Evidence(5, "a.pcap", 3, 70)
    return AssetClaim("02:00:00:00:00:66", address, "", kind, name, protocol, 2, 5, 9, seen)  # type: ignore[arg-type]


NAMES = [named(name) for name in ("srv1", "srv2", "wpad", "printer")]


def test_four_names_of_one_host() -> None:
    (one,) = found(RULE, *NAMES)
    assert (one.severity, one.count, one.link.client, one.place.from_zone) == ("high", 8, HMI, "control")
    assert found(RULE, *NAMES[:3]) == found(RULE, *NAMES, baseline=NAMES) == []
    assert len(found(RULE, *NAMES, baseline=NAMES[:2])) == 1


def test_a_domain_and_capitals_make_no_other_name() -> None:
    same = named("SRV1"), named("srv1.plant.local"), named("wpad.plant.local")
    assert found(RULE, *NAMES[:3], *same) == []


def test_netbios_answers_count_where_they_name_the_sender() -> None:
    own = [named(f"SRV{n} {HMI}", "nbns", "answers") for n in range(4)]
    others = [named(f"SRV{n} 10.1.0.{n}", "nbns", "answers") for n in range(10, 20)]
    assert len(found(RULE, *own)) == 1
    assert found(RULE, *others) == found(RULE, *[named(f"N{n}", "mdns") for n in range(9)]) == []


def coded(name: str) -> bytes:
    raw = name.ljust(15).encode() + b"\0"
    return b"\x20" + bytes(c for byte in raw for c in (0x41 + (byte >> 4), 0x41 + (byte & 15))) + b"\0"


def test_from_packets_on(tmp_path: Path) -> None:
    asker, liar = captures.HMI, Host("liar", "10.1.0.66", "00:50:56:00:66:66")
    packets: list[Packet] = []
    for n in range(6):
        at = captures.START_NS + n * 1_000_000
        head = struct.pack("!6H", n, 0x8500, 0, 1, 0, 0)
        data = struct.pack("!HHIHH4B", 0x20, 1, 60, 6, 0, 10, 1, 0, 66)
        answer = head + coded(f"SRV{n}") + data
        packets.append(udp_packet(captures.WIRE, at, (liar, asker), (137, 137), answer, n, "lie"))
    (one,) = captures.found(RULE, packets, tmp_path)
    assert (one.link.client, one.what.key) == ("10.1.0.66", "poisons")
