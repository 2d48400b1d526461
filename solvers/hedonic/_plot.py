"""Pictures of a hedonic game: who is with whom, and how the players switched over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from solvers._figure import ACCENT, COLOURS, drawn_text, encoded, new_figure
from solvers.core import Positions
from solvers.hedonic._discs import GREY, draw_partition, player_name
from solvers.hedonic._dynamics import Trajectory
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._words import counted

LANES = 36  # players with a lane of their own in the chart of switches
STEPS = 60  # switches, the last ones, of that chart
AREAS = 12  # coalitions with a colour of their own over time
SAMPLES = 600  # times at which sizes are drawn
DETAILED = 31  # times up to which slots and gains are written into the lanes
THICK = 0.62  # of a lane
WIDE = 300  # times the least gain that the largest is, where a scale is in powers of ten
TITLE = 110
OTHER = "#777777"  # a coalition that the chart of switches does not show


def picture(
    game: HedonicGame,
    partition: Partition,
    trajectory: Trajectory,
    *,
    title: str = "",
    what: str = "",
    note: str = "",
    suffix: str = ".png",
) -> bytes:
    """The picture as a file's content: the `partition`, and the switches of the `trajectory`.

    `what` says what the partition is, and `note` how the switches belong to it. Where they end in that partition, or
    slots are told apart, a coalition has one colour in both parts.
    """
    ends = partition.canonical == trajectory.last.canonical
    if ends:
        partition = trajectory.last  # with the slots that the switches name
    movers = np.unique(trajectory.switches.players)
    chart = Lanes(game, trajectory, movers) if len(movers) <= LANES else Crowd(game, trajectory)
    present = np.unique(partition.slots).tolist()
    shared = shared_colours(present, chart.slots) if ends or distinguished(game) else None
    figure = new_figure(13.5, 6.4)
    left, right = figure.subfigures(1, 2, width_ratios=[1.0, 1.15])
    draw_partition(left.subplots(), game, partition, shared or slot_colours(present), what)
    chart.draw(right, shared or slot_colours(chart.slots), f"\n{note}" if note else "")
    figure.suptitle(drawn_text(title or game.title or "A partition and the switches", TITLE), fontsize=12)
    return encoded(figure, suffix)


def shared_colours(present: Sequence[int], charted: Sequence[int]) -> dict[int, Any]:
    """One colour for a slot in both parts; where there are many slots, only those of the chart are told apart."""
    if len({*present, *charted} - {OUT}) < len(COLOURS) or not charted:
        return slot_colours([*present, *charted])
    return {**dict.fromkeys(present, OTHER), **slot_colours(charted)}


def slot_colours(slots: Sequence[int]) -> dict[int, Any]:
    """A colour for each of the slots, of a map where there are many; for being out, grey."""
    from matplotlib import colormaps

    inside = sorted({*slots} - {OUT})
    if len(inside) <= len(COLOURS) - 1:
        found: dict[int, Any] = dict(zip(inside, COLOURS, strict=False))
    else:
        found = {slot: colormaps["turbo"](0.05 + 0.9 * k / (len(inside) - 1)) for k, slot in enumerate(inside)}
    return {**found, OUT: GREY}


# --- the switches ------------------------------------------------------------------------------------------------


class Lanes:
    """For few movers: a lane for each, coloured by where it is, and its gain at each switch."""

    def __init__(self, game: HedonicGame, trajectory: Trajectory, movers: Positions) -> None:
        self.game, self.trajectory, self.movers = game, trajectory, movers
        self.first = max(len(trajectory.switches) - STEPS, 0)
        self.history = _history(trajectory, movers, self.first)

    @property
    def slots(self) -> list[int]:
        """The slots that are shown."""
        return [int(slot) for slot in np.unique(self.history)]

    def draw(self, part: Any, colours: Mapping[int, Any], note: str = "") -> None:
        """The chart, in this part of the figure, with a note below its title."""
        axes, total = part.subplots(), len(self.trajectory.switches)
        if not total:
            axes.axis("off")
            axes.set_title(f"No player switches{_ending(self.trajectory)}{note}", fontsize=10)
            return
        for lane in range(len(self.movers)):
            self._draw_lane(axes, lane, colours)
        _shade_cycle(axes, self.trajectory, 1)
        axes.set_yticks(range(len(self.movers)), [player_name(self.game, i) for i in self.movers.tolist()], fontsize=7)
        axes.set(xlim=(self.first, total + 1), ylim=(len(self.movers) - 0.4, -0.6), xlabel="switches made")
        axes.xaxis.get_major_locator().set_params(integer=True)
        shown = f"the last {STEPS} of {total:,} switches" if self.first else counted(total, "switch", "switches")
        axes.set_title(f"Where each player is: {shown}{_ending(self.trajectory, STEPS)}{note}", fontsize=10)
        _legend(axes, colours, self.slots)

    def _draw_lane(self, axes: Any, lane: int, colours: Mapping[int, Any]) -> None:
        detailed = len(self.history) <= DETAILED
        for start, stop, slot in _stays(self.history[:, lane]):
            bar = {"facecolor": colours[slot], "edgecolor": "white", "linewidth": 0.6}
            axes.broken_barh([(self.first + start, stop - start)], (lane - THICK / 2, THICK), **bar)
            if detailed:
                text = "out" if slot == OUT else str(slot)
                look = {"ha": "center", "va": "center", "color": "black" if slot == OUT else "white"}
                axes.text(self.first + (start + stop) / 2, lane, text, fontsize=7, **look)
        switches = self.trajectory.switches[self.first :]
        for k in np.flatnonzero(switches.players == self.movers[lane]).tolist() if detailed else ():
            corner = self.first + k + 1, lane - THICK / 2
            axes.annotate(f"+{switches.gains[k]:.3g}", corner, (1, 1), textcoords="offset points", fontsize=6)


def _history(trajectory: Trajectory, movers: Positions, first: int) -> Positions:
    """Where each of the movers is after `first` switches and after every later one, (times, movers)."""
    switches = trajectory.switches
    lanes, slots = np.searchsorted(movers, switches.players), trajectory.initial.slots[movers]
    slots[lanes[:first]] = switches.targets[:first]  # of several, the last stays
    found = np.tile(slots, (len(switches) - first + 1, 1))
    for k, (lane, target) in enumerate(zip(lanes[first:].tolist(), switches.targets[first:].tolist(), strict=True)):
        found[k + 1 :, lane] = target
    return found


def _stays(slots: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """The times from and to which a player is in one slot, and the slot."""
    edges = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(slots)]
    return [(start, stop, int(slots[start])) for start, stop in pairwise(edges)]


def _shade_cycle(axes: Any, trajectory: Trajectory, shift: int) -> None:
    """The switches of the cycle, the last ones, behind everything else."""
    if len(trajectory.cycle):
        end = len(trajectory.switches) + shift
        start = end - len(trajectory.cycle)
        axes.axvspan(start, end, color=ACCENT, alpha=0.16, linewidth=0, zorder=0)
        axes.axvline(start, color=ACCENT, linewidth=1.2, zorder=0)


def _ending(trajectory: Trajectory, steps: int | None = None) -> str:
    """How the switches end, of which the last `steps` are drawn."""
    if steps is not None and len(trajectory.cycle) > steps:
        return f", of a cycle of {len(trajectory.cycle):,} (shaded)"
    if len(trajectory.cycle):
        return f", the last {len(trajectory.cycle):,} a cycle (shaded)"
    return f", {trajectory.status.name.lower().replace('_', ' ')}"


def _legend(axes: Any, colours: Mapping[int, Any], slots: Sequence[int]) -> None:
    from matplotlib.patches import Patch

    if len(slots) <= AREAS:
        handles = [Patch(facecolor=colours[s], label="out" if s == OUT else f"slot {s}") for s in slots]
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=7, ncols=6)


class Crowd:
    """For many movers: the sizes of the coalitions over time, and what each switch gained."""

    def __init__(self, game: HedonicGame, trajectory: Trajectory) -> None:
        self.trajectory = trajectory
        self.times, self.sizes, self.used = _sizes(game, trajectory)
        largest = np.argsort(-self.sizes.max(axis=0), kind="stable")[:AREAS]
        self.columns = sorted(largest.tolist())

    @property
    def slots(self) -> list[int]:
        """The slots that are shown."""
        return [self.used[k] for k in self.columns]

    def draw(self, part: Any, colours: Mapping[int, Any], note: str = "") -> None:
        """The two charts, in this part of the figure, with a note below their title."""
        above, below = panels = part.subplots(2, 1, sharex=True)
        for k, slot in zip(self.columns, self.slots, strict=True):
            label, dashes = ("out", ":") if slot == OUT else (f"slot {slot}", "-")
            colour = "#888888" if slot == OUT else colours[slot]
            above.plot(self.times, self.sizes[:, k], dashes, color=colour, linewidth=1.3, label=label)
        above.set(ylabel="members")
        above.legend(fontsize=6, ncols=1, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        shown, total = len(self.columns), counted(len(self.trajectory.switches), "switch", "switches")
        which = f"sizes of the {shown} largest of {len(self.used):,} coalitions" if len(self.used) > shown else "sizes"
        above.set_title(f"{total}{_ending(self.trajectory)}: {which}, and gains{note}", fontsize=10)
        self._draw_gains(below)
        for axes in panels:
            _shade_cycle(axes, self.trajectory, 0)
            axes.grid(alpha=0.25)

    def _draw_gains(self, axes: Any) -> None:
        """What each switch gained, in powers of ten where they differ much."""
        gains = self.trajectory.switches.gains
        dots = min(4.0, 60 / math.sqrt(len(gains)) + 0.8)
        axes.plot(np.arange(1, len(gains) + 1), gains, ".", color="0.25", ms=dots, rasterized=True)
        if gains.max() > WIDE * gains.min() > 0:
            axes.set_yscale("log")
        axes.set(xlabel="switches made", ylabel="gain")
        axes.xaxis.get_major_locator().set_params(integer=True)


def _sizes(game: HedonicGame, trajectory: Trajectory) -> tuple[Positions, Positions, list[int]]:
    """Times, the number of members of each slot at these times, (times, slots), and the slots that are ever used."""
    switches = trajectory.switches
    slots = np.concatenate((trajectory.initial.slots, switches.targets))
    used, columns = np.unique(slots, return_inverse=True)
    times = np.unique(np.linspace(0, len(switches), SAMPLES).astype(np.intp))
    counts = np.bincount(columns[: game.players], minlength=len(used))
    targets, sources = columns[game.players :], np.searchsorted(used, switches.sources)
    found = np.empty((len(times), len(used)), dtype=np.intp)
    for k, (begin, end) in enumerate(pairwise([0, *times.tolist()])):
        counts = counts + np.bincount(targets[begin:end], minlength=len(used))
        counts = counts - np.bincount(sources[begin:end], minlength=len(used))
        found[k] = counts
    return times, found, used.tolist()
