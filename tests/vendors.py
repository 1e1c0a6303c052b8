"""The vendors of MAC addresses, baked into the file that the program carries.

``python -m tests.vendors SOURCE ...`` (``make vendors`` fetches the source) writes
``otmon/assets/vendors.txt.xz`` anew. A source is the npm package oui-data (``.tgz``), its ``index.json``, or
any of IEEE's own lists (``oui.csv``, ``mam.csv``, ``oui36.csv``, given together).
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from otmon.assets.vendor import FILE
from otmon.zones.address import Network, parse_oui

NOBODY = ("Private", "IEEE Registration Authority")
"""Names that tell of no vendor: blocks kept secret, and those that IEEE gives on in smaller ones."""
FEWEST = 40_000
"""Blocks of a whole registry: fewer are a part of one, or something else."""


def written_vendors(blocks: Iterable[tuple[Network, str]], remarks: Iterable[str]) -> bytes:
    """The file for blocks and their vendors, and what shall stand above them; the same blocks in any order
    give the same bytes."""
    names: dict[str, list[str]] = {}
    for block, name in blocks:
        folded = "".join(sign for sign in " ".join(name.split()) if sign.isprintable())
        if folded:
            names.setdefault(folded, []).append(f"{block.prefix:0{block.length // 4}x}")
    lines = [f"# {remark}" for remark in remarks]
    lines += [f"{name}\t{' '.join(sorted(of_name))}" for name, of_name in sorted(names.items())]
    return lzma.compress(("\n".join(lines) + "\n").encode(), preset=9)


def block_of(digits: str) -> Network | None:
    """The block behind IEEE's bare hexadecimal digits, `001B1B` or `70B3D58FA`; None for what is none."""
    return parse_oui(":".join(digits[at : at + 2] for at in range(0, len(digits), 2)))


def of_json(text: str) -> Iterator[tuple[Network, str]]:
    """The blocks of oui-data's object: hexadecimal digits -> name and address, line by line."""
    for digits, told in json.loads(text).items():
        block = block_of(digits)
        if block is None:
            raise ValueError(f"{digits!r} is no block of MAC addresses")
        yield block, told.split("\n")[0]


def of_csv(text: str) -> Iterator[tuple[Network, str]]:
    """The blocks of one of IEEE's lists."""
    for row in csv.DictReader(io.StringIO(text)):
        block = block_of(row["Assignment"])
        if block is None:
            raise ValueError(f"{row['Assignment']!r} is no block of MAC addresses")
        yield block, row["Organization Name"]


def read(path: Path) -> tuple[list[tuple[Network, str]], str]:
    """The blocks of a source, and what it calls itself."""
    if path.suffix == ".csv":
        return list(of_csv(path.read_text(encoding="utf-8-sig"))), f"IEEE {path.name}"
    if path.suffix == ".json":
        return list(of_json(path.read_text(encoding="utf-8"))), "npm oui-data"
    with tarfile.open(path) as package:
        texts = {}
        for name in ("package/index.json", "package/package.json"):
            stream = package.extractfile(name)
            if stream is None:
                raise ValueError(f"{path}: {name} is no file")
            texts[name] = stream.read().decode()
    version = json.loads(texts["package/package.json"])["version"]
    return list(of_json(texts["package/index.json"])), f"npm oui-data {version}"


def baked(paths: list[Path]) -> bytes:
    """The file for these sources."""
    found: dict[Network, str] = {}
    told = []
    for path in paths:
        blocks, what = read(path)
        found.update((block, name) for block, name in blocks if name.strip() not in NOBODY)
        told.append(what)
    if len(found) < FEWEST:
        raise ValueError(f"{len(found)} blocks, expected at least {FEWEST}: give all of the registry")
    return written_vendors(found.items(), [f"from {', '.join(told)}; licence: vendors-license.txt"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("python -m tests.vendors SOURCE ...")
    written = baked([Path(argument) for argument in sys.argv[1:]])
    FILE.write_bytes(written)
    print(f"{FILE.name}: {len(written):,} bytes; review what `git diff --stat` says and run tests/assets")
