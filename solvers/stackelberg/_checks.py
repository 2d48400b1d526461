"""What must be true of a game's data before anything is solved, and who cannot take part."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame, Mask, Positions
from solvers.stackelberg._program import Program, lower, picked, thin
from solvers.stackelberg._response import SLACK, Limits, Response

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

PRICES = 33  # at which it is checked that limits which move leave room
HALVINGS, CELLS = 40, 1 << 16  # of feasible intervals, to show that a utility is concave there
SAMPLES = 16  # decisions at which it is sampled, per part of an interval for which that is not shown
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
    for price in np.linspace(*game.bounds, PRICES) if game.response.limits_move else game.bounds[:1]:
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
    """Refuses data for which what the derivation took for granted, and was not read off them, does not hold."""
    for fact in game.cases.facts:
        if fact in game.facts:
            continue
        program = _sides(fact)
        moves = game.response.price in program.inputs
        for price in np.linspace(*game.bounds, PRICES) if moves else game.bounds[:1]:
            more, less = (np.asarray(v) for v in program.evaluate(game.at(price)))
            bad = ~(more - less >= -SLACK * (np.abs(more) + np.abs(less)))
            if np.any(bad):
                raise InvalidGame(f"the cases are derived for {fact}, which {whose(game, bad)}")


def check_concavity(game: StackelbergGame) -> None:
    """Refuses utilities that are not strictly concave in the decision, at some feasible decision and price.

    The second derivative is enclosed over each feasible interval, all prices at once, and where its sign stays open
    over ever smaller parts of it; what is open in the end is sampled.
    """
    second = _bend(game.response)
    if second is None:
        return
    low, high = _reach(game)
    chosen = np.flatnonzero(high > low)
    cells = low[chosen], high[chosen]
    for _ in range(HALVINGS):
        below, above = _enclosed(game, second, chosen, cells)
        _refuse(game, chosen, below >= 0, below)
        open_ = ~(above < 0)
        if not np.any(open_) or 2 * np.sum(open_) > max(CELLS, len(low)):
            break
        chosen = np.tile(chosen[open_], 2)
        (a, b), middle = (end[open_] for end in cells), 0.5 * (cells[0] + cells[1])[open_]
        cells = np.concatenate([a, middle]), np.concatenate([middle, b])
    else:
        open_ = np.ones(len(chosen), dtype=bool)
    if np.any(open_):
        _sample(game, second, chosen[open_], cells[0][open_], cells[1][open_])


@lru_cache(maxsize=512)
def _sides(fact: sp.Rel) -> Program:
    return lower([fact.gts, fact.lts])


@lru_cache(maxsize=64)
def _bend(response: Response) -> Program | None:
    """The second derivative in the decision; None where the signs of the symbols show it to be negative."""
    d = response.declaration
    bend = sp.diff(d.follower_utility, d.decision, 2)
    return None if bend.is_negative else lower([bend])


def _reach(game: StackelbergGame) -> tuple[Array, Array]:
    """Every decision that is feasible at some price, as far as `FAR` where there is no limit."""
    prices = np.linspace(*game.bounds, PRICES) if game.response.limits_move else game.bounds[:1]
    limits = [game.limits(price) for price in prices]
    low, high = np.minimum.reduce([r.low for r in limits]), np.maximum.reduce([r.high for r in limits])
    high = np.where(np.isfinite(high), high, np.where(np.isfinite(low), np.abs(low), 0.0) + FAR)
    return np.where(np.isfinite(low), low, -np.abs(high) - FAR), high


def _enclosed(
    game: StackelbergGame, second: Program, chosen: Positions, cell: tuple[Array, Array]
) -> tuple[Array, Array]:
    box = thin(picked(game.values, chosen)) | {game.response.decision: cell, game.response.price: game.bounds}
    below, above = second.enclose(box)[0]
    return np.broadcast_to(below, chosen.shape), np.broadcast_to(above, chosen.shape)


def _sample(game: StackelbergGame, second: Program, chosen: Positions, low: Array, high: Array) -> None:
    env = picked(game.values, chosen)
    for price in (game.bounds[0], 0.5 * sum(game.bounds), game.bounds[1]):
        for share in (np.arange(SAMPLES) + 0.5) / SAMPLES:
            at = {game.response.price: price, game.response.decision: low + share * (high - low)}
            bend = np.broadcast_to(second.evaluate({**env, **at})[0], chosen.shape)
            _refuse(game, chosen, ~(bend < 0) & (high > low), bend)


def _refuse(game: StackelbergGame, chosen: Positions, bad: Mask, bend: Array) -> None:
    if np.any(bad):
        k = int(np.flatnonzero(bad)[0])
        raise InvalidGame(
            f"the follower's utility must be strictly concave in {game.response.decision!r}, but its second derivative "
            f"reaches {bend[k]:.6g} for follower {game.names[int(chosen[k])]!r}"
        )


def whose(game: StackelbergGame, bad: Mask) -> str:
    """Who the first offender is, as the end of a sentence."""
    return f"is not so for follower {game.names[int(np.flatnonzero(bad)[0])]!r}" if np.ndim(bad) else "is not so"
