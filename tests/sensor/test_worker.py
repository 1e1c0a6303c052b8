"""A worker answers what it is asked, and ends with the one who asks. How it is started and replaced is seen
from outside, in `test_crew`."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from otmon.capture.ring import Ring
from otmon.ledger.rank import NO_BARS
from otmon.sensor.message import bars_message, kept_of, part_of, receive, send, state_of
from otmon.sensor.worker import LIVES, post, work
from tests.namespaces import inside, missing, wire
from tests.sensor.traffic import frames_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")


def asked(by: socket.socket, **question: Any) -> Any:
    send(by, question)
    return receive(by)


def test_a_worker_answers_until_nobody_asks() -> None:
    frames = list(dict.fromkeys(frames_of("factory-day.pcapng")))[:300]
    with wire() as wired, inside(wired.namespace), Ring(wired.far) as ring:
        one = post("far0#1", ring, 1 << 20)
        assert (one.name, len(one.pairs)) == ("far0#1", LIVES)
        ours, theirs = one.pairs[0]
        ours.settimeout(60)
        working = threading.Thread(target=work, args=(ring, theirs, one.name, one.kept_bytes))
        working.start()
        assert asked(ours, before=1000, again=False, known=0)[0]["process"] > 1
        wired.send(frames)
        end = time.monotonic() + 60
        while (state := state_of(asked(ours, what="state")[0])).source.packets < len(frames):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert (state.counts.received, state.counts.dropped, state.is_up) == (len(frames), 0, True)
        said = part_of(*asked(ours, what="messages"))
        assert sum(len(rows.messages) for rows in said.ended) == state.messages and not len(said.in_use)
        part = part_of(*asked(ours, what="part", bars=bars_message(NO_BARS)))
        assert part.source.packets == len(frames) and len(part.in_use.flows) > 5
        needle = frames[200][26:30].hex()
        packets = kept_of(*asked(ours, what="around", numbers=[1201], needles=[needle], port=0, protocol=""))
        assert 1201 in {kept.number for kept in packets} and len(packets) > 1
        assert asked(ours, what="stop")[0] == {}
        assert part_of(*asked(ours, what="part", bars=bars_message(NO_BARS))).source.packets == len(frames)
        ours.close()
        working.join(60)
        assert not working.is_alive()
        for pair in one.pairs:
            for end_of_it in pair:
                end_of_it.close()
