"""A plant of network namespaces: one for each zone, joined by a router that loads firewall rules.

Nothing outside the namespaces is touched: links are made inside them, names are nobody else's, and
everything goes when the plant is closed, however that happens.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.namespaces import fresh_name

Check = tuple[str, str, str, int]
"""Client address, server address, transport, port."""

_SERVER = """
import json, selectors, socket, sys
ports = json.loads(sys.argv[1])
chosen = selectors.DefaultSelector()
for port in ports:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for family, every in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            s = socket.socket(family, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind == socket.SOCK_DGRAM:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            elif kind == socket.SOCK_DGRAM:
                s.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: answer from the address that was asked
            s.bind((every, port))
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            chosen.register(s, selectors.EVENT_READ, kind)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if key.data == socket.SOCK_STREAM:
            connection, _ = key.fileobj.accept()
            connection.sendall(b"yes")
            connection.close()
        else:
            data, told, _, peer = key.fileobj.recvmsg(64, 256)
            key.fileobj.sendmsg([data], told, 0, peer)
"""
_CLIENT = """
import concurrent.futures, json, socket, sys
def passes(check):
    client, server, transport, port = check
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as s:
        s.settimeout(5.0)
        s.bind((client, 0))
        try:
            s.connect((server, port))
            if transport == "udp":
                s.send(b"yes")
            return s.recv(8) == b"yes"
        except TimeoutError:
            return False
with concurrent.futures.ThreadPoolExecutor(200) as pool:
    print(json.dumps(list(pool.map(passes, json.load(sys.stdin)))))
"""


def missing() -> str:
    """Why there can be no such plant here; nothing where there can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [command for command in ("ip", "nft") if shutil.which(command) is None]
    if absent:
        return f"needs {' and '.join(absent)}"
    name = f"otmon-try-{fresh_name()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return "network namespaces cannot be made here"
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return ""


def _run(*words: str, given: str = "") -> str:
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Plant:
    """Ready: every zone listens on every port."""

    router: str
    homes: dict[str, str]
    """Address -> its namespace."""

    def load(self, rules: str) -> None:
        _run("ip", "netns", "exec", self.router, "nft", "-f", "-", given=rules)

    def passing(self, checks: Sequence[Check]) -> list[bool]:
        """Whether each of the connections was answered."""
        found: dict[Check, bool] = {}

        def ask(namespace: str) -> None:
            here = [check for check in checks if self.homes[check[0]] == namespace]
            words = ("ip", "netns", "exec", namespace, sys.executable, "-c", _CLIENT)
            found.update(zip(here, json.loads(_run(*words, given=json.dumps(here))), strict=True))

        # Each waits a while for answers that never come.
        with ThreadPoolExecutor() as pool:
            list(pool.map(ask, {self.homes[check[0]] for check in checks}))
        return [found[check] for check in checks]


@contextmanager
def plant(hosts: dict[str, Sequence[str]], ports: Sequence[int]) -> Iterator[Plant]:
    """A plant with these hosts: a name for the namespace, and the addresses in it."""
    mark = f"otmon-{fresh_name()}"
    router = f"{mark}-router"
    made: list[str] = []
    servers: list[subprocess.Popen[str]] = []
    try:
        for name in (router, *(f"{mark}-{zone}" for zone in hosts)):
            _run("ip", "netns", "add", name)
            made.append(name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        forward = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
        _run("ip", "netns", "exec", router, "sh", "-c", forward)
        homes = {}
        for number, (zone, addresses) in enumerate(hosts.items()):
            home = f"{mark}-{zone}"
            _run(
                "ip",
                "-n",
                home,
                "link",
                "add",
                "up0",
                "type",
                "veth",
                "peer",
                f"down{number}",
                "netns",
                router,
            )
            _run("ip", "-n", home, "link", "set", "up0", "up")
            _run("ip", "-n", router, "link", "set", f"down{number}", "up")
            for address in addresses:
                homes[address] = home
                _join(router, home, f"down{number}", address)
        for zone in hosts:
            words = ("ip", "netns", "exec", f"{mark}-{zone}", sys.executable, "-c", _SERVER)
            server = subprocess.Popen((*words, json.dumps(list(ports))), stdout=subprocess.PIPE, text=True)
            servers.append(server)
        for server in servers:
            assert server.stdout is not None and server.stdout.readline() == "ready\n"
        yield Plant(router, homes)
    finally:
        for server in servers:
            server.kill()
            server.communicate()
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _join(router: str, home: str, port: str, host: str) -> None:
    """Give a zone an address of full length and a way to everything, and the router the way to it."""
    if ":" in host:
        family, length, gateway, nodad = "-6", 128, "fe80::1", ["nodad"]
        _run("ip", "-6", "-n", router, "address", "replace", f"{gateway}/64", "dev", port, *nodad)
    else:
        family, length, gateway, nodad = "-4", 32, "169.254.0.1", []
        _run("ip", "-4", "-n", router, "address", "replace", f"{gateway}/32", "dev", port)
        _run("ip", "-4", "-n", home, "route", "replace", f"{gateway}/32", "dev", "up0")
    _run("ip", family, "-n", home, "address", "add", f"{host}/{length}", "dev", "up0", *nodad)
    _run("ip", family, "-n", home, "route", "replace", "default", "via", gateway, "dev", "up0")
    _run("ip", family, "-n", router, "route", "replace", f"{host}/{length}", "dev", port)
