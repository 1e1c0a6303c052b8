"""What devices of real and of made-up captures are taken for is what the documentation says."""

from __future__ import annotations

from pathlib import Path

from tests.confusion import DEVICES, PAGE, made_up, table, told, written


def test_the_table_is_that_of_the_captures(corpus: Path) -> None:
    found = told(corpus)
    page = PAGE.read_text(encoding="utf-8")
    own = made_up()
    both = table([(one.what, taken) for one, taken in found]), table(own)
    assert page == written(page, *both), "python -m tests.confusion"
    assert len(found) == len(DEVICES)
    # To know nothing is no error; to take a device for another one is.
    wrong = [(one.device, taken) for one, taken in found if taken not in ("unknown", "contradicted")
             and one.what not in taken.split(" or ")]  # fmt: skip
    assert wrong == []
    assert [(what, taken) for what, taken in own if taken == "contradicted"] == []
