"""Model files to a `Model`, or every error in them at once.

Reading goes in three steps: each file becomes a tree that knows its lines (`otmon.zones.files.document`);
each entry is checked by itself (`otmon.zones.files.entry`); what needs a second entry (does this zone
exist, is this address inside it?) is checked here and in `otmon.zones.files.permission`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from errno import ENOENT
from typing import Final

from otmon.sentence import sentence
from otmon.zones.files.document import (
    MAX_FILE_BYTES,
    Document,
    MapNode,
    Problem,
    parse,
    plain,
    position,
    quoted,
)
from otmon.zones.files.entry import (
    MAX_PROBLEMS,
    Entry,
    Path,
    absent,
    entries,
    named,
    nearest,
    timezone_of,
    unique,
)
from otmon.zones.files.inventory import inventory_document
from otmon.zones.files.nesting import nested
from otmon.zones.files.permission import PermissionReader, Sides
from otmon.zones.files.plant import PlantEntries, ZonePlace, places
from otmon.zones.files.schema import AssetForm, BoundaryForm, ZoneForm, read_beside
from otmon.zones.files.workbook import MAX_FILE_BYTES as MAX_SHEET_BYTES
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Boundary, Device, Line, Member, Model, Zone

MAX_FILES: Final = 1000
"""Files of one folder; a bound on what a wrong path can make us read."""
SUFFIXES: Final = (".yaml", ".yml")


class ModelError(Exception):
    """The model cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def load_model(path: str, protocols: Collection[str] | None = None) -> Model:
    """Read a model file, or every `.yaml` and `.yml` file of a folder (not of folders inside it).

    Permissions may name the given `protocols`; without them, every protocol that otmon recognises.
    Raises `ModelError`.
    """
    known = known_protocols() if protocols is None else protocols
    return read_model(model_files(path), known, content_beside)


def known_protocols() -> frozenset[str]:
    """Ids of the protocols that otmon recognises."""
    from otmon.protocols.registry import IDS

    return frozenset(IDS)


def _nothing_beside(file: str, name: str) -> bytes:
    raise FileNotFoundError(ENOENT, os.strerror(ENOENT), name)


def read_model(
    files: Sequence[tuple[str, bytes]],
    protocols: Collection[str],
    beside: Callable[[str, str], bytes] = _nothing_beside,
) -> Model:
    """The model in `files` (name, content). Raises `ModelError`; opens nothing itself: `beside` gives the
    content of a sheet that a file names, from the folder of that file, or raises `OSError`."""
    problems: list[Problem] = []
    zones: list[Entry[ZoneForm]] = []
    boundaries: list[Entry[BoundaryForm]] = []
    assets: list[Entry[AssetForm]] = []
    plant = PlantEntries([], [], [], [])
    timezones: list[tuple[Line, str]] = []
    stand_in = ""
    whole = True
    sheets: dict[str, None] = {}
    remarks: list[Problem] = []
    for name, data in files:
        document = parse(name, data)
        problems += document.problems
        if document.root is None and not document.problems:
            what = sentence("the file is empty, expected a mapping with `zones` and `boundaries`")
            problems.append(Problem(name, 0, 0, what))
        whole = whole and document.root is not None
        zones += entries(document, "zones", ZoneForm, problems)
        boundaries += entries(document, "boundaries", BoundaryForm, problems)
        assets += entries(document, "assets", AssetForm, problems)
        plant.read(document, problems)
        for sheet in _inventories(document, beside, sheets, problems):
            problems += sheet.problems
            remarks += sheet.remarks
            whole = whole and sheet.root is not None
            assets += entries(sheet, "assets", AssetForm, problems)
        timezones += timezone_of(document)
        # One that cannot be read is told once, and not with everything that needs it.
        stand_in = (
            "UTC" if isinstance(document.root, MapNode) and "timezone" in document.root.entries else stand_in
        )
    if not whole:
        raise ModelError(problems)
    if not zones and not problems:
        what = sentence("no zone in the model, expected at least one under `zones`")
        problems.append(Problem(files[0][0], 0, 0, what))
    problems += _other_timezones(timezones)
    parts = _Parts(zones, boundaries, assets, plant, timezones[0][1] if timezones else stand_in)
    model = _joined(parts, frozenset(protocols), (*(name for name, _ in files), *sheets), problems)
    if len(problems) >= MAX_PROBLEMS:
        what = sentence(
            "{count} errors or more, expected none; the rest of the model was not looked at",
            count=MAX_PROBLEMS,
        )
        problems.append(Problem(files[0][0], 0, 0, what))
    if problems:
        raise ModelError(problems)
    return replace(model, remarks=tuple((one.place, one.what) for one in remarks))


def _other_timezones(timezones: Sequence[tuple[Line, str]]) -> Iterator[Problem]:
    """Time zones that are not the first one, as problems."""
    for line, other in timezones[1:]:
        if other != timezones[0][1]:
            what = sentence(
                "a second time zone {name}, expected one (first at {first})",
                name=quoted(other), first=str(timezones[0][0]),
            )  # fmt: skip
            yield Problem(line.file, line.number, 1, what)


def model_files(path: str) -> list[tuple[str, bytes]]:
    """Names and contents of the files of a model: one, or those of a folder. Raises `ModelError`."""
    try:
        if not os.path.isdir(path):
            return [(path, _content(path))]
        names = sorted(
            name for name in os.listdir(path) if name.endswith(SUFFIXES) and not name.startswith(".")
        )
        if not names:
            what = sentence("no model in this folder, expected at least one .yaml or .yml file")
            raise ModelError([Problem(path, 0, 0, what)])
        if len(names) > MAX_FILES:
            what = sentence(
                "{count} model files in this folder, expected at most {most}",
                count=len(names), most=MAX_FILES,
            )  # fmt: skip
            raise ModelError([Problem(path, 0, 0, what)])
        return [(file, _content(file)) for file in (os.path.join(path, name) for name in names)]
    except OSError as error:
        what = sentence(
            "cannot be read ({why}), expected a zone model in YAML or a folder of them",
            why=str(error.strerror),
        )
        raise ModelError([Problem(str(error.filename or path), 0, 0, what)]) from error


def _inventories(
    document: Document,
    beside: Callable[[str, str], bytes],
    known: dict[str, None],
    problems: list[Problem],
) -> Iterator[Document]:
    """The sheets that a file names under `inventory`; their names are added to those `known`, and each is
    read once."""
    root = document.root
    if not isinstance(root, MapNode) or "inventory" not in root.entries:
        return
    content = plain(root.entries["inventory"][1])
    for number, name in enumerate(content if isinstance(content, list) else [content]):
        at = position(root, ("inventory", number))
        if not isinstance(name, str) or read_beside(name.strip()) is None:
            continue
        file = os.path.join(os.path.dirname(document.file), name.strip())
        if file in known:
            continue
        known[file] = None
        try:
            yield inventory_document(file, beside(document.file, name.strip()))
        except OSError as error:
            what = sentence(
                "{name} cannot be read ({why}), expected a sheet beside this file",
                name=quoted(name.strip()), why=str(error.strerror),
            )  # fmt: skip
            problems.append(Problem(document.file, *at, what))


def content_beside(file: str, name: str) -> bytes:
    """The content of a file in the same folder, which is a plain file: a pipe would wait for ever. Raises
    OSError."""
    path = os.path.join(os.path.dirname(file), name)
    if not os.path.isfile(path):
        raise FileNotFoundError(ENOENT, "no such file" if not os.path.exists(path) else "no plain file", path)
    with open(path, "rb") as stream:
        return stream.read(MAX_SHEET_BYTES + 1)


def _content(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the files of a model hold."""

    zones: list[Entry[ZoneForm]]
    boundaries: list[Entry[BoundaryForm]]
    assets: list[Entry[AssetForm]]
    plant: PlantEntries
    timezone: str


def _joined(
    parts: _Parts,
    protocols: frozenset[str],
    files: tuple[str, ...],
    problems: list[Problem],
) -> Model:
    """Check the entries against each other; meaningless where that added problems."""
    zones, boundaries = parts.zones, parts.boundaries
    unique("zone", zones, problems)
    unique("boundary", boundaries, problems)
    unique("asset", parts.assets, problems)
    whole_inventory = not any(entry.form is None or entry.misread for entry in parts.assets)
    devices = tuple(_device(entry, entry.form) for entry in parts.assets if entry.form is not None)
    where = places(parts.plant, dict.fromkeys(entry.id for entry in parts.assets if entry.id), problems)
    for entry in zones:
        if entry.id in (INTERNET, UNKNOWN_ZONE):
            what = sentence("zone {id} is built in, expected another id", id=quoted(entry.id))
            problems.append(entry.problem(("id",), what))
    known = dict.fromkeys(entry.id for entry in zones if entry.id)
    members = {entry.id: _members(entry, devices, problems) for entry in zones if entry.id}
    for asset in parts.assets:
        if asset.form is not None and asset.form.zone is not None and asset.form.zone not in known:
            problems.append(asset.problem(("zone",), absent("zone", asset.form.zone, known)))
    vague = frozenset(
        entry.id for entry in zones if entry.form is None or "members" in entry.misread or not whole_inventory
    )
    reader = PermissionReader(protocols, {}, problems, parts.timezone, devices)
    built_zones = [
        _zone(entry, entry.form, members[entry.id], vague, reader, where.of(entry, entry.form, problems))
        for entry in zones
        if entry.form is not None and entry.id
    ]
    built = []
    pairs: dict[tuple[str, str], Line] = {}
    for border in boundaries:
        if len(problems) >= MAX_PROBLEMS:
            break
        if border.form is None:
            reader.read_unplaced(border)
            continue
        ends = border.form.between
        if _ends_exist(border, ends, known, pairs, problems):
            sides = Sides(ends, members, vague & set(ends))
            built.append(_boundary(border, border.form, sides, reader))
        else:
            reader.read_unplaced(border)
    whole = nested(tuple(built_zones), tuple(built), zones, problems)
    return Model(*whole, files, devices, where.plant, parts.timezone)


def _ends_exist(
    entry: Entry[BoundaryForm],
    ends: tuple[str, str],
    named: Collection[str],
    pairs: dict[tuple[str, str], Line],
    problems: list[Problem],
) -> bool:
    """Whether `between` names two zones that no other boundary joins."""
    before = len(problems)
    for number, end in enumerate(ends):
        place: Path = ("between", number)
        if end == UNKNOWN_ZONE:
            what = sentence(
                "nothing may be agreed with addresses in no zone, expected a zone that lists them"
            )
            problems.append(entry.problem(place, what))
        elif end != INTERNET and end not in named:
            problems.append(entry.problem(place, absent("zone", end, (*named, INTERNET))))
    pair = (min(ends), max(ends))
    if ends[0] == ends[1]:
        what = sentence(
            "a boundary of a zone with itself, expected two zones (what goes on inside is told there)"
        )
        problems.append(entry.problem(("between",), what))
    elif pair in pairs:
        what = sentence(
            "a second boundary between {one} and {other}, expected one (first at {first})",
            one=pair[0], other=pair[1], first=str(pairs[pair]),
        )  # fmt: skip
        problems.append(entry.problem(("between",), what))
    pairs.setdefault(pair, entry.line())
    return len(problems) == before


def _members(
    entry: Entry[ZoneForm], devices: tuple[Device, ...], problems: list[Problem]
) -> tuple[Member, ...]:
    """The members of a zone, and the devices that name it; a tag stands for every address of the devices
    that have it."""
    found = [
        Member(at, device.mac, None, device.line)
        for device in devices
        if device.zone == entry.id
        for at in device.networks or (None,)
    ]
    for number, form in enumerate(entry.form.members if entry.form is not None else ()):
        line = entry.line(("members", number))
        if form.tag is None:
            found.append(
                Member(form.address or form.prefix, form.mac, form.vlan, line, form.oui, form.switch_port)
            )
            continue
        tagged = [device for device in devices if form.tag in device.tags]
        for device in tagged:
            found += [Member(at, device.mac, form.vlan, line) for at in device.networks or (None,)]
        if not tagged:
            tags = sorted({tag for device in devices for tag in device.tags})
            what = sentence(
                "no asset has the tag {tag}, expected {expected}",
                tag=quoted(form.tag),
                expected=nearest(form.tag, tags) if tags else sentence("a tag of an asset"),
            )
            problems.append(entry.problem(("members", number, "tag"), what))
    return tuple(found)


def _device(entry: Entry[AssetForm], form: AssetForm) -> Device:
    name = named(form.name, form.id)
    return Device(
        form.id,
        entry.line(),
        name,
        form.address,
        form.mac,
        form.vendor or "",
        form.model or "",
        form.role,
        form.tag,
        form.zone or "",
    )


def _zone(
    entry: Entry[ZoneForm],
    form: ZoneForm,
    members: tuple[Member, ...],
    vague: frozenset[str],
    reader: PermissionReader,
    place: ZonePlace,
) -> Zone:
    if entry.permissions and form.inside == "everything":
        what = sentence(
            "allow has no effect where everything may happen inside, expected `inside: listed` or "
            "`inside: baseline` beside it"
        )
        reader.problems.append(entry.problem(("allow",), what, of_key=True))
    permissions = reader.read(entry, Sides((form.id,), {form.id: members}, vague & {form.id}))
    name = named(form.name, form.id)
    return Zone(
        form.id, entry.line(), name, place.importance, form.owner, members, form.inside, permissions,
        form.kind, form.level, form.sl_t, place.site, place.line, form.works,
        form.within or "", form.flat,
    )  # fmt: skip


def _boundary(
    entry: Entry[BoundaryForm], form: BoundaryForm, sides: Sides, reader: PermissionReader
) -> Boundary:
    return Boundary(
        form.id,
        entry.line(),
        named(form.name, form.id),
        form.between,
        form.device or "",
        form.device_owner or "",
        form.settings_owner or "",
        reader.read(entry, sides),
    )
