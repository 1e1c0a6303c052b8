"""What TCP may do with messages on their way: each function gives one capture.

Sources: RFC 9293, 3.4 (sequence numbers), 3.8 (retransmission, keep-alives, zero windows), 3.10.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.truth.capture import Capture, Packet, capture, packets
from tests.truth.frames import ACK, SYN
from tests.truth.messages import Message, public, read_bits, read_registers, write_registers
from tests.truth.talk import (
    CLIENT,
    MASTER_PORT,
    MICROSECOND,
    MILLISECOND,
    POLL_NS,
    SECOND,
    SERVER,
    Segment,
    Talk,
    acknowledgment,
    cut,
    ending,
    handshake,
    join,
    reordered,
    reset,
    whole,
)


def some_messages(amount: int, seed: int) -> list[Message]:
    """Messages of many kinds and sizes."""
    return Random(seed).choices(public(seed), k=amount)


def polling(name: str, number: int, amount: int = 4, seed: int = 7) -> Talk:
    """A conversation of `amount` polls; `number` gives it a port of its own."""
    talk = Talk(name, MASTER_PORT + number)
    for message in some_messages(amount, seed + number):
        talk.poll(message)
    return talk


def pipelining(name: str, number: int, amount: int = 12, seed: int = 7) -> Talk:
    """A conversation whose client asks `amount` times before the server answers it all."""
    talk = Talk(name, MASTER_PORT + number)
    numbers = [talk.ask(message) for message in some_messages(amount, seed + number)]
    talk.now += 2 * MILLISECOND
    for each in numbers:
        talk.answer(each)
    talk.now += POLL_NS
    return talk


def bursts(talk: Talk) -> tuple[Segment, Segment]:
    """All that the client says as one segment, and all that the server says."""
    requests, responses = join(talk.segments)
    return requests, responses


def cuts_at_every_byte() -> Capture:
    """The second of three exchanges is cut in two, at each place of its request or response."""
    random = Random(1)
    messages = (
        read_registers(3, 10, 10, random),
        write_registers(40, 123, random),
        read_bits(1, 0, 2000, random),
    )
    made: list[list[Packet]] = []
    for message in messages:
        for which in (2, 3):
            size = 7 + len(message.request if which == 2 else message.response)
            for place in range(1, size):
                who = ("request", "response")[which - 2]
                talk = Talk(f"{message.name}, {who} cut at {place}", MASTER_PORT + len(made))
                for _ in range(3):
                    talk.poll(message)
                segments = list(talk.segments)
                segments[which : which + 1] = cut(segments[which], [place])
                made.append(packets(talk, whole(talk, segments)))
    return capture("cuts at every byte", *made)


def two_cuts() -> Capture:
    """One exchange is cut in three, at each two places of its request, and of its response."""
    message = read_registers(4, 7, 7, Random(2))
    made: list[list[Packet]] = []
    for which in (2, 3):
        size = 7 + len(message.request if which == 2 else message.response)
        for a in range(1, size):
            for b in range(a + 1, size):
                talk = Talk(f"segment {which} cut at {a} and {b}", MASTER_PORT + len(made))
                for _ in range(3):
                    talk.poll(message)
                segments = list(talk.segments)
                segments[which : which + 1] = cut(segments[which], [a, b])
                made.append(packets(talk, whole(talk, segments)))
    return capture("two cuts", *made)


def one_byte_segments() -> Capture:
    """Every byte has a segment of its own, and one that was captured without its handshake too."""
    made = []
    for number in range(2):
        talk = polling(f"byte by byte {number}", number, 12)
        segments = [piece for s in talk.segments for piece in cut(s, range(1, s.end - s.start))]
        made.append(packets(talk, whole(talk, segments) if number == 0 else segments))
    return capture("segments of one byte", *made)


def messages_in_one_segment() -> Capture:
    """From two to thirty requests in a segment, and their responses in another."""
    made = []
    for amount in range(2, 31):
        talk = Talk(f"{amount} messages", MASTER_PORT + amount)
        random = Random(amount)
        numbers = [talk.ask(read_registers(3, i, 1 + i % 5, random)) for i in range(amount)]
        talk.now += MILLISECOND
        for number in numbers:
            talk.answer(number)
        talk.now += MILLISECOND
        made.append(packets(talk, whole(talk, bursts(talk))))
    return capture("several messages in a segment", *made)


def segments_of_every_size() -> Capture:
    """A stream of many messages in segments of 1, 2, 3 ... bytes, whatever the messages' ends."""
    made = []
    for size in range(1, 121):
        talk = pipelining(f"segments of {size} bytes", size)
        pieces = [p for s in bursts(talk) for p in cut(s, range(size, s.end - s.start, size))]
        made.append(packets(talk, whole(talk, pieces)))
    return capture("segments of every size", *made)


def retransmitted() -> Capture:
    """Each segment comes twice: at once, after the answer, or when the sender's timer has run out."""
    made = []
    for number, after in enumerate(
        (200 * MICROSECOND, MILLISECOND, 5 * MILLISECOND, 210 * MILLISECOND, SECOND)
    ):
        talk = polling(f"again after {after} ns", number, 6)
        again = [replace(s, time_ns=s.time_ns + after) for s in talk.segments]
        segments = sorted([*talk.segments, *again], key=lambda s: s.time_ns)
        made.append(packets(talk, whole(talk, segments)))
    return capture("exact retransmissions", *made)


def overlapping() -> Capture:
    """Retransmissions begin earlier, end later, or lie inside what was sent."""
    made = []
    for number in range(40):
        random = Random(number)
        talk = pipelining(f"overlaps {number}", number)
        segments: list[Segment] = []
        for burst in bursts(talk):
            size, reached, now = burst.end - burst.start, 0, burst.time_ns
            while reached < size:
                start = max(0, reached - random.choice((0, 1, 3, 7, 20, 60)))
                end = min(size, start + random.choice((1, 4, 12, 30, 90)))
                segments.append(replace(burst, time_ns=now, start=start, end=end))
                reached = max(reached, end)
                now += 10 * MICROSECOND
        made.append(packets(talk, whole(talk, segments)))
    return capture("partial retransmissions", *made)


def retransmitted_with_more() -> Capture:
    """A sender that repeats what it sent adds what it has got to say since (RFC 9293, 3.8.6)."""
    made = []
    for first in range(1, 40):
        talk = pipelining(f"more than {first} bytes", first)
        segments = [
            piece
            for burst in bursts(talk)
            for piece in (
                replace(burst, end=burst.start + first),
                replace(burst, time_ns=burst.time_ns + MILLISECOND // 2, end=burst.start + 2 * first),
                replace(burst, time_ns=burst.time_ns + MILLISECOND),
            )
        ]
        made.append(packets(talk, whole(talk, segments)))
    return capture("retransmissions with more data", *made)


def retransmitted_otherwise() -> Capture:
    """A retransmission that says something else than the bytes that came first changes nothing."""
    made = []
    for number in range(8):
        talk = polling(f"other bytes {number}", number, 6)
        segments = []
        for s in talk.segments:
            other = bytes(octet ^ 0x55 for octet in talk.streams[s.sender][s.start : s.end])
            segments += [s, replace(s, time_ns=s.time_ns + MILLISECOND, payload=other)]
        made.append(packets(talk, whole(talk, segments)))
    return capture("retransmissions of other bytes", *made)


def adjacent_swaps() -> Capture:
    """Each two neighbours of a burst change places, for segments of several sizes."""
    made = []
    for number, size in enumerate((3, 5, 7, 12, 20, 33, 64)):
        for odd in (0, 1):
            talk = pipelining(f"segments of {size}, swapped from {odd}", 2 * number + odd)
            segments = []
            for burst in bursts(talk):
                pieces = list(cut(burst, range(size, burst.end - burst.start, size)))
                order = list(range(len(pieces)))
                for i in range(odd, len(order) - 1, 2):
                    order[i], order[i + 1] = order[i + 1], order[i]
                segments += reordered(pieces, order)
            made.append(packets(talk, whole(talk, segments)))
    return capture("neighbours swapped", *made)


def far_reordering() -> Capture:
    """Segments come many places late, in reverse, or at random; the receiver asks for them."""
    made = []
    for number in range(24):
        random = Random(number)
        talk = pipelining(f"far {number}", number, 24)
        segments = []
        for burst in bursts(talk):
            pieces = list(cut(burst, range(30, burst.end - burst.start, 30)))
            order = list(range(len(pieces)))
            if number % 3 == 0:
                order.insert(min(25, len(order) - 1), order.pop(random.randrange(2)))
            elif number % 3 == 1:
                order = [i for k in range(0, len(order), 8) for i in reversed(order[k : k + 8])]
            else:
                random.shuffle(order)
            moved = reordered(pieces, order)
            segments += moved
            if number % 2:
                reached = 0
                for piece in moved:
                    reached = max(reached, piece.end if piece.start <= reached else 0)
                    segments.append(
                        replace(
                            acknowledgment(piece), acknowledged=reached, time_ns=piece.time_ns + MICROSECOND
                        )
                    )
        segments.sort(key=lambda s: s.time_ns)
        made.append(packets(talk, whole(talk, segments)))
    return capture("far reordering", *made)


def acknowledged_before_seen() -> Capture:
    """The mirror shows an acknowledgment before the last segment that it acknowledges."""
    made = []
    for number in range(6):
        talk = polling(f"acknowledged early {number}", number, 6)
        segments = []
        for s in talk.segments:
            pieces = list(cut(s, [5])) if number % 2 else [s]
            early = replace(acknowledgment(s), time_ns=pieces[-1].time_ns - MICROSECOND)
            segments += [*pieces, early]
        segments.sort(key=lambda s: s.time_ns)
        made.append(packets(talk, whole(talk, segments)))
    return capture("acknowledged before seen", *made)


def sequence_wrap() -> Capture:
    """The sequence numbers pass 2**32 at every byte of a stream, in segments of several sizes, in
    order and not."""
    made = []
    for before in range(1, 121):
        talk = pipelining(f"wraps after {before} bytes", before, 6)
        talk.isn = (2**32 - before, 2**32 - 2 * before)
        size = (5, 12, 40, 1460)[before % 4]
        segments = []
        for burst in bursts(talk):
            pieces = list(cut(burst, range(size, burst.end - burst.start, size)))
            order = list(range(len(pieces)))
            if before % 3 == 0:
                order = [i for k in range(0, len(order), 2) for i in reversed(order[k : k + 2])]
            segments += reordered(pieces, order)
            if before % 5 == 0:
                segments.append(replace(segments[-1], time_ns=segments[-1].time_ns + 100 * MICROSECOND))
        made.append(packets(talk, whole(talk, segments)))
    return capture("sequence numbers pass 2**32", *made)


def starts_in_the_middle() -> Capture:
    """The capture begins inside a message, at each of its bytes: a request's or a response's."""
    message = read_registers(3, 100, 12, Random(3))
    made: list[list[Packet]] = []
    for which in (0, 1):
        size = 7 + len(message.request if which == 0 else message.response)
        for place in range(size):
            talk = Talk(f"begins at byte {place} of segment {which}", MASTER_PORT + len(made))
            for _ in range(4):
                talk.poll(message)
            first = talk.segments[which]
            segments = [replace(first, start=first.start + place), *talk.segments[which + 1 :]]
            made.append(packets(talk, segments))
    return capture("starts in the middle", *made)


def starts_in_a_burst() -> Capture:
    """The capture begins inside a message which others follow in the same segment."""
    made = []
    for place in range(1, 60):
        talk = pipelining(f"begins at byte {place}", place, 20)
        requests, responses = bursts(talk)
        made.append(packets(talk, [replace(requests, start=place), replace(responses, start=2 * place)]))
    return capture("starts inside a burst", *made)


def other_port_from_the_middle() -> Capture:
    """A server on a port that is not Modbus's, seen from its middle: first a request, or a response."""
    made = []
    for number, (skipped, ports) in enumerate(
        (s, p)
        for s in (0, 1, 2, 3)
        for p in ((49_300, 1502), (1502, 49_300), (30_000, 5020), (40_000, 50_200))
    ):
        talk = Talk(f"{ports} without {skipped} segments", ports[0] + number, server_port=ports[1])
        random = Random(number)
        for _ in range(5):
            talk.poll(read_registers(3, 10, 8, random))
        made.append(packets(talk, talk.segments[skipped:]))
    return capture("another port, from the middle", *made)


def lost_segments() -> Capture:
    """A segment is missing, any one of some twenty: all that lies in the others is found, whether
    the segment held a message, several, or parts of two."""
    made: list[list[Packet]] = []
    for size in (0, 9, 12, 30, 100):
        for lost in range(1, 20):
            talk = Talk(f"segments of {size} without number {lost}", MASTER_PORT + len(made))
            for i in range(12):
                talk.poll(read_registers(3, 100 * i + 7, 9, Random(lost)), unit=5)
            pieces = talk.segments
            if size:
                pieces = [p for s in pieces for p in cut(s, range(size, s.end - s.start, size))]
            made.append(packets(talk, whole(talk, [p for i, p in enumerate(pieces) if i != lost])))
    return capture("a lost segment in polling", *made, anomalies=["lost-bytes"])


def lost_in_bursts() -> Capture:
    """Segments are missing in bursts that were cut anywhere; the receiver acknowledges all."""
    made: list[list[Packet]] = []
    for size in (40, 130, 300):
        for lost in range(6):
            talk = Talk(f"bursts in segments of {size} without number {lost}", MASTER_PORT + len(made))
            for again in range(3):
                random = Random(10 * again + lost)
                numbers = [talk.ask(read_registers(4, 30 * i + again, 5, random)) for i in range(10)]
                talk.now += 10 * MILLISECOND
                for number in numbers:
                    talk.answer(number)
                talk.now += 10 * MILLISECOND
            segments: list[Segment] = []
            for i, burst in enumerate(join(talk.segments)):
                pieces = list(cut(burst, range(size, burst.end - burst.start, size)))
                if i in (0, 3) and len(pieces) > 1:
                    del pieces[lost % (len(pieces) - 1)]
                segments += [*pieces, acknowledgment(pieces[-1])]
            made.append(packets(talk, whole(talk, segments)))
    return capture("lost segments in bursts", *made, anomalies=["lost-bytes"])


def one_direction() -> Capture:
    """Only the client's packets are there, or only the server's, from the middle."""
    made = []
    for number, seen in enumerate((CLIENT, SERVER)):
        talk = Talk(f"only sender {seen}", MASTER_PORT + number)
        for message in public():
            talk.poll(message)
        made.append(packets(talk, [s for s in talk.segments if s.sender == seen]))
    return capture("one direction", *made)


def one_direction_with_handshake() -> Capture:
    """The same from the handshake on: what was not captured is nobody's misbehaviour."""
    made = []
    for number, seen in enumerate((CLIENT, SERVER)):
        talk = polling(f"only sender {seen}", number, 20)
        made.append(packets(talk, [s for s in whole(talk) if s.sender == seen]))
    return capture("one direction with its handshake", *made)


def keep_alives_and_windows() -> Capture:
    """Keep-alives without and with a byte, their answers, zero windows and probes with one byte of
    new data, bare acknowledgments everywhere."""
    talk = Talk("keep-alives and windows")
    segments: list[Segment] = []
    for i, message in enumerate(some_messages(12, 5)):
        talk.poll(message)
        request, response = talk.segments[-2:]
        first = request.end - 1
        alive = replace(request, time_ns=request.time_ns + 5 * MILLISECOND, start=first, end=first, flags=ACK)
        garbage = replace(alive, time_ns=alive.time_ns + MILLISECOND, end=request.end, payload=b"\0")
        shut = replace(acknowledgment(response), window=0)
        probe = replace(response, end=response.start + 1, flags=ACK)
        full = replace(response, time_ns=response.time_ns + 2 * MILLISECOND)
        answers = [acknowledgment(request), acknowledgment(alive), acknowledgment(garbage)]
        segments += [request, alive, garbage, *answers[: 1 + i % 3], probe, shut, full]
    segments.sort(key=lambda s: s.time_ns)
    return capture("keep-alives and zero windows", packets(talk, whole(talk, segments)))


def resets_and_endings() -> Capture:
    """Connections end by FIN, by RST from either end, in the middle of a message, or not at all;
    requests that wait then are unanswered."""
    made = []
    for number in range(8):
        talk = polling(f"ending {number}", number, 3)
        talk.ask(read_registers(3, 1, 1, Random(1)))
        talk.now += MILLISECOND
        segments = handshake(talk) + talk.segments
        if number % 2:
            segments[-1:] = list(cut(segments[-1], [9]))[:1]
            segments.append(replace(reset(talk, SERVER), start=len(talk.streams[SERVER])))
        elif number % 4 == 0:
            segments += ending(talk)
        else:
            segments.append(reset(talk, CLIENT if number > 4 else SERVER))
        made.append(packets(talk, segments))
    return capture("endings", *made)


def ports_used_again() -> Capture:
    """New connections on the same addresses and ports, after FIN, after RST, and after nothing; with
    near, far and smaller sequence numbers, and transaction ids that begin anew."""
    made = []
    now = 0
    for number in range(12):
        talk = Talk(f"connection {number} on the same ports")
        talk.now = talk.now + now
        talk.isn = ((5_000, 9_000), (5_000_000, 100), (4_294_967_000, 4_294_960_000))[number % 3]
        talk.isn = (talk.isn[0] + 100_000 * number, talk.isn[1] + 7_000 * number)
        for message in some_messages(5, number):
            talk.poll(message)
        if number % 2:
            talk.ask(some_messages(1, number)[0])
        segments = handshake(talk) + talk.segments
        if number % 3 == 0:
            segments += ending(talk)
        elif number % 3 == 1:
            segments.append(reset(talk, SERVER))
        made.append(packets(talk, segments))
        now += 3 * SECOND
    return capture("ports used again", *made)


def repeated_handshake() -> Capture:
    """SYN and SYN+ACK are sent again, and data comes with the handshake's last ACK."""
    talk = polling("handshake again", 0)
    opened = handshake(talk)
    again = [replace(s, time_ns=s.time_ns + 300 * MICROSECOND) for s in opened if s.flags & SYN]
    segments = sorted([*opened[:2], *again, *talk.segments, *ending(talk)], key=lambda s: s.time_ns)
    return capture("handshake repeated", packets(talk, segments))


SCENARIOS = (
    cuts_at_every_byte,
    two_cuts,
    one_byte_segments,
    messages_in_one_segment,
    segments_of_every_size,
    retransmitted,
    overlapping,
    retransmitted_with_more,
    retransmitted_otherwise,
    adjacent_swaps,
    far_reordering,
    acknowledged_before_seen,
    sequence_wrap,
    starts_in_the_middle,
    starts_in_a_burst,
    other_port_from_the_middle,
    lost_segments,
    lost_in_bursts,
    one_direction,
    one_direction_with_handshake,
    keep_alives_and_windows,
    resets_and_endings,
    ports_used_again,
    repeated_handshake,
)
