"""Assets and devices: how many there are and where, and how many nobody knows."""

from __future__ import annotations

from typing import Any

from dashboards.source.panels import BAD, CARE, GOOD, bars, lines, number, page, rows, words

WHO = """
機器の名前はメトリクスに出しません。一覧は台帳にあります: `otmon check --ledger plant.db --lang ja`
モデルの下書き: `otmon zones learn plant.db -o draft.yaml`

Metrics name no device. The ledger lists them: `otmon check --ledger plant.db`;
a draft of a model of them: `otmon zones learn plant.db -o draft.yaml`
"""


def assets() -> Any:
    """For those who keep the inventory."""
    return page(
        "otmon-assets",
        "otmon: 機器 / Assets and devices",
        "機器の数と場所、そして誰も知らない機器。 How many there are, where, and how many nobody knows.",
        [
            number("送信した機器 / Senders", 'sum(otmon_ledger_facts{kind="assets", {which}})', width=6),
            number(
                "どのゾーンにも属さない機器 / In no zone",
                'sum(otmon_assets{zone="unknown", {which}}) or vector(0)',
                steps=[(None, GOOD), (1, CARE)], width=6,
            ),
            number(
                "新しい機器(24時間) / New within a day",
                'sum(clamp_min(delta(otmon_ledger_facts{kind="assets", {which}}[24h]), 0))',
                unit="none", width=6,
            ),
            number(
                "インターネットとの会話 / Conversations with the Internet",
                'sum(otmon_zone_conversations{to_zone="internet", {which}} '
                'or otmon_zone_conversations{from_zone="internet", {which}}) or vector(0)',
                steps=[(None, GOOD), (1, CARE)], width=6,
            ),
            number(
                "台帳にない機器 / Not in the inventory",
                "sum(otmon_unauthorised_devices{{which}}) or vector(0)",
                steps=[(None, GOOD), (1, BAD)], width=6,
                about="資産台帳のあるゾーンで数えます。 Counted in zones with an inventory.",
            ),
            number(
                "初期パスワードでのログイン / Log-ins by default passwords",
                'sum(otmon_log_ins_total{secret="default", outcome!="refused", {which}})',
                steps=[(None, GOOD), (1, BAD)], width=6,
            ),
            number(
                "パスワードなしのログイン / Log-ins without a password",
                'sum(otmon_log_ins_total{secret=~"empty|anonymous", outcome!="refused", {which}})',
                steps=[(None, GOOD), (1, CARE)], width=6,
            ),
            number(
                "読み取れるパスワード / Passwords that can be read",
                'sum(otmon_log_ins_total{secret="clear", {which}})',
                steps=[(None, GOOD), (1, CARE)], width=6,
            ),
            rows(
                "機器の種類 / Kinds of devices",
                "sum by (zone, class) (otmon_devices{{which}})",
                {"zone": "ゾーン / Zone", "class": "種類 / Class", "Value": "台数 / Devices"},
            ),
            bars("ゾーンごと / By zone", "sum by (zone) (otmon_assets{{which}})", "{{zone}}", width=12),
            lines("ゾーンごとの推移 / By zone over time",
                  ("sum by (zone) (otmon_assets{{which}})", "{{zone}}")),
            lines(
                "台帳の事実 / Facts in the ledger",
                ("sum by (kind) (otmon_ledger_facts{{which}})", "{{kind}}"),
                about="増え続けるなら走査か氾濫です。 Growth without end is a scan or a flood.",
            ),
            bars(
                "アドレスに関する検知 / Findings about addresses",
                'sum by (rule) (otmon_findings{rule=~".*address.*|internet-contact", {which}})', "{{rule}}",
                width=24,
            ),
            words("どの機器か / Which devices", WHO.strip(), height=5),
        ],
    )  # fmt: skip
