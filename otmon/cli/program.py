"""The program: which commands there are."""

from __future__ import annotations

from typing import Any

import typer

from otmon.cli import assets, exchange, lab, range, replay, rules, score, sensor, zones
from otmon.cli.group import Program
from otmon.cli.options import STATUS, version

_STYLE: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": None}
_TOLD = "Passive monitoring of factory networks: who talks to whom, and whether the zone model allows it."

app = typer.Typer(name="otmon", cls=Program, pretty_exceptions_enable=False, help=_TOLD, **_STYLE)
app.callback()(version)
app.command(epilog=STATUS)(replay.replay)
app.command(epilog=STATUS)(replay.check)

_zones = typer.Typer(help="Work with a zone model.", **_STYLE)
_zones.command(epilog="Exit status: 0 a sound model, 2 errors in it.")(zones.check)
_zones.command(epilog="Exit status: 0 written, 2 errors in the model or no such rules.")(exchange.export)
_zones.command(
    "import", epilog="Exit status: 0 every row is in the draft, 2 no draft, 3 some rows are comments in it."
)(exchange.import_)
_zones.command(epilog="Exit status: 0 written, 2 no such ledger or errors in the model.")(exchange.learn)
_zones.command(epilog="Exit status: 0 no path, 1 there are paths, 2 usage or model error.")(zones.paths)
_zones.command(epilog="Exit status: 0 no difference in meaning, 1 differences, 2 usage or model error.")(
    zones.diff
)
_zones.command(epilog="Exit status: 0 the picture was written, 2 usage or model error.")(zones.show)
app.add_typer(_zones, name="zones")

_assets = typer.Typer(help="Tell who is on the network.", **_STYLE)
_assets.command("list", epilog="Exit status: 0 listed, 2 usage or model error.")(assets.list_)
_assets.command(epilog="Exit status: 0 shown, 2 no such device, usage or model error.")(assets.show)
_assets.command(epilog="Exit status: 0 written, 2 usage or model error.")(assets.export)
_assets.command(epilog="Exit status: 0 no difference, 1 differences, 2 usage or model error.")(assets.diff)
app.add_typer(_assets, name="assets")

_rules = typer.Typer(help="Work with detection rules.", **_STYLE)
_rules.command("list", epilog="Exit status: 0 listed, 2 errors in the rules.")(rules.list_)
_rules.command(epilog="Exit status: 0 sound rules, 2 errors in them.")(rules.check)
_rules.command(epilog="Exit status: 0 all went well, 1 some failed, 2 errors in the rules.")(rules.test)
_rules.command(epilog="Exit status: 0 shown, 2 no such rule.")(rules.show)
app.add_typer(_rules, name="rules")

_lab = typer.Typer(help="Train on simulated plants and attacks, whose truth is known.", **_STYLE)
_lab.command("list", epilog="Exit status: 0 listed, 2 errors in a file.")(lab.list_)
_lab.command(epilog="Exit status: 0 shown, 2 no such scenario or errors in it.")(lab.show)
_lab.command(epilog="Exit status: 0 written, 2 usage error or errors in the scenario or plant.")(lab.record)
_lab.command(epilog="Exit status: 0 up, 2 usage error or not up.")(range.up)
_lab.command(epilog="Exit status: 0 all is there, 1 something is not, 2 no such range.")(range.status)
_lab.command(epilog="Exit status: 0 played, 1 a part of it could not be, 2 usage error or no such range.")(
    range.run
)
_lab.command(epilog="Exit status: 0 nothing is left, 2 usage error or something stayed.")(range.down)
_lab.command(
    epilog="Exit status: 0 every visible step found and nothing wrong said by anybody, 1 something missed or "
    "wrong, 2 usage error or a file that cannot be read."
)(score.score)
app.add_typer(_lab, name="lab")

app.add_typer(
    sensor.sensor,
    name="sensor",
    epilog="Exit status: 0 nothing found, 1 findings, 2 usage or model error or a failure.",
)
