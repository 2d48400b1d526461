"""Certified global optimum of any declared leader: best-first branch and bound in interval arithmetic.

It needs a follower utility that is strictly concave in the decision, and nothing of the leader's but derivatives.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import Array, Mask
from solvers.stackelberg._leader import Optimum, magnitude_of
from solvers.stackelberg._program import UNIT, Interval, Program, around, lower, magnitude, thin

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

BATCH = 16
STEPS = 60
MOVE, BEND = sp.Symbol("#move", real=True), sp.Symbol("#bend", real=True)


def interval_branch_and_bound(game: StackelbergGame, *, tolerance: float = 1e-9, max_nodes: int = 4000) -> Optimum:
    """The price whose utility is within `tolerance`, relative, of a rigorous bound; else the gap stays larger."""
    enclosure = _Enclosure(game)
    best_price, best, most = game.bounds[0], -np.inf, 0.0
    leaves = [(-np.inf, game.bounds[0], game.bounds[1])]
    nodes, upper = 0, np.inf
    while nodes < max_nodes:
        chosen = [heapq.heappop(leaves) for _ in range(min(BATCH, len(leaves)))]
        a, b = np.array([[leaf[1] for leaf in chosen], [leaf[2] for leaf in chosen]])
        middle = 0.5 * (a + b)
        for low, high in ((a, middle), (middle, b)):
            bounds, centres, floors = enclosure.bound(low, high)
            nodes += len(bounds)
            for bound, x, y in zip(bounds, low, high, strict=True):
                heapq.heappush(leaves, (-float(bound), float(x), float(y)))
            most = max(most, float(np.max(np.abs(floors[np.isfinite(floors)]), initial=0.0)))
            top = int(np.argmax(floors))
            if floors[top] > best:
                best, best_price = float(floors[top]), float(centres[top])
        upper = max(-leaves[0][0], best)
        if upper - best <= tolerance * magnitude_of(best, most) or np.all(middle == a):
            break
    return Optimum(best_price, best, upper, magnitude_of(best, most), nodes)


@dataclass(frozen=True)
class _Followers:
    """Where the best responses lie while the price is in an interval, and how they move; arrays (nodes, n)."""

    decision: tuple[Array, Array]
    move: tuple[Array, Array]
    bend: tuple[Array, Array]
    sure: Mask


@dataclass(frozen=True)
class _Limits:
    """Where the followers' limits lie while the price is in an interval, and how they move; arrays (nodes, n)."""

    low: tuple[Array, Array]
    high: tuple[Array, Array]
    low_move: tuple[Array, Array]
    high_move: tuple[Array, Array]


class _Enclosure:
    """Bounds of the leader's utility over price intervals."""

    def __init__(self, game: StackelbergGame) -> None:
        self.game = game
        d = game.declaration
        self.price, self.decision = d.price.name, d.decision.name
        x, p, u, f = d.decision, d.price, d.follower_utility, d.leader_utility
        second = sp.diff(u, x, 2)
        turn = sp.diff(u, x, 3) * MOVE**2 + 2 * sp.diff(u, x, 2, p) * MOVE + sp.diff(u, x, p, 2)
        self._marginal = lower([sp.diff(u, x)])
        self._move = lower([-sp.diff(u, x, p) / second])
        self._bend = lower([-turn / second])
        self._value = lower([f])
        self._slope = lower([sp.diff(f, p) + sp.diff(f, x) * MOVE])
        curvature = sp.diff(f, p, 2) + 2 * sp.diff(f, p, x) * MOVE + sp.diff(f, x, 2) * MOVE**2
        total = curvature + sp.diff(f, x) * BEND
        self._curvature = None if total.has(sp.DiracDelta) else lower([total])
        self._limit_moves = [lower([sp.diff(root, p)]) for root in game.response.roots]

    def bound(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """Upper bounds over each [a, b], a price inside each, and a lower bound of the utility there."""
        whole, centre = self._box(a, b), 0.5 * (a + b)
        point = self._box(centre, centre)
        followers, at_centre = self._followers(whole), self._followers(point)
        natural = self._total(self._value, whole, followers)[1]
        slope = self._total(self._slope, whole, followers)
        floor, ceiling = self._total(self._value, point, at_centre)
        curved = np.all(followers.sure, axis=1)
        if self._curvature is not None and np.any(curved):
            curved &= self._total(self._curvature, whole, followers)[1] <= 0
            tangent = self._total(self._slope, point, at_centre)
            slope = np.where(curved, tangent[0], slope[0]), np.where(curved, tangent[1], slope[1])
        reach = np.maximum(slope[1] * (b - centre), slope[0] * (a - centre))
        first_order = ceiling + np.maximum(reach, 0.0) + 4 * UNIT * (np.abs(ceiling) + np.abs(reach))
        bounds = np.fmin(natural, first_order)
        return np.where(np.isnan(bounds), np.inf, bounds), centre, np.where(np.isnan(floor), -np.inf, floor)

    def _box(self, a: Array, b: Array) -> dict[str, Interval]:
        return {**thin(self.game.values), self.price: (a[:, None], b[:, None])}

    def _followers(self, box: dict[str, Interval]) -> _Followers:
        limits = self._limits(box)
        low, high = self._responses(box, limits)
        at_low, at_high = self._marginal_at(box, limits.low), self._marginal_at(box, limits.high)
        stays_low, stays_high = at_low[1] < 0, at_high[0] > 0
        inside = (at_low[0] > 0) & (at_high[1] < 0) | (low > limits.low[1]) & (high < limits.high[0])
        low = np.where(stays_low, limits.low[0], np.where(stays_high, limits.high[0], low))
        high = np.where(stays_low, limits.low[1], np.where(stays_high, limits.high[1], high))
        move = self._over(self._move, {**box, self.decision: (low, high)}, low.shape)
        bend = self._over(self._bend, {**box, self.decision: (low, high), MOVE.name: move}, low.shape)
        may_low, may_high = ~(inside | stays_high), ~(inside | stays_low)
        fixed = (stays_low | stays_high) & (not self.game.response.limits_move)
        return _Followers(
            (low, high),
            _hull(move, ~(stays_low | stays_high), (limits.low_move, may_low), (limits.high_move, may_high)),
            (np.where(fixed, 0.0, bend[0]), np.where(fixed, 0.0, bend[1])),
            fixed | inside,
        )

    def _limits(self, box: dict[str, Interval]) -> _Limits:
        a, b = (np.asarray(end) for end in box[self.price])
        if not self.game.response.limits_move:
            found, shape = self.game.limits(self.game.bounds[0]), (len(a), len(self.game.names))
            still = np.zeros(shape)
            doubt = self.game.response.limit_error(self.game.at(self.game.bounds[0]), found.low.shape)
            low, high = (
                tuple(np.broadcast_to(v, shape) for v in around(end, doubt)) for end in (found.low, found.high)
            )
            return _Limits((low[0], low[1]), (high[0], high[1]), (still, still), (still, still))
        return self._moving_limits(box, a, b)

    def _moving_limits(self, box: dict[str, Interval], a: Array, b: Array) -> _Limits:
        """The highest lower limit and the lowest upper one, each constraint's side decided for the whole box.

        A constraint whose side is not decided may be either.
        """
        shape, domain = (len(a), len(self.game.names)), self.game.response.domain
        still = np.zeros(shape)
        low, low_move = (np.full(shape, domain), np.full(shape, domain)), (still, still)
        high, high_move = (np.full(shape, np.inf), np.full(shape, np.inf)), (still, still)
        for limit, program in zip(self.game.response.limits_of, self._limit_moves, strict=True):
            root, move = self._over(limit.root, box, shape), self._over(program, box, shape)
            slope = self._over(limit.gradient, {**box, self.decision: root}, shape)
            linear = self.decision not in limit.gradient.inputs
            placed = linear | (root[0] >= domain)
            is_lower, is_upper = placed & (slope[1] < 0), placed & (slope[0] > 0)
            kinds = [self.game.response.kind(limit, self.game.at(p), shape) for p in (a, b)]
            absent = (root[1] < domain) & (kinds[0] == 0) & (kinds[1] == 0) & (not linear)
            torn = ~(is_lower | is_upper | absent)
            below = np.where(is_lower, root[0], -np.inf), np.where(is_lower | torn, root[1], -np.inf)
            above = np.where(is_upper | torn, root[0], np.inf), np.where(is_upper, root[1], np.inf)
            raised = np.maximum(low[0], below[0]), np.maximum(low[1], below[1])
            lowered = np.minimum(high[0], above[0]), np.minimum(high[1], above[1])
            low_move = _binding(low_move, low[1] < raised[0], move, (is_lower | torn) & (below[1] >= low[0]))
            high_move = _binding(high_move, high[0] > lowered[1], move, (is_upper | torn) & (above[0] <= high[1]))
            low, high = raised, lowered
        return _Limits(low, high, low_move, high_move)

    def _responses(self, box: dict[str, Interval], limits: _Limits) -> tuple[Array, Array]:
        """Decisions between which every best response lies: guessed at both prices, then proved by the sign of U'."""
        ends = [self.game.best_response(np.asarray(p)) for p in box[self.price]]
        near, far = np.minimum(*ends), np.maximum(*ends)
        step = 1e-15 * (np.abs(near) + np.abs(far)) + 1e-300
        near, far = np.minimum(near, limits.high[0]), np.maximum(far, limits.low[1])
        return self._proved(box, near, limits.low[0], -step), self._proved(box, far, limits.high[1], step)

    def _proved(self, box: dict[str, Interval], guess: Array, limit: Array, step: Array) -> Array:
        """Moves a guess outwards until U' points from it towards the best response, or the limit is reached."""
        rising = bool(np.all(step < 0))
        for _ in range(STEPS):
            guess = np.maximum(guess, limit) if rising else np.minimum(guess, limit)
            marginal = self._marginal_at(box, (guess, guess))
            known = (guess == limit) | (marginal[0] > 0 if rising else marginal[1] < 0)
            if np.all(known):
                return guess
            guess, step = np.where(known, guess, guess + step), 4 * step
        return np.where(known, guess, limit)

    def _marginal_at(self, box: dict[str, Interval], decision: tuple[Array, Array]) -> tuple[Array, Array]:
        return self._over(self._marginal, {**box, self.decision: decision}, decision[0].shape)

    @staticmethod
    def _over(program: Program, box: dict[str, Interval], shape: tuple[int, ...]) -> tuple[Array, Array]:
        low, high = program.enclose(box)[0]
        return np.broadcast_to(low, shape), np.broadcast_to(high, shape)

    def _total(self, program: Program, box: dict[str, Interval], followers: _Followers) -> tuple[Array, Array]:
        """The sum over followers of a program's range, per node, rounded outwards."""
        full = {**box, self.decision: followers.decision, MOVE.name: followers.move, BEND.name: followers.bend}
        terms = self._over(program, full, followers.sure.shape)
        room = followers.sure.shape[1] * UNIT * np.sum(magnitude(terms), axis=1)
        return np.sum(terms[0], axis=1) - room, np.sum(terms[1], axis=1) + room


def _hull(rate: tuple[Array, Array], may_move: Mask, *others: tuple[tuple[Array, Array], Mask]) -> tuple[Array, Array]:
    """The smallest interval that holds each of the rates that are possible."""
    low, high = np.where(may_move, rate[0], np.inf), np.where(may_move, rate[1], -np.inf)
    for other, possible in others:
        low = np.where(possible, np.minimum(low, other[0]), low)
        high = np.where(possible, np.maximum(high, other[1]), high)
    return low, high


def _binding(
    before: tuple[Array, Array], replaced: Mask, move: tuple[Array, Array], possible: Mask
) -> tuple[Array, Array]:
    """How the tightest limit moves, after one more constraint: its move if it must bind, the hull if it may."""
    low = np.where(replaced, np.inf, before[0])
    high = np.where(replaced, -np.inf, before[1])
    return np.where(possible, np.minimum(low, move[0]), before[0]), np.where(
        possible, np.maximum(high, move[1]), before[1]
    )
