from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.claim import MAX_VALUE
from otmon.zones.files.switch_port import read_port


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("erspan:10.0.0.2/3/12", "erspan:10.0.0.2/3/12"),
        ("erspan:10.0.0.2/003/012", "erspan:10.0.0.2/3/12"),
        ("erspan:FD00::0:2/1023", "erspan:fd00::2/1023"),
        ("erspan:00:80:f4:30:02:11/3", None),
        ("erspan:10.0.0.2/1024", None),
        ("erspan:10.0.0.2/3/4294967296", None),
        ("dhcp:sw1/Gi1/7", "dhcp:sw1/Gi1/7"),
        ("dhcp:sw1", None),
        ("dhcp:sw1/" + "x" * MAX_VALUE, None),
        ("interface:eth1", "interface:eth1"),
        ("interface:Ethernet 2", "interface:45746865726e65742032"),
        ("interface: eth1", None),
        ("interface:", None),
        ("eth1", None),
    ],
)
def test_a_port_is_read_as_claims_have_it(text: str, port: str | None) -> None:
    assert read_port(text) == port


@given(
    st.text(max_size=20)
    | st.builds(str.__add__, st.sampled_from(("erspan:", "dhcp:", "interface:")), st.text(max_size=200))
)
def test_reading_is_total_and_what_was_read_is_read_alike(text: str) -> None:
    port = read_port(text)
    assert port is None or (read_port(port) == port and len(port) <= MAX_VALUE and port.isascii())
