"""The plants that come with the program agree with their zone models; a broken one says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.lab.form import RangeError
from otmon.lab.plant import FOLDER, SYSTEMS, load_plant, read_plant, shipped_plant, shipped_plants
from otmon.zones.decide import index, locate
from otmon.zones.files.load import load_model
from otmon.zones.model import UNKNOWN_ZONE

ROOT = Path(__file__).resolve().parent.parent.parent
PLANTS = ("body-line", "food-factory", "two-factories", "water-works")
SOUND = (FOLDER / "water-works.yaml").read_text(encoding="utf-8")


def test_the_plants_are_those_of_the_folder_beside_the_package() -> None:
    assert shipped_plants() == PLANTS
    assert FOLDER.resolve() == ROOT / "plants"


@pytest.mark.parametrize("id", PLANTS)
def test_every_plant_agrees_with_its_zone_model(id: str) -> None:
    plant = shipped_plant(id)
    model = load_model(str(ROOT / "zones" / plant.model))
    ready = index(model, ())
    for host in plant.hosts:
        assert locate(ready, host.address, 0).zone == (host.zone or UNKNOWN_ZONE), host.name


def test_a_system_has_whole_words_of_options() -> None:
    assert all(len(system.syn_options) % 4 == 0 for system in SYSTEMS.values())


def test_hosts_are_told_by_name_role_and_service() -> None:
    plant = shipped_plant("water-works")
    assert [one.name for one in plant.at("scada")] == ["scada"]
    assert plant.named("hmi", "ews") == (plant.host("hmi"), plant.host("ews"))
    assert plant.by_name["hmi"].serves("rdp") and not plant.by_name["hmi"].serves("modbus")
    assert plant.host("rtu-branch").ttl == 62 and plant.everybody()[0].name == "office-pc-11"
    with pytest.raises(KeyError):
        plant.host("nobody")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "system: windows, roles: hmi",
            "system: vista, roles: hmi",
            "expected one of windows, windows-xp, linux",
        ),
        ("address: 172.16.10.10", "address: 172.16.10.300", "expected an IPv4 address such as 10.1.2.3"),
        ("'00:01:fc:0a:00:10'", "'00-01-fc-0a-00-10'", "expected a MAC address"),
        ("vlan: 10,", "vlan: 5000,", "expected a whole number from 1 to 4094"),
        ("id: scada,", "id: hmi,", "host 'hmi' a second time"),
        ("address: 172.16.10.20", "address: 172.16.10.10", "172.16.10.10 is that of hmi"),
        ("hours: 06:00-18:00", "hours: 18:00-06:00", "expected from and to, such as 07:00-18:00"),
        ("day: 2026-07-07", "day: 2026-07-32", "expected a date"),
        ("timezone: Asia/Tokyo", "timezone: Asia/Nowhere", "expected a time zone"),
        ("process: water-works", "process: brewery", "expected one of food-factory, two-factories"),
        ("model: water-works.yaml", "model: ../water-works.yaml", "expected the name of a file in zones/"),
        ("id: water-works", "id: other-works", "plant 'other-works' in water-works.yaml"),
        ("port: 502, unit: 1", "port: 0, unit: 1", "expected a whole number from 1 to 65535"),
        ("roles: hmi, zone", "role: hmi, zone", "unknown key 'role', expected roles"),
        ("zone: internet", "zone: office", "expected a MAC address for who is in the plant"),
        ("wire:\n", "wires:\n", "unknown key 'wires', expected wire"),
        ("core: '00:00:cd:40:00:01'", "", "core is missing, expected core, firewall"),
    ],
)
def test_a_broken_plant_says_where(before: str, after: str, told: str) -> None:
    assert before in SOUND
    line = SOUND[: SOUND.index(before)].count("\n") + 1
    with pytest.raises(RangeError) as caught:
        read_plant("plants/water-works.yaml", SOUND.replace(before, after, 1).encode())
    found = [problem for problem in caught.value.problems if told in problem.what]
    assert found, caught.value
    assert abs(found[0].line - line) <= 1 and str(found[0]).startswith(
        f"plants/water-works.yaml:{found[0].line}:"
    )


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"1", b"hosts: {", b"\xff", b"a: &a [*a]", b"version: 1\nhosts: []"]
)
def test_what_is_no_plant_is_refused(data: bytes) -> None:
    with pytest.raises(RangeError, match=r"x\.yaml"):
        read_plant("x.yaml", data)


def test_every_cut_of_a_plant_is_refused_or_read() -> None:
    data = SOUND.encode()
    for length in range(0, len(data), 97):
        try:
            read_plant("water-works.yaml", data[:length])
        except RangeError as error:
            assert error.problems


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(RangeError, match=str(path)):
            load_plant(path)
    with pytest.raises(RangeError, match="no such plant, expected body-line"):
        shipped_plant("../secret")
