"""EtherCAT: one frame that passes through all drives and I/O terminals of a line, which read and write it on
the fly; between networks its datagrams travel in UDP.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature

PROTOCOL: Final = Protocol(
    id="ethercat",
    name="EtherCAT",
    kind="industrial",
    udp_ports=(34980,),
    ethertypes=(0x88A4,),
    signatures=(
        # Frame header: 11 bits length, one reserved, 4 bits type 1; then the first datagram's command.
        Signature(
            "udp",
            (
                Length(0, 2, add=2, relation="at most", mask=0x07FF, little=True),
                Number(1, 1, 0x10, 0x10, mask=0xF8),
                Number(2, 1, 0, 14),
            ),
            minimum=14,
            hinted=True,
        ),
    ),
    references=(
        "ETG.1000.4 (IEC 61158-4-12), 5.3 (frame header, in Ethernet and in UDP)",
        "IANA service names: ethercat, 34980/udp",
    ),
)
