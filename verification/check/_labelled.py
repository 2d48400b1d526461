"""Labelled coalition slots: shares of a prize by size and speed, pay by reputation, from the numbers of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import flint

from verification.check._coalitions import COMMON, Settle, Situation, frame_of
from verification.check._document import Node
from verification.check._numbers import ZERO, Real, ball
from verification.check._partition import OUT, Frame, Partition

LABELLED = (*COMMON, "base", "weights", "sizes", "reputation", "speeds", "outside")
REPUTATION = ("values", "pay", "threshold", "floor", "shared", "peaks")
SPEEDS = ("values", "lowest", "highest")
Table = list[list[flint.fmpq]]


def situations(game: Node) -> tuple[Frame, Settle, list[flint.fmpq]]:
    """Who plays the game, what makes a partition a situation, and the range of what each player can get."""
    game.only(LABELLED)
    base = game.matrix("base")
    frame = frame_of(game, len(base), slots=len(base[0]), has_out="outside" in game)
    numbers = _read(game, frame, base)
    return frame, lambda partition: _Labelled(frame, partition, numbers), _ranges(numbers)


@dataclass(frozen=True)
class _Reputation:
    """Reputations by player and slot, or by player alone, and what they are worth."""

    values: Table
    pay: flint.fmpq
    threshold: flint.fmpq
    floor: flint.fmpq
    shared: bool
    peaks: list[flint.fmpq] | None


@dataclass(frozen=True)
class _Numbers:
    """The game: tables by player and slot, or with one column for all slots."""

    base: Table
    weights: Table
    sizes: list[flint.fmpq]
    outside: list[flint.fmpq] | None
    reputation: _Reputation | None
    speeds: Table | None  # own, lowest, highest


@dataclass(frozen=True)
class _Group:
    """What matters of a coalition in a slot: its number and size, the range of speeds, the peak, what it pays for."""

    count: int
    size: flint.fmpq
    low: flint.fmpq | None
    high: flint.fmpq | None
    peak: flint.fmpq | None
    standing: Real


class _Labelled(Situation):
    """A situation in a labelled game: base + weight · pace · size / total size + the reputation's term."""

    def __init__(self, frame: Frame, partition: Partition, numbers: _Numbers) -> None:
        super().__init__(frame, partition)
        self.numbers = numbers
        self.worths: dict[tuple[flint.fmpq, flint.fmpq | None], Real] = {}
        self.groups = [self._group(j, members) for j, members in enumerate(partition.groups)]

    def present(self, player: int) -> Real:
        j = self.partition.slots[player]
        return self._outside(player) if j == OUT else self._value(player, j, self.groups[j])

    def moves(self, player: int) -> Iterator[tuple[int, Real]]:
        here = self.partition.slots[player]
        for j, group in enumerate(self.groups):
            if j != here:
                yield j, self._value(player, j, self._with(j, group, player))
        if self.numbers.outside is not None and here != OUT:
            yield OUT, self._outside(player)

    def joined(self, member: int, player: int) -> Real:
        j = self.partition.slots[member]
        return self._value(member, j, self._with(j, self.groups[j], player))

    def left(self, member: int, player: int) -> Real:
        j = self.partition.slots[member]
        return self._value(member, j, self._group(j, [k for k in self.partition.groups[j] if k != player]))

    def _outside(self, player: int) -> Real:
        given = self.numbers.outside
        return ZERO if given is None else given[player]

    def _value(self, player: int, j: int, group: _Group) -> Real:
        """What the player gets in slot j as one of the group."""
        numbers = self.numbers
        share = _at(numbers.weights, player, j) * numbers.sizes[player] / group.size
        if numbers.speeds is not None and group.low is not None and group.high is not None:
            share *= (numbers.speeds[0][player] - group.low) / (group.high - group.low)
        found = numbers.base[player][j] + share
        paid = numbers.reputation
        if paid is None:
            return found
        if paid.shared:
            return ball(found) + ball(paid.pay) * group.standing / group.count
        return ball(found) + ball(paid.pay) * self._worth(_at(paid.values, player, j), group.peak)

    def _group(self, j: int, members: Sequence[int]) -> _Group:
        """What matters of the members in slot j, from each of them."""
        numbers, paid = self.numbers, self.numbers.reputation
        low = high = peak = None
        if numbers.speeds is not None and members:
            low, high = min(numbers.speeds[1][k] for k in members), max(numbers.speeds[2][k] for k in members)
        if paid is not None and (members or paid.peaks is not None):
            peak = max(_at(paid.values, k, j) for k in members) if paid.peaks is None else paid.peaks[j]
        size = sum((numbers.sizes[k] for k in members), ZERO)
        return _Group(len(members), size, low, high, peak, self._standing(j, members, peak))

    def _with(self, j: int, group: _Group, player: int) -> _Group:
        """What matters of the group in slot j with one more member."""
        numbers, paid = self.numbers, self.numbers.reputation
        if not group.count:
            return self._group(j, [player])
        low, high, peak, standing = group.low, group.high, group.peak, group.standing
        if numbers.speeds is not None and low is not None and high is not None:
            low, high = min(low, numbers.speeds[1][player]), max(high, numbers.speeds[2][player])
        if paid is not None and peak is not None:
            own = _at(paid.values, player, j)
            higher = own if paid.peaks is None and own > peak else peak
            before = self._standing(j, self.partition.groups[j], higher) if higher != peak else standing
            peak, standing = higher, before + self._worth(own, higher) if paid.shared else ZERO
        return _Group(group.count + 1, group.size + numbers.sizes[player], low, high, peak, standing)

    def _standing(self, j: int, members: Sequence[int], peak: flint.fmpq | None) -> Real:
        """The sum of what the members' reputations are worth, where all are paid alike."""
        paid = self.numbers.reputation
        if paid is None or not paid.shared:
            return ZERO
        return sum((self._worth(_at(paid.values, k, j), peak) for k in members), flint.arb(0))

    def _worth(self, reputation: flint.fmpq, peak: flint.fmpq | None) -> Real:
        """H of a reputation in a coalition with this peak, equations (11) and (12) of the dual-game paper."""
        key = reputation, peak
        if key not in self.worths:
            self.worths[key] = self._worth_of(reputation, peak)
        return self.worths[key]

    def _worth_of(self, reputation: flint.fmpq, peak: flint.fmpq | None) -> Real:
        paid = self.numbers.reputation
        if paid is None or peak is None:
            raise AssertionError("a reputation is only asked for where there is one")
        above, floor = reputation - paid.threshold, ball(paid.floor)
        if above < 0:
            return floor * ball(above).exp()
        if peak <= paid.threshold:
            return floor
        growth = flint.arb(1).exp() - 1
        return floor + (1 - floor) * (growth * ball(above / (peak - paid.threshold))).log1p()


def _at(table: Table, player: int, j: int) -> flint.fmpq:
    """The entry for a player in slot j; one column serves all slots."""
    row = table[player]
    return row[j] if len(row) > 1 else row[0]


# --- reading ---


def _read(game: Node, frame: Frame, base: Table) -> _Numbers:
    players, slots = frame.players, len(base[0])
    sizes = game.vector("sizes", players)
    if not all(size > 0 for size in sizes):
        game.refuse("sizes must be positive", str(min(sizes)))
    outside = None
    if "outside" in game:
        single = not isinstance(game["outside"], list | tuple)
        outside = [game.number("outside")] * players if single else game.vector("outside", players)
    weights = _table(game, "weights", players, slots)
    reputation = _reputation(game.node("reputation"), players, slots) if "reputation" in game else None
    speeds = _speeds(game.node("speeds"), players) if "speeds" in game else None
    return _Numbers(base, weights, sizes, outside, reputation, speeds)


def _table(node: Node, key: str, players: int, slots: int) -> Table:
    """A table by player and slot, or a list by player as one of one column."""
    given = node.items(key)
    nested = bool(given) and isinstance(given[0], list | tuple)
    table = node.matrix(key, slots) if nested else [[value] for value in node.vector(key, players)]
    if len(table) != players:
        node.refuse(f"{key} must have a row for each of {players} players", len(table))
    return table


def _reputation(node: Node, players: int, slots: int) -> _Reputation | None:
    node.only(REPUTATION)
    values = _table(node, "values", players, slots)
    pay, threshold = node.number("pay"), node.number("threshold")
    floor = node.number("floor") if "floor" in node else flint.fmpq(1, 2)
    peaks = node.vector("peaks", slots) if "peaks" in node else None
    shared = node.truth("shared", True)
    if not 0 <= floor <= 1:
        node.refuse("floor must be in [0, 1]", str(floor))
    if peaks is not None and any(_at(values, k, j) > peaks[j] for k in range(players) for j in range(slots)):
        node.refuse("no value may be above its slot's peak", str(max(map(max, values))))
    return _Reputation(values, pay, threshold, floor, shared, peaks) if pay != 0 else None


def _speeds(node: Node, players: int) -> Table:
    node.only(SPEEDS)
    own, low, high = (node.vector(key, players) for key in SPEEDS)
    for k in range(players):
        if not (low[k] <= own[k] <= high[k] and low[k] < high[k]):
            node.refuse("lowest <= value <= highest and lowest < highest must hold", f"player {k}")
    return [own, low, high]


def _ranges(numbers: _Numbers) -> list[flint.fmpq]:
    """A bound on the range of what each player can get in the places that it may come to prefer.

    A place that is worse, whoever is there, than another is at the worst does not count.
    """
    pay = ZERO if numbers.reputation is None else numbers.reputation.pay
    found = []
    for i, row in enumerate(numbers.base):
        least, most = [], []
        for j, value in enumerate(row):
            weight = _at(numbers.weights, i, j)
            least.append(value + min(weight, ZERO) + min(pay, ZERO))
            most.append(value + max(weight, ZERO) + max(pay, ZERO))
        if numbers.outside is not None:
            least.append(numbers.outside[i])
            most.append(numbers.outside[i])
        sure = max(least)
        found.append(max(most) - min(low for low, high in zip(least, most, strict=True) if high >= sure))
    return found
