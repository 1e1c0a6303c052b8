"""The row of integers that one decoded packet becomes, and the layers that are counted.

A row is ``int64[FIELDS]``; kernels fill it layer by layer. Addresses are 128 bits in two words:
IPv6 as it is, IPv4 as ``::ffff:a.b.c.d``, a MAC address in the low word. `FAMILY` says which.
Inner layers overwrite what outer ones wrote, so a row describes the innermost packet; `TUNNEL`
and `OUTER_*` keep the outermost tunnel's kind and addresses, `NESTED` those of tunnels in it.
"""

from __future__ import annotations

from itertools import count
from typing import Final

# Working state of the decoder.
AT: Final = 0
"""Index in the buffer of the next byte to decode; in the end the first payload byte."""
END: Final = 1
"""End of the bytes that were captured and belong to the packet (padding excluded)."""
WIRE_END: Final = 2
"""Where `END` would be if all had been captured."""
NEXT: Final = 3
"""EtherType or IP protocol number of the layer at `AT`."""
BUFFER: Final = 4
"""0: positions are in the batch's buffer; 1: in the reassembly buffer."""
# What the layers said.
FAMILY: Final = 5
"""4, 6, or 2 for MAC addresses; 0 when not even those were read."""
SRC_HI: Final = 6
SRC_LO: Final = 7
DST_HI: Final = 8
DST_LO: Final = 9
PROTO: Final = 10
"""IP protocol number; the EtherType for family 2."""
SPORT: Final = 11
DPORT: Final = 12
VLAN: Final = 13
"""Service tag << 12 | customer tag; 0 is untagged or only priority-tagged."""
SRC_MAC: Final = 14
"""-1 where the link type has none."""
DST_MAC: Final = 15
IP_ID: Final = 16
"""IPv4 identification, -1 where there is none."""
CHECKSUM: Final = 17
SEQ: Final = 18
ACK: Final = 19
FLAGS: Final = 20
"""TCP flags."""
TUNNEL: Final = 21
"""One of TUNNELS, 0 for none."""
OUTER_FAMILY: Final = 22
OUTER_SRC_HI: Final = 23
OUTER_SRC_LO: Final = 24
OUTER_DST_HI: Final = 25
OUTER_DST_LO: Final = 26
SENDER_IP: Final = 27
"""ARP: the sender's IPv4 address as a low word, 0 otherwise."""
HEADER: Final = 28
"""Where the innermost network layer began: what the duplicate test hashes of packets below IP."""
FRAGMENT: Final = 29
"""1 for an IP fragment that did not complete its datagram."""
PARTS: Final = 30
"""Packets that the row stands for: the fragments of a reassembled datagram, else 1."""
PART_BYTES: Final = 31
"""Their bytes on the wire."""
TARGET_IP: Final = 32
"""ARP: the IPv4 address of another host that is asked for, as a low word, 0 otherwise."""
PORT: Final = 33
"""The switch port where the frame came in, as the outermost ERSPAN header tells it: its index, the session
behind `PORT_SESSION`, `PORT_TOLD`, and `PORT_INDEXED` where there is an index. 0 where nothing tells it, or
the frame went out."""
PRINT: Final = 34
"""What tells it from other packets (`otmon.decode.flows.fingerprint`)."""
TAG: Final = 35
"""What its flow is, as `otmon.decode.flows.name_flow` writes it: a hash, then the key of the flow's row and
the packet's direction in it."""
KEY: Final = 36
WAY: Final = 37
PLACE: Final = 38
"""The row where its flow is, if it is known at all, unless the packets before it have moved it."""
AROUND: Final = 39
"""Kinds of all tunnels around it: bit *n* is number *n* of TUNNELS."""
DEPTH: Final = 40
"""How many tunnels are around it."""
NESTED: Final = 41
"""From here on, `NESTED_COLUMNS` for each tunnel in the outermost one: its kind << 8 | family, and its
addresses, source before destination."""
NESTED_COLUMNS: Final = 5
NESTED_TUNNELS: Final = 3
"""Tunnels in a tunnel that are opened: more are one whose inside is not read."""
URGENT: Final = 56
"""TCP: the urgent pointer where its flag is set, else 0."""
LED: Final = 57
"""Bytes on the wire of the first fragment of a reassembled datagram, where that came before and was a
`FIRST_FRAGMENT`; else 0."""
FIRST_FRAGMENT: Final = 58
"""1 for the first fragment of a datagram, of no tunnel, that it did not complete: its ports are told."""
OTHER: Final = 59
"""Of a datagram whose fragments contradict each other: 1 for what came first, behind which the packet has to
be decoded again; 2 for what came in place of that; else 0."""
FIELDS: Final = 64
"""Some columns are spare: rows are whole cache lines."""

PORT_SESSION: Final = 32
"""Bits of the index, behind which the ten of the session are."""
PORT_TOLD: Final = 1 << 42
PORT_INDEXED: Final = 1 << 43

V4_MAPPED: Final = 0xFFFF << 32
"""High part of the low word of an IPv4 address, RFC 4291 section 2.5.5.2."""

# Values of `PROTO`: IANA's assigned Internet protocol numbers.
PROTO_ICMP: Final = 1
PROTO_IGMP: Final = 2
PROTO_IPIP: Final = 4
PROTO_TCP: Final = 6
PROTO_UDP: Final = 17
PROTO_IPV6: Final = 41
PROTO_GRE: Final = 47
PROTO_ICMPV6: Final = 58
PROTO_ETHERIP: Final = 97
PROTO_L2TP: Final = 115
PROTO_SCTP: Final = 132
PROTO_MPLS: Final = 137

TCP_FIN: Final = 1
TCP_SYN: Final = 2
TCP_RST: Final = 4
TCP_ACK: Final = 16
TCP_URG: Final = 32

TUNNELS: Final = (
    "", "gre", "erspan", "vxlan", "tzsp", "ipip", "geneve", "gtp", "l2tp", "teredo", "etherip", "mpls",
    "l2tpv3",
)  # fmt: skip
TUNNEL_GRE: Final = 1
TUNNEL_ERSPAN: Final = 2
TUNNEL_VXLAN: Final = 3
TUNNEL_TZSP: Final = 4
TUNNEL_IPIP: Final = 5
TUNNEL_GENEVE: Final = 6
TUNNEL_GTP: Final = 7
TUNNEL_L2TP: Final = 8
TUNNEL_TEREDO: Final = 9
TUNNEL_ETHERIP: Final = 10
TUNNEL_MPLS: Final = 11
TUNNEL_L2TP3: Final = 12

_n = count()
L_FRAME: Final = next(_n)
L_ETHERNET: Final = next(_n)
L_COOKED: Final = next(_n)
L_COOKED2: Final = next(_n)
L_NULL: Final = next(_n)
L_RAW: Final = next(_n)
L_PPP: Final = next(_n)
L_VLAN: Final = next(_n)
L_QINQ: Final = next(_n)
L_LLC: Final = next(_n)
L_PPPOE_DISCOVERY: Final = next(_n)
L_PPPOE: Final = next(_n)
L_MPLS: Final = next(_n)
L_ARP: Final = next(_n)
L_IPV4: Final = next(_n)
L_IPV6: Final = next(_n)
L_ICMP: Final = next(_n)
L_ICMPV6: Final = next(_n)
L_IGMP: Final = next(_n)
L_TCP: Final = next(_n)
L_UDP: Final = next(_n)
L_SCTP: Final = next(_n)
L_GRE: Final = next(_n)
L_ERSPAN: Final = next(_n)
L_VXLAN: Final = next(_n)
L_TZSP: Final = next(_n)
L_GENEVE: Final = next(_n)
L_GTP: Final = next(_n)
L_L2TP: Final = next(_n)
L_TEREDO: Final = next(_n)
L_HSR: Final = next(_n)
L_IPV4_FRAGMENT: Final = next(_n)
L_IPV6_FRAGMENT: Final = next(_n)
# Below are conditions, not layers.
C_LINK_UNSUPPORTED: Final = next(_n)
C_CUT: Final = next(_n)
"""A header lies beyond the bytes that were captured."""
C_BAD_HEADER: Final = next(_n)
"""A header contradicts itself (version, header length, total length)."""
C_TOO_DEEP: Final = next(_n)
C_REASSEMBLED: Final = next(_n)
C_FRAGMENTS_EVICTED: Final = next(_n)
C_FRAGMENTS_OVERLAP: Final = next(_n)
C_DUPLICATE: Final = next(_n)
C_FLOWS_EVICTED: Final = next(_n)
C_ASSETS_EVICTED: Final = next(_n)
C_STREAMS_EVICTED: Final = next(_n)
C_OPERATIONS_EVICTED: Final = next(_n)
C_ANOMALIES_EVICTED: Final = next(_n)
C_VALUES_EVICTED: Final = next(_n)
C_VALUES_LOST: Final = next(_n)
"""Written values of one packet that found no place."""
C_SEGMENTS_HELD: Final = next(_n)
C_RETRANSMITTED: Final = next(_n)
C_GAPS: Final = next(_n)
C_GAP_BYTES: Final = next(_n)
C_CUT_MESSAGES: Final = next(_n)
"""Messages of which the capture has the beginning alone."""
C_TRANSACTIONS: Final = next(_n)
C_UNANSWERED: Final = next(_n)
C_UNMATCHED: Final = next(_n)
C_OPEN_AT_END: Final = next(_n)
C_LOGINS_QUOTA: Final = next(_n)
"""Payloads of a log-in protocol behind what is copied of one flow."""
C_LOGINS_SHED: Final = next(_n)
"""The same, where a second brought more than is copied in one."""
C_CLAIMS_QUOTA: Final = next(_n)
"""Datagrams, frames and chosen messages that may tell of their sender, behind what is copied of one flow."""
C_CLAIMS_SHED: Final = next(_n)
"""Payloads that may tell of their sender, where a second brought more than is copied in one."""
C_QUESTIONS_SHED: Final = next(_n)
"""Questions to name servers that may carry data, where a second brought more than are copied in one."""
C_COMMANDS_SHED: Final = next(_n)
"""Payloads with commands to controllers, where a second brought more than are copied in one."""
COUNTERS: Final = next(_n)

COUNTER_NAMES: Final = (
    "packets",
    "layer.ethernet",
    "layer.linux-cooked",
    "layer.linux-cooked-v2",
    "layer.bsd-loopback",
    "layer.raw-ip",
    "layer.ppp",
    "layer.802.1q",
    "layer.802.1ad",
    "layer.llc",
    "layer.pppoe-discovery",
    "layer.pppoe",
    "layer.mpls",
    "layer.arp",
    "layer.ipv4",
    "layer.ipv6",
    "layer.icmp",
    "layer.icmpv6",
    "layer.igmp",
    "layer.tcp",
    "layer.udp",
    "layer.sctp",
    "layer.gre",
    "layer.erspan",
    "layer.vxlan",
    "layer.tzsp",
    "layer.geneve",
    "layer.gtp",
    "layer.l2tp",
    "layer.teredo",
    "layer.hsr",
    "ipv4 fragments",
    "ipv6 fragments",
    "unsupported link type",
    "headers cut by the capture",
    "contradictory headers",
    "too many layers",
    "datagrams reassembled",
    "fragments given up",
    "fragments overlapping",
    "duplicate frames",
    "flows evicted",
    "assets evicted",
    "streams evicted",
    "operations evicted",
    "anomalies evicted",
    "written values evicted",
    "written values lost",
    "segments out of order",
    "segments retransmitted",
    "gaps in streams",
    "bytes lost in streams",
    "messages cut by the capture",
    "transactions",
    "requests unanswered",
    "responses without request",
    "requests open at the end",
    "log-in payloads behind the quota of a flow",
    "log-in payloads behind the budget of a second",
    "claims behind the quota of a flow",
    "claims behind the budget of a second",
    "names asked behind the budget of a second",
    "commands behind the budget of a second",
)
"""Names of the counters in the order of their numbers."""
