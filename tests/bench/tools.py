"""The tools that are measured: how each is called, and what it does with a packet."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOLDER: Final = ROOT / "build" / "bench"
ZONES: Final = "zones/factory.yaml"
TRANSACTIONS: Final = "build/bench/transactions.parquet"
OTMON: Final = str(Path(sys.executable).with_name("otmon"))
FOUND_SOMETHING: Final = frozenset((0, 1))
"""Exit statuses of otmon that are no errors."""
Command = Callable[[Path, int], list[str]]
"""The command for a capture, and how many of its packets to read: 0 for all."""


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    command: Command
    does: str
    needs: Callable[[], bool] = lambda: True
    part: int | None = None
    """So many packets are enough for a slow tool."""
    fine: frozenset[int] = frozenset((0,))
    own: bool = False
    """It is otmon."""


def reader(name: str) -> Command:
    """A reader of tests/bench/readers.py."""
    return lambda path, limit: [sys.executable, "-m", "tests.bench.readers", name, str(path), str(limit)]


def otmon(path: Path, limit: int) -> list[str]:
    return [OTMON, "replay", str(path), "--zones", ZONES]


def otmon_transactions(path: Path, limit: int) -> list[str]:
    return [*otmon(path, limit), "--transactions", TRANSACTIONS]


def ndpi_reader(path: Path, limit: int) -> list[str]:
    return ["ndpiReader", "-q", "-i", str(path)]


def suricata(path: Path, limit: int) -> list[str]:
    return [
        "suricata", "-r", str(path), "-l", str(FOLDER), "--runmode", "single", "-k", "none",
        "--set", "app-layer.protocols.modbus.enabled=yes",
    ]  # fmt: skip


def tshark(path: Path, limit: int) -> list[str]:
    part = ["-c", str(limit)] if limit else []
    return ["tshark", "-n", "-r", str(path), *part, "-T", "fields", "-e", "modbus.func_code"]


def program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def module(name: str) -> Callable[[], bool]:
    return lambda: find_spec(name) is not None


TOOLS: Final = (
    Tool("otmon", reader("otmon"), "flows, protocols, Modbus transactions, zones", own=True),
    Tool("otmon --transactions", reader("otmon_transactions"),
         "the same, and writes each transaction as a row", own=True),
    Tool("otmon replay (command)", otmon, "the same as the first, with its start, tables and exit",
         fine=FOUND_SOMETHING, own=True),
    Tool("libpcap", reader("libpcap"), "counts packets and bytes in a compiled callback",
         needs=lambda: find_library("pcap") is not None),
    Tool("ndpiReader", ndpi_reader, "flows and their protocols, from their first packets",
         needs=program("ndpiReader")),
    Tool("nfstream", reader("nfstream"), "flows and their protocols, with statistics",
         needs=module("nfstream")),
    Tool("suricata", suricata, "flows, protocols, Modbus transactions, events", needs=program("suricata")),
    Tool("tshark", tshark, "all fields of a packet, prints one", needs=program("tshark"), part=100_000),
    Tool("dpkt", reader("dpkt"), "Ethernet, IP and TCP headers", needs=module("dpkt"), part=200_000),
    Tool("scapy", reader("scapy"), "all layers, Modbus too", needs=module("scapy"), part=20_000),
    Tool("pyshark", reader("pyshark"), "all fields of a packet, out of tshark",
         needs=lambda: module("pyshark")() and program("tshark")(), part=2_000),
)  # fmt: skip


def shown(command: list[str], path: Path) -> str:
    """A command as one can type it, with FILE for the capture and 0 for "all of it"."""
    places = {str(path): "FILE", sys.executable: ".venv/bin/python", OTMON: ".venv/bin/otmon"}
    return " ".join(places.get(word, word.replace(f"{ROOT}/", "")) for word in command)


def versions() -> list[str]:
    """Names and versions of what takes part, where it is there."""
    found = []
    for command in (["ndpiReader", "-h"], ["tshark", "--version"], ["suricata", "-V"]):
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout)
            found.append(f"{command[0]} {number[0] if number else 'of unknown version'}")
    if library := find_library("pcap"):
        import ctypes

        said_by_library = ctypes.CDLL(library).pcap_lib_version
        said_by_library.restype = ctypes.c_char_p
        number = re.search(r"\d+\.\d+(\.\d+)?", said_by_library().decode())
        found.append(f"libpcap {number[0] if number else 'of unknown version'}")
    for name in ("nfstream", "dpkt", "scapy", "pyshark", "numba", "numpy"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
