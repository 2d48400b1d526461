"""The properties that solvers must have, each by name, to be tried on as many drawn games as wanted.

`python -m verification properties` tries them all. Needs Hypothesis, which the extra `verification` installs.
"""

from __future__ import annotations

import importlib

from solvers.core import NotSolved

try:
    from verification.properties._attempt import Attempt, Failure, attempt
except ImportError as problem:
    if problem.name != "hypothesis":
        raise
    raise NotSolved("properties need Hypothesis; install certeq[verification]") from None
from verification.properties._property import FAMILIES, Property
from verification.properties._run import Tried, run

__all__ = ["FAMILIES", "Attempt", "Failure", "Property", "Tried", "attempt", "properties", "run"]

MODULES = ("_bimatrix", "_stackelberg", "_hedonic", "_jamming", "_learners")


def properties(*families: str) -> tuple[Property, ...]:
    """All properties, or those of the `families`, in the order in which the papers need them.

    Raises
    ------
    ValueError
        If a family is not among `FAMILIES`.

    Examples
    --------
    >>> {each.family for each in properties("hedonic")}
    {'hedonic'}
    """
    for family in families:
        if family not in FAMILIES:
            raise ValueError(f"family must be among {', '.join(FAMILIES)}, got {family!r}")
    modules = (importlib.import_module(f"{__name__}.{name}") for name in MODULES)
    every = tuple(each for module in modules for each in module.PROPERTIES)
    return tuple(each for each in every if not families or each.family in families)
