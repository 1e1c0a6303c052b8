"""Values that are made fast behave as the frozen dataclasses that they are."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest

from otmon.ledger import facts
from otmon.ledger.fast_init import fast_init, of_columns


@dataclass(frozen=True, slots=True)
class Slow:
    name: str
    size: int = 3


@fast_init
@dataclass(frozen=True, slots=True)
class Fast:
    name: str
    size: int = 3


def test_it_is_made_as_before_and_can_not_be_changed() -> None:
    assert Fast("a") == Fast(name="a", size=3) == replace(Fast("b"), name="a") != Fast("a", 4)
    assert type(Fast("a")) is Fast
    assert hash(Fast("a")) == hash(Slow("a"))
    assert repr(Fast("a")) == repr(Slow("a")).replace("Slow", "Fast")
    assert inspect.signature(Fast) == inspect.signature(Slow)
    with pytest.raises(FrozenInstanceError):
        Fast("a").name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"Fast.__init__\(\) missing 1 required positional argument: 'name'"):
        Fast()  # type: ignore[call-arg]


def test_it_can_be_copied_and_sent_to_another_process() -> None:
    assert copy.copy(Fast("a")) == pickle.loads(pickle.dumps(Fast("a"))) == Fast("a")


def test_every_field_of_a_fact_gets_its_own_value() -> None:
    made = (
        facts.Asset, facts.Conversation, facts.Operation, facts.WrittenValue, facts.Anomaly,
        facts.CredentialSeen, facts.AssetClaim, facts.NamesAsked,
    )  # fmt: skip
    for kind in made:
        names = [field.name for field in fields(kind)]
        fact = kind(*names)  # type: ignore[arg-type]
        assert [getattr(fact, name) for name in names] == names
        assert list(of_columns(kind)(*([name, name] for name in names))) == [fact, fact]


def test_values_of_columns_are_frozen_and_of_their_class() -> None:
    several = list(of_columns(Slow)(["a", "b"], iter((1, 2))))
    assert several == [Slow("a", 1), Slow("b", 2)] and {type(one) for one in several} == {Slow}
    with pytest.raises(FrozenInstanceError):
        several[0].name = "c"  # type: ignore[misc]
    with pytest.raises(ValueError, match="shorter"):
        list(of_columns(Slow)(["a", "b"], [1]))
    assert list(of_columns(Slow)([], [])) == []
