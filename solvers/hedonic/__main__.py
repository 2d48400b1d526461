"""`python -m solvers.hedonic`: read a game, find a stable partition, certify it, draw it."""

from __future__ import annotations

import argparse
import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers._command import BadInput, Parser, complain, deliver, exit_status, json_file, outputs, progress
from solvers.core import NotSolved, Solution, Status

if TYPE_CHECKING:
    from solvers._command import Outputs
    from solvers.hedonic._dynamics import Trajectory
    from solvers.hedonic._game import HedonicGame
    from solvers.hedonic._partition import Partition
    from solvers.hedonic._report import Cycle, Report

RESPONSES = ("best", "better")
ORDERS = ("fixed", "random", "most-gain")
PERMISSIONS = ("nash", "individual", "contractual", "contractual-nash")
EXACT = ("nash", "individual")
SECONDS = 60.0
SWITCHES = 10**6
ENUMERATED = 10**5  # partitions looked at one by one to confirm that none is stable
FALLBACK = 10**4  # switches made only to have something to show
LEAST = "The least unstable partition that was found"
LEFT = "Where switching was left"
ORIGINS = {
    "restart": "from a restart",
    "exact": "from the exact search",
    "enumeration": "from looking at all partitions",
}
RULES = ("order", "response", "permission", "history", "welfare", "max_switches")
DESCRIPTION = """\
Find a partition of players into coalitions that nobody gains by leaving alone, or show that there is none.

GAME is a .json file: {"kind": KIND, ...}, where KIND and its other keys are one of

  additively-separable, fractional, best, worst
                    "weights": n x n, or "edges": [[i, k, what i gets from k], ..]
  friends, enemies  "friends": n x n of 0 and 1, or "edges": [[i, k], ..]
  anonymous         "values": n x n, what player i gets in a coalition of 1, 2, .. members
  labelled          "base": n x slots, "weights", "sizes", and optionally "outside", "reputation", "speeds"

and all may have "title", "players" (names, or with edges their number), "slots" (how many) and "heads".
"""
EPILOG = """\
Without options: players switch to what is best for them, from several starts if need be; if that ends nowhere, an
exact search decides. With one of --order, --response, --permission, --history, --welfare and --max-switches: only the
switches are followed, by these rules, and what they come to is the answer, a cycle too. With --exact: only the search.

exit status: 0 solved and certified, 1 not, 2 bad input, 130 interrupted
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m solvers.hedonic",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("game", metavar="GAME", help="a .json file")
    start = "a .json file [[player, ..], ..] or {'partition': [[..], ..]}, such as this command writes: the start"
    parser.add_argument("--initial", metavar="P", help=start)
    parser.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    parser.add_argument("--plot", metavar="P", help="draw the partition and the switches (.png, .svg or .pdf)")
    kept = "write the game and its stable partition to P, to be checked without solvers: python -m verification check P"
    parser.add_argument("--certificate", metavar="P", help=kept)
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of whatever is drawn at random; default: 0")
    limit = f"for restarts and the exact search; default: {SECONDS:g}"
    parser.add_argument("--time-limit", metavar="S", type=float, help=limit)
    _add_exact(parser.add_argument_group("exact search (OR-Tools CP-SAT)"))
    _add_rules(parser.add_argument_group("rules of the switches"))
    return parser


def _add_exact(group: Any) -> None:
    group.add_argument("--exact", action="store_true", help="find a stable partition, or prove that there is none")
    group.add_argument("--best-welfare", action="store_true", help="the stable partition of highest welfare")


def _add_rules(group: Any) -> None:
    group.add_argument("--order", choices=ORDERS, help="who is next; default: fixed, player after player")
    group.add_argument("--response", choices=RESPONSES, help="to the best slot or the first better; default: best")
    asked = (
        "whose consent is needed: nobody's (nash, the default), that of those joined (individual), of those left too "
    )
    asked += "(contractual), only of those left (contractual-nash); the partition is to be stable in this sense"
    group.add_argument("--permission", choices=PERMISSIONS, help=asked)
    group.add_argument("--history", action="store_true", help="nobody joins a coalition again that it once joined")
    group.add_argument("--welfare", action="store_true", help="a switch must raise the sum of utilities too")
    group.add_argument("--max-switches", metavar="N", type=int, help=f"default: {SWITCHES:,}")


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: _answer(_parser().parse_args(given), given))


def _answer(options: argparse.Namespace, given: list[str]) -> int:
    kept = partial(_kept, options=options, given=given)
    files: Outputs[Report] = outputs(
        [(options.json, json_file), (options.plot, partial(_picture, options=options)), (options.certificate, kept)],
        inputs=(options.game, options.initial),
    )
    _check(options)
    report = _solve(options)
    lacking = bool(options.certificate) and not _provable(report)
    if lacking:
        files = [(path, content) for path, content in files if content is not kept]
    status = deliver(report, files, as_json=options.json == "-")
    if not report.stands:
        complain(report.problem + ("; no certificate was written" if lacking else ""))
    return status


def _check(options: argparse.Namespace) -> None:
    """Refuses options that do not go together, or have no meaning."""
    if options.initial == "":
        raise BadInput("--initial must be a .json file, got an empty name")
    if options.plot:
        from solvers._figure import check_format

        check_format(Path(options.plot))
    if options.exact:
        _check_exact(options)
    elif options.best_welfare:
        raise BadInput("--best-welfare chooses among all stable partitions, so it goes with --exact")
    if options.time_limit is not None and _follows(options):
        raise BadInput("--time-limit is for restarts and the exact search; switches alone have --max-switches")
    if options.time_limit is not None and not 0 < options.time_limit < math.inf:
        raise BadInput(f"--time-limit must be a positive number of seconds, got {options.time_limit:g}")
    if options.max_switches is not None and options.max_switches < 1:
        raise BadInput(f"--max-switches must be at least 1, got {options.max_switches}")
    if options.seed < 0:
        raise BadInput(f"--seed must be at least 0, got {options.seed}")


def _check_exact(options: argparse.Namespace) -> None:
    for name in RULES:
        if name != "permission" and getattr(options, name):
            raise BadInput(f"--exact looks at all partitions, so --{name.replace('_', '-')} does not go with it")
    if options.initial:
        raise BadInput("--exact looks at all partitions, so --initial does not go with it")
    if options.permission not in (None, *EXACT):
        raise BadInput(f"--exact decides {' or '.join(EXACT)} stability, got --permission {options.permission}")


def _follows(options: argparse.Namespace) -> bool:
    """Whether only the switches are to be followed."""
    return not options.exact and any(getattr(options, name) for name in RULES)


def _solve(options: argparse.Namespace) -> Report:
    from solvers.hedonic._json import load
    from solvers.hedonic._placing import load_partition

    start = time.perf_counter()
    with progress() as step:
        step("reading the game")
        game = load(options.game)
        initial = load_partition(options.initial, game) if options.initial else None
        step("looking for a stable partition")
        claim = _claim(game, initial, options)
        step("checking the answer")
        return _checked(game, claim, options, start)


def _claim(game: HedonicGame, initial: Partition | None, options: argparse.Namespace) -> Solution[Partition]:
    """What the solver says."""
    import numpy as np

    if options.exact:
        from solvers.hedonic._exact import exact

        concept, limit = options.permission or "nash", options.time_limit or SECONDS
        return exact(game, concept=concept, maximize_welfare=options.best_welfare, time_limit=limit)
    if _follows(options):
        return _followed(game, initial, options)
    from solvers.hedonic._solve import solve

    return solve(
        game, initial=initial, time_limit=options.time_limit or SECONDS, rng=np.random.default_rng(options.seed)
    )


def _followed(game: HedonicGame, initial: Partition | None, options: argparse.Namespace) -> Trajectory:
    """Where the switches lead by the rules that the options name."""
    import numpy as np

    from solvers.hedonic._dynamics import best_response, better_response

    respond = better_response if options.response == "better" else best_response
    return respond(
        game,
        initial,
        order=options.order or "fixed",
        permission=options.permission or "nash",
        history=options.history,
        welfare=options.welfare,
        max_switches=options.max_switches or SWITCHES,
        rng=np.random.default_rng(options.seed),
    )


# --- checks ------------------------------------------------------------------------------------------------------


def _checked(game: HedonicGame, claim: Solution[Partition], options: argparse.Namespace, start: float) -> Report:
    """The claim with the certificate of its partition, the verdicts of all concepts, and its cycle replayed."""
    from solvers.hedonic._listing import distinguished
    from solvers.hedonic._potential import potential
    from solvers.hedonic._report import Report
    from solvers.hedonic._stability import StabilityGame, stability
    from solvers.hedonic._words import Asked
    from verification import certify

    asked = Asked(options.permission or "nash", options.history, options.welfare, options.exact)
    shown = _shown(game, claim, asked.permission)
    partition = shown.partition if distinguished(game) else shown.partition.canonical
    wanted = StabilityGame(game, asked.permission)
    return Report(
        file=Path(options.game).name,
        game=game,
        claim=claim,
        asked=asked,
        partition=partition,
        unstable=shown.unstable,
        origin=shown.origin,
        certificate=certify(wanted, partition, tolerance=wanted.tolerances),
        stability=stability(game, partition),
        cycle=_cycle(game, claim),
        potential=potential(game, welfare=options.welfare),
        enumerated=shown.enumerated,
        seconds=time.perf_counter() - start,
    )


class _Shown(NamedTuple):
    """A partition, what it is called if it is not stable, what found it, and how many were looked at."""

    partition: Partition
    unstable: str
    origin: str = ""
    enumerated: int = 0


def _shown(game: HedonicGame, claim: Solution[Partition], permission: str) -> _Shown:
    """The stable partition, or else one that is worth a look, and how many were looked at to see that none is."""
    from solvers.hedonic._dynamics import Trajectory, best_response

    if isinstance(claim, Trajectory):
        return _Shown(claim.last, LEFT)
    if claim.profiles:
        found_by = claim.stats.get("found by", "exact")
        return _Shown(claim.profiles[0], "The partition that was claimed", ORIGINS.get(found_by, ""))
    found = _by_enumeration(game, permission) if claim.status is Status.NONE_EXISTS else None
    if found is not None:
        from solvers.hedonic._listing import number_of_partitions

        unstable = LEAST if permission == "nash" else "The partition with the least gain by any switch"
        return _Shown(found, unstable, ORIGINS["enumeration"], number_of_partitions(game))
    if hasattr(claim, "least_unstable"):
        return _Shown(claim.least_unstable, LEAST, "the best of all runs")
    return _Shown(best_response(game, permission=permission, max_switches=FALLBACK).last, LEFT)


def _by_enumeration(game: HedonicGame, permission: str) -> Partition | None:
    """A stable partition, if there is one after all, or the one of the least regret; None if there are too many."""
    from solvers.hedonic._enumeration import enumerate_stable, least_regret

    try:
        stable = enumerate_stable(game, permission, limit=ENUMERATED).profiles
        return stable[0] if stable else least_regret(game, limit=ENUMERATED)
    except NotSolved:
        return None


def _trajectory(claim: Solution[Partition]) -> Trajectory | None:
    """The switches that the claim comes with, if any."""
    from solvers.hedonic._dynamics import Trajectory

    return claim if isinstance(claim, Trajectory) else getattr(claim, "trajectory", None)


def _cycle(game: HedonicGame, claim: Solution[Partition]) -> Cycle | None:
    """The claim's cycle, replayed by the game's utilities alone."""
    import numpy as np

    from solvers.hedonic._dynamics import replay
    from solvers.hedonic._game import gain_tolerance
    from solvers.hedonic._report import Cycle

    trajectory = _trajectory(claim)
    if trajectory is None or trajectory.cycle_start is None or claim.status is Status.SOLVED:
        return None
    start, switches = trajectory.cycle_start, trajectory.cycle
    last, gains = replay(game, start, switches)
    gaining = bool(np.all(gains > gain_tolerance(game)[switches.players]))
    return Cycle(start, switches, gains, holds=gaining and last == start and len(switches) > 0)


def _provable(report: Report) -> bool:
    """Whether a certificate can hold what was found: a stable partition, that there is none, or a cycle."""
    if report.stands or (report.cycle is not None and report.cycle.holds):
        return True
    return report.status is Status.NONE_EXISTS and report.enumerated > 0


def _kept(report: Report, *, options: argparse.Namespace, given: list[str]) -> bytes:
    """The certificate as a file."""
    from solvers.hedonic._game import gain_tolerance
    from verification import certificate_files

    tolerances = gain_tolerance(report.game)
    return certificate_files.hedonic(report, tolerances=tolerances, arguments=given, source=options.game)


def _picture(report: Report, *, options: argparse.Namespace) -> bytes:
    from solvers.hedonic._dynamics import best_response
    from solvers.hedonic._plot import picture

    game, permission, run = report.game, report.asked.permission, _trajectory(report.claim)
    which = "the first run"
    if run is None:  # an exact search has none
        run, which = best_response(game, permission=permission, max_switches=FALLBACK), "a run by best response"
    same = not report.origin or run.last.canonical == report.partition.canonical
    return picture(
        game,
        report.partition,
        run,
        title=game.title or report.file,
        what=report.certificate.concept if report.certificate.holds else report.unstable,
        note="" if same else f"{which}; the partition is {report.origin}",
        suffix=Path(options.plot).suffix,
    )


if __name__ == "__main__":
    sys.exit(main())
