"""A partition and how stable it is, or a cycle that can be replayed: tables for people and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from solvers._documents import json_members, json_value
from solvers._tables import Cell, Titled, certificate_json, certificate_sentence, number, show, show_title, titled
from solvers.core import Array, Evidence, Solution, Status
from solvers.hedonic._deviation import TITLES, Deviation, NotDecided
from solvers.hedonic._dynamics import Switch
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._json import kind_of
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._placing import listed
from solvers.hedonic._potential import Potential
from solvers.hedonic._words import Asked, Words, counted, shortened, slot_json

SHOWN = 30  # rows of a table
PIECE = 1_000  # entries in one piece of JSON
SAID = {"reason", "potential", "players", "slots", "welfare"}  # elsewhere in the report
INNER = {"encoding", "variables", "constraints", "cut_off", "searches", "conflicts", "walked", "seconds_to_build"}
UNTOLD = SAID | INNER  # only the JSON has these
CALLED = {
    "starts": "runs",
    "switches": "switches made",
    "exact": "exact search",
    "bound": "no stable welfare above",
    "enumerated": "partitions looked at",
    "method_seconds": "seconds of the method",
    "seconds": "seconds in all",
}
FOUND = {
    "dynamics": "the first run",
    "restart": "a restart",
    "exact": "the exact search",
    "enumeration": "looking at all partitions",
    "nothing": "neither runs nor search",
}
CONTRACT = ("nash", "individual", "contractual", "core")  # concepts that scripts depend on


@dataclass(frozen=True)
class Cycle:
    """Switches that lead from `start` back to it, what each gains by `replay`, and whether all of that is so."""

    start: Partition
    switches: Sequence[Switch]
    gains: Array
    holds: bool


@dataclass(frozen=True)
class Report:
    """What is said about one game: a claim, the partition it comes to, and what was checked of both.

    `certificate` and `stability` are those of `partition`. A claim that
    none exists was confirmed by looking at all partitions, `enumerated` in number, or where that is 0, it was not.
    `unstable` is what the partition is called if it is not stable; `origin` what found it, if that was not the run that
    pictures show.
    """

    file: str
    game: HedonicGame
    claim: Solution[Partition]
    asked: Asked
    partition: Partition
    unstable: str
    origin: str
    certificate: Evidence
    stability: Mapping[str, Deviation | NotDecided | None]
    cycle: Cycle | None
    potential: Potential | None
    enumerated: int
    seconds: float

    @property
    def status(self) -> Status:
        """The claim's status, or that it failed its check."""
        refuted = self.certificate.holds is (self.claim.status is Status.NONE_EXISTS)
        refuted = refuted and self.claim.status in (Status.SOLVED, Status.NONE_EXISTS)
        if refuted or (self.cycle is not None and not self.cycle.holds):
            return Status.FAILED
        return self.claim.status

    @property
    def stands(self) -> bool:
        """Whether there is a stable partition, and it is certified."""
        return self.status is Status.SOLVED

    @property
    def problem(self) -> str:
        """Why the answer does not stand, in one sentence."""
        if self.cycle is not None and not self.cycle.holds:
            return f"{self.claim.method}: the cycle does not lead back to its start by gains alone"
        if self.status is Status.FAILED and self.claim.status is Status.SOLVED:
            return f"{self.claim.method}: the partition is not stable"
        if self.status is Status.FAILED and self.claim.status is Status.NONE_EXISTS:
            return f"{self.claim.method}: a stable partition exists, against what was claimed"
        reason = self.claim.stats.get("reason")
        return f"{self.claim.method}: {self._came_to()}" + (f" ({reason})" if reason else "")

    def _came_to(self) -> str:
        """The claim's status, in the words of this command."""
        if self.claim.status is Status.NONE_EXISTS:
            return f"no partition is {self.certificate.concept}"
        if self.claim.status is Status.STUCK:
            hint = " or decide with --exact" if self.asked.permission in ("nash", "individual") else ""
            return f"the rules allow no further switch, but some player would gain by one; drop a rule{hint}"
        return self.claim.status.value

    # --- JSON ------------------------------------------------------------------------------------------------------

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        yield "{" + json_members({"status": self.status.name.lower(), "method": self.claim.method}) + ',\n"partition": '
        yield from _array(listed(self.game, self.partition))
        if self.game.has_out:
            yield ',\n"out": '
            yield from _array([self._words.called[i] for i in self.partition.members(OUT).tolist()], "")
        yield ",\n" + json_members({"stability": self._stability_json()}) + ',\n"cycle": '
        yield from _array(self._cycle_json())
        yield ',\n"cycle_start": '
        yield from ["null"] if self.cycle is None else _array(listed(self.game, self.cycle.start, as_it_is=True))
        evidence = certificate_json(self.certificate)
        yield ",\n" + json_members({"certificate": evidence, "stats": self._stats()}) + "}\n"

    def _stability_json(self) -> dict[str, Any]:
        found = {concept: self._verdict_json(concept, verdict) for concept, verdict in self.stability.items()}
        return {concept: found[concept] for concept in (*CONTRACT, *found) if concept in found}

    def _verdict_json(self, concept: str, verdict: Deviation | NotDecided | None) -> dict[str, Any]:
        if isinstance(verdict, NotDecided):
            reason = self._words.reason(concept, verdict)
            return {"holds": None, "regret": None, "deviation": None, "reason": reason}
        if verdict is None:
            return {"holds": True, "regret": 0.0, "deviation": None}
        return {"holds": False, "regret": json_value(verdict.gain), "deviation": self._words.deviation_json(verdict)}

    def _cycle_json(self) -> list[dict[str, Any]]:
        if self.cycle is None:
            return []
        gains = json_value(self.cycle.gains)
        return [
            {"player": self._words.called[i], "from": slot_json(source), "to": slot_json(target), "gain": gain}
            for (i, source, target, _), gain in zip(self.cycle.switches, gains, strict=True)
        ]

    def _stats(self) -> dict[str, Any]:
        timed = {"seconds": "method_seconds"}  # those of the whole command are added below
        stats = {timed.get(name, name): json_value(value) for name, value in self._plain_stats()}
        known = self.potential
        return {
            **stats,
            "players": self.game.players,
            "slots": self.game.slots,
            "welfare": json_value(np.sum(self._utilities)),
            "potential": None if known is None else {"kind": known.kind, "theorem": known.theorem},
            **({"enumerated": self.enumerated} if self.enumerated else {}),
            "seconds": self.seconds,
        }

    def _plain_stats(self) -> Iterator[tuple[str, Any]]:
        """The claim's, partitions as lists."""
        for name, value in self.claim.stats.items():
            yield name.replace(" ", "_"), listed(self.game, value) if isinstance(value, Partition) else value

    # --- tables ----------------------------------------------------------------------------------------------------

    @cached_property
    def _words(self) -> Words:
        return Words(self.game, self.partition)

    @cached_property
    def _utilities(self) -> Array:
        return self.game.utilities(self.partition)

    def print(self, console: Console) -> None:
        """The game's size, the partition, its stability, the cycle, how they were found, and the certificate."""
        show_title(console, self.game.title or self.file)
        console.print(Text(self._size()))
        show(console, *self._coalitions())
        show(console, *self._stability())
        if self.cycle is not None:
            show(console, *self._cycle(self.cycle))
            console.print(Text(self._cycle_start(self.cycle)), soft_wrap=True)
        show(console, *self._how())
        console.print(self._verdict())

    def _size(self) -> str:
        game = self.game
        kind = "labelled" if game.labelled else "like"
        slots = "coalitions free in number" if game.slots is None else counted(game.slots, f"{kind} slot")
        heads = f", with {counted(len(game.heads), 'head')}" if game.heads else ""
        out = ", or out" if game.has_out else ""
        return f"{kind_of(game)}: {counted(game.players, 'player')}, {slots}{heads}{out}"

    def _coalitions(self) -> Titled:
        groups = [(str(j), members) for j, members in enumerate(_groups(self.game, self.partition))]
        used = sum(bool(members) for _, members in groups)
        if self.game.has_out:
            groups.append(("out", tuple(self.partition.members(OUT).tolist())))
        shown = sorted(groups, key=lambda group: -len(group[1]))[:SHOWN] if len(groups) > SHOWN else groups
        rows = [(slot, f"{len(members):,}", *self._members(members)) for slot, members in shown]
        which = "The stable partition" if self.certificate.holds else self.unstable
        hidden = f"; the {SHOWN} largest are shown, all are in the JSON (--json)" if len(groups) > SHOWN else ""
        title = f"{which}: {counted(used, 'coalition')}, welfare {number(float(np.sum(self._utilities)))}{hidden}"
        return titled(title, ["slot", "size", "members", "utilities", "mean"], rows)

    def _members(self, members: Sequence[int]) -> tuple[str, str, str]:
        """Their names, utilities and mean utility."""
        if not members:
            return "", "", ""
        utilities = self._utilities[list(members)]
        first = [f"{self._words.player(i)} (head)" if i in self.game.heads else self._words.player(i) for i in members]
        return shortened(first), shortened([f"{value:.6g}" for value in utilities]), f"{np.mean(utilities):.6g}"

    def _stability(self) -> Titled:
        rows = [(TITLES[concept], *self._said(concept, verdict)) for concept, verdict in self.stability.items()]
        return titled("Stability of this partition", ["", "", "because"], rows)

    def _said(self, concept: str, verdict: Deviation | NotDecided | None) -> tuple[Cell, Cell]:
        if verdict is None:
            return Text("holds", "green"), ""
        if isinstance(verdict, NotDecided):
            return "not decided", self._words.reason(concept, verdict)
        return Text("fails", "red"), self._words.deviation(verdict)

    def _cycle(self, cycle: Cycle) -> Titled:
        words, current, rows = Words(self.game, cycle.start), cycle.start, []
        for k, (i, source, target, _) in enumerate(cycle.switches[:SHOWN]):
            current = current.moved(i, target)
            there = words.group(current.members(target).tolist()) if target != OUT else ""
            gain = f"{cycle.gains[k]:.6g}"
            rows.append((str(k + 1), words.player(i), words.slot(source), words.slot(target), gain, there))
        more = len(cycle.switches) - SHOWN
        hidden = f"; the first {SHOWN} are shown, all are in the JSON (--json)" if more > 0 else ""
        checked = "replayed: each one gains, and the last leads back" if cycle.holds else "which its replay REFUTES"
        title = f"A cycle of {counted(len(cycle.switches), 'switch', 'switches')}, {checked}{hidden}"
        return titled(title, ["", "player", "from", "to", "gains", "to be in"], rows)

    def _cycle_start(self, cycle: Cycle) -> str:
        words = Words(self.game, cycle.start)
        used = [(j, members) for j, members in enumerate(cycle.start.coalitions) if members]
        groups = [f"{words.group(members)} in slot {j}" for j, members in used]
        out = tuple(cycle.start.members(OUT).tolist())
        return f"It starts from {shortened(groups + [f'{words.group(out)} out'] * bool(out))}."

    def _how(self) -> Titled:
        rows: list[tuple[Cell, Cell]] = [("method", self.claim.method)]
        convergence = self.asked.convergence(self.potential)
        rows += [("convergence", convergence)] if convergence else []
        told = {name: v for name, v in self._stats().items() if name not in UNTOLD}
        rows += [(CALLED.get(name, name.replace("_", " ")), self._summary(name, v)) for name, v in told.items()]
        return titled("How", ("", ""), rows)

    def _summary(self, name: str, value: Any) -> str:
        if isinstance(value, list | dict):
            text = json.dumps(value)
            return text if len(text) <= 60 else f"{len(value)} entries"
        if name == "found_by":
            return FOUND.get(value, str(value))
        if isinstance(value, float):
            return f"{value:.3g}" if "seconds" in name else number(value)
        return str(value).replace(Status.NONE_EXISTS.value, f"no partition is {self.certificate.concept}")

    def _verdict(self) -> Text:
        certified = certificate_sentence(self.certificate, way=self.asked.way)
        if self.stands:
            return certified
        if self.status is Status.NONE_EXISTS:
            confirmed = f", and all {self.enumerated:,} partitions were looked at" if self.enumerated else ""
            none = (f"No partition is {self.certificate.concept}", "red")
            return Text.assemble(none, f": {self.claim.method} proves it{confirmed}\n").append_text(certified)
        doubt = "Stable, but that is not all that was asked" if self.certificate.holds else "No certified answer"
        return Text.assemble((doubt, "red"), f": {self.problem}\n").append_text(certified)


def _groups(game: HedonicGame, partition: Partition) -> list[tuple[int, ...]]:
    """The members of each slot; where slots are told apart, of those too that nobody is in."""
    found = list(partition.coalitions)
    return found + [()] * (game.capacity - len(found) if distinguished(game) else 0)


def _array(entries: Sequence[Any], newline: str = "\n ") -> Iterator[str]:
    """A JSON array, in pieces."""
    yield "["
    for k in range(0, len(entries), PIECE):
        lines = (json.dumps(entry, allow_nan=False) for entry in entries[k : k + PIECE])
        yield ("," if k else "") + newline + f",{newline or ' '}".join(lines)
    yield "]"
