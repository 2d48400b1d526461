"""The command line from a cold process: seconds from start to answer, and from tables of a million followers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.families import draw, scenario, write_csv, write_parquet
from benchmarks.measure import ROOT
from benchmarks.table import Target

MILLION = 1_000_000
FAMILY = "clustered4"
COMMAND = (sys.executable, "-m", "solvers.stackelberg")
REPEATS = 3


def command_targets(report: Callable[[str], None], *, full: bool) -> Iterator[Target]:
    """The targets that are about the command line."""
    report("python -m solvers.stackelberg --help")
    yield Target("`--help`, cold process, s", "<= 0.4", *_seconds(REPEATS, 0.4, "--help"))
    report("python -m solvers.stackelberg")
    yield Target("`python -m solvers.stackelberg`, cold process, s", "<= 5", *_seconds(REPEATS, 5.0))
    yield from _million(report) if full else _not_run()


def _not_run() -> Iterator[Target]:
    for kind in ("CSV", "Parquet"):
        yield Target(_title(kind), "<= 15", "not run: only with --full", None)


def _million(report: Callable[[str], None]) -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as name:
        folder, columns = Path(name), draw(FAMILY, MILLION, 0)
        for kind, write in (("CSV", write_csv), ("Parquet", write_parquet)):
            table = folder / f"followers.{kind.lower()}"
            report(f"a million followers from {kind}")
            write(table, columns)
            big = folder / "scenario.toml"
            big.write_text(scenario(FAMILY, table.name))
            answer = folder / "answer.json"
            arguments = (str(big), "--followers", str(table), "--json", str(answer))
            yield Target(_title(kind), "<= 15", *_seconds(1, 15.0, *arguments))
            certificate = json.loads(answer.read_text())["certificate"]
            shown = f"residual {certificate['residual']:.2g}, tolerance {certificate['tolerance']:.2g}"
            yield Target(f"its certificate ({kind})", "holds", shown, certificate["holds"])


def _title(kind: str) -> str:
    return f"10^6 followers from {kind} to certified JSON, cold process, s"


def _seconds(repeats: int, limit: float, *arguments: str) -> tuple[str, bool]:
    """The median seconds of a command, and whether they are within the limit; a first start compiles and is not timed.

    Raises
    ------
    RuntimeError
        If the command fails; the message is what it wrote to standard error.
    """
    if repeats > 1:
        _start(*arguments)
    taken = median(_start(*arguments) for _ in range(repeats))
    return f"{taken:.2f}", taken <= limit


def _start(*arguments: str) -> float:
    start = time.perf_counter()
    ended = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if ended.returncode:
        raise RuntimeError(f"{' '.join(ended.args)} ended with status {ended.returncode}: {ended.stderr.strip()}")
    return taken
