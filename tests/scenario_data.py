"""Writes the follower tables of the bundled scenarios: `python tests/scenario_data.py`, from a fixed seed.

Uniform draws are turned into normal ones by the inverse distribution function, and every number is rounded to the
digits a reader wants to see, so that the tables do not depend on how a NumPy release draws a normal.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from solvers.core import Array

FOLDER = Path(__file__).parents[1] / "solvers" / "stackelberg" / "scenarios"
BASE, THRESHOLD = 0.5, 0.5  # gamma and R_th of Table II
SEED = 1  # the first one; it leaves every learner feasible

Table = dict[str, Sequence[str] | Array]


def reputation(scores: Array) -> Array:
    """H of equation (11) with log(1 + mu): BASE at the threshold, 1 at the coalition's best score."""
    mu = (np.e - 1) * (scores - THRESHOLD) / (np.max(scores) - THRESHOLD)
    below = BASE * np.exp(np.minimum(scores - THRESHOLD, 0.0))
    return np.where(scores < THRESHOLD, below, BASE + (1 - BASE) * np.log1p(np.maximum(mu, 0.0)))


def head(scores: Array, deadlines: Array) -> int:
    """Algorithm 1, line 11, as the argmax it means: a high score weighs up to twice with a short deadline."""
    span = np.max(deadlines) - np.min(deadlines)
    return int(np.argmax(scores * (1 - (deadlines - np.max(deadlines)) / span)))


def coalition(rng: np.random.Generator, data: float, size: int = 9) -> dict[str, Array]:
    """One coalition: data in bits, similarity, reputation, bandwidth in Mb/s, the head's deadline in s."""
    draw = {name: rng.random(size) for name in ("data", "S", "R", "unsound", "drop", "B", "T_max")}
    spread = np.sqrt(np.log(1 + 0.2**2))
    scores = np.where(draw["unsound"] < 0.1, THRESHOLD - 0.5 * draw["drop"], 0.5 + 1.5 * draw["R"])
    deadlines = 11 + 9 * draw["T_max"]
    first = head(scores, deadlines)
    similarity = np.clip(0.75 + 0.15 * ndtri(draw["S"]), 0, 1)
    similarity[first] = 1.0  # (13): the head compared with itself
    return {
        "D": np.round(data * np.clip(np.exp(spread * ndtri(draw["data"]) - spread**2 / 2), 0.3, 2.5), -3),
        "S": np.round(similarity, 4),
        "H": np.round(reputation(scores), 4),
        "B": np.round(5 + 5 * draw["B"], 3),
        "T_max": np.full(size, np.round(deadlines[first], 3)),
    }


def learners(seed: int, data: float, coalitions: int) -> Table:
    """Federated learners in coalitions of nine."""
    rng = np.random.default_rng(seed)
    parts = [coalition(rng, data) for _ in range(coalitions)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    n = 9 * coalitions
    limits = {"lo": np.full(n, 1e7), "hi": np.full(n, 1e9)}
    group = {"coalition": np.repeat(np.arange(coalitions), 9).astype(float)} if coalitions > 1 else {}
    return {"name": [f"u{k:02d}" for k in range(1, n + 1)], **group, **columns, **limits}


def two_peaks() -> Table:
    """Three learners whose leader has two local maxima (`D` in bits, `T_comm` in s)."""
    return {
        "name": ["ada", "bob", "cem"],
        "D": np.array([6e7, 16e7, 15e7]),
        "S": np.array([0.8, 0.6, 0.5]),
        "H": np.array([1.0, 0.8, 0.9]),
        "T_comm": np.array([1.2, 1.1, 1.5]),
    }


def customers() -> Table:
    """Buyers of computing time in three segments: how much they value it, how soon they have enough, their quota.

    The first core-hour of a day is worth value/scale dollars: about 0.20 to hobbyists, 0.50 to shops, 1.40 to
    laboratories, each customer within a tenth of its segment's numbers.
    """
    rng = np.random.default_rng(SEED)
    segments = {"hobby": (18, 0.2, 24.0, 24.0), "shop": (6, 0.5, 32.0, 32.0), "lab": (2, 1.4, 50.0, 50.0)}
    rows: list[tuple[str, float, float, float]] = []
    for name, (size, first, scale, cap) in segments.items():
        for k, (a, b, c) in enumerate(0.9 + 0.2 * rng.random((size, 3)), start=1):
            rows.append((f"{name}{k:02d}", round(first * a * scale * b, 2), round(scale * b, 1), round(cap * c)))
    names, value, scales, caps = zip(*rows, strict=True)
    numbers = {"value": value, "scale": scales, "cap": caps}
    return {"name": names, **{name: np.array(column, dtype=float) for name, column in numbers.items()}}


def text(table: Mapping[str, Sequence[str] | Array]) -> str:
    """The table as CSV."""
    file = io.StringIO()
    file.write(",".join(table) + "\n")
    for row in zip(*table.values(), strict=True):
        file.write(",".join(cell if isinstance(cell, str) else f"{cell:.12g}" for cell in row) + "\n")
    return file.getvalue()


def tables() -> dict[str, str]:
    """Every bundled CSV file by name."""
    return {
        "gfml.csv": text(learners(SEED, 7.2e7, coalitions=4)),
        "gfml-interior.csv": text(learners(SEED, 6e7, coalitions=1)),
        "two-peaks.csv": text(two_peaks()),
        "cloud-pricing.csv": text(customers()),
    }


if __name__ == "__main__":
    for file_name, content in tables().items():
        (FOLDER / file_name).write_text(content, encoding="utf-8")
