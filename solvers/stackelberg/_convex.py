"""The follower problem as one vectorised CVXPY problem, generated from the declaration: a second opinion on the cases.

Nothing here knows a case, a threshold or a limit in closed form. The declared utility and constraints are split into
coefficients and convex or concave atoms of the decision; functions of the price among the coefficients become CVXPY
parameters, so that another price needs no new canonicalisation.

Two things make every follower comparable, not only their sum. Units: the decision is centre + radius*z with z about in
[-1, 1], read off the constraints that are linear in the decision, and each follower's utility and constraints are
divided by their own largest coefficient; poor units would cost digits but could not change the problem. Refinement: an
interior-point method leaves an error of about the square root of its tolerance where a limit only just binds, which is
where leaders like to put their price. Quadratic problems therefore go to OSQP; the others go to Clarabel and are then
refined by sequential quadratic programming on the declared utility and constraints, each step solved by OSQP.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp

from solvers.core import Array, InvalidGame, NotSolved
from solvers.stackelberg._program import Environment, Program, Value, lower

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

AGREEMENT = 1e-6  # largest deviation from the closed form, as a share of the follower's range
STEP = 1e-9  # a refinement step, in units of z, that ends the refinement
STEPS = 12  # refinement steps at most; they converge quadratically
NARROW = 1e-6  # a range below this share of the decision's size counts as this share
EXPONENTS = range(-100, 101)  # powers of two tried as the distance to a maximiser without a limit
# OSQP's own polishing is no more exact, and prints to stdout.
OSQP = {"solver": "OSQP", "eps_abs": 1e-12, "eps_rel": 1e-12, "max_iter": 50_000, "polishing": False}
CLARABEL = {"solver": "CLARABEL", "tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}  # refined afterwards


@dataclass(frozen=True, eq=False)
class Comparison:
    """What CVXPY says about the followers at one price, beside the closed form.

    `deviation` is the largest distance between the two, as a share of the follower's feasible range (of the distance
    to its best decision, where the range is infinite), and `follower` is whose it is. `seconds` is the time of the
    CVXPY solve, canonicalisation included at the first price.
    """

    price: float
    decisions: Array
    deviation: float
    follower: str
    seconds: float
    solver: str

    @property
    def agrees(self) -> bool:
        """Whether every follower's decision is within `AGREEMENT` of the closed form; nan is not."""
        return self.deviation <= AGREEMENT


class ConvexFollowers:
    """The followers of a game as one parametrised CVXPY problem, to be solved at as many prices as wanted.

    Raises
    ------
    InvalidGame
        If the follower problem is not representable by disciplined convex programming; the message names the term.
    NotSolved
        If CVXPY is not installed.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> followers = ConvexFollowers(load("two-peaks"))
    >>> (followers.best_response(7.0) / 1e8).round(3)
    array([9.555, 9.555, 9.555])
    """

    def __init__(self, game: StackelbergGame) -> None:
        self._cp, self.game = _cvxpy(), game
        declared, d = game.declaration, game.declaration.decision
        gaps = [_cleared(c.gap, d) for c in declared.constraints]
        sums = [_decompose(gap, d) for gap in gaps]
        self._linear = [s for s in sums if not s.atoms and s.square == 0]
        self.units = _units(game, self._linear)
        builder = _Builder(self._cp, game, self.units)
        with np.errstate(all="ignore"):  # numbers that are not finite are refused by name
            utility = builder.outer(_decompose(declared.follower_utility, d), "the follower's utility", concave=True)
            pairs = zip(sums, declared.constraints, strict=True)
            limits = [builder.outer(form, f"constraint {c.name!r}", concave=False) <= 0 for form, c in pairs]
        self.problem = self._cp.Problem(self._cp.Maximize(self._cp.sum(utility)), limits + builder.links)
        self._z = builder.z
        self._parameters = [(parameter, lower([function])) for function, parameter in builder.parameters.items()]
        self._quadratic = bool(self.problem.is_qp())
        self._refinement = _Refinement(self._cp, game, self.units, gaps)

    @property
    def solver(self) -> str:
        """The names of the solvers that CVXPY calls."""
        return "OSQP" if self._quadratic else "Clarabel, OSQP"

    def best_response(self, price: float) -> Array:
        """Each follower's best decision at a price, (n,), as CVXPY finds it.

        Raises
        ------
        InvalidGame
            If the price is outside the game's bounds, or a coefficient has another sign there than at both bounds and
            between them, so that the problem is not shown to be convex.
        NotSolved
            If the solver ends without an optimum; the message has its status.
        """
        if not self.game.bounds[0] <= price <= self.game.bounds[1]:
            raise InvalidGame(f"price must lie in {list(self.game.bounds)}, got {price}")
        env = self.game.at(price)
        for parameter, program in self._parameters:
            _set(parameter, program.evaluate(env)[0])
        options = OSQP if self._quadratic else CLARABEL
        _solve(self.problem, price, **options)
        z = np.asarray(self._z.value, dtype=np.float64)
        return self.units.decisions(z if self._quadratic else self._refinement.refined(price, z))

    def compare(self, price: float) -> Comparison:
        """The largest deviation of the game's closed-form best response from CVXPY's."""
        start = time.perf_counter()
        decisions = self.best_response(price)
        seconds = time.perf_counter() - start
        share = np.abs(self.game.best_response(price) - decisions) / self._range(price, decisions)
        worst = int(np.argmax(share))
        return Comparison(price, decisions, float(share[worst]), str(self.game.names[worst]), seconds, self.solver)

    def _range(self, price: float, decisions: Array) -> Array:
        """Each follower's range: by its limits, but no wider than by the declared constraints that are linear."""
        limits, (low, high) = self.game.limits(price), _crude_limits(self.game, self._linear, [price])
        width = np.fmin(limits.high - limits.low, high - low)
        width = np.where(np.isfinite(width), width, self.units.radius)
        return np.asarray(np.fmax(width, np.fmax(NARROW * np.abs(decisions), np.finfo(float).tiny)))


def convex_best_response(game: StackelbergGame, price: float) -> Array:
    """Each follower's best decision at a price, (n,), by CVXPY from the declaration; no closed form is used.

    Raises
    ------
    InvalidGame
        If the follower problem is not representable by disciplined convex programming; the message names the term.
    NotSolved
        If CVXPY is not installed, or its solver ends without an optimum.

    References
    ----------
    Agrawal et al., "Differentiable convex optimization layers", NeurIPS 2019, section 4.1 (parametrised problems).
    Baccour et al., IEEE IoT Journal 11(12), 2024, problem (22).

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> (convex_best_response(load("two-peaks"), 7.0) / 1e8).round(3)
    array([9.555, 9.555, 9.555])
    """
    return ConvexFollowers(game).best_response(price)


def compare(game: StackelbergGame, price: float) -> Comparison:
    """The largest deviation of the closed-form best response from CVXPY's at a price, and whose it is.

    Raises
    ------
    InvalidGame, NotSolved
        As `convex_best_response` does.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> compare(load("two-peaks"), 7.0).agrees
    True
    """
    return ConvexFollowers(game).compare(price)


# --- SymPy to coefficients and atoms --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sum:
    """`square*d**2 + slope*d + constant`, plus coefficients times atoms of d."""

    square: sp.Expr
    slope: sp.Expr
    constant: sp.Expr
    atoms: tuple[tuple[sp.Expr, sp.Expr], ...]

    @property
    def coefficients(self) -> list[sp.Expr]:
        return [self.square, self.slope, self.constant, *(coefficient for coefficient, _ in self.atoms)]


def _decompose(expr: sp.Expr, d: sp.Symbol) -> _Sum:
    """The expression with like terms collected."""
    powers = [sp.Integer(0)] * 3
    atoms: dict[sp.Expr, sp.Expr] = {}
    for coefficient, atom in _terms(expr, d):
        if atom.is_polynomial(d) and sp.degree(atom, d) <= 2:
            for k, part in enumerate(reversed(sp.Poly(atom, d).all_coeffs())):
                powers[k] += coefficient * part
        else:
            atoms[atom] = atoms.get(atom, sp.Integer(0)) + coefficient
    return _Sum(powers[2], powers[1], powers[0], tuple((c, atom) for atom, c in atoms.items()))


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


def _cleared(gap: sp.Expr, d: sp.Symbol) -> sp.Expr:
    """A gap multiplied by its denominator, if that is positive and makes it linear: the same decisions satisfy it."""
    numerator, denominator = sp.fraction(sp.together(gap))
    if denominator.has(d) and denominator.is_positive and _is_affine(numerator, d):
        return numerator
    return gap


# --- units ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Units:
    """The decision is centre + radius*z."""

    centre: Array
    radius: Array

    def decisions(self, z: Array) -> Array:
        return self.centre + self.radius * z


def _units(game: StackelbergGame, linear: Sequence[_Sum]) -> _Units:
    """Units in which the feasible decisions of every follower lie about within [-1, 1]."""
    low, high = _closed(game, *_crude_limits(game, linear, game.bounds))
    centre, radius = 0.5 * (low + high), 0.5 * (high - low)
    radius = np.maximum(radius, NARROW * np.abs(centre))
    return _Units(centre, np.where(radius > 0, radius, 1.0))


def _crude_limits(game: StackelbergGame, linear: Sequence[_Sum], prices: Sequence[float]) -> tuple[Array, Array]:
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


class _Builder:
    """Turns sums into CVXPY expressions of the one variable z; `parameters` are functions of the price.

    A function that also has a follower's own numbers in it becomes a parameter of shape (n,), for which CVXPY needs
    time quadratic in n once; the others are one number each.
    """

    def __init__(self, cp: Any, game: StackelbergGame, units: _Units) -> None:
        self.cp, self.units, self.d, self.price = cp, units, game.declaration.decision, game.declaration.price
        self.z = cp.Variable(units.centre.shape)
        low, high = game.bounds
        self.samples = [game.at(price) for price in (0.5 * (low + high), low, high)]
        self.parameters: dict[sp.Expr, Any] = {}
        self.links: list[Any] = []

    def outer(self, form: _Sum, what: str, *, concave: bool) -> Any:
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

    def _row(self, form: _Sum) -> _Row:
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
        row = self._row(_decompose(atom.args[0], self.d))
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


# --- refinement and solvers -----------------------------------------------------------------------------------------


class _Refinement:
    """Sequential quadratic programming from an interior-point answer: the declared slopes and bends, one QP a step."""

    def __init__(self, cp: Any, game: StackelbergGame, units: _Units, gaps: Sequence[sp.Expr]) -> None:
        self.cp, self.game, self.units = cp, game, units
        utility, self.d = game.declaration.follower_utility, game.declaration.decision
        self.utility = lower([sp.diff(utility, self.d), sp.diff(utility, self.d, 2)])
        self.gaps = [lower([sp.diff(gap, self.d), gap]) for gap in gaps]

    def refined(self, price: float, z: Array) -> Array:
        """The decisions, in units of z, at which a further step changes nothing."""
        for _ in range(STEPS):
            step = self._step(price, z)
            z = z + step
            if np.max(np.abs(step)) <= STEP:
                return z
        raise NotSolved(f"CVXPY: the refinement at price {price:.6g} still moves after {STEPS} steps")

    def _step(self, price: float, z: Array) -> Array:
        env = self.game.at(price, **{self.d.name: self.units.decisions(z)})
        slope, bend = self._numbers(self.utility, env)
        step = self.cp.Variable(z.shape)
        worth = slope @ step + 0.5 * np.minimum(bend, 0.0) @ self.cp.square(step)
        rows = [self._numbers(gap, env) for gap in self.gaps]
        limits = [self.cp.multiply(steep, step) + gap <= 0 for steep, gap in rows]
        problem = self.cp.Problem(self.cp.Maximize(worth), limits)
        _solve(problem, price, **OSQP)
        return np.asarray(step.value, dtype=np.float64)

    def _numbers(self, program: Program, env: Environment) -> list[Array]:
        """(U', U'') or (gap', gap) in units of z, over the larger of the two; (0, 0) where one is not finite."""
        r = self.units.radius
        first, second = (np.broadcast_to(value, r.shape) for value in program.evaluate(env))
        return _normalised(first * r, second * r**2 if program is self.utility else second)


def _set(parameter: Any, value: Value) -> None:
    try:
        parameter.value = value
    except ValueError as problem:  # of a sign other than at the prices where it was looked at
        raise InvalidGame(f"the follower problem is not shown to be convex: {parameter.name()}: {problem}") from None


def _normalised(*columns: Array) -> list[Array]:
    """The columns over their largest absolute value, row by row; 0 in rows that have no finite values."""
    largest = np.max(np.abs(columns), axis=0)
    usable = np.isfinite(largest) & (largest > 0)
    return [np.where(usable, column, 0.0) / np.where(usable, largest, 1.0) for column in columns]


def _solve(problem: Any, price: float, **options: Any) -> None:
    import cvxpy

    with warnings.catch_warnings():
        # "may be inaccurate": the tolerances ask for more than may be reachable, and callers measure what came out.
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(**options)
        except (cvxpy.SolverError, ValueError) as reason:  # ValueError: a parameter that is not finite
            raise NotSolved(f"CVXPY: the follower problem at price {price:.6g} has no answer: {reason}") from None
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise NotSolved(f"CVXPY: the follower problem at price {price:.6g} ended as {problem.status!r}")


def _cvxpy() -> Any:
    try:
        import cvxpy
    except ImportError:
        raise NotSolved("the second opinion on the followers needs CVXPY; install certeq[convex]") from None
    return cvxpy
