"""What several detectors ask of one case, found once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from otmon.detect.detector import Case

_Found = TypeVar("_Found")


def once_per_case(find: Callable[[Case], _Found]) -> Callable[[Case], _Found]:
    """The same function, whose answer a case keeps, as it keeps its cached properties. Nobody changes it."""
    name = f"{find.__module__}.{find.__name__}"

    @wraps(find)
    def found(case: Case) -> _Found:
        kept = vars(case)
        if name not in kept:
            kept[name] = find(case)
        answer: _Found = kept[name]
        return answer

    return found
