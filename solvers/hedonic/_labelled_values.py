"""What every player of a labelled game gets, and would get elsewhere, from the partition alone.

Nothing here is maintained from one partition to the next, so it may judge what the dynamics maintain.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from solvers._numba import njit
from solvers.core import Array, Mask, Positions

UNPAID, SHARED, OWN = 0, 1, 2  # who is paid for reputation: nobody, all members alike, each for its own
SLACK = 1e-12  # relative; a bound this close to the best value is looked at in full


class Arrays(NamedTuple):
    """A labelled game in arrays that kernels can read: read-only, C-ordered float64, and one form for every variant.

    `reputations` is (1, 1) where nobody is paid; `peaks` is empty where the members make the peak; `speeds` is (1, 1),
    or (3, players): own, lowest, highest.
    """

    base: Array
    weights: Array
    sizes: Array
    outside: Array
    paid: int
    reputations: Array
    pay: float
    threshold: float
    floor: float
    peaks: Array
    speeds: Array


def utilities(game: Arrays, slots: Positions) -> Array:
    """What each player gets, (players,)."""
    return np.asarray(_utilities(*game, slots, *_groups(slots, game.base.shape[1])))


def values(game: Arrays, slots: Positions, player: int) -> Array:
    """What `player` gets in each slot if it alone moves there, (slots + 1,), and at last outside."""
    return np.asarray(_values(*game, slots, *_groups(slots, game.base.shape[1]), player))


def best_moves(game: Arrays, slots: Positions, movable: Mask) -> tuple[Array, Positions, Array]:
    """Each player's highest value over all places, the place, and its present utility, (players,) each."""
    best, places, present = _best_moves(*game, slots, *_groups(slots, game.base.shape[1]), movable)
    return best, places, present


def _groups(slots: Positions, count: int) -> tuple[Positions, Positions]:
    """The players sorted by slot, (players,), those outside last, and where each slot starts, (count + 1,)."""
    keys = np.where(slots < 0, count, slots)
    starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count + 1))])[: count + 1]
    short = keys.astype(np.int16) if count < np.iinfo(np.int16).max else keys  # short keys are sorted by radix
    return np.argsort(short, kind="stable").astype(np.intp), starts.astype(np.intp)


# --- kernels: the arrays of games are read-only, the others writable; all are C-ordered -------------------------------


def _worth_py(reputation: float, threshold: float, floor: float, peak: float) -> float:
    """H of equations (11) and (12)."""
    if reputation < threshold:
        return floor * math.exp(reputation - threshold)
    if peak <= threshold:
        return floor
    return floor + (1 - floor) * math.log1p((math.e - 1) * (reputation - threshold) / (peak - threshold))


_worth = njit(_worth_py)


def _sums_py(sizes, paid, reputations, threshold, floor, peaks, speeds, order, starts):  # type: ignore[no-untyped-def]
    """Per slot: total size, peak, H's sum over the members, the sum of what never changes in it, Σ excess, how many.

    The last three bound what H's sum becomes where a newcomer raises the peak. Then the least and greatest speed.
    """
    slots = starts.size - 1
    totals = np.zeros((8, slots))
    for j in range(slots):
        column = j if reputations.shape[1] > 1 else 0
        peak, low, high = -math.inf, math.inf, -math.inf
        for k in range(starts[j], starts[j + 1]):
            i = order[k]
            totals[0, j] += sizes[i]
            if paid:
                peak = max(peak, reputations[i, column])
            if speeds.shape[0] > 1:
                low, high = min(low, speeds[1, i]), max(high, speeds[2, i])
        if peaks.size:
            peak = peaks[j]
        totals[1, j], totals[6, j], totals[7, j] = peak, low, high
        if not paid:
            continue
        for k in range(starts[j], starts[j + 1]):
            r = reputations[order[k], column]
            worth = _worth(r, threshold, floor, peak)
            totals[2, j] += worth
            totals[3, j] += worth if r < threshold else floor
            if r >= threshold:
                totals[4, j] += r - threshold
                totals[5, j] += 1
    return totals


_sums = njit(_sums_py)


def _present_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, outside, paid, reputations, pay, threshold, floor, speeds, slots, starts, totals
):
    """What every player gets where it is."""
    found = np.empty(slots.size)
    wide, apart, paced = weights.shape[1] > 1, reputations.shape[1] > 1, speeds.shape[0] > 1
    for i in range(slots.size):
        j = slots[i]
        if j < 0:
            found[i] = outside[i]
            continue
        weight = weights[i, j if wide else 0]
        if paced:
            weight *= (speeds[0, i] - totals[6, j]) / (totals[7, j] - totals[6, j])
        value = base[i, j] + weight * (sizes[i] / totals[0, j])
        if paid == 1:
            value += pay * totals[2, j] / (starts[j + 1] - starts[j])
        elif paid == 2:
            value += pay * _worth(reputations[i, j if apart else 0], threshold, floor, totals[1, j])
        found[i] = value
    return found


_present = njit(_present_py, inline=True)


def _utilities_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, outside, paid, reputations, pay, threshold, floor, peaks, speeds, slots, order, starts
):
    totals = _sums(sizes, paid, reputations, threshold, floor, peaks, speeds, order, starts)
    return _present(
        base, weights, sizes, outside, paid, reputations, pay, threshold, floor, speeds, slots, starts, totals
    )


_utilities: Any = njit(_utilities_py)


def _joined_py(  # type: ignore[no-untyped-def]
    paid, reputations, pay, threshold, floor, moving, order, starts, totals, r, j, column, value, best
):
    """`value` with the pay for reputations of a newcomer to slot j, or -inf where a bound shows it is below `best`."""
    peak = max(totals[1, j], r) if moving else totals[1, j]
    own = _worth(r, threshold, floor, peak)
    if paid == 2:
        return value + pay * own
    count = starts[j + 1] - starts[j] + 1
    if peak == totals[1, j]:
        return value + pay * (totals[2, j] + own) / count
    if totals[5, j] > 0:  # the others' utilities fall; by Jensen's inequality to no more than at their mean
        mean = totals[4, j] / totals[5, j]
        climb = totals[5, j] * (1 - floor) * math.log1p((math.e - 1) * mean / (peak - threshold))
        room = pay * (totals[3, j] + own + (climb if pay > 0 else 0.0)) / count
        if value + room + SLACK * (abs(value) + abs(room)) < best:
            return -math.inf
    total = own
    for k in range(starts[j], starts[j + 1]):
        total += _worth(reputations[order[k], column], threshold, floor, peak)
    return value + pay * total / count


_joined = njit(_joined_py, inline=True)


def _rooms_py(paid, pay, starts, totals):  # type: ignore[no-untyped-def]
    """The most that a newcomer to each slot can be paid if pay is shared: nobody's utility rises when it joins."""
    rooms = np.zeros(starts.size - 1)
    if paid == 1:
        for j in range(rooms.size):
            count = starts[j + 1] - starts[j] + 1
            rooms[j] = pay * ((totals[2, j] + 1.0) if pay > 0 else totals[3, j]) / count
    return rooms


_rooms = njit(_rooms_py)


def _shares_py(base, weights, size, full, i, low, high, speeds, shares):  # type: ignore[no-untyped-def]
    """Writes to `shares` what player i would get in each slot before it is paid for reputations."""
    if speeds.shape[0] > 1:
        for j in range(shares.size):
            least, most = min(low[j], speeds[1, i]), max(high[j], speeds[2, i])
            weight = weights[i, min(j, weights.shape[1] - 1)] * (speeds[0, i] - least) / (most - least)
            shares[j] = base[i, j] + weight * (size / (full[j] + size))
    elif weights.shape[1] > 1:
        for j in range(shares.size):
            shares[j] = base[i, j] + weights[i, j] * (size / (full[j] + size))
    else:
        weight = weights[i, 0]
        for j in range(shares.size):
            shares[j] = base[i, j] + weight * (size / (full[j] + size))


_shares = njit(_shares_py, inline=True)


def _values_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, outside, paid, reputations, pay, threshold, floor, peaks, speeds, slots, order, starts, i
):
    totals = _sums(sizes, paid, reputations, threshold, floor, peaks, speeds, order, starts)
    here = _present(
        base, weights, sizes, outside, paid, reputations, pay, threshold, floor, speeds, slots, starts, totals
    )
    shares, found = np.empty(base.shape[1]), np.empty(base.shape[1] + 1)
    _shares(base, weights, sizes[i], totals[0].copy(), i, totals[6].copy(), totals[7].copy(), speeds, shares)
    for j in range(shares.size):
        found[j] = shares[j]
        if paid:
            column = j if reputations.shape[1] > 1 else 0
            found[j] = _joined(
                paid, reputations, pay, threshold, floor, not peaks.size, order, starts, totals,
                reputations[i, column], j, column, shares[j], -math.inf,
            )  # fmt: skip
    found[shares.size] = outside[i]
    found[slots[i]] = here[i]
    return found


_values: Any = njit(_values_py)


def _best_moves_py(  # type: ignore[no-untyped-def]
    base,
    weights,
    sizes,
    outside,
    paid,
    reputations,
    pay,
    threshold,
    floor,
    peaks,
    speeds,
    slots,
    order,
    starts,
    movable,
):
    totals = _sums(sizes, paid, reputations, threshold, floor, peaks, speeds, order, starts)
    present = _present(
        base, weights, sizes, outside, paid, reputations, pay, threshold, floor, speeds, slots, starts, totals
    )
    best = present.copy()
    rooms, shares, places = _rooms(paid, pay, starts, totals), np.empty(base.shape[1]), slots.copy()
    full, low, high = totals[0].copy(), totals[6].copy(), totals[7].copy()
    moving, apart = not peaks.size, reputations.shape[1] > 1
    extreme = totals[1].min() if pay > 0 else totals[1].max()
    for i in range(slots.size):
        if not movable[i]:
            continue
        own_room = 0.0
        if paid == 2:  # the most that it can be paid in any slot for its own reputation
            r = reputations[i, 0]
            own_room = max(pay, 0.0) if apart else pay * _worth(r, threshold, floor, max(extreme, r))
        here, top = slots[i], best[i]
        _shares(base, weights, sizes[i], full, i, low, high, speeds, shares)
        bar = top - SLACK * (abs(top) + abs(pay))
        for j in range(shares.size):
            if shares[j] + (rooms[j] + own_room) >= bar and j != here:
                value = shares[j]
                if paid:
                    column = j if apart else 0
                    value = _joined(
                        paid, reputations, pay, threshold, floor, moving, order, starts, totals,
                        reputations[i, column], j, column, value, top,
                    )  # fmt: skip
                if value > top:
                    top, places[i] = value, j
                    bar = top - SLACK * (abs(top) + abs(pay))
        if outside[i] > top:
            top, places[i] = outside[i], -1
        best[i] = top
    return best, places, present


_best_moves: Any = njit(_best_moves_py)
