"""Sigma conditions, compiled once to a predicate over facts.

pySigma parses the condition and the modifiers; this file walks the tree that it gives. What we do not
evaluate (keywords without a field, modifiers for logs, placeholders) is an error and never ignored.
Texts match in any case, as Sigma says, `re` and `cased` in their own; `*` and `?` are wildcards.
Regular expressions run in RE2, whose time grows with the text and never with the pattern's nesting.

Sources: Sigma specification 2.0, rules and modifiers appendix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import accumulate
from operator import ge, gt, le, lt
from typing import Any, Final, NamedTuple

import re2
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

from otmon.detect.rules.field import FIELDS, Field, Kind, Seen, Value
from otmon.detect.rules.rule import Condition, Question
from otmon.sentence import Sentence, sentence
from otmon.zones.address import Network, parse_address, parse_network

Path = tuple[int | str, ...]
"""Keys and list positions to a value."""

MAX_CONDITION: Final = 1_000
"""Characters of a condition."""
MAX_NESTING: Final = 20
"""Parentheses inside each other, and `not` after `not`: the parser calls itself for each."""
MAX_PATTERN: Final = 500
"""Characters of a regular expression or of a value."""
MAX_VALUES: Final = 2_000
"""Values of one condition: each is asked of each fact."""
PATTERN_BYTES: Final = 1 << 20
"""Memory that RE2 may take for one pattern."""

_TEXT: Final = ("contains", "startswith", "endswith", "re", "cased", "all", "exists")
MODIFIERS: Final[dict[Kind, tuple[str, ...]]] = {
    "text": _TEXT,
    "texts": _TEXT,
    "address": (*_TEXT, "cidr"),
    "number": ("lt", "lte", "gt", "gte", "all", "exists"),
    "flag": ("all", "exists"),
}
"""What may stand behind a field's name."""
_COMPARE: Final = {
    CompareOperators.LT: lt,
    CompareOperators.LTE: le,
    CompareOperators.GT: gt,
    CompareOperators.GTE: ge,
}
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something wrong in a condition: where, and what was expected."""

    path: Path
    """From the root of the detection."""
    what: Sentence
    of_key: bool = False


class SigmaWrong(Exception):
    """A condition that cannot be used."""

    def __init__(self, problems: list[Wrong]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(one.what for one in problems))


def compiled(category: str, detection: Any) -> Condition:
    """The predicate of a detection, whose leaves are texts, over facts of a category.

    Raises `SigmaWrong` with every problem."""
    typed = _Typed(FIELDS[category])
    whole = typed.detection(detection)
    if typed.problems:
        read = any(one.path[:1] == ("condition",) for one in typed.problems)
        raise SigmaWrong([*typed.problems, *(() if read else _condition_wrong(whole))])
    try:
        rule = SigmaRule.from_dict(
            {"title": "-", "logsource": {"product": "otmon"}, "detection": whole}, collect_errors=False
        )
        (condition,) = rule.detection.parsed_condition
        part = _predicate(condition.parsed, FIELDS[category])
        return Condition(part.holds, part.needs)
    except SigmaError as error:
        said = str(error).splitlines()[0]
        raise SigmaWrong([_no_condition(said)]) from error


def _condition_wrong(whole: dict[str, Any]) -> list[Wrong]:
    """What is wrong with the condition by itself, where its selections cannot be used."""
    stand_in: dict[str, Any] = {name: {"field": "value"} for name in whole}
    stand_in["condition"] = whole.get("condition")
    if not stand_in["condition"] or len(stand_in) == 1:
        return []
    try:
        rule = SigmaRule.from_dict(
            {"title": "-", "logsource": {"product": "otmon"}, "detection": stand_in}, collect_errors=False
        )
        for condition in rule.detection.parsed_condition:
            _ = condition.parsed
    except SigmaError as error:
        said = str(error).splitlines()[0]
        return [_no_condition(said)]
    return []


def _quoted(text: str) -> str:
    # Only where there is an error: it loads the parser that knows lines.
    from otmon.zones.files.document import quoted

    return quoted(text)


def _no_condition(said: str) -> Wrong:
    return Wrong(("condition",), sentence("{said}, expected a condition of Sigma", said=said))


def _unfit(value: str, expected: Sentence) -> Sentence:
    return sentence("{found} does not fit here, expected {expected}", found=_quoted(value), expected=expected)


class _Typed:
    """A detection with numbers and flags instead of texts, as pySigma wants it, and what is wrong."""

    def __init__(self, fields: dict[str, Field]) -> None:
        self.fields = fields
        self.problems: list[Wrong] = []
        self._values = 0

    def detection(self, content: Any) -> dict[str, Any]:
        if not isinstance(content, dict):
            self._say((), sentence("no detection, expected a mapping of selections and a `condition`"))
            return {}
        found: dict[str, Any] = {}
        for name, selection in content.items():
            if name == "condition":
                found[name] = self._condition(selection)
            elif name == "timeframe":
                what = sentence(
                    "`timeframe` is not supported, expected selections and a condition on one fact"
                )
                self._say((name,), what, of_key=True)
            else:
                found[name] = self._selection((name,), selection)
        if "condition" not in content:
            self._say((), sentence("condition is missing, expected one such as `selection and not filter`"))
        if self._values > MAX_VALUES:
            what = sentence("{count} values, expected at most {most}", count=self._values, most=MAX_VALUES)
            self._say((), what)
        return found

    def _condition(self, content: Any) -> str:
        if not isinstance(content, str) or not content.strip():
            self._say(("condition",), sentence("expected one condition as a text"))
            return ""
        depth = max(accumulate((c == "(") - (c == ")") for c in content))
        if len(content) > MAX_CONDITION or depth > MAX_NESTING or content.split().count("not") > MAX_NESTING:
            what = sentence(
                "the condition is too long or too deep, expected at most {most} characters, and {nesting} "
                "parentheses or `not`",
                most=MAX_CONDITION, nesting=MAX_NESTING,
            )  # fmt: skip
            self._say(("condition",), what)
        return content

    def _selection(self, path: Path, content: Any) -> Any:
        if isinstance(content, dict) and content:
            return {key: self._item(path, key, value) for key, value in content.items()}
        if isinstance(content, list) and content and all(isinstance(one, dict) and one for one in content):
            return [self._selection((*path, number), one) for number, one in enumerate(content)]
        what = sentence(
            "expected fields and their values, or a list of such mappings: facts have no free text"
        )
        self._say(path, what)
        return {}

    def _item(self, path: Path, key: str, content: Any) -> Any:
        place = (*path, key)
        name, *modifiers = key.split("|")
        field = self.fields.get(name)
        if field is None:
            from otmon.zones.files.entry import nearest  # it loads pydantic: a third of a second

            what = sentence(
                "unknown field {field}, expected {expected}",
                field=_quoted(name), expected=nearest(name, self.fields),
            )  # fmt: skip
            self._say(place, what, of_key=True)
            return []
        allowed = MODIFIERS[field.kind]
        for modifier in modifiers:
            if modifier not in allowed:
                what = sentence(
                    "modifier {modifier} is not supported for {field}, expected {expected}",
                    modifier=_quoted(modifier), field=name, expected=", ".join(allowed),
                )  # fmt: skip
                self._say(place, what, of_key=True)
        if len(set(modifiers)) < len(modifiers):
            self._say(place, sentence("a modifier stands twice, expected it once"), of_key=True)
        values = content if isinstance(content, list) else [content]
        if not values:
            self._say(place, sentence("an empty list, expected at least one value"))
        self._values += len(values)
        typed = [
            self._value((*place, number) if isinstance(content, list) else place, field, modifiers, value)
            for number, value in enumerate(values)
        ]
        return typed if isinstance(content, list) else typed[0]

    def _value(self, path: Path, field: Field, modifiers: list[str], value: Any) -> Any:
        if value is None:
            if modifiers:
                self._say(path, sentence("null with a modifier, expected a value"))
            return None
        if not isinstance(value, str):
            self._say(path, sentence("expected a single value"))
        elif len(value) > MAX_PATTERN:
            what = sentence(
                "a value of {count} characters, expected at most {most}", count=len(value), most=MAX_PATTERN
            )
            self._say(path, what)
        elif "exists" in modifiers or field.kind == "flag":
            if value not in _FLAGS:
                self._say(path, _unfit(value, sentence("true or false")))
            return _FLAGS.get(value)
        elif field.kind == "number":
            number = value.removeprefix("-")
            if number.isascii() and number.isdecimal() and len(number) <= 19:
                return int(value)
            self._say(path, _unfit(value, sentence("a whole number")))
        elif "cidr" in modifiers and parse_network(value) is None:
            self._say(path, _unfit(value, sentence("a prefix such as 10.1.0.0/16")))
        elif "re" in modifiers:
            try:
                _pattern(value, cased=True)
            except re2.error as error:
                said = error.args[0] if error.args else ""
                told = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
                what = sentence(
                    "the pattern {pattern} cannot be used ({why}), expected a regular expression of RE2",
                    pattern=_quoted(value), why=told,
                )  # fmt: skip
                self._say(path, what)
        return value

    def _say(self, path: Path, what: Sentence, *, of_key: bool = False) -> None:
        self.problems.append(Wrong(path, what, of_key))


Test = Callable[[Value], bool]
ANSWERS: Final = 256
"""Values of a field whose answers are kept for each comparison."""


Holds = Callable[[Seen], bool]


class _Part(NamedTuple):
    """A part of a condition."""

    cost: int
    """About what asking it costs: `_COST` of its fields."""
    holds: Holds
    needs: tuple[Question, ...] = ()
    """As in `Condition`."""
    alone: bool = False
    """There is one question, and it is all of it."""


_COST: Final[dict[Kind, int]] = {"number": 1, "text": 2, "flag": 3, "texts": 8, "address": 8}
"""Addresses and names are many, so that the kept answers rarely have them; a flag decides half of them."""


def _predicate(node: Any, fields: dict[str, Field]) -> _Part:
    if isinstance(node, ConditionOR):
        leaves = [one for one in node.args if isinstance(one, ConditionFieldEqualsValueExpression)]
        if len(leaves) == len(node.args) and len({one.field for one in leaves}) == 1:
            field = fields[leaves[0].field]
            return _asked(field, [_test(field, one.value) for one in leaves])
    if isinstance(node, ConditionAND | ConditionOR):
        # What is cheap to ask first: most facts are decided by it.
        parts = sorted((_predicate(one, fields) for one in node.args), key=lambda one: one.cost)
        joined = _both if isinstance(node, ConditionAND) else _either
        whole = reduce(lambda later, one: joined(one, later), reversed([one.holds for one in parts]))
        needs = [asked for one in parts for asked in one.needs] if isinstance(node, ConditionAND) else []
        return _Part(sum(one.cost for one in parts), whole, tuple(needs))
    if isinstance(node, ConditionNOT):
        part = _predicate(node.args[0], fields)
        return _Part(part.cost, lambda seen: not part.holds(seen), _denied(part), part.alone)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        field = fields[node.field]
        return _asked(field, [_test(field, node.value)])
    what = sentence("{kind} cannot be evaluated, expected fields", kind=type(node).__name__)
    raise SigmaWrong([Wrong(("condition",), what)])


def _denied(part: _Part) -> tuple[Question, ...]:
    """What is needed for a part not to hold, where that is one question."""
    if not part.alone:
        return ()
    (asked,) = part.needs
    return (Question(asked.field, lambda value: not asked.taken(value)),)


def _both(one: Holds, other: Holds) -> Holds:
    return lambda seen: one(seen) and other(seen)


def _either(one: Holds, other: Holds) -> Holds:
    return lambda seen: one(seen) or other(seen)


def _asked(field: Field, tests: Sequence[Test]) -> _Part:
    """Whether a field has a value that one of the tests takes. A few values come again and again: the
    answers for the last ones are kept."""
    read = field.read

    @lru_cache(maxsize=ANSWERS, typed=True)
    def taken(value: Value) -> bool:
        found = field.told(value)
        return any(test(found) for test in tests)

    return _Part(_COST[field.kind], lambda seen: taken(read(seen)), (Question(field, taken),), alone=True)


def _test(field: Field, value: Any) -> Test:
    """One comparison of a field's value. What the fact lacks equals nothing but null."""
    if isinstance(value, SigmaNull):
        return lambda found: found is None
    if isinstance(value, SigmaExists):
        return lambda found: (found is not None) == value.exists
    if isinstance(value, SigmaBool):
        return lambda found: found is value.boolean
    if isinstance(value, SigmaNumber):
        return lambda found: found == value.number
    if isinstance(value, SigmaCompareExpression):
        holds, bound = _COMPARE[value.op], value.number.number
        return lambda found: isinstance(found, int) and bool(holds(found, bound))
    if isinstance(value, SigmaCIDRExpression):
        return _inside(value)
    if isinstance(value, SigmaRegularExpression):
        pattern = _pattern(value.regexp.original, cased=True)
        return lambda found: any(pattern.search(text) for text in _texts(found))
    if isinstance(value, SigmaString):
        return _equal(value, field.named)
    what = sentence(
        "{kind} of {field} cannot be evaluated, expected a plain value",
        kind=type(value).__name__, field=field.name,
    )  # fmt: skip
    raise SigmaWrong([Wrong(("condition",), what)])


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, tuple) else ()


def _inside(value: SigmaCIDRExpression) -> Test:
    bits, length = value.network.max_prefixlen, value.network.prefixlen
    network = Network(bits, length, int(value.network.network_address) >> (bits - length))
    return lambda found: any(address in network for address in map(parse_address, _texts(found)) if address)


def _equal(value: SigmaString, named: Callable[[str], str]) -> Test:
    cased = isinstance(value, SigmaCasedString)
    if any(isinstance(part, SpecialChars) for part in value.s):
        pattern = _pattern("(?s)" + "".join(_escaped(value)), cased=cased)
        return lambda found: any(pattern.fullmatch(text) for text in _texts(found))
    plain = "".join(map(str, value.s))
    if cased:
        return lambda found: plain in _texts(found)
    meant = named(plain)
    return lambda found: any(named(text) == meant for text in _texts(found))


def _escaped(value: SigmaString) -> Iterator[str]:
    for part in value.s:
        if part is SpecialChars.WILDCARD_MULTI:
            yield ".*"
        elif part is SpecialChars.WILDCARD_SINGLE:
            yield "."
        else:
            yield re2.escape(str(part))


def _pattern(text: str, *, cased: bool) -> Any:
    """A pattern compiled by RE2. Raises `re2.error`."""
    options = re2.Options()
    options.max_mem = PATTERN_BYTES
    options.case_sensitive = cased
    options.log_errors = False
    return re2.compile(text, options)
