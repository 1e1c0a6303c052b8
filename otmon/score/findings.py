"""otmon's findings as claims: the JSON lines that `otmon replay --json` and `otmon sensor --json` write.

`docs/findings.schema.json` has every member. Of a finding are read its id, rule, client, server, first
and last instant, evidence, references to ATT&CK for ICS, and `told`, which a sensor and `otmon replay
--told` write. A sensor tells a finding again when it has become graver: lines of one id are one claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from otmon.score.claim import Claim, ClaimError, Claims
from otmon.score.truth import sentences

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
MAX_LINES: Final = 200_000
"""Ten thousand times what a working day gives."""
MAX_ERRORS: Final = 20
"""Errors that are told of one file."""
SCHEME: Final = "ATT&CK for ICS"
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", re.ASCII)
_PLAIN: Final = re.compile(r"(-?\d{1,19}) ns", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Text = Annotated[str, StringConstraints(max_length=10_000)]
Instant = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Source(_Form):
    packets: Annotated[int, Field(ge=0, lt=2**63)]


class _Run(_Form):
    type: Literal["run"]
    format: Literal[1]
    sources: list[_Source]


class _Other(_Form):
    type: Literal["damage", "summary"]


class _Evidence(_Form):
    packet: Annotated[int, Field(ge=1, lt=2**63)]
    time_ns: Instant


class _Reference(_Form):
    scheme: Text
    id: Text


class _Finding(_Form):
    type: Literal["finding"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    rule: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    client: Text
    server: Text
    first: Text
    last: Text
    told: Text = ""
    evidence: Annotated[list[_Evidence], Field(max_length=100)]
    references: Annotated[list[_Reference], Field(max_length=100)]


_LINE: Final[TypeAdapter[_Run | _Other | _Finding]] = TypeAdapter(
    Annotated[_Run | _Other | _Finding, Field(discriminator="type")]
)


def read_findings(path: str) -> Claims:
    """The findings in a file. Raises ClaimError, and OSError where the file cannot be read."""
    runs: list[_Run] = []
    claims: dict[str, Claim] = {}
    wrong: list[str] = []
    with Path(path).open("rb") as stream:
        for number, data in _lines(stream, path):
            try:
                line = _LINE.validate_json(data)
                if isinstance(line, _Run):
                    runs.append(line)
                elif isinstance(line, _Finding):
                    claim = _claim(line, f"{path}:{number}")
                    known = claims.get(claim.id)
                    claims[claim.id] = claim if known is None else _joined(known, claim)
            except ValidationError as error:
                wrong += [f"{path}:{number}: {one}" for one in sentences(error)]
            except ValueError as error:
                wrong.append(f"{path}:{number}: {error}")
            if len(wrong) >= MAX_ERRORS:
                break
    if wrong:
        raise ClaimError("\n".join(wrong[:MAX_ERRORS]))
    packets = [source.packets for run in runs for source in run.sources]
    numbered = packets[0] if len(packets) == 1 else None
    return Claims(path, tuple(claims.values()), numbered, is_sensor=True)


def _lines(stream: BinaryIO, path: str) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, with their numbers."""
    number = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(data) > MAX_LINE_BYTES:
            raise ClaimError(f"{path}:{number}: a line of more than {MAX_LINE_BYTES} bytes")
        if number > MAX_LINES:
            raise ClaimError(f"{path}: more than {MAX_LINES} lines")
        if data.strip():
            yield number, data


def _claim(line: _Finding, place: str) -> Claim:
    """Raises ValueError for a time that is none."""
    first_ns = _instant(line.first, "first")
    evidence = sorted({(one.time_ns, one.packet) for one in line.evidence})
    return Claim(
        id=line.id,
        said=line.rule,
        place=place,
        times_ns=tuple(time_ns for time_ns, _ in evidence) or (first_ns,),
        precision_ns=0,
        packets=tuple(packet for _, packet in evidence),
        clients=(line.client,) if line.client else (),
        servers=(line.server,) if line.server else (),
        techniques=tuple(sorted({one.id for one in line.references if one.scheme == SCHEME})),
        last_ns=_instant(line.last, "last"),
        told_ns=_instant(line.told, "told") if line.told else None,
    )


def _joined(one: Claim, other: Claim) -> Claim:
    """What is told twice is said once: at the earlier time, with all that shows it."""
    shown = sorted({*_shown(one), *_shown(other)})
    told = [claim.told_ns for claim in (one, other) if claim.told_ns is not None]
    return replace(
        one,
        times_ns=tuple(time_ns for time_ns, _ in shown) or (min(one.first_ns, other.first_ns),),
        packets=tuple(packet for _, packet in shown),
        techniques=tuple(sorted({*one.techniques, *other.techniques})),
        last_ns=max(one.last_ns, other.last_ns),
        told_ns=min(told, default=None),
    )


def _shown(claim: Claim) -> list[tuple[int, int]]:
    return list(zip(claim.times_ns, claim.packets, strict=True)) if claim.packets else []


def _instant(text: str, member: str) -> int:
    """Nanoseconds since 1970 UTC; raises ValueError."""
    found = _INSTANT.fullmatch(text)
    if found is not None:
        try:
            since = datetime.fromisoformat(f"{found[1]}+00:00") - _EPOCH
        except ValueError:
            since = None
        if since is not None:
            return since // timedelta(seconds=1) * 1_000_000_000 + int(found[2])
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return int(plain[1])
    raise ValueError(f"{member}: {text[:60]!r} is no instant, expected 2026-04-14T00:12:00.000000000Z")
