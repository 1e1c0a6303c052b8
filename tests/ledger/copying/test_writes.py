"""By what number an answer is known, and how many writes are copied."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.decode.fields import C_COMMANDS_SHED
from otmon.lab.frames import udp_packet
from otmon.ledger.copying.writes import (
    FLOW_WRITES,
    NUMBERS,
    SECOND_WRITES,
    await_answer,
    may_copy_write,
    number_of,
    take_answer,
)
from otmon.ledger.facts import OPEN_AT_END
from otmon.ledger.tables import ASKERS, SECOND_NS, new_tables
from otmon.protocols.registry import code_of
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, talk
from tests.ledger.dialogues.test_command_operations import operations
from tests.protocols.test_commands import (
    BACNET_WRITE,
    BACNET_WRITTEN,
    CIP_PACKED_DONE,
    CIP_WRITE,
    CIP_WRITES_PACKED,
    CIP_WRITTEN,
    DNP3_OPERATE,
    DNP3_OPERATED,
    DNP3_UNASKED,
    FINS_TCP,
    FINS_WRITE,
    FINS_WRITTEN,
    IEC104_SWITCH,
    IEC104_SWITCHED,
    IEC104_UNKNOWN,
    PCCC_DATA,
    PCCC_DONE,
    S7_NOT_THERE,
    S7_WRITE,
    S7_WRITTEN,
    SLMP_DONE,
    SLMP_REFUSED,
    SLMP_WRITE,
    SLMP_WRITE_1E,
    SLMP_WRITE_1E_ASCII,
    SLMP_WRITTEN_1E,
    SLMP_WRITTEN_1E_ASCII,
)

PAIRS = [
    ("s7comm", 102, S7_WRITE, S7_WRITTEN, "Write Var", 0),
    ("s7comm", 102, S7_WRITE, S7_NOT_THERE, "Write Var", 0x0A),
    ("iec104", 2404, IEC104_SWITCH, IEC104_SWITCHED, "Single Command", 0),
    ("iec104", 2404, IEC104_SWITCH, IEC104_UNKNOWN, "Single Command", 44),
    ("dnp3", 20_000, DNP3_OPERATE, DNP3_OPERATED, "Direct Operate", 0),
    ("slmp", 5007, SLMP_WRITE, SLMP_DONE, "Device Write", 0),
    ("slmp", 5007, SLMP_WRITE, SLMP_REFUSED, "Device Write", 0xC059),
    ("slmp", 5007, SLMP_WRITE_1E, SLMP_WRITTEN_1E, "Device Write", 0),
    ("slmp", 5007, SLMP_WRITE_1E_ASCII, SLMP_WRITTEN_1E_ASCII, "Device Write", 0),
    ("ethernet_ip", 44_818, CIP_WRITE, CIP_WRITTEN, "Write Tag", 0),
    ("ethernet_ip", 44_818, CIP_WRITES_PACKED, CIP_PACKED_DONE, "Write Tag", 0),
    ("ethernet_ip", 44_818, PCCC_DATA, PCCC_DONE, "Data File Write", 0),
]


def number(protocol: str, message: bytes) -> int:
    return number_of(code_of(protocol), np.frombuffer(message, np.uint8), 0, len(message))


@pytest.mark.parametrize(("protocol", "port", "asks", "answers", "name", "status"), PAIRS)
def test_a_write_and_its_answer_are_an_operation(
    protocol: str, port: int, asks: bytes, answers: bytes, name: str, status: int
) -> None:
    assert number(protocol, asks) == number(protocol, answers) < NUMBERS
    (one,) = operations(talk(port, ("c", asks), ("s", answers)))
    assert (one.protocol, one.service, one.status, one.answered) == (protocol, name, status, 1)
    assert (one.client, one.server, one.port) == (CLIENT.address, SERVER.address, port)
    # An answer that nobody asked for is none.
    assert operations(talk(port, ("c", asks), ("s", answers), ("s", answers))) == (one,)


@pytest.mark.parametrize(("asks", "answers"), [(BACNET_WRITE, BACNET_WRITTEN), (FINS_WRITE, FINS_WRITTEN)])
def test_datagrams_have_answers_too(asks: bytes, answers: bytes) -> None:
    port = 47_808 if asks is BACNET_WRITE else 9_600
    packets = [
        udp_packet(WIRE, START_NS, (CLIENT, SERVER), (50_000, port), asks, 1, "x"),
        udp_packet(WIRE, START_NS + 5_000_000, (SERVER, CLIENT), (port, 50_000), answers, 9, "x"),
    ]
    (one,) = operations(packets)
    assert (one.access, one.status, one.answered) == ("write", 0, 1)


def test_what_is_never_answered_is_not_called_unanswered() -> None:
    (one,) = operations(talk(20_000, ("c", DNP3_UNASKED), ("c", DNP3_UNASKED)))
    assert (one.status, one.times) == (OPEN_AT_END, 2)


def test_two_writes_that_wait_are_told_apart_by_their_number() -> None:
    second = CIP_WRITE[:44] + b"\x16\0" + CIP_WRITE[46:]
    refused = CIP_WRITTEN[:44] + b"\x16\0\xcd\0\5\0"
    found = operations(talk(44_818, ("c", CIP_WRITE), ("c", second), ("s", refused), ("s", CIP_WRITTEN)))
    assert sorted(one.status for one in found) == [0, 5]


def test_a_message_that_is_cut_off_has_a_number() -> None:
    for protocol, _, asks, answers, _, _ in PAIRS:
        for message in (asks, answers, FINS_TCP + FINS_WRITE):
            for size in range(1, len(message)):
                data = np.frombuffer(message[:size], np.uint8).copy()
                assert 0 <= number_of(code_of(protocol), data, 0, size) < NUMBERS


def test_a_second_has_a_budget_and_each_flow_a_part_of_it() -> None:
    t = new_tables(code_of("modbus"), False)
    taken = [sum(may_copy_write(t, f, 0, 0) for _ in range(FLOW_WRITES + 1)) for f in range(6)]
    assert taken == [FLOW_WRITES] * (SECOND_WRITES // FLOW_WRITES) + [0, 0]
    assert t.counters[C_COMMANDS_SHED] == 4 + 2 * (FLOW_WRITES + 1)
    assert may_copy_write(t, 5, 0, SECOND_NS)


def test_flows_that_share_a_row_do_not_take_each_others_answers() -> None:
    t = new_tables(code_of("modbus"), False)
    other = ASKERS // 2
    await_answer(t, 0, 0, 7, 0)
    assert not take_answer(t, other, 0, 7) and not take_answer(t, 0, 1, 7) and not take_answer(t, 0, 0, 8)
    assert not may_copy_write(t, other, 0, 0)
    assert take_answer(t, 0, 0, 7) and not take_answer(t, 0, 0, 7)
    await_answer(t, 0, 0, 7, 0)
    assert may_copy_write(t, other, 0, SECOND_NS) and not take_answer(t, 0, 0, 7)
