"""Lemke-Howson in integers: no rounding, ties broken lexicographically, so that every path ends.

Only the basis is kept. At each step the tight system is solved exactly, so neither errors nor numbers grow on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import flint

from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix._payoffs import RationalMatrix

# The strategies each player uses and the opponent's replies that are tight against them: (used, tight) in P, then in Q.
Basis: TypeAlias = tuple[tuple[frozenset[int], frozenset[int]], tuple[frozenset[int], frozenset[int]]]

ARTIFICIAL: Basis = ((frozenset(), frozenset()), (frozenset(), frozenset()))


@dataclass(frozen=True)
class _Polytope:
    """{z >= 0, M'z <= 1} for a positive integer matrix M: a row for each probability, a column for each slack.

    `first` and `slack` are the labels of the first probability and of the first slack.
    """

    M: list[list[int]]
    first: int
    slack: int

    def owns(self, label: int) -> bool:
        """Whether `label` is here a probability's, not a slack's."""
        return self.first <= label < self.first + len(self.M)


class _Corner:
    """A basis of a polytope, with what it takes to leave it: everything over one positive denominator."""

    def __init__(self, polytope: _Polytope, used: Sequence[int], tight: Sequence[int], entering: int | None) -> None:
        self.polytope, self.used, self.tight = polytope, list(used), list(tight)
        self.entering = entering
        k, size = len(self.used), len(polytope.M[0])
        M = polytope.M
        row = M[entering - polytope.first] if entering is not None and polytope.owns(entering) else None
        column = self._column(row)
        denominator, solved = self._solve([value for c in column for value in (1, c)])
        rest = flint.fmpz_mat(k, size, [v for a in self.used for v in M[a]]) if k else None
        moved = solved.transpose() * rest if rest is not None else flint.fmpz_mat(2, size)
        self.denominator = denominator
        self.probabilities = [int(solved[a, 0]) for a in range(k)]
        self.probability_steps = [int(solved[a, 1]) for a in range(k)]
        self.slacks = [denominator - int(moved[0, j]) for j in range(size)]
        self.slack_steps = [(denominator * row[j] if row else 0) - int(moved[1, j]) for j in range(size)]

    def _column(self, row: list[int] | None) -> list[int]:
        if row is not None:
            return [row[j] for j in self.tight]
        entering = -1 if self.entering is None else self.entering - self.polytope.slack
        return [int(j == entering) for j in self.tight]

    def _system(self) -> Any:
        k, M = len(self.used), self.polytope.M
        return flint.fmpz_mat(k, k, [M[a][j] for j in self.tight for a in self.used])

    def _solve(self, right: list[int]) -> tuple[int, Any]:
        """Denominator and numerators of the solution of the tight system, (k, 2)."""
        k = len(self.used)
        if k == 0:
            return 1, flint.fmpz_mat(0, 2)
        numerators, denominator = self._system().solve(flint.fmpz_mat(k, 2, right)).numer_denom()
        return int(denominator), numerators

    def leaving(self) -> int:
        """The label that leaves when `entering` comes in."""
        tight = set(self.tight)
        limits = [(self.probabilities[i], step, i) for i, step in enumerate(self.probability_steps) if step > 0] + [
            (self.slacks[j], step, len(self.used) + j)
            for j, step in enumerate(self.slack_steps)
            if step > 0 and j not in tight
        ]
        best = limits[0]  # one exists: M is positive, so the polytope is bounded
        tied = [best]
        for limit in limits[1:]:
            order = limit[0] * best[1] - best[0] * limit[1]
            if order < 0:
                best, tied = limit, [limit]
            elif order == 0:
                tied.append(limit)
        return self._label(tied[0][2] if len(tied) == 1 else self._first(tied))

    def _label(self, i: int) -> int:
        k = len(self.used)
        return self.polytope.first + self.used[i] if i < k else self.polytope.slack + i - k

    def _first(self, tied: list[tuple[int, int, int]]) -> int:
        """Of tied limits, the row that is lexicographically smallest over its pivot, in the slack columns."""
        k = len(self.used)
        inverse, denominator = self._system().inv().numer_denom() if k else (flint.fmpz_mat(0, 0), 1)
        place = {j: b for b, j in enumerate(self.tight)}
        candidates = [(step, i, self._tight_row(inverse, i)) for _, step, i in tied]
        for j in range(len(self.slacks)):
            entries = []
            for step, i, row in candidates:
                value = row[place[j]] if j in place else int(denominator) * int(i - k == j)
                entries.append(Fraction(value, step))
            least = min(entries)
            candidates = [c for c, entry in zip(candidates, entries, strict=True) if entry == least]
            if len(candidates) == 1:
                break
        return candidates[0][1]

    def _tight_row(self, inverse: Any, i: int) -> list[int]:
        k, M = len(self.used), self.polytope.M
        if i < k:
            return [int(inverse[i, b]) for b in range(k)]
        weights = flint.fmpz_mat(1, k, [M[a][i - k] for a in self.used])
        row = weights * inverse
        return [-int(row[0, b]) for b in range(k)]

    def after(self, leaving: int) -> tuple[list[int], list[int]]:
        """`used` and `tight` when `entering` has come in for `leaving`."""
        used, tight = list(self.used), list(self.tight)
        assert self.entering is not None
        for label, comes in ((leaving, False), (self.entering, True)):
            probability = self.polytope.owns(label)
            position = label - (self.polytope.first if probability else self.polytope.slack)
            group, joins = (used, comes) if probability else (tight, not comes)
            if joins:
                group.append(position)
            else:
                group.remove(position)
        return used, tight

    def strategy(self) -> tuple[Fraction, ...]:
        """The probabilities, scaled to sum to 1."""
        total = sum(self.probabilities)
        out = [Fraction(0)] * len(self.polytope.M)
        for a, value in zip(self.used, self.probabilities, strict=True):
            out[a] = Fraction(value, total)
        return tuple(out)


class ExactPaths:
    """The label paths of a game, followed in integers."""

    def __init__(self, game: BimatrixGame) -> None:
        A, B = game.rational_payoffs
        m, _ = game.shape
        self.polytopes = (_Polytope(_positive(B), 0, m), _Polytope(_positive(A.transposed), m, 0))

    def follow(self, basis: Basis, label: int, max_pivots: int) -> tuple[Basis, int, list[Basis]] | None:
        """Where the path of `label` from `basis` ends, its number of pivots and its bases; None at the limit."""
        bases = [[sorted(used), sorted(tight)] for used, tight in basis]
        at = 0 if self.polytopes[0].owns(label) != (label in self._used(bases, label)) else 1
        entering, visited = label, []
        for pivots in range(1, max_pivots + 1):
            corner = _Corner(self.polytopes[at], bases[at][0], bases[at][1], entering)
            leaving = corner.leaving()
            bases[at] = list(corner.after(leaving))
            visited.append(_frozen(bases))
            if leaving == label:
                return visited[-1], pivots, visited
            entering, at = leaving, 1 - at
        return None

    def _used(self, bases: list[list[list[int]]], label: int) -> set[int]:
        """The labels whose probability is in its basis, of the polytope that owns `label`."""
        at = 0 if self.polytopes[0].owns(label) else 1
        return {self.polytopes[at].first + a for a in bases[at][0]}

    def profile(self, basis: Basis) -> RationalProfile:
        """The strategies of a basis other than the artificial one."""
        row, column = (
            _Corner(polytope, sorted(used), sorted(tight), None).strategy()
            for polytope, (used, tight) in zip(self.polytopes, basis, strict=True)
        )
        return RationalProfile(row, column)


def _positive(payoffs: RationalMatrix) -> list[list[int]]:
    """Integers in the proportions of the normalised payoffs that the compiled kernels use: from 1/4 to 5/4."""
    m, n = payoffs.shape
    rows = [[int(payoffs.numerators[i, j]) for j in range(n)] for i in range(m)]
    low, high = min(map(min, rows)), max(map(max, rows))
    return [[4 * (value - low) + max(high - low, 1) for value in row] for row in rows]


def _frozen(bases: list[list[list[int]]]) -> Basis:
    (p_used, p_tight), (q_used, q_tight) = bases
    return (frozenset(p_used), frozenset(p_tight)), (frozenset(q_used), frozenset(q_tight))
