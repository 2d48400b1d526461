"""Equilibria by their supports: the pure ones, and those of every pair of supports."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from solvers.bimatrix._game import BimatrixGame, Profile
from solvers.bimatrix._support_filter import surviving_pairs, unit_payoffs
from solvers.bimatrix._ties import Replies, Support, ties
from solvers.bimatrix._vertices import integers
from solvers.core import Array, Mask, Positions, Solution, Status

TOLERANCE = 1e-9  # regret allowed, relative to the range of the player's payoffs


def pure_equilibria(game: BimatrixGame) -> Solution[Profile]:
    """All pure equilibria, or `Status.NONE_EXISTS`.

    Payoffs are compared exactly. `complete` is about every equilibrium, mixed ones too: it is true only where pure
    strategies that are strictly better leave one profile, the only equilibrium there is.

    Examples
    --------
    >>> game = BimatrixGame([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> [profile.row.tolist() for profile in pure_equilibria(game).profiles]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    cells = _pure_cells(game)
    m, n = game.shape
    profiles = tuple(Profile(np.eye(1, m, i)[0], np.eye(1, n, j)[0]) for i, j in cells)
    status = Status.SOLVED if profiles else Status.NONE_EXISTS
    return Solution(profiles, status, "pure enumeration", complete=len(cells) == 1 and _solvable_by_dominance(game))


def support_enumeration(game: BimatrixGame, *, equal_size: bool = True, max_supports: int = 10**7) -> Solution[Profile]:
    """An equilibrium for each pair of supports that has one, in order of size; of equal sizes unless told otherwise.

    Pairs are ruled out in floats with a bound on their error, and what remains is decided in integers. Where a pair has
    a continuum of equilibria, the mean of its extreme ones is returned. After `max_supports` pairs the status is
    `Status.LIMIT`, with what was found.

    `complete` is true only where the list is proved to be whole. With `equal_size`: no pair was met where a strategy
    outside the support is a best reply too, or where the probabilities are not unique or some are 0, so that every
    equilibrium is isolated and has supports of one size. Without: no pair of supports has more than one equilibrium.

    Raises
    ------
    ValueError
        If `max_supports` is less than 1.

    References
    ----------
    Dickhaut and Kaplan, A program for finding Nash equilibria, Mathematica J. 1 (1991). von Stengel, Algorithmic Game
    Theory (2007), algorithm 3.4.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> found = support_enumeration(game)
    >>> [profile.column.round(3).tolist() for profile in found.profiles], found.complete
    ([[1.0, 0.0], [0.667, 0.333], [0.333, 0.667]], True)
    """
    if max_supports < 1:
        raise ValueError(f"max_supports must be at least 1, got {max_supports}")
    search = _Search(game, equal_size)
    for sizes in _sizes(game.shape, equal_size):
        if not search.visit(sizes, max_supports - search.looked):
            return search.solution(Status.LIMIT)
    return search.solution(Status.SOLVED if search.profiles else Status.NONE_EXISTS)


@dataclass(slots=True)
class _Search:
    """What a walk over the pairs of supports has found so far."""

    game: BimatrixGame
    equal_size: bool
    looked: int = 0
    decided: int = 0
    proved: bool = True
    unchecked: int = 0
    profiles: list[Profile] = field(default_factory=list)
    unit: tuple[object, object] = field(init=False)
    exact: tuple[Replies, Replies] = field(init=False)

    def __post_init__(self) -> None:
        A, B = self.game.rational_payoffs
        self.unit = unit_payoffs(A), np.ascontiguousarray(unit_payoffs(B).T)
        self.exact = integers(A), integers(B.transposed)

    def visit(self, sizes: tuple[int, int], budget: int) -> bool:
        """Looks at the pairs of these sizes, at most `budget` of them; whether that was all."""
        pairs, looked, finished = surviving_pairs(*self.unit, *sizes, budget)
        self.looked += looked
        self.decided += len(pairs)
        for pair in pairs.tolist():
            self.decide(tuple(pair[: sizes[0]]), tuple(pair[sizes[0] :]))
        return bool(finished)

    def decide(self, rows: Support, columns: Support) -> None:
        """Adds the equilibrium of one pair of supports, if it has any, exactly."""
        A, B = self.exact
        Y = ties(A, rows, columns)
        X = ties(B, columns, rows) if Y is None or Y.count else Y
        if X is None or Y is None:
            self.unchecked += 1
        elif X.count and Y.count:
            self.proved &= X.strict and Y.strict if self.equal_size else X.count == Y.count == 1
            if X.full and Y.full:
                m, n = self.game.shape
                self.add(Profile(_spread(X.mean, rows, m), _spread(Y.mean, columns, n)))

    def add(self, profile: Profile) -> None:
        """Keeps a profile that passes the check in floats."""
        if np.all(self.game.regrets(profile) <= TOLERANCE * self.game.magnitudes()):
            self.profiles.append(profile)
        else:
            self.unchecked += 1

    def solution(self, status: Status) -> Solution[Profile]:
        """The claim: whole only at the end, and a failure there where a pair could not be decided or checked."""
        finished = status is not Status.LIMIT
        if finished and self.unchecked:
            status = Status.FAILED
        proved = self.proved and finished and not self.unchecked
        stats = {"supports": self.looked, "decided_exactly": self.decided, "unchecked": self.unchecked}
        return Solution(tuple(self.profiles), status, "support enumeration", complete=proved, stats=stats)


def _sizes(shape: tuple[int, int], equal_size: bool) -> Iterator[tuple[int, int]]:
    m, n = shape
    if equal_size:
        return ((k, k) for k in range(1, min(m, n) + 1))
    every = itertools.product(range(1, m + 1), range(1, n + 1))
    return iter(sorted(every, key=lambda sizes: (sum(sizes), abs(sizes[0] - sizes[1]), sizes)))


def _spread(probabilities: Sequence[Fraction], played: Support, size: int) -> Array:
    """The probabilities in their places among all `size` strategies."""
    strategy = np.zeros(size)
    strategy[list(played)] = [float(p) for p in probabilities]
    return strategy


def _pure_cells(game: BimatrixGame) -> list[tuple[int, int]]:
    """Row and column of each pure equilibrium; rounding keeps order, so all are equilibria of the rounded payoffs."""
    best_rows = game.A.max(axis=0) == game.A
    best_columns = game.B.max(axis=1)[:, None] == game.B
    cells = [(int(i), int(j)) for i, j in np.argwhere(best_rows & best_columns)]
    if all(best_rows[:, j].sum() == best_columns[i].sum() == 1 for i, j in cells):
        return cells
    return [(i, j) for i, j in cells if _best_exactly(game, i, j)]


def _best_exactly(game: BimatrixGame, i: int, j: int) -> bool:
    """Whether neither a row nor a column that earns as much in floats earns more in rationals."""
    A, B = (payoffs.numerators for payoffs in game.rational_payoffs)
    rows, columns = np.flatnonzero(game.A[:, j] == game.A[i, j]), np.flatnonzero(game.B[i] == game.B[i, j])
    return all(A[i, j] >= A[int(s), j] for s in rows) and all(B[i, j] >= B[i, int(s)] for s in columns)


def _solvable_by_dominance(game: BimatrixGame) -> bool:
    """Whether one profile remains once strategies that another is strictly better than are struck out, in turn."""
    rows, columns = np.ones(game.shape[0], dtype=bool), np.ones(game.shape[1], dtype=bool)
    for _ in range(sum(game.shape)):
        rows &= ~_beaten(game.A[:, columns], rows)
        columns &= ~_beaten(game.B.T[:, rows], columns)
    return bool(rows.sum() == columns.sum() == 1)


def _beaten(payoffs: Array, alive: Mask) -> Mask:
    """Which strategies another one that is alive is strictly better than, against all that is left."""
    best: Positions = np.flatnonzero(alive)
    return np.array([bool(np.any(np.all(payoffs[best] > own, axis=1))) for own in payoffs])
