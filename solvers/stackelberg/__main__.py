"""`python -m solvers.stackelberg`: declare, derive, prove, solve, certify, draw."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from solvers._command import (
    BadInput,
    Content,
    Outputs,
    Parser,
    complain,
    deliver,
    exit_status,
    json_file,
    outputs,
    progress,
)

if TYPE_CHECKING:
    from solvers.stackelberg._convex import Comparison
    from solvers.stackelberg._game import StackelbergGame
    from solvers.stackelberg._report import Report

SCENARIOS = sorted(path.stem for path in Path(__file__).with_name("scenarios").glob("*.toml"))
TOLERANCE = 1e-9  # of each player's payoffs, as large as they are


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m solvers.stackelberg",
        description="Derive and prove a Stackelberg game's KKT cases, and solve it to a certified global optimum.",
        epilog=f"Bundled scenarios: {', '.join(SCENARIOS)}. Exit status: 0 solved and certified, 1 not, 2 bad input.",
    )
    parser.add_argument("scenario", nargs="?", default="gfml", help="a bundled name or a TOML file (default: gfml)")
    parser.add_argument("--followers", metavar="CSV", help="a CSV or Parquet file in place of the scenario's own")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="another value of a parameter")
    parser.add_argument("--check", choices=["fast", "cvxpy"], default="fast", help="cvxpy: ask its solvers as well")
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    parser.add_argument("--latex", metavar="P", help="write the case table as a LaTeX document")
    parser.add_argument("--plot", metavar="P", help="draw the leader's utility and the cases (.png, .svg or .pdf)")
    kept = "write the game and its equilibrium to P, to be checked without solvers: python -m verification check P"
    parser.add_argument("--certificate", metavar="P", help=kept)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: _answer(_parser().parse_args(given), given))


def _answer(options: argparse.Namespace, given: list[str]) -> int:
    suffix = Path(options.plot or "").suffix
    kept = partial(_kept, given=given)
    wanted: list[tuple[str | None, Content[Report]]] = [
        (options.json, json_file),
        (options.latex, _latex),
        (options.plot, lambda report: _picture(report, suffix)),
        (options.certificate, kept),
    ]
    files: Outputs[Report] = outputs(wanted, inputs=(options.scenario, options.followers))
    if options.plot:
        from solvers._figure import check_format

        check_format(Path(options.plot))
    report = _solve(options)
    lacking = bool(options.certificate) and not report.stands
    if lacking:
        files = [(path, content) for path, content in files if content is not kept]
    status = deliver(report, files, as_json=options.json == "-")
    if lacking:
        complain("the answer is not solved and certified; no certificate was written")
    return status


def _solve(options: argparse.Namespace) -> Report:
    from solvers.stackelberg._local import bisection, bounded
    from solvers.stackelberg._prove import prove
    from solvers.stackelberg._report import Report
    from solvers.stackelberg._scenario import load
    from solvers.stackelberg._solve import solve
    from verification import certify

    start = time.perf_counter()
    with progress() as step:
        reading = step("reading followers")
        game = load(options.scenario, followers=options.followers, parameters=_settings(options.set), progress=reading)
        step("deriving the cases")
        table = game.cases
        step("proving them")
        proof = prove(table)
        step("finding the price")
        solution = solve(game)
        profile = solution.profiles[0]
        step("certifying")
        certificate = certify(game, profile, tolerance=TOLERANCE * game.magnitudes(profile))
        step("trying local methods")
        local = (bisection(game.among(profile)), bounded(game.among(profile)))
        checks = _checks(game.among(profile), profile.price) if options.check == "cvxpy" else ()
    seconds = time.perf_counter() - start
    return Report(options.scenario, game, solution, certificate, table, proof, local, checks, seconds)


def _checks(game: StackelbergGame, price: float) -> tuple[Comparison, ...]:
    from solvers.stackelberg._convex import compare

    return tuple(compare(game, p) for p in (game.bounds[0], price, game.bounds[1]))


def _settings(pairs: list[str]) -> dict[str, float]:
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            values[name.strip()] = float(text)
        except ValueError:
            raise BadInput(f"--set must be NAME=VALUE with a number, got {pair[:60]!r}") from None
        if not equals:
            raise BadInput(f"--set must be NAME=VALUE with a number, got {pair[:60]!r}")
    return values


def _kept(report: Report, *, given: list[str]) -> bytes:
    """The certificate as a file."""
    from verification import _stackelberg_files

    tolerance = TOLERANCE * report.game.magnitudes(report.profile)
    return _stackelberg_files.stackelberg(report, tolerance=tolerance, arguments=given, source=_source(report.scenario))


def _source(scenario: str) -> Path:
    """The scenario's file."""
    return Path(__file__).with_name("scenarios") / f"{scenario}.toml" if scenario in SCENARIOS else Path(scenario)


def _latex(report: Report) -> bytes:
    return report.table.latex().encode()


def _picture(report: Report, suffix: str) -> bytes:
    from solvers.stackelberg._plot import picture

    return picture(report.game, report.profile, suffix=suffix)


if __name__ == "__main__":
    sys.exit(main())
