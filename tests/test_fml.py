"""Federated meta-learning: meta-gradients against automatic and finite differences, and what is done with them."""

import contextlib
import itertools
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from models.fml import (
    Diverged,
    Learning,
    Network,
    aggregate,
    batches,
    embedding,
    evaluate,
    initial,
    local_update,
    logits,
    loss,
    meta_batches,
    meta_gradient,
    on_device,
    personalise,
)
from models.fml import _descent as descent
from models.fml import _samples as placing
from solvers.core import InvalidGame, NotSolved

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
KINDS = ["hvp", "hf", "fo"]


def problem(seed, *, inputs=5, classes=3, hidden=(6, 4), users=3, own=7, dtype="float64", device="cpu"):
    """A network, samples around a centre per class, each user's positions, a model, and the generator."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, users * own)
    points = rng.normal(size=(classes, inputs))[labels] + 0.5 * rng.normal(size=(users * own, inputs))
    network, samples = Network(inputs, classes, hidden), on_device(points, labels, dtype=dtype, device=device)
    indices = [range(k * own, (k + 1) * own) for k in range(users)]
    return network, samples, indices, initial(network, samples, rng=rng), rng


def module(network, model):
    """The model as PyTorch's own modules have it."""
    parts = []
    for weights, biases in network.layers(model):
        layer = torch.nn.Linear(*weights.shape, dtype=model.dtype)
        layer.weight, layer.bias = torch.nn.Parameter(weights.T.clone()), torch.nn.Parameter(biases.clone())
        parts += [layer, torch.nn.ELU()]
    return torch.nn.Sequential(*parts[:-1])


def cost(network, samples, positions):
    """The loss of a model on the samples at `positions`, as a function that PyTorch differentiates."""
    return lambda model: loss(network, model, (samples.inputs[positions], samples.labels[positions]))


def slope(function, model, *, graph=False):
    """The gradient of a function by reverse differentiation."""
    at = model if model.requires_grad else model.clone().requires_grad_()
    return torch.autograd.grad(function(at), at, create_graph=graph)[0]


def plain_loop(network, samples, model, drawn, learning):
    """One user's models after its steps, and its losses and lengths: equations (2) and (3), one after another."""
    losses, norms = [], []
    for first, second, third in torch.from_numpy(drawn):
        costs = [cost(network, samples, positions) for positions in (first, second, third)]
        adapted = model - learning.step_size * slope(costs[0], model)
        ahead = along = slope(costs[1], adapted)
        if learning.gradient == "hvp":
            at = model.clone().requires_grad_()
            bend = torch.autograd.grad(slope(costs[2], at, graph=True), at, grad_outputs=ahead)[0]
        else:
            ends = [slope(costs[2], model + sign * learning.difference * ahead) for sign in (1, -1)]
            bend = (ends[0] - ends[1]) / (2 * learning.difference)
        if learning.gradient != "fo":
            along = ahead - learning.step_size * bend
        losses.append(costs[1](adapted).item())
        norms.append(along.norm().item())
        model = model - learning.meta_rate * along
    return model, losses, norms


# --- the meta-gradient ----------------------------------------------------------------------------------------------


def whole(function, rate):
    """F(θ) = f(θ − β∇f(θ)), which autograd differentiates through the inner step."""
    return lambda model: function(model - rate * slope(function, model, graph=True))


def full_batch_direction(gradient, **options):
    """The step that `local_update` takes on batches that are all of a user's samples, and that user's loss."""
    network, samples, _, model, _ = problem(1, users=1, own=9)
    everything = np.arange(9)
    learning = Learning(meta_rate=1.0, step_size=0.3, gradient=gradient, **options)
    update = local_update(network, model, samples, np.tile(everything, (1, 1, 3, 1)), learning)
    return model - update.models[0], model, cost(network, samples, everything)


def test_full_batches_give_the_gradient_of_the_whole_meta_loss():
    direction, model, function = full_batch_direction("hvp")
    assert_allclose(direction, slope(whole(function, 0.3), model), atol=1e-14)


def test_full_batches_give_its_finite_differences():
    direction, model, function = full_batch_direction("hvp")
    meta_loss = whole(function, 0.3)
    steps = 1e-6 * torch.eye(len(model), dtype=model.dtype)
    rows = [
        (meta_loss(plus) - meta_loss(minus)).item() / 2e-6
        for plus, minus in zip((model + steps).requires_grad_(), (model - steps).requires_grad_(), strict=True)
    ]
    assert_allclose(direction, rows, atol=1e-8)


def test_first_order_is_the_gradient_at_the_adapted_model():
    direction, model, function = full_batch_direction("fo")
    assert_allclose(direction, slope(function, model - 0.3 * slope(function, model)), atol=1e-14)
    exact, *_ = full_batch_direction("hvp")
    assert (direction - exact).norm() > 1e-3  # the Hessian's part is no rounding


def test_finite_differences_come_close_to_the_hessian():
    exact, *_ = full_batch_direction("hvp")
    errors = [(full_batch_direction("hf", difference=step)[0] - exact).norm() for step in (1e-2, 1e-3)]
    assert errors[0] < 1e-4
    assert errors[1] < errors[0] / 50  # second order


@pytest.mark.parametrize("gradient", KINDS)
def test_the_definition_is_the_gradient_of_the_whole_meta_loss_too(gradient):
    direction, model, _ = full_batch_direction(gradient)
    network, samples, *_ = problem(1, users=1, own=9)
    batch = samples.inputs[None], samples.labels[None]
    learning = Learning(step_size=0.3, gradient=gradient)
    found = meta_gradient(partial(loss, network), model[None], batch, batch, batch, learning=learning)
    assert_allclose(found[0], direction, atol=1e-10)


def quadratic(model, batch):
    """½ (θ − c)ᵀ A (θ − c), averaged over a batch of symmetric A and of c."""
    curvature, centre = batch
    away = model - centre
    return torch.einsum("ki,kij,kj->k", away, curvature, away).mean() / 2


def expected(function, data, model, *, independent):
    """The mean meta-gradient over all draws of batches of one sample each, and the one of the full batch."""
    count, learning = len(data[0]), Learning(step_size=0.2)
    triples = itertools.product(range(count), repeat=3) if independent else ((k, k, k) for k in range(count))
    drawn = [tuple(part[list(choice), None] for part in data) for choice in zip(*triples, strict=True)]
    users = len(drawn[0][0])
    everything = tuple(part[None] for part in data)
    mean = meta_gradient(function, model.expand(users, -1), *drawn, learning=learning).mean(0)
    return mean, meta_gradient(function, model[None], *[everything] * 3, learning=learning)[0]


def test_independent_batches_are_unbiased_for_quadratics_and_equal_ones_are_not():
    draw = torch.Generator().manual_seed(0)
    root = torch.randn(3, 2, 2, dtype=torch.float64, generator=draw)
    data = root @ root.mT, torch.randn(3, 2, dtype=torch.float64, generator=draw)
    model = torch.tensor([0.7, -1.3], dtype=torch.float64)
    mean, full = expected(quadratic, data, model, independent=True)
    assert_allclose(mean, full, atol=1e-13)
    mean, full = expected(quadratic, data, model, independent=False)
    assert (mean - full).norm() > 0.1


def test_independent_batches_are_biased_for_other_losses():
    data = (torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)[:, None],)
    mean, full = expected(
        lambda model, batch: ((model - batch[0]) ** 4).mean(), data, torch.tensor([0.3]).double(), independent=True
    )
    assert (mean - full).norm() > 0.1


# --- local updates ---------------------------------------------------------------------------------------------------


@fewer
@given(
    inputs=st.sampled_from([1, 3, 30]),  # with few inputs, or large batches, products are taken in another order
    hidden=st.lists(st.sampled_from([1, 2, 7, 20]), min_size=1, max_size=3),
    size=st.sampled_from([1, 4, 13]),
    gradient=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
)
def test_all_users_at_once_are_a_plain_loop_over_them(inputs, hidden, size, gradient, seed):
    network, samples, indices, model, rng = problem(seed, inputs=inputs, hidden=tuple(hidden))
    models = torch.stack([model, -model, 2 * model])
    drawn = meta_batches(indices, steps=2, size=size, rng=rng)
    learning = Learning(meta_rate=0.1, step_size=0.2, gradient=gradient, difference=1e-3)
    update = local_update(network, models, samples, drawn, learning)
    close = {"atol": 1e-9 if gradient == "hf" else 1e-12}
    for user, start in enumerate(models):
        end, losses, norms = plain_loop(network, samples, start, drawn[user], learning)
        assert_allclose(update.models[user], end, **close)
        assert_allclose(update.losses[user], losses, **close)
        assert_allclose(update.norms[user], norms, **close)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("gradient", KINDS)
def test_the_fast_steps_follow_the_definition_in_single_precision(gradient, device):
    network, samples, indices, model, rng = problem(2, dtype="float32", device=device)
    drawn = meta_batches(indices, steps=1, size=5, rng=rng)
    learning = Learning(meta_rate=1.0, step_size=0.1, gradient=gradient)
    parts = [torch.from_numpy(drawn[:, 0, part]).to(device) for part in range(3)]
    given_batches = [(samples.inputs[rows], samples.labels[rows]) for rows in parts]
    found = meta_gradient(partial(loss, network), model.expand(3, -1), *given_batches, learning=learning)
    step = model - local_update(network, model, samples, drawn, learning).models
    # a float32 gradient has an error of about 1e-7, which hf divides by 2e-4 and multiplies by 0.1
    assert_allclose(step.cpu(), found.cpu(), atol=5e-4 if gradient == "hf" else 1e-6)


def test_groups_of_users_change_nothing(monkeypatch):
    network, samples, indices, model, rng = problem(3, users=5)
    drawn, steps = meta_batches(indices, steps=3, size=4, rng=rng), [3, 0, 2, 1, 3]
    together = local_update(network, model, samples, drawn, steps=steps)
    monkeypatch.setitem(descent.GROUP, "cpu", 2)
    apart = local_update(network, model, samples, drawn, steps=steps)
    assert_allclose(apart.models, together.models, atol=1e-14)
    assert_allclose(apart.norms, together.norms, atol=1e-14)


def test_a_user_may_stop_early():
    network, samples, indices, model, rng = problem(4)
    drawn = meta_batches(indices, steps=4, size=3, rng=rng)
    short = local_update(network, model, samples, drawn, steps=[4, 2, 0])
    assert_allclose(short.models[0], local_update(network, model, samples, drawn).models[0], atol=1e-15)
    assert_allclose(short.models[1], local_update(network, model, samples, drawn[:, :2]).models[1], atol=1e-15)
    assert torch.equal(short.models[2], model)
    taken = np.arange(4) < np.array([[4], [2], [0]])
    assert_array_equal(short.norms > 0, taken)
    assert_array_equal(np.isfinite(short.losses), taken)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("gradient", KINDS)
def test_the_same_seed_gives_the_same_bits(gradient, device):
    def learnt(seed):
        network, samples, indices, model, rng = problem(seed, dtype="float32", device=device)
        drawn = meta_batches(indices, steps=5, size=4, rng=rng)
        return local_update(network, model, samples, drawn, Learning(gradient=gradient)).models

    assert torch.equal(learnt(5), learnt(5))
    assert not torch.equal(learnt(5), learnt(6))


def test_what_is_given_stays_as_it_was():
    network, samples, indices, model, rng = problem(6)
    before = model.clone(), samples.inputs.clone()
    local_update(network, model, samples, meta_batches(indices, rng=rng))
    personalise(network, model, samples, batches(indices, rng=rng))
    assert torch.equal(model, before[0])
    assert torch.equal(samples.inputs, before[1])


def test_rounds_of_learning_lower_the_loss_after_adaptation():
    network, samples, indices, model, rng = problem(7, users=6, own=30)
    course = []
    for _ in range(15):
        drawn = meta_batches(indices, steps=5, size=20, rng=rng)
        update = local_update(network, model, samples, drawn, Learning(meta_rate=0.1, step_size=0.1))
        model = aggregate(update.models)
        course.append(update.losses.mean())
    assert np.mean(course[-3:]) < 0.6 * np.mean(course[:3])


# --- losses that are not finite --------------------------------------------------------------------------------------


def one_user_out_of_range():
    """A problem whose second user has inputs at the limit of single precision, so that products exceed it."""
    network, samples, indices, model, rng = problem(8, dtype="float32")
    points = samples.inputs.clone()
    points[list(indices[1])] = 3e38
    return network, on_device(points, samples.labels, device="cpu"), indices, 10 * model, rng


@pytest.mark.parametrize("gradient", KINDS)
def test_a_loss_that_is_not_finite_names_round_and_user(gradient):
    network, samples, indices, model, rng = one_user_out_of_range()
    drawn = meta_batches(indices, steps=3, size=4, rng=rng)
    learning = Learning(gradient=gradient)
    with pytest.raises(Diverged, match=r"^round 12, Ben, step 1: the loss is (nan|inf); lower the rates"):
        local_update(network, model, samples, drawn, learning, names=["Ann", "Ben", "Cid"], round_number=12)
    with pytest.raises(Diverged, match=r"^user 1, step 1"):
        local_update(network, model, samples, drawn, learning)
    assert local_update(network, model, samples, drawn, learning, steps=[3, 0, 3]).models.isfinite().all()


def test_rates_that_are_too_high_are_noticed_in_the_step_where_it_shows():
    network, samples, indices, model, rng = problem(9, dtype="float32")
    with pytest.raises(Diverged, match=r"step [23]: .*lower the rates"):
        local_update(network, model, samples, meta_batches(indices, rng=rng), Learning(meta_rate=1e38))
    with pytest.raises(Diverged, match=r"^round 4, user 0, step [23]"):
        personalise(network, model, samples, batches(indices, rng=rng), rate=1e38, round_number=4)


def test_a_model_that_is_lost_in_the_last_step_is_noticed():
    network, samples, indices, model, rng = problem(9, dtype="float32")
    one_step = batches(indices, steps=1, rng=rng)
    with pytest.raises(Diverged, match="the model is not finite; lower the rates"):
        personalise(network, 1e3 * model, samples, one_step, rate=3e38)
    lost = torch.full((len(indices), network.size), torch.nan)
    for look in (evaluate, embedding):
        with pytest.raises(Diverged, match="user 0: what its model says is not finite"):
            look(network, lost, samples, indices)


def test_names_must_be_one_for_each_user():
    network, samples, indices, model, rng = problem(9, dtype="float32")
    with pytest.raises(InvalidGame, match=r"names must be \d+, one per user, got 1"):
        local_update(network, model, samples, meta_batches(indices, rng=rng), names=["Ann"])


def test_a_mean_is_of_finite_floats_and_weights_of_any_size():
    assert aggregate(torch.tensor([[1.0], [3.0]]), [1e308, 1e308]).tolist() == [2.0]
    for models in (torch.tensor([[1.0], [torch.inf]]), torch.tensor([[0], [1]]), np.ones((2, 3))):
        with pytest.raises(InvalidGame, match=r"models must be (finite|a tensor of floats)"):
            aggregate(models, [1, 0])


# --- aggregation -----------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), users=st.integers(1, 40))
def test_the_mean_does_not_depend_on_the_order(seed, users):
    rng = np.random.default_rng(seed)
    models, weights = torch.from_numpy(rng.normal(size=(users, 9))), rng.uniform(0, 1, users) + 1e-3
    order = rng.permutation(users)
    assert_allclose(aggregate(models[order], weights[order]), aggregate(models, weights), atol=1e-14)
    assert_allclose(aggregate(models), models.numpy().mean(0), atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1), users=st.integers(1, 40))
def test_equal_models_are_their_own_mean_to_the_bit(seed, users):
    rng = np.random.default_rng(seed)
    model = torch.from_numpy(rng.normal(size=9).astype(np.float32))
    assert torch.equal(aggregate(model.expand(users, -1)), model)
    assert torch.equal(aggregate(model.expand(users, -1), rng.uniform(0.1, 1, users)), model)


def test_weights_count_as_repetitions():
    models = torch.tensor([[1.0, 2.0], [5.0, -2.0]])
    assert torch.equal(aggregate(models, [3, 1]), aggregate(models[[0, 0, 0, 1]]))
    assert torch.equal(aggregate(models, [0.0, 2.0]), models[1])


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, np.nan], [[1.0, 1.0]]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(InvalidGame, match="weights must"):
        aggregate(torch.ones(2, 3), weights)


def test_nobody_has_no_mean():
    with pytest.raises(InvalidGame, match="at least one user"):
        aggregate(torch.ones(0, 3))


# --- personalisation, scores, embeddings ------------------------------------------------------------------------------


def test_personalisation_is_gradient_descent():
    network, samples, indices, model, rng = problem(10)
    drawn = batches(indices, steps=3, size=4, rng=rng)
    found = personalise(network, model, samples, drawn, rate=0.2)
    for user in range(3):
        own = module(network, model)
        descend = torch.optim.SGD(own.parameters(), lr=0.2)
        for rows in torch.from_numpy(drawn[user]):
            descend.zero_grad()
            torch.nn.CrossEntropyLoss()(own(samples.inputs[rows]), samples.labels[rows]).backward()
            descend.step()
        assert_allclose(logits(network, found[user], samples.inputs), own(samples.inputs).detach(), atol=1e-13)


def test_each_step_of_personalisation_on_all_samples_lowers_the_loss():
    network, samples, indices, model, _ = problem(11, own=12)
    course = [
        evaluate(
            network,
            personalise(network, model, samples, np.tile(np.array(indices)[:, None], (1, k, 1)), rate=0.1),
            samples,
            indices,
        ).loss
        for k in range(6)
    ]
    assert (np.diff(course, axis=0) < 0).all()
    assert_allclose(course[0], evaluate(network, model, samples, indices).loss)


def test_scores_are_those_of_the_users_own_samples():
    network, samples, _, model, _ = problem(12)
    models, indices = torch.stack([model, -model]), [[0, 5, 6], [3, 3, 4, 20]]
    found = evaluate(network, models, samples, indices)
    for user, rows in enumerate(indices):
        values = module(network, models[user])(samples.inputs[rows]).detach()
        labels = samples.labels[rows]
        assert found.accuracy[user] == (values.argmax(1) == labels).double().mean()
        assert_allclose(found.loss[user], torch.nn.CrossEntropyLoss()(values, labels))


def test_embeddings_are_means_of_what_the_layer_before_the_head_gives():
    network, samples, _, model, _ = problem(13)
    indices = [[0, 5, 6], [3, 4]]
    found = embedding(network, model, samples, indices)
    values = module(network, model)[:-1](samples.inputs).detach()
    assert found.shape == (2, 4)
    assert_allclose(found, [values[rows].mean(0) for rows in indices])
    assert_allclose(embedding(network, torch.stack([model, -model]), samples, indices)[0], found[0])


# --- batches, the network, samples -----------------------------------------------------------------------------------


def test_batches_are_drawn_evenly_and_independently_from_the_users_own_samples():
    drawn = meta_batches([[3, 4, 7, 9], [5]], steps=2000, size=3, rng=np.random.default_rng(0))
    assert drawn.shape == (2, 2000, 3, 3)
    assert (drawn[1] == 5).all()
    values, counts = np.unique(drawn[0], return_counts=True)
    assert values.tolist() == [3, 4, 7, 9]
    assert (abs(counts - 4500) < 5 * np.sqrt(18000 * 3 / 16)).all()
    equal = (drawn[0, :, 0] == drawn[0, :, 1]).mean()
    assert abs(equal - 1 / 4) < 5 * np.sqrt(3 / 16 / 6000)


def test_a_batch_may_be_larger_than_the_data():
    network, samples, indices, model, rng = problem(14, own=2)
    drawn = meta_batches(indices, steps=1, size=50, rng=rng)
    assert local_update(network, model, samples, drawn).models.isfinite().all()


def test_the_network_of_the_paper():
    network = Network(784, 10)
    model = torch.arange(network.size, dtype=torch.float64)
    shapes = [(weights.shape, biases.shape) for weights, biases in network.layers(model)]
    assert shapes == [((784, 80), (80,)), ((80, 60), (60,)), ((60, 10), (10,))]
    assert torch.equal(torch.cat([part.flatten() for layer in network.layers(model) for part in layer]), model)


def test_logits_are_those_of_the_same_network_in_pytorch():
    network, samples, _, model, _ = problem(15, hidden=(6, 4, 5))
    assert_allclose(logits(network, model, samples.inputs), module(network, model)(samples.inputs).detach(), atol=1e-14)


def test_a_first_model_is_within_its_limits_and_fills_them():
    samples = on_device(np.zeros((1, 100)), [0], device="cpu", dtype="float64")
    network = Network(100, 2, hidden=(400,))
    model = initial(network, samples, rng=np.random.default_rng(0))
    for (weights, biases), limit in zip(network.layers(model), (0.1, 0.05), strict=True):
        assert 0.99 * limit < weights.abs().max() <= limit
        assert biases.abs().max() <= limit


def test_samples_do_not_share_memory_with_what_they_came_from():
    for points in (np.ones((2, 3), np.float32), torch.ones(2, 3)):
        samples = on_device(points, [0, 1], device="cpu")
        points[:] = 5
        assert (samples.inputs == 1).all()


def test_threads_are_those_asked_for_and_given_back():
    before = torch.get_num_threads()
    samples = on_device(np.ones((2, 3)), [0, 1], device="cpu", threads=before + 1)
    with contextlib.suppress(ZeroDivisionError), placing.computing(samples):
        assert torch.get_num_threads() == before + 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Learning(gradient="sgd"), "gradient must be one of hvp, hf, fo, got 'sgd'"),
        (lambda: Learning(meta_rate=0), "meta_rate must be positive and at most 3.40282e.38, got 0"),
        (lambda: Learning(step_size=np.nan), "step_size must be positive"),
        (lambda: Network(4, 1), "classes must be at least 2"),
        (lambda: Network(4, 2, hidden=()), "at least one layer"),
        (lambda: Network(4, 2, hidden=(0,)), "positive integers"),
        (lambda: Network(4, 2, hidden=("a",)), "positive integers"),
        (
            lambda: batches([[1]], steps=0, rng=np.random.default_rng()),
            "steps and size must be at least 1, got 0 and 40",
        ),
        (lambda: batches([], rng=np.random.default_rng()), "at least one user"),
        (lambda: batches([[1], []], rng=np.random.default_rng()), "at least one sample.*user 1"),
        (lambda: batches([[0.5]], rng=np.random.default_rng()), "by integers, user 0"),
        (lambda: on_device([[1, 2]], [0, 1]), r"labels must be \(1,\)"),
        (lambda: on_device([1, 2], [0, 1]), r"inputs must be \(N, d\)"),
        (lambda: on_device([[1], [1, 2]], [0, 1]), "rows of different lengths"),
        (lambda: on_device([["a"]], [0]), "inputs must be real numbers"),
        (lambda: on_device([[1.0]], [0.0]), "labels must be integers"),
        (lambda: on_device([[1.0], [np.nan]], [0, 1]), "inputs must be finite .*sample 1"),
        (lambda: on_device([[1e300]], [0]), "inputs must be finite in torch.float32"),
        (lambda: on_device([[1.0]], [-1]), "labels must count from 0, got -1"),
        (lambda: on_device([[1.0]], [0], dtype="int8"), "dtype must be float32 or float64"),
        (lambda: on_device([[1.0]], [0], threads=0), "threads must be at least 1"),
        (
            lambda: on_device([[1.0]], [0], device="abacus"),
            "device must be auto, cpu, cuda, cuda:N, mps or xpu, got `abacus`",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_once(make, message):
    with pytest.raises(InvalidGame, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batches": np.zeros((2, 0, 3, 4), int)}, "at least one step"),
        ({"batches": np.zeros((2, 1, 2, 4), int)}, r"must be \(users, steps, 3, size\)"),
        ({"batches": np.zeros((2, 1, 3, 0), int)}, "batches must be integers"),
        ({"batches": np.zeros((2, 1, 3, 4))}, "batches must be integers"),
        ({"batches": np.full((2, 1, 3, 4), 14)}, "positions must be in 0 to 13, got 14"),
        ({"batches": np.full((2, 1, 3, 4), -1)}, "positions must be in 0 to 13, got -1"),
        ({"models": torch.zeros(5).double()}, r"models must be \(\d+,\) or \(2, \d+\), got shape \(5,\)"),
        ({"models": torch.zeros(Network(5, 3, (6, 4)).size)}, "models must be, as the samples are, torch.float64"),
        ({"steps": [1]}, r"steps must be \(2,\) integers in 0 to 1"),
        ({"steps": [1, 2]}, "integers in 0 to 1"),
        ({"network": Network(4, 3)}, "samples must have 4 inputs"),
        ({"network": Network(5, 2)}, "labels must be below 2"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    network, samples, indices, model, rng = problem(16, users=2)
    drawn = meta_batches(indices, steps=1, size=4, rng=rng)
    whole_call = {"network": network, "models": model, "samples": samples, "batches": drawn}
    with pytest.raises(InvalidGame, match=message):
        local_update(**(whole_call | change))


def test_names_load_without_pytorch_and_its_absence_is_one_sentence():
    program = """
import sys
from models.fml import *
assert "torch" not in sys.modules
sys.modules["torch"] = None
try:
    on_device([[1.0]], [0])
except Exception as error:
    print(type(error).__name__, error, sep=": ")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "NotSolved: federated learning needs PyTorch; install certeq[fml]\n"
    assert issubclass(Diverged, NotSolved)
