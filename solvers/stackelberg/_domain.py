"""Whether the declared utilities are defined where the players go; logarithms of zero are named, not computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import InvalidGame
from solvers.stackelberg._program import lower

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

PRICES, PRICES_FOR_MANY, MANY = 33, 3, 10_000


def check_domain(game: StackelbergGame) -> None:
    """Raises where a logarithm, root or quotient of a utility is undefined at a best response.

    Arguments are enclosed with outward rounding, so that a zero is not mistaken for 1e-16.

    Raises
    ------
    InvalidGame
        Naming the expression, the follower, the price and the constraint that binds there.
    """
    count = PRICES if len(game.names) < MANY else PRICES_FOR_MANY
    d = game.declaration
    for whose, utility in (("leader", d.leader_utility), ("follower", d.follower_utility)):
        for argument, shown, strict in _demands(utility):
            for price in np.linspace(*game.bounds, count):
                _check(game, f"{whose} utility: {shown}", argument, strict, float(price))


def _demands(utility: sp.Expr) -> Iterator[tuple[sp.Expr, str, bool]]:
    """What must be positive (strict) or nonnegative: arguments of logarithms, bases of roots, squared denominators."""
    for atom in sorted(utility.atoms(sp.log), key=str):
        yield atom.args[0], f"{atom} needs a positive argument", True
    for power in sorted(utility.atoms(sp.Pow), key=str):
        if power.exp.is_integer is False:
            yield power.base, f"{power} needs a base that is not negative", bool(power.exp.is_negative)
        elif power.exp.is_negative:
            yield power.base**2, f"{power} needs a denominator other than zero", True


def _check(game: StackelbergGame, what: str, argument: sp.Expr, strict: bool, price: float) -> None:
    decisions = game.best_response(price)
    env = game.at(price, **{game.response.decision: decisions})
    low = lower([argument]).enclose({name: (value, value) for name, value in env.items()})[0][0]
    low = np.broadcast_to(low, decisions.shape)
    plain = np.broadcast_to(lower([argument]).evaluate(env)[0], decisions.shape)
    bad = np.flatnonzero(~(low > 0) if strict else ~(plain >= 0))
    if len(bad):
        k = int(bad[0])
        near = 0.0 if strict and low[k] <= 0 <= plain[k] else plain[k]
        raise InvalidGame(
            f"{what}, got {near:.3g} for follower {game.names[k]!r} at price {price:.6g}{game.binding(price, k)}"
        )
