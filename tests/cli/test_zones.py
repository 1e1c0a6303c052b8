"""`otmon zones ...` as people meet it."""

from __future__ import annotations

from pathlib import Path

from tests.command import DAY, MODEL, otmon


def test_zones_check_tells_what_it_read() -> None:
    status, out, err = otmon("zones", "check", MODEL)
    assert (status, err) == (0, "")
    assert "zones with" in out and "permissions" in out


def test_zones_check_with_a_ledger_names_assets_in_no_zone_and_in_two(tmp_path: Path) -> None:
    ledger, model = tmp_path / "l.db", tmp_path / "m.yaml"
    otmon("replay", DAY, "--ledger", ledger)
    model.write_text(
        "version: 1\nzones:\n  - id: a\n    importance: 大\n    members: [10.30.1.10, 10.30.1.20]\n"
        "  - id: b\n    importance: 大\n    members: 10.30.1.20\n"
    )
    status, out, err = otmon("zones", "check", model, "--ledger", ledger)
    if status == 0:
        assert "10.30.1.20 is in zones a, b" in out
        assert "10.30.2.11" in out and "is in no zone" in out
    else:
        assert "10.30.1.20" in err
