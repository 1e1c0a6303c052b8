"""Every parser keeps its promises: what it finds, and that nothing makes it raise."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.identity import registry
from otmon.identity.claim import MAX_VALUE, ClaimKind
from otmon.identity.login import Piece, Seen
from otmon.identity.registry import CLAIM_IDS, FIRST_PAYLOADS, IDS, LOG_IN_PAYLOADS, parser_of, teller_of
from otmon.protocols.registry import IDS as PROTOCOLS
from tests.identity.claims.messages import MESSAGES, claims
from tests.identity.talk import TRANSCRIPTS, pieces

SEEN = Seen(1, 1, 0)
KINDS = get_args(ClaimKind)


def test_files_are_named_like_protocols_and_each_has_a_transcript() -> None:
    assert set(IDS) <= set(PROTOCOLS)
    assert set(IDS) == set(TRANSCRIPTS)
    folder = Path(registry.__file__).parent
    for files, reads, ids in ((folder, "log_ins", IDS), (folder / "claims", "claims", CLAIM_IDS)):
        named = {path.stem for path in files.glob("*.py") if f"\ndef {reads}(pieces:" in path.read_text()}
        assert named == set(ids)


@pytest.mark.parametrize("protocol", IDS)
def test_each_finds_its_transcript_and_is_silent_on_all_others(protocol: str) -> None:
    assert list(parser_of(protocol)(pieces(*TRANSCRIPTS[protocol])))
    for other, turns in TRANSCRIPTS.items():
        if {protocol, other} <= {"http", "rtsp", "sip"} or other == protocol:
            continue
        # Mail and FTP say it in the same words.
        if {protocol, other} <= {"ftp", "pop3", "smtp"}:
            continue
        assert list(parser_of(protocol)(pieces(*turns))) == [], other


@st.composite
def hostile(draw: st.DrawFn, protocol: str) -> list[Piece]:
    """Bytes of no kind or a real dialogue with changes, in any chunks, with gaps."""
    random = Random(draw(st.integers(0, 1 << 32)))
    whole = [*TRANSCRIPTS[protocol], *TRANSCRIPTS[random.choice(IDS)]] if draw(st.booleans()) else []
    whole += [
        (random.choice("cs"), random.randbytes(random.randrange(60))) for _ in range(random.randrange(4))
    ]  # type: ignore[misc]
    ends = [0, 0]
    found = []
    for who, data in whole:
        changed = bytearray(data)
        for _ in range(random.randrange(3) if changed else 0):
            changed[random.randrange(len(changed))] = random.choice((0, 10, 13, 32, 34, 58, 127, 128, 255))
        at = 0
        while at < len(changed):
            size = random.randrange(1, 12) if random.random() < 0.5 else len(changed)
            side = 0 if who == "c" else 1
            ends[side] += random.choice((0, 0, 0, 0, 1, 7, 5000)) if random.random() < 0.2 else 0
            found.append(Piece(who == "c", ends[side], bytes(changed[at : at + size]), SEEN))
            ends[side] += len(changed[at : at + size])
            at += size
    return found


@pytest.mark.parametrize("protocol", IDS)
@given(data=st.data())
@settings(deadline=None)
def test_any_bytes_in_any_pieces_give_log_ins_or_nothing(protocol: str, data: st.DataObject) -> None:
    for one in parser_of(protocol)(data.draw(hostile(protocol))):
        assert isinstance(one.account, bytes) and one.outcome in (
            "accepted",
            "refused",
            "unknown",
            "attempted",
        )
        assert one.secret is None or isinstance(one.secret, bytes)
        if one.proves is not None:
            assert one.proves(b"1234") in (True, False)


@pytest.mark.parametrize("protocol", IDS)
def test_no_text_shows_a_secret(protocol: str) -> None:
    for one in parser_of(protocol)(pieces(*TRANSCRIPTS[protocol])):
        if one.secret and one.secret != one.account:
            assert one.secret.decode() not in repr(one)
    for piece in pieces(*TRANSCRIPTS[protocol]):
        assert "data=" not in repr(piece)


def test_readers_of_claims_are_named_like_protocols_and_each_has_its_messages() -> None:
    assert set(CLAIM_IDS) - {"cdp", "icmpv6"} <= set(PROTOCOLS)
    assert set(CLAIM_IDS) == set(MESSAGES)
    assert set(FIRST_PAYLOADS) | set(IDS) >= set(CLAIM_IDS) - {"cdp", "icmpv6"}
    # Of these the messages that matter are chosen, whatever they are read for.
    assert all(FIRST_PAYLOADS[both] < 0 for both in set(FIRST_PAYLOADS) & set(IDS))
    assert set(LOG_IN_PAYLOADS) <= set(IDS)


@pytest.mark.parametrize("protocol", CLAIM_IDS)
def test_each_reader_finds_what_is_said_and_takes_nothing_else_for_it(protocol: str) -> None:
    turns, expected = MESSAGES[protocol]
    found = claims(protocol, *turns)
    assert list(dict.fromkeys((one.kind, one.value) for one in found)) == expected
    sides = {one.from_client for one in found}
    assert sides == {who == "c" for who, _ in turns} or protocol == "opc_ua"
    for other, (foreign, _) in MESSAGES.items():
        # Mail and FTP greet in the same words; one answers in the form of the other, or carries it.
        pair = {other, protocol}
        alike = pair in ({"ftp", "smtp"}, {"mdns", "llmnr"}, {"smb", "dce_rpc"})
        alike = alike or pair <= {"http", "rtsp", "sip", "ssdp"} or pair <= {"smtp", "imap", "pop3"}
        if not alike and len(pair) == 2:
            assert claims(protocol, *foreign) == [], other


@pytest.mark.parametrize("protocol", CLAIM_IDS)
def test_a_message_cut_anywhere_says_no_more_than_the_whole(protocol: str) -> None:
    turns, expected = MESSAGES[protocol]
    whole = {value for _, value in expected}
    for who, data in turns:
        for size in range(len(data)):
            for one in claims(protocol, (who, data[:size])):
                assert any(value.startswith(one.value) for value in whole)


@st.composite
def changed(draw: st.DrawFn, protocol: str) -> list[Piece]:
    """Its messages and others with changes, in any chunks, with gaps."""
    random = Random(draw(st.integers(0, 1 << 32)))
    ends = [0, 0]
    found = []
    for who, data in [*MESSAGES[protocol][0], *MESSAGES[random.choice(CLAIM_IDS)][0]]:
        wrong = bytearray(data)
        for _ in range(random.randrange(5)):
            wrong[random.randrange(len(wrong))] = random.choice((0, 1, 10, 32, 127, 128, 192, 254, 255))
        at, side = 0, 0 if who == "c" else 1
        while at < len(wrong):
            size = random.randrange(1, 40) if random.random() < 0.3 else len(wrong)
            ends[side] += random.choice((0, 0, 0, 1, 5000)) if random.random() < 0.2 else 0
            found.append(Piece(who == "c", ends[side], bytes(wrong[at : at + size]), SEEN))
            ends[side] += len(wrong[at : at + size])
            at += size
    return found


@pytest.mark.parametrize("protocol", CLAIM_IDS)
@given(data=st.data())
@settings(deadline=None)
def test_any_bytes_give_lines_of_text_or_nothing(protocol: str, data: st.DataObject) -> None:
    for one in teller_of(protocol)(data.draw(changed(protocol))):
        assert one.kind in KINDS and len(one.value) <= MAX_VALUE
        assert one.value.isprintable()
        one.value.encode()
