"""Real captures as tshark and Zeek read them: the same layers, the same Modbus, the same connections.

Where they differ it is in `tests.differences`, and the reason is in docs/differences.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from otmon.engine import replay
from otmon.ledger.facts import Conversation
from tests import differences, oracle, zeek
from tests.oracle import Layers, Readings, Tshark

ROOT = Path(__file__).resolve().parent.parent
ZEEK = "zeek+zeek/testing/btest"
ICSNPP = "cisagov+icsnpp-"
MODBUS = f"{ZEEK}/Baseline/scripts.base.protocols.modbus."

MODBUS_LOGS = {
    f"{MODBUS}exception_handling/modbus.log": differences.FUZZED,
    f"{MODBUS}modbus_and_non_modbus_on_port_502/modbus.log":
    f"{ZEEK}/Traces/modbus/modbus-and-non-modbus-p502.pcap",
}  # fmt: skip
"""The logs of Zeek's tests whose captures are there."""

PROFINET = ("connect", "connect_minimal", "control", "device", "read", "release", "write")
CONNECTION_LOGS = {
    **{
        f"{ICSNPP}profinet-io-cm/testing/baseline/tests.profinet_io_cm_{name}/conn.log":
        f"{ICSNPP}profinet-io-cm/testing/traces/profinet_io_cm_{name}.pcapng"
        for name in PROFINET
    },
    f"{ICSNPP}bacnet/testing/baseline/analyzer.services/conn.log":
    f"{ICSNPP}bacnet/testing/traces/bacnet_services.pcap",
    f"{ICSNPP}bsap/testing/baseline/analyzer.ip/conn.log":
    f"{ICSNPP}bsap/testing/traces/bsap-ip_example.pcap",
    f"{ICSNPP}bsap/testing/baseline/analyzer.serial/conn.log":
    f"{ICSNPP}bsap/testing/traces/bsap-serial_example.pcapng",
    f"{ICSNPP}enip/tests/baseline/analyzer.basic/conn.log":
    f"{ICSNPP}enip/tests/traces/enip_cip_example.pcap",
    f"{ICSNPP}genisys/tests/baseline/analyzer.basic/conn.log": f"{ICSNPP}genisys/tests/traces/genisys.pcap",
    f"{ICSNPP}genisys/tests/baseline/analyzer.otherport/conn.log":
    f"{ICSNPP}genisys/tests/traces/genisys_otherport.pcap",
    f"{ICSNPP}hart-ip/testing/baseline/tests.all_types_and_commands_sent/conn.log":
    f"{ICSNPP}hart-ip/testing/traces/hart-ip_all_types_and_commands_sent.pcapng",
    f"{ICSNPP}hart-ip/testing/baseline/tests.hart_ip/conn.log":
    f"{ICSNPP}hart-ip/testing/traces/hart-ip.pcap",
    f"{ICSNPP}opcua-binary/tests/baseline/analyzer.basic/conn.log":
    f"{ICSNPP}opcua-binary/tests/traces/open62541_client-server_mainloop.pcap",
    f"{ICSNPP}s7comm/tests/baseline/analyzer.snap7/conn.log": f"{ICSNPP}s7comm/tests/traces/snap7.pcap",
    f"{ICSNPP}synchrophasor/tests/baseline/analyzer.1PMU_TCP/conn.log":
    f"{ICSNPP}synchrophasor/tests/traces/C37.118_1PMU_TCP.pcap",
    f"{ICSNPP}synchrophasor/tests/baseline/analyzer.1PMU_UDP/conn.log":
    f"{ICSNPP}synchrophasor/tests/traces/C37.118_1PMU_UDP.pcap",
    f"{ICSNPP}synchrophasor/tests/baseline/analyzer.1PMU_UDP_otherport/conn.log":
    f"{ICSNPP}synchrophasor/tests/traces/C37.118_1PMU_UDP_minimal_otherport.pcap",
    f"{MODBUS}events/conn-second.log": f"{ZEEK}/Traces/modbus/modbus-eit.pcap",
    f"{MODBUS}modbus_and_non_modbus_on_port_502/conn.log":
    f"{ZEEK}/Traces/modbus/modbus-and-non-modbus-p502.pcap",
}  # fmt: skip

SERVICES = {
    "bacnet": {"bacnet"}, "cip": {"ethernet_ip"}, "cotp": {"s7comm"}, "dce_rpc": {"dce_rpc"},
    "dns": {"dns", "llmnr", "mdns", "nbns"}, "enip": {"ethernet_ip"}, "modbus": {"modbus"},
    "opcua-binary": {"opc_ua"}, "s7comm": {"s7comm"}, "spicy_hart_ip_tcp": {"hart_ip"},
    "spicy_hart_ip_udp": {"hart_ip"}, "spicy_profinet_io_cm": {"profinet"}, "ssl": {"tls"},
    "bsap": {"unknown"}, "genisys_tcp": {"unknown"}, "synchrophasor_tcp": {"unknown"},
    "synchrophasor_udp": {"unknown"},
}  # fmt: skip
"""What Zeek's services are called here; protocols that this program does not know are "unknown"."""

DNP3 = (
    "del_measure", "en_spon", "file_del", "file_read", "file_write", "read", "rec_time", "select_operate",
    "udp_en_spon", "udp_read", "udp_select_operate", "udp_write", "write",
)  # fmt: skip
PROTOCOL_LOGS = {
    **{f"dnp3.dnp3_{name}/dnp3.log": (f"dnp3/dnp3_{name}.pcap", "dnp3") for name in DNP3},
    "dnp3.events/dnp3.log": ("dnp3/dnp3.pcap", "dnp3"),
    "mqtt.mqtt/mqtt_connect.log": ("mqtt.pcap", "mqtt"),
    "mqtt.mqtt/mqtt_publish.log": ("mqtt.pcap", "mqtt"),
    "mqtt.mqtt/mqtt_subscribe.log": ("mqtt.pcap", "mqtt"),
    "snmp.snmp-crash-62790/snmp.log": ("snmp/snmp-crash-62790.pcap", "snmp"),
    "snmp.v3/snmp.log": ("snmp/snmpv3_get_next.pcap", "snmp"),
}
"""Logs of single protocols in Zeek's tests: their captures, and what the protocol is called here."""


@dataclass(frozen=True)
class Replayed:
    """What this program makes of a capture."""

    packets: int
    headers: dict[str, int]
    conversations: tuple[Conversation, ...]
    transactions: list[dict[str, Any]]


@pytest.fixture(scope="session")
def ours(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replayed]:
    """What this program makes of every capture."""
    file = tmp_path_factory.mktemp("replayed") / "transactions.parquet"
    return {name: replayed(corpus / name, file) for name in oracle.captures(corpus)}


def replayed(path: Path, file: Path) -> Replayed:
    ledger = replay([str(path)], transactions=str(file)).ledger
    (source,) = ledger.sources
    headers = {
        name.removeprefix("layer."): count
        for name, count in source.counters
        if count and name.startswith("layer.")
    }
    return Replayed(source.packets, headers, ledger.conversations, pq.read_table(file).to_pylist())


@pytest.fixture(scope="session")
def layers(corpus: Path, readings: Readings) -> dict[str, Layers]:
    """What tshark counts in every capture."""
    return {name: readings.layers(name) for name in oracle.captures(corpus)}


def test_every_layer_is_counted_as_tshark_does(ours: dict[str, Replayed], layers: dict[str, Layers]) -> None:
    assert len(layers) > 200
    differing: dict[str, dict[str, tuple[int, int]]] = {}
    for name, theirs in layers.items():
        assert ours[name].packets == theirs.packets, name
        headers = ours[name].headers
        for layer in headers.keys() | theirs.headers.keys():
            counts = headers.get(layer, 0), theirs.headers.get(layer, 0)
            if counts[0] != counts[1]:
                differing.setdefault(name, {})[layer] = counts
    assert differing == differences.LAYERS


def sides(transactions: list[dict[str, Any]]) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    """Each message of the transactions: its packet, whether it is the request, and its row."""
    for row in transactions:
        for kind in ("request", "response"):
            if row[f"{kind}_packet"] is not None:
                yield row[f"{kind}_packet"], kind == "request", row


def test_every_modbus_message_is_read_as_tshark_does(
    corpus: Path, reader: Tshark, ours: dict[str, Replayed], layers: dict[str, Layers]
) -> None:
    compared = Counter[str]()
    differing = {}
    pairs = {}
    for name, capture in ours.items():
        if not layers[name].modbus and not capture.transactions:
            continue
        here = defaultdict(list)
        for packet, request, row in sides(capture.transactions):
            here[packet, request].append(row)
        missing = []
        paired = []
        for message in reader.messages(corpus / name):
            rows = here[message.packet, message.request]
            row = next((row for row in rows if is_of(message, row)), None)
            if row is None:
                missing.append((message.packet, message.function))
                continue
            rows.remove(row)
            compared.update(told(message))
            assert not wrong(message, row), (name, message, row)
            if message.asked_in not in (None, row["request_packet"]):
                paired.append((message.packet, row["request_packet"], message.asked_in))
        extra = sorted((packet, row["function"]) for (packet, _), rows in here.items() for row in rows)
        if missing or extra:
            differing[name] = (missing, extra)
        if paired:
            pairs[name] = paired
    assert differing == differences.MESSAGES
    assert pairs == differences.PAIRS
    # All of it was there to compare.
    least = {"messages": 2300, "address": 1200, "count": 1100, "exception": 10, "subfunction": 15,
             "asked_in": 1100}  # fmt: skip
    assert {name: number for name, number in least.items() if compared[name] < number} == {}


def is_of(message: oracle.Message, row: dict[str, Any]) -> bool:
    return (message.transaction, message.unit, message.function) == (
        row["transaction"],
        row["unit"],
        row["function"],
    )


def told(message: oracle.Message) -> list[str]:
    """What a message tells."""
    optional = ("address", "count", "subfunction", "asked_in")
    found = ["messages", *(name for name in optional if getattr(message, name) is not None)]
    return [*found, "exception"] if message.exception else found


def wrong(message: oracle.Message, row: dict[str, Any]) -> list[str]:
    """In what a row differs from a message of its transaction."""
    ends = ("client", "client_port", "server", "server_port")
    found = [name for name in ends if getattr(message, name) != row[name]]
    # An echo of what was asked for is in some responses.
    optional = ("address", "count", "subfunction")
    found += [name for name in optional if getattr(message, name) not in (None, row[name])]
    if not message.request and message.exception != row["exception"]:
        found.append("exception")
    time = row["time_ns"]
    if not message.request:
        time += row["response_time_ns"] or 0
    return found if message.time_ns == time else [*found, "time"]


@pytest.mark.parametrize("log", MODBUS_LOGS, ids=lambda log: log.split(".")[-2].partition("/")[0])
def test_zeeks_log_has_the_same_messages(corpus: Path, log: str, ours: dict[str, Replayed]) -> None:
    name = MODBUS_LOGS[log]
    theirs = zeek.messages(beside(corpus, log))
    here = Counter[zeek.Message]()
    for _, request, row in sides(ours[name].transactions):
        ends = row["client"], row["client_port"], row["server"], row["server_port"]
        about = row["transaction"], row["unit"], row["function"], request
        here[zeek.Message(*ends, *about, 0 if request else row["exception"])] += 1
    assert theirs.total() > 10
    alone = [
        sorted((message.function, message.request) for message in found.elements())
        for found in (theirs - here, here - theirs)
    ]
    assert tuple(alone) == differences.ZEEK_MESSAGES.get(name, ([], []))


def test_zeeks_events_have_the_same_messages(corpus: Path, ours: dict[str, Replayed]) -> None:
    theirs = zeek.events(beside(corpus, f"{MODBUS}coil_parsing_small/output"))
    messages = Counter[tuple[object, ...]]()
    spans = Counter[tuple[object, ...]]()
    for _, request, row in sides(ours[f"{ZEEK}/Traces/modbus/modbusSmall.pcap"].transactions):
        ends = row["client"], row["client_port"], row["server"], row["server_port"]
        messages[*ends, row["transaction"], row["unit"], row["function"], request] += 1
        if request:
            spans[row["client_port"], row["function"], row["address"], row["count"]] += 1
    all_messages = [event for event in theirs if event.name == "message"]
    assert messages == Counter((*event[1:8], event.rest == "T") for event in all_messages)
    asked = Counter[tuple[object, ...]]()
    for event in theirs:
        first, _, rest = event.rest.partition(", ")
        if event.name == "read_coils_request":
            asked[event.client_port, event.function, int(first), int(rest)] += 1
        elif event.name == "write_multiple_coils_request":
            # What is told are the values.
            asked[event.client_port, event.function, int(first), len(rest.split(", "))] += 1
    assert spans == asked
    assert spans.total() == 16


def test_zeeks_events_have_the_same_identifications(corpus: Path, ours: dict[str, Replayed]) -> None:
    """Transaction ids and function codes are masked there, and the names of events tell the latter."""
    rows = ours[f"{ZEEK}/Traces/modbus/modbus-eit.pcap"].transactions
    theirs = zeek.events(beside(corpus, f"{MODBUS}events/compressed-output"))
    clients = {(row["client"], row["client_port"]) for row in rows}
    found = Counter(
        (*event[1:5], event.unit, event.name, event.rest.partition(",")[0])
        for event in theirs
        if (event.client, event.client_port) in clients
    )
    expected = Counter[tuple[object, ...]]()
    for _, request, row in sides(rows):
        about = row["client"], row["client_port"], row["server"], row["server_port"], row["unit"]
        assert row["function"] == 43
        expected[*about, "message", "T" if request else "F"] += 1
        if request or not row["exception"]:
            kind = "request" if request else "response"
            expected[*about, f"encap_interface_transport_{kind}", str(row["subfunction"])] += 1
        else:
            expected[*about, "exception", str(row["exception"])] += 1
    assert found == expected
    assert found.total() == 8


def beside(corpus: Path, log: str) -> Path:
    path = corpus / log
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


Key = tuple[str, str, str, int]


@pytest.mark.parametrize("log", CONNECTION_LOGS, ids=lambda log: Path(CONNECTION_LOGS[log]).stem)
def test_conversations_are_zeeks_connections(corpus: Path, log: str, ours: dict[str, Replayed]) -> None:
    name = CONNECTION_LOGS[log]
    here: dict[Key, list[Conversation]] = defaultdict(list)
    for conversation in ours[name].conversations:
        if conversation.transport in ("tcp", "udp", "icmp", "icmpv6"):
            key = conversation.client, conversation.server, conversation.transport, conversation.port
            here[key].append(conversation)
    theirs, turned = matched(zeek.connections(beside(corpus, log)), here)
    for error, answered in differences.ERRORS.get(name, {}).items():
        # From the client, whose port was closed when the answer came.
        theirs[answered] += theirs.pop(error)
    assert theirs.keys() == here.keys()
    assert turned == differences.TURNED.get(name, {})
    flows = {}
    for key, connections in theirs.items():
        conversations = here[key]
        if key[2] == "tcp" and sum(c.flows for c in conversations) != len(connections):
            flows[key] = sum(c.flows for c in conversations), len(connections)
        packets = [c.packets for c in connections if c.packets is not None]
        if packets:
            assert tuple(map(sum, zip(*packets, strict=True))) == (
                sum(c.packets_to_server for c in conversations),
                sum(c.packets_to_client for c in conversations),
            ), key
        services = {service for c in connections for service in c.services}
        names = {c.protocol for c in conversations} - {"none"}
        for service in services:
            assert names & SERVICES[service], (key, service)
        if services:
            assert names <= set().union(*(SERVICES[service] for service in services)), key
    assert flows == differences.FLOWS.get(name, {})


def matched(
    connections: list[zeek.Connection], here: dict[Key, list[Conversation]]
) -> tuple[dict[Key, list[zeek.Connection]], dict[str, int]]:
    """The connections of each conversation, and how many of them had to change their ends for that,
    by what told this program who the client is."""
    found: dict[Key, list[zeek.Connection]] = defaultdict(list)
    turned = Counter[str]()
    either = []
    for connection in connections:
        plain, other = key_of(connection), key_of(connection.turned())
        if plain in here and other in here and plain != other:
            either.append(connection)
        elif plain not in here and other in here:
            found[other].append(connection.turned())
            turned[here[other][0].role] += 1
        else:
            found[plain].append(connection)
    # Of two conversations it is the one that no other connection can be.
    taken = set(found)
    for connection in either:
        turn = key_of(connection) in taken and key_of(connection.turned()) not in taken
        connection = connection.turned() if turn else connection
        found[key_of(connection)].append(connection)
        if turn:
            turned[here[key_of(connection)][0].role] += 1
    return found, dict(turned)


def key_of(connection: zeek.Connection) -> Key:
    """Without the port of the client, which conversations do not have, as ICMP has no port at all."""
    port = 0 if connection.transport == "icmp" else connection.server_port
    return connection.client, connection.server, connection.transport, port


@pytest.mark.parametrize("log", PROTOCOL_LOGS)
def test_conversations_have_the_protocol_of_zeeks_log(
    corpus: Path, log: str, ours: dict[str, Replayed]
) -> None:
    capture, protocol = PROTOCOL_LOGS[log]
    names = defaultdict(set)
    for c in ours[f"{ZEEK}/Traces/{capture}"].conversations:
        names[c.client, c.server, c.port].add(c.protocol)
    lines = list(zeek.rows(beside(corpus, f"{ZEEK}/Baseline/scripts.base.protocols.{log}")))
    assert lines
    for line in lines:
        assert names[line["id.orig_h"], line["id.resp_h"], int(line["id.resp_p"])] == {protocol}, line


def test_every_difference_is_explained() -> None:
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    tables = (differences.MESSAGES, differences.PAIRS, differences.ZEEK_MESSAGES, differences.TURNED,
              differences.FLOWS)  # fmt: skip
    for name in {name for table in tables for name in table}:
        assert any(line.startswith("|") and f"`{Path(name).name}`" in line for line in lines), name
    for name, counts in differences.LAYERS.items():
        for count in counts.values():
            row = f"| {count[0]} | {count[1]} |"
            assert any(f"`{Path(name).name}`" in line and row in line for line in lines), name
