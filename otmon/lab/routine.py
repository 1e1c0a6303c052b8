"""What a plant does on every day, as its file says it under `routine`: one entry for each habit.

`otmon.lab.polling` makes the packets of what is asked each second, `otmon.lab.habits` those of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from otmon.lab.form import (
    Clock,
    Domain,
    Duration,
    Form,
    Id,
    RangeError,
    Sheet,
    Text,
    Word,
    checked,
    choice,
    does_not_serve,
    whole,
)
from otmon.lab.requests import RequestText
from otmon.sentence import sentence
from otmon.zones.files.leaf import OneOrMore

Hosts = Annotated[tuple[Id, ...], OneOrMore(), Field(max_length=200)]
Requests = Annotated[tuple[RequestText, ...], OneOrMore(), Field(max_length=64)]
PerHour = Annotated[int, whole(1, 3600)]

PORTS: Final = {"modbus": 502, "s7comm": 102, "ethernet_ip": 44818, "opc_ua": 4840}


class Habit(Form):
    """What entries of a client and a server have."""

    does: ClassVar[str] = ""
    by: Hosts
    to: Hosts


class Poll(Habit):
    """Asks again and again over a connection that is open all day."""

    does: ClassVar[str] = "poll"
    protocol: Annotated[str, choice(PORTS)] = "modbus"
    every: Duration
    asks: Requests | None = None
    """Modbus."""
    block: Word | None = None
    """S7: the data block that is read."""
    tag: Text | None = None
    """EtherNet/IP."""
    nodes: Annotated[tuple[Text, ...], OneOrMore(), Field(max_length=64)] | None = None
    """OPC UA: the variables that are read."""


class Screen(Habit):
    """An operator opens a screen, which reads each second, and closes it again. One server after another."""

    does: ClassVar[str] = "screen"
    every: Duration
    open_for: Duration
    asks: Requests


class Ask(Habit):
    """A short connection with requests at certain times of day."""

    does: ClassVar[str] = "asks"
    at: Annotated[tuple[Clock, ...], OneOrMore(), Field(max_length=200)] = ()
    every: Duration | None = None
    asks: Requests
    each: Duration = 2_000_000_000


class WriteBlock(Habit):
    """S7: a value is written at certain times of day."""

    does: ClassVar[str] = "writes-block"
    at: Annotated[tuple[Clock, ...], OneOrMore(), Field(max_length=200)]
    block: Word


class WriteNode(Habit):
    """OPC UA: a variable is written at certain times of day."""

    does: ClassVar[str] = "writes-node"
    at: Annotated[tuple[Clock, ...], OneOrMore(), Field(max_length=200)]
    node: Text


class Https(Habit):
    """Uses a server over HTTPS now and then."""

    does: ClassVar[str] = "https"
    per_hour: PerHour
    name: Domain


class AskTime(Habit):
    """Asks for the time, about so often."""

    does: ClassVar[str] = "time"
    every: Duration


class AskName(Habit):
    """Asks for names of hosts of the plant."""

    does: ClassVar[str] = "names"
    per_hour: PerHour
    of: Hosts
    domain: Domain


class AskAddress(Form):
    """Asks for the MAC address of its gateway, or of hosts beside it, about so often."""

    does: ClassVar[str] = "addresses"
    by: Hosts
    to: Hosts = ()
    every: Duration


class Print(Habit):
    """Prints labels."""

    does: ClassVar[str] = "prints"
    per_hour: PerHour


class Lease(Form):
    """Gets its address from the router of its network."""

    does: ClassVar[str] = "lease"
    by: Hosts
    at: Clock


class Neighbour(Form):
    """Tells its neighbours who it is (LLDP)."""

    does: ClassVar[str] = "neighbours"
    by: Hosts
    every: Duration


class Maintain(Habit):
    """Agreed remote work: HTTPS to the way in, and remote desktop from there."""

    does: ClassVar[str] = "remote-maintenance"
    on: Id
    at: Clock
    turns: Annotated[int, whole(1, 500)]
    name: Domain


HABITS: Final[Mapping[str, type[Form]]] = {
    form.does: form
    for form in (
        Poll, Screen, Ask, WriteBlock, WriteNode, Https, AskTime, AskName, AskAddress, Print, Lease,
        Neighbour, Maintain,
    )
}  # fmt: skip
"""By what stands under `does`."""
MAX_HABITS: Final = 200
LONGEST_OPEN_NS: Final = 1_800 * 1_000_000_000


def routine_of(sheet: Sheet, entries: tuple[dict[str, Any], ...], hosts: Mapping[str, Any]) -> list[Form]:
    """The entries under `routine`, each checked; what is wrong is added to the sheet."""
    found = []
    for number, content in enumerate(entries):
        place = ("routine", number)
        does = content.get("does")
        if not isinstance(does, str):
            sheet.say(
                place, sentence("{key} is missing, expected {expected}", key="does", expected=tuple(HABITS))
            )
            continue
        if not sheet.known((*place, "does"), sentence("habit"), does, HABITS):
            continue
        try:
            form = checked(sheet, place, HABITS[does], {k: v for k, v in content.items() if k != "does"})
        except RangeError:
            continue  # It is among the sheet's problems, and the other entries are looked at too.
        for key in ("by", "to", "of"):
            for at, name in enumerate(getattr(form, key, ())):
                sheet.known((*place, key, at), sentence("host"), name, hosts)
        if isinstance(form, Maintain):
            sheet.known((*place, "on"), sentence("host"), form.on, hosts)
        if isinstance(form, Poll):
            _asks_one_thing(sheet, place, form)
        _reachable(sheet, place, form, hosts)
        if isinstance(form, Screen) and not 10**9 <= form.open_for <= min(form.every, LONGEST_OPEN_NS):
            what = sentence(
                "the screen is open too long or too short, expected 1s to 30min, and no longer than `every`"
            )
            sheet.say((*place, "open_for"), what)
        if isinstance(form, Poll | Screen) and not all(pdu for _, pdu in form.asks or ()):
            sheet.say(
                (*place, "asks"), sentence("a wait among what is asked each time, expected requests alone")
            )
        every = getattr(form, "every", None)
        if every is not None and every < 100_000_000:
            sheet.say((*place, "every"), sentence("more often than each 100 ms, expected 100ms or longer"))
        found.append(form)
    return found


def _reachable(sheet: Sheet, place: tuple[int | str, ...], form: Form, hosts: Mapping[str, Any]) -> None:
    """Says which hosts do not serve what they are asked, or are too far away for it."""
    asked = {Screen: "modbus", Ask: "modbus", WriteBlock: "s7comm", WriteNode: "opc_ua"}.get(type(form), "")
    asked = form.protocol if isinstance(form, Poll) else asked
    for at, name in enumerate(getattr(form, "to", ())):
        if asked and name in hosts and hosts[name].serves(asked) is None:
            sheet.say((*place, "to", at), does_not_serve(name, asked))
    if isinstance(form, AskAddress | Lease | Neighbour):
        for key in ("by", "to"):
            for at, name in enumerate(getattr(form, key, ())):
                if name in hosts and not hosts[name].mac:
                    what = sentence("{name} is on the Internet, expected a host of the plant", name=name)
                    sheet.say((*place, key, at), what)


def _asks_one_thing(sheet: Sheet, place: tuple[int | str, ...], form: Poll) -> None:
    wanted = {"modbus": "asks", "s7comm": "block", "ethernet_ip": "tag", "opc_ua": "nodes"}[form.protocol]
    for key in ("asks", "block", "tag", "nodes"):
        if (getattr(form, key) is not None) != (key == wanted):
            what = sentence(
                "{key} does not fit {protocol}, expected {wanted} alone",
                key=key, protocol=form.protocol, wanted=wanted,
            )  # fmt: skip
            sheet.say(place, what)
