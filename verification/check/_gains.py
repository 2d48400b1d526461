"""Upper bounds of functions over intervals, from values, slopes and curvature, and of what followers may gain."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from verification.check._followers import FAR, Followers, middle_of
from verification.check._intervals import Array, Interval, Mask, Positions, thin
from verification.check._jets import BEND, DECISION, Function, zero_or

ROUNDS, CELLS = 200, 1 << 18
NARROW = 2.0**-48  # relative width of an interval that is not split any more
NOTHING_TO_GAIN = 0.125  # of the tolerance: by how much splitting could lower a bound for it to be worth it


def between(left: Array, right: Array, slope: Interval, width: Array) -> Array:
    """The most that a function can be between two points, from its values there and the slopes it may have.

    `left` and `right` are upper bounds of its values at the ends, `width` of how far these are apart.

    Examples
    --------
    >>> float(between(np.array(0.0), np.array(0.0), thin(0.0), np.array(1.0)))
    0.0
    >>> slopes = Interval(np.array(-1.0), np.array(1.0))
    >>> 0.5 <= float(between(np.array(0.0), np.array(0.0), slopes, np.array(1.0))) <= 0.5 + 1e-15
    True
    """
    low, high = slope.low, slope.high
    with np.errstate(all="ignore"):
        share = ((right - left) - low * width) / (high - low)  # where the lines from both ends meet
        first = np.clip(np.where(np.isnan(share), 0.5 * width, share), 0.0, width)
        rest = _up(width - first)
        rising, falling = _up(left + _up(high * first)), _up(right + _up(-low * rest))
    most = np.maximum(rising, falling)
    most = np.where(high <= 0, left, np.where(low >= 0, right, most))
    return np.where(np.isnan(most), np.inf, most)


def _up(values: Array) -> Array:
    found: Array = np.nextafter(values, np.inf)
    return found


def gains(
    followers: Followers,
    prices: Interval,
    decisions: Array,
    worth: Array,
    tolerances: Array,
    deadline: float,
) -> tuple[Array, bool]:
    """At least what each follower gains by its best decision over `worth`, (n,); and whether time ran out.

    `decisions` are where intervals are split at first, `worth` are lower bounds. Nothing is assumed of the utilities
    but that they are continuous where their slopes are bounded.
    """
    rows, cells = _first_cells(followers.region, decisions)
    most = np.where(_endless(followers, prices, worth), np.inf, -np.inf)
    for _ in range(ROUNDS):
        bounds, ends, dropped = _bounds(followers, rows, cells, prices)
        cut = worth[rows] + 0.5 * tolerances[rows]
        tight = bounds - ends <= NOTHING_TO_GAIN * tolerances[rows]
        narrow = cells.high - cells.low <= NARROW * np.maximum(np.abs(cells.low), np.abs(cells.high))
        late = time.monotonic() > deadline or 2 * len(rows) > CELLS
        done = (bounds <= cut) | tight | narrow | late
        np.maximum.at(most, rows[done & ~dropped], bounds[done & ~dropped])
        going = ~(done | dropped)
        if not going.any():
            return _up(most - worth), late and bool(np.any(bounds > cut))
        rows, cells = _halved(rows[going], cells.at(going))
    np.maximum.at(most, rows, np.inf)
    return _up(most - worth), False


def _endless(followers: Followers, prices: Interval, worth: Array) -> Mask:
    """Who may go beyond all that is split, and may gain there."""
    region, found = followers.region, np.zeros(followers.n, dtype=bool)
    sides = (
        (region.high >= FAR, Interval(np.array(FAR), np.array(np.inf)), 1),
        (
            region.low <= -FAR,
            Interval(np.array(-np.inf), np.array(-FAR)),
            -1,
        ),
    )
    for reached, tail, way in sides:
        utility = followers.utility(prices, tail, DECISION)
        slope = zero_or(utility.d)
        falls = (slope.high <= 0 if way > 0 else slope.low >= 0) & utility.sure
        found |= reached & ~falls & ~(utility.v.high <= worth)
    return found


def _first_cells(region: Interval, decisions: Array) -> tuple[Positions, Interval]:
    rows = np.arange(len(decisions))
    split = np.clip(np.where(np.isnan(decisions), region.low, decisions), region.low, region.high)
    ends = Interval(np.concatenate([region.low, split]), np.concatenate([split, region.high]))
    useful = (ends.high > ends.low) | np.concatenate([region.low == region.high, np.zeros(len(rows), dtype=bool)])
    return np.tile(rows, 2)[useful], ends.at(useful)


def _bounds(followers: Followers, rows: Positions, cells: Interval, prices: Interval) -> tuple[Array, Array, Mask]:
    """Upper bounds over the cells, the larger of those at their ends, and which cells limits forbid."""
    utility = followers.utility.only(rows)
    whole = utility(prices, cells, DECISION | BEND)
    ends = [utility(prices, thin(end), DECISION) for end in (cells.low, cells.high)]
    slope, bend = zero_or(whole.d), zero_or(whole.dd)
    low, high = (np.broadcast_to(end, rows.shape) for end in (slope.low, slope.high))
    falls = np.broadcast_to((bend.high <= 0) & whole.sure, rows.shape)  # the slope does
    high = np.where(falls, np.minimum(high, zero_or(ends[0].d).high), high)
    low = np.where(falls, np.maximum(low, zero_or(ends[1].d).low), low)
    left, right = (np.broadcast_to(end.v.high, rows.shape) for end in ends)
    lines = between(left, right, Interval(low, high), cells.width)
    bounds = np.minimum(np.where(whole.sure, lines, np.inf), whole.v.high)
    return bounds, np.maximum(left, right), _forbidden(followers.gaps, rows, cells, prices)


def _forbidden(gaps: Sequence[tuple[str, Function]], rows: Positions, cells: Interval, prices: Interval) -> Mask:
    found = np.zeros(len(rows), dtype=bool)
    for _, gap in gaps:
        found |= gap.only(rows)(prices, cells).v.low > 0
    return found


def _halved(rows: Positions, cells: Interval) -> tuple[Positions, Interval]:
    middle = middle_of(cells.low, cells.high)
    ends = Interval(np.concatenate([cells.low, middle]), np.concatenate([middle, cells.high]))
    return np.tile(rows, 2), ends
