"""What is measured of one method on drawn games of one size: time, misses, and for ours its evidence."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.families import draw, game_of
from benchmarks.methods import Found, Method, NotRun, Search, golden_cvxpy, mpec_ipopt, ours, scipy_bounded
from benchmarks.methods import scipy_direct as direct
from benchmarks.methods import slope_bisection as bisection
from solvers.stackelberg import StackelbergGame, solve
from verification import certify

ROOT = Path(__file__).resolve().parents[1]
OURS = "certeq solve"
GOLDEN = "golden section, CVXPY per step"
MPEC = "MPEC: Pyomo, Ipopt"
METHODS: Mapping[str, Method] = {
    OURS: ours,
    GOLDEN: golden_cvxpy,
    MPEC: mpec_ipopt,
    "scipy bounded": scipy_bounded,
    "bisection on the slope": bisection,
    "scipy direct, 200 evaluations": direct(200),
    "scipy direct, default": direct(None),
}
MISS = 1e-6  # relative loss from which a run has missed the global optimum
SAMPLES = 7  # timed runs behind a median, at least
LONG = 1.0  # seconds from which one run is enough, or of ours SAMPLES_OF_LONG
SAMPLES_OF_LONG = 3
CERTIFY_UP_TO = 1000  # followers up to which every answer of ours is certified
ALONE_FROM = 1_000_000  # followers from which a cell has a process of its own, for its peak memory

Report = Callable[[str], None]


@dataclass(frozen=True)
class Cell:
    """One family at one size: each method's number of drawn games, ours the largest, and why others are left out."""

    family: str
    n: int
    runs: Mapping[str, int]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of the table; a row that was not run holds only the reason in `note`."""

    family: str
    n: int
    method: str
    seconds: float | None = None
    cpu_seconds: float | None = None
    first_seconds: float | None = None
    runs: int = 0
    missed: int = 0
    missed_in_success: int = 0
    worst_loss: float | None = None
    worst_gap: float | None = None
    passes: int | None = None
    peak_bytes: int | None = None
    certified: int = 0
    certificate_failures: int | None = None
    note: str = ""


@dataclass(frozen=True)
class _Sample:
    """One method on one game."""

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    first_seconds: float
    loss: float
    found: Found


def measure(cell: Cell, report: Report) -> list[Row]:
    """The rows of a cell, from a process of its own where the games are large; `report` hears of each step."""
    if cell.n < ALONE_FROM:
        return rows_of(cell, report)
    report(f"{cell.family}, {cell.n:,} followers, in a process of its own")
    command = [sys.executable, "-m", "benchmarks.measure", json.dumps(asdict(cell))]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [Row(**row) for row in json.loads(answer)]


def rows_of(cell: Cell, report: Report) -> list[Row]:
    """The rows of a cell, measured in this process."""
    measured = _Measured(cell)
    for seed in range(cell.runs[OURS]):
        report(f"{cell.family}, {cell.n:,} followers, game {seed + 1} of {cell.runs[OURS]}")
        measured.add(seed)
    rows = [_row(cell, method, samples, measured.notes.get(method, "")) for method, samples in measured.samples.items()]
    rows[0] = measured.with_evidence(rows[0])
    return rows + [Row(cell.family, cell.n, method, note=why) for method, why in cell.left_out.items()]


class _Measured:
    """The samples of a cell as they come in, game by game."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.samples: dict[str, list[_Sample]] = {method: [] for method in cell.runs}
        self.notes: dict[str, str] = {}
        self._verdicts: list[bool] = []
        self._peak: int | None = None

    def add(self, seed: int) -> None:
        """Draws a game and measures every method that is due on it."""
        gc.collect()  # not before each call: beside SymPy and CVXPY that takes longer than most of them
        columns = draw(self.cell.family, self.cell.n, seed)
        (game, found), first = timed(lambda: _declare_and_solve(self.cell.family, columns))
        upper = found.stats["upper_bound"]
        repeats = {method: -(-SAMPLES // runs) for method, runs in self.cell.runs.items()}
        least = -(-SAMPLES_OF_LONG // self.cell.runs[OURS])
        self.samples[OURS].append(_sample(game, upper, ours(game), first, repeats[OURS], least=least))
        if self.cell.n >= ALONE_FROM:
            self._peak = peak_bytes()
        if self.cell.n <= CERTIFY_UP_TO:
            self._verdicts.append(_certified(game))
        for method, runs in self.cell.runs.items():
            if method != OURS and seed < runs and method not in self.notes:
                self._add(method, game, upper, repeats[method])

    def _add(self, method: str, game: StackelbergGame, upper: float, repeats: int) -> None:
        try:
            (search, _), first = timed(lambda: _prepare_and_search(METHODS[method], game))
        except NotRun as reason:
            self.notes[method] = str(reason)
        else:
            self.samples[method].append(_sample(game, upper, search, first, repeats))

    def with_evidence(self, row: Row) -> Row:
        """Our own row with what only it has."""
        failures = self._verdicts.count(False) if self._verdicts else None
        certified = len(self._verdicts)
        return replace(row, peak_bytes=self._peak, certified=certified, certificate_failures=failures)


def _declare_and_solve(family: str, columns: Mapping[str, Any]) -> tuple[StackelbergGame, Found]:
    game = game_of(family, columns)
    return game, ours(game)()


def _prepare_and_search(method: Method, game: StackelbergGame) -> tuple[Search, Found]:
    search = method(game)
    return search, search()


def _sample(
    game: StackelbergGame, upper: float, search: Search, first: float, repeats: int, *, least: int = 1
) -> _Sample:
    """Times a prepared search; losses are judged by the closed form at its price, against the rigorous bound."""
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    while len(seconds) < least or (len(seconds) < repeats and seconds[-1] < LONG):
        start = time.process_time()
        found, taken = timed(search)
        cpu_seconds.append(time.process_time() - start)
        seconds.append(taken)
    loss = (upper - game.leader_utility(found.price)) / max(1.0, abs(upper))
    return _Sample(tuple(seconds), tuple(cpu_seconds), first, loss, found)


def _certified(game: StackelbergGame) -> bool:
    solution = solve(game)
    profile = solution.require()
    return certify(game, profile, tolerance=1e-9 * game.magnitudes(profile)).holds


def _row(cell: Cell, method: str, samples: Sequence[_Sample], note: str) -> Row:
    if note:
        return Row(cell.family, cell.n, method, note=note)
    missed = [s for s in samples if not s.loss <= MISS]
    mine = method == OURS
    return Row(
        family=cell.family,
        n=cell.n,
        method=method,
        seconds=median(t for s in samples for t in s.seconds),
        cpu_seconds=median(t for s in samples for t in s.cpu_seconds),
        first_seconds=median(s.first_seconds for s in samples),
        runs=len(samples),
        missed=len(missed),
        missed_in_success=sum(s.found.success for s in missed),
        worst_loss=max(s.loss for s in samples),
        worst_gap=max(s.found.stats["gap"] for s in samples) if mine else None,
        passes=int(max(s.found.stats["passes"] for s in samples)) if mine else None,
    )


# --- time and memory -----------------------------------------------------------------------------------------------


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work returns and the seconds it took, without pauses for garbage."""
    with _no_garbage_collection():
        start = time.perf_counter()
        result = work()
        return result, time.perf_counter() - start


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def peak_bytes() -> int | None:
    """The peak of this process's memory, None where the system does not say.

    `getrusage` will not do: a child inherits its parent's peak.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(peaks[0])


if __name__ == "__main__":
    document = json.loads(sys.argv[1])
    print(json.dumps([asdict(row) for row in rows_of(Cell(**document), lambda _: None)]))
