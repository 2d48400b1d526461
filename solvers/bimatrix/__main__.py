"""`python -m solvers.bimatrix`: read a game, find its equilibria, certify them, draw them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from solvers._command import BadInput, Parser, complain, deliver, exit_status, json_file, outputs, progress
from solvers.core import NotSolved, Solution, Status

if TYPE_CHECKING:
    from solvers._command import Outputs
    from solvers.bimatrix._game import AnyProfile, BimatrixGame
    from solvers.bimatrix._report import Report
    from solvers.core import Evidence

    Claim: TypeAlias = Solution[Any]  # of profiles in floats or in rationals

EXACT_PIVOTS = 2_000  # in integers, where float64 gave no supports of an exact equilibrium; each may take 0.1 s
SUPPORTS = (10**3, 10**5, 10**7)  # pairs looked at for one equilibrium, before more of them
TOLERANCE = 1e-9  # of the range of a player's payoffs; an exact profile has none
DESCRIPTION = """\
Find equilibria of a two-player game, and show only those that an independent check certifies.

GAME is a Gambit .nfg file, or a .json file {"A": [[..], ..], "B": [[..], ..]}: the payoffs of the row and of the column
player, one list per strategy of the row player; a string such as "1/3" is a rational.
"""
EPILOG = """\
methods:
  lemke-howson  one equilibrium, by complementary pivoting; --all: those that paths of all labels reach
  closed-form   the completely mixed equilibrium, by determinants, of a game that has one; no --all
  supports      support by support; --all: every one, or with --exact the extreme ones, from which all others are mixed
  gambit        Gambit's lcp, or enummixed for --all, in rationals for --exact; needs certeq[gambit]
  nashpy        nashpy's Lemke-Howson, or its support enumeration for --all; needs certeq[peers]

exit status: 0 solved and certified, 1 not, 2 bad input, 130 interrupted
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m solvers.bimatrix",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("game", metavar="GAME", help="a .nfg or .json file")
    parser.add_argument("--all", action="store_true", help="every equilibrium that the method can find")
    parser.add_argument("--exact", action="store_true", help="probabilities as fractions, with regret exactly 0")
    label = "drop label K first (lemke-howson, nashpy): 0 to m-1 are the m rows, m to m+n-1 the n columns"
    parser.add_argument("--label", metavar="K", type=int, help=label)
    parser.add_argument("--method", choices=list(METHODS), default="lemke-howson", help="default: lemke-howson")
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    plot = "draw the best responses (2 by n, m by 2) and the Lemke-Howson path (.png, .svg or .pdf)"
    parser.add_argument("--plot", metavar="P", help=plot)
    kept = "write the game and its equilibria to P, to be checked without solvers: python -m verification check P"
    parser.add_argument("--certificate", metavar="P", help=kept)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: _answer(_parser().parse_args(given), given))


def _answer(options: argparse.Namespace, given: list[str]) -> int:
    kept = partial(_kept, options=options, given=given)
    files: Outputs[Report] = outputs(
        [(options.json, json_file), (options.plot, partial(_picture, options=options)), (options.certificate, kept)],
        inputs=(options.game,),
    )
    _check(options)
    report = _solve(options)
    if not report.stands:
        files = [(path, content) for path, content in files if content is json_file]
    status = deliver(report, files, as_json=options.json == "-")
    if not report.stands:
        complain(report.problem + ("; no certificate was written" if options.certificate else ""))
    return status


def _check(options: argparse.Namespace) -> None:
    """Refuses options that do not go together."""
    if options.plot:
        from solvers._figure import check_format

        check_format(Path(options.plot))
    if options.all and options.method == "closed-form":
        raise BadInput("--all needs a method that finds more than one equilibrium, got closed-form")
    if options.label is not None and options.method not in LABELLED:
        raise BadInput(f"--label goes with {' and '.join(LABELLED)}, got {options.method}")
    if options.label is not None and options.all:
        raise BadInput(f"--label chooses one path and --all takes every one, got both with label {options.label}")


def _solve(options: argparse.Namespace) -> Report:
    from solvers.bimatrix._json import load
    from solvers.bimatrix._report import Report

    start = time.perf_counter()
    with progress() as step:
        step("reading the game")
        game = load(options.game)
        _check_size(game, options)
        step(f"{options.method}: looking for equilibria")
        claim = _claim(game, options)
        step("certifying")
        certificates = tuple(_certificate(game, profile) for profile in claim.profiles)
    return Report(Path(options.game).name, game, claim, certificates, time.perf_counter() - start)


def _check_size(game: BimatrixGame, options: argparse.Namespace) -> None:
    if options.label is not None and not 0 <= options.label < sum(game.shape):
        rule = f"--label must be in 0..{sum(game.shape) - 1}, rows first, then columns"
        raise BadInput(f"{rule}, got {options.label}")
    if options.plot:
        from solvers.bimatrix._plot import check_size

        check_size(game)


def _certificate(game: BimatrixGame, profile: AnyProfile) -> Evidence:
    from verification import certify

    return certify(game, profile, tolerance=_tolerance(game, profile))


def _tolerance(game: BimatrixGame, profile: AnyProfile) -> Any:
    """What each player may gain: nothing where the profile is exact."""
    from solvers.bimatrix._game import RationalProfile

    return 0.0 if isinstance(profile, RationalProfile) else TOLERANCE * game.magnitudes()


def _kept(report: Report, *, options: argparse.Namespace, given: list[str]) -> bytes:
    """The certificate as a file."""
    from verification import certificate_files

    tolerances = [_tolerance(report.game, profile) for profile in report.claim.profiles]
    return certificate_files.bimatrix(report, tolerances=tolerances, arguments=given, source=options.game)


def _picture(report: Report, *, options: argparse.Namespace) -> bytes:
    from solvers.bimatrix._label_paths import lemke_howson_path
    from solvers.bimatrix._plot import picture

    label, game = options.label or 0, report.game
    path = lemke_howson_path(game, initial_label=label)
    if not _certificate(game, path[-1]).holds:
        raise NotSolved(f"the path of label {label} ends where no equilibrium is, so it is not drawn")
    return picture(game, report.profiles, path, label=label, suffix=Path(options.plot).suffix)


# --- methods -----------------------------------------------------------------------------------------------------


def _claim(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    """What the method says, in rationals if asked, and no more than one profile unless all are wanted."""
    claim = METHODS[options.method](game, options)
    if not options.all and len(claim.profiles) > 1:
        claim = replace(claim, profiles=claim.profiles[:1], complete=False)
    return _in_rationals(game, claim) if options.exact else claim


def _lemke_howson(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    from solvers.bimatrix._label_paths import lemke_howson_all
    from solvers.bimatrix._lemke_howson import lemke_howson, lemke_howson_exact

    if options.all:
        return lemke_howson_all(game)
    if options.exact:
        return lemke_howson_exact(game, initial_label=options.label, max_exact_pivots=EXACT_PIVOTS)
    return lemke_howson(game, initial_label=options.label)


def _closed_form(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    from solvers.bimatrix._closed_form import completely_mixed, completely_mixed_exact

    return completely_mixed_exact(game) if options.exact else completely_mixed(game)


def _supports(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    if options.all and options.exact:
        from solvers.bimatrix._extreme import extreme_equilibria

        return extreme_equilibria(game)
    return _every_support(game) if options.all else _first_support(game)


def _every_support(game: BimatrixGame) -> Claim:
    """Supports of one size, which are enough for most games, and of all sizes where they are not."""
    from solvers.bimatrix._supports import support_enumeration

    claim = support_enumeration(game)
    if claim.complete or claim.status is Status.LIMIT:
        return claim
    return support_enumeration(game, equal_size=False)


def _first_support(game: BimatrixGame) -> Claim:
    """The first equilibrium, looked for among more and more supports; one is all that is asked for."""
    from solvers.bimatrix._supports import support_enumeration

    for equal_size, limit in product((True, False), SUPPORTS):
        claim = support_enumeration(game, equal_size=equal_size, max_supports=limit)
        if claim.profiles:
            return replace(claim, status=Status.SOLVED)
    return claim


def _gambit(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    from solvers.bimatrix import backends

    solve = backends.gambit_enummixed if options.all else backends.gambit_lcp
    return solve(game, rational=options.exact)


def _nashpy(game: BimatrixGame, options: argparse.Namespace) -> Claim:
    from solvers.bimatrix import backends

    if options.all:
        return backends.nashpy_support_enumeration(game)
    return backends.nashpy_lemke_howson(game, initial_label=options.label or 0)


METHODS: dict[str, Callable[[BimatrixGame, argparse.Namespace], Claim]] = {
    "lemke-howson": _lemke_howson,
    "closed-form": _closed_form,
    "supports": _supports,
    "gambit": _gambit,
    "nashpy": _nashpy,
}
LABELLED = ("lemke-howson", "nashpy")


def _in_rationals(game: BimatrixGame, claim: Claim) -> Claim:
    """The exact equilibria of a claim's profiles; the status is that of the first that has none."""
    from solvers.bimatrix._exact import exact_equilibrium
    from solvers.bimatrix._game import RationalProfile

    if not claim.profiles or isinstance(claim.profiles[0], RationalProfile):
        return claim
    answers = [exact_equilibrium(game, profile) for profile in claim.profiles]
    found = tuple(dict.fromkeys(profile for answer in answers for profile in answer.profiles))
    method = f"{claim.method}, made exact"
    missing = [answer for answer in answers if not answer.profiles]
    if missing:
        stats = {**claim.stats, **missing[0].stats, "without_exact": len(missing)}
        return Solution(found, missing[0].status, method, stats=stats)
    if len(found) < len(claim.profiles):  # two readings of one equilibrium
        return Solution(found, claim.status, method, claim.complete, claim.stats)
    return replace(claim, profiles=found, method=method)


if __name__ == "__main__":
    sys.exit(main())
