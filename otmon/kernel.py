"""The one way to declare code of the packet path.

A kernel is a module-level function over arrays and integers. Compiled, it runs without the GIL and
without bounds checks; so it may read byte ``p`` only after it has checked ``p < end``. With
``NUMBA_DISABLE_JIT=1`` the same source runs as plain Python, where an out-of-range read raises:
that is how kernels are fuzzed and debugged. No kernel raises: nobody would look.

Both ways must give the same numbers. Bytes are read by the loads below, which give signed words;
what may overflow wraps at 64 bits when it is compiled, and is masked to 62, as Python's numbers do not wrap;
every value in a table is an ``int64``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core.caching import Cache, _CacheLocator
from numba.extending import intrinsic

from otmon.compiler import compiled

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_STAGES_WITH_KERNELS: Final = ("capture", "decode", "protocols", "identity", "ledger")
"""Stages import from those before them alone, so nothing else changes what a kernel does."""

_LINE_WORDS: Final = 8
"""Words of a cache line."""

_CACHES_KEPT: Final = 4
"""Caches of other versions that may stay; the oldest go first."""


def cache_folder() -> Path:
    """Where compiled kernels are kept: one folder for each state of their sources, as Numba itself
    does not notice when a kernel that another file calls has changed, and for each place where these
    lie, as it takes a kernel for another one there."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return Path(os.environ["NUMBA_CACHE_DIR"])
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otmon"
    digest = hashlib.sha256(numba.__version__.encode())
    package = Path(__file__).parent
    digest.update(os.fsencode(package.resolve()))
    for stage in _STAGES_WITH_KERNELS:
        for file in sorted((package / stage).rglob("*.py")):
            digest.update(file.read_bytes())
    for file in (Path(__file__), package / "compiler.py"):
        digest.update(file.read_bytes())
    return home / digest.hexdigest()[:16]


def is_compiled(name: str) -> bool:
    """Whether an earlier run left a kernel, named by file and function: those it calls are in it."""
    return not numba.config.DISABLE_JIT and any(cache_folder().rglob(f"{name}-*.nbi"))


def forget_old_caches() -> None:
    """Remove the compiled kernels of versions that were replaced."""
    if "NUMBA_CACHE_DIR" in os.environ or not cache_folder().is_dir():
        return
    siblings = sorted(cache_folder().parent.iterdir(), key=_made)
    for folder in siblings[:-_CACHES_KEPT]:
        if folder != cache_folder():
            shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> float:
    """When a cache was made; of one that another process removes at this moment, long ago."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


numba.config.CACHE_DIR = str(cache_folder())


_ensure_writable = _CacheLocator.ensure_cache_path


def _ensure_cache_path(locator: _CacheLocator) -> None:
    """Numba uses no folder that it cannot write to; that of a read-only image holds all that is needed."""
    path = locator.get_cache_path()
    if not os.path.isdir(path) or os.access(path, os.W_OK):
        _ensure_writable(locator)


_CacheLocator.ensure_cache_path = _ensure_cache_path


def _load_overload(cache: Any, signature: object, context: object) -> Any:
    """What was compiled before needs none of Numba's own functions and operators: to make them ready took
    longer than to load it. Where something is compiled after all, the compiler makes them ready."""
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(signature, context)


Cache.load_overload = _load_overload


def _save_overload(cache: Any, signature: object, made: object) -> None:
    """A disk that is full, or a folder that is another user's, keeps nobody from listening: what cannot be
    kept is compiled again at the next start."""
    with suppress(OSError), cache._guard_against_spurious_io_errors():
        cache._save_overload(signature, made)


Cache.save_overload = _save_overload


def kernel(function: _Function) -> _Function:
    """Compile `function` on first use, cached in the user's cache folder, without the GIL."""
    return compiled(function, False)


def inlined(function: _Function) -> _Function:
    """A kernel that is called from one place in a hot loop: its body is put there."""
    return compiled(function, True)


@kernel
def u8(buf: Bytes, p: int) -> int:
    """One byte as a signed word (Numba's ``int()`` of a byte is unsigned, and unsigned mixed with
    signed becomes a float); the caller has checked ``p < end``.

    The index is unsigned so that, interpreted, a position below 0 raises."""
    return int(np.int64(buf[np.uint64(p)]))


def _word(size: int, order: Literal["big", "little"]) -> Any:
    """A load of `size` bytes in one go; made of bytes the compiler would not always find that it is one."""

    @intrinsic  # type: ignore[untyped-decorator]
    def load(typing: Any, array: Any, place: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            kind = ir.IntType(8 * size)
            pointer = builder.bitcast(builder.gep(data, [args[1]]), kind.as_pointer())
            word = builder.load(pointer, align=1)
            return builder.zext(word if order == sys.byteorder else builder.bswap(word), ir.IntType(64))

        return types.int64(array, types.int64), build

    def interpreted(buf: Bytes, p: int) -> int:
        return int.from_bytes(bytes([u8(buf, p + i) for i in range(size)]), order)

    return interpreted if numba.config.DISABLE_JIT else load


_big_16, _big_32 = _word(2, "big"), _word(4, "big")
_little_16, _little_32 = _word(2, "little"), _word(4, "little")


@kernel
def u16be(buf: Bytes, p: int) -> int:
    """Big-endian 16-bit load; the caller has checked ``p + 2 <= end``."""
    return int(_big_16(buf, p))


@kernel
def u16le(buf: Bytes, p: int) -> int:
    """Little-endian 16-bit load; the caller has checked ``p + 2 <= end``."""
    return int(_little_16(buf, p))


@kernel
def u32be(buf: Bytes, p: int) -> int:
    """Big-endian 32-bit load; the caller has checked ``p + 4 <= end``."""
    return int(_big_32(buf, p))


@kernel
def u32le(buf: Bytes, p: int) -> int:
    """Little-endian 32-bit load; the caller has checked ``p + 4 <= end``."""
    return int(_little_32(buf, p))


@kernel
def u48be(buf: Bytes, p: int) -> int:
    """Big-endian 48-bit load (a MAC address); the caller has checked ``p + 6 <= end``."""
    return (u16be(buf, p) << 32) | u32be(buf, p + 2)


@kernel
def u64be(buf: Bytes, p: int) -> int:
    """Big-endian 64-bit load as a signed word; the caller has checked ``p + 8 <= end``."""
    high = u32be(buf, p)
    if high >= 0x80000000:
        high -= 0x100000000
    return (high << 32) | u32be(buf, p + 4)


@kernel
def copy_row(target: Ints, i: int, source: Ints, j: int) -> None:
    """``target[i] = source[j]``; written as an assignment it would compile Numba's messages on
    shapes that do not fit."""
    for k in range(target.shape[1]):
        target[i, k] = source[j, k]


@kernel
def clear_row(target: Ints, i: int) -> None:
    """``target[i] = 0``"""
    for k in range(target.shape[1]):
        target[i, k] = 0


@kernel
def copy_bytes(target: Bytes, p: int, source: Bytes, q: int, size: int) -> None:
    """``target[p : p + size] = source[q : q + size]``, first byte first."""
    eights = size & ~7
    for k in range(0, eights, 8):
        copy_eight(target, p + k, source, q + k)
    for k in range(eights, size):
        target[np.uint64(p + k)] = source[np.uint64(q + k)]


@kernel
def copy_eight(target: Bytes, p: int, source: Bytes, q: int) -> None:
    """Eight bytes. All are read before one is written, so that they are copied as one word; bytes that move
    to the front of an array are the same as one by one."""
    a, b = source[np.uint64(q)], source[np.uint64(q + 1)]
    c, d = source[np.uint64(q + 2)], source[np.uint64(q + 3)]
    e, f = source[np.uint64(q + 4)], source[np.uint64(q + 5)]
    g, h = source[np.uint64(q + 6)], source[np.uint64(q + 7)]
    target[np.uint64(p)], target[np.uint64(p + 1)] = a, b
    target[np.uint64(p + 2)], target[np.uint64(p + 3)] = c, d
    target[np.uint64(p + 4)], target[np.uint64(p + 5)] = e, f
    target[np.uint64(p + 6)], target[np.uint64(p + 7)] = g, h


@intrinsic  # type: ignore[untyped-decorator]
def _prefetch(typing: Any, array: Any, place: Any) -> Any:
    """LLVM's `llvm.prefetch` of the element at `place` of a flat or whole contiguous array."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.gep(data, [args[1]])
        kind, one = ir.IntType(32), ir.IntType(8).as_pointer()
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [one], ir.FunctionType(ir.VoidType(), [one, kind, kind, kind])
        )
        # To read, into all caches, data.
        builder.call(function, [builder.bitcast(pointer, one), kind(0), kind(3), kind(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), build


if numba.config.DISABLE_JIT:

    def prefetch(array: Any, place: int) -> None:
        """Nothing: what is read ahead changes no result."""

else:

    @kernel
    def prefetch(array: Any, place: int) -> None:
        """Have the cache line of ``array.flat[place]`` brought in while other work is done. It reads
        nothing, so that any place will do; of a contiguous array."""
        _prefetch(array, place)


@kernel
def prefetch_row(table: Ints, i: int, begin: int, end: int) -> None:
    """`prefetch` the cache lines of columns `begin` to `end` of a row: together, where one after the other
    they would be waited for. `begin` is the first of a line."""
    for column in range(begin, end, _LINE_WORDS):
        prefetch(table, i * table.shape[1] + column)
