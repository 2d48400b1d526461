"""Hedonic games for tests and benchmarks: drawn ones of every class, and known counterexamples.

Each drawing function takes the number of players and a random generator; the same generator state gives the same game.
`FAMILIES` has those that need nothing else, by name. The counterexamples take nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from models.gfml import coalition_game
from solvers.core import Array
from solvers.hedonic import (
    AdditivelySeparableGame,
    AnonymousGame,
    BestWorstGame,
    FractionalGame,
    HedonicGame,
    LabelledGame,
    Reputation,
    Speeds,
    friends_and_enemies,
)

Family: TypeAlias = Callable[[int, Generator], HedonicGame]

THRESHOLD, FLOOR = 0.5, 0.5  # of reputations: R_th and γ of the dual-game paper


# --- games of weights ------------------------------------------------------------------------------------------------


def integer_weights(n: int, rng: Generator, *, top: int = 10) -> AdditivelySeparableGame:
    """An additively separable game of independent integer weights from −`top` to `top`: most have no stable partition.

    Examples
    --------
    >>> integer_weights(3, np.random.default_rng(0)).players
    3
    """
    return AdditivelySeparableGame(_integers(n, rng, top), title=f"integer weights, −{top}..{top}")


def symmetric_weights(n: int, rng: Generator, *, top: int = 10) -> AdditivelySeparableGame:
    """An additively separable game in which any two players get the same integer from each other.

    Examples
    --------
    >>> symmetric_weights(5, np.random.default_rng(0)).symmetric
    True
    """
    upper = np.triu(_integers(n, rng, top))
    return AdditivelySeparableGame(upper + upper.T, title=f"symmetric weights, −{top}..{top}")


def sparse_weights(
    n: int, rng: Generator, *, degree: float = 4.0, top: int = 10, slots: int | None = None
) -> AdditivelySeparableGame:
    """An additively separable game in which a player knows `degree` others on average, with integer weights.

    Nothing of size n² is built.

    Examples
    --------
    >>> game = sparse_weights(10_000, np.random.default_rng(0))
    >>> 30_000 < len(game.data) < 40_000
    True
    """
    from scipy.sparse import coo_array

    known = round(n * degree) if n > 1 else 0
    rows = rng.integers(0, n, known)
    columns = (rows + rng.integers(1, max(n, 2), known)) % n  # never the player itself
    weights = coo_array((rng.integers(-top, top + 1, known).astype(np.float64), (rows, columns)), shape=(n, n))
    return AdditivelySeparableGame(weights.tocsr(), slots=slots, title=f"sparse weights, degree {degree:g}")


def fractional(n: int, rng: Generator, *, top: int = 10) -> FractionalGame:
    """A fractional game of independent integer weights from −`top` to `top`.

    Examples
    --------
    >>> fractional(3, np.random.default_rng(0)).players
    3
    """
    return FractionalGame(_integers(n, rng, top), title=f"fractional, −{top}..{top}")


def best_member(n: int, rng: Generator, *, top: int = 10) -> BestWorstGame:
    """A game in which a coalition is worth as much as its best member, by integer weights.

    Examples
    --------
    >>> best_member(3, np.random.default_rng(0)).worst
    False
    """
    return BestWorstGame(_integers(n, rng, top), worst=False, title=f"best member, −{top}..{top}")


def worst_member(n: int, rng: Generator, *, top: int = 10) -> BestWorstGame:
    """A game in which a coalition is worth as much as its worst member, by integer weights.

    Examples
    --------
    >>> worst_member(3, np.random.default_rng(0)).worst
    True
    """
    return BestWorstGame(_integers(n, rng, top), worst=True, title=f"worst member, −{top}..{top}")


def friends(n: int, rng: Generator, *, chance: float = 0.4, aversion: bool = False) -> AdditivelySeparableGame:
    """A game of friends and enemies in which each player calls each other one a friend by `chance`.

    Examples
    --------
    >>> sorted(set(friends(6, np.random.default_rng(0)).data.tolist()))
    [-1.0, 6.0]
    """
    calls = (rng.random((n, n)) < chance) & ~np.eye(n, dtype=bool)
    return friends_and_enemies(calls, aversion=aversion, title="friends and enemies")


def anonymous(n: int, rng: Generator, *, top: int = 10) -> AnonymousGame:
    """An anonymous game in which each player values each size by an integer from −`top` to `top`.

    Examples
    --------
    >>> anonymous(3, np.random.default_rng(0)).values_by_size.shape
    (3, 3)
    """
    return AnonymousGame(rng.integers(-top, top + 1, (n, n)), title=f"anonymous, −{top}..{top}")


def _integers(n: int, rng: Generator, top: int) -> Array:
    weights = rng.integers(-top, top + 1, (n, n)).astype(np.float64)
    np.fill_diagonal(weights, 0.0)
    return weights


# --- labelled games --------------------------------------------------------------------------------------------------


def learners(
    n: int,
    rng: Generator,
    *,
    slots: int = 4,
    incentive: float = 5.0,
    pay: float = 5.0,
    frequency: float = 0.3,
    spread: float = 0.15,
    shared: bool = True,
    heads: bool = True,
) -> LabelledGame:
    """A coalition game of the dual-game paper: n learners, the first of whom head the `slots`.

    The amounts of data are lognormal (standard deviation 0.2 of the logarithm), reputations uniform on [0, 2] with the
    threshold 0.5, similarities normal around 0.75 with standard deviation `spread`, cut to [−1, 1], and frequencies
    normal around `frequency` with a tenth of it as standard deviation, cut to [0, 1]. A head is similar to itself by 1.
    Where the pay is not `shared`, each learner is paid for its own reputation, against the highest of all.

    Examples
    --------
    >>> game = learners(36, np.random.default_rng(0))
    >>> game.slots, game.heads, game.reputation.pay
    (4, (0, 1, 2, 3), 5.0)
    """
    alike = np.clip(rng.normal(0.75, spread, (n, slots)), -1.0, 1.0)
    if heads:
        alike[np.arange(slots), np.arange(slots)] = 1.0
    data, standing = rng.lognormal(0.0, 0.2, n), rng.uniform(0.0, 2.0, n)
    peaks = None if shared else np.full(slots, standing.max())
    return coalition_game(
        alike,
        data,
        incentive,
        frequency=np.clip(rng.normal(frequency, frequency / 10, n), 0.0, 1.0),
        reputation=Reputation(standing, pay=pay, threshold=THRESHOLD, floor=FLOOR, shared=shared, peaks=peaks),
        heads=range(slots) if heads else (),
        title=f"learners, {slots} heads" if heads else f"learners, {slots} slots",
    )


def labelled(n: int, rng: Generator, *, slots: int = 3) -> LabelledGame:
    """A labelled game with everything: prizes, own frequency limits, reputations by slot, an outside, no heads.

    Examples
    --------
    >>> game = labelled(5, np.random.default_rng(0))
    >>> game.slots, game.has_out
    (3, True)
    """
    low, width = rng.uniform(1.0, 2.0, n), rng.uniform(1.0, 2.0, n)
    return LabelledGame(
        rng.normal(0.0, 1.0, (n, slots)),
        weights=rng.uniform(0.0, 5.0, (n, slots)),
        sizes=rng.lognormal(0.0, 0.5, n),
        reputation=Reputation(rng.uniform(0.0, 2.0, (n, slots)), pay=3.0, threshold=THRESHOLD, floor=FLOOR),
        speeds=Speeds(low + rng.random(n) * width, low, low + width),
        outside=0.0,
        title="labelled, with everything",
    )


# --- counterexamples -------------------------------------------------------------------------------------------------


def chase_and_flee(*, pay: float = 5.0, shared: bool = True) -> LabelledGame:
    """The four-player game without a Nash-stable partition: the paper's Proposition 2 is false.

    Players 0 and 1 head two slots; 2, of low reputation, wants to be with 3, who wants to be where 2 is not. None of
    the four partitions is stable. Without reputation `pay`, or where each is paid for its own (not `shared`, against a
    fixed peak), two are.

    Examples
    --------
    >>> from solvers.hedonic import Partition
    >>> chase_and_flee().utilities(Partition([0, 1, 0, 0])).round(3)
    array([ 8.392, 10.5  ,  8.392,  8.392])
    >>> [chase_and_flee().regrets(Partition([0, 1, *movers])).max().item() > 0.3 for movers in ([0, 0], [0, 1])]
    [True, True]
    """
    values = [1.0, 1.0, 0.1, 1.0]
    peaks = None if shared else [1.0, 1.0]
    return coalition_game(
        np.full((4, 2), 0.8),
        np.ones(4),
        5.0,
        frequency=0.3,
        reputation=Reputation(values, pay=pay, threshold=THRESHOLD, floor=FLOOR, shared=shared, peaks=peaks),
        heads=[0, 1],
        title="chase and flee",
    )


def unequal_data_cycle() -> LabelledGame:
    """Three heads, two movers of unequal data, no reputation pay: improving switches can go round a cycle of six.

    From both movers in slot 0 the movers' slots are (0, 1), (2, 1), (2, 2), (1, 2), (1, 0), (0, 0). The partitions
    (0, 2) and (2, 0) are stable all the same.

    Examples
    --------
    >>> from solvers.hedonic import Partition
    >>> game = unequal_data_cycle()
    >>> [game.regrets(Partition([0, 1, 2, *movers])).max().item() for movers in ([0, 2], [2, 0])]
    [0.0, 0.0]
    """
    similarity = np.zeros((5, 3))
    similarity[:3] = np.eye(3)
    similarity[3], similarity[4] = [0.1023, 0.0791, 0.0], [0.0775, 0.0, 0.0239]
    return coalition_game(
        similarity,
        [0.3, 0.8, 1.0, 2.4, 1.0],
        [8.0, 7.7, 14.1],
        frequency=0.3,
        heads=[0, 1, 2],
        title="unequal data cycle",
    )


def stalker() -> AdditivelySeparableGame:
    """The smallest game without a Nash-stable partition: one wants company, the other does not want that one's.

    References
    ----------
    Bogomolnaia, Jackson: The stability of hedonic coalition structures, Games and Economic Behavior 38, 2002.

    Examples
    --------
    >>> from solvers.hedonic import Partition
    >>> stalker().regrets(Partition([0, 1])), stalker().regrets(Partition([0, 0]))
    (array([1., 0.]), array([0., 1.]))
    """
    return AdditivelySeparableGame([[0, 1], [-1, 0]], title="stalker")


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "integer weights": integer_weights,
        "symmetric weights": symmetric_weights,
        "sparse weights": sparse_weights,
        "fractional": fractional,
        "best member": best_member,
        "worst member": worst_member,
        "friends": friends,
        "anonymous": anonymous,
        "labelled": labelled,
    }
)
"""Families of drawn games, by name."""
