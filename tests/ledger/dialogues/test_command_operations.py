"""Commands in connections: which are copied, how answers join them, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.engine import replay
from otmon.identity.login import Seen as Place
from otmon.lab.frames import SECOND_NS, Packet, Say, connection, udp_packet
from otmon.ledger.copying.commands import SECOND_COMMANDS, WAIT_NS
from otmon.ledger.dialogues.command_operations import WAITING, Commands
from otmon.ledger.dialogues.single_operation import Talk
from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, UNKNOWN, Evidence, Operation, WrittenValue
from otmon.ledger.merge import collect
from otmon.protocols.commands import S7_USER_DATA
from tests.ledger.copying.test_command_messages import Line
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, seen, talk
from tests.oracle import Tshark
from tests.protocols.test_commands import (
    BACNET_RESTART,
    CIP_READ,
    COLD_START,
    DNP3_READ,
    DNP3_REFUSED,
    DNP3_RESTART,
    DONE,
    EMPTY,
    FINS_STOP,
    FINS_STOPPED,
    PCCC_DONE,
    PCCC_PROGRAM,
    PCCC_READ,
    PCCC_REFUSED,
    PCCC_WRITE,
    READ,
    REFUSED,
    SLMP_DONE,
    SLMP_READ,
    SLMP_REFUSED,
    SLMP_STOP,
    SLMP_STOP_4E,
    START,
    STOP,
    connected,
    dnp3,
    dnp3_frame,
    dnp3_parts,
    in_units,
    packed,
    pccc_answer,
    s7,
    unconnected,
)
from tests.protocols.test_slmp_writes import binary as slmp_binary
from tests.protocols.test_slmp_writes import device as slmp_device

SHED = "commands behind the budget of a second"
SNAP7 = "cisagov+icsnpp-s7comm/tests/traces/snap7.pcap"
OTHERS = [
    "ITI+ICS-Security-Tools/pcaps/EthernetIP/cip_start_plc.pcap",
    "ITI+ICS-Security-Tools/pcaps/EthernetIP/cip_stop_plc.pcap",
    "ITI+ICS-Security-Tools/pcaps/openics/EIP-RebootorRestart.pcap",
    "OISF+suricata-verify/tests/dnp3/dnp3-file-del/input.pcap",
    "cisagov+icsnpp-bacnet/testing/traces/bacnet_services.pcap",
]
ASKED_OF_OTHERS = (
    "(cip.rr == 0 && cip.sc in {2, 4, 5, 6, 7, 0x10})"
    " || dnp3.al.func in {2..12, 13..22, 24, 25, 27, 31}"
    " || (bacapp.type == 0 && bacapp.confirmed_service in {7..11, 15, 16, 17, 20, 27})"
)
SIEMENS = [
    f"ITI+ICS-Security-Tools/pcaps/s7/s7comm_{name}.pcap"
    for name in ("program_blocklist_onlineview", "reading_plc_status", "reading_setting_plc_time")
]
TALK: Talk = ("10.1.0.5", "10.1.0.9", "tcp", 102, "s7comm", "")
BACK: Talk = ("10.1.0.9", "10.1.0.5", "tcp", 50_000, "s7comm", "")
TALKS = TALK, BACK
SLMP_TALK: Talk = ("10.1.0.5", "10.1.0.9", "tcp", 5007, "slmp", "")
ASKS, ANSWERS = 0, 1
SETUP = s7(1, 1, b"\xf0\0\0\1\0\1\0\xf0")
STARTED = s7(3, 0x40, b"\x28", b"\0\0")
SET_UP = s7(3, 1, b"\xf0\0\0\1\0\1\0\xf0", b"\0\0")
VALUES = s7(3, 14, b"\4\1", b"\0\0")
LIST = s7(7, 20, b"\0\1\x12\x08\x12\x84\1\1\0\0\0\0")


def operations(packets: list[Packet]) -> tuple[Operation, ...]:
    return seen(packets).ledger().operations


def test_a_command_and_its_answer_are_an_operation() -> None:
    (one,) = operations(talk(102, ("c", SETUP), ("s", SET_UP), ("c", STOP), ("s", DONE)))
    assert (one.client, one.server, one.transport, one.port) == (CLIENT.address, SERVER.address, "tcp", 102)
    assert (one.protocol, one.service, one.access, one.status) == ("s7comm", "PLC Stop", "control", 0)
    assert (one.unit, one.subfunction, one.address, one.count) == (UNKNOWN,) * 4
    assert (one.times, one.answered) == (1, 1)
    assert one.response_ns_min == one.response_ns_max == one.response_ns_sum > 0
    assert sum(one.response_counts) == sum(window.times for window in one.course) == 1
    assert one.hours.bit_count() == 1
    assert one.evidence.packet == 6


def test_reading_values_is_none_and_a_refusal_has_its_code() -> None:
    assert operations(talk(102, ("c", SETUP), ("s", SET_UP), ("c", READ), ("s", VALUES))) == ()
    (one,) = operations(talk(102, ("c", STOP), ("s", REFUSED)))
    assert (one.status, one.refused) == (0xD204, True)


def test_what_is_not_answered_is_open_and_then_unanswered() -> None:
    (one,) = operations(talk(102, ("c", STOP)))
    assert (one.status, one.answered, one.response_counts) == (OPEN_AT_END, 0, ())
    again = operations(talk(102, ("c", STOP), ("c", STOP), ("s", DONE)))
    assert sorted(one.status for one in again) == [UNANSWERED, 0]


def test_only_one_direction_is_enough() -> None:
    packets = [
        packet
        for packet in talk(102, ("c", SETUP), ("s", SET_UP), ("c", STOP), ("s", DONE))
        if packet.data[6:12] == packets_sender()
    ]
    (one,) = operations(packets)
    assert (one.service, one.status) == ("PLC Stop", OPEN_AT_END)


def packets_sender() -> bytes:
    return bytes.fromhex(CLIENT.mac.replace(":", ""))


def test_who_answers_gives_no_commands() -> None:
    # A controller that takes a program sends jobs to who loads it: it asks for the parts.
    parts = [("s", s7(1, 77, bytes((function,)) + bytes(16))) for function in (0x1B, 0x1C)]
    assert operations(talk(102, ("c", SETUP), ("s", SET_UP), *parts)) == ()


def test_fins_by_datagrams_and_slmp_whose_answer_does_not_say_to_what() -> None:
    ways = ((CLIENT, SERVER), (50_000, 9600), FINS_STOP), ((SERVER, CLIENT), (9600, 50_000), FINS_STOPPED)
    packets = [
        udp_packet(WIRE, START_NS + number * 1_000_000, hosts, ports, data, number, "x")
        for number, (hosts, ports, data) in enumerate(ways)
    ]
    (one,) = operations(packets)
    assert (one.protocol, one.transport, one.service, one.status) == ("fins", "udp", "Stop", 0)
    read = bytes.fromhex("d00000ffff030004000000") + b"\1\2"
    for answer, status in ((SLMP_DONE, 0), (SLMP_REFUSED, 0xC059)):
        says = ("c", SLMP_READ), ("s", read), ("c", SLMP_STOP), ("s", answer), ("c", SLMP_READ), ("s", read)
        (one,) = operations(talk(5007, *says))
        assert (one.protocol, one.service, one.status) == ("slmp", "Remote Stop", status)


def test_a_message_before_it_hides_no_command_and_what_is_copied_is_its_own() -> None:
    long = s7(1, 15, b"\4\1\x12\x0a\x10\2\4\0\0\x0a\x84\0\0\0" + bytes(1_100))
    for before in (long, READ * 20, EMPTY * 60):
        (one,) = operations(talk(102, ("c", SETUP), ("s", SET_UP), ("c", before + STOP), ("s", DONE)))
        assert (one.service, one.status, one.evidence.packet) == ("PLC Stop", 0, 6)


def test_who_sends_a_command_is_its_client_whoever_opened_the_connection() -> None:
    # A controller that opens a connection of SLMP, or FINS in TCP, is commanded by who accepts it.
    (one,) = operations(talk(5007, ("s", SLMP_READ), ("c", SLMP_DONE), ("s", SLMP_STOP), ("c", SLMP_REFUSED)))
    assert (one.client, one.server, one.status) == (SERVER.address, CLIENT.address, 0xC059)
    # Peers of FINS have one port; an answer that nobody asked for comes first.
    ways = [(CLIENT, SERVER, FINS_STOPPED), (CLIENT, SERVER, FINS_STOP), (SERVER, CLIENT, FINS_STOPPED)]
    ways += [(SERVER, CLIENT, FINS_STOP), (CLIENT, SERVER, FINS_STOPPED)]
    packets = [
        udp_packet(WIRE, START_NS + number * 1_000_000, (a, b), (9600, 9600), data, number, "x")
        for number, (a, b, data) in enumerate(ways)
    ]
    found = operations(packets)
    assert {(one.client, one.server, one.port, one.service, one.status) for one in found} == {
        (CLIENT.address, SERVER.address, 9600, "Stop", 0),
        (SERVER.address, CLIENT.address, 9600, "Stop", 0),
    }


def test_of_answers_of_pccc_the_one_to_the_command_counts() -> None:
    values = unconnected(pccc_answer(0x1235, more=bytes(20)))
    polls = [("c", PCCC_READ), ("s", values)] * 3
    done = operations(talk(44818, *polls, ("c", PCCC_PROGRAM), ("s", values), ("s", PCCC_DONE), *polls))
    assert [(one.service, one.status, one.answered) for one in done] == [("Change Mode to Program", 0, 1)]
    (one,) = operations(talk(44818, *polls, ("c", PCCC_WRITE), ("s", PCCC_REFUSED)))
    assert (one.service, one.status, one.refused) == ("Program File Write", 0xF00B, True)
    assert operations(talk(44818, *polls, ("s", PCCC_DONE))) == ()


def test_frames_behind_the_first_of_a_connection_are_seen() -> None:
    for frames in (SLMP_READ + SLMP_STOP, SLMP_READ * 3 + SLMP_STOP_4E):
        (one,) = operations(talk(5007, ("c", frames)))
        assert (one.protocol, one.service) == ("slmp", "Remote Stop")


def test_an_answer_of_dnp3_is_one_to_the_number_of_the_command_alone() -> None:
    other = dnp3(129, 5, to=1, sender=10, more=b"\x80\1")
    polls = [("c", DNP3_READ), ("s", other)] * 3
    (one,) = operations(talk(20_000, *polls, ("c", DNP3_RESTART), ("s", other), *polls, ("s", DNP3_REFUSED)))
    assert (one.protocol, one.service, one.status, one.answered) == ("dnp3", "Cold Restart", 1, 1)


@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 1), (0, 0, 0), (1, 0, 0)])
def test_a_function_of_dnp3_in_another_frame_than_its_fragment_begins_in(sizes: tuple[int, ...]) -> None:
    first, *rest = dnp3_parts(13, 62, *sizes)
    status = dnp3_frame(b"", 0xC9)
    elsewhere = dnp3_parts(13, 62, 1, to=11)
    broken = rest[0][:-1] + b"?"
    strange = dnp3_parts(1, 40, 1)[1]
    for between in (
        [],
        [status],
        elsewhere[:1],
        [broken],
        [strange],
        [DNP3_READ[:9] + b"?" + DNP3_READ[10:]],
    ):
        frames = [DNP3_READ, first, *between, *rest]
        for packets in (
            talk(20000, *[("c", one) for one in frames]),
            talk(20000, ("c", b"".join(frames))),
            [
                udp_packet(WIRE, START_NS + n, (CLIENT, SERVER), (50_000, 20000), one, n, "x")
                for n, one in enumerate(frames)
            ],
        ):
            assert [(one.function, one.times) for one in operations(packets)] == [(13, 1)]
    # Others go on with it, and then it is none.
    assert operations(talk(20000, ("c", first), ("c", rest[-1][:10]), ("c", elsewhere[1]))) == ()


@pytest.mark.parametrize("sizes", [(1,), (3,), (10,), (12,), (22,), (0, 1), (1,) * 20, (0,) * 70 + (5,)])
def test_a_command_in_several_data_units_of_cotp(sizes: tuple[int, ...]) -> None:
    units = in_units(START, *sizes)
    for before in ([SETUP], []):
        for says in ([*before, *units], [*before, b"".join(units)], [b"".join([*before, *units])]):
            packets = talk(102, *[("c", one) for one in says], ("s", STARTED))
            assert [(one.service, one.status) for one in operations(packets)] == [("PLC Start", 0)], says


def test_data_units_that_the_receiver_did_not_take_hide_none() -> None:
    first, second, third = in_units(STOP, 4, 4)
    forged = second[:7] + bytes(len(second) - 7)
    ended = in_units(STOP, 4)[1][: len(second)]
    for decoy in (forged, ended, second[:6] + b"\x80" + second[7:]):
        for order in ((first, decoy, second, third), (first, second, decoy, third)):
            line = Line("s7comm").says(SETUP)
            at = line.following
            for unit in order:
                line.resends(at + len(first) * (unit is not first) + len(second) * (unit is third), unit)
            assert [one.service for one in line.operations()] == ["PLC Stop"]


def test_of_what_is_written_in_many_data_units_the_first_one_is_copied() -> None:
    long = s7(1, 15, b"\5\1\x12\x0a\x10\2\4\0\0\x0a\x84\0\0\0" + bytes(900))
    units = in_units(long, 400, 400)
    found = seen(talk(102, ("c", SETUP), *[("c", one) for one in units] * 30, ("c", STOP)))
    assert SHED not in found.counted
    told = sorted((one.service, one.times) for one in found.ledger().operations)
    assert told == [("PLC Stop", 1), ("Write Var", 1), ("Write Var", 29)]


def test_several_commands_of_one_packet_are_operations() -> None:
    services = b"\6\2\x20\x8e\x24\1", b"\7\2\x20\x8e\x24\1"
    found = operations(talk(44818, ("c", CIP_READ), ("c", connected(packed(*services), 9))))
    assert [(one.service, one.times) for one in found] == [("Start", 1), ("Stop", 1)]


@pytest.mark.parametrize(
    ("port", "payload", "name"),
    [
        (9600, b"\0" + FINS_STOP[1:], "Stop"),
        (9600, b"\x80\1\xff" + FINS_STOP[3:], "Stop"),
        (61451, SLMP_STOP + b"\0", "Remote Stop"),
        (47808, BACNET_RESTART + b"\0", "Reinitialize Device"),
        (47808, BACNET_RESTART[:2] + b"\0\4" + BACNET_RESTART[4:], "Reinitialize Device"),
    ],
)
def test_fields_that_a_receiver_does_not_look_at_hide_no_datagram(
    port: int, payload: bytes, name: str
) -> None:
    (one,) = operations([udp_packet(WIRE, START_NS, (CLIENT, SERVER), (50_000, port), payload, 1, "x")])
    assert one.service == name


def test_nor_do_they_hide_a_message_of_s7comm() -> None:
    for change in (slice(1, 2), slice(9, 11)):
        says = []
        for message in (SETUP, STOP):
            changed = bytearray(message)
            changed[change] = b"\1" * (change.stop - change.start)
            says.append(("c", bytes(changed)))
        assert [one.service for one in operations(talk(102, *says))] == ["PLC Stop"]


def test_frames_of_dnp3_that_go_on_use_up_no_room() -> None:
    file = dnp3_frame(b"\x05" + bytes(200))
    found = seen(talk(20000, ("c", DNP3_READ), *[("c", file)] * 700, ("c", dnp3(13, 3))))
    assert SHED not in found.counted
    assert [one.function for one in found.ledger().operations] == [13]


def test_an_answer_to_another_function_is_none() -> None:
    commands = Commands("x")
    assert list(commands.take("a", TALKS, STOP, place(0), ASKS)) == []
    assert list(commands.take("a", TALKS, s7(3, 0x3B, b"\x28", b"\x81\4"), place(1), ANSWERS)) == []
    (one,) = commands.take("a", TALKS, REFUSED, place(2), ANSWERS)
    assert one.status == 0xD204


def test_a_flood_of_what_devices_say_of_themselves_hides_no_command() -> None:
    says = [("c", SETUP), ("s", SET_UP)] + [("s", LIST)] * 700 + [("c", STOP), ("s", DONE)]
    assert [one.service for one in operations(talk(102, *says))] == ["PLC Stop"]


def test_a_second_has_a_budget_and_what_is_beyond_it_is_counted() -> None:
    says = [Say("client", SETUP, 1_000), Say("server", SET_UP, 1_000)]
    says += [Say("client", s7(1, n, STOP[17:]), 1_000) for n in range(SECOND_COMMANDS + 9)]
    hosts = CLIENT, SERVER
    found = seen(connection(WIRE, START_NS, hosts, (50_000, 102), says, Random(1), "x"))
    assert found.counted[SHED] == 9
    (one,) = found.ledger().operations
    assert one.times == SECOND_COMMANDS
    later = START_NS + 2 * SECOND_NS
    again = connection(
        WIRE, later, hosts, (50_001, 102), [says[0], Say("client", STOP, 1_000)], Random(2), "x"
    )
    found.frames((packet.time_ns, packet.data) for packet in again)
    assert found.counted[SHED] == 9


def place(time_ns: int, packet: int = 1) -> Place:
    return Place(time_ns, packet, 0)


def test_waiting_ends_by_time_and_by_room() -> None:
    commands = Commands("x")
    assert list(commands.take("a", TALKS, STOP, place(0), ASKS)) == []
    assert [one.status for one in commands.going_on()] == [OPEN_AT_END]
    assert commands.silent_since(WAIT_NS) == []
    assert [one.status for one in commands.silent_since(WAIT_NS + 1)] == [UNANSWERED]
    assert commands.going_on() == []
    left = [
        one
        for number in range(WAITING + 3)
        for one in commands.take(number, TALKS, COLD_START, place(number, number), ASKS)
    ]
    assert [(one.status, one.evidence) for one in left] == [
        (UNANSWERED, Evidence(number, "x", number, 0)) for number in range(3)
    ]
    ended = commands.finish(WAIT_NS + 1_000)
    assert len(ended) == WAITING
    assert {one.status for one in ended} == {UNANSWERED, OPEN_AT_END}
    assert commands.finish(0) == []


def test_an_answer_of_another_connection_or_reference_is_none() -> None:
    commands = Commands("x")
    assert list(commands.take("a", TALKS, STOP, place(0), ASKS)) == []
    assert list(commands.take("b", TALKS, DONE, place(1), ANSWERS)) == []
    assert list(commands.take("a", TALKS, s7(3, 1, b"\x29", b"\0\0"), place(1), ANSWERS)) == []
    (one,) = commands.take("a", TALKS, DONE, place(5), ANSWERS)
    assert (one.status, one.response_ns_sum) == (0, 5)


def asked_of_tshark(reader: Tshark, path: Path) -> list[int]:
    """The functions of jobs and of requests in user data that are commands, each time."""
    jobs = "s7comm.header.rosctr == 1 && s7comm.param.func in {5, 0x1a, 0x1d, 0x28, 0x29}"
    found = [
        int(line, 16)
        for line in reader.read(path, "-Y", jobs, "-T", "fields", "-e", "s7comm.param.func").split()
    ]
    fields = "s7comm.param.userdata.funcgroup", "s7comm.param.userdata.subfunc"
    shown = [option for field in fields for option in ("-e", field)]
    requests = "s7comm.param.userdata.type in {4, 7}"
    for line in reader.read(path, "-Y", requests, "-T", "fields", *shown).splitlines():
        group, function = (int(part, 0) for part in line.split("\t"))
        found += [group << 8 | function] if group << 8 | function in S7_USER_DATA else []
    return sorted(found)


@pytest.mark.parametrize("jobs", [1, 2])
def test_snap7_is_read_as_tshark_reads_it(corpus: Path, reader: Tshark, jobs: int, tmp_path: Path) -> None:
    path = corpus / SNAP7
    copy = tmp_path / "again.pcap"
    copy.write_bytes(path.read_bytes())
    paths = [str(path), str(copy)][:jobs]
    ledger = replay(paths, jobs=jobs).ledger
    found = sorted(one.function for one in ledger.operations for _ in range(one.times))
    assert found == sorted(asked_of_tshark(reader, path) * jobs)
    assert collect(operations=ledger.operations).operations == ledger.operations
    names = {one.service for one in ledger.operations}
    assert names == {
        "PLC Stop", "PLC Cold Start", "Start Upload", "Compress Memory", "Copy RAM to ROM", "Set Clock",
        "Write Var",
    }  # fmt: skip
    (clock,) = {(one.status, one.answered) for one in ledger.operations if one.service == "Set Clock"}
    assert clock == (0, jobs)


@pytest.mark.parametrize("name", SIEMENS)
def test_what_engineering_software_says_is_read_as_tshark_reads_it(
    corpus: Path, reader: Tshark, name: str
) -> None:
    ledger = replay([str(corpus / name)]).ledger
    found = sorted(one.function for one in ledger.operations for _ in range(one.times))
    assert found == asked_of_tshark(reader, corpus / name)


@pytest.mark.parametrize("name", OTHERS)
def test_commands_of_other_protocols_are_read_as_tshark_reads_them(
    corpus: Path, reader: Tshark, name: str
) -> None:
    fields = "cip.sc", "dnp3.al.func", "bacapp.confirmed_service"
    shown = [option for field in fields for option in ("-e", field)]
    lines = reader.read(corpus / name, "-Y", ASKED_OF_OTHERS, "-T", "fields", *shown).splitlines()
    # Of services in one packet each is told once.
    told = [{int(one, 0) for one in line.replace("\t", ",").split(",") if one} - {0x0A} for line in lines]
    wanted = sorted(one for packet in told for one in packet)
    ledger = replay([str(corpus / name)]).ledger
    assert sorted(one.function for one in ledger.operations for _ in range(one.times)) == wanted != []


D100 = slmp_device(0xA8, 100)


def set_to(*words: int) -> bytes:
    """A frame of SLMP that writes to D100 and what is behind it."""
    data = b"".join(word.to_bytes(2, "little") for word in words)
    return slmp_binary(0x1401, 0, D100 + len(words).to_bytes(2, "little") + data)


def values(packets: list[Packet]) -> dict[tuple[str, int, int], WrittenValue]:
    written = seen(packets).ledger().written
    return {(one.table, one.address, one.words): one for one in written}


def test_what_a_write_wrote_is_a_fact_and_what_was_refused_is_not_what_was_there() -> None:
    says = [("c", set_to(100)), ("s", SLMP_DONE), ("c", set_to(900)), ("s", SLMP_REFUSED), ("c", set_to(110))]
    (one,) = values(talk(5007, *says)).values()
    assert (one.client, one.server, one.port, one.protocol) == (CLIENT.address, SERVER.address, 5007, "slmp")
    assert (one.table, one.address, one.words, one.unit, one.times) == ("D", 100, 1, UNKNOWN, 3)
    assert {step.value - step.before for step in one.steps} == {800}
    assert one.changes[0].before == 100
    # What was refused was not there: the last step is one of 10.
    alone = values(talk(5007, *says[2:]))["D", 100, 1]
    assert alone.steps == ()


def test_a_write_that_goes_on_in_another_segment_is_read_as_far_as_it_is_there() -> None:
    message = set_to(*range(900))
    says = ("c", set_to(1)), ("s", SLMP_DONE), ("c", message[:1_400]), ("c", message[1_400:])
    found = values(talk(5007, *says))
    assert found["", UNKNOWN, 0].times == 1
    words = sorted(address for _, address, words in found if words == 1)
    assert words == list(range(100, 100 + len(words))) and 600 < len(words) < 900


def test_what_tcp_sends_again_is_no_other_write_but_where_it_says_something_else() -> None:
    def taken(*messages: bytes) -> tuple[list[Operation], list[WrittenValue]]:
        commands = Commands("a.pcap")
        operations = [
            one
            for number, message in enumerate(messages)
            for one in commands.take("a", (SLMP_TALK,) * 2, message, place(number, number + 1), ASKS, 500)
        ]
        return [*operations, *commands.finish(1)], commands.written()

    operations, written = taken(set_to(100), set_to(100))
    assert len(operations) == 1 and [one.times for one in written] == [1]
    operations, written = taken(set_to(100), set_to(900))
    assert len(operations) == 1 and [extreme.value for extreme in written[0].extremes[:2]] == [100, 900]


def test_writes_beyond_the_budget_of_a_flow_are_counted_and_not_read() -> None:
    says = [Say("client", set_to(n), 1_000) for n in range(100)]
    found = seen(connection(WIRE, START_NS, (CLIENT, SERVER), (50_000, 5007), says, Random(1), "x"))
    (one,) = found.ledger().written
    assert one.times < 100 and one.times + found.counted[SHED] == 100
