"""Drawn pricing games of two families: `typical`, and `clustered4`, whose leader utility has several peaks.

The declaration is written once, as text in the scenario language; it serves a game in memory and a scenario on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import sympy as sp

from solvers.core import Array
from solvers.stackelberg import StackelbergGame
from solvers.stackelberg._aggregates import Mean

BOUNDS = (0.5, 60.0)
SLOWEST, FASTEST = 0.3, 3.0  # the range that normalises a decision

LEADER = "eta*H*log(1 + A - W/d) - (S + w*(d - y)/(x - y))*p"
FOLLOWER = "(S + w*(d - y)/(x - y))*p - k*W*d**2"
SHARE = "D/mean(D)"
CONSTRAINTS = {"deadline": ("W/d", "A"), "fastest": ("d", "hi"), "slowest": ("lo", "d")}


def _common(n: int, rng: np.random.Generator) -> dict[str, Array]:
    return {
        "lo": np.full(n, SLOWEST),
        "hi": rng.uniform(2.5, FASTEST, n),
        "W": rng.uniform(0.5, 2.0, n),
        "A": rng.uniform(3.0, 8.0, n),
        "H": rng.uniform(0.3, 1.0, n),
        "S": rng.uniform(0.3, 1.0, n),
        "D": rng.uniform(0.5, 1.5, n),
    }


def typical(n: int, rng: np.random.Generator) -> dict[str, Array]:
    """Costs spread evenly, on a log scale, over two decades: peaks of single followers, close to each other."""
    return {**_common(n, rng), "k": np.exp(rng.uniform(np.log(0.05), np.log(5.0), n))}


def clustered4(n: int, rng: np.random.Generator) -> dict[str, Array]:
    """Four cost clusters, each 8 times the one before: one peak per cluster, far apart.

    Followers that cost more also bring more, which keeps the peaks about equally high.
    """
    columns, cluster = _common(n, rng), rng.integers(0, 4, n)
    columns["k"] = np.array([0.05, 0.4, 3.2, 25.6])[cluster] * np.exp(rng.uniform(-0.05, 0.05, n))
    columns["H"] *= np.array([0.05, 0.3, 2.0, 2.0])[cluster]
    return columns


FAMILIES: Mapping[str, tuple[Callable[[int, np.random.Generator], dict[str, Array]], float]] = {
    "typical": (typical, 30.0),
    "clustered4": (clustered4, 60.0),
}


def draw(family: str, n: int, seed: int) -> dict[str, Array]:
    """The columns of a drawn game, each of shape (n,)."""
    return FAMILIES[family][0](n, np.random.default_rng([seed, n]))


def parameters(family: str) -> dict[str, float]:
    """The numbers that all followers of a family share."""
    return {"eta": FAMILIES[family][1], "y": SLOWEST, "x": FASTEST}


def game_of(family: str, columns: Mapping[str, Array]) -> StackelbergGame:
    """The game of these columns; everybody takes part, so that every method maximises the same function."""
    known = {name: sp.Symbol(name, real=True) for name in ("p", "d", "w", *columns, *parameters(family))}

    def expr(text: str) -> sp.Expr:
        return sp.parse_expr(text, local_dict={**known, "mean": Mean})  # our own text, not a user's

    return StackelbergGame.declare(
        price=known["p"],
        decision=known["d"],
        bounds=BOUNDS,
        leader_utility=expr(LEADER),
        follower_utility=expr(FOLLOWER),
        constraints={name: (expr(left), expr(right)) for name, (left, right) in CONSTRAINTS.items()},
        table=columns,
        parameters=parameters(family),
        derived={"w": expr(SHARE)},
        participation=False,
        title=family,
    )


def scenario(family: str, followers: str) -> str:
    """The same game as the TOML of a scenario whose followers are in a table of that name."""
    numbers = "\n".join(f"{name} = {value!r}" for name, value in parameters(family).items())
    constraints = "\n".join(f'{name} = "{left} <= {right}"' for name, (left, right) in CONSTRAINTS.items())
    return f"""\
title = "{family}"
[leader]
decision = "p"
bounds = [{BOUNDS[0]}, {BOUNDS[1]}]
utility = "{LEADER}"
[follower]
decision = "d"
utility = "{FOLLOWER}"
participation = false
[follower.constraints]
{constraints}
[parameters]
{numbers}
[derived]
w = "{SHARE}"
[followers]
table = "{followers}"
"""


def write_csv(path: Path, columns: Mapping[str, Array]) -> None:
    """Writes a table of followers, named 1 to n, as CSV."""
    n = len(next(iter(columns.values())))
    table = np.column_stack([np.arange(1, n + 1), *columns.values()])
    formats = ["%d", *["%.17g"] * len(columns)]
    np.savetxt(path, table, fmt=formats, delimiter=",", header=",".join(["name", *columns]), comments="")


def write_parquet(path: Path, columns: Mapping[str, Array]) -> None:
    """Writes the same table as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = len(next(iter(columns.values())))
    names = [str(k) for k in range(1, n + 1)]
    pq.write_table(pa.table({"name": names, **columns}), path)
