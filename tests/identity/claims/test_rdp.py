"""TLS behind the one message of each side, and connections without it."""

from __future__ import annotations

from tests.identity.claims.messages import CONFIRM, PANEL, client_hello, said, shown_certificate, tls

REQUEST = bytes.fromhex("0300002621e00000000000") + b"Cookie: mstshash=eng\r\n" + bytes.fromhex("0100080003")


def test_who_is_asked_for_and_its_certificate_but_not_who_logs_in() -> None:
    request = REQUEST.ljust(0x26, b"\0")
    found = said(
        "rdp",
        ("c", request),
        ("s", CONFIRM),
        ("c", tls(client_hello(b"hmi-7.example"))),
        ("s", tls(shown_certificate(PANEL))),
    )
    assert [kind for kind, _ in found] == ["called", "name", "name", "certificate"]
    assert "eng" not in str(found)


def test_without_tls_and_without_the_beginning_nothing_is_said() -> None:
    assert said("rdp", ("s", CONFIRM + bytes.fromhex("0300000c02f0807f66820100"))) == []
    assert said("rdp", ("s", tls(shown_certificate(PANEL)))) == []
