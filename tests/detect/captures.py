"""Packets of the lab, written as a capture, replayed and judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

from otmon.detect.finding import Finding
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.lab.frames import (
    ACK,
    MILLISECOND_NS,
    RST,
    SECOND_NS,
    SYN,
    Host,
    Packet,
    Say,
    Segment,
    Wire,
    arp,
    connection,
    ip_packet,
    tcp,
)
from otmon.ledger.ledger import Ledger
from otmon.outputs.pcapng import pcapng
from otmon.zones.model import Model
from tests.zones.facts import model

START_NS = 1_776_116_700 * SECOND_NS
"""2026-04-13, 21:45 UTC."""
WIRE = Wire(core="00:00:cd:10:00:01", firewall="00:09:0f:20:00:01")
LAPTOP = Host("laptop", "10.3.0.77", "00:10:c6:77:05:05")
HMI = Host("hmi", "10.1.0.5", "00:01:fc:30:01:10")


def plc(number: int) -> Host:
    """One of the controllers, 10.2.0.1 to 10.2.0.254."""
    return Host(f"plc-{number}", f"10.2.0.{number}", f"00:80:f4:30:02:{number:02x}", window=8192)


PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - {id: polls, from: 10.1.0.5, to: plc, protocol: modbus, port: 502}
""")


def replayed(packets: Iterable[Packet], folder: Path) -> Ledger:
    """The facts of a capture of these packets."""
    path = folder / "capture.pcapng"
    in_order = sorted(packets, key=lambda packet: packet.time_ns)
    path.write_bytes(pcapng(((one.time_ns, one.data) for one in in_order), "tests", "mirror", "tests"))
    return replay([str(path)]).ledger


def found(
    rule: str,
    packets: Iterable[Packet],
    folder: Path,
    plant: Model | None = PLANT,
    baseline: Ledger | None = None,
) -> list[Finding]:
    """What one rule, or with "" every rule, finds in a capture of these packets."""
    findings = judge(replayed(packets, folder), plant, baseline)
    return [one for one in findings if rule in ("", one.rule)]


def knock(
    time_ns: int, hosts: tuple[Host, Host], ports: tuple[int, int], answer: str, random: Random
) -> list[Packet]:
    """A SYN, and what comes back: "open" (which the client resets, as nmap's half-open scan does),
    "closed" or "nothing"."""
    client, server = hosts
    way_back = ports[1], ports[0]
    sequence, its = random.getrandbits(32), random.getrandbits(32)
    ident = random.getrandbits(15)

    def sent(later_ns: int, pair: tuple[Host, Host], way: tuple[int, int], segment: Segment) -> Packet:
        return ip_packet(WIRE, time_ns + later_ns, pair, 6, tcp(*pair, way, segment), ident, "scan")

    packets = [sent(0, hosts, ports, Segment(sequence, 0, SYN, options=client.syn_options))]
    if answer == "closed":
        packets.append(sent(500_000, (server, client), way_back, Segment(0, sequence + 1, RST | ACK)))
    elif answer == "open":
        accepted = Segment(its, sequence + 1, SYN | ACK, options=server.syn_options)
        packets.append(sent(500_000, (server, client), way_back, accepted))
        packets.append(sent(MILLISECOND_NS, hosts, ports, Segment(sequence + 1, 0, RST)))
    return packets


def said(port: int, *says: Say) -> list[Packet]:
    """A whole connection from the operator's station to a controller."""
    return connection(WIRE, START_NS, (HMI, plc(1)), (49_200, port), list(says), Random(port), "said")


def claimed(address: str, mac: str) -> list[Packet]:
    """An ARP reply to the operator's station: the address is to be found at the MAC address."""
    who = replace(LAPTOP, address=address, mac=mac)
    return [Packet(START_NS, arp(2, who, HMI.address, HMI.mac), "claimed")]
