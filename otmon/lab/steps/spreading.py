"""What spreads from machine to machine over shares, and what it does there."""

from __future__ import annotations

from typing import Annotated

from otmon.lab import smb, smb_files
from otmon.lab.form import Duration, Form, Text, whole
from otmon.lab.frames import SECOND_NS
from otmon.lab.plant import PlantHost
from otmon.lab.scene import Act, Deed, Trouble, step_kind

XP_EXECUTABLE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + bytes(43) + b"\x80\0\0\0"
"""How a program of Windows begins ("MZ", and where its header is)."""


def _speaks(host: PlantHost, *, serves: bool) -> smb.Implementation:
    if host.system == "windows-xp":
        return smb.XP_SERVER if serves else smb.XP_CLIENT
    return smb.PRINTER if host.system == "linux" else smb.CRAWLER


class CopyForm(Form):
    file: Text = "update.exe"
    share: Text = "ADMIN$"
    size: Annotated[int, whole(100, 500_000)] = 60_000
    each: Duration = 20 * SECOND_NS
    """From one machine to the next."""


def _copy(act: Act, form: CopyForm) -> Deed:
    """Logs on to the shares of machines over SMB 1, and copies a program of Windows to each."""
    packets = []
    for number, target in enumerate(act.targets):
        mine, theirs = _speaks(act.actors[0], serves=False), _speaks(target, serves=True)
        name = target.name.upper()[:15]
        says = smb.logon(act.by.name.upper()[:15], name, (mine, theirs), act.random)
        says += smb_files.share(name, form.share)
        program = XP_EXECUTABLE + act.random.randbytes(form.size - len(XP_EXECUTABLE))
        says += smb_files.store(0x4000 + number, f"\\{form.file}", program)
        packets += act.talk(number * form.each, (act.by, target.host), smb.PORT, says)
    return Deed(packets)


class EncryptForm(Form):
    share: Text = "DATA"
    files: Annotated[int, whole(1, 500)] = 30
    size: Annotated[int, whole(100, 50_000)] = 12_000
    note: Text = "READ_ME.txt"


def _encrypt(act: Act, form: EncryptForm) -> Deed:
    """Reads the files of a share, writes them back encrypted, and leaves a note."""
    packets = []
    for number, target in enumerate(act.targets):
        mine, theirs = _speaks(act.actors[0], serves=False), _speaks(target, serves=True)
        name = target.name.upper()[:15]
        says = smb.logon(act.by.name.upper()[:15], name, (mine, theirs), act.random)
        says += smb_files.share(name, form.share)
        for file in range(form.files):
            says += smb_files.encrypt(0x4000 + file, f"\\orders\\{2_600 + file}.csv", form.size, act.random)
        says += smb_files.store(0x5000, f"\\{form.note}", b"Your files are encrypted.\r\n")
        packets += act.talk(number * 60 * SECOND_NS, (act.by, target.host), smb.PORT, says)
    return Deed(packets)


class DownForm(Form):
    lasts: Duration


def _down(act: Act, form: DownForm) -> Deed:
    """A machine falls silent: its connections end, and it asks nobody any more."""
    from_ns = act.start_ns
    troubles = [Trouble("absent", one.name, act.event, from_ns, from_ns + form.lasts) for one in act.targets]
    return Deed(troubles=troubles)


COPY = step_kind("smb-copy", CopyForm)(_copy)
ENCRYPT = step_kind("smb-encrypt", EncryptForm)(_encrypt)
DOWN = step_kind("goes-down", DownForm, "to")(_down)
