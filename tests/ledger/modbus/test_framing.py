"""Messages in streams: cut, joined, wrong. tests/test_truth.py has every way of it; here are what the
counts say and that the cost stays linear."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import pytest

from otmon.ledger.facts import UNKNOWN
from otmon.ledger.modbus.framing import BAD_BYTES
from otmon.ledger.tables import T_ADDRESS, T_COUNT, T_FUNCTION, T_SUB
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import (
    Message,
    diagnose,
    mbap,
    public,
    read_bits,
    read_registers,
    read_write,
    write_bits,
    write_registers,
    write_single,
)
from tests.truth.segmentation import polling
from tests.truth.talk import CLIENT, MILLISECOND, SERVER, Talk, cut, join, whole


def test_every_cut_gives_every_message() -> None:
    for size in (1, 5, 11, 13):
        talk = polling("x", 0, 5)
        segments = [p for s in talk.segments for p in cut(s, range(size, s.end - s.start, size))]
        seen = Seen().packets(packets(talk, whole(talk, segments))).finish()
        assert seen.counted["transactions"] == 5
        assert "gaps in streams" not in seen.counted


def test_the_snap_length_cuts_values_and_no_transactions() -> None:
    """What stands before the values tells who asked whom for what, and that it was answered."""
    talk = Talk("x")
    for number, message in enumerate((*public(), *some_long(), *public())):
        talk.poll(message, exception=2 if number % 7 == 6 else 0)
    frames = packets(talk, whole(talk))
    said = Seen().packets(frames).finish()
    assert said.counted["transactions"] == len(talk.exchanges) and "requests unanswered" not in said.counted
    exact = {1, 2, 3, 4, 5, 6, 15, 16, 23}
    for snap in (*range(71, 120), 150, 250, 320):
        cut_short = Seen().packets(frames, snap).finish()
        assert "gaps in streams" not in cut_short.counted and not cut_short.ledger().anomalies
        assert ("messages cut by the capture" in cut_short.counted) == (snap < 320)
        for row, other in zip(said.transactions, cut_short.transactions, strict=True):
            different = {n for n in range(len(row)) if row[n] != other[n]}
            assert different <= (set() if row[T_FUNCTION] in exact else {T_ADDRESS, T_COUNT, T_SUB})


def test_no_value_is_made_up_where_the_snap_length_cuts() -> None:
    talk = Talk("x")
    talk.poll(read_registers(3, 0, 100, Random(1)))
    talk.poll(write_registers(0, 100, Random(2)))
    talk.poll(write_single(6, 7, 70))
    (written,) = Seen().packets(packets(talk, whole(talk)), 96).finish().ledger().written
    assert (written.address, written.extremes[0][:2]) == (7, (70, UNKNOWN))


def some_long() -> list[Message]:
    random = Random(3)
    return [
        read_registers(3, 100, 125, random), read_bits(1, 0, 2000, random), write_bits(7, 1968, random),
        write_registers(9, 123, random), read_write((5, 125), (300, 121), random),
    ]  # fmt: skip


def test_what_the_snap_length_left_out_behind_a_message_is_lost() -> None:
    """Two answers in one segment, of which the capture ends within the first one."""
    talk = Talk("x")
    asked = [talk.ask(read_registers(3, n, 60, Random(n))) for n in range(2)]
    for one in asked:
        talk.answer(one)
    *questions, answer, other = talk.segments
    joined = replace(answer, end=other.end)
    seen = Seen().packets(packets(talk, [*questions, joined]), 100).finish()
    assert seen.counted["messages cut by the capture"] == 1 and seen.counted["gaps in streams"] == 1
    assert seen.counted["bytes lost in streams"] == other.end - other.start


def test_a_bad_header_is_told_each_time_and_hides_nothing_behind_it() -> None:
    talk = Talk("x")
    for i in range(3):
        talk.poll(read_registers(3, i, 2, Random(i)))
        talk.say(CLIENT, mbap(9, 1, b"\x03\0\1\0\2", 7, 400))
        talk.now += MILLISECOND
        talk.poll(read_registers(3, 50 + i, 2, Random(i)))
    seen = Seen().packets(packets(talk, whole(talk))).finish()
    assert seen.counted["transactions"] == 6
    assert {(one.reason, one.times) for one in seen.ledger().anomalies} == {("protocol-id", 3), ("length", 3)}


def test_a_request_with_another_protocol_id_is_told_and_read() -> None:
    """Many servers do what it asks."""
    for before in (0, 1):
        talk = Talk("x")
        for i in range(before):
            talk.poll(read_registers(3, i, 2, Random(i)))
        talk.say(CLIENT, mbap(9, 1, b"\x06\0\5\0\3", protocol=7))
        seen = Seen().packets(packets(talk, whole(talk))).finish().ledger()
        assert [one.times for one in seen.operations if one.function == 6] == [1]
        assert [(one.reason, one.times) for one in seen.anomalies] == [("protocol-id", 1)]
    talk = Talk("x")
    talk.say(CLIENT, mbap(9, 1, b"\x06\0\5\0", protocol=7))
    talk.say(CLIENT, mbap(9, 1, b"\x60\0\5\0", protocol=7))
    assert Seen().packets(packets(talk, whole(talk))).finish().ledger().operations == ()


@pytest.mark.parametrize("filling", [b"\0", b"\x01", b"\0\x01\0\0\0\x06", b"\x03\x00", b"\xff"])
def test_garbage_costs_time_in_proportion_to_its_length(filling: bytes) -> None:
    def taken(size: int) -> float:
        talk = Talk("x")
        talk.poll(read_registers(3, 0, 2, Random(0)))
        for _ in range(size):
            talk.say(CLIENT, (filling * 1460)[:1460])
            talk.now += MILLISECOND
        made = packets(talk, whole(talk))
        seen = Seen()
        before = time.process_time()
        seen.packets(made)
        return time.process_time() - before

    taken(2)
    assert taken(64) < 1.0


def test_what_is_not_modbus_on_its_port_is_given_up() -> None:
    talk = Talk("x")
    for _ in range(BAD_BYTES // 400 + 4):
        talk.say(CLIENT, Random(1).randbytes(400))
        talk.now += MILLISECOND
    (fact,) = Seen().packets(packets(talk, whole(talk))).finish().ledger().conversations
    assert fact.protocol != "modbus"
    assert fact.expected == "modbus"


@pytest.mark.parametrize(("begin", "cuts", "transaction"), [(8, [8], 2), (7, [1, 11], 4)])
def test_the_inside_of_a_message_is_not_taken_for_one(begin: int, cuts: list[int], transaction: int) -> None:
    """The capture begins in a request, of which the last bytes and the next header look like a whole
    message of function 0."""
    talk = Talk("x")
    talk.ask(diagnose(1))
    for i in range(3):
        talk.ask(read_registers(3, i, 1, Random(i)), unit=0, transaction=transaction + i)
    (asked,) = join(talk.segments)
    pieces = list(cut(replace(asked, start=begin), cuts))
    seen = Seen().packets(packets(talk, pieces)).finish()
    assert seen.counted["transactions"] == 3
    assert seen.ledger().anomalies == ()


def umas(code: int, size: int, answer: bytes, **lies: int) -> Talk:
    """A poll, and a command of UMAS of so many bytes with its answer."""
    talk = Talk("x")
    talk.poll(read_registers(3, 0, 2, Random(0)))
    talk.say(CLIENT, mbap(9, 1, bytes((90, 0, code)) + bytes(size - 3), **lies))
    talk.now += MILLISECOND
    talk.say(SERVER, mbap(9, 1, bytes((90, 0)) + answer))
    talk.now += MILLISECOND
    talk.poll(read_registers(3, 9, 2, Random(0)))
    return talk


@pytest.mark.parametrize("size", [3, 253, 254, 1_030])
def test_umas_may_be_longer_than_modbus(size: int) -> None:
    talk = umas(0x41, size, b"\xfe")
    found = Seen().packets(packets(talk, whole(talk))).finish().ledger()
    assert [one.service for one in found.operations if one.function == 90] == ["UMAS Stop PLC"]
    assert (sum(one.times for one in found.operations), found.anomalies) == (3, ())


@pytest.mark.parametrize("lie", [{"length": 900}, {"length": 1_041}, {"length": 300}])
def test_nobody_waits_for_the_rest_of_a_long_message(lie: dict[str, int]) -> None:
    talk = umas(0x41, 5, b"\xfe", **lie)
    found = Seen().packets(packets(talk, whole(talk))).finish().ledger()
    assert sum(one.times for one in found.operations if one.function == 3) == 2
    assert [one.reason for one in found.anomalies if one.from_client] == ["length"]


def test_a_refusal_of_umas_is_one() -> None:
    talk = umas(0x41, 5, b"\xfd\x83\xa1")
    found = Seen().packets(packets(talk, whole(talk))).finish().ledger()
    (stop,) = (one for one in found.operations if one.function == 90)
    assert (stop.service, stop.refused, stop.answered) == ("UMAS Stop PLC", True, 1)
