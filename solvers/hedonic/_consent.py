"""Compiled passes over weights and their transpose: the best switches to which nobody who is asked objects.

Every member's utility without one other, or with one more, follows from what it gets now: so a pass takes as long as
the weights are many, however many switches are refused. The arrays are as in `_evaluation`; `columns` are the rows of
the transpose, whom each player matters to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solvers._numba import njit
from solvers.core import Array, Mask, Positions
from solvers.hedonic._evaluation import BEST, WORST, _combine, _measure, _tally

Rows = tuple[Positions, Positions, Array]  # indptr, indices, data


class Setting(NamedTuple):
    """A partition, how weights make utilities, who may move, and what is asked of whom.

    `joined` and `left` say whether the members of the joined and of the left coalition are asked; a loss within
    `tolerances` is no reason to object. `open_slots` are sorted.
    """

    slots: Positions
    sizes: Positions
    kind: int
    open_slots: Positions
    movable: Mask
    tolerances: Array
    joined: bool
    left: bool


def permitted_moves(rows: Rows, columns: Rows, setting: Setting) -> tuple[Array, Array, Positions]:
    """Each player's utility, its highest value over the places that it is let go to or stays at, and that place."""
    slots, sizes, count = setting.slots, setting.sizes, len(setting.sizes)
    standing = _Standing(np.empty((3, len(slots))), np.empty(len(slots), np.intp), np.empty((2, len(slots)), np.bool_))
    _members(*rows, slots, sizes, setting.kind, setting.tolerances, *standing)
    standing.wary[0] &= setting.joined
    standing.wary[1] &= setting.left
    joins, leaves = (np.bincount(slots[wary], minlength=count).astype(np.intp) for wary in standing.wary)
    calm = setting.open_slots[joins[setting.open_slots] == 0]
    scratch = joins.copy(), np.zeros(count, np.intp), np.zeros(count), np.zeros(count, np.intp), slots.copy()
    best, places = standing.worth[0].copy(), slots.copy()
    asked = setting.joined, setting.left, calm, np.flatnonzero(setting.movable)
    setting_of = slots, sizes, setting.kind, setting.tolerances
    _permitted(*rows, *columns, *setting_of, *asked, *standing, joins, leaves, *scratch, best, places)
    return standing.worth[0], best, places


class _Standing(NamedTuple):
    """What the members of coalitions would mind.

    `worth`, (3, players), is each one's utility, what the weights of those that it knows make, and what they make
    without one extreme one; `known` how many it knows; `wary`, (2, players), whether it objects to the coming, and to
    the leave, of somebody that it does not know.
    """

    worth: Array
    known: Positions
    wary: Mask


def _standing_py(start, stop, indices, data, slots, own, kind):  # type: ignore[no-untyped-def]
    """Of a row's weights in the slot `own`: how many, what they make, and what they make without one extreme one."""
    known, total, second = 0, 0.0, 0.0
    for e in range(start, stop):
        if slots[indices[e]] != own:
            continue
        weight = data[e]
        if known == 0:
            total = weight
        elif kind in (BEST, WORST):
            loser = min(total, weight) if kind == BEST else max(total, weight)
            second = loser if known == 1 else _combine(second, loser, kind)
            total = _combine(total, weight, kind)
        else:
            total = _combine(total, weight, kind)
        known += 1
    return known, total, second


_standing = njit(_standing_py)


def _without_py(known, total, second, others, weight, kind):  # type: ignore[no-untyped-def]
    """The utility after one other has left, who counts for `weight`."""
    if known == 1:
        return _measure(0.0, 0, others - 1, kind)
    if kind in (BEST, WORST):
        return _measure(second if weight == total else total, known - 1, others - 1, kind)
    return _measure(total - weight, known - 1, others - 1, kind)


def _with_py(known, total, others, weight, kind):  # type: ignore[no-untyped-def]
    """The utility after one other has come, who counts for `weight`."""
    return _measure(_combine(total, weight, kind) if known else weight, known + 1, others + 1, kind)


_without: Any = njit(_without_py)
_with: Any = njit(_with_py)


def _members_py(  # type: ignore[no-untyped-def]
    indptr, indices, data, slots, sizes, kind, tolerances, worth, known, wary
):
    """Each player's standing in its own coalition, into the last three."""
    for k in range(slots.size):
        others = sizes[slots[k]] - 1
        known[k], total, second = _standing(indptr[k], indptr[k + 1], indices, data, slots, slots[k], kind)
        present = _measure(total, known[k], others, kind)
        worth[0, k], worth[1, k], worth[2, k] = present, total, second
        wary[0, k] = not present - _measure(total, known[k], others + 1, kind) <= tolerances[k]
        wary[1, k] = known[k] < others and not present - _measure(total, known[k], others - 1, kind) <= tolerances[k]


_members = njit(_members_py)


def _object_py(  # type: ignore[no-untyped-def]
    start, stop, indices, data, slots, sizes, kind, tolerances, joined, left, worth, known, wary, own, against, met
):
    """Adds to `against`, (capacity,), those who object to a player because of its weight in their rows.

    Who objects to anybody is counted already. `met` are the slots that are touched; their number comes back.
    """
    count = 0
    for e in range(start, stop):
        k = indices[e]
        j, others = slots[k], sizes[slots[k]] - 1
        if j == own and left:
            after = _without(known[k], worth[1, k], worth[2, k], others, data[e], kind)
            was = wary[1, k]
        elif j != own and joined:
            after = _with(known[k], worth[1, k], others, data[e], kind)
            was = wary[0, k]
        else:
            continue
        against[j] += int(not worth[0, k] - after <= tolerances[k]) - int(was)
        met[count] = j
        count += 1
    return count


_object = njit(_object_py)


def _stranger_py(own, calm, touched, reached, known, against):  # type: ignore[no-untyped-def]
    """The first open slot but `own` where the player knows nobody and nobody objects to it; or -1."""
    first = -1
    for k in range(calm.size):
        j = calm[k]
        if known[j] == 0 and against[j] == 0 and j != own:
            first = j
            break
    for k in range(reached):
        j = touched[k]
        if known[j] == 0 and against[j] == 0 and j != own and (first < 0 or j < first):
            first = j
    return first


_open_stranger = njit(_stranger_py)


def _choice_py(  # type: ignore[no-untyped-def]
    own, stay, met, count, known, totals, sizes, kind, calm, touched, reached, against
):
    """A player's highest value where nobody objects to it, and the place: its own, else the lowest slot.

    The first `count` of `met` are the slots where it knows `known` members, who make `totals`.
    """
    best, place = stay, own
    for k in range(count):
        j = met[k]
        value = _measure(totals[j], known[j], sizes[j], kind)
        tied = value == best and place != own and j < place
        if j != own and against[j] == 0 and (value > best or tied):
            best, place = value, j
    if best < 0.0 or (best == 0.0 and place != own):
        j = _open_stranger(own, calm, touched, reached, known, against)
        if j >= 0 and (best < 0.0 or j < place):
            best, place = 0.0, j
    return best, place


_choice: Any = njit(_choice_py)


def _permitted_py(  # type: ignore[no-untyped-def]
    indptr, indices, data, tindptr, tindices, tdata, slots, sizes, kind, tolerances, joined, left, calm, movers,
    worth, known, wary, joins, leaves, against, numbers, totals, met, touched, best, places,
):  # fmt: skip
    """Each mover's highest value and place, into the last two.

    `joins` and `leaves`, (capacity,), are how many members object to anybody's coming and leave; the five arrays after
    them are scratch: a copy of `joins`, zeros twice, and anything.
    """
    for m in range(movers.size):
        i = movers[m]
        own = slots[i]
        against[own] = leaves[own] - int(wary[1, i])
        reached = _object(
            tindptr[i], tindptr[i + 1], tindices, tdata, slots, sizes, kind, tolerances, joined, left,
            worth, known, wary, own, against, touched,
        )  # fmt: skip
        if against[own] == 0:
            count = _tally(indptr[i], indptr[i + 1], indices, data, slots, kind, numbers, totals, met)
            best[i], places[i] = _choice(
                own, worth[0, i], met, count, numbers, totals, sizes, kind, calm, touched, reached, against
            )
            for k in range(count):
                numbers[met[k]] = 0
        for k in range(reached):
            against[touched[k]] = joins[touched[k]]
        against[own] = joins[own]


_permitted = njit(_permitted_py)
