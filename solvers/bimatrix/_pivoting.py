"""Compiled complementary pivoting in float64: a condensed tableau for small games, a revised one for large.

Both follow the same path through the best-response polytopes P = {x >= 0, B'x <= 1} and Q = {y >= 0, Ay <= 1} of the
payoffs made positive. Labels 0..m-1 are the row player's strategies, m..m+n-1 the column player's; each label names one
variable of each polytope, a probability in one and a slack in the other. Ties are broken lexicographically.

References
----------
C. E. Lemke and J. T. Howson, Equilibrium points of bimatrix games, SIAM J. Appl. Math. 12 (1964).
B. von Stengel, Equilibrium computation for two-player games, in Algorithmic Game Theory (2007), chapter 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solvers._numba import REORDERED, njit
from solvers.core import Array

# How a kernel stopped; REJECTED: at a profile that does not pass.
SOLVED, LIMIT, CYCLE, STUCK, RESCALE, REJECTED = 0, 1, 2, 3, 4, 5

ACCEPTED = 1e-11  # regret over the range of the player's payoffs that float64 may leave

PIVOT = 1e-10  # less than this in a normalised column is rounding
TINY = 1e-14  # a probability below this is rounding
TIE = 1e-12  # basic values that are this small after a step leave together
LEX = 1e-10  # entries of tied rows that differ by less are compared at the next column
OFFSET = 0.25  # the least normalised payoff; the greatest is 1 + OFFSET
WIDEST, NARROWEST = 1e290, 1e-290  # payoff ranges beyond these are brought within by the caller
REFRESH = 50  # pivots between checks of the inverse
DRIFT = 1e-9  # error of the inverse that asks for a new one
LOST = 1e-6  # a basic value below minus this is no rounding: the path was left
SINGULAR = 1e-14  # a pivot of elimination below this
SMALL = 625  # payoffs of one player up to which the condensed tableau is quicker


def _range(payoffs: Array) -> tuple[float, float]:
    """Least payoff, and greatest less least."""
    low, high = payoffs[0, 0], payoffs[0, 0]
    for i in range(payoffs.shape[0]):
        for j in range(payoffs.shape[1]):
            low, high = min(low, payoffs[i, j]), max(high, payoffs[i, j])
    return low, high - low


range_of = njit(_range, fastmath=REORDERED)


def _regrets(A: Array, B: Array, x: Array, y: Array, low_a: float, low_b: float) -> tuple[float, float]:
    """What each player gains by its best deviation, from the payoffs as given."""
    m, n = A.shape
    values, used, count = np.zeros(n), np.empty(n, np.int64), 0
    for j in range(n):
        if y[j] != 0.0:
            used[count] = j
            count += 1
    best, mean = -np.inf, 0.0
    for i in range(m):
        value = 0.0
        for k in range(count):
            value += (A[i, used[k]] - low_a) * y[used[k]]
        best = max(best, value)
        mean += x[i] * value
    first = best - mean
    for i in range(m):
        if x[i] != 0.0:
            for j in range(n):
                values[j] += (B[i, j] - low_b) * x[i]
    best, mean = -np.inf, 0.0
    for j in range(n):
        best = max(best, values[j])
        mean += y[j] * values[j]
    return max(first, 0.0), max(best - mean, 0.0)


regrets_of = njit(_regrets, fastmath=REORDERED)


def _regrets_small(A: Array, B: Array, x: Array, y: Array, low_a: float, low_b: float) -> tuple[float, float]:
    """As `regrets_of`, without the arrays that only pay in large games."""
    m, n = A.shape
    best, mean = -np.inf, 0.0
    for i in range(m):
        value = 0.0
        for j in range(n):
            value += (A[i, j] - low_a) * y[j]
        best = max(best, value)
        mean += x[i] * value
    first = best - mean
    best, mean = -np.inf, 0.0
    for j in range(n):
        value = 0.0
        for i in range(m):
            value += (B[i, j] - low_b) * x[i]
        best = max(best, value)
        mean += y[j] * value
    return max(first, 0.0), max(best - mean, 0.0)


regrets_of_small = njit(_regrets_small, fastmath=REORDERED)


def _mix(word: Any) -> Any:
    """A well-spread hash of a 64-bit word (splitmix64)."""
    word = (word + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


mix = njit(_mix)


def _scaled(z: Array) -> bool:
    """Scales values to sum to 1, in place, what is rounding becoming 0; False if they cannot be."""
    total = 0.0
    for i in range(z.size):
        if not z[i] > TINY:
            z[i] = 0.0
        total += z[i]
    if not 0.0 < total < np.inf:
        return False
    for i in range(z.size):
        z[i] /= total
    return True


scaled = njit(_scaled)


# --- condensed tableau: a column for each variable out of the basis, and one for the values
#
# Both polytopes share two arrays, because each array costs as much as several pivots of a small game: `T`, whose first
# index is 0 for P and 1 for Q, its column after the others for the values, its last row scratch; `places`, with rows
# WHERE (a label's column, or -1 less its row), ROWS and COLUMNS (the label of each).
WHERE, ROWS, COLUMNS = 0, 1, 2


def _lexicographic(T: Array, places: Any, side: int, rows: int, slack: int, column: int, r: int, i: int) -> int:
    """The one of two tied rows that is lexicographically smaller in the slack columns, over its pivot."""
    for label in range(slack, slack + rows):
        w = places[side, WHERE, label]
        if w >= 0:
            first, second = T[side, r, w], T[side, i, w]
        else:
            first, second = 1.0 * (-1 - w == r), 1.0 * (-1 - w == i)
        difference = first / T[side, r, column] - second / T[side, i, column]
        if difference > LEX:
            return i
        if difference < -LEX:
            return r
    return r


lexicographic = njit(_lexicographic)


def _leaving_row(T: Array, places: Any, side: int, rows: int, last: int, slack: int, column: int) -> int:
    """The row that limits the entering variable; -1 if none does."""
    step, row = np.inf, -1
    for i in range(rows):  # written without branches, which the processor would guess wrong half of the time
        pivot = T[side, i, column]
        ratio = T[side, i, last] / pivot if pivot > PIVOT else np.inf
        row = i if ratio < step else row
        step = min(step, ratio)
    limits = 0
    for i in range(rows):
        pivot = T[side, i, column]
        limits += (pivot > PIVOT) & (T[side, i, last] - step * pivot <= TIE)
    if limits <= 1:
        return row
    chosen = row
    for i in range(rows):
        pivot = T[side, i, column]
        if i != row and pivot > PIVOT and T[side, i, last] - step * pivot <= TIE:
            chosen = lexicographic(T, places, side, rows, slack, column, chosen, i)
    return chosen


leaving_row = njit(_leaving_row)


def _exchange(T: Array, places: Any, side: int, rows: int, last: int, slack: int, entering: int) -> int:
    """Brings label `entering` into the basis, in place; the label that leaves, -1 if none can."""
    c = places[side, WHERE, entering]
    r = leaving_row(T, places, side, rows, last, slack, c)
    if r < 0:
        return -1
    scratch = T.shape[1] - 1
    scale = 1.0 / T[side, r, c]
    T[side, r, c] = 1.0
    for j in range(last + 1):
        T[side, scratch, j] = T[side, r, j] * scale
    for i in range(rows):
        factor = T[side, i, c]
        for j in range(last + 1):
            T[side, i, j] -= factor * T[side, scratch, j]
        T[side, i, c] = -factor * scale  # last: a row is slow to read where it was just written
    for j in range(last + 1):
        T[side, r, j] = T[side, scratch, j]
    leaving = places[side, ROWS, r]
    places[side, ROWS, r], places[side, COLUMNS, c] = entering, leaving
    places[side, WHERE, entering], places[side, WHERE, leaving] = -1 - r, c
    return int(leaving)


exchange = njit(_exchange, fastmath={"contract"})


def _fill(A: Array, B: Array, bounds: Any, T: Array, places: Any) -> None:
    """Writes both tableaux of the artificial equilibrium: normalised payoffs and columns of ones."""
    m, n = A.shape
    low_a, size_a, low_b, size_b = bounds
    scale_a = 1.0 / size_a if size_a > 0.0 else 0.0
    scale_b = 1.0 / size_b if size_b > 0.0 else 0.0
    for i in range(m):
        for j in range(n):
            T[0, j, i] = (B[i, j] - low_b) * scale_b + OFFSET
            T[1, i, j] = (A[i, j] - low_a) * scale_a + OFFSET
        T[1, i, n] = 1.0
        places[0, WHERE, i], places[1, WHERE, i], places[1, ROWS, i], places[0, COLUMNS, i] = i, -1 - i, i, i
    for j in range(n):
        T[0, j, m] = 1.0
        label = m + j
        places[0, WHERE, label], places[1, WHERE, label] = -1 - j, j
        places[0, ROWS, j], places[1, COLUMNS, j] = label, label


fill = njit(_fill)


def _tableaux(m: int, n: int) -> tuple[Array, Any]:
    """Room for both tableaux, and for the places of labels."""
    most = max(m, n) + 1
    return np.empty((2, most, most)), np.empty((2, 3, m + n), np.int64)


tableaux = njit(_tableaux)


def _condensed(
    A: Array, B: Array, bounds: Any, label: int, cap: int, x: Array, y: Array, T: Array, places: Any
) -> tuple[int, int]:
    """Writes an equilibrium into `x`, `y`; how it stopped, and after how many pivots. `T`, `places` are its room."""
    m, n = A.shape
    labels = m + n
    fill(A, B, bounds, T, places)
    in_p = label < m
    entering, pivots = label, 0
    state, saved, lap, power = np.uint64(0), np.uint64(1), 0, 1
    while True:
        if pivots >= cap:
            return LIMIT, pivots
        side, rows, last, slack = (0, n, m, m) if in_p else (1, m, n, 0)
        leaving = exchange(T, places, side, rows, last, slack, entering)
        if leaving < 0:
            return STUCK, pivots
        pivots += 1
        if leaving == label:
            break
        base = labels if in_p else 0
        state ^= mix(np.uint64(entering + base)) ^ mix(np.uint64(leaving + base))
        full = state ^ mix(np.uint64(leaving + base + 2 * labels))
        if full == saved:
            return CYCLE, pivots
        lap += 1
        if lap == power:
            saved, lap, power = full, 0, 2 * power
        entering, in_p = leaving, not in_p
    for i in range(m):
        row = -1 - places[0, WHERE, i]
        x[i] = T[0, row, m] if row >= 0 else 0.0
    for j in range(n):
        row = -1 - places[1, WHERE, m + j]
        y[j] = T[1, row, n] if row >= 0 else 0.0
    return SOLVED if scaled(x) and scaled(y) else STUCK, pivots


condensed = njit(_condensed)


# --- revised tableau: the inverse of the tight system alone
#
# One polytope {z >= 0, M'z <= 1}, M with a row for each probability and a column for each slack, is kept in four
# arrays, passed one by one because a tuple's arrays are counted on every access: M; `inverse`, whose first (k, k) part
# is that of M[used][:, tight]', rows in the order of `used`, columns in that of `tight`; `values` and `basis`, with the
# rows below. A tight slack has value inf, so that it never limits a step.
Z, S, DZ, DS, ROW = 0, 1, 2, 3, 4  # probabilities used, slacks, their directions of a step, a scratch row
USED, TIGHT, PLACE = 0, 1, 2  # probabilities in the basis, slacks out of it, each label's position in its list or -1


def _inverse_of(M: Array, inverse: Array, basis: Any, k: int) -> bool:  # noqa: C901 - one loop each
    """Writes the inverse of the tight system by elimination with partial pivoting; False if it is singular."""
    work = np.zeros((k, 2 * k))
    for b in range(k):
        for a in range(k):
            work[b, a] = M[basis[USED, a], basis[TIGHT, b]]
        work[b, k + b] = 1.0
    for c in range(k):
        r = c
        for b in range(c + 1, k):
            if abs(work[b, c]) > abs(work[r, c]):
                r = b
        pivot = work[r, c]
        if abs(pivot) < SINGULAR:
            return False
        for j in range(c, 2 * k):
            work[r, j], work[c, j] = work[c, j], work[r, j] / pivot
        for b in range(k):
            factor = work[b, c]
            if b != c and factor != 0.0:
                for j in range(c, 2 * k):
                    work[b, j] -= factor * work[c, j]
    for a in range(k):
        for b in range(k):
            inverse[a, b] = work[a, k + b]
    return True


inverse_of = njit(_inverse_of, fastmath={"contract"})


def _subtract_rows(M: Array, values: Array, basis: Any, k: int, weight: int, out: int) -> None:
    """Subtracts the used rows of M, weighted, from row `out`; four at a time, to read and write it less often."""
    n = M.shape[1]
    a = 0
    while a + 4 <= k:
        w0, w1, w2, w3 = values[weight, a], values[weight, a + 1], values[weight, a + 2], values[weight, a + 3]
        r0, r1, r2, r3 = basis[USED, a], basis[USED, a + 1], basis[USED, a + 2], basis[USED, a + 3]
        for j in range(n):
            values[out, j] -= w0 * M[r0, j] + w1 * M[r1, j] + w2 * M[r2, j] + w3 * M[r3, j]
        a += 4
    while a < k:
        w0, r0 = values[weight, a], basis[USED, a]
        for j in range(n):
            values[out, j] -= w0 * M[r0, j]
        a += 1


subtract_rows = njit(_subtract_rows, fastmath=REORDERED)


def _refine(M: Array, inverse: Array, values: Array, basis: Any, k: int) -> float:
    """Improves the probabilities by the inverse; the error that they had."""
    worst = 0.0
    for b in range(k):
        total = 1.0
        for a in range(k):
            total -= M[basis[USED, a], basis[TIGHT, b]] * values[Z, a]
        values[ROW, b] = total
        worst = max(worst, abs(total))
    for a in range(k):
        for b in range(k):
            values[Z, a] += inverse[a, b] * values[ROW, b]
    return worst


refine = njit(_refine, fastmath={"contract"})


def _probabilities(M: Array, inverse: Array, values: Array, basis: Any, k: int) -> bool:
    """Computes the probabilities from the inverse; False if that has drifted."""
    for a in range(k):
        values[Z, a] = 0.0
        for b in range(k):
            values[Z, a] += inverse[a, b]
    return bool(refine(M, inverse, values, basis, k) <= DRIFT)


probabilities = njit(_probabilities)


def _settle(M: Array, inverse: Array, values: Array, basis: Any, k: int) -> int:
    """Recomputes values from the payoffs; how many new inverses that took, -1 if the basis is lost."""
    made = 0
    if not probabilities(M, inverse, values, basis, k):
        made = 1
        if not (inverse_of(M, inverse, basis, k) and probabilities(M, inverse, values, basis, k)):
            return -1
    size = M.shape[1]
    for j in range(size):
        values[S, j] = 1.0
    subtract_rows(M, values, basis, k, Z, S)
    for b in range(k):
        values[S, basis[TIGHT, b]] = np.inf
    worst = 0.0
    for a in range(k):
        worst = min(worst, values[Z, a])
        values[Z, a] = max(values[Z, a], 0.0)
    for j in range(size):
        worst = min(worst, values[S, j])
        values[S, j] = max(values[S, j], 0.0)
    return made if worst >= -LOST else -1


settle = njit(_settle)


def _tight_row(M: Array, inverse: Array, values: Array, basis: Any, k: int, j: int) -> None:
    """Writes the row of slack j in the columns of the tight slacks, in their order, into the scratch row."""
    for b in range(k):
        values[ROW, b] = 0.0
    for a in range(k):
        weight = M[basis[USED, a], j]
        for b in range(k):
            values[ROW, b] -= weight * inverse[a, b]


tight_row = njit(_tight_row, fastmath=REORDERED)


def _entry(M: Array, inverse: Array, basis: Any, k: int, i: int, b: int) -> float:
    """The entry of row i in the column of the tight slack at b; i < k is a probability, k + j is slack j."""
    if i < k:
        return float(inverse[i, b])
    total = 0.0
    for a in range(k):
        total -= M[basis[USED, a], i - k] * inverse[a, b]
    return total


entry = njit(_entry, fastmath=REORDERED)


def _first_of_tied(M: Array, inverse: Array, values: Array, basis: Any, k: int, slack: int, step: float) -> int:
    """Among what limits the step, the lexicographically smallest row over its pivot."""
    size = M.shape[1]
    rows, pivots, entries, count = np.empty(k + size, np.int64), np.empty(k + size), np.empty(k + size), 0
    for i in range(k + size):
        pivot = values[DZ, i] if i < k else values[DS, i - k]
        value = values[Z, i] if i < k else values[S, i - k]
        if pivot > PIVOT and value - step * pivot <= TIE:
            rows[count], pivots[count] = i, pivot
            count += 1
    for j in range(size):  # slack columns, until one row is left
        b = basis[PLACE, slack + j]
        least = np.inf
        for c in range(count):
            value = 1.0 * (rows[c] == k + j) if b < 0 else entry(M, inverse, basis, k, rows[c], b)
            entries[c] = value / pivots[c]
            least = min(least, entries[c])
        kept = 0
        for c in range(count):
            if entries[c] <= least + LEX:
                rows[kept], pivots[kept] = rows[c], pivots[c]
                kept += 1
        count = kept
        if count == 1:
            break
    return int(rows[0])


first_of_tied = njit(_first_of_tied)


def _leaving(M: Array, inverse: Array, values: Array, basis: Any, k: int, slack: int) -> int:
    """What limits the step: a < k is a probability, k + j is slack j; -1 if nothing does."""
    size = M.shape[1]
    step, first = np.inf, -1
    for a in range(k):
        d = values[DZ, a]
        if d > PIVOT and values[Z, a] < step * d:
            step, first = values[Z, a] / d, a
    for j in range(size):
        d = values[DS, j]
        if d > PIVOT and values[S, j] < step * d:
            step, first = values[S, j] / d, k + j
    if first < 0:
        return first
    limits = 0
    for a in range(k):
        limits += (values[DZ, a] > PIVOT) & (values[Z, a] - step * values[DZ, a] <= TIE)
    for j in range(size):
        limits += (values[DS, j] > PIVOT) & (values[S, j] - step * values[DS, j] <= TIE)
    return first if limits <= 1 else first_of_tied(M, inverse, values, basis, k, slack, step)


leaving_of = njit(_leaving)


def _direction(M: Array, inverse: Array, values: Array, basis: Any, k: int, entering: int, position: int) -> None:
    """Writes the column of what enters: probability `entering`, or the tight slack at `position` if that is >= 0."""
    n = M.shape[1]
    if position < 0:
        for b in range(k):
            values[ROW, b] = M[entering, basis[TIGHT, b]]
        for a in range(k):
            total = 0.0
            for b in range(k):
                total += inverse[a, b] * values[ROW, b]
            values[DZ, a] = total
        for j in range(n):
            values[DS, j] = M[entering, j]
    else:
        for a in range(k):
            values[DZ, a] = inverse[a, position]
        for j in range(n):
            values[DS, j] = 0.0
    subtract_rows(M, values, basis, k, DZ, DS)


direction = njit(_direction, fastmath=REORDERED)


def _move(M: Array, values: Array, k: int, step: float) -> None:
    """Takes the step: values of the basic variables, never negative."""
    for a in range(k):
        values[Z, a] = max(values[Z, a] - step * values[DZ, a], 0.0)
    for j in range(M.shape[1]):
        values[S, j] = max(values[S, j] - step * values[DS, j], 0.0)


move = njit(_move, fastmath={"contract"})


def _drop_row(inverse: Array, values: Array, k: int, i: int, pivot: float) -> None:
    """Row operations that make probability i leave: its row over the pivot, subtracted from the others."""
    for b in range(k):
        values[ROW, b] = inverse[i, b] / pivot
    for a in range(k):
        factor = values[DZ, a]
        for b in range(k):
            inverse[a, b] -= factor * values[ROW, b]
    for b in range(k):
        inverse[i, b] = values[ROW, b]


drop_row = njit(_drop_row, fastmath={"contract"})


def _shrink(inverse: Array, values: Array, basis: Any, k: int, first: int, slack: int, i: int, position: int) -> None:
    """Takes row i and column `position` out of the inverse; the last ones fill the gap."""
    last = k - 1
    basis[USED, i], basis[TIGHT, position] = basis[USED, last], basis[TIGHT, last]
    values[Z, i] = values[Z, last]
    for b in range(k):
        inverse[i, b] = inverse[last, b]
    for a in range(last):
        inverse[a, position] = inverse[a, last]
    if i != last:
        basis[PLACE, first + basis[USED, i]] = i
    if position != last:
        basis[PLACE, slack + basis[TIGHT, position]] = position


shrink = njit(_shrink)


def _tighten(M: Array, inverse: Array, values: Array, basis: Any, k: int, j: int, pivot: float) -> None:
    """Row operations that make slack j leave; its row stays in the scratch row."""
    tight_row(M, inverse, values, basis, k, j)
    for a in range(k):
        factor = values[DZ, a] / pivot
        for b in range(k):
            inverse[a, b] -= factor * values[ROW, b]


tighten = njit(_tighten, fastmath={"contract"})


def _grow(inverse: Array, values: Array, k: int, pivot: float) -> None:
    """Gives the inverse one more row and column: a probability that enters and a slack that leaves."""
    for a in range(k):
        inverse[a, k] = -values[DZ, a] / pivot
    for b in range(k):
        inverse[k, b] = values[ROW, b] / pivot
    inverse[k, k] = 1.0 / pivot


grow = njit(_grow)


def _advance(M: Array, inverse: Array, values: Array, basis: Any, k: int, first: int, slack: int, entering: int) -> Any:
    """Brings label `entering` into the basis, in place; the label that leaves (-1 if none can) and the new k.

    `first` and `slack` are the labels of the first probability and of the first slack of this polytope.
    """
    probability = first <= entering < first + M.shape[0]
    position = -1 if probability else basis[PLACE, entering]
    direction(M, inverse, values, basis, k, entering - first, position)
    i = leaving_of(M, inverse, values, basis, k, slack)
    if i < 0:
        return -1, k
    pivot = values[DZ, i] if i < k else values[DS, i - k]
    step = (values[Z, i] if i < k else values[S, i - k]) / pivot
    move(M, values, k, step)
    basis[PLACE, entering] = -1
    if i < k:
        leaving = first + basis[USED, i]
        basis[PLACE, leaving] = -1
        drop_row(inverse, values, k, i, pivot)
        if probability:
            basis[USED, i], values[Z, i], basis[PLACE, entering] = entering - first, step, i
            return leaving, k
        values[S, basis[TIGHT, position]] = step
        shrink(inverse, values, basis, k, first, slack, i, position)
        return leaving, k - 1
    j = i - k
    leaving = slack + j
    tighten(M, inverse, values, basis, k, j, pivot)
    values[S, j] = np.inf
    if probability:
        grow(inverse, values, k, pivot)
        basis[USED, k], basis[TIGHT, k], values[Z, k] = entering - first, j, step
        basis[PLACE, entering], basis[PLACE, leaving] = k, k
        return leaving, k + 1
    for a in range(k):
        inverse[a, position] = -values[DZ, a] / pivot
    values[S, basis[TIGHT, position]] = step
    basis[TIGHT, position], basis[PLACE, leaving] = j, position
    return leaving, k


advance = njit(_advance)


def _enter_basis(M: Array, inverse: Array, values: Array, basis: Any, k: int, first: int, slack: int) -> bool:
    """Builds inverse, places and values of the basis in `used` and `tight`; False if it is none."""
    for label in range(basis.shape[1]):
        basis[PLACE, label] = -1
    for a in range(k):
        basis[PLACE, first + basis[USED, a]] = a
        basis[PLACE, slack + basis[TIGHT, a]] = a
    if k == 0:
        for j in range(M.shape[1]):
            values[S, j] = 1.0
        return True
    return bool(inverse_of(M, inverse, basis, k) and settle(M, inverse, values, basis, k) >= 0)


enter_basis = njit(_enter_basis)


def _follow(P: Any, Q: Any, kp: int, kq: int, label: int, cap: int) -> tuple[int, int, int, int, int]:  # noqa: C901 - one loop each
    """Follows the path of `label` from bases in P and Q, in place: how it stopped, pivots, inverses made, both k."""
    p_rows, p_inverse, p_values, p_basis = P
    q_rows, q_inverse, q_values, q_basis = Q
    m, n = p_rows.shape
    labels = m + n
    zero = 0 * m  # a literal 0 would have everything below compiled once more
    if not enter_basis(p_rows, p_inverse, p_values, p_basis, kp, zero, m):
        return STUCK, 0, 0, kp, kq
    if not enter_basis(q_rows, q_inverse, q_values, q_basis, kq, m, zero):
        return STUCK, 0, 0, kp, kq
    placed = p_basis[PLACE, label] >= 0
    in_p = not placed if label < m else placed  # of a label's two variables, the one out of its basis enters
    entering, pivots, made = label, 0, 0
    state, saved, lap, power = np.uint64(0), np.uint64(1), 0, 1
    while True:
        if pivots >= cap:
            return LIMIT, pivots, made, kp, kq
        if in_p:
            leaving, kp = advance(p_rows, p_inverse, p_values, p_basis, kp, zero, m, entering)
        else:
            leaving, kq = advance(q_rows, q_inverse, q_values, q_basis, kq, m, zero, entering)
        if leaving < 0:
            return STUCK, pivots, made, kp, kq
        pivots += 1
        if leaving == label:
            break
        base = labels if in_p else 0
        state ^= mix(np.uint64(entering + base)) ^ mix(np.uint64(leaving + base))
        full = state ^ mix(np.uint64(leaving + base + 2 * labels))
        if full == saved:
            return CYCLE, pivots, made, kp, kq
        lap += 1
        if lap == power:
            saved, lap, power = full, 0, 2 * power
        entering, in_p = leaving, not in_p
        if pivots % REFRESH == 0:
            again_p = settle(p_rows, p_inverse, p_values, p_basis, kp)
            again_q = settle(q_rows, q_inverse, q_values, q_basis, kq)
            if again_p < 0 or again_q < 0:
                return STUCK, pivots, made, kp, kq
            made += again_p + again_q
    return SOLVED, pivots, made, kp, kq


follow = njit(_follow)


def _workspace(M: Array, labels: int) -> Any:
    """Room for one polytope: M, inverse, values, basis."""
    rows, size = M.shape
    most = min(rows, size) + 1
    return M, np.empty((most, most)), np.empty((5, max(most, size))), np.empty((3, labels), np.int64)


workspace = njit(_workspace)


def _strategy(M: Array, inverse: Array, values: Array, basis: Any, k: int, out: Array) -> bool:
    """Writes the strategy of a basis into `out`, refined and summing to 1; False if it cannot be."""
    for _ in range(2):
        refine(M, inverse, values, basis, k)
    for i in range(out.size):
        out[i] = 0.0
    for a in range(k):
        out[basis[USED, a]] = values[Z, a]
    return bool(scaled(out))


strategy = njit(_strategy)


def _strategies(P: Any, Q: Any, kp: int, kq: int, x: Array, y: Array) -> bool:
    """Writes the strategies of two bases into `x` and `y`; False if they are none."""
    return bool(strategy(P[0], P[1], P[2], P[3], kp, x) and strategy(Q[0], Q[1], Q[2], Q[3], kq, y))


strategies = njit(_strategies)


def _normalised(payoffs: Array, low: float, size: float, transposed: bool) -> Array:
    """The payoffs from OFFSET to 1 + OFFSET, transposed if asked for, in C order."""
    m, n = payoffs.shape
    scale = 1.0 / size if size > 0.0 else 0.0
    M = np.empty((n, m)) if transposed else np.empty((m, n))
    if not transposed:
        for i in range(m):
            for j in range(n):
                M[i, j] = (payoffs[i, j] - low) * scale + OFFSET
        return M
    block = 16
    for i0 in range(0, m, block):
        for j0 in range(0, n, block):
            for j in range(j0, min(j0 + block, n)):
                for i in range(i0, min(i0 + block, m)):
                    M[j, i] = (payoffs[i, j] - low) * scale + OFFSET
    return M


normalised = njit(_normalised)


def _revised(A: Array, B: Array, bounds: Any, label: int, sweep: int, cap: int, x: Array, y: Array) -> Any:
    """Writes an equilibrium into `x`, `y`: how it stopped, pivots, new inverses, label.

    Without a label (-1), label 0 gets as many pivots as there are labels, which is enough on many structured games;
    then each gets `sweep`, which is enough for one of them on most random games; then label 0 all the rest.
    """
    low_a, size_a, low_b, size_b = bounds
    labels = x.size + y.size
    P = workspace(normalised(B, low_b, size_b, False), labels)
    Q = workspace(normalised(A, low_a, size_a, True), labels)
    spent, made, code, tried = 0, 0, LIMIT, max(label, 0)
    artificial = 0 * labels  # its bases are empty; as a literal it would have the path compiled once more
    for attempt in range(-1, labels + 1):
        limit = cap - spent
        if label < 0 and attempt < labels:
            tried = max(attempt, 0)
            limit = min(limit, labels if attempt < 0 else sweep)
        code, pivots, again, kp, kq = follow(P, Q, artificial, artificial, tried, limit)
        spent, made = spent + pivots, made + again
        if code == SOLVED and strategies(P, Q, kp, kq, x, y):
            return SOLVED, spent, made, tried
        if label >= 0:
            break
        tried = 0
    return code if code != SOLVED else STUCK, spent, made, tried


revised = njit(_revised)


def _pure(A: Array, B: Array, x: Array, y: Array) -> bool:
    """Writes a pure equilibrium into `x`, `y` if there is one."""
    m, n = A.shape
    best = y  # the greatest payoff of each column, until it is a strategy
    for j in range(n):
        best[j] = A[0, j]
    for i in range(1, m):
        for j in range(n):
            best[j] = max(best[j], A[i, j])
    row, column = -1, -1
    for i in range(m):
        x[i] = 0.0
        top = B[i, 0]
        for j in range(1, n):
            top = max(top, B[i, j])
        for j in range(n):
            if row < 0 and B[i, j] == top and A[i, j] == best[j]:
                row, column = i, j
    if row < 0:
        return False
    for j in range(n):
        y[j] = 0.0
    x[row], y[column] = 1.0, 1.0
    return True


pure = njit(_pure, fastmath=REORDERED)


def _bounds(A: Array, B: Array) -> Any:
    """Least payoff and range of both players, and whether float64 serves to normalise them."""
    low_a, size_a = range_of(A)
    low_b, size_b = range_of(B)
    fits_a = size_a == 0.0 or NARROWEST <= size_a <= WIDEST
    fits_b = size_b == 0.0 or NARROWEST <= size_b <= WIDEST
    return (low_a, size_a, low_b, size_b), fits_a and fits_b


bounds_of = njit(_bounds)


def _verdict(bounds: Any, first: float, second: float) -> int:
    """SOLVED if a profile with these regrets passes, else REJECTED."""
    return SOLVED if first <= ACCEPTED * bounds[1] and second <= ACCEPTED * bounds[3] else REJECTED


verdict = njit(_verdict)


def _solved(A: Array, B: Array, label: int, cap: int, x: Array, y: Array, T: Array, places: Any) -> Any:
    """Writes a small game's equilibrium into `x`, `y`: how it stopped, pivots, label (-1: pure), both regrets."""
    bounds, fits = bounds_of(A, B)
    code, pivots, first, second = RESCALE, 0, np.inf, np.inf
    if fits:
        code = SOLVED
        if label >= 0 or not pure(A, B, x, y):
            label = max(label, 0)
            code, pivots = condensed(A, B, bounds, label, cap, x, y, T, places)
        if code == SOLVED:
            first, second = regrets_of_small(A, B, x, y, bounds[0], bounds[2])
            code = verdict(bounds, first, second)
    return code, pivots, label, first, second


solved = njit(_solved)


def _small(A: Array, B: Array, label: int, cap: int, x: Array, y: Array) -> Any:
    """As `solved`, in room of its own."""
    T, places = tableaux(A.shape[0], A.shape[1])
    return solved(A, B, label, cap, x, y, T, places)


small = njit(_small)


def _large(A: Array, B: Array, label: int, sweep: int, cap: int, x: Array, y: Array) -> Any:
    """As `small`, for a large game; last, the number of new inverses."""
    bounds, fits = bounds_of(A, B)
    code, pivots, first, second, made = RESCALE, 0, np.inf, np.inf, 0
    if fits:
        code = SOLVED
        if label >= 0 or not pure(A, B, x, y):
            code, pivots, made, label = revised(A, B, bounds, label, sweep, cap, x, y)
        if code == SOLVED:
            first, second = regrets_of(A, B, x, y, bounds[0], bounds[2])
            code = verdict(bounds, first, second)
    return code, pivots, label, first, second, made


large = njit(_large)


def _many(A: Array, B: Array, label: int, cap: int, row: Array, column: Array, regrets: Array, counts: Any) -> None:
    """Solves small stacked games, in place: strategies, regrets, how each stopped and after how many pivots."""
    T, places = tableaux(A.shape[1], A.shape[2])
    for g in range(A.shape[0]):
        answer = solved(A[g], B[g], label, cap, row[g], column[g], T, places)
        counts[g, 0], counts[g, 1], _, regrets[g, 0], regrets[g, 1] = answer


many = njit(_many)
