"""What must hold for a case table to be right, each claim as the ways to refute it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from solvers.stackelberg._cases import Case, CaseTable
from solvers.stackelberg._signs import Relation, strict

Literal: TypeAlias = tuple[Relation, bool]
Clause: TypeAlias = tuple[Literal, ...]
Values: TypeAlias = Mapping[sp.Symbol, sp.Rational]

DIGITS = 50  # to which a counterexample is checked again


@dataclass(frozen=True)
class Claim:
    """An obligation as what would refute it: all clauses of one of the `ways`, each clause a choice of literals.

    `given` narrows what sampling draws from; it belongs to every way.
    """

    name: str
    given: tuple[Relation, ...]
    ways: tuple[tuple[Clause, ...], ...]


class Claims:
    """The obligations of a table, in the user's symbols."""

    def __init__(self, table: CaseTable) -> None:
        self.table = table
        self.decisions = table.declaration.decisions
        self.utility = table.declaration.follower_utility
        self.base = tuple(c for c in table.cases if not c.compatibility and len(c.active) <= len(self.decisions))
        self.within = tuple(sp.Le(c.left, c.right, evaluate=False) for c in table.declaration.constraints)

    def exhaustive(self) -> Claim:
        clauses = tuple(tuple((c, False) for c in case.conditions) for case in self.base)
        return Claim("exhaustive", (), (clauses,))

    def exclusive(self) -> Iterator[Claim]:
        for one, other in itertools.combinations(self.base, 2):
            both = tuple(((strict(c), True),) for c in (*one.conditions, *other.conditions))
            yield Claim(f"exclusive: {one.name} / {other.name}", (), (both,))

    def feasible(self, case: Case) -> Claim:
        if case.decision is None:
            return self.sign_change(case)
        return Claim(f"feasible: {case.name}", case.conditions, self._outside(case.decision))

    def sign_change(self, case: Case) -> Claim:
        return Claim(f"feasible: {case.name}", case.conditions, self._no_sign_change())

    def falling(self, case: Case) -> Claim:
        """U' decreases on the decision's domain if the case's point is surely in it, and else on the whole line."""
        (decision,), (point,) = self.decisions, case.decision or ()
        inside = point.is_positive if decision.is_positive else point.is_nonnegative or not decision.is_nonnegative
        free = decision if inside else sp.Dummy("d", real=True)
        curvature = sp.diff(self.utility, decision, 2).subs(decision, free)
        return Claim(f"feasible: {case.name}", (), _not_falling([-curvature], [free]))

    def is_root_of_slope(self, case: Case) -> bool:
        """Whether U'(d*) = 0 identically, for a scalar that its domain or a lower limit keeps at or above 0."""
        if case.active or case.decision is None or len(self.decisions) > 1 or len(self.base) < 2:
            return False
        (decision,), (point,) = self.decisions, case.decision
        kept = point.is_nonnegative or not decision.is_nonnegative or self._has_lower_limit(decision)
        return bool(kept and sp.simplify(sp.diff(self.utility, decision).subs(decision, point)) == 0)

    def _has_lower_limit(self, decision: sp.Symbol) -> bool:
        falling = {c.name for c in self.table.declaration.constraints if sp.diff(c.gap, decision).is_negative}
        limits = (case.decision for case in self.base if case.active and case.active[0] in falling)
        return any(point is not None and point[0].is_nonnegative for point in limits)

    @staticmethod
    def is_rational(expr: sp.Expr) -> bool:
        return bool(expr.is_rational_function(*expr.free_symbols))

    def _outside(self, point: Sequence[sp.Expr]) -> tuple[tuple[Clause, ...], ...]:
        """Ways to break a constraint, or the decision's own sign (a positive one is read as its closure)."""
        at = dict(zip(self.decisions, point, strict=True))
        broken = [sp.Gt(c.lhs.subs(at), c.rhs.subs(at), evaluate=False) for c in self.within]
        broken += [sp.Lt(x, 0, evaluate=False) for d, x in at.items() if d.is_nonnegative]
        return (_either(broken),)

    def _no_sign_change(self) -> tuple[tuple[Clause, ...], ...]:
        """Ways for an implicit root to be missing: U' points outwards at a limit, or no limit is feasible."""
        bounds = [case for case in self.base if case.active and case.decision is not None]
        outwards = [sp.Gt(m, 0, evaluate=False) for case in bounds for m in case.multipliers.values()]
        empty = tuple(self._outside(case.decision)[0][0] for case in bounds if case.decision is not None)
        return (_either(outwards), *([empty] if empty else []))

    def optimal(self, case: Case) -> Claim:
        better = sp.Gt(self.utility, self.utility.subs(self._at(case)), evaluate=False)
        return Claim(f"optimal: {case.name}", (*case.conditions, *self.within), (_either([better]),))

    def variational(self, case: Case) -> Claim:
        at = self._at(case)
        slopes = [sp.simplify(sp.diff(self.utility, d).subs(at)) for d in self.decisions]
        gain = sp.Add(*(slope * (d - at[d]) for slope, d in zip(slopes, self.decisions, strict=True)))
        way = _either([sp.Gt(gain, 0, evaluate=False)])
        return Claim(f"optimal: {case.name}", (*case.conditions, *self.within), (way,))

    def concave(self) -> Claim:
        hessian = sp.hessian(self.utility, self.decisions)
        minors = [(-1) ** k * hessian[:k, :k].det() for k in range(1, len(self.decisions) + 1)]
        return Claim("concave", self.within, _not_falling(minors, self.decisions))

    def _at(self, case: Case) -> dict[sp.Symbol, sp.Expr]:
        return dict(zip(self.decisions, case.decision or (), strict=True))


def _either(relations: Iterable[Relation]) -> tuple[Clause, ...]:
    return (tuple((relation, True) for relation in relations),)


def _not_falling(minors: Sequence[sp.Expr], decisions: Sequence[sp.Symbol]) -> tuple[tuple[Clause, ...], ...]:
    """Ways for a Hessian of these signed minors not to be negative definite, or to have a pole inside the domain."""
    flat = _either([sp.Le(minor, 0, evaluate=False) for minor in minors])
    bottoms = {sp.fraction(sp.together(minor))[1] for minor in minors}
    poles = [sp.Eq(bottom, 0, evaluate=False) for bottom in bottoms if bottom.has(*decisions)]
    edge = [((sp.Gt(d, 0, evaluate=False), True),) for d in decisions if d.is_nonnegative]
    return (flat, (*_either(poles), *edge)) if poles else (flat,)
