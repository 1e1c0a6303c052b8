"""A command from a host whose role in the inventory is another one.

What it means, when it is wrong and how to respond: `rules/command-without-role.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    values_written,
)
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import conversation_key
from otmon.protocols.protocol import AccessClass
from otmon.zones.decide import Verdict
from otmon.zones.model import Device
from otmon.zones.place import home_of

RULE: Final = "command-without-role"

JUDGED: Final[frozenset[AccessClass]] = frozenset(("write", "control", "program", "configure", "diagnose"))
"""Access classes that ask for a role. Whoever may connect may read and ask for a name."""

_ALL: Final = tuple(sorted(JUDGED))
_OPERATING: Final[tuple[AccessClass, ...]] = ("control", "diagnose", "write")
COMMANDS: Final[dict[str, tuple[AccessClass, ...]]] = {
    **dict.fromkeys(("engineering-station", "maintenance-pc", "test-equipment"), _ALL),
    **dict.fromkeys(("hmi", "scada", "dcs"), _OPERATING),
    **dict.fromkeys(
        ("plc", "rtu", "safety", "safety-plc", "sis", "remote-io", "drive", "robot", "cnc", "gateway"),
        _OPERATING,
    ),
    "mes": ("write",),
    "monitoring": ("diagnose",),
    **dict.fromkeys(("historian", "camera", "printer", "office-pc", "file-server", "mail-server", "erp"), ()),
}
"""Role -> the access classes of `JUDGED` that it is there for. A controller exchanges values with others,
a MES sends recipes. Routers and remote gateways are left out: others speak through them."""

SHOWN: Final = 6
"""Services that are named in one finding."""

Asked = list[tuple[Operation, Verdict]]


def command_without_role(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    commanded: dict[str, set[AccessClass]] = {}
    for device in case.index.model.devices:
        for role in device.roles:
            commanded.setdefault(home_of(case.index, device), set()).update(COMMANDS.get(role, ()))
    groups: dict[tuple[str, ...], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if (
            verdict is not None
            and fact.access in JUDGED
            and fact.status <= 0
            and not _fits(fact.access, registered(case, fact.client), commanded.get(verdict.from_zone, set()))
        ):
            groups.setdefault((fact.client, fact.server), []).append((fact, verdict))
    for key, server, group in by_server(groups):
        yield _finding(case, key, server, group)


def _fits(access: AccessClass, devices: tuple[Device, ...], commanded: set[AccessClass]) -> bool:
    """Whether the client is there for this, or nobody says what it is there for. `commanded`: what others
    of its zone are there for; where the inventory says that of nobody, the zone is not written down yet."""
    if not devices:
        return access not in commanded
    roles = [role for device in devices for role in device.roles]
    return not roles or any(role not in COMMANDS or access in COMMANDS[role] for role in roles)


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
    )


def _severity(case: Case, group: Asked) -> Severity:
    gravest: Severity = "high" if changes(one for one, _ in group) else "low"
    stranger = not registered(case, group[0][0].client)
    agreed = all(_agreed(case, *pair) for pair in group)
    return lowered(graded(case, group[0][1].to_zone, gravest), stranger + agreed)


def _agreed(case: Case, fact: Operation, verdict: Verdict) -> bool:
    permission = permission_of(case, verdict)
    return names_function(permission, fact) or (permission is not None and fact.access in permission.access)


def _why(case: Case, client: str, group: Asked) -> Iterator[Message]:
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
    yield say_some("asked-for", sorted({one.service for one, _ in group}), SHOWN)
    yield from values_written(case, sorted({conversation_key(one) for one, _ in group}))
    agreed = sorted(
        {(one.id, str(one.line)) for _, verdict in group if (one := permission_of(case, verdict)) is not None}
    )
    for permission, line in agreed[:SHOWN]:
        yield say("reason.permission", permission=permission, line=line)
