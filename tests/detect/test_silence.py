from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.silence import silence, unanswered
from otmon.findings.judge import case_of
from otmon.ledger.facts import UNANSWERED
from tests.detect.plant import ledger_of
from tests.detect.test_captures import HMI, PLC
from tests.zones.facts import conversation, operation


@pytest.mark.parametrize(("packets", "told"), [(0, "unanswered"), (1, "refuses-connections")])
def test_a_reset_is_an_answer_of_a_host_that_is_there(packets: int, told: str) -> None:
    facts = [replace(conversation(HMI, PLC), packets_to_client=0)]
    facts.append(replace(facts[0], packets_to_client=packets))
    assert silence(facts).key == told


@pytest.mark.parametrize(("packets", "told"), [(0, "server-unseen"), (1, "unanswered")])
def test_nobody_can_tell_of_an_answer_without_a_packet_of_the_server(packets: int, told: str) -> None:
    asked = operation(HMI, PLC, 6, 30, 1)
    case = case_of(ledger_of(replace(conversation(HMI, PLC), packets_to_client=packets), asked), None)
    lost = replace(asked, status=UNANSWERED)
    assert [one.key for one in unanswered(case, [lost, lost])] == [told]
    assert not list(unanswered(case, [lost, replace(asked, status=0)]))
