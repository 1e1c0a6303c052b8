from __future__ import annotations

import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest

from otmon.lab.frames import SECOND_NS, Packet, Say, connection, udp_packet
from otmon.ledger.facts import UNKNOWN, Change, Extreme, WrittenValue
from tests.detect import captures
from tests.detect.captures import START_NS, WIRE, plc
from tests.detect.plant import HMI, PLC, at, found, keys
from tests.protocols.test_fins_writes import fins
from tests.protocols.test_s7_writes import DB, item, write_var
from tests.protocols.test_slmp_writes import binary as slmp_binary
from tests.protocols.test_slmp_writes import device as slmp_device
from tests.protocols.test_station_writes import set_point
from tests.zones.facts import conversation, model, operation

RULE = "value-out-of-limits"


def plant(importance: str = "high", more: str = "", values: str = "") -> Any:
    return model(f"""
        version: 1
        zones:
        - {{id: control, importance: high, members: 10.1.0.0/24}}
        - {{id: plc, importance: {importance}, members: 10.2.0.0/24}}
        boundaries:
        - id: control-plc
          between: [control, plc]
          allow:
          - id: setpoints
            from: {HMI}
            to: plc
            protocol: modbus
            functions: [6, 16]
            holding_registers: 20-29
            limits:
            - {{holding_register: 21, scale: 0.01, unit: ml/l, low: 0, high: 2, {values}
               name: {{ja: 注入率, en: dosing}}}}
          {more}
    """)


def wrote(*values: int, before: int = UNKNOWN, address: int = 21, **more: Any) -> WrittenValue:
    extremes = tuple(Extreme(value, before, at(value)) for value in values)
    given: dict[str, Any] = {
        "client": HMI, "server": PLC, "transport": "tcp", "port": 502, "protocol": "modbus", "vlan": "",
        "unit": 1, "table": "holding_registers", "address": address, "words": 1, "times": len(values),
        "repeated": 0, "first_ns": 1, "last_ns": 2, "extremes": (*extremes, *extremes)[:4], "steps": (),
        "changes": (), "evidence": at(1),
    }  # fmt: skip
    return WrittenValue(**(given | more))


TALK = conversation(HMI, PLC)


def test_a_setpoint_raised_a_hundredfold_is_one_finding_with_all_that_is_to_be_known() -> None:
    (one,) = found(RULE, TALK, wrote(100, 11_100, before=100), plant=plant())
    assert (one.severity, one.place.boundary, one.count) == ("critical", "control-plc", 2)
    said = dict(one.what.params)
    assert (said["before"], said["written"], said["measure"]) == ("1", "111", " ml/l")
    limit = dict(one.why[0].params)
    assert limit["limit"] == "holding_registers 21: 0 … 2 ml/l (uint16, ×0.01)"
    assert str(limit["line"]).startswith("m.yaml:")
    assert one.evidence == (at(11_100),)


def test_values_within_their_limits_and_elements_without_limits_are_not_found() -> None:
    assert found(RULE, TALK, wrote(0, 200), wrote(60_000, address=22), plant=plant()) == []


def test_what_another_permission_allows_without_limits_is_not_found() -> None:
    more = "- {from: 10.1.0.5, to: plc, protocol: modbus, access: write}"
    assert found(RULE, TALK, wrote(11_100), plant=plant(more=more)) == []
    more = "- {from: 10.1.0.5, to: plc, protocol: modbus, access: read}"
    assert len(found(RULE, TALK, wrote(11_100), plant=plant(more=more))) == 1


def test_a_write_that_is_not_allowed_at_all_is_anothers_finding() -> None:
    assert found(RULE, TALK, wrote(11_100, client="10.1.0.9"), plant=plant()) == []
    assert found(RULE, TALK, wrote(11_100, address=40), plant=plant()) == []


@pytest.mark.parametrize(
    ("importance", "severity"), [("high", "critical"), ("medium", "high"), ("low", "medium")]
)
def test_the_zone_that_was_reached_weighs(importance: str, severity: str) -> None:
    (one,) = found(RULE, TALK, wrote(11_100), plant=plant(importance))
    assert one.severity == severity
    assert dict(one.what.params)["before"] == "?"


def test_a_refusal_is_said() -> None:
    refused = operation(HMI, PLC, 6, 21, 1, status=3, times=2)
    (one,) = found(RULE, TALK, refused, wrote(11_100), plant=plant())
    assert keys([one]) == ["wrote-beyond", "limit", "refused"]


def test_a_register_alone_and_with_its_neighbour_is_one_finding() -> None:
    pair = wrote(500 << 16 | 7, words=2, extremes=(Extreme(500 << 16 | 7, UNKNOWN, at(9)),) * 8)
    (one,) = found(RULE, TALK, pair, wrote(300), plant=plant())
    assert dict(one.what.params)["written"] == "5"


def test_what_was_written_is_told_where_the_write_itself_is_denied() -> None:
    write = operation("10.1.0.9", PLC, 6, 21, 1)
    facts = conversation("10.1.0.9", PLC), write, wrote(10_000, before=100, client="10.1.0.9")
    (one,) = found("unlisted-traffic", *facts, plant=plant())
    assert dict(one.why[-1].params)["items"] == "holding_registers 1:21 100 → 10000"


def test_a_ramp_is_told_with_both_ends_and_the_time_between() -> None:
    began, last = at(20), at(90)
    ended = last._replace(time_ns=began.time_ns + 45_000_000_000)
    change = Change(160, 100, began, ended)
    limited = plant(values="change: 0.5/minute,")
    (one,) = found(RULE, TALK, wrote(160, before=159, changes=(change, change)), plant=limited)
    assert one.why[0].key == "change"
    said = dict(one.why[0].params)
    assert (said["before"], said["written"], said["change"]) == ("1", "1.6", "0.6")
    assert (said["seconds"], said["first"], said["last"]) == ("45", began.packet, last.packet)
    assert one.evidence == (began, ended)
    slower = change._replace(value=150)
    assert found(RULE, TALK, wrote(150, before=149, changes=(slower, slower)), plant=limited) == []
    assert found(RULE, TALK, wrote(160, before=159, changes=(change, change)), plant=plant()) == []


SLMP_PLANT = """
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - id: setpoints
        from: control
        to: plc
        protocol: PROTOCOL
        limits:
        - {element: D100, low: 50, high: 200, unit: ppm, step: 60, name: {ja: 注入率, en: dosing}}
        - {element: D102, type: float32, low: 0, high: 2}
"""


def s7_setpoints(counted: bytes, number: bytes) -> bytes:
    """The same in DB10: the dosing in DBW100, the other one in DBD104."""
    return write_var(item(DB, 100, counted[2:] + b"\0\0" + number[2:] + number[:2], 10))


HUNDREDFOLD = [
    # From 100 to 11,100 ppm; the setpoint beside it from 1.5 to 150.
    ("slmp", "tcp", 5007, lambda n, x: slmp_binary(0x1401, 0, slmp_device(0xA8, 100) + n + b"\0\0" + x)),
    ("slmp", "udp", 5007, lambda n, x: slmp_binary(0x1401, 0, slmp_device(0xA8, 100) + n + b"\0\0" + x)),
    ("fins", "udp", 9600, lambda n, x: fins(0x0102, b"\x82\0\x64\0" + n + b"\0\0" + x)),
    ("s7comm", "tcp", 102, s7_setpoints),
    ("fins", "tcp", 9600, lambda n, x: fins(0x0102, b"\x82\0\x64\0" + n + b"\0\0" + x, tcp=True)),
]


def setpoints(protocol: str, dosing: int, other: float) -> tuple[bytes, bytes]:
    """Count and value of the first word, and the number behind two words, as the protocol has them."""
    order = "little" if protocol == "slmp" else "big"
    bits = int.from_bytes(struct.pack(">f", other), "big")
    words = bits & 0xFFFF, bits >> 16
    number = b"".join(word.to_bytes(2, order) for word in words)  # type: ignore[arg-type]
    return (4).to_bytes(2, order) + dosing.to_bytes(2, order), number  # type: ignore[arg-type]


@pytest.mark.parametrize(("protocol", "transport", "port", "message"), HUNDREDFOLD)
def test_a_setpoint_of_another_protocol_raised_a_hundredfold(
    protocol: str, transport: str, port: int, message: Any, tmp_path: Path
) -> None:
    agreed = message(*setpoints(protocol, 100, 1.5))
    wrong = message(*setpoints(protocol, 11_100, 150.0))
    text, (dosing, number) = SLMP_PLANT.replace("PROTOCOL", protocol), ("D100", "D102")
    if protocol == "s7comm":
        dosing, number = "DB10.DBW100", "DB10.DBD104"
        text = text.replace("D100", dosing).replace("D102", number)
    limited = model(text)

    def sent(*messages: bytes) -> list[Packet]:
        if transport == "tcp":
            says = [Say("client", one, 1_000_000_000) for one in messages]
            return connection(WIRE, START_NS, (captures.HMI, plc(1)), (50_000, port), says, Random(1), "x")
        return [
            udp_packet(WIRE, START_NS + n * SECOND_NS, (captures.HMI, plc(1)), (50_000, port), one, n, "x")
            for n, one in enumerate(messages)
        ]

    assert captures.found(RULE, sent(agreed, agreed), tmp_path, limited) == []
    two = captures.found(RULE, sent(agreed, wrong), tmp_path, limited)
    told = {str(dict(one.what.params)["element"]): dict(one.what.params) for one in two}
    assert set(told) == {dosing, number}
    assert (told[dosing]["before"], told[dosing]["written"], told[dosing]["measure"]) == (
        "100",
        "11100",
        " ppm",
    )
    assert (told[number]["before"], told[number]["written"]) == ("1.5", "150")
    assert {one.what.key for one in two} == {"wrote-beyond-element"}
    assert f"{dosing}: 50 … 200 ppm (±60 ppm) (uint16, ×1)" in str(dict(two[0].why[0].params)["limit"])
    assert {one.link.protocol for one in two} == {protocol}
    # Within its limits, and farther in one step than one may go.
    (leap,) = captures.found(RULE, sent(agreed, message(*setpoints(protocol, 161, 1.5))), tmp_path, limited)
    assert [one.key for one in leap.why] == ["step", "limit"]
    # Without any limits that it goes so far is told all the same.
    leaps = captures.found("leaping-value", sent(agreed, wrong), tmp_path, None)
    said = [dict(one.what.params) | dict(one.why[0].params) for one in leaps]
    assert len(said) == 2
    assert {(one["element"], one["before"], one["after"], one["type"]) for one in said} == {
        (dosing, "100", "11100", "uint16"),
        (number, "1.5", "150", "float32"),
    }
    assert {one.what.key for one in leaps} == {"leaps-element"}
    assert captures.found("leaping-value", sent(agreed, wrong), tmp_path, limited) == []


def test_a_half_of_a_number_and_refusals_of_another_protocol_are_told() -> None:
    talk = conversation(HMI, PLC, protocol="slmp")
    link = {"protocol": "slmp", "table": "D", "unit": UNKNOWN}
    refused = operation(HMI, PLC, 5, status=0xC059, times=2, protocol="slmp", access="write")
    half = wrote(0x4316, address=103, **link)
    (one,) = found(RULE, talk, refused, half, plant=model(SLMP_PLANT.replace("PROTOCOL", "slmp")))
    assert keys([one]) == ["wrote-half-above-element", "limit", "refused-some"]
    assert dict(one.what.params)["element"] == "D102"
    below = wrote(0xC316, address=103, **link)
    (one,) = found(RULE, talk, below, plant=model(SLMP_PLANT.replace("PROTOCOL", "slmp")))
    assert one.what.key == "wrote-half-below-element"


def test_a_set_point_of_a_substation_is_told_with_its_station(tmp_path: Path) -> None:
    text = SLMP_PLANT.replace("PROTOCOL", "iec104").replace("D102, type: float32,", "IOA 4002,")
    limited = model(text.replace("D100", "IOA 4001"))

    def point(number: float) -> bytes:
        return set_point(50, (4001).to_bytes(3, "little"), struct.pack("<f", number), b"\0")

    says = [Say("client", point(number), SECOND_NS) for number in (100, 11_100)]
    packets = connection(WIRE, START_NS, (captures.HMI, plc(1)), (50_000, 2404), says, Random(1), "x")
    (one,) = captures.found(RULE, packets, tmp_path, limited)
    said = dict(one.what.params)
    assert (said["element"], said["before"], said["written"]) == ("IOA 4001 (3)", "100", "11100")
    assert [message.key for message in one.why] == ["limit"]
