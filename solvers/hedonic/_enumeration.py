"""Small games by looking at every partition: all stable ones, the least unstable one, the best one, and the prices.

Utilities of all coalitions are laid out in a table once, by `game.coalition_values`, and partitions are judged from it
many at a time. It is the oracle of faster solvers, and the only complete one for utilities of any form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from solvers.core import Array, Mask, NotSolved, Positions, Solution, Status
from solvers.hedonic._deviation import checked_concept
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._judging import blocked, dominated, harm, loner_regrets, switch_regrets
from solvers.hedonic._listing import blocks
from solvers.hedonic._partition import Partition
from solvers.hedonic._table import Batch, CoalitionTable, too_large
from solvers.hedonic._verdicts import NOBODY_ALONE, can_be_alone

METHOD = "enumeration"
LIMIT = 10**6  # partitions; free slots: 11 players

Judge: TypeAlias = Callable[[Batch], Mask]


def partitions(game: HedonicGame) -> Iterator[Partition]:
    """Every feasible partition, one at a time, each once, `OUT` first, the last player's place varying fastest.

    Slots that are neither labelled nor have heads are numbered in order of their first members.

    References
    ----------
    Hutchinson, Partitioning algorithms for finite sets, Comm. ACM 6 (1963): restricted growth strings.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> [partition.slots.tolist() for partition in partitions(AdditivelySeparableGame(np.zeros((3, 3))))]
    [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    """
    for slots in blocks(game, rows=256):
        yield from map(Partition, slots)


def enumerate_stable(
    game: HedonicGame, concept: str = "nash", *, tolerance: float | Array | None = None, limit: int = LIMIT
) -> Solution[Partition]:
    """All partitions that are stable in the sense of `concept`, complete, or the proof that none exists.

    What `concept` and `tolerance` mean is said at `deviation`. Partitions come in the order of `partitions`.

    Raises
    ------
    NotSolved
        If the game has more than `limit` partitions, or too many coalitions; or, for "rational", if players can be
        neither alone nor out.
    ValueError
        If `concept` is none of `CONCEPTS`.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> game = AdditivelySeparableGame([[0, 1], [-1, 0]])  # player 0 seeks player 1, who avoids it
    >>> print(enumerate_stable(game).status, enumerate_stable(game, "individual").profiles)
    no profile of the requested kind exists (Partition([0, 1]),)
    """
    checked_concept(concept)
    tolerances = gain_tolerance(game, tolerance)
    table = _table(game, limit)
    if concept == "pareto":
        looked, found = _undominated(table, tolerances)
    else:
        looked, found = _passing(table, _judge(table, concept, tolerances))
    profiles = tuple(map(Partition, found))
    status = Status.SOLVED if profiles else Status.NONE_EXISTS
    return Solution(profiles, status, METHOD, complete=True, stats={"partitions": looked})


def least_regret(game: HedonicGame, *, tolerance: float | Array | None = None, limit: int = LIMIT) -> Partition:
    """The partition in which the largest gain by a switch is least, in payoff units: Nash-stable if one exists.

    Gains within the tolerance count as 0. Among equals it is the one with the lowest sum of gains, then the first.

    Raises
    ------
    NotSolved
        If the game has more than `limit` partitions, or too many coalitions, or if all regrets are nan.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> least_regret(AdditivelySeparableGame([[0, 1], [-3, 0]]))
    Partition([0, 1])
    """
    tolerances = gain_tolerance(game, tolerance)
    table = _table(game, limit)
    objections = harm(table, "nash", tolerances)
    best: tuple[float, float] = (np.inf, np.inf)
    found: Positions | None = None
    for batch in table.batches():
        regrets = switch_regrets(table, batch, objections)
        regrets[regrets <= tolerances] = 0.0
        worst, total = np.max(regrets, axis=1), np.sum(regrets, axis=1)
        row = int(np.lexsort((total, worst))[0])  # nan comes last
        if (worst[row], total[row]) < best:
            best, found = (float(worst[row]), float(total[row])), batch.slots[row]
    if found is None:
        raise NotSolved(f"{METHOD}: no partition has finite regrets; look for nan among the utilities")
    return Partition(found)


def maximal_welfare(game: HedonicGame, *, limit: int = LIMIT) -> Partition:
    """The feasible partition with the largest sum of utilities, stable or not, the first of them.

    Raises
    ------
    NotSolved
        If the game has more than `limit` partitions, or too many coalitions, or if all sums are nan.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> maximal_welfare(AdditivelySeparableGame([[0, 3], [-1, 0]]))
    Partition([0, 0])
    """
    found, best = _best((batch.slots, batch.utilities.sum(axis=1)) for batch in _table(game, limit).batches())
    if found is None:
        raise NotSolved(f"{METHOD}: no partition has a welfare; look for nan among the utilities, got {best}")
    return found


@dataclass(frozen=True, slots=True)
class Prices:
    """What stability costs: the welfare of the best partition, and of the best and the worst stable one.

    `anarchy` and `stability` are the optimal welfare over that of the worst and of the best stable partition. They are
    at least 1: where all welfare is negative, a cost, the quotient is turned over. Where the optimum is better and the
    quotient says nothing, since the stable welfare is 0 or has the other sign, or the optimum is 0, the price is inf.
    Where no partition is stable it is nan. What is lost is always `optimal - worst` and `optimal - best`.
    """

    concept: str
    optimal: float
    best: float
    worst: float
    optimal_partition: Partition
    best_partition: Partition | None
    worst_partition: Partition | None

    @property
    def anarchy(self) -> float:
        """The price of anarchy: how many times better the optimum is than the worst stable partition."""
        return _price(self.optimal, self.worst)

    @property
    def stability(self) -> float:
        """The price of stability: how many times better the optimum is than the best stable partition."""
        return _price(self.optimal, self.best)


def prices(
    game: HedonicGame, concept: str = "nash", *, tolerance: float | Array | None = None, limit: int = LIMIT
) -> Prices:
    """The prices of anarchy and of stability, with the partitions that they compare.

    Raises
    ------
    NotSolved
        If the game has more than `limit` partitions, or too many coalitions.
    ValueError
        If `concept` is none of `CONCEPTS`.

    References
    ----------
    Koutsoupias and Papadimitriou, Worst-case equilibria, STACS 1999; Anshelevich et al., The price of stability for
    network design with fair cost allocation, SIAM J. Comput. 38 (2008).

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> game = AdditivelySeparableGame([[0, 2, -1, 0], [2, 0, 3, -9], [-1, 3, 0, 2], [0, -9, 2, 0]])
    >>> found = prices(game)
    >>> found.optimal, found.anarchy, found.stability
    (8.0, 1.0, 1.0)
    """
    table = _table(game, limit)
    optimum = maximal_welfare(game, limit=limit)
    stable = np.array([p.slots for p in enumerate_stable(game, concept, tolerance=tolerance, limit=limit).profiles])
    welfare = table.batch(stable).utilities.sum(axis=1) if len(stable) else np.zeros(0)
    best = Partition(stable[np.argmax(welfare)]) if len(stable) else None
    worst = Partition(stable[np.argmin(welfare)]) if len(stable) else None
    optimal, slack = game.welfare(optimum), float(np.sum(gain_tolerance(game, tolerance)))
    return Prices(
        concept,
        optimal,
        _welfare(game, best, optimal, slack),
        _welfare(game, worst, optimal, slack),
        optimum,
        best,
        worst,
    )


def _welfare(game: HedonicGame, partition: Partition | None, optimal: float, slack: float) -> float:
    """The welfare of a stable partition, nan if there is none; within rounding of the optimum, it is the optimum."""
    found = np.nan if partition is None else game.welfare(partition)
    return optimal if abs(found - optimal) <= slack else found


def _price(optimal: float, stable: float) -> float:
    if np.isnan(stable) or optimal == stable:
        return 1.0 if optimal == stable else np.nan
    if optimal > 0 and stable > 0:
        return optimal / stable
    return stable / optimal if optimal < 0 and stable < 0 else np.inf


def _table(game: HedonicGame, limit: int) -> CoalitionTable:
    refusal = too_large(game, limit)
    if refusal:
        raise NotSolved(f"{METHOD}: {refusal}")
    return CoalitionTable(game)


def _judge(table: CoalitionTable, concept: str, tolerances: Array) -> Judge:
    """Which rows of a batch are stable."""
    if concept in ("core", "strict-core"):
        return lambda batch: ~blocked(table, batch, concept == "strict-core", tolerances)
    if concept == "rational":
        if not can_be_alone(table.game):
            raise NotSolved(f"{METHOD}: {NOBODY_ALONE}")
        return lambda batch: np.all(loner_regrets(table, batch) <= tolerances, axis=1)
    objections = harm(table, concept, tolerances)
    return lambda batch: np.all(switch_regrets(table, batch, objections) <= tolerances, axis=1)


def _passing(table: CoalitionTable, judge: Judge) -> tuple[int, list[Positions]]:
    looked = 0
    found: list[Positions] = []
    for batch in table.batches():
        looked += len(batch.slots)
        found.extend(batch.slots[judge(batch)])
    return looked, found


def _undominated(table: CoalitionTable, tolerances: Array) -> tuple[int, list[Positions]]:
    batches = list(table.batches())
    slots, utilities = (np.concatenate(parts) for parts in list(zip(*batches, strict=True))[::2])
    return len(slots), list(slots[~dominated(utilities, tolerances)])


def _best(scored: Iterator[tuple[Positions, Array]]) -> tuple[Partition | None, float]:
    """The first row with the highest score; nan is no score."""
    found, best = None, -np.inf
    for slots, scores in scored:
        row = int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
        if scores[row] > best:
            found, best = Partition(slots[row]), float(scores[row])
    return found, best
