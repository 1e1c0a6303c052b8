"""What clients and servers say to each other: each function gives one capture."""

from __future__ import annotations

from random import Random

from tests.truth.capture import Capture, capture, packets
from tests.truth.messages import (
    Message,
    diagnose,
    opaque,
    public,
    read_bits,
    read_registers,
    write_registers,
    write_single,
)
from tests.truth.segmentation import bursts, some_messages
from tests.truth.talk import (
    MASTER_PORT,
    MILLISECOND,
    POLL_NS,
    SECOND,
    SERVER,
    Segment,
    Talk,
    cut,
    handshake,
    whole,
)

EXCEPTIONS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)
"""Section 7 of the application protocol."""
USER_DEFINED = (*range(65, 73), *range(100, 111))
RESERVED = (9, 10, 13, 14, 41, 42, 91, 125, 126, 127)


def every_function() -> Capture:
    """Every public function and UMAS, answered well and refused with each exception."""
    talk = Talk("every function")
    refused = Talk("every function refused", MASTER_PORT + 1)
    for i, message in enumerate(public()):
        talk.poll(message, unit=i % 248)
        refused.poll(message, exception=EXCEPTIONS[i % len(EXCEPTIONS)])
    for exception in EXCEPTIONS:
        refused.poll(public()[6], exception=exception)
    return capture("every function", packets(talk, whole(talk)), packets(refused, whole(refused)))


def user_defined_functions() -> Capture:
    """Codes that a maker may give a meaning: nothing is wrong with them."""
    talk = Talk("user-defined functions")
    for i, function in enumerate(USER_DEFINED):
        talk.poll(opaque(function, bytes(range(1 + i)), bytes(range(2 + i))))
        talk.poll(opaque(function), exception=1)
    return capture("user-defined functions", packets(talk, whole(talk)))


def reserved_functions() -> Capture:
    """Codes without a meaning are transactions as others, and facts of their own."""
    talk = Talk("reserved and unassigned functions")
    for function in (*RESERVED, 18, 19, 25, 40, 44, 64, 73, 89, 92, 99, 111, 124):
        talk.poll(opaque(function))
        talk.poll(opaque(function), exception=1)
    return capture("functions without meaning", packets(talk, whole(talk)), anomalies=["function"])


def over_udp() -> Capture:
    """Every function over UDP, IPv4 and IPv6; and a server that is asked by two clients."""
    made = []
    hosts = (("10.0.1.10", "10.0.2.17"), ("10.0.1.11", "10.0.2.17"), ("fd00:1::10", "fd00:2::17"))
    for client, server in hosts:
        talk = Talk(f"UDP from {client}", 50_502, client, server, transport="udp")
        for i, message in enumerate(public()):
            talk.poll(message, unit=i % 5, exception=EXCEPTIONS[i % 10] if i % 7 == 0 else 0)
        made.append(packets(talk, talk.segments))
    return capture("Modbus over UDP", *made)


def lost_datagrams() -> Capture:
    """Requests and responses over UDP that are missing: nothing tells of it but the rows."""
    talk = Talk("UDP with losses", 50_502, transport="udp")
    for message in some_messages(60, 3):
        talk.poll(message)
    random = Random(4)
    kept = [s for s in talk.segments if random.random() > 0.25]
    return capture("lost datagrams", packets(talk, kept))


def serial_framing() -> Capture:
    """RTU frames in TCP, on Modbus's port and on another: a gateway that passes on a serial line."""
    made = []
    for number, port in enumerate((502, 4001)):
        talk = Talk(f"RTU over TCP port {port}", MASTER_PORT + number, server_port=port, framing="rtu")
        for i, message in enumerate(public()):
            talk.poll(message, unit=1 + i % 247, exception=EXCEPTIONS[i % 10] if i % 7 == 3 else 0)
        made.append(packets(talk, whole(talk)))
    return capture("RTU over TCP", *made)


def serial_framing_cut() -> Capture:
    """The same cut at every byte, for the functions that tell how long their frames are."""
    made = []
    messages = (
        read_registers(3, 107, 3, Random(1)),
        write_single(6, 1, 3),
        write_registers(1, 5, Random(2)),
        read_bits(2, 0, 100, Random(3)),
    )
    for message in messages:
        for which in (2, 3):
            size = 3 + len(message.request if which == 2 else message.response)
            for place in range(1, size):
                talk = Talk(f"{message.name} cut at {place}", MASTER_PORT + len(made), framing="rtu")
                for _ in range(3):
                    talk.poll(message, unit=17)
                segments = list(talk.segments)
                segments[which : which + 1] = cut(segments[which], [place])
                made.append(packets(talk, whole(talk, segments)))
    return capture("RTU frames cut", *made)


def one_transaction_id() -> Capture:
    """Masters that use the same transaction id for all requests: one after the other, and up to
    thirty at once, which the server answers in order."""
    made = []
    for number, identity in enumerate((0, 1, 65_535)):
        talk = Talk(f"always transaction {identity}", MASTER_PORT + number)
        for message in some_messages(20, identity):
            talk.poll(message, transaction=identity)
        made.append(packets(talk, whole(talk)))
    for amount in (2, 5, 30):
        for alike in (True, False):
            talk = Talk(
                f"{amount} at once, {'alike' if alike else 'different'}",
                MASTER_PORT + 10 + 2 * amount + alike,
            )
            random = Random(amount)
            for _ in range(4):
                numbers = [
                    talk.ask(
                        read_registers(3, 7 if alike else 10 * i, 4 if alike else 1 + i, random),
                        transaction=0,
                    )
                    for i in range(amount)
                ]
                talk.now += 3 * MILLISECOND
                for each in numbers:
                    talk.answer(each)
                    talk.now += MILLISECOND // 10
                talk.now += POLL_NS
            made.append(packets(talk, whole(talk)))
    return capture("one transaction id for all", *made)


def transaction_ids_wrap() -> Capture:
    """The transaction id goes from 65535 to 0."""
    talk = Talk("transaction ids wrap")
    for i in range(65_530, 65_542):
        talk.poll(read_registers(3, i - 65_000, 2, Random(i)), transaction=i % 65_536)
    return capture("transaction ids wrap", packets(talk, whole(talk)))


def unanswered() -> Capture:
    """A server answers some requests only; the client goes on with the next transaction id, or asks
    again with the same one after a second and gets its answer then."""
    made = []
    talk = Talk("every third unanswered")
    for i, message in enumerate(some_messages(30, 9)):
        number = talk.ask(message)
        talk.now += 2 * MILLISECOND
        if i % 3:
            talk.answer(number)
        talk.now += SECOND if i % 3 == 0 else POLL_NS
    made.append(packets(talk, whole(talk)))
    talk = Talk("asked again with the same id", MASTER_PORT + 1)
    for i in range(10):
        message = read_registers(3, 100, 10, Random(i))
        if i % 2:
            talk.ask(message, transaction=7)
            talk.now += SECOND
        talk.poll(message, transaction=7)
    made.append(packets(talk, whole(talk)))
    talk = Talk("nobody answers", MASTER_PORT + 2)
    for message in public():
        talk.ask(message)
        talk.now += SECOND
    made.append(packets(talk, whole(talk)))
    talk = Talk("listen only mode is not answered", MASTER_PORT + 3)
    talk.ask(diagnose(4))
    talk.now += SECOND
    talk.poll(diagnose(1))
    made.append(packets(talk, whole(talk)))
    return capture("unanswered requests", *made)


def answers_out_of_order() -> Capture:
    """A server with several workers answers pipelined requests as they are done."""
    made = []
    for number in range(10):
        talk = Talk(f"out of order {number}", MASTER_PORT + number)
        random = Random(number)
        for _ in range(5):
            numbers = []
            for message in random.choices(public(), k=12):
                numbers.append(talk.ask(message))
                talk.now += MILLISECOND // 5
            random.shuffle(numbers)
            for each in numbers:
                talk.now += MILLISECOND // 3
                talk.answer(each, exception=random.choice((0, 0, 0, 4)))
            talk.now += POLL_NS
        made.append(packets(talk, whole(talk)))
    return capture("responses out of order", *made)


def sixty_waiting() -> Capture:
    """Sixty requests wait at once, and are answered last first."""
    talk = Talk("sixty at once")
    numbers = [talk.ask(read_registers(4, i, 1 + i % 100, Random(i))) for i in range(60)]
    talk.now += MILLISECOND
    for number in reversed(numbers):
        talk.answer(number)
        talk.now += MILLISECOND // 10
    return capture("sixty requests wait", packets(talk, whole(talk)))


def late_answers() -> Capture:
    """A response comes two seconds late, when others have been asked and answered."""
    talk = Talk("late answers")
    for _ in range(4):
        slow = talk.ask(read_registers(3, 500, 20, Random(1)))
        talk.now += 10 * MILLISECOND
        for message in some_messages(10, 2):
            talk.poll(message)
        talk.now += 2 * SECOND
        talk.answer(slow)
        talk.now += POLL_NS
    return capture("answers after two seconds", packets(talk, whole(talk)))


def gateway() -> Capture:
    """A gateway to a serial line: the same transaction id for several units, answered in another
    order, and by the gateway itself where a unit is silent (exceptions 10 and 11)."""
    talk = Talk("gateway")
    random = Random(5)
    for again in range(6):
        numbers = [
            talk.ask(read_registers(3, 100, 6, random), unit=unit, transaction=again)
            for unit in (1, 2, 17, 247)
        ]
        for number in random.sample(numbers, len(numbers)):
            talk.now += 7 * MILLISECOND
            talk.answer(number, exception=random.choice((0, 0, 10, 11)))
        talk.now += POLL_NS
    return capture("gateway with units", packets(talk, whole(talk)))


def alike_clients() -> Capture:
    """Clients that differ in one thing only: address, port, server or server's port."""
    base = ("10.0.1.10", 50_000, "10.0.2.17", 502)
    ends = [base, ("10.0.1.11", *base[1:]), (base[0], 50_001, *base[2:]), (*base[:2], "10.0.2.18", 502)]
    ends += [(*base[:3], 1502), (base[2], base[1], base[0], base[3]), ("10.0.1.12", 502, "10.0.2.17", 502)]
    ends += [("fe80::1", 50_000, "fe80::2", 502), ("2001:db8::1", 50_000, "fe80::1", 502)]
    made = []
    for i, (client, port, server, server_port) in enumerate(ends):
        talk = Talk(f"alike {i}", port, client, server, server_port)
        for j in range(8):
            talk.poll(read_registers(3, 100 * i + j, 4, Random(j)))
        made.append(packets(talk, whole(talk)))
    return capture("clients that are alike", *made)


def server_connects() -> Capture:
    """Devices behind a mobile network connect to their master, who then asks: port 502 is the
    master's, and the one who connected answers."""
    talk = Talk("the master is called", 502, "10.0.2.17", "10.0.1.10", MASTER_PORT)
    for i in range(10):
        talk.poll(read_registers(3, 10 * i, 5, Random(i)))
    opened = [
        Segment(s.time_ns, 1 - s.sender, s.start, s.end, s.acknowledged, s.flags) for s in handshake(talk)
    ]
    return capture("the server connects", packets(talk, [*opened, *talk.segments]))


def many_conversations() -> Capture:
    """Eight hundred conversations at a time, each with pipelined requests in a few segments."""
    made = []
    for number in range(800):
        talk = Talk(
            f"conversation {number}", 1024 + number, f"10.1.{number // 250}.{1 + number % 250}",
            f"10.2.0.{1 + number % 7}",
        )  # fmt: skip
        talk.now += number * MILLISECOND // 50
        numbers = [talk.ask(message) for message in some_messages(3, number % 11)]
        talk.now += 40 * MILLISECOND
        for each in numbers:
            talk.answer(each)
        pieces = [p for s in bursts(talk) for p in cut(s, [17])]
        made.append(packets(talk, handshake(talk) + pieces))
    return capture("many conversations", *made)


def nothing_but_server() -> Capture:
    """A server speaks after its handshake, and the client's requests were sent before the capture."""
    talk = Talk("answers first")
    first = talk.ask(Message("3", b"\x03\x00\x01\x00\x02", b"\x03\x04\x00\x01\x00\x02", 1, 2))
    talk.now += MILLISECOND
    talk.answer(first)
    for message in some_messages(5, 1):
        talk.now += POLL_NS
        talk.poll(message)
    kept = [s for s in talk.segments if s.sender == SERVER or s.start > 0]
    return capture("first request before the capture", packets(talk, kept))


SCENARIOS = (
    every_function,
    user_defined_functions,
    reserved_functions,
    over_udp,
    lost_datagrams,
    serial_framing,
    serial_framing_cut,
    one_transaction_id,
    transaction_ids_wrap,
    unanswered,
    answers_out_of_order,
    sixty_waiting,
    late_answers,
    gateway,
    alike_clients,
    server_connects,
    many_conversations,
    nothing_but_server,
)
