"""Which questions to name servers are copied, and what becomes of them."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import replace
from random import Random

import pytest

from otmon.identity.question import TXT
from otmon.lab.frames import SECOND_NS, Packet, Say, connection, udp_packet
from otmon.ledger.copying.questions import LONG_LABEL, SECOND_QUESTIONS
from otmon.ledger.facts import DAY_NS, NAME_BITS, Evidence, NamesAsked, distinct
from otmon.ledger.ledger import LIMITS
from otmon.ledger.merge import collect
from tests.identity.test_question import A, asked
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, seen
from tests.ledger.seen import Seen

SHED = "names asked behind the budget of a second"
LONG = "abcdefghijklmnopqrstuvwxyz234567.t.example.com"
EDNS = bytes.fromhex("0000291000000080000000")


def datagram(payload: bytes, number: int = 0, time_ns: int = START_NS, port: int = 53) -> Packet:
    return udp_packet(WIRE, time_ns, (CLIENT, SERVER), (40_000 + number, port), payload, number, "x")


def names(found: Seen) -> tuple[NamesAsked, ...]:
    return found.ledger().names


def test_a_long_name_is_a_fact_of_its_domain() -> None:
    (one,) = names(seen([datagram(asked(LONG, A, EDNS))]))
    assert (one.client, one.server, one.transport, one.port, one.protocol) == (
        CLIENT.address, SERVER.address, "udp", 53, "dns",
    )  # fmt: skip
    assert (one.domain, one.day, one.times, one.free) == ("example.com", START_NS // DAY_NS, 1, 0)
    assert one.names.bit_count() == 1 and one.carried_bits > 5 * 32 - 8
    assert LONG.split(".", maxsplit=1)[0] not in repr(one)


def test_the_same_name_is_the_same_name_for_another_client_too() -> None:
    packets = [datagram(asked(LONG.upper() if number else LONG), number) for number in range(2)]
    (one,) = names(seen(packets))
    assert (one.times, one.names.bit_count()) == (2, 1)


def test_usual_names_and_answers_are_passed_over() -> None:
    usual = "a" * (LONG_LABEL - 1)
    answer = bytearray(asked(LONG))
    answer[2] |= 0x80
    update = bytearray(asked(LONG))
    update[2] |= 5 << 3
    several = bytearray(asked(LONG))
    several[5] = 2
    for number, payload in enumerate(
        (asked(f"{usual}.example.com"), bytes(answer), bytes(update), bytes(several))
    ):
        assert names(seen([datagram(payload, number)])) == (), number
    assert len(names(seen([datagram(asked(f"{usual}x.example.com"))]))) == 1
    (text,) = names(seen([datagram(asked("a.example.com", TXT))]))
    assert (text.free, text.times) == (1, 1)


def test_it_is_read_in_tcp_and_on_any_port() -> None:
    message = asked(LONG)
    for port in (53, 5300):
        said = [Say("client", len(message).to_bytes(2, "big") + message, 1_000)]
        (one,) = names(
            seen(connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, port), said, Random(1), "x"))
        )
        assert (one.transport, one.port, one.domain) == ("tcp", port, "example.com")
        (other,) = names(seen([datagram(message, port=port)]))
        assert other.port == port


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_question_that_is_cut_is_none_wherever_it_is_cut(transport: str) -> None:
    message = asked(LONG, TXT)
    # Of TCP the prefix tells how much there should be; two bytes less of the class tell nobody anything.
    for size in range(12, len(message) - 2):
        if transport == "udp":
            packets = [datagram(message[:size])]
        else:
            said = [Say("client", len(message).to_bytes(2, "big") + message[:size], 1_000)]
            packets = connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, 53), said, Random(1), "x")
        assert names(seen(packets)) == (), size


def test_labels_that_lead_out_of_the_message_are_none() -> None:
    head = asked(LONG)[:12]
    for name in (b"\x3f" + b"x" * 30, b"\x20" + b"x" * 32 + b"\xc0\x0c", (b"\x3f" + b"y" * 63) * 5 + b"\0"):
        assert names(seen([datagram(head + name + b"\0\x10\0\1")])) == ()


def test_a_second_has_a_budget_and_what_is_beyond_it_is_counted() -> None:
    random = Random(1)
    packets = [
        datagram(asked(f"{b32encode(random.randbytes(35)).decode()}.example.com"), n, START_NS + n)
        for n in range(SECOND_QUESTIONS + 7)
    ]
    found = seen(packets)
    assert found.counted[SHED] == 7
    (one,) = names(found)
    assert one.times == SECOND_QUESTIONS
    found.frames([(START_NS + SECOND_NS, datagram(asked(LONG), 9_000, START_NS + SECOND_NS).data)])
    assert names(found)[0].times == 1 and found.counted[SHED] == 7


def test_different_names_are_counted_within_a_tenth() -> None:
    random = Random(2)
    for count in (1, 10, 100, 256, 1_000):
        facts = [
            replace(one, names=one.names)
            for start in range(0, count, 100)
            for one in names(
                seen(
                    [
                        datagram(
                            asked(f"{b32encode(random.randbytes(35)).decode()}.example.com"),
                            n,
                            START_NS + n // 100 * SECOND_NS,
                        )
                        for n in range(start, min(start + 100, count))
                    ]
                )
            )
        ]
        (one,) = collect(names=facts).names
        assert one.times == count
        assert abs(distinct(one.names) - count) <= max(1, count // 10)
    assert distinct(0) == 0 and distinct((1 << NAME_BITS) - 1) >= 7_000


def test_a_client_with_ever_other_domains_takes_his_share_of_places() -> None:
    def fact(client: str, domain: str) -> NamesAsked:
        seen_at = Evidence(START_NS, "x", 1, 0)
        return NamesAsked(
            client, "10.0.0.53", "udp", 53, "dns", "", domain, 1, 1, 0, 1, 9, START_NS, START_NS, seen_at
        )

    flood = [fact("10.0.0.1", f"{n:08x}.example") for n in range(LIMITS.names + 500)]
    few = [fact("10.0.0.2", f"{n:08x}.example") for n in range(40)]
    kept = collect(names=[*flood, *few])
    assert len(kept.names) == LIMITS.names and dict(kept.overflow)["names"] == 540
    assert sum(one.client == "10.0.0.2" for one in kept.names) >= 20
