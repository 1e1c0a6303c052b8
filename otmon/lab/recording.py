"""A scenario, or a clean day of a plant, as a capture and its truth.

The packets are made and written as they come, so that memory does not grow with the capture. The same
seed gives the same bytes: every entry of the routine and every step draws from random numbers of its own.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from otmon.lab import modbus, opc_ua, routine
from otmon.lab.form import Form, RangeError, Words
from otmon.lab.frames import Packet, Say, connection, unanswered_syn
from otmon.lab.habits import Dialogue, Span, dialogues_of, in_order, sessions_of
from otmon.lab.plant import Plant, PlantHost
from otmon.lab.polling import (
    ROUTINE,
    Polled,
    Speaker,
    Told,
    count,
    modbus_speaker,
    node_speaker,
    poll,
    s7_speaker,
    tag_speaker,
)
from otmon.lab.process import block_of, controllers_of, node_of, process_of, tag_of
from otmon.lab.scenario import Scenario, Step
from otmon.lab.scene import Act, Deed, Trouble
from otmon.lab.sessions import MODBUS_PORT, UNIT, Recall, Session, written
from otmon.lab.steps import step_kinds
from otmon.outputs.pcapng import pcapng_blocks
from otmon.sentence import sentence
from otmon.zones.files.document import Problem

APPLICATION = "otmon lab"
USUAL = Words(
    ja="設備の普段の通信",
    en="the plant's usual traffic: polling, screens, reports, names, time and addresses",
)


def routine_told(first_ns: int, last_ns: int) -> dict[str, Any]:
    """What is nobody's step, as `Step.told` has a step for the truth."""
    return {
        "id": ROUTINE,
        "incident": False,
        "what": USUAL.en,
        "what_ja": USUAL.ja,
        "techniques": [],
        "actors": [],
        "targets": [],
        "visible": True,
        "unseen_because": None,
        "slow_because": None,
        "first_ns": first_ns,
        "last_ns": last_ns,
    }


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded."""

    plant: Plant
    scenario: Scenario | None
    """None for a clean day."""
    steps: tuple[Step, ...]
    start_ns: int
    end_ns: int
    """In nanoseconds since 1970 UTC."""
    hosts: Mapping[str, PlantHost]

    @property
    def name(self) -> str:
        return self.scenario.id if self.scenario is not None else f"{self.plant.id}-day"


def of_scenario(scenario: Scenario, *, clean: bool = False) -> Recording:
    """The scenario; `clean` is the same time of day without its steps and guests."""
    hosts = scenario.plant.by_name if clean else scenario.everybody()
    steps = () if clean else scenario.steps
    return Recording(scenario.plant, scenario, steps, scenario.start_ns, scenario.end_ns, hosts)


def of_day(plant: Plant) -> Recording:
    """The plant's working hours, with nothing but its routine."""
    start_ns, end_ns = plant.midnight_ns + plant.opens_ns, plant.midnight_ns + plant.closes_ns
    return Recording(plant, None, (), start_ns, end_ns, plant.by_name)


def deeds_of(recording: Recording, seed: int) -> dict[str, Deed]:
    """What each step does, by its id."""
    found: dict[str, Deed] = {}
    for step in recording.steps:
        deed = Deed()
        if step.parameters is not None:
            actors, targets = (
                tuple(recording.hosts[name] for name in names) for names in (step.actors, step.targets)
            )
            start_ns = recording.start_ns + step.at_ns
            random = Random(f"{seed} {recording.name} {step.id}")
            act = Act(step.id, start_ns, recording.plant.wire, actors, targets, recording.hosts, random)
            deed = step_kinds()[step.does].play(act, step.parameters)
        found[step.id] = deed
    return found


@dataclass(slots=True)
class Played:
    """The packets to come, in order of time, and the transactions that were counted on the way."""

    packets: Iterator[Packet]
    told: Told
    malformed: int


def play(recording: Recording, seed: int) -> Played:
    """The whole recording. Raises `RangeError` where the plant's process lacks what its routine asks for."""
    deeds = list(deeds_of(recording, seed).values())
    troubles = tuple(trouble for deed in deeds for trouble in deed.troubles)
    span = Span(recording.plant, recording.start_ns, recording.end_ns)
    sessions = [session for deed in deeds for session in deed.sessions]
    for form in recording.plant.routine:
        sessions += sessions_of(form, span)
    sessions.sort(key=lambda one: (one.start_ns, one.event != ROUTINE, one.client.name, one.server.name))
    known = dict.fromkeys(sorted(controllers_of(recording.plant)), ())
    for host in recording.hosts.values():
        if host.serves("modbus") is not None and host.name not in known:
            what = sentence(
                "the process {process} has no {name}, expected {known}",
                process=recording.plant.process, name=host.name, known=tuple(known),
            )  # fmt: skip
            raise RangeError([Problem(recording.name, 0, 0, what)])
    recall = process_of(recording.plant)({**known, **written(sessions)})
    told: Told = Counter()
    streams: list[Iterator[Packet]] = [
        in_order(_asked(sessions, recording, recall, troubles, seed, told)),
        in_order(_steps(deeds)),
    ]
    for number, form in enumerate(recording.plant.routine):
        entry = Random(f"{seed} {number} {type(form).__name__}")
        if isinstance(form, routine.Poll):
            streams += _pollers(form, recording, recall, troubles, entry, told)
        else:
            _writable(form, recording.plant)
            streams.append(in_order(dialogues_of(form, span, entry, troubles)))
    merged = heapq.merge(*streams, key=lambda packet: packet.time_ns)
    return Played(_within(merged, recording), told, sum(deed.malformed for deed in deeds))


def _within(packets: Iterable[Packet], recording: Recording) -> Iterator[Packet]:
    """What the capture sees: it ends in the middle of what goes on."""
    for packet in packets:
        if packet.time_ns >= recording.end_ns:
            return
        yield packet


def _steps(deeds: Sequence[Deed]) -> list[Dialogue]:
    found: list[Dialogue] = []
    for deed in deeds:
        packets = sorted(deed.packets, key=lambda packet: packet.time_ns)
        if packets:
            found.append((packets[0].time_ns, partial(list, packets)))
    return sorted(found, key=lambda dialogue: dialogue[0])


def _pollers(
    form: routine.Poll,
    recording: Recording,
    recall: Recall,
    troubles: tuple[Trouble, ...],
    random: Random,
    told: Told,
) -> Iterator[Iterator[Packet]]:
    hosts, plant = recording.hosts, recording.plant
    for client in (hosts[name] for name in form.by):
        for server in (hosts[name] for name in form.to):
            port = routine.PORTS[form.protocol]
            polled = Polled(client, server, port, form.every, recording.start_ns, recording.end_ns, troubles)
            speaker = _speaker(form, plant, server, recall, troubles, random)
            one = Random(f"{random.random()} {client.name} {server.name}")
            yield poll(polled, speaker, plant.wire, one, told)


def _speaker(
    form: routine.Poll,
    plant: Plant,
    server: PlantHost,
    recall: Recall,
    troubles: Sequence[Trouble],
    random: Random,
) -> Speaker:
    # Whichever controller stops, line or safety, the line stands still.
    stops = [(one.from_ns, one.to_ns) for one in troubles if one.kind == "stopped"]
    if form.protocol == "modbus":
        return modbus_speaker(server.name, form.asks or (), recall)
    if form.protocol == "s7comm":
        block = block_of(plant, form.block or 0, stops)
        if block is not None:
            return s7_speaker(form.block or 0, block)
    elif form.protocol == "ethernet_ip":
        tag = tag_of(plant, form.tag or "", stops)
        if tag is not None:
            return tag_speaker(form.tag or "", random.getrandbits(31), tag)
    else:
        values = {node: node_of(plant, node, stops) for node in form.nodes or ()}
        there = {node: value for node, value in values.items() if value is not None}
        if len(there) == len(values):
            return node_speaker(opc_ua.url(server.address), random.getrandbits(15), there)
    asked = form.block or form.tag or ", ".join(form.nodes or ())
    raise _lacking(plant, [server.name], str(asked))


def _writable(form: Form, plant: Plant) -> None:
    """Raises `RangeError` where the process lacks what is written."""
    if isinstance(form, routine.WriteBlock) and block_of(plant, form.block) is None:
        raise _lacking(plant, form.to, str(form.block))
    if isinstance(form, routine.WriteNode) and node_of(plant, form.node) is None:
        raise _lacking(plant, form.to, form.node)


def _lacking(plant: Plant, hosts: Sequence[str], asked: str) -> RangeError:
    what = sentence(
        "{hosts} has no {asked}, expected what the process {process} has",
        hosts=tuple(hosts), asked=asked, process=plant.process,
    )  # fmt: skip
    return RangeError([Problem(f"plants/{plant.id}.yaml", 0, 0, what)])


def _asked(
    sessions: Sequence[Session],
    recording: Recording,
    recall: Recall,
    troubles: Sequence[Trouble],
    seed: int,
    told: Told,
) -> Iterator[Dialogue]:
    """Each session when it begins; what is asked of a controller that is in trouble gets no answer."""
    for session in sessions:
        # By its own numbers: what a step asks must not change what the routine draws.
        random = Random(f"{seed} {session.start_ns} {session.client.name} {session.server.name}")
        yield session.start_ns, partial(_session, session, recording, recall, troubles, random, told)


def _session(
    session: Session,
    recording: Recording,
    recall: Recall,
    troubles: Sequence[Trouble],
    random: Random,
    told: Told,
) -> list[Packet]:
    wire, hosts = recording.plant.wire, (session.client, session.server)
    ports = (random.randrange(49_152, 65_536), MODBUS_PORT)
    trouble = _trouble(session, troubles)
    if trouble is not None and trouble.holds(session.start_ns):
        if trouble.kind in ("absent", "stopped"):
            return []
        if trouble.kind == "silent":
            return unanswered_syn(wire, session.start_ns, hosts, ports, random, trouble.event)
    says: list[Say] = []
    for number, ((time_ns, pdu), (wait_ns, _)) in enumerate(
        zip(session.planned(), session.requests, strict=True), start=1
    ):
        asked = modbus.adu(number, session.unit, pdu)
        says.append(Say("client", asked, wait_ns))
        if trouble is not None and trouble.holds(time_ns):
            return connection(wire, session.start_ns, hosts, ports, says, random, trouble.event, "left open")
        response = modbus.exception(pdu[0], modbus.NO_SUCH_UNIT)
        if session.unit == UNIT:
            response = modbus.answer(recall(session.server.name, time_ns), pdu)
        answered = modbus.adu(number, session.unit, response)
        says.append(Say("server", answered, random.randrange(3_000, 18_000) * 1_000))
        count(told, session.client.name, session.server.name, asked, answered)
    return connection(wire, session.start_ns, hosts, ports, says, random, session.event)


def _trouble(session: Session, troubles: Sequence[Trouble]) -> Trouble | None:
    """The first trouble that a session of the routine gets into; those of a step are as it planned them."""
    if session.event != ROUTINE:
        return None
    ends_ns = max((time_ns for time_ns, _ in session.planned()), default=session.start_ns)
    for one in sorted(troubles, key=lambda one: one.from_ns):
        mine = one.host == session.server.name or (one.kind, one.host) == ("absent", session.client.name)
        if (
            mine
            and one.kind in ("silent", "deaf", "absent")
            and one.from_ns <= ends_ns
            and session.start_ns < one.to_ns
        ):
            return one
    return None


def write(recording: Recording, seed: int, output: Path) -> dict[str, Any]:
    """The capture as `output`, and its truth beside it; gives the truth. Raises `OSError`, `RangeError`."""
    played = play(recording, seed)
    tally = _Tally(recording)
    digest = hashlib.sha256()
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as stream:
            for block in pcapng_blocks(
                tally.commented(played.packets), APPLICATION, "mirror0", recording.plant.place
            ):
                digest.update(block)
                stream.write(block)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    truth = tally.truth(seed, digest.hexdigest(), played)
    output.with_suffix(".truth.json").write_text(truth_text(truth), encoding="utf-8")
    return truth


class _Tally:
    """Which packets are whose, counted while they go by."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._steps = {step.id: step for step in recording.steps}
        self._ranges: dict[str, list[list[int]]] = {name: [] for name in (ROUTINE, *self._steps)}
        self._times: dict[str, list[int]] = {}
        self._packets = 0

    def commented(self, packets: Iterable[Packet]) -> Iterator[tuple[int, bytes, str]]:
        """(time, frame, comment): the first packet of each step says what begins."""
        for packet in packets:
            self._packets = number = self._packets + 1
            runs = self._ranges[packet.event]
            if runs and runs[-1][1] == number - 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
            comment = ""
            if packet.event not in self._times:
                self._times[packet.event] = [packet.time_ns, packet.time_ns]
                step = self._steps.get(packet.event)
                if step is not None:
                    comment = f"{self._recording.name}/{step.id}: {step.what.en} / {step.what.ja}"
            self._times[packet.event][1] = packet.time_ns
            yield packet.time_ns, packet.data, comment

    def truth(self, seed: int, sha256: str, played: Played) -> dict[str, Any]:
        recording = self._recording
        return {
            "seed": seed,
            "sha256": sha256,
            "packets": self._packets,
            "plant": recording.plant.id,
            "scenario": recording.scenario.id if recording.scenario is not None and self._steps else None,
            "start_ns": recording.start_ns,
            "end_ns": recording.end_ns,
            "hosts": [
                {"name": one.name, "address": one.address, "mac": one.mac} for one in recording.hosts.values()
            ],
            "events": [self._routine(), *(self._event(step) for step in recording.steps)],
            "modbus": {
                "transactions": sum(played.told.values()),
                "malformed": played.malformed,
                "by": [
                    {
                        "client": client,
                        "server": server,
                        "function": function,
                        "exception": code,
                        "times": times,
                    }
                    for (client, server, function, code), times in sorted(played.told.items())
                ],
            },
        }

    def _routine(self) -> dict[str, Any]:
        times = self._times.get(ROUTINE, [self._recording.start_ns] * 2)
        return {**routine_told(*times), "packets": self._ranges[ROUTINE]}

    def _event(self, step: Step) -> dict[str, Any]:
        planned_ns = self._recording.start_ns + step.at_ns
        first, last = self._times.get(step.id, [planned_ns, planned_ns])
        return {
            **step.told(first, last),
            "packets": self._ranges[step.id],
        }


def truth_text(truth: Mapping[str, Any]) -> str:
    """The truth as JSON, each host, event and count on one line."""
    lists = {"hosts": truth["hosts"], "events": truth["events"], "by": truth["modbus"]["by"]}
    flat = {**truth, "hosts": ["@hosts"], "events": ["@events"]}
    flat["modbus"] = {**truth["modbus"], "by": ["@by"]}
    text = json.dumps(flat, indent=1)
    for word, entries in lists.items():
        lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        text = text.replace(f'"@{word}"', lines)
    return text + "\n"
