"""Drawn Stackelberg games, the symbols of their declarations, and what they are worth by ball arithmetic."""

from __future__ import annotations

import flint
import numpy as np
import sympy as sp
from hypothesis import strategies as st

from solvers.stackelberg import StackelbergGame
from verification.stackelberg_games import GameData, IncentiveData
from verification.stackelberg_strategies import ORDINARY_KINDS, incentive_games, stackelberg_games

BITS = 300  # of the ball arithmetic
p, x, w = sp.symbols("p x w", real=True)

games = stackelberg_games(kinds=ORDINARY_KINDS)
incentives = incentive_games(kinds=ORDINARY_KINDS)
shares = st.floats(0.0, 1.0)


def balls(data: GameData, game: StackelbergGame, price: float) -> list[tuple[flint.arb, flint.arb, flint.arb]]:
    """Each follower's decision, leader term and its slope in the price, from the game's own numbers."""
    one = _incentive_ball if isinstance(data, IncentiveData) else _pricing_ball
    return [one(q, flint.arb(price)) for q in _rows(game)]


def exact_kinks(data: GameData, game: StackelbergGame) -> list[flint.arb]:
    """The prices at which followers reach a limit, from the game's own numbers."""
    if not isinstance(data, IncentiveData):
        return [t for q in _rows(game) for t in (q["w"] / q["k"], q["w"] / (q["k"] + q["cap"]))]
    kinks = []
    for q in _rows(game):
        low = max(q["lo"], q["W"] / (q["T_max"] - q["T_comm"]), key=lambda b: b.mid())
        kinks += [low / _steepness(q), q["hi"] / _steepness(q)]
    return kinks


def _incentive_ball(q: dict[str, flint.arb], at: flint.arb) -> tuple[flint.arb, flint.arb, flint.arb]:
    gap, steep = q["hi_j"] - q["lo_j"], _steepness(q)
    d, moves = _clip(steep * at, [q["lo"], q["W"] / (q["T_max"] - q["T_comm"])], [q["hi"]])
    slack = 1 + q["T_max"] - q["W"] / d - q["T_comm"]
    paid = q["S"] + q["s"] * (d - q["lo_j"]) / gap
    direct, through = -paid, q["eta"] * q["H"] * q["W"] / (d * d * slack) - q["s"] * at / gap
    value = q["eta"] * q["H"] * slack.log() - paid * at - q["H"] * q["I_rep"]
    return d, value, direct + (through * steep if moves else 0)


def _pricing_ball(q: dict[str, flint.arb], at: flint.arb) -> tuple[flint.arb, flint.arb, flint.arb]:
    d, moves = _clip(q["w"] / at - q["k"], [flint.arb(0)], [q["cap"]])
    margin = at - q["cost"]
    return d, margin * d, d - (margin * q["w"] / (at * at) if moves else 0)


def _rows(game: StackelbergGame) -> list[dict[str, flint.arb]]:
    """The game's numbers, follower by follower, as exact balls."""
    columns = {name: np.broadcast_to(value, (len(game.names),)) for name, value in game.values.items()}
    return [{name: flint.arb(float(col[j])) for name, col in columns.items()} for j in range(len(game.names))]


def _steepness(q: dict[str, flint.arb]) -> flint.arb:
    """E of (39), without the price."""
    return q["s"] / (2 * q["rho"] * q["zeta"] * q["W"] * (q["hi_j"] - q["lo_j"]))


def _clip(point: flint.arb, lows: list[flint.arb], highs: list[flint.arb]) -> tuple[flint.arb, bool]:
    """The point moved into its limits, and whether it was inside."""
    low, high = max(lows, key=lambda b: b.mid()), min(highs, key=lambda b: b.mid())
    if point.mid() <= low.mid():
        return low, False
    return (high, False) if point.mid() >= high.mid() else (point, True)
