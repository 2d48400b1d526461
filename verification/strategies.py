"""Hypothesis strategies for two-player games and profiles, for your own property tests.

Those for hedonic games and partitions come from `verification.hedonic_strategies`, those for jamming models and small
stochastic games from `verification.jamming_strategies`. Needs Hypothesis: install certeq[verification]; nothing else
here imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from solvers.bimatrix import BimatrixGame, Profile, RationalProfile

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("verification.strategies needs Hypothesis; install certeq[verification]") from None

from verification.hedonic_strategies import HEDONIC_KINDS as HEDONIC_KINDS
from verification.hedonic_strategies import hedonic_games as hedonic_games
from verification.hedonic_strategies import partitions as partitions
from verification.jamming_strategies import JAMMING_KINDS as JAMMING_KINDS
from verification.jamming_strategies import jamming_models as jamming_models
from verification.jamming_strategies import stationary_profiles as stationary_profiles
from verification.jamming_strategies import stochastic_games as stochastic_games
from verification.jamming_strategies import switching_games as switching_games
from verification.stackelberg_strategies import STACKELBERG_KINDS as STACKELBERG_KINDS
from verification.stackelberg_strategies import game_prices as game_prices
from verification.stackelberg_strategies import incentive_games as incentive_games
from verification.stackelberg_strategies import pricing_games as pricing_games
from verification.stackelberg_strategies import stackelberg_games as stackelberg_games

Payoffs = list[list[Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

UNITS = (1e-300, 1e-11, 1e-6, 1e6, 1e15, 1e300)
SHIFTS = (-1e9, -1e6, 1e3, 1e6, 1e9)
GRAIN = 60  # rational probabilities are drawn as shares of weights up to this
NOISE = (1e-6, 1e-8, 1e-10, 1e-12)  # what breaks ties, beside differences of 1


def bimatrix_games(*, max_size: int = 6, kinds: Sequence[str] | None = None) -> st.SearchStrategy[BimatrixGame]:
    """A strategy for games with 1 to `max_size` strategies a player, of the `kinds` of `KINDS`, by default all.

    Simple kinds come first: failing examples shrink towards small games of small integers.

    Raises
    ------
    ValueError
        If `max_size` is less than 1, or a kind is not one of `KINDS`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(bimatrix_games(max_size=3))
    ... def there_is_a_best_response(game):
    ...     assert min(game.regrets(uniform_profile(game.shape))) >= 0
    >>> there_is_a_best_response()
    """
    chosen = tuple(KINDS) if kinds is None else tuple(kinds)
    if max_size < 1:
        raise ValueError(f"max_size must be >= 1, got {max_size}")
    if not chosen or not set(chosen) <= set(KINDS):
        raise ValueError(f"kinds must be among {', '.join(KINDS)}, got {chosen}")
    return st.sampled_from(chosen).flatmap(lambda kind: KINDS[kind](max_size))


def profiles(shape: tuple[int, int]) -> st.SearchStrategy[Profile]:
    """A strategy for mixed profiles of an (m, n) game, pure ones and zeros among them, in float64.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(profiles((3, 2)))
    ... def probabilities_add_up(profile):
    ...     assert abs(profile.row.sum() - 1) < 1e-12
    >>> probabilities_add_up()
    """
    return rational_profiles(shape).map(lambda exact: Profile(*(np.array([float(p) for p in s]) for s in exact)))


def rational_profiles(shape: tuple[int, int]) -> st.SearchStrategy[RationalProfile]:
    """A strategy for mixed profiles of an (m, n) game in fractions that add up to exactly 1.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(rational_profiles((3, 2)))
    ... def probabilities_add_up(profile):
    ...     assert sum(profile.row) == 1
    >>> probabilities_add_up()
    """
    m, n = shape
    return st.builds(RationalProfile, _shares(m), _shares(n))


def uniform_profile(shape: tuple[int, int]) -> Profile:
    """The profile in which both players choose all their strategies equally often.

    Examples
    --------
    >>> uniform_profile((1, 2))
    Profile(row=array([1.]), column=array([0.5, 0.5]))
    """
    m, n = shape
    return Profile(np.full(m, 1.0 / m), np.full(n, 1.0 / n))


def _shares(size: int) -> st.SearchStrategy[tuple[Fraction, ...]]:
    """Weights over their sum, one of which is positive; simple draws are pure strategies."""
    weights = st.lists(st.integers(0, GRAIN), min_size=size, max_size=size)
    return st.builds(_normalised, weights, st.integers(0, size - 1))


def _normalised(weights: list[int], extra: int) -> tuple[Fraction, ...]:
    weights[extra] += 1
    return tuple(Fraction(weight, sum(weights)) for weight in weights)


# --- matrices ------------------------------------------------------------------------------------------------------


def _matrices(entries: st.SearchStrategy[Any], m: int, n: int) -> st.SearchStrategy[Payoffs]:
    return st.lists(st.lists(entries, min_size=n, max_size=n), min_size=m, max_size=m)


def _games(entries: st.SearchStrategy[Any], max_size: int) -> st.SearchStrategy[BimatrixGame]:
    """Games of any shape whose payoffs are drawn one by one."""

    def of_shape(shape: tuple[int, int]) -> st.SearchStrategy[BimatrixGame]:
        return st.builds(BimatrixGame, _matrices(entries, *shape), _matrices(entries, *shape))

    return _shapes(max_size).flatmap(of_shape)


def _shapes(max_size: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(1, max_size), st.integers(1, max_size))


def _ties(max_size: int) -> st.SearchStrategy[BimatrixGame]:
    return _games(st.integers(0, 2), max_size)


def _integers(max_size: int) -> st.SearchStrategy[BimatrixGame]:
    return _games(st.integers(-100, 100), max_size)


def _rationals(max_size: int) -> st.SearchStrategy[BimatrixGame]:
    return _games(st.fractions(-10, 10, max_denominator=20), max_size)


def _floats(max_size: int) -> st.SearchStrategy[BimatrixGame]:
    return _games(st.floats(-1e3, 1e3, allow_subnormal=False), max_size)


@st.composite
def _duplicated(draw: Draw, max_size: int) -> BimatrixGame:
    """Rows and columns that occur several times."""
    game = draw(_ties(max_size))
    rows, columns = (draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=max_size)) for size in game.shape)
    order = np.ix_(rows, columns)
    return BimatrixGame(game.A[order], game.B[order])


def _zero_sum(max_size: int) -> st.SearchStrategy[BimatrixGame]:
    """With ties and without."""
    return st.one_of(_ties(max_size), _integers(max_size)).map(lambda game: BimatrixGame(game.A, -game.A))


@st.composite
def _symmetric(draw: Draw, max_size: int) -> BimatrixGame:
    """B is A transposed: both players are in the same position."""
    size = draw(st.integers(1, max_size))
    A = np.array(draw(_matrices(st.integers(-3, 3), size, size)))
    return BimatrixGame(A, A.T)


@st.composite
def _identity_like(draw: Draw, max_size: int) -> BimatrixGame:
    """Diagonals, in any order, of a few values: very many equilibria, or a single one."""
    size = draw(st.integers(1, max_size))
    matrices = [np.diag(draw(st.lists(st.integers(1, 3), min_size=size, max_size=size))) for _ in range(2)]
    order = draw(st.permutations(range(size)))
    return BimatrixGame(matrices[0], matrices[1][order])


@st.composite
def _units(draw: Draw, max_size: int) -> BimatrixGame:
    """Payoffs of one player, or of both, in a tiny or huge unit."""
    game, row, column = draw(_integers(max_size)), *(draw(st.sampled_from((1.0, *UNITS))) for _ in range(2))
    return BimatrixGame(game.A * row, game.B * column)


@st.composite
def _shifted(draw: Draw, max_size: int) -> BimatrixGame:
    """Payoffs that are far from 0 beside their differences."""
    game, row, column = draw(_floats(max_size)), *(draw(st.sampled_from((0.0, *SHIFTS))) for _ in range(2))
    return BimatrixGame(game.A + row, game.B + column)


@st.composite
def _near_ties(draw: Draw, max_size: int) -> BimatrixGame:
    """Ties that noise breaks, which is far below all other differences and above what float64 rounds."""
    game, noise = draw(_ties(max_size)), draw(st.sampled_from(NOISE))
    steps = [np.array(draw(_matrices(st.integers(-2, 2), *game.shape))) for _ in range(2)]
    return BimatrixGame(game.A + noise * steps[0], game.B + noise * steps[1])


@st.composite
def _long_paths(draw: Draw, max_size: int) -> BimatrixGame:
    """One of `LONG_PATHS`, its strategies in any order."""
    size = draw(st.sampled_from([size for size in LONG_PATHS if size <= max_size]))
    A, B = LONG_PATHS[size]
    order = np.ix_(*(draw(st.permutations(range(size))) for _ in range(2)))
    return BimatrixGame(np.array(A)[order], np.array(B)[order])


@st.composite
def _dense_supports(draw: Draw, max_size: int) -> BimatrixGame:
    """Nearly zero-sum: what one player wins the other loses, but for a tenth. Equilibria mix many strategies."""
    size = draw(st.integers(1, max_size))
    A, noise = (np.array(draw(_matrices(st.integers(-most, most), size, size))) for most in (90, 9))
    return BimatrixGame(A, noise - A)


LONG_PATHS: Mapping[int, tuple[Payoffs, Payoffs]] = MappingProxyType(
    {
        1: ([[1]], [[1]]),
        2: ([[1, 3], [3, -3]], [[3, 1], [-3, 3]]),
        4: (
            [[-147, 105, -15, 105], [525, -315, 81, -315], [105, -35, 25, -63], [1365, -1155, 165, -735]],
            [[165, 81, 25, -15], [-735, -315, -63, 105], [1365, 525, 105, -147], [-1155, -315, -35, 105]],
        ),
        6: (
            [
                [-180, 72, -333, 297, -153, 270],
                [-30, 17, -33, 42, -3, 20],
                [-81, 36, -126, 126, -36, 90],
                [90, -36, 126, -126, 36, -81],
                [20, -3, 42, -33, 17, -30],
                [270, -153, 297, -333, 72, -180],
            ],
            [
                [72, 36, 17, -3, -36, -153],
                [-180, -81, -30, 20, 90, 270],
                [297, 126, 42, -33, -126, -333],
                [-333, -126, -33, 42, 126, 297],
                [270, 90, 20, -30, -81, -180],
                [-153, -36, -3, 17, 36, 72],
            ],
        ),
    }
)
"""Games on dual cyclic polytopes, by size, in which Lemke-Howson takes long whatever the label.

References
----------
R. Savani and B. von Stengel, Hard-to-solve bimatrix games, Econometrica 74 (2006).
"""

KINDS: Mapping[str, Callable[[int], st.SearchStrategy[BimatrixGame]]] = MappingProxyType(
    {
        "ties": _ties,
        "integers": _integers,
        "rationals": _rationals,
        "floats": _floats,
        "duplicated": _duplicated,
        "zero-sum": _zero_sum,
        "symmetric": _symmetric,
        "identity-like": _identity_like,
        "units": _units,
        "shifted": _shifted,
        "near-ties": _near_ties,
        "long-paths": _long_paths,
        "dense-supports": _dense_supports,
    }
)
"""Kinds of games, by name: the largest number of strategies a player to a strategy for games.

- ties: integers from 0 to 2; integers: from -100 to 100; rationals: fractions, kept exactly; floats: up to 1e3
- duplicated: rows and columns that occur several times; identity-like: diagonal matrices with rows in any order
- zero-sum, symmetric
- units: payoffs from 1e-300 to 1e300; shifted: far from 0 beside their differences
- near-ties: integers from 0 to 2 with noise of 1e-6 to 1e-12; long-paths: of `LONG_PATHS`, strategies in any order
- dense-supports: nearly zero-sum, so that equilibria mix many strategies
"""
