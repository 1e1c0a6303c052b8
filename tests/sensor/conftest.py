"""Kernels are compiled before the first test, as the sensor compiles them before it listens: a thread that
does so while it should read is taken for one that hangs.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    from otmon.sensor.observer import compile_kernels

    compile_kernels()
