"""Who made a network interface: the shipped list, and the command that writes it."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.assets.vendor import (
    FILE,
    REDUNDANT_ROUTERS,
    Vendor,
    is_random,
    is_shared,
    read_vendors,
    vendor_of,
)
from otmon.zones.address import MAC_BITS, Network
from tests import vendors
from tests.vendors import block_of, written_vendors


@pytest.mark.parametrize(
    ("mac", "name"),
    [
        ("00:80:f4:0b:02:11", "TELEMECANIQUE ELECTRIQUE"),
        ("28-63-36-05-30-11", "Siemens AG"),
        # A block of 36 bits, whose first 24 IEEE gave to nobody in whole.
        ("70:b3:d5:8f:a0:00", "DEA SYSTEM SPA"),
    ],
)
def test_the_vendor_is_that_of_the_longest_block(mac: str, name: str) -> None:
    assert vendor_of(mac) == Vendor("universal", name)
    assert not is_random(mac)


@pytest.mark.parametrize(
    ("mac", "expected"),
    [
        ("f6:1d:92:c4:08:3b", Vendor("local", "")),
        ("02:42:ac:11:00:02", Vendor("virtual", "Docker")),
        ("00:00:5e:00:01:0a", Vendor("virtual", "VRRP")),
        ("01:80:c2:00:00:0e", Vendor("group", "")),
        ("ff:ff:ff:ff:ff:ff", Vendor("group", "")),
        ("70:b3:d5:ff:ff:ff", Vendor("universal", "")),
    ],
)
def test_what_no_vendor_gave_is_named_as_such(mac: str, expected: Vendor) -> None:
    assert vendor_of(mac) == expected
    assert is_random(mac) == (expected.kind == "local")


@given(st.text(max_size=20) | st.sampled_from(["", "10.0.0.1", "00:80:f4", "00:80:f4:0b:02:11:00"]))
def test_a_text_that_is_no_mac_address_has_no_vendor(text: str) -> None:
    found = vendor_of(text)
    assert found is None or text.replace("-", ":").count(":") == 5


@given(st.integers(0, (1 << MAC_BITS) - 1))
def test_every_mac_address_is_of_one_kind(value: int) -> None:
    text = ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))
    found = vendor_of(text)
    assert found is not None
    assert (found.kind == "group") == bool(value >> 40 & 1)
    assert found.name or found.kind != "virtual"


def test_redundant_routers_share_their_mac_addresses() -> None:
    addresses = ["00:00:5e:00:01:63", "00:00:5e:00:02:01", "00:00:0c:07:ac:01", "00:00:0c:9f:f0:01"]
    for mac in [*addresses, "00:07:b4:00:01:01"]:
        vendor = vendor_of(mac)
        assert is_shared(mac) and vendor is not None and vendor.name in REDUNDANT_ROUTERS
    assert not any(map(is_shared, ("52:54:00:00:00:01", "00:00:5e:00:03:01", "00:00:0c:00:00:01", "")))


def test_the_shipped_list_is_whole_and_small() -> None:
    text = lzma.decompress(FILE.read_bytes()).decode()
    registry = read_vendors(text)
    assert sum(map(len, registry.values())) >= vendors.FEWEST
    assert all(registry.values())
    assert text.startswith("# from ") and "vendors-license.txt" in text.splitlines()[0]
    assert FILE.with_name("vendors-license.txt").is_file()
    assert FILE.stat().st_size < 600_000
    assert not {name for names in registry.values() for name in names.values()} & set(vendors.NOBODY)


@pytest.mark.parametrize("line", ["no tab", "\t001b1b", "Somebody\t001b1", "Somebody\t", "Somebody\txyzxyz"])
def test_a_broken_list_is_an_error_and_no_wrong_name(line: str) -> None:
    with pytest.raises(ValueError):
        read_vendors(f"# remark\n\n{line}\n")


_BLOCKS = st.sampled_from([24, 28, 36]).flatmap(
    lambda length: st.builds(Network, st.just(MAC_BITS), st.just(length), st.integers(0, (1 << length) - 1))
)


@given(st.dictionaries(_BLOCKS, st.sampled_from(["A", "B Inc.", "三菱電機", "a\tb\nc"])))
def test_what_is_written_is_read_again_in_any_order(blocks: dict[Network, str]) -> None:
    data = written_vendors(blocks.items(), ["test"])
    assert data == written_vendors(reversed(blocks.items()), ["test"])
    read = read_vendors(lzma.decompress(data).decode())
    folded = {block: " ".join(name.split()) for block, name in blocks.items()}
    assert {
        Network(MAC_BITS, length, prefix): name
        for length, some in read.items()
        for prefix, name in some.items()
    } == folded


def test_the_digits_of_a_block_tell_its_length() -> None:
    assert block_of("001B1B") == Network(MAC_BITS, 24, 0x001B1B)
    assert block_of("70B3D58FA") == Network(MAC_BITS, 36, 0x70B3D58FA)
    assert block_of("70B3") is block_of("70B3D58F") is block_of("") is block_of("nothex") is None


def package(folder: Path, index: dict[str, str]) -> Path:
    path = folder / "oui-data-0.0.1.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, value in (("package/index.json", index), ("package/package.json", {"version": "0.0.1"})):
            data = json.dumps(value).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_a_new_list_comes_from_the_package_or_from_ieee(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendors, "FEWEST", 2)
    index = {"001B1B": "Siemens AG,\nOestliche\nGermany", "70B3D58FA": "DEA SYSTEM SPA", "000001": "Private"}
    of_package = vendors.baked([package(tmp_path, index)])
    table = tmp_path / "oui.csv"
    table.write_text(
        "Registry,Assignment,Organization Name,Organization Address\r\n"
        'MA-L,001B1B,"Siemens AG,",Oestliche\r\nMA-S,70B3D58FA,DEA SYSTEM SPA,Italy\r\n'
    )
    of_ieee = vendors.baked([table])
    texts = [lzma.decompress(data).decode().splitlines() for data in (of_package, of_ieee)]
    assert texts[0][0] == "# from npm oui-data 0.0.1; licence: vendors-license.txt"
    assert texts[0][1:] == texts[1][1:] == ["DEA SYSTEM SPA\t70b3d58fa", "Siemens AG,\t001b1b"]


def test_a_part_of_the_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 blocks"):
        vendors.baked([package(tmp_path, {"001B1B": "A", "001B1C": "B"})])
    with pytest.raises(ValueError, match="no block"):
        vendors.baked([package(tmp_path, {"001B1": "A"})])
