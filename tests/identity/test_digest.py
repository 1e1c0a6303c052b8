"""RFC 7616, 3.9.1 and RFC 2617, 3.5 give the examples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest

from otmon.identity.digest import parameters, proof_of

RFC_7616 = (
    b'username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=%s,'
    b' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,'
    b' cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="%s"'
)
RFC_2617 = (
    b'username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
    b' uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b",'
    b' response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


@pytest.mark.parametrize(
    ("given", "password"),
    [
        (RFC_2617, b"Circle Of Life"),
        (RFC_7616 % (b"MD5", b"8ca523f5e9506fed4657c9700eebdbec"), b"Circle of Life"),
        (
            RFC_7616 % (b"SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            b"Circle of Life",
        ),
    ],
)
def test_the_examples_of_the_standards(given: bytes, password: bytes) -> None:
    proves = proof_of(parameters(given), b"GET")
    assert proves is not None
    assert proves(password) and not proves(password + b"x") and not proves(b"")
    other = proof_of(parameters(given), b"POST")
    assert other is not None and not other(password)


def leave_out(names: Iterable[bytes]) -> list[dict[bytes, bytes]]:
    return [{key: value for key, value in parameters(RFC_2617).items() if key != name} for name in names]


def test_what_cannot_be_recomputed_has_no_proof() -> None:
    for given in leave_out([b"username", b"realm", b"nonce", b"uri", b"response", b"nc", b"cnonce"]):
        assert proof_of(given, b"GET") is None
    for more in ({b"qop": b"other"}, {b"algorithm": b"SHA-1"}, {b"userhash": b"true"}):
        assert proof_of(parameters(RFC_2617) | more, b"GET") is None


@pytest.mark.parametrize("name", ["md5", "sha256", "sha512_256"])
def test_a_body_that_is_part_of_it_is_empty_and_each_hash_is_known(name: str) -> None:
    """RFC 7616, 3.4.1 to 3.4.3."""

    def hashed(*parts: bytes) -> bytes:
        return hashlib.new(name, b":".join(parts)).hexdigest().encode()

    given = parameters(RFC_2617) | {b"qop": b"auth-int"}
    given[b"algorithm"] = {"md5": b"MD5", "sha256": b"SHA-256", "sha512_256": b"SHA-512-256"}[name]
    for body in (b"", b"<x/>"):
        target = hashed(b"REGISTER", given[b"uri"], hashed(body))
        key = hashed(b"Mufasa", given[b"realm"], b"lion")
        given[b"response"] = hashed(key, given[b"nonce"], given[b"nc"], given[b"cnonce"], b"auth-int", target)
        proves = proof_of(given, b"REGISTER")
        # Of another body nobody can tell, which is no false alarm.
        assert proves is not None and proves(b"lion") == (body == b"") and not proves(b"lioness")


def test_parameters_are_read_as_they_are_quoted() -> None:
    assert parameters(b'a="x, y=\\"z\\"" , B=c,a=later') == {b"a": b'x, y="z"', b"b": b"c"}
    assert parameters(b",,=,") == {}
