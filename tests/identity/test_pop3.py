from __future__ import annotations

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, proof, told


def test_the_reply_tells() -> None:
    assert told(log_ins("pop3", *TRANSCRIPTS["pop3"])) == [(b"bob", "plain", "refused", b"1234")]
    accepted: tuple[Turn, ...] = (*TRANSCRIPTS["pop3"][:4], ("s", b"+OK welcome\r\n"))
    assert told(log_ins("pop3", *accepted)) == [(b"bob", "plain", "accepted", b"1234")]
    assert told(log_ins("pop3", *TRANSCRIPTS["pop3"][:4])) == [(b"bob", "plain", "attempted", b"1234")]


def test_apop_as_its_standard_has_it() -> None:
    """RFC 1939, 7."""
    turns: tuple[Turn, ...] = (
        ("s", b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
        ("c", b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"),
        ("s", b"+OK maildrop has 1 message (369 octets)\r\n"),
    )
    (one,) = log_ins("pop3", *turns)
    assert (one.account, one.method, one.outcome) == (b"mrose", "apop", "accepted")
    assert proof(one)(b"tanstaaf") and not proof(one)(b"tanstaaff")
    # Without the timestamp nothing can be recomputed.
    assert log_ins("pop3", ("s", b"+OK ready\r\n"), *turns[1:]) == []


def test_auth() -> None:
    turns: tuple[Turn, ...] = (
        ("s", b"+OK\r\n"),
        ("c", b"AUTH PLAIN\r\n"),
        ("s", b"+ \r\n"),
        ("c", b"AGJvYgAxMjM0\r\n"),
        ("s", b"+OK\r\n"),
    )
    assert told(log_ins("pop3", *turns)) == [(b"bob", "plain", "accepted", b"1234")]
