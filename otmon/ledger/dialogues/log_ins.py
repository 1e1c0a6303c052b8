"""The log-ins of a flow, and what a fact says of them. They are found even if the flow's name is wrong, or
its segments contradict each other.

A flow is named by its first payloads, and of segments that contradict each other the first is read. An
attacker may send payloads before, or segments, that the server does not take: then the flow has a wrong name,
and its log-in is not read, or not as the server read it. So where a flow has no name, or no log-in was found
under its name, it is read by the parsers whose usual port it has, and by those whose marks are in what was
said; and where segments contradict each other, in each way in which the server may have read them
(`otmon.identity.stream.readings`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain
from typing import Final

from otmon.identity.credentials import Credentials
from otmon.identity.login import ANONYMOUS, LogIn, Piece
from otmon.identity.proof_budget import ProofBudget
from otmon.identity.registry import IDS, parser_of
from otmon.ledger.facts import OUTCOMES, CredentialKind, CredentialSeen
from otmon.protocols.registry import PROTOCOLS

_LOGGING_IN: Final = frozenset(IDS)
ACCOUNT: Final = 64
"""Characters of an account that a fact names."""
_REQUEST: Final = rb"^[A-Z_]{3,20}[ \t]+\S{1,2048}[ \t]+%s/[0-9]\.[0-9]"
_MARKS: Final = tuple(
    (name, from_client, words, re.compile(pattern, flags))
    for name, from_client, words, pattern, flags in (
        ("http", True, (b"http/",), _REQUEST % b"HTTP", re.M),
        ("rtsp", True, (b"rtsp/",), _REQUEST % b"RTSP", re.M),
        ("sip", True, (b"sip/",), _REQUEST % b"SIP", re.M),
        ("ftp", False, (b"220", b"331", b"230"), rb"^(?:220|331|230)[ -]", re.M),
        ("pop3", False, (b"+ok",), rb"^\+OK", re.M),
        ("smtp", True, (b"ehlo", b"helo", b"auth"), rb"^(?:EHLO|HELO|AUTH)\s", re.M | re.I),
        ("imap", False, (b"* ok",), rb"^\* OK", re.M),
        ("telnet", False, (b"login", b"user", b"passwor"),
         rb"(?:login|user ?name|passwor[dt])\s*[:>]", re.I),
        ("mqtt", True, (b"mqtt", b"mqisdp"), rb"\x00\x04MQTT|\x00\x06MQIsdp", 0),
        ("redis", True, (b"auth", b"hello"), rb"^(?:\$[45]\r\n)?(?:AUTH|HELLO)\s", re.M | re.I),
        ("vnc", False, (b"rfb 0",), rb"RFB 0", 0),
        ("postgresql", True, (b"user\0",), rb"\x00\x03\x00.user\x00", re.S),
        ("mysql", False, (b"\0\0\0\n",), rb"\x00\x00\x00\x0a[0-9]", 0),
        ("opc_ua", True, (b"msgf",), rb"MSGF....", re.S),
        ("smb", True, (b"smb",), rb"[\xfe\xff]SMB", 0),
    )
)  # fmt: skip
"""What stands in the text of one side, where the protocol is spoken: of those that a server greets with the
same words all are asked, as each finds its own log-ins alone. A pattern fits no text in which, in small
letters, none of its words stands: that is found out in a tenth of the time."""


def _is_text(piece: Piece) -> bool:
    """Whether it may be more than a greeting of SSH or a message of TLS."""
    data = piece.data
    return 0x20 <= data[0] <= 0x7E and data[:4] != b"SSH-"


@cache
def _usual() -> dict[tuple[str, int], tuple[str, ...]]:
    """The protocols whose log-ins are read, by transport and usual port."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for one in PROTOCOLS:
        for transport, ports in (("tcp", one.tcp_ports), ("udp", one.udp_ports)):
            for port in ports if one.id in IDS else ():
                found[transport, port] = (*found.get((transport, port), ()), one.id)
    return found


@lru_cache(maxsize=1 << 12)
def _others(spoken: str, transport: str, port: int) -> tuple[str, ...]:
    """The protocols of `_usual`, without one."""
    return tuple(one for one in _usual().get((transport, port), ()) if one != spoken)


def log_ins_of(
    spoken: str,
    transport: str,
    port: int,
    said: tuple[list[Piece], list[Piece]],
    others: Iterable[list[Piece]],
) -> Iterable[tuple[str, LogIn, bool]]:
    """The log-ins of a flow, each with its protocol, and whether nothing speaks against it: of the rest only
    default passwords are to be told, as what was never said may make a name of any password. `said` is what
    the flow's protocol is read of, and all of it; `others` are what may have been read instead."""
    pieces, whole = said
    chooses = pieces is not whole
    speaks = spoken in _LOGGING_IN
    found = [(spoken, one, True) for one in parser_of(spoken)(pieces)] if speaks else []
    if not found and (chooses or not speaks or _others(spoken, transport, port)):
        found = _besides(spoken, transport, port, whole, by_marks=chooses or not speaks)
    # Of nearly all flows nothing else may have been read.
    return (
        chain(found, _of_others(spoken, transport, port, others, parsed=speaks and not chooses))
        if others
        else found
    )


def _of_others(
    spoken: str, transport: str, port: int, others: Iterable[list[Piece]], *, parsed: bool
) -> Iterator[tuple[str, LogIn, bool]]:
    """The log-ins in what may have been read instead."""
    for reading in others:
        own = list(parser_of(spoken)(reading)) if parsed else []
        besides = () if own else _besides(spoken, transport, port, reading, by_marks=True)
        yield from ((spoken, one, False) for one in own)
        yield from ((name, one, False) for name, one, _ in besides)


def _besides(
    spoken: str, transport: str, port: int, pieces: Sequence[Piece], *, by_marks: bool
) -> list[tuple[str, LogIn, bool]]:
    """The log-ins of protocols other than `spoken`, as `log_ins_of` gives them: of those whose port it is,
    else, with `by_marks`, of those whose marks are found."""
    usual = _others(spoken, transport, port)
    found = [(one, log_in, not spoken) for one in usual for log_in in parser_of(one)(pieces)] if usual else []
    if not found and by_marks and transport == "tcp" and any(map(_is_text, pieces)):
        others = (one for one in _marked(pieces) if one != spoken and one not in usual)
        found = [(one, log_in, False) for one in others for log_in in parser_of(one)(pieces)]
    return found


def _marked(pieces: Sequence[Piece]) -> Iterator[str]:
    """The protocols whose marks stand in what was said."""
    texts = [b"".join([one.data for one in pieces if one.from_client == who]) for who in (False, True)]
    small = [text.lower() for text in texts]
    for name, who, words, mark in _MARKS:
        if any([word in small[who] for word in words]) and mark.search(texts[who]):
            yield name


def note(facts: dict[int, CredentialSeen], fact: CredentialSeen, sure: bool) -> None:
    """Add a fact; where it is not sure, unless it was found before, whose outcome then is the graver one."""
    if not sure:
        for key, other in facts.items():
            if (other.protocol, other.account, other.entry) == (fact.protocol, fact.account, fact.entry):
                outcome = min(fact.outcome, other.outcome, key=OUTCOMES.index)
                facts[key] = replace(other, outcome=outcome)
                return
    facts[len(facts)] = fact


def judged(
    log_in: LogIn, protocol: str, known: Credentials, budget: ProofBudget | None = None
) -> tuple[CredentialKind | None, str]:
    """What a fact says of a log-in's secret, and the entry that it is on the list as, "" for none. None for
    a proof that no password of the list has given: it hides its secret, as it should."""
    entry = known.matching(log_in, protocol, budget)
    if log_in.method == ANONYMOUS:
        return "anonymous", ""
    if entry is not None:
        return "default", entry.id
    if log_in.secret is None:
        return ("empty", "") if log_in.proves is not None and log_in.proves(b"") else (None, "")
    return ("clear" if log_in.secret else "empty"), ""


def visible(account: bytes) -> str:
    """An account as text of one line, at most `ACCOUNT` characters."""
    text = account[: 4 * ACCOUNT].decode("utf-8", "replace")
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= ACCOUNT else shown[: ACCOUNT - 1] + "…"
