"""Partitions in JSON: read as the start of the dynamics, written as an answer that can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvers._documents import FilePath, file_name, parsed_json, read_text
from solvers._messages import quoted
from solvers.core import InvalidGame
from solvers.hedonic._document import Document
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._json import BYTES, has_names
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import OUT, Partition

ANSWER = ("status", "method", "partition", "out", "stability", "cycle", "cycle_start", "certificate", "stats")
SHAPE = "it must be a list of coalitions, each a list of players, or an object with the key partition"


def load_partition(path: FilePath, game: HedonicGame) -> Partition:
    """The partition of the game's players in a JSON file: a list of coalitions, or an answer of the command.

    Raises
    ------
    InvalidGame
        If the file cannot be read, or does not hold a partition that the game admits.
    """
    return parse_partition(read_text(path, largest=BYTES), game, name=file_name(path))


def parse_partition(text: str, game: HedonicGame, *, name: str = "json") -> Partition:
    """The partition that a JSON text describes, the j-th coalition in slot j; `name` is what errors call the text.

    It is a list of coalitions, each a list of players, by number or by name; or an object with that list at the key
    `partition` and, where the game has that choice, a list of those who are out at the key `out`. Who is in neither is
    out.

    Raises
    ------
    InvalidGame
        If it does not describe a partition of the players, or not one that the game admits.

    Examples
    --------
    >>> from solvers.hedonic._anonymous import AnonymousGame
    >>> game = AnonymousGame([[0, 1], [0, 1]], names=["Ann", "Bob"])
    >>> parse_partition('[["Ann"], ["Bob"]]', game)
    Partition([0, 1])
    >>> parse_partition('[["Ann", 0], ["Bob"]]', game)
    Traceback (most recent call last):
    ...
    solvers.core.InvalidGame: json: a player must be in one coalition only, got `Ann` in slots 0 and 0
    """
    found = parsed_json(text, name)
    document = Document(name, found if isinstance(found, dict) else {"partition": found})
    document.refuse_unknown(document.found, ANSWER, "a partition")
    coalitions, out = document["partition"], document.get("out", [])
    if not isinstance(coalitions, list) or not all(isinstance(coalition, list) for coalition in coalitions):
        document.refuse(SHAPE, coalitions)
    if not isinstance(out, list):
        document.refuse("out must be a list of players", out)
    partition = Partition(_slots(_Players(name, game), coalitions, out))
    try:
        return game.admitted(partition)
    except InvalidGame as problem:
        raise InvalidGame(f"{name}: {problem}") from None


class _Players(Document):
    """A document about the players of a game that is already there."""

    def __init__(self, name: str, game: HedonicGame) -> None:
        super().__init__(name, {})
        self.__dict__.update(names=game.names if has_names(game) else (), players=game.players)
        self.__dict__["numbers"] = {name: i for i, name in enumerate(game.names)}  # names such as "0" too
        self.game = game

    def called(self, player: int) -> str:
        """The player as it is called in messages."""
        return quoted(self.names[player]) if self.names else f"player {player}"


def _slots(players: _Players, coalitions: Sequence[list[Any]], out: list[Any]) -> list[int]:
    game = players.game
    if len(coalitions) > game.capacity:
        rule = f"{players.name}: there must be at most {game.capacity} coalitions, slots 0 to {game.capacity - 1}"
        raise InvalidGame(f"{rule}, got {len(coalitions)}")
    if out and not game.has_out:
        players.refuse("nobody may be out in this game, so out must be empty", out)
    slots: list[int | None] = [None] * game.players
    for j, members in [*enumerate(coalitions), (OUT, out)]:
        for member in members:
            player = players.player("out" if j == OUT else f"slot {j}", member)
            if slots[player] is not None:
                where = " and ".join("out" if k == OUT else str(k) for k in (slots[player], j))
                rule = f"{players.name}: a player must be in one coalition only, got {players.called(player)}"
                raise InvalidGame(f"{rule} in slots {where}")
            slots[player] = j
    missing = [i for i, slot in enumerate(slots) if slot is None]
    if missing and not game.has_out:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        rule = f"{players.name}: every player must be in a coalition"
        raise InvalidGame(f"{rule}, {players.called(missing[0])}{more} is in none")
    return [OUT if slot is None else slot for slot in slots]


def called(game: HedonicGame) -> Sequence[int | str]:
    """What files call the players: by their names, or by number where they have none."""
    return game.names if has_names(game) else range(game.players)


def listed(game: HedonicGame, partition: Partition, *, as_it_is: bool = False) -> list[list[int | str]]:
    """The members of each slot, as files call them.

    The slots of a labelled game or of one with heads are all there and in order. Of other games the coalitions are in
    order of their first members, unless they are wanted `as_it_is`, with the slots they have.
    """
    kept = distinguished(game)
    groups = (partition if kept or as_it_is else partition.canonical).coalitions
    names = called(game)
    missing = game.capacity - len(groups) if kept else 0
    return [[names[i] for i in group] for group in groups] + [[] for _ in range(missing)]
