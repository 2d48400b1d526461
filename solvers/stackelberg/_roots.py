"""Roots in closed form, of those kinds of which the assumptions decide how many are real and allowed."""

from __future__ import annotations

import sympy as sp

from solvers.stackelberg._signs import expanded, factored, masked, sign_of


def usable_root(expr: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """The only real root that the assumptions on `x` allow, or None where that cannot be decided."""
    found = _roots(expr, x)
    if found is None:
        return None
    possible = [root for root in dict.fromkeys(found) if _possible(root, x)]
    return possible[0] if len(possible) == 1 and _real(possible[0]) else None


def _possible(root: sp.Expr, x: sp.Symbol) -> bool:
    sign = sign_of(root)
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
    return by_power if by_power is not None else _isolated(sp.powsimp(expanded(expr)), x, sp.S.Zero)


def _polynomial_roots(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    roots: list[sp.Expr] = []
    plain, back = masked(expr)
    for factor, _ in sp.factor_list(plain, x)[1]:
        found = _factor_roots(sp.Poly(factor, x))
        if found is None:
            return None
        roots += (root.xreplace(back) for root in found)
    return tuple(roots)


def _factor_roots(poly: sp.Poly) -> tuple[sp.Expr, ...] | None:
    (x,), degree, coefficients = poly.gens, poly.degree(), poly.all_coeffs()
    signs = {sign_of(c) for c in coefficients if c != 0}
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
    if sign_of(a) == -1:
        a, b, c = -a, -b, -c
    root = sp.sqrt(sp.factor(b**2 - 4 * a * c))
    if sign_of(b) == 1:
        return (2 * c / (-b - root), (-b - root) / (2 * a))
    return ((-b + root) / (2 * a), (-b - root) / (2 * a) if sign_of(b) is None else 2 * c / (-b + root))


def _radicals(value: sp.Expr, degree: int) -> tuple[sp.Expr, ...] | None:
    """The real solutions of x**degree = value, None where the sign of `value` leaves them open."""
    if degree == 1:
        return (factored(value),)
    sign = sign_of(value)
    if sign is None or sign == 0:
        return None
    radical = factored(sign * value) ** sp.Rational(1, degree)
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
        return _isolated(rest, x, factored(value / coefficient))
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
    single = not exponent.has(x) and not exponent.is_even and sign_of(value) == 1
    return _isolated(base, x, value ** (1 / exponent)) if single else None


def _two_powers(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, ...] | None:
    """The positive root of c1*x**e1 + c2*x**e2 with any real exponents."""
    terms = [term.as_independent(x, as_Add=False) for term in expr.args]
    if len(terms) != 2 or not x.is_positive:
        return None
    (c1, power1), (c2, power2) = terms
    ratio = sp.powsimp(power1 / power2)
    if ratio.is_Pow and ratio.base == x and not ratio.exp.has(x) and sign_of(-c2 / c1) == 1:
        return (factored(-c2 / c1) ** (1 / ratio.exp),)
    return None
