from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.files.document import MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, parse, plain, position, quoted

TEXT = b"""\
# a comment
zones:
  - id: no
    port: [0x10, '1.10', ~, null, "", 12:30]
  - &shared
    name: {ja: \xe5\xb7\xa5\xe5\xa0\xb4, en: Plant}
other: *shared
"""


def read(data: bytes) -> Any:
    document = parse("m.yaml", data)
    assert not document.problems
    assert document.root is not None
    return document.root


def problems(data: bytes) -> list[str]:
    return [str(problem) for problem in parse("m.yaml", data).problems]


def test_every_value_is_the_text_that_stands_there() -> None:
    shared = {"name": {"ja": "工場", "en": "Plant"}}
    assert plain(read(TEXT)) == {
        "zones": [{"id": "no", "port": ["0x10", "1.10", None, None, "", "12:30"]}, shared],
        "other": shared,
    }


@pytest.mark.parametrize(
    ("path", "of_key", "expected"),
    [
        ((), False, (2, 1)),
        (("zones",), True, (2, 1)),
        (("zones", 0), False, (3, 5)),
        (("zones", 0, "id"), False, (3, 9)),
        (("zones", 0, "id"), True, (3, 5)),
        (("zones", 0, "port", 1), False, (4, 18)),
        (("zones", 0, "absent"), False, (3, 5)),
        (("zones", 0, "absent", 3), True, (3, 5)),
        (("zones", 9), False, (3, 3)),
        (("zones", 1, "name", "en"), False, (6, 24)),
        (("other", "name", "en"), False, (6, 24)),
    ],
)
def test_positions(path: tuple[int | str, ...], of_key: bool, expected: tuple[int, int]) -> None:
    assert position(read(TEXT), path, of_key=of_key) == expected


@pytest.mark.parametrize("lines", [b"a: 1\r\nb: [\r\n", b"a: 1\rb: [\r", b"\xef\xbb\xbfa: 1\nb: [\n"])
def test_lines_are_counted_for_every_line_end(lines: bytes) -> None:
    (problem,) = parse("m.yaml", lines).problems
    assert (problem.line, problem.column) == (3, 1)


def test_bytes_that_are_no_text_are_named() -> None:
    assert problems(b"\xef\xbb\xbfa: 1\nb: \xff\n") == [
        "m.yaml:2:4: byte 0xff is not UTF-8, expected a text file in UTF-8"
    ]
    assert problems("a: 1\nb: 工\x07\n".encode()) == [
        "m.yaml:2:5: character U+0007 is not allowed in YAML, expected printable text"
    ]


def test_an_alias_bomb_is_counted_and_not_written_out() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 20))
    (said,) = problems(bomb.encode())
    assert said.endswith(f"more than {MAX_NODES} values with all aliases written out, expected fewer")


def test_depth_is_bounded_also_through_aliases() -> None:
    (said,) = problems(b"[" * 100_000)
    assert said == f"m.yaml:1:{MAX_DEPTH + 1}: nested too deeply, expected at most {MAX_DEPTH} levels"
    nested = "".join(f"- &a{n} [{f'*a{n - 1}' if n else 'x'}]\n" for n in range(2 * MAX_DEPTH))
    (said,) = problems(nested.encode())
    assert "nested too deeply" in said


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    (said,) = problems(b"a: &x [*x]\n")
    assert (
        said == "m.yaml:1:8: alias '*x' has no complete anchor before it, expected '&x' on an earlier value"
    )


def test_size_is_bounded() -> None:
    assert len(problems(b"#" * MAX_FILE_BYTES)) == 0
    (said,) = problems(b"#" * (MAX_FILE_BYTES + 1))
    assert said.startswith("m.yaml: more than")


def test_several_problems_of_one_file_are_all_told() -> None:
    assert problems(b"a: !!int 1\na: 2\n[1]: 3\n? b\n") == [
        "m.yaml:1:4: tag 'tag:yaml.org,2002:int' is not allowed, expected a plain value",
        "m.yaml:2:1: duplicate key 'a', expected it once (first on line 1)",
        "m.yaml:3:1: this key is not a text, expected a name such as `id`",
    ]


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_tree_or_a_problem(data: bytes) -> None:
    document = parse("m.yaml", data)
    if document.root is not None:
        plain(document.root)
    for problem in document.problems:
        assert "\n" not in str(problem)


def test_a_long_text_is_cut_for_messages() -> None:
    assert quoted("a\n" * 100) == repr(("a\n" * 100)[:57] + "...")
    assert quoted("工場") == "'工場'"
