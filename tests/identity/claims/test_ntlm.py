"""Messages of NTLM name hosts and systems, and never who logs in."""

from __future__ import annotations

from otmon.identity.claims.ntlm import told_in
from tests.identity.claims.messages import XP, ntlm, pairs, wide

SEVEN = bytes.fromhex("0601b11d0000000f")


def test_each_kind_of_message() -> None:
    first = ntlm(1, [b"PLANT", b"ENG-7"], 0x02002000, SEVEN)
    assert list(told_in(first)) == [("system", "Windows NT 6.1 build 7601"), ("name", "ENG-7")]
    last = ntlm(3, [b"", b"", wide("PLANT"), wide("operator"), wide("XP-1"), b""], 0x02000001, XP)
    assert list(told_in(last)) == [("system", "Windows NT 5.1 build 2600"), ("name", "XP-1")]
    assert not any("operator" in value for _, value in told_in(last))


def test_a_version_that_is_none() -> None:
    # Flag not set, build 0 as other programs give it, another revision, and names where it should stand.
    for flags, version in ((0, XP), (0x02000000, XP[:2] + b"\0\0" + XP[4:]), (0x02000000, XP[:7] + b"\1")):
        assert "system" not in dict(told_in(ntlm(2, [b"", pairs(_1="A")], flags, version)))
    message = bytearray(ntlm(2, [b"", pairs(_1="A")], 0x02000000, XP))
    assert dict(told_in(bytes(message)))["system"]
    message[44:48] = (48).to_bytes(4, "little")
    assert "system" not in dict(told_in(bytes(message)))


def test_pairs_that_lie() -> None:
    message = ntlm(2, [b"", b"\1\0\xff\xffA\0"], 0, XP)
    assert list(told_in(message)) == []
    assert list(told_in(b"NTLMSSP\0\7\0\0\0" + bytes(80))) == list(told_in(b"NTLMSSP\0")) == []
