"""Real forms of the messages in which devices say who they are, and what they say, for the readers."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Literal

from otmon.identity.claim import Claim
from otmon.identity.registry import teller_of
from tests.identity.talk import Turn, pieces

Said = tuple[str, str]
"""Kind and value."""


def claims(protocol: str, *turns: Turn) -> list[Claim]:
    return list(teller_of(protocol)(pieces(*turns)))


def said(protocol: str, *turns: Turn) -> list[Said]:
    """Each once, in order."""
    return list(dict.fromkeys((one.kind, one.value) for one in claims(protocol, *turns)))


def dhcp(*options: tuple[int, bytes], op: int = 1, address: bytes = bytes(4), file: bytes = b"") -> bytes:
    head = struct.pack("!BBBB8x4s12x", op, 1, 6, 0, address) + bytes.fromhex("001a4bf60102") + bytes(10)
    tail = b"".join(bytes((code, len(value))) + value for code, value in options)
    return head + bytes(64) + file.ljust(128, b"\0") + b"\x63\x82\x53\x63" + tail + b"\xff"


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


CHASSIS: bytes = tlv(1, b"\x04\0\x0e\x8c\1\2\3")
"""With which each frame of LLDP begins."""


def cdp_value(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, 4 + len(value)) + value


def cdp(*values: bytes) -> bytes:
    return bytes.fromhex("aaaa0300000c2000") + b"\x02\xb4\x00\x00" + b"".join(values)


def ber(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, 0x82)) + struct.pack("!H", len(body)) + body


def snmp(*variables: tuple[str, int, bytes], kind: int = 0xA2, version: bytes = b"\1") -> bytes:
    pairs = [ber(0x30, ber(6, bytes.fromhex(name)), ber(tag, value)) for name, tag, value in variables]
    pdu = ber(kind, ber(2, b"\7"), ber(2, b"\0"), ber(2, b"\0"), ber(0x30, *pairs))
    return ber(0x30, ber(2, version), ber(4, b"public"), pdu)


def ntlm(kind: Literal[1, 2, 3], fields: list[bytes], flags: int, version: bytes) -> bytes:
    """A message of [MS-NLMP] 2.2.1 with its fields behind the fixed part, in their order."""
    size = {1: 40, 2: 56, 3: 72}[kind]
    at = size
    places = []
    for value in fields:
        places.append(struct.pack("<HHI", len(value), len(value), at))
        at += len(value)
    head = b"NTLMSSP\0" + struct.pack("<I", kind)
    if kind == 1:
        head += struct.pack("<I", flags) + places[0] + places[1]
    elif kind == 2:
        head += places[0] + struct.pack("<I", flags) + bytes(16) + places[1]
    else:
        head += b"".join(places) + struct.pack("<I", flags)
    return head + version + b"".join(fields)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def pairs(**values: str) -> bytes:
    """AV_PAIRs named by their numbers: `_1="PLC"`."""
    found = b"".join(
        struct.pack("<HH", int(name[1:]), len(wide(text))) + wide(text) for name, text in values.items()
    )
    return found + bytes(4)


def smb1(words: int, data: bytes, *, answer: bool, blob: int = 0, unicode: bool = True) -> bytes:
    """A SESSION_SETUP_ANDX of version 1 behind the NetBIOS header."""
    flags2 = 0x8000 if unicode else 0
    head = b"\xffSMB\x73" + bytes(4) + bytes((0x80 if answer else 0,)) + struct.pack("<H", flags2) + bytes(20)
    parameters = bytearray(2 * words)
    if words == 4:
        parameters[6:8] = struct.pack("<H", blob)
    elif words == 12:
        parameters[14:16] = struct.pack("<H", blob)
    message = head + bytes((words,)) + bytes(parameters) + struct.pack("<H", len(data)) + data
    return struct.pack("!I", len(message)) + message


def encoded(name: str, suffix: int) -> bytes:
    raw = name.ljust(15).encode() + bytes((suffix,))
    return b"\x20" + b"".join(bytes((0x41 + (one >> 4), 0x41 + (one & 15))) for one in raw) + b"\0"


def registration(name: str, suffix: int, flags: int = 0) -> bytes:
    head = struct.pack("!6H", 7, 0x2910, 1, 0, 0, 1)
    question = encoded(name, suffix) + b"\0\x20\0\1"
    return head + question + b"\xc0\x0c\0\x20\0\1" + struct.pack("!IHH4s", 300, 6, flags, b"\x0a\0\0\1")


def node_status(*names: tuple[str, int, int]) -> bytes:
    listed = b"".join(
        name.ljust(15).encode() + bytes((suffix,)) + struct.pack("!H", flags) for name, suffix, flags in names
    )
    data = bytes((len(names),)) + listed + bytes(46)
    head = struct.pack("!6H", 7, 0x8400, 0, 1, 0, 0)
    return head + encoded("*", 0) + b"\0\x21\0\1" + struct.pack("!IH", 0, len(data)) + data


def announcement(opcode: int, name: bytes, version: bytes, kind: int = 0x1003, comment: bytes = b"") -> bytes:
    frame = bytes((opcode, 0)) + bytes(4) + name.ljust(16, b"\0") + version
    frame += struct.pack("<IHH", kind, 0x010F, 0xAA55) + comment + b"\0"
    head = struct.pack("!BBH4sHHH", 0x11, 0x0A, 1, b"\x0a\0\0\1", 138, 200, 0)
    names = encoded(name.decode(), 0x00) + encoded("WORKGROUP", 0x1D)
    return head + names + b"\xffSMB\x25" + bytes(60) + b"\\MAILSLOT\\BROWSE\0" + frame


def dns_name(text: str) -> bytes:
    return b"".join(bytes((len(one),)) + one.encode() for one in text.split(".") if one) + b"\0"


def dns(flags: int, *records: tuple[int, str, int, bytes]) -> bytes:
    """Records with their section."""
    counts = [sum(one[0] == section for one in records) for section in range(3)]
    body = b"".join(
        dns_name(name) + struct.pack("!HHIH", kind, 1, 120, len(data)) + data
        for _, name, kind, data in sorted(records, key=lambda one: one[0])
    )
    return struct.pack("!6H", 0, flags, 0, *counts) + body


def bacnet(apdu: bytes, npdu: bytes = b"\1\0", function: int = 11) -> bytes:
    return struct.pack("!BBH", 0x81, function, 4 + len(npdu) + len(apdu)) + npdu + apdu


def device(number: int) -> bytes:
    return struct.pack("!I", 8 << 22 | number)


def i_am(number: int, vendor: int) -> bytes:
    return b"\x10\x00\xc4" + device(number) + b"\x22\x01\xe0\x91\x03\x21" + bytes((vendor,))


def property_of(number: int, which: int, text: bytes) -> bytes:
    value = (b"\x75" + bytes((len(text),)) if len(text) > 4 else bytes((0x70 | len(text),))) + text
    return b"\x30\x07\x0c\x0c" + device(number) + b"\x19" + bytes((which,)) + b"\x3e" + value + b"\x3f"


def dcp(*blocks: tuple[int, int, bytes], frame: int = 0xFEFF, service: int = 5, kind: int = 1) -> bytes:
    body = b"".join(
        bytes((option, sub)) + struct.pack("!H", 2 + len(value)) + b"\0\0" + value + b"\0" * (len(value) % 2)
        for option, sub, value in blocks
    )
    return struct.pack("!HBBIHH", frame, service, kind, 1, 0, len(body)) + body


def identification(*objects: tuple[int, bytes]) -> bytes:
    listed = b"".join(bytes((number, len(value))) + value for number, value in objects)
    return bytes((43, 14, 1, 1, 0, 0, len(objects))) + listed


def list_identity(name: bytes, vendor: int = 1, kind: int = 0x0E) -> bytes:
    item = (
        struct.pack("<H16xHHHBBHI", 1, vendor, kind, 55, 20, 11, 0, 0x00524D8E) + bytes((len(name),)) + name
    )
    body = struct.pack("<HHH", 1, 12, len(item) + 1) + item + b"\3"
    return struct.pack("<HHIIQI", 0x63, len(body), 0, 0, 0, 0) + body


def szl(kind: int, size: int, *records: tuple[int, bytes]) -> bytes:
    data = b"".join(struct.pack("!H", index) + value.ljust(size - 2, b"\0") for index, value in records)
    data = struct.pack("!HHHH", kind, 0, size, len(records)) + data
    data = b"\xff\x09" + struct.pack("!H", len(data)) + data
    parameters = bytes.fromhex("000112081284010100000000")
    body = b"\x32\x07" + struct.pack("!HHHH", 0, 1, len(parameters), len(data)) + parameters + data
    return b"\x03\x00" + struct.pack("!H", 7 + len(body)) + b"\x02\xf0\x80" + body


def fins(model: bytes, version: bytes, end: int = 0) -> bytes:
    head = bytes.fromhex("c00002000a000001000105 01".replace(" ", ""))
    return head + struct.pack("!H", end) + model.ljust(20) + version.ljust(20) + bytes(52)


def type_name(name: bytes, head: bytes = b"\xd0\x00") -> bytes:
    return head + bytes.fromhex("00ffff0300") + struct.pack("<HH", 20, 0) + name.ljust(16) + b"\x63\x02"


def ua_text(text: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if text is None else struct.pack("<I", len(text)) + text


def endpoints(name: bytes, product: bytes, result: int = 0) -> bytes:
    body = b"\x01\x00\xaf\x01" + bytes(8) + struct.pack("<II", 1, result) + b"\0" + b"\xff\xff\xff\xff"
    body += bytes(3) + struct.pack("<I", 1) + ua_text(b"opc.tcp://a:4840") + ua_text(b"urn:a")
    body += ua_text(product) + b"\x03" + ua_text(b"en") + ua_text(name) + bytes(60)
    return b"MSGF" + struct.pack("<I", 24 + len(body)) + bytes(16) + body


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes((len(body),)) if len(body) < 128 else b"\x82" + struct.pack("!H", len(body))
    return bytes((tag,)) + size + body


def x509_name(common: bytes, organisation: bytes = b"", tag: int = 0x0C) -> bytes:
    """A Name of RFC 5280, 4.1.2.4, in UTF-8 unless `tag` says otherwise."""
    pairs = [(b"\x55\x04\x0a", organisation), (b"\x55\x04\x03", common)]
    return der(0x30, *(der(0x31, der(0x30, der(6, oid), der(tag, text))) for oid, text in pairs if text))


def x509(subject: bytes, issuer: bytes, *names: bytes, version: bool = True) -> bytes:
    """A certificate of RFC 5280, 4.1, with alternative names of DNS and an address."""
    every = [*(der(0x82, one) for one in names), der(0x87, bytes((10, 2, 0, 9)))]
    alternative = der(0x30, der(6, b"\x55\x1d\x11"), der(4, der(0x30, *every)))
    usage = der(0x30, der(6, b"\x55\x1d\x0f"), der(1, b"\xff"), der(4, der(3, b"\5\xa0")))
    algorithm = der(0x30, der(6, bytes.fromhex("2a864886f70d01010b")), der(5))
    valid = der(0x30, der(0x17, b"240101000000Z"), der(0x17, b"340101000000Z"))
    body = [der(2, b"\7"), algorithm, issuer, valid, subject, der(0x30, algorithm, der(3, bytes(64)))]
    body += [der(0xA3, der(0x30, usage, alternative))]
    signed = der(0x30, *([der(0xA0, der(2, b"\2"))] if version else []), *body)
    return der(0x30, signed, algorithm, der(3, bytes(65)))


def handshake(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def tls(*messages: bytes, cut: int = 1 << 14) -> bytes:
    """Handshake messages in records of at most `cut` bytes (RFC 8446, 5.1)."""
    stream = b"".join(messages)
    parts = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    return b"".join(b"\x16\3\3" + struct.pack("!H", len(part)) + part for part in parts)


def client_hello(name: bytes, kind: int = 0) -> bytes:
    """RFC 8446, 4.1.2, with the extensions of groups and of the server's name."""
    entry = bytes((kind,)) + struct.pack("!H", len(name)) + name
    server = struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry
    extensions = bytes.fromhex("000a00040002001d") + server
    body = b"\3\3" + bytes(32) + b"\x20" + bytes(32) + b"\0\4\xc0\x2f\0\xff\1\0"
    return handshake(1, body + struct.pack("!H", len(extensions)) + extensions)


def shown_certificate(*certificates: bytes) -> bytes:
    every = b"".join(len(one).to_bytes(3, "big") + one for one in certificates)
    return handshake(11, len(every).to_bytes(3, "big") + every)


PANEL: bytes = x509(
    x509_name(b"hmi-7", b"Example Panels"),
    x509_name(b"Example Root", b"Example Panels"),
    b"hmi-7.plant.example",
)
CONFIRM: bytes = bytes.fromhex("030000130ed000001234000200080001000000")
LAPTOP: bytes = x509(x509_name(b"eng-3"), x509_name(b"eng-3"))


XP: bytes = bytes.fromhex("0501280a0000000f")
XP_CHALLENGE = ntlm(2, [wide("PLANT"), pairs(_1="MAIL-1")], 0x02000001, XP)
XP_CHALLENGE_TOLD: list[Said] = [("system", "Windows NT 5.1 build 2600"), ("name", "MAIL-1")]
MESSAGES: dict[str, tuple[tuple[Turn, ...], list[Said]]] = {
    "dhcp": (
        (("c", dhcp((53, b"\1"), (12, b"xp-line1"), (60, b"MSFT 5.0"), (55, b"\1\x0f\3\x06,.\x2f\x1f!\xf9+"),
                    (81, b"\0\0\0XP-line1.plant.local"))),),
        [("name", "xp-line1"), ("name", "XP-line1.plant.local"), ("dhcp-class", "MSFT 5.0"),
         ("dhcp-options", "1,15,3,6,44,46,47,31,33,249,43")],
    ),
    "tftp": ((("c", b"\0\1fw-2.1.bin\0octet\0blksize\x001428\0"),), [("expects", "udp")]),
    "lldp": (
        (("c", CHASSIS + tlv(2, b"\x07port-001") + tlv(3, b"\0\x14")
          + tlv(5, b"et200sp-line1") + tlv(6, b"Siemens, SIMATIC NET, SCALANCE X208")
          + tlv(7, b"\0\x84\0\x84") + tlv(8, b"\5\1\x0a\0\0\7\2\0\0\0\1\0")
          + tlv(127, b"\0\x12\xbb\x08S4711") + tlv(127, b"\0\x0e\xcf\5\0\0") + tlv(0, b"")),),
        [("name", "et200sp-line1"), ("description", "Siemens, SIMATIC NET, SCALANCE X208"),
         ("capability", "bridge, station"), ("management", "10.0.0.7"), ("serial", "S4711")],
    ),
    "cdp": (
        (("c", cdp(cdp_value(1, b"line1-sw"), cdp_value(2, struct.pack("!I", 1) + b"\1\1\xcc\0\4\x0a\0\0\2"),
                   cdp_value(4, b"\0\0\0\x28"), cdp_value(5, b"Cisco IOS Software, IE2000"),
                   cdp_value(6, b"cisco IE-2000-8TC"))),),
        [("name", "line1-sw"), ("management", "10.0.0.2"), ("capability", "bridge"),
         ("description", "Cisco IOS Software, IE2000"), ("model", "cisco IE-2000-8TC")],
    ),
    "snmp": (
        (("s", snmp(("2b06010201010100", 4, b"Hirschmann MACH"), ("2b06010201010500", 4, b"sw-1"),
                    ("2b06010201010300", 0x43, b"\1"), ("2b060102012f010101010b01", 4, b"942-1"))),),
        [("description", "Hirschmann MACH"), ("name", "sw-1"), ("serial", "942-1")],
    ),
    "smb": (
        (("c", smb1(12, b"\0" * 41 + wide("Windows 2002 Service Pack 3 2600\0Windows 2002 5.1\0\0"),
                    answer=False, blob=40)),
         ("s", b"\0\0\1\0\xfeSMB" + bytes(60)
          + ntlm(2, [wide("PLANT"), pairs(_2="PLANT", _1="HMI-XP", _4="plant.local",
                                          _3="hmi-xp.plant.local")], 0x02000001, XP)),
         ("c", b"\0\0\1\0\xfeSMB" + bytes(60)
          + ntlm(3, [b"", b"", wide("PLANT"), wide("operator"), wide("ENG-7"), b""], 0x02000001, XP))),
        [("system", "Windows NT 5.1 build 2600"), ("name", "ENG-7"),
         ("system", "Windows 2002 Service Pack 3 2600"), ("software", "Windows 2002 5.1"),
         ("domain", "PLANT"), ("name", "HMI-XP"), ("domain", "plant.local"), ("name", "hmi-xp.plant.local")],
    ),
    "nbns": (
        (("c", registration("HMI-XP", 0)), ("c", registration("HMI-XP", 0x20)),
         ("c", registration("LINES", 0, 0x8000)), ("c", registration("HMI-XP", 3)),
         ("s", node_status(("SRV", 0, 0x0400), ("LINES", 0x1E, 0x8400), ("OFFICE", 0, 0x8400)))),
        [("name", "HMI-XP"), ("domain", "LINES"), ("name", "SRV"), ("domain", "OFFICE")],
    ),
    "nbdgm": (
        (("c", announcement(1, b"HMI-XP", b"\5\1", comment=b"Line 1")),),
        [("name", "HMI-XP"), ("system", "Windows NT 5.1"), ("description", "Line 1")],
    ),
    "llmnr": (
        (("s", dns(0x8000, (0, "hmi-7", 1, b"\x0a\0\0\1"))),), [("name", "hmi-7")],
    ),
    "mdns": (
        (("c", dns(0x8400, (0, "axis-cam.local", 1, b"\x0a\0\0\1"), (0, "_rtsp._tcp.local", 12, b"\0"),
                   (2, "x._ipp._tcp.local", 16, b"\x09txtvers=1\x0bty=EPSON L6"))),
         ("c", dns(0, (1, "probe.local", 28, bytes(16)), (0, "other.local", 1, bytes(4))))),
        [("name", "axis-cam"), ("capability", "_rtsp._tcp"), ("model", "EPSON L6"), ("name", "probe")],
    ),
    "ssdp": (
        (("s", b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nSERVER: Linux/3.4 UPnP/1.0 IpCam/1.0\r\n"
               b"NT: urn:schemas-upnp-org:device:Printer:1\r\n\r\n"),),
        [("software", "Linux/3.4 UPnP/1.0 IpCam/1.0"), ("capability", "Printer")],
    ),
    "http": (
        (("c", b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/4.0 (Windows NT 5.1)\r\n\r\n"),
         ("s", b"HTTP/1.1 200 OK\r\nServer: GoAhead-Webs\r\nContent-Length: 0\r\n\r\n")),
        [("software", "Mozilla/4.0 (Windows NT 5.1)"), ("software", "GoAhead-Webs"), ("called", "a")],
    ),
    "rtsp": (
        (("c", b"OPTIONS rtsp://a/1 RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: LibVLC/3.0\r\n\r\n"),
         ("s", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Hipcam RealServer/V1.0\r\n\r\n")),
        [("software", "LibVLC/3.0"), ("software", "Hipcam RealServer/V1.0")],
    ),
    "sip": (
        (("c", b"REGISTER sip:a SIP/2.0\r\nCSeq: 1 REGISTER\r\nUser-Agent: Yealink SIP-T21P\r\n\r\n"),
         ("s", b"SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\nServer: Asterisk PBX 11\r\n\r\n")),
        [("software", "Yealink SIP-T21P"), ("software", "Asterisk PBX 11")],
    ),
    "ftp": (
        (("s", b"220 CP 343-1 FTP-Server V1.4 ready\r\n"),), [("software", "CP 343-1 FTP-Server V1.4 ready")],
    ),
    "smtp": (
        (("s", b"220 mail ESMTP Postfix\r\n"), ("c", b"EHLO ups-7\r\n")),
        [("software", "mail ESMTP Postfix"), ("name", "ups-7")],
    ),
    "ssh": (
        (("s", b"SSH-2.0-OpenSSH_6.6.1p1 Ubuntu-2ubuntu2\r\n"), ("c", b"SSH-2.0-PuTTY_Release_0.70\r\n")),
        [("software", "OpenSSH_6.6.1p1 Ubuntu-2ubuntu2"), ("software", "PuTTY_Release_0.70")],
    ),
    "tls": (
        (("c", tls(client_hello(b"panel.plant.example"))),
         ("s", tls(handshake(2, bytes(40)), shown_certificate(PANEL), handshake(14, b""))),
         ("c", tls(shown_certificate(LAPTOP)))),
        [("called", "panel.plant.example"), ("name", "eng-3"), ("certificate", "CN=eng-3, issued by itself"),
         ("name", "hmi-7"), ("name", "hmi-7.plant.example"),
         ("certificate", "CN=hmi-7, O=Example Panels, issued by CN=Example Root, O=Example Panels")],
    ),
    "rdp": (
        (("s", CONFIRM + tls(shown_certificate(PANEL))),),
        [("name", "hmi-7"), ("name", "hmi-7.plant.example"),
         ("certificate", "CN=hmi-7, O=Example Panels, issued by CN=Example Root, O=Example Panels")],
    ),
    "imap": (
        (("s", b"* OK [CAPABILITY IMAP4rev1 AUTH=NTLM] Dovecot ready.\r\n"),
         ("s", b"+ " + b64encode(XP_CHALLENGE) + b"\r\n")),
        [("software", "Dovecot ready."), *XP_CHALLENGE_TOLD],
    ),
    "pop3": (
        (("s", b"+OK Dovecot ready. <1.2@mail>\r\n"), ("s", b"+ " + b64encode(XP_CHALLENGE) + b"\r\n")),
        [("software", "Dovecot ready."), *XP_CHALLENGE_TOLD],
    ),
    "dce_rpc": (
        (("s", b"\5\0\x0c\3\x10\0\0\0" + bytes(16) + XP_CHALLENGE),), XP_CHALLENGE_TOLD
    ),
    "bacnet": (
        (("s", bacnet(i_am(1234, 42), b"\1\x20\xff\xff\0\xff")),
         ("s", bacnet(property_of(7, 70, b"\0DX-9100"))),
         ("s", bacnet(property_of(7, 77, b"\4\0A\0H\0U"), function=10))),
        [("description", "BACnet device 1234"), ("vendor", "BACnet vendor 42"), ("model", "DX-9100"),
         ("name", "AHU")],
    ),
    "profinet": (
        (("s", dcp((2, 1, b"ET200SP"), (2, 2, b"et200sp-line1"), (2, 3, b"\0\x2a\3\x13"), (2, 4, b"\1\0"),
                   (1, 2, b"\x0a\0\0\7" + bytes(8)))),),
        [("model", "ET200SP"), ("name", "et200sp-line1"),
         ("description", "PROFINET vendor 0x002a, device 0x0313"), ("capability", "io-device"),
         ("management", "10.0.0.7")],
    ),
    "modbus": (
        (("s", identification((0, b"Schneider Electric"), (1, b"BMX P34 2020"), (2, b"v2.6"))),
         ("s", b"\x11\x0a\0\xffTSX-1234")),
        [("vendor", "Schneider Electric"), ("model", "BMX P34 2020"), ("firmware", "v2.6"),
         ("description", "TSX-1234")],
    ),
    "ethernet_ip": (
        (("s", list_identity(b"1756-L61/B LOGIX5561")),),
        [("vendor", "CIP vendor 1"), ("capability", "plc"), ("firmware", "20.011"), ("serial", "00524D8E"),
         ("model", "1756-L61/B LOGIX5561")],
    ),
    "s7comm": (
        (("s", szl(0x0011, 28, (1, b"6ES7 315-2EH14-0AB0 "), (7, b"6ES7 315-2EH14-0AB0 \0\xc0V\3\2\6"))),
         ("s", szl(0x001C, 34, (1, b"station_1"), (5, b"S C-B1U393142011"), (7, b"CPU 315-2 PN/DP")))),
        [("model", "6ES7 315-2EH14-0AB0"), ("firmware", "V3.2.6"), ("name", "station_1"),
         ("serial", "S C-B1U393142011"), ("model", "CPU 315-2 PN/DP")],
    ),
    "fins": ((("s", fins(b"CJ2M-CPU33", b"02.01")),), [("model", "CJ2M-CPU33"), ("firmware", "02.01")]),
    "slmp": ((("s", type_name(b"Q03UDECPU")),), [("model", "Q03UDECPU")]),
    "opc_ua": (
        (("c", b"HELF\x0c\0\0\0\0\0\0\0"),
         ("s", b"ACKF\x0c\0\0\0\0\0\0\0" + endpoints(b"Line 1", b"urn:acme:ua"))),
        [("software", "Line 1"), ("model", "urn:acme:ua")],
    ),
}  # fmt: skip
"""Protocol -> its messages and what they say."""
