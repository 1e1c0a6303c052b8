"""Captures with known truth, from packets to transactions: every one is found, and none is made up.

The generator is `tests.truth`; that its captures are what they claim to be is held against tshark
where tshark can tell.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.truth import dialogue, segmentation, wrapping
from tests.truth.capture import Capture, Packet, capture, check, fragmented, mirrored, packets, truth, write
from tests.truth.frames import LINKS, ROUTER_SIDE, Link, routed
from tests.truth.messages import public
from tests.truth.talk import (
    MASTER_PORT,
    MICROSECOND,
    MILLISECOND,
    POLL_NS,
    Segment,
    Talk,
    cut,
    ending,
    handshake,
    join,
    reordered,
)

SCENARIOS = (*segmentation.SCENARIOS, *dialogue.SCENARIOS, *wrapping.SCENARIOS)
FRAGMENTS = (wrapping.ip_fragments, wrapping.fragments_of_two_datagrams, wrapping.fragments_in_a_tunnel)

UNOPENED = "MPLS pseudo-wire"
"""tshark takes a pseudo-wire without control word for one only when it knows the makers of both
addresses."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_transaction_is_found(scenario: Callable[[], Capture], tmp_path: Path) -> None:
    check(scenario(), tmp_path)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
def test_every_link_is_opened(link: Link, tmp_path: Path) -> None:
    found = check(wrapping.wrapped(link), tmp_path)
    assert {c.protocol for c in found.ledger.conversations if c.port == 502} == {"modbus"}


MESSAGES = st.sampled_from(public())
OUTCOMES = st.sampled_from((0, 0, 0, 0, 2, 4, 11, None))
"""Exceptions; None is a request that is not answered."""


@st.composite
def dialogues(draw: st.DrawFn, number: int, transport: str = "tcp") -> Talk:
    """Some groups of pipelined requests, answered in any order."""
    six = draw(st.booleans())
    talk = Talk(f"drawn {number}", MASTER_PORT + number, *(wrapping.SIX if six else ()))
    talk.transport = "udp" if transport == "udp" else "tcp"
    talk.isn = (2**32 - draw(st.integers(1, 400)), draw(st.integers(0, 2**32 - 1)))
    for group in draw(
        st.lists(st.lists(st.tuples(MESSAGES, OUTCOMES), min_size=1, max_size=6), min_size=1, max_size=4)
    ):
        answers = []
        for message, outcome in group:
            asked = talk.ask(message, unit=draw(st.integers(0, 3)))
            answers += [(asked, outcome)] if outcome is not None else []
            talk.now += 20 * MICROSECOND
        talk.now += 2 * MILLISECOND
        for asked, outcome in draw(st.permutations(answers)):
            talk.answer(asked, outcome)
            talk.now += 20 * MICROSECOND
        talk.now += POLL_NS
    return talk


@st.composite
def ways(draw: st.DrawFn, burst: Segment, in_order: int = 0) -> list[Segment]:
    """What may become of a burst: pieces, some of them twice, and those that begin at `in_order` or
    behind it up to five places late."""
    size = burst.end - burst.start
    places = draw(st.lists(st.integers(1, max(1, size - 1)), max_size=20))
    pieces = list(cut(burst, places if size > 1 else []))
    late = draw(st.lists(st.integers(0, 5), min_size=len(pieces), max_size=len(pieces)))
    late = [-1 if piece.start < in_order else n for piece, n in zip(pieces, late, strict=True)]
    moved = reordered(pieces, sorted(range(len(pieces)), key=lambda i: i + late[i]))
    sent = []
    for piece in moved:
        sent.append(piece)
        if draw(st.integers(0, 5)) == 0:
            start = max(burst.start, piece.start - draw(st.integers(0, 40)))
            # Another window, as IPv6 has nothing else that tells it from a mirror's copy.
            again = replace(piece, start=start, time_ns=piece.time_ns + MICROSECOND, window=8191)
            sent.append(again)
    return sent


@st.composite
def drawn_packets(draw: st.DrawFn, number: int) -> tuple[list[Packet], int]:
    """The packets of one conversation, and how many of them are a mirror's copies."""
    talk = draw(dialogues(number))
    bursts = join(talk.segments)
    opened = draw(st.booleans())
    if not opened:
        skipped = draw(st.integers(0, bursts[0].end - bursts[0].start - 1))
        bursts[0] = replace(bursts[0], start=bursts[0].start + skipped)
    first = {burst.sender: burst for burst in reversed(bursts)}
    segments = []
    for burst in bursts:
        in_order = 0
        if not opened and first[burst.sender] is burst:
            # No place is known for what comes before the first segment that is seen. And what is left
            # of the message in which the capture began has one packet number until it is known to be
            # none, so that its late pieces would count for the message behind it.
            begins = [p.start for p in talk.places if p.sender == burst.sender and p.start >= burst.start]
            in_order = max(burst.start + 1, min(begins, default=burst.end))
        segments += draw(ways(burst, in_order))
    segments = [*handshake(talk), *segments, *ending(talk)] if opened else segments
    made = packets(talk, segments, draw(st.sampled_from(LINKS)))
    # Fragments complete their packets in other orders; before the first one that is seen of a
    # connection no place is known for what comes late.
    kinds = ("plain", "plain", "copies", "routed", *(("fragments",) if opened else ()))
    what = draw(st.sampled_from(kinds))
    if what == "fragments":
        return fragmented(made, draw(st.sampled_from((24, 48, 104)))), 0
    if what == "copies":
        return mirrored(made, 2 * MICROSECOND, lambda packet: packet), len(made)
    if what == "routed":
        return mirrored(
            made,
            30 * MICROSECOND,
            lambda packet: replace(packet, link=ROUTER_SIDE, datagram=routed(packet.datagram)),
        ), len(made)
    return made, 0


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    drawn = [draw(drawn_packets(number)) for number in range(draw(st.integers(1, 3)))]
    over_udp = draw(dialogues(9, "udp"))
    datagrams = packets(over_udp, over_udp.segments, draw(st.sampled_from(LINKS)))
    return capture("drawn", *(made for made, _ in drawn), datagrams, duplicates=sum(n for _, n in drawn))


@given(captures())
@settings(max_examples=60)
def test_any_way_through_the_network(folder: Path, cap: Capture) -> None:
    check(cap, folder)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the captures that hypothesis draws; the last one stays."""
    return tmp_path_factory.mktemp("drawn")


def test_truth_counts_bytes() -> None:
    """The generator's own arithmetic, on a request in three pieces of which the second is late, and
    a response that is lost and then is there twice."""
    talk = Talk("by hand")
    talk.poll(public()[0])
    request, response = talk.segments
    a, b, c = cut(request, [3, 9])
    twice = replace(response, time_ns=response.time_ns + MILLISECOND)
    cap = capture("by hand", packets(talk, [a, c, replace(b, time_ns=c.time_ns + 1000), response, twice]))
    row = truth(cap)[0][1]
    assert (row.request_packet, row.response_packet) == (3, 4)
    assert row.response_time_ns == response.time_ns - c.time_ns - 1000
    cap = capture("by hand", packets(talk, [a, c, twice]))
    row = truth(cap)[0][1]
    assert (row.request_packet, row.response_packet, row.address) == (None, 3, None)


def _all_but_fragments() -> Capture:
    made = chain.from_iterable(s().packets for s in SCENARIOS if s not in FRAGMENTS)
    return Capture("all but fragments", tuple(made))


@pytest.mark.parametrize(
    "scenario", (*FRAGMENTS, _all_but_fragments), ids=lambda scenario: scenario.__name__.strip("_")
)
def test_tshark_finds_no_fault(scenario: Callable[[], Capture], tshark: str, tmp_path: Path) -> None:
    """Checksums, lengths and headers of all that is generated."""
    cap = scenario()
    path = write(cap, tmp_path / "generated.pcapng")
    command = [tshark, "-n", "-r", str(path)]
    for name in ("ip", "tcp", "udp"):
        command += ["-o", f"{name}.check_checksum:TRUE"]
    for port in {packet.talk.server_port for packet in cap.packets if packet.talk is not None}:
        command += ["-d", f"tcp.port=={port},data", "-d", f"udp.port=={port},data"]
    faults = "ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0"
    faults += " || _ws.malformed || _ws.short || _ws.expert.severity == 8388608"
    seen = _lines([*command, "-Y", faults])
    assert not seen, f"{path}: " + "\n".join(seen[:10])
    # The innermost ports say that every header was opened.
    ports = _lines([*command, "-T", "fields", "-e", "tcp.srcport", "-e", "udp.srcport"])
    assert len(ports) == len(cap.packets)
    for number, (line, packet) in enumerate(zip(ports, cap.packets, strict=True), 1):
        assert packet.talk is not None
        over_tcp, over_udp = line.split("\t")
        inner = (over_tcp if packet.talk.transport == "tcp" else over_udp).split(",")[-1]
        port = (packet.talk.client_port, packet.talk.server_port)[packet.sender]
        opened = packet.piece == (0, 1, 1) and packet.link.name != UNOPENED
        assert inner == str(port) or not opened, f"{path}: packet {number} ({packet.link.name}): {line}"


def test_tshark_reads_the_same_messages(tshark: str, tmp_path: Path) -> None:
    """Function, unit, transaction and address of whole messages in order."""
    cap = dialogue.every_function()
    path = write(cap, tmp_path / "generated.pcapng")
    names = ("frame.number", "mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.reference_num")
    command = [tshark, "-n", "-r", str(path), "-Y", "mbtcp", "-T", "fields"]
    lines = _lines([*command, *chain.from_iterable(("-e", name) for name in names)])
    seen = {int(line.split("\t")[0]): line.split("\t")[1:] for line in lines}
    rows = [row for _, row in truth(cap)]
    assert len(seen) == 2 * len(rows)
    told = 0
    for row in rows:
        for number in (row.request_packet, row.response_packet):
            assert number is not None
            transaction, unit, function, _ = seen[number]
            assert (int(transaction), int(unit), int(function)) == (row.transaction, row.unit, row.function)
        assert row.request_packet is not None
        address = seen[row.request_packet][3].split(",")[0]
        if address:
            assert int(address) == row.address, row
            told += 1
    assert told > len(rows) // 3


def _lines(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
