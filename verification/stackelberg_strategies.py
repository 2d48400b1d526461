"""Hypothesis strategies for Stackelberg games and prices; `verification.strategies` has them too.

What is drawn are the numbers of a game, an `IncentiveData` or a `PricingData` of `verification.stackelberg_games`:
`.game()` is the `StackelbergGame`, which would show its expressions, not its numbers, where an example fails. Games of
one family share all that SymPy works out, so that another one costs a millisecond.

Needs Hypothesis, which the extra `verification` installs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from solvers.core import Array
from verification.stackelberg_games import GameData, IncentiveData, PricingData

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("verification.stackelberg_strategies needs Hypothesis; install certeq[verification]") from None

Draw = Callable[[st.SearchStrategy[Any]], Any]

FREQUENCIES = (1e3, 1e-3, 1e9)  # units of frequencies and of what is bought
MONEY = (1e3, 1e-3, 1e9, 1e-12, 1e12)
NEAR = 1e-13  # how far apart, relative, what nearly ties is
CROWD = 65  # followers from which a game is solved by bounding, not by looking at every kink


def stackelberg_games(*, max_followers: int = 5, kinds: Sequence[str] | None = None) -> st.SearchStrategy[GameData]:
    """A strategy for the numbers of games of both families, of the `kinds` of `STACKELBERG_KINDS`, by default all.

    Games have 1 to `max_followers` followers, more only of the kind "many". Simple kinds come first: failing examples
    shrink towards few followers and powers of two.

    Raises
    ------
    ValueError
        If `max_followers` is less than 1, or a kind is not one of `STACKELBERG_KINDS`.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(deadline=None)
    ... @given(stackelberg_games(max_followers=3))
    ... def followers_stay_within_their_limits(data):
    ...     game, price = data.game(), data.bounds[0]
    ...     decisions, limits = game.best_response(price), game.limits(price)
    ...     assert np.all((decisions >= limits.low) & (decisions <= limits.high))
    >>> followers_stay_within_their_limits()
    """
    return _chosen(STACKELBERG_KINDS, max_followers, kinds)


def incentive_games(*, max_followers: int = 5, kinds: Sequence[str] | None = None) -> st.SearchStrategy[IncentiveData]:
    """A strategy for the numbers of incentive games, of the `kinds` of `INCENTIVE_KINDS`, by default all.

    A follower reaches its highest frequency at a drawn price; its lowest one comes from its deadline, from its own
    limit, or from both at once, and may equal the highest.

    Raises
    ------
    ValueError
        If `max_followers` is less than 1, or a kind is not one of `INCENTIVE_KINDS`.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(deadline=None)
    ... @given(incentive_games(kinds=["typical", "ties"]))
    ... def higher_pay_slows_nobody_down(data):
    ...     low, high = (data.game().best_response(price) for price in data.bounds)
    ...     assert np.all(low <= high)
    >>> higher_pay_slows_nobody_down()
    """
    return _chosen(INCENTIVE_KINDS, max_followers, kinds)


def pricing_games(*, max_followers: int = 5, kinds: Sequence[str] | None = None) -> st.SearchStrategy[PricingData]:
    """A strategy for the numbers of monopoly prices, of the `kinds` of `PRICING_KINDS`, by default all.

    Customers are priced out one after the other, in clusters, or together. Fees are 0 but in the kind "participation".

    Raises
    ------
    ValueError
        If `max_followers` is less than 1, or a kind is not one of `PRICING_KINDS`.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(deadline=None)
    ... @given(pricing_games(kinds=["multi-modal"]))
    ... def nobody_buys_more_than_the_cap(data):
    ...     assert np.all(data.game().best_response(data.bounds[0]) <= data.columns["cap"])
    >>> nobody_buys_more_than_the_cap()
    """
    return _chosen(PRICING_KINDS, max_followers, kinds)


def game_prices(data: GameData) -> st.SearchStrategy[float]:
    """A strategy for prices within the bounds: an end, one at which a follower reaches a limit, or any.

    Examples
    --------
    >>> data = PricingData({"w": [2], "k": [1], "cap": [9], "fee": [0]}, {"cost": 0}, (0.5, 4.0))
    >>> from hypothesis import given
    >>> @given(game_prices(data))
    ... def the_price_is_allowed(price):
    ...     assert 0.5 <= price <= 4.0
    >>> the_price_is_allowed()
    """
    marked = st.sampled_from([*data.bounds, *data.inner_kinks()])
    return marked | st.floats(0.0, 1.0).map(lambda share: data.prices(share)[0])


def _chosen(
    known: Mapping[str, Callable[[int], st.SearchStrategy[Any]]], max_followers: int, kinds: Sequence[str] | None
) -> st.SearchStrategy[Any]:
    chosen = tuple(known) if kinds is None else tuple(kinds)
    if max_followers < 1:
        raise ValueError(f"max_followers must be >= 1, got {max_followers}")
    if not chosen or not set(chosen) <= set(known):
        raise ValueError(f"kinds must be among {', '.join(known)}, got {chosen}")
    return st.sampled_from(chosen).flatmap(lambda kind: known[kind](max_followers))


# --- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """How the numbers of one game are drawn, evenly in the logarithm.

    Attributes
    ----------
    style
        round: a power of two times the lower end; any: every float between the ends; tied: round, equal for all, or of
        two values; near: like tied, but for rounding.
    """

    draw: Draw
    n: int
    style: str

    def between(self, low: float, high: float) -> Array:
        """A column (n,) of positive numbers."""
        if self.style == "any":
            shares = np.array(self.draw(st.lists(st.floats(0, 1), min_size=self.n, max_size=self.n)))
            return np.asarray(low * (high / low) ** shares)
        doublings = math.floor(math.log2(high / low) + 1e-9)
        if self.style == "round":
            return low * 2.0 ** np.array(self.each(st.integers(0, doublings)))
        values = self.draw(st.lists(st.integers(0, doublings), min_size=1, max_size=2))
        column = low * 2.0 ** np.array(self.each(st.sampled_from(values)))
        return column * (1 + NEAR * np.arange(self.n)) if self.style == "near" else column

    def each(self, strategy: st.SearchStrategy[Any]) -> list[Any]:
        """A value of `strategy` for each follower."""
        return list(self.draw(st.lists(strategy, min_size=self.n, max_size=self.n)))

    def thresholds(self, low: float, high: float, *, clustered: bool) -> Array:
        """Prices at which followers reach a limit: anywhere around the bounds, or in clusters 8 apart."""
        if not clustered:
            return self.between(0.25 * low, 2.0 * high)
        level = np.array(self.each(st.integers(0, 3)))
        return np.asarray(0.9 * high * 8.0**-level * (1 + 0.02 * np.array(self.each(st.sampled_from([0.0, 0.5, 1.0])))))


# --- incentive games -------------------------------------------------------------------------------------------------

RATIOS = {"round": (0.5, 0.25, 1.0), "tied": (0.5, 1.0), "near": (0.5, 1.0, 1 - 1e-12), "any": (0.6, 0.95, 0.2, 1.0)}


@st.composite
def _incentives(
    draw: Draw, most: int, style: str, *, clustered: bool = False, unit: float = 1.0, money: float = 1.0
) -> IncentiveData:
    """Incentive games in which every follower is feasible.

    `zeta` makes follower i reach its highest frequency at about a drawn price, exactly but for the factor
    2 rho (hi_j - lo_j) sum(D), which `rho`, a power of two, keeps near 1.
    """
    columns = _Columns(draw, draw(st.integers(1, most)), style)
    low, high = 1.0, 64.0 if clustered else draw(st.sampled_from([4.0, 2.0, 32.0]))
    top, data, comm = columns.between(2.0, 4.0), columns.between(0.5, 4.0), columns.between(0.25, 2.0)
    ratio = np.array(columns.each(st.sampled_from(RATIOS[style])))
    ratio[0] = min(ratio[0], 0.95)  # or the normaliser hi_j - lo_j may vanish
    binds = np.array(columns.each(st.sampled_from(["deadline", "limit", "both"])))
    least, seconds = ratio * top, columns.between(0.5, 16.0)
    slack = np.where(binds == "limit", 1.5, 1.0) * seconds
    reached = columns.thresholds(low, high, clustered=clustered)
    work = least * seconds
    own = np.where(binds == "deadline", 0.5 * least, least)
    size = 2 * (np.max(top) - np.min(own)) * np.sum(data)
    pay, weight = columns.between(0.0625, 1.0), columns.between(0.125, 1.0)
    if clustered:  # what a cluster brings grows with its price, so that none dwarfs the others
        weight = weight * reached / high
    worth = high * np.sum(pay) / np.sum(weight) * draw(st.sampled_from([1.0, 0.25, 4.0]))
    table = {
        "D": data, "c": work / data, "zeta": data * reached / (work * top) / unit / unit / unit,
        "S": pay, "H": weight, "T_comm": comm,
        "T_max": comm + slack * (1 if style == "round" else 1 + 1e-15), "lo": own * unit, "hi": top * unit,
    }  # fmt: skip
    eta = 2.0 ** round(math.log2(worth)) * (draw(st.floats(0.5, 2.0)) if style == "any" else 1.0)
    parameters = {"eta": eta, "I_rep": 4.0, "rho": 2.0 ** -round(math.log2(size)), "tau": unit}
    return IncentiveData(table, parameters, (low, high)).in_units(money)


def _in_units(most: int) -> st.SearchStrategy[IncentiveData]:
    units = st.tuples(st.sampled_from(["round", "any"]), st.sampled_from((1.0, *FREQUENCIES)), st.sampled_from(MONEY))
    return units.flatmap(lambda chosen: _incentives(most, chosen[0], unit=chosen[1], money=chosen[2]))


@st.composite
def _equal_costs(draw: Draw, most: int) -> IncentiveData:
    """The same cycles per datum and capacitance for all, under limits of their own."""
    data: IncentiveData = draw(_incentives(most, draw(st.sampled_from(["round", "any"]))))
    cycles, economy = (np.full(data.n, data.columns[name][0]) for name in ("c", "zeta"))
    same = data.but(c=cycles, zeta=economy)
    needed = same.work() / (data.columns["T_max"] - data.columns["T_comm"])
    rest = np.where(needed > data.columns["hi"], 2 * same.work() / data.columns["hi"], 0.0)
    return same.but(T_max=data.columns["T_max"] + rest)


@st.composite
def _with_deadlines(draw: Draw, most: int) -> IncentiveData:
    """Some cannot meet their deadlines, by a little or by far, or have no time after transmission; not all."""
    data: IncentiveData = draw(_incentives(most, draw(st.sampled_from(["round", "any"]))))
    n, q = data.n, data.columns
    slow = np.array(draw(st.lists(st.sampled_from([1.0, 8.0, 1.001, 1e9]), min_size=n, max_size=n)))
    late = np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 1.5]), min_size=n, max_size=n)))
    spared = draw(st.integers(0, n - 1))
    slow[spared], late[spared] = 1.0, 0.0
    lo = q["lo"].copy()
    lo[spared] = min(lo[spared], 0.75 * q["hi"][spared])  # or the normaliser of those who are left may vanish
    return data.but(c=q["c"] * slow, T_comm=np.where(late > 0, q["T_max"] * late, q["T_comm"]), lo=lo)


@st.composite
def _that_may_leave(draw: Draw, most: int) -> IncentiveData:
    """Some are paid little or less than nothing for similarity: not all of them are better off taking part."""
    data: IncentiveData = draw(_incentives(most, draw(st.sampled_from(["round", "any", "tied"]))))
    pay = np.array(draw(st.lists(st.sampled_from([1.0, 0.0625, 0.0, -0.125, -1.0]), min_size=data.n, max_size=data.n)))
    pay[0] = 1.0
    return data.but(S=pay, I_rep=draw(st.sampled_from([0.5, 0.0, 4.0])), participation=True)


@st.composite
def _crowds(draw: Draw, most: int) -> IncentiveData:
    """Many who are alike, with kinks close together."""
    few: IncentiveData = draw(_incentives(most, draw(st.sampled_from(["round", "any"])), clustered=draw(st.booleans())))
    data = few.split(-(-CROWD // few.n) + draw(st.integers(0, 3)))
    step = draw(st.sampled_from([1e-3, 0.0, 1e-9]))
    return data.but(zeta=data.columns["zeta"] * (1 + step * np.arange(data.n)))


# --- prices ----------------------------------------------------------------------------------------------------------


@st.composite
def _pricings(
    draw: Draw, most: int, style: str, *, clustered: bool = False, unit: float = 1.0, money: float = 1.0
) -> PricingData:
    """Customers who are priced out at drawn prices."""
    columns = _Columns(draw, draw(st.integers(1, most)), style)
    low, high = 0.125, 64.0 if clustered else draw(st.sampled_from([4.0, 0.5, 32.0]))
    scale, room = columns.between(0.5, 16.0), columns.between(0.0625, 32.0)
    choke = columns.thresholds(low, high, clustered=clustered)
    choke[0] = max(choke[0], 4 * low)  # so that somebody buys at more than the cost
    if clustered:  # who pays more buys less, so that no cluster dwarfs the others
        scale, room = scale / choke, room / choke
    table = {"w": choke * scale * unit, "k": scale * unit, "cap": room * unit, "fee": np.zeros(columns.n)}
    return PricingData(table, {"cost": draw(st.sampled_from([0.0625, 0.125, 0.25]))}, (low, high)).in_units(money)


def _priced_in_units(most: int) -> st.SearchStrategy[PricingData]:
    units = st.tuples(st.sampled_from(["round", "any"]), st.sampled_from((1.0, *FREQUENCIES)), st.sampled_from(MONEY))
    return units.flatmap(lambda chosen: _pricings(most, chosen[0], unit=chosen[1], money=chosen[2]))


@st.composite
def _with_fees(draw: Draw, most: int) -> PricingData:
    """Customers who pay a share of what buying at some price is worth to them, for taking part at all."""
    data: PricingData = draw(_pricings(most, draw(st.sampled_from(["round", "any", "tied"]))))
    at = data.prices(draw(st.sampled_from([0.125, 0.5, 0.0])))[0]
    shares = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.5, 0.125]), min_size=data.n, max_size=data.n)))
    return data.but(fee=shares * data.follower(at), participation=True)


def _costless(most: int) -> st.SearchStrategy[PricingData]:
    """Between kinks the revenue is affine in the price."""
    return _pricings(most, "round").map(lambda data: data.but(cost=0.0))


@st.composite
def _crowds_of_customers(draw: Draw, most: int) -> PricingData:
    """Many who are alike, priced out at prices close together."""
    few: PricingData = draw(_pricings(most, draw(st.sampled_from(["round", "any"])), clustered=draw(st.booleans())))
    data = few.split(-(-CROWD // few.n) + draw(st.integers(0, 3)))
    step = draw(st.sampled_from([1e-3, 0.0, 1e-9]))
    return data.but(w=data.columns["w"] * (1 + step * np.arange(data.n)))


INCENTIVE_KINDS: Mapping[str, Callable[[int], st.SearchStrategy[IncentiveData]]] = MappingProxyType(
    {
        "typical": lambda most: _incentives(most, "round"),
        "ties": lambda most: _incentives(most, "tied"),
        "near-ties": lambda most: _incentives(most, "near"),
        "multi-modal": lambda most: _incentives(most, "any", clustered=True),
        "floats": lambda most: _incentives(most, "any"),
        "units": _in_units,
        "equal costs": _equal_costs,
        "deadlines": _with_deadlines,
        "participation": _that_may_leave,
        "many": _crowds,
    }
)
"""Kinds of incentive games, as in `STACKELBERG_KINDS`."""

PRICING_KINDS: Mapping[str, Callable[[int], st.SearchStrategy[PricingData]]] = MappingProxyType(
    {
        "typical": lambda most: _pricings(most, "round"),
        "ties": lambda most: _pricings(most, "tied"),
        "near-ties": lambda most: _pricings(most, "near"),
        "multi-modal": lambda most: _pricings(most, "any", clustered=True),
        "floats": lambda most: _pricings(most, "any"),
        "units": _priced_in_units,
        "participation": _with_fees,
        "many": _crowds_of_customers,
        "affine": _costless,
    }
)
"""Kinds of monopoly prices, as in `STACKELBERG_KINDS`."""


def _either(kind: str) -> Callable[[int], st.SearchStrategy[GameData]]:
    families = [kinds[kind] for kinds in (PRICING_KINDS, INCENTIVE_KINDS) if kind in kinds]
    return lambda most: st.one_of([family(most) for family in families])


STACKELBERG_KINDS: Mapping[str, Callable[[int], st.SearchStrategy[GameData]]] = MappingProxyType(
    {kind: _either(kind) for kind in dict.fromkeys([*INCENTIVE_KINDS, *PRICING_KINDS])}
)
"""Kinds of Stackelberg games, by name: the largest number of followers to a strategy for their numbers.

- typical: powers of two; floats: any numbers
- ties: followers that are equal or reach limits at the same price; near-ties: the same but for a relative 1e-13
- multi-modal: kinks in clusters, between which the leader's utility has several peaks
- units: money and frequencies, or what is bought, in tiny and huge units, 1e-12 to 1e12
- equal costs: learners with the same cycles per datum and capacitance (incentive games only)
- deadlines: some cannot meet theirs and are left out (incentive games only)
- participation: followers may stay out, and some do
- many: 65 followers or a few more, alike or nearly so
- affine: between kinks the leader's utility is affine in the price (monopoly prices only)
"""
ORDINARY_KINDS = ("typical", "ties", "near-ties", "multi-modal", "floats", "units")
"""The kinds in which a few followers all take part."""
