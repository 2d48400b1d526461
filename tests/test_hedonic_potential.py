"""Potentials: they rise by every improving switch, and none is claimed of a game whose improving switches cycle."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame
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
    friends_and_enemies,
    gain_tolerance,
    potential,
)
from solvers.hedonic._partition import OUT
from verification.hedonic_games import chase_and_flee, learners, stalker, unequal_data_cycle
from verification.hedonic_strategies import hedonic_games

few = settings(max_examples=max(10, settings().max_examples // 8))  # every partition of a game is looked at
CYCLE_OF_SIX = [(0, 0), (0, 1), (2, 1), (2, 2), (1, 2), (1, 0), (0, 0)]


def all_partitions(game):
    """Every feasible partition, all labellings of it too."""
    places = range(OUT if game.has_out else 0, game.capacity)
    for slots in itertools.product(places, repeat=game.players):
        if all(slots[head] == j for j, head in enumerate(game.heads)):
            yield Partition(slots)


def improving(game, partition):
    """Every switch by which a player gains, as (player, partition after it, gain)."""
    allowed = gain_tolerance(game)
    for i in np.flatnonzero(game.movable).tolist():
        values, own = game.values(partition, i), partition.slots[i]
        for place in game.targets(partition, i):
            if values[place] - values[own] > allowed[i]:
                yield i, partition.moved(i, place), values[place] - values[own]


def rises(game):
    """Asserts that the potential rises by every improving switch there is, and as its kind says."""
    found = potential(game)
    known = {p: found.value(p) for p in all_partitions(game)}
    ratios = {}
    for partition, value in known.items():
        for i, after, gain in improving(game, partition):
            rise = known[after] - value
            assert rise > 0, (partition, after, gain, found)
            if gain > 1e-4 * game.magnitudes()[i]:
                ratios.setdefault(i, []).append(rise / gain)
    for ratio in ratios.values():
        if found.kind == "weighted":
            assert max(ratio) == pytest.approx(min(ratio), rel=1e-6)
        elif found.kind == "exact":
            assert (min(ratio), max(ratio)) == (pytest.approx(1, rel=1e-6), pytest.approx(1, rel=1e-6))
    return found


def improving_switches_can_cycle(game):
    """Whether the graph of improving switches has a cycle: what is left after peeling off ends again and again."""
    after = {p: {q for _, q, _ in improving(game, p)} for p in all_partitions(game)}
    while ends := {p for p, found in after.items() if not found}:
        after = {p: found - ends for p, found in after.items() if p not in ends}
    return bool(after)


# --- games drawn without regard to potentials ------------------------------------------------------------------------


@few
@given(hedonic_games(max_players=4))
def test_a_potential_rises_by_every_improving_switch(game):
    if potential(game):
        rises(game)


@few
@given(hedonic_games(max_players=4))
def test_no_potential_is_claimed_where_improving_switches_cycle(game):
    assert not (improving_switches_can_cycle(game) and potential(game))


@few
@given(hedonic_games(max_players=4, kinds=["symmetric"]))
def test_symmetric_weights_have_an_exact_potential(game):
    assert rises(game).kind == "exact"


# --- games drawn to have one -----------------------------------------------------------------------------------------

sevenths = st.integers(-14, 14).map(lambda k: k / 7)


def arrays(entries, *shape):
    size = int(np.prod(shape))
    return st.lists(entries, min_size=size, max_size=size).map(lambda values: np.reshape(values, shape))


@st.composite
def places(draw, n, slots):
    """Heads and an outside, or not."""
    heads = draw(st.permutations(range(n)))[:slots] if draw(st.booleans()) and slots <= n else ()
    return {"heads": heads, "outside": draw(st.none() | arrays(sevenths, n))}


@st.composite
def steady_pay(draw, n, slots):
    """Pay for reputation that does not depend on who else is there: none, or for a player's own, the peak given."""
    values = draw(arrays(st.integers(0, 8), n, slots)) / 4
    pay = draw(st.sampled_from([0.0, 3.0, -3.0]))
    own = {"shared": pay == 0, "peaks": None if pay == 0 else values.max(axis=0) + draw(st.integers(0, 1))}
    return draw(st.none() | st.just(Reputation(values, pay=pay, threshold=0.5, floor=0.5, **own)))


@st.composite
def two_slots(draw):
    n, sign = draw(st.integers(1, 5)), draw(st.sampled_from([1, -1]))
    options = {**draw(places(n, 2)), "outside": None}
    return LabelledGame(
        draw(arrays(sevenths, n, 2)),
        weights=sign * draw(arrays(st.integers(0, 40), n, 2)) / 7,
        sizes=draw(arrays(st.integers(1, 30), n)) / 7,
        reputation=draw(steady_pay(n, 2)),
        **options,
    )


@few
@given(two_slots())
def test_two_slots_have_an_ordinal_potential(game):
    assert rises(game)


@st.composite
def slot_or_outside(draw):
    n, sign = draw(st.integers(1, 5)), draw(st.sampled_from([1, -1]))
    return LabelledGame(
        draw(arrays(sevenths, n, 1)),
        weights=sign * draw(arrays(st.integers(0, 40), n)) / 7,
        sizes=draw(arrays(st.integers(1, 30), n)) / 7,
        heads=draw(st.sampled_from([(), (0,)])),
        outside=draw(arrays(sevenths, n)),
    )


@few
@given(slot_or_outside())
def test_one_slot_and_the_outside_are_two_places(game):
    assert rises(game)


@st.composite
def one_size(draw):
    n, slots = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    options = draw(places(n, slots))
    sizes = np.full(n, draw(st.integers(1, 9)) / 7)
    sizes[list(options["heads"])] *= draw(arrays(st.integers(1, 5), len(options["heads"])))
    factors, prizes = draw(arrays(st.integers(0, 10), n)) / 10, draw(arrays(sevenths, slots)) * 5
    return LabelledGame(
        draw(arrays(sevenths, n, slots)),
        weights=np.outer(factors, prizes),
        sizes=sizes,
        reputation=draw(steady_pay(n, slots)),
        **options,
    )


@few
@given(one_size())
def test_movers_of_one_size_have_a_potential_in_any_number_of_slots(game):
    found = rises(game)
    if np.all(game.weights[game.movable].any(axis=1)):
        assert found.kind in {"exact", "weighted"}


def test_who_has_no_share_gains_little_where_others_prizes_change_much():
    game = LabelledGame([[0, 0.1], [0, 0]], weights=[[0.0, 0.0], [10.0, 1.0]], sizes=[1.0, 1.0])
    assert rises(game).kind == "ordinal"
    assert "one size" in potential(game).theorem


@st.composite
def shares_alone(draw):
    n, slots, sign = draw(st.integers(1, 5)), draw(st.integers(2, 3)), draw(st.sampled_from([1, -1]))
    factors, prizes = draw(arrays(st.integers(1, 10), n)) / 10, sign * draw(arrays(st.integers(1, 40), slots)) / 7
    return LabelledGame(
        np.repeat(draw(arrays(sevenths, n, 1)), slots, axis=1),
        weights=np.outer(factors, prizes),
        sizes=draw(arrays(st.integers(1, 30), n)) / 7,
        **draw(places(n, slots)),
    )


@few
@given(shares_alone())
def test_slots_that_differ_in_their_prize_only_have_a_potential(game):
    assert rises(game)


@st.composite
def one_ranking(draw):
    """Each player's values are an increasing function of the same numbers, with more ties for some."""
    n = draw(st.integers(1, 4))
    worth = draw(arrays(st.integers(-3, 3), n))
    steps = draw(st.lists(st.lists(st.integers(0, 2), min_size=7, max_size=7), min_size=n, max_size=n))
    values = np.cumsum(steps, axis=1)[:, worth + 3]
    slots = draw(st.none() | st.integers(1, n))
    heads = draw(st.permutations(range(n)))[:slots] if slots and draw(st.booleans()) else ()
    return AnonymousGame(values, slots=slots, heads=heads)


@few
@given(one_ranking())
def test_anonymous_games_of_one_ranking_have_a_potential(game):
    found = rises(game)
    if np.all(game.values_by_size == game.values_by_size[0]):
        assert found.kind == "exact"


@few
@given(st.integers(1, 5), st.data())
def test_what_heads_get_does_not_matter(n, data):
    weights = data.draw(arrays(st.integers(-4, 4), n, n)) * (1 - np.eye(n, dtype=int))
    weights = np.triu(weights) + np.triu(weights).T
    weights[0] = data.draw(arrays(st.integers(-4, 4), n)) * (np.arange(n) > 0)
    assert rises(AdditivelySeparableGame(weights, slots=1, heads=[0])).kind == "exact"
    if n > 1:
        weights[1] = weights[1] * 2 + (np.arange(n) != 1)
        assert rises(AdditivelySeparableGame(weights, slots=2, heads=[0, 1])).kind == "exact"


# --- repairs, and what is no potential game --------------------------------------------------------------------------


def test_the_four_player_cycle_has_no_potential():
    assert improving_switches_can_cycle(chase_and_flee())
    assert potential(chase_and_flee()) is None


@pytest.mark.parametrize("repair", [{"pay": 0.0}, {"shared": False}])
def test_its_repairs_have_one(repair):
    game = chase_and_flee(**repair)
    assert not improving_switches_can_cycle(game)
    found = rises(game)
    assert found.kind in {"exact", "weighted"}
    assert "one size" in found.theorem


def test_no_improving_switch_of_the_four_players_raises_the_welfare():
    game, found = chase_and_flee(), potential(chase_and_flee(), welfare=True)
    assert found.kind == "welfare"
    for partition in all_partitions(game):
        assert found.value(partition) == game.welfare(partition)
        for _, after, _ in improving(game, partition):
            assert found.value(after) - found.value(partition) == pytest.approx(0, abs=1e-9)


def test_a_potential_of_the_game_goes_before_its_welfare():
    game = AdditivelySeparableGame([[0, 1], [1, 0]])
    assert potential(game, welfare=True).kind == "exact"


def test_unequal_data_and_three_slots_have_none_and_cycle():
    game = unequal_data_cycle()
    assert potential(game) is None
    for before, after in itertools.pairwise(CYCLE_OF_SIX):
        partition, target = Partition([0, 1, 2, *before]), Partition([0, 1, 2, *after])
        assert (
            np.max((game.utilities(target) - game.utilities(partition))[np.not_equal([0, 1, 2, *before], target.slots)])
            > 0.014
        )
        assert np.count_nonzero(partition.slots != target.slots) == 1


def test_equal_data_would_repair_it():
    broken = unequal_data_cycle()
    game = LabelledGame(broken.base, weights=broken.weights, sizes=[0.3, 0.8, 1.0, 1.0, 1.0], heads=broken.heads)
    assert rises(game).kind in {"exact", "weighted"}


@pytest.mark.parametrize("heads", [True, False])
@pytest.mark.parametrize(("slots", "pay"), [(2, 0.0), (2, 5.0)])
def test_two_slots_of_the_paper_have_a_potential_without_shared_pay(slots, pay, heads):
    rng = np.random.default_rng(5)
    game = learners(5, rng, slots=slots, pay=pay, shared=False, heads=heads)
    assert rises(game).kind == "ordinal"
    assert potential(learners(5, rng, slots=slots, pay=5.0, heads=heads)) is None


def test_own_pay_without_given_peaks_has_none_unless_the_heads_have_the_peaks():
    free = {"pay": 5.0, "threshold": 0.5, "shared": False}
    setting = {"weights": [1.0] * 4, "sizes": [1.0] * 4, "heads": [0, 1]}
    base = np.zeros((4, 2))
    assert potential(LabelledGame(base, reputation=Reputation([1, 1, 2, 1], **free), **setting)) is None
    assert rises(LabelledGame(base, reputation=Reputation([2, 2, 2, 1], **free), **setting))
    assert rises(LabelledGame(base, reputation=Reputation([0.5, 0.1, 0.2, 0.3], **free), **setting))
    assert rises(LabelledGame(base, reputation=Reputation([1, 1, 2, 1], floor=1, **free), **setting))


def test_shared_pay_has_none_unless_all_are_worth_the_same():
    shared = {"pay": 5.0, "threshold": 0.5}
    setting = {"weights": [1.0] * 4, "sizes": [1.0] * 4, "heads": [0, 1]}
    base = np.zeros((4, 2))
    assert potential(LabelledGame(base, reputation=Reputation([1, 1, 1, 0.9], **shared), **setting)) is None
    assert rises(LabelledGame(base, reputation=Reputation([0.7] * 4, **shared), **setting))


def test_frequency_limits_must_not_depend_on_the_members():
    setting = {"weights": [1.0, 2.0, 3.0], "sizes": [1.0, 2.0, 3.0]}
    base = np.zeros((3, 2))
    same = LabelledGame(base, speeds=Speeds([1, 2, 3], [0, 0, 0], [4, 4, 4]), **setting)
    assert rises(same)
    assert potential(LabelledGame(base, speeds=Speeds([1, 2, 3], [0, 0, 1], [4, 4, 4]), **setting)) is None
    wide = Speeds([1, 2, 3], [0, 0, 1], [4, 4, 4])
    assert rises(LabelledGame(base, speeds=wide, heads=[0, 1], **setting))


def test_two_slots_and_an_outside_are_three_places():
    sizes, base = [1.0, 2.0, 3.0], [[0.0, 0.1], [0.2, 0.0], [0.0, 0.3]]
    assert potential(LabelledGame(base, weights=[1.0] * 3, sizes=sizes)).kind == "ordinal"
    assert potential(LabelledGame(base, weights=[1.0] * 3, sizes=sizes, outside=0.1)) is None


def test_two_slots_have_none_if_some_want_company_and_others_none():
    chase = LabelledGame(np.zeros((2, 2)), weights=[1.0, -1.0], sizes=[1.0, 1.0])
    assert improving_switches_can_cycle(chase)
    assert potential(chase) is None


def test_noise_is_not_symmetry():
    assert potential(AdditivelySeparableGame([[0, 1], [1, 0]])) is not None
    assert potential(AdditivelySeparableGame([[0, 1], [1 + 1e-12, 0]])) is None
    assert potential(AdditivelySeparableGame([[0, 1], [0, 0]])) is None
    assert potential(stalker()) is None


def test_a_rounded_product_is_a_product_and_noise_is_not():
    base = [[0.0, 0.1, 0.2]] * 4
    weights = np.outer([0.1, 0.7, 0.3, 1 / 3], [1.1, 1.7, 1 / 7])
    assert rises(LabelledGame(base, weights=weights, sizes=[1.0] * 4)).kind == "weighted"
    weights[0, 0] *= 1 + 1e-14
    assert potential(LabelledGame(base, weights=weights, sizes=[1.0] * 4)) is None


@few
@given(hedonic_games(max_players=4, kinds=["fractional", "best-worst"]))
def test_games_without_a_theorem_have_none(game):
    assert potential(game) is None


def test_improving_switches_of_a_symmetric_fractional_game_can_cycle():
    game = FractionalGame([[0, -1, 3, 2], [-1, 0, 1, -2], [3, 1, 0, 3], [2, -2, 3, 0]], slots=2)
    assert game.symmetric
    assert improving_switches_can_cycle(game)


def test_subclasses_and_callables_are_not_looked_into():
    class Other(AdditivelySeparableGame):
        def utility(self, player, slot, members):
            return float(-player * len(members))

    assert potential(Other([[0, 1], [1, 0]])) is None
    assert potential(CallableGame(lambda player, slot, members: 1.0, 2)) is None
    assert potential(BestWorstGame([[0, 1], [1, 0]], worst=True)) is None


def test_mutual_friends_have_a_potential():
    calls = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert rises(friends_and_enemies(calls)).kind == "exact"
    assert potential(friends_and_enemies(np.triu(calls))) is None


def test_a_disagreement_about_sizes_is_seen():
    assert potential(AnonymousGame([[0, 1, 2], [0, 2, 1], [0, 1, 1]])) is None
    assert rises(AnonymousGame([[0, 1, 2], [0, 1, 1], [0, 0, 1]])).kind == "ordinal"
    heads = {"slots": 1, "heads": [1]}
    assert rises(AnonymousGame([[0, 1, 2], [0, 2, 1], [0, 1, 2]], **heads)).kind == "exact"


def test_the_value_is_of_feasible_partitions():
    found = potential(chase_and_flee(pay=0.0))
    with pytest.raises(InvalidGame, match="head 0"):
        found.value(Partition([1, 0, 0, 0]))


@few
@given(one_size(), st.permutations(range(5)))
def test_the_number_of_a_player_does_not_matter(game, order):
    assume(not game.heads and game.reputation is None)
    order = [i for i in order if i < game.players]
    again = LabelledGame(
        game.base[order],
        weights=game.weights[order],
        sizes=game.sizes[order],
        outside=None if game.outside is None else game.outside[order],
    )
    assert rises(again).kind == potential(game).kind
