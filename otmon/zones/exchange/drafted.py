"""Zones and boundaries of a draft from a sheet, and the file that they become."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otmon.sentence import Speak, both, sentence
from otmon.zones.exchange.cell import MemberText
from otmon.zones.exchange.rulerow import RuleRow, Told
from otmon.zones.files.draftfile import Block, free_id, listing, member_text, scalar, text_of
from otmon.zones.files.text import read_id


@dataclass(slots=True)
class DraftZone:
    id: str
    name: str
    drafted: bool
    members: dict[MemberText, int] = field(default_factory=dict)
    """Member -> the row that brought it."""
    inside: list[tuple[int, dict[str, Any], RuleRow]] = field(default_factory=list)
    """Permissions of what goes on inside."""
    policy: str = ""
    """What the sheet says may happen inside, "" where it does not; so are the others."""
    names: dict[str, str] = field(default_factory=dict)
    """By language."""
    importance: str = ""
    owners: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    row: int = 0
    """Which tells of it."""


@dataclass(slots=True)
class DraftBorder:
    ends: tuple[str, str]
    """In the order of the row that was first."""
    said: dict[str, str] = field(default_factory=dict)
    permissions: list[tuple[int, dict[str, Any], RuleRow]] = field(default_factory=list)
    exceptions: list[tuple[int, dict[str, Any], RuleRow]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


def written(
    source: str,
    zones: Iterable[DraftZone],
    borders: Collection[DraftBorder],
    timezone: str,
    kept: Sequence[tuple[Told, str]],
    speak: Speak,
) -> Block:
    """The file of a draft of the sheet `source`, with comments as `speak` says them; `kept` are rows that are
    not in it, with their texts."""
    block = Block(speak)
    block.say(
        sentence(
            "Drafted by `otmon zones import` from {source}. Go through every TODO before use.",
            source=source,
        )
    )
    block.line("version: 1")
    if timezone:
        block.line(f"timezone: {scalar(timezone)}")
    block.line("")
    block.line("zones:")
    for zone in zones:
        _write_zone(block, zone)
    block.line("")
    block.line("boundaries:" if borders else "boundaries: []")
    ids: set[str] = set()
    for border in borders:
        wanted = border.said.get("boundary", "")
        good = read_id(wanted) is not None
        id = free_id(wanted if good else "-".join(border.ends), ids)
        ids.add(id)
        _write_border(block, border, id, "" if good else wanted)
    if kept:
        block.line("")
        block.say(sentence("TODO: {count} rows of the sheet are not in this model:", count=len(kept)))
    for told, text in kept:
        block.say(told.whole)
        block.comment(f"    {text}")
    return block


def _write_zone(block: Block, zone: DraftZone) -> None:
    block.line(f"  - id: {scalar(zone.id)}")
    if zone.names:
        _write_names(block, zone.names)
    elif text_of(zone.name) and not zone.drafted:
        block.line(f"    name: {scalar(text_of(zone.name))}")
    if zone.drafted:
        what = sentence("TODO: drafted from addresses: is it one zone? It needs name, importance and owner")
        block.say(what, 4)
    elif not zone.importance:
        block.say(sentence("TODO: importance and owner are not in the sheet"), 4)
    elif not zone.owners:
        block.say(sentence("TODO: {keys}", keys="owner"), 4)
    block.line(f"    importance: {zone.importance or '中'}")
    if zone.owners:
        block.line(f"    owner: {listing(zone.owners)}")
    for key, texts in zone.attributes:
        block.line(f"    {key}: {listing(texts)}", zone.row)
    if zone.members:
        block.line("    members:")
        for member, number in zone.members.items():
            block.line(
                f"      - {member_text(member.network, member.mac, member.vlan, member.oui, member.port)}",
                number,
            )
    else:
        block.say(sentence("TODO: no address of this zone is in the sheet"), 4)
    if zone.inside or zone.policy:
        block.line(f"    inside: {zone.policy or 'listed'}")
    if zone.inside:
        block.line("    allow:")
        _write_permissions(block, zone.inside)


def _write_names(block: Block, names: Mapping[str, str]) -> None:
    said = ", ".join(f"{language}: {scalar(name)}" for language, name in names.items())
    block.line(f"    name: {{{said}}}")


def _write_border(block: Block, border: DraftBorder, id: str, name: str) -> None:
    block.line(f"  - id: {scalar(id)}")
    if border.names:
        _write_names(block, border.names)
    elif name:
        block.line(f"    name: {scalar(name)}")
    block.line(f"    between: {listing(border.ends)}")
    for key in ("device", "device_owner", "settings_owner"):
        if key in border.said:
            block.line(f"    {key}: {scalar(border.said[key])}")
    missing = [key for key in ("device_owner", "settings_owner") if key not in border.said]
    if missing:
        block.say(sentence("TODO: {keys}", keys=both(missing)), 4)
    for key, permissions in (("allow", border.permissions), ("exceptions", border.exceptions)):
        if permissions:
            block.line(f"    {key}:")
            _write_permissions(block, permissions)


def _written(value: Any) -> str:
    """A value of a permission as YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[" + ", ".join(map(_written, value)) + "]"
    return scalar(value) if isinstance(value, str) else listing(value)


def _write_permissions(block: Block, permissions: Iterable[tuple[int, Mapping[str, Any], RuleRow]]) -> None:
    for number, said, rule in permissions:
        dash = "- "
        for key, value in said.items():
            text = _written(value)
            block.line(f"      {dash}{key}: {text}", number)
            dash = "  "
        where = sentence("row {row}", row=rule.row)
        if rule.sheet:
            where = sentence("sheet {sheet}, {place}", sheet=rule.sheet, place=where)
        block.say(where, 8)
        if said["protocol"] == ["any"] and "port" in said:
            block.say(sentence("TODO: the sheet names no protocol, so every one is allowed"), 8)
        elif said["protocol"] == ["any"]:
            block.say(sentence("TODO: the sheet names no protocol and port, so every one is allowed"), 8)
        if rule.hidden:
            block.say(sentence("TODO: the row is hidden in the sheet: is it in force?"), 8)
        for note in rule.notes:
            block.comment(note, 8)
