"""Boundaries: the traffic against the agreement."""

from __future__ import annotations

from typing import Any

from dashboards.source.panels import BAD, CARE, GOOD, bars, lines, page, rows, states

STATE = (
    'max by (boundary) (2 * otmon_boundary_state{state="violated", {which}}'
    ' + ignoring (state) otmon_boundary_state{state="unobservable", {which}})'
)
STATES = {
    0: ("守られた / kept", GOOD),
    1: ("確認できない / unobservable", "#808080"),
    2: ("破られた / violated", BAD),
}
SIGHT = (
    'max by (zone) (2 * otmon_zone_sight{sight="unseen", {which}}'
    ' + ignoring (sight) otmon_zone_sight{sight="partly", {which}})'
)
SIGHTS = {
    0: ("見えている / seen", GOOD),
    1: ("一部のみ / partly", CARE),
    2: ("見えていない / not seen", "#808080"),
}
VERDICTS = "allowed|denied"


def boundaries() -> Any:
    """For those who own a boundary: what crosses it, and what of that nobody agreed on."""
    ends = {"boundary": "境界 / Boundary", "from_zone": "から / From", "to_zone": "へ / To"}
    return page(
        "otmon-boundaries",
        "otmon: 境界 / Boundaries",
        "境界を越えた通信と取決めの比較。 The traffic that crossed boundaries, against the agreement.",
        [
            states("境界の状態 / State of the boundaries", STATE, "{{boundary}}", STATES),
            states("ゾーンの観測状況 / How much of the zones is seen", SIGHT, "{{zone}}", SIGHTS),
            lines(
                "取決めのないパケット(5分間) / Denied packets in five minutes",
                ('sum by (boundary) (clamp_min(delta(otmon_zone_packets{verdict="denied", boundary!="", '
                 "{which}}[5m]), 0))", "{{boundary}}"),
                about="境界を越え、モデルが許可していないもの。 What crossed and the model does not allow.",
            ),
            lines(
                "許可されたパケット(5分間) / Allowed packets in five minutes",
                ('sum by (boundary) (clamp_min(delta(otmon_zone_packets{verdict="allowed", boundary!="", '
                 "{which}}[5m]), 0))", "{{boundary}}"),
            ),
            rows(
                "境界を越えた通信 / Conversations that crossed",
                "sum by (boundary, from_zone, to_zone, verdict) "
                '(otmon_zone_conversations{boundary!="", {which}})',
                ends | {"verdict": "判定 / Verdict", "Value": "件数 / Count"},
                height=10,
            ),
            rows(
                "境界のないゾーン間の通信 / Between zones that no boundary joins",
                "sum by (from_zone, to_zone) "
                '(otmon_zone_conversations{boundary="", verdict="denied", {which}})',
                {"from_zone": "から / From", "to_zone": "へ / To", "Value": "件数 / Count"},
                height=10,
                about="全て取決めのない通信です。 Every row is traffic that nobody agreed on.",
            ),
            bars(
                "境界ごとの検知 / Findings by boundary",
                'sum by (boundary) (otmon_findings{boundary!="", {which}})', "{{boundary}}",
            ),
            bars(
                "判定ごとの会話 / Conversations by verdict",
                "sum by (verdict) (otmon_zone_conversations{{which}})", "{{verdict}}",
            ),
            bars(
                "ゾーンの機器 / Senders by zone", "sum by (zone) (otmon_assets{{which}})", "{{zone}}",
            ),
        ],
    )  # fmt: skip
