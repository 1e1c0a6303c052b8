"""What is told of chains, in both languages."""

from __future__ import annotations

from otmon.ledger.merge import collect
from otmon.outputs.zone_paths import HOSTS_SHOWN, path_lines
from otmon.zones.review.paths import find_paths
from tests.zones.facts import asset, model

HOSTS = [f"10.2.0.{2 * n}" for n in range(1, HOSTS_SHOWN + 3)]
MANY = ", ".join(HOSTS)
PLANT = f"""
version: 1
zones:
- {{id: a, importance: low, members: 10.1.0.0/24}}
- {{id: b, importance: low, inside: listed, members: 10.2.0.0/24}}
- {{id: c, importance: low, members: 10.3.0.0/24}}
boundaries:
- {{id: a-b, between: [a, b], allow: [{{id: p, from: a, to: [{MANY}], protocol: tls, port: 443}}]}}
- {{id: b-c, between: [b, c], allow: [{{id: q, from: b, to: c, protocol: any}}]}}
"""


def test_each_hop_says_where_it_is_written_and_what_it_allows() -> None:
    told = find_paths(model(PLANT), "a", "c", 20)
    lines = list(path_lines(told, ("a", "c"), None, "en"))
    assert lines[0] == "chains of permissions that lead from a to c: 1"
    assert lines[2:8] == [
        "1. hops: 2",
        "   a: any host",
        "   -> p of boundary a-b (m.yaml:7): protocol tls; port 443",
        f"   b: {', '.join(HOSTS[:HOSTS_SHOWN])} ... and 2 more",
        "   -> q of boundary b-c (m.yaml:8): protocol any",
        "   c: any host",
    ]
    assert lines[-2:] == ["or fewest boundaries to close instead: 1", "   b-c (m.yaml:8)"]


def test_use_and_devices_are_told_with_their_packets() -> None:
    seen = [asset("02:00:00:00:00:01", "10.1.0.7"), asset("02:00:00:00:00:01", "10.3.0.7")]
    seen += [asset("02:00:00:00:00:02", f"10.{n}.0.1") for n in (1, 2, 3)]
    told = find_paths(model(PLANT), "a", "c", 20, collect(assets=seen))
    text = "\n".join(path_lines(told, ("a", "c"), {("permission", "p"): 3}, "en"))
    assert "the device 02:00:00:00:00:01 was seen in these places" in text
    assert "a: 10.1.0.7 - a.pcap no. 1 (byte 24)" in text
    assert "used by 3 conversations" in text and "not seen in use" in text
    assert "taking permissions away cannot end all chains" in text
    assert "02:00:00:00:00:02 carries addresses of a, b, c and is taken for a router" in text


def test_no_chain_is_said_in_one_line() -> None:
    told = find_paths(model(PLANT), "c", "a", 20)
    assert list(path_lines(told, ("c", "a"), None, "ja")) == ["c から a へ至る許可の連鎖はない"]
