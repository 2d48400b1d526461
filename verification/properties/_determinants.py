"""Properties of the determinants (11)-(18) and of the Nash map (5)-(10), against fractions by elimination."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from models import jamming
from models.jamming import JammingModel
from solvers import bimatrix
from solvers.bimatrix import BimatrixGame, RationalProfile
from solvers.core import Status
from verification import certificates
from verification.jamming_strategies import jamming_models
from verification.properties._drawn import exactly, games, saved
from verification.properties._fractions import (
    Listed,
    Matrix,
    Mix,
    bordered,
    determinant,
    infeasible,
    off,
    regrets,
    times,
    transposed,
)
from verification.properties._property import Property
from verification.strategies import rational_profiles

# --- (13) and (14) ---------------------------------------------------------------------------------------------------


def _with_ones(matrix: Matrix, k: int, *, row: bool) -> Matrix:
    """The matrix with a row, or a column, of ones in place of its k-th."""
    if row:
        return [[Fraction(1)] * len(matrix) if i == k else line for i, line in enumerate(matrix)]
    return [[Fraction(1) if j == k else v for j, v in enumerate(line)] for line in matrix]


def _cramer(matrix: Matrix, *, row: bool) -> Mix:
    whole = determinant(bordered(matrix))
    return tuple(-determinant(_with_ones(matrix, k, row=row)) / whole for k in range(len(matrix)))


def corrected(game: BimatrixGame) -> tuple[Mix, Mix]:
    """(13) and (14) with rows and columns changed over: x from rows of B, y from columns of A."""
    A, B = exactly(game)
    return _cramer(B, row=True), _cramer(A, row=False)


def printed(game: BimatrixGame) -> tuple[Mix, Mix]:
    """(13) and (14) to the letter."""
    A, B = exactly(game)
    return _cramer(B, row=False), _cramer(A, row=True)


def _solved(game: BimatrixGame) -> float:
    """Status, determinants, probabilities and payoffs, whatever they are."""
    A, B = exactly(game)
    signs = determinant(bordered(A)), determinant(bordered(B))
    exact, rounded = bimatrix.completely_mixed_exact(game), bimatrix.completely_mixed(game)
    assert (exact.stats["det_A"], exact.stats["det_B"]) == signs, "a bordered determinant is another"
    told = rounded.stats["sign_A"], rounded.stats["sign_B"]
    assert told == tuple((v > 0) - (v < 0) for v in signs), f"signs are said to be {told}"
    if not all(signs):
        expected = Status.SINGULAR
    else:
        x, y = corrected(game)
        expected = Status.SOLVED if min(*x, *y) > 0 else Status.NONE_EXISTS
    statuses = exact.status, rounded.status
    assert statuses == (expected, expected), f"in fractions {statuses[0].name}, in floats {statuses[1].name}"
    if expected is not Status.SOLVED:
        assert len(exact.profiles) == len(rounded.profiles) == 0, "something is claimed all the same"
        return 0.0
    assert tuple(exact.require()) == (x, y), "the exact answer is not that of the determinants"
    payoffs = -determinant(A) / signs[0], -determinant(B) / signs[1]
    assert exact.stats["payoffs"] == payoffs, "payoffs are not -det A / det(A, e) and -det B / det(B, e)"
    pairs = zip((*x, *y), (*rounded.require().row, *rounded.require().column), strict=True)
    return float(max(off(game, rounded.require()), *(abs(float(p) - q) / float(p) for p, q in pairs)))


@st.composite
def _planted(draw: Any, most: int = 4) -> tuple[BimatrixGame, Mix, Mix]:
    """A game with a completely mixed equilibrium, and that equilibrium."""
    n = draw(st.integers(1, most))
    weights = [draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)) for _ in range(2)]
    x, y = (tuple(Fraction(w, sum(own)) for w in own) for own in weights)
    A, B = (draw(st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), min_size=n, max_size=n))
            for _ in range(2))  # fmt: skip
    level, mean = times(A, y), times(transposed(B), x)
    return (
        BimatrixGame([[v - own for v in row] for row, own in zip(A, level, strict=True)],
                     [[v - own for v, own in zip(row, mean, strict=True)] for row in B]),
        x,
        y,
    )  # fmt: skip


def _rows_and_columns(drawn: tuple[BimatrixGame, Mix, Mix]) -> float:
    """What is planted is found; to the letter it is not, unless both readings agree."""
    game, x, y = drawn
    A, B = exactly(game)
    if not (determinant(bordered(A)) and determinant(bordered(B))):
        assert bimatrix.completely_mixed(game).status is Status.SINGULAR, "a singular game is not said to be"
        return 0.0
    exact = bimatrix.completely_mixed_exact(game).require()
    assert tuple(exact) == (x, y) == corrected(game), "the planted equilibrium is not the one that is found"
    literal = printed(game)
    assert [sum(mix) for mix in literal] == [1, 1], "to the letter the sums are not 1: the oracle is wrong"
    assert (max(regrets(game, *literal)) == 0 and infeasible(literal) == 0) == (literal == (x, y)), (
        "to the letter there is another equilibrium"
    )
    turned = BimatrixGame(transposed(A), transposed(B))
    assert literal == corrected(turned), "to the letter it is not the game of transposed payoffs"
    return off(game, bimatrix.completely_mixed(game).require())


# --- the bordered determinant ----------------------------------------------------------------------------------------


@st.composite
def _moved(draw: Any) -> tuple[BimatrixGame, list[int], list[int], int]:
    game, _, _ = draw(_planted(5))
    n = game.shape[0]
    r, c = (draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n)) for _ in range(2))
    return game, r, c, draw(st.integers(1, 7))


def _left_alone(drawn: tuple[BimatrixGame, list[int], list[int], int]) -> float:
    """det(k (A + r e' + e c'), e) = k^(n - 1) det(A, e), by the solver and by elimination."""
    game, r, c, k = drawn
    A, B = exactly(game)
    n = len(A)
    other = [[k * (v + r[i] + c[j]) for j, v in enumerate(row)] for i, row in enumerate(A)]
    before, after = (bimatrix.completely_mixed_exact(BimatrixGame(M, B)).stats["det_A"] for M in (A, other))
    assert after == k ** (n - 1) * before == determinant(bordered(other)), "the bordered determinant is another"
    return 0.0


def _identity(game: BimatrixGame) -> float:
    """det(M, e) = det(M - e e') - det M."""
    m = min(game.shape)
    A, B = ([row[:m] for row in matrix[:m]] for matrix in exactly(game))
    stats = bimatrix.completely_mixed_exact(BimatrixGame(A, B)).stats
    for name, matrix in (("A", A), ("B", B)):
        less = [[v - 1 for v in row] for row in matrix]
        assert stats[f"det_{name}"] == determinant(less) - determinant(matrix), f"det({name}, e) breaks the identity"
    return 0.0


def _rules(drawn: tuple[int, int, str]) -> float:
    """det(alpha, e) by rule: (-1)^n nf, or 0; and what the closed form says of it."""
    channels, powers, rule = drawn
    model = jamming.jamming_model(channels, np.arange(1, powers + 1) / 8, success=rule, hop=0.125)
    alpha = [[1 - Fraction(float(v)) for v in row] for row in model.jam_matrix]
    found, wanted = determinant(bordered(alpha)), (-1) ** (channels * powers) * channels
    singular = (rule == "strict" and channels >= 2) or (rule == "same-channel" and powers >= 2)
    if rule == "threshold" or singular:
        assert found == (0 if singular else wanted), f"det(alpha, e) is {found}"
    status = jamming.closed_form(model).status
    if rule == "logistic":
        assert powers % 2 or status is not Status.SOLVED, "without an offset an even number of powers is solved"
        return 0.0 if powers % 2 else abs(float(found)) / channels
    assert status is (Status.SINGULAR if singular else Status.SOLVED), f"the closed form is {status.name}"
    return 0.0


def _of_all_states(model: JammingModel) -> float:
    """D_T^(n - 1) det(alpha, e) and (-D_J)^(n - 1) det(alpha, e), in every state."""
    n, nf = model.shape[0], model.channels
    alpha = (-1) ** n * nf
    wanted = (
        Fraction(float(model.transmitter.stakes[0])) ** (n - 1) * alpha,
        (-Fraction(float(model.jammer.stakes[0]))) ** (n - 1) * alpha,
    )
    for fT, fJ in ((0, 0), (0, nf - 1), (nf - 1, 0)):
        stats = bimatrix.completely_mixed_exact(model.stage_game(fT, fJ)).stats
        assert (stats["det_A"], stats["det_B"]) == wanted, f"from channels {fT} and {fJ} determinants are others"
    return 0.0


# --- the Nash map ----------------------------------------------------------------------------------------------------


def nash_map(game: BimatrixGame, x: Mix, y: Mix) -> tuple[Mix, Mix]:
    """(5)-(8), with A_i. the i-th row and B_.j the j-th column."""
    A, B = exactly(game)
    moved = []
    for own, earned in ((x, times(A, y)), (y, times(transposed(B), x))):
        mean = sum(p * v for p, v in zip(own, earned, strict=True))
        gains = [max(v - mean, Fraction(0)) for v in earned]
        moved.append(tuple((p + gain) / (1 + sum(gains)) for p, gain in zip(own, gains, strict=True)))
    return moved[0], moved[1]


@st.composite
def _mapped(draw: Any) -> tuple[BimatrixGame, RationalProfile]:
    game = draw(games(4, "ties", "integers", "duplicated", "symmetric", "zero-sum"))
    return game, draw(rational_profiles(game.shape))


def _moves(drawn: tuple[BimatrixGame, RationalProfile]) -> float:
    """It stays among mixes, and moves a profile exactly where the certificate refuses it; equilibria stay."""
    game, profile = drawn
    moved = nash_map(game, *profile)
    assert infeasible(moved) == 0, "the map leaves the mixes"
    assert (moved == tuple(profile)) == certificates.certify(game, profile).holds, "a fixed point is no equilibrium"
    known = Listed(game).equilibria if max(game.shape) <= 3 else set()
    for x, y in (*known, tuple(bimatrix.lemke_howson_exact(game).require())):
        assert nash_map(game, x, y) == (x, y), "an equilibrium is moved"
    return 0.0


def _record(number: str, equation: str, statement: str, examples: Any, measure: Any, **other: Any) -> Property:
    return Property(
        name=f"jamming-{number}", family="bimatrix", equation=equation, statement=statement, examples=examples,
        measure=measure, command=other.pop("command", "python -m solvers.bimatrix FILE"),
        save=other.pop("save", saved), **other,
    )  # fmt: skip


def _saved_stage(model: JammingModel, path: Any) -> Any:
    return saved(model.stage_game(0, model.channels - 1), path)


PROPERTIES: tuple[Property, ...] = (
    _record(
        "01",
        "(11)-(17)",
        "Completely mixed equilibria are those of the determinants, or none",
        lambda: (
            games(4, "ties", "integers", "symmetric", "identity-like", "dense-supports", "long-paths").filter(
                lambda game: game.shape[0] == game.shape[1]
            )
            | _planted().map(lambda drawn: drawn[0])
        ),
        _solved,
        tolerance=1e-9,
        share=0.5,
    ),
    _record(
        "02",
        "(13), (14)",
        "x comes from rows of B and y from columns of A, and not as printed",
        _planted,
        _rows_and_columns,
        tolerance=1e-9,
        share=0.5,
    ),
    _record(
        "03",
        "(12)",
        "Numbers by row and by column leave the bordered determinant alone",
        _moved,
        _left_alone,
        share=0.5,
    ),
    _record(
        "04",
        "(18)",
        "det(M, e) = det(M - e e') - det M",
        lambda: games(6, "integers", "rationals"),
        _identity,
        share=0.2,
    ),
    _record(
        "05",
        "(11)",
        "The bordered determinant of the threshold rule is the number of channels, up to its sign",
        lambda: st.tuples(
            st.integers(1, 4), st.integers(1, 4), st.sampled_from(["threshold", "strict", "same-channel", "logistic"])
        ),
        _rules,
        tolerance=1e-9,
        share=0.5,
        save=None,
        command="",
    ),
    _record(
        "06",
        "(11)",
        "Bordered determinants are those of all stage games, whatever hops cost",
        lambda: jamming_models(max_channels=3, kinds=["mixed", "outside", "flat", "border"]),
        _of_all_states,
        save=_saved_stage,
        share=0.5,
    ),
    _record("13", "(5)-(10)", "The Nash map moves all but equilibria", _mapped, _moves, share=0.3),
)
