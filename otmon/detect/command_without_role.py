"""A command from a host whose role in the inventory is another one.

What it means, when it is wrong and how to respond: `rules/command-without-role.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Severity,
    by_server,
    changes,
    first,
    graded,
    link_of,
    lowered,
    names_function,
    permission_of,
    place_of,
    registered,
    say,
    say_some,
)
from otmon.detect.values import values_written
from otmon.ledger.facts import Operation
from otmon.protocols.protocol import AccessClass
from otmon.zones.address import host, parse_address
from otmon.zones.decide import Verdict
from otmon.zones.model import Device
from otmon.zones.place import home_of
from otmon.zones.role import one_name

RULE: Final = "command-without-role"

JUDGED: Final[frozenset[AccessClass]] = frozenset(("write", "control", "program", "configure", "diagnose"))
"""Access classes that ask for a role. Whoever may connect may read and ask for a name."""

LISTS: Final[dict[str, frozenset[AccessClass]]] = {
    "engineering": JUDGED,
    "operating": frozenset(("control", "diagnose", "write")),
    "writing": frozenset(("write",)),
    "diagnosing": frozenset(("diagnose",)),
    "watching": frozenset(),
}
"""Parameter with a list of roles -> the access classes of `JUDGED` that they are there for."""

Asked = list[tuple[Operation, Verdict]]
Roles = Mapping[str, frozenset[AccessClass]]
"""Role, by its `one_name` -> the access classes that it is there for."""


def command_without_role(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    roles = _roles(case)
    commanded: dict[str, set[AccessClass]] = {}
    for device in case.index.model.devices:
        for role in device.roles:
            commanded.setdefault(home_of(case.index, device), set()).update(roles.get(one_name(role), ()))
    groups: dict[tuple[str, ...], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if (
            verdict is not None
            and fact.access in JUDGED
            and not fact.refused
            and not _fits(
                roles, fact.access, registered(case, fact.client), commanded.get(verdict.from_zone, set())
            )
            and not _is_known(case, fact, verdict)
        ):
            groups.setdefault((fact.client, fact.server), []).append((fact, verdict))
    for key, server, group in by_server(groups, case.rules[RULE].number("spread")):
        yield _finding(case, key, server, group)


def _roles(case: Case) -> Roles:
    """What each role is there for; one that stands in several lists, for what any of them says."""
    found: dict[str, frozenset[AccessClass]] = {}
    for name, classes in LISTS.items():
        for role in map(one_name, case.rules[RULE].texts(name)):
            found[role] = found.get(role, frozenset()) | classes
    return found


def _fits(
    known: Roles, access: AccessClass, devices: tuple[Device, ...], commanded: set[AccessClass]
) -> bool:
    """Whether the client is there for this, or nobody says what it is there for. `commanded`: what others
    of its zone are there for; where the inventory says that of nobody, the zone is not written down yet."""
    if not devices:
        return access not in commanded
    roles = [one_name(role) for device in devices for role in device.roles]
    return not roles or any(role not in known or access in known[role] for role in roles)


def _is_known(case: Case, fact: Operation, verdict: Verdict) -> bool:
    """Whether it is the inventory alone that lacks the client: a permission names this very host, and what
    it asks for."""
    permission, address = permission_of(verdict), parse_address(fact.client)
    if registered(case, fact.client) or permission is None or address is None:
        return False
    named = any(one.network == host(address) for one in permission.clients)
    return named and _agreed(fact, verdict)


def _finding(case: Case, key: tuple[str, ...], server: str, group: Asked) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    times = sum(one.times for one in operations)
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity(case, group),
        link=link_of(fact) if server == fact.server else Link(client=fact.client),
        place=place_of(case, verdict),
        what=say(
            "commands",
            client=fact.client,
            server=server,
            access=", ".join(sorted({one.access for one in operations})),
            times=times,
        ),
        why=tuple(_why(case, fact.client, group)),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
    )


def _severity(case: Case, group: Asked) -> Severity:
    gravest: Severity = "high" if changes(one for one, _ in group) else "low"
    stranger = not registered(case, group[0][0].client)
    agreed = all(_agreed(*pair) for pair in group)
    return lowered(graded(case, group[0][1].to_zone, gravest), stranger + agreed)


def _agreed(fact: Operation, verdict: Verdict) -> bool:
    permission = permission_of(verdict)
    return names_function(permission, fact) or (permission is not None and fact.access in permission.access)


def _why(case: Case, client: str, group: Asked) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    devices = registered(case, client)
    for device in devices:
        yield say(
            "its-role",
            asset=device.id,
            roles=", ".join(device.roles) or "-",
            line=str(device.line),
        )
    if not devices:
        yield say("not-in-inventory", address=client)
    yield say_some("asked-for", sorted({one.service for one, _ in group}), shown)
    yield from values_written(case, [one for one, _ in group])
    agreed = sorted(
        {(one.called(), str(one.line)) for _, verdict in group if (one := permission_of(verdict)) is not None}
    )
    for permission, line in agreed[:shown]:
        yield say("reason.permission", permission=permission, line=line)
