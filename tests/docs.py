"""The pages in docs/ that are drawn from the program, so that they cannot lie.

``python -m tests.docs`` (``make docs``) writes them all, and the picture in the README;
tests/test_docs.py holds the pages against the program in every test run.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic_core import PydanticUndefined
from rich.console import Console
from rich.text import Text

from otmon.cli import app
from otmon.cli.settings import options as file_options
from otmon.detect.rules.field import FIELDS
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Parameter
from otmon.detect.rules.sigma import MODIFIERS
from otmon.findings.wording import Language, text
from otmon.lab.form import Form
from otmon.lab.routine import HABITS
from otmon.lab.steps import step_kinds
from otmon.protocols.registry import PROTOCOLS
from otmon.zones import elements
from otmon.zones.files.leaf import Leaf
from otmon.zones.role import JAPANESE, ROLES
from otmon.zones.unread import CHANGES_READ, READ

ROOT = Path(__file__).resolve().parent.parent
GENERATED = "<!-- written by `make docs`: edit the program, not this page -->"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; cells lose what would break it."""
    lines = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ["---"] * len(head), *lines[1:]])


def commands(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Each runnable command with the words that call it, in the order of the help."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    # Such as `otmon sensor`, which runs by itself and has commands beside it.
    if command.invoke_without_command:
        yield words, command
    for name, child in inner.items():
        if not child.hidden:
            yield from commands(child, f"{words} {name}")


def options_page() -> str:
    """Every command with its arguments and options, as its help gives them."""
    parts = [GENERATED, "# Commands and options"]
    for words, command in commands(typer.main.get_command(app), "otmon"):
        context = typer.Context(command, info_name=words, resilient_parsing=True)
        records = [p.get_help_record(context) for p in command.params if not p.hidden]
        rows = [(f"`{form}`", text) for form, text in filter(None, records) if "--help" not in form]
        parts += [f"## {words}", (command.help or "").strip(), table(("option", "meaning"), rows)]
        parts += [command.epilog] if command.epilog else []
    return "\n\n".join(parts) + "\n"


def protocols_page() -> str:
    """Every protocol that is recognised, and by what."""
    rows = []
    for protocol in sorted(PROTOCOLS, key=lambda p: (p.kind, p.id)):
        hints = [f"tcp/{port}" for port in protocol.tcp_ports]
        hints += [f"udp/{port}" for port in protocol.udp_ports]
        hints += [f"0x{number:04x}" for number in protocol.ethertypes]
        hints += [f"IP {number}" for number in protocol.ip_protocols]
        hints += [f"LLC {one.hex()}" for one in protocol.llc]
        rows.append(
            (
                f"`{protocol.id}`",
                protocol.name,
                protocol.kind,
                ", ".join(hints),
                "yes" if protocol.signatures else "no",
                "all" if protocol.id in READ else "changes" if protocol.id in CHANGES_READ else "",
                "yes" if protocol.id in ("modbus", *elements.EXAMPLES) else "",
                "; ".join(protocol.references),
            )
        )
    kinds = "usual ports, EtherTypes, protocols of IP"
    head = ("id", "protocol", "kind", kinds, "signature", "access judged", "limits", "references")
    intro = (
        "A conversation is named by what its bytes are: a signature counts on any port, a port is a hint. "
        "Zone models and findings use the id.\n\n"
        "`access` and `functions` of a permission are judged of *all* that is asked for in a protocol, or of "
        "what *changes* something in it: writes, switching, starts and stops, programs, settings. What is "
        "not judged passes, and `otmon zones check` tells where a permission limits it. `limits` on written "
        "values can be set [for some](zone-model.md#limits-on-written-values)."
    )
    return "\n\n".join([GENERATED, "# Protocols", intro, table(head, rows)]) + "\n"


def roles_page() -> str:
    """Every role of assets that is known, with its kind and what else it is called."""
    rows = [
        (
            f"`{role.id}`",
            role.meaning,
            role.kind or "",
            ", ".join(f"`{one}`" for one in (*role.synonyms, *JAPANESE.get(role.id, "").split())),
        )
        for role in ROLES
    ]
    intro = (
        "What `otmon zones check` takes the `role` of an asset for ([zone model](zone-model.md)): its kind "
        "tells what has to stand in a zone of its own. All of these names mean the role, in any width and "
        "case, in the inventory, in permissions (`role:ews`), in conditions of rules and for detectors; "
        "wildcards, `re` and `cased` in a condition are held against what the inventory says. A role that is "
        "not here is told as unknown, and may be named all the same."
    )
    return "\n\n".join([GENERATED, "# Roles", intro, table(("role", "device", "kind", "also"), rows)]) + "\n"


HEADS: dict[Language, dict[str, str]] = {
    "en": {
        "page": "Findings",
        "intro": "Each rule is a file in `rules/` ([rules.md](rules.md)): what it finds, when it is wrong, "
        "and what to do. 日本語: [findings.ja.md](findings.ja.md)",
        "false": "When it is wrong",
        "response": "How to respond",
        "severity": "Severity",
        "always": "Always {level}.",
        "parameters": "Parameters",
        "references": "References",
        "kind": "found by",
        "detector": "a detector",
        "condition": "a Sigma condition on each {category}",
        "head": "parameter|value|bounds|meaning",
    },
    "ja": {
        "page": "検知結果",
        "intro": "各ルールは `rules/` の1ファイルであり([rules.md](rules.md))、"
        "検知する内容、誤検知、対応を記す。"
        "English: [findings.md](findings.md)",
        "false": "誤検知となる場合",
        "response": "対応",
        "severity": "深刻度",
        "always": "常に「{level}」。",
        "parameters": "パラメータ",
        "references": "参照",
        "kind": "検知方法",
        "detector": "検知器",
        "condition": "Sigma の条件({category})",
        "head": "パラメータ|値|範囲|意味",
    },
}
"""Headings of the page of findings."""


def findings_page(language: Language = "en") -> str:
    """What each rule finds, when it is wrong, and how to respond: its file."""
    head = HEADS[language]
    parts = [GENERATED, f"# {head['page']}", head["intro"]]
    for rule in shipped_rules().values():
        parts += [f"## {rule.name}", f"**{getattr(rule.title, language)}**"]
        parts += [getattr(rule.description, language)]
        parts += [f"### {head['false']}", _bullets(getattr(rule.falsepositives, language))]
        parts += [f"### {head['response']}", _bullets(getattr(rule.response, language), numbered=True)]
        level = text(f"severity.{rule.level}", language)
        severity = getattr(rule.severity, language) or head["always"].format(level=level)
        parts += [f"### {head['severity']}", severity]
        kind = head["detector"] if rule.detector else head["condition"].format(category=f"`{rule.category}`")
        parts += [f"{head['kind']}: {kind} ([`{rule.name}.yml`](../rules/{rule.name}.yml))"]
        if rule.parameters:
            rows = [
                (f"`{name}`", one.said, _bounds(one), getattr(one.meaning, language))
                for name, one in rule.parameters.items()
            ]
            parts += [f"### {head['parameters']}", table(tuple(head["head"].split("|")), rows)]
        references = [
            f"{one.scheme} {one.id} {one.title}" + (f" ({one.edition})" if one.edition else "")
            for one in rule.references
        ]
        parts += [f"### {head['references']}", _bullets([*references, *rule.links])]
    return "\n\n".join(parts) + "\n"


def _bullets(items: Sequence[str], *, numbered: bool = False) -> str:
    marks = [f"{number}. " for number in range(1, len(items) + 1)] if numbered else ["- "] * len(items)
    return "\n".join(mark + " ".join(item.split()) for mark, item in zip(marks, items, strict=True))


def _bounds(parameter: Parameter) -> str:
    return "" if parameter.low is None else f"{parameter.low:g} - {parameter.high:g}"


def fields_page() -> str:
    """What a condition may ask of each kind of fact."""
    parts = [GENERATED, "# Fields of rules", "What a condition of a rule ([rules.md](rules.md)) may ask."]
    for category, fields in FIELDS.items():
        rows = [
            (f"`{one.name}`", one.kind, ", ".join(f"`{name}`" for name in MODIFIERS[one.kind]), one.meaning)
            for one in fields.values()
        ]
        parts += [f"## {category}", table(("field", "kind", "modifiers", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


INSTALLED: dict[str, Any] = {
    "interface": ["eth1"],
    "zones": "/etc/otmon/zones",
    "ledger": "/var/lib/otmon/plant.db",
    "json": "/var/log/otmon/findings.jsonl",
    "evidence": "/var/lib/otmon/evidence",
    "lang": "ja",
}
"""What the shipped file of options says; the other options stand in it as comments."""
EXAMPLES: dict[str, Any] = {
    "certificate": "sensor.pem",
    "key": "sensor.key",
    "web-config": "web.yml",
    "baseline": "baseline.db",
    "rules": ["/etc/otmon/rules"],
    "filter": "not port 3260",
    "user": "otmon",
}
"""Values for options that have no default."""


def options_file() -> str:
    """Every option of the sensor as a file of options has it, with what its help says."""
    parts = [
        "# Options of `otmon sensor`: for /etc/otmon/otmon.toml, read by `otmon sensor --config FILE.toml`.\n"
        "# An environment variable, such as OTMON_SENSOR_RING_MB for ring-mb, counts more than this file,\n"
        "# and the command line more than both. `make docs` writes the file in deploy/ anew.\n"
        "[sensor]"
    ]
    for name, option in file_options(typer.main.get_command(app).commands["sensor"]).items():  # type: ignore[attr-defined]
        value = INSTALLED.get(name, EXAMPLES.get(name, getattr(option.default, "value", option.default)))
        mark = "" if name in INSTALLED else "# "
        lines = textwrap.wrap(option.help, 100, initial_indent="# ", subsequent_indent="# ")
        parts.append("\n".join([*lines, f"{mark}{name} = {json.dumps(value)}"]))
    return "\n\n".join(parts) + "\n"


LABELS = {
    "interface": "an interface that the sensor listens on",
    "layer": "a protocol layer that otmon decodes, such as `tcp` or `802.1q`",
    "what": "what was limited, skipped, seen twice or counted, from a fixed table",
    "kind": "a kind of fact: assets, conversations, operations, written, anomalies",
    "protocol": "a protocol of [protocols](protocols.md), `unknown`, `none`, `icmp` or `icmpv6`",
    "from_zone": "zone of the client: an id of the model, `internet` or `unknown`; empty without a model",
    "to_zone": "zone of the server, likewise",
    "zone": "a zone, likewise",
    "boundary": "id of a boundary of the model; empty where no boundary joins the zones",
    "sight": "`seen`, `partly` or `unseen`: how much of a zone is seen",
    "verdict": "`allowed`, `denied`, `not covered`, or `inside` a zone that restricts nothing",
    "state": "`kept`, `violated` or `unobservable`",
    "rule": "id of a rule of [findings](findings.md); empty in the zeros that `otmon_findings` always has",
    "class": "what a device is, such as `controller` ([assets](assets.md)); `unsure` between several, "
    "`contradicted`, `unknown`",
    "secret": "`default` (published), `empty`, `anonymous`, or `clear` for another one that could be read",
    "outcome": "`accepted`, `refused`, `attempted` without an answer, `unknown`",
    "age": "`hour`, `day`, `week`, `month` (30 days): at most so long, longer than the one before; `older`",
    "reason": "what is wrong with a message, such as `length`, from a fixed table",
    "severity": "`critical`, `high`, `medium`, `low` or `info`",
    "function": "a Modbus function by name",
    "access": "its access class, such as `read` or `write`",
    "exception": "a Modbus exception code",
    "le": "a bound in seconds: the bucket counts what took at most so long; `+Inf` counts all",
    "table": "`flows`, `assets`, `operations`, `written`, `anomalies`: what is followed while packets come",
    "version": "version of otmon",
}
"""What the labels of metrics say."""


def metrics_page() -> str:
    """Every metric with its type and labels, as the sensor's own page tells them."""
    from otmon.outputs.metrics import metrics
    from tests.outputs.sensed import status

    rows = []
    for family in metrics(status()):
        labels = list(dict.fromkeys(label for sample in family.samples for label in sample.labels))
        name = family.name + ("_total" if family.type == "counter" else "")
        names = ", ".join(f"`{label}`" for label in labels)
        rows.append((f"`{name}`", family.type, names, family.documentation))
    intro = (
        "`otmon sensor` serves these to Prometheus, by default on `http://127.0.0.1:9877/metrics`. Counters "
        "count since the sensor began; those of Modbus, malformed messages, log-ins and of the ledger go on "
        "with what the ledger held before. No label names a host: these are in findings."
    )
    return (
        "\n\n".join(
            [
                GENERATED,
                "# Metrics",
                intro,
                table(("metric", "type", "labels", "meaning"), rows),
                "## Labels",
                table(("label", "values"), [(f"`{label}`", text) for label, text in LABELS.items()]),
                "Beside them stand those of the process that prometheus-client gives: "
                "`process_resident_memory_bytes`, `process_cpu_seconds_total` and others.",
            ]
        )
        + "\n"
    )


def _leaf(annotation: Any, metadata: Sequence[Any]) -> str:
    """What a text of a parameter may be; of a list, what each of its entries may be."""
    for one in metadata:
        if isinstance(one, Leaf):
            return one.expected
    inner = [_leaf(part, getattr(part, "__metadata__", ())) for part in get_args(annotation)]
    return next((told for told in inner if told), "")


def _default(value: Any, expected: str) -> str:
    if value in (None, (), "") or value is PydanticUndefined:
        return "needed" if value is PydanticUndefined else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if expected.startswith("a duration"):
        return f"{value // 1_000_000}ms" if value % 1_000_000_000 else f"{value // 1_000_000_000}s"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parameters(form: type[Form]) -> Iterator[str]:
    """A table of what may stand there, where anything may."""
    rows = []
    for name, field in form.model_fields.items():
        expected = _leaf(field.annotation, field.metadata)
        default = _default(field.default, expected)
        rows.append((f"`{field.alias or name}`", field.description or "", expected, default))
    if rows:
        yield table(("key", "meaning", "value", "default"), rows)


def steps_page() -> str:
    """What scenarios may do, and what plants do on every day."""
    parts = [
        GENERATED,
        "# Kinds of steps",
        "What a step of a [scenario](lab.md#scenarios) names under `does`; the",
    ]
    parts[-1] += " keys stand under its `with`."
    for name, kind in step_kinds().items():
        needs = " and ".join(f"`{need}`" for need in kind.needs)
        parts += [f"## {name}", f"{' '.join(kind.told.split())} Needs {needs}.", *_parameters(kind.form)]
    parts += ["# Habits", "What an entry of a [plant](lab.md#plants)'s `routine` names under `does`."]
    for name, form in HABITS.items():
        parts += [f"## {name}", " ".join((form.__doc__ or "").split()), *_parameters(form)]
    return "\n\n".join(parts) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/lab-steps.md": steps_page,
    "docs/options.md": options_page,
    "docs/protocols.md": protocols_page,
    "docs/roles.md": roles_page,
    "docs/findings.md": findings_page,
    "docs/findings.ja.md": lambda: findings_page("ja"),
    "docs/rule-fields.md": fields_page,
    "docs/metrics.md": metrics_page,
    "deploy/otmon.toml": options_file,
}


SHOWN = 52
"""Lines of the picture: the summary and the gravest findings."""


def picture() -> str:
    """The first screen of the demo's output as SVG."""
    demo = ["-m", "otmon.cli", "replay", "pcaps/factory-day.pcapng", "--zones", "zones/factory.yaml"]
    demo += ["--lang", "en"]
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "110", "TERM": "xterm-256color"}
    shown = subprocess.run(
        [sys.executable, *demo], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if shown.returncode not in (0, 1):
        raise SystemExit(f"the demo failed with status {shown.returncode}")
    console = Console(record=True, width=110, file=io.StringIO())
    first = "\n".join(shown.stdout.splitlines()[:SHOWN])
    console.print(Text.from_ansi(first))
    return console.export_svg(title="make demo", unique_id="demo")


if __name__ == "__main__":
    for name, page in (PAGES | {"docs/demo.svg": picture}).items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print(name)
