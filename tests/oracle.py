"""What tshark and Zeek say of captures, in the words of the tests that hold this program against them."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

LAYERS = {
    "eth": "ethernet", "sll": "linux-cooked", "null": "bsd-loopback", "ppp": "ppp", "vlan": "802.1q",
    "ieee8021ad": "802.1ad", "llc": "llc", "pppoed": "pppoe-discovery", "pppoes": "pppoe", "mpls": "mpls",
    "arp": "arp", "ip": "ipv4", "ipv6": "ipv6", "icmp": "icmp", "icmpv6": "icmpv6", "igmp": "igmp",
    "tcp": "tcp", "udp": "udp", "sctp": "sctp", "gre": "gre", "erspan": "erspan", "vxlan": "vxlan",
    "tzsp": "tzsp",
}  # fmt: skip
"""tshark's names of protocols, and the layers that are counted under them."""
CAPTURES = (".pcap", ".pcapng", ".cap", ".trace")


def captures(corpus: Path) -> list[str]:
    """Names of all captures, below the folder."""
    return sorted(str(p.relative_to(corpus)) for p in corpus.rglob("*") if p.suffix in CAPTURES)


def layers(tshark: str, path: Path) -> tuple[int, dict[str, int]]:
    """How many packets tshark reads, and how many headers of each layer it finds in them."""
    command = [tshark, "-n", "-r", str(path), "-T", "fields", "-e", "frame.protocols"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    counted = Counter[str]()
    for line in lines:
        for name in line.split(":"):
            if name in LAYERS:
                counted[LAYERS[name]] += 1
            if name in ("icmp", "icmpv6"):
                # What follows is quoted in the message.
                break
    return len(lines), dict(counted)


class Message(NamedTuple):
    """A Modbus message; what was not told is None. `address` and `count` are those of requests."""

    packet: int
    transaction: int | None
    unit: int
    function: int
    exception: int
    address: int | None
    count: int | None


def modbus_messages(tshark: str, path: Path) -> Iterator[Message]:
    """Every Modbus message that tshark dissects."""
    command = [tshark, "-n", "-r", str(path), "-Y", "modbus", "-T", "pdml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for _, element in ElementTree.iterparse(process.stdout):
            if element.tag != "packet":
                continue
            number, header = 0, (0, 0)
            for proto in element.findall("proto"):
                fields: dict[str, str] = {}
                for field in proto.iter("field"):
                    fields.setdefault(field.get("name", ""), field.get("show", ""))
                if proto.get("name") == "frame":
                    number = int(fields["frame.number"])
                elif proto.get("name") in ("mbtcp", "mbudp"):
                    header = int(fields["mbtcp.trans_id"]), int(fields["mbtcp.unit_id"])
                elif proto.get("name") == "modbus" and "modbus.func_code" in fields:
                    yield _message(number, header, fields)
            element.clear()


def _message(number: int, header: tuple[int, int], fields: dict[str, str]) -> Message:
    count = fields.get("modbus.word_cnt") or fields.get("modbus.bit_cnt")
    address = fields.get("modbus.reference_num")
    return Message(
        number,
        *header,
        int(fields["modbus.func_code"]) & 0x7F,
        int(fields.get("modbus.exception_code", 0)),
        None if address is None else int(address),
        None if count is None else int(count),
    )


FUNCTIONS = {
    "READ_COILS": 1, "READ_DISCRETE_INPUTS": 2, "READ_HOLDING_REGISTERS": 3, "READ_INPUT_REGISTERS": 4,
    "WRITE_SINGLE_COIL": 5, "WRITE_SINGLE_REGISTER": 6, "WRITE_MULTIPLE_COILS": 15,
    "WRITE_MULTIPLE_REGISTERS": 16,
}  # fmt: skip
"""Zeek's names of functions."""


def zeek_messages(log: Path) -> Counter[tuple[str, int, str, int, int, int, int, str]]:
    """Client, its port, server, its port, transaction, unit, function and "REQ" or "RESP" of each
    message in Zeek's modbus.log."""
    found = Counter[tuple[str, int, str, int, int, int, int, str]]()
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        client, port, server, server_port, transaction, unit, name, kind = cells[2:10]
        number = int(name.removeprefix("unknown-")) & 0x7F if "unknown-" in name else FUNCTIONS[name]
        found[client, int(port), server, int(server_port), int(transaction), int(unit), number, kind] += 1
    return found
