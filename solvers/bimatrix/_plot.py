"""Pictures of a bimatrix game: each player's best responses, and the Lemke-Howson path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from solvers._figure import ACCENT, cycled, drawn_text, encoded, new_figure
from solvers.bimatrix._game import AnyProfile, BimatrixGame, Profile
from solvers.bimatrix._simplex import CORNERS, Space, draw_space
from solvers.core import Array, InvalidGame

STRATEGIES = 60  # of both players together, at most
CROWD = 7  # strategies of a player; of more, only those that can be best, or corners, get names
LISTED = 12  # entries of a legend
READABLE = (1e-3, 1e5)  # payoffs between these are written as they are

Panel: TypeAlias = Callable[[Any], None]


def check_size(game: BimatrixGame) -> None:
    """Refuses a game too large to be drawn.

    Raises
    ------
    InvalidGame
        If the players have more than 60 strategies together.
    """
    m, n = game.shape
    if m + n > STRATEGIES:
        raise InvalidGame(f"--plot needs at most {STRATEGIES} strategies, rows and columns together, got {m} + {n}")


def picture(
    game: BimatrixGame, profiles: Sequence[AnyProfile], path: Sequence[Profile], *, label: int, suffix: str = ".png"
) -> bytes:
    """The picture as a file's content: best responses with the equilibria `profiles`, and the `path` of `label`."""
    equilibria = [Profile(*(np.asarray(strategy, dtype=np.float64) for strategy in p)) for p in profiles]
    above = _best_response_panels(game, equilibria)
    below = _path_panels(game, path, label)
    rows = [(panels, height) for panels, height in ((above, 4.8), (below, _path_height(game))) if panels]
    heights = [height for _, height in rows]
    figure = new_figure(5.2 * max(len(above), 2), sum(heights) + 0.4)
    parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=heights))
    for part, (panels, _) in zip(parts, rows, strict=True):
        for axes, draw in zip(np.atleast_1d(part.subplots(1, len(panels))), panels, strict=True):
            draw(axes)
    figure.suptitle(drawn_text(game.title or "Best responses and the Lemke-Howson path"), fontsize=12)
    return encoded(figure, suffix)


def names(game: BimatrixGame) -> tuple[list[str], list[str]]:
    """What the strategies of each player are called in a picture."""
    (m, n), (row, column) = game.shape, game.players
    rows = game.rows or [f"{row} {i}" for i in range(m)]
    columns = game.columns or [f"{column} {j}" for j in range(n)]
    return [drawn_text(name, 18) for name in rows], [drawn_text(name, 18) for name in columns]


# --- best responses ----------------------------------------------------------------------------------------------


def _best_response_panels(game: BimatrixGame, equilibria: Sequence[Profile]) -> list[Panel]:
    """One diagram per player where one of the two has two strategies, and both reactions where both have."""
    m, n = game.shape
    if 2 not in (m, n):
        return []
    turned = [Profile(p.column, p.row) for p in equilibria]
    panels = [_diagram(game, equilibria), _diagram(game.transposed, turned)]
    return [*panels, lambda axes: _draw_reactions(axes, game, equilibria)] if m == n else panels


def _diagram(game: BimatrixGame, equilibria: Sequence[Profile]) -> Panel:
    """The row player's best responses: over the column player's two strategies, or between its own two."""
    draw = _draw_envelope if game.shape[1] == 2 else _draw_plane
    return lambda axes: draw(axes, game, equilibria)


def _draw_envelope(axes: Any, game: BimatrixGame, equilibria: Sequence[Profile]) -> None:
    """Each row's payoff over the probability of column 1, and the greatest of them."""
    (A, unit), (own, other) = _scaled(game.A), names(game)
    q = _kinks(A)
    shown = _ever_best(A, q) if len(own) > CROWD else range(len(own))
    axes.plot([0, 1], np.delete(A, shown, axis=0).T, color="0.8", linewidth=0.8)
    for i, colour in zip(shown, cycled(len(shown)), strict=True):
        axes.plot([0, 1], A[i], color=colour, linewidth=1.4, label=own[i])
    axes.plot(q, _along(A, q).max(axis=0), color="black", linewidth=4, alpha=0.35, label="best response")
    at = np.array([p.column[1] for p in equilibria])
    axes.plot(at, _along(A, at).max(axis=0, initial=-np.inf), "*", color=ACCENT, ms=14, label="equilibrium", zorder=5)
    axes.set(
        xlim=(-0.02, 1.02), xlabel=f"probability of {other[1]}", ylabel=f"payoff of {drawn_text(game.players[0])}{unit}"
    )
    axes.set_title(f"{drawn_text(game.players[0])}: what each strategy earns", fontsize=10)
    _finish(axes)


def _along(A: Array, q: Array) -> Array:
    """Each row's payoff where column 1 has probability `q`, (m, len(q))."""
    values: Array = np.outer(A[:, 0], 1 - q) + np.outer(A[:, 1], q)
    return values


def _kinks(A: Array) -> Array:
    """Every probability of column 1 at which two rows earn the same, and both ends."""
    gap, slope = A[:, None, 0] - A[None, :, 0], A[:, None, 0] - A[None, :, 0] - A[:, None, 1] + A[None, :, 1]
    with np.errstate(over="ignore"):
        meet = gap[slope != 0] / slope[slope != 0]
    return np.unique(np.concatenate([[0.0, 1.0], meet[(meet > 0) & (meet < 1)]]))


def _ever_best(A: Array, kinks: Array) -> list[int]:
    """The rows that are best somewhere: between two kinks the best rows stay the same."""
    return [int(i) for i in np.unique(_along(A, (kinks[1:] + kinks[:-1]) / 2).argmax(axis=0))]


def _draw_plane(axes: Any, game: BimatrixGame, equilibria: Sequence[Profile]) -> None:
    """What the row player's two strategies earn against each column: above the diagonal the second is best."""
    (A, unit), (own, other) = _scaled(game.A), names(game)
    low, high = float(A.min()), float(A.max())
    pad = 0.12 * (high - low) or 1.0
    ends = np.array([low - pad, high + pad])
    axes.fill_between(ends, ends, ends[1], color=cycled(2)[1], alpha=0.15, linewidth=0, label=f"{own[1]} is best")
    axes.fill_between(ends, ends[0], ends, color=cycled(2)[0], alpha=0.15, linewidth=0, label=f"{own[0]} is best")
    axes.plot(ends, ends, color="0.4", linewidth=1)
    hull = _hull(A)
    axes.fill(*hull, facecolor="none", edgecolor="black", linewidth=1, label="mixtures of the opponent")
    axes.plot(*A, "o", color="black", ms=4)
    for point, name in zip(A.T, other, strict=True):
        if len(other) > CROWD and not (point[:, None] == hull).all(axis=0).any():
            continue  # inside: its name would hide others
        axes.annotate(name, point, xytext=(4, 4), textcoords="offset points", fontsize=8)
    at = A @ np.array([p.column for p in equilibria]).reshape(-1, A.shape[1]).T
    axes.plot(*at, "*", color=ACCENT, ms=14, label="equilibrium", zorder=5)
    axes.set(xlim=ends, ylim=ends, xlabel=f"payoff of {own[0]}{unit}", ylabel=f"payoff of {own[1]}{unit}")
    axes.set_title(f"{drawn_text(game.players[0])}: which of two strategies is best", fontsize=10)
    _finish(axes)


def _hull(points: Array) -> Array:
    """The convex hull's corners in order, (2, corners), by Andrew's monotone chain."""
    ordered = np.unique(points.T, axis=0)
    return np.array([*_chain(ordered), *_chain(ordered[::-1])]).T


def _chain(ordered: Array) -> list[Array]:
    kept: list[Array] = []
    for point in ordered:
        while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= 0:
            kept.pop()
        kept.append(point)
    return kept


def _turn(a: Array, b: Array, c: Array) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _draw_reactions(axes: Any, game: BimatrixGame, equilibria: Sequence[Profile]) -> None:
    """Both reaction curves in the unit square; they meet in the equilibria."""
    rows, columns = names(game)
    q, p = _reaction(game.A)
    _draw_reaction(axes, q, p, cycled(2)[0], game.players[0])
    p, q = _reaction(game.B.T)
    _draw_reaction(axes, q, p, cycled(2)[1], game.players[1])
    at = np.array([[x.column[1], x.row[1]] for x in equilibria]).reshape(-1, 2)
    axes.plot(*at.T, "*", color=ACCENT, ms=14, label="equilibrium", zorder=5, clip_on=False)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.set(xlabel=f"probability of {columns[1]}", ylabel=f"probability of {rows[1]}")
    axes.set_title("Reactions: each player's best responses to the other", fontsize=10)
    _finish(axes)


def _draw_reaction(axes: Any, q: Array, p: Array, colour: str, player: str) -> None:
    label = f"best responses of {drawn_text(player)}"
    if len(q) == 0:  # indifferent whatever the other does
        axes.fill([0, 1, 1, 0], [0, 0, 1, 1], color=colour, alpha=0.2, linewidth=0, label=label)
        return
    axes.plot(q, p, color=colour, linewidth=2.2, label=label)


def _reaction(A: Array) -> tuple[Array, Array]:
    """The opponent's probability and the best own one, of the second strategy; nothing where all are best."""
    A, _ = _scaled(A)
    at_ends = A[1] - A[0]  # what the second strategy earns more, against either column
    if not at_ends.any():
        return np.array([]), np.array([])
    q = _kinks(A)
    better = [float(at_ends @ [1 - middle, middle]) > 0 for middle in (q[1:] + q[:-1]) / 2]
    own = np.repeat(np.array(better, dtype=np.float64), 2)
    # where the ends are ties, every own probability is best there
    first = [] if at_ends[0] else [1 - own[0]]
    last = [] if at_ends[1] else [1 - own[-1]]
    opposing = np.repeat(q, 2)[1:-1]
    return (
        np.concatenate([[0.0] * len(first), opposing, [1.0] * len(last)]),
        np.concatenate([first, own, last]),
    )


def _scaled(payoffs: Array) -> tuple[Array, str]:
    """Payoffs that can be drawn whatever their unit, and what the axis says of it."""
    largest = float(np.max(np.abs(payoffs)))
    if largest == 0 or READABLE[0] <= largest < READABLE[1]:
        return payoffs, ""
    exponent = int(np.floor(np.log10(largest)))
    half = exponent // 2  # a power of ten beyond the range of floats is applied in two
    return payoffs / 10.0**half / 10.0 ** (exponent - half), f" (in 1e{exponent:+d})"


def _finish(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) <= LISTED:
        axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=7, ncols=3)
    axes.grid(alpha=0.25)


# --- the path ----------------------------------------------------------------------------------------------------


def _path_height(game: BimatrixGame) -> float:
    """In inches: a chart's lines, a triangle, or less for segments."""
    most = max(game.shape)
    return 2.6 if most < len(CORNERS) else 4.8 if most == len(CORNERS) else 2.0 + 0.16 * max(sum(game.shape), 16)


def _path_panels(game: BimatrixGame, path: Sequence[Profile], label: int) -> list[Panel]:
    """Both strategy spaces where they can be drawn, otherwise a chart of the steps."""
    if not set(game.shape) <= set(CORNERS):
        return [lambda axes: _draw_chart(axes, game, path, label)]
    rows, columns = names(game)
    row_labels, column_labels = dict(enumerate(rows)), dict(enumerate(columns, start=len(rows)))
    spaces = (
        Space(_scaled(game.B.T)[0], row_labels, column_labels, game.players[0]),
        Space(_scaled(game.A)[0], column_labels, row_labels, game.players[1]),
    )
    return [_space_panel(space, [vertex[k] for vertex in path], label) for k, space in enumerate(spaces)]


def _space_panel(space: Space, points: Sequence[Array], label: int) -> Panel:
    name = {**space.own, **space.opposing}[label]
    title = f"Strategies of {drawn_text(space.player, 30)}, and the path of label {label} ({name})"
    return lambda axes: draw_space(axes, space, points, title)


def _draw_chart(axes: Any, game: BimatrixGame, path: Sequence[Profile], label: int) -> None:
    """The probability of every strategy after each step, and the label that each step picks up."""
    rows, columns = names(game)
    labels = [*rows, *columns]
    probabilities = np.array([np.concatenate(vertex) for vertex in path])
    image = axes.imshow(probabilities.T, aspect="auto", cmap="Greys", vmin=0, vmax=1, interpolation="none")
    axes.figure.colorbar(image, ax=axes, label="probability", shrink=0.8)
    axes.axhline(len(rows) - 0.5, color="0.3", linewidth=1)
    picked = picked_up(game, path, label)
    axes.plot(range(len(picked)), picked, "o-", color=ACCENT, ms=4, linewidth=0.8)
    axes.set_yticks(range(len(labels)), [f"{k}  {name}" for k, name in enumerate(labels)], fontsize=7)
    axes.set(xlabel="step", ylabel="label")
    axes.xaxis.get_major_locator().set_params(integer=True)
    title = (
        f"Path of label {label} ({labels[label]}), {len(path) - 1} steps: the label picked up, and the probabilities"
    )
    axes.set_title(title, fontsize=10)


def picked_up(game: BimatrixGame, path: Sequence[Profile], label: int) -> Array:
    """The label that each step of the path of `label` picks up, (steps + 1,), the first being the one dropped.

    nan where ties leave it open.
    """
    held = [_labels(game, vertex) for vertex in path]
    picked = [float(label)]
    for (before, after), dropped in zip(pairwise(held), [*_dropped(held)[1:], {label}], strict=True):
        new = (after[0] - before[0]) | (after[1] - before[1])
        certain = new & dropped or new
        picked.append(float(certain.pop()) if len(certain) == 1 else np.nan)
    return np.array(picked)


def _dropped(held: Sequence[tuple[set[int], set[int]]]) -> list[set[int]]:
    return [(before[0] - after[0]) | (before[1] - after[1]) for before, after in pairwise(held)]


def _labels(game: BimatrixGame, vertex: Profile) -> tuple[set[int], set[int]]:
    """The labels that each player's strategy carries: its own unused strategies, the opponent's best responses."""
    m = game.shape[0]
    best_rows, best_columns = game.best_responses(vertex)
    row = {int(i) for i in np.flatnonzero(vertex.row == 0)}
    column = {m + int(j) for j in np.flatnonzero(vertex.column == 0)}
    if vertex.row.any():  # all zeros: against nothing, nothing is best
        row |= {m + int(j) for j in best_columns}
    if vertex.column.any():
        column |= {int(i) for i in best_rows}
    return row, column
