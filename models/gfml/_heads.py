"""Who leads a coalition: Algorithm 1 of the dual-game paper, lines 8 to 13, and the rules of its rivals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from solvers._arrays import finite
from solvers.core import Array, InvalidGame, Mask, Positions
from solvers.hedonic import Partition

OUT = Partition.OUT


def reputable_heads(
    partition: Partition,
    reputations: npt.ArrayLike,
    deadlines: npt.ArrayLike,
    *,
    coalitions: int,
    eligible: Mask | None = None,
) -> Positions:
    """The head of each coalition, (coalitions,): a good reputation and a strict deadline.

    The member with the greatest R (1 − (T − T̄)/(T̄ − T̲)), where T̄ and T̲ are the longest and the shortest deadline of
    the coalition: the factor is 1 for the longest and 2 for the shortest, and 1 for all where they are equal. A
    negative reputation is divided by it, so that a strict deadline is no disadvantage. Equal scores go to the stricter
    deadline, then to the first. `reputations` and `deadlines` are (players,).

    `eligible`, (players,), says who may be head, by default everybody; where no member may, it is one of them all the
    same. For a coalition without members the head is taken among the players in no coalition, else among those of the
    largest coalition who are not heads, again those who may before the others.

    Raises
    ------
    InvalidGame
        If a shape does not fit, a number is not finite, or there are more coalitions than players.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, Algorithm 1, lines 8 to 13, with argmax for max in line 11. The
    printed factor is 0/0 where all deadlines are equal.

    Examples
    --------
    >>> reputable_heads(Partition([0, 0, 1, 1]), [1.0, 1.5, 1.0, 1.5], [12.0, 20.0, 12.0, 13.0], coalitions=2)
    array([0, 2])
    """
    scores, waits = _columns(partition, coalitions, reputations, deadlines)
    return _chosen(partition, coalitions, eligible, lambda members: _best(members, scores, waits))


def fastest_heads(
    partition: Partition, deadlines: npt.ArrayLike, *, coalitions: int, eligible: Mask | None = None
) -> Positions:
    """The head of each coalition, (coalitions,): the member with the shortest deadline; otherwise `reputable_heads`.

    Examples
    --------
    >>> fastest_heads(Partition([0, 0, 1, 1]), [12.0, 20.0, 13.0, 12.0], coalitions=2)
    array([0, 3])
    """
    (waits,) = _columns(partition, coalitions, deadlines)
    return _chosen(partition, coalitions, eligible, lambda members: int(members[np.argmin(waits[members])]))


def random_heads(
    partition: Partition, *, coalitions: int, rng: np.random.Generator, eligible: Mask | None = None
) -> Positions:
    """The head of each coalition, (coalitions,): any member; otherwise `reputable_heads`.

    Examples
    --------
    >>> random_heads(Partition([0, 1, 1]), coalitions=2, rng=np.random.default_rng(0)).tolist()
    [0, 2]
    """
    _columns(partition, coalitions)
    return _chosen(partition, coalitions, eligible, lambda members: int(rng.choice(members)))


def _best(members: Positions, reputations: Array, deadlines: Array) -> int:
    own = deadlines[members]
    span = own.max() - own.min()
    factor = 1 + (own.max() - own) / span if span > 0 else np.ones(len(own))
    known = reputations[members]
    scores = np.where(known < 0, known / factor, known * factor)
    return int(members[np.lexsort((members, own, -scores))[0]])


def _chosen(
    partition: Partition, coalitions: int, eligible: Mask | None, choose: Callable[[Positions], int]
) -> Positions:
    """The choice among each coalition's candidates; those with members choose first, so that they keep their own."""
    players = len(partition)
    allowed = np.ones(players, dtype=bool) if eligible is None else np.array(eligible, dtype=bool)
    if allowed.shape != (players,):
        raise InvalidGame(f"eligible must be ({players},), got shape {allowed.shape}")
    free, heads = np.ones(players, dtype=bool), np.full(coalitions, OUT, dtype=np.intp)
    own = np.array([np.any(partition.slots == j) for j in range(coalitions)])
    for j in np.argsort(~own, kind="stable"):
        group = _group(partition.slots, free, int(j))
        heads[j] = choose(np.flatnonzero(group & allowed if np.any(group & allowed) else group))
        free[heads[j]] = False
    return heads


def _group(slots: Positions, free: Mask, j: int) -> Mask:
    """Of those who lead no other coalition: its members, else who is outside, else the largest coalition's."""
    for group in (slots == j, slots == OUT):
        if np.any(group & free):
            return np.asarray(group & free)
    sizes = np.bincount(slots[slots != OUT])
    sizes[np.bincount(slots[free], minlength=len(sizes)) == 0] = 0
    return np.asarray(free & (slots == np.argmax(sizes)))


def _columns(partition: Partition, coalitions: int, *columns: npt.ArrayLike) -> list[Array]:
    players = len(partition)
    if not 1 <= coalitions <= players:
        raise InvalidGame(f"coalitions must be in 1 to {players}, the number of players, got {coalitions}")
    if partition.slots.max() >= coalitions:
        raise InvalidGame(f"slots must be below {coalitions}, the number of coalitions, got {partition.slots.max()}")
    found = [finite(name, column, (1,)) for name, column in zip(("reputations", "deadlines"), columns, strict=False)]
    for column in found:
        if column.shape != (players,):
            raise InvalidGame(f"reputations and deadlines must be ({players},), got shape {column.shape}")
    return found
