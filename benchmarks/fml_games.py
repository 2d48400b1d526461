"""The rows of bench_fml about the games of a round, and about the command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.hedonic_large import timed
from benchmarks.hedonic_rows import Row, duration
from models.gfml import FRAMEWORKS, Parameters, Situation, contributions, devices, form, settle
from models.reputation import ReputationState
from solvers.core import Array, Evidence
from solvers.hedonic import Partition
from verification import Certificate, certify

ROOT = Path(__file__).resolve().parents[1]
WIDTH, GROUPS, SPREAD = 60, 5, 0.6  # of embeddings: numbers, kinds of tasks, distance of a user from its kind
WARM, ROUNDS = 3, 15
ASKED = {40: 0.020, 10_000: 1.0}
COLD = 15.0  # seconds asked of `run` on the digits
MNIST = 20 * 60.0  # seconds asked of `compare` on MNIST


def game_rows(report: Callable[[str], None]) -> Iterator[Row]:
    """Formation, incentives and reputations of a round, all users active, with and without certificates."""
    for users, limit in ASKED.items():
        report(f"the games of a round of {users:,} users")
        bare = [run for _, run in zip(range(ROUNDS), _played(users, _unjudged), strict=False)]
        report(f"the games of a round of {users:,} users, certified")
        judged = [run for _, run in zip(range(ROUNDS), _played(users, certify), strict=False)]
        seconds, certified = (median(cpu for _, cpu, _ in runs) for runs in (bare, judged))
        share = median(cpu / wall for wall, cpu, _ in bare)
        failed = not all(holds for _, _, holds in judged)
        detail = f"with all certificates {duration(certified)}; median of {ROUNDS} rounds"
        case = f"coalitions, incentives and reputations of a round, {users:,} users, 4 coalitions"
        yield Row(case, duration(limit), duration(seconds), seconds <= limit, detail, failed, share)


def command_rows(report: Callable[[str], None], *, full: bool) -> Iterator[Row]:
    """The time of whole commands, in processes of their own, waiting included."""
    report("run on the digits, 20 rounds")
    seconds, status = _command("run", "--rounds", "20")
    case = "`python -m models.gfml run`, digits, 20 rounds, cold process"
    yield Row(case, duration(COLD), duration(seconds), seconds <= COLD, "wall clock", status != 0)
    folder = os.environ.get("CERTEQ_DATA")
    if full and folder:
        report("compare on MNIST, 50 rounds")
        options = ("--dataset", "mnist", "--data-dir", folder, "--rounds", "50", "--seeds", "1", "--workers", "2")
        seconds, status = _command("compare", *options)
        case = "`python -m models.gfml compare`, MNIST, all frameworks, 50 rounds, one seed, two processes"
        yield Row(case, duration(MNIST), duration(seconds), seconds <= MNIST, "wall clock", status != 0)


def _command(*arguments: str) -> tuple[float, int]:
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "models.gfml", *arguments, "--store", f"{folder}/store.sqlite"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        return time.perf_counter() - start, done.returncode


def _unjudged(*_: Any, **__: Any) -> Evidence:
    """Takes the place of `certify` where the games alone are timed; what it returns never holds."""
    return Certificate("not judged", np.nan, 0.0)


def _played(users: int, judge: Callable[..., Evidence]) -> Iterator[tuple[float, float, bool]]:
    """Round after round, the first few left out: wall clock, CPU time, and whether all certificates of prices hold."""
    rng = np.random.default_rng(0)
    parameters = Parameters(users=users, passive=0.0)
    found = devices(rng.integers(1_300, 2_100, users).tolist(), list(map(str, range(users))), parameters, rng=rng)
    kinds = rng.normal(size=(GROUPS, WIDTH))[rng.integers(GROUPS, size=users)]
    frozen = kinds + SPREAD * rng.normal(size=(users, WIDTH))
    state = Situation(
        devices=found,
        parameters=parameters,
        partition=None,
        prices=np.full(parameters.coalitions, parameters.incentives[1]),
        frequencies=np.full(users, parameters.fastest),
        embeddings=np.repeat(frozen[:, None], parameters.coalitions, axis=1),
        reputation=ReputationState.start(users),
        rng=rng,
    )
    k = 0
    while True:
        k += 1
        norms = rng.normal(1.6, 0.1, (users, parameters.steps))
        (state, holds), wall, cpu = timed(partial(_round, state, norms, judge, k))
        if k > WARM:
            yield wall, cpu, holds


def _round(state: Situation, norms: Array, judge: Callable[..., Evidence], k: int) -> tuple[Situation, bool]:
    """The games of one round, and what is known when the next begins."""
    gfml, parameters = FRAMEWORKS["gfml"], state.parameters
    formed = form(gfml, state, judge)
    outcomes = settle(gfml, formed, state.devices, parameters, judge)
    records = contributions(formed, outcomes, norms, state.devices, parameters.batch, round_number=k)
    speeds = state.frequencies.copy()
    for outcome in outcomes:
        speeds[outcome.members] = outcome.frequencies
    after = Situation(
        devices=state.devices,
        parameters=parameters,
        partition=Partition(formed.partition.slots),
        prices=np.array([outcome.price for outcome in outcomes]),
        frequencies=speeds,
        embeddings=state.embeddings,
        reputation=state.reputation.update(records),
        rng=state.rng,
    )
    return after, all(outcome.certificate is not None and outcome.certificate.holds for outcome in outcomes)
