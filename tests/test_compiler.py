"""What the compiler makes of kernels: the same as Python does, whatever Numba is spared."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.kernel import Bytes, Ints, kernel

ROOT = Path(__file__).resolve().parent.parent

TABLES = np.dtype(
    [("rows", np.int64, (5, 3)), ("line", np.int64, (4,)), ("octets", np.uint8, (6,)), ("one", np.int64)],
    align=True,
)


@kernel
def swapped(table: Ints, i: int, j: int, by: int) -> int:
    """A table of two dimensions, read and written."""
    before = table[i, j]
    table[i, j] = table[j, i] + by
    table[np.uint64(j), i] += before
    return int(before)


@kernel
def kept(t: Any, i: int, k: int, value: int) -> int:
    """All that a record holds, through calls with parts of it."""
    t.line[k] = value
    t.one += swapped(t.rows, i, k % 3, value)
    t.octets[i] = value & 0xFF
    total = 0
    for one in range(t.rows.shape[0]):
        for other in range(t.rows.shape[1]):
            total += t.rows[one, other] * (one + 2 * other)
    return int(total + t.line[k] + t.octets[i] + t.one)


@kernel
def viewed(table: Ints, i: int) -> int:
    """Rows and parts of a table, which are views."""
    row = table[i]
    part = row[1:]
    part[0] = 7
    row[2] = part[0] + row[0]
    return len(part) * 100 + row[2]


@kernel
def mixed(numbers: npt.NDArray[np.float64], octets: Bytes, i: int) -> float:
    """Numbers of other types, that are converted as they are stored."""
    numbers[i] = octets[i]
    octets[i] = 3
    numbers[i + 1] = numbers[i] / 2 + octets[i]
    return numbers[i + 1] if numbers[i] > 4 else -1.0


@kernel
def _grown(value: int, rounds: int) -> int:
    for _ in range(rounds):
        value += value
    return value


@kernel
def _nothing(table: Ints, i: int) -> None:
    table[0, i] = _grown(i + 1, 3)


@kernel
def called(table: Ints, i: int) -> int:
    """Calls with a result, and without one."""
    later = _grown(i, 2) if i > 1 else -1
    _nothing(table, i)
    return _grown(later, 1) + table[0, i]


def python_of(function: Callable[..., Any]) -> Callable[..., Any]:
    return getattr(function, "py_func", function)


words = st.integers(-(1 << 40), 1 << 40)


def a_table(order: str) -> Ints:
    if order == "apart":
        return np.arange(100).reshape(10, 10)[::2, ::2]
    return np.asarray(np.arange(25).reshape(5, 5), order=order)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("order", ["C", "F", "apart"])
@given(st.integers(0, 4), st.integers(0, 4), words)
def test_elements_of_a_table(order: str, i: int, j: int, by: int) -> None:
    one, other = a_table(order), a_table(order)
    assert swapped(one, i, j, by) == python_of(swapped)(other, i, j, by)
    assert one.tolist() == other.tolist()
    assert viewed(one, i) == python_of(viewed)(other, i)
    assert one.tolist() == other.tolist()


@given(st.integers(0, 2), st.integers(0, 3), words)
def test_parts_of_a_record(i: int, k: int, value: int) -> None:
    one, other = np.zeros(2, TABLES), np.zeros(2, TABLES)
    for each in one, other:
        each["rows"] = np.arange(30).reshape(2, 5, 3)
    other = other.view(np.recarray)
    assert kept(one[1], i, k, value) == python_of(kept)(other[1], i, k, value)
    assert one.tobytes() == other.tobytes()


@given(st.integers(0, 3), st.binary(min_size=5, max_size=5))
def test_numbers_of_other_types(i: int, data: bytes) -> None:
    one, other = (np.frombuffer(data, np.uint8).copy() for _ in "12")
    floats, more = np.zeros(5), np.zeros(5)
    assert mixed(floats, one, i) == python_of(mixed)(more, other, i)
    assert (floats.tolist(), one.tolist()) == (more.tolist(), other.tolist())


@pytest.mark.parametrize("i", range(5))
def test_calls(i: int) -> None:
    one, other = a_table("C"), a_table("C")
    assert called(one, i) == python_of(called)(other, i)
    assert one.tolist() == other.tolist()


def test_no_kernel_raises() -> None:
    """Nobody looks after a call whether it did."""
    found = 0
    for file in (ROOT / "otmon").rglob("*.py"):
        for function in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef):
                continue
            names = {one.id for one in function.decorator_list if isinstance(one, ast.Name)}
            if names & {"kernel", "inlined"}:
                found += 1
                raising = (ast.Raise, ast.Assert, ast.Try, ast.With)
                assert not any(isinstance(node, raising) for node in ast.walk(function)), (
                    file,
                    function.name,
                )
    assert found > 200


_OVERFLOW = """
import numpy as np
from otmon.kernel import kernel, u8
@kernel
def below_zero(buf, p):
    return u8(buf, p) * 0x2545F4914F6CDD1D < 0
print(below_zero(np.array([4], np.uint8), 0))
"""


def test_what_overflows_wraps_and_is_nothing_that_the_compiler_may_take_for_impossible(
    tmp_path: Path,
) -> None:
    """Two hashes of the same words were different numbers where the compiler knew other things of them."""
    script = tmp_path / "overflow.py"
    script.write_text(_OVERFLOW, encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "True\n"


def test_kernels_count_no_references(tmp_path: Path) -> None:
    """Each count would be a locked instruction."""
    script = tmp_path / "two_kernels.py"
    script.write_text(
        """
import numpy as np
from otmon.kernel import Bytes, kernel, u8

@kernel
def either(buf: Bytes, other: Bytes, p: int) -> int:
    return u8(buf if p else other, p)

@kernel
def total(buf: Bytes) -> int:
    return either(buf, buf[1:], 0) + either(buf, buf, 1)

print(total(np.arange(3, 9, dtype=np.uint8)))
print(total.inspect_asm())
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    answer, _, compiled = run.stdout.partition("\n")
    assert answer == "8"
    assert "total" in compiled
    assert "NRT_" not in compiled
    assert "lock" not in compiled
