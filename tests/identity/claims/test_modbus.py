"""Objects of identification, and the text in a server's id."""

from __future__ import annotations

from tests.identity.claims.messages import identification, said


def test_objects_that_nobody_knows_and_a_count_that_lies() -> None:
    assert said("modbus", ("s", identification((3, b"http://x"), (0, b"WAGO"), (128, b"y")))) == [
        ("vendor", "WAGO")
    ]
    lie = identification((0, b"WAGO"))
    assert said("modbus", ("s", lie[:6] + b"\xff" + lie[7:])) == [("vendor", "WAGO")]
    assert said("modbus", ("s", b"\x2b\x0d" + lie[2:])) == []


def test_a_server_id_without_a_text() -> None:
    assert said("modbus", ("s", b"\x11\3\x0a\xffX")) == said("modbus", ("s", b"\x11")) == []
