"""The ways of finding the leader's price that are compared; each takes a game and returns a callable that finds it.

What a method can prepare once per game happens before it returns; the callable is what is timed as its warm run.
"""

from __future__ import annotations

import importlib
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from scipy.optimize import direct

from solvers.core import Status
from solvers.stackelberg import StackelbergGame, bisection, bounded, solve

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
GOLDEN_WIDTH = 1e-9  # of the price interval, where golden section stops
IPOPT_SECONDS = 120.0  # its default is no limit; it hardly ever needs this one


class NotRun(RuntimeError):
    """A method that cannot be run here; the message says why."""


@dataclass(frozen=True)
class Found:
    """A price, whether the method reports success, and its own figures."""

    price: float
    success: bool
    stats: Mapping[str, float]


Search: TypeAlias = Callable[[], Found]
Method: TypeAlias = Callable[[StackelbergGame], Search]


def ours(game: StackelbergGame) -> Search:
    """Certified global search."""

    def search() -> Found:
        solution = solve(game)
        return Found(solution.profiles[0].price, solution.status is Status.SOLVED, solution.stats)

    return search


def scipy_bounded(game: StackelbergGame) -> Search:
    """Brent's bounded method on the closed form."""
    return lambda: _claim(bounded(game))


def slope_bisection(game: StackelbergGame) -> Search:
    """Bisection on the slope of the closed form."""
    return lambda: _claim(bisection(game))


def _claim(solution: Any) -> Found:
    return Found(solution.profiles[0].price, solution.status is Status.SOLVED, solution.stats)


def scipy_direct(maxfun: int | None) -> Method:
    """DIRECT on the closed form, with a limit on evaluations, or SciPy's own."""

    def method(game: StackelbergGame) -> Search:
        def search() -> Found:
            found = direct(lambda x: -game.leader_utility(float(x[0])), [game.bounds], maxfun=maxfun)
            return Found(float(found.x[0]), bool(found.success), {"evaluations": float(found.nfev)})

        return search

    return method


# --- golden section over a modelling language ----------------------------------------------------------------------


def golden_cvxpy(game: StackelbergGame) -> Search:
    """Golden section; each evaluation solves all followers as one parametrised CVXPY problem."""
    followers = _convex_followers(game)
    return lambda: _golden(lambda price: game.leader_utility(price, followers.best_response(price)), game.bounds)


def _convex_followers(game: StackelbergGame) -> Any:
    try:
        importlib.import_module("cvxpy")
        module = importlib.import_module("solvers.stackelberg._convex")
    except ImportError as problem:
        raise NotRun(f"{problem.name} is not installed") from None
    return module.ConvexFollowers(game)


def _golden(utility: Callable[[float], float], bounds: tuple[float, float]) -> Found:
    low, high = bounds
    width, evaluations = high - low, 2
    left, right = high - GOLDEN * width, low + GOLDEN * width
    at_left, at_right = utility(left), utility(right)
    while high - low > GOLDEN_WIDTH * width:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = utility(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = utility(right)
        evaluations += 1
    return Found(left if at_left >= at_right else right, True, {"evaluations": float(evaluations)})


# --- a mathematical program with equilibrium constraints -----------------------------------------------------------


def mpec_ipopt(game: StackelbergGame) -> Search:
    """Pyomo: the followers' KKT conditions as complementarity constraints; Ipopt from CasADi solves the result.

    The search starts from the middle of the price interval and of each follower's limits. Writing the model is part of
    the preparation, solving it is what is timed.
    """
    try:
        casadi = importlib.import_module("casadi")
        importlib.import_module("pyomo.mpec")
    except ImportError as problem:
        raise NotRun(f"{problem.name} is not installed") from None
    nl, place = _import_nl(casadi, *_mpec(game))
    parts = {"x": casadi.vertcat(*nl.x), "f": nl.f, "g": casadi.vertcat(*nl.g)}
    quiet = {"print_time": False, "ipopt.print_level": 0, "ipopt.sb": "yes"}
    solver = casadi.nlpsol("mpec", "ipopt", parts, quiet | {"ipopt.max_cpu_time": IPOPT_SECONDS})

    def search() -> Found:
        found = solver(x0=nl.x_init, lbx=nl.x_lb, ubx=nl.x_ub, lbg=nl.g_lb, ubg=nl.g_ub)
        stats = solver.stats()
        price = float(np.clip(float(found["x"][place]), *game.bounds))  # Ipopt may leave its bounds by 1e-8
        return Found(price, bool(stats["success"]), {"iterations": float(stats["iter_count"])})

    return search


def _mpec(game: StackelbergGame) -> tuple[Any, Any]:
    """The Pyomo model and its price: KKT conditions derived from the declaration, not written by hand."""
    import pyomo.environ as pyo
    from pyomo.mpec import Complementarity, complements

    d = game.declaration
    gaps = [constraint.gap for constraint in d.constraints]
    multipliers = [sp.Symbol(f"multiplier_{k}") for k in range(len(gaps))]
    stationarity = sp.diff(d.follower_utility - sum(u * g for u, g in zip(multipliers, gaps, strict=True)), d.decision)
    limits, followers = game.limits(game.bounds[0]), range(len(game.names))
    columns = {s: np.broadcast_to(game.values[s.name], len(game.names)) for s in d.parameters}

    model = pyo.ConcreteModel()
    model.price = pyo.Var(bounds=game.bounds, initialize=sum(game.bounds) / 2)
    middle = 0.5 * (limits.low + limits.high)
    model.decision = pyo.Var(followers, bounds=(1e-6, None), initialize=lambda _, i: float(middle[i]))
    model.multiplier = pyo.Var(followers, range(len(gaps)), bounds=(0, None), initialize=0.0)

    symbols = [d.price, d.decision, *multipliers, *columns]
    as_pyomo = {"log": pyo.log, "exp": pyo.exp, "sqrt": pyo.sqrt}
    leader, flat, *slacks = (
        sp.lambdify(symbols, e, modules=[as_pyomo]) for e in (d.leader_utility, stationarity, *(-g for g in gaps))
    )

    def at(i: int) -> list[Any]:
        duals = [model.multiplier[i, k] for k in range(len(gaps))]
        return [model.price, model.decision[i], *duals, *(float(column[i]) for column in columns.values())]

    model.utility = pyo.Objective(expr=sum(leader(*at(i)) for i in followers), sense=pyo.maximize)
    model.stationary = pyo.Constraint(followers, rule=lambda _, i: flat(*at(i)) == 0)
    model.slack = Complementarity(
        followers,
        range(len(gaps)),
        rule=lambda m, i, k: complements(m.multiplier[i, k] >= 0, slacks[k](*at(i)) >= 0),
    )
    pyo.TransformationFactory("mpec.simple_nonlinear").apply_to(model)
    return model, model.price


def _import_nl(casadi: Any, model: Any, price: Any) -> tuple[Any, int]:
    """The model as CasADi reads it from an .nl file, and the place of the price among its variables."""
    from pyomo.repn.plugins.nl_writer import NLWriter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mpec.nl")
        with path.open("w", newline="") as stream:
            info = NLWriter().write(model, stream)
        nl = casadi.NlpBuilder()
        nl.import_nl(str(path))
    return nl, next(k for k, variable in enumerate(info.variables) if variable is price)
