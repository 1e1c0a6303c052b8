"""What a line says below IP: PROFINET's station search and cyclic data, and LLDP of its neighbours.

Each function gives the packets of one exchange, as they come in on a line's own switch.
"""

from __future__ import annotations

from random import Random

from otmon.lab import messages
from otmon.lab.frames import MILLISECOND_NS, Host, Packet, ethernet

CYCLE_NS = 8 * MILLISECOND_NS
COUNTER_NS = 31_250
"""The cycle counter's step (IEC 61158-6-10)."""
PRIORITY = 6


def search(start_ns: int, asker: Host, station: Host, random: Random, event: str) -> list[Packet]:
    """Everybody is asked who is there, and `station` answers."""
    transaction = random.getrandbits(32)
    asked, answered = (
        messages.profinet_identify(transaction),
        messages.profinet_identified(transaction, station.name, station.address),
    )
    return [
        _packet(start_ns, messages.PROFINET_IDENTIFY_ADDRESS, asker, asked, event),
        _packet(start_ns + 3 * MILLISECOND_NS, asker.mac, station, answered, event),
    ]


def neighbour(time_ns: int, host: Host, port: str, description: str, event: str) -> Packet:
    """LLDP of one port."""
    unit = messages.lldp(host, port, description)
    frame = ethernet(messages.LLDP_ADDRESS, host.mac, messages.LLDP_ETHERTYPE, unit)
    return Packet(time_ns, frame, event)


def cycle(
    time_ns: int,
    pair: tuple[Host, Host],
    identifiers: tuple[int, int],
    data: tuple[bytes, bytes],
    count: int,
    event: str,
) -> list[Packet]:
    """One cycle: outputs of the controller (`pair[0]`), then inputs of the device, whose frame ids and
    bytes are given in the same order."""
    controller, device = pair
    ways = ((controller, device, 0), (device, controller, 210_000))
    packets = []
    for (sender, to, later), identifier, octets in zip(ways, identifiers, data, strict=True):
        payload = messages.profinet_cyclic(identifier, octets, count)
        packets.append(_packet(time_ns + later, to.mac, sender, payload, event, PRIORITY))
    return packets


def _packet(time_ns: int, to: str, sender: Host, payload: bytes, event: str, priority: int = -1) -> Packet:
    frame = ethernet(to, sender.mac, messages.PROFINET_ETHERTYPE, payload, priority)
    return Packet(time_ns, frame, event)
