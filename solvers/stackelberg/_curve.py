"""The leader's utility as a function of the price, where it is concave between known kinks.

Each follower's decision moves, as the price rises, from one limit through the interior to the other limit. On each of
the three pieces the leader's term is one generated program; a price at which a follower changes piece is a kink.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from solvers.core import Array, Mask, Positions
from solvers.stackelberg._pieces import BLOCK, PRICE, SUM_UNITS, Piece, Point, Vectorised, pieces_of, ramps_of
from solvers.stackelberg._program import (
    UNIT,
    Environment,
    Interval,
    Program,
    Value,
    around,
    lower,
    magnitude,
    picked,
    thin,
)
from solvers.stackelberg._response import Response
from solvers.stackelberg._roots import usable_root

if TYPE_CHECKING:
    from solvers.stackelberg._game import StackelbergGame

CHUNK = 1 << 14  # followers prepared at a time: what is computed of them stays in the cache
SUBDIVISIONS = 7
LIMIT = "#limit"
OUTER, INNER = 0, 1  # the programs: of the two pieces at a limit, and of the one between


class NotConcave(ValueError):
    """The pieces of the leader's utility could not be shown to be concave; the message says why."""


class Curve:
    """A game's leader utility, prepared once: thresholds sorted, price-free parts computed, rounding bounded.

    `kinks` are sorted prices and `jumps` upper bounds on the jump of the slope there. `value_error` and `slope_error`
    bound the rounding error of `value` and `slope` at every price in the bounds; `spread` that of a kink. `evaluations`
    counts the passes over all followers.
    """

    def __init__(self, game: StackelbergGame) -> None:
        forms, n = _forms_of(game), len(game.names)
        self._begin(game, forms, ((forms.prepare(game, part), slice(None)) for part in _slices(n)))

    @classmethod
    def each(cls, games: Sequence[StackelbergGame], joined: StackelbergGame) -> Iterator[Curve]:
        """The curves of games whose followers stand side by side in `joined`, prepared together.

        Raises
        ------
        NotConcave
            If this could not be shown for all of them; for some it may be.
        """
        forms, start = _forms_of(joined), 0
        together = forms.prepare(joined, slice(None))
        for game in games:
            curve, stop = cls.__new__(cls), start + len(game.names)
            curve._begin(game, forms, [(together, slice(start, stop))])
            yield curve
            start = stop

    def at(self, price: float, *, side: float | None = None) -> Point:
        """Utility and slope at a price, each follower on the piece that it is on at `side` (default: the price)."""
        self.evaluations += 1
        return self._pieces.totals(price, price if side is None else side)

    def many(self, prices: Array, sides: Array) -> tuple[Array, Array]:
        """Utilities and slopes at prices (m,), the pieces taken at `sides` (m,)."""
        if isinstance(self._pieces, Vectorised):
            self.evaluations += len(prices)
            return self._pieces.sums(prices[:, None], sides[:, None])
        points = [self.at(float(p), side=float(s)) for p, s in zip(prices, sides, strict=True)]
        return np.array([q.value for q in points]), np.array([q.slope for q in points])

    def slopes(self, sides: Array) -> Callable[[Array], Array]:
        """The slopes at prices (m,) as a function of these, the pieces taken at `sides` (m,)."""
        if not isinstance(self._pieces, Vectorised):
            return lambda prices: self.many(prices, sides)[1]
        slopes = self._pieces.slopes(sides[:, None])

        def counted(prices: Array) -> Array:
            self.evaluations += len(prices)
            return slopes(prices[:, None])

        return counted

    # --- kinks in an interval --------------------------------------------------------------------------------------

    def ramps(self, a: float, p: float) -> tuple[float, float, float]:
        """Bounds below and above on the sum of J * (p - t) over the convex kinks t in [a, p], and above on that of J.

        J are the upper bounds on the jumps; the bounds allow for the rounding of kinks and sums.
        """
        least, largest, mass = self._ramps(self._convex, self._rises, a, p, self.spread)
        return least * (1 - self._room), largest * (1 + self._room), mass * (1 + self._room)

    def ambiguity(self, price: float) -> float:
        """The total |jump| of the kinks that rounding cannot tell from the price."""
        first = int(self.kinks.searchsorted(price - self.spread))
        if first == len(self.kinks) or self.kinks[first] > price + self.spread:
            return 0.0
        last = int(self.kinks.searchsorted(price + self.spread, side="right"))
        return float(np.sum(np.abs(self.jumps[first:last])))

    # --- preparation -----------------------------------------------------------------------------------------------

    def _begin(self, game: StackelbergGame, forms: _Forms, prepared: Iterable[tuple[_Slice, slice]]) -> None:
        """Puts the game's followers together from parts of what is prepared."""
        self.low, self.high = game.bounds
        self.evaluations = 0
        n, start = len(game.names), 0
        columns: list[dict[str, Value]] = [{}, {}, {}]
        parts = []
        for some, chosen in prepared:
            parts.append(some.summary(chosen))
            place = slice(start, start + len(parts[-1].first))
            for k, into in enumerate(columns):
                _store(into, picked(some.columns(k), chosen), place, n)
            start = place.stop
        first, last, kinks, jumps = (
            np.concatenate([getattr(p, name) for p in parts]) for name in ("first", "last", "kinks", "jumps")
        )
        self.value_error = math.fsum(p.value_error for p in parts) * (1 + 1e-6)
        self.slope_error = math.fsum(p.slope_error for p in parts) * (1 + 1e-6)
        self.spread = max(p.spread for p in parts)
        order = _neighbours(first, last)
        for into in columns:
            for name, column in into.items():
                into[name] = column[order] if isinstance(column, np.ndarray) else column
        outer, inner = forms.late
        pieces = [Piece(late, c) for late, c in zip((outer, inner, outer), columns, strict=True)]
        self._pieces = pieces_of(pieces, first[order], last[order])
        self._ramps = ramps_of(n)
        self._sort_kinks(kinks, jumps)

    def _sort_kinks(self, kinks: Array, jumps: Array) -> None:
        order = np.argsort(kinks)
        self.kinks, self.jumps = kinks[order], jumps[order]
        convex = self.jumps > 0
        self._convex, self._rises = self.kinks[convex], self.jumps[convex]
        self._room = 2 * UNIT * (len(self._convex) + SUM_UNITS)

    @cached_property
    def slope_scale(self) -> float:
        """The total |jump|: what the slope can change by, at most, where kinks coincide."""
        return float(np.sum(np.abs(self.jumps)))


def _store(into: dict[str, Value], columns: Environment, part: slice, n: int) -> None:
    """Copies a slice of columns into whole ones; numbers stay numbers."""
    for name, column in columns.items():
        if np.ndim(column) == 0:
            into[name] = column
        else:
            whole = into.setdefault(name, np.empty(n))
            assert isinstance(whole, np.ndarray)
            whole[part] = column


def _forms_of(game: StackelbergGame) -> _Forms:
    """The pieces of a game's declaration, or NotConcave where it has none."""
    if game.response.interior_form is None:
        raise NotConcave("the interior decision has no closed form")
    if game.response.limits_move:
        raise NotConcave("a limit of the followers depends on the price")
    forms = _forms(game.response)
    if isinstance(forms, str):
        raise NotConcave(forms)
    return forms


@lru_cache(maxsize=64)
def _forms(response: Response) -> _Forms | str:
    """The pieces of a declaration, made once whatever the numbers, or why there are none."""
    try:
        return _Forms(response)
    except NotConcave as reason:
        return str(reason)


class _Forms:
    """The symbolic pieces of one declaration and their programs."""

    def __init__(self, response: Response) -> None:
        d = response.declaration
        p, x = d.price, d.decision
        interior = response.interior_form
        assert interior is not None
        target = sp.Symbol(LIMIT, positive=x.is_positive, nonnegative=x.is_nonnegative, real=True)
        inverse = usable_root(interior - target, p)
        if inverse is None:
            raise NotConcave("the price at which a follower reaches a limit has no closed form")
        self.response = response
        renamed = {p: sp.Symbol(PRICE, real=True, positive=p.is_positive)}
        inside = d.leader_utility.xreplace({x: interior}).xreplace(renamed)
        limit = d.leader_utility.xreplace({x: target}).xreplace(renamed)
        (price,) = renamed.values()
        if limit.has(sp.Min, sp.Max, sp.Abs):
            raise NotConcave("the leader's utility is not smooth on a follower's piece")
        at_limit, between = (_derivatives(e, price) for e in (limit, inside))
        self.pieces = [at_limit, between]
        at_limit_bend, between_bend = (_two_forms(sp.diff(e, price, 2)) for e in (limit, inside))
        self.bends = [at_limit_bend, between_bend]
        self.move = lower([interior.xreplace(renamed), sp.diff(interior.xreplace(renamed), price)])
        self.threshold = lower([inverse])
        self.splits = [program.split([PRICE]) for program in self.pieces]
        self.late = [late for _, _, late in self.splits]

    def prepare(self, game: StackelbergGame, part: slice) -> _Slice:
        """One slice of followers."""
        limits = game.limits(game.bounds[0])
        return _Slice(self, picked(game.values, part), limits.low[part], limits.high[part], game.bounds)


@dataclass(frozen=True)
class _Summary:
    """The thresholds (m,) of followers, their kinks, and sums of their error bounds."""

    first: Array
    last: Array
    kinks: Array
    jumps: Array
    value_error: float
    slope_error: float
    spread: float


class _Slice:
    """The pieces of a slice of followers: who is where at which price, and with what rounding error."""

    def __init__(self, forms: _Forms, env: Environment, low: Array, high: Array, bounds: tuple[float, float]) -> None:
        self.forms, self.env, self.bounds = forms, env, bounds
        (ends, _), (errors, _) = forms.move.evaluate_bounded({**env, PRICE: np.array(bounds)[:, None]})
        self.start, self.end = np.broadcast_to(ends, (2, *low.shape))
        self._doubt = np.maximum.reduce(np.broadcast_to(errors, (2, *low.shape)), initial=0.0)
        self._limit_error = forms.response.limit_error(env, low.shape)
        self.rising = self._direction(low.shape)
        self.limits = np.where(self.rising > 0, (low, high), (high, low))
        self.reach, self._reach_error = self._reached(self.limits)
        self._exactly: dict[int, dict[str, Interval]] = {}

    def _direction(self, shape: tuple[int, ...]) -> Array:
        """+1 where the interior decision rises with the price, -1 where it falls."""
        box = {**thin(self.env), PRICE: self.bounds}
        low, high = (np.broadcast_to(v, shape) for v in self.forms.move.last.enclose(box)[0])
        if not np.all((low >= 0) | (high <= 0)):
            raise NotConcave("the interior decision is not shown to be monotone in the price")
        return np.where(low >= 0, 1.0, -1.0)

    def _reached(self, limit: Array) -> tuple[Array, Array]:
        """The prices at which the interior decision reaches limits (-inf: below the bounds, inf: above); errors."""
        env, uncertain = {**self.env, LIMIT: limit}, {LIMIT: self._limit_error}
        at, error = (np.broadcast_to(v[0], limit.shape) for v in self.forms.threshold.evaluate_bounded(env, uncertain))
        doubt = self._doubt + self._limit_error
        already = self.rising * (self.start - limit) > doubt
        never = self.rising * (limit - self.end) > doubt
        already, never = already | (self.rising * limit == -np.inf), never | (self.rising * limit == np.inf)
        price = np.clip(np.where(np.isnan(at), self.bounds[0], at), *self.bounds)
        price = np.where(already, -np.inf, np.where(never, np.inf, price))
        if np.any(np.isnan(at[np.isfinite(price)])) or np.any(np.isinf(error[np.isfinite(price)])):
            raise NotConcave("a follower's threshold in the price is not a number")
        return price, np.where(np.isfinite(price), error, 0.0)

    def summary(self, chosen: slice) -> _Summary:
        """Thresholds, kinks, and sums of error bounds of the chosen followers."""
        reach, (value, slope) = self.reach[:, chosen], self._worst_errors
        here = np.isfinite(reach)
        return _Summary(
            first=reach[0],
            last=reach[1],
            kinks=reach[here],
            jumps=self._rises[:, chosen][here],
            value_error=float(np.sum(value[chosen])),
            slope_error=float(np.sum(slope[chosen])),
            spread=float(np.max(self._reach_error[:, chosen])) + 8 * UNIT * max(map(abs, self.bounds)),
        )

    @cached_property
    def _worst_errors(self) -> tuple[Array, Array]:
        """Bounds on each follower's rounding of value and slope, (m,), the pieces shown to be concave."""
        low, high = self.bounds
        (first, last), clipped = self.reach, np.clip(self.reach, low, high)
        outside = np.stack([np.full_like(first, low), clipped[1]]), np.stack([clipped[0], np.full_like(last, high)])
        cells = [
            (OUTER, *outside, np.stack([first > low, last < high])),
            (INNER, *clipped, (last > low) & (first < high)),
        ]
        value, slope = np.zeros(first.shape), np.zeros(first.shape)
        for piece, a, b, used in cells:
            if used.any():
                self._check_bend(piece, a, b, used)
        for piece, a, b, used in cells:
            if used.any():
                errors = (e.reshape(-1, len(first)) for e in self._errors(piece, a, b, used))
                value, slope = (
                    np.maximum(e.max(axis=0), worst) for e, worst in zip(errors, (value, slope), strict=True)
                )
        return value, slope

    def _piece_env(self, piece: int) -> Environment:
        return self.env if piece == INNER else {**self.env, LIMIT: self.limits}

    def columns(self, k: int) -> Environment:
        """What piece k's program reads besides the price."""
        return self._early[INNER][0] if k == 1 else {n: _row(v, k // 2) for n, v in self._early[OUTER][0].items()}

    @cached_property
    def _early(self) -> list[tuple[Environment, Environment]]:
        """The price-free part of each piece, and bounds on its rounding errors; the outer ones in two rows."""
        parts: list[tuple[Environment, Environment]] = []
        for piece in (OUTER, INNER):
            early, names, _ = self.forms.splits[piece]
            values, errors = early.evaluate_bounded(self._piece_env(piece), {LIMIT: self._limit_error})
            parts.append((dict(zip(names, values, strict=True)), dict(zip(names, errors, strict=True))))
        return parts

    def _check_bend(self, piece: int, low: Array, high: Array, used: Mask) -> None:
        """Shows that the piece is concave on each follower's own range of prices, by interval arithmetic."""
        whole = self._bend_above(piece, {**thin(self._piece_env(piece)), PRICE: (low, high)}, used)
        doubtful = used & (whole > 0)
        if not doubtful.any():
            return
        rows = zip(*(np.reshape(part, (-1, low.shape[-1])) for part in (low, high, doubtful)), strict=True)
        for k, (start, end, open_) in enumerate(rows):
            env = self.env if piece == INNER else {**self.env, LIMIT: self.limits[k]}
            self._subdivide(piece, env, (start, end - start), np.flatnonzero(open_))

    def _subdivide(self, piece: int, env: Environment, ranges: tuple[Array, Array], chosen: Positions) -> None:
        """Shows the same of the chosen followers by ever smaller parts of their ranges (start, length)."""
        for level in range(1, SUBDIVISIONS):
            if not len(chosen):
                return
            box, (start, span) = thin(picked(env, chosen)), (part[chosen] for part in ranges)
            worst = np.full(start.shape, -np.inf)
            for a, b in itertools.pairwise(np.linspace(0.0, 1.0, 2**level + 1)):
                price = (start + a * span, start + b * span)
                worst = np.maximum(worst, self._bend_above(piece, box | {PRICE: price}, np.ones(start.shape, bool)))
            chosen = chosen[worst > 0]
        if len(chosen):
            raise NotConcave("a piece of the leader's utility is not shown to be concave in the price")

    def _bend_above(self, piece: int, box: dict[str, Interval], used: Mask) -> Value:
        """An upper bound of the second derivative: of its first form, and of the other where that leaves doubt."""
        first, other = self.forms.bends[piece]
        above = first.enclose(box)[0][1]
        return above if not (used & ~(above <= 0)).any() else np.minimum(above, other.enclose(box)[0][1])

    def _errors(self, piece: int, low: Array, high: Array, used: Mask) -> tuple[Array, Array]:
        """Bounds on the rounding of value and slope over the piece's range of prices, the final sum included."""
        program, errors = self.forms.late[piece], self._early[piece][1]
        ranges = program.enclosures({**self._exact(piece), PRICE: (low, high)})
        bounds = program.rounding(ranges, errors)
        result = []
        for bound, output in zip(bounds, program.outputs, strict=True):
            total = np.broadcast_to(bound + SUM_UNITS * UNIT * magnitude(ranges[output]), low.shape)
            if not np.isfinite(total[used]).all():
                raise NotConcave("the leader's utility is not shown to be defined at every price")
            result.append(np.where(used, total, 0.0))
        return result[0], result[1]

    def _exact(self, piece: int) -> dict[str, Interval]:
        """What the price-free part of a piece is in exact arithmetic."""
        if piece not in self._exactly:
            values, errors = self._early[piece]
            self._exactly[piece] = {name: around(value, errors[name]) for name, value in values.items()}
        return self._exactly[piece]

    @cached_property
    def _rises(self) -> Array:
        """Upper bounds on the jump of the slope at thresholds (2, m), which mean something where these are finite."""
        here = np.isfinite(self.reach)
        if not here.any():
            return np.zeros(here.shape)
        price = around(self.reach, self._reach_error)
        inside, limit = (
            [
                np.broadcast_to(end, here.shape)
                for end in self.forms.late[k].last.enclose({**self._exact(k), PRICE: price})[0]
            ]
            for k in (INNER, OUTER)
        )
        with np.errstate(all="ignore"):  # at thresholds that are not finite
            return np.stack([inside[1][0] - limit[0][0], limit[1][1] - inside[0][1]])


def _row(values: Value, k: int) -> Value:
    """Row k of what depends on the limits, (2, n); the whole of what does not."""
    return values[k] if isinstance(values, np.ndarray) and values.ndim == 2 else values


def _two_forms(expr: sp.Expr) -> tuple[Program, Program]:
    """Programs of two equal forms: an interval in which a sign is lost in one may keep it in the other."""
    return lower([expr]), lower([sp.factor_terms(sp.together(expr))])


def _derivatives(expr: sp.Expr, price: sp.Symbol) -> Program:
    return lower([expr, sp.diff(expr, price)], hot=[price.name])


def _neighbours(first: Array, last: Array) -> Positions:
    """An order in which blocks of followers are mostly on one piece: by `first` in stripes, by `last` within them."""
    stripes = max(1, round(math.sqrt(len(first) / BLOCK)))
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.lexsort((last, rank * stripes // len(first)))


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))
