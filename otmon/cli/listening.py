"""What `otmon sensor` does by its options: it opens the interfaces, gives up its rights, and listens.

All modules are loaded with this one, before the program becomes another user, who may not reach them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from prometheus_client import exposition
from prometheus_client.core import REGISTRY

from otmon import __version__
from otmon.assets.fingerprints import shipped_fingerprints
from otmon.assets.makers import makers
from otmon.assets.vendor import vendor_of
from otmon.capture.fanout import fanout_program
from otmon.capture.filter import FilterError, compile_filter
from otmon.capture.ring import Ring, RingError, card_stamps
from otmon.cli.agreement import decisions_or_none, found_or_kept, keep_copy
from otmon.cli.compilation import be_compiled
from otmon.cli.language import Language, told
from otmon.cli.options import (
    UNSEALED,
    fail,
    fail_by_system,
    read_ledger,
    tell_problems,
    tell_remarks,
    warn,
)
from otmon.cli.settings import SettingsError
from otmon.detect.rules.load import RuleError
from otmon.findings.decision_file import DecisionError, load_decisions
from otmon.findings.judge import case_of, found_in
from otmon.findings.wording import catalogue, speaker, text
from otmon.identity.credentials import shipped_credentials
from otmon.identity.registry import CLAIM_IDS, IDS, parser_of, teller_of
from otmon.ledger.facts import DAY_NS
from otmon.ledger.file.aside import begun_after, is_sensors, put_aside
from otmon.ledger.file.ledger_error import LedgerError
from otmon.ledger.file.store import load_stored
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.libraries import drop_libraries
from otmon.outputs.instant import clock_name, short_text
from otmon.outputs.jsonlines import write_told
from otmon.outputs.metrics import StatusCollector
from otmon.outputs.table import write_finding
from otmon.sensor import ledger_marks
from otmon.sensor.agreement import agreed
from otmon.sensor.appended import Appended
from otmon.sensor.clock import is_absurd
from otmon.sensor.confine import ConfineError, confine
from otmon.sensor.endpoint import Endpoint, one_at_a_time
from otmon.sensor.memory import give_large_blocks_back
from otmon.sensor.observer import Observer, Reader, compile_kernels
from otmon.sensor.proof import ProofFolder
from otmon.sensor.recent_packets import MEMORY_BYTES, RecentPackets, compile_cut
from otmon.sensor.service import Notifier, Service, Stopped
from otmon.sensor.watch import Told, Watch, judged_by
from otmon.sensor.web import WebError, guarded, read_web_config
from otmon.sensor.worker import Post, post, start_keeper
from otmon.sensor.worker_client import Worker
from otmon.sentence import Sentence, placed, sentence
from otmon.zones.files.load import ModelError
from otmon.zones.model import Model
from otmon.zones.place import names_interfaces

MEBIBYTE = 1 << 20
RELOADED = frozenset({"zones", "rules", "decisions", "silence", "keep-days", "evidence-mb"})
"""Options that a running sensor takes anew; the others are those of its sockets, files and rights."""
TEXTS = 50
"""Findings that are written as text where more come up at once: one costs as much as forty lines of JSON."""
STAMPED = sentence("packets have the time of the network card")
NOT_STAMPED = sentence(
    "the network card gives packets no time, so they have the kernel's (hwstamp_ctl sets a card that can)"
)
MODBUS_PORT = 502
_LOADED_BEFORE = (
    "encodings.idna", "encodings.utf_8_sig", "yaml", "otmon.detect.rules.form", "otmon.zones.files.document",
)  # fmt: skip
"""What would else be loaded when it is needed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line, the environment and the file of `--config` say, by the names of options."""

    interface: list[str]
    zones: str | None
    ledger: str | None
    json: str | None
    evidence: str | None
    evidence_mb: int
    metrics: str
    certificate: str | None
    web_config: str | None
    key: str | None
    baseline: str | None
    rules: list[str] | None
    decisions: str | None
    filter: str | None
    ring_mb: int
    block_ms: int
    workers: int
    card_time: bool
    keep_days: int
    silence: float
    user: str | None
    lang: Language
    config: str | None

    @property
    def names(self) -> list[str]:
        """The interfaces, each once."""
        return list(dict.fromkeys(self.interface))

    @property
    def kept_bytes(self) -> int:
        """Memory for the packets of the last moments, of which findings are proved."""
        return MEMORY_BYTES if self.evidence is not None else 0


def listen(wanted: Options, begun: Mapping[str, Any], again: Callable[[], Mapping[str, Any]]) -> bool:
    """Listen until the end is asked for; whether there were findings then. `begun` are the options by their
    names, `again` those that the file of `--config` says now. Raises typer.Exit where something is wrong."""
    give_large_blocks_back()
    be_compiled(sensor=True)
    compile_kernels()
    compile_cut()
    place = None if wanted.metrics == "none" else _address(wanted.metrics)
    access = _access(wanted)
    _load_everything()
    drop_libraries()
    output = _Output(wanted.json, wanted.lang)
    try:
        notifier = Notifier()
        rings = _opened(wanted)
        # No socket can be made once the rights are given up.
        endpoint = _endpoint(wanted.metrics, place, access) if place is not None else None
        posts = _confined(wanted, rings, endpoint)
    except (RingError, FilterError, ConfineError) as error:
        fail(error)
    except OSError as error:
        fail_by_system(error)
    # From here on as the one who the sensor runs as: what it cannot write is found out now.
    normal = read_ledger(wanted.baseline) if wanted.baseline is not None else None
    path = Path(wanted.ledger) if wanted.ledger is not None else None
    found, is_copy = found_or_kept(wanted.zones, wanted.rules, path)
    model = found.model
    output.use(model)
    decisions, is_decided = decisions_or_none(wanted.decisions, found.rules.rules)
    before, notes, told_before = _before(wanted.ledger, output.timezone)
    if path is not None and not is_copy:
        keep_copy(path, found)
    try:
        folder, budget = wanted.evidence, wanted.evidence_mb * MEBIBYTE
        proofs = ProofFolder(Path(folder), budget) if folder is not None else None
        output.open()
    except OSError as error:
        fail_by_system(error)
    readers = _readers(wanted, rings, posts, before)
    watch = Watch(
        readers,
        judged_by(model, normal, found.rules.rules),
        before=before,
        ledger_path=path,
        proofs=proofs,
        keep_days=wanted.keep_days,
        version=__version__,
        arrivals=model is not None and names_interfaces(model),
        told=told_before,
        notes=notes,
        decisions=decisions,
    )
    if is_copy or not is_decided:
        watch.keep_model()
    if endpoint is not None:
        REGISTRY.register(StatusCollector(lambda: watch.status))
        endpoint.serve(guarded(one_at_a_time(exposition.make_wsgi_app(REGISTRY)), access.users))

    def reload() -> None:
        try:
            output.open()
        except OSError as error:
            warn(sentence("{path}: {why}", path=str(wanted.json), why=error.strerror or str(error)))
        try:
            now = {**begun, **again()}
            read = agreed(now["zones"], now["rules"])
            decided = load_decisions(now["decisions"], read.rules.rules)
        except (ModelError, RuleError, DecisionError, SettingsError, OSError) as error:
            watch.keep_model()
            _tell_kept(error)
            return
        fresh = read.model
        if fresh is not None:
            tell_remarks(fresh)
        judge = judged_by(fresh, normal, read.rules.rules)
        watch.use(judge, fresh is not None and names_interfaces(fresh), decided)
        if path is not None:
            keep_copy(path, read)
        watch.keep_for(now["keep_days"])
        if proofs is not None:
            proofs.keep_within(now["evidence_mb"] * MEBIBYTE)
        service.warn_after(now["silence"])
        output.use(fresh)
        warn(sentence("the model, the rules and the decisions were read anew"))
        _tell_later(wanted.config, begun, now)

    service = Service(
        watch, readers, tell=output.tell, warn=warn, reload=reload, silence_s=wanted.silence,
        troubles=lambda: {"json": output.trouble}, zone=lambda: output.timezone,
    )  # fmt: skip
    service.listen_to_signals()
    _tell_listening(wanted.names, watch.known_before)
    try:
        service.run(notifier)
    except Stopped as error:
        fail(error)
    if path is not None and not watch.trouble:
        ledger_marks.end(path)
    return watch.finds_something


def _tell_listening(names: list[str], known: int) -> None:
    heard = sentence("listening on {names}", names=tuple(names))
    if known:
        heard = sentence("{heard}; {count} findings are known from before", heard=heard, count=known)
    warn(heard)


def _tell_kept(error: ModelError | RuleError | DecisionError | SettingsError | OSError) -> None:
    """What is wrong with what was to be read anew, and that the sensor goes on with what it has."""
    if isinstance(error, ModelError | RuleError | DecisionError):
        tell_problems(error.problems)
    elif isinstance(error, SettingsError):
        for problem in error.problems:
            print(told(problem), file=sys.stderr)
    else:
        print(told(error), file=sys.stderr)
    warn(
        sentence(
            "the settings, the model, the rules or the decisions have errors; those read before stay in force"
        )
    )


def _tell_later(config: str | None, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Which options of the file of `--config` are others now, and wait for the next start."""
    other = {name.replace("_", "-") for name, value in now.items() if _plain(begun[name]) != _plain(value)}
    if later := sorted(other - RELOADED):
        what = sentence("the next start takes what it says now of {names}", names=tuple(later))
        warn(placed(config, what))


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may read the metrics, and how they are served."""

    certificate: str | None
    key: str | None
    users: dict[str, str]


def _access(wanted: Options) -> _Access:
    if (wanted.certificate is None) != (wanted.key is None):
        fail(sentence("--certificate and --key belong together"))
    if wanted.web_config is None:
        return _Access(wanted.certificate, wanted.key, {})
    if wanted.certificate is not None:
        fail(sentence("--web-config names the certificate itself: leave --certificate and --key out"))
    try:
        web = read_web_config(Path(wanted.web_config))
    except WebError as error:
        fail(error)
    return _Access(web.certificate, web.key, web.users)


def _endpoint(metrics: str, place: tuple[str, int], access: _Access) -> Endpoint:
    try:
        return Endpoint(place, access.certificate, access.key)
    except OSError as error:
        fail_by_system(error, metrics)


def _opened(wanted: Options) -> dict[str, Ring]:
    """The rings of all interfaces, by the names of their sources."""
    rings: dict[str, Ring] = {}
    several = wanted.workers > 1
    for index, name in enumerate(wanted.names):
        program = compile_filter(wanted.filter, name) if wanted.filter is not None else b""
        for number in range(wanted.workers):
            rings[f"{name}#{number + 1}" if several else name] = Ring(
                name,
                ring_bytes=wanted.ring_mb * MEBIBYTE,
                block_ms=wanted.block_ms,
                program=program,
                card_time=wanted.card_time,
                share=(os.getpid() + index, fanout_program(MODBUS_PORT)) if several else None,
            )
    if wanted.card_time:
        for name in wanted.names:
            warn(placed(name, STAMPED if card_stamps(name) else NOT_STAMPED))
    return rings


def _confined(wanted: Options, rings: Mapping[str, Ring], endpoint: Endpoint | None) -> list[Post]:
    """Give up every right that is not needed any more; the posts of workers, where they are to read."""

    def keep() -> None:
        if endpoint is not None:
            endpoint.server_close()
        confine(listening, wanted.user, forks=True)

    listening = [ring.socket.fileno() for ring in rings.values()]
    posts: list[Post] = []
    if wanted.workers > 1:
        posts = [post(source, ring, wanted.kept_bytes) for source, ring in rings.items()]
        start_keeper(posts, keep, speaker(wanted.lang.value))
        confine([], wanted.user, _folders(wanted), kills=True)
    else:
        confine(listening, wanted.user, _folders(wanted))
    return posts


def _folders(wanted: Options) -> list[Path]:
    """The folders in which the sensor writes from now on."""
    files = [Path(one) for one in (wanted.ledger, wanted.json) if one not in (None, "-")]
    # A link is followed, and what stands beside the ledger stands beside the link.
    folders = [folder for file in files for folder in (file.parent, file.resolve().parent)]
    return [*folders, Path(wanted.evidence)] if wanted.evidence is not None else folders


def _before(ledger: str | None, timezone: str) -> tuple[Ledger, dict[str, str], Mapping[str, int] | None]:
    """What an earlier run saved, its notes, and which findings it has told, None where nobody says; that a
    sensor writes there is marked from now on. A ledger that cannot be read is put aside. `timezone`: by whose
    clocks times are told."""
    if ledger is None:
        return EMPTY, {}, None
    path = Path(ledger)
    trouble: LedgerError | None = None
    before, notes = EMPTY, dict[str, str]()
    try:
        if path.exists():
            stored = load_stored(path)
            before, notes = stored.ledger, stored.notes
            if not stored.digest:
                warn(placed(ledger, UNSEALED))
    except LedgerError as error:
        if not is_sensors(path, ledger_marks.told_in(path)):
            fail(error)
        trouble = error
    try:
        was_open = ledger_marks.begin(path)
    except ledger_marks.InUse as error:
        fail(error)
    if trouble is not None:
        try:
            aside = put_aside(path, time.time())
        except OSError as error:
            why = error.strerror or str(error)
            fail(sentence("{trouble}; it cannot be put aside either: {why}", trouble=trouble.why, why=why))
        warn(
            sentence(
                "{trouble}; it was put aside as {file}, and another ledger is begun: what was seen before is "
                "in that file alone",
                trouble=trouble.why,
                file=str(aside),
            )
        )
        # What still stands is told once more: this ledger holds none of it.
        return begun_after(aside, str(trouble.why)), {}, {}
    if before is EMPTY:
        return before, notes, None
    known_ns, now_ns = _last_ns(before), time.time_ns()
    if known_ns > now_ns + DAY_NS and not is_absurd(now_ns):
        what = sentence(
            "the ledger knows packets of {time} {clock}, which is still to come: the clock was ahead, or is "
            "behind now",
            time=short_text(known_ns, timezone), clock=clock_name(timezone),
        )  # fmt: skip
        warn(placed(ledger, what))
    if was_open:
        what = sentence(
            "the sensor before did not end in order: what it saw after {time} {clock} is missing",
            time=short_text(path.stat().st_mtime_ns, timezone), clock=clock_name(timezone),
        )  # fmt: skip
        warn(placed(ledger, what))
    return before, notes, ledger_marks.told(path)


def _readers(wanted: Options, rings: Mapping[str, Ring], posts: list[Post], before: Ledger) -> list[Reader]:
    counted, known_ns = {source.name: source.packets for source in before.sources}, _last_ns(before)
    if posts:
        return [Worker(one, counted.get(one.name, 0), known_ns) for one in posts]
    return [
        Observer(
            ring,
            RecentPackets(ring.linktype, wanted.kept_bytes),
            counted.get(ring.interface, 0),
            known_ns=known_ns,
        )
        for ring in rings.values()
    ]


def _last_ns(facts: Ledger) -> int:
    return max((source.last_ns for source in facts.sources), default=0)


def _plain(value: object) -> object:
    """An option's value, to be compared: lists are tuples where click has read them."""
    return tuple(value) if isinstance(value, list) else value


def _load_everything() -> None:
    """Load modules and shipped data before the program becomes another user, who may not reach them."""
    for name in _LOADED_BEFORE:
        import_module(name)
    found_in(case_of(EMPTY, None))
    for protocol in IDS:
        parser_of(protocol)
    for protocol in CLAIM_IDS:
        teller_of(protocol)
    shipped_credentials()
    shipped_fingerprints()
    makers()
    catalogue()
    vendor_of("00:00:00:00:00:00")


class _Output:
    """Where findings go as they come up: a line for people, and a JSON line where that is asked for."""

    def __init__(self, json: str | None, language: Language) -> None:
        self._json = json
        self._language = language
        self._file = Appended(Path(json)) if json not in (None, "-") else None
        self.timezone = ""

    def use(self, model: Model | None) -> None:
        """Show times by the clocks of the model's time zone from now on."""
        self.timezone = model.timezone if model is not None else ""

    def open(self) -> None:
        """Open the file, anew where it was moved away. Raises OSError."""
        if self._file is not None:
            self._file.open()

    @property
    def trouble(self) -> Sentence | None:
        """Why JSON lines wait to be written."""
        return None if self._file is None else self._file.trouble

    def tell(self, told: list[Told]) -> None:
        """All findings that came up at once: the JSON lines first, since texts take their time. Those that
        wait are tried again at each call."""
        if self._json is not None and (told or self.trouble):
            lines = StringIO()
            write_told(lines, ((one.finding, one.standing) for one in told), time.time_ns())
            if self._file is not None:
                self._file.add(lines.getvalue().encode())
            else:
                sys.stdout.write(lines.getvalue())
                sys.stdout.flush()
        if told and self._json != "-":
            for one in told[:TEXTS]:
                write_finding(sys.stdout, one.finding, self._language.value, self.timezone, one.standing)
            if len(told) > TEXTS:
                print(text("table.more-lines", self._language.value, count=len(told) - TEXTS))
            sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    """An address and a port; an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536 or not host:
        fail(placed(text, sentence("an address and a port are wanted, such as 127.0.0.1:9877")))
    return host.removeprefix("[").removesuffix("]"), int(port)
