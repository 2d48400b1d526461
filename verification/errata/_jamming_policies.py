"""The jamming paper, (19) and (20): payoff-based play, and how players choose."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from models.jamming._model import jamming_model
from solvers.core import Array
from verification.errata._jamming_learning import first_come
from verification.errata._record import Record, Verdict

_record = partial(Record, paper="jamming")


# --- payoff-based adaptive play ---------------------------------------------------------------------------------------


def _updated(paid: Sequence[float], steps: Sequence[int], guess: float = 0.0) -> float:
    """(19), for a decision that was paid so at these steps."""
    for s, payoff in zip(steps, paid, strict=True):
        guess = (guess * s + payoff) / (s + 1)
    return guess


def _average(paid: Sequence[float]) -> Fraction:
    return sum(map(Fraction, paid), Fraction(0)) / len(paid)


ADAPTIVE = (
    _record(
        where="(19)",
        about="what the expectation is conditioned on",
        says=r"$\bar P_{s+1}(d_s) = E[P_s(d_s) \mid P_{1:s-1}(d_s)] = \frac{\bar P_s(d_s) \cdot s + P_s(d_s)}{s + 1}$",
        verdict=Verdict.WRONG,
        printed=lambda paid: _average(paid[:-1]),
        correct=lambda paid: _updated(paid[1:], range(1, len(paid)), paid[0]),
        at={"paid": (1, 1, 4)},
        labels=("given the earlier payoffs, as printed", "right side"),
        instead=r"$E[P_{s+1}(d_s) \mid P_{1:s}(d_s)]$: the right side uses the payoff of step $s$.",
        why="Means of payoffs, without and with the last one.",
    ),
    _record(
        where="(19)",
        about="the first guess",
        says=r"$\bar P_{s+1}(d_s) = \frac{\bar P_s(d_s) \cdot s + P_s(d_s)}{s + 1}$",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda paid, guess: _updated(paid, range(1, len(paid) + 1), guess),
        correct=lambda paid, **_: _average(paid),
        at={"paid": (1,) * 10, "guess": 0},
        labels=("steps from 1", "steps from 0"),
        instead=r"With $s$ from 1, as in $P_{1:s-1}$, the first guess counts as one payoff; with $s$ from 0 the first "
        r"payoff replaces it, as in $\bar P(d) + \frac{P(d) - \bar P(d)}{N}$ with $N$ the number of times that $d$ was "
        r"taken.",
        why="After a guess of 0 and ten payoffs of 1. What is expected at first is not said.",
    ),
    _record(
        where="(19)",
        about="steps or times taken",
        says=r"$\bar P_{s+1}(d_s) = \frac{\bar P_s(d_s) \cdot s + P_s(d_s)}{s + 1}$, in step $s$.",
        verdict=Verdict.WRONG,
        printed=lambda every, steps, paid: _updated([paid] * (steps // every), range(every, steps + 1, every)),
        correct=lambda every, steps, paid: _average([paid] * (steps // every)),
        at={"every": 100, "steps": 10**6, "paid": 5},
        instead=r"$N$, the number of times that this decision was taken in this state, in the place of $s$.",
        why=r"A decision that is taken in every hundredth step and always paid 5 is expected to pay .47 after a "
        r"million steps: each time $\frac{s}{s + 1}$ of the guess is kept.",
    ),
    _record(
        where="Section 3.2.2",
        about="convergence of payoff-based play",
        says="PBAP has been shown to converge to Nash equilibrium for zero-sum games.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda A, **_: max(min(row) for row in A),
        correct=lambda A, guess, steps: min(A[first_come([row[0] for row in A], guess, steps)]),
        at={"A": ((1, 1), (2, 2)), "guess": 0, "steps": 50},
        labels=("value of the game", "what greedy play earns"),
        instead="With a policy that keeps trying all actions. The text names none here; greedy play, its first "
        "policy, need not.",
        why="The transmitter's payoffs do not depend on the opponent, and the second action is better. A greedy "
        "player with first estimates of 0 stays with the first.",
    ),
)


# --- policies ---------------------------------------------------------------------------------------------------------


def runs(steps: int, forgiveness: float = 1.0, last: bool = False) -> list[int]:
    """How long the transmitter repeats an action, run by run, in greedy fictitious play of both from channels 0 and 1.

    Beliefs are shares of past actions, which count `forgiveness` times as much in each step; of equally good actions
    the first is taken, or the `last`.

    Examples
    --------
    >>> sum(runs(200))
    200
    """
    model = jamming_model()
    (A, B), (hops, leaps) = model.payoffs, model.hop_charges
    u, v, weight = np.zeros(len(A)), np.zeros(len(A)), 1e-300
    f, g, taken = 0, 1, []
    for _ in range(steps):
        i, j = (_best(total / weight - costs, last) for total, costs in ((u, hops[f]), (v, leaps[g])))
        u, v, weight = forgiveness * u + A[:, j], forgiveness * v + B[i], forgiveness * weight + 1
        f, g = i // 3, j // 3
        taken.append(i)
    changes = [0, *(s for s in range(1, steps) if taken[s] != taken[s - 1]), steps]
    return [b - a for a, b in itertools.pairwise(changes)]


def _best(expected: Array, last: bool) -> int:
    best = np.flatnonzero(expected >= expected.max() - 1e-9)
    return int(best[-1 if last else 0])


def _longest(steps: int) -> tuple[int, int]:
    """The longest run in the first tenth of the steps, and in all of them."""
    return max(runs(steps // 10)), max(runs(steps))


def _printed_20(expected: Sequence[float], least: float) -> tuple[Any, ...]:
    below = Fraction(sum(expected)) - Fraction(least)
    return tuple((Fraction(value) - Fraction(least)) / below for value in expected)


def _by_weight(expected: Sequence[float], least: float) -> tuple[Any, ...]:
    """The only probabilities in proportion to what is expected above the least."""
    weights = [Fraction(value) - Fraction(least) for value in expected]
    return tuple(weight / sum(weights) for weight in weights)


def _mixture(expected: Sequence[float], least: float, p: Fraction) -> tuple[Any, ...]:
    """Drawn by weight with probability p, and else the best."""
    return tuple(
        Fraction(p) * weight + (1 - Fraction(p)) * (value == max(expected))
        for value, weight in zip(expected, _by_weight(expected, least), strict=True)
    )


def _least(players: str, X: float, X_J: float) -> float:
    """The least payoff of the transmitter, or of both players."""
    payoffs_ = jamming_model(penalty=X, jammer_penalty=X_J).least_payoffs
    return float(payoffs_[0] if players == "own" else payoffs_.min())


POLICIES = (
    _record(
        where="Section 3.3.1",
        about="greedy play gets stuck",
        says="A significant amount of time has to pass before another action starts being considered as best response.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: True,
        correct=lambda steps: _longest(steps)[0] < _longest(steps)[1] / 4,
        at={"steps": 1500},
        why="Fictitious play of both, greedy, on four channels with three powers: runs of one action get longer and "
        "longer, as the mean of many past steps takes long to change.",
    ),
    _record(
        where="Section 3.3.1",
        about="temporal forgiveness",
        says="This could partially be mitigated by introducing temporal forgiveness into the learning algorithm.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: True,
        correct=lambda steps, forgiveness: max(runs(steps, forgiveness)) < max(runs(steps)) / 4,
        at={"steps": 1500, "forgiveness": 0.9},
        why="What forgiveness is is not said. Here past steps count .9 times as much in each step, and the longest "
        "run of one action is less than a quarter of what it is without.",
    ),
    _record(
        where="Figure 2",
        about="how long greedy play gets stuck",
        says="An example of greedy play that gets stuck is given in Figure 2.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda steps: tuple(sorted(runs(steps))[-3:]),
        correct=lambda steps: tuple(sorted(runs(steps, last=True))[-3:]),
        at={"steps": 1500},
        labels=("first of equally good actions", "last of them"),
        instead="No parameters, no first estimates and no rule for equally good actions are in the text, and the "
        "figure is not part of it.",
        why="The three longest runs of one action, in two plays that differ in that rule alone.",
    ),
    _record(
        where="Section 3.3.2",
        about="how often actions are drawn",
        says=r"A stochastically sampled policy (also known as $\varepsilon$-greedy) takes a randomly sampled action "
        r"with a probability $p$; a variation is proposed, (20).",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda expected, least, **_: _by_weight(expected, least),
        correct=_mixture,
        at={"expected": (3, 1, -4), "least": -5, "p": Fraction(1, 10)},
        labels=("drawn in every step", "with probability p, else greedy"),
        instead=r"(20) says how to draw, $\varepsilon$ how often; the probability $p$ of the policy is another "
        r"parameter than the $p(d)$ of (20), and does not occur in it.",
        why="What each of three actions is taken with, by both readings.",
    ),
    _record(
        where="(20)",
        about="the sum below",
        says=r"$p(d) = \frac{\bar P(d) - PMIN}{\sum_{k=1}^n \bar P(k) - PMIN}$",
        verdict=Verdict.AMBIGUOUS,
        printed=_printed_20,
        correct=_by_weight,
        at={"expected": (3, 1, -4), "least": -5},
        labels=("without brackets", "with brackets"),
        instead=r"Surely $p(d) = \frac{\bar P(d) - PMIN}{\sum_{k=1}^n (\bar P(k) - PMIN)}$.",
        why="If the sum ends before $PMIN$, that is subtracted once below and $n$ times above: the probabilities add "
        "up to 3 here, and if $-1$, $-2$ and $-2$ are expected, 0 is below the line.",
    ),
    _record(
        where="(20)",
        about="where all expect the least",
        says=r"$p(d) = \frac{\bar P(d) - PMIN}{\sum_{k=1}^n \bar P(k) - PMIN}$",
        verdict=Verdict.UNSPECIFIED,
        printed=_by_weight,
        correct=lambda expected, **_: (Fraction(1, len(expected)),) * len(expected),
        at={"expected": (-5, -5), "least": -5},
        labels=("corrected", "uniform"),
        instead="Uniform, here.",
        why="With brackets it is 0/0 where all actions are expected to pay the least.",
    ),
    _record(
        where="(20)",
        about="whose least payoff",
        says="$PMIN$ is the minimum possible payoff for the game.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda expected, X, X_J: _by_weight(expected, _least("both", X, X_J)),
        correct=lambda expected, X, X_J: _by_weight(expected, _least("own", X, X_J)),
        at={"expected": (3, 1, -4), "X": 4, "X_J": 10},
        labels=("the least of both players", "the transmitter's own"),
        instead="That of the player who draws, which is $-X - H$ less the greatest cost of power; or the least of "
        "both.",
        why="With a penalty of 4 for the transmitter and 10 for the jammer these are $-6.5$ and $-12.5$.",
    ),
)


RECORDS: tuple[Record, ...] = (*ADAPTIVE, *POLICIES)
