"""Players, coalitions and deviations in words for people and as values for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from solvers._documents import json_value
from solvers._messages import one_line
from solvers.hedonic._core import default_limit
from solvers.hedonic._deviation import TITLES, Deviation, NotDecided
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._listing import distinguished, number_of_coalitions
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._placing import called, listed
from solvers.hedonic._potential import Potential

NAME = 24  # characters of a player's name
MEMBERS = 12  # players named in one place
READABLE = 10**12  # numbers below are written in full
WAYS = {
    "nash": "by deviating",
    "individual": "by a switch that those joined allow",
    "contractual": "by a switch that those joined and left allow",
    "contractual-nash": "by a switch that those left allow",
}


@dataclass(frozen=True)
class Asked:
    """By which rules players were to switch, or that all partitions were to be searched."""

    permission: str = "nash"
    history: bool = False
    welfare: bool = False
    exact: bool = False

    @property
    def way(self) -> str:
        """By which switches nobody gains in a stable partition."""
        return WAYS[self.permission]

    def convergence(self, known: Potential | None) -> str | None:
        """Whether runs by these rules end, why, and where; None where there are no runs."""
        if self.exact:
            return None
        if self.welfare:
            return f"every run ends: each switch raises the sum of utilities; {_not_always(self.permission)}"
        if self.history:
            return f"every run ends: nobody joins a coalition twice; {_not_always(self.permission)}"
        if self.permission == "contractual":
            why = "with each switch somebody gains and nobody loses, so the sum of utilities rises"
            return f"every run ends, {TITLES[self.permission]}: {why}; {_not_always('nash')}"
        if known is None:
            return "no potential is known for this game, so switches may cycle"
        if self.permission == "nash":
            return known.theorem
        why = "each switch raises a potential of this game"
        return f"every run ends, {TITLES[self.permission]}: {why}; {_not_always('nash')}"


def _not_always(permission: str) -> str:
    return f"where it ends is not always {TITLES[permission]}"


class Words:
    """What the players of a game and their coalitions in `partition` are called."""

    def __init__(self, game: HedonicGame, partition: Partition) -> None:
        self.game = game
        self.partition = partition
        self.called = called(game)  # for files

    def player(self, i: int) -> str:
        """A player by name, or by number."""
        return one_line(str(self.called[i]), NAME)

    def subject(self, i: int) -> str:
        """A player where a sentence is about it."""
        return self.player(i) if isinstance(self.called[i], str) else f"player {i}"

    def group(self, players: Iterable[int]) -> str:
        """A set of players, the first of them by name."""
        return "{" + shortened([self.player(i) for i in players]) + "}"

    def slot(self, slot: int) -> str:
        """A slot as tables show it."""
        return "out" if slot == OUT else str(slot)

    def joining(self, slot: int) -> str:
        """What it is to go to a slot."""
        if slot == OUT:
            return "by being in no coalition"
        there = self.partition.members(slot)
        if distinguished(self.game):
            return f"by going to slot {slot}, {'to ' + self.group(there.tolist()) if len(there) else 'which is empty'}"
        return f"by joining {self.group(there.tolist())}" if len(there) else "by being alone"

    def deviation(self, found: Deviation) -> str:
        """Who gains how much, and by what."""
        gains = [f"{gain:.6g}" for gain in found.gains]
        if found.outcome is not None:
            better = shortened([self.group(members) for members in found.outcome.coalitions if members])
            who = shortened([f"{self.subject(i)} {gain}" for i, gain in zip(found.players, gains, strict=True)])
            return f"nobody loses and these gain, {who}, in {better}"
        if found.concept in ("core", "strict-core") and found.target != OUT:
            where = "" if found.target is None else f" in slot {found.target}"
            if len(found.players) == 1:
                return f"{self.subject(found.players[0])} gains {gains[0]} by being alone{where}"
            return f"{self.group(found.players)} gain {shortened(gains)} by being a coalition{where}"
        way = "by being alone" if found.target is None else self.joining(found.target)
        return f"{self.subject(found.players[0])} gains {gains[0]} {way}"

    def reason(self, concept: str, verdict: NotDecided) -> str:
        """Why nothing was decided, without the names of Python's options."""
        wanted, limit = number_of_coalitions(self.game), default_limit(self.game)
        if concept in ("core", "strict-core") and wanted > limit:
            number = f"{wanted:,}" if wanted < READABLE else f"about 2^{wanted.bit_length() - 1}"
            return f"too many coalitions to look at: {number}, the limit is {limit:,}"
        return verdict.reason

    # --- for scripts -----------------------------------------------------------------------------------------------

    def deviation_json(self, found: Deviation) -> dict[str, Any]:
        """The same for scripts."""
        shown: dict[str, Any] = {
            "players": [self.called[i] for i in found.players],
            "gains": json_value(found.gains),
        }
        if found.target is not None:
            shown["to"] = slot_json(found.target)
            if found.concept not in ("core", "strict-core"):
                there = [] if found.target == OUT else self.partition.members(found.target).tolist()
                shown["members"] = [self.called[i] for i in there]  # whom it would join
        if found.outcome is not None:
            shown["partition"] = listed(self.game, found.outcome)
        return shown


def slot_json(slot: int) -> int | str:
    """A slot's number, or `out`."""
    return "out" if slot == OUT else int(slot)


def shortened(words: Sequence[str]) -> str:
    """The first of the words, and how many more there are."""
    more = f" and {len(words) - MEMBERS:,} more" if len(words) > MEMBERS else ""
    return ", ".join(words[:MEMBERS]) + more


def counted(count: int, one: str, many: str = "") -> str:
    """So many of them."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
