"""Whether a stable partition exists at all: found and checked, or proved not to, by a complete search."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from solvers.core import InvalidGame, NotSolved, Solution, Status
from solvers.hedonic import _exact_boxes
from solvers.hedonic._exact_choice import by_boxes, program_of
from solvers.hedonic._exact_program import Program
from solvers.hedonic._exact_switching import walked_into
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._partition import Partition
from solvers.hedonic._verdicts import is_stable

CONCEPTS = ("nash", "individual")
MAX_CUTS = 10_000
WALKING = 0.1  # seconds for each player


def exact(
    game: HedonicGame,
    *,
    concept: str = "nash",
    maximize_welfare: bool = False,
    time_limit: float = 60.0,
    workers: int = 2,
) -> Solution[Partition]:
    """A stable partition, of maximal welfare if so wished, or the proof that there is none, by a complete search.

    `concept` is "nash" or "individual". A gain within `gain_tolerance(game)` is no reason to leave. The program that is
    searched admits every stable partition, real numbers being rounded outwards; so if it has no solution the status is
    NONE_EXISTS. A solution is returned only if the game's own utilities show that it is stable; otherwise it is cut off
    and the search goes on: `stats` counts them under "cut_off".

    With `maximize_welfare`, `stats` has the partition's "welfare" and a "bound" that no stable partition exceeds.
    SOLVED then means that the two agree up to rounding. At TIME_LIMIT, the best stable partition found, if any, is the
    profile, and not proved best. `time_limit` is in seconds; the building of the program, seconds for the largest,
    counts but is not interrupted. `workers` is the number of threads; with several, which of several partitions is
    found may vary. In games of labelled slots, and with symmetric weights, short walks of best switches come before the
    search; where one ends in a stable partition, `stats` has "walked".

    The search is by constraint programming, with one exception: a Nash-stable partition of labelled slots with shared
    pay for reputation, no speeds, and more movers than fit in a table, is looked for by branch and prune, in one
    thread; its compiling, at the first call, is not counted in the time limit. `method` says which it was.

    Raises
    ------
    InvalidGame
        If the concept is neither, the time limit is not positive, there is no worker, or the game is too large for the
        encodings that fit it.
    NotSolved
        If OR-Tools is not installed, and the search is by constraint programming.

    References
    ----------
    Bogomolnaia, Jackson: The stability of hedonic coalition structures, Games and Economic Behavior 38, 2002.
    Sung, Dimitrov: Computational complexity in additive hedonic games, European J. of Operational Research 203, 2010:
    that existence is NP-complete, in the strong sense.

    Examples
    --------
    One player runs after the other, who runs away.

    >>> from solvers.hedonic._pairwise import AdditivelySeparableGame
    >>> chase = AdditivelySeparableGame([[0, 1], [-1, 0]])
    >>> exact(chase).status.name
    'NONE_EXISTS'
    >>> exact(chase, concept="individual").require().coalitions
    ((0,), (1,))
    """
    _check(concept, time_limit, workers)
    if concept == "nash" and not maximize_welfare and isinstance(game, LabelledGame) and by_boxes(game):
        return _by_boxes(game, time_limit)
    _require_ortools()
    start, clock = time.perf_counter(), _Clock(time_limit)
    program = program_of(game, concept)
    search = _Search(program, clock, workers)
    search.stats["seconds_to_build"] = time.perf_counter() - start
    status = search.decide()
    if maximize_welfare and status is Status.SOLVED:
        status = search.improve()
    search.stats["seconds"] = time.perf_counter() - start
    profiles = () if search.best is None else (search.best,)
    return Solution(profiles, status, "cp-sat", complete=status is Status.NONE_EXISTS, stats=search.stats)


def _by_boxes(game: LabelledGame, time_limit: float) -> Solution[Partition]:
    """The answer for shared pay: of a walk, or of branch and prune."""
    clock = _Clock(time_limit)
    walked = walked_into(game, min(WALKING * game.players, time_limit / 4))
    if walked is not None and is_stable(game, walked, "nash", gain_tolerance(game)):
        stats = {"walked": True, "welfare": game.welfare(walked), "seconds": time_limit - clock.left()}
        return Solution((walked,), Status.SOLVED, _exact_boxes.METHOD, stats=stats)
    return _exact_boxes.decide(game, clock.left())


@dataclass
class _Clock:
    """The time that is left, in seconds."""

    limit: float
    start: float = field(default_factory=time.perf_counter)

    def left(self) -> float:
        return self.limit - (time.perf_counter() - self.start)


class _Search:
    """A program, the best stable partition found in it, and what was spent."""

    def __init__(self, program: Program, clock: _Clock, workers: int) -> None:
        self.program, self.clock, self.workers = program, clock, workers
        self.best: Partition | None = None
        self.stats: dict[str, Any] = {
            "encoding": program.encoding,
            "variables": len(program.model.proto.variables),
            "constraints": len(program.model.proto.constraints),
            "cut_off": 0,
            "searches": 0,
            "conflicts": 0,
        }

    def decide(self) -> Status:
        """Find a stable partition."""
        if self.program.walks:
            walked = walked_into(self.program.game, min(WALKING * self.program.game.players, self.clock.left() / 4))
            if walked is not None and self._stable(walked):
                self._keep(walked)
                self.stats["walked"] = True
                return Status.SOLVED
        for _ in range(MAX_CUTS):
            found, partition, _bound = self._next()
            if partition is None:
                return Status.TIME_LIMIT if found else Status.NONE_EXISTS
            if self._stable(partition):
                self._keep(partition)
                return Status.SOLVED
            self._cut_off(partition)
        return Status.LIMIT

    def improve(self) -> Status:
        """Find one of maximal welfare, from a first."""
        program = self.program
        program.maximize()
        self.stats["bound"] = math.inf
        for _ in range(MAX_CUTS):
            if self.best is not None:
                program.hint(self.best)
            unfinished, partition, bound = self._next()
            if partition is None and not unfinished:
                self.stats["bound"] = self.stats["welfare"]
                return Status.SOLVED
            self.stats["bound"] = max(min(self.stats["bound"], bound), self.stats["welfare"])
            if partition is None:
                return Status.TIME_LIMIT
            stable = self._stable(partition)
            if stable:
                self._keep(partition)
            if self.stats["bound"] <= self.stats["welfare"] + program.precision:
                return Status.SOLVED
            if unfinished:
                return Status.TIME_LIMIT
            self._cut_off(partition, stable=stable)
        return Status.LIMIT

    def _next(self) -> tuple[bool, Partition | None, float]:
        """Whether the search was stopped at the time limit, a solution of the program, and a bound of the welfare."""
        from ortools.sat.python import cp_model

        left = self.clock.left()
        if left <= 0:
            return True, None, math.inf
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = left
        solver.parameters.num_workers = self.workers
        for name, value in self.program.parameters.items():
            setattr(solver.parameters, name, value)
        status = solver.solve(self.program.model)
        self.stats["searches"] += 1
        self.stats["conflicts"] += solver.num_conflicts
        if status == cp_model.MODEL_INVALID:
            raise RuntimeError(f"exact: OR-Tools does not accept the program: {self.program.model.validate()}")
        has_objective = self.program.model.has_objective()
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            bound = self.program.bound(solver.best_objective_bound) if has_objective else math.inf
            found = self.program.partition(solver.value)
            return status == cp_model.FEASIBLE and has_objective, found, bound
        return status != cp_model.INFEASIBLE, None, math.inf  # an unfinished search may report a bound of 0

    def _stable(self, partition: Partition) -> bool:
        game = self.program.game
        return is_stable(game, partition, self.program.concept, gain_tolerance(game))

    def _keep(self, partition: Partition) -> None:
        """Remember a stable partition, if none of at least its welfare is known."""
        welfare = self.program.game.welfare(partition)
        if self.best is None or welfare > self.stats["welfare"]:
            self.best = partition
            self.stats["welfare"] = welfare

    def _cut_off(self, partition: Partition, *, stable: bool = False) -> None:
        self.stats["cut_off"] += not stable
        self.program.refine(partition)
        self.program.exclude(partition)


def _check(concept: str, time_limit: float, workers: int) -> None:
    if concept not in CONCEPTS:
        raise InvalidGame(f"concept must be one of {', '.join(CONCEPTS)}, got {concept!r}")
    if not (time_limit > 0 and math.isfinite(time_limit)):
        raise InvalidGame(f"time_limit must be positive and finite, in seconds, got {time_limit}")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidGame(f"workers must be a whole number >= 1, got {workers}")


def _require_ortools() -> None:
    try:
        import ortools.sat.python.cp_model  # noqa: F401
    except ModuleNotFoundError as error:
        raise NotSolved("exact needs OR-Tools: pip install 'certeq[ortools]'") from error
    except ImportError as error:
        clash = "another library, such as the highspy that CVXPY loads, may have brought a HiGHS of its own"
        advice = "import ortools.sat.python.cp_model first, or use another process"
        raise NotSolved(f"exact cannot load OR-Tools in this process, where {clash}; {advice} ({error})") from error
