"""What attackers do: step kinds, found by this folder, one file for each family.

A kind takes an `Act` (when, who, against whom, random numbers) and its parameters, and gives a `Deed`:
packets of real conversations, requests that the process answers, and troubles of the routine. What it
does follows from protocols and processes, and from nothing that anybody may look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from otmon.lab.scene import StepKind


@cache
def step_kinds() -> Mapping[str, StepKind]:
    """Every kind by its name. Raises `ValueError` where two have one name."""
    found: dict[str, StepKind] = {}
    for module in sorted(info.name for info in iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{module}")).values():
            if isinstance(value, StepKind) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"two step kinds {value.name}")
    return dict(sorted(found.items()))
