from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.username_token import username_token

NONCE, CREATED = b"0123456789abcdef", b"2026-04-13T21:45:00Z"
KIND = b"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"


def message(fields: bytes, prefix: bytes = b"wsse:") -> bytes:
    token = b"<%sUsernameToken>%s</%sUsernameToken>" % (prefix, fields, prefix)
    return b"<s:Envelope><s:Header><Security>%s</Security></s:Header><s:Body/></s:Envelope>" % token


def digested(password: bytes, prefix: bytes = b"wsse:") -> bytes:
    digest = b64encode(sha1(NONCE + CREATED + password).digest())
    fields = (
        b'<P:Username>admin</P:Username><P:Password Type="%s#PasswordDigest">%s</P:Password>'
        b'<P:Nonce EncodingType="x#Base64Binary">%s</P:Nonce><W:Created xmlns:W="u">\n %s </W:Created>'
        % (KIND, digest, b64encode(NONCE), CREATED)
    )
    return message(fields.replace(b"P:", prefix), prefix)


@pytest.mark.parametrize("prefix", [b"wsse:", b""])
def test_a_digest_is_recomputed(prefix: bytes) -> None:
    token = username_token(digested(b"12345", prefix))
    assert token is not None
    assert (token.account, token.secret) == (b"admin", None)
    assert token.proves(b"12345") and not token.proves(b"1234")
    assert "12345" not in repr(token) and token.digest.decode() not in repr(token)


@pytest.mark.parametrize("kind", [b"", b' Type="%s#PasswordText"' % KIND])
def test_a_password_in_the_clear(kind: bytes) -> None:
    fields = b"<wsse:Username> admin </wsse:Username><wsse:Password%s>a&amp;b&#60;</wsse:Password>" % kind
    token = username_token(message(fields))
    assert token is not None
    assert (token.account, token.secret) == (b"admin", b"a&b<")
    assert "a&b" not in repr(token)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Username>admin</Username><Password>12345</Password>",
        message(b"<wsse:Username>admin</wsse:Username>"),
        message(b"<wsse:Password>12345</wsse:Password>"),
        message(b"<wsse:Username>admin</wsse:Username><wsse:Password>%s</wsse:Password>" % (b"x" * 513)),
        digested(b"12345").replace(b64encode(NONCE), b"x"),
    ],
    ids=["nothing", "no-token", "no-password", "no-user", "too-long", "no-base64"],
)
def test_others_show_nothing(body: bytes) -> None:
    assert username_token(body) is None


@given(st.binary(max_size=200), st.integers(0, 600))
def test_nothing_makes_it_raise(junk: bytes, cut: int) -> None:
    whole = digested(b"12345")
    username_token(junk)
    username_token(whole[:cut] + junk + whole[cut:])
    username_token(message(junk))


@pytest.mark.parametrize("junk", [b" ", b"<Password>", b"<Password ", b"<a:", b"<Password>" + b" " * 1000])
def test_none_takes_long(junk: bytes) -> None:
    body = message(junk * (32_768 // len(junk)))
    begun = process_time()
    username_token(body)
    assert process_time() - begun < 1
