"""Real captures: each flow has the name that tshark gives it, and no payload of it another one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from otmon.protocols.protocol import Transport
from tests.oracle import Readings
from tests.protocols.recognition import Answer, ask, usual_ports

SUFFIXES = (".pcap", ".pcapng", ".cap")
PER_GROUP = 5
"""The largest captures of one folder and kind are read; there are many of a kind."""
PACKETS = 3000
FIELDS = (
    "frame.protocols", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "udp.srcport",
    "tcp.dstport", "udp.dstport", "tcp.payload", "udp.payload",
)  # fmt: skip
TRIES = 8
"""Payloads of a flow that are asked about, as in a replay."""

TSHARK: dict[str, str] = {
    "ams": "ads",
    "bvlc": "bacnet",
    "cipio": "ethernet_ip",
    "cotp": "mms",
    "dhcp": "dhcp",
    "dhcpv6": "dhcpv6",
    "dnp3": "dnp3",
    "dns": "dns",
    "enip": "ethernet_ip",
    "ftp": "ftp",
    "hart_ip": "hart_ip",
    "http": "http",
    "iec60870_104": "iec104",
    "llmnr": "llmnr",
    "mdns": "mdns",
    "mms": "mms",
    "mqtt": "mqtt",
    "nbdgm": "nbdgm",
    "nbns": "nbns",
    "ntp": "ntp",
    "omron": "fins",
    "opcua": "opc_ua",
    "pn_io_device": "profinet",
    "pn_io_controller": "profinet",
    "dcerpc": "profinet",
    "ptp": "ptp",
    "s7comm": "s7comm",
    "smb": "smb",
    "snmp": "snmp",
    "ssdp": "ssdp",
    "telnet": "telnet",
    "tls": "tls",
}
"""What tshark calls the protocols that have signatures. No flow of another one may be named; Modbus is
among these, as it has a recogniser of its own."""

ORDER = ("s7comm", "mms", "nbdgm", "smb")
"""Of several names in one flow these say most."""

DIFFERENCES: dict[tuple[str, str, str], str] = {
    ("modbus-and-non-modbus-p502", "dcerpc", "dce_rpc"): "DCE/RPC over TCP that is not PROFINET's",
    ("modbus-and-non-modbus-p502", "", "rdp"): "a connection request that tshark looks for on 3389 only",
    ("EIP-IPAddressChangeAttempt", "tls", ""): "the capture begins within a record",
    ("beckoff", "", "ads"): "the search over UDP, which tshark does not know",
    ("melsoft_UDP_clean_2", "", "melsoft"): "tshark does not know MELSOFT",
    ("non-standard-port", "", "opc_ua"): "tshark looks for OPC UA on its port only",
    ("open62541_client-server_mainloop", "", "ntp"): "NTP behind a translated port",
    ("CCLinkTSNSLMP", "", "slmp"): "tshark does not know SLMP",
}
"""Where the two differ (part of the capture's path, tshark, here) and why."""


FORGED = {("dnp3-max-points", "server of dnp3"): "made by a program that left the direction bit out"}


@dataclass
class Flow:
    names: set[str] = field(default_factory=set)
    answer: Answer | None = None
    others: set[str] = field(default_factory=set)
    """Names that contradict the answer, and senders that contradict the ports."""
    tries: int = 0

    def tshark(self) -> str:
        known = [name for name in (*ORDER, *sorted(TSHARK)) if name in self.names]
        return known[0] if known else ""


def captures(corpus: Path) -> list[Path]:
    groups: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(corpus.rglob("*")):
        if path.suffix in SUFFIXES:
            place = path.relative_to(corpus).parts
            kind = place[2] if place[0].startswith("OISF") else path.parent.name
            if kind == "tests":
                kind = path.name
            groups[place[0], re.split(r"[-_\d. ]", kind)[0]].append(path)
    largest = (sorted(group, key=lambda path: -path.stat().st_size)[:PER_GROUP] for group in groups.values())
    return [path for group in largest for path in group]


def packets(readings: Readings, name: str) -> Iterator[list[str]]:
    """Of the innermost headers: protocols, addresses, ports and payloads, of TCP and UDP each."""
    for packet in islice(readings.packets(name, *FIELDS), PACKETS):
        row = [occurrences[-1] if occurrences else "" for occurrences in packet]
        if ":icmp" not in row[0] and (row[5] or row[6]):
            yield row


def flows(readings: Readings, name: str) -> list[Flow]:
    found: dict[tuple[object, ...], Flow] = defaultdict(Flow)
    for row in packets(readings, name):
        transport: Transport = "tcp" if row[5] else "udp"
        ports = (int(row[5] or row[6]), int(row[7] or row[8]))
        ends = sorted(((row[1] or row[2], ports[0]), (row[3] or row[4], ports[1])))
        flow = found[(transport, *ends)]
        flow.names |= set(row[0].split(":"))
        payload = bytes.fromhex(row[9] or row[10])
        if payload:
            take(flow, ask(payload, transport, ports), transport, ports)
    return [flow for flow in found.values() if flow.tries]


def take(flow: Flow, answer: Answer | None, transport: Transport, ports: tuple[int, int]) -> None:
    """A later payload may name a flow until the name is final; afterwards it must not contradict."""
    flow.tries += 1
    if answer is None:
        return
    before = flow.answer
    final = not answer.provisional
    if flow.tries <= TRIES and (before is None or (before.provisional and final)):
        flow.answer = answer
    elif before and not before.provisional and final:
        flow.others |= {answer.name} - {before.name}
    usual = usual_ports(answer.name, transport)
    sent = {"client": ports[1] in usual, "server": ports[0] in usual, "either": True}
    if any(port in usual for port in ports) and not sent[answer.sender]:
        flow.others.add(f"{answer.sender} of {answer.name}")


@pytest.mark.slow
def test_flows_of_real_captures_have_the_name_that_tshark_gives_them(
    corpus: Path, readings: Readings
) -> None:
    agreed: Counter[str] = Counter()
    differing: set[tuple[str, str, str]] = set()
    explained: set[tuple[str, str, str]] = set()
    contradicting: set[tuple[str, str]] = set()
    for path in captures(corpus):
        for flow in flows(readings, str(path.relative_to(corpus))):
            there = flow.tshark()
            here = flow.answer.name if flow.answer else ""
            contradicting |= {(path.parent.name, other) for other in flow.others}
            if TSHARK.get(there, "") == here:
                agreed[here] += 1
                continue
            reasons = [d for d in DIFFERENCES if d[0] in str(path) and d[1:] == (there, here)]
            explained |= set(reasons)
            if not reasons:
                differing.add((str(path.relative_to(corpus)), there or ",".join(sorted(flow.names)), here))
    assert not differing
    assert contradicting == set(FORGED)
    assert set(DIFFERENCES) - explained == set(), "explained, but not there any more"
    assert {name for name in TSHARK.values()} - set(agreed) == set(), "protocols of which no flow agreed"
