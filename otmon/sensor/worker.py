"""A process that reads one ring and answers what it is asked, and the one that starts it anew when it ends.

The *keeper* is made while the sensor still has its rights and no threads. It holds the rings, so that
what comes in while nobody reads waits there. It gives its rights up like everybody else, starts the
workers, and does nothing but wait for them to end. Each life of a worker has a pair of sockets of its own,
made beforehand: nothing that an ended one left half said is ever taken for the words of the next.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from otmon.capture.ring import Ring
from otmon.detect.finding import Link
from otmon.sensor.message import Gone, bars_in, kept_message, part_message, receive, send, state_message
from otmon.sensor.observer import Observer
from otmon.sensor.recent_packets import RecentPackets
from otmon.sentence import Sentence, Speak, placed, sentence

LIVES: Final = 20
"""A worker that ends for the twentieth time ends the sensor."""
_DIE_WITH_PARENT: Final = 1


@dataclass(frozen=True, slots=True)
class Post:
    """One ring, and where who reads it is asked: a pair of sockets for each life, the worker's end second."""

    name: str
    """Of the source."""
    ring: Ring
    pairs: tuple[tuple[socket.socket, socket.socket], ...]
    kept_bytes: int


def post(name: str, ring: Ring, kept_bytes: int) -> Post:
    """A post with all its sockets. Raises OSError."""
    return Post(name, ring, tuple(socket.socketpair() for _ in range(LIVES)), kept_bytes)


def start_keeper(posts: Sequence[Post], confine: Callable[[], None], speak: Speak = str) -> int:
    """Start the keeper and by it a worker for each post; returns the keeper's process number. Call it while
    this is the only thread. `confine` gives the rights up, `speak` says what goes wrong. Afterwards this
    process has its own ends of the sockets only, and no ring."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    keeper = os.fork()
    if keeper == 0:
        _as_child(lambda: _keep(posts, confine, parent, speak))
    for one in posts:
        one.ring.close()
        for _, theirs in one.pairs:
            theirs.close()
    return keeper


def _as_child(work: Callable[[], None]) -> None:
    """Never comes back, so that nothing of the parent's goes on here."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(2)
    os._exit(0)


def _die_with(parent: int) -> None:
    """After the rights are given up: to give them up forgets this."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _keep(posts: Sequence[Post], confine: Callable[[], None], parent: int, speak: Speak) -> None:
    # The sensor's own process is told what to do, and tells the workers.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    confine()
    _die_with(parent)
    for one in posts:
        for ours, _ in one.pairs:
            ours.close()
    lives = {_started(one, 0, posts, speak): (one, 0) for one in posts}
    while lives:
        process, status = os.wait()
        one, life = lives.pop(process)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            how = sentence(
                "process {number}, which read it, was ended by signal {signal}", number=process, signal=-code
            )
        else:
            how = sentence(
                "process {number}, which read it, ended with status {status}", number=process, status=code
            )
        _warn(placed(one.name, how), speak)
        if life + 1 < LIVES:
            lives[_started(one, life + 1, posts, speak)] = one, life + 1


def _warn(what: Sentence, speak: Speak) -> None:
    print(f"otmon: {speak(what)}", file=sys.stderr, flush=True)


def _started(one: Post, life: int, posts: Sequence[Post], speak: Speak) -> int:
    keeper = os.getpid()
    _, theirs = one.pairs[life]
    process = os.fork()
    if process == 0:
        _die_with(keeper)
        for other in posts:
            for _, end in other.pairs:
                if end is not theirs:
                    end.close()
        _as_child(lambda: work(one.ring, theirs, one.name, one.kept_bytes, speak))
    # The worker's end is open in the worker alone: who asks notices at once that it has ended.
    theirs.close()
    return process


def work(ring: Ring, questions: socket.socket, name: str, kept_bytes: int, speak: Speak = str) -> None:
    """Read the ring and answer, until the one who asks is gone, or reading fails."""
    recent = RecentPackets(ring.linktype, kept_bytes)
    observer: Observer | None = None
    while True:
        try:
            asked, _ = receive(questions)
        except Gone:
            return
        what = asked.get("what")
        if observer is None:
            # The first question is to begin.
            before = int(asked["before"])
            if asked["again"]:
                ring.resume(0)
            observer = Observer(ring, recent, before, name, int(asked["known"]))
            observer.start()
            send(questions, {"process": os.getpid()})
        elif what == "part":
            send(questions, *part_message(observer.part(bars_in(asked["bars"]))))
        elif what == "messages":
            send(questions, *part_message(observer.messages()))
        elif what == "state":
            send(questions, state_message(observer.state()))
        elif what == "around":
            wanted = {int(number) for number in asked["numbers"]}
            needles = [bytes.fromhex(one) for one in asked["needles"]]
            link = Link(port=int(asked["port"]), protocol=str(asked["protocol"]))
            send(questions, *kept_message(recent.packets(wanted, needles, link)))
        elif what == "stop":
            observer.stop()
            send(questions, {})
        if failure := observer.failure():
            _warn(placed(name, sentence("reading has stopped: {why}", why=failure)), speak)
            return
