"""Announcements of hosts; a pretended version is none."""

from __future__ import annotations

from tests.identity.claims.messages import announcement, said


def test_samba_names_itself_and_no_version() -> None:
    assert said("nbdgm", ("c", announcement(15, b"NAS", b"\6\1", kind=0x1803))) == [("name", "NAS")]


def test_other_messages_to_the_mailslot() -> None:
    assert said("nbdgm", ("c", announcement(12, b"HMI", b"\5\1"))) == [("name", "HMI")]
    whole = announcement(1, b"HMI", b"\5\1")
    assert said("nbdgm", ("c", whole.replace(b"\x55\xaa", b"\0\0"))) == [("name", "HMI")]
