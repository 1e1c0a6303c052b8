"""Items of ListIdentity, and answers of the identity object."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from otmon.identity.claims.ethernet_ip import MAX_PACKED, MAX_WAITING
from otmon.ledger.copying.identification import PACKED_SERVICES, identifies
from otmon.protocols.registry import code_of
from tests.identity.claims.messages import list_identity, said
from tests.identity.talk import Turn

OBJECT, MANAGER = b"\x20\x01\x24\x01", b"\x20\x06\x24\x01"
EVERYTHING = struct.pack("<HHHBBHI", 1, 0x0E, 55, 20, 11, 0x60, 0x0051823F) + b"\x0a1756-L61/B"
TOLD = [
    ("vendor", "CIP vendor 1"), ("capability", "plc"), ("firmware", "20.011"), ("serial", "0051823F"),
    ("model", "1756-L61/B"),
]  # fmt: skip
ALL = b"\x01\x02" + OBJECT


def sent(message: bytes, context: int = 7) -> bytes:
    """SendRRData with a message outside of connections."""
    items = struct.pack("<IHHHHHH", 0, 10, 2, 0, 0, 0xB2, len(message)) + message
    return struct.pack("<HHIIQI", 0x6F, len(items), 1, 0, context, 0) + items


def in_connection(message: bytes, sequence: int = 7, number: int = 99) -> bytes:
    """SendUnitData with a message of a connection."""
    items = struct.pack("<IHHHHIHHH", 0, 0, 2, 0xA1, 4, number, 0xB1, len(message) + 2, sequence) + message
    return struct.pack("<HHIIQI", 0x70, len(items), 1, 0, 0, 0) + items


def single(attribute: int) -> bytes:
    return b"\x0e\x03" + OBJECT + bytes((0x30, attribute))


def routed(message: bytes, path: bytes = b"\x01\0\x01\0", manager: bytes = MANAGER) -> bytes:
    padded = message + b"\0" * (len(message) & 1)
    words = bytes((len(manager) // 2,))
    return b"\x52" + words + manager + b"\x06\x9a" + struct.pack("<H", len(message)) + padded + path


def listing(*attributes: int) -> bytes:
    """Get_Attribute_List."""
    return b"\x03\x02" + OBJECT + struct.pack(f"<{1 + len(attributes)}H", len(attributes), *attributes)


def packed(*services: bytes, head: bytes = b"\x0a\x02\x20\x02\x24\x01") -> bytes:
    """Multiple_Service_Packet; with another head its response."""
    places = [2 + 2 * len(services) + sum(map(len, services[:n])) for n in range(len(services))]
    return head + struct.pack(f"<{1 + len(services)}H", len(services), *places) + b"".join(services)


def opening(path: bytes, large: bool = False, transport: int = 0xA3, back: int = 5) -> bytes:
    """Forward_Open, or its large form, of a connection in which what comes back is numbered `back`."""
    wide = "I" if large else "H"
    body = struct.pack(f"<BBIIHHIB3xI{wide}I{wide}B", 6, 40, 0, back, 1, 2, 3, 1, 9, 9, 9, 9, transport)
    return bytes((0x5B if large else 0x54, 2)) + MANAGER + body + bytes((len(path) // 2,)) + path


TAG = b"\x4c\x04\x91\x05Speed\0\x01\0"
TAG_VALUE = b"\xcc\0\0\0\xc4\0\x2a\0\0\0"
FEW = struct.pack("<H", 3) + b"\1\0\0\0\1\0" + b"\x63\0\x14\0" + b"\7\0\0\0\x0a1756-L61/B"
AWAY = b"\x01\x03\x12\x0b10.9.0.77\0\0\x01\0"


def answer(value: bytes = EVERYTHING, service: int = 0x81, status: int = 0) -> bytes:
    return bytes((service, 0, status, 0)) + value


def test_types_that_nobody_knows_errors_and_lengths_that_lie() -> None:
    told = dict(said("ethernet_ip", ("s", list_identity(b"X", kind=0x7B))))
    assert "capability" not in told and told["model"] == "X"
    whole = list_identity(b"X")
    assert said("ethernet_ip", ("s", whole[:8] + b"\1" + whole[9:])) == []
    assert said("ethernet_ip", ("s", b"\x65" + whole[1:])) == []
    assert said("ethernet_ip", ("s", whole[:28] + b"\xff\xff" + whole[30:])) == []


@pytest.mark.parametrize("pack", [sent, in_connection])
@pytest.mark.parametrize("asked", [ALL, routed(ALL)])
def test_the_identity_object_is_read_as_a_whole(pack: object, asked: bytes) -> None:
    assert callable(pack)
    assert said("ethernet_ip", ("c", pack(asked)), ("s", pack(answer()))) == TOLD


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        (1, b"\x35\x01", [("vendor", "CIP vendor 309")]),
        (2, b"\x0c\0", [("capability", "communications-adapter")]),
        (3, b"\x37\0", []),
        (4, b"\x04\x03", [("firmware", "4.003")]),
        (6, b"\x8d\x4e\x52\0", [("serial", "00524E8D")]),
        (7, b"\x0b1756-ENBT/A", [("model", "1756-ENBT/A")]),
        (7, b"\x0c1756-ENBT/A", []),
        (1, b"\x35", []),
        (0, EVERYTHING, []),
    ],
)
def test_so_is_one_attribute(attribute: int, value: bytes, told: list[tuple[str, str]]) -> None:
    turns: list[Turn] = [("c", sent(single(attribute))), ("s", sent(answer(value, 0x8E)))]
    assert said("ethernet_ip", *turns) == told


@pytest.mark.parametrize("pack", [sent, in_connection])
@pytest.mark.parametrize("wrap", [bytes, routed])
def test_so_is_a_list_and_a_packet_of_services(pack: object, wrap: object) -> None:
    assert callable(pack) and callable(wrap)
    some = [("vendor", "CIP vendor 1"), ("model", "1756-L61/B")]
    status = b"\2\0" + b"\5\0\0\0\x60\0" + b"\6\0\0\0\x40\x82\x51\0"
    serial = [("serial", "00518240")]
    for asked, replied, told in (
        (listing(1, 0x63, 7), answer(FEW, 0x83, 0x0A), some),
        (listing(5, 6), answer(status, 0x83), serial),
        (packed(TAG, ALL, TAG), packed(TAG_VALUE, answer(), TAG_VALUE, head=answer(b"", 0x8A)), TOLD),
        # One of the services was refused.
        (
            packed(single(7), ALL, listing(5, 6)),
            packed(b"\x8e\0\x14\0", answer(), answer(status, 0x83), head=answer(b"", 0x8A, 0x1E)),
            TOLD + serial,
        ),
    ):
        assert said("ethernet_ip", ("c", pack(wrap(asked))), ("s", pack(replied))) == told


@pytest.mark.parametrize(
    "asked",
    [
        b"\x01\x03\x21\0\x01\0\x24\x01",
        b"\x01\x03\x20\x01\x25\0\x01\0",
        b"\x01\x05\x21\0\x01\0\x26\0\x01\0\0\0",
        routed(ALL, b"\0\0"),
        routed(ALL, manager=b"\x21\0\x06\0\x24\x01"),
        routed(single(7)[:1] + b"\x04" + OBJECT + b"\x31\0\x07\0"),
    ],
)
def test_paths_of_each_form_lead_to_it(asked: bytes) -> None:
    value = answer(b"\x0a1756-L61/B", 0x8E) if b"\x31\0\x07\0" in asked else answer()
    told = said("ethernet_ip", ("c", sent(asked)), ("s", sent(value)))
    assert told and told[-1] == TOLD[-1]
    whole = np.frombuffer(sent(asked), np.uint8)
    assert identifies(code_of("ethernet_ip"), whole, 0, len(whole), 0, 0)


@pytest.mark.parametrize("large", [False, True])
def test_a_connection_that_leads_to_another_network_is_not_the_devices(large: bool) -> None:
    def read(path: bytes) -> list[tuple[str, str]]:
        opens = sent(opening(path + b"\x20\x02\x24\x01", large))
        turns: list[Turn] = [("c", opens), ("s", sent(b"\xd4\0\0\0" + bytes(26)))]
        turns += [("c", in_connection(ALL, number=77)), ("s", in_connection(answer(), number=5))]
        return said("ethernet_ip", *turns)

    for inside in (b"", b"\x01\0", b"\x01\x04"):
        assert read(inside) == TOLD
    for away in (AWAY, b"\x12\x0910.9.0.77\0", b"\x02\x07", b"\x01\x03\x02\x07"):
        assert read(away) == []
        whole = np.frombuffer(sent(opening(away + b"\x20\x02\x24\x01", large)), np.uint8)
        assert identifies(code_of("ethernet_ip"), whole, 0, len(whole), 0, 0)
    # Those that carry values in cycles, and those to the backplane, need not be known.
    for message in (opening(AWAY, large, transport=0x01), opening(b"\x01\0\x20\x02\x24\x01", large)):
        whole = np.frombuffer(sent(message), np.uint8)
        assert not identifies(code_of("ethernet_ip"), whole, 0, len(whole), 0, 0)


def test_lists_and_packets_that_lie() -> None:
    for size in range(len(FEW)):
        told = said("ethernet_ip", ("c", sent(listing(1, 7))), ("s", sent(answer(FEW[:size], 0x83, 0x0A))))
        assert told in ([], [("vendor", "CIP vendor 1")])
    # An attribute of another object's length, and one that nobody knows, end the reading.
    unknown = struct.pack("<HHHIHHH", 2, 20, 0, 9, 1, 0, 1)
    assert said("ethernet_ip", ("c", sent(listing(20, 1))), ("s", sent(answer(unknown, 0x83)))) == []
    serials = [answer(n.to_bytes(4, "little"), 0x8E) for n in range(MAX_PACKED + 9)]
    many = sent(packed(*[single(6)] * len(serials))), sent(packed(*serials, head=answer(b"", 0x8A)))
    told = said("ethernet_ip", ("c", many[0]), ("s", many[1]))
    assert len(told) == MAX_PACKED == PACKED_SERVICES
    reply = packed(answer(), head=answer(b"", 0x8A))
    for places in (b"\1\0\xff\xff", b"\1\0\0\0", b"\2\0\x06\0\x06\0", b"\xff\xff\4\0"):
        asked = b"\x0a\x02\x20\x02\x24\x01" + places + ALL
        assert said("ethernet_ip", ("c", sent(asked)), ("s", sent(reply))) in ([], TOLD)
    # A packet in a packet.
    assert said("ethernet_ip", ("c", sent(packed(packed(ALL)))), ("s", sent(reply))) == []


@pytest.mark.parametrize(
    "turns",
    [
        [("s", sent(answer()))],
        # Of another request: by its context, class, instance, service or hop; refused; asked by the server.
        [("c", sent(ALL, 8)), ("s", sent(answer()))],
        [("c", in_connection(ALL, 8)), ("s", in_connection(answer()))],
        [("c", sent(b"\x01\x02\x20\x02\x24\x01")), ("s", sent(answer()))],
        [("c", sent(b"\x01\x02\x20\x01\x24\0")), ("s", sent(answer()))],
        [("c", sent(ALL)), ("s", sent(answer(service=0x8E)))],
        [("c", sent(single(7))), ("s", sent(answer()))],
        [("c", sent(routed(ALL, b"\x02\0\x12\x0b10.0.0.7\0\0\0"))), ("s", sent(answer()))],
        [("c", sent(routed(ALL, b"\x01\0\x02\x05"))), ("s", sent(answer()))],
        [("c", sent(listing(1))), ("s", sent(answer(FEW, 0x83, 8)))],
        [("c", sent(packed(ALL))), ("s", sent(packed(answer(), head=answer(b"", 0x8A, 8))))],
        [("c", sent(packed(TAG))), ("s", sent(packed(answer(), head=answer(b"", 0x8A))))],
        [("c", sent(ALL)), ("s", sent(answer(status=8)))],
        [("s", sent(ALL)), ("c", sent(answer()))],
        # Answered twice it counts once; and the request behind it is another one.
        [("c", sent(ALL)), ("c", sent(b"\x4c\x02" + OBJECT)), ("s", sent(answer()))],
        [("c", sent(ALL)), *(("c", sent(ALL, 100 + n)) for n in range(MAX_WAITING)), ("s", sent(answer()))],
    ],
)
def test_an_answer_to_something_else_is_nothing(turns: list[Turn]) -> None:
    assert said("ethernet_ip", *turns) == []


def test_parts_of_messages_are_nothing_and_never_too_much() -> None:
    for asked in (sent(ALL), sent(routed(ALL)), in_connection(ALL)):
        pack = in_connection if asked[0] == 0x70 else sent
        for size in range(len(asked)):
            assert said("ethernet_ip", ("c", asked[:size]), ("s", pack(answer()))) == []
    for size in range(len(EVERYTHING) - 10):
        told = said("ethernet_ip", ("c", sent(ALL)), ("s", sent(answer(EVERYTHING[:size]))))
        assert told in ([], TOLD[:-1])


@pytest.mark.parametrize("pack", [sent, in_connection])
def test_these_messages_are_copied_and_no_others(pack: object) -> None:
    assert callable(pack)

    def copied(message: bytes, asked: int = 0, answered: int = 0) -> bool:
        whole = np.frombuffer(message, np.uint8)
        found = bool(identifies(code_of("ethernet_ip"), whole, 0, len(whole), asked, answered))
        for size in range(len(whole)):
            identifies(code_of("ethernet_ip"), whole, 0, size, asked, answered)
        return found

    for asks in (ALL, single(7), routed(ALL), routed(single(1)), listing(5, 6), packed(TAG, ALL)):
        assert copied(pack(asks))
    replied = packed(TAG_VALUE, answer(b"", 0x83, 0x0A), head=answer(b"", 0x8A, 0x1E))
    for answers in (answer(), answer(b"\1\0", 0x8E), answer(b"\0\0", 0x83), replied):
        assert copied(pack(answers), 1) and not copied(pack(answers), 0)
        # Of those that come after it most are about something else.
        assert copied(pack(answers), 2, 3) and not copied(pack(answers), 2, 4)
    assert not copied(pack(answer(status=5)), 1)
    for other in (
        b"\x4c\x02" + OBJECT,
        b"\x01\x02\x20\x02\x24\x01",
        routed(b"\x4c\x02" + OBJECT),
        b"\xcc\0\0\0",
        # The status is polled.
        single(5),
        listing(5, 11),
        packed(TAG, listing(5), TAG),
        packed(TAG_VALUE, head=answer(b"", 0x8A)),
    ):
        assert not copied(pack(other), 1)
