"""The command as people and scripts run it: in a process of its own, with files, words and a status.

To load Python, its libraries and the kernels costs one to three seconds of processor time, and the tests run
hundreds of commands. So `otmon` has them run by copies of one process that has loaded all (`tests.forked`),
for a sixth of that. `installed` starts the program that is installed: for what a first start does, and for
what must be the same in processes that have nothing in common, such as the order of Python's sets.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).with_name("otmon"))
DAY = ROOT / "pcaps" / "factory-day.pcapng"
MODEL = ROOT / "zones" / "factory.yaml"


def installed(*arguments: str | Path, cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the installed program."""
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, check=False, cwd=cwd)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def otmon(*arguments: str | Path, given: bytes = b"", cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit status, standard output and standard error; `given` is on standard input."""
    asking = _loaded()
    theirs, ours = zip(os.pipe(), os.pipe()[::-1], os.pipe()[::-1], strict=True)
    words = [str(one) for one in arguments]
    question = {"words": words, "folder": str(cwd), "environment": dict(os.environ)}
    socket.send_fds(asking, [json.dumps(question).encode()], theirs)
    for file in theirs:
        os.close(file)
    with ThreadPoolExecutor(2) as pool:
        told = [pool.submit(_read, file) for file in ours[1:]]
        _write(ours[0], given)
        answer = asking.recv(64)
        assert answer, "the process that has loaded the program has ended"
        status = os.waitstatus_to_exitcode(int(answer))
        out, err = (one.result().decode() for one in told)
    return status, out, err


@cache
def _loaded() -> socket.socket:
    """Where commands are asked for, of a process that ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            # Streams of the kind that its copies get.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
    # Nobody waits for it: it ends when this process does.
    process.returncode = 0
    return ours


def _write(file: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(file, "wb") as stream:
        stream.write(data)


def _read(file: int) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def one_line(text: str) -> str:
    assert text.count("\n") == 1 and text.startswith("otmon: "), text
    return text
