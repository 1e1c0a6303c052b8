"""Services that conditions look for, from packets on: what triggers each rule, and what nearly does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from otmon.lab.frames import MILLISECOND_NS, Host, Packet, Say, connection, udp_packet
from tests.detect.captures import HMI, LAPTOP, START_NS, WIRE, found, knock, plc
from tests.protocols.messages import MESSAGES
from tests.zones.facts import model

STATION = Host("station", "10.1.0.6", "00:01:fc:30:01:11")
PRINTER = Host("printer", "10.3.0.78", "00:10:c6:77:05:06")
PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    boundaries:
    - {id: office-plc, between: [office, plc], allow: [{from: office, to: plc, protocol: any}]}
""")
Hosts = tuple[Host, Host]


def said(protocol: str, sender: str, number: int = 0) -> bytes:
    """A real message of a protocol."""
    return [one.payload for one in MESSAGES if one.protocol == protocol and one.sender == sender][number]


def tcp(protocol: str, port: int, first: str = "client") -> Callable[[Hosts], list[Packet]]:
    """A connection in which both ends speak a protocol, who speaks first first."""
    speakers = {one.sender for one in MESSAGES if one.protocol == protocol and one.transport == "tcp"}
    order = ("client", "server") if first == "client" else ("server", "client")
    says = [
        Say(one, said(protocol, one if one in speakers else "either"), MILLISECOND_NS)  # type: ignore[arg-type]
        for one in order
    ]
    return lambda hosts: connection(WIRE, START_NS, hosts, (49_200, port), says, Random(port), protocol)


def tftp(hosts: Hosts) -> list[Packet]:
    """The answer comes from a port of its own (RFC 1350, 4)."""
    client, server = hosts
    data = b"\x00\x03\x00\x01" + bytes(512)
    return [
        udp_packet(WIRE, START_NS, hosts, (49_200, 69), said("tftp", "client"), 1, "request"),
        udp_packet(WIRE, START_NS + MILLISECOND_NS, (server, client), (49_300, 49_200), data, 2, "data"),
        udp_packet(WIRE, START_NS + 2 * MILLISECOND_NS, hosts, (49_200, 49_300), b"\0\4\0\1", 3, "received"),
    ]


def knocked(port: int) -> Callable[[Hosts], list[Packet]]:
    return lambda hosts: knock(START_NS, hosts, (49_200, port), "closed", Random(port))


INTO, HOME, OFFICE = (LAPTOP, plc(1)), (HMI, STATION), (LAPTOP, PRINTER)


@pytest.mark.parametrize(
    ("rule", "traffic", "hosts", "fires"),
    [
        ("clear-text-login", tcp("telnet", 23, "server"), INTO, True),
        ("clear-text-login", tcp("ftp", 21, "server"), INTO, True),
        ("clear-text-login", tcp("ftp", 21, "server"), HOME, True),
        ("clear-text-login", tcp("ssh", 22), INTO, False),
        ("clear-text-login", tcp("telnet", 23, "server"), OFFICE, False),
        ("clear-text-login", tcp("telnet", 23, "server"), (HMI, plc(1)), False),
        ("clear-text-login", knocked(23), INTO, False),
        ("netbios-file-sharing", tcp("smb", 139), HOME, True),
        ("netbios-file-sharing", tcp("nbss", 139), HOME, True),
        ("netbios-file-sharing", tcp("smb", 139), INTO, True),
        ("netbios-file-sharing", tcp("smb", 445), HOME, False),
        ("netbios-file-sharing", tcp("smb", 139), OFFICE, False),
        ("netbios-file-sharing", knocked(139), HOME, False),
        ("remote-desktop-inside", tcp("rdp", 3389), HOME, True),
        ("remote-desktop-inside", tcp("vnc", 5900, "server"), HOME, True),
        ("remote-desktop-inside", tcp("vnc", 5900, "server"), OFFICE, False),
        ("remote-desktop-inside", tcp("vnc", 5900, "server"), INTO, False),
        ("remote-desktop-inside", knocked(3389), HOME, False),
        ("tftp-into-plant", tftp, INTO, True),
        ("tftp-into-plant", tftp, HOME, True),
        ("tftp-into-plant", tftp, (plc(1), LAPTOP), False),
        ("tftp-into-plant", tftp, OFFICE, False),
    ],
)
def test_a_service_in_a_zone_of_high_importance(
    rule: str, traffic: Callable[[Hosts], list[Packet]], hosts: Hosts, fires: bool, tmp_path: Path
) -> None:
    findings = found(rule, traffic(hosts), tmp_path, PLANT)
    assert [one.severity for one in findings] == ["medium"] * fires
    assert all((one.link.client, one.link.server) == (hosts[0].address, hosts[1].address) for one in findings)
    # Without a model nobody says what is important.
    assert found(rule, traffic(hosts), tmp_path, None) == []
