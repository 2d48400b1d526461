"""Which signs of symbols a declaration is derived with, and the declaration with them; once per declaration."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from solvers.stackelberg._declaration import Constraint, Declaration
from solvers.stackelberg._program import Program, lower
from solvers.stackelberg._values import differences

SIGNS = {name: {name: True} for name in ("positive", "negative", "nonnegative", "real")}


@lru_cache(maxsize=64)
def with_sign(form: Declaration) -> tuple[sp.Symbol, ...]:
    """The parameters whose signs can matter: of U', of the constraints, and inside functions, roots and powers.

    The others only multiply and add: no case depends on their signs, and games that differ in them share all formulas.
    """
    slope = sp.diff(form.follower_utility, form.decision)
    sides = [side for c in form.constraints for side in (c.left, c.right)]
    utilities = sp.Tuple(form.leader_utility, form.follower_utility)
    rewritten = utilities.atoms(sp.Function, sp.Min, sp.Max) | {
        power for power in utilities.atoms(sp.Pow) if not power.exp.is_Integer
    }
    symbols = sp.Tuple(slope, *sides, *rewritten).free_symbols
    return tuple(symbol for symbol in form.parameters if symbol in symbols)


@lru_cache(maxsize=64)
def with_signs(form: Declaration, signs: tuple[tuple[sp.Symbol, str], ...]) -> Declaration:
    """The declaration with these symbols signed; the price and the decision come first."""
    known = {symbol: sp.Symbol(symbol.name, **SIGNS[sign]) for symbol, sign in signs}
    return Declaration(
        known[form.price],
        (known[form.decision],),
        form.leader_utility.xreplace(known),
        form.follower_utility.xreplace(known),
        tuple(Constraint(c.name, c.left.xreplace(known), c.right.xreplace(known)) for c in form.constraints),
    )


@lru_cache(maxsize=64)
def compared(declaration: Declaration) -> tuple[tuple[sp.Symbol, sp.Symbol], ...]:
    """The pairs of parameters that stand in a difference, about which facts are read off the data."""
    d = declaration
    expressions = [d.follower_utility, d.leader_utility, *(c.gap for c in d.constraints)]
    return differences(expressions, {symbol.name for symbol in d.parameters})


@lru_cache(maxsize=64)
def linear_limits(form: Declaration) -> tuple[Program, ...]:
    """For each constraint that is linear in the decision, without the price: its bound, and how it grows."""
    decision, programs = form.decision, []
    for constraint in form.constraints:
        slope = sp.diff(constraint.gap, decision)
        if form.price not in constraint.gap.free_symbols and not slope.has(decision):
            bound = -constraint.gap.xreplace({decision: sp.Integer(0)}) / slope
            programs.append(lower([bound, slope]))
    return tuple(programs)
