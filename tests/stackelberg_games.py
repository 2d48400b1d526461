"""Stackelberg games to draw, and what they are worth by plain NumPy and by ball arithmetic.

`Incentive` is the game of Baccour et al. (22)-(24), `Pricing` a textbook monopoly price. Either builds the declared
game and, by formulas written down here a second time, its followers' best responses and the leader's utility: nothing
below the line "oracle" uses the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import flint
import numpy as np
import sympy as sp
from hypothesis import strategies as st

from solvers.core import Array
from solvers.stackelberg import StackelbergGame
from solvers.stackelberg._aggregates import Greatest, Least, Mean, Total

BITS = 300  # of the ball arithmetic
I, delta, p, x = sp.symbols("I delta p x", real=True)  # noqa: E741  # the paper's letters
_NAMES = "D c zeta S H T_comm T_max lo hi eta I_rep rho tau W s H_mean lo_j hi_j"
D, c, zeta, S, H, T_comm, T_max, lo, hi, eta, I_rep, rho, tau, W, s, H_mean, lo_j, hi_j = sp.symbols(_NAMES, real=True)
w, k, cap, cost = sp.symbols("w k cap cost", real=True)


@dataclass(frozen=True)
class Drawn:
    """Columns (n,), parameters and price bounds of one game."""

    columns: dict[str, Array]
    parameters: dict[str, float]
    bounds: tuple[float, float]

    form: ClassVar[dict[str, object]]

    @property
    def n(self) -> int:
        return len(next(iter(self.columns.values())))

    def game(self, *, participation: bool = False, **changes: object) -> StackelbergGame:
        given = {"table": self.columns, "parameters": self.parameters, "bounds": self.bounds, **self.form, **changes}
        return StackelbergGame.declare(participation=participation, **given)

    def but(self, bounds: tuple[float, float] | None = None, **changes: Array | float) -> Drawn:
        """The same game with other columns, parameters or bounds."""
        columns = {name: changes.get(name, value) for name, value in self.columns.items()}
        parameters = {name: changes.get(name, value) for name, value in self.parameters.items()}
        unknown = changes.keys() - columns.keys() - parameters.keys()
        assert not unknown, unknown
        return replace(self, columns=columns, parameters=parameters, bounds=bounds or self.bounds)

    def prices(self, *shares: float) -> list[float]:
        low, high = self.bounds
        return [min(max(low + share * (high - low), low), high) for share in shares]

    # --- oracle ----------------------------------------------------------------------------------------------------

    def terms(self, prices: Array) -> Array:
        """What each follower brings the leader, (m, n), for prices (m, 1)."""
        raise NotImplementedError

    def kinks(self) -> Array:
        raise NotImplementedError

    def best_found(self) -> tuple[float, float]:
        """The best price of a dense grid, all kinks and finer grids around the best points, and its utility."""
        low, high = self.bounds
        kinks = self.kinks()
        prices = np.unique(np.concatenate([np.linspace(low, high, 1501), kinks[(kinks > low) & (kinks < high)]]))
        values = self.leader(prices)
        found = [(float(values.max()), float(prices[np.argmax(values)]))]
        for peak in np.argsort(values)[-6:]:
            a, b = prices[max(peak - 1, 0)], prices[min(peak + 1, len(prices) - 1)]
            for _ in range(8):
                fine = np.linspace(a, b, 21)
                at = self.leader(fine)
                top = int(np.argmax(at))
                found.append((float(at[top]), float(fine[top])))
                a, b = fine[max(top - 1, 0)], fine[min(top + 1, 20)]
        value, price = max(found)
        return price, value

    def exact_kinks(self, game: StackelbergGame) -> list[flint.arb]:
        """The prices at which followers reach a limit, from the game's own numbers."""
        raise NotImplementedError

    def leader(self, prices: Array) -> Array:
        """The leader's utility, (m,), for prices (m,)."""
        return np.sum(self.terms(np.asarray(prices)[:, None]), axis=1)

    def magnitude(self, price: float) -> float:
        """How large the numbers are whose sum is the leader's utility: what rounding is relative to."""
        raise NotImplementedError


class Incentive(Drawn):
    form: ClassVar[dict[str, object]] = {
        "price": I,
        "decision": delta,
        "leader_utility": eta * H * sp.log(1 + T_max - W / delta - T_comm)
        - (S + s * (delta - lo_j) / (hi_j - lo_j)) * I
        - H * I_rep,
        "follower_utility": (S + s * (delta - lo_j) / (hi_j - lo_j)) * I + H_mean * I_rep - rho * zeta * W * delta**2,
        "constraints": {"deadline": W / delta + T_comm <= T_max, "fastest": delta <= hi, "slowest": delta >= lo},
        "derived": {"W": tau * c * D, "s": D / Total(D), "H_mean": Mean(H), "lo_j": Least(lo), "hi_j": Greatest(hi)},
    }

    # --- oracle: gfml closed forms of (32), (33), with share s_i and the normaliser over own limits -------------------

    def _data(self) -> tuple[Array, ...]:
        q = {**self.columns, **self.parameters}
        work, share = q["tau"] * q["c"] * q["D"], q["D"] / np.sum(q["D"])
        gap = np.max(q["hi"]) - np.min(q["lo"])
        steep = share / (2 * q["rho"] * q["zeta"] * work * gap)
        low = np.maximum(q["lo"], work / (q["T_max"] - q["T_comm"]))
        return work, share, np.float64(gap), steep, np.minimum(low, q["hi"])

    def response(self, prices: Array) -> Array:
        _, _, _, steep, low = self._data()
        return np.clip(steep * prices, low, self.columns["hi"])

    def kinks(self) -> Array:
        _, _, _, steep, low = self._data()
        return np.concatenate([low / steep, self.columns["hi"] / steep])

    def _parts(self, prices: Array) -> tuple[Array, Array, Array]:
        work, share, gap, _, _ = self._data()
        q, at = {**self.columns, **self.parameters}, self.response(prices)
        log = np.log(1 + q["T_max"] - work / at - q["T_comm"])
        paid = (q["S"] + share * (at - np.min(q["lo"])) / gap) * prices
        return q["eta"] * q["H"] * log, paid, q["H"] * q["I_rep"] + 0 * at

    def terms(self, prices: Array) -> Array:
        gained, paid, reputation = self._parts(prices)
        return gained - paid - reputation

    def magnitude(self, price: float) -> float:
        own = np.sum(self.parameters["eta"] * self.columns["H"] * (1 + self.columns["T_max"]))
        return float(own + sum(np.sum(np.abs(part)) for part in self._parts(np.array([[price]]))))

    def balls(self, game: StackelbergGame, price: float) -> list[tuple[flint.arb, flint.arb, flint.arb]]:
        """Each follower's decision, leader term and its slope in the price, from the game's own numbers."""
        rows = []
        for q in _rows(game):
            at = flint.arb(price)
            gap, steep = q["hi_j"] - q["lo_j"], _steepness(q)
            d, moves = _clip(steep * at, [q["lo"], q["W"] / (q["T_max"] - q["T_comm"])], [q["hi"]])
            slack = 1 + q["T_max"] - q["W"] / d - q["T_comm"]
            paid = q["S"] + q["s"] * (d - q["lo_j"]) / gap
            direct, through = -paid, q["eta"] * q["H"] * q["W"] / (d * d * slack) - q["s"] * at / gap
            value = q["eta"] * q["H"] * slack.log() - paid * at - q["H"] * q["I_rep"]
            rows.append((d, value, direct + (through * steep if moves else 0)))
        return rows

    def exact_kinks(self, game: StackelbergGame) -> list[flint.arb]:
        kinks = []
        for q in _rows(game):
            low = max(q["lo"], q["W"] / (q["T_max"] - q["T_comm"]), key=lambda b: b.mid())
            kinks += [low / _steepness(q), q["hi"] / _steepness(q)]
        return kinks


class Pricing(Drawn):
    form: ClassVar[dict[str, object]] = {
        "price": p,
        "decision": x,
        "leader_utility": (p - cost) * x,
        "follower_utility": w * sp.log(1 + x / k) - p * x,
        "constraints": {"none": x >= 0, "cap": x <= cap},
    }

    # --- oracle ----------------------------------------------------------------------------------------------------

    def response(self, prices: Array) -> Array:
        q = self.columns
        return np.clip(q["w"] / prices - q["k"], 0.0, q["cap"])

    def kinks(self) -> Array:
        q = self.columns
        return np.concatenate([q["w"] / q["k"], q["w"] / (q["k"] + q["cap"])])

    def terms(self, prices: Array) -> Array:
        return (prices - self.parameters["cost"]) * self.response(prices)

    def magnitude(self, price: float) -> float:
        q = self.columns
        return float((price + self.parameters["cost"]) * np.sum(q["w"] / price + q["k"]))

    def balls(self, game: StackelbergGame, price: float) -> list[tuple[flint.arb, flint.arb, flint.arb]]:
        rows = []
        for q in _rows(game):
            at = flint.arb(price)
            d, moves = _clip(q["w"] / at - q["k"], [flint.arb(0)], [q["cap"]])
            margin = at - q["cost"]
            rows.append((d, margin * d, d - (margin * q["w"] / (at * at) if moves else 0)))
        return rows

    def exact_kinks(self, game: StackelbergGame) -> list[flint.arb]:
        return [t for q in _rows(game) for t in (q["w"] / q["k"], q["w"] / (q["k"] + q["cap"]))]


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


# --- strategies ----------------------------------------------------------------------------------------------------

TIES = ("free", "free", "tied", "near")
SCALES = (1.0, 1.0, 1e-3, 1e3, 1e9)


@st.composite
def columns(draw: st.DrawFn, n: int, low: float, high: float, *, ties: str | None = None) -> Array:
    """A column between two positive numbers, spread evenly in the logarithm; perhaps equal for all, or nearly."""
    kind = draw(st.sampled_from(TIES)) if ties is None else ties
    shares = draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    if kind != "free":
        shares = [shares[0]] * n
    column = low * (high / low) ** np.array(shares)
    return column * (1 + 1e-13 * np.arange(n)) if kind == "near" else column


@st.composite
def thresholds(draw: st.DrawFn, n: int, low: float, high: float) -> Array:
    """Prices at which followers hit a limit: anywhere around the bounds, or in clusters 8 apart (several peaks)."""
    if draw(st.booleans()):
        return draw(columns(n, 0.3 * low, 3 * high))
    level = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    return 0.9 * high * 8.0 ** -np.array(level) * draw(columns(n, 1.0, 1.02))


@st.composite
def incentives(draw: st.DrawFn, most: int = 5, *, scaled: bool = True, equal_cost: bool = False) -> Incentive:
    """Incentive games in which every follower is feasible.

    A follower reaches its highest frequency at a drawn price; its lowest one comes from its deadline, from its own
    limit, or from both at once, and may equal the highest.
    """
    n = draw(st.integers(1, most))
    unit, money = (draw(st.sampled_from(SCALES)) if scaled else 1.0 for _ in range(2))
    low, high = money, money * draw(st.sampled_from([1.5, 4.0, 30.0]))
    top = unit * draw(columns(n, 0.5, 1.0))
    ratio = np.array(draw(st.lists(st.sampled_from([1.0, 1 - 1e-12, 0.95, 0.6, 0.2]), min_size=n, max_size=n)))
    ratio[0] = min(ratio[0], 0.95)  # or the normaliser hi_j - lo_j may vanish
    kind = np.array(draw(st.lists(st.sampled_from([0, 1, 2]), min_size=n, max_size=n)))
    least, seconds = ratio * top, draw(columns(n, 0.1, 20.0))
    data, comm = draw(columns(n, 0.2, 5.0)), draw(columns(n, 0.1, 2.0))
    own = np.where(kind == 0, 0.5 * least, least)  # 0: the deadline alone binds, 1: the own limit, 2: both
    slack = np.where(kind == 1, 1.5 * seconds, seconds * (1 + 1e-15))
    work, share = least * seconds, data / np.sum(data)
    cycles, gap = work / (unit * data), np.max(top) - np.min(own)
    reached = draw(thresholds(n, low, high))
    if equal_cost:
        cycles = np.full(n, cycles[0])
        work = unit * data * cycles
        slack, reached = work / least * (1 + 1e-15), np.full(n, reached[0])
    economy = share * reached / (2 * 0.1 * work * gap * top)
    if equal_cost:
        economy = np.full(n, economy[0])
    table = {
        "D": data, "c": cycles, "zeta": economy, "T_comm": comm, "T_max": comm + slack, "lo": own, "hi": top,
        "S": draw(columns(n, 0.05, 1.0)), "H": draw(columns(n, 0.1, 1.0)),
    }  # fmt: skip
    weight = money * draw(st.sampled_from([0.3, 3.0, 30.0])) * draw(st.floats(0.5, 2.0))
    return Incentive(table, {"eta": weight, "I_rep": 5.0 * money, "rho": 0.1, "tau": unit}, (low, high))


@st.composite
def pricings(draw: st.DrawFn, most: int = 6, *, scaled: bool = True) -> Pricing:
    """Monopoly pricing games whose customers are priced out one after the other, or in clusters."""
    n = draw(st.integers(1, most))
    unit, money = (draw(st.sampled_from(SCALES)) if scaled else 1.0 for _ in range(2))
    low, high = money * 0.05, money * draw(st.sampled_from([0.5, 4.0, 40.0]))
    scale = unit * draw(columns(n, 0.5, 20.0))
    choke = draw(thresholds(n, low, high))
    room = unit * draw(columns(n, 0.01, 30.0))
    price = money * draw(st.sampled_from([0.0, 0.01, 0.1]))
    return Pricing({"w": choke * scale, "k": scale, "cap": room}, {"cost": price}, (low, high))


games = st.one_of(incentives(), pricings())
shares = st.floats(0.0, 1.0)
