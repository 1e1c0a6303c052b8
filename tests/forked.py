"""The program, loaded once: ``python -m tests.forked SOCKET`` runs each command in a copy of itself.

A question on the socket (Unix, of whole messages) is JSON of ``words``, ``folder`` and ``environment`` with
three open files, which become standard input, output and error of the copy; the answer is its exit status
as ``waitpid`` tells it. The end of the socket is the end of this process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
from pathlib import Path

import otmon

LARGEST_BYTES = 1 << 17
"""Of a question: the words of a command and an environment."""


def main() -> None:
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        while True:
            question, files, _, _ = socket.recv_fds(asking, LARGEST_BYTES, 3)
            if not question:
                return
            copy = os.fork()
            if not copy:
                break
            for file in files:
                os.close(file)
            asking.send(str(os.waitpid(copy, 0)[1]).encode())
    _become(json.loads(question), files)


def _load() -> None:
    """Everything that takes long: all modules, and compiled kernels from their cache."""
    for module in pkgutil.walk_packages(otmon.__path__, "otmon."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    otmon.replay([str(Path(__file__).resolve().parent.parent / "pcaps" / "factory-day.pcapng")])
    # A collection in a copy would touch, and so copy, the memory of all this.
    gc.freeze()


def _become(question: dict[str, object], files: list[int]) -> None:
    """What the installed command does."""
    from otmon.cli import app

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(question["folder"]))
    environment, words = question["environment"], question["words"]
    assert isinstance(environment, dict) and isinstance(words, list)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["otmon", *words]
    try:
        sys.exit(app(prog_name="otmon"))
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        # Python takes a second to take everything apart that was loaded.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)


if __name__ == "__main__":
    main()
