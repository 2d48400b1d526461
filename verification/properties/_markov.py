"""Stochastic games by definition: chains cell by cell, and the best of all policies, each tried in fractions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from solvers.core import Array
from solvers.stochastic import StationaryProfile
from solvers.stochastic._game import MarkovGame
from verification.properties._fractions import solution

PATIENT = 1 - Fraction(1, 10**30)  # at this discount a payoff per step is the long-run mean but for 1e-30 times a bias


class Written:
    """A game as lists: payoffs of both players, [player][state][i][j], and laws of the next state, [state][i][j]."""

    def __init__(self, game: MarkovGame) -> None:
        every = np.arange(game.states)
        self.states, self.discount = game.states, game.discount
        self.allowed = list(zip(game.row_actions.tolist(), game.column_actions.tolist(), strict=True))
        self.payoffs = game.stage_payoffs(every)
        self.law = np.stack([game.continuation(unit, every) for unit in np.eye(game.states)], axis=-1)

    def played(self, profile: StationaryProfile) -> tuple[Array, Array]:
        """The transition matrix, and rewards, (2, states)."""
        x, y = profile
        P = _floats(np.einsum("si,sj,sijt->st", x, y, self.law))
        return P, _floats([np.einsum("si,sj,sij->s", x, y, M) for M in self.payoffs])

    def ranges(self) -> Array:
        """Greatest less least payoff of each player over all states."""
        cells = [[M[s, :m, :n] for s, (m, n) in enumerate(self.allowed)] for M in self.payoffs]
        return np.array([max(c.max() for c in own) - min(c.min() for c in own) for own in cells])


def _floats(values: Any) -> Array:
    return np.array(values, dtype=np.float64)


def bellman(game: MarkovGame, profile: StationaryProfile) -> float:
    """What any deviation gains at most, over the range of payoffs: by what one step of another action gains.

    For the average payoff the chain must have one class.
    """
    written = Written(game)
    (P, rewards), d = written.played(profile), written.discount
    gains = []
    for player, size in enumerate(written.ranges()):
        worth, later = _worth(P, rewards[player], d)
        ahead = written.payoffs[player] * (1.0 if d is None else 1.0 - d) + (written.law @ later)
        own, other = profile[player], profile[1 - player]
        value = np.einsum("sij,sj->si" if player == 0 else "sij,si->sj", ahead, other)
        for s, allowed in enumerate(written.allowed):
            gain = float(np.max(value[s, : allowed[player]]) - worth[s])
            gains.append(gain / (1.0 if d is None else 1.0 - d) / (size or 1.0))
            gains.append(float(-own[s].min()))
            gains.append(abs(float(own[s, : allowed[player]].sum()) - 1.0))
    return float(np.max([0.0, *gains]))


def _worth(P: Array, rewards: Array, discount: float | None) -> tuple[Array, Array]:
    """What a step must come to: value, or mean plus bias; and what is added for the next state."""
    size = np.eye(len(P))
    if discount is not None:
        values = _floats((1.0 - discount) * np.linalg.solve(size - discount * P, rewards))
        return values, _floats(discount * values)
    system = size - P
    system[:, 0] = 1.0  # the bias of state 0 is 0, and in its place stands the mean
    found = np.linalg.solve(system, rewards)
    mean, bias = found[0], np.append(0.0, found[1:])
    return _floats(mean + bias), bias


# --- in fractions ----------------------------------------------------------------------------------------------------


def gains(game: MarkovGame, profile: StationaryProfile) -> list[list[Fraction]]:
    """What the best of all pure stationary policies gains each player in each state, per step; for small games."""
    return [[b - v for b, v in zip(*pair, strict=True)] for pair in zip(*worths(game, profile), strict=True)]


def worths(game: MarkovGame, profile: StationaryProfile) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """The best that any pure stationary policy is worth to each player in each state, and what the profile is worth."""
    written = Written(game)
    mixes = [[_law(own[s, : k[p]]) for s, k in enumerate(written.allowed)] for p, own in enumerate(profile)]
    rewards, laws = _exact(written)
    best, values = [], []
    for player in (0, 1):
        seen = [_against(rewards[player][s], laws[s], mixes[1 - player][s], player) for s in range(game.states)]
        values.append(_value([_mean(pairs, mix) for pairs, mix in zip(seen, mixes[player], strict=True)], game))
        policies = itertools.product(*seen)
        best.append([max(state) for state in zip(*(_value(list(policy), game) for policy in policies), strict=True)])
    return best, values


def _exact(written: Written) -> tuple[list[Any], list[Any]]:
    rewards = [
        [
            [[Fraction(float(M[s, i, j])) for j in range(n)] for i in range(m)]
            for s, (m, n) in enumerate(written.allowed)
        ]
        for M in written.payoffs
    ]
    laws = [
        [[_law(written.law[s, i, j]) for j in range(n)] for i in range(m)] for s, (m, n) in enumerate(written.allowed)
    ]
    return rewards, laws


def _law(weights: Any) -> list[Fraction]:
    """Probabilities that sum to 1 exactly."""
    exact = [Fraction(float(w)) for w in weights]
    return [w / sum(exact) for w in exact]


def _against(rewards: Any, laws: Any, other: Sequence[Fraction], player: int) -> list[tuple[Fraction, list[Fraction]]]:
    """The reward and the law of the next state after each own action in one state, against a mix."""
    count = len(rewards) if player == 0 else len(rewards[0])
    cells = [[(a, b) if player == 0 else (b, a) for b in range(len(other))] for a in range(count)]
    return [_mean([(rewards[i][j], laws[i][j]) for i, j in line], other) for line in cells]


def _mean(pairs: Sequence[tuple[Fraction, list[Fraction]]], mix: Sequence[Fraction]) -> tuple[Fraction, list[Fraction]]:
    reward = sum((p * own for p, (own, _) in zip(mix, pairs, strict=True)), Fraction(0))
    states = range(len(pairs[0][1]))
    return reward, [sum((p * law[t] for p, (_, law) in zip(mix, pairs, strict=True)), Fraction(0)) for t in states]


def _value(policy: Sequence[tuple[Fraction, list[Fraction]]], game: MarkovGame) -> list[Fraction]:
    """Per step, from each state."""
    d = PATIENT if game.discount is None else Fraction(game.discount)
    system = [[(s == t) - d * p for t, p in enumerate(law)] for s, (_, law) in enumerate(policy)]
    found = solution(system, [(1 - d) * reward for reward, _ in policy])
    assert found is not None, "a discounted chain has no value: the oracle is wrong"
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def saved_states(example: Any, path: Path) -> Path:
    """The game of an example, itself or the first of a tuple, written out as JSON: payoffs, laws and the discount."""
    game = example if isinstance(example, MarkovGame) else example[0]
    written = Written(game)
    shapes = list(enumerate(written.allowed))
    payoffs = [[M[s, :m, :n].tolist() for s, (m, n) in shapes] for M in written.payoffs]
    laws = [written.law[s, :m, :n].tolist() for s, (m, n) in shapes]
    path = path.with_suffix(".json")
    text = {"A": payoffs[0], "B": payoffs[1], "transitions": laws, "discount": written.discount}
    path.write_text(json.dumps(text), encoding="utf-8")
    return path
