"""From rows of senders to assets, with what each sent in its busiest seconds, and to their switch ports."""

from __future__ import annotations

from collections.abc import Iterator

from otmon.kernel import Ints
from otmon.ledger.facts import RATES, Asset, AssetClaim, Evidence, Peak
from otmon.ledger.harvest.rows import lists_of
from otmon.ledger.tables import (
    ASKED_COLUMNS,
    SECOND_NS,
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
    bits_of,
)
from otmon.ledger.texts import address_text, mac_text, port_text, vlan_text


def assets_of(rows: Ints, source: str) -> Iterator[Asset]:
    """The facts of rows of `Tables.assets`; `source` is the name of the capture."""
    for row in lists_of(rows):
        mac, address, vlan = _sender(row)
        yield Asset(
            mac=mac,
            address=address,
            vlan=vlan,
            packets=row[X_PACKETS],
            bytes=row[X_BYTES],
            arp=row[X_ARP],
            arp_asked=bits_of(tuple(row[X_ASKED : X_ASKED + ASKED_COLUMNS])),
            peaks=tuple(sorted(_peaks(row))),
            first_ns=row[X_FIRST],
            last_ns=row[X_LAST],
            evidence=Evidence(row[X_FIRST], source, row[X_PACKET], row[X_OFFSET]),
        )


def ports_of(rows: Ints, source: str) -> Iterator[AssetClaim]:
    """What the capture tells of the switch ports where the frames of these senders came in."""
    for row in lists_of(rows[rows[:, X_PORT] != 0]):
        mac, address, vlan = _sender(row)
        yield AssetClaim(
            mac=mac,
            address=address,
            vlan=vlan,
            kind="switch-port",
            value=port_text(row[X_PORT], row[X_SWITCH_HI], row[X_SWITCH_LO]),
            protocol="erspan",
            times=row[X_PACKETS],
            first_ns=row[X_FIRST],
            last_ns=row[X_LAST],
            evidence=Evidence(row[X_FIRST], source, row[X_PACKET], row[X_OFFSET]),
        )


def _sender(row: list[int]) -> tuple[str, str, str]:
    """MAC address, address and VLAN of a row."""
    family = row[X_PLACE] >> 32 & 0xFF
    address = address_text(4 if family == 2 else family, row[X_HI], row[X_LO])
    address = "" if family == 2 and row[X_LO] == 0 else address
    return mac_text(row[X_MAC]), address, vlan_text(row[X_PLACE] & 0xFFFFFFFF)


def _peaks(row: list[int]) -> Iterator[Peak]:
    for number, kind in enumerate(RATES):
        _, _, most, second = row[X_RATES + 4 * number : X_RATES + 4 * number + 4]
        if most:
            yield Peak(kind, most, second * SECOND_NS)
