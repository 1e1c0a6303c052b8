"""Messages of every protocol, written by hand from its specification: what recognition must know.

`sender` is who sends the message, "either" where it does not tell. A message that is not `anywhere`
counts on the protocol's usual port only.
"""

from __future__ import annotations

from dataclasses import dataclass

from otmon.protocols.protocol import Sender, Transport


@dataclass(frozen=True, slots=True)
class Message:
    protocol: str
    transport: Transport
    payload: bytes
    sender: Sender = "either"
    anywhere: bool = True
    provisional: bool = False


def _hex(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


def _tpkt(payload: bytes) -> bytes:
    return b"\x03\x00" + (len(payload) + 4).to_bytes(2, "big") + payload


def _data(payload: bytes) -> bytes:
    return _tpkt(b"\x02\xf0\x80" + payload)


def _in_tcp(payload: bytes, size: int = 2) -> bytes:
    return len(payload).to_bytes(size, "big") + payload


_MYSQL_GREETING = (
    _hex("4a000000 0a") + b"8.0.36\0" + _hex("08000000 0102030405060708 00 fff7 21 0200 ff8115")
    + bytes(10) + b"abcdefghijkl\0mysql_native_password\0"
)  # fmt: skip
_MYSQL_RESPONSE = (
    _hex("3a000001 85a63f20 00000001 21") + bytes(23) + b"root\0" + _hex("14") + bytes(range(1, 20)) + b"\0"
)
_S7_CONNECT = _tpkt(_hex("11 e0 0000 0001 00", "c0010a", "c1020100", "c2020102"))
_S7_CONFIRM = _tpkt(_hex("11 d0 0001 0004 00", "c0010a", "c1020100", "c2020102"))
_PLUS_CONNECT = _tpkt(_hex("1f e0 0000 0003 00", "c1020600", "c20f") + b"SIMATIC-ROOT-ES" + _hex("c0010a"))
_MMS_CONNECT = _tpkt(_hex("11 e0 0000 0001 00", "c0010d", "c1020001", "c2020001"))
_MMS_CONFIRM = _tpkt(_hex("11 d0 0001 0002 00", "c0010d", "c1020001", "c2020001"))
_SESSION_OPTIONS = _hex("0506 130100 160102", "14020002")
_MMS_READ = (
    _hex("01000100", "611e 301c 020103", "a017", "a015 020101 a410 a10e a00c 300a a008 8006") + b"Status"
)
_MMS_ANSWER = _hex("01000100", "6112 3010 020103", "a00b", "a109 020101 a404 a102 8300")
_MMS_REPORT = _hex("01000100", "61819e 30819b 020103", "a08195", "a38192 a0818f") + bytes(143)


def _enip(command: int, session: int, data: bytes) -> bytes:
    head = command.to_bytes(2, "little") + len(data).to_bytes(2, "little") + session.to_bytes(4, "little")
    return head + bytes(4) + b"otmon!!!" + bytes(4) + data


_LIST_IDENTITY = _hex("0100 0c00 1c00", "0100 0002 af12 c0a80101 0000000000000000", "0100 0e00 3600", "00")
_RR_REQUEST = _hex("00000000 0a00 0200", "0000 0000", "b200 0600", "0e 02 2001 2401")
_RR_ANSWER = _hex("00000000 0000 0200", "0000 0000", "b200 0600", "8e 00 0000 0100")
_UNIT_REQUEST = _hex("00000000 0000 0200", "a100 0400 11223344", "b100 0800", "0100", "4c 02 2001 2401")
_UNIT_ANSWER = _hex("00000000 0000 0200", "a100 0400 55667788", "b100 0600", "0100", "cc 00 0000")

_AMS = _hex("c0a801640101 2103", "c0a801650101 8001")


def _ads(flags: int, data: bytes) -> bytes:
    ams = _AMS + _hex("0200") + flags.to_bytes(2, "little") + len(data).to_bytes(4, "little")
    ams += bytes(4) + _hex("01000000") + data
    return bytes(2) + len(ams).to_bytes(4, "little") + ams


def _fins_tcp(command: int, data: bytes) -> bytes:
    return b"FINS" + (len(data) + 8).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(4) + data


_FINS_READ = _hex("80 00 02 00 0a 00 00 14 00 01", "0101 82 0000 00 0001")
_FINS_ANSWER = _hex("c0 00 02 00 14 00 00 0a 00 01", "0101 0000 1234")
_FL_NET = _hex(
    "4641434e 00000050 0001000b 00020001 00070700 00000000 01000000 80000000 00000000 0a000000",
    "0000fde8 00000028 00040280 00400000 00800001 0100c861 32000200 00000000 00000000 00000000",
)
_SLMP_READ = _hex("00 ff ff03 00 0c00 1000", "0104 0000 640000 a8 0100")
_SLMP_ANSWER = _hex("00 ff ff03 00 0400 0000 3412")
_SLMP_ASCII_READ = b"00FF03FF00" + b"0018" + b"0010" + b"04010000D*0001000001"
_SLMP_ASCII_ANSWER = b"00FF03FF00" + b"0008" + b"0000" + b"1234"

_PNIO = _hex("dea00000 6c97 11d1 8271 000100010001", "dea00001 6c97 11d1 8271 00a02442df7d")


def _rpc(kind: int) -> bytes:
    return _hex("04") + bytes([kind]) + _hex("2000 000000 00") + _PNIO + bytes(16) + bytes(24)


def _dce(kind: int, body: int) -> bytes:
    size = 16 + body
    return _hex("0500") + bytes([kind]) + _hex("03 10000000") + size.to_bytes(2, "little") + bytes(6 + body)


_NAME = b"\x07example\x04test\x00"
_DNS_QUERY = _hex("1234 0100 0001 0000 0000 0000") + _NAME + _hex("0001 0001")
_DNS_ANSWER = (
    _hex("1234 8180 0001 0001 0000 0000") + _NAME + _hex("0001 0001 c00c 0001 0001 0000012c 0004 c0a80001")
)
_NB = b"\x20" + b"EGEJEMEFFDEFFCFGEFFCCACACACACACA" + b"\x00"
_NB_QUERY = _hex("1234 0110 0001 0000 0000 0000") + _NB + _hex("0020 0001")
_NB_ANSWER = _hex("1234 8500 0000 0001 0000 0000") + _NB + _hex("0020 0001 000493e0 0006 0000 c0a80001")


def _smb(marker: bytes, size: int, reply_at: int, reply: int) -> bytes:
    message = bytearray(marker + bytes(size - len(marker)))
    message[reply_at] |= reply
    return b"\x00" + len(message).to_bytes(3, "big") + bytes(message)


_SMB2 = b"\xfeSMB\x40\x00"
_HELLO = _hex("0303") + bytes(32) + _hex("00 0002 1301 01 00 0000")


def _record(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _hex("0303") + _in_tcp(body)


def _ber(tag: int, *parts: bytes) -> bytes:
    """A value with the shortest length."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    if len(body) < 256:
        return bytes((tag, 0x81, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


_TWO = b"\x02\x01"
_PDU = _ber(0xA0, _TWO + b"\x01", _TWO + b"\x00", _TWO + b"\x00", _hex("300e 300c 06082b06010201010100 0500"))
_LONG_PDU = _ber(0xA2, _TWO + b"\x01", _TWO + b"\x00", _TWO + b"\x00", bytes(300))
_SNMP3_HEAD = _ber(0x30, _TWO + b"\x07", _hex("020205dc"), _hex("040104"), _hex("020103"))
_SNMP3 = _ber(0x30, _TWO + b"\x03", _SNMP3_HEAD, _hex("0410") + bytes(16), _ber(0x30, bytes(20)))


def _kerberos(kind: int, first: int, body: int) -> bytes:
    fields = (_hex(f"a{first} 03 020105"), _hex(f"a{first + 1} 03 0201") + bytes([kind]), bytes(body))
    return _ber(0x60 | kind, _ber(0x30, *fields))


_BIND = _ber(0x30, _TWO + b"\x01", _ber(0x60, _TWO + b"\x03", _ber(0x04, b"cn=x"), _ber(0x80, b"secret")))
_BOUND = _ber(0x30, _TWO + b"\x01", _ber(0x61, _hex("0a0100 0400 0400")))
_WINDOWS_SEARCH = _hex("3084 0000002d 020105 6384 00000024 0400 0a0100 0a0100 020100 020100 010100") + bytes(
    15
)
_CLDAP = _ber(
    0x30, _TWO + b"\x01", _ber(0x63, b"\x04\x00", _hex("0a0100 0a0100 020100 020100 010100"), bytes(20))
)


def _dhcp(op: int) -> bytes:
    return bytes([op]) + _hex("01 06 00 12345678") + bytes(228) + _hex("63825363 350101 ff")


_ISCSI_KEYS = b"InitiatorName=iqn.1993-08.jp.example:hist\0AuthMethod=CHAP,None\0"
_ISCSI_LOGIN = _hex("43 81 00 00 00 00003f") + bytes(40) + _ISCSI_KEYS + bytes(-len(_ISCSI_KEYS) % 4)
_ISCSI_ANSWER = (
    _hex("23 81 00 00 00 000027") + bytes(40) + b"AuthMethod=CHAP\0TargetPortalGroupTag=1\0" + b"\0"
)

MESSAGES: tuple[Message, ...] = (
    Message("ads", "tcp", _ads(0x0004, _hex("20400000 00000000 04000000")), "client"),
    Message("ads", "tcp", _ads(0x0005, _hex("00000000 04000000 01000000")), "server"),
    Message("ads", "udp", _hex("03661471 00000000 01000000", "c0a801640101 1027 00000000"), "client"),
    Message("ads", "udp", _hex("03661471 00000000 01000080", "c0a801650101 1027 00000000"), "server"),
    Message("bacnet", "udp", _hex("81 0a 0011", "01 04", "00 05 01 0c 0c 00000001 19 55"), "client"),
    Message(
        "bacnet", "udp", _hex("81 0a 0015", "01 00", "30 01 0c 0c 00000001 19 55 3e 44 00 00 3f"), "server"
    ),
    Message("bacnet", "udp", _hex("81 0b 000c", "01 20 ffff 00 ff", "10 08")),
    Message("bacnet", "udp", _hex("81 04 000e", "c0a80001 bac0", "01 00", "10 08")),
    Message("bacnet", "udp", _hex("81 05 0006", "003c")),
    Message("codesys", "tcp", _hex("000117e8 16000000", "c5 6b 40 40 00 33 2ddc c0a80001 0000")),
    Message("codesys", "udp", _hex("c5 6b 40 03 00 10 0101 0000", "02c2 0004 01000000"), anywhere=False),
    Message("dce_rpc", "tcp", _dce(11, 56), "client"),
    Message("dce_rpc", "tcp", _dce(12, 44), "server"),
    Message("dce_rpc", "tcp", _dce(0, 32), "client"),
    Message("dce_rpc", "tcp", _dce(2, 32), "server"),
    Message("dhcp", "udp", _dhcp(1), "client"),
    Message("dhcp", "udp", _dhcp(2), "server"),
    Message("dhcpv6", "udp", _hex("01 123456", "0001 000a 00030001 021122334455"), "client", anywhere=False),
    Message("dhcpv6", "udp", _hex("07 123456", "0002 000a 00030001 021122334455"), "server", anywhere=False),
    Message("dns", "udp", _DNS_QUERY, "client"),
    Message("dns", "udp", _DNS_ANSWER, "server"),
    Message("dns", "tcp", _in_tcp(_DNS_QUERY), "client"),
    Message("dns", "tcp", _in_tcp(_DNS_ANSWER), "server"),
    Message("dns", "udp", _hex("1234 2800 0001 0000 0001 0000") + _NAME + _hex("0006 0001"), anywhere=False),
    # IEEE 1815, link header with its CRC: user data of the master, and the answer of the outstation.
    Message("dnp3", "tcp", _hex("0564 05 c0 0100 0004 e921"), "client"),
    Message("dnp3", "tcp", _hex("056414c4020003004503", "c7c8013c02063c03063c04063c010642ac"), "client"),
    Message("dnp3", "tcp", _hex("05647444030002006854", "f4c881000001020000688101"), "server"),
    Message("dnp3", "udp", _hex("0564 05 c0 0100 0004 e921"), "client"),
    Message("ethercat", "udp", _hex("0e10 07 00 0000 0000 0200 0000 0000 0000"), anywhere=False),
    Message("ethernet_ip", "udp", _enip(0x63, 0, b""), "client"),
    Message("ethernet_ip", "udp", _enip(0x63, 0, _LIST_IDENTITY), "server"),
    Message("ethernet_ip", "tcp", _enip(0x04, 0, b""), "client"),
    Message("ethernet_ip", "tcp", _enip(0x65, 0, _hex("0100 0000")), "client"),
    Message("ethernet_ip", "tcp", _enip(0x65, 7, _hex("0100 0000")), "server"),
    Message("ethernet_ip", "tcp", _enip(0x66, 7, b""), "client"),
    Message("ethernet_ip", "tcp", _enip(0x6F, 7, _RR_REQUEST), "client"),
    Message("ethernet_ip", "tcp", _enip(0x6F, 7, _RR_ANSWER), "server"),
    Message("ethernet_ip", "tcp", _enip(0x70, 7, _UNIT_REQUEST), "client"),
    Message("ethernet_ip", "tcp", _enip(0x70, 7, _UNIT_ANSWER), "server"),
    Message("ethernet_ip", "udp", _hex("0200 0280 0800 11223344 01000000", "b100 0600 0100 00000000")),
    Message("fins", "udp", _FINS_READ, "client"),
    Message("fins", "udp", _FINS_ANSWER, "server"),
    Message("fins", "tcp", _fins_tcp(0, bytes(4)), "client"),
    Message("fins", "tcp", _fins_tcp(1, _hex("00000014 0000000a")), "server"),
    Message("fins", "tcp", _fins_tcp(2, _FINS_READ), "client"),
    Message("fins", "tcp", _fins_tcp(2, _FINS_ANSWER), "server"),
    Message("fl_net", "udp", _FL_NET),
    Message("ftp", "tcp", b"220 (vsFTPd 3.0.3)\r\n", "server"),
    Message("ftp", "tcp", b"220 Recipe server ready\r\n", "server", anywhere=False),
    Message("ftp", "tcp", b"USER operator\r\n", "client", anywhere=False),
    Message("ftp", "tcp", b"PASV\r\n", "client"),
    Message("ftp", "tcp", b"227 Entering Passive Mode (10,0,0,1,4,1).\r\n", "server"),
    Message("hart_ip", "udp", _hex("01 00 00 00 0002 000d", "01 00007530"), "client"),
    Message("hart_ip", "udp", _hex("01 01 00 00 0002 000d", "01 0000ea60"), "server"),
    Message("hart_ip", "tcp", _hex("01 00 03 00 0003 000d", "02 80 00 00 82"), "client"),
    Message("hart_ip", "tcp", _hex("01 01 03 00 0003 000f", "06 80 00 02 00 00 84"), "server"),
    Message("iscsi", "tcp", _ISCSI_LOGIN, "client"),
    Message("iscsi", "tcp", _ISCSI_ANSWER, "server"),
    Message(
        "radius", "udp", _hex("01 07 001c") + bytes(16) + _hex("0108") + b"switch", "client", anywhere=False
    ),
    Message("radius", "udp", _hex("02 07 0014") + bytes(16), "server", anywhere=False),
    Message(
        "radius", "udp", _hex("04 07 001a") + bytes(16) + _hex("2806 00000001"), "client", anywhere=False
    ),
    Message("http", "tcp", b"GET /index.html HTTP/1.1\r\nHost: plc\r\n\r\n", "client"),
    Message("http", "tcp", b"POST /api HTTP/1.1\r\n\r\n", "client"),
    Message("http", "tcp", b"CONNECT example.test:443 HTTP/1.1\r\n\r\n", "client"),
    Message("http", "tcp", b"HTTP/1.1 200 OK\r\n\r\n", "server"),
    Message("http", "tcp", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "client"),
    Message("iec104", "tcp", _hex("68 04 07 00 00 00"), "client"),
    Message("iec104", "tcp", _hex("68 04 0b 00 00 00"), "server"),
    Message("iec104", "tcp", _hex("68 04 83 00 00 00")),
    Message("iec104", "tcp", _hex("68 04 01 00 08 00")),
    Message("iec104", "tcp", _hex("68 0e 0000 0000", "64 01 06 00 0100 000000 14")),
    Message("iec104", "tcp", _hex("68 0e 0000 0000", "64 01 06 07 0100 000000 14"), anywhere=False),
    Message("imap", "tcp", b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "server"),
    Message("imap", "tcp", b"* 3 EXISTS\r\n", "server", anywhere=False),
    Message("imap", "tcp", b"a1 LOGIN user secret\r\n", anywhere=False),
    Message("kerberos", "udp", _kerberos(10, 1, 150), "client"),
    Message("kerberos", "udp", _kerberos(11, 0, 600), "server"),
    Message("kerberos", "tcp", _in_tcp(_kerberos(12, 1, 1400), 4), "client"),
    Message("kerberos", "tcp", _in_tcp(_kerberos(30, 0, 60), 4), "server"),
    Message("ldap", "tcp", _BIND, "client"),
    Message("ldap", "tcp", _BOUND, "server"),
    Message("ldap", "tcp", _WINDOWS_SEARCH, "client"),
    Message("ldap", "udp", _CLDAP, "client"),
    Message(
        "llmnr",
        "udp",
        _hex("1234 0000 0001 0000 0000 0000") + b"\x04wpad\x00" + _hex("0001 0001"),
        "client",
        False,
    ),
    Message(
        "llmnr",
        "udp",
        _hex("1234 8000 0001 0001 0000 0000") + b"\x04wpad\x00" + _hex("0001 0001"),
        "server",
        False,
    ),
    Message(
        "mdns",
        "udp",
        _hex("0000 0000 0001 0000 0000 0000") + b"\x05_http\x04_tcp\x05local\x00" + _hex("000c 0001"),
        anywhere=False,
    ),
    Message(
        "mdns",
        "udp",
        _hex("0000 8400 0000 0001 0000 0000")
        + b"\x03plc\x05local\x00"
        + _hex("0001 8001 00000078 0004 c0a80001"),
        anywhere=False,
    ),
    Message("melsoft", "udp", _hex("57 01000000 111107 0000ffff030000fe030000 0400 1c0a1614"), "client"),
    Message("melsoft", "udp", _hex("d7 01000000 11117f 000000a80300ffff030000 0400 9c0a1814"), "server"),
    Message("melsoft", "tcp", _hex("57 00000000 111107 0000ffff030000fe030000 0400 1c080a08"), "client"),
    Message("melsoft", "udp", _hex("5a000001"), "client", anywhere=False),
    Message("melsoft", "udp", _hex("da000001 1400 c0a80365 c0a80365"), "server", anywhere=False),
    Message("mms", "tcp", _MMS_CONNECT, "client", provisional=True),
    Message("mms", "tcp", _MMS_CONFIRM, "server", provisional=True),
    Message("mms", "tcp", _data(_hex("0d2e") + _SESSION_OPTIONS + bytes(34)), "client"),
    Message("mms", "tcp", _data(_hex("0e2e") + _SESSION_OPTIONS + bytes(34)), "server"),
    Message("mms", "tcp", _data(_MMS_READ), "client"),
    Message("mms", "tcp", _data(_MMS_ANSWER), "server"),
    Message("mms", "tcp", _data(_MMS_REPORT), "server"),
    Message(
        "mms", "tcp", _data(_hex("a826 80020100 81010a 820108 830105 a416 800101") + bytes(20)), "client"
    ),
    Message("mqtt", "tcp", _hex("10 10 0004") + b"MQTT" + _hex("04 02 003c 0004") + b"abcd", "client"),
    Message("mqtt", "tcp", _hex("10 8501 0006") + b"MQIsdp" + _hex("03 02 003c") + bytes(120), "client"),
    Message("mqtt", "tcp", _hex("20 02 00 00"), "server", anywhere=False),
    Message("mqtt", "tcp", _hex("30 08 0003") + b"a/b" + b"123", anywhere=False),
    Message("mqtt", "tcp", _hex("c0 00"), "client", anywhere=False),
    Message("mqtt", "tcp", _hex("d0 00"), "server", anywhere=False),
    Message(
        "nbdgm", "udp", _hex("11 02 80a1 0a000001 008a 00bb 0000") + _NB + _NB + b"\xffSMB\x25" + bytes(40)
    ),
    Message("nbns", "udp", _NB_QUERY, "client"),
    Message("nbns", "udp", _NB_ANSWER, "server"),
    Message("nbss", "tcp", _hex("81 00 0044") + _NB + _NB, "client", provisional=True),
    Message("nbss", "tcp", _hex("82 00 0000"), "server", anywhere=False, provisional=True),
    Message("ntp", "udp", _hex("23 00 06 ec") + bytes(36) + _hex("e0123456 789abcde"), "client"),
    Message(
        "ntp",
        "udp",
        _hex("24 02 06 ec 00000100 00000200 c0a80001") + bytes(24) + _hex("e0123456 789abcde"),
        "server",
    ),
    Message("ntp", "udp", _hex("16 02 0001 0000 0000 0000 0000"), anywhere=False),
    Message("opc_ua", "tcp", b"HELF" + _hex("38000000 00000000") + bytes(48), "client"),
    Message("opc_ua", "tcp", b"ACKF" + _hex("1c000000 00000000") + bytes(20), "server"),
    Message("opc_ua", "tcp", b"OPNF" + _hex("84000000 00000000") + bytes(124)),
    Message("opc_ua", "tcp", b"MSGF" + _hex("40000000 01000000") + bytes(56)),
    Message("opc_ua", "tcp", b"ERRF" + _hex("10000000 00008080 ffffffff"), "server"),
    Message("opc_ua", "tcp", b"RHEF" + _hex("1c000000 ffffffff") + bytes(20), "server"),
    Message("openvpn", "udp", _hex("38 0102030405060708 00 00000000"), "client"),
    Message("openvpn", "tcp", _in_tcp(_hex("38 0102030405060708 00 00000000")), "client"),
    Message(
        "openvpn",
        "udp",
        _hex("40 0102030405060708 01 00000000 1112131415161718 00000000"),
        "server",
        anywhere=False,
    ),
    Message("postgresql", "tcp", _hex("00000017 00030000") + b"user\0operator\0\0", "client"),
    Message("postgresql", "tcp", _hex("00000008 04d2162f"), "client"),
    Message("postgresql", "tcp", _hex("00000008 04d21630"), "client"),
    Message("postgresql", "tcp", b"R" + _hex("0000000c 00000005 01020304"), "server"),
    Message("postgresql", "tcp", b"R" + _hex("00000017 0000000a") + b"SCRAM-SHA-256\0\0", "server"),
    Message("postgresql", "tcp", b"E" + _hex("00000013") + b"SFATAL\0C28P01\0\0", "server", anywhere=False),
    Message("mysql", "tcp", _MYSQL_GREETING, "server"),
    Message("mysql", "tcp", _MYSQL_RESPONSE, "client"),
    Message("redis", "tcp", b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"),
    Message("redis", "tcp", b"-WRONGPASS invalid username-password pair\r\n", "server"),
    Message("redis", "tcp", b"+PONG\r\n", "server", anywhere=False),
    Message("redis", "tcp", b"PING\r\n", "client", anywhere=False),
    Message("rlogin", "tcp", b"\0hmi\0root\0vt100/9600\0", "client", anywhere=False),
    Message("pop3", "tcp", b"+OK POP3 server ready\r\n", "server"),
    Message("pop3", "tcp", b"+OK 2 320\r\n", "server", anywhere=False),
    Message("pop3", "tcp", b"USER alarm\r\n", "client", anywhere=False),
    Message("profinet", "udp", _rpc(0), "client"),
    Message("profinet", "udp", _rpc(2), "server"),
    Message("profinet", "udp", _rpc(9), provisional=True),
    Message("ptp", "udp", _hex("00 02 002c 00 00 0200") + bytes(36), anywhere=False),
    Message("ptp", "udp", _hex("08 02 002c 00 00 0000") + bytes(36), anywhere=False),
    Message("quic", "udp", _hex("c0 00000001 08 8394c8f03e515708 00 00 449e") + bytes(1180)),
    Message("quic", "udp", _hex("c1 00000001 00 08 f067a5502a4262b5 00 4075") + bytes(120)),
    Message(
        "rdp", "tcp", _tpkt(_hex("22 e0 0000 0000 00") + b"Cookie: mstshash=eltons\r\n" + bytes(3)), "client"
    ),
    Message("rdp", "tcp", _tpkt(_hex("0e e0 0000 0000 00", "01 00 0800 03000000")), "client"),
    Message("rdp", "tcp", _tpkt(_hex("0e d0 0000 1234 00", "02 00 0800 00000000")), "server"),
    Message("rdp", "tcp", _tpkt(_hex("06 e0 0000 0000 00")), "client", anywhere=False),
    Message("rtsp", "tcp", b"DESCRIBE rtsp://10.0.0.9/stream RTSP/1.0\r\nCSeq: 2\r\n\r\n", "client"),
    Message("rtsp", "tcp", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n", "server"),
    Message("s7comm", "tcp", _S7_CONNECT, "client", provisional=True),
    Message("s7comm", "tcp", _S7_CONFIRM, "server", provisional=True),
    Message("s7comm", "tcp", _data(_hex("32 01 0000 0000 0008 0000", "f0 00 0001 0001 01e0")), "client"),
    Message(
        "s7comm", "tcp", _data(_hex("32 03 0000 0000 0008 0000 00 00", "f0 00 0001 0001 00f0")), "server"
    ),
    Message(
        "s7comm",
        "tcp",
        _data(_hex("32 07 0000 0100 0008 0008", "000112 04 11 44 01 00 ff 09 0004 0011 0000")),
    ),
    Message("s7comm_plus", "tcp", _PLUS_CONNECT, "client"),
    Message("s7comm_plus", "tcp", _data(_hex("72 01 0010") + bytes(16) + _hex("72 01 0000"))),
    Message("s7comm_plus", "tcp", _data(_hex("72 fe 0000 0000 0000"))),
    Message("sip", "udp", b"REGISTER sip:pbx.example SIP/2.0\r\n\r\n", "client"),
    Message("sip", "udp", b"SIP/2.0 200 OK\r\n\r\n", "server"),
    Message("sip", "tcp", b"INVITE sip:gate@pbx.example SIP/2.0\r\n\r\n", "client"),
    Message("slmp", "tcp", _hex("5000") + _SLMP_READ, "client"),
    Message("slmp", "tcp", _hex("d000") + _SLMP_ANSWER, "server"),
    Message("slmp", "udp", _hex("5400 1234 0000") + _SLMP_READ, "client"),
    Message("slmp", "udp", _hex("d400 1234 0000") + _SLMP_ANSWER, "server"),
    Message("slmp", "tcp", b"5000" + _SLMP_ASCII_READ, "client"),
    Message("slmp", "tcp", b"D000" + _SLMP_ASCII_ANSWER, "server"),
    Message("slmp", "udp", b"540012340000" + _SLMP_ASCII_READ, "client"),
    Message("slmp", "tcp", _hex("01ff 0a00 64000000 2044 0a00"), "client"),
    Message("slmp", "udp", _hex("02ff 0a00 32000000 204d 0300 1010"), "client"),
    Message("slmp", "tcp", _hex("14ff 0a00"), "client"),
    Message("slmp", "tcp", b"03FF000A4420000000640100ABCD", "client"),
    Message("slmp", "udp", b"13FF000A", "client"),
    Message("slmp", "udp", _hex("6800 0000 0000 00 ff ff03 00 00 0000 1000 0000 920e") + bytes(12), "client"),
    Message("slmp", "udp", _hex("e800 9400 0000 00 ff ff03 00 00 0000 1000 0000 940e") + bytes(12), "server"),
    Message("smb", "tcp", _smb(b"\xffSMB\x72", 47, 9, 0), "client"),
    Message("smb", "tcp", _smb(b"\xffSMB\x72", 47, 9, 0x80), "server"),
    Message("smb", "tcp", _smb(_SMB2, 102, 16, 0), "client"),
    Message("smb", "tcp", _smb(_SMB2, 102, 16, 1), "server"),
    Message("smb", "tcp", _smb(b"\xfdSMB", 120, 8, 0)),
    Message("smtp", "tcp", b"EHLO alarm.example\r\n", "client"),
    Message("smtp", "tcp", b"220 mail.example ESMTP\r\n", "server", anywhere=False),
    Message("smtp", "tcp", b"MAIL FROM:<alarm@example.test>\r\n", "client"),
    Message("snmp", "udp", _ber(0x30, _TWO + b"\x00", b"\x04\x06public", _PDU)),
    Message("snmp", "udp", _ber(0x30, _TWO + b"\x01", b"\x04\x06public", _LONG_PDU)),
    Message("snmp", "udp", _SNMP3),
    Message("ssdp", "udp", b"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", "client"),
    Message("ssdp", "udp", b"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n", "server"),
    Message("ssdp", "udp", b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n", "server"),
    Message("ssh", "tcp", b"SSH-2.0-OpenSSH_9.2\r\n"),
    Message("syslog", "udp", b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "client"),
    Message("syslog", "udp", b"<165>1 2003-10-11T22:14:15.003Z host app - ID47 - text", "client"),
    Message("syslog", "udp", b"<5>link up on port 3", "client", anywhere=False),
    Message("syslog", "tcp", b"<134>1 2026-01-02T03:04:05Z host app - - - text", "client"),
    Message("teamviewer", "tcp", _hex("1724 0a20 0000 8813"), anywhere=False),
    Message("telnet", "tcp", _hex("fffd18 fffd20 fffd23 fffd27")),
    Message("telnet", "tcp", _hex("fffb01"), anywhere=False),
    Message("tftp", "udp", _hex("0001") + b"firmware.bin\x00octet\x00", "client"),
    Message("tftp", "udp", _hex("0002") + b"config\x00netascii\x00", "client"),
    Message("tftp", "udp", _hex("0001") + b"image\x00octet\x00tsize\x000\x00", "client", anywhere=False),
    Message("tls", "tcp", _record(22, _hex("01 000029") + _HELLO), "client"),
    Message("tls", "tcp", _record(22, _hex("02 000029") + _HELLO), "server"),
    Message("tls", "tcp", _record(23, bytes(64))),
    Message("tls", "tcp", _record(21, _hex("0228"))),
    Message("tls", "tcp", _record(20, _hex("01"))),
    Message("tls", "tcp", _hex("80 1c 01 0301 0003 0000 0010", "000035") + bytes(16), "client"),
    Message("vnc", "tcp", b"RFB 003.008\n"),
    Message("vnc", "tcp", b"RFB 003.889\n"),
    Message("wireguard", "udp", _hex("01000000") + bytes(144), "client"),
    Message("wireguard", "udp", _hex("02000000") + bytes(88), "server"),
    Message(
        "wireguard", "udp", _hex("04000000 9a3b7c11 0000000000000000") + bytes(range(32)), anywhere=False
    ),
    Message("dhcpv6", "udp", _hex("0c 00") + bytes(32) + _hex("0009 0008 01123456 00010000"), anywhere=False),
    Message("dnp3", "udp", _hex("05647444030002006854", "f4c881000001020000688101"), "server"),
    Message(
        "dns",
        "tcp",
        _in_tcp(_hex("1234 2800 0001 0000 0001 0000") + _NAME + _hex("0006 0001")),
        anywhere=False,
    ),
    Message("ethernet_ip", "tcp", _enip(0x72, 7, b"")),
    Message("fins", "tcp", _fins_tcp(3, b"")),
    Message("ldap", "udp", _ber(0x30, _TWO + b"\x01", _ber(0x65, _hex("0a0100 0400 0400"))), "server"),
    Message("melsoft", "tcp", _hex("d7 00000000 11117f 000000a80300ffff030000 0400 9c080a08"), "server"),
    Message("mms", "tcp", _data(_hex("01000100", "610e 300c 020101", "a007 6205 800101 0000"))),
    Message("nbns", "udp", _hex("1234 0110 0001 0000 0000 0000") + _NB[:20], anywhere=False),
    Message("nbss", "tcp", _hex("85 00 0000"), anywhere=False, provisional=True),
    Message(
        "openvpn",
        "tcp",
        _in_tcp(_hex("40 0102030405060708 01 00000000 1112131415161718 00000000")),
        "server",
        anywhere=False,
    ),
    Message("quic", "udp", _hex("c0 00000000 00 08 f067a5502a4262b5 00000001"), "server", anywhere=False),
    Message("rdp", "tcp", _data(_hex("64 0006 03eb 70 0e") + bytes(14)), anywhere=False),
    # Fast-path output: encrypted, with its signature; and in the clear.
    Message("rdp", "tcp", _hex("c0 8090 0102030405060708") + bytes(range(133)), "server", anywhere=False),
    Message("rdp", "tcp", _hex("00 8018 01 1200 0100 0200") + bytes(14), "server", anywhere=False),
    Message(
        "s7comm_plus",
        "tcp",
        _tpkt(_hex("1f d0 0003 0004 00", "c1020600", "c20f") + b"SIMATIC-ROOT-ES" + _hex("c0010a")),
        "server",
    ),
    Message("sip", "tcp", b"SIP/2.0 180 Ringing\r\n\r\n", "server"),
)
