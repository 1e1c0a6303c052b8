from __future__ import annotations

from otmon.zones.files.document import Problem, parse
from otmon.zones.files.entry import NAMED_IN_FULL, entries, nearest
from otmon.zones.files.schema import ZoneForm
from otmon.zones.model import Line

TEXT = b"""\
zones:
- id: a
  importance: low
- id: b
  importance: nothing
  allow:
  - protocol: any
  - from: b
"""


def test_entries_come_with_their_place_and_what_is_wrong() -> None:
    problems: list[Problem] = []
    good, bad = entries(parse("m.yaml", TEXT), "zones", ZoneForm, problems)
    assert (good.id, good.line(), good.form is None) == ("a", Line("m.yaml", 2), False)
    assert (bad.id, bad.line(("importance",))) == ("b", Line("m.yaml", 5))
    # Without what is wrong the rest is checked all the same.
    assert bad.form is not None and "importance" in bad.misread
    assert [path for path, _ in bad.permissions] == [("allow", 0)]
    assert [problem.line for problem in problems] == [5, 8]
    assert bad.problem(("id",), "what", of_key=True) == Problem("m.yaml", 4, 3, "what")


def test_a_document_without_a_tree_has_no_entries() -> None:
    problems: list[Problem] = []
    assert list(entries(parse("m.yaml", b"["), "zones", ZoneForm, problems)) == []
    assert not problems


def test_the_nearest_name_is_the_one_that_was_meant_else_all() -> None:
    assert nearest("ofice", ["plc", "office"]) == "office"
    assert nearest("xyz", ["plc", "office"]) == "plc, office"
    many = [f"zone-{n:03}" for n in range(NAMED_IN_FULL + 1)]
    assert nearest("xyz", many) == f"one of 21 such as {', '.join(many[:8])}"
    assert nearest("xyz", many[:-1]) == ", ".join(many[:-1])
