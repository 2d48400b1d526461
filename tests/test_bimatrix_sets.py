"""Solvers that list equilibria, and linear programmes: certificates first, then counts, then an independent oracle."""

from __future__ import annotations

import itertools
from fractions import Fraction

import bimatrix_cases as cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.bimatrix import _correlated, _extreme, _support_filter, _supports, _vertices, _zero_sum
from solvers.bimatrix._correlated import CorrelatedGame, correlated_equilibrium
from solvers.bimatrix._extreme import EquilibriumComponents, extreme_equilibria
from solvers.bimatrix._game import BimatrixGame, Profile, RationalProfile, support
from solvers.bimatrix._supports import pure_equilibria, support_enumeration
from solvers.bimatrix._zero_sum import zero_sum
from solvers.core import InvalidGame, Solution, Status
from verification.certificates import certify

SCALES = (1e-11, 1e-3, 1.0, 1e15)
SHIFTS = (0.0, -7.0, 1e9)


def assert_certified(game, solution):
    """Rational profiles to exactly 0, floats to 1e-9 of each player's range."""
    for profile in solution.profiles:
        exact = isinstance(profile, RationalProfile)
        certificate = certify(game, profile, tolerance=0.0 if exact else 1e-9 * game.magnitudes())
        assert certificate.holds, certificate


def integer_matrices(m, n, most):
    return st.lists(st.lists(st.integers(0, most), min_size=n, max_size=n), min_size=m, max_size=m)


@st.composite
def small_games(draw, largest=4):
    """Few different payoffs, so that most games are degenerate, or many, so that few are."""
    m, n, most = draw(st.integers(1, largest)), draw(st.integers(1, largest)), draw(st.sampled_from([1, 2, 9, 1000]))
    return BimatrixGame(draw(integer_matrices(m, n, most)), draw(integer_matrices(m, n, most)))


@st.composite
def noisy_games(draw):
    """Integer payoffs with noise that is far below or near what floats can tell apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    noise = 10.0 ** draw(st.integers(-16, -3))
    return BimatrixGame(*(rng.integers(0, 3, (m, n)) + noise * rng.normal(size=(m, n)) for _ in range(2)))


def gambit_profiles(game):
    """Extreme equilibria as Gambit enumerates them in rationals, each once."""
    gambit = pytest.importorskip("pygambit")
    payoffs = [np.array([[gambit.Rational(str(v)) for v in row] for row in M.rows()]) for M in game.rational_payoffs]
    found = gambit.nash.enummixed_solve(gambit.StrategicGame.from_arrays(*payoffs), rational=True).equilibria
    return {tuple(tuple(Fraction(str(p)) for _, p in profile[player]) for player in "12") for profile in found}


def support_pairs(found: EquilibriumComponents):
    """Every pair of supports that an equilibrium has: unions of the supports in one maximal subset."""
    return {
        pair
        for component in found.components
        for rows, columns in component.subsets
        for pair in itertools.product(unions(rows), unions(columns))
    }


def unions(strategies):
    every: set[frozenset[int]] = set()
    for strategy in strategies:
        used = frozenset(i for i, p in enumerate(strategy) if p)
        every |= {used} | {used | other for other in every}
    return every


def supports(solution: Solution[Profile]):
    return [tuple(map(frozenset, support(profile))) for profile in solution.profiles]


class TestPure:
    def test_complete_where_dominance_solves_the_game(self):
        assert pure_equilibria(cases.PRISONERS_DILEMMA.game).complete
        assert not pure_equilibria(cases.VON_STENGEL.game).complete

    def test_compares_rationals_where_floats_are_equal(self):
        tiny = Fraction(1, 10**30)
        game = BimatrixGame([[1 + tiny], [Fraction(1)]], [[0], [0]])
        assert [profile.row.tolist() for profile in pure_equilibria(game).profiles] == [[1.0, 0.0]]

    def test_none_in_matching_pennies(self):
        found = pure_equilibria(cases.MATCHING_PENNIES.game)
        assert (found.status, found.profiles, found.complete) == (Status.NONE_EXISTS, (), False)


class TestSupports:
    @pytest.mark.parametrize("case", [*cases.SMALL, cases.MANY, cases.LONG_PATH], ids=str)
    def test_pinned_games(self, case):
        exact = extreme_equilibria(case.game)
        some, every = support_enumeration(case.game), support_enumeration(case.game, equal_size=False)
        assert_certified(case.game, some)
        assert_certified(case.game, every)
        assert set(supports(every)) == support_pairs(exact)
        if case in cases.NONDEGENERATE:
            assert some.complete
            assert every.complete
            assert len(some.profiles) == case.count

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("shift", SHIFTS)
    def test_any_unit(self, scale, shift):
        rng = np.random.default_rng(7)
        for _ in range(5):
            A, B = rng.random((5, 4)), rng.random((5, 4))
            game = BimatrixGame(A * scale + shift * scale, B * scale - shift * scale)
            found = support_enumeration(game)
            assert found.complete
            assert_certified(game, found)
            assert len(found.profiles) == len(extreme_equilibria(game).profiles)

    def test_limit(self):
        found = support_enumeration(cases.IDENTITY.game, max_supports=3)
        assert (found.status, found.complete, len(found.profiles)) == (Status.LIMIT, False, 3)
        assert found.stats["supports"] == 3
        assert support_enumeration(cases.IDENTITY.game, max_supports=13).status is Status.SOLVED

    def test_a_limit_holds_where_every_pair_is_dominated(self):
        columns = np.tile(np.arange(30.0), (30, 1))
        game = BimatrixGame(columns.T, columns)
        found = support_enumeration(game, max_supports=1000)
        assert (found.status, len(found.profiles)) == (Status.LIMIT, 1)

    def test_none_of_equal_size_in_a_degenerate_game(self):
        assert support_enumeration(cases.JAMMING_TIED.game).status is Status.NONE_EXISTS

    def test_rejects_no_supports(self):
        with pytest.raises(ValueError, match="max_supports must be at least 1, got 0"):
            support_enumeration(cases.IDENTITY.game, max_supports=0)

    def test_an_unchecked_profile_is_not_returned(self, monkeypatch):
        monkeypatch.setattr(_supports, "_spread", lambda probabilities, played, size: np.full(size, 1 / size))
        found = support_enumeration(cases.VON_STENGEL.game)
        assert (found.status, found.complete) == (Status.FAILED, False)
        assert_certified(cases.VON_STENGEL.game, found)

    @given(game=noisy_games())
    def test_floats_rule_out_nothing_that_is_an_equilibrium(self, game):
        A, B = game.rational_payoffs
        unit = _support_filter.unit_payoffs(A), np.ascontiguousarray(_support_filter.unit_payoffs(B).T)
        for rows, columns in support_pairs(extreme_equilibria(game)):
            pairs, _, finished = _support_filter.surviving_pairs(*unit, len(rows), len(columns), 10**4)
            assert finished
            assert [*sorted(rows), *sorted(columns)] in pairs.tolist()


class TestExtreme:
    @pytest.mark.parametrize("case", cases.ALL, ids=str)
    def test_pinned_games(self, case):
        found = extreme_equilibria(case.game)
        assert_certified(case.game, found)
        assert len(found.profiles) == len(set(found.profiles)) == case.count
        assert case.equilibria is None or set(found.profiles) == set(case.equilibria)
        assert found.complete

    @given(game=small_games())
    def test_agrees_with_gambit(self, game):
        assert {tuple(profile) for profile in extreme_equilibria(game).profiles} == gambit_profiles(game)

    @pytest.mark.parametrize("size", [5, 6])
    def test_agrees_with_gambit_on_larger_games(self, size):
        rng = np.random.default_rng(size)
        for most in (3, 50):
            game = BimatrixGame(rng.integers(0, most, (size, size)), rng.integers(0, most, (size, size)))
            assert {tuple(profile) for profile in extreme_equilibria(game).profiles} == gambit_profiles(game)

    @given(game=st.one_of(small_games(), noisy_games()))
    def test_subsets_are_exchangeable_and_maximal(self, game):
        found = extreme_equilibria(game)
        assert_certified(game, found)
        pairs = {tuple(profile) for profile in found.profiles}
        subsets = [subset for component in found.components for subset in component.subsets]
        products = [set(itertools.product(*subset)) for subset in subsets]
        assert set().union(*products) == pairs
        for rows, columns in subsets:
            mean = RationalProfile(average(rows), average(columns))
            assert certify(game, mean).holds
            for x, y in pairs:
                assert x in rows or not all((x, other) in pairs for other in columns)
                assert y in columns or not all((other, y) in pairs for other in rows)

    @given(game=small_games())
    def test_components_do_not_touch(self, game):
        found = extreme_equilibria(game)
        for one, other in itertools.combinations(found.components, 2):
            rows, columns = ({s for subset in one.subsets for s in subset[k]} for k in (0, 1))
            assert not any(rows & set(subset[0]) or columns & set(subset[1]) for subset in other.subsets)
        for component in found.components:
            assert len(component.subsets) == len(set(component.subsets)) > 0
            assert connected(component.subsets)

    def test_transposed(self):
        for case in cases.SMALL:
            want = {(p.column, p.row) for p in extreme_equilibria(case.game).profiles}
            assert {tuple(p) for p in extreme_equilibria(case.game.transposed).profiles} == want

    def test_the_degenerate_component(self):
        found = extreme_equilibria(cases.VON_STENGEL_DEGENERATE.game)
        line, point = found.components
        ((rows, columns),) = line.subsets
        assert rows == (cases.strategy("1 0 0"),)
        assert columns == (cases.strategy("1 0"), cases.strategy("2/3 1/3"))
        assert point.isolated
        assert not line.isolated

    def test_an_odd_number_in_a_nondegenerate_game(self):
        rng = np.random.default_rng(11)
        for _ in range(30):
            game = BimatrixGame(rng.random((5, 6)), rng.random((5, 6)))
            assert len(extreme_equilibria(game).profiles) % 2 == 1

    def test_more_labels_than_a_word_holds(self):
        rng = np.random.default_rng(12)
        game = BimatrixGame(rng.integers(0, 1000, (2, 100)), rng.integers(0, 1000, (2, 100)))
        found = extreme_equilibria(game)
        assert_certified(game, found)
        supports_found = support_enumeration(game)
        assert supports_found.complete
        assert len(supports_found.profiles) == len(found.profiles) > 0

    def test_rational_payoffs_are_kept(self):
        tiny = Fraction(1, 3) + Fraction(1, 10**25)
        game = BimatrixGame([[Fraction(1, 3), 0], [0, tiny]], [[1, 0], [0, 1]])
        mixed = extreme_equilibria(game).profiles[1]
        assert mixed.column[0] == tiny / (tiny + Fraction(1, 3))

    def test_limit(self):
        found = extreme_equilibria(cases.MANY.game, max_vertices=50)
        assert (found.status, found.complete, found.profiles) == (Status.LIMIT, False, ())
        with pytest.raises(ValueError, match="max_vertices must be at least 1, got 0"):
            extreme_equilibria(cases.MANY.game, max_vertices=0)

    def test_limit_on_matches_and_subsets(self):
        """Columns other than 0 against mixtures of rows but 0, and so on: sets of them outnumber pairs by far."""
        game = BimatrixGame(np.zeros((6, 6)), 1.0 - np.eye(6))
        whole = extreme_equilibria(game)
        assert (len(whole.profiles), whole.stats["subsets"]) == (36, 63)
        for limit in (20, 50):
            found = extreme_equilibria(game, max_vertices=limit)
            assert (found.status, found.complete, found.components) == (Status.LIMIT, False, ())
            assert len(found.profiles) == min(limit, 36)
            assert_certified(game, found)


def average(strategies):
    return tuple(sum(column, Fraction(0)) / len(strategies) for column in zip(*strategies, strict=True))


def connected(subsets):
    """Whether the subsets hang together by common strategies of one player."""
    reached, waiting = [subsets[0]], list(subsets[1:])
    for _ in subsets:
        touching = [s for s in waiting if any(set(s[0]) & set(r[0]) or set(s[1]) & set(r[1]) for r in reached)]
        reached += touching
        waiting = [s for s in waiting if s not in touching]
    return not waiting


class TestVertices:
    @given(replies=st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(lambda size: integer_matrices(*size, 3)))
    def test_every_vertex_has_enough_labels_and_is_found_once(self, replies):
        found = _vertices.vertices(replies)
        size = len(replies[0])
        strategies = [found.strategy(k) for k in range(len(found.weights))]
        assert len(set(strategies)) == len(strategies)
        for strategy, labels in zip(strategies, found.label_sets(), strict=True):
            earned = [sum(p * v for p, v in zip(strategy, row, strict=True)) for row in replies]
            tight = [s for s in range(size) if strategy[s] == 0]
            tight += [size + k for k, value in enumerate(earned) if value == max(earned)]
            assert labels == sum(1 << label for label in tight)
            assert labels.bit_count() >= size

    @given(replies=integer_matrices(3, 3, 4), tied=st.sets(st.integers(0, 2), min_size=1))
    def test_ties_cut_out_a_face(self, replies, tied):
        whole, face = _vertices.vertices(replies), _vertices.vertices(replies, tied=sorted(tied))
        want = sum(1 << (3 + k) for k in tied)
        assert {face.strategy(k) for k in range(len(face.weights))} == {
            whole.strategy(k) for k, labels in enumerate(whole.label_sets()) if labels & want == want
        }


class TestZeroSum:
    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("shift", SHIFTS)
    def test_any_unit(self, scale, shift):
        A = np.random.default_rng(3).random((12, 9)) * scale + shift * scale
        game = BimatrixGame(A, 2 * scale - A)
        found = zero_sum(game)
        assert found.status is Status.SOLVED
        assert_certified(game, found)

    @pytest.mark.parametrize("A", [[[5]], [[1, 2, 3]], [[1], [2]], [[4, 4], [4, 4]]])
    def test_small_and_flat(self, A):
        game = BimatrixGame(A, -np.array(A))
        found = zero_sum(game)
        assert found.status is Status.SOLVED
        assert_certified(game, found)

    def test_rejects_other_games(self):
        with pytest.raises(InvalidGame, match=r"A \+ B must be the same in every cell, .* it varies by 4$"):
            zero_sum(cases.PRISONERS_DILEMMA.game)
        with pytest.raises(InvalidGame, match=r"varies by 1.00e-9$"):
            zero_sum(BimatrixGame([[0, 1], [1, 0]], [[1e-9, -1], [-1, 0]]))
        with pytest.raises(InvalidGame, match=r"6.80e\+308"):
            zero_sum(BimatrixGame([[1.7e308, -1.7e308]], [[1.7e308, -1.7e308]]))

    def test_what_rounding_explains(self):
        A = np.random.default_rng(4).random((6, 6)) * 0.1
        game = BimatrixGame(A, 0.7 - A)
        found = zero_sum(game)
        assert 0 < found.stats["spread"] < 1e-15
        assert_certified(game, found)

    def test_an_inaccurate_programme_is_made_exact(self, monkeypatch):
        game = BimatrixGame([[3, 0], [1, 2]], [[-3, 0], [-1, -2]])
        rough = Profile(np.array([0.2501, 0.7499]), np.array([0.5001, 0.4999]))
        monkeypatch.setattr(_zero_sum, "_optimal", lambda payoffs: rough)
        found = zero_sum(game)
        assert found.method.endswith("exact supports")
        assert_certified(game, found)
        assert found.require().row.tolist() == [0.25, 0.75]

    @pytest.mark.parametrize("claim", [None, Profile(np.array([1.0, 0.0]), np.array([1.0, 0.0]))])
    def test_a_wrong_programme_is_a_failure(self, monkeypatch, claim):
        monkeypatch.setattr(_zero_sum, "_optimal", lambda payoffs: claim)
        found = zero_sum(BimatrixGame([[3, 0], [1, 2]], [[-3, 0], [-1, -2]]))
        assert (found.status, found.profiles) == (Status.FAILED, ())


class TestCorrelated:
    CHICKEN = BimatrixGame([[0, 7], [2, 6]], [[0, 2], [7, 6]])
    """Aumann (1974) and Wikipedia's numbers: the best sum is 10.5, out of reach of any Nash equilibrium."""

    def test_chicken(self):
        found = correlated_equilibrium(self.CHICKEN)
        assert found.require() == pytest.approx(np.array([[0, 0.25], [0.25, 0.5]]), abs=1e-9)
        assert found.stats["objective"] == pytest.approx(10.5)
        assert not found.complete

    def test_rationals_that_float64_cannot_tell_apart(self):
        shifted = [[[10**20 + int(value) for value in row] for row in M] for M in (self.CHICKEN.A, self.CHICKEN.B)]
        target = CorrelatedGame(BimatrixGame(*shifted))
        assert target.regrets(np.full((2, 2), 0.25)).tolist() == [0.25, 0.25]
        assert certify(target, correlated_equilibrium(target.game).require()).holds

    def test_any_objective(self):
        worst = correlated_equilibrium(self.CHICKEN, objective=-(self.CHICKEN.A + self.CHICKEN.B))
        assert certify(CorrelatedGame(self.CHICKEN), worst.require()).holds
        assert worst.stats["objective"] > -9.4

    def test_a_nash_equilibrium_is_a_correlated_one(self):
        for case in cases.SMALL:
            for profile in case.equilibria or ():
                p = np.outer(np.array(profile.row, dtype=float), np.array(profile.column, dtype=float))
                assert certify(CorrelatedGame(case.game), p).holds

    @given(game=small_games(3), data=st.data())
    def test_regrets_are_those_of_the_best_deviation_map(self, game, data):
        weights = np.array(data.draw(integer_matrices(*game.shape, 5)), dtype=float) + 1e-3
        p = weights / weights.sum()
        m, n = game.shape
        gains = [
            max(np.sum(p * (payoffs[list(done)] - payoffs)) for done in itertools.product(range(size), repeat=size))
            for payoffs, size, p in ((game.A, m, p), (game.B.T, n, p.T))
        ]
        assert CorrelatedGame(game).regrets(p) == pytest.approx(gains, abs=1e-9)

    def test_a_wrong_distribution_is_caught(self):
        target = CorrelatedGame(self.CHICKEN)
        assert not certify(target, np.full((2, 2), 0.25)).holds
        assert not certify(target, np.array([[0, 0.5], [0.6, 0]])).holds
        assert not certify(target, np.array([[-0.5, 0.5], [0.5, 0.5]])).holds
        assert not certify(target, np.full((2, 2), np.nan)).holds

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("shift", SHIFTS)
    def test_any_unit(self, scale, shift):
        rng = np.random.default_rng(5)
        game = BimatrixGame(rng.random((6, 5)) * scale + shift * scale, rng.random((6, 5)) / scale - shift / scale)
        found = correlated_equilibrium(game, objective=rng.normal(size=(6, 5)))
        assert certify(CorrelatedGame(game), found.require(), tolerance=1e-9 * game.magnitudes()).holds

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
    def test_one_strategy(self, shape):
        A = np.arange(4.0)[: shape[0] * shape[1]].reshape(shape)
        game = BimatrixGame(A, A)
        p = correlated_equilibrium(game).require()
        assert p[np.unravel_index(A.argmax(), shape)] == 1.0

    def test_payoffs(self):
        assert CorrelatedGame(self.CHICKEN).payoffs([[0, 0.5], [0.5, 0]]).tolist() == [4.5, 4.5]

    @pytest.mark.parametrize(
        ("objective", "message"),
        [
            ([1, 2], r"objective must be \(2, 2\), got shape \(2,\)"),
            ([[1, 2], [3, np.nan]], "objective must be finite, got nan"),
            ([["a", 2], [3, 4]], "real numbers"),
        ],
    )
    def test_rejects_a_wrong_objective(self, objective, message):
        with pytest.raises(InvalidGame, match=message):
            correlated_equilibrium(self.CHICKEN, objective=objective)

    def test_rejects_a_wrong_shape(self):
        with pytest.raises(ValueError, match=r"profile must be \(2, 2\), got shape \(3,\)"):
            CorrelatedGame(self.CHICKEN).regrets([0.5, 0.5, 0])

    @pytest.mark.parametrize("claim", [None, np.full((2, 2), 0.25)])
    def test_a_wrong_programme_is_a_failure(self, monkeypatch, claim):
        monkeypatch.setattr(_correlated, "_best", lambda rows, goal, method: claim)
        found = correlated_equilibrium(self.CHICKEN)
        assert (found.status, found.profiles) == (Status.FAILED, ())


def test_a_match_that_is_no_equilibrium_is_not_returned(monkeypatch):
    """Every vertex pair taken for a match: those that are none fail the check on the payoffs."""
    everything = np.array([[x, y] for x in range(3) for y in range(3)], dtype=np.int64)
    monkeypatch.setattr(_extreme, "complementary", lambda *_, **__: everything)
    found = extreme_equilibria(cases.MATCHING_PENNIES.game)
    assert found.status is Status.FAILED
    assert not found.complete
    assert found.profiles == cases.MATCHING_PENNIES.equilibria
