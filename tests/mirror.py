"""A client and a server on a wire of their own, and what its mirror port shows."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from otmon.outputs.pcapng import pcapng
from tests.namespaces import fresh_name, inside

_ALL = 3
SERVER, CLIENT = "10.77.0.2", "10.77.0.1"
_DATABASES = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))[-1:]
PLACES = ":".join((os.environ.get("PATH", ""), "/usr/sbin", *_DATABASES))
"""Where programs are looked for: Debian has the newest database server in a folder of its own."""


def found(*names: str) -> list[str]:
    """The names of the programs that are not there."""
    return [name for name in names if shutil.which(name, path=PLACES) is None]


@dataclass
class Mirror:
    """Each frame of the server's interface is copied to another one, as a switch does."""

    server: str
    client: str
    _running: ExitStack = field(default_factory=ExitStack)

    def serve(
        self,
        *command: str,
        port: int,
        files: Mapping[str, Path] | None = None,
        user: str | None = None,
    ) -> None:
        """Run a server until the end, with these files in place of the system's, and wait for its port.
        Port 0 is not waited for."""
        binds = "".join(f"mount --bind {there} {name} && " for name, there in (files or {}).items())
        become = f"setpriv --reuid={user} --regid={user} --clear-groups " if user else ""
        words = [shutil.which(command[0], path=PLACES) or command[0], *command[1:]]
        whole = [
            "ip",
            "netns",
            "exec",
            self.server,
            "unshare",
            "-m",
            "sh",
            "-c",
            f'{binds}exec {become}"$@"',
            "sh",
        ]
        process = subprocess.Popen(
            [*whole, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # What ends with its process group ends no test.
            start_new_session=True,
        )
        self._running.callback(_end, process)
        limit = time.monotonic() + 60
        while port:
            with inside(self.server), suppress(OSError):
                socket.create_connection((SERVER, port), 0.2).close()
                return
            assert process.poll() is None and time.monotonic() < limit, (command, _said(process))
            time.sleep(0.05)

    def call(
        self, *command: str, said: str = "", environment: Mapping[str, str] | None = None, user: str = ""
    ) -> int:
        """Run a client to its end; its exit status."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        done = subprocess.run(
            ["ip", "netns", "exec", self.client, *become, *command],
            input=said.encode(),
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )
        return done.returncode

    @contextmanager
    def captured(self, path: Path) -> Iterator[None]:
        """Write what the mirror shows meanwhile."""
        frames: list[tuple[int, bytes]] = []
        over = threading.Event()
        with inside(self.server):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        with raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            raw.bind(("mirror1", _ALL))
            raw.settimeout(0.1)

            def listen() -> None:
                # What waits at the end is read too: on a busy machine this thread may be behind.
                while True:
                    try:
                        frames.append((time.time_ns(), raw.recvfrom(1 << 17)[0]))
                    except TimeoutError:
                        if over.is_set():
                            return

            thread = threading.Thread(target=listen)
            thread.start()
            try:
                yield
                time.sleep(0.3)
            finally:
                over.set()
                thread.join()
        path.write_bytes(pcapng(frames, "test", "mirror1", "mirror1"))


def _said(process: subprocess.Popen[bytes]) -> bytes:
    return process.stderr.read() if process.poll() is not None and process.stderr is not None else b""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


@contextmanager
def mirror() -> Iterator[Mirror]:
    """Two namespaces joined by a wire, and the mirror of the server's end of it."""
    number = fresh_name()
    one = Mirror(*(f"otmon-{name}-{number}" for name in ("server", "client")))

    def run(namespace: str, words: str) -> None:
        done = subprocess.run(
            ["ip", "netns", "exec", namespace, *words.split()], capture_output=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)

    with ExitStack() as ends:
        for name in (one.server, one.client):
            subprocess.run(["ip", "netns", "add", name], check=True)
            ends.callback(subprocess.run, ["ip", "netns", "delete", name], check=False)
        with one._running:
            run(one.server, f"ip link add wire0 type veth peer name wire1 netns {one.client}")
            run(one.server, "ip link add mirror0 type veth peer name mirror1")
            for namespace, device in ((one.server, "wire0"), (one.client, "wire1")):
                run(namespace, f"ip address add {SERVER if device == 'wire0' else CLIENT}/24 dev {device}")
            for device in ("lo", "wire0", "mirror0", "mirror1"):
                run(one.server, f"ip link set {device} up")
            for device in ("lo", "wire1"):
                run(one.client, f"ip link set {device} up")
            run(one.server, "tc qdisc add dev wire0 clsact")
            for way in ("ingress", "egress"):
                run(
                    one.server,
                    f"tc filter add dev wire0 {way} protocol all u32 match u32 0 0"
                    " action mirred egress mirror dev mirror0",
                )
            yield one
