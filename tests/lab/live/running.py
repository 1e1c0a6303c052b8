"""Ranges that tests bring up, each under a name of its own, and take down again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from otmon.lab.live.lifecycle import down, up
from otmon.lab.live.namespace import missing as parts_are_missing
from otmon.lab.plant import shipped_plant
from tests.namespaces import fresh_name
from tests.namespaces import missing as namespaces_are_missing

MISSING = parts_are_missing() or namespaces_are_missing()
"""Why there can be no range here; nothing where there can."""


@contextmanager
def a_range(plant: str, rules: str | None = None) -> Iterator[str]:
    """The name of a range that is up."""
    name = fresh_name()
    up(name, shipped_plant(plant), rules)
    try:
        yield name
    finally:
        down(name)
