"""The file of a learnt draft: what it was written from is what a reader gets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import Anomaly
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect
from otmon.protocols.registry import IDS
from otmon.zones.files.load import read_model
from otmon.zones.learning.grant import Grant, Seen
from otmon.zones.learning.layout import Layout
from otmon.zones.learning.learn import learn, learn_missing
from otmon.zones.learning.learntfile import LINES, WHY, Border, Unproposed, written
from otmon.zones.model import Boundary, Endpoint, FunctionRef, Line, Member, Model, Name, Zone
from tests.zones.facts import EVIDENCE, conversation, model, operation
from tests.zones.learning.test_grant import PLANT, end

LEDGER = collect(conversations=[conversation("10.1.0.1", "10.2.0.1", first_ns=0, last_ns=10**30)])
LAYOUT = Layout(PLANT.zones, {"a": ("a note\nof two lines",)}, {}, (), frozenset())
GRANT = Grant(
    frozenset((end("a", "10.1.0.1"), end("a", "10.1.0.2"))), frozenset((Endpoint("b", None),)),
    frozenset(("modbus",)), frozenset(("tcp",)), ((502, 502), (1000, 1010)), frozenset(("read", "identify")),
    frozenset((FunctionRef(3, None, ""), FunctionRef(43, 14, ""), FunctionRef(100, 7, ""))), ((1, 9),),
    (("holding_registers", ((0, 9), (20, 20))),), Seen(frozenset((0,)), 3, 0, 86_400 * 10**9),
)  # fmt: skip


def file(
    borders: list[Border],
    unproposed: list[Unproposed] | None = None,
    ledger: Ledger = LEDGER,
    added: bool = False,
) -> tuple[str, Model]:
    text = written(ledger, LAYOUT, borders, {}, unproposed or [], ["mind\nthis"], added)
    return text, read_model([("m", text.encode())], frozenset(IDS))


ZONE = "zones: [{id: a, importance: low, members: 10.0.0.0/24}]"


def test_a_grant_is_read_as_it_was_meant() -> None:
    text, model = file([Border("a-b", ("a", "b"), None, (GRANT,), ())])
    (permission,) = model.boundaries[0].permissions
    assert set(permission.clients) == set(GRANT.clients) and set(permission.servers) == set(GRANT.servers)
    assert (permission.ports, permission.units, permission.objects) == (
        GRANT.ports,
        GRANT.units,
        GRANT.objects,
    )
    assert set(permission.functions) == set(GRANT.functions) and set(permission.access) == set(GRANT.access)
    assert "functions: [read-holding-registers, read-device-identification, 100/7]" in text
    assert "# seen: 1 conversation, 10 packets, 3 requests, 1970-01-01 00:00 to 1970-01-02 00:00 UTC" in text
    assert "# to the whole zone, for 10.2.0.1" in text
    assert "# TODO: mind this" in text and "# a note of two lines" in text


def test_somebodys_boundary_stays_his() -> None:
    known = Boundary("x", Line("m", 1), Name("境界", "It's"), ("b", "a"), "fw: 1", "情シス", "", ())
    text, model = file([Border("x", ("a", "b"), known, (GRANT,), (GRANT,))], added=True)
    (border,) = model.boundaries
    assert (border.id, border.name, border.between, border.device, border.device_owner) == (
        "x", known.name, ("b", "a"), "fw: 1", "情シス",
    )  # fmt: skip
    assert len(border.permissions) == 1 and text.count("    #   - from:") == 1


def test_what_is_not_proposed_is_told_in_few_lines() -> None:
    talks = [
        conversation(f"10.{n}.0.1", f"10.2.0.{m}", answered=False) for n in range(300) for m in range(n % 7)
    ]
    left = [Unproposed(talk, "unanswered") for talk in talks]
    text, _ = file([], left)
    told = text[text.index("Seen, not proposed") :].splitlines()
    assert len(told) == LINES + 2 and told[-1].endswith("lines more")
    assert "10.104.0.1 to 6 hosts, 1 port, 6 conversations and operations" in text
    single = [Unproposed(operation("10.1.0.1", "10.2.0.1", 3, 5, 2), why) for why in WHY if why != "scan"]
    text, _ = file([], single)
    for why in WHY:
        assert (
            why == "scan"
            or f"Read Holding Registers 5-6, 1 time, 1970-01-01 00:00 to 1970-01-01 00:00 UTC: {WHY[why]}"
            in text
        )


def test_malformed_messages_are_told_with_their_sender_and_lost_bytes_are_not() -> None:
    broken = [
        Anomaly(
            "10.1.0.1", "10.2.0.1", "tcp", 502, "modbus", "", sent, reason, "f", 3, 0, 0, 2, 0, 0, EVIDENCE
        )
        for sent, reason in ((True, "byte-count"), (False, "length"), (True, "lost-bytes"))
    ]
    text, _ = file([], ledger=collect(conversations=LEDGER.conversations, anomalies=broken))
    assert "10.1.0.1 to 10.2.0.1 modbus, 2 times" in text and "malformed (byte-count)" in text
    assert "10.2.0.1 to 10.1.0.1 modbus, 2 times" in text and "lost-bytes" not in text


def test_a_ledger_that_was_full_says_so() -> None:
    text, _ = file([], ledger=collect(overflow=[("conversations", 7)]))
    assert "# The ledger was full: 7 of conversations are not in it" in text


@given(st.lists(st.text(max_size=30), min_size=3, max_size=3), st.integers(-(10**20), 10**30))
def test_no_text_of_a_ledger_breaks_the_file(texts: list[str], time_ns: int) -> None:
    talk = conversation(texts[0], texts[1], protocol=texts[2], first_ns=time_ns, last_ns=time_ns)
    broken = Anomaly(*texts, 502, texts[0], "", True, texts[1], "f", 3, 0, 0, 1, time_ns, time_ns, EVIDENCE)
    member = Member(None, None, "", Line("", 0))
    zone = Zone("z", Line("", 0), Name("z", "z"), "low", (), (member,), "listed", ())
    layout = Layout((zone,), {"z": tuple(texts)}, {}, (), frozenset())
    ledger = collect(conversations=[talk], anomalies=[broken], overflow=[(texts[0], 1)])
    text = written(ledger, layout, [], {}, [Unproposed(talk, "scan")], texts, False)
    model = read_model([("m", text.encode())], frozenset(IDS))
    assert [one.id for one in model.zones] == ["z"] and model.zones[0].members[0].vlan == ""


def test_what_an_inner_zone_lacks_is_a_boundary_of_its_own_and_what_that_takes_the_place_of_is_said() -> None:
    plant = model("""
        zones:
        - {id: office, importance: low, members: 10.3.0.0/24}
        - {id: hall, importance: medium, members: [10.2.0.0/16, {oui: "00:1b:1b"}]}
        - {id: robots, importance: high, within: hall, members: 10.2.7.0/24, inside: baseline}
        boundaries:
        - {id: office-hall, between: [office, hall], device: fw, allow: [{to: hall, protocol: tls}]}
    """)
    robot, other = (
        conversation("10.3.0.1", "10.2.7.1", 22, "ssh"),
        conversation("10.2.7.1", "10.2.7.2", 22, "ssh"),
    )
    made = learn_missing(collect(conversations=[robot, other]), plant)
    assert "have boundary office-hall from the zones around them" in made.text
    assert "oui: '00:1b:1b'" in made.text
    (border,) = read_model([("m", made.text.encode())], frozenset(IDS)).boundaries
    assert (border.id, border.between, border.device) == ("office-robots", ("office", "robots"), "fw")
    # What only a baseline can judge is not denied, so nothing is missing there.
    assert (len(border.permissions), made.permissions) == (1, 1)


def test_the_plants_time_zone_is_asked_for_where_nobody_has_said_it() -> None:
    nothing = Layout((), {}, {}, (), frozenset())
    draft = written(Ledger(), nothing, [], {}, [], [], False)
    asked = "# timezone: Asia/Tokyo    # TODO: the plant's time zone; without it times are told in UTC\n"
    assert asked in draft
    said = draft.replace(asked, asked[2:]).replace("zones: []", ZONE)
    assert read_model([("m.yaml", said.encode())], frozenset(IDS)).timezone == "Asia/Tokyo"
    assert "timezone" not in written(Ledger(), nothing, [], {}, [], [], True)


def test_times_are_those_of_the_plants_clocks_where_they_are_known() -> None:
    talk = conversation("10.1.0.1", "10.2.0.1", 443, "tls", first_ns=0, last_ns=90 * 60 * 10**9)
    made = learn(collect(conversations=[talk]), timezone="Asia/Tokyo").text
    assert "1970-01-01 09:00 to 1970-01-01 10:30 Asia/Tokyo" in made and "UTC" not in made
    model = read_model([("m.yaml", made.encode())], frozenset(IDS))
    assert model.timezone == "Asia/Tokyo"
    # A model says its own, and a draft of what it lacks tells times by that.
    bare = replace(model, boundaries=())
    assert "10:30 Asia/Tokyo" in learn_missing(collect(conversations=[talk]), bare).text
    # What no calendar has is told in nanoseconds.
    late = conversation("10.1.0.1", "10.2.0.1", 443, "tls", first_ns=0, last_ns=253_402_300_799 * 10**9)
    assert (
        "253402300799000000000 ns Asia/Tokyo"
        in learn(collect(conversations=[late]), timezone="Asia/Tokyo").text
    )
