"""Sites, production lines, works and what is protected: read, and tied to zones.

The guideline ties zones to works (業務) and to what is protected (保護対象), whose importance is set
first: steps 1-2 to 1-6 of METI's guideline for factory systems. A zone, in its words, is a domain whose
works are of equal importance and need security measures of the same level.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from otmon.sentence import sentence
from otmon.zones.files.document import Document, Problem, quoted
from otmon.zones.files.entry import KINDS, Entry, Path, absent, entries, named, unique
from otmon.zones.files.schema import Form, LineForm, ProtectedForm, SiteForm, WorkForm, ZoneForm
from otmon.zones.model import (
    IMPORTANCES,
    Importance,
    Plant,
    ProductionLine,
    Protected,
    Site,
    Work,
)

_Form = TypeVar("_Form", bound=Form)


@dataclass(frozen=True, slots=True)
class PlantEntries:
    """What the files hold of a plant, each entry checked by itself."""

    sites: list[Entry[SiteForm]]
    lines: list[Entry[LineForm]]
    works: list[Entry[WorkForm]]
    protected: list[Entry[ProtectedForm]]

    def read(self, document: Document, problems: list[Problem]) -> None:
        """Add what one file holds."""
        self.sites.extend(entries(document, "sites", SiteForm, problems))
        self.lines.extend(entries(document, "lines", LineForm, problems))
        self.works.extend(entries(document, "works", WorkForm, problems))
        self.protected.extend(entries(document, "protected", ProtectedForm, problems))


@dataclass(frozen=True, slots=True)
class ZonePlace:
    """Where in the plant a zone is."""

    importance: Importance
    site: str
    line: str


@dataclass(frozen=True, slots=True)
class Places:
    """A plant, and what a zone may name: ids in the order of the files, also those of wrong entries."""

    plant: Plant
    sites: dict[str, None]
    lines: dict[str, str]
    """Each production line -> its site, "" where nobody says."""
    works: dict[str, Importance | None]

    def of(self, entry: Entry[ZoneForm], form: ZoneForm, problems: list[Problem]) -> ZonePlace:
        """Where a zone is, and how important: as it says, else as the most important of its works."""
        _all_exist(entry, "works", "work", form.works, self.works, problems)
        if form.site is not None:
            _exists(entry, ("site",), "site", form.site, self.sites, problems)
        if form.line is not None:
            _exists(entry, ("line",), "production line", form.line, self.lines, problems)
        at = self.lines.get(form.line or "", "")
        if at and form.site is not None and at != form.site:
            what = sentence(
                "site {site} and a production line of site {other}, expected the same site",
                site=quoted(form.site), other=at,
            )  # fmt: skip
            problems.append(entry.problem(("site",), what))
        importance = form.importance
        for work in form.works if importance is None else ():
            one = self.works.get(work)
            if one is not None and (importance is None or _weight(one) > _weight(importance)):
                importance = one
        return ZonePlace(importance or "low", form.site or at, form.line or "")


def places(given: PlantEntries, assets: Collection[str], problems: list[Problem]) -> Places:
    """The entries as values, checked against each other and the ids of `assets`; meaningless where that
    added problems."""
    unique("site", given.sites, problems)
    unique("production line", given.lines, problems)
    unique("work", given.works, problems)
    unique("protected", given.protected, problems)
    sites = dict.fromkeys(entry.id for entry in given.sites if entry.id)
    lines = {entry.id: "" for entry in given.lines if entry.id}
    works: dict[str, Importance | None] = {entry.id: None for entry in given.works if entry.id}
    for entry, line in _whole(given.lines):
        lines[line.id] = line.site or ""
        if line.site is not None:
            _exists(entry, ("site",), "site", line.site, sites, problems)
    works |= {form.id: form.importance for _, form in _whole(given.works)}
    for thing, one in _whole(given.protected):
        _all_exist(thing, "works", "work", one.works, works, problems)
        _all_exist(thing, "assets", "asset", one.assets, assets, problems)
    plant = Plant(
        tuple(Site(form.id, at.line(), named(form.name, form.id)) for at, form in _whole(given.sites)),
        tuple(
            ProductionLine(form.id, at.line(), named(form.name, form.id), form.site or "")
            for at, form in _whole(given.lines)
        ),
        tuple(
            Work(form.id, at.line(), named(form.name, form.id), form.importance)
            for at, form in _whole(given.works)
        ),
        tuple(
            Protected(form.id, at.line(), named(form.name, form.id), form.importance, form.works, form.assets)
            for at, form in _whole(given.protected)
        ),
    )
    return Places(plant, sites, lines, works)


def _whole(given: Iterable[Entry[_Form]]) -> Iterator[tuple[Entry[_Form], _Form]]:
    """The entries that are not wrong."""
    return ((entry, entry.form) for entry in given if entry.form is not None)


def _all_exist(
    entry: Entry[Any],
    key: str,
    kind: str,
    ids: Iterable[str],
    known: Collection[str],
    problems: list[Problem],
) -> None:
    for number, id in enumerate(ids):
        _exists(entry, (key, number), kind, id, known, problems)


def _exists(
    entry: Entry[Any], path: Path, kind: str, id: str, known: Collection[str], problems: list[Problem]
) -> None:
    if id not in known:
        what = absent(kind, id, known)
        if not known:
            what = sentence(
                "no {kind} {id}, expected one that the model lists: it lists none",
                kind=KINDS[kind],
                id=quoted(id),
            )
        problems.append(entry.problem(path, what))


def _weight(importance: Importance) -> int:
    return IMPORTANCES.index(importance)
