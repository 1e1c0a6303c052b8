"""What tshark says of captures, in the words of the tests that hold this program against it.

tshark runs with its own defaults, whatever the user's are; those that the comparison needs are given.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

LAYERS = {
    "eth": "ethernet", "null": "bsd-loopback", "ppp": "ppp", "vlan": "802.1q", "ieee8021ad": "802.1ad",
    "llc": "llc", "pppoed": "pppoe-discovery", "pppoes": "pppoe", "mpls": "mpls", "arp": "arp",
    "ip": "ipv4", "ipv6": "ipv6", "icmp": "icmp", "icmpv6": "icmpv6", "igmp": "igmp", "tcp": "tcp",
    "udp": "udp", "sctp": "sctp", "gre": "gre", "erspan": "erspan", "vxlan": "vxlan", "tzsp": "tzsp",
    "hsr": "hsr",
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
ASKED = (
    "frame.encap_type", "frame.protocols",
    "ip.src", "ipv6.src", "ip.dst", "ipv6.dst",
    "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport", "tcp.payload", "udp.payload",
    "cdp.deviceid", "cdp.platform", "cip.id.product_name", "dhcp.option.hostname", "enip.lir.name",
    "lldp.tlv.system.desc", "lldp.tlv.system.name",
    "ntlmssp.auth.hostname", "ntlmssp.challenge.target_info.dns_computer_name",
    "ntlmssp.challenge.target_info.nb_computer_name",
    "s7comm.szl.001c.0001.name", "s7comm.szl.001c.0005.serialn", "smb.native_lanman", "smb.native_os",
)  # fmt: skip
"""What some test wants to know of every capture: tshark takes longer to start than to read one."""


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

    def messages(self, path: Path) -> Iterator[Message]:
        """Every Modbus message of a capture."""
        text = self.read(path, "-Y", " or ".join(MODBUS), "-T", "pdml")
        for packet in ElementTree.fromstring(text).iter("packet"):
            yield from _messages(packet)


class Readings:
    """What tshark says of the fields `ASKED` in all captures of a folder, read once in a test run."""

    def __init__(self, tshark: Tshark, corpus: Path, kept: Path) -> None:
        """`kept` is a folder that the processes of this run share; the first one has tshark read."""
        self._kept = kept
        self._numbers = {name: number for number, name in enumerate(captures(corpus))}
        asked = [part for name in ASKED for part in ("-e", name)]
        words = "-T", "fields", "-E", "separator=\x01", "-E", "aggregator=\x02", *asked

        def keep(name: str) -> None:
            self._file(name).write_text(tshark.read(corpus / name, *words), encoding="utf-8")

        kept.mkdir(exist_ok=True)
        with (kept / "whole").open("a+") as whole:
            fcntl.flock(whole, fcntl.LOCK_EX)
            whole.seek(0)
            if not whole.read():
                with ThreadPoolExecutor(2) as pool:
                    list(pool.map(keep, self._numbers))
                whole.write("yes")

    def _file(self, name: str) -> Path:
        return self._kept / f"{self._numbers[name]}.txt"

    def packets(self, name: str, *fields: str) -> Iterator[list[list[str]]]:
        """For each packet of a capture the occurrences of the fields."""
        columns = [ASKED.index(field) for field in fields]
        for line in self._file(name).read_text(encoding="utf-8").split("\n")[:-1]:
            cells = line.split("\x01")
            yield [cells[column].split("\x02") if cells[column] else [] for column in columns]

    def layers(self, name: str) -> Layers:
        """The layers of a capture."""
        packets = 0
        counted = Counter[str]()
        modbus = False
        for (link,), (protocols,) in self.packets(name, "frame.encap_type", "frame.protocols"):
            packets += 1
            names = protocols.split(":")
            if names[0] in BARE:
                counted["raw-ip"] += 1
            for layer in names:
                if layer == "sll":
                    counted[COOKED[link]] += 1
                elif layer in LAYERS:
                    counted[LAYERS[layer]] += 1
                if layer in ("icmp", "icmpv6"):
                    # What follows is quoted in the message.
                    break
            modbus = modbus or not set(MODBUS).isdisjoint(names)
        return Layers(packets, dict(counted), modbus)


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
