"""Which messages with commands are copied: commands first, writes by a budget of their own."""

from __future__ import annotations

from random import Random

import pytest

from otmon.lab.frames import Say, connection
from otmon.ledger.copying.writes import FLOW_WRITES
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, seen
from tests.ledger.dialogues.test_command_operations import SHED
from tests.protocols.test_commands import S7_WRITE, STOP, s7

FLOOD = 1_000


def written(number: int) -> bytes:
    return s7(1, number, S7_WRITE[17:])


@pytest.mark.parametrize("place", [0, FLOOD // 2, FLOOD])
def test_a_flood_of_writes_hides_no_stop_of_the_same_second(place: int) -> None:
    says = [Say("client", written(number), 10_000) for number in range(FLOOD)]
    says.insert(place, Say("client", STOP, 10_000))
    found = seen(connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, 102), says, Random(1), "x"))
    times: dict[str, int] = {}
    for one in found.ledger().operations:
        times[one.service] = times.get(one.service, 0) + one.times
    assert times == {"PLC Stop": 1, "Write Var": FLOW_WRITES}
    assert found.counted[SHED] == FLOOD - FLOW_WRITES


def test_answers_are_copied_of_what_was_copied_alone() -> None:
    says = []
    for number in range(FLOOD):
        says += [
            Say("client", written(number), 10_000),
            Say("server", s7(3, number, b"\5\1", b"\0\0"), 10_000),
        ]
    found = seen(connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, 102), says, Random(1), "x"))
    (one,) = found.ledger().operations
    assert (one.times, one.answered, one.status) == (FLOW_WRITES, FLOW_WRITES, 0)


def test_a_flood_of_one_connection_leaves_others_their_writes() -> None:
    packets = []
    for source in range(50_000, 50_003):
        says = [Say("client", written(number), 10_000) for number in range(FLOOD if source == 50_000 else 1)]
        packets += connection(WIRE, START_NS, (CLIENT, SERVER), (source, 102), says, Random(source), "x")
    found = seen(sorted(packets, key=lambda packet: packet.time_ns))
    assert sum(one.times for one in found.ledger().operations) == FLOW_WRITES + 2
