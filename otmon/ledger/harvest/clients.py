"""Who is the client of a flow, from all that the flow's row tells."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from otmon.decode.fields import PROTO_TCP, PROTO_UDP
from otmon.decode.flows import (
    CLIENT,
    CLIENT_B,
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_KEY,
    F_PROTOCOL,
    F_STATE,
    FIRST_B,
    PROVISIONAL,
    ROLE,
    ROLE_FIRST,
    ROLE_PORT,
    ROLE_SHIFT,
)
from otmon.kernel import Ints
from otmon.protocols.registry import port_hints

_PRIVILEGED: Final = 1024
"""Ports below are for servers (RFC 6335 section 6)."""
AGENT: Final = 161
TRAPS: Final = 162
"""Ports of SNMP: what an agent sends of itself may come from the one at which it is asked (RFC 3417, 3.2)."""


def clients_of(flows: Ints) -> tuple[Ints, Ints]:
    """For each flow whether B is the client (0 or 1), and the role that says so."""
    state = flows[:, F_STATE]
    key = flows[:, F_KEY]
    proto, family = key & 0xFFFF, key >> 48 & 0xF
    port_a, port_b = key >> 16 & 0xFFFF, key >> 32 & 0xFFFF
    client = np.where(state & FIRST_B, 1, 0)
    role = np.full(len(flows), ROLE_FIRST)
    ports = (proto == PROTO_TCP) | (proto == PROTO_UDP) & (family != 2)
    hints = port_hints()
    row = np.where(proto == PROTO_UDP, 1, 0)
    code = flows[:, F_PROTOCOL] & (PROVISIONAL - 1)
    hint_a, hint_b = hints[row, port_a], hints[row, port_b]
    low_a, low_b = port_a < _PRIVILEGED, port_b < _PRIVILEGED
    # The weakest rule first: a later one overrules it.
    for says_a, says_b in (
        (low_a & (port_a < port_b), low_b & (port_b < port_a)),
        (hint_a > 0, hint_b > 0),
        ((hint_a == code) & (code > 0), (hint_b == code) & (code > 0)),
        (
            (row == 1) & (port_a == TRAPS) & (port_b == AGENT),
            (row == 1) & (port_b == TRAPS) & (port_a == AGENT),
        ),
    ):
        told = ports & (says_a != says_b)
        client = np.where(told, np.where(says_a, 1, 0), client)
        role = np.where(told, ROLE_PORT, role)
    told = (state & CLIENT) != 0
    client = np.where(told, np.where((state & CLIENT) == CLIENT_B, 1, 0), client)
    role = np.where(told, (state & ROLE) >> ROLE_SHIFT, role)
    # Nobody sends from a group address, so it is no client: a DHCP server answers to one.
    group_a, group_b = _groups(flows)
    turned = np.where(client == 1, group_b & ~group_a, group_a & ~group_b)
    return np.where(turned, 1 - client, client), np.where(turned, ROLE_FIRST, role)


def service_ports(flows: Ints, client: Ints) -> Ints:
    """The port that the conversation of each flow goes by, `client` as `clients_of` has it: the server's.
    What answers a search with a broadcast, to whichever port somebody searches from, goes by its own."""
    key = flows[:, F_KEY]
    port_a, port_b = key >> 16 & 0xFFFF, key >> 32 & 0xFFFF
    by_b = client == 1
    server, own = np.where(by_b, port_a, port_b), np.where(by_b, port_b, port_a)
    code = flows[:, F_PROTOCOL] & (PROVISIONAL - 1)
    hints = port_hints()[1]
    answers = (key & 0xFFFF == PROTO_UDP) & (code > 0) & (hints[own] == code) & (hints[server] != code)
    answers &= np.where(by_b, *_groups(flows))
    ports: Ints = np.where(answers, own, server)
    return ports


def _groups(flows: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether A and B of each flow are addresses of groups."""
    family = flows[:, F_KEY] >> 48 & 0xF
    return (
        _is_group(family, flows[:, F_A_HI], flows[:, F_A_LO]),
        _is_group(family, flows[:, F_B_HI], flows[:, F_B_LO]),
    )


def _is_group(family: Ints, high: Ints, low: Ints) -> npt.NDArray[np.bool_]:
    """Multicast and broadcast addresses (RFC 1112, RFC 4291 section 2.7, IEEE 802 section 8.4)."""
    four = low & 0xFFFFFFFF
    of_four = (four >> 28 == 0xE) | (four == 0xFFFFFFFF)
    of_six, of_link = high >> 56 & 0xFF == 0xFF, low >> 40 & 1 == 1
    groups: npt.NDArray[np.bool_] = np.where(family == 4, of_four, np.where(family == 6, of_six, of_link))
    return groups
