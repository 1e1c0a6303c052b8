"""CC-Link IE Control, Field and TSN: cyclic and transient frames between Mitsubishi controllers, drives
and I/O. Its messages over UDP and TCP are SLMP.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="cc_link_ie",
    name="CC-Link IE",
    kind="industrial",
    ethertypes=(0x890F,),
    references=(
        "nttcom/zeek-parser-CCLinkIENoIP (frames of a real network)",
        "IEEE Registration Authority, EtherType 0x890F",
    ),
)
