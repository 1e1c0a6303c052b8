"""Where this program and other tools differ on real captures: each difference is in docs/differences.md,
with its reason. The tests hold both: a difference that comes or goes fails them.

Captures are named by their paths below the folder of the corpus.
"""

from __future__ import annotations

_ICSNPP = "cisagov+icsnpp-"
_ZEEK = "zeek+zeek/testing/btest/Traces/"
_PROFINET = f"{_ICSNPP}profinet-io-cm/testing/traces/profinet_io_cm_"

FUZZED = f"{_ZEEK}modbus/fuzz-72.pcap"

LAYERS: dict[str, dict[str, tuple[int, int]]] = {
    "ITI+ICS-Security-Tools/pcaps/openics/EIP-IPAddressChangeAttempt.pcap": {"igmp": (2, 4)},
    f"{_ICSNPP}roc-plus/testing/traces/all_opcodes_udp.pcap": {"ethernet": (109, 110)},
    "the-tcpdump-group+tcpdump/tests/arp-oobr.pcap": {"arp": (2282, 2283)},
    f"{_ZEEK}arp-who-has-radiotap.pcap": {"llc": (0, 2), "arp": (0, 2)},
    f"{_ZEEK}arp-who-has-wlanmon.pcap": {"llc": (0, 2), "arp": (0, 2)},
}
"""By capture and layer: headers that this program counts, and that tshark does."""

MESSAGES: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {
    FUZZED: ([(6, 33)], [(2, 28), (7, 34), (19, 47), (21, 51), (30, 64)]),
    "OISF+suricata-verify/tests/modbus/modbus.pcap": ([], [(80, 1), (82, 1)]),
}
"""By capture: packets and functions that only tshark finds, and that only this program finds."""

PAIRS: dict[str, list[tuple[int, int | None, int | None]]] = {
    "ITI+ICS-Security-Tools/pcaps/ModbusTCP/Modbus/modbus_test.pcap": [(70, 68, 69)],
}
"""By capture: the packet of a response, of its request here, and of its request to tshark."""

ZEEK_MESSAGES: dict[str, tuple[list[tuple[int, bool]], list[tuple[int, bool]]]] = {
    FUZZED: (
        [(33, True), (38, True)],
        [(34, True), (43, True), (46, True), (47, True), (50, True), (52, True), (64, True), (70, True)],
    ),
}
"""By capture: functions that only Zeek finds, and that only this program finds; True is a request."""

_Key = tuple[str, str, str, int]
ERRORS: dict[str, dict[_Key, _Key]] = {
    f"{_ICSNPP}hart-ip/testing/traces/hart-ip.pcap": {
        ("192.168.0.101", "192.168.0.10", "icmp", 0): ("192.168.0.101", "192.168.0.10", "udp", 5095),
    },
}
"""By capture: errors of ICMP, connections for Zeek, and the conversation here that each answers."""

TURNED: dict[str, dict[str, int]] = {
    f"{_PROFINET}connect.pcapng": {"protocol": 26},
    f"{_PROFINET}connect_minimal.pcapng": {"protocol": 1},
    f"{_PROFINET}control.pcapng": {"protocol": 33},
    f"{_PROFINET}device.pcapng": {"protocol": 1},
    f"{_PROFINET}read.pcapng": {"protocol": 2},
    f"{_PROFINET}release.pcapng": {"protocol": 2},
    f"{_PROFINET}write.pcapng": {"protocol": 3},
    f"{_ICSNPP}hart-ip/testing/traces/hart-ip.pcap": {"protocol": 1},
}
"""By capture: how many connections have Zeek's server as their client here, by what told this program
who that is. Zeek goes by the first packet."""

FLOWS: dict[str, dict[tuple[str, str, str, int], tuple[int, int]]] = {
    f"{_ZEEK}modbus/modbus-and-non-modbus-p502.pcap": {
        ("198.74.56.135", "192.168.10.111", "tcp", 502): (1, 2),
    },
}
"""By capture and conversation: TCP connections here, and to Zeek."""
