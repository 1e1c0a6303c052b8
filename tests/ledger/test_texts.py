from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from otmon.decode.fields import PORT_INDEXED, PORT_SESSION, PORT_TOLD
from otmon.ledger.texts import (
    address_text,
    mac_text,
    port_text,
    transport_text,
    vlan_text,
    words_of,
    words_of_all,
)
from otmon.zones.files.switch_port import read_port


@given(st.ip_addresses())
def test_an_address_is_written_as_the_standard_library_does(address) -> None:  # type: ignore[no-untyped-def]
    number = int(address)
    high, low = (number >> 64, number & (2**64 - 1)) if address.version == 6 else (0, 0xFFFF << 32 | number)
    signed = [word - 2**64 if word >= 2**63 else word for word in (high, low)]
    assert ip_address(address_text(address.version, *signed)) == address


def test_macs_tags_and_transports_are_written() -> None:
    assert mac_text(0x0080F4000001) == "00:80:f4:00:00:01"
    assert mac_text(-1) == ""
    assert [vlan_text(value) for value in (0, 7, 7 << 12, 7 << 12 | 9)] == ["", "7", "7", "7.9"]
    assert [transport_text(4, n) for n in (6, 17, 132, 1, 58, 89)] == [
        "tcp",
        "udp",
        "sctp",
        "icmp",
        "ip-58",
        "ip-89",
    ]
    assert (transport_text(6, 58), transport_text(2, 0x8892)) == ("icmpv6", "ethernet")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_an_address_leads_back_to_its_words(high: int, low: int) -> None:
    assert words_of(address_text(4, 0, low)) == (0, low & 0xFFFFFFFF)
    assert words_of(address_text(6, high, low)) == (high, low)
    assert words_of(address_text(2, 0, low & 0xFFFFFFFFFFFF)) == (0, low & 0xFFFFFFFFFFFF)
    assert words_of("") == (0, 0)


def test_a_switch_port_is_written_as_a_model_reads_it() -> None:
    told = PORT_TOLD | 3 << PORT_SESSION
    switch = 0xFFFF << 32 | 0x0A000002
    assert port_text(told, 0, switch) == "erspan:10.0.0.2/3"
    assert port_text(told | PORT_INDEXED | 12, 0, switch) == "erspan:10.0.0.2/3/12"
    six = port_text(told | PORT_INDEXED | 0xFFFFFFFF, (0xFD00 << 48) - (1 << 64), 1)
    assert six == "erspan:fd00::1/3/4294967295"
    assert all(read_port(text) == text for text in ("erspan:10.0.0.2/3", six))


ADDRESSES = st.tuples(st.sampled_from((2, 4, 6)), st.integers(0, 2**63 - 1), st.integers(0, 2**48 - 1))


@given(st.lists(ADDRESSES, max_size=20), st.booleans())
def test_the_words_of_many_addresses_are_those_of_each(
    numbers: list[tuple[int, int, int]], nobody: bool
) -> None:
    addresses = [*(address_text(*each) for each in numbers), *[""] * nobody]
    assert [tuple(row) for row in words_of_all(addresses).tolist()] == [words_of(one) for one in addresses]
