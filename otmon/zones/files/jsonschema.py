"""The shape of a model file as a JSON Schema, for editors that complete and check its keys."""

from __future__ import annotations

from typing import Any, Final

from otmon.zones.files.schema import (
    AssetForm,
    BoundaryForm,
    ExceptionForm,
    FileForm,
    Form,
    LineForm,
    PermissionForm,
    ProtectedForm,
    SiteForm,
    WorkForm,
    ZoneForm,
)

_LISTS: Final[dict[str, type[Form]]] = {
    "zones": ZoneForm,
    "boundaries": BoundaryForm,
    "assets": AssetForm,
    "sites": SiteForm,
    "lines": LineForm,
    "works": WorkForm,
    "protected": ProtectedForm,
}
_TOLD: Final = {
    "ZoneForm": "Work of equal importance that needs the same level of protection, and the hosts that do it.",
    "BoundaryForm": "The only way between two zones; what is not under allow may not cross.",
    "PermissionForm": "What may pass, from client to server; what is left out does not restrict.",
    "ExceptionForm": "A permission for a time, which says until when, why, and who answers for it.",
    "AssetForm": "A device that is authorised to be there.",
    "SiteForm": "A site of the company: a factory, an office.",
    "LineForm": "A production line.",
    "WorkForm": "Work that the plant does, and how important it is.",
    "ProtectedForm": "Something to protect: the works that need it, the devices that hold it.",
    "LimitForm": "Values that may be written to one coil or register, as quantities.",
    "MemberForm": "Hosts by address or prefix, MAC address, vendor, tag of assets, and VLAN.",
    "NameForm": "A name in both languages.",
}


def json_schema() -> dict[str, Any]:
    """The shape of a model file as a JSON Schema (draft 2020-12), for editors. It tells keys and choices;
    what their texts may hold and what they refer to is checked by `otmon.zones.files.load`."""
    definitions: dict[str, Any] = {}
    forms: tuple[type[Form], ...] = (*_LISTS.values(), PermissionForm, ExceptionForm)
    for form in forms:
        schema = form.model_json_schema(by_alias=True)
        definitions |= schema.pop("$defs", {}) | {form.__name__: schema}
    for name, told in _TOLD.items():
        definitions[name]["description"] = told
    for name in ("ZoneForm", "BoundaryForm"):
        definitions[name]["properties"]["allow"] = _array_of("PermissionForm")
    definitions["BoundaryForm"]["properties"]["exceptions"] = _array_of("ExceptionForm")
    definitions["ExceptionForm"]["required"] += ["expires", "reason", "approver"]
    root = FileForm.model_json_schema()
    root["description"] = "A zone model of otmon: one file, or one of several in a folder."
    root["properties"] |= {key: _array_of(form.__name__) for key, form in _LISTS.items()}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **without_noise(root), "$defs": without_noise(definitions)}


def _array_of(form: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{form}"}}


def without_noise(schema: Any) -> Any:
    """Less what no editor needs: titles made of keys, defaults, and the null of keys that may be absent."""
    if isinstance(schema, list):
        return [without_noise(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: without_noise(value)
        for key, value in schema.items()
        if key != "default" and not (key == "title" and isinstance(value, str))
    }
    options = found.get("anyOf", [])
    return found if len(options) != 1 else {k: v for k, v in found.items() if k != "anyOf"} | options[0]
