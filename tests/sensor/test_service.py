"""The sensor as its users run it: attacks are told within seconds, it can be reloaded, ended and killed,
and it never sends."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dpkt
import pytest

from otmon.capture.ring import Ring
from otmon.ledger.file.schema import SCHEMA_VERSION
from otmon.ledger.file.store import PAGE_BYTES, load
from otmon.ledger.ledger import LIMITS
from otmon.sensor.schedule import LOST_S
from tests.command import one_line, otmon
from tests.namespaces import Wire, inside, missing, wire
from tests.secrets import talks, traces
from tests.sensor.running import ASK, ROOT, findings_in, sensor
from tests.sensor.soak import passing
from tests.sensor.test_recent_packets import tcp
from tests.sensor.traffic import frames_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
MODEL = "zones/water-works.yaml"
PACKETS = 'otmon_capture_packets_total{interface="far0"}'
CAPTURE = "water-works-day.pcapng"
SETPOINT = "value-out-of-limits"
OLD = "unsupported-system"


@pytest.fixture(name="wired")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


def rules_of(path: Path) -> set[object]:
    return {line["rule"] for line in findings_in(path)}


def options(folder: Path) -> list[str]:
    return [
        "--zones", MODEL, "--ledger", str(folder / "plant.db"),
        "--json", str(folder / "findings.jsonl"), "--evidence", str(folder / "evidence"),
    ]  # fmt: skip


def test_an_attack_is_told_within_seconds_with_its_packets(wired: Wire, tmp_path: Path) -> None:
    found = tmp_path / "findings.jsonl"
    frames = frames_of(CAPTURE)
    with sensor(wired, *options(tmp_path), "--lang", "ja") as running:
        begin = time.monotonic()
        wired.send(frames)
        running.wait_for(lambda: SETPOINT in rules_of(found))
        assert time.monotonic() - begin < 10
        (line,) = [line for line in findings_in(found) if line["rule"] == SETPOINT]
        assert line["severity"] == "critical" and line["server"] == "172.16.22.11"
        running.wait_for(lambda: any("[緊急]" in told for told in running.told))
        running.wait_for((tmp_path / "plant.db").exists)
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames))
        metrics = running.metrics()
        assert metrics['otmon_capture_dropped_packets_total{interface="far0"}'] == 0
        severity = f'rule="{SETPOINT}",severity="critical"'
        assert metrics[f"otmon_findings_told_total{{{severity}}}"] == 1
        status, took = running.end()
        assert (status, took < 5) == (1, True)
    evidence = line["evidence"]
    assert isinstance(evidence, list)
    with (tmp_path / "evidence" / f"{line['id']}-far0.pcapng").open("rb") as file:
        proofs = [bytes(frame) for _, frame in dpkt.pcapng.Reader(file)]
    assert frames[evidence[0]["packet"] - 1] in proofs
    ledger = load(tmp_path / "plant.db")
    assert ledger.sources[0].packets == len(frames)


def test_a_full_disk_and_a_second_sensor_do_not_end_it(wired: Wire, tmp_path: Path) -> None:
    ledger = tmp_path / "plant.db"
    with sensor(wired, "--zones", MODEL, "--ledger", str(ledger), "--json", "/dev/full") as running:
        wired.send(frames_of(CAPTURE))
        running.wait_for(lambda: running.says("findings cannot be written, and wait: No space left"))
        running.wait_for(ledger.exists)
        second = ("--ledger", str(ledger), "--metrics", "none")
        with sensor(wired, *second, listening=False) as other:
            assert other.ended() == 2
            assert other.says("another sensor writes this ledger")
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames_of(CAPTURE)))
        assert running.end()[0] == 1
    assert not (tmp_path / ".plant.db.open").exists()


def test_what_was_told_before_is_not_told_again(wired: Wire, tmp_path: Path) -> None:
    frames = frames_of(CAPTURE)
    found = tmp_path / "findings.jsonl"
    with sensor(wired, *options(tmp_path)) as running:
        wired.send(frames)
        running.wait_for(lambda: SETPOINT in rules_of(found))
        running.end()
    told = findings_in(found)
    with sensor(wired, *options(tmp_path)) as running:
        assert running.says("findings are known from before")
        wired.send(frames)
        running.wait_until_judged(PACKETS, len(frames))
        running.end()
    assert findings_in(found) == told
    assert load(tmp_path / "plant.db").sources[0].packets == 2 * len(frames)


def test_a_broken_model_is_refused_and_a_good_one_taken(wired: Wire, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    good = (ROOT / MODEL).read_text(encoding="utf-8")
    for sheet in (ROOT / MODEL).parent.glob("*.csv"):
        shutil.copy(sheet, tmp_path)
    model.write_text(good, encoding="utf-8")
    with sensor(wired, "--zones", str(model), "--json", str(tmp_path / "f.jsonl")) as running:
        wired.send(frames_of(CAPTURE)[:200])
        model.write_text(good.replace("zones:", "zoness:"), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("stay in force"))
        assert running.says("model.yaml:")
        assert running.metrics()["otmon_model_loaded"] == 0
        model.write_text(good, encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("were read anew"))
        assert running.metrics()["otmon_model_loaded"] == 1
        wired.send(frames_of(CAPTURE)[200:])
        running.wait_for(lambda: SETPOINT in rules_of(tmp_path / "f.jsonl"))
        running.wait_for(lambda: running.metrics()[PACKETS] == len(frames_of(CAPTURE)))


def test_a_start_with_a_broken_model_goes_on_with_the_last_good_one(wired: Wire, tmp_path: Path) -> None:
    """The last one is that of a reload."""
    model, found = tmp_path / "model.yaml", tmp_path / "findings.jsonl"
    text = (ROOT / MODEL).read_text(encoding="utf-8")
    for sheet in (ROOT / MODEL).parent.glob("*.csv"):
        shutil.copy(sheet, tmp_path)
    broken = text.replace("zones:", "zoness:")
    words = [*options(tmp_path)[2:], "--zones", str(model)]
    model.write_text(broken, encoding="utf-8")
    with sensor(wired, *words, listening=False) as running:
        assert running.ended() == 2 and running.says("the zone model or the rules have")
    model.write_text("# the first one\n" + text, encoding="utf-8")
    with sensor(wired, *words) as running:
        model.write_text(text, encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("were read anew"))
        assert running.end()[0] == 0
    model.write_text(broken, encoding="utf-8")
    with sensor(wired, *words) as running:
        assert running.says("model.yaml:") and running.says("the sensor judges by a copy")
        assert running.metrics()["otmon_model_loaded"] == 0
        wired.send(frames_of(CAPTURE))
        running.wait_for(lambda: SETPOINT in rules_of(found))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("stay in force"))
        model.write_text(text, encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("were read anew"))
        assert running.metrics()["otmon_model_loaded"] == 1
        assert running.end()[0] == 1
    (line,) = [one for one in findings_in(found) if one["rule"] == SETPOINT]
    # Lines are those of the copy that was read last.
    at = next(number for number, one in enumerate(text.splitlines(), 1) if "holding_register: 0" in one)
    assert f"model.yaml:{at})" in json.dumps(line)


def test_a_reload_takes_what_the_file_of_options_says_now(wired: Wire, tmp_path: Path) -> None:
    """What can change at run time changes, what cannot is named, and a file with errors changes nothing."""
    file = tmp_path / "otmon.toml"
    text = f'[sensor]\nzones = "{ROOT / MODEL}"\nsilence = 500\nring-mb = 4\nkeep-days = 9\n'
    file.write_text(text, encoding="utf-8")
    with sensor(wired, "--config", str(file), "--keep-days", "30") as running:
        wired.send(frames_of(CAPTURE)[:200])
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("were read anew"))
        assert not running.says("the next start")
        file.write_text(text.replace("silence", "silense").replace("500", "1"), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("otmon.toml:3: silense: there is no such option"))
        running.wait_for(lambda: running.says("stay in force"))
        assert not running.says("far0: no packet for")
        file.write_text(text.replace("500", "1").replace("= 4", "= 8"), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("the next start takes what it says now of ring-mb"))
        running.wait_for(lambda: running.says("far0: no packet for 1 seconds"))
        # The command line counts more, before and after.
        assert not any("keep-days" in line for line in running.said)


def test_what_was_decided_is_written_and_no_alert_until_it_lapses(wired: Wire, tmp_path: Path) -> None:
    """The packets have today's time, and so has the decision."""
    model, ledger = "zones/two-factories.yaml", tmp_path / "day.db"
    otmon("replay", "pcaps/two-factories-day.pcapng", "--zones", model, "--ledger", ledger, "--json",
          tmp_path / "day.jsonl")  # fmt: skip
    xp = next(str(one["id"]) for one in findings_in(tmp_path / "day.jsonl") if one.get("rule") == OLD)
    status, draft, _ = otmon("check", "--ledger", ledger, "--zones", model, "--draft", xp)
    assert status == 0
    today = date.today()
    texts = {}
    for name, until in (("holds", today + timedelta(days=300)), ("over", today - timedelta(days=3))):
        said = {"reason": "印刷専用", "by": "製造部", "decided": today - timedelta(days=9), "until": until}
        lines = (line.partition("#")[0].rstrip() for line in draft.splitlines())
        keyed = (f"{line} {said.get(line.strip().rstrip(':'), '')}".rstrip() for line in lines)
        texts[name] = "\n".join(keyed) + "\n"
    file, found = tmp_path / "decisions.yaml", tmp_path / "findings.jsonl"
    file.write_text(texts["holds"], encoding="utf-8")
    words = ("--zones", model, "--decisions", str(file), "--json", str(found), "--lang", "ja")
    frames = frames_of("two-factories-day.pcapng")
    with sensor(wired, *words) as running:
        wired.send(frames)
        running.wait_until_judged(PACKETS, len(frames))
        running.wait_for(lambda: OLD in rules_of(found))
        running.wait_for(lambda: any("印刷専用" in line for line in running.told))
        metrics = running.metrics()
        labels = f'boundary="",rule="{OLD}",severity="medium"'
        assert (
            metrics[f"otmon_findings_decided{{{labels}}}"] == 1 == metrics['otmon_decisions{state="holds"}']
        )
        assert not [name for name in metrics if OLD in name and "decided" not in name]
        file.write_text(texts["holds"].replace(OLD, OLD[:-1]), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("以前のもので監視を続ける"))
        assert running.says(f"decisions.yaml:4:11: 検知ルール '{OLD[:-1]}'")
        file.write_text(texts["over"], encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: [one.get("rule") for one in findings_in(found)].count(OLD) == 2)
        running.wait_for(lambda: any("は過ぎた" in line for line in running.told))
        told = running.metrics()
        assert told[f'otmon_findings_told_total{{rule="{OLD}",severity="medium"}}'] == 1
        assert told['otmon_decisions{state="lapsed"}'] == 1 and f"otmon_findings{{{labels}}}" in told
    states = [one["decision"]["state"] for one in findings_in(found) if one["rule"] == OLD]  # type: ignore[index]
    assert states == ["holds", "lapsed"]


def test_reloading_opens_the_file_of_findings_anew(wired: Wire, tmp_path: Path) -> None:
    found, moved = tmp_path / "findings.jsonl", tmp_path / "findings.1"
    with sensor(wired, *options(tmp_path)) as running:
        running.wait_for(found.exists)
        found.rename(moved)
        running.process.send_signal(signal.SIGHUP)
        running.wait_for(lambda: running.says("were read anew"))
        wired.send(frames_of(CAPTURE))
        running.wait_for(lambda: SETPOINT in rules_of(found))
    assert findings_in(moved) == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_is_ever_sent(wired: Wire, tmp_path: Path, workers: str) -> None:
    with inside(wired.namespace), Ring(wired.near) as plant:
        with sensor(wired, *options(tmp_path), "--workers", workers) as running:
            for _ in range(20):
                wired.send(frames_of("factory-day.pcapng"))
            # One judgement is enough for all of them where it begins late.
            running.wait_for(lambda: running.metrics()["otmon_judgements_total"] >= 1)
            running.wait_for((tmp_path / "plant.db").exists)
            running.end()
        assert plant.next(300) is None and plant.counts().received == 0
        # What anybody sends there would have been heard.
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as other:
            other.bind((wired.far, 0))
            other.send(bytes(60))
        heard = plant.next(5000)
        assert heard is not None and len(heard.start) == 1


def killed_under_load(wired: Wire, folder: Path, frames: list[bytes], turn: int) -> tuple[int, set[str]]:
    """A sensor that goes on where the one before was killed, and is killed itself. How many packets were
    sent, and which hosts came up before the last window."""
    path = folder / "plant.db"
    sent = 0
    came: list[tuple[float, str]] = []

    def send(some: list[bytes]) -> None:
        nonlocal sent
        wired.send(some)
        sent += len(some)

    with sensor(wired, *options(folder)) as running:
        assert running.says("did not end in order: what it saw after") == (turn > 0)
        send(frames)
        running.wait_for(path.exists)
        # Killed at different moments of saving and between two; now and then after several saves.
        seconds = 2 * LOST_S if turn % 10 == 5 else 0.3 + 0.13 * (turn % 7)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            host = f"10.66.{turn}.{len(came) % 250 + 1}"
            send([*frames[:200], tcp(host, "10.66.255.1", 10_000 + len(came) // 250, b"")])
            came.append((time.monotonic(), host))
            time.sleep(0.01)
        assert running.end(signal.SIGKILL)[0] == -signal.SIGKILL
    # A judgement and a save of a busy machine take their time as well.
    early = end - LOST_S - 3
    return sent, {host for when, host in came if when < early}


KILLS = int(os.environ.get("OTMON_KILLS", "6"))
"""`make kills` has fifty."""


def test_killed_at_any_time_the_ledger_opens_again(wired: Wire, tmp_path: Path) -> None:
    frames = frames_of("factory-day.pcapng")
    path = tmp_path / "plant.db"
    counted, hosts = 0, set[str]()
    for turn in range(KILLS):
        sent, early = killed_under_load(wired, tmp_path, frames, turn)
        ledger = load(path)
        kept = sum(source.packets for source in ledger.sources)
        assert counted <= kept <= counted + sent, turn
        # What only counts may be older; what is new is not, and what was known stays.
        hosts |= early
        assert hosts <= {one.client for one in ledger.conversations}, turn
        counted = kept
        hosts |= {one.client for one in ledger.conversations}
        status, told, _ = otmon("check", "--ledger", path, "--zones", MODEL)
        assert status in (0, 1) and f"{kept:,}" in told
    assert counted > 0
    with sensor(wired, *options(tmp_path)) as running:
        assert running.says("did not end in order")
        assert not list(tmp_path.glob(".*.part*"))
        assert running.end()[0] in (0, 1)
    with sensor(wired, *options(tmp_path)) as running:
        assert not running.says("did not end in order")


def flipped(data: bytes) -> bytes:
    """The page of the first table's rows says that it is of no kind there is."""
    return data[:PAGE_BYTES] + b"\x7f" + data[PAGE_BYTES + 1 :]


def rotten(data: bytes) -> bytes:
    """A character of an address is another one, which nothing but a digest can tell."""
    at = data.index(b"10.10.0.77") if b"10.10.0.77" in data else data.index(b"10.")
    return data[:at] + b"3" + data[at + 1 :]


def of_a_newer_version(data: bytes) -> bytes:
    """`user_version` stands in bytes 60 to 63 of an SQLite file."""
    return data[:60] + (SCHEMA_VERSION + 1).to_bytes(4, "big") + data[64:]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (flipped, "the ledger is damaged"),
        (rotten, "the ledger was altered or has rotted"),
        (lambda data: data[: len(data) // 2], "the ledger is damaged"),
        (lambda data: b"", "not a ledger of otmon"),
        (lambda data: bytes(4096) + data[4096:], "not a ledger of otmon"),
        (of_a_newer_version, "use a newer otmon"),
    ],
    ids=["flipped", "rotten", "cut", "empty", "zeros", "newer"],
)
def test_a_ledger_that_cannot_be_read_is_put_aside_and_it_goes_on(
    wired: Wire, tmp_path: Path, change: Callable[[bytes], bytes], why: str
) -> None:
    frames, path, found = frames_of(CAPTURE), tmp_path / "plant.db", tmp_path / "findings.jsonl"
    with sensor(wired, *options(tmp_path)) as running:
        wired.send(frames)
        running.wait_for(lambda: SETPOINT in rules_of(found))
        assert running.metrics()["otmon_ledgers_aside"] == 0
        assert running.end()[0] == 1
    broken = change(path.read_bytes())
    path.write_bytes(broken)
    found.unlink()
    with sensor(wired, *options(tmp_path)) as running:
        assert running.says(why) and running.says("it was put aside as"), running.said
        running.wait_for(lambda: "record-lost" in rules_of(found))
        assert running.metrics()["otmon_ledgers_aside"] == 1
        wired.send(frames)
        running.wait_until_judged(PACKETS, len(frames))
        # This ledger knows nothing of it, so it is told.
        assert SETPOINT in rules_of(found)
        running.wait_for(lambda: sum(one.packets for one in load(path).sources) == len(frames))
        assert running.end(signal.SIGKILL)[0] == -signal.SIGKILL
    (aside,) = tmp_path.glob("plant.db.aside-*")
    assert aside.read_bytes() == broken
    told = findings_in(found)
    with sensor(wired, *options(tmp_path)) as running:
        assert not running.says("put aside as") and running.metrics()["otmon_ledgers_aside"] == 1
        assert running.end()[0] == 1
    assert findings_in(found) == told
    status, _, _ = otmon("check", "--ledger", path, "--zones", MODEL)
    assert status == 1, "nothing of this ledger is damaged"
    assert sum(source.packets for source in load(path).sources) == len(frames)


def test_another_user_puts_a_ledger_aside_that_he_cannot_read(wired: Wire) -> None:
    """Such as one that root took from a back-up. Nothing is loaded by then that he could not reach."""
    with tempfile.TemporaryDirectory() as name:
        folder, nobody = Path(name), 65534
        folder.chmod(0o755)
        for place in ("plant.db", ".plant.db.told"):
            (folder / place).write_bytes(b"")
            (folder / place).chmod(0o600)
        os.chown(folder, nobody, nobody)
        words = ["--zones", str(ROOT / MODEL), "--ledger", str(folder / "plant.db"), "--user", "nobody"]
        with sensor(wired, *words) as running:
            assert running.says("Permission denied; it was put aside as"), running.said
            running.wait_for(lambda: any("record-lost" in line for line in running.told))
            running.wait_for((folder / "plant.db").exists)
            assert running.end()[0] == 1


def test_a_file_of_somebody_else_is_left_where_it_is(wired: Wire, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("what somebody wrote down", encoding="utf-8")
    for _ in range(2):
        with sensor(wired, "--ledger", str(path), listening=False) as running:
            assert running.ended() == 2
            assert running.says("not a ledger of otmon")
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_wrong_with_the_sensor_itself_is_said(wired: Wire, tmp_path: Path) -> None:
    with sensor(wired, "--silence", "1", "--ledger", str(tmp_path / "no" / "plant.db")) as running:
        running.wait_for(lambda: running.says("no packet for 1 seconds"))
        running.wait_for(lambda: running.says("the ledger was not written"))
        wired.send(frames_of(CAPTURE)[:3])
        running.wait_for(lambda: running.says("over: far0: no packet"))
        wired.run("ip", "link", "set", wired.far, "down")
        running.wait_for(lambda: running.says("far0: the interface is down"))
        metrics = running.metrics()
        assert metrics['otmon_interface_up{interface="far0"}'] == 0
        assert metrics['otmon_interface_downs_total{interface="far0"}'] == 1
        wired.run("ip", "link", "set", wired.far, "up")
        running.wait_for(lambda: running.says("over: far0: the interface is down"))
        # A cable that is out leaves it up, without a link.
        wired.run("ip", "link", "set", wired.near, "down")
        running.wait_for(lambda: running.metrics()['otmon_interface_downs_total{interface="far0"}'] == 2)
        assert running.metrics()['otmon_interface_up{interface="far0"}'] == 0
        (tmp_path / "no").mkdir()
        running.wait_for(lambda: running.says("over: ") and (tmp_path / "no" / "plant.db").exists())


def test_a_mirror_of_one_direction_is_said(wired: Wire) -> None:
    both = [one for one in frames_of("factory-day.pcapng") if one[12:14] == b"\x08\0" and one[23] == 6]
    to_servers = [one for one in both if int.from_bytes(one[36:38], "big") < 2_000]
    assert 100 < len(to_servers) < len(both)
    with sensor(wired, "--zones", "zones/factory.yaml") as running:
        wired.send(to_servers)
        running.wait_for(lambda: running.says("were seen in one direction only"))
        wired.send(both)
        running.wait_for(lambda: running.says("over: ") and running.says("both directions of its ports"))
        running.end()


def test_several_interfaces_make_one_picture(wired: Wire, tmp_path: Path) -> None:
    """Each is counted for itself, has its own trouble, and what is found on either is told."""
    frames, few = frames_of(CAPTURE), frames_of("factory-day.pcapng")[:100]
    with sensor(wired, *options(tmp_path), "--interface", wired.near, "--silence", "3") as running:
        assert running.says("listening on far0, near0")
        # Nothing is heard of what this machine sends at an interface itself.
        replace(wired, near=wired.far).send(frames)
        wired.send(few)
        running.wait_for(lambda: SETPOINT in rules_of(tmp_path / "findings.jsonl"))
        counted = [f'otmon_capture_packets_total{{interface="{name}"}}' for name in (wired.far, wired.near)]
        wanted = [len(few), len(frames)]
        running.wait_for(lambda: [running.metrics()[one] for one in counted] == wanted)
        entries = 'otmon_table_entries{interface="near0",table="operations"}'
        running.wait_for(lambda: running.metrics().get(entries, 0) >= 10)
        running.wait_for(lambda: running.says("near0: no packet for 3 seconds"))
        running.end()
    sources = {source.name: source.packets for source in load(tmp_path / "plant.db").sources}
    assert sources == {wired.far: len(few), wired.near: len(frames)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_password_is_in_anything_that_a_sensor_leaves(wired: Wire, tmp_path: Path, workers: str) -> None:
    """Neither while it runs nor where it is ended as a watchdog ends it, which would leave its memory on the
    disk; the ledger's log is read beside it."""
    packets, secrets = talks(time.time_ns())
    found = tmp_path / "findings.jsonl"
    with sensor(wired, *options(tmp_path)[2:], "--workers", workers, folder=tmp_path) as running:
        wired.send([one.data for one in packets])
        running.wait_for(lambda: "password-in-clear" in rules_of(found))
        running.wait_for((tmp_path / "plant.db").exists)
        running.wait_for(lambda: len(load(tmp_path / "plant.db").credentials) >= len(secrets))
        page = wired.run(sys.executable, "-c", ASK, "http://127.0.0.1:9877/metrics")
        written = _everything(tmp_path)
        assert running.end(signal.SIGABRT)[0] == -signal.SIGABRT
    said = b"".join((*written, *_everything(tmp_path), page.encode()))
    said += "\n".join((*running.said, *running.told)).encode()
    assert {one.protocol for one in load(tmp_path / "plant.db").credentials} == set(secrets)
    for protocol, secret in secrets.items():
        assert [trace for trace in traces(secret) if trace in said] == [], protocol


def _everything(folder: Path) -> list[bytes]:
    written = []
    for path in folder.rglob("*"):
        # A ledger that is being saved has another name until it is whole.
        with suppress(FileNotFoundError):
            if path.is_file():
                written.append(path.read_bytes())
    return written


def test_systemd_is_told(wired: Wire, tmp_path: Path) -> None:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "notify"))
    heard.settimeout(20)
    os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    try:
        with sensor(wired) as running:
            assert heard.recv(100) == b"READY=1"
            assert heard.recv(100) == b"WATCHDOG=1"
            running.end()
            states = set()
            while (state := heard.recv(100)) != b"STOPPING=1":
                states.add(state)
            assert states <= {b"WATCHDOG=1"}
    finally:
        del os.environ["NOTIFY_SOCKET"]
        heard.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--zones", "/nonexistent/model.yaml"], "zone model"),
        (["--metrics", "here"], "an address and a port"),
        (["--interface", "nothere0"], "no such interface"),
        (["--certificate", "a.pem"], "belong together"),
        (["--user", "no-such-user"], "no user"),
        (["--filter", "tcp prot 502"], "filter"),
        (["--filter", "vlan and tcp"], "vlan"),
        (["--json", "/nonexistent/folder/f.jsonl"], "No such file"),
    ],
)
def test_what_cannot_work_is_said_at_once(wired: Wire, words: list[str], expected: str) -> None:
    with sensor(wired, *words, listening=False) as running:
        assert running.ended() == 2
        assert running.says(expected), running.said


def test_a_filter_and_another_user(wired: Wire) -> None:
    # tmp_path can be entered by its owner alone.
    with tempfile.TemporaryDirectory(prefix="otmon-") as name:
        place = Path(name)
        place.chmod(0o777)
        words = ["--filter", "tcp port 502", "--user", "nobody", "--ledger", str(place / "plant.db")]
        with sensor(wired, *words) as running:
            wired.send(frames_of(CAPTURE))
            running.wait_for((place / "plant.db").exists)
            running.end()
        ledger = load(place / "plant.db")
        assert {one.port for one in ledger.conversations} == {502}
        assert (place / "plant.db").stat().st_uid != 0


def test_a_sensor_needs_an_interface() -> None:
    status, _, said = otmon("sensor")
    assert (status, one_line(said)) == (2, "otmon: name an interface with --interface\n")


_ASK_BY_TLS = """
import ssl, sys, urllib.request as ask
trusted = ssl.create_default_context(cafile=sys.argv[1])
print(ask.urlopen("https://localhost:9877/metrics", timeout=10, context=trusted).read().decode())
"""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl (Debian: apt-get install openssl)")
def test_metrics_by_tls(wired: Wire, tmp_path: Path) -> None:
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run([*made, *names], check=True, capture_output=True)
    with sensor(wired, "--certificate", certificate, "--key", key) as running:
        page = wired.run(sys.executable, "-c", _ASK_BY_TLS, certificate)
        assert "otmon_build_info" in page
        # Without TLS nothing is told.
        with pytest.raises(AssertionError):
            running.metrics()


@pytest.mark.slow
def test_a_full_ledger_ends_under_load_before_it_is_judged_and_loses_nothing(
    wired: Wire, tmp_path: Path
) -> None:
    """Forged senders fill every table, and go on to the end. How long that takes is measured elsewhere: here
    it counts that nothing waits for all of it to be judged, which takes twenty seconds of a processor."""
    path = tmp_path / "plant.db"
    hosts, over = 60_000, threading.Event()

    def flood() -> None:
        for number in itertools.count(hosts):
            if over.is_set():
                return
            wired.send(passing(number))
            time.sleep(0.001)

    with sensor(wired, *options(tmp_path)) as running:
        for begin in range(0, hosts, 500):
            wired.send([frame for number in range(begin, begin + 500) for frame in passing(number)])
            time.sleep(0.02)
        going_on = threading.Thread(target=flood)
        going_on.start()
        try:
            # Amid the first judgement of all of it, which takes longer.
            time.sleep(5)
            status, _ = running.end()
        finally:
            over.set()
            going_on.join()
        assert status in (0, 1), running.said
        assert running.says("the end did not wait for all facts to be judged")
    ledger = load(path)
    assert (len(ledger.conversations), len(ledger.assets)) == (LIMITS.conversations, LIMITS.assets)
    assert sum(source.packets for source in ledger.sources) >= 2 * hosts
    assert not (tmp_path / ".plant.db.open").exists()
