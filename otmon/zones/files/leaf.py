"""What the leaves of a model file have in common: texts that are read, one value or a list, short forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from otmon.sentence import Sentence, sentence
from otmon.zones.files.document import quoted


def wrong(what: Sentence) -> PydanticCustomError:
    """An error of ours inside a validator; its context holds the sentence."""
    return PydanticCustomError("model", "{what}", {"what": what})


def described(value: object) -> str:
    """A value of the file for an error message."""
    if isinstance(value, str):
        return quoted(value)
    return _KINDS.get(type(value), sentence("this value"))


_KINDS: Final[dict[type, Sentence]] = {
    type(None): sentence("an empty value"),
    list: sentence("a list"),
    dict: sentence("a mapping"),
}


def unfit(value: object, expected: Sentence) -> Sentence:
    """That a value does not fit where it stands."""
    return sentence(
        "{found} does not fit here, expected {expected}", found=described(value), expected=expected
    )


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text, read by `read`, which gives None for a text that it cannot take."""

    expected: Sentence
    read: Callable[[str], object]
    choices: tuple[str, ...] = ()
    """All texts that it takes, where they are few."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # A bare number in YAML is a number to an editor and a text to us; so are true and false.
        kind: JsonSchemaValue = {"type": ["string", "number"], "description": self.expected}
        choices = [*self.choices, *(_BARE[one] for one in self.choices if one in _BARE)]
        return {"enum": choices, "description": self.expected} if choices else kind

    def _check(self, value: object) -> object:
        result = self.read(value.strip()) if isinstance(value, str) else None
        if result is None:
            raise wrong(unfit(value, self.expected))
        return result


_BARE: Final[dict[str, bool | float]] = {
    "true": True,
    "false": False,
    **{str(number): number for number in (0, 1, 2, 3, 3.5, 4, 5)},
}
"""Texts that an editor takes for something else when they stand bare."""


class OneOrMore:
    """One value or a list of them, which is not empty."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema) | {"minItems": 1}
        return {"anyOf": [many["items"], many]}

    @staticmethod
    def _as_list(value: object) -> object:
        if value == []:
            raise wrong(sentence("an empty list, expected at least one entry, or leave the key out"))
        return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Short:
    """A text that stands for a mapping."""

    expected: Sentence
    long: Callable[[str], object]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._as_mapping, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "description": self.expected}, handler(schema)]}

    def _as_mapping(self, value: object) -> object:
        return self.long(value) if isinstance(value, str) else value


EXPECTED: Final[Mapping[str, Sentence]] = {
    "zones": sentence("a list of zones"),
    "boundaries": sentence("a list of boundaries"),
    "members": sentence("a list of members"),
    "allow": sentence("a list of permissions"),
    "between": sentence("a list of two zone ids"),
    "name": sentence("a text or a mapping with ja and en"),
    "id": sentence("an id"),
    "ja": sentence("the name in Japanese"),
    "en": sentence("the name in English"),
    "importance": sentence("大, 中, 小 or high, medium, low"),
    "protocol": sentence("a protocol id, a list of them, or any"),
    "limits": sentence("a list of limits"),
    "assets": sentence("a list of assets"),
    "inventory": sentence("the name of a sheet beside this file, or a list of them"),
    "exceptions": sentence("a list of exceptions"),
    "sites": sentence("a list of sites"),
    "lines": sentence("a list of production lines"),
    "works": sentence("a list of works"),
    "protected": sentence("a list of what is protected"),
    "hours": sentence("hours such as mon-fri 08:00-18:00, or a list of them"),
    "during": sentence("a window such as 2026-04-18 22:00 to 2026-04-19 05:00, or a list of them"),
    "low": sentence("the smallest quantity that may be written"),
    "high": sentence("the largest quantity that may be written"),
}
"""What a key wants, for errors about its structure or its absence."""
