"""A TCP connection that lasts: what pollers keep open all day, packet by packet and fast.

The frames are those of `otmon.lab.frames`; what never changes of their headers is summed up once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from random import Random

from otmon.lab.frames import (
    ACK,
    FIN,
    LARGEST_SEGMENT,
    MILLISECOND_NS,
    PSH,
    RST,
    SECOND_NS,
    SHORTEST_FRAME,
    SYN,
    Host,
    Packet,
    Wire,
    mac_bytes,
)

CLIENT, SERVER = 0, 1
FORWARDING_NS = 120_000
"""How long one in the middle takes to send on what it was given."""
RETRANSMISSIONS_NS = (300 * MILLISECOND_NS, 900 * MILLISECOND_NS, 2_100 * MILLISECOND_NS)
"""After the first sending: a timeout of 300 ms that doubles (RFC 6298, 5.5)."""
SYN_REPEATS_NS = (SECOND_NS, 3 * SECOND_NS)
"""RFC 6298, 2.1: an initial timeout of one second, which doubles."""

_FRAME = struct.Struct(">14sBBHHHBBH4s4sHHIIBBHHH")
_WORD = 0xFFFF

Patch = Callable[[bytes], bytes]


def _folded(total: int) -> int:
    """The complement of a sum of 16-bit words; `total` is not 0."""
    return ~(total % _WORD or _WORD) & _WORD


class _Way:
    """One direction: everything that is the same in all its packets."""

    def __init__(self, sender: Host, receiver: Host, ports: tuple[int, int], wire: Wire, ident: int) -> None:
        self.source, self.destination = (
            IPv4Address(sender.address).packed,
            IPv4Address(receiver.address).packed,
        )
        self.ports, self.window, self.ttl = ports, sender.window, sender.ttl
        self.ident = ident
        self.ethernet = self.between(wire.destination_mac(sender, receiver), wire.source_mac(sender))
        ends = sum(struct.unpack(">4H", self.source + self.destination))
        self._ip_sum = 0x4500 + 0x4000 + 6 + ends
        self._tcp_sum = ends + 6 + sum(ports) + sender.window

    @staticmethod
    def between(destination: str, source: str) -> bytes:
        return mac_bytes(destination) + mac_bytes(source) + b"\x08\x00"

    def frame(
        self, sequence: int, acknowledgment: int, flags: int, payload: bytes, options: bytes, ident: int
    ) -> bytes:
        return self.rewritten(
            self.ethernet, self.ttl, sequence, acknowledgment, flags, payload, options, ident
        )

    def rewritten(
        self,
        ethernet: bytes,
        ttl: int,
        sequence: int,
        acknowledgment: int,
        flags: int,
        payload: bytes,
        options: bytes,
        ident: int,
    ) -> bytes:
        """The frame with other addresses of Ethernet and another time to live."""
        body = options + payload
        length = 20 + len(body)
        offset_flags = (length - len(payload)) << 10 | flags
        words = int.from_bytes(body if len(body) % 2 == 0 else body + b"\0", "big") % _WORD
        tcp_sum = self._tcp_sum + length + offset_flags + words
        tcp_sum += (sequence >> 16) + (sequence & _WORD) + (acknowledgment >> 16) + (acknowledgment & _WORD)
        head = _FRAME.pack(
            ethernet,
            0x45,
            0,
            20 + length,
            ident,
            0x4000,
            ttl,
            6,
            _folded(self._ip_sum + 20 + length + ident + (ttl << 8)),
            self.source,
            self.destination,
            *self.ports,
            sequence,
            acknowledgment,
            offset_flags >> 8,
            flags,
            self.window,
            _folded(tcp_sum),
            0,
        )
        return (head + body).ljust(SHORTEST_FRAME, b"\0")


class Talk:
    """A connection of `hosts[0]` to `hosts[1]`, which is there already when it is first used."""

    def __init__(
        self, wire: Wire, hosts: tuple[Host, Host], ports: tuple[int, int], random: Random, event: str
    ) -> None:
        client, server = hosts
        self._random, self._options = random, (client.syn_options, server.syn_options)
        self._macs = (client.mac, server.mac)
        self._ways = (
            _Way(client, server, ports, wire, random.getrandbits(15)),
            _Way(server, client, (ports[1], ports[0]), wire, random.getrandbits(15)),
        )
        self._next = [random.getrandbits(32), random.getrandbits(32)]
        self.event = event
        self.middle: Host | None = None
        """By way of whom its packets go."""
        self.patch: Patch | None = None
        """What the one in the middle does to the server's payloads; it keeps their length."""

    def send(
        self, time_ns: int, who: int, flags: int, payload: bytes = b"", options: bytes = b""
    ) -> Iterator[Packet]:
        """One segment, and what follows from it for the next."""
        yield from self._shown(time_ns, who, flags, payload, options, self._next[who])
        self._next[who] = (self._next[who] + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF

    def _shown(
        self, time_ns: int, who: int, flags: int, payload: bytes, options: bytes, sequence: int
    ) -> Iterator[Packet]:
        way = self._ways[who]
        way.ident = (way.ident + 1) & _WORD
        ident, acknowledgment = way.ident, self._next[1 - who] if flags & ACK else 0
        if self.middle is None:
            frame = way.frame(sequence, acknowledgment, flags, payload, options, ident)
            yield Packet(time_ns, frame, self.event)
            return
        there = way.between(self.middle.mac, self._macs[who])
        on = way.between(self._macs[1 - who], self.middle.mac)
        frame = way.rewritten(there, way.ttl, sequence, acknowledgment, flags, payload, options, ident)
        yield Packet(time_ns, frame, self.event)
        if who == SERVER and payload and self.patch is not None:
            payload = self.patch(payload)
        frame = way.rewritten(on, way.ttl - 1, sequence, acknowledgment, flags, payload, options, ident)
        yield Packet(time_ns + FORWARDING_NS, frame, self.event)

    def say(self, time_ns: int, who: int, payload: bytes) -> Iterator[Packet]:
        """A message, in segments where it is long. It acknowledges what came before."""
        for start in range(0, len(payload), LARGEST_SEGMENT):
            part = payload[start : start + LARGEST_SEGMENT]
            last = start + LARGEST_SEGMENT >= len(payload)
            yield from self.send(
                time_ns + 12_000 * (start // LARGEST_SEGMENT), who, ACK | (PSH if last else 0), part
            )

    def acknowledge(self, time_ns: int, who: int) -> Iterator[Packet]:
        yield from self.send(time_ns, who, ACK)

    def unanswered(self, time_ns: int, payload: bytes) -> Iterator[Packet]:
        """A client's message to a server that is silent, and its repetitions."""
        sequence = self._next[CLIENT]
        for later_ns in (0, *RETRANSMISSIONS_NS):
            yield from self._shown(time_ns + later_ns, CLIENT, ACK | PSH, payload, b"", sequence)
        self._next[CLIENT] = (sequence + len(payload)) & 0xFFFFFFFF

    def _afresh(self, client_port: int) -> None:
        ahead, back = self._ways
        for way, ports in ((ahead, (client_port, ahead.ports[1])), (back, (ahead.ports[1], client_port))):
            way._tcp_sum += sum(ports) - sum(way.ports)
            way.ports = ports
        self._next = [self._random.getrandbits(32), self._random.getrandbits(32)]

    def knock(self, time_ns: int, client_port: int) -> Iterator[Packet]:
        """A new connection to a server that is silent: SYN, and its repetitions."""
        self._afresh(client_port)
        sequence = self._next[CLIENT]
        for later_ns in (0, *SYN_REPEATS_NS):
            yield from self._shown(time_ns + later_ns, CLIENT, SYN, b"", self._options[CLIENT], sequence)

    def open(self, time_ns: int, client_port: int) -> Iterator[Packet]:
        """A new connection: three packets in a millisecond."""
        self._afresh(client_port)
        yield from self.send(time_ns, CLIENT, SYN, options=self._options[CLIENT])
        yield from self.send(time_ns + MILLISECOND_NS // 2, SERVER, SYN | ACK, options=self._options[SERVER])
        yield from self.send(time_ns + MILLISECOND_NS, CLIENT, ACK)

    def close(self, time_ns: int) -> Iterator[Packet]:
        """Both sides are done: three packets in a millisecond."""
        yield from self.send(time_ns, CLIENT, FIN | ACK)
        yield from self.send(time_ns + MILLISECOND_NS // 2, SERVER, FIN | ACK)
        yield from self.send(time_ns + MILLISECOND_NS, CLIENT, ACK)

    def abort(self, time_ns: int) -> Iterator[Packet]:
        """The client gives up."""
        yield from self.send(time_ns, CLIENT, RST | ACK)
