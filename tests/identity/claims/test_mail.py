"""NTLM in lines of mail protocols."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.identity.claims.messages import XP, XP_CHALLENGE, XP_CHALLENGE_TOLD, ntlm, said, wide

RESPONSE = ntlm(3, [b"", b"", wide("PLANT"), wide("operator"), wide("ENG-7"), b""], 0x02000001, XP)


@pytest.mark.parametrize(("protocol", "before"), [("smtp", b"334 "), ("imap", b"+ "), ("pop3", b"+ ")])
def test_both_sides_name_themselves_and_nobody_else(protocol: str, before: bytes) -> None:
    challenge, response = (b64encode(one) + b"\r\n" for one in (XP_CHALLENGE, RESPONSE))
    told = said(protocol, ("s", before + challenge), ("c", response))
    assert told == [*XP_CHALLENGE_TOLD, ("name", "ENG-7")]
    assert "operator" not in str(told)
    assert said(protocol, ("s", before + challenge[:-4]), ("c", b"TlRMTVNTUA==\r\n")) == []
