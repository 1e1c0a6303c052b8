"""A machine in the middle at work: it sends on what two hosts send to it, and changes answers on the way.

Frames are taken from its port and put back with the MAC address of whom they are for, one hop older (RFC
791, 3.1), so that connections which were there before go on. What is changed keeps its length, and gets its
checksums anew (RFC 9293, 3.1; RFC 1071). What the machine says for itself is its own system's.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from otmon.lab.frames import Host, arp, mac_bytes
from otmon.lab.live.namespace import asked_inside, inside, setting

_IPV4 = 0x0800
_SHORTEST, _LONGEST = 34, 65_536
"""Bytes of a frame with an IPv4 header, and of one that is received."""
_TCP = 6
BELIEVED_S = 1.2
"""Linux takes no other address for one that it heard less than a second ago (arp(7), locktime)."""
TELLINGS = 3
Patch = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Between:
    """Who is in the middle, and of whom."""

    own_mac: str
    macs: Mapping[str, str]
    """MAC addresses of the two hosts, by address."""
    server: str
    """Address of the one whose answers are changed."""
    port: int
    patch: Patch
    """What becomes of an answer over TCP from that port; as long as it was."""

    def sent_on(self, frame: bytes) -> bytes | None:
        """What becomes of a frame; None for one that is not sent on."""
        if len(frame) < _SHORTEST or frame[12:14] != b"\x08\0" or frame[14] != 0x45:
            return None
        source, destination = (socket.inet_ntoa(frame[at : at + 4]) for at in (26, 30))
        if frame[:6] != mac_bytes(self.own_mac) or source == destination or frame[22] < 2:
            return None
        if source not in self.macs or destination not in self.macs:
            return None
        end = 14 + int.from_bytes(frame[16:18], "big")
        head, body = bytearray(frame[14:34]), frame[34:end]
        head[8] -= 1
        head[10:12] = b"\0\0"
        head[10:12] = checksum(bytes(head))
        if source == self.server and frame[23] == _TCP and len(body) >= 20 and end <= len(frame):
            body = self._changed(bytes(head), body)
        ethernet = mac_bytes(self.macs[destination]) + mac_bytes(self.own_mac) + frame[12:14]
        return ethernet + bytes(head) + body + frame[end:]

    def _changed(self, head: bytes, segment: bytes) -> bytes:
        begin = (segment[12] >> 4) * 4
        if int.from_bytes(segment[:2], "big") != self.port or not 20 <= begin < len(segment):
            return segment
        payload = segment[begin:]
        changed = self.patch(payload)
        if changed == payload or len(changed) != len(payload):
            return segment
        segment = segment[:16] + b"\0\0" + segment[18:begin] + changed
        pseudo = head[12:20] + struct.pack(">HH", _TCP, len(segment))
        return segment[:16] + checksum(pseudo + segment) + segment[18:]


def checksum(data: bytes) -> bytes:
    """The checksum of IPv4 and TCP: the complement of the sum of 16-bit words (RFC 1071, 1)."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


async def restore(namespace: str, between: Between, sent: Callable[[], None]) -> None:
    """Tell each of the two the other's true MAC address (RFC 826), as often as it takes to be believed.
    `sent` is called for each answer. Raises LiveError where the namespace is gone."""
    with inside(namespace):
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        port.bind(("eth0", 0))
    (one, its_mac), (other, other_mac) = between.macs.items()
    with port:
        for _ in range(TELLINGS):
            await asyncio.sleep(BELIEVED_S)
            for owner, told, told_mac in (
                ((one, its_mac), other, other_mac),
                ((other, other_mac), one, its_mac),
            ):
                truth = arp(2, Host("", *owner), told, told_mac)
                # From its own address: the switch would look for the others at its port.
                with suppress(OSError):
                    port.send(truth[:6] + mac_bytes(between.own_mac) + truth[12:])
                    sent()


async def relay(namespace: str, between: Between, sent: Callable[[], None]) -> None:
    """Stand between the two until cancelled; `sent` is called for every frame that is sent on. Raises
    LiveError where the namespace is gone."""
    # The system itself passes nothing on, or everything would go twice.
    asked_inside(namespace, lambda: setting("ipv4/ip_forward", 0))
    with inside(namespace):
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IPV4))
        port.bind(("eth0", _IPV4))
    port.setblocking(False)
    loop = asyncio.get_running_loop()
    with port:
        while True:
            frame = between.sent_on(await loop.sock_recv(port, _LONGEST))
            if frame is not None:
                with suppress(OSError):
                    port.send(frame)
                    sent()
