"""The solvers of `solvers.bimatrix` itself in a process that a time limit stops, like any other library's."""

from __future__ import annotations

from typing import Any

from solvers.bimatrix._game import AnyProfile, BimatrixGame
from solvers.bimatrix.backends._check import Method
from solvers.core import Solution

OWN = (
    "lemke_howson",
    "lemke_howson_all",
    "completely_mixed",
    "completely_mixed_exact",
    "pure_equilibria",
    "support_enumeration",
    "extreme_equilibria",
    "zero_sum",
)
"""The solvers of `solvers.bimatrix` that can be asked for."""


def within(solver: str, game: BimatrixGame, *, time_limit: float = 60.0, **options: Any) -> Solution[AnyProfile]:
    """The answer of the solver of `solvers.bimatrix` called `solver` with `options`, or `TIME_LIMIT`.

    Profiles, status, `complete` and the plain numbers and words of `stats` are the solver's; what else its answer
    holds, such as components or paths, stays behind. `time_limit` is in seconds.

    Raises
    ------
    ValueError
        If `time_limit` is not within 0 and 1e6 seconds, or there is no such solver.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> found = within("extreme_equilibria", game, time_limit=20)
    >>> len(found.profiles), found.complete
    (3, True)
    """
    if solver not in OWN:
        raise ValueError(f"solver must be one of {', '.join(OWN)}, got {solver!r}")
    return Method("certeq", solver).solve(game, time_limit, **options)
