"""Commands to controllers over Modbus, which asks nobody who they are."""

from __future__ import annotations

import struct
from typing import Annotated

from pydantic import Field, model_validator

from otmon.lab import modbus
from otmon.lab.form import Duration, Form, Octet, Word, choice, whole
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Ending, Say
from otmon.lab.requests import TABLES, Request, RequestText, paced
from otmon.lab.scene import Act, Deed, Trouble, step_kind
from otmon.lab.sessions import MODBUS_PORT, UNIT, Session
from otmon.sentence import sentence
from otmon.zones.files.leaf import OneOrMore, wrong

MOST_REQUESTS = 20_000
"""Of one step to one controller."""
FAST_NS = 4 * MILLISECOND_NS
"""How soon a program asks the next thing."""
DIAGNOSTICS, FORCE_LISTEN_ONLY, RESTART_COMMUNICATIONS = 8, 4, 1
"""Function and subfunctions (MODBUS Application Protocol V1.1b3, 6.8)."""
LARGEST_FUNCTION = 127


class RequestsForm(Form):
    asks: Annotated[tuple[RequestText, ...], OneOrMore(), Field(max_length=200)]
    each: Duration = 2 * SECOND_NS
    """Between one request and the next."""
    times: Annotated[int, whole(1, 10_000)] = 1
    """How often all of them are asked."""

    @model_validator(mode="after")
    def _bounded(self) -> RequestsForm:
        if len(self.asks) * self.times > MOST_REQUESTS:
            count = len(self.asks) * self.times
            raise wrong(sentence("{count} requests, expected 1 to {most}", count=count, most=MOST_REQUESTS))
        return self


def _requests(act: Act, form: RequestsForm) -> Deed:
    """Reads and writes registers and coils of one or more controllers, one after the other."""
    requests = paced(form.asks * form.times, form.each)
    sessions, start_ns = [], act.start_ns
    for target in act.targets:
        sessions.append(Session(start_ns, act.by, target.host, act.event, requests))
        start_ns += sum(wait_ns for wait_ns, _ in requests) + SECOND_NS
    return Deed(sessions=sessions)


class UnitsForm(Form):
    first: Octet = 1
    last: Octet = 247
    each: Duration = 50 * MILLISECOND_NS


def _units(act: Act, form: UnitsForm) -> Deed:
    """Asks for each unit of a controller who it is, over a connection for each, as scanners do."""
    return Deed(
        sessions=[
            Session(
                act.start_ns + (unit - form.first) * form.each,
                act.by,
                act.to,
                act.event,
                ((FAST_NS, modbus.read_identification()),),
                unit,
            )
            for unit in range(form.first, form.last + 1)
        ]
    )


class RegistersForm(Form):
    tables: Annotated[tuple[Annotated[str, choice(TABLES)], ...], OneOrMore()] = ("holding", "input")
    first: Word = 0
    last: Word
    step: Annotated[int, whole(1, 125)] = 1
    each: Duration = 20 * MILLISECOND_NS

    @model_validator(mode="after")
    def _bounded(self) -> RegistersForm:
        count = len(self.tables) * len(range(self.first, self.last + 1, self.step))
        if not 1 <= count <= MOST_REQUESTS:
            raise wrong(sentence("{count} requests, expected 1 to {most}", count=count, most=MOST_REQUESTS))
        return self


def _registers(act: Act, form: RegistersForm) -> Deed:
    """Reads tables from one end to the other, to learn what is there."""
    requests: list[Request] = []
    for table in form.tables:
        for address in range(form.first, form.last + 1, form.step):
            count = min(form.step, 65_536 - address)
            requests.append((form.each, modbus.read(TABLES[table], address, count)))
    sessions, start_ns = [], act.start_ns
    for target in act.targets:
        sessions.append(Session(start_ns, act.by, target.host, act.event, tuple(requests)))
        start_ns += len(requests) * form.each + SECOND_NS
    return Deed(sessions=sessions)


class FunctionsForm(Form):
    first: Annotated[int, whole(1, LARGEST_FUNCTION)] = 1
    last: Annotated[int, whole(1, LARGEST_FUNCTION)] = LARGEST_FUNCTION
    each: Duration = 100 * MILLISECOND_NS


def _functions(act: Act, form: FunctionsForm) -> Deed:
    """Tries the function codes one by one, with an address that no controller has, to see which are there."""
    requests = []
    for function in range(form.first, form.last + 1):
        pdu = struct.pack(">BHH", function, 0xFFFF, 1)
        if function == modbus.DEVICE_IDENTIFICATION:
            pdu = modbus.read_identification()
        elif function == modbus.WRITE_REGISTERS:
            pdu = modbus.write_registers(0xFFFF, [0])
        requests.append((form.each, pdu))
    return Deed(sessions=[Session(act.start_ns, act.by, act.to, act.event, tuple(requests))])


class ListenOnlyForm(Form):
    lasts: Duration
    """Until communications are restarted."""


def _listen_only(act: Act, form: ListenOnlyForm) -> Deed:
    """Forces a controller to listen only: it runs on, but answers nobody until it is told to restart.

    Neither of the two commands is answered (V1.1b3, 6.8.1: 04 and, in that mode, 01).
    """
    asked = struct.pack(">BHH", DIAGNOSTICS, FORCE_LISTEN_ONLY, 0)
    again = struct.pack(">BHH", DIAGNOSTICS, RESTART_COMMUNICATIONS, 0)
    says = [
        Say("client", modbus.adu(1, UNIT, asked), SECOND_NS),
        Say("client", modbus.adu(2, UNIT, again), form.lasts),
    ]
    from_ns = act.start_ns + SECOND_NS
    trouble = Trouble("deaf", act.targets[0].name, act.event, from_ns, from_ns + form.lasts)
    return Deed(act.talk(0, (act.by, act.to), MODBUS_PORT, says), troubles=[trouble])


class CrashForm(Form):
    silent_for: Duration
    """Until its watchdog has started it anew."""
    messages: Annotated[int, whole(1, 1_000)] = 20


def _crash(act: Act, form: CrashForm) -> Deed:
    """Sends requests whose lengths are lies until the controller's communication fails, and it answers
    nobody any more, not even ARP."""
    packets = []
    for number in range(form.messages):
        count = 1 + act.random.randrange(120)
        pdu = struct.pack(">BHHB", modbus.WRITE_REGISTERS, 0, count, 255) + act.random.randbytes(20)
        head = struct.pack(">HHHB", number + 1, 0, 6 + act.random.randrange(200), UNIT)
        last = number == form.messages - 1
        answer = modbus.adu(number + 1, UNIT, modbus.exception(modbus.WRITE_REGISTERS, modbus.ILLEGAL_VALUE))
        says = [Say("client", head + pdu, 3 * MILLISECOND_NS)]
        says += [] if last else [Say("server", answer, 9 * MILLISECOND_NS)]
        ending: Ending = "left open" if last else "fin"
        later_ns = number * 300 * MILLISECOND_NS
        packets += act.talk(later_ns, (act.by, act.to), MODBUS_PORT, says, ending)
    from_ns = act.start_ns + form.messages * 300 * MILLISECOND_NS
    trouble = Trouble("silent", act.targets[0].name, act.event, from_ns, from_ns + form.silent_for)
    return Deed(packets, troubles=[trouble], malformed=form.messages)


REQUESTS = step_kind("modbus-requests", RequestsForm, asks="modbus")(_requests)
UNITS = step_kind("modbus-units", UnitsForm, asks="modbus")(_units)
REGISTERS = step_kind("modbus-registers", RegistersForm, asks="modbus")(_registers)
FUNCTIONS = step_kind("modbus-functions", FunctionsForm, asks="modbus")(_functions)
LISTEN_ONLY = step_kind("modbus-listen-only", ListenOnlyForm, asks="modbus")(_listen_only)
CRASH = step_kind("modbus-crash", CrashForm, asks="modbus")(_crash)
