"""The fact of one operation that was asked for once."""

from __future__ import annotations

import pytest

from otmon.identity.login import Seen
from otmon.ledger.dialogues.single_operation import single_operation
from otmon.ledger.facts import HOUR_NS, UNANSWERED, UNKNOWN, Evidence, Operation

TALK = ("10.1.0.5", "10.1.0.9", "tcp", 102, "s7comm", "7")
SEEN = Seen(5 * HOUR_NS + 3, 12, 2_000)


def operation(status: int, response_ns: int) -> Operation:
    return single_operation(TALK, 0x29, UNKNOWN, "PLC Stop", "control", status, response_ns, "a.pcap", SEEN)


def test_it_is_one_request_at_its_time_with_its_packet() -> None:
    one = operation(0, 4_000_000)
    assert (one.client, one.server, one.transport, one.port, one.protocol, one.vlan) == TALK
    assert (one.function, one.service, one.access, one.times) == (0x29, "PLC Stop", "control", 1)
    assert one.first_ns == one.last_ns == SEEN.time_ns
    assert one.evidence == one.busiest.evidence == Evidence(SEEN.time_ns, "a.pcap", 12, 2_000)
    # 1970 began on a Thursday.
    assert one.hours == 1 << 3 * 24 + 5


@pytest.mark.parametrize(("response_ns", "answered"), [(-1, 0), (0, 1), (4_000_000, 1)])
def test_only_an_answer_has_a_time(response_ns: int, answered: int) -> None:
    one = operation(0 if answered else UNANSWERED, response_ns)
    assert (one.answered, sum(window.answered for window in one.course)) == (answered, answered)
    assert one.response_ns_sum == one.response_ns_min == one.response_ns_max == max(response_ns, 0)
    assert bool(one.response_counts) == bool(answered)
