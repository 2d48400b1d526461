"""Who is with whom: a partition of the players into coalition slots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from solvers.core import InvalidGame, Positions

OUT = -1  # the slot of a player who is in no coalition


class Partition:
    """A slot for every player: `slots`, (players,), read-only; `Partition.OUT`, which is -1, for who is in none.

    Slots are labels. In a game with labelled slots the label matters; elsewhere only who shares one, and `canonical`
    numbers them in order of their first members.

    Raises
    ------
    InvalidGame
        If `slots` is not one-dimensional, empty, or not of integers from `OUT` up.

    Examples
    --------
    >>> partition = Partition([0, 1, 0])
    >>> partition.coalitions
    ((0, 2), (1,))
    >>> partition.moved(2, 1)
    Partition([0, 1, 1])
    """

    __slots__ = ("slots",)

    OUT: ClassVar[int] = OUT
    slots: Positions

    def __init__(self, slots: npt.ArrayLike) -> None:
        given = np.asarray(slots)
        if given.ndim != 1 or not given.size:
            raise InvalidGame(f"slots must be (players,) with at least one player, got shape {given.shape}")
        if given.dtype.kind not in "iu":
            raise InvalidGame(f"slots must be integers, got {given.dtype}")
        if given.max() > np.iinfo(np.intp).max:
            raise InvalidGame(f"slots must be whole numbers of 63 bits, got {given.max()}")
        placed = np.array(given, dtype=np.intp)
        if placed.min() < OUT:
            raise InvalidGame(f"slots must be >= 0, or {OUT} for a player in none, got {placed.min()}")
        placed.flags.writeable = False
        object.__setattr__(self, "slots", placed)

    @classmethod
    def from_coalitions(cls, coalitions: Iterable[Iterable[int]], players: int) -> Partition:
        """The partition with the given coalitions, the j-th in slot j; players in none are out.

        Raises
        ------
        InvalidGame
            If a player is not in 0..players-1, or in two coalitions.

        Examples
        --------
        >>> Partition.from_coalitions([[0, 2], [1]], players=3)
        Partition([0, 1, 0])
        """
        slots = np.full(players, OUT, dtype=np.intp)
        for j, members in enumerate(coalitions):
            for player in members:
                if not 0 <= player < players:
                    raise InvalidGame(f"partition: players are numbered 0 to {players - 1}, got {player}")
                if slots[player] != OUT:
                    raise InvalidGame(f"partition: a player is in one coalition only, got player {player} in two")
                slots[player] = j
        return cls(slots)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a partition never changes; use moved(player, slot), got {name} = {value}")

    def __len__(self) -> int:
        return len(self.slots)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partition) and np.array_equal(self.slots, other.slots)

    def __hash__(self) -> int:
        return hash(self.slots.tobytes())

    def __repr__(self) -> str:
        return f"Partition({self.slots.tolist()})"

    def __reduce__(self) -> tuple[type[Partition], tuple[list[int]]]:
        return Partition, (self.slots.tolist(),)

    @property
    def coalitions(self) -> tuple[tuple[int, ...], ...]:
        """The members of slot 0, 1, ... up to the last that is used; empty slots between them are empty tuples."""
        found: list[list[int]] = [[] for _ in range(int(self.slots.max()) + 1)]
        for player, slot in enumerate(self.slots.tolist()):
            if slot != OUT:
                found[slot].append(player)
        return tuple(map(tuple, found))

    @property
    def canonical(self) -> Partition:
        """The same coalitions in slots 0, 1, ... in order of their first members; who is out stays out."""
        inside = self.slots != OUT
        _, first, labels = np.unique(self.slots[inside], return_index=True, return_inverse=True)
        ranks = np.empty(len(first), dtype=np.intp)
        ranks[np.argsort(first)] = np.arange(len(first))
        slots = np.full(len(self), OUT, dtype=np.intp)
        slots[inside] = ranks[labels]
        return Partition(slots)

    def members(self, slot: int) -> Positions:
        """The players in `slot`, in order."""
        return np.flatnonzero(self.slots == slot)

    def moved(self, player: int, slot: int) -> Partition:
        """The partition after `player` has gone to `slot`."""
        slots = self.slots.copy()
        slots[player] = slot
        return Partition(slots)
