"""What a step is given, and how long its troubles hold."""

from __future__ import annotations

from random import Random

from otmon.lab.form import Form
from otmon.lab.frames import Say
from otmon.lab.plant import shipped_plant
from otmon.lab.scene import Act, Deed, Trouble, step_kind

PLANT = shipped_plant("water-works")


def test_a_trouble_holds_from_its_start_until_its_end() -> None:
    trouble = Trouble("silent", "plc-intake", "x", 10, 20)
    assert [trouble.holds(time_ns) for time_ns in (9, 10, 19, 20)] == [False, True, True, False]


def test_an_act_talks_for_its_event_from_a_port_of_its_own() -> None:
    hosts = PLANT.by_name
    act = Act("x", 1_000, PLANT.wire, (hosts["hmi"],), (hosts["plc-intake"],), hosts, Random(1))
    packets = act.talk(500, (act.by, act.to), 502, [Say("client", b"a", 5)])
    assert packets[0].time_ns == 1_500 and {packet.event for packet in packets} == {"x"}
    assert act.ports(80)[0] >= 49_152


def test_a_kind_tells_itself_by_its_first_sentence() -> None:
    def play(act: Act, form: Form) -> Deed:
        """Does
        something.

        More."""
        return Deed()

    kind = step_kind("something", Form)(play)
    assert kind.needs == ("by", "to") and kind.name == "something"
    assert " ".join(kind.told.split()) == "Does something."
