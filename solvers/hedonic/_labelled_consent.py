"""The best switches in a labelled game to which nobody who is asked objects, from the partition alone.

A member is asked what it loses by a newcomer, or by a leave: its share changes with the total size and with the speeds,
its pay with the reputations. The first objection ends a slot's questions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from solvers._numba import njit
from solvers.core import Array, Mask, Positions
from solvers.hedonic._labelled_values import Arrays, _groups, _joined, _present, _shares, _sums, _worth


def permitted_moves(
    game: Arrays, slots: Positions, movable: Mask, tolerances: Array, *, joined: bool, left: bool
) -> tuple[Array, Positions]:
    """What each player gains by its best move to which nobody objects, (players,), and where it goes, (players,)."""
    gains, places = _permitted(*game, slots, *_groups(slots, game.base.shape[1]), movable, tolerances, joined, left)
    return gains, places


# --- kernels: the arrays of games are read-only, the others writable; all are C-ordered -------------------------------


def _after_py(  # type: ignore[no-untyped-def]  # noqa: C901 - both directions
    paid, reputations, threshold, floor, peaks, speeds, order, starts, totals, i, j, comes
):
    """Slot j after player i has come to it, or else left it: the peak, Σ H, and the least and greatest speed."""
    column = j if reputations.shape[1] > 1 else 0
    peak, total, low, high = totals[1, j], totals[2, j], totals[6, j], totals[7, j]
    paced, moving = speeds.shape[0] > 1, paid and not peaks.size
    if comes:
        if moving:
            peak = max(peak, reputations[i, column])
        if paced:
            low, high = min(low, speeds[1, i]), max(high, speeds[2, i])
    elif moving or paced:
        peak, low, high = -math.inf if moving else peak, math.inf, -math.inf
        for at in range(starts[j], starts[j + 1]):
            k = order[at]
            if k != i and moving:
                peak = max(peak, reputations[k, column])
            if k != i and paced:
                low, high = min(low, speeds[1, k]), max(high, speeds[2, k])
    if paid == 1 and peak != totals[1, j]:
        total = 0.0
        for at in range(starts[j], starts[j + 1]):
            total += _worth(reputations[order[at], column], threshold, floor, peak)
    if paid == 1:
        own = _worth(reputations[i, column], threshold, floor, peak)
        total += own if comes else -own
    return peak, total, low, high


_after = njit(_after_py)


def _objects_py(  # type: ignore[no-untyped-def]
    weights,
    sizes,
    paid,
    reputations,
    pay,
    threshold,
    floor,
    peaks,
    speeds,
    order,
    starts,
    totals,
    tolerances,
    i,
    j,
    comes,
):
    """Whether a member of slot j loses more than its tolerance if player i comes to it, or else leaves it."""
    if starts[j + 1] - starts[j] == (0 if comes else 1):
        return False
    count = starts[j + 1] - starts[j] + (1 if comes else -1)
    peak, total, low, high = _after(
        paid, reputations, threshold, floor, peaks, speeds, order, starts, totals, i, j, comes
    )
    size = totals[0, j] + sizes[i] if comes else totals[0, j] - sizes[i]
    shared = pay * (total / count - totals[2, j] / (starts[j + 1] - starts[j])) if paid == 1 else 0.0
    for at in range(starts[j], starts[j + 1]):
        k = order[at]
        if k == i:
            continue
        before, after = 1.0, 1.0
        if speeds.shape[0] > 1:
            before = (speeds[0, k] - totals[6, j]) / (totals[7, j] - totals[6, j])
            after = (speeds[0, k] - low) / (high - low)
        stake = weights[k, j if weights.shape[1] > 1 else 0] * sizes[k]
        rise = stake * (after / size - before / totals[0, j]) + shared
        if paid == 2:
            r = reputations[k, j if reputations.shape[1] > 1 else 0]
            rise += pay * (_worth(r, threshold, floor, peak) - _worth(r, threshold, floor, totals[1, j]))
        if -rise > tolerances[k]:  # nan is no objection, for an objection would count as stability
            return True
    return False


_objects = njit(_objects_py)


def _permitted_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, outside, paid, reputations, pay, threshold, floor, peaks, speeds, slots, order, starts,
    movable, tolerances, joined, left,
):  # fmt: skip
    """Each player's best gain and place, of those where nobody objects who is asked; 0 where it stays."""
    totals = _sums(sizes, paid, reputations, threshold, floor, peaks, speeds, order, starts)
    present = _present(
        base, weights, sizes, outside, paid, reputations, pay, threshold, floor, speeds, slots, starts, totals
    )
    full, low, high = totals[0].copy(), totals[6].copy(), totals[7].copy()
    values, gains, places = np.empty(base.shape[1] + 1), np.zeros(slots.size), slots.copy()
    comes, leaves, nowhere = True, False, -1
    for i in range(slots.size):
        if not movable[i]:
            continue
        here = slots[i]
        _shares(base, weights, sizes[i], full, i, low, high, speeds, values[: base.shape[1]])
        values[base.shape[1]] = outside[i]
        gaining = False
        for j in range(base.shape[1]):
            if paid:
                column = j if reputations.shape[1] > 1 else 0
                values[j] = _joined(
                    paid, reputations, pay, threshold, floor, not peaks.size, order, starts, totals,
                    reputations[i, column], j, column, values[j], present[i],
                )  # fmt: skip
            gaining = gaining or (j != here and values[j] > present[i])
        if not (gaining or (here >= 0 and outside[i] > present[i])):
            continue
        if left and here >= 0 and _objects(
            weights, sizes, paid, reputations, pay, threshold, floor, peaks, speeds, order, starts, totals, tolerances,
            i, here, leaves,
        ):  # fmt: skip
            continue
        for j in range(values.size):
            place = j if j < base.shape[1] else nowhere
            if place == here or not values[j] - present[i] > gains[i]:
                continue
            if joined and place >= 0 and _objects(
                weights, sizes, paid, reputations, pay, threshold, floor, peaks, speeds, order, starts, totals,
                tolerances, i, place, comes,
            ):  # fmt: skip
                continue
            gains[i], places[i] = values[j] - present[i], place
    return gains, places


_permitted: Any = njit(_permitted_py)
