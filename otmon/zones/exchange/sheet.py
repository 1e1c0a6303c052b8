"""A model as a table for people: one row for each permission, with who owns the boundary.

The columns are those of the factory guideline's division of roles (IP addresses, port, protocol,
direction; owner of the device, who sets it), and what otmon checks beyond them.
`otmon.zones.exchange.draft` reads the same table back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Final, Literal

from otmon.sentence import Sentence, Speak, sentence
from otmon.zones.address import within
from otmon.zones.elements import kind_of
from otmon.zones.exchange.cell import plain, words
from otmon.zones.exchange.rule import beyond, worded
from otmon.zones.files.workbook import column_letters
from otmon.zones.functions import MODBUS_FUNCTIONS
from otmon.zones.model import (
    INTERNET,
    Boundary,
    Endpoint,
    Importance,
    Limit,
    Member,
    Model,
    Permission,
    Zone,
    shown,
)
from otmon.zones.quantity import shown_limited

Language = Literal["ja", "en"]

MAX_CELL: Final = 30_000
"""Characters of a cell: Excel cuts at 32,767."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    ja: str
    en: str
    width: int
    """In characters, as spreadsheets count them."""


COLUMNS: Final = (
    Column("boundary", "境界", "Boundary", 20),
    Column("device", "境界の機器", "Device", 22),
    Column("device_owner", "機器の責任者", "Device owner", 18),
    Column("settings_owner", "設定の責任者", "Settings owner", 18),
    Column("id", "許可の名前", "Permission", 18),
    Column("name_ja", "日本語名", "Name (ja)", 22),
    Column("name_en", "英語名", "Name (en)", 22),
    Column("from_zone", "送信元ゾーン", "From zone", 28),
    Column("from_address", "送信元IPアドレス", "From IP address", 22),
    Column("to_zone", "宛先ゾーン", "To zone", 28),
    Column("to_address", "宛先IPアドレス", "To IP address", 22),
    Column("direction", "方向", "Direction", 14),
    Column("protocol", "プロトコル", "Protocol", 14),
    Column("port", "ポート番号", "Port", 12),
    Column("transport", "トランスポート", "Transport", 12),
    Column("access", "操作の種類", "Access", 16),
    Column("functions", "ファンクション", "Functions", 28),
    Column("units", "ユニット", "Units", 10),
    Column("registers", "レジスタ", "Registers", 28),
    Column("limits", "書込み値の範囲", "Limits", 32),
    Column("hours", "時間帯", "Hours", 28),
    Column("expires", "期限", "Last day", 12),
    Column("timezone", "タイムゾーン", "Time zone", 14),
    Column("entry", "行の種類", "Entry", 12),
    Column("importance", "ゾーンの重要度", "Zone importance", 14),
    Column("attributes", "ゾーンの属性", "Zone attributes", 22),
    Column("approver", "承認者", "Approver", 18),
    Column("beyond", "ほかの制限", "Also limited by", 20),
    Column("reason", "理由", "Reason", 40),
    Column("line", "ファイルと行", "File and line", 26),
)
ANY: Final[dict[Language, str]] = {"ja": "すべて", "en": "any"}
ENTRIES: Final[dict[Language, dict[str, str]]] = {
    "ja": {"permission": "許可", "exception": "例外", "zone": "ゾーン", "boundary": "境界"},
    "en": {"permission": "permission", "exception": "exception", "zone": "zone", "boundary": "boundary"},
}
"""What a row is: of a zone or a boundary itself it says what no permission does."""
IMPORTANCES: Final[dict[Importance, str]] = {"high": "大", "medium": "中", "low": "小"}
"""As sheets of either language have them: a model takes these, too."""
DIRECTION: Final[dict[Language, str]] = {"ja": "送信元→宛先", "en": "from → to"}
_SAID: Final = frozenset(
    {
        "id", "line", "clients", "servers", "protocols", "transports", "ports", "access", "functions",
        "units", "objects", "limits", "schedule", "expires", "expires_ns", "approver", "exception", "name",
        "reason",
    }
)  # fmt: skip
"""Fields of a permission that have a column."""
_FIELDS: Final = {"rate": sentence("rate")}
"""Fields of a permission that have none, for people."""
_NAMES: Final = {numbers: name for name, numbers in MODBUS_FUNCTIONS.items()}


@dataclass(frozen=True, slots=True)
class Sheet:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    told: tuple[Sentence, ...]
    """What the table does not say."""


def sheet(
    model: Model,
    boundaries: Iterable[Boundary],
    zones: Iterable[Zone],
    lang: Language,
    speak: Speak = str,
) -> Sheet:
    """These boundaries, each with its permissions and, after them, the permissions of what goes on inside
    these zones; then the zones that are among these, or are named, or take hosts out of others."""
    told: list[Sentence] = []
    members = {zone.id: _zone_cell(zone, model, told) for zone in model.zones}
    zones = tuple(zones)
    rows = []
    boundaries = tuple(boundaries)
    for border in boundaries:
        said = {"boundary": border.id, "device": border.device, "device_owner": border.device_owner}
        said["settings_owner"] = border.settings_owner
        if not border.inherited:
            rows.append(_boundary_row(said, border, members, lang))
        rows += [_row(said, p, members, lang, told, speak) for p in border.permissions]
    for zone in zones:
        owned = {"settings_owner": ", ".join(zone.owners)}
        rows += [_row(owned, p, members, lang, told, speak) for p in zone.permissions]
    listed: list[Boundary | Zone] = [*boundaries, *zones]
    named = {end.zone for one in listed for p in one.permissions for end in (*p.clients, *p.servers)}
    named |= {end for border in boundaries for end in border.between}
    for zone in model.zones:
        if zone.id in named or zone in zones or _within_any(zone, model, named):
            rows.append(_zone_row(zone, members[zone.id], lang))
            told += _unsaid(zone)
    if zones:
        told += _beside(model)
    head = tuple(column.ja if lang == "ja" else column.en for column in COLUMNS)
    return Sheet(head, tuple(rows), tuple(dict.fromkeys(told)))


def _boundary_row(
    said: dict[str, str], border: Boundary, members: dict[str, str], lang: Language
) -> tuple[str, ...]:
    ends = [members.get(end, end) for end in border.between]
    cells = said | _names(border) | {"from_zone": ends[0], "to_zone": ends[1], "line": str(border.line)}
    cells["entry"] = ENTRIES[lang]["boundary"]
    return tuple(cells.get(column.key, "") for column in COLUMNS)


def _zone_row(zone: Zone, cell: str, lang: Language) -> tuple[str, ...]:
    kinds = ", ".join(zone.kinds)
    attributes = [
        f"kind {kinds}" if kinds else "",
        f"level {zone.level}" if zone.level else "",
        f"sl_t {zone.target_level}" if zone.target_level else "",
        "flat true" if zone.flat else "",
    ]
    cells = _names(zone) | {
        "settings_owner": "; ".join(zone.owners),
        "from_zone": cell,
        "to_zone": cell,
        "entry": ENTRIES[lang]["zone"],
        "importance": IMPORTANCES[zone.importance],
        "attributes": "; ".join(filter(None, attributes)),
        "line": str(zone.line),
    }
    return tuple(cells.get(column.key, "") for column in COLUMNS)


def _names(entry: Zone | Boundary) -> dict[str, str]:
    """The names of an entry that has others than its id."""
    if entry.name.ja == entry.name.en == entry.id:
        return {}
    return {"name_ja": entry.name.ja, "name_en": entry.name.en}


def _unsaid(zone: Zone) -> Iterator[Sentence]:
    unsaid = {
        "site": zone.site, "line": zone.production_line, "works": zone.works, "within": zone.within,
    }  # fmt: skip
    keys = tuple(key for key, said in unsaid.items() if said)
    if keys:
        yield sentence(
            "{line}: zone {id}: {keys}: not in the sheet", line=str(zone.line), id=zone.id, keys=keys
        )


def _beside(model: Model) -> Iterator[Sentence]:
    """What a model holds besides zones and boundaries."""
    plant = model.plant
    lists = {
        "assets": model.devices, "sites": plant.sites, "lines": plant.lines, "works": plant.works,
        "protected": plant.protected,
    }  # fmt: skip
    keys = tuple(key for key, some in lists.items() if some)
    if keys:
        yield sentence("{keys} of the model: not in the sheet", keys=keys)


def _row(
    said: dict[str, str],
    permission: Permission,
    members: dict[str, str],
    lang: Language,
    told: list[Sentence],
    speak: Speak,
) -> tuple[str, ...]:
    unsaid = [
        _FIELDS.get(field.name, worded(field.name))
        for field in fields(permission)
        if field.name not in _SAID and getattr(permission, field.name)
    ]
    for what in unsaid:
        lacks = sentence(
            "{line}: permission {id}: {what}: not in the sheet",
            line=str(permission.line), id=permission.id, what=what,
        )  # fmt: skip
        told.append(lacks)
    unsaid = [speak(what) if isinstance(what, Sentence) else what for what in unsaid]
    unsaid += [speak(sentence("zone {id}", id=id)) for id in _misread(permission, members)]
    client, server = permission.clients[0].zone, permission.servers[0].zone
    cells = said | {
        # An id that the program gave is none that a model can say.
        "id": "" if "/" in permission.id else permission.id,
        "from_zone": members.get(client, client),
        "from_address": _ends(permission.clients, lang),
        "to_zone": members.get(server, server),
        "to_address": _ends(permission.servers, lang),
        "direction": DIRECTION[lang],
        "protocol": ", ".join(permission.protocols) or ANY[lang],
        "port": shown(permission.ports) or ANY[lang],
        "transport": ", ".join(permission.transports) or ANY[lang],
        "access": ", ".join(permission.access),
        "functions": ", ".join(_functions(permission)),
        "units": shown(permission.units),
        "registers": "; ".join(f"{kind} {shown(ranges)}" for kind, ranges in permission.objects),
        "limits": "; ".join(map(_limit, permission.limits)),
        "hours": ", ".join(permission.schedule.texts()),
        "expires": permission.expires,
        "timezone": permission.schedule.zone,
        "entry": ENTRIES[lang]["exception" if permission.exception else "permission"],
        "approver": permission.approver,
        "beyond": ", ".join(unsaid),
        "name_ja": "" if permission.name is None else permission.name.ja,
        "name_en": "" if permission.name is None else permission.name.en,
        "reason": permission.reason,
        "line": str(permission.line),
    }
    return tuple(_fitting(cells[column.key], permission, column, told) for column in _columns(cells))


def _columns(cells: dict[str, str]) -> Iterator[Column]:
    for column in COLUMNS:
        cells.setdefault(column.key, "")
        yield column


def _fitting(text: str, permission: Permission, column: Column, told: list[Sentence]) -> str:
    if len(text) <= MAX_CELL:
        return text
    what = sentence(
        "{line}: permission {id}: too much for one cell of column {column}: cut",
        line=str(permission.line), id=permission.id, column=column_letters(COLUMNS.index(column) + 1),
    )  # fmt: skip
    told.append(what)
    return text[:MAX_CELL].rpartition(",")[0] + ", ..."


def _zone_cell(zone: Zone, model: Model, told: list[Sentence]) -> str:
    """The zone, its members and what may happen inside, so that the table can be read without the model."""
    # What both list in the same way is the inner one's.
    inner = {_member(member) for one in model.zones if one.within == zone.id for member in one.members}
    listed = [text for text in map(_member, zone.members) if text not in inner]
    if zone.inside != "everything":
        listed.append(f"inside:{zone.inside}")
    members = ", ".join(listed)
    if len(members) > MAX_CELL - len(zone.id) - 8:
        what = sentence(
            "{line}: zone {id}: too many members for a cell: left out", line=str(zone.line), id=zone.id
        )
        told.append(what)
        members = ""
    return f"{zone.id} ({members})" if members else zone.id


def _within_any(zone: Zone, model: Model, named: Collection[str]) -> bool:
    """Whether a zone takes hosts out of one of those."""
    others = [member.network for one in model.zones if one.id in named for member in one.members]
    return any(
        member.network is None or any(other is None or within(member.network, other) for other in others)
        for member in zone.members
    )


def _misread(permission: Permission, members: Collection[str]) -> list[str]:
    """Zones of a permission whose ids a sheet cannot tell: they mean something else there, or the same as
    that of another zone."""
    odd = {*words()["internet"], *words()["any"]} - {INTERNET}
    folded = Counter(plain(id) for id in members)
    ends = {end.zone for end in (*permission.clients, *permission.servers)}
    return sorted(id for id in ends if plain(id) in odd or folded[plain(id)] > 1)


def _limit(limit: Limit) -> str:
    """`holding_register 21: 0 to 2, step 0.2, type int16, scale 0.01, unit ml/l, name 注入率 / dosing`."""
    element = f"{limit.table.removesuffix('s')} {limit.address}"
    if limit.protocol != "modbus":
        element = f"element {shown_limited(limit)}"
    said = f"{element}: {limit.low:f} to {limit.high:f}"
    kind = kind_of(limit.protocol, limit.table)
    more = [
        f"step {limit.step:f}" if limit.step is not None else "",
        f"change {limit.change:f}/minute" if limit.change is not None else "",
        f"type {limit.type}" if limit.type != "uint16" and kind != "real" else "",
        f"scale {limit.scale:f}" if limit.scale != 1 else "",
        f"unit {_piece(limit.unit)}" if limit.unit else "",
        f"name {_piece(' / '.join(dict.fromkeys((limit.name.ja, limit.name.en))))}" if limit.name.en else "",
    ]
    return ", ".join(filter(None, [said, *more]))


def _piece(text: str) -> str:
    """A text without what divides the parts of a cell."""
    return " ".join(re.split(r"[;,\uff1b\uff0c\s]+", text))


def _member(member: Member) -> str:
    mac = "" if member.mac is None else ":".join(f"{b:02x}" for b in member.mac.value.to_bytes(6, "big"))
    vlan = "" if member.vlan is None else f"vlan:{member.vlan or 'untagged'}"
    oui = "" if member.oui is None else f"oui:{member.oui}"
    port = "" if member.port is None else f"port:{member.port}"
    return " ".join(filter(None, [str(member.network or ""), mac, oui, vlan, port]))


def _ends(ends: tuple[Endpoint, ...], lang: Language) -> str:
    said = [beyond(end) or (ANY[lang] if end.network is None else str(end.network)) for end in ends]
    return ", ".join(dict.fromkeys(said))


def _functions(permission: Permission) -> Iterator[str]:
    modbus = permission.protocols == ("modbus",)
    for function in permission.functions:
        if function.number is None:
            yield function.name
        elif modbus and (function.number, function.subfunction) in _NAMES:
            yield _NAMES[function.number, function.subfunction]
        else:
            sub = "" if function.subfunction is None else f"/{function.subfunction}"
            yield f"{function.number}{sub}"
