"""What vendors mostly make."""

from __future__ import annotations

import lzma
import re
from typing import get_args

import pytest

from otmon.assets.makers import FILE as TABLE
from otmon.assets.makers import DeviceClass, made_by, makers, read_makers
from otmon.assets.vendor import FILE, read_vendors

NAMES = {
    name
    for block in read_vendors(lzma.decompress(FILE.read_bytes()).decode()).values()
    for name in block.values()
}


@pytest.mark.parametrize(
    ("vendor", "first"),
    [
        ("Siemens AG", "controller"),
        ("FANUC CORPORATION", "controller"),
        ("YAMAHA CORPORATION", "router"),
        ("Espressif Inc.", "iot-device"),
        ("Zebra Technologies Inc", "printer"),
        ("Dell Inc.", "hmi"),
        ("TOSHIBA TEC CORPORATION", "printer"),
        # A word within a word is another word.
        ("Pineapple Ltd", None),
        ("Somebody", None),
        ("", None),
    ],
)
def test_a_name_tells_what_its_owner_makes(vendor: str, first: str | None) -> None:
    assert next(iter(made_by(vendor)), None) == first


@pytest.mark.parametrize("words", makers())
def test_every_entry_is_a_vendor_of_the_list_and_names_classes(words: str) -> None:
    assert words == words.casefold()
    assert makers()[words] and set(makers()[words]) <= set(get_args(DeviceClass))
    assert any(re.search(rf"\b{re.escape(words)}\b", name.casefold()) for name in NAMES), words


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("words: [siemens,", "words: [siemens, siemens,", "'siemens' stands there twice"),
        ("words: [siemens,", "words: [Siemens,", "not in small letters"),
        ("classes: [router]", "classes: [robot]", "unknown class 'robot'"),
        ('examples: ["Dell Inc."]', 'examples: ["Cisco"]', "the example 'Cisco'"),
    ],
)
def test_a_table_that_is_wrong_stops_the_program(old: str, new: str, problem: str) -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert read_makers(text.encode()) == makers() and old in text
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_makers(text.replace(old, new).encode())
