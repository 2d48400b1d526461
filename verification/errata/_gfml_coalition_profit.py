"""Section IV-A of the dual-game paper: profit, what reputation is worth, similarity; equations (10) to (13)."""

from __future__ import annotations

import math

import numpy as np

from verification.errata._gfml_coalition_play import standing
from verification.errata._record import Record, Verdict, log

Numbers = tuple[float, ...]

E1 = math.e - 1

# --- profit, (10) to (12) --------------------------------------------------------------------------------------------


def position(own: float, low: float, high: float) -> float:
    """Where a frequency is between the coalition's limits."""
    return (own - low) / (high - low)


def average(values: Numbers) -> float:
    """Their mean."""
    return math.fsum(values) / len(values)


def printed_standing(own: float, peak: float, threshold: float, floor: float) -> float:
    """H as printed, (11) and (12)."""
    if own < threshold:
        return floor * math.exp(own - threshold)
    return floor + (1 - floor) * log(1 - E1 * (own - threshold) / (peak - threshold))


def solved_parameter(floor: float) -> float:
    """The mu at which floor + (1 - floor) log(1 + mu) is 1, found by halving."""
    low, high = 0.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if floor + (1 - floor) * math.log(1 + middle) < 1 else (low, middle)
    return low


PROFIT: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(10)",
        about="the limits of the coalition's frequencies",
        says=r"$\underline\delta_j = \min_i \bar\delta^i$ and $\bar\delta_j = \max_i \bar\delta^i$: both of the "
        "largest frequencies.",
        instead=r"$\underline\delta_j = \min_i \underline\delta^i$, the least of the lower limits.",
        why=r"By Table II all $\bar\delta^i$ are equal, so that the quotient is $0/0$. An underline may have been "
        "lost in the extraction of the text.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda own, highest, **_: position(own, min(highest), max(highest)),
        correct=lambda own, lowest, highest: position(own, min(lowest), max(highest)),
        at={"own": 9e8, "lowest": (1e7, 1e7), "highest": (1e9, 1e9)},
        labels=("of the largest frequencies", "of the lower limits"),
    ),
    Record(
        paper="gfml",
        where="(10)",
        about="the pay for reputation",
        says=r"$\frac{\sum_{k \in C_j} H(R_{j,i})}{\lvert C_j \rvert} I_{rep}$, with $i$ under a sum over $k$.",
        instead=r"$\frac{\sum_{k \in C_j} H(R_{j,k})}{\lvert C_j \rvert} I_{rep}$, as in (20) and (23).",
        why='As printed each is paid for its own reputation, and not, as the text says, all equally "based on the '
        'average reputation of the group". Here the second of two is of low reputation.',
        verdict=Verdict.WRONG,
        printed=lambda reputations, i, pay: (
            pay * sum(standing(reputations[i], max(reputations)) for k in range(2)) / len(reputations)
        ),
        correct=lambda reputations, pay, **_: pay * average(tuple(standing(r, max(reputations)) for r in reputations)),
        at={"reputations": (1.0, 0.1), "i": 1, "pay": 5.0},
    ),
    Record(
        paper="gfml",
        where="(11)",
        about="the reputation utility at the peak",
        says=r"$H = \gamma + (1 - \gamma) \log(1 - \mu)$ for $R \ge R_{th}$.",
        instead=r"$H = \gamma + (1 - \gamma) \log(1 + \mu)$: from $\gamma$ at the threshold to 1 at the peak.",
        why=r"At the peak $\mu = e - 1$, and $1 - \mu < 0$; the logarithm is undefined from $1/(e - 1) = 58\,\%$ "
        "of the way.",
        verdict=Verdict.WRONG,
        printed=printed_standing,
        correct=lambda **_: 1.0,
        at={"own": 1.0, "peak": 1.0, "threshold": 0.5, "floor": 0.5},
    ),
    Record(
        paper="gfml",
        where="(11)",
        about="the reputation utility above the threshold",
        says=r'$H = \gamma + (1 - \gamma) \log(1 - \mu)$ for $R \ge R_{th}$, by which $H$ "noticeably increases".',
        instead=r"With $\log(1 + \mu)$ it does.",
        why="Half way to the peak the printed utility has fallen from 0.5 below 0.",
        verdict=Verdict.WRONG,
        printed=printed_standing,
        correct=lambda floor, **_: floor + (1 - floor) * math.log((1 + math.e) / 2),
        at={"own": 0.75, "peak": 1.0, "threshold": 0.5, "floor": 0.5},
    ),
    Record(
        paper="gfml",
        where="(11)",
        about="the reputation utility below the threshold",
        says=r"$H = \gamma e^{R - R_{th}}$ for $R < R_{th}$.",
        why=r"It goes on from $\gamma$ without a jump and solves $H' = H$; the power series of that equation comes "
        "to the same.",
        verdict=Verdict.RIGHT,
        printed=printed_standing,
        correct=lambda own, threshold, floor, **_: (
            floor * math.fsum((own - threshold) ** n / math.factorial(n) for n in range(20))
        ),
        at={"own": 0.1, "peak": 1.0, "threshold": 0.5, "floor": 0.5},
    ),
    Record(
        paper="gfml",
        where="(12)",
        about="the utility parameter at the peak",
        says=r"$\mu = \frac{(e - 1)(R - R_{th})}{\bar R - R_{th}}$.",
        why=r"At $R = \bar R$ it is $e - 1$, which is where $\gamma + (1 - \gamma) \log(1 + \mu)$ is 1, found by "
        "halving; the factor also tells that the logarithm is natural.",
        verdict=Verdict.RIGHT,
        printed=lambda own, peak, threshold, **_: E1 * (own - threshold) / (peak - threshold),
        correct=lambda floor, **_: solved_parameter(floor),
        at={"own": 1.7, "peak": 1.7, "threshold": 0.5, "floor": 0.3},
    ),
    Record(
        paper="gfml",
        where="(12)",
        about="a peak at the threshold",
        says=r"A quotient by $\bar R - R_{th}$.",
        instead=r"$H = \gamma$ where $\bar R = R_{th}$.",
        why=r"It is $0/0$. The limit along $R = R_{th} < \bar R$ is $\gamma$, that along $R = \bar R > R_{th}$ is "
        "1: a choice has to be made.",
        verdict=Verdict.UNSPECIFIED,
        printed=printed_standing,
        correct=lambda own, peak, threshold, floor: standing(own, peak, threshold, floor),
        at={"own": 0.5, "peak": 0.5, "threshold": 0.5, "floor": 0.5},
        labels=("as printed", "chosen here"),
    ),
)

# --- similarity, (13) ------------------------------------------------------------------------------------------------

Vector = tuple[float, ...]


def cosine(one: Vector, other: Vector) -> float:
    """(13)."""
    return float(np.dot(one, other) / math.sqrt(np.dot(one, one) * np.dot(other, other)))


def angle(vector: Vector) -> float:
    """From the first axis."""
    return math.atan2(vector[1], vector[0])


SIMILARITY: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(13)",
        about="cosine similarity",
        says=r"$S = \frac{\langle x, y \rangle}{\lVert x \rVert \lVert y \rVert}$.",
        why="The cosine of the angle between two vectors in the plane, measured by their directions; in $[-1, "
        "1]$, and negative here.",
        verdict=Verdict.RIGHT,
        printed=cosine,
        correct=lambda one, other: math.cos(angle(one) - angle(other)),
        at={"one": (3.0, 4.0), "other": (1.0, -2.0)},
    ),
    Record(
        paper="gfml",
        where="(13)",
        about="what is compared",
        says=r"$\Delta\omega_i^k$ and $\Delta\omega_j^k$, which are not defined.",
        instead=r"The embeddings $\omega_i^k$ and $\omega_j^k$, as in the text above.",
        why="Changes since the last round, one way to read it, can be opposite where embeddings are nearly the same.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda before, now: cosine(*(tuple(np.subtract(n, b)) for n, b in zip(now, before, strict=True))),
        correct=lambda now, **_: cosine(*now),
        at={"before": ((1.0, 0.0), (0.9, 0.2)), "now": ((0.9, 0.1), (1.0, 0.1))},
        labels=("of changes", "of embeddings"),
    ),
)

RECORDS: tuple[Record, ...] = (*PROFIT, *SIMILARITY)
