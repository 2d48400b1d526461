"""Jamming games: payoffs (1) and (2), success rules, the distinct stage games, and what the constructor refuses."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.jamming import JammingModel, Radio, jamming_model, logistic, same_channel, strict, threshold
from solvers.bimatrix import BimatrixGame, lemke_howson, support
from solvers.core import Array, InvalidGame

sizes = st.tuples(st.integers(1, 4), st.integers(1, 3))
hops = st.integers(0, 8)


def alike(channels: int, powers: int, hop: float = 1.0, jammer_hop: float = 1.0) -> JammingModel:
    levels = np.arange(1, powers + 1)
    return jamming_model(channels, levels, costs=levels / 2, jammer_costs=levels / 4, hop=hop, jammer_hop=jammer_hop)


# --- (1) and (2) ------------------------------------------------------------------------------------------------------


def test_a_step_worked_by_hand():
    # T stays on channel 0 at power 0 and is not met: 10 - 0.5. J hops from 1 to 2 at power 2, in vain: -10 - 1 - 1.5.
    stage = jamming_model().stage_game(0, 1)
    assert (stage.A[0, 8], stage.B[0, 8]) == (9.5, -12.5)
    # T hops to channel 1, power 1, where J stays, power 1: a tie is the jammer's. -10 - 1 - 1 and 10 - 1.
    assert (stage.A[4, 4], stage.B[4, 4]) == (-12.0, 9.0)
    assert stage.A[5, 4] == 10 - 1 - 1.5  # a higher power gets through
    assert (stage.players, stage.rows[5], stage.columns[8]) == (
        ("transmitter", "jammer"),
        "channel 1, power 2",
        "channel 2, power 2",
    )


# --- how many stage games there are -----------------------------------------------------------------------------------


def relabelled(game: BimatrixGame, order: tuple[int, ...], powers: int) -> BimatrixGame:
    """The game with the channels of both players in another order."""
    actions = (np.array(order)[:, None] * powers + np.arange(powers)).ravel()
    return BimatrixGame(game.A[np.ix_(actions, actions)], game.B[np.ix_(actions, actions)])


def written(game: BimatrixGame) -> bytes:
    return game.A.tobytes() + game.B.tobytes()


@pytest.mark.parametrize(("channels", "powers"), [(4, 3), (3, 4), (2, 2), (4, 1)])
def test_there_are_channels_squared_stage_games_and_two_up_to_the_names_of_channels(channels, powers):
    # The paper speaks of channels times powers subgames: previous powers cost nothing, and both players have a channel.
    model = alike(channels, powers)
    stages = [model.stage_game(fT, fJ) for fT, fJ in itertools.product(range(channels), repeat=2)]
    assert len({written(stage) for stage in stages}) == channels**2
    orders = list(itertools.permutations(range(channels)))
    classes = {min(written(relabelled(stage, order, powers)) for order in orders) for stage in stages}
    assert len(classes) == 2


# --- what the matrices have in common ---------------------------------------------------------------------------------


def separated(model: JammingModel, stage: BimatrixGame) -> tuple[Array, Array]:
    """A / D_T + B / D_J, and how far it is from a number by row plus a number by column."""
    total = stage.A / model.transmitter.stakes[0] + stage.B / model.jammer.stakes[0]
    return total, total - total[:, :1] - total[:1, :] + total[0, 0]


@given(size=sizes, hop=hops, jammer_hop=hops, rule=st.sampled_from([threshold, strict, same_channel, logistic]))
def test_property_10_stage_games_are_strategically_zero_sum(size, hop, jammer_hop, rule):
    levels = np.arange(1, size[1] + 1)
    model = jamming_model(size[0], levels, hop=hop, jammer_hop=jammer_hop, jammer_reward=5, success=rule)
    for fT, fJ in itertools.product(range(model.channels), repeat=2):
        assert np.abs(separated(model, model.stage_game(fT, fJ))[1]).max() < 1e-14


# --- success rules ----------------------------------------------------------------------------------------------------


def test_ties_are_the_jammers_by_default():
    assert jamming_model().jamming.tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    assert jamming_model(success="strict").jamming.tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert jamming_model(success="same-channel").jamming.tolist() == [[1, 1, 1]] * 3


def test_levels_decide_and_not_their_numbers():
    assert threshold([1, 2], [0.5, 1, 3]).tolist() == [[0, 1, 1], [0, 0, 1]]
    model = jamming_model(powers=[1, 2], jammer_powers=[0.5, 1, 3])
    assert model.jamming.tolist() == [[0, 1, 1], [0, 0, 1]]
    assert model.shape == (8, 12)
    assert model.jammer.power_costs.tolist() == [0.5, 1, 3]


@given(steepness=st.floats(0.1, 50), offset=st.floats(-2, 2))
def test_the_logistic_rule_rises_with_the_jammers_level(steepness, offset):
    chances = logistic([1, 2, 3], [1, 2, 3], steepness, offset)
    assert np.all((chances >= 0) & (chances <= 1))
    assert np.all(np.diff(chances, axis=1) >= 0)
    assert np.all(np.diff(chances, axis=0) <= 0)
    assert chances[0, 1] == pytest.approx(1 / (1 + np.exp(-steepness * (1 - offset))), rel=1e-9)


def test_a_steep_logistic_rule_is_the_threshold_or_the_strict_one():
    powers = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(logistic(powers, powers, 1e4, -0.5), threshold(powers, powers))
    np.testing.assert_array_equal(logistic(powers, powers, 1e4, 0.5), strict(powers, powers))
    np.testing.assert_array_equal(logistic([1e308], [-1e308], 1e300), [[0.0]])


def test_any_rule_or_matrix_will_do():
    chances = [[0.25, 0.5], [0, 1]]
    assert jamming_model(powers=[1, 2], success=chances).jamming.tolist() == chances
    assert jamming_model(powers=[1, 2], success=lambda own, other: chances).jamming.tolist() == chances
    rule = partial(logistic, steepness=2.0, offset=-0.5)
    np.testing.assert_array_equal(jamming_model(success=rule).jamming, rule([0.5, 1, 1.5], [0.5, 1, 1.5]))


# --- building a model -------------------------------------------------------------------------------------------------


def test_the_jammer_is_as_the_transmitter_unless_it_is_said():
    model = jamming_model(channels=2, powers=[1, 2], costs=[3, 4], reward=7, penalty=2, hop=5)
    for name in ("rewards", "power_costs", "hop_costs"):
        np.testing.assert_array_equal(getattr(model.jammer, name), getattr(model.transmitter, name))
    assert model.transmitter.hop_costs.tolist() == [[0, 5], [5, 0]]
    other = jamming_model(
        channels=2, powers=[1, 2], jammer_costs=[0, 9], jammer_reward=1, jammer_penalty=3, jammer_hop=[[0, 1], [2, 0]]
    )
    assert (other.jammer.rewards.tolist(), other.jammer.penalty) == ([1, 1], 3.0)
    assert (other.jammer.power_costs.tolist(), other.jammer.hop_costs.tolist()) == ([0, 9], [[0, 1], [2, 0]])
    assert other.transmitter.power_costs.tolist() == [1, 2]


def test_rewards_by_channel_are_both_players():
    model = jamming_model(channels=2, channel_rewards=[7, 13])
    assert model.transmitter.rewards.tolist() == model.jammer.rewards.tolist() == [7, 13]
    assert not model.homogeneous
    assert jamming_model(channels=2, channel_rewards=[7, 13], jammer_reward=4).jammer.rewards.tolist() == [4, 4]
    assert jamming_model(channels=2, channel_rewards=[7, 7]).homogeneous


@pytest.mark.parametrize("hop", [[[0, 1, 1], [1, 0, 1], [1, 2, 0]], [[0, 1, 2], [1, 0, 1], [2, 1, 0]]])
def test_channels_with_different_hops_are_not_alike(hop):
    assert not jamming_model(channels=3, hop=hop).homogeneous
    assert not jamming_model(channels=3, jammer_hop=hop).homogeneous


def test_one_channel_is_a_model_without_hops():
    model = jamming_model(channels=1, hop=7)
    assert (model.game().states, model.homogeneous, model.transmitter.hop) == (1, True, 0.0)
    assert support(lemke_howson(model.stage_game(0, 0)).require()) == ((0, 1, 2), (0, 1, 2))


def test_a_model_does_not_change():
    model, rewards = jamming_model(channels=2), np.array([1.0, 2.0])
    radio = Radio(rewards, 0, [1], np.zeros((2, 2)))
    rewards[0] = 9
    assert radio.rewards.tolist() == [1, 2]
    arrays = [model.jamming, model.jam_matrix, *model.payoffs, *model.hop_charges, model.least_payoffs]
    arrays += [getattr(model.jammer, name) for name in ("rewards", "power_costs", "hop_costs")]
    assert not any(array.flags.writeable for array in arrays)
    with pytest.raises(AttributeError):
        model.jammer = radio
    with pytest.raises(AttributeError):
        radio.penalty = 1.0


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "channels must be >= 1, got 0"),
        ({"channels": -3}, "channels must be >= 1, got -3"),
        ({"channels": 2.0}, "channels must be a whole number, got 2.0"),
        ({"channels": True}, "channels must be a whole number, got True"),
        ({"channels": 10**12}, "channels times powers must be at most 5000, got 3000000000000"),
        ({"powers": [1, 3, 2]}, "powers must be strictly increasing, got 3 before 2"),
        ({"powers": [1, 1]}, "powers must be strictly increasing, got 1 before 1"),
        ({"powers": []}, "powers must have at least one entry, got none"),
        ({"powers": [1, np.nan]}, r"powers must be finite, got nan at \[1\]"),
        ({"powers": ["a"]}, "powers must be real numbers"),
        ({"powers": 3}, r"powers must have 1 dimensions, got shape \(\)"),
        ({"powers": [-1, 2]}, "transmitter: power_costs must be >= 0, got -1"),
        ({"jammer_powers": [2, 1]}, "jammer_powers must be strictly increasing, got 2 before 1"),
        ({"costs": [1, 2]}, r"transmitter: power_costs must be one per power, \(3,\), got shape \(2,\)"),
        ({"costs": [1, 3, 2]}, "transmitter: power_costs must not decrease, got 3 before 2"),
        ({"jammer_costs": [1, 3, 2]}, "jammer: power_costs must not decrease, got 3 before 2"),
        ({"costs": [[1, 2, 3]]}, "transmitter: power_costs must have 1 dimensions"),
        ({"reward": [1, 2, 3]}, r"transmitter: rewards must be a number or one per channel, \(4,\), got shape \(3,\)"),
        ({"channel_rewards": [1, 2]}, r"transmitter: rewards must be a number or one per channel, \(4,\)"),
        ({"jammer_reward": np.inf}, "jammer: rewards must be finite, got inf"),
        ({"reward": -10}, r"transmitter: rewards \+ penalty must be > 0 and within float64, got 0 on channel 0"),
        ({"channel_rewards": [1, 1, -30, 1]}, r"rewards \+ penalty must be > 0 and within float64, got -20 on channel"),
        ({"jammer_penalty": -11}, r"jammer: rewards \+ penalty must be > 0 and within float64, got -1 on channel 0"),
        ({"reward": 1e308, "penalty": 1e308}, r"rewards \+ penalty must be > 0 and within float64, got inf"),
        ({"penalty": [1, 2]}, "transmitter: penalty must have 0 dimensions"),
        ({"penalty": None}, "transmitter: penalty must be real numbers"),
        ({"penalty": True}, "transmitter: penalty must be real numbers, got bool"),
        ({"hop": -1}, "transmitter: hop_costs must be >= 0, got -1 from channel 0 to 1"),
        ({"hop": np.nan}, "transmitter: hop_costs must be finite, got nan"),
        ({"hop": np.ones((4, 4))}, "transmitter: hop_costs must be 0 for staying on a channel, got 1 on channel 0"),
        ({"jammer_hop": np.zeros((3, 4))}, r"jammer: hop_costs must be a number or \(4, 4\), got shape \(3, 4\)"),
        ({"hop": 1.7e308, "penalty": 1.7e308, "reward": 0}, "must add up to payoffs within float64"),
        ({"success": "always"}, "success must be threshold, strict, same-channel, logistic, a function or a matrix"),
        ({"success": np.ones((2, 3))}, r"jamming must be one probability for each pair of powers, \(3, 3\), got shape"),
        ({"success": np.full((3, 3), 1.5)}, r"jamming must be probabilities in \[0, 1\], got 1.5"),
        ({"success": np.full((3, 3), -0.5)}, r"jamming must be probabilities in \[0, 1\], got -0.5"),
        ({"success": np.full((3, 3), np.nan)}, "jamming must be finite, got nan"),
        ({"success": partial(logistic, steepness=0)}, "steepness must be > 0, got 0"),
        ({"success": partial(logistic, offset=np.inf)}, "offset must be finite, got inf"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(arguments, message):
    with pytest.raises(InvalidGame, match=message) as caught:
        jamming_model(**arguments)
    assert "\n" not in str(caught.value)


def test_radios_of_different_channels_do_not_meet():
    one, two = (Radio(np.ones(n), 1, [1], np.zeros((n, n))) for n in (1, 2))
    with pytest.raises(InvalidGame, match="both players must have the same channels, got 1 and 2"):
        JammingModel(one, two, [[1]])


def test_a_radio_needs_a_hop_cost_for_each_pair_of_channels():
    with pytest.raises(InvalidGame, match=r"hop_costs must be \(2, 2\), got shape \(1, 1\)"):
        Radio([1, 2], 0, [1], [[0]])
    with pytest.raises(InvalidGame, match="rewards must have at least one entry"):
        Radio([], 0, [1], np.zeros((0, 0)))


@pytest.mark.parametrize(("place", "message"), [((-1, 0), "fT must be a channel, 0 to 3"), ((0, 4), "fJ must be a ch")])
def test_a_stage_game_starts_from_channels_that_there_are(place, message):
    with pytest.raises(InvalidGame, match=message):
        jamming_model().stage_game(*place)


@pytest.mark.parametrize("discount", [1.0, -0.1, np.nan, "0.9", True])
def test_a_discount_is_in_the_half_open_interval(discount):
    with pytest.raises(InvalidGame, match="discount must be"):
        jamming_model().game(discount)
