"""Recognition of any bytes: it depends on the payload alone, and reads nothing beyond it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.protocol import Transport
from otmon.protocols.registry import IDS
from otmon.protocols.signature import LOOSE, PROVISIONAL, SENDER_SHIFT, TCP, USUAL, commanded_on
from tests.protocols.messages import MESSAGES
from tests.protocols.recognition import NUMBERS, TABLES, number, protocol, usual_ports
from tests.protocols.test_messages import INTERPRETED

TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")
PORTS = sorted({port for m in MESSAGES for port in usual_ports(m.protocol, m.transport)} | {0, 40001, 65535})

payloads = st.one_of(
    st.binary(max_size=300),
    # A message with a piece taken out, put in or changed.
    st.builds(
        lambda message, at, size, piece: message.payload[:at] + piece + message.payload[at + size :],
        st.sampled_from(MESSAGES),
        st.integers(0, 60),
        st.integers(0, 4),
        st.binary(max_size=4),
    ),
)
ports = st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS))


@given(payload=payloads, transport=st.sampled_from(TRANSPORTS), ends=ports)
def test_any_bytes_give_a_well_formed_answer_that_only_they_decide(
    payload: bytes, transport: Transport, ends: tuple[int, int]
) -> None:
    answers = {number(payload, transport, ends, around=value) for value in (0x00, 0x30, 0xFF)}
    assert len(answers) == 1
    (found,) = answers
    if found == 0:
        return
    code, sender = found & 0xFFFF, found >> SENDER_SHIFT & 3
    assert found == code | sender << SENDER_SHIFT | found & (PROVISIONAL | USUAL | LOOSE)
    assert not found & USUAL or any(commanded_on(TABLES, NUMBERS[transport], port) for port in ends)
    assert 1 <= code <= len(IDS)
    assert sender in (0, 1, 2)
    named = protocol(IDS[code - 1])
    matching = [s for s in named.signatures if s.transport == transport and s.minimum <= len(payload)]
    assert matching
    if all(signature.hinted for signature in matching):
        usual = named.tcp_ports if transport == "tcp" else named.udp_ports
        assert set(ends) & set(usual)


def test_interpreted_recognition_of_broken_messages_raises_nothing() -> None:
    """Interpreted, every read beyond the payload's end raises: nothing lies behind it."""
    random = Random(20260102)
    questions = []
    for _ in range(600):
        message = random.choice(MESSAGES)
        payload = bytearray(message.payload[: random.randrange(1, len(message.payload) + 1)])
        for _ in range(random.randrange(3)):
            payload[random.randrange(len(payload))] = random.choice(
                (0, 1, 0x7F, 0x80, 0xFF, random.randrange(256))
            )
        port = random.choice(PORTS)
        questions.append((bytes(payload), message.transport, port, random.choice(PORTS)))
    result = subprocess.run(
        [sys.executable, "-c", INTERPRETED],
        input=json.dumps(
            [(payload.hex(), NUMBERS[t], sport, dport) for payload, t, sport, dport in questions]
        ),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [number(p, t, (sport, dport)) for p, t, sport, dport in questions]
    assert TCP in {NUMBERS[transport] for _, transport, _, _ in questions}
