"""The command as people and scripts meet it: outputs, exit statuses, errors in one clear line."""

from __future__ import annotations

import gzip
import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import COMMAND, DAY, MODEL, ROOT, installed, one_line, otmon


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A capture without packets."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    return path


def test_status_0_is_nothing_found(empty: Path) -> None:
    status, out, err = otmon("replay", empty)
    assert (status, err) == (0, "")
    assert "nothing found" in out


def test_status_1_is_findings() -> None:
    status, out, err = otmon("replay", DAY, "--zones", MODEL)
    assert (status, err) == (1, "")
    assert "[critical]" in out


@pytest.mark.parametrize("model", [(), ("--zones", MODEL)])
def test_status_3_is_damage_with_or_without_findings(model: tuple[str, ...], tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(DAY.read_bytes()[:-30])
    status, out, err = otmon("replay", cut, *model)
    assert (status, err) == (3, "")
    assert "damage in the input" in out
    assert f"byte {damage_at(cut)}" in out


def damage_at(path: Path) -> int:
    """Where the last block begins: blocks of a little-endian pcapng begin with kind and length."""
    data = path.read_bytes()
    at = 0
    while at + 8 <= len(data) and at + int.from_bytes(data[at + 4 : at + 8], "little") <= len(data):
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return at


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("replay", "absent.pcap"), "absent.pcap: No such file or directory"),
        (("replay", "README.md"), "README.md: not a capture"),
        (("replay", "docs"), "docs: no captures there"),
        (("replay", str(DAY), "--json", "/proc/absent/x.jsonl"), "/proc/absent/x.jsonl"),
        (("replay", str(DAY), "--ledger", "/proc/absent/x.db"), "/proc/absent/x.db"),
        (("replay", str(DAY), "--transactions", "/proc/absent/x.parquet"), "/proc/absent/"),
        (("replay", str(DAY), "--told", "5", "--metrics", "x.om"), "--told and --metrics"),
        (("check", "--ledger", "absent.db"), "absent.db"),
        (("check", "--ledger", "README.md"), "README.md"),
    ],
)
def test_status_2_is_one_clear_line(arguments: tuple[str, ...], says: str) -> None:
    status, _, err = otmon(*arguments)
    assert status == 2
    assert says in one_line(err)


def test_a_wrong_option_is_a_usage_error() -> None:
    status, out, err = otmon("replay", DAY, "--zone", MODEL)
    assert (status, out) == (2, "")
    assert "--zone" in err


def test_every_error_of_a_model_names_file_and_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "version: 1\nzones:\n  - id: a\n    members: [10.0.0.300]\n  - id: a\n    members: 10.0.0.1\n"
    )
    for arguments in (("replay", DAY, "--zones", bad), ("zones", "check", bad)):
        status, out, err = otmon(*arguments)
        assert (status, out) == (2, "")
        assert f"{bad}:4:" in err and f"{bad}:5:" in err
        assert "error(s)" in err.splitlines()[-1]


@pytest.mark.parametrize("command", [("replay", str(DAY), "--zones"), ("zones", "check")])
def test_a_model_that_is_not_there_is_a_model_error(command: tuple[str, ...]) -> None:
    status, out, err = otmon(*command, "absent.yaml")
    assert (status, out) == (2, "")
    assert err.startswith("absent.yaml: cannot be read (No such file or directory)")


def test_check_says_the_same_as_the_replay_did(tmp_path: Path) -> None:
    ledger, first, second = tmp_path / "l.db", tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    replayed = installed("replay", DAY, "--zones", MODEL, "--ledger", ledger, "--json", first)
    checked = otmon("check", "--ledger", ledger, "--zones", MODEL, "--json", second)
    assert replayed == checked
    assert first.read_bytes() == second.read_bytes()


def test_check_names_the_ledger_and_refuses_another_one(tmp_path: Path) -> None:
    path, again = tmp_path / "plant.db", tmp_path / "again.db"
    for one in (path, again):
        otmon("replay", DAY, "--ledger", one)
    quiet = otmon("check", "--ledger", path)
    status, told, said = otmon("check", "--ledger", path, "--digest")
    assert (status, told, "") == quiet
    digest = one_line(said).split()[-1]
    assert len(bytes.fromhex(digest)) == 32 and f"SHA-256 {digest}" in said
    assert otmon("check", "--ledger", again, "--digest")[2] == said.replace("plant.db", "again.db")
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("UPDATE conversation SET packets_to_server = packets_to_server + 1 WHERE port = 502")
        stored.commit()
    status, told, said = otmon("check", "--ledger", path)
    assert (status, told) == (2, "") and "plant.db: the ledger was altered" in one_line(said)
    assert said.endswith(": conversation\n")
    status, _, said = otmon("check", "--ledger", path, "--lang", "ja")
    assert status == 2 and "保存時のものではない: conversation" in said
    with closing(sqlite3.connect(path)) as stored:
        stored.execute("DELETE FROM note")
        stored.commit()
    status, told, said = otmon("check", "--ledger", path)
    assert status == quiet[0] and told and "without digests" in one_line(said)


def test_told_says_when_and_changes_nothing_else(tmp_path: Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    plain = installed("replay", DAY, "--zones", MODEL, "--json", first)
    assert otmon("replay", DAY, "--zones", MODEL, "--json", second, "--told", "600") == plain
    lines = [json.loads(line) for line in second.read_text(encoding="utf-8").splitlines()]
    told = [(line.pop("told"), line["evidence"][0]["time"]) for line in lines if line["type"] == "finding"]
    assert lines == [json.loads(line) for line in first.read_text(encoding="utf-8").splitlines()]
    # Ten minutes end at each :x0; what they show is told there.
    assert told and all(at[15:] == "0:00.000000000Z" and at > shown for at, shown in told)


def test_the_same_input_gives_the_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    shutil.copy(DAY, folder / "a.pcapng")
    shutil.copy(DAY, folder / "b.pcapng")
    (folder / "c.pcapng.gz").write_bytes(gzip.compress(DAY.read_bytes(), 1))
    written = []
    for number, (run, jobs) in enumerate(((otmon, "1"), (otmon, "2"), (otmon, "3"), (installed, "1"))):
        out = tmp_path / f"{number}.jsonl"
        assert run("replay", folder, "--zones", MODEL, "--json", out, "--jobs", jobs)[0] == 1
        written.append(out.read_bytes())
    assert len(set(written)) == 1
    run = json.loads(written[0].splitlines()[0])
    assert [Path(source["name"]).name for source in run["sources"]] == ["a.pcapng", "b.pcapng", "c.pcapng.gz"]


def test_standard_input_gives_what_the_file_does() -> None:
    status, out, err = otmon("replay", "-", "--json", "-", "--zones", MODEL, given=DAY.read_bytes())
    assert (status, err) == (1, "")
    of_file = installed("replay", DAY.relative_to(ROOT), "--json", "-", "--zones", MODEL)[1]
    assert out.replace('"name":"-"', '"name":"x"').replace('"source":"-"', '"source":"x"') == of_file.replace(
        '"pcaps/factory-day.pcapng"', '"x"'
    )


def test_json_on_standard_output_comes_alone() -> None:
    _, out, _ = otmon("replay", DAY, "--json", "-")
    kinds = [json.loads(line)["type"] for line in out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("run", "summary")


def test_an_output_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "f.jsonl"
    assert otmon("replay", "README.md", "--json", out)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_japanese_is_one_option_away() -> None:
    _, out, _ = otmon("replay", DAY, "--zones", MODEL, "--lang", "ja")
    assert "検知結果" in out and "[緊急]" in out


def test_a_terminal_sees_a_bar_and_colours_and_a_pipe_does_not(tmp_path: Path) -> None:
    big = tmp_path / "big.pcapng"
    big.write_bytes(DAY.read_bytes() * 40)
    assert "\x1b" not in "".join(otmon("replay", big)[1:])
    shown = on_terminal("replay", str(big))
    assert "big.pcapng" in shown and "\x1b[" in shown and "B/s" in shown


def on_terminal(*arguments: str) -> str:
    """What the command shows on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(COMMAND, [COMMAND, *arguments])
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    os.waitpid(pid, 0)
    return b"".join(parts).decode()


def test_an_interrupt_shows_what_was_found_so_far() -> None:
    command = [COMMAND, "replay", "-", "--zones", str(MODEL)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        # The program must have read these before the interrupt: more than it and the pipe can hold.
        for _ in range(10):
            process.stdin.write(DAY.read_bytes())
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted" in err and b"Traceback" not in err
    assert b"[critical]" in out


def test_a_zone_of_an_interface_holds_who_came_in_by_it(tmp_path: Path) -> None:
    model, findings, ledger = (tmp_path / name for name in ("m.yaml", "f.jsonl", "l.db"))
    zone = "{id: tapped, importance: high, owner: x, members: {switch_port: 'interface:%s'}}"
    for name, zones in (("mirror0", {"tapped", "internet"}), ("mirror1", {"unknown", "internet"})):
        model.write_text(f"zones: [{zone % name}]\n", encoding="utf-8")
        otmon("replay", DAY, "--zones", model, "--json", findings, "--ledger", ledger)
        told = [json.loads(line) for line in findings.read_text(encoding="utf-8").splitlines()]
        contacts = [one for one in told if one["type"] == "finding" and one["rule"] == "internet-contact"]
        seen = {one[end] for one in contacts for end in ("from_zone", "to_zone")}
        assert seen <= zones and ("tapped" in seen) == (name == "mirror0"), (name, seen)
    assert "interface:mirror0" in otmon("assets", "show", ledger, "10.30.1.10")[1]


def test_saved_facts_are_checked_and_models_read_without_a_compiler(tmp_path: Path) -> None:
    """Numba takes a third of a second to load, and 60 MB."""
    ledger = tmp_path / "day.db"
    otmon("replay", DAY, "--ledger", ledger)
    for words in (("check", "--ledger", ledger, "--zones", MODEL), ("zones", "check", MODEL)):
        script = f"""
import sys
from otmon.cli import app
sys.argv = ["otmon", *{[str(word) for word in words]!r}]
try:
    app()
finally:
    print("compiler:", "numba" in sys.modules, file=sys.stderr)
"""
        run = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert run.returncode in (0, 1) and run.stderr == "compiler: False\n"


def test_findings_have_their_packets_in_files(tmp_path: Path) -> None:
    plain = tmp_path / "plain.jsonl"
    proved = tmp_path / "proved.jsonl"
    assert otmon("replay", DAY, "--zones", MODEL, "--json", plain)[0] == 1
    status, _, err = otmon(
        "replay", DAY, "--zones", MODEL, "--json", proved, "--evidence", tmp_path / "proofs"
    )
    assert (status, err) == (1, "")
    assert proved.read_bytes() == plain.read_bytes()
    found = {line["id"] for line in map(json.loads, plain.read_text().splitlines()) if "evidence" in line}
    assert {path.name.partition("-")[0] for path in (tmp_path / "proofs").iterdir()} == found
    (tmp_path / "file").touch()
    status, _, err = otmon("replay", DAY, "--zones", MODEL, "--evidence", tmp_path / "file")
    assert status == 2 and str(tmp_path / "file") in err


def test_what_was_seen_since_is_told_and_what_is_new_first(tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    otmon("replay", DAY, "--zones", MODEL, "--ledger", ledger)
    for since in ("2026-04-14T14:00", "2026-04-14T05:00+00:00", "2h"):
        status, out, err = otmon(
            "check", "--ledger", ledger, "--zones", MODEL, "--since", since, "--json", "-"
        )
        found = [line for line in map(json.loads, out.splitlines()) if "first" in line]
        begin = {"2h": "2026-04-14T04:"}.get(since, "2026-04-14T05:00")
        firsts = [line["first"] >= begin for line in found]
        assert status == 1 and firsts == sorted(firsts, reverse=True) and True in firsts, since
        assert all(line["last"] >= begin for line in found)
        assert f"{sum(firsts)} new findings, then {len(firsts) - sum(firsts)}" in err
    status, out, err = otmon("check", "--ledger", ledger, "--since", "2026-04-15")
    assert status == 0 and "nothing found" in out and "0 new findings" in err
    assert "the ledger's last packet is of 2026-04-14 09:00:33.055 (UTC): it cannot tell" in err
    assert "cannot tell" not in otmon("check", "--ledger", ledger, "--since", "2h")[2]
    status, _, err = otmon("check", "--ledger", ledger, "--since", "Friday")
    assert status == 2 and "expected a time such as" in one_line(err)


@pytest.mark.skipif(shutil.which("editcap") is None, reason="needs editcap (Debian: wireshark-common)")
def test_captures_of_the_same_time_are_told_as_they_count_twice(tmp_path: Path) -> None:
    first, copy, part = tmp_path / "a.pcapng", tmp_path / "b.pcapng", tmp_path / "c.pcap"
    shutil.copy(DAY, first)
    shutil.copy(DAY, copy)
    subprocess.run(["editcap", "-F", "nsecpcap", "-r", DAY, part, "5-50"], check=True)
    rest = tmp_path / "d.pcap"
    subprocess.run(["editcap", "-F", "nsecpcap", "-r", DAY, rest, "51-90"], check=True)
    assert otmon("replay", first)[2] == otmon("replay", part, rest)[2] == ""
    err = otmon("replay", first, copy, part)[2].splitlines()
    assert err == [
        f"otmon: {copy}: seems a copy of {first}: all that is in them counts twice",
        f"otmon: {part}: is of the same time as {first}: packets that are in both count twice",
    ]


def test_what_is_called_a_capture_in_a_folder_and_is_none_is_told(tmp_path: Path, empty: Path) -> None:
    (tmp_path / "rotated.pcap7").touch()
    (tmp_path / "notes.txt").write_text("nothing")
    status, _, err = otmon("replay", tmp_path)
    assert (status, err) == (0, f"otmon: left out: {tmp_path}/rotated.pcap7: not a capture: it is empty\n")


def test_several_ledgers_are_checked_together_in_any_order(tmp_path: Path) -> None:
    parts, ledgers = [], []
    for name, packets in (("morning", "1-1500"), ("evening", "1501-4000")):
        parts.append(tmp_path / f"{name}.pcapng")
        subprocess.run(["editcap", "-r", DAY, parts[-1], packets], check=True)
        ledgers.append(tmp_path / f"{name}.db")
        otmon("replay", parts[-1], "--ledger", ledgers[-1])
    together = otmon("replay", *parts, "--zones", MODEL, "--json", "-")[:2]
    for one, other in (ledgers, ledgers[::-1]):
        assert otmon("check", "--ledger", one, "--ledger", other, "--zones", MODEL, "--json", "-") == (
            *together, "",
        )  # fmt: skip
    twice = ("--ledger", ledgers[0], "--ledger", tmp_path / "." / ledgers[0].name)
    assert otmon("check", *twice, "--zones", MODEL) == otmon("check", *twice[:2], "--zones", MODEL)
    copy = shutil.copy(ledgers[0], tmp_path / "copy.db")
    err = otmon("check", *twice[:2], "--ledger", copy, "--zones", MODEL)[2]
    assert err == (f"otmon: {copy}: holds facts of {parts[0]}, as {ledgers[0]} does: they count twice\n")
    drafts = [otmon("zones", "learn", *files)[1] for files in (ledgers, ledgers[::-1])]
    assert drafts[0] == drafts[1] != otmon("zones", "learn", ledgers[0])[1]
