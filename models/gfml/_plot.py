"""Pictures of played rounds: Figures 3 to 9 of the dual-game paper, ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from models.gfml._claims import TABLE_THREE
from models.gfml._plot_parts import (
    BAND,
    LABEL,
    End,
    Series,
    after,
    as_share,
    draw_levels,
    draw_ordered,
    dress,
    legend,
    line,
    name_ends,
    note,
    number_ends,
    ordered,
    over,
    over_rounds,
)
from models.gfml._statistics import (
    LAST,
    TABLE_COLUMNS,
    Estimate,
    Measure,
    Results,
    Run,
    Study,
    estimate,
    last,
    mean,
    total,
)
from models.gfml.baselines import FRAMEWORKS
from solvers._figure import ACCENT, COLOURS, encoded, new_figure
from solvers.core import Array

FAMILIES = {
    "gfml": "GFML: hedonic game",
    "random": "Random coalitions",
    "best-effort": "Best effort: one coalition",
    "fixed": "Fixed coalitions: clusters",
}
RULES = {  # one may lie upon another, so they differ in width
    "stackelberg": ("Stackelberg game", COLOURS[4], "-", 2.8),
    "optimized": ("optimized frequencies", "black", "--", 1.2),
    "random": ("random frequencies", COLOURS[3], ":", 1.6),
}
GFML, OTHER = "GFML, in every panel", "other frameworks"
LINES = (GFML, *(label for label, *_ in RULES.values()), OTHER)
MARKS = ("ours, GFML", "ours", "paper, Table III")
REST = "0.82"  # of a rival in another panel
BESIDE = 0.8  # percent between what is at the same share
ASIDE = 0.14  # of a row, from its middle to our dot and to the paper's
ACCURACY = "personalised_accuracy"


# --- all of them -------------------------------------------------------------------------------------------------


def pictures(study: Study, *, accuracy: str = ACCURACY, suffix: str = ".png") -> dict[str, bytes]:
    """The content of a file by figure, "figure-3" to "figure-9", of those for which enough was played.

    Figures 3 and 4 need two frameworks, Figure 5 passive users, Figures 6, 7 and 9 two points of their sweep, and
    Figure 8 misbehaving learners. `accuracy` is the column that stands for accuracy after personalisation.
    """
    results, many = study.results, {"accuracy": accuracy, "suffix": suffix}
    passive = "gfml" in results and bool(results["gfml"][0][-1].get("passive"))
    counts = {name: len(study.swept(name)) for name in ("users", "coalitions", "reputation_incentive")}
    drawn: tuple[tuple[int, bool, Callable[[], bytes]], ...] = (
        (3, len(results) > 1, lambda: figure_3(results, **many)),
        (4, len(results) > 1, lambda: figure_4(results, suffix=suffix)),
        (5, passive, lambda: figure_5(results, **many)),
        (6, counts["users"] > 1, lambda: figure_6(study, **many)),
        (7, counts["coalitions"] > 1, lambda: figure_7(study, **many)),
        (8, bool(_misbehaving(study, "gfml")), lambda: figure_8(study, **many)),
        (9, max(counts["users"], counts["reputation_incentive"]) > 1, lambda: figure_9(study, suffix=suffix)),
    )
    return {f"figure-{number}": draw() for number, enough, draw in drawn if enough}


# --- frameworks: Figures 3 to 5 ----------------------------------------------------------------------------------


def figure_3(results: Results, *, accuracy: str = ACCURACY, suffix: str = ".png") -> bytes:
    """Accuracy after and before personalisation and loss, round by round: a row each, a column per kind of coalitions.

    The panel of a kind has its frameworks in colour, with the resource rules apart, and GFML; all others are grey. What
    is in colour has its mean over the last rounds, as the claims compare it, beside the panel.
    """
    rows = (
        (accuracy, f"a: {after(accuracy)}"),
        ("accuracy", "b: accuracy before personalisation"),
        ("loss", "c: loss"),
    )
    families = {name: title for name, title in FAMILIES.items() if any(_family(key) == name for key in results)}
    figure = new_figure(3.5 * len(families) + 0.6, 8.2)
    panels = figure.subplots(len(rows), len(families), sharex=True, sharey="row", squeeze=False)
    ends = []
    for (row, place), axes in np.ndenumerate(panels):
        family = list(families)[place]
        ends.append((axes, _draw_family(axes, results, family, rows[row][0])))
        dress(axes, title=families[family] if row == 0 else "", x="round" if row == 2 else "")
    for axes, found in ends:  # once all panels of a row have set its limits
        number_ends(axes, found)
    for axes, (_, label) in zip(panels[:, 0], rows, strict=True):
        axes.set_ylabel(label, fontsize=LABEL)
    runs = next(iter(results.values()))
    means = f"Numbers: means over the last {min(LAST, len(runs[0]))} rounds."
    legend(figure, panels.flat, f"{note(runs, lines=True)} {means}", LINES)
    return encoded(figure, suffix)


def _family(framework: str) -> str:
    return next(family for family in FAMILIES if framework == family or framework.startswith(f"{family}-"))


def _draw_family(axes: Any, results: Results, family: str, name: str) -> list[End]:
    """A family in colour over grey others; GFML stands out everywhere. The means of what is in colour."""
    ends: list[End] = []
    for framework, runs in results.items():
        if _family(framework) != family and framework != "gfml":
            axes.plot(*over_rounds(runs, name)[:2], color=REST, linewidth=0.8, zorder=1, label=OTHER)
    for framework, runs in results.items():
        if framework == "gfml":
            label, colour, style, width = GFML, ACCENT, "-", 2.0
        elif _family(framework) == family:
            label, colour, style, width = RULES[framework.rpartition("-")[2]]
        else:
            continue
        above = 4 if framework == "gfml" else 3
        line(axes, runs, name, colour, label=label, linestyle=style, linewidth=width, zorder=above)
        final = over(last(name), runs).mean
        ends.append((float(len(runs[0])), final, f"{final:.3f}", colour))
    return ends


def figure_4(results: Results, *, suffix: str = ".png") -> bytes:
    """Table III as dots with intervals, ours beside the paper's: profit, completion time and the provider's utility.

    The paper does not say over how many rounds its profits are summed, so they are shown in multiples of GFML's; where
    GFML is missing or loses money, ours are as they are, without the paper's.
    """
    names = [name for name in FRAMEWORKS if name in results]
    figure = new_figure(12.5, 1.5 + 0.36 * len(names))
    panels = figure.subplots(1, 3, sharey=True)
    titles = ("Total profit per learner", "Completion time", "Provider's utility")
    labels = ("over all rounds", "mean over rounds, s", "mean over rounds")
    for axes, key, heading, label in zip(panels, TABLE_COLUMNS, titles, labels, strict=True):
        ours = {name: np.array([TABLE_COLUMNS[key](run) for run in results[name]]) for name in names}
        printed = {name: float(getattr(TABLE_THREE[name], key)) for name in names if name in TABLE_THREE}
        if key == "total_profit":
            ours, printed, label = _by_gfml(ours, printed)
        _draw_rows(axes, {name: estimate(ours[name]) for name in names}, printed)
        dress(axes, title=heading, x=label)
        axes.locator_params(axis="x", nbins=6)  # so that -1500 and -1000 do not touch
    panels[0].set_yticks(range(len(names)), [FRAMEWORKS[name].title for name in names], fontsize=LABEL)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    legend(figure, panels, note(next(iter(results.values())), bars=True), MARKS)
    return encoded(figure, suffix)


def _by_gfml(ours: Mapping[str, Array], printed: dict[str, float]) -> tuple[dict[str, Array], dict[str, float], str]:
    """Profits in multiples of GFML's mean, ours and the paper's, and what they are."""
    unit = float(ours["gfml"].mean()) if "gfml" in ours else 0.0
    if not unit > 0.0:
        return dict(ours), {}, "over all rounds"
    shares = {name: value / printed["gfml"] for name, value in printed.items()}
    return {name: values / unit for name, values in ours.items()}, shares, "over all rounds, GFML = 1"


def _draw_rows(axes: Any, ours: Mapping[str, Estimate], printed: Mapping[str, float]) -> None:
    """A row per framework: our dot with its interval, the paper's mark; where GFML is, a line across all rows."""
    for row, (name, found) in enumerate(ours.items()):
        colour, label = (ACCENT, MARKS[0]) if name == "gfml" else (COLOURS[0], MARKS[1])
        if found.low is not None:
            axes.plot([found.low, found.high], [row - ASIDE] * 2, color=colour, linewidth=1.6)
        axes.plot(found.mean, row - ASIDE, "o", color=colour, markersize=6, label=label)
        if name in printed:
            look = {"markerfacecolor": "white", "markeredgecolor": "0.35", "markersize": 5}
            axes.plot(printed[name], row + ASIDE, "D", label=MARKS[2], **look)
    if "gfml" in ours:
        axes.axvline(ours["gfml"].mean, color=ACCENT, linewidth=0.8, alpha=0.5, zorder=0)


def figure_5(results: Results, *, accuracy: str = ACCURACY, framework: str = "gfml", suffix: str = ".png") -> bytes:
    """Accuracy of passive users by how many of their samples they personalise with, beside that of active users."""
    runs = results[framework]
    ladder = sorted(runs[0][-1]["passive"], key=int)
    if not ladder:
        raise ValueError("Figure 5 needs passive users")
    figure = new_figure(11.0, 4.4)
    left, right = figure.subplots(1, 2, sharey=True)
    series = [(f"{key} sample{'s' * (key != '1')}", f"passive/{key}") for key in ladder]
    ends = []
    for (label, name), colour in zip(series, ordered(len(ladder)), strict=True):
        ends.append((*line(left, runs, name, colour, linewidth=1.1), label, colour))
    ends.append((*line(left, runs, accuracy, ACCENT, linewidth=2.0), "active users", ACCENT))
    dress(left, title="Round by round", x="round", y=after(accuracy))
    dress(right, title=f"Mean over the last {min(LAST, len(runs[0]))} rounds", x="samples of a passive user")
    draw_levels(right, [int(key) for key in ladder], [over(last(name), runs) for _, name in series], COLOURS[0])
    right.set_xscale("log")
    right.set_xticks([int(key) for key in ladder], ladder)
    right.minorticks_off()
    active = over(last(accuracy), runs)
    right.axhline(active.mean, color=ACCENT, linewidth=2.0, zorder=1)
    if active.low is not None:
        right.axhspan(active.low, active.high, color=ACCENT, alpha=BAND, linewidth=0.0)
    as_share(left)
    name_ends(left, ends)
    name_ends(right, [(int(ladder[-1]), active.mean, "active users", ACCENT)])
    legend(figure, (), note(runs, lines=True, bars=True))
    return encoded(figure, suffix)


# --- sweeps: Figures 6 to 9 --------------------------------------------------------------------------------------


def figure_6(study: Study, *, accuracy: str = ACCURACY, framework: str = "gfml", suffix: str = ".png") -> bytes:
    """Accuracy round by round for each number of users; beside it profit, provider's utility and time by users."""
    users = _swept(study, "users", framework)
    figure = new_figure(13.0, 4.6)
    left, right = figure.subfigures(1, 2, width_ratios=[1.0, 1.35])
    series = _series(study, "users", users, framework)
    axes = left.subplots()
    name_ends(axes, draw_ordered(axes, series, accuracy, y=after(accuracy), title="a: Round by round"))
    panels = right.subplots(1, 3)
    shown = (
        ("b: Total profit per learner", total("profit")),
        ("Provider's utility", mean("provider_utility")),
        ("Completion time, s", mean("completion_time")),
    )
    for axes, (title, measure) in zip(panels, shown, strict=True):
        draw_levels(axes, users, [over(measure, runs) for _, _, runs in series], COLOURS[0])
        dress(axes, title=title, x="users")
        axes.set_xticks(users)
    legend(figure, (), note(series[0][2], lines=True, bars=True))
    return encoded(figure, suffix)


def figure_7(study: Study, *, accuracy: str = ACCURACY, framework: str = "gfml", suffix: str = ".png") -> bytes:
    """Accuracy round by round for each number of coalitions; beside it its mean over the last rounds."""
    counts = _swept(study, "coalitions", framework)
    figure = new_figure(11.0, 4.4)
    left, right = figure.subplots(1, 2, sharey=True)
    series = _series(study, "coalitions", counts, framework)
    ends = draw_ordered(left, series, accuracy, y=after(accuracy), title="Round by round")
    draw_levels(right, counts, [over(last(accuracy), runs) for _, _, runs in series], COLOURS[0])
    dress(right, title=f"Mean over the last {min(LAST, len(series[0][2][0]))} rounds", x="coalitions")
    right.set_xticks(counts)
    as_share(left)
    name_ends(left, ends)
    legend(figure, (), note(series[0][2], lines=True, bars=True))
    return encoded(figure, suffix)


def figure_8(study: Study, *, accuracy: str = ACCURACY, framework: str = "gfml", suffix: str = ".png") -> bytes:
    """Accuracy, profits and the provider's utility by the share of misbehaving learners.

    A line per reputation incentive, with reputations on a blockchain and, where it was played, without.
    """
    shown: tuple[tuple[str, Measure], ...] = (
        (after(accuracy).capitalize(), last(accuracy)),
        ("Total profit per learner", total("profit")),
        ("Profit of misbehaving learners", total("misbehaving_profit")),
        ("Provider's utility", mean("provider_utility")),
    )
    figure = new_figure(13.5, 4.4)
    panels = figure.subplots(1, len(shown), sharex=True)
    lines = _misbehaving(study, framework)
    colours = dict(zip(dict.fromkeys(rate for rate, _, _ in lines), COLOURS, strict=False))
    for k, (rate, tampered, runs) in enumerate(lines):
        look = {"linestyle": "--" if tampered else "-", "markerfacecolor": "white" if tampered else colours[rate]}
        look["label"] = f"reputation incentive {rate:g}, {'without' if tampered else 'with'} blockchain"
        x = [100.0 * share + BESIDE * (k - (len(lines) - 1) / 2) for share in runs]
        for axes, (_, measure) in zip(panels, shown, strict=True):
            draw_levels(axes, x, [over(measure, found) for found in runs.values()], colours[rate], **look)
    for axes, (title, _) in zip(panels, shown, strict=True):
        dress(axes, title=title, x="misbehaving learners, %")
        axes.set_xticks([100.0 * share for share in study.named("misbehaving")])
    as_share(panels[0])
    everyone = [found for _, _, runs in lines for found in runs.values()]
    legend(figure, panels, note(everyone[0], bars=True) if everyone else "")
    return encoded(figure, suffix)


def _misbehaving(study: Study, framework: str) -> list[tuple[float, bool, dict[float, Sequence[Run]]]]:
    """The lines of Figure 8: a reputation incentive, whether reputations are tampered with, and runs by share."""
    lines = []
    for rate, tampered in product(study.named("reputation_incentive"), (False, True)):
        settings = {"reputation_incentive": rate, "tampered": tampered}
        shares = study.swept("misbehaving", framework, **settings)
        if any(shares):
            runs = {share: study.runs(framework, **settings, misbehaving=share) for share in shares}
            lines.append((rate, tampered, runs))
    return lines


def figure_9(study: Study, *, framework: str = "gfml", suffix: str = ".png") -> bytes:
    """The mean price of coalitions round by round for each number of users: a panel per reputation incentive.

    Incentives that were played with one number of users have no panel, unless there is no other.
    """
    rates = study.named("reputation_incentive")
    played = {rate: study.swept("users", framework, reputation_incentive=rate) for rate in rates}
    many = min(2, max(map(len, played.values())))
    played = {rate: users for rate, users in played.items() if len(users) >= many}
    everyone = sorted(set().union(*played.values()))
    if not everyone:
        raise ValueError(f"the picture needs prices of {framework}")
    colours = dict(zip(everyone, ordered(len(everyone)), strict=True))
    figure = new_figure(4.6 * len(played) + 1.4, 4.4)
    panels = figure.subplots(1, len(played), sharey=True, squeeze=False)[0]
    ends = []
    for axes, (rate, users) in zip(panels, played.items(), strict=True):
        runs = {count: study.runs(framework, users=count, reputation_incentive=rate) for count in users}
        series = [(f"{count:g} users", colours[count], found) for count, found in runs.items()]
        ends.append(draw_ordered(axes, series, "prices", y="", title=f"Reputation incentive {rate:g}"))
    panels[0].set_ylabel("mean price of coalitions", fontsize=LABEL)
    for axes, found in zip(panels, ends, strict=True):
        name_ends(axes, found)
    legend(figure, (), note(series[0][2], lines=True))
    return encoded(figure, suffix)


def _swept(study: Study, name: str, framework: str) -> list[float]:
    """The values that were played, or an error where there is none."""
    found = study.swept(name, framework)
    if not found:
        raise ValueError(f"the picture needs {framework} at some number of {name}")
    return found


def _series(study: Study, name: str, values: Sequence[float], framework: str) -> list[Series]:
    """For each value its name, colour and runs."""
    colours = ordered(len(values))
    return [
        (f"{value:g} {name if value != 1 else name[:-1]}", colour, study.runs(framework, **{name: value}))
        for value, colour in zip(values, colours, strict=True)
    ]
