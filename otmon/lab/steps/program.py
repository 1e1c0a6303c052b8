"""Work on S7 controllers: stop, download, start, upload, and reading and writing data."""

from __future__ import annotations

import re
from typing import Annotated

from otmon.lab import s7, s7_program
from otmon.lab.connection_sharing import shared
from otmon.lab.form import Duration, Form, Id, Word, whole
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Say
from otmon.lab.scene import Act, Deed, Trouble, step_kind
from otmon.sentence import sentence
from otmon.zones.files.leaf import Leaf

_HEX = re.compile(r"(?:[0-9a-f]{2}){1,200}", re.ASCII)

Hex = Annotated[
    bytes,
    Leaf(
        sentence("hexadecimal bytes such as 0280"),
        lambda text: bytes.fromhex(text) if _HEX.fullmatch(text) else None,
    ),
]


def _opened(*exchanges: s7.Exchange) -> list[Say]:
    return s7.session(exchanges)


class StopForm(Form):
    lasts: Duration
    """Until a later step starts it again."""


def _stop(act: Act, form: StopForm) -> Deed:
    """Identifies an S7 CPU and stops it: it goes on answering, but no program runs."""
    says = _opened(*s7_program.identification(2), (4 * SECOND_NS, s7_program.stop(3), s7_program.stopped(3)))
    packets = act.talk(0, (act.by, act.to), s7.PORT, says)
    from_ns = act.start_ns + 5 * SECOND_NS
    trouble = Trouble("stopped", act.targets[0].name, act.event, from_ns, from_ns + form.lasts)
    return Deed(packets, troubles=[trouble])


class CodeForm(Form):
    block: Word = 1
    """Number of the organisation block."""
    size: Annotated[int, whole(1, 65_000)] = 4_000
    """Bytes of code."""


def _download(act: Act, form: CodeForm) -> Deed:
    """Downloads a block of code into an S7 CPU and makes it part of the program."""
    code = s7_program.code_of(form.size, act.random)
    says = [*_opened(), *s7_program.download(2, form.block, code)]
    return Deed(act.talk(0, (act.by, act.to), s7.PORT, says))


def _upload(act: Act, form: CodeForm) -> Deed:
    """Uploads a block of code from an S7 CPU, to learn what it does."""
    code = s7_program.code_of(form.size, act.random)
    says = [*_opened(), *s7_program.upload(2, form.block, code)]
    return Deed(act.talk(0, (act.by, act.to), s7.PORT, says))


class StartForm(Form):
    pass


def _start(act: Act, form: StartForm) -> Deed:
    """Restarts an S7 CPU; it runs what was downloaded."""
    says = _opened((SECOND_NS, s7_program.start(2, cold=True), s7_program.invoked(2)))
    return Deed(act.talk(0, (act.by, act.to), s7.PORT, says))


class DataForm(Form):
    block: Word
    reads: Annotated[int, whole(1, 10_000)] = 1
    """How often the block is read."""
    each: Duration = 2 * SECOND_NS
    holds: Hex
    """What it holds."""
    writes: Hex | None = None
    """What is written from its first byte, after reading."""
    by_way_of: tuple[Id, Id] | None = None
    """A machine with two legs that shares its connection: the leg beside the client, and the leg beside the
    controller."""


def _data(act: Act, form: DataForm) -> Deed:
    """Reads a data block of an S7 CPU, and may write to it; perhaps by way of a machine in between."""
    exchanges = [
        (form.each, s7.read(n, form.block, 0, len(form.holds)), s7.answer_read(n, form.holds))
        for n in range(2, 2 + form.reads)
    ]
    if form.writes is not None:
        number = 2 + form.reads
        now = form.writes + form.holds[len(form.writes) :]
        exchanges += [
            (form.each, s7.write(number, form.block, 0, form.writes), s7.answer_write(number)),
            (form.each, s7.read(number + 1, form.block, 0, len(now)), s7.answer_read(number + 1, now)),
        ]
    says = _opened(*exchanges)
    if form.by_way_of is None:
        return Deed(act.talk(0, (act.by, act.to), s7.PORT, says))
    outer, inner = (act.hosts[name].host for name in form.by_way_of)
    start_ns = act.start_ns + 3 * MILLISECOND_NS
    seed = act.random.getrandbits(32)
    return Deed(shared(act.wire, start_ns, (act.by, act.to), (outer, inner), s7.PORT, says, seed, act.event))


STOP = step_kind("s7-stop", StopForm, asks="s7comm")(_stop)
DOWNLOAD = step_kind("s7-download", CodeForm, asks="s7comm")(_download)
UPLOAD = step_kind("s7-upload", CodeForm, asks="s7comm")(_upload)
START = step_kind("s7-start", StartForm, asks="s7comm")(_start)
DATA = step_kind("s7-data", DataForm, asks="s7comm")(_data)
