"""Parts of pictures of played rounds: lines with the range of seeds, dots with intervals, names at ends of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from models.gfml._statistics import Estimate, Measure, Run, column, estimate
from solvers.core import Array

TITLE, LABEL, SMALL = 10, 9, 8
ENTRY = 2.6  # inches that an entry of a legend takes
BAND = 0.15  # opacity of the range of seeds
GAP = 0.052  # of the height of a panel, between names at the ends of lines
MARGIN = 0.02  # of all rounds, before the first and after the last, but at most half a round
MAP, DARK, PALE = "viridis", 0.0, 0.75  # for ordered values

Series: TypeAlias = tuple[str, Any, Sequence[Run]]  # name, colour, runs
End: TypeAlias = tuple[float, float, str, Any]  # where a line ends, its name and colour


def over_rounds(runs: Sequence[Run], name: str) -> tuple[Array, Array, Array, Array]:
    """Rounds, and the mean, lowest and highest of the seeds in each, (rounds,), of those that have a value."""
    values = np.ma.masked_invalid([column(run, name) for run in runs])
    found = (values.mean(axis=0), values.min(axis=0), values.max(axis=0))
    centre, low, high = (np.ma.filled(one, np.nan) for one in found)
    return np.arange(1, values.shape[1] + 1), centre, low, high


def line(axes: Any, runs: Sequence[Run], name: str, colour: Any, **look: Any) -> tuple[float, float]:
    """Draws the mean over seeds with their range; the last point of it, nan where there is none."""
    x, centre, low, high = over_rounds(runs, name)
    axes.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0.0, zorder=look.get("zorder", 2) - 0.5)
    marker = "o" if len(x) == 1 else None
    axes.plot(x, centre, **{"color": colour, "linewidth": 1.5, "marker": marker, **look})
    margin = min(MARGIN * len(x), 0.5)  # so that 0, which is no round, has no tick
    axes.set_xlim(1 - margin, len(x) + margin)
    present = np.flatnonzero(~np.isnan(centre))
    end = present[-1] if present.size else -1
    return float(x[end]), float(centre[end])


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
    for height, (x, y, name, colour) in _heights(axes, ends):
        text = {"va": "center", "color": colour, "fontsize": SMALL, "annotation_clip": False}
        lead = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2, "relpos": (0.0, 0.5)}
        axes.annotate(name, (x, y), (1.05, height), textcoords="axes fraction", arrowprops=lead, **text)


def number_ends(axes: Any, ends: Sequence[End]) -> None:
    """As `name_ends`, close to the axes and without a lead: for numbers in the colours of lines."""
    for height, (_, _, name, colour) in _heights(axes, ends):
        axes.text(1.01, height, name, transform=axes.transAxes, va="center", color=colour, fontsize=SMALL)


def _heights(axes: Any, ends: Sequence[End]) -> Iterator[tuple[float, End]]:
    """In which part of the height of the axes each name is; a line without a point has none."""
    bottom, top = axes.get_ylim()
    there = [end for end in ends if not np.isnan(end[1])]
    yield from zip(apart([(y - bottom) / (top - bottom) for _, y, _, _ in there], GAP), there, strict=True)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """The heights in their order, moved as little as needed to be `gap` apart, from 0 to 1 as far as there is room."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[tuple[float, int]] = []  # middle and size of what stands together, from below
    for k in order:
        middle, size = _inside(heights[k], 1, gap), 1
        while groups and middle - gap * size / 2 < groups[-1][0] + gap * groups[-1][1] / 2:
            below, many = groups.pop()
            middle, size = (below * many + middle * size) / (many + size), many + size
            middle = _inside(middle, size, gap)
        groups.append((middle, size))
    placed = [middle + gap * (i - (size - 1) / 2) for middle, size in groups for i in range(size)]
    return [height for _, height in sorted(zip(order, placed, strict=True))]


def _inside(middle: float, size: int, gap: float) -> float:
    """The middle of so many heights, moved so that none is below 0 or above 1; 1/2 if there is no room."""
    half = gap * (size - 1) / 2
    return min(max(middle, half), 1.0 - half) if half <= 0.5 else 0.5


def note(runs: Sequence[Run], *, lines: bool = False, bars: bool = False) -> str:
    """What lines and bars are, by the number of seeds."""
    if len(runs) == 1:
        return "One seed."
    of_lines = f"Lines: means over {len(runs)} seeds, shaded from the lowest to the highest."
    of_bars = "Bars: 95 % intervals." if lines else f"Bars: 95 % intervals over {len(runs)} seeds."
    return " ".join([of_lines] * lines + [of_bars] * bars)


def legend(figure: Any, panels: Iterable[Any], words: str, order: Sequence[str] = ()) -> None:
    """What the colours are, once each and in this order, below the panels, and what lines and bars are."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        figure.supxlabel(words, fontsize=SMALL, color="0.35")
        return
    if order:
        entries = {label: entries[label] for label in order if label in entries}
    place = {
        "loc": "outside lower center",
        "ncols": min(len(entries), max(1, int(figure.get_figwidth() / ENTRY))),
        "frameon": False,
    }
    box = figure.legend(entries.values(), entries.keys(), fontsize=LABEL, **place)
    box.set_title(words, prop={"size": SMALL})
