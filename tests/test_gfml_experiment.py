"""Algorithm 2 of the dual-game paper, corrected, and its rivals: round after round on the embedded digits."""

import itertools
import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from models.data import digits
from models.fml import Diverged, aggregate, local_update, meta_batches
from models.gfml import FRAMEWORKS, Devices, Experiment, Parameters, devices, incentive_game, play, summary
from models.gfml._experiment import LEARNING
from models.gfml._incentives import Coalition
from models.gfml.baselines import CLUSTERED, DRAWN, GRAND, RANDOM, STACKELBERG, SWITCHING
from models.reputation import proportional_contribution, similarity, training_contribution
from solvers.core import InvalidGame
from solvers.stackelberg import load, solve
from verification import certify

SMALL = Parameters(users=12, coalitions=3, steps=3, batch=8, hidden=(12, 8), passive_samples=(1, 5), cycles=100 / 3)


@pytest.fixture(scope="module")
def data():
    return digits()


def run(data, framework="gfml", parameters=SMALL, rounds=3, seed=0):
    """The states and documents of the rounds."""
    experiment = Experiment(data, framework, parameters, certify=certify, seed=seed)
    return experiment, [(state, record.document()) for state, record in play(experiment, rounds)]


# --- every framework ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_five_rounds_of_every_framework(data, framework):
    experiment, found = run(data, framework, rounds=5)
    rules, machines = FRAMEWORKS[framework], experiment.devices
    for k, (state, page) in enumerate(found, 1):
        assert page["round"] == state.round == k
        assert 0 <= page["accuracy"] <= 1
        assert math.isfinite(page["loss"])
        assert set(page["personalised"]) == {"1", "10"}
        assert len(page["prices"]) == (1 if rules.coalitions is GRAND else 3)
        if rules.resources is DRAWN:
            assert page["certificate"] is None
        else:
            assert page["certificate"]["holds"]
            assert page["certificate"]["concept"] == (
                "Stackelberg" if rules.resources is STACKELBERG else "best responses"
            )
        assert (page["stable"] is None) == (rules.coalitions is not SWITCHING)
        assert page["stable"] in (None, True) or page["cycling"]
        for price in filter(None, page["prices"]):
            assert 5 <= price <= 15 if rules.resources is STACKELBERG else price == 15
        assert page["profit"] == pytest.approx(np.mean(page["profits"]))
        assert page["provider_utility"] == pytest.approx(sum(page["provider_utilities"]))
        # who took part met the head's deadline, at a frequency within its limits
        gone = {entry["name"] for entry in page["dropped"]}
        for i, slot in enumerate(page["coalitions"]):
            if slot != -1 and machines.names[i] not in gone:
                speed = state.frequencies[i]
                assert machines.slowest <= speed <= machines.fastest
                time = machines.cycles[i] / speed + machines.sending[i]
                assert time <= machines.deadlines[page["heads"][slot]] * (1 + 1e-9)
            else:
                assert page["profits"][i] == 0
        if rules.coalitions in (SWITCHING, CLUSTERED, RANDOM):
            assert [page["coalitions"][head] for head in page["heads"]] == [0, 1, 2]
    assert summary([page for _, page in found])["certified"] is (None if rules.resources is DRAWN else True)


def test_the_framework_learns(data):
    """At a rate at which 25 rounds are enough, the models of the heads beat guessing among ten classes by far."""
    parameters = replace(SMALL, meta_rate=0.1, steps=10, cycles=10.0, gradient="fo")
    _, found = run(data, "best-effort-optimized", parameters, rounds=25)
    assert np.mean([page["personalised"]["10"] for _, page in found[-3:]]) > 0.7


def test_clusters_stay_and_random_coalitions_change(data):
    slots = [page["coalitions"] for _, page in run(data, "fixed-stackelberg")[1]]
    assert slots[0] == slots[1] == slots[2]
    assert set(slots[0]) == {0, 1, 2}
    slots = [page["coalitions"] for _, page in run(data, "random-stackelberg")[1]]
    assert slots[0] != slots[1]
    assert all(np.bincount(row).tolist() == [4, 4, 3] for row in slots)


def test_what_does_not_depend_on_the_framework_is_the_same_for_all(data):
    both = [Experiment(data, name, SMALL, certify=certify, seed=3) for name in ("gfml", "random-random")]
    first, second = (experiment.devices for experiment in both)
    for field in fields(Devices):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name))
    models = [experiment.start().models[0] for experiment in both]
    assert torch.equal(*models)
    assert all(np.array_equal(a.train, b.train) for a, b in zip(both[0].active, both[1].active, strict=True))


# --- stability, by the printed formula -----------------------------------------------------------------------------


def equation_10(experiment, before, page, i, j, members):
    """What user i earns in coalition j with these members, by equation (10), from the numbers of the round."""
    p, machines = experiment.parameters, experiment.devices
    embeddings = page["embeddings"]
    heads = page["heads"]
    alike = similarity(embeddings[: len(machines.names)], heads)
    known = before.reputation.overall(np.maximum(alike, 0), weighting=p.weighting)[:, j]
    peak = max(known[k] for k in members)

    def worth(r):
        if r < p.threshold:
            return p.floor * math.exp(r - p.threshold)
        if peak == p.threshold:
            return p.floor
        return p.floor + (1 - p.floor) * math.log(1 + (math.e - 1) * (r - p.threshold) / (peak - p.threshold))

    left = machines.deadlines[heads[j]] - machines.sending[i]
    needed = machines.cycles[i] / left if left > 0 else math.inf
    if needed > machines.fastest:
        return -math.inf
    speed = max(before.frequencies[i], needed)
    factor = (speed - machines.slowest) / (machines.fastest - machines.slowest)
    share = machines.data[i] / sum(machines.data[k] for k in members)
    pay = p.reputation_incentive * sum(worth(known[k]) for k in members) / len(members)
    cost = p.energy_price * p.steps * p.cycles * machines.data[i] * p.capacitance * speed**2
    return (alike[i, j] + factor * share) * before.prices[j] + pay - cost


@pytest.mark.parametrize("seed", range(3))
def test_a_partition_called_stable_passes_every_deviation_by_equation_10(data, seed):
    experiment = Experiment(data, "gfml", SMALL, certify=certify, seed=seed)
    before, judged = experiment.start(), 0
    for _ in range(3):
        after, record = experiment.play(before)
        page = record.document() | {"embeddings": after.embeddings}
        slots = page["coalitions"]
        if page["stable"]:
            judged += 1
            for i, slot in enumerate(slots):
                if i in page["heads"]:
                    continue
                groups = [[k for k, s in enumerate(slots) if s == j and k != i] for j in range(3)]
                worths = [equation_10(experiment, before, page, i, j, [*groups[j], i]) for j in range(3)]
                here = 0.0 if slot == -1 else worths[slot]
                assert max(0.0, *worths) <= here + 1e-7
        before = after
    assert judged


# --- the incentive game ---------------------------------------------------------------------------------------------


def test_the_incentive_game_is_the_bundled_declaration():
    bundled = load("gfml")
    members = np.flatnonzero(bundled.table["coalition"] == 1)
    table = {name: column[members] for name, column in bundled.table.items()}
    parameters, deadline = Parameters(), float(table["T_max"][0])
    machines = Devices(
        names=tuple(bundled.names[i] for i in members),
        data=table["D"],
        sending=10 / table["B"],
        deadlines=table["T_max"],
        cycles=100 * table["D"],
        energy=1e-28 * 100 * table["D"],
        slowest=1e7,
        fastest=1e9,
        misbehaving=np.zeros(len(members), dtype=bool),
    )
    # reputations whose worth H is that of the table: all below the threshold, where H = exp(R - 1/2)/2, or at the peak
    low = np.log(2 * table["H"].clip(max=0.5)) + 0.5
    coalition = Coalition(1, np.arange(len(members)), deadline, table["S"], low)
    game = incentive_game(coalition, machines, parameters)
    assert game.form == bundled.form
    assert np.allclose(game.table["H"], table["H"].clip(max=0.5))
    again = bundled.declare(
        price=bundled.form.price,
        decision=bundled.form.decision,
        bounds=(5.0, 15.0),
        leader_utility=bundled.form.leader_utility,
        follower_utility=bundled.form.follower_utility,
        constraints={c.name: (c.left, c.right) for c in bundled.form.constraints},
        table=table | {"H": game.table["H"], "coalition": np.zeros(len(members))},
        parameters=bundled.parameters,
        derived=bundled.derived,
        participation=False,
    )
    assert solve(game).require().price == pytest.approx(solve(again).require().price, rel=1e-12)


def test_who_cannot_meet_the_deadline_is_dropped_by_name_and_the_others_play(data):
    """Two in three users have more to do than the strictest deadlines allow."""
    parameters = replace(SMALL, data=1.25e8)
    _, found = run(data, "best-effort-stackelberg", parameters, rounds=1)
    page = found[0][1]
    assert 0 < len(page["dropped"]) < 11
    assert page["certificate"]["holds"]
    assert all("the deadline of coalition 0 is" in entry["reason"] for entry in page["dropped"])


def test_where_nobody_can_meet_the_deadline_the_model_stays_as_it_was(data):
    experiment, found = run(data, "random-stackelberg", replace(SMALL, data=1e9), rounds=2)
    state, page = found[-1]
    assert torch.equal(state.models, experiment.start().models)
    assert page["prices"] == [None] * 3
    assert len(page["dropped"]) == 11
    assert page["completion_time"] is None
    assert page["profit"] == page["provider_utility"] == 0
    assert summary([page])["mean_price"] is None


def test_users_stay_out_where_all_coalitions_cost_more_than_they_pay(data):
    """Energy at a hundred times its price: only heads, who have no choice, are left in coalitions."""
    _, found = run(data, "gfml", replace(SMALL, energy_price=10.0), rounds=2)
    page = found[-1][1]
    inside = [i for i, slot in enumerate(page["coalitions"]) if slot != -1]
    assert inside == sorted(page["heads"])
    assert page["stable"]


# --- the four bugs of the printed algorithm ---------------------------------------------------------------------------


def test_embeddings_are_made_anew_in_every_chi_th_round(data):
    """The printed counter runs with every round, so that for chi = 2 they never are."""
    _, found = run(data, "random-random", replace(SMALL, refresh=2), rounds=4)
    first, second, third, fourth = (state.embeddings for state, _ in found)
    assert np.array_equal(first, second)
    assert np.array_equal(third, fourth)
    assert not np.array_equal(second, third)


def test_users_start_from_their_head_s_model_which_is_the_mean_of_theirs(data):
    """As printed they start from their own last model, and the mean is for nothing."""
    experiment, found = run(data, "best-effort-optimized", replace(SMALL, data=5e7), rounds=2)
    (before, _), (after, page) = found
    assert not page["dropped"]
    drawn = meta_batches(
        [user.train for user in experiment.active], steps=3, size=8, rng=np.random.default_rng([0, LEARNING, 2])
    )
    update = local_update(experiment.network, before.models[0], experiment.samples, drawn, experiment.learning)
    assert torch.equal(after.models[0], aggregate(update.models))
    assert update.norms.shape[1] == 3  # all of the steps 0 to τ − 1


def test_heads_are_chosen_before_coalitions_form_and_by_the_last_reputations(data):
    _, found = run(data, "gfml", rounds=4)
    for (before, last), (_, page) in itertools.pairwise(found):
        for j, head in enumerate(page["heads"]):
            assert last["coalitions"][head] == j  # it was a member when it was chosen
        known = before.reputation.total
        assert known.max() > 0


# --- misbehaviour and reputations -----------------------------------------------------------------------------------


def test_who_leaves_out_steps_has_a_lower_reputation_unless_it_can_tamper(data):
    parameters = replace(SMALL, users=20, misbehaving=0.5, shirked=2 / 3)
    experiment, found = run(data, "best-effort-optimized", parameters, rounds=4)
    lazy = experiment.devices.misbehaving
    assert lazy.sum() == 9
    page = found[-1][1]
    known = np.array(page["reputations"])
    assert known[lazy].mean() < 0.6 * known[~lazy].mean()
    _, cheated = run(data, "best-effort-optimized", replace(parameters, tampered=True), rounds=4)
    claimed = np.array(cheated[-1][1]["reputations"])
    assert claimed[lazy].mean() > claimed[~lazy].mean()
    assert np.array_equal(claimed[~lazy], known[~lazy])


@pytest.mark.parametrize(("shirked", "saved"), [(2 / 3, 2 / 3), (0.5, 2 / 3), (0.1, 0.0), (1.0, 1.0)])
def test_steps_that_are_left_out_save_their_energy(data, shirked, saved):
    """Whole steps of three are left out."""
    parameters = replace(SMALL, misbehaving=0.5, shirked=shirked)
    experiment, found = run(data, "best-effort-optimized", parameters, rounds=1)
    honest = run(data, "best-effort-optimized", replace(parameters, misbehaving=0.0), rounds=1)[1][0][1]
    state, page = found[0]
    lazy = experiment.devices.misbehaving
    energy = experiment.devices.energy * state.frequencies**2
    gained = np.array(page["profits"]) - np.array(honest["profits"])
    assert gained == pytest.approx(np.where(lazy, energy * saved, 0.0))
    assert page["misbehaving_profit"] == pytest.approx(np.array(page["profits"])[lazy].mean())


def test_proportional_contributions_leave_the_least_honest_user_something():
    efforts = training_contribution([[1.6] * 10, [1.5] * 10, [1.6] * 5 + [0.0] * 5], 40, drift=0, noise=0)
    u = proportional_contribution(efforts)
    assert u[0] == 1
    assert 0.7 < u[1] < 1
    assert u[2] == pytest.approx(0.0)
    assert proportional_contribution([0.0, 0.0]).tolist() == [-1, -1]
    with pytest.raises(InvalidGame, match="must not be negative, got -1 at"):
        proportional_contribution([1.0, -1.0])


# --- the same again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", ["gfml", "fixed-optimized"])
def test_the_same_seed_gives_the_same_bits_and_a_checkpoint_goes_on_with_them(data, framework):
    parameters = replace(SMALL, misbehaving=0.3, refresh=2)
    _, whole = run(data, framework, parameters, rounds=4, seed=5)
    experiment = Experiment(data, framework, parameters, certify=certify, seed=5)
    state = experiment.start()
    for k in range(4):
        state, record = experiment.play(state)
        assert record.document() == whole[k][1]
        assert torch.equal(state.models, whole[k][0].models)
        experiment = Experiment(data, framework, parameters, certify=certify, seed=5)
        state = experiment.restore(state.to_bytes())
    assert run(data, framework, parameters, rounds=1, seed=6)[1][0][1] != whole[0][1]


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:100], lambda b: b"not an archive"])
def test_a_damaged_checkpoint_is_refused(data, damage):
    experiment, found = run(data, rounds=1)
    with pytest.raises(InvalidGame, match="a checkpoint must be one of this experiment"):
        experiment.restore(damage(found[0][0].to_bytes()))


def test_a_checkpoint_of_another_experiment_is_refused(data):
    _, found = run(data, rounds=1)
    other = Experiment(data, "gfml", replace(SMALL, hidden=(4,)), certify=certify)
    with pytest.raises(InvalidGame, match="a checkpoint must be one of this experiment"):
        other.restore(found[0][0].to_bytes())


def test_a_checkpoint_of_the_same_shape_from_another_experiment_is_refused(data):
    _, found = run(data, rounds=1)
    for other in (
        Experiment(data, "gfml", SMALL, certify=certify, seed=1),
        Experiment(data, "gfml-random", SMALL, certify=certify),
        Experiment(data, "gfml", replace(SMALL, forgetting=0.1), certify=certify),
    ):
        with pytest.raises(InvalidGame, match="got one of another"):
            other.restore(found[0][0].to_bytes())


# --- what cannot be ---------------------------------------------------------------------------------------------------


def test_a_loss_that_is_lost_names_round_and_user(data):
    with pytest.raises(Diverged, match=r"round 1, user \d+, step"):
        run(data, parameters=replace(SMALL, meta_rate=1e30, hidden=(30, 30)), rounds=2)


@pytest.mark.parametrize("rate", [10.0, 30.0])
def test_a_model_that_is_lost_between_rounds_names_round_and_user(data, rate):
    """Units that saturate alike give embeddings without differences, which is no bad input."""
    with pytest.raises(Diverged, match=r"round \d+, user \d+"):
        run(data, parameters=replace(SMALL, meta_rate=rate, gradient="fo", steps=6), rounds=6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coalitions": 41}, "coalitions must be at most 36, the number of active users, got 41"),
        ({"coalitions": 0}, "coalitions must be an integer of at least 1, got 0"),
        ({"refresh": 0}, "refresh must be an integer of at least 1, got 0"),
        ({"users": 2.0}, "users must be an integer of at least 1, got 2.0"),
        ({"batch": True}, "batch must be an integer"),
        ({"meta_rate": 0.0}, "meta_rate must be positive, got 0"),
        ({"meta_rate": math.nan}, "meta_rate must be a finite number, got nan"),
        ({"gradient": "sgd"}, "gradient must be one of hvp, hf, fo, got 'sgd'"),
        ({"misbehaving": 1.5}, r"misbehaving must be in \[0, 1\], got 1.5"),
        ({"passive": 1.0}, r"passive must be in \[0, 1\), got 1"),
        ({"test": 0.0}, r"test must be in \(0, 1\), got 0"),
        ({"users": 1, "coalitions": 1, "passive": 0.9}, "there must be an active user, got 1 users, 0.9 of them"),
        ({"incentives": (15.0, 5.0)}, "incentives must be two numbers low <= high"),
        ({"incentives": (5.0, 5.0)}, "incentives must be two numbers 0 <= low < high"),
        ({"incentives": (5.0,)}, "incentives must be two numbers"),
        ({"rates": (0.0, 1.0)}, "rates and deadlines must be positive"),
        ({"slowest": 1e9}, "slowest must be below fastest"),
        ({"personalisation": ()}, "personalisation must be a list of integers"),
        ({"personalisation": (10, 1)}, "personalisation must be increasing"),
        ({"model": -1.0}, "model must not be negative, got -1"),
        ({"data": 1e101}, "data must be at most 1e"),
        ({"centred": 1}, "centred must be true or false, got 1"),
    ],
)
def test_parameters_that_cannot_be_are_refused(changes, message):
    with pytest.raises(InvalidGame, match=message):
        Parameters(**changes)


def test_parameters_are_known_by_name_and_survive_json():
    parameters = replace(SMALL, tampered=True, rates=(6.0, 7.0))
    assert Parameters.from_document(parameters.document()) == parameters
    with pytest.raises(InvalidGame, match="`user` is not a parameter; did you mean `users`"):
        Parameters.from_document({"user": 3})


def test_classes_that_do_not_fit_and_unknown_frameworks_are_refused(data):
    with pytest.raises(InvalidGame, match="classes_each must be at most 10"):
        Experiment(data, "gfml", replace(SMALL, classes_each=11), certify=certify)
    with pytest.raises(InvalidGame, match="`gfm` is not a framework; did you mean `gfml`"):
        Experiment(data, "gfm", certify=certify)
    with pytest.raises(InvalidGame, match="seed must be an integer >= 0, got -1"):
        Experiment(data, seed=-1, certify=certify)


@pytest.mark.parametrize("changes", [{"users": 1, "coalitions": 1}, {"users": 2, "coalitions": 2, "passive": 0.0}])
def test_the_smallest_federations(data, changes):
    for framework in FRAMEWORKS:
        _, found = run(data, framework, replace(SMALL, **changes), rounds=1)
        assert found[0][1]["passive"] == {}


def test_devices_are_drawn_within_their_ranges():
    parameters = Parameters(users=300, misbehaving=0.25)
    found = devices([10] * 150 + [30] * 150, ["x"] * 300, parameters, rng=np.random.default_rng(0))
    assert found.data.mean() == pytest.approx(7.2e7)
    assert found.data[200] == 3 * found.data[0]
    assert found.sending.min() >= 1
    assert found.sending.max() <= 2
    assert found.misbehaving.sum() == 75
    assert found.deadlines.min() >= 11
    assert found.deadlines.max() <= 20
    assert found.required(11.0)[0] == pytest.approx(found.cycles[0] / (11.0 - found.sending[0]))
    assert np.isinf(found.required(1.0)).all()
    assert found.required(1e9).tolist() == [1e7] * 300
