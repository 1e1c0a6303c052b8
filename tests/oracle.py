"""What tshark says of captures, in the words of the tests that hold this program against it.

tshark runs with its own defaults, whatever the user's are; those that the comparison needs are given.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

LAYERS = {
    "eth": "ethernet", "null": "bsd-loopback", "ppp": "ppp", "vlan": "802.1q", "ieee8021ad": "802.1ad",
    "llc": "llc", "pppoed": "pppoe-discovery", "pppoes": "pppoe", "mpls": "mpls", "arp": "arp",
    "ip": "ipv4", "ipv6": "ipv6", "icmp": "icmp", "icmpv6": "icmpv6", "igmp": "igmp", "tcp": "tcp",
    "udp": "udp", "sctp": "sctp", "gre": "gre", "erspan": "erspan", "vxlan": "vxlan", "tzsp": "tzsp",
}  # fmt: skip
"""tshark's names of protocols, and the layers that are counted under them."""
COOKED = {"25": "linux-cooked", "210": "linux-cooked-v2"}
"""Both are `sll` to tshark, which tells them apart by the number of the link type."""
BARE = ("raw", "ip", "ipv6")
"""What a packet begins with that has no link layer."""
CAPTURES = (".pcap", ".pcapng", ".cap", ".trace")
PREFERENCES = {
    "ip.defragment": "TRUE",
    "ipv6.defragment": "TRUE",
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.reassemble_out_of_order": "FALSE",
    "mbtcp.tcp.port": "502",
    "mbudp.udp.port": "502",
}
"""A reassembled datagram's transport layer is in the packet that completes it, here as there."""
MODBUS = ("modbus", "mbtcp", "mbudp")


def captures(corpus: Path) -> list[str]:
    """Names of all captures, below the folder."""
    return sorted(str(p.relative_to(corpus)) for p in corpus.rglob("*") if p.suffix in CAPTURES)


class Layers(NamedTuple):
    """How many packets, how many headers of each layer in them, and whether there is Modbus."""

    packets: int
    headers: dict[str, int]
    modbus: bool


class Message(NamedTuple):
    """A Modbus message; what was not told is None."""

    packet: int
    time_ns: int
    request: bool
    client: str
    client_port: int
    server: str
    server_port: int
    transaction: int
    unit: int
    function: int
    exception: int
    subfunction: int | None
    address: int | None
    count: int | None
    asked_in: int | None
    """Of a response: the packet of its request."""


class Tshark:
    """tshark, with a settings folder that is empty."""

    def __init__(self, program: str, settings: Path) -> None:
        self._command = [program, "-n"]
        for name, value in PREFERENCES.items():
            self._command += ["-o", f"{name}:{value}"]
        self._environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(settings), "LC_ALL": "C.UTF-8"}

    def read(self, path: Path, *arguments: str) -> str:
        """Its output for a capture, which it has to read to its end."""
        command = [*self._command, "-r", str(path), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{path}: {done.stderr}"
        return done.stdout

    def layers(self, path: Path) -> Layers:
        """The layers of a capture."""
        text = self.read(path, "-T", "fields", "-e", "frame.encap_type", "-e", "frame.protocols")
        lines = text.splitlines()
        counted = Counter[str]()
        modbus = False
        for line in lines:
            link, _, protocols = line.partition("\t")
            names = protocols.split(":")
            if names[0] in BARE:
                counted["raw-ip"] += 1
            for name in names:
                if name == "sll":
                    counted[COOKED[link]] += 1
                elif name in LAYERS:
                    counted[LAYERS[name]] += 1
                if name in ("icmp", "icmpv6"):
                    # What follows is quoted in the message.
                    break
            modbus = modbus or not set(MODBUS).isdisjoint(names)
        return Layers(len(lines), dict(counted), modbus)

    def messages(self, path: Path) -> Iterator[Message]:
        """Every Modbus message of a capture."""
        text = self.read(path, "-Y", " or ".join(MODBUS), "-T", "pdml")
        for packet in ElementTree.fromstring(text).iter("packet"):
            yield from _messages(packet)


def _messages(packet: ElementTree.Element) -> Iterator[Message]:
    outer: dict[str, str] = {}
    for proto in packet.findall("proto"):
        fields: dict[str, str] = {}
        for field in proto.iter("field"):
            name = field.get("name", "")
            fields.setdefault(name, field.get("value" if name == "timestamp" else "show", ""))
        if proto.get("name") != "modbus":
            outer |= fields
        elif "modbus.func_code" in fields:
            yield _message(outer, fields)


def _message(outer: dict[str, str], fields: dict[str, str]) -> Message:
    def told(*names: str) -> int | None:
        return next((int(fields[name], 0) for name in names if name in fields), None)

    transport = "tcp" if "tcp.srcport" in outer else "udp"
    sender, receiver = (
        (outer.get(f"ip.{end}") or outer[f"ipv6.{end}"], int(outer[f"{transport}.{end}port"]))
        for end in ("src", "dst")
    )
    # So does tshark tell who asks.
    request = receiver[1] == 502
    client, server = (sender, receiver) if request else (receiver, sender)
    seconds, _, fraction = outer["timestamp"].partition(".")
    return Message(
        packet=int(outer["num"], 0),
        time_ns=int(seconds) * 10**9 + int(fraction.ljust(9, "0")),
        request=request,
        client=client[0],
        client_port=client[1],
        server=server[0],
        server_port=server[1],
        transaction=int(outer["mbtcp.trans_id"]),
        unit=int(outer["mbtcp.unit_id"]),
        function=int(fields["modbus.func_code"]) & 0x7F,
        exception=told("modbus.exception_code") or 0,
        subfunction=told("modbus.diagnostic_code", "modbus.mei"),
        address=told("modbus.reference_num", "modbus.read_reference_num"),
        count=told("modbus.word_cnt", "modbus.bit_cnt", "modbus.read_word_cnt"),
        asked_in=told("modbus.request_frame"),
    )
