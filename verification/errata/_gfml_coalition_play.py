"""The coalition game of the dual-game paper in plain Python: equation (10) with (11) and (12) corrected, enumerated.

Small games only. Nothing here is shared with `models.gfml` and `solvers.hedonic`, so that either can be held against
the other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Slots = tuple[int, ...]
"""The slot of each learner."""

Switch = tuple[int, int]
"""Who goes, and where to."""

OUT = -1  # the slot of a learner that is in no coalition
GAIN = 1e-9  # a smaller one is rounding


def standing(own: float, peak: float, threshold: float = 0.5, floor: float = 0.5) -> float:
    """What a reputation is worth, H of (11) and (12) with log(1 + mu), where `peak` is the coalition's highest.

    Examples
    --------
    >>> standing(1.0, 1.0), round(standing(0.1, 1.0), 3), standing(0.5, 0.5)
    (1.0, 0.335, 0.5)
    """
    if own < threshold:
        return floor * math.exp(own - threshold)
    if peak == threshold:
        return floor
    return floor + (1 - floor) * math.log1p((math.e - 1) * (own - threshold) / (peak - threshold))


@dataclass(frozen=True, kw_only=True)
class Game:
    """Learners who choose among coalitions; `similarity` has a row per learner, `prizes` I_comp, `frequency` f.

    Learners listed in `heads` stay, the j-th in slot j. Without `reputations` there is no pay for them; with `own`,
    each learner is paid for its own, and not for the coalition's mean.

    Examples
    --------
    >>> game = Game(similarity=((1, 0), (0, 1), (0.9, 0.8)), data=(1, 1, 2), prizes=(5, 5), frequency=0.3, heads=(0, 1))
    >>> list(game.partitions()), game.utility((0, 1, 0), 2), game.stable((0, 1, 0))
    ([(0, 1, 0), (0, 1, 1)], 5.5, True)
    """

    similarity: tuple[tuple[float, ...], ...]
    data: tuple[float, ...]
    prizes: tuple[float, ...]
    frequency: float
    reputations: tuple[float, ...] = ()
    pay: float = 0.0
    own: bool = False
    cost: float = 0.0
    heads: tuple[int, ...] = ()

    @property
    def learners(self) -> int:
        return len(self.data)

    @property
    def movers(self) -> list[int]:
        """Who may go elsewhere."""
        return [i for i in range(self.learners) if i not in self.heads]

    def utility(self, slots: Slots, i: int) -> float:
        """What learner `i` earns, (10)."""
        j = slots[i]
        if j == OUT:
            return 0.0
        members = [k for k in range(self.learners) if slots[k] == j]
        share = self.data[i] / sum(self.data[k] for k in members)
        reward = (self.similarity[i][j] + self.frequency * share) * self.prizes[j]
        return reward + self.paid([i] if self.own else members, members) - self.cost

    def paid(self, counted: list[int], members: list[int]) -> float:
        """The pay for the mean reputation of those `counted` among the members."""
        if not self.reputations:
            return 0.0
        peak = max(self.reputations[k] for k in members)
        return self.pay * math.fsum(standing(self.reputations[k], peak) for k in counted) / len(counted)

    def utilities(self, slots: Slots) -> tuple[float, ...]:
        """What each learner earns."""
        return tuple(self.utility(slots, i) for i in range(self.learners))

    def gain(self, slots: Slots, i: int, j: int) -> float:
        """What learner `i` gains by going to slot `j`."""
        return self.utility(moved(slots, i, j), i) - self.utility(slots, i)

    def partitions(self) -> Iterator[Slots]:
        """All of them, with the heads in their places."""
        for choice in itertools.product(range(len(self.prizes)), repeat=len(self.movers)):
            slots = list(choice)
            for j, head in enumerate(self.heads):
                slots.insert(head, j)
            yield tuple(slots)

    def switches(self, slots: Slots) -> list[Switch]:
        """Those by which the one who goes gains, Definition 5."""
        others = itertools.product(self.movers, range(len(self.prizes)))
        return [(i, j) for i, j in others if j != slots[i] and self.gain(slots, i, j) > GAIN]

    def stable(self, slots: Slots) -> bool:
        """Whether nobody gains by going elsewhere, Definition 6."""
        return not self.switches(slots)

    def regret(self, slots: Slots) -> float:
        """The most that a learner gains by going elsewhere, or 0."""
        return max((self.gain(slots, i, j) for i, j in self.switches(slots)), default=0.0)

    def welcome(self, slots: Slots, i: int, j: int) -> bool:
        """Whether learner `i` gains by going to slot `j` and nobody there loses."""
        before, after = self.utilities(slots), self.utilities(moved(slots, i, j))
        harmed = any(after[k] < before[k] - GAIN for k in range(self.learners) if slots[k] == j)
        return after[i] > before[i] + GAIN and not harmed

    def individually_stable(self, slots: Slots) -> bool:
        """Whether nobody gains by joining others none of whom loses by that: the standard definition."""
        return not any(self.welcome(slots, i, j) for i in self.movers for j in range(len(self.prizes)) if j != slots[i])


def moved(slots: Slots, i: int, j: int) -> Slots:
    """The partition after learner `i` has gone to slot `j`."""
    return (*slots[:i], j, *slots[i + 1 :])


Permission = Callable[[Slots, Switch], bool]


def sweep(game: Game, slots: Slots, allowed: Permission | None = None) -> Iterator[tuple[Switch, Slots]]:
    """The switches of one round through all learners, each to the best coalition, and the partition after each."""
    for i in game.movers:
        open_to = [j for who, j in game.switches(slots) if who == i]
        better = [(game.gain(slots, i, j), -j) for j in open_to if allowed is None or allowed(slots, (i, j))]
        if better:
            target = -max(better)[1]
            slots = moved(slots, i, target)
            yield (i, target), slots


def play(game: Game, slots: Slots) -> tuple[bool, Slots, int]:
    """Whether switching ends, where it ends or returns to, and after how many switches from there, by sweeps.

    What a sweep does depends on the partition alone, so a partition met before will be met for ever.

    Examples
    --------
    >>> game = Game(similarity=((1, 0), (0, 1), (0.9, 0.8)), data=(1, 1, 2), prizes=(5, 5), frequency=0.3, heads=(0, 1))
    >>> play(game, (0, 1, 1))
    (True, (0, 1, 0), 0)
    """
    met: dict[Slots, int] = {}
    count = 0
    while slots not in met:
        met[slots] = count
        made = list(sweep(game, slots))
        if not made:
            return True, slots, 0
        slots, count = made[-1][1], count + len(made)
    return False, slots, count - met[slots]


def play_with_history(game: Game, slots: Slots) -> Slots:
    """Where switching ends if nobody joins a coalition, that is a slot and members, of which it was one before."""
    joined = {(i, slots[i], company(slots, slots[i])) for i in game.movers}

    def new(now: Slots, switch: Switch) -> bool:
        i, j = switch
        return (i, j, company(moved(now, i, j), j)) not in joined

    while True:
        made = False
        for (i, j), now in sweep(game, slots, new):
            slots = now
            joined.add((i, j, company(slots, j)))
            made = True
        if not made:
            return slots


def company(slots: Slots, j: int) -> frozenset[int]:
    """The members of slot `j`."""
    return frozenset(k for k, slot in enumerate(slots) if slot == j)


def always_ends(game: Game) -> bool:
    """Whether no sequence of improving switches returns to a partition, by removing those that lead nowhere else."""
    leads = {slots: {moved(slots, *switch) for switch in game.switches(slots)} for slots in game.partitions()}
    while ended := {slots for slots, targets in leads.items() if not targets}:
        leads = {slots: targets - ended for slots, targets in leads.items() if slots not in ended}
    return not leads


def round_trip(game: Game, start: Slots, trip: tuple[Switch, ...]) -> float | None:
    """The least gain on a way of switches that returns to its start; None if it does not return.

    Examples
    --------
    >>> game = Game(similarity=((0, 0),), data=(1,), prizes=(1, 1), frequency=0.5)
    >>> round_trip(game, (0,), ((0, 1), (0, 0))), round_trip(game, (0,), ((0, 1),))
    (0.0, None)
    """
    slots, gains = start, []
    for i, j in trip:
        gains.append(game.gain(slots, i, j))
        slots = moved(slots, i, j)
    return min(gains) if slots == start else None
