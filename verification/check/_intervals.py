"""Intervals of float64 numbers, rounded outward: whatever real numbers go in, the result of the operation is inside.

Sums, products, quotients and square roots are correctly rounded by IEEE 754 and then moved one number outward;
logarithms, exponentials and other powers come from ball arithmetic. The logarithm or root of an interval over parts of
which it is undefined holds its values over the rest; where it is undefined all over, it is minus infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]

BITS = 80  # of the balls behind logarithms
ACCURATE = 60  # bits of them that must be right


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Arrays of one shape, or of shapes that broadcast: every value lies in [low, high]."""

    low: Array
    high: Array

    def __add__(self, other: Interval) -> Interval:
        return _outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return _outward(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        corners = self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high
        low = np.fmin(np.fmin(corners[0], corners[1]), np.fmin(corners[2], corners[3]))
        high = np.fmax(np.fmax(corners[0], corners[1]), np.fmax(corners[2], corners[3]))
        void = np.isnan(low)  # 0 times something unbounded, at all corners
        if void.any():
            low, high = np.where(void, 0.0, low), np.where(void, 0.0, high)
        return _outward(low, high)

    def inverse(self) -> Interval:
        """1 over it; unbounded where 0 is inside, and beyond a 0 at one end."""
        low, high = self.low, self.high
        if not ((low > 0) | (high < 0)).all():
            at_end = np.where(low == 0, 0.0, low), np.where(high == 0, -0.0, high)
            inside = (low < 0) & (high > 0) | (low == 0) & (high == 0)
            below, above = 1.0 / at_end[1], 1.0 / at_end[0]
            low, high = np.where(inside, -np.inf, below), np.where(inside, np.inf, above)
            return _outward(low, high)
        return _outward(1.0 / high, 1.0 / low)

    def __truediv__(self, other: Interval) -> Interval:
        if not ((other.low > 0) | (other.high < 0)).all():
            return self * other.inverse()
        corners = self.low / other.low, self.low / other.high, self.high / other.low, self.high / other.high
        low = np.fmin(np.fmin(corners[0], corners[1]), np.fmin(corners[2], corners[3]))
        high = np.fmax(np.fmax(corners[0], corners[1]), np.fmax(corners[2], corners[3]))
        return _outward(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))

    def log(self) -> Interval:
        """The natural logarithm of what is positive in it."""
        low = np.where(self.low > 0, _log(np.where(self.low > 0, self.low, 1.0)), -np.inf)
        high = np.where(self.high > 0, _log(np.where(self.high > 0, self.high, 1.0)), -np.inf)
        return _outward(low, high)

    def exp(self) -> Interval:
        """The exponential."""
        found = _outward(_exp(self.low), _exp(self.high))
        return Interval(np.maximum(found.low, 0.0), found.high)

    def minimum(self, other: Interval) -> Interval:
        """The smaller of two."""
        return Interval(np.minimum(self.low, other.low), np.minimum(self.high, other.high))

    def maximum(self, other: Interval) -> Interval:
        """The larger of two."""
        return Interval(np.maximum(self.low, other.low), np.maximum(self.high, other.high))

    def hull(self, other: Interval) -> Interval:
        """The least interval with both."""
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def power(self, exponent: Fraction) -> Interval:
        """What is raised to a constant power; only what is not negative, unless the power is whole."""
        if exponent < 0:
            return self.power(-exponent).inverse()
        if exponent.denominator == 1:
            return self._whole(int(exponent))
        low, high = np.maximum(self.low, 0.0), np.maximum(self.high, 0.0)
        if exponent == Fraction(1, 2):
            found = _outward(np.sqrt(low), np.sqrt(high))
        else:
            found = _outward(_raised(low, exponent), _raised(high, exponent))
        none = self.high < 0
        return Interval(np.where(none, -np.inf, np.maximum(found.low, 0.0)), np.where(none, -np.inf, found.high))

    def _whole(self, exponent: int) -> Interval:
        if exponent % 2:
            sizes = [_whole_power(np.abs(end), exponent) for end in (self.low, self.high)]
            low = np.where(self.low < 0, -sizes[0].high, sizes[0].low)
            return Interval(low, np.where(self.high < 0, -sizes[1].low, sizes[1].high))
        least = np.where((self.low <= 0) & (self.high >= 0), 0.0, np.minimum(np.abs(self.low), np.abs(self.high)))
        most = np.maximum(np.abs(self.low), np.abs(self.high))
        return Interval(_whole_power(least, exponent).low, _whole_power(most, exponent).high)

    @property
    def size(self) -> Array:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def width(self) -> Array:
        """At least how far apart the ends are."""
        return np.nextafter(self.high - self.low, np.inf)

    def at(self, where: Any) -> Interval:
        """The part of the arrays that an index chooses; numbers that are one for all stay."""
        return Interval(self.low[where], self.high[where]) if np.ndim(self.low) else self


def thin(values: npt.ArrayLike) -> Interval:
    """The numbers themselves."""
    array = np.asarray(values, dtype=np.float64)
    return Interval(array, array)


def exactly(value: Fraction) -> Interval:
    """A rational number between its neighbours, or itself where float64 holds it."""
    try:
        near = float(value)
    except OverflowError:
        near = np.inf if value > 0 else -np.inf
    if np.isfinite(near) and Fraction(near) == value:
        return thin(near)
    return _outward(np.array(near), np.array(near))


def total(terms: Interval) -> Interval:
    """The sums over the last axis."""
    return Interval(_sums(terms.low, -np.inf), _sums(terms.high, np.inf))


def _sums(terms: Array, side: float) -> Array:
    found = []
    for row in terms.reshape(-1, terms.shape[-1]).tolist():
        if side in row:
            found.append(side)
        else:
            try:
                found.append(math.nextafter(math.fsum(row), side))
            except (OverflowError, ValueError):
                found.append(side)
    return np.array(found).reshape(terms.shape[:-1])


def _outward(low: Array, high: Array) -> Interval:
    """One float further on either side; what is not a number may be anything."""
    low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
    if np.isnan(low).any() or np.isnan(high).any():
        return Interval(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))
    return Interval(low, high)


def _whole_power(base: Array, exponent: int) -> Interval:
    """Bounds of numbers that are not negative, raised to a positive power, by repeated squaring."""
    low = high = np.ones_like(base)
    low_square, high_square = base, base
    first = True
    while True:
        if exponent % 2:
            low, high = (low_square, high_square) if first else _product(low, high, low_square, high_square)
            first = False
        exponent //= 2
        if not exponent:
            return Interval(low, high)
        low_square, high_square = _product(low_square, high_square, low_square, high_square)


def _product(low: Array, high: Array, other_low: Array, other_high: Array) -> tuple[Array, Array]:
    below, above = low * other_low, high * other_high
    return np.maximum(np.nextafter(below, -np.inf), 0.0), np.nextafter(above, np.inf)


def _elementwise(function: Callable[[Any], Any], values: Array) -> Array:
    """The nearest floats, or within one of them, of a function of each value, by balls."""
    before = flint.ctx.prec
    flint.ctx.prec = BITS
    try:
        found = [_near(function, x) for x in values.ravel().tolist()]
    finally:
        flint.ctx.prec = before
    return np.array(found, dtype=np.float64).reshape(values.shape)


def _near(function: Callable[[Any], Any], x: float) -> float:
    """Within one float of the value; balls are widened until they are accurate enough."""
    ball = function(flint.arb(x))
    if ball.rel_accuracy_bits() < ACCURATE and not ball.is_exact():
        flint.ctx.prec = 1200
        try:
            ball = function(flint.arb(x))
        finally:
            flint.ctx.prec = BITS
        if ball.rel_accuracy_bits() < ACCURATE:
            return float("nan")
    return float(ball.mid())


def _log(values: Array) -> Array:
    finite = np.isfinite(values)
    return np.where(finite, _elementwise(lambda x: x.log(), np.where(finite, values, 1.0)), values)


def _exp(values: Array) -> Array:
    held = np.clip(values, -800.0, 800.0)
    found = _elementwise(lambda x: x.exp(), held)
    return np.where(values > 800.0, np.inf, np.where(values < -800.0, 0.0, found))


def _raised(values: Array, exponent: Fraction) -> Array:
    power = flint.fmpq(exponent.numerator, exponent.denominator)
    finite = np.isfinite(values) & (values > 0)
    found = _elementwise(lambda x: (x.log() * power).exp(), np.where(finite, values, 1.0))
    return np.where(finite, found, values)
