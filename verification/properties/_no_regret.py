"""Properties of learners without regret and of the replicator: bounds, definitions, and what flows conserve."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import learning
from solvers.bimatrix import BimatrixGame, Profile
from solvers.core import Array
from verification.properties._drawn import exactly, games, saved
from verification.properties._fractions import ranges, times, transposed
from verification.properties._property import Property


def fresh(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def gap(one: Any, other: Any) -> float:
    return float(np.max(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)), initial=0.0))


def of_learners(name: str, equation: str, statement: str, examples: Any, measure: Any, **other: Any) -> Property:
    save = other.pop("save", saved)
    return Property(
        name=name, family="learning", equation=equation, statement=statement, examples=examples, measure=measure,
        save=save, command="python -m solvers.bimatrix FILE" if save is saved else "", **other,
    )  # fmt: skip


def rounds(game: st.SearchStrategy[BimatrixGame], most: int) -> st.SearchStrategy[tuple[BimatrixGame, int]]:
    return st.tuples(game, st.integers(1, most))


# --- no regret -------------------------------------------------------------------------------------------------------


def _plus(game: BimatrixGame, rounds: int, **options: Any) -> Any:
    return learning.regret_matching(game, rounds, plus=True, **options)


def _rules() -> tuple[Any, ...]:
    return learning.regret_matching, _plus, learning.multiplicative_weights


def _coarse(game: BimatrixGame, play: Array) -> list[Fraction]:
    """What the best fixed strategy gains each player over the play, in fractions."""
    A, B = exactly(game)
    cells = [[Fraction(float(p)) for p in row] for row in play]
    gains = []
    for matrix, law in ((A, cells), (transposed(B), transposed(cells))):
        marginal, earned = [sum(column) for column in transposed(law)], Fraction(0)
        for line, row in zip(matrix, law, strict=True):
            earned += sum((v * p for v, p in zip(line, row, strict=True)), Fraction(0))
        gains.append(max(times(matrix, marginal)) - earned)
    return gains


def _no_regret(drawn: tuple[BimatrixGame, int]) -> float:
    """Regrets of the average play, in fractions, at most the theorem's bound, and as they are said to be."""
    game, rounds = drawn
    sizes, gaps = ranges(game), [0.0]
    for rule in _rules():
        found = rule(game, rounds)
        (play,) = found.profiles
        assert play.min() >= 0, "a probability is negative"
        gaps.append(abs(float(play.sum()) - 1.0))
        for k, (gain, size) in enumerate(zip(_coarse(game, play), sizes, strict=True)):
            bound = _theorem(rule, game.shape[k], rounds)
            assert float(gain) <= (bound + 1e-12) * float(size), f"a regret is {float(gain):.6g}: no bound is kept"
            unit = size or Fraction(1)
            gaps.append(float(abs(Fraction(float(found.stats["regrets"][k])) - max(gain, gain)) / unit))
            gaps.append(abs(float(found.stats["bounds"][k]) - bound * float(size)) / float(unit))
    return float(np.max(gaps))


def _theorem(rule: Any, size: int, rounds: int) -> float:
    """sqrt(ln n / (2 T)) of weights, sqrt((n - 1) / T) of regret matching; of the range, and at most all of it."""
    bound = np.log(size) / 2 if rule is learning.multiplicative_weights else size - 1
    return float(min(1.0, np.sqrt(bound / rounds)))


def _rounds_by_hand(drawn: tuple[BimatrixGame, int]) -> float:
    """Weights by cumulated payoffs, matching by cumulated regrets; left out where a regret of 0 decides."""
    game, rounds = drawn
    gaps = [0.0]
    for rule in _rules():
        total, clear = _played(game, rounds, rule)
        if clear:
            gaps.append(gap(rule(game, rounds).profiles[0], total / rounds))
    return max(gaps)


def _played(game: BimatrixGame, rounds: int, rule: Any) -> tuple[Array, bool]:
    widths = [float(size) or 1.0 for size in ranges(game)]
    A, B = (game.A - game.A.min()) / widths[0], (game.B - game.B.min()).T / widths[1]
    sums, regret, total, clear = (
        [np.zeros(k) for k in game.shape],
        [np.zeros(k) for k in game.shape],
        np.zeros(game.shape),
        True,
    )
    weighs = rule is learning.multiplicative_weights
    for step in range(rounds):
        mixes = [_weighed(s, rounds) if weighs else _matched(r) for s, r in zip(sums, regret, strict=True)]
        clear &= weighs or step == 0 or not any(np.all(r <= 1e-12) and np.any(r > -1e-12) for r in regret)
        total = total + np.outer(*mixes)
        for k, (values, mix) in enumerate(((A @ mixes[1], mixes[0]), (B @ mixes[0], mixes[1]))):
            sums[k] += values
            regret[k] += values - values @ mix
            if rule is _plus:
                regret[k] = np.maximum(regret[k], 0)
    return total, bool(clear)


def _weighed(sums: Array, rounds: int) -> Array:
    weights = np.exp(np.sqrt(8 * np.log(len(sums)) / rounds) * (sums - sums.max()))
    return np.asarray(weights / weights.sum())


def _matched(regret: Array) -> Array:
    positive = np.where(regret > 1e-12, regret, 0.0)
    return positive / positive.sum() if positive.any() else np.full(len(regret), 1 / len(regret))


# --- the replicator --------------------------------------------------------------------------------------------------


def _inside(shape: tuple[int, int], seed: int) -> Profile:
    rng = fresh(seed)
    row, column = (rng.dirichlet(np.full(size, 3.0)) * 0.9 + 0.1 / size for size in shape)
    return Profile(row, column)


def _flows(drawn: tuple[BimatrixGame, int]) -> float:
    """Mixes all the way, from where it begins; and it ends where the textbook's equations do."""
    from scipy.integrate import solve_ivp

    game, seed = drawn
    start, m = _inside(game.shape, seed), game.shape[0]
    time = 4.0 / (float(max(ranges(game))) or 1.0)
    path = learning.replicator(game, initial=start, time=time, samples=5)
    gaps = [gap(path.row[0], start.row), gap(path.column[0], start.column)]
    for shares in (path.row, path.column):
        assert shares.min() >= 0, "a share is negative"
        gaps.append(gap(shares.sum(axis=1), 1.0))

    def speed(_: float, state: Array) -> Array:
        x, y = state[:m], state[m:]
        rows, columns = game.A @ y, game.B.T @ x
        return np.concatenate([x * (rows - x @ rows), y * (columns - y @ columns)])

    end = solve_ivp(speed, (0, time), np.concatenate(start), method="RK45", rtol=1e-9, atol=1e-11).y[:, -1]
    gaps.append(gap(np.concatenate([path.row[-1], path.column[-1]]), end))
    return max(gaps)


def _conserved(drawn: tuple[int, int, int]) -> float:
    """Hofbauer and Sigmund (1998), section 11.2: the divergence from a mixed equilibrium of a zero-sum game."""
    m, n, seed = drawn
    rng = fresh(seed)
    p, q = _inside((m, n), seed + 1)
    centred = (np.eye(m) - np.outer(np.ones(m), p)) @ rng.normal(size=(m, n)) @ (np.eye(n) - np.outer(q, np.ones(n)))
    game = BimatrixGame(centred, -centred)
    time = 20.0 / (float(game.magnitudes().max()) or 1.0)
    path = learning.replicator(game, initial=_inside((m, n), seed + 2), time=time, samples=7)
    divergence = sum(
        np.sum(mix * (np.log(mix) - np.log(shares)), axis=1)
        for mix, shares in ((p, path.row), (q, path.column))
    )  # fmt: skip
    return float(np.ptp(divergence))


PROPERTIES: tuple[Property, ...] = (
    of_learners(
        "learning-03",
        "",
        "Regrets of no-regret learners are within the theorems' bounds",
        lambda: rounds(games(4), 200),
        _no_regret,
        tolerance=1e-12,
        share=0.3,
    ),
    of_learners(
        "learning-04",
        "",
        "No-regret learners play by their definitions, round by round",
        lambda: rounds(games(4, "integers", "ties", "zero-sum", "dense-supports"), 30),
        _rounds_by_hand,
        tolerance=1e-9,
        share=0.3,
    ),
    of_learners(
        "learning-05",
        "",
        "Replicator dynamics stay in the simplex and follow the equations",
        lambda: st.tuples(games(3, "ties", "integers", "rationals", "near-ties"), st.integers(0, 999)),
        _flows,
        tolerance=1e-6,
        share=0.15,
    ),
    of_learners(
        "learning-06",
        "",
        "In zero-sum games replicator dynamics conserve the divergence from a mixed equilibrium",
        lambda: st.tuples(st.integers(2, 4), st.integers(2, 4), st.integers(0, 999)),
        _conserved,
        tolerance=1e-8,
        share=0.2,
        save=None,
    ),
)
