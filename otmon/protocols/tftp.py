"""TFTP: firmware and settings are loaded without a password. The transfer itself moves to other ports."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="tftp",
    name="TFTP",
    kind="it",
    udp_ports=(69,),
    signatures=(
        # Read or write request that ends with its mode; options may follow it.
        *(
            Signature(
                "udp",
                (Number(0, 2, 1, 2), Text(-len(mode), mode, ignore_case=True), Number(2, 1, 0x20, 0x7E)),
                minimum=4 + len(mode),
                sender="client",
            )
            for mode in (b"\x00octet\x00", b"\x00netascii\x00")
        ),
        Signature(
            "udp",
            (Number(0, 2, 1, 2), Number(2, 1, 0x20, 0x7E), Number(-1, 1, 0, 0)),
            minimum=9,
            sender="client",
            hinted=True,
        ),
    ),
    references=("RFC 1350, 4 (port 69), 5 (packets)", "RFC 2347 (options)"),
)
