"""What polls feels what an attacker does: it retries, goes a longer way, or falls silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from otmon.lab import ethernet_ip, modbus, s7
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.plant import shipped_plant
from otmon.lab.polling import (
    ROUTINE,
    Polled,
    count,
    modbus_speaker,
    node_speaker,
    poll,
    s7_speaker,
    shown,
    tag_speaker,
)
from otmon.lab.process import process_of
from otmon.lab.requests import read_request
from otmon.lab.scene import Trouble

PLANT = shipped_plant("body-line")
NOON = PLANT.midnight_ns + 12 * 3600 * SECOND_NS
END = NOON + 60 * SECOND_NS
READ = tuple(request for text in ("read input 0-3",) if (request := read_request(text)) is not None)


def packets(*troubles: Trouble, client: str = "line-hmi") -> tuple[list[Packet], Counter]:  # type: ignore[type-arg]
    polled = Polled(PLANT.by_name[client], PLANT.by_name["cooling-unit"], 502, SECOND_NS, NOON, END, troubles)
    recall = process_of(PLANT)({"cooling-unit": ()})
    told: Counter[tuple[str, str, int, int]] = Counter()
    found = list(poll(polled, modbus_speaker("cooling-unit", READ, recall), PLANT.wire, Random(1), told))
    assert [one.time_ns for one in found] == sorted(one.time_ns for one in found)
    return found, told


def trouble(kind: str, host: str, seconds: tuple[int, int] = (20, 40), **more: object) -> Trouble:
    start, end = (NOON + second * SECOND_NS for second in seconds)
    return Trouble(kind, host, "attack", start, end, **more)  # type: ignore[arg-type]


def during(found: list[Packet], first: int, last: int) -> list[Packet]:
    return [one for one in found if first * SECOND_NS <= one.time_ns - NOON < last * SECOND_NS]


def flags(found: list[Packet]) -> list[str]:
    return [str(Ether(one.data)[TCP].flags) for one in found]


def test_it_asks_each_second_on_a_connection_that_was_there() -> None:
    found, told = packets()
    assert told == {("line-hmi", "cooling-unit", modbus.READ_INPUT, 0): 60}
    assert len(found) == 180 and {one.event for one in found} == {ROUTINE}
    assert set(flags(found)) == {"PA", "A"}


def test_a_silent_controller_is_asked_again_and_then_for_a_new_connection() -> None:
    found, told = packets(trouble("silent", "cooling-unit"))
    meanwhile = during(found, 21, 40)
    assert {Ether(one.data)[IP].src for one in meanwhile} == {"10.5.30.60"}
    assert {one.event for one in meanwhile} == {"attack"}
    assert Counter(flags(meanwhile)).keys() == {"PA", "RA", "S"}
    assert sum(told.values()) < 45
    after = during(found, 41, 60)
    assert {"S", "SA"} <= set(flags(after)) and {one.event for one in after} == {"attack", ROUTINE}
    assert all(one.event == "attack" for one in after if Ether(one.data)[TCP].flags & 2)


def test_who_only_listens_takes_connections_and_answers_nothing() -> None:
    found, _ = packets(trouble("deaf", "cooling-unit"))
    meanwhile = during(found, 21, 40)
    said = [one for one in meanwhile if bytes(Ether(one.data)[TCP].payload).strip(b"\0")]
    assert {Ether(one.data)[IP].src for one in said} == {"10.5.30.60"}
    assert {"S", "SA", "FA", "A"} <= set(flags(meanwhile))


def test_who_is_absent_ends_its_connection_and_comes_back() -> None:
    found, _ = packets(trouble("absent", "line-hmi"))
    meanwhile = during(found, 19, 40)
    assert flags(meanwhile)[-3:] == ["FA", "FA", "A"]
    assert during(found, 23, 40) == [] and "S" in flags(during(found, 40, 60))


def test_a_stopped_client_asks_nothing_and_a_stopped_server_answers() -> None:
    found, _ = packets(trouble("stopped", "line-hmi"))
    assert during(found, 21, 40) == [] and flags(during(found, 41, 60))[0] == "PA"
    assert packets(trouble("stopped", "cooling-unit"))[0] == packets()[0]


def test_what_is_diverted_is_there_twice_with_other_values() -> None:
    middle = PLANT.host("line-ews")
    lie = {(modbus.READ_INPUT, 0): 221}
    found, told = packets(trouble("diverted", "line-hmi", peer="cooling-unit", by=middle, shows=lie))
    meanwhile = during(found, 21, 40)
    assert {one.event for one in meanwhile} == {"attack"} and sum(told.values()) == 60
    macs = {(Ether(one.data).src, Ether(one.data).dst) for one in meanwhile}
    hmi, cooler = PLANT.host("line-hmi").mac, PLANT.host("cooling-unit").mac
    assert macs == {(hmi, middle.mac), (middle.mac, cooler), (cooler, middle.mac), (middle.mac, hmi)}
    answers = [bytes(Ether(one.data)[TCP].payload) for one in meanwhile if Ether(one.data).dst == hmi]
    assert {int.from_bytes(answer[9:11], "big") for answer in answers if len(answer) == 17} == {221}


def test_troubles_of_others_are_none_of_its_business() -> None:
    others = (trouble("silent", "line-plc"), trouble("diverted", "line-hmi", peer="line-plc"))
    assert packets(*others)[0] == packets()[0]


@pytest.mark.parametrize(
    "payload", [b"", bytes(8), bytes.fromhex("00010000000501040200dd"), bytes(7) + b"\x04\xff"]
)
def test_what_is_shown_keeps_its_length(payload: bytes) -> None:
    lie = trouble("diverted", "a", shows={(4, 0): 7, (4, 99): 7})
    if len(payload) == 9:
        payload += bytes(254)
    assert len(shown(lie)(payload)) == len(payload)


def test_a_new_connection_is_set_up_as_each_protocol_wants() -> None:
    speak = s7_speaker(50, lambda time_ns: b"abcd")
    assert [asked for asked, _ in speak(0, 5, True)][:2] == [s7.connect(1), s7.setup(1)]
    assert speak(0, 5, False)[0][1].endswith(b"abcd")
    tags: Callable[[int, int, bool], list[tuple[bytes, bytes]]] = tag_speaker("T", 9, lambda time_ns: (1, 2))
    assert tags(0, 0, True)[0] == (ethernet_ip.register(), ethernet_ip.register(9))
    assert len(tags(0, 0, False)) == 1
    nodes = node_speaker("opc.tcp://x/", 3, {"A": lambda time_ns: 7})
    ((asked, answered),) = nodes(0, 4, False)
    assert b"\1\0\0\0A" in asked and b"\5\7\0" in answered
    first, again = nodes(0, 5, True), nodes(0, 6, True)
    assert [one[:3] for one, _ in first] == [b"HEL", b"OPN", b"MSG", b"MSG", b"MSG"]
    assert first == again, "a new channel begins its numbers anew"


def test_a_transaction_is_counted_with_its_exception() -> None:
    told: Counter[tuple[str, str, int, int]] = Counter()
    count(told, "a", "b", modbus.adu(1, 1, b"\x03"), modbus.adu(1, 1, b"\x83\x02"))
    assert told == {("a", "b", 3, 2): 1}
