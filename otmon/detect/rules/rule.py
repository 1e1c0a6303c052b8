"""A rule as a value: what is looked for, how grave it is, what to do, and for whom it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, get_args

from otmon.detect.rules.field import Field, Seen, Value

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""Gravest first.

- critical: a command reached a zone of high importance that its owner did not allow;
- high: a command or a way in that must be looked at today;
- medium: traffic that was not allowed and changed nothing as far as it was seen;
- low: the model or a device needs tidying;
- info: worth knowing.
"""

Category = Literal["conversation", "operation", "written-value", "asset", "anomaly", "credential"]
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
"""Kinds of facts that a condition may be about."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one field of a fact is asked."""

    field: Field
    taken: Callable[[Value], bool]
    """Whether the answer is yes, for a value as `Field.read` gives it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What facts a rule is about."""

    holds: Callable[[Seen], bool]
    needs: tuple[Question, ...] = ()
    """It can hold only where the answer to each of these is yes, which is cheap to ask of very many facts."""

    def __call__(self, seen: Seen) -> bool:
        return self.holds(seen)


"""Whether a fact is what the rule looks for."""

_Kind = TypeVar("_Kind", int, tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Text:
    """What people read; the English text where nobody wrote a Japanese one."""

    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts, each language with its own items."""

    en: tuple[str, ...]
    ja: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A technique, requirement or step that a rule stands on."""

    scheme: str
    id: str
    title: str
    """In the language of the scheme; own wording where its text is protected."""
    edition: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a detector is given."""

    value: int | float | tuple[str, ...]
    meaning: Text
    low: float | None = None
    """Smallest value, None for a list of texts."""
    high: float | None = None

    @property
    def said(self) -> str:
        """The value for people."""
        return ", ".join(self.value) if isinstance(self.value, tuple) else str(self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule file."""

    name: str
    """Its id in findings, and the name of its file."""
    uuid: str
    status: str
    level: Severity
    """Of its findings; of a detector's the gravest."""
    title: Text
    description: Text
    falsepositives: Texts
    response: Texts
    """What to do, step by step."""
    severity: Text
    """How a detector chooses the severity; "" where it is always `level`."""
    tags: tuple[str, ...]
    links: tuple[str, ...]
    """Sigma's `references`: documents and addresses."""
    references: tuple[Reference, ...]
    line: str
    """"file:line" of its beginning."""
    detector: str = ""
    """File in `otmon/detect`; "" for a condition."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    category: Category | None = None
    threat: int = 2
    """Threat level of the risk, 1 to 3, before what was seen moves it."""
    condition: Condition | None = field(default=None, compare=False)
    tests: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    """The test cases as the file has them (`otmon.detect.rules.sample`)."""

    @property
    def runs(self) -> bool:
        """Whether it is used: Sigma's status `deprecated` or `unsupported` takes a rule out."""
        return self.status not in ("deprecated", "unsupported")

    def number(self, name: str) -> int:
        """A whole-number parameter of the detector."""
        return self._value(name, int)

    def texts(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of texts."""
        return self._value(name, tuple)

    def _value(self, name: str, kind: type[_Kind]) -> _Kind:
        value = self.parameters[name].value
        assert isinstance(value, kind), f"{self.name}: {name} is no {kind.__name__}"
        return value
