"""NIST SP 800-17, table A.1 and the example of a textbook that many implementations are tested with."""

from __future__ import annotations

import pytest

from otmon.identity.des import encrypted


@pytest.mark.parametrize(
    ("key", "block", "result"),
    [
        ("133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"),
        ("0101010101010101", "8000000000000000", "95f8a5e5dd31d900"),
        ("0101010101010101", "0000000000000001", "166b40b44aba4bd6"),
        ("8001010101010101", "0000000000000000", "95a8d72813daa94d"),
        ("7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b"),
    ],
)
def test_known_answers(key: str, block: str, result: str) -> None:
    assert encrypted(bytes.fromhex(key), bytes.fromhex(block)).hex() == result
