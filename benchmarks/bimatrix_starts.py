"""Fresh processes: CPU seconds of an import, and of an import with a first solve, compiled code being cached."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.bimatrix_pairs import Line, Report

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 3
TIMED = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
GAME = "import numpy as np; A, B = np.random.default_rng(0).random((2, 10, 10))"

IMPORT = "import solvers.bimatrix"
SOLVE = f"from solvers.bimatrix import BimatrixGame, lemke_howson; {GAME}; lemke_howson(BimatrixGame(A, B)).require()"
PEER_IMPORT = "import quantecon.game_theory"
PEER_SOLVE = (
    f"from quantecon.game_theory import NormalFormGame, Player, lemke_howson; {GAME}; "
    "lemke_howson(NormalFormGame([Player(A), Player(B)]))"
)


def start_lines(report: Report) -> Iterator[Line]:
    """The lines about fresh processes."""
    for case, ours, theirs, limit in (
        ("fresh process: import", IMPORT, PEER_IMPORT, 0.5),
        ("fresh process: import and first solve, warm cache", SOLVE, PEER_SOLVE, 0.7),
    ):
        report(case)
        asked, taken, peer = f"<= {limit:g} s", _seconds(ours), _seconds(theirs)
        if isinstance(taken, str):
            yield Line(case, "quantecon", asked=asked, met=False, note=taken)
            continue
        known = None if isinstance(peer, str) else peer
        ratio = None if known is None else known / taken
        met = taken <= limit
        yield Line(case, "quantecon", REPEATS, seconds=taken, peer_seconds=known, ratio=ratio, asked=asked, met=met)


def _seconds(statements: str) -> float | str:
    """The median over fresh processes after one that fills the cache, or what went wrong."""
    samples = []
    for _ in range(REPEATS + 1):
        command = [sys.executable, "-c", TIMED.format(statements)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if ended.returncode:
            return (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        samples.append(float(ended.stdout))
    return median(samples[1:])
