from __future__ import annotations

import dataclasses
from typing import Any

from otmon.ledger import facts, ledger


def test_keys_name_fields_in_their_order(an_operation: facts.Operation) -> None:
    names = [field.name for field in dataclasses.fields(facts.Operation)]
    key = ledger.operation_key(an_operation)
    assert key == tuple(getattr(an_operation, name) for name in names[: names.index("status") + 1])
    assert ledger.service_key(an_operation) == key[:11] + key[13:]
    assert ledger.conversation_key(an_operation) == key[:6]


def test_the_empty_ledger_holds_nothing() -> None:
    def held(value: Any) -> list[Any]:
        return [fact for field in dataclasses.fields(value) for fact in getattr(value, field.name)]

    assert held(ledger.EMPTY) == []
