"""What a name in a question could carry, and that no bytes are more than a question or none."""

from __future__ import annotations

import struct
from base64 import b16encode, b32encode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.question import KEY, NULL, PRIVATE, TXT, Question, is_free, question_of

A, AAAA, PTR = 1, 28, 12


def asked(name: str, kind: int = A, after: bytes = b"") -> bytes:
    """A query of one question (RFC 1035, 4.1)."""
    labels = b"".join(bytes((len(one),)) + one.encode() for one in name.split("."))
    more = 1 if after else 0
    return (
        struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, more)
        + labels
        + b"\0"
        + struct.pack(">HH", kind, 1)
        + after
    )


def of(name: str, kind: int = A) -> Question:
    found = question_of(asked(name, kind))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.c.example.com", "example.com"),
        ("WWW.Example.COM", "example.com"),
        ("www.example.co.jp", "example.co.jp"),
        ("www.example.lg.jp", "example.lg.jp"),
        ("www.example.jp", "example.jp"),
        # Nobody registers under these, as the last label is no country's.
        ("www.example.com.museum", "com.museum"),
    ],
)
def test_the_domain_is_what_somebody_registered(name: str, domain: str) -> None:
    assert of(name).domain == domain


@pytest.mark.parametrize(
    "name", ["localhost", "example.com", "example.co.jp", "4.3.2.1.in-addr.arpa", "b.a.9.8.ip6.arpa"]
)
def test_names_of_no_domain_and_of_addresses_carry_nothing(name: str) -> None:
    assert question_of(asked(name)) is None


def test_a_name_carries_its_length_by_the_entropy_of_its_characters() -> None:
    data = Random(1).randbytes(100)
    for text, bits in ((b32encode(data), 5), (b16encode(data), 4)):
        told = text.decode().rstrip("=")
        name = ".".join(told[at : at + 60] for at in range(0, len(told), 60))
        # Data is not more than it carries, and looks like little less.
        assert 0.93 * 800 <= of(f"{name}.example.com").carried_bits <= bits * len(told)
    assert of(f"{'a' * 60}.example.com").carried_bits == 0
    assert of("ab.example.com").carried_bits == 2


def test_letters_of_another_case_are_no_other_name() -> None:
    assert of("aAbB.Example.com") == of("AABB.eXAMPLE.COM")
    assert of("a.bc.example.com").name != of("ab.c.example.com").name


def test_types_whose_answers_hold_anything() -> None:
    assert all(of("x.example.com", kind).free for kind in (NULL, TXT, KEY, PRIVATE, 0xFFFE))
    assert not any(is_free(kind) for kind in (A, AAAA, PTR, 2, 5, 6, 15, 33, 43, 48, 64, 65, 255, 0xFFFF))


def test_a_name_of_any_bytes_is_shown_as_visible_text() -> None:
    name = b"\x01x\x05\x1b[2J\n\x03com\0"
    found = question_of(asked("x")[:12] + name + struct.pack(">HH", A, 1))
    assert found is not None and found.domain.isprintable()


def test_a_message_that_is_cut_is_no_question_wherever_it_is_cut() -> None:
    whole = asked("data-data-data-data-data.example.com")
    assert question_of(whole) is not None
    assert [at for at in range(len(whole) - 2) if question_of(whole[:at]) is not None] == []


def test_pointers_that_lie_are_none() -> None:
    head = asked("x")[:12]
    for name in (b"\xc0\x0c", b"\x01x\xc0\x0e", b"\xc0\xff", b"\x01x\xc0", b"\x40" + b"x" * 64 + b"\0"):
        assert question_of(head + name + struct.pack(">HH", TXT, 1)) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_question_or_none(data: bytes) -> None:
    for message in (data, asked("x")[:12] + data):
        found = question_of(message)
        assert found is None or (
            0 <= found.carried_bits <= 8 * 255 and found.domain and len(found.domain) <= 160
        )
