"""A picture of the leader's problem: its utility over the price, and the followers' cases below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from solvers._figure import ACCENT, cycled, encoded, new_figure
from solvers.core import Array
from solvers.stackelberg._curve import NotConcave

if TYPE_CHECKING:
    from solvers.stackelberg._game import Profile, StackelbergGame

POINTS, POINTS_FOR_MANY, MANY = 1201, 121, 20_000
TICKS = 400  # breakpoints drawn at most


def picture(game: StackelbergGame, profile: Profile, *, suffix: str = ".png") -> bytes:
    """The picture as a file's content, of the game among those who take part."""
    game = game.among(profile)
    figure = new_figure(9, 6.5)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    prices = _prices(game, profile.price)
    _draw_leader(above, game, prices, profile.price)
    _draw_cases(below, game, prices, profile.price)
    figure.suptitle(game.title)
    return encoded(figure, suffix)


def _prices(game: StackelbergGame, price: float) -> Array:
    """A grid with every breakpoint on it, if there are not too many."""
    many = len(game.names) > MANY
    grid = np.linspace(*game.bounds, POINTS_FOR_MANY if many else POINTS)
    kinks = _kinks(game)
    prices = np.unique(np.concatenate([grid, kinks if len(kinks) <= TICKS else []]))
    apart = np.abs(prices - price) > 1e-9 * (prices[-1] - prices[0])
    apart[1:] &= np.diff(prices) > 1e-9 * (prices[-1] - prices[0])  # coinciding kinks differ by rounding
    return np.sort(np.append(prices[apart], price))


def _kinks(game: StackelbergGame) -> Array:
    try:
        return np.unique(game.curve.kinks)
    except NotConcave:
        return np.array([])


def _utility(game: StackelbergGame, prices: Array) -> Array:
    try:
        return np.array([game.curve.at(float(p)).value for p in prices])
    except NotConcave:
        return np.array([game.leader_utility(float(p)) for p in prices])


def _draw_leader(axes: Any, game: StackelbergGame, prices: Array, price: float) -> None:
    utility = _utility(game, prices)
    best = float(utility[prices == price][0])
    kinks = _kinks(game)
    axes.plot(prices, utility, color="black", linewidth=1.6, label="leader's utility, followers best-responding")
    if 0 < len(kinks) <= TICKS:
        bottom = [(0.0, 0.03)] * len(kinks)
        label = "breakpoints (a follower changes case)"
        for k, (kink, (low, high)) in enumerate(zip(kinks, bottom, strict=True)):
            axes.axvline(kink, low, high, color="0.45", linewidth=0.8, label=label if k == 0 else None)
    inner = utility[1:-1]
    tops = np.flatnonzero((inner > utility[:-2]) & (inner >= utility[2:])) + 1
    tops = tops[prices[tops] != price]
    if len(tops):
        axes.plot(prices[tops], utility[tops], "o", mfc="white", mec=ACCENT, ms=7, label="local optimum")
    axes.plot([price], [best], "*", color=ACCENT, ms=15, label=f"certified global optimum: {price:.6g}")
    axes.set_ylabel("leader's utility")
    axes.legend(loc="best", fontsize=8, framealpha=0.9)
    axes.grid(alpha=0.25)


def _draw_cases(axes: Any, game: StackelbergGame, prices: Array, price: float) -> None:
    shares = case_shares(game, prices)
    axes.stackplot(prices, *shares.values(), labels=list(shares), colors=cycled(len(shares)), alpha=0.8, linewidth=0)
    axes.axvline(price, color=ACCENT, linewidth=1.2, linestyle="--")
    axes.set_ylabel("followers per case")
    axes.set_xlabel(f"price {game.form.price.name}")
    axes.set_xlim(*game.bounds)
    axes.set_ylim(0, len(game.names))
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), fontsize=8, framealpha=0.9, ncols=min(len(shares), 4))


def case_shares(game: StackelbergGame, prices: Array) -> dict[str, Array]:
    """How many followers are in each case at each price: arrays (len(prices),) by case name."""
    counts: dict[str, Array] = {}
    for k, price in enumerate(prices):
        decisions = game.best_response(float(price))
        for name, mask in game.cases_at(float(price), decisions).items():
            counts.setdefault(name, np.zeros(len(prices)))[k] = np.sum(mask)
    return dict(sorted(counts.items(), key=lambda item: -float(np.sum(item[1]))))
