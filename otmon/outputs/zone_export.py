"""What an exported model does not say, as sentences in a person's language."""

from __future__ import annotations

from otmon.findings.wording import Language, catalogue, named, text
from otmon.zones.exchange.firewall import Unspoken
from otmon.zones.exchange.rule import Unsaid


def unsaid_line(told: Unsaid | Unspoken, language: Language) -> str:
    """One thing that an exported model does not say, behind the line that says it."""
    if isinstance(told, Unspoken):
        return text("unsaid.unspoken", language, count=told.count, version=told.version)
    if language == "en":
        return str(told)
    joint = catalogue()["joint"][language]
    params = {
        name: value
        if isinstance(value, str)
        else joint.join(named("unsaid.word", w, language) for w in value)
        for name, value in told.params
    }
    kind = text(f"diff.subject.{told.kind}", language)
    return f"{told.line}: {kind} {told.id}{text(f'unsaid.{told.key}', language, **params)}"
