from __future__ import annotations

from struct import pack

import pytest

from otmon.decode.fields import PROTO_TCP, PROTO_UDP
from otmon.decode.flows import PROVISIONAL
from otmon.identity.credentials import shipped_credentials
from otmon.identity.login import Seen
from otmon.identity.proof_budget import ProofBudget
from otmon.identity.stream import Segment
from otmon.ledger.dialogues.dialogue import BEGINS, FLOW, NOBODY, Dialogue, flow_of, read, spoken
from otmon.protocols.registry import code_of
from tests.identity.claims.messages import client_hello, tls

FOUR, SIX, BELOW_IP = 4, 6, 2
A, B = 0x0A000001, 0x0A000002
SEEN = Seen(1, 2, 3)
HELLO = tls(client_hello(b"plc.example"))


def key(family: int, number: int, port_a: int = 0, port_b: int = 0) -> int:
    return family << 48 | port_b << 32 | port_a << 16 | number


@pytest.mark.parametrize(
    ("flow", "code", "name"),
    [
        (key(FOUR, PROTO_TCP, 1, 2), code_of("http"), "http"),
        (key(SIX, PROTO_UDP, 3, 4), code_of("snmp") | PROVISIONAL, "snmp"),
        (key(FOUR, PROTO_TCP, 1, 2), 0, ""),
        # Below IP the EtherType tells it, whatever the row says; Cisco's has none.
        (key(BELOW_IP, 0x88CC), code_of("http"), "lldp"),
        (key(BELOW_IP, 0), 0, "cdp"),
        (key(BELOW_IP, 0x1234), code_of("http"), ""),
    ],
)
def test_what_a_flow_speaks(flow: int, code: int, name: str) -> None:
    assert spoken(flow, code) == name
    assert spoken(flow | 77 << 16, code) == name


def row(
    protocol: str, port_a: int, port_b: int, isn: tuple[int, int] = (-1, -1), number: int = PROTO_TCP
) -> bytes:
    numbers = key(FOUR, number, port_a, port_b), 0, A, 0, B, 1, code_of(protocol), 10, *isn
    return pack(f"={len(FLOW)}q", *numbers)


def told(one: Dialogue) -> list[tuple[str, ...]]:
    return [key for key, _ in read(one, "a.pcap", shipped_credentials(), ProofBudget())[0]]


@pytest.mark.parametrize("client", [0, 1])
def test_either_end_may_be_the_client(client: int) -> None:
    """A row has the ends in an order of its own; ports and numbers of SYNs lie in the same."""
    ports, isn = (50_000, 443), (999, 4)
    ports, isn = (ports, isn) if client == 0 else (ports[::-1], isn[::-1])
    one = Dialogue(row("tls", *ports, isn), client)
    one.said.append(Segment(True, 1000, 5, HELLO, SEEN))
    one.macs[client] = 0x020000000001
    server = ("", "10.0.0.2") if client == 0 else ("", "10.0.0.1")
    assert told(one) == [(*server, "10", "called", "plc.example", "tls")]


def test_a_client_that_turns_out_to_be_the_server() -> None:
    one = Dialogue(row("ssh", 22, 50_000), 0)
    one.said.append(Segment(True, 1, 1, b"SSH-2.0-dropbear\r\n", SEEN))
    one.turn()
    assert one.client == 1 and not one.said[0].from_client and one.macs == [NOBODY, NOBODY]
    assert told(one) == [("", "10.0.0.1", "10", "software", "dropbear", "ssh")]


def test_the_flow_in_which_it_began_says_where_its_bytes_begin() -> None:
    """One that had to leave the table goes on in a row whose handshake nobody saw."""
    one = Dialogue(row("tls", 50_000, 443), 0)
    one.said.append(Segment(True, 1000, 5, HELLO, SEEN))
    for isn, found in (((999, 4), 1), ((899, 4), 0)):
        one.begins = row("tls", 50_000, 443, isn)[-BEGINS:]
        assert len(told(one)) == found
    assert flow_of(one.row)[-2:] == (-1, -1)
