"""Properties of lists of equilibria, of linear programmes and of files: against trying everything in fractions."""

from __future__ import annotations

import itertools
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import bimatrix
from solvers.bimatrix import BimatrixGame, RationalProfile
from solvers.core import Status
from verification.properties._drawn import exactly, games, of_games, small_games
from verification.properties._fractions import Listed, corners, off, ranges, regrets, times, transposed, worst
from verification.properties._property import Property
from verification.strategies import rational_profiles

# --- lists -----------------------------------------------------------------------------------------------------------


def _extreme(game: BimatrixGame) -> float:
    found, listed = bimatrix.extreme_equilibria(game), Listed(game)
    assert found.complete, "the list is not said to be complete"
    assert len(found.profiles) == len(set(found.profiles)), "an equilibrium is listed twice"
    missing = listed.equilibria - set(map(tuple, found.profiles))
    assert not missing, f"{len(missing)} of {len(listed.equilibria)} equilibria are missing"
    assert len(found.profiles) == len(listed.equilibria), "what is listed are more than all extreme equilibria"
    assert len(found.components) == listed.components, f"there are {listed.components} components"
    assert all(component.isolated for component in found.components) == listed.finite, "isolated or not, it is not so"
    return worst(game, found.profiles)


def _supports(game: BimatrixGame) -> float:
    listed = Listed(game)
    every, some = bimatrix.support_enumeration(game, equal_size=False), bimatrix.support_enumeration(game)
    wanted = listed.supports
    for found, want in ((every, wanted), (some, {pair for pair in wanted if len(pair[0]) == len(pair[1])})):
        used = [tuple(map(frozenset, bimatrix.support(profile))) for profile in found.profiles]
        assert len(used) == len(set(used)), "two equilibria have the same supports"
        assert set(used) == want, f"{len(want)} pairs of supports have an equilibrium, {len(used)} are found"
    assert every.complete == listed.finite, "complete or not, it is not so"
    if some.complete:
        assert listed.finite, "a list is said to be complete where equilibria are infinitely many"
        assert len(some.profiles) == len(listed.equilibria), "a list is said to be complete that is not"
    return worst(game, (*every.profiles, *some.profiles))


def _pure(game: BimatrixGame) -> float:
    A, B = exactly(game)
    m, n = game.shape
    best = [max(A[i][j] for i in range(m)) for j in range(n)], [max(row) for row in B]
    want = {(i, j) for i in range(m) for j in range(n) if A[i][j] == best[0][j] and B[i][j] == best[1][i]}
    found = bimatrix.pure_equilibria(game)
    cells = [(int(np.argmax(row)), int(np.argmax(column))) for row, column in found.profiles]
    assert sorted(cells) == sorted(want), f"pure equilibria are at {sorted(want)}, found at {sorted(cells)}"
    assert found.status is (Status.SOLVED if want else Status.NONE_EXISTS), f"the status is {found.status}"
    if found.complete and max(game.shape) <= 3:
        assert len(Listed(game).equilibria) == 1, "pure equilibria are said to be all"
    return worst(game, found.profiles)


# --- zero-sum games --------------------------------------------------------------------------------------------------


def _minimax(drawn: tuple[BimatrixGame, int]) -> float:
    """The value is what the row player can be sure of, and the column player can hold it down to."""
    game, total = drawn
    A, _ = exactly(game)
    constant = BimatrixGame(A, [[total - v for v in row] for row in A])
    found = bimatrix.zero_sum(constant)
    losses = [[-v for v in row] for row in transposed(A)]
    sure = max(-max(times(losses, corner.mix)) for corner in corners(losses))
    held = min(max(times(A, corner.mix)) for corner in corners(A))
    assert sure == held, "minimax is not maximin: the oracle is wrong"
    size = ranges(constant)[0] or Fraction(1)
    return max(off(constant, found.require()), float(abs(Fraction(found.stats["value"]) - sure) / size))


def _programme(game: BimatrixGame) -> float:
    """The value by the dual linear programme, of the other player."""
    from scipy.optimize import linprog

    m, n = game.shape
    A = game.A / (np.abs(game.A).max() or 1.0)
    dual = linprog(
        [*[0.0] * n, 1.0], A_ub=np.column_stack([A, -np.ones(m)]), b_ub=np.zeros(m), A_eq=[[*[1.0] * n, 0.0]],
        b_eq=[1.0], bounds=[*[(0, None)] * n, (None, None)], method="highs-ipm",
    )  # fmt: skip
    found = bimatrix.zero_sum(game)
    value = float(dual.fun) * (np.abs(game.A).max() or 1.0)
    gap = abs(found.stats["value"] - value) / max(1e-300, float(ranges(game)[0]) or 1.0)
    return max(off(game, found.require()), 0.0 if gap <= 1e-7 else gap)


@st.composite
def _disguised(draw: Any) -> tuple[BimatrixGame, RationalProfile]:
    """A zero-sum game in units of their own, plus what the other player decides; and a profile."""
    game = draw(games(5, "integers", "ties"))
    numbers, factors = st.fractions(-20, 20, max_denominator=7), st.fractions(Fraction(1, 50), 50, max_denominator=60)
    by_column, by_row = (draw(st.lists(numbers, min_size=size, max_size=size)) for size in reversed(game.shape))
    a, b = draw(factors), draw(factors)
    zero = exactly(game)[0]
    A = [[a * v + c for v, c in zip(row, by_column, strict=True)] for row in zero]
    B = [[r - b * v for v in row] for row, r in zip(zero, by_row, strict=True)]
    return BimatrixGame(A, B), draw(rational_profiles(game.shape))


def _transferred(drawn: tuple[BimatrixGame, RationalProfile]) -> float:
    """The game is recognised, regrets are in proportion at any profile, and the programme's answer holds."""
    game, profile = drawn
    equivalent = bimatrix.equivalent_zero_sum(game)
    assert equivalent is not None, "a game with the best replies of a zero-sum game is not recognised"
    A, B = exactly(equivalent)
    assert all(v + w == 0 for row, other in zip(A, B, strict=True) for v, w in zip(row, other, strict=True)), (
        "the equivalent game is not zero-sum"
    )
    one, other = regrets(game, *profile), regrets(equivalent, *profile)
    assert one[0] == other[0], "the row player's regret is another"
    assert (one[1] > 0) == (other[1] > 0), "a best reply of the column player is none in the other game"
    return off(equivalent, bimatrix.zero_sum(equivalent).require())


def _recognised(game: BimatrixGame) -> float:
    """By the ratio of interactions: how much more a row, than the first, changes a payoff in a column."""
    first, second = (
        [row[j] - row[0] - matrix[0][j] + matrix[0][0] for row in matrix for j in range(len(row))]
        for matrix in exactly(game)
    )
    ratios = {-v / u for u, v in zip(first, second, strict=True) if u}
    free = any(v and not u for u, v in zip(first, second, strict=True))
    trivial = not any(first) and not any(second)
    expected = trivial or (len(ratios) == 1 and not free and min(ratios) > 0)
    assert (bimatrix.equivalent_zero_sum(game) is not None) == expected, f"it is recognised: {not expected}"
    return 0.0


# --- correlated equilibria -------------------------------------------------------------------------------------------


def _obeyed(game: BimatrixGame) -> float:
    """Nobody gains by not doing what is recommended, and no Nash equilibrium is worth more to both together."""
    found = bimatrix.correlated_equilibrium(game)
    p = [[Fraction(float(v)) for v in row] for row in found.require()]
    A, B = exactly(game)
    gains = []
    for matrix, law in ((A, p), (transposed(B), transposed(p))):
        gain = Fraction(0)
        for i, told in enumerate(law):
            earned = [sum(v * q for v, q in zip(row, told, strict=True)) for row in matrix]
            gain += max(earned) - earned[i]
        gains.append(gain)
    sizes = [size or Fraction(1) for size in ranges(game)]
    best = max(
        sum(x[i] * y[j] * (A[i][j] + B[i][j]) for i, j in itertools.product(*map(range, game.shape)))
        for x, y in Listed(game).equilibria
    )
    mean = sum(q * (v + w) for rows in zip(p, A, B, strict=True) for q, v, w in zip(*rows, strict=True))
    short = float((best - mean) / max(sizes))
    assert short <= 1e-7, f"a Nash equilibrium is worth more to both, by {short:.3g} of the range"
    cells = [v for row in p for v in row]
    shares = [gain / size for gain, size in zip(gains, sizes, strict=True)]
    return float(max(*shares, abs(sum(cells, Fraction(-1))), *(-v for v in cells)))


def _bounded(drawn: tuple[BimatrixGame, int]) -> float:
    """Duality: weights on deviations bound the mean of any objective from above, and the programme reaches that."""
    from scipy.optimize import linprog

    game, seed = drawn
    m, n = game.shape
    goal = np.random.default_rng(seed).integers(0, 10, game.shape).astype(float)
    rows, columns = ([(i, k) for i in range(size) for k in range(size) if i != k] for size in game.shape)
    cells = []
    for i, j in itertools.product(range(m), range(n)):
        gains = [game.A[k, j] - game.A[i, j] if own == i else 0.0 for own, k in rows]
        gains += [game.B[i, k] - game.B[i, j] if own == j else 0.0 for own, k in columns]
        cells.append([*(-gain for gain in gains), -1.0])
    size = len(rows) + len(columns)
    bounds = [(0, None)] * size + [(None, None)]
    bound = linprog([0.0] * size + [1.0], A_ub=cells, b_ub=-goal.ravel(), bounds=bounds).fun
    found = bimatrix.correlated_equilibrium(game, objective=goal)
    return abs(float(found.stats["objective"]) - float(bound)) / 10.0


# --- files -----------------------------------------------------------------------------------------------------------

PLAIN = ("ties", "integers", "rationals", "near-ties", "long-paths")  # no fraction of hundreds of digits
NAMES = st.text("abc -\"'\\{}<>&äß日,\t", max_size=8)


@st.composite
def _named(draw: Any) -> BimatrixGame:
    """Half of them as floats, half as fractions."""
    whole = draw(st.booleans())
    game = draw(games(4, *PLAIN) if whole else games(4))
    rows, columns = (draw(st.just([]) | st.lists(NAMES, min_size=k, max_size=k)) for k in game.shape)
    A, B = exactly(game) if whole else (game.A, game.B)
    return BimatrixGame(A, B, title=draw(NAMES), players=(draw(NAMES), draw(NAMES)), rows=rows, columns=columns)


def _read_back(game: BimatrixGame) -> float:
    """Fractions exactly, floats as the same floats, and what was read once exactly again; from JSON names too."""
    plain = BimatrixGame(*exactly(game)) if all(game._exact) else BimatrixGame(game.A, game.B)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "game.json")
        bimatrix.write_json(game, path)
        found = bimatrix.read_json(path)
        _same_payoffs(game, found, "JSON")
        bimatrix.write_json(found, path)
        assert exactly(bimatrix.load(path)) == exactly(found), "payoffs that were read are written rounded"
        for outcomes in (False, True):
            bimatrix.write_nfg(plain, Path(folder, "game.nfg"), outcomes=outcomes)
            _same_payoffs(plain, bimatrix.read_nfg(Path(folder, "game.nfg")), ".nfg")
            assert exactly(bimatrix.load(Path(folder, "game.nfg"))) == exactly(found), "two kinds of files differ"
    for name in ("title", "players", "rows", "columns"):
        assert getattr(found, name) == getattr(game, name), f"{name} from JSON are others"
    return 0.0


def _same_payoffs(game: BimatrixGame, found: BimatrixGame, kind: str) -> None:
    assert np.array_equal([game.A, game.B], [found.A, found.B]), f"payoffs from {kind} are others"
    if all(game._exact):
        assert exactly(found) == exactly(game), f"fractions from {kind} are others"


PROPERTIES: tuple[Property, ...] = (
    of_games(16, "Extreme equilibria are listed completely, and in their components", small_games, _extreme, share=0.4),
    of_games(
        17,
        "Support enumeration finds an equilibrium for each pair of supports that has one",
        small_games,
        _supports,
        tolerance=1e-9,
        share=0.3,
    ),
    of_games(18, "Pure equilibria are the cells in which nobody does better", lambda: games(5), _pure, share=0.4),
    of_games(
        19,
        "The value of a zero-sum game is minimax and maximin",
        lambda: st.tuples(
            games(3, "ties", "integers", "rationals", "zero-sum", "dense-supports", "long-paths"), st.integers(-9, 9)
        ),
        _minimax,
        tolerance=1e-9,
        share=0.25,
    ),
    of_games(
        20,
        "The value of a zero-sum game is that of the other player's linear programme",
        lambda: games(6, "zero-sum"),
        _programme,
        tolerance=1e-9,
        share=0.3,
    ),
    of_games(
        21,
        "A game with the best replies of a zero-sum game is recognised, and equilibria transfer",
        _disguised,
        _transferred,
        tolerance=1e-9,
        share=0.2,
    ),
    of_games(
        22,
        "No other game is taken for one",
        lambda: games(4, "ties", "integers", "duplicated", "zero-sum"),
        _recognised,
        share=0.6,
    ),
    of_games(
        23,
        "A correlated equilibrium is obeyed, and no Nash equilibrium is worth more to both",
        small_games,
        _obeyed,
        tolerance=1e-9,
        share=0.3,
    ),
    of_games(
        24,
        "A correlated equilibrium reaches the bound of duality",
        lambda: st.tuples(games(3, "ties", "integers"), st.integers(0, 10**6)),
        _bounded,
        tolerance=1e-7,
        share=0.3,
    ),
    of_games(25, "Games are read back from files as they were written", _named, _read_back, share=0.2),
)
