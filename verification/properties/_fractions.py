"""Games in plain fractions, by trying everything: what solvers are held against. Nothing of the solvers is used."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from solvers.bimatrix import BimatrixGame

Row: TypeAlias = list[Fraction]
Matrix: TypeAlias = list[Row]
Mix: TypeAlias = tuple[Fraction, ...]
Pair: TypeAlias = tuple[Mix, Mix]


class Corner(NamedTuple):
    """A mix at which as many strategies, own unused ones and best replies, are tight as it takes to pin it down."""

    mix: Mix
    used: frozenset[int]
    best: frozenset[int]


# --- arithmetic ------------------------------------------------------------------------------------------------------


def payoffs(game: BimatrixGame) -> tuple[Matrix, Matrix]:
    """Both payoff matrices, (m, n), as the game holds them."""
    A, B = (matrix.rows() for matrix in game.rational_payoffs)
    return A, B


def transposed(matrix: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as columns."""
    return [list(column) for column in zip(*matrix, strict=True)]


def times(matrix: Sequence[Sequence[Any]], vector: Sequence[Any]) -> list[Any]:
    """The product of a matrix with a vector."""
    return [sum(a * v for a, v in zip(row, vector, strict=True) if v) for row in matrix]


def fractions(values: Iterable[Any]) -> Mix:
    """Numbers as they are, without rounding."""
    return tuple(v if isinstance(v, Fraction) else Fraction(float(v)) for v in values)


def solution(system: Sequence[Sequence[Any]], right: Sequence[Any]) -> list[Fraction] | None:
    """What solves the square system, by elimination; None if it is singular."""
    rows = [[Fraction(v) for v in (*row, value)] for row, value in zip(system, right, strict=True)]
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(len(rows)):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def determinant(matrix: Sequence[Sequence[Any]]) -> Fraction:
    """By elimination."""
    rows, value = [[Fraction(v) for v in row] for row in matrix], Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], value = rows[pivot], rows[k], -value
        value *= rows[k][k]
        for i in range(k + 1, len(rows)):
            if rows[i][k]:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[k], strict=True)]
    return value


def bordered(matrix: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The matrix with a column and a row of ones and a 0 in the corner, equation (12)."""
    return [*([*row, 1] for row in matrix), [1] * len(matrix) + [0]]


# --- regrets ---------------------------------------------------------------------------------------------------------


def regrets(game: BimatrixGame, row: Any, column: Any) -> tuple[Fraction, Fraction]:
    """What each player gains by its best pure deviation; no probability counts as less than 0."""
    x, y = (tuple(max(p, Fraction(0)) for p in fractions(mix)) for mix in (row, column))
    A, B = payoffs(game)
    gains = []
    for matrix, own, other in ((A, x, y), (transposed(B), y, x)):
        earned = times(matrix, other)
        gains.append(sum((p * (max(earned) - v) for p, v in zip(own, earned, strict=True) if p), Fraction(0)))
    return gains[0], gains[1]


def ranges(game: BimatrixGame) -> tuple[Fraction, Fraction]:
    """Greatest less least payoff of each player."""
    first, second = (max(max(row) for row in M) - min(min(row) for row in M) for M in payoffs(game))
    return first, second


def infeasible(mixes: Iterable[Any]) -> Fraction:
    """How far mixes are from probabilities."""
    worst = Fraction(0)
    for mix in map(fractions, mixes):
        worst = max(worst, abs(sum(mix, Fraction(-1))), *(-p for p in mix))
    return worst


def off(game: BimatrixGame, profile: Any) -> float:
    """How far a profile is from an equilibrium: regrets over ranges of payoffs, or distance from probabilities."""
    if not all(math.isfinite(p) for mix in profile for p in mix):
        return math.nan
    shares = [gain / size if size else gain for gain, size in zip(regrets(game, *profile), ranges(game), strict=True)]
    return float(max(*shares, infeasible(profile)))


def worst(game: BimatrixGame, profiles: Iterable[Any]) -> float:
    """The greatest `off` of all profiles, 0 of none."""
    return float(np.max([0.0, *(off(game, profile) for profile in profiles)]))


# --- everything ------------------------------------------------------------------------------------------------------


def corners(replies: Sequence[Sequence[Any]]) -> list[Corner]:
    """Every corner of a player's best-response polyhedron, by all ways to choose what is tight.

    `replies` holds a row for each strategy of the opponent: what it earns against each own one.
    """
    whole = _whole(replies)
    size, others, found = len(whole[0]), len(whole), dict[Mix, Corner]()
    for count in range(1, min(size, others) + 1):
        for used in itertools.combinations(range(size), count):
            for tied in itertools.combinations(range(others), count):
                mix = _mix(whole, size, used, tied)
                if mix is not None and mix not in found:
                    corner = _corner(whole, mix)
                    if corner.best >= set(tied):
                        found[mix] = corner
    return list(found.values())


def _whole(replies: Sequence[Sequence[Any]]) -> list[list[int]]:
    """The same over a common denominator, which changes nothing of who ties."""
    common = math.lcm(*(Fraction(v).denominator for row in replies for v in row))
    return [[int(v * common) for v in row] for row in replies]


def _mix(whole: list[list[int]], size: int, used: Sequence[int], tied: Sequence[int]) -> Mix | None:
    """The mix of the `used` that makes the `tied` earn the same, if there is one and only one, and it is a mix."""
    system = [[*(whole[k][i] for i in used), -1] for k in tied] + [[1] * len(used) + [0]]
    found = solution(system, [0] * len(tied) + [1])
    if found is None or min(found[:-1]) < 0:
        return None
    mix = [Fraction(0)] * size
    for i, p in zip(used, found, strict=False):
        mix[i] = p
    return tuple(mix)


def _corner(whole: list[list[int]], mix: Mix) -> Corner:
    earned = times(whole, mix)
    best = frozenset(k for k, v in enumerate(earned) if v == max(earned))
    return Corner(mix, frozenset(i for i, p in enumerate(mix) if p), best)


class Listed:
    """Every extreme equilibrium of a small game, and every pair of supports that any equilibrium has."""

    def __init__(self, game: BimatrixGame) -> None:
        A, B = payoffs(game)
        self.shape = game.shape
        self.rows, self.columns = corners(transposed(B)), corners(A)

    @property
    def equilibria(self) -> set[Pair]:
        """Pairs of corners in which every strategy that is used is a best reply."""
        pairs = itertools.product(self.rows, self.columns)
        return {(x.mix, y.mix) for x, y in pairs if x.used <= y.best and y.used <= x.best}

    @property
    def supports(self) -> set[tuple[frozenset[int], frozenset[int]]]:
        """Of an equilibrium: a mix of just these rows to which these columns are best, and the other way round."""
        every = itertools.product(*map(_subsets, self.shape))
        return {(r, c) for r, c in every if _spans(self.rows, r, c) and _spans(self.columns, c, r)}

    @property
    def finite(self) -> bool:
        """Whether no two extreme equilibria have a strategy in common, so that there are no others."""
        return not any(x == u or y == v for (x, y), (u, v) in itertools.combinations(self.equilibria, 2))

    @property
    def components(self) -> int:
        """How many connected sets all equilibria make up: extreme ones hang together by common strategies."""
        waiting, count = set(self.equilibria), 0
        while waiting:
            reached, count = {waiting.pop()}, count + 1
            while reached:
                x, y = reached.pop()
                near = {pair for pair in waiting if pair[0] == x or pair[1] == y}
                waiting, reached = waiting - near, reached | near
        return count

    @property
    def nondegenerate(self) -> bool:
        """Whether no mix has more best replies than it uses strategies."""
        return all(len(corner.best) == len(corner.used) for corner in (*self.rows, *self.columns))


def _subsets(size: int) -> Iterator[frozenset[int]]:
    for count in range(1, size + 1):
        yield from map(frozenset, itertools.combinations(range(size), count))


def _spans(found: Sequence[Corner], used: frozenset[int], best: frozenset[int]) -> bool:
    """Whether some mix of exactly the `used` has the `best` among its best replies: a mean of corners that do."""
    within = [corner.used for corner in found if corner.used <= used and corner.best >= best]
    return frozenset().union(*within) == used
