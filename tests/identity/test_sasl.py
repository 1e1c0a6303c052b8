from __future__ import annotations

from base64 import b64encode

from otmon.identity.login import Seen
from otmon.identity.sasl import Claim, Exchange, decoded

SEEN = Seen(1, 2, 3)


def test_base64_or_nothing() -> None:
    assert decoded(b"YQ==\r") == b"a" and decoded(b"=") == b"" and decoded(b"*") is None


def test_plain_and_login() -> None:
    one = Exchange(b"plain").response(b64encode(b"\0bob\0secret"), SEEN)
    assert one is not None and (one.account, one.secret, one.method) == (b"bob", b"secret", "plain")
    login = Exchange(b"LOGIN")
    assert login.response(b64encode(b"bob"), SEEN) is None
    two = login.response(b64encode(b"secret"), SEEN)
    assert two is not None and (two.account, two.secret) == (b"bob", b"secret")
    assert Exchange(b"PLAIN").response(b64encode(b"no parts"), SEEN) is None
    assert Exchange(b"GSSAPI").response(b64encode(b"x"), SEEN) is None


def test_cram_md5_as_its_standard_has_it() -> None:
    """RFC 2195, 2."""
    exchange = Exchange(b"CRAM-MD5")
    exchange.challenge(b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    one = exchange.response(b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", SEEN)
    assert one is not None and one.account == b"tim" and one.secret is None and one.proves is not None
    assert one.proves(b"tanstaaftanstaaf") and not one.proves(b"tanstaaf")


def test_no_text_of_a_claim_or_a_log_in_shows_its_secret() -> None:
    one = Claim(b"bob", "plain", SEEN, secret=b"hunter2")
    assert "hunter2" not in repr(one) and "hunter2" not in repr(one.ended("accepted"))
