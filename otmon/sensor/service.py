"""What a service manager and an operator want of the process: signals, readiness, a watchdog."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Final

from otmon.sensor.memory import Leavings
from otmon.sensor.observer import Reader
from otmon.sensor.watch import ENDING_S, Told, Watch
from otmon.sentence import Complaint, Sentence, placed, sentence

TICK_S: Final = 0.25
"""How often there is a look at what is due."""
MISSING_S: Final = 60.0
"""Between two warnings of what finds no place in the ledger: in a flood that grows with each packet."""


class Notifier:
    """Tells systemd how it goes (sd_notify(3)); without systemd it does nothing."""

    def __init__(self) -> None:
        """Connects at once: later the sensor must not."""
        self._socket: socket.socket | None = None
        name = os.environ.get("NOTIFY_SOCKET", "")
        if name:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.connect("\0" + name[1:] if name.startswith("@") else name)

    def tell(self, state: str) -> None:
        """Such as "READY=1"; what cannot be told is not worth stopping for."""
        if self._socket is not None:
            try:
                self._socket.send(state.encode())
            except OSError:
                return


class Stopped(Complaint):
    """One who reads an interface came to a halt."""


class Service:
    """Runs the watch until a signal ends it."""

    def __init__(
        self,
        watch: Watch,
        readers: Sequence[Reader],
        *,
        tell: Callable[[list[Told]], None],
        warn: Callable[[Sentence], None],
        reload: Callable[[], None],
        silence_s: float,
        troubles: Callable[[], Mapping[str, Sentence | None]] = dict,
        zone: Callable[[], str] = str,
    ) -> None:
        """`tell` gets findings as they come up, `warn` what is wrong with the sensor itself; `reload`
        reads the model anew; `troubles` says by name what else is wrong, and None where it no longer is. An
        interface without a packet for `silence_s` seconds is warned of. `zone` is that by whose clocks times
        are told."""
        self._watch = watch
        self._readers = readers
        self._tell = tell
        self._warn = warn
        self._reload = reload
        self._silence_s = silence_s
        self._troubles = troubles
        self._zone = zone
        self._stop = threading.Event()
        self._hangup = False
        self._listens = False
        self._heard = {one.interface: (-1, time.monotonic()) for one in readers}
        self._troubled: dict[tuple[str, str], Sentence | None] = {}
        self._dropped = {one.interface: 0 for one in readers}
        self._missing = dict(watch.missing)
        self._next_missing_s = 0.0

    def listen_to_signals(self) -> None:
        """SIGTERM and SIGINT end the service, SIGHUP reads the model anew. SIGALRM is its own."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ended)
        signal.signal(signal.SIGHUP, self._hung_up)
        signal.signal(signal.SIGALRM, self._late)
        self._listens = True

    def warn_after(self, silence_s: float) -> None:
        """Change after how many seconds without a packet there is a warning."""
        self._silence_s = silence_s

    def run(self, notifier: Notifier) -> None:
        """Until a signal comes. Raises Stopped; everything is saved before."""
        for one in self._readers:
            one.start()
        notifier.tell("READY=1")
        # Facts, verdicts and findings have no reference cycles.
        gc.disable()
        leavings, looks = Leavings(), 0
        try:
            while not self._stop.wait(TICK_S):
                if self._hangup:
                    self._hangup = False
                    self._reload()
                self._tell(self._watch.step())
                self._look_after()
                if self._watch.looks != looks:
                    looks = self._watch.looks
                    leavings.clear()
                notifier.tell("WATCHDOG=1")
        finally:
            notifier.tell("STOPPING=1")
            self._stop.set()
            if self._listens:
                signal.setitimer(signal.ITIMER_REAL, ENDING_S)
            self._tell(self._watch.finish())
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._warn_once("save", "ledger", self._watch.trouble)
            if self._watch.unjudged:
                self._warn(
                    sentence("the end did not wait for all facts to be judged: the next start does that")
                )
            gc.enable()
            # The interpreter's end would search everything once more.
            gc.freeze()

    def _ended(self, number: int, frame: FrameType | None) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._watch.interrupt()

    def _late(self, number: int, frame: FrameType | None) -> None:
        self._watch.interrupt()

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        self._hangup = True

    def _look_after(self) -> None:
        now = time.monotonic()
        self._warn_once("save", "ledger", self._watch.trouble)
        for name, trouble in self._troubles().items():
            self._warn_once("output", name, trouble)
        for one in self._readers:
            for incident in one.incidents(self._zone()):
                self._warn(incident)
            if failure := one.failure():
                raise Stopped(placed(one.name, sentence("reading has stopped: {why}", why=failure)))
        self._warn_of_missing(now)
        self._warn_once("one way", "", self._watch.one_way)
        for status in self._watch.status.interfaces:
            name = status.name
            down = None if status.is_up else placed(name, sentence("the interface is down"))
            self._warn_once("down", name, down)
            count, since = self._heard[name]
            if status.packets != count:
                self._heard[name] = status.packets, now
                since = now
            silent = now - since > self._silence_s
            told = sentence(
                "no packet for {seconds} seconds; is the mirror port alive?", seconds=f"{self._silence_s:g}"
            )
            self._warn_once("silent", name, placed(name, told) if silent else None)
            lost = status.dropped - self._dropped[name]
            if lost:
                self._dropped[name] = status.dropped
                told = sentence(
                    "{lost} packets were dropped, {all} in all", lost=f"{lost:,}", all=f"{status.dropped:,}"
                )
                self._warn(placed(name, told))

    def _warn_of_missing(self, now: float) -> None:
        """Of the kind of facts of which most found no place since this was said last."""
        missing = self._watch.missing
        grown = {kind: amount - self._missing.get(kind, 0) for kind, amount in missing.items()}
        most = max(grown, key=lambda kind: grown[kind], default="")
        if not most or grown[most] <= 0 or now < self._next_missing_s:
            return
        self._missing, self._next_missing_s = dict(missing), now + MISSING_S
        told = sentence(
            "the ledger is full: what {lost} packets or requests told found no place in it, {all} in all",
            lost=f"{grown[most]:,}", all=f"{missing[most]:,}",
        )  # fmt: skip
        self._warn(told)

    def _warn_once(self, kind: str, name: str, trouble: Sentence | None) -> None:
        """Warn when a trouble begins, and say when it is over."""
        known = self._troubled.get((kind, name))
        if trouble and not known:
            self._warn(trouble)
        elif known and not trouble:
            self._warn(sentence("over: {trouble}", trouble=known))
        self._troubled[kind, name] = trouble
