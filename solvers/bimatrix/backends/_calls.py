"""How each library is called, in the worker process. Nothing here is checked: that is for the process that asked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from solvers.bimatrix import _convert
from solvers.bimatrix._gambit import pygambit
from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix.backends._own import OWN
from solvers.bimatrix.backends._wire import words
from solvers.core import Solution


@dataclass(frozen=True)
class Found:
    """What a library returned, as it returned it, and what it said about it."""

    profiles: Iterable[Any]
    notes: Mapping[str, Any] = field(default_factory=dict)


Solve: TypeAlias = Callable[[], Found]
Method: TypeAlias = Callable[..., Solve]  # of a game and options; conversion happens before the clock starts


@dataclass(frozen=True)
class Library:
    """A library: its import, its methods, and its profiles as plain lists."""

    name: str
    version: Callable[[], str]
    methods: Mapping[str, Method]
    plain: Callable[[Any], list[Any]]


def _arrays(profile: Any) -> list[Any]:
    """A pair of arrays, of whatever shapes, as lists of floats."""
    return [np.asarray(strategy, dtype=np.float64).tolist() for strategy in profile]


# --- gambit ----------------------------------------------------------------------------------------------------------


def _gambit_version() -> str:
    return str(pygambit().__version__)


def _gambit_table(game: BimatrixGame, rational: bool) -> Any:
    """The game in Gambit's form; for its exact methods with float64 payoffs as they are, not as short decimals."""
    if rational:
        A, B = (payoffs.rows() for payoffs in game.rational_payoffs)
        return _convert.to_pygambit(BimatrixGame(A, B))
    return _convert.to_pygambit(game)


def _gambit_lcp(game: BimatrixGame, *, rational: bool, stop_after: int | None) -> Solve:
    table, nash = _gambit_table(game, rational), pygambit().nash
    return lambda: Found(nash.lcp_solve(table, rational=rational, stop_after=stop_after).equilibria)


def _gambit_enummixed(game: BimatrixGame, *, rational: bool) -> Solve:
    table, nash = _gambit_table(game, rational), pygambit().nash
    return lambda: Found(nash.enummixed_solve(table, rational=rational).equilibria)


def _gambit_lp(game: BimatrixGame, *, rational: bool) -> Solve:
    table, nash = _gambit_table(game, rational), pygambit().nash
    return lambda: Found([nash.lp_solve(table, rational=rational).equilibrium])


def _gambit_enumpure(game: BimatrixGame) -> Solve:
    table, nash = _convert.to_pygambit(game), pygambit().nash
    return lambda: Found(nash.enumpure_solve(table).equilibria)


def _gambit_logit(game: BimatrixGame, *, tolerance: float) -> Solve:
    table, nash = _convert.to_pygambit(game), pygambit().nash

    def solve() -> Found:
        result = nash.logit_solve(table, maxregret=tolerance)
        found = [] if result.equilibrium is None else [result.equilibrium]
        return Found(found, {"said": "" if result.success else f"ended with {result.reason.name}"})

    return solve


def _gambit_profile(profile: Any) -> list[Any]:
    """Both strategies, in the game's order: floats, or words for rationals."""
    players = profile.game.players
    strategies = [[profile[p][s] for s in profile.game.get_strategies(p)] for p in players]
    if all(isinstance(value, float) for strategy in strategies for value in strategy):
        return strategies
    return [words(Fraction(v.numerator, v.denominator) for v in strategy) for strategy in strategies]


# --- nashpy ----------------------------------------------------------------------------------------------------------


def _nashpy_version() -> str:
    return str(importlib.import_module("nashpy").__version__)


def _nashpy_lemke_howson(game: BimatrixGame, *, initial_label: int) -> Solve:
    table = _convert.to_nashpy(game)
    return lambda: Found([table.lemke_howson(initial_dropped_label=initial_label)])


def _nashpy_support_enumeration(game: BimatrixGame, *, equal_size: bool) -> Solve:
    table = _convert.to_nashpy(game)
    return lambda: Found(list(table.support_enumeration(non_degenerate=equal_size)))


def _nashpy_vertex_enumeration(game: BimatrixGame) -> Solve:
    table = _convert.to_nashpy(game)
    return lambda: Found(list(table.vertex_enumeration()))


# --- quantecon -------------------------------------------------------------------------------------------------------


def _quantecon_version() -> str:
    return str(importlib.import_module("quantecon").__version__)


def _quantecon_lemke_howson(game: BimatrixGame, *, initial_label: int, max_pivots: int) -> Solve:
    table, library = _convert.to_quantecon(game), importlib.import_module("quantecon.game_theory")

    def solve() -> Found:
        profile, result = library.lemke_howson(table, initial_label, max_pivots, full_output=True)
        said = "" if result.converged else f"stopped at {result.num_iter} pivots without converging"
        return Found([profile], {"pivots": int(result.num_iter), "said": said})

    return solve


def _quantecon_support_enumeration(game: BimatrixGame) -> Solve:
    table, library = _convert.to_quantecon(game), importlib.import_module("quantecon.game_theory")
    return lambda: Found(library.support_enumeration(table))


def _quantecon_vertex_enumeration(game: BimatrixGame) -> Solve:
    table, library = _convert.to_quantecon(game), importlib.import_module("quantecon.game_theory")
    return lambda: Found(library.vertex_enumeration(table))


# --- certeq ----------------------------------------------------------------------------------------------------------


def _certeq_version() -> str:
    return "(this one)"


def _certeq(solver: str) -> Method:
    def call(game: BimatrixGame, **options: Any) -> Solve:
        function = getattr(importlib.import_module("solvers.bimatrix"), solver)
        return lambda: _claimed(function(game, **options))

    return call


def _claimed(solution: Solution[Any]) -> Found:
    plain = {name: value for name, value in solution.stats.items() if isinstance(value, str | int | float)}
    return Found(solution.profiles, {**plain, "status": solution.status.name, "complete": solution.complete})


def _certeq_profile(profile: Any) -> list[Any]:
    return [words(strategy) for strategy in profile] if isinstance(profile, RationalProfile) else _arrays(profile)


GAMBIT: Mapping[str, Method] = {
    "lcp": _gambit_lcp,
    "enummixed": _gambit_enummixed,
    "lp": _gambit_lp,
    "enumpure": _gambit_enumpure,
    "logit": _gambit_logit,
}
NASHPY: Mapping[str, Method] = {
    "lemke_howson": _nashpy_lemke_howson,
    "support_enumeration": _nashpy_support_enumeration,
    "vertex_enumeration": _nashpy_vertex_enumeration,
}
QUANTECON: Mapping[str, Method] = {
    "lemke_howson": _quantecon_lemke_howson,
    "support_enumeration": _quantecon_support_enumeration,
    "vertex_enumeration": _quantecon_vertex_enumeration,
}
CERTEQ: Mapping[str, Method] = {solver: _certeq(solver) for solver in OWN}
LIBRARIES = {
    "certeq": Library("certeq", _certeq_version, CERTEQ, _certeq_profile),
    "gambit": Library("pygambit", _gambit_version, GAMBIT, _gambit_profile),
    "nashpy": Library("nashpy", _nashpy_version, NASHPY, _arrays),
    "quantecon": Library("quantecon", _quantecon_version, QUANTECON, _arrays),
}
