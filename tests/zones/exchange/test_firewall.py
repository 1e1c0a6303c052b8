"""Firewall rules: what each format says, and that a firewall which loads them decides as the model does."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import Index, decide, index
from otmon.zones.exchange.firewall import FORMATS, Exported, ExportError, export_rules
from otmon.zones.exchange.rule import EVERY_PORT, Rule, Rulebook, Service, boundary_rules, model_rules
from otmon.zones.files.load import load_model
from otmon.zones.model import Model
from tests.zones.facts import conversation, model
from tests.zones.namespaces import Check, missing, plant

MISSING = missing()
FACTORY = str(Path(__file__).parents[3] / "zones" / "factory.yaml")
NETS = """
version: 1
zones:
  - {id: wide, importance: 大, members: [10.1.0.0/16, 'fd00:1::/64']}
  - {id: cell, importance: 大, members: [10.1.7.0/24, 'fd00:7::/64']}
  - {id: office, importance: 小, inside: listed, members: [10.2.0.0/24, 10.3.0.0/24],
     allow: [{id: prints, from: 10.2.0.5, to: 10.3.0.0/24, protocol: any, transport: tcp, port: 9100}]}
boundaries:
  - id: wide-cell
    between: [wide, cell]
    allow:
      - {id: reads, from: wide, to: cell, protocol: modbus, functions: read-coils,
         reason: '"$(x)" `y` {z}; */ \\'}
      - {id: time, from: [10.1.7.9, 'fd00:7::9'], to: wide, protocol: ntp, port: 123}
  - id: office-cell
    between: [office, cell]
    allow:
      - {id: range, from: 10.2.0.0/25, to: 10.1.7.10, protocol: any, transport: udp, port: [6000-6001, 502]}
  - id: wide-internet
    between: [wide, internet]
    allow:
      - {id: web, from: wide, to: internet, protocol: tls, port: 443}
      - {id: mail, from: internet, to: 10.1.0.25, protocol: any, transport: tcp, port: 25}
  - {id: office-internet, between: [office, internet]}
"""


def everything(built: Model) -> Rulebook:
    return model_rules(index(built), any_port=False)


def written(built: Model, name: str, book: Rulebook | None = None) -> Exported:
    pairs = [pair for b in built.boundaries for pair in (b.between, b.between[::-1])]
    return export_rules(everything(built) if book is None else book, FORMATS[name], "all", "a title", pairs)


def one_rule(*services: Service) -> Rulebook:
    built = model(NETS)
    rule = next(r for r in everything(built).rules if r.id == "reads")
    said = (rule.kind, rule.id, rule.line, rule.reason, rule.from_zone, rule.to_zone)
    return Rulebook((Rule(*said, rule.clients, rule.servers, services),), (), ())


def agreed(ready: Index, check: Check) -> bool:
    """Whether the model allows some protocol that is spoken over this transport, at this level. Where a
    permission names no port, its protocol is looked for on its usual ones."""
    client, server, transport, port = check
    spoken = {"unknown": True}
    for protocol in PROTOCOLS:
        ports = protocol.tcp_ports if transport == "tcp" else protocol.udp_ports
        if ports or transport in {signature.transport for signature in protocol.signatures}:
            spoken[protocol.id] = port in ports
    lists = [*ready.model.zones, *ready.model.boundaries]
    with_port = {str(p.line) for one in lists for p in one.permissions if p.ports or not p.protocols}
    for name, usual in spoken.items():
        verdict = decide(ready, conversation(client, server, port, name, transport=transport))
        if verdict.outcome == "inside":
            return True
        if verdict.outcome == "allowed" and (usual or verdict.line in with_port):
            return True
    return False


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_the_example_and_the_same_each_time(name: str) -> None:
    built = load_model(FACTORY)
    first, second = written(built, name), written(built, name)
    assert first == second
    assert "default-deny" in first.text
    if name != "ip6tables":
        assert "hmi-setpoints" in first.text
    if name not in ("ip6tables", "nftables"):
        assert "作業者による設定値の変更" in first.text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_reason_that_tries_to_get_out_of_its_comment(name: str) -> None:
    text = written(model(NETS), name).text
    assert "$(x)" not in text and "`y`" not in text and "{z}" not in text
    assert '"' + "'S(x)" not in text
    assert not re.search(r"\(x\).*\*/", text)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "service",
    [
        Service("tcp", ()), Service("udp", ((5, 5), (7, 9))), Service("sctp", ((99, 99),)),
        Service("icmp", ()), Service("icmpv6", ()), Service("ip-47", ()), Service("ip-253", ()),
        Service("sctp", ()),
    ],
)  # fmt: skip
def test_no_format_opens_more_than_a_transport(name: str, service: Service) -> None:
    """A transport that a format cannot say is left out and told; none becomes "everything"."""
    text, told = (
        written(model(NETS), name, one_rule(service)).text,
        written(model(NETS), name, one_rule(service)).told,
    )
    left_out = [sentence for sentence in told if "no words" in str(sentence)]
    shows = [line for line in text.splitlines() if "reads" in line]
    if left_out:
        assert not shows
        return
    wide = [
        r"p-reads.*\n(?:.*remark.*\n)*.*permit (?:ip|ipv6) ", r"ct state new accept\n.*chain p-reads",
        r"-A F_p-reads -p all", r'set name "p-reads"(?:\n.*){1,9}service "ALL"',
        r'entry name="p-reads"(?:\n.*){1,24}<service>\s*<member>any</member>',
        r"policy p-reads \{(?:\n.*){1,4}application any;",
    ]  # fmt: skip
    for pattern in wide:
        assert not re.search(pattern, text), pattern
    for line in re.findall(r"chain p-reads \{\n((?: {8}.*\n)+)", text):
        assert re.search(rf"{service.transport.removeprefix('ip-')}\b", line), line


def test_a_rule_without_addresses_of_a_family_is_not_in_its_filter() -> None:
    text = written(model(NETS), "nftables").text
    four, six = text.split("table ip6 filtering_policies {")
    assert "chain p-range" in four and "chain p-range" not in six
    for rule in re.findall(r".*accept", six):
        assert "ip6 saddr" in rule or "established" in rule, rule


def test_a_stateless_format_has_rules_for_answers_and_says_what_they_let_through() -> None:
    exported = written(model(NETS), "cisco")
    assert re.search(r"permit tcp 10\.1\.7\.0 0\.0\.0\.255 eq 502 .* established", exported.text)
    assert any(
        "time" in str(told) and "answers over UDP are let through unasked" in str(told)
        for told in exported.told
    )
    assert "permit 58 any any 135" in exported.text


def test_names_are_unique_and_short() -> None:
    text = "{version: 1, zones: [{id: a, importance: 大, members: 10.0.0.0/24},"
    text += "{id: b, importance: 大, members: 10.0.1.0/24}], boundaries: [{id: a-b, between: [a, b], allow: ["
    long = "x" * 62
    text += ",".join(
        f"{{id: {long}{n}, from: a, to: b, protocol: any, transport: tcp, port: {n + 1}}}" for n in range(12)
    )
    built = model(text + "]}]}")
    for name, form in FORMATS.items():
        exported = written(built, name)
        names = re.findall(r"-N F_(\S+)|set name \"(p-\S+)\"|chain (p-\S+) ", exported.text)
        found = ["".join(one) for one in names]
        assert len(found) == len(set(found)), name
        assert all(len(one) <= form.name_limit for one in found)


def test_what_aerleon_cannot_write_is_an_error_of_ours() -> None:
    with pytest.raises(ExportError, match="Aerleon cannot write"):
        written(model(NETS), "fortigate", one_rule(Service("tcp", ((0, 0),))))


def test_every_port_is_spelled_out_where_nothing_would_mean_everything() -> None:
    text = written(model(NETS), "fortigate", one_rule(Service("tcp", ()))).text
    assert f"set tcp-portrange {EVERY_PORT[0][0]}-{EVERY_PORT[0][1]}" in text


@pytest.mark.skipif(shutil.which("iptables-restore") is None, reason="needs iptables-restore")
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_iptables_takes_its_rules() -> None:
    for name, command in (("iptables", "iptables-restore"), ("ip6tables", "ip6tables-restore")):
        with plant({}, ()) as empty:
            words = ["ip", "netns", "exec", empty.router, command, "--test"]
            done = subprocess.run(
                words, input=written(model(NETS), name).text.encode(), capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_loaded_firewall_decides_as_the_model() -> None:
    """Real connections through a router that loaded the rules pass exactly where the model allows them."""
    hosts = {
        "wide": ["10.1.0.25", "10.1.8.1", "fd00:1::5"],
        "cell": ["10.1.7.9", "10.1.7.10", "fd00:7::9", "fd00:7::a"],
        "office": ["10.2.0.5", "10.2.0.200"],
        "print": ["10.3.0.7"],
        "far": ["203.0.113.80", "2001:db8::80"],
        "stranger": ["192.168.77.7"],
    }
    ports = (25, 123, 443, 502, 6000, 6001, 9100)
    built = model(NETS)
    ready = index(built)
    homes = {address: zone for zone, addresses in hosts.items() for address in addresses}
    checks = [
        (client, server, transport, port)
        for client, server in itertools.permutations(homes, 2)
        if homes[client] != homes[server] and (":" in client) == (":" in server)
        for transport in ("tcp", "udp")
        for port in ports
    ]
    expected = [agreed(ready, check) for check in checks]
    assert 20 < sum(expected) < len(checks) / 2
    with plant(hosts, ports) as running:
        # Without rules everything passes: what fails later is the firewall's doing.
        assert all(running.passing(checks[:: len(checks) // 50]))
        text = written(built, "nftables").text
        running.load(text)
        passing = running.passing(checks)
        wrong = [
            f"{check}: passes {seen}, agreed {meant}"
            for check, seen, meant in zip(checks, passing, expected, strict=True)
            if seen != meant
        ]
        assert not wrong, "\n".join(wrong[:20])
        running.load(text)  # a second time replaces the first
        only = boundary_rules(ready, [b for b in built.boundaries if b.id == "office-cell"], any_port=False)
        running.load(written(built, "nftables", only).text)
        sample = [("10.2.0.5", "10.1.7.10", "udp", 6000), ("10.1.8.1", "10.1.7.10", "tcp", 502)]
        assert running.passing(sample) == [True, False]
