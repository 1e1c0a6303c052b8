from __future__ import annotations

from tests.identity.talk import TRANSCRIPTS, log_ins, told


def test_a_camera() -> None:
    assert told(log_ins("rtsp", *TRANSCRIPTS["rtsp"])) == [(b"admin", "basic", "accepted", b"12345")]
    assert told(log_ins("rtsp", *TRANSCRIPTS["rtsp"][:3])) == [(b"admin", "basic", "attempted", b"12345")]
