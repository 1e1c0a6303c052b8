"""Searches name the program that searches, and no device."""

from __future__ import annotations

from tests.identity.claims.messages import said


def test_what_is_searched_for_is_not_what_searches() -> None:
    search = (
        b"M-SEARCH * HTTP/1.1\r\nST: urn:x:device:Printer:1\r\nUSER-AGENT: Windows/6.1 UPnP/1.1 x/1\r\n\r\n"
    )
    assert said("ssdp", ("c", search)) == [("software", "Windows/6.1 UPnP/1.1 x/1")]
    assert said("ssdp", ("c", b"BYE\r\nSERVER: x\r\n\r\n")) == []
