from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.default_credentials import EACH
from otmon.findings.wording import worded
from otmon.ledger.facts import NEVER, Asset, Conversation, CredentialSeen
from tests.detect.plant import EWS, HMI, OTHER_PLC, PLC, PRINTER, at, found, keys
from tests.zones.facts import model

SEEN = CredentialSeen(
    HMI,
    PLC,
    "tcp",
    80,
    "http",
    "",
    "admin",
    "basic",
    "moxa-awk-1131a",
    "default",
    "accepted",
    2,
    1000,
    2000,
    at(1),
)
RULE = "default-credentials"


def talk(one: CredentialSeen) -> Conversation:
    return Conversation(
        one.client, one.server, one.transport, one.port, one.protocol, one.vlan, "", "handshake", True, 1, 0,
        5, 5, 500, 500, "", NEVER, 1, 1000, 2000, at(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("server", "outcome", "severity"),
    [
        (PLC, "accepted", "critical"),
        (PLC, "unknown", "high"),
        (PLC, "attempted", "high"),
        (PLC, "refused", "low"),
        (PRINTER, "accepted", "high"),
        (PRINTER, "unknown", "medium"),
    ],
)
def test_the_answer_and_the_zone_grade_it(server: str, outcome: str, severity: str) -> None:
    one = replace(SEEN, server=server, outcome=outcome)
    (finding,) = found(RULE, one, talk(one))
    assert finding.severity == severity and finding.what.key == f"default.{outcome}"
    assert (finding.count, finding.unit) == (2, "log-ins")
    assert found(RULE, one, plant=None)[0].severity in ("high", "medium", "low")


READABLE, OPEN = "password-in-clear", "login-without-password"
OF_PASSWORDS = "IEC 62443-3-3 SR 1.5, ETSI EN 303 645 5.1-1, JC-STAR S1.1-02"


@pytest.mark.parametrize(
    ("rule", "changed", "key", "items"),
    [
        (RULE, {}, "requirements-contradicted", OF_PASSWORDS),
        (RULE, {"outcome": "unknown"}, "requirements-open", OF_PASSWORDS),
        (RULE, {"outcome": "attempted"}, "requirements-open", OF_PASSWORDS),
        (RULE, {"outcome": "refused"}, "requirements-open", OF_PASSWORDS),
        # Everybody could read it, whatever the answer was.
        (
            READABLE, {"outcome": "refused", "kind": "clear", "entry": ""}, "requirements-contradicted",
            "IEC 62443-3-3 SR 1.5, IEC 62443-3-3 SR 4.1",
        ),
        (
            OPEN, {"kind": "anonymous", "method": "anonymous"}, "requirements-contradicted",
            "IEC 62443-3-3 SR 1.5, JC-STAR S1.1-01",
        ),
    ],
)  # fmt: skip
def test_a_log_in_can_only_contradict_requirements_and_says_so(
    rule: str, changed: dict[str, str], key: str, items: str
) -> None:
    (finding,) = found(rule, replace(SEEN, **changed))  # type: ignore[arg-type]
    told = finding.why[-1]
    assert (told.key, told.params) == (key, (("items", items),))
    words = [worded(told, language) for language in ("en", "ja")]
    if key == "requirements-contradicted":
        assert "confirms none" in words[0] and "of an encrypted log-in nobody can tell" in words[0]
        assert "適合を意味せず" in words[1] and "暗号化されたログインは判定できない" in words[1]
    else:
        assert "cannot be told" in words[0] and "判定できない" in words[1]
    assert {f"{one.scheme} {one.id}" for one in finding.references} >= set(items.split(", "))


def test_only_what_is_on_the_list_is_found() -> None:
    assert (
        found(RULE, *(replace(SEEN, kind=kind, entry="") for kind in ("clear", "empty", "anonymous"))) == []
    )


def test_several_outcomes_of_a_client_are_one_finding_with_the_gravest() -> None:
    facts = [replace(SEEN, outcome="refused", times=9), replace(SEEN, method="digest", outcome="unknown")]
    (finding,) = found(RULE, *facts)
    assert finding.what.key == "default.unknown" and finding.count == 2
    assert (finding.link.client, finding.link.server) == (HMI, PLC)
    two = found(RULE, SEEN, replace(SEEN, server=OTHER_PLC), replace(SEEN, account="root", entry="wago-root"))
    assert len(two) == 3


def test_a_second_client_is_news() -> None:
    (first,) = found(RULE, SEEN)
    both = found(RULE, SEEN, replace(SEEN, client=EWS, first_ns=5000, last_ns=6000))
    assert len(both) == 2 and first.key in {one.key for one in both}
    assert {one.link.client for one in both} == {HMI, EWS} and {one.link.server for one in both} == {PLC}


def test_of_very_many_clients_those_who_were_let_in_are_told_one_by_one() -> None:
    tried = [replace(SEEN, client=f"10.3.1.{n}", outcome="attempted", first_ns=n) for n in range(200)]
    some = found(RULE, *tried, replace(SEEN, client=EWS, first_ns=5000, last_ns=6000))
    assert len(some) == EACH + 1 and EWS in {one.link.client for one in some}
    (others,) = [one for one in some if one.link.client == PLC]
    assert "default-clients-more" in keys([others]) and others.what.key == "default.attempted"
    assert others.count == 2 * (200 - EACH + 1)
    # The one for the others stays the same as more come.
    assert others.key in {one.key for one in found(RULE, *tried)}


PLANT = """
    version: 1
    zones:
    - {{id: plc, importance: high, members: 10.2.0.0/24}}
    - {{id: control, importance: high, members: 10.1.0.0/24}}
    assets:
    - {{id: A-1, address: 10.2.0.1, vendor: "{vendor}"}}
"""


@pytest.mark.parametrize(
    ("vendor", "severity", "key"),
    [("Moxa Inc.", "high", "default-fits"), ("WAGO", "medium", "default-other-vendor")],
)
def test_an_entry_of_the_device_s_own_vendor_weighs_more(vendor: str, severity: str, key: str) -> None:
    one = replace(SEEN, outcome="unknown")
    (finding,) = found(RULE, one, talk(one), plant=model(PLANT.format(vendor=vendor)))
    assert finding.severity == severity and key in keys([finding])
    (sure,) = found(RULE, SEEN, talk(SEEN), plant=model(PLANT.format(vendor=vendor)))
    assert sure.severity == "critical"


def test_the_source_of_the_entry_is_named_and_those_that_are_alike() -> None:
    (finding,) = found(RULE, replace(SEEN, account="admin", entry="amcrest-admin"))
    said = {message.key: dict(message.params) for message in finding.why}
    assert said["default-entry"]["vendor"] == "Amcrest" and "http" in str(said["default-entry"]["url"])
    assert "default-alike-more" in said
    (other,) = found(RULE, replace(SEEN, entry="from-another-version"))
    assert keys([other])[1:] == ["default-entry-unknown", "requirements-contradicted"]


def sender(mac: str, address: str = PLC, packet: int = 3) -> Asset:
    return Asset(mac, address, "", 5, 500, 1, 0, (), 1000, 2000, at(packet))


@pytest.mark.parametrize(
    ("mac", "severity", "key"),
    [
        ("00:90:e8:01:02:03", "high", "default-mac-fits"),
        ("00:30:de:01:02:03", "medium", "default-mac-other-vendor"),
        # Espressif makes the interfaces of many vendors.
        ("24:0a:c4:01:02:03", "high", None),
        ("02:30:de:01:02:03", "high", None),
    ],
)
def test_without_an_inventory_the_mac_address_tells_the_vendor(
    mac: str, severity: str, key: str | None
) -> None:
    one = replace(SEEN, outcome="unknown")
    (finding,) = found(RULE, one, talk(one), sender(mac))
    assert finding.severity == severity
    assert {said for said in keys([finding]) if said.startswith("default-mac")} == ({key} if key else set())
    (sure,) = found(RULE, SEEN, talk(SEEN), sender(mac))
    assert sure.severity == "critical"


def test_the_inventory_is_asked_before_the_mac_address() -> None:
    one = replace(SEEN, outcome="unknown")
    plant = model(PLANT.format(vendor="WAGO"))
    (finding,) = found(RULE, one, talk(one), sender("00:90:e8:01:02:03"), plant=plant)
    assert finding.severity == "medium" and "default-other-vendor" in keys([finding])


COMMUNITY = replace(
    SEEN, transport="udp", port=161, protocol="snmp", account="", method="community", entry="snmp-public"
)


def test_a_monitor_of_many_devices_is_one_finding_with_what_each_answered() -> None:
    here = [replace(COMMUNITY, server=f"10.2.0.{n}") for n in range(1, 21)]
    off = [replace(COMMUNITY, server=f"10.2.0.{n}", outcome="attempted") for n in range(21, 31)]
    talks = [talk(one) for one in (*here, *off)]
    (one,) = found(RULE, *here, *off, *talks)
    assert (one.severity, one.count, one.link.client, one.link.server) == ("medium", 40, HMI, "")
    assert keys([one])[:3] == [
        "default-unnamed.accepted", "default-servers.accepted-more", "default-servers.attempted-more",
    ]  # fmt: skip
    assert dict(one.what.params)["server"] == "10.2.0.1 (+19)"
    # The one for all of them stays the same as more come.
    assert one.key == found(RULE, *here, *talks)[0].key
    assert len(found(RULE, *here[:8], *talks)) == 8
    assert [one.severity for one in found(RULE, *off, *talks)] == ["low"]


@pytest.mark.parametrize(
    ("entry", "outcome", "severity"),
    [
        ("snmp-public", "accepted", "medium"),
        ("snmp-public", "attempted", "low"),
        ("snmp-private", "accepted", "critical"),
        ("snmp-private", "attempted", "low"),
        ("from-another-version", "accepted", "critical"),
    ],
)
def test_a_community_for_reading_is_less_grave(entry: str, outcome: str, severity: str) -> None:
    one = replace(COMMUNITY, entry=entry, outcome=outcome)
    assert [found_.severity for found_ in found(RULE, one, talk(one))] == [severity]


def test_no_account_is_named_where_there_is_none_and_common_words_are_japanese() -> None:
    (one,) = found(RULE, COMMUNITY, talk(COMMUNITY))
    for language in ("en", "ja"):
        said = [worded(message, language) for message in (one.what, *one.why)]  # type: ignore[arg-type]
        assert " as " not in said[0] and "アカウント" not in said[0] and "-" not in said[0].split("(")[0]
        assert ("各社のSNMPエージェント(コミュニティ名)" in said[1]) == (language == "ja")
    (readable,) = found("password-in-clear", replace(COMMUNITY, kind="clear", entry=""), talk(COMMUNITY))
    assert readable.what.key == "matched.credential-unnamed"


def test_what_is_told_as_a_factory_password_is_not_told_again_as_readable() -> None:
    assert found(READABLE, SEEN, talk(SEEN)) == []
    assert len(found(READABLE, replace(SEEN, kind="clear", entry=""), talk(SEEN))) == 1
