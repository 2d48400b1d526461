"""Two families of Stackelberg games as plain numbers, with what they are worth in closed form, worked out in NumPy.

`IncentiveData` is the game of Baccour et al., IEEE IoT Journal 11(12), 2024, (22)-(24) as corrected in the bundled
scenario `gfml`; `PricingData` a textbook monopoly price. Either makes the declared game (`game`), writes it down for
`python -m solvers.stackelberg` (`save`), and answers by formulas of its own what the solvers are asked: followers' best
responses (`response`), the leader's utility (`leader`), and by brute force its largest value (`best_found`).
"""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from solvers._documents import write_text
from solvers.core import Array, Mask, Positions

if TYPE_CHECKING:
    from solvers.stackelberg import StackelbergGame

GRID, FINER, PEAKS, ZOOMS = 1501, 21, 6, 8  # prices that brute force tries, and those around its best ones


@dataclass(frozen=True)
class Form:
    """A declaration in the words of a scenario file; `ordinary` are columns whose value 1 would make no game."""

    title: str
    price: str
    decision: str
    leader: str
    follower: str
    constraints: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    parameters: tuple[str, ...]
    derived: tuple[tuple[str, str], ...] = ()
    ordinary: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class GameData(abc.ABC):
    """Columns (n,), parameters and price bounds of one game, and whether followers may stay out.

    Raises
    ------
    ValueError
        If the names of the columns or of the parameters are not those of the family, or columns differ in length.
    """

    columns: Mapping[str, Array]
    parameters: Mapping[str, float]
    bounds: tuple[float, float]
    participation: bool = False

    form: ClassVar[Form]

    def __post_init__(self) -> None:
        columns = {name: np.array(column, dtype=np.float64) for name, column in self.columns.items()}
        for what, given, known in (
            ("columns", columns, self.form.columns),
            ("parameters", self.parameters, self.form.parameters),
        ):
            if sorted(given) != sorted(known):
                raise ValueError(f"{what} must be {', '.join(known)}, got {', '.join(given)}")
        if len({column.shape for column in columns.values()}) != 1 or next(iter(columns.values())).ndim != 1:
            raise ValueError(f"columns must have one shape (n,), got {[column.shape for column in columns.values()]}")
        for column in columns.values():
            column.flags.writeable = False
        object.__setattr__(self, "columns", columns)

    @property
    def n(self) -> int:
        """How many followers there are."""
        return len(next(iter(self.columns.values())))

    # --- games -----------------------------------------------------------------------------------------------------

    def game(self, *, names: Sequence[str] | None = None) -> StackelbergGame:
        """The game of these numbers; what SymPy works out is shared by all games of the family.

        Raises
        ------
        InvalidGame
            If no follower can meet its constraints.

        Examples
        --------
        >>> data = PricingData(
        ...     {"w": [2, 8], "k": [1, 1], "cap": [9, 9], "fee": [0, 0]}, {"cost": 1}, (1.5, 20))
        >>> data.game().best_response(4.0)
        array([0., 1.])
        """
        source = replace(_declared(self.form), bounds=self.bounds, participation=self.participation)
        return source.with_followers(dict(self.columns), names=names, parameters=dict(self.parameters))

    def but(
        self, *, bounds: tuple[float, float] | None = None, participation: bool | None = None, **changes: Any
    ) -> Self:
        """The same numbers with other columns, parameters, bounds or participation.

        Raises
        ------
        ValueError
            If a name is neither a column nor a parameter.
        """
        unknown = changes.keys() - self.columns.keys() - self.parameters.keys()
        if unknown:
            raise ValueError(f"a change must be of a column or a parameter, got {', '.join(sorted(unknown))}")
        columns = {name: changes.get(name, column) for name, column in self.columns.items()}
        parameters = {name: changes.get(name, value) for name, value in self.parameters.items()}
        stays = self.participation if participation is None else participation
        return type(self)(columns, parameters, bounds or self.bounds, stays)

    def among(self, chosen: Mask | Positions | Sequence[int]) -> Self:
        """The followers of a mask, or at these positions in their order."""
        return replace(self, columns={name: column[chosen] for name, column in self.columns.items()})

    @abc.abstractmethod
    def split(self, parts: int) -> Self:
        """The game in which each follower is as many equal ones, who together are to the leader what it was."""

    @abc.abstractmethod
    def in_units(self, money: float) -> Self:
        """The game with whatever is money in another unit, so that every price is multiplied by `money`."""

    def prices(self, *shares: float) -> list[float]:
        """Prices at these shares of the way from the lower bound to the upper one."""
        low, high = self.bounds
        return [min(max(low + share * (high - low), low), high) for share in shares]

    def save(self, path: Path) -> Path:
        """A scenario that `solvers.stackelberg.load` takes, `.toml` added to `path`, and a table `.csv` beside it.

        Examples
        --------
        >>> import tempfile
        >>> from solvers.stackelberg import load, solve
        >>> data = PricingData({"w": [2, 8], "k": [1, 1], "cap": [9, 9], "fee": [0, 0]}, {"cost": 1}, (1.5, 20))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = data.save(Path(folder, "market"))
        ...     print(file.name, solve(load(file)).stats == solve(data.game()).stats)
        market.toml True
        """
        table, scenario = path.with_name(f"{path.name}.csv"), path.with_name(f"{path.name}.toml")
        rows = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        lines = [",".join(["name", *self.columns])]
        lines += [",".join([str(k + 1), *map(repr, row)]) for k, row in enumerate(rows)]
        write_text(table, "\n".join(lines) + "\n")
        write_text(scenario, _scenario(self, table.name))
        return scenario

    # --- what it is worth ------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def response(self, prices: Array | float) -> Array:
        """Each follower's best decision, (m, n), at prices (m, 1); (n,) at one price."""

    @abc.abstractmethod
    def terms(self, prices: Array | float) -> Array:
        """What each follower brings the leader, (m, n), at prices (m, 1); (n,) at one price."""

    @abc.abstractmethod
    def follower(self, price: float) -> Array:
        """Each follower's largest utility at a price, (n,)."""

    @abc.abstractmethod
    def limits(self) -> tuple[Array, Array]:
        """The least and the largest decision that each follower's constraints allow, (n,)."""

    @abc.abstractmethod
    def kinks(self) -> Array:
        """The prices at which followers reach their lower limits, then those for their upper limits, (2n,)."""

    @abc.abstractmethod
    def magnitude(self, price: float) -> float:
        """How large the numbers are whose sum is the leader's utility: what rounding is relative to."""

    def inner_kinks(self) -> list[float]:
        """The kinks strictly within the bounds, in order."""
        return sorted({float(kink) for kink in self.kinks() if self.bounds[0] < kink < self.bounds[1]})

    def leader(self, prices: Array) -> Array:
        """The leader's utility at prices (m,), if all take part."""
        return np.asarray(np.sum(self.terms(np.asarray(prices)[:, None]), axis=1))

    def best_found(self) -> tuple[float, float]:
        """The best price of a dense grid, of all kinks and of finer grids around the best points, and its utility.

        Examples
        --------
        >>> data = PricingData({"w": [2, 8], "k": [1, 1], "cap": [9, 9], "fee": [0, 0]}, {"cost": 1}, (1.5, 20))
        >>> price, utility = data.best_found()
        >>> round(price, 4), round(utility, 4)  # sqrt(8), of the larger customer alone
        (2.8284, 3.3431)
        """
        prices = np.unique(np.concatenate([np.linspace(*self.bounds, GRID), self.inner_kinks()]))
        values = self.leader(prices)
        found = [(float(values.max()), float(prices[np.argmax(values)]))]
        for peak in np.argsort(values)[-PEAKS:]:
            found += self._around(float(prices[max(peak - 1, 0)]), float(prices[min(peak + 1, len(prices) - 1)]))
        value, price = max(found)
        return price, value

    def _around(self, a: float, b: float) -> list[tuple[float, float]]:
        found = []
        for _ in range(ZOOMS):
            prices = np.linspace(a, b, FINER)
            values = self.leader(prices)
            top = int(np.argmax(values))
            found.append((float(values[top]), float(prices[top])))
            a, b = float(prices[max(top - 1, 0)]), float(prices[min(top + 1, FINER - 1)])
        return found


class IncentiveData(GameData):
    """Learners who choose a frequency under a deadline, paid by similarity and by their share of all data.

    Columns: data `D`, cycles per datum `c`, capacitance `zeta`, similarity `S`, weight of the reputation `H`, seconds
    `T_comm` and `T_max`, frequencies `lo` and `hi`. Parameters: the leader's weight `eta` of time, the reputation
    incentive `I_rep`, the price of energy `rho`, local iterations `tau`.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, (20), (22)-(24), (32), (33); corrected as in the scenario `gfml`.
    """

    form = Form(
        title="Incentives for learners",
        price="I",
        decision="delta",
        leader="eta*H*log(1 + T_max - W/delta - T_comm) - (S + s*(delta - lo_j)/(hi_j - lo_j))*I - H*I_rep",
        follower="(S + s*(delta - lo_j)/(hi_j - lo_j))*I + H_mean*I_rep - rho*zeta*W*delta**2",
        constraints=(
            ("deadline", "W/delta + T_comm <= T_max"),
            ("fastest", "delta <= hi"),
            ("slowest", "delta >= lo"),
        ),
        columns=("D", "c", "zeta", "S", "H", "T_comm", "T_max", "lo", "hi"),
        parameters=("eta", "I_rep", "rho", "tau"),
        derived=(
            ("W", "tau*c*D"),
            ("s", "D/sum(D)"),
            ("H_mean", "mean(H)"),
            ("lo_j", "min(lo)"),
            ("hi_j", "max(hi)"),
        ),
        ordinary=(("hi", 2.0), ("T_max", 3.0)),
    )

    def split(self, parts: int) -> IncentiveData:
        """Of each learner as many with a part of its data, similarity and reputation: the same times and frequencies.

        The work W = tau*c*D of each part is that of the whole, at a part of the energy.
        """
        many = {name: np.repeat(column, parts) for name, column in self.columns.items()}
        less = {name: many[name] / parts for name in ("D", "zeta", "S", "H")}
        return replace(self, columns={**many, **less, "c": many["c"] * parts})

    def in_units(self, money: float) -> IncentiveData:
        """`eta`, `I_rep`, `rho` and the bounds multiplied by `money`."""
        paid = {name: self.parameters[name] * money for name in ("eta", "I_rep", "rho")}
        bounds = (self.bounds[0] * money, self.bounds[1] * money)
        return replace(self, parameters={**self.parameters, **paid}, bounds=bounds)

    def feasible(self) -> Mask:
        """Who can meet its deadline at its highest frequency, but for rounding."""
        q, work = self.columns, self.work()
        left = q["T_max"] - q["T_comm"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((left > 0) & (work / left <= q["hi"] * (1 + 1e-12)))

    # --- oracle: closed forms of (32), (33), with share s_i and the normaliser over own limits ----------------------

    def work(self) -> Array:
        """Cycles of one round, W of (7), (n,)."""
        return np.asarray(self.parameters["tau"] * self.columns["c"] * self.columns["D"])

    def shares(self) -> Array:
        """Each one's share s of all data, (n,)."""
        return np.asarray(self.columns["D"] / np.sum(self.columns["D"]))

    def normaliser(self) -> float:
        """hi_j - lo_j of (10)."""
        return float(np.max(self.columns["hi"]) - np.min(self.columns["lo"]))

    def steepness(self) -> Array:
        """E, how much faster an interior learner gets per unit of price, (n,)."""
        economy = self.parameters["rho"] * self.columns["zeta"]
        return np.asarray(self.shares() / (2 * economy * self.work() * self.normaliser()))

    def limits(self) -> tuple[Array, Array]:
        """`GameData.limits`: of the deadline and the own lowest frequency, and the highest one."""
        q = self.columns
        with np.errstate(divide="ignore"):  # who has no time left needs an infinite frequency
            needed = self.work() / (q["T_max"] - q["T_comm"])
        return np.minimum(np.maximum(q["lo"], needed), q["hi"]), q["hi"]

    def response(self, prices: Array | float) -> Array:
        """`GameData.response`: E*I, moved into the limits."""
        return np.clip(self.steepness() * prices, *self.limits())

    def kinks(self) -> Array:
        """`GameData.kinks`: limits over E."""
        return np.concatenate([limit / self.steepness() for limit in self.limits()])

    def speeds(self, prices: Array | float) -> Array:
        """The f of (10): the response as a share of the normaliser."""
        return np.asarray((self.response(prices) - np.min(self.columns["lo"])) / self.normaliser())

    def energy(self, prices: Array | float) -> Array:
        """What the response costs, in money."""
        return np.asarray(self.parameters["rho"] * self.columns["zeta"] * self.work() * self.response(prices) ** 2)

    def slack(self, prices: Array | float) -> Array:
        """The x of (39): 1 and the seconds left until the deadline, at the response."""
        q = self.columns
        return np.asarray(1 + q["T_max"] - q["T_comm"] - self.work() / self.response(prices))

    def jumps(self) -> Array:
        """By how much the leader's slope rises at each of `kinks`, (2n,): phi*E*W/(delta^2 x), up, then down."""
        kappa, steep, work = self.parameters["rho"] * self.columns["zeta"], self.steepness(), self.work()
        jumps = []
        for at, sign in zip(self.limits(), (1.0, -1.0), strict=True):
            left = 1 + self.columns["T_max"] - self.columns["T_comm"] - work / at
            phi = self.parameters["eta"] * self.columns["H"] - 2 * kappa * at**3 * left
            jumps.append(sign * steep * work * phi / (at**2 * left))
        return np.concatenate(jumps)

    def _parts(self, prices: Array | float) -> tuple[Array, Array, Array]:
        """Gained, paid for competition, paid for reputation."""
        H, eta, reward = self.columns["H"], self.parameters["eta"], self.parameters["I_rep"]
        paid = (self.columns["S"] + self.shares() * self.speeds(prices)) * prices
        with np.errstate(divide="ignore", invalid="ignore"):  # of who cannot meet its deadline
            gained = eta * H * np.log(self.slack(prices))
        return gained, np.asarray(paid), H * reward

    def terms(self, prices: Array | float) -> Array:
        """`GameData.terms`, (23) with 1 in the logarithm."""
        gained, paid, reputation = self._parts(prices)
        return gained - paid - reputation

    def follower(self, price: float) -> Array:
        """`GameData.follower`, (20)."""
        _, paid, _ = self._parts(price)
        return np.asarray(paid + np.mean(self.columns["H"]) * self.parameters["I_rep"] - self.energy(price))

    def magnitude(self, price: float) -> float:
        """`GameData.magnitude`."""
        own = np.sum(self.parameters["eta"] * self.columns["H"] * (1 + np.abs(self.columns["T_max"])))
        return float(own + sum(np.sum(np.abs(part)) for part in self._parts(price)))


class PricingData(GameData):
    """Customers who buy at one price: each values x at w*log(1 + x/k) and demands w/p - k, between 0 and its cap.

    Columns: `w`, `k`, `cap` and a `fee` paid for taking part at all, to nobody in the game. Parameter: the unit `cost`.
    """

    form = Form(
        title="One price for all customers",
        price="p",
        decision="x",
        leader="(p - cost)*x",
        follower="w*log(1 + x/k) - p*x - fee",
        constraints=(("none", "x >= 0"), ("cap", "x <= cap")),
        columns=("w", "k", "cap", "fee"),
        parameters=("cost",),
    )

    def split(self, parts: int) -> PricingData:
        """Of each customer as many who buy a part of what it buys."""
        columns = {name: np.repeat(column, parts) / parts for name, column in self.columns.items()}
        return replace(self, columns=columns)

    def in_units(self, money: float) -> PricingData:
        """`w`, `fee`, `cost` and the bounds multiplied by `money`."""
        paid = {name: self.columns[name] * money for name in ("w", "fee")}
        cost, bounds = self.parameters["cost"] * money, (self.bounds[0] * money, self.bounds[1] * money)
        return replace(self, columns={**self.columns, **paid}, parameters={"cost": cost}, bounds=bounds)

    def limits(self) -> tuple[Array, Array]:
        """`GameData.limits`: nothing, and the cap."""
        return np.zeros(self.n), self.columns["cap"]

    def response(self, prices: Array | float) -> Array:
        """`GameData.response`: the demand."""
        return np.clip(self.columns["w"] / prices - self.columns["k"], *self.limits())

    def kinks(self) -> Array:
        """`GameData.kinks`: where customers are priced out, and where they buy all they can."""
        q = self.columns
        return np.concatenate([q["w"] / q["k"], q["w"] / (q["k"] + q["cap"])])

    def terms(self, prices: Array | float) -> Array:
        """`GameData.terms`: margins times demands."""
        return np.asarray((prices - self.parameters["cost"]) * self.response(prices))

    def follower(self, price: float) -> Array:
        """`GameData.follower`: the surplus less the fee."""
        q, bought = self.columns, self.response(price)
        return np.asarray(q["w"] * np.log1p(bought / q["k"]) - price * bought - q["fee"])

    def magnitude(self, price: float) -> float:
        """`GameData.magnitude`."""
        q = self.columns
        return float((price + self.parameters["cost"]) * np.sum(q["w"] / price + q["k"]))


# --- declarations ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _declared(form: Form) -> StackelbergGame:
    """One game of the family, of which the others are made."""
    import sympy as sp

    from solvers.stackelberg import StackelbergGame
    from solvers.stackelberg._expressions import parse, parse_constraint

    every = [form.price, form.decision, *form.columns, *form.parameters, *(name for name, _ in form.derived)]
    symbols = {name: sp.Symbol(name, real=True) for name in every}
    ones: dict[str, Array] = {name: np.ones(1) for name in form.columns}
    return StackelbergGame.declare(
        price=symbols[form.price],
        decision=symbols[form.decision],
        bounds=(1.0, 2.0),
        leader_utility=parse(form.leader, symbols, where="leader"),
        follower_utility=parse(form.follower, symbols, where="follower"),
        constraints={name: parse_constraint(text, symbols, where=name) for name, text in form.constraints},
        table={**ones, **{name: np.array([value]) for name, value in form.ordinary}},
        parameters=dict.fromkeys(form.parameters, 1.0),
        derived={name: parse(text, symbols, where=name, aggregates=True) for name, text in form.derived},
        title=form.title,
    )


def _scenario(data: GameData, table: str) -> str:
    """The text of a scenario file that names `table`."""
    form = data.form
    sections: list[tuple[str, dict[str, object]]] = [
        ("leader", {"decision": form.price, "bounds": [*map(float, data.bounds)], "utility": form.leader}),
        ("follower", {"decision": form.decision, "utility": form.follower, "participation": data.participation}),
        ("follower.constraints", dict(form.constraints)),
        ("parameters", {name: float(value) for name, value in data.parameters.items()}),
        ("derived", dict(form.derived)),
        ("followers", {"table": table}),
    ]
    lines = [f"title = {json.dumps(form.title)}"]
    for section, entries in sections:
        lines += ["", f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in entries.items())]
    return "\n".join(lines) + "\n"
