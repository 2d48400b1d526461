"""Compiled passes over the rows of a table of weights: what each player gets in every slot, from scratch.

The row of player i is `data[indptr[i]:indptr[i + 1]]`, what it gets from the players in `indices`; it gets 0 from all
others. These three and `slots` are read-only, all other arrays fresh, so that each kernel is compiled once.
"""

from __future__ import annotations

from solvers._numba import njit
from solvers.core import Array, Mask, Positions

SUM, MEAN, BEST, WORST = range(4)  # how a coalition's weights make a utility


def _combined(total: float, weight: float, kind: int) -> float:
    """`total` with one more weight in it."""
    if kind == BEST:
        return max(total, weight)
    if kind == WORST:
        return min(total, weight)
    return total + weight


def _worth(total: float, known: int, others: int, kind: int) -> float:
    """The utility with `others`, of whom `known` have weights other than 0."""
    if kind == MEAN:
        return total / (others + 1)
    if kind == BEST and known < others:
        return max(total, 0.0)
    if kind == WORST and known < others:
        return min(total, 0.0)
    return total


_combine = njit(_combined)
_measure = njit(_worth)


def _utilities(
    indptr: Positions, indices: Positions, data: Array, slots: Positions, sizes: Positions, kind: int, found: Array
) -> None:
    """Each player's utility, written into `found`, (players,)."""
    for i in range(len(slots)):
        own, known, total = slots[i], 0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            if slots[indices[e]] == own:
                total = _combine(total, data[e], kind) if known else data[e]
                known += 1
        found[i] = _measure(total, known, sizes[own] - 1, kind)


def _tallied(
    start: int,
    stop: int,
    indices: Positions,
    data: Array,
    slots: Positions,
    kind: int,
    known: Positions,
    totals: Array,
    met: Positions,
) -> int:
    """How many slots a row knows members of: into `met` which, into `known` how many, into `totals` their worth."""
    count = 0
    for e in range(start, stop):
        j = slots[indices[e]]
        if known[j]:
            totals[j] = _combine(totals[j], data[e], kind)
        else:
            totals[j] = data[e]
            met[count] = j
            count += 1
        known[j] += 1
    return count


def _stranger(open_slots: Positions, known: Positions) -> int:
    """The first open slot where the player knows nobody, which is worth 0 to it; or -1."""
    for k in range(len(open_slots)):
        if known[open_slots[k]] == 0:
            return int(open_slots[k])
    return -1


_tally = njit(_tallied)
_strange = njit(_stranger)


def _values(
    indptr: Positions,
    indices: Positions,
    data: Array,
    slots: Positions,
    sizes: Positions,
    kind: int,
    known: Positions,
    found: Array,
    met: Positions,
    player: int,
) -> None:
    """One player's value of each slot where it knows a member, into `found`, (capacity,); the rest is left as it is.

    `known` and `met`, (capacity,), are scratch: zeros that stay so, and anything.
    """
    count = _tally(indptr[player], indptr[player + 1], indices, data, slots, kind, known, found, met)
    for k in range(count):
        j = met[k]
        others = sizes[j] - 1 if j == slots[player] else sizes[j]
        found[j] = _measure(found[j], known[j], others, kind)
        known[j] = 0


def _best_moves(
    indptr: Positions,
    indices: Positions,
    data: Array,
    slots: Positions,
    sizes: Positions,
    kind: int,
    known: Positions,
    totals: Array,
    met: Positions,
    open_slots: Positions,
    movable: Mask,
    stays: Array,
    best: Array,
    places: Positions,
) -> None:
    """Each player's present utility, its highest value and the place of that, into the last three, (players,).

    `open_slots` are sorted. `known`, `totals` and `met`, (capacity,), are scratch: zeros that stay so, and anything.
    """
    for i in range(len(slots)):
        own = slots[i]
        count = _tally(indptr[i], indptr[i + 1], indices, data, slots, kind, known, totals, met)
        stays[i] = _measure(totals[own], known[own], sizes[own] - 1, kind) if known[own] else 0.0
        place, highest = own, stays[i]
        stranger = _strange(open_slots, known) if highest < 0.0 else -1
        if stranger >= 0:
            place, highest = stranger, 0.0
        for k in range(count):
            j = met[k]
            value = _measure(totals[j], known[j], sizes[j], kind)
            known[j] = 0
            if j != own and (value > highest or (value == highest and place != own and j < place)):
                place, highest = j, value
        best[i], places[i] = (highest, place) if movable[i] else (stays[i], own)


utilities = njit(_utilities)
slot_values = njit(_values)
best_moves = njit(_best_moves)
