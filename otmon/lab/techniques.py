"""Techniques of MITRE ATT&CK for ICS that scenarios may name: id and name as of version 18.1, from the table
`rules/tables/techniques.yml`, which rules are held against, too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

FILE: Final = Path(__file__).parent.parent / "rules" / "tables" / "techniques.yml"
EDITION: Final = "v18.1"


def _techniques() -> dict[str, str]:
    listed = yaml.load(FILE.read_bytes(), yaml.CSafeLoader)["techniques"]
    return {one["id"]: one["title"] for one in listed if one["edition"] == EDITION}


TECHNIQUES: Final = _techniques()
