"""Scans of Modbus devices, and what only looks like one."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.detect.modbus_scan import probed
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Rule
from otmon.engine import replay
from otmon.findings.judge import case_of, judge
from otmon.lab import modbus
from otmon.lab.frames import MINUTE_NS, SECOND_NS, Packet
from otmon.lab.modbus import ILLEGAL_FUNCTION, READ_HOLDING, exception, read
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import operation_key
from tests.command import DAY
from tests.detect import captures, plant
from tests.detect.captures import HMI, LAPTOP, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import HMI as MASTER
from tests.detect.plant import PLC, keys, ledger_of
from tests.zones.facts import conversation, model, operation

RULE = "modbus-scan"
AGAIN, FUNCTIONS, IDENTITIES, RANGES, RARELY, SILENT_UNITS, UNITS = map(
    shipped_rules()[RULE].number,
    ("again", "functions", "identities", "ranges", "rarely", "silent_units", "units"),
)


def kinds(packets: Iterable[Packet], folder: Path) -> dict[str, dict[str, object]]:
    """What is found, by its kind."""
    return {one.key[1]: dict(one.what.params) for one in captures.found(RULE, packets, folder)}


def asked(requests: Iterable[bytes | tuple[int, bytes]], **more: object) -> list[Packet]:
    return poll(START_NS, (LAPTOP, plc(1)), requests, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("wait_ns", [2_000_000, 10 * MINUTE_NS], ids=["fast", "slow"])
def test_units_behind_a_gateway_are_tried(wait_ns: int, tmp_path: Path) -> None:
    packets = asked([(unit, read(READ_HOLDING, 0, 1)) for unit in range(1, 41)], wait_ns=wait_ns,
                    answers=lambda pdu: exception(pdu[0], 11))  # fmt: skip
    (one,) = captures.found(RULE, packets, tmp_path)
    assert one.key == (LAPTOP.address, "units")
    assert (one.severity, one.count, one.link.server) == ("high", 40, "10.2.0.1")
    assert dict(one.what.params) == {"client": LAPTOP.address, "tried": 40, "servers": 1}
    assert dict(one.why[0].params)["items"] == "10.2.0.1 (1-40)"
    assert dict(one.why[1].params) == {"answered": 0, "refused": 40, "silent": 0}


def test_units_that_all_answer_are_tried_too(tmp_path: Path) -> None:
    def first(number: int) -> list[bytes | tuple[int, bytes]]:
        return [(unit, read(READ_HOLDING, 0, 1)) for unit in range(1, number + 1)]

    assert set(kinds(asked(first(UNITS)), tmp_path)) == {"units"}
    assert kinds(asked(first(UNITS - 1)), tmp_path) == {}


def test_a_gateway_with_some_devices_that_are_off_is_polled(tmp_path: Path) -> None:
    def units(silent: int, living: int, times: int) -> list[Packet]:
        requests = [(unit, read(READ_HOLDING, 0, 1)) for unit in range(1, silent + living + 1)] * times
        answers = iter([unit > silent for unit, _ in requests])
        return asked(requests, answers=lambda pdu: healthy(pdu) if next(answers) else exception(pdu[0], 11))

    assert kinds(units(SILENT_UNITS, SILENT_UNITS + 1, 1), tmp_path) == {}
    assert kinds(units(SILENT_UNITS - 1, 0, 1), tmp_path) == {}
    assert kinds(units(SILENT_UNITS, 0, RARELY + 1), tmp_path) == {}
    assert set(kinds(units(SILENT_UNITS, SILENT_UNITS, 1), tmp_path)) == {"units"}


def test_functions_that_the_server_refuses(tmp_path: Path) -> None:
    def functions(number: int, times: int = 1) -> list[Packet]:
        return asked(
            [bytes((100 + n, 0, 0)) for n in range(number)] * times,
            answers=lambda pdu: exception(pdu[0], ILLEGAL_FUNCTION),
        )

    found = kinds(functions(FUNCTIONS), tmp_path)
    assert found == {"functions": {"client": LAPTOP.address, "tried": FUNCTIONS, "servers": 1}}
    assert kinds(functions(FUNCTIONS - 1), tmp_path) == {}
    assert kinds(functions(FUNCTIONS, RARELY + 1), tmp_path) == {}


def test_registers_that_are_not_there(tmp_path: Path) -> None:
    def missing(number: int, times: int = 1) -> list[Packet]:
        return asked([read(READ_HOLDING, 1000 + 10 * n, 10) for n in range(number)] * times)

    (one,) = captures.found(RULE, missing(RANGES), tmp_path)
    assert one.key == (LAPTOP.address, "registers")
    assert dict(one.why[0].params)["items"] == "10.2.0.1 (Read Holding Registers 1000-1119)"
    assert captures.found(RULE, missing(RANGES - 1), tmp_path) == []
    # A master with a wrong page asks for the same again and again.
    assert captures.found(RULE, missing(RANGES, RARELY + 1), tmp_path) == []


def test_a_whole_table_that_is_read_once_is_swept_and_one_that_is_polled_is_not(tmp_path: Path) -> None:
    def table(times: int) -> list[Packet]:
        requests = [read(READ_HOLDING, address, 1) for address in range(600)] * times
        return asked(requests, answers=lambda _: struct.pack(">BBH", READ_HOLDING, 2, 7))

    (one,) = captures.found(RULE, table(1), tmp_path)
    assert dict(one.why[0].params)["items"] == "10.2.0.1 (Read Holding Registers 0-599)"
    assert captures.found(RULE, table(AGAIN + 1), tmp_path) == []


@pytest.mark.parametrize("pdu", [modbus.read_identification(), bytes((17,))], ids=["43/14", "17"])
def test_identities_of_many_servers_are_read(pdu: bytes, tmp_path: Path) -> None:
    def servers(number: int) -> list[Packet]:
        return [
            packet
            for n in range(1, number + 1)
            for packet in poll(START_NS + n * SECOND_NS, (LAPTOP, plc(n)), [pdu])
        ]

    assert kinds(servers(IDENTITIES), tmp_path) == {
        "identities": {"client": LAPTOP.address, "tried": IDENTITIES, "servers": IDENTITIES}
    }
    assert kinds(servers(IDENTITIES - 1), tmp_path) == {}


def test_identities_that_the_model_allows_or_that_are_usual_are_left_out() -> None:
    facts = [operation(MASTER, PLC, 43, subfunction=14, unit=unit) for unit in range(IDENTITIES)]
    assert len(plant.found(RULE, *facts)) == 1
    ledger = ledger_of(*facts)
    assert [one for one in judge(ledger, None, ledger) if one.rule == RULE] == []
    # The tests' captures are judged by a model in which the HMI may do anything with Modbus.
    allowed = [operation(HMI.address, f"10.2.0.{n}", 43, subfunction=14) for n in range(1, 1 + IDENTITIES)]
    assert plant.found(RULE, *allowed, plant=captures.PLANT) == []


def test_a_worm_on_a_station_that_may_ask_every_controller_reads_identities(tmp_path: Path) -> None:
    def servers(number: int) -> list[Packet]:
        return [
            packet
            for n in range(1, number + 1)
            for packet in poll(
                START_NS + n * SECOND_NS, (captures.HMI, plc(n)), [modbus.read_identification()]
            )
        ]

    most = IDENTITIES * shipped_rules()[RULE].number("allowed")
    (one,) = captures.found("", servers(most), tmp_path)
    assert (one.rule, one.key, keys([one])[-1]) == (RULE, (HMI.address, "identities"), "scan-allowed")
    assert captures.found("", servers(most - 1), tmp_path) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [("", 1), (", access: [read, identify]", 0), (", functions: [43/14]", 0), (", functions: [43]", 1)],
)
def test_identities_that_a_permission_is_for_are_no_scan(more: str, found: int) -> None:
    known = model(f"""
        version: 1
        zones:
        - {{id: control, importance: high, members: 10.1.0.0/24}}
        - {{id: plc, importance: high, members: 10.2.0.0/24}}
        boundaries:
        - {{id: b, between: [control, plc], allow: [{{from: control, to: plc, protocol: modbus{more}}}]}}
    """)
    facts = [operation(MASTER, f"10.2.0.{n}", 43, subfunction=14) for n in range(1, 200)]
    assert len(plant.found(RULE, *facts, plant=known)) == found


def test_one_scanner_of_many_servers_is_one_finding_a_kind() -> None:
    facts = [
        operation(plant.PC, server, 3, 10 * n, 5, status=2)
        for server in (PLC, plant.OTHER_PLC)
        for n in range(RANGES)
    ]
    (one,) = plant.found(RULE, *facts)
    assert (one.link.server, dict(one.what.params)["servers"], one.count) == ("", 2, 2 * RANGES)


def test_a_master_of_sixty_controllers_is_none(tmp_path: Path) -> None:
    requests = [read(READ_HOLDING, 10 * block, 10) for block in range(10)] * 3
    packets = [
        packet
        for number in range(1, 61)
        for packet in poll(START_NS + number * SECOND_NS, (HMI, plc(number)), requests, port=50_000 + number)
    ]
    assert captures.found("", packets, tmp_path) == []


def test_it_holds_without_a_model_on_the_demo_day() -> None:
    found = {one.key: one for one in judge(replay([str(DAY)]).ledger, None) if one.rule == RULE}
    assert set(found) == {("10.60.0.5", "functions"), ("10.60.0.5", "registers")}
    assert dict(found["10.60.0.5", "functions"].what.params)["tried"] == FUNCTIONS
    assert {one.severity for one in found.values()} == {"medium"}
    assert keys([found["10.60.0.5", "registers"]]) == ["modbus-registers", "scan-registers", "outcomes"]


def test_servers_are_named_in_order() -> None:
    facts = [operation(plant.PC, f"10.2.0.{n}", 17) for n in range(IDENTITIES, 0, -1)]
    (one,) = plant.found(RULE, *facts)
    items = str(dict(one.why[0].params)["items"]).split(", ")
    assert items == sorted(items)


def told(*facts: Operation, rules: Mapping[str, Rule] | None = None) -> list[str]:
    """The rules of what is found where the master talks with a controller as the model allows."""
    return [one.rule for one in judge(ledger_of(conversation(MASTER, PLC), *facts), plant.PLANT, rules=rules)]


def test_a_scan_on_an_allowed_connection_is_one_finding() -> None:
    functions = [operation(MASTER, PLC, function, status=1) for function in range(100, 100 + FUNCTIONS)]
    assert told(*functions) == [RULE]
    assert set(told(*functions[1:])) == {"forbidden-operation"}
    registers = [operation(MASTER, PLC, 4, 10 * n, 5, status=2) for n in range(RANGES)]
    assert told(*registers) == [RULE]
    rules = dict(shipped_rules())
    without = rules | {RULE: replace(rules[RULE], status="deprecated")}
    assert set(told(*functions, *registers, rules=without)) == {"forbidden-operation"}


def test_what_a_scan_reached_or_may_have_changed_is_told_too() -> None:
    silent = [operation(MASTER, PLC, 4, 0, 1, unit=unit, status=-1) for unit in range(1, 1 + SILENT_UNITS)]
    assert told(*silent) == [RULE]
    read_well = operation(MASTER, PLC, 4, 0, 1, unit=200)
    assert sorted(told(*silent, read_well)) == ["forbidden-operation", RULE]
    wrote = operation(MASTER, PLC, 6, 0, 1, unit=3, status=-1)
    assert "forbidden-operation" in told(*silent, wrote)
    case = case_of(ledger_of(*silent, read_well, wrote), plant.PLANT)
    assert probed(case) == set(map(operation_key, silent))
