"""Bimatrix games: Lemke-Howson, checked, beside quantecon, gambit and nashpy, in one run.

    python -m benchmarks.bench_bimatrix [--quick | --full] [--json P] [--markdown P]

Quick is the default and takes about three minutes on an idle machine; --full has more games and longer paths, and takes
the better part of an hour. The exit status is 1 if an answer of ours fails its check; times do not decide it.
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

from benchmarks import bimatrix_cases
from benchmarks.bimatrix_pairs import OURS, Line, lines_of
from benchmarks.bimatrix_starts import start_lines
from benchmarks.bimatrix_survey import CHANGES, Count, counts, line
from benchmarks.bimatrix_table import document, markdown, terminal
from benchmarks.report import write
from verification.generators import FAMILIES

WIDTH = 200  # columns where the terminal does not say


def measured(*, full: bool) -> tuple[list[Line], list[Count]]:
    """All lines and the survey behind the first, with progress on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    cells = bimatrix_cases.cells(full=full)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(FAMILIES) * len(CHANGES) + len(cells) + 2)

        def report(step: str) -> None:
            progress.update(task, description=step)

        def begun(step: str) -> None:
            progress.update(task, description=step, advance=1)

        found = counts(bimatrix_cases.survey(full=full), begun)
        lines = [line(found)]
        for cell in cells:
            lines += lines_of(cell, report)
            progress.advance(task)
        lines += start_lines(begun)
    return lines, found


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    summary = str(__doc__).split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_bimatrix", description=summary)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="few games a case, within about three minutes (default)")
    size.add_argument("--full", action="store_true", help="1,000 games a family and change, and long paths")
    parser.add_argument("--json", metavar="P", help="write everything measured as JSON to P, or - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the tables as Markdown to P, or - for standard output")
    options = parser.parse_args(arguments)
    lines, found = measured(full=options.full)
    if options.json:
        write(options.json, json.dumps(document(lines, found), indent=2) + "\n")
    if options.markdown:
        write(options.markdown, markdown(lines, found))
    if "-" not in (options.json, options.markdown):
        terminal(Console(width=None if sys.stdout.isatty() else WIDTH), lines, found)
    return int(any(line.failures[OURS].failed for line in lines if OURS in line.failures))


if __name__ == "__main__":
    sys.exit(main())
