"""What a permission of a model file may say: roles, times, exceptions."""

from __future__ import annotations

import pytest

from otmon.zones.files.load import ModelError, read_model
from tests.zones.facts import PROTOCOLS
from tests.zones.files.test_load import ROLES, allow, roles


def test_a_role_stands_for_the_assets_that_have_it() -> None:
    (one,) = (
        roles("{from: role:engineering-station, to: role:plc, protocol: modbus}").boundaries[0].permissions
    )
    assert [(end.zone, str(end.network)) for end in one.clients] == [("office", "10.1.0.9")]
    assert [(end.zone, str(end.network)) for end in one.servers] == [("plc", "10.2.0.1"), ("plc", "fd00::1")]


def test_a_role_has_several_names() -> None:
    (one,) = roles("{from: role:EWS, to: role:シーケンサ, protocol: modbus}").boundaries[0].permissions
    assert [str(end.network) for end in (*one.clients, *one.servers)] == ["10.1.0.9", "10.2.0.1", "fd00::1"]


def test_a_role_on_both_sides_means_the_side_opposite_to_the_other_end() -> None:
    (one,) = roles("{from: role:gateway, to: plc, protocol: modbus}").boundaries[0].permissions
    assert [str(end.network) for end in one.clients] == ["10.1.0.8"]
    with pytest.raises(ModelError, match="names both sides"):
        roles("{from: role:gateway, protocol: modbus}")


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("role:enginering", "no asset has the role 'enginering', expected engineering-station"),
        ("role:", "no asset has the role ''"),
    ],
)
def test_a_role_that_nobody_has(end: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        roles(f'{{from: office, to: "{end}", protocol: modbus}}')


@pytest.mark.parametrize(
    ("permission", "says"),
    [
        ("{from: office, protocol: dns, hours: mon 8-18}", "expected hours such as"),
        ("{from: office, protocol: dns, during: tomorrow}", "expected a window such as"),
        ("{from: office, protocol: dns, expires: soon}", "expected a day such as"),
        ("{from: office, protocol: dns, rate: 30/hour}", "so many a minute"),
        ("{from: office, protocol: dns, rate: 0/minute}", "so many a minute"),
    ],
)
def test_times_that_are_none(permission: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        roles(permission)


def test_times_need_a_time_zone() -> None:
    text = allow("{from: office, protocol: dns, expires: 2026-12-31}")
    with pytest.raises(ModelError, match="times without a time zone"):
        read_model([("m.yaml", text.encode())], PROTOCOLS)


@pytest.mark.parametrize("missing", ["expires", "reason", "approver"])
def test_an_exception_says_until_when_why_and_who(missing: str) -> None:
    given = {"expires": "2026-12-31", "reason": "a test", "approver": "me"}
    given.pop(missing)
    items = ", ".join(f"{key}: {value}" for key, value in given.items())
    text = f"{ROLES}boundaries:\n- id: b\n  between: [office, plc]\n  exceptions:\n"
    text += f"  - {{from: office, protocol: dns, {items}}}\n"
    with pytest.raises(ModelError, match=f"an exception without {missing}"):
        read_model([("m.yaml", text.encode())], PROTOCOLS)


def test_exceptions_come_behind_permissions() -> None:
    text = (
        ROLES
        + """boundaries:
- id: b
  between: [office, plc]
  exceptions: [{from: office, protocol: dns, expires: 2026-12-31, reason: a test, approver: me}]
  allow: [{from: office, protocol: ntp}]
"""
    )
    one, other = read_model([("m.yaml", text.encode())], PROTOCOLS).boundaries[0].permissions
    assert (one.id, one.exception, other.id, other.exception) == ("b/1", False, "b/exception-1", True)
    assert (other.expires, other.approver) == ("2026-12-31", "me")
