from __future__ import annotations

from otmon.kernel import cache_folder
from tests.command import otmon


def test_what_is_compiled_beforehand_need_not_be_compiled_again() -> None:
    status, out, _ = otmon("sensor", "compile")
    assert (status, out) == (0, "")
    kept = {path.name: path.stat().st_mtime_ns for path in cache_folder().rglob("*.nb?")}
    # Reading the ring, decoding into tables, ending flows.
    for part in ("ring.walk_block", "observe.observe", "observe.end_idle"):
        assert any(name.startswith(part) for name in kept), part
    assert otmon("sensor", "compile") == (0, "", "")
    assert kept == {path.name: path.stat().st_mtime_ns for path in cache_folder().rglob("*.nb?")}
