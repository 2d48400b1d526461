"""Switching, step by step, for any hedonic game: the definition that every quicker engine has to reproduce.

An engine is a function `follow(game, start, rules, limit, seed) -> Path`. Two engines given the same arguments make the
same switches in the same order, as far as their values are the same float64 numbers. The rules, so exactly:

**Candidates.** Those of player i are `game.targets(partition, i)` without its own slot: slots in index order, `OUT`
last; of several empty slots that are not labelled only the lowest. A candidate's value is its entry of
`game.values(partition, i)`, and its gain that value less the player's present one.

**Allowed** is a candidate that passes each of these:

1. its gain is greater than `tolerances[i]`; nan is not;
2. those whom `permission` asks let the player switch (`_permission.permitted`, with `tolerances`);
3. where `history`: the player never joined that coalition. A coalition is the set of all its members, the player
   included, and, if slots are labelled, its slot. Noted are the coalition in which each player starts and each that it
   joins; a coalition that others make of it by coming or going is not. To be alone in a slot is a coalition like any
   other; to be `OUT` is none, is never noted and never barred;
4. where `welfare`: `game.welfare` after the switch, less that before, is greater than the largest of `tolerances`.

**Choice.** With `best`, the allowed candidate of the highest value; else the first allowed one. Candidates are read in
index order and a running best is kept: a higher value replaces it, an equal one does not. Where `random_ties`, the c-th
of equals does (c >= 2; the one that set the value is the first) if a draw mod c is 0. Equal means equal as float64. A
candidate that is not allowed is passed over and causes no draw.

**Order.** In a sweep the players look in turn; who finds an allowed candidate switches at once, and the next one looks.

- "fixed": 0, 1, ..., n-1.
- "random": a list 0, 1, ..., n-1, new in every sweep, shuffled from the top: for k = n-1 down to 1, entry k changes
  places with entry (a draw mod (k+1)).
- "most-gain": a sweep is one turn in which all look and one switches. Candidates of all players are read, player by
  player in index order, with gains in place of values; `best` or not makes no difference.

A sweep in which nobody switched ends the path as "stable". In the fixed order an engine may as well stop after n turns
in a row without a switch.

**Draws** are the outputs of splitmix64 (Steele, Lea and Flood 2014) whose state begins as `seed`. For n below 2^32 the
remainders favour no number by more than 2^-32.

**Limit.** The path ends as "limit" when an allowed switch has been chosen and `limit` switches have been made; that
switch is not made. So a path of exactly `limit` switches may end as "stable".

**Cycles** are looked for where nothing random and no history is in the rules. The state after a switch is the slots of
all players and the player whose turn is next, (i + 1) mod n in the fixed order, 0 in "most-gain". It determines all
that follows. By Brent's method a checkpoint is kept: at first the start, with player 0 next, and later the state after
switch 1, 3, 7, 15, ... After every switch the state is first compared to the checkpoint, then, if the switch is
numbered so, becomes it. Where they are equal, the path ends as "cycle", of as many switches as were made since the
checkpoint. A cycle of length L that is entered after m switches is found by switch 2 max(m, L) + L, and memory is that
of one state and the log. With randomness a repetition proves nothing, and with the history there are none. Slots are
compared even where they are not labelled, for ties go by their numbers: the same coalitions in other slots are another
state.

**Termination.** With `history` every path is finite: a player joins each coalition at most once, and there are at most
capacity * 2^(n-1) for it; `OUT` is never left but for a coalition, so it goes there at most once more than it joins
one. With `welfare` every path is finite: the float64 number `game.welfare` strictly increases along it, so that no
partition occurs twice. Other paths end where the game has a potential, at a cycle, or at the limit.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from solvers.core import Array, Positions
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._permission import permitted

ORDERS: Final = ("fixed", "random", "most-gain")
_WORD: Final = 2**64 - 1
_GAMMA: Final = 0x9E3779B97F4A7C15  # splitmix64's step, 2^64 over the golden ratio


@dataclass(frozen=True, eq=False)
class Rules:
    """Who may switch where, and who is first; the module says how each is read. `tolerances` is (players,)."""

    best: bool
    order: str
    permission: str
    history: bool
    welfare: bool
    random_ties: bool
    tolerances: Array

    @property
    def deterministic(self) -> bool:
        """Whether slots and turn determine all that follows."""
        return self.order != "random" and not self.random_ties and not self.history


@dataclass(frozen=True, eq=False)
class Path:
    """Where an engine ended, and the log of its switches, one entry each.

    The last `cycle_length` switches are the cycle, where it `ended` with one.
    """

    slots: Positions
    players: Positions
    sources: Positions
    targets: Positions
    gains: Array
    ended: Literal["stable", "cycle", "limit"]
    cycle_length: int = 0


def follow(game: HedonicGame, start: Partition, rules: Rules, limit: int, seed: int) -> Path:
    """The path of switches from `start`, at most `limit` of them; the module says which."""
    walk = _Walk(game, start, rules, seed)
    switched = True
    while switched:  # each time but the last at least one of `limit` switches is made
        switched = False
        for lookers, following in walk.sweep():
            move = walk.choice(lookers)
            if move is None:
                continue
            if len(walk.gains) == limit:
                return walk.path("limit")
            walk.make(move)
            switched = True
            if walk.repeats(following):
                return walk.path("cycle", walk.since)
    return walk.path("stable")


class _Move(NamedTuple):
    """A candidate; `worth` is what it is compared by."""

    player: int
    target: int
    gain: float
    worth: float


class _Walk:
    """A path so far: the partition, what players remember, the log, and the checkpoint."""

    def __init__(self, game: HedonicGame, start: Partition, rules: Rules, seed: int) -> None:
        self.game, self.rules, self.partition = game, rules, start
        self.draws = splitmix64(seed)
        self.columns = array("q"), array("q"), array("q")  # player, source and target of each switch
        self.gains = array("d")
        self.joined = {self._coalition(i, j) for i, j in enumerate(start.slots.tolist()) if rules.history and j != OUT}
        self.checkpoint, self.since, self.span = (start, 0), 0, 1
        self._sum: float | None = None  # of all utilities, once it is needed

    def sweep(self) -> Iterator[tuple[Iterable[int], int]]:
        """Who looks at each turn, and whose turn is next."""
        n = self.game.players
        if self.rules.order == "most-gain":
            yield range(n), 0
            return
        order = list(range(n))
        if self.rules.order == "random":
            for k in range(n - 1, 0, -1):
                other = next(self.draws) % (k + 1)
                order[k], order[other] = order[other], order[k]
        for player in order:
            yield (player,), (player + 1) % n

    def choice(self, lookers: Iterable[int]) -> _Move | None:
        """The switch to make, if there is one."""
        by_gain = self.rules.order == "most-gain"
        first = not (self.rules.best or by_gain)
        chosen, best, equals = None, -np.inf, 0
        for move in self._gaining(lookers, by_gain):
            beaten = move.worth < best or (move.worth == best and not self.rules.random_ties)
            if beaten or not self._allowed(move):
                continue
            equals = equals + 1 if move.worth == best else 1
            if equals == 1 or next(self.draws) % equals == 0:
                chosen, best = move, move.worth
            if first:
                break
        return chosen

    def _gaining(self, lookers: Iterable[int], by_gain: bool) -> Iterator[_Move]:
        """The candidates that are gains, in order."""
        for player in lookers:
            values = self.game.values(self.partition, player).tolist()
            place = int(self.partition.slots[player])
            for target in self.game.targets(self.partition, player):
                gain = values[target] - values[place]  # the entry of OUT is the last, and OUT is -1
                if target != place and gain > self.rules.tolerances[player]:
                    yield _Move(player, target, gain, gain if by_gain else values[target])

    def _allowed(self, move: _Move) -> bool:
        rules, player, target = self.rules, move.player, move.target
        if rules.history and target != OUT and self._coalition(player, target) in self.joined:
            return False
        if not permitted(self.game, self.partition, player, target, rules.permission, rules.tolerances):
            return False
        return not rules.welfare or self._improves(self.partition.moved(player, target))

    def _improves(self, partition: Partition) -> bool:
        if self._sum is None:
            self._sum = self.game.welfare(self.partition)
        return self.game.welfare(partition) - self._sum > float(np.max(self.rules.tolerances))

    def _coalition(self, player: int, slot: int) -> tuple[int, int | None, bytes]:
        """What `player` remembers of being in `slot`: the slot, if it matters, and the members, a bit each."""
        inside = self.partition.slots == slot
        inside[player] = True
        return player, slot if self.game.labelled else None, np.packbits(inside).tobytes()

    def make(self, move: _Move) -> None:
        """Lets the player switch, and notes it."""
        source = int(self.partition.slots[move.player])
        for column, entry in zip(self.columns, (move.player, source, move.target), strict=True):
            column.append(entry)
        self.gains.append(move.gain)
        if self.rules.history and move.target != OUT:
            self.joined.add(self._coalition(move.player, move.target))
        self.partition = self.partition.moved(move.player, move.target)
        self._sum = None

    def repeats(self, following: int) -> bool:
        """Whether the state is that of the checkpoint; it becomes the checkpoint at switch 1, 3, 7, 15, ..."""
        if not self.rules.deterministic:
            return False
        state = self.partition, following
        self.since += 1
        if state == self.checkpoint:
            return True
        if self.since == self.span:
            self.checkpoint, self.since, self.span = state, 0, 2 * self.span
        return False

    def path(self, ended: Literal["stable", "cycle", "limit"], cycle_length: int = 0) -> Path:
        """What an engine returns."""
        players, sources, targets = (np.array(column, dtype=np.intp) for column in self.columns)
        gains = np.array(self.gains, dtype=np.float64)
        return Path(self.partition.slots, players, sources, targets, gains, ended, cycle_length)


def splitmix64(seed: int) -> Iterator[int]:
    """The outputs of splitmix64, without end, each in 0..2^64-1.

    References
    ----------
    Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.

    Examples
    --------
    >>> hex(next(splitmix64(0)))
    '0xe220a8397b1dcdaf'
    """
    state = seed
    while True:
        state = (state + _GAMMA) & _WORD
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        yield mixed ^ (mixed >> 31)
