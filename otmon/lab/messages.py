"""Messages of the protocols that surround the controllers: each function gives one payload.

They hold what a dissector needs to name the protocol and what the story needs to be told; what is
encrypted in life is random bytes here.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from random import Random

from otmon.lab.frames import Host, mac_bytes

NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905, figure 4)."""

TLS_HANDSHAKE, TLS_CHANGE_CIPHER, TLS_DATA = 22, 20, 23


def _name(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


def dns_query(ident: int, name: str) -> bytes:
    """A recursive query for an address (RFC 1035, 4.1)."""
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + _name(name) + struct.pack(">HH", 1, 1)


def dns_answer(ident: int, name: str, address: str | None) -> bytes:
    """The address of `name`, or "no such name"."""
    if address is None:
        return struct.pack(">HHHHHH", ident, 0x8183, 1, 0, 0, 0) + _name(name) + struct.pack(">HH", 1, 1)
    answer = struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + IPv4Address(address).packed
    head = struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0)
    return head + _name(name) + struct.pack(">HH", 1, 1) + answer


def ntp(mode: int, time_ns: int) -> bytes:
    """A version 4 message (RFC 5905, 7.3) of a client (mode 3) or a stratum 2 server (4)."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    stamp = struct.pack(">II", (seconds + NTP_EPOCH_S) & 0xFFFFFFFF, (rest << 32) // 1_000_000_000)
    stratum = 2 if mode == 4 else 0
    head = struct.pack(">BBbbIII", 4 << 3 | mode, stratum, 6, -20, 0, 0, 0)
    return head + (stamp * 4 if mode == 4 else bytes(24) + stamp)[:32].ljust(32, b"\0")


DHCP_PARAMETERS = bytes((1, 3, 6, 15))
"""Mask, router, name servers, domain: what the plainest client asks for."""


def dhcp(
    kind: int,
    transaction: int,
    host: Host,
    name: str,
    server: str,
    asks_for: bytes = DHCP_PARAMETERS,
    vendor_class: str = "",
) -> bytes:
    """Discover (1), offer (2), request (3) or acknowledgment (5), RFC 2131 and 2132: `name` is option
    12 where it is not empty, `vendor_class` option 60, `asks_for` option 55."""
    reply = kind in (2, 5)
    offered = IPv4Address(host.address).packed if reply else bytes(4)
    head = struct.pack(">BBBBIHH", 2 if reply else 1, 1, 6, 0, transaction, 0, 0x8000)
    head += bytes(4) + offered + (IPv4Address(server).packed if reply else bytes(4)) + bytes(4)
    head += mac_bytes(host.mac).ljust(16, b"\0") + bytes(192) + bytes.fromhex("63825363")
    options = bytes((53, 1, kind))
    if kind != 1:
        options += bytes((54, 4)) + IPv4Address(server).packed
    if reply:
        options += bytes((51, 4)) + struct.pack(">I", 28_800) + bytes((1, 4, 255, 255, 255, 0))
    else:
        if name:
            options += bytes((12, len(name))) + name.encode()
        if vendor_class:
            options += bytes((60, len(vendor_class))) + vendor_class.encode()
        options += bytes((55, len(asks_for))) + asks_for
    if kind == 3:
        options += bytes((50, 4)) + IPv4Address(host.address).packed
    return (head + options + b"\xff").ljust(300, b"\0")


def tls_record(kind: int, body: bytes) -> bytes:
    """A record of TLS 1.2, and in looks of 1.3 (RFC 8446, 5.1)."""
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def client_hello(server_name: str, random: Random) -> bytes:
    """RFC 8446, 4.1.2, in one record with the server's name (RFC 6066, 3)."""
    name = server_name.encode()
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = b"".join(
        struct.pack(">HH", kind, len(body)) + body
        for kind, body in (
            (0, sni),
            (10, bytes.fromhex("0004001d0017")),
            (13, bytes.fromhex("0006040308040401")),
            (16, bytes.fromhex("0009") + b"\x08http/1.1"),
            (43, bytes.fromhex("0403040303")),
            (51, bytes.fromhex("0024001d0020") + random.randbytes(32)),
        )
    )
    suites = bytes.fromhex("130113021303c02bc02f009c")
    body = b"\x03\x03" + random.randbytes(32) + b"\x20" + random.randbytes(32)
    body += (
        struct.pack(">H", len(suites)) + suites + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    )
    return tls_record(TLS_HANDSHAKE, b"\x01" + len(body).to_bytes(3, "big") + body)


def server_hello(random: Random) -> bytes:
    """RFC 8446, 4.1.3, followed by the cipher change and encrypted records of certificate size."""
    extensions = bytes.fromhex("002b00020304") + bytes.fromhex("00330024001d0020") + random.randbytes(32)
    body = b"\x03\x03" + random.randbytes(32) + b"\x20" + random.randbytes(32) + bytes.fromhex("130100")
    body += struct.pack(">H", len(extensions)) + extensions
    hello = tls_record(TLS_HANDSHAKE, b"\x02" + len(body).to_bytes(3, "big") + body)
    return hello + tls_record(TLS_CHANGE_CIPHER, b"\x01") + tls_record(TLS_DATA, random.randbytes(880))


def tls_data(random: Random, length: int) -> bytes:
    return tls_record(TLS_DATA, random.randbytes(length))


def http_request(method: str, path: str, host: str, agent: str, *fields: str) -> bytes:
    """RFC 9112, 3, with more header `fields` as whole lines."""
    first = (f"{method} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}", "Accept: */*")
    lines = (*first, *fields, "", "")
    return "\r\n".join(lines).encode()


def http_response(status: str, body: str, *fields: str) -> bytes:
    first = (f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}")
    lines = (*first, *fields, "", body)
    return "\r\n".join(lines).encode()


def smb1_negotiate() -> bytes:
    """The dialects that Windows XP offers ([MS-CIFS] 2.2.4.52.1, over direct TCP)."""
    names = (
        b"PC NETWORK PROGRAM 1.0",
        b"LANMAN1.0",
        b"Windows for Workgroups 3.1a",
        b"LM1.2X002",
        b"LANMAN2.1",
        b"NT LM 0.12",
    )
    dialects = b"".join(b"\x02" + name + b"\0" for name in names)
    head = b"\xffSMB\x72" + bytes(4) + b"\x18" + struct.pack("<H", 0xC853) + bytes(12)
    head += struct.pack("<HHHH", 0, 0xFEFF, 0, 0)
    body = head + b"\0" + struct.pack("<H", len(dialects)) + dialects
    return struct.pack(">I", len(body)) + body


def smb1_negotiated(random: Random) -> bytes:
    """The server's choice of NT LM 0.12 ([MS-CIFS] 2.2.4.52.2, extended security)."""
    head = b"\xffSMB\x72" + bytes(4) + b"\x98" + struct.pack("<H", 0xC853) + bytes(12)
    head += struct.pack("<HHHH", 0, 0xFEFF, 0, 0)
    words = struct.pack("<HBHHIIIIQhB", 5, 3, 50, 1, 16_644, 65_536, 0, 0x8000E3FD, 0, 0, 0)
    body = head + b"\x11" + words + struct.pack("<H", 16) + random.randbytes(16)
    return struct.pack(">I", len(body)) + body


def netbios_query(ident: int, name: str) -> bytes:
    """A broadcast for a name (RFC 1002, 4.2.12), first-level encoded (RFC 1001, 14.1)."""
    padded = name.upper().ljust(15).encode() + b"\0"
    encoded = bytes(65 + nibble for octet in padded for nibble in (octet >> 4, octet & 15))
    return struct.pack(">HHHHHH", ident, 0x0110, 1, 0, 0, 0) + b"\x20" + encoded + b"\0\0\x20\0\x01"


def rdp_request(user: str) -> bytes:
    """The X.224 connection request with its cookie ([MS-RDPBCGR] 2.2.1.1)."""
    rest = f"Cookie: mstshash={user}\r\n".encode() + struct.pack("<BBHI", 1, 0, 8, 3)
    x224 = bytes((6 + len(rest), 0xE0, 0, 0, 0, 0, 0)) + rest
    return struct.pack(">BBH", 3, 0, 4 + len(x224)) + x224


def rdp_confirm() -> bytes:
    """The X.224 connection confirm that chooses TLS ([MS-RDPBCGR] 2.2.1.2)."""
    x224 = bytes((14, 0xD0, 0, 0, 0x12, 0x34, 0)) + struct.pack("<BBHI", 2, 0x1F, 8, 1)
    return struct.pack(">BBH", 3, 0, 4 + len(x224)) + x224


def lldp(host: Host, port: str, description: str) -> bytes:
    """Chassis, port, time to live, system name and description (IEEE 802.1AB, 8.5)."""

    def tlv(kind: int, value: bytes) -> bytes:
        return struct.pack(">H", kind << 9 | len(value)) + value

    unit = tlv(1, b"\x04" + mac_bytes(host.mac)) + tlv(2, b"\x07" + port.encode()) + tlv(3, b"\0\x78")
    return unit + tlv(5, host.name.encode()) + tlv(6, description.encode()) + tlv(0, b"")


PROFINET_ETHERTYPE, LLDP_ETHERTYPE = 0x8892, 0x88CC
LLDP_ADDRESS, PROFINET_IDENTIFY_ADDRESS = "01:80:c2:00:00:0e", "01:0e:cf:00:00:00"


def profinet_cyclic(frame: int, data: bytes, cycle: int) -> bytes:
    """Real-time data (IEC 61158-6-10, class 1: frame ids 0x8000 to 0xBFFF) with its status:
    cycle counter, data status (run, valid, primary, normal), transfer status."""
    return struct.pack(">H", frame) + data.ljust(40, b"\0") + struct.pack(">HBB", cycle & 0xFFFF, 0x35, 0)


def profinet_identify(transaction: int) -> bytes:
    """A DCP identify request to all stations (IEC 61158-6-10, frame id 0xFEFE)."""
    return struct.pack(">HBBIHHBBH", 0xFEFE, 5, 0, transaction, 1, 4, 255, 255, 0)


def profinet_identified(transaction: int, name: str, address: str) -> bytes:
    """A station's answer (frame id 0xFEFF): its name of station and its IP parameters."""
    station = name.encode()
    block = struct.pack(">BBHH", 2, 2, 2 + len(station), 0) + station + bytes(len(station) % 2)
    network = IPv4Address(address).packed + bytes((255, 255, 255, 0)) + bytes(4)
    block += struct.pack(">BBHH", 1, 2, 2 + len(network), 1) + network
    return struct.pack(">HBBIHH", 0xFEFF, 5, 1, transaction, 0, len(block)) + block
