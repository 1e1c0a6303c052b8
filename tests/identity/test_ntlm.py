from __future__ import annotations

import pytest

from otmon.identity.login import Claim, Seen
from otmon.identity.ntlm import Handshake, nt_hash, told_in
from tests.identity.claims.messages import XP, ntlm, pairs, wide
from tests.identity.talk import NTLM_CHALLENGE, NTLM_V2, ntlm_challenge, ntlm_response

SEEN = Seen(1, 1, 0)
SEVEN = bytes.fromhex("0601b11d0000000f")
EXTENDED = 0x00080001
V1 = bytes.fromhex("67c43011f30298a2ad35ece64f16331c44bdbed927841f94")
V1_EXTENDED = bytes.fromhex("7537f803ae367128ca458204bde7caf81e97ed2683267232")
"""[MS-NLMP] 4.2.2 and 4.2.3: User in Domain with Password."""


def claim(response: bytes, challenge: bytes = NTLM_CHALLENGE) -> Claim | None:
    handshake = Handshake()
    handshake.challenge(b"\xa1\x07" + ntlm_challenge(challenge))
    return handshake.response(b"\xa1\x07" + response, SEEN)


def test_the_hash_of_a_password() -> None:
    assert nt_hash(b"Password") == bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852")
    assert nt_hash(b"\xff") is None


@pytest.mark.parametrize(
    ("weak", "strong", "flags", "method"),
    [
        (bytes(24), V1, 1, "ntlm"),
        (b"\xaa" * 8 + bytes(16), V1_EXTENDED, EXTENDED, "ntlm"),
        (bytes(24), NTLM_V2, EXTENDED, "ntlmv2"),
    ],
)
def test_the_responses_of_its_specification(weak: bytes, strong: bytes, flags: int, method: str) -> None:
    one = claim(ntlm_response(weak, strong, "Domain", "User", flags))
    assert one is not None and one.proves is not None and one.cost is not None
    assert (one.account, one.method, one.secret) == (b"User", method, None)
    assert one.proves(b"Password") and one.cost(b"Password") > 0
    assert not any(map(one.proves, (b"password", b"", b"Password ", b"\xff")))
    other = claim(ntlm_response(weak, strong, "Domain", "User", flags), bytes(8))
    assert other is not None and other.proves is not None and not other.proves(b"Password")


def test_one_challenge_is_for_one_response() -> None:
    handshake = Handshake()
    message = ntlm_response(bytes(24), V1, "Domain", "User")
    assert handshake.response(message, SEEN) is None
    handshake.challenge(ntlm_challenge(NTLM_CHALLENGE))
    assert handshake.response(message, SEEN) is not None
    assert handshake.response(message, SEEN) is None


def test_nobody_and_broken_messages_are_nothing() -> None:
    assert claim(ntlm_response(b"\0", b"", "", "")) is None
    assert claim(ntlm_response(bytes(24), b"", "Domain", "User")) is None
    whole = ntlm_response(bytes(24), NTLM_V2, "Domain", "User")
    for size in range(len(whole)):
        assert claim(whole[:size]) is None
    for place in range(12, 52):
        claim(whole[:place] + b"\xff" + whole[place + 1 :])


def test_each_kind_of_message_names_hosts_and_systems_and_never_who_logs_in() -> None:
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
