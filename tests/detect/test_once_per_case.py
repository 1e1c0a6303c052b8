from __future__ import annotations

from dataclasses import replace

from otmon.detect.detector import Case
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.ledger import EMPTY


def test_a_case_is_asked_once_and_another_one_anew() -> None:
    asked: list[Case] = []

    @once_per_case
    def counted(case: Case) -> int:
        asked.append(case)
        return len(asked)

    case = Case(ledger=EMPTY, protocols={}, index=None, conversations=(), operations=())
    assert [counted(case), counted(case), counted(replace(case)), counted(case)] == [1, 1, 2, 1]
    assert counted.__name__ == "counted"
