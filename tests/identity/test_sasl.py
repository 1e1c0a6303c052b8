from __future__ import annotations

from base64 import b64encode

import pytest

from otmon.identity.login import Claim, Seen
from otmon.identity.sasl import Exchange, decoded
from tests.identity.talk import Turn, log_ins, proof, told
from tests.identity.test_scram import SHA_1, SHA_256

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


def _scram(protocol: str, mechanism: bytes, said: tuple[bytes, bytes, bytes], end: bytes) -> list[Turn]:
    """RFC 5802, 5 as each protocol carries it (RFC 4954, 4; RFC 5034, 4; RFC 9051, 6.2.2): the server proves
    itself last, and is answered with nothing."""
    first, asked, final = map(b64encode, said)
    verdict = b64encode(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")
    more = b"334 " if protocol == "smtp" else b"+ "
    greeting = {"smtp": b"220 mail ESMTP", "pop3": b"+OK POP3 ready", "imap": b"* OK IMAP4rev1"}[protocol]
    begin = b"a1 AUTHENTICATE " if protocol == "imap" else b"AUTH "
    turns: list[Turn] = [("s", greeting), ("c", begin + mechanism), ("s", more), ("c", first)]
    turns += [("s", more + asked), ("c", final)]
    if not end.startswith((b"535", b"-ERR", b"a1 NO")):
        turns += [("s", more + verdict), ("c", b"")]
    return [(who, text + b"\r\n") for who, text in (*turns, ("s", end))]


@pytest.mark.parametrize(
    ("protocol", "end", "outcome"),
    [
        ("smtp", b"235 2.7.0 welcome", "accepted"),
        ("smtp", b"535 5.7.8 no", "refused"),
        ("pop3", b"+OK welcome", "accepted"),
        ("pop3", b"-ERR no", "refused"),
        ("imap", b"a1 OK done", "accepted"),
        ("imap", b"a1 NO no", "refused"),
    ],
)
def test_scram_in_mail(protocol: str, end: bytes, outcome: str) -> None:
    for mechanism, said in ((b"SCRAM-SHA-1", SHA_1), (b"scram-sha-256", SHA_256)):
        found = log_ins(protocol, *_scram(protocol, mechanism, said, end))
        assert told(found) == [(b"user", "scram", outcome, None)]
        assert proof(found[0])(b"pencil") and not proof(found[0])(b"pencils")


def test_a_first_message_with_the_command_and_messages_that_do_not_belong_together() -> None:
    one = Exchange(b"SCRAM-SHA-1")
    assert one.response(b64encode(SHA_1[0]), SEEN) is None
    one.challenge(b64encode(SHA_1[1]))
    assert one.response(b64encode(SHA_1[2]), SEEN) is not None
    other = Exchange(b"SCRAM-SHA-1")
    assert other.response(b64encode(SHA_1[0]), SEEN) is other.response(b64encode(SHA_1[2]), SEEN) is None
    other.challenge(b64encode(SHA_256[1]))
    assert other.response(b64encode(SHA_1[2]), SEEN) is None
