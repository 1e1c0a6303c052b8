"""Loads, copies, and where compiled kernels are kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.kernel import (
    _STAGES_WITH_KERNELS,
    cache_folder,
    clear_row,
    copy_bytes,
    copy_row,
    u8,
    u16be,
    u16le,
    u32be,
    u32le,
    u48be,
    u64be,
)  # fmt: skip

ROOT = Path(__file__).resolve().parent.parent


@given(st.binary(min_size=8, max_size=8))
def test_loads_give_signed_words_in_either_byte_order(data: bytes) -> None:
    buf = np.frombuffer(data, np.uint8)
    assert u8(buf, 0) == data[0]
    assert u16be(buf, 0) == int.from_bytes(data[:2], "big")
    assert u16le(buf, 0) == int.from_bytes(data[:2], "little")
    assert u32be(buf, 0) == int.from_bytes(data[:4], "big")
    assert u32le(buf, 0) == int.from_bytes(data[:4], "little")
    assert u48be(buf, 0) == int.from_bytes(data[:6], "big")
    assert u64be(buf, 0) == int.from_bytes(data, "big", signed=True)


def test_rows_and_bytes_are_copied_and_cleared() -> None:
    table = np.arange(12).reshape(3, 4)
    copy_row(table, 0, table, 2)
    clear_row(table, 1)
    assert table.tolist() == [[8, 9, 10, 11], [0, 0, 0, 0], [8, 9, 10, 11]]
    data = np.arange(10, dtype=np.uint8)
    copy_bytes(data, 0, data, 4, 3)
    assert data.tolist() == [4, 5, 6, 3, 4, 5, 6, 7, 8, 9]
    copy_bytes(data, 0, data, 4, 0)
    assert data[0] == 4


def test_the_cache_is_one_for_each_state_of_the_sources() -> None:
    folder = cache_folder()
    assert folder == cache_folder()
    if "NUMBA_CACHE_DIR" not in os.environ:
        assert folder.parent.name == "otmon"


def test_the_same_sources_elsewhere_have_a_cache_of_their_own(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "otmon", tmp_path / "otmon", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
    code = "from otmon.kernel import cache_folder; print(cache_folder())"
    folders = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=place,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for place in (ROOT, tmp_path, ROOT)
    }
    assert len(folders) == 2


def test_the_cache_depends_on_every_file_that_holds_or_feeds_a_kernel() -> None:
    """A kernel elsewhere, or one that takes a constant from elsewhere, would be kept when it is stale."""
    package = ROOT / "otmon"
    for file in package.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name == "kernel.py" or not re.search(r"^@(kernel|inlined)$", text, re.MULTILINE):
            continue
        assert file.relative_to(package).parts[0] in _STAGES_WITH_KERNELS, file
        for stage in re.findall(r"^from otmon\.(\w+)", text, re.MULTILINE):
            # What is said in sentences no kernel takes.
            assert stage in (*_STAGES_WITH_KERNELS, "kernel", "sentence"), file


CACHE = """
import sys
from pathlib import Path
from otmon.kernel import cache_folder, forget_old_caches, is_compiled
assert not is_compiled("kernel.u8")
cache_folder().mkdir(parents=True, exist_ok=True)
(cache_folder() / "kernel.u8-35.py311.nbi").touch()
assert is_compiled("kernel.u8") and not is_compiled("kernel.u16be")
for name in "abcdef":
    (cache_folder().parent / name).mkdir()
forget_old_caches()
assert cache_folder().is_dir()
print(len(list(cache_folder().parent.iterdir())))
"""


def test_old_caches_are_forgotten_and_the_newest_stay(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT")}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", CACHE], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) in (4, 5)


def test_a_kernel_is_the_same_compiled_and_interpreted() -> None:
    code = "from otmon.decode.flows import mix; print([int(mix(7 * n, n << 40)) for n in range(99)])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": value}, cwd=ROOT,
            capture_output=True, text=True, check=True,
        ).stdout
        for value in ("0", "1")
    }  # fmt: skip
    assert len(said) == 1


_LOAD_ONE = """
import numpy as np
from otmon.kernel import u16be
print(u16be(np.array([1, 2], np.uint8), 0), sum(u16be.stats.cache_hits.values()))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a folder read-only")
def test_kernels_are_read_where_nobody_can_write(tmp_path: Path) -> None:
    """As in an image, whose root is read-only."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    environment = {key: value for key, value in environment.items() if not key.startswith("NUMBA")}
    fixed = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path}"
    told = []
    for mount in ("true", "true", fixed):
        script = f"{mount} && exec {sys.executable} -c '{_LOAD_ONE}'"
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            cwd=ROOT, env=environment, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    assert told == ["258 0\n", "258 1\n", "258 1\n"]


def test_what_is_loaded_makes_no_compiler_ready_and_what_is_not_does(tmp_path: Path) -> None:
    script = tmp_path / "one_more_kernel.py"
    script.write_text(
        """
import numpy as np
from otmon.kernel import Bytes, kernel, u16be

buf = np.array([1, 2], np.uint8)
print(u16be(buf, 0), len(u16be.targetctx._registries))

@kernel
def square(buf: Bytes) -> int:
    return int(np.int64(buf[1])) ** 2 + u16be(buf, 0)

print(square(buf), len(u16be.targetctx._registries) > 0)
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    told = []
    for _ in range(2):
        (tmp_path / "__pycache__").mkdir(exist_ok=True)
        run = subprocess.run(
            [sys.executable, "-B", script], env=environment, capture_output=True, text=True, check=True
        )
        told.append(run.stdout.split())
        for kept in tmp_path.rglob("*square*"):
            kept.unlink()
    assert told[0][0] == "258" and int(told[0][1]) > 0
    assert told[1] == ["258", "0", "262", "True"] and told[0][2:] == told[1][2:]


def test_what_cannot_be_kept_is_used_all_the_same(tmp_path: Path) -> None:
    """A limit of zero bytes for files is a disk that is full, for root as well."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    environment = {key: value for key, value in environment.items() if not key.startswith("NUMBA")}
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n{_LOAD_ONE}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True, capture_output=True, check=False
    )
    assert (done.stdout, done.returncode) == ("258 0\n", 0), done.stderr
