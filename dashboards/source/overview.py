"""Overview: is the plant's network as agreed?"""

from __future__ import annotations

from typing import Any

from dashboards.source.boundaries import STATE, STATES
from dashboards.source.panels import BAD, CARE, GOOD, lines, number, page, recorded, rows, states

OCTETS = "instance_interface:otmon_capture_bytes:rate5m"
NOTHING_WRONG = {0: ("なし / none", GOOD)}


def overview() -> Any:
    """For everybody: what stands, what is new, and whether it can be trusted."""
    counted = 'sum(otmon_findings{{severity="{severity}", {{which}}}})'
    return page(
        "otmon-overview",
        "otmon: 全体 / Overview",
        "工場のネットワークは取決めどおりか。 Is the plant's network as agreed?",
        [
            number(
                "緊急の検知 / Critical findings", counted.format(severity="critical"),
                steps=[(None, GOOD), (1, BAD)], words=NOTHING_WRONG,
            ),
            number(
                "重大な検知 / High findings", counted.format(severity="high"),
                steps=[(None, GOOD), (1, CARE)], words=NOTHING_WRONG,
            ),
            number(
                "破られた境界 / Boundaries violated", 'sum(otmon_boundary_state{state="violated", {which}})',
                steps=[(None, GOOD), (1, BAD)], words=NOTHING_WRONG,
            ),
            number(
                "確認できない境界 / Boundaries not observable",
                'sum(otmon_boundary_state{state="unobservable", {which}})',
                steps=[(None, GOOD), (1, CARE)], words=NOTHING_WRONG,
            ),
            number(
                "応答しないセンサ / Sensors that do not answer",
                'count(up{job="otmon", {which}} == 0) or vector(0)',
                steps=[(None, GOOD), (1, BAD)], words=NOTHING_WRONG,
            ),
            number(
                "取りこぼし / Packets dropped in an hour",
                "sum(increase(otmon_capture_dropped_packets_total{{which}}[1h]))",
                steps=[(None, GOOD), (1, CARE)],
                about="失われたものは判定できません。 What was lost cannot be judged.",
            ),
            states("境界の状態 / State of the boundaries", STATE, "{{boundary}}", STATES),
            lines(
                "検知の数 / Findings that stand",
                (f"sum by (severity) ({recorded('instance_severity:otmon_findings:sum')})", "{{severity}}"),
            ),
            rows(
                "検知 / Findings",
                'sum by (severity, rule, boundary) (otmon_findings{rule!="", {which}})',
                {"severity": "深刻度 / Severity", "rule": "規則 / Rule", "boundary": "境界 / Boundary",
                 "Value": "件数 / Count"},
                about="どの機器かは、センサの検知ファイル(--json)にあります。 "
                "Which hosts, is in the sensor's file of findings (--json).",
            ),
            rows(
                "受容した検知 / Findings decided about",
                "sum by (severity) (otmon_findings_decided{{which}})",
                {"severity": "深刻度 / Severity", "Value": "件数 / Count"},
                width=12,
                about="受容記録(--decisions)により警報の対象外です。 No alerts: --decisions covers them.",
            ),
            rows(
                "受容記録 / Decisions",
                "sum by (state) (otmon_decisions{{which}})",
                {"state": "状態 / State", "Value": "件数 / Count"},
                width=12,
                about="holds 有効、outgrown 受容時を超えた、lapsed 期限切れ、unmet 該当する検知なし。 "
                "What became of each decision.",
            ),
            lines(
                "通信量 / Traffic",
                (f"8 * sum by (instance, interface) ({recorded(OCTETS)})",
                 "{{instance}} {{interface}}"),
                unit="bps", width=8,
            ),
            rows(
                "検知からの時間 / Age of the findings",
                "sum by (severity, age) (otmon_findings_by_age{{which}}) > 0",
                {"severity": "深刻度 / Severity", "age": "経過 / Since", "Value": "件数 / Count"},
                width=8,
            ),
            rows(
                "発報中の警報 / Alerts",
                'sum by (alertname, severity, alertstate) (ALERTS{alertname=~"Otmon.*"})',
                {"alertname": "警報 / Alert", "severity": "重要度 / Severity",
                 "alertstate": "状態 / State", "Value": "件数 / Count"},
                width=8,
            ),
        ],
    )  # fmt: skip
