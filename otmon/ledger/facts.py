"""The facts: what was seen, never what is wrong.

Every fact is a frozen value with a `key` (what it is about), counts, the first and last time in
nanoseconds since 1970 UTC, and the evidence of its first packet. Two facts of one key are joined
by `otmon.ledger.merge`; nothing else changes a fact.

Words: an *address* is an IPv4 or IPv6 address in its usual text, or a MAC address for
conversations below IP. A *vlan* is "" (untagged), "10", or "200.10" for a service tag around a
customer tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal, NamedTuple, get_args

from otmon.identity.claim import ClaimKind
from otmon.ledger.course import Window
from otmon.ledger.fast_init import fast_init
from otmon.protocols.protocol import AccessClass

Role = Literal["handshake", "protocol", "port", "first packet"]
"""How client and server of a conversation were told apart, surest first."""

HOURS = 168
"""Hours of a week: bit 0 of `hours` is Monday 00:00 to 01:00 UTC."""
MINUTE_NS = 60_000_000_000
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
MONDAY = 72
"""Hours from the beginning of a week to its Thursday: 1970 began on one."""
UNANSWERED = -1
"""`Operation.status` of a request that got no response."""
OPEN_AT_END = -2
"""`Operation.status` of a request whose response may lie after the end of the capture."""
RESPONSE_BOUNDS_NS: tuple[int, ...] = (
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000,
    500_000_000, 1_000_000_000, 2_000_000_000, 5_000_000_000, 10_000_000_000,
)  # fmt: skip
"""Response times are told apart from 1 ms, the shortest cycle of a controller, to 10 s, when every master has
given up; by 1, 2 and 5, so that a quantile is wrong by a factor of 2.5 at most."""
LONGEST_NS = (1 << 63) - 1
"""What response times add up to at most, 292 years: only a capture that lies about its times holds more."""
ACKNOWLEDGE = 5
"""`Operation.status`: Modbus' exception that the server has accepted the request and is still at it (Modbus
Application Protocol 1.1b3, section 7)."""
GATEWAY_SILENT = 11
"""The exception of a gateway that got no answer: whether the device did what was asked nobody can know."""
UNKNOWN = -1
"""`Operation.address` or `.count` where the service has none or the request was not seen."""


class Evidence(NamedTuple):
    """One packet: enough to find it again in the capture. Ordered by time, then source and number."""

    time_ns: int
    source: str
    packet: int
    """Number in its source, from 1."""
    offset: int
    """Offset in bytes of the packet's first byte in its (uncompressed) source."""


@dataclass(frozen=True, slots=True)
class Busiest:
    """The minute of the clock in which there was most of something; the first one, where several were alike.

    A lower bound: what was counted in parts is not added across them.
    """

    count: int
    """0 where nobody counted."""
    evidence: Evidence
    """The first packet that was counted in that minute."""


NEVER = Busiest(0, Evidence(0, "", 0, 0))


@dataclass(frozen=True, slots=True)
class Source:
    """A capture that was read. Key: name."""

    name: str
    packets: int
    bytes: int
    first_ns: int
    """0 when there was no packet."""
    last_ns: int
    counters: tuple[tuple[str, int], ...]
    """Sorted (name, count): packets per protocol layer ("layer.ip"), and whatever was limited,
    skipped or seen twice ("duplicate frames", "flows evicted" ...)."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A place where a capture is damaged (`otmon.capture`). Key: source, kind, offset."""

    source: str
    kind: str
    offset: int
    """Bytes from the start of the (uncompressed) source, -1 where there is no one place."""
    count: int
    detail: str


Rate = Literal["connection attempts", "datagrams", "broadcasts", "ARP packets", "Modbus requests"]
RATES: tuple[Rate, ...] = (
    "connection attempts", "datagrams", "broadcasts", "ARP packets", "Modbus requests"
)  # fmt: skip
"""What is counted by the second: TCP handshakes begun; IP packets without TCP to one host; frames to
all but ARP; ARP; requests. What a plant sends in its cycles over TCP is none of them."""


class Peak(NamedTuple):
    """The most that an asset sent of one kind in a second of the clock."""

    kind: Rate
    packets: int
    time_ns: int
    """When that second began; the first one, where several were alike."""


@fast_init
@dataclass(frozen=True, slots=True)
class Asset:
    """A sender: one MAC address with one network address. Key: mac, address, vlan."""

    mac: str
    address: str
    """"" for a sender that was seen below IP only."""
    vlan: str
    packets: int
    bytes: int
    arp: int
    """ARP packets that it sent; each says that its address belongs to its MAC address."""
    arp_asked: int
    """The last octets of the IPv4 addresses of others that it asked for by ARP, as bits 0 to 255."""
    peaks: tuple[Peak, ...]
    """Of each kind that it sent, by kind."""
    first_ns: int
    last_ns: int
    evidence: Evidence


@fast_init
@dataclass(frozen=True, slots=True)
class Conversation:
    """Who talks to whom. Key: client, server, transport, port, protocol, vlan."""

    client: str
    server: str
    transport: str
    """"tcp", "udp", "icmp", "icmpv6", "sctp", "ip-<number>" for another IP protocol, "ethernet"."""
    port: int
    """The server's port; the EtherType for "ethernet"; 0 where there is none."""
    protocol: str
    """Id of a protocol in `otmon.protocols`; "unknown" where no payload told one, "none" where there
    was no payload."""
    vlan: str
    expected: str
    """The protocol that the port is usually used for where none or another one was spoken, else ""."""
    role: Role
    answered: bool
    """The server sent something other than a refusal (TCP RST)."""
    flows: int
    resets: int
    """Flows in which one of the two sent a TCP reset."""
    packets_to_server: int
    packets_to_client: int
    bytes_to_server: int
    """Bytes on the wire, link header included."""
    bytes_to_client: int
    tunnel: str
    """What the packets came wrapped in: "", "gre", "erspan", "vxlan", "tzsp" ..."""
    busiest: Busiest
    """Of the packets of one of its flows, in both directions."""
    hours: int
    """The hours of the week in which it was seen, as bits (`HOURS`)."""
    first_ns: int
    last_ns: int
    evidence: Evidence


@fast_init
@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asked a server to do, and how it ended.

    Key: everything up to and including `status`. Many (address, count) pairs of one service
    collapse into ranges when a client sweeps (`otmon.ledger.merge`); then `swept` is True and
    address and count span a range in which every element was asked for.
    """

    client: str
    server: str
    transport: str
    port: int
    protocol: str
    vlan: str
    unit: int
    function: int
    """The service's number, such as the Modbus function code without its exception bit."""
    subfunction: int
    """UNKNOWN where the function has none."""
    service: str
    """The service's name in its protocol file."""
    access: AccessClass
    address: int
    """First element on the wire, from 0, UNKNOWN where there is none."""
    count: int
    status: int
    """0 answered well, above 0 the exception code, or UNANSWERED or OPEN_AT_END."""
    swept: bool
    times: int
    """How many transactions."""
    response_ns_sum: int
    """Response times, over `answered` transactions; at most `LONGEST_NS`."""
    response_ns_min: int
    """0 where nothing was answered, as the maximum."""
    response_ns_max: int
    answered: int
    response_counts: tuple[int, ...]
    """How many answers took at most the first of `RESPONSE_BOUNDS_NS`, at most the second and more than the
    first, and so on up to the last bound within which there were any. The rest of `answered` took longer, or
    was answered when nobody counted this."""
    gap_ns: int
    """The longest time between two requests that followed each other in one capture, 0 where there
    was but one; of a sweep, between two for the same elements. A lower bound: what was counted in
    parts is not known across them."""
    busiest: Busiest
    """Of its transactions, by the time of their requests; of a sweep, of those for the same elements."""
    course: tuple[Window, ...]
    """How it went over time (`otmon.ledger.course`); empty where nobody kept that."""
    hours: int
    """As for a conversation."""
    first_ns: int
    last_ns: int
    evidence: Evidence
    """The first request's packet, or its response's where the request was not seen."""

    @property
    def refused(self) -> bool:
        """The device said that it did not do it. Some exceptions say something else."""
        return self.status > 0 and self.status not in (ACKNOWLEDGE, GATEWAY_SILENT)


Order = Literal["unsigned", "signed", "unsigned-swapped", "signed-swapped"]
ORDERS: tuple[Order, ...] = ("unsigned", "signed", "unsigned-swapped", "signed-swapped")
"""Ways to compare written values: as unsigned or two's complement numbers, of two registers with the
first or the second as the higher word."""


class Extreme(NamedTuple):
    """The smallest or largest value that was written to an element."""

    value: int
    """As written: 0 or 1 for a coil or bit, 16 bits for a register, 32 for two, the first one higher, or for
    a number as IEEE 754 binary32."""
    before: int
    """What the element held until then, as far as it was written or read before; else UNKNOWN."""
    evidence: Evidence


NO_STEP = Extreme(0, UNKNOWN, Evidence(0, "", 0, 0))
"""In place of a step that there is not: one of the two values is no number."""
Way = Literal[
    "unsigned", "signed", "unsigned-swapped", "signed-swapped", "float", "float-swapped",
    "first-unsigned", "first-signed",
]  # fmt: skip
WAYS: tuple[Way, ...] = (*ORDERS, "float", "float-swapped", "first-unsigned", "first-signed")
"""Ways to measure a step between two values: as numbers in each of ORDERS, as floating point numbers
(IEEE 754) with either register as the higher word, and as the first register alone."""


class Change(NamedTuple):
    """How far writes moved an element within a minute of time, however many of them and whoever sent them."""

    value: int
    """As `Extreme.value`: what the last write of these wrote."""
    before: int
    """What the element held until the first one."""
    since: Evidence
    """The first write's packet, a minute before the last one at most; the same where one write did it all."""
    evidence: Evidence
    """The last write's packet."""


NO_CHANGE = Change(0, UNKNOWN, Evidence(0, "", 0, 0), Evidence(0, "", 0, 0))
"""In place of a change that there is not."""


@fast_init
@dataclass(frozen=True, slots=True)
class WrittenValue:
    """What a client wrote to one coil or holding register, or to an element of another protocol
    (`otmon.protocols.writes`). Key: everything up to and including `words`.

    A register is a fact of its own, and with the register behind it, where one request wrote both,
    another one of two words.

    What could not be read of writes, as of one that was cut off, is a fact as well: without table and
    address, of no words, with nothing but how often and when.
    """

    client: str
    server: str
    transport: str
    port: int
    protocol: str
    vlan: str
    unit: int
    table: str
    """"coils", "holding_registers", or the vendor's name of an area such as "D"."""
    address: int
    words: int
    """1 for a bit as well; 2 for a number as IEEE 754 binary32."""
    times: int
    repeated: int
    """Of these such as wrote what the element held, as far as that was seen."""
    first_ns: int
    last_ns: int
    extremes: tuple[Extreme, ...]
    """Smallest, then largest, for each of `ORDERS`; of one word the first two orders."""
    steps: tuple[Extreme, ...]
    """The largest step, from `before` to `value`, for each of `WAYS`; of one word the first two. Empty where
    nobody saw what the element held before; `NO_STEP` where a way knows no number."""
    changes: tuple[Change, ...]
    """The largest change for each of `WAYS`, as far as a minute was watched
    (`otmon.ledger.modbus.value_changes`); of one word the first two. Empty where nothing changed; `NO_CHANGE`
    where a way knows of none."""
    evidence: Evidence
    """The first write's packet."""


@fast_init
@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that its protocol does not allow, or bytes that the capture lost.

    Key: everything up to and including `function`. Loss (`reason` "lost-bytes") is a fact of its
    own, so that a gap is never read as misbehaviour.
    """

    client: str
    server: str
    transport: str
    port: int
    protocol: str
    vlan: str
    from_client: bool
    """Who sent it."""
    reason: str
    """Id of the reason in the protocol file, such as "protocol-id"."""
    field: str
    """The protocol's name for the field that is wrong."""
    function: int
    """Function code, UNKNOWN where it was not read."""
    value: int
    """What the field held the first time."""
    needed: int
    """What it should have held or how many bytes were needed, UNKNOWN where there is no one value."""
    times: int
    first_ns: int
    last_ns: int
    evidence: Evidence


CredentialKind = Literal["default", "empty", "anonymous", "clear"]
"""What is known of a secret: it is on the list of published defaults, or empty, or none was asked for, or
it crossed the network readable and is none of these."""
Outcome = Literal["accepted", "unknown", "attempted", "refused"]
"""As `otmon.identity.login` decides it, gravest first."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@fast_init
@dataclass(frozen=True, slots=True)
class CredentialSeen:
    """How somebody logged in. Key: everything up to and including `outcome`.

    It holds no secret, and nothing that was made of one.
    """

    client: str
    server: str
    transport: str
    port: int
    protocol: str
    vlan: str
    account: str
    """The name that was given, as one line of visible text; "" where there was none."""
    method: str
    """"basic", "digest", "plain", "form", "query", "community", "cram-md5", "apop", "vnc", "simple",
    "anonymous"."""
    entry: str
    """Id of the entry in `rules/credentials` that it is, "" for none. Of several alike the first."""
    kind: CredentialKind
    outcome: Outcome
    times: int
    first_ns: int
    last_ns: int
    evidence: Evidence
    """The packet that carried the secret or its proof."""


@fast_init
@dataclass(frozen=True, slots=True)
class AssetClaim:
    """What a message says about its sender, or one that knows it about another. Key: everything up to and
    including `protocol`.

    It is what was said: whoever sends can say anything.
    """

    mac: str
    """Of the sender's frames, as `Asset.mac`: of one behind a router the router's."""
    address: str
    """"" for what is said below IP."""
    vlan: str
    kind: ClaimKind
    value: str
    """One line of visible text, at most `otmon.identity.claim.MAX_VALUE` characters."""
    protocol: str
    """What said it: the id of a protocol, or "cdp"."""
    times: int
    first_ns: int
    last_ns: int
    evidence: Evidence


NAME_BITS = 1_024
"""Bits in which names are counted: enough to tell some thousand apart (`distinct`)."""


@fast_init
@dataclass(frozen=True, slots=True)
class NamesAsked:
    """How much the names could carry that a client asked a name server for, below one domain in one day: of
    questions that are long or ask for free text only (`otmon.ledger.copying.questions`). Key: everything up
    to and including `day`.

    It holds none of the names. What a second brought beyond a budget is missing from it.
    """

    client: str
    server: str
    transport: str
    port: int
    protocol: str
    vlan: str
    domain: str
    """The one that somebody registered, as far as labels tell (`otmon.identity.question`)."""
    day: int
    """Since 1970, in UTC: what little is asked each day never adds up to what a tunnel carries."""
    times: int
    """Questions."""
    free: int
    """Of these, for types whose answers hold any text or bytes (TXT, NULL, KEY, private ones)."""
    names: int
    """The names: a hash of each as one of bits 0 to `NAME_BITS` - 1."""
    carried_bits: int
    """What the labels below the domain could carry at most, over all questions: for each its length by the
    entropy of its characters."""
    first_ns: int
    last_ns: int
    evidence: Evidence


def distinct(names: int) -> int:
    """How many different names there were, from the bits of their hashes: linear counting (Whang and others,
    "A linear-time probabilistic counting algorithm for database applications", 1990). Where all bits are set,
    it is a lower bound."""
    free = max(NAME_BITS - names.bit_count(), 1)
    return round(NAME_BITS * log(NAME_BITS / free))


def hours_between(first_ns: int, last_ns: int) -> str:
    """All hours of the week from one time to another, as a ledger file has them."""
    first, last = first_ns // HOUR_NS, last_ns // HOUR_NS
    count = min(max(last - first, 0) + 1, HOURS)
    bits = sum(1 << (first + n + MONDAY) % HOURS for n in range(count))
    return f"{bits:042x}"
