"""A command that stops a controller, restarts, silences or forces it, or exchanges its program or settings.

What it means, when it is wrong and how to respond: `rules/dangerous-command.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from otmon.detect.broadcast_write import zone_reached
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    by_server,
    first,
    graded,
    link_of,
    lowered,
    names_function,
    permission_of,
    place_of,
    reasons,
    say,
    say_some,
)
from otmon.detect.silence import unanswered
from otmon.ledger.facts import UNKNOWN, Operation
from otmon.zones.decide import Verdict

RULE: Final = "dangerous-command"

Danger = Literal[
    "stop",
    "start",
    "restart",
    "silence",
    "download",
    "erase",
    "force",
    "unprotect",
    "settings",
    "upload",
    "clear",
]

DANGERS: Final[dict[str, dict[str, Danger]]] = {
    "modbus": {
        "Restart Communications Option": "restart",
        "Force Listen Only Mode": "silence",
        "Clear Counters and Diagnostic Register": "clear",
        "Clear Overrun Counter and Flag": "clear",
        "UMAS Stop PLC": "stop",
        "UMAS Start PLC": "start",
        "UMAS Begin Download": "download",
        "UMAS Download Block": "download",
        "UMAS End Download": "download",
        "UMAS Write Physical Address": "download",
        "UMAS Read Physical Address": "upload",
        "UMAS Begin Upload": "upload",
        "UMAS Upload Block": "upload",
        "UMAS End Upload": "upload",
    },
    "iec104": {
        "Reset Process": "restart",
    },
    "s7comm": {
        "PLC Stop": "stop",
        "PLC Start": "start",
        "PLC Cold Start": "restart",
        "Request Download": "download",
        "Insert Block": "download",
        "Copy RAM to ROM": "download",
        "Breakpoint": "stop",
        "Exit HOLD": "start",
        "Program Invocation": "start",
        "Force": "force",
        "Modify Variable": "force",
        "NC Request Download": "download",
        "Delete Block": "erase",
        "Memory Reset": "erase",
        "Start Upload": "upload",
        "NC Start Upload": "upload",
    },
    "bacnet": {
        "Reinitialize Device": "restart",
        "Disable Communication": "silence",
        "Restore": "download",
        "Atomic Write File": "download",
        "Backup": "upload",
    },
    "dnp3": {
        "Cold Restart": "restart",
        "Warm Restart": "restart",
        "Initialize Application": "restart",
        "Start Application": "start",
        "Stop Application": "stop",
        "Delete File": "erase",
        "Write File": "download",
        "Activate Configuration": "settings",
        "Save Configuration": "settings",
        "Initialize Data": "settings",
    },
    "ethernet_ip": {
        "Reset": "restart",
        "Start": "start",
        "Stop": "stop",
        "Change Mode to Program": "stop",
        "Change Mode to Test": "stop",
        "Change Mode": "stop",
        "Change Mode to Run": "start",
        "Disable Outputs": "stop",
        "Enable Outputs": "start",
        "Enable Scanning": "start",
        "Shutdown": "stop",
        "Restart Request": "restart",
        "Enter Download Mode": "download",
        "Download Request": "download",
        "Download All Request": "download",
        "Download Completed": "download",
        "Physical Write": "download",
        "Write Bytes Physical": "download",
        "Protected Typed File Write": "download",
        "Program File Write": "download",
        "Initialize Memory": "erase",
        "Enter Upload Mode": "upload",
        "Upload Request": "upload",
        "Upload All Request": "upload",
        "Upload Completed": "upload",
        "Physical Read": "upload",
        "Read Bytes Physical": "upload",
        "Protected Typed File Read": "upload",
        "Program File Read": "upload",
        "Reset Diagnostic Counters": "clear",
        "Force File Write": "force",
        "Disable Forces": "force",
        "Set IP Address": "settings",
    },
    "fins": {
        "Stop": "stop",
        "Run": "start",
        "Reset": "restart",
        "Program Area Write": "download",
        "Program Area Clear": "erase",
        "Memory Card Format": "erase",
        "File Delete": "erase",
        "Program Area Read": "upload",
        "Error Log Clear": "clear",
        "Program Area File Transfer": "download",
        "Single File Write": "download",
        "Program Area Protect Clear": "unprotect",
        "Forced Set/Reset": "force",
        "Forced Set/Reset Cancel": "force",
        "Parameter Area Write": "settings",
        "Parameter Area Clear": "settings",
        "Parameter Area File Transfer": "settings",
        "Data Link Table Write": "settings",
    },
    "slmp": {
        "Remote Stop": "stop",
        "Remote Pause": "stop",
        "Remote Run": "start",
        "Remote Reset": "restart",
        "Remote Latch Clear": "erase",
        "Delete File": "erase",
        "New File": "download",
        "Write File": "download",
        "Copy File": "download",
        "Read File": "upload",
    },
}
"""Protocol -> the name that it gives a service -> what the service does to a controller."""

HARMLESS: Final[dict[str, dict[str, str]]] = {
    "s7comm": {"Compress Memory": "moves blocks together, and changes none"},
    "bacnet": {
        "Enable Communication": "lets a device speak again",
        "Life Safety Operation": "operators silence and reset fire alarms all the time",
    },
    "dnp3": {"Open File": "is the same for reading, and what is written is told by itself"},
    "iec104": {"Cancel Reset Process": "is what nothing is done for"},
    "ethernet_ip": {
        "Object Reset": "is of one object, as of a drive's fault, and stops no device",
        "Exit Download or Upload Mode": "ends what was told when it began",
        "Get Edit Resource": "reserves the right to edit, and changes nothing yet",
        "Open File": "is the same for reading, and what is written is told by itself",
    },
}
"""Services that are about the program, or control something, and yet no danger, and why."""

GRAVEST: Final[dict[Danger, Severity]] = {
    "stop": "high",
    "start": "high",
    "restart": "high",
    "silence": "high",
    "download": "high",
    "erase": "high",
    "force": "high",
    "unprotect": "medium",
    "settings": "medium",
    "upload": "medium",
    "clear": "low",
}
"""In a zone of high importance. Never critical: the model does not deny it."""

TECHNIQUES: Final[dict[Danger, frozenset[str]]] = {
    "stop": frozenset({"T0858"}),
    "start": frozenset({"T0858"}),
    "restart": frozenset({"T0816"}),
    "silence": frozenset({"T0814"}),
    "download": frozenset({"T0843", "T0889"}),
    "erase": frozenset({"T0809"}),
    "force": frozenset({"T0835"}),
    "unprotect": frozenset({"T0889"}),
    "settings": frozenset({"T0836"}),
    "upload": frozenset({"T0845"}),
    "clear": frozenset({"T0872"}),
}
"""Which techniques of ATT&CK for ICS, of those of the rule, it is."""

Asked = list[tuple[Operation, Verdict | None]]


def dangerous_command(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, ...], Asked] = {}
    for fact, verdict in case.undenied_operations:
        danger = DANGERS.get(fact.protocol, {}).get(fact.service)
        if danger is not None:
            groups.setdefault((fact.client, fact.server, fact.protocol, danger), []).append((fact, verdict))
    for key, server, group in by_server(groups, case.rules[RULE].number("spread")):
        danger = DANGERS[group[0][0].protocol][group[0][0].service]
        yield _finding(case, key, danger, server, group)


def _finding(case: Case, key: tuple[str, ...], danger: Danger, server: str, group: Asked) -> Finding:
    operations = [one for one, _ in group]
    # The one that counts most says where it is and why it was let through.
    severity, fact, verdict = min(
        ((_severity(case, danger, one, verdict), one, verdict) for one, verdict in group),
        key=lambda item: (SEVERITIES.index(item[0]), item[1].first_ns, item[1].unit, item[1].service),
    )
    times = sum(one.times for one in operations)
    return Finding(
        rule=RULE,
        key=key,
        severity=severity,
        link=link_of(fact) if server == fact.server else Link(client=fact.client),
        place=Place() if verdict is None else place_of(case, verdict),
        what=say(f"danger.{danger}", client=fact.client, server=server, times=times),
        why=tuple(_why(case, operations, verdict)),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
        techniques=TECHNIQUES[danger],
    )


def _severity(case: Case, danger: Danger, fact: Operation, verdict: Verdict | None) -> Severity:
    permission = permission_of(verdict)
    if names_function(permission, fact):
        return "info"
    steps = (permission is not None) + fact.refused
    return lowered(graded(case, zone_reached(case, fact, verdict), GRAVEST[danger]), steps)


def _why(case: Case, operations: list[Operation], verdict: Verdict | None) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    yield say_some("asked-for", sorted({one.service for one in operations}), shown)
    units = sorted({one.unit for one in operations} - {UNKNOWN})
    if units:
        yield say_some("units", [str(unit) for unit in units], shown)
    if verdict is not None:
        yield from reasons(verdict)[:1]
    refused = sum(one.times for one in operations if one.refused)
    if refused:
        yield say("refused", times=refused)
    yield from unanswered(case, operations)
