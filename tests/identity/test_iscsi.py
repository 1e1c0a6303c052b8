from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest

from tests.identity.talk import CHAP_CHALLENGE, TRANSCRIPTS, Turn, chap, iscsi, log_ins, proof

BEGIN, ASKED, ANSWERED, END = (
    TRANSCRIPTS["iscsi"][:3], TRANSCRIPTS["iscsi"][3], TRANSCRIPTS["iscsi"][4], TRANSCRIPTS["iscsi"][5]
)  # fmt: skip
DATA: Turn = ("c", b"\x01\x80" + bytes(46))


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(0, "accepted"), (0x0201, "refused"), (0x0202, "refused"), (0x0300, "unknown")],
)
def test_a_log_in_and_what_the_disks_say(end: int, outcome: str) -> None:
    (one,) = log_ins("iscsi", *BEGIN, ASKED, ANSWERED, ("s", iscsi(0x23, b"", status=end)), DATA)
    assert (one.account, one.method, one.outcome) == (b"backup", "chap", outcome)
    assert proof(one)(b"hunter2") and not proof(one)(b"hunter")


def test_without_an_answer_it_was_attempted() -> None:
    assert [one.outcome for one in log_ins("iscsi", *BEGIN, ASKED, ANSWERED)] == ["attempted"]


def test_another_hash_and_base64() -> None:
    text = b64encode(CHAP_CHALLENGE)
    asked: Turn = ("s", iscsi(0x23, b"CHAP_A=7", b"CHAP_I=0x17", b"CHAP_C=0b" + text))
    answer = b64encode(hashlib.sha256(b"\x17hunter2" + CHAP_CHALLENGE).digest())
    (one,) = log_ins("iscsi", *BEGIN, asked, ("c", iscsi(0x43, b"CHAP_R=0b" + answer, b"CHAP_N=backup")), END)
    assert proof(one)(b"hunter2")


def test_keys_may_go_on_in_the_next_request() -> None:
    response = b"CHAP_R=0x" + chap(23, b"hunter2").hex().encode()
    parts: tuple[Turn, ...] = (
        ("c", iscsi(0x43, b"CHAP_N=backup", flags=0x40)),
        ("s", iscsi(0x23, b"", flags=0)),
        ("c", iscsi(0x43, response)),
    )
    (one,) = log_ins("iscsi", *BEGIN, ASKED, *parts, END)
    assert (one.account, one.outcome) == (b"backup", "accepted")


def test_of_both_sides_the_host_is_told() -> None:
    answered: Turn = (
        "c",
        iscsi(
            0x43, b"CHAP_N=backup", b"CHAP_R=0x" + chap(23, b"hunter2").hex().encode(), b"CHAP_I=9",
            b"CHAP_C=0x0102",
        ),
    )  # fmt: skip
    ended: Turn = ("s", iscsi(0x23, b"CHAP_N=disks", b"CHAP_R=0x" + chap(9, b"back", b"\1\2").hex().encode()))
    assert [one.account for one in log_ins("iscsi", *BEGIN, ASKED, answered, ended)] == [b"backup"]


def test_what_is_cut_wrong_or_behind_the_log_in_is_nothing() -> None:
    for turn in (BEGIN[0], ASKED, ANSWERED):
        for size in range(0, len(turn[1]), 3):
            assert log_ins("iscsi", *BEGIN, (turn[0], turn[1][:size])) == []
    for wrong in (b"CHAP_R=0xzz", b"CHAP_R=12", b"CHAP_R=0b===", b"CHAP_R="):
        assert log_ins("iscsi", *BEGIN, ASKED, ("c", iscsi(0x43, b"CHAP_N=backup", wrong)), END) == []
    assert log_ins("iscsi", *BEGIN, ("s", iscsi(0x23, b"CHAP_A=many", b"CHAP_C=0x01")), ANSWERED, END) == []
    assert log_ins("iscsi", DATA, *BEGIN, ASKED, ANSWERED, END) == []
