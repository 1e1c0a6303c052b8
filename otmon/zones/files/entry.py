"""Entries of a model file, each checked by itself: what stands there, where, and what is wrong.

An entry that is wrong still has its id, so that whoever refers to it is not told that it is absent.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from otmon.sentence import Sentence, sentence
from otmon.zones.files.document import Document, ListNode, MapNode, Node, Problem, plain, position, quoted
from otmon.zones.files.leaf import EXPECTED, described, unfit
from otmon.zones.files.schema import (
    BoundaryForm,
    ExceptionForm,
    FileForm,
    Form,
    LimitForm,
    MemberForm,
    NameForm,
    PermissionForm,
    ZoneForm,
)
from otmon.zones.model import Line, Name
from otmon.zones.times import read_zone

MAX_PROBLEMS: Final = 1000
"""Errors after which a model is not looked at any further: nobody reads more, and each costs time."""
NAMES_COMPARED: Final = 500
"""Names among which the one that was meant is looked for."""
NAMED_IN_FULL: Final = 20
"""Choices that an error lists; of more it names the first few."""

KINDS: Final[dict[str, Sentence]] = {
    "zone": sentence("zone"),
    "boundary": sentence("boundary"),
    "permission": sentence("permission"),
    "exception": sentence("exception"),
    "asset": sentence("asset"),
    "site": sentence("site"),
    "production line": sentence("production line"),
    "work": sentence("work"),
    "protected": sentence("protected"),
}
"""What entries are, for people."""
_LISTS: Final = ("allow", "exceptions")
"""Keys of an entry whose items are checked one by one."""

Path = tuple[int | str, ...]
"""Keys and list positions from the root of a file, or from an entry, to a value."""
_Form = TypeVar("_Form", bound=Form)


@dataclass(frozen=True, slots=True)
class Entry(Generic[_Form]):
    """A zone, a boundary or another entry as it stands in its file."""

    document: Document
    path: Path
    id: str
    """"" where it has none that can be read."""
    form: _Form | None
    """None where it is wrong."""
    permissions: tuple[tuple[Path, PermissionForm], ...]
    """What `allow` lists, then `exceptions`."""
    partial: tuple[tuple[Path, PermissionForm, frozenset[str]], ...] = ()
    """Permissions of which something is wrong, without the keys that are named: the rest is checked."""
    misread: frozenset[str] = frozenset()
    """Keys without which `form` stands, because they are wrong: its model is not used."""

    def node(self) -> Node:
        assert self.document.root is not None
        return self.document.root

    def line(self, path: Path = ()) -> Line:
        return Line(self.document.file, position(self.node(), self.path + path)[0])

    def problem(self, path: Path, what: Sentence, *, of_key: bool = False) -> Problem:
        at = position(self.node(), self.path + path, of_key=of_key)
        return Problem(self.document.file, *at, what)


def entries(
    document: Document, key: str, form: type[_Form], problems: list[Problem]
) -> Iterator[Entry[_Form]]:
    """The entries under a key of the file, such as `zones`, each checked by itself."""
    root = document.root
    if root is None:
        return
    if not isinstance(root, MapNode):
        if key == "zones":
            what = sentence(
                "{found} as the whole file, expected a mapping with `zones` and `boundaries`",
                found=described(plain(root)),
            )
            problems.append(Problem(document.file, *root.at, what))
        return
    if key == "zones":
        _checked(document, (), FileForm, plain(root), problems)
    listed = root.entries.get(key, (root.at, ListNode(root.at)))[1]
    if not isinstance(listed, ListNode):
        return
    for number, node in enumerate(listed.items):
        if len(problems) >= MAX_PROBLEMS:
            return
        path: Path = (key, number)
        content = plain(node)
        own = content
        if isinstance(content, dict):
            apart = _LISTS if form is BoundaryForm else _LISTS[:1] if form is ZoneForm else ()
            own = {k: v for k, v in content.items() if k not in apart}
        checked, misread = _checked(document, path, form, own, problems), frozenset[str]()
        if checked is None:
            checked, misread = _salvaged(form, own)
        partial: list[tuple[Path, PermissionForm, frozenset[str]]] = []
        named = content.get("id") if isinstance(content, dict) else None
        yield Entry(
            document,
            path,
            named.strip() if isinstance(named, str) else "",
            checked,
            tuple(
                form
                for key in _LISTS
                for form in _permission_forms(document, path, node, key, problems, partial)
            ),
            tuple(partial),
            misread,
        )


def unique(kind: str, entries: Iterable[Entry[Any]], problems: list[Problem]) -> None:
    """Say which entries have the id of an earlier one; `kind` is what they are, of `KINDS`."""
    first: dict[str, Line] = {}
    for entry in entries:
        if entry.id and entry.id in first:
            what = sentence(
                "{kind} {id} a second time, expected an id of its own (first at {first})",
                kind=KINDS[kind], id=quoted(entry.id), first=str(first[entry.id]),
            )  # fmt: skip
            problems.append(entry.problem(("id",), what))
        first.setdefault(entry.id, entry.line(("id",)))


def absent(kind: str, id: str, known: Iterable[str]) -> Sentence:
    """That there is no entry of this kind, of `KINDS`, with this id, and which was probably meant."""
    return sentence(
        "no {kind} {id}, expected {expected}", kind=KINDS[kind], id=quoted(id), expected=nearest(id, known)
    )


def named(form: NameForm | None, id: str) -> Name:
    """The name of an entry, its id where it has none."""
    return Name(id, id) if form is None else form.value()


def timezone_of(document: Document) -> Iterator[tuple[Line, str]]:
    """The time zone that a file names, where it is one."""
    root = document.root
    if isinstance(root, MapNode) and "timezone" in root.entries:
        at, node = root.entries["timezone"]
        name = plain(node)
        if isinstance(name, str) and read_zone(name.strip()) is not None:
            yield Line(document.file, at[0]), name.strip()


def _permission_forms(
    document: Document,
    path: Path,
    node: Node,
    key: str,
    problems: list[Problem],
    partial: list[tuple[Path, PermissionForm, frozenset[str]]],
) -> Iterator[tuple[Path, PermissionForm]]:
    """The permissions of a list that are as they should be; of others the rest is added to `partial`."""
    if not isinstance(node, MapNode) or key not in node.entries:
        return
    listed = node.entries[key][1]
    if not isinstance(listed, ListNode):
        problems.append(Problem(document.file, *listed.at, unfit(plain(listed), EXPECTED[key])))
        return
    for number, item in enumerate(listed.items):
        if len(problems) >= MAX_PROBLEMS:
            return
        kind = PermissionForm if key == "allow" else ExceptionForm
        form = _checked(document, (*path, key, number), kind, plain(item), problems)
        if form is not None:
            yield (key, number), form
            continue
        rest, misread = _salvaged(PermissionForm, plain(item))
        if rest is not None:
            partial.append(((key, number), rest, misread))


def _checked(
    document: Document, path: Path, form: type[_Form], content: Any, problems: list[Problem]
) -> _Form | None:
    """The content as its form, or None and what is wrong with it."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        assert document.root is not None
        for detail in error.errors(include_url=False):
            place = path + detail["loc"]
            at = position(document.root, place, of_key=detail["type"] == "extra_forbidden")
            problems.append(Problem(document.file, *at, _worded(form, place, detail)))
        return None


_STAND_IN: Final[dict[str, dict[str, str]]] = {
    "PermissionForm": {"protocol": "any"},
    "ZoneForm": {"importance": "小", "inside": "listed"},
}
"""What takes the place of a key that is wrong and cannot be left out, or not without more errors."""
_OF_PROTOCOL: Final = frozenset(
    {"functions", "units", "coils", "discrete_inputs", "input_registers", "holding_registers", "limits"}
)
"""Keys of a permission that only its protocol gives a meaning."""


def _salvaged(form: type[_Form], content: Any) -> tuple[_Form | None, frozenset[str]]:
    """An entry without its keys that are wrong, and which these are, so that one error hides no other; None
    where too little is left."""
    if not isinstance(content, dict):
        return None, frozenset()
    whole, misread = dict(content), set[str]()
    stand_in = _STAND_IN.get(form.__name__, {})
    # What is wrong between keys may be seen only when each of them is right.
    for _ in range(2):
        try:
            return form.model_validate(whole), frozenset(misread)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False) if detail["loc"]}
        if not wrong or "protocol" in wrong:
            wrong |= _OF_PROTOCOL & whole.keys()
        misread |= wrong
        whole = {key: value for key, value in whole.items() if key not in wrong}
        whole |= {key: text for key, text in stand_in.items() if key in misread and key not in whole}
    try:
        return form.model_validate(whole), frozenset(misread)
    except ValidationError:
        return None, frozenset()


def _worded(form: type[Form], place: Path, detail: ErrorDetails) -> Sentence:
    """Pydantic's error in our words: what was found, and what was expected."""
    kind = detail["type"]
    if kind == "model":
        what: Sentence = detail["ctx"]["what"]
        return what
    key = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
    expected = EXPECTED.get(key, sentence("another value"))
    if kind == "extra_forbidden":
        if form is FileForm and key == "decisions":
            return sentence("decisions in a zone model, expected them in a file that --decisions names")
        owner = next((step for step in reversed(place[:-1]) if isinstance(step, str)), "")
        inner: dict[str, type[Form]] = {"limits": LimitForm, "members": MemberForm, "name": NameForm}
        known = _keys(inner.get(owner, form))
        return sentence(
            "unknown key {key}, expected {expected}", key=quoted(key), expected=nearest(key, known)
        )
    if kind == "missing" and isinstance(place[-1], str):
        return sentence("{key} is missing, expected {expected}", key=key, expected=expected)
    if kind in ("missing", "too_short", "too_long"):
        return sentence(
            "wrong number of entries under {key}, expected {expected}", key=key, expected=expected
        )
    if kind == "model_type":
        kind = KINDS.get(_FORMS.get(form.__name__, ""), sentence("entry"))
        expected = sentence("the {kind} as a mapping with keys such as {key}", kind=kind, key=_keys(form)[0])
        if key in ("name", "members"):
            expected = EXPECTED[key]
    return unfit(detail["input"], expected)


_FORMS: Final[dict[str, str]] = {
    "ZoneForm": "zone",
    "BoundaryForm": "boundary",
    "PermissionForm": "permission",
    "ExceptionForm": "exception",
    "AssetForm": "asset",
    "SiteForm": "site",
    "LineForm": "production line",
    "WorkForm": "work",
    "ProtectedForm": "protected",
}
"""What each form is of `KINDS`."""


def _keys(form: type[Form]) -> list[str]:
    keys = [field.alias or name for name, field in form.model_fields.items()]
    if form is BoundaryForm:
        return [*keys, *_LISTS]
    return [*keys, "allow"] if form is ZoneForm else keys


def nearest(text: str, known: Iterable[str]) -> str:
    """The one that was probably meant, else all of them (or the first of many)."""
    names = list(known)
    close = difflib.get_close_matches(text[:100], names[:NAMES_COMPARED], n=1, cutoff=0.7)
    if close:
        return close[0]
    return (
        ", ".join(names)
        if len(names) <= NAMED_IN_FULL
        else sentence("one of {count} such as {names}", count=len(names), names=", ".join(names[:8]))
    )
