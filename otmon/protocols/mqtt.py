"""MQTT: sensors and gateways publish values to a broker, also towards a cloud."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_NAMES: Final = ((b"\x00\x04MQTT", 3, 5), (b"\x00\x06MQIsdp", 3, 3))
"""Protocol names of CONNECT, and the levels that follow."""
_ONE_BYTE: Final = (Number(1, 1, 0, 0x7F), Length(1, 1, add=2))
"""A packet shorter than 130 bytes that fills the segment."""

PROTOCOL: Final = Protocol(
    id="mqtt",
    name="MQTT",
    kind="it",
    tcp_ports=(1883,),
    signatures=(
        # CONNECT; the remaining length has one to four bytes.
        *(
            Signature(
                "tcp",
                (Number(0, 1, 0x10, 0x10), Text(at, name), Number(at + len(name), 1, low, high)),
                minimum=at + len(name) + 1,
                sender="client",
            )
            for at in (2, 3, 4, 5)
            for name, low, high in _NAMES
        ),
        # Where a broker is usual. CONNACK, SUBACK, UNSUBACK, PINGRESP are a broker's.
        *(
            Signature("tcp", (Number(0, 1, kind, kind), *_ONE_BYTE), minimum=2, sender="server", hinted=True)
            for kind in (0x20, 0x90, 0xB0, 0xD0)
        ),
        *(
            Signature("tcp", (Number(0, 1, kind, kind), *_ONE_BYTE), minimum=2, sender="client", hinted=True)
            for kind in (0x82, 0xA2, 0xC0)
        ),
        *(
            Signature("tcp", (Number(0, 1, kind, kind), *_ONE_BYTE), minimum=2, hinted=True)
            for kind in (0x40, 0x50, 0x62, 0x70, 0xE0, 0xF0)
        ),
        # PUBLISH: a topic shorter than 256 bytes stands behind the length.
        Signature("tcp", (Number(0, 1, 0x30, 0x3D), *_ONE_BYTE, Number(2, 1, 0, 0)), minimum=5, hinted=True),
        Signature(
            "tcp",
            (Number(0, 1, 0x30, 0x3D), Number(1, 1, 0x80, 0xFF), Number(2, 1, 1, 0x7F), Number(3, 1, 0, 0)),
            minimum=6,
            hinted=True,
        ),
        Signature(
            "tcp",
            (
                Number(0, 1, 0x30, 0x3D),
                Number(1, 2, 0x8080, 0x8080, mask=0x8080),
                Number(3, 1, 1, 0x7F),
                Number(4, 1, 0, 0),
            ),
            minimum=7,
            hinted=True,
        ),
    ),
    references=(
        "MQTT 5.0 (OASIS), 2.1 (fixed header), 3.1 (CONNECT)",
        "MQTT 3.1.1 (OASIS), 2.2, 3.1",
        "IANA service names: mqtt, 1883/tcp",
    ),
)
