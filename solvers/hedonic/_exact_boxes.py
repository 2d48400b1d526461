"""Whether a labelled game has a Nash-stable partition, by branch and prune over what its slots add up to.

A node of the search is a box: for each player the slots where it may be (a domain), and for each slot an interval for
the number of its members and one for the mean of their reputation utilities, if it has any. A box admits the partitions
that fit all of these. It is narrowed, over and over, by two arguments.

- What the domains say of a slot. Members' utilities H fall when the peak rises; the peak is at least the highest
  reputation of those who must be there, and at most that of those who may. So with each number of members the mean is
  between what the best and what the worst who may come would make of it.
- What players want. The most that a player can get in a slot, over the whole box, is compared with the least that it
  would get by moving elsewhere. If that is more, by over its tolerance, the player is not in that slot in any stable
  partition of the box. Where a player is in a slot for certain, the same comparison read backwards is a bound for the
  mean of its slot, which must be good enough, and for the means of others, which must not be too good.

Every step keeps all stable partitions of the box, so a box in which a player has no slot left, or a slot no mean, has
none. Else a player with several slots is taken, and the box is split in two: the player is in one of them, or is not.
All leaves together admit every stable partition of the game; if none of them is one, none exists. Bounds are outer ones
up to rounding, for which `SLACK`, relative to the size of utilities, makes room on the safe side: more than a sum over
the players of any game that `fits` may be off. A box of one partition is judged by the game itself.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from solvers._numba import njit
from solvers.core import Array, Mask, Positions, Solution, Status
from solvers.hedonic._game import gain_tolerance
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._labelled_values import OWN, SHARED, _worth
from solvers.hedonic._partition import OUT, Partition

METHOD = "branch and prune"
SLACK = 1e-12  # relative
NOTABLE = 0.25  # of an interval: so much narrower, and what follows from it is worked out anew
PRICE = 0.6  # in the bound of a mean whose peak rises; any price gives one
ROUNDS = 60  # of narrowing at a node
NODES = 6_000  # between two looks at the clock, divided by the number of players
LARGEST = 2**25  # entries of an array
MOST_SLOTS = 60  # a domain is a word of bits, one more being for `OUT`
DONE, FOUND, MORE = range(3)
UNKNOWN, LASTING, RISING = range(3)  # what a newcomer does to the peak


class Facts(NamedTuple):
    """A game, and who is to be looked for where first.

    `worth[j, l, k]` is player k's H in slot j where player l's reputation is the peak, or its own if that is higher;
    `order` sorts the players by falling reputation for each slot, `by_size` by falling size.
    """

    base: Array
    weights: Array
    sizes: Array
    outside: Array
    movable: Mask
    paid: int
    pay: float
    moving: bool
    standing: Array
    worth: Array
    order: Positions
    tolerances: Array
    slack: Array
    guide: Positions
    by_size: Positions


class Node(NamedTuple):
    """A box, and what is derived from it; kernels change it in place.

    `joins` is the least that a player gets by coming to a slot, `stays` the most that it gets as a member before pay
    and by it; both are made anew where a slot is `stale`. `must` and `may` count a slot's members for certain and the
    others, who are in `lists` by falling reputation, in this order. `peaks` has the highest of the first, of all, and
    the second of all, -1 being nobody; `sums` the most and least that the first are worth; `large` the greatest size of
    all by how many others there are; `raised` the terms of a bound.
    """

    domains: Array
    means: Array
    counts: Array
    joins: Array
    stays: Array
    stale: Mask
    must: Array
    may: Array
    sizes: Array
    peaks: Positions
    sums: Array
    lists: Positions
    large: Array
    raised: Array


class Stack(NamedTuple):
    """The boxes that are still to be looked at; the fields are the first of `Node`, with one more axis."""

    domains: Array
    means: Array
    counts: Array
    joins: Array
    stays: Array
    stale: Mask


def _inside_py(node, i, j):  # type: ignore[no-untyped-def]
    return (node.domains[i] >> j) & 1 == 1


_inside = njit(_inside_py)


def _worth_at_py(facts, j, peak, k):  # type: ignore[no-untyped-def]
    return facts.worth[j, peak if peak >= 0 else k, k]


_worth_at = njit(_worth_at_py)


def _top_py(facts, i, j, high):  # type: ignore[no-untyped-def]
    """Who is higher in slot j, player i or player `high`, who may be nobody."""
    return i if high < 0 or facts.standing[i, j] >= facts.standing[high, j] else high


_top = njit(_top_py)


def _highest_py(facts, node, j, forced, peak):  # type: ignore[no-untyped-def]
    """The greatest mean with the must-members, `forced` and any may-members, where the peak is at least `peak`."""
    total, count, must = node.sums[0, j], node.must[j], node.must[j]
    if peak != node.peaks[0, j]:
        total = 0.0
        for m in range(must):
            total += _worth_at(facts, j, peak, node.lists[j, m])
    if forced >= 0:
        total, count = total + _worth_at(facts, j, peak, forced), count + 1
    least, most = max(node.counts[0, j], 1), node.counts[1, j]
    for m in range(must, must + node.may[j]):
        k = node.lists[j, m]
        if k == forced:
            continue
        worth = _worth_at(facts, j, peak, k)
        if count >= least and (count >= most or worth * count <= total):
            break
        total, count = total + worth, count + 1
    return total / count if count else -math.inf


_highest = njit(_highest_py)


def _lowest_py(facts, node, j):  # type: ignore[no-untyped-def]
    """The least mean that slot j can have with anybody in it."""
    must, peak, total = node.must[j], node.peaks[1, j], node.sums[1, j]
    count, least, most = must, max(node.counts[0, j], 1), node.counts[1, j]
    for m in range(must + node.may[j] - 1, must - 1, -1):
        worth = facts.worth[j, peak, node.lists[j, m]]
        if count >= least and (count >= most or worth * count >= total):
            break
        total, count = total + worth, count + 1
    return total / count if count else math.inf


_lowest = njit(_lowest_py)


def _scan_py(facts, node, j):  # type: ignore[no-untyped-def]
    """Write what the domains say of slot j: members, sizes, peaks."""
    must, may, low, high, here = 0, 0, 0.0, 0.0, 1 << j
    for k in facts.order[j]:
        if node.domains[k] == here:
            node.lists[j, must] = k
            must += 1
            low += facts.sizes[k]
    for k in facts.order[j]:
        if node.domains[k] != here and _inside(node, k, j):
            node.lists[j, must + may] = k
            may += 1
            high += facts.sizes[k]
    node.must[j], node.may[j] = must, may
    node.large[j, 0], taken = low * (1 + SLACK), 0
    for k in facts.by_size:
        if node.domains[k] != here and _inside(node, k, j):
            taken += 1
            node.large[j, taken] = node.large[j, taken - 1] + facts.sizes[k] * (1 + SLACK)
    node.sizes[0, j], node.sizes[1, j] = low * (1 - SLACK), (low + high) * (1 + SLACK)


_scan = njit(_scan_py)


def _peaks_py(facts, node, j):  # type: ignore[no-untyped-def]
    must, may = node.must[j], node.may[j]
    node.peaks[:, j] = -1
    if must:
        node.peaks[:2, j] = node.lists[j, 0]
    if may:
        first = node.lists[j, must]
        if must == 0 or facts.standing[first, j] > facts.standing[node.peaks[0, j], j]:
            node.peaks[1, j] = first
            node.peaks[2, j] = node.peaks[0, j]
            if may > 1:
                second = node.lists[j, must + 1]
                if must == 0 or facts.standing[second, j] > facts.standing[node.peaks[0, j], j]:
                    node.peaks[2, j] = second
    node.sums[:, j] = 0.0
    for m in range(must):
        k = node.lists[j, m]
        node.sums[0, j] += _worth_at(facts, j, node.peaks[0, j], k)
        node.sums[1, j] += facts.worth[j, node.peaks[1, j], k]


_peaks = njit(_peaks_py)


def _close_py(node, j, bar):  # type: ignore[no-untyped-def]
    """Nobody else may come to slot j, or all who may come do."""
    must = node.must[j]
    for m in range(must, must + node.may[j]):
        k = node.lists[j, m]
        if bar:
            if not _bar(node, k, j):
                return False
        else:
            _place(node, k, j)
    return True


def _bar_py(node, i, j):  # type: ignore[no-untyped-def]
    node.domains[i] &= ~(1 << j)
    node.stale[j] = True
    left = node.domains[i]
    if left & (left - 1) == 0:
        for k in range(node.must.size):
            if left == 1 << k:
                node.stale[k] = True
    return left != 0


def _place_py(node, i, j):  # type: ignore[no-untyped-def]
    for k in range(node.must.size):
        if _inside(node, i, k):
            node.stale[k] = True
    node.domains[i] = 1 << j


_bar, _place = njit(_bar_py), njit(_place_py)
_close = njit(_close_py)


def _count_py(node, j):  # type: ignore[no-untyped-def]
    """Narrow the number of members; False if none is left."""
    must, may = node.must[j], node.may[j]
    node.counts[0, j] = max(node.counts[0, j], must)
    node.counts[1, j] = min(node.counts[1, j], must + may)
    if node.counts[0, j] > node.counts[1, j]:
        return False
    if may and node.counts[1, j] == must:
        return _close(node, j, True)
    if may and node.counts[0, j] == must + may:
        return _close(node, j, False)
    return True


_count = njit(_count_py)


def _average_py(facts, node, j):  # type: ignore[no-untyped-def]
    """Narrow the mean; False if none is left."""
    if node.counts[1, j] == 0:
        return True
    high = _highest(facts, node, j, -1, node.peaks[0, j]) + SLACK
    low = _lowest(facts, node, j) - SLACK
    _narrow(node, j, low, high)
    if node.means[0, j] <= node.means[1, j]:
        return True
    node.counts[1, j] = 0  # nobody can be there
    node.stale[j] = True
    return node.counts[0, j] == 0


def _narrow_py(node, j, low, high):  # type: ignore[no-untyped-def]
    width = NOTABLE * (node.means[1, j] - node.means[0, j])
    if low > node.means[0, j]:
        if low > node.means[0, j] + width:
            node.stale[j] = True
        node.means[0, j] = low
    if high < node.means[1, j]:
        if high < node.means[1, j] - width:
            node.stale[j] = True
        node.means[1, j] = high


_narrow = njit(_narrow_py)
_average = njit(_average_py)


def _everyone_py(facts, node):  # type: ignore[no-untyped-def]
    """Where nobody can be out, the counts add up to the players."""
    if facts.outside[0] > -math.inf:
        return True
    players, low, high = facts.sizes.size, node.counts[0].sum(), node.counts[1].sum()
    for j in range(node.must.size):
        least, most = players - (high - node.counts[1, j]), players - (low - node.counts[0, j])
        if least > node.counts[0, j]:
            node.counts[0, j] = least
            node.stale[j] = True
        if most < node.counts[1, j]:
            node.counts[1, j] = most
            node.stale[j] = True
        if node.counts[0, j] > node.counts[1, j]:
            return False
    return True


_everyone = njit(_everyone_py)


def _stay_py(facts, node, i, j):  # type: ignore[no-untyped-def]
    """The most that player i can get as a member of slot j, without the pay, and the pay."""
    weight, alone = facts.weights[i, j], node.domains[i] != 1 << j
    total = node.sizes[0, j] + (facts.sizes[i] if alone else 0.0) if weight >= 0 else node.sizes[1, j]
    value = facts.base[i, j] + weight * (facts.sizes[i] / total)
    low, high = node.peaks[0, j], node.peaks[1, j]
    term = 0.0
    if facts.paid == OWN:
        term = _worth_at(facts, j, low, i) if facts.pay > 0 else facts.worth[j, high, i]
    elif facts.paid == SHARED:
        if facts.pay < 0:
            term = node.means[0, j]
        else:
            term = node.means[1, j]
            if alone:
                peak = _top(facts, i, j, low)
                high = _highest(facts, node, j, i, peak)
                if high + SLACK < node.means[0, j]:
                    return -math.inf, 0.0
                term = min(term, high)
    return value, facts.pay * term


_stay = njit(_stay_py)


def _raised_py(facts, node, i, j):  # type: ignore[no-untyped-def]
    """Write bounds of the sum of H when player i comes as the peak: fixed + slope n, and each n, for n members.

    With v a member's H afterwards and u before, the sum of v is that of v − price u, plus the price times n times the
    mean before.
    """
    low, slope = node.peaks[0, j], PRICE * node.means[0, j]
    total, worst = 0.0, math.inf
    for m in range(node.must[j] + node.may[j]):
        k = node.lists[j, m]
        if k != i:
            margin = facts.worth[j, i, k] - PRICE * _worth_at(facts, j, low, k)
            worst = min(worst, margin)
            total += margin if m < node.must[j] else min(margin, 0.0)
    node.raised[0], node.raised[1], node.raised[2] = total, slope, (worst if worst < math.inf else 0.0) + slope


_raised = njit(_raised_py)


def _least_sum_py(node, j, count, greedy, change):  # type: ignore[no-untyped-def]
    """The least sum of H of `count` members of slot j after one more has come, without that one's."""
    if change == LASTING:
        return max(greedy, count * node.means[0, j])
    if change == RISING:
        return max(greedy, node.raised[0] + count * node.raised[1], count * node.raised[2])
    return greedy


_least_sum = njit(_least_sum_py)


def _change_py(facts, node, i, j, high):  # type: ignore[no-untyped-def]
    """What player i does to the peak of slot j, where player `high` is the highest other who may be there, or -1."""
    low, mine = node.peaks[0, j], facts.standing[i, j]
    if not facts.moving or (low >= 0 and mine <= facts.standing[low, j]):
        return LASTING
    return RISING if high < 0 or mine >= facts.standing[high, j] else UNKNOWN


_change = njit(_change_py)


def _other_py(node, i, j):  # type: ignore[no-untyped-def]
    """The highest player who may be in slot j other than i, or -1."""
    return node.peaks[2, j] if node.peaks[1, j] == i else node.peaks[1, j]


_other = njit(_other_py)


def _sum_at_py(facts, node, j, peak):  # type: ignore[no-untyped-def]
    """The sum of H of the certain members of slot j at a peak."""
    if peak == node.peaks[1, j]:
        return node.sums[1, j]
    total = 0.0
    for m in range(node.must[j]):
        total += facts.worth[j, peak, node.lists[j, m]]
    return total


_sum_at = njit(_sum_at_py)


def _room_py(facts, node, i, j):  # type: ignore[no-untyped-def]
    """The greatest size of slot j without player i, who is not there for certain."""
    if _inside(node, i, j):
        return max(node.sizes[1, j] - facts.sizes[i], node.sizes[0, j])
    return node.sizes[1, j]


_room = njit(_room_py)


def _shared_join_py(facts, node, i, j, least, most):  # type: ignore[no-untyped-def]
    """The least that player i gets by coming to slot j, for a positive pay: the worst of all numbers of members."""
    weight, size, must = facts.weights[i, j], facts.sizes[i], node.must[j]
    high = _other(node, i, j)
    peak, change = _top(facts, i, j, high), _change(facts, node, i, j, high)
    if change == RISING:
        _raised(facts, node, i, j)
    own, greedy, room = facts.worth[j, peak, i], _sum_at(facts, node, j, peak), _room(facts, node, i, j)
    at, found = must + node.may[j] - 1, math.inf
    for count in range(must, most + 1):
        if count > must:
            at -= node.lists[j, at] == i
            greedy += facts.worth[j, peak, node.lists[j, at]]
            at -= 1
        if count >= least:
            total = own + _least_sum(node, j, count, greedy, change)
            others = min(room, node.large[j, count - must]) if weight >= 0 else node.sizes[0, j]
            found = min(found, weight * (size / (others + size)) + facts.pay * (total / (count + 1)))
    return facts.base[i, j] + found


_shared_join = njit(_shared_join_py)


def _joined_py(facts, node, i, j, least, most):  # type: ignore[no-untyped-def]
    """H of player i after coming to slot j, if it is paid for its own, or the greatest mean: what makes it least."""
    high, low = _top(facts, i, j, _other(node, i, j)), node.peaks[0, j]
    own = facts.worth[j, high, i] if facts.pay > 0 else _worth_at(facts, j, low, i)
    if facts.paid == OWN:
        return own
    mean = node.means[1, j]
    return max((least * mean + own) / (least + 1), (most * mean + own) / (most + 1))


_joined = njit(_joined_py)


def _join_py(facts, node, i, j):  # type: ignore[no-untyped-def]
    """The least that player i gets by coming to slot j, where it is not."""
    weight, size = facts.weights[i, j], facts.sizes[i]
    least = node.counts[0, j]
    most = min(node.counts[1, j], node.must[j] + node.may[j] - _inside(node, i, j))
    if least > most:
        return -math.inf
    if facts.paid == SHARED and facts.pay > 0:
        return _shared_join(facts, node, i, j, least, most)
    others = _room(facts, node, i, j) if weight >= 0 else node.sizes[0, j]
    value = facts.base[i, j] + weight * (size / (others + size))
    return value + facts.pay * _joined(facts, node, i, j, least, most) if facts.paid else value


_join = njit(_join_py)


def _elsewhere_py(facts, node, i):  # type: ignore[no-untyped-def]
    """The highest of what player i gets at least elsewhere than in its slot, the place, and the second highest."""
    first, second, place = facts.outside[i], -math.inf, node.must.size
    for j in range(node.must.size):
        if node.domains[i] != 1 << j:
            value = node.joins[i, j]
            if value > first:
                first, second, place = value, first, j
            elif value > second:
                second = value
    return first, place, second


_elsewhere = njit(_elsewhere_py)


def _visit_py(facts, node, i):  # type: ignore[no-untyped-def]
    """Bar player i from where it would surely not stay; False if nothing is left."""
    first, place, second = _elsewhere(facts, node, i)
    allowed = facts.tolerances[i] + facts.slack[i]
    for j in range(node.must.size + 1):
        if not _inside(node, i, j):
            continue
        need = (second if place == j else first) - allowed
        value, pay = facts.outside[i], 0.0
        if j < node.must.size:
            value, pay = node.stays[0, i, j], node.stays[1, i, j]
        if value + pay < need:
            if not _bar(node, i, j):
                return False
        elif facts.paid == SHARED and node.domains[i] == 1 << j:
            _contract(facts, node, i, j, need - value, value + pay + allowed)
    return True


def _contract_py(facts, node, i, j, least, most):  # type: ignore[no-untyped-def]
    """Narrow the means by what player i needs, whose slot is j: its pay must be worth `least`, and no slot over `most`.

    The second only for positive pay, and slots with somebody in them whose peak it does not raise.
    """
    pay, extra = facts.pay, SLACK + facts.slack[i] / abs(facts.pay)
    if j < node.must.size:
        if pay < 0:
            _narrow(node, j, -math.inf, least / pay + extra)
        else:
            _narrow(node, j, least / pay - extra, math.inf)
    for k in range(node.must.size):
        if k == j or pay < 0 or node.counts[0, k] < 1 or _change(facts, node, i, k, _other(node, i, k)) != LASTING:
            continue
        weight, size = facts.weights[i, k], facts.sizes[i]
        others = node.sizes[1, k] if weight >= 0 else node.sizes[0, k]
        limit = (most - facts.base[i, k] - weight * (size / (others + size))) / pay + extra
        gap = limit - facts.worth[k, node.peaks[1, k], i]  # (n mean + own) / (n + 1) <= limit, own being at least that
        _narrow(node, k, -math.inf, limit + gap / (node.counts[0, k] if gap > 0 else node.counts[1, k]) + SLACK)


_contract = njit(_contract_py)
_visit = njit(_visit_py)


def _renew_py(facts, node, j):  # type: ignore[no-untyped-def]
    """Look at slot j anew; False if it cannot be as it must."""
    _scan(facts, node, j)
    if not _count(node, j):
        return False
    _scan(facts, node, j)
    _peaks(facts, node, j)
    return facts.paid != SHARED or _average(facts, node, j)


_renew = njit(_renew_py)


def _offers_py(facts, node, j):  # type: ignore[no-untyped-def]
    """What slot j is worth at most to those who may be there, and at least to the others."""
    node.stale[j] = False
    for i in range(facts.sizes.size):
        if facts.movable[i]:
            if node.domains[i] != 1 << j:
                node.joins[i, j] = _join(facts, node, i, j)
            if _inside(node, i, j):
                node.stays[0, i, j], node.stays[1, i, j] = _stay(facts, node, i, j)


_offers = njit(_offers_py)


def _slots_py(facts, node):  # type: ignore[no-untyped-def]
    node.stale[node.must.size] = False  # nothing depends on who is out
    for j in range(node.must.size):
        if node.stale[j] and not _renew(facts, node, j):
            return False
    if not _everyone(facts, node):
        return False
    for j in range(node.must.size):
        if node.stale[j]:
            _scan(facts, node, j)
            _peaks(facts, node, j)
            _offers(facts, node, j)
    return True


_slots = njit(_slots_py)


def _propagate_py(facts, node):  # type: ignore[no-untyped-def]
    """Narrow the node as far as possible; False if no stable partition can be in it."""
    for _ in range(ROUNDS):
        if not _slots(facts, node):
            return False
        for i in range(facts.sizes.size):
            if facts.movable[i] and not _visit(facts, node, i):
                return False
        if not node.stale.any():
            return True
    return True


_propagate = njit(_propagate_py)


def _impact_py(facts, node, i):  # type: ignore[no-untyped-def]
    """How much player i's being in one of its slots moves a mean, by how many slots it has left; -1 if there is one."""
    left, impact = 0, 0.0
    for j in range(node.must.size):
        if _inside(node, i, j):
            left += 1
            if facts.paid == SHARED:
                distance = abs(_worth_at(facts, j, node.peaks[0, j], i) - 0.5 * (node.means[0, j] + node.means[1, j]))
                impact = max(impact, distance / (node.must[j] + 0.5 * node.may[j]))
            else:
                impact = max(impact, facts.sizes[i] / node.sizes[1, j])
    left += _inside(node, i, node.must.size)
    return impact / (left - 1) if left > 1 else -1.0


_impact = njit(_impact_py)


def _choice_py(facts, node):  # type: ignore[no-untyped-def]
    """The player to branch on, and a slot of it; -1 if everybody's slot is certain."""
    player, greatest = -1, -1.0
    for i in range(facts.sizes.size):
        impact = _impact(facts, node, i)
        if impact > greatest:
            player, greatest = i, impact
    if player < 0 or _inside(node, player, facts.guide[player]):
        return player, facts.guide[player]
    for j in range(node.must.size):
        if _inside(node, player, j):
            return player, j
    return player, node.must.size


_choice = njit(_choice_py)


def _load_py(facts, node, stack, at):  # type: ignore[no-untyped-def]
    node.domains[:], node.means[:], node.counts[:] = stack.domains[at], stack.means[at], stack.counts[at]
    node.joins[:], node.stays[:], node.stale[:] = stack.joins[at], stack.stays[at], stack.stale[at]
    for j in range(node.must.size):
        _scan(facts, node, j)
        _peaks(facts, node, j)


def _save_py(node, stack, at):  # type: ignore[no-untyped-def]
    stack.domains[at], stack.means[at], stack.counts[at] = node.domains, node.means, node.counts
    stack.joins[at], stack.stays[at], stack.stale[at] = node.joins, node.stays, node.stale


_load, _save = njit(_load_py), njit(_save_py)


def _branch_py(node, stack, top, player, j):  # type: ignore[no-untyped-def]
    """Put two boxes on the stack: without `player` in slot j, and, to be looked at first, with it."""
    _save(node, stack, top)
    _save(node, stack, top + 1)
    old = node.domains[player]
    _place(node, player, j)
    stack.domains[top + 1, player], stack.stale[top + 1] = node.domains[player], node.stale
    node.domains[player] = old
    node.stale[:] = stack.stale[top]
    _bar(node, player, j)
    stack.domains[top, player], stack.stale[top] = node.domains[player], node.stale


_branch = njit(_branch_py)


def _search_py(facts, node, stack, top, limit, spent):  # type: ignore[no-untyped-def]
    """Why it stopped: nothing left, one partition in `node`, or `limit` boxes seen; and the height of the stack."""
    for _ in range(limit):
        if top == 0:
            break
        top -= 1
        _load(facts, node, stack, top)
        spent[0] += 1
        if _propagate(facts, node):
            player, j = _choice(facts, node)
            if player < 0:
                return FOUND, top
            _branch(node, stack, top, player, j)
            top += 2
    return (DONE if top == 0 else MORE), top


_search = njit(_search_py)


def _worths_py(standing, threshold, floor, peaks):  # type: ignore[no-untyped-def]
    """H of every player at the peak that every player makes, for each slot, (slots, players, players)."""
    slots, players = standing.shape[1], standing.shape[0]
    found = np.empty((slots, players, players))
    for j in range(slots):
        for above in range(players):
            for k in range(players):
                peak = peaks[j] if peaks.size else max(standing[above, j], standing[k, j])
                found[j, above, k] = _worth(standing[k, j], threshold, floor, peak)
    return found


_worths = njit(_worths_py)


# --- the search -------------------------------------------------------------------------------------------------------


def fits(game: LabelledGame) -> bool:
    """Whether the search knows the game: no speeds, and not too large."""
    size = game.players * game.slots
    return game.speeds is None and game.slots <= MOST_SLOTS and 3 * size * (size + game.players + 2) <= LARGEST


def decide(game: LabelledGame, time_limit: float, guide: Partition | None = None) -> Solution[Partition]:
    """A Nash-stable partition of a game that `fits`, or the proof that there is none; `guide` is looked at first.

    The compiling of the kernels is not counted in the time limit.

    Examples
    --------
    >>> from solvers.hedonic._labelled import Reputation
    >>> standing = Reputation([1.0, 1.0, 0.1, 1.0], pay=5.0, threshold=0.5)
    >>> flee = LabelledGame(
    ...     [[4.0, 4.0]] * 4, weights=[1.5] * 4, sizes=[1.0] * 4, reputation=standing, heads=[0, 1]
    ... )
    >>> decide(flee, 10.0).status.name
    'NONE_EXISTS'
    """
    facts, node = _facts(game, guide or game.starting_partition()), _root(game)
    stack = _stack(node)
    spent, top, cut_off = np.zeros(1, dtype=np.int64), 1, 0
    _search(facts, node, stack, top, 0, spent)
    start, status = time.perf_counter(), Status.TIME_LIMIT
    found: tuple[Partition, ...] = ()
    while time.perf_counter() - start < time_limit:
        code, top = _search(facts, node, stack, top, max(1, NODES // game.players), spent)
        if code == DONE:
            status = Status.NONE_EXISTS
            break
        if code == FOUND:
            partition = _partition(node)
            if np.all(game.regrets(partition) <= facts.tolerances):
                status, found = Status.SOLVED, (partition,)
                break
            cut_off += 1
    stats = {"nodes": int(spent[0]), "cut_off": cut_off, "seconds": time.perf_counter() - start}
    return Solution(found, status, METHOD, complete=status is Status.NONE_EXISTS, stats=stats)


def _facts(game: LabelledGame, guide: Partition) -> Facts:
    arrays, shape = game.arrays, game.base.shape
    standing = np.broadcast_to(arrays.reputations, shape) if arrays.paid else np.zeros(shape)
    return Facts(
        base=game.base.copy(),
        weights=np.broadcast_to(game.weights, shape).copy(),
        sizes=game.sizes.copy(),
        outside=arrays.outside.copy(),
        movable=game.movable,
        paid=arrays.paid,
        pay=arrays.pay,
        moving=not arrays.peaks.size,
        standing=standing.copy(),
        worth=_worths(standing.copy(), arrays.threshold, arrays.floor, arrays.peaks.copy()),
        order=np.argsort(-standing.T, axis=1, kind="stable").copy(),
        tolerances=gain_tolerance(game),
        slack=SLACK * np.maximum(game.magnitudes(), game.bounds()),
        guide=np.where(guide.slots == OUT, game.slots, guide.slots),
        by_size=np.argsort(-game.sizes, kind="stable"),
    )


def _root(game: LabelledGame) -> Node:
    """The box of all partitions."""
    n, m = game.base.shape
    domains = np.full(n, 2 ** (m + game.has_out) - 1)
    domains[list(game.heads)] = 2 ** np.arange(len(game.heads))
    return Node(
        domains=domains,
        means=np.repeat([[-SLACK], [1 + SLACK]], m, axis=1),
        counts=np.repeat([[0], [n]], m, axis=1),
        joins=np.zeros((n, m)),
        stays=np.zeros((2, n, m)),
        stale=np.ones(m + 1, dtype=bool),
        must=np.zeros(m, dtype=np.intp),
        may=np.zeros(m, dtype=np.intp),
        sizes=np.zeros((2, m)),
        peaks=np.full((3, m), -1),
        sums=np.zeros((2, m)),
        lists=np.zeros((m, n), dtype=np.intp),
        large=np.zeros((m, n + 1)),
        raised=np.zeros(3),
    )


def _stack(node: Node) -> Stack:
    """Room for the boxes of the longest path, on each step of which a player loses a slot; the first is the root."""
    height = node.joins.size + len(node.joins) + 2
    stack = Stack(*(np.zeros((height, *part.shape), part.dtype) for part in node[: len(Stack._fields)]))
    for kept, part in zip(stack, node, strict=False):
        kept[0] = part
    return stack


def _partition(node: Node) -> Partition:
    """The partition of a box of one."""
    slots = np.array([int(domain).bit_length() - 1 for domain in node.domains])
    return Partition(np.where(slots == node.must.size, OUT, slots))
