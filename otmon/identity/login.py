"""What parsers take and give: pieces of a flow, and log-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Outcome = Literal["accepted", "unknown", "attempted", "refused"]
"""What the answer tells, gravest first: yes and no only where it says so, "unknown" where there was one
that does not tell, "attempted" where none was seen."""

ANONYMOUS: Final = "anonymous"
"""The method of who says no name, or the one that stands for none."""
CLEAR: Final = frozenset({"basic", "plain", "form", "community", "query", "simple"})
"""Methods that carry the secret itself."""
MAX_TEXT: Final = 512
"""Bytes of an account or a secret; longer ones are no log-in of a person or a device."""


class Seen(NamedTuple):
    """The packet that a piece came in, as `otmon.ledger.facts.Evidence` names it. A tuple, as very many are
    made."""

    time_ns: int
    packet: int
    offset: int


class Piece(NamedTuple):
    """Bytes of one direction of a flow, in order. A tuple, as very many are made."""

    from_client: bool
    at: int
    """Position in its direction: where it is more than the end of the piece before, bytes are missing."""
    data: bytes
    seen: Seen

    def __repr__(self) -> str:
        """Without the bytes: they may hold a secret."""
        return f"Piece({self.from_client}, {self.at}, {len(self.data)} bytes, {self.seen})"


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in: whom somebody claims to be, by which secret or proof, and whether the server let them in."""

    account: bytes
    """b"" where the protocol has none."""
    method: str
    outcome: Outcome
    seen: Seen
    secret: bytes | None = field(default=None, repr=False)
    """None where only a proof of it was sent."""
    proves: Callable[[bytes], bool] | None = field(default=None, repr=False)
    """Whether a password would have given the proof that was sent, or the secret in its place."""
    cost: Callable[[bytes], int] | None = field(default=None, repr=False)
    """What `proves` costs for a password, in units of `otmon.identity.proof_budget`; None for a few
    hashes."""
    unasked: bool = False
    """The answer was a yes, but nobody was seen to ask in this connection: `outcome` is "unknown"."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A log-in whose answer is still to come."""

    account: bytes
    method: str
    seen: Seen
    secret: bytes | None = field(default=None, repr=False)
    proves: Callable[[bytes], bool] | None = field(default=None, repr=False)
    cost: Callable[[bytes], int] | None = field(default=None, repr=False)

    def ended(self, outcome: Outcome) -> LogIn:
        return LogIn(self.account, self.method, outcome, self.seen, self.secret, self.proves, self.cost)
