"""The roles of assets that otmon knows: of what kind a device of the role is, and what else people call it.

A plant may use roles of its own: permissions and rules name them as they name these. That one is not
known here only means that no check tells of which kind its devices are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from otmon.zones.model import Kind


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    kind: Kind | None
    """What its devices are for the structure of zones; None where that says nothing."""
    meaning: str
    synonyms: tuple[str, ...] = ()
    """Other ids that mean the same."""


ROLES: Final = (
    Role("plc", "control", "controller (PLC)", ("controller", "pac", "programmable-controller")),
    Role("rtu", "control", "remote terminal unit", ("remote-terminal-unit",)),
    Role("dcs", "control", "distributed control system", ("dcs-controller", "dcs-server")),
    Role(
        "hmi",
        "control",
        "operator panel",
        ("operator-panel", "operator-station", "touch-panel", "got", "hmi-pc"),
    ),
    Role("scada", "control", "supervision", ("scada-server", "supervisory", "line-pc")),
    Role("engineering-station", "control", "programs controllers", ("ews", "engineering-workstation")),
    Role("historian", "control", "keeps process values", ("data-logger", "historian-server")),
    Role(
        "remote-io", "control", "inputs and outputs", ("io", "io-module", "remote-i-o", "sensor", "actuator")
    ),
    Role("drive", "control", "drive, inverter", ("inverter", "servo", "vfd", "motor-drive")),
    Role("robot", "control", "robot and its controller", ("robot-controller",)),
    Role("cnc", "control", "machine tool", ("machine-tool", "nc")),
    Role(
        "gateway",
        "control",
        "joins industrial protocols or serial lines",
        ("protocol-gateway", "serial-gateway", "protocol-converter", "serial-server"),
    ),
    Role(
        "safety-plc", "safety", "safety controller", ("safety", "sis", "safety-controller", "esd", "fs-plc")
    ),
    Role(
        "office-pc",
        "business",
        "computer of an office",
        ("pc", "desktop", "desktop-pc", "workstation", "client-pc", "business-pc"),
    ),
    Role("printer", "business", "printer", ("copier", "mfp", "scanner")),
    Role("file-server", "business", "files", ("nas", "fileserver")),
    Role("mail-server", "business", "mail", ("mailserver",)),
    Role("erp", "business", "planning of the enterprise", ("erp-server", "sap")),
    Role("laptop", "temporary", "carried around", ("notebook", "notebook-pc", "mobile-pc")),
    Role(
        "maintenance-pc", "temporary", "of those who maintain", ("service-pc", "service-laptop", "vendor-pc")
    ),
    Role("test-equipment", "temporary", "connected to measure or test", ("analyser", "analyzer", "tester")),
    Role(
        "access-point",
        "wireless",
        "wireless access point",
        ("wireless-access-point", "wireless-ap", "wifi-ap", "wlan-ap", "ap", "wifi-access-point"),
    ),
    Role("wireless", "wireless", "any other device on radio", ("wifi", "wlan", "wireless-client", "radio")),
    Role(
        "handheld",
        "wireless",
        "hand-held terminal",
        ("handheld-terminal", "barcode-reader", "handy-terminal"),
    ),
    Role("phone", "wireless", "smartphone", ("smartphone", "mobile-phone")),
    Role("tablet", "wireless", "tablet", ("tablet-pc",)),
    Role(
        "remote-gateway",
        "external",
        "lets somebody in from outside",
        ("remote-access", "remote-access-gateway", "remote-maintenance", "remote-maintenance-gateway"),
    ),
    Role("vpn-gateway", "external", "end of a VPN", ("vpn", "vpn-router", "vpn-concentrator")),
    Role("modem", "external", "modem", ("dial-up", "lte-modem", "cellular-modem")),
    Role("mobile-router", "external", "router on a mobile network", ("cellular-router", "lte-router")),
    Role("cloud-gateway", "external", "sends to a cloud", ("iot-gateway", "edge-gateway")),
    Role("mes", None, "manufacturing execution", ("mes-server",)),
    Role(
        "monitoring", None, "watches devices or networks", ("monitor", "ids", "otmon", "sensor-probe", "siem")
    ),
    Role("camera", None, "camera", ("ip-camera", "cctv", "vision-sensor")),
    Role(
        "server", None, "a server of any other use", ("application-server", "database-server", "web-server")
    ),
    Role("domain-controller", None, "accounts and names", ("active-directory", "dns-server")),
    Role("time-server", None, "time", ("ntp-server", "clock")),
    Role("jump-host", None, "step of remote work between zones", ("jump-server", "bastion")),
    Role("router", None, "joins networks", ("l3-switch",)),
    Role("firewall", None, "enforces a boundary", ("fw", "utm")),
    Role("switch", None, "switch", ("l2-switch", "network-switch", "hub")),
)

JAPANESE: Final[Mapping[str, str]] = {
    "plc": "シーケンサ コントローラ プログラマブルコントローラ",
    "dcs": "分散制御システム",
    "hmi": "表示器 操作盤 操作パネル タッチパネル 操作端末 プログラマブル表示器",
    "scada": "監視盤 監視端末 監視制御 中央監視 監視制御システム",
    "engineering-station": "エンジニアリングステーション エンジニアリング端末 プログラミング端末",
    "historian": "ヒストリアン データロガ ロガ",
    "remote-io": "リモートio リモートi/o センサ アクチュエータ",
    "drive": "インバータ サーボ サーボアンプ",
    "robot": "ロボット ロボットコントローラ",
    "cnc": "工作機械 数値制御装置",
    "gateway": "ゲートウェイ プロトコル変換器",
    "safety-plc": "安全plc 安全コントローラ 安全計装",
    "office-pc": "事務pc 事務用pc 事務端末 パソコン デスクトップ デスクトップpc 業務pc 業務用pc",
    "printer": "プリンタ 複合機 コピー機 スキャナ ラベルプリンタ",
    "file-server": "ファイルサーバ",
    "mail-server": "メールサーバ",
    "erp": "基幹システム",
    "laptop": "ノートpc ノートパソコン",
    "maintenance-pc": "保守pc 保守用pc 保守端末 メンテナンスpc",
    "test-equipment": "測定器 計測器 試験機",
    "access-point": "アクセスポイント 無線ap 無線lanアクセスポイント",
    "wireless": "無線 無線端末",
    "handheld": "ハンディ ハンディターミナル ハンディ端末 バーコードリーダ",
    "phone": "スマートフォン スマホ 携帯電話",
    "tablet": "タブレット タブレット端末",
    "remote-gateway": "リモート保守 リモート保守装置 遠隔保守 遠隔保守装置",
    "vpn-gateway": "vpn装置 vpnルータ",
    "modem": "モデム",
    "mobile-router": "モバイルルータ lteルータ",
    "mes": "製造実行システム",
    "camera": "カメラ 監視カメラ ネットワークカメラ webカメラ",
    "server": "サーバ アプリケーションサーバ データベースサーバ webサーバ",
    "domain-controller": "ドメインコントローラ 認証サーバ dnsサーバ",
    "time-server": "時刻サーバ ntpサーバ",
    "jump-host": "踏み台 踏み台サーバ",
    "router": "ルータ l3スイッチ l3sw",
    "firewall": "ファイアウォール ファイヤーウォール",
    "switch": "スイッチ ハブ スイッチングハブ l2スイッチ l2sw",
}
"""Role -> what Japanese inventories call it, divided by blanks, without a long vowel at the end."""

BY_NAME: Final[Mapping[str, Role]] = {
    name: role for role in ROLES for name in (role.id, *role.synonyms, *JAPANESE.get(role.id, "").split())
}
"""Every name that is known, with its role."""


ROUTERS: Final = frozenset((
    "router", "firewall", "switch", "access-point", "gateway", "remote-gateway", "vpn-gateway",
    "cloud-gateway", "mobile-router", "modem",
))  # fmt: skip
"""Ids of the roles of what is there to stand between zones."""
FORWARDERS: Final = ROUTERS | {"jump-host"}
"""Ids of the roles of what may send for others, or in their name."""


def role_of(name: str) -> Role | None:
    """The role that an asset's role means, whatever its case and width and with `_` for `-`; None for one of
    a plant's own."""
    usual = unicodedata.normalize("NFKC", name).casefold().replace("_", "-")
    return BY_NAME.get(usual) or BY_NAME.get(usual.rstrip("ー"))


def one_name(name: str) -> str:
    """The same text for every name of a role: its id. One of a plant's own is as it stands."""
    known = role_of(name)
    return name if known is None else known.id


def may_forward(names: Iterable[str]) -> bool | None:
    """Whether an asset of these roles may send for others; None where they do not tell: it has none, or one
    of a plant's own."""
    known = [role_of(name) for name in names]
    if any(role is not None and role.id in FORWARDERS for role in known):
        return True
    return None if not known or None in known else False
