from __future__ import annotations

import re

import pytest

from otmon.protocols.modbus import FUNCTIONS, SUBFUNCTIONS, service
from otmon.zones.functions import MODBUS_FUNCTIONS, MODBUS_OBJECTS, normal


def test_the_names_are_the_protocols() -> None:
    known = {(code, None): entry.name for code, entry in FUNCTIONS.items()}
    known |= {numbers: entry.name for numbers, entry in SUBFUNCTIONS.items()}
    plain = {numbers: re.sub(r" \(.*\)", "", name) for numbers, name in known.items()}
    assert {numbers: normal(name) for numbers, name in plain.items()} == {
        numbers: name for name, numbers in MODBUS_FUNCTIONS.items()
    }


@pytest.mark.parametrize("name", ["Read/Write Multiple Registers", "read_write_MULTIPLE-registers"])
def test_spelling_does_not_matter(name: str) -> None:
    assert MODBUS_FUNCTIONS[normal(name)] == (23, None)


def test_only_reads_and_writes_address_elements() -> None:
    assert {service(code).access for code in MODBUS_OBJECTS} == {"read", "write"}
    for code, kind in MODBUS_OBJECTS.items():
        name = service(code).name.lower()
        assert any(
            word in name
            for word in {"coils": ["coil"], "discrete_inputs": ["discrete"]}.get(kind, ["regist", "fifo"])
        )
