"""Real captures as tshark and Zeek read them: the same layers, the same Modbus.

Where both differ the reason is in docs/differences.md, and the difference is held here: should it go
away, its line has to go too.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from otmon.engine import replay
from tests import oracle
from tests.oracle import captures, modbus_messages, zeek_messages

ROOT = Path(__file__).resolve().parent.parent

LAYERS_DIFFER: dict[str, dict[str, tuple[int, int]]] = {
    "ITI+ICS-Security-Tools/pcaps/openics/EIP-IPAddressChangeAttempt.pcap": {"igmp": (2, 4)},
    "cisagov+icsnpp-roc-plus/testing/traces/all_opcodes_udp.pcap": {"ethernet": (109, 110)},
    "the-tcpdump-group+tcpdump/tests/arp-oobr.pcap": {"arp": (2282, 2283)},
    "zeek+zeek/testing/btest/Traces/arp-who-has-radiotap.pcap": {"llc": (0, 2), "arp": (0, 2)},
    "zeek+zeek/testing/btest/Traces/arp-who-has-wlanmon.pcap": {"llc": (0, 2), "arp": (0, 2)},
}
"""By capture and layer: headers that this program counts, and that tshark does."""

FUZZ = "zeek+zeek/testing/btest/Traces/modbus/fuzz-72.pcap"
MODBUS_DIFFERS: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {
    FUZZ: ([(6, 33), (29, 63)], [(2, 28), (7, 34), (30, 64)]),
}
"""By capture: packets and functions that only tshark finds, and that only this program finds."""

ZEEK = "zeek+zeek/testing/btest/"
ZEEK_LOGS = {
    "modbus_and_non_modbus_on_port_502": "modbus/modbus-and-non-modbus-p502.pcap",
    "exception_handling": "modbus/fuzz-72.pcap",
}
"""Zeek's tests whose modbus.log and capture are there."""
ZEEK_ALONE = {
    "modbus_and_non_modbus_on_port_502": set[tuple[int, str]](),
    "exception_handling": {(33, "REQ"), (38, "REQ"), (47, "RESP"), (51, "RESP"), (63, "REQ")},
}
"""Functions of messages that only Zeek finds."""


@pytest.fixture(scope="module")
def layers(corpus: Path, tshark: str) -> dict[str, tuple[int, dict[str, int]]]:
    """What tshark counts in every capture."""
    names = captures(corpus)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda name: oracle.layers(tshark, corpus / name), names)
        return dict(zip(names, found, strict=True))


def counted(path: Path) -> tuple[int, dict[str, int]]:
    """The same as this program has it. tshark does not tell the two cooked links apart, and names no
    layer for raw IP."""
    (source,) = replay([str(path)]).ledger.sources
    found = Counter[str]()
    for name, count in source.counters:
        if name.startswith("layer."):
            found[name.removeprefix("layer.").replace("linux-cooked-v2", "linux-cooked")] += count
    del found["raw-ip"]
    return source.packets, dict(found)


def test_every_layer_is_counted_as_tshark_does(
    corpus: Path, layers: dict[str, tuple[int, dict[str, int]]]
) -> None:
    assert len(layers) > 200
    differences = {}
    for name, (packets, theirs) in layers.items():
        ours_packets, ours = counted(corpus / name)
        assert ours_packets == packets, name
        differing = {
            layer: (ours.get(layer, 0), theirs.get(layer, 0))
            for layer in ours.keys() | theirs.keys()
            if ours.get(layer, 0) != theirs.get(layer, 0)
        }
        if differing:
            differences[name] = differing
    assert differences == LAYERS_DIFFER


def transactions(path: Path, folder: Path) -> list[dict[str, Any]]:
    replay([str(path)], transactions=str(folder / "t.parquet"))
    found: list[dict[str, Any]] = pq.read_table(folder / "t.parquet").to_pylist()
    return found


def test_every_modbus_message_is_read_as_tshark_does(corpus: Path, tshark: str, tmp_path: Path) -> None:
    compared = 0
    differences = {}
    for name in captures(corpus):
        ours = defaultdict(list)
        for row in transactions(corpus / name, tmp_path):
            for kind in ("request", "response"):
                if row[f"{kind}_packet"] is not None:
                    ours[row[f"{kind}_packet"]].append((kind, row))
        theirs = list(modbus_messages(tshark, corpus / name)) if ours or "modbus" in name.lower() else []
        missing = []
        for message in theirs:
            same = [
                (kind, row)
                for kind, row in ours[message.packet]
                if (row["unit"], row["function"]) == (message.unit, message.function)
                and row["transaction"] == message.transaction
            ]
            if not same:
                missing.append((message.packet, message.function))
                continue
            kind, row = same[0]
            ours[message.packet].remove(same[0])
            compared += 1
            if kind == "response":
                assert row["exception"] == message.exception, (name, message)
            else:
                assert message.address in (None, row["address"]), (name, message)
                assert message.count in (None, row["count"]), (name, message)
        extra = sorted((packet, row["function"]) for packet, rows in ours.items() for _, row in rows)
        if missing or extra:
            differences[name] = (missing, extra)
    assert compared > 2300
    assert differences == MODBUS_DIFFERS


@pytest.mark.parametrize("test", ZEEK_LOGS)
def test_zeeks_log_has_the_same_messages(corpus: Path, test: str, tmp_path: Path) -> None:
    log = corpus / ZEEK / "Baseline" / f"scripts.base.protocols.modbus.{test}" / "modbus.log"
    if not log.is_file():
        pytest.skip(f"no {log}")
    theirs = zeek_messages(log)
    ours = Counter[tuple[str, int, str, int, int, int, int, str]]()
    for row in transactions(corpus / ZEEK / "Traces" / ZEEK_LOGS[test], tmp_path):
        about = (row["client"], row["client_port"], row["server"], row["server_port"], row["transaction"],
                 row["unit"], row["function"])  # fmt: skip
        ours[*about, "REQ"] += row["request_packet"] is not None
        ours[*about, "RESP"] += row["response_packet"] is not None
    assert {(key[6], key[7]) for key in theirs - ours} == ZEEK_ALONE[test]
    if not ZEEK_ALONE[test]:
        assert ours == theirs


def test_zeeks_events_have_the_same_messages(corpus: Path, tmp_path: Path) -> None:
    log = corpus / ZEEK / "Baseline" / "scripts.base.protocols.modbus.coil_parsing_small" / "output"
    theirs = Counter(
        (int(port), int(transaction), int(unit), int(function) & 0x7F, kind == "T")
        for port, transaction, unit, function, kind in re.findall(
            r"modbus_message, .*?orig_p=(\d+)/tcp.*?tid=(\d+).*?uid=(\d+), function_code=(\d+).*?\], ([TF])$",
            log.read_text(encoding="utf-8"),
            re.M,
        )
    )
    ours = Counter[tuple[int, int, int, int, bool]]()
    for row in transactions(corpus / ZEEK / "Traces" / "modbus" / "modbusSmall.pcap", tmp_path):
        about = row["client_port"], row["transaction"], row["unit"], row["function"]
        ours[*about, True] += row["request_packet"] is not None
        ours[*about, False] += row["response_packet"] is not None
    assert theirs.total() > 20
    assert ours == theirs


def test_every_difference_is_explained() -> None:
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    for name in (*LAYERS_DIFFER, *MODBUS_DIFFERS):
        assert Path(name).name in page
