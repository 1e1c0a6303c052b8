"""TLS: encrypted connections, of the web as of OPC UA, MQTT, Modbus, IEC 104 and DNP3 where secured."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Check, Length, Number, Protocol, Signature, Text

_VERSION: Final = (Number(1, 1, 3, 3), Number(2, 1, 0, 4))
_LENGTH: Final = Number(3, 2, 2, (1 << 14) + 2048)
"""Bytes of a record: 2 ** 14, and what encryption may add before version 1.3."""


def _hello(kind: int) -> tuple[Check, ...]:
    """A handshake record that begins with a hello: its type, a length below 65,536, its version."""
    return (
        Number(0, 1, 22, 22),
        *_VERSION,
        _LENGTH,
        Number(5, 1, kind, kind),
        Number(6, 1, 0, 0),
        Number(9, 1, 3, 3),
    )


PROTOCOL: Final = Protocol(
    id="tls",
    name="TLS",
    kind="it",
    tcp_ports=(
        443,
        465,
        636,
        802,
        853,
        990,
        993,
        995,
        2221,
        4843,
        5061,
        6514,
        8016,
        8443,
        8883,
        19998,
        19999,
    ),
    signatures=(
        Signature("tcp", _hello(1), minimum=11, sender="client"),
        Signature("tcp", _hello(2), minimum=11, sender="server"),
        # Later records: other handshake messages, alert, change of cipher, data.
        Signature("tcp", (Number(0, 1, 22, 22), *_VERSION, _LENGTH, Number(5, 1, 0, 24)), minimum=9),
        Signature("tcp", (Number(0, 1, 21, 21), *_VERSION, Number(3, 2, 2, 64)), minimum=7),
        Signature("tcp", (Number(0, 1, 20, 20), *_VERSION, Text(3, b"\x00\x01\x01")), minimum=6),
        Signature("tcp", (Number(0, 1, 23, 23), *_VERSION, _LENGTH), minimum=16),
        # A hello in the frame of SSL 2, as old clients send it.
        Signature(
            "tcp",
            (Number(0, 1, 0x80, 0x80), Length(1, 1, add=2), Text(2, b"\x01\x03"), Number(4, 1, 0, 3)),
            minimum=28,
            sender="client",
        ),
    ),
    references=(
        "RFC 8446, 4 (handshake), 5.1 (records)",
        "RFC 5246, 6.2 (length of records), E.2 (hello in the frame of SSL 2)",
        "IANA service names: mbap-s 802, ethernet-ip-s 2221, opcua-tls 4843, ads-s 8016, secure-mqtt 8883,"
        " iec-104-sec 19998, dnp-sec 19999",
    ),
)
