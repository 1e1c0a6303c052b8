"""The catalogue: every text in both languages, every key used, nothing steers a terminal."""

from __future__ import annotations

import ast
import errno
import os
import pickle
import re
import string
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otmon
from otmon.assets.changes import KINDS as KINDS_OF_CHANGE
from otmon.assets.changes import How as HowChanged
from otmon.assets.classify import CLASSES, Sureness
from otmon.capture.window import KINDS
from otmon.decode.fields import COUNTER_NAMES
from otmon.detect.broadcast_write import Way
from otmon.detect.dangerous_command import Danger
from otmon.detect.finding import SEVERITIES, say
from otmon.findings.standing import STATES as STANDINGS
from otmon.findings.wording import (
    LANGUAGES,
    catalogue,
    damage_detail,
    named,
    problem_lines,
    retold,
    text,
    visible,
    worded,
)
from otmon.identity.claim import ClaimKind
from otmon.lab.live.attack import Outcome as Played
from otmon.ledger.dialogues.dialogues import PROOFS_LEFT_OUT
from otmon.ledger.facts import Outcome as CredentialOutcome
from otmon.ledger.file.aside import RECORD_LOST
from otmon.ledger.ledger import KINDS as FACTS
from otmon.outputs.finding_sheet import COLUMNS as SHEET
from otmon.outputs.table import UNNOTED
from otmon.outputs.zone_picture import State as Drawn
from otmon.protocols.modbus import REASONS
from otmon.score.table import RANKING, STEPS, TECHNIQUES
from otmon.sentence import Complaint, both, either, placed, sentence
from otmon.zones.decide import LACKS, Outcome
from otmon.zones.decide import REASONS as VERDICTS
from otmon.zones.exchange.rule import UNSAID
from otmon.zones.files.document import parse
from otmon.zones.model import Boundary, Importance, Permission, Zone
from otmon.zones.review.check import CAUTIONS, WORDS
from otmon.zones.review.diff import How, Subject
from otmon.zones.review.effect import Outcome as Effected

SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in Path(otmon.__file__).parent.rglob("*.py"))
SIGNALS = re.findall(
    r'(?:_signal\(\s*|^        \()"([a-z-]+)", ',
    (Path(otmon.__file__).parent / "assets" / "signals.py").read_text(encoding="utf-8"),
    re.M,
)
FAMILIES = {
    *(f"severity.{one}" for one in SEVERITIES),
    *(f"sheet.{one}" for one, _ in SHEET),
    *(f"sheet.{one}" for one in STANDINGS if one != "unmet"),
    *(f"danger.{one}" for one in get_args(Danger)),
    *(f"broadcast.{one}" for one in get_args(Way)),
    *(f"damage.{kind}" for kind in (*KINDS, RECORD_LOST)),
    *(f"anomaly.{name}" for name, _ in REASONS if name and name != "lost-bytes"),
    *(f"reason.{one}" for one in VERDICTS),
    *(f"lack.{one}" for one in LACKS),
    *(f"diff.subject.{one}" for one in get_args(Subject)),
    *(f"diff.how.{one}" for one in get_args(How)),
    *(f"picture.{one}" for one in get_args(Drawn) if one != "plain"),
    *(
        f"diff.field.{one.name}"
        for kind in (Zone, Boundary, Permission)
        for one in fields(kind)
        if one.name not in ("line", "members", "permissions")
    ),
    *(f"diff.field.{one}" for one in ("place", "zone", "member")),
    *(f"diff.effect.{one}" for one in get_args(Effected)),
    *(f"diff.outcome.{one}" for one in get_args(Outcome)),
    *(f"changes.{one}" for one in KINDS_OF_CHANGE),
    *(f"changes.how.{one}" for one in get_args(HowChanged)),
    *(f"class.{one}" for one in CLASSES),
    *(f"claim.{one}" for one in get_args(ClaimKind)),
    *(f"sureness.{one}" for one in get_args(Sureness)),
    *(f"signal.{one}" for one in SIGNALS),
    *("diff.kept", "diff.known"),
    *(f"caution.{one}" for one in CAUTIONS),
    *(f"unsaid.{one}" for one in UNSAID),
    *(key for key in catalogue() if key.startswith("unsaid.word.")),
    *(f"caution.word.{one}" for one in WORDS),
    *(f"{part}importance.{one}" for part in ("", "picture.") for one in get_args(Importance)),
    *(f"table.unit.{one}" for one in ("packets", "transactions", "messages", "log-ins")),
    *(
        f"{kind}.{one}"
        for kind in ("default", "default-unnamed", "default-servers", "log-in")
        for one in get_args(CredentialOutcome)
    ),
    *(f"default-servers.{one}-more" for one in get_args(CredentialOutcome)),
    *(f"score.{one}" for one in ("found", "missed", "unseen", *RANKING, *STEPS, *TECHNIQUES)),
    *(f"lab.{one}" for one in get_args(Played) if one not in ("done", "nothing")),
    *(f"noted.{one}" for one in COUNTER_NAMES if not one.startswith(UNNOTED)),
    *(f"fact-kind.{one}" for one in (*FACTS, PROOFS_LEFT_OUT) if one != "sources"),
    *(key for key in catalogue() if key.startswith("damage-detail.")),
    *(f"doctor.{one}" for one in ("gro", "lro", "tso", "gso")),
    *(key for key in catalogue() if key.startswith(("said.", "foreign.", "help.", "usage."))),
}


CAPTURE = "\n".join(
    path.read_text(encoding="utf-8") for path in (Path(otmon.__file__).parent / "capture").glob("*.py")
)


def parameters(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name is not None}


@pytest.mark.parametrize("key", catalogue())
def test_a_text_is_there_in_both_languages_with_the_same_parameters(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    # A name has its own text in each language.
    assert key == "named" or parameters(texts["en"]) == parameters(texts["ja"])
    assert (
        re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", texts["ja"])
        or "{" in texts["ja"]
        or key in ("joint", "class.pc")
    )


def test_every_key_that_the_program_names_is_there() -> None:
    named = set(re.findall(r'\bsay(?:_some)?\(\s*"([^"{]+)"', SOURCES))
    named |= set(re.findall(r'\btext\(\s*"([^"{]+)"', SOURCES))
    assert named | FAMILIES <= set(catalogue()), (named | FAMILIES) - set(catalogue())


def test_every_key_is_used() -> None:
    quoted = set(re.findall(r"[\"']([a-z][\w.-]*)[\"']", SOURCES))
    used = quoted | FAMILIES | {f"{key}-more" for key in quoted} | {f"table.{key}" for key in quoted}
    assert set(catalogue()) <= used, set(catalogue()) - used


def test_what_damage_says_of_itself_is_said_in_both_languages() -> None:
    """Its texts are those that readers of captures write, whatever the numbers in them are called."""
    written = {re.sub(r"\{[^}]*\}", "{}", one) for one in re.findall(r'"([^"\n]*)"', CAPTURE)}
    for key in catalogue():
        if key.startswith("damage-detail."):
            assert re.sub(r"\{[^}]*\}", "{}", catalogue()[key]["en"]) in written, key
    detail = "a block of 1104 bytes, 675 are there"
    assert damage_detail(detail, "en") == detail
    assert damage_detail(detail, "ja") == "ブロック 1104 バイトのうち 675 バイトのみ"
    assert damage_detail("by 0.500000 s", "ja") == "0.500000 秒"
    for other in ("gzip: Error -3", "", "a block of \x1b bytes, 1 are there"):
        assert damage_detail(other, "ja") == visible(other)


PACKAGE = Path(otmon.__file__).parent
IN_ENGLISH_ONLY = (
    "cli/options.py", "zones/exchange/draft.py", "zones/learning/learntfile.py",
)  # fmt: skip
"""Where `verbatim` may stand: what others have said, lines of a model."""


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Where the program calls a function of this name, other than where it is defined."""
    return ((path, call) for path, called, call in _calls() if called == name)


@cache
def _calls() -> list[tuple[Path, str, ast.Call]]:
    return [
        (path.relative_to(PACKAGE), node.func.id, node)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "sentence.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


OF_SENTENCES = {
    "{text}",
    "{place}: {text}",
    "{one} or {other}",
    "{one} and {other}",
    "{some} and {more} more",
}
"""Forms of `otmon.sentence` itself."""


def test_every_sentence_that_a_stage_says_has_its_text_in_both_languages() -> None:
    known = {said["en"] for key, said in catalogue().items() if key.startswith("said.")}
    said = set(OF_SENTENCES)
    for path, call in calls("sentence"):
        form = call.args[0]
        assert isinstance(form, ast.Constant), f"{path}:{call.lineno}: the form is not written out"
        assert form.value in known, f"{path}:{call.lineno}: {form.value!r} is not in the catalogue"
        given = {one.arg for one in call.keywords}
        assert None in given or given == parameters(form.value), f"{path}:{call.lineno}"
        said.add(form.value)
    assert said == known, known - said


def test_errors_of_model_files_are_sentences() -> None:
    """Types tell it of most; of what stands in an annotation they do not."""
    for name in ("Leaf", "Short", "wrong"):
        for path, call in calls(name):
            what = call.args[0]
            assert not isinstance(what, ast.Constant | ast.JoinedStr), f"{path}:{call.lineno}"


def test_only_few_say_something_in_english_only() -> None:
    for path, call in calls("verbatim"):
        assert path.as_posix().startswith(IN_ENGLISH_ONLY), f"{path}:{call.lineno}"


def test_a_sentence_is_told_with_the_sentences_in_it() -> None:
    what = sentence("{found} does not fit here, expected {expected}", found="'x'", expected=sentence("an id"))
    assert what == "'x' does not fit here, expected an id"
    assert retold(what, "en") == what
    assert retold(what, "ja") == "ここには書けない値: 'x'。id(識別名)を書く"
    several = sentence("listening on {names}", names=("eth1", "eth2"))
    assert (several, retold(several, "ja")) == ("listening on eth1, eth2", "監視を開始: eth1、eth2")
    assert retold(either(["a"]), "ja") == "a"
    assert retold(both(["a", "b", "c"]), "ja") == "a、b と c"


def test_a_sentence_may_stand_in_a_message() -> None:
    said = say("answer.odd", column="時刻", what=sentence("the error {name}", name="#REF!"))
    assert worded(said, "en") == "時刻: the error #REF!"
    assert worded(said, "ja") == "時刻: 文字列ではない(エラー値 #REF!)"


def test_a_sentence_of_a_version_that_knows_more_stays_english() -> None:
    what = sentence("ducks on {place}", place="pond")
    assert retold(what, "ja") == "ducks on pond"
    assert retold("ducks", "ja") == "ducks"


def test_what_the_system_and_the_reader_of_yaml_say_is_told() -> None:
    for key, said in catalogue().items():
        if key.startswith("foreign.system.") and not said["en"].startswith("no "):
            assert said["en"] in {os.strerror(number) for number in errno.errorcode}, key
    assert retold("Permission denied", "ja") == "アクセス権がない"
    document = parse("m.yaml", b"zones:\n- id: a\n\tb: c\n")
    (line,) = problem_lines(document.problems, "ja")
    assert line.startswith("m.yaml:3:1: YAMLとして正しくない: ") and "タブ" in line
    for model in ("a: b: c", "[a", "{a", "a: 'b", "a:\n  - b\n c: d", "x\ny: z", "a: @b", "a: *b c"):
        problems = parse("m.yaml", model.encode()).problems
        assert problems, model
        for line in problem_lines(problems, "ja"):
            # Names of YAML's own may stand in it, and no word of English besides.
            assert not re.search("[a-z]{3}", re.sub("m.yaml|<[a-z ]+>|'[^']*'", "", line)), line


def test_a_sentence_can_go_to_another_process() -> None:
    error = Complaint(placed("eth1", sentence("the interface is down")))
    copy = pickle.loads(pickle.dumps(error))
    assert retold(copy.why, "ja") == "eth1: インターフェースが停止している"


def test_a_name_that_this_version_does_not_know_is_shown_as_it_is() -> None:
    assert named("noted", "duplicate frames", "ja") == "重複フレーム"
    assert named("noted", "ducks\x1b", "ja") == "ducks\\x1b"


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\r\n", "\u202eabc", "\x9b1m", "\u2066", "\x00", "\u200b", "\udcff"]
)
def test_what_could_steer_a_terminal_is_made_visible(evil: str) -> None:
    shown = visible(f"a{evil}b")
    assert shown.isprintable()
    assert shown.startswith("a") and shown.endswith("b") and len(shown) > 3
    assert shown in text("stranger", "en", address=f"a{evil}b")


@given(st.text())
def test_what_is_printable_stays_as_it_is(value: str) -> None:
    assert visible(value).isprintable() or visible(value) == ""
    if value.isprintable():
        assert visible(value) == value


@given(st.text(), st.sampled_from(LANGUAGES))
def test_braces_in_a_value_are_no_parameters(value: str, language) -> None:  # type: ignore[no-untyped-def]
    assert visible(value) in worded(say("stranger", address=value), language)


def test_a_list_of_messages_is_joined() -> None:
    lacks = (say("lack.port", allowed="502", seen="503"), say("lack.unit", allowed="1", seen="2"))
    message = say("nearest", permission="p", line="m.yaml:7", lacks=lacks)
    assert worded(message, "en").endswith("port 502, not 503; unit 1, not 2")
    assert "、" in worded(message, "ja")
