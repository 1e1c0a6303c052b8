"""Frames of 802.1X that hold EAP."""

from __future__ import annotations

from otmon.identity.eapol import log_ins as parse
from tests.identity.talk import TRANSCRIPTS, Turn, eap, eapol, pieces, proof

TALK = TRANSCRIPTS["eapol"]


def test_a_station_proves_a_password() -> None:
    (one,) = parse(pieces(*TALK))
    assert (one.account, one.method, one.outcome) == (b"phone-7", "chap", "accepted")
    assert proof(one)(b"hunter2") and one.seen.packet == 4
    (one,) = parse(pieces(*TALK[:-1]))
    assert one.outcome == "attempted"


def test_padding_other_types_and_lengths_that_lie() -> None:
    padded: list[Turn] = [(who, data.ljust(46, b"\0")) for who, data in TALK]
    assert [one.outcome for one in parse(pieces(*padded))] == ["accepted"]
    # EAPOL-Start, -Logoff and -Key have no packet of EAP.
    for kind in (b"\1", b"\2", b"\3"):
        assert list(parse(pieces(*((who, data[:1] + kind + data[2:]) for who, data in TALK)))) == []
    for cut in range(len(TALK[3][1])):
        assert list(parse(pieces(*TALK[:3], ("c", TALK[3][1][:cut])))) == []
    short = eapol(eap(2, 23, 4, b"\x10" + bytes(16)))
    assert list(parse(pieces(*TALK[:3], ("c", short[:2] + b"\0\5" + short[4:])))) == []
