"""What a message says about its sender: values of one kind each, as one line of visible text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from otmon.identity.login import Seen

ClaimKind = Literal[
    "name", "domain", "description", "vendor", "model", "firmware", "serial", "system", "software",
    "capability", "management", "dhcp-options", "dhcp-class", "switch-port", "called", "certificate",
    "tcp-opening", "reaches", "expects", "directs", "answers",
]  # fmt: skip
"""- `name`: of the host or station; `domain`: of the directory that it belongs to;
- `description`: a free text about all of it;
- `vendor`, `model` (or order number), `firmware`, `serial`: of the device;
- `system`: the operating system; `software`: a program on it, by name and version;
- `capability`: what it is there for, in the words of the protocol ("bridge", "router");
- `management`: the address under which it is managed;
- `dhcp-options`: numbers of the options that it asks for, in its order; `dhcp-class`: its vendor class;
- `switch-port`: where it is plugged in, as what mirrors its frames or the relay of its DHCP messages says;
- `called`: the name by which others ask it for something;
- `certificate`: whose its certificate is, and by whom;
- `tcp-opening`: how it opens TCP connections (`otmon.identity.claims.opening`);
- `reaches`: a domain that it reached by way of a proxy;
- `expects`: where it waits for data that was agreed on in this conversation, `directs`: another host to
  which it sends such data (`otmon.ledger.dialogues.claims`);
- `answers`: a name that others asked all for, and the address that it gave them."""

MAX_VALUE: Final = 160
"""Characters of a value: a description of SNMP may have 255, of which the first say what it is."""
INTERFACE: Final = "interface"
"""What begins the name of a port that is an interface of a capture, and stands for who says so."""
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.:/-]+")
_LOST: Final = "\N{REPLACEMENT CHARACTER}"


class Claim(NamedTuple):
    """One thing that is said. A tuple, as very many are made."""

    kind: ClaimKind
    value: str
    seen: Seen
    from_client: bool
    """Which side of the flow it is about."""
    mac: str = ""
    """Whom it is about, where the message names the interface itself, as DHCP does by a relay; then
    `address` has its address, or nothing."""
    address: str = ""


def plain(value: bytes) -> str:
    """An identifier: letters, digits and a few signs as they are, else the bytes in hexadecimal."""
    return value.decode("ascii") if _PLAIN.fullmatch(value) else value.hex()


def interface_port(name: bytes) -> str:
    """An interface as a switch port, such as `interface:eth1`; "" where it has no name, or one that is longer
    than a claim holds, as the beginning of a name is not the name."""
    text = f"{INTERFACE}:{plain(name)}" if name else ""
    return text if len(text) <= MAX_VALUE else ""


@lru_cache(maxsize=1 << 10)
def line(data: bytes | str) -> str:
    """Bytes (UTF-8, else Latin-1) as one line of visible text of at most `MAX_VALUE` characters: runs of
    blanks are one, what stands behind a NUL is left out, and nothing but blanks gives ""."""
    # Whoever opens a thousand connections says the same a thousand times: the last values are kept.
    if isinstance(data, bytes):
        raw = data.partition(b"\0")[0][: 8 * MAX_VALUE]
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            cut = len(raw) == 8 * MAX_VALUE and error.start > len(raw) - 4
            text = raw[: error.start].decode() if cut else raw.decode("latin-1")
    else:
        text = data.partition("\0")[0][: 8 * MAX_VALUE]
    words = "".join(one if one.isprintable() else " " if one.isspace() else _LOST for one in text).split()
    shown = " ".join(words)
    if not shown.strip(_LOST + " "):
        return ""
    return shown if len(shown) <= MAX_VALUE else shown[: MAX_VALUE - 1] + "…"


def wide_line(data: bytes) -> str:
    """The same for UTF-16 in little-endian order; half a character at the end is left out."""
    return line(data[: len(data) & ~1][: 16 * MAX_VALUE].decode("utf-16-le", "replace"))
