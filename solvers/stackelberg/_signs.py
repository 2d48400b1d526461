"""What the assumptions on symbols, and facts about them, say of the signs of expressions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import sympy as sp

from solvers.stackelberg._declaration import Declaration

Relation: TypeAlias = sp.core.relational.Relational


def distinct(items: Iterable[Relation]) -> list[Relation]:
    """Each relation once, in the order of first appearance."""
    return list(dict.fromkeys(items))


def strict(relation: Relation) -> Relation:
    """`relation` without equality."""
    return sp.Gt(relation.gts, relation.lts, evaluate=False)


@functools.lru_cache(maxsize=10_000)
def factored(expr: sp.Expr) -> sp.Expr:
    """Factors, with logarithms and exponentials kept whole (SymPy would expand them)."""
    plain, back = masked(expr)
    return sp.factor(plain).xreplace(back)


def masked(expr: sp.Expr) -> tuple[sp.Expr, dict[sp.Symbol, sp.Expr]]:
    """`expr` with a symbol for every logarithm, exponential and power that has a symbol above, and the way back."""
    powers = {f for f in expr.atoms(sp.Pow) if not f.exp.is_number}
    back = {sp.Dummy("f", real=f.is_real, positive=f.is_positive): f for f in powers | expr.atoms(sp.log, sp.exp)}
    return expr.xreplace({f: symbol for symbol, f in back.items()}), back


def expanded(expr: sp.Expr) -> sp.Expr:
    """Multiplied out, with powers, logarithms and exponentials kept whole."""
    return sp.expand(expr, log=False, power_exp=False, power_base=False)


@functools.lru_cache(maxsize=10_000)
def sign_of(expr: sp.Expr) -> int | None:
    """1, 0 or -1 where the assumptions decide it, factor by factor if need be."""
    plain = _stated_sign(expr)
    return _stated_sign(factored(expr)) if plain is None else plain


def _stated_sign(expr: sp.Expr) -> int | None:
    if expr.is_positive:
        return 1
    if expr.is_negative:
        return -1
    return 0 if expr.is_zero else None


class Signs:
    """Rewrites expressions so that facts become signs of symbols (hi_j = lo_j + gap), and back again."""

    def __init__(self, declaration: Declaration, facts: Sequence[Relation], stated: Sequence[Relation] = ()) -> None:
        self._fixed = {declaration.price, *declaration.decisions}
        self._forward: dict[sp.Basic, sp.Expr] = {}
        self._back: dict[sp.Basic, sp.Expr] = {}
        self._hide_untyped(declaration, facts)
        for fact in sorted(facts, key=lambda f: not isinstance(f, sp.StrictGreaterThan | sp.StrictLessThan)):
            if isinstance(fact, sp.GreaterThan | sp.LessThan | sp.StrictGreaterThan | sp.StrictLessThan):
                self._absorb(fact)
        ordered = [fact for fact in (*facts, *stated) if hasattr(fact, "gts")]
        self.stated = {self.condition(fact.gts - fact.lts) for fact in ordered}

    def _hide_untyped(self, declaration: Declaration, facts: Sequence[Relation]) -> None:
        sides = [side for c in declaration.constraints for side in (c.left, c.right)]
        everything = sp.Tuple(declaration.follower_utility, declaration.price, *sides, *facts)
        opaque = {f for f in everything.atoms(sp.Function) if not f.is_real and not f.has(*declaration.decisions)}
        for atom in sorted(everything.free_symbols | opaque, key=str):
            if not atom.is_real:
                stand_in = sp.Dummy(str(atom), real=True)
                self._forward[atom], self._back[stand_in] = stand_in, atom

    def _absorb(self, fact: Relation) -> None:
        """Replaces the larger symbol by the smaller plus a gap, where that loses no sign and closes no circle."""
        more, less = fact.gts, fact.lts
        strict = isinstance(fact, sp.StrictGreaterThan | sp.StrictLessThan)
        gap = sp.Dummy("gap", positive=True) if strict else sp.Dummy("gap", nonnegative=True)
        for target, value in ((more, less + gap), (less, more - gap)):
            other = self.inside(value)
            free = target.is_Symbol and target not in self._fixed and target not in self._forward
            if free and target.is_real and _affine(other) and not other.has(target) and _keeps_sign(target, other):
                self._forward = {key: old.xreplace({target: other}) for key, old in self._forward.items()}
                self._forward[target] = other
                self._back[gap] = more - less
                return

    def inside(self, expr: sp.Expr) -> sp.Expr:
        """In gap symbols."""
        return expr.subs(self._forward, simultaneous=True) if self._forward else expr

    def outside(self, expr: sp.Expr) -> sp.Expr:
        """In the user's symbols."""
        return expr.subs(self._back, simultaneous=True) if self._back else expr

    def readable(self, expr: sp.Expr) -> sp.Expr:
        """The shortest of a few equal forms, in the user's symbols."""
        if expr.is_Atom or (expr.is_Mul and all(factor.is_Atom for factor in expr.args)):
            return self.outside(expr)
        forms = [self.outside(form) for form in (expr, factored(expr), expanded(expr))]
        forms += [expanded(forms[0])]
        return min(forms, key=lambda form: (sp.count_ops(form), len(str(form))))

    def condition(self, expr: sp.Expr) -> Relation:
        """`expr >= 0` without its factors of known sign, as `positive terms >= negative terms`."""
        rest = self.essence(self.inside(expr))
        if rest.is_nonnegative:
            return sp.true
        if rest.is_negative:
            return sp.false
        terms = sp.Add.make_args(rest)
        minus = [term for term in terms if term.could_extract_minus_sign()]
        right = self.readable(sp.Add(*(-term for term in minus)))
        return sp.Ge(self.readable(rest + sp.Add(*(-term for term in minus))), right, evaluate=False)

    def essence(self, expr: sp.Expr) -> sp.Expr:
        """An expression of the same sign, without the factors whose sign is known."""
        top, bottom = sp.fraction(sp.together(expr))
        sign, parts = _unsigned(top)
        sign_below, parts_below = _unsigned(bottom)
        if parts.is_number and parts_below != 1:
            return sign * sign_below * parts * parts_below
        return sign * sign_below * expanded(parts) / parts_below


def _unsigned(expr: sp.Expr) -> tuple[int, sp.Expr]:
    """The known sign of `expr` and the product of its factors of unknown sign (even powers stay, they may vanish)."""
    if expr.is_comparable:
        return 1, sp.sign(expr)
    sign, rest = 1, sp.S.One
    for factor in sp.Mul.make_args(factored(expr)):
        base, power = factor.as_base_exp() if factor.is_Pow and factor.exp.is_Integer else (factor, 1)
        known = _stated_sign(base)
        if known:
            sign *= known ** int(power)
        else:
            rest *= base ** (2 - power % 2)
    return sign, rest


def _affine(expr: sp.Expr) -> bool:
    symbols = sorted(expr.free_symbols, key=str)
    return bool(expr.is_polynomial(*symbols)) and (not symbols or sp.Poly(expr, *symbols).total_degree() <= 1)


def _keeps_sign(symbol: sp.Symbol, replacement: sp.Expr) -> bool:
    """Whether what is known of the symbol's sign is still known of its replacement."""
    if symbol.is_positive:
        return bool(replacement.is_positive)
    return bool(replacement.is_nonnegative) if symbol.is_nonnegative else not symbol.is_nonpositive
