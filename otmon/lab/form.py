"""Files of the range, plants and scenarios: read within bounds, every error with file, line and column.

How a YAML file becomes a tree that knows its lines is that of the zone models (`otmon.zones.files.document`);
what may stand in it is a form, a pydantic model whose leaves are all given as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from otmon.sentence import Part, Sentence, sentence
from otmon.zones.files.document import MAX_FILE_BYTES, Document, Problem, parse, plain, position, quoted
from otmon.zones.files.leaf import Leaf, unfit

Place = tuple[int | str, ...]
"""Keys and list positions from the root of a file to a value."""

MAX_TEXT: Final = 1_000
"""Characters of a sentence for people."""
MAX_DOMAIN: Final = 80
LONGEST_NS: Final = 24 * 3_600 * 1_000_000_000
NAMED_IN_FULL: Final = 60
"""Choices that an error lists."""


class RangeError(Exception):
    """A plant or a scenario that cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Words:
    """A text in English and Japanese."""

    ja: str
    en: str

    def told(self) -> dict[str, str]:
        """The text as JSON has it."""
        return {"en": self.en, "ja": self.ja}


_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,6})(ms|s|min|h)", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*", re.ASCII)
_UNITS = {"ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000}


def _read_text(text: str) -> str | None:
    return text if text and text.isprintable() and len(text) <= MAX_TEXT else None


def _fits(pattern: re.Pattern[str], most: int) -> Callable[[str], str | None]:
    return lambda text: text if len(text) <= most and pattern.fullmatch(text) else None


def _read_address(text: str) -> str | None:
    try:
        return str(IPv4Address(text))
    except ValueError:
        return None


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _read_timezone(text: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(text) if re.fullmatch(r"[A-Za-z_]+(?:/[A-Za-z_+-]+)*", text) else None
    except (OSError, ValueError, KeyError):
        return None


def read_clock(text: str) -> int | None:
    """Nanoseconds since midnight of a text such as 07:30, or None."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    return ((hour * 60 + minute) * 60 + second) * 1_000_000_000


def read_duration(text: str) -> int | None:
    """Nanoseconds of a text such as 30s, at most a day; None for another text."""
    found = _DURATION.fullmatch(text)
    time_ns = int(found[1]) * _UNITS[found[2]] if found else 0
    return time_ns if found and time_ns <= LONGEST_NS else None


def _read_lasting(text: str) -> int | None:
    return read_duration(text) or None


def _read_domain(text: str) -> str | None:
    return text if len(text) <= MAX_DOMAIN and _DOMAIN.fullmatch(text) else None


def whole(low: int, high: int) -> Leaf:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int | None:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,10}", text, re.ASCII) else None
        return number if number is not None and low <= number <= high else None

    return Leaf(sentence("a whole number from {low} to {high}", low=low, high=high), read)


def choice(choices: Iterable[str]) -> Leaf:
    known = tuple(choices)
    return Leaf(sentence("one of {names}", names=known), lambda text: text if text in known else None, known)


Text = Annotated[
    str, Leaf(sentence("one line of at most {most} printable characters", most=MAX_TEXT), _read_text)
]
Id = Annotated[str, Leaf(sentence("lower-case letters, digits and single hyphens"), _fits(_ID, 60))]
Address = Annotated[str, Leaf(sentence("an IPv4 address such as 10.1.2.3"), _read_address)]
Mac = Annotated[str, Leaf(sentence("a MAC address such as '00:80:f4:00:02:11', in quotes"), _fits(_MAC, 17))]
Day = Annotated[date, Leaf(sentence("a date such as 2026-04-14"), _read_day)]
TimeZone = Annotated[ZoneInfo, Leaf(sentence("a time zone such as Asia/Tokyo"), _read_timezone)]
Clock = Annotated[int, Leaf(sentence("a time of day such as 07:30 or 07:30:15"), read_clock)]
"""Nanoseconds since midnight."""
Duration = Annotated[int, Leaf(sentence("a duration such as 500ms, 30s, 10min or 2h"), _read_lasting)]
"""Nanoseconds, more than none."""
Offset = Annotated[int, Leaf(sentence("a duration such as 0s, 30s, 10min or 2h"), read_duration)]
"""Nanoseconds, or none."""
Domain = Annotated[
    str, Leaf(sentence("a domain name of at most {most} letters", most=MAX_DOMAIN), _read_domain)
]
Truth = Annotated[bool, Leaf(sentence("yes or no"), {"yes": True, "no": False}.get, ("yes", "no"))]
Octet = Annotated[int, whole(0, 255)]
Word = Annotated[int, whole(0, 65_535)]
Port = Annotated[int, whole(1, 65_535)]


class WordsForm(Form):
    ja: Text
    en: Text

    def value(self) -> Words:
        return Words(self.ja, self.en)


@dataclass(slots=True)
class Sheet:
    """A file while it is being checked: its tree, and what is wrong with it so far."""

    document: Document
    problems: list[Problem]

    @property
    def file(self) -> str:
        return self.document.file

    def say(self, place: Place, what: Sentence, *, of_key: bool = False) -> None:
        assert self.document.root is not None
        self.problems.append(Problem(self.file, *position(self.document.root, place, of_key=of_key), what))

    def known(self, place: Place, kind: Sentence, name: str, names: Iterable[str]) -> bool:
        """Whether `name` is one of `names`; says so where it is not."""
        choices = list(names)
        if name in choices:
            return True
        close = get_close_matches(name, choices, n=1, cutoff=0.7)
        expected: Part = (
            close[0] if close else tuple(choices[:NAMED_IN_FULL]) or sentence("one that is there")
        )
        what = sentence("no {kind} {id}, expected {expected}", kind=kind, id=quoted(name), expected=expected)
        self.say(place, what)
        return False


def does_not_serve(name: str, protocol: str) -> Sentence:
    """That a host is asked for what it does not serve."""
    return sentence("{name} does not serve {protocol}, expected who does", name=name, protocol=protocol)


def content_of(path: Path) -> bytes:
    """The bytes of a plain file, one more than allowed at most. Raises `RangeError`."""
    try:
        if path.exists() and not path.is_file():
            raise RangeError([Problem(str(path), 0, 0, sentence("no plain file, expected one in YAML"))])
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        what = sentence("cannot be read ({why}), expected a file in YAML", why=str(error.strerror))
        raise RangeError([Problem(str(path), 0, 0, what)]) from error


_AForm = TypeVar("_AForm", bound=Form)


def read_form(file: str, data: bytes, form: type[_AForm], kind: Sentence) -> tuple[Sheet, _AForm]:
    """One file as a form; `kind` is what it holds, for people. Raises `RangeError`."""
    document = parse(file, data)
    sheet = Sheet(document, list(document.problems))
    if document.root is None and not document.problems:
        sheet.problems.append(Problem(file, 0, 0, sentence("the file is empty, expected {kind}", kind=kind)))
    if document.root is None or sheet.problems:
        raise RangeError(sheet.problems)
    return sheet, checked(sheet, (), form, plain(document.root))


def checked(sheet: Sheet, place: Place, form: type[_AForm], content: Any) -> _AForm:
    """What stands at `place` as a form. Raises `RangeError`, with what was wrong before too."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details:
            # A list is too short for pydantic where an entry of it is wrong.
            at = detail["loc"]
            if detail["type"] == "too_short" and any(
                one["loc"] != at and one["loc"][: len(at)] == at for one in details
            ):
                continue
            where = place + tuple(step for step in detail["loc"] if not _of_union(step))
            of_key = detail["type"] == "extra_forbidden"
            sheet.say(where, _worded(form, detail), of_key=of_key)
        raise RangeError(sheet.problems) from error


def _of_union(step: int | str) -> bool:
    """Whether pydantic names a branch of a union here, and not a key."""
    return isinstance(step, str) and not re.fullmatch(r"[a-z][a-z0-9_-]*", step)


def _worded(form: type[Form], detail: ErrorDetails) -> Sentence:
    kind, key = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "model":
        said: Sentence = detail["ctx"]["what"]
        return said
    if kind == "extra_forbidden":
        known = _keys(_form_at(form, detail["loc"][:-1]))
        close = get_close_matches(key, known, n=1, cutoff=0.7)
        return sentence(
            "unknown key {key}, expected {expected}",
            key=quoted(key), expected=close[0] if close else tuple(known),
        )  # fmt: skip
    if kind == "missing":
        needed = _keys(_form_at(form, detail["loc"][:-1]), required=True)
        return sentence("{key} is missing, expected {expected}", key=key, expected=tuple(needed))
    expected = {
        "list_type": sentence("a list"),
        "tuple_type": sentence("a list"),
        "too_short": sentence("more entries"),
        "too_long": sentence("fewer entries"),
    }.get(kind, sentence("a mapping"))
    if kind == "model_type" or kind == "dict_type":
        keys = tuple(_keys(_form_at(form, detail["loc"]))[:3])
        expected = sentence("a mapping with keys such as {names}", names=keys)
    return unfit(detail["input"], expected)


def _form_at(form: type[Form], loc: tuple[int | str, ...]) -> type[Form]:
    """The form of the value at `loc`, as far as it can be followed."""
    for step in loc:
        if isinstance(step, str) and step in form.model_fields:
            form = _inner(form.model_fields[step].annotation) or form
    return form


def _inner(annotation: Any) -> type[Form] | None:
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner(part)
        if found is not None:
            return found
    return None


def _keys(form: type[Form], *, required: bool = False) -> list[str]:
    fields = form.model_fields.items()
    return [field.alias or name for name, field in fields if field.is_required() or not required]
