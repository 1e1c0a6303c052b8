from __future__ import annotations

from base64 import b64encode
from hashlib import md5, sha1

import pytest

from otmon.identity.credentials import shipped_credentials
from otmon.identity.registry import parser_of
from tests.identity.talk import (
    NTLM_CHALLENGE,
    NTLM_V2,
    TRANSCRIPTS,
    Turn,
    log_ins,
    ntlm_challenge,
    ntlm_response,
    pieces,
    proof,
    told,
)

CHALLENGE: tuple[Turn, ...] = TRANSCRIPTS["http"][:2]
OK: Turn = ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
NO: Turn = ("s", b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


def get(*fields: str, method: str = "GET", body: bytes = b"") -> Turn:
    head = "\r\n".join((f"{method} /x HTTP/1.1", "Host: a", *fields, "", ""))
    return "c", head.encode() + body


def basic(pair: str) -> str:
    return f"Authorization: Basic {b64encode(pair.encode()).decode()}"


def test_a_page_behind_a_password() -> None:
    assert told(log_ins("http", *TRANSCRIPTS["http"])) == [(b"admin", "basic", "accepted", b"moxa")]


def test_the_answer_tells() -> None:
    page = get(basic("admin:a:b"))
    assert told(log_ins("http", *CHALLENGE, page, NO)) == [(b"admin", "basic", "refused", b"a:b")]
    assert told(log_ins("http", *CHALLENGE, page)) == [(b"admin", "basic", "attempted", b"a:b")]
    # Nobody asked for it: the page may be open to all.
    assert told(log_ins("http", page, OK)) == [(b"admin", "basic", "unknown", b"a:b")]
    forbidden: Turn = ("s", b"HTTP/1.1 404 Not Found\r\n\r\n")
    assert told(log_ins("http", *CHALLENGE, page, forbidden))[0][2] == "unknown"


def test_continue_is_no_answer() -> None:
    first: Turn = ("s", b"HTTP/1.1 100 Continue\r\n\r\n")
    assert told(log_ins("http", *CHALLENGE, get(basic("a:b")), first, NO))[0][2] == "refused"


@pytest.mark.parametrize(
    "field", ["Authorization: Basic %%%", "Authorization: Basic YQ==", "Authorization: Bearer YTpi"]
)
def test_other_credentials_are_nothing(field: str) -> None:
    assert log_ins("http", *CHALLENGE, get(field), OK) == []


def test_digest_is_recomputed() -> None:
    key = md5(b"admin:cam:12345").hexdigest()
    target = md5(b"GET:/x").hexdigest()
    response = md5(f"{key}:n1:00000001:c1:auth:{target}".encode()).hexdigest()
    field = (
        'Authorization: Digest username="admin", realm="cam", nonce="n1", uri="/x", qop=auth,'
        f' nc=00000001, cnonce="c1", response="{response}"'
    )
    (one,) = log_ins("http", get(field), OK)
    assert (one.account, one.method, one.outcome) == (b"admin", "digest", "accepted")
    assert proof(one)(b"12345") and not proof(one)(b"1234")


FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (FORM, b"user=admin&password=a%26b+c&go=1", (b"admin", b"a&b c")),
        (FORM, b"password=x", (b"", b"x")),
        (FORM, b"data%5BUser%5D%5Bloginid%5D=1234&data[User][passwd]=5678", (b"1234", b"5678")),
        (
            "Content-Type: application/json",
            b'{"d": {"userName": "admin", "password": "\xc3\xbc"}}',
            (b"admin", "ü".encode()),
        ),
    ],
)
def test_forms(kind: str, body: bytes, expected: tuple[bytes, bytes]) -> None:
    turn = get(kind, f"Content-Length: {len(body)}", method="POST", body=body)
    assert told(log_ins("http", turn, OK)) == [(expected[0], "form", "unknown", expected[1])]
    assert told(log_ins("http", turn, ("s", b"HTTP/1.1 403 Forbidden\r\n\r\n")))[0][2] == "refused"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"action=login&u=admin&p=admin256", (b"admin", b"admin256")),
        (b"&Session=0&CanopyUsername=root&CanopyPassword=root&login=Login", (b"root", b"root")),
        (b"user_name=admin&user_password=admin", (b"admin", b"admin")),
        (
            b"Login=Administrator&Redirection=%2FTemplates%2FLoginpage.html&Password=100",
            (b"Administrator", b"100"),
        ),
        (
            b"_method=POST&data%5BUser%5D%5Bloginid%5D=1234&data%5BUser%5D%5Bpasswd%5D=1234",
            (b"1234", b"1234"),
        ),
        (b"username=admin&password=loytec4u&login=Login", (b"admin", b"loytec4u")),
        (b"cmd=getuser&-usr=admin&-pwd=admin", (b"admin", b"admin")),
        (b"loginuse=admin&loginpas=admin", (b"admin", b"admin")),
    ],
    ids=["exacq", "canopy", "flir", "miniweb", "osasi", "loytec", "hi3510", "goahead"],
)
def test_forms_of_devices_whose_defaults_are_listed(body: bytes, expected: tuple[bytes, bytes]) -> None:
    """As the sources of their entries in `rules/credentials` log in."""
    turn = get(FORM, f"Content-Length: {len(body)}", method="POST", body=body)
    (one,) = log_ins("http", turn, OK)
    assert (one.account, one.secret) == expected
    assert shipped_credentials().matching(one, "http") is not None


@pytest.mark.parametrize(
    "sent",
    [
        b"MTIzNDU=",
        b"827ccb0eea8a706c4c34a16891f84e7b",
        b"827CCB0EEA8A706C4C34A16891F84E7B",
        b"8cb2237d0679ca88db6464eac60da96345513964",
        b"5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
    ],
    ids=["base64", "md5", "md5-capitals", "sha1", "sha256"],
)
def test_a_page_that_hides_the_password_is_told_by_what_it_sends(sent: bytes) -> None:
    body = b"username=admin&password=" + sent.replace(b"=", b"%3D")
    (one,) = log_ins("http", get(FORM, f"Content-Length: {len(body)}", method="POST", body=body), OK)
    assert one.proves is not None and one.proves(b"12345") and not one.proves(b"1234")
    found = shipped_credentials().matching(one, "http")
    assert found is not None and found.password == b"12345"


@pytest.mark.parametrize("sent", [b"12345678", b"MTIzNDU", b"827ccb0eea8a706c4c34a16891f84e7c", b"MTIzNDY="])
def test_other_values_are_no_factory_password(sent: bytes) -> None:
    body = b"username=admin&password=" + sent.replace(b"=", b"%3D")
    (one,) = log_ins("http", get(FORM, f"Content-Length: {len(body)}", method="POST", body=body), OK)
    found = shipped_credentials().matching(one, "http")
    assert found is None or found.password == sent


def test_a_camera_is_asked_by_onvif() -> None:
    digest = b64encode(sha1(b"n" * 16 + b"2026-04-13T21:45:00Z" + b"12345").digest()).decode()
    body = (
        "<s:Envelope><s:Header><Security><UsernameToken><Username>admin</Username>"
        f'<Password Type="#PasswordDigest">{digest}</Password><Nonce>{b64encode(b"n" * 16).decode()}</Nonce>'
        "<Created>2026-04-13T21:45:00Z</Created></UsernameToken></Security></s:Header><s:Body/></s:Envelope>"
    ).encode()
    turn = get("Content-Type: application/soap+xml", f"Content-Length: {len(body)}", method="POST", body=body)
    (one,) = log_ins("http", turn, OK)
    assert (one.account, one.method, one.outcome, one.secret) == (b"admin", "digest", "unknown", None)
    found = shipped_credentials().matching(one, "http")
    assert found is not None and found.password == b"12345"
    assert log_ins("http", turn, NO)[0].outcome == "refused"
    (clear,) = log_ins(
        "http",
        get(
            "Content-Type: text/xml",
            "Content-Length: 97",
            method="POST",
            body=(
                b"<UsernameToken><Username>root</Username><Password>pass</Password></UsernameToken>".ljust(97)
            ),
        ),
        OK,
    )
    assert (clear.account, clear.method, clear.secret) == (b"root", "plain", b"pass")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"oldpassword=1&newpassword=2"),
        (FORM, b"action=show&u=3&p=2"),
        (FORM, b"action=login&p=2"),
        (FORM, b"password=1&passwd=2"),
        ("Content-Type: application/json", b"[" * 5000),
        ("Content-Type: application/json", b'{"password": 1}'),
        ("Content-Type: text/plain", b"password=1"),
    ],
)
def test_no_forms(kind: str, body: bytes) -> None:
    turn = get(kind, f"Content-Length: {len(body)}", method="POST", body=body)
    assert log_ins("http", turn, OK) == []


def test_a_query_that_logs_in() -> None:
    turn: Turn = ("c", b"GET /login.cgi?usr=admin&pwd=admin HTTP/1.1\r\nHost: a\r\n\r\n")
    assert told(log_ins("http", turn, OK)) == [(b"admin", "query", "unknown", b"admin")]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_ntlm_is_recomputed(scheme: str) -> None:
    def token(data: bytes) -> str:
        return f"{scheme} {b64encode(data).decode()}"

    challenge = token(ntlm_challenge(NTLM_CHALLENGE))
    asked: Turn = (
        "s",
        f"HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n".encode(),
    )
    first = get(f"Authorization: {token(b'NTLMSSP' + bytes(30))}")
    second = get(f"Authorization: {token(ntlm_response(bytes(24), NTLM_V2, 'Domain', 'User'))}")
    (one,) = log_ins("http", first, asked, second, OK)
    assert (one.account, one.method, one.outcome) == (b"User", "ntlmv2", "accepted")
    assert proof(one)(b"Password") and not proof(one)(b"password")
    assert [each.outcome for each in log_ins("http", first, asked, second, NO)] == ["refused"]
    assert log_ins("http", second, OK) == []


PARTS = (
    b'--B\r\nContent-Disposition: form-data; name="username"\r\n\r\nadmin\r\n'
    b'--B\r\nContent-Disposition: form-data; name="password"\r\nContent-Type: text/plain\r\n\r\n'
    b"moxa\r\n--B--\r\n"
)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Content-Type: multipart/form-data; boundary=B", PARTS),
        ("Content-Type: text/plain", b"username=admin&password=moxa"),
        ("Content-Type: text/plain", b'{"user": "admin", "password": "moxa"}'),
        (FORM, b"user%6eame=%61dmin&p%61%73%73%77%6f%72%64=mox%61"),
        (FORM, b"a=b&" * 300 + b"username=admin&password=moxa"),
        (FORM, b"x=" + b"y" * 20_000 + b"&username=admin&password=moxa"),
        (
            "Content-Type: application/json",
            b'{"params": ["0", {"username": "admin", "p\\u0061ssword": "moxa"}]}',
        ),
    ],
    ids=["parts", "plain", "plain json", "quoted", "many", "long", "json"],
)
def test_a_form_in_another_dress(kind: str, body: bytes) -> None:
    for method in ("POST", "PUT"):
        turn = get(kind, f"Content-Length: {len(body)}", method=method, body=body)
        assert told(list(parser_of("http")(pieces(turn, OK)))) == [(b"admin", "form", "unknown", b"moxa")]


def test_a_query_beside_a_body() -> None:
    turn: Turn = ("c", b"POST /?usr=admin&pwd=admin HTTP/1.1\r\nContent-Length: 3\r\n\r\nx=1")
    assert told(log_ins("http", turn, OK)) == [(b"admin", "query", "unknown", b"admin")]


def test_a_form_behind_its_head() -> None:
    head: Turn = ("c", b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 21\r\n\r\n")
    turns = head, ("s", b"HTTP/1.1 100 Continue\r\n\r\n"), ("c", b"user=admin&pwd=abcdefg"[:21]), OK
    assert [one.secret for one in log_ins("http", *turns)] == [b"abcdef"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "field",
    [
        b"aUtHoRiZaTiOn: bAsIc YWRtaW46bW94YQ==",
        b"Authorization:\r\n Basic\r\n\tYWRtaW46bW94YQ==",
        b"Authorization: Basic\tYWRtaW46bW94YQ",
        b"Authorization: Basic eDp5\r\nAuthorization: Basic YWRtaW46bW94YQ==",
        b"X: y\r\n" * 300 + b"Authorization : Basic YWRtaW46bW94YQ==",
    ],
    ids=["case", "folded", "tab", "twice", "many"],
)
@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1", b"GET  /\t  HTTP/1.1", b"GET /" + b"a" * 6_000 + b" HTTP/1.1"]
)
def test_a_header_field_in_another_dress(field: bytes, line: bytes) -> None:
    turn: Turn = ("c", line + b"\r\n" + field + b"\r\n\r\n")
    assert (b"admin", "basic", "unknown", b"moxa") in told(list(parser_of("http")(pieces(turn, OK))))
