"""The live sensor: `otmon sensor` listens, `otmon sensor doctor` says whether an interface is fit for it,
`otmon sensor compile` makes ready what else the first start would wait for."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otmon import __version__
from otmon.cli.compilation import be_compiled, compile_here
from otmon.cli.language import Language, speak, told
from otmon.cli.options import (
    FOUND,
    NOTHING_FOUND,
    Baseline,
    Lang,
    Rules,
    Zones,
    fail,
    fail_by_system,
    read_ledger,
    read_ledger_with_notes,
    read_model,
    read_rules,
    tell_problems,
    warn,
)
from otmon.cli.settings import ENVIRONMENT, SettingsError, from_file, reread
from otmon.sentence import placed, sentence

if TYPE_CHECKING:
    from otmon.capture.ring import Ring
    from otmon.sensor.watch import Told
    from otmon.zones.model import Model

MEBIBYTE = 1 << 20
RELOADED = frozenset({"zones", "rules", "silence", "keep-days", "evidence-mb"})
"""Options that a running sensor takes anew; the others are those of its sockets, files and rights."""
TEXTS = 50
"""Findings that are written as text where more come up at once: one costs as much as forty lines of JSON."""
STAMPED = sentence("packets have the time of the network card")
NOT_STAMPED = sentence(
    "the network card gives packets no time, so they have the kernel's (hwstamp_ctl sets a card that can)"
)
MODBUS_PORT = 502
_LOADED_BEFORE = (
    "encodings.idna", "yaml", "otmon.detect.rules.form", "otmon.outputs.jsonlines", "otmon.outputs.table",
    "otmon.zones.files.document", "otmon.zones.files.load",
)  # fmt: skip
"""What would else be loaded when it is needed."""

sensor = typer.Typer(
    add_completion=False, rich_markup_mode=None, context_settings={"auto_envvar_prefix": ENVIRONMENT}
)


@sensor.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    interface: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Listen here; may be given several times.")
    ] = None,
    zones: Zones = None,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="FILE.db", help="Keep the facts here; what it holds already is gone on with."),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Append findings as JSON lines, as they come up; - for output."),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Keep a small capture of each finding's packets here."),
    ] = None,
    evidence_mb: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Room for them; the oldest go first.")
    ] = 256,
    metrics: Annotated[
        str,
        typer.Option(metavar="ADDRESS:PORT", help="Serve metrics to Prometheus here; none for not at all."),
    ] = "127.0.0.1:9877",
    certificate: Annotated[
        str | None, typer.Option(metavar="FILE.pem", help="Serve metrics by TLS, with this certificate.")
    ] = None,
    web_config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.yml",
            help="Certificate and users of the metrics, as Prometheus's exporters have it.",
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="FILE.pem", help="The certificate's private key.")
    ] = None,
    baseline: Baseline = None,
    rules: Rules = None,
    filter: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Packets to take, as libpcap's filters say it.")
    ] = None,
    ring_mb: Annotated[
        int, typer.Option(min=2, max=4096, metavar="MB", help="Memory of each interface's ring.")
    ] = 48,
    block_ms: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            metavar="MS",
            help="How long packets may wait in the ring for others before they are read.",
        ),
    ] = 100,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=16,
            metavar="N",
            help="Read each interface by so many processes, where one is too slow.",
        ),
    ] = 1,
    card_time: Annotated[
        bool,
        typer.Option("--card-time", help="Take the times that the network card gives packets, if it does."),
    ] = False,
    keep_days: Annotated[
        int,
        typer.Option(
            min=1, metavar="DAYS", help="Forget facts that were not seen again in so many days of listening."
        ),
    ] = 400,
    silence: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Warn where no packet comes for so long.")
    ] = 60,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on as this user once the interfaces are open.")
    ] = None,
    lang: Lang = Language.en,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.toml",
            is_eager=True,
            callback=from_file,
            help="Take from this file what neither the command line nor the environment says.",
        ),
    ] = None,
) -> None:
    """Listen to interfaces, without end and without sending anything, and tell findings as they come up.

    Example: otmon sensor --interface eth1 --zones zones/factory.yaml --ledger plant.db
    """
    if context.invoked_subcommand is not None:
        return
    # Settings may say it, too.
    speak(lang)
    if not interface:
        fail(sentence("name an interface with --interface"))
    # Threads of numpy's would keep the rights that the program gives up.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from prometheus_client import CollectorRegistry, exposition
    from prometheus_client.core import REGISTRY

    from otmon.capture.filter import FilterError, compile_filter
    from otmon.capture.pairs import pairs_program
    from otmon.capture.ring import Ring, RingError, card_stamps
    from otmon.detect.rules.load import RuleError, with_rules
    from otmon.findings.wording import speaker
    from otmon.ledger.ledger import EMPTY
    from otmon.libraries import drop_libraries
    from otmon.outputs.instant import short_text
    from otmon.outputs.metrics import StatusCollector
    from otmon.sensor import mark
    from otmon.sensor.confine import ConfineError, confine
    from otmon.sensor.crew import Worker
    from otmon.sensor.memory import give_large_blocks_back
    from otmon.sensor.observer import Observer, Reader, compile_kernels
    from otmon.sensor.proof import ProofFolder
    from otmon.sensor.recent import MEMORY_BYTES, Recent, compile_cut
    from otmon.sensor.service import Notifier, Service, Stopped
    from otmon.sensor.watch import Watch, judged_by
    from otmon.sensor.web import WebError, guarded, read_web_config
    from otmon.sensor.worker import Post, post, start_keeper
    from otmon.zones.files.load import ModelError, load_model
    from otmon.zones.place import names_interfaces

    give_large_blocks_back()
    be_compiled(sensor=True)
    compile_kernels()
    compile_cut()
    normal = read_ledger(baseline) if baseline is not None else None
    place = None if metrics == "none" else _address(metrics)
    if (certificate is None) != (key is None):
        fail(sentence("--certificate and --key belong together"))
    users: dict[str, str] = {}
    if web_config is not None:
        if certificate is not None:
            fail(sentence("--web-config names the certificate itself: leave --certificate and --key out"))
        try:
            web = read_web_config(Path(web_config))
        except WebError as error:
            fail(error)
        certificate, key, users = web.certificate, web.key, web.users
    _load_everything()
    drop_libraries()
    output = _Output(json, lang)
    kept_bytes = MEMORY_BYTES if evidence is not None else 0
    rings: dict[str, Ring] = {}
    posts: list[Post] = []
    names = list(dict.fromkeys(interface))
    try:
        notifier = Notifier()
        for index, name in enumerate(names):
            program = compile_filter(filter, name) if filter is not None else b""
            for number in range(workers):
                share = (os.getpid() + index, pairs_program(MODBUS_PORT)) if workers > 1 else None
                source = f"{name}#{number + 1}" if workers > 1 else name
                rings[source] = Ring(
                    name,
                    ring_bytes=ring_mb * MEBIBYTE,
                    block_ms=block_ms,
                    program=program,
                    card_time=card_time,
                    share=share,
                )
        if card_time:
            for name in names:
                warn(placed(name, STAMPED if card_stamps(name) else NOT_STAMPED))
        listening = [ring.socket.fileno() for ring in rings.values()]
        if workers > 1:
            posts = [post(source, ring, kept_bytes) for source, ring in rings.items()]
            start_keeper(posts, lambda: confine(listening, user), speaker(lang.value))
            listening = []
        confine(listening, user)
    except (RingError, FilterError, ConfineError) as error:
        fail(error)
    except OSError as error:
        fail_by_system(error)
    # From here on as the one who the sensor runs as: what it cannot write is found out now.
    model = read_model(zones) if zones is not None else None
    output.use(model)
    known_rules = read_rules(rules)
    before, notes = EMPTY, dict[str, str]()
    if ledger is not None and Path(ledger).exists():
        before, notes = read_ledger_with_notes(ledger)
    if ledger is not None and mark.begin(Path(ledger)) and before is not EMPTY:
        saved = short_text(Path(ledger).stat().st_mtime_ns)
        what = sentence(
            "the sensor before did not end in order: what it saw after {time} UTC is missing", time=saved
        )
        warn(placed(ledger, what))
    counted = {source.name: source.packets for source in before.sources}
    try:
        proofs = ProofFolder(Path(evidence), evidence_mb * MEBIBYTE) if evidence is not None else None
        output.open()
    except OSError as error:
        fail_by_system(error)
    readers: list[Reader] = []
    if posts:
        readers += [Worker(one, counted.get(one.name, 0)) for one in posts]
    else:
        readers += [
            Observer(ring, Recent(ring.linktype, kept_bytes), counted.get(ring.interface, 0))
            for ring in rings.values()
        ]
    watch = Watch(
        readers,
        judged_by(model, normal, known_rules),
        before=before,
        ledger_path=Path(ledger) if ledger is not None else None,
        proofs=proofs,
        keep_days=keep_days,
        version=__version__,
        arrivals=model is not None and names_interfaces(model),
        told=mark.told(Path(ledger)) if before is not EMPTY and ledger is not None else None,
        notes=notes,
    )
    if place is not None:
        REGISTRY.register(StatusCollector(lambda: watch.status))
        try:
            # Until it is known who may read, there is nothing to be read.
            server, _ = exposition.start_http_server(
                place[1], place[0], CollectorRegistry(), certfile=certificate, keyfile=key
            )
        except OSError as error:
            fail_by_system(error, metrics)
        server.set_app(guarded(exposition.make_wsgi_app(REGISTRY), users))

    begun = dict(context.params)

    def reload() -> None:
        output.open()
        try:
            now = begun | (reread(context, config) if config is not None else {})
            fresh = load_model(now["zones"]) if now["zones"] is not None else None
            judge = judged_by(fresh, normal, with_rules(now["rules"] or ()).rules)
        except (ModelError, RuleError, SettingsError, OSError) as error:
            watch.keep_model()
            if isinstance(error, ModelError | RuleError):
                tell_problems(error.problems)
            elif isinstance(error, SettingsError):
                for problem in error.problems:
                    print(told(problem), file=sys.stderr)
            else:
                print(told(error), file=sys.stderr)
            warn(
                sentence("the settings, the model or the rules have errors; those read before stay in force")
            )
            return
        watch.use(judge, fresh is not None and names_interfaces(fresh))
        watch.keep_for(now["keep_days"])
        if proofs is not None:
            proofs.keep_within(now["evidence_mb"] * MEBIBYTE)
        service.warn_after(now["silence"])
        output.use(fresh)
        warn(sentence("the model and the rules were read anew"))
        other = {
            name.replace("_", "-") for name, value in now.items() if _plain(begun[name]) != _plain(value)
        }
        if later := sorted(other - RELOADED):
            what = sentence("the next start takes what it says now of {names}", names=tuple(later))
            warn(placed(config, what))

    service = Service(watch, readers, tell=output.tell, warn=warn, reload=reload, silence_s=silence)
    service.listen_to_signals()
    known = watch.known_before
    heard = sentence("listening on {names}", names=tuple(names))
    if known:
        heard = sentence("{heard}; {count} findings are known from before", heard=heard, count=known)
    warn(heard)
    try:
        service.run(notifier)
    except Stopped as error:
        fail(error)
    if ledger is not None and not watch.trouble:
        mark.end(Path(ledger))
    raise typer.Exit(FOUND if watch.finds_something else NOTHING_FOUND)


def _plain(value: object) -> object:
    """An option's value, to be compared: lists are tuples where click has read them."""
    return tuple(value) if isinstance(value, list) else value


def _load_everything() -> None:
    """Load modules and shipped data before the program becomes another user, who may not reach them."""
    from otmon.assets.fingerprints import shipped_fingerprints
    from otmon.assets.makers import makers
    from otmon.assets.vendor import vendor_of
    from otmon.findings.judge import case_of, found_in
    from otmon.findings.wording import catalogue
    from otmon.identity.credentials import shipped_credentials
    from otmon.identity.registry import CLAIM_IDS, IDS, parser_of, teller_of
    from otmon.ledger.ledger import EMPTY

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
        self._stream = None if json is None else sys.stdout
        self._timezone = ""

    def use(self, model: Model | None) -> None:
        """Show times by the clocks of the model's time zone from now on."""
        self._timezone = model.timezone if model is not None else ""

    def open(self) -> None:
        """Open the file, anew where it was moved away. Raises OSError."""
        if self._json not in (None, "-"):
            if self._stream not in (None, sys.stdout):
                self._stream.close()
            self._stream = Path(str(self._json)).open("a", encoding="utf-8", newline="\n")  # noqa: SIM115

    def tell(self, told: list[Told]) -> None:
        """All findings that came up at once: the JSON lines first, since texts take their time."""
        from otmon.findings.wording import text
        from otmon.outputs.jsonlines import write_told
        from otmon.outputs.table import write_finding

        if told and self._stream is not None:
            write_told(self._stream, (one.finding for one in told), time.time_ns())
            self._stream.flush()
        if told and self._json != "-":
            for one in told[:TEXTS]:
                write_finding(sys.stdout, one.finding, self._language.value, self._timezone)
            if len(told) > TEXTS:
                print(text("table.more-lines", self._language.value, count=len(told) - TEXTS))
            sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    """An address and a port; an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536 or not host:
        fail(placed(text, sentence("an address and a port are wanted, such as 127.0.0.1:9877")))
    return host.removeprefix("[").removesuffix("]"), int(port)


@sensor.command()
def compile() -> None:
    """Compile the packet path for this machine beforehand, as an installation or an image does.

    Example: otmon sensor compile
    """
    compile_here()


@sensor.command()
def doctor(
    interface: Annotated[list[str], typer.Option(metavar="NAME", help="What to look at.")],
    lang: Lang = Language.en,
) -> None:
    """Say whether an interface is fit to listen on, and the commands that make it so.

    Example: otmon sensor doctor --interface eth1
    """
    from otmon.capture.ring import RingError
    from otmon.findings.wording import text
    from otmon.sensor.doctor import check_interface

    sound = True
    for name in interface:
        try:
            checks = list(check_interface(name))
        except RingError as error:
            fail(error)
        except OSError as error:
            fail_by_system(error)
        for check in checks:
            sound = sound and check.holds
            mark = text("doctor.yes" if check.holds else "doctor.no", lang.value)
            print(
                f"{mark} {name}: {text(check.key, lang.value)}" + (f": {check.found}" if check.found else "")
            )
            if not check.holds:
                print(f"      {check.command}")
    raise typer.Exit(NOTHING_FOUND if sound else FOUND)
