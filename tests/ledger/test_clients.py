"""Who the client of a flow is: what is surest decides."""

from __future__ import annotations

import numpy as np
import pytest

from otmon.decode.flows import (
    CLIENT_B,
    F_A_LO,
    F_B_LO,
    F_COLUMNS,
    F_KEY,
    F_STATE,
    FIRST_B,
    ROLE_FIRST,
    ROLE_HANDSHAKE,
    ROLE_PORT,
    ROLE_SHIFT,
)
from otmon.ledger.clients import clients_of

TCP, UDP = 6, 17
GROUP = 0xE00000FB


def flow(
    port_a: int, port_b: int, state: int = 0, proto: int = TCP, a: int = 1, b: int = 2
) -> tuple[int, int]:
    """Whether B is the client, and why, for an IPv4 flow."""
    row = np.zeros((1, F_COLUMNS), np.int64)
    row[0, F_KEY] = proto | port_a << 16 | port_b << 32 | 4 << 48
    row[0, F_STATE], row[0, F_A_LO], row[0, F_B_LO] = state, a, b
    client, role = clients_of(row)
    return int(client[0]), int(role[0])


@pytest.mark.parametrize(
    ("ports", "state", "expected"),
    [
        ((50_000, 502), 0, (0, ROLE_PORT)),
        ((502, 50_000), 0, (1, ROLE_PORT)),
        ((50_000, 50_001), 0, (0, ROLE_FIRST)),
        ((50_000, 50_001), FIRST_B, (1, ROLE_FIRST)),
        ((900, 50_000), 0, (1, ROLE_PORT)),
        ((50_000, 502), CLIENT_B | ROLE_HANDSHAKE << ROLE_SHIFT, (1, ROLE_HANDSHAKE)),
    ],
)
def test_the_surest_sign_decides(ports: tuple[int, int], state: int, expected: tuple[int, int]) -> None:
    assert flow(*ports, state) == expected


def test_a_group_is_no_client() -> None:
    assert flow(5353, 5353, FIRST_B, UDP, a=1, b=GROUP) == (0, ROLE_FIRST)
    assert flow(5353, 5353, 0, UDP, a=1, b=GROUP)[0] == 0
