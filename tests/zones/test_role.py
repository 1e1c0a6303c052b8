from __future__ import annotations

import unicodedata

from otmon.zones.files.text import read_role
from otmon.zones.role import BY_NAME, FORWARDERS, JAPANESE, ROLES, may_forward, one_name, role_of


def test_every_name_means_one_role_and_may_stand_in_a_model() -> None:
    names = [name for role in ROLES for name in (role.id, *role.synonyms, *JAPANESE.get(role.id, "").split())]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert {role.id for role in ROLES} >= JAPANESE.keys()
    for name in names:
        assert read_role(name) == name == unicodedata.normalize("NFKC", name).casefold().rstrip("ー")


def test_synonyms_mean_the_role_however_they_are_spelled() -> None:
    found = [role_of(name) for name in ("wireless-access-point", "Wireless_Access_Point", "pc", "SIS", "plc")]
    assert [role.id for role in found if role] == [
        "access-point", "access-point", "office-pc", "safety-plc", "plc",
    ]  # fmt: skip
    assert role_of("coffee-machine") is None
    japanese = ("シーケンサ", "ﾀｯﾁﾊﾟﾈﾙ", "ＰＬＣ", "ファイルサーバー", "ﾙｰﾀｰ", "保守用ＰＣ", "ー")
    assert [one_name(name) for name in japanese] == [
        "plc", "hmi", "plc", "file-server", "router", "maintenance-pc", "ー",
    ]  # fmt: skip


def test_a_role_has_one_name() -> None:
    names = ["fw", "UTM", "Firewall", "firewall", "Coffee_Machine"]
    assert [one_name(name) for name in names] == [*["firewall"] * 4, "Coffee_Machine"]


def test_what_may_send_for_others() -> None:
    assert {role.id for role in ROLES} >= FORWARDERS
    assert may_forward(["plc", "l3-switch"]) and may_forward(["fw"]) is True
    assert may_forward(["plc", "printer"]) is False
    assert may_forward([]) is None and may_forward(["plc", "coffee-machine"]) is None
