"""How far a profile is from a Stackelberg equilibrium, measured from the declared payoffs and constraints alone.

Nothing here knows a case table, a threshold or a closed form: feasible intervals are found by bracketing the declared
constraints and best responses by numeric maximisation of the declared utility.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from solvers.core import Array, Positions
from solvers.stackelberg._brackets import sign_change
from solvers.stackelberg._declaration import Declaration
from solvers.stackelberg._program import Program, Value, lower, picked

if TYPE_CHECKING:
    from solvers.stackelberg._game import Profile, StackelbergGame

FEASIBLE = 4e-15  # relative violation of a constraint that rounding alone can cause
FIRST, SMALL = 1e-30, 2.0**-40  # first step from 0, and relative to any other decision
GROWTH, GROWTHS = 256.0, 40
GRID = 17  # decisions tried per follower besides the numeric maximiser
PRICES = 513  # prices the leader tries at first
ZOOM, ZOOMS, PEAKS = 17, 6, 4  # finer grids around the best prices found
SAMPLE = 1 << 12  # followers among whom the best prices are looked for, if there are more
COARSE = 5  # prices at which all of very many followers are asked, besides those found
CHUNK = 1 << 14  # followers looked at together, so that what is computed of them stays in the cache
BATCH = 1 << 16  # best responses computed at a time


def infeasibility(game: StackelbergGame, profile: Profile) -> float:
    """The worst relative violation |left - right| / (|left| + |right|) of any constraint or price bound."""
    low, high = game.bounds
    outside = np.max([0.0, low - profile.price, profile.price - high]) / (abs(low) + abs(high))
    if not _fits(game, profile):
        return float("inf")
    inside = profile.decisions[~np.isnan(profile.decisions)]
    worst = [np.max(part.violation(profile.price, inside[part.where])) for part in _parts(game.among(profile))]
    return float(np.max([outside, *worst]))


def regrets(game: StackelbergGame, profile: Profile) -> Array:
    """The leader's regret and each follower's, (1 + n,); infinite for a profile that does not fit the game."""
    result = np.zeros(1 + len(game.names))
    if not _fits(game, profile):
        return result + np.inf
    with np.errstate(all="ignore"):  # a profile to be judged may hold anything
        return _measured(game, profile, result)


def _measured(game: StackelbergGame, profile: Profile, result: Array) -> Array:
    among, takes_part = game.among(profile), ~np.isnan(profile.decisions)
    decisions = profile.decisions[takes_part]
    parts = _parts(among)
    best = np.concatenate([part.best_payoff(profile.price, decisions[part.where]) for part in parts])
    if game.participation:
        best = np.fmax(best, 0.0)  # leaving is worth nothing
    result[1:][takes_part] = best - among.follower_utilities(profile.price, decisions)
    result[1:][~takes_part] = _outside_regrets(game, profile)[~takes_part]
    result[0] = _best_price_payoff(among, parts, decisions) - among.leader_utility(profile.price, decisions)
    return np.where(result > 0, result, np.where(np.isnan(result), np.nan, 0.0))


def _outside_regrets(game: StackelbergGame, profile: Profile) -> Array:
    """What those who stay out would gain by joining alone, (n,)."""
    gains = np.full(len(game.names), np.inf)
    for positions, joined, places in game.joined(profile) if game.participation else ():
        start = joined.best_response(profile.price)  # only a feasible point to search from
        payoffs = [part.best_payoff(profile.price, start[part.where]) for part in _parts(joined)]
        gains[positions] = np.concatenate(payoffs)[places]
    return gains


def _fits(game: StackelbergGame, profile: Profile) -> bool:
    return np.shape(profile.decisions) == (len(game.names),) and not bool(np.all(np.isnan(profile.decisions)))


def _best_price_payoff(game: StackelbergGame, parts: list[_Deviations], start: Array) -> float:
    """The most the leader gets at any tried price.

    Of more than `SAMPLE` followers, a random sample finds the prices, and all of them are asked about those and about a
    coarse grid.
    """
    n = len(start)
    if n <= SAMPLE:
        return _search(game.bounds, parts, start)[0]
    chosen = np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False))
    some = [_Deviations(game, chosen[k : k + CHUNK]) for k in range(0, SAMPLE, CHUNK)]
    _, promising = _search(game.bounds, some, start)
    prices = np.unique([*promising, *np.linspace(*game.bounds, COARSE)])
    payoffs = _payoffs(parts, prices, start)
    k = int(np.argmax(payoffs))
    finer = np.linspace(prices[max(k - 1, 0)], prices[min(k + 1, len(prices) - 1)], COARSE)
    return float(np.max([np.max(payoffs), np.max(_payoffs(parts, finer, start))]))


def _search(bounds: tuple[float, float], parts: list[_Deviations], start: Array) -> tuple[float, list[float]]:
    """The best payoff on a grid of prices and on finer ones around its best points, and the best price near each."""
    prices = np.linspace(*bounds, PRICES)
    payoffs = _payoffs(parts, prices, start)
    inner = np.concatenate([[True], payoffs[1:] >= payoffs[:-1]]) & np.concatenate(
        [payoffs[:-1] >= payoffs[1:], [True]]
    )
    peaks = np.flatnonzero(inner)
    best, highest = float(np.max(payoffs)), peaks[np.argsort(payoffs[peaks])[::-1][:PEAKS]]
    brackets = [(prices[max(k - 1, 0)], prices[min(k + 1, PRICES - 1)]) for k in highest]
    for _ in range(ZOOMS if brackets else 0):
        finer = np.stack([np.linspace(*bracket, ZOOM) for bracket in brackets])
        at = _payoffs(parts, finer.ravel(), start).reshape(finer.shape)
        tops = np.argmax(at, axis=1)
        best = float(np.max([best, *(row[top] for row, top in zip(at, tops, strict=True))]))
        brackets = [(row[max(top - 1, 0)], row[min(top + 1, ZOOM - 1)]) for row, top in zip(finer, tops, strict=True)]
    return best, [0.5 * float(a + b) for a, b in brackets]


def _payoffs(parts: list[_Deviations], prices: Array, start: Array) -> Array:
    """The leader's utility at each of the prices (m,), followers maximising numerically."""
    total = np.zeros(len(prices))
    for part in parts:
        at_once = max(1, BATCH // part.size)
        for k in range(0, len(prices), at_once):
            total[k : k + at_once] += part.payoff(prices[k : k + at_once, None], start[part.where])
    return total


def _parts(game: StackelbergGame) -> list[_Deviations]:
    n = len(game.names)
    return [_Deviations(game, slice(start, min(start + CHUNK, n))) for start in range(0, n, CHUNK)]


@lru_cache(maxsize=64)
def _programs(form: Declaration) -> tuple[Program, Program, Program, bool]:
    """Both sides of the declared constraints, the utilities, and whether a constraint has the price."""
    constraints = lower(side for c in form.constraints for side in (c.left, c.right))
    moving = any(form.price in c.gap.free_symbols for c in form.constraints)
    return constraints, lower([form.follower_utility]), lower([form.leader_utility]), moving


class _Deviations:
    """What some of the followers could get instead, and what the leader would then get from them."""

    def __init__(self, game: StackelbergGame, where: slice | Positions) -> None:
        self.where = where
        self.size = where.stop - where.start if isinstance(where, slice) else len(where)
        self._response, self._form, self._bounds = game.response, game.form, game.bounds
        self._env = picked(game.values, where)
        self._constraints, self._utility, self._leader, self._moving = _programs(game.form)
        self._fixed: tuple[Array, Array] | None = None

    def _at(self, price: float | Array, decisions: Array) -> dict[str, Value]:
        return {**self._env, self._form.price.name: price, self._form.decision.name: decisions}

    def violation(self, price: float | Array, decisions: Array) -> Array:
        """The worst relative violation of any constraint, per follower."""
        return np.maximum(self.excess(price, decisions), 0.0)

    def excess(self, price: float | Array, decisions: Array) -> Array:
        """The largest (left - right) / (|left| + |right|) of any constraint, per follower."""
        env = self._at(price, decisions)
        worst = np.full(decisions.shape, -1.0)
        sides = iter(self._constraints.evaluate(env))
        with np.errstate(all="ignore"):
            for left, right in zip(sides, sides, strict=True):
                gap = np.subtract(left, right)
                relative = np.where(gap == 0, 0.0, gap / (np.abs(left) + np.abs(right)))
                worst = np.maximum(worst, relative)
        return worst

    def best_payoff(self, price: float, start: Array) -> Array:
        """Each follower's best payoff: at the numeric maximiser, and on a grid that needs no concavity."""
        low, high = self._interval(price, start)
        best = self._payoff_at(price, self._maximiser(price, low, high))
        shares, at_once = np.linspace(0.0, 1.0, GRID)[:, None], max(1, BATCH // self.size)
        for k in range(0, GRID if np.all(np.isfinite(high - low)) else 0, at_once):
            tried = self._payoff_at(price, low + shares[k : k + at_once] * (high - low))
            best = np.fmax(best, np.fmax.reduce(tried, axis=0))
        return best

    def _payoff_at(self, price: float, decisions: Array) -> Array:
        return np.broadcast_to(self._utility.evaluate(self._at(price, decisions))[0], decisions.shape)

    def payoff(self, prices: Array, start: Array) -> Array:
        """What the leader gets from these followers at each of the prices (m, 1)."""
        best = self._maximiser(prices, *self._interval(prices, start))
        return np.asarray(np.sum(np.broadcast_to(self._leader.evaluate(self._at(prices, best))[0], best.shape), axis=1))

    def _maximiser(self, price: float | Array, low: Array, high: Array) -> Array:
        return self._response.numeric({**self._env, self._form.price.name: price}, low, high)

    def _interval(self, price: float | Array, start: Array) -> tuple[Array, Array]:
        """The ends of the feasible interval around `start`, by growing steps and then bracketing."""
        if self._moving:
            start = self._feasible(price, start.shape)
            return self._edges(price, start)
        if self._fixed is None:
            self._fixed = self._edges(self._bounds[0], start)
        return self._fixed

    def _feasible(self, price: float | Array, shape: tuple[int, ...]) -> Array:
        """Some feasible decision to search from, where the interval moves with the price."""
        env = {**self._env, self._form.price.name: price}
        shape = np.broadcast_shapes(np.shape(price), shape)
        return np.array(np.broadcast_to(self._response.best(env, self._response.limits(env, shape)), shape))

    def _edges(self, price: float | Array, start: Array) -> tuple[Array, Array]:
        """The lower and the upper end, looked for together."""
        sign = np.array([-1.0, 1.0]).reshape(2, *(1 for _ in start.shape))
        inside, step = np.stack([start, start]), sign * np.where(start == 0, FIRST, SMALL * np.abs(start))
        outside = np.broadcast_to(sign * np.inf, inside.shape)
        for _ in range(GROWTHS):
            trial = inside + step
            going = np.isinf(outside)
            feasible = self.excess(price, trial) <= FEASIBLE
            outside = np.where(going & ~feasible, trial, outside)
            inside = np.where(going & feasible, trial, inside)
            if not np.any(going & feasible):
                break
            step = GROWTH * step
        bounded = np.isfinite(outside)
        beyond = np.where(bounded, outside, inside)
        edge = sign_change(lambda trial: self.excess(price, trial), inside, beyond, small=FEASIBLE)
        low, high = np.where(bounded, edge, sign * np.inf)
        return low, high
