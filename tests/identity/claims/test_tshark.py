"""tshark reads in each reader's messages what the reader tells.

Of those that are cut short here another proof stands elsewhere: SMB and NetBIOS datagrams in real captures
(`tests/golden/test_claims.py`), NTLM in mail and DCE/RPC with dovecot and Samba
(`tests/test_real_servers.py`), TLS with OpenSSL (`test_tls.py`). SLMP is unknown to tshark 4.0.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest

from otmon.lab.frames import Host, Packet, Say, Wire, connection, ethernet, udp_packet
from otmon.outputs.pcapng import pcapng
from otmon.protocols.registry import PROTOCOLS
from tests.identity.claims.messages import MESSAGES
from tests.identity.talk import Turn

ELSEWHERE = frozenset({"smb", "nbdgm", "imap", "pop3", "dce_rpc", "rdp", "slmp"})
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("dhcp", "1,15,3,6,44,46,47,31,33,249,43"): tuple(
        f"Request List Item: ({number})" for number in (1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43)
    ),
    ("lldp", "bridge, station"): ("Enabled Capabilities: 0x0084", "Bridge: Capable", "Station only: Capable"),
    ("cdp", "bridge"): ("Switch: Yes", "IGMP capable: Yes"),
    ("tls", "CN=eng-3, issued by itself"): ("id-at-commonName=eng-3",),
    ("tls", "CN=hmi-7, O=Example Panels, issued by CN=Example Root, O=Example Panels"): (
        "id-at-commonName=hmi-7,id-at-organizationName=Example Panels",
        "id-at-commonName=Example Root,id-at-organizationName=Example Panels",
    ),
    ("bacnet", "BACnet device 1234"): ("ObjectIdentifier: device, 1234",),
    ("bacnet", "BACnet vendor 42"): ("(42)", "Vendor ID: "),
    ("profinet", "PROFINET vendor 0x002a, device 0x0313"): ("VendorID: 0x002a", "DeviceID: 0x0313"),
    ("profinet", "io-device"): ("IO-Device",),
    ("modbus", "TSX-1234"): (b"TSX-1234".hex(),),
    ("ethernet_ip", "CIP vendor 1"): ("Vendor ID: Rockwell Automation/Allen-Bradley (0x0001)",),
    ("ethernet_ip", "plc"): ("Device Type: Programmable Logic Controller (14)",),
    ("ethernet_ip", "20.011"): ("Revision: 20.11",),
    ("ethernet_ip", "00524D8E"): ("Serial Number: 0x00524d8e",),
    ("icmpv6", "IPv6 router"): ("Type: Router Advertisement (134)",),
    ("s7comm", "V3.2.6"): (f"of the operating system): {0x5603}", f"description file): {0x0206}"),
}
"""What it writes where a reader chooses words of its own."""


def packets(number: int, protocol: str, turns: tuple[Turn, ...]) -> list[Packet]:
    """The messages in frames, as their protocol is carried."""
    known = {one.id: one for one in PROTOCOLS}.get(protocol)
    wire = Wire("02:00:00:00:00:03", "02:00:00:00:00:04")
    client = Host("c", f"10.9.{number}.1", f"02:00:00:00:{number:02x}:01")
    server = Host("s", f"10.9.{number}.2", f"02:00:00:00:{number:02x}:02")
    begins = 10**18 + number * 10**9
    found = []
    if known is None or known.ethertypes or known.llc:
        for turn, (who, data) in enumerate(turns):
            source = client.mac if who == "c" else server.mac
            target, kind = "01:00:0c:cc:cc:cc", len(data)
            if protocol == "icmpv6":
                # From a router's link-local address to all hosts, over 255 hops at most (RFC 4861, 4.2).
                ends = ip_address("fe80::1").packed + ip_address("ff02::1").packed
                data = struct.pack(">IHBB", 6 << 28, len(data), 58, 255) + ends + data
                target, kind = "33:33:00:00:00:01", 0x86DD
            if known is not None and known.ethertypes:
                target, kind = "01:80:c2:00:00:0e", known.ethertypes[0]
            found.append(Packet(begins + turn, ethernet(target, source, kind, data).ljust(60, b"\0"), "x"))
    elif known.tcp_ports and protocol != "fins":
        head = bytes(4) if protocol == "modbus" else b""
        says = [
            Say(
                "client" if who == "c" else "server",
                head + (len(data) + 1).to_bytes(2, "big") + b"\1" + data if head else data,
                10**6,
            )
            for who, data in turns
        ]
        found = connection(wire, begins, (client, server), (50_000, known.tcp_ports[0]), says, Random(1), "x")
    else:
        ports = (68, 67) if protocol == "dhcp" else (50_000, known.udp_ports[0])
        for turn, (who, data) in enumerate(turns):
            ways = ((client, server), ports) if who == "c" else ((server, client), ports[::-1])
            found.append(udp_packet(wire, begins + turn, *ways, data, turn, "x"))
    return found


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark (Debian: apt-get install tshark)")
def test_tshark_reads_what_is_told(tmp_path: Path) -> None:
    every: list[Packet] = []
    places: dict[str, range] = {}
    for number, (protocol, (turns, _)) in enumerate(MESSAGES.items()):
        some = packets(number, protocol, turns)
        places[protocol] = range(len(every) + 1, len(every) + len(some) + 1)
        every += some
    capture = tmp_path / "x.pcapng"
    capture.write_bytes(pcapng([(one.time_ns, one.data) for one in every], "t", "t", "t"))
    words = ["tshark", "-r", str(capture), "-V"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^Frame (\d+): ", shown, flags=re.MULTILINE)
    texts = {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}
    assert len(texts) == len(every)
    missing = []
    for protocol, (_, told) in MESSAGES.items():
        text = "".join(texts[number] for number in places[protocol])
        for _, value in told:
            wanted = WORDS.get((protocol, value), (value,))
            if protocol not in ELSEWHERE and any(one not in text for one in wanted):
                missing.append((protocol, value))
    assert missing == []
