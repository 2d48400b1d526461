"""The picture of a partition: a disc for each coalition, a dot for each player, and who is out below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from solvers._figure import drawn_text
from solvers.core import Array, Positions
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._json import has_names
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._words import counted

NAMED = 40  # players whose names fit into the picture
NAME = 14  # characters of a name
DOTS = 5_000  # players drawn as dots; of more, only the discs
EMPTY = 12  # slots up to which the empty ones are drawn too
GREY = "#DDDDDD"
GOLDEN = math.pi * (3 - math.sqrt(5))


def draw_partition(
    axes: Any, game: HedonicGame, partition: Partition, colours: Mapping[int, Any], what: str = ""
) -> None:
    """Every coalition as a disc of dots, and those who are out below; the title says `what` they are."""
    kept = _groups(game, partition)
    radii = {j: _radius(len(members)) for j, members in kept.items()}
    centres, width, bottom = _packed(radii)
    for j, members in kept.items():
        _draw_coalition(axes, game, j, members, centres[j], radii[j], colours.get(j, GREY))
    out = partition.members(OUT)
    if len(out):
        bottom = _draw_out(axes, game, out, width, bottom)
    axes.set(xlim=(-0.5, width + 0.5), ylim=(bottom - 0.5, 0.9), aspect="equal")
    axes.axis("off")
    used = sum(len(members) > 0 for members in kept.values())
    outside = f", {len(out):,} out" if game.has_out else ""
    players, coalitions = counted(game.players, "player"), counted(used, "coalition")
    axes.set_title(f"{what}{': ' if what else ''}{players} in {coalitions}{outside}", fontsize=10)


def _groups(game: HedonicGame, partition: Partition) -> dict[int, Positions]:
    """The members of each slot that is in use, and of empty ones where slots are told apart and few."""
    order = np.argsort(partition.slots, kind="stable")
    used, starts = np.unique(partition.slots[order], return_index=True)
    groups = dict(zip(used.tolist(), np.split(order, starts[1:]), strict=True))
    groups.pop(OUT, None)
    if distinguished(game) and game.capacity <= EMPTY:
        return {j: groups.get(j, order[:0]) for j in range(game.capacity)}
    return groups


def _radius(members: int) -> float:
    """So large that every member has the same room."""
    return 0.62 * math.sqrt(max(members, 1)) + 0.25


def _packed(radii: dict[int, float]) -> tuple[dict[int, tuple[float, float]], float, float]:
    """The centres of the discs in rows, in order, and the width and the bottom of them all."""
    gap = 0.35 * max(min(radii.values(), default=1.0), 0.6)
    area = sum((2 * r + gap) * (2 * r + 2.5 * gap) for r in radii.values())
    width = max(1.15 * math.sqrt(area), 2 * max(radii.values(), default=1.0) + gap)
    rows = _rows(radii, width, gap)
    centres, y, widest = {}, 0.0, 0.0
    for row in rows:
        tall = max(radii[j] for j in row)
        y -= tall + gap
        x = 0.0
        for j in row:
            centres[j] = (x + radii[j], y)
            x += 2 * radii[j] + gap
        widest = max(widest, x - gap)
        y -= tall + 1.5 * gap
    return centres, widest, y


def _rows(radii: dict[int, float], width: float, gap: float) -> list[list[int]]:
    rows: list[list[int]] = []
    x = math.inf
    for j, r in radii.items():
        if x + 2 * r > width + 1e-9:
            rows.append([])
            x = 0.0
        rows[-1].append(j)
        x += 2 * r + gap
    return rows


def _draw_coalition(
    axes: Any, game: HedonicGame, slot: int, members: Positions, centre: tuple[float, float], radius: float, colour: Any
) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle(centre, radius, facecolor=(colour, 0.13), edgecolor=colour, linewidth=1.2))
    if game.players <= 8 * NAMED or len(members) > game.players / 30:
        text = f"slot {slot} ({len(members):,})" if distinguished(game) else f"{len(members):,}"
        top = centre[0], centre[1] + radius
        axes.annotate(text, top, (0, 2), textcoords="offset points", ha="center", fontsize=7)
    _draw_members(axes, game, members, _sunflower(len(members), radius) + np.array(centre), colour)


def _sunflower(count: int, radius: float) -> Array:
    """So many points spread evenly over a disc, (count, 2)."""
    if count == 1:
        return np.zeros((1, 2))
    k = np.arange(count) + 0.5
    distances, angles = (radius - 0.35) * np.sqrt(k / max(count, 1)), GOLDEN * k + math.pi / 2
    return np.column_stack([distances * np.cos(angles), distances * np.sin(angles)])


def _draw_members(axes: Any, game: HedonicGame, members: Positions, at: Array, colour: Any) -> None:
    """A dot for each member, heads as squares, with names where there is room."""
    if game.players > DOTS:
        return
    unit = (8.0 if has_names(game) else 13.0) if game.players <= NAMED else max(1.2, 70.0 / math.sqrt(game.players))
    heads = np.isin(members, game.heads)
    axes.plot(*at[~heads].T, "o", color=colour, ms=unit, markeredgecolor="white", markeredgewidth=unit / 20)
    edge = {"markeredgecolor": "black", "markeredgewidth": max(unit / 8, 0.5)}
    axes.plot(*at[heads].T, "s", color=colour, ms=1.2 * unit, **edge)
    if game.players <= NAMED:
        inside = not has_names(game)  # a number fits into its dot
        place = {"ha": "center", "va": "center", "color": "white"} if inside else {"ha": "center", "va": "top"}
        for i, point in zip(members.tolist(), at, strict=True):
            offset = (0, 0 if inside else -unit)
            axes.annotate(player_name(game, i), point, offset, textcoords="offset points", fontsize=6.5, **place)


def _draw_out(axes: Any, game: HedonicGame, out: Positions, width: float, bottom: float) -> float:
    """Those who are in no coalition, in rows; returns the bottom."""
    per_row = max(int(width / 1.15), 1)
    if game.players > NAMED:
        per_row = max(per_row, math.ceil(math.sqrt(3.0 * len(out))))
    step = max(width, 1.0) / per_row
    at = np.array([[(k % per_row + 0.5) * step, bottom - 0.8 - (k // per_row) * step] for k in range(len(out))])
    axes.axhline(bottom, color="0.6", linewidth=0.8, linestyle=":")
    axes.annotate(f"out ({len(out):,})", (0, bottom), (0, -3), textcoords="offset points", va="top", fontsize=7)
    _draw_members(axes, game, out, at, "#888888")
    return float(at[-1, 1]) - 0.5


def player_name(game: HedonicGame, i: int) -> str:
    """A player's name, cut, or its number."""
    return drawn_text(game.names[i], NAME) if has_names(game) else str(i)
