"""`otmon zones export` and `import` as people meet them."""

from __future__ import annotations

import re
from pathlib import Path

from otmon.cli.exchange import ExportFormat
from otmon.zones.exchange.firewall import FORMATS
from tests.command import DAY, MODEL, installed, one_line, otmon


def test_the_formats_are_those_that_can_be_written() -> None:
    assert [form.value for form in ExportFormat] == [*FORMATS, "csv", "xlsx"]


def test_export_of_one_boundary_says_what_a_firewall_cannot_check() -> None:
    words = ("zones", "export", MODEL, "--format", "nftables", "--boundary", "line-plc")
    status, out, err = otmon(*words)
    assert status == 0
    assert "ip saddr 10.30.1.10/32 ip daddr 10.30.2.0/24 tcp dport 502 ct state new accept" in out
    assert "10.20.0.30" not in out
    unchecked = "the firewall cannot check protocol, functions, units, registers and limits; otmon does"
    assert f"permission hmi-setpoints: {unchecked}" in err
    assert (status, out, err) == installed(*words)


def test_export_into_a_folder_makes_a_file_for_each_boundary_and_one_for_all(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    status, out, _ = otmon("zones", "export", MODEL, "--format", "cisco", "-o", f"{folder}/")
    assert (status, out) == (0, "")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "_all.acl" and "line-plc.acl" in names
    assert len(names) == 1 + MODEL.read_text(encoding="utf-8").count("between:")
    assert "10.20.0.30" in (folder / "_all.acl").read_text() not in (folder / "line-plc.acl").read_text()


def test_export_refuses_to_open_every_port_unless_told(tmp_path: Path) -> None:
    model = tmp_path / "m.yaml"
    model.write_text(
        "zones: [{id: a, importance: 大, members: 10.0.0.1}, {id: b, importance: 大, members: 10.0.1.1}]\n"
        "boundaries: [{id: a-b, between: [a, b], allow: [{id: p, from: a, protocol: unknown}]}]\n",
        encoding="utf-8",
    )
    status, out, err = otmon("zones", "export", model, "--format", "iptables")
    assert (status, out) == (2, "")
    assert "permission p: no usual port is known for unknown" in err and "--any-port" in err
    status, out, err = otmon("zones", "export", model, "--format", "iptables", "--any-port")
    assert status == 0 and "-A F_p-p -p tcp -s 10.0.0.1/32 -d 10.0.1.1/32" in out
    assert "permission p opens every port" in err


def test_export_of_a_boundary_that_is_not_there() -> None:
    status, out, err = otmon("zones", "export", MODEL, "--format", "csv", "--boundary", "line-plx")
    assert (status, out) == (2, "")
    assert one_line(err) == "otmon: no boundary 'line-plx', expected line-plc\n"


def test_sheets_go_out_and_come_back(tmp_path: Path) -> None:
    sheet, again = tmp_path / "rules.xlsx", tmp_path / "again.xlsx"
    for path, run in ((sheet, otmon), (again, installed)):
        status, out, err = run("zones", "export", MODEL, "--format", "xlsx", "--lang", "ja", "-o", path)
        assert (status, out) == (0, "")
        assert err == ""
    assert sheet.read_bytes() == again.read_bytes()
    draft = tmp_path / "draft.yaml"
    status, out, err = otmon("zones", "import", sheet, "-o", draft)
    assert (status, out) == (0, "")
    assert err == "7 zones, 14 boundaries with 18 permissions drafted; 0 rows kept as comments\n"
    assert otmon("zones", "check", draft)[0] == 0
    status, out, _ = otmon("zones", "export", MODEL, "--format", "csv")
    assert status == 0 and out.startswith("\ufeffBoundary,Device,")


def test_a_workbook_is_not_written_to_a_terminal() -> None:
    assert otmon("zones", "export", MODEL, "--format", "xlsx") == (
        2, "", "otmon: a workbook needs a file: -o FILE.xlsx\n",
    )  # fmt: skip


def test_import_tells_what_it_does_not_understand_and_keeps_it(tmp_path: Path) -> None:
    sheet = tmp_path / "rules.csv"
    sheet.write_bytes("送信元,宛先,ポート\n10.0.0.1,10.0.1.1,502\nplc,10.0.1.1,502\n".encode("cp932"))
    status, out, err = otmon("zones", "import", sheet)
    assert status == 3
    assert f"{sheet}: row 3, column A (送信元): 'plc' is no address, prefix or range of addresses" in err
    assert "# row 3, column A" in out and "port: 502" in out


def test_import_of_no_sheet_is_one_line(tmp_path: Path) -> None:
    sheet = tmp_path / "x.csv"
    for data, why in (
        (b"", "no row of headings"),
        (b"\x00\xff", "neither text"),
        (b"PK\x03\x04", "no workbook"),
    ):
        sheet.write_bytes(data)
        status, out, err = otmon("zones", "import", sheet)
        assert (status, out) == (2, "") and why in one_line(err)
    status, _, err = otmon("zones", "import", tmp_path / "absent.csv")
    assert status == 2 and "No such file" in one_line(err)


def test_learn_drafts_a_model_that_can_be_checked(tmp_path: Path) -> None:
    ledger, draft, again = tmp_path / "l.db", tmp_path / "draft.yaml", tmp_path / "again.yaml"
    otmon("replay", DAY, "--ledger", ledger)
    status, out, err = otmon("zones", "learn", ledger, "-o", draft)
    assert (status, out) == (0, "")
    assert err == (
        "9 zones, 19 boundaries with 37 permissions drafted; 1 for the Internet kept as comments; "
        "71 conversations and operations seen and not proposed\n"
    )
    assert otmon("zones", "check", draft)[0] == 0
    installed("zones", "learn", ledger, "-o", again)
    assert draft.read_bytes() == again.read_bytes()
    status, out, err = otmon("zones", "learn", ledger, "--everything")
    assert status == 0 and "0 for the Internet kept as comments; 0 conversations and operations" in err
    draft.write_text(out, encoding="utf-8")
    status, out, _ = otmon("check", "--ledger", ledger, "--zones", draft)
    # What is broken or foreign by itself stays a finding.
    assert status == 1 and "unlisted" not in out and "unknown" not in out


def test_learn_with_a_model_drafts_what_it_lacks(tmp_path: Path) -> None:
    ledger, lacking = tmp_path / "l.db", tmp_path / "lacking.yaml"
    otmon("replay", DAY, "--ledger", ledger)
    status, _, err = otmon("zones", "learn", ledger, "--zones", MODEL, "-o", lacking)
    assert status == 0 and err.startswith("7 zones, 11 boundaries with 10 permissions drafted; ")
    text = lacking.read_text(encoding="utf-8")
    assert "settings_owner: '物流課'" in text and "scada-polls" not in text
    assert otmon("zones", "check", lacking)[0] == 0


def test_learn_is_told_the_plants_time_zone(tmp_path: Path) -> None:
    ledger = tmp_path / "day.db"
    otmon("replay", DAY, "--ledger", ledger)
    status, draft, _ = otmon("zones", "learn", ledger, "--timezone", "Asia/Tokyo")
    assert status == 0 and "\ntimezone: Asia/Tokyo\n" in draft and " UTC" not in draft
    says = "--timezone 'Tokio', expected a time zone of the IANA database such as Asia/Tokyo"
    assert says in one_line(otmon("zones", "learn", ledger, "--timezone", "Tokio")[2])
    both = otmon("zones", "learn", ledger, "--zones", MODEL, "--timezone", "Asia/Tokyo")
    assert "--timezone: that of the model" in one_line(both[2])
    assert "Asia/Tokyo" in otmon("zones", "learn", ledger, "--zones", MODEL)[1]


def test_learn_from_no_ledger_is_one_line(tmp_path: Path) -> None:
    status, out, err = otmon("zones", "learn", tmp_path / "absent.db")
    assert (status, out) == (2, "") and "absent.db" in one_line(err)


def test_what_ran_out_by_the_day_that_is_given_is_not_opened(tmp_path: Path) -> None:
    plant = tmp_path / "m.yaml"
    plant.write_text(
        "timezone: Asia/Tokyo\nzones:\n- {id: a, importance: low, members: 10.1.0.0/24}\n"
        "- {id: b, importance: low, members: 10.2.0.0/24}\nboundaries:\n- id: x\n  between: [a, b]\n"
        "  allow: [{id: old, from: a, protocol: tls, port: 443, transport: tcp, expires: 2026-03-31}]\n"
    )
    told = "permission old ran out on 2026-03-31, so there is no rule for it"
    for day, opened in (("2026-03-31", True), ("2026-04-01", False)):
        status, out, err = otmon("zones", "export", plant, "--format", "nftables", "--today", day)
        assert (status, "443" in out, told in err) == (0, opened, not opened)
        status, out, _ = otmon("zones", "check", plant, "--today", day)
        assert (status, f"permission old {'runs' if opened else 'ran'} out on 2026-03-31" in out) == (0, True)
    status, _, err = otmon("zones", "check", plant, "--today", "tomorrow")
    assert status == 2 and "--today 'tomorrow', expected a day such as 2026-12-31" in one_line(err)


def english(text: str) -> list[str]:
    return re.findall(r"\b(?:the|of|and|is|are|to|row|sheet|seen|not|column|expected)\b(?![=:])", text)


def test_a_draft_from_a_sheet_is_told_in_japanese(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "送信元,宛先,ポート,方向,許可/拒否,備考2,期限\n"
        "10.1.0.5,10.2.0.1,502,→,許可,x,\n10.1.0.5,plc-7,,→,許可,,\n10.1.0.5,10.2.0.1,22,横,拒否,,2027-03-31\n",
        encoding="utf-8",
    )
    status, draft, told = otmon("zones", "import", "r.csv", "--lang", "ja", cwd=tmp_path)
    assert status == 3 and not english(told), told
    lines = told.splitlines()
    assert lines[0] == "r.csv: 1 行目、F 列(備考2): 知らない見出し。コメントとして残す"
    assert lines[1] == (
        "r.csv: 3 行目、B 列(宛先): 'plc-7' はアドレス、プレフィックス、アドレスの範囲のいずれでもない"
    )
    assert lines[-1].startswith("下書き: ゾーン 2 個、境界 1 個(許可 1 件)。コメントとして残した行 2 件")
    comments = [line.partition("#")[2] for line in draft.splitlines() if "#" in line]
    assert len(comments) > 8 and not english("\n".join(comments)), comments
    assert otmon("zones", "import", "r.csv", "--lang", "en", cwd=tmp_path)[2].startswith(
        "r.csv: row 1, column F"
    )


def test_a_learnt_draft_is_told_in_japanese_and_is_the_same_model(tmp_path: Path) -> None:
    otmon("replay", DAY, "--ledger", tmp_path / "day.db")
    status, draft, told = otmon("zones", "learn", "day.db", "--lang", "ja", cwd=tmp_path)
    assert status == 0 and told.startswith("下書き: ゾーン") and not english(told)
    comments = [line.partition("#")[2] for line in draft.splitlines() if "#" in line]
    assert len(comments) > 30 and not english("\n".join(comments)), comments
    whole = otmon("zones", "learn", "day.db", cwd=tmp_path)[1]
    lines = [[line.partition("#")[0].rstrip() for line in one.splitlines()] for one in (draft, whole)]
    assert [line for line in lines[0] if line] == [line for line in lines[1] if line]


def test_what_stands_in_the_way_of_a_firewall_is_told_in_japanese(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "zones:\n  - {id: a, importance: 大, members: [10.1.0.0/24]}\n  - {id: b, importance: 小, members: "
        "[10.2.0.0/24]}\nboundaries: [{id: x, between: [a, b], allow: [{from: a, protocol: unknown}]}]\n",
        encoding="utf-8",
    )
    command = ("zones", "export", "m.yaml", "--format", "nftables", "--lang", "ja")
    status, _, told = otmon(*command, cwd=tmp_path)
    assert (status, english(told)) == (2, []) and "--any-port" in told
    assert otmon(*command, "--boundary", "y", cwd=tmp_path)[2] == "otmon: 境界 'y' はモデルにない。候補: x\n"


def test_what_a_sheet_says_steers_no_terminal(tmp_path: Path) -> None:
    head, row = "source,destination,odd\x1b[2J\x9b\n", "10.1.0.5,10.2.0.1,x\n"
    (tmp_path / "r.csv").write_text(head + row, encoding="utf-8")
    for language in ("en", "ja"):
        told = otmon("zones", "import", "r.csv", "-o", "d.yaml", "--lang", language, cwd=tmp_path)[2]
        assert "odd\\x1b[2J\\x9b" in told and all(line.isprintable() for line in told.splitlines())
