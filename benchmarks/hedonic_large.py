"""One large labelled game in a process of its own: time, peak memory, and the check of where it ended.

python -m benchmarks.hedonic_large '{"n": 100000, "slots": 100, "max_switches": 1000000, "options": {"pay": 0}}'
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from solvers.core import Status
from solvers.hedonic import best_response
from verification import certify
from verification.hedonic_games import learners

CHECKS = 9  # timed stability checks behind a median


def measured(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is measured of the game that `request` describes; a small game first, so that nothing is compiled in it."""
    _warm(request)
    n, slots = request["n"], request["slots"]
    game = learners(n, np.random.default_rng(request.get("seed", 0)), slots=slots, **request["options"])
    found, seconds, cpu = timed(lambda: best_response(game, order="fixed", max_switches=request["max_switches"]))
    peak = peak_bytes()
    checks = [timed(lambda: game.regrets(found.last))[2] for _ in range(CHECKS)]
    holds = None
    if found.status is Status.SOLVED:
        holds = certify(game, found.require(), tolerance=1e-9 * game.magnitudes()).holds
    return {
        "status": found.status.name,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "switches": len(found.switches),
        "cycle": len(found.cycle),
        "check_seconds": median(checks),
        "holds": holds,
        "peak_bytes": peak,
    }


def _warm(request: Mapping[str, Any]) -> None:
    small = learners(50, np.random.default_rng(0), slots=3, **request["options"])
    small.regrets(best_response(small, order="fixed", max_switches=100).last)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What the work returns, the seconds it took, and the seconds of CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - cpu


def peak_bytes() -> int | None:
    """The peak of this process's memory, None where the system does not say; `getrusage` counts the parent's too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(peaks[0])


if __name__ == "__main__":
    print(json.dumps(measured(json.loads(sys.argv[1]))))
