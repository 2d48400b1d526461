"""Pinned two-player games, each with its source and every extreme equilibrium that source, or exact enumeration, gives.

"Jamming theory" is the derivation that goes with Dabcevic et al., EURASIP Journal on Advances in Signal Processing
2014:171. Equilibria without a printed source were enumerated in rationals by Gambit's `enummixed_solve`.
Both matrices are (m, n) everywhere: a source that writes the column player's payoffs her strategy first is transposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix._payoffs import Payoffs


@dataclass(frozen=True, eq=False)
class Case:
    """A named game, and what is known of its extreme equilibria: all of them, or only how many."""

    name: str
    game: BimatrixGame
    source: str
    equilibria: tuple[RationalProfile, ...] | None = None
    count: int = 0

    def __str__(self) -> str:
        return self.name


def case(name: str, A: Payoffs, B: Payoffs, source: str, *equilibria: tuple[str, str], count: int = 0) -> Case:
    """The game with equilibria written as pairs of words such as `("4/5 1/5 0", "2/3 1/3")`."""
    known = tuple(RationalProfile(strategy(row), strategy(column)) for row, column in equilibria)
    return Case(name, BimatrixGame(A, B, title=name), source, known or None, len(known) or count)


def strategy(words: str) -> tuple[Fraction, ...]:
    """The probabilities in `words`."""
    return tuple(Fraction(word) for word in words.split())


def transposed(B: list[list[int]]) -> list[list[int]]:
    """A player-major matrix of the column player as (m, n)."""
    return [list(row) for row in zip(*B, strict=True)]


VON_STENGEL = case(
    "von Stengel 3x2",
    [[3, 3], [2, 5], [0, 6]],
    [[3, 2], [2, 6], [3, 1]],
    "von Stengel, Equilibrium computation for two-player games, Algorithmic Game Theory (2007), example 3.3",
    ("1 0 0", "1 0"),
    ("4/5 1/5 0", "2/3 1/3"),
    ("0 1/3 2/3", "1/3 2/3"),
)

VON_STENGEL_DEGENERATE = case(
    "von Stengel 3x2, degenerate",
    [[3, 3], [2, 5], [0, 6]],
    [[3, 3], [2, 6], [3, 1]],
    "von Stengel, Algorithmic Game Theory (2007), section 3.6",
    ("1 0 0", "1 0"),
    ("1 0 0", "2/3 1/3"),
    ("0 1/3 2/3", "1/3 2/3"),
)
"""The first two lie on one component: row 0 against every column strategy from (1, 0) to (2/3, 1/3)."""

_CYCLER = [[0, 0, 0], [0, 1, 1], [1, 1, 0]], [[1, 0, 1], [1, 1, 0], [0, 0, 2]]  # both player-major
_TURN = np.ix_([2, 0, 1], [2, 0, 1])

CYCLER = case(
    "tie-breaking cycler",
    _CYCLER[0],
    transposed(_CYCLER[1]),
    "QuantEcon.py, test_lemke_howson.py: degenerate games that cycle without lexicographic pivoting",
    ("0 1 0", "0 1 0"),
    ("0 2/3 1/3", "0 1 0"),
)

CYCLER_TURNED = case(
    "tie-breaking cycler, permuted",
    np.array(_CYCLER[0])[_TURN],
    np.array(_CYCLER[1])[_TURN].T,
    "as the tie-breaking cycler, strategies in the order 2, 0, 1",
    ("0 0 1", "0 0 1"),
    ("1/3 0 2/3", "0 0 1"),
)

MANY = case(
    "6x6 with 75 equilibria",
    [
        [9504, -660, 19976, -20526, 1776, -8976],
        [-111771, 31680, -130944, 168124, -8514, 52764],
        [397584, -113850, 451176, -586476, 29216, -178761],
        [171204, -45936, 208626, -263076, 14124, -84436],
        [1303104, -453420, 1227336, -1718376, 72336, -461736],
        [737154, -227040, 774576, -1039236, 48081, -300036],
    ],
    transposed(
        [
            [72336, -461736, 1227336, -1718376, 1303104, -453420],
            [48081, -300036, 774576, -1039236, 737154, -227040],
            [29216, -178761, 451176, -586476, 397584, -113850],
            [14124, -84436, 208626, -263076, 171204, -45936],
            [1776, -8976, 19976, -20526, 9504, -660],
            [-8514, 52764, -130944, 168124, -111771, 31680],
        ]
    ),
    "von Stengel, New maximal numbers of equilibria in bimatrix games, Discrete Comput. Geom. 21 (1999)",
    count=75,
)

LONG_PATH = case(
    "6x6 with long Lemke-Howson paths",
    [
        [-180, 72, -333, 297, -153, 270],
        [-30, 17, -33, 42, -3, 20],
        [-81, 36, -126, 126, -36, 90],
        [90, -36, 126, -126, 36, -81],
        [20, -3, 42, -33, 17, -30],
        [270, -153, 297, -333, 72, -180],
    ],
    [
        [72, 36, 17, -3, -36, -153],
        [-180, -81, -30, 20, 90, 270],
        [297, 126, 42, -33, -126, -333],
        [-333, -126, -33, 42, 126, 297],
        [270, 90, 20, -30, -81, -180],
        [-153, -36, -3, 17, 36, 72],
    ],
    "Savani and von Stengel, Hard-to-solve bimatrix games, Econometrica 74 (2006)",
    ("1/30 1/6 3/10 3/10 1/6 1/30", "1/6 1/30 3/10 3/10 1/30 1/6"),
)
LONG_PATH_LENGTHS = (88, 24, 24, 24, 24, 88, 36, 36, 16, 16, 36, 36)
"""Pivots of the Lemke-Howson path of each label, the row player's six first."""

PRISONERS_DILEMMA = case(
    "prisoners' dilemma", [[3, 0], [5, 1]], [[3, 5], [0, 1]], "Jamming theory, section 1, on (11)", ("0 1", "0 1")
)
"""The determinants of (11) do not vanish, and the closed form gives (-1, 2): no completely mixed equilibrium."""

IDENTITY = case(
    "identity 3x3",
    np.eye(3, dtype=int),
    np.eye(3, dtype=int),
    "Jamming theory, section 1, on (11)",
    ("1 0 0", "1 0 0"),
    ("0 1 0", "0 1 0"),
    ("0 0 1", "0 0 1"),
    ("1/2 1/2 0", "1/2 1/2 0"),
    ("1/2 0 1/2", "1/2 0 1/2"),
    ("0 1/2 1/2", "0 1/2 1/2"),
    ("1/3 1/3 1/3", "1/3 1/3 1/3"),
)

MATCHING_PENNIES = case(
    "matching pennies", [[1, -1], [-1, 1]], [[-1, 1], [1, -1]], "von Neumann (1928)", ("1/2 1/2", "1/2 1/2")
)

SHAPLEY = case(
    "Shapley 3x3",
    [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
    [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    "Shapley, Some topics in two-person games (1964): fictitious play cycles",
    ("1/3 1/3 1/3", "1/3 1/3 1/3"),
)

BEST_REPLY_MAP = case(
    "2x2 of the Nash map",
    [[3, 0], [1, 2]],
    [[1, 3], [4, 0]],
    "Jamming theory, section 1, on (5) and (6)",
    ("2/3 1/3", "1/2 1/2"),
)

ROWS_AND_COLUMNS = case(
    "2x2 of rows and columns",
    [[-3, 0], [-2, -3]],
    [[4, 3], [-4, 5]],
    "Jamming theory, section 1, on (13) and (14): as printed they give (1/5, 4/5), (1/4, 3/4), which also sum to 1",
    ("9/10 1/10", "3/4 1/4"),
)

UNREACHABLE = case(
    "3x3 with equilibria off every path",
    [[0, 3, 0], [2, 2, 0], [3, 0, 1]],
    [[0, 2, 3], [3, 2, 0], [0, 0, 1]],
    "Shapley, A note on the Lemke-Howson algorithm, Math. Programming Study 1 (1974), figure 3",
    ("0 0 1", "0 0 1"),
    ("1/3 2/3 0", "1/3 2/3 0"),
    ("1/6 1/3 1/2", "1/6 1/3 1/2"),
)
"""Only the pure one joins the artificial equilibrium: the other two join each other, whatever the label."""

FLAT = case(
    "2x3 of equal payoffs",
    np.zeros((2, 3)),
    np.full((2, 3), 7.0),
    "every pair of strategies is an equilibrium; the extreme ones are the pure ones",
    *((row, column) for row in ("1 0", "0 1") for column in ("1 0 0", "0 1 0", "0 0 1")),
)


def jamming_stage(
    channels: int, powers: list[Fraction], *, reward: int = 10, hop: int = 1, jammer: int = 0
) -> BimatrixGame:
    """The transmitter's stage game: both hop from a previous channel, 0 and `jammer`, at a charge of `hop`.

    An action is (channel, level of power) in that order; the transmitter is jammed on the jammer's channel at its level
    or more. Reward and loss are both `reward`, to the transmitter if it gets through, to the jammer if not.
    """
    actions = [(channel, level) for channel in range(channels) for level in range(len(powers))]

    def through(own: tuple[int, int], other: tuple[int, int]) -> int:
        return -1 if own[0] == other[0] and other[1] >= own[1] else 1

    A = [[reward * through(t, j) - hop * (t[0] != 0) - powers[t[1]] for j in actions] for t in actions]
    B = [[-reward * through(t, j) - hop * (j[0] != jammer) - powers[j[1]] for j in actions] for t in actions]
    return BimatrixGame(A, B, title=f"jamming stage, {channels} channels, {len(powers)} powers, hop {hop}")


_HALF = Fraction(1, 2)

JAMMING_DEFAULT = Case(
    "jamming 4x3, completely mixed",
    jamming_stage(4, [_HALF, 2 * _HALF, 3 * _HALF]),
    "Jamming theory, section 2, default parameters: the one equilibrium, by the closed form of 2(c)",
    (
        RationalProfile(
            strategy("13/80 1/40 1/40 " + "17/80 1/40 1/40 " * 3), strategy("1/40 1/40 19/80 " + "1/40 1/40 3/16 " * 3)
        ),
    ),
    1,
)

JAMMING_TIED = Case(
    "jamming 3x1, degenerate",
    jamming_stage(3, [2 * _HALF], hop=12),
    "Jamming theory, section 1, on 'nondegenerate, odd number': the jammer stays, two channels tie",
    (
        RationalProfile(strategy("0 3/5 2/5"), strategy("1 0 0")),
        RationalProfile(strategy("0 2/5 3/5"), strategy("1 0 0")),
    ),
    2,
)

JAMMING_FLAT = Case(
    "jamming 2x2, equal powers",
    jamming_stage(2, [2 * _HALF, 2 * _HALF]),
    "Jamming theory, section 2, 'flat g': nC^nf extreme equilibria",
    None,
    4,
)

JAMMING_HOP_6 = case(
    "jamming 4x3, hop 6",
    *(M.rows() for M in jamming_stage(4, [_HALF, 2 * _HALF, 3 * _HALF], hop=6).rational_payoffs),
    "Jamming theory, sections 1 and 2: the closed form is negative, supports are of 7 and 6",
    *(
        (f"0 1/40 1/40 {others}", "5/8 1/40 11/40 1/40 0 0 1/40 0 0 1/40 0 0")
        for others in (
            "3/10 1/40 0 3/10 1/40 0 3/10 0 0",
            "3/10 1/40 0 3/10 0 0 3/10 1/40 0",
            "3/10 0 0 3/10 1/40 0 3/10 1/40 0",
        )
    ),
)
"""The theory counts 8 extreme equilibria: Gambit 17 lists 12, of which 3 are different."""

SMALL = (
    VON_STENGEL,
    VON_STENGEL_DEGENERATE,
    CYCLER,
    CYCLER_TURNED,
    PRISONERS_DILEMMA,
    IDENTITY,
    MATCHING_PENNIES,
    SHAPLEY,
    BEST_REPLY_MAP,
    ROWS_AND_COLUMNS,
    UNREACHABLE,
    FLAT,
    JAMMING_TIED,
    JAMMING_FLAT,
)
"""Up to 4x4."""

LARGE = (MANY, LONG_PATH, JAMMING_DEFAULT, JAMMING_HOP_6)

NONDEGENERATE = (
    VON_STENGEL,
    PRISONERS_DILEMMA,
    IDENTITY,
    MATCHING_PENNIES,
    SHAPLEY,
    BEST_REPLY_MAP,
    ROWS_AND_COLUMNS,
    UNREACHABLE,
    MANY,
    LONG_PATH,
)
"""No strategy has more best responses than the strategies it mixes."""

ALL = SMALL + LARGE
