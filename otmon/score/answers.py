"""A person's answers as claims: a sheet (CSV in UTF-8, UTF-16 or Shift_JIS, or .xlsx) with a row for each.

Columns are told by their headings, in any order: `time` and one of `from` and `to` are needed, `technique`
and `note` may be there; Japanese headings and usual synonyms are known, others are let be.

- time: ISO 8601 to the minute, the second or finer (`2026-04-14T09:12+09:00`, `2026-04-14 09:12:30`); without
  an offset it is of the time zone that the caller names;
- from, to: names, IP addresses or MAC addresses as the truth has them, several divided by commas or spaces;
- technique: ids of ATT&CK for ICS, several divided likewise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from otmon.score.claim import Claim, ClaimError, Claims
from otmon.zones.files.workbook import MAX_FILE_BYTES, Grid, SheetError, read_sheets

MAX_HEAD_ROWS: Final = 10
"""Rows above the table, such as a title, among which the headings are looked for."""
MAX_ERRORS: Final = 20
"""Errors that are told of one file."""
MAX_NAMES: Final = 100
"""Hosts or techniques in one cell."""
SECOND_NS: Final = 1_000_000_000

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("time", "when", "timestamp", "date", "datetime", "時刻", "日時", "時間", "発生時刻", "検知時刻"),
    "from": (
        "from",
        "source",
        "src",
        "client",
        "actor",
        "who",
        "送信元",
        "から",
        "発信元",
        "攻撃元",
        "操作元",
    ),
    "to": ("to", "destination", "dst", "dest", "server", "target", "宛先", "へ", "送信先", "攻撃先", "対象"),
    "technique": (
        "technique",
        "techniques",
        "attack",
        "attck",
        "mitre",
        "手法",
        "技術",
        "攻撃手法",
        "テクニック",
    ),
    "note": ("note", "notes", "comment", "remark", "what", "備考", "メモ", "内容", "説明", "コメント"),
}
_KEYS: Final = {heading: key for key, headings in HEADINGS.items() for heading in headings}
_TIME: Final = re.compile(
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)[T\s]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*"
    r"(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_TECHNIQUE: Final = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)
_DIVIDED: Final = re.compile(r"[\s,;、，；]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_answers(path: str, zone: ZoneInfo | None) -> Claims:
    """The answers in a file; `zone` is that of times without an offset. Raises ClaimError, and OSError where
    the file cannot be read."""
    with Path(path).open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    try:
        grids = [grid for grid in read_sheets(data) if grid.rows]
    except SheetError as error:
        raise ClaimError(f"{path}: {error}") from None
    for grid in grids:
        head = _head(grid)
        if head is not None:
            return Claims(path, _claims(path, grid, *head, zone), None, is_sensor=False)
    expected = "expected one with the headings time and from or to (時刻, 送信元, 宛先)"
    raise ClaimError(f"{path}: no row of headings in the first {MAX_HEAD_ROWS} rows, {expected}")


def _head(grid: Grid) -> tuple[int, dict[str, int]] | None:
    """The row of the headings, and the place of each in it."""
    for number in list(grid.rows)[:MAX_HEAD_ROWS]:
        places: dict[str, int] = {}
        for place, cell in enumerate(grid.rows[number]):
            places.setdefault(_KEYS.get(_plain(cell), ""), place)
        if "time" in places and places.keys() & {"from", "to"}:
            return number, places
    return None


def _plain(heading: str) -> str:
    """Letters and digits in their usual width and case, without what stands in brackets."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(sign for sign in re.sub(r"\(.*?\)", "", text) if sign.isalnum() or sign == "ー")


def _claims(
    path: str, grid: Grid, head: int, places: Mapping[str, int], zone: ZoneInfo | None
) -> tuple[Claim, ...]:
    claims: dict[str, Claim] = {}
    wrong: list[str] = []
    for number, row in grid.rows.items():
        if number <= head:
            continue
        cells = {key: row[place] if place < len(row) else "" for key, place in places.items()}
        try:
            for key, place in places.items():
                if key and (number, place + 1) in grid.odd:
                    raise ValueError(f"{key}: {grid.odd[number, place + 1]}")
            claim = _claim(cells, f"{path}:{number}", zone)
            claims.setdefault(claim.id, claim)
        except ValueError as error:
            wrong.append(f"{path}:{number}: {error}")
            if len(wrong) == MAX_ERRORS:
                break
    if wrong:
        raise ClaimError("\n".join(wrong))
    return tuple(claims.values())


def _claim(cells: Mapping[str, str], place: str, zone: ZoneInfo | None) -> Claim:
    """Raises ValueError with what is wrong with the row."""
    time_ns, precision_ns = _instant(cells["time"], zone)
    clients, servers = _several(cells, "from"), _several(cells, "to")
    if not clients and not servers:
        raise ValueError("neither from nor to, expected a host at least")
    techniques = tuple(sorted({one.upper() for one in _several(cells, "technique")}))
    for one in techniques:
        if not _TECHNIQUE.fullmatch(one):
            raise ValueError(f"technique: {one[:60]!r} is no id of ATT&CK for ICS, expected such as T0836")
    same = "\n".join((str(time_ns), *map(repr, (sorted(clients), sorted(servers), techniques))))
    return Claim(
        id=sha256(same.encode("utf-8", "surrogatepass")).hexdigest()[:12],
        said=cells.get("note", ""),
        place=place,
        times_ns=(time_ns,),
        precision_ns=precision_ns,
        packets=(),
        clients=clients,
        servers=servers,
        techniques=techniques,
    )


def _several(cells: Mapping[str, str], key: str) -> tuple[str, ...]:
    found: Sequence[str] = [one for one in _DIVIDED.split(cells.get(key, "")) if one]
    if len(found) > MAX_NAMES:
        raise ValueError(f"{key}: {len(found)} of them, expected at most {MAX_NAMES}")
    return tuple(dict.fromkeys(one.casefold() for one in found))


def _instant(text: str, zone: ZoneInfo | None) -> tuple[int, int]:
    """Nanoseconds since 1970 UTC, and how much later the last instant lies that is meant; ValueError."""
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise ValueError(f"time: {text[:60]!r} is no time, expected such as 2026-04-14T09:12:30+09:00")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
        if offset:
            sign = "+00:00" if offset.upper() in ("Z", "UTC") else offset
            local = local.replace(tzinfo=datetime.strptime(sign, "%z").tzinfo)
        elif zone is not None:
            local = local.replace(tzinfo=zone)
        else:
            raise ValueError(f"time: {text[:60]!r} has no offset from UTC: give --time-zone")
        since = local - _EPOCH
    except OverflowError:
        raise ValueError(f"time: {text[:60]!r} is beyond the calendar") from None
    except ValueError as error:
        if str(error).startswith("time: "):
            raise
        raise ValueError(f"time: {text[:60]!r}: {error}") from None
    digits = fraction or ""
    instant_ns = since // timedelta(seconds=1) * SECOND_NS + int(digits.ljust(9, "0"))
    if second is None:
        return instant_ns, 60 * SECOND_NS - 1
    return instant_ns, 10 ** (9 - len(digits)) - 1
