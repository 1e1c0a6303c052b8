"""Passive monitoring of factory networks: from captured packets to zone verdicts with evidence.

What is public is here, and loaded when it is first asked for, so that ``otmon --help`` does not
pay for the packet path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otmon.ledger.ledger import Ledger

__version__ = "0.1.0"

__all__ = ["Ledger", "__version__"]

_HOME = {"Ledger": "otmon.ledger.ledger"}


def __getattr__(name: str) -> Any:
    """Load a public name from its stage (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'otmon' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
