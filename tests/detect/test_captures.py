"""From packets to findings: for each family a capture that triggers it, and one that nearly does.

The captures are made by `tests.truth`, which also holds what was read of them against what they are; those
with ARP, other protocols and wrong messages by the generators of the range.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha1
from pathlib import Path
from random import Random

import pytest

from otmon.findings.judge import judge
from otmon.lab.frames import MILLISECOND_NS, Host, Packet, Say, mac_bytes
from otmon.lab.modbus import ILLEGAL_VALUE, NO_SUCH_UNIT, READ_HOLDING, adu, answer, exception, read
from otmon.ledger.ledger import Ledger
from otmon.zones.model import Model
from tests.detect import captures
from tests.detect.captures import claimed, said
from tests.detect.modbus_polls import MEMORY, poll
from tests.detect.plant import keys
from tests.truth.capture import capture, check, packets
from tests.truth.frames import ETHERNET, Link, ethernet
from tests.truth.messages import (
    Message,
    device_identification,
    diagnose,
    mask_write,
    read_registers,
    umas,
    write_registers,
    write_single,
)
from tests.truth.talk import SECOND, START_NS, Talk, whole
from tests.zones.facts import model

HMI, EWS, PLC, OFFICE, LAPTOP = "10.1.0.5", "10.1.0.9", "10.2.0.1", "10.4.0.3", "10.1.0.77"
GROUP = "239.10.0.1"
READ, WRITE = read_registers(3, 0, 10, Random(1)), write_registers(20, 2, Random(2))
STOP, STATUS = umas(0x41, b"\xff\x00", b"\x01\x00"), umas(0x04, b"", b"\x01\x02")


PLANT = model("""
    version: 1
    assets:
    - {id: hmi, address: 10.1.0.5, role: hmi}
    - {id: historian, address: 10.1.0.9, role: historian}
    - {id: plc, address: 10.2.0.1, role: plc}
    - {id: mixer, address: 10.1.0.20, role: plc}
    - {id: gateway, address: 10.1.0.254, role: router}
    zones:
    - {id: control, importance: high, level: 2, members: 10.1.0.0/24}
    - {id: cell, importance: high, level: 1, members: 10.2.0.0/24}
    - {id: office, importance: low, level: 4, members: 10.4.0.0/24}
    boundaries:
    - id: control-cell
      between: [control, cell]
      allow: [{from: control, to: cell, protocol: modbus}]
    - id: office-cell
      between: [office, cell]
      allow: [{from: office, to: cell, protocol: modbus, access: read}]
    - {id: office-control, between: [office, control], allow: [{from: office, to: control, protocol: modbus}]}
""")


def mac(text: str) -> bytes:
    """Of the host behind an address."""
    return bytes((0xA4, 0)) + bytes(map(int, text.split(".")))


class Tap:
    """Conversations on their way into one capture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Talk] = []
        self.links: list[Link] = []

    def talk(
        self,
        client: str,
        server: str,
        *said: tuple[Message, int],
        pause_s: float = 0.02,
        answered: bool = True,
        transport: str = "tcp",
        macs: tuple[bytes, bytes] | None = None,
    ) -> None:
        """A conversation: each message is asked of its unit, `pause_s` after the one before."""
        number = len(self.made)
        one = Talk(f"talk {number}", 50_000 + number, client, server, now=START_NS + number * SECOND)
        one.transport = "udp" if transport == "udp" else "tcp"
        for message, unit in said:
            if answered:
                one.poll(message, unit)
            else:
                one.ask(message, unit)
            one.now += int(pause_s * SECOND)
        self.made.append(one)
        ends = macs or (mac(client), mac(server))
        self.links.append(Link("a host's own", ETHERNET, ethernet(macs=ends)))

    def ledger(self, name: str) -> Ledger:
        talks = (
            packets(one, whole(one) if one.transport == "tcp" else one.segments, link)
            for one, link in zip(self.made, self.links, strict=True)
        )
        return check(capture(name, *talks), self.folder).ledger


def rules(ledger: Ledger, plant: Model | None = None, baseline: Ledger | None = None) -> list[str]:
    return sorted(one.rule for one in judge(ledger, plant, baseline))


Traffic = Callable[[Tap], None]


def stop(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (STOP, 1))


def status(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (STATUS, 1), (diagnose(0), 1))


def restart(tap: Tap) -> None:
    tap.talk(HMI, PLC, (diagnose(1), 7), (diagnose(4), 7))


def broadcast(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 7))
    tap.talk(HMI, PLC, (write_single(5, 0, 0xFF00), 0), answered=False)


def device_of_unit_0(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 0), (write_single(5, 0, 0xFF00), 0), (READ, 255))


def datagram_to_a_group(tap: Tap) -> None:
    tap.talk(HMI, GROUP, (WRITE, 1), answered=False, transport="udp")


def datagram_to_a_host(tap: Tap) -> None:
    tap.talk(HMI, PLC, (WRITE, 1), transport="udp")


def burst(tap: Tap) -> None:
    tap.talk(HMI, PLC, *((READ, 1) for _ in range(70)), pause_s=1)
    tap.talk(HMI, PLC, *((write_single(6, 40, 0), unit) for unit in range(1, 9)))


def turns(tap: Tap) -> None:
    tap.talk(HMI, PLC, *((write_single(6, 40, 0), 1 + n % 8) for n in range(70)), pause_s=1)


@pytest.mark.parametrize(
    ("traffic", "found"),
    [
        (stop, ["dangerous-command"]),
        (status, ["umas-use"]),
        (restart, ["dangerous-command", "dangerous-command"]),
        (broadcast, ["broadcast-write"]),
        (device_of_unit_0, []),
        (datagram_to_a_group, ["broadcast-write"]),
        (datagram_to_a_host, []),
        (burst, ["broadcast-write"]),
        (turns, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_commands_need_no_model(traffic: Traffic, found: list[str], tmp_path: Path) -> None:
    tap = Tap(tmp_path)
    traffic(tap)
    assert rules(tap.ledger(traffic.__name__)) == found


def at_home_in_both(tap: Tap) -> None:
    tap.talk(HMI, "10.1.0.20", (READ, 1))
    tap.talk("10.4.0.5", OFFICE, (READ, 1), macs=(mac(HMI), mac(OFFICE)))


def behind_a_router(tap: Tap) -> None:
    router = mac("10.1.0.254")
    tap.talk("10.1.0.254", "10.1.0.20", (READ, 1))
    tap.talk(OFFICE, "10.1.0.20", (READ, 1), macs=(router, mac("10.1.0.20")))


def from_the_office(tap: Tap) -> None:
    tap.talk(OFFICE, PLC, (READ, 1))


def from_the_line(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (WRITE, 1))


def by_the_historian(tap: Tap) -> None:
    tap.talk(EWS, PLC, (READ, 1), (WRITE, 1))


def historian_reads(tap: Tap) -> None:
    tap.talk(EWS, PLC, (READ, 1), (device_identification(), 1))


@pytest.mark.parametrize(
    ("traffic", "found"),
    [
        (at_home_in_both, ["multi-homed-asset"]),
        (behind_a_router, ["zone-skipped"]),
        (from_the_office, ["zone-skipped"]),
        (from_the_line, []),
        (by_the_historian, ["command-without-role"]),
        (historian_reads, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_ways_past_a_boundary_need_a_model(traffic: Traffic, found: list[str], tmp_path: Path) -> None:
    tap = Tap(tmp_path)
    traffic(tap)
    assert rules(tap.ledger(traffic.__name__), PLANT) == found


AGREED = model("""
    version: 1
    timezone: UTC
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: cell, importance: high, members: 10.2.0.0/24, flat: true}
    - {id: office, importance: low, members: 10.4.0.0/24}
    boundaries:
    - id: control-cell
      between: [control, cell]
      allow:
      - from: 10.1.0.5
        to: cell
        protocol: modbus
        holding_registers: 0-19
      - {from: 10.1.0.5, to: cell, protocol: modbus, access: write, hours: tue 22:00-22:30,
         limits: [{holding_register: 40, low: 0, high: 100}]}
      - {from: 10.1.0.9, to: cell, protocol: modbus, access: read, hours: tue 22:00-22:30, rate: 30/minute}
      - {from: 10.1.0.10, to: cell, protocol: modbus, access: read, hours: tue 09:00-17:00}
      - {from: 10.1.0.11, to: cell, protocol: modbus, access: read, expires: 2023-11-13}
      - {from: 10.1.0.12, to: cell, protocol: modbus, access: read, expires: 2023-11-14}
""")
"""The captures begin on a Tuesday at 22:13 UTC, the 14th."""


def setpoint(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (write_single(6, 40, 100), 1))


def hundredfold(tap: Tap) -> None:
    setpoint(tap)
    tap.talk(HMI, PLC, (write_single(6, 40, 10_000), 1))


def register_that_nobody_lists(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (read_registers(3, 15, 10, Random(5)), 1))


def all_that_is_listed(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (read_registers(3, 10, 10, Random(5)), 1))


def station_that_nobody_lists(tap: Tap) -> None:
    tap.talk(LAPTOP, PLC, (READ, 1))


def in_its_hours(tap: Tap) -> None:
    tap.talk(EWS, PLC, (READ, 1))


def outside_its_hours(tap: Tap) -> None:
    tap.talk("10.1.0.10", PLC, (READ, 1))


def a_day_late(tap: Tap) -> None:
    tap.talk("10.1.0.11", PLC, (READ, 1))


def on_its_last_day(tap: Tap) -> None:
    tap.talk("10.1.0.12", PLC, (READ, 1))


def too_often(tap: Tap) -> None:
    tap.talk(EWS, PLC, *((READ, 1) for _ in range(70)), pause_s=1)


def as_often_as_agreed(tap: Tap) -> None:
    tap.talk(EWS, PLC, *((READ, 1) for _ in range(40)), pause_s=2.1)


def from_the_internet(tap: Tap) -> None:
    tap.talk("198.51.100.7", PLC, (READ, 1))


def from_nowhere(tap: Tap) -> None:
    tap.talk("172.16.0.9", PLC, (READ, 1))


def inside_the_office(tap: Tap) -> None:
    tap.talk(OFFICE, "10.4.0.200", (READ, 1), (WRITE, 1))


def past_a_router(tap: Tap) -> None:
    router = mac("10.2.0.254")
    for client in ("10.2.0.7", "10.2.0.8"):
        tap.talk(client, PLC, (READ, 1), macs=(router, mac(PLC)))


def on_one_segment(tap: Tap) -> None:
    for client in ("10.2.0.7", "10.2.0.8"):
        tap.talk(client, PLC, (READ, 1))


@pytest.mark.parametrize(
    ("traffic", "found"),
    [
        (setpoint, []),
        (hundredfold, ["value-out-of-limits"]),
        (register_that_nobody_lists, ["forbidden-operation"]),
        (all_that_is_listed, []),
        (station_that_nobody_lists, ["unlisted-traffic"]),
        (in_its_hours, []),
        (outside_its_hours, ["lapsed-permission"]),
        (a_day_late, ["lapsed-permission"]),
        (on_its_last_day, []),
        (too_often, ["rate-exceeded"]),
        (as_often_as_agreed, []),
        (from_the_internet, ["internet-contact"]),
        (from_nowhere, ["unknown-address"]),
        (inside_the_office, []),
        (past_a_router, ["routed-inside-zone"]),
        (on_one_segment, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_people_agreed_on_is_held(traffic: Traffic, found: list[str], tmp_path: Path) -> None:
    tap = Tap(tmp_path)
    traffic(tap)
    # That a permission has run out is told whoever talks.
    told = rules(tap.ledger(traffic.__name__), AGREED)
    told.remove("lapsed-permission")
    assert told == found


LIMITED = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: cell, importance: high, members: 10.2.0.0/24}
    boundaries:
    - id: control-cell
      between: [control, cell]
      allow:
      - {from: 10.1.0.5, to: cell, protocol: modbus, functions: [mask-write-register], holding_registers: 40,
         limits: [{holding_register: 40, low: 0, high: 100}]}
      - {from: 10.1.0.9, to: cell, protocol: modbus, access: write,
         limits: [{holding_register: 50, type: float32, low: 55, high: 75},
                  {holding_register: 52, type: float32-swapped, low: 55, high: 75},
                  {holding_register: 54, type: int32, low: -1000, high: 100000},
                  {holding_register: 60, low: 0, high: 20000, step: 50},
                  {holding_register: 62, low: 0, high: 20000, change: 50/minute}]}
      - {from: 10.1.0.9, to: cell, protocol: modbus, access: read}
""")
SIXTY_TWO, SIX_THOUSAND = (0x427A, 0x0000), (0x45BB, 0x8000)
"""62.5 and 6000 as IEEE 754 binary32, the higher word first."""


def singly(*values: tuple[int, int]) -> list[tuple[Message, int]]:
    """Registers and what is written to each by function 6."""
    return [(write_single(6, register, value), 1) for register, value in values]


def masked_within(tap: Tap) -> None:
    tap.talk(HMI, PLC, (mask_write(40, 0, 100), 1))


def masked_beyond(tap: Tap) -> None:
    tap.talk(HMI, PLC, (mask_write(40, 0, 10_000), 1))


def halves_within(tap: Tap) -> None:
    tap.talk(
        EWS, PLC, *singly((50, SIXTY_TWO[0]), (51, SIXTY_TWO[1]), (53, SIXTY_TWO[0]), (54, 1), (54, 0xFFFF))
    )


def lower_half(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((51, SIX_THOUSAND[0]), (52, SIX_THOUSAND[0]), (55, 0xFFFF)))


def higher_half(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((50, SIX_THOUSAND[0])))


def higher_half_behind_the_lower(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((53, SIX_THOUSAND[0])))


def higher_half_of_a_whole_number(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((54, 2)))


def higher_half_below(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((54, 0xFFFE)))


def higher_half_of_no_number(tap: Tap) -> None:
    tap.talk(EWS, PLC, *singly((50, 0x7FC0)))


def both_halves_at_once(tap: Tap) -> None:
    request = struct.pack(">BHHB2H", 16, 50, 2, 4, *SIX_THOUSAND)
    swapped = struct.pack(">BHHB2H", 16, 52, 2, 4, *reversed(SIX_THOUSAND))
    for pdu, first in ((request, 50), (swapped, 52)):
        answer = struct.pack(">BHH", 16, first, 2)
        tap.talk(EWS, PLC, (Message("16 writes a float", pdu, answer, first, 2, echo=True), 1))


def beside_what_nobody_saw(tap: Tap, register: int, value: int) -> None:
    """The station reads the setpoint, and writes it together with the register behind it."""
    asked = Message("3 reads one", struct.pack(">BHH", 3, register, 1), bytes((3, 2, 0, 100)), register, 1)
    request = struct.pack(">BHHB2H", 16, register, 2, 4, value, 7)
    answer = struct.pack(">BHH", 16, register, 2)
    tap.talk(EWS, PLC, (asked, 1), (Message("16 writes two", request, answer, register, 2, echo=True), 1))


def leap_beside_what_nobody_saw(tap: Tap) -> None:
    beside_what_nobody_saw(tap, 60, 11_100)
    beside_what_nobody_saw(tap, 62, 11_100)


def step_beside_what_nobody_saw(tap: Tap) -> None:
    beside_what_nobody_saw(tap, 60, 150)
    beside_what_nobody_saw(tap, 62, 150)


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        (leap_beside_what_nobody_saw, [("wrote-beyond", "11100"), ("wrote-beyond", "11100")]),
        (step_beside_what_nobody_saw, []),
        (masked_within, []),
        (masked_beyond, [("wrote-beyond", "10000")]),
        (halves_within, []),
        (lower_half, []),
        (higher_half, [("wrote-half-above", "5984")]),
        (higher_half_behind_the_lower, [("wrote-half-above", "5984")]),
        (higher_half_of_a_whole_number, [("wrote-half-above", "131072")]),
        (higher_half_below, [("wrote-half-below", "-65537")]),
        (higher_half_of_no_number, [("wrote-half-above", "NaN")]),
        (both_halves_at_once, [("wrote-beyond", "6000"), ("wrote-beyond", "6000")]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_value_is_held_by_whatever_function_it_is_written(
    traffic: Traffic, said: list[tuple[str, str]], tmp_path: Path
) -> None:
    tap = Tap(tmp_path)
    traffic(tap)
    told = judge(tap.ledger(traffic.__name__), LIMITED)
    assert [(one.what.key, dict(one.what.params)["written"]) for one in told] == said
    assert {one.rule for one in told} <= {"value-out-of-limits"}


def onvif(password: str) -> list[Packet]:
    """A camera is asked for its users, as recorders and managers ask it."""
    salt = b"n" * 16 + b"2026-04-13T21:45:00Z"
    body = (
        "<s:Envelope><s:Header><wsse:UsernameToken><wsse:Username>admin</wsse:Username>"
        f'<wsse:Password Type="#PasswordDigest">{b64encode(sha1(salt + password.encode()).digest()).decode()}'
        f"</wsse:Password><wsse:Nonce>{b64encode(salt[:16]).decode()}</wsse:Nonce><Created>{salt[16:].decode()}"
        "</Created></wsse:UsernameToken></s:Header><s:Body><GetUsers/></s:Body></s:Envelope>"
    )
    head = f"POST /onvif/device_service HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    halves = (head + body).encode()[:400], (head + body).encode()[400:]
    return said(80, *(Say("client", one, 0) for one in halves), Say("server", answer, 0))


@pytest.mark.parametrize(("password", "told"), [("12345", 1), ("aKjh4-7", 0)])
def test_a_camera_that_is_asked_with_its_factory_password(password: str, told: int, tmp_path: Path) -> None:
    assert len(captures.found("default-credentials", onvif(password), tmp_path)) == told


def normal(tap: Tap) -> None:
    tap.talk(HMI, PLC, (READ, 1), (WRITE, 1))
    tap.talk(EWS, PLC, (READ, 1))


def another_order(tap: Tap) -> None:
    tap.talk(EWS, PLC, (READ, 1), (READ, 1))
    tap.talk(HMI, PLC, (WRITE, 1), (READ, 1), (read_registers(3, 4, 3, Random(3)), 1))


def historian_writes(tap: Tap) -> None:
    normal(tap)
    tap.talk(EWS, PLC, (write_single(6, 20, 9), 1))


def another_register(tap: Tap) -> None:
    normal(tap)
    tap.talk(HMI, PLC, (write_registers(30, 2, Random(4)), 1))


def laptop(tap: Tap) -> None:
    normal(tap)
    tap.talk(LAPTOP, PLC, (READ, 1))


@pytest.mark.parametrize(
    ("traffic", "found"),
    [
        (another_order, []),
        (historian_writes, ["new-master"]),
        (another_register, ["new-operation"]),
        (laptop, ["new-device"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_new_needs_a_baseline(traffic: Traffic, found: list[str], tmp_path: Path) -> None:
    before, now = Tap(tmp_path), Tap(tmp_path)
    normal(before)
    traffic(now)
    ledger = now.ledger(traffic.__name__)
    assert rules(ledger, baseline=before.ledger("before")) == found
    assert rules(ledger) == []


def by_link_local(tap: Tap, client: str, server: str, message: Message) -> None:
    """Hosts that ask by IPv4 elsewhere, and each other by IPv6 on the link that they share."""
    tap.talk(client, "10.9.0.1", (READ, 1))
    tap.talk(server, "10.9.0.1", (READ, 1))
    ends = [f"fe80::{mac(one)[0]:x}:{one.replace('.', ':')}" for one in (client, server)]
    tap.talk(ends[0], ends[1], (message, 1), macs=(mac(client), mac(server)))


@pytest.mark.parametrize(
    ("client", "message", "found"),
    [(HMI, READ, []), (HMI, WRITE, ["forbidden-operation"]), (OFFICE, READ, ["unlisted-traffic"])],
)
def test_a_link_local_address_is_its_devices(
    client: str, message: Message, found: list[str], tmp_path: Path
) -> None:
    plant = model("""
        version: 1
        zones:
        - {id: control, importance: high, members: 10.1.0.0/24}
        - {id: cell, importance: high, members: 10.2.0.0/24}
        - {id: office, importance: low, members: 10.4.0.0/24}
        - {id: yard, importance: low, members: 10.9.0.0/24}
        boundaries:
        - id: a
          between: [control, cell]
          allow: [{from: 10.1.0.5, to: 10.2.0.1, protocol: modbus, access: read}]
        - {id: b, between: [control, yard], allow: [{from: control, protocol: any}]}
        - {id: c, between: [cell, yard], allow: [{from: cell, protocol: any}]}
        - {id: d, between: [office, yard], allow: [{from: office, protocol: any}]}
    """)
    tap = Tap(tmp_path)
    by_link_local(tap, client, PLC, message)
    ledger = tap.ledger("link")
    findings = judge(ledger, plant)
    assert sorted(one.rule for one in findings) == found
    told = [dict(one.params) for finding in findings for one in finding.why if one.key == "link-local"]
    assert [one["own"] for one in told] == ([client, PLC] if found else [])


PUBLIC = model("""
    version: 1
    zones:
    - {id: cell, importance: high, members: ['2400:8500::/64', 130.69.7.0/24]}
    - {id: yard, importance: low, members: '2400:8500:0:1::/64'}
""")


@pytest.mark.parametrize(
    ("hmi", "plc", "other"),
    [("2400:8500::1", "2400:8500::2", "2400:8500::99"), ("130.69.7.1", "130.69.7.2", "130.69.7.99")],
)
def test_public_addresses_that_a_zone_lists_are_the_plants(
    hmi: str, plc: str, other: str, tmp_path: Path
) -> None:
    def made(*talks: tuple[str, Message]) -> Ledger:
        tap = Tap(tmp_path)
        for number, (client, message) in enumerate(talks):
            tap.talk(
                client, plc, (message, 1), macs=(bytes((0xA4, 1, 0, 0, 0, number)), bytes(6)[:-1] + b"\x01")
            )
        return tap.ledger("public")

    before = made((hmi, READ))
    news = [rules(made((hmi, READ), more), PUBLIC, before) for more in ((hmi, WRITE), (other, READ))]
    assert "new-operation" in news[0] and "new-device" not in news[0]
    assert "new-device" in news[1]


CONTROLLER, NOTEBOOK, NEW = captures.plc(1).mac, captures.LAPTOP.mac, "00:80:f4:30:02:fe"
LISTED = model(f"""
    version: 1
    assets:
    - {{id: hmi, address: 10.1.0.5, mac: '{captures.HMI.mac}', role: hmi}}
    - {{id: plc, address: 10.2.0.1, mac: '{CONTROLLER}', role: plc}}
    - {{id: mixer, address: 10.2.0.2, role: plc}}
    - {{id: laptop, mac: '{NOTEBOOK}', zone: office}}
    - {{id: core, mac: '{captures.WIRE.core}', role: router}}
    zones:
    - {{id: control, importance: high, members: 10.1.0.0/24}}
    - {{id: cell, importance: high, members: 10.2.0.0/24}}
    - {{id: office, importance: low, members: 10.3.0.0/24}}
    - {{id: drives, importance: high, members: 10.5.0.0/24}}
    - {{id: press, importance: high, members: [10.5.0.0/24, 10.5.0.6]}}
    boundaries:
    - {{id: control-cell, between: [control, cell], allow: [{{to: cell, protocol: modbus}}]}}
""")
"""An inventory with MAC addresses, and a network that two zones list."""
CONTESTED, MOVED, TAKEN = ["contested-address"], ["moved-device"], ["address-taken-over"]
POLL = read(READ_HOLDING, 0, 10)


def of_sender(packets: list[Packet], host: Host) -> list[Packet]:
    """What a mirror of one direction shows."""
    return [one for one in packets if one.data[6:12] == mac_bytes(host.mac)]


def test_of_a_capture_of_one_direction_nobody_says_that_nothing_was_answered(tmp_path: Path) -> None:
    asked = of_sender(poll(captures.START_NS, (captures.LAPTOP, captures.plc(1)), [POLL]), captures.LAPTOP)
    (talk,) = captures.found("unlisted-traffic", asked, tmp_path)
    assert talk.severity == "high" and "unanswered" not in keys([talk])
    (attempt,) = captures.found("unlisted-traffic", asked[:1], tmp_path)
    assert attempt.severity == "medium" and "unanswered" in keys([attempt])
    stop = Say("client", adu(1, 1, bytes((8, 0, 1, 0, 0))), MILLISECOND_NS)
    (command,) = captures.found("dangerous-command", of_sender(said(502, stop), captures.HMI), tmp_path)
    assert "server-unseen" in keys([command]) and "unanswered" not in keys([command])


def polled(address: str, mac: str) -> list[Packet]:
    """The operator's station asks the address, and the MAC address answers."""
    controller = replace(captures.plc(1), address=address, mac=mac)
    return poll(captures.START_NS, (captures.HMI, controller), [POLL])


@pytest.mark.parametrize(
    ("packets", "found"),
    [
        pytest.param(claimed("10.5.0.5", NEW), CONTESTED, id="in the network of two zones"),
        pytest.param(claimed("10.5.0.6", NEW), [], id="listed more closely by one of them"),
        pytest.param(polled("10.2.0.9", CONTROLLER), MOVED, id="under another address"),
        pytest.param(polled("10.2.0.1", CONTROLLER), [], id="under its address and MAC address"),
        pytest.param(claimed("10.1.0.77", NOTEBOOK), MOVED, id="in another zone"),
        pytest.param(claimed("10.3.0.78", NOTEBOOK), [], id="anywhere in its zone"),
        pytest.param(polled("10.2.0.1", NEW), TAKEN, id="under another MAC address"),
        pytest.param(polled("10.2.0.2", NEW), [], id="whose MAC address nobody listed"),
        pytest.param(claimed("10.2.0.1", NEW), TAKEN, id="claimed by another device"),
        pytest.param(claimed("10.2.0.1", CONTROLLER), [], id="claimed by its owner"),
        pytest.param(polled("10.2.0.1", captures.WIRE.core), [], id="behind a router"),
        pytest.param(claimed("10.2.0.1", captures.WIRE.core), [], id="claimed by a router for its owner"),
    ],
)
def test_who_has_which_address_needs_a_model(packets: list[Packet], found: list[str], tmp_path: Path) -> None:
    ledger = captures.replayed(packets, tmp_path)
    assert rules(ledger, LISTED) == found
    assert rules(ledger) == []


ask, reply = (partial(Say, one, wait_ns=MILLISECOND_NS) for one in ("client", "server"))
WEB = ask(b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n"), reply(b"HTTP/1.1 204 No Content\r\n\r\n")
NOBODYS = ask(b"\x91\x17 of a maker's own"), reply(b"\x92\x17 and its answer")
POLLED = ask(adu(1, 1, POLL)), reply(adu(1, 1, answer(MEMORY, POLL)))
ILLEGAL = exception(READ_HOLDING, ILLEGAL_VALUE)
USER_DEFINED = 65
"""A function of which the specification says only that its PDU has at most 253 bytes (4.1 and 5)."""


def asked(pdu: bytes, *responses: bytes) -> list[Packet]:
    return said(502, *POLLED, ask(adu(2, 1, pdu)), *(reply(adu(2, 1, one)) for one in responses), *POLLED)


@pytest.mark.parametrize(
    ("packets", "fires"),
    [
        pytest.param(said(502, *WEB), True, id="HTTP on Modbus's port"),
        pytest.param(said(80, *WEB), False, id="on its own"),
        pytest.param(said(502, *POLLED), False, id="Modbus on its own"),
        pytest.param(said(102, *POLLED), True, id="on that of another industrial protocol"),
        pytest.param(said(1502, *POLLED), False, id="on nobody's"),
        pytest.param(said(502, *NOBODYS), True, id="bytes that nobody knows"),
        pytest.param(said(502, *NOBODYS)[3:], False, id="of which the beginning is not there"),
    ],
)
def test_a_port_has_its_protocol(packets: list[Packet], fires: bool, tmp_path: Path) -> None:
    assert rules(captures.replayed(packets, tmp_path)) == ["foreign-protocol"] * fires


@pytest.mark.parametrize(
    ("packets", "fires"),
    [
        pytest.param(asked(read(READ_HOLDING, 0, 126), ILLEGAL), True, id="a register too many"),
        pytest.param(asked(read(READ_HOLDING, 0, 125), ILLEGAL), False, id="the most that may be asked for"),
        pytest.param(asked(bytes((USER_DEFINED,)).ljust(254)), True, id="a byte too many"),
        pytest.param(asked(bytes((USER_DEFINED,)).ljust(253)), False, id="the longest message"),
        pytest.param(asked(POLL, exception(READ_HOLDING, NO_SUCH_UNIT + 1)), True, id="no exception"),
        pytest.param(asked(POLL, exception(READ_HOLDING, NO_SUCH_UNIT)), False, id="the last exception"),
    ],
)
def test_a_message_is_as_its_protocol_says(packets: list[Packet], fires: bool, tmp_path: Path) -> None:
    assert rules(captures.replayed(packets, tmp_path)) == ["malformed-message"] * fires


def test_bytes_that_the_capture_lost_are_nobodys_fault(tmp_path: Path) -> None:
    request = adu(2, 1, read(READ_HOLDING, 0x0BAD, 10))
    parts = [ask(one) for one in (request[:5], request[5:10], request[10:])]
    left_out = captures.replayed(said(502, *POLLED, parts[0], parts[2], *POLLED), tmp_path)
    assert "malformed-message" in rules(left_out)
    sent = said(502, *POLLED, *parts, *POLLED)
    lost = captures.replayed([one for one in sent if request[5:10] not in one.data], tmp_path)
    assert [one.reason for one in lost.anomalies] == ["lost-bytes"]
    assert rules(lost) == []
