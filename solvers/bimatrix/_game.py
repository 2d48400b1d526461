"""The two-player game: payoffs, and what each player gains by deviating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from solvers.bimatrix._payoffs import Payoffs, RationalMatrix, dyadic, fraction, read, scaled
from solvers.core import Array, Exact, InvalidGame, Positions


class Profile(NamedTuple):
    """A mixed strategy for each player: `row`, (m,), and `column`, (n,), probabilities."""

    row: Array
    column: Array


class RationalProfile(NamedTuple):
    """A mixed strategy for each player in exact rationals: `row`, m fractions, and `column`, n fractions."""

    row: tuple[Fraction, ...]
    column: tuple[Fraction, ...]


AnyProfile = Profile | RationalProfile

Scaled: TypeAlias = tuple[Array, int]  # payoffs less the least, within [0, 2], and the power of two that they are over


@dataclass(frozen=True, eq=False, init=False)
class BimatrixGame:
    """A two-player game in strategic form.

    `A`, (m, n), holds the row player's payoffs and `B`, (m, n), the column player's, both read-only float64. Where the
    source was rational and float64 cannot hold it, the rationals are kept, and every exact computation uses them;
    otherwise the float64 numbers themselves are taken as exact. `title`, `players`, `rows` and `columns` are names.

    Raises
    ------
    InvalidGame
        If a matrix is empty, ragged or not of finite real numbers, or the shapes differ.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> game.shape
    (3, 2)
    >>> game.regrets(Profile(np.array([1.0, 0, 0]), np.array([0, 1.0])))
    array([3., 1.])
    """

    A: Array
    B: Array
    title: str
    players: tuple[str, str]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    _exact: tuple[RationalMatrix | None, RationalMatrix | None]

    concept: ClassVar[str] = "Nash"

    def __init__(
        self,
        A: Payoffs,
        B: Payoffs,
        *,
        title: str = "",
        players: tuple[str, str] = ("row", "column"),
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> None:
        row_payoffs, row_exact = read("A", A)
        column_payoffs, column_exact = read("B", B)
        if row_payoffs.shape != column_payoffs.shape:
            raise InvalidGame(f"A and B must have one shape, got {row_payoffs.shape} and {column_payoffs.shape}")
        m, n = row_payoffs.shape
        for name, value in (
            ("A", row_payoffs),
            ("B", column_payoffs),
            ("title", title),
            ("players", players),
            ("rows", _names("rows", rows, m)),
            ("columns", _names("columns", columns, n)),
            ("_exact", (row_exact, column_exact)),
        ):
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """How many strategies the row player and the column player have."""
        m, n = self.A.shape
        return m, n

    @cached_property
    def rational_payoffs(self) -> tuple[RationalMatrix, RationalMatrix]:
        """Both payoff matrices exactly, (m, n) each, in the source's rationals or the float64 numbers as they are."""
        row, column = self._exact
        return row or dyadic(self.A), column or dyadic(self.B)

    @property
    def transposed(self) -> BimatrixGame:
        """The same game with the players changed over."""
        row, column = self._exact
        return BimatrixGame(
            self.B.T if column is None else column.transposed.rows(),
            self.A.T if row is None else row.transposed.rows(),
            title=self.title,
            players=(self.players[1], self.players[0]),
            rows=self.columns,
            columns=self.rows,
        )

    def infeasibility(self, profile: AnyProfile, /) -> float | Fraction:
        """How far a strategy is from the probabilities: the worst negative entry or error of a sum."""
        profile = self._checked(profile)
        if isinstance(profile, RationalProfile):
            sums = (abs(sum(strategy, Fraction(-1))) for strategy in profile)
            return max(Fraction(0), *(-p for strategy in profile for p in strategy), *sums)
        x, y = profile
        with np.errstate(invalid="ignore"):  # infinite probabilities make nan, which passes no check
            return float(np.max([0.0, *(np.max(-p) for p in (x, y)), *(abs(np.sum(p) - 1.0) for p in (x, y))]))

    def regrets(self, profile: AnyProfile, /) -> Array | Exact:
        """What the row and the column player gain by their best deviation, (2,), in their payoff units.

        A rational profile's are exact: fractions in an object array.
        """
        profile = self._checked(profile)
        if isinstance(profile, RationalProfile):
            (x, y), (A, B) = profile, self.rational_payoffs
            return np.array([_exact_regret(A, x, y), _exact_regret(B.transposed, y, x)], dtype=object)
        (row, row_exponent), (column, column_exponent) = self._scaled
        with np.errstate(invalid="ignore"):
            first = _regret(row, row_exponent, *profile)
            return np.array([first, _regret(column.T, column_exponent, *reversed(profile))])

    def payoffs(self, profile: AnyProfile, /) -> Array | Exact:
        """What the row and the column player expect, (2,); exact fractions for a rational profile."""
        profile = self._checked(profile)
        if isinstance(profile, RationalProfile):
            (x, y), (A, B) = profile, self.rational_payoffs
            values = [sum(p * v for p, v in zip(x, M.times(y), strict=True)) for M in (A, B)]
            return np.array(values, dtype=object)
        return np.array([profile.row @ M @ profile.column for M in (self.A, self.B)])

    def magnitudes(self) -> Array:
        """The range of each player's payoffs, (2,): what a tolerance in payoff units is to be measured against."""
        pairs = zip((self.A, self.B), self._scaled_exactly, strict=True)
        return np.array([_range(payoffs) if unit is None else _width(*unit) for payoffs, unit in pairs])

    def best_responses(self, profile: AnyProfile, /, *, tolerance: float = 1e-9) -> tuple[Positions, Positions]:
        """The rows that are best against `profile.column`, and the columns that are best against `profile.row`.

        `tolerance` is relative to the range of the player's payoffs; a rational profile needs none.
        """
        profile = self._checked(profile)
        if isinstance(profile, RationalProfile):
            (x, y), (A, B) = profile, self.rational_payoffs
            return _best(A.times(y)), _best(B.transposed.times(x))
        (row, _), (column, _) = self._scaled
        return _near_best(row, profile.column, tolerance), _near_best(column.T, profile.row, tolerance)

    @property
    def _scaled(self) -> tuple[Scaled, Scaled]:
        """Both players' payoffs, (m, n), in scaled units, computed from the rationals where those are kept."""
        row, column = self._scaled_exactly
        return row or _scaled(self.A), column or _scaled(self.B)

    @cached_property
    def _scaled_exactly(self) -> tuple[Scaled | None, Scaled | None]:
        row, column = (None if exact is None else scaled(exact) for exact in self._exact)
        return row, column

    def _checked(self, profile: AnyProfile) -> AnyProfile:
        """The profile with arrays or fractions in it, of the right lengths."""
        row, column = profile
        for name, strategy, size in (("row", row, self.shape[0]), ("column", column, self.shape[1])):
            given = np.asarray(strategy)
            if given.shape != (size,):
                raise ValueError(f"profile.{name} must be ({size},), got shape {given.shape}")
            if np.iscomplexobj(given):
                raise ValueError(f"profile.{name} must be real, got {given.dtype}")
        if isinstance(profile, RationalProfile):
            return RationalProfile(tuple(map(fraction, row)), tuple(map(fraction, column)))
        return Profile(np.asarray(row, dtype=np.float64), np.asarray(column, dtype=np.float64))


def support(profile: AnyProfile) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The strategies each player uses: indices of the non-zero probabilities.

    Examples
    --------
    >>> support(Profile(np.array([0.25, 0, 0.75]), np.array([1.0, 0])))
    ((0, 2), (0,))
    """
    row, column = profile
    return tuple(i for i, p in enumerate(row) if p != 0), tuple(j for j, p in enumerate(column) if p != 0)


def _names(name: str, given: Sequence[str], size: int) -> tuple[str, ...]:
    if given and len(given) != size:
        raise InvalidGame(f"{name} must name {size} strategies, got {len(given)}")
    return tuple(given)


def _scaled(payoffs: Array) -> Scaled:
    """The payoffs less the least, over a power of two, within [0, 2]: no shift or unit drowns a difference."""
    exponent = int(np.frexp(np.max(np.abs(payoffs)))[1])
    unit = np.ldexp(payoffs, -exponent)
    unit -= unit.min()
    unit.flags.writeable = False
    return unit, exponent


def _shortfalls(unit: Array, opposing: Array) -> Array:
    """What each strategy earns less than the best one against `opposing`, in scaled units."""
    values = unit @ np.maximum(opposing, 0.0)  # a negative probability must not lower anybody's regret
    shortfalls: Array = np.max(values) - values
    return shortfalls


def _regret(unit: Array, exponent: int, own: Array, opposing: Array) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(np.maximum(own, 0.0) @ _shortfalls(unit, opposing), exponent))


def _exact_regret(payoffs: RationalMatrix, own: Sequence[Fraction], opposing: Sequence[Fraction]) -> Fraction:
    values = payoffs.times(opposing)
    best = max(values)
    return sum((p * (best - value) for p, value in zip(own, values, strict=True) if p), Fraction(0))


def _near_best(unit: Array, opposing: Array, tolerance: float) -> Positions:
    return np.flatnonzero(_shortfalls(unit, opposing) <= tolerance * unit.max())


def _best(values: Sequence[Fraction]) -> Positions:
    best = max(values)
    return np.array([i for i, value in enumerate(values) if value == best], dtype=np.intp)


def _range(payoffs: Array) -> float:
    """Greatest less least payoff, at most the greatest float64."""
    with np.errstate(over="ignore"):
        return float(min(np.max(payoffs) - np.min(payoffs), np.finfo(np.float64).max))


def _width(unit: Array, exponent: int) -> float:
    """The range of payoffs in scaled units, at most the greatest float64."""
    with np.errstate(over="ignore", under="ignore"):
        return float(min(np.ldexp(unit.max(), exponent), np.finfo(np.float64).max))
