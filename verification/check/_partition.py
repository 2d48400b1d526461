"""Who plays a hedonic game, and its partitions: one that a certificate holds, or all that there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from verification.check._document import Node

OUT = -1  # the place of a player who is in no coalition


@dataclass(frozen=True)
class Frame:
    """Who plays, and where they may be: `slots` are the coalitions there may be, None where they are free in number.

    Slots are `told_apart` where they have labels or heads; `heads`, none or one for each slot, may not move.
    """

    names: tuple[str, ...]
    slots: int | None
    heads: tuple[int, ...]
    has_out: bool
    labelled: bool

    @property
    def players(self) -> int:
        """How many players there are."""
        return len(self.names)

    @property
    def capacity(self) -> int:
        """How many slots can be in use at once."""
        return self.players if self.slots is None else self.slots

    @property
    def told_apart(self) -> bool:
        """Whether it matters which slot a coalition is in."""
        return self.labelled or bool(self.heads)


class Partition:
    """Coalitions in slots: `groups` are their members, `slots` the place of each player."""

    def __init__(self, slots: Sequence[int], capacity: int) -> None:
        self.slots = list(slots)
        self.groups: list[list[int]] = [[] for _ in range(max(capacity, *(j + 1 for j in slots)))]
        for player, j in enumerate(slots):
            if j != OUT:
                self.groups[j].append(player)

    @cached_property
    def empty(self) -> int | None:
        """The first slot that nobody is in."""
        return next((j for j, group in enumerate(self.groups) if not group), None)


def is_player(value: object, players: int) -> bool:
    return type(value) is int and 0 <= value < players


def placed(profile: Node, frame: Frame) -> Partition:
    """The partition that the coalitions make, the j-th one in slot j."""
    profile.only(("partition", "out"))
    slots: list[int | None] = [None] * frame.players
    out = profile.items("out") if "out" in profile else []
    for j, members in [*enumerate(profile.items("partition")), (OUT, out)]:
        if not isinstance(members, list | tuple):
            profile.refuse("partition must be a list of coalitions, each a list of players", members)
        for player in members:
            if not is_player(player, frame.players):
                profile.refuse(f"players are numbered 0 to {frame.players - 1}", player)
            if slots[player] is not None:
                profile.refuse("a player must be in one coalition only", player)
            slots[player] = j
    found = [j for j in slots if j is not None]
    if len(found) < frame.players:
        profile.refuse("everybody must be in a coalition, or out", f"player {slots.index(None)} in none")
    return Partition(found, frame.capacity)


def misplaced(partition: Partition, frame: Frame) -> int:
    """How many players are where they may not be."""
    wrong = [j >= frame.capacity or (j == OUT and not frame.has_out) for j in partition.slots]
    for j, head in enumerate(frame.heads):
        wrong[head] |= partition.slots[head] != j
    return sum(wrong)


def how_many(frame: Frame) -> int:
    """How many feasible partitions there are, those counted once that differ in the numbering of like slots only."""
    movers, choices = frame.players - len(frame.heads), frame.capacity + frame.has_out
    if frame.told_apart:
        return int(choices**movers) if choices < 2 or movers < 64 else 2**64
    counts = [1]  # entry k: ways to place the players so far, with k slots in use
    for _ in range(movers):
        following = [0] * min(len(counts) + 1, frame.capacity + 1)
        for used, ways in enumerate(counts):
            following[used] += (used + frame.has_out) * ways
            if used < frame.capacity:
                following[used + 1] += ways
        counts = following
        if sum(counts) >= 2**64:
            return 2**64
    return sum(counts)


def all_partitions(frame: Frame) -> Iterator[Partition]:
    """Every feasible partition, each once; like slots are numbered in the order of their first members."""
    slots = [OUT] * frame.players
    for j, head in enumerate(frame.heads):
        slots[head] = j
    movers = [i for i in range(frame.players) if i not in set(frame.heads)]

    def extended(place: int, used: int) -> Iterator[Partition]:
        if place == len(movers):
            yield Partition(slots, frame.capacity)
            return
        open_slots = frame.capacity if frame.told_apart else min(used + 1, frame.capacity)
        for j in range(OUT if frame.has_out else 0, open_slots):
            slots[movers[place]] = j
            yield from extended(place + 1, max(used, j + 1))

    return extended(0, 0)
