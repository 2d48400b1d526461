"""Side by side on the same drawn problems, in one process, one thread, in turns: CPU seconds, and failures."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.bimatrix_peers import RAISED, Contender, NotRun, Outcome, Prepared, Unfinished, attempted

OURS = "certeq"
SAMPLE = 2e-3  # CPU seconds that one timed sample lasts at least, by repeating the call
ROUNDS = 3  # samples behind each problem's median, where the first call is short
PATIENCE = 4  # budgets after which a case ends even if what it compiled first took up most of them
LONG = 0.1  # CPU seconds from which the first call is the sample

Report = Callable[[str], None]


@dataclass(frozen=True)
class Tally:
    """How many profiles were asked for, and how many of them failed."""

    failed: int = 0
    tried: int = 0

    def __add__(self, other: Tally | Outcome) -> Tally:
        return Tally(self.failed + other.failed, self.tried + other.tried)

    def __str__(self) -> str:
        return f"{self.failed} of {self.tried:,}" if self.tried else ""


@dataclass(frozen=True)
class Cell:
    """One case: what is drawn, who solves it, and what is asked of the ratio to the first peer.

    `problems` is the largest number drawn, and `seconds` the time, counted from the end of the first that counts, after
    which no further one is begun. Problems on which the first peer is `stopped` by a limit of ours are left out where
    all follow the same path; otherwise its time up to the limit counts, and the ratio is a lower bound.
    """

    case: str
    draw: Callable[[np.random.Generator], Any]
    ours: Contender
    peers: Mapping[str, Contender]
    asked: float | None
    problems: int
    seconds: float
    same_path: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the table: ours beside one peer."""

    case: str
    peer: str
    problems: int = 0
    left_out: int = 0
    seconds: float | None = None
    peer_seconds: float | None = None
    ratio: float | None = None
    paired: float | None = None
    at_least: bool = False
    asked: str = ""
    met: bool | None = None
    binding: bool = False  # decides the exit status
    failures: Mapping[str, Tally] = field(default_factory=dict)
    share: float | None = None
    note: str = ""


def lines_of(cell: Cell, report: Report) -> list[Line]:
    """The lines of a case, one per peer."""
    measured = _Measured(cell)
    begun, counted = time.monotonic(), math.inf
    for seed in range(cell.problems):
        report(f"{cell.case}: problem {seed + 1} of up to {cell.problems}")
        try:
            measured.add(cell.draw(np.random.default_rng([seed, cell.problems])))
        except NotRun as reason:
            return [Line(cell.case, peer, note=str(reason)) for peer in cell.peers]
        now = time.monotonic()
        counted = min(counted, now) if measured.samples[OURS] else counted
        if now - counted > cell.seconds or now - begun > PATIENCE * cell.seconds:
            break
    return [measured.line(peer) for peer in cell.peers]


class _Measured:
    """The samples of a case as they come in, problem by problem."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.left_out = 0
        self.at_least: set[str] = set()
        self.samples: dict[str, list[float]] = {name: [] for name in (OURS, *cell.peers)}
        self.tallies = {name: Tally() for name in self.samples}
        self.shares: list[float] = []

    def add(self, problem: Any) -> None:
        """Times and judges every contender on a problem."""
        names = (*self.cell.peers, OURS)
        try:
            prepared = {name: self._contender(name)(problem) for name in names}
        except Unfinished:
            self.left_out += 1
            self.tallies[names[0]] += Outcome(1, 1)
            return
        taken = self._first_calls(prepared)
        if taken is None:
            self.left_out += 1
            return
        if not self.samples[OURS]:  # the very first calls load or compile code
            taken = {name: [self._timed(prepared[name].solve, 1)[1]] for name in names}
        self._repeat(prepared, taken)
        for name, seconds in taken.items():
            self.samples[name].append(median(seconds))

    def _contender(self, name: str) -> Contender:
        return self.cell.ours if name == OURS else self.cell.peers[name]

    def _first_calls(self, prepared: Mapping[str, Prepared]) -> dict[str, list[float]] | None:
        """Each contender's first call, judged; None once a peer shows that the problem is not to count."""
        taken = {}
        for name, (solve, judge) in prepared.items():
            result, seconds = self._timed(solve if name == OURS else partial(attempted, solve), 1)
            outcome = Outcome(1, 1) if result is RAISED else judge(result)
            taken[name] = [seconds]
            self.tallies[name] += outcome
            if result is RAISED or (outcome.stopped and self.cell.same_path):
                return None
            if outcome.stopped:
                self.at_least.add(name)
        return taken

    def _repeat(self, prepared: Mapping[str, Prepared], taken: Mapping[str, list[float]]) -> None:
        """Rounds in turns for those whose first call was short; that call itself then does not count."""
        short = [name for name, seconds in taken.items() if seconds[0] < LONG]
        loops = {name: math.ceil(SAMPLE / max(self._timed(prepared[name].solve, 1)[1], 1e-6)) for name in short}
        for name in short:
            taken[name].clear()
        for turn in range(ROUNDS):
            for name in short if turn % 2 else reversed(short):
                taken[name].append(self._timed(prepared[name].solve, loops[name])[1])

    def _timed(self, solve: Callable[[], Any], loops: int) -> tuple[Any, float]:
        with _no_garbage_collection():
            wall, start = time.perf_counter(), time.process_time()
            for _ in range(loops):
                result = solve()
            cpu, passed = time.process_time() - start, time.perf_counter() - wall
        self.shares.append(cpu / passed)
        return result, cpu / loops

    def line(self, peer: str) -> Line:
        """Ours beside one peer; only the first is held to what is asked."""
        asked = self.cell.asked if peer == next(iter(self.cell.peers)) else None
        mine, theirs = self.samples[OURS], self.samples[peer]
        failures = {OURS: self.tallies[OURS], peer.split(",")[0]: self.tallies[peer]}
        target = "" if asked is None else f">= {asked:g}x"
        if not mine:
            note = f"none of {self.left_out} drawn problems was finished by {peer} within its limit"
            return Line(self.cell.case, peer, left_out=self.left_out, asked=target, failures=failures, note=note)
        ratio = median(theirs) / median(mine)
        return Line(
            case=self.cell.case,
            peer=peer,
            problems=len(mine),
            left_out=self.left_out,
            seconds=median(mine),
            peer_seconds=median(theirs),
            ratio=ratio,
            paired=median(b / a for a, b in zip(mine, theirs, strict=True)),
            at_least=peer in self.at_least,
            asked=target,
            met=_met(ratio, asked, peer in self.at_least),
            failures=failures,
            share=median(self.shares),
        )


def _met(ratio: float, asked: float | None, at_least: bool) -> bool | None:
    """Whether what is asked is met; a lower bound below it says nothing."""
    if asked is None or (at_least and ratio < asked):
        return None
    return ratio >= asked


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
