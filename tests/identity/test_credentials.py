from __future__ import annotations

from dataclasses import replace
from hashlib import md5

import pytest

from otmon.identity.credentials import (
    CredentialsError,
    Entry,
    read_credentials,
    shipped_credentials,
)
from otmon.identity.login import LogIn, Seen
from otmon.identity.proof_budget import SECOND_NS, SECOND_UNITS, ProofBudget
from otmon.identity.registry import IDS

SEEN = Seen(1, 1, 0)
FILE = """\
vendor: Moxa
names: [moxa, moxa technologies]
entries:
  - id: moxa-b
    devices: AWK
    account: admin
    password: root
    protocols: [http, telnet]
    source: {title: Manual, url: "https://example.com/"}
  - id: moxa-a
    devices: EDS
    account: admin
    password: ""
    source: {title: Manual, url: "https://example.com/"}
  - id: moxa-c
    devices: EDS
    account: ""
    password: public
    protocols: [snmp]
    source: {title: Manual, url: "https://example.com/"}
"""


def log_in(account: bytes, secret: bytes) -> LogIn:
    return LogIn(account, "plain", "accepted", SEEN, secret=secret)


def test_what_is_on_the_list_is_found_for_its_protocols() -> None:
    known = read_credentials([("x.yml", FILE.encode())])

    def name(one: LogIn, protocol: str) -> str | None:
        entry = known.matching(one, protocol)
        return None if entry is None else entry.id

    assert name(log_in(b"admin", b"root"), "http") == "moxa-b"
    assert name(log_in(b"admin", b"root"), "ftp") is None
    assert name(log_in(b"Admin", b"root"), "http") is None
    assert name(log_in(b"admin", b""), "ftp") == "moxa-a"
    assert name(log_in(b"", b"public"), "snmp") == "moxa-c"
    assert name(log_in(b"", b"public"), "telnet") is None
    assert known.lists("MOXA TECHNOLOGIES CORP.") and not known.lists("Espressif Inc.")
    assert [one.id for one in known.alike("moxa-b", "http")] == ["moxa-b"]
    assert known.alike("moxa-b", "ftp") == known.alike("nobody", "ftp") == ()


def test_a_proof_is_recomputed_from_each_password_of_the_account() -> None:
    known = read_credentials([("x.yml", FILE.encode())])
    target = md5(b"nonceroot").digest()
    proof = LogIn(b"admin", "x", "accepted", SEEN, proves=lambda one: md5(b"nonce" + one).digest() == target)
    found = known.matching(proof, "http")
    assert found is not None and found.id == "moxa-b"
    assert known.matching(proof, "ftp") is None
    assert known.matching(LogIn(b"eve", "x", "accepted", SEEN, proves=lambda one: True), "http") is None


@pytest.mark.parametrize("method", ["ntlm", "ntlmv2", "mschap", "mschapv2"])
def test_systems_of_microsoft_take_an_account_in_any_case(method: str) -> None:
    known = read_credentials([("x.yml", FILE.encode())])
    for account in (b"admin", b"ADMIN", b"Admin", b"PLANT\\Admin"):
        one = LogIn(account, method, "accepted", SEEN, proves=lambda password: password == b"root")
        found = known.matching(one, "http")
        assert found is not None and found.id == "moxa-b"
        assert known.matching(replace(one, method="digest"), "http") == (
            found if account == b"admin" else None
        )
    for account in (b"admins", b"adm\xff", b"admin\\plant"):
        one = LogIn(account, method, "accepted", SEEN, proves=lambda password: True)
        assert known.matching(one, "http") is None


def test_a_proof_that_costs_too_much_is_left_out_and_counted() -> None:
    known = read_credentials([("x.yml", FILE.encode())])
    tried: list[bytes] = []

    def proves(password: bytes) -> bool:
        tried.append(password)
        return False

    proof = LogIn(b"admin", "x", "accepted", SEEN, proves=proves, cost=lambda password: SECOND_UNITS // 2 + 1)
    budget = ProofBudget()
    assert known.matching(proof, "http", budget) is None
    assert (len(tried), budget.take_left_out()) == (1, 1)
    later = replace(proof, seen=Seen(SEEN.time_ns + SECOND_NS, 2, 0))
    assert known.matching(later, "http", budget) is None and len(tried) == 2
    assert known.matching(proof, "http") is None and len(tried) == 4


def test_users_of_snmp_version_3_are_accounts() -> None:
    known = read_credentials([("x.yml", FILE.encode())])
    proof = LogIn(b"admin", "usm", "accepted", SEEN, proves=lambda one: one == b"")
    found = known.matching(proof, "snmp")
    assert found is not None and found.id == "moxa-a"


def test_vendors_are_known_by_whole_words() -> None:
    entry = read_credentials([("x.yml", FILE.encode())]).entries[0]
    assert (
        entry.is_of("MOXA Inc.") and entry.is_of("moxa") and not entry.is_of("Moxart") and not entry.is_of("")
    )


def test_all_errors_come_at_once_with_their_lines() -> None:
    wrong = """\
vendor: X
colour: red
entries:
  - id: Not An Id
    devices: a
    account: a
    password:
    protocols: [gopher]
    source: {title: t, url: "ftp://x"}
  - id: b
    account: "a\\nb"
    password: c
    source: {title: "", url: "https://x"}
    id: c
  - just text
"""
    with pytest.raises(CredentialsError) as raised:
        read_credentials(
            [("x.yml", wrong.encode()), ("y.yml", b"a: ["), ("z.yml", b""), ("u.yml", b"\xff\xfe\xfd")]
        )
    told = list(raised.value.problems)
    lines = [":".join(line.split(":")[:2]) for line in told]
    assert {f"x.yml:{line}" for line in (2, 4, 7, 8, 9, 10, 11, 13, 14, 15)} <= set(lines)
    assert {line.partition(":")[0] for line in lines} == {"x.yml", "y.yml", "z.yml", "u.yml"}
    assert "gopher" in str(raised.value)


def test_ids_are_unique() -> None:
    with pytest.raises(CredentialsError, match=r"y\.yml:4: a second entry 'moxa-b', expected one"):
        read_credentials([("x.yml", FILE.encode()), ("y.yml", FILE.encode())])


def test_the_list_of_the_program() -> None:
    entries = shipped_credentials().entries
    assert len(entries) > 400
    for one in entries:
        assert one.title and one.url.startswith("http") and one.protocols and set(one.protocols) <= set(IDS)
        assert one.account or set(one.protocols) <= {"snmp", "vnc", "http"}, one.id


def test_no_text_of_an_entry_shows_its_password() -> None:
    one = read_credentials([("x.yml", FILE.replace("root", "hunter2").encode())]).entries[1]
    assert isinstance(one, Entry) and one.password == b"hunter2" and "hunter2" not in repr(one)
