"""Payoff matrices as users write them: read into float64, and into exact rationals where the source is rational."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import flint
import numpy as np
import numpy.typing as npt

from solvers.core import Array, InvalidGame

Payoffs: TypeAlias = npt.ArrayLike | Sequence[Sequence[Fraction | float]]

EXACT_INTEGER = 2**53  # every integer up to here is a float64


@dataclass(frozen=True, slots=True)
class RationalMatrix:
    """A matrix of rationals over one positive denominator: `numerators / denominator`."""

    numerators: flint.fmpz_mat
    denominator: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.numerators.nrows(), self.numerators.ncols()

    def entry(self, i: int, j: int) -> Fraction:
        """The rational in row i, column j."""
        return Fraction(int(self.numerators[i, j]), self.denominator)

    def rows(self) -> list[list[Fraction]]:
        """All entries, row by row."""
        m, n = self.shape
        return [[self.entry(i, j) for j in range(n)] for i in range(m)]

    @property
    def transposed(self) -> RationalMatrix:
        """Rows as columns."""
        return RationalMatrix(self.numerators.transpose(), self.denominator)

    def times(self, vector: Sequence[Fraction]) -> list[Fraction]:
        """The product with a vector of n fractions: m fractions."""
        common = math.lcm(*(p.denominator for p in vector))
        column = flint.fmpz_mat(len(vector), 1, [p.numerator * (common // p.denominator) for p in vector])
        product, denominator = self.numerators * column, self.denominator * common
        return [Fraction(int(product[i, 0]), denominator) for i in range(product.nrows())]


def read(name: str, values: Payoffs) -> tuple[Array, RationalMatrix | None]:
    """The matrix as read-only float64, and exactly where that is not the float64 matrix itself.

    Raises
    ------
    InvalidGame
        If `values` is not a non-empty matrix of finite real numbers within the range of float64, or rationals that
        differ, but all by less than it holds.
    """
    raw = _matrix(name, values)
    kind = raw.dtype.kind
    if kind not in "fiuO":
        raise InvalidGame(f"{name} must hold real numbers, got {raw.dtype}")
    if kind != "O" and not _rounds(raw, values):
        return _frozen(name, raw), None
    entries = raw.astype(object) if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    rows = [[_fraction(name, i, j, value) for j, value in enumerate(row)] for i, row in enumerate(entries.tolist())]
    exact = rational(rows)
    if _vanishes(exact):
        raise InvalidGame(f"{name} must have differences within the range of float64, got none above 2^-1075")
    return _frozen(name, _nearest(name, rows)), exact


def _rounds(raw: npt.NDArray[Any], values: Payoffs) -> bool:
    """Whether float64 may round a whole number of `values`, which NumPy has made `raw`."""
    if raw.dtype.kind == "f":
        if isinstance(values, np.ndarray) or np.max(np.abs(raw)) <= EXACT_INTEGER:
            return False
        return any(isinstance(value, int) for value in np.asarray(values, dtype=object).flat)
    return max(-int(raw.min()), int(raw.max())) > EXACT_INTEGER


def rational(rows: list[list[Fraction]]) -> RationalMatrix:
    """The matrix over the least common denominator of its entries."""
    common = flint.fmpz(1)
    for row in rows:
        for value in row:
            common = common.lcm(value.denominator)
    denominator = int(common)
    numerators = [value.numerator * (denominator // value.denominator) for row in rows for value in row]
    return RationalMatrix(flint.fmpz_mat(len(rows), len(rows[0]), numerators), denominator)


def dyadic(matrix: Array) -> RationalMatrix:
    """The matrix exactly: each float64 is a whole number over a power of two, the greatest of which serves all."""
    ratios = [value.as_integer_ratio() for value in matrix.ravel().tolist()]
    top = max(power for _, power in ratios).bit_length()
    numerators = [number << (top - power.bit_length()) for number, power in ratios]
    return RationalMatrix(flint.fmpz_mat(matrix.shape[0], matrix.shape[1], numerators), 1 << (top - 1))


def scaled(payoffs: RationalMatrix) -> tuple[Array, int]:
    """The payoffs less the least, over a power of two, within [0, 2], each the float64 nearest to it; the exponent."""
    entries = [int(value) for value in payoffs.numerators.entries()]
    least = min(entries)
    exponent = (max(entries) - least).bit_length() - payoffs.denominator.bit_length()
    denominator, shift = payoffs.denominator << max(exponent, 0), max(-exponent, 0)
    unit = np.array([((value - least) << shift) / denominator for value in entries]).reshape(payoffs.shape)
    unit.flags.writeable = False  # as all payoffs are: kernels are compiled for these once
    return unit, exponent


def _matrix(name: str, values: Payoffs) -> npt.NDArray[Any]:
    try:
        raw = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise InvalidGame(f"{name} must be a matrix, got rows of different lengths") from None
    if raw.ndim != 2:
        raise InvalidGame(f"{name} must be (m, n), got shape {raw.shape}")
    if raw.size == 0:
        raise InvalidGame(f"{name} must have at least one row and one column, got shape {raw.shape}")
    return raw


def fraction(value: Any) -> Fraction:
    """The same number as a fraction, of python-flint's too."""
    if isinstance(value, flint.fmpq | flint.fmpz):
        exact = flint.fmpq(value)
        return Fraction(int(exact.p), int(exact.q))
    return Fraction(value)


def _fraction(name: str, i: int, j: int, value: object) -> Fraction:
    if type(value) is Fraction:
        return value
    where = f"{name}[{i}, {j}]"
    if isinstance(value, flint.fmpq | flint.fmpz):
        return fraction(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        raise InvalidGame(f"{where} must be a real number, got {str(value)[:40]!r} ({type(value).__name__})")
    try:
        return Fraction(value) if isinstance(value, numbers.Rational | Decimal) else Fraction(float(value))
    except (ValueError, OverflowError):
        raise InvalidGame(f"{where} must be finite, got {value}") from None


def _vanishes(payoffs: RationalMatrix) -> bool:
    """Whether payoffs differ, but by so little that float64 holds no regret of theirs."""
    entries = payoffs.numerators.entries()
    width = int(max(entries) - min(entries))
    try:
        return width > 0 and width / payoffs.denominator == 0.0
    except OverflowError:
        return False


def _nearest(name: str, rows: list[list[Fraction]]) -> Array:
    """Each rational's float64, correctly rounded."""
    try:
        return np.array([[float(value) for value in row] for row in rows])
    except OverflowError:
        raise InvalidGame(f"{name} must lie within the range of float64") from None


def _frozen(name: str, raw: npt.NDArray[Any]) -> Array:
    with np.errstate(over="ignore"):
        matrix = np.array(raw, dtype=np.float64, order="C")
    if not np.isfinite(matrix).all():
        i, j = np.argwhere(~np.isfinite(matrix))[0]
        raise InvalidGame(f"{name}[{i}, {j}] must be finite, got {raw[i, j]}")
    matrix.flags.writeable = False
    return matrix
