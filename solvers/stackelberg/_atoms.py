"""The follower problem in CVXPY's terms: sums of convex and concave atoms of the decision, in each follower's units.

Two things make every follower comparable, not only their sum: the decision is centre + radius*z with z about in
[-1, 1], read off the constraints that are linear in the decision, and each follower's utility and constraints are
divided by their own largest coefficient. Poor units would cost digits but could not change the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame
from solvers.stackelberg._program import Environment, lower

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

NARROW = 1e-6  # a range below this share of the decision's size counts as this share
EXPONENTS = range(-100, 101)  # powers of two tried as the distance to a maximiser without a limit

# --- SymPy to coefficients and atoms --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sum:
    """`square*d**2 + slope*d + constant`, plus coefficients times atoms of d."""

    square: sp.Expr
    slope: sp.Expr
    constant: sp.Expr
    atoms: tuple[tuple[sp.Expr, sp.Expr], ...]


def decompose(expr: sp.Expr, d: sp.Symbol) -> Sum:
    """The expression with like terms collected."""
    powers = [sp.Integer(0)] * 3
    atoms: dict[sp.Expr, sp.Expr] = {}
    for coefficient, atom in _terms(expr, d):
        if atom.is_polynomial(d) and sp.degree(atom, d) <= 2:
            for k, part in enumerate(reversed(sp.Poly(atom, d).all_coeffs())):
                powers[k] += coefficient * part
        else:
            atoms[atom] = atoms.get(atom, sp.Integer(0)) + coefficient
    return Sum(powers[2], powers[1], powers[0], tuple((c, atom) for atom, c in atoms.items()))


def _terms(expr: sp.Expr, d: sp.Symbol) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """(coefficient, atom) for each term, products multiplied out and quotients in partial fractions."""
    for term in sp.Add.make_args(sp.expand_mul(expr)):
        coefficient, atom = term.as_independent(d, as_Add=False)
        simpler = _simpler(atom, d)
        for inner, part in [(sp.Integer(1), atom)] if simpler is None else _terms(simpler, d):
            yield coefficient * inner, part


def _simpler(atom: sp.Expr, d: sp.Symbol) -> sp.Expr | None:
    """A sum equal to the atom, if it has one that suits; None if it is one term for good."""
    if atom.is_polynomial(d) and sp.degree(atom, d) <= 2:
        return None
    forms: list[sp.Expr] = []
    if atom.func is sp.log:
        inside = atom.args[0]
        forms = [sp.expand_log(sp.log(sp.factor(inside)))] if inside.is_polynomial(d) else []
    elif not (atom.is_Pow and (atom.exp.has(d) or _is_affine(atom.base, d))):
        forms = [sp.apart(sp.cancel(atom), d)] if atom.is_rational_function(d) and not atom.is_polynomial(d) else []
        forms += [sp.expand(atom, power_exp=False)] if atom.is_Mul else []
    return next((form for form in forms if form.is_Add), None)


def _is_affine(expr: sp.Expr, d: sp.Symbol) -> bool:
    return bool(expr.is_polynomial(d) and sp.degree(expr, d) <= 1)


def cleared(gap: sp.Expr, d: sp.Symbol) -> sp.Expr:
    """A gap multiplied by its denominator, if that is positive and makes it linear: the same decisions satisfy it."""
    numerator, denominator = sp.fraction(sp.together(gap))
    if denominator.has(d) and denominator.is_positive and _is_affine(numerator, d):
        return numerator
    return gap


# --- units ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Units:
    """The decision is centre + radius*z."""

    centre: Array
    radius: Array

    def decisions(self, z: Array) -> Array:
        return self.centre + self.radius * z


def units_of(game: StackelbergGame, linear: Sequence[Sum]) -> Units:
    """Units in which the feasible decisions of every follower lie about within [-1, 1]."""
    low, high = _closed(game, *crude_limits(game, linear, game.bounds))
    centre, radius = 0.5 * (low + high), 0.5 * (high - low)
    radius = np.maximum(radius, NARROW * np.abs(centre))
    return Units(centre, np.where(radius > 0, radius, 1.0))


def crude_limits(game: StackelbergGame, linear: Sequence[Sum], prices: Sequence[float]) -> tuple[Array, Array]:
    """An interval that holds each follower's feasible decisions at the prices, by the constraints linear in it."""
    shape = (len(prices), len(game.names))
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    for k, price in enumerate(prices):
        for form in linear:
            slope, constant = lower([form.slope, form.constant]).evaluate(game.at(price))
            with np.errstate(all="ignore"):
                root = -np.divide(constant, slope)
            low[k] = np.where(np.less(slope, 0), np.maximum(low[k], root), low[k])
            high[k] = np.where(np.greater(slope, 0), np.minimum(high[k], root), high[k])
    return np.min(low, axis=0), np.max(high, axis=0)


def _closed(game: StackelbergGame, low: Array, high: Array) -> tuple[Array, Array]:
    """Finite ends: where there is no limit, the farthest maximiser over three prices within a factor of two."""
    for end, other, sign in ((high, low, 1.0), (low, high, -1.0)):
        base, is_open = np.where(np.isfinite(other), other, 0.0), np.isinf(end)
        if np.any(is_open):
            farthest = np.max([_reach(game, price, base, sign) for price in np.linspace(*game.bounds, 3)], axis=0)
            end[is_open] = (base + sign * farthest)[is_open]
    return low, high


def _reach(game: StackelbergGame, price: float, base: Array, sign: float) -> Array:
    """The smallest power of two that, as a distance from the base, is past the peak of the declared utility."""
    declared = game.declaration
    slope = lower([sp.diff(declared.follower_utility, declared.decision)])
    reach = np.full(base.shape, np.nan)
    for exponent in EXPONENTS:
        trial = base + sign * 2.0**exponent
        rise = sign * np.asarray(slope.evaluate(game.at(price, **{declared.decision.name: trial}))[0])
        reach = np.where(np.isnan(reach) & (rise <= 0), 2.0**exponent, reach)
    return np.where(reach > 2.0 ** EXPONENTS[0], reach, 1.0)  # 1: at the base itself, or nowhere


# --- coefficients and atoms to CVXPY --------------------------------------------------------------------------------

Column: TypeAlias = dict[sp.Expr, Array]  # functions of the price, and the (n,) numbers that multiply each


@dataclass(frozen=True, eq=False)
class _Atom:
    """An atom as `factor * expression + shift`, the expression of moderate size."""

    expression: Any
    factor: Array | float = 1.0
    shift: Array | float = 0.0


@dataclass(frozen=True, eq=False)
class _Row:
    """A sum per follower: what multiplies z**2, z, 1 and each atom, and how to show these to the user."""

    columns: list[Column]
    bases: list[Any]
    shown: list[sp.Expr]

    def over(self, scale: Array) -> _Row:
        """The row divided by a scale."""
        safe = np.where(scale > 0, scale, 1.0)
        return replace(self, columns=[_times(column, 1 / safe) for column in self.columns])

    def shifted(self, shift: Array) -> _Row:
        """The row plus a constant."""
        square, slope, constant, *rest = self.columns
        return replace(self, columns=[square, slope, _plus(constant, {sp.Integer(1): shift}), *rest])


def _times(column: Column, factor: Array | float) -> Column:
    return {function: values * factor for function, values in column.items()}


def _plus(*columns: Column) -> Column:
    functions = dict.fromkeys(function for column in columns for function in column)
    return {f: np.sum([column[f] for column in columns if f in column], axis=0) for f in functions}


class Builder:
    """Turns sums into CVXPY expressions of the one variable z; `parameters` are functions of the price.

    A function that also has a follower's own numbers in it becomes a parameter of shape (n,), for which CVXPY needs
    time quadratic in n once; the others are one number each.
    """

    def __init__(self, cp: Any, game: StackelbergGame, units: Units) -> None:
        self.cp, self.units, self.d, self.price = cp, units, game.declaration.decision, game.declaration.price
        self.z = cp.Variable(units.centre.shape)
        low, high = game.bounds
        self.samples = [game.at(price) for price in (0.5 * (low + high), low, high)]
        self.parameters: dict[sp.Expr, Any] = {}
        self.links: list[Any] = []

    def outer(self, form: Sum, what: str, *, concave: bool) -> Any:
        """The utility, or a constraint's gap, per follower, over its largest coefficient."""
        row = self._row(form)
        if concave:
            row = replace(row, columns=[*row.columns[:2], {}, *row.columns[3:]])  # its constant decides nothing
        row = row.over(np.max(np.abs([self._totals(row, env) for env in self.samples]), axis=(0, 1)))
        terms = []
        for column, base, shown in zip(row.columns, row.bases, row.shown, strict=True):
            for function, values in column.items():
                if not np.all(np.isfinite(values)):
                    raise InvalidGame(f"{what}: the numbers of its term in {shown} must be finite in float64")
                term = self._term(function, values, base)
                if not (term.is_concave() if concave else term.is_convex()):
                    kind = "concave" if concave else "convex"
                    raise InvalidGame(f"{what}: CVXPY's rules do not show its term in {shown} to be {kind}")
                terms.append(self._term(function, values, self._linked(base, function)))
        return sum(terms)

    def _row(self, form: Sum) -> _Row:
        c, r, ones = self.units.centre, self.units.radius, np.ones(self.units.centre.shape)
        atoms = [self._atom(atom) for _, atom in form.atoms]
        square, slope = self._column(form.square, signed=True), self._column(form.slope)
        rest = [self._column(coefficient, signed=True) for coefficient, _ in form.atoms]
        shifts = [_times(column, atom.shift) for column, atom in zip(rest, atoms, strict=True) if np.any(atom.shift)]
        constant = _plus(self._column(form.constant), _times(slope, c), _times(square, c**2), *shifts)
        linear = _plus(_times(slope, r), _times(square, 2 * c * r))
        scaled = [_times(column, atom.factor) for column, atom in zip(rest, atoms, strict=True)]
        bases = [self.cp.square(self.z), self.z, ones, *(atom.expression for atom in atoms)]
        shown = [self.d**2, self.d, sp.Integer(1), *(atom for _, atom in form.atoms)]
        return _Row([_times(square, r**2), linear, constant, *scaled], bases, shown)

    def _column(self, coefficient: sp.Expr, *, signed: bool = False) -> Column:
        """A coefficient split into functions of the price; left whole where its parts may differ in sign."""
        split: dict[sp.Expr, sp.Expr] = {}
        for term in sp.Add.make_args(sp.expand_mul(coefficient)):
            numbers, function = term.as_independent(self.price, as_Add=False)
            split[function] = split.get(function, sp.Integer(0)) + numbers
        if signed and len(split) > 1:
            split = {coefficient: sp.Integer(1)}
        shape, env = self.units.centre.shape, self.samples[0]
        numeric = {f: lower([numbers]).evaluate(env)[0] for f, numbers in split.items() if numbers != 0}
        return {f: np.array(np.broadcast_to(value, shape), dtype=np.float64) for f, value in numeric.items()}

    def _totals(self, row: _Row, env: Environment) -> list[Array]:
        """The coefficients of z**2, z, 1 and each atom at a price, (n,)."""
        zero = np.zeros(self.units.centre.shape)
        return [sum((lower([f]).evaluate(env)[0] * v for f, v in c.items()), start=zero) for c in row.columns]

    def _term(self, function: sp.Expr, values: Array, base: Any) -> Any:
        if function == 1:
            return self.cp.multiply(values, base)
        return self.cp.multiply(self._parameter(function), self.cp.multiply(values, base))

    def _parameter(self, function: sp.Expr) -> Any:
        """A parameter with the sign that the function has at the lowest, the middle and the highest price."""
        if function not in self.parameters:
            values = np.array([lower([function]).evaluate(env)[0] for env in self.samples], dtype=np.float64)
            sign = {"nonneg": bool(np.all(values >= 0)), "nonpos": bool(np.all(values <= 0))}
            self.parameters[function] = self.cp.Parameter(values.shape[1:], name=str(function), **sign)
        return self.parameters[function]

    def _linked(self, base: Any, function: sp.Expr) -> Any:
        """The base, or a variable bound to it: a product of two parametrised factors would not be DPP."""
        if function == 1 or not getattr(base, "parameters", list)():
            return base
        variable = self.cp.Variable(base.shape)
        self.links.append(variable <= base if base.is_concave() else variable >= base)
        return variable

    # --- atoms -----------------------------------------------------------------------------------------------------

    def _atom(self, atom: sp.Expr) -> _Atom:
        if atom == self.d * sp.log(self.d):
            return _Atom(-self.cp.entr(self.units.centre + self.cp.multiply(self.units.radius, self.z)))
        if atom.func is not sp.log and atom.func is not sp.exp and not (atom.is_Pow and not atom.exp.has(self.d)):
            raise InvalidGame(f"the follower problem: CVXPY has no convex or concave form of the term {atom}")
        row = self._row(decompose(atom.args[0], self.d))
        level, spread = self._extent(row)
        if atom.func is sp.exp:
            return _Atom(self.cp.exp(self._inside(row.shifted(-level - spread))), np.exp(level + spread))
        size = np.abs(level) + spread
        if atom.func is sp.log:
            return _Atom(self.cp.log(self._inside(row.over(size))), 1.0, np.log(size))
        exponent = self._exponent(atom, row)
        return _Atom(self.cp.power(self._inside(row.over(size)), exponent), size**exponent)

    def _extent(self, row: _Row) -> tuple[Array, Array]:
        """A row's constant, and about how far it moves from there, at the middle price for z in [-1, 1]."""
        square, slope, constant, *rest = self._totals(row, self.samples[0])
        return constant, np.asarray(np.abs(square) + np.abs(slope) + np.sum(np.abs(rest), axis=0))

    def _exponent(self, power: sp.Expr, row: _Row) -> float:
        """The exponent as a number, where CVXPY's reading of the power, for nonnegative bases, is the declared one."""
        value = lower([power.exp]).evaluate(self.samples[0])[0]
        if np.ndim(value) or power.exp.has(self.price):
            raise InvalidGame(f"the follower problem: the exponent of {power} must be one number for all followers")
        exponent = float(value)
        if 0 < exponent < 1 or (exponent > 1 and exponent % 2 == 0):
            return exponent
        totals = [self._totals(row, env) for env in self.samples]
        least = np.min([t[2] - np.abs(t[1]) for t in totals]) if _is_affine(power.base, self.d) else -np.inf
        if not (least >= 0 or power.base.is_nonnegative):
            raise InvalidGame(f"the follower problem: the base of the term {power} is not shown to be positive")
        return exponent

    def _inside(self, row: _Row) -> Any:
        pairs = zip(row.columns, row.bases, strict=True)
        return sum(self._term(f, v, self._linked(base, f)) for column, base in pairs for f, v in column.items())
