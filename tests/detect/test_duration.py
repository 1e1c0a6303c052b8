"""How long something took, as findings tell it."""

from __future__ import annotations

import pytest

from otmon.detect.duration import lasting
from otmon.findings.wording import worded


@pytest.mark.parametrize(
    ("time_ns", "en", "ja"),
    [
        (0, "0 ms", "0 ミリ秒"), (999_999_999, "999 ms", "999 ミリ秒"), (1_049_000_000, "1 s", "1 秒"),
        (59_960_000_000, "59.9 s", "59.9 秒"), (1_800_014_000_000, "30 min 0 s", "30 分 0 秒"),
        (86_399 * 10**9, "23 h 59 min", "23 時間 59 分"), (2_418_396 * 10**9, "27 d 23 h", "27 日 23 時間"),
    ],
)  # fmt: skip
def test_times_are_told_as_people_do(time_ns: int, en: str, ja: str) -> None:
    (told,) = lasting(time_ns)
    assert (worded(told, "en"), worded(told, "ja")) == (en, ja)
