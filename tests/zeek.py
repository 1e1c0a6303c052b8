"""What Zeek and the analysers of ICSNPP say of captures: the logs that are kept beside them.

Times are masked in these logs, and the columns of some are chosen, without a line that names them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

UNNAMED = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service")
"""Columns of a conn.log that does not name them."""

FUNCTIONS = {
    "READ_COILS": 1, "READ_DISCRETE_INPUTS": 2, "READ_HOLDING_REGISTERS": 3, "READ_INPUT_REGISTERS": 4,
    "WRITE_SINGLE_COIL": 5, "WRITE_SINGLE_REGISTER": 6, "WRITE_MULTIPLE_COILS": 15,
    "WRITE_MULTIPLE_REGISTERS": 16,
}  # fmt: skip
"""Zeek's names of functions."""
EXCEPTIONS = {
    "-": 0, "ILLEGAL_FUNCTION": 1, "ILLEGAL_DATA_ADDRESS": 2, "ILLEGAL_DATA_VALUE": 3,
    "SLAVE_DEVICE_FAILURE": 4,
}  # fmt: skip


def rows(log: Path, columns: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """The lines of a log by the names of their columns, which are `columns` where it names none."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("#fields"):
            columns = tuple(line.split("\t")[1:])
        elif not line.startswith("#") and columns:
            yield dict(zip(columns, line.split("\t"), strict=False))


class Message(NamedTuple):
    """A Modbus message."""

    client: str
    client_port: int
    server: str
    server_port: int
    transaction: int
    unit: int
    function: int
    request: bool
    exception: int


def messages(log: Path) -> Counter[Message]:
    """The messages in a modbus.log."""
    found = Counter[Message]()
    for row in rows(log):
        name = row["func"]
        number = int(name.removeprefix("unknown-")) & 0x7F if "unknown-" in name else FUNCTIONS[name]
        ends = row["id.orig_h"], int(row["id.orig_p"]), row["id.resp_h"], int(row["id.resp_p"])
        about = int(row["tid"]), int(row["unit"]), number, row["pdu_type"] == "REQ"
        found[Message(*ends, *about, EXCEPTIONS[row["exception"]])] += 1
    return found


class Event(NamedTuple):
    """An event of Zeek's script layer about a Modbus message. What is masked is -1."""

    name: str
    client: str
    client_port: int
    server: str
    server_port: int
    transaction: int
    unit: int
    function: int
    rest: str


_EVENT = re.compile(
    r"(\d+) modbus_(\w+), \[orig_h=([^,]+), orig_p=(\d+)/\w+, resp_h=([^,]+), resp_p=(\d+)/\w+.*?\], "
    r"\[tid=(\d+|XXX), pid=0, uid=(\d+), function_code=(\d+|XXX), len=\d+\](?:, (.*))?"
)


def events(output: Path) -> Counter[Event]:
    """The events in the output of a test that prints how often there was each."""
    found = Counter[Event]()
    for line in output.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        match = _EVENT.fullmatch(line)
        if match is None:
            continue
        name, client, client_port, server, server_port, transaction, unit, function, rest = match.groups()[1:]
        event = Event(
            name,
            client,
            int(client_port),
            server,
            int(server_port),
            -1 if transaction == "XXX" else int(transaction),
            int(unit),
            -1 if function == "XXX" else int(function) & 0x7F,
            rest or "",
        )
        found[event] += int(match[1])
    return found


class Connection(NamedTuple):
    """A line of a conn.log; `packets` of the client and of the server, None where they are not told."""

    client: str
    client_port: int
    server: str
    server_port: int
    transport: str
    services: tuple[str, ...]
    packets: tuple[int, int] | None

    def turned(self) -> Connection:
        """The same with its ends in each other's place."""
        packets = None if self.packets is None else (self.packets[1], self.packets[0])
        ends = self.server, self.server_port, self.client, self.client_port
        return Connection(*ends, self.transport, self.services, packets)


def connections(log: Path) -> list[Connection]:
    """The lines of a conn.log."""
    found = []
    for row in rows(log, UNNAMED):
        ends = row["id.orig_h"], int(row["id.orig_p"]), row["id.resp_h"], int(row["id.resp_p"])
        services = () if row["service"] == "-" else tuple(row["service"].split(","))
        packets = (int(row["orig_pkts"]), int(row["resp_pkts"])) if "orig_pkts" in row else None
        found.append(Connection(*ends, row["proto"], services, packets))
    return found
