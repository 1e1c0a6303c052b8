"""What the senders of real captures say of themselves: a file to judge as a diff, and tshark beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otmon.engine import replay
from otmon.identity.claim import line
from tests.oracle import Readings, captures

FIELDS = {
    ("lldp", "name"): ("lldp.tlv.system.name",),
    ("lldp", "description"): ("lldp.tlv.system.desc",),
    ("cdp", "name"): ("cdp.deviceid",),
    ("cdp", "model"): ("cdp.platform",),
    ("dhcp", "name"): ("dhcp.option.hostname",),
    ("ethernet_ip", "model"): ("enip.lir.name", "cip.id.product_name"),
    ("smb", "name"): (
        "ntlmssp.challenge.target_info.nb_computer_name",
        "ntlmssp.challenge.target_info.dns_computer_name",
        "ntlmssp.auth.hostname",
    ),
    ("smb", "system"): ("smb.native_os",),
    ("smb", "software"): ("smb.native_lanman",),
    ("s7comm", "name"): ("s7comm.szl.001c.0001.name",),
    ("s7comm", "serial"): ("s7comm.szl.001c.0005.serialn",),
}
"""Protocol and kind -> tshark's fields of the same."""


def test_the_claims(corpus: Path, golden: Callable[[str, str], None]) -> None:
    lines = ["capture\tprotocol\tmac\taddress\tvlan\tkind\tvalue\ttimes\n"]
    for name in captures(corpus):
        for one in replay([str(corpus / name)]).ledger.claims:
            row = one.protocol, one.mac, one.address, one.vlan, one.kind, one.value, str(one.times)
            lines.append("\t".join((name, *row)) + "\n")
    assert len(lines) > 1
    golden("corpus-claims.tsv", "".join(lines))


@pytest.mark.slow
def test_tshark_reads_the_same(corpus: Path, readings: Readings) -> None:
    names = sorted({field for fields in FIELDS.values() for field in fields})
    met = set()
    for capture in captures(corpus):
        there: dict[str, set[str]] = {name: set() for name in names}
        for packet in readings.packets(capture, *names):
            for name, occurrences in zip(names, packet, strict=True):
                # It writes ends of lines as two letters.
                texts = (text.replace("\\n", "\n").replace("\\r", "\r") for text in occurrences)
                there[name].update(filter(None, map(line, texts)))
        if not any(there.values()):
            continue
        claims = replay([str(corpus / capture)]).ledger.claims
        for (protocol, kind), fields in FIELDS.items():
            expected = set().union(*(there[field] for field in fields))
            found = {one.value for one in claims if (one.protocol, one.kind) == (protocol, kind)}
            # The version in an NTLM message is a claim of its own.
            found = {one for one in found if not one.startswith("Windows NT ")}
            assert found == expected, (capture, protocol, kind)
            met |= {(protocol, kind)} if found else set()
    assert met == set(FIELDS)
