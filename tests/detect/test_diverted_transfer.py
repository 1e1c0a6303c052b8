"""Transfers whose data is directed to a third host, and those between two ends."""

from __future__ import annotations

from otmon.ledger.facts import AssetClaim, Evidence
from tests.detect.plant import EWS, PC, PLC, STRANGER, found, keys
from tests.zones.facts import conversation

RULE = "diverted-transfer"


def directs(value: str, address: str, protocol: str = "ftp", kind: str = "directs") -> AssetClaim:
    return AssetClaim("", address, "", kind, value, protocol, 2, 5, 9, Evidence(5, "a.pcap", 3, 70))  # type: ignore[arg-type]


TALK = conversation(EWS, PLC, 21, "ftp")
BOUNCE = directs(f"tcp/502 10.2.0.2 {PLC} tcp/21 client", EWS)


def test_a_client_that_names_a_third_host() -> None:
    second = directs(f"tcp/102 {STRANGER} {PLC} tcp/21 client", EWS)
    (one,) = found(RULE, TALK, BOUNCE, second)
    assert (one.severity, one.count, one.place.to_zone) == ("high", 4, "plc")
    assert (one.link.client, one.link.server, one.link.port) == (EWS, PLC, 21)
    assert dict(one.why[0].params)["items"] == f"10.2.0.2 (tcp/502), {STRANGER} (tcp/102)"
    assert keys([one]) == ["diverted-by-client", "diverted-to"]
    (bare,) = found(RULE, TALK, BOUNCE, plant=None)
    assert bare.severity == "high"


def test_the_zone_of_the_server_says_how_grave_it_is() -> None:
    (one,) = found(RULE, conversation(EWS, PC, 21, "ftp"), directs(f"tcp/502 {PLC} {PC} tcp/21 client", EWS))
    assert one.severity == "low"


def test_a_server_with_another_address_inside_is_low() -> None:
    (one,) = found(RULE, TALK, directs(f"tcp/50000 192.168.0.1 {EWS} tcp/21 server", PLC))
    assert (one.severity, one.what.key) == ("low", "diverted-by-server")
    assert (one.link.client, one.link.server) == (EWS, PLC)


def test_what_goes_to_the_other_end_and_broken_claims_are_none() -> None:
    waits = directs(f"tcp/51210 {PLC} tcp/21 client", EWS, kind="expects")
    assert found(RULE, TALK, waits, directs("tcp/1", EWS), directs("a b c d e f", EWS)) == []
