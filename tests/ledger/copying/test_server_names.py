"""Names that are asked for by TLS are told once an hour for each server, and never lost for that."""

from __future__ import annotations

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from otmon.ledger.copying.messages import OPENING, SECOND_CLAIMS
from otmon.ledger.copying.server_names import asked_name
from otmon.ledger.facts import HOUR_NS, AssetClaim
from otmon.ledger.tables import FILL_MESSAGES, G_WAY
from tests.identity.claims.messages import client_hello, tls
from tests.ledger.seen import Seen

SECOND = 1_000_000_000
START = 400_000 * HOUR_NS


def asking(
    port: int, hello: bytes, server: str = "203.0.113.7", client: str = "10.0.0.9", vlan: int = 0
) -> list[bytes]:
    """A connection in which a client asks."""
    tag = Dot1Q(vlan=vlan) if vlan else None
    link = Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:01")
    link = link / tag if tag else link
    there = link / IP(src=client, dst=server)
    back = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:09")
    back = (back / tag if tag else back) / IP(src=server, dst=client)
    return [
        bytes(there / TCP(sport=port, dport=443, flags="S", seq=99)),
        bytes(back / TCP(sport=443, dport=port, flags="SA", seq=499, ack=100)),
        bytes(there / TCP(sport=port, dport=443, flags="PA", seq=100, ack=500) / Raw(hello)),
    ]


def told(seen: Seen) -> list[tuple[str, str, str, int]]:
    """Server, VLAN, name, how often it was read."""
    return [(one.address, one.vlan, one.value, one.times) for one in called(seen)]


def copied(seen: Seen) -> int:
    """Payloads that wait to be read."""
    ways = seen.t.messages[: seen.t.used[FILL_MESSAGES], G_WAY]
    return int((ways < OPENING).sum())


def called(seen: Seen) -> list[AssetClaim]:
    return [one for one in seen.finish().ledger().claims if one.kind == "called"]


def replayed(*connections: tuple[int, list[bytes]]) -> Seen:
    return Seen().frames((START + at, frame) for at, frames in connections for frame in frames)


NAS, HMI = tls(client_hello(b"nas.example")), tls(client_hello(b"hmi.example"))


def test_a_name_is_told_once_in_an_hour() -> None:
    many = [(number * SECOND, asking(40_000 + number, NAS)) for number in range(100)]
    later = (HOUR_NS + SECOND, asking(41_000, NAS))
    seen = replayed(*many, later)
    assert copied(seen) == 2
    (one,) = called(seen)
    assert (one.address, one.value, one.times) == ("203.0.113.7", "nas.example", 2)
    assert one.last_ns - one.first_ns == HOUR_NS + SECOND


def test_names_servers_and_networks_are_told_apart() -> None:
    seen = replayed(
        *[(0, asking(40_000 + number, NAS)) for number in range(3)],
        *[(0, asking(41_000 + number, HMI)) for number in range(3)],
        *[(0, asking(42_000 + number, NAS, server="203.0.113.8")) for number in range(3)],
        *[(0, asking(43_000 + number, NAS, vlan=7)) for number in range(3)],
        # Whoever asks: it is told of the server.
        *[(0, asking(44_000, NAS, client=f"10.0.0.{number}")) for number in range(1, 200)],
    )
    assert told(seen) == [
        ("203.0.113.7", "", "hmi.example", 1),
        ("203.0.113.7", "", "nas.example", 1),
        ("203.0.113.7", "7", "nas.example", 1),
        ("203.0.113.8", "", "nas.example", 1),
    ]


def test_what_was_shed_is_told_by_the_next_one() -> None:
    others = [tls(client_hello(b"host-%d.example" % number)) for number in range(SECOND_CLAIMS)]
    first = [(0, asking(10_000 + number, hello)) for number, hello in enumerate(others)]
    again = (0, asking(50_000, NAS, "203.0.113.9")), (SECOND, asking(50_001, NAS, "203.0.113.9"))
    seen = replayed(*first, *again)
    assert seen.counted["claims behind the budget of a second"] >= 1
    assert [one.first_ns for one in called(seen) if one.value == "nas.example"] == [START + SECOND]


@pytest.mark.parametrize("size", range(len(NAS) + 1))
def test_a_hello_that_is_cut_counts_for_no_name(size: int) -> None:
    """Of each such connection the beginning is kept, as the rest may follow."""
    t = Seen().t
    src = np.frombuffer(NAS[:size], np.uint8)
    number = asked_name(t, 0, 0, src, 0, size)
    assert (number > 0) == (size == len(NAS))
    assert number == 0 if size < 6 else number != 0
    # Before that it is no TLS.
    if 9 <= size < len(NAS):
        seen = replayed((0, asking(40_000, NAS[:size])), (0, asking(40_001, NAS[:size])))
        assert copied(seen) == 2


def test_lies_of_lengths_reach_nothing_behind_the_end() -> None:
    t = Seen().t
    random = np.random.default_rng(1)
    for at in range(9, len(NAS)):
        for value in (0, 1, 0x7F, 0xFF):
            lying = bytearray(NAS)
            lying[at] = value
            for end in (len(lying), int(random.integers(6, len(lying)))):
                # Behind the end another name stands, that must not be read.
                both = [np.frombuffer(bytes(lying[:end]) + rest, np.uint8) for rest in (HMI, b"\xff" * 99)]
                assert len({asked_name(t, 0, 0, src, 0, end) for src in both}) == 1
