"""Where the followers of a Stackelberg game may go and where they go, enclosed for whole intervals of prices.

A limit `left <= right` may be missed by `ROOM` of |left| + |right|, which rounding alone can cause. What is enclosed
holds for every share of that room, the same for all prices, that leaves a follower anywhere to go. Decisions beyond
`FAR` in absolute value are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verification.check._expressions import Expression, Operation, joined
from verification.check._intervals import Array, Interval, Mask, Positions, thin
from verification.check._jets import ANYTHING, BEND, CROSS, DECISION, PRICE, VALUE, Function, Jet, Part, shaped, zero_or

ROOM = Fraction(4, 10**15)  # relative violation of a limit that rounding alone can cause
FAR = 1e300
ARTIFICIAL = 1e100  # an end beyond it is no limit of the game's own
STEPS, TAILS, CELLS, ROUNDS = 200, 60, 4_096, 16
PROBES, THIN = 3, 2.0**-44

NO_SIDE, UPPER, LOWER, MET = 0, 1, -1, 2
"""What a limit is for a follower: not known, an upper limit, a lower one, met by all that the others leave."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The least and the greatest decision that the limits allow, and how these move with the price."""

    low: Interval
    high: Interval
    low_move: Part = None
    high_move: Part = None


@dataclass(frozen=True, slots=True)
class Responses:
    """Best decisions, (prices, n), and how they move with the price."""

    decision: Interval
    move: Interval


class Followers:
    """All followers at once: their utilities, limits and best decisions while the price is in an interval."""

    def __init__(self, utility: Function, gaps: Sequence[tuple[str, Function]], prices: Interval, n: int) -> None:
        self.utility, self.gaps, self.n = utility, gaps, n
        self.region = Interval(np.full(n, -FAR), np.full(n, FAR))
        self.sides = [np.zeros(n, dtype=int) for _ in gaps]
        self._place(prices)
        self.moving = any(gap.varies(gap.price) for _, gap in gaps)
        self._reach = None if self.moving else self._limits(prices)

    def _place(self, prices: Interval) -> None:
        """Which side each limit is on, and the decisions that no limit forbids, for all the prices."""
        for _ in range(len(self.gaps) + 1):
            before = self.region
            for (_, gap), side in zip(self.gaps, self.sides, strict=True):
                found = gap(prices, self.region, DECISION)
                slope = zero_or(found.d)
                open_ = side == NO_SIDE
                side[open_ & np.broadcast_to((found.v.high <= 0) & found.sure, side.shape)] = MET
                side[(side == NO_SIDE) & np.broadcast_to(slope.low >= 0, side.shape)] = UPPER
                side[(side == NO_SIDE) & np.broadcast_to(slope.high <= 0, side.shape)] = LOWER
                if gap.varies(gap.decision):
                    root = _crossing(_along(gap, prices), self.region, np.where(side == LOWER, -1.0, 1.0))
                    low = np.where(side == LOWER, root.low, self.region.low)
                    high = np.where(side == UPPER, root.high, self.region.high)
                    self.region = Interval(low, np.maximum(low, high))
            if np.array_equal(before.low, self.region.low) and np.array_equal(before.high, self.region.high):
                break

    @property
    def unplaced(self) -> list[tuple[str, int]]:
        """Limits of which it is not known on which side they are, with the first follower for whom it is so."""
        found = []
        for (name, gap), side in zip(self.gaps, self.sides, strict=True):
            bad = side == NO_SIDE if gap.varies(gap.decision) else side != MET
            found += [(name, int(np.flatnonzero(bad)[0]))] if bad.any() else []
        return found

    def limits(self, prices: Interval) -> Reach:
        """The ends of what the limits allow at prices of shape (), or (m, 1)."""
        return self._limits(prices) if self._reach is None else self._reach

    def _limits(self, prices: Interval) -> Reach:
        shape = (*np.shape(prices.low)[:-1], self.n)
        region = Interval(*(np.array(end) for end in shaped(self.region, shape)))
        low, high = thin(region.low), thin(region.high)
        low_move: Part = None
        high_move: Part = None
        for (_, gap), side in zip(self.gaps, self.sides, strict=True):
            if not gap.varies(gap.decision):
                continue
            root = _crossing(_along(gap, prices), region, np.where(side == LOWER, -1.0, 1.0))
            moves = gap.varies(gap.price)
            move = _moves(gap, prices, root) if moves else None
            lower, upper = side == LOWER, side == UPPER
            if moves:  # what lies beyond all that the other limits leave does not lead
                lower = lower & ~(gap(prices, thin(region.low)).v.high < 0)
                upper = upper & ~(gap(prices, thin(region.high)).v.high < 0)
            if moves or low_move is not None:
                low_move = _leading(low_move, low, move, root, lower, 1)
            if moves or high_move is not None:
                high_move = _leading(high_move, high, move, root, upper, -1)
            low = _where(lower, low.maximum(root), low)
            high = _where(upper, high.minimum(root), high)
        return Reach(low, high, low_move, high_move)

    def shrink(self, prices: Interval) -> None:
        """Gives up far decisions at which the utility only falls, or only rises, towards where they are not far."""
        low, high = (np.array(end) for end in (self.region.low, self.region.high))
        reach = self.limits(prices)  # a limit that far leaves nothing before it
        for _ in range(TAILS):
            above, below = np.maximum(np.sqrt(np.abs(high)), low), np.minimum(-np.sqrt(np.abs(low)), high)
            right = self.utility(prices, Interval(above, np.maximum(above, high)), DECISION).d
            left = self.utility(prices, Interval(np.minimum(below, low), below), DECISION).d
            fall = (zero_or(right).high < 0) & (high > ARTIFICIAL) & (above >= reach.low.high)
            rise = (zero_or(left).low > 0) & (low < -ARTIFICIAL) & (below <= reach.high.low)
            if not (fall | rise).any():
                break
            high, low = np.where(fall, above, high), np.where(rise, below, low)
        self.region = Interval(low, high)
        if self._reach is not None:
            self._reach = self._limits(prices)

    def bent(self, prices: Interval) -> Mask:
        """For whom the utility is shown to be strictly concave in the decision, wherever limits allow; (n,)."""
        rows = np.arange(self.n)
        cells = Interval(self.region.low.copy(), self.region.high.copy())
        ends = Interval(*(np.full(self.n, float(end)) for end in (prices.low.min(), prices.high.max())))
        for turn in range(ROUNDS):
            open_ = ~self._concave(rows, cells, ends)
            if not open_.any() or 2 * open_.sum() > max(CELLS, self.n):
                break
            rows, cells, ends = rows[open_], cells.at(open_), ends.at(open_)
            chosen = cells if turn % 2 == 0 else ends
            middle = middle_of(chosen.low, chosen.high)
            halves = Interval(np.concatenate([chosen.low, middle]), np.concatenate([middle, chosen.high]))
            rows = np.tile(rows, 2)
            cells, ends = (halves, _twice(ends)) if turn % 2 == 0 else (_twice(cells), halves)
            open_ = np.ones(len(rows), dtype=bool)
        found = np.ones(self.n, dtype=bool)
        found[rows[open_]] = False
        return found

    def _concave(self, rows: Positions, cells: Interval, prices: Interval) -> Mask:
        bend = zero_or(self.utility.only(rows)(prices, cells, DECISION | BEND).dd)
        found: Mask = np.broadcast_to(bend.high < 0, rows.shape) | (cells.low == cells.high)
        return found

    def respond(self, prices: Interval, known: Interval, *, still: bool = False) -> Responses:
        """Best decisions for prices (m, 1), which lie in `known` (m, n); of concave utilities.

        Without their slopes if `still`.
        """
        reach = self.limits(prices)
        region = _within(known, Interval(reach.low.low, reach.high.high))
        root = _crossing(_marginal(self.utility, prices), region, np.full((), -1.0))
        low = np.minimum(np.maximum(root.low, reach.low.low), reach.high.low)
        high = np.minimum(np.maximum(root.high, reach.low.high), reach.high.high)
        decision = Interval(low, np.maximum(low, high))
        return Responses(decision, thin(0.0) if still else self._move(prices, reach, decision))

    def _move(self, prices: Interval, reach: Reach, decision: Interval) -> Interval:
        """The slope of the best decision, or the hull of the slopes that it may have."""
        found = self.utility(prices, decision, DECISION | BEND | CROSS | PRICE)
        free = -(zero_or(found.dp) / zero_or(found.dd)) if found.dp is not None else thin(0.0)
        at_low = zero_or(self.utility(prices, reach.low, DECISION).d)
        at_high = zero_or(self.utility(prices, reach.high, DECISION).d)
        stays_low, stays_high = at_low.high < 0, at_high.low > 0
        inside = (at_low.low > 0) & (at_high.high < 0)
        inside = inside | (decision.low > reach.low.high) & (decision.high < reach.high.low)
        never = Interval(np.array(np.inf), np.array(-np.inf))
        parts = [
            _where(~(stays_low | stays_high), free, never),
            _where(~(inside | stays_high), zero_or(reach.low_move), never),
            _where(~(inside | stays_low), zero_or(reach.high_move), never),
        ]
        move = parts[0].hull(parts[1]).hull(parts[2])
        none = move.low > move.high  # both ends at once: limits coincide
        return Interval(np.where(none, -np.inf, move.low), np.where(none, np.inf, move.high))


def gap(left: Expression, right: Expression) -> Expression:
    """`left - right` less a share of the room, which is the name "#share" in [0, ROOM], of |left| + |right|."""
    zero = Operation("constant", constant=Fraction(0))
    sizes = [Operation("-", (0, -1)), Operation("max", (-1, 1)), Operation("-", (0, -2)), Operation("max", (-2, 3))]
    rest = [
        Operation("+", (2, 4)),
        Operation("name", word="#share"),
        Operation("*", (6, 5)),
        Operation("-", (-1, -2)),
        Operation("-", (8, 7)),
    ]
    return joined([left, right], [zero, *sizes, *rest])


SHARE = Interval(np.array(0.0), np.array(np.nextafter(float(ROOM), 1.0)))

Evaluate = Callable[[Interval, bool], tuple[Interval, Part]]


def _along(function: Function, prices: Interval) -> Evaluate:
    """The value at decisions, and the slope if asked for."""

    def evaluate(decision: Interval, slope: bool) -> tuple[Interval, Part]:
        found = function(prices, decision, DECISION if slope else VALUE)
        return _if_sure(found, found.v), _if_sure(found, zero_or(found.d))

    return evaluate


def _marginal(function: Function, prices: Interval) -> Evaluate:
    def evaluate(decision: Interval, slope: bool) -> tuple[Interval, Part]:
        found = function(prices, decision, DECISION | (BEND if slope else 0))
        return _if_sure(found, zero_or(found.d)), _if_sure(found, zero_or(found.dd))

    return evaluate


def _if_sure(found: Jet, part: Interval) -> Interval:
    """Anything where the function may be undefined: its sign there says nothing of where it leads."""
    return part if found.sure is True else _where(np.asarray(found.sure), part, ANYTHING)


def _crossing(evaluate: Evaluate, region: Interval, sign: Array) -> Interval:
    """Where `sign` times a function goes from below 0 to above 0, for every price; an end of the region if it does not.

    Interval Newton steps, and halving where the sign in the middle is certain. The function times `sign` must not fall.
    """
    low, high = (np.array(end, dtype=np.float64) for end in (region.low, region.high))
    sign = np.broadcast_to(sign, low.shape)
    idle = 0
    for _ in range(STEPS):
        middle = _probe(low, high, idle)
        at = _turned(evaluate(thin(middle), False)[0], sign)
        slope = _turned(zero_or(evaluate(Interval(low, high), True)[1]), sign)
        new_low = np.where(at.high < 0, middle, low)
        new_high = np.where(at.low > 0, middle, high)
        step = thin(middle) - at / _where(slope.low > 0, slope, thin(1.0))
        newton = slope.low > 0
        before = newton & (step.high < new_low)
        beyond = newton & (step.low > new_high)
        new_low, new_high = (
            np.where(newton, np.minimum(np.maximum(new_low, step.low), new_high), new_low),
            np.where(newton, np.maximum(np.minimum(new_high, step.high), new_low), new_high),
        )
        new_high = np.where(before, new_low, new_high)
        new_low = np.where(beyond, new_high, new_low)
        cut = ((at.high < 0) | (at.low > 0)) & (middle > low) & (middle < high)
        going = (new_high - new_low < 0.8 * (high - low)) | cut
        low, high = new_low, new_high
        wide = high - low > THIN * np.maximum(np.abs(low), np.abs(high))
        idle = 0 if going.any() else idle + 1
        if idle == PROBES or not (wide | going).any():
            break
    return Interval(low, high)


def _probe(low: Array, high: Array, idle: int) -> Array:
    """Where to look for a sign: in the middle, and where that said nothing right and left of it."""
    middle = middle_of(low, high)
    return middle if not idle else middle_of(middle, high) if idle == 1 else middle_of(low, middle)


def _turned(value: Interval, sign: Array) -> Interval:
    minus = sign < 0
    return Interval(np.where(minus, -value.high, value.low), np.where(minus, -value.low, value.high))


def middle_of(low: Array, high: Array) -> Array:
    """A number between, in the geometric middle of what is far apart."""
    with np.errstate(all="ignore"):
        plain = low + 0.5 * (high - low)
        both = (low > 0) & (high / low > 64) | (high < 0) & (low / high > 64)
        far = np.sign(high) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high))
        root = np.where((low == 0) & (high > 1e20), np.sqrt(np.abs(high)), plain)
        root = np.where((high == 0) & (low < -1e20), -np.sqrt(np.abs(low)), root)
        across = (low < 0) & (high > 0) & (np.maximum(high, -low) > 1e20)
        found = np.where(across, 0.0, np.where(both, far, root))
    return np.clip(found, low, high)


def _moves(gap: Function, prices: Interval, root: Interval) -> Interval:
    """The slope of a limit, by the implicit function."""
    found = gap(prices, root, DECISION | PRICE)
    return thin(0.0) if found.p is None else -(found.p / zero_or(found.d))


def _leading(old: Part, end: Interval, move: Part, root: Interval, applies: Mask, way: int) -> Interval:
    """How the leading of two limits moves: the higher one for `way` 1, the lower one for -1."""
    first, second = zero_or(old), zero_or(move)
    ahead = root.low > end.high if way > 0 else root.high < end.low
    behind = root.high < end.low if way > 0 else root.low > end.high
    return _where(~applies | behind, first, _where(ahead, second, first.hull(second)))


def _where(mask: Mask, one: Interval, other: Interval) -> Interval:
    return Interval(np.where(mask, one.low, other.low), np.where(mask, one.high, other.high))


def _within(known: Interval, region: Interval) -> Interval:
    low = np.clip(known.low, region.low, np.maximum(region.low, region.high))
    high = np.clip(known.high, low, np.maximum(low, region.high))
    return Interval(low, high)


def _twice(interval: Interval) -> Interval:
    return Interval(np.tile(interval.low, 2), np.tile(interval.high, 2))
