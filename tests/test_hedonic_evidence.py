"""Answers that were once wrong though they were checked: each case here gave one, or would have."""

import copy
import pickle
import sys

import numpy as np
import pytest

from solvers.core import InvalidGame, NotSolved, Status
from solvers.hedonic import (
    AdditivelySeparableGame,
    AnonymousGame,
    BestWorstGame,
    CallableGame,
    FractionalGame,
    LabelledGame,
    Partition,
    Reputation,
    Speeds,
    StabilityGame,
    best_response,
    enumerate_stable,
    exact,
    gain_tolerance,
    random_partition,
    replay,
    solve,
)
from solvers.hedonic import _compiled as compiled
from verification import certify

NEVER = -1e10


@pytest.mark.parametrize(
    "weights",
    [
        [[0, -1, -2], [3, 0, -3], [3e8, 1e8, 0]],  # rows of other sizes
        [[0, -1e-8, -1e-8], [2.00000001, 0, 1], [0, 2.00000001, 0]],  # a difference in the ninth digit
    ],
)
def test_who_may_refuse_is_not_rounded_away(weights):
    """All rows were scaled by one factor, and a player whose weights became 0 could refuse nobody."""
    game = FractionalGame(weights)
    expected = enumerate_stable(game, "individual")
    assert expected.status is Status.SOLVED
    assert exact(game, concept="individual").status is Status.SOLVED


def test_the_highest_welfare_is_not_rounded_away():
    game = FractionalGame([[0, 3, -3], [0.99999999, 0, 1.99999999], [1.00000001, -1e-8, 0]])
    found = exact(game, concept="individual", maximize_welfare=True)
    best = max(game.welfare(partition) for partition in enumerate_stable(game, "individual").profiles)
    assert game.welfare(found.require()) == pytest.approx(best, abs=1e-7)


def test_a_place_where_nobody_would_be_hides_no_gain():
    """The tolerance was 1e-9 of the largest number in the game: an outside of -1e9 made gains of 0.9 none."""
    game = LabelledGame([[0, 0.9], [0, 0.9]], weights=[0, 0], sizes=[1, 1], outside=-1e9)
    assert np.all(gain_tolerance(game) < 1e-3)
    assert solve(game, initial=Partition([0, 0])).require() == Partition([1, 1])


def test_a_forbidden_partner_hides_no_gain():
    game = AdditivelySeparableGame([[0, 1, NEVER], [-1, 0, NEVER], [NEVER, NEVER, 0]])
    assert np.all(gain_tolerance(game) < 1e-2)
    assert solve(game).status is Status.NONE_EXISTS
    assert exact(game).status is Status.NONE_EXISTS
    assert enumerate_stable(game).status is Status.NONE_EXISTS


@pytest.mark.parametrize(
    "game",
    [
        AdditivelySeparableGame([[0, 1, NEVER], [1, 0, 1], [1, 1, 0]]),
        FractionalGame([[0, 1, NEVER], [1, 0, 1], [1, 1, 0]]),
        BestWorstGame([[0, 1, NEVER], [1, 0, 1], [1, 1, 0]], worst=True),
        AnonymousGame([[0, 1, NEVER], [0, 1, 1], [0, 1, 1]]),
        LabelledGame([[0, NEVER], [1, 0], [1, 0]], weights=[1, 1, 1], sizes=[1, 1, 1]),
        CallableGame(lambda player, slot, members: NEVER if len(members) == 3 else float(len(members)), 3),
    ],
    ids=lambda game: type(game).__name__,
)
def test_never_raises_the_tolerance_by_no_more_than_its_rounding(game):
    assert gain_tolerance(game)[0] == pytest.approx(1e-9 * 1e-4 * -NEVER, rel=1e-3)


def test_a_blocking_coalition_is_seen_by_the_certificate():
    """What the game allowed was more than what the certificate said that it allowed."""
    game = AdditivelySeparableGame([[0, 1e-3, NEVER], [1e-3, 0, NEVER], [0, 0, 0]])
    certificate = certify(StabilityGame(game, "core"), Partition([0, 1, 2]))
    assert not certificate.holds
    assert certificate.residual == pytest.approx(1e-3)


@pytest.mark.parametrize("history", [False, True])
def test_small_sizes_are_not_lost_when_a_huge_member_leaves(history):
    game = LabelledGame([[0, 1, 0], [0, 0, 0.4], [0, 0, 0.4]], weights=[0, 1, 1], sizes=[1e16, 1, 1])
    found = best_response(game, Partition([0, 0, 0]), history=history)
    assert certify(game, found.require(), tolerance=gain_tolerance(game)).holds


def test_gains_are_what_a_replay_says_though_sizes_differ_widely():
    rng = np.random.default_rng(3)
    for _ in range(20):
        sizes = np.exp(rng.uniform(-20, 27, 12))
        game = LabelledGame(rng.normal(size=(12, 3)), weights=rng.uniform(0, 3, 12), sizes=sizes)
        found = best_response(game, random_partition(game, rng), max_switches=500)
        last, gains = replay(game, found.initial, found.switches)
        assert last == found.last
        np.testing.assert_allclose(found.switches.gains, gains, rtol=0, atol=1e-9)


FLAT = [[0.6, 0.0], [0.6, 0.0]]


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: AnonymousGame([[1e308, -1e308], [0, 0]]), "values"),
        (lambda: LabelledGame(FLAT, weights=[1e200, 1], sizes=[1e200, 1]), "weights"),
        (lambda: LabelledGame(FLAT, weights=[1, 1], sizes=[1.2e308] * 2), "sizes"),
        (lambda: LabelledGame([[1.2e308, -1.2e308]], weights=[1], sizes=[1]), "base"),
        (
            lambda: LabelledGame(FLAT, weights=[1, 1], sizes=[1, 1], speeds=Speeds([0, 0], [-1e308] * 2, [1e308] * 2)),
            "speeds",
        ),
        (
            lambda: LabelledGame(
                FLAT, weights=[1, 1], sizes=[1, 1], reputation=Reputation([-1e308, 1e308], pay=1e-3, threshold=-1e308)
            ),
            "reputation",
        ),
    ],
)
def test_sums_beyond_float64_are_refused(build, named):
    with pytest.raises(InvalidGame, match=f"^{named}: sums .*must stay within float64"):
        build()


def test_sizes_too_different_for_the_exact_search_are_refused():
    rng = np.random.default_rng(0)
    sizes = np.concatenate([[1e-200, 1e200], np.ones(18)])
    game = LabelledGame(rng.normal(size=(20, 3)), weights=np.ones(20), sizes=sizes)
    with pytest.raises(InvalidGame, match="ratio of the greatest to the least size"):
        exact(game, maximize_welfare=True)


def test_a_slot_beyond_63_bits_is_not_out():
    with pytest.raises(InvalidGame, match="63 bits"):
        Partition(np.array([2**64 - 1], dtype=np.uint64))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda game: pickle.loads(pickle.dumps(game))])  # noqa: S301 - our own
def test_a_copy_is_frozen_too(copied):
    game = LabelledGame(
        FLAT,
        weights=[1, 1],
        sizes=[1, 2],
        speeds=Speeds([1, 2], [0, 0], [3, 3]),
        reputation=Reputation([1.0, 0.3], pay=1.0, threshold=0.5),
    )
    utilities = game.utilities(Partition([0, 0]))
    other = copied(game)
    assert other.utilities(Partition([0, 0])).tolist() == utilities.tolist()
    for values in (other.base, other.sizes, other.reputation.values, other.speeds.lowest, *other.arrays[:4]):
        assert not values.flags.writeable


@pytest.mark.parametrize("concept", ["nash", "individual"])
def test_a_place_where_nobody_would_be_is_within_the_program(concept):
    """The program's variables reached as far as what a player may hope for, and a head at -1e4 was outside."""
    game = LabelledGame(
        [[-1e4, 0.0], [0.0, 0.5], [0.1, 0.3], [0.2, 0.2]], weights=[1, 1, 1, 1], sizes=[1, 2, 3, 4], heads=[0, 1]
    )
    assert exact(game, concept=concept).status is enumerate_stable(game, concept).status is Status.SOLVED


def test_a_program_that_would_take_minutes_to_build_is_refused():
    game = LabelledGame(np.zeros((1000, 10)), weights=np.ones(1000), sizes=np.ones(1000))
    with pytest.raises(InvalidGame, match="players times slots"):
        exact(game, maximize_welfare=True)


def test_a_kernel_comes_back_before_a_hundred_million_looks(monkeypatch):
    """In the order of most gain every switch is chosen among all players; an interrupt has to wait for the kernel."""
    sizes = []
    drive = compiled._drive

    def watched(*arguments):
        sizes.append(len(arguments[-1]))
        return drive(*arguments)

    monkeypatch.setattr(compiled, "_drive", watched)
    game = LabelledGame(np.zeros((20_000, 1000)), weights=np.ones(20_000), sizes=np.ones(20_000))
    best_response(game, order="most-gain", max_switches=1)
    assert max(sizes) * game.players * game.slots <= compiled.LOOKS


def test_any_number_of_switches_may_be_allowed():
    assert best_response(AdditivelySeparableGame([[0, 1], [1, 0]]), max_switches=10**30).status is Status.SOLVED


def test_a_library_that_is_here_but_cannot_be_loaded_is_not_called_missing(monkeypatch):
    """OR-Tools fails to load where CVXPY has loaded the HiGHS of highspy; to install it would not help."""

    class Refusing:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "ortools.sat.python.cp_model":
                raise ImportError("undefined symbol")

    monkeypatch.delitem(sys.modules, "ortools.sat.python.cp_model")
    monkeypatch.setattr(sys, "meta_path", [Refusing, *sys.meta_path])
    with pytest.raises(NotSolved, match=r"cannot load OR-Tools in this process, .* use another process"):
        exact(AdditivelySeparableGame([[0, 1], [1, 0]]))
