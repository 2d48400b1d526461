"""`python -m verification properties`: every property of the solvers, on as many drawn games as wanted."""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from solvers._command import BadInput, Outputs, Parser, deliver, exit_status, json_file, outputs, progress

if TYPE_CHECKING:
    from verification.properties import Property
    from verification.properties._report import PropertiesReport

EXAMPLES = 100
MOST_EXAMPLES, MOST_WORKERS = 10**9, 1_000
FAMILIES = ("bimatrix", "stackelberg", "hedonic", "stochastic", "learning", "reputation", "federated", "ledger")
STORE = Path(".certeq", "properties")
EPILOG = f"""\
What is done is kept in a folder. A run that was killed goes on when the same command is given again, as long as the
code is the same; later runs start with the games that failed before. A game that breaks a property is made as small as
possible and written to a file that the solver's own command loads.

families: {", ".join(FAMILIES)}

exit status: 0 no property fails, 1 one does, 2 bad input, 130 interrupted
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m verification properties",
        description="Every property of the solvers by name: examples tried, worst residual, time and verdict.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only this one; may be repeated")
    parser.add_argument("--property", metavar="NAME", action="append", help="only this one; may be repeated")
    parser.add_argument("--examples", metavar="N", type=int, default=EXAMPLES, help=f"of each; default: {EXAMPLES}")
    parser.add_argument("--seconds", metavar="S", type=float, help="begin nothing after so many")
    parser.add_argument("--seed", metavar="K", type=int, default=0, help="of what is drawn; default: 0")
    parser.add_argument("--workers", metavar="W", type=int, help="processes; default: one for each processor")
    parser.add_argument("--store", metavar="FOLDER", type=Path, default=STORE, help=f"default: {STORE}")
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    parser.add_argument("--html", metavar="P", help="write a page that needs no network")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(_parser().parse_args(arguments)))


def _answer(options: argparse.Namespace) -> int:
    _check(options)
    from verification.properties._report import PropertiesReport

    files: Outputs[PropertiesReport] = outputs([(options.json, json_file), (options.html, PropertiesReport.html)], ())
    return deliver(_tried(options), files, as_json=options.json == "-")


def _check(options: argparse.Namespace) -> None:
    """Refuses numbers that have no meaning."""
    if not 1 <= options.examples <= MOST_EXAMPLES:
        raise BadInput(f"--examples must be within 1 and {MOST_EXAMPLES:,}, got {options.examples}")
    if options.seconds is not None and not 0 < options.seconds < math.inf:
        raise BadInput(f"--seconds must be a positive number, got {options.seconds:g}")
    if options.seed < 0:
        raise BadInput(f"--seed must be at least 0, got {options.seed}")
    if options.workers is not None and not 1 <= options.workers <= MOST_WORKERS:
        raise BadInput(f"--workers must be within 1 and {MOST_WORKERS:,}, got {options.workers}")


def _tried(options: argparse.Namespace) -> PropertiesReport:
    from verification.properties import run
    from verification.properties._report import PropertiesReport

    start = time.perf_counter()
    with progress() as step:
        far = step("trying properties")
        try:
            tries = run(
                _chosen(options),
                examples=options.examples,
                seconds=options.seconds,
                seed=options.seed,
                workers=options.workers or os.cpu_count() or 1,
                folder=options.store,
                progress=far,
            )
        except KeyboardInterrupt as stop:
            stop.add_note(f"what is done is kept in {options.store}: the same command goes on")
            raise
    return PropertiesReport(tries, options.seed, time.perf_counter() - start, str(options.store))


def _chosen(options: argparse.Namespace) -> list[Property]:
    from verification.properties import properties

    every = properties(*(options.family or ()))
    if not options.property:
        return list(every)
    names = [each.name for each in every]
    for name in options.property:
        if name not in names:
            raise BadInput(f"--property must be one of {', '.join(names)}, got {name[:60]!r}")
    return [each for each in every if each.name in options.property]
