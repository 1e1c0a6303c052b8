"""What is passed on by a router is about another device."""

from __future__ import annotations

from tests.identity.claims.messages import bacnet, i_am, property_of, said


def test_messages_of_others_say_nothing_of_their_sender() -> None:
    routed = b"\1\x08\0\7\1\x05"
    assert said("bacnet", ("s", bacnet(i_am(1, 1), routed))) == []
    assert said("bacnet", ("s", bacnet(i_am(1, 1), function=4))) == []
    assert said("bacnet", ("s", bacnet(i_am(1, 1), b"\1\x80"))) == []


def test_characters_that_nobody_knows_and_values_that_are_no_text() -> None:
    assert said("bacnet", ("s", bacnet(property_of(7, 77, b"\3abc")))) == []
    assert said("bacnet", ("s", bacnet(property_of(7, 75, b"\0abc")))) == []
    assert said("bacnet", ("s", bacnet(property_of(7, 77, b"\5\xb5")))) == [("name", "\N{MICRO SIGN}")]
    other = property_of(7, 77, b"\0a").replace(b"\x02\0\0\7", b"\x01\0\0\7")
    assert said("bacnet", ("s", bacnet(other))) == []
