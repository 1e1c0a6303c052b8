"""What tells a command is kept, and nothing of what it carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.command_heads import head_of
from otmon.protocols.commands import PROTOCOLS, said_in
from otmon.protocols.stations import dnp3_crc

SECRET = b"\x5e\xc2\xe7\x5e\xc2\xe7"
S7_WRITE = (
    bytes.fromhex("0300002702f080 3201000001 00000e000a 0501120a10020001000184000000")
    + b"\0\4\0\x30"
    + SECRET
)
S7_WRITE = bytes.fromhex("0300002702f080320100000100000e000a0501120a1002000100018400000000040030") + SECRET
DNP3_LINK = bytes.fromhex("056414c401000200")
MESSAGES = {
    "s7comm write": ("s7comm", S7_WRITE, b"\x05\x01\x12\x0a"),
    "fins write": (
        "fins", bytes.fromhex("80000200010000020007010282000000000003") + SECRET, b"\x01\x02",
    ),
    "slmp write": ("slmp", bytes.fromhex("500000ffff03001200100001140000") + SECRET, b"\x01\x14"),
    "slmp in ascii": ("slmp", b"500000FF03FF00002400101401" b"0000" + SECRET, b"1401"),
    "bacnet restart": ("bacnet", bytes.fromhex("810a001501040005071409001d") + SECRET, b"\x14"),
    "dnp3 operate": ("dnp3", DNP3_LINK + dnp3_crc(DNP3_LINK) + b"\xc0\xc1\x05\x0c\x01" + SECRET, b"\x05"),
    "iec104 set point": (
        "iec104", bytes.fromhex("681400000000320106000100010000") + SECRET, b"\x32",
    ),
    "cip write": (
        "ethernet_ip",
        bytes.fromhex("6f002000") + b"\1" + bytes(25) + bytes.fromhex("0200")
        + bytes.fromhex("00000000b20010001003200424643003") + SECRET,
        b"\x10\x03\x20\x04",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_the_command_is_told_and_what_it_carries_is_not(name: str) -> None:
    protocol, message, tells = MESSAGES[name]
    assert said_in(protocol, message), "no command"
    shown = message[: head_of(protocol, message)]
    assert tells in shown
    assert not any(SECRET[n : n + 2] in shown for n in range(len(SECRET) - 1))


def test_each_protocol_with_commands_has_one() -> None:
    assert {protocol for protocol, _, _ in MESSAGES.values()} == set(PROTOCOLS)


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "http"])
def test_what_is_no_command_tells_nothing(protocol: str) -> None:
    for other in (b"", b"USER admin\r\n", b"\0" * 60, b"04", b"\x04", b"0312345678"):
        assert head_of(protocol, other) == 0


@given(
    st.sampled_from(PROTOCOLS), st.binary(max_size=80), st.sampled_from(sorted(MESSAGES)), st.integers(0, 80)
)
def test_any_bytes_whole_cut_or_changed(protocol: str, data: bytes, name: str, at: int) -> None:
    known = MESSAGES[name][1]
    for one in (data, known[:at], known[:at] + data, known[:at] + data[:1] + known[at + 1 :]):
        assert 0 <= head_of(protocol, one) <= len(one)
