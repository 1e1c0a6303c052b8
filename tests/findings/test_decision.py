from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.findings.decision import PERMITTED, permitted


def test_what_the_zone_model_can_allow_is_nothing_to_decide_about() -> None:
    assert set(PERMITTED) < set(shipped_rules())
    said = permitted("unlisted-traffic")
    assert said is not None and "expected a permission" in said


@pytest.mark.parametrize("rule", ["default-credentials", "unsupported-system", "modbus-scan", "random-mac"])
def test_others_are(rule: str) -> None:
    assert rule in shipped_rules() and permitted(rule) is None
