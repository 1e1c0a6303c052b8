"""The protocols whose log-ins or claims are read, found by the folder: a file is named like a protocol."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.login import LogIn, Piece

Parser = Callable[[Sequence[Piece]], Iterator[LogIn]]
Teller = Callable[[Sequence[Piece]], Iterator[Claim]]

_MACHINERY: Final = (
    "ber", "claim", "claims", "credentials", "des", "digest", "headers", "login", "registry", "sasl",
    "stream",
)  # fmt: skip

IDS: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name not in _MACHINERY
    )
)
"""Ids of the protocols whose log-ins are read, as `otmon.protocols` has them."""
_CLAIMS_MACHINERY: Final = ("ntlm", "record", "wire")
CLAIM_IDS: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent / "claims")])
        if module.name not in _CLAIMS_MACHINERY
    )
)
"""Ids of those whose claims are read; "cdp" is none of `otmon.protocols`, as no conversation has it."""


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
