"""Lemke-Howson: quick in float64, checked before it is returned, and done again in integers where a check fails."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from solvers.bimatrix import _pivoting as kernels
from solvers.bimatrix._exact_path import ARTIFICIAL, ExactPaths
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.core import Array, Solution, Status

METHOD = "Lemke-Howson"
SWEEP = 10  # pivots that each label gets before one of them is followed to its end
FLOATS = (None, None)  # a game whose payoffs are float64 numbers
COARSE = 1e-3  # a range of rational payoffs, relative to the largest, below which rounding may hide differences
MOST = 2**62  # pivots that the kernels can count


def lemke_howson(game: BimatrixGame, *, initial_label: int | None = None, max_pivots: int = 10**6) -> Solution[Profile]:
    """One Nash equilibrium: the end of the path of a label, or any, whichever is found first.

    Labels 0..m-1 are the row player's strategies, m..m+n-1 the column player's. Without a label, pure equilibria are
    looked at first, then the beginning of every label's path, then one path to its end. The profile's regrets were
    measured on the payoffs as given; where float64 loses the path or its end does not pass, it is followed again in
    integers. In a nearly degenerate game rounding may turn the path, so that it ends at another equilibrium than
    `lemke_howson_path`, which is exact.

    `stats` holds `path` ("pure", "condensed", "revised", "exact supports" or "exact": what found the profile), `label`
    (-1 if none was needed), `pivots`, `refactorisations`, and `regret`, the greater of both players' in payoff units.

    Raises
    ------
    ValueError
        If `initial_label` is not a label of the game, or `max_pivots` is less than 1.

    References
    ----------
    C. E. Lemke and J. T. Howson, Equilibrium points of bimatrix games, SIAM J. Appl. Math. 12 (1964).
    B. Codenotti, S. De Rossi and M. Pagan, An experimental analysis of Lemke-Howson algorithm (2008), for the sweep.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> row, column = lemke_howson(game, initial_label=1).require()
    >>> row.round(3).tolist(), column.round(3).tolist()
    ([0.0, 0.333, 0.667], [0.333, 0.667])
    """
    A, B = game.A, game.B
    m, n = A.shape
    # A call takes microseconds, so what is usual is checked here, and the answer's dictionary written out.
    usual = type(initial_label) is int and 0 <= initial_label < m + n
    label: Any = initial_label if usual else checked_label(m + n, initial_label)
    if not (type(max_pivots) is int and 0 < max_pivots <= MOST):
        max_pivots = checked_limit(max_pivots)
    coarse = game._exact != FLOATS and _coarse(game)
    if coarse:
        (A, _), (B, _) = game._scaled
    x, y = np.empty(m), np.empty(n)
    if m * n <= kernels.SMALL:
        code, pivots, used, first, second = kernels.small(A, B, label, max_pivots, x, y)
        made, path = 0, "condensed"
    else:
        code, pivots, used, first, second, made = kernels.large(A, B, label, SWEEP, max_pivots, x, y)
        path = "revised"
    if code == kernels.SOLVED and coarse:  # in payoff units
        first, second = map(float, game.regrets(Profile(x, y)))
        code = kernels.SOLVED if passes(game, np.array([first, second])) else kernels.REJECTED
    if code != kernels.SOLVED:
        return _again(game, label, max_pivots, code, Profile(x, y), pivots, made)
    stats = {
        "path": "pure" if used < 0 else path,
        "label": used,
        "pivots": pivots,
        "refactorisations": made,
        "regret": first if first > second else second,  # noqa: FURB136 - quicker
    }
    return Solution((Profile(x, y),), Status.SOLVED, METHOD, False, stats)


def lemke_howson_exact(
    game: BimatrixGame, *, initial_label: int | None = None, max_pivots: int = 10**6, max_exact_pivots: int = 10**4
) -> Solution[RationalProfile]:
    """One Nash equilibrium in rationals, with a regret of exactly 0.

    It has the supports that `lemke_howson` finds, if they carry an exact equilibrium. They do unless the game is nearly
    degenerate; then the path of the label, or of label 0, is followed in integers for `max_exact_pivots`, which take
    about a millisecond each. Either answer is checked on the payoffs in rationals. `stats` are those of `lemke_howson`.

    Raises
    ------
    ValueError
        If `initial_label` is not a label of the game, or a limit is less than 1.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> row, column = lemke_howson_exact(game, initial_label=1).require()
    >>> [str(p) for p in row + column]
    ['0', '1/3', '2/3', '1/3', '2/3']
    """
    from solvers.bimatrix._exact import exact_equilibrium

    limit = checked_limit(max_exact_pivots)
    claim = lemke_howson(game, initial_label=initial_label, max_pivots=max_pivots)
    if claim.status is Status.LIMIT:
        return Solution((), claim.status, METHOD, stats=claim.stats)
    for profile in claim.profiles:
        exact = exact_equilibrium(game, profile)
        if exact.status is Status.SOLVED:
            return Solution(
                exact.profiles, exact.status, METHOD, stats={**claim.stats, "regret": exact.stats["regret"]}
            )
    paths, label = ExactPaths(game), initial_label or 0
    end = paths.follow(ARTIFICIAL, label, limit)
    if end is None:
        return Solution((), Status.LIMIT, METHOD, stats=_stats("none", label, limit, 0, np.inf))
    found = paths.profile(end[0])
    regret = max(game.regrets(found))
    stats = _stats("exact", label, end[1], 0, regret)
    return Solution((found,), Status.SOLVED, METHOD, stats=stats) if regret == 0 else _failed(stats)


def checked_label(total: int, label: int | None) -> int:
    """The label as an integer, -1 for none."""
    if label is None:
        return -1
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 0 <= label < total:
        raise ValueError(f"initial_label must be an integer from 0 to {total - 1}, got {label!r}")
    return int(label)


def checked_limit(max_pivots: int) -> int:
    """The limit as an integer that the kernels can count to."""
    if not isinstance(max_pivots, int | np.integer) or max_pivots < 1:
        raise ValueError(f"max_pivots must be a whole number of at least 1, got {max_pivots}")
    return min(int(max_pivots), MOST)


def _failed(stats: dict[str, Any]) -> Solution[Any]:
    return Solution((), Status.FAILED, METHOD, stats=stats)


def _stats(path: str, label: int, pivots: int, made: int, regret: float | Fraction) -> dict[str, Any]:
    return {"path": path, "label": label, "pivots": pivots, "refactorisations": made, "regret": regret}


def _again(
    game: BimatrixGame, label: int, max_pivots: int, code: int, claimed: Profile, pivots: int, made: int
) -> Solution[Profile]:
    """What follows when float64 gave no answer that passes: other units, the answer's supports, integers."""
    if code == kernels.RESCALE:
        return _in_other_units(game, label, max_pivots)
    if code == kernels.LIMIT:
        return Solution((), Status.LIMIT, METHOD, stats=_stats("none", label, pivots, made, np.inf))
    if code == kernels.REJECTED:
        from solvers.bimatrix._exact import exact_equilibrium

        exact = exact_equilibrium(game, claimed)
        if exact.status is Status.SOLVED:
            return _rounded(game, exact.profiles[0], _stats("exact supports", label, pivots, made, 0.0))
    paths, label = ExactPaths(game), max(label, 0)
    end = paths.follow(ARTIFICIAL, label, max_pivots)
    if end is None:
        return Solution((), Status.LIMIT, METHOD, stats=_stats("none", label, max_pivots, made, np.inf))
    return _rounded(game, paths.profile(end[0]), _stats("exact", label, end[1], made, 0.0))


def _in_other_units(game: BimatrixGame, label: int, max_pivots: int) -> Solution[Profile]:
    """Solves with each player's payoffs less the least, over a power of two, which changes no equilibrium."""
    inner = lemke_howson(
        BimatrixGame(*(unit for unit, _ in game._scaled)),
        initial_label=None if label < 0 else label,
        max_pivots=max_pivots,
    )
    if inner.status is not Status.SOLVED:
        return inner
    regrets = np.asarray(game.regrets(inner.profiles[0]), dtype=np.float64)
    if not passes(game, regrets):
        pivots, made = inner.stats["pivots"], inner.stats["refactorisations"]
        return _again(game, label, max_pivots, kernels.REJECTED, inner.profiles[0], pivots, made)
    return Solution(inner.profiles, inner.status, METHOD, stats={**inner.stats, "regret": float(np.max(regrets))})


def _rounded(game: BimatrixGame, exact: RationalProfile, stats: dict[str, Any]) -> Solution[Profile]:
    """The float64 profile nearest to an exact one, with its own regret."""
    profile = floats(exact)
    regrets = np.asarray(game.regrets(profile), dtype=np.float64)
    stats = {**stats, "regret": float(np.max(regrets))}
    return Solution((profile,), Status.SOLVED, METHOD, stats=stats) if passes(game, regrets) else _failed(stats)


def _coarse(game: BimatrixGame) -> bool:
    """Whether rounding to float64 may hide what sets a player's rational payoffs apart."""
    for payoffs, exact in zip((game.A, game.B), game._exact, strict=True):
        low, size = kernels.range_of(payoffs)
        if exact is not None and size < COARSE * max(abs(low), abs(low + size)):
            return True
    return False


def passes(game: BimatrixGame, regrets: Array) -> bool:
    """Whether the regrets are what float64 may leave."""
    return bool(np.all(regrets <= kernels.ACCEPTED * game.magnitudes()))


def floats(exact: RationalProfile) -> Profile:
    """The float64 profile nearest to an exact one."""
    return Profile(np.array(exact.row, dtype=np.float64), np.array(exact.column, dtype=np.float64))
