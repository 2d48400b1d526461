"""The jamming paper, (1) to (10): what a step pays, what an equilibrium is, and the stage games."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from models.jamming._model import jamming_model
from verification.errata._jamming_exact import (
    Numbers,
    Vector,
    dot,
    equilibria,
    gains,
    regrets,
    stage,
    times,
    transposed,
)
from verification.errata._record import Record, Verdict

_record = partial(Record, paper="jamming")

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
A, B = ((3, 0), (1, 2)), ((1, 3), (4, 0))  # a game with one equilibrium: x = (2/3, 1/3), y = (1/2, 1/2)
X, Y = (2 * THIRD, THIRD), (HALF, HALF)
X_OFF, Y_OFF = (HALF, HALF), (HALF / 2, 3 * HALF / 2)  # and a profile that is none
SIXTHS = tuple((Fraction(k, 6), 1 - Fraction(k, 6)) for k in range(7))


# --- (1) and (2) ------------------------------------------------------------------------------------------------------


def _paid(previous: Sequence[int], player: str) -> tuple[float, ...]:
    """What a step pays on channels 0, of the transmitter, and 1, of the jammer, at the least powers."""
    states = [(h, 1) if player == "transmitter" else (0, h) for h in previous]
    games = [jamming_model().stage_game(*state) for state in states]
    return tuple(float((game.A if player == "transmitter" else game.B)[0, 3]) for game in games)


def _in_the_step(channels: Sequence[int], unhopped: float, H: float) -> tuple[float, ...]:
    return tuple(unhopped - H * (f != g) for f, g in itertools.pairwise(channels))


def _in_the_next(channels: Sequence[int], unhopped: float, H: float) -> tuple[float, ...]:
    own = [channels[0], *channels]
    return tuple(unhopped - H * (own[s] != own[s + 1]) for s in range(len(channels) - 1))


def _on_one_channel(success: str) -> float:
    """What a transmitter earns that meets a jammer of the same power, the least."""
    return float(jamming_model(success=success).stage_game(0, 0).A[0, 0])


def _count(costs: Sequence[float]) -> int:
    """Extreme equilibria of a stage game of two channels and two powers."""
    return len(equilibria(*stage(0, 1, channels=2, powers=[1, 2], costs=costs)))


PAYOFFS = (
    _record(
        where="Section 3",
        about="what players maximise",
        says="Every player chooses an action for the next step that is expected to maximize his payoff.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda channel_rewards, **_: gains(0, channel_rewards=channel_rewards),
        correct=lambda channel_rewards, later: gains(later, channel_rewards=channel_rewards),
        at={"channel_rewards": (7, 9, 11, 13), "later": 0.9},
        labels=("the next step alone", "later steps, discounted"),
        instead="Section 3 does not say what later steps are worth: nothing, less and less, or as much as the next. "
        "Here it is a parameter.",
        why="What deviations from the union of stage equilibria (Section 3.1) are worth per step, transmitter and "
        "jammer: nothing, or something.",
    ),
    _record(
        where="(1)",
        about="arguments of the transmitter's payoff",
        says=r"$P^T_s$ is a function of $C^T_s$, $f^T_s$, $C^J_s$ and $f^J_s$.",
        verdict=Verdict.WRONG,
        printed=lambda previous, R, g: tuple(R - g for _ in previous),
        correct=lambda previous, **_: _paid(previous, "transmitter"),
        at={"previous": (0, 1), "R": 10, "g": 0.5},
        instead=r"A function of the own previous channel $f^T_{s-1}$ too, as $\beta$ compares it with $f^T_s$.",
        why="The same powers and channels, reached without and with a hop of cost 1, pay differently. Section 3.1 "
        "grants as much: the payoff depends on the previous state of the player.",
    ),
    _record(
        where="(1)",
        about="the step to which a hop is charged",
        says=r"$\beta = 1$ if the transmitter decides to hop, and $H \beta$ is paid at the end of step $s$.",
        verdict=Verdict.AMBIGUOUS,
        printed=_in_the_step,
        correct=_in_the_next,
        at={"channels": (0, 1, 1, 2), "unhopped": 9.5, "H": 1},
        labels=("in the step that decides", "in the step after"),
        instead=r"Charged to the step that decides, $\beta = 1$ iff $f_{s+1} \ne f_s$; or to the one after, $\beta = "
        r"1$ iff $f_s \ne f_{s-1}$. Here it is the second.",
        why="Decisions are made at the end of a step, for the next one, so both fit. In sum over a long play they "
        "differ by one hop; under a discount, and in what a player knows when it decides, they differ throughout.",
    ),
    _record(
        where="(1)",
        about="when a transmission is successful",
        says=r"$\alpha = 1$ if transmission is successful and $\alpha = 0$ if not.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda **_: _on_one_channel("strict"),
        correct=lambda **_: _on_one_channel("threshold"),
        at={"equal_powers": 0.5},
        labels=("a higher power jams", "an equal power does too"),
        instead="Section 3 has no rule by which powers and channels decide. Here: jammed on the same channel, by an "
        "equal or a higher power; others can be chosen.",
        why="At equal powers the one rule pays the reward and the other takes the penalty. The rule decides whether "
        "(11) holds, see below.",
    ),
    _record(
        where="(2)",
        about="arguments of the jammer's payoff",
        says=r"$P^J_s$ is a function of $C^T_s$, $f^T_s$, $C^J_s$ and $f^J_s$.",
        verdict=Verdict.WRONG,
        printed=lambda previous, X, g: tuple(-X - g for _ in previous),
        correct=lambda previous, **_: _paid(previous, "jammer"),
        at={"previous": (1, 0), "X": 10, "g": 0.5},
        instead=r"A function of the own previous channel $f^J_{s-1}$ too, as $\gamma$ compares it with $f^J_s$.",
        why="As in (1). The cost $H$ of a hop and the function $g$ are the transmitter's, too; nothing of what "
        "follows needs that, so here each player may have its own.",
    ),
    _record(
        where="(2)",
        about="rewards, penalties and costs",
        says=r"$g(C^J)$ is the jammer's cost of transmission when power $C^J$ is used.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda equal, **_: _count(equal),
        correct=lambda rising, **_: _count(rising),
        at={"equal": (1, 1), "rising": (1, 2)},
        labels=("powers of one cost", "the higher costs more"),
        instead="Section 3 has neither the function $g$ nor values of $R$, $X$ and $H$. Here $g$ increases, and the "
        "numbers are examples.",
        why="Two channels and two powers: what powers cost decides how many extreme equilibria a stage game has. "
        "Where all cost the same there are $n_C^{n_f}$ of them, corners of a continuum.",
    ),
)


# --- (3), (4) and the existence of equilibria -------------------------------------------------------------------------


def _best_mix(M: Numbers, own: Vector, others: Sequence[Vector]) -> tuple[Fraction, ...]:
    """What the best of 61 mixes of rows earns more than `own`."""
    mixes = [(Fraction(k, 60), 1 - Fraction(k, 60)) for k in range(61)]
    return tuple(max(dot(mix, times(M, y)) for mix in mixes) - dot(own, times(M, y)) for y in others)


def _games(seed: int, count: int) -> list[tuple[Numbers, Numbers]]:
    """Games of 3 rows and 2 columns with payoffs 0, 1 and 2, so that there are many ties."""
    draw = Random(seed).randrange
    drawn = [[[draw(3) for _ in range(2)] for _ in range(3)] for _ in range(2 * count)]
    return list(zip(drawn[::2], drawn[1::2], strict=True))


EQUILIBRIUM = (
    _record(
        where="(3)",
        about="equilibrium: the transmitter",
        says=r"$x A y^{*\top} \le x^* A y^{*\top}$ for every mixed strategy $x$.",
        verdict=Verdict.RIGHT,
        printed=lambda A, x, others, **_: _best_mix(A, x, others),
        correct=lambda A, B, x, others: tuple(regrets(A, B, x, y)[0] for y in others),
        at={"A": A, "B": B, "x": X, "others": (Y, Y_OFF)},
        why=r"What the best of 61 mixes gains is what the best row gains: nothing at the equilibrium, and the same "
        r"beside it. (Strategies are columns in the text before, $x^\top A y$, and rows here.)",
    ),
    _record(
        where="(4)",
        about="equilibrium: the jammer",
        says=r"$x^* B y^\top \le x^* B y^{*\top}$ for every mixed strategy $y$.",
        verdict=Verdict.RIGHT,
        printed=lambda B, y, others, **_: _best_mix(transposed(B), y, others),
        correct=lambda A, B, y, others: tuple(regrets(A, B, x, y)[1] for x in others),
        at={"A": A, "B": B, "y": Y, "others": (X, X_OFF)},
        why="As in (3), by columns.",
    ),
    _record(
        where="Section 3.1",
        about="existence (Nash 1951)",
        says="All finite non-cooperative games have at least one mixed Nash equilibrium.",
        verdict=Verdict.RIGHT,
        printed=lambda games, **_: games,
        correct=lambda seed, games: sum(bool(equilibria(*game)) for game in _games(seed, games)),
        at={"seed": 1, "games": 20},
        why="Of twenty games with many ties each has one, found by enumeration.",
    ),
)


# --- (5) to (10) ------------------------------------------------------------------------------------------------------


def _gains(worth: Sequence[Fraction], payoff: Fraction) -> Vector:
    return tuple(max(value - payoff, Fraction(0)) for value in worth)


def _moved(mix: Sequence[Fraction], gain: Sequence[Fraction]) -> Fraction:
    """How far the map of (7) and (8) takes a mix in which actions gain so much."""
    return max(abs((p + c) / (1 + sum(gain)) - p) for p, c in zip(mix, gain, strict=True))


def _to_the_letter(A: Numbers, x: Vector, y: Vector) -> tuple[Any, ...]:
    gain = _gains([dot([row[i] for row in A], y) for i in range(len(x))], dot(x, times(A, y)))
    return *gain, _moved(x, gain)


def _by_rows(A: Numbers, x: Vector, y: Vector) -> tuple[Any, ...]:
    pure = [tuple(int(k == i) for k in range(len(x))) for i in range(len(x))]
    gain = _gains([dot(choice, times(A, y)) for choice in pure], dot(x, times(A, y)))
    return *gain, _moved(x, gain)


def _step(M: Numbers, own: Vector, other: Vector) -> tuple[Any, ...]:
    """(7), and by columns (8), as printed."""
    gain = _gains(times(M, other), dot(own, times(M, other)))
    return tuple((p + c) / (1 + sum(gain)) for p, c in zip(own, gain, strict=True))


def _shares(M: Numbers, own: Vector, other: Vector) -> tuple[Any, ...]:
    """Weights p + gain, as parts of their sum."""
    payoff = sum(own[i] * M[i][j] * other[j] for i in range(len(own)) for j in range(len(other)))
    worth = [sum(M[i][j] * other[j] for j in range(len(other))) for i in range(len(own))]
    weights = [p + (w - payoff if w > payoff else 0) for p, w in zip(own, worth, strict=True)]
    return tuple(weight / sum(weights) for weight in weights)


def _fixed(A: Numbers, B: Numbers) -> int:
    """How many pairs of mixes in sixths the map leaves where they are."""
    return sum(_step(A, x, y) == x and _step(transposed(B), y, x) == y for x in SIXTHS for y in SIXTHS)


def _stable(A: Numbers, B: Numbers) -> int:
    """How many pairs of mixes in sixths no mix in sixths improves on, for its player."""
    one = {(x, y): dot(x, times(A, y)) for x in SIXTHS for y in SIXTHS}
    other = {(x, y): dot(x, times(B, y)) for x in SIXTHS for y in SIXTHS}
    return sum(
        all(one[z, y] <= one[x, y] and other[x, z] <= other[x, y] for z in SIXTHS) for x in SIXTHS for y in SIXTHS
    )


def _answers(A: Numbers) -> tuple[int, ...]:
    """For each y in sixths, how many x satisfy (9)."""
    return tuple(sum(all(row <= dot(x, times(A, y)) for row in times(A, y)) for x in SIXTHS) for y in SIXTHS)


def _best_answers(A: Numbers) -> tuple[int, ...]:
    """For each y in sixths, how many x earn as much as any x in sixths does."""
    earned = [[dot(x, times(A, y)) for x in SIXTHS] for y in SIXTHS]
    return tuple(values.count(max(values)) for values in earned)


def _falling(A: Numbers, x: Vector, y: Vector) -> tuple[Any, ...]:
    """(10) at the row of x that earns least."""
    worth = times(A, y)
    i = min((i for i in range(len(x)) if x[i]), key=lambda i: worth[i])
    gain = _gains(worth, dot(x, worth))
    return i, (x[i] + gain[i]) / (1 + sum(gain)), True


def _fallen(A: Numbers, x: Vector, y: Vector) -> tuple[Any, ...]:
    after = _shares(A, x, y)
    fell = [i for i in range(len(x)) if after[i] < x[i]]
    return fell[0], after[fell[0]], len(fell) == 1


NASH_MAP = (
    _record(
        where="(5)",
        about="what rows gain",
        says=r"$c_i = \max\{A_{i\cdot} y^\top - x A y^\top, 0\}$, where $A_{i\cdot}$ is the $i$-th column of $A$.",
        verdict=Verdict.WRONG,
        printed=_to_the_letter,
        correct=_by_rows,
        at={"A": A, "x": X, "y": Y},
        instead=r"$A_{i\cdot}$ is the $i$-th row.",
        why="At an equilibrium no row gains; with columns the first gains .5, and the map of (7) moves it by .11 (the "
        "last number). The index shows what is meant, but the same exchange is in (6), (13) and (14).",
    ),
    _record(
        where="(6)",
        about="what columns gain",
        says=r"$d_j = \max\{x B_{\cdot j} - x B y^\top, 0\}$, where $B_{\cdot j}$ is the $j$-th row of $B$.",
        verdict=Verdict.WRONG,
        printed=lambda B, x, y: _to_the_letter(transposed(B), y, x),
        correct=lambda B, x, y: _by_rows(transposed(B), y, x),
        at={"B": B, "x": X, "y": Y},
        instead=r"$B_{\cdot j}$ is the $j$-th column.",
        why="As in (5), at the same equilibrium: rows would move it by .20.",
    ),
    _record(
        where="(7)",
        about="the map, for rows",
        says=r"$x'_i = \frac{x_i + c_i}{1 + \sum_k c_k}$",
        verdict=Verdict.RIGHT,
        printed=lambda A, x, y: _step(A, x, y),
        correct=lambda A, x, y: _shares(A, x, y),
        at={"A": A, "x": X_OFF, "y": Y_OFF},
        why=r"The shares of $x_i + c_i$ in their sum, as the $x_i$ add up to 1: so $x'$ is a mixed strategy.",
    ),
    _record(
        where="(8)",
        about="the map, for columns",
        says=r"$y'_j = \frac{y_j + d_j}{1 + \sum_k d_k}$",
        verdict=Verdict.RIGHT,
        printed=lambda B, x, y: _step(transposed(B), y, x),
        correct=lambda B, x, y: _shares(transposed(B), y, x),
        at={"B": B, "x": X_OFF, "y": Y_OFF},
        why="As in (7).",
    ),
    _record(
        where="Section 3.1",
        about="fixed points of the map",
        says=r"$(x', y') = (x, y)$ if and only if $(x, y)$ is an equilibrium.",
        verdict=Verdict.RIGHT,
        printed=lambda A, B, other: (_fixed(A, B), _fixed(other, other)),
        correct=lambda A, B, other: (_stable(A, B), _stable(other, other)),
        at={"A": A, "B": B, "other": ((1, 0), (0, 1))},
        why="Of all pairs of mixes in sixths, in a game with one equilibrium and in one with three, with rows and "
        "columns as corrected in (5) and (6). The map proves existence; to repeat it is no way to find an equilibrium.",
    ),
    _record(
        where="(9)",
        about="no row gains at an equilibrium",
        says=r"$A_{i\cdot} y^\top \le x A y^\top$ for all $i$.",
        verdict=Verdict.RIGHT,
        printed=_answers,
        correct=_best_answers,
        at={"A": A},
        why=r"For seven $y$, the number of $x$ in sixths with (9), read with rows, is that of the best mixed answers.",
    ),
    _record(
        where="(10)",
        about="the map moves what is not an equilibrium",
        says=r"If some $c_k > 0$, then $x'_i = \frac{x_i + c_i}{1 + \sum_k c_k} < x_i$ for some $i$ with $x_i > 0$.",
        verdict=Verdict.RIGHT,
        printed=_falling,
        correct=_fallen,
        at={"A": A, "x": X_OFF, "y": Y_OFF},
        why=r"The row that earns least of those in use has $c_i = 0$; its probability falls, here of one row only.",
    ),
)


RECORDS: tuple[Record, ...] = (*PAYOFFS, *EQUILIBRIUM, *NASH_MAP)
