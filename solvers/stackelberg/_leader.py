"""The leader's certified global optimum, for curves that are concave between known kinks."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from solvers.core import Array
from solvers.stackelberg._brackets import sign_change
from solvers.stackelberg._curve import Curve

TINY = 1e-300
ROOM = 8 * 2.0**-52  # relative room for the few float operations that turn evaluations into a bound


@dataclass(frozen=True)
class Optimum:
    """A price, the leader's utility there, and a rigorous upper bound on its utility at any price.

    `scale` is what the gap is relative to.
    """

    price: float
    value: float
    upper: float
    scale: float
    passes: int
    local: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """(upper - value) / scale."""
        return (self.upper - self.value) / self.scale


def magnitude_of(value: float, most: float) -> float:
    """|value|, or a thousandth of the largest |utility| met if that is more."""
    return max(abs(value), 1e-3 * most, TINY)


def exact_sweep(curve: Curve) -> Optimum:
    """The best of all kinks, both ends and each piece's stationary point; O(n^2), every local optimum found.

    On a piece the curve is concave, so tangents at its ends and at its stationary point bound it.
    """
    before = curve.evaluations
    edges = np.unique(np.concatenate([[curve.low, curve.high], curve.kinks]))
    middles = 0.5 * (edges[1:] + edges[:-1])
    left_value, left_slope = curve.many(edges[:-1], middles)
    right_value, right_slope = curve.many(edges[1:], middles)
    turning = (left_slope > 0) & (right_slope < 0)
    roots = _roots(curve, edges[:-1][turning], edges[1:][turning], middles[turning])
    root_value, root_slope = curve.many(roots, middles[turning])
    noise = curve.slope_error
    pieces = [
        (edges[:-1][~turning], edges[1:][~turning], left_value[~turning], right_value[~turning],
         left_slope[~turning] + noise, right_slope[~turning] - noise),
        (edges[:-1][turning], roots, left_value[turning], root_value, left_slope[turning] + noise, root_slope - noise),
        (roots, edges[1:][turning], root_value, right_value[turning], root_slope + noise, right_slope[turning] - noise),
    ]  # fmt: skip
    cells = (cell for piece in pieces for cell in zip(*(column.tolist() for column in piece), strict=True))
    bound = max(tangent_bound(*cell) for cell in cells)
    moved = 4 * curve.spread * (curve.slope_scale + np.max(np.abs([left_slope, right_slope])))
    prices = np.concatenate([edges[:-1], edges[-1:], roots])
    values = np.concatenate([left_value, right_value[-1:], root_value])
    best = int(np.argmax(values))
    return Optimum(
        price=float(prices[best]),
        value=float(values[best]),
        upper=float(bound + curve.value_error + moved),
        scale=magnitude_of(float(values[best]), float(np.max(np.abs(values)))),
        passes=curve.evaluations - before,
        local=_local(edges, left_slope, right_slope, roots),
    )


def _roots(curve: Curve, low: Array, high: Array, sides: Array) -> Array:
    """Where the slope, positive at `low` and negative at `high`, vanishes on each piece, but for rounding."""
    slopes = curve.slopes(sides)
    return sign_change(lambda prices: -slopes(prices), low, high, small=curve.slope_error)


def _local(edges: Array, left_slope: Array, right_slope: Array, roots: Array) -> tuple[float, ...]:
    """Every local maximiser: stationary points, and edges that the slope reaches rising and leaves falling."""
    arriving = np.concatenate([[np.inf], right_slope])
    leaving = np.concatenate([left_slope, [-np.inf]])
    peaks = edges[(arriving >= 0) & (leaving <= 0) & ((arriving > 0) | (leaving < 0))]
    return tuple(sorted({*map(float, roots), *map(float, peaks)}))


def tangent_bound(a: float, b: float, at_a: float, at_b: float, rise: float, fall: float) -> float:
    """An upper bound on [a, b] of a function below its tangents of slope `rise` at a and `fall` at b."""
    return max(at_a, at_b, meeting_point(a, b, at_a, at_b, rise, fall)[1])


def meeting_point(a: float, b: float, at_a: float, at_b: float, rise: float, fall: float) -> tuple[float, float]:
    """Where in [a, b] the tangents of slope `rise` at a and `fall` at b meet, and how high, rounded up.

    Left of any x the first tangent, right of it the second one, is at most the larger of its values at its own end and
    at x; so the larger of the two at x bounds the rest.
    """
    x = a + (at_b - at_a - fall * (b - a)) / (rise - fall) if rise > fall else 0.5 * (a + b)
    x = min(max(x, a), b)
    up, down = rise * (x - a), fall * (x - b)
    return x, max(at_a + up, at_b + down) + ROOM * (abs(at_a) + abs(at_b) + abs(up) + abs(down))


def branch_and_bound(curve: Curve, *, tolerance: float = 1e-9, max_passes: int = 500) -> Optimum:
    """The price whose utility is within `tolerance`, relative, of a rigorous bound; one pass over followers a node.

    On [a, b] the utility is a concave function plus a ramp J * max(0, p - t) for each convex kink t, of jump J. Two
    tangents bound the concave part; tangent plus ramps is convex on either side of the point where the tangents meet,
    so that it is largest there or at an end.
    """
    search = _Search(curve)
    while search.passes < max_passes and search.gap > tolerance:
        search.split()
    return Optimum(search.price, search.value, search.upper, search.scale, search.passes)


class _Search:
    """A partition of the price interval into leaves, the one with the highest bound on top."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._before = curve.evaluations
        self.price, self.value, self._most = curve.low, -np.inf, 0.0
        self._leaves: list[tuple[float, float, float, tuple[float, ...], tuple[float, ...]]] = []
        ends = self._visit(curve.low), self._visit(curve.high)
        self._push(*ends)

    @property
    def passes(self) -> int:
        return self.curve.evaluations - self._before

    @property
    def upper(self) -> float:
        return -self._leaves[0][0] + self.curve.value_error

    @property
    def gap(self) -> float:
        return (self.upper - self.value) / self.scale

    @property
    def scale(self) -> float:
        return magnitude_of(self.value, self._most)

    def split(self) -> None:
        """Divides the leaf with the highest bound where its tangents meet."""
        _, x, _, left, right = heapq.heappop(self._leaves)
        width = right[0] - left[0]
        x = min(max(x, left[0] + 0.01 * width), right[0] - 0.01 * width)
        middle = self._visit(x)
        self._push(left, middle)
        self._push(middle, right)

    def _visit(self, price: float) -> tuple[float, float, float, float]:
        point = self.curve.at(price)
        doubt = self.curve.ambiguity(price) + self.curve.slope_error
        self._most = max(self._most, abs(point.value))
        if point.value > self.value:
            self.price, self.value = price, point.value
        return price, point.value, point.slope, doubt

    def _push(self, left: tuple[float, ...], right: tuple[float, ...]) -> None:
        a, at_a, slope_a, doubt_a = left
        b, at_b, slope_b, doubt_b = right
        least, largest, mass = self.curve.ramps(a, b)
        x, concave = meeting_point(a, b, at_a, at_b - least, slope_a + doubt_a, slope_b - doubt_b - mass)
        top = concave + self.curve.ramps(a, x)[1]
        bound = max(at_a, at_b + (largest - least), top + ROOM * abs(top))
        heapq.heappush(self._leaves, (-bound, x, b, left, right))
