"""How fast a large model decides: ``python -m tests.bench.decisions``.

A hundred zones, two thousand permissions on the boundaries between them, a hundred thousand facts
that differ, of which some are allowed, most denied by a permission that nearly fits, and some have no
boundary at all, in the order of a ledger. Told in seconds of the processor.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from time import process_time
from typing import Final

from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.facts import NEVER, Conversation, Evidence, Operation
from otmon.ledger.ledger import conversation_key, operation_key
from otmon.protocols.modbus import service
from otmon.zones.decide import decide, index
from otmon.zones.files.load import known_protocols, read_model
from otmon.zones.model import Model

ZONES: Final = 100
BOUNDARIES: Final = 200
PER_BOUNDARY: Final = 10
FACTS: Final = 100_000
_EVIDENCE: Final = Evidence(1, "a.pcap", 1, 24)


def large_model(random: Random) -> Model:
    """Zones 10.0.0.0/16 to 10.99.0.0/16 and boundaries between neighbours near and far."""
    lines = ["version: 1", "zones:"]
    for zone in range(ZONES):
        lines.append(f"  - {{id: z{zone}, importance: 中, members: 10.{zone}.0.0/16}}")
    lines.append("boundaries:")
    for number in range(BOUNDARIES):
        one, other = number % ZONES, (number + 1 + number // ZONES * 6) % ZONES
        lines += [f"  - id: b{number}", f"    between: [z{one}, z{other}]", "    allow:"]
        for rule in range(PER_BOUNDARY):
            client = f"10.{one}.{rule}.0/24" if rule % 3 else f"z{one}"
            server = f"10.{other}.1.{rule}" if rule % 2 else f"10.{other}.{rule}.0/24"
            low = random.randrange(200)
            asked = f"protocol: modbus, port: 502, access: read, holding_registers: {low}-{low + 40}"
            if rule % 4 == 3:
                asked = "protocol: tls, port: 443"
            lines.append(f"      - {{from: {client}, to: {server}, {asked}}}")
    return read_model([("large.yaml", "\n".join(lines).encode())], known_protocols())


def many_facts(random: Random) -> list[Conversation | Operation]:
    """All different: who, to whom, and what. As a ledger that was read: sorted, and so in memory."""
    facts: dict[object, Conversation | Operation] = {}
    while len(facts) < FACTS:
        one = random.randrange(ZONES)
        other = (one + random.choice((1, 1, 7, 7, 30))) % ZONES
        client = f"10.{one}.{random.randrange(12)}.{random.randrange(1, 250)}"
        server = f"10.{other}.{random.randrange(1, 4)}.{random.randrange(12)}"
        ends = {"client": client, "server": server, "transport": "tcp", "vlan": ""}
        times = {"hours": 1, "first_ns": 1, "last_ns": 2, "evidence": _EVIDENCE}
        if random.random() < 0.5:
            port, protocol = random.choice(((502, "modbus"), (443, "tls"), (445, "smb")))
            facts[client, server, port] = Conversation(
                **ends, port=port, protocol=protocol, expected="", role="handshake", answered=True, flows=1,
                resets=0, packets_to_server=5, packets_to_client=5, bytes_to_server=500, bytes_to_client=500,
                tunnel="", busiest=NEVER, **times,
            )  # type: ignore[arg-type] # fmt: skip
        else:
            function, address = random.choice((3, 3, 6)), random.randrange(260)
            named = service(function, -1)
            facts[client, server, function, address] = Operation(
                **ends, port=502, protocol="modbus", unit=1, function=function, subfunction=-1,
                service=named.name, access=named.access, address=address, count=random.choice((1, 10, 20)),
                status=0, swept=False, times=1, response_ns_sum=5, response_ns_min=5, response_ns_max=5,
                answered=1, response_counts=(1,), gap_ns=0, busiest=NEVER, course=(), **times,
            )  # type: ignore[arg-type] # fmt: skip
    conversations = [fact for fact in facts.values() if isinstance(fact, Conversation)]
    operations = [fact for fact in facts.values() if isinstance(fact, Operation)]
    ordered = [*sorted(conversations, key=conversation_key), *sorted(operations, key=operation_key)]
    return [replace(fact) for fact in ordered]


@without_garbage_collection()
def main() -> None:
    model, facts = large_model(Random(1)), many_facts(Random(2))
    begin = process_time()
    ready = index(model)
    indexed = process_time()
    verdicts = [decide(ready, fact) for fact in facts]
    decided = process_time()
    lacks = sum(len(one.lacks) for verdict in verdicts for one in verdict.nearest)
    worded = process_time()
    permissions = sum(len(boundary.permissions) for boundary in model.boundaries)
    print("zones", len(model.zones))
    print("permissions", permissions)
    print("facts", len(facts))
    for outcome in ("allowed", "denied"):
        print(outcome, sum(verdict.outcome == outcome for verdict in verdicts))
    print("lacks", lacks)
    print("indexing", indexed - begin)
    print("deciding", decided - indexed)
    print("wording", worded - decided)


if __name__ == "__main__":
    main()
