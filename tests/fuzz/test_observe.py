"""The whole packet path on any bytes: interpreted it reads nothing out of range, and it gives what
the compiled kernels do.

Interpreted, an array has exact bounds: a frame lies in a buffer of its own length, and each read or
write outside any table raises.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from otmon.lab.frames import Host, Say, Wire, connection, udp_packet
from otmon.lab.frames import Packet as LabPacket
from tests.identity.test_question import asked
from tests.ledger.seen import Seen
from tests.protocols.test_commands import (
    ANSWERED,
    CIP_READ,
    CIP_STOP,
    COLD_START,
    DNP3_READ,
    DNP3_RESTART,
    DONE,
    FINS_READ,
    FINS_STOP,
    FINS_STOPPED,
    FINS_TCP,
    IEC104_READ,
    IEC104_RESET,
    READ,
    REFUSED,
    SLMP_DONE,
    SLMP_DONE_4E,
    SLMP_READ,
    SLMP_STOP,
    SLMP_STOP_4E,
    STOP,
    UPLOAD,
)
from tests.truth import dialogue, segmentation, wrapping
from tests.truth.capture import Capture, Packet
from tests.truth.frames import PLAIN

ROOT = Path(__file__).resolve().parents[2]
LINKTYPES = (0, 1, 9, 101, 108, 113, 228, 276)
CAPTURES = (
    dialogue.SCENARIOS[0](), wrapping.every_link_at_once(), wrapping.ip_fragments(), wrapping.ip_options(),
    segmentation.far_reordering(), segmentation.overlapping(), segmentation.ports_used_again(),
    segmentation.lost_in_bursts(), segmentation.keep_alives_and_windows(),
)  # fmt: skip


HOSTS = Host("client", "10.1.0.5", "00:01:fc:30:01:10"), Host("names", "10.1.0.53", "00:01:fc:30:01:53")


def questions() -> Capture:
    """To a name server, over UDP and TCP: labels of all lengths, and types whose answers hold anything."""
    wire, start_ns, made = Wire(core="00:00:cd:10:00:01", firewall="00:09:0f:20:00:01"), 10**18, []
    for n in range(64):
        message = asked(f"{'ab' * (n // 4 + 14)}.example.com" if n % 2 else f"a{n}.example.com", n % 3 * 8)
        made.append(udp_packet(wire, start_ns + n, HOSTS, (40_000 + n, 53), message, n, "x"))
        says = [Say("client", len(message).to_bytes(2, "big") + message, 1)]
        made += connection(wire, start_ns + n, HOSTS, (41_000 + n, 53), says, Random(n), "x")
    return capture_of("questions", made)


def commands() -> Capture:
    """To controllers and back, each behind a message that is none."""
    wire, start_ns, made = Wire(core="00:00:cd:10:00:01", firewall="00:09:0f:20:00:01"), 10**18, []
    talks = {
        102: (
            (READ, b""),
            (STOP, DONE),
            (READ + UPLOAD, ANSWERED),
            (COLD_START, REFUSED),
            (STOP[4:], DONE[4:]),
        ),
        9600: ((FINS_TCP + FINS_READ, b""), (FINS_TCP + FINS_STOP, FINS_TCP + FINS_STOPPED)),
        5007: ((SLMP_READ, b""), (SLMP_STOP, SLMP_DONE), (SLMP_STOP_4E, SLMP_DONE_4E)),
    }
    for n in range(24):
        port = (102, 102, 9600, 5007)[n % 4]
        says = [
            Say(side, data, 1)
            for command, answer in talks[port]
            for side, data in (("client", command), ("server", answer))
            if data
        ]
        made += connection(wire, start_ns + n, HOSTS, (42_000 + n, port), says, Random(n), "x")
    streams = {
        102: READ + STOP + READ,
        9600: (FINS_TCP + FINS_READ) * 2 + FINS_TCP + FINS_STOP,
        61451: SLMP_READ + SLMP_STOP_4E + SLMP_READ,
        44818: CIP_READ + CIP_STOP + CIP_READ,
        20000: DNP3_READ + DNP3_RESTART,
        2404: IEC104_READ + IEC104_RESET + IEC104_READ,
    }
    for n, (port, stream) in enumerate(4 * list(streams.items())):
        random = Random(n)
        size = random.randrange(1, 40)
        says = [Say("client", stream[at : at + size], 1) for at in range(0, len(stream), size)]
        made += connection(wire, start_ns + n, HOSTS, (43_000 + n, port), says, random, "x")
    return capture_of("commands", made)


def capture_of(name: str, made: list[LabPacket]) -> Capture:
    made.sort(key=lambda one: one.time_ns)
    return Capture(name, tuple(Packet(one.time_ns, 0, one.data[14:], PLAIN) for one in made))


NAMES, COMMANDS = questions(), commands()


def frames_of(capture: Capture, most: int) -> list[tuple[int, int, bytes]]:
    return [(p.time_ns, p.link.linktype, p.frame) for p in capture.packets[:most]]


def broken(seed: int, captures: Sequence[Capture] = CAPTURES) -> list[tuple[int, int, bytes]]:
    """Frames of a capture with bytes changed, cut and repeated; the same for the same seed."""
    random = Random(seed)
    frames = frames_of(random.choice(captures), 900)
    start = random.randrange(len(frames))
    made = []
    for time_ns, linktype, frame in frames[start : start + 40]:
        data = bytearray(frame)
        for _ in range(random.choice((0, 0, 1, 3))):
            place = random.randrange(len(data))
            data[place] = random.choice((0, 1, 0x45, 0x7F, 0x80, 0xFF, random.randrange(256)))
        if random.random() < 0.15:
            del data[random.randrange(len(data)) :]
        made.append((time_ns + random.choice((0, 0, 10**9)), linktype, bytes(data)))
    return made


def told(frames: list[tuple[int, int, bytes]]) -> str:
    """Everything that the tables say after these frames."""
    seen = Seen()
    for time_ns, linktype, frame in frames:
        seen.frames([(time_ns, frame)], linktype)
    seen.finish()
    return repr((seen.counted, seen.transactions, seen.ledger()))


@given(st.lists(st.tuples(st.sampled_from(LINKTYPES), st.binary(max_size=200)), max_size=8))
def test_any_bytes_are_counted_and_raise_nothing(frames: list[tuple[int, bytes]]) -> None:
    seen = Seen()
    for number, (linktype, frame) in enumerate(frames):
        seen.frames([(number, frame)], linktype)
    assert seen.counted.get("packets", 0) == len(frames)


@given(st.integers(0, 2**40))
@example(177_202_007)  # an acknowledgement from far away made reading go round for ever
def test_broken_captures_raise_nothing(seed: int) -> None:
    assert told(broken(seed))


@given(st.integers(0, 2**40))
def test_broken_questions_to_name_servers_raise_nothing(seed: int) -> None:
    assert told(broken(seed, [NAMES]))


@given(st.integers(0, 2**40))
def test_broken_commands_raise_nothing(seed: int) -> None:
    assert told(broken(seed, [COMMANDS]))


def test_compiled_and_interpreted_kernels_say_the_same() -> None:
    seeds = list(range(40))
    code = (
        "import json, sys\n"
        "from tests.fuzz.test_observe import everything\n"
        "print(json.dumps(everything(json.load(sys.stdin))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(seeds), capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = everything(seeds)
    assert sum("NamesAsked" in one for one in expected) > len(seeds) // 2
    commanded = [one for one in expected if any(f"tcp', port={port}" in one for port in (102, 2404, 9600))]
    assert sum("Operation(" in one for one in commanded) > len(seeds) // 3
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def everything(seeds: Sequence[int]) -> list[str]:
    """What is told of broken captures, and of whole ones."""
    some = [broken(seed, captures) for seed in seeds for captures in (CAPTURES, [NAMES], [COMMANDS])]
    whole = [frames_of(one, 250) for one in (*CAPTURES, NAMES, COMMANDS)]
    return [told(frames) for frames in (*some, *whole)]
