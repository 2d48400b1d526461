"""The compiled engine against the generic one: the same switches, and sums that equal those made anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    best_response,
    gain_tolerance,
    random_partition,
)
from solvers.hedonic import _compiled as compiled
from solvers.hedonic import _engine as engine
from solvers.hedonic._engine import ORDERS, Rules
from solvers.hedonic._game import HedonicGame
from solvers.hedonic._permission import permitted

seeds = st.integers(0, 2**32 - 1)
LIMIT = 60


def labelled(rng, players, slots):
    """A game with any of the features that a labelled game may have."""
    pay = reputations(rng, players, slots) if rng.random() < 0.75 else None
    heads = rng.permutation(players)[:slots] if players >= slots and rng.random() < 0.5 else ()
    return LabelledGame(
        rng.normal(size=(players, slots)),
        weights=rng.uniform(-1, 3, (players, slots) if rng.random() < 0.5 else players),
        sizes=rng.uniform(0.1, 2, players),
        reputation=pay,
        speeds=speeds(rng, players) if rng.random() < 0.4 else None,
        heads=heads,
        outside=rng.normal(size=players) if rng.random() < 0.5 else None,
    )


def reputations(rng, players, slots):
    values = rng.uniform(0, 2, (players, slots) if rng.random() < 0.5 else players)
    if rng.random() < 0.4:  # ties, or many orders of magnitude
        values = np.round(2 * values) / 2 if rng.random() < 0.5 else np.exp(20 * values - 20)
    return Reputation(
        values,
        pay=3 * rng.normal(),
        threshold=0.5 if rng.random() < 0.7 else 0.0,
        shared=rng.random() < 0.6,
        peaks=np.full(slots, values.max()) if rng.random() < 0.4 else None,
    )


def speeds(rng, players):
    lowest = rng.uniform(0, 1, players)
    highest = lowest + rng.uniform(0.1, 1, players)
    return Speeds(lowest + (highest - lowest) * rng.random(players), lowest, highest)


def unlabelled(rng, players, slots):
    """A game of weights, or an anonymous one."""
    weights = rng.integers(-3, 4, (players, players)) if rng.random() < 0.5 else rng.normal(size=(players, players))
    if rng.random() < 0.5:
        weights = weights * (rng.random((players, players)) < 0.4)
    setting = {"slots": None if rng.random() < 0.6 else slots}
    if setting["slots"] and players >= slots and rng.random() < 0.5:
        setting["heads"] = rng.permutation(players)[:slots]
    kind = rng.integers(5)
    if kind == 0:
        return AnonymousGame(weights, **setting)
    weights = weights * (1 - np.eye(players))
    if kind < 3:
        return BestWorstGame(weights, worst=bool(kind == 1), **setting)
    return (FractionalGame if kind == 3 else AdditivelySeparableGame)(weights, **setting)


def drawn_rules(rng, game, *, plain):
    return Rules(
        best=bool(rng.random() < 0.5),
        order=str(rng.choice(ORDERS)),
        permission="nash",
        history=not plain and bool(rng.random() < 0.4),
        welfare=not plain and bool(rng.random() < 0.4),
        random_ties=not plain and bool(rng.random() < 0.3),
        tolerances=gain_tolerance(game),
    )


def assert_same_path(game, start, rules, seed, limit=LIMIT):
    expected = engine.follow(game, start, rules, limit, seed)
    found = compiled.follow(game, start, rules, limit, seed)
    assert (found.ended, found.cycle_length) == (expected.ended, expected.cycle_length)
    for name in ("players", "sources", "targets", "slots"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    np.testing.assert_allclose(found.gains, expected.gains, rtol=0, atol=1e-12 * np.max(game.magnitudes()))


@given(seed=seeds)
def test_labelled_games_follow_the_same_path(seed):
    rng = np.random.default_rng(seed)
    game = labelled(rng, int(rng.integers(1, 15)), int(rng.integers(1, 5)))
    assert_same_path(game, random_partition(game, rng), drawn_rules(rng, game, plain=False), seed)


@given(seed=seeds)
def test_other_games_follow_the_same_path(seed):
    rng = np.random.default_rng(seed)
    game = unlabelled(rng, int(rng.integers(1, 10)), int(rng.integers(1, 5)))
    assert_same_path(game, random_partition(game, rng), drawn_rules(rng, game, plain=True), seed)


def test_a_path_longer_than_the_log_goes_on(monkeypatch):
    rng = np.random.default_rng(3)
    game = AdditivelySeparableGame(rng.normal(size=(12, 12)) * (1 - np.eye(12)))
    rules = Rules(True, "random", "nash", False, False, False, gain_tolerance(game))
    whole = compiled.follow(game, game.starting_partition(), rules, 50, 7)
    monkeypatch.setattr(compiled, "CHUNK", 3)
    parts = compiled.follow(game, game.starting_partition(), rules, 50, 7)
    assert len(whole.gains) == 50
    assert (parts.players.tolist(), parts.targets.tolist()) == (whole.players.tolist(), whole.targets.tolist())


def test_what_players_remember_outgrows_its_table():
    game = paid_game(60, 4)
    rules = Rules(False, "random", "nash", True, False, False, gain_tolerance(game))
    start = random_partition(game, np.random.default_rng(8))
    assert_same_path(game, start, rules, 9, limit=1000)
    path = compiled.follow(game, start, rules, 1000, 9)
    assert game.players + len(path.gains) > 256 / 2  # what the first table of 256 words takes


@given(seed=seeds)
def test_values_from_scratch_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    game = labelled(rng, int(rng.integers(1, 9)), int(rng.integers(1, 5)))
    partition, allowed = random_partition(game, rng), 1e-12 * np.max(game.magnitudes())
    np.testing.assert_allclose(game.utilities(partition), HedonicGame.utilities(game, partition), rtol=0, atol=allowed)
    for player in range(game.players):
        expected = HedonicGame.values(game, partition, player)
        np.testing.assert_allclose(game.values(partition, player), expected, rtol=0, atol=allowed)
    (best, places), (expected, expected_places) = game.best_moves(partition), HedonicGame.best_moves(game, partition)
    np.testing.assert_allclose(best, expected, rtol=0, atol=allowed)
    assert places.tolist() == expected_places.tolist()


@given(seed=seeds, joined=st.booleans(), left=st.booleans())
def test_permitted_moves_of_labelled_games_are_those_of_the_definition(seed, joined, left):
    rng = np.random.default_rng(seed)
    game = labelled(rng, int(rng.integers(1, 9)), int(rng.integers(1, 5)))
    partition, tolerances = random_partition(game, rng), gain_tolerance(game)
    gains, places = game.permitted_moves(partition, tolerances, joined=joined, left=left)
    permission = {(0, 0): "nash", (1, 0): "individual", (0, 1): "contractual-nash", (1, 1): "contractual"}[joined, left]
    for player in range(game.players):
        values, here = HedonicGame.values(game, partition, player), int(partition.slots[player])
        allowed = [
            values[j] - values[here]
            for j in game.targets(partition, player)
            if j != here and permitted(game, partition, player, j, permission, tolerances)
        ]
        assert gains[player] == pytest.approx(max([0.0, *allowed]), abs=1e-11 * np.max(game.magnitudes()))
        assert values[places[player]] - values[here] == pytest.approx(
            gains[player], abs=1e-11 * game.magnitudes().max()
        )


def sums_after_switches(game, monkeypatch, switches):
    """The sums that were kept along a path, and those made anew at its end."""
    kept = []
    arguments = compiled._arguments

    def watched(game, slots):
        made = arguments(game, slots)
        kept.append(made[0][11:17])  # what follows the slots in the state: sums to table
        return made

    monkeypatch.setattr(compiled, "_arguments", watched)
    rules = Rules(True, "random", "nash", False, False, False, gain_tolerance(game, 0.0))
    path = compiled.follow(game, random_partition(game, np.random.default_rng(1)), rules, switches, 5)
    return kept[0], compiled.fresh(game.arrays, path.slots)[1:], path


def integer_game(players, slots):
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 100, players)
    base = rng.integers(-2, 3, (players, slots))
    return LabelledGame(base, weights=rng.integers(50, 90, players), sizes=sizes)


def paid_game(players, slots):
    rng = np.random.default_rng(4)
    pay = Reputation(rng.uniform(0, 2, players), pay=5.0, threshold=0.5)
    base = rng.normal(size=(players, slots))
    limits = speeds(rng, players)
    return LabelledGame(base, weights=np.ones(players), sizes=rng.uniform(1, 2, players), reputation=pay, speeds=limits)


def test_sums_of_whole_numbers_are_kept_exactly(monkeypatch):
    kept, fresh, path = sums_after_switches(integer_game(300, 6), monkeypatch, 3000)
    assert len(path.gains) > 100
    assert kept[0].tolist() == fresh[0].tolist()


def test_other_sums_are_kept_to_rounding(monkeypatch):
    kept, fresh, path = sums_after_switches(paid_game(300, 6), monkeypatch, 4000)
    assert 400 < len(path.gains) < compiled.CHUNK  # nothing was made anew on the way
    np.testing.assert_allclose(kept[0], fresh[0], rtol=0, atol=1e-12 * 300)  # sums over up to 300 members
    climbs = [np.log(products) + scalings * compiled.LOG_FAR for products, scalings in (kept[5], fresh[5])]
    np.testing.assert_allclose(climbs[0], climbs[1], rtol=0, atol=1e-12 * 300)
    assert kept[0][compiled.COUNT].tolist() == fresh[0][compiled.COUNT].tolist()
    assert kept[0][[compiled.TOP, compiled.LOW, compiled.HIGH]].tolist() == (
        fresh[0][[compiled.TOP, compiled.LOW, compiled.HIGH]].tolist()
    )


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0])
def test_the_climb_under_another_peak_is_the_sum_over_the_members(spread):
    rng = np.random.default_rng(2)
    values = np.exp(spread * rng.normal(size=400))
    game = LabelledGame(
        np.zeros((400, 1)),
        weights=np.ones(400),
        sizes=np.ones(400),
        reputation=Reputation(values, pay=1.0, threshold=0),
    )
    members = np.sort(np.argsort(values)[:200])
    slots = np.full(400, -1)
    slots[members] = 0
    state = compiled.fresh(game.arrays, slots)
    for newcomer in np.sort(values)[200::10]:
        found = compiled._climb(state.table, state.points, 0, newcomer)
        expected = np.log1p((np.e - 1) * values[members] / newcomer).sum()
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_newcomer_above_the_peak_is_bounded_before_it_is_measured():
    """A thousand players look at a slot whose peak they would raise; Jensen's bound may exclude it."""
    rng = np.random.default_rng(6)
    values = np.where(np.arange(2000) < 1000, rng.uniform(0.6, 0.61, 2000), rng.uniform(1.0, 2.0, 2000))
    base = np.where(rng.random((2000, 2)) < 0.5, 0.0, 0.1)
    game = LabelledGame(
        base, weights=np.zeros(2000), sizes=np.ones(2000), reputation=Reputation(values, pay=1.0, threshold=0.5)
    )
    partition = Partition((np.arange(2000) >= 1000).astype(int))
    best, places = game.best_moves(partition)
    for player in range(0, 2000, 97):
        expected = HedonicGame.values(game, partition, player)
        assert best[player] == pytest.approx(expected.max(), abs=1e-12)
        assert places[player] == np.argmax(expected)


def test_callables_and_other_rules_go_to_the_generic_engine():
    def utility(player, slot, members):
        return float(len(members))

    plain = Rules(True, "fixed", "nash", False, False, False, np.zeros(3))
    asking = Rules(True, "fixed", "individual", False, False, False, np.zeros(3))
    remembering = Rules(True, "fixed", "nash", True, False, False, np.zeros(3))
    game = AdditivelySeparableGame(np.ones((3, 3)) - np.eye(3))
    assert compiled.knows(game, plain)
    assert not compiled.knows(game, asking)
    assert not compiled.knows(game, remembering)
    assert not compiled.knows(CallableGame(utility, 3), plain)
    assert best_response(CallableGame(utility, 3)).require().canonical.coalitions == ((0, 1, 2),)
