"""How signatures are laid out and tried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.protocols.protocol import (
    Check,
    Crc16,
    Length,
    Number,
    Protocol,
    Sender,
    Signature,
    Text,
    Transport,
)
from otmon.protocols.signature import (
    LOOSE,
    PROVISIONAL,
    SENDER_SHIFT,
    SENDERS,
    TCP,
    UDP,
    USUAL,
    commanded_on,
    compile_signatures,
    signature_bits,
    signature_fault,
)
from tests.protocols.recognition import UNUSUAL, number

EMPTY = Protocol(id="x", name="X", kind="it", tcp_ports=(1000,), udp_ports=(1000,))


def tcp(*checks: Check, minimum: int = 8, **more: object) -> Signature:
    return replace(Signature("tcp", checks, minimum=minimum), **more)  # type: ignore[arg-type]


def protocols(*signatures: tuple[str, tuple[int, ...], Signature]) -> tuple[Protocol, ...]:
    return tuple(
        replace(EMPTY, id=name, tcp_ports=ports, udp_ports=ports, signatures=(signature,))
        for name, ports, signature in signatures
    )


def code(
    declared: tuple[Protocol, ...],
    payload: bytes,
    ports: tuple[int, int] = UNUSUAL,
    transport: Transport = "tcp",
) -> int:
    """What is recognised, whether the signature is a weak one or not."""
    return number(payload, transport, ports, compile_signatures(declared)) & ~LOOSE


def holds(check: Check, payload: bytes) -> bool:
    signature = tcp(check, minimum=len(payload) if isinstance(check, Crc16) else 8)
    return code(protocols(("a", (), signature)), payload) != 0


@pytest.mark.parametrize(
    ("check", "payload", "expected"),
    [
        (Number(0, 1, 5, 9), b"\x05.......", True),
        (Number(0, 1, 5, 9), b"\x09.......", True),
        (Number(0, 1, 5, 9), b"\x04.......", False),
        (Number(0, 1, 5, 9), b"\x0a.......", False),
        (Number(2, 2, 0x0102, 0x0102), b"..\x01\x02....", True),
        (Number(2, 2, 0x0102, 0x0102, little=True), b"..\x02\x01....", True),
        (Number(2, 2, 0x0102, 0x0102, little=True), b"..\x01\x02....", False),
        (Number(1, 3, 0x010203, 0x010203), b".\x01\x02\x03....", True),
        (Number(0, 4, 0xFFFFFFFF, 0xFFFFFFFF), b"\xff\xff\xff\xff....", True),
        (Number(0, 4, 0x04030201, 0x04030201, little=True), b"\x01\x02\x03\x04....", True),
        (Number(2, 6, 0x010203040506, 0x010203040506), b"..\x01\x02\x03\x04\x05\x06", True),
        (Number(0, 1, 0x40, 0x40, mask=0xF0), b"\x4f.......", True),
        (Number(0, 1, 0x40, 0x40, mask=0xF0), b"\x5f.......", False),
        (Number(0, 2, 0, 0, mask=0x0F00), b"\xf0\xff......", True),
        (Number(0, 2, 0, 0, mask=0x0F00), b"\xf1\xff......", False),
        (Number(0, 2, 0x0012, 0x0112, mask=0x01FF, little=True), b"\x12\xff......", True),
        (Number(-2, 2, 0x0D0A, 0x0D0A), b"any length\r\n", True),
        (Number(-2, 2, 0x0D0A, 0x0D0A), b"any length\r\n.", False),
        (Number(-4, 2, 0x0201, 0x0201, little=True), b"........\x01\x02..", True),
        (Text(0, b"SSH-"), b"SSH-2.0-", True),
        (Text(0, b"SSH-"), b"ssh-2.0-", False),
        (Text(0, b"ssH-", ignore_case=True), b"SSh-2.0-", True),
        (Text(0, b"a-", ignore_case=True), b"A\x0d......", False),
        (Text(1, b"1234567"), b".1234567", True),
        (Text(0, b"12345678"), b"12345678", True),
        (Text(0, b"12345678"), b"12345679", False),
        (Text(-3, b"end"), b"........end", True),
        (Text(-3, b"end"), b"........end.", False),
        (Length(0, 2, add=2), b"\x00\x06......", True),
        (Length(0, 2, add=2), b"\x00\x05......", False),
        (Length(0, 2, add=2, little=True), b"\x06\x00......", True),
        (Length(0, 1, add=0, relation="at most"), b"\x08.......", True),
        (Length(0, 1, add=0, relation="at most"), b"\x07.......", True),
        (Length(0, 1, add=0, relation="at most"), b"\x09.......", False),
        (Length(0, 1, add=0, relation="at least"), b"\x09.......", True),
        (Length(0, 1, add=0, relation="at least"), b"\x07.......", False),
        (Length(0, 1, add=4, unit=4), b"\x01.......", True),
        (Length(0, 1, add=0, mask=0x0F), b"\xf8.......", True),
        (Length(0, 4, add=0, relation="at most"), b"\xff\xff\xff\xff....", False),
        # The CRC of the DNP3 header of IEEE 1815, and of the same with one bit turned.
        (Crc16(8, 0, 8, 0xA6BC, inverted=True), bytes.fromhex("056405c001000004e921"), True),
        (Crc16(8, 0, 8, 0xA6BC, inverted=True), bytes.fromhex("056405c101000004e921"), False),
        (
            Crc16(8, 0, 8, 0xA6BC, inverted=True),
            bytes.fromhex("056405c0010000042 1e9".replace(" ", "")),
            False,
        ),
    ],
)
def test_checks(check: Check, payload: bytes, expected: bool) -> None:
    assert holds(check, payload) is expected


def test_all_checks_must_hold_and_the_size_be_in_its_bounds() -> None:
    declared = protocols(("a", (), tcp(Text(0, b"ab"), Number(2, 1, 1, 1), minimum=4, maximum=6)))
    assert code(declared, b"ab\x01.") == 1
    assert code(declared, b"ab\x01...") == 1
    assert code(declared, b"ab\x02.") == 0
    assert code(declared, b"xb\x01.") == 0
    assert code(declared, b"ab\x01") == 0
    assert code(declared, b"ab\x01....") == 0


def test_transports_are_kept_apart() -> None:
    declared = protocols(("a", (), tcp(Text(0, b"ab"), minimum=2)))
    assert code(declared, b"ab") == 1
    assert code(declared, b"ab", transport="udp") == 0


@pytest.mark.parametrize("sender", SENDERS)
def test_a_result_says_who_sends(sender: Sender) -> None:
    declared = protocols(("a", (), tcp(Text(0, b"ab"), minimum=2, sender=sender)))
    assert code(declared, b"ab") == 1 | SENDERS.index(sender) << SENDER_SHIFT


def test_a_weak_signature_counts_on_the_usual_port_of_either_side() -> None:
    declared = protocols(("a", (7, 8), tcp(Text(0, b"a"), minimum=1, hinted=True)))
    assert code(declared, b"a", (7, 40001)) == 1
    assert code(declared, b"a", (40001, 8)) == 1
    assert code(declared, b"a", (40001, 9)) == 0
    assert code(declared, b"a") == 0


def test_the_protocol_of_the_port_is_tried_first() -> None:
    strong, weak = tcp(Text(0, b"abcd"), minimum=4), tcp(Text(0, b"ab"), minimum=2)
    declared = protocols(("a", (7,), weak), ("b", (8,), strong))
    assert code(declared, b"abcd", (40001, 7)) == 1
    assert code(declared, b"abcd", (40001, 8)) == 2
    assert code(declared, b"abcd") == 2, "without a port the one that fixes more comes first"


def test_the_server_port_of_the_receiver_comes_before_that_of_the_sender() -> None:
    same = tcp(Text(0, b"ab"), minimum=2)
    declared = protocols(("a", (7,), same), ("b", (8,), same))
    assert code(declared, b"ab", (7, 8)) == 2
    assert code(declared, b"ab", (8, 7)) == 1


def test_two_protocols_of_one_port_are_both_tried() -> None:
    declared = protocols(
        ("a", (7,), tcp(Text(0, b"ab"), minimum=2, hinted=True)),
        ("b", (7,), tcp(Text(0, b"cd"), minimum=2, hinted=True)),
    )
    assert code(declared, b"ab", (40001, 7)) == 1
    assert code(declared, b"cd", (40001, 7)) == 2


def test_a_precise_name_is_preferred_to_a_provisional_one() -> None:
    shared = tcp(Text(0, b"\x03\x00ab"), minimum=4, provisional=True)
    exact = tcp(Text(0, b"\x03\x00"), Number(4, 1, 0x32, 0x32), minimum=5)
    declared = protocols(("a", (102,), shared), ("b", (), exact))
    assert code(declared, b"\x03\x00ab\x32", (40001, 102)) == 2
    assert code(declared, b"\x03\x00ab\x33", (40001, 102)) == 1 | PROVISIONAL
    assert code(declared, b"\x03\x00ab\x33") == 1 | PROVISIONAL


def test_the_order_of_the_files_does_not_matter() -> None:
    one = ("a", (), tcp(Text(0, b"abc"), minimum=3))
    two = ("b", (), tcp(Text(0, b"ab"), minimum=2))
    assert code(protocols(one, two), b"abc") == 1
    assert code(protocols(two, one), b"abc") == 2


@pytest.mark.parametrize(
    "signature",
    [
        tcp(Number(0, 1, 0x10, 0x5F)),
        tcp(Number(0, 1, 0x10, 0x20, mask=0x70)),
        tcp(Number(0, 2, 0x1203, 0x4511)),
        tcp(Number(0, 2, 0x1203, 0x4511, little=True)),
        tcp(Number(0, 2, 0x1203, 0x1211, little=True)),
        tcp(Number(0, 2, 0x0012, 0x0012, mask=0x00FF, little=True)),
        tcp(Number(0, 4, 0x00010000, 0x0001FFFF)),
        tcp(Text(0, b"Ab", ignore_case=True)),
        tcp(Length(0, 1, add=0, relation="at most")),
    ],
)
def test_the_index_by_first_byte_hides_nothing(signature: Signature) -> None:
    """One byte further on in the payload the same checks are no matter of the index."""
    checks = tuple(
        replace(check, at=check.at + 1, add=check.add + 1)
        if isinstance(check, Length)
        else replace(check, at=check.at + 1)
        for check in signature.checks
    )
    here = compile_signatures(protocols(("a", (), signature)))
    further = compile_signatures(protocols(("a", (), replace(signature, checks=checks, minimum=9))))
    for first in range(256):
        for second in (0x00, 0x03, 0x12, 0x45, 0x62, 0xFF):
            payload = bytes((first, second)) + b"\x00\x01...."
            assert number(payload, "tcp", UNUSUAL, here) == number(b"\x00" + payload, "tcp", UNUSUAL, further)


@pytest.mark.parametrize(
    ("signature", "fault"),
    [
        (tcp(minimum=4), "needs a payload and a check"),
        (tcp(Text(0, b"a"), minimum=0), "needs a payload and a check"),
        (tcp(Text(0, b"")), "reaches outside"),
        (tcp(Text(2, b"abc"), minimum=4), "reaches outside"),
        (tcp(Text(-2, b"abc"), minimum=4), "reaches outside"),
        (tcp(Text(-5, b"abc"), minimum=4), "reaches outside"),
        (tcp(Number(3, 2, 0, 1), minimum=4), "reaches outside"),
        (tcp(Crc16(8, 0, 11, 0xA6BC), minimum=10), "reaches outside"),
        (tcp(Crc16(8, -2, 4, 0xA6BC), minimum=10), "covers no bytes"),
        (tcp(Crc16(8, 4, 4, 0xA6BC), minimum=10), "covers no bytes"),
        (tcp(Number(0, 1, 0, 256)), "range"),
        (tcp(Number(0, 1, 5, 4)), "range"),
        (tcp(Number(0, 2, -1, 4)), "range"),
        (tcp(Length(0, 2, add=0, unit=0)), "no such size or unit"),
        (tcp(Text(0, b"a"), maximum=7), "maximum is below"),
    ],
)
def test_a_signature_that_contradicts_itself_is_refused_with_the_protocol_named(
    signature: Signature, fault: str
) -> None:
    assert fault in signature_fault(EMPTY, signature)
    with pytest.raises(ValueError, match=f"protocol broken: .*{fault}"):
        compile_signatures((EMPTY, replace(EMPTY, id="broken", signatures=(signature,))))


def test_a_signature_for_usual_ports_needs_some() -> None:
    with pytest.raises(ValueError, match="there are none"):
        compile_signatures(protocols(("a", (), tcp(Text(0, b"a"), hinted=True))))


@pytest.mark.parametrize(
    ("check", "bits"),
    [
        (Text(0, b"FINS"), 32),
        (Text(0, b"GET /", ignore_case=True), 37),
        (Number(0, 1, 0x68, 0x68), 8),
        (Number(0, 1, 0, 127), 1),
        (Number(0, 1, 0x80, 0x80, mask=0x80), 1),
        (Number(0, 2, 0, 0xFFFF), 0),
        (Length(0, 2, add=4), 16),
        (Length(0, 2, add=4, relation="at most"), 1),
        (Crc16(8, 0, 8, 0xA6BC), 16),
    ],
)
def test_bits_that_a_check_fixes(check: Check, bits: float) -> None:
    assert signature_bits(Signature("tcp", (check,), minimum=10)) == pytest.approx(bits)


def test_a_name_says_whether_it_is_that_of_a_port_with_commands_and_whether_it_is_weak() -> None:
    strong, weak = tcp(Text(0, b"abcd")), tcp(Text(0, b"ab"))
    first, second, third = protocols(("a", (1000,), strong), ("b", (2000,), strong), ("c", (3000,), weak))
    declared = replace(first, commanded=("tcp",)), second, replace(third, commanded=("udp",))
    assert code(declared, b"abcd....", (40001, 1000)) == 1 | USUAL == code(declared, b"abcd....", (1000, 7))
    assert code(declared, b"abcd....", (40001, 2000)) == 2
    assert code(declared, b"abcd....") == 1
    tables = compile_signatures(declared)
    assert number(b"ab......", "tcp", (1000, 3000), tables) == 3 | LOOSE
    ports = (1000, 2000, 3000, 0, 65_535)
    assert [commanded_on(tables, TCP, port) for port in ports] == [1, 0, 0, 0, 0]
    assert [commanded_on(tables, UDP, port) for port in ports] == [0, 0, 3, 0, 0]
