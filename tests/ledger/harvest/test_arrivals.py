"""By which interface senders came in, of captures that are written byte by byte."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.engine import replay
from otmon.identity.claim import interface_port
from otmon.ledger.facts import AssetClaim
from otmon.ledger.harvest.arrivals import arrived
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.zones.decide import index, locate
from tests.capture.written import T0, enhanced, interface, obsolete, options, pcap, row, section, simple
from tests.zones.facts import model

A, B, C = (bytes([2, 0, 0, 0, 0, number]) for number in (1, 2, 3))
GROUP = b"\x01\x00\x5e\x00\x00\x01"
SENT = options((2, struct.pack("<I", 2)))


def frame(sender: bytes, address: int = 0, vlan: int = 0) -> bytes:
    """A UDP datagram from 10.1.0.`address`, or without one a frame below IP."""
    tag = struct.pack(">HH", 0x8100, vlan) if vlan else b""
    if not address:
        return B + sender + tag + b"\x88\xb5" + bytes(46)
    udp = struct.pack(">HHHH", 4000, 4001, 12, 0) + b"data"
    ip = struct.pack(">BBHHHBBH4B4B", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, 10, 1, 0, address, 10, 2, 0, 9)
    return B + sender + tag + b"\x08\x00" + ip + udp


def at(second: int) -> int:
    return (T0 + second) * 1_000_000


def capture(*blocks: bytes, names: tuple[bytes, ...] = (b"eth1", b"port 2")) -> bytes:
    return section() + b"".join(interface(more=((2, one),)) for one in names) + b"".join(blocks)


TWO = capture(
    enhanced(frame(A, 5), at(0)), enhanced(frame(A, 6, vlan=7), at(60)),
    enhanced(frame(C, 9), at(61), interface_id=1), enhanced(frame(A), at(120), interface_id=1),
    enhanced(frame(B, 8), at(121), interface_id=1, more=SENT), enhanced(frame(GROUP), at(122)),
    enhanced(frame(bytes(6)), at(123)), enhanced(b"\0" * 11, at(124)),
    obsolete(frame(A), at(125), interface_id=1), simple(frame(C)),
)  # fmt: skip
"""eth1 hears A under two addresses and C, port 2 hears A twice and C; B is sent there."""


def ports(ledger: Ledger) -> list[tuple[str, str, int]]:
    return [(one.mac, one.value, one.times) for one in ledger.claims if one.kind == "switch-port"]


def told(tmp_path: Path, *captures: bytes, jobs: int = 1) -> Ledger:
    paths = []
    for number, data in enumerate(captures):
        path = tmp_path / f"{number}.pcapng"
        path.write_bytes(data)
        paths.append(str(path))
    return replay(paths, arrivals=True, jobs=jobs).ledger


PORT_2 = f"interface:{b'port 2'.hex()}"
EXPECTED = [
    ("00:00:00:00:00:00", "interface:eth1", 1),
    ("02:00:00:00:00:01", PORT_2, 2), ("02:00:00:00:00:01", "interface:eth1", 2),
    ("02:00:00:00:00:03", PORT_2, 1), ("02:00:00:00:00:03", "interface:eth1", 1),
]  # fmt: skip


def test_each_sender_is_told_with_the_interfaces_by_which_it_came_in(tmp_path: Path) -> None:
    found = told(tmp_path, TWO)
    assert ports(found) == EXPECTED
    first = found.claims[2]
    assert (first.first_ns, first.last_ns) == (T0 * 10**9, (T0 + 60) * 10**9)
    assert (first.evidence.packet, first.address, first.vlan, first.protocol) == (1, "", "", "interface")
    assert TWO[first.evidence.offset :].startswith(frame(A, 5))


def test_nobody_is_told_who_does_not_ask(tmp_path: Path) -> None:
    path = tmp_path / "two.pcapng"
    path.write_bytes(TWO)
    assert ports(replay([str(path)]).ledger) == []


def test_captures_that_name_no_interface_tell_nothing(tmp_path: Path) -> None:
    assert ports(told(tmp_path, pcap(row(3)), capture(enhanced(frame(A)), names=(b"",)))) == []


def test_files_are_merged_whatever_reads_them(tmp_path: Path) -> None:
    one = told(tmp_path, TWO, TWO, TWO)
    assert ports(one) == [(mac, port, 3 * times) for mac, port, times in EXPECTED]
    assert told(tmp_path, TWO, TWO, TWO, jobs=2).claims == one.claims


def test_a_look_at_the_facts_in_between_tells_what_came_until_then(tmp_path: Path) -> None:
    path = tmp_path / "two.pcapng"
    path.write_bytes(TWO)
    looks: list[list[tuple[str, str, int]]] = []
    last = replay([str(path)], arrivals=True, look=lambda _, facts: looks.append(ports(facts()))).ledger
    assert looks[0] == [("02:00:00:00:00:01", "interface:eth1", 1)]
    assert looks[-1] == ports(last) == EXPECTED


def test_senders_beyond_the_number_that_is_followed_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otmon.ledger.harvest.arrivals.SENDERS", 2)
    frames = (enhanced(frame(b"\x02" + bytes(4) + bytes([n])), at(n)) for n in (1, 2, 3, 3, 1))
    found = told(tmp_path, capture(*frames))
    assert [times for _, _, times in ports(found)] == [2, 1]
    assert dict(found.overflow)["claims"] == 2


def test_a_name_that_no_claim_holds_tells_nothing(tmp_path: Path) -> None:
    assert interface_port(b"x" * 150) == f"interface:{'x' * 150}"
    assert interface_port(b"x" * 151) == interface_port(b"") == ""
    assert ports(told(tmp_path, capture(enhanced(frame(A)), names=(b" " * 80,)))) == []


def test_what_one_reader_heard_came_in_by_its_interface(tmp_path: Path) -> None:
    facts = told(tmp_path, TWO)
    bare = replace(facts, claims=())
    assert arrived(bare, "") == bare
    live = merge_all((arrived(bare, "enp3s0"),))
    senders = "00:00:00:00:00:00", *(f"02:00:00:00:00:0{n}" for n in (1, 2, 3))
    assert [(mac, port) for mac, port, _ in ports(live)] == [(mac, "interface:enp3s0") for mac in senders]
    packets = sum(one.packets for one in facts.assets if one.mac == "02:00:00:00:00:01")
    assert ports(live)[1][2] == packets


PLUGGED = model(f"""
    zones:
    - {{id: office, importance: low, members: 10.1.0.0/24}}
    - {{id: cell, importance: high, members: {{switch_port: "interface:port 2"}}}}
    - {{id: line, importance: high, members: {{switch_port: "interface:eth1"}}}}
    - {{id: lab, importance: low, members: {{switch_port: "{PORT_2}/9"}}}}
""")


def test_a_zone_holds_who_came_in_by_its_interface(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        capture(
            enhanced(frame(A, 5), at(0)),
            enhanced(frame(A, 6, vlan=7), at(1)),
            enhanced(frame(C, 9), at(2), interface_id=1),
            enhanced(frame(C), at(3), interface_id=1),
        ),
    )
    ready = index(PLUGGED, found.assets, claims=found.claims)
    places = [
        ("10.1.0.5", ""), ("10.1.0.6", "7"), ("10.1.0.9", ""), ("10.1.0.7", ""), ("02:00:00:00:00:03", ""),
    ]  # fmt: skip
    assert [locate(ready, *one).zone for one in places] == ["line", "line", "cell", "office", "cell"]


def test_who_came_in_by_interfaces_of_two_zones_is_at_none(tmp_path: Path) -> None:
    found = told(tmp_path, TWO)
    ready = index(PLUGGED, found.assets, claims=found.claims)
    assert locate(ready, "10.1.0.5", "").zone == "office"
    other = AssetClaim("02:00:00:00:00:07", "", "", "switch-port", "interface:eth1", "interface", 1, 1, 1,
                       found.claims[0].evidence)  # fmt: skip
    assert locate(index(PLUGGED, found.assets, claims=[other]), "10.1.0.5", "").zone == "office"
