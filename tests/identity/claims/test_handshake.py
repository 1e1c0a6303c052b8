"""Messages in records of any size, and what is no handshake in clear."""

from __future__ import annotations

from otmon.identity.claims.handshake import told
from otmon.identity.claims.wire import wholes
from tests.identity.claims.messages import PANEL, client_hello, handshake, shown_certificate, tls
from tests.identity.talk import Turn, pieces


def _told(*turns: Turn) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in told(wholes(pieces(*turns)))]


def test_records_may_cut_messages_anywhere() -> None:
    stream = handshake(2, bytes(40)), shown_certificate(PANEL)
    whole = _told(("s", tls(*stream)))
    assert [kind for kind, _ in whole] == ["name", "name", "certificate"]
    for cut in (1, 3, 50, 700):
        assert _told(("s", tls(*stream, cut=cut))) == whole


def test_nothing_is_read_behind_what_is_encrypted() -> None:
    change = b"\x14\3\3\0\1\1"
    assert _told(("s", tls(handshake(2, bytes(40))) + change + tls(shown_certificate(PANEL)))) == []
    assert _told(("s", b"\x16\3\3\0\0" + tls(shown_certificate(PANEL)))) == []
    assert _told(("s", b"\x16\3\3\xff\xff" + tls(shown_certificate(PANEL)))) == []


def test_only_a_client_asks_and_only_for_a_host() -> None:
    assert _told(("c", tls(client_hello(b"nas.example.")))) == [("called", "nas.example")]
    assert _told(("s", tls(client_hello(b"nas.example")))) == []
    assert _told(("c", tls(client_hello(b"nas.example", kind=1)))) == []
    for other in (b"", b"10.2.0.9", b"*.example", b"a b"):
        assert _told(("c", tls(client_hello(other)))) == []


def test_a_hello_without_a_name_and_one_that_lies_about_lengths() -> None:
    assert _told(("c", tls(handshake(1, b"\3\3" + bytes(32) + b"\0\0\2\0\xff\1\0")))) == []
    hello = bytearray(client_hello(b"nas.example"))
    for at in range(4, len(hello)):
        for value in (0, 1, 127, 255):
            wrong = bytes(hello[:at]) + bytes((value,)) + bytes(hello[at + 1 :])
            assert len(_told(("c", tls(wrong)))) <= 1
