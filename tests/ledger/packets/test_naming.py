"""What a flow speaks, where something else came first on the ports of a protocol with commands."""

from __future__ import annotations

from random import Random

import pytest

from otmon.decode.flows import F_COPIED, F_PROTOCOL, F_TRIES
from otmon.lab.frames import Host, Packet, Say, connection, udp_packet
from otmon.ledger.packets.naming import TRIES
from otmon.protocols.registry import PROTOCOLS, code_of
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, seen, talk
from tests.ledger.seen import Seen
from tests.protocols.messages import MESSAGES
from tests.protocols.test_commands import (
    BACNET_READ,
    BACNET_RESTART,
    CIP_STOP,
    DNP3_READ,
    DNP3_RESTART,
    EMPTY,
    FINS_READ,
    FINS_STOP,
    FINS_STOPPED,
    FINS_TCP,
    IEC104_RESET,
    READ,
    SLMP_READ,
    SLMP_STOP,
    SLMP_STOP_4E,
    STOP,
    ascii_slmp,
)

DNS = next(one.payload for one in MESSAGES if (one.protocol, one.transport) == ("dns", "udp"))
DNS_ANSWER = next(one.payload for one in MESSAGES if (one.protocol, one.sender) == ("dns", "server"))
NTP = next(one.payload for one in MESSAGES if one.protocol == "ntp" and one.anywhere)
SNMP = bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500")
MODBUS = bytes.fromhex("000100000006010300000001")
WEB = b"GET / HTTP/1.1\r\n\r\n"
NOP = b"\0\0\4\0" + bytes(20) + b"nop!"
KEEP_ALIVE = bytes.fromhex("680443000000")

DATAGRAMS = [
    ("fins", 9600, FINS_STOP),
    ("slmp", 61451, SLMP_STOP),
    ("slmp", 45237, SLMP_STOP),
    ("bacnet", 47808, BACNET_RESTART),
    ("dnp3", 20000, DNP3_RESTART),
]
CONNECTIONS = [
    ("s7comm", 102, STOP, EMPTY),
    ("s7comm", 102, STOP, EMPTY[:6] + b"\x80"),
    ("fins", 9600, FINS_TCP + FINS_STOP, b"F"),
    ("slmp", 61451, SLMP_STOP, SLMP_STOP[:5]),
    ("ethernet_ip", 44818, CIP_STOP, NOP),
    ("dnp3", 20000, DNP3_RESTART, DNP3_RESTART[:4]),
    ("iec104", 2404, IEC104_RESET, KEEP_ALIVE[:2]),
]
"""Protocol, port, a command, and what says nothing before it."""


def datagrams(*said: tuple[bytes, int, int], hosts: tuple[Host, Host] = (CLIENT, SERVER)) -> list[Packet]:
    """Payloads with their ports, of which a source port below 0 is the one of who answers."""
    packets = []
    for number, (payload, source, port) in enumerate(said):
        back = source < 0
        ends, ports = (hosts[::-1], (port, -source)) if back else (hosts, (source, port))
        packets.append(udp_packet(WIRE, START_NS + number * 1_000_000, ends, ports, payload, number, "x"))
    return packets


def named(found: Seen) -> list[tuple[str, str, int]]:
    ledger = found.ledger()
    return [(one.protocol, one.client, one.port) for one in ledger.conversations]


def commands(found: Seen) -> list[tuple[str, str]]:
    return [(one.protocol, one.access) for one in found.ledger().operations]


@pytest.mark.parametrize("decoy", [DNS, DNS_ANSWER, NTP, SNMP, MODBUS, b"?"], ids=lambda one: one[:4].hex())
@pytest.mark.parametrize(("protocol", "port", "command"), DATAGRAMS)
@pytest.mark.parametrize(("source", "times"), [(50_000, 1), (53, 1), (50_000, 3 * TRIES)])
def test_a_datagram_before_it_hides_no_command(
    protocol: str, port: int, command: bytes, decoy: bytes, source: int, times: int
) -> None:
    found = seen(datagrams(*[(decoy, source, port)] * times, (command, source, port)))
    assert commands(found) == [(protocol, "control")]
    assert named(found) == [(protocol, CLIENT.address, port)]


def test_a_decoy_of_another_protocol_with_commands_hides_none_either() -> None:
    said = (BACNET_READ, 47808, 9600), (FINS_STOP, 47808, 9600), (BACNET_READ, 47808, 9600)
    operations = seen(datagrams(*said, (FINS_STOP, 47808, 9600))).ledger().operations
    assert {one.protocol for one in operations} == {"fins"}
    assert sum(one.times for one in operations) == 2


def test_modbus_in_datagrams_is_seen_behind_a_decoy() -> None:
    for decoy in (DNS, b"?"):
        for times in (1, 3 * TRIES):
            said = [(decoy, 50_000, 502)] * times + [(MODBUS, 50_000, 502)]
            found = seen(datagrams(*said)).finish()
            assert [one.function for one in found.ledger().operations] == [3]


def test_who_answered_the_decoy_is_not_the_client() -> None:
    answered = (DNS_ANSWER, 50_000, 9600), (FINS_STOP, 50_000, 9600), (FINS_STOPPED, -50_000, 9600)
    ledger = seen(datagrams(*answered)).ledger()
    assert [(one.protocol, one.client) for one in ledger.conversations] == [("fins", CLIENT.address)]
    assert [(one.client, one.status) for one in ledger.operations] == [(CLIENT.address, 0)]


def test_what_was_copied_of_the_decoy_is_forgotten() -> None:
    found = seen(datagrams((SNMP, 50_000, 61451), (SLMP_STOP, 50_000, 61451)))
    (flow,) = [row for row in found.t.flows if row[F_PROTOCOL]]
    assert flow[F_PROTOCOL] == code_of("slmp")
    assert sorted(flow[F_COPIED : F_COPIED + 2]) == [0, 1]


def test_a_flow_keeps_its_name_where_nothing_else_is_spoken() -> None:
    for payload, name in ((DNS, "dns"), (SNMP, "snmp"), (NTP, "ntp")):
        found = seen(
            datagrams(*[(payload, 47808, 4000)] * 5, (b"other", 47808, 4000), (payload, 47808, 4000))
        )
        assert [one[0] for one in named(found)] == [name]
    found = seen(talk(9600, ("c", WEB), ("s", b"HTTP/1.1 200 OK\r\n\r\n220 smtp ESMTP\r\n"), ("c", WEB)))
    assert [one.protocol for one in found.ledger().conversations] == ["http"]


WRITE = bytes.fromhex("000200000006010600050003")
MODBUS_WRITE = ("modbus", 6)
ELSEWHERE = [
    ("slmp", SLMP_STOP),
    ("slmp", SLMP_STOP_4E),
    ("slmp", ascii_slmp(SLMP_STOP)),
    ("fins", FINS_TCP + FINS_STOP),
    ("s7comm", STOP),
    ("dnp3", DNP3_RESTART),
]


@pytest.mark.parametrize(("protocol", "command"), ELSEWHERE)
@pytest.mark.parametrize(
    "decoy", [WEB, MODBUS, MODBUS[:7], STOP, b"SSH-2.0-x\r\n", b"?"], ids=lambda one: one[:4].hex()
)
def test_what_is_sent_before_hides_no_command_on_any_port(
    protocol: str, command: bytes, decoy: bytes
) -> None:
    for times in (1, 3 * TRIES):
        found = seen(talk(5007, *[("c", decoy)] * times, ("c", command), ("c", command)))
        assert sum(one.times for one in found.ledger().operations if one.protocol == protocol) >= 2
        assert [one.protocol for one in found.ledger().conversations] == [protocol]


@pytest.mark.parametrize("decoy", [DNS, SNMP, MODBUS, BACNET_READ, b"?"], ids=lambda one: one[:4].hex())
def test_nor_does_a_datagram(decoy: bytes) -> None:
    for protocol, command in (("slmp", SLMP_STOP), ("fins", FINS_STOP), ("bacnet", BACNET_RESTART)):
        for times in (1, 3 * TRIES):
            found = seen(datagrams(*[(decoy, 50_000, 5007)] * times, (command, 50_000, 5007)))
            assert (protocol, "control") in commands(found)
            assert named(found) == [(protocol, CLIENT.address, 5007)]


@pytest.mark.parametrize("port", [502, 5020])
@pytest.mark.parametrize(
    "decoy", [WEB, b"SSH-2.0-x\r\n", SLMP_STOP, STOP, b"?" * 700, b"\xff"], ids=lambda one: one[:4].hex()
)
def test_what_is_sent_before_hides_no_write_of_modbus(port: int, decoy: bytes) -> None:
    for times in (1, 3 * TRIES):
        for parts in (
            [WRITE],
            [WRITE, MODBUS + WRITE],
            *([[WRITE[:at], WRITE[at:]] for at in (1, 3, 7, 9)] if port == 502 else []),
        ):
            found = seen(
                talk(port, *[("c", decoy)] * times, *[("c", one) for one in parts], ("s", WRITE))
            ).finish()
            ledger = found.ledger()
            writes = [
                one.times for one in ledger.operations if one.protocol == "modbus" and one.function == 6
            ]
            assert sum(writes) == b"".join(parts).count(WRITE), (times, parts)
            assert [one.protocol for one in ledger.conversations] == ["modbus"]
            assert "gaps in tcp streams" not in found.counted


def test_a_write_behind_other_requests_in_its_segment_takes_a_connection_over() -> None:
    for parts in ([MODBUS + WRITE], [MODBUS * 3 + WRITE + MODBUS]):
        found = seen(talk(5020, ("c", WEB), *[("c", one) for one in parts])).finish().ledger()
        assert [one.protocol for one in found.conversations] == ["modbus"]
        assert sorted({one.function for one in found.operations}) == [3, 6]
    for payload in (MODBUS + WRITE[:-1], MODBUS * 2, MODBUS + WEB):
        found = seen(talk(5020, ("c", WEB), ("c", payload))).finish().ledger()
        assert [one.protocol for one in found.conversations] == ["http"]


def test_elsewhere_a_name_is_final() -> None:
    for payload in (SLMP_READ, FINS_READ, BACNET_READ, FINS_STOP[:11]):
        found = seen(datagrams((DNS, 50_000, 4000), (payload, 50_000, 4000)))
        assert (named(found), commands(found)) == ([("dns", CLIENT.address, 4000)], [])
    for payload in (READ, SLMP_READ, MODBUS, b"x" + STOP, DNP3_READ):
        found = seen(talk(5007, ("c", WEB), ("c", payload)))
        assert [one.protocol for one in found.ledger().conversations] == ["http"]


def test_random_payloads_take_no_flow_over() -> None:
    random = Random(7)
    begins = [
        one[:size]
        for one in (SLMP_STOP, FINS_STOP, STOP, FINS_TCP, WRITE, DNP3_RESTART)
        for size in (1, 2, 4)
    ]
    noise = [random.choice(begins) + random.randbytes(random.randrange(40)) for _ in range(2_000)]
    for port in (443, 5007):
        found = seen(talk(port, ("c", WEB), *[("c", one) for one in noise]))
        assert [one.protocol for one in found.ledger().conversations] == ["http"]


@pytest.mark.parametrize(("protocol", "port", "command", "nothing"), CONNECTIONS)
@pytest.mark.parametrize("times", [1, 3 * TRIES])
def test_what_says_nothing_uses_up_no_tries(
    protocol: str, port: int, command: bytes, nothing: bytes, times: int
) -> None:
    for before in (nothing, WEB, MODBUS, b"\xff"):
        found = seen(talk(port, *[("c", before)] * times, ("c", command)))
        assert (protocol, "control") in commands(found), before
        assert [one.protocol for one in found.ledger().conversations] == [protocol]


def test_a_weak_signature_is_believed_at_the_beginning_only() -> None:
    # A frame that has an originator, and something behind it: on its port alone it would be a name.
    weak = IEC104_RESET[:9] + b"\7" + IEC104_RESET[10:] + b"\xff\xff"
    for before, name in ((TRIES - 2, "iec104"), (TRIES, "")):
        found = seen(talk(2404, *[("c", b"\xff")] * before, ("c", weak)))
        assert [one.protocol for one in found.ledger().conversations] == [name or "unknown"]
        (flow,) = [row for row in found.t.flows if row[F_TRIES]]
        assert flow[F_TRIES] == min(before, TRIES - 1)


def test_protocols_with_commands_are_those_that_are_read() -> None:
    from otmon.protocols.commands import PROTOCOLS as READ

    assert {one.id for one in PROTOCOLS if one.commanded} == {*READ, "modbus"}
    for one in PROTOCOLS:
        ports = {"tcp": one.tcp_ports, "udp": one.udp_ports}
        assert all(ports[transport] for transport in one.commanded), one.id


def test_modbus_to_the_port_of_other_commands_is_known_until_these_come() -> None:
    answer = bytes.fromhex("0001000000050103020007")
    for port in {port for _, port, _, _ in CONNECTIONS}:
        found = seen(talk(port, ("c", MODBUS), ("s", answer), ("c", MODBUS), ("s", answer))).finish()
        assert named(found) == [("modbus", CLIENT.address, port)]
        assert [(one.function, one.times) for one in found.ledger().operations] == [(3, 2)]


def test_modbus_to_another_port_is_known_from_whatever_port_it_is_sent() -> None:
    for source in (50_000, 47808, 9600):
        found = seen(datagrams((MODBUS, source, 4000))).finish()
        assert named(found) == [("modbus", CLIENT.address, 4000)]
        for port in (502, 4000):
            asks = [Say("client", MODBUS, 1_000_000)]
            packets = connection(WIRE, START_NS, (CLIENT, SERVER), (source, port), asks, Random(1), "x")
            found = seen(packets).finish()
            assert named(found) == [("modbus", CLIENT.address, port)]


def test_a_remote_desktop_that_began_before_is_known_unless_tls_is_around_it() -> None:
    desktop = [one.payload for one in MESSAGES if one.protocol == "rdp" and not one.anywhere][2:]
    record = b"\x17\3\3\0\x30" + bytes(range(48))
    for payload, name in ((desktop[0], "rdp"), (desktop[1], "rdp"), (record, "tls"), (b"\0\x80?", "unknown")):
        found = seen(talk(3389, ("c", b"\x04?"), ("s", payload)))
        assert [one.protocol for one in found.ledger().conversations] == [name]


@pytest.mark.parametrize("name", ["mms", "s7comm_plus"])
def test_one_that_shares_the_port_hides_no_command(name: str) -> None:
    decoy = next(one.payload for one in MESSAGES if one.protocol == name and one.payload[4:6] == b"\2\xf0")
    for says in ([STOP], [STOP[:5], STOP[5:]], [EMPTY + STOP], [decoy + STOP], [decoy[:9], decoy[9:] + STOP]):
        found = seen(talk(102, *[("c", one) for one in (decoy, decoy, *says)])).ledger()
        assert [one.protocol for one in found.conversations] == ["s7comm"]
        assert [one.function for one in found.operations] == [0x29]
    found = seen(talk(102, *[("c", decoy)] * 30, ("s", EMPTY), ("s", WEB), ("c", decoy + decoy))).ledger()
    assert [one.protocol for one in found.conversations] == [name]
    # What only asks for a connection may be either.
    opens = next(one.payload for one in MESSAGES if one.protocol == "mms" and one.provisional)
    found = seen(talk(102, ("c", opens), ("c", decoy))).ledger()
    assert [one.protocol for one in found.conversations] == [name]
