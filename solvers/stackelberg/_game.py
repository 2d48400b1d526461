"""Stackelberg games with one price and many followers: data, validation, best responses, utilities, regrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np
import sympy as sp

from solvers._messages import quoted, suggestion
from solvers.core import Array, InvalidGame, Mask, Positions
from solvers.stackelberg import _checks, _regrets, _slopes
from solvers.stackelberg._aggregates import Aggregate
from solvers.stackelberg._cases import CaseTable
from solvers.stackelberg._curve import Curve
from solvers.stackelberg._declaration import Constraint, Declaration
from solvers.stackelberg._derive import derive, rational
from solvers.stackelberg._domain import undefined
from solvers.stackelberg._program import Program, Value, lower, spread
from solvers.stackelberg._response import Limits, Response
from solvers.stackelberg._signing import compared, linear_limits, with_sign, with_signs
from solvers.stackelberg._values import ordered, settle, sign, sign_of_values

AT_ONCE = 1 << 15  # best responses looked at together


@dataclass(frozen=True, eq=False)
class Profile:
    """The leader's price and each follower's decision, (n,); nan for a follower that stays out."""

    price: float
    decisions: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisions", np.asarray(self.decisions, dtype=np.float64))


@dataclass(frozen=True)
class Excluded:
    """A follower that takes no part, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class StackelbergGame:
    """One leader sets a price; each follower then picks the decision that is best for itself.

    Build it with `declare` or from a file with `load`. `names` and `table` hold the participants only; those who
    cannot meet their constraints are in `excluded`. Derived columns are computed over the participants.
    """

    concept: ClassVar[str] = "Stackelberg"

    title: str
    form: Declaration
    bounds: tuple[float, float]
    names: Sequence[str]
    table: Mapping[str, Array]
    parameters: Mapping[str, float]
    derived: Mapping[str, sp.Expr]
    participation: bool = True
    excluded: tuple[Excluded, ...] = field(default=())

    @classmethod
    def declare(
        cls,
        *,
        price: sp.Symbol,
        decision: sp.Symbol,
        bounds: tuple[float, float],
        leader_utility: sp.Expr,
        follower_utility: sp.Expr,
        constraints: Mapping[str, sp.Rel | tuple[sp.Expr, sp.Expr]],
        table: Mapping[str, Array],
        names: Sequence[str] | None = None,
        parameters: Mapping[str, float] | None = None,
        derived: Mapping[str, sp.Expr] | None = None,
        participation: bool = True,
        title: str = "",
    ) -> StackelbergGame:
        """The game of these SymPy expressions and columns of shape (n,), without followers who cannot take part.

        A constraint is a relation such as `d <= cap`, or a pair (left, right) that stands for left <= right. Signs of
        parameters are read off the data. With `participation`, followers whose best utility at the equilibrium price
        is not positive leave.

        Raises
        ------
        InvalidGame
            If the data is empty, not finite or of unequal length, a symbol has no value, the bounds are reversed, no
            follower can meet its constraints, or a follower's utility is not strictly concave in its decision.

        Examples
        --------
        >>> import numpy as np, sympy as sp
        >>> p, x, w = sp.symbols("p x w")
        >>> game = StackelbergGame.declare(
        ...     price=p, decision=x, bounds=(0.5, 4.0),
        ...     leader_utility=p * x, follower_utility=w * sp.log(1 + x) - p * x,
        ...     constraints={"none": x >= 0, "cap": x <= 3}, table={"w": np.array([2.0, 4.0])})
        >>> game.best_response(1.0)
        array([1., 3.])
        """
        for name, symbol in (("price", price), ("decision", decision)):
            if not isinstance(symbol, sp.Symbol):
                raise InvalidGame(f"{name} must be a SymPy symbol, got {symbol!r}")
        parts = [leader_utility, follower_utility, *(derived or {}).values()]
        pairs = {name: _sides(name, constraint) for name, constraint in constraints.items()}
        plain = _plain([*parts, *(side for pair in pairs.values() for side in pair), price, decision])
        form = Declaration(
            plain[price],
            (plain[decision],),
            rational(leader_utility).xreplace(plain),
            rational(follower_utility).xreplace(plain),
            tuple(Constraint(name, *(rational(s).xreplace(plain) for s in pair)) for name, pair in pairs.items()),
        )
        columns = _columns(table)
        interval = _numbers("bounds", bounds)
        if interval.shape != (2,):
            raise InvalidGame(f"bounds must be two finite numbers low < high, got {bounds}")
        return cls(
            title=title,
            form=form,
            bounds=(float(interval[0]), float(interval[1])),
            names=_numbered(columns) if names is None else names,
            table=columns,
            parameters={name: float(value) for name, value in (parameters or {}).items()},
            derived={name: rational(expr).xreplace(plain) for name, expr in (derived or {}).items()},
            participation=participation,
        )._checked()

    def with_followers(
        self,
        table: Mapping[str, Array],
        *,
        names: Sequence[str] | None = None,
        parameters: Mapping[str, float] | None = None,
        title: str | None = None,
    ) -> StackelbergGame:
        """The same declaration for other followers: what `declare` makes of these columns of shape (n,).

        `parameters` take the place of those of the same names, the others stay; without `names`, the followers are
        numbered. What SymPy worked out for one game serves all others of its declaration, so that the next one costs
        as little as its numbers.

        Raises
        ------
        InvalidGame
            As `declare` does, or if `parameters` has a name that is neither a parameter nor a column of this game.

        Examples
        --------
        >>> import numpy as np
        >>> from solvers.stackelberg import load, solve
        >>> game = load("two-peaks")
        >>> larger = game.with_followers({**game.table, "D": 1.1 * game.table["D"]}, parameters={"eta": 20.0})
        >>> larger.names, larger.parameters["eta"], round(solve(larger).require().price, 4)
        (['1', '2', '3'], 20.0, 8.0586)
        """
        columns, given = _columns(table), dict(parameters or {})
        for name in given:
            if name not in self.parameters and name not in self.table:
                known = [*self.parameters, *self.table]
                raise InvalidGame(f"{quoted(name)} is not a parameter of this game; {suggestion(str(name), known)}")
        return replace(
            self,
            title=self.title if title is None else title,
            names=_numbered(columns) if names is None else names,
            table=columns,
            parameters={**self.parameters, **{name: float(value) for name, value in given.items()}},
            excluded=(),
        )._checked()

    def _checked(self) -> StackelbergGame:
        """The game among the followers that can take part, its data found to be in order."""
        _checks.validate(self)
        return self._feasible_part()

    # --- what the data says ---------------------------------------------------------------------------------------

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """A number or a column (n,) for every parameter, the derived ones included."""
        values = settle(self.table, self.parameters, self.derived, len(self.names))
        for name, value in values.items():
            if not np.isfinite(value).all():
                raise InvalidGame(f"{name} must be finite, {_checks.whose(self, ~np.isfinite(value))}")
        return values

    @cached_property
    def declaration(self) -> Declaration:
        """The declaration with the signs that the data shows, of those symbols whose signs matter."""
        return with_signs(self.form, self._signs())

    @cached_property
    def facts(self) -> tuple[sp.Rel, ...]:
        """Relations between parameters that hold for every participant, such as T_max > T_comm."""
        return ordered(compared(self.declaration), self.values)

    @property
    def cases(self) -> CaseTable:
        """The derived case table of one follower's problem."""
        return self._analysis[0]

    @property
    def response(self) -> Response:
        """The generated best response."""
        return self._analysis[1]

    @cached_property
    def _analysis(self) -> tuple[CaseTable, Response]:
        return _analyse(self.declaration, self.facts)

    @cached_property
    def curve(self) -> Curve:
        """The leader's utility over the price, prepared for evaluation.

        Raises
        ------
        NotConcave
            If it is not shown to be concave between kinks.
        """
        return Curve(self)

    @cached_property
    def undefined(self) -> str:
        """Where a utility is undefined at a best response, in words; empty if it is not."""
        return undefined(self)

    @cached_property
    def _utilities(self) -> tuple[Program, Program]:
        return _utilities(self.response)

    # --- numbers at a price ----------------------------------------------------------------------------------------

    def at(self, price: float | Array, **more: Value) -> dict[str, Value]:
        """The values of all symbols, with the price (and whatever else is named) set."""
        return {**self.values, self.response.price: price, **more}

    def limits(self, price: float | Array) -> Limits:
        """The feasible interval of each follower's decision."""
        shape = np.broadcast_shapes(np.shape(price), (len(self.names),))
        if self.response.limits_move:
            return self.response.limits(self.at(price), shape)
        return self._fixed_limits

    @cached_property
    def _fixed_limits(self) -> Limits:
        return self.response.limits(self.at(self.bounds[0]), (len(self.names),))

    def best_response(self, price: float | Array) -> Array:
        """Each follower's best decision, (n,); for prices of shape (m, 1), (m, n)."""
        shape = np.broadcast_shapes(np.shape(price), (len(self.names),))
        return np.array(spread(self.response.best(self.at(price), self.limits(price)), shape))

    def follower_utilities(self, price: float | Array, decisions: Array) -> Array:
        """Each follower's utility at a decision, by the declaration; shape of `decisions`."""
        return self._utility(self._utilities[0], price, decisions)

    def leader_terms(self, price: float | Array, decisions: Array) -> Array:
        """What each follower brings the leader; shape of `decisions`."""
        return self._utility(self._utilities[1], price, decisions)

    def leader_utility(self, price: float, decisions: Array | None = None) -> float:
        """The leader's utility at a price: at the given decisions, else at the best responses. Nan counts as out."""
        decisions = self.best_response(price) if decisions is None else decisions
        return _total(self.leader_terms(price, decisions), decisions)

    def _leader_utilities(self, prices: Array) -> Array:
        """The leader's utility at prices (m,), at the best responses; several prices at once for few followers."""
        at_once = max(1, AT_ONCE // len(self.names))
        found: list[float] = []
        for start in range(0, len(prices), at_once):
            some = prices[start : start + at_once, None]
            decisions = self.best_response(some)
            found += _totals(self.leader_terms(some, decisions), decisions)
        return np.array(found)

    def leader_slopes(self, price: float) -> tuple[float, float]:
        """The leader's marginal utility just below and just above a price; they differ at a kink.

        Raises
        ------
        InvalidGame
            If the price is outside the bounds.
        """
        if not self.bounds[0] <= price <= self.bounds[1]:
            raise InvalidGame(f"price must lie in {list(self.bounds)}, got {price}")
        return _slopes.one_sided(self, price)

    def _utility(self, program: Program, price: float | Array, decisions: Array) -> Array:
        env = self.at(price, **{self.response.decision: decisions})
        return np.array(spread(program.evaluate(env)[0], decisions.shape))

    # --- the game's own measure of a profile -----------------------------------------------------------------------

    def infeasibility(self, profile: Profile) -> float:
        """The worst relative violation |left - right| / (|left| + |right|) of a limit or of the price bounds."""
        return _regrets.infeasibility(self, profile)

    def regrets(self, profile: Profile) -> Array:
        """The leader's regret, then each follower's, (1 + n,), in payoff units.

        Followers: numeric maximisation of the declared utility over the numerically found feasible interval; with
        participation, leaving is worth 0, and one that stays out regrets what joining alone would give it (without, its
        regret is infinite). Leader: the declared utility over a grid of prices refined around its best points, the
        participants best-responding. No formula of a solver is used.
        """
        return _regrets.regrets(self, profile)

    def magnitudes(self, profile: Profile) -> Array:
        """How large each player's payoffs are, (1 + n,): what 1e-9 of a payoff means, for `certify`.

        The leader's: its utility, or a thousandth of the largest at some prices if that is more. A follower's: its
        largest utility, in absolute value, at its limits and at its best response.
        """
        with np.errstate(all="ignore"):
            part = self.among(profile)
            tried = part._leader_utilities(np.linspace(*self.bounds, 9))
            here = part.leader_utility(profile.price, profile.decisions[~np.isnan(profile.decisions)])
            limits, best = self.limits(profile.price), self.best_response(profile.price)
            points = [best, *(np.where(np.isfinite(end), end, best) for end in (limits.low, limits.high))]
            sizes = np.abs(self.follower_utilities(profile.price, np.stack(points)))
            leader = np.fmax.reduce(np.abs([here, *(1e-3 * tried)]))
        return np.concatenate([[leader], np.where(np.isfinite(sizes), sizes, 0.0).max(axis=0)])

    # --- who takes part --------------------------------------------------------------------------------------------

    def among(self, profile: Profile) -> StackelbergGame:
        """The game among the followers that take part in a profile."""
        out = np.flatnonzero(np.isnan(profile.decisions))
        return self.without({int(k): "stays out" for k in out}) if len(out) else self

    def joined(self, profile: Profile) -> Iterator[tuple[Positions, StackelbergGame, Positions]]:
        """For followers that stay out: their positions, the game if each joined alone, their positions in that game.

        Without aggregates a follower's data does not depend on who else is in, and all are looked at together.
        """
        everyone, out = np.arange(len(self.names)), np.flatnonzero(np.isnan(profile.decisions))
        if not len(out):
            return
        if not any(expr.has(Aggregate) for expr in self.derived.values()):
            yield out, self, out
            return
        for k in out:
            others = out[out != k]
            game = self.without({int(j): "stays out" for j in others}) if len(others) else self
            yield np.array([k]), game, np.searchsorted(np.delete(everyone, others), [k])

    def without(self, reasons: Mapping[int, str]) -> StackelbergGame:
        """The game that remains when the followers with these positions leave; derived columns are recomputed."""
        keep = np.ones(len(self.names), dtype=bool)
        keep[list(reasons)] = False
        if not np.any(keep):
            raise InvalidGame(f"no follower is left; {self.names[min(reasons)]}: {reasons[min(reasons)]}")
        gone = tuple(Excluded(str(self.names[k]), why) for k, why in sorted(reasons.items()))
        names = [name for name, stays in zip(self.names, keep, strict=True) if stays]
        table = {name: column[keep] for name, column in self.table.items()}
        return replace(self, names=names, table=table, excluded=self.excluded + gone)

    def _feasible_part(self) -> StackelbergGame:
        game = self
        for _ in range(len(self.names)):
            reasons = _checks.infeasible(game)
            if not reasons:
                break
            game = game.without(reasons)
        _checks.check_facts(game)
        _checks.check_concavity(game)
        return game

    def binding(self, price: float, k: int) -> str:
        """How follower k's limits bind at its best response, as the end of a sentence."""
        limits, decision = self.limits(price), self.best_response(price)[k]
        ends = ((limits.low, limits.low_name), (limits.high, limits.high_name))
        names = [self.constraint_name(int(name[k])) for end, name in ends if decision == end[k]]
        return f", where {' and '.join(names)} binds" if names else ""

    def cases_at(self, price: float | Array, decisions: Array) -> dict[str, Mask]:
        """Which followers are in which case at their decisions: masks of the shape of `decisions`, by case name.

        The name joins the constraints that bind, to a relative 1e-12, by " + "; "interior" if none does.
        """
        limits, near = self.limits(price), 1e-12 * np.abs(decisions)
        code = np.zeros(decisions.shape, dtype=np.int64)
        for end, name in ((limits.low, limits.low_name), (limits.high, limits.high_name)):
            binds = np.abs(decisions - end) <= near
            code += np.where(binds & (name >= 0), 1 << np.maximum(name, 0), 0)
        return {self._case_name(int(c)): code == c for c in np.unique(code[~np.isnan(decisions)])}

    def _case_name(self, code: int) -> str:
        names = [c.name for k, c in enumerate(self.form.constraints) if code >> k & 1]
        return " + ".join(names) or "interior"

    def constraint_name(self, k: int) -> str:
        """The name of constraint k; -1 stands for the sign of the decision."""
        return "its sign" if k < 0 else self.form.constraints[k].name

    # --- signs ------------------------------------------------------------------------------------------------------

    def _signs(self) -> tuple[tuple[sp.Symbol, str], ...]:
        """The signs of the symbols that `with_signs` reads; the decision's is what its lower limits give it."""
        least = -np.inf
        for program in linear_limits(self.form):
            at, steep = (np.asarray(v) for v in program.evaluate(self.values))
            if np.all(steep < 0):
                least = max(least, float(np.min(at)))
        return (
            (self.form.price, sign(*self.bounds)),
            (self.form.decision, sign(least, np.inf)),
            *((symbol, sign_of_values(self.values[symbol.name])) for symbol in with_sign(self.form)),
        )


@lru_cache(maxsize=64)
def _analyse(declaration: Declaration, facts: tuple[sp.Rel, ...]) -> tuple[CaseTable, Response]:
    """Derived once per declaration, whatever the numbers."""
    try:
        table = derive(declaration, facts=facts)
    except InvalidGame:
        table = derive(declaration)  # facts of data under which nobody can take part; who cannot is told by name
    return table, Response(table)


@lru_cache(maxsize=64)
def _utilities(response: Response) -> tuple[Program, Program]:
    """The follower's and the leader's."""
    d = response.declaration
    return lower([d.follower_utility]), lower([d.leader_utility])


def best_response(game: StackelbergGame, price: float) -> Array:
    """Each follower's best decision at a price, (n,).

    Raises
    ------
    InvalidGame
        If the price is outside the game's bounds, or a follower's problem is unbounded.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, equations (26)-(38), corrected.

    Examples
    --------
    >>> from solvers.stackelberg import load
    >>> game = load("two-peaks")
    >>> (best_response(game, 7.0) / 1e8).round(3)
    array([9.555, 9.555, 9.555])
    """
    if not game.bounds[0] <= price <= game.bounds[1]:
        raise InvalidGame(f"price must lie in {list(game.bounds)}, got {price}")
    return game.best_response(price)


def _total(terms: Array, decisions: Array) -> float:
    """The sum of what those who take part bring the leader."""
    return float(np.sum(terms[~np.isnan(decisions)]))


def _totals(terms: Array, decisions: Array) -> list[float]:
    """The sums of rows, (m, n)."""
    if np.isnan(decisions).any():
        return list(map(_total, terms, decisions))
    sums: list[float] = terms.sum(axis=1).tolist()
    return sums


def _columns(table: Mapping[str, Array]) -> dict[str, Array]:
    columns = {name: _numbers(f"table column {name!r}", column) for name, column in table.items()}
    sizes = {column.shape for column in columns.values()}
    if len(sizes) != 1 or not all(len(s) == 1 and s[0] > 0 for s in sizes):
        raise InvalidGame(f"table must hold columns of one length (n,) with n > 0, got shapes {sorted(sizes)}")
    return columns


def _numbered(columns: Mapping[str, Array]) -> list[str]:
    return [str(k + 1) for k in range(len(next(iter(columns.values()))))]


def _numbers(what: str, values: object) -> Array:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidGame(f"{what} must be numbers, got {str(values)[:60]}") from None


def _sides(name: str, constraint: sp.Rel | tuple[sp.Expr, sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    if isinstance(constraint, tuple):
        return constraint
    if isinstance(constraint, (sp.LessThan, sp.GreaterThan)):
        return constraint.lts, constraint.gts
    raise InvalidGame(f"constraint {name!r} must be a relation <= or >=, got {constraint}")


def _plain(expressions: Sequence[sp.Expr]) -> dict[sp.Basic, sp.Basic]:
    """Every symbol, mapped to a real one of the same name."""
    return {s: sp.Symbol(s.name, real=True) for s in sp.Tuple(*expressions).free_symbols}
