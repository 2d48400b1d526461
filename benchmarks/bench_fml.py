"""Federated meta-learning: a round of learning, with peers on the same batches; a round's games; the command.

    python -m benchmarks.bench_fml [--quick | --full] [--json P] [--markdown P]

Quick is the default and takes about two minutes on an idle machine; --full measures more pairs, and `compare` on MNIST
where CERTEQ_DATA names the folder of its files. The exit status is 1 if an answer of ours differs from a peer's or is
not certified; times do not decide it.
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
from dataclasses import asdict

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.bench_hedonic import COLUMNS, NUMBERS, WIDTH, cells
from benchmarks.fml_games import command_rows, game_rows
from benchmarks.fml_rounds import learning_rows
from benchmarks.hedonic_rows import Row
from benchmarks.report import machine, machine_line, pipes, print_table, write

PACKAGES = ("numpy", "torch")
NOTES = (
    "Times: CPU time on one thread, medians; ratios: medians over pairs, the peer between two runs of ours. Random "
    "images, the same batches, single precision. hvp: exact Hessian-vector products; hf: finite differences of "
    "gradients; fo: first order. Ours also returns each step's loss and length of the gradient; the loop does not. "
    "The loop has torch.autograd.grad on lists of parameters, user by user; vmap has models.fml.meta_gradient. "
    "Commands are timed by the clock, imports included."
)


def measured(*, full: bool) -> list[Row]:
    """All rows, with progress on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def report(step: str) -> None:
            progress.update(task, description=step)

        return [*learning_rows(report, full=full), *game_rows(report), *command_rows(report, full=full)]


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    summary = str(__doc__).split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_fml", description=summary)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="five pairs a row, about two minutes (default)")
    size.add_argument("--full", action="store_true", help="fifteen pairs a row, and compare on MNIST")
    parser.add_argument("--json", metavar="P", help="write everything measured as JSON to P, or - for standard output")
    parser.add_argument("--markdown", metavar="P", help="write the table as Markdown to P, or - for standard output")
    options = parser.parse_args(arguments)
    found = measured(full=options.full)
    share = min(row.share for row in found if row.share is not None)
    body, last = [cells(row) for row in found], machine_line(PACKAGES, share)
    if options.json:
        document = {"machine": machine(PACKAGES), "rows": [asdict(row) for row in found]}
        write(options.json, json.dumps(document, indent=2) + "\n")
    if options.markdown:
        write(options.markdown, "\n\n".join([pipes(COLUMNS, body, NUMBERS), NOTES, last]) + "\n")
    if "-" not in (options.json, options.markdown):
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        print_table(console, "Federated meta-learning", COLUMNS, body, NUMBERS)
        console.print(NOTES, highlight=False)
        console.print(last, highlight=False)
    return int(any(row.failed for row in found))


if __name__ == "__main__":
    sys.exit(main())
