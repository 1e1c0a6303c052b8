"""Devices for other programs. The schemas in `cyclonedx/` are those of the specification, version 1.6 (Apache
License 2.0)."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from otmon.assets.classify import population
from otmon.findings.wording import Language
from otmon.ledger.facts import AssetClaim, Evidence
from otmon.ledger.merge import collect
from otmon.outputs.asset_export import (
    COLUMNS,
    asset_id,
    device_rows,
    devices_csv,
    devices_cyclonedx,
    devices_json,
)
from otmon.zones.files.inventory import inventory_document
from otmon.zones.files.load import read_model
from otmon.zones.files.text import read_id
from tests.assets.population import HMI, PHONE, PLANT, PLC, SENDERS, here
from tests.zones.facts import asset

SCHEMAS = Path(__file__).with_name("cyclonedx")


def schema() -> jsonschema.Draft7Validator:
    read: dict[str, Any] = {
        path.name.removesuffix(".xz"): json.loads(lzma.decompress(path.read_bytes()))
        for path in SCHEMAS.glob("*.xz")
    }
    registry: Registry[Any] = Registry()
    for name, content in read.items():
        one = Resource.from_contents(content)
        registry = registry.with_resources(
            [(name, one), (f"http://cyclonedx.org/schema/{name}", one), (content["$id"], one)]
        )
    whole = read["bom-1.6.SNAPSHOT.schema.json"]
    return jsonschema.Draft7Validator(whole, registry=registry, format_checker=jsonschema.FormatChecker())


def test_cyclonedx_holds_to_the_published_schema_and_says_the_same_each_time() -> None:
    found, index = here()
    data = devices_cyclonedx(found.devices, index, "1.2")
    assert data == devices_cyclonedx(found.devices, index, "1.2")
    document = json.loads(data)
    schema().validate(document)
    assert document["specVersion"] == "1.6" and document["serialNumber"].startswith("urn:uuid:")
    assert [one["bom-ref"] for one in document["components"]] == ["hmi-1", "plc-1", "mac-f61d92c4083b"]
    assert {one["type"] for one in document["components"]} == {"device"}
    plc = document["components"][1]
    assert plc["name"] == "Mixing PLC" and plc["manufacturer"] == {"name": "Siemens"}
    assert {"name": "otmon:zone", "value": "cell"} in plc["properties"]


def test_the_serial_number_is_that_of_the_content() -> None:
    found, index = here()
    other, _ = here(asset(PHONE, "10.1.0.9", packets=2, last_ns=9))
    numbers = {
        json.loads(devices_cyclonedx(devices, index, "1.2"))["serialNumber"]
        for devices in (found.devices, other.devices, ())
    }
    assert len(numbers) == 3


@pytest.mark.parametrize(("last_ns", "timed"), [(8, True), (1 << 70, False)])
def test_a_time_beyond_the_calendar_is_left_out(last_ns: int, timed: bool) -> None:
    found, index = here(asset(PHONE, "10.1.0.9", last_ns=last_ns))
    document = json.loads(devices_cyclonedx(found.devices, index, "1.2"))
    schema().validate(document)
    assert ("timestamp" in document["metadata"]) == timed


def test_firmware_and_operating_systems_are_parts_of_their_device() -> None:
    told = (("firmware", "V2.6", "modbus"), ("firmware", "V2.6", "snmp"), ("system", "Windows 5.1", "smb"))
    claims = [
        AssetClaim(PLC, "10.1.0.1", "", kind, value, protocol, 1, 1, 1, Evidence(1, "a", 1, 0))
        for kind, value, protocol in told
    ]
    ledger = collect(assets=SENDERS, claims=claims)  # type: ignore[arg-type]
    document = json.loads(devices_cyclonedx(population(ledger, PLANT).devices, None, "1.2"))
    schema().validate(document)
    parts = {one["bom-ref"]: one.get("components") for one in document["components"]}
    assert parts == {
        "hmi-1": None,
        "mac-f61d92c4083b": None,
        "plc-1": [
            {"type": "firmware", "bom-ref": "plc-1/1", "name": "firmware", "version": "V2.6",
             "properties": [{"name": "otmon:said-by", "value": name} for name in ("modbus", "snmp")]},
            {"type": "operating-system", "bom-ref": "plc-1/2", "name": "Windows 5.1",
             "properties": [{"name": "otmon:said-by", "value": "smb"}]},
        ],
    }  # fmt: skip


def test_the_schema_refuses_what_is_no_document() -> None:
    document = json.loads(devices_cyclonedx(here()[0].devices, None, "1.2"))
    document["components"][0]["type"] = "gadget"
    with pytest.raises(jsonschema.ValidationError):
        schema().validate(document)


def test_json_has_all_that_is_told() -> None:
    found, index = here()
    rows = json.loads(devices_json(found.devices, index))
    assert rows == device_rows(found.devices, index)
    phone = rows[-1]
    assert phone["id"] == PHONE and not phone["in_inventory"] and phone["zones"] == ["cell"]
    assert phone["classes"] == ["phone"] and phone["sureness"] == "likely"
    assert [one["signal"] for one in phone["signals"]] == ["random-mac", "uses-outside"]
    assert phone["macs"] == [{"mac": PHONE, "kind": "local", "vendor": ""}]
    assert phone["addresses"][0]["evidence"]["packet"] == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_sheet_is_an_inventory(language: Language) -> None:
    found, index = here(asset(PLC, "10.1.0.1"), asset(HMI, "10.3.0.2"), asset(PHONE, "10.1.0.9"))
    data = devices_csv(found.devices, index, language)
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == 4
    head = data.decode("utf-8-sig").splitlines()[0]
    assert head.startswith(",".join(column[language == "ja"] for column in COLUMNS[:8]))
    assert not inventory_document("devices.csv", data).problems
    text = (
        "inventory: devices.csv\n"
        "zones:\n- {id: cell, importance: high, members: 10.1.0.0/24}\n"
        "- {id: office, importance: low, members: 10.3.0.0/24}\n"
    )
    read = read_model([("m.yaml", text.encode())], frozenset({"modbus"}), lambda file, name: data)
    assert {one.id for one in read.devices} == {"plc-1", "mac-0001fc0b0110", "mac-f61d92c4083b"}
    assert {one.zone for one in read.devices} == {"cell", "office"}


@pytest.mark.parametrize(
    ("sender", "id"),
    [
        (asset(PHONE, "10.1.0.9"), "mac-f61d92c4083b"),
        (asset("", "10.1.0.9"), "ip-10-1-0-9"),
        (asset("", "fd00::9"), "ip-fd00--9"),
        (asset("", "fd00::"), "ip-fd00"),
        (asset(PLC, "10.1.0.1"), "plc-1"),
    ],
)
def test_an_id_is_one_that_an_inventory_may_use(sender: Any, id: str) -> None:
    (device,) = here(sender)[0].devices
    assert asset_id(device) == id == read_id(id)
