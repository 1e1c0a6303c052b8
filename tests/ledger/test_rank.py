"""What is kept at a limit: the same by the facts' text and by the tables' numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.batch import Batch
from otmon.capture.sources import read
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.row_ranks import rank_of_assets, rank_of_flows, rank_of_operations
from otmon.ledger.harvest.rows import no_rows, rows_in_use
from otmon.ledger.ledger import Ledger, Limits
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.packets.observe import observe
from otmon.ledger.rank import (
    NO_BARS,
    OFTEN,
    Bars,
    Place,
    bars_of,
    hashed_columns,
    last_place,
    of_assets,
    of_conversations,
    of_operations,
    within,
)
from otmon.ledger.tables import O_TIMES, Tables, new_tables
from otmon.protocols.registry import PROTOCOLS, code_of
from otmon.protocols.signature import compile_signatures
from tests.ledger.seen import at_end, counted
from tests.truth import dialogue, wrapping
from tests.truth.capture import write
from tests.zones.facts import conversation

WORDS = st.integers(-(2**63), 2**63 - 1)
ROOT = Path(__file__).resolve().parent.parent.parent


def hashed(numbers: tuple[int, ...], secret: int) -> int:
    """What `hashed_columns` promises, number by number."""
    h = secret
    for number in numbers:
        h = (h ^ number % 2**64) * 0x9E3779B97F4A7C15 % 2**64
        h ^= h >> 32
    return h


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=9), st.integers(0, 2**64 - 1))
def test_both_hashes_are_the_same(rows: list[tuple[int, int, int]], secret: int) -> None:
    columns = np.array(rows, np.int64).T
    assert hashed_columns(*columns, secret=secret).tolist() == [hashed(row, secret) for row in rows]
    assert hashed_columns(*columns).tolist() == [hashed(row, 0) for row in rows]


def observed(path: Path) -> Tables:
    t = new_tables(code_of("modbus"), False)
    signatures = compile_signatures(PROTOCOLS)
    for item in read(str(path)):
        assert isinstance(item, Batch)
        arrays = item.buf, item.start, item.caplen, item.wirelen, item.time_ns, item.linktype
        assert observe(*arrays, item.first_number, item.base, 0, t, signatures) == len(item.start)
    return t


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Tables]:
    """Of captures with IPv4, IPv6, other layers and every kind of fact."""
    folder = tmp_path_factory.mktemp("captures")
    paths = [ROOT / "pcaps" / "factory-day.pcapng"]
    for number, scenario in enumerate((*dialogue.SCENARIOS, *wrapping.SCENARIOS)):
        paths.append(write(scenario(), folder / f"{number}.pcapng"))
    return [observed(path) for path in paths]


SECRETS = (0, 0x8765432112345678)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("most", [1, 3, 10])
def test_rows_behind_the_bars_would_have_been_dropped_in_the_end(
    tables: list[Tables], most: int, secret: int
) -> None:
    limits = Limits(assets=most, conversations=most, operations=most, anomalies=most, ranges=1_000_000)
    limits = replace(limits, secret=secret)
    every = [at_end(t) for t in tables]
    kept: Ledger = merge_all(every[:3], limits)
    bars = bars_of(kept, limits)
    assert None not in (bars.assets, bars.conversations, bars.operations)
    left_out = 0
    for t, full in zip(tables[3:], every[3:], strict=True):
        barred = at_end(t, bars)
        left_out += len(full.conversations) - len(barred.conversations)
        assert merge_all((kept, barred), limits) == merge_all((kept, full), limits)
    assert left_out > 0


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("most", [1, 3, 10])
def test_rows_for_which_a_ledger_has_no_place_become_no_facts(
    tables: list[Tables], most: int, secret: int
) -> None:
    limits = Limits(assets=most, conversations=most, operations=most, written=most, anomalies=most)
    limits = replace(limits, ranges=1_000_000, secret=secret)
    left_out = 0
    for t in tables:
        rows = rows_in_use(t)
        few, every = facts_of(rows, "x", Bars(secret=secret), limits), facts_of(rows, "x")
        left_out += len(every.conversations) - len(few.conversations)
        assert secret or merge_all([few], limits) == merge_all([every], limits)
        assert counted(few) == counted(every)
        assert len({(one.client, one.server, one.port) for one in few.conversations}) <= most
    assert left_out > 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1), st.integers(1, 9))
def test_the_last_place_is_that_of_the_last_that_finds_room(places: list[Place], limit: int) -> None:
    lesser, hashes = np.array([one for one, _ in places]), np.array([h for _, h in places], np.uint64)
    told = sorted(set(places))
    assert last_place(lesser, hashes, limit) == (told[limit - 1] if len(told) > limit else None)


def test_a_ledger_with_room_has_no_bars(tables: list[Tables]) -> None:
    assert bars_of(at_end(tables[0]), Limits()) == NO_BARS


def test_lesser_facts_lie_behind_all_others() -> None:
    lesser = np.array([False, False, True, True])
    hashes = np.array([1, 9, 1, 9], np.uint64)
    assert within((True, 5), lesser, hashes).tolist() == [True, True, True, False]
    assert within((False, 5), lesser, hashes).tolist() == [True, False, False, False]


def test_a_flood_does_not_push_out_what_is_known(tables: list[Tables]) -> None:
    day = at_end(tables[0])
    known = [fact for fact in day.conversations if fact.protocol not in ("unknown", "none")]
    flood = [replace(known[0], client=f"10.9.{n >> 8}.{n & 255}", protocol="none") for n in range(1000)]
    ledger = collect(conversations=[*flood, *known], limits=Limits(conversations=len(known)))
    assert set(ledger.conversations) == set(known)
    assert dict(ledger.overflow)["conversations"] == sum(
        fact.packets_to_server + fact.packets_to_client for fact in flood
    )


def test_who_knows_the_hash_cannot_choose_senders_that_push_his_own_fact_out() -> None:
    own = conversation("10.1.0.5", "10.2.0.17", 502, "modbus", transport="udp")
    (mine,) = of_conversations([own], 0)[1].tolist()
    many = [replace(own, client=f"172.16.{n >> 8}.{n & 255}") for n in range(2000)]
    chosen = [one for one, at in zip(many, of_conversations(many, 0)[1].tolist(), strict=True) if at < mine]
    limits = Limits(conversations=len(chosen))
    assert len(chosen) > 100 and own not in collect(conversations=[*chosen, own], limits=limits).conversations
    # A sensor has a secret of its own: of so many it drops any one.
    for secret in (1, 0x8765432112345678, 2**64 - 1):
        secretly = replace(limits, secret=secret)
        ledger = collect(conversations=[*chosen, own], limits=secretly)
        assert own in ledger.conversations
        behind = (of_conversations(chosen, secret)[1] > of_conversations([own], secret)[1][0]).sum()
        assert 0 < behind < len(chosen)
        # And so it stays, whatever is merged in which order.
        halves = (
            collect(conversations=chosen[::2], limits=secretly),
            collect(conversations=[own, *chosen[1::2]], limits=secretly),
        )
        assert merge_all(halves, secretly) == ledger


def test_a_sensor_keeps_what_was_answered_though_a_flood_speaks_as_the_plant_does(
    tables: list[Tables],
) -> None:
    day = at_end(tables[0])
    talks = [one for one in day.conversations if one.answered]
    asked = [one for one in day.operations if one.answered]
    heard = [one for one in day.assets if one.packets >= OFTEN]
    assert len(talks) > 20 and len(asked) > 20 and len(heard) > 10
    forged = [f"10.9.{n >> 8}.{n & 255}" for n in range(2000)]
    flood = {
        "conversations": [replace(talks[0], client=one, protocol="modbus", answered=False) for one in forged],
        "operations": [replace(asked[0], client=one, access="write", answered=0) for one in forged],
        "assets": [replace(heard[0], address=one, packets=OFTEN - 1) for one in forged],
    }
    limits = Limits(conversations=len(talks), operations=len(asked), assets=len(heard), ranges=1_000_000)
    for secret in SECRETS:
        ledger = collect(
            conversations=[*flood["conversations"], *talks],  # type: ignore[list-item]
            operations=[*flood["operations"], *asked],  # type: ignore[list-item]
            assets=[*flood["assets"], *heard],  # type: ignore[list-item]
            limits=replace(limits, secret=secret),
        )
        kept = set(ledger.conversations), set(ledger.operations), set(ledger.assets)
        for some, own in zip(kept, (talks, asked, heard), strict=True):
            assert (some == set(own)) == bool(secret), "in a replay a flood takes its share of places"


@pytest.mark.parametrize("secret", SECRETS)
def test_rows_have_the_places_of_their_facts(tables: list[Tables], secret: int) -> None:
    for t in tables[:6]:
        rows = rows_in_use(t)
        for row in rows.flows[:, None]:
            facts = facts_of(replace(no_rows(), flows=row), "x").conversations
            assert [list(map(int, one)) for one in rank_of_flows(row, secret)] == [
                list(map(int, one)) for one in of_conversations(facts, secret)
            ]
        for row in rows.assets[:, None]:
            senders = facts_of(replace(no_rows(), assets=row), "x").assets
            assert [list(map(int, one)) for one in rank_of_assets(row, secret)] == [
                list(map(int, one)) for one in of_assets(senders, secret)
            ]
        once = rows.operations[rows.operations[:, O_TIMES] == 1]
        for row in once[:, None]:
            asked = facts_of(replace(no_rows(), operations=row), "x").operations
            assert [list(map(int, one)) for one in rank_of_operations(row, secret)] == [
                list(map(int, one)) for one in of_operations(asked, secret)
            ]
