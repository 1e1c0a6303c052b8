"""Devices for other programs: JSON, a sheet that is an inventory, and CycloneDX 1.6.

References: CycloneDX Specification 1.6 (ECMA-424), https://cyclonedx.org/docs/1.6/json/: `component` of type
`device`, `metadata.timestamp` (RFC 3339), `serialNumber` (RFC 4122). The serial number is made from what
the document says, and the time is that of the last packet, so that the same facts give the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from otmon.assets.classify import Device
from otmon.assets.fingerprints import shipped_fingerprints
from otmon.assets.makers import DeviceClass
from otmon.assets.place import NOWHERE, zones_of
from otmon.assets.vendor import vendor_of
from otmon.findings.wording import Language, text
from otmon.outputs.asset_table import classes_text, signal_text, vendor_texts
from otmon.outputs.instant import short_text, utc_text
from otmon.zones.files.workbook import write_csv
from otmon.zones.place import Index

COLUMNS: Final = (
    ("id", "資産ID"),
    ("name_ja", "名称"),
    ("name_en", "英語名"),
    ("address", "IPアドレス"),
    ("mac", "MACアドレス"),
    ("vendor", "メーカー"),
    ("role", "役割"),
    ("zone", "ゾーン"),
    ("in inventory", "台帳にあり"),
    ("probably", "推定される種類"),
    ("how sure", "確度"),
    ("signals", "根拠"),
    ("more MAC addresses", "その他のMACアドレス"),
    ("vlan", "VLAN"),
    ("behind router", "経由ルータ"),
    ("first seen (UTC)", "初回 (UTC)"),
    ("last seen (UTC)", "最終 (UTC)"),
    ("packets", "パケット数"),
    ("host names", "ホスト名"),
    ("says of itself", "機器自身の情報"),
    ("operating system", "OS"),
    ("supported until", "サポート終了日"),
)
"""English and Japanese headings. The first eight are an inventory's (`otmon.zones.files.inventory`)."""
PARTS: Final[Mapping[str, str]] = {"firmware": "firmware", "system": "operating-system"}
"""Kinds of claims that are parts of a device -> their type in CycloneDX."""
ROLES: Final[dict[DeviceClass, str]] = {"controller": "plc"}
"""Classes that an inventory calls otherwise."""


def device_rows(devices: Sequence[Device], index: Index | None) -> list[dict[str, Any]]:
    """Each device as JSON: everything that `otmon assets show` tells, in English keys."""
    return [_row(device, index) for device in devices]


def devices_json(devices: Sequence[Device], index: Index | None) -> bytes:
    """A JSON array of `device_rows`."""
    return _document(device_rows(devices, index))


def devices_csv(devices: Sequence[Device], index: Index | None, language: Language) -> bytes:
    """A sheet for Excel (UTF-8 with its mark), which is an inventory as well: its first columns are those
    that `inventory:` of a zone model reads."""
    head = [column[language == "ja"] for column in COLUMNS]
    return write_csv([head, *(_cells(device, index, language) for device in devices)])


def devices_cyclonedx(devices: Sequence[Device], index: Index | None, version: str) -> bytes:
    """A CycloneDX 1.6 document with a component of type `device` for each; `version` is that of otmon."""
    components = [_component(device, index) for device in devices]
    last = utc_text(max((device.seen.last_ns for device in devices), default=0))
    body: dict[str, Any] = {
        "version": 1,
        "metadata": {
            # A broken clock may tell a time that no calendar holds.
            **({"timestamp": last} if last.endswith("Z") else {}),
            "tools": {"components": [{"type": "application", "name": "otmon", "version": version}]},
        },
        "components": components,
    }
    digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    return _document(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{serial}",
            **body,
        }
    )


def asset_id(device: Device) -> str:
    """An id that an inventory may use: its own, else `mac-` or `ip-` and digits."""
    seen = device.seen
    if seen.listed is not None:
        return seen.id
    kind = "mac" if seen.id in seen.macs else "ip"
    separated = seen.id.replace("@", "-vlan-").replace(".", "-").replace(":", "" if kind == "mac" else "-")
    return f"{kind}-{separated}".rstrip("-")


def _document(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def _row(device: Device, index: Index | None) -> dict[str, Any]:
    seen, probable = device.seen, device.probable
    return {
        "id": seen.id,
        "in_inventory": seen.listed is not None,
        "classes": list(probable.classes),
        "sureness": probable.sureness,
        "signals": [
            {
                "signal": one.key, "source": one.source, "supports": list(one.supports),
                "excludes": list(one.excludes), "against": one in probable.against,
                **dict(one.params), "evidence": _evidence(one.evidence),
            }
            for one in probable.signals
        ],
        "macs": [
            {"mac": mac, "kind": vendor.kind, "vendor": vendor.name}
            for mac in seen.macs
            if (vendor := vendor_of(mac)) is not None
        ],
        "addresses": [
            {
                "address": one.address, "vlan": one.vlan, "mac": one.mac, "packets": one.packets,
                "claimed_by_arp": one.claimed, "first": utc_text(one.first_ns), "last": utc_text(one.last_ns),
                "evidence": _evidence(one.evidence),
            }
            for one in seen.addresses
        ],
        "names": list(device.names),
        "system": _system(device),
        "claims": [
            {
                "kind": one.kind, "value": one.value, "protocol": one.protocol, "mac": one.mac,
                "address": one.address, "vlan": one.vlan, "times": one.times,
                "first": utc_text(one.first_ns), "last": utc_text(one.last_ns),
                "evidence": _evidence(one.evidence),
            }
            for one in device.claims
        ],
        "zones": list(zones_of(index, seen)) if index is not None else [],
        "behind_routers": list(seen.routers),
        "forwards": {"count": seen.forwarded, "addresses": list(seen.forwards)},
        "packets": seen.packets,
        "bytes": seen.bytes,
        "first": utc_text(seen.first_ns),
        "last": utc_text(seen.last_ns),
    }  # fmt: skip


def _system(device: Device) -> dict[str, Any] | None:
    """The operating system whose end of support is known."""
    found = shipped_fingerprints().system_of(device.claims)
    if found is None:
        return None
    return {"name": found[0].name, "supported_until": found[0].ends.isoformat(), "source": found[0].url}


def _evidence(evidence: Any) -> dict[str, Any]:
    return {
        "source": evidence.source, "packet": evidence.packet, "offset": evidence.offset,
        "time": utc_text(evidence.time_ns),
    }  # fmt: skip


def _cells(device: Device, index: Index | None, language: Language) -> list[str]:
    seen, probable = device.seen, device.probable
    zones = [zone for zone in zones_of(index, seen) if zone not in NOWHERE] if index is not None else []
    listed = seen.listed
    sure = probable.sureness in ("sure", "likely") and len(probable.classes) == 1
    roles = [ROLES.get(one, one) for one in probable.classes] if sure else []
    system = _system(device)
    yes = "○" if language == "ja" else "yes"
    return [
        asset_id(device),
        listed.name.ja if listed is not None else "",
        listed.name.en if listed is not None else "",
        ", ".join(seen.texts),
        seen.macs[0] if seen.macs else "",
        listed.vendor if listed is not None and listed.vendor else "; ".join(_made(seen.macs)),
        ", ".join(listed.roles if listed is not None else roles),
        zones[0] if len(zones) == 1 else "",
        yes if listed is not None else "",
        classes_text(probable, language),
        text(f"sureness.{probable.sureness}", language),
        "; ".join(signal_text(one, language) for one in probable.signals),
        ", ".join(seen.macs[1:]),
        ", ".join(filter(None, seen.vlans)),
        ", ".join(seen.routers),
        short_text(seen.first_ns),
        short_text(seen.last_ns),
        str(seen.packets),
        ", ".join(device.names),
        "; ".join(
            f"{text(f'claim.{one.kind}', language)}: {one.value} ({one.protocol})" for one in device.claims
        ),
        system["name"] if system is not None else "",
        system["supported_until"] if system is not None else "",
    ]


def _made(macs: Sequence[str]) -> list[str]:
    found = [vendor_of(mac) for mac in macs]
    return sorted({one.name for one in found if one is not None and one.kind == "universal" and one.name})


def _component(device: Device, index: Index | None) -> dict[str, Any]:
    seen, probable = device.seen, device.probable
    listed = seen.listed
    found: dict[str, Any] = {
        "type": "device",
        "bom-ref": asset_id(device),
        "name": listed.name.en if listed is not None else seen.id,
        "description": classes_text(probable, "en"),
    }
    makers = [listed.vendor] if listed is not None and listed.vendor else _made(seen.macs)
    if makers:
        found["manufacturer"] = {"name": makers[0]}
    if listed is not None and listed.model:
        found["version"] = listed.model
    inside = [*_inside(device)]
    if inside:
        found["components"] = inside
    properties = [
        ("in-inventory", "true" if listed is not None else "false"),
        *(("class", one) for one in probable.classes),
        ("sureness", probable.sureness),
        *(("signal", signal_text(one, "en")) for one in probable.signals),
        *(("mac", mac) for mac in seen.macs),
        *(("mac-vendor", told) for told in vendor_texts(seen.macs, "en")),
        *(("host-name", one) for one in device.names),
        *((f"says-{one.kind}", one.value) for one in device.claims if one.kind != "name"),
        *(("address", one) for one in seen.texts),
        *(("vlan", one) for one in seen.vlans if one),
        *(("zone", one) for one in (zones_of(index, seen) if index is not None else ())),
        *(("behind-router", one) for one in seen.routers),
        ("first-seen", utc_text(seen.first_ns)),
        ("last-seen", utc_text(seen.last_ns)),
    ]
    found["properties"] = [{"name": f"otmon:{name}", "value": value} for name, value in properties]
    return found


def _inside(device: Device) -> Iterator[dict[str, Any]]:
    """The firmware and operating systems that a device names, each once, with the protocols that told it."""
    told: dict[tuple[str, str], set[str]] = {}
    for claim in device.claims:
        if claim.kind in PARTS:
            told.setdefault((claim.kind, claim.value), set()).add(claim.protocol)
    for number, ((kind, value), protocols) in enumerate(sorted(told.items()), 1):
        one: dict[str, Any] = {"type": PARTS[kind], "bom-ref": f"{asset_id(device)}/{number}"}
        one |= {"name": "firmware", "version": value} if kind == "firmware" else {"name": value}
        one["properties"] = [{"name": "otmon:said-by", "value": protocol} for protocol in sorted(protocols)]
        yield one
