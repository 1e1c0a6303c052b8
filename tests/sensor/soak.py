"""Listen for a long time under load, with hosts that come and go, and see that nothing grows and nothing is
lost unseen.

``python -m tests.sensor.soak --minutes 30`` (needs root); ``make soak MINUTES=30``

Every second some hosts appear that were not there before, speak Modbus or UDP with devices that stay, and
are never heard again: after a while the tables of flows, senders and operations turn over all the time.
What is left at the end are numbers, and exit status 1 where memory grew, or packets are unaccounted for.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otmon.ledger.file.store import load
from tests.namespaces import Wire, missing, wire
from tests.sensor.running import Sensor, sensor
from tests.sensor.traffic import frames_of

GROWTH_MB_PER_HOUR: Final = 20.0
"""More than this is no noise of the allocator over half an hour."""
SHORT_GROWTH_MB: Final = 150.0
"""Below ten minutes tables and ledger still fill, so only the sum is held against a bound."""
MOST_MB: Final = 500.0
"""Of all processes of a sensor on one interface, at any moment."""
END_S: Final = 5.0
"""Until SIGTERM has ended it, with a ledger that is full."""
HOSTS: Final = 400
"""New ones in a second: a hundred thousand in four minutes, three times what the tables hold."""
SAMPLE_S: Final = 2.0
WARM: Final = 0.4
"""Share of the time in which tables and ledger fill."""
STAYING: Final = frames_of("factory-day.pcapng")[:600]
MEMORY: Final = "process_resident_memory_bytes"
PACKETS: Final = 'otmon_capture_packets_total{interface="far0"}'
DROPPED: Final = 'otmon_capture_dropped_packets_total{interface="far0"}'


def passing(number: int) -> list[bytes]:
    """A host that nobody heard before: a Modbus request over TCP, and a datagram."""
    host = (
        struct.pack(">I", 10 << 24 | 40 << 16 | number % 65_536)
        if number < 65_536
        else struct.pack(">I", 11 << 24 | number)
    )
    mac = b"\x02\0" + struct.pack(">I", number)
    device = bytes((10, 30, 2, 11 + number % 40))
    port = 1_024 + number % 60_000
    pdu = struct.pack(">HHHBBHH", number & 0xFFFF, 0, 6, number & 0xFF, 3, number & 0xFFFF, 1)
    tcp = struct.pack(">HHIIBBHHH", port, 502, 1, 1, 0x50, 0x18, 8192, 0, 0) + pdu
    udp = struct.pack(">HHHH", port, 9_000 + number % 500, 24, 0) + bytes(16)
    made = []
    for proto, data in ((6, tcp), (17, udp)):
        ip = (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), number & 0xFFFF, 0, 64, proto, 0)
            + host
            + device
        )
        made.append(b"\x02\0\0\0\0\x01" + mac + b"\x08\0" + ip + data)
    return made


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    seconds: float
    sent: int
    read: int
    dropped: int
    missing: dict[str, float]
    """Packets or transactions by the kind of fact that had no place for them."""
    first_mb: float
    last_mb: float
    most_mb: float
    """Of all processes of the sensor, at any moment."""
    slope_mb_per_hour: float
    in_ledger: int
    hosts: int
    end_s: float

    def trouble(self) -> list[str]:
        """What must not be."""
        found = []
        if self.read + self.dropped != self.sent:
            found.append(
                f"{self.sent - self.read - self.dropped} packets are neither read nor told as dropped"
            )
        if self.in_ledger != self.read:
            found.append(f"the ledger counts {self.in_ledger} packets, and {self.read} were read")
        grown = self.last_mb - self.first_mb
        if self.seconds >= 600 and self.slope_mb_per_hour > GROWTH_MB_PER_HOUR:
            found.append(f"memory grows by {self.slope_mb_per_hour:.0f} MB in an hour")
        if self.seconds < 600 and grown > SHORT_GROWTH_MB:
            found.append(f"memory grew by {grown:.0f} MB")
        if self.most_mb > MOST_MB:
            found.append(f"memory was {self.most_mb:.0f} MB, and more than {MOST_MB:.0f} is too much")
        # The twenty seconds that the tests do may have a noisy machine.
        if self.seconds >= 600 and self.end_s > END_S:
            found.append(f"it took {self.end_s:.1f} s to end, and more than {END_S:.0f} is too long")
        return found


def most_mb(process: int) -> float:
    """The most memory that a process and those that it started had resident (proc_pid_status(5), VmHWM)."""
    of = Path(f"/proc/{process}")
    own = next(line for line in (of / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    threads = (of / "task").iterdir()
    started = {int(child) for one in threads for child in (one / "children").read_text().split()}
    return int(own.split()[1]) * 1024 / 1e6 + sum(map(most_mb, sorted(started)))


def slope(samples: list[tuple[float, float]]) -> float:
    """MB in an hour: the median of the slopes between all pairs (Theil and Sen), which a single peak does
    not move."""
    slopes = sorted(
        (later[1] - one[1]) / (later[0] - one[0])
        for index, one in enumerate(samples)
        for later in samples[index + 1 :]
    )
    return slopes[len(slopes) // 2] * 3_600 if slopes else 0.0


def soak(wired: Wire, folder: Path, seconds: float, say: bool) -> Outcome:
    """Run a sensor for so long."""
    words = ["--zones", "zones/factory.yaml", "--ledger", str(folder / "plant.db")]
    words += ["--json", str(folder / "findings.jsonl"), "--evidence", str(folder / "evidence")]
    words += ["--evidence-mb", "32"]
    samples: list[tuple[float, float]] = []
    sent = hosts = 0
    with sensor(wired, *words) as running:
        begin = time.monotonic()
        sampled = 0.0
        while (now := time.monotonic() - begin) < seconds:
            due = int(now * HOSTS)
            frames = [frame for number in range(hosts, due) for frame in passing(number)]
            frames += random.Random(due).sample(STAYING, 50)
            wired.send(frames)
            hosts, sent = due, sent + len(frames)
            if now - sampled >= SAMPLE_S:
                sampled = now
                samples.append((now, running.metrics()[MEMORY] / 1e6))
                if say and len(samples) % 15 == 0:
                    print(
                        f"{now:6.0f} s  {samples[-1][1]:6.1f} MB  {hosts:,} hosts  {sent:,} packets",
                        flush=True,
                    )
            time.sleep(max(0.0, 0.1 - (time.monotonic() - begin - now)))
        numbers = settled(running, sent)
        most = most_mb(running.process.pid)
        status, end_s = running.end()
        assert status in (0, 1), running.said
    warm = [one for one in samples if one[0] >= WARM * seconds]
    ledger = load(folder / "plant.db")
    return Outcome(
        seconds=seconds,
        sent=sent,
        read=int(numbers[PACKETS]),
        dropped=int(numbers[DROPPED]),
        missing={
            name.partition('kind="')[2].rstrip('"}'): value
            for name, value in numbers.items()
            if name.startswith("otmon_ledger_missing_total") and value
        },
        first_mb=warm[0][1],
        last_mb=warm[-1][1],
        most_mb=most,
        slope_mb_per_hour=slope(warm),
        in_ledger=sum(source.packets for source in ledger.sources),
        hosts=hosts,
        end_s=end_s,
    )


def settled(running: Sensor, sent: int) -> dict[str, float]:
    """The metrics once everything was read, or nothing more comes."""
    end = time.monotonic() + 30
    while True:
        numbers = running.metrics()
        if numbers[PACKETS] + numbers[DROPPED] >= sent or time.monotonic() > end:
            return numbers
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sensor.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="%(default)s")
    arguments = parser.parse_args()
    if reason := missing():
        sys.exit(f"a wire to listen on: {reason}")
    with tempfile.TemporaryDirectory() as name, wire() as wired:
        found = soak(wired, Path(name), 60 * arguments.minutes, say=True)
    print(found)
    for trouble in found.trouble():
        print(trouble, file=sys.stderr)
    sys.exit(bool(found.trouble()))


if __name__ == "__main__":
    main()
