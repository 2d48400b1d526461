"""The jamming paper, (11) to (18): how many equilibria stage games have, and the completely mixed one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from verification.errata._jamming_exact import (
    Matrix,
    Numbers,
    Vector,
    bordered,
    det,
    dot,
    equilibria,
    exact,
    indifferent,
    regrets,
    regular,
    solve,
    stage,
    supports,
    times,
    transposed,
)
from verification.errata._record import Record, Undefined, Verdict

_record = partial(Record, paper="jamming")

A2, B2 = ((-3, 0), (-2, -3)), ((4, 3), (-4, 5))  # one equilibrium: x = (9/10, 1/10), y = (3/4, 1/4)
A3 = ((-2, 1, -2), (-3, 4, -4), (-1, 0, -3))  # one equilibrium: x = (3, 3, 4)/10, y = (5, 3, 2)/10
B3 = ((-1, -3, -4), (-1, -3, -2), (-3, 0, 0))
UNIT = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
POWERS = (0.5, 1, 1.5)


# --- (11) and (12) ----------------------------------------------------------------------------------------------------


def _all_used(x: Vector, y: Vector) -> bool:
    return min(x) > 0 and min(y) > 0


def _mixed(A: Numbers, B: Numbers) -> int:
    """How many extreme equilibria are completely mixed."""
    return sum(_all_used(*pair) for pair in equilibria(A, B))


def _tries(seed: int, games: int) -> list[tuple[Matrix, Matrix]]:
    """2 by 2 games in which (11) holds, and one of 3 by 3."""
    draw, found = Random(seed).randint, [(exact(A3), exact(B3))]
    while len(found) < games:
        A, B = (exact([[draw(-9, 9) for _ in range(2)] for _ in range(2)]) for _ in "AB")
        found += [(A, B)] if regular(A, B) else []
    return found


def _positive(seed: int, games: int) -> tuple[int, ...]:
    """Whether the solutions of (17), for both players, are positive."""
    return tuple(int(all(min(v) > 0 for v in indifferent(A, B) or ((0,),))) for A, B in _tries(seed, games))


def _grid(A: Numbers, B: Numbers) -> int:
    """How many completely mixed pairs of mixes in sixths are equilibria."""
    mixes = [(Fraction(k, 6), 1 - Fraction(k, 6)) for k in range(1, 6)]
    return sum(not any(regrets(A, B, x, y)) for x in mixes for y in mixes)


def _hop_of_6(hop: float, x: Sequence[int], y: Sequence[int]) -> tuple[int, int]:
    A, B = stage(0, 0, hop=hop)
    return supports(A, B, tuple(Fraction(k, 40) for k in x), tuple(Fraction(k, 40) for k in y))


def _cofactors(M: Numbers) -> Fraction:
    """The negative sum of all cofactors, which is the determinant of the bordered matrix."""
    n = len(M)
    return -sum(
        (
            (-1) ** (i + j) * det([[M[k][h] for h in range(n) if h != j] for k in range(n) if k != i])
            for i in range(n)
            for j in range(n)
        ),
        Fraction(0),
    )


UNIQUE = "a bimatrix game has a unique completely mixed Nash equilibrium"
CONDITION = (
    _record(
        where="(11)",
        about="(11) and existence",
        says=r"If $\det(A, \mathbf{e}) \cdot \det(B, \mathbf{e}) \ne 0$, " + UNIQUE + ".",
        verdict=Verdict.WRONG,
        printed=lambda A, B: int(regular(A, B)),
        correct=_mixed,
        at={"A": ((3, 0), (5, 1)), "B": ((3, 5), (0, 1))},
        labels=("completely mixed equilibria, by (11)", "by enumeration"),
        instead="At most one; there is one iff all numbers of (13) and (14), corrected, are positive.",
        why="In the prisoners' dilemma both determinants are 1, and the formula gives $(-1, 2)$.",
    ),
    _record(
        where="(11)",
        about="(11) and other equilibria",
        says=r"If $\det(A, \mathbf{e}) \cdot \det(B, \mathbf{e}) \ne 0$, " + UNIQUE + ".",
        verdict=Verdict.AMBIGUOUS,
        printed=_mixed,
        correct=lambda A, B: len(equilibria(A, B)),
        at={"A": UNIT, "B": UNIT},
        labels=("completely mixed equilibria", "all equilibria"),
        instead="The only one that is completely mixed; or the only one, and that completely mixed. The proof is of "
        "the first, and the second is false.",
        why="Where both matrices are the unit matrix (11) holds, and there are seven equilibria.",
    ),
    _record(
        where="(11)",
        about="(11) and one at most",
        says="Where (11) holds there are no two completely mixed equilibria.",
        verdict=Verdict.RIGHT,
        printed=_positive,
        correct=lambda seed, games: tuple(_mixed(A, B) for A, B in _tries(seed, games)),
        at={"seed": 3, "games": 18},
        why="What the proof shows. Over drawn games: whether all solutions of (17) are positive, and how many "
        "completely mixed equilibria enumeration finds.",
    ),
    _record(
        where="(11)",
        about="where (11) fails",
        says="Conditions that the bimatrix game has to satisfy in order to have a unique completely mixed Nash "
        "equilibrium.",
        verdict=Verdict.RIGHT,
        printed=regular,
        correct=lambda A, B: _grid(A, B) == 1,
        at={"A": ((1, 1), (1, 1)), "B": ((2, 0), (0, 2))},
        labels=("(11) holds", "one completely mixed equilibrium"),
        why="It cannot be dropped: a linear system with determinant 0 has no solution or many, and here every $x$ is "
        "best against any $y$, and every $y$ against equal shares. Of mixes in sixths, five pairs are equilibria.",
    ),
    _record(
        where="(11)",
        about="(11) in games of (1) and (2)",
        says=r"If $\det(A, \mathbf{e}) \cdot \det(B, \mathbf{e}) \ne 0$, " + UNIQUE + "; all subgames satisfy (11).",
        verdict=Verdict.WRONG,
        printed=lambda x, y, **_: (len(x), len(y)),
        correct=_hop_of_6,
        at={"hop": 6, "x": (0, 1, 1, 12, 1, 0, 12, 1, 0, 12, 0, 0), "y": (25, 1, 11, 1, 0, 0, 1, 0, 0, 1, 0, 0)},
        labels=("actions used, by (11)", "in this equilibrium, in fortieths"),
        instead="With like channels and an equal power that jams, iff costs of power increase and $R^T + X^T > H + "
        "n_f (g_{n_C} - g_1)$ and $R^J + X^J > (n_f - 1) H + n_f (g_{n_C} - g_1)$.",
        why="Four channels, three powers, rewards and penalties of 10: 20 is less than 18 + 4. (11) holds whatever a "
        "hop costs, but the solution of (17) has a probability of $-.025$.",
    ),
    _record(
        where="(12)",
        about="the bordered matrix",
        says=r"$(A, \mathbf{e}) = \begin{bmatrix} A & \mathbf{e} \\ \mathbf{e}^\top & 0 \end{bmatrix}$",
        verdict=Verdict.RIGHT,
        printed=lambda A, B: tuple(det(bordered(M)) for M in (A, B)),
        correct=lambda A, B: tuple(_cofactors(M) for M in (A, B)),
        at={"A": A3, "B": B3},
        why=r"Its determinant is $-\mathbf{e}^\top \mathrm{adj}(A) \mathbf{e}$, minus the sum of all cofactors.",
    ),
)


# --- (13) to (18) -----------------------------------------------------------------------------------------------------


def _ones_in_row(M: Numbers, i: int) -> Matrix:
    return exact([[1] * len(M) if k == i else row for k, row in enumerate(M)])


def _ones_in_column(M: Numbers, i: int) -> Matrix:
    return transposed(_ones_in_row(transposed(M), i))


def printed_13(B: Numbers, first: int | None = None) -> Vector:
    """(13) to the letter, of the first actions or of all.

    Examples
    --------
    >>> printed_13([[4, 3], [-4, 5]])
    (Fraction(1, 5), Fraction(4, 5))
    """
    return tuple(-det(_ones_in_column(B, i)) / det(bordered(B)) for i in range(first or len(B)))


def printed_14(A: Numbers, first: int | None = None) -> Vector:
    """(14) to the letter, of the first actions or of all.

    Examples
    --------
    >>> printed_14([[-3, 0], [-2, -3]])
    (Fraction(1, 4), Fraction(3, 4))
    """
    return tuple(-det(_ones_in_row(A, i)) / det(bordered(A)) for i in range(first or len(A)))


def _equilibrium(A: Numbers, B: Numbers) -> tuple[Vector, Vector]:
    """The only one, by enumeration."""
    (found,) = equilibria(A, B)
    return found


def _in_a_channel(powers: Sequence[float], hop: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(13) and (14) as printed, on the channel where both were."""
    A, B = stage(0, 0, powers=powers, hop=hop)
    return printed_13(B, len(powers)), printed_14(A, len(powers))


def _solved_in_a_channel(powers: Sequence[float], hop: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    A, B = stage(0, 0, powers=powers, hop=hop)
    x, y = indifferent(A, B) or ((), ())
    supports(A, B, x, y)
    return x[: len(powers)], y[: len(powers)]


def _with_payoff(A: Numbers, B: Numbers) -> tuple[Any, ...]:
    """The mix of columns in the equilibrium, and minus the payoff as a quotient of determinants."""
    return *_equilibrium(A, B)[1], det(A) / det(bordered(A))


def _sum_for_payoff(A: Numbers, B: Numbers) -> Fraction:
    """The sum of the solution of (15), for what the transmitter earns in the equilibrium."""
    x, y = _equilibrium(A, B)
    found = solve(A, [dot(x, times(A, y))] * len(A))
    if found is None:
        raise Undefined("det A is 0")
    return sum(found, Fraction(0))


def _chain(A: Numbers) -> tuple[Any, ...]:
    """The second and third member of (18), for rows and for columns of ones."""
    replaced = [ones(A, i) for ones in (_ones_in_row, _ones_in_column) for i in range(len(A))]
    return tuple((det([[v - 1 for v in row] for row in M]) - det(M), -det(M)) for M in replaced)


def _first_member(A: Numbers) -> tuple[Any, ...]:
    replaced = [ones(A, i) for ones in (_ones_in_row, _ones_in_column) for i in range(len(A))]
    return tuple((_cofactors(M),) * 2 for M in replaced)


def _numerators(A: Numbers) -> tuple[Fraction, ...]:
    """Cramer's rule for (17): the bordered matrix with a column replaced by the right side."""
    system, n = bordered(A), len(A)
    right = [0] * n + [1]
    return tuple(
        det([[right[k] if h == i else row[h] for h in range(n + 1)] for k, row in enumerate(system)]) for i in range(n)
    )


FORMULAS = (
    _record(
        where="(13)",
        about="the transmitter's mix",
        says=r"$x^*_i = -\frac{\det B^i}{\det(B, \mathbf{e})}$, $B^i$ being $B$ with all entries of the $i$-th column "
        r"replaced by 1.",
        verdict=Verdict.WRONG,
        printed=lambda B, **_: printed_13(B),
        correct=lambda A, B: _equilibrium(A, B)[0],
        at={"A": A2, "B": B2},
        instead=r"With the $i$-th **row** replaced; for two strategies $x_1 = \frac{b_{22} - b_{21}}{b_{11} - b_{12} "
        r"- b_{21} + b_{22}}$.",
        why=r"The matrix of the equations for $x$ is $B^\top$, whose columns are the rows of $B$. What is printed "
        r"adds up to 1 as well, so that this does not find the slip.",
    ),
    _record(
        where="(14)",
        about="the jammer's mix",
        says=r"$y^*_i = -\frac{\det A_i}{\det(A, \mathbf{e})}$, $A_i$ being $A$ with all entries of the $i$-th row "
        r"replaced by 1.",
        verdict=Verdict.WRONG,
        printed=lambda A, **_: printed_14(A),
        correct=lambda A, B: _equilibrium(A, B)[1],
        at={"A": A2, "B": B2},
        instead=r"With the $i$-th **column** replaced; for two strategies $y_1 = \frac{a_{22} - a_{12}}{a_{11} - "
        r"a_{12} - a_{21} + a_{22}}$.",
        why="As in (13): the two have changed places, here as in (5) and (6).",
    ),
    _record(
        where="(14)",
        about="(13) and (14) as an equilibrium",
        says="The equilibrium strategies of the players are given by (13) and (14).",
        verdict=Verdict.WRONG,
        printed=lambda **_: (0, 0),
        correct=lambda A, B: regrets(A, B, printed_13(B), printed_14(A)),
        at={"A": A2, "B": B2},
        labels=("gains by deviating, as printed", "from what is printed"),
        instead="Those with rows and columns exchanged: from these nobody gains.",
        why="What each player gains by leaving its part of the printed pair: the same slip, seen in the pair.",
    ),
    _record(
        where="(14)",
        about="(13) and (14) in games of (1) and (2)",
        says="The equilibrium strategies of the players are given by (13) and (14).",
        verdict=Verdict.WRONG,
        printed=_in_a_channel,
        correct=_solved_in_a_channel,
        at={"powers": POWERS, "hop": 1},
        instead="Of the transmitter and of the jammer, on the channel where both were, by power.",
        why="The same slip. To the letter rewards, penalties and costs drop out: the transmitter always takes its "
        "highest power, the jammer its lowest, on all channels alike, and nothing is ever jammed.",
    ),
    _record(
        where="(15)",
        about="all rows earn the same",
        says=r"$A y^* = P \mathbf{e}$",
        verdict=Verdict.RIGHT,
        printed=lambda A, B: times(A, _equilibrium(A, B)[1]),
        correct=lambda A, **_: (-det(A) / det(bordered(A)),) * len(A),
        at={"A": A3, "B": B3},
        why=r"At the equilibrium that enumeration finds; and $P = -\frac{\det A}{\det(A, \mathbf{e})}$, which is not "
        r"printed. The jammer's is $-\frac{\det B}{\det(B, \mathbf{e})}$.",
    ),
    _record(
        where="(16)",
        about="probabilities add up to 1",
        says=r"$\mathbf{e}^\top y^* = 1$",
        verdict=Verdict.RIGHT,
        printed=lambda **_: 1,
        correct=_sum_for_payoff,
        at={"A": A3, "B": B3},
        why="The sum of the solution of (15), where $P$ is what the transmitter earns in the equilibrium.",
    ),
    _record(
        where="(17)",
        about="both in matrix form",
        says=r"$\begin{bmatrix} A & \mathbf{e} \\ \mathbf{e}^\top & 0 \end{bmatrix} \begin{bmatrix} y^* \\ -P "
        r"\end{bmatrix} = \begin{bmatrix} 0 \\ 1 \end{bmatrix}$",
        verdict=Verdict.RIGHT,
        printed=lambda A, **_: solve(bordered(A), (0, 0, 0, 1)),
        correct=_with_payoff,
        at={"A": A3, "B": B3},
        why="Solved, against the equilibrium by enumeration and the payoff by determinants. Nothing in the system "
        "keeps probabilities from being negative.",
    ),
    _record(
        where="(18)",
        about="the identity",
        says=r"$\det(A_i, \mathbf{e}) = \det(A_i - \mathbf{e}\mathbf{e}^\top) - \det A_i = -\det A_i$",
        verdict=Verdict.RIGHT,
        printed=_chain,
        correct=_first_member,
        at={"A": A3},
        why=r"For a row as for a column of ones: $A_i - \mathbf{e}\mathbf{e}^\top$ then has one of zeros.",
    ),
    _record(
        where="(18)",
        about="that (14) follows by Cramer's rule",
        says=r"By applying Cramer's rule, it follows from (17) that (14) is true: the numerator is $\det(A_i, "
        r"\mathbf{e})$.",
        verdict=Verdict.WRONG,
        printed=lambda A: tuple(det(bordered(_ones_in_row(A, i))) for i in range(len(A))),
        correct=_numerators,
        at={"A": A3},
        instead="The numerator is the bordered determinant of $A$ with *column* $i$ set to ones: it has the right "
        "side in column $i$, and adding the last column to it changes nothing.",
        why="The same slip. Cramer's numerators for (17), and what is printed for them, with row $i$ of ones.",
    ),
)


RECORDS: tuple[Record, ...] = (*CONDITION, *FORMULAS)
