"""The KKT cases of a follower's problem in symbols: every active set, its point, its multipliers, its conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sympy as sp

from solvers.core import InvalidGame
from solvers.stackelberg._active_sets import ScalarDerivation, VectorDerivation
from solvers.stackelberg._cases import Case, CaseTable
from solvers.stackelberg._declaration import Declaration
from solvers.stackelberg._signs import Relation, distinct

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

__all__ = ["Case", "CaseTable", "derive"]

MOST_CONSTRAINTS = 12
MOST_DECISIONS = 3


def derive(game: Declaration | StackelbergGame, *, facts: tuple[Relation, ...] = ()) -> CaseTable:
    """The follower's case table, from a declaration or from a game that has one.

    The facts of the table are `facts`, those the game read off its data, and those without which nothing is
    feasible: limits lie where the decision may be, and no lower limit exceeds an upper one. A float is taken
    for the decimal that it is written as: 0.01 is 1/100.

    Raises
    ------
    InvalidGame
        If the utility is decidably not strictly concave, a constraint does not limit the decision from one side,
        the problem is decidably infeasible or unbounded, or there are too many constraints or decisions.

    References
    ----------
    Boyd and Vandenberghe, Convex Optimization, section 5.5.3. Baccour et al., IEEE IoT Journal 11(12), 2024,
    (26)-(38), with their signs corrected.

    Examples
    --------
    >>> import sympy as sp
    >>> from solvers.stackelberg import Constraint, Declaration, derive
    >>> d, p, w, cap = sp.symbols("d p w cap", positive=True)
    >>> game = Declaration(p, (d,), p * d, w * sp.log(d) - p * d, (Constraint("cap", d, cap),))
    >>> for case in derive(game).cases:
    ...     print(case.name, case.decision, case.thresholds)
    interior (w/p,) (p >= w/cap,)
    cap (cap,) (p <= w/cap,)
    """
    declaration = _exact(game if isinstance(game, Declaration) else game.declaration)
    given = map(_rational, (*(() if isinstance(game, Declaration) else game.facts), *facts))
    _check(declaration)
    known = tuple(distinct(fact for fact in given if fact != sp.true))
    if sp.false in known:
        raise InvalidGame("facts must be possible together with the signs of the symbols, got one that is false")
    derivation = ScalarDerivation if len(declaration.decisions) == 1 else VectorDerivation
    return derivation(declaration, known).table()


def _check(declaration: Declaration) -> None:
    names = [c.name for c in declaration.constraints]
    if len(names) > MOST_CONSTRAINTS:
        raise InvalidGame(f"constraints must number at most {MOST_CONSTRAINTS}, got {len(names)}")
    if len(set(names)) < len(names):
        raise InvalidGame(f"constraints must have distinct names, got {names}")
    if not 1 <= len(declaration.decisions) <= MOST_DECISIONS:
        raise InvalidGame(f"decisions must number 1 to {MOST_DECISIONS}, got {len(declaration.decisions)}")
    for d in declaration.decisions:
        if any(atom.has(d) for atom in declaration.follower_utility.atoms(sp.Min, sp.Max, sp.Abs, sp.Piecewise)):
            raise InvalidGame(f"follower utility must be smooth in {d}, got {declaration.follower_utility}")


def _exact(declaration: Declaration) -> Declaration:
    """The declaration with fractions for floats, which SymPy cannot factor."""
    sides = [(c, _rational(c.left), _rational(c.right)) for c in declaration.constraints]
    return replace(
        declaration,
        leader_utility=_rational(declaration.leader_utility),
        follower_utility=_rational(declaration.follower_utility),
        constraints=tuple(replace(c, left=left, right=right) for c, left, right in sides),
    )


def _rational(expr: sp.Basic) -> sp.Basic:
    symbolic = sp.sympify(expr, strict=True)
    return symbolic.xreplace({number: _fraction(number) for number in symbolic.atoms(sp.Float)})


def _fraction(number: sp.Float) -> sp.Rational:
    """The shortest decimal that gives the float; of one that is no double, the value itself."""
    double = float(number)
    return sp.Rational(repr(double)) if number == double else sp.Rational(number)
