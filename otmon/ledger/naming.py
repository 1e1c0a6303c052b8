"""What a flow speaks, told by the signatures of its payloads.

A name is final, except where a port of the flow is usual for a protocol with commands
(`otmon.protocols.protocol.Protocol.commanded`) and this is none of that port: what was sent before a command,
to hide it or by chance, must not. There the port's own protocol is looked for as long as the flow lasts, and
takes it over by one payload that fits. A weak signature is no longer believed then.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import AT, DPORT, END, PROTO, PROTO_UDP, SPORT
from otmon.decode.flows import (
    CLIENT,
    CLIENT_B,
    F_COPIED,
    F_COPIED_BYTES,
    F_PROTOCOL,
    F_STATE,
    F_TRIES,
    FIRST_B,
    PROVISIONAL,
    ROLE,
    ROLE_HANDSHAKE,
    ROLE_PROTOCOL,
    ROLE_SHIFT,
    set_client,
)
from otmon.kernel import Bytes, kernel
from otmon.ledger.tables import MODBUS, Tables
from otmon.protocols.modbus import PORT as MODBUS_PORT
from otmon.protocols.signature import LOOSE, USUAL, SignatureTables, commanded_on, recognise

TRIES: Final = 8
"""Payloads of a flow on which signatures are tried."""
FOREIGN: Final = PROVISIONAL << 1
"""Added to `F_PROTOCOL` beside PROVISIONAL: none of the port that is usual for a protocol with commands."""


@kernel
def apply_signatures(t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes) -> None:
    """Name the flow by the payload in `Tables.row`, or count the try."""
    row = t.row
    found = recognise(signatures, src, row[AT], row[END], row[PROTO], row[SPORT], row[DPORT])
    source = commanded_on(signatures, row[PROTO], row[SPORT])
    own = commanded_on(signatures, row[PROTO], row[DPORT])
    # Of two such protocols neither hides the other.
    disputed = source != 0 and own != 0 and source != own
    own = max(source, own)
    # Modbus is looked for elsewhere, and not in the last try.
    most = TRIES - 2 if source == t.used[MODBUS] or own == t.used[MODBUS] else TRIES - 1
    if own != 0 and found & LOOSE and t.flows[f, F_TRIES] >= most:
        found = 0
    foreign = own != 0 and found & USUAL == 0
    if found == 0 or foreign or found & PROVISIONAL:
        t.flows[f, F_TRIES] += 1
        if own != 0:
            t.flows[f, F_TRIES] = min(t.flows[f, F_TRIES], most)
    before = t.flows[f, F_PROTOCOL]
    if found == 0 or (found & PROVISIONAL and before != 0) or (foreign and before & FOREIGN):
        return
    if before & FOREIGN:
        # Who is the client, and what was copied, was told of something else.
        if row[PROTO] == PROTO_UDP:
            t.flows[f, F_STATE] &= ~(CLIENT | ROLE)
        for k in range(F_COPIED, F_COPIED_BYTES + 2):
            t.flows[f, k] = 0
    code = found & (0xFFFF | PROVISIONAL)
    if foreign:
        code |= PROVISIONAL | FOREIGN
    elif disputed:
        code |= PROVISIONAL
    t.flows[f, F_PROTOCOL] = code
    sender = (found >> 16) & 3
    if sender != 0:
        set_client(t.flows, f, d if sender == 1 else 1 - d, ROLE_PROTOCOL)


@kernel
def is_own(t: Tables, signatures: SignatureTables, f: int, d: int) -> bool:
    """Whether the flow of the payload in `Tables.row` is to a usual port of a protocol with commands, other
    than Modbus: what only begins like Modbus is not followed there, as it would hide the port's own. Who asks
    is told by the handshake, or else the first datagram; of other connections either port will do."""
    row = t.row
    state = t.flows[f, F_STATE]
    source, target = row[SPORT], row[DPORT]
    if row[PROTO] == PROTO_UDP:
        asks = d == (1 if state & FIRST_B else 0)
        source, target = (0, target) if asks else (source, 0)
    elif (state & ROLE) >> ROLE_SHIFT == ROLE_HANDSHAKE:
        asks = d == (1 if state & CLIENT_B else 0)
        source, target = (0, target) if asks else (source, 0)
    if source == MODBUS_PORT or target == MODBUS_PORT:
        return False
    own = commanded_on(signatures, row[PROTO], source) | commanded_on(signatures, row[PROTO], target)
    return bool(own != 0)
