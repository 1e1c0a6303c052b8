"""A wire to listen on: two joined interfaces in a network namespace of their own."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex

_CLONE_NEWNET = 0x40000000


def fresh_name() -> str:
    """A part of a name that nobody has, whatever an earlier run has left behind."""
    return f"test-{token_hex(5)}"


def missing() -> str:
    """Why there can be no such wire here; nothing where there can."""
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("ip") is None:
        return "needs ip (Debian: apt-get install iproute2)"
    name = f"otmon-try-{fresh_name()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return "network namespaces cannot be made here"
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return ""


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace: sockets that it makes belong there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), _CLONE_NEWNET) == 0


@dataclass(frozen=True)
class Wire:
    """What is sent on `near` comes out at `far`, where a sensor listens."""

    namespace: str
    near: str = "near0"
    far: str = "far0"

    def run(self, *words: str) -> str:
        """Run a command in the namespace; its output."""
        command = ("ip", "netns", "exec", self.namespace, *words)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def send(self, frames: list[bytes]) -> None:
        with (
            inside(self.namespace),
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender,
        ):
            sender.bind((self.near, 0))
            for frame in frames:
                sender.send(frame)


@contextmanager
def wire() -> Iterator[Wire]:
    """The two interfaces are up, and no host of their own speaks on them."""
    made = Wire(f"otmon-wire-{fresh_name()}")
    subprocess.run(["ip", "netns", "add", made.namespace], check=True)
    try:
        made.run("ip", "link", "add", made.near, "mtu", "9000", "type", "veth", "peer", "name", made.far)
        for name in (made.near, made.far):
            made.run("sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
            made.run("ip", "link", "set", name, "mtu", "9000", "arp", "off", "up")
        # Linux notices the link a moment later.
        end = time.monotonic() + 30
        while "LOWER_UP" not in made.run("ip", "-brief", "link", "show", "up", "dev", made.far):
            assert time.monotonic() < end, "the wire has no link"
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", made.namespace], check=False)
