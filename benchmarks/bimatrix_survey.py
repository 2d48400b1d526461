"""Wrong answers: every family, in many units and shifts and with a little noise, through every solver."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.bimatrix_pairs import OURS, Line, Report, Tally
from benchmarks.bimatrix_peers import RAISED, NotRun, Outcome, Problem, attempted, certeq, claimed, quantecon
from solvers.bimatrix import BimatrixGame, backends
from verification.generators import FAMILIES, perturbed, rescaled

Change = Callable[[BimatrixGame, np.random.Generator], BimatrixGame]

SIZES = (2, 3, 5, 8, 12, 16, 20)
GAMBIT_LIMIT, NASHPY_LIMIT = 2.0, 0.5  # seconds
QUANTECON_LIMIT = 20_000  # pivots; paths of games of these sizes have some hundred
SCALES = (1e-11, 1e-6, 1e6, 1e15)
SHIFTS = (1e3, 1e6, 1e9)
NOISE = (1e-3, 1e-6, 1e-9, 1e-12)
CASE = "wrong or no profiles: every family, scale, shift and noise"


def _scaled(scale: float) -> Change:
    return lambda game, _: rescaled(game, scale)


def _shifted(shift: float) -> Change:
    return lambda game, _: rescaled(game, 1.0, shift)


def _noisy(size: float) -> Change:
    return lambda game, rng: perturbed(game, size, rng)


CHANGES: Mapping[str, Change] = {
    "as drawn": lambda game, _: game,
    **{f"times {scale:g}": _scaled(scale) for scale in SCALES},
    **{f"plus {shift:g}": _shifted(shift) for shift in SHIFTS},
    **{f"noise {size:g}": _noisy(size) for size in NOISE},
}


@dataclass(frozen=True)
class Survey:
    """How many games of each family under each change are drawn, and how many of them, on average, each peer gets."""

    games: int
    quotas: Mapping[str, float]
    sizes: tuple[int, ...] = SIZES

    def due(self, solver: str, index: int) -> bool:
        """Whether a solver gets this one of all drawn games: its share, evenly spread."""
        share = 1.0 if solver == OURS else self.quotas[solver] / self.games
        return math.floor((index + 1) * share) > math.floor(index * share)


@dataclass(frozen=True)
class Count:
    """The failures of each solver on one family under one change."""

    family: str
    change: str
    failures: Mapping[str, Tally]


def counts(survey: Survey, report: Report) -> list[Count]:
    """The failures of every solver, family by family and change by change."""
    found: list[Count] = []
    for family, change in product(FAMILIES, CHANGES):
        report(f"wrong profiles: {family}, {change}")
        found.append(Count(family, change, _failures(family, change, survey, len(found) * survey.games)))
    return found


def _failures(family: str, change: str, survey: Survey, start: int) -> Mapping[str, Tally]:
    tallies = dict.fromkeys((OURS, *survey.quotas), Tally())
    for seed in range(survey.games):
        problem = _problem(family, change, seed, survey.sizes)
        for solver in tallies:
            if survey.due(solver, start + seed):
                tallies[solver] = sum(_outcomes(solver, problem), tallies[solver])
    return tallies


def _problem(family: str, change: str, seed: int, sizes: tuple[int, ...]) -> Problem:
    rng = np.random.default_rng([seed, *map(ord, f"{family}/{change}")])
    game = CHANGES[change](FAMILIES[family](int(rng.choice(sizes)), rng), rng)
    return Problem(game, int(rng.integers(sum(game.shape))))


def _outcomes(solver: str, problem: Problem) -> Iterator[Outcome]:
    """Ours with the label and with none; a library that is not installed is not tried."""
    game, label = problem.game, problem.label or 0
    try:
        if solver == OURS:
            for prepared in (certeq(problem), certeq(Problem(game, None))):
                yield prepared.outcome(prepared.solve())
        elif solver == "quantecon":
            yield _quantecon(problem)
        elif solver == "gambit":
            yield claimed(game, backends.gambit_lcp(game, time_limit=GAMBIT_LIMIT))
        else:
            yield claimed(game, backends.nashpy_lemke_howson(game, initial_label=label, time_limit=NASHPY_LIMIT))
    except (NotRun, backends.NotInstalled):
        return


def _quantecon(problem: Problem) -> Outcome:
    prepared = quantecon(limit=QUANTECON_LIMIT)(problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nan and overflow: the verdict says it
        result = attempted(prepared.solve)
        return Outcome(1, 1) if result is RAISED else prepared.outcome(result)


def line(found: list[Count]) -> Line:
    """The line of the table about wrong profiles."""
    failures = total(found)
    mine = failures[OURS]
    return Line(CASE, "", mine.tried, asked="0", met=mine.failed == 0, binding=True, failures=failures)


def total(found: list[Count]) -> Mapping[str, Tally]:
    """The failures of each solver over all of these."""
    solvers = found[0].failures
    return {solver: sum((count.failures[solver] for count in found), Tally()) for solver in solvers}
