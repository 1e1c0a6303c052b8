"""Channels that hide in what is let through: SSH on any port, names, pings.

RFC 4253 (SSH transport), RFC 1035, 3.3.14 (TXT), RFC 792 (echo).
"""

from __future__ import annotations

import struct
from base64 import b32encode
from typing import Annotated

from otmon.lab.form import Domain, Duration, Form, Port, whole
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet, Say, checksum, ip_packet, udp_packet
from otmon.lab.scene import Act, Deed, step_kind

LABEL = 60
"""Letters of a part of a name: RFC 1035 allows 63."""
TXT, IN = 16, 1
_ALGORITHMS = (
    "curve25519-sha256,ecdh-sha2-nistp256",
    "ssh-ed25519,rsa-sha2-256",
    "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
    "",
    "",
)
KEX_INIT, NEW_KEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31


def _packet(kind: int, body: bytes) -> bytes:
    """RFC 4253, 6: length, padding to a multiple of 8, payload."""
    payload = bytes((kind,)) + body
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


class SshForm(Form):
    port: Port = 22
    turns: Annotated[int, whole(1, 2_000)] = 60
    asks: Annotated[int, whole(16, 4_000)] = 64
    gets: Annotated[int, whole(16, 4_000)] = 400
    each: Duration = 2 * SECOND_NS


def _ssh(act: Act, form: SshForm) -> Deed:
    """An SSH session, on whatever port is let through; what follows the keys is encrypted."""
    random = act.random
    offer = b"".join(_text(name.encode()) for name in _ALGORITHMS) + bytes(5)
    key, signature = _text(random.randbytes(51)), _text(random.randbytes(83))
    reply = key + _text(random.randbytes(32)) + signature
    says = [
        Say("client", b"SSH-2.0-OpenSSH_9.6\r\n", 2 * MILLISECOND_NS),
        Say("server", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", 12 * MILLISECOND_NS),
        Say("client", _packet(KEX_INIT, random.randbytes(16) + offer), 3 * MILLISECOND_NS),
        Say("server", _packet(KEX_INIT, random.randbytes(16) + offer), 3 * MILLISECOND_NS),
        Say("client", _packet(ECDH_INIT, _text(random.randbytes(32))), 4 * MILLISECOND_NS),
        Say("server", _packet(ECDH_REPLY, reply) + _packet(NEW_KEYS, b""), 9 * MILLISECOND_NS),
        Say("client", _packet(NEW_KEYS, b""), 5 * MILLISECOND_NS),
    ]
    for _ in range(form.turns):
        says.append(Say("client", random.randbytes(form.asks), form.each))
        says.append(Say("server", random.randbytes(form.gets), 40 * MILLISECOND_NS))
    return Deed(act.talk(0, (act.by, act.to), form.port, says))


class NamesForm(Form):
    domain: Domain
    """Whose name server the attacker has."""
    size: Annotated[int, whole(1, 1_000_000)] = 20_000
    """Bytes that are carried out."""
    each: Duration = 200 * MILLISECOND_NS


def _name(labels: list[str]) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"


def _names(act: Act, form: NamesForm) -> Deed:
    """Carries data in the names that a host asks of the name server, which asks the attacker's for it; what
    comes back is in the texts of the answers."""
    packets, there = [], (act.by, act.to)
    data = act.random.randbytes(form.size)
    for number, start in enumerate(range(0, len(data), 100)):
        told = b32encode(data[start : start + 100]).decode().rstrip("=").lower()
        labels = [told[at : at + LABEL] for at in range(0, len(told), LABEL)]
        name = _name([*labels, f"{number:x}", *form.domain.split(".")])
        ident, ports = act.random.getrandbits(16), act.ports(53)
        question = name + struct.pack(">HH", TXT, IN)
        asked = struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + question
        text = b32encode(act.random.randbytes(20)).lower()
        record = struct.pack(">HHHIH", 0xC00C, TXT, IN, 0, len(text) + 1) + bytes((len(text),)) + text
        answered = struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0) + question + record
        time_ns = act.start_ns + number * form.each
        for later_ns, pair, way, payload in (
            (0, there, ports, asked),
            (30 * MILLISECOND_NS, (act.to, act.by), (53, ports[0]), answered),
        ):
            sent = act.random.getrandbits(15)
            packets.append(udp_packet(act.wire, time_ns + later_ns, pair, way, payload, sent, act.event))
    return Deed(packets)


class PingsForm(Form):
    size: Annotated[int, whole(1, 1_000_000)] = 40_000
    chunk: Annotated[int, whole(64, 1_400)] = 1_000
    each: Duration = 500 * MILLISECOND_NS


def _pings(act: Act, form: PingsForm) -> Deed:
    """Carries data in pings and their replies."""
    packets: list[Packet] = []
    for number, start in enumerate(range(0, form.size, form.chunk)):
        length = min(form.chunk, form.size - start)
        for later_ns, pair, kind in (
            (0, (act.by, act.to), 8),
            (25 * MILLISECOND_NS, (act.to, act.by), 0),
        ):
            body = struct.pack(">HH", 0x4F54, number & 0xFFFF) + act.random.randbytes(length)
            head = struct.pack(">BB", kind, 0)
            echo = head + struct.pack(">H", checksum(head + b"\0\0" + body)) + body
            time_ns = act.start_ns + number * form.each + later_ns
            sent = act.random.getrandbits(15)
            packets.append(ip_packet(act.wire, time_ns, pair, 1, echo, sent, act.event))
    return Deed(packets)


SSH = step_kind("ssh", SshForm)(_ssh)
NAMES = step_kind("dns-tunnel", NamesForm)(_names)
PINGS = step_kind("ping-tunnel", PingsForm)(_pings)
