"""From a float answer to an exact one: its supports, one exact linear solve per player, every inequality checked.

A strategy is kept as whole numbers over one denominator until it has passed, so that no inequality costs a fraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, TypeAlias, cast

import flint
import numpy as np

from solvers.bimatrix._game import AnyProfile, BimatrixGame, Profile, RationalProfile
from solvers.bimatrix._payoffs import RationalMatrix, dyadic
from solvers.core import Array, Solution, Status

METHOD = "exact supports"
NOISE = 1e-12  # a probability up to here is taken for a rounded zero at first
THRESHOLDS = (0.0, 1e-9, 1e-6)  # tried where that reading fails
NEAR = 1e-9  # relative shortfall at which a strategy may be a best response that rounding hides
CLOSE = 1e-13  # how near the simplest fraction stays to the float it stands for, where the equations leave a choice
APART = 1e-6  # a second reading may mend what rounding did, but not lead elsewhere
DIGITS = 12  # a fraction with more digits than this, above or below the line, is shown as a float

Positions: TypeAlias = tuple[int, ...]


class Refusal(NamedTuple):
    """Why there is no exact strategy: a status and a sentence."""

    status: Status
    reason: str


class _Guess(NamedTuple):
    """Which rows and which columns are used, and so must earn the same."""

    rows: Positions
    columns: Positions


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights over `total` on the strategies `used` of `name`, and over `unit` what each opposing strategy earns."""

    name: str
    used: Positions
    weights: list[int]
    total: int
    earned: list[int]
    unit: int

    def negative(self) -> Refusal | None:
        """The first strategy with a negative probability."""
        for i, weight in zip(self.used, self.weights, strict=True):
            if weight < 0:
                value = shown(Fraction(weight, self.total))
                return Refusal(Status.FAILED, f"probability of {self.name} {i} is {value}")
        return None

    def beaten(self, opposing: Mix) -> Refusal | None:
        """The strategy of `opposing` that earns most, if one that is used there earns less."""
        best = max(self.earned)
        for i, weight in zip(opposing.used, opposing.weights, strict=True):
            if weight and self.earned[i] < best:
                more = shown(Fraction(best - self.earned[i], self.unit))
                winner = f"{opposing.name} {self.earned.index(best)}"
                return Refusal(Status.FAILED, f"{winner} earns {more} more than the support's {opposing.name} {i}")
        return None

    def fractions(self, size: int) -> tuple[Fraction, ...]:
        """All `size` probabilities."""
        strategy = [Fraction(0)] * size
        for i, weight in zip(self.used, self.weights, strict=True):
            strategy[i] = Fraction(weight, self.total)
        return tuple(strategy)


def exact_equilibrium(game: BimatrixGame, profile: AnyProfile) -> Solution[RationalProfile]:
    """The equilibrium in exact rationals that has the supports of `profile`, or a status that says why there is none.

    Every strategy in a support must earn the same: one exact linear system for each player. The answer is returned only
    if its probabilities are not negative and no strategy earns more, all in exact arithmetic: its regret is 0.
    Probabilities up to 1e-12 count as zero; where that gives nothing, other readings of the same profile are tried: the
    best responses with the supports, and other thresholds; what they give must lie near `profile`. Where the equations
    leave a choice, as they may in a degenerate game, the free probabilities are the simplest fractions near those of
    `profile`.

    `stats` holds "regret", 0, or else "reason", which names the system or the inequality that failed first; and
    "readings", how many readings of the supports were tried. The status is SINGULAR where a system has no solution,
    FAILED where its solution is no equilibrium.

    Raises
    ------
    ValueError
        If a strategy has the wrong length, is not finite or has no positive probability.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> exact = exact_equilibrium(game, Profile(np.array([0.8, 0.2, 0.0]), np.array([0.6667, 0.3333]))).require()
    >>> [str(p) for p in exact.row + exact.column]
    ['4/5', '1/5', '0', '2/3', '1/3']
    >>> exact_equilibrium(game, Profile(np.array([0, 1.0, 0]), np.array([1.0, 0]))).stats["reason"]
    "row 0 earns 1 more than the support's row 1"

    References
    ----------
    von Stengel (2002), "Computing equilibria for two-person games", Handbook of Game Theory 3, equation (2.2): the
    systems of equations, and the inequalities, that belong to a pair of supports.
    """
    profile = _checked(game, profile)
    first: Refusal | None = None
    readings = 0
    for readings, guess in enumerate(_guesses(game, profile), start=1):
        found = _equilibrium(game, profile, guess)
        if isinstance(found, RationalProfile) and (readings == 1 or _distance(found, profile) <= APART):
            stats = {"regret": Fraction(0), "readings": readings}
            return Solution((found,), Status.SOLVED, METHOD, stats=stats)
        if isinstance(found, Refusal):
            first = first or found
    status, reason = first or Refusal(Status.FAILED, "no probability is positive")
    return Solution((), status, METHOD, stats={"reason": reason, "readings": readings})


def shown(value: Fraction) -> str:
    """The fraction as text, as a float where it is long.

    Examples
    --------
    >>> shown(Fraction(-1, 7)), shown(Fraction(1, 3**30))
    ('-1/7', 'about 4.86e-15')
    """
    if max(abs(value.numerator), value.denominator) < 10**DIGITS:
        return str(value)
    quotient = Decimal(value.numerator) / Decimal(value.denominator)  # which may be beyond the range of float64
    return f"about {quotient:.3g}"


def _checked(game: BimatrixGame, profile: AnyProfile) -> AnyProfile:
    """The profile, of the right shape, with a positive probability in each strategy."""
    for name, strategy, size in zip(("row", "column"), profile, game.shape, strict=True):
        values = np.asarray(strategy).astype(np.float64)
        if values.shape != (size,):
            raise ValueError(f"profile.{name} must be ({size},), got shape {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"profile.{name} must be finite, got {values[~np.isfinite(values)][0]}")
        if not (values > 0).any():
            raise ValueError(f"profile.{name} must have a positive probability, got {values.max()} at most")
    if isinstance(profile, RationalProfile):
        return profile
    return Profile(*(np.asarray(strategy, dtype=np.float64) for strategy in profile))


def _distance(found: RationalProfile, profile: AnyProfile) -> float:
    """The greatest difference of a probability."""
    pairs = zip((*found.row, *found.column), (*profile.row, *profile.column), strict=True)
    return max(abs(float(p) - float(q)) for p, q in pairs)


def _guesses(game: BimatrixGame, profile: AnyProfile) -> Iterator[_Guess]:
    """Readings of the supports, the likeliest first, each once."""
    seen = set()
    for guess in _readings(game, profile):
        if guess not in seen and guess.rows and guess.columns:
            seen.add(guess)
            yield guess


def _readings(game: BimatrixGame, profile: AnyProfile) -> Iterator[_Guess]:
    exact = isinstance(profile, RationalProfile)
    rows, columns = _above(profile, 0.0 if exact else NOISE)
    yield _Guess(rows, columns)
    best = game.best_responses(profile, tolerance=NEAR)
    yield _Guess(_union(rows, best[0]), _union(columns, best[1]))
    for threshold in () if exact else THRESHOLDS:
        rows, columns = _above(profile, threshold)
        yield _Guess(rows, columns)


def _above(profile: AnyProfile, threshold: float) -> tuple[Positions, Positions]:
    rows, columns = (tuple(i for i, p in enumerate(strategy) if p > threshold) for strategy in profile)
    return rows, columns


def _union(used: Positions, best: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.intp]]) -> Positions:
    return tuple(sorted({*used, *map(int, best)}))


def _equilibrium(game: BimatrixGame, profile: AnyProfile, guess: _Guess) -> RationalProfile | Refusal:
    """The equilibrium that this reading of the supports gives, every inequality checked."""
    (A, B), (m, n) = _blocks(game, guess), game.shape
    column = _mix("column", A, guess.columns, guess.rows, [profile.column[j] for j in guess.columns])
    if isinstance(column, Refusal):
        return column
    row = _mix("row", B, guess.rows, guess.columns, [profile.row[i] for i in guess.rows])
    if isinstance(row, Refusal):
        return row
    refusal = row.negative() or column.negative() or column.beaten(row) or row.beaten(column)
    return refusal or RationalProfile(row.fractions(m), column.fractions(n))


def _blocks(game: BimatrixGame, guess: _Guess) -> tuple[RationalMatrix, RationalMatrix]:
    """What rows earn against the columns used, (m, k), and what columns earn against the rows used, (n, k).

    Only these payoffs matter, and reading all of a large matrix into rationals would cost more than the rest.
    """
    row, column = game._exact
    against_columns = dyadic(_part(game.A, guess.columns)) if row is None else _exact_part(row, guess.columns)
    if column is None:
        return against_columns, dyadic(_part(game.B.T, guess.rows))
    return against_columns, _exact_part(column.transposed, guess.rows)


def _part(payoffs: Array, columns: Positions) -> Array:
    return np.ascontiguousarray(payoffs[:, list(columns)])


def _exact_part(payoffs: RationalMatrix, columns: Positions) -> RationalMatrix:
    entries, m = payoffs.numerators, payoffs.shape[0]
    part = flint.fmpz_mat(m, len(columns), [entries[i, j] for i in range(m) for j in columns])
    return RationalMatrix(part, payoffs.denominator)


def _mix(
    name: str, payoffs: RationalMatrix, used: Positions, tied: Positions, near: Sequence[float | Fraction]
) -> Mix | Refusal:
    """The mix of the strategies `used` against which all opposing strategies in `tied` earn the same.

    `payoffs` are the opponent's, its own strategies by those used.
    """
    solved = _weights(tie_system(payoffs.numerators, tied), near)
    if solved is None:
        other = "row" if name == "column" else "column"
        return Refusal(Status.SINGULAR, f"no mix of {_listed(name, used)} makes {_listed(other, tied)} earn the same")
    return mixed(name, payoffs, used, *solved)


def mixed(name: str, payoffs: RationalMatrix, used: Positions, weights: list[int], total: int) -> Mix:
    """The mix with these weights on the strategies used, and what it lets every opposing strategy earn."""
    earned = payoffs.numerators * flint.fmpz_mat(len(weights), 1, weights)
    return Mix(name, used, weights, total, [int(value) for value in earned.entries()], total * payoffs.denominator)


def _listed(name: str, positions: Positions, most: int = 8) -> str:
    """The positions in words, at most eight of them."""
    if len(positions) == 1:
        return f"{name} {positions[0]}"
    if len(positions) > most:
        return f"{name}s {', '.join(map(str, positions[:most]))} and {len(positions) - most} more"
    return f"{name}s {', '.join(map(str, positions[:-1]))} and {positions[-1]}"


def tie_system(numerators: flint.fmpz_mat, tied: Positions) -> flint.fmpz_mat:
    """[M_tied, -1, 0; 1', 0, 1]: payoffs equal to the value, the last unknown, and probabilities that sum to 1."""
    k = numerators.ncols()
    entries: list[int | flint.fmpz] = []
    for i in tied:
        entries += [numerators[i, j] for j in range(k)]
        entries += [-1, 0]
    return flint.fmpz_mat(len(tied) + 1, k + 2, [*entries, *[1] * k, 0, 1])


def left_side(system: flint.fmpz_mat) -> flint.fmpz_mat:
    """The matrix of a system, without its last column, the right-hand side."""
    equations, unknowns = system.nrows(), system.ncols() - 1
    return flint.fmpz_mat(equations, unknowns, [system[i, j] for i in range(equations) for j in range(unknowns)])


def _weights(system: flint.fmpz_mat, near: Sequence[float | Fraction]) -> tuple[list[int], int] | None:
    """A solution's probabilities over one positive denominator; None if there is none."""
    equations, size = system.nrows(), system.ncols()
    if equations == size - 1:
        only = unique(system)
        if only is not None:
            return only
    return _nearest(system, near)


def unique(system: flint.fmpz_mat) -> tuple[list[int], int] | None:
    """The solution of a square system; None if it is singular."""
    size = system.nrows()
    right = flint.fmpz_mat(size, 1, [0] * (size - 1) + [1])
    try:
        solution = cast(flint.fmpq_mat, left_side(system).solve(right))
    except ZeroDivisionError:
        return None
    numerators, denominator = solution.numer_denom()
    return [int(value) for value in numerators.entries()[:-1]], int(denominator)


def _nearest(system: flint.fmpz_mat, near: Sequence[float | Fraction]) -> tuple[list[int], int] | None:
    """The solution whose free probabilities are those of `near`, or simple fractions beside them; None if none exists.

    The greatest probabilities come first, to be solved for: they have most room for what rounding the others changes.
    """
    k = len(near)
    order = [k, *sorted(range(k), key=lambda j: -near[j]), k + 1]
    entries = [system[i, j] for i in range(system.nrows()) for j in order]
    reduced, _, rank = flint.fmpz_mat(system.nrows(), k + 2, entries).rref()
    pivots = [next(j for j in range(k + 2) if reduced[r, j]) for r in range(rank)]
    if k + 1 in pivots:
        return None
    free = {j: _simplest(near[order[j]]) for j in range(1, k + 1) if j not in pivots}
    values = dict(free)
    for r, pivot in enumerate(pivots):
        rest = sum((int(reduced[r, j]) * value for j, value in free.items()), Fraction(-int(reduced[r, k + 1])))
        values[pivot] = -rest / int(reduced[r, pivot])
    return _common([values[order.index(j)] for j in range(k)])


def _simplest(value: float | Fraction) -> Fraction:
    """The fraction itself; for a float, the one within `CLOSE` whose denominator has the fewest digits."""
    exact = Fraction(value)
    if isinstance(value, Fraction):
        return exact
    candidates = (exact.limit_denominator(10**digits) for digits in range(1, 16))
    return next((p for p in candidates if abs(p - exact) <= CLOSE), exact)


def _common(values: Sequence[Fraction]) -> tuple[list[int], int]:
    """The fractions over their common denominator."""
    total = math.lcm(*(value.denominator for value in values))
    return [value.numerator * (total // value.denominator) for value in values], total
