"""Which payloads are copied, and how many at most."""

from __future__ import annotations

from random import Random

from otmon.decode.flows import F_PROTOCOL
from otmon.lab.frames import SECOND_NS, Host, Packet, Say, Wire, connection, udp_packet
from otmon.ledger.messages import FLOW_BYTES, FLOW_PAYLOADS, OPENING, SECOND_PAYLOADS
from otmon.ledger.tables import (
    FILL_MESSAGES,
    FILL_OCTETS,
    G_AT,
    G_KEPT,
    G_LENGTH,
    G_PACKET,
    G_WAY,
    MESSAGE_BYTES,
)
from otmon.protocols.registry import code_of
from tests.ledger.seen import Seen

WIRE = Wire(core="00:00:cd:10:00:01", firewall="00:09:0f:20:00:01")
CLIENT = Host("client", "10.1.0.5", "00:01:fc:30:01:10")
SERVER = Host("server", "10.1.0.9", "00:01:fc:30:01:11")
START_NS = 1_776_116_700 * SECOND_NS
QUOTA = "log-in payloads behind the quota of a flow"
BUDGET = "log-in payloads behind the budget of a second"


def talk(port: int, *says: tuple[str, bytes]) -> list[Packet]:
    spoken = [Say("client" if who == "c" else "server", data, 1_000_000) for who, data in says]
    hosts = CLIENT, SERVER
    return connection(WIRE, START_NS, hosts, (50_000, port), spoken, Random(1), "x")


def seen(packets: list[Packet]) -> Seen:
    return Seen().frames((one.time_ns, one.data) for one in packets)


def rows_of(found: Seen) -> list[list[int]]:
    """The payloads: headers of packets that open connections stand apart (`tests/ledger/test_claims.py`)."""
    rows: list[list[int]] = found.t.messages[: found.t.used[FILL_MESSAGES]].tolist()
    return [row for row in rows if not row[G_WAY] & OPENING]


def copied(found: Seen) -> list[bytes]:
    t = found.t
    rows = rows_of(found)
    data = t.message_data[: t.used[FILL_OCTETS]].tobytes()
    return [data[row[G_AT] : row[G_AT] + row[G_KEPT]] for row in rows]


def test_payloads_of_listed_protocols_are_copied_from_the_first_on() -> None:
    found = seen(talk(21, ("s", b"220 x\r\n"), ("c", b"USER a\r\n"), ("s", b"331 x\r\n")))
    assert copied(found) == [b"220 x\r\n", b"USER a\r\n", b"331 x\r\n"]
    rows = rows_of(found)
    assert [row[G_LENGTH] for row in rows] == [7, 8, 7] and len({row[G_WAY] for row in rows}) == 2
    assert rows[-1][F_PROTOCOL] == code_of("ftp") and rows[0][G_PACKET] == 4


def test_a_listed_protocol_is_known_on_any_port_and_others_are_not_copied() -> None:
    assert copied(seen(talk(4711, ("c", b"GET / HTTP/1.1\r\n\r\n")))) == [b"GET / HTTP/1.1\r\n\r\n"]
    assert copied(seen(talk(2404, ("c", bytes.fromhex("680407000000"))))) == []
    # A port that is usual for one of them, and no protocol that is known yet.
    assert copied(seen(talk(23, ("s", b"login: ")))) == [b"login: "]
    assert copied(seen(talk(4711, ("s", b"login: ")))) == []


def test_a_flow_has_a_quota_and_a_payload_a_limit() -> None:
    turns = [("c", b"GET /%d HTTP/1.1\r\n\r\n" % number) for number in range(FLOW_PAYLOADS + 5)]
    found = seen(talk(80, *turns))
    assert len(copied(found)) == FLOW_PAYLOADS and found.counted[QUOTA] == 5
    body = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1400
    large = seen(talk(80, *[("s", body)] * 30))
    assert sum(map(len, copied(large))) <= FLOW_BYTES < 30 * len(body) and large.counted[QUOTA] > 0
    merged = udp_packet(
        WIRE, START_NS, (CLIENT, SERVER), (5060, 5060), b"REGISTER sip:a" + b"y" * 9000, 1, "x"
    )
    assert [len(one) for one in copied(seen([merged]))] == [MESSAGE_BYTES]


def test_a_second_has_a_budget() -> None:
    query = bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500")
    packets = [
        udp_packet(WIRE, START_NS + n, (CLIENT, SERVER), (1024 + n, 161), query, n, "x")
        for n in range(SECOND_PAYLOADS)
    ]
    found = seen(packets[:1500])
    assert len(copied(found)) == 1500 and BUDGET not in found.counted
    found.t.used[FILL_MESSAGES] = found.t.used[FILL_OCTETS] = 0
    found.frames((one.time_ns, one.data) for one in packets[1500:])
    again = udp_packet(WIRE, START_NS + 1, (CLIENT, SERVER), (60_000, 161), query, 1, "x")
    found.frames([(again.time_ns, again.data)] * 1)
    assert found.counted[BUDGET] == 1
    found.frames([(again.time_ns + SECOND_NS, again.data)])
    assert found.counted[BUDGET] == 1
