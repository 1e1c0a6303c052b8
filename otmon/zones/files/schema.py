"""What a model file may say: one pydantic form per kind of entry, all leaves given as text.

A form checks one entry by itself and turns its texts into numbers; what needs a second entry (does
this zone exist?) is for `otmon.zones.files.load`. Wherever several values make sense, one value or a list
is accepted. Each message reads "what is wrong, expected what".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otmon.protocols.protocol import AccessClass
from otmon.zones.address import MAC_BITS, Address, Network, host, parse_address, parse_network, parse_oui
from otmon.zones.files.document import quoted
from otmon.zones.files.leaf import EXPECTED, Leaf, OneOrMore, Short, wrong
from otmon.zones.files.switch_port import read_port
from otmon.zones.model import Importance, Inside, Kind, Name, ObjectType, Range, Ranges, ValueType, merged
from otmon.zones.times import Weekly, read_change, read_date, read_dated, read_rate, read_weekly, read_zone

OBJECT_TYPES: Final[tuple[ObjectType, ...]] = get_args(ObjectType)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LEVELS: Final = ("0", "1", "2", "3", "3.5", "4", "5")
"""Purdue: process, basic control, supervision, site operations, DMZ, site business, enterprise."""
VALUE_TYPES: Final[tuple[ValueType, ...]] = get_args(ValueType)
ACCESS_CLASSES: Final[tuple[AccessClass, ...]] = get_args(AccessClass)
TRANSPORTS: Final = ("tcp", "udp", "sctp", "icmp", "icmpv6", "ethernet")
MAX_TEXT: Final = 500
"""Characters of a name or a reason: it is shown in tables."""

_IMPORTANCE: Final[dict[str, Importance]] = {
    "大": "high", "中": "medium", "小": "low", "high": "high", "medium": "medium", "low": "low",
}  # fmt: skip
_INSIDE: Final[Mapping[str, Inside]] = {inside: inside for inside in get_args(Inside)}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}|0[xX][0-9A-Fa-f]{1,7}", re.ASCII)
_QUANTITY = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_VLAN = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", re.ASCII)
_IP_TRANSPORT = re.compile(r"ip-[0-9]{1,3}", re.ASCII)


def _read_text(text: str) -> str | None:
    folded = " ".join(text.split())
    return folded if folded and folded.isprintable() and len(folded) <= MAX_TEXT else None


def read_id(text: str) -> str | None:
    """The text, if a model may use it as an id."""
    if parse_address(text) is not None:
        return None
    return text if _ID.fullmatch(text) else None


def _read_number(text: str) -> int | None:
    return int(text, 0 if text[:2] in ("0x", "0X") else 10) if _NUMBER.fullmatch(text) else None


def _range_reader(highest: int) -> Callable[[str], Range | None]:
    def read(text: str) -> Range | None:
        first, dash, last = (part.strip() for part in text.partition("-"))
        low = _read_number(first)
        high = _read_number(last) if dash else low
        return (low, high) if low is not None and high is not None and low <= high <= highest else None

    return read


def read_vlan(text: str) -> str | None:
    """A VLAN as facts have it, "" for untagged; None for what is no VLAN of a network."""
    if text == "untagged":
        return ""
    parts = _VLAN.fullmatch(text)
    if parts is None:
        return None
    tags = [int(tag) for tag in parts.groups() if tag is not None]
    return ".".join(map(str, tags)) if all(1 <= tag <= 4094 for tag in tags) else None


def _read_ip(text: str) -> Network | None:
    address = parse_address(text)
    return host(address) if address is not None and address.bits != MAC_BITS else None


def _read_mac(text: str) -> Address | None:
    address = parse_address(text)
    return address if address is not None and address.bits == MAC_BITS else None


def _read_oui(text: str) -> Network | None:
    """A vendor's MAC addresses; a group is nobody's."""
    vendor = parse_oui(text)
    return vendor if vendor is not None and not vendor.prefix >> vendor.length - 8 & 1 else None


def _read_transport(text: str) -> str | None:
    return text if text in TRANSPORTS or _IP_TRANSPORT.fullmatch(text) else None


def read_function_number(text: str) -> tuple[int, int | None] | None:
    """A service by number: `6`, `0x06`, `43/14`; None for a name."""
    number, slash, rest = (part.strip() for part in text.partition("/"))
    function, subfunction = _read_number(number), _read_number(rest)
    if function is None or (slash and subfunction is None):
        return None
    return function, subfunction


def _read_access(text: str) -> AccessClass | None:
    return next((access for access in ACCESS_CLASSES if access == text), None)


def _read_element(text: str) -> int | None:
    number = _read_number(text)
    return number if number is not None and number <= 65535 else None


def _read_quantity(text: str) -> Decimal | None:
    return Decimal(text) if _QUANTITY.fullmatch(text) else None


def _read_scale(text: str) -> Decimal | None:
    number = _read_quantity(text)
    return number or None


def _read_step(text: str) -> Decimal | None:
    number = _read_quantity(text)
    return number if number is not None and number > 0 else None


def _read_type(text: str) -> ValueType | None:
    return next((type for type in VALUE_TYPES if type == text), None)


Hours = Annotated[Weekly, Leaf("hours such as mon-fri 08:00-18:00 or daily 22:00-05:00", read_weekly)]
During = Annotated[
    tuple[datetime, datetime],
    Leaf("a window such as 2026-04-18 22:00 to 2026-04-19 05:00, ending after it begins", read_dated),
]
Rate = Annotated[int, Leaf("so many a minute, from 1 to 999999999, such as 30/minute", read_rate)]
Ip = Annotated[Network, Leaf("an IPv4 or IPv6 address", _read_ip)]
Quantity = Annotated[Decimal, Leaf("a number such as 2, -5 or 0.25", _read_quantity)]
Id = Annotated[
    str, Leaf("an id of up to 64 ASCII letters, digits, '.', '_' and '-' (and no address)", read_id)
]
Text = Annotated[str, Leaf(f"a printable text of 1 to {MAX_TEXT} characters", _read_text)]
Texts = Annotated[tuple[Text, ...], OneOrMore()]
Port = Annotated[Range, Leaf("a port or range, 0 to 65535, such as 502 or 5000-5010", _range_reader(65535))]
Unit = Annotated[Range, Leaf("a unit or range, 0 to 255, such as 1 or 1-10", _range_reader(255))]
Element = Annotated[
    Range, Leaf("an element or range on the wire, 0 to 65535, such as 5 or 0-199", _range_reader(65535))
]
Ports = Annotated[tuple[Port, ...], OneOrMore()]
Units = Annotated[tuple[Unit, ...], OneOrMore()]
Elements = Annotated[tuple[Element, ...], OneOrMore()]
Access = Annotated[AccessClass, Leaf("one of " + ", ".join(ACCESS_CLASSES), _read_access, ACCESS_CLASSES)]
Transport = Annotated[str, Leaf(f"one of {', '.join(TRANSPORTS)} or ip-<number>", _read_transport)]


def _short_name(value: str) -> object:
    return {"ja": value, "en": value}


def _short_member(value: str) -> object:
    if "/" in value:
        return {"prefix": value}
    if _read_mac(value.strip()) is not None:
        return {"mac": value}
    if _read_ip(value.strip()) is not None:
        return {"address": value}
    raise wrong(
        f"{quoted(value)} is no member, expected an address, a prefix, a MAC address, or a mapping with "
        "address or prefix, mac, oui, tag, vlan, switch_port"
    )


class Form(BaseModel):
    """Common to all entries: unknown keys are errors, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NameForm(Form):
    """A name in both languages; a single text serves for both."""

    ja: Text
    en: Text

    def value(self) -> Name:
        return Name(self.ja, self.en)


Named = Annotated[NameForm, Short("one name for both languages", _short_name)]
Importances = Annotated[
    Importance, Leaf("大, 中, 小 or high, medium, low", _IMPORTANCE.get, tuple(_IMPORTANCE))
]


class MemberForm(Form):
    """A set of hosts: `otmon.zones.model.Member`."""

    address: Annotated[Network | None, Leaf("an IPv4 or IPv6 address", _read_ip)] = None
    prefix: Annotated[
        Network | None,
        Leaf("a prefix such as 10.0.1.0/24 or fd00:1::/64, without bits set behind it", parse_network),
    ] = None
    mac: Annotated[Address | None, Leaf("a MAC address such as 00:1b:1b:aa:bb:cc", _read_mac)] = None
    oui: Annotated[
        Network | None,
        Leaf("a vendor's part of a MAC address: 24, 28 or 36 bits such as 00:1b:1b or 70:b3:d5:8", _read_oui),
    ] = None
    tag: Id | None = None
    vlan: Annotated[
        str | None,
        Leaf("a VLAN from 1 to 4094, an outer and inner pair such as 200.10, or untagged", read_vlan),
    ] = None

    switch_port: Annotated[
        str | None,
        Leaf(
            "a switch port such as erspan:10.0.0.2/3/12, dhcp:0006001b1b300001/0004000a010c, interface:eth1",
            read_port,
        ),
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> MemberForm:
        if self.address is not None and self.prefix is not None:
            raise wrong("both address and prefix, expected one of them")
        keys = ("address", "prefix", "mac", "oui", "tag", "switch_port")
        given = [key for key in keys if getattr(self, key) is not None]
        if not given and self.vlan is None:
            raise wrong("an empty member, expected address or prefix, mac, oui, tag, vlan or switch_port")
        for key in ("oui", "tag"):
            if key in given and len(given) > 1:
                others = " and ".join(other for other in given if other != key)
                raise wrong(f"{key} beside {others}, expected it alone or with vlan")
        if self.switch_port is not None and (len(given) > 1 or self.vlan is not None):
            raise wrong("switch_port beside another key, expected it alone")
        return self


Members = Annotated[
    tuple[Annotated[MemberForm, Short("an address, a prefix or a MAC address", _short_member)], ...],
    OneOrMore(),
]


class LimitForm(Form):
    """What may be written to one coil or register."""

    coil: Annotated[int | None, Leaf("a coil on the wire, 0 to 65535", _read_element)] = None
    holding_register: Annotated[
        int | None, Leaf("a holding register on the wire, 0 to 65535", _read_element)
    ] = None
    type: Annotated[ValueType, Leaf("one of " + ", ".join(VALUE_TYPES), _read_type, VALUE_TYPES)] = "uint16"
    scale: Annotated[Decimal, Leaf("a number other than 0, such as 0.1", _read_scale)] = Decimal(1)
    unit: Text | None = None
    low: Quantity
    high: Quantity
    step: Annotated[Decimal | None, Leaf("a number above 0, such as 0.5", _read_step)] = None
    change: Annotated[
        Decimal | None, Leaf("so far a minute, a number above 0 such as 0.5/minute", read_change)
    ] = None
    name: Named | None = None

    @model_validator(mode="after")
    def _whole(self) -> LimitForm:
        if (self.coil is None) == (self.holding_register is None):
            raise wrong("neither or both of coil and holding_register, expected one of them")
        if self.low > self.high:
            raise wrong(f"low {self.low} above high {self.high}, expected the smaller one as low")
        moved = self.step is not None or self.change is not None
        if self.coil is not None and (self.type != "uint16" or self.scale != 1 or moved):
            raise wrong("type, scale, step or change of a coil, expected none: a coil is 0 or 1")
        return self


class PermissionForm(Form):
    """What may pass. Left-out keys do not restrict; `protocol` must be said, if only as `any`."""

    id: Id | None = None
    name: Named | None = None
    from_: Texts | None = Field(default=None, alias="from")
    to: Texts | None = None
    protocol: Texts
    transport: Annotated[tuple[Transport, ...], OneOrMore()] = ()
    port: Ports = ()
    access: Annotated[tuple[Access, ...], OneOrMore()] = ()
    functions: Texts = ()
    units: Units = ()
    coils: Elements = ()
    discrete_inputs: Elements = ()
    input_registers: Elements = ()
    holding_registers: Elements = ()
    limits: tuple[LimitForm, ...] = ()
    rate: Rate | None = None
    hours: Annotated[tuple[Hours, ...], OneOrMore()] = ()
    during: Annotated[tuple[During, ...], OneOrMore()] = ()
    expires: Annotated[date | None, Leaf("a day such as 2026-12-31", read_date)] = None
    approver: Text | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> PermissionForm:
        if "any" in self.protocol and len(self.protocol) > 1:
            raise wrong("protocol any beside others, expected any alone or a list of protocols")
        given = [kind for kind in OBJECT_TYPES if getattr(self, kind)]
        if given and self.protocol != ("modbus",):
            raise wrong(f"{given[0]} without `protocol: modbus`, expected Modbus as the only protocol")
        if self.limits and self.protocol != ("modbus",):
            raise wrong("limits without `protocol: modbus`, expected Modbus as the only protocol")
        if (self.functions or self.units) and ("any" in self.protocol or len(self.protocol) > 1):
            what = "functions" if self.functions else "units"
            raise wrong(f"{what} need one protocol to be numbers of, expected one protocol and not any")
        return self

    def objects(self) -> tuple[tuple[ObjectType, Ranges], ...]:
        return tuple((kind, merged(list(given))) for kind in OBJECT_TYPES if (given := getattr(self, kind)))


class ExceptionForm(PermissionForm):
    """A permission for a time: it says until when, why, and who answers for it."""

    @model_validator(mode="after")
    def _answered_for(self) -> ExceptionForm:
        for key in ("expires", "reason", "approver"):
            if getattr(self, key) is None:
                raise wrong(f"an exception without {key}, expected expires, reason and approver")
        return self


class AssetForm(Form):
    """A device that is authorised to be there."""

    id: Id
    name: Named | None = None
    address: Annotated[tuple[Ip, ...], OneOrMore()] = ()
    mac: Annotated[Address | None, Leaf("a MAC address such as 00:1b:1b:aa:bb:cc", _read_mac)] = None
    vendor: Text | None = None
    model: Text | None = None
    role: Annotated[tuple[Id, ...], OneOrMore()] = ()
    tag: Annotated[tuple[Id, ...], OneOrMore()] = ()
    zone: Id | None = None

    @model_validator(mode="after")
    def _whole(self) -> AssetForm:
        if not self.address and self.mac is None:
            raise wrong("an asset without address and mac, expected at least one of them")
        return self


def _read_kind(text: str) -> Kind | None:
    return next((kind for kind in KINDS if kind == text), None)


def _read_level(text: str) -> str | None:
    return text if text in LEVELS else None


def _read_security_level(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4") else None


_TRUTH: Final = {"true": True, "false": False}


class ZoneForm(Form):
    """A zone without its `allow` list, whose entries are checked one by one."""

    id: Id
    name: Named | None = None
    importance: Importances | None = None
    within: Id | None = None
    site: Id | None = None
    line: Id | None = None
    works: Annotated[tuple[Id, ...], OneOrMore()] = ()
    owner: Texts = ()
    members: Members = ()
    kind: Annotated[
        tuple[Annotated[Kind, Leaf("one of " + ", ".join(KINDS), _read_kind, KINDS)], ...], OneOrMore()
    ] = ()
    level: Annotated[str, Leaf("a level of the Purdue model: " + ", ".join(LEVELS), _read_level, LEVELS)] = ""
    sl_t: Annotated[int, Leaf("a security level from 1 to 4", _read_security_level)] = 0
    flat: Annotated[bool, Leaf("true or false", _TRUTH.get, tuple(_TRUTH))] = False
    inside: Annotated[Inside, Leaf("everything, listed or baseline", _INSIDE.get, tuple(_INSIDE))] = (
        "everything"
    )

    @model_validator(mode="after")
    def _weighed(self) -> ZoneForm:
        if self.importance is None and not self.works:
            raise wrong(f"importance is missing, expected {EXPECTED['importance']}, or works that have one")
        return self


class SiteForm(Form):
    """A site of the company."""

    id: Id
    name: Named | None = None


class LineForm(Form):
    """A production line."""

    id: Id
    name: Named | None = None
    site: Id | None = None


class WorkForm(Form):
    """Work (業務) that the plant does."""

    id: Id
    name: Named | None = None
    importance: Importances


class ProtectedForm(Form):
    """Something to protect (保護対象)."""

    id: Id
    name: Named | None = None
    importance: Importances
    works: Annotated[tuple[Id, ...], OneOrMore()] = ()
    assets: Annotated[tuple[Id, ...], OneOrMore()] = ()

    @model_validator(mode="after")
    def _whole(self) -> ProtectedForm:
        if not self.works and not self.assets:
            raise wrong(
                "neither works nor assets, expected the works that need it or the assets that hold it"
            )
        return self


class BoundaryForm(Form):
    """A boundary without its `allow` list, whose entries are checked one by one."""

    id: Id
    name: Named | None = None
    between: tuple[Id, Id]
    device: Text | None = None
    device_owner: Text | None = None
    settings_owner: Text | None = None


def read_beside(text: str) -> str | None:
    """The name of a sheet in the same folder: no path, so that a model reads nothing from elsewhere."""
    plain = text.isprintable() and not set(text) & set("/\\:") and not text.startswith(".")
    return text if plain and text.lower().endswith((".csv", ".xlsx")) else None


def _read_timezone(text: str) -> str | None:
    return text if read_zone(text) is not None else None


class FileForm(Form):
    """A model file. The entries are checked one by one, so that one error hides no other."""

    version: Annotated[int, Leaf("1", {"1": 1}.get)] = 1
    timezone: Annotated[
        str | None, Leaf("a time zone of the IANA database such as Asia/Tokyo", _read_timezone)
    ] = None
    zones: tuple[Any, ...] = ()
    boundaries: tuple[Any, ...] = ()
    assets: tuple[Any, ...] = ()
    inventory: Annotated[
        tuple[
            Annotated[str, Leaf("the name of a sheet beside this file, such as devices.csv", read_beside)],
            ...,
        ],
        OneOrMore(),
    ] = ()
    sites: tuple[Any, ...] = ()
    lines: tuple[Any, ...] = ()
    works: tuple[Any, ...] = ()
    protected: tuple[Any, ...] = ()
