"""A machine in the middle: what two hosts say to each other goes through it, because it lies about whose
address is where (RFC 826: a host believes any ARP reply)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from otmon.lab import modbus
from otmon.lab.form import Duration, Form
from otmon.lab.frames import SECOND_NS, Packet, arp
from otmon.lab.scene import Act, Deed, Trouble, step_kind
from otmon.sentence import sentence
from otmon.zones.files.leaf import Leaf

MOST_LIES = 50_000
"""In one step."""
RESTORING = 3
"""Replies with the truth, when it is over."""
_SHOWN = re.compile(r"(holding|input) ([0-9]{1,3}) = ([0-9]{1,5})", re.ASCII)

Shown = tuple[tuple[int, int], int]


def _read_shown(text: str) -> Shown | None:
    found = _SHOWN.fullmatch(text)
    if found is None or int(found[3]) > 65_535:
        return None
    function = modbus.READ_HOLDING if found[1] == "holding" else modbus.READ_INPUT
    return (function, int(found[2])), int(found[3])


ShownText = Annotated[Shown, Leaf(sentence("a register and its value, such as: input 0 = 220"), _read_shown)]


class DivertForm(Form):
    lasts: Duration
    every: Duration = 2 * SECOND_NS
    """From one lie to the next."""
    shows: Annotated[
        tuple[
            Annotated[Shown, Leaf(sentence("a register and its value, such as: input 0 = 220"), _read_shown)],
            ...,
        ],
        Field(max_length=64),
    ] = ()
    """What the client is told instead of what the controller said."""


def _divert(act: Act, form: DivertForm) -> Deed:
    """Poisons the ARP caches of two hosts of one network; their polling goes by way of the attacker, who
    may show the client other values than the controller's. The two targets: client, controller."""
    client, server = (one.host for one in act.targets[:2])
    packets = []
    for number in range(min(form.lasts // form.every, MOST_LIES)):
        time_ns = act.start_ns + number * form.every
        for later_ns, owner, told in ((0, server, client), (400_000, client, server)):
            lie = arp(2, type(owner)(owner.name, owner.address, act.by.mac), told.address, told.mac)
            packets.append(Packet(time_ns + later_ns, lie, act.event))
    end_ns = act.start_ns + form.lasts
    for number in range(RESTORING):
        for owner, told in ((server, client), (client, server)):
            truth = arp(2, owner, told.address, told.mac)
            # Sent by the attacker, with the owner's address inside.
            packets.append(Packet(end_ns + number * SECOND_NS, truth, act.event))
    trouble = Trouble(
        "diverted",
        act.targets[0].name,
        act.event,
        act.start_ns + SECOND_NS // 10,
        end_ns,
        act.targets[1].name,
        act.by,
        dict(form.shows),
    )
    return Deed(packets, troubles=[trouble])


DIVERT = step_kind("divert", DivertForm, targets=2, local=lambda form: True)(_divert)
