"""Exact mixtures of some strategies against which given replies are all best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import flint

from solvers.bimatrix._vertices import vertices

Replies: TypeAlias = Sequence[Sequence[int]]  # what each reply earns against each strategy of the player who mixes
Support: TypeAlias = Sequence[int]


@dataclass(frozen=True, slots=True)
class Ties:
    """The mixtures' `mean`, over the strategies played, and how many extreme ones there are: 1 means no other.

    `strict`: there is one mixture, it plays all of them, and no other reply ties.
    """

    mean: tuple[Fraction, ...]
    count: int
    strict: bool

    @property
    def full(self) -> bool:
        """Whether some mixture plays all of the strategies."""
        return self.count > 0 and all(self.mean)


NONE = Ties((), 0, False)


def ties(replies: Replies, tied: Support, played: Support) -> Ties | None:
    """Mixtures of `played` with all of `tied` best replies; None if their extreme ones are too many to list."""
    system = [[*(replies[k][s] for s in played), -1, 0] for k in tied]
    solved, scale, rank = flint.fmpz_mat([*system, [*[1] * len(played), 0, 1]]).rref()
    if all(solved[rank - 1, column] == 0 for column in range(len(played) + 1)):
        return NONE  # the last equation that is left says 0 = 1
    if rank <= len(played):
        return _many(replies, tied, played)
    weights = [int(solved[s, len(played) + 1]) for s in range(len(played) + 1)]
    return _one(replies, tied, played, weights, int(scale))


def _one(replies: Replies, tied: Support, played: Support, weights: list[int], scale: int) -> Ties:
    """The one mixture, `weights` and then the payoff over `scale`, if it is one and nobody deviates."""
    if scale < 0:
        weights, scale = [-weight for weight in weights], -scale
    *probabilities, payoff = weights
    if min(probabilities) < 0:
        return NONE
    gaps = [sum(p * row[s] for p, s in zip(probabilities, played, strict=True)) - payoff for row in replies]
    if max(gaps) > 0:
        return NONE
    strict = all(probabilities) and gaps.count(0) == len(tied) == len(played)
    return Ties(tuple(Fraction(p, scale) for p in probabilities), 1, strict)


def _many(replies: Replies, tied: Support, played: Support) -> Ties | None:
    """The face of mixtures, by its vertices."""
    face = vertices([[row[s] for s in played] for row in replies], tied=tied)
    if face is None:
        return None
    if not face.weights:
        return NONE
    strategies = [face.strategy(k) for k in range(len(face.weights))]
    mean = tuple(sum(column, Fraction(0)) / len(strategies) for column in zip(*strategies, strict=True))
    return Ties(mean, len(strategies), False)
