"""Items of ListIdentity, and answers of the identity object."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from otmon.identity.claims.ethernet_ip import MAX_WAITING
from otmon.ledger.messages import identifies
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


def in_connection(message: bytes, sequence: int = 7) -> bytes:
    """SendUnitData with a message of a connection."""
    items = struct.pack("<IHHHHIHHH", 0, 0, 2, 0xA1, 4, 99, 0xB1, len(message) + 2, sequence) + message
    return struct.pack("<HHIIQI", 0x70, len(items), 1, 0, 0, 0) + items


def single(attribute: int) -> bytes:
    return b"\x0e\x03" + OBJECT + bytes((0x30, attribute))


def routed(message: bytes, path: bytes = b"\x01\0\x01\0") -> bytes:
    padded = message + b"\0" * (len(message) & 1)
    return b"\x52\x02" + MANAGER + b"\x06\x9a" + struct.pack("<H", len(message)) + padded + path


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

    def copied(message: bytes, asked: int = 0) -> bool:
        whole = np.frombuffer(message, np.uint8)
        found = bool(identifies(code_of("ethernet_ip"), whole, 0, len(whole), asked))
        for size in range(len(whole)):
            identifies(code_of("ethernet_ip"), whole, 0, size, asked)
        return found

    for asks in (ALL, single(7), routed(ALL), routed(single(1))):
        assert copied(pack(asks))
    for answers in (answer(), answer(b"\1\0", 0x8E)):
        assert copied(pack(answers), 1) and not copied(pack(answers), 0)
    assert not copied(pack(answer(status=5)), 1)
    for other in (
        b"\x4c\x02" + OBJECT,
        b"\x01\x02\x20\x02\x24\x01",
        routed(b"\x4c\x02" + OBJECT),
        b"\xcc\0\0\0",
    ):
        assert not copied(pack(other), 1)
