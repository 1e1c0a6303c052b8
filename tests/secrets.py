"""Log-ins of all protocols that carry their secret as it is, from frames on, each with a secret of its own,
and what would give one away in something that was written."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from random import Random

from otmon.identity.registry import IDS, parser_of
from otmon.lab.frames import Host, Packet, Say, Wire, connection, ethernet, udp_packet
from otmon.protocols.registry import PROTOCOLS
from tests.identity.talk import TRANSCRIPTS, Turn, eap, eapol, pieces, ppp, radius

NOT_AS_IT_IS = frozenset({"dce_rpc", "iscsi", "sip", "smb", "vnc"})
"""Protocols that carry proofs alone."""


def bind(name: bytes, secret: bytes) -> Turn:
    """A simple bind of LDAP (RFC 4511, 4.2)."""
    body = b"\x02\x01\x03\x04" + bytes((len(name),)) + name + b"\x80" + bytes((len(secret),)) + secret
    body = b"\x02\x01\x01\x60" + bytes((len(body),)) + body
    return "c", b"\x30" + bytes((len(body),)) + body


def turned(password: bytes) -> bytes:
    """A password of S7comm, as thc-hydra's hydra-s7-300.c turns it."""
    found = bytearray()
    for place, byte in enumerate(password.ljust(8)):
        found.append(byte ^ 0x55 ^ (found[place - 2] if place >= 2 else 0))
    return bytes(found)


def traces(secret: bytes) -> list[bytes]:
    """The secret as it might be written: as it is, in other notations, and as a hash."""
    plain = [secret, secret.hex().encode(), b64encode(secret).rstrip(b"="), secret[::-1], turned(secret)]
    hashes = [hashlib.new(name, secret) for name in ("md5", "sha1", "sha256", "blake2b")]
    return [*plain, *(one.digest() for one in hashes), *(one.hexdigest().encode() for one in hashes)]


def talks(begin_ns: int) -> tuple[list[Packet], dict[str, bytes]]:
    """Packets from a moment on, one log-in a second, and the secret of each protocol."""
    packets, secrets = list[Packet](), dict[str, bytes]()
    wire = Wire("02:00:00:00:00:03", "02:00:00:00:00:04")
    known_protocols = {one.id: one for one in PROTOCOLS}
    for number, protocol in enumerate(IDS):
        turns, secret = _another(_carrying(protocol), protocol)
        if not secret:
            continue
        secrets[protocol] = secret
        known = known_protocols[protocol]
        client = Host("c", f"10.9.{number}.1", f"02:00:00:00:{number:02x}:01")
        server = Host("s", f"10.9.{number}.2", f"02:00:00:00:{number:02x}:02")
        hosts = client, server
        begins = begin_ns + number * 10**9
        if protocol in ("eapol", "pppoe"):
            packets += _below_ip(protocol, turns, hosts, begins)
        # The transcript of FINS has no header of its TCP form.
        elif known.tcp_ports and protocol != "fins":
            says = [Say("client" if who == "c" else "server", data, 1_000_000) for who, data in turns]
            packets += connection(wire, begins, hosts, (50_000, known.tcp_ports[0]), says, Random(1), "x")
        else:
            ports = 50_000, known.udp_ports[0]
            for turn, (who, data) in enumerate(turns):
                ways = (hosts, ports) if who == "c" else ((server, client), ports[::-1])
                packets.append(udp_packet(wire, begins + turn * 10**6, *ways, data, turn, "x"))
    return packets, secrets


def _carrying(protocol: str) -> tuple[Turn, ...]:
    """Its transcript, or another log-in of it that carries a secret that is long enough to be looked for."""
    card = eap(1, 24, 6, b"Password: "), eap(2, 24, 6, b"hunter2")
    others: dict[str, tuple[Turn, ...]] = {
        "ldap": (bind(b"cn=admin", b"hunter2"), ("s", bytes.fromhex("300c02010161070a010004000400"))),
        "pppoe": (("c", ppp("c023", 1, 8, b"\x05admin\x07hunter2")), ("s", ppp("c023", 2, 8, b"\0"))),
        "eapol": (
            ("s", eapol(eap(1, 22, 1))), ("c", eapol(eap(2, 22, 1, b"phone-7"))), ("s", eapol(card[0])),
            ("c", eapol(card[1])), ("s", eapol(eap(3, 24))),
        ),
        "radius": (
            ("c", radius(1, 7, (1, b"switch"), (79, eap(2, 23, 1, b"switch")))),
            ("s", radius(11, 7, (79, card[0]), (24, b"x"))),
            ("c", radius(1, 8, (1, b"switch"), (79, card[1]), (24, b"x"))),
            ("s", radius(2, 8, (79, eap(3, 24)))),
        ),
    }  # fmt: skip
    return others.get(protocol, TRANSCRIPTS[protocol])


def _another(turns: tuple[Turn, ...], protocol: str) -> tuple[tuple[Turn, ...], bytes]:
    """A log-in with a password of the same length that nothing else says, also in Base64 and as S7comm turns
    it; b"" where its protocol does not carry it."""
    old = next((one.secret for one in parser_of(protocol)(pieces(*turns)) if one.secret), b"")
    if not old:
        return turns, b""
    new = hashlib.sha256(protocol.encode()).hexdigest().upper().encode()[: len(old)]

    def token(found: re.Match[bytes]) -> bytes:
        try:
            said = b64decode(found[0], validate=True)
        except ValueError:
            return found[0]
        return b64encode(b"".join(said.rpartition(old)[:1]) + new) if said.endswith(old) else found[0]

    changed: list[Turn] = []
    for who, data in turns:
        head, _, tail = data.rpartition(old) if old in data and who == "c" else (data, b"", b"")
        whole = re.sub(rb"[A-Za-z0-9+/]{6,}=*", token, data).replace(turned(old), turned(new))
        changed.append((who, head + new + tail if old in data and who == "c" else whole))
    carried = [one.secret for one in parser_of(protocol)(pieces(*changed))]
    return tuple(changed), new if len(new) >= 4 and new in carried else b""


def _below_ip(protocol: str, turns: tuple[Turn, ...], hosts: tuple[Host, Host], begins: int) -> list[Packet]:
    client, server = hosts
    found = []
    for turn, (who, data) in enumerate(turns):
        one, other = (client, server) if who == "c" else (server, client)
        kind = 0x888E
        if protocol == "pppoe":
            kind, data = 0x8864, b"\x11\x00\x00\x05" + len(data).to_bytes(2, "big") + data
        frame = ethernet(other.mac, one.mac, kind, data).ljust(60, b"\0")
        found.append(Packet(begins + turn * 10**6, frame, "x"))
    return found
