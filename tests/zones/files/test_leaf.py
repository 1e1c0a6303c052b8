from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from otmon.zones.files.leaf import Leaf, OneOrMore, Short, described, wrong

Number = Annotated[int, Leaf("a number", lambda text: int(text) if text.isdecimal() else None)]


class Form(BaseModel):
    numbers: Annotated[tuple[Number, ...], OneOrMore()]


class Outer(BaseModel):
    inner: Annotated[Form, Short("a number", lambda text: {"numbers": [text]})]


@pytest.mark.parametrize(("given", "found"), [("7", (7,)), (["7", " 8 "], (7, 8))])
def test_one_value_or_a_list(given: object, found: tuple[int, ...]) -> None:
    assert Form.model_validate({"numbers": given}).numbers == found


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("x", "'x' does not fit here, expected a number"),
        ([], "an empty list"),
        (None, "an empty value does not fit here"),
        ([["7"]], "a list does not fit here"),
        ({"a": "b"}, "a mapping does not fit here"),
    ],
)
def test_what_does_not_fit_says_what_was_expected(given: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Form.model_validate({"numbers": given})


def test_a_text_stands_for_a_mapping() -> None:
    assert Outer.model_validate({"inner": "9"}).inner.numbers == (9,)


def test_words_of_errors() -> None:
    assert str(wrong("this and that")) == "this and that"
    assert [described(value) for value in ("a", None, [], {}, 3)] == [
        "'a'", "an empty value", "a list", "a mapping", "this value",
    ]  # fmt: skip
