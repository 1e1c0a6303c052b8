from __future__ import annotations

from pathlib import Path

from otmon.findings.coverage import coverage
from otmon.findings.judge import case_of, found_in, id_of
from otmon.ledger.facts import Damage
from otmon.ledger.file.aside import begun_after
from otmon.ledger.merge import collect, merge
from tests.detect.plant import PLANT

FIRST = begun_after(Path("plant.db.aside-20260101T120000Z"), "cut")
SECOND = begun_after(Path("plant.db.aside-20260301T000000Z"), "newer")


def test_each_ledger_that_was_put_aside_is_told_with_its_time() -> None:
    found = found_in(case_of(merge(FIRST, SECOND), PLANT))
    assert [(one.rule, one.severity, one.first_ns) for one in found] == [
        ("record-lost", "medium", 1_767_268_800 * 10**9), ("record-lost", "medium", 1_772_323_200 * 10**9),
    ]  # fmt: skip
    assert dict(found[0].what.params)["file"] == "plant.db.aside-20260101T120000Z"
    assert len({id_of(one) for one in found}) == 2
    assert id_of(found[0]) == id_of(found_in(case_of(FIRST, None))[0])


def test_damage_of_a_capture_is_none_of_it() -> None:
    assert found_in(case_of(collect(damage=[Damage("a.pcap", "cut-record", 9, 1, "")]), PLANT)) == ()


def test_what_is_seen_since_is_no_less_sure() -> None:
    """The ledger before is missing, and nothing of this one."""
    before = coverage(case_of(collect(), PLANT))
    assert before and coverage(case_of(FIRST, PLANT)) == before
