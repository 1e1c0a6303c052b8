"""What all commands share."""

from __future__ import annotations

from tests.command import otmon


def test_the_version_is_the_packages() -> None:
    import otmon as package

    assert otmon("--version") == (0, f"otmon {package.__version__}\n", "")
