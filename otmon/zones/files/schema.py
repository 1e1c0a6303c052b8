"""What a model file may say: one pydantic form per kind of entry, all leaves given as text.

A form checks one entry by itself and turns its texts into numbers; what needs a second entry (does
this zone exist?) is for `otmon.zones.files.load`. Wherever several values make sense, one value or a list
is accepted. Each message reads "what is wrong, expected what".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otmon.protocols.protocol import AccessClass
from otmon.sentence import Sentence, both, sentence
from otmon.zones.address import Address, Network, parse_network
from otmon.zones.elements import EXAMPLES
from otmon.zones.files.document import quoted
from otmon.zones.files.leaf import EXPECTED, Leaf, OneOrMore, Short, wrong
from otmon.zones.files.switch_port import read_port
from otmon.zones.files.text import (
    ACCESS_CLASSES,
    IMPORTANCE,
    MAX_ROLE,
    MAX_TEXT,
    TRANSPORTS,
    VALUE_TYPES,
    range_reader,
    read_access,
    read_element,
    read_id,
    read_importance,
    read_ip,
    read_mac,
    read_oui,
    read_quantity,
    read_role,
    read_scale,
    read_step,
    read_text,
    read_transport,
    read_type,
    read_vlan,
)
from otmon.zones.model import Importance, Inside, Kind, Name, ObjectType, Range, Ranges, ValueType, merged
from otmon.zones.times import Weekly, read_change, read_date, read_dated, read_rate, read_weekly, read_zone

OBJECT_TYPES: Final[tuple[ObjectType, ...]] = get_args(ObjectType)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LEVELS: Final = ("0", "1", "2", "3", "3.5", "4", "5")
"""Purdue: process, basic control, supervision, site operations, DMZ, site business, enterprise."""

_INSIDE: Final[Mapping[str, Inside]] = {inside: inside for inside in get_args(Inside)}


Hours = Annotated[
    Weekly, Leaf(sentence("hours such as mon-fri 08:00-18:00 or daily 22:00-05:00"), read_weekly)
]
During = Annotated[
    tuple[datetime, datetime],
    Leaf(
        sentence("a window such as 2026-04-18 22:00 to 2026-04-19 05:00, ending after it begins"), read_dated
    ),
]
Rate = Annotated[int, Leaf(sentence("so many a minute, from 1 to 999999999, such as 30/minute"), read_rate)]
Ip = Annotated[Network, Leaf(sentence("an IPv4 or IPv6 address"), read_ip)]
Quantity = Annotated[Decimal, Leaf(sentence("a number such as 2, -5 or 0.25"), read_quantity)]
Id = Annotated[
    str, Leaf(sentence("an id of up to 64 ASCII letters, digits, '.', '_' and '-' (and no address)"), read_id)
]
RoleName = Annotated[
    str, Leaf(sentence("a role of up to {most} signs without blanks and commas", most=MAX_ROLE), read_role)
]
Text = Annotated[str, Leaf(sentence("a printable text of 1 to {most} characters", most=MAX_TEXT), read_text)]
Texts = Annotated[tuple[Text, ...], OneOrMore()]
Port = Annotated[
    Range, Leaf(sentence("a port or range, 0 to 65535, such as 502 or 5000-5010"), range_reader(65535))
]
Unit = Annotated[Range, Leaf(sentence("a unit or range, 0 to 255, such as 1 or 1-10"), range_reader(255))]
Element = Annotated[
    Range,
    Leaf(sentence("an element or range on the wire, 0 to 65535, such as 5 or 0-199"), range_reader(65535)),
]
Ports = Annotated[tuple[Port, ...], OneOrMore()]
Units = Annotated[tuple[Unit, ...], OneOrMore()]
Elements = Annotated[tuple[Element, ...], OneOrMore()]
Access = Annotated[
    AccessClass, Leaf(sentence("one of {names}", names=ACCESS_CLASSES), read_access, ACCESS_CLASSES)
]
Transport = Annotated[str, Leaf(sentence("one of {names} or ip-<number>", names=TRANSPORTS), read_transport)]


def _short_name(value: str) -> object:
    return {"ja": value, "en": value}


def _short_member(value: str) -> object:
    if "/" in value:
        return {"prefix": value}
    if read_mac(value.strip()) is not None:
        return {"mac": value}
    if read_ip(value.strip()) is not None:
        return {"address": value}
    what = sentence(
        "{text} is no member, expected an address, a prefix, a MAC address, or a mapping with "
        "address or prefix, mac, oui, tag, vlan, switch_port",
        text=quoted(value),
    )
    raise wrong(what)


class Form(BaseModel):
    """Common to all entries: unknown keys are errors, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NameForm(Form):
    """A name in both languages; a single text serves for both."""

    ja: Text
    en: Text

    def value(self) -> Name:
        return Name(self.ja, self.en)


Named = Annotated[NameForm, Short(sentence("one name for both languages"), _short_name)]
Importances = Annotated[
    Importance, Leaf(sentence("大, 中, 小 or high, medium, low"), read_importance, tuple(IMPORTANCE))
]


class MemberForm(Form):
    """A set of hosts: `otmon.zones.model.Member`."""

    address: Annotated[Network | None, Leaf(sentence("an IPv4 or IPv6 address"), read_ip)] = None
    prefix: Annotated[
        Network | None,
        Leaf(
            sentence("a prefix such as 10.0.1.0/24 or fd00:1::/64, without bits set behind it"), parse_network
        ),
    ] = None
    mac: Annotated[Address | None, Leaf(sentence("a MAC address such as 00:1b:1b:aa:bb:cc"), read_mac)] = None
    oui: Annotated[
        Network | None,
        Leaf(
            sentence("a vendor's part of a MAC address: 24, 28 or 36 bits such as 00:1b:1b or 70:b3:d5:8"),
            read_oui,
        ),
    ] = None
    tag: Id | None = None
    vlan: Annotated[
        str | None,
        Leaf(
            sentence("a VLAN from 1 to 4094, an outer and inner pair such as 200.10, or untagged"), read_vlan
        ),
    ] = None

    switch_port: Annotated[
        str | None,
        Leaf(
            sentence(
                "a switch port such as erspan:10.0.0.2/3/12, dhcp:0006001b1b300001/0004000a010c, "
                "interface:eth1"
            ),
            read_port,
        ),
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> MemberForm:
        if self.address is not None and self.prefix is not None:
            raise wrong(sentence("both address and prefix, expected one of them"))
        keys = ("address", "prefix", "mac", "oui", "tag", "switch_port")
        given = [key for key in keys if getattr(self, key) is not None]
        if not given and self.vlan is None:
            raise wrong(
                sentence("an empty member, expected address or prefix, mac, oui, tag, vlan or switch_port")
            )
        for key in ("oui", "tag"):
            if key in given and len(given) > 1:
                others = both([other for other in given if other != key])
                what = sentence(
                    "{key} beside {others}, expected it alone or with vlan", key=key, others=others
                )
                raise wrong(what)
        if self.switch_port is not None and (len(given) > 1 or self.vlan is not None):
            raise wrong(sentence("switch_port beside another key, expected it alone"))
        return self


Members = Annotated[
    tuple[
        Annotated[MemberForm, Short(sentence("an address, a prefix or a MAC address"), _short_member)], ...
    ],
    OneOrMore(),
]


class LimitForm(Form):
    """What may be written to one coil or register, or to an element of another protocol."""

    coil: Annotated[int | None, Leaf(sentence("a coil on the wire, 0 to 65535"), read_element)] = None
    holding_register: Annotated[
        int | None, Leaf(sentence("a holding register on the wire, 0 to 65535"), read_element)
    ] = None
    element: Annotated[
        str | None,
        Leaf(
            sentence("an element as the vendor's tool names it, such as D100"),
            read_text,
        ),
    ] = None
    type: Annotated[
        ValueType, Leaf(sentence("one of {names}", names=VALUE_TYPES), read_type, VALUE_TYPES)
    ] = "uint16"
    scale: Annotated[Decimal, Leaf(sentence("a number other than 0, such as 0.1"), read_scale)] = Decimal(1)
    unit: Text | None = None
    low: Quantity
    high: Quantity
    step: Annotated[Decimal | None, Leaf(sentence("a number above 0, such as 0.5"), read_step)] = None
    change: Annotated[
        Decimal | None, Leaf(sentence("so far a minute, a number above 0 such as 0.5/minute"), read_change)
    ] = None
    name: Named | None = None

    @model_validator(mode="after")
    def _whole(self) -> LimitForm:
        if sum(one is not None for one in (self.coil, self.holding_register, self.element)) != 1:
            raise wrong(
                sentence("not one of coil, holding_register and element, expected exactly one of them")
            )
        if self.low > self.high:
            what = sentence(
                "low {low} above high {high}, expected the smaller one as low",
                low=str(self.low), high=str(self.high),
            )  # fmt: skip
            raise wrong(what)
        if self.coil is not None and self.measured:
            raise wrong(sentence("type, scale, step or change of a coil, expected none: a coil is 0 or 1"))
        return self

    @property
    def measured(self) -> bool:
        """It says how a number is held, or how far it may move."""
        moved = self.step is not None or self.change is not None
        return self.type != "uint16" or self.scale != 1 or moved


def _only_modbus(key: str) -> Sentence:
    return sentence("{key} without `protocol: modbus`, expected Modbus as the only protocol", key=key)


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
    expires: Annotated[date | None, Leaf(sentence("a day such as 2026-12-31"), read_date)] = None
    approver: Text | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> PermissionForm:
        if "any" in self.protocol and len(self.protocol) > 1:
            raise wrong(sentence("protocol any beside others, expected any alone or a list of protocols"))
        given = [kind for kind in OBJECT_TYPES if getattr(self, kind)]
        if given and self.protocol != ("modbus",):
            raise wrong(_only_modbus(given[0]))
        limited = ("modbus", *sorted(EXAMPLES))
        if self.limits and (len(self.protocol) != 1 or self.protocol[0] not in limited):
            what = sentence(
                "limits without one protocol whose written values are read, expected {names}", names=limited
            )
            raise wrong(what)
        if (self.functions or self.units) and ("any" in self.protocol or len(self.protocol) > 1):
            what = sentence(
                "{key} need one protocol to be numbers of, expected one protocol and not any",
                key="functions" if self.functions else "units",
            )
            raise wrong(what)
        return self

    def objects(self) -> tuple[tuple[ObjectType, Ranges], ...]:
        return tuple((kind, merged(list(given))) for kind in OBJECT_TYPES if (given := getattr(self, kind)))


class ExceptionForm(PermissionForm):
    """A permission for a time: it says until when, why, and who answers for it."""

    @model_validator(mode="after")
    def _answered_for(self) -> ExceptionForm:
        for key in ("expires", "reason", "approver"):
            if getattr(self, key) is None:
                what = sentence("an exception without {key}, expected expires, reason and approver", key=key)
                raise wrong(what)
        return self


class AssetForm(Form):
    """A device that is authorised to be there."""

    id: Id
    name: Named | None = None
    address: Annotated[tuple[Ip, ...], OneOrMore()] = ()
    mac: Annotated[Address | None, Leaf(sentence("a MAC address such as 00:1b:1b:aa:bb:cc"), read_mac)] = None
    vendor: Text | None = None
    model: Text | None = None
    role: Annotated[tuple[RoleName, ...], OneOrMore()] = ()
    tag: Annotated[tuple[Id, ...], OneOrMore()] = ()
    zone: Id | None = None

    @model_validator(mode="after")
    def _whole(self) -> AssetForm:
        if not self.address and self.mac is None:
            raise wrong(sentence("an asset without address and mac, expected at least one of them"))
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
        tuple[Annotated[Kind, Leaf(sentence("one of {names}", names=KINDS), _read_kind, KINDS)], ...],
        OneOrMore(),
    ] = ()
    level: Annotated[
        str, Leaf(sentence("a level of the Purdue model: {names}", names=LEVELS), _read_level, LEVELS)
    ] = ""
    sl_t: Annotated[int, Leaf(sentence("a security level from 1 to 4"), _read_security_level)] = 0
    flat: Annotated[bool, Leaf(sentence("true or false"), _TRUTH.get, tuple(_TRUTH))] = False
    inside: Annotated[
        Inside, Leaf(sentence("everything, listed or baseline"), _INSIDE.get, tuple(_INSIDE))
    ] = "everything"

    @model_validator(mode="after")
    def _weighed(self) -> ZoneForm:
        if self.importance is None and not self.works:
            what = sentence(
                "importance is missing, expected {expected}, or works that have one",
                expected=EXPECTED["importance"],
            )
            raise wrong(what)
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
            what = sentence(
                "neither works nor assets, expected the works that need it or the assets that hold it"
            )
            raise wrong(what)
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

    version: Annotated[int, Leaf(sentence("1, the only version there is"), {"1": 1}.get)] = 1
    timezone: Annotated[
        str | None, Leaf(sentence("a time zone of the IANA database such as Asia/Tokyo"), _read_timezone)
    ] = None
    zones: tuple[Any, ...] = ()
    boundaries: tuple[Any, ...] = ()
    assets: tuple[Any, ...] = ()
    inventory: Annotated[
        tuple[
            Annotated[
                str, Leaf(sentence("the name of a sheet beside this file, such as devices.csv"), read_beside)
            ],
            ...,
        ],
        OneOrMore(),
    ] = ()
    sites: tuple[Any, ...] = ()
    lines: tuple[Any, ...] = ()
    works: tuple[Any, ...] = ()
    protected: tuple[Any, ...] = ()
