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

from otmon.zones.address import within
from otmon.zones.exchange.cell import plain, words
from otmon.zones.exchange.rule import beyond, worded
from otmon.zones.functions import MODBUS_FUNCTIONS
from otmon.zones.model import INTERNET, Boundary, Endpoint, Limit, Member, Model, Permission, Zone, shown

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
    Column("name_ja", "許可の名称", "Name (ja)", 22),
    Column("name_en", "許可の名称(英語)", "Name (en)", 22),
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
    Column("approver", "承認者", "Approver", 18),
    Column("beyond", "ほかの制限", "Also limited by", 20),
    Column("reason", "理由", "Reason", 40),
    Column("line", "ファイルと行", "File and line", 26),
)
ANY: Final[dict[Language, str]] = {"ja": "すべて", "en": "any"}
ENTRIES: Final[dict[Language, dict[str, str]]] = {
    "ja": {"permission": "許可", "exception": "例外", "zone": "ゾーン"},
    "en": {"permission": "permission", "exception": "exception", "zone": "zone"},
}
"""What a row is: a zone of its own row is one that no permission names."""
DIRECTION: Final[dict[Language, str]] = {"ja": "送信元→宛先", "en": "from → to"}
_SAID: Final = frozenset(
    {
        "id", "line", "clients", "servers", "protocols", "transports", "ports", "access", "functions",
        "units", "objects", "limits", "schedule", "expires", "expires_ns", "approver", "exception", "name",
        "reason",
    }
)  # fmt: skip
"""Fields of a permission that have a column."""
_NAMES: Final = {numbers: name for name, numbers in MODBUS_FUNCTIONS.items()}


@dataclass(frozen=True, slots=True)
class Sheet:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    told: tuple[str, ...]
    """What the table does not say, as sentences."""


def sheet(model: Model, boundaries: Iterable[Boundary], zones: Iterable[Zone], lang: Language) -> Sheet:
    """The permissions of these boundaries and, after them, of what goes on inside these zones; then the zones
    that none of them names, as far as they take hosts out of others or are among these."""
    told: list[str] = []
    members = {zone.id: _zone_cell(zone, model, told) for zone in model.zones}
    zones = tuple(zones)
    rows = []
    boundaries = tuple(boundaries)
    for border in boundaries:
        said = {"boundary": border.id, "device": border.device, "device_owner": border.device_owner}
        said["settings_owner"] = border.settings_owner
        rows += [_row(said, p, members, lang, told) for p in border.permissions]
    for zone in zones:
        owned = {"settings_owner": ", ".join(zone.owners)}
        rows += [_row(owned, p, members, lang, told) for p in zone.permissions]
    listed: list[Boundary | Zone] = [*boundaries, *zones]
    named = {end.zone for one in listed for p in one.permissions for end in (*p.clients, *p.servers)}
    for zone in model.zones:
        if zone.id not in named and (zone in zones or _within_any(zone, model, named)):
            cell = members[zone.id]
            owned = {"settings_owner": ", ".join(zone.owners), "from_zone": cell, "to_zone": cell}
            owned |= {"entry": ENTRIES[lang]["zone"], "line": str(zone.line)}
            rows.append(tuple(owned.get(column.key, "") for column in COLUMNS))
    head = tuple(column.ja if lang == "ja" else column.en for column in COLUMNS)
    return Sheet(head, tuple(rows), tuple(dict.fromkeys(told)))


def _row(
    said: dict[str, str], permission: Permission, members: dict[str, str], lang: Language, told: list[str]
) -> tuple[str, ...]:
    where = f"{permission.line}: permission {permission.id}"
    unsaid = [
        worded(field.name)
        for field in fields(permission)
        if field.name not in _SAID and getattr(permission, field.name)
    ]
    told += [f"{where}: {what} are not in the sheet" for what in unsaid]
    unsaid += [f"zone {id}" for id in _misread(permission, members)]
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


def _fitting(text: str, permission: Permission, column: Column, told: list[str]) -> str:
    if len(text) <= MAX_CELL:
        return text
    told.append(f"{permission.line}: permission {permission.id}: too much for one cell of {column.en}: cut")
    return text[:MAX_CELL].rpartition(",")[0] + ", ..."


def _zone_cell(zone: Zone, model: Model, told: list[str]) -> str:
    """The zone, its members and what may happen inside, so that the table can be read without the model."""
    # What both list in the same way is the inner one's.
    inner = {_member(member) for one in model.zones if one.within == zone.id for member in one.members}
    listed = [text for text in map(_member, zone.members) if text not in inner]
    if zone.inside != "everything":
        listed.append(f"inside:{zone.inside}")
    members = ", ".join(listed)
    if len(members) > MAX_CELL - len(zone.id) - 8:
        told.append(f"{zone.line}: zone {zone.id}: too many members for a cell: left out")
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
    said = f"{limit.table.removesuffix('s')} {limit.address}: {limit.low:f} to {limit.high:f}"
    more = [
        f"step {limit.step:f}" if limit.step is not None else "",
        f"change {limit.change:f}/minute" if limit.change is not None else "",
        f"type {limit.type}" if limit.type != "uint16" else "",
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
