"""One dialogue: the payloads of a flow, and what they say of log-ins and of who speaks.

Secrets are compared here and forgotten: no fact holds one, nor anything made of one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from otmon.decode.fields import PROTO_ICMPV6, PROTO_TCP
from otmon.decode.flows import (
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_FIRST_PACKET,
    F_ISN,
    F_KEY,
    F_PROTOCOL,
    F_VLAN,
    PROVISIONAL,
)
from otmon.identity.credentials import Credentials
from otmon.identity.login import LogIn, Piece
from otmon.identity.proof_budget import ProofBudget
from otmon.identity.registry import FIRST_PAYLOADS
from otmon.identity.stream import Segment, chosen, datagrams, readings
from otmon.ledger.dialogues.claims import Told, told_by
from otmon.ledger.dialogues.log_ins import judged, log_ins_of, note, visible
from otmon.ledger.dialogues.setting_operations import operations_of
from otmon.ledger.facts import CredentialKind, CredentialSeen, Evidence, Operation
from otmon.ledger.texts import address_text, mac_text, transport_text, vlan_text
from otmon.protocols.registry import ethertype_codes, name_of

DIALOGUE_BYTES: Final = 2_000
"""What a dialogue takes besides its payloads."""
GROUP: Final = 1 << 40
"""A bit of group addresses."""
NOBODY: Final = -2
"""In place of the MAC address of who has said nothing; who said something without one has -1."""

KEY: Final = (F_KEY, F_A_HI, F_A_LO, F_B_HI, F_B_LO, F_FIRST_PACKET)
"""Columns that tell connections apart, also those that use the same ports again."""
FLOW: Final = (*KEY, F_PROTOCOL, F_VLAN, F_ISN, F_ISN + 1)
"""Columns of a row that are read of a flow."""
VLAN: Final = FLOW.index(F_VLAN)
SPOKEN: Final = FLOW.index(F_PROTOCOL)
Flow = tuple[int, ...]
"""The columns of `FLOW` of a row, read from their bytes (`flow_of`): most are never asked for."""
flow_of: Final[Callable[[bytes], Flow]] = Struct(f"={len(FLOW)}q").unpack
BEGINS: Final = 16
"""Bytes of the last two columns of `FLOW`."""
_PLACED: Final = {(True, 0): "cdp", (False, PROTO_ICMPV6): "icmpv6"}
"""What is no protocol with a code: by whether it is below IP, and the number."""
_KIND: Final = 0xF << 48 | 0xFFFF
"""Bits of a flow's key that hold its family, and what it is in that: all but the ports."""
Verdict = tuple[CredentialKind | None, str]
"""As `otmon.ledger.dialogues.log_ins.judged`."""


class Dialogue:
    """The payloads of one flow."""

    __slots__ = (
        "asked", "begins", "client", "last_ns", "log_ins", "macs", "operations", "read", "row", "said",
        "size", "told", "verdicts",
    )  # fmt: skip

    def __init__(self, row: bytes, client: int) -> None:
        self.row = row
        """`FLOW`, at the last payload."""
        self.client = client
        """Direction of what the client sends, as far as the last row tells."""
        self.said: list[Segment] = []
        self.macs = [NOBODY, NOBODY]
        """The sender's MAC address of each direction's first payload."""
        self.size = DIALOGUE_BYTES
        self.last_ns = 0
        self.told: Sequence[Told] = ()
        self.log_ins: Sequence[CredentialSeen] = ()
        self.operations: Sequence[Operation] = ()
        self.asked = False
        """Its server was seen before to ask a client for a password."""
        self.begins = b""
        """The last two columns of `FLOW` of the row in which it began, where it goes on in another."""
        self.read = 0
        """Payloads that `told` and `log_ins` were made of."""
        self.verdicts: dict[Hashable, Verdict] = {}
        """Of log-ins that were judged before: a proof is recomputed once."""

    def turn(self) -> None:
        """Client and server change places."""
        self.client = 1 - self.client
        self.said = [one._replace(from_client=not one.from_client) for one in self.said]


def spoken(key: int, code: int) -> str:
    """What a flow speaks, "" for unknown; below IP its EtherType tells it, and none of it is Cisco's."""
    return _kind(key & _KIND, code).protocol


class _Kind(NamedTuple):
    """How the flows of one kind are read."""

    protocol: str
    transport: str
    family: int
    in_order: bool
    """By sequence numbers: TCP."""
    chooses: bool
    """Only some of its messages were copied."""


@lru_cache(maxsize=1 << 12)
def _kind(kind: int, code: int) -> _Kind:
    family, number = kind >> 48, kind & 0xFFFF
    code &= PROVISIONAL - 1
    if family == 2:
        code = int(ethertype_codes()[number])
    protocol = name_of(code) if code else _PLACED.get((family == 2, number), "")
    transport = transport_text(family, number)
    in_order = number == PROTO_TCP and family != 2
    return _Kind(protocol, transport, family, in_order, FIRST_PAYLOADS.get(protocol, 1) < 0)


def read(
    one: Dialogue, source: str, known: Credentials, budget: ProofBudget
) -> tuple[Sequence[Told], Sequence[CredentialSeen], Sequence[Operation]]:
    """What is said in a dialogue, its log-ins, and what was set in stations by it."""
    row = one.row[:-BEGINS] + one.begins if one.begins else one.row
    key, a_hi, a_lo, b_hi, b_lo, _, code, vlan, isn_a, isn_b = flow_of(row)
    protocol, transport, family, in_order, chooses = _kind(key & _KIND, code)
    if not protocol and family == 2:
        return (), (), ()
    others: Iterable[list[Piece]] = ()
    if in_order:
        whole, others = readings(one.said, (isn_b, isn_a) if one.client else (isn_a, isn_b))
    else:
        whole = datagrams(one.said)
    pieces = chosen(one.said) if chooses else whole
    ends = [address_text(family, a_hi, a_lo), address_text(family, b_hi, b_lo)]
    if family != 2:
        sides = [(mac_text(one.macs[0]), ends[0]), (mac_text(one.macs[1]), ends[1])]
    else:
        sides = [(ends[0], ""), (ends[1], "")]
    client, server = one.client, 1 - one.client
    port, client_port = (key >> 16 & 0xFFFF, key >> 32 & 0xFFFF)[:: 1 if client else -1]
    if protocol == "eapol" and (a_lo, b_lo)[server] & GROUP:
        ends[server] = mac_text(one.macs[server]) or ends[server]
    tags = vlan_text(vlan)
    service = transport, port, client_port
    told = told_by(protocol, pieces, sides[client], sides[server], tags, service) if protocol else ()
    facts: dict[int, CredentialSeen] = {}
    for name, log_in, sure in log_ins_of(protocol, transport, port, (pieces, whole), others):
        kind, entry = _verdict(one, name, log_in, sure, known, budget)
        if kind is None or (kind != "default" and not sure):
            continue
        seen = log_in.seen
        seen_log_in = CredentialSeen(
            client=ends[client],
            server=ends[server],
            transport=transport,
            port=port,
            protocol=name,
            vlan=tags,
            account=visible(log_in.account),
            method=log_in.method,
            entry=entry,
            kind=kind,
            outcome="accepted" if log_in.unasked and one.asked else log_in.outcome,
            times=1,
            first_ns=seen.time_ns,
            last_ns=seen.time_ns,
            evidence=Evidence(seen.time_ns, source, seen.packet, seen.offset),
        )
        note(facts, seen_log_in, sure)
    sets = protocol == "profinet" and family == 2
    done = tuple(operations_of(pieces, ends[client], ends[server], tags, source)) if sets else ()
    return told, tuple(facts.values()) if facts else (), done


def _verdict(
    one: Dialogue, protocol: str, log_in: LogIn, sure: bool, known: Credentials, budget: ProofBudget
) -> Verdict:
    """As `judged`; that of a proof is remembered."""
    key = log_in.seen, log_in.method, log_in.account
    verdict = one.verdicts.get(key) if sure else None
    if verdict is None:
        verdict = judged(log_in, protocol, known, budget)
        if log_in.proves is not None and sure:
            one.verdicts[key] = verdict
    return verdict
