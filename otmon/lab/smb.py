"""How a Windows of the year 2001 logs on to a share: what its messages say about its age.

[MS-CIFS] 2.2.4.53 and 2.2.4.55 (session setup, tree connect), [MS-SMB] 2.2.4.6 (with extended security),
[MS-NLMP] 2.2.1 (the three messages of NTLM) and 2.2.2.10 (version), [MS-SPNG] and RFC 4178 (their wrapping).
The answers to challenges are random bytes: there is no password behind them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

from otmon.lab import messages
from otmon.lab.frames import MILLISECOND_NS, Say

PORT = 445
SESSION_SETUP, TREE_CONNECT = 0x73, 0x75
MORE_PROCESSING = 0xC0000016
_XP = struct.pack("<BBHBBBB", 5, 1, 2600, 0, 0, 0, 15)
"""Version 5.1, build 2600, of the NTLM of 2001."""
_SPNEGO, _NTLM = bytes.fromhex("06062b0601050502"), bytes.fromhex("060a2b06010401823702020a")
_FLAGS = 0xA2088207
"""Unicode, target, NTLM, always sign, extended session security, version, 128 bit, 56 bit."""


def _der(tag: int, body: bytes) -> bytes:
    """A value of ITU-T X.690, shorter than 64 kB."""
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    if size < 256:
        return bytes((tag, 0x81, size)) + body
    return bytes((tag, 0x82)) + struct.pack(">H", size) + body


def _offer(token: bytes) -> bytes:
    """NegTokenInit with NTLM as the only mechanism."""
    inner = _der(0xA0, _der(0x30, _NTLM)) + _der(0xA2, _der(4, token))
    return _der(0x60, _SPNEGO + _der(0xA0, _der(0x30, inner)))


def _reply(token: bytes, state: int | None = None) -> bytes:
    """NegTokenResp, from the server with the state of the negotiation."""
    inner = b"" if state is None else _der(0xA0, _der(0x0A, bytes((state,)))) + _der(0xA1, _NTLM)
    return _der(0xA1, _der(0x30, inner + (_der(0xA2, _der(4, token)) if token else b"")))


def _fields(start: int, *values: bytes) -> tuple[list[bytes], bytes]:
    """[length, room, offset] of each value behind a message's fixed part of `start` bytes, and the values."""
    told = []
    for value in values:
        told.append(struct.pack("<HHI", len(value), len(value), start))
        start += len(value)
    return told, b"".join(values)


def _ntlm(kind: int, rest: bytes) -> bytes:
    return b"NTLMSSP\0" + struct.pack("<I", kind) + rest


def _negotiate(version: bytes) -> bytes:
    """The client's first message."""
    return _ntlm(1, struct.pack("<I", _FLAGS) + bytes(16) + version)


def _challenge(target: str, version: bytes, random: Random) -> bytes:
    name = target.encode("utf-16-le")
    info = struct.pack("<HH", 2, len(name)) + name + struct.pack("<HH", 1, len(name)) + name + bytes(4)
    (name_at, info_at), values = _fields(56, name, info)
    rest = name_at + struct.pack("<I", _FLAGS) + random.randbytes(8) + bytes(8) + info_at + version
    return _ntlm(2, rest + values)


def _authenticate(user: str, domain: str, workstation: str, version: bytes, random: Random) -> bytes:
    answers = random.randbytes(8) + bytes(16), random.randbytes(24)
    texts = (text.encode("utf-16-le") for text in (domain, user, workstation))
    told, values = _fields(72, *answers, *texts, b"")
    return _ntlm(3, b"".join(told) + struct.pack("<I", _FLAGS) + version + values)


def message(command: int, status: int, reply: bool, user: int, tree: int, body: bytes) -> bytes:
    """An SMB1 message with its length before it, strings in Unicode, statuses of NT."""
    flags, flags2 = (0x98 if reply else 0x18), 0xC807
    head = b"\xffSMB" + struct.pack("<BIBH", command, status, flags, flags2) + bytes(12)
    head += struct.pack("<HHHH", tree, 0xFEFF, user, command)
    return struct.pack(">I", len(head) + len(body)) + head + body


def texts(before: int, *strings: str) -> bytes:
    """Strings in Unicode, from an even place in the message, whose `before` bytes come before them."""
    return bytes(before % 2) + b"".join(text.encode("utf-16-le") + bytes(2) for text in strings)


def _session_setup(blob: bytes, user: int, kind: Implementation) -> bytes:
    words = struct.pack("<BBHHHHIHII", 0xFF, 0, 0, 16_644, 10, 1, 0, len(blob), 0, 0x800000D4)
    data = blob + texts(32 + 1 + len(words) + 2 + len(blob), kind.system, kind.lan_manager, "")
    body = bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data
    return message(SESSION_SETUP, 0, False, user, 0, body)


def _session_set_up(blob: bytes, user: int, status: int, kind: Implementation) -> bytes:
    words = struct.pack("<BBHHH", 0xFF, 0, 0, 0, len(blob))
    data = blob + texts(32 + 1 + len(words) + 2 + len(blob), kind.system, kind.lan_manager)
    body = bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data
    return message(SESSION_SETUP, status, True, user, 0, body)


def tree_connect(path: str, user: int) -> bytes:
    """Asks for a share."""
    words = struct.pack("<BBHHH", 0xFF, 0, 0, 8, 1)
    data = b"\0" + texts(32 + 1 + len(words) + 2 + 1, path) + b"?????\0"
    body = bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data
    return message(TREE_CONNECT, 0, False, user, 0, body)


def tree_connected(user: int, tree: int) -> bytes:
    """The share, as tree `tree`."""
    words = struct.pack("<BBHH", 0xFF, 0, 0, 1)
    data = b"IPC\0" + texts(32 + 1 + len(words) + 2 + 4, "")
    body = bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data
    return message(TREE_CONNECT, 0, True, user, tree, body)


@dataclass(frozen=True, slots=True)
class Implementation:
    """What one tells of itself when it speaks SMB."""

    system: str
    lan_manager: str
    version: bytes
    """Of its NTLM ([MS-NLMP] 2.2.2.10)."""


XP_CLIENT = Implementation("Windows 2002 Service Pack 3 2600", "Windows 2002 5.1", _XP)
XP_SERVER = Implementation("Windows 5.1", "Windows 2000 LAN Manager", _XP)
PRINTER = Implementation("Unix", "Samba 3.6.3", struct.pack("<BBHBBBB", 6, 1, 0, 0, 0, 0, 15))
CRAWLER = Implementation(
    "Windows 2000 2195", "Windows 2000 5.0", struct.pack("<BBHBBBB", 5, 0, 2195, 0, 0, 0, 15)
)


def logon(
    client: str, server: str, kinds: tuple[Implementation, Implementation], random: Random
) -> list[Say]:
    """A visitor's way into a share: dialects, the three messages of NTLM, the tree. `kinds` are what the
    client and the server are."""
    mine, theirs = kinds
    asks = [
        messages.smb1_negotiate(),
        _session_setup(_offer(_negotiate(mine.version)), 0, mine),
        _session_setup(_reply(_authenticate("guest", server, client, mine.version, random)), 2048, mine),
        tree_connect(f"\\\\{server}\\IPC$", 2048),
    ]
    answers = [
        messages.smb1_negotiated(random),
        _session_set_up(_reply(_challenge(server, theirs.version, random), 1), 2048, MORE_PROCESSING, theirs),
        _session_set_up(_reply(b"", 0), 2048, 0, theirs),
        tree_connected(2048, 2048),
    ]
    says = []
    for asked, answered in zip(asks, answers, strict=True):
        says += [Say("client", asked, 2 * MILLISECOND_NS), Say("server", answered, 3 * MILLISECOND_NS)]
    return says
