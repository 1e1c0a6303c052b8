from __future__ import annotations

import pytest

from otmon.identity.proof_budget import CHEAP
from otmon.identity.scram import HASHES, MAX_ITERATIONS, proof_of

SHA_1 = (
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
)
"""RFC 5802, 5."""
SHA_256 = (
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
)
"""RFC 7677, 3."""


@pytest.mark.parametrize(("mechanism", "said"), [(b"SCRAM-SHA-1", SHA_1), (b"SCRAM-SHA-256", SHA_256)])
def test_the_exchanges_of_its_specifications(mechanism: bytes, said: tuple[bytes, bytes, bytes]) -> None:
    proof = proof_of(mechanism, *said)
    assert proof is not None and proof.account == b"user"
    assert proof.proves(b"pencil") and not proof.proves(b"pencils") and not proof.proves(b"")


def test_what_was_recomputed_once_is_cheap() -> None:
    proof = proof_of(b"SCRAM-SHA-256", *SHA_256)
    assert proof is not None
    password = b"seen for the first time here"
    assert proof.cost(password) > 100 * CHEAP
    assert not proof.proves(password)
    assert proof.cost(password) == CHEAP


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        (1, b"i=4096", b"i=%d" % (MAX_ITERATIONS + 1)),
        (1, b"i=4096", b"i=0"),
        (1, b"i=4096", b"i=-1"),
        (1, b"i=4096", b"i=" + b"9" * 5000),
        (1, b"s=W22Z", b"s=%%%%"),
        (1, b"r=rOprN", b"r=other"),
        (2, b"p=dHzb", b"p=d"),
        (2, b",p=", b",q="),
        (2, b",r=rOprN", b",r=other"),
        (0, b"r=", b"x="),
        (0, b"n,,", b""),
    ],
)
def test_what_does_not_belong_together_is_nothing(place: int, old: bytes, new: bytes) -> None:
    said = list(SHA_256)
    assert old in said[place]
    said[place] = said[place].replace(old, new)
    assert proof_of(b"SCRAM-SHA-256", *said) is None


def test_other_mechanisms_are_nothing() -> None:
    assert proof_of(b"SCRAM-SHA-512", *SHA_256) is None and len(HASHES) == 4


def test_a_name_is_unescaped() -> None:
    first = SHA_1[0].replace(b"n=user", b"n=a=2Cb=3Dc")
    proof = proof_of(b"SCRAM-SHA-1", first, *SHA_1[1:])
    assert proof is not None and proof.account == b"a,b=c" and not proof.proves(b"pencil")
