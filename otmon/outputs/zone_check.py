"""What `otmon zones check` tells of a model without errors: what is doubtful in it, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from otmon.findings.wording import Language, catalogue, text
from otmon.ledger.facts import Asset
from otmon.zones.review.check import WORDS, Caution, Checked, Contested

_WORDS: Final = frozenset(WORDS)
_WEIGHED: Final = re.compile(r"\((high|medium|low)\)")
"""Behind the id of a work, in a list of them; no id holds a bracket."""
_WORDED: Final = frozenset(
    {
        "importance", "zone_importance", "other_importance", "work_importance", "low_importance",
        "kind", "others", "when", "side", "what",
    }
)  # fmt: skip
"""Parameters that are made of words; the others are what the model says."""


def check_lines(
    checked: Checked, astray: Iterable[Asset], contested: Iterable[Contested], language: Language
) -> Iterator[str]:
    """Cautions, then assets in no zone and those in several, then how much was looked at."""
    for caution in checked.cautions:
        yield caution_line(caution, language)
    for asset in astray:
        if asset.address and asset.mac:
            yield text("check.in-no-zone-of", language, address=asset.address, mac=asset.mac)
        else:
            yield text("check.in-no-zone", language, address=asset.address or asset.mac)
    for one in contested:
        address = one.asset.address or one.asset.mac
        yield text("check.in-zones", language, address=address, zones=", ".join(one.zones))
    yield text(
        "check.count", language, files=", ".join(checked.files), zones=checked.zones, members=checked.members,
        boundaries=checked.boundaries, permissions=checked.permissions, cautions=len(checked.cautions),
    )  # fmt: skip


def caution_line(caution: Caution, language: Language) -> str:
    """A caution as a sentence behind its line."""
    params = {name: _param(name, value, language) for name, value in caution.params}
    return f"{caution.line}: {text(f'caution.{caution.key}', language, **params)}"


def _param(name: str, value: str, language: Language) -> str:
    if name in _WORDED:
        words = [_word(word, language) for word in value.split(", ")]
        return catalogue()["joint"][language].join(words) if language == "ja" else ", ".join(words)
    if name == "works":
        return _WEIGHED.sub(lambda found: f"({_word(found[1], language)})", value)
    return value


def _word(word: str, language: Language) -> str:
    return text(f"caution.word.{word}", language) if word in _WORDS else word
