from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otmon.findings.wording import problem_lines
from otmon.zones.files.document import MAX_FILE_BYTES
from otmon.zones.files.entry import MAX_PROBLEMS, NAMES_COMPARED
from otmon.zones.files.load import ModelError, known_protocols, load_model, read_model
from otmon.zones.model import Endpoint, FunctionRef, Line, Model, Name, Network
from tests.zones.facts import PROTOCOLS, model

ROOT = Path(__file__).resolve().parent.parent.parent.parent

TWO_ZONES = """\
zones:
- {id: office, importance: low, members: 10.1.0.0/16}
- {id: plc, importance: high, members: 10.2.0.0/16}
"""


def two(boundary: str) -> str:
    """Two zones, and a boundary from line 4 on."""
    return (
        TWO_ZONES.replace("10.1.0.0/16", "[10.1.0.0/16]").replace("10.2.0.0/16", "[10.2.0.0/16]") + boundary
    )


def allow(permission: str) -> str:
    """A permission on line 8, indented by two."""
    return two(f"boundaries:\n- id: b\n  between: [office, plc]\n  allow:\n  - {permission}\n")


WRONG = {
    "the file is empty": "",
    "only comments": "# nothing yet\n",
    "a list and not a mapping": "- id: office\n",
    "a text": "office",
    "no zone": "zones: []\n",
    "not valid YAML": "zones:\n- id: office\n  name: 'open\n",
    "tab indentation": "zones:\n\t- id: office\n",
    "unknown key at the top": "version: 1\nzone:\n- id: office\n",
    "decisions in the model": "zones: [{id: office, importance: low}]\ndecisions: []\n",
    "another version": "version: 2\nzones: [{id: office, importance: low}]\n",
    "zones are a mapping": "zones:\n  office: {importance: low}\n",
    "zones are null": "zones:\nboundaries: []\n",
    "a zone is a text": "zones: [office]\n",
    "a key twice": "zones:\n- id: office\n  importance: low\n  id: plc\n",
    "no id": "zones:\n- importance: low\n",
    "no importance": "zones:\n- id: office\n",
    "id with a space": "zones:\n- {id: my office, importance: low}\n",
    "id that is an address": "zones:\n- {id: 10.1.1.1, importance: low}\n",
    "a built-in id": "zones:\n- {id: internet, importance: low}\n",
    "importance misspelt": "zones:\n- {id: office, importance: hihg}\n",
    "unknown key of a zone": "zones:\n- {id: office, importance: low, membres: [10.1.0.0/16]}\n",
    "name in one language": "zones:\n- {id: office, importance: low, name: {ja: 事務所}}\n",
    "same zone twice": "zones:\n- {id: office, importance: low}\n- {id: office, importance: high}\n",
    "members are null": "zones:\n- {id: a, importance: low, members: }\n",
    "prefix with host bits": "zones:\n- {id: a, importance: low, members: [10.1.0.1/16]}\n",
    "address out of range": "zones:\n- {id: a, importance: low, members: [10.1.0.256]}\n",
    "address with a zone id": "zones:\n- {id: a, importance: low, members: ['fe80::1%eth0']}\n",
    "MAC too short": "zones:\n- {id: a, importance: low, members: [{mac: '00:1b:1b:aa:bb'}]}\n",
    "VLAN out of range": "zones:\n- {id: a, importance: low, members: [{vlan: 4095}]}\n",
    "empty member": "zones:\n- {id: a, importance: low, members: [{}]}\n",
    "address and prefix": "zones:\n- {id: a, importance: 大, members: {address: ::1, prefix: ::/64}}",
    "allow without inside listed": "zones:\n- id: a\n  importance: low\n  allow:\n  - protocol: any\n",
    "all at once": "zones:\n- {id: a b, importance: big, members: [x, vlan: 0], owner: [], inside: no}",
    "boundary without between": two("boundaries:\n- id: b\n"),
    "boundary of three": two("boundaries:\n- {id: b, between: [office, plc, internet]}\n"),
    "boundary of one": two("boundaries:\n- {id: b, between: [office]}\n"),
    "boundary with a zone misspelt": two("boundaries:\n- {id: b, between: [ofice, plc]}\n"),
    "boundary with nobody": two("boundaries:\n- {id: b, between: [unknown, plc]}\n"),
    "boundary with itself": two("boundaries:\n- {id: b, between: [plc, plc]}\n"),
    "boundary twice": two("boundaries:\n- &b {id: b, between: [plc, office]}\n- *b\n"),
    "no protocol": allow("from: office"),
    "protocol misspelt": allow("{from: office, protocol: modbuss}"),
    "protocol any beside others": allow("{from: office, protocol: [any, dns]}"),
    "neither from nor to": allow("protocol: dns"),
    "from a third zone": allow("{from: line, protocol: dns}"),
    "address of neither side": allow("{from: 10.9.0.1, protocol: dns}"),
    "from both sides": allow("{from: [office, 10.2.0.1], protocol: dns}"),
    "from and to on one side": allow("{from: 10.1.0.1, to: office, protocol: dns}"),
    "port out of range": allow("{from: office, protocol: dns, port: 65536}"),
    "ports the wrong way round": allow("{from: office, protocol: dns, port: 20-10}"),
    "transport misspelt": allow("{from: office, protocol: dns, transport: TCP}"),
    "access misspelt": allow("{from: office, protocol: modbus, access: [read, wirte]}"),
    "function misspelt": allow("{from: office, protocol: modbus, functions: read-holding-register}"),
    "function out of range": allow("{from: office, protocol: modbus, functions: 200}"),
    "unit out of range": allow("{from: office, protocol: modbus, units: 256}"),
    "registers of another protocol": allow("{from: office, protocol: s7comm, holding_registers: 0-9}"),
    "functions of any protocol": allow("{from: office, protocol: any, functions: 6}"),
    "register out of range": allow("{from: office, protocol: modbus, holding_registers: 40001-70000}"),
    "a limit of another protocol": allow(
        "{from: office, protocol: slmp, limits: [{coil: 1, low: 0, high: 1}]}"
    ),
    "a limit of a protocol that is not read": allow(
        "{from: office, protocol: [modbus, slmp], limits: [{element: D1, low: 0, high: 1}]}"
    ),
    "an element of another protocol": allow(
        "{from: office, protocol: fins, limits: [{element: W10.03, low: 0, high: 1}]}"
    ),
    "an element of Modbus": allow(
        "{from: office, protocol: modbus, limits: [{element: D1, low: 0, high: 1}]}"
    ),
    "two limits for an element": allow(
        "{from: office, protocol: slmp, limits: [{element: D1, low: 0, high: 1},"
        " {element: d01, low: 0, high: 1}]}"
    ),
    "a type of another size": allow(
        "{from: office, protocol: s7comm, limits: [{element: DB10.DBD4, low: 0, high: 1}]}"
    ),
    "a type of what has one": allow(
        "{from: office, protocol: iec104, limits: [{element: IOA 4001, type: int16, low: 0, high: 1}]}"
    ),
    "an odd byte": allow(
        "{from: office, protocol: s7comm, limits: [{element: DB10.DBW5, low: 0, high: 1}]}"
    ),
    "a bit with a scale": allow(
        "{from: office, protocol: slmp, limits: [{element: M1, scale: 2, low: 0, high: 1}]}"
    ),
    "a coil and an element": allow(
        "{from: office, protocol: slmp, limits: [{coil: 1, element: M1, low: 0, high: 1}]}"
    ),
    "an empty list": allow("{from: office, protocol: modbus, functions: []}"),
    "permission id twice": allow("{id: p, from: plc, protocol: dns}\n  - {id: p, from: plc, protocol: ntp}"),
    "allow is a mapping": two("boundaries:\n- id: b\n  between: [office, plc]\n  allow: {from: office}\n"),
    "unknown key of a permission": allow("{from: office, protocol: dns, ports: 53}"),
    "a tag": "zones:\n- {id: !!str a, importance: low}\n",
    "two documents": "zones: []\n---\nzones: []\n",
    "an alias to nothing": "zones: *here\n",
    "a control character": "zones:\n- id: a\x07\n",
}  # fmt: skip


def numbered(text: str) -> str:
    return "".join(f"{number:3} | {line}\n" for number, line in enumerate(text.split("\n"), 1) if line)


def test_every_mistake_is_named_with_its_line_and_what_was_expected(
    golden: Callable[[str, str], None],
) -> None:
    parts, japanese = [], []
    for name, text in WRONG.items():
        with pytest.raises(ModelError) as caught:
            read_model([("m.yaml", text.encode())], PROTOCOLS)
        assert all(
            ", expected " in p.what or p.what.startswith("not valid") for p in caught.value.problems
        ), name
        parts.append(f"== {name}\n{numbered(text)}{caught.value}\n")
        told = "\n".join(problem_lines(caught.value.problems, "ja"))
        japanese.append(f"== {name}\n{numbered(text)}{told}\n")
    golden("zones-errors.txt", "\n".join(parts))
    golden("zones-errors.ja.txt", "\n".join(japanese))


def test_problems_of_all_files_come_together_in_order() -> None:
    files = [
        ("b.yaml", b"zones: [{id: a}]"),
        ("a.yaml", b"zones: [{id: b, importance: low, owners: x}, {id: a}]"),
    ]
    with pytest.raises(ModelError) as caught:
        read_model(files, PROTOCOLS)
    assert [(p.file, p.line, p.column) for p in caught.value.problems] == [
        ("a.yaml", 1, 34), ("a.yaml", 1, 46), ("a.yaml", 1, 51), ("b.yaml", 1, 9),
    ]  # fmt: skip
    assert "zone 'a' a second time" in str(caught.value).splitlines()[2]


def test_a_file_that_is_no_yaml_brings_no_errors_about_its_absent_zones() -> None:
    files = [("a.yaml", b"zones: [{id: a"), ("b.yaml", b"boundaries: [{id: b, between: [a, internet]}]")]
    with pytest.raises(ModelError) as caught:
        read_model(files, PROTOCOLS)
    assert [p.file for p in caught.value.problems] == ["a.yaml"]


def test_a_wrong_zone_brings_no_errors_about_its_boundaries() -> None:
    text = "zones:\n- {id: a, importance: x}\nboundaries:\n- {id: b, between: [a, internet]}\n"
    with pytest.raises(ModelError) as caught:
        read_model([("m.yaml", text.encode())], PROTOCOLS)
    assert [p.line for p in caught.value.problems] == [2]


FULL = """
    version: 1
    zones:
      - id: office
        name: {ja: 事務所, en: Office}
        importance: 小
        owner: [情報システム部, 総務部]
        members: [10.1.0.0/16, 'fd00:1::/64', '00:1b:1b:aa:bb:cc', {vlan: 200.10}]
      - id: plc
        importance: high
        inside: listed
        members:
          - {prefix: 10.2.0.0/16, vlan: untagged}
        allow:
          - {from: 10.2.0.5, protocol: s7comm, functions: [4, 0x1a/2, Setup Communication]}
    boundaries:
      - id: b
        name: 境界
        between: [office, plc]
        device: fw-1
        device_owner: 情報システム部
        settings_owner: 製造部
        allow:
          - id: p
            from: [10.1.0.5, 10.1.8.0/24]
            to: plc
            protocol: modbus
            transport: [tcp, udp]
            port: [502, 1502-1504, 503]
            access: [read, write]
            functions: [Read Coils, read_holding_registers, 6, 43/14]
            units: [1, 2-4]
            coils: 0-9
            holding_registers: [0x10-0x1f, 5, 6]
            rate: 30/minute
            reason: 監視
          - {to: office, protocol: any, port: 514}
"""


def test_everything_a_file_can_say_is_in_the_model() -> None:
    found = model(FULL)
    office, plc = found.zones
    assert (office.name, office.importance, office.owners) == (
        Name("事務所", "Office"), "low", ("情報システム部", "総務部"),
    )  # fmt: skip
    assert [(str(m.network), m.mac and hex(m.mac.value), m.vlan) for m in office.members] == [
        ("10.1.0.0/16", None, None), ("fd00:1::/64", None, None), ("None", "0x1b1baabbcc", None),
        ("None", None, "200.10"),
    ]  # fmt: skip
    assert (plc.name, plc.importance, plc.inside, plc.line) == (
        Name("plc", "plc"),
        "high",
        "listed",
        Line("m.yaml", 8),
    )
    assert (plc.members[0].vlan, plc.members[0].line) == ("", Line("m.yaml", 12))
    inside = plc.permissions[0]
    assert (inside.id, inside.servers) == ("plc/1", (Endpoint("plc", None),))
    assert inside.functions == (
        FunctionRef(4, None, ""), FunctionRef(26, 2, ""), FunctionRef(None, None, "setup-communication"),
    )  # fmt: skip
    (boundary,) = found.boundaries
    assert (boundary.name, boundary.between, boundary.device) == (
        Name("境界", "境界"),
        ("office", "plc"),
        "fw-1",
    )
    assert (boundary.device_owner, boundary.settings_owner) == ("情報システム部", "製造部")
    first, second = boundary.permissions
    assert (first.id, first.line, first.reason) == ("p", Line("m.yaml", 23), "監視")
    assert first.clients == (
        Endpoint("office", Network(32, 32, 0x0A010005)), Endpoint("office", Network(32, 24, 0x0A0108)),
    )  # fmt: skip
    assert first.servers == (Endpoint("plc", None),)
    assert (first.protocols, first.transports, first.access) == (
        ("modbus",),
        ("tcp", "udp"),
        ("read", "write"),
    )
    assert (first.ports, first.units) == (((502, 503), (1502, 1504)), ((1, 4),))
    assert first.objects == (("coils", ((0, 9),)), ("holding_registers", ((5, 6), (16, 31))))
    assert [(f.number, f.subfunction) for f in first.functions] == [(1, None), (3, None), (6, None), (43, 14)]
    assert (first.rate, second.rate) == (30, None)
    assert (second.id, second.protocols) == ("b/2", ())
    assert (second.clients, second.servers) == ((Endpoint("plc", None),), (Endpoint("office", None),))


@pytest.mark.parametrize(
    ("members_of_b", "end", "zone"),
    [
        ("[10.2.0.0/16]", "10.2.0.1", "b"),
        ("[10.1.5.0/24]", "10.1.5.1", "b"),
        ("[10.1.5.0/24]", "10.1.4.0/23", "a"),
        ("[{vlan: 7}]", "10.9.9.9", "b"),
        ("[{mac: '00:1b:1b:00:00:01'}]", "00:1b:1b:00:00:01", "b"),
    ],
    ids=["prefix", "narrower prefix", "across the narrower prefix", "by elimination", "MAC"],
)
def test_an_address_belongs_to_the_zone_that_lists_it_most_closely(
    members_of_b: str, end: str, zone: str
) -> None:
    found = model(f"""
        zones:
        - {{id: a, importance: low, members: [10.1.0.0/16]}}
        - {{id: b, importance: low, members: {members_of_b}}}
        boundaries:
        - {{id: x, between: [a, b], allow: [{{from: "{end}", protocol: any}}]}}
    """)
    assert [end.zone for end in found.boundaries[0].permissions[0].clients] == [zone]


def test_the_other_side_of_an_internet_address() -> None:
    text = "boundaries:\n- {id: b, between: [plc, internet], allow: [{to: 198.51.100.7, protocol: tls}]}\n"
    permission = read_model([("m.yaml", two(text).encode())], PROTOCOLS).boundaries[0].permissions[0]
    assert [end.zone for end in permission.servers] == ["internet"]
    assert [end.zone for end in permission.clients] == ["plc"]


def test_a_folder_is_one_model(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("boundaries: [{id: b, between: [a, internet]}]")
    (tmp_path / "a.yaml").write_text("zones: [{id: a, importance: low}]")
    (tmp_path / ".hidden.yaml").write_text("{")
    (tmp_path / "notes.txt").write_text("{")
    found = load_model(str(tmp_path), PROTOCOLS)
    assert found.files == (str(tmp_path / "a.yaml"), str(tmp_path / "b.yml"))
    assert found.boundaries[0].line == Line(str(tmp_path / "b.yml"), 1)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"absent\.yaml: cannot be read \(No such file or directory\), expected a"
    ):
        load_model(str(tmp_path / "absent.yaml"), PROTOCOLS)
    with pytest.raises(
        ModelError, match=r"no model in this folder, expected at least one \.yaml or \.yml file"
    ):
        load_model(str(tmp_path), PROTOCOLS)
    (tmp_path / "long.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ModelError, match=f"more than {MAX_FILE_BYTES} bytes, expected fewer"):
        load_model(str(tmp_path), PROTOCOLS)
    (tmp_path / "long.yaml").write_bytes(b"zones:\n- id: \xff\n")
    with pytest.raises(ModelError, match=r"long\.yaml:2:7: byte 0xff is not UTF-8"):
        load_model(str(tmp_path / "long.yaml"), PROTOCOLS)


def test_permissions_may_name_every_protocol_that_is_recognised() -> None:
    from otmon.protocols.registry import PROTOCOLS as RECOGNISED

    ids = known_protocols()
    assert ids == {protocol.id for protocol in RECOGNISED}
    listed = ", ".join(sorted(ids))
    text = f"{{from: office, protocol: [{listed}]}}"
    assert read_model([("m", allow(text).encode())], ids).boundaries[0].permissions[0].protocols == tuple(
        sorted(ids)
    )


def test_a_model_is_judged_without_loading_the_packet_path() -> None:
    code = (
        "import sys, otmon.zones.review.check, otmon.zones.decide;"
        "from otmon.zones.files.load import known_protocols;"
        "assert known_protocols(); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_examples_are_models() -> None:
    names = sorted(name for name in os.listdir(ROOT / "zones") if name.endswith(".yaml"))
    assert "factory.yaml" in names
    for name in names:
        assert load_model(str(ROOT / "zones" / name)).zones


words = st.sampled_from(
    [
        *"-:,[]{}&*!|>'\"#%@`~ \n\t",
        *("\n- ", "\n  ", ": ", "&x", "*x", "<<", "---", "null", "\x00", "\ufeff", "\u2028"),
        *("zones", "id", "importance", "inside", "members", "vlan", "boundaries", "between", "allow"),
        *("from", "to", "protocol", "functions", "a", "b", "internet", "modbus", "any", "listed"),
        *("high", "大", "10.0.0.0/8", "1-5"),
    ]
)


@example("zones: &x\n- *x\n")
@example("zones: {<<: {a: b}}")
@example("%YAML 9.9\n---\na")
@example('"\\UFFFFFFFF"')
@given(st.lists(words, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_a_model_or_an_error(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    try:
        found = read_model([("m.yaml", data)], PROTOCOLS)
    except ModelError as error:
        assert error.problems
        assert len(str(error).split("\n")) == len(error.problems)
        assert all(p.line >= 0 and p.column >= 0 for p in error.problems)
    else:
        assert isinstance(found, Model)
        assert found.zones


def test_an_endless_list_of_errors_ends() -> None:
    zones = "".join(f"- {{id: z{n}, importance: low}}\n" for n in range(NAMES_COMPARED))
    wrong = "".join(f"- {{id: b{n}, between: [z, z{n}x]}}\n" for n in range(2 * MAX_PROBLEMS))
    with pytest.raises(ModelError) as caught:
        read_model([("m.yaml", f"zones:\n{zones}boundaries:\n{wrong}".encode())], PROTOCOLS)
    assert MAX_PROBLEMS < len(caught.value.problems) < MAX_PROBLEMS + 5
    assert str(caught.value).startswith(f"m.yaml: {MAX_PROBLEMS} errors or more, expected none")


def test_a_permission_shared_by_an_anchor_keeps_its_line() -> None:
    text = dedent("""\
        boundaries:
        - id: b
          between: [office, internet]
          allow: &web
          - {to: internet, protocol: tls}
        - {id: c, between: [plc, internet], allow: *web}
    """)
    found = read_model([("m.yaml", two(text).encode())], PROTOCOLS)
    assert {b.permissions[0].line.number for b in found.boundaries} == {8}
    assert [b.permissions[0].clients[0].zone for b in found.boundaries] == ["office", "plc"]


ROLES = """
timezone: Asia/Tokyo
assets:
- {id: ews-1, address: 10.1.0.9, mac: "00:80:f4:00:00:09", role: engineering-station, vendor: V, model: M-1}
- {id: plc-1, address: [10.2.0.1, "fd00::1"], role: [plc, safety]}
- {id: plc-9, address: 10.9.0.1, role: plc}
- {id: gate-1, address: 10.1.0.8, role: gateway}
- {id: gate-2, address: 10.2.0.8, role: gateway}
""" + TWO_ZONES.replace("10.2.0.0/16", "[10.2.0.0/16, 'fd00::/16']")


def roles(permission: str) -> Model:
    text = f"{ROLES}boundaries:\n- id: b\n  between: [office, plc]\n  allow:\n  - {permission}\n"
    return read_model([("m.yaml", text.encode())], PROTOCOLS)


def test_the_inventory_is_kept() -> None:
    first = roles("{from: office, protocol: dns}").devices[0]
    assert (first.id, first.vendor, first.model, first.roles) == (
        "ews-1",
        "V",
        "M-1",
        ("engineering-station",),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("assets: [{id: a}]", "an asset without address and mac"),
        ("assets: [{id: a, mac: 1}]", "expected a MAC address"),
        ("assets: {}", "expected a list of assets"),
        ("assets: [{id: a, address: 10.0.0.1}, {id: a, address: 10.0.0.2}]", "asset 'a' a second time"),
        ("timezone: Asia/Tokio", "expected a time zone"),
    ],
)
def test_what_is_wrong_in_the_inventory_is_told(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_model([("m.yaml", f"{text}\n{TWO_ZONES}".encode())], PROTOCOLS)


def test_two_files_name_one_time_zone() -> None:
    files = [("a.yaml", ROLES.encode()), ("b.yaml", b"timezone: Europe/Berlin\nzones: []\n")]
    with pytest.raises(ModelError, match="a second time zone"):
        read_model(files, PROTOCOLS)


MANY_ERRORS = """
timezone: Mars/Base
zones:
- {id: a, importance: huge, members: 10.1.0.0/24}
- {id: c, importance: 大, members: [10.2.0.0/24, 10.3.0.0/33], colour: red}
boundaries:
- id: b
  between: [a, c]
  colour: red
  allow:
  - {id: x, from: a, to: 10.3.0.1, protocol: modbuss, hours: foo}
  - {id: x, from: 10.1.0.5, to: c, protocol: modbus, functions: [7777], holding_registers: 99999}
  - {from: 10.1.0.5, protocol: dns, expires: 2026-12-31, port: 70000}
  - {from: a, to: a, protocol: ntp, units: 1-999}
- id: d
  between: [a, nowhere]
  allow: [{from: a, protocol: modbuss}]
- id: e
  between: [a]
  allow: [{from: a, protocol: modbuss, hours: foo}]
"""


def test_one_error_hides_no_other_and_makes_none() -> None:
    with pytest.raises(ModelError) as raised:
        read_model([("m.yaml", MANY_ERRORS.lstrip().encode())], PROTOCOLS)
    told = [(problem.line, problem.what.split(",")[0]) for problem in raised.value.problems]
    assert told == [
        (1, "'Mars/Base' does not fit here"),
        (3, "'huge' does not fit here"),
        (4, "'10.3.0.0/33' does not fit here"),
        (4, "unknown key 'colour'"),
        (8, "unknown key 'colour'"),
        (10, "no protocol 'modbuss'"),
        (10, "'foo' does not fit here"),
        (11, "permission 'x' a second time"),
        (11, "no Modbus function 7777"),
        (11, "'99999' does not fit here"),
        (12, "'70000' does not fit here"),
        (13, "from and to are both in a"),
        (13, "'1-999' does not fit here"),
        (15, "no zone 'nowhere'"),
        (16, "no protocol 'modbuss'"),
        (18, "wrong number of entries under between"),
        (19, "no protocol 'modbuss'"),
        (19, "'foo' does not fit here"),
    ]


def test_a_limit_for_an_element_of_another_protocol() -> None:
    text = allow(
        "{from: office, protocol: slmp, limits: [{element: d0100, type: float32, low: -1, high: 2}]}"
    )
    (limit,) = read_model([("m.yaml", text.encode())], PROTOCOLS).boundaries[0].permissions[0].limits
    assert (limit.protocol, limit.table, limit.address, limit.type) == ("slmp", "D", 100, "float32")
    assert str(limit.line) == "m.yaml:8"
