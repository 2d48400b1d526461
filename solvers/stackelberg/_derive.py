"""The KKT cases of a follower's problem in symbols: every active set, its point, its multipliers, its conditions."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import sympy as sp
from sympy.printing.latex import LatexPrinter

from solvers.core import InvalidGame
from solvers.stackelberg._declaration import Constraint, Declaration

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

MOST_CONSTRAINTS = 12
MOST_DECISIONS = 3

Relation: TypeAlias = sp.core.relational.Relational


@dataclass(frozen=True)
class Case:
    """One set of active constraints: where the optimum lies, and exactly when.

    `decision` is None where stationarity has no usable closed form: the point is where U' changes sign.
    Of several active constraints on a scalar (which must meet: `compatibility`) only one multiplier is determined;
    the others appear as their own symbols, and `conditions` say when some nonnegative choice exists.
    `conditions` leave out what the table's facts state; `thresholds` are those on the price, solved for it.
    """

    active: tuple[str, ...]
    decision: tuple[sp.Expr, ...] | None
    multipliers: Mapping[str, sp.Expr]
    conditions: tuple[Relation, ...]
    compatibility: tuple[Relation, ...] = ()
    thresholds: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        """The active constraints joined by " + ", or "interior"."""
        return " + ".join(self.active) or "interior"


@dataclass(frozen=True)
class CaseTable:
    """The Lagrangian `U - sum(lambda_k * gap_k)` of a maximisation, its stationarity, and every case under `facts`."""

    declaration: Declaration
    multipliers: tuple[sp.Symbol, ...]
    lagrangian: sp.Expr
    stationarity: tuple[sp.Expr, ...]
    facts: tuple[Relation, ...]
    cases: tuple[Case, ...]

    def latex(self, *, standalone: bool = True) -> str:
        r"""A LaTeX document (or, not `standalone`, its body) that needs amsmath and array only.

        Examples
        --------
        >>> import sympy as sp
        >>> from solvers.stackelberg._declaration import Constraint, Declaration
        >>> d, p, cap = sp.symbols("d p cap", positive=True)
        >>> limits = (Constraint("cap", d, cap),)
        >>> table = derive(Declaration(p, (d,), p * d, sp.log(d) - p * d, limits))
        >>> print(table.latex(standalone=False).splitlines()[0])
        \begin{align*}
        """
        body = "\n".join([*_latex_equations(self), *_latex_cases(self.cases), *_latex_facts(self)])
        head = "\\documentclass{article}\n\\usepackage{amsmath,array}\n\\begin{document}\n"
        return f"{head}{body}\n\\end{{document}}\n" if standalone else body + "\n"


def derive(game: Declaration | StackelbergGame, *, facts: tuple[Relation, ...] = ()) -> CaseTable:
    """The follower's case table, from a declaration or from a game that has one.

    The facts of the table are `facts`, those the game read off its data, and those without which nothing is
    feasible: limits lie where the decision may be, and no lower limit exceeds an upper one.

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
    >>> from solvers.stackelberg._declaration import Constraint, Declaration
    >>> d, p, w, cap = sp.symbols("d p w cap", positive=True)
    >>> game = Declaration(p, (d,), p * d, w * sp.log(d) - p * d, (Constraint("cap", d, cap),))
    >>> for case in derive(game).cases:
    ...     print(case.name, case.decision, case.thresholds)
    interior (w/p,) (p >= w/cap,)
    cap (cap,) (p <= w/cap,)
    """
    declaration: Declaration = game if isinstance(game, Declaration) else game.declaration
    given = (*(() if isinstance(game, Declaration) else game.facts), *facts)
    _check(declaration)
    known = tuple(_distinct(fact for fact in given if fact != sp.true))
    if sp.false in known:
        raise InvalidGame("facts must be possible together with the signs of the symbols, got one that is false")
    derivation = _Scalar if len(declaration.decisions) == 1 else _Vector
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


# ---------------------------------------------------------------------------------------------------- signs


def _distinct(items: Iterable[Relation]) -> list[Relation]:
    return list(dict.fromkeys(items))


@functools.lru_cache(maxsize=10_000)
def _factored(expr: sp.Expr) -> sp.Expr:
    """Factors, with logarithms and exponentials kept whole (SymPy would expand them)."""
    masked, back = _masked(expr)
    return sp.factor(masked).xreplace(back)


def _masked(expr: sp.Expr) -> tuple[sp.Expr, dict[sp.Symbol, sp.Expr]]:
    """`expr` with a symbol for every logarithm, exponential and power that has a symbol above, and the way back."""
    powers = {f for f in expr.atoms(sp.Pow) if not f.exp.is_number}
    back = {sp.Dummy("f", real=f.is_real, positive=f.is_positive): f for f in powers | expr.atoms(sp.log, sp.exp)}
    return expr.xreplace({f: symbol for symbol, f in back.items()}), back


def _expanded(expr: sp.Expr) -> sp.Expr:
    """Multiplied out, with powers, logarithms and exponentials kept whole."""
    return sp.expand(expr, log=False, power_exp=False, power_base=False)


@functools.lru_cache(maxsize=10_000)
def _sign(expr: sp.Expr) -> int | None:
    """1, 0 or -1 where the assumptions decide it, factor by factor if need be."""
    plain = _stated_sign(expr)
    return _stated_sign(_factored(expr)) if plain is None else plain


def _stated_sign(expr: sp.Expr) -> int | None:
    if expr.is_positive:
        return 1
    if expr.is_negative:
        return -1
    return 0 if expr.is_zero else None


class _Signs:
    """Rewrites expressions so that facts become signs of symbols (hi_j = lo_j + gap), and back again."""

    def __init__(self, declaration: Declaration, facts: Sequence[Relation], stated: Sequence[Relation] = ()) -> None:
        self._fixed = {declaration.price, *declaration.decisions}
        self._forward: dict[sp.Basic, sp.Expr] = {}
        self._back: dict[sp.Basic, sp.Expr] = {}
        self._hide_untyped(declaration, facts)
        for fact in sorted(facts, key=lambda f: not isinstance(f, sp.StrictGreaterThan | sp.StrictLessThan)):
            if isinstance(fact, sp.core.relational._Inequality):
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
        forms = [self.outside(form) for form in (expr, _factored(expr), _expanded(expr))]
        forms += [_expanded(forms[0])]
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
        return sign * sign_below * _expanded(parts) / parts_below


def _unsigned(expr: sp.Expr) -> tuple[int, sp.Expr]:
    """The known sign of `expr` and the product of its factors of unknown sign (even powers stay, they may vanish)."""
    if expr.is_comparable:
        return 1, sp.sign(expr)
    sign, rest = 1, sp.S.One
    for factor in sp.Mul.make_args(_factored(expr)):
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


# ---------------------------------------------------------------------------------------------------- roots


def usable_root(expr: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """The only real root that the assumptions on `x` allow, or None where that cannot be decided."""
    found = _roots(expr, x)
    if found is None:
        return None
    possible = [root for root in dict.fromkeys(found) if _possible(root, x)]
    return possible[0] if len(possible) == 1 and _real(possible[0]) else None


def _possible(root: sp.Expr, x: sp.Symbol) -> bool:
    sign = _sign(root)
    negative = sign == -1 or (sign == 0 and x.is_positive)
    return root.is_real is not False and not (negative and x.is_nonnegative)


def _real(root: sp.Expr) -> bool:
    symbols = root.free_symbols
    rational = root.is_rational_function(*symbols) and all(s.is_real for s in symbols)
    return bool(root.is_real) or bool(rational)


def _roots(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    top = sp.fraction(sp.cancel(expr) if expr.is_rational_function(x) else sp.together(expr))[0]
    if top.is_polynomial(x):
        return _polynomial_roots(top, x)
    by_power = _power_roots(top, x)
    return by_power if by_power is not None else _isolated(sp.powsimp(_expanded(expr)), x, sp.S.Zero)


def _polynomial_roots(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    roots: list[sp.Expr] = []
    masked, back = _masked(expr)
    for factor, _ in sp.factor_list(masked, x)[1]:
        found = _factor_roots(sp.Poly(factor, x))
        if found is None:
            return None
        roots += (root.xreplace(back) for root in found)
    return tuple(roots)


def _factor_roots(poly: sp.Poly) -> tuple[sp.Expr, ...] | None:
    (x,), degree, coefficients = poly.gens, poly.degree(), poly.all_coeffs()
    signs = {_sign(c) for c in coefficients if c != 0}
    if x.is_positive and len(signs) == 1 and None not in signs:
        return ()
    if len(poly.terms()) == 1:
        return (sp.S.Zero,)
    if degree == 2 and coefficients[1] != 0:
        return _quadratic_roots(*coefficients)
    if degree == 1 or (len(poly.terms()) == 2 and coefficients[-1] != 0):
        return _radicals(-coefficients[-1] / coefficients[0], degree)
    return None


def _quadratic_roots(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> tuple[sp.Expr, ...]:
    """Both roots, written without cancellation where signs are known, which also makes their signs decidable."""
    if _sign(a) == -1:
        a, b, c = -a, -b, -c
    root = sp.sqrt(sp.factor(b**2 - 4 * a * c))
    if _sign(b) == 1:
        return (2 * c / (-b - root), (-b - root) / (2 * a))
    return ((-b + root) / (2 * a), (-b - root) / (2 * a) if _sign(b) is None else 2 * c / (-b + root))


def _radicals(value: sp.Expr, degree: int) -> tuple[sp.Expr, ...] | None:
    """The real solutions of x**degree = value, None where the sign of `value` leaves them open."""
    if degree == 1:
        return (_factored(value),)
    sign = _sign(value)
    if sign is None or sign == 0:
        return None
    radical = _factored(sign * value) ** sp.Rational(1, degree)
    if degree % 2:
        return (sign * radical,)
    return (radical, -radical) if sign == 1 else ()


def _power_roots(top: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    """Roots of a polynomial in some x**(1/n), by the substitution x = t**n."""
    exponents = [power.exp for power in top.atoms(sp.Pow) if power.base == x]
    if not x.is_nonnegative or not exponents or not all(e.is_Rational for e in exponents):
        return None
    n = sp.ilcm(*(e.q for e in exponents), 1)
    t = sp.Dummy("t", positive=True) if x.is_positive else sp.Dummy("t", nonnegative=True)
    replaced = top.subs(x, t**n)
    found = _polynomial_roots(sp.expand(replaced), t) if replaced.is_polynomial(t) else None
    return None if found is None else tuple(root**n for root in found if _possible(root, t))


def _isolated(expr: sp.Expr, x: sp.Symbol, value: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """Solutions of expr = value by undoing one operation after another, None where x cannot be isolated."""
    if expr.is_polynomial(x):
        return _polynomial_roots(expr - value, x)
    constant, rest = expr.as_independent(x, as_Add=True)
    if constant != 0:
        return _isolated(rest, x, value - constant)
    if rest.is_Add:
        return _two_powers(rest, x) if value == 0 else None
    coefficient, rest = rest.as_independent(x, as_Add=False)
    if coefficient != 1:
        return _isolated(rest, x, _factored(value / coefficient))
    return _inverted(rest, x, value)


def _inverted(expr: sp.Expr, x: sp.Symbol, value: sp.Expr) -> tuple[sp.Expr, ...] | None:
    if isinstance(expr, sp.exp):
        return _isolated(expr.exp, x, sp.log(value))
    if isinstance(expr, sp.log):
        return _isolated(expr.args[0], x, sp.exp(value))
    if not expr.is_Pow:
        return None
    base, exponent = expr.args
    if not base.has(x):
        return _isolated(exponent, x, sp.log(value) / sp.log(base))
    single = not exponent.has(x) and not exponent.is_even and _sign(value) == 1
    return _isolated(base, x, value ** (1 / exponent)) if single else None


def _two_powers(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    """The positive root of c1*x**e1 + c2*x**e2 with any real exponents."""
    terms = [term.as_independent(x, as_Add=False) for term in expr.args]
    if len(terms) != 2 or not x.is_positive:
        return None
    (c1, power1), (c2, power2) = terms
    ratio = sp.powsimp(power1 / power2)
    if ratio.is_Pow and ratio.base == x and not ratio.exp.has(x) and _sign(-c2 / c1) == 1:
        return (_factored(-c2 / c1) ** (1 / ratio.exp),)
    return None


# ---------------------------------------------------------------------------------------------------- tables


class _Derivation:
    """What scalar and vector decisions share: symbols, facts, thresholds, the frame of the table."""

    def __init__(self, declaration: Declaration, facts: tuple[Relation, ...]) -> None:
        self.declaration = declaration
        self.facts = facts
        self.lambdas = tuple(sp.Symbol(f"lambda_{c.name}", nonnegative=True) for c in declaration.constraints)
        self._enter(facts)

    def _enter(self, facts: Iterable[Relation], stated: Iterable[Relation] = ()) -> None:
        """Takes `facts` for signs, and those only `stated` (they would make formulas longer) for conditions."""
        signs, besides = _distinct(facts), _distinct(stated)
        self.facts = (*signs, *besides)
        self.signs = _Signs(self.declaration, signs, besides)
        self.price = self.signs.inside(self.declaration.price)
        self.decisions = tuple(self.signs.inside(d) for d in self.declaration.decisions)
        self.utility = self.signs.inside(self.declaration.follower_utility)
        self.gaps = tuple(self.signs.inside(c.gap) for c in self.declaration.constraints)

    def cases(self) -> tuple[Case, ...]:
        raise NotImplementedError

    def table(self) -> CaseTable:
        cases = self.cases()
        constraints = self.declaration.constraints
        penalty = sp.Add(*(m * c.gap for m, c in zip(self.lambdas, constraints, strict=True)))
        lagrangian = self.declaration.follower_utility - penalty
        stationarity = tuple(sp.diff(lagrangian, d) for d in self.declaration.decisions)
        return CaseTable(self.declaration, self.lambdas, lagrangian, stationarity, self.facts, cases)

    def conditions(self, expressions: Iterable[sp.Expr]) -> list[Relation] | None:
        """The conditions that each expression is >= 0, beyond the facts; None if one of them never holds."""
        found = _distinct(self.signs.condition(expr) for expr in expressions)
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
        if root is None or (expr.diff(self.price, 2) != 0 and self.price.is_nonnegative and _sign(root) != 1):
            return None
        slope = _sign(sp.diff(expr, self.price).subs(self.price, root))
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


class _Scalar(_Derivation):
    """One decision: the utility's slope at the limits decides everything."""

    def cases(self) -> tuple[Case, ...]:
        self._locate()
        self._require_concave()
        self.slope = sp.powsimp(sp.diff(self.utility, self.x))
        found = [self._interior()]
        for size in range(1, len(self.limits) + 1):
            found += [self._bound(active) for active in itertools.combinations(self.limits, size)]
        return tuple(case for case in found if case is not None)

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
        slope = _sign(sp.diff(gap, self.x).subs(self.x, root)) or _sign(sp.diff(gap, self.x))
        if not slope:
            raise InvalidGame(_one_sided(constraint, self.declaration.decision))
        return _Limit(k, root, slope == 1)

    def _may_divide_by_zero(self, gap: sp.Expr) -> bool:
        bottom = sp.fraction(sp.together(gap))[1]
        return bool(bottom.has(self.x)) and not _sign(bottom)

    def _needed_for_domain(self) -> list[Relation]:
        """A limit that is not affine, or an upper one, can only be met by a decision inside its domain."""
        if not self.x.is_nonnegative:
            return []
        shut_out = [v for v in self.limits if v.upper or sp.diff(self.gaps[v.index], self.x, 2) != 0]
        found = [self.signs.condition(limit.root) for limit in shut_out]
        if sp.false in found:
            raise InvalidGame(_empty(self.declaration, "a limit lies outside the decision's own sign"))
        open_ended = self.x.is_positive or any(sp.fraction(v.root)[1].free_symbols for v in shut_out)
        return [_strict(c) if open_ended else c for c in found if c != sp.true]

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
        slopes = [self.slope.subs(self.x, v.root) * (-1 if v.upper else 1) for v in self.limits]
        return self._slopes_at_ends(slopes) if root is None else [*slopes, *self._in_domain(root, self.limits)]

    def _slopes_at_ends(self, at: list[sp.Expr]) -> list[sp.Expr]:
        """What is >= 0 where the slope changes sign between the limits, or the ends of the domain."""
        if not self._lower:
            at = [*at, self._slope_towards(sp.S.Zero if self.x.is_nonnegative else -sp.oo)]
        return at if self._upper else [*at, -self._slope_towards(sp.oo)]

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
        slope = self.slope.subs(self.x, first.root)
        sides = {limit.upper for limit in active}
        pulls = [slope if first.upper else -slope] if len(sides) == 1 else []
        conditions = self.conditions([*pulls, *self._inside(first.root, active)])
        if conditions is None or sp.false in meetings:
            return None
        indices = [limit.index for limit in active]
        return self.case(indices, (first.root,), self._multipliers(indices, first.root), conditions, meetings)

    def _meeting(self, first: _Limit, other: _Limit) -> Relation:
        distance = _sign(sp.together(first.root - other.root))
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


class _Vector(_Derivation):
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
                ends = [(x, root) for root, upper in self._box(x) if _sign(slope) == (-1 if upper else 1)]
                own = _sign(slope) == 1 and x.is_nonnegative and not ends
                sides.append([(x, sp.S.Zero)] if own else ends)
        return sides

    def _box(self, x: sp.Symbol) -> list[tuple[sp.Expr, bool]]:
        """The limits on `x` alone: (limit, whether it is an upper one)."""
        limits = []
        for gap in self.gaps:
            slope = sp.diff(gap, x)
            if not gap.has(*(y for y in self.decisions if y != x)) and _sign(slope):
                limits.append((sp.factor(x - gap / slope), _sign(slope) == 1))
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


# ---------------------------------------------------------------------------------------------------- words


def _strict(relation: Relation) -> Relation:
    return sp.Gt(relation.gts, relation.lts, evaluate=False)


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


class _Latex(LatexPrinter):  # type: ignore[misc]  # SymPy ships no types
    """SymPy's printer, with the positive terms of a sum first: T_max - T_comm."""

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        return sorted(super()._as_ordered_terms(expr, order), key=lambda term: bool(term.could_extract_minus_sign()))


def _latex(expr: sp.Basic) -> str:
    return str(_Latex().doprint(expr))


def _latex_equations(table: CaseTable) -> list[str]:
    symbols = ", ".join(_latex(s) for s in (*table.declaration.decisions, *table.multipliers))
    lines = [rf"L({symbols}) &= {_latex(table.lagrangian)}"]
    for d, slope in zip(table.declaration.decisions, table.stationarity, strict=True):
        lines.append(rf"\frac{{\partial L}}{{\partial {_latex(d)}}} &= {_latex(slope)} = 0")
    return [r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}"]


def _latex_cases(cases: Sequence[Case]) -> list[str]:
    rows = [r"\begin{center}", r"\renewcommand{\arraystretch}{1.6}", r"\begin{tabular}{llll}", r"\hline"]
    rows += [r"active & decision & multipliers & conditions \\", r"\hline"]
    for case in cases:
        multipliers = [rf"\lambda_{{\text{{{_text(n)}}}}} = {_latex(m)}" for n, m in case.multipliers.items()]
        decision = ["U' = 0"] if case.decision is None else [_latex(x) for x in case.decision]
        wanted = [_latex(c) for c in (*case.compatibility, *case.conditions)]
        cells = [_stack(cell) for cell in (decision, multipliers, wanted)]
        rows.append(" & ".join([_text(case.name), *cells]) + r" \\")
    return [*rows, r"\hline", r"\end{tabular}", r"\end{center}"]


def _latex_facts(table: CaseTable) -> list[str]:
    symbols = sorted({*table.declaration.parameters, table.declaration.price, *table.declaration.decisions}, key=str)
    signs = [f"{_latex(s)} {'>' if s.is_positive else chr(92) + 'ge'} 0" for s in symbols if s.is_nonnegative]
    facts = [*signs, *(_latex(fact) for fact in table.facts)]
    return [r"\noindent Assumptions: " + ", ".join(f"${fact}$" for fact in facts) + "."] if facts else []


def _stack(lines: Sequence[str]) -> str:
    return r"$\begin{array}{@{}l@{}}" + r" \\ ".join(lines) + r"\end{array}$" if lines else "--"


def _text(name: str) -> str:
    return name.replace("_", r"\_")
