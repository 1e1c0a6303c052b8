"""Which row of the assets' table is that of a packet's sender, and what is counted there."""

from __future__ import annotations

from otmon.decode.fields import (
    C_ASSETS_EVICTED,
    DST_MAC,
    FAMILY,
    FLAGS,
    OUTER_SRC_HI,
    OUTER_SRC_LO,
    PART_BYTES,
    PARTS,
    PORT,
    PORT_TOLD,
    PROTO,
    PROTO_TCP,
    TARGET_IP,
    TCP_ACK,
    TCP_RST,
    TCP_SYN,
    VLAN,
)
from otmon.decode.flows import mix
from otmon.kernel import Ints, clear_row, copy_row, inlined, kernel
from otmon.ledger.tables import (
    ARP,
    ARP_PACKETS,
    ASSETS,
    BROADCASTS,
    DATAGRAMS,
    FILL_ASSETS,
    HOURS_IN_COLUMN,
    OPENINGS,
    ROW,
    SECOND_NS,
    TO_ALL,
    WAYS,
    X_ARP,
    X_ASKED,
    X_BYTES,
    X_FIRST,
    X_HI,
    X_LAST,
    X_LO,
    X_MAC,
    X_OFFSET,
    X_PACKET,
    X_PACKETS,
    X_PLACE,
    X_PORT,
    X_RATES,
    X_SWITCH_HI,
    X_SWITCH_LO,
    Tables,
)


@kernel
def asset_place(row: Ints) -> int:
    """Tag and address family of the packet's sender, and whether its switch port is known, as they are kept
    in `X_PLACE`."""
    return int(row[VLAN] | (row[FAMILY] << 32) | (row[PORT] & PORT_TOLD) >> 2)


@kernel
def is_other_port(t: Tables, i: int) -> bool:
    """Whether the packet, whose switch port is known, came in elsewhere than those of an asset."""
    row = t.rows[t.used[ROW]]
    return bool(
        t.assets[i, X_PORT] != row[PORT]
        or t.assets[i, X_SWITCH_LO] != row[OUTER_SRC_LO]
        or t.assets[i, X_SWITCH_HI] != row[OUTER_SRC_HI]
    )


@kernel
def note_asset(t: Tables, mac: int, hi: int, lo: int, place: int, now: int, packet: int, offset: int) -> int:
    """Row of the asset that sent the packet; a new row where it is new."""
    # A MAC address may be made of the IP address: joined before they are mixed they would cancel out.
    h = mix(mix(mix(0, mac), lo), hi ^ place)
    port = t.rows[t.used[ROW], PORT]
    if port != 0:
        h = mix(mix(h, port), t.rows[t.used[ROW], OUTER_SRC_LO])
    base = ((h >> 16) & (ASSETS // WAYS - 1)) * WAYS
    victim = base
    for i in range(base, base + WAYS):
        if (
            t.assets[i, X_MAC] == mac
            and t.assets[i, X_LO] == lo
            and t.assets[i, X_HI] == hi
            and t.assets[i, X_PLACE] == place
            and t.assets[i, X_PACKETS] > 0
            and (port == 0 or not is_other_port(t, i))
        ):
            return i
        if t.assets[i, X_PACKETS] == 0:
            if t.assets[victim, X_PACKETS] != 0:
                victim = i
        elif t.assets[victim, X_PACKETS] != 0 and t.assets[i, X_LAST] < t.assets[victim, X_LAST]:
            victim = i
    if t.assets[victim, X_PACKETS] != 0:
        t.counters[C_ASSETS_EVICTED] += 1
        copy_row(t.ended_assets, t.used[FILL_ASSETS], t.assets, victim)
        t.used[FILL_ASSETS] += 1
    clear_row(t.assets, victim)
    t.assets[victim, X_MAC] = mac
    t.assets[victim, X_HI] = hi
    t.assets[victim, X_LO] = lo
    t.assets[victim, X_PLACE] = place
    t.assets[victim, X_FIRST] = now
    t.assets[victim, X_LAST] = now
    t.assets[victim, X_PACKET] = packet
    t.assets[victim, X_OFFSET] = offset
    if port != 0:
        t.assets[victim, X_PORT] = port
        t.assets[victim, X_SWITCH_HI] = t.rows[t.used[ROW], OUTER_SRC_HI]
        t.assets[victim, X_SWITCH_LO] = t.rows[t.used[ROW], OUTER_SRC_LO]
    return victim


@inlined
def count_asset(t: Tables, i: int, now: int) -> None:
    """Add the packet in the row to an asset."""
    t.assets[i, X_PACKETS] += t.rows[t.used[ROW], PARTS]
    t.assets[i, X_BYTES] += t.rows[t.used[ROW], PART_BYTES]
    if now > t.assets[i, X_LAST]:
        t.assets[i, X_LAST] = now
    if t.rows[t.used[ROW], FAMILY] == 2 or t.rows[t.used[ROW], PROTO] != PROTO_TCP:
        count_connectionless(t, i, now)
    elif t.rows[t.used[ROW], FLAGS] & (TCP_SYN | TCP_ACK | TCP_RST) == TCP_SYN:
        count_rate(t, i, OPENINGS, now)


@kernel
def count_connectionless(t: Tables, i: int, now: int) -> None:
    """Add what costs its sender no connection to an asset's rates."""
    row = t.rows[t.used[ROW]]
    if row[FAMILY] == 2 and row[PROTO] == ARP:
        t.assets[i, X_ARP] += 1
        if row[TARGET_IP] != 0:
            octet = row[TARGET_IP] & 0xFF
            t.assets[i, X_ASKED + octet // HOURS_IN_COLUMN] |= 1 << (octet % HOURS_IN_COLUMN)
        count_rate(t, i, ARP_PACKETS, now)
    elif row[DST_MAC] == TO_ALL:
        count_rate(t, i, BROADCASTS, now)
    elif row[FAMILY] != 2 and row[DST_MAC] >> 40 & 1 == 0:
        count_rate(t, i, DATAGRAMS, now)


@kernel
def count_rate(t: Tables, i: int, kind: int, now: int) -> None:
    """Add a packet to what the asset sent of `kind` in this second of the clock. Packets of another
    second begin anew: a clock that goes back makes the most that was seen smaller, never larger."""
    at = X_RATES + 4 * kind
    second = now // SECOND_NS
    if t.assets[i, at] != second:
        t.assets[i, at] = second
        t.assets[i, at + 1] = 0
    t.assets[i, at + 1] += 1
    if t.assets[i, at + 1] > t.assets[i, at + 2]:
        t.assets[i, at + 2] = t.assets[i, at + 1]
        t.assets[i, at + 3] = second
