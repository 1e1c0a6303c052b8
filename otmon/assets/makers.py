"""What vendors of network interfaces mostly make.

A vendor says little alone: its name is one signal of several (`otmon.assets.signals`). The classes are
what the vendor's own catalogue sells for plants and offices; vendors that make everything are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

DeviceClass = Literal[
    "controller", "hmi", "engineering-station", "historian", "router", "switch", "camera", "printer", "phone",
    "iot-device", "server", "pc",
]  # fmt: skip
"""What a device is there for. A *controller* is a PLC, a drive, a robot, an I/O device or another one that
answers industrial protocols; an *iot-device* a small one that reports to a service."""

COMPUTER: Final[tuple[DeviceClass, ...]] = ("hmi", "engineering-station", "historian", "server", "pc")
CONTROL: Final[tuple[DeviceClass, ...]] = ("controller", "hmi")

MAKERS: Final[Mapping[str, tuple[DeviceClass, ...]]] = {
    # Controllers, drives, robots, I/O and panels.
    **dict.fromkeys(
        (
            *("siemens", "telemecanique", "schneider electric", "rockwell automation", "kawasaki heavy"),
            *("mitsubishi electric", "omron", "yokogawa", "beckhoff", "wago", "phoenix contact", "pilz"),
            *("b&r industrial", "bosch rexroth", "fanuc", "kuka", "yaskawa", "denso corporation"),
            *("jtekt", "fuji electric", "hitachi industrial", "toshiba mitsubishi-electric", "emerson"),
            *("honeywell", "abb", "festo", "smc", "turck"),
            *("lenze", "sew eurodrive", "sick", "pepperl", "hms industrial", "yamatake", "keyence"),
            *("weintek", "advantech"),
        ),
        CONTROL,
    ),
    # Not the maker of valves.
    "smc networks": ("switch", "router"),
    **dict.fromkeys(("hirschmann", "moxa", "red lion", "westermo"), ("switch", "router")),
    **dict.fromkeys(
        ("cisco", "juniper", "allied telesis", "alaxala", "extreme networks", "netgear", "d-link",
         "tp-link", "buffalo", "elecom", "i-o data", "ubiquiti", "routerboard.com", "ruckus"),
        ("switch", "router"),
    ),
    **dict.fromkeys(
        ("fortinet", "palo alto", "check point", "sonicwall", "watchguard", "yamaha", "nec platforms",
         "sierra wireless", "teltonika", "century systems"),
        ("router",),
    ),
    **dict.fromkeys(
        ("axis communications", "hikvision", "dahua", "hanwha", "i-pro", "vivotek", "mobotix", "reolink"),
        ("camera",),
    ),
    **dict.fromkeys(
        ("zebra technologies", "sato corporation", "brother industries", "canon", "ricoh", "kyocera",
         "seiko epson", "lexmark", "konica", "xerox", "toshiba tec", "oki electric"),
        ("printer",),
    ),
    **dict.fromkeys(
        ("apple", "samsung electronics", "xiaomi", "huawei device", "oppo", "vivo mobile",
         "sharp corporation", "google", "motorola mobility", "fcnt"),
        ("phone", "pc"),
    ),
    **dict.fromkeys(("espressif", "tuya", "shenzhen ogemray"), ("iot-device", "camera")),
    "hewlett packard enterprise": ("server", "switch"),
    "raspberry pi": ("iot-device", "pc", "server"),
    **dict.fromkeys(
        ("dell", "hewlett packard", "hp inc", "lenovo", "fujitsu", "nec personal", "toshiba", "dynabook",
         "panasonic connect", "vaio", "super micro", "giga-byte", "asrock",
         "micro-star", "asustek", "intel corporate", "vmware", "xensource", "microsoft", "pcs systemtechnik"),
        COMPUTER,
    ),
}  # fmt: skip
"""Words of a name, in lower case -> what the vendor makes. Of several the longest counts."""


@cache
def made_by(vendor: str) -> tuple[DeviceClass, ...]:
    """What a vendor mostly makes; nothing for one that says little."""
    name = vendor.casefold()
    found = [words for words in MAKERS if re.search(rf"\b{re.escape(words)}\b", name)]
    return MAKERS[max(found, key=lambda words: (len(words), words))] if found else ()
