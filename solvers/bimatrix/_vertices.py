"""Exact vertices of a best-response polyhedron, by the double description method on integers.

For a player with d strategies, P = {(x, u): x >= 0, sum x = 1, u >= payoff of each reply to x}. The rays of its cone,
with sum x left free, are kept as integers; ties need no care, since two rays are adjacent exactly where no third one
satisfies with equality all that both do.

References
----------
Fukuda and Prodon, Double description method revisited, Combinatorics and Computer Science (1996), proposition 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from solvers._numba import njit
from solvers.bimatrix._payoffs import RationalMatrix

Masks: TypeAlias = npt.NDArray[np.uint64]  # (count, words): 64 labels a word
Pairs: TypeAlias = npt.NDArray[np.int64]  # (count, 2)
Ray: TypeAlias = tuple[int, ...]

WORD = 64


@dataclass(frozen=True, slots=True)
class Vertices:
    """Strategies as integer `weights`, and what holds with equality there: (count, words) of labels.

    Label s < d: strategy s is not played. Label d + k: reply k is best.
    """

    weights: tuple[Ray, ...]
    labels: Masks

    def strategy(self, k: int) -> tuple[Fraction, ...]:
        """Vertex k in probabilities."""
        total = sum(self.weights[k])
        return tuple(Fraction(weight, total) for weight in self.weights[k])

    def label_sets(self) -> list[int]:
        """Each vertex's labels as the bits of one integer."""
        return [sum(int(word) << (WORD * w) for w, word in enumerate(row)) for row in self.labels]


def integers(payoffs: RationalMatrix) -> list[list[int]]:
    """The payoffs affinely rescaled to the smallest integers from 0 on, which leaves every best reply as it is."""
    m, n = payoffs.shape
    entries = [int(value) for value in payoffs.numerators.entries()]
    least = min(entries)
    divisor = math.gcd(*(value - least for value in entries)) or 1
    return [[(value - least) // divisor for value in entries[i * n : (i + 1) * n]] for i in range(m)]


def vertices(replies: Sequence[Sequence[int]], *, tied: Sequence[int] = (), limit: int = 10**6) -> Vertices | None:
    """All strategies x at the vertices of P, or None if more than `limit` rays were in hand at some moment.

    `replies`, (replies, d), has what each reply of the opponent earns against each strategy. Those in `tied` have to be
    best, which cuts a face out of P.

    Examples
    --------
    >>> vertices([[3, 0], [1, 2]]).weights
    ((1, 0), (1, 1), (0, 1))
    """
    order = _insertion_order(replies, tied)
    size, first = len(replies[0]), order[0]
    rays, masks = _first_cone(replies, first)
    for k in order:
        constraint = (*(-value for value in replies[k]), 1)
        cut = _cut(rays, masks, constraint, size + k, k in tied, limit)
        if cut is None:
            return None
        rays, masks = cut
        if not rays:
            break
    return _vertices_of(rays, masks)


def complementary(left: Masks, right: Masks, labels: int, *, limit: int = 10**6) -> Pairs:
    """Pairs of rows of `left` and `right`, (count, 2), that have all of the first `labels` labels between them.

    At most one more than `limit`, which shows that there are too many.
    """
    pairs: Pairs = _covering(left, right, words_of([(1 << labels) - 1], labels)[0], limit)
    return pairs


def words_of(label_sets: Sequence[int], labels: int) -> Masks:
    """Label sets as rows of words, (count, words)."""
    count = -(-labels // WORD)
    lowest = (1 << WORD) - 1
    rows = [[bits >> (WORD * w) & lowest for w in range(count)] for bits in label_sets]
    return np.array(rows, dtype=np.uint64).reshape(len(rows), count)


def _insertion_order(replies: Sequence[Sequence[int]], tied: Sequence[int]) -> list[int]:
    """Those that must tie, which leave few rays, before the others; lexicographic otherwise, a good order as a rule."""
    return sorted(range(len(replies)), key=lambda k: (k not in tied, [-value for value in replies[k]]))


def _first_cone(replies: Sequence[Sequence[int]], first: int) -> tuple[list[Ray], Masks]:
    """Rays of {x >= 0, u >= reply `first`}: each pure strategy with what that reply earns, and u alone."""
    size = len(replies[0])
    rays: list[Ray] = [(*(int(s == t) for s in range(size)), replies[first][t]) for t in range(size)]
    played = (1 << size) - 1
    tight = [(played ^ (1 << t)) | (1 << (size + first)) for t in range(size)]
    return [*rays, (*[0] * size, 1)], words_of([*tight, played], size + len(replies))


def _cut(
    rays: list[Ray], masks: Masks, constraint: Ray, label: int, tied: bool, limit: int
) -> tuple[list[Ray], Masks] | None:
    """The cone's rays and masks once `constraint` holds, with equality if `tied`; None if there would be too many."""
    values = [sum(map(int.__mul__, constraint, ray)) for ray in rays]
    signs = np.array([(value > 0) - (value < 0) for value in values])
    bit, word = np.uint64(1 << label % WORD), label // WORD
    masks[signs == 0, word] |= bit
    if not np.any(signs != 0 if tied else signs < 0):
        return rays, masks
    keep = np.flatnonzero(signs == 0 if tied else signs >= 0)
    pairs = _adjacent(masks, np.flatnonzero(signs > 0), np.flatnonzero(signs < 0), len(constraint) - 2)
    if len(keep) + len(pairs) > limit:
        return None
    crossing = masks[pairs[:, 0]] & masks[pairs[:, 1]]
    crossing[:, word] |= bit
    fresh = [_between(rays[p], values[p], rays[q], values[q]) for p, q in pairs.tolist()]
    return [rays[k] for k in keep] + fresh, np.concatenate([masks[keep], crossing])


def _between(inside: Ray, above: int, outside: Ray, below: int) -> Ray:
    """The ray between the two at which the constraint is 0."""
    ray = [above * q - below * p for p, q in zip(inside, outside, strict=True)]
    divisor = math.gcd(*ray)
    return tuple(value // divisor for value in ray)


def _vertices_of(rays: list[Ray], masks: Masks) -> Vertices:
    """The rays other than u alone, which plays nothing."""
    found = [k for k, ray in enumerate(rays) if any(ray[:-1])]
    return Vertices(tuple(rays[k][:-1] for k in found), masks[found])


def _bits(word: Any) -> Any:
    """How many bits are set in a uint64: how often the lowest one can be cleared."""
    size = 0
    while word:
        word &= word - np.uint64(1)
        size += 1
    return size


def _grown(pairs: Any, count: Any) -> Any:
    """`pairs` with twice the room where `count` of them fill it."""
    if count < len(pairs):
        return pairs
    room = np.empty((2 * count, 2), dtype=np.int64)
    room[:count] = pairs
    return room


def _shared(masks: Any, p: Any, q: Any, common: Any) -> Any:
    """How many labels rays p and q share; writes them to `common`."""
    size = 0
    for w in range(len(common)):
        common[w] = masks[p, w] & masks[q, w]
        size += _bits(common[w])
    return size


def _between_others(masks: Any, common: Any, p: Any, q: Any) -> Any:
    """Whether a third ray has all the labels in `common`, so that rays p and q are not adjacent."""
    for r in range(len(masks)):
        if r in (p, q):
            continue
        inside = True
        for w in range(len(common)):
            if masks[r, w] & common[w] != common[w]:
                inside = False
                break
        if inside:
            return True
    return False


def _adjacent(masks: Any, inside: Any, outside: Any, least: Any) -> Any:
    """Adjacent pairs of one ray of `inside` and one of `outside`: at least `least` common labels, in no third ray."""
    pairs, count = np.empty((256, 2), dtype=np.int64), 0
    common = np.empty(masks.shape[1], dtype=np.uint64)
    for p in inside:
        for q in outside:
            if _shared(masks, p, q, common) < least or _between_others(masks, common, p, q):
                continue
            pairs = _grown(pairs, count)
            pairs[count, 0], pairs[count, 1] = p, q
            count += 1
    return pairs[:count]


def _covering(left: Any, right: Any, full: Any, limit: Any) -> Any:
    """Pairs of rows whose labels together are `full`; it stops once there are more than `limit`."""
    pairs, count = np.empty((256, 2), dtype=np.int64), 0
    for p in range(len(left)):
        for q in range(len(right)):
            covered = True
            for w in range(len(full)):
                if left[p, w] | right[q, w] != full[w]:
                    covered = False
                    break
            if covered:
                pairs = _grown(pairs, count)
                pairs[count, 0], pairs[count, 1] = p, q
                count += 1
            if count > limit:
                return pairs[:count]
    return pairs[:count]


_bits = njit(_bits)
_grown = njit(_grown)
_shared = njit(_shared)
_between_others = njit(_between_others)
_adjacent = njit(_adjacent)
_covering = njit(_covering)
