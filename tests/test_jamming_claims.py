"""What the paper says of its stage games, confirmed or shown false by a witness, each claim by itself.

The claims are those of Dabcevic et al., EURASIP Journal on Advances in Signal Processing 2014:171, section 3.1. Those
about (5)-(18) on games of any kind are in `test_closed_form`, the number of stage games in `test_jamming_model`, and
(19) and (20) in `test_learning`.
"""

from __future__ import annotations

import math

import bimatrix_cases as cases
import numpy as np
import pytest
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from models.jamming._closed_form import closed_form
from models.jamming._model import JammingModel, jamming_model
from solvers.bimatrix._closed_form import completely_mixed, completely_mixed_exact
from solvers.bimatrix._extreme import EquilibriumComponents, extreme_equilibria
from solvers.bimatrix._game import BimatrixGame, Profile, support
from solvers.core import Status
from verification.certificates import certify
from verification.jamming_strategies import jamming_models

SAME, DIFFERENT = (0, 0), (0, 1)  # states: the previous channels of transmitter and jammer


def bordered(game: BimatrixGame) -> tuple[float, float]:
    """det(A, e) and det(B, e), whose product must not be 0 in (11)."""
    stats = completely_mixed_exact(game).stats
    return stats["det_A"], stats["det_B"]


def all_equilibria(model: JammingModel, state: tuple[int, int]) -> EquilibriumComponents:
    """The extreme equilibria of a stage game, proved to be all, each certified."""
    game = model.stage_game(*state)
    found = extreme_equilibria(game)
    assert found.complete
    assert all(certify(game, profile).holds for profile in found.profiles)
    return found


def sizes(found: EquilibriumComponents) -> set[tuple[int, int]]:
    """How many actions the players mix."""
    return {(len(row), len(column)) for row, column in map(support, found.profiles)}


# --- "a unique completely mixed equilibrium if (11) holds": it may have none, and others ------------------------------


FAILS = [
    pytest.param({"hop": 6}, {SAME: (7, 6), DIFFERENT: (7, 6)}, id="hop 6"),
    pytest.param({"powers": [3, 6, 9]}, {SAME: (8, 8), DIFFERENT: (8, 8)}, id="powers 3, 6, 9"),
    pytest.param({"hop": 25}, {SAME: (3, 3), DIFFERENT: (1, 1)}, id="hop 25"),
]


@pytest.mark.parametrize(("arguments", "supports"), FAILS)
def test_property_24_hops_or_powers_that_cost_too_much(arguments, supports):
    """Four channels and three powers: (11) holds, and no equilibrium uses all twelve actions."""
    model = jamming_model(**arguments)
    for state, used in supports.items():
        assert 0 not in bordered(model.stage_game(*state))
        assert sizes(all_equilibria(model, state)) == {used}
        assert completely_mixed(model.stage_game(*state)).status is Status.NONE_EXISTS
    assert closed_form(model).status is Status.NONE_EXISTS


def test_property_24_a_hop_of_25_is_made_by_nobody():
    """Far from each other both stay, at the lowest power, and nothing is jammed."""
    (equilibrium,) = all_equilibria(jamming_model(hop=25), DIFFERENT).profiles
    assert support(equilibrium) == ((0,), (3,))


@pytest.mark.parametrize(("channels", "powers"), [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_property_24_powers_of_one_cost(channels, powers):
    """The jammer's highest power jams all: the others are for nothing, and the transmitter takes any.

    Of powers^channels extreme equilibria no two have the same supports, and all are of one component.
    """
    model = jamming_model(channels, range(1, powers + 1), costs=np.ones(powers))
    found = all_equilibria(model, DIFFERENT)
    assert len({support(profile) for profile in found.profiles}) == powers**channels
    assert sizes(found) == {(channels, channels)}
    assert len(found.components) == 1


# --- "nondegenerate ... an odd number of equilibria" ------------------------------------------------------------------


@fewer
@given(jamming_models(kinds=["mixed"]).filter(lambda model: model.channels > 2), st.data())
def test_stage_games_of_three_channels_or_more_are_degenerate(model, data):
    """Against one pure action the transmitter has more than one best reply: every other channel, at least cost."""
    f = data.draw(st.integers(0, model.channels - 1))
    game, powers = model.stage_game(f, f), model.jammer.powers
    jammer = np.eye(game.shape[1])[f * powers + powers - 1]
    best, _ = game.best_responses(Profile(np.eye(game.shape[0])[0], jammer))
    assert list(best) == [channel * powers for channel in range(model.channels) if channel != f]


def test_an_even_number_of_extreme_equilibria():
    """Three channels, one power, a hop of 12 against stakes of 20, as pinned in `bimatrix_cases`: two, and a segment.

    Between the two lie infinitely many others, and (11) holds.
    """
    model = jamming_model(3, [1], hop=12)
    game = model.stage_game(*SAME)
    pinned = cases.JAMMING_TIED
    assert game.rational_payoffs[0].rows() == pinned.game.rational_payoffs[0].rows()
    assert game.rational_payoffs[1].rows() == pinned.game.rational_payoffs[1].rows()
    found = all_equilibria(model, SAME)
    assert set(found.profiles) == set(pinned.equilibria)
    assert 0 not in bordered(game)
    (segment,) = found.components
    assert not segment.isolated
    first, second = (np.array([float(p) for p in profile.row]) for profile in found.profiles)
    column = np.array([1.0, 0, 0])
    assert all(certify(game, Profile(t * first + (1 - t) * second, column)).holds for t in (0.25, 0.5, 0.75))


def test_a_hop_of_6_leaves_three_extreme_equilibria_of_one_component():
    """The theory that the pinned games come from counts 8; two exact enumerations agree on these."""
    found = all_equilibria(jamming_model(hop=6), SAME)
    assert set(found.profiles) == set(cases.JAMMING_HOP_6.equilibria)
    (component,) = found.components
    assert not component.isolated


# --- "a single equilibrium for each subgame": where it is completely mixed, a theorem ---------------------------------


@pytest.mark.parametrize("state", [SAME, DIFFERENT])
def test_property_11_the_default(state):
    """Four channels and three powers."""
    found = all_equilibria(jamming_model(), state)
    assert sizes(found) == {(12, 12)}
    assert len(found.profiles) == 1


# --- "equations (13) and (14)", on the paper's own games --------------------------------------------------------------


def to_the_letter(payoffs: np.ndarray) -> np.ndarray:
    """(14) as printed, with row i of A replaced: by Cramer's rule the solution of (17) for the transposed matrix."""
    system = np.ones((len(payoffs) + 1, len(payoffs) + 1))
    system[:-1, :-1], system[-1, -1] = payoffs.T, 0.0
    return np.linalg.solve(system, np.eye(len(system))[-1])[:-1]


@fewer
@given(jamming_models(kinds=["mixed"]), st.data())
def test_the_printed_formulas_see_no_cost_in_the_papers_games(model, data):
    """To the letter the transmitter always uses its highest power and the jammer its lowest, on all channels alike.

    In the transposed equations costs of own actions are terms by column, which change nothing: rewards, penalties,
    hops and costs of power all drop out. With more than one power that is no equilibrium: the jammer jams nothing.
    """
    f, g = (data.draw(st.integers(0, model.channels - 1)) for _ in range(2))
    game, powers = model.stage_game(f, g), model.jammer.powers
    printed = Profile(to_the_letter(game.B.T), to_the_letter(game.A))
    highest, lowest = (np.tile(np.eye(powers)[c] / model.channels, model.channels) for c in (-1, 0))
    np.testing.assert_allclose(printed.row, highest, atol=1e-9)
    np.testing.assert_allclose(printed.column, lowest, atol=1e-9)
    if powers > 1:
        assert not certify(game, printed, tolerance=1e-3).holds
    assert certify(game, completely_mixed(game).require(), tolerance=1e-9 * game.magnitudes()).holds


# --- property 14 ------------------------------------------------------------------------------------------------------


# --- "the upper bound on the number of equilibria ... 2.41^d / d^(1/2)" -----------------------------------------------


def most_known(d: int) -> int:
    """Equilibria of a nondegenerate d x d game, d even: von Stengel, Discrete Comput. Geom. 21 (1999), 557-568."""
    return delannoy(d // 2) + delannoy(d // 2 - 1) - 1


def delannoy(n: int) -> int:
    return sum(math.comb(n + k, k) * math.comb(n, k) for k in range(n + 1))


def test_the_upper_bound_is_a_lower_bound_on_the_maximum():
    """Their count grows like 2.4142^d / d^(1/2), times 0.949, and passes the bound with 2.41 at d = 32."""
    assert len(extreme_equilibria(cases.MANY.game).profiles) == most_known(6) == 75
    assert len(extreme_equilibria(BimatrixGame(np.eye(4), np.eye(4))).profiles) == most_known(4) == 15
    exceeded = [d for d in range(2, 61, 2) if most_known(d) > 2.41**d / math.sqrt(d)]
    assert exceeded == list(range(32, 61, 2))
    assert most_known(400) / ((1 + math.sqrt(2)) ** 400 / math.sqrt(400)) == pytest.approx(0.949, abs=1e-3)
