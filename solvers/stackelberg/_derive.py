"""The KKT cases of a follower's problem in symbols: every active set, its point, its multipliers, its conditions."""

from __future__ import annotations

from collections.abc import Mapping
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

MOST_CONSTRAINTS = 12
MOST_DECISIONS = 3
LONG = 10**9  # numerators and denominators from which a number is derived with as a symbol


def derive(game: Declaration | StackelbergGame, *, facts: tuple[Relation, ...] = ()) -> CaseTable:
    """The follower's case table, from a declaration or from a game that has one.

    The facts of the table are `facts`, those the game read off its data, and those without which nothing is
    feasible: limits lie where the decision may be, and no lower limit exceeds an upper one. A float is taken
    for the decimal that it is written as: 0.01 is 1/100.

    Raises
    ------
    InvalidGame
        If the utility is decidably not strictly concave, a constraint does not limit the decision from one side,
        the problem is decidably infeasible or unbounded, there are too many constraints or decisions, or a float is
        not a double.

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
    given = map(rational, (*(() if isinstance(game, Declaration) else game.facts), *facts))
    _check(declaration)
    known = tuple(distinct(fact for fact in given if fact != sp.true))
    if sp.false in known:
        raise InvalidGame("facts must be possible together with the signs of the symbols, got one that is false")
    hidden = _long_numbers(declaration, known)
    derivation = ScalarDerivation if len(declaration.decisions) == 1 else VectorDerivation
    table = derivation(_rewritten(declaration, hidden), tuple(_in(fact, hidden) for fact in known)).table()
    return _shown(table, declaration, {symbol: number for number, symbol in hidden.items()})


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


def _long_numbers(declaration: Declaration, facts: tuple[Relation, ...]) -> dict[sp.Basic, sp.Basic]:
    """Symbols of the same sign for numbers such as 1e-27, over whose digits SymPy's factoring would take for ever."""
    sides = [side for c in declaration.constraints for side in (c.left, c.right)]
    numbers = sp.Tuple(declaration.follower_utility, *sides, *facts).atoms(sp.Rational)
    long = sorted(n for n in numbers if max(abs(n.p), n.q) > LONG)
    return {n: sp.Dummy(str(n), positive=n > 0, negative=n < 0) for n in long}


def _rewritten(declaration: Declaration, rule: Mapping[sp.Basic, sp.Basic]) -> Declaration:
    return replace(
        declaration,
        follower_utility=_in(declaration.follower_utility, rule),
        constraints=tuple(
            replace(c, left=_in(c.left, rule), right=_in(c.right, rule)) for c in declaration.constraints
        ),
    )


def _in(expr: sp.Basic, rule: Mapping[sp.Basic, sp.Basic]) -> sp.Basic:
    """The expression with replacements; a relation stays one, even where SymPy could now decide it."""
    if isinstance(expr, sp.core.relational.Relational):
        return expr.func(expr.lhs.xreplace(rule), expr.rhs.xreplace(rule), evaluate=False)
    return expr.xreplace(rule)


def _shown(table: CaseTable, declaration: Declaration, rule: Mapping[sp.Basic, sp.Basic]) -> CaseTable:
    """The table with the numbers back in place."""
    if not rule:
        return table

    def back(items: tuple[sp.Basic, ...]) -> tuple[sp.Basic, ...]:
        return tuple(_in(item, rule) for item in items)

    cases = tuple(
        Case(
            case.active,
            None if case.decision is None else back(case.decision),
            {name: _in(value, rule) for name, value in case.multipliers.items()},
            back(case.conditions),
            back(case.compatibility),
            back(case.thresholds),
        )
        for case in table.cases
    )
    facts, stationarity, limits = back(table.facts), back(table.stationarity), back(table.limits)
    return CaseTable(declaration, table.multipliers, _in(table.lagrangian, rule), stationarity, facts, cases, limits)


def _exact(declaration: Declaration) -> Declaration:
    """The declaration with fractions for floats, which SymPy cannot factor."""
    sides = [(c, rational(c.left), rational(c.right)) for c in declaration.constraints]
    return replace(
        declaration,
        leader_utility=rational(declaration.leader_utility),
        follower_utility=rational(declaration.follower_utility),
        constraints=tuple(replace(c, left=left, right=right) for c, left, right in sides),
    )


def rational(expr: sp.Basic) -> sp.Basic:
    """The expression with each float as the fraction of its shortest decimal."""
    symbolic = sp.sympify(expr, strict=True)
    return symbolic.xreplace({number: _fraction(number) for number in symbolic.atoms(sp.Float)})


def _fraction(number: sp.Float) -> sp.Rational:
    """The shortest decimal that gives the float, as a fraction."""
    double = float(number)
    if number != double:
        raise InvalidGame(f"floats must have double precision, got {number}; write a sympy.Rational for another value")
    return sp.Rational(repr(double))
