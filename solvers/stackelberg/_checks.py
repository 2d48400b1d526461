"""What must be true of a game's data before anything is solved, and who cannot take part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import InvalidGame, Mask
from solvers.stackelberg._program import Value, lower
from solvers.stackelberg._response import SLACK, Limits

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

SHARES = (0.03, 0.25, 0.5, 0.75, 0.97)  # where in the feasible interval concavity is sampled
FAR = 1e3  # how far from its only limit, where there is no other


def validate(game: StackelbergGame) -> None:
    """Refuses bounds, names and symbols that make no game."""
    low, high = game.bounds
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InvalidGame(f"bounds must be two finite numbers low < high, got [{low}, {high}]")
    if len(game.names) != len(next(iter(game.table.values()))):
        raise InvalidGame(f"names must be one per follower, got {len(game.names)}")
    if len(set(game.names)) != len(game.names):
        raise InvalidGame("names must be unique")
    for symbol in game.form.parameters:
        if symbol.name not in game.values:
            raise InvalidGame(f"symbol {symbol.name!r} has no value: give it a parameter or a column")
    if not game.form.follower_utility.has(game.form.decision):
        raise InvalidGame(f"the follower's utility must depend on its decision {game.form.decision.name!r}")


def infeasible(game: StackelbergGame) -> dict[int, str]:
    """Why each follower that cannot meet its constraints cannot, by position."""
    reasons: dict[int, str] = {}
    for price in game.bounds if game.response.limits_move else game.bounds[:1]:
        limits = game.limits(price)
        for k in np.flatnonzero(limits.low > limits.high):
            reasons[int(k)] = _conflict(game, limits, int(k))
    return reasons


def _conflict(game: StackelbergGame, limits: Limits, k: int) -> str:
    name, low, high = game.response.decision, limits.low[k], limits.high[k]
    below, above = (game.constraint_name(int(i)) for i in (limits.low_name[k], limits.high_name[k]))
    if np.isinf(low) or np.isinf(high):
        return f"infeasible: no {name} meets {below if low == np.inf else above}"
    return f"infeasible: {below} needs {name} >= {low:.6g}, {above} needs {name} <= {high:.6g}"


def check_facts(game: StackelbergGame) -> None:
    """Refuses data for which what the derivation took for granted does not hold."""
    for fact in game.cases.facts:
        program = lower([fact.gts, fact.lts])
        for price in game.bounds:
            more, less = (np.asarray(v) for v in program.evaluate(game.at(price)))
            bad = ~(more - less >= -SLACK * (np.abs(more) + np.abs(less)))
            if np.any(bad):
                raise InvalidGame(f"the cases are derived for {fact}, which {whose(game, bad)}")


def check_concavity(game: StackelbergGame) -> None:
    """Refuses utilities whose second derivative is not negative at sampled decisions and prices."""
    second = lower([sp.diff(game.declaration.follower_utility, game.declaration.decision, 2)])
    for price in (game.bounds[0], 0.5 * sum(game.bounds), game.bounds[1]):
        limits = game.limits(price)
        high = np.where(np.isfinite(limits.high), limits.high, np.abs(limits.low) + FAR)
        low = np.where(np.isfinite(limits.low), limits.low, -np.abs(high) - FAR)
        for share in SHARES:
            point = low + share * (high - low)
            bend = second.evaluate(game.at(price, **{game.response.decision: point}))[0]
            bad = np.broadcast_to(~(np.asarray(bend) < 0) & (high > low), point.shape)
            if np.any(bad):
                raise InvalidGame(
                    f"the follower's utility must be strictly concave in {game.response.decision!r}, but its second "
                    f"derivative at price {price:.6g} {whose(game, bad, np.broadcast_to(bend, point.shape))}"
                )


def whose(game: StackelbergGame, bad: Mask, shown: Value | None = None) -> str:
    """Who the first offender is, and what is shown of it, as the end of a sentence."""
    where = np.flatnonzero(bad)
    who = f"for follower {game.names[where[0]]!r}" if np.ndim(bad) else "for all followers"
    return f"is not so {who}" if shown is None else f"is {np.ravel(shown)[where[0]]:.6g} {who}"
