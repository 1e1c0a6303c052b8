"""Lists of the system status, and those of another kind."""

from __future__ import annotations

from tests.identity.claims.messages import said, szl


def test_other_lists_and_records_that_are_not_there() -> None:
    assert said("s7comm", ("s", szl(0x0424, 20, (1, b"6ES7")))) == []
    assert said("s7comm", ("s", szl(0x0111, 28, (6, b"6ES7 315"), (1, b"6ES7 315")))) == [
        ("model", "6ES7 315")
    ]
    assert said("s7comm", ("s", szl(0x0011, 2, (1, b"")))) == []
    refused = szl(0x0011, 28, (1, b"6ES7 315")).replace(b"\xff\x09", b"\x0a\x09")
    assert said("s7comm", ("s", refused)) == []
    # The same components of a redundant station are numbered from another beginning.
    assert said("s7comm", ("s", szl(0x001C, 34, (0x0101, b"rack 1")))) == [("name", "rack 1")]
