"""Every protocol is known by its messages, cut or whole, and nothing else is taken for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from otmon.protocols.protocol import Transport
from otmon.protocols.registry import IDS
from tests.protocols.messages import MESSAGES, Message
from tests.protocols.recognition import MARGIN, NUMBERS, UNUSUAL, Answer, ask, number, protocol, usual_ports

DNS_LIKE = {"llmnr", "mdns", "nbns"}
"""Their messages are DNS messages; elsewhere than on their ports, where they do not occur, they are
taken for DNS. A NetBIOS name is told from it when the message is whole."""
TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")
RANDOM_PAYLOADS = 200_000
MOST_RANDOM_NAMES = RANDOM_PAYLOADS // 10_000

each_message = pytest.mark.parametrize(
    "message", MESSAGES, ids=[f"{m.protocol}-{m.transport}-{i}" for i, m in enumerate(MESSAGES)]
)


def expected(message: Message) -> Answer:
    return Answer(message.protocol, message.sender, message.provisional)


@each_message
def test_a_message_is_known_on_every_usual_port_of_either_side(message: Message) -> None:
    for port in usual_ports(message.protocol, message.transport):
        assert ask(message.payload, message.transport, (40001, port)) == expected(message)
        assert ask(message.payload, message.transport, (port, 40001)) == expected(message)


@each_message
def test_on_another_port_it_is_known_unless_it_is_too_weak(message: Message) -> None:
    found = ask(message.payload, message.transport)
    if message.anywhere:
        assert found == expected(message)
    elif message.protocol in DNS_LIKE:
        assert found is None or found.name == "dns"
    else:
        assert found is None


@each_message
def test_no_beginning_of_it_is_taken_for_another_protocol(message: Message) -> None:
    usual = (40001, usual_ports(message.protocol, message.transport)[0])
    allowed = {message.protocol}
    for size in range(len(message.payload)):
        found = ask(message.payload[:size], message.transport, usual)
        assert found is None or found.name in allowed, size
        found = ask(message.payload[:size], message.transport)
        assert found is None or found.name in (allowed | {"dns"} if allowed & DNS_LIKE else allowed), size


@each_message
def test_bytes_before_and_after_the_payload_do_not_matter(message: Message) -> None:
    ports = (40001, usual_ports(message.protocol, message.transport)[0])
    for size in (1, len(message.payload) // 2, len(message.payload)):
        payload = message.payload[:size]
        answers = {
            number(payload, message.transport, ports, around=value) for value in (0x00, 0x30, 0x68, 0xFF)
        }
        assert len(answers) == 1


def test_every_protocol_with_signatures_has_messages_in_each_transport_and_direction() -> None:
    for protocol_id in IDS:
        declared = {(s.transport, s.sender) for s in protocol(protocol_id).signatures}
        written = {(m.transport, m.sender) for m in MESSAGES if m.protocol == protocol_id}
        assert declared == written, protocol_id


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_random_payloads_are_seldom_named(transport: Transport) -> None:
    random = Random(20260101)
    named = [
        ask(payload, transport)
        for payload in (random.randbytes(random.randrange(1, 120)) for _ in range(RANDOM_PAYLOADS // 2))
    ]
    assert sum(found is not None for found in named) <= MOST_RANDOM_NAMES // 2


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("value", [*range(0, 256, 5), 0x30, 0x68, 0x81])
def test_a_payload_of_one_byte_repeated_is_never_named(transport: Transport, value: int) -> None:
    for size in (*range(1, 160), 300, 576, 1460):
        assert ask(bytes([value]) * size, transport) is None, size


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_text_is_not_taken_for_a_protocol_that_has_text_too(transport: Transport) -> None:
    for text in (
        b"temperature=21.5;pressure=1.01\r\n",
        b'{"line": 4, "state": "run"}',
        b"<?xml version='1.0'?><state/>",
        b"GETTING STARTED",
        b"HTTPX/1.1 200",
        b"220.5,230.1,229.8\r\n",
        b"OPTIONAL: none\r\n",
        b"\x02READ D100\x03",
    ):
        assert ask(text, transport) is None, text


@each_message
def test_a_message_in_the_other_transport_is_not_known_unless_it_is_used_there(message: Message) -> None:
    other: Transport = "udp" if message.transport == "tcp" else "tcp"
    found = ask(message.payload, other)
    assert found is None or other in {s.transport for s in protocol(found.name).signatures}
    if found is not None:
        assert found.name in {message.protocol, "ssdp", "http"}, found


INTERPRETED = """
import json, sys
import numpy as np
from otmon.protocols.registry import PROTOCOLS
from otmon.protocols.signature import compile_signatures, recognise
tables = compile_signatures(PROTOCOLS)
answers = []
for payload, transport, sport, dport in json.load(sys.stdin):
    # A guard array: nothing lies behind the payload, so a read beyond it raises.
    buf = np.frombuffer(bytes.fromhex(payload), np.uint8)
    answers.append(int(recognise(tables, buf, 0, len(buf), transport, sport, dport)))
json.dump(answers, sys.stdout)
"""


def test_interpreted_and_compiled_give_the_same_and_never_read_beyond_the_end() -> None:
    random = Random(7)
    questions: list[tuple[bytes, Transport, int, int]] = []
    for message in MESSAGES:
        port = usual_ports(message.protocol, message.transport)[0]
        sizes = {len(message.payload), *(random.randrange(1, len(message.payload)) for _ in range(4))}
        questions += [(message.payload[:size], message.transport, 40001, port) for size in sizes]
        changed = bytearray(message.payload)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        questions.append((bytes(changed), message.transport, port, 40001))
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
    compiled = [number(payload, transport, (sport, dport)) for payload, transport, sport, dport in questions]
    assert json.loads(result.stdout) == compiled


def test_an_empty_payload_and_other_transports_have_no_protocol() -> None:
    from otmon.protocols.signature import recognise
    from tests.protocols.recognition import TABLES

    buf = np.frombuffer(bytes(MARGIN) + b"SSH-2.0-x\r\n" + bytes(MARGIN), np.uint8).copy()
    assert recognise(TABLES, buf, MARGIN, MARGIN, 6, *UNUSUAL) == 0
    assert recognise(TABLES, buf, MARGIN, MARGIN + 11, 132, *UNUSUAL) == 0
    assert recognise(TABLES, buf, MARGIN, MARGIN + 11, 6, *UNUSUAL) != 0
