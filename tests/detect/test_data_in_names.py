"""Tunnels in names, and names that only look like them."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import replace
from pathlib import Path
from random import Random

from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.sample import ledger_of
from otmon.findings.judge import judge
from otmon.identity.question import TXT
from otmon.lab.frames import SECOND_NS, Host, Packet, udp_packet
from otmon.ledger.ledger import Ledger
from tests.detect import captures
from tests.detect.captures import LAPTOP, START_NS, WIRE
from tests.detect.plant import keys
from tests.identity.test_question import A, asked

RULE = "data-in-names"
PARAMETERS = shipped_rules()[RULE]
CARRIED, NAMES = PARAMETERS.number("carried"), PARAMETERS.number("names")
SERVER = Host("names", "10.1.0.53", "00:01:fc:30:01:53")
UPSTREAM = Host("upstream", "198.51.100.53", "00:09:0f:20:00:01")


def questions(
    texts: list[str], kind: int = A, ends: tuple[Host, Host] = (LAPTOP, SERVER), gap_ns: int = SECOND_NS
) -> list[Packet]:
    return [
        udp_packet(WIRE, START_NS + n * gap_ns, ends, (20_000 + n, 53), asked(text, kind), n & 0xFFFF, "x")
        for n, text in enumerate(texts)
    ]


def tunnel(size: int, domain: str = "t.example.org", seed: int = 1) -> list[str]:
    """Names that carry so many bytes, sixty each."""
    data = Random(seed).randbytes(size)
    parts = [b32encode(data[at : at + 30]).decode().lower() for at in range(0, size, 30)]
    return [f"{'.'.join(parts[at : at + 2])}.{domain}" for at in range(0, len(parts), 2)]


def test_a_tunnel_is_told_of_the_client_whatever_it_asks_for(tmp_path: Path) -> None:
    for kind in (A, TXT):
        (one,) = captures.found(RULE, questions(tunnel(2 * CARRIED), kind), tmp_path)
        assert (one.severity, one.link.client, one.link.server) == ("high", LAPTOP.address, SERVER.address)
        assert (one.place.from_zone, one.place.to_zone) == ("office", "control")
        assert dict(one.what.params) == {"client": LAPTOP.address, "domain": "example.org"}
        told = dict(one.why[0].params)
        # The entropy of short texts is a little less than that of what they are made of.
        assert 1.7 * CARRIED < int(told["carried"]) <= 2 * CARRIED
        assert one.extent == told["carried"]
        assert ("asks-for-text" in keys([one])) == (kind == TXT)
        assert captures.found(RULE, questions(tunnel(2 * CARRIED), kind), tmp_path, None)


def test_little_is_not_told_and_much_is_whatever_the_rate(tmp_path: Path) -> None:
    assert captures.found(RULE, questions(tunnel(CARRIED - 100)), tmp_path) == []
    assert captures.found(RULE, questions(tunnel(2 * CARRIED), gap_ns=SECOND_NS // 50), tmp_path)


def test_what_is_asked_again_and_what_is_spread_over_days_adds_up_to_nothing(tmp_path: Path) -> None:
    half = tunnel(CARRIED // 2)
    assert captures.found(RULE, questions(half * 6), tmp_path) == []
    days = [
        replace(packet, time_ns=packet.time_ns + day * 86_400 * SECOND_NS)
        for day in range(4)
        for packet in questions(tunnel(CARRIED // 2, seed=day))
    ]
    assert captures.found(RULE, days, tmp_path) == []


def test_many_answers_of_text_are_told_though_the_names_are_short(tmp_path: Path) -> None:
    def short(count: int, kind: int) -> list[Packet]:
        return questions([f"{n:x}.t.example.org" for n in range(count)], kind)

    (one,) = captures.found(RULE, short(2 * NAMES, TXT), tmp_path)
    assert keys([one])[:3] == ["data-in-names", "carried-in-names", "asks-for-text"]
    assert captures.found(RULE, short(2 * NAMES, A), tmp_path) == []
    assert captures.found(RULE, short(NAMES // 2, TXT), tmp_path) == []


def test_who_passes_it_on_is_not_told(tmp_path: Path) -> None:
    names = tunnel(2 * CARRIED)
    passed = questions(names, ends=(SERVER, UPSTREAM))
    (one,) = captures.found(RULE, [*questions(names), *passed], tmp_path)
    assert one.link.client == LAPTOP.address
    # Where only the way out is seen, the name server is what there is to tell of.
    (other,) = captures.found(RULE, passed, tmp_path)
    assert other.link.client == SERVER.address


def test_a_resolver_may_ask_for_what_its_clients_do(tmp_path: Path) -> None:
    """Each client asks for some machines of a cloud, and the resolver for all of them."""
    clients = [Host(f"pc-{n}", f"10.3.0.{n}", f"00:10:c6:77:06:{n:02x}") for n in range(1, 41)]
    packets: list[Packet] = []
    for n, client in enumerate(clients):
        names = [f"load-balancer-of-shop-{n:02d}-{m:04x}.eu-west-1.elb.amazonaws.com" for m in range(60)]
        packets += questions(names, ends=(client, SERVER)) + questions(names, ends=(SERVER, UPSTREAM))
        packets.append(udp_packet(WIRE, START_NS, (SERVER, client), (53, 20_000), answer(names[0]), n, "x"))
    assert captures.found(RULE, packets, tmp_path) == []
    # One who carries data is told all the same, and not the resolver.
    carried = tunnel(2 * CARRIED)
    packets += questions(carried, ends=(clients[7], SERVER)) + questions(carried, ends=(SERVER, UPSTREAM))
    (one,) = captures.found(RULE, packets, tmp_path)
    assert one.link.client == clients[7].address


def answer(text: str) -> bytes:
    """That there is no such name."""
    return asked(text)[:2] + b"\x81\x83" + asked(text)[4:]


def test_clients_that_are_forged_hide_no_tunnel(tmp_path: Path) -> None:
    names = tunnel(2 * CARRIED)
    forged = [Host(f"pc-{n}", f"10.3.0.{n}", LAPTOP.mac) for n in range(1, 61)]
    asked_for = [
        packet
        for n, host in enumerate(forged)
        for packet in (
            *questions([f"a-name-of-twenty-four-bytes-{n:03d}.t.example.org"], ends=(host, LAPTOP)),
            udp_packet(
                WIRE, START_NS + SECOND_NS, (LAPTOP, host), (53, 20_000), answer("x.example.org"), n, "x"
            ),
        )
    ]
    told = captures.found(RULE, [*asked_for, *questions(names)], tmp_path)
    assert [one.link.client for one in told] == [LAPTOP.address]


def test_two_who_ask_each_other_hide_nobody(tmp_path: Path) -> None:
    names = tunnel(2 * CARRIED)
    both = [*questions(names), *questions(names, ends=(SERVER, LAPTOP))]
    told = captures.found(RULE, both, tmp_path)
    assert {one.link.client for one in told} == {LAPTOP.address, SERVER.address}


def test_what_was_so_in_the_baseline_is_usual(tmp_path: Path) -> None:
    before = captures.replayed(questions(tunnel(2 * CARRIED)), tmp_path)
    after = questions(tunnel(3 * CARRIED, seed=2))
    assert captures.found(RULE, after, tmp_path, None, before) == []
    other = questions(tunnel(3 * CARRIED, "t.example.net", seed=2))
    assert len(captures.found(RULE, other, tmp_path, None, before)) == 1


def test_usual_long_names_are_none(tmp_path: Path) -> None:
    """Directory, addresses backwards, content networks, senders' keys, and what a search list makes."""
    hosts = [f"{word}-{n}" for word in ("settings", "prod", "telemetry", "update") for n in range(120)]
    usual = [
        *["_ldap._tcp.Default-First-Site-Name._sites.dc._msdcs.corp.example"] * 200,
        *[f"{n}.3.0.10.in-addr.arpa" for n in range(250)],
        *[".".join(f"{n:032x}") + ".ip6.arpa" for n in range(250)],
        *[f"{host}.westeurope.cloudapp.azure.com.corp.example" for host in hosts],
        *[f"d{n:012x}v.cloudfront.net" for n in range(300)],
        *[f"my-very-long-load-balancer-name-{n:x}.eu-west-1.elb.amazonaws.com" for n in range(40)],
    ]
    keys_of_senders = [f"selector{n % 9}._domainkey.shop{n}.example" for n in range(400)]
    packets = [*questions(usual), *questions(keys_of_senders, TXT)]
    assert captures.found(RULE, packets, tmp_path) == []


def test_a_ledger_that_lies_raises_nothing() -> None:
    facts = ledger_of(
        [{"names-asked": {"client": "10.3.0.1", "server": "10.1.0.53", "domain": "x.example", "times": "0"}}]
    )
    (lie,) = facts.names
    for times, carried, bits in ((0, 1 << 62, (1 << 1_024) - 1), (-5, -1, 0), (1 << 62, 1 << 62, 1)):
        odd = replace(lie, times=times, carried_bits=carried, names=bits)
        assert isinstance(judge(Ledger(names=(odd,)), None), tuple)
