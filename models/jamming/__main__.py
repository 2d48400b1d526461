"""`python -m models.jamming`: solve a jamming game, certify the answer, set learning radios beside it, draw it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.jamming._options import LARGEST_JSON, asked, check, described, parser
from solvers._command import BadInput, complain, deliver, exit_status, json_file, outputs, progress
from solvers.core import InvalidGame, Solution, Status

if TYPE_CHECKING:
    from models.jamming._judged import Judged, Play
    from models.jamming._model import JammingModel
    from models.jamming._pairs import Learnt
    from models.jamming._report import Report
    from solvers._command import Outputs
    from solvers.stochastic._game import StationaryProfile
    from solvers.stochastic._switching import SwitchingGame

TOLERANCE = 1e-9  # of the range of a player's payoffs
LARGEST = 40_000_000  # probabilities of one profile: 100 channels at 20 powers
LARGEST_PIVOTING = 20_000_000  # entries of all stage games, where each of them has to be solved


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    return exit_status(lambda: _answer(parser().parse_args(given), given))


def _answer(options: argparse.Namespace, given: list[str]) -> int:
    kept = partial(_kept, options=options, given=given)
    files: Outputs[Report] = outputs(
        [(options.json, json_file), (options.plot, partial(_picture, options=options)), (options.certificate, kept)], ()
    )
    check(options)
    model = described(options)
    _check_size(model, options)
    report = _solve(model, options)
    if not report.stands:
        files = [(path, content) for path, content in files if content is json_file]
    status = deliver(report, files, as_json=options.json == "-")
    if not report.stands:
        complain(report.problem + ("; no certificate was written" if options.certificate else ""))
    return status


def _check_size(model: JammingModel, options: argparse.Namespace) -> None:
    """Refuses a game whose strategies fill the memory, or the JSON file."""
    numbers = model.channels**2 * sum(model.shape)
    if numbers > LARGEST:
        raise BadInput(f"a profile must have at most {LARGEST:,} probabilities, got {_size(model, numbers)}")
    if options.certificate and 2 * numbers > LARGEST_JSON:
        rule = f"a certificate holds at most {LARGEST_JSON:,} probabilities"
        raise BadInput(f"{rule}, got {_size(model, 2 * numbers)}")
    if options.json and not options.brief and 2 * numbers > LARGEST_JSON:
        rule = f"the JSON holds at most {LARGEST_JSON:,} probabilities, leave them out with --brief"
        raise BadInput(f"{rule}, got {_size(model, 2 * numbers)}")


def _size(model: JammingModel, numbers: int) -> str:
    states, (m, n) = model.channels**2, model.shape
    return f"{numbers:,} in {states:,} states with {m:,} and {n:,} actions"


# --- solving -----------------------------------------------------------------------------------------------------


def _solve(model: JammingModel, options: argparse.Namespace) -> Report:
    from models.jamming._pairs import left_out
    from models.jamming._report import Report

    start = time.perf_counter()
    game = model.game(options.discount)
    with progress() as step:
        step("solving the stage games")
        stage = _stage_wise(model, game)
        step("looking for a Markov-perfect equilibrium")
        perfect, why_not = _perfect(model, game, options)
        step("following the play")
        play = None if perfect.profile is None else _play(model, game, perfect.profile)
        learning = tuple(_simulated(model, game, options, step))
    return Report(
        model=model,
        asked=asked(options),
        stage=stage,
        perfect=perfect,
        closed_form_fails=why_not,
        play=play,
        learning=learning,
        left_out=left_out(options.sensing) if options.steps else (),
        brief=options.brief,
        seconds=time.perf_counter() - start,
    )


def _simulated(model: JammingModel, game: SwitchingGame, options: argparse.Namespace, step: Any) -> Iterator[Learnt]:
    from models.jamming._pairs import simulated

    how = {"runs": options.runs, "seed": options.seed, "sensing": options.sensing}
    return simulated(model, game, options.steps, **how, step=step)


def _stage_wise(model: JammingModel, game: SwitchingGame) -> Judged:
    """An equilibrium of every stage game; the certificate is that of a game in which no future counts."""
    from solvers.stochastic._equilibrium import stage_equilibria

    claim, why_not = _closed_form(model, 0.0)
    if claim is None:
        _check_pivoting(model, why_not)
        claim = stage_equilibria(game)
    return _judged(claim, game.with_discount(0.0), game)


def _perfect(model: JammingModel, game: SwitchingGame, options: argparse.Namespace) -> tuple[Judged, str]:
    """A Markov-perfect equilibrium, and why there is none in closed form."""
    import numpy as np

    from solvers.stochastic._equilibrium import markov_perfect

    claim, why_not = _closed_form(model, game.discount)
    if claim is None:
        _check_pivoting(model, why_not)
        claim = markov_perfect(game, tolerance=TOLERANCE, rng=np.random.default_rng(options.seed))
    return _judged(claim, game, game), why_not


def _closed_form(model: JammingModel, discount: float | None) -> tuple[Solution[StationaryProfile] | None, str]:
    """The completely mixed equilibrium, or why there is none in closed form."""
    from models.jamming._closed_form import closed_form

    try:
        claim = closed_form(model, discount=discount)
    except InvalidGame as problem:  # the formulas are not about such models
        return None, str(problem)
    if claim.status is Status.SOLVED:
        return claim, ""
    return None, str(claim.stats["reason"])


def _check_pivoting(model: JammingModel, why_not: str) -> None:
    """Refuses to solve stage games one by one where that takes hours."""
    m, n = model.shape
    entries = model.channels**2 * m * n
    if entries > LARGEST_PIVOTING:
        rule = f"without a closed form ({why_not}) the stage games may have at most {LARGEST_PIVOTING:,} entries"
        raise BadInput(f"{rule}, got {entries:,}: {m:,} by {n:,} actions in {model.channels**2:,} states")


def _judged(claim: Solution[StationaryProfile], certified: SwitchingGame, played: SwitchingGame) -> Judged:
    """The claim with its certificate in one game, and what deviating is worth in another, once that holds."""
    from models.jamming._judged import Judged
    from solvers.stochastic._exploitability import exploitability
    from verification import certify

    tolerances = TOLERANCE * played.magnitudes()
    if not claim.profiles:
        return Judged(claim, None, None, tolerances)
    profile = claim.profiles[0]
    certificate = certify(certified, profile, tolerance=TOLERANCE * certified.magnitudes())
    known = certificate.holds or certified is played
    return Judged(claim, certificate, exploitability(played, profile) if known else None, tolerances)


def _play(model: JammingModel, game: SwitchingGame, profile: StationaryProfile) -> Play:
    """How the game goes on and on at the equilibrium."""
    from models.jamming._judged import Play
    from models.jamming._rates import rates
    from solvers.stochastic._chain import markov_chain

    found = rates(model, profile)
    return Play(markov_chain(game, profile), found.jam, (found.transmitter_hop, found.jammer_hop))


def _kept(report: Report, *, options: argparse.Namespace, given: list[str]) -> bytes:
    """The certificate as a file."""
    from verification import certificate_files

    game = report.model.game(options.discount)
    tolerances = TOLERANCE * game.magnitudes()  # of the stage games, too: they have the same payoffs
    return certificate_files.jamming(report, game=game, tolerances=tolerances, arguments=given)


def _picture(report: Report, *, options: argparse.Namespace) -> bytes:
    from models.jamming._plot import picture

    return picture(report, suffix=Path(options.plot).suffix)


if __name__ == "__main__":
    sys.exit(main())
