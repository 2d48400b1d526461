"""Stackelberg games: the certified search beside what people use today, in one run.

    python -m benchmarks.bench_stackelberg [--quick | --full] [--json P] [--markdown P]

Quick is the default and takes minutes; --full has the runs and sizes of the README's table. The exit status is 1 if an
answer of ours misses the optimum, leaves a gap or loses its certificate; times do not decide it.
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

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.commands import command_targets
from benchmarks.families import FAMILIES
from benchmarks.measure import GOLDEN, METHODS, MPEC, OURS, Cell, Row, measure
from benchmarks.report import write
from benchmarks.table import Target, document, figure_targets, markdown, terminal

LONG_SEARCH = "scipy direct, default"  # its limit is 1000 evaluations
CLOSED_FORM = tuple(method for method in METHODS if method not in (GOLDEN, MPEC))


def cells(*, full: bool) -> list[Cell]:
    """What is measured, in the order of the table."""
    few, some, many, huge = (200, 20, 5, 2) if full else (40, 3, 1, 1)
    slow = {GOLDEN: 3, MPEC: 1} if full else {GOLDEN: 1}
    left_out = {} if full else {MPEC: "only with --full"}
    result = []
    for family in FAMILIES:
        result += [
            Cell(family, 10, dict.fromkeys(METHODS, few)),
            Cell(family, 1000, dict.fromkeys(CLOSED_FORM, some) | slow, left_out),
            Cell(family, 100_000, {method: many for method in CLOSED_FORM if method != LONG_SEARCH}),
            Cell(family, 1_000_000, dict.fromkeys((OURS, "scipy bounded"), huge)),
        ]
    return result


def measured(*, full: bool) -> tuple[list[Row], list[Target]]:
    """All rows and targets, with progress on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    plan, rows = cells(full=full), []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(plan) + 1)

        def report(step: str) -> None:
            progress.update(task, description=step)

        for cell in plan:
            rows += measure(cell, report)
            progress.advance(task)
        targets = [*figure_targets(rows), *command_targets(report, full=full)]
        progress.advance(task)
    return rows, targets


def main() -> int:
    """The exit status."""
    summary = str(__doc__).split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_stackelberg", description=summary)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="40 small games a family, few large ones (default)")
    size.add_argument("--full", action="store_true", help="200 small games a family, MPEC at n = 1000, 10^6 from files")
    parser.add_argument("--json", metavar="P", help="write everything measured as JSON to P, or - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the tables as Markdown to P, or - for standard output")
    options = parser.parse_args()
    rows, targets = measured(full=options.full)
    if options.json:
        write(options.json, json.dumps(document(rows, targets), indent=2) + "\n")
    if options.markdown:
        write(options.markdown, markdown(rows, targets))
    if "-" not in (options.json, options.markdown):
        terminal(Console(), rows, targets)
    return int(any(target.binding and not target.met for target in targets))


if __name__ == "__main__":
    sys.exit(main())
