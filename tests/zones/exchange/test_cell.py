"""Cells as people write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.address import Address, Network
from otmon.zones.exchange import cell
from otmon.zones.exchange.cell import NotUnderstood

ANY_TEXT = st.one_of(st.text(max_size=30), st.text("0123456789.-/~,() tcpudp許可→:", max_size=30))


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.1", ["10.0.0.1"]),
        ("１０．０．０．１、10.0.0.2\n10.0.0.3", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("10.0.0.1 10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("10.0.0.0/24", ["10.0.0.0/24"]),
        ("10.0.0.0/255.255.255.0", ["10.0.0.0/24"]),
        ("10.0.0.0 255.255.0.0", ["10.0.0.0/16"]),
        ("10.0.0.1-10.0.0.4", ["10.0.0.1", "10.0.0.2/31", "10.0.0.4"]),
        ("10.0.0.1〜3", ["10.0.0.1", "10.0.0.2/31"]),
        ("10.0.0.1 ー 10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("SCADA (10.1.1.1)", ["10.1.1.1"]),
        ("10.1.1.1（監視端末）", ["10.1.1.1"]),
        ("fd00::/64; 00-11-22-33-44-55", ["fd00::/64", "00:11:22:33:44:55"]),
        ("fd00::1-fd00::2", ["fd00::1", "fd00::2"]),
    ],
)
def test_addresses(text: str, networks: list[str]) -> None:
    found = cell.hosts(text)
    assert [str(network) for network in found.networks] == networks
    assert not found.everybody and not found.internet


@pytest.mark.parametrize(
    "text", ["any", "ANY", "すべて", "全て", "*", "0.0.0.0/0", "0.0.0.0-255.255.255.255"]
)
def test_everybody(text: str) -> None:
    assert cell.hosts(text) == cell.Hosts(True, False, ())


def test_the_internet() -> None:
    assert cell.hosts("インターネット") == cell.hosts("Internet") == cell.Hosts(False, True, ())


@pytest.mark.parametrize(
    "text",
    [
        "", "plc7", "10.0.0.5/24", "10.0.0.9-10.0.0.1", "10.0.0.256", "10.0.0.1, plc7", "10.0.0.0/33", "-",
        "(", "10.0.0.1-fd00::1", "fd00::1-fd00:0:1::", "10.0.0.0/255.0.255.0", "10.0.0.1 plc7",
        "plc7 (line 3)",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not_half_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        cell.hosts(text)


@given(st.integers(0, 2**32 - 1), st.integers(0, 100_000))
def test_a_range_is_its_addresses(first: int, size: int) -> None:
    last = min(first + size, 2**32 - 1)
    begin, end = (str(Network(32, 32, value)) for value in (first, last))
    found = cell.hosts(f"{begin}-{end}").networks
    assert sum(1 << (32 - n.length) for n in found) in (last - first + 1, 0)
    if found:
        assert Address(32, first) in found[0] and Address(32, last) in found[-1]


@pytest.mark.parametrize(
    ("text", "protocols", "transports", "ports"),
    [
        ("TCP/UDP", (), ("tcp", "udp"), ()),
        ("Modbus/TCP", ("modbus",), (), ()),
        ("tcp/502", (), (), (("tcp", (502, 502)),)),
        ("502/tcp、udp 123", (), (), (("tcp", (502, 502)), ("udp", (123, 123)))),
        ("TCP502", (), (), (("tcp", (502, 502)),)),
        ("５０００～５０１０", (), (), (("", (5000, 5010)),)),
        ("1024以上", (), (), (("", (1024, 65535)),)),
        ("DNS(53)", ("dns",), (), (("", (53, 53)),)),
        ("443 (HTTPS)", ("tls",), (), (("", (443, 443)),)),
        ("502 (ライン3)", (), (), (("", (502, 502)),)),
        ("HTTP, NTP", ("http", "ntp"), (), ()),
        ("OPC UA", ("opc_ua",), (), ()),
        ("EtherNet/IP", ("ethernet_ip",), (), ()),
        ("ping", (), ("icmp",), ()),
        ("ip-47", (), ("ip-47",), ()),
        ("unknown", ("unknown",), (), ()),
        ("any", (), (), ()),
        ("-", (), (), ()),
        ("", (), (), ()),
    ],
)
def test_protocols_transports_and_ports(
    text: str,
    protocols: tuple[str, ...],
    transports: tuple[str, ...],
    ports: tuple[tuple[str, tuple[int, int]], ...],
) -> None:
    said = cell.spoken(text)
    assert (said.protocols, said.transports, said.ports) == (protocols, transports, ports)


def test_a_name_that_means_a_port_says_so_when_it_stands_alone() -> None:
    assert cell.spoken("HTTPS").meant == (("tcp", (443, 443)),)
    assert cell.spoken("HTTP / HTTPS").meant == ()


@pytest.mark.parametrize("text", ["99999", "10-5", "ファイル共有", "tcp/foo", "x1", "502 503x"])
def test_what_is_no_protocol_is_not_half_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        cell.spoken(text)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("→", "forward"),
        ("双方向", "both"),
        ("<->", "both"),
        ("←", "back"),
        ("", "forward"),
        ("送信元 → 宛先", "forward"),
    ],
)
def test_directions(text: str, way: str) -> None:
    assert cell.direction(text) == way


@pytest.mark.parametrize(
    ("text", "pass_"),
    [("許可", True), ("○", True), ("", True), ("拒否", False), ("×", False), ("Deny", False)],
)
def test_decisions(text: str, pass_: bool) -> None:
    assert cell.allows(text) is pass_


def test_what_is_asked_for() -> None:
    assert cell.access("読出し, write, any") == ("read", "write")
    assert cell.registers("coils 0-15; holding_registers 0-39, 50") == (
        ("coils", ("0-15",)), ("holding_registers", ("0-39", "50")),
    )  # fmt: skip
    for text in ("foo", "read, foo"):
        with pytest.raises(NotUnderstood):
            cell.access(text)
    for text in ("foo 0-1", "coils", "coils x"):
        with pytest.raises(NotUnderstood):
            cell.registers(text)


def test_members_as_our_sheets_write_them() -> None:
    one, two = cell.members("10.0.0.2 00:90:e8:31:02:02, vlan:10")
    assert (str(one.network), one.mac, one.vlan) == ("10.0.0.2", Address(48, 0x0090E8310202), None)
    assert (two.network, two.mac, two.vlan) == (None, None, "10")
    (port,) = cell.members("port:erspan:10.0.0.2/3/12")
    assert (port.port, port.network) == ("erspan:10.0.0.2/3/12", None)
    with pytest.raises(NotUnderstood, match="no switch port"):
        cell.members("port:12")
    three, four = cell.members("oui:00:1b:1b vlan:5, oui:70:b3:d5:8")
    assert (str(three.oui), three.vlan, three.mac) == ("00:1b:1b", "5", None)
    assert str(four.oui) == "70:b3:d5:8"
    with pytest.raises(cell.NotUnderstood, match="no vendor's part"):
        cell.members("oui:00:1b")
    with pytest.raises(NotUnderstood):
        cell.members("packing line")


@pytest.mark.parametrize(
    "read",
    [
        cell.hosts,
        cell.spoken,
        cell.direction,
        cell.allows,
        cell.access,
        cell.registers,
        cell.members,
        cell.is_any,
    ],
)  # fmt: skip
@given(text=ANY_TEXT)
def test_any_text_is_understood_or_not(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except NotUnderstood as error:
        assert str(error)


def test_limits_come_with_all_that_our_sheets_say_of_them() -> None:
    tags = cell.limits("element Grid[1,2]: 0 to 9; element N7:10: 0 to 9")
    assert [dict(one)["element"] for one in tags] == ["Grid[1,2]", "N7:10"]
    assert cell.limits("element CIO100: 0 to 9, unit m³") == (
        (("element", "CIO100"), ("low", "0"), ("high", "9"), ("unit", "m³")),
    )
    more = "step 0.2, change 1.5/minute, type int16, scale 0.01, unit °C, name 温度 / Heat"
    assert cell.limits(f"coil 3: 0 to 0; holding_register 21: -2.5 to 7, {more}") == (
        (("coil", "3"), ("low", "0"), ("high", "0")),
        (
            ("holding_register", "21"), ("low", "-2.5"), ("high", "7"), ("step", "0.2"),
            ("change", "1.5/minute"), ("type", "int16"),
            ("scale", "0.01"), ("unit", "°C"), ("name", {"ja": "温度", "en": "Heat"}),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("月-金 8:00〜18:00、2026-04-18 22:00 to 2026-04-19 05:00",
         (("hours", ("月-金 8:00-18:00",)), ("during", ("2026-04-18 22:00 to 2026-04-19 05:00",)))),
        ("常時", ()),
        ("daily 08:00-09:00, any", ()),
    ],
)  # fmt: skip
def test_hours(text: str, found: object) -> None:
    assert cell.hours(text) == found


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026/4/1", "2026-04-01"), ("2026年12月31日", "2026-12-31"), ("無期限", ""), ("-", ""),
        ("令和9年3月31日", "2027-03-31"), ("令和 元年 5月 1日", "2019-05-01"), ("㋿9年3月31日", "2027-03-31"),
        ("R9.3.31", "2027-03-31"), ("Ｒ０９／０３／３１", "2027-03-31"),
    ],
)  # fmt: skip
def test_a_last_day(text: str, day: str) -> None:
    assert cell.expires(text) == day


@given(st.text(max_size=40))
def test_what_restricts_is_understood_or_refused(text: str) -> None:
    for read in (cell.limits, cell.hours, cell.expires, cell.timezone, cell.entry):
        try:
            read(text)
        except NotUnderstood as error:
            assert str(error)
