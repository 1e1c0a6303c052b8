from __future__ import annotations

import hashlib

import pytest

from otmon.identity.chap import HASHES, Response, claim_of
from otmon.identity.login import MAX_TEXT, Seen
from tests.identity.talk import proof

SEEN = Seen(1, 1, 0)
CHALLENGE = bytes(range(24))


@pytest.mark.parametrize(("algorithm", "name"), HASHES.items())
def test_each_hash(algorithm: int, name: str) -> None:
    value = hashlib.new(name, b"\x07hunter2" + CHALLENGE).digest()
    claim = claim_of(Response(b"plant", 7, value, SEEN), CHALLENGE, algorithm)
    assert claim is not None and (claim.account, claim.method) == (b"plant", "chap")
    proves = proof(claim.ended("unknown"))
    assert proves(b"hunter2") and not proves(b"hunter") and not proves(b"")
    for other in (Response(b"plant", 8, value, SEEN), Response(b"plant", 7, value[::-1], SEEN)):
        wrong = claim_of(other, CHALLENGE, algorithm)
        assert wrong is not None and not proof(wrong.ended("unknown"))(b"hunter2")


def test_microsofts_first_version_as_its_specification_has_it() -> None:
    """RFC 2433, B.2."""
    answer = bytes.fromhex("4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61")
    claim = claim_of(
        Response(b"User", 1, bytes(24) + answer + b"\1", SEEN), bytes.fromhex("102db5df085d3041")
    )
    assert claim is not None and claim.method == "mschap"
    proves = proof(claim.ended("unknown"))
    assert proves(b"MyPw") and not proves(b"mypw")


@pytest.mark.parametrize("account", [b"User", b"PLANT\\User"])
def test_microsofts_second_version_as_its_specification_has_it(account: bytes) -> None:
    """RFC 2759, 9.2."""
    own = bytes.fromhex("21402324255e262a28295f2b3a337c7e")
    answer = bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
    value = own + bytes(8) + answer + b"\0"
    claim = claim_of(Response(account, 1, value, SEEN), bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628"))
    assert claim is not None and (claim.account, claim.method) == (account, "mschapv2")
    proves = proof(claim.ended("unknown"))
    assert proves(b"clientPass") and not proves(b"clientpass") and not proves(b"\xff")


def test_other_forms_are_nothing() -> None:
    digest = bytes(16)
    assert claim_of(Response(b"", 1, digest, SEEN), CHALLENGE) is None
    assert claim_of(Response(bytes(MAX_TEXT + 1), 1, digest, SEEN), CHALLENGE) is None
    assert claim_of(Response(b"a", 1, digest, SEEN), b"") is None
    assert claim_of(Response(b"a", 1, digest, SEEN), CHALLENGE, 9) is None
    assert claim_of(Response(b"a", 1, digest, SEEN), CHALLENGE, 7) is None
    for size in (0, 15, 17, 48, 50):
        assert claim_of(Response(b"a", 1, bytes(size), SEEN), CHALLENGE) is None
    # Of LAN Manager's response only, with a challenge of neither version, with reserved bytes in use.
    assert claim_of(Response(b"a", 1, bytes(49), SEEN), bytes(8)) is None
    assert claim_of(Response(b"a", 1, bytes(48) + b"\1", SEEN), bytes(9)) is None
    assert claim_of(Response(b"a", 1, bytes(16) + b"\1" + bytes(32), SEEN), bytes(16)) is None
