"""Families of two-player games, for tests and benchmarks.

Each function takes the size of the game and a random generator, and returns a game; the same generator state gives the
same game. `FAMILIES` has all of them under one signature, by name. The games of Fearnley, Igwe and Savani's comparison
(sgc, ranking, tournament, blotto, unit vector) come from quantecon, which is in the extra `peers`.

References
----------
J. Fearnley, T. P. Igwe and R. Savani, An empirical study of finding approximate equilibria in bimatrix games, SEA 2015.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from solvers.bimatrix import BimatrixGame
from solvers.bimatrix._payoffs import Payoffs, RationalMatrix
from solvers.core import Array

Family: TypeAlias = Callable[[int, Generator], BimatrixGame]
Number: TypeAlias = float | Fraction

QUANTECON = "quantecon.game_theory.game_generators.bimatrix_generators"


# --- drawn payoffs -------------------------------------------------------------------------------------------------


def uniform(m: int, n: int, rng: Generator) -> BimatrixGame:
    """An (m, n) game whose payoffs are independent and uniform on [0, 1).

    Examples
    --------
    >>> uniform(3, 2, np.random.default_rng(0)).shape
    (3, 2)
    """
    return BimatrixGame(rng.random((m, n)), rng.random((m, n)), title="uniform")


def integer(m: int, n: int, rng: Generator, *, top: int = 2) -> BimatrixGame:
    """An (m, n) game of independent integer payoffs from 0 to `top`: the smaller `top`, the more ties.

    Examples
    --------
    >>> np.unique(integer(9, 9, np.random.default_rng(0)).A)
    array([0., 1., 2.])
    """
    A, B = rng.integers(0, top + 1, (2, m, n))
    return BimatrixGame(A, B, title=f"integer 0..{top}")


def covariance(m: int, n: int, rng: Generator, *, rho: float = -0.9) -> BimatrixGame:
    """An (m, n) game of standard normal payoffs; those of one outcome have covariance `rho`, others none.

    At -1 the game is zero-sum, at 1 both players want the same; near -1 equilibria have large supports.

    Raises
    ------
    ValueError
        If `rho` is not in [-1, 1].

    References
    ----------
    Y. Rinott and M. Scarsini, On the number of pure strategy Nash equilibria in random games, Games and Economic
    Behavior 33 (2000).

    Examples
    --------
    >>> game = covariance(2, 2, np.random.default_rng(0), rho=-1.0)
    >>> bool(np.all(game.A == -game.B))
    True
    """
    if not -1.0 <= rho <= 1.0:
        raise ValueError(f"rho must be in [-1, 1], got {rho}")
    A, other = rng.standard_normal((2, m, n))
    return BimatrixGame(A, rho * A + math.sqrt((1.0 - rho) * (1.0 + rho)) * other, title=f"covariance {rho:g}")


def zero_sum(m: int, n: int, rng: Generator) -> BimatrixGame:
    """An (m, n) game in which the column player gets exactly what the row player loses, uniform on [0, 1).

    Examples
    --------
    >>> game = zero_sum(2, 2, np.random.default_rng(0))
    >>> bool(np.all(game.A + game.B == 0))
    True
    """
    A = rng.random((m, n))
    return BimatrixGame(A, -A, title="zero-sum")


# --- families of the literature, from quantecon --------------------------------------------------------------------


def sgc(k: int, rng: Generator) -> BimatrixGame:
    """A (4k - 1, 4k - 1) game with one equilibrium, on 2k - 1 strategies of each: the worst case for enumeration.

    The family has one game of each size, so `rng` orders its strategies.

    References
    ----------
    T. Sandholm, A. Gilpin and V. Conitzer, Mixed-integer programming methods for finding Nash equilibria, AAAI 2005.

    Examples
    --------
    >>> sgc(2, np.random.default_rng(0)).shape
    (7, 7)
    """
    return _permuted(_game("sgc", "sgc_game", k), rng)


def ranking(n: int, rng: Generator, *, steps: int = 10) -> BimatrixGame:
    """An (n, n) game of effort: a prize of 1 for the higher score, half for a tie, less the cost of the effort.

    Scores and costs grow by random steps of 1 to `steps`; costs are multiples of 1 / (n * steps).

    References
    ----------
    L. A. Goldberg, P. W. Goldberg, P. Krysta and C. Ventre, Ranking games that have competitiveness-based strategies,
    Theoretical Computer Science 476 (2013).

    Examples
    --------
    >>> ranking(4, np.random.default_rng(0)).magnitudes().max() <= 2
    np.True_
    """
    return _game("ranking", "ranking_game", n, steps=steps, random_state=rng)


def tournament(nodes: int, rng: Generator, *, k: int = 2) -> BimatrixGame:
    """A (nodes, nodes choose k) game of zeros and ones on a random tournament: many ties.

    The row player names a node, the column player k nodes. The row player gets 1 if its node beats all of the k, the
    column player if its k include the node.

    References
    ----------
    Y. Anbalagan, S. Norin, R. Savani and A. Vetta, Polylogarithmic supports are required for approximate well-supported
    Nash equilibria below 2/3, WINE 2013.

    Examples
    --------
    >>> tournament(5, np.random.default_rng(0)).B.sum(axis=0)
    array([2., 2., 2., 2., 2., 2., 2., 2., 2., 2.])
    """
    return _game("tournament", "tournament_game", nodes, k, random_state=rng)


def blotto(hills: int, troops: int, rng: Generator, *, rho: float = 0.5) -> BimatrixGame:
    """A game of all ways to place `troops` on `hills`, each hill worth something to whoever has more troops on it.

    A tie gives both half of their value. The two values of a hill are standard normal with covariance `rho`. There are
    (troops + hills - 1 choose hills - 1) strategies each.

    References
    ----------
    R. Hortala-Vallve and A. Llorente-Saguer, Pure strategy Nash equilibria in non-zero sum Colonel Blotto games,
    International Journal of Game Theory 41 (2012).

    Examples
    --------
    >>> blotto(3, 2, np.random.default_rng(0)).shape
    (6, 6)
    """
    return _game("blotto", "blotto_game", hills, troops, rho, random_state=rng)


def unit_vector(n: int, rng: Generator, *, avoid_pure: bool = True) -> BimatrixGame:
    """An (n, n) game: each column of A has a single 1 among zeros, and B is uniform on [0, 1).

    With `avoid_pure` the game has no pure equilibrium, which takes n >= 2.

    Raises
    ------
    ValueError
        If `avoid_pure` and n = 1.

    References
    ----------
    R. Savani and B. von Stengel, Unit vector games, International Journal of Economic Theory 12 (2016).

    Examples
    --------
    >>> unit_vector(4, np.random.default_rng(0)).A.sum(axis=0)
    array([1., 1., 1., 1.])
    """
    if avoid_pure and n < 2:
        raise ValueError(f"n must be >= 2 where pure equilibria are avoided, got {n}")
    return _game("unit vector", "unit_vector_game", n, avoid_pure_nash=avoid_pure, random_state=rng)


def _permuted(game: BimatrixGame, rng: Generator) -> BimatrixGame:
    """The strategies of both players in random order."""
    order = np.ix_(*(rng.permutation(size) for size in game.shape))
    return BimatrixGame(game.A[order], game.B[order], title=game.title)


def _game(family: str, function: str, *arguments: Any, **options: Any) -> BimatrixGame:
    """The game that quantecon's function draws."""
    try:
        module = importlib.import_module(QUANTECON)
    except ImportError:
        raise ImportError(f"{family} games come from quantecon; install certeq[peers]") from None
    A, B = getattr(module, function)(*arguments, **options).payoff_arrays
    return BimatrixGame(A, B.T, title=family)


# --- games made of games -------------------------------------------------------------------------------------------


def perturbed(game: BimatrixGame, size: float, rng: Generator) -> BimatrixGame:
    """The game with independent noise, uniform on [-size, size] in payoff units, added to every payoff.

    Payoffs that tied are then nearly tied. No expected payoff moves by more than `size`, so an equilibrium of the
    result leaves nobody a regret above `2 * size` in `game`, plus what float64 rounds.

    Raises
    ------
    ValueError
        If `size` is not finite and at least 0.

    Examples
    --------
    >>> flat = BimatrixGame([[1, 1]], [[1, 1]])
    >>> 0 < perturbed(flat, 1e-6, np.random.default_rng(0)).magnitudes()[1] <= 2e-6
    np.True_
    """
    if not 0.0 <= size < math.inf:
        raise ValueError(f"size must be finite and >= 0, got {size}")
    A, B = (payoffs + size * rng.uniform(-1.0, 1.0, game.shape) for payoffs in (game.A, game.B))
    return _named_like(game, A, B)


def rescaled(
    game: BimatrixGame, scale: Number | tuple[Number, Number], shift: Number | tuple[Number, Number] = 0
) -> BimatrixGame:
    """The game with every payoff p as scale * p + shift; a pair gives the row and the column player each their own.

    For positive scales both games have exactly the same equilibria, each with its regrets multiplied by the scales, as
    long as nothing is rounded. Nothing is for integers and fractions: then the result holds exact rationals. A float
    among them means float64 arithmetic, and the equilibria are those of the payoffs as rounded: the same ones if the
    scales are powers of two and the shifts 0 (short of overflow and underflow), otherwise not in general.

    Raises
    ------
    ValueError
        If a scale is not positive.
    InvalidGame
        If a payoff leaves the range of float64.

    Examples
    --------
    >>> game = BimatrixGame([[0, 3]], [[1, 2]])
    >>> rescaled(game, Fraction(1, 3), 10**9).rational_payoffs[1].rows()
    [[Fraction(3000000001, 3), Fraction(3000000002, 3)]]
    >>> rescaled(game, (1e-11, 1.0), (0.0, 5.0)).A
    array([[0.e+00, 3.e-11]])
    """
    scales, shifts = _pair(scale), _pair(shift)
    if not all(s > 0 for s in scales):
        raise ValueError(f"scale must be positive, got {scale}")
    if all(isinstance(number, int | Fraction) for number in (*scales, *shifts)):
        matrices = zip(game.rational_payoffs, scales, shifts, strict=True)
        return _named_like(game, *(_exactly(matrix, Fraction(a), Fraction(b)) for matrix, a, b in matrices))
    floats = zip((game.A, game.B), scales, shifts, strict=True)
    return _named_like(game, *(_in_floats(payoffs, float(a), float(b)) for payoffs, a, b in floats))


def _named_like(game: BimatrixGame, A: Payoffs, B: Payoffs) -> BimatrixGame:
    return BimatrixGame(A, B, title=game.title, players=game.players, rows=game.rows, columns=game.columns)


def _pair(value: Number | tuple[Number, Number]) -> tuple[Number, Number]:
    return value if isinstance(value, tuple) else (value, value)


def _exactly(matrix: RationalMatrix, scale: Fraction, shift: Fraction) -> list[list[Fraction]]:
    return [[scale * entry + shift for entry in row] for row in matrix.rows()]


def _in_floats(payoffs: Array, scale: float, shift: float) -> Array:
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # the game refuses what is not finite
        return scale * payoffs + shift


# --- all families under one signature ------------------------------------------------------------------------------


def _sgc_of_size(n: int, rng: Generator) -> BimatrixGame:
    return sgc(max(1, round((n + 1) / 4)), rng)


def _tournament_of_size(n: int, rng: Generator) -> BimatrixGame:
    """About n * n outcomes: nodes * (nodes choose 2) of them."""
    return tournament(max(2, round((2.0 * n * n) ** (1 / 3) + 1 / 3)), rng)


def _blotto_of_size(n: int, rng: Generator) -> BimatrixGame:
    """Three hills and the troops that make about n = (troops + 1)(troops + 2) / 2 strategies."""
    return blotto(3, max(1, round((math.sqrt(8.0 * n + 1.0) - 3.0) / 2)), rng)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "uniform": lambda n, rng: uniform(n, n, rng),
        "integer": lambda n, rng: integer(n, n, rng),
        "covariance": lambda n, rng: covariance(n, n, rng),
        "zero-sum": lambda n, rng: zero_sum(n, n, rng),
        "sgc": _sgc_of_size,
        "ranking": lambda n, rng: ranking(n, rng),
        "tournament": _tournament_of_size,
        "blotto": _blotto_of_size,
        "unit vector": lambda n, rng: unit_vector(n, rng, avoid_pure=n > 1),
    }
)
"""Every family, by name: size n and a random generator to a game of roughly n by n outcomes.

`sgc` has sizes 3, 7, 11 and so on, `blotto` 3, 6, 10, and `tournament` fewer rows than columns.
"""
