"""The completely mixed Markov-perfect equilibrium of jamming games: formulas, conditions, rates, and where it fails."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from conftest import fewer
from hypothesis import assume, given
from hypothesis import strategies as st

from models.jamming import (
    JammingModel,
    Radio,
    chase_rates,
    closed_form,
    completely_mixed_conditions,
    hop_rates,
    jam_rate,
    jamming_model,
    logistic,
    rates,
    threshold,
    unique,
)
from solvers.bimatrix import BimatrixGame, Profile, completely_mixed, extreme_equilibria, lemke_howson, support
from solvers.core import Array, InvalidGame, NotSolved, Status
from solvers.stochastic import StationaryProfile, exploitability
from verification.certificates import certify

seeds = st.integers(0, 2**32 - 1)
discounts = st.sampled_from([0.0, 0.3, 0.9, 0.99, None])


@dataclass(frozen=True)
class Parameters:
    """Of a model with like channels; `slack` is how far D_T and D_J are above the two bounds. All are dyadic."""

    channels: int
    steps: tuple[tuple[float, ...], tuple[float, ...]]
    hops: tuple[float, float]
    slack: tuple[float, float]

    @property
    def bounds(self) -> tuple[float, float]:
        nf, (dT, dJ) = self.channels, (sum(steps) for steps in self.steps)
        hop = 0.0 if nf == 1 else self.hops[0]
        return hop + nf * dT, (nf - 1) * self.hops[1] + nf * dJ

    @property
    def stakes(self) -> tuple[float, float]:
        return tuple(bound + slack for bound, slack in zip(self.bounds, self.slack, strict=True))

    def model(self) -> JammingModel:
        radios = []
        for steps, hop, stake in zip(self.steps, self.hops, self.stakes, strict=True):
            hop_costs = hop * (1 - np.eye(self.channels))
            radios.append(Radio([stake / 4] * self.channels, 0.75 * stake, np.cumsum([0.5, *steps]), hop_costs))
        levels = np.arange(len(self.steps[0]) + 1)
        return JammingModel(*radios, threshold(levels, levels))


@st.composite
def like_channels(draw, *, slack=(1, 24), least_step=1, least_channels=1, most_channels=4):
    """Models with like channels under the threshold rule, by default with a completely mixed equilibrium."""
    powers = draw(st.integers(0, 2))
    steps = [tuple(k / 8 for k in draw(st.tuples(*[st.integers(least_step, 24)] * powers))) for _ in range(2)]
    hops, spare = (
        tuple(k / 8 for k in draw(st.tuples(*[st.integers(*interval)] * 2))) for interval in ((0, 24), slack)
    )
    return Parameters(draw(st.integers(least_channels, most_channels)), tuple(steps), hops, spare)


def unlike_channels(seed: int, *, channels: int = 3, powers: int = 2, amount: float = 1.0) -> JammingModel:
    """A model in which rewards and hops of all channels differ, the more the greater `amount`, for both players."""
    rng = np.random.default_rng(seed)

    def radio() -> Radio:
        hop_costs = (1 + amount * rng.uniform(-1, 1, (channels, channels))) * (1 - np.eye(channels))
        return Radio(
            10 + amount * rng.uniform(-2, 2, channels),
            rng.uniform(5, 10),
            np.cumsum(rng.uniform(0.2, 0.7, powers)),
            hop_costs,
        )

    levels = np.arange(powers)
    return JammingModel(radio(), radio(), threshold(levels, levels))


def stage_wise(model: JammingModel) -> StationaryProfile:
    """The union of the stage games' equilibria, each by Lemke and Howson's paths."""
    places = itertools.product(range(model.channels), repeat=2)
    found = [lemke_howson(model.stage_game(*place)).require() for place in places]
    return StationaryProfile(np.array([p.row for p in found]), np.array([p.column for p in found]))


def certified(model: JammingModel, profile: StationaryProfile, discount: float | None) -> bool:
    game = model.game(discount)
    sizes = np.maximum(game.magnitudes(), np.abs(model.most_payoffs))  # of one pair of actions the range is 0
    return certify(game, profile, tolerance=1e-9 * sizes).holds


# --- section 2: stage games of like channels --------------------------------------------------------------------------


def test_default_parameters():
    # theory, section 2, "Default where claims hold"
    found = closed_form(jamming_model())
    x, y = found.require()
    assert set(x.ravel().round(12)) == {0.2125, 0.1625, 0.025}
    assert set(y.ravel().round(12)) == {0.025, 0.1875, 0.2375}
    np.testing.assert_allclose(found.stats["values"][0], 3.75, atol=1e-12)
    np.testing.assert_allclose(found.stats["values"][1], -7.25, atol=1e-12)
    assert found.stats["least"] == pytest.approx(0.025)
    assert found.stats["unique"]
    assert all(condition.holds for condition in completely_mixed_conditions(jamming_model()))


# --- where it fails ---------------------------------------------------------------------------------------------------

TOO_DEAR = "jammer: rewards + penalty > (channels - 1) * hop + channels * range of power costs: "


@pytest.mark.parametrize(
    ("arguments", "failing"),
    [
        ({"hop": 6}, [TOO_DEAR + "20 > 3 * 6 + 4 * 1 = 22 fails"]),
        (
            {"costs": [3, 6, 9]},
            [
                "transmitter: rewards + penalty > hop + channels * range of power costs: 20 > 1 + 4 * 6 = 25 fails",
                TOO_DEAR + "20 > 3 * 1 + 4 * 6 = 27 fails",
            ],
        ),
        (
            {"hop": 25},
            [
                "transmitter: rewards + penalty > hop + channels * range of power costs: 20 > 25 + 4 * 1 = 29 fails",
                TOO_DEAR + "20 > 3 * 25 + 4 * 1 = 79 fails",
            ],
        ),
        (
            {"costs": [1, 1, 1]},
            [
                f"{p}: power costs increase by more than 0: the smallest step is 0 fails"
                for p in ("transmitter", "jammer")
            ],
        ),
        ({"channels": 1, "reward": 0.5, "penalty": 0.5}, None),
    ],
)
def test_negative_controls_name_the_inequality_that_fails(arguments, failing):
    model = jamming_model(**arguments)
    if failing is None:
        failing = [f"{p}: rewards + penalty > range of power costs: 1 > 1 fails" for p in ("transmitter", "jammer")]
    found = closed_form(model)
    assert (found.status, found.profiles) == (Status.NONE_EXISTS, ())
    assert found.stats["reason"] == "; ".join(failing)
    assert [c.sentence for c in completely_mixed_conditions(model) if not c.holds] == failing
    assert not unique(model)
    stage = model.stage_game(0, 0)
    assert not completely_mixed(stage).profiles
    equilibrium = lemke_howson(stage).require()
    assert min(map(len, support(equilibrium))) < stage.shape[0]


def test_at_hop_6_the_formula_would_give_minus_a_fortieth():
    # theory, section 2: closed-form min x = -.025; Lemke and Howson's path ends at supports of 7 and 6.
    stage = jamming_model(hop=6).stage_game(0, 0)
    assert completely_mixed(stage).stats["reason"] == "probability of row 0 is -0.025"
    assert tuple(map(len, support(lemke_howson(stage).require()))) == (7, 6)


@pytest.mark.parametrize("place", [(0, 0), (0, 1)])
def test_at_hop_6_there_are_three_extreme_equilibria_and_not_eight(place):
    # The theory counts 8. In rationals (all parameters are dyadic) there are 3: the jammer's mix is unique, and of the
    # three channels where it was not, the transmitter uses power 1 on two, each with probability 1/40.
    stage = jamming_model(hop=6).stage_game(*place)
    found = extreme_equilibria(stage)
    assert (found.complete, len(found.profiles), len({p.column for p in found.profiles})) == (True, 3, 1)
    assert {tuple(map(len, support(profile))) for profile in found.profiles} == {(7, 6)}
    assert all(set(stage.regrets(profile)) == {0} for profile in found.profiles)


@pytest.mark.parametrize(
    ("arguments", "place", "equilibria", "supports"),
    [
        ({"costs": (3, 6, 9)}, (0, 1), 1, (8, 8)),
        ({"channels": 2, "powers": (1, 2), "costs": (1, 1)}, (0, 1), 4, None),
        ({"channels": 3, "costs": (1, 1, 1)}, (0, 0), 27, None),
        ({"channels": 3, "powers": (1,), "hop": 12}, (0, 0), 2, None),  # an even number: the game is degenerate
    ],
)
def test_extreme_equilibria_of_negative_controls(arguments, place, equilibria, supports):
    # theory, sections 1 and 2
    found = extreme_equilibria(jamming_model(**arguments).stage_game(*place))
    assert (found.complete, len(found.profiles)) == (True, equilibria)
    if supports:
        assert tuple(map(len, support(found.profiles[0]))) == supports


def test_at_hop_25_everyone_stays_and_the_union_of_stage_games_is_worth_deviating_from():
    # theory, section 3: T 17.5, J 16.6 per step at discount .9; at hop 18 nothing.
    model = jamming_model(hop=25)
    profile = stage_wise(model)
    assert support(Profile(profile.row[1], profile.column[1])) == ((0,), (3,))
    gains = exploitability(model.game(0.9), profile).regrets
    assert [f"{gain:.1f}" for gain in gains] == ["17.5", "16.6"]
    dear = jamming_model(hop=18)
    assert certified(dear, stage_wise(dear), 0.9)


@pytest.mark.parametrize("rule", ["strict", "same-channel"])
def test_rules_without_an_inverse_are_singular(rule):
    found = closed_form(jamming_model(success=rule))
    assert (found.status, found.stats["reason"]) == (
        Status.SINGULAR,
        "the matrix of jamming probabilities is singular",
    )
    assert [c.holds for c in completely_mixed_conditions(jamming_model(success=rule))] == [False]
    assert completely_mixed(jamming_model(success=rule).stage_game(0, 1)).status is Status.SINGULAR


def test_a_shallow_logistic_rule_leaves_nothing_completely_mixed_and_a_steep_one_with_ties_to_the_jammer_does():
    def found(steepness: float, offset: float, powers: int = 3):
        rule, levels = partial(logistic, steepness=steepness, offset=offset), np.arange(1, powers + 1)
        return closed_form(jamming_model(powers=levels, costs=levels / 2, success=rule))

    assert found(1, -0.5).status is Status.NONE_EXISTS
    assert found(1, -0.5).stats["reason"].startswith("jammer: the least probability is -")
    for steepness, offset in ((6, -0.5), (12, -0.25)):
        assert found(steepness, offset).status is Status.SOLVED
        rule = partial(logistic, steepness=steepness, offset=offset)
        model = jamming_model(powers=[1, 2, 3], costs=[0.5, 1, 1.5], success=rule)
        assert certified(model, found(steepness, offset).require(), 0.9)
    for steepness, offset in itertools.product((1, 4, 8, 16), (0.0, 0.25, 0.5)):
        assert found(steepness, offset).status is not Status.SOLVED
    for steepness, powers in itertools.product((0.3, 1.1, 2, 5), (2, 4, 6)):  # no offset, an even number: theory 2(b)
        assert found(steepness, 0.0, powers).status is Status.SINGULAR
        assert "add up to 0" in found(steepness, 0.0, powers).stats["reason"]


@pytest.mark.parametrize("scale", [1e-6, 0.1, 0.3, 0.7, 1.7, 1e7])
@pytest.mark.parametrize("ratio", [2, 3, 7])
def test_on_the_boundary_nothing_is_claimed(scale, ratio):
    # D_T = H_T + n_f dg_T in decimals: the smallest y is a rounding error of either sign.
    half = (1 + 2 * (ratio - 1)) * scale / 2
    model = jamming_model(2, [1, 2], costs=[scale, ratio * scale], reward=half, penalty=half, hop=scale, jammer_hop=0)
    found = closed_form(model)
    assert found.status is Status.NONE_EXISTS
    assert found.stats["reason"].startswith("transmitter: rewards + penalty > hop")
    assert [condition.holds for condition in completely_mixed_conditions(model)] == [True, False, True, True]


@pytest.mark.parametrize("hop", [[[0, 10], [5, 0]], [[0, 0.3], [0.1, 0]]])
def test_the_future_may_make_a_probability_positive_that_is_0_in_the_stage_game(hop):
    # One power: on channel 0, x_01 = (X + H + p(h)) / D is 0 at h = 0 where H(0, 1) = D. Later it is worth being there.
    stake = max(map(max, hop))
    model = jamming_model(2, [1], hop=0, jammer_hop=hop, reward=stake / 3, penalty=2 * stake / 3)
    found = closed_form(model, discount=0.0)
    assert (found.status, found.stats["reason"]) == (
        Status.NONE_EXISTS,
        (
            "transmitter: the least probability is 0 up to rounding: "
            "of channel 0, power 1 of 1, jammer before on channel 0"
        ),
    )
    assert not all(condition.holds for condition in completely_mixed_conditions(model, discount=0.0))
    for discount in (0.5, None):
        assert certified(model, closed_form(model, discount=discount).require(), discount)
        assert all(condition.holds for condition in completely_mixed_conditions(model, discount=discount))


@pytest.mark.parametrize("discount", [1.0, -0.1, np.nan, np.inf, "0.9", True])
def test_a_discount_outside_the_half_open_interval_is_refused(discount):
    for function in (closed_form, completely_mixed_conditions, unique):
        with pytest.raises(InvalidGame, match="discount must be"):
            function(jamming_model(), discount=discount)


def test_unequal_numbers_of_powers_are_refused():
    model = jamming_model(jammer_powers=[1, 2])
    for function in (closed_form, completely_mixed_conditions, unique, jam_rate):
        with pytest.raises(InvalidGame, match="as many powers for both players, got 3 and 2"):
            function(model)


# --- section 3: the stochastic game -----------------------------------------------------------------------------------


@fewer
@given(seed=seeds, size=st.tuples(st.integers(1, 4), st.integers(1, 3)), discount=st.sampled_from([0.0, 0.3, 0.9]))
def test_formulas_of_unlike_channels(seed, size, discount):
    # theory, section 3, to the letter: V of the discounted sum, then 2(c) with R_f, D_f, and h - discount V for h.
    model, nf = unlike_channels(seed, channels=size[0], powers=size[1], amount=0.5), size[0]
    T, J = model.transmitter, model.jammer
    W, U = np.sum(1 / T.stakes), np.sum(1 / J.stakes)
    offers = T.rewards - T.hop_costs - T.power_costs[0]
    p = ((offers / T.stakes).sum(axis=1) - 1) / W
    q = (1 - ((J.penalty + J.hop_costs + J.power_costs[-1]) / J.stakes).sum(axis=1)) / U
    VT = p + discount / (1 - discount) * np.sum(p / T.stakes) / W
    VJ = q + discount / (1 - discount) * np.sum(q / J.stakes) / U
    found = closed_form(model, discount=discount)
    x, y = (strategy.reshape(nf, nf, nf, -1) for strategy in found.require())
    for own, f in itertools.product(range(nf), repeat=2):
        h, k = T.hop_costs[own, f] - discount * VT[f], J.hop_costs[own, f] - discount * VJ[f]
        last = (T.rewards[f] - VT[own] - h - T.power_costs[-1]) / T.stakes[f]
        first = (VJ[own] + J.penalty + k + J.power_costs[0]) / J.stakes[f]
        np.testing.assert_allclose(y[own, 0, f], [*np.diff(T.power_costs) / T.stakes[f], last], atol=1e-10)
        np.testing.assert_allclose(x[0, own, f], [first, *np.diff(J.power_costs) / J.stakes[f]], atol=1e-10)
    np.testing.assert_allclose(found.stats["values"][0], (1 - discount) * VT, atol=1e-10)
    np.testing.assert_allclose(found.stats["values"][1], (1 - discount) * VJ, atol=1e-10)


@fewer
@given(seed=seeds)
def test_the_average_payoff_is_the_limit_of_patience(seed):
    model = unlike_channels(seed, amount=0.5)
    patient, average = (closed_form(model, discount=discount) for discount in (1 - 1e-9, None))
    for one, other in zip(patient.require(), average.require(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)
    assert np.ptp(average.stats["values"][0]) == 0


@fewer
@given(seed=seeds, size=st.tuples(st.integers(1, 3), st.integers(1, 3)), discount=discounts)
def test_any_invertible_matrix_of_chances_will_do(seed, size, discount):
    channels, powers = size
    rng = np.random.default_rng(seed)
    base = unlike_channels(seed, channels=channels, powers=powers, amount=0.3)
    chances = np.clip(np.triu(np.ones((powers, powers))) + rng.uniform(-0.3, 0.3, (powers, powers)), 0, 1)
    model = JammingModel(base.transmitter, base.jammer, chances)
    found = closed_form(model, discount=discount)
    if found.status is Status.SOLVED:
        assert certified(model, found.require(), discount)
    stage_wise_found = closed_form(model, discount=0.0)
    places = itertools.product(range(channels), repeat=2)
    expected = all(completely_mixed(model.stage_game(*place)).profiles for place in places)
    assert (stage_wise_found.status is Status.SOLVED) == expected


ROWS = [0, 0.5, 1, 2, 4]
TABLE = {  # theory, section 3: what T and J gain per step against the stage games' equilibria, 4 x 3, discount .9
    "rewards": [".000/.000", ".017/.023", ".033/.045", ".066/.090", ".132/.180"],
    "distance": [".000/.000", ".038/.037", ".076/.074", ".156/.146", ".323/.283"],
}
AVERAGE = {"rewards": ".142/.196", "distance": ".357/.313"}  # the same at hop 4 for the average payoff


def heterogeneous(kind: str, hop: float) -> JammingModel:
    """Rewards from 7 to 13 by channel, or hops that cost `hop` times the distance over channels - 1."""
    if kind == "rewards":
        return jamming_model(hop=hop, channel_rewards=[7, 9, 11, 13])
    distance = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    return jamming_model(hop=hop * distance / 3)


def printed(gains: Array) -> str:
    return "/".join(f"{gain:.3f}".removeprefix("0") for gain in gains)


@pytest.mark.parametrize("kind", TABLE)
def test_exploitability_of_the_stage_games_equilibria_table(kind):
    for hop, cell in zip(ROWS, TABLE[kind], strict=True):
        model = heterogeneous(kind, hop)
        myopic = closed_form(model, discount=0.0).require()
        assert printed(exploitability(model.game(0.9), myopic).regrets) == cell
        assert certified(model, myopic, 0.0)
        assert certified(model, closed_form(model, discount=0.9).require(), 0.9)
        assert not hop or not certified(model, myopic, 0.9)


@pytest.mark.parametrize("kind", TABLE)
def test_exploitability_for_the_average_payoff_is_slightly_larger(kind):
    for hop in ROWS[1:]:
        model = heterogeneous(kind, hop)
        myopic = closed_form(model, discount=0.0).require()
        discounted, average = (exploitability(model.game(d), myopic).regrets for d in (0.9, None))
        assert np.all((average > discounted) & (average < 1.15 * discounted))
    assert printed(average) == AVERAGE[kind]


# --- uniqueness -------------------------------------------------------------------------------------------------------


def with_future(model: JammingModel, discount: float, fT: int, fJ: int) -> BimatrixGame:
    """The stage game with the discounted values of the closed form added."""
    stage, (T, J) = model.stage_game(fT, fJ), closed_form(model, discount=discount).stats["values"]
    later = discount / (1 - discount)
    rows, columns = (np.repeat(v, n // model.channels) * later for v, n in zip((T, J), model.shape, strict=True))
    return BimatrixGame(stage.A + rows[:, None], stage.B + columns)


@fewer
@given(seed=seeds, size=st.sampled_from([(1, 3), (2, 1), (2, 2), (3, 1), (2, 3), (3, 2)]))
def test_property_11_a_unique_equilibrium_is_the_only_one(seed, size):
    nf, nC = size
    rng = np.random.default_rng(seed)
    model = jamming_model(nf, np.arange(1, nC + 1) / 4, channel_rewards=rng.integers(9, 13, nf), hop=rng.uniform(0, 2))
    assert unique(model, discount=0.5)
    for fT, fJ in ((0, 0), (0, nf - 1)):
        found = extreme_equilibria(with_future(model, 0.5, fT, fJ))
        assert (found.complete, len(found.profiles)) == (True, 1)


def test_uniqueness_is_claimed_only_where_stakes_have_one_ratio():
    assert unique(jamming_model(jammer_reward=20, penalty=15))
    assert unique(jamming_model(channel_rewards=[9, 10, 11, 12], jammer_penalty=10))
    assert not unique(jamming_model(channel_rewards=[9, 10, 11, 12], jammer_reward=10))
    assert closed_form(jamming_model(channel_rewards=[9, 10, 11, 12], jammer_reward=10)).status is Status.SOLVED


# --- section 4: the chain of play -------------------------------------------------------------------------------------


def chain_of_play(model: JammingModel, profile: StationaryProfile) -> Array:
    """The transition matrix over (fT, fJ), entry by entry."""
    nf, (T, J) = model.channels, (model.transmitter.powers, model.jammer.powers)
    P = np.zeros((nf * nf, nf * nf))
    for s, f, g in itertools.product(range(nf * nf), range(nf), range(nf)):
        P[s, f * nf + g] = profile.row[s, f * T : f * T + T].sum() * profile.column[s, g * J : g * J + J].sum()
    return P


def measured(model: JammingModel, profile: StationaryProfile, law: Array) -> list[float]:
    """Jamming and hopping of both under a law of states, action by action."""
    (row, column), nf, total = profile, model.channels, np.zeros(3)
    for s, a, b in itertools.product(range(nf * nf), *map(range, model.shape)):
        f, g = a // model.transmitter.powers, b // model.jammer.powers
        events = np.array([model.jam_matrix[a, b], f != s // nf, g != s % nf])
        total += law[s] * row[s, a] * column[s, b] * events
    return list(total)


def test_rates_of_the_default_parameters():
    # theory, section 4
    assert jam_rate(jamming_model()) == pytest.approx(0.2425, abs=1e-12)
    assert jam_rate(jamming_model(hop=4)) == pytest.approx(0.2425, abs=1e-12)
    assert hop_rates(jamming_model()) == (0.75, 0.75)


def test_rates_of_a_profile_that_is_no_equilibrium():
    model = jamming_model(channels=3, powers=[1, 2], jammer_powers=[1, 2, 3], hop=[[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    rng = np.random.default_rng(5)
    profile = StationaryProfile(*(rng.dirichlet(np.ones(n), 9) for n in model.shape))
    P = chain_of_play(model, profile)
    law = np.linalg.matrix_power(P, 200)[0]
    np.testing.assert_allclose(law @ P, law, atol=1e-12)
    np.testing.assert_allclose(rates(model, profile), measured(model, profile, law), atol=1e-10)


def test_rates_of_steep_logistic_rules_come_from_the_means_too():
    rule = partial(logistic, steepness=8, offset=-0.5)
    model = jamming_model(channels=3, powers=[1, 2, 3], costs=[0.5, 1, 1.5], success=rule)
    profile = closed_form(model).require()
    uniform = np.full(9, 1 / 9)
    np.testing.assert_allclose(uniform @ chain_of_play(model, profile), uniform, atol=1e-12)
    np.testing.assert_allclose([jam_rate(model), *hop_rates(model)], measured(model, profile, uniform), atol=1e-12)


def test_rates_in_closed_form_need_like_channels_and_a_completely_mixed_equilibrium():
    for function in (jam_rate, hop_rates, chase_rates):
        with pytest.raises(InvalidGame, match="one reward and one hop cost"):
            function(jamming_model(channel_rewards=[9, 10, 11, 12]))
        with pytest.raises(NotSolved, match="no profile of the requested kind"):
            function(jamming_model(hop=6))


# --- units and size ---------------------------------------------------------------------------------------------------


@fewer
@given(seed=seeds, unit=st.sampled_from([1e-200, 1e-9, 1e6, 1e200]), discount=discounts)
def test_units_of_payoff_do_not_matter(seed, unit, discount):
    model = unlike_channels(seed, amount=0.5)
    T, J = (
        Radio(radio.rewards * unit, radio.penalty * unit, radio.power_costs * unit, radio.hop_costs * unit)
        for radio in (model.transmitter, model.jammer)
    )
    scaled = closed_form(JammingModel(T, J, model.jamming), discount=discount)
    for one, other in zip(scaled.require(), closed_form(model, discount=discount).require(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@fewer
@given(parameters=like_channels(least_channels=2), size=st.sampled_from([1e9, 1e13]))
def test_what_all_payoffs_have_in_common_drowns_nothing(parameters, size):
    model = parameters.model()
    T, J = (
        Radio(r.rewards + size, r.penalty - size, r.power_costs + size, r.hop_costs)
        for r in (model.transmitter, model.jammer)
    )
    shifted = JammingModel(T, J, model.jamming)
    assume(np.array_equal([T.stakes, J.stakes], [model.transmitter.stakes, model.jammer.stakes]))
    found = closed_form(shifted).require()
    for one, other in zip(found, closed_form(model).require(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12 if size < 1e12 else 1e-2)


def test_a_sign_that_rounding_may_have_changed_is_not_decided():
    # The matrix is nearly singular, and the jammer's second probability 1e-7: no better than rounding, nor 0.
    chances, tiny = [[1, 1], [1 - 1e-9, 1]], 20e-9 * (1 - 1e-7)
    found = closed_form(jamming_model(1, [1, 2], costs=[0, tiny], jammer_costs=[0, 1e-8], success=chances))
    assert (found.status, found.profiles) == (Status.FAILED, ())
    assert "rounding may have changed the sign" in found.stats["reason"]
    singular = closed_form(jamming_model(2, [1, 2], success=[[1, 1], [1 - 1e-13, 1]]))
    assert (singular.status, singular.stats["reason"]) == (
        Status.SINGULAR,
        "the matrix of jamming probabilities is singular up to rounding",
    )
    clear = closed_form(jamming_model(1, [1, 2], costs=[0, 0.9 * tiny], jammer_costs=[0, 1e-8], success=chances))
    assert clear.status is Status.SOLVED
    assert clear.stats["least"] == pytest.approx(0.1, abs=1e-4)


def test_probabilities_beyond_float64_are_none():
    found = closed_form(jamming_model(2, [1, 2], costs=[0, 1e200], penalty=0, reward=1e-150))
    assert (found.status, found.profiles) == (Status.FAILED, ())
    assert found.stats["reason"].endswith("solve by markov_perfect")


def test_many_channels_and_powers_are_certified():
    powers = np.linspace(0.1, 0.3, 8)
    model = jamming_model(50, powers, channel_rewards=np.linspace(9.9, 10.1, 50), hop=0.05)
    profile = closed_form(model).require()
    assert profile.row.shape == (2500, 400)
    assert certified(model, profile, 0.9)


def test_one_channel_and_one_power():
    found = closed_form(jamming_model(1, [1]))
    assert [s.tolist() for s in found.require()] == [[[1]], [[1]]]
    assert [v.tolist() for v in found.stats["values"]] == [[-11], [9]]
    assert closed_form(jamming_model(1, [1], success="strict")).stats["values"][0].tolist() == [9]


@given(powers=st.integers(1, 4), rule=st.sampled_from(["threshold", "strict"]))
def test_one_channel_has_the_equilibrium_of_its_only_stage_game(powers, rule):
    model = jamming_model(1, np.arange(1, powers + 1), success=rule)
    (row, column), solved = closed_form(model).require(), completely_mixed(model.stage_game(0, 0)).require()
    np.testing.assert_allclose(row[0], solved.row, atol=1e-12)
    np.testing.assert_allclose(column[0], solved.column, atol=1e-12)
    assert certified(model, StationaryProfile(row, column), None)


def test_a_game_is_no_model():
    with pytest.raises(InvalidGame, match="model must be a JammingModel, got SwitchingGame"):
        closed_form(jamming_model().game())
