"""Kernels are compiled before the first test, as the first replay says on standard error that it does so."""

from __future__ import annotations

import pytest

from tests.command import DAY, otmon


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    otmon("replay", DAY)
