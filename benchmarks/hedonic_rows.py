"""The rows of bench_hedonic: what was asked, what was measured, and whether the answers passed their checks."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.hedonic_large import timed
from benchmarks.hedonic_naive import NAIVE, algorithm_1
from solvers.core import Status
from solvers.hedonic import HedonicGame, LabelledGame, best_response, exact
from verification import certify
from verification.hedonic_games import integer_weights, learners

ROOT = Path(__file__).resolve().parents[1]
GIB = 2.0**30
NO_PAY: Mapping[str, Any] = {"pay": 0.0}
OWN_PAY: Mapping[str, Any] = {"shared": False}
SHARED_PAY: Mapping[str, Any] = {}
PAYS = {"no reputation pay": NO_PAY, "pay for one's own reputation": OWN_PAY, "the paper's shared pay": SHARED_PAY}
SCOUTED = 300  # switches by which the faster of the naive versions is found
REPEATS = 7  # timed runs of ours behind a median

Report = Callable[[str], None]
Draw = Callable[[np.random.Generator], HedonicGame]

EXACT: Sequence[tuple[str, float, Draw]] = (
    ("exact, additively separable, integer weights, n = 10, free slots", 1.0, lambda rng: integer_weights(10, rng)),
    ("exact, additively separable, integer weights, n = 14, free slots", 10.0, lambda rng: integer_weights(14, rng)),
    ("exact, labelled, n = 30, M = 4, no reputation pay", 10.0, lambda rng: learners(30, rng, **NO_PAY)),
    ("exact, labelled, n = 30, M = 4, the paper's shared pay", 10.0, lambda rng: learners(30, rng, **SHARED_PAY)),
)
"""What is decided exactly: the case, the seconds asked, and how its games are drawn."""


@dataclass(frozen=True)
class Row:
    """One line of the table. `met` is None where nothing was asked; `failed` if an answer of ours is wrong."""

    case: str
    asked: str
    measured: str
    met: bool | None
    detail: str = ""
    failed: bool = False
    share: float | None = None


def rows(report: Report, *, full: bool) -> Iterator[Row]:
    """All rows, in the order of the table; `report` hears of each step."""
    yield from large_rows(report)
    yield from naive_rows(report, full=full)
    yield from flat_rows(report, full=full)
    yield from exact_rows(report, full=full)


# --- 1e5 players, 100 slots ------------------------------------------------------------------------------------------


def large_rows(report: Report) -> Iterator[Row]:
    """Time and memory until nobody gains, each kind of pay in a process of its own; and the check of where it ended."""
    checks = {}
    for name, options in PAYS.items():
        report(f"100,000 players, 100 slots, {name}")
        found = alone(n=100_000, slots=100, max_switches=1_000_000, options=dict(options))
        checks[name] = found["check_seconds"]
        yield from _large(name, found)
    slowest, detail = max(checks.values()), "; ".join(f"{duration(t)}, {name}" for name, t in checks.items())
    yield Row("stability check, 1e5 players, 100 slots", "50 ms", duration(slowest), slowest <= 0.05, detail)


def _large(name: str, found: Mapping[str, Any]) -> Iterator[Row]:
    case = f"labelled, 1e5 players, 100 slots, {name}"
    ended = found["status"] in {"SOLVED", "CYCLE"}
    wrong = found["holds"] is False or found["status"] == "FAILED"
    said = {"SOLVED": "Nash-stable", "CYCLE": f"cycle of {found['cycle']:,}"}.get(found["status"], found["status"])
    seconds, share = found["cpu_seconds"], found["cpu_seconds"] / found["seconds"]
    detail = f"{said} after {found['switches']:,} switches"
    yield Row(case, "5 s", duration(seconds), ended and seconds <= 5, detail, wrong, share)
    peak = found["peak_bytes"]
    measured = "not run: no /proc/self/status" if peak is None else f"{peak / GIB:.2f} GiB"
    yield Row("its peak memory, whole process", "< 1 GiB", measured, None if peak is None else peak < GIB)


def alone(**request: Any) -> Mapping[str, Any]:
    """What `benchmarks.hedonic_large` measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.hedonic_large", json.dumps(request)]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(answer))


# --- Algorithm 1 -----------------------------------------------------------------------------------------------------


def naive_rows(report: Report, *, full: bool) -> Iterator[Row]:
    """The paper's Algorithm 1 beside ours: the same game, order, switches and end."""
    for name, options, limit in (  # the paper's utility has the pay; without it the peer has little to recompute
        ("no reputation pay, to Nash-stability", NO_PAY, 10**6),
        ("the paper's shared pay, the first {:,} switches", SHARED_PAY, 10_000 if full else 3_000),
    ):
        title = name.format(limit)
        report(f"Algorithm 1, {title}")
        asked = 200 if options == SHARED_PAY else None
        yield _naive(title, learners(1000, np.random.default_rng(0), slots=20, **options), limit, asked)


def _naive(title: str, game: LabelledGame, limit: int, asked: int | None) -> Row:
    start = game.starting_partition()
    best_response(game, start, order="fixed", max_switches=10)  # compiles
    samples = [timed(lambda: best_response(game, start, order="fixed", max_switches=limit)) for _ in range(REPEATS)]
    ours, mine = samples[0][0], median(cpu for _, _, cpu in samples)
    scouts = {way: timed(lambda way=way: algorithm_1(game, start, way, max_switches=SCOUTED))[2] for way in NAIVE}
    way = min(scouts, key=scouts.__getitem__)
    (slots, switches), _, theirs = timed(lambda: algorithm_1(game, start, way, max_switches=limit))
    same = slots == ours.last.slots.tolist() and switches == [tuple(switch[:3]) for switch in ours.switches]
    times = f"{duration(mine)} and {duration(theirs)} ({way})"
    detail = f"{times}, {len(switches):,} switches, {'the same' if same else 'which differ'}"
    case = f"Algorithm 1, naive, over certeq; n = 1,000, M = 20, {title}"
    met = None if asked is None else theirs >= asked * mine
    return Row(case, f"{asked}x" if asked else "", f"{theirs / mine:,.0f}x", met, detail, failed=not same)


# --- time per switch -------------------------------------------------------------------------------------------------


def flat_rows(report: Report, *, full: bool) -> Iterator[Row]:
    """Seconds per accepted switch, everything included, for games of 1e3 to 1e5 players and 100 slots."""
    for name, options in PAYS.items():
        times = {}
        for n in (1_000, 10_000, 100_000):
            report(f"time per switch, {n:,} players, {name}")
            times[n] = _per_switch(n, options, 1_000_000 if full else 200_000)
        ratio = max(times.values()) / min(times.values())
        detail = ", ".join(f"{duration(seconds)} at n = {n:,}" for n, seconds in times.items())
        yield Row(
            f"time per accepted switch, n = 1e3 to 1e5, {name}", "flat within 2x", f"{ratio:.2f}x", ratio <= 2, detail
        )


def _per_switch(n: int, options: Mapping[str, Any], limit: int) -> float:
    samples = []
    for seed in range(max(1, 5_000 // n) + 1):
        game = learners(n, np.random.default_rng(seed), slots=100, **options)
        found, _, cpu = timed(lambda game=game: best_response(game, order="fixed", max_switches=limit))
        samples.append(cpu / len(found.switches))
    return median(samples[1:])  # the first compiles


# --- exact search ----------------------------------------------------------------------------------------------------


def exact_rows(report: Report, *, full: bool) -> Iterator[Row]:
    """Median seconds of the exact search to decide whether a Nash-stable partition exists."""
    games = 15 if full else 7
    for case, limit, draw in EXACT:
        report(case)
        yield _exact(case, limit, [draw(np.random.default_rng(seed)) for seed in range(games)])


def _exact(case: str, limit: float, games: Sequence[HedonicGame]) -> Row:
    seconds, statuses, ways, wrong = [], [], [], False
    for game in games:
        found, taken, _ = timed(lambda game=game: exact(game, time_limit=1.2 * limit))
        seconds.append(taken if found.status is not Status.TIME_LIMIT else math.inf)
        statuses.append(found.status)
        ways.append("a walk" if found.stats.get("walked") else found.method)
        if found.status is Status.SOLVED:
            wrong |= not certify(game, found.require(), tolerance=1e-9 * game.magnitudes()).holds
    middle = median(seconds)
    names = {Status.SOLVED: "stable", Status.NONE_EXISTS: "none exists", Status.TIME_LIMIT: "undecided"}
    detail = ", ".join(
        f"{statuses.count(status)} {names.get(status, status.name)}" for status in dict.fromkeys(statuses)
    )
    detail += "; by " + ", ".join(f"{way} {ways.count(way)}" for way in dict.fromkeys(ways))
    shown = duration(middle) if middle < math.inf else f"> {duration(1.2 * limit)}"
    return Row(case, f"{limit:g} s median", shown, middle <= limit, detail, wrong)


def duration(seconds: float) -> str:
    """The seconds in a unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"
