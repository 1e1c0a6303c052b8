"""Elements of controllers that can be written to, as people name them in the vendor's engineering tool.

An element is a table and an address in the words of its protocol (`otmon.protocols.writes`). References are
those of the readers in `otmon.protocols`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from otmon.ledger.facts import UNKNOWN
from otmon.protocols.fins_writes import FINS_PRESENT, FINS_TABLES
from otmon.protocols.protocol import ElementKind
from otmon.protocols.slmp_writes import SLMP_TABLES
from otmon.protocols.station_writes import BACNET_TABLES


class Element(NamedTuple):
    """What can be limited."""

    table: str
    address: int
    words: int = 0
    """Of 16 bits, as its name says; 0 where that is told by the type alone."""


LOW_WORD_FIRST: Final = frozenset({"fins", "slmp"})
"""Protocols whose controllers hold the lower word of a number in the first of two elements."""
REAL: Final = frozenset({"bacnet", "dnp3", "ethernet_ip", "iec104"})
"""Protocols whose messages say how a number is held."""
_SLMP: Final = re.compile(r"([A-Z]{1,3})([0-9A-F]{1,8})")
_FINS: Final = re.compile(r"(CIO|DM|D|W|HR|H|AR|A|T|C|E(?:M)?([0-9A-F]{1,2})_)?([0-9]{1,5})")
_FINS_NAMES: Final = {"DM": "D", "HR": "H", "AR": "A", None: "CIO"}
_S7: Final = re.compile(r"%?(?:(DB[0-9]{1,5})\.DB([WD])|([MQA])([WD]))([0-9]{1,5})")
_INDEX: Final = r"(?:0|[1-9][0-9]{0,8})(?:,(?:0|[1-9][0-9]{0,8})){0,2}"
_TAG: Final = re.compile(rf"([A-Z_][A-Z0-9_:]*(?:(?:\[{_INDEX}\])?\.[A-Z_][A-Z0-9_:]*)*)(?:\[({_INDEX})\])?")
_FILE: Final = re.compile(r"([NFL](?:[0-9]|[1-9][0-9]{1,2})):([0-9]{1,3})")
_LONGEST_TAG: Final = 200
_HIGHEST: Final = 65_535


_SLMP_NAMES: Final = {name: name for name in SLMP_TABLES} | {"DX": "X", "DY": "Y", "R": "ZR"}
"""Devices that have two names have one table."""
_BLOCK: Final = 32_768
"""File registers of a block, which are named R in it."""


def _slmp(text: str) -> Element | None:
    names = sorted((name for name in _SLMP_NAMES if text.startswith(name)), key=len, reverse=True)
    for name in names:
        digits, table = text.removeprefix(name), _SLMP_NAMES[name]
        base = SLMP_TABLES[table][1]
        if re.fullmatch(r"[0-9]{1,8}" if base == 10 else r"[0-9A-F]{1,8}", digits):
            return Element(table, int(digits, base))
    return None


def _fins(text: str) -> Element | None:
    match = _FINS.fullmatch(text)
    if match is None or int(match[3]) > _HIGHEST:
        return None
    table = f"E{int(match[2], 16):X}_" if match[2] else _FINS_NAMES.get(match[1], match[1])
    return Element(table, int(match[3])) if table in FINS_TABLES or table in FINS_PRESENT else None


def _s7(text: str) -> Element | None:
    match = _S7.fullmatch(text)
    if match is None:
        return None
    table = f"DB{int(match[1][2:])}" if match[1] else "Q" if match[3] == "A" else match[3]
    address = int(match[5])
    # What is written is told as words that begin at even addresses.
    if address % 2 or address > _HIGHEST or (match[1] and int(match[1][2:]) > _HIGHEST):
        return None
    return Element(table, address, 1 if (match[2] or match[4]) == "W" else 2)


def _tag(text: str) -> Element | None:
    match = _FILE.fullmatch(text)
    if match is not None:
        return Element(match[1], int(match[2]))
    match = _TAG.fullmatch(text)
    if match is None or len(text) > _LONGEST_TAG:
        return None
    *outer, index = (match[2] or "0").split(",")
    return Element(match[1] + (f"[{','.join(outer)}]" if outer else ""), int(index))


def _numbered(*tables: str) -> Callable[[str], Element | None]:
    """Reads a table and a number such as "AO 3"."""
    known = re.compile(rf"({'|'.join(tables)}) ?([0-9]{{1,8}})")

    def read(text: str) -> Element | None:
        match = known.fullmatch(text)
        return None if match is None else Element(match[1], int(match[2]))

    return read


_READERS: Final[dict[str, Callable[[str], Element | None]]] = {
    "bacnet": _numbered(*BACNET_TABLES.values()),
    "dnp3": _numbered("AO"),
    "ethernet_ip": _tag,
    "fins": _fins,
    "iec104": _numbered("IOA"),
    "s7comm": _s7,
    "slmp": _slmp,
}
EXAMPLES: Final = {
    "bacnet": ("AV 3", "AO 1", "BO 2"),
    "dnp3": ("AO 3",),
    "ethernet_ip": ("Dosing.Setpoint", "Recipe[3]", "F8:0"),
    "fins": ("D200", "W10", "E0_100"),
    "iec104": ("IOA 4001",),
    "s7comm": ("DB10.DBW4", "DB10.DBD8", "MW20"),
    "slmp": ("D100", "W1A0", "M20"),
}
"""How elements of a protocol are named; a limit may be set for those of these protocols."""


def parse_element(protocol: str, text: str) -> Element | None:
    """The element of a protocol that a name means; None for none. Capital letters and small ones are the
    same."""
    return _READERS[protocol](" ".join(text.upper().split()))


def shown_element(protocol: str, table: str, address: int, words: int = 1, unit: int = UNKNOWN) -> str:
    """An element of so many words as people name it, and of which station behind the server it is."""
    if protocol == "slmp" and table == "ZR" and address < _BLOCK:
        return f"R{address}"
    if protocol == "slmp" and table in SLMP_TABLES:
        return f"{table}{address:X}" if SLMP_TABLES[table][1] == 16 else f"{table}{address}"
    if protocol == "fins":
        return f"{table}{address}"
    if protocol == "s7comm":
        size = "D" if words == 2 else "W"
        return f"{table}.DB{size}{address}" if table.startswith("DB") else f"{table}{size}{address}"
    if protocol == "ethernet_ip":
        return _shown_tag(table, address)
    if protocol in REAL and unit != UNKNOWN:
        station = f"{unit >> 8}:{unit & 0xFF}" if protocol == "bacnet" else str(unit)
        return f"{table} {address} ({station})"
    return f"{table} {address}"


def _shown_tag(table: str, address: int) -> str:
    if _FILE.fullmatch(f"{table}:0"):
        return f"{table}:{address}"
    if table.endswith("]"):
        return f"{table[:-1]},{address}]"
    return f"{table}[{address}]" if address else table


def kind_of(protocol: str, table: str) -> ElementKind:
    """What an element of a table is."""
    if protocol == "modbus":
        return "bit" if table == "coils" else "word"
    if protocol in REAL:
        return "real"
    bits = protocol == "slmp" and SLMP_TABLES.get(table, (False, 10))[0]
    return "bit" if bits else "word"


def stride_of(protocol: str) -> int:
    """How far the addresses of two words are apart that may be one number."""
    return 2 if protocol == "s7comm" else 1
