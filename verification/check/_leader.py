"""What the leader may gain by another price: branch and bound over intervals of prices, all of them rigorous."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from verification.check._followers import Followers
from verification.check._gains import NOTHING_TO_GAIN, between
from verification.check._intervals import Array, Interval, Mask, thin, total
from verification.check._jets import DECISION, PRICE, Function, shaped, zero_or

CELLS = 1 << 15  # followers times prices looked at together
NODES = 200_000  # intervals of prices
NARROW = 2.0**-50  # of the larger bound: an interval of prices that is not split any more
HARDLY = 2.0**-6
NEAR = 44  # halvings of the distance to the claimed price, at first


@dataclass(frozen=True, slots=True)
class Search:
    """What came of it.

    Attributes
    ----------
    most
        An upper bound of the leader's utility at any price, infinite where there is none.
    better
        A price at which the utility is more than the tolerance above the claimed one, if one was found.
    least
        A lower bound of the utility there.
    nodes
        How many intervals of prices were looked at.
    late
        Whether it was stopped by time or size.
    size
        The largest absolute value of the utility at the prices that were tried first.
    """

    most: float
    nodes: int
    size: float
    late: bool = False
    better: float | None = None
    least: float = -math.inf


@dataclass(frozen=True, slots=True)
class _Cells:
    """Intervals of prices (m,), upper bounds of the utility at their ends, and where best decisions lie, (m, n)."""

    low: Array
    high: Array
    left: Array
    right: Array
    known: Interval

    def at(self, where: Mask | slice) -> _Cells:
        return _Cells(self.low[where], self.high[where], self.left[where], self.right[where], self.known.at(where))


class Leader:
    """The leader's utility as a function of the price, its followers at their best decisions."""

    def __init__(self, payoff: Function, followers: Followers) -> None:
        self.payoff, self.followers = payoff, followers

    def search(
        self, bounds: tuple[float, float], claimed: float, worth: float, tolerance: float, deadline: float
    ) -> Search:
        """An upper bound of the utility over all prices, or a price that is better than `worth` by the tolerance."""
        cells, found = self._first(bounds, claimed, worth + tolerance)
        ends = np.abs([cells.left, cells.right])
        size = float(np.max(ends[np.isfinite(ends)], initial=0.0))
        most, nodes = worth, 0
        while found is None and len(cells.low):
            nodes += len(cells.low)
            some, known = self._bound(cells)
            gained = some - np.maximum(cells.left, cells.right)
            narrow = cells.high - cells.low <= NARROW * max(map(abs, bounds))
            late = time.monotonic() > deadline or nodes > NODES
            done = (some <= worth + 0.5 * tolerance) | (gained <= NOTHING_TO_GAIN * tolerance) | narrow | late
            most = float(np.max(some[done], initial=most))
            if late and most > worth + tolerance:
                return Search(most, nodes, size, late=True)
            cells, found = self._split(cells.at(~done), known.at(~done), worth + tolerance)
        if found is not None:
            return Search(math.inf, nodes, size, better=found[0], least=found[1])
        return Search(most, nodes, size)

    def _first(
        self, bounds: tuple[float, float], claimed: float, goal: float
    ) -> tuple[_Cells, tuple[float, float] | None]:
        """Intervals that grow with the distance from the claimed price."""
        steps = (bounds[1] - bounds[0]) * 0.5 ** np.arange(1, NEAR)
        edges = np.unique(np.clip([*bounds, claimed, *(claimed - steps), *(claimed + steps)], *bounds))
        region = Interval(
            *(
                np.broadcast_to(end, (len(edges), self.followers.n))
                for end in (self.followers.region.low, self.followers.region.high)
            )
        )
        values = self.values(edges, region)
        cells = _Cells(edges[:-1], edges[1:], values.high[:-1], values.high[1:], region.at(slice(1, None)))
        return cells, _best(edges, values, goal)

    def values(self, prices: Array, known: Interval) -> Interval:
        """The utility at prices (m,), best decisions being in `known`."""
        parts = []
        for some in _chunks(len(prices), self.followers.n):
            at = thin(prices[some][:, None])
            decision = self.followers.respond(at, known.at(some), still=True).decision
            parts.append(self._total(self.payoff(at, decision).v, decision.low.shape))
        return _stacked(parts)

    def _total(self, terms: Interval, shape: tuple[int, ...]) -> Interval:
        return total(Interval(*shaped(terms, shape)))

    def _bound(self, cells: _Cells) -> tuple[Array, Interval]:
        """Upper bounds over the intervals, and where best decisions lie in them."""
        bounds, known = [], []
        for some in _chunks(len(cells.low), self.followers.n):
            bound, decision = self._bound_some(cells.at(some))
            bounds.append(bound)
            known.append(decision)
        return np.concatenate(bounds), _stacked(known)

    def _bound_some(self, cells: _Cells) -> tuple[Array, Interval]:
        prices = Interval(cells.low[:, None], cells.high[:, None])
        found = self.followers.respond(prices, cells.known)
        shape, width = found.decision.low.shape, np.nextafter(cells.high - cells.low, np.inf)
        payoff = self.payoff(prices, found.decision, DECISION | PRICE)
        direct, through = zero_or(payoff.p), zero_or(payoff.d)
        moved = through * found.move
        # Where a decision can hardly move, what that changes is less than what its slope would let it change.
        change = (thin(through.size) * thin(found.decision.width)).high
        with np.errstate(all="ignore"):
            still = np.broadcast_to(change < HARDLY * moved.size * width[:, None], shape)
        slope = direct + Interval(np.where(still, 0.0, moved.low), np.where(still, 0.0, moved.high))
        slopes = self._total(slope, shape)
        error = self._total(thin(np.where(still, change, 0.0)), shape).high
        sure = np.broadcast_to(payoff.sure, shape).all(axis=-1)
        first = np.where(sure, between(cells.left, cells.right, slopes, width), np.inf)
        natural = self._total(payoff.v, shape).high
        return np.minimum(np.nextafter(first + error, np.inf), natural), found.decision

    def _split(self, cells: _Cells, known: Interval, goal: float) -> tuple[_Cells, tuple[float, float] | None]:
        if not len(cells.low):
            return cells, None
        middle = cells.low + 0.5 * (cells.high - cells.low)
        values = self.values(middle, known)
        return _Cells(
            np.concatenate([cells.low, middle]),
            np.concatenate([middle, cells.high]),
            np.concatenate([cells.left, values.high]),
            np.concatenate([values.high, cells.right]),
            Interval(np.concatenate([known.low] * 2), np.concatenate([known.high] * 2)),
        ), _best(middle, values, goal)


def _best(prices: Array, values: Interval, goal: float) -> tuple[float, float] | None:
    """The best of the prices, if its utility is certainly above the goal."""
    top = int(np.argmax(values.low))
    return (float(prices[top]), float(values.low[top])) if values.low[top] > goal else None


def _chunks(count: int, n: int) -> list[slice]:
    size = max(1, CELLS // n)
    return [slice(k, min(k + size, count)) for k in range(0, count, size)]


def _stacked(parts: list[Interval]) -> Interval:
    return Interval(np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts]))
