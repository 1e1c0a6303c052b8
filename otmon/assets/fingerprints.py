"""What a claim tells of a device: a class that it speaks for or against, and an operating system.

The fingerprints are data, `rules/fingerprints/*.yml`, one file for each family:

    family: Siemens
    systems:
      - {id: windows-xp, name: Windows XP, ends: 2014-04-08, url: "https://..."}
    fingerprints:
      - id: s7-order
        kind: model               # of the claim
        protocols: [s7comm]       # without this every protocol
        matches: '6ES7 [1-5].*'   # the whole value, whatever the letters' case
        classes: [controller]     # what it speaks for; `computer` stands for all that are one
        excludes: [phone]
        system: windows-xp        # `supported` for one whose support has not ended
        url: "https://..."        # where it is published
        examples: [6ES7 315-2EH14-0AB0]
        others: [6AV2 124-0GC01-0AX0]

`examples` are values that it must match, `others` are some that it must not: they are tried when the files
are read. A file that is wrong stops the program with its name and what is wrong in it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from otmon.assets.makers import CLASSES_OF, DeviceClass
from otmon.identity.claim import ClaimKind
from otmon.identity.registry import CLAIM_IDS
from otmon.ledger.facts import AssetClaim

FOLDER: Final = Path(__file__).parent.parent / "rules" / "fingerprints"
SUPPORTED: Final = "supported"
_CLASSES: Final = get_args(DeviceClass)
_NEEDED: Final = ("id", "kind", "matches", "classes", "excludes", "url", "examples", "others")
_OPTIONAL: Final = ("protocols", "system")


class FingerprintError(Exception):
    """Files that cannot be used. Its text has one line for each problem."""


@dataclass(frozen=True, slots=True)
class System:
    """An operating system whose support has ended, or will."""

    id: str
    name: str
    ends: datetime.date
    """The last day of extended support."""
    url: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One line of a file."""

    id: str
    family: str
    kind: ClaimKind
    protocols: frozenset[str]
    """Empty for all."""
    matches: re.Pattern[str] = field(repr=False)
    classes: tuple[DeviceClass, ...]
    excludes: tuple[DeviceClass, ...]
    system: str
    """Id of a system, `SUPPORTED`, or "" where it tells none."""
    url: str

    def fits(self, claim: AssetClaim) -> bool:
        """Whether it is what the claim says."""
        if claim.kind != self.kind or (self.protocols and claim.protocol not in self.protocols):
            return False
        return self.matches.fullmatch(claim.value) is not None


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """All fingerprints, found by the claims that they fit."""

    every: tuple[Fingerprint, ...]
    """In the order of their ids."""
    systems: dict[str, System]
    by_kind: dict[ClaimKind, list[Fingerprint]] = field(init=False, default_factory=dict)
    """Those of each kind of claim, in the same order."""

    def __post_init__(self) -> None:
        for one in self.every:
            self.by_kind.setdefault(one.kind, []).append(one)

    def of(self, claim: AssetClaim) -> tuple[Fingerprint, ...]:
        """The fingerprints that a claim fits."""
        return tuple([one for one in self.by_kind.get(claim.kind, ()) if one.fits(claim)])

    def system_of(self, claims: Iterable[AssetClaim]) -> tuple[System, tuple[AssetClaim, ...]] | None:
        """The system of a device and the claims that say it. Of several the one that was supported longest
        counts: what was made for an older one goes on saying so. None where one is still supported, or none
        is told."""
        told: dict[str, list[AssetClaim]] = {}
        for claim in claims:
            for one in self.of(claim):
                if one.system:
                    told.setdefault(one.system, []).append(claim)
        if not told or SUPPORTED in told:
            return None
        newest = max((self.systems[id] for id in told), key=lambda one: (one.ends, one.id))
        return newest, tuple(told[newest.id])


@cache
def shipped_fingerprints() -> Fingerprints:
    """The fingerprints that come with the program. Raises `FingerprintError`."""
    files = sorted(FOLDER.glob("*.yml"))
    return read_fingerprints([(f"rules/fingerprints/{one.name}", one.read_bytes()) for one in files])


def read_fingerprints(files: Sequence[tuple[str, bytes]]) -> Fingerprints:
    """The fingerprints in `files` (name, content). Raises `FingerprintError`; opens nothing."""
    problems: list[str] = []
    found: dict[str, Fingerprint] = {}
    systems: dict[str, System] = {}
    for name, data in files:
        try:
            content = yaml.load(data, yaml.CSafeLoader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problems.append(f"{name}: {' '.join(str(error).split())}")
            continue
        if not isinstance(content, dict) or not isinstance(content.get("fingerprints"), list):
            problems.append(f"{name}: expected a family and a list of fingerprints")
            continue
        for one in content.get("systems") or ():
            system = _system(name, one, problems)
            if system is not None:
                systems[system.id] = system
        for one in content["fingerprints"]:
            made = _fingerprint(name, str(content.get("family", "")), one, problems)
            if made is not None and made.id in found:
                problems.append(f"{name}: a second fingerprint {made.id!r}")
            elif made is not None:
                found[made.id] = made
    for one in found.values():
        if one.system not in ("", SUPPORTED, *systems):
            problems.append(f"fingerprint {one.id!r}: no system {one.system!r}")
    if problems:
        raise FingerprintError("\n".join(problems))
    return Fingerprints(tuple(found[id] for id in sorted(found)), systems)


def _system(file: str, one: Any, problems: list[str]) -> System | None:
    if isinstance(one, dict) and set(one) == {"id", "name", "ends", "url"}:
        texts = one["id"], one["name"], one["url"]
        ends = one["ends"]
        if all(isinstance(text, str) and text for text in texts) and type(ends) is datetime.date:
            return System(one["id"], one["name"], ends, one["url"])
    problems.append(f"{file}: a system needs id, name, url and ends, a date such as 2014-04-08: {one!r:.80}")
    return None


def _fingerprint(file: str, family: str, one: Any, problems: list[str]) -> Fingerprint | None:
    if not isinstance(one, dict) or not isinstance(one.get("id"), str):
        problems.append(f"{file}: a fingerprint needs an id: {one!r:.80}")
        return None
    at = f"{file}: {one['id']}"
    wrong = [f"{at}: {key} is missing" for key in _NEEDED if key not in one]
    wrong += [f"{at}: unknown key {key!r}" for key in one if key not in (*_NEEDED, *_OPTIONAL)]
    if wrong:
        problems += wrong
        return None
    wrong += [
        f"{at}: {key} must be a list of texts"
        for key in ("classes", "excludes", "examples", "others", "protocols")
        if not isinstance(one.get(key, []), list) or not all(isinstance(x, str) for x in one.get(key, []))
    ]
    if one["kind"] not in get_args(ClaimKind):
        wrong.append(f"{at}: unknown kind {one['kind']!r}")
    try:
        pattern = re.compile(str(one["matches"]), re.IGNORECASE)
    except re.error as error:
        wrong.append(f"{at}: {one['matches']!r} is no pattern: {error}")
    if wrong:
        problems += wrong
        return None
    named = [*one["classes"], *one["excludes"]]
    wrong += [f"{at}: unknown class {name!r}" for name in named if name not in CLASSES_OF]
    protocols = frozenset(one.get("protocols", ()))
    wrong += [f"{at}: unknown protocol {name!r}" for name in sorted(protocols - set(CLAIM_IDS))]
    if not one["examples"] or not one["others"]:
        wrong.append(f"{at}: expected examples, and others that it does not match")
    wrong += [
        f"{at}: does not match its example {text!r}"
        for text in one["examples"]
        if not pattern.fullmatch(text)
    ]
    wrong += [f"{at}: matches {text!r}, too" for text in one["others"] if pattern.fullmatch(text)]
    problems += wrong
    if wrong:
        return None
    classes, excludes = (tuple(_expanded(one[key])) for key in ("classes", "excludes"))
    return Fingerprint(
        one["id"],
        family,
        one["kind"],
        protocols,
        pattern,
        classes,
        excludes,
        one.get("system", ""),
        one["url"],
    )


def _expanded(names: Iterable[str]) -> Iterator[DeviceClass]:
    given = {name for one in names for name in CLASSES_OF[one]}
    yield from (one for one in _CLASSES if one in given)
