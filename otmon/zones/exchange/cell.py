"""What the cells of somebody's rules say: addresses, ports, protocols, directions, decisions.

Several values may stand in a cell, in Japanese or English, in full or half width. A text is understood as
a whole or raises `NotUnderstood`: half of a cell would be another rule than the one that people agreed on.
"""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from otmon.protocols.registry import PROTOCOLS
from otmon.sentence import Complaint, sentence
from otmon.zones.address import MAC_BITS, Address, Network, host, parse_address, parse_network, parse_oui
from otmon.zones.files.schema import OBJECT_TYPES
from otmon.zones.files.switch_port import read_port
from otmon.zones.files.text import ACCESS_CLASSES, read_importance
from otmon.zones.model import Range
from otmon.zones.times import read_date, read_dated, read_weekly, read_zone

Direction = Literal["forward", "back", "both"]

MAX_RANGE: Final = 64
"""Networks that one range of addresses may become: enough for any range of IPv4."""
_LAST_PORT: Final = 65535


@cache
def words() -> dict[str, Any]:
    """What people write, by what it means: `sheet_words.json`."""
    text = Path(__file__).with_name("sheet_words.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


_ANY: Final = frozenset(words()["any"])
_INTERNET: Final = frozenset(words()["internet"])
_TRANSPORTS: Final = ("tcp", "udp", "sctp", "icmp", "icmpv6", "ethernet")
_OTHER_PORTS: Final[dict[str, tuple[str, int]]] = {"https": ("tcp", 443), "snmptrap": ("udp", 162)}
"""Names that mean one port of several."""
_PORT: Final = re.compile(
    r"(?:(tcp|udp|sctp)\s*[/:]?\s*)?([0-9]{1,5})(?:-([0-9]{1,5}))?(以上|以降|\+)?(?:\s*[/:]?\s*(tcp|udp|sctp))?"
)
_DAY: Final = re.compile(
    r"(?:(令和|r) *(?:元|([0-9]{1,2}))|([0-9]{4})) *[-/.年] *([0-9]{1,2}) *[-/.月] *([0-9]{1,2}) *日?"
)
_BEFORE_REIWA: Final = 2018
"""The first year of Reiwa is the next one."""
_NAMED: Final = re.compile(r"(.*?)\s*\(([^()]*)\)")
_LIMIT: Final = re.compile(
    r"(?:(?P<table>coil|holding_register) (?P<address>[0-9]{1,5})|element (?P<element>[^;]{1,200}?)):"
    r" *(?P<low>[-+0-9.]{1,32}) to (?P<high>[-+0-9.]{1,32})"
    r"(?:, *step (?P<step>[0-9.]{1,32}))?(?:, *change (?P<change>[0-9.]{1,32}/minute))?"
    r"(?:, *type (?P<type>[a-z0-9-]{1,20}))?"
    r"(?:, *scale (?P<scale>[-+0-9.]{1,32}))?(?:, *unit (?P<unit>[^,]{1,500}))?"
    r"(?:, *name (?P<name>[^,]{1,1100}))?"
)
_MASK: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})\s*[/ ]\s*((?:255|0)(?:\.[0-9]{1,3}){3})")


class NotUnderstood(Complaint):
    """A cell that cannot be understood; its text says why."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Who a cell means."""

    everybody: bool
    internet: bool
    networks: tuple[Network, ...]
    """IP networks, and MAC addresses as networks of full length."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a cell says of protocols, transports and ports; empty is "any"."""

    protocols: tuple[str, ...]
    transports: tuple[str, ...]
    ports: tuple[tuple[str, Range], ...]
    """(transport or "", range)."""
    meant: tuple[tuple[str, Range], ...]
    """Ports that only the name of a service says (HTTPS): they count where nothing else names one."""


@dataclass(frozen=True, slots=True)
class MemberText:
    """A member as our own sheets write it."""

    network: Network | None
    mac: Address | None
    vlan: str | None
    oui: Network | None = None
    port: str | None = None


def plain(text: str) -> str:
    """In usual width and case, with one kind of dash."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return re.sub(r"\s*[‐‑‒–—―−〜~]\s*|(?<=[0-9])\s*[-ー]\s*(?=[0-9])", "-", folded)


def pieces(text: str) -> list[str]:
    """The values of a cell, divided by commas, semicolons and new lines; none for an empty one."""
    return [piece for part in re.split(r"[,;、\n\r|]+", plain(text)) if (piece := part.strip(" ・"))]


def is_any(text: str) -> bool:
    """Whether the cell is empty or says that it does not limit."""
    return all(piece in _ANY for piece in pieces(text)) or plain(text) in ("-", "ー")


def hosts(text: str) -> Hosts:
    """The addresses of a cell that is not empty."""
    found: list[Network] = []
    everybody = internet = False
    for piece in pieces(_MASK.sub(r"\1/\2", plain(text))):
        if piece in _ANY:
            everybody = True
        elif piece.replace(" ", "") in _INTERNET:
            internet = True
        else:
            found += _networks(piece)
    if not (found or everybody or internet):
        raise NotUnderstood(sentence("no address"))
    everybody = everybody or any(network.length == 0 for network in found)
    found = [network for network in found if network.length]
    return Hosts(everybody, internet, tuple(dict.fromkeys(found)))


def _networks(piece: str) -> list[Network]:
    named = _NAMED.fullmatch(piece)
    for reading in [piece, *([named[1], named[2]] if named else [])]:
        words = reading.split()
        try:
            return [network for word in words for network in _one_or_range(word)] or _no(piece)
        except NotUnderstood as error:
            if reading is (named[2] if named else piece):
                raise NotUnderstood(error.why) from None
    return _no(piece)


def _no(piece: str) -> list[Network]:
    raise NotUnderstood(sentence("{text} is no address, prefix or range of addresses", text=repr(piece)))


def _one_or_range(word: str) -> list[Network]:
    address = parse_address(word)
    if address is not None:
        return [host(address)]
    if "/" in word:
        return [_prefix(word)]
    first, dash, last = word.partition("-")
    begin = parse_address(first)
    if not dash or begin is None or begin.bits == MAC_BITS:
        return _no(word)
    # "10.0.0.1-9" counts in the last part.
    end = parse_address(last) or parse_address(f"{first.rpartition('.')[0]}.{last}")
    if end is None or end.bits != begin.bits or end.value < begin.value:
        return _no(word)
    return _range(begin, end)


def _prefix(word: str) -> Network:
    network = parse_network(word)
    if network is None:
        try:
            parsed = ipaddress.ip_network(word)
            network = parse_network(str(parsed))
        except ValueError:
            raise NotUnderstood(
                sentence("{text} is no prefix, or has bits set behind it", text=repr(word))
            ) from None
    if network is None:
        raise NotUnderstood(sentence("{text} is no prefix", text=repr(word)))
    return network


def _range(begin: Address, end: Address) -> list[Network]:
    found: list[Network] = []
    value = begin.value
    while value <= end.value:
        size = min(value & -value or 1 << begin.bits, 1 << (end.value - value + 1).bit_length() - 1)
        found.append(Network(begin.bits, begin.bits - size.bit_length() + 1, value // size))
        value += size
        if len(found) > MAX_RANGE:
            raise NotUnderstood(sentence("a range that takes too many prefixes"))
    return found


def members(text: str) -> list[MemberText]:
    """What stands in brackets behind a zone."""
    found = []
    for piece in pieces(text):
        network = mac = vlan = oui = port = None
        for word in piece.split():
            if word.startswith("vlan:"):
                vlan = word.removeprefix("vlan:")
                continue
            if word.startswith("oui:"):
                oui = parse_oui(word.removeprefix("oui:"))
                if oui is None:
                    raise NotUnderstood(
                        sentence("{text} is no vendor's part of a MAC address", text=repr(word))
                    )
                continue
            if word.startswith("port:"):
                port = read_port(word.removeprefix("port:"))
                if port is None:
                    raise NotUnderstood(sentence("{text} is no switch port", text=repr(word)))
                continue
            (one,) = _one_or_range(word)[:1]
            if one.bits == MAC_BITS:
                mac = Address(MAC_BITS, one.prefix)
            elif network is None and len(_one_or_range(word)) == 1:
                network = one
            else:
                raise NotUnderstood(sentence("{text} is no member of a zone", text=repr(piece)))
        found.append(MemberText(network, mac, vlan, oui, port))
    return found


def spoken(text: str) -> Spoken:
    """Protocols, transports and ports of a cell: each may stand in the column of another."""
    heard = _Heard([], [], [], [])
    for piece in pieces(text):
        if piece in _ANY or piece in ("-", "ー", "ip", "ipv4", "ipv6"):
            continue
        if not _add(piece, heard):
            # "TCP/UDP", "HTTP / HTTPS": every part must mean something.
            parts = [part.strip() for part in re.split(r"[/&+\s]+", piece) if part.strip()]
            if len(parts) < 2 or not all(_add(part, heard) for part in parts):
                raise NotUnderstood(
                    sentence("{text} is no protocol, transport or port that otmon knows", text=repr(piece))
                )
    protocols = tuple(dict.fromkeys(heard.protocols))
    # A port that one name means says nothing of the others.
    meant = tuple(dict.fromkeys(heard.meant)) if len(protocols) == 1 else ()
    ports = tuple(dict.fromkeys(heard.ports))
    return Spoken(protocols, tuple(dict.fromkeys(heard.transports)), ports, meant)


@dataclass(frozen=True, slots=True)
class _Heard:
    protocols: list[str]
    transports: list[str]
    ports: list[tuple[str, Range]]
    meant: list[tuple[str, Range]]


def _add(piece: str, heard: _Heard) -> bool:
    """Note one word; False where it means nothing."""
    named = _NAMED.fullmatch(piece)
    if named:
        # Of "443 (HTTPS)" and "Modbus (502)" both parts count, of "502 (line 3)" the first.
        understood = [_add(part, heard) for part in (named[1], named[2])]
        return any(understood)
    match = _PORT.fullmatch(piece)
    if match:
        low, high = int(match[2]), int(match[3] or (_LAST_PORT if match[4] else match[2]))
        if low > high or high > _LAST_PORT:
            raise NotUnderstood(
                sentence(
                    "{text} is no port or range of ports from 0 to {most}", text=repr(piece), most=_LAST_PORT
                )
            )
        heard.ports.append((match[1] or match[5] or "", (low, high)))
        return True
    word = "".join(sign for sign in piece if sign.isalnum())
    if piece in _TRANSPORTS or re.fullmatch(r"ip-[0-9]{1,3}", piece):
        heard.transports.append(piece)
    elif word in ("ping", "icmpecho", "icmpv4"):
        heard.transports.append("icmp")
    elif word in ("tcpudp", "udptcp"):
        heard.transports.extend(("tcp", "udp"))
    elif piece == "unknown" or word in _protocol_names():
        heard.protocols.append("unknown" if piece == "unknown" else _protocol_names()[word])
        if word in _OTHER_PORTS:
            transport, port = _OTHER_PORTS[word]
            heard.meant.append((transport, (port, port)))
    else:
        return False
    return True


@cache
def _protocol_names() -> dict[str, str]:
    names = {}
    for protocol in PROTOCOLS:
        for name in (protocol.name, protocol.id):
            names["".join(sign for sign in name.casefold() if sign.isalnum())] = protocol.id
    others = {other: id for id, called in words()["protocols"].items() for other in called}
    return names | others


def direction(text: str) -> Direction:
    """Which way; a cell that is empty says from the source to the destination."""
    said = plain(text).replace(" ", "")
    choices: tuple[Direction, ...] = ("forward", "back", "both")
    for meaning in choices:
        if not said or said in words()["directions"][meaning]:
            return meaning
    raise NotUnderstood(
        sentence("{text} is no direction, expected → or 双方向, for instance", text=repr(text))
    )


def allows(text: str) -> bool:
    """Whether the rule lets something pass; a cell that is empty says so."""
    said = plain(text).replace(" ", "")
    for meaning in ("allow", "deny"):
        if not said or said in words()["actions"][meaning]:
            return meaning == "allow"
    raise NotUnderstood(
        sentence("{text} neither allows nor denies, expected 許可 or 拒否, for instance", text=repr(text))
    )


def access(text: str) -> tuple[str, ...]:
    """Access classes; none for "any"."""
    found = []
    for piece in pieces(text):
        if piece not in _ANY:
            said = next((k for k, names in words()["access"].items() if piece in names), piece)
            if said not in ACCESS_CLASSES:
                raise NotUnderstood(
                    sentence(
                        "{text} is no access class, expected {names}", text=repr(piece), names=ACCESS_CLASSES
                    )
                )
            found.append(said)
    return tuple(dict.fromkeys(found))


def entry(text: str) -> str:
    """What a row is: "permission", "exception", "zone" or "boundary"."""
    said = plain(text)
    for meaning, names in words()["entries"].items():
        if said in names:
            return str(meaning)
    what = sentence(
        "{text} is no kind of row, expected permission, exception, zone or boundary", text=repr(text)
    )
    raise NotUnderstood(what)


def hours(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Hours of the week and dated windows, as keys of a permission; none for "always"."""
    found: dict[str, list[str]] = {"hours": [], "during": []}
    for piece in pieces(text):
        if piece in _ANY or piece in words()["always"]:
            # Beside it nothing else restricts.
            return ()
        if read_weekly(piece) is not None:
            found["hours"].append(piece)
        elif read_dated(piece) is not None:
            found["during"].append(piece)
        else:
            what = sentence(
                "{text} are no hours, expected such as mon-fri 08:00-18:00 or "
                "2026-04-18 22:00 to 2026-04-19 05:00",
                text=repr(piece),
            )
            raise NotUnderstood(what)
    return tuple((key, tuple(texts)) for key, texts in found.items() if texts)


def expires(text: str) -> str:
    """The last day, as a model writes it; "" for none."""
    said = plain(text)
    if said in words()["always"] or said in _ANY or said == "-":
        return ""
    match = _DAY.fullmatch(said)
    year = int(match[3]) if match and match[3] else _BEFORE_REIWA + int(match[2] or 1) if match else 0
    day = f"{year}-{int(match[4]):02d}-{int(match[5]):02d}" if match else said
    if read_date(day) is None:
        raise NotUnderstood(sentence("{text} is no day, expected such as 2026-12-31", text=repr(text)))
    return day


def timezone(text: str) -> str:
    """A time zone by its name."""
    if read_zone(text.strip()) is None:
        raise NotUnderstood(
            sentence("{text} is no time zone, expected one such as Asia/Tokyo", text=repr(text))
        )
    return text.strip()


def limits(text: str) -> tuple[tuple[tuple[str, Any], ...], ...]:
    """Limits on written values, as keys and texts of a model, from what our own sheets write: `coil 3: 0 to
    0; holding_register 21: 0 to 2, step 0.2, type int16, scale 0.01, unit ml/l, name A / B; element D100: 0
    to 200`."""
    found = []
    # As our sheets write it a unit keeps its signs (m³/h); somebody's wide letters are narrow ones.
    ours = all(_LIMIT.fullmatch(part.strip()) for part in re.split(r"[;\n]+", text) if part.strip())
    for part in re.split(r"[;\n]+", text if ours else unicodedata.normalize("NFKC", text)):
        if not part.strip():
            continue
        match = _LIMIT.fullmatch(part.strip())
        if match is None:
            raise NotUnderstood(
                sentence("{text} is no limit, expected holding_register 21: 0 to 2", text=repr(part.strip()))
            )
        said: dict[str, Any] = {match["table"] or "element": match["address"] or match["element"]}
        said |= {"low": match["low"], "high": match["high"]}
        said |= {key: value for key in ("step", "change", "type", "scale", "unit") if (value := match[key])}
        ja, _, en = (match["name"] or "").partition(" / ")
        said |= {"name": {"ja": ja.strip(), "en": (en or ja).strip()}} if ja.strip() else {}
        found.append(tuple(said.items()))
    return tuple(found)


def registers(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Elements by type, as our own sheets write them: `coils 0-15; holding_registers 0-39, 100`."""
    found = []
    for part in re.split(r"[;\n]+", plain(text)):
        kind, _, ranges = part.strip().partition(" ")
        if kind in _ANY or not kind:
            continue
        said = tuple(piece for piece in pieces(ranges) if re.fullmatch(r"[0-9]{1,5}(?:-[0-9]{1,5})?", piece))
        if kind not in OBJECT_TYPES or not said or len(said) != len(pieces(ranges)):
            raise NotUnderstood(
                sentence(
                    "{text} are no registers, expected {kind} 0-39",
                    text=repr(part.strip()),
                    kind=OBJECT_TYPES[3],
                )
            )
        found.append((kind, said))
    return tuple(found)


def importance(text: str) -> str:
    """How important a zone is, as a model writes it."""
    said = text.strip()
    if read_importance(said) is None:
        raise NotUnderstood(sentence("{text} is no importance, expected 大, 中 or 小", text=repr(text)))
    return said


def attributes(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else a zone is, as our own sheets write it: `kind control, safety; level 2; sl_t 3; flat true`."""
    found = []
    for part in unicodedata.normalize("NFKC", text).split(";"):
        key, _, said = part.strip().partition(" ")
        if key not in ("kind", "level", "sl_t", "flat") or not said.strip():
            raise NotUnderstood(sentence("{text} is no attribute of a zone", text=repr(part.strip())))
        found.append((key, tuple(one.strip() for one in said.split(","))))
    return tuple(found)
