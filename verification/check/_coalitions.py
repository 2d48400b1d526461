"""What players of a hedonic game get, where they are and after one of them has moved, from the numbers of a file."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import flint

from verification.check._document import Node
from verification.check._numbers import ZERO, Real, rational
from verification.check._partition import Frame, Partition, is_player
from verification.check._verdict import BadCertificate

PLAYERS = 1_000_000
DENSE = 5_000  # players of a game in which everybody is somebody's friend or enemy
PAIRWISE = ("additively-separable", "fractional", "best", "worst")
FRIENDS = ("friends", "enemies")
COMMON = ("kind", "title", "players", "slots", "heads")
Rows: TypeAlias = list[dict[int, flint.fmpq]]


class Situation(abc.ABC):
    """A partition of a game, and what a move of one player changes in it, worked out afresh from the game's numbers."""

    def __init__(self, frame: Frame, partition: Partition) -> None:
        self.frame = frame
        self.partition = partition

    @abc.abstractmethod
    def present(self, player: int) -> Real:
        """What the player gets where it is."""

    @abc.abstractmethod
    def moves(self, player: int) -> Iterator[tuple[int, Real]]:
        """Each other place where the player may go, and what it gets there; one stands for places that are alike."""

    @abc.abstractmethod
    def joined(self, member: int, player: int) -> Real:
        """What the member gets after `player` has come to its coalition."""

    @abc.abstractmethod
    def left(self, member: int, player: int) -> Real:
        """What the member gets after `player` has left its coalition."""


Settle: TypeAlias = Callable[[Partition], Situation]


def situations(game: Node) -> tuple[Frame, Settle, list[flint.fmpq]]:
    """Who plays the game, what makes a partition a situation, and the range of what each player can get."""
    kind = game.text("kind")
    if kind in PAIRWISE or kind in FRIENDS:
        frame, rows = _pairwise(game, kind)
        rule = "additively-separable" if kind in FRIENDS else kind
        return frame, lambda partition: _Pairwise(frame, partition, rows, rule), [_spread(row, rule) for row in rows]
    if kind == "anonymous":
        game.only((*COMMON, "values"))
        values = game.matrix("values")
        frame = frame_of(game, len(values))
        if len(values[0]) != frame.players:
            game.refuse("values must be square", f"{len(values)} rows of {len(values[0])}")
        return frame, lambda partition: _Anonymous(frame, partition, values), [max(row) - min(row) for row in values]
    from verification.check import _labelled

    return _labelled.situations(game)


def frame_of(game: Node, rows: int | None, *, slots: int | None = None, has_out: bool = False) -> Frame:
    """Who plays, from the common keys; `rows` is how many players the tables are for, `slots` how many of labels."""
    count, names = rows, None
    if isinstance(game.found.get("players"), list | tuple):
        names = tuple(map(str, game.items("players")))
        count = len(names)
    elif "players" in game:
        count = game.count("players", PLAYERS)
    if count is None or (rows is not None and count != rows):
        game.refuse(f"players must be {rows}, as many as the tables have rows", count)
    if not 1 <= count <= PLAYERS:
        game.refuse(f"players must be 1 to {PLAYERS:,}", count)
    given = game.count("slots", PLAYERS) if "slots" in game else slots
    if slots is not None and given != slots:
        game.refuse(f"slots must be the columns of base, {slots}", given)
    heads = tuple(game.items("heads")) if "heads" in game else ()
    known = all(is_player(head, count) for head in heads)
    if heads and (not known or len(heads) != given or len(set(heads)) < len(heads)):
        game.refuse("heads must be one player for each slot", str(heads)[:60])
    room = given if given is None or slots is not None else min(given, count)  # more slots than players are not needed
    return Frame(names or tuple(map(str, range(count))), room, heads, has_out, slots is not None)


# --- games of what players are to each other ---


def _pairwise(game: Node, kind: str) -> tuple[Frame, Rows]:
    """Who plays, and of each player what it gets from others, zeros left out."""
    key = "friends" if kind in FRIENDS else "weights"
    game.only((*COMMON, key, "edges"))
    if (key in game) == ("edges" in game):
        game.refuse(f"there must be either {key} or edges", "both" if key in game else "neither")
    if key in game:
        table = game.matrix(key)
        frame = frame_of(game, len(table))
        if len(table[0]) != len(table):
            game.refuse(f"{key} must be square", f"{len(table)} rows of {len(table[0])}")
        rows = [{k: weight for k, weight in enumerate(row) if weight != 0} for row in table]
    else:
        frame = frame_of(game, None)
        rows = _edges(game, frame.players, valued=kind not in FRIENDS)
    loops = [i for i, row in enumerate(rows) if i in row]
    if loops:
        game.refuse("nobody values itself, so the diagonal must be 0", f"player {loops[0]}")
    return frame, _friendly(game, rows, kind) if kind in FRIENDS else rows


def _edges(game: Node, players: int, *, valued: bool) -> Rows:
    rows: Rows = [{} for _ in range(players)]
    for number, edge in enumerate(game.items("edges")):
        where = f"{game.where}.edges[{number}]"
        if not isinstance(edge, list | tuple) or len(edge) != 2 + valued:
            raise BadCertificate(f"{where}: must be a list of {2 + valued}, got {str(edge)[:60]}")
        if not all(is_player(end, players) for end in edge[:2]):
            raise BadCertificate(f"{where}: players are numbered 0 to {players - 1}, got {str(edge[:2])[:60]}")
        if edge[1] in rows[edge[0]]:
            raise BadCertificate(f"{where}: an edge must stand once, got {edge[0]} to {edge[1]} again")
        rows[edge[0]][edge[1]] = rational(where, edge[2]) if valued else flint.fmpq(1)
    return [{k: weight for k, weight in row.items() if weight != 0} for row in rows]


def _friendly(game: Node, rows: Rows, kind: str) -> Rows:
    """The weights of friends and enemies: n and -1, or by aversion to enemies 1 and -n."""
    n = len(rows)
    if n > DENSE:
        game.refuse(f"a game of friends and enemies must have at most {DENSE:,} players", n)
    if any(weight != 1 for row in rows for weight in row.values()):
        game.refuse("friends must be 0 or 1", "another number")
    liking, dislike = (flint.fmpq(n), flint.fmpq(-1)) if kind == "friends" else (flint.fmpq(1), flint.fmpq(-n))
    return [{k: liking if k in row else dislike for k in range(n) if k != i} for i, row in enumerate(rows)]


def _worth(rule: str, weights: Sequence[flint.fmpq], others: int) -> flint.fmpq:
    """What a player gets with `others` other members, of whom some have `weights` and the rest are worth nothing."""
    if rule == "additively-separable":
        return sum(weights, ZERO)
    if rule == "fractional":
        return sum(weights, ZERO) / (others + 1)
    known = [*weights, ZERO] if len(weights) < others or not others else weights
    return max(known) if rule == "best" else min(known)


def _spread(row: dict[int, flint.fmpq], rule: str) -> flint.fmpq:
    """The range of what a player can get."""
    up, down = ([w for w in row.values() if w > 0], [w for w in row.values() if w < 0])
    if rule == "additively-separable":
        return sum(up, ZERO) - sum(down, ZERO)
    return max(up, default=ZERO) - min(down, default=ZERO)


class _Pairwise(Situation):
    """A situation in a game of weights: sums, means, best or worst of what the other members are worth."""

    def __init__(self, frame: Frame, partition: Partition, rows: Rows, rule: str) -> None:
        super().__init__(frame, partition)
        self.rows, self.rule, slots = rows, rule, partition.slots
        self.near = [{k: w for k, w in row.items() if slots[k] == slots[i]} for i, row in enumerate(rows)]
        self.now = [_worth(rule, list(near.values()), self._others(i)) for i, near in enumerate(self.near)]

    def _others(self, player: int) -> int:
        return len(self.partition.groups[self.partition.slots[player]]) - 1

    def present(self, player: int) -> Real:
        return self.now[player]

    def moves(self, player: int) -> Iterator[tuple[int, Real]]:
        slots, groups = self.partition.slots, self.partition.groups
        known: dict[int, list[flint.fmpq]] = {}
        for k, weight in self.rows[player].items():
            known.setdefault(slots[k], []).append(weight)
        for j, weights in known.items():
            if j != slots[player]:
                yield j, _worth(self.rule, weights, len(groups[j]))
        if self.now[player] < 0:  # a coalition of strangers, or an empty one, is worth 0
            for j, group in enumerate(groups):
                if j not in known and j != slots[player] and (group or j == self.partition.empty):
                    yield j, ZERO

    def joined(self, member: int, player: int) -> Real:
        weight, others = self.rows[member].get(player, ZERO), self._others(member)
        if self.rule == "additively-separable":
            return self.now[member] + weight
        if self.rule == "fractional":
            return (self.now[member] * (others + 1) + weight) / (others + 2)
        choose = max if self.rule == "best" else min
        return choose(self.now[member], weight) if others else weight

    def left(self, member: int, player: int) -> Real:
        weight, others = self.rows[member].get(player, ZERO), self._others(member)
        if self.rule == "additively-separable":
            return self.now[member] - weight
        if self.rule == "fractional":
            return (self.now[member] * (others + 1) - weight) / others
        return _worth(self.rule, [w for k, w in self.near[member].items() if k != player], others - 1)


class _Anonymous(Situation):
    """A situation in a game where a player cares for the size of its coalition only."""

    def __init__(self, frame: Frame, partition: Partition, values: list[list[flint.fmpq]]) -> None:
        super().__init__(frame, partition)
        self.values = values

    def _size(self, player: int) -> int:
        return len(self.partition.groups[self.partition.slots[player]])

    def present(self, player: int) -> Real:
        return self.values[player][self._size(player) - 1]

    def moves(self, player: int) -> Iterator[tuple[int, Real]]:
        for j, group in enumerate(self.partition.groups):
            if j != self.partition.slots[player] and (group or j == self.partition.empty):
                yield j, self.values[player][len(group)]

    def joined(self, member: int, player: int) -> Real:  # noqa: ARG002 - whoever it is
        return self.values[member][self._size(member)]

    def left(self, member: int, player: int) -> Real:  # noqa: ARG002 - whoever it is
        return self.values[member][self._size(member) - 2]
