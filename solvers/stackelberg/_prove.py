"""Evidence for a case table: each obligation proved by Z3, sampled, or failed with a counterexample."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import sympy as sp

from solvers.core import Array, InvalidGame
from solvers.stackelberg._derive import Case, CaseTable, Relation, _Signs

Literal: TypeAlias = tuple[Relation, bool]
Clause: TypeAlias = tuple[Literal, ...]
Suspect: TypeAlias = tuple[int, tuple[Clause, ...]]  # a row of draws, and the way in which it refutes
Values: TypeAlias = Mapping[sp.Symbol, sp.Rational]

MARGIN = 1e-9  # relative to the sum of the absolute terms, below which a sampled violation is taken for rounding
DIGITS = 50  # of the re-check of a counterexample
SMALLEST = sp.Float(10, DIGITS) ** (-DIGITS // 2)  # what such a re-check tells from 0
BATCHES = 40  # of draws, before sampling settles for what met the facts


@dataclass(frozen=True)
class Obligation:
    """One thing that must be true of a case table, and the evidence for it.

    `verdict` is "proved", "sampled" (held in `samples` drawn instances, which is not a proof), or "failed".
    """

    name: str
    verdict: str
    detail: str
    samples: int = 0
    counterexample: Mapping[str, float] | None = None


def prove(
    table: CaseTable,
    *,
    facts: tuple[Relation, ...] | None = None,
    samples: int = 20_000,
    timeout_ms: int = 5_000,
    rng: np.random.Generator | None = None,
) -> tuple[Obligation, ...]:
    """What must hold for the table to be right, each with its verdict, under its facts or those given instead.

    The base cases (no more active constraints than decisions, in general position) are exhaustive, their strict
    conditions pairwise exclusive, each one's point feasible and at least as good as every feasible point, and the
    utility strictly concave on the feasible set. Where formulas hold roots, the claims are about those parameters at
    which they are real.

    Raises
    ------
    InvalidGame
        If the facts contradict each other.

    References
    ----------
    Jovanović and de Moura, Solving Non-linear Arithmetic, IJCAR 2012: the decision procedure.

    Examples
    --------
    >>> import sympy as sp
    >>> from solvers.stackelberg._declaration import Constraint, Declaration
    >>> from solvers.stackelberg._derive import derive
    >>> d, p, w, cap = sp.symbols("d p w cap", positive=True)
    >>> game = Declaration(p, (d,), p * d, w * sp.log(d) - p * d, (Constraint("cap", d, cap),))
    >>> for obligation in prove(derive(game)):
    ...     print(obligation.name, "-", obligation.verdict)
    exhaustive - proved
    exclusive: interior / cap - proved
    feasible: interior - proved
    feasible: cap - proved
    optimal: interior - proved
    optimal: cap - proved
    concave - proved
    """
    known = tuple(f for f in (table.facts if facts is None else facts) if f != sp.true)
    rng = np.random.default_rng(0) if rng is None else rng
    judge = _Judge(table, known, samples, timeout_ms, rng)
    claims = _Claims(table)
    judge.require_consistent()
    concave = judge.settle(claims.concave())
    partition = [judge.settle(claim) for claim in (claims.exhaustive(), *claims.exclusive())]
    feasible = [_feasible(judge, claims, case) for case in claims.base]
    optimal = [_optimal(judge, claims, case, concave) for case in claims.base]
    return (*partition, *feasible, *optimal, concave)


def _feasible(judge: _Judge, claims: _Claims, case: Case) -> Obligation:
    """The formula against the limits; for a root of U' with radicals or logarithms first by where U' changes sign."""
    if claims.is_root_of_slope(case) and not all(map(claims.is_rational, case.decision or ())):
        falling, crossing = (judge.by_proof(claim) for claim in (claims.falling(case), claims.sign_change(case)))
        if falling and crossing and falling.verdict == crossing.verdict == "proved":
            reason = "U' falls, is 0 at d* and changes sign between the limits"
            return replace(crossing, detail=f"{reason}: {crossing.detail}")
    return judge.settle(claims.feasible(case))


def _optimal(judge: _Judge, claims: _Claims, case: Case, concave: Obligation) -> Obligation:
    """Payoff against payoff where Z3 can; else first-order optimality, which suffices for a concave utility."""
    if case.decision is None:
        detail = f"U' = 0 there and U is concave: {concave.detail}"
        return replace(concave, name=f"optimal: {case.name}", detail=detail)
    direct, first_order = claims.optimal(case), claims.variational(case) if concave.verdict == "proved" else None
    attempts = [claim for claim in (direct, first_order) if claim is not None]
    for claim in attempts if claims.is_rational(claims.utility) else attempts[::-1]:
        found = judge.by_proof(claim)
        if found is not None and (found.verdict == "proved" or claim is direct):
            reason = "" if claim is direct else "U'(d*) (d - d*) <= 0 and U is concave: "
            return replace(found, detail=reason + found.detail)
    return judge.by_sampling(direct)


# ---------------------------------------------------------------------------------------------------- claims


@dataclass(frozen=True)
class _Claim:
    """An obligation as what would refute it: all clauses of one of the `ways`, each clause a choice of literals.

    `given` narrows what sampling draws from; it belongs to every way.
    """

    name: str
    given: tuple[Relation, ...]
    ways: tuple[tuple[Clause, ...], ...]


class _Claims:
    """The obligations of a table, in the user's symbols."""

    def __init__(self, table: CaseTable) -> None:
        self.table = table
        self.decisions = table.declaration.decisions
        self.utility = table.declaration.follower_utility
        self.base = tuple(c for c in table.cases if not c.compatibility and len(c.active) <= len(self.decisions))
        self.within = tuple(sp.Le(c.left, c.right, evaluate=False) for c in table.declaration.constraints)

    def exhaustive(self) -> _Claim:
        clauses = tuple(tuple((c, False) for c in case.conditions) for case in self.base)
        return _Claim("exhaustive", (), (clauses,))

    def exclusive(self) -> Iterator[_Claim]:
        for one, other in itertools.combinations(self.base, 2):
            both = tuple(((_strict(c), True),) for c in (*one.conditions, *other.conditions))
            yield _Claim(f"exclusive: {one.name} / {other.name}", (), (both,))

    def feasible(self, case: Case) -> _Claim:
        if case.decision is None:
            return self.sign_change(case)
        return _Claim(f"feasible: {case.name}", case.conditions, self._outside(case.decision))

    def sign_change(self, case: Case) -> _Claim:
        return _Claim(f"feasible: {case.name}", case.conditions, self._no_sign_change())

    def falling(self, case: Case) -> _Claim:
        """U' decreases on the decision's domain if the case's point is surely in it, and else on the whole line."""
        (decision,), (point,) = self.decisions, case.decision or ()
        inside = point.is_positive if decision.is_positive else point.is_nonnegative or not decision.is_nonnegative
        free = decision if inside else sp.Dummy("d", real=True)
        curvature = sp.diff(self.utility, decision, 2).subs(decision, free)
        return _Claim(f"feasible: {case.name}", (), _not_falling([-curvature], [free]))

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

    def optimal(self, case: Case) -> _Claim:
        better = sp.Gt(self.utility, self.utility.subs(self._at(case)), evaluate=False)
        return _Claim(f"optimal: {case.name}", (*case.conditions, *self.within), (_either([better]),))

    def variational(self, case: Case) -> _Claim:
        at = self._at(case)
        slopes = [sp.simplify(sp.diff(self.utility, d).subs(at)) for d in self.decisions]
        gain = sp.Add(*(slope * (d - at[d]) for slope, d in zip(slopes, self.decisions, strict=True)))
        way = _either([sp.Gt(gain, 0, evaluate=False)])
        return _Claim(f"optimal: {case.name}", (*case.conditions, *self.within), (way,))

    def concave(self) -> _Claim:
        hessian = sp.hessian(self.utility, self.decisions)
        minors = [(-1) ** k * hessian[:k, :k].det() for k in range(1, len(self.decisions) + 1)]
        return _Claim("concave", self.within, _not_falling(minors, self.decisions))

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


def _strict(relation: Relation) -> Relation:
    return sp.Gt(relation.gts, relation.lts, evaluate=False)


# ---------------------------------------------------------------------------------------------------- verdicts


class _Judge:
    """Settles claims under fixed facts: by Z3, and where that gives no answer by sampling."""

    def __init__(
        self, table: CaseTable, facts: tuple[Relation, ...], samples: int, timeout_ms: int, rng: np.random.Generator
    ) -> None:
        self.facts = facts
        self.samples = samples
        self.polynomials = _Polynomials(table.declaration.decisions, timeout_ms)
        self.draws = _Draws(table, facts, rng)

    def require_consistent(self) -> None:
        answer, _ = self.polynomials.search(self.facts, ())
        if answer == "unsat":
            raise InvalidGame(f"facts must be possible together, got {', '.join(map(str, self.facts))}")

    def settle(self, claim: _Claim) -> Obligation:
        return self.by_proof(claim) or self.by_sampling(claim)

    def by_proof(self, claim: _Claim) -> Obligation | None:
        """Z3's verdict, None where it has none that can be relied on."""
        start, open_question = time.perf_counter(), False
        for way in claim.ways:
            answer, values = self.polynomials.search((*self.facts, *claim.given), way)
            if values is not None and self._refutes(claim, way, values):
                return _failed(claim, "Z3", way, values)
            open_question |= answer != "unsat"
        if open_question:
            return None
        return Obligation(claim.name, "proved", f"Z3, {time.perf_counter() - start:.2f} s")

    def by_sampling(self, claim: _Claim) -> Obligation:
        met = 0
        for _ in range(BATCHES):
            columns, suspects, count = self.draws.batch(claim, self.samples - met)
            for index, way in suspects:
                values = {symbol: sp.Rational(float(column[index])) for symbol, column in columns.items()}
                if self._refutes(claim, way, values):
                    return _failed(claim, "sampling", way, values)
            met += count
            if met >= self.samples:
                break
        if not met:
            return Obligation(claim.name, "failed", "nothing checked: no draw meets the facts and conditions")
        return Obligation(claim.name, "sampled", f"{met} samples", samples=met)

    def _refutes(self, claim: _Claim, way: Sequence[Clause], values: Values) -> bool:
        """Whether these exact values do refute the claim, judged without Z3 and without floats of machine precision."""
        signs = (_sign_holds(symbol, value) for symbol, value in values.items())
        given = (_holds(relation, values) for relation in (*self.facts, *claim.given))
        clauses = (any(_holds(r, values) is wanted for r, wanted in clause) for clause in way)
        return all(itertools.chain(signs, given, clauses))


def _failed(claim: _Claim, source: str, way: Sequence[Clause], values: Values) -> Obligation:
    used = {s for r in claim.given for s in r.free_symbols} | {s for c in way for r, _ in c for s in r.free_symbols}
    shown = {str(s): float(v) for s, v in sorted(values.items(), key=lambda item: str(item[0])) if s in used}
    text = ", ".join(f"{name} = {value:.6g}" for name, value in shown.items())
    return Obligation(claim.name, "failed", f"{source}: {text}", counterexample=shown)


def _sign_holds(symbol: sp.Symbol, value: sp.Rational) -> bool:
    if symbol.is_nonnegative:
        return bool(value > 0 if symbol.is_positive else value >= 0)
    return bool(value <= 0) if symbol.is_nonpositive else True


def _holds(relation: Relation, values: Values) -> bool:
    """Whether a relation holds at these values, exactly where it is rational; an undefined one does not."""
    difference = relation.lhs - relation.rhs
    if difference.is_rational_function(*difference.free_symbols):
        value = difference.subs(values)
    else:
        precise = {symbol: sp.Float(number, 2 * DIGITS) for symbol, number in values.items()}
        value = difference.evalf(DIGITS, subs=precise, maxn=4 * DIGITS)
        value = sp.S.Zero if value.is_comparable and abs(value) < SMALLEST else value
    return bool(value.is_comparable and value.is_finite and relation.func(value, 0))


# ---------------------------------------------------------------------------------------------------- Z3


class _Polynomials:
    """Relations as division-free polynomials for Z3.

    Roots become variables with r >= 0 and r**q = base. Any other function becomes a variable of which only the sign
    that SymPy knows is kept: what is proved for every such value is proved.
    """

    def __init__(self, decisions: Sequence[sp.Symbol], timeout_ms: int) -> None:
        self._timeout = timeout_ms
        self._decisions = decisions
        self._variables: dict[sp.Symbol, Any] = {}
        self._pure: dict[sp.Expr, sp.Expr] = {}
        self._invented: set[sp.Symbol] = set()
        self._roots: dict[sp.Symbol, tuple[sp.Expr, int]] = {}
        self._encoded: dict[Relation, tuple[Any, set[sp.Symbol]]] = {}

    def search(self, given: Iterable[Relation], clauses: Iterable[Clause]) -> tuple[str, Values | None]:
        """Z3's "sat", "unsat" or "unknown", and where "sat" the values it found."""
        import z3

        clauses, given = tuple(clauses), tuple(given)
        solver = z3.SolverFor("QF_NRA")
        solver.set("timeout", self._timeout)
        for relation in given:
            solver.add(self.relation(relation))
        for clause in clauses:
            solver.add(z3.Or(*(self.relation(r) if wanted else z3.Not(self.relation(r)) for r, wanted in clause)))
        used = self._used(itertools.chain(given, (r for clause in clauses for r, _ in clause)))
        for symbol in used:
            solver.add(*_sign_of_variable(symbol, self._variables[symbol]), *self._definition(symbol))
        answer = solver.check()
        return str(answer), self._values(solver.model(), used) if answer == z3.sat else None

    def _used(self, relations: Iterable[Relation]) -> list[sp.Symbol]:
        """The symbols of these relations, those they were encoded with, and those of the bases of roots."""
        relations = tuple(relations)
        found = {symbol for relation in relations for symbol in self._encoded[relation][1] | relation.free_symbols}
        while new := {s for r in found & self._roots.keys() for s in self._roots[r][0].free_symbols} - found:
            found |= new
        for symbol in found - self._variables.keys():
            self._polynomial(symbol)
        return sorted(found, key=str)

    def _definition(self, symbol: sp.Symbol) -> list[Any]:
        if symbol not in self._roots:
            return []
        base, degree = self._roots[symbol]
        top, bottom = map(self._polynomial, sp.fraction(sp.together(base)))
        return [bottom != 0, self._variables[symbol] ** degree * bottom == top]

    def _values(self, model: Any, used: Iterable[sp.Symbol]) -> Values:
        real = [s for s in used if s not in self._invented]
        return {s: _rational(model.eval(self._variables[s], model_completion=True)) for s in real}

    def relation(self, relation: Relation) -> Any:
        """`left op right` as a polynomial against 0; false where a division by zero makes it meaningless."""
        if relation not in self._encoded:
            self._encoded[relation] = self._encode(relation)
        return self._encoded[relation][0]

    def _encode(self, relation: Relation) -> tuple[Any, set[sp.Symbol]]:
        import z3

        top, bottom = sp.fraction(sp.together(self._rational(relation.lhs) - self._rational(relation.rhs)))
        value, below = self._polynomial(top), self._polynomial(bottom)
        compared = _compare(relation, value) if bottom.is_positive else _compare(relation, value * below)
        return z3.And(below != 0, compared), top.free_symbols | bottom.free_symbols

    def _rational(self, expr: sp.Expr) -> sp.Expr:
        """`expr` with a symbol for whatever is not a rational function."""
        if expr.is_Symbol:
            return expr
        if expr.is_Number:
            return sp.Rational(expr)
        parts = [self._rational(part) for part in expr.args]
        if expr.is_Add or expr.is_Mul or (expr.is_Pow and expr.exp.is_Integer):
            return expr.func(*parts)
        if expr.is_Pow and expr.exp.is_Rational:
            return self._root(parts[0], int(expr.exp.q)) ** int(expr.exp.p)
        if isinstance(expr, sp.exp) and expr.exp.could_extract_minus_sign():
            return 1 / self._opaque(sp.exp(-expr.exp))
        return self._opaque(expr)

    def _root(self, base: sp.Expr, degree: int) -> sp.Symbol:
        key = base ** sp.Rational(1, degree)
        if key not in self._pure:
            sign = {"positive": True} if base.is_positive else {"nonnegative": True}
            self._pure[key] = sp.Dummy("root", **sign)
            self._roots[self._pure[key]] = (base, degree)
            self._invented.add(self._pure[key])
        return self._pure[key]

    def _opaque(self, expr: sp.Expr) -> sp.Symbol:
        if expr not in self._pure:
            known = {name: True for name in ("positive", "nonnegative", "nonpositive") if getattr(expr, f"is_{name}")}
            self._pure[expr] = sp.Dummy("value", real=True, **known)
            self._invented.add(self._pure[expr])
        return self._pure[expr]

    def _polynomial(self, expr: sp.Expr) -> Any:
        import z3

        if expr.is_Symbol:
            name = f"{expr}_{len(self._variables)}"
            return self._variables.setdefault(expr, z3.Real(name))
        if expr.is_Number:
            return z3.RealVal(str(sp.Rational(expr)))
        if expr.is_Pow:
            return self._polynomial(expr.base) ** int(expr.exp)
        parts = [self._polynomial(part) for part in expr.args]
        return z3.Sum(*parts) if expr.is_Add else z3.Product(*parts)


def _compare(relation: Relation, value: Any) -> Any:
    compared = {
        sp.GreaterThan: value >= 0,
        sp.StrictGreaterThan: value > 0,
        sp.LessThan: value <= 0,
        sp.StrictLessThan: value < 0,
        sp.Equality: value == 0,
        sp.Unequality: value != 0,
    }
    return compared[relation.func]


def _sign_of_variable(symbol: sp.Symbol, variable: Any) -> list[Any]:
    if symbol.is_positive:
        return [variable > 0]
    if symbol.is_nonnegative:
        return [variable >= 0]
    return [variable < 0] if symbol.is_negative else [variable <= 0] if symbol.is_nonpositive else []


def _rational(value: Any) -> sp.Rational:
    import z3

    exact: Fraction = (value.approx(2 * DIGITS) if z3.is_algebraic_value(value) else value).as_fraction()
    return sp.Rational(exact.numerator, exact.denominator)


# ---------------------------------------------------------------------------------------------------- sampling


class _Draws:
    """Random parameters that satisfy the assumptions and facts, and decisions spread over the feasible set."""

    def __init__(self, table: CaseTable, facts: tuple[Relation, ...], rng: np.random.Generator) -> None:
        self._rng = rng
        self._facts = facts
        declaration = table.declaration
        self._signs = _Signs(declaration, facts)
        self._decisions = declaration.decisions
        self._parameters = (declaration.price, *declaration.parameters)
        self._points = [c.decision for c in table.cases if c.decision is not None]

    def batch(self, claim: _Claim, wanted: int) -> tuple[dict[sp.Symbol, Array], list[Suspect], int]:
        """Columns of draws, the first few rows that seem to refute the claim, and how many met what is given."""
        columns = self._columns(max(wanted, 1000))
        with np.errstate(all="ignore"):
            met = np.ones(len(next(iter(columns.values()))), dtype=bool)
            for relation in (*self._facts, *claim.given):
                met &= _margin(relation, columns) >= 0
            suspects = [(int(k), way) for way in claim.ways for k in np.flatnonzero(met & _refuted(way, columns))[:3]]
        return columns, suspects, int(np.count_nonzero(met))

    def _columns(self, n: int) -> dict[sp.Symbol, Array]:
        inside = {symbol: self._signs.inside(symbol) for symbol in self._parameters}
        free = sorted({s for expr in inside.values() for s in expr.free_symbols}, key=str)
        drawn = {symbol: self._draw(symbol, n) for symbol in free}
        columns = {symbol: _evaluate(expr, drawn) for symbol, expr in inside.items()}
        mixed, weights = self._rng.random(n) < 0.7, self._rng.dirichlet(np.full(len(self._points) or 1, 0.5), n).T
        for k, decision in enumerate(self._decisions):
            with np.errstate(all="ignore"):
                points = [_evaluate(point[k], columns) for point in self._points]
                mixture = sum((w * p for w, p in zip(weights, points, strict=False)), np.zeros(n))
            columns[decision] = np.where(mixed & np.isfinite(mixture), mixture, self._draw(decision, n))
        return columns

    def _draw(self, symbol: sp.Symbol, n: int) -> Array:
        size: Array = np.exp(self._rng.normal(0.0, 1.5, n))
        if symbol.is_nonnegative:
            return size
        return -size if symbol.is_nonpositive else size * self._rng.choice([-1.0, 1.0], n)


def _evaluate(expr: sp.Expr, columns: Mapping[sp.Symbol, Array]) -> Array:
    symbols = sorted(columns, key=str)
    value = sp.lambdify(symbols, expr, modules="numpy", cse=True)(*(columns[s] for s in symbols))
    return np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(columns[symbols[0]]))


def _margin(relation: Relation, columns: Mapping[sp.Symbol, Array]) -> Array:
    """How clearly the relation holds, relative to its terms; negative where it does not, nan where undefined."""
    ordered = hasattr(relation, "gts")
    difference = relation.gts - relation.lts if ordered else relation.lhs - relation.rhs
    size = sum((np.abs(_evaluate(term, columns)) for term in sp.Add.make_args(difference)), np.zeros(1))
    margin = np.asarray(_evaluate(difference, columns) / size)
    return margin if ordered else -np.abs(margin) if isinstance(relation, sp.Equality) else np.abs(margin)


def _refuted(way: Sequence[Clause], columns: Mapping[sp.Symbol, Array]) -> npt.NDArray[np.bool_]:
    found = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for clause in way:
        margins = [_margin(relation, columns) * (1 if wanted else -1) for relation, wanted in clause]
        found &= np.logical_or.reduce([margin > MARGIN for margin in margins]) if margins else False
    return found
