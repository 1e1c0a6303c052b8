"""Commands of another protocol than the one that named a connection, on ports that are usual for neither."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.ledger.copying.command_messages import begun_by, is_beginning
from otmon.ledger.copying.commands import WAIT_NS
from otmon.ledger.packets.takeover import PIECE_BYTES, piece_row
from otmon.ledger.tables import PIECES, SPARE, U_FLOW
from otmon.protocols.registry import code_of
from tests.ledger.copying.test_command_messages import OF_TCP, PORTS, READS, Line, cut
from tests.ledger.copying.test_messages import seen, talk
from tests.ledger.packets.test_naming import MODBUS, WEB, WRITE
from tests.ledger.seen import Seen
from tests.protocols.test_commands import SLMP_READ, SLMP_STOP, SLMP_STOP_1E, STOP

DECOYS = [[], [WEB], [MODBUS], [STOP], [b"?"] * 20]
names = pytest.mark.parametrize("decoys", DECOYS, ids=lambda one: one[0][:4].hex() if one else "none")


def services(found: Seen) -> list[tuple[str, int]]:
    return sorted((one.service, one.times) for one in found.finish().ledger().operations)


def elsewhere(protocol: str, payload: bytes) -> bool:
    """Whether it is known on any port: a header of FINS is, a part of a message is not."""
    return not (protocol == "fins" and payload[:1] == b"\x80")


@names
@pytest.mark.parametrize(
    ("protocol", "payload", "name"), OF_TCP, ids=[f"{one[0]}-{one[2]}-{n}" for n, one in enumerate(OF_TCP)]
)
def test_a_command_that_is_cut_behind_a_decoy_is_seen(
    protocol: str, payload: bytes, name: str, decoys: list[bytes]
) -> None:
    if payload[0] in (0x13, 0x14):
        # Of four bytes, of which three are known: what has a name keeps it.
        decoys = [one for one in decoys if one == b"?"]
    before = [("c", one) for one in decoys if not (protocol == "s7comm" and one == STOP)]
    read = READS[protocol]
    for parts in (
        *(cut(payload, at) for at in range(1, len(payload))),
        cut(payload, 3, 8, 9),
        [read + payload],
        [read + payload[:7], payload[7:] + read],
        [bytes((byte,)) for byte in payload],
    ):
        found = seen(talk(5007, *before, *[("c", one) for one in parts]))
        assert (name, 1) in services(found), parts


@names
def test_so_is_a_write_of_modbus(decoys: list[bytes]) -> None:
    before = [("c", one) for one in decoys]
    for parts in (
        *(cut(WRITE, at) for at in range(1, len(WRITE))),
        cut(WRITE, 3, 8, 9),
        [MODBUS + WRITE[:5], WRITE[5:] + MODBUS],
        [bytes((byte,)) for byte in WRITE],
    ):
        found = seen(talk(5020, *before, *[("c", one) for one in parts], ("s", WRITE)))
        assert ("Write Single Register", 1) in services(found), parts


def test_what_the_receiver_does_not_take_hides_it_no_more() -> None:
    for decoy in (b"x" * (len(SLMP_STOP) - 5), WEB, b"\0", SLMP_READ[:9]):
        line = on(5007).says(WEB, SLMP_STOP[:5])
        line.resends(line.following, decoy)
        found = line.says(SLMP_STOP[5:]).operations()
        assert [(one.service, one.times) for one in found] == [("Remote Stop", 1)]


def test_a_short_frame_takes_no_connection_over_that_has_a_name() -> None:
    for line in (
        on(5007).says(SLMP_STOP_1E),
        on(5007).says(b"?", SLMP_STOP_1E),
        on(5007).says(SLMP_READ, SLMP_STOP_1E),
    ):
        assert [one.service for one in line.operations()] == ["Remote Stop"]
    assert on(5007).says(WEB, SLMP_STOP_1E).operations() == ()


def on(port: int) -> Line:
    line = Line("slmp")
    line.port = port
    return line


def test_a_longer_beginning_and_one_of_another_connection_are_not_kept() -> None:
    tables = Seen()
    long = SLMP_STOP[:7] + b"\xff\0" + SLMP_STOP[9:] + bytes(PIECE_BYTES)
    tables.frames((one.time_ns, one.data) for one in on(5007).says(WEB, long).packets)
    assert not tables.t.cuts[2 * 1024 :, U_FLOW].any()
    assert SPARE - 2 * 1024 == PIECES == len(tables.t.cuts) - 1 - 2 * 1024


def test_a_piece_gives_way_when_its_time_is_over() -> None:
    # As many connections as there are places, and one more for one of them.
    tables = Seen()
    packets = []
    for source in range(40_000, 40_000 + 4 * PIECES):
        line = on(5007)
        line.source = source
        packets += line.says(WEB, SLMP_STOP[:5]).packets
    tables.frames((one.time_ns, one.data) for one in packets)
    late = on(5007)
    late.source = 39_999
    late.says(WEB, wait_ns=0).says(SLMP_STOP[:5], wait_ns=2 * WAIT_NS).says(SLMP_STOP[5:])
    tables.frames((one.time_ns, one.data) for one in late.packets)
    assert services(tables) == [("Remote Stop", 1)]


def test_places_are_behind_those_of_other_pieces() -> None:
    assert {piece_row(f, d) for f in range(5_000) for d in (0, 1)} == set(range(2048, 2048 + PIECES))


def test_a_beginning_is_one_of_a_command_as_far_as_it_goes() -> None:
    for protocol, payload, _ in OF_TCP:
        data = np.frombuffer(payload, np.uint8)
        code = code_of(protocol)
        assert PORTS[protocol] and begun_by(payload[0], False) == code
        for size in range(1, len(payload)):
            assert is_beginning(code, data, 0, size), (protocol, size)
    for payload in (b"PO", b"POST /", b"From", b"5\t", b"5001", b"\3\0\1", b"\5\1", b"\x6f\1"):
        data = np.frombuffer(payload, np.uint8)
        assert not is_beginning(begun_by(payload[0], False), data, 0, len(payload)), payload
