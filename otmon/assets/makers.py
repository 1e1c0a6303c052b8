"""What vendors of network interfaces mostly make, by the table `rules/tables/makers.yml`.

A vendor says little alone: its name is one signal of several (`otmon.assets.signals`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

DeviceClass = Literal[
    "controller", "hmi", "engineering-station", "historian", "router", "mobile-router", "switch",
    "access-point", "camera", "printer", "phone", "iot-device", "smart-speaker", "single-board-computer",
    "server", "pc", "laptop",
]  # fmt: skip
"""What a device is there for. A *controller* is a PLC, a drive, a robot, an I/O device or another one that
answers industrial protocols; an *iot-device* a small one that reports to a service; a *mobile-router* a
modem or router on a mobile network."""
KIND_OF: Final[Mapping[DeviceClass, tuple[DeviceClass, ...]]] = {
    "mobile-router": ("router",),
    "access-point": ("router", "switch"),
    "smart-speaker": ("iot-device",),
    "single-board-computer": ("iot-device", "server", "pc"),
    "laptop": ("pc",),
}
"""Classes that are a kind of others -> these: what it may be taken for where nothing names it itself."""

COMPUTER: Final[tuple[DeviceClass, ...]] = ("hmi", "engineering-station", "historian", "server", "pc")
CLASSES_OF: Final[Mapping[str, tuple[DeviceClass, ...]]] = {
    "computer": COMPUTER, **{one: (one,) for one in get_args(DeviceClass)}
}  # fmt: skip
"""What data may call one or several classes."""
FILE: Final = Path(__file__).parent.parent / "rules" / "tables" / "makers.yml"


@cache
def makers() -> Mapping[str, tuple[DeviceClass, ...]]:
    """Words of a name, in small letters -> what the vendor makes, as it comes with the program."""
    return read_makers(FILE.read_bytes())


def read_makers(data: bytes) -> Mapping[str, tuple[DeviceClass, ...]]:
    """The same of a table's content. Raises ValueError for words that stand there twice, a class that there
    is not, and an example that is not told as its line says."""
    content: dict[str, Any] = yaml.load(data, yaml.CSafeLoader)
    found: dict[str, tuple[DeviceClass, ...]] = {}
    for line in content["makers"]:
        unknown = [name for name in line["classes"] if name not in CLASSES_OF]
        if unknown:
            raise ValueError(f"makers: unknown class {unknown[0]!r}")
        for words in line["words"]:
            if words in found or words != words.casefold():
                raise ValueError(f"makers: {words!r} stands there twice, or not in small letters")
            found[words] = tuple(one for name in line["classes"] for one in CLASSES_OF[name])
    for line in content["makers"]:
        for name in line["examples"]:
            if _made(name, found) != tuple(one for known in line["classes"] for one in CLASSES_OF[known]):
                raise ValueError(f"makers: the example {name!r} is told as {_made(name, found)}")
    return found


@cache
def made_by(vendor: str) -> tuple[DeviceClass, ...]:
    """What a vendor mostly makes; nothing for one that says little."""
    return _made(vendor, makers())


def _made(vendor: str, known: Mapping[str, tuple[DeviceClass, ...]]) -> tuple[DeviceClass, ...]:
    name = vendor.casefold()
    found = [words for words in known if re.search(rf"\b{re.escape(words)}\b", name)]
    return known[max(found, key=lambda words: (len(words), words))] if found else ()
