"""Relations as polynomials for Z3, and its answers as rational numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import sympy as sp

from solvers.stackelberg._claims import DIGITS, Clause, Values
from solvers.stackelberg._signs import Relation


class Polynomials:
    """Relations as division-free polynomials for Z3.

    Roots become variables with r >= 0 and r**q = base. Any other function becomes a variable of which only the sign
    that SymPy knows is kept: what is proved for every such value is proved.
    """

    def __init__(self, timeout_ms: int) -> None:
        self._timeout = timeout_ms
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
