"""Correlated equilibria: a referee recommends a strategy to each player, and neither gains by doing otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix._payoffs import RationalMatrix
from solvers.bimatrix._support_filter import unit_payoffs
from solvers.core import Array, InvalidGame, Solution, Status

TOLERANCE = 1e-9  # regret allowed, relative to the range of the player's payoffs
FEASIBLE = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True, slots=True)
class CorrelatedGame:
    """A two-player game whose profiles are joint distributions, (m, n), of recommendations.

    Examples
    --------
    A traffic light in the game of chicken:

    >>> game = CorrelatedGame(BimatrixGame([[0, 7], [2, 6]], [[0, 2], [7, 6]]))
    >>> game.regrets(np.array([[0, 0.5], [0.5, 0]]))
    array([0., 0.])
    >>> game.regrets(np.full((2, 2), 0.25))
    array([0.25, 0.25])
    """

    game: BimatrixGame

    concept: ClassVar[str] = "correlated"

    def infeasibility(self, profile: npt.ArrayLike, /) -> float:
        """How far the profile is from a distribution: the worst negative entry, or the error of the sum."""
        p = self._checked(profile)
        return float(np.max([0.0, np.max(-p), abs(np.sum(p) - 1.0)]))

    def regrets(self, profile: npt.ArrayLike, /) -> Array:
        """What each player gains, (2,), by its best map from what is recommended to what it does, in payoff units."""
        p = self._checked(profile)
        (row, row_exponent), (column, column_exponent) = self.game._scaled
        return np.array([_regret(row, row_exponent, p), _regret(column.T, column_exponent, p.T)])

    def payoffs(self, profile: npt.ArrayLike, /) -> Array:
        """What the row and the column player expect if both obey, (2,)."""
        p = self._checked(profile)
        return np.array([np.sum(p * payoffs) for payoffs in (self.game.A, self.game.B)])

    def _checked(self, profile: npt.ArrayLike) -> Array:
        p = np.asarray(profile, dtype=np.float64)
        if p.shape != self.game.shape:
            raise ValueError(f"profile must be {self.game.shape}, got shape {p.shape}")
        return p


def correlated_equilibrium(game: BimatrixGame, *, objective: npt.ArrayLike | None = None) -> Solution[Array]:
    """The correlated equilibrium, an (m, n) distribution, with the largest mean of `objective`, by HiGHS.

    `objective`, (m, n), is a value for each cell; the sum of both payoffs by default. `stats` has its mean,
    `objective`, and how many `constraints` there are. It is one of many equilibria as a rule, so `complete` is false.
    A distribution that gains a player more than 1e-9 of its range is not returned: the status is `Status.FAILED`.

    Raises
    ------
    InvalidGame
        If `objective` is not an (m, n) matrix of finite numbers.

    References
    ----------
    Aumann, Subjectivity and correlation in randomized strategies, J. Math. Economics 1 (1974).

    Examples
    --------
    >>> game = BimatrixGame([[0, 7], [2, 6]], [[0, 2], [7, 6]])
    >>> found = correlated_equilibrium(game)
    >>> found.require().round(6).tolist(), round(found.stats["objective"], 6)
    ([[0.0, 0.25], [0.25, 0.5]], 10.5)
    """
    goal, target = _goal(game, objective), CorrelatedGame(game)
    rows = _obedience(game)
    for method in ("highs-ds", "highs-ipm"):
        p = _best(rows, goal, method)
        if p is not None and np.all(target.regrets(p) <= TOLERANCE * game.magnitudes()):
            stats = {"objective": _mean(game, objective, p), "constraints": rows.shape[0]}
            return Solution((p,), Status.SOLVED, f"linear programme ({method})", stats=stats)
    return Solution((), Status.FAILED, "linear programme (HiGHS)", stats={"constraints": rows.shape[0]})


def _goal(game: BimatrixGame, objective: npt.ArrayLike | None) -> Array:
    """The value of each cell within [-1, 1], up to a positive factor."""
    if objective is None:
        exponent = int(np.frexp(max(np.max(np.abs(game.A)), np.max(np.abs(game.B))))[1]) + 1
        return _centred(np.ldexp(game.A, -exponent) + np.ldexp(game.B, -exponent))
    try:
        values = np.asarray(objective, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidGame(f"objective must be {game.shape} real numbers, got {str(objective)[:40]!r}") from None
    if values.shape != game.shape:
        raise InvalidGame(f"objective must be {game.shape}, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise InvalidGame(f"objective must be finite, got {values[~np.isfinite(values)][0]}")
    return _centred(np.ldexp(values, -int(np.frexp(np.max(np.abs(values)))[1]) - 1))


def _centred(values: Array) -> Array:
    """The values less their midpoint, over their greatest distance from it."""
    shifted = values - (values.max() + values.min()) / 2
    return np.asarray(shifted / (np.max(np.abs(shifted)) or 1.0))


def _mean(game: BimatrixGame, objective: npt.ArrayLike | None, p: Array) -> float:
    values = (game.A, game.B) if objective is None else (np.asarray(objective, dtype=np.float64),)
    with np.errstate(over="ignore"):
        return float(np.sum([np.sum(p * value) for value in values]))


def _regret(unit: Array, exponent: int, p: Array) -> float:
    """The gain of the best deviation map, the best deviation from each recommendation, of payoffs in scaled units."""
    earned = np.maximum(p, 0.0) @ unit.T  # [recommended, done]
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(np.sum(np.max(earned, axis=1) - np.diagonal(earned)), exponent))


def _obedience(game: BimatrixGame) -> Any:
    """One sparse row for each recommendation and each other strategy: what the player would gain, over all cells."""
    from scipy.sparse import vstack

    A, B = game.rational_payoffs
    m, n = game.shape
    cells = np.arange(m * n).reshape(m, n)
    return vstack([_gains(A, cells), _gains(B.transposed, cells.T)], format="csr")


def _gains(payoffs: RationalMatrix, cells: npt.NDArray[np.intp]) -> Any:
    """Gains of the player whose recommendation is the row of `cells`, payoffs rescaled to [0, 1]."""
    from scipy.sparse import csr_array

    unit = unit_payoffs(payoffs)
    size, replies = unit.shape
    recommended, done = (index.ravel() for index in np.nonzero(~np.eye(size, dtype=bool)))
    values, columns = unit[done] - unit[recommended], cells[recommended]
    starts = np.arange(len(recommended) + 1) * replies
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(len(recommended), cells.size))


def _best(rows: Any, goal: Array, method: str) -> Array | None:
    """The distribution HiGHS finds, or None if it finds none."""
    from scipy.optimize import linprog

    constraints = {"A_ub": rows, "b_ub": np.zeros(rows.shape[0])} if rows.shape[0] else {}
    result = linprog(
        -goal.ravel(),
        **constraints,
        A_eq=np.ones((1, goal.size)),
        b_eq=[1.0],
        bounds=(0.0, None),
        method=method,
        options=FEASIBLE,
    )
    if result.status != 0:
        return None
    p: Array = np.maximum(result.x, 0.0).reshape(goal.shape)
    p /= p.sum()
    return p
