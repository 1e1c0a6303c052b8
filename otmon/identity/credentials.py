"""The published default passwords: one file for each vendor or family in `rules/credentials`.

    vendor: Moxa
    names: [moxa]                 # how inventories write it; without this the vendor in small letters
    entries:
      - id: moxa-awk-3131
        devices: AWK-3131
        account: admin            # "" where the protocol or the device has none
        password: root            # "" for an empty one
        protocols: [http]         # without this every protocol that is read
        source: {title: "AWK-3131 User's Manual", url: "https://..."}

Each entry names where it is published. The passwords are public; what is compared with them is not, and
stays in memory. A file that is wrong gives all its errors at once, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from otmon.identity.login import MAX_TEXT, LogIn
from otmon.identity.proof_budget import CHEAP, ProofBudget
from otmon.identity.registry import IDS

FOLDER: Final = Path(__file__).parent.parent / "rules" / "credentials"
MAX_FILE_BYTES: Final = 256 * 1024
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TOP: Final = ("vendor", "names", "entries")
_ENTRY: Final = ("id", "devices", "account", "password", "protocols", "source")
_SOURCE: Final = ("title", "url")
_OPTIONAL: Final = frozenset({"names", "protocols"})
CASELESS: Final = frozenset({"ntlm", "ntlmv2", "mschap", "mschapv2"})
"""Methods of systems that take an account in any case of letters ([MS-NLMP] 3.3.2 makes it upper case), and
behind the name of a domain."""
NAMELESS: Final = frozenset({"fins", "s7comm", "slmp", "vnc"})
"""Protocols that have no account: an entry without protocols is not for them."""


class CredentialsError(Exception):
    """Files that cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Entry:
    """One published default."""

    id: str
    vendor: str
    names: tuple[str, ...]
    devices: str
    account: bytes
    password: bytes = field(repr=False)
    protocols: tuple[str, ...]
    """Those that it is for, sorted."""
    title: str
    url: str
    line: str = field(compare=False)
    """"file:line"."""

    def is_of(self, vendor: str) -> bool:
        """Whether a vendor's name, as an inventory has it, is this one's."""
        said = " ".join(re.findall(r"[^\W_]+", vendor.lower()))
        return any(f" {name} " in f" {said} " for name in self.names)


class Credentials:
    """All entries, ready to be compared with log-ins."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda one: one.id))
        self._by_id = {one.id: one for one in self.entries}
        self._by_pair: dict[tuple[bytes, bytes], list[Entry]] = {}
        self._by_account: dict[bytes, dict[bytes, None]] = {}
        for one in self.entries:
            self._by_pair.setdefault((one.account, one.password), []).append(one)
            self._by_account.setdefault(one.account, {})[one.password] = None
        self._in_any_case: dict[str, list[bytes]] = {}
        for account in self._by_account:
            self._in_any_case.setdefault(_folded(account), []).append(account)

    def matching(self, log_in: LogIn, protocol: str, budget: ProofBudget | None = None) -> Entry | None:
        """The first entry, by its id, that the log-in used; None where it is on no list. Where `budget` has
        no more for a proof, it is held against no further password."""
        if log_in.secret is not None:
            found = self._first(log_in.account, log_in.secret, protocol)
            if found is not None:
                return found
        if log_in.proves is None:
            return None
        caseless = log_in.method in CASELESS
        name = _folded(log_in.account.rpartition(b"\\")[2])
        accounts = self._in_any_case.get(name, ()) if caseless else (log_in.account,)
        for account, password in ((one, each) for one in accounts for each in self._by_account.get(one, ())):
            found = self._first(account, password, protocol)
            if found is None:
                continue
            units = CHEAP if log_in.cost is None else log_in.cost(password)
            if budget is not None and not budget.spend(log_in.seen.time_ns, units):
                budget.leave_out()
                return None
            if log_in.proves(password):
                return found
        return None

    def _first(self, account: bytes, password: bytes, protocol: str) -> Entry | None:
        listed = self._by_pair.get((account, password), ())
        return next((one for one in listed if protocol in one.protocols), None)

    def lists(self, vendor: str) -> bool:
        """Whether a vendor's name, as an inventory has it, is one of those that the list has entries of."""
        return any(one.is_of(vendor) for one in self.entries)

    def alike(self, name: str, protocol: str) -> tuple[Entry, ...]:
        """The entries of a protocol with the account and password of the one whose id this is, itself
        among them; none for an id that is not on the list."""
        one = self._by_id.get(name)
        if one is None:
            return ()
        return tuple(
            other for other in self._by_pair[one.account, one.password] if protocol in other.protocols
        )


def _folded(account: bytes) -> str:
    return account.decode("utf-8", "replace").casefold()


@cache
def shipped_credentials() -> Credentials:
    """The published defaults that come with the program. Raises `CredentialsError`."""
    files = sorted(FOLDER.glob("*.yml"))
    return read_credentials([(f"rules/credentials/{one.name}", one.read_bytes()) for one in files])


def read_credentials(files: Sequence[tuple[str, bytes]]) -> Credentials:
    """The entries in `files` (name, content). Raises `CredentialsError`; opens nothing."""
    problems: list[str] = []
    found: dict[str, Entry] = {}
    for name, data in files:
        for entry in _entries(name, data, problems):
            if entry.id in found:
                what = f"a second entry {entry.id!r}, expected one (first at {found[entry.id].line})"
                problems.append(f"{entry.line}: {what}")
            found.setdefault(entry.id, entry)
    if problems:
        raise CredentialsError(problems)
    return Credentials(found.values())


def _entries(file: str, data: bytes, problems: list[str]) -> Iterator[Entry]:
    if len(data) > MAX_FILE_BYTES:
        problems.append(f"{file}:1: more than {MAX_FILE_BYTES} bytes, expected one vendor's list")
        return
    try:
        root = yaml.compose(data, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problems.append(f"{file}:{line}: {getattr(error, 'problem', None) or error}")
        return
    reader = _Reader(file, problems)
    top = reader.mapping(root, _TOP)
    vendor = reader.text(top.get("vendor"))
    names = reader.texts(top["names"]) if "names" in top else (vendor.lower(),)
    for node in reader.items(top.get("entries")):
        before = len(problems)
        given = reader.mapping(node, _ENTRY)
        source = reader.mapping(given["source"], _SOURCE) if "source" in given else {}
        entry = Entry(
            id=reader.text(given.get("id")),
            vendor=vendor,
            names=names,
            devices=reader.text(given.get("devices")),
            account=reader.text(given.get("account"), empty=True).encode(),
            password=reader.text(given.get("password"), empty=True).encode(),
            protocols=reader.protocols(given.get("protocols")),
            title=reader.text(source.get("title")),
            url=reader.text(source.get("url")),
            line=f"{file}:{reader.line(node)}",
        )
        if entry.id and not _ID.fullmatch(entry.id):
            reader.wrong(given.get("id"), f"{entry.id!r}, expected small letters, digits and single dashes")
        if entry.url and not entry.url.startswith(("https://", "http://")):
            reader.wrong(source.get("url"), "no address, expected one that begins with https://")
        if len(problems) == before:
            yield entry


class _Reader:
    """Takes nodes apart; what does not fit is told and replaced by nothing."""

    def __init__(self, file: str, problems: list[str]) -> None:
        self._file = file
        self._problems = problems

    @staticmethod
    def line(node: Any) -> int:
        return int(node.start_mark.line) + 1 if node is not None else 1

    def wrong(self, node: Any, what: str) -> None:
        self._problems.append(f"{self._file}:{self.line(node)}: {what}")

    def mapping(self, node: Any, keys: Sequence[str]) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"expected a mapping with {', '.join(keys)}")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in keys:
                self.wrong(key, f"unknown key {name!r}, expected {', '.join(keys)}")
            elif name in found:
                self.wrong(key, f"a second {name!r}, expected one")
            else:
                found[name] = value
        for name in keys:
            if name not in found and name not in _OPTIONAL:
                self.wrong(node, f"{name} is missing")
        return found

    def text(self, node: Any, *, empty: bool = False) -> str:
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, "expected a text")
            return ""
        text = str(node.value)
        if not text and empty and node.style not in ('"', "'"):
            self.wrong(node, 'nothing, expected a text; write "" for an empty one')
        if not text and not empty:
            self.wrong(node, "empty, expected a text")
        if len(text.encode("utf-8", "replace")) > MAX_TEXT or not text.isprintable():
            self.wrong(node, f"expected one line of at most {MAX_TEXT} bytes")
            return ""
        return text

    def items(self, node: Any) -> list[Any]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.wrong(node, "expected a list of at least one")
            return []
        return list(node.value)

    def texts(self, node: Any) -> tuple[str, ...]:
        return tuple(filter(None, (self.text(one).lower() for one in self.items(node))))

    def protocols(self, node: Any) -> tuple[str, ...]:
        if node is None:
            return tuple(one for one in IDS if one not in NAMELESS)
        found = self.texts(node)
        for one in found:
            if one not in IDS:
                self.wrong(node, f"unknown protocol {one!r}, expected one of {', '.join(IDS)}")
        return tuple(sorted(set(found)))
