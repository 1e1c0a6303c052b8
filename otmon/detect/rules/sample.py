"""The test cases of a rule file: a few facts in few words, what is not said having a default.

    facts:
      - operation: {client: 10.1.0.5, server: 10.2.0.1, function: 90, subfunction: 0x41}
      - conversation: {client: 10.1.0.5, server: 10.2.0.1-10.2.0.40, protocol: none, answered: false}

Keys are those of the facts (`otmon.ledger.facts`), and `first` and `last` as UTC times. A range stands
for one fact each of its values. An operation, written value, anomaly or credential brings the
conversation that it belongs to; a Modbus operation has the name and access class of its function. How
it went over time is told by `phases` (`otmon.detect.rules.phase`), of a written value by the `values` one
after the other, from its first time to its last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import product
from math import expm1, prod
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from otmon.detect.rules.field import Fact
from otmon.detect.rules.phase import EXPECTED, MAX_REQUESTS, counted, read_phases, requests
from otmon.ledger.facts import (
    DAY_NS,
    HOUR_NS,
    HOURS,
    MONDAY,
    NAME_BITS,
    NEVER,
    RATES,
    UNKNOWN,
    WAYS,
    Anomaly,
    Asset,
    AssetClaim,
    Busiest,
    Change,
    Conversation,
    CredentialSeen,
    Damage,
    Evidence,
    Extreme,
    NamesAsked,
    Operation,
    Peak,
    Source,
    WrittenValue,
)
from otmon.ledger.ledger import Ledger, conversation_key
from otmon.ledger.merge import collect
from otmon.protocols.modbus import service
from otmon.sentence import Sentence, sentence
from otmon.zones.address import Address, host, parse_address
from otmon.zones.files.document import quoted

Path = tuple[int | str, ...]
Listed = Fact | AssetClaim | NamesAsked | Damage
"""What a test case may list: facts that conditions ask for, what devices say of themselves, and damage."""

KINDS: Final[dict[str, type[Listed]]] = {
    "conversation": Conversation,
    "operation": Operation,
    "written-value": WrittenValue,
    "asset": Asset,
    "anomaly": Anomaly,
    "credential": CredentialSeen,
    "claim": AssetClaim,
    "names-asked": NamesAsked,
    "damage": Damage,
}
START: Final = "2026-01-05 09:00"
"""A Monday: when a fact is seen that says no time."""
_TALK: Final[dict[str, Any]] = {"transport": "tcp", "port": 502, "protocol": "modbus", "vlan": ""}
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "conversation": _TALK
    | {"expected": "", "role": "handshake", "answered": True, "flows": 1, "packets_to_server": 5,
       "packets_to_client": 5, "bytes_to_server": 500, "bytes_to_client": 500, "tunnel": "",
       "resets": 0, "busiest": 0},
    "operation": _TALK
    | {"unit": 1, "function": 3, "subfunction": UNKNOWN, "service": "", "access": "unknown",
       "address": UNKNOWN, "count": UNKNOWN, "status": 0, "swept": False, "times": 1,
       "response_ns_sum": 1, "response_ns_min": 1, "response_ns_max": 1, "answered": 1, "gap_ns": 0,
       "response_counts": (), "busiest": 0, "course": ()},
    "written-value": _TALK
    | {"unit": 1, "table": "holding_registers", "address": 0, "words": 1, "times": 1},
    "asset": {"mac": "", "address": "", "vlan": "", "packets": 1, "bytes": 60, "arp": 0, "arp_asked": 0,
              "peaks": ()},
    "anomaly": _TALK
    | {"from_client": True, "reason": "length", "field": "length", "function": UNKNOWN, "value": 0,
       "needed": UNKNOWN, "times": 1},
    "credential": _TALK
    | {"port": 80, "protocol": "http", "account": "admin", "method": "basic", "entry": "", "kind": "clear",
       "outcome": "accepted", "times": 1},
    "claim": {"mac": "", "address": "", "vlan": "", "kind": "name", "value": "", "protocol": "dhcp",
              "times": 1},
    "names-asked": {"transport": "udp", "port": 53, "protocol": "dns", "vlan": "", "domain": "", "times": 1,
                    "free": 0, "names": 1, "carried_bits": 0},
    "damage": {"source": "test", "kind": "cut-record", "offset": -1, "count": 1, "detail": ""},
}  # fmt: skip
_TIMES: Final = ("first", "last")
_WRITTEN: Final = ("value", "before")
_SENDERS: Final = ("asset", "claim")
"""Facts of one party."""
_OF_NOBODY: Final = "damage"
"""A fact that has no party, and no time."""
_SPREAD: Final = ("client", "server", "port", "unit", "function", "address")
"""What may be a range."""
MAX_FACTS: Final = 2_048
"""Facts of one list: eight networks of 256 hosts. Ranges make many of few letters."""
_OCTETS: Final = range(256)
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


class SampleWrong(Exception):
    """Facts that cannot be read: path and what was expected, for each."""

    def __init__(self, problems: Sequence[tuple[Path, Sentence, bool]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(what for _, what, _ in problems))


def ledger_of(listed: Sequence[Mapping[str, Any]]) -> Ledger:
    """The facts that a test case lists, as a ledger. Raises `SampleWrong`."""
    problems: list[tuple[Path, Sentence, bool]] = []
    found: list[Listed] = []
    for number, one in enumerate(listed):
        found.extend(_facts(one, (number,), problems, MAX_FACTS - len(found)))
    if problems:
        raise SampleWrong(problems)
    talks = {conversation_key(one): one for one in found if isinstance(one, Conversation)}
    for fact in found:
        if not isinstance(fact, Asset | Conversation | AssetClaim | Damage):
            talks.setdefault(conversation_key(fact), _conversation_of(fact))
    timed = [one for one in found if not isinstance(one, Damage)]
    first_ns = min((one.first_ns for one in timed), default=0)
    last_ns = max((one.last_ns for one in timed), default=0)
    return collect(
        sources=[Source("test", 1, 60, first_ns, last_ns, ())],
        conversations=list(talks.values()),
        operations=[one for one in found if isinstance(one, Operation)],
        written=[one for one in found if isinstance(one, WrittenValue)],
        assets=[one for one in found if isinstance(one, Asset)],
        anomalies=[one for one in found if isinstance(one, Anomaly)],
        credentials=[one for one in found if isinstance(one, CredentialSeen)],
        claims=[one for one in found if isinstance(one, AssetClaim)],
        names=[one for one in found if isinstance(one, NamesAsked)],
        damage=[one for one in found if isinstance(one, Damage)],
    )


def _conversation_of(fact: Operation | WrittenValue | Anomaly | CredentialSeen | NamesAsked) -> Conversation:
    names = ("client", "server", "transport", "port", "protocol", "vlan")
    ends = dict(zip(names, conversation_key(fact), strict=True))
    given = _DEFAULTS["conversation"] | ends | {"busiest": NEVER}
    hours = _hours(fact.first_ns, fact.last_ns)
    return Conversation(
        **given, hours=hours, first_ns=fact.first_ns, last_ns=fact.last_ns, evidence=fact.evidence
    )


def _facts(
    one: Mapping[str, Any], path: Path, problems: list[tuple[Path, Sentence, bool]], room: int
) -> Iterator[Listed]:
    """The facts that one entry stands for, at most `room`."""
    if len(one) != 1 or next(iter(one)) not in KINDS:
        what = sentence("expected one of {names} and its members", names=tuple(KINDS))
        problems.append((path, what, False))
        return
    ((kind, said),) = one.items()
    path = (*path, kind)
    if not isinstance(said, dict):
        example = "{client: 10.1.0.5, server: 10.2.0.1}"
        problems.append((path, sentence("expected a mapping such as {example}", example=example), False))
        return
    before = len(problems)
    given = _members(kind, said, path, problems)
    if len(problems) > before:
        return
    spread = {key: given.pop(key) for key in _SPREAD if key in given}
    count = prod(map(len, spread.values())) * len(given.get("values", "1"))
    if count > room:
        what = sentence(
            "{count} facts where {room} are left, expected at most {most} in one list",
            count=count, room=room, most=MAX_FACTS,
        )  # fmt: skip
        problems.append((path, what, False))
        return
    for chosen in product(*spread.values()):
        for single in _writes(given):
            yield _fact(kind, single | dict(zip(spread, chosen, strict=True)))


def _members(
    kind: str, said: Mapping[Any, Any], path: Path, problems: list[tuple[Path, Sentence, bool]]
) -> dict[str, Any]:
    """What an entry says of a fact, read; what is wrong with it is among the problems then."""
    readers = _readers(kind)
    given: dict[str, Any] = {}
    for key, text in said.items():
        if key not in readers:
            from otmon.zones.files.entry import nearest  # it loads pydantic

            what = sentence(
                "unknown key {key}, expected {expected}",
                key=quoted(str(key)), expected=nearest(str(key), readers),
            )  # fmt: skip
            problems.append(((*path, key), what, True))
            continue
        read, expected, _ = readers[key]
        readable = key in _NESTED or isinstance(text, str | None)
        value = read("" if text is None else text) if readable else None
        if value is None:
            shown = quoted(text) if isinstance(text, str) else sentence("this value")
            what = sentence("{found} does not fit here, expected {expected}", found=shown, expected=expected)
            problems.append(((*path, key), what, False))
        given[key] = value
    problems += [
        (path, sentence("{key} is missing, expected an address", key=name), False)
        for name in ("client", "server")
        if kind not in (*_SENDERS, _OF_NOBODY) and name not in said
    ]
    if kind in _SENDERS and not {"mac", "address"} & said.keys():
        problems.append((path, sentence("mac or address is missing, expected one of them"), False))
    if requests(given.get("first", _START_NS), given.get("phases") or ()) > MAX_REQUESTS:
        what = sentence(
            "more than {most} requests, expected {expected}", most=MAX_REQUESTS, expected=EXPECTED
        )
        problems.append(((*path, "phases"), what, False))
    return given


def _writes(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each of its values; they are one fact when they are joined."""
    if "values" not in given:
        yield dict(given)
        return
    values = given["values"]
    first: int = given.get("first", _START_NS)
    width = max(given.get("last", first) - first, 0)
    held = given.get("before", UNKNOWN)
    for number, value in enumerate(values):
        at = first + width * number // max(len(values) - 1, 1)
        yield {key: said for key, said in given.items() if key != "values"} | {
            "value": value, "before": held, "first": at, "last": at,
        }  # fmt: skip
        held = value


def _fact(kind: str, given: dict[str, Any]) -> Listed:
    if kind == _OF_NOBODY:
        return Damage(**_DEFAULTS[kind] | given)
    first: int = given.pop("first", _START_NS)
    if "phases" in given:
        given = counted(first, given.pop("phases")) | given
        given.setdefault("last", given.pop("last_ns"))
    last: int = max(given.pop("last", first), first)
    value, held = 0, UNKNOWN
    if kind == "written-value":
        value, held = given.pop("value", value), given.pop("before", held)
    if "gap" in given:
        given["gap_ns"] = given.pop("gap")
    whole = _DEFAULTS[kind] | given | {"first_ns": first, "last_ns": last}
    whole["evidence"] = Evidence(first, "test", 1, 0)
    if kind in ("conversation", "operation"):
        whole["hours"] = _hours(first, last)
    if kind == "operation" and whole["protocol"] == "modbus":
        known = service(whole["function"], whole["subfunction"])
        whole |= {"service": known.name, "access": known.access} | given
    if kind == "written-value":
        orders = 2 if whole["words"] == 1 else 4
        seen = Extreme(value, held, whole["evidence"])
        whole["extremes"] = (seen,) * (2 * orders)
        whole.setdefault("repeated", int(held == value))
        ways = 2 if orders == 2 else len(WAYS)
        whole["steps"] = (seen,) * ways if held != UNKNOWN else ()
        moved = Change(value, held, whole["evidence"], whole["evidence"])
        whole["changes"] = (moved,) * ways if held not in (UNKNOWN, value) else ()
    if kind == "anomaly":
        whole["value"] = value
    if kind == "asset":
        whole["peaks"] = tuple(Peak(rate, packets, first) for rate, packets in whole["peaks"])
    if kind == "names-asked":
        whole.setdefault("day", first // DAY_NS)
        # As many bits as so many names set on average.
        bits = round(NAME_BITS * -expm1(-whole["names"] / NAME_BITS))
        whole["names"] = (1 << bits) - 1
    if "busiest" in whole:
        whole["busiest"] = Busiest(whole["busiest"], whole["evidence"])
    return KINDS[kind](**whole)


def _hours(first_ns: int, last_ns: int) -> int:
    """Bits of the hours of the week from the first to the last instant."""
    begin, end = first_ns // HOUR_NS, last_ns // HOUR_NS
    bits = 0
    for hour in range(begin, min(end, begin + HOURS - 1) + 1):
        bits |= 1 << ((hour + MONDAY) % HOURS)
    return bits


def _instant(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    if len(digits) <= 19 and digits.isascii():
        if digits.isdecimal():
            return int(text)
        if digits[:2] in ("0x", "0X") and digits[2:].isalnum():
            try:
                return int(text, 16)
            except ValueError:
                return None
    return None


def _line(text: str) -> str | None:
    return text if text.isprintable() and len(text) <= 200 else None


def _numbers(text: str) -> Sequence[int] | None:
    """A number, or those of a range such as 1-40."""
    one = _number(text)
    if one is not None:
        return (one,)
    low, _, high = text.partition("-")
    first, last = _number(low), _number(high)
    if first is None or last is None or not first <= last < first + MAX_FACTS:
        return None
    return range(first, last + 1)


def _hosts(text: str) -> Sequence[str] | None:
    """A host's address, or those of a range such as 10.2.0.1-10.2.0.40."""
    low, dash, high = text.partition("-")
    first = parse_address(low)
    if not dash or first is None:
        return None if _line(text) is None else (text,)
    last = parse_address(high)
    if last is None or last.bits != first.bits or not first.value <= last.value < first.value + MAX_FACTS:
        return None
    return [str(host(Address(first.bits, value))) for value in range(first.value, last.value + 1)]


def _seconds(text: str) -> int | None:
    """Read seconds, as nanoseconds."""
    return int(Decimal(text) * 1_000_000_000) if _SECONDS.fullmatch(text) else None


def _octets(said: object) -> int | None:
    """Last octets as bits: so many from 1 on, or those of a list of numbers and ranges."""
    if isinstance(said, str):
        count = _number(said)
        return None if count is None or not 0 <= count < len(_OCTETS) else ((1 << count) - 1) << 1
    bits = 0
    for one in said if isinstance(said, list) else ("",):
        numbers = _numbers(one) if isinstance(one, str) else None
        if numbers is None or numbers[0] not in _OCTETS or numbers[-1] not in _OCTETS:
            return None
        for number in numbers:
            bits |= 1 << number
    return bits


def _values(said: object) -> tuple[int, ...] | None:
    """Whole numbers in order."""
    numbers = (
        [_number(one) if isinstance(one, str) else None for one in said] if isinstance(said, list) else []
    )
    found = tuple(one for one in numbers if one is not None)
    return found if found and len(found) == len(numbers) else None


def _peaks(said: object) -> tuple[tuple[str, int], ...] | None:
    """Kinds and the most packets of each in a second, by kind."""
    if not isinstance(said, dict):
        return None
    counts = {kind: _number(text) if isinstance(text, str) else None for kind, text in said.items()}
    found = [(kind, count) for kind, count in counts.items() if kind in RATES and count is not None]
    return tuple(sorted(found)) if len(found) == len(said) and all(n >= 0 for _, n in found) else None


_START_NS: Final = _instant(START) or 0
_NESTED: Final = ("arp_asked", "peaks", "phases", "values")
"""What may be more than one text."""
Reader = tuple[Any, str, dict[str, Any]]
_PLAIN: Final[dict[str, Any]] = {"type": ["string", "number", "null"]}
_NUMBER: Final[Reader] = (_number, "a whole number", _PLAIN)
_SPECIAL: Final[dict[tuple[str, str], Reader]] = {
    ("asset", "arp_asked"): (
        _octets,
        "a number of addresses up to 255, or a list of last octets such as [1, 10-80]",
        {"type": ["string", "number", "array"]},
    ),
    ("asset", "peaks"): (
        _peaks,
        f"packets in a second of {', '.join(RATES)}, such as {{{RATES[0]}: 300}}",
        {"type": "object", "properties": {kind: _PLAIN for kind in RATES}, "additionalProperties": False},
    ),
    ("operation", "gap"): (_seconds, "seconds such as 1 or 0.5", _PLAIN),
    ("operation", "phases"): (
        lambda said: read_phases(said, _instant, _seconds),
        EXPECTED,
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": dict.fromkeys(("until", "every", "response"), _PLAIN),
                "required": ["until", "every", "response"],
                "additionalProperties": False,
            },
        },
    ),
    ("written-value", "values"): (
        _values,
        "a list of whole numbers such as [620, 590, 560]",
        {"type": "array", "items": _PLAIN},
    ),
    ("conversation", "busiest"): _NUMBER,
    ("operation", "busiest"): _NUMBER,
}


def fact_schema() -> dict[str, Any]:
    """The JSON schema of one entry, for editors."""
    kinds = {
        kind: {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                key: schema | {"description": expected}
                for key, (_, expected, schema) in _readers(kind).items()
            },
        }
        for kind in KINDS
    }
    return {
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
        "properties": kinds,
    }  # fmt: skip


@cache
def _readers(kind: str) -> dict[str, Reader]:
    """Key -> (what reads its text and gives None for what does not fit, what it expects, its schema).
    What may be a range is read as all its values."""
    found: dict[str, Reader] = {}
    hints = get_type_hints(KINDS[kind])
    for one in fields(KINDS[kind]):
        hint = hints[one.name]
        if one.name in (
            "evidence",
            "extremes",
            "steps",
            "changes",
            "hours",
            "first_ns",
            "last_ns",
            "gap_ns",
            "busiest",
            "course",
            "response_counts",
            *_NESTED,
        ):
            continue
        if get_origin(hint) is Literal:
            choices = get_args(hint)
            found[one.name] = (
                lambda text, known=choices: text if text in known else None,
                ", ".join(choices),
                {"enum": list(choices)},
            )
        elif hint is bool:
            found[one.name] = ({"true": True, "false": False}.get, "true or false", {"type": "boolean"})
        elif hint is int:
            spread = (_numbers, f"a whole number, or a range such as 1-40 of at most {MAX_FACTS}", _PLAIN)
            found[one.name] = spread if one.name in _SPREAD else _NUMBER
        elif one.name in _SPREAD:
            expected = f"an address, or a range such as 10.2.0.1-10.2.0.40 of at most {MAX_FACTS}"
            found[one.name] = (_hosts, expected, _PLAIN)
        else:
            found[one.name] = (_line, "one line of text", _PLAIN)
    if kind == "written-value":
        found |= dict.fromkeys(_WRITTEN, _NUMBER)
    found |= {key: reader for (of, key), reader in _SPECIAL.items() if of == kind}
    if kind == _OF_NOBODY:
        return found
    return found | {name: (_instant, "a time such as 2026-01-05 09:00", _PLAIN) for name in _TIMES}
