"""Write every dashboard as JSON into `dashboards/json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.source.assets import assets
from dashboards.source.boundaries import boundaries
from dashboards.source.overview import overview
from dashboards.source.protocols import protocols
from dashboards.source.sensor import sensor

SURPLUS = {"auto", "auto_count", "auto_min", "footer"}
"""What the SDK writes into variables and tables, and Grafana's schema does not know (any more)."""
FOLDER = Path(__file__).resolve().parent.parent / "json"


def pages() -> Iterator[tuple[Path, str]]:
    """Each dashboard's file and its text."""
    for make in (overview, boundaries, protocols, assets, sensor):
        page = json.loads(json.dumps(make(), cls=JSONEncoder))
        for part in (*page["templating"]["list"], *(panel["options"] for panel in page["panels"])):
            for key in SURPLUS & set(part):
                del part[key]
        text = json.dumps(page, indent=1, sort_keys=True, ensure_ascii=False)
        yield FOLDER / f"{make.__name__}.json", text + "\n"


if __name__ == "__main__":
    for path, text in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(FOLDER.parent.parent))
