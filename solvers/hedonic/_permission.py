"""Who is asked when a player switches, and who would lose by it: the one place that knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from solvers.core import Array
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT, Partition

PERMISSIONS: Final = ("nash", "individual", "contractual", "contractual-nash")
_JOINED = ("individual", "contractual")  # the permissions that the members of the joined coalition have to give
_LEFT = ("contractual", "contractual-nash")  # and those that the members of the left one have to give


def asks_joined(permission: str) -> bool:
    """Whether the members of the joined coalition are asked.

    Raises
    ------
    ValueError
        If `permission` is none of `PERMISSIONS`.
    """
    return checked_permission(permission) in _JOINED


def asks_left(permission: str) -> bool:
    """Whether the members of the left coalition are asked.

    Raises
    ------
    ValueError
        If `permission` is none of `PERMISSIONS`.
    """
    return checked_permission(permission) in _LEFT


def checked_permission(permission: str) -> str:
    """The permission, if there is one of that name.

    Raises
    ------
    ValueError
        If it is none of `PERMISSIONS`.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"permission must be one of {', '.join(PERMISSIONS)}, got {permission!r}")
    return permission


def permitted(
    game: HedonicGame, partition: Partition, player: int, target: int, permission: str, tolerances: Array
) -> bool:
    """Whether all who are asked let `player` switch to the slot `target`.

    Under "nash" nobody is asked, under "individual" the members of the joined coalition, under "contractual-nash" those
    of the left one, and under "contractual" both. A member refuses if it loses more than its entry of `tolerances`,
    (players,), or if its loss is nan. In an empty slot, and in `OUT`, there is nobody to ask. Whether the player itself
    gains, and whether it may go there, is not looked at.

    Raises
    ------
    ValueError
        If `permission` is none of these.

    References
    ----------
    Bogomolnaia and Jackson, The stability of hedonic coalition structures, Games Econ. Behav. 38 (2002), section 2, for
    the individual and the contractual kind; Sung and Dimitrov, On myopic stability concepts for hedonic games, Theory
    Decis. 62 (2007), for the contractual Nash kind.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> game = AdditivelySeparableGame([[0, 1], [-1, 0]])  # player 0 seeks player 1, who avoids it
    >>> apart = Partition([0, 1])
    >>> [permitted(game, apart, 0, 1, permission, np.zeros(2)) for permission in ("nash", "individual")]
    [True, False]
    """
    return all(loss <= tolerances[k] for k, loss in losses(game, partition, player, target, permission))


def losses(
    game: HedonicGame, partition: Partition, player: int, target: int, permission: str
) -> Iterator[tuple[int, float]]:
    """Each member that is asked, and what it loses by the switch of `player` to `target`: the joined ones first.

    Raises
    ------
    ValueError
        If `permission` is none of `PERMISSIONS`.
    """
    asked = asks_joined(permission), asks_left(permission)
    source = int(partition.slots[player])
    return iter(()) if source == target else _losses(game, partition, player, (source, target), asked)


def _losses(
    game: HedonicGame, partition: Partition, player: int, way: tuple[int, int], asked: tuple[bool, bool]
) -> Iterator[tuple[int, float]]:
    (source, target), (joined, left) = way, asked
    if joined and target != OUT:
        before = partition.members(target)
        after = np.insert(before, np.searchsorted(before, player), player)
        for k in before.tolist():
            yield k, game.utility(k, target, before) - game.utility(k, target, after)
    if left and source != OUT:
        before = partition.members(source)
        after = before[before != player]
        for k in after.tolist():
            yield k, game.utility(k, source, before) - game.utility(k, source, after)
