"""Values come out as they are written."""

from __future__ import annotations

from dataclasses import dataclass

from otmon.zones.model import Line, Name
from otmon.zones.review.address_class import lists
from otmon.zones.review.notation import allows, key_of, written
from tests.zones.facts import model


def test_what_a_permission_allows() -> None:
    plant = model(
        """
        version: 1
        zones:
        - {id: a, importance: low, members: 10.0.0.0/24}
        - {id: b, importance: low, members: 10.1.0.0/24}
        boundaries:
        - {id: a-b, between: [a, b], allow: [
            {from: a, to: 10.1.0.5, protocol: modbus, port: [502, 600-610], access: [read, write],
             functions: [read-coils, 43/14], units: 1-3, coils: 0-9, reason: r},
            {from: a, protocol: any}]}
        """
    )
    first, second = (permission for _, permission in lists(plant))
    assert allows(first) == (
        "protocol modbus; port 502, 600-610; access read, write; functions 1, 43/14; units 1-3; coils 0-9"
    )
    assert allows(second) == "protocol any"
    assert written(first.clients) == "a" and written(first.servers) == "10.1.0.5"
    assert key_of("clients") == "from" and key_of("units") == "units"


@dataclass(frozen=True)
class Later:
    """A kind of value that a model may have one day."""

    line: Line
    days: tuple[str, ...]
    hours: tuple[tuple[int, int], ...]


def test_values_of_kinds_that_nobody_foresaw() -> None:
    assert written(Later(Line("m.yaml", 3), ("mon", "tue"), ((8, 17),))) == "days mon, tue hours 8-17"
    assert written(Name("事務所", "Office")) == "事務所 / Office"
    assert written(()) == "" and written(None) == "" and written(3) == "3"
