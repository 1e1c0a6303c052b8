"""The command line: the only place that wires the stages together.

Nothing slow is imported before a command runs, so that help answers at once.
"""

from __future__ import annotations

from typing import Any

import typer

from otmon.cli import replay, zones
from otmon.cli.options import STATUS, version

_STYLE: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": None}
_TOLD = "Passive monitoring of factory networks: who talks to whom, and whether the zone model allows it."

app = typer.Typer(name="otmon", pretty_exceptions_enable=False, help=_TOLD, **_STYLE)
app.callback()(version)
app.command(epilog=STATUS)(replay.replay)
app.command(epilog=STATUS)(replay.check)

_zones = typer.Typer(help="Work with a zone model.", **_STYLE)
_zones.command(epilog="Exit status: 0 a sound model, 2 errors in it.")(zones.check)
_zones.command(epilog="Exit status: 0 written, 2 errors in the model or no such rules.")(zones.export)
_zones.command(
    "import", epilog="Exit status: 0 every row is in the draft, 2 no draft, 3 some rows are comments in it."
)(zones.import_)
_zones.command(epilog="Exit status: 0 written, 2 no such ledger or errors in the model.")(zones.learn)
app.add_typer(_zones, name="zones")
