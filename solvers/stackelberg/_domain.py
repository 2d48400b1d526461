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
        for what, argument, strict in demands:
            low = np.broadcast_to(argument.enclose(thin(env))[0][0], decisions.shape)
            plain = np.broadcast_to(argument.evaluate(env)[0], decisions.shape)
            bad = np.flatnonzero(~(low > 0) if strict else ~(plain >= 0))
            if len(bad):
                k = int(bad[0])
                near = 0.0 if strict and low[k] <= 0 <= plain[k] else plain[k]
                where = f"follower {game.names[k]!r} at price {price:.6g}{game.binding(float(price), k)}"
                return f"{what}, got {near:.3g} for {where}"
    return ""


def _demands(whose: str, utility: sp.Expr) -> Iterator[tuple[str, Program, bool]]:
    """What must be positive (strict) or nonnegative: arguments of logarithms, bases of roots, squared denominators."""
    for atom in sorted(utility.atoms(sp.log), key=str):
        yield f"{whose}: {atom} needs a positive argument", lower([atom.args[0]]), True
    for power in sorted(utility.atoms(sp.Pow), key=str):
        if power.exp.is_integer is False:
            yield (
                f"{whose}: {power} needs a base that is not negative",
                lower([power.base]),
                bool(power.exp.is_negative),
            )
        elif power.exp.is_negative:
            yield f"{whose}: {power} needs a denominator other than zero", lower([power.base**2]), True
