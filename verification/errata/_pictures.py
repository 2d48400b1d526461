"""What the page of errata shows beside statements: the derived cases of the learner's problem, and counterexamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verification import _html

if TYPE_CHECKING:
    from solvers.stackelberg import Case

HOPS = np.linspace(0.0, 4.0, 9)
UNEVEN = (7.0, 9.0, 11.0, 13.0)  # rewards of the four channels
POINTS = 400


def pictures(papers: set[str]) -> Iterator[str]:
    """Sections of a page for the `papers`.

    Raises
    ------
    NotSolved
        If matplotlib or latex2mathml is not installed.
    """
    if "gfml" in papers:
        yield from _learner()
    yield "<h2>Counterexamples</h2>"
    if "gfml" in papers:
        yield _html.figure(_reputation(), "(11): as printed and corrected, for a threshold of 0.5 and a peak of 1")
        yield _html.figure(_two_peaks(), "Proposition 3: two peaks; bisection stops at the lower one, 5.81, for 7.33")
        yield _html.figure(_chase(), "Proposition 2: best responses of four learners, two of them heads, in a circle")
    if "jamming" in papers:
        text = "The union of stage equilibria: what a player gains per step by deviating, where channels differ"
        yield _html.figure(_union(), text)


# --- the cases -------------------------------------------------------------------------------------------------------


def _learner() -> Iterator[str]:
    """The Lagrangian, its stationarity, and the case table of (26) to (38), derived."""
    from solvers.stackelberg import load
    from solvers.stackelberg._latex import latex

    table = load("two-peaks").cases
    yield "<h2>The learner's problem (22), derived</h2>"
    multipliers = ", ".join(map(latex, table.multipliers))
    for left, right in (
        (rf"L(\delta, {multipliers})", latex(table.lagrangian)),
        (r"\frac{\partial L}{\partial \delta}", f"{latex(table.stationarity[0])} = 0"),
    ):
        yield f"<p>{_html.formula(f'{left} = {right}', display=True)}</p>"
    heads = ("active", "decision", "multipliers", "conditions")
    yield _html.table(heads, [_row(case) for case in table.cases])
    facts = ", ".join(_html.formula(latex(fact)) for fact in table.facts)
    yield f"<p>It is assumed that {facts}, and that all but the similarities are positive.</p>"


def _row(case: Case) -> list[str]:
    from solvers.stackelberg._latex import latex

    decision = [] if case.decision is None else [latex(x) for x in case.decision]
    multipliers = [f"\\lambda_{{{name}}} = {latex(value)}" for name, value in case.multipliers.items()]
    return [case.name, _stack(decision), _stack(multipliers), _stack(_conditions(case))]


def _conditions(case: Case) -> list[str]:
    from solvers.stackelberg._latex import latex

    return [latex(condition) for condition in (*case.compatibility, *case.conditions)]


def _stack(lines: Sequence[str]) -> str:
    return "<br>".join(map(_html.formula, lines)) if lines else "–"


# --- the pictures ----------------------------------------------------------------------------------------------------


def _axes(width: float = 7.0, height: float = 3.6) -> tuple[Any, Any]:
    from solvers._figure import new_figure
    from solvers.core import NotSolved

    try:
        figure = new_figure(width, height)
    except ImportError:
        raise NotSolved("pictures need matplotlib; install certeq[plot]") from None
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _encoded(figure: Any) -> bytes:
    from solvers._figure import encoded

    return encoded(figure, ".svg")


def _reputation() -> bytes:
    from models.reputation import reputation_utility

    own = np.linspace(0.0, 1.0, POINTS)
    figure, axes = _axes()
    axes.plot(own, reputation_utility(own, as_printed=True), color="#D55E00", label="as printed, log(1 − μ)")
    axes.plot(own, reputation_utility(own), color="#0072B2", label="corrected, log(1 + μ)")
    axes.set(xlabel="reputation R", ylabel="its utility H(R)")
    axes.legend(frameon=False)
    return _encoded(figure)


def _two_peaks() -> bytes:
    from solvers.stackelberg import bisection, load, solve

    game = load("two-peaks")
    prices = np.linspace(*game.bounds, POINTS)
    figure, axes = _axes()
    axes.plot(prices, [game.leader_utility(float(price)) for price in prices], color="#0072B2")
    for found, colour, label in (
        (solve(game), "#009E73", "global optimum"),
        (bisection(game), "#D55E00", "where bisection stops"),
    ):
        price = found.require().price
        axes.plot(price, game.leader_utility(price), "o", color=colour, label=f"{label}, {price:.2f}")
    axes.set(xlabel="price I", ylabel="provider's utility")
    axes.legend(frameon=False)
    return _encoded(figure)


def _chase() -> bytes:
    """The four partitions on a circle, and who goes on to the next one."""
    from solvers.hedonic import best_response, replay
    from verification.hedonic_games import chase_and_flee

    game = chase_and_flee()
    run = best_response(game)
    assert run.cycle_start is not None
    states, gains = [run.cycle_start], []
    for switch in run.cycle:
        last, gained = replay(game, states[-1], [switch])
        states.append(last)
        gains.append((switch, float(gained[0])))
    figure, axes = _axes(7.0, 4.4)
    spots = [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    for spot, state, (switch, gain) in zip(spots, states, gains, strict=False):
        _draw_state(axes, spot, state)
        _draw_switch(axes, spot, spots[(spots.index(spot) + 1) % 4], f"{switch[0]} leaves, +{gain:.2f}")
    axes.set(xlim=(-0.3, 1.45), ylim=(-0.2, 1.2))
    axes.set_axis_off()
    return _encoded(figure)


def _draw_state(axes: Any, spot: tuple[float, float], state: Any) -> None:
    led = [(members[0], ", ".join(map(str, members[1:])) or "nobody") for members in state.coalitions]
    words = "\n".join(f"head {head}: {others}" for head, others in led)
    box = {"boxstyle": "round", "facecolor": "#f4f6f8", "edgecolor": "#5b6570"}
    axes.text(*spot, words, ha="center", va="center", bbox=box)


def _draw_switch(axes: Any, start: tuple[float, float], end: tuple[float, float], words: str) -> None:
    (x, y), (u, v) = start, end
    middle = (0.5 * (x + u), 0.5 * (y + v))
    style = {"arrowstyle": "->", "color": "#D55E00", "lw": 1.6}
    near, far = ((x + 0.27 * (u - x), y + 0.27 * (v - y)), (x + 0.73 * (u - x), y + 0.73 * (v - y)))
    axes.annotate("", far, near, arrowprops=style)
    aside = (0.0, 0.06) if y == v else (0.18, 0.0)
    axes.text(middle[0] + aside[0], middle[1] + aside[1], words, ha="center", va="center", color="#D55E00")


def _union() -> bytes:
    from models.jamming import closed_form, jamming_model
    from solvers._figure import COLOURS

    gains = []
    for hop in HOPS:
        model = jamming_model(channel_rewards=UNEVEN, hop=float(hop))
        gains.append(model.game(discount=0.9).regrets(closed_form(model, discount=0.0).require()))
    figure, axes = _axes()
    for name, colour, column in zip(("transmitter", "jammer"), COLOURS, np.transpose(gains), strict=False):
        axes.plot(HOPS, column, "o-", color=colour, label=name)
    axes.set(xlabel="cost of a hop", ylabel="gain per step, payoff units")
    axes.legend(frameon=False)
    return _encoded(figure)
