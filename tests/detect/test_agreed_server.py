"""Which servers the model knows; `test_rival_dhcp.py` has what a detector makes of it."""

from __future__ import annotations

import pytest

from otmon.detect.agreed_server import is_agreed
from otmon.findings.judge import case_of
from otmon.ledger.ledger import Ledger
from tests.zones.facts import model

PLANT = model("""
    version: 1
    assets: [{id: a, address: 10.1.0.1, role: dhcp}]
    zones:
    - id: control
      importance: low
      members: 10.1.0.0/24
      inside: listed
      allow: [{from: control, to: 10.1.0.2, protocol: dns}, {from: control, to: 10.1.0.4/31, protocol: dns}]
""")


@pytest.mark.parametrize(
    ("server", "protocol", "known"),
    [
        ("10.1.0.1", "dhcp", True),
        ("10.1.0.2", "dns", True),
        ("10.1.0.2", "dhcp", False),
        ("10.1.0.3", "dns", False),
        ("10.1.0.4", "dns", False),
        ("nothing", "dns", False),
    ],
)
def test_by_its_role_or_by_a_permission_for_its_very_address(server: str, protocol: str, known: bool) -> None:
    assert is_agreed(case_of(Ledger(), PLANT), server, protocol) == known
    assert not is_agreed(case_of(Ledger(), None), server, protocol)
