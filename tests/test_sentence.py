"""Sentences in English that remember what they were made of."""

from __future__ import annotations

import pytest

from otmon.sentence import Complaint, both, either, placed, sentence, verbatim


def test_a_sentence_is_its_english_text() -> None:
    made = sentence("no zone {id}, expected {expected}", id="'a'", expected=either(["b", "c"]))
    assert made == "no zone 'a', expected b or c" and isinstance(made, str)
    assert made.form == "no zone {id}, expected {expected}"
    assert made.parts == {"id": "'a'", "expected": "b or c"}


def test_lists_and_numbers_are_parts() -> None:
    assert sentence("{count} of {names}", count=2, names=("a", "b")) == "2 of a, b"
    assert both(["a"]) == either(["a"]) == "a"
    assert both(["a", "b", "c"]) == "a, b and c"


def test_what_stands_in_a_part_is_no_form() -> None:
    made = sentence("{text} is no prefix", text="{0.__class__}{x!r}")
    assert made == "{0.__class__}{x!r} is no prefix"
    assert placed("{place}", verbatim("{text}")) == "{place}: {text}"


def test_a_form_without_its_part_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        sentence("{text} is no prefix")


def test_a_complaint_says_its_sentence() -> None:
    why = sentence("no address")
    with pytest.raises(Complaint, match=r"^no address$") as caught:
        raise Complaint(why)
    assert caught.value.why is why
