from __future__ import annotations

import hashlib

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, packet, proof, told

GREETING: Turn = TRANSCRIPTS["mysql"][0]
SCRAMBLE = b"abcdefghijklmnopqrst"
OK: Turn = ("s", packet(2, bytes(7)))
DENIED: Turn = ("s", packet(2, b"\xff\x15\x04#28000Access denied"))
OTHER = b"12345678901234567890"


def native(password: bytes, scramble: bytes = SCRAMBLE) -> bytes:
    """SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password)))."""
    once = hashlib.sha1(password).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


def sha2(password: bytes, scramble: bytes) -> bytes:
    once = hashlib.sha256(password).digest()
    mask = hashlib.sha256(hashlib.sha256(once).digest() + scramble).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


def response(answer: bytes, plugin: bytes = b"mysql_native_password", database: bytes = b"") -> Turn:
    flags = 0x0028A200 | (8 if database else 0)
    head = flags.to_bytes(4, "little") + b"\0\0\0\1\x21" + bytes(23) + b"root\0"
    rest = bytes((len(answer),)) + answer + (database + b"\0" if database else b"") + plugin + b"\0"
    return "c", packet(1, head + rest)


@pytest.mark.parametrize("database", [b"", b"plant"])
def test_the_native_plugin(database: bytes) -> None:
    (one,) = log_ins("mysql", GREETING, response(native(b"1234"), database=database), OK)
    assert (one.account, one.method, one.outcome) == (b"root", "mysql_native_password", "accepted")
    assert proof(one)(b"1234") and not proof(one)(b"123") and not proof(one)(b"")
    assert log_ins("mysql", GREETING, response(native(b"1234")), DENIED)[0].outcome == "refused"
    assert log_ins("mysql", GREETING, response(native(b"1234")))[0].outcome == "attempted"


def test_no_password_and_one_in_clear() -> None:
    assert told(log_ins("mysql", GREETING, response(b""), OK)) == [(b"root", "plain", "accepted", b"")]
    assert told(log_ins("mysql", *TRANSCRIPTS["mysql"])) == [(b"root", "plain", "accepted", b"hunter2")]


def test_the_server_asks_for_another_plugin() -> None:
    switch: Turn = ("s", packet(2, b"\xfecaching_sha2_password\0" + OTHER + b"\0"))
    turns = GREETING, response(native(b"x")), switch, ("c", packet(3, sha2(b"1234", OTHER)))
    for said, outcome in ((b"\1\3", "attempted"), (b"\0" * 7, "accepted")):
        (one,) = log_ins("mysql", *turns, ("s", packet(4, said)))  # type: ignore[arg-type]
        assert (one.method, one.outcome) == ("caching_sha2_password", outcome)
        assert proof(one)(b"1234") and not proof(one)(b"x")


def test_what_is_encrypted_and_what_is_broken_are_nothing() -> None:
    tls: Turn = ("c", packet(1, (0x0028AA00).to_bytes(4, "little") + b"\0\0\0\1\x21" + bytes(23)))
    assert log_ins("mysql", GREETING, tls, ("c", b"\x16\3\1\0\5hello"), OK) == []
    assert log_ins("mysql", ("s", packet(0, b"\xff\x10\x04Too many connections")), OK) == []
    whole = response(native(b"1234"))[1]
    for size in range(len(whole)):
        assert log_ins("mysql", GREETING, ("c", whole[:size])) == []
