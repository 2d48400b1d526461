"""`python -m verification errata`: every numbered statement of two papers, its witness recomputed."""

from __future__ import annotations

import argparse
import time

from solvers._command import Outputs, Parser, deliver, exit_status, json_file, outputs, progress
from verification.errata import PAPERS, examine, records
from verification.errata._report import ErrataReport


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m verification errata",
        description="Every numbered statement of the two papers, with a verdict and a witness that is recomputed.",
        epilog="Exit status: 0 every witness bears out its verdict, 1 one does not, 2 bad input, 130 interrupted.",
    )
    parser.add_argument("--paper", choices=list(PAPERS), help="only this one")
    parser.add_argument("--json", metavar="P", help="write the findings as JSON to P, or to standard output for -")
    parser.add_argument("--markdown", metavar="P", help="write the page of the documentation")
    parser.add_argument("--latex", metavar="P", help="write a LaTeX document")
    parser.add_argument("--html", metavar="P", help="write a page with formulas and pictures that needs no network")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(_parser().parse_args(arguments)))


def _answer(options: argparse.Namespace) -> int:
    files: Outputs[ErrataReport] = outputs(
        [
            (options.json, json_file),
            (options.markdown, lambda report: report.markdown().encode()),
            (options.latex, lambda report: report.latex().encode()),
            (options.html, ErrataReport.html),
        ],
        (),
    )
    return deliver(_examined(options.paper), files, as_json=options.json == "-")


def _examined(paper: str | None) -> ErrataReport:
    start, findings = time.perf_counter(), []
    with progress() as step:
        far = step("recomputing witnesses")
        every = records(*([paper] if paper else []))
        for k, record in enumerate(every):
            findings.append(examine(record))
            far(k + 1, len(every))
    return ErrataReport(tuple(findings), time.perf_counter() - start)
