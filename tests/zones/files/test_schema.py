from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from otmon.zones.files.leaf import described
from otmon.zones.files.load import read_model
from otmon.zones.files.schema import (
    AssetForm,
    BoundaryForm,
    FileForm,
    LimitForm,
    LineForm,
    MemberForm,
    PermissionForm,
    ProtectedForm,
    SiteForm,
    WorkForm,
    ZoneForm,
    wrong,
)
from tests.zones.facts import PROTOCOLS

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"


@pytest.mark.parametrize(
    "form",
    [
        FileForm,
        ZoneForm,
        BoundaryForm,
        PermissionForm,
        LimitForm,
        MemberForm,
        AssetForm,
        SiteForm,
        LineForm,
        WorkForm,
        ProtectedForm,
    ],
)
def test_the_document_explains_every_key(form: Any) -> None:
    cells = re.findall(r"^\| (`.*?`) \|", (DOCS / "zone-model.md").read_text(encoding="utf-8"), re.M)
    explained = set(re.findall(r"`(\w+)`", " ".join(cells)))
    assert {field.alias or key for key, field in form.model_fields.items()} <= explained


def test_the_model_in_the_document_is_one() -> None:
    text = (DOCS / "zone-model.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    assert blocks
    for block in blocks:
        assert read_model([("zone-model.md", block.encode())], PROTOCOLS).boundaries


def test_values_in_messages_are_short_and_escaped() -> None:
    assert described("a\x1b[2J\n") == r"'a\x1b[2J\n'"
    assert len(described("x" * 10_000)) < 80
    assert [described(value) for value in (None, [1], {"a": 1}, 5)] == [
        "an empty value", "a list", "a mapping", "this value",
    ]  # fmt: skip
    assert str(wrong("a {b} c")) == "a {b} c"
