"""Whether the declared utilities are defined where the players go; logarithms of zero are named, not computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.stackelberg._program import Program, lower, thin

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

PRICES, PRICES_FOR_MANY, MANY = 33, 3, 10_000
POSITIVE, NONNEGATIVE = "a positive argument", "a base that is not negative"
NONZERO = "a denominator other than zero"


def undefined(game: StackelbergGame) -> str:
    """Where a logarithm, root or quotient of a utility is undefined at a best response; empty if nowhere tried.

    It names the expression, the follower, the price and the constraint that binds there. Arguments are enclosed with
    outward rounding, so that a zero is not mistaken for 1e-16.
    """
    d = game.declaration
    demands = [*_demands("leader utility", d.leader_utility), *_demands("follower utility", d.follower_utility)]
    for price in np.linspace(*game.bounds, PRICES if len(game.names) < MANY else PRICES_FOR_MANY):
        decisions = game.best_response(float(price))
        env = game.at(float(price), **{game.response.decision: decisions})
        for what, argument, rule in demands:
            low, high = (np.broadcast_to(end, decisions.shape) for end in argument.enclose(thin(env))[0])
            plain = np.broadcast_to(argument.evaluate(env)[0], decisions.shape)
            met = {POSITIVE: low > 0, NONNEGATIVE: plain >= 0, NONZERO: (low > 0) | (high < 0)}[rule]
            if not np.all(met):
                k = int(np.flatnonzero(~met)[0])
                near = 0.0 if low[k] <= 0 <= high[k] else plain[k]
                where = f"follower {game.names[k]!r} at price {price:.6g}{game.binding(float(price), k)}"
                return f"{what} needs {rule}, got {near:.3g} for {where}"
    return ""


def _demands(whose: str, utility: sp.Expr) -> Iterator[tuple[str, Program, str]]:
    """What arguments of logarithms, bases of roots and denominators must be."""
    for atom in sorted(utility.atoms(sp.log), key=str):
        yield f"{whose}: {atom}", lower([atom.args[0]]), POSITIVE
    for power in sorted(utility.atoms(sp.Pow), key=str):
        if power.exp.is_integer is False:
            yield f"{whose}: {power}", lower([power.base]), POSITIVE if power.exp.is_negative else NONNEGATIVE
        elif power.exp.is_negative:
            yield f"{whose}: {power}", lower([power.base]), NONZERO
