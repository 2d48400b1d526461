"""Leader-follower games: declare once; derive and prove the KKT cases, solve to a certified global optimum.

Names load on first use, so that a command's `--help` does not wait for SymPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solvers.stackelberg._aggregates import Greatest, Least, Mean, Total
    from solvers.stackelberg._cases import Case, CaseTable
    from solvers.stackelberg._convex import Comparison, compare, convex_best_response
    from solvers.stackelberg._declaration import Constraint, Declaration
    from solvers.stackelberg._derive import derive
    from solvers.stackelberg._game import Excluded, Profile, StackelbergGame, best_response
    from solvers.stackelberg._local import bisection, bounded
    from solvers.stackelberg._prove import Obligation, prove
    from solvers.stackelberg._scenario import bundled, load
    from solvers.stackelberg._solve import solve, solve_each

_HOME = {
    "Greatest": "_aggregates",
    "Least": "_aggregates",
    "Mean": "_aggregates",
    "Total": "_aggregates",
    "Comparison": "_convex",
    "compare": "_convex",
    "convex_best_response": "_convex",
    "Constraint": "_declaration",
    "Declaration": "_declaration",
    "Case": "_cases",
    "CaseTable": "_cases",
    "derive": "_derive",
    "Excluded": "_game",
    "Profile": "_game",
    "StackelbergGame": "_game",
    "best_response": "_game",
    "bisection": "_local",
    "bounded": "_local",
    "Obligation": "_prove",
    "prove": "_prove",
    "bundled": "_scenario",
    "load": "_scenario",
    "solve": "_solve",
    "solve_each": "_solve",
}

__all__ = [
    "Case",
    "CaseTable",
    "Comparison",
    "Constraint",
    "Declaration",
    "Excluded",
    "Greatest",
    "Least",
    "Mean",
    "Obligation",
    "Profile",
    "StackelbergGame",
    "Total",
    "best_response",
    "bisection",
    "bounded",
    "bundled",
    "compare",
    "convex_best_response",
    "derive",
    "load",
    "prove",
    "solve",
    "solve_each",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
