from __future__ import annotations

from random import Random

import pytest

from otmon.identity.frames import MAX_FRAME, frames
from otmon.identity.login import Piece, Seen

SEEN = Seen(1, 1, 0)


def size_of(from_client: bool, buffer: bytearray) -> int:
    """Two bytes of length, of which 0xffff is none."""
    if len(buffer) < 2:
        return 0
    size = int.from_bytes(buffer[:2], "big")
    return -1 if size == 0xFFFF else 2 + size


def message(body: bytes) -> bytes:
    return len(body).to_bytes(2, "big") + body


def found(*parts: tuple[bool, int, bytes]) -> list[bytes]:
    pieces = [Piece(who, at, data, SEEN) for who, at, data in parts]
    return [frame.data[2:] for frame in frames(pieces, size_of)]


@pytest.mark.parametrize("seed", range(5))
def test_messages_in_any_pieces(seed: int) -> None:
    random = Random(seed)
    bodies = [random.randbytes(random.randrange(40)) for _ in range(20)]
    stream = b"".join(map(message, bodies))
    parts = []
    at = 0
    while at < len(stream):
        size = random.randrange(1, 30)
        parts.append((True, at, stream[at : at + size]))
        at += size
    assert found(*parts) == bodies


def test_a_long_message_is_kept_in_part_and_passed_over() -> None:
    body = bytes(range(256)) * 100
    whole = message(body) + message(b"next")
    kept = body[: MAX_FRAME - 2]
    assert found((True, 0, whole)) == [kept, b"next"]
    # What is lost of the rest is counted.
    assert found((True, 0, whole[:10_000]), (True, 20_000, whole[20_000:])) == [kept, b"next"]


def test_behind_a_gap_a_message_begins_with_a_piece() -> None:
    lost = message(b"lost")
    assert found((True, 0, lost[:3]), (True, 6, message(b"next"))) == [b"next"]
    assert found((True, 0, b"\xff\xff" + message(b"a")), (True, 99, message(b"b"))) == [b"b"]


def test_sides_have_nothing_to_do_with_each_other() -> None:
    one, two = message(b"one"), message(b"two")
    assert found((True, 0, one[:2]), (False, 0, two), (True, 2, one[2:])) == [b"two", b"one"]
