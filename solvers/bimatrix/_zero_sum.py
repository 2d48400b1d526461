"""Games in which one player's gain is the other's loss, by a linear programme."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from solvers.bimatrix._exact import exact_equilibrium
from solvers.bimatrix._game import BimatrixGame, Profile
from solvers.bimatrix._payoffs import RationalMatrix
from solvers.bimatrix._support_filter import unit_payoffs
from solvers.core import Array, InvalidGame, Solution, Status

METHOD = "linear programme (HiGHS)"
TOLERANCE = 1e-9  # regret allowed, relative to the range of the player's payoffs
ROUNDING = Fraction(1, 2**50)  # a few units in the last place of the largest payoff
NOISE = Fraction(1, 10**12)  # or what computed payoffs may be off by, relative to their range


def zero_sum(game: BimatrixGame) -> Solution[Profile]:
    """Optimal strategies of both players, an equilibrium, where A + B is the same in every cell.

    Whether it is the same is decided in rationals. It may vary by what rounding explains: 2^-50 of the largest payoff,
    or 1e-12 of the smaller range. Both strategies come from one linear programme, maximin and its dual, on payoffs
    rescaled to [0, 1]. Where floats leave a regret above 1e-9 of the range, the equilibrium with the same supports is
    computed exactly; failing that, the status is `Status.FAILED`. `stats` has the row player's `value`, and the
    `spread` of A + B.

    Raises
    ------
    InvalidGame
        If A + B varies by more.

    References
    ----------
    Dantzig, A proof of the equivalence of the programming problem and the game problem (1951).

    Examples
    --------
    >>> game = BimatrixGame([[3, 0], [1, 2]], [[-3, 0], [-1, -2]])
    >>> found = zero_sum(game)
    >>> found.require().row.round(6).tolist(), found.require().column.round(6).tolist(), round(found.stats["value"], 6)
    ([0.25, 0.75], [0.5, 0.5], 1.5)
    """
    spread = _constant_sum(game)
    profile = _optimal(unit_payoffs(game.rational_payoffs[0]))
    method = METHOD
    if profile is not None and not _accurate(game, profile):
        profile, method = _exactly(game, profile), f"{METHOD}, exact supports"
    stats: dict[str, float] = {"spread": float(spread)}
    if profile is None:
        return Solution((), Status.FAILED, method, stats=stats)
    stats["value"] = float(game.payoffs(profile)[0])
    return Solution((profile,), Status.SOLVED, method, stats=stats)


def _constant_sum(game: BimatrixGame) -> Fraction:
    """By how much A + B varies, which rounding has to explain."""
    A, B = game.rational_payoffs
    sums = [int(v) for v in (A.numerators * B.denominator + B.numerators * A.denominator).entries()]
    spread = Fraction(max(sums) - min(sums), A.denominator * B.denominator)
    (low_a, high_a), (low_b, high_b) = _extent(A), _extent(B)
    largest = max(abs(low_a), abs(high_a), abs(low_b), abs(high_b))
    allowed = max(ROUNDING * largest, NOISE * min(high_a - low_a, high_b - low_b))
    if spread > allowed:
        raise InvalidGame(
            f"A + B must be the same in every cell, up to {_shown(allowed)} for rounding; it varies by {_shown(spread)}"
        )
    return spread


def _shown(value: Fraction) -> str:
    """A fraction of any size to three digits."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.3g}"


def _extent(payoffs: RationalMatrix) -> tuple[Fraction, Fraction]:
    """The least and the greatest payoff."""
    entries = [int(value) for value in payoffs.numerators.entries()]
    return Fraction(min(entries), payoffs.denominator), Fraction(max(entries), payoffs.denominator)


def _optimal(payoffs: Array) -> Profile | None:
    """Maximin and minimax strategies as HiGHS finds them: max v with x'A >= v, and the dual; None if it finds none."""
    from scipy.optimize import linprog

    m, n = payoffs.shape
    result = linprog(
        np.append(np.zeros(m), -1.0),
        A_ub=np.hstack([-payoffs.T, np.ones((n, 1))]),
        b_ub=np.zeros(n),
        A_eq=np.append(np.ones(m), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, None)] * m + [(None, None)],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if result.status != 0:
        return None
    x, y = np.maximum(result.x[:m], 0.0), np.maximum(-result.ineqlin.marginals, 0.0)
    if not (x.sum() > 0.5 and y.sum() > 0.5):
        return None
    return Profile(x / x.sum(), y / y.sum())


def _accurate(game: BimatrixGame, profile: Profile) -> bool:
    return bool(np.all(game.regrets(profile) <= TOLERANCE * game.magnitudes()))


def _exactly(game: BimatrixGame, profile: Profile) -> Profile | None:
    """The exact equilibrium with the same supports, rounded, if there is one and the rounded one passes the check."""
    for exact in exact_equilibrium(game, profile).profiles:
        rounded = Profile(np.array(exact.row, dtype=float), np.array(exact.column, dtype=float))
        if _accurate(game, rounded):
            return rounded
    return None
