"""Whether the declared utilities are defined where the players go; logarithms of zero are named, not computed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.stackelberg._program import Environment, Program, lower, thin
from solvers.stackelberg._response import Response

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

PRICES, PRICES_FOR_MANY, MANY = 33, 3, 10_000
BATCH = 1 << 15  # best responses looked at together
POSITIVE, NONNEGATIVE = "a positive argument", "a base that is not negative"
NONZERO = "a denominator other than zero"


def undefined(game: StackelbergGame) -> str:
    """Where a logarithm, root or quotient of a utility is undefined at a best response; empty if nowhere tried.

    It names the expression, the follower, the price and the constraint that binds there. Arguments are enclosed with
    outward rounding, so that a zero is not mistaken for 1e-16.
    """
    demands = _demands_of(game.response)
    prices = np.linspace(*game.bounds, PRICES if len(game.names) < MANY else PRICES_FOR_MANY)
    at_once = max(1, BATCH // len(game.names))
    for start in range(0, len(prices) if demands else 0, at_once):
        some = prices[start : start + at_once, None]
        decisions = game.best_response(some)
        env = game.at(some, **{game.response.decision: decisions})
        found = [_unmet(program, rule, env, decisions.shape) for _, program, rule in demands]
        if any(bad is not None for bad in found):
            row = min(int(bad[0][0]) for bad in found if bad is not None)
            return next(
                _told(game, float(some[row, 0]), what, rule, bad)
                for (what, _, rule), bad in zip(demands, found, strict=True)
                if bad is not None and bad[0][0] == row
            )
    return ""


@lru_cache(maxsize=64)
def _demands_of(response: Response) -> tuple[tuple[str, Program, str], ...]:
    d = response.declaration
    return (*_demands("leader utility", d.leader_utility), *_demands("follower utility", d.follower_utility))


def _unmet(
    program: Program, rule: str, env: Environment, shape: tuple[int, ...]
) -> tuple[tuple[int, int], float] | None:
    """The first (price, follower) at which an argument breaks its rule, and its value there."""
    low, high = program.enclose(thin({name: env[name] for name in program.inputs}))[0]
    if rule == NONNEGATIVE:
        met = np.greater_equal(program.evaluate(env)[0], 0)
    else:
        met = np.greater(low, 0) if rule == POSITIVE else np.greater(low, 0) | np.less(high, 0)
    if met.all():
        return None
    near, low, high, met = (np.broadcast_to(v, shape) for v in (program.evaluate(env)[0], low, high, met))
    j, k = (int(i) for i in np.argwhere(~met)[0])
    return (j, k), 0.0 if low[j, k] <= 0 <= high[j, k] else float(near[j, k])


def _told(game: StackelbergGame, price: float, what: str, rule: str, bad: tuple[tuple[int, int], float]) -> str:
    (_, k), near = bad
    where = f"follower {game.names[k]!r} at price {price:.6g}{game.binding(price, k)}"
    return f"{what} needs {rule}, got {near:.3g} for {where}"


def _demands(whose: str, utility: sp.Expr) -> Iterator[tuple[str, Program, str]]:
    """What arguments of logarithms, bases of roots and denominators must be."""
    for atom in sorted(utility.atoms(sp.log), key=str):
        yield f"{whose}: {atom}", lower([atom.args[0]]), POSITIVE
    for power in sorted(utility.atoms(sp.Pow), key=str):
        if power.exp.is_integer is False:
            yield f"{whose}: {power}", lower([power.base]), POSITIVE if power.exp.is_negative else NONNEGATIVE
        elif power.exp.is_negative:
            yield f"{whose}: {power}", lower([power.base]), NONZERO
