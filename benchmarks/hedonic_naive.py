"""The paper's Algorithm 1, its bugs corrected and nothing else: what authors run, as the peer of the dynamics.

Corrected are: the inner loop compares with the coalition where the learner is now, and the learner leaves that one; the
current partition is used, not the last round's; heads stay; the loop has a limit, since there may be no stable
partition. Left as they are: equation (10) is computed from the list of members for every comparison.

Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual Game
Framework, IEEE IoT Journal 11(12), 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from solvers.hedonic import LabelledGame, Partition, gain_tolerance

Numbers: TypeAlias = np.ndarray[Any, Any]
Members: TypeAlias = list[int]


@dataclass(frozen=True, eq=False)
class Facts:
    """Equation (10) in tables: S_ij I_j − c_ij, f_ij I_j, |D_i|, R_ij, I_rep, R_th and γ."""

    base: Any
    weights: Any
    data: Any
    reputations: Any
    pay: float
    threshold: float
    floor: float


Utility: TypeAlias = Callable[[Facts, Members, int, int], float]


def facts_of(game: LabelledGame) -> Facts:
    """The tables of a game without own frequency limits, given peaks, own pay or an outside.

    Raises
    ------
    ValueError
        If the game has one of those.
    """
    reputation, shape = game.reputation, (game.players, game.slots)
    if game.speeds is not None or game.has_out:
        raise ValueError("equation (10) is taken with fixed frequency factors and without an outside")
    if reputation is None:
        return Facts(game.base, np.broadcast_to(game.weights, shape), game.sizes, np.zeros(shape), 0.0, 0.0, 0.0)
    if reputation.peaks is not None or not reputation.shared:
        raise ValueError("equation (10) has the members' peak and shared pay")
    values = reputation.values if reputation.values.ndim == 2 else reputation.values[:, None]
    return Facts(
        game.base,
        np.broadcast_to(game.weights, shape),
        game.sizes,
        np.ascontiguousarray(np.broadcast_to(values, shape)),
        reputation.pay,
        reputation.threshold,
        reputation.floor,
    )


def in_lists(facts: Facts) -> Facts:
    """The same with Python lists for arrays, which plain loops read quicker."""
    names = ("base", "weights", "data", "reputations")
    return replace(facts, **{name: getattr(facts, name).tolist() for name in names})


def by_arrays(facts: Facts, members: Members, i: int, j: int) -> float:
    """What learner i earns in coalition j with these members, by NumPy."""
    value = facts.base[i, j] + facts.weights[i, j] * facts.data[i] / facts.data[members].sum()
    if facts.pay == 0:
        return float(value)
    R = facts.reputations[members, j]
    span = R.max() - facts.threshold
    climb = np.log1p((math.e - 1) * np.maximum(R - facts.threshold, 0.0) / span) if span > 0 else 0.0
    low = facts.floor * np.exp(np.minimum(R - facts.threshold, 0.0))
    worth = np.where(facts.threshold > R, low, facts.floor + (1 - facts.floor) * climb)
    return float(value + facts.pay * worth.mean())


def by_loops(facts: Facts, members: Members, i: int, j: int) -> float:
    """What learner i earns in coalition j with these members, by plain Python; `facts` are lists."""
    data, table = facts.data, facts.reputations
    value = facts.base[i][j] + facts.weights[i][j] * data[i] / sum([data[k] for k in members])
    if facts.pay == 0:
        return float(value)
    column = [table[k][j] for k in members]
    span, threshold, floor = max(column) - facts.threshold, facts.threshold, facts.floor
    worth = 0.0
    for reputation in column:
        if reputation < threshold:
            worth += floor * math.exp(reputation - threshold)
        elif span > 0:
            worth += floor + (1 - floor) * math.log1p((math.e - 1) * (reputation - threshold) / span)
        else:
            worth += floor
    return float(value + facts.pay * worth / len(members))


NAIVE: dict[str, tuple[Callable[[Facts], Facts], Utility]] = {
    "NumPy": (lambda facts: facts, by_arrays),
    "plain Python": (in_lists, by_loops),
}
"""The two ways in which equation (10) is written, by name: the tables that it reads, and the function."""


def algorithm_1(
    game: LabelledGame, start: Partition, way: str, *, best: bool = True, max_switches: int = 10**6
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Where the learners end, and the switches (learner, from, to): one learner after the other, round and round.

    With `best` a learner goes to the best coalition, else to the first that is better, as in the printed inner loop.
    The gain that counts is that of the dynamics, 1e-9 of the size of the learner's utilities. It ends when in a whole
    round nobody has switched, or before switch `max_switches` + 1.
    """
    prepare, utility = NAIVE[way]
    facts, allowed = prepare(facts_of(game)), gain_tolerance(game).tolist()
    slots = start.slots.tolist()
    coalitions = [start.members(j).tolist() for j in range(game.slots)]
    learners = [i for i in range(game.players) if i not in set(game.heads)]
    switches: list[tuple[int, int, int]] = []
    stable = False
    while not stable:  # every round but the last makes one of `max_switches` switches
        stable = True
        for i in learners:
            j, k = slots[i], _choice(facts, utility, coalitions, i, slots[i], allowed[i], best=best)
            if k == j:
                continue
            if len(switches) == max_switches:
                return slots, switches
            coalitions[j].remove(i)
            coalitions[k].append(i)
            slots[i] = k
            switches.append((i, j, k))
            stable = False
    return slots, switches


def _choice(
    facts: Facts,
    utility: Utility,
    coalitions: Sequence[Members],
    i: int,
    j: int,
    allowed: float,
    *,
    best: bool,
) -> int:
    """The coalition to which i goes from j, or j."""
    here = utility(facts, coalitions[j], i, j)
    chosen, highest = j, -math.inf
    for k, members in enumerate(coalitions):
        if k == j:
            continue
        there = utility(facts, [*members, i], i, k)
        if there - here > allowed and there > highest:
            chosen, highest = k, there
            if not best:
                break
    return chosen
