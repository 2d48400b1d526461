"""The solvers that are compared; each takes a problem and returns what is timed and what judges its result.

Games are converted before the clock starts, unless the case is about construction. Every profile is judged alike: by
`verification.certify`, at 1e-9 of each player's payoff range.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from solvers.bimatrix import backends, lemke_howson, lemke_howson_batch
from solvers.bimatrix._convert import to_pygambit
from solvers.bimatrix._exact import exact_equilibrium
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.core import Array, NotSolved, Solution, Status
from verification import certify

TOLERANCE = 1e-9  # of each player's payoff range
NASHPY_LIMIT = 3.0  # seconds
PIVOTS = 10**6  # quantecon's own limit


RAISED = object()  # in place of a result


class NotRun(RuntimeError):
    """A solver that cannot be run here; the message says why."""


@dataclass(frozen=True)
class Problem:
    """A game and the label to drop, None where any equilibrium will do."""

    game: BimatrixGame
    label: int | None


@dataclass(frozen=True)
class Stack:
    """Payoffs of many games of one shape, (games, m, n) each."""

    A: Array
    B: Array

    def games(self) -> Iterable[BimatrixGame]:
        """Each game by itself."""
        return (BimatrixGame(a, b) for a, b in zip(self.A, self.B, strict=True))


class Outcome(NamedTuple):
    """How many profiles were asked for and how many of them are not equilibria, or whether a limit of ours ended it."""

    tried: int = 0
    failed: int = 0
    stopped: bool = False


class Prepared(NamedTuple):
    """What is timed, and what judges its result afterwards."""

    solve: Callable[[], Any]
    outcome: Callable[[Any], Outcome]


Contender: TypeAlias = Callable[[Any], Prepared]


def holds(game: BimatrixGame, profile: Any) -> bool:
    """Whether a profile is an equilibrium; one of the wrong shape is not."""
    row, column = profile
    if (np.shape(row), np.shape(column)) != ((game.shape[0],), (game.shape[1],)):
        return False
    if isinstance(profile, RationalProfile):
        return certify(game, profile).holds
    return certify(game, Profile(row, column), tolerance=TOLERANCE * game.magnitudes()).holds


def judged(game: BimatrixGame, profile: Any) -> Outcome:
    """The outcome of one profile."""
    return Outcome(1, int(not holds(game, profile)))


def claimed(game: BimatrixGame, solution: Solution[Any]) -> Outcome:
    """The outcome of a solution, which has failed without a profile too."""
    return Outcome(1, int(solution.status is not Status.SOLVED or not holds(game, solution.require())))


def attempted(solve: Callable[[], Any]) -> Any:
    """What a peer returns, or `RAISED`."""
    try:
        return solve()
    except Exception:  # noqa: BLE001 - whatever a library raises, it is no profile
        return RAISED


# --- certeq --------------------------------------------------------------------------------------------------------


def certeq(problem: Problem) -> Prepared:
    """Lemke-Howson in this package."""
    game, label = problem.game, problem.label
    return Prepared(lambda: lemke_howson(game, initial_label=label), lambda solution: claimed(game, solution))


def certeq_exact(problem: Problem) -> Prepared:
    """An exact equilibrium from payoffs as arrays: nothing that a game remembers helps the next call."""
    A, B, label = problem.game.A, problem.game.B, problem.label

    def solve() -> Solution[Any]:
        game = BimatrixGame(A, B)
        return exact_equilibrium(game, lemke_howson(game, initial_label=label).require())

    return Prepared(solve, lambda solution: claimed(problem.game, solution))


def certeq_batch(stack: Stack) -> Prepared:
    """All games of a stack in one call, on one thread."""

    def outcome(batch: Any) -> Outcome:
        profiles = zip(stack.games(), batch.row, batch.column, batch.solved, strict=True)
        verdicts = [bool(solved) and holds(game, (x, y)) for game, x, y, solved in profiles]
        return Outcome(len(verdicts), verdicts.count(False))

    return Prepared(lambda: lemke_howson_batch(stack.A, stack.B, initial_label=0, parallel=False), outcome)


# --- peers ---------------------------------------------------------------------------------------------------------


def library(name: str) -> Any:
    """A peer's module.

    Raises
    ------
    NotRun
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise NotRun(f"{problem.name} is not installed") from None


def quantecon(*, capping: int | None = None, limit: int = PIVOTS, excused: bool = False) -> Contender:
    """quantecon's Lemke-Howson; it drops label 0 where any equilibrium will do.

    `capping` tries all labels for so many pivots first. A path that has not ended after `limit` pivots is no failure if
    that is `excused`.
    """

    def contender(problem: Problem) -> Prepared:
        theory, game = library("quantecon.game_theory"), problem.game
        table, label = _quantecon_game(theory, game.A, game.B), problem.label or 0

        def outcome(found: Any) -> Outcome:
            profile, result = found if excused else (found, None)
            return Outcome(stopped=True) if excused and result.num_iter >= limit else judged(game, profile)

        return Prepared(lambda: theory.lemke_howson(table, label, limit, capping, full_output=excused), outcome)

    return contender


def quantecon_loop(stack: Stack) -> Prepared:
    """quantecon's Lemke-Howson on one game after the other, their construction included."""
    theory = library("quantecon.game_theory")

    def solve() -> list[Any]:
        pairs = zip(stack.A, stack.B, strict=True)
        return [theory.lemke_howson(_quantecon_game(theory, A, B), init_pivot=0) for A, B in pairs]

    def outcome(found: list[Any]) -> Outcome:
        verdicts = [holds(game, profile) for game, profile in zip(stack.games(), found, strict=True)]
        return Outcome(len(verdicts), verdicts.count(False))

    return Prepared(solve, outcome)


def _quantecon_game(theory: Any, A: Array, B: Array) -> Any:
    """Writable copies: Numba would compile quantecon's kernels anew for read-only arrays."""
    return theory.NormalFormGame([theory.Player(np.array(A)), theory.Player(np.array(B.T, order="C"))])


def gambit_rational(problem: Problem) -> Prepared:
    """Gambit's linear complementarity solver in rationals, until its first equilibrium."""
    gambit, game = library("pygambit"), problem.game
    table = to_pygambit(game)

    def outcome(result: Any) -> Outcome:
        found = [_fractions(profile) for profile in result.equilibria]
        return judged(game, found[0]) if found else Outcome(1, 1)

    return Prepared(lambda: gambit.nash.lcp_solve(table, rational=True, stop_after=1), outcome)


def _fractions(profile: Any) -> RationalProfile:
    players = profile.game.players
    row, column = ([profile[player][s] for s in profile.game.get_strategies(player)] for player in players)
    return RationalProfile(*(tuple(Fraction(p.numerator, p.denominator) for p in s) for s in (row, column)))


def nashpy(problem: Problem) -> Prepared:
    """nashpy's Lemke-Howson, on games on which it returns an equilibrium in another process within a time limit.

    Raises
    ------
    NotRun
        If it is not installed.
    Unfinished
        If it does not.
    """
    module, game, label = library("nashpy"), problem.game, problem.label or 0
    if claimed(game, backends.nashpy_lemke_howson(game, initial_label=label, time_limit=NASHPY_LIMIT)).failed:
        raise Unfinished(f"no equilibrium within {NASHPY_LIMIT:g} s")
    table = module.Game(game.A, game.B)
    return Prepared(lambda: table.lemke_howson(initial_dropped_label=label), lambda pair: judged(game, pair))


class Unfinished(NotSolved):
    """A game that a peer cannot solve, so that its time means nothing."""
