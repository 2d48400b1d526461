"""Families of games: what defines each, and that a generator's state decides the game; a small benchmark."""

import importlib
import json
import os
import subprocess
import sys
from fractions import Fraction
from math import comb
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.bimatrix import BimatrixGame, Profile, RationalProfile
from solvers.core import InvalidGame
from verification import certify, generators
from verification.generators import FAMILIES, perturbed, rescaled
from verification.strategies import KINDS, LONG_PATHS, bimatrix_games, profiles, rational_profiles

ROOT = Path(__file__).parent.parent
SEEDS = range(5)


def drawn(seed=0):
    return np.random.default_rng(seed)


# --- families ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12, 25])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_draws_a_game_of_about_the_size_asked_for(family, n):
    m, k = FAMILIES[family](n, drawn()).shape
    assert (n - 2) ** 2 / 1.6 <= m * k <= 1.6 * (n + 2) ** 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_generator_decides_the_game(family):
    first, again, other = (FAMILIES[family](8, drawn(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.A, again.A)
    assert np.array_equal(first.B, again.B)
    assert not (np.array_equal(first.A, other.A) and np.array_equal(first.B, other.B))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_generator_moves_on(family):
    rng = drawn()
    first, second = FAMILIES[family](8, rng), FAMILIES[family](8, rng)
    assert not (np.array_equal(first.A, second.A) and np.array_equal(first.B, second.B))


def test_uniform_payoffs_are_spread_over_the_unit_interval():
    game = generators.uniform(60, 40, drawn())
    for payoffs in (game.A, game.B):
        assert 0 <= payoffs.min() < 0.01
        assert 0.99 < payoffs.max() < 1
        assert abs(payoffs.mean() - 0.5) < 0.03


@pytest.mark.parametrize("top", [1, 2, 9])
def test_integer_payoffs_take_every_value_and_no_other(top):
    game = generators.integer(30, 20, drawn(), top=top)
    assert set(game.A.flat) == set(game.B.flat) == set(range(top + 1))


@pytest.mark.parametrize("rho", [-1.0, -0.9, 0.0, 0.5, 1.0])
def test_payoffs_of_an_outcome_have_the_covariance_asked_for(rho):
    game = generators.covariance(200, 200, drawn(), rho=rho)
    measured = np.cov(game.A.ravel(), game.B.ravel())
    assert np.allclose(measured, [[1, rho], [rho, 1]], atol=0.03)


@pytest.mark.parametrize("rho", [-1.5, 1.1, np.nan])
def test_no_covariance_outside_its_range(rho):
    with pytest.raises(ValueError, match="rho must be in"):
        generators.covariance(2, 2, drawn(), rho=rho)


def test_zero_sum_payoffs_add_up_to_exactly_zero():
    game = generators.zero_sum(7, 5, drawn())
    assert np.all(game.A + game.B == 0)
    assert np.ptp(game.A) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_sgc_has_its_equilibrium_on_half_of_the_strategies(seed):
    """Sandholm, Gilpin and Conitzer (2005): uniform on the 2k - 1 strategies that never earn nothing."""
    k = 3
    game = generators.sgc(k, drawn(seed))
    used = np.all(game.A > 0, axis=1), np.all(game.B > 0, axis=0)
    assert game.shape == (4 * k - 1, 4 * k - 1)
    assert [mask.sum() for mask in used] == [2 * k - 1] * 2
    assert certify(game, Profile(*(mask / (2 * k - 1) for mask in used))).holds


@pytest.mark.parametrize("seed", SEEDS)
def test_ranking_pays_a_prize_less_the_cost_of_effort(seed):
    n, steps = 9, 10
    game = generators.ranking(n, drawn(seed))
    assert set(np.round(game.A - game.A[:, -1:], 9).flat) <= {0.0, 0.5, 1.0}
    assert set(np.round(game.B - game.B[-1:], 9).flat) <= {0.0, 0.5, 1.0}
    both = game.A + game.B  # the prize, less what each effort costs
    assert both[0, 0] == 1.0
    costs = 1.0 - both[:, 0], 1.0 - both[0]
    assert np.allclose(both, 1.0 - costs[0][:, None] - costs[1])
    for cost in costs:
        steps_up = np.diff(cost) * n * steps
        assert np.allclose(steps_up, np.round(steps_up))
        assert 1 <= np.round(steps_up.min()) <= np.round(steps_up.max()) <= steps
    assert np.all(np.diff(game.A, axis=1) <= 0)  # more effort of the other player never helps
    assert np.all(np.diff(game.B, axis=0) <= 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_tournament_pays_for_beating_every_node_of_a_set(seed):
    nodes, k = 7, 2
    game = generators.tournament(nodes, drawn(seed), k=k)
    assert game.shape == (nodes, comb(nodes, k))
    assert set(game.A.flat) <= {0.0, 1.0}
    assert np.all(game.B.sum(axis=0) == k)
    assert len(np.unique(game.B, axis=1).T) == comb(nodes, k)
    sets = [np.flatnonzero(column) for column in game.B.T]
    beaten = [{node for s in np.flatnonzero(row) for node in sets[s]} for row in game.A]
    for i, row in enumerate(game.A):
        assert i not in beaten[i]
        assert not any(i in beaten[j] for j in beaten[i])  # of two nodes one beats the other
        assert [bool(win) for win in row] == [set(members) <= beaten[i] for members in sets]


@pytest.mark.parametrize("seed", SEEDS)
def test_blotto_shares_the_hills(seed):
    """What a placement does not win of another one, that wins of it, at the same values."""
    hills, troops = 3, 4
    game = generators.blotto(hills, troops, drawn(seed))
    assert game.shape == (comb(troops + hills - 1, hills - 1),) * 2
    assert np.allclose(game.A + game.A.T, 2 * game.A[0, 0])
    assert np.allclose(game.B + game.B.T, 2 * game.B[0, 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_unit_vector_games_have_unit_columns_and_no_pure_equilibrium(seed):
    game = generators.unit_vector(6, drawn(seed))
    assert set(game.A.flat) == {0.0, 1.0}
    assert np.all(game.A.sum(axis=0) == 1)
    best = (game.A.max(axis=0) == game.A) & (game.B.max(axis=1, keepdims=True) == game.B)
    assert not best.any()


def test_one_strategy_each_is_a_pure_equilibrium():
    with pytest.raises(ValueError, match="n must be >= 2"):
        generators.unit_vector(1, drawn())


def test_without_quantecon_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ImportError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"sgc games come from quantecon; install certeq\[peers\]"):
        FAMILIES["sgc"](7, drawn())
    assert FAMILIES["uniform"](3, drawn()).shape == (3, 3)


def test_neither_quantecon_nor_hypothesis_is_loaded_before_it_is_needed():
    program = "import sys, verification.generators; print({'quantecon', 'hypothesis'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- games made of games -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9, 1e-12])
def test_noise_breaks_ties_by_no_more_than_its_size(size):
    game = generators.integer(6, 6, drawn())
    noisy = perturbed(game, size, drawn(1))
    for before, after in ((game.A, noisy.A), (game.B, noisy.B)):
        assert 0 < np.abs(after - before).max() <= size + 1e-15
        assert len(np.unique(after)) > len(np.unique(before))


@given(game=bimatrix_games(max_size=4, kinds=["integers", "ties"]), data=st.data())
def test_noise_moves_no_regret_by_more_than_twice_its_size(game, data):
    profile = data.draw(profiles(game.shape))
    noisy = perturbed(game, 1e-3, drawn())
    assert np.all(np.abs(noisy.regrets(profile) - game.regrets(profile)) <= 2e-3 + 1e-12)


@pytest.mark.parametrize("size", [-1e-3, np.nan, np.inf])
def test_noise_has_a_size(size):
    with pytest.raises(ValueError, match="size must be finite"):
        perturbed(BimatrixGame([[1]], [[1]]), size, drawn())


POSITIVE = st.fractions(Fraction(1, 50), 50, max_denominator=50)
ANY = st.fractions(-(10**9), 10**9, max_denominator=50)


@given(
    game=bimatrix_games(max_size=4, kinds=["integers", "rationals", "floats"]),
    scale=st.tuples(POSITIVE, POSITIVE),
    shift=st.tuples(ANY, ANY),
    data=st.data(),
)
def test_fractions_rescale_regrets_exactly(game, scale, shift, data):
    profile = data.draw(rational_profiles(game.shape))
    assert list(rescaled(game, scale, shift).regrets(profile)) == [
        s * r for s, r in zip(scale, game.regrets(profile), strict=True)
    ]


@given(game=bimatrix_games(max_size=4), power=st.integers(0, 20), data=st.data())
def test_powers_of_two_rescale_regrets_exactly(game, power, data):
    """Payoffs from 1e-300 to 1e300 and fractions among them: nothing is rounded that was not rounded before."""
    floats = BimatrixGame(game.A, game.B)
    profile = data.draw(rational_profiles(game.shape))
    scale = Fraction(2) ** power
    assert list(rescaled(floats, float(scale)).regrets(profile)) == [scale * r for r in floats.regrets(profile)]


def test_a_rescaled_game_keeps_its_names():
    game = BimatrixGame([[1, 2]], [[3, 4]], title="t", players=("a", "b"), columns=("l", "r"))
    for other in (rescaled(game, 2), rescaled(game, 0.5, 1.0), perturbed(game, 0.1, drawn())):
        assert (other.title, other.players, other.columns) == ("t", ("a", "b"), ("l", "r"))


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, (1.0, 0.0)])
def test_a_scale_is_positive(scale):
    with pytest.raises(ValueError, match="scale must be positive"):
        rescaled(BimatrixGame([[1]], [[1]]), scale)


@pytest.mark.parametrize("scale", [1e300, 10**300])
def test_payoffs_stay_within_float64(scale):
    with pytest.raises(InvalidGame):
        rescaled(BimatrixGame([[1e10]], [[1]]), scale)


# --- strategies for property tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_games_within_the_size(kind):
    seen = []

    @given(bimatrix_games(max_size=4, kinds=[kind]))
    def collect(game):
        assert max(game.shape) <= 4
        seen.append(game)

    collect()
    defining = {
        "ties": lambda g: set(g.A.flat) | set(g.B.flat) <= {0, 1, 2},
        "integers": lambda g: np.all(g.A % 1 == 0),
        "rationals": lambda g: g.rational_payoffs[0].denominator <= 10**12,
        "floats": lambda g: np.abs(g.A).max() <= 1e3,
        "duplicated": lambda g: set(g.A.flat) <= {0, 1, 2},
        "zero-sum": lambda g: np.all(g.A == -g.B),
        "symmetric": lambda g: np.array_equal(g.A, g.B.T),
        "identity-like": lambda g: (
            np.all((g.B > 0).sum(axis=0) == 1) and np.all(g.A[~np.eye(len(g.A), dtype=bool)] == 0)
        ),
        "units": lambda g: np.isfinite(g.A).all(),
        "shifted": lambda g: np.abs(g.A).max() <= 1e9 + 1e3,
        "near-ties": lambda g: np.abs(g.A - np.round(g.A)).max() <= 2.1e-6,
        "long-paths": lambda g: sorted(g.A.flat) == sorted(np.ravel(LONG_PATHS[len(g.A)][0])),
        "dense-supports": lambda g: np.abs(g.A + g.B).max() <= 9,
    }
    assert len({game.shape for game in seen}) > 1
    assert all(defining[kind](game) for game in seen)


@given(bimatrix_games(), st.data())
def test_drawn_profiles_are_feasible(game, data):
    exact = data.draw(rational_profiles(game.shape))
    assert isinstance(exact, RationalProfile)
    assert game.infeasibility(exact) == 0
    assert game.infeasibility(data.draw(profiles(game.shape))) < 1e-12


@pytest.mark.parametrize(("options", "message"), [({"max_size": 0}, "max_size"), ({"kinds": ["odd"]}, "kinds must be")])
def test_a_strategy_says_what_it_takes(options, message):
    with pytest.raises(ValueError, match=message):
        bimatrix_games(**options)


# --- the benchmark -------------------------------------------------------------------------------------------------


def test_the_benchmark_says_what_it_takes():
    command = [sys.executable, "-m", "benchmarks.bench_bimatrix", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--quick" in done.stdout
    assert done.stderr == ""


@pytest.fixture
def small_benchmark(monkeypatch):
    """The benchmark with a few tiny cases, and without processes of its own."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))  # the benchmark sets them for good
    monkeypatch.syspath_prepend(str(ROOT))
    bench = importlib.import_module("benchmarks.bench_bimatrix")
    monkeypatch.setenv("NUMBA_NUM_THREADS", str(numba.config.NUMBA_NUM_THREADS))  # no other once threads run
    cases, survey = bench.bimatrix_cases, importlib.import_module("benchmarks.bimatrix_survey")
    few = [
        cases._same_label(5, 1.0, full=False),
        cases._any("integer", 4, None, full=False),
        cases._exact(3, 0.0, 0.0),
    ]
    monkeypatch.setattr(bench, "start_lines", lambda report: [])
    monkeypatch.setattr(cases, "survey", lambda full: survey.Survey(2, {"quantecon": 2}, sizes=(2, 3)))
    monkeypatch.setattr(cases, "cells", lambda full: [_only(cell, problems=2, seconds=0.0) for cell in few])
    return bench


def _only(cell, **changes):
    return importlib.import_module("dataclasses").replace(cell, **changes)


def test_a_small_benchmark_measures_judges_and_writes(small_benchmark, tmp_path, capsys):
    json_path, markdown_path = tmp_path / "out.json", tmp_path / "out.md"
    assert small_benchmark.main(["--json", str(json_path), "--markdown", str(markdown_path)]) == 0
    document = json.loads(json_path.read_text())
    survey, *timed = document["lines"]
    assert survey["failures"]["certeq"]["failed"] == 0
    assert survey["failures"]["certeq"]["tried"] == 2 * 2 * len(document["survey"])
    assert survey["failures"]["quantecon"]["failed"] > 0  # it has no answer at a scale of 1e-11
    assert [line["peer"] for line in timed] == ["quantecon", "quantecon", "quantecon, capping=10", "gambit"]
    assert all(line["seconds"] > 0 and line["ratio"] > 0 for line in timed)
    assert markdown_path.read_text().count("\n| ") > len(timed)
    assert "times 1e-11" in capsys.readouterr().out
