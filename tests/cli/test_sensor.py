"""What the sensor's commands say before anything is listened on; tests/sensor runs them."""

from __future__ import annotations

import pytest

from otmon.kernel import cache_folder
from tests.command import installed, one_line, otmon


def test_a_sensor_needs_an_interface() -> None:
    status, _, said = otmon("sensor", "--lang", "en")
    assert (status, one_line(said)) == (2, "otmon: name an interface with --interface\n")


def test_without_anything_there_is_help() -> None:
    status, told, said = otmon("sensor")
    assert status == 2 and "--interface" in told + said


def test_the_doctor_looks_at_an_interface_without_rights() -> None:
    status, told, _ = otmon("sensor", "doctor", "--interface", "lo", "--lang", "ja")
    assert status == 1
    assert "lo: インターフェースが有効" in told and "ip addr flush dev lo" in told


@pytest.mark.parametrize("name", ["nothere0", "a" * 40])
def test_the_doctor_knows_an_interface_that_is_not_there(name: str) -> None:
    status, _, said = otmon("sensor", "doctor", "--interface", name)
    assert status == 2 and "there is no such interface" in one_line(said)


def test_what_is_compiled_beforehand_need_not_be_compiled_again() -> None:
    status, out, _ = installed("sensor", "compile")
    assert (status, out) == (0, "")
    # Tests beside this one may have other kernels compiled meanwhile.
    kept = {path: path.stat().st_mtime_ns for path in cache_folder().rglob("*.nbc")}
    # Reading the ring, decoding into tables, ending flows.
    for part in ("ring.walk_block", "observe.observe", "endings.end_idle"):
        assert any(path.name.startswith(part) for path in kept), part
    assert installed("sensor", "compile") == (0, "", "")
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
