"""What people read of devices: the list, one device with what it rests on, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otmon.assets.changes import Change
from otmon.assets.classify import Device, Probable
from otmon.assets.fingerprints import shipped_fingerprints
from otmon.assets.place import zones_of
from otmon.assets.signals import Signal
from otmon.assets.vendor import vendor_of
from otmon.findings.wording import Language, text, visible
from otmon.ledger.facts import Evidence
from otmon.outputs.instant import clock_name, short_text
from otmon.zones.place import Index

WIDTH: Final = 130
"""Columns where there is no terminal."""
NAMES_SHOWN: Final = 2
ADDRESSES_SHOWN: Final = 3
"""Addresses of one device in the list; `show` has all."""


def write_devices(stream: TextIO, devices: Sequence[Device], index: Index | None, language: Language) -> None:
    """The list: a line for each device, and how many there are."""
    timezone = _timezone(index)
    console = Console(file=stream, highlight=False, emoji=False, markup=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, emoji=False, markup=False, width=WIDTH)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    labels = ("device", "names", "class", "sureness", "vendor", "address", "vlan", "zones", "first-seen")
    for label in labels:
        whole = label in ("device", "first-seen")
        table.add_column(_label(label, language, timezone), overflow="fold", no_wrap=whole)
    for device in devices:
        seen = device.seen
        table.add_row(
            visible(seen.id),
            ", ".join(visible(one) for one in device.names[:NAMES_SHOWN]),
            classes_text(device.probable, language),
            text(f"sureness.{device.probable.sureness}", language),
            "; ".join(visible(one) for one in vendor_texts(seen.macs, language)),
            _some(seen.texts),
            ", ".join(filter(None, seen.vlans)),
            ", ".join(zones_of(index, seen)) if index is not None else "",
            short_text(seen.first_ns, timezone)[:16],
        )
    with console.capture() as written:
        console.print(table)
    stream.writelines(f"{line.rstrip()}\n" for line in written.get().splitlines() if line.strip())
    unlisted = sum(one.seen.listed is None for one in devices)
    print(text("assets.count", language, count=len(devices), unlisted=unlisted), file=stream)


def _timezone(index: Index | None) -> str:
    """The time zone of the model, by whose clocks times are shown."""
    return index.model.timezone if index is not None else ""


def _label(name: str, language: Language, timezone: str) -> str:
    if name == "first-seen":
        return text("table.first-seen", language, clock=clock_name(timezone))
    return text(f"table.{name}", language)


def device_lines(device: Device, index: Index | None, language: Language) -> Iterator[str]:
    """Everything about one device, line by line, with the packets that show it."""
    timezone = _timezone(index)
    seen, probable = device.seen, device.probable
    yield visible(seen.id)
    if seen.listed is not None:
        listed = seen.listed
        name = listed.name.ja if language == "ja" else listed.name.en
        line = visible(str(listed.line))
        yield "  " + text("assets.listed", language, name=visible(name), line=line)
    else:
        yield "  " + text("assets.unlisted", language)
    yield "  " + text(
        "assets.probably", language, what=classes_text(probable, language),
        sureness=text(f"sureness.{probable.sureness}", language),
    )  # fmt: skip
    for signal in probable.signals:
        against = signal in probable.against
        key = "assets.signal-against" if against else "assets.signal"
        yield "    " + text(
            key, language, signal=signal_text(signal, language), where=_where(signal.evidence, language)
        )
    for mac, vendor in zip(seen.macs, vendor_texts(seen.macs, language), strict=True):
        yield "  " + text("assets.mac", language, mac=mac, vendor=vendor)
    system = shipped_fingerprints().system_of(device.claims)
    if system is not None:
        yield "  " + text("assets.system", language, system=system[0].name, ends=system[0].ends.isoformat())
    for claim in device.claims:
        yield "  " + text(
            "assets.claim", language, kind=text(f"claim.{claim.kind}", language), value=visible(claim.value),
            protocol=claim.protocol, first=short_text(claim.first_ns, timezone),
            last=short_text(claim.last_ns, timezone), clock=clock_name(timezone),
            times=f"{claim.times:,}", where=_where(claim.evidence, language),
        )  # fmt: skip
    for one in seen.addresses:
        address = visible(one.address) or text("assets.below-ip", language)
        yield "  " + text(
            "assets.address", language, address=address, mac=one.mac or "-", vlan=one.vlan or "-",
            first=short_text(one.first_ns, timezone), last=short_text(one.last_ns, timezone),
            clock=clock_name(timezone), packets=f"{one.packets:,}",
            where=_where(one.evidence, language),
        )  # fmt: skip
    if index is not None:
        yield "  " + text("assets.zones", language, zones=", ".join(zones_of(index, seen)) or "-")
    if seen.routers:
        yield "  " + text("assets.behind", language, routers=", ".join(seen.routers))


def change_lines(changes: Sequence[Change], language: Language) -> Iterator[str]:
    """The differences, one on each line, and how many of each kind."""
    if not changes:
        yield text("changes.none", language)
        return
    for one in changes:
        after = signal_text(one.signal, language) if one.signal is not None else visible(one.after)
        kind = text(f"changes.{one.kind}", language)
        told = text(f"changes.how.{one.how}", language, before=visible(one.before) or "-", after=after or "-")
        yield f"{kind}  {visible(one.id)}: {told}"
    counts = {kind: sum(one.kind == kind for one in changes) for kind in ("new", "gone", "moved", "changed")}
    yield text("changes.count", language, **counts)


def classes_text(probable: Probable, language: Language) -> str:
    """What a device probably is, in words; "-" where nobody can tell."""
    if not probable.classes or probable.sureness == "contradicted":
        return "-"
    return text("or", language).join(text(f"class.{one}", language) for one in probable.classes)


def signal_text(signal: Signal, language: Language) -> str:
    """A signal as a sentence."""
    return text(f"signal.{signal.key}", language, **dict(signal.params))


def vendor_texts(macs: Sequence[str], language: Language) -> tuple[str, ...]:
    """For each MAC address who made the interface, or that nobody can say."""
    return tuple(_vendor(mac, language) for mac in macs)


def _vendor(mac: str, language: Language) -> str:
    vendor = vendor_of(mac)
    if vendor is None or (vendor.kind == "universal" and not vendor.name):
        return text("vendor.unknown", language)
    if vendor.kind == "local":
        return text("vendor.local", language)
    return text("vendor.virtual", language, name=vendor.name) if vendor.kind == "virtual" else vendor.name


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - ADDRESSES_SHOWN
    return ", ".join(texts[:ADDRESSES_SHOWN]) + (f" (+{more})" if more > 0 else "")


def _where(evidence: Evidence, language: Language) -> str:
    at: dict[str, str | int] = {"packet": evidence.packet, "offset": evidence.offset}
    return text("table.evidence-line", language, source=evidence.source, **at)
