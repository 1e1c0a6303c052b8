"""The protocols whose log-ins are read, found by the folder: a file is named like a protocol."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from otmon.identity.login import LogIn, Piece

Parser = Callable[[Sequence[Piece]], Iterator[LogIn]]

_MACHINERY: Final = (
    "ber", "credentials", "des", "digest", "effort", "frames", "headers", "login", "md4", "ntlm", "prompts",
    "registry", "sasl", "scram", "stream", "usm",
)  # fmt: skip

IDS: Final = tuple(
    sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name not in _MACHINERY
    )
)
"""Ids of the protocols, as `otmon.protocols` has them."""


@cache
def parser_of(protocol: str) -> Parser:
    """The parser of a protocol in `IDS`. A file without one stops the program with its name."""
    module = importlib.import_module(f"otmon.identity.{protocol}")
    parser: Parser | None = getattr(module, "log_ins", None)
    if not callable(parser):
        raise TypeError(f"{module.__file__} must hold log_ins(pieces)")
    return parser
