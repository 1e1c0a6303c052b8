"""The system in version 1, in both alphabets, in requests and answers."""

from __future__ import annotations

from tests.identity.claims.messages import said, smb1, wide


def test_all_forms_of_a_session_setup() -> None:
    texts = "Windows 5.1\0Windows 2000 LAN Manager\0PLANT\0"
    expected = [("system", "Windows 5.1"), ("software", "Windows 2000 LAN Manager")]
    assert said("smb", ("s", smb1(3, b"\0" + wide(texts), answer=True))) == expected
    assert said("smb", ("s", smb1(3, texts.encode(), answer=True, unicode=False))) == expected
    assert said("smb", ("s", smb1(4, b"x" * 5 + wide(texts), answer=True, blob=5))) == expected
    old = smb1(13, b"bob\0PLANT\0" + texts.encode(), answer=False, unicode=False)
    assert said("smb", ("c", old)) == expected


def test_an_answer_from_the_client_or_a_length_beyond_the_message_says_nothing() -> None:
    assert said("smb", ("c", smb1(3, b"x\0y\0", answer=True, unicode=False))) == []
    assert said("smb", ("s", smb1(12, b"x\0y\0", answer=False, unicode=False))) == []
    assert said("smb", ("s", smb1(4, b"x\0y\0", answer=True, blob=500, unicode=False))) == []
    assert said("smb", ("s", smb1(3, b"x\0y\0", answer=True, unicode=False)[:-1])) == []
