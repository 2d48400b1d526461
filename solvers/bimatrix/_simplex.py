"""A player's strategies as a point, a segment or a triangle, with the labels of each place and a path through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from solvers._figure import ACCENT, COLOURS
from solvers.core import Array

CORNERS = {
    1: np.array([[0.5, 0.0]]),
    2: np.array([[0.0, 0.0], [1.0, 0.0]]),
    3: np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.866]]),
}
OUTSIDE = np.array([0.5, -0.3])  # where the artificial equilibrium is drawn
BESIDE = np.array([-1.0, 0.0])  # where the name of an only strategy is: the path comes from below
CLOSE = 1e-9  # of a probability


@dataclass(frozen=True)
class Space:
    """One player's mixtures of `own` strategies, and what each of the opponent's strategies earns against them.

    `payoffs` is (opponent's strategies, own strategies); `labels` numbers and `names` names all of the game's
    strategies that label a place: `own` where unused, the opponent's where best.
    """

    payoffs: Array
    own: dict[int, str]
    opposing: dict[int, str]
    player: str

    @property
    def corners(self) -> Array:
        """Where the pure strategies are drawn, (own strategies, 2)."""
        return CORNERS[len(self.own)]

    def place(self, strategy: Array) -> Array:
        """Where a mixture is drawn, (2,); all zeros, the artificial equilibrium, outside."""
        placed: Array = strategy @ self.corners if strategy.any() else OUTSIDE
        return placed

    def region(self, k: int) -> Array:
        """The corners of the mixtures against which the opponent's k-th strategy is best, (corners, own strategies)."""
        kept = np.eye(len(self.own))
        for other in self.payoffs:
            kept = _clipped(kept, kept @ (self.payoffs[k] - other))
        return kept


def _clipped(polygon: Array, values: Array) -> Array:
    """The part of a polygon where a linear function, given at its corners, is not negative (Sutherland and Hodgman)."""
    kept: list[Array] = []
    for k in range(len(polygon)):
        before, here = values[k - 1], values[k]
        if before * here < 0:
            kept.append((polygon[k - 1] * here - polygon[k] * before) / (here - before))
        if here >= 0:
            kept.append(polygon[k])
    return np.array(kept).reshape(-1, polygon.shape[1])


def draw_space(axes: Any, space: Space, points: Sequence[Array], title: str) -> None:
    """The places where each of the opponent's strategies is best, the borders, and the path `points`, numbered."""
    _draw_regions(axes, space)
    _draw_borders(axes, space)
    _draw_path(axes, [space.place(point) for point in points])
    axes.set(xlim=(-0.3, 1.3), ylim=(-0.45, 1.1 if len(space.own) == 3 else 0.25), aspect="equal")
    axes.set_axis_off()
    axes.set_anchor("N")
    axes.set_title(f"{title}\nareas: best responses of the other player; borders: unused strategies", fontsize=9)


def _draw_regions(axes: Any, space: Space) -> None:
    texts: dict[tuple[float, float], list[str]] = {}
    for k, (label, name) in enumerate(space.opposing.items()):
        region = space.region(k)
        if len(region) == 0:
            continue  # never best
        outline = region @ space.corners
        colour = COLOURS[label % len(COLOURS)]
        axes.fill(*outline.T, facecolor=colour, edgecolor=colour, alpha=0.3, linewidth=7 if len(space.own) < 3 else 2)
        middle = tuple(_middle(outline).tolist())
        texts.setdefault(middle, []).append(f"{label}: {name}")
    lift = 0.0 if len(space.own) == 3 else 0.12
    for (x, y), parts in texts.items():
        axes.text(x, y + lift, "\n".join(parts), ha="center", va="center", fontsize=8)


def _middle(outline: Array) -> Array:
    """The mean of a region's corners, each counted once: clipping may give one twice."""
    middle: Array = np.unique(np.round(outline, 9), axis=0).mean(axis=0)
    return np.round(middle, 6)


def _draw_borders(axes: Any, space: Space) -> None:
    """The border without strategy i carries label i: a side of the triangle, an end of the segment."""
    corners, centre = space.corners, space.corners.mean(axis=0)
    axes.plot(*np.vstack([corners, corners[:1]]).T, color="black", linewidth=1, marker="o", ms=3)
    for k, (label, name) in enumerate(space.own.items()):
        away = corners[k] - centre if len(corners) > 1 else BESIDE
        side = ("right", "center", "left")[int(np.sign(away[0])) + 1]
        style = {"ha": side, "va": "bottom" if away[1] > 0 else "top", "fontweight": "bold", "fontsize": 8}
        axes.text(*(corners[k] + 0.07 * away + [0.0, 0.08 if away[1] > 0 else -0.04]), name, **style)
        border = np.delete(corners, k, axis=0)
        if len(border):
            place = border.mean(axis=0) + (-0.16 * away if len(border) == 2 else [0.0, -0.14])
            text = f"{label}: no {name}"
            axes.text(*place, text, ha="center", va="center", fontsize=8, rotation=_slope(border), color="0.3")


def _slope(border: Array) -> float:
    """The direction of a side in degrees, such that text along it is upright."""
    if len(border) == 1:
        return 0.0
    across, up = border[1] - border[0]
    return float(np.degrees(np.arctan2(up, across) if across > 0 else np.arctan2(-up, -across)))


def _draw_path(axes: Any, places: Sequence[Array]) -> None:
    """Arrows from place to place, and at each place the numbers of the steps that arrive there."""
    arrivals: list[tuple[Array, list[int]]] = []
    moves = [0, *(k for k, (a, b) in enumerate(pairwise(places), start=1) if _apart(a, b))]
    for k in moves:
        known = next((steps for place, steps in arrivals if not _apart(place, places[k])), None)
        if known is None:
            arrivals.append((places[k], [k]))
        else:
            known.append(k)
    for a, b in pairwise(moves):
        style = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.4, "shrinkA": 3, "shrinkB": 5}
        axes.annotate("", places[b], places[a], arrowprops={**style, "connectionstyle": "arc3,rad=0.12"}, zorder=4)
    for place, steps in arrivals:
        axes.plot(*place, "o", color="white", mec="black", ms=6, zorder=5)
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "black", "linewidth": 0.6}
        text = ", ".join(map(str, steps))
        axes.annotate(text, place, xytext=(9, 9), textcoords="offset points", fontsize=8, bbox=box, zorder=7)
    axes.plot(*places[-1], "*", color=ACCENT, ms=13, zorder=6)
    if not _apart(places[0], OUTSIDE):
        axes.text(*(OUTSIDE - [0, 0.12]), "artificial equilibrium", ha="center", fontsize=8)


def _apart(a: Array, b: Array) -> bool:
    return bool(np.max(np.abs(a - b)) > CLOSE)
