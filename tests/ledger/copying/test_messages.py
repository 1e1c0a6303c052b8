"""Which payloads are copied, and how many at most."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from otmon.decode.flows import F_PROTOCOL
from otmon.lab.frames import (
    ACK,
    PSH,
    SECOND_NS,
    Host,
    Packet,
    Say,
    Segment,
    Wire,
    connection,
    ip_packet,
    tcp,
    udp_packet,
)
from otmon.ledger.copying.messages import (
    FLOW_BYTES,
    FLOW_PAYLOADS,
    HIDDEN_BYTES,
    HIDDEN_PAYLOADS,
    LATE_PAYLOADS,
    LOOKED_BYTES,
    OPENING,
    SECOND_PAYLOADS,
    SECOND_WORDS,
    SHORT,
)
from otmon.ledger.tables import (
    FILL_MESSAGES,
    FILL_OCTETS,
    G_AT,
    G_KEPT,
    G_LENGTH,
    G_MARK,
    G_PACKET,
    G_SEQ,
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
    """The payloads: headers of packets that open connections stand apart
    (`tests/ledger/dialogues/test_claims.py`)."""
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
    # Text may be a log-in on any port; what nobody knows and is none may not.
    assert copied(seen(talk(4711, ("s", b"login: ")))) == [b"login: "]
    assert copied(seen(talk(4711, ("s", b"login: \x00")))) == []


def test_in_a_flood_what_may_log_in_is_copied_and_not_without_end() -> None:
    request, log_in = b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nAuthorization: x\r\n\r\n"
    packets = [
        ip_packet(WIRE, START_NS + n, (CLIENT, SERVER), 6, segment, n, "x")
        for n in range(SECOND_PAYLOADS + SECOND_WORDS + 9)
        for data in [request if n < SECOND_PAYLOADS + 2 else log_in]
        for segment in [tcp(CLIENT, SERVER, (1_024 + n, 80), Segment(9, 9, ACK, data))]
    ]
    found = seen(packets[:3_000])
    assert copied(found).count(log_in) == SECOND_WORDS == len(copied(found)) - SECOND_PAYLOADS
    assert found.counted[BUDGET] == 9


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


def test_short_payloads_are_counted_by_their_bytes() -> None:
    keys = [("c", b"a")] * (FLOW_BYTES // SHORT + 9)
    found = seen(talk(23, *keys))
    assert len(copied(found)) == FLOW_BYTES // SHORT and found.counted[QUOTA] == 9


def test_text_of_a_flow_that_has_another_name_is_copied_but_less_of_it() -> None:
    greeting = ("c", b"SSH-2.0-OpenSSH_9.2\r\n")
    request = ("c", b"GET /0123456789 HTTP/1.1\r\n\r\n")
    found = copied(seen(talk(22, greeting, *[request] * (HIDDEN_PAYLOADS + 9), ("c", bytes(40)))))
    assert found == [greeting[1]] + [request[1]] * (HIDDEN_PAYLOADS - 1)
    assert copied(seen(talk(22, *[greeting] * 9))) == [greeting[1]]
    keys = seen(talk(4711, *[("c", b"a")] * HIDDEN_BYTES))
    assert len(copied(keys)) == HIDDEN_BYTES // SHORT


def test_behind_the_quota_only_what_may_log_in_is_copied_and_its_answer() -> None:
    turns: list[tuple[str, bytes]] = []
    for number in range(FLOW_PAYLOADS):
        turns += [("c", b"GET /%d HTTP/1.1\r\n\r\n" % number), ("s", b"HTTP/1.1 200 OK\r\n\r\n")]
    more = [
        ("c", b"GET /x HTTP/1.1\r\nUser-Agent: x\r\n\r\n"), ("s", b"HTTP/1.1 200 x\r\n\r\n"),
        ("c", b"POST /y HTTP/1.1\r\nContent-Length: 9\r\n\r\n"), ("c", b"pAsSwD=ab"),
        ("s", b"HTTP/1.1 100 x\r\n\r\n"), ("s", b"HTTP/1.1 401 x\r\n\r\n"),
        ("s", b"HTTP/1.1 200 z\r\n\r\n" + b"password" * 30),
    ]  # fmt: skip
    found = copied(seen(talk(80, *turns, *more)))
    assert found[2 * FLOW_PAYLOADS :] == [data for _, data in more[2:6]]
    often = copied(seen(talk(80, *turns, *[("c", b"POST /y HTTP/1.1\r\n\r\n")] * (LATE_PAYLOADS + 9))))
    assert len(often) == 2 * FLOW_PAYLOADS + LATE_PAYLOADS


def test_what_is_looked_through_in_a_second_is_bounded() -> None:
    request = b"GET /%d HTTP/1.1\r\nX: " + b"y" * 1_000 + b"\r\n\r\n"
    turns = [("c", request % number) for number in range(FLOW_PAYLOADS + LOOKED_BYTES // 1_000 + 9)]
    packets = talk(80, *turns, ("c", b"POST" + request[3:] % 0))
    for apart_ns, found in ((SECOND_NS // 100, True), (0, False)):
        timed = [replace(one, time_ns=START_NS + n * apart_ns) for n, one in enumerate(packets)]
        assert copied(seen(timed))[-1].startswith(b"POST") == found


def test_segments_that_a_card_put_together_are_copied_whole() -> None:
    head = b"GET / HTTP/1.1\r\nX: " + b"y" * 2 * MESSAGE_BYTES + b"\r\nAuthorization: x\r\n\r\n"
    segment = tcp(CLIENT, SERVER, (50_000, 80), Segment(9, 9, ACK, head))
    found = seen([ip_packet(WIRE, START_NS, (CLIENT, SERVER), 6, segment, 1, "x")])
    assert b"".join(copied(found)) == head
    sizes = [len(one) for one in copied(found)]
    assert sizes[:2] == [MESSAGE_BYTES] * 2
    assert [row[G_SEQ] for row in rows_of(found)] == [9, 9 + MESSAGE_BYTES, 9 + 2 * MESSAGE_BYTES]


@pytest.mark.parametrize("payload", [b"GET /" + b"\xff" * more + b" HTTP/1.1\r\n\r\n" for more in range(5)])
def test_a_segment_is_marked_by_hops_checksum_and_acknowledgment(payload: bytes) -> None:
    def mark(hops: int, flags: int, change: int = 0) -> int:
        segment = tcp(CLIENT, SERVER, (50_000, 80), Segment(9, 9, flags, payload))
        segment = segment[:16] + bytes((segment[16] ^ change,)) + segment[17:]
        packet = ip_packet(WIRE, START_NS, (replace(CLIENT, ttl=hops), SERVER), 6, segment, 1, "x")
        return rows_of(seen([packet]))[0][G_MARK]

    assert mark(64, ACK) == 64 << 2 | 3 and mark(7, PSH) == 7 << 2 | 2 and mark(64, ACK, 1) == 64 << 2 | 1


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
