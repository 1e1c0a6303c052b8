"""What a sensor judges by: the zone model and a team's rules, and a copy of the last ones without errors.

A sensor that does not start sees nothing, and a service manager starts it again for ever. So a copy of all
that was read, the texts themselves, stands beside the ledger, and a start that finds errors goes on with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from otmon import private
from otmon.detect.rules.load import Loaded, RuleError, read_rules, rule_files, with_given
from otmon.zones.files.load import ModelError, content_beside, known_protocols, model_files, read_model
from otmon.zones.model import Model

COPY_BYTES: Final = 64 << 20
"""A copy that is larger was not written here, or is of a model that nobody has."""
Texts = list[tuple[str, bytes]]
"""Name and content of each file."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Model and rules, and the texts that they were read from."""

    model: Model | None
    rules: Loaded
    zones: Texts = field(default_factory=list)
    sheets: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    """Content of each sheet, by the file that names it and the name."""
    given: Texts = field(default_factory=list)
    """Files of rules."""


def agreed(zones: str | None, rules: Sequence[str] | None) -> Agreement:
    """What the files at these places say. Raises ModelError, RuleError."""
    given = [pair for path in rules or () for pair in rule_files(path)]
    return _agreed(model_files(zones) if zones is not None else [], content_beside, given)


def _agreed(zones: Texts, beside: Callable[[str, str], bytes], given: Texts) -> Agreement:
    sheets: dict[tuple[str, str], bytes] = {}

    def noted(file: str, name: str) -> bytes:
        return sheets.setdefault((file, name), beside(file, name))

    model = read_model(zones, known_protocols(), noted) if zones else None
    return Agreement(model, with_given(read_rules(given)), zones, sheets, given)


def keep(ledger: Path, found: Agreement, now_s: float) -> None:
    """Write the copy, where another one stands there or none; `now_s` is when it was read, in seconds since
    1970. Raises OSError."""
    place = copied_in(ledger)
    said = {
        "zones": [[name, _text(data)] for name, data in found.zones],
        "sheets": [[file, name, _text(data)] for (file, name), data in sorted(found.sheets.items())],
        "rules": [[name, _text(data)] for name, data in found.given],
    }
    if (before := _said(place)) is not None and before[0] == said:
        return
    text = json.dumps({"read": int(now_s), "sha256": _digest(said), **said}, separators=(",", ":"))
    private.write(place, text.encode())


def kept(ledger: Path) -> tuple[Agreement, int] | None:
    """What the copy beside the ledger says, and when it was read, in seconds since 1970; None where there is
    none, or none that can be used."""
    found = _said(copied_in(ledger))
    if found is None:
        return None
    said, read_s = found
    try:
        sheets = {(str(file), str(name)): _data(text) for file, name, text in said["sheets"]}
        zones, given = (
            [(str(name), _data(text)) for name, text in said[kind]] for kind in ("zones", "rules")
        )
        # A sheet that is not there is no more than a model with errors.
        return _agreed(zones, lambda file, name: sheets.get((file, name), b""), given), read_s
    except (ModelError, RuleError, ValueError, TypeError):
        return None


def copied_in(ledger: Path) -> Path:
    """The file of the copy."""
    return ledger.with_name(f".{ledger.name}.model")


def _said(place: Path) -> tuple[dict[str, Any], int] | None:
    """What the file says and when it was read, None where it is none that was written here."""
    try:
        if place.stat().st_size > COPY_BYTES:
            return None
        whole = json.loads(place.read_bytes())
        said = {kind: whole[kind] for kind in ("zones", "sheets", "rules")}
        read_s = whole["read"]
        if type(read_s) is not int or whole["sha256"] != _digest(said):
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return said, read_s


def _digest(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _data(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
