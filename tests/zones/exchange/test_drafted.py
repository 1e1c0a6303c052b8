"""The file that a draft becomes."""

from __future__ import annotations

from otmon.protocols.registry import IDS
from otmon.sentence import sentence
from otmon.zones.address import parse_network
from otmon.zones.exchange.cell import MemberText
from otmon.zones.exchange.drafted import DraftBorder, DraftZone, written
from otmon.zones.exchange.rulerow import Told
from otmon.zones.files.load import read_model

OFFICE = DraftZone("office", "事務所", False, {MemberText(parse_network("10.1.0.0/24"), None, None): 0})
LINE = DraftZone("net-10-2", "10.2.0.0/24", True)


def test_it_is_a_model_that_loads_and_says_what_is_missing() -> None:
    border = DraftBorder(("office", "net-10-2"), {"device": "FW-1", "settings_owner": "IT"})
    kept = [(Told("一覧", 7, 0, "", sentence("no address")), "送信元: ?; 宛先: 10.2.0.1")]
    block = written("rules.xlsx", [OFFICE, LINE], [border], "Asia/Tokyo", kept, str)
    text = block.text()
    built = read_model([("draft.yaml", text.encode())], frozenset(IDS))
    assert [(zone.id, zone.name.ja) for zone in built.zones] == [
        ("office", "事務所"),
        ("net-10-2", "net-10-2"),
    ]
    (one,) = built.boundaries
    assert (one.device, one.device_owner, one.settings_owner) == ("FW-1", "", "IT")
    assert built.timezone == "Asia/Tokyo"
    for said in (
        "# Drafted by `otmon zones import` from rules.xlsx. Go through every TODO before use.",
        "    # TODO: importance and owner are not in the sheet",
        "    # TODO: drafted from addresses: is it one zone? It needs name, importance and owner",
        "    # TODO: device_owner",
        "# TODO: 1 rows of the sheet are not in this model:",
        "# sheet '一覧', row 7: no address",
        "#     送信元: ?; 宛先: 10.2.0.1",
    ):
        assert said in text.splitlines()


def test_the_comments_are_in_the_language_of_who_reads_them() -> None:
    text = written("x.csv", [OFFICE], [], "", [], lambda said: f"<{said.form}>").text()
    assert text.splitlines()[0].startswith("# <Drafted by `otmon zones import` from {source}.")


def test_no_text_of_a_sheet_leaves_its_comment() -> None:
    kept = [(Told("a\nb", 1, 0, "", sentence("no address")), "x\r\nversion: 2")]
    text = written("x\n.csv", [OFFICE], [], "", kept, str).text()
    assert [line for line in text.splitlines() if not line.startswith((" ", "#"))] == [
        "version: 1", "", "zones:", "", "boundaries: []", "",
    ]  # fmt: skip
