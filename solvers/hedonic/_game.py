"""The hedonic game: what a player gets in a coalition slot with given members, and what it gains by leaving alone."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from solvers.core import Array, InvalidGame, Mask, Positions
from solvers.hedonic._partition import OUT, Partition

RELATIVE = 1e-9  # of the size of a player's utilities: a gain that is no reason to leave


class HedonicGame(abc.ABC):
    """A game in which a player's utility depends on its slot and on who else is there.

    `players` is their number and `slots` the number of coalition slots, or None where players may always found a
    coalition of their own. `names` are the players' and `title` the game's. Slots of a `labelled` game are not
    interchangeable. `heads`, empty or one player per slot, may not leave their slots. Where `has_out`, a player may be
    in no slot at all.

    A subclass gives `utility`, the definition. `utilities`, `values`, `best_moves` and `coalition_values` follow from
    it; a subclass replaces them where it has a faster way, never by what a solver maintains.
    """

    concept: ClassVar[str] = "Nash-stable"
    labelled: bool = False

    players: int
    slots: int | None
    heads: tuple[int, ...]
    has_out: bool
    title: str
    names: tuple[str, ...]

    @abc.abstractmethod
    def utility(self, player: int, slot: int, members: Sequence[int] | Positions) -> float:
        """What `player` gets in `slot` with `members`, sorted, itself among them; in `OUT` it is the only member."""

    @abc.abstractmethod
    def magnitudes(self) -> Array:
        """The size of each player's utilities, (players,), which a tolerance is to be measured against."""

    def coalition_values(self, player: int, slot: int, among: Mask | None = None) -> Array:
        """What `player` gets in `slot` with each coalition that can be there, (2**movers,), nan where it is not in.

        Coalition c is the slot's head, if it has one, and the b-th of the players who may move for each bit b of c. All
        of them are asked for their `utility`, or those `among` which c is true, (2**movers,); a subclass that has a
        faster way may give the others, too, and the values may differ from `utility` by rounding.
        """
        movers, head = np.flatnonzero(self.movable).tolist(), self.heads[slot : slot + 1]
        found = np.full(2 ** len(movers), np.nan)
        for coalition in range(len(found)) if among is None else np.flatnonzero(among).tolist():
            members = members_of(coalition, movers, head)
            if player in members:
                found[coalition] = self.utility(player, slot, members)
        return found

    @property
    def capacity(self) -> int:
        """How many slots can be in use at once."""
        return self.players if self.slots is None else self.slots

    @property
    def movable(self) -> Mask:
        """Who may leave its slot, (players,), which is all but the heads."""
        free = np.ones(self.players, dtype=bool)
        free[list(self.heads)] = False
        return free

    def infeasibility(self, partition: Partition, /) -> float:
        """How many players are where they may not be: heads away, slots that do not exist, out where none may be."""
        slots = self.checked(partition).slots
        lowest = OUT if self.has_out else 0
        misplaced = (slots < lowest) | (slots >= self.capacity)
        misplaced[list(self.heads)] |= slots[list(self.heads)] != np.arange(len(self.heads))
        return float(np.count_nonzero(misplaced))

    def regrets(self, partition: Partition, /) -> Array:
        """What each player gains by moving alone to the slot that is best for it, (players,), 0 where it stays.

        Raises
        ------
        InvalidGame
            If `partition` has not one slot per player, or is infeasible.
        """
        gains = self.best_moves(partition)[0] - self.utilities(partition)
        return np.where(gains > 0, gains, np.where(np.isnan(gains), np.nan, 0.0))

    def utilities(self, partition: Partition, /) -> Array:
        """What each player gets, (players,)."""
        slots = self.admitted(partition).slots
        groups = {j: partition.members(j) for j in set(slots.tolist()) - {OUT}}
        return np.array(
            [self.utility(i, j, groups[j] if j != OUT else [i]) for i, j in enumerate(slots.tolist())], dtype=np.float64
        )

    def values(self, partition: Partition, player: int, /) -> Array:
        """What `player` gets in each slot if it alone moves there, (capacity + 1,); the last entry is for `OUT`.

        Where it may not go, the value is -inf. Its own slot's entry is its present utility.
        """
        slots = self.admitted(partition).slots
        found = np.full(self.capacity + 1, -np.inf)
        for j in self.targets(partition, player):
            members = np.flatnonzero((slots == j) | (np.arange(self.players) == player)) if j != OUT else [player]
            found[j] = self.utility(player, j, members)
        return found

    def targets(self, partition: Partition, player: int, /) -> list[int]:
        """Where `player` may be after a move of its own, its present slot included.

        Of several empty slots that are not labelled, the first stands for all.
        """
        slots = partition.slots
        if player in self.heads:
            return [int(slots[player])]
        used = np.zeros(self.capacity, dtype=bool)
        used[slots[slots != OUT]] = True
        if not self.labelled:
            empty = np.flatnonzero(~used)[:1]
            used[empty] = True
        open_slots = np.flatnonzero(used | self.labelled).tolist()
        return [*open_slots, OUT] if self.has_out else open_slots

    def best_moves(self, partition: Partition, /) -> tuple[Array, Positions]:
        """Each player's highest value over all places it may go to or stay at, (players,), and the place, (players,).

        Among equal values the present place comes first, then the lowest slot, and `OUT` last.
        """
        slots = self.admitted(partition).slots
        best, places = np.empty(self.players), slots.copy()
        for i in range(self.players):
            values = self.values(partition, i)
            place = int(np.argmax(values))
            if not values[place] <= values[slots[i]]:  # nan, too, is no reason to call a player content
                places[i] = place if place < self.capacity else OUT
            best[i] = values[places[i]]
        return best, places

    def welfare(self, partition: Partition, /) -> float:
        """The sum of all utilities."""
        return float(np.sum(self.utilities(partition)))

    def starting_partition(self) -> Partition:
        """Everybody out, or everybody alone, or dealt to the slots in turn; heads in their slots."""
        slots = np.full(self.players, OUT) if self.has_out else np.arange(self.players) % self.capacity
        slots[list(self.heads)] = np.arange(len(self.heads))
        return Partition(slots)

    def checked(self, partition: Partition) -> Partition:
        """The partition, if it has one slot per player.

        Raises
        ------
        InvalidGame
            If it has not.
        """
        if len(partition) != self.players:
            raise InvalidGame(f"partition must give a slot to {self.players} players, got {len(partition)}")
        return partition

    def admitted(self, partition: Partition) -> Partition:
        """The partition, if it is feasible.

        Raises
        ------
        InvalidGame
            If a player is where it may not be; the message names the first.
        """
        slots = self.checked(partition).slots
        if self.infeasibility(partition):
            for j, head in enumerate(self.heads):
                if slots[head] != j:
                    raise InvalidGame(f"partition: head {head} must be in slot {j}, got slot {slots[head]}")
            lowest = OUT if self.has_out else 0
            wrong = int(np.flatnonzero((slots < lowest) | (slots >= self.capacity))[0])
            where = "no coalition" if slots[wrong] == OUT else f"slot {slots[wrong]}"
            rule = f"every player must be in a slot of 0 to {self.capacity - 1}" + (" or out" if self.has_out else "")
            raise InvalidGame(f"partition: {rule}, got player {wrong} in {where}")
        return partition


def members_of(coalition: int, movers: Sequence[int], head: Sequence[int]) -> tuple[int, ...]:
    """Who is in a coalition, in order: the head, and the movers at the places of its bits.

    Examples
    --------
    >>> members_of(0b101, movers=[0, 2, 3], head=[1])
    (0, 1, 3)
    """
    inside = [i for b, i in enumerate(movers) if coalition >> b & 1]
    return tuple(sorted([*head, *inside]) if head else inside)


def gain_tolerance(game: HedonicGame, tolerance: float | Array | None = None) -> Array:
    """The gain that is no reason to leave, (players,): `tolerance`, or 1e-9 of the size of each player's utilities.

    Raises
    ------
    InvalidGame
        If it is not finite and at least 0, or not one number and not one per player.
    """
    allowed = RELATIVE * game.magnitudes() if tolerance is None else np.asarray(tolerance, dtype=np.float64)
    if allowed.shape not in ((), (game.players,)):
        raise InvalidGame(f"tolerance must be a number or ({game.players},), got shape {allowed.shape}")
    if not (np.all(np.isfinite(allowed)) and np.all(allowed >= 0)):
        raise InvalidGame(f"tolerance must be finite and >= 0, got {tolerance}")
    return np.broadcast_to(allowed, (game.players,)).copy()
