"""Properties of federated learners: reputations, meta-gradients, aggregation, and the record of it all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from models import reputation
from models.reputation import Record, ReputationState
from verification.properties._property import Property

Table: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

USERS = 4
LONGEST = 6  # rounds
KINDS = ("hvp", "hf", "fo")  # of meta-gradients


def _tenths(low: int, high: int) -> st.SearchStrategy[float]:
    """Multiples of 1 / 10 from `low` / 10 to `high` / 10."""
    return st.integers(low, high).map(lambda k: k / 10)


def _lists(entries: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(entries, min_size=size, max_size=size)


def _apart(found: Any, wanted: Any) -> float:
    """The largest difference, relative to numbers above 1."""
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    if found.size == 0:
        return 0.0
    return float(np.max(np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))))


# --- reputations as utilities, (11) and (12) -------------------------------------------------------------------------


@st.composite
def _standings(draw: Draw) -> tuple[Table, float, float]:
    """Reputations with one above the threshold, the threshold, and the floor."""
    threshold, floor = draw(st.integers(-16, 16)) / 8, draw(_tenths(1, 9))
    own = draw(st.lists(st.integers(-40, 160), min_size=1, max_size=6))
    return np.array([*own, 8 * threshold + draw(st.integers(1, 160))]) / 8, threshold, floor


def _plain_utility(R: float, peak: float, threshold: float, floor: float) -> float:
    """H of one user: exponential below the threshold, logarithmic above it, 1 at the peak."""
    if threshold > R:
        return floor * math.exp(R - threshold)
    return floor + (1 - floor) * math.log(1 + (math.e - 1) * (R - threshold) / (peak - threshold))


def _utility_off(drawn: tuple[Table, float, float]) -> float:
    own, threshold, floor = drawn
    found = reputation.reputation_utility(own, threshold=threshold, floor=floor)
    return _apart(found, [_plain_utility(R, own.max(), threshold, floor) for R in own])


def _utility_rises(drawn: tuple[Table, float, float]) -> float:
    own, threshold, floor = drawn
    own = np.sort(np.append(own, threshold))
    worth = reputation.reputation_utility(own, threshold=threshold, floor=floor)
    assert np.all(worth > 0), f"a reputation is worth {worth.min():.3g}"
    assert np.all(np.diff(worth)[np.diff(own) > 0] > 0), f"worth {worth.tolist()} does not rise with {own.tolist()}"
    scaled = reputation.reputation_utility(3 * own + 2, threshold=3 * threshold + 2, floor=floor)
    above = own >= threshold
    return max(abs(float(worth[-1]) - 1), _apart(scaled[above], worth[above]))


# --- similarity, (13) ------------------------------------------------------------------------------------------------


def _embeddings() -> st.SearchStrategy[Table]:
    vector = _lists(st.integers(-9, 9), 3).filter(any)
    return _lists(vector, USERS).map(lambda rows: np.array(rows, dtype=float))


def _similarity_off(vectors: Table) -> float:
    heads = [0, 1]
    found = reputation.similarity(vectors, heads)
    wanted = [[float(a @ b / math.sqrt((a @ a) * (b @ b))) for b in vectors[heads]] for a in vectors]
    factors = np.array([[1.0], [7.0], [0.5], [3.0]])
    scaled = reputation.similarity(vectors * factors, heads)
    turned = reputation.similarity(vectors * np.array([[1.0], [1.0], [-1.0], [-1.0]]), heads)
    assert found[0, 1] == found[1, 0], f"the heads' similarity is {found[0, 1]} and {found[1, 0]}"
    return max(_apart(found, wanted), _apart(scaled, found), _apart(turned[2:], -found[2:]))


# --- contributions, (14) and (15) ------------------------------------------------------------------------------------


def _contribution_off(drawn: tuple[float, float, float]) -> float:
    u, slack, more = drawn
    found = float(reputation.contribution(u, slack))
    wanted = (1 + u) * math.log(1 + slack) if slack > 0 else 0.0
    least = [float(reputation.contribution(-1.0, slack)), float(reputation.contribution(u, min(slack, 0.0)))]
    assert least == [0.0, 0.0], f"who did nothing, or was late, contributed {least}"
    assert float(reputation.contribution(u, slack + more)) >= found, "more time left is worth less"
    return _apart(found, wanted)


def _training_off(drawn: tuple[list[list[float]], list[int]]) -> float:
    norms, data = drawn
    found = reputation.training_contribution(norms, data)
    wanted = [sum(g * g - 2 * (1 + 1 / math.sqrt(D)) * g for g in row) for row, D in zip(norms, data, strict=True)]
    least = [-len(row) * (1 + 1 / math.sqrt(D)) ** 2 for row, D in zip(norms, data, strict=True)]
    assert np.all(found >= np.array(least) - 1e-9), f"{found.tolist()} is below the least value {least}"
    return _apart(found, wanted)


def _rescaled_off(training: list[float]) -> float:
    """The lowest has -1 and the greatest 1, or nothing has -1 and the greatest 1; in between it is linear."""
    least, most = min(training), max(training)
    relative = [2 * (u - least) / (most - least) - 1 if most > least else 0.0 for u in training]
    off = _apart(reputation.relative_contribution(training), relative)
    given = [max(u, 0.0) for u in training]
    share = [2 * u / max(given) - 1 if max(given) > 0 else -1.0 for u in given]
    return max(off, _apart(reputation.proportional_contribution(given), share))


# --- reputations over rounds, (16) to (18) ---------------------------------------------------------------------------


@st.composite
def _histories(draw: Draw) -> list[list[Record]]:
    """The records of all rounds: not everybody takes part in each."""
    entry = st.none() | st.tuples(st.integers(0, USERS - 1), _tenths(-10, 10), _tenths(-20, 100))
    rounds = draw(st.lists(_lists(entry, USERS), min_size=1, max_size=LONGEST))
    return [
        [Record(k, user, *given) for user, given in enumerate(row) if given is not None]
        for k, row in enumerate(rounds, start=1)
    ]


def _worth(record: Record) -> float:
    return (1 + record.training) * math.log(1 + max(record.slack, 0.0))


def _plain_reputations(
    history: list[list[Record]], forgetting: float, weighting: float, alike: Table
) -> tuple[Table, Table]:
    """Everywhere, (users,), and overall with each head, (users, heads), record by record."""
    everywhere, overall = np.zeros(USERS), np.zeros((USERS, alike.shape[1]))
    for record in itertools.chain(*history):
        weight = forgetting ** (len(history) - record.round) * _worth(record)
        everywhere[record.user] += weight
        for j in range(alike.shape[1]):
            overall[record.user, j] += (weighting + (1 - weighting) * alike[record.head, j]) * weight
    return everywhere, overall


def _lived(history: list[list[Record]], forgetting: float) -> ReputationState:
    state = ReputationState.start(USERS, forgetting=forgetting)
    for records in history:
        state = state.update(records)
    return state


def _reputations_off(drawn: tuple[list[list[Record]], float, float, Table]) -> float:
    history, forgetting, weighting, vectors = drawn
    alike = reputation.similarity(vectors, [2, 0])
    state = _lived(history, forgetting)
    everywhere, overall = _plain_reputations(history, forgetting, weighting, alike)
    given, led = np.zeros((len(history), USERS)), np.full((len(history), USERS), reputation.NOWHERE)
    for record in itertools.chain(*history):
        given[record.round - 1, record.user], led[record.round - 1, record.user] = _worth(record), record.head
    known = reputation.global_reputation(given, forgetting=forgetting)
    task = reputation.task_reputation(given, led, alike, forgetting=forgetting)
    mean = reputation.overall_reputation(known, task, weighting=weighting)
    kept = state.total, state.overall(alike, weighting=weighting)
    return max(_apart(kept[0], everywhere), _apart(kept[1], overall), _apart(known, everywhere), _apart(mean, overall))


def _forgets_by_a_factor(drawn: tuple[list[list[Record]], float]) -> float:
    """R becomes λR + ϑ; with equal tasks, task and global reputation are one; a later good round is worth more."""
    history, forgetting = drawn
    before, after = _lived(history[:-1], forgetting), _lived(history, forgetting)
    added = np.zeros(USERS)
    for record in history[-1]:
        added[record.user] += _worth(record)
    same = np.ones((USERS, 2))
    off = max(_apart(after.total, forgetting * before.total + added), _apart(after.task(same)[:, 0], after.total))
    early, late = ([[Record(1, 0, 1, 0.0, s)], [Record(2, 0, 1, 0.0, 5 - s)]] for s in (4.0, 1.0))
    assert _lived(late, forgetting).total[0] >= _lived(early, forgetting).total[0], "the good round was better early"
    return off


# --- replay, and what a ledger keeps ---------------------------------------------------------------------------------


def _replays(drawn: tuple[list[list[Record]], Any]) -> float:
    history, order = drawn
    records = list(itertools.chain(*history))
    order.shuffle(records)
    again = reputation.replay(records, users=USERS, rounds=len(history))
    lived = _lived(history, 0.7)
    assert np.array_equal(again.direct, lived.direct), "a replay in another order has other reputations"
    counts = [record for record in records if record.slack > 0.1 and record.training < 0.9]
    assume(counts)
    edited = [replace(record, training=1.0) if record is counts[0] else record for record in records]
    forged = reputation.replay(edited, users=USERS, rounds=len(history))
    assert forged.total[counts[0].user] > lived.total[counts[0].user], "an edited record changes nothing"
    return 0.0


def _proofs_hold(drawn: tuple[int, int, int]) -> float:
    """A proof leads to the root of its tree, and to another one with any of its numbers edited."""
    from models.ledger import _merkle

    leaves, chosen, field = drawn
    fields = [(k + 1, k % 3, k % 2, 10**17 * k, 10**18 * (k + 1), 10**16 * k) for k in range(leaves)]
    hashed, growing = [_merkle.leaf(*each) for each in fields], _merkle.Growing()
    for each in hashed:
        growing.append(each)
    root, index = _merkle.root(hashed), chosen % leaves
    assert growing.root() == root, "a tree that grows has another root than the same tree made at once"
    proof = _merkle.proof(hashed, index, fields[index])
    assert proof.root() == root, "a right proof does not lead to the root"
    name = ("round", "user", "head", "training", "slack", "contribution")[field]
    assert replace(proof, **{name: getattr(proof, name) + 1}).root() != root, f"an edited {name} leads to the root"
    return 0.0


def _ledger_returns(seed: int) -> float:
    """The contract's own decayed sums are the reputations of the records it was given."""
    from models.ledger import EmbeddedChain, Keys, Ledger, Page, Terms

    rng, rounds = np.random.default_rng(seed), 2
    keys, names = Keys(bytes(31) + b"\x01").named("run"), [f"user {i}" for i in range(USERS)]
    money = {one.address: 10**24 for one in (keys.root, keys.provider, keys.miner(), *map(keys.user, range(USERS)))}
    terms = Terms(threshold=0.5, reputation_incentive=5.0, highest_price=15.0, model=bytes(32), steps=10)
    state = ReputationState.start(USERS)
    chain = EmbeddedChain.create(None, chain_id=1337, funded=money)
    try:
        ledger = Ledger.start(chain, keys, names)
        for k in range(1, rounds + 1):
            records = [Record(k, i, 0, float(rng.uniform(-1, 1)), float(rng.exponential(5))) for i in range(USERS)]
            shares = dict.fromkeys(range(USERS), (0.5, 0.5))
            slots = np.zeros(USERS, dtype=np.intp)
            ledger.write(Page(k, [0], slots, [8.0], records, shares, terms, []))
            state = state.update(records)
        return _apart(ledger.totals(), state.total)
    finally:
        chain.close()


# --- meta-gradients, (3) and (5) -------------------------------------------------------------------------------------


def _quadratic(model: Any, batch: Any) -> Any:
    """½ (θ − c)ᵀ A (θ − c), averaged over a batch of symmetric A and of c."""
    import torch

    curvature, centre = batch
    away = model - centre
    return torch.einsum("ki,kij,kj->k", away, curvature, away).mean() / 2


def _drawn_quadratics(seed: int) -> tuple[Any, Any]:
    import torch

    draw = torch.Generator().manual_seed(seed)
    root = torch.randn(3, 2, 2, dtype=torch.float64, generator=draw)
    data = root @ root.mT, torch.randn(3, 2, dtype=torch.float64, generator=draw)
    return data, torch.randn(2, dtype=torch.float64, generator=draw)


def _gradient_off(seed: int) -> float:
    """For quadratics on the full batch: ∇F = (I − βA) A ((θ − β A(θ − c)) − c), with means A and c, by hand."""
    import torch

    from models.fml import Learning, meta_gradient

    (curvature, centre), model = _drawn_quadratics(seed)
    batch, rate = (curvature[None], centre[None]), 0.2
    A, pull = curvature.mean(0), torch.einsum("kij,kj->i", curvature, centre) / len(centre)
    ahead = model - rate * (A @ model - pull)
    wanted = (torch.eye(2, dtype=torch.float64) - rate * A) @ (A @ ahead - pull)
    learning = Learning(step_size=rate)
    found = meta_gradient(_quadratic, model[None], batch, batch, batch, learning=learning)[0]
    return _apart(found.numpy(), wanted.numpy())


def _is_unbiased(seed: int) -> float:
    """For quadratics the mean over all independent batches of one sample is the gradient of the full batch."""
    from models.fml import Learning, meta_gradient

    data, model = _drawn_quadratics(seed)
    triples = itertools.product(range(3), repeat=3)
    drawn = [tuple(part[list(choice), None] for part in data) for choice in zip(*triples, strict=True)]
    everything, learning = tuple(part[None] for part in data), Learning(step_size=0.2)
    mean = meta_gradient(_quadratic, model.expand(27, -1), *drawn, learning=learning).mean(0)
    full = meta_gradient(_quadratic, model[None], *[everything] * 3, learning=learning)[0]
    return _apart(mean.numpy(), full.numpy())


def _whole_gradient_off(drawn: tuple[int, str]) -> float:
    """A local step on all samples follows ∇F of F(θ) = f(θ − β∇f(θ)), by reverse differentiation."""
    import torch

    from models.fml import Learning, Network, initial, local_update, loss, on_device

    seed, kind = drawn
    rng, rate = np.random.default_rng(seed), 0.3
    labels = rng.integers(0, 3, 7)
    network = Network(4, 3, (5,))
    samples = on_device(rng.normal(size=(7, 4)), labels, dtype="float64", device="cpu")
    model = initial(network, samples, rng=rng)
    batch = np.tile(np.arange(7), (1, 1, 3, 1))
    learning = Learning(meta_rate=1.0, step_size=rate, gradient=kind, difference=1e-4)
    step = model - local_update(network, model, samples, batch, learning).models[0]
    at = model.clone().requires_grad_()

    def f(parameters: Any) -> Any:
        return loss(network, parameters, (samples.inputs, samples.labels))

    ahead = at - rate * torch.autograd.grad(f(at), at, create_graph=kind != "fo")[0]
    wanted = torch.autograd.grad(f(ahead), at if kind != "fo" else ahead)[0]
    return _apart(step.detach().numpy(), wanted.detach().numpy())


def _aggregate_off(drawn: tuple[int, int]) -> float:
    import torch

    from models.fml import aggregate

    seed, users = drawn
    rng = np.random.default_rng(seed)
    models, weights, order = rng.normal(size=(users, 5)), rng.uniform(0.1, 1, users), rng.permutation(users)
    tensor = torch.from_numpy(models)
    found = aggregate(tensor, weights).numpy()
    one = tensor[0].float()
    same = torch.equal(aggregate(one.expand(users, -1), weights), one)
    assert same, "the mean of identical models in single precision is another model"
    wanted = (weights[:, None] * models).sum(axis=0) / weights.sum()
    return max(_apart(found, wanted), _apart(aggregate(tensor[order], weights[order]).numpy(), found))


# --- the properties --------------------------------------------------------------------------------------------------

_seeds = st.integers(0, 2**32 - 1)


def _property(
    name: str, family: str, equation: str, statement: str, examples: Any, measure: Any, **more: Any
) -> Property:
    return Property(
        name=name, family=family, equation=equation, statement=statement, examples=examples, measure=measure, **more
    )


PROPERTIES = (
    _property(
        "gfml-19a",
        "reputation",
        "(11)-(12)",
        "the utility of a reputation is the corrected formula, user by user",
        _standings,
        _utility_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-19b",
        "reputation",
        "(11)-(12)",
        "it rises from above 0 to 1 at the peak; above the threshold units of reputation do not matter",
        _standings,
        _utility_rises,
        tolerance=1e-9,
    ),
    _property(
        "gfml-20",
        "reputation",
        "(13)",
        "similarity is the cosine: symmetric, free of scale, odd",
        _embeddings,
        _similarity_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-21a",
        "reputation",
        "(16)-(18)",
        "reputations kept from round to round are those summed record by record",
        lambda: st.tuples(_histories(), _tenths(0, 10), _tenths(0, 10), _embeddings()),
        _reputations_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-21b",
        "reputation",
        "(16)-(18)",
        "R becomes λR + ϑ; equal tasks make task and global reputation one; a good round later is worth no less",
        lambda: st.tuples(_histories(), _tenths(0, 10)),
        _forgets_by_a_factor,
        tolerance=1e-12,
    ),
    _property(
        "gfml-22a",
        "reputation",
        "(14)",
        "a contribution is (1 + u) ln(1 + slack), 0 at the worst and for who is late, and rises with slack",
        lambda: st.tuples(_tenths(-10, 10), _tenths(-300, 300), _tenths(0, 50)),
        _contribution_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-22b",
        "reputation",
        "(15)",
        "training contributions are the printed sum, never below −τ(1 + 1/√D)²",
        lambda: st.integers(1, 5).flatmap(
            lambda steps: st.tuples(_lists(_lists(_tenths(0, 60), steps), 3), _lists(st.integers(1, 60), 3))
        ),
        _training_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-22c",
        "reputation",
        "(15)",
        "rescaled contributions run from −1 to 1, linearly, whichever way they are rescaled",
        lambda: st.lists(_tenths(-30, 60), min_size=1, max_size=6),
        _rescaled_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-25a",
        "federated",
        "(3)",
        "for quadratics the meta-gradient of the full batch is the one by hand",
        lambda: _seeds,
        _gradient_off,
        tolerance=1e-12,
        share=0.5,
    ),
    _property(
        "gfml-25b",
        "federated",
        "(3)",
        "for quadratics independent batches are unbiased",
        lambda: _seeds,
        _is_unbiased,
        tolerance=1e-12,
        share=0.5,
    ),
    _property(
        "gfml-25c",
        "federated",
        "(3)-(4)",
        "a local step on all samples follows the gradient of f(θ − β∇f(θ)) by reverse differentiation",
        lambda: st.tuples(_seeds, st.sampled_from(KINDS)),
        _whole_gradient_off,
        tolerance=1e-6,
        share=0.25,
    ),
    _property(
        "gfml-26",
        "federated",
        "(5)",
        "aggregation is the weighted mean, in any order, and leaves identical models as they are",
        lambda: st.tuples(_seeds, st.integers(1, 12)),
        _aggregate_off,
        tolerance=1e-12,
    ),
    _property(
        "gfml-27a",
        "ledger",
        "(14)-(17)",
        "a replay of the records in any order has the same reputations to the bit, of an edited one others",
        lambda: st.tuples(_histories(), st.randoms(use_true_random=False)),
        _replays,
    ),
    _property(
        "gfml-27b",
        "ledger",
        "",
        "a proof leads to the root of the recorded contributions, an edited one does not",
        lambda: st.tuples(st.integers(1, 12), st.integers(0, 11), st.integers(0, 5)),
        _proofs_hold,
    ),
    _property(
        "gfml-27c",
        "ledger",
        "(14), (16)",
        "the contract's reputations are those of the records that it was given",
        lambda: _seeds,
        _ledger_returns,
        tolerance=1e-12,
        share=0.03,
    ),
)
