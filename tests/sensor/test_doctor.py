"""What the doctor says of an interface is what `ip` and `ethtool` made of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from otmon.capture.ring import RingError
from otmon.sensor.doctor import check_interface
from tests.namespaces import Wire, inside, missing, wire

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")


@pytest.fixture(name="wired")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def wrong(wired: Wire) -> dict[str, tuple[str, str]]:
    """What does not hold: what was found, and the command against it."""
    with inside(wired.namespace):
        return {
            one.key.removeprefix("doctor."): (one.found, one.command)
            for one in check_interface(wired.far)
            if not one.holds
        }


def test_each_fault_is_found_and_its_command_mends_it(wired: Wire) -> None:
    far = wired.far
    wired.run("sysctl", "-qw", f"net.ipv6.conf.{far}.disable_ipv6=0")
    wired.run("ip", "link", "set", far, "arp", "on")
    wired.run("ip", "addr", "add", "10.9.9.9/24", "dev", far)
    wired.run("ip", "addr", "add", "fd00::9/64", "dev", far, "nodad")
    six = wrong(wired)["no-ipv6"][0]
    wired.run("ip", "link", "set", far, "down")
    found = wrong(wired)
    assert found["up"] == ("", f"ip link set dev {far} up")
    assert found["no-address"][0] == "10.9.9.9"
    assert "fd00::9" in six
    assert "no-arp" in found
    # A veth pair segments and joins packets unless it is told not to.
    assert {"tso", "gso"} <= set(found)
    for _, command in found.values():
        if not command.startswith("ethtool"):
            wired.run(*command.split())
    assert set(wrong(wired)) <= {"gro", "lro", "tso", "gso"}


def test_a_cable_that_is_out_is_found(wired: Wire) -> None:
    assert "link" not in wrong(wired)
    wired.run("ip", "link", "set", wired.near, "down")
    end = time.monotonic() + 30
    while "link" not in (found := wrong(wired)):
        assert time.monotonic() < end
    assert "up" not in found and "LOWERLAYERDOWN" in wired.run(*found["link"][1].split())


def test_ipv6_that_is_on_without_an_address_is_said(wired: Wire) -> None:
    assert "no-ipv6" not in wrong(wired)
    wired.run("ip", "link", "set", wired.far, "addrgenmode", "none")
    wired.run("sysctl", "-qw", f"net.ipv6.conf.{wired.far}.disable_ipv6=0")
    assert wrong(wired)["no-ipv6"][0] == ""


def test_an_interface_that_is_not_there() -> None:
    with pytest.raises(RingError, match="no such interface"):
        list(check_interface("nothere0"))
