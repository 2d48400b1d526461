"""Completely mixed equilibria by the determinant closed form, with rows and columns where they belong.

det(M, e) is the determinant of M bordered by ones, [[M, e], [e', 0]], equation (12). Against y every row earns the same
P iff the bordered matrix of A maps (y, -P) to (0, 1), equation (17), and likewise x, with that of B'. Where both
determinants differ from 0, (11), there is at most one completely mixed equilibrium; other equilibria there may be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from solvers.bimatrix._exact import Mix, left_side, mixed, shown, tie_system, unique
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile
from solvers.bimatrix._payoffs import RationalMatrix
from solvers.core import Array, Solution, Status

if TYPE_CHECKING:
    import sympy as sp

METHOD = "closed form"
MOST_SYMBOLIC = 6  # an n x n determinant of symbols has n! terms
ROUNDING = 2.0**-53
PRIME = 2**61 - 1
REGRET = 1e-9  # of the range of a player's payoffs, at most; beyond it the floats are given up

# --- in floats --------------------------------------------------------------------------------------------------------


def completely_mixed(game: BimatrixGame) -> Solution[Profile]:
    """The equilibrium in which every strategy has a positive probability, or a status that says why there is none.

    One bordered solve for each player, in floats with a bound on their error. What the bound leaves open, a probability
    that may be 0 or a matrix that may be singular, is decided in exact rationals.

    The status is SINGULAR where (11) fails, so that completely mixed equilibria are none or a continuum, and
    NONE_EXISTS where a probability is not positive; `stats["reason"]` names the matrix, or the least probability and
    its value. A game that is not square has no closed form: NONE_EXISTS if it is proved that no mix of the fewer
    strategies makes all of the others earn the same, else SINGULAR. `complete` stays false: other equilibria are not
    looked for.

    `stats` also holds "sign_A" and "log_A", "sign_B" and "log_B", the sign of det(A, e) and of det(B, e) and the
    logarithm of the absolute value; "arithmetic", which decided, "float" or "exact"; and of a solved game "payoffs",
    P_T = -det A / det(A, e) and P_J = -det B / det(B, e), and "regret", the greater of the two players'.

    Examples
    --------
    >>> game = BimatrixGame([[-3, 0], [-2, -3]], [[4, 3], [-4, 5]])
    >>> completely_mixed(game).require().row.round(12)
    array([0.9, 0.1])
    >>> completely_mixed(BimatrixGame([[3, 0], [5, 1]], [[3, 5], [0, 1]])).stats["reason"]
    'probability of row 0 is -1'

    References
    ----------
    Dabcevic et al. (2014), EURASIP Journal on Advances in Signal Processing 2014:171, equations (11)-(17). In (13) and
    (14), as printed, rows and columns are changed over; see `completely_mixed_symbolic`.
    """
    if game.shape[0] != game.shape[1]:
        return _not_square(game)
    rational = tuple(exact is not None for exact in game._exact)
    row, column = _half(game.B.T, rational[1]), _half(game.A, rational[0])
    stats: dict[str, Any] = {"sign_A": column.sign, "log_A": column.log, "sign_B": row.sign, "log_B": row.log}
    if row.decided and column.decided:
        stats["arithmetic"] = "float"
        reason = _least(row.strategy, column.strategy)
        if reason:
            return Solution((), Status.NONE_EXISTS, METHOD, stats={**stats, "reason": reason})
        profile = Profile(row.strategy / row.strategy.sum(), column.strategy / column.strategy.sum())
        regrets = game.regrets(profile)
        if (regrets <= REGRET * game.magnitudes()).all():
            stats |= {"payoffs": (column.payoff, row.payoff), "regret": float(regrets.max())}
            return Solution((profile,), Status.SOLVED, METHOD, stats=stats)
    return _rounded(game, {**stats, "arithmetic": "exact"})


@dataclass(frozen=True, slots=True)
class _Half:
    """A player's strategy, what it lets the opponent earn, and how far from the truth a probability may be."""

    strategy: Array
    payoff: float
    error: float
    sign: float
    log: float

    @property
    def decided(self) -> bool:
        """Whether the sign of every probability is proved."""
        return bool(np.all(np.abs(self.strategy) > self.error))


def _half(payoffs: Array, rounded: bool) -> _Half:
    """The mix that makes all opposing strategies earn the same; `payoffs`, (n, n), are the opponent's, hers by ours.

    `rounded` says that `payoffs` are themselves roundings of rationals.
    """
    n = payoffs.shape[0]
    unit, least, span, exponent = _normalised(payoffs)
    bordered = np.ones((n + 1, n + 1))
    bordered[:n, :n], bordered[n, n] = unit, 0.0
    sign, log = np.linalg.slogdet(bordered)
    log += (n - 1) * (np.log(span) + exponent * np.log(2.0))
    drift = ROUNDING * (1.0 + (1.0 / span if rounded else 0.0))  # of the shift, and of payoffs up to 1 in these units
    solution, error = _solved(bordered, drift)
    with np.errstate(over="ignore", invalid="ignore"):  # where the solution is no mix, its payoff may be out of range
        payoff = np.ldexp(least - solution[n] * span, exponent)
    return _Half(solution[:n], float(payoff), error, float(sign), float(log))


def _normalised(payoffs: Array) -> tuple[Array, float, float, int]:
    """The payoffs as numbers in [0, 1], and least, span and exponent: payoffs = (least + span * unit) * 2^exponent.

    A shift of the payoffs, or a change of their unit, moves no probability, but drowns differences in rounding. The
    span is a power of two, so that only the shift is rounded.
    """
    exponent = int(np.frexp(np.max(np.abs(payoffs)))[1])
    scaled = np.ldexp(payoffs, -exponent)
    least = float(scaled.min())
    shifted = scaled - least
    span = float(2.0 ** np.frexp(shifted.max())[1])
    return shifted / span, least, span, exponent


def _solved(bordered: Array, drift: float) -> tuple[Array, float]:
    """The last column of the inverse, and a bound on the error of its probabilities; infinite where nothing is proved.

    With R near the inverse of K and |I - R K| <= a < 1, K is regular and the error at most |R| |b - K z| / (1 - a), to
    which the rounding of each product adds, and `drift`, by which every entry of K may itself be wrong.

    References
    ----------
    Rump (2010), "Verification methods: rigorous results using floating-point arithmetic", Acta Numerica 19, section 10.
    """
    size = len(bordered)
    target = np.eye(size)[-1]
    try:
        inverse = np.linalg.inv(bordered)
    except np.linalg.LinAlgError:
        return target, np.inf
    solution = inverse[:, -1] + inverse @ (target - bordered @ inverse[:, -1])
    allowance = 2 * (size + 2) * ROUNDING
    weight = np.abs(inverse)
    defect = np.abs(np.eye(size) - inverse @ bordered) + weight @ (allowance * np.abs(bordered) + drift)
    contraction = float(defect.sum(axis=1).max())
    residual = np.abs(target - bordered @ solution) + (allowance * np.abs(bordered) + drift) @ np.abs(solution)
    bound = float(np.max(weight @ (residual + allowance * target)))
    return solution, 2 * bound if contraction < 0.25 else np.inf


def _least(row: Array, column: Array) -> str:
    """Which probability is least, in words, if it is not positive; else nothing."""
    name, strategy = ("row", row) if row.min() <= column.min() else ("column", column)
    i = int(np.argmin(strategy))
    return "" if strategy[i] > 0 else f"probability of {name} {i} is {strategy[i]:.6g}"


def _rounded(game: BimatrixGame, stats: dict[str, Any]) -> Solution[Profile]:
    """The exact answer in floats."""
    exact = _in_rationals(game)
    for name in exact.stats.get("singular", ()):
        stats |= {f"sign_{name}": 0.0, f"log_{name}": -np.inf}
    if not exact.profiles:
        return Solution((), exact.status, METHOD, stats={**stats, **exact.stats})
    profile = Profile(*(np.array(strategy, dtype=np.float64) for strategy in exact.profiles[0]))
    payoffs = tuple(float(value) for value in exact.stats["payoffs"])
    stats |= {"payoffs": payoffs, "regret": float(game.regrets(profile).max())}
    return Solution((profile,), Status.SOLVED, METHOD, stats=stats)


# --- in rationals -----------------------------------------------------------------------------------------------------


def completely_mixed_exact(game: BimatrixGame) -> Solution[RationalProfile]:
    """The completely mixed equilibrium in exact rationals, regret 0, or a status that says why there is none.

    Status, reason and "payoffs" are those of `completely_mixed`, exact; for a square game `stats` also holds "det_A"
    and "det_B", the bordered determinants det(A, e) and det(B, e).

    Examples
    --------
    >>> game = BimatrixGame([[-3, 0], [-2, -3]], [[4, 3], [-4, 5]])
    >>> solution = completely_mixed_exact(game)
    >>> [str(p) for p in solution.require().row + solution.require().column]
    ['9/10', '1/10', '3/4', '1/4']
    >>> [str(solution.stats[name]) for name in ("det_A", "det_B")]
    ['4', '-10']

    References
    ----------
    Dabcevic et al. (2014), equations (11)-(17).
    """
    if game.shape[0] != game.shape[1]:
        return _not_square(game)
    determinants = zip(("det_A", "det_B"), map(_bordered_determinant, game.rational_payoffs), strict=True)
    found = _in_rationals(game)
    return Solution(found.profiles, found.status, METHOD, stats={**found.stats, **dict(determinants)})


def _in_rationals(game: BimatrixGame) -> Solution[RationalProfile]:
    (A, B), n = game.rational_payoffs, game.shape[0]
    row, column = _exact_half("row", B.transposed), _exact_half("column", A)
    if row is None or column is None:
        return _singular(game, column is None, row is None)
    reason = _least_exactly(row, column)
    if reason:
        return Solution((), Status.NONE_EXISTS, METHOD, stats={"reason": reason})
    failed = row.beaten(column) or column.beaten(row)
    if failed:
        return Solution((), failed.status, METHOD, stats={"reason": failed.reason})
    payoffs = tuple(Fraction(mix.earned[0], mix.unit) for mix in (column, row))
    profile = RationalProfile(row.fractions(n), column.fractions(n))
    return Solution((profile,), Status.SOLVED, METHOD, stats={"payoffs": payoffs, "regret": Fraction(0)})


def _exact_half(name: str, payoffs: RationalMatrix) -> Mix | None:
    """The mix that makes all opposing strategies earn the same; None if the bordered matrix is singular."""
    everyone = tuple(range(payoffs.shape[0]))
    solved = unique(tie_system(payoffs.numerators, everyone))
    return None if solved is None else mixed(name, payoffs, everyone, *solved)


def _least_exactly(row: Mix, column: Mix) -> str:
    """Which probability is least, in words, if it is not positive; else nothing."""
    mixes = (row, column)
    value, which, i = min(
        (Fraction(w, mix.total), k, i) for k, mix in enumerate(mixes) for i, w in enumerate(mix.weights)
    )
    return "" if value > 0 else f"probability of {mixes[which].name} {i} is {shown(value)}"


def _bordered_determinant(payoffs: RationalMatrix) -> Fraction:
    """det(M, e); with M = N / d it is det(N, e) / d^(n - 1)."""
    n = payoffs.shape[0]
    system = tie_system(payoffs.numerators, tuple(range(n)))
    return Fraction(-int(left_side(system).det()), payoffs.denominator ** (n - 1))  # its last column is -e


# --- where there is no closed form ------------------------------------------------------------------------------------


def _singular(game: BimatrixGame, A_is: bool, B_is: bool) -> Solution[Any]:
    """The answer where (11) fails, with what follows from it."""
    names = tuple(name for name, singular in (("A", A_is), ("B", B_is)) if singular)
    reason = " and ".join(f"det({name}, e)" for name in names) + (" are 0" if len(names) > 1 else " is 0")
    impossible = _impossible(game)
    reason += f": {impossible}" if impossible else ": completely mixed equilibria are none or a continuum"
    return Solution((), Status.SINGULAR, METHOD, stats={"reason": reason, "singular": names})


def _not_square(game: BimatrixGame) -> Solution[Any]:
    """The answer for a game that is not square: often a proof that nothing is completely mixed."""
    impossible = _impossible(game)
    status = Status.NONE_EXISTS if impossible else Status.SINGULAR
    reason = impossible or f"the closed form needs a square game, got {game.shape[0]}x{game.shape[1]}"
    return Solution((), status, METHOD, stats={"reason": reason})


def _impossible(game: BimatrixGame) -> str:
    """Why no completely mixed equilibrium can exist, if equations without a solution prove it; else nothing."""
    A, B = game.rational_payoffs
    if _inconsistent(B.transposed):
        return "no mix of all rows makes every column earn the same"
    if _inconsistent(A):
        return "no mix of all columns makes every row earn the same"
    return ""


def _inconsistent(payoffs: RationalMatrix) -> bool:
    """Whether the bordered equations have no solution, with probabilities of whatever sign."""
    system = tie_system(payoffs.numerators, tuple(range(payoffs.shape[0])))
    equations, size = system.nrows(), system.ncols()
    rank = flint.nmod_mat(system, PRIME).rank()  # at most the rank: a full one is proved, at little cost
    if rank == size:
        return True
    if equations < size and flint.nmod_mat(left_side(system), PRIME).rank() == equations:
        return False
    reduced, _, rank = system.rref()
    return not any(reduced[rank - 1, j] for j in range(size - 1))


# --- in symbols -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """Equations (13) and (14) as formulas: `row` and `column` probabilities, `payoffs` P_T and P_J.

    `determinants` are det(A, e) and det(B, e), (11). `printed_row` and `printed_column` are (13) and (14) with rows and
    columns changed over, as they stand in print: they sum to 1 as well, but solve nothing.
    """

    row: tuple[sp.Expr, ...]
    column: tuple[sp.Expr, ...]
    payoffs: tuple[sp.Expr, sp.Expr]
    determinants: tuple[sp.Expr, sp.Expr]
    printed_row: tuple[sp.Expr, ...]
    printed_column: tuple[sp.Expr, ...]


def completely_mixed_symbolic(A: sp.Matrix | str, B: sp.Matrix | str, *, size: int = 2) -> ClosedForm:
    """The closed form as SymPy formulas.

    A and B are SymPy matrices, (n, n), or names: "a" stands for the (size, size) matrix of symbols a_11, a_12, ...

    x_i = -det(B, row i set to 1) / det(B, e) and y_i = -det(A, column i set to 1) / det(A, e): row i of B holds what
    the column player earns when the opponent plays i, so the equations for x, B' x = P e, have it as their column.

    Raises
    ------
    ValueError
        If A and B are not square, of one size up to 6, or a bordered determinant is identically 0.

    Examples
    --------
    >>> form = completely_mixed_symbolic("a", "b")
    >>> form.row[0]
    (b_21 - b_22)/(-b_11 + b_12 + b_21 - b_22)
    >>> form.printed_row[0]
    (b_12 - b_22)/(-b_11 + b_12 + b_21 - b_22)

    References
    ----------
    Dabcevic et al. (2014), equations (11)-(18); they call A_i the matrix A with row i replaced, B^i B with column i.
    """
    row_payoffs, column_payoffs = _symbols("A", A, size), _symbols("B", B, size)
    if row_payoffs.shape != column_payoffs.shape:
        raise ValueError(f"A and B must have one shape, got {row_payoffs.shape} and {column_payoffs.shape}")
    det_A, det_B = _bordered("A", row_payoffs), _bordered("B", column_payoffs)
    return ClosedForm(
        row=_ratios(column_payoffs, det_B, _row_of_ones),
        column=_ratios(row_payoffs, det_A, _column_of_ones),
        payoffs=(-_det(row_payoffs) / det_A, -_det(column_payoffs) / det_B),
        determinants=(det_A, det_B),
        printed_row=_ratios(column_payoffs, det_B, _column_of_ones),
        printed_column=_ratios(row_payoffs, det_A, _row_of_ones),
    )


def _symbols(name: str, matrix: sp.Matrix | str, size: int) -> sp.Matrix:
    """The matrix itself, or the matrix of symbols that a name stands for."""
    import sympy as sp

    n = size if isinstance(matrix, str) else matrix.rows
    if not 1 <= n <= MOST_SYMBOLIC:
        raise ValueError(f"{name} must have 1 to {MOST_SYMBOLIC} rows, got {n}")
    if isinstance(matrix, str):
        return sp.Matrix(n, n, lambda i, j: sp.Symbol(f"{matrix}_{i + 1}{j + 1}"))
    if not matrix.is_square:
        raise ValueError(f"{name} must be square, got shape {matrix.shape}")
    return sp.Matrix(matrix)


def _det(matrix: sp.Matrix) -> sp.Expr:
    return matrix.det(method="berkowitz").expand()


def _bordered(name: str, matrix: sp.Matrix) -> sp.Expr:
    """det(M, e), equation (12), which may not be 0, (11)."""
    import sympy as sp

    ones = sp.ones(matrix.rows, 1)
    determinant = _det(sp.Matrix([[matrix, ones], [ones.T, sp.zeros(1, 1)]]))
    if determinant == 0:
        raise ValueError(f"det({name}, e) must differ from 0, got 0")
    return determinant


def _ratios(
    matrix: sp.Matrix, bordered: sp.Expr, replaced: Callable[[sp.Matrix, int], sp.Matrix]
) -> tuple[sp.Expr, ...]:
    """-det(M with ones in place i) / det(M, e) for every i."""
    return tuple(-_det(replaced(matrix, i)) / bordered for i in range(matrix.rows))


def _row_of_ones(matrix: sp.Matrix, i: int) -> sp.Matrix:
    changed = matrix.copy()
    changed[i, :] = changed[i, :].applyfunc(lambda _: 1)
    return changed


def _column_of_ones(matrix: sp.Matrix, i: int) -> sp.Matrix:
    return _row_of_ones(matrix.T, i).T
