"""Switching, compiled: the paths that `_engine` defines, for `permission="nash"`.

The rules of history and welfare, and random ties, are for labelled games only. What players remember is kept as 64-bit
words: two coalitions share one, and the second is then barred in error, with a chance of 2^-64 for each pair.

In a game of weights a look at a player's row gives what it gets in every slot, and sizes serve anonymous games. In a
labelled game sums and maxima are kept, so that a proposed switch costs the same in any coalition. For each slot these
are the members' number and total size, and what their reputations amount to:

- the top, which is the peak less the threshold, and the least and greatest speeds, each in a pairing heap (Fredman,
  Sedgewick, Sleator, Tarjan 1986), for the second highest must be known when the highest leaves;
- Σ H at the present top, in two sums: `fixed` does not depend on the top, and `climb` is
  Σ log(1 + (e − 1) excess/top), over the members whose reputations exceed the threshold;
- `climb` as a function of the top, for a newcomer may raise it, and then every member's utility changes. It is an
  analytic function of t = log(top) whose nearest singularities lie π off the real axis, so `NODES`
  Chebyshev points in each panel of length log 64 give it to rounding. A switch changes the values at the points, and a
  proposal above the peak reads them: neither looks at the members. What is kept at a point is the product whose
  logarithm is the sum, and how often it was scaled by `FAR`: multiplying is much quicker than taking logarithms.

Total sizes are kept with what rounding took from them, since sizes may differ widely and shares are of their sum. Other
sums of floats drift, so all of them are made anew after as many switches as there are players (at least `CHUNK`).
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from solvers._numba import njit
from solvers.core import Array, Positions
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._engine import Path, Rules
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._labelled_values import Arrays
from solvers.hedonic._pairwise import PairwiseGame
from solvers.hedonic._partition import Partition

NODES = 31
PANEL = math.log(64.0)
MOST = 2**62  # switches
LOOKS = 10**8  # proposals before the kernel comes back, where all players look before each switch
FAR = 2.0**500  # beyond it, or below its inverse, a product is scaled
LOG_FAR = math.log(FAR)
CHUNK = 4096  # switches in a log, or as many as there are players, after which the kernel comes back
COUNT, SIZE, TOP, FIXED, CLIMB, ABOVE, LOW, HIGH, ROOM, BASES, STAKES, HASTE, LOST = range(13)  # rows of the sums
SUMS = LOST + 1
SUM, MEAN, BEST, WORST, BY_SIZE, LABELLED = range(6)  # how a coalition makes a utility
GREATEST, LEAST, FASTEST = range(3)  # heaps: of excesses, of least speeds with their signs changed, of greatest speeds
IN_TURN, SHUFFLED, MOST_GAIN = range(3)
TURN, IDLE, MADE, SINCE, SPAN, FOLLOWING, EMPTY, KEPT, ENDED = range(9)  # entries of the clock
STABLE, CYCLE, LIMIT = range(1, 4)  # how a path ended; 0 while it goes on
ENDINGS: Final[tuple[Literal["stable", "cycle", "limit"], ...]] = ("stable", "cycle", "limit")
HASH, CHECKED, RANDOM_STATE = range(3)  # entries of the words
PLAYER, TARGET, EQUALS = range(3)  # entries of a pick
NOWHERE = -2
SLACK = 1e-12  # relative; a bound this close is looked at in full


class State(NamedTuple):
    """What the kernel keeps, and changes in place."""

    slots: Positions
    sums: Array
    keys: Array
    links: Positions
    roots: Positions
    points: Array
    table: Array


def fresh(game: Arrays, slots: Positions) -> State:
    """The state of a partition, from its members alone."""
    n, slot_count = game.base.shape
    heaps = (0 if game.paid == 0 or game.peaks.size else 1) + (2 if game.speeds.shape[0] > 1 else 0)
    points = _points(game)
    state = State(
        slots=slots.copy(),
        sums=np.zeros((SUMS, slot_count)),
        keys=np.zeros((3, n if heaps else 1)),
        links=np.full((3, 3, n if heaps else 1), -1, dtype=np.intp),
        roots=np.full((3, slot_count), -1, dtype=np.intp),
        points=points,
        table=np.zeros((2, slot_count, points.size)),
    )
    _renew(constants(game), state)
    return state


def _renew(game: tuple[Any, ...], state: State) -> None:
    """Makes all but the slots and points of the state anew."""
    state.sums.fill(0.0)
    state.links.fill(-1)
    state.roots.fill(-1)
    state.table[0], state.table[1] = 1.0, 0.0
    coming = 1  # as an argument, since Numba compiles for literals apart
    _build(*game[:3], *game[4:], *state, coming)


def constants(game: Arrays) -> tuple[Any, ...]:
    """The game as the kernels here read it: reputations and given peaks less the threshold."""
    excesses, tops = _sealed(game.reputations - game.threshold), _sealed(game.peaks - game.threshold)
    return (
        game.base, game.weights, game.sizes, game.outside, game.paid, excesses, game.pay, game.floor, tops, game.speeds
    )  # fmt: skip


def _sealed(values: Any) -> Any:
    """The array, read-only, as all arrays of games are: Numba compiles a kernel anew for writable ones."""
    values.flags.writeable = False
    return values


def _points(game: Arrays) -> Array:
    """The tops for which climbs are kept: panels of `NODES` from the greatest excess downwards."""
    excess = game.reputations - game.threshold
    excess = excess[excess > 0]
    if not game.paid or game.peaks.size or not excess.size:
        return np.zeros(0)
    top, bottom = math.log(excess.max()), math.log(excess.min())
    panels = max(1, math.ceil((top - bottom) / PANEL))
    unit = np.cos(np.pi * (2 * np.arange(NODES) + 1) / (2 * NODES))
    middles = top - PANEL * (np.arange(panels) + 0.5)
    return np.exp((middles[:, None] + PANEL / 2 * unit).ravel())


def follow(game: HedonicGame, start: Partition, rules: Rules, limit: int, seed: int) -> Path:
    """The path of switches that `_engine.follow` defines, for a game and rules that `knows` accepts."""
    arguments, slots = _arguments(game, start.slots)
    clock, words = np.zeros(9, dtype=np.int64), np.zeros(3, dtype=np.uint64)
    clock[SPAN], words[RANDOM_STATE] = 1, seed
    clock[EMPTY] = np.flatnonzero(np.append(np.bincount(slots + 1, minlength=game.capacity + 1)[1:] == 0, True))[0]
    order = {"fixed": IN_TURN, "random": SHUFFLED, "most-gain": MOST_GAIN}[rules.order]
    settings = game.movable, rules.tolerances.copy(), rules.best, order, rules.random_ties, rules.deterministic
    welfare = float(np.max(rules.tolerances)), np.empty((2, SUMS)) if rules.welfare else None
    marks, memory = np.zeros(game.capacity, dtype=np.uint64), None
    if rules.history:
        memory = np.zeros(1 << (2 * game.players).bit_length() + 1, dtype=np.uint64)
        clock[KEPT] = _remember(memory, marks, slots)
    turns, checkpoint = np.arange(game.players), slots.copy()
    logs, all_gains = [], []
    looks = game.players * game.capacity if order == MOST_GAIN else 1  # a kernel cannot be interrupted
    room = max(min(max(game.players, CHUNK), LOOKS // looks), 1)
    while not clock[ENDED]:
        log, gains = np.empty((3, room), dtype=np.intp), np.empty(room)
        rules_now = *settings, min(limit, MOST), *welfare, marks, memory
        noted = _drive(*arguments, *rules_now, clock, words, turns, checkpoint, log, gains)
        logs.append(log[:, :noted])
        all_gains.append(gains[:noted])
        if isinstance(game, LabelledGame) and not clock[ENDED]:
            _renew(arguments[:10], State(*arguments[10:17]))
        if memory is not None and 2 * clock[KEPT] >= memory.size:
            memory, smaller = np.zeros(2 * memory.size, dtype=np.uint64), memory
            _enlarged(smaller, memory)
    players, sources, targets = np.concatenate(logs, axis=1)
    ended = ENDINGS[clock[ENDED] - 1]
    length = int(clock[SINCE]) if ended == "cycle" else 0
    return Path(slots, players, sources, targets, np.concatenate(all_gains), ended, length)


def knows(game: HedonicGame, rules: Rules) -> bool:
    """Whether `follow` can follow this game under these rules."""
    if rules.permission != "nash":
        return False
    plain = not (rules.history or rules.welfare or rules.random_ties)
    return isinstance(game, LabelledGame) or (plain and isinstance(game, PairwiseGame | AnonymousGame))


def _arguments(game: HedonicGame, slots: Positions) -> tuple[tuple[Any, ...], Positions]:
    """The game and the partition as `_drive` takes them, and the slots, which it changes in place."""
    none, nobody, one = _sealed(np.zeros((1, 1))), _sealed(np.zeros(1, dtype=np.intp)), _sealed(np.zeros(1))
    if isinstance(game, LabelledGame):
        state = fresh(game.arrays, slots)
        rows = (LABELLED, nobody, nobody, one, none, nobody.copy(), nobody.copy(), one.copy(), nobody.copy())
        return (*constants(game.arrays), *state, *rows), state.slots
    placed, members = slots.copy(), np.bincount(slots, minlength=game.capacity)
    known, totals, seen = np.zeros_like(members), np.zeros(game.capacity), np.zeros_like(members)
    if isinstance(game, AnonymousGame):
        rows = (BY_SIZE, nobody, nobody, one, game.values_by_size, members, known, totals, seen)
    else:
        assert isinstance(game, PairwiseGame)
        rows = (game._kind, game.indptr, game.indices, game.data, none, members, known, totals, seen)
    unlabelled = (none, none, one, one, 0, none, 0.0, 0.0, one, none)
    links, roots = np.zeros((3, 3, 1), dtype=np.intp), np.zeros((3, 1), dtype=np.intp)
    return (*unlabelled, placed, none.copy(), none.copy(), links, roots, one.copy(), np.zeros((2, 1, 1)), *rows), placed


def _weights() -> Array:
    """Barycentric weights of Chebyshev points of the first kind."""
    k = np.arange(NODES)
    return np.where(k % 2 == 0, 1.0, -1.0) * np.sin(np.pi * (2 * k + 1) / (2 * NODES))


_BARYCENTRIC = _weights()
_UNIT = np.cos(np.pi * (2 * np.arange(NODES) + 1) / (2 * NODES))

# --- kernels: the arrays of games are read-only, the others writable; all are C-ordered -------------------------------


def _mixed_py(word):  # type: ignore[no-untyped-def]
    """The output of splitmix64 for a state."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


_mixed = njit(_mixed_py)


def _draw_py(words, bound):  # type: ignore[no-untyped-def]
    """The next draw, mod `bound`."""
    words[RANDOM_STATE] += np.uint64(0x9E3779B97F4A7C15)
    return np.int64(_mixed(words[RANDOM_STATE]) % np.uint64(bound))


_draw = njit(_draw_py)


def _mark_py(player, slot):  # type: ignore[no-untyped-def]
    """A word for a player in a slot; a partition's hash is all of them, xor-ed."""
    return _mixed((np.uint64(player + 1) << np.uint64(32)) ^ np.uint64(slot + 1))


_mark = njit(_mark_py)


def _merged_py(keys, links, a, b):  # type: ignore[no-untyped-def]
    """The root of two heaps made one; links are first child, next sibling, and parent or sibling before."""
    if a < 0:
        return b
    if b < 0:
        return a
    if keys[a] < keys[b]:
        a, b = b, a
    links[1, b] = links[0, a]
    if links[0, a] >= 0:
        links[2, links[0, a]] = b
    links[0, a], links[2, b] = b, a
    links[1, a] = links[2, a] = -1
    return a


_merged = njit(_merged_py)


def _gathered_py(keys, links, first):  # type: ignore[no-untyped-def]
    """The root of one heap made of all siblings from `first` on: in pairs, then from the last pair backwards."""
    pairs = -1
    while first >= 0:
        second = links[1, first]
        after = links[1, second] if second >= 0 else -1
        links[1, first] = links[2, first] = -1
        if second >= 0:
            links[1, second] = links[2, second] = -1
        root = _merged(keys, links, first, second)
        links[1, root] = pairs  # a stack, linked by sibling
        pairs, first = root, after
    heap = pairs
    if heap >= 0:
        pairs = links[1, heap]
        links[1, heap] = -1
    while pairs >= 0:
        after = links[1, pairs]
        links[1, pairs] = -1
        heap, pairs = _merged(keys, links, heap, pairs), after
    return heap


_gathered = njit(_gathered_py)


def _removed_py(keys, links, root, node):  # type: ignore[no-untyped-def]
    """The root of a heap after `node` is taken out."""
    children = links[0, node]
    links[0, node] = -1
    if node != root:
        before, after = links[2, node], links[1, node]
        if links[0, before] == node:
            links[0, before] = after
        else:
            links[1, before] = after
        if after >= 0:
            links[2, after] = before
    links[1, node] = links[2, node] = -1
    rest = _gathered(keys, links, children)
    return rest if node == root else _merged(keys, links, root, rest)


_removed = njit(_removed_py)


def _climb_py(table, points, j, excess):  # type: ignore[no-untyped-def]
    """Σ log(1 + (e − 1) excess_k/excess) over the members of slot j, for a peak `excess` above the threshold."""
    top = math.log(points[0]) + (1 - _UNIT[0]) * PANEL / 2
    place = (top - math.log(excess)) / PANEL
    panel = min(max(int(place), 0), points.size // NODES - 1)
    unit = 1 - 2 * (place - panel)
    above, below = 0.0, 0.0
    for k in range(NODES):
        at = panel * NODES + k
        climb = math.log(table[0, j, at]) + table[1, j, at] * LOG_FAR
        gap = unit - _UNIT[k]
        if gap == 0:
            return climb
        weight = _BARYCENTRIC[k] / gap
        above += weight * climb
        below += weight
    return above / below


_climb = njit(_climb_py)


def _spread_py(table, points, j, excess, sign):  # type: ignore[no-untyped-def]
    """Adds a member's part to, or takes it from, the climb of slot j at every point of the panels it may matter in."""
    for first in range(0, points.size, NODES):
        if points[first] * 2 < excess:  # the panel's end is above its first point by less than 2
            break
        for k in range(first, first + NODES):
            factor = 1 + (math.e - 1) * excess / points[k]
            product = table[0, j, k] * factor if sign > 0 else table[0, j, k] / factor
            large, small = product > FAR, product < 1 / FAR
            table[0, j, k] = product * (1 / FAR if large else FAR if small else 1.0)
            table[1, j, k] += (1.0 if large else 0.0) - (1.0 if small else 0.0)


_spread = njit(_spread_py)


def _room_py(sums, paid, pay, floor, j):  # type: ignore[no-untyped-def]
    """Writes the most that a newcomer to slot j can be paid if pay is shared: nobody's utility rises when it joins."""
    if paid == 1:
        most = sums[FIXED, j] + ((1 - floor) * sums[CLIMB, j] + 1.0 if pay > 0 else 0.0)
        sums[ROOM, j] = pay * most / (sums[COUNT, j] + 1)


_room = njit(_room_py)


def _count_standing_py(floor, sums, points, table, excess, before, j, sign):  # type: ignore[no-untyped-def]
    """The utilities of reputations in slot j, whose top was `before`, after a member has come or left."""
    sums[FIXED, j] = sums[FIXED, j] + sign * floor * math.exp(min(excess, 0.0)) if sums[COUNT, j] else 0.0
    if excess <= 0:
        return
    sums[ABOVE, j] += sign
    if not sums[ABOVE, j]:
        sums[CLIMB, j] = 0.0
        for k in range(points.size):
            table[0, j, k], table[1, j, k] = 1.0, 0.0
        return
    _spread(table, points, j, excess, sign)
    if sums[TOP, j] == before:
        sums[CLIMB, j] += sign * math.log1p((math.e - 1) * excess / before)
    else:
        sums[CLIMB, j] = _climb(table, points, j, sums[TOP, j])


_count_standing = njit(_count_standing_py)


def _add_size_py(sums, j, size):  # type: ignore[no-untyped-def]
    """Adds to the total size of slot j, and to `LOST` what rounding took: when a huge member leaves, it is needed."""
    before, lost = sums[SIZE, j], sums[LOST, j]
    total = before + size
    back = total - before
    lost += (before - (total - back)) + (size - back)
    sums[SIZE, j] = total + lost
    sums[LOST, j] = lost - (sums[SIZE, j] - total)
    if not sums[COUNT, j]:
        sums[SIZE, j], sums[LOST, j] = 0.0, 0.0


_add_size = njit(_add_size_py)


def _entered_py(keys, links, roots, i, j, key, sign):  # type: ignore[no-untyped-def]
    """The greatest key of slot j after player i has come with `key` (`sign` 1) or left (-1)."""
    if sign > 0:
        keys[i] = key
        roots[j] = _merged(keys, links, roots[j], i)
    else:
        roots[j] = _removed(keys, links, roots[j], i)
    return keys[roots[j]] if roots[j] >= 0 else -math.inf


_entered = njit(_entered_py)


def _count_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, paid, excesses, floor, tops, speeds, sums, keys, links, roots, points, table, i, j, sign
):
    """Player i comes to slot j (`sign` 1) or leaves it (-1)."""
    sums[COUNT, j] += sign
    stake = weights[i, j if weights.shape[1] > 1 else 0] * sizes[i]
    _add_size(sums, j, sign * sizes[i])
    for row, part in ((BASES, base[i, j]), (STAKES, stake)):
        sums[row, j] = sums[row, j] + sign * part if sums[COUNT, j] else 0.0
    if speeds.shape[0] > 1:
        sums[HASTE, j] = sums[HASTE, j] + sign * stake * speeds[0, i] if sums[COUNT, j] else 0.0
        sums[LOW, j] = -_entered(keys[LEAST], links[LEAST], roots[LEAST], i, j, -speeds[1, i], sign)
        sums[HIGH, j] = _entered(keys[FASTEST], links[FASTEST], roots[FASTEST], i, j, speeds[2, i], sign)
    if not paid:
        return
    excess, before = excesses[i, j if excesses.shape[1] > 1 else 0], sums[TOP, j]
    if not tops.size:
        sums[TOP, j] = _entered(keys[GREATEST], links[GREATEST], roots[GREATEST], i, j, excess, sign)
    _count_standing(floor, sums, points, table, excess, before, j, sign)


_count = njit(_count_py)


def _build_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, paid, excesses, pay, floor, tops, speeds,
    slots, sums, keys, links, roots, points, table, coming,
):  # fmt: skip
    """Counts all players in, where nobody is counted yet; `coming` is 1."""
    for j in range(sums.shape[1]):
        sums[LOW, j], sums[HIGH, j] = math.inf, -math.inf
        sums[TOP, j] = tops[j] if tops.size else -math.inf
    for i in range(slots.size):
        if slots[i] >= 0:
            _count(
                base, weights, sizes, paid, excesses, floor, tops, speeds, sums, keys, links, roots, points, table,
                i, slots[i], coming,
            )  # fmt: skip
    for j in range(sums.shape[1]):
        if points.size and sums[ABOVE, j]:
            sums[CLIMB, j] = _climb(table, points, j, sums[TOP, j])
        _room(sums, paid, pay, floor, j)


_build: Any = njit(_build_py)


def _proposals_py(base, weights, speeds, sums, size, i, shares):  # type: ignore[no-untyped-def]
    """Writes to `shares` what player i would get in each slot before it is paid for reputations."""
    if speeds.shape[0] > 1:
        for j in range(shares.size):
            low, high = min(sums[LOW, j], speeds[1, i]), max(sums[HIGH, j], speeds[2, i])
            weight = weights[i, min(j, weights.shape[1] - 1)] * ((speeds[0, i] - low) / (high - low))
            shares[j] = base[i, j] + weight * (size / (sums[SIZE, j] + size))
    elif weights.shape[1] > 1:
        for j in range(shares.size):
            shares[j] = base[i, j] + weights[i, j] * (size / (sums[SIZE, j] + size))
    else:
        weight = weights[i, 0]
        for j in range(shares.size):
            shares[j] = base[i, j] + weight * (size / (sums[SIZE, j] + size))


_proposals = njit(_proposals_py, inline=True)


def _worth_py(excess, top, floor):  # type: ignore[no-untyped-def]
    """H of a reputation `excess` above the threshold, in a coalition whose peak is `top` above it."""
    if excess < 0:
        return floor * math.exp(excess)
    return floor + (1 - floor) * math.log1p((math.e - 1) * excess / top) if top > 0 else floor


_worth = njit(_worth_py)


def _own_room_py(excesses, paid, pay, floor, sums, i):  # type: ignore[no-untyped-def]
    """The most that player i can be paid in any slot if pay is for its own reputation, else 0."""
    if paid != 2:
        return 0.0
    if excesses.shape[1] > 1:
        return max(pay, 0.0)
    top = sums[TOP, 0]
    for j in range(sums.shape[1]):
        top = min(top, sums[TOP, j]) if pay > 0 else max(top, sums[TOP, j])
    return pay * _worth(excesses[i, 0], max(top, excesses[i, 0]), floor)


_own_room = njit(_own_room_py, inline=True)


def _present_py(base, weights, sizes, outside, paid, excesses, pay, floor, speeds, sums, i, j):  # type: ignore[no-untyped-def]
    """What player i gets in slot j, where it is."""
    if j < 0:
        return outside[i]
    weight = weights[i, j if weights.shape[1] > 1 else 0]
    if speeds.shape[0] > 1:
        weight *= (speeds[0, i] - sums[LOW, j]) / (sums[HIGH, j] - sums[LOW, j])
    value = base[i, j] + weight * (sizes[i] / sums[SIZE, j])
    if paid == 1:
        value += pay * ((sums[FIXED, j] + (1 - floor) * sums[CLIMB, j]) / sums[COUNT, j])
    elif paid == 2:
        value += pay * _worth(excesses[i, j if excesses.shape[1] > 1 else 0], sums[TOP, j], floor)
    return value


_present = njit(_present_py, inline=True)


def _paid_py(paid, excess, pay, floor, moving, sums, points, table, j):  # type: ignore[no-untyped-def]
    """What a newcomer to slot j is paid for reputations."""
    top = sums[TOP, j]
    raises = moving and excess > top
    own = _worth(excess, excess if raises else top, floor)
    if paid == 2:
        return pay * own
    climb = sums[CLIMB, j]
    if raises and excess > 0 and sums[ABOVE, j]:
        climb = _climb(table, points, j, excess)
    return pay * ((sums[FIXED, j] + (1 - floor) * climb + own) / (sums[COUNT, j] + 1))


_paid = njit(_paid_py)


def _make_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, paid, excesses, pay, floor, tops, speeds,
    slots, sums, keys, links, roots, points, table, i, target,
):  # fmt: skip
    """Player i goes to `target`."""
    source = slots[i]
    for side in range(2):  # one call for both, since each is compiled into the whole
        j = target if side else source
        if j >= 0:
            _count(
                base, weights, sizes, paid, excesses, floor, tops, speeds, sums, keys, links, roots, points, table,
                i, j, 2 * side - 1,
            )  # fmt: skip
            _room(sums, paid, pay, floor, j)
    slots[i] = target


_make = njit(_make_py)


def _welfare_py(paid, pay, floor, speeds, sums, j):  # type: ignore[no-untyped-def]
    """The sum of the utilities in slot j."""
    if not sums[COUNT, j]:
        return 0.0
    stakes = sums[STAKES, j]
    if speeds.shape[0] > 1:
        stakes = (sums[HASTE, j] - sums[LOW, j] * stakes) / (sums[HIGH, j] - sums[LOW, j])
    total = sums[BASES, j] + stakes / sums[SIZE, j]
    return total + pay * (sums[FIXED, j] + (1 - floor) * sums[CLIMB, j]) if paid else total


_welfare = njit(_welfare_py)


def _rise_py(  # type: ignore[no-untyped-def]
    base, weights, sizes, outside, paid, excesses, pay, floor, tops, speeds,
    slots, sums, keys, links, roots, points, table, i, target, saved,
):  # fmt: skip
    """How much the welfare rises if player i goes to `target`: it goes, and comes back."""
    source = slots[i]
    rise = (outside[i] if target < 0 else 0.0) - (outside[i] if source < 0 else 0.0)
    for step in range(2):
        for side in range(2):
            j = target if side else source
            if j < 0:
                continue
            rise += (2 * step - 1) * _welfare(paid, pay, floor, speeds, sums, j)
            for row in range((1 - step) * sums.shape[0]):
                saved[side, row] = sums[row, j]
        _make(
            base, weights, sizes, paid, excesses, pay, floor, tops, speeds,
            slots, sums, keys, links, roots, points, table, i, source if step else target,
        )  # fmt: skip
    for side in range(2):
        j = target if side else source
        if j >= 0:
            for row in range(sums.shape[0]):
                sums[row, j] = saved[side, row]
    return rise


_rise = njit(_rise_py)


def _key_py(group, i, j):  # type: ignore[no-untyped-def]
    """A word, never 0, for player i in slot j with the members whose marks, xor-ed, are `group`."""
    word = _mixed(group ^ _mixed(np.uint64(j + 1))) ^ _mixed(np.uint64(i) + np.uint64(0xD1B54A32D192ED03))
    return word or np.uint64(1)


_key = njit(_key_py)


def _place_py(memory, key):  # type: ignore[no-untyped-def]
    """Where `key` is in the table, or the empty place where it belongs; half of the table is empty."""
    mask = np.uint64(memory.size - 1)
    at = key & mask
    while memory[at] and memory[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


_place = njit(_place_py)


def _joined_py(memory, marks, i, j):  # type: ignore[no-untyped-def]
    """Whether player i has joined the coalition before that it would make in slot j."""
    nobody = -1
    key = _key(marks[j] ^ _mark(i, nobody), i, j)
    return memory[_place(memory, key)] == key


_joined = njit(_joined_py)


def _note_py(memory, marks, i, source, target):  # type: ignore[no-untyped-def]
    """How many coalitions, 1 or 0, player i has to remember for going from `source` to `target`; they are noted."""
    nobody = -1
    if source >= 0:
        marks[source] ^= _mark(i, nobody)
    if target < 0:
        return 0
    marks[target] ^= _mark(i, nobody)
    key = _key(marks[target], i, target)
    memory[_place(memory, key)] = key
    return 1


_note = njit(_note_py)


def _remember_py(memory, marks, slots):  # type: ignore[no-untyped-def]
    """Notes the coalitions in which the players start, and their members in `marks`; returns how many are noted."""
    noted, nobody = 0, -1
    for i in range(slots.size):
        if slots[i] >= 0:
            marks[slots[i]] ^= _mark(i, nobody)
    for i in range(slots.size):
        if slots[i] >= 0:
            key = _key(marks[slots[i]], i, slots[i])
            memory[_place(memory, key)] = key
            noted += 1
    return noted


_remember: Any = njit(_remember_py)


def _enlarged_py(memory, larger):  # type: ignore[no-untyped-def]
    """Copies what is remembered to a larger table."""
    for key in memory:
        if key:
            larger[_place(larger, key)] = key


_enlarged: Any = njit(_enlarged_py)


def _bar_py(present, tolerance, worth, best, by_gain, pay):  # type: ignore[no-untyped-def]
    """A value below which a candidate cannot be chosen, less what rounding may do."""
    bar = present + max(tolerance, worth) if by_gain else max(present + tolerance, worth) if best else present
    return bar - SLACK * (abs(bar) + abs(pay))


_bar = njit(_bar_py, inline=True)


def _look_py(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    base, weights, sizes, outside, paid, excesses, pay, floor, tops, speeds,
    slots, sums, keys, links, roots, points, table,
    i, tolerance, best, by_gain, ties, least_rise, marks, memory, words, shares, saved, pick, worths,
):  # fmt: skip
    """Writes to `pick` who goes where, and to `worths` what it is compared by and the gain, if i has a better one."""
    here, nowhere = slots[i], -1
    present = _present(base, weights, sizes, outside, paid, excesses, pay, floor, speeds, sums, i, here)
    _proposals(base, weights, speeds, sums, sizes[i], i, shares)
    own_room = _own_room(excesses, paid, pay, floor, sums, i)
    bar = _bar(present, tolerance, worths[0], best, by_gain, pay)
    for j in range(shares.size + 1):
        out = j == shares.size
        if out:
            value = outside[i]
        elif shares[j] + (sums[ROOM, j] + own_room) < bar or j == here:
            continue
        else:
            value = shares[j]
            if paid:
                excess = excesses[i, j if excesses.shape[1] > 1 else 0]
                value += _paid(paid, excess, pay, floor, not tops.size, sums, points, table, j)
        gain = value - present
        if not gain > tolerance or (out and here < 0):
            continue
        worth = gain if by_gain else value
        if worth < worths[0] or (worth == worths[0] and not ties):
            continue
        target = nowhere if out else j
        if memory is not None:  # noqa: SIM102 - alone, the test keeps the rule from being compiled where it is not needed
            if not out and _joined(memory, marks, i, j):
                continue
        if saved is not None:
            rise = _rise(
                base, weights, sizes, outside, paid, excesses, pay, floor, tops, speeds,
                slots, sums, keys, links, roots, points, table, i, target, saved,
            )  # fmt: skip
            if not rise > least_rise:
                continue
        pick[EQUALS] = pick[EQUALS] + 1 if worth == worths[0] else 1
        if pick[EQUALS] == 1 or _draw(words, pick[EQUALS]) == 0:
            pick[PLAYER], pick[TARGET] = i, target
            worths[0], worths[1] = worth, gain
        if not (best or by_gain):
            return
        bar = _bar(present, tolerance, worths[0], best, by_gain, pay)


_look = njit(_look_py, inline=True)


def _consider_py(i, j, value, present, tolerance, best, by_gain, pick, worths):  # type: ignore[no-untyped-def]
    """Takes the move of i to slot j into `pick` if it is a gain and comes before what is there; in any order of j."""
    gain = value - present
    if not gain > tolerance:
        return
    worth = gain if by_gain else value
    first = pick[PLAYER] == i and j < pick[TARGET]
    better = worth > worths[0] or (worth == worths[0] and first)
    if better if best or by_gain else pick[TARGET] == NOWHERE or first:
        pick[PLAYER], pick[TARGET], worths[0], worths[1] = i, j, worth, gain


_consider = njit(_consider_py)


def _worth_of_py(kind, total, known, others):  # type: ignore[no-untyped-def]
    """The utility with `others`, of whom `known` have weights other than 0."""
    if kind == MEAN:
        return total / (others + 1)
    if known < others and kind == BEST:
        return max(total, 0.0)
    if known < others and kind == WORST:
        return min(total, 0.0)
    return total


_worth_of = njit(_worth_of_py)


def _look_at_sizes_py(  # type: ignore[no-untyped-def]
    by_size, slots, members, empty, i, tolerance, best, by_gain, pick, worths
):
    """As `_look`, in an anonymous game."""
    here = slots[i]
    present = by_size[i, members[here] - 1]
    for j in range(members.size):
        if j != here and (members[j] or j == empty):
            _consider(i, j, by_size[i, members[j]], present, tolerance, best, by_gain, pick, worths)


_look_at_sizes = njit(_look_at_sizes_py)


def _look_at_row_py(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    kind, indptr, indices, data, slots, members, empty, known, totals, seen, i, tolerance, best, by_gain, pick, worths
):
    """As `_look`, in a game of weights; `known` is zero before and after."""
    here, count = slots[i], 0
    for e in range(indptr[i], indptr[i + 1]):
        j, weight = slots[indices[e]], data[e]
        if not known[j]:
            seen[count], totals[j] = j, weight
            count += 1
        elif kind == BEST:
            totals[j] = max(totals[j], weight)
        elif kind == WORST:
            totals[j] = min(totals[j], weight)
        else:
            totals[j] += weight
        known[j] += 1
    present = _worth_of(kind, totals[here], known[here], members[here] - 1) if known[here] else 0.0
    for k in range(count):
        j = seen[k]
        if j != here:
            value = _worth_of(kind, totals[j], known[j], members[j])
            _consider(i, j, value, present, tolerance, best, by_gain, pick, worths)
    if -present > tolerance:  # among strangers, or alone, it gets 0
        for j in range(members.size):
            if j != here and not known[j] and (members[j] or j == empty):
                _consider(i, j, 0.0, present, tolerance, best, by_gain, pick, worths)
                break
    for k in range(count):
        known[seen[k]] = 0


_look_at_row = njit(_look_at_row_py)


def _moved_py(slots, members, empty, i, target):  # type: ignore[no-untyped-def]
    """The first empty slot after player i has gone to `target`, or their number if there is none."""
    source = slots[i]
    members[source] -= 1
    members[target] += 1
    slots[i] = target
    if not members[source]:
        empty = min(empty, source)
    while empty < members.size and members[empty]:
        empty += 1
    return empty


_moved = njit(_moved_py)


def _repeats_py(slots, checkpoint, clock, words, following):  # type: ignore[no-untyped-def]
    """Whether the state is that of the checkpoint, which moves on after switch 1, 3, 7, 15, ..."""
    clock[SINCE] += 1
    if words[HASH] == words[CHECKED] and clock[FOLLOWING] == following:
        same = True
        for i in range(slots.size):
            same = same and slots[i] == checkpoint[i]
        if same:
            return True
    if clock[SINCE] == clock[SPAN]:
        for i in range(slots.size):
            checkpoint[i] = slots[i]
        words[CHECKED], clock[FOLLOWING] = words[HASH], following
        clock[SINCE], clock[SPAN] = 0, 2 * clock[SPAN]
    return False


_repeats = njit(_repeats_py)


def _shuffle_py(turns, words):  # type: ignore[no-untyped-def]
    """Puts the players in a drawn order."""
    for k in range(turns.size):
        turns[k] = k
    for k in range(turns.size - 1, 0, -1):
        other = _draw(words, k + 1)
        turns[k], turns[other] = turns[other], turns[k]


_shuffle = njit(_shuffle_py)


def _drive_py(  # type: ignore[no-untyped-def]  # noqa: C901 - one loop
    base, weights, sizes, outside, paid, excesses, pay, floor, tops, speeds,
    slots, sums, keys, links, roots, points, table,
    kind, indptr, indices, data, by_size, members, known, totals, seen,
    movable, tolerances, best, order, ties, watched, limit, least_rise, saved, marks, memory,
    clock, words, turns, checkpoint, log, gains,
):  # fmt: skip
    """Follows the path until it ends or the log is full; returns how many switches it noted."""
    n, noted, by_gain = slots.size, 0, order == MOST_GAIN
    shares, pick, worths = np.empty(base.shape[1]), np.empty(3, np.int64), np.empty(2)
    turns_a_sweep = 1 if by_gain else n
    while noted < gains.size:
        if clock[TURN] == turns_a_sweep:
            clock[TURN] = 0
            if clock[IDLE] >= turns_a_sweep:
                clock[ENDED] = STABLE
                break
        if clock[TURN] == 0 and order == SHUFFLED:
            _shuffle(turns, words)
        first = 0 if by_gain else turns[clock[TURN]]
        last = n if by_gain else first + 1
        pick[TARGET], pick[EQUALS], worths[0] = NOWHERE, 0, -math.inf
        for i in range(first, last):
            if not movable[i]:
                continue
            if kind == LABELLED:
                _look(
                    base, weights, sizes, outside, paid, excesses, pay, floor, tops, speeds,
                    slots, sums, keys, links, roots, points, table,
                    i, tolerances[i], best, by_gain, ties, least_rise, marks, memory, words, shares, saved,
                    pick, worths,
                )  # fmt: skip
            elif kind == BY_SIZE:
                _look_at_sizes(by_size, slots, members, clock[EMPTY], i, tolerances[i], best, by_gain, pick, worths)
            else:
                _look_at_row(
                    kind, indptr, indices, data, slots, members, clock[EMPTY], known, totals, seen,
                    i, tolerances[i], best, by_gain, pick, worths,
                )  # fmt: skip
        clock[TURN] += 1
        clock[IDLE] += 1
        if pick[TARGET] == NOWHERE:
            if order == IN_TURN and clock[IDLE] == n:
                clock[ENDED] = STABLE
                break
            continue
        if clock[MADE] == limit:
            clock[ENDED] = LIMIT
            break
        i, target = pick[PLAYER], pick[TARGET]
        log[0, noted], log[1, noted], log[2, noted], gains[noted] = i, slots[i], target, worths[1]
        words[HASH] ^= _mark(i, slots[i]) ^ _mark(i, target)
        noted, clock[MADE], clock[IDLE] = noted + 1, clock[MADE] + 1, 0
        if memory is not None:
            clock[KEPT] += _note(memory, marks, i, slots[i], target)
        if kind == LABELLED:
            _make(
                base, weights, sizes, paid, excesses, pay, floor, tops, speeds,
                slots, sums, keys, links, roots, points, table, i, target,
            )  # fmt: skip
        else:
            clock[EMPTY] = _moved(slots, members, clock[EMPTY], i, target)
        if watched and _repeats(slots, checkpoint, clock, words, 0 if by_gain else (i + 1) % n):
            clock[ENDED] = CYCLE
            break
        if memory is not None:  # noqa: SIM102
            if 2 * clock[KEPT] >= memory.size:
                break
    return noted


_drive: Any = njit(_drive_py)
