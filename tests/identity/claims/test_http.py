"""The first head of each side names its program, unless it passes on what others say."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.identity.claims.messages import XP_CHALLENGE, XP_CHALLENGE_TOLD, client_hello, said, tls
from tests.identity.talk import Turn

PROXY = ("capability", "proxy")
ASKED = ("capability", "asked-as-proxy")
ASKS = b"GET / HTTP/1.1\r\nHost: erp.example\r\nUser-Agent: Mozilla/4.0 (Windows NT 5.1)\r\n"
OK = b"HTTP/1.1 200 OK\r\nServer: GoAhead-Webs\r\n"


def test_the_first_head_counts_and_bodies_do_not() -> None:
    first = b"GET / HTTP/1.1\r\nUser-Agent: one\r\n\r\n"
    assert said("http", ("c", first), ("c", first.replace(b"one", b"two"))) == [("software", "one")]
    assert said("http", ("c", b"GET / HTTP/1.1\r\n\r\nUser-Agent: one\r\n\r\n")) == []
    assert said("http", ("c", b"GET / HTTP/1.1\r\n\r\nVia: 1.1 a\r\n\r\n")) == []


@pytest.mark.parametrize(
    "field",
    [b"Via: 1.1 squid", b"X-Forwarded-For: 10.1.0.9", b"Forwarded: for=10.1.0.9", b"VIA: 1.0 a, 1.1 b"],
)
def test_who_passes_requests_on_is_not_the_program_that_asks(field: bytes) -> None:
    turns: list[Turn] = [("c", ASKS + field + b"\r\n\r\n"), ("s", OK + b"\r\n")]
    assert said("http", *turns) == [("software", "GoAhead-Webs"), PROXY, ("called", "erp.example")]
    # What it asks for itself in the same connection is its own.
    own = b"GET / HTTP/1.1\r\nUser-Agent: squid/5.7\r\n\r\n"
    assert ("software", "squid/5.7") in said("http", *turns, ("c", own))


def test_who_passes_answers_on_is_not_the_program_that_gives_them() -> None:
    turns: list[Turn] = [("c", ASKS + b"\r\n"), ("s", OK + b"Via: 1.1 nginx\r\n\r\n")]
    assert said("http", *turns) == [
        ("software", "Mozilla/4.0 (Windows NT 5.1)"),
        PROXY,
        ("called", "erp.example"),
    ]


def test_a_proxy_is_not_called_what_its_clients_ask_for() -> None:
    asks = ASKS.replace(b"GET /", b"GET http://erp.example/")
    turns: list[Turn] = [("c", asks + b"\r\n"), ("s", OK + b"\r\n")]
    # Any server has to take a whole address: that alone makes none a proxy.
    assert said("http", *turns) == [
        ("software", "Mozilla/4.0 (Windows NT 5.1)"),
        ("reaches", "erp.example"),
        ASKED,
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 Connection established\r\n\r\n", [PROXY, ("reaches", "teamviewer.com"), ASKED]),
        (b"HTTP/1.0 200\r\n\r\n", [PROXY, ("reaches", "teamviewer.com"), ASKED]),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", []),
        (b"HTTP/1.1 405 No\r\n\r\n", []),
    ],
)
def test_who_opens_a_way_to_somewhere_else_is_a_proxy(answer: bytes, told: list[tuple[str, str]]) -> None:
    connect = b"CONNECT client.teamviewer.com:443 HTTP/1.1\r\nHost: client.teamviewer.com:443\r\n\r\n"
    assert said("http", ("c", connect), ("s", answer)) == told
    assert said("http", ("s", answer), ("c", connect)) == []


OPENED = b"HTTP/1.1 200 OK\r\n\r\n"


def reached(*turns: Turn) -> list[str]:
    found = said("http", *turns)
    names = [value for kind, value in found if kind == "reaches"]
    assert (ASKED in found) >= bool(names)
    return names


@pytest.mark.parametrize(
    ("request_line", "domain"),
    [
        (b"CONNECT router3.teamviewer.com:443 HTTP/1.1", "teamviewer.com"),
        (b"CONNECT www.example.co.jp:443 HTTP/1.1", "example.co.jp"),
        (b"CONNECT a.b.example.jp:443 HTTP/1.1", "example.jp"),
        (b"CONNECT example.com.:443 HTTP/1.1", "example.com"),
        (b"GET http://api.hik-connect.com/x HTTP/1.1", "hik-connect.com"),
        (b"POST http://bob:no-secret@api.hik-connect.com:8080/x HTTP/1.1", "hik-connect.com"),
        (b"GET HTTP://API.Hik-Connect.com HTTP/1.1", "Hik-Connect.com"),
    ],
)
def test_whom_a_client_reaches_by_way_of_a_proxy(request_line: bytes, domain: str) -> None:
    asks: Turn = ("c", request_line + b"\r\n\r\n")
    assert reached(asks, ("s", OPENED)) == [domain]
    # Asked, but not let out; first told to log in; and again on the same connection.
    for status in (b"403 No", b"407 Who", b"502 Bad", b"504 Late"):
        assert reached(asks, ("s", b"HTTP/1.1 " + status + b"\r\n\r\n")) == []
    assert reached(asks, ("s", b"HTTP/1.1 407 Who\r\n\r\n"), asks, ("s", OPENED)) == [domain]
    assert reached(asks) == [] and reached(("s", OPENED), asks) == []
    # It passes this on for another one, who is told where that asks.
    for_another: Turn = ("c", request_line + b"\r\nVia: 1.1 first\r\n\r\n")
    assert reached(for_another, ("s", OPENED)) == []


def test_behind_a_bare_address_the_name_in_tls_counts() -> None:
    asks: Turn = ("c", b"CONNECT 198.51.100.7:443 HTTP/1.1\r\n\r\n")
    hello: Turn = ("c", tls(client_hello(b"relay-7.net.anydesk.com")))
    assert reached(asks, ("s", OPENED), hello) == ["anydesk.com"]
    assert reached(asks, ("s", b"HTTP/1.1 403 No\r\n\r\n"), hello) == []
    assert reached(asks, ("s", OPENED), ("c", b"\x16\x03\x01\xff\xff")) == []
    assert ASKED in said("http", asks, ("s", OPENED))
    plain: Turn = ("c", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert ASKED not in said("http", plain, ("s", OPENED), hello)


@pytest.mark.parametrize("scheme", [b"NTLM", b"Negotiate"])
@pytest.mark.parametrize("field", [b"WWW-Authenticate", b"proxy-authenticate"])
def test_who_asks_for_a_log_in_by_ntlm_names_itself(scheme: bytes, field: bytes) -> None:
    token = b64encode((b"\xa1\x81" if scheme == b"Negotiate" else b"") + XP_CHALLENGE)
    head = b"HTTP/1.1 401 No\r\n" + field + b": " + scheme + b" " + token + b"\r\n\r\n"
    assert said("http", ("s", head)) == XP_CHALLENGE_TOLD
    for size in range(len(head)):
        assert set(said("http", ("s", head[:size]))) <= set(XP_CHALLENGE_TOLD)
    assert said("http", ("s", head.replace(token, token.replace(b"T", b"!")))) == []
