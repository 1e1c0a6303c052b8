"""Fingerprints are data that tries itself; what is wrong in a file is told, all at once."""

from __future__ import annotations

import re

import pytest

from otmon.assets.fingerprints import FingerprintError, read_fingerprints, shipped_fingerprints
from otmon.assets.makers import COMPUTER
from otmon.ledger.facts import AssetClaim, Evidence

SEEN = Evidence(1, "a", 1, 24)


def says(value: str, kind: str = "system", protocol: str = "smb") -> AssetClaim:
    return AssetClaim("", "10.0.0.1", "", kind, value, protocol, 1, 1, 1, SEEN)  # type: ignore[arg-type]


def test_those_that_come_with_the_program_name_where_they_are_published() -> None:
    found = shipped_fingerprints()
    assert len(found.every) > 50 and [one.id for one in found.every] == sorted(one.id for one in found.every)
    for one in (*found.every, *found.systems.values()):
        assert re.fullmatch(r"https://[\w.-]+/\S*", one.url), one.id
    assert {one.system for one in found.every} >= set(found.systems)
    assert all(one.classes or one.system for one in found.every)


def test_what_a_claim_speaks_for() -> None:
    found = shipped_fingerprints()
    (one,) = found.of(says("Windows 5.1"))
    assert (one.id, one.family, one.system, one.classes) == ("smb-xp", "Windows", "windows-xp", COMPUTER)
    assert found.of(says("Windows 5.1", "name")) == found.of(says("Windows 5.1 x")) == ()
    assert [one.id for one in found.of(says("plc", "capability", "ethernet_ip"))] == ["cip-plc"]
    assert found.of(says("plc", "capability", "lldp")) == ()


def test_of_several_systems_the_newest_counts_and_one_that_is_supported_above_all() -> None:
    found = shipped_fingerprints()
    xp, seven = says("Windows NT 5.1"), says("Windows NT 6.1 build 7601")
    told = found.system_of([xp, says("x", "name"), seven])
    assert told is not None and (told[0].id, told[1]) == ("windows-7", (seven,))
    assert found.system_of([xp, seven, says("Windows NT 10.0 build 19041")]) is None
    assert found.system_of([xp, says("Samba 4.9", "software")]) is None
    old = found.system_of([says("Windows NT 10.0 build 10240"), says("Windows NT 5.1")])
    assert old is not None and (old[0].id, old[0].ends.isoformat()) == ("windows-10-1507", "2025-10-14")
    pro = found.system_of([says("Windows 10 Pro 19045")])
    assert pro is not None and pro[0].ends.isoformat() == "2025-10-14"
    assert found.system_of([says("Windows 10 Enterprise LTSC 2021 19044")]) is None
    assert found.system_of([]) is None and found.system_of([says("x", "name")]) is None


GOOD = (
    "{id: a, kind: model, matches: 'x.*', classes: [hmi], excludes: [], url: 'https://a/', examples: [xy],"
    " others: [y]}"
)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (GOOD.replace("kind: model", "kind: heat"), "unknown kind 'heat'"),
        (GOOD.replace("[hmi]", "[robot]"), "unknown class 'robot'"),
        (GOOD.replace("[hmi]", "hmi"), "classes must be a list"),
        (GOOD.replace("[hmi]", "[1]"), "classes must be a list"),
        (GOOD.replace("'x.*'", "'x('"), "is no pattern"),
        (GOOD.replace("[xy]", "[ay]"), "does not match its example 'ay'"),
        (GOOD.replace("others: [y]", "others: [xz]"), "matches 'xz', too"),
        (GOOD.replace("others: [y]", "others: []"), "expected examples"),
        (GOOD.replace("url: 'https://a/',", ""), "url is missing"),
        (GOOD.replace("id: a", "id: a, note: 1"), "unknown key 'note'"),
        (GOOD.replace("id: a", "id: a, system: dos"), "no system 'dos'"),
        (GOOD.replace("id: a", "id: a, protocols: [quic]"), "unknown protocol 'quic'"),
        (GOOD.replace("id: a", "id: 7"), "needs an id"),
        ("7", "needs an id"),
        (f"{GOOD}, {GOOD}", "a second fingerprint 'a'"),
        ("{", "while parsing"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(line: str, problem: str) -> None:
    with pytest.raises(FingerprintError, match=re.escape(problem)):
        read_fingerprints([("x.yml", f"family: A\nfingerprints: [{line}]\n".encode())])


@pytest.mark.parametrize("ends", ["soon", "'2014-04-08'", "2014", "2014-04-08 10:00:00"])
def test_a_system_needs_a_date(ends: str) -> None:
    systems = f"systems: [{{id: xp, name: XP, ends: {ends}, url: 'https://a/'}}]"
    with pytest.raises(FingerprintError, match="a date such as"):
        read_fingerprints([("x.yml", f"family: A\n{systems}\nfingerprints: [{GOOD}]\n".encode())])


def test_files_that_are_no_list_are_told() -> None:
    for data in (b"", b"- 1", b"fingerprints: 7", b"\xff\xfe\x00"):
        with pytest.raises(FingerprintError, match=r"x\.yml: "):
            read_fingerprints([("x.yml", data)])
    assert (
        read_fingerprints([("x.yml", f"family: A\nfingerprints: [{GOOD}]".encode())]).every[0].family == "A"
    )
