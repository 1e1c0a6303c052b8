"""What people read of devices."""

from __future__ import annotations

import io

import pytest

from otmon.assets.changes import since_inventory
from otmon.findings.wording import Language
from otmon.outputs.asset_table import (
    change_lines,
    classes_text,
    device_lines,
    signal_text,
    vendor_texts,
    write_devices,
)
from tests.assets.population import HMI, PHONE, PLC, here
from tests.zones.facts import asset


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("smartphone or tablet", "likely", "3 devices, 1 of them")),
        ("ja", ("可能性が高い", "機器 3 台")),
    ],
)
def test_the_list_has_a_line_for_each_device(language: Language, words: tuple[str, ...]) -> None:
    found, index = here()
    stream = io.StringIO()
    write_devices(stream, found.devices, index, language)
    text = stream.getvalue()
    assert all(word in " ".join(text.split()) for word in words)
    firsts = [line.split()[0] for line in text.splitlines()]
    assert [one for one in firsts if one in found.by_id] == ["hmi-1", "plc-1", PHONE]


def test_one_device_is_told_with_the_packets_that_show_it() -> None:
    found, index = here()
    lines = list(device_lines(found.by_id[PHONE], index, "en"))
    assert lines[:3] == [PHONE, "  not in the inventory", "  probably: smartphone or tablet (likely)"]
    assert f"    MAC address {PHONE} was chosen at random, as phones do - a.pcap no. 1 (byte 24)" in lines
    assert f"  MAC address {PHONE}: locally administered (random)" in lines
    assert "  zones: cell" in lines
    (listed,) = [line for line in device_lines(found.by_id["plc-1"], None, "ja") if "台帳にある" in line]
    assert "調合PLC (m.yaml:3)" in listed


def test_a_device_behind_a_router_and_a_contradiction_are_told() -> None:
    router = "00:09:0f:00:00:01"
    found, index = here(asset(router, "10.1.0.2"), asset(router, "10.3.0.5"), asset(router, "198.51.100.1"))
    assert f"  seen only behind {router}" in list(device_lines(found.by_id["10.3.0.5"], index, "en"))
    found, index = here(asset(PHONE, "10.1.0.2"))
    told = list(device_lines(found.by_id["hmi-1"], index, "en"))
    assert any(line.startswith("    against that: MAC address") for line in told)


def test_changes_are_told_one_on_a_line() -> None:
    found, index = here(asset(PLC, "10.3.0.1"), asset(PHONE, "10.1.0.2"), asset(HMI, "10.1.0.8"))
    lines = list(change_lines(since_inventory(found, index), "en"))
    assert lines == [
        f"new      {HMI}: 10.1.0.8, {HMI}",
        "moved    plc-1: address 10.1.0.1 -> 10.3.0.1",
        "moved    plc-1: zone cell -> office",
        f"changed  hmi-1: the inventory says hmi, but: MAC address {PHONE} was chosen at random, "
        "as phones do",
        "1 new, 0 gone, 2 moved, 1 changed",
    ]
    assert list(change_lines((), "ja")) == ["違いはない"]


def test_words_of_classes_signals_and_vendors() -> None:
    found, _ = here()
    assert classes_text(found.by_id[PHONE].probable, "ja") == "スマートフォン・タブレット"
    assert signal_text(found.by_id["plc-1"].probable.signals[0], "en") == "the inventory says plc"
    macs = (PLC, PHONE, "52:54:00:00:00:01", "70:b3:d5:ff:ff:ff")
    assert vendor_texts(macs, "en") == (
        "Siemens AG",
        "locally administered (random)",
        "virtual (QEMU/KVM)",
        "vendor not registered",
    )


def test_what_comes_from_a_file_steers_no_terminal() -> None:
    found, index = here(asset(HMI, "10.1.0.8"))
    assert all(line.isprintable() for line in device_lines(found.by_id[HMI], index, "en"))
