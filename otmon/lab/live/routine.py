"""What goes on in a range when nobody attacks: the habits in the plant's file, done in earnest.

Polls, screens and what engineers look at come as often as the file says, and at once rather than at their
times of day. Setpoints that people change once a day are left to those who use the range, and ARP to the
machines, who do it by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otmon.lab import modbus, routine
from otmon.lab.frames import SECOND_NS
from otmon.lab.live.clients import Errand, Poll
from otmon.lab.plant import Plant
from otmon.lab.process import block_of, tag_of

LOOK_S = 600.0
"""How often what is asked at certain times of day is asked here."""
_READS = (
    modbus.READ_COILS,
    modbus.READ_DISCRETE,
    modbus.READ_HOLDING,
    modbus.READ_INPUT,
    modbus.DEVICE_IDENTIFICATION,
)


@dataclass(frozen=True, slots=True)
class Routine:
    polls: tuple[Poll, ...]
    errands: tuple[Errand, ...]

    def of(self, client: str) -> tuple[tuple[Poll, ...], tuple[Errand, ...]]:
        """What one host does."""
        polls = tuple(one for one in self.polls if one.client == client)
        return polls, tuple(one for one in self.errands if one.client == client)


def routine_of(plant: Plant) -> Routine:
    """The habits of a plant, pair by pair."""
    polls: list[Poll] = []
    errands: list[Errand] = []
    for form in plant.routine:
        if isinstance(form, routine.Poll) and form.protocol == "modbus":
            polls += _polls(plant, form, form.asks or (), form.every / SECOND_NS)
        elif isinstance(form, routine.Screen):
            open_s, every_s = form.open_for / SECOND_NS, form.every / SECOND_NS
            polls += _polls(plant, form, form.asks, 1.0, open_s, max(every_s - open_s, 1.0))
        elif isinstance(form, routine.Ask):
            rests_s = form.every / SECOND_NS if form.every is not None else LOOK_S
            polls += _polls(plant, form, form.asks, rests_s, 1.0, rests_s)
        elif isinstance(form, routine.Habit):
            errands += _errands(plant, form)
    return Routine(tuple(polls), tuple(errands))


def _polls(
    plant: Plant,
    form: routine.Habit,
    asks: Sequence[tuple[int, bytes]],
    every_s: float,
    open_s: float = 0.0,
    closed_s: float = 0.0,
) -> list[Poll]:
    """One for each pair; what would write is left out."""
    pdus = tuple(pdu for _, pdu in asks if pdu and pdu[0] in _READS)
    found = []
    for client in form.by:
        for server in form.to:
            there = plant.by_name[server]
            service = there.serves("modbus")
            if service is not None and pdus:
                ends = (client, server, there.address, service.port, service.unit)
                found.append(Poll(*ends, pdus, every_s, open_s, closed_s))
    return found


def _errands(plant: Plant, form: routine.Habit) -> list[Errand]:
    """One for each pair and each name that is asked for, of what some host serves."""
    names: tuple[str, ...] = ("",)
    protocol, every_s, writes = "", 0.0, False
    if isinstance(form, routine.Https):
        protocol, every_s, names = "tls", 3_600 / form.per_hour, (form.name,)
    elif isinstance(form, routine.AskTime):
        protocol, every_s = "ntp", form.every / SECOND_NS
    elif isinstance(form, routine.AskName):
        names = tuple(f"{name}.{form.domain}" for name in form.of)
        protocol, every_s = "dns", 3_600 * len(names) / form.per_hour
    elif isinstance(form, routine.Print):
        protocol, every_s = "printing", 3_600 / form.per_hour
    elif isinstance(form, routine.Poll):
        protocol, every_s = form.protocol, form.every / SECOND_NS
        names = (_read_of(plant, form),)
    elif isinstance(form, routine.WriteNode):
        protocol, every_s, names = "opc_ua", LOOK_S, (form.node,)
        writes = True
    found = []
    for client in form.by:
        for server in form.to:
            there = plant.by_name[server]
            service = there.serves(protocol)
            if service is not None:
                ends = (client, server, there.address, service.port, protocol)
                found += [Errand(*ends, every_s, name, writes) for name in names]
    return found


def _read_of(plant: Plant, form: routine.Poll) -> str:
    """The block or tag that is read, and how much of it there is."""
    if form.protocol == "s7comm":
        block = block_of(plant, form.block or 0)
        return f"{form.block} {len(block(plant.midnight_ns)) if block is not None else 1}"
    if form.protocol == "opc_ua":
        return " ".join(form.nodes or ())
    tag = tag_of(plant, form.tag or "")
    return f"{form.tag} {len(tag(plant.midnight_ns)) if tag is not None else 1}"
