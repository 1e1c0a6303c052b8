"""What is judged as another conversation: only what its two ends agreed on, in time, as often as they did."""

from __future__ import annotations

import pytest

from otmon.ledger.dialogues.claims import told_by
from otmon.ledger.facts import AssetClaim, Evidence
from otmon.zones.data_connections import LATE_NS, announced_in, parent_of
from otmon.zones.decide import Verdict, decide, index
from tests.identity.talk import pieces
from tests.zones.facts import conversation, model

CLIENT, SERVER, OTHER = "10.1.0.20", "10.2.0.1", "10.2.0.9"
PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: low, members: 10.1.0.0/24}
    - {id: plc, importance: low, members: 10.2.0.0/24}
    boundaries:
    - id: line
      between: [control, plc]
      allow:
      - {id: recipes, from: 10.1.0.20, to: 10.2.0.1, protocol: dns}
      - {id: web, from: control, to: plc, protocol: http}
""")


def claim(value: str, address: str = SERVER, protocol: str = "dns", **more: int) -> AssetClaim:
    given = {"times": 1, "first_ns": 10, "last_ns": 10} | more
    return AssetClaim("", address, "", "expects", value, protocol, **given, evidence=Evidence(1, "a", 1, 0))


PASSIVE = claim(f"tcp/50000 {CLIENT} tcp/21 server")
ACTIVE = claim(f"tcp/51210 {SERVER} tcp/21 client", CLIENT)


def judged(client: str, server: str, port: int, *claims: AssetClaim, **more: object) -> Verdict:
    fact = conversation(client, server, port, **({"protocol": "unknown", "first_ns": 10} | more))  # type: ignore[arg-type]
    return decide(index(PLANT, claims=claims), fact)


def test_both_ways_are_judged_as_the_control_connection() -> None:
    for verdict, ends in (
        (judged(CLIENT, SERVER, 50_000, PASSIVE), ("control", "plc")),
        (judged(SERVER, CLIENT, 51_210, ACTIVE), ("plc", "control")),
    ):
        assert (verdict.outcome, verdict.from_zone, verdict.to_zone) == ("allowed", *ends)
        assert verdict.permission is not None
        assert verdict.permission.id == "recipes"
        assert verdict.reason.key == "data-of"
    denied = judged(CLIENT, SERVER, 50_000, claim(f"tcp/50000 {CLIENT} tcp/21 server", protocol="s7comm"))
    assert (denied.outcome, denied.reason.key) == ("denied", "data-of")
    assert denied.nearest


@pytest.mark.parametrize(
    "verdict",
    [
        judged(CLIENT, SERVER, 50_000),
        judged(CLIENT, SERVER, 50_001, PASSIVE),
        judged(CLIENT, OTHER, 50_000, PASSIVE),
        judged("10.1.0.21", SERVER, 50_000, PASSIVE),
        judged(SERVER, CLIENT, 50_000, PASSIVE),
        judged(CLIENT, SERVER, 50_000, PASSIVE, transport="udp"),
        judged(CLIENT, SERVER, 50_000, PASSIVE, protocol="modbus"),
        judged(CLIENT, SERVER, 50_000, PASSIVE, flows=2),
        judged(CLIENT, SERVER, 50_000, PASSIVE, first_ns=11 + LATE_NS),
        judged(CLIENT, SERVER, 502, claim(f"tcp/502 {CLIENT} tcp/21 server")),
    ],
)
def test_everything_else_is_not(verdict: Verdict) -> None:
    assert (verdict.outcome, verdict.reason.key) == ("denied", "not-listed")


def test_datagrams_may_come_in_several_flows() -> None:
    media = claim(f"udp/60000 {SERVER} tcp/554 client", CLIENT)
    assert judged(SERVER, CLIENT, 60_000, media, transport="udp", flows=3).outcome == "allowed"


@pytest.mark.parametrize("value", ["", "tcp/x a tcp/21 server", "tcp/50000 a tcp/- server", "tcp/50000 a b"])
def test_a_ledger_that_somebody_wrote_by_hand_awaits_nothing(value: str) -> None:
    assert announced_in([claim(value)]) == {}
    assert parent_of({}, conversation(CLIENT, SERVER)) is None


def said(who: str, line: bytes) -> list[tuple[str, str, str]]:
    ends = ("02:00:00:00:00:01", CLIENT), ("02:00:00:00:00:02", SERVER)
    told = told_by("ftp", pieces((who, line + b"\r\n")), *ends, "", ("tcp", 21, 49_200))  # type: ignore[arg-type]
    return [(key[1], key[3], key[4]) for key, _ in told]


def test_a_client_that_names_a_third_host_opens_nothing() -> None:
    assert said("c", b"PORT 10,1,0,20,200,10") == [(CLIENT, "expects", f"tcp/51210 {SERVER} tcp/21 client")]
    assert said("c", b"PORT 10,2,0,9,1,246") == [
        (CLIENT, "directs", f"tcp/502 {OTHER} {SERVER} tcp/21 client")
    ]
    # A server inside a translated network is asked at the address that its clients know.
    assert said("s", b"227 Entering Passive Mode (192,168,0,1,195,80)") == [
        (SERVER, "directs", f"tcp/50000 192.168.0.1 {CLIENT} tcp/21 server"),
        (SERVER, "expects", f"tcp/50000 {CLIENT} tcp/21 server"),
    ]
