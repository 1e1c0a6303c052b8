"""What attackers do is what the protocols say; each kind is found by its folder and told."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from scapy.layers.dhcp import DHCP
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.l2 import ARP, Ether

from otmon.lab.form import RangeError, Sheet, checked
from otmon.lab.plant import PlantHost, shipped_plant
from otmon.lab.scenario import shipped_scenario, shipped_scenarios
from otmon.lab.scene import Act, Deed
from otmon.lab.steps import step_kinds
from otmon.zones.files.document import parse, plain

START = 1_778_555_400_000_000_000


def hosts(plant: str) -> dict[str, PlantHost]:
    found = dict(shipped_plant(plant).by_name)
    for id in shipped_scenarios():
        if shipped_scenario(id).plant.id == plant:
            found |= shipped_scenario(id).everybody()
    return found


def done(plant: str, kind: str, by: str = "", to: str = "", **parameters: Any) -> Deed:
    """What a kind does with these parameters, as a file would give them."""
    there = hosts(plant)
    actors, targets = (tuple(there[name] for name in names.split()) for names in (by, to))
    form = step_kinds()[kind].form.model_validate(parameters)
    act = Act("x", START, shipped_plant(plant).wire, actors, targets, there, Random(1))
    deed = step_kinds()[kind].play(act, form)
    assert all(packet.event == "x" and packet.time_ns >= START for packet in deed.packets)
    return deed


def frames(deed: Deed) -> list[Any]:
    return [Ether(packet.data) for packet in sorted(deed.packets, key=lambda packet: packet.time_ns)]


def said(deed: Deed) -> bytes:
    """What TCP carries, without what fills short frames up."""
    parts = []
    for frame in frames(deed):
        if TCP in frame:
            length = frame[IP].len - 20 - 4 * frame[TCP].dataofs
            parts.append(bytes(frame[TCP].payload)[:length])
    return b"".join(parts)


def test_every_kind_is_in_some_scenario_and_told() -> None:
    used = {step.does for id in shipped_scenarios() for step in shipped_scenario(id).steps}
    assert set(step_kinds()) - used == {"watch-camera"}
    assert all(kind.told.endswith(".") for kind in step_kinds().values())
    assert list(step_kinds()) == sorted(step_kinds())


def test_an_arp_scan_asks_everybody_and_only_who_is_there_answers() -> None:
    deed = done(
        "two-factories", "address-scan", "camera", "b-mixing b-packing", network="10.12.2.0/24", how="arp"
    )
    asked = [frame for frame in frames(deed) if frame[ARP].op == 1]
    answered = {frame[ARP].psrc for frame in frames(deed) if frame[ARP].op == 2}
    assert len(asked) == 253 and answered == {"10.12.2.11", "10.12.2.12"}


def test_a_port_scan_is_answered_as_services_say() -> None:
    deed = done("water-works", "port-scan", "office-pc-11", "plc-dosing", ports=["20-23", "502"])
    answers = {
        frame[TCP].sport: str(frame[TCP].flags) for frame in frames(deed) if frame[IP].src == "172.16.22.11"
    }
    assert answers == {20: "RA", 21: "SA", 22: "RA", 23: "SA", 502: "SA"}


def test_a_tcp_scan_of_an_operating_system_repeats_itself_and_a_ping_does_not() -> None:
    deed = done(
        "two-factories", "address-scan", "a-label-pc", "copier",
        network="10.1.0.8/29", how="tcp", port="445", repeats="yes",
    )  # fmt: skip
    to = [
        frame[IP].dst for frame in frames(deed) if frame[IP].src == "10.11.8.35" and frame[TCP].flags == "S"
    ]
    assert (to.count("10.1.0.9"), to.count("10.1.0.10")) == (1, 3)
    pings = frames(done("water-works", "address-scan", "ews", "hmi", network="172.16.10.0/28"))
    assert [frame[ICMP].type for frame in pings].count(8) == 14
    assert {frame[IP].src for frame in pings if frame[ICMP].type == 0} == {"172.16.10.10"}


def test_passwords_of_the_maker_go_in_clear() -> None:
    plant, ends = "water-works", ("office-pc-12", "plc-dosing")
    web = said(
        done(
            "water-works", "web-log-in", "office-pc-12", "plc-dosing", user="USER", password="USER", tries="2"
        )
    )
    assert web.count(b"401 Unauthorized") == 3 and web.count(b"200 OK") == 1
    assert b"Authorization: Basic VVNFUjpVU0VS" in web
    telnet = said(done(plant, "telnet-log-in", *ends, user="admin", password="pass"))
    assert b"aaddmmiinn" in telnet and b"Password: pass\r\n" in telnet
    ftp = said(
        done("water-works", "ftp-log-in", "ews", "plc-dosing", user="u", password="p", file="a", size="99")
    )
    assert b"PASS p\r\n" in ftp and b"230 Logged in" in ftp and b"STOR a\r\n" in ftp


def test_a_flood_comes_at_its_rate_and_fills_the_backlog() -> None:
    deed = done(
        "body-line", "flood", "robot-diagnosis", "cooling-unit", of="syn", per_second="100", lasts="2s"
    )
    flags = [str(frame[TCP].flags) for frame in frames(deed)]
    assert (flags.count("S"), flags.count("SA")) == (200, 8)
    assert [one.kind for one in deed.troubles] == ["silent"]
    datagrams = done(
        "body-line", "flood", "robot-diagnosis", "agv-control", of="udp", lasts="1s", starves="no"
    )
    assert len(datagrams.packets) == 500 and datagrams.troubles == []
    macs = {packet.data[6:12] for packet in done("body-line", "mac-flood", "line-ews", lasts="1s").packets}
    assert len(macs) == 300 and all(mac[0] == 2 for mac in macs)


def test_a_rival_server_is_faster_than_the_rightful_one() -> None:
    told = frames(done("two-factories", "rival-dhcp", "home-router", "a-terminal-1"))
    offers = [frame[IP].src for frame in told if DHCP in frame and ("message-type", 2) in frame[DHCP].options]
    assert offers == ["10.11.8.200", "10.11.8.1"]
    asked = next(f for f in told if DHCP in f and ("message-type", 3) in f[DHCP].options)
    assert ("server_id", "10.11.8.200") in asked[DHCP].options


def test_who_takes_an_address_claims_it_and_the_owner_is_cut_off() -> None:
    deed = done("body-line", "take-address", "laptop", "line-hmi", claims="3", lasts="60s")
    claims = {(frame[ARP].psrc, frame[ARP].hwsrc) for frame in frames(deed) if frame[ARP].op == 1}
    assert claims == {("10.5.30.60", "00:10:c6:05:30:60"), ("10.5.30.60", "00:01:fc:05:30:60")}
    assert [(one.kind, one.host) for one in deed.troubles] == [("absent", "line-hmi")]


def test_the_one_in_the_middle_lies_to_both_and_restores_the_truth() -> None:
    deed = done(
        "body-line", "divert", "intruder", "line-hmi cooling-unit", lasts="10s", shows=["input 0 = 221"]
    )
    told = [(frame[ARP].psrc, frame[ARP].hwsrc, frame[ARP].pdst) for frame in frames(deed)]
    intruder = hosts("body-line")["intruder"].mac
    assert told[:2] == [("10.5.30.41", intruder, "10.5.30.60"), ("10.5.30.60", intruder, "10.5.30.41")]
    assert told[-1] == ("10.5.30.60", "00:01:fc:05:30:60", "10.5.30.41")
    assert deed.troubles[0].shows == {(4, 0): 221}


def test_what_is_carried_in_names_fits_into_names() -> None:
    names = frames(
        done("two-factories", "dns-tunnel", "office-pc-21", "directory", domain="a.example", size="950")
    )
    asked = [frame[DNS].qd[0].qname for frame in names if frame[DNS].qr == 0]
    assert len(asked) == 10 and len(set(asked)) == 10 and max(map(len, asked)) < 254
    pings = frames(done("two-factories", "ping-tunnel", "a-scada", "listener", size="2500"))
    assert [frame[ICMP].type for frame in pings] == [8, 0] * 3


def test_ssh_says_so_on_any_port() -> None:
    deed = done("two-factories", "ssh", "office-pc-34", "tunnel-end", port="443", turns="3")
    assert said(deed).count(b"SSH-2.0-OpenSSH") == 2
    assert {443} <= {frame[TCP].dport for frame in frames(deed)}


def test_scans_of_modbus_ask_one_thing_at_a_time() -> None:
    units = done("two-factories", "modbus-units", "office-pc-58", "a-mixing", first="1", last="9").sessions
    assert [session.unit for session in units] == list(range(1, 10))
    functions = done("water-works", "modbus-functions", "ews", "plc-filters").sessions[0].requests
    assert [pdu[0] for _, pdu in functions] == list(range(1, 128))
    registers = done(
        "two-factories", "modbus-registers", "camera", "b-mixing b-packing",
        tables="holding", last="39", step="10",
    ).sessions  # fmt: skip
    assert [len(session.requests) for session in registers] == [4, 4]


def test_commands_that_silence_get_no_answer() -> None:
    deed = done("water-works", "modbus-listen-only", "ews", "plc-pumps", lasts="5min")
    mine = [frame for frame in frames(deed) if frame[IP].src == "172.16.23.12"]
    assert not any(bytes(frame[TCP].payload).strip(b"\0") for frame in mine)
    crash = done("water-works", "modbus-crash", "ews", "plc-pumps", silent_for="5min", messages="4")
    assert crash.malformed == 4 and [one.kind for one in crash.troubles] == ["silent"]


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("address-scan", "{network: 10.0.0.0/8}", "expected a network of at most 1024 addresses"),
        ("port-scan", "{ports: [9-1]}", "expected a port or a range such as 1-1024"),
        ("port-scan", "{}", "ports is missing"),
        ("divert", "{lasts: 1min, shows: [coil 0 = 1]}", "expected a register and its value"),
        ("s7-data", "{block: 1, holds: xyz}", "expected hexadecimal bytes"),
        ("flood", "{of: icmp}", "expected one of syn, udp, arp"),
        ("modbus-requests", "{asks: []}", "an empty list"),
        ("modbus-requests", "{asks: identify, times: 10000, each: 0s}", "expected a duration"),
        ("modbus-requests", "{asks: [identify, identify, identify], times: 9999}", "expected 1 to 20000"),
        ("modbus-registers", "{first: 9, last: 2}", "0 requests, expected 1 to 20000"),
        ("port-scan", "{ports: [1-65535, 1-65535]}", "expected at most 70000"),
        ("dns-tunnel", "{domain: a..b}", "expected a domain name"),
        ("join", "{name: 端末}", "expected 1 to 60 letters of ASCII"),
    ],
)
def test_parameters_that_do_not_fit_are_told(kind: str, content: str, told: str) -> None:
    document = parse("x.yaml", content.encode())
    assert document.root is not None
    with pytest.raises(RangeError, match=told):
        checked(Sheet(document, []), (), step_kinds()[kind].form, plain(document.root))
