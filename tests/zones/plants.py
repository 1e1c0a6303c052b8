"""Small models at random, written as files: three or four zones whose hosts are few enough to try all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from otmon.zones.files.load import read_model
from otmon.zones.model import Model
from tests.zones.facts import PROTOCOLS

ZONES = ("a", "b", "c", "d")
HOSTS = tuple(f"10.{zone}.0.{number}" for zone in range(len(ZONES)) for number in (1, 2, 3, 9))
"""Of each zone's network; what ends in 9 is named by no permission. 10.0.0.3 belongs to zone b."""

LIMITS = (
    "protocol: any",
    "protocol: any",
    "protocol: modbus, port: 502",
    "protocol: modbus, transport: tcp, port: [500-502, 80]",
    "protocol: modbus, access: read",
    "protocol: modbus, access: [read, write], units: 1-2",
    "protocol: modbus, holding_registers: 0-9",
    "protocol: modbus, holding_registers: [0-4, 8-20], coils: 3",
    "protocol: modbus, functions: [write-single-register, 43/14], holding_registers: 5-30",
)


@st.composite
def ends(draw: Any, zone: int) -> str:
    given = [f"10.{zone}.0.1", f"10.{zone}.0.2", f"10.{zone}.0.0/30"]
    some = st.lists(st.sampled_from(given), min_size=1, max_size=2, unique=True)
    return str(draw(st.one_of(st.just(ZONES[zone]), some.map(lambda texts: f"[{', '.join(texts)}]"))))


@st.composite
def permissions(draw: Any, pair: tuple[int, int], number: int) -> str:
    first, second = draw(st.permutations(pair)) if pair[0] != pair[1] else pair
    limits = draw(st.sampled_from(LIMITS))
    return f"{{id: p{number}, from: {draw(ends(first))}, to: {draw(ends(second))}, {limits}}}"


@st.composite
def texts(draw: Any) -> str:
    """A model's file."""
    count = len(ZONES)
    lines = ["version: 1", "zones:"]
    number = 0
    for zone in range(count):
        inside = draw(st.sampled_from(["everything", "listed", "listed"]))
        more = ", 10.0.0.3" if zone == 1 else ""
        lines.append(
            f"- {{id: {ZONES[zone]}, importance: low, inside: {inside}, members: [10.{zone}.0.0/24{more}]"
        )
        if inside == "listed" and draw(st.booleans()):
            number += 1
            lines[-1] += f", allow: [{draw(permissions((zone, zone), number))}]"
        lines[-1] += "}"
    pairs = [(one, two) for one in range(count) for two in range(one + 1, count)]
    lines.append("boundaries:")
    for pair in draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=4, unique=True)):
        allowed = []
        for _ in range(draw(st.integers(0, 2))):
            number += 1
            allowed.append(draw(permissions(pair, number)))
        one, two = (ZONES[zone] for zone in pair)
        lines.append(f"- {{id: {one}-{two}, between: [{one}, {two}], allow: [{', '.join(allowed)}]}}")
    return "\n".join(lines).replace(", allow: []", "") + "\n"


def read(text: str) -> Model:
    return read_model([("m.yaml", text.encode())], PROTOCOLS)


def models() -> st.SearchStrategy[Model]:
    return texts().map(read)
