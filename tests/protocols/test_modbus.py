"""Functions: every code has a name, and those that models rely on have their access class."""

from __future__ import annotations

import pytest

from otmon.protocols.modbus import FUNCTIONS, SUBFUNCTIONS, service


@pytest.mark.parametrize("function", range(1, 128))
def test_every_code_has_a_name(function: int) -> None:
    named = service(function)
    assert str(function) in named.name or function in FUNCTIONS
    kinds = ("User-defined", "Reserved", "Unassigned")
    if function in FUNCTIONS:
        assert not named.name.startswith(kinds)
    elif 65 <= function <= 72 or 100 <= function <= 110:
        assert named.name.startswith("User-defined")
    else:
        assert named.name.startswith(("Reserved", "Unassigned"))


def test_names_and_classes_that_models_rely_on() -> None:
    assert service(3).access == "read"
    assert service(6).access == service(16).access == service(23, -1, True).access == "write"
    assert service(8, 1).access == service(90, 0x41).access == "control"
    assert service(90, 0x33).access == "program"
    # The other way round than in the names that research gave them.
    assert [service(90, code).name for code in (0x30, 0x33)] == ["UMAS Begin Download", "UMAS Begin Upload"]
    assert service(43, 14) == SUBFUNCTIONS[43, 14]
    assert service(90, 0x99).name.startswith("UMAS")
    assert len({one.name for one in (*FUNCTIONS.values(), *SUBFUNCTIONS.values())}) == len(FUNCTIONS) + len(
        SUBFUNCTIONS
    )
