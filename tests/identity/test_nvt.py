from __future__ import annotations

from itertools import pairwise

import pytest

from otmon.identity.login import Piece
from otmon.identity.nvt import without_commands
from tests.identity.talk import one_by_one, pieces

SAID = b"ro\xff\xf1o\xff\xfb\x1ft\xff\xfa\x1f\0\x50\0\x18\xff\xf0 \xff\xff!\r\n"


def text(said: list[Piece]) -> bytes:
    return b"".join(one.data for one in without_commands(said))


def test_commands_and_options_are_left_out_wherever_they_are_cut() -> None:
    assert text(pieces(("c", SAID))) == b"root \xff!\r\n"
    assert text(one_by_one(("c", SAID))) == b"root \xff!\r\n"


@pytest.mark.parametrize("lost", [3, 12, 20])
def test_what_is_missing_is_missing_still_and_nothing_else(lost: int) -> None:
    said = one_by_one(("c", SAID))
    assert all(a.at + len(a.data) == b.at for a, b in pairwise(without_commands(said)))
    gaps = [b.at - a.at - len(a.data) for a, b in pairwise(without_commands(said[:lost] + said[lost + 1 :]))]
    assert [gap for gap in gaps if gap] == [1]
