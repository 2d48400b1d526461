"""The jamming paper, sections 3.2 and 3.2.1: what players sense, and fictitious play."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from models.jamming._model import jamming_model
from solvers.core import Array
from verification.errata._jamming_exact import Numbers, equilibria, indifferent, payoffs, stage, times, transposed
from verification.errata._record import Record, Undefined, Verdict

_record = partial(Record, paper="jamming")

PENNIES = ((1, -1), (-1, 1))
SHAPLEY = ((1, 0, 0), (0, 1, 0), (0, 0, 1)), ((0, 1, 0), (0, 0, 1), (1, 0, 0))
"""The game of L. S. Shapley (1964), in which fictitious play goes round for ever."""


def plays(A: Numbers | Array, B: Numbers | Array, rounds: int, start: tuple[int, int] = (0, 0)) -> Array:
    """Fictitious play: the actions of both players, (rounds, 2); of equally good ones the first.

    Examples
    --------
    >>> plays([[1, 0], [0, 1]], [[1, 0], [0, 1]], 4, (0, 1)).tolist()
    [[0, 1], [1, 0], [0, 0], [0, 0]]
    """
    rows, columns = np.array(A, dtype=float), np.array(B, dtype=float)
    found, (i, j) = [start], start
    u, v = rows[:, j].copy(), columns[i].copy()
    while len(found) < rounds:
        i, j = int(np.argmax(u)), int(np.argmax(v))
        found.append((i, j))
        u += rows[:, j]
        v += columns[i]
    return np.array(found)


def shortfalls(A: Numbers | Array, B: Numbers | Array, played: Array) -> Array:
    """The regrets of the mean play after each number of rounds, in payoff units, (rounds, 2)."""
    rows, columns = np.array(A, dtype=float), np.array(B, dtype=float)
    r = np.arange(1, len(played) + 1)[:, None]
    x, y = (np.cumsum(np.eye(n)[moves], axis=0) / r for n, moves in zip(rows.shape, played.T, strict=True))
    return np.column_stack(
        [
            np.max(y @ rows.T, axis=1) - np.sum((x @ rows) * y, axis=1),
            np.max(x @ columns, axis=1) - np.sum((x @ columns) * y, axis=1),
        ]
    )


# --- figures and algorithms -------------------------------------------------------------------------------------------


def first_come(paid: Sequence[float], guess: float, steps: int) -> int:
    """The action that a greedy player ends with, who expects `guess` of all at first, and then what an action pays."""
    expected = [guess] * len(paid)
    for _ in range(steps):
        action = expected.index(max(expected))
        expected[action] = paid[action]
    return action


def _foreseen(moves: Sequence[int], by_state: bool) -> float:
    """How often the opponent will repeat its first move, by past frequencies, alone or after moves like the last."""
    after = [b for a, b in itertools.pairwise(moves) if not by_state or a == moves[-1]]
    return after.count(moves[0]) / len(after)


SENSING = (
    _record(
        where="Figure 1",
        about="dimensionality of the action space",
        says="An action is a list of four elements $d^T_s = [C^T_s, f^T_s, C^T_{s+1}, f^T_{s+1}]$; the dimensionality "
        "of the action space is given in Figure 1.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda channels, powers: (channels * powers) ** 2,
        correct=lambda channels, powers: jamming_model(channels, range(1, powers + 1)).shape[0],
        at={"channels": 4, "powers": 3},
        labels=("lists of four", "next channel and power"),
        instead="All lists of four; or the next channel and power, the present ones being a state. Here the second, "
        "with tables by own channel: 48 entries.",
        why=r"The figure is not part of the text examined, and the text counts actions both ways: Section 3.1 has "
        r"$n_f \cdot n_{C^T}$ pure strategies.",
    ),
    _record(
        where="Algorithm 1",
        about="first estimates",
        says="In every step, each player takes a decision based on their expected utility, which is then updated.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda paid, low, steps, **_: first_come(paid, low, steps),
        correct=lambda paid, high, steps, **_: first_come(paid, high, steps),
        at={"paid": (1, 5, 3), "low": 0, "high": 10, "steps": 50},
        labels=("action in the end, from a low guess", "from a high guess"),
        instead="The text has no estimate for an action not yet taken, and no rule for equally good ones. Here both "
        "are options.",
        why="The pseudocode is not part of the text examined. A greedy player with low first estimates never leaves "
        "its first action; with high ones it tries all.",
    ),
    _record(
        where="Algorithm 2",
        about="what beliefs are about",
        says="Each player updates his belief about the stochastic distributions of the strategies of the other "
        "players.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda moves: _foreseen(moves, by_state=False),
        correct=lambda moves: _foreseen(moves, by_state=True),
        at={"moves": (0, 1, 0, 1, 0, 1, 0, 1, 0)},
        labels=("one belief", "one for each state"),
        instead="One distribution of the opponent's actions; or one for each state, as equilibrium strategies have.",
        why="The pseudocode is not part of the text examined. Against an opponent who alternates, one belief expects "
        "each action half of the time, and beliefs by the last action are certain.",
    ),
)


# --- fictitious play --------------------------------------------------------------------------------------------------


def _jammed(rule: str) -> bool:
    """Whether fewer pairs of actions end in jamming than not."""
    jammed = jamming_model(success=rule).jam_matrix
    return bool(2 * jammed.sum() < jammed.size)


def _offsets(hop: float) -> tuple[Numbers, Numbers, list[Fraction]]:
    """A stage game, and of (A + B)/20 what each column adds to the first; undefined if rows differ in that."""
    A, B = stage(0, 1, hop=hop)
    sums = [[(a + b) / 20 for a, b in zip(*rows, strict=True)] for rows in zip(A, B, strict=True)]
    steps = [[value - row[0] for value in row] for row in sums]
    if any(row != steps[0] for row in steps):
        raise Undefined("not a number by row plus a number by column")
    return A, B, steps[0]


def _in_all_but_name(hop: float) -> bool:
    """Whether the jammer's payoff is a positive multiple of what the transmitter loses, but for terms of the row."""
    A, B, by_column = _offsets(hop)
    zero_sum = [[a / 20 - s for a, s in zip(row, by_column, strict=True)] for row in A]
    terms = [{b / 20 + z for b, z in zip(*rows, strict=True)} for rows in zip(B, zero_sum, strict=True)]
    return all(len(term) == 1 for term in terms)


def _programme(hop: float) -> bool:
    """Whether the two linear programmes of that zero-sum game have one value at the equilibrium of the stage game."""
    A, B, by_column = _offsets(hop)
    zero_sum = [[a / 20 - s for a, s in zip(row, by_column, strict=True)] for row in A]
    x, y = indifferent(A, B) or ((), ())
    return min(*x, *y) >= 0 and min(times(transposed(zero_sum), x)) == max(times(zero_sum, y))


def _settles(A: Numbers, B: Numbers, rounds: int) -> bool:
    """Whether regret gets below a tenth of the range, 1, from round 100 on."""
    return bool(np.min(np.max(shortfalls(A, B, plays(A, B, rounds, (0, 1)))[100:], axis=1)) < 0.1)


def _short(hop: float, rounds: int) -> tuple[Array, float]:
    """Regrets of fictitious play in a stage game by rounds, the larger one, and the range of payoffs."""
    model = jamming_model(hop=hop)
    game = model.stage_game(0, 0)
    range_ = float(np.max(model.most_payoffs - model.least_payoffs))
    return np.max(shortfalls(game.A, game.B, plays(game.A, game.B, rounds, (0, 1))), axis=1), range_


def _bounded(hop: float, rounds: int) -> tuple[bool, bool]:
    """Whether regret stays below the bound in units of the range, and ends below a tenth of it."""
    regret, range_ = _short(hop, rounds)
    r = np.arange(1, rounds + 1)
    bound = (r + 1) / (2 * r)
    return bool(np.all(regret / range_ <= bound)), bool(regret[-1] / range_ < bound[-1] / 10)


def _earned(A: Numbers, B: Numbers, rounds: int) -> bool:
    """Whether both players earn more, on average, than in the only equilibrium."""
    (pair,) = equilibria(A, B)
    played = plays(A, B, rounds, (0, 1))
    means = (np.mean(np.array(M)[played[:, 0], played[:, 1]]) for M in (A, B))
    return all(mean > payoff + Fraction(1, 10) for mean, payoff in zip(means, payoffs(A, B, *pair), strict=True))


FICTITIOUS = (
    _record(
        where="Section 3.2.1",
        about="states without jamming",
        says="The number of non-jammed states is higher than that of states of successful jamming.",
        verdict=Verdict.RIGHT,
        printed=lambda rules: (True,) * len(rules),
        correct=lambda rules: tuple(_jammed(rule) for rule in rules),
        at={"rules": ("threshold", "strict", "same-channel")},
        why="Of the 144 pairs of actions on four channels with three powers 24, 12 or 36 are jammed.",
    ),
    _record(
        where="Section 3.2.1",
        about="fictitious play in the paper's games",
        says="For other types of games, including the game considered within this work, convergence to Nash "
        "equilibrium is not guaranteed.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **_: False,
        correct=_in_all_but_name,
        at={"hop": 1},
        labels=("of a class with a guarantee, as printed", "a stage game is zero-sum in all but name"),
        instead=r"Of play in all stage games by turns; but in each stage game by itself it is guaranteed: with like "
        r"channels $\frac{A}{R^T + X^T} + \frac{B}{R^J + X^J}$ is a number by row plus a number by column, so that "
        r"best replies, and fictitious play, are those of a zero-sum game.",
        why="In a stage game of four channels and three powers, exactly. Such games are the strategically zero-sum "
        "ones of Moulin and Vial (1978).",
    ),
    _record(
        where="Section 3.2.1",
        about="fictitious play in other games",
        says="Convergence of fictitious play to Nash equilibrium is guaranteed only for several special cases.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: False,
        correct=_settles,
        at={"A": SHAPLEY[0], "B": SHAPLEY[1], "rounds": 3000},
        labels=("converges", "regret falls below .1"),
        why="In Shapley's game of 1964 play goes round in runs that get longer and longer.",
    ),
    _record(
        where="Section 3.2.1",
        about="how hard the paper's games are",
        says="The time needed to run the algorithm to convergence may be very long due to the problem being "
        "PPAD-complete.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **_: False,
        correct=_programme,
        at={"hop": 1},
        labels=("a linear programme solves bimatrix games", "these: both programmes have the equilibrium's value"),
        instead="The problem for bimatrix games in general, which is PPAD-complete; or for the stage games of this "
        "paper, which with like channels a linear programme solves.",
        why="In the equivalent zero-sum game the equilibrium's mixes guarantee both players the same value, exactly, "
        "so that each is a solution of its programme.",
    ),
    _record(
        where="Section 3.2.1",
        about="guarantee of fictitious play: units",
        says=r"Fictitious play achieves the worst-case guarantee of $\varepsilon = \frac{r + 1}{2r}$, $\varepsilon$ "
        r"being the maximum increase in payoff that a player could gain.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda r, **_: (r + 1) / (2 * r),
        correct=lambda hop, r: float(_short(hop, r)[0][-1]),
        at={"hop": 1, "r": 20},
        labels=("at most, in units of payoff", "gain after these rounds"),
        instead="In units of payoff, as it is defined, or of the range of payoffs, as is usual and as it holds. It is "
        "never below a half of that: 11 for payoffs from $-12.5$ to $9.5$.",
        why="In a stage game of four channels and three powers. The text does not say that payoffs are scaled.",
    ),
    _record(
        where="Section 3.2.1",
        about="guarantee of fictitious play: as a share of the range",
        says=r"Fictitious play achieves the worst-case guarantee of $\varepsilon = \frac{r + 1}{2r}$ and in reality "
        r"provides even better approximation results.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: (True, True),
        correct=_bounded,
        at={"hop": 1, "rounds": 3000},
        why="Regret as a share of the range of payoffs is below the bound in all rounds, and in the end below a tenth "
        "of it.",
    ),
    _record(
        where="Section 3.2.1",
        about="fictitious play and equilibrium payoffs",
        says="Fictitious play may in some cases outperform any actual Nash equilibrium.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: True,
        correct=_earned,
        at={"A": SHAPLEY[0], "B": SHAPLEY[1], "rounds": 2000},
        labels=("as printed", "both earn more"),
        why="Shapley's game again: play keeps to the pairs that pay one of the two, half of the time each, and the "
        "only equilibrium pays a third.",
    ),
)


RECORDS: tuple[Record, ...] = (*SENSING, *FICTITIOUS)
