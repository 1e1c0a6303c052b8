"""One YAML file as a tree that knows the line and column of everything, within bounds.

Every scalar is text: what it means is for the schema to say. So there are no surprises with `no`,
`1.10`, `12:30:45` or `0x10`, and an id may be a number. Anchors and aliases work and share their
subtree; what they expand to is counted, an alias inside its own anchor is refused. Tags, merge keys
and several documents in a file are refused.

`parse` never raises: whatever is wrong is a `Problem`. Behind a syntax error nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from otmon.sentence import Sentence, sentence

MAX_FILE_BYTES: Final = 2 * 1024 * 1024
"""About five seconds of parsing; 2,000 permissions take a fifth of it."""
MAX_NODES: Final = 200_000
"""Values of one file with all aliases written out; a bound on memory and on alias bombs."""
MAX_DEPTH: Final = 24
"""Lists and mappings inside each other; the deepest that the schema knows is 7."""

Position = tuple[int, int]
"""Line and column, both from 1; (0, 0) for the file as a whole."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a model file, and what was expected there."""

    file: str
    line: int
    """From 1; 0 for the file as a whole."""
    column: int
    what: Sentence

    @property
    def place(self) -> str:
        """ "file:line:column", or the file."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class TextNode:
    at: Position
    text: str | None
    """None for an empty or `null` plain scalar."""
    size: int = 1
    depth: int = 0


@dataclass(slots=True)
class ListNode:
    at: Position
    items: list[Node] = field(default_factory=list)
    size: int = 1
    """Nodes of the subtree, aliases written out."""
    depth: int = 1
    """Levels of the subtree, aliases written out."""


@dataclass(slots=True)
class MapNode:
    at: Position
    entries: dict[str, tuple[Position, Node]] = field(default_factory=dict)
    """Key -> (where the key stands, value)."""
    size: int = 1
    depth: int = 1


Node = TextNode | ListNode | MapNode


@dataclass(frozen=True, slots=True)
class Document:
    file: str
    root: Node | None
    """None when the file is empty or reading it had to stop."""
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...] = ()
    """What is no error, and people should know."""


def quoted(text: str, limit: int = 60) -> str:
    """A text of the user's for an error message: quoted, escaped, not too long."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def parse(file: str, data: bytes) -> Document:
    """Read one file's bytes."""
    if len(data) > MAX_FILE_BYTES:
        what = sentence(
            "more than {most} bytes, expected fewer; split the model into files", most=MAX_FILE_BYTES
        )
        return Document(file, None, (Problem(file, 0, 0, what),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder strips a byte order mark first and counts from behind it.
        body = data.removeprefix(b"\xef\xbb\xbf")
        line, column = _position_of(body[: error.start].decode("utf-8", "replace"))
        byte = f"0x{body[error.start]:02x}"
        what = sentence("byte {byte} is not UTF-8, expected a text file in UTF-8", byte=byte)
        return Document(file, None, (Problem(file, line, column, what),))
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except _Stop as stop:
        builder.problems.append(stop.problem)
    except ReaderError as error:
        line, column = _position_of(text[: error.position])
        sign = f"U+{ord(text[error.position]):04X}"
        what = sentence("character {sign} is not allowed in YAML, expected printable text", sign=sign)
        builder.problems.append(Problem(file, line, column, what))
    except MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(file, error))
    except (YAMLError, ValueError, OverflowError) as error:
        # The parser lets a few of these through for escapes and version numbers out of range.
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = sentence(
            "cannot be read as YAML ({said}), expected a mapping with `zones` and `boundaries`", said=said
        )
        builder.problems.append(Problem(file, 0, 0, what))
    return Document(file, builder.root, tuple(builder.problems))


def plain(node: Node) -> Any:
    """The subtree as dicts, lists, texts and None. Shared subtrees stay shared."""
    done: dict[int, Any] = {}

    def convert(node: Node) -> Any:
        if isinstance(node, TextNode):
            return node.text
        if id(node) not in done:
            if isinstance(node, ListNode):
                done[id(node)] = [convert(item) for item in node.items]
            else:
                done[id(node)] = {key: convert(value) for key, (_, value) in node.entries.items()}
        return done[id(node)]

    return convert(node)


def position(node: Node, path: Sequence[int | str], *, of_key: bool = False) -> Position:
    """Where the value at `path` stands (or its key); the nearest thing above it where it is missing."""
    at = node.at
    for depth, step in enumerate(path):
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
            key_at, node = node.entries[step]
            at = key_at if of_key and depth == len(path) - 1 else node.at
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            at = node.at
    return at


def _position_of(before: str) -> Position:
    """The position behind this text. Lines end as YAML 1.2 section 5.4 says."""
    text = before.replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


def _events(text: str) -> Iterator[Event]:
    events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
    return events


def _syntax_problem(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    problem, context = (" ".join(str(part or "").split()) for part in (error.problem, error.context))
    what = sentence("not valid YAML: {problem}", problem=problem or context or "syntax error")
    if problem and context:
        what = sentence("not valid YAML: {problem}, {context}", problem=problem, context=context)
    return Problem(file, line, column, what)


class _Stop(Exception):
    """Reading cannot go on behind this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: ListNode | MapNode
    anchor: str | None
    key: tuple[Position, str | None] | None = None
    """In a mapping: the key that waits for its value; its text is None when the value is dropped."""


class _Builder:
    """Events in, tree out; a stack and not recursion, so that depth is a number and not a crash."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: Event) -> None:
        at = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                what = sentence("a second YAML document starts, expected one document in a file")
                raise self._stop(at, what)
        elif isinstance(event, ScalarEvent):
            self._check_tag(event, at)
            self._add(_scalar(event, at), event.anchor)
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            self._check_tag(event, at)
            if len(self._stack) >= MAX_DEPTH:
                raise self._too_deep(at)
            node = ListNode(at) if isinstance(event, SequenceStartEvent) else MapNode(at)
            self._stack.append(_Open(node, event.anchor))
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            done = self._stack.pop()
            self._add(done.node, done.anchor)
        elif isinstance(event, AliasEvent):
            target = self._anchors.get(event.anchor)
            if target is None:
                what = sentence(
                    "alias {alias} has no complete anchor before it, expected {anchor} on an earlier value",
                    alias=quoted("*" + event.anchor), anchor=quoted("&" + event.anchor),
                )  # fmt: skip
                raise self._stop(at, what)
            self._add(target, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        """Hang a complete value where it belongs."""
        parent = self._stack[-1] if self._stack else None
        if anchor is not None:
            self._anchors[anchor] = node
        if parent is None:
            self.root = node
            return
        if isinstance(parent.node, ListNode):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = (node.at, self._key(parent.node, node))
        else:
            key_at, key = parent.key
            parent.key = None
            if key is not None:
                parent.node.entries[key] = (key_at, node)
        parent.node.size += node.size
        parent.node.depth = max(parent.node.depth, node.depth + 1)
        if parent.node.depth > MAX_DEPTH:
            raise self._too_deep(node.at)
        if parent.node.size > MAX_NODES:
            what = sentence(
                "more than {most} values with all aliases written out, expected fewer", most=MAX_NODES
            )
            raise self._stop(node.at, what)

    def _key(self, parent: MapNode, node: Node) -> str | None:
        if not isinstance(node, TextNode) or node.text is None:
            self._say(node.at, sentence("this key is not a text, expected a name such as `id`"))
            return None
        if node.text in parent.entries:
            first = parent.entries[node.text][0][0]
            what = sentence(
                "duplicate key {key}, expected it once (first on line {line})",
                key=quoted(node.text), line=first,
            )  # fmt: skip
            self._say(node.at, what)
            return None
        return node.text

    def _check_tag(self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent, at: Position) -> None:
        if event.tag is not None:
            tag = quoted(str(event.tag))
            self._say(at, sentence("tag {tag} is not allowed, expected a plain value", tag=tag))

    def _say(self, at: Position, what: Sentence) -> None:
        self.problems.append(Problem(self.file, *at, what))

    def _too_deep(self, at: Position) -> _Stop:
        return self._stop(at, sentence("nested too deeply, expected at most {most} levels", most=MAX_DEPTH))

    def _stop(self, at: Position, what: Sentence) -> _Stop:
        return _Stop(Problem(self.file, *at, what))


def _scalar(event: ScalarEvent, at: Position) -> TextNode:
    empty = not event.style and event.value in ("", "~", "null", "Null", "NULL")
    return TextNode(at, None if empty else event.value)
