"""The protocols whose log-ins or claims are read, found by the folder: a file is named like a protocol."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.login import LogIn, Piece

Parser = Callable[[Sequence[Piece]], Iterator[LogIn]]
Teller = Callable[[Sequence[Piece]], Iterator[Claim]]

_FOLDER: Final = Path(__file__).parent


def _files(folder: Path) -> set[str]:
    return {module.name for module in pkgutil.iter_modules([str(folder)])}


_PROTOCOLS: Final = _files(_FOLDER.with_name("protocols")) - {"registry"}

IDS: Final = tuple(sorted(_files(_FOLDER) & _PROTOCOLS))
"""Ids of the protocols whose log-ins are read, as `otmon.protocols` has them. The other files hold what
several of them share."""
CLAIM_IDS: Final = tuple(sorted(_files(_FOLDER / "claims") & (_PROTOCOLS | {"cdp", "icmpv6"})))
"""Ids of those whose claims are read; "cdp" and "icmpv6" are none of `otmon.protocols`."""

FIRST_PAYLOADS: Final[Mapping[str, int]] = {
    "ssh": 1, "tls": 4, "rdp": 4,
    "dhcp": 64, "mdns": 8, "llmnr": 4, "nbns": 8, "nbdgm": 4, "ssdp": 4, "tftp": 4,
    "lldp": 2, "profinet": 8,
    "modbus": -8, "s7comm": -8, "ethernet_ip": -16, "bacnet": -8, "fins": -4, "slmp": -4,
    "pppoe": -16, "eapol": -32,
}  # fmt: skip
"""How many payloads of each direction are copied for claims: of a TCP connection the first ones, in which
both sides say who they are; of datagrams and frames the first ones of each hour, as one flow may be that of
all hosts (DHCP from 0.0.0.0); below 0 only messages that identify somebody or hold a password, which come at
any time. What is copied for log-ins is read for claims, too, and these messages for log-ins; of CDP as much
as of LLDP."""
LOG_IN_PAYLOADS: Final[Mapping[str, int]] = dict.fromkeys(
    ("dce_rpc", "iscsi", "mysql", "opc_ua", "postgresql", "smb"), 16
)
"""How many payloads of each direction are copied of a connection that begins with its log-in; what follows
is not looked for one. Of other protocols many more are (`otmon.ledger.copying.messages`)."""


@cache
def parser_of(protocol: str) -> Parser:
    """The parser of a protocol in `IDS`. A file without one stops the program with its name."""
    module = importlib.import_module(f"otmon.identity.{protocol}")
    parser: Parser | None = getattr(module, "log_ins", None)
    if not callable(parser):
        raise TypeError(f"{module.__file__} must hold log_ins(pieces)")
    return parser


@cache
def teller_of(protocol: str) -> Teller:
    """The reader of a protocol in `CLAIM_IDS`. A file without one stops the program with its name."""
    module = importlib.import_module(f"otmon.identity.claims.{protocol}")
    teller: Teller | None = getattr(module, "claims", None)
    if not callable(teller):
        raise TypeError(f"{module.__file__} must hold claims(pieces)")
    return teller
