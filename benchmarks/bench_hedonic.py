"""Hedonic games: switching at a hundred thousand players, the paper's Algorithm 1 beside it, and exact search.

    python -m benchmarks.bench_hedonic [--quick | --full] [--json P] [--markdown P]

Quick is the default and takes less than three minutes on an idle machine; --full makes more switches and more exact
searches. The exit status is 1 if an answer of ours fails its check; times do not decide it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.update(  # before NumPy is imported for the first time; child processes inherit it
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.hedonic_rows import Row, rows
from benchmarks.report import machine, machine_line, pipes, print_table, write

COLUMNS = ("case", "asked", "measured", "met", "detail")
NUMBERS = frozenset(("asked", "measured"))
PACKAGES = ("numpy", "numba", "ortools")
WIDTH = 200  # columns where the terminal does not say
NOTES = (
    "Times: CPU time on one thread, the check of the answer included; of exact searches the time on the clock, "
    "two workers, with a limit a fifth over what is asked. Games: verification.hedonic_games.learners, with "
    "lognormal amounts of data, normal similarities and uniform reputations; best response in the fixed order. "
    "LIMIT: neither stable nor shown to cycle at that number of switches, so nothing is claimed. Algorithm 1 is "
    "corrected for its bugs; of its two versions, NumPy and plain Python, the faster one is the peer; ours is the"
    " median of several runs."
)


def measured(*, full: bool) -> list[Row]:
    """All rows, with progress on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        return list(rows(lambda step: progress.update(task, description=step), full=full))


def cells(row: Row) -> list[str]:
    """A row as the table shows it."""
    met = {True: "yes", False: "NO", None: ""}[row.met]
    return [row.case, row.asked, row.measured, met, row.detail]


def _share(found: Sequence[Row]) -> float:
    return min([row.share for row in found if row.share is not None] or [1.0])


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    summary = str(__doc__).split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_hedonic", description=summary)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="few games a case, within three minutes (default)")
    size.add_argument("--full", action="store_true", help="longer runs and 15 games for each exact search")
    parser.add_argument("--json", metavar="P", help="write everything measured as JSON to P, or - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the table as Markdown to P, or - for standard output")
    options = parser.parse_args(arguments)
    found = measured(full=options.full)
    body, last = [cells(row) for row in found], machine_line(PACKAGES, _share(found))
    if options.json:
        document = {"machine": machine(PACKAGES), "rows": [asdict(row) for row in found]}
        write(options.json, json.dumps(document, indent=2) + "\n")
    if options.markdown:
        write(options.markdown, "\n\n".join([pipes(COLUMNS, body, NUMBERS), NOTES, last]) + "\n")
    if "-" not in (options.json, options.markdown):
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        print_table(console, "Hedonic games", COLUMNS, body, NUMBERS)
        console.print(NOTES, highlight=False)
        console.print(last, highlight=False)
    return int(any(row.failed for row in found))


if __name__ == "__main__":
    sys.exit(main())
