"""The live sensor: `otmon sensor` listens, `otmon sensor doctor` says whether an interface is fit for it,
`otmon sensor compile` makes ready what else the first start would wait for."""

from __future__ import annotations

from typing import Annotated

import typer

from otmon.cli.compilation import compile_here
from otmon.cli.language import Language, speak
from otmon.cli.options import (
    FOUND,
    NOTHING_FOUND,
    Baseline,
    DecisionFile,
    Lang,
    Rules,
    Zones,
    fail,
    fail_by_system,
)
from otmon.cli.settings import ENVIRONMENT, from_file, reread
from otmon.sentence import sentence

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
    decisions: DecisionFile = None,
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
    from otmon.cli.listening import Options, listen

    wanted = Options(
        interface=interface, zones=zones, ledger=ledger, json=json, evidence=evidence,
        evidence_mb=evidence_mb, metrics=metrics, certificate=certificate, web_config=web_config, key=key,
        baseline=baseline, rules=rules, decisions=decisions, filter=filter, ring_mb=ring_mb,
        block_ms=block_ms, workers=workers, card_time=card_time, keep_days=keep_days, silence=silence,
        user=user, lang=lang, config=config,
    )  # fmt: skip
    begun = dict(context.params)
    again = (lambda: reread(context, config)) if config is not None else dict[str, object]
    raise typer.Exit(FOUND if listen(wanted, begun, again) else NOTHING_FOUND)


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
