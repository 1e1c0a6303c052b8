from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from otmon.ledger.facts import Operation
from otmon.zones.files.jsonschema import json_schema
from otmon.zones.files.schema import (
    AssetForm,
    BoundaryForm,
    LimitForm,
    LineForm,
    MemberForm,
    PermissionForm,
    ProtectedForm,
    SiteForm,
    WorkForm,
    ZoneForm,
)
from tests.zones.facts import model

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"


def test_the_published_schema_is_the_programs(request: pytest.FixtureRequest) -> None:
    path = DOCS / "zone-model.schema.json"
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--regenerate"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "`make goldens` writes it anew"


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    schema = json_schema()
    used = set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema)))
    assert used == set(schema["$defs"])


@pytest.mark.parametrize(
    ("form", "name", "more"),
    [
        (ZoneForm, "ZoneForm", {"allow"}),
        (BoundaryForm, "BoundaryForm", {"allow", "exceptions"}),
        (PermissionForm, "PermissionForm", set()),
        (MemberForm, "MemberForm", set()),
        (LimitForm, "LimitForm", set()),
        (AssetForm, "AssetForm", set()),
        (SiteForm, "SiteForm", set()),
        (LineForm, "LineForm", set()),
        (WorkForm, "WorkForm", set()),
        (ProtectedForm, "ProtectedForm", set()),
    ],
)
def test_the_schema_has_every_key_and_no_other(form: Any, name: str, more: set[str]) -> None:
    keys = {field.alias or key for key, field in form.model_fields.items()}
    definition = json_schema()["$defs"][name]
    assert set(definition["properties"]) == keys | more
    assert definition["additionalProperties"] is False
    assert set(definition.get("required", [])) == {
        field.alias or key for key, field in form.model_fields.items() if field.is_required()
    }


def test_access_classes_are_those_of_the_facts() -> None:
    permission = json_schema()["$defs"]["PermissionForm"]["properties"]["access"]
    one, many = permission["anyOf"]
    assert one == many["items"]
    assert Operation.__annotations__["access"] == "AccessClass"
    assert set(one["enum"]) == {
        "read", "write", "control", "program", "configure", "diagnose", "identify", "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bare", ["level: 3", "level: 3.5", "level: '0'", "flat: true", "flat: 'false'", "sl_t: 2"]
)
def test_what_stands_bare_is_no_error_in_an_editor(bare: str) -> None:
    text = f"zones: [{{id: a, importance: low, members: 10.0.0.0/8, {bare}}}]"
    model(f"version: 1\n{text}")
    jsonschema.validate({"version": 1, **YAML(typ="safe").load(text)}, json_schema())
