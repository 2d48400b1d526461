"""Parts of pictures of played rounds: lines with the range of seeds, dots with intervals, names at ends of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from models.gfml._statistics import Estimate, Measure, Run, column, estimate
from solvers.core import Array

TITLE, LABEL, SMALL = 10, 9, 8
ENTRY = 2.6  # inches that an entry of a legend takes
BAND = 0.15  # opacity of the range of seeds
GAP = 0.052  # of the height of a panel, between names at the ends of lines
MAP, DARK, PALE = "viridis", 0.0, 0.75  # for ordered values
RANGE = "Lines: means over seeds, shaded from the lowest to the highest."
BARS = "Bars: 95 % intervals over seeds."

Series: TypeAlias = tuple[str, Any, Sequence[Run]]  # name, colour, runs
End: TypeAlias = tuple[float, float, str, Any]  # where a line ends, its name and colour


def over_rounds(runs: Sequence[Run], name: str) -> tuple[Array, Array, Array, Array]:
    """Rounds, and the mean, lowest and highest of the seeds in each, (rounds,)."""
    values = np.array([column(run, name) for run in runs])
    return np.arange(1, values.shape[1] + 1), values.mean(axis=0), values.min(axis=0), values.max(axis=0)


def line(axes: Any, runs: Sequence[Run], name: str, colour: Any, **look: Any) -> tuple[float, float]:
    """Draws the mean over seeds with their range; the point where it ends."""
    x, centre, low, high = over_rounds(runs, name)
    axes.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0.0, zorder=look.get("zorder", 2) - 0.5)
    marker = "o" if len(x) == 1 else None
    axes.plot(x, centre, **{"color": colour, "linewidth": 1.5, "marker": marker, **look})
    axes.set_xlim(1 - 0.02 * len(x), len(x) + 0.02 * len(x))
    return float(x[-1]), float(centre[-1])


def draw_ordered(axes: Any, series: Sequence[Series], name: str, *, y: str, title: str) -> list[End]:
    """A line for each; the ends, to be named once all is drawn."""
    dress(axes, title=title, x="round", y=y)
    return [(*line(axes, runs, name, colour), label, colour) for label, colour, runs in series]


def draw_levels(axes: Any, x: Sequence[float], found: Sequence[Estimate], colour: Any, **look: Any) -> None:
    """Dots over values of a parameter, joined, with intervals."""
    for place, one in zip(x, found, strict=True):
        if one.low is not None:
            axes.plot([place, place], [one.low, one.high], color=colour, linewidth=1.2, alpha=0.6)
    centres = [one.mean for one in found]
    axes.plot(x, centres, **{"color": colour, "marker": "o", "markersize": 5, "linewidth": 1.4, **look})


def after(accuracy: str) -> str:
    """What the column of accuracy after personalisation is."""
    _, _, steps = accuracy.partition("/")
    many = f"{steps} step{'s' * (steps != '1')} of " if steps else ""
    return f"accuracy after {many}personalisation"


def over(measure: Measure, runs: Iterable[Run]) -> Estimate:
    return estimate(map(measure, runs))


def ordered(count: int) -> list[Any]:
    """So many colours from dark to light, for values in order."""
    from matplotlib import colormaps

    return [colormaps[MAP](shade) for shade in np.linspace(DARK, PALE, count)]


def dress(axes: Any, *, title: str = "", x: str = "", y: str = "") -> None:
    """Title and labels, a faint grid, no frame above and to the right."""
    axes.set_title(title, fontsize=TITLE)
    axes.set_xlabel(x, fontsize=LABEL)
    if y:
        axes.set_ylabel(y, fontsize=LABEL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    if x == "round":
        axes.xaxis.get_major_locator().set_params(integer=True)


def as_share(axes: Any) -> None:
    """Shows shares alone where an interval reaches below 0 or above 1."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), min(high, 1.0))


def name_ends(axes: Any, ends: Sequence[End]) -> None:
    """Names to the right of the axes, at the heights where lines end, moved apart; the axes are as they will be."""
    bottom, top = axes.get_ylim()
    heights = apart([(end - bottom) / (top - bottom) for _, end, _, _ in ends], GAP)
    for height, (x, y, name, colour) in zip(heights, ends, strict=True):
        text = {"va": "center", "color": colour, "fontsize": SMALL, "annotation_clip": False}
        lead = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2, "relpos": (0.0, 0.5)}
        axes.annotate(name, (x, y), (1.05, height), textcoords="axes fraction", arrowprops=lead, **text)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """The heights in their order, moved as little as needed to be `gap` apart, around their common middle."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[tuple[float, int]] = []  # middle and size of what stands together, from below
    for k in order:
        middle, size = heights[k], 1
        while groups and middle - gap * size / 2 < groups[-1][0] + gap * groups[-1][1] / 2:
            below, many = groups.pop()
            middle, size = (below * many + middle * size) / (many + size), many + size
        groups.append((middle, size))
    placed = [middle + gap * (i - (size - 1) / 2) for middle, size in groups for i in range(size)]
    return [height for _, height in sorted(zip(order, placed, strict=True))]


def legend(figure: Any, panels: Iterable[Any], note: str, order: Sequence[str] = ()) -> None:
    """What the colours are, once each and in this order, below the panels, and what lines and bars are."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        figure.supxlabel(note, fontsize=SMALL, color="0.35")
        return
    if order:
        entries = {label: entries[label] for label in order if label in entries}
    place = {
        "loc": "outside lower center",
        "ncols": min(len(entries), max(1, int(figure.get_figwidth() / ENTRY))),
        "frameon": False,
    }
    box = figure.legend(entries.values(), entries.keys(), fontsize=LABEL, **place)
    box.set_title(note, prop={"size": SMALL})
