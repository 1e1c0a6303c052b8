"""Sensor health: whether what the other pages say can be trusted."""

from __future__ import annotations

from typing import Any

from dashboards.source.panels import BAD, CARE, GOOD, lines, number, page, recorded, rows

PORT = "{{instance}} {{interface}}"


def sensor() -> Any:
    """For those who run the sensor."""
    return page(
        "otmon-sensor",
        "otmon: センサの状態 / Sensor health",
        "取りこぼし、保存、判定の遅れ。 Losses, saves, and how far judging lags behind.",
        [
            number(
                "応答 / Answers", 'min(up{job="otmon", {which}})',
                steps=[(None, BAD), (1, GOOD)], words={0: ("いいえ / no", BAD), 1: ("はい / yes", GOOD)},
            ),
            number(
                "インターフェース / Interfaces", "min(otmon_interface_up{{which}})",
                steps=[(None, BAD), (1, GOOD)],
                words={0: ("停止あり / one is down", BAD), 1: ("稼働 / up", GOOD)},
            ),
            number(
                "モデル / Zone model", "min(otmon_model_loaded{{which}})",
                steps=[(None, CARE), (1, GOOD)],
                words={0: ("誤りあり / has errors", CARE), 1: ("有効 / in force", GOOD)},
            ),
            number(
                "最後のパケットから / Since the latest packet",
                "time() - min(otmon_capture_last_packet_timestamp_seconds{{which}})",
                unit="s", steps=[(None, GOOD), (60, CARE), (300, BAD)],
            ),
            number(
                "最後の判定から / Since the last judgement",
                "time() - min(otmon_last_judgement_timestamp_seconds{{which}})",
                unit="s", steps=[(None, GOOD), (60, CARE), (300, BAD)],
            ),
            number(
                "最後の保存から / Since the last save",
                "time() - min(otmon_ledger_saved_timestamp_seconds{{which}})",
                unit="s", steps=[(None, GOOD), (120, CARE), (600, BAD)],
            ),
            lines("パケット / Packets",
                  (recorded("instance_interface:otmon_capture_packets:rate5m"), PORT), unit="pps"),
            lines(
                "取りこぼした割合 / Share that was dropped",
                (recorded("instance_interface:otmon_capture_dropped:ratio_rate5m"), PORT),
                unit="percentunit",
                about="失われたものは判定できません。 What was lost cannot be judged.",
            ),
            lines(
                "リングの使用率 / How full the ring is",
                ("max by (instance, interface) (otmon_capture_ring_fill_ratio{{which}})", PORT),
                unit="percentunit", most=1,
            ),
            lines(
                "テーブルの使用行数 / Rows of the tables in use",
                ("sum by (table) (otmon_table_entries{{which}})", "{{table}}"),
                about="満杯になると古い行が退き、数えられます。 Of a full one the oldest go, counted.",
            ),
            lines(
                "制限・読み飛ばし / What was limited or skipped",
                ("sum by (what) (rate(otmon_noted_total{{which}}[5m])) > 0 or "
                 "0 * sum(rate(otmon_capture_packets_total{{which}}[5m]))", "{{what}}"),
                unit="pps",
            ),
            lines(
                "判定と保存にかかる時間の割合 / Share of time for judging and saving",
                ("sum by (instance) (rate(otmon_judging_seconds_total{{which}}[5m]))",
                 "判定 / judging {{instance}}"),
                ("sum by (instance) (rate(otmon_ledger_saving_seconds_total{{which}}[5m]))",
                 "保存 / saving {{instance}}"),
                unit="percentunit",
            ),
            lines(
                "保存の失敗と入りきらない事実(1時間) / Failed saves and facts without a place in an hour",
                ("sum by (instance) (increase(otmon_ledger_failed_saves_total{{which}}[1h]))",
                 "保存の失敗 / failed saves {{instance}}"),
                ("sum by (instance, kind) (increase(otmon_ledger_missing_total{{which}}[1h]))",
                 "{{kind}} {{instance}}"),
                ("sum by (instance) (otmon_ledgers_aside{{which}})",
                 "退避した観測記録 / put aside {{instance}}"),
            ),
            lines(
                "忘れた事実(1日) / Facts that were forgotten in a day",
                ("sum by (instance) (increase(otmon_ledger_aged_total{{which}}[1d]))", "{{instance}}"),
                about="長く観測されなかったもの。 What was not seen for too long.",
            ),
            lines(
                "読取プロセスの再起動 / Reading processes started anew",
                ("increase(otmon_capture_restarts_total{{which}}[1h])", PORT), width=8,
            ),
            lines(
                "インターフェースの停止(1時間) / Interfaces that went down in an hour",
                ("increase(otmon_interface_downs_total{{which}}[1h])", PORT), width=8,
            ),
            lines(
                "カードの時計による時刻 / Packets with the card's own time",
                ("rate(otmon_capture_card_time_packets_total{{which}}[5m])", PORT), unit="pps", width=8,
            ),
            lines(
                "時計の補正 / What is added to the times of packets, as the clock is wrong",
                ("otmon_clock_correction_seconds{{which}}", PORT), unit="s", width=12,
            ),
            lines(
                "CPU", ('rate(process_cpu_seconds_total{job="otmon", {which}}[5m])', "{{instance}}"),
                unit="percentunit", width=12,
            ),
            lines(
                "メモリー / Memory", ('process_resident_memory_bytes{job="otmon", {which}}', "{{instance}}"),
                unit="bytes", width=12,
            ),
            lines(
                "証拠ファイル / Captures kept as evidence",
                ("sum by (instance) (otmon_evidence_files{{which}})", "{{instance}}"),
                ("sum by (instance) (otmon_evidence_missing_total{{which}})",
                 "{{instance}} なし / missing"), width=12,
            ),
            rows(
                "センサ / Sensors", "sum by (instance, version) (otmon_build_info{{which}})",
                {"instance": "センサ / Sensor", "version": "版 / Version", "Value": "数 / Count"},
                height=6,
            ),
            rows(
                "起動 / Started",
                "sum by (instance) (time() - otmon_start_time_seconds{{which}})",
                {"instance": "センサ / Sensor", "Value": "稼働秒数 / Seconds since the start"},
                height=6,
            ),
        ],
    )  # fmt: skip
