"""Modbus and protocols: what is asked of controllers, how they answer, and what else is spoken."""

from __future__ import annotations

from typing import Any

from dashboards.source.panels import BAD, CARE, GOOD, bars, heat, lines, number, page, recorded

CHANGING = "write|control|program|configure"
ASKED = "instance_function_access:otmon_modbus_transactions:rate5m"
ANSWERS = "instance_from_zone_to_zone_le:otmon_modbus_response_seconds_bucket:rate5m"
ZONES = "{{from_zone}} → {{to_zone}}"


def protocols() -> Any:
    """For those who run the controllers."""
    asked = "otmon_modbus_transactions_total"
    return page(
        "otmon-protocols",
        "otmon: Modbus とプロトコル / Modbus and protocols",
        "制御機器への要求と応答、そのほかのプロトコル。 "
        "What is asked of controllers, how they answer, and what else is spoken.",
        [
            number(
                "トランザクション / Transactions per second",
                f"sum(rate({asked}{{{{which}}}}[5m]))", unit="reqps", width=6,
            ),
            number(
                "変更を伴うもの / Of these, such as change something",
                f'sum(rate({asked}{{access=~"{CHANGING}", {{which}}}}[5m])) or vector(0)',
                unit="reqps", width=6,
            ),
            number(
                "例外応答(1時間) / Refused in an hour",
                "sum(increase(otmon_modbus_exceptions_total{{which}}[1h]))",
                steps=[(None, GOOD), (1, CARE)], width=6,
            ),
            number(
                "応答なし(1時間) / Unanswered in an hour",
                "sum(increase(otmon_modbus_unanswered_total{{which}}[1h]))",
                steps=[(None, GOOD), (1, CARE), (100, BAD)], width=6,
            ),
            lines(
                "ファンクション / Functions",
                (f"sum by (function) ({recorded(ASKED)})",
                 "{{function}}"),
                unit="reqps",
            ),
            lines(
                "読み書きの別 / Access classes",
                (f"sum by (access) ({recorded(ASKED)})",
                 "{{access}}"),
                unit="reqps",
            ),
            lines(
                "応答時間の平均 / Mean response time",
                ("sum by (from_zone, to_zone) (rate(otmon_modbus_response_seconds_sum{{which}}[5m])) / "
                 "(sum by (from_zone, to_zone) (rate(otmon_modbus_response_seconds_count{{which}}[5m])) > 0)",
                 ZONES),
                unit="s",
            ),
            lines(
                "95%が収まる応答時間 / Response time of 95 %",
                (f"histogram_quantile(0.95, sum by (from_zone, to_zone, le) ({recorded(ANSWERS)}))",
                 ZONES),
                unit="s", about="応答の95%がこの時間内。 95 of 100 answers took no longer.",
            ),
            heat(
                "応答時間の分布 / Response times",
                f"sum by (le) ({recorded(ANSWERS)})",
                about="1秒あたりの応答数。 Answers per second.",
            ),
            lines(
                "応答時間の最大 / Longest response time",
                ("max by (from_zone, to_zone) (otmon_modbus_response_max_seconds{{which}})", ZONES),
                unit="s", about="観測を始めてからの最大。 Since the ledger began.",
            ),
            lines(
                "例外応答 / Refusals",
                ("sum by (exception) (rate(otmon_modbus_exceptions_total{{which}}[5m]))",
                 "例外 / exception {{exception}}"),
                ("sum(rate(otmon_modbus_unanswered_total{{which}}[5m]))", "応答なし / unanswered"),
                unit="reqps",
            ),
            lines(
                "不正なメッセージ / Malformed messages",
                ("sum by (reason) (rate(otmon_malformed_messages_total{{which}}[5m]))", "{{reason}}"),
                unit="reqps",
            ),
            bars(
                "プロトコル / Conversations by protocol",
                "sort_desc(sum by (protocol) (otmon_conversations{{which}}))", "{{protocol}}", width=12,
            ),
            bars(
                "層 / Packets by layer",
                "sort_desc(sum by (layer) (otmon_decoded_packets_total{{which}}) > 0)", "{{layer}}", width=12,
            ),
        ],
    )  # fmt: skip
