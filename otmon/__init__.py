"""Passive monitoring of factory networks: from captured packets to zone verdicts with evidence.

>>> import otmon
>>> model = otmon.load_model("zones/factory.yaml")
>>> ledger = otmon.replay(["pcaps/factory-day.pcapng"]).ledger
>>> sorted({fact.service for fact in ledger.operations if fact.access == "write"})[:1]
['Write Multiple Registers']
>>> for finding in otmon.judge(ledger, model)[:1]:
...     print(finding.severity, finding.rule, finding.link.client, "->", finding.link.server)
critical unlisted-traffic 10.10.0.77 -> 10.30.2.12
>>> ready = otmon.index(model, ledger.assets)
>>> {otmon.decide(ready, fact).outcome for fact in ledger.conversations} >= {"allowed", "denied"}
True

What is public is here, and loaded when it is first asked for, so that ``otmon --help`` does not
pay for the packet path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otmon.engine import replay
    from otmon.findings.judge import judge
    from otmon.ledger.ledger import Ledger
    from otmon.zones.decide import decide, index
    from otmon.zones.files.load import load_model

__version__ = "0.1.0"
RELEASED = "2026-11-01"
"""A day before which this version was not there: what a clock says of an earlier one is wrong."""

__all__ = ["Ledger", "__version__", "decide", "index", "judge", "load_model", "replay"]

_HOME = {
    "Ledger": "otmon.ledger.ledger",
    "decide": "otmon.zones.decide",
    "index": "otmon.zones.decide",
    "judge": "otmon.findings.judge",
    "load_model": "otmon.zones.files.load",
    "replay": "otmon.engine",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its stage (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'otmon' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
