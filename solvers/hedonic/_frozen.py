"""What games share that are built once and never change: a checked setting, and attributes that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from solvers.core import Array, InvalidGame
from solvers.hedonic._checks import checked_heads, checked_names
from solvers.hedonic._game import HedonicGame

FORBIDDEN = 1e-4  # of a player's range of utilities


class FrozenGame(HedonicGame):
    """A game whose attributes are given to the constructor and cannot be set again; its arrays are read-only.

    Raises
    ------
    InvalidGame
        If `players` is not a whole number >= 1, nor `slots` one or None, or the heads or names do not fit.
    """

    def __init__(
        self,
        players: int,
        *,
        slots: int | None,
        heads: Sequence[int],
        names: Sequence[str],
        title: str,
        has_out: bool = False,
        **data: Any,
    ) -> None:
        count = counted("players", players)
        number = None if slots is None else counted("slots", slots)
        setting = {
            "players": count,
            "slots": number,
            "heads": checked_heads(heads, count, number),
            "has_out": has_out,
            "names": checked_names(names, count),
            "title": title,
        }
        self.__setstate__({**data, **setting})

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for value in state.values():
            if isinstance(value, np.ndarray):  # a pickle forgets what was read-only
                value.flags.writeable = False
        self.__dict__.update(state)

    def known(self, player: int) -> int:
        """The player, if there is one of this number.

        Raises
        ------
        InvalidGame
            If there is not.
        """
        if not 0 <= player < self.players:
            raise InvalidGame(f"player must be 0 to {self.players - 1}, got {player}")
        return player

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a game never changes; build another, got {name} = {value!r:.60}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a game never changes; build another, got del {name}")

    def __repr__(self) -> str:
        places = "free slots" if self.slots is None else f"{self.slots} slots"
        title = f", {self.title!r}" if self.title else ""
        return f"{type(self).__name__}({self.players} players, {places}{title})"


def counted(name: str, value: int) -> int:
    """The value, if it is a whole number of at least one.

    Raises
    ------
    InvalidGame
        If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidGame(f"{name} must be a whole number, got {value!r:.60}")
    if value < 1:
        raise InvalidGame(f"{name} must be >= 1, got {value}")
    return int(value)


def measures(hopes: Array, ranges: Array) -> Array:
    """The sizes of players' utilities, (players,), each positive: what tolerances are measured against.

    That is what a player may hope for, and not less than `FORBIDDEN` of its `ranges`: a number that stands for "never"
    must not make a player blind to all others, but sums that it is in are rounded.
    """
    sizes = np.maximum(hopes, FORBIDDEN * ranges)
    largest = float(np.max(sizes))
    return np.where(sizes > 0, sizes, largest if largest > 0 else 1.0)


def square(name: str, shape: Sequence[int]) -> None:
    """Nothing, if the shape is that of a square table with at least one row.

    Raises
    ------
    InvalidGame
        If it is not.
    """
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InvalidGame(f"{name} must be (players, players), got shape {tuple(shape)}")
    if not shape[0]:
        raise InvalidGame(f"{name} must be (players, players) with at least one player, got shape {tuple(shape)}")
