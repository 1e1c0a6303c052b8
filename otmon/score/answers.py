"""A person's answers as claims: a sheet (CSV in UTF-8, UTF-16 or Shift_JIS, or .xlsx) with a row for each.

Columns are told by their headings, in any order: `time` and one of `from` and `to` are needed, `date`,
`technique` and `note` may be there; Japanese headings and usual synonyms are known, others are let be.

- time: ISO 8601 to the minute, the second or finer (`2026-04-14T09:12+09:00`, `2026-04-14 09:12:30`), with
  slashes, or in Japanese (`2026年4月14日 9時12分`), or Excel's own; without an offset it is of the time zone
  that the caller names;
- date: the day, where `time` has the time of day alone;
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

from otmon.detect.finding import say
from otmon.findings.wording import Language, text, worded
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
    "date": ("date", "day", "日付", "年月日"),
    "time": ("time", "when", "timestamp", "datetime", "時刻", "日時", "時間", "発生時刻", "検知時刻"),
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
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?:T|\s+)(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,](\d{1,9}))?)?\s*"
    r"(Z|UTC|JST|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSETS: Final = {"Z": "+00:00", "UTC": "+00:00", "JST": "+09:00"}
_JAPANESE: Final = re.compile(
    r"(\d{4})\s?年\s?(\d\d?)\s?月\s?(\d\d?)\s?日|(\d\d?)\s?時\s?(?:(\d\d?)\s?分\s?(?:(\d\d?)\s?秒)?)?",
    re.ASCII,
)
_TECHNIQUE: Final = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)
_NEARLY: Final = re.compile(r"T?\d", re.ASCII)
_DIVIDED: Final = re.compile(r"[\s,;、，；]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_answers(path: str, zone: ZoneInfo | None, language: Language = "en") -> Claims:
    """The answers in a file; `zone` is that of times without an offset, `language` that of errors. Raises
    ClaimError, and OSError where the file cannot be read."""
    with Path(path).open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    try:
        grids = [grid for grid in read_sheets(data) if grid.rows]
    except SheetError as error:
        raise ClaimError(f"{path}: {text('answer.no-sheet', language, reason=error.why)}") from None
    for grid in grids:
        head = _head(grid)
        if head is not None:
            return Claims(path, _claims(path, grid, *head, zone, language), None, is_sensor=False)
    raise ClaimError(f"{path}: {text('answer.no-headings', language, rows=MAX_HEAD_ROWS)}")


def _head(grid: Grid) -> tuple[int, dict[str, int]] | None:
    """The row of the headings, and the place of each in it."""
    for number in list(grid.rows)[:MAX_HEAD_ROWS]:
        places: dict[str, int] = {}
        for place, cell in enumerate(grid.rows[number]):
            places.setdefault(_KEYS.get(_plain(cell), ""), place)
        if "time" not in places and "date" in places:
            places["time"] = places.pop("date")
        if "time" in places and places.keys() & {"from", "to"}:
            return number, places
    return None


def _plain(heading: str) -> str:
    """Letters and digits in their usual width and case, without what stands in brackets."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(sign for sign in re.sub(r"\(.*?\)", "", text) if sign.isalnum() or sign == "ー")


def _claims(
    path: str, grid: Grid, head: int, places: Mapping[str, int], zone: ZoneInfo | None, language: Language
) -> tuple[Claim, ...]:
    claims: dict[str, Claim] = {}
    wrong: list[str] = []
    for number in grid.rows:
        if number <= head:
            continue
        try:
            claim = _claim(_cells(grid, number, places), f"{path}:{number}", zone)
            claims.setdefault(claim.id, claim)
        except _WrongRow as error:
            wrong.append(f"{path}:{number}: {worded(error.message, language)}")
            if len(wrong) == MAX_ERRORS:
                break
    if wrong:
        raise ClaimError("\n".join(wrong))
    return tuple(claims.values())


class _WrongRow(Exception):
    """What is wrong with a row."""

    def __init__(self, key: str, **params: str | int) -> None:
        self.message = say(key, **params)


def _cells(grid: Grid, number: int, places: Mapping[str, int]) -> dict[str, str]:
    """The cells of a row by what they are. Raises _WrongRow where Excel holds no text."""
    row, cells = grid.rows[number], {}
    for key, place in places.items():
        cells[key] = row[place] if place < len(row) else ""
        if (number, place + 1) in grid.odd and key:
            moment = grid.moments.get((number, place + 1))
            if moment is None or key not in ("date", "time"):
                raise _WrongRow("answer.odd", column=key, what=grid.odd[number, place + 1])
            cells[key] = moment
    return cells


def _claim(cells: Mapping[str, str], place: str, zone: ZoneInfo | None) -> Claim:
    """The claim of a row. Raises _WrongRow."""
    time_ns, precision_ns = _instant(f"{cells.get('date', '')} {cells['time']}", zone)
    clients, servers = _several(cells, "from"), _several(cells, "to")
    if not clients and not servers:
        raise _WrongRow("answer.no-host")
    techniques = _techniques(cells)
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


def _techniques(cells: Mapping[str, str]) -> tuple[str, ...]:
    """Ids; their names may stand beside them."""
    told = re.sub(r"[:：()（）]", " ", cells.get("technique", ""))
    words = [one.upper() for one in _several({"technique": told}, "technique")]
    found = sorted({one for one in words if _TECHNIQUE.fullmatch(one)})
    for one in words:
        if one not in found and (not found or _NEARLY.match(one)):
            raise _WrongRow("answer.no-technique", said=repr(one[:60]))
    return tuple(found)


def _several(cells: Mapping[str, str], key: str) -> tuple[str, ...]:
    told = unicodedata.normalize("NFKC", cells.get(key, ""))
    found: Sequence[str] = [one for one in _DIVIDED.split(told) if one]
    if len(found) > MAX_NAMES:
        raise _WrongRow("answer.too-many", column=key, count=len(found), most=MAX_NAMES)
    return tuple(dict.fromkeys(one.casefold() for one in found))


def _instant(said: str, zone: ZoneInfo | None) -> tuple[int, int]:
    """Nanoseconds since 1970 UTC, and how much later the last instant lies that is meant."""
    plain = _JAPANESE.sub(_numeric, unicodedata.normalize("NFKC", said)).strip()
    shown = repr(said.strip()[:60])
    found = _TIME.fullmatch(plain)
    if found is None:
        raise _WrongRow("answer.no-time", said=shown)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
        if offset:
            sign = _OFFSETS.get(offset.upper(), offset)
            local = local.replace(tzinfo=datetime.strptime(sign, "%z").tzinfo)
        elif zone is not None:
            local = local.replace(tzinfo=zone)
        else:
            raise _WrongRow("answer.no-offset", said=shown)
        since = local - _EPOCH
    except (OverflowError, ValueError):
        raise _WrongRow("answer.no-such-time", said=shown) from None
    digits = fraction or ""
    instant_ns = since // timedelta(seconds=1) * SECOND_NS + int(digits.ljust(9, "0"))
    if second is None:
        return instant_ns, 60 * SECOND_NS - 1
    return instant_ns, 10 ** (9 - len(digits)) - 1


def _numeric(found: re.Match[str]) -> str:
    """A day or a time of day in Japanese, as ISO 8601 has it."""
    year, month, day, hour, minute, second = found.groups()
    if year is not None:
        return f"{year}-{month}-{day} "
    return ":".join(filter(None, (hour, minute or "00", second)))
