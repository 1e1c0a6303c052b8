from __future__ import annotations

from time import process_time

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told

OK: Turn = ("s", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
NO: Turn = ("s", b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n")


def asks(address: bytes, number: int = 1) -> Turn:
    return "c", b"DESCRIBE %s RTSP/1.0\r\nCSeq: %d\r\n\r\n" % (address, number)


def test_a_camera() -> None:
    assert told(log_ins("rtsp", *TRANSCRIPTS["rtsp"])) == [(b"admin", "basic", "accepted", b"12345")]
    assert told(log_ins("rtsp", *TRANSCRIPTS["rtsp"][:3])) == [(b"admin", "basic", "attempted", b"12345")]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"rtsp://admin:12345@10.2.0.2:554/h264", (b"admin", b"12345")),
        (b"rtsp://admin:1%403@10.2.0.2/h264?a@b:c@", (b"admin", b"1@3")),
        (b"rtsp://10.2.0.2/user=admin&password=888888&channel=1&stream=0.sdp?", (b"admin", b"888888")),
        (b"rtsp://10.2.0.2/user=admin_password=_channel=1_stream=0.sdp", (b"admin", b"")),
        (b"rtsp://10.2.0.2/live?channel=1&username=root&pass=pass", (b"root", b"pass")),
    ],
    ids=["before-host", "quoted", "in-path", "empty", "in-query"],
)
def test_a_stream_is_asked_for_with_its_password(address: bytes, expected: tuple[bytes, bytes]) -> None:
    turn = asks(address)
    assert told(log_ins("rtsp", turn, OK)) == [(expected[0], "query", "unknown", expected[1])]
    assert [one.outcome for one in log_ins("rtsp", turn, NO)] == ["refused"]
    assert [one.outcome for one in log_ins("rtsp", turn)] == ["attempted"]


def test_each_request_repeats_it() -> None:
    address = b"rtsp://admin:12345@10.2.0.2/h264"
    again: Turn = ("s", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n")
    assert len(log_ins("rtsp", asks(address), OK, asks(address, 2), again)) == 1


@pytest.mark.parametrize(
    "address",
    [
        b"rtsp://10.2.0.2:554/h264",
        b"rtsp://10.2.0.2:554/a:b@c",
        b"rtsp://admin@10.2.0.2/h264",
        b"rtsp://10.2.0.2/user=admin&channel=1",
        b"rtsp://%s:x@10.2.0.2/" % (b"a" * 600),
        b"*",
    ],
)
def test_other_addresses_hold_none(address: bytes) -> None:
    assert log_ins("rtsp", asks(address), OK) == []


@pytest.mark.parametrize("junk", [b"/user=", b"rtsp://a:", b"&user=a_", b"_pass="])
def test_none_takes_long(junk: bytes) -> None:
    begun = process_time()
    log_ins("rtsp", asks(junk * (8_000 // len(junk))), OK)
    assert process_time() - begun < 1
