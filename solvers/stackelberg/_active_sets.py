"""Every set of active constraints: its point, its multipliers, and the conditions under which it is optimal."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from solvers.core import InvalidGame
from solvers.stackelberg._cases import Case, CaseTable
from solvers.stackelberg._declaration import Constraint, Declaration
from solvers.stackelberg._roots import usable_root
from solvers.stackelberg._signs import Relation, Signs, distinct, sign_of, strict


class Derivation(ABC):
    """What scalar and vector decisions share: symbols, facts, thresholds, the frame of the table."""

    def __init__(self, declaration: Declaration, facts: tuple[Relation, ...]) -> None:
        self.declaration = declaration
        self.facts = facts
        self.lambdas = tuple(sp.Symbol(f"lambda_{c.name}", nonnegative=True) for c in declaration.constraints)
        self._enter(facts)

    def _enter(self, facts: Iterable[Relation], stated: Iterable[Relation] = ()) -> None:
        """Takes `facts` for signs, and those only `stated` (they would make formulas longer) for conditions."""
        signs, besides = distinct(facts), distinct(stated)
        self.facts = (*signs, *besides)
        self.signs = Signs(self.declaration, signs, besides)
        self.price = self.signs.inside(self.declaration.price)
        self.decisions = tuple(self.signs.inside(d) for d in self.declaration.decisions)
        self.utility = self.signs.inside(self.declaration.follower_utility)
        self.gaps = tuple(self.signs.inside(c.gap) for c in self.declaration.constraints)

    @abstractmethod
    def cases(self) -> tuple[Case, ...]:
        """Every active set that can be optimal."""

    def table(self) -> CaseTable:
        cases = self.cases()
        constraints = self.declaration.constraints
        penalty = sp.Add(*(m * c.gap for m, c in zip(self.lambdas, constraints, strict=True)))
        lagrangian = self.declaration.follower_utility - penalty
        stationarity = tuple(sp.diff(lagrangian, d) for d in self.declaration.decisions)
        return CaseTable(
            self.declaration, self.lambdas, lagrangian, stationarity, self.facts, cases, self.solved_limits()
        )

    def solved_limits(self) -> tuple[sp.Expr, ...]:
        """Where each constraint is met with equality, for a scalar decision."""
        return ()

    def conditions(self, expressions: Iterable[sp.Expr]) -> list[Relation] | None:
        """The conditions that each expression is >= 0, beyond the facts; None if one of them never holds."""
        found = distinct(self.signs.condition(expr) for expr in expressions)
        if sp.false in found:
            return None
        return [c for c in found if c != sp.true and c not in self.signs.stated]

    def case(
        self,
        active: Sequence[int],
        decision: Sequence[sp.Expr] | None,
        multipliers: Sequence[sp.Expr],
        conditions: list[Relation],
        compatibility: Sequence[Relation] = (),
    ) -> Case:
        names = tuple(self.declaration.constraints[k].name for k in active)
        readable = self.signs.readable
        return Case(
            active=names,
            decision=None if decision is None else tuple(readable(x) for x in decision),
            multipliers={name: readable(m) for name, m in zip(names, multipliers, strict=True)},
            conditions=tuple(conditions),
            compatibility=tuple(compatibility),
            thresholds=tuple(t for c in conditions if (t := self._threshold(c)) is not None),
        )

    def _threshold(self, condition: Relation) -> Relation | None:
        expr = self.signs.essence(self.signs.inside(condition.gts - condition.lts))
        root = usable_root(expr, self.price) if expr.has(self.price) else None
        if root is None or (expr.diff(self.price, 2) != 0 and self.price.is_nonnegative and sign_of(root) != 1):
            return None
        slope = sign_of(sp.diff(expr, self.price).subs(self.price, root))
        if not slope:
            return None
        limit, price = self.signs.readable(root), self.declaration.price
        return sp.Ge(price, limit, evaluate=False) if slope == 1 else sp.Le(price, limit, evaluate=False)


@dataclass(frozen=True)
class _Limit:
    """A constraint on a scalar, solved for it."""

    index: int
    root: sp.Expr
    upper: bool


class ScalarDerivation(Derivation):
    """One decision: the utility's slope at the limits decides everything."""

    def cases(self) -> tuple[Case, ...]:
        self._locate()
        self._require_concave()
        self.slope = sp.powsimp(sp.diff(self.utility, self.x))
        found = [self._interior()]
        for size in range(1, len(self.limits) + 1):
            found += [self._bound(active) for active in itertools.combinations(self.limits, size)]
        return tuple(case for case in found if case is not None)

    def solved_limits(self) -> tuple[sp.Expr, ...]:
        return tuple(self.signs.readable(limit.root) for limit in self.limits)

    @property
    def x(self) -> sp.Symbol:
        (x,) = self.decisions
        return x

    def _locate(self) -> None:
        """Solves the constraints for the decision; what must hold for that joins the facts."""
        self.limits = [self._limit(k) for k in range(len(self.gaps))]
        self._enter((*self.facts, *self._needed_for_domain()))
        self.limits = [self._limit(k) for k in range(len(self.gaps))]
        self._enter(self.facts, self._needed_for_feasibility())
        self.limits = [self._limit(k) for k in range(len(self.gaps))]

    def _limit(self, k: int) -> _Limit:
        constraint, gap = self.declaration.constraints[k], self.gaps[k]
        root = usable_root(gap, self.x) if gap.has(self.x) else None
        if root is None or self._may_divide_by_zero(gap):
            raise InvalidGame(_one_sided(constraint, self.declaration.decision))
        slope = sign_of(sp.diff(gap, self.x).subs(self.x, root)) or sign_of(sp.diff(gap, self.x))
        if not slope:
            raise InvalidGame(_one_sided(constraint, self.declaration.decision))
        return _Limit(k, root, slope == 1)

    def _may_divide_by_zero(self, gap: sp.Expr) -> bool:
        bottom = sp.fraction(sp.together(gap))[1]
        return bool(bottom.has(self.x)) and not sign_of(bottom)

    def _needed_for_domain(self) -> list[Relation]:
        """A limit that is not affine, or an upper one, can only be met by a decision inside its domain."""
        if not self.x.is_nonnegative:
            return []
        shut_out = [v for v in self.limits if v.upper or sp.diff(self.gaps[v.index], self.x, 2) != 0]
        found = [self.signs.condition(limit.root) for limit in shut_out]
        if sp.false in found:
            raise InvalidGame(_empty(self.declaration, "a limit lies outside the decision's own sign"))
        open_ended = self.x.is_positive or any(sp.fraction(v.root)[1].free_symbols for v in shut_out)
        return [strict(c) if open_ended else c for c in found if c != sp.true]

    def _needed_for_feasibility(self) -> list[Relation]:
        facts = []
        for low, high in itertools.product(self._lower, self._upper):
            if self.signs.condition(high.root - low.root) == sp.false:
                raise InvalidGame(_empty(self.declaration, f"{low.root} exceeds {high.root}"))
            if self.conditions([high.root - low.root]):
                facts.append(sp.Le(self.signs.readable(low.root), self.signs.readable(high.root), evaluate=False))
        return facts

    @property
    def _lower(self) -> list[_Limit]:
        return [limit for limit in self.limits if not limit.upper]

    @property
    def _upper(self) -> list[_Limit]:
        return [limit for limit in self.limits if limit.upper]

    def _require_concave(self) -> None:
        curvature = self.signs.essence(sp.diff(self.utility, self.x, 2))
        if curvature.is_nonnegative:
            raise InvalidGame(
                f"follower utility must be strictly concave in {self.declaration.decision}, "
                f"got the second derivative {self.signs.readable(sp.diff(self.utility, self.x, 2))} >= 0"
            )

    def _interior(self) -> Case | None:
        root = usable_root(self.slope, self.x)
        conditions = self.conditions(self._inside_signs(root))
        return None if conditions is None else self.case((), None if root is None else (root,), (), conditions)

    def _inside(self, point: sp.Expr, besides: Sequence[_Limit] = ()) -> list[sp.Expr]:
        """What is >= 0 where the point respects every limit but those `besides`."""
        others = [limit for limit in self.limits if limit not in besides]
        gaps = [limit.root - point if limit.upper else point - limit.root for limit in others]
        return [*gaps, *self._in_domain(point, others)]

    def _in_domain(self, point: sp.Expr, respected: Sequence[_Limit]) -> list[sp.Expr]:
        """The sign of the decision as a condition, where no lower limit implies it."""
        implied = any(not limit.upper and limit.root.is_nonnegative for limit in respected)
        return [] if implied or not self.x.is_nonnegative else [point]

    def _inside_signs(self, root: sp.Expr | None) -> list[sp.Expr]:
        """What is >= 0 for an interior optimum: its distances to the limits, or the slopes there if simpler."""
        if root is not None and root.is_rational_function(*root.free_symbols):
            return self._inside(root)
        slopes = [self._slope_at(v) * (-1 if v.upper else 1) for v in self.limits]
        return self._slopes_at_ends(slopes) if root is None else [*slopes, *self._in_domain(root, self.limits)]

    def _slopes_at_ends(self, at: list[sp.Expr]) -> list[sp.Expr]:
        """What is >= 0 where the slope changes sign between the limits, or the ends of the domain."""
        if not self._lower:
            at = [*at, self._slope_towards(sp.S.Zero if self.x.is_nonnegative else -sp.oo)]
        return at if self._upper else [*at, -self._slope_towards(sp.oo)]

    def _slope_at(self, limit: _Limit) -> sp.Expr:
        """U' at a limit; its sign alone where it is infinite there."""
        slope = self.slope.subs(self.x, limit.root)
        if not slope.has(sp.zoo, sp.nan, sp.oo):
            return slope
        slope = sp.limit(self.slope, self.x, limit.root, "-" if limit.upper else "+")
        return sp.sign(slope) if slope.is_infinite else slope

    def _slope_towards(self, end: sp.Expr) -> sp.Expr:
        try:
            slope = sp.limit(self.slope, self.x, end, "+" if end == 0 else "-")
        except (NotImplementedError, ValueError) as reason:
            raise InvalidGame(_unbounded(self.declaration, end)) from reason
        if slope.has(sp.Limit, sp.nan, sp.zoo, sp.AccumBounds):
            raise InvalidGame(_unbounded(self.declaration, end))
        return sp.sign(slope) if slope.is_infinite else slope

    def _bound(self, active: tuple[_Limit, ...]) -> Case | None:
        first = min(active, key=lambda limit: sp.count_ops(self.signs.outside(limit.root)))
        meetings = [self._meeting(first, other) for other in active if other is not first]
        slope = self._slope_at(first)
        sides = {limit.upper for limit in active}
        pulls = [slope if first.upper else -slope] if len(sides) == 1 else []
        conditions = self.conditions([*pulls, *self._inside(first.root, active)])
        if conditions is None or sp.false in meetings:
            return None
        indices = [limit.index for limit in active]
        return self.case(indices, (first.root,), self._multipliers(indices, first.root), conditions, meetings)

    def _meeting(self, first: _Limit, other: _Limit) -> Relation:
        distance = sign_of(sp.together(first.root - other.root))
        if distance == 0:
            names = [self.declaration.constraints[v.index].name for v in (first, other)]
            raise InvalidGame(f"constraints must differ, got {names[0]!r} and {names[1]!r} for the same limit")
        if distance:
            return sp.false
        return sp.Eq(self.signs.readable(first.root), self.signs.readable(other.root), evaluate=False)

    def _multipliers(self, active: Sequence[int], point: sp.Expr) -> list[sp.Expr]:
        slopes = [sp.diff(self.gaps[k], self.x).subs(self.x, point) for k in active]
        *free, _ = [self.lambdas[k] for k in active]
        rest = self.slope.subs(self.x, point) - sp.Add(*(m * g for m, g in zip(free, slopes, strict=False)))
        return [*free, rest / slopes[-1]]


class VectorDerivation(Derivation):
    """Two or three decisions: a quadratic utility under linear constraints, so every active set is a linear system."""

    def cases(self) -> tuple[Case, ...]:
        self.hessian = sp.hessian(self.utility, self.decisions)
        self._require_quadratic()
        self._enter(self.facts, self._needed_for_feasibility())
        dimension = len(self.decisions)
        sets = (a for size in range(dimension + 1) for a in itertools.combinations(range(len(self.gaps)), size))
        return tuple(case for case in map(self._solved, sets) if case is not None)

    def _require_quadratic(self) -> None:
        names = ", ".join(map(str, self.declaration.decisions))
        if self.hessian.has(*self.decisions):
            raise InvalidGame(f"follower utility must be quadratic in ({names}), got the Hessian {self.hessian}")
        for constraint, gap in zip(self.declaration.constraints, self.gaps, strict=True):
            if not gap.has(*self.decisions) or sp.hessian(gap, self.decisions) != sp.zeros(len(self.decisions)):
                raise InvalidGame(f"constraint {constraint.name!r} must be linear in ({names}), got {constraint.gap}")
        for size in range(1, len(self.decisions) + 1):
            minor = self.signs.essence((-1) ** size * self.hessian[:size, :size].det())
            if minor.is_nonpositive:
                rule = f"follower utility must be strictly concave in ({names})"
                raise InvalidGame(f"{rule}, got the Hessian {self.signs.outside(self.hessian)}")

    def _gradient(self, gap: sp.Expr) -> list[sp.Expr]:
        return [sp.diff(gap, x) for x in self.decisions]

    def _needed_for_feasibility(self) -> list[Relation]:
        """No constraint is broken at the corner of the box that suits it best (a box side is such a constraint too)."""
        facts = []
        for k in range(len(self.gaps)):
            for corner in itertools.product(*self._best_sides(k)):
                least = self.gaps[k].subs(dict(corner))
                condition = self.signs.condition(-least)
                if condition == sp.false:
                    name = self.declaration.constraints[k].name
                    raise InvalidGame(_empty(self.declaration, f"{name!r} cannot be met"))
                if condition != sp.true:
                    facts.append(condition)
        return facts

    def _best_sides(self, k: int) -> list[list[tuple[sp.Symbol, sp.Expr]]]:
        """Per decision in constraint k, the limits that stop it from relaxing the constraint further."""
        sides = []
        for x, slope in zip(self.decisions, self._gradient(self.gaps[k]), strict=True):
            if slope != 0:
                ends = [(x, root) for root, upper in self._box(x) if sign_of(slope) == (-1 if upper else 1)]
                own = sign_of(slope) == 1 and x.is_nonnegative and not ends
                sides.append([(x, sp.S.Zero)] if own else ends)
        return sides

    def _box(self, x: sp.Symbol) -> list[tuple[sp.Expr, bool]]:
        """The limits on `x` alone: (limit, whether it is an upper one)."""
        limits = []
        for gap in self.gaps:
            slope = sp.diff(gap, x)
            if not gap.has(*(y for y in self.decisions if y != x)) and sign_of(slope):
                limits.append((sp.factor(x - gap / slope), sign_of(slope) == 1))
        return limits

    def _solved(self, active: tuple[int, ...]) -> Case | None:
        gaps = [self.gaps[k] for k in active]
        if active and sp.Matrix([self._gradient(gap) for gap in gaps]).rank() < len(active):
            return None
        multipliers = [self.lambdas[k] for k in active]
        pull = self.utility - sp.Add(*(m * gap for m, gap in zip(multipliers, gaps, strict=True)))
        equations = [sp.expand(e) for e in (*self._gradient(pull), *gaps)]
        (solution,) = sp.linsolve(equations, *self.decisions, *multipliers)
        point, values = solution[: len(self.decisions)], solution[len(self.decisions) :]
        at = dict(zip(self.decisions, point, strict=True))
        others = [-gap.subs(at) for k, gap in enumerate(self.gaps) if k not in active]
        conditions = self.conditions([*values, *others, *self._domain(point)])
        return None if conditions is None else self.case(active, point, values, conditions)

    def _domain(self, point: Sequence[sp.Expr]) -> list[sp.Expr]:
        """A nonnegative decision without a nonnegative lower limit needs its sign as a condition."""
        free = []
        for x, value in zip(self.decisions, point, strict=True):
            limited = any(not upper and root.is_nonnegative for root, upper in self._box(x))
            if x.is_nonnegative and not limited:
                free.append(value)
        return free


def _one_sided(constraint: Constraint, decision: sp.Symbol) -> str:
    return (
        f"constraint {constraint.name!r} must limit {decision} from one side, at one point that has a closed form, "
        f"got {constraint.left} <= {constraint.right}; declare signs of its symbols, or add facts, if that decides it"
    )


def _empty(declaration: Declaration, reason: str) -> str:
    return f"constraints {[c.name for c in declaration.constraints]} must leave a feasible decision, got none: {reason}"


def _unbounded(declaration: Declaration, end: sp.Expr) -> str:
    return (
        f"follower problem must have a largest utility, got {declaration.follower_utility}, whose slope towards "
        f"{declaration.decision} = {end} is not known; add a constraint on that side"
    )
