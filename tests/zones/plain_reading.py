"""What a permission lacks, read one by one and key by key: slow, and plain enough to be believed.

`otmon.zones.permission_table` finds the same for all permissions at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.address import Address, parse_address
from otmon.zones.functions import MODBUS_OBJECTS, normal
from otmon.zones.lack import ASPECTS, Lacking
from otmon.zones.model import Endpoint, FunctionRef, Permission, spans
from otmon.zones.nearest import Fit, Set
from otmon.zones.permission_table import PermissionTable


class Subject(NamedTuple):
    """A fact whose ends are in these zones."""

    fact: Conversation | Operation
    client_zone: str
    server_zone: str

    @property
    def client(self) -> Address | None:
        return parse_address(self.fact.client)

    @property
    def server(self) -> Address | None:
        return parse_address(self.fact.server)


def allowing(table: PermissionTable, subject: Subject) -> tuple[Set, Set]:
    """The permissions that the sets say allow it, and those that would the other way round."""
    fit, every = fit_of(table, subject), table.asked(subject.fact).every
    return fit.clients & fit.servers & every, fit.turned_clients & fit.turned_servers & every


def fit_of(table: PermissionTable, subject: Subject) -> Fit:
    """What the sets say of it."""
    fact, *zones = subject
    ends = table.admitting_ends(subject.client, subject.server, *zones)
    return Fit(subject.client_zone, *ends, table.asked(fact).rest)


def lacking(permission: Permission, subject: Subject) -> list[Lacking]:
    """Everything for which the permission does not fit, farthest first; nothing when it allows the fact."""
    fact = subject.fact
    lacks = _lacking_ends(permission, subject)
    if permission.transports and fact.transport not in permission.transports:
        lacks.append("transport")
    if permission.ports and not spans(permission.ports, fact.port, fact.port):
        lacks.append("port")
    # Where no payload could show it, a port that the permission names speaks for its protocol, else the port
    # that is usual for one.
    assumed = isinstance(fact, Conversation) and fact.protocol == "none"
    speaks = {fact.expected if isinstance(fact, Conversation) and assumed else fact.protocol}
    if assumed:
        ports = {"tcp": attrgetter("tcp_ports"), "udp": attrgetter("udp_ports")}.get(fact.transport)
        speaks |= {one.id for one in PROTOCOLS if ports is not None and fact.port in ports(one)}
    if not (assumed and permission.ports) and permission.protocols and not speaks & {*permission.protocols}:
        lacks.append("protocol")
    operation = fact
    if isinstance(operation, Operation):
        if permission.access and operation.access not in permission.access:
            lacks.append("access")
        if permission.functions and not _named(permission.functions, operation):
            lacks.append("function")
        if permission.units and not spans(permission.units, operation.unit, operation.unit):
            lacks.append("unit")
        if permission.objects and not _addressed(permission, operation):
            lacks.append("elements")
    return lacks


def distance(lacks: list[Lacking]) -> int:
    """How far a permission is that lacks these: their number decides, then the farthest of them."""
    return len(lacks) * len(ASPECTS) - ASPECTS.index(lacks[0])


def _lacking_ends(permission: Permission, subject: Subject) -> list[Lacking]:
    client_fits = _at(permission.clients, subject.client_zone, subject.client)
    server_fits = _at(permission.servers, subject.server_zone, subject.server)
    if client_fits and server_fits:
        return []
    if _at(permission.clients, subject.server_zone, subject.server) and _at(
        permission.servers, subject.client_zone, subject.client
    ):
        return ["direction"]
    if permission.clients[0].zone != subject.client_zone:
        return ["direction", "client"]
    lacks: list[Lacking] = [] if client_fits else ["client"]
    return lacks if server_fits else [*lacks, "server"]


def _at(ends: tuple[Endpoint, ...], zone: str, address: Address | None) -> bool:
    for end in ends:
        if end.zone == zone and (end.network is None or (address is not None and address in end.network)):
            return True
    return False


def _named(functions: Iterable[FunctionRef], operation: Operation) -> bool:
    for function in functions:
        if function.number is None:
            if function.name == normal(operation.service):
                return True
        elif function.number == operation.function and function.subfunction in (None, operation.subfunction):
            return True
    return False


def _addressed(permission: Permission, operation: Operation) -> bool:
    """Whether elements that are listed admit the operation.

    An operation on no element passes only where the permission admits it in another way: by its
    function, or by an access class that is not about data.
    """
    kind = MODBUS_OBJECTS.get(operation.function)
    if kind is None:
        by_access = operation.access in permission.access and operation.access not in ("read", "write")
        return by_access or _named(permission.functions, operation)
    for listed, ranges in permission.objects:
        if listed == kind:
            return operation.address == UNKNOWN or spans(ranges, *_span(operation))
    return False


def _span(operation: Operation) -> tuple[int, int]:
    """First and last element; a count that was not seen is of one."""
    return operation.address, operation.address + max(operation.count, 1) - 1
