"""The leader's marginal utility on both sides of a price, by implicit differentiation of the followers' optimum."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import Array
from solvers.stackelberg._declaration import Declaration
from solvers.stackelberg._program import Program, Value, lower

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

AT_THRESHOLD = 1e-12  # relative distance between a limit and the unconstrained optimum that counts as none


def one_sided(game: StackelbergGame, price: float) -> tuple[float, float]:
    """dF/dp just below and just above the price."""
    d = game.declaration
    decisions = game.best_response(price)
    env = game.at(price, **{d.decision.name: decisions})
    direct, through = (np.broadcast_to(v, decisions.shape) for v in _programs(d)[0].evaluate(env))
    below, above = _moves(game, price, decisions)
    return float(np.sum(direct + through * below)), float(np.sum(direct + through * above))


def _moves(game: StackelbergGame, price: float, decisions: Array) -> tuple[Array, Array]:
    """Each follower's d'(p) from the left and from the right.

    At a limit that is just reached, the decision follows whichever of the limit and the interior point is inside.
    """
    d, limits = game.declaration, game.limits(price)
    env = game.at(price, **{d.decision.name: decisions})
    push, bend, mixed = (np.broadcast_to(v, decisions.shape) for v in _programs(d)[1].evaluate(env))
    with np.errstate(all="ignore"):
        free, beyond = -mixed / bend, -push / bend
    room = AT_THRESHOLD * np.abs(decisions)
    touching = np.abs(beyond) <= room
    at_low, at_high = decisions - limits.low <= room, limits.high - decisions <= room
    low_move, high_move = _limit_moves(game, price, decisions.shape)
    limit = np.where(at_low, low_move, high_move)
    smaller, larger = np.minimum(free, limit), np.maximum(free, limit)
    left = np.where(at_low, smaller, larger)
    right = np.where(at_low, larger, smaller)
    stuck = (at_low | at_high) & ~touching | (limits.low == limits.high)
    inside = ~(at_low | at_high)
    return (
        np.where(inside, free, np.where(stuck, limit, left)),
        np.where(inside, free, np.where(stuck, limit, right)),
    )


@lru_cache(maxsize=64)
def _programs(d: Declaration) -> tuple[Program, Program]:
    """The leader's partial derivatives (price, decision), and the follower's U', U'' and dU'/dp."""
    p, x, u = d.price, d.decision, d.follower_utility
    leader = [sp.diff(d.leader_utility, p), sp.diff(d.leader_utility, x)]
    return lower(leader), lower([sp.diff(u, x), sp.diff(u, x, 2), sp.diff(u, x, p)])


def _limit_moves(game: StackelbergGame, price: float, shape: tuple[int, ...]) -> tuple[Value, Value]:
    """How the binding lower and upper limits move with the price; zero for limits that do not know it."""
    if not game.response.limits_move:
        return np.zeros(shape), np.zeros(shape)
    limits = game.limits(price)
    moves = [lower([sp.diff(root, game.declaration.price)]) for root in game.response.roots]
    rates = np.array([np.broadcast_to(m.evaluate(game.at(price))[0], shape) for m in moves] + [np.zeros(shape)])
    columns = np.arange(shape[-1])
    return rates[limits.low_name, columns], rates[limits.high_name, columns]
