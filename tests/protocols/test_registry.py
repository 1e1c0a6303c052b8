"""Every file of the folder is a protocol of the one shape, and codes lead there and back."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import otmon.protocols
from otmon.protocols.protocol import Protocol
from otmon.protocols.registry import (
    IDS,
    PROTOCOLS,
    code_of,
    ethertype_codes,
    ip_names,
    llc_of,
    name_of,
    port_hints,
    usual_on,
)
from otmon.protocols.signature import signature_bits, signature_fault

ROOT = Path(__file__).parents[2]
FEWEST_BITS = 20
"""What a signature must fix to stand without its port: one random payload in a million."""
FEWEST_HINTED_BITS = 6

each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=IDS)


def test_all_files_but_the_machinery_are_protocols() -> None:
    folder = Path(otmon.protocols.__file__ or "").parent
    files = {path.stem for path in folder.glob("*.py")}
    assert files - set(IDS) == {
        "__init__",
        "cip",
        "cip_writes",
        "command_heads",
        "commands",
        "fins_writes",
        "modbus_framing",
        "modbus_pdu",
        "pccc",
        "protocol",
        "registry",
        "s7_writes",
        "signature",
        "slmp_writes",
        "station_writes",
        "stations",
        "writes",
    }
    assert tuple(protocol.id for protocol in PROTOCOLS) == IDS == tuple(sorted(IDS))


def test_codes_lead_there_and_back() -> None:
    assert [code_of(protocol_id) for protocol_id in IDS] == list(range(1, len(IDS) + 1))
    assert [name_of(code) for code in range(1, len(IDS) + 1)] == list(IDS)


@pytest.mark.parametrize("code", [0, -1, len(IDS) + 1])
def test_a_code_of_no_protocol_is_an_error(code: int) -> None:
    with pytest.raises(IndexError, match="no protocol has the code"):
        name_of(code)
    with pytest.raises(KeyError):
        code_of("no such protocol")


@each_protocol
def test_a_file_says_what_the_protocol_is_and_where_its_facts_stand(protocol: Protocol) -> None:
    module = import_module(f"otmon.protocols.{protocol.id}")
    assert (inspect.getdoc(module) or "").split(":")[0] != ""
    assert protocol.references
    assert all(reference.strip() for reference in protocol.references)
    assert protocol.name.strip()


@each_protocol
def test_it_can_be_recognised(protocol: Protocol) -> None:
    below = protocol.ethertypes or protocol.ip_protocols or protocol.llc
    assert protocol.signatures or below or protocol.id == "modbus"
    assert all(0 < number < 256 for number in protocol.ip_protocols)
    for ports in (protocol.tcp_ports, protocol.udp_ports):
        assert len(set(ports)) == len(ports)
        assert all(0 < port < 1 << 16 for port in ports)
    assert all(0x0600 <= ethertype < 1 << 16 for ethertype in protocol.ethertypes)


@each_protocol
def test_its_signatures_are_sound_and_strong_enough(protocol: Protocol) -> None:
    for signature in protocol.signatures:
        assert signature_fault(protocol, signature) == ""
        assert signature_bits(signature) >= (FEWEST_HINTED_BITS if signature.hinted else FEWEST_BITS), (
            signature
        )


@each_protocol
def test_each_usual_port_belongs_to_a_transport_it_speaks(protocol: Protocol) -> None:
    spoken = {signature.transport for signature in protocol.signatures}
    if protocol.id != "modbus":
        assert ("tcp" in spoken) == bool(protocol.tcp_ports)
        assert ("udp" in spoken) == bool(protocol.udp_ports)


def test_protocols_of_ip_and_headers_of_llc_belong_to_one_each() -> None:
    numbers = [number for protocol in PROTOCOLS for number in protocol.ip_protocols]
    assert sorted(numbers) == sorted(ip_names()) == sorted(set(numbers))
    assert (ip_names()[2], ip_names()[112]) == ("igmp", "vrrp")
    headers = [header for protocol in PROTOCOLS for header in protocol.llc]
    assert len(set(headers)) == len(headers)
    assert llc_of("stp") and not llc_of("modbus")


def test_an_ethertype_belongs_to_one_protocol() -> None:
    claimed = [ethertype for protocol in PROTOCOLS for ethertype in protocol.ethertypes]
    assert len(set(claimed)) == len(claimed)
    codes = ethertype_codes()
    assert codes.shape == (1 << 16,)
    assert int((codes > 0).sum()) == len(claimed)


@pytest.mark.parametrize(
    ("ethertype", "protocol_id"),
    [
        (0x80E1, "dlr"),
        (0x888E, "eapol"),
        (0x8892, "profinet"),
        (0x88A4, "ethercat"),
        (0x88AB, "powerlink"),
        (0x88B8, "goose"),
        (0x88B9, "gse_management"),
        (0x88BA, "sampled_values"),
        (0x88CC, "lldp"),
        (0x88CD, "sercos_iii"),
        (0x88E3, "mrp"),
        (0x88F7, "ptp"),
        (0x890F, "cc_link_ie"),
    ],
)
def test_ethertypes_of_the_factory(ethertype: int, protocol_id: str) -> None:
    assert name_of(int(ethertype_codes()[ethertype])) == protocol_id


@pytest.mark.parametrize(
    ("transport", "port", "protocol_id"),
    [
        ("tcp", 21, "ftp"),
        ("tcp", 22, "ssh"),
        ("tcp", 23, "telnet"),
        ("tcp", 80, "http"),
        ("tcp", 139, "nbss"),
        ("tcp", 443, "tls"),
        ("tcp", 445, "smb"),
        ("tcp", 502, "modbus"),
        ("tcp", 2404, "iec104"),
        ("tcp", 3389, "rdp"),
        ("tcp", 4840, "opc_ua"),
        ("tcp", 20000, "dnp3"),
        ("tcp", 44818, "ethernet_ip"),
        ("udp", 53, "dns"),
        ("udp", 123, "ntp"),
        ("udp", 161, "snmp"),
        ("udp", 502, "modbus"),
        ("udp", 2222, "ethernet_ip"),
        ("udp", 9600, "fins"),
        ("udp", 34964, "profinet"),
        ("udp", 47808, "bacnet"),
    ],
)
def test_usual_ports(transport: str, port: int, protocol_id: str) -> None:
    assert name_of(int(port_hints()[("tcp", "udp").index(transport), port])) == protocol_id


def test_a_port_may_be_usual_for_several_protocols() -> None:
    assert usual_on("tcp", 102) == ("mms", "s7comm", "s7comm_plus") and usual_on("udp", 502) == ("modbus",)
    assert usual_on("tcp", 1) == usual_on("ethernet", 102) == ()


def test_a_port_without_protocol_has_no_hint() -> None:
    assert port_hints().shape == (2, 1 << 16)
    assert not port_hints()[:, [0, 1, 40001, 65535]].any()


def test_names_are_known_without_numba() -> None:
    script = (
        "import sys; from otmon.protocols.registry import IDS, code_of; "
        "print(len(IDS), code_of('modbus') > 0, 'numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.split() == [str(len(IDS)), "True", "False"]


@each_protocol
def test_a_file_without_kernels_is_a_table(protocol: Protocol) -> None:
    module = import_module(f"otmon.protocols.{protocol.id}")
    tree = ast.parse(inspect.getsource(module))
    if protocol.id != "modbus":
        assert not any(isinstance(node, ast.ClassDef) for node in tree.body)
        imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert imported <= {"__future__", "typing", "otmon.protocols.protocol"}
