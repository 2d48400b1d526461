"""Which pairs of supports floats can rule out for certain; what they cannot is left to exact arithmetic.

Payoffs are within [0, 1], each correctly rounded, so a strict inequality between two of them holds for the exact ones.
Solutions of linear systems carry a bound on their error, from the residual of an approximate inverse.

References
----------
Porter, Nudelman and Shoham, Simple search methods for finding a Nash equilibrium, Games Econ. Behav. 63 (2008):
conditional dominance. Rump, Verification methods: rigorous results using floating-point arithmetic, Acta Numerica 19
(2010), theorem 10.2: the bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solvers._numba import njit
from solvers.bimatrix._payoffs import RationalMatrix
from solvers.core import Array

ROUNDING = 2.0**-52


def unit_payoffs(payoffs: RationalMatrix) -> Array:
    """The payoffs affinely rescaled to [0, 1], each the float64 nearest to it."""
    entries = [int(value) for value in payoffs.numerators.entries()]
    least = min(entries)
    width = max(entries) - least or 1
    return np.array([(value - least) / width for value in entries]).reshape(payoffs.shape)


def surviving_pairs(A: Any, B: Any, k: Any, l: Any, budget: Any) -> Any:  # noqa: E741 - sizes of the supports
    """Supports of k rows and l columns that are not ruled out, (count, k + l), how many were looked at, whether all.

    `A`, (m, n), are the row player's payoffs and `B`, (n, m), the column player's, within [0, 1]. Only columns that are
    not dominated against the rows are paired with them; rows with too few such columns count as one look. `budget` is
    the most looks.
    """
    m, n = A.shape
    rows, places = np.arange(k), np.arange(l)
    columns, allowed = np.empty(l, dtype=np.int64), np.empty(n, dtype=np.int64)
    work = np.empty((3, max(k, l) + 1, max(k, l) + 1))
    pairs, count, looked = np.empty((64, k + l), dtype=np.int64), 0, 0
    while True:
        size = _undominated(B, rows, allowed)
        places[:] = np.arange(l)
        while True:
            if looked == budget:
                return pairs[:count], looked, False
            looked += 1
            if size < l:
                break
            for j in range(l):
                columns[j] = allowed[places[j]]
            if not _ruled_out(A, B, rows, columns, work):
                if count == len(pairs):
                    pairs = np.concatenate((pairs, np.empty_like(pairs)))
                pairs[count, :k], pairs[count, k:] = rows, columns
                count += 1
            if not _advance(places, size):
                break
        if not _advance(rows, m):
            return pairs[:count], looked, True


def _advance(chosen: Any, size: Any) -> Any:
    """Turns `chosen` in place into the next of the sets of its size below `size`; false after the last."""
    k = len(chosen)
    for spot in range(k - 1, -1, -1):
        if chosen[spot] < size - k + spot:
            chosen[spot] += 1
            for later in range(spot + 1, k):
                chosen[later] = chosen[later - 1] + 1
            return True
    return False


def _dominated(payoffs: Any, strategy: Any, against: Any) -> Any:
    """Whether another strategy earns strictly more than `strategy` against each of `against`."""
    for other in range(len(payoffs)):
        better = other != strategy
        for reply in against:
            if not better:
                break
            better = payoffs[other, reply] > payoffs[strategy, reply]
        if better:
            return True
    return False


def _undominated(payoffs: Any, against: Any, allowed: Any) -> Any:
    """Writes the strategies that are not dominated to `allowed`; how many they are."""
    size = 0
    for strategy in range(len(payoffs)):
        if not _dominated(payoffs, strategy, against):
            allowed[size] = strategy
            size += 1
    return size


def _ruled_out(A: Any, B: Any, rows: Any, columns: Any, work: Any) -> Any:
    """Whether no equilibrium has these supports, for certain."""
    for row in rows:
        if _dominated(A, row, columns):
            return True
    if len(rows) >= len(columns) and _cannot_tie(A, rows, columns, work):
        return True
    return len(columns) >= len(rows) and _cannot_tie(B, columns, rows, work)


def _cannot_tie(payoffs: Any, tied: Any, played: Any, work: Any) -> Any:
    """Whether no mixture of `played` makes all of `tied`, at least as many, best replies, for certain."""
    size = len(played) + 1
    system, inverse, product = work[0], work[1], work[2]
    if not _inverted(payoffs, tied, played, system, inverse, product):
        return False
    error = _error(system, inverse, size)
    if not error < 1.0:
        return False
    spread = 0.0
    for s in range(size):
        spread += abs(inverse[s, size - 1])
        if s < size - 1 and inverse[s, size - 1] < -error:
            return True
    allowance = size * error + 2 * (size + 2) * ROUNDING * spread
    return _somebody_deviates(payoffs, tied, played, inverse, allowance)


def _somebody_deviates(payoffs: Any, tied: Any, played: Any, inverse: Any, allowance: Any) -> Any:
    """Whether a reply earns more than the first of `tied`, or one of `tied` less, by more than `allowance`."""
    last = len(played)
    for reply in range(len(payoffs)):
        gap = -inverse[last, last]
        for s in range(last):
            gap += payoffs[reply, played[s]] * inverse[s, last]
        if gap > allowance:
            return True
        if gap < -allowance:
            for other in tied:
                if other == reply:
                    return True
    return False


def _inverted(payoffs: Any, tied: Any, played: Any, system: Any, inverse: Any, rest: Any) -> Any:
    """Writes the system "the first of `tied` earn u, probabilities sum to 1" and its approximate inverse.

    Gauss-Jordan elimination with partial pivoting in `rest`; false if a pivot vanishes. The unknowns are the
    probabilities of `played`, and then u.
    """
    size = len(played) + 1
    for i in range(size):
        for j in range(size):
            if i < size - 1:
                system[i, j] = payoffs[tied[i], played[j]] if j < size - 1 else -1.0
            else:
                system[i, j] = 1.0 if j < size - 1 else 0.0
            rest[i, j] = system[i, j]
            inverse[i, j] = 1.0 if i == j else 0.0
    for c in range(size):
        p = c
        for i in range(c + 1, size):
            if abs(rest[i, c]) > abs(rest[p, c]):
                p = i
        if abs(rest[p, c]) < 1e-13:
            return False
        _eliminate(rest, inverse, c, p, size)
    return True


def _eliminate(rest: Any, inverse: Any, c: Any, p: Any, size: Any) -> None:
    """Column c of `rest` becomes a unit vector, by row p, which changes places with row c."""
    for j in range(size):
        rest[c, j], rest[p, j] = rest[p, j], rest[c, j]
        inverse[c, j], inverse[p, j] = inverse[p, j], inverse[c, j]
    pivot = 1.0 / rest[c, c]
    for j in range(size):
        rest[c, j] *= pivot
        inverse[c, j] *= pivot
    for i in range(size):
        factor = rest[i, c]
        if i != c and factor != 0.0:
            for j in range(size):
                rest[i, j] -= factor * rest[c, j]
                inverse[i, j] -= factor * inverse[c, j]


def _error(system: Any, inverse: Any, size: Any) -> Any:
    """A bound on the error of the last column of `inverse` as the solution for the last unit vector; inf if none.

    The entries of the system are within [-1, 1], each with an error of at most ROUNDING.
    """
    norm, defect, residual, spread = 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        total, off, left = 0.0, 0.0, 1.0 if i == size - 1 else 0.0
        for j in range(size):
            entry = 1.0 if i == j else 0.0
            for s in range(size):
                entry -= inverse[i, s] * system[s, j]
            total += abs(inverse[i, j])
            off += abs(entry)
            left -= system[i, j] * inverse[j, size - 1]
        norm, defect, residual = max(norm, total), max(defect, off), max(residual, abs(left))
        spread += abs(inverse[i, size - 1])
    rounding = 2 * (size + 2) * ROUNDING
    defect += rounding * size * norm
    if not defect < 0.5:
        return np.inf
    return 2.0 * norm * (residual + rounding * (spread + 1.0))


_advance = njit(_advance)
_dominated = njit(_dominated)
_undominated = njit(_undominated)
_eliminate = njit(_eliminate)
_inverted = njit(_inverted)
_error = njit(_error)
_somebody_deviates = njit(_somebody_deviates)
_cannot_tie = njit(_cannot_tie)
_ruled_out = njit(_ruled_out)
surviving_pairs = njit(surviving_pairs)
