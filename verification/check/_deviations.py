"""What one player of a switching game gets from every state, and a bound on what any deviation of its can get.

Candidates for the values are found in floats and put into balls; what they prove, they prove whatever they are. With
a payoff r of one step, the law P of the next state and the discount d, in payoffs per step: values V that miss
(1 - d) r + d P V by at most e are within e / (1 - d) of what the profile is worth, and values W that no action of any
state exceeds by more than e, (1 - d) r + d P W <= W + e, are at most e / (1 - d) below what any deviation is worth. For
the average payoff, the least of r + P h - h over all states bounds what the profile is worth from below, and the
greatest over all states and actions what a deviation is worth from above, whatever h is.

References
----------
M. L. Puterman, Markov Decision Processes (1994), theorem 6.2.2 and section 8.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import flint
import numpy as np
import numpy.typing as npt

from verification.check._numbers import ZERO, ball, fraction

Array: TypeAlias = npt.NDArray[np.float64]
Balls: TypeAlias = list[flint.arb]

ROUNDS = 20  # in which values are made more exact
POLICIES = 1_000
SMALL = 1e-12  # of the range of payoffs: a smaller improvement in floats is none
SINGULAR = 1e14  # an entry of an inverse: floats know nothing of such a matrix
CLOSE = flint.arb(2) ** -110  # of the range of payoffs: values as exact as this are exact enough


class Unknown(Exception):
    """No candidate for the values was found in floats."""


@dataclass(frozen=True)
class Side:
    """What one player faces, states by its own place and then the opponent's.

    `rewards` are by state and own action, payoffs and costs above the least over `scale`; `mix` are its probabilities,
    `own` and `other` the laws of both places after a step, `next` the own place after each action.
    """

    rewards: list[Balls]
    mix: list[Balls]
    own: flint.arb_mat
    other: flint.arb_mat
    next: list[int]
    scale: flint.fmpq

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.rewards)

    @cached_property
    def floats(self) -> tuple[Array, Array]:
        """The rewards and the law of the opponent's place, in floats."""
        return np.array([[float(r) for r in row] for row in self.rewards]), _floats(self.other)

    @cached_property
    def earned(self) -> Balls:
        """What the profile earns in a step from each state."""
        return [_dot(mix, rewards) for mix, rewards in zip(self.mix, self.rewards, strict=True)]

    def table(self, values: Balls) -> flint.arb_mat:
        """The values by own place and the opponent's."""
        return flint.arb_mat(self.own.ncols(), self.other.ncols(), values)

    def after(self, own: flint.arb_mat, values: Balls) -> Balls:
        """The expected values of the next state, where `own` is the law of the own place."""
        half = (own * self.table(values)).tolist()
        return [_dot(left, right) for left, right in zip(half, self.other.tolist(), strict=True)]

    def ahead(self, values: Balls) -> list[Balls]:
        """The expected values of the next state, by state and own action."""
        reached = (self.other * self.table(values).transpose()).tolist()
        return [[row[place] for place in self.next] for row in reached]


class Bound(NamedTuple):
    """What the player gains at most and at least by its best deviation, in payoff units; None for nothing known."""

    most: flint.fmpq | None
    least: flint.fmpq
    why_not: str = ""


def bound(side: Side, discount: flint.fmpq | None) -> Bound:
    """What the player gains at most."""
    if discount is None:
        return _average(side)
    if discount == 0:
        gain = _greatest(r - now for now, row in zip(side.earned, side.rewards, strict=True) for r in row)
        return Bound(*(_above(gain, side.scale), _below(gain, side.scale)))
    values, error = _worth(side, side.own, side.earned, discount)
    choices = _best(side, discount)
    own = _chosen(side, choices)
    best, missed = _worth(side, own, [row[a] for a, row in zip(choices, side.rewards, strict=True)], discount)
    d = ball(discount)
    room = _greatest(
        (1 - d) * r + d * v - now
        for now, rewards, ahead in zip(best, side.rewards, side.ahead(best), strict=True)
        for r, v in zip(rewards, ahead, strict=True)
    ).max(flint.arb(0))
    gain = _greatest(high - low for high, low in zip(best, values, strict=True))
    return Bound(_above(gain + error + room / (1 - d), side.scale), _below(gain - error - missed, side.scale))


def _worth(side: Side, own: flint.arb_mat, rewards: Balls, discount: flint.fmpq) -> tuple[Balls, flint.arb]:
    """Values per step of a policy with this law of the own place and these rewards, and how far off they are."""
    d = ball(discount)
    inverse = _inverse(np.eye(side.states) - float(d) * _law(side, own))
    values = [flint.arb(0)] * side.states
    for rounds in range(ROUNDS):
        after = side.after(own, values)
        missed = [(1 - d) * r + d * v - now for r, v, now in zip(rewards, after, values, strict=True)]
        error = _greatest(abs(x) for x in missed) / (1 - d)
        if error < CLOSE or rounds == ROUNDS - 1:
            break
        values = _moved(values, inverse @ np.array([float(x) for x in missed]))
    return values, error


def _best(side: Side, discount: flint.fmpq) -> list[int]:
    """The choices of a deviation that is best, or nearly, found by policy iteration in floats."""
    (rewards, other), d, states = side.floats, float(ball(discount)), np.arange(side.states)
    choices = np.argmax(rewards, axis=1)
    for _ in range(POLICIES):
        law = _law(side, _chosen(side, choices.tolist()))
        values = _inverse(np.eye(side.states) - d * law) @ ((1 - d) * rewards[states, choices])
        worth = (1 - d) * rewards + d * (other @ values.reshape(-1, other.shape[1]).T)[:, side.next]
        improved = np.argmax(worth, axis=1)
        better = worth[states, improved] - worth[states, choices] > SMALL
        if not better.any():
            break
        choices = np.where(better, improved, choices)
    found: list[int] = choices.tolist()
    return found


# --- the average payoff ---


def _average(side: Side) -> Bound:
    """What the player gains at most in the long run, where the same states are reached from every state."""
    kept = _relative(side, side.own, side.earned)
    if kept is None:
        return Bound(None, ZERO, "the states fall into several classes, between which means are not compared here")
    low, high, bias = kept
    best = _best_in_the_long_run(side, bias)
    if best is None:
        return Bound(_above(_most(side, bias) - low, side.scale), ZERO)
    most = min(_above(_most(side, values) - low, side.scale) for values in (bias, best[2]))
    return Bound(most, _below(best[0] - high, side.scale))


def _best_in_the_long_run(side: Side, bias: Balls) -> tuple[flint.arb, flint.arb, Balls] | None:
    """What `_relative` says of the best deviation, or of nearly the best, found by policy iteration from `bias`."""
    (rewards, other), states = side.floats, np.arange(side.states)
    choices, found, relative = None, None, bias
    for _ in range(POLICIES):
        near = np.array([float(v) for v in relative])
        worth = rewards + (other @ near.reshape(-1, other.shape[1]).T)[:, side.next]
        improved = np.argmax(worth, axis=1)
        if choices is not None:
            better = worth[states, improved] - worth[states, choices] > SMALL
            if not better.any():
                break
            improved = np.where(better, improved, choices)
        choices = improved
        earned = [row[a] for a, row in zip(choices.tolist(), side.rewards, strict=True)]
        found = _relative(side, _chosen(side, choices.tolist()), earned)
        if found is None:
            break
        relative = found[2]
    return found


def _most(side: Side, values: Balls) -> flint.arb:
    """A bound on the long-run mean of every deviation."""
    return _greatest(
        r + v - now
        for now, rewards, ahead in zip(values, side.rewards, side.ahead(values), strict=True)
        for r, v in zip(rewards, ahead, strict=True)
    )


def _relative(side: Side, own: flint.arb_mat, rewards: Balls) -> tuple[flint.arb, flint.arb, Balls] | None:
    """The least and the greatest long-run mean of a policy, and relative values; None for several classes of states."""
    n = side.states
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = np.eye(n) - _law(side, own)
    system[n] = np.eye(n + 1)[0]
    try:
        inverse = _inverse(system)
    except Unknown:
        return None
    bias, mean = [flint.arb(0)] * n, flint.arb(0)
    for rounds in range(ROUNDS):
        changes = [r + v - now for r, v, now in zip(rewards, side.after(own, bias), bias, strict=True)]
        missed = [change - mean for change in changes]
        if _greatest(abs(x) for x in missed) < CLOSE or rounds == ROUNDS - 1:
            break
        step = inverse @ np.array([*(float(x) for x in missed), 0.0])
        bias, mean = _moved(bias, step[:n]), _moved([mean], step[n:])[0]
    return -_greatest(-change for change in changes), _greatest(changes), bias


# --- arithmetic ---


def matrix(rows: Sequence[Balls]) -> flint.arb_mat:
    return flint.arb_mat(len(rows), len(rows[0]), [value for row in rows for value in row])


def leading(places: Sequence[int], count: int) -> flint.arb_mat:
    """The matrix that makes a law of places from one of actions."""
    return flint.arb_mat(len(places), count, [int(place == j) for place in places for j in range(count)])


def _chosen(side: Side, choices: Sequence[int]) -> flint.arb_mat:
    """The law of the own place after these choices."""
    return leading([side.next[a] for a in choices], side.own.ncols())


def _law(side: Side, own: flint.arb_mat) -> Array:
    """The law of the next state, (states, states), in floats."""
    law: Array = (_floats(own)[:, :, None] * side.floats[1][:, None, :]).reshape(side.states, side.states)
    return law


def _floats(matrix: flint.arb_mat) -> Array:
    return np.array([[float(value) for value in row] for row in matrix.tolist()])


def _inverse(matrix: Array) -> Array:
    """The inverse, in floats, that values are found with; whether it is right does not matter to what is proved."""
    try:
        found: Array = np.linalg.inv(matrix).astype(np.float64)
    except np.linalg.LinAlgError:
        raise Unknown from None
    if not np.max(np.abs(found)) < SINGULAR:
        raise Unknown
    return found


def _dot(left: Balls, right: Balls) -> flint.arb:
    return sum((a * b for a, b in zip(left, right, strict=True)), flint.arb(0))


def _moved(values: Balls, step: Array) -> Balls:
    """The values after a step, as exact numbers."""
    return [(value + flint.arb(float(s))).mid() for value, s in zip(values, step, strict=True)]


def _greatest(values: Any) -> flint.arb:
    """A ball around the greatest of the numbers."""
    found = None
    for value in values:
        found = value if found is None else found.max(value)
    return flint.arb(0) if found is None else found


def _above(value: flint.arb, scale: flint.fmpq) -> flint.fmpq:
    """An upper bound on a gain, in payoff units, at least 0."""
    return max(_exact(value.upper()) * scale, ZERO)


def _below(value: flint.arb, scale: flint.fmpq) -> flint.fmpq:
    """A lower bound on it."""
    return _exact(value.lower()) * scale


def _exact(value: flint.arb) -> flint.fmpq:
    exact = fraction(value)
    return flint.fmpq(exact.numerator, exact.denominator)
