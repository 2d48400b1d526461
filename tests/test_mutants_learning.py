"""The compiled learners against plain ones, step by step: small faults in a kernel that averages would hide."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from solvers.bimatrix import BimatrixGame
from solvers.learning import (
    EpsilonGreedy,
    FictitiousPlay,
    FixedStrategy,
    Greedy,
    PayoffBased,
    Proportional,
    _kernels,
    simulate,
)
from solvers.stochastic import SwitchingGame


def drawn_game(seed, largest=5, *, whole=False):
    """A game with up to three own states and so many actions a player, of random or of small whole payoffs."""
    rng = np.random.default_rng(seed)
    m, n, k, h = rng.integers((2, 2, 1, 1), (largest + 1, largest + 1, 4, 4))
    draw = (lambda *size: rng.integers(-2, 3, size).astype(float)) if whole else (lambda *size: rng.normal(size=size))
    return SwitchingGame(
        draw(m, n),
        draw(m, n),
        row_next=rng.integers(0, k, m),
        column_next=rng.integers(0, h, n),
        row_costs=draw(k, m),
        column_costs=draw(h, n),
    )


class Plain:
    """One player as it is described, with everything computed anew in each step."""

    def __init__(self, game, p, learner, *, ties, sensing):
        self.payoffs, self.costs = ((game.A, game.row_costs), (game.B.T, game.column_costs))[p]
        self.learner, self.random_ties, self.sensing, self.p = learner, ties == "random", sensing, p
        actions, others = self.payoffs.shape
        self.states = game.own_states
        own = (len(self.costs), actions)
        self.forgiveness = getattr(learner, "forgiveness", 1.0)
        self.counts = np.full((len(self.costs), others), getattr(learner, "prior", 1.0))
        self.mean, self.seen = np.full(own, getattr(learner, "initial", 0.0)), np.zeros(own)
        self.visits, self.sum, self.hops, self.changes, self.last = np.zeros(own, int), 0.0, 0, 0, -1
        self.floor = np.min(self.payoffs.min(axis=1) - self.costs)
        if isinstance(learner, PayoffBased):
            self.floor = min(self.floor, learner.initial)

    def expected(self, i):
        if isinstance(self.learner, PayoffBased):
            return self.mean[i]
        return self.payoffs @ self.counts[i] / self.counts[i].sum() - self.costs[i]

    def act(self, own, rng):
        if isinstance(self.learner, FixedStrategy):
            law = self.learner.strategy[own[0] * self.states[1] + own[1]]
            return min(int(np.searchsorted(np.cumsum(law), rng.random(), side="right")), len(law) - 1)
        policy, values, m = self.learner.policy, self.expected(own[self.p]), len(self.payoffs)
        rate = getattr(policy, "rate", 0.0)
        if rate >= 1.0 or (rate > 0.0 and rng.random() < rate):
            mark = rng.random()
            if isinstance(policy, EpsilonGreedy):
                return int(mark * m)
            above = np.maximum(values - self.floor, 0.0)
            above = above if above.any() else np.ones(m)
            return int(np.searchsorted(np.cumsum(above), mark * above.sum(), side="right"))
        found, tied = 0, 1
        for a in range(1, m):
            if values[a] > values[found] + 1e-10:
                found, tied = a, 1
            elif self.random_ties and values[a] >= values[found] - 1e-10:
                tied += 1
                found = a if rng.random() * tied < 1.0 else found
        return found

    def learn(self, i, a, b, rng):
        payoff = self.payoffs[a, b] - self.costs[i, a]
        self.sum += payoff
        self.visits[i, a] += 1
        self.changes += a != self.last
        self.last = a
        if isinstance(self.learner, FictitiousPlay) and (self.sensing >= 1.0 or rng.random() < self.sensing):
            self.counts[i] *= self.forgiveness
            self.counts[i, b] += 1.0
        self.seen[i, a] = self.seen[i, a] * self.forgiveness + 1.0
        self.mean[i, a] += (payoff - self.mean[i, a]) / self.seen[i, a]


def played(game, learners, steps, rng, *, sensing, event, start, ties):
    """Two plain players after so many steps, the counts of pairs of own states, and the sum of events."""
    players = [Plain(game, p, learners[p], ties=ties, sensing=sensing[p]) for p in range(2)]
    own, joint, events = list(start), np.zeros(game.own_states, int), 0.0
    for _ in range(steps):
        a, b = (player.act(own, rng) for player in players)
        joint[tuple(own)] += 1
        events += event[a, b]
        players[0].learn(own[0], a, b, rng)
        players[1].learn(own[1], b, a, rng)
        before, own = own, [int(game.row_next[a]), int(game.column_next[b])]
        for player, i, j in zip(players, before, own, strict=True):
            player.hops += i != j
    return players, joint, events


def agree(game, learners, steps, seed, *, sensing=(1.0, 1.0), start=(0, 0), ties="lowest"):
    event = np.random.default_rng(seed).random(game.shape)
    options = {"sensing": sensing, "event": event, "ties": ties}
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed)
    history = simulate(game, *learners, steps, rng=rng, initial_state=start, windows=3, **options)
    players, joint, events = played(game, learners, steps, other, start=start, **options)
    assert rng.random() == other.random()  # as many draws
    assert np.array_equal(history.joint_states, joint)
    assert history.event_rate == pytest.approx(events / steps)
    for p, player in enumerate(players):
        assert np.array_equal(history.visits[p], player.visits)
        assert history.payoffs[p] == pytest.approx(player.sum / steps, abs=1e-11)
        assert history.hop_rates[p] == pytest.approx(player.hops / steps)
        assert history.run_lengths[p] == pytest.approx(steps / player.changes)
        if isinstance(player.learner, FixedStrategy):
            continue
        expected = [player.expected(i) for i in range(len(player.costs))]
        assert history.estimates[p] == pytest.approx(np.array(expected), abs=1e-11)
        if isinstance(player.learner, FictitiousPlay):
            found = history.beliefs[p]
            if player.forgiveness == 1.0:
                assert np.array_equal(found, player.counts)
            shares = player.counts / player.counts.sum(axis=1, keepdims=True)
            assert found / found.sum(axis=1, keepdims=True) == pytest.approx(shares, abs=1e-12)


def fixed_mix(game, p, seed):
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.ones(game.shape[p]), game.states)
    law[rng.random(law.shape) < 0.3] = 0.0
    law[:, 0] += 1e-3
    return FixedStrategy(law / law.sum(axis=1, keepdims=True))


POLICIES = (Greedy(), EpsilonGreedy(0.3), EpsilonGreedy(1.0))


@pytest.fixture
def by_inversion_alone(monkeypatch):
    """The step of both players as it is written, and no draws by rejection, of which a plain player knows nothing."""
    monkeypatch.setattr(_kernels, "TRIALS", 0)
    monkeypatch.setattr(_kernels, "advance", _kernels._advance)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_players_with_beliefs_and_of_own_payoffs(seed, policy):
    game = drawn_game(seed)
    own = tuple(size - 1 for size in game.own_states)
    agree(game, (FictitiousPlay(policy), PayoffBased(policy)), 150, seed)
    agree(game, (PayoffBased(policy, initial=0.5), FictitiousPlay(policy, prior=2.0)), 150, seed, start=own)


@pytest.mark.parametrize("seed", range(6))
def test_players_that_forget_or_see_a_part(seed):
    game = drawn_game(seed)
    learners = FictitiousPlay(EpsilonGreedy(0.2), forgiveness=0.8), PayoffBased(EpsilonGreedy(0.2), forgiveness=0.7)
    agree(game, learners, 150, seed)
    agree(game, learners[::-1], 150, seed, sensing=(0.0, 0.4))
    agree(game, (FictitiousPlay(forgiveness=0.9), FictitiousPlay(EpsilonGreedy(0.5))), 150, seed, sensing=(0.5, 1.0))


def test_weights_beyond_the_largest_start_again_from_one():
    game = drawn_game(3)
    learners = FictitiousPlay(EpsilonGreedy(0.4), forgiveness=1e-3), FictitiousPlay(Greedy(), forgiveness=0.01)
    agree(game, learners, 300, 3)


@pytest.mark.parametrize("seed", range(6))
def test_fixed_strategies(seed):
    game = drawn_game(seed)
    agree(game, (fixed_mix(game, 0, seed), FictitiousPlay(EpsilonGreedy(0.1))), 150, seed)
    agree(game, (PayoffBased(EpsilonGreedy(0.1)), fixed_mix(game, 1, seed)), 150, seed)


@pytest.mark.parametrize("seed", range(12))
def test_ties(seed):
    game = drawn_game(seed, whole=True)
    pair = drawn_game(seed, largest=2, whole=True)
    for learners in itertools.product((FictitiousPlay(), PayoffBased()), repeat=2):
        agree(game, learners, 60, seed)
        agree(pair, learners, 60, seed, ties="random")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rate", [1.0, 0.4])
def test_exploring_in_proportion(seed, rate, by_inversion_alone):
    game = drawn_game(seed)
    first, second = FictitiousPlay(Proportional(rate)), PayoffBased(Proportional(rate), initial=-1.0)
    agree(game, (first, second), 120, seed)
    agree(game, (second, first), 120, seed)


def test_exploring_where_nothing_is_worth_more_than_the_least(by_inversion_alone):
    game = SwitchingGame.repeated(BimatrixGame(np.ones((4, 3)), np.ones((4, 3))))
    agree(game, (FictitiousPlay(Proportional()), PayoffBased(Proportional(), initial=1.0)), 50, 0)


def test_events_of_a_player_with_one_action():
    for A in (np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])):
        agree(SwitchingGame.repeated(BimatrixGame(A, A)), (FictitiousPlay(EpsilonGreedy(0.5)), PayoffBased()), 30, 0)


# --- what is kept between steps: looking anew must stay rare, and no draw may be wasted ----------------------------


class Counted:
    """A function that counts how often it is called."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)


# Learners, seed, looks at all actions and draws from the whole distribution in 400 steps of both, a number that follows
# the last draw, and how often each action was taken.
WORK = [
    (FictitiousPlay(), FictitiousPlay(), 1, 4, 0, 473188, [0, 0, 400]),
    (FictitiousPlay(), FictitiousPlay(), 4, 68, 0, 726442, [0, 399, 1, 0]),
    (FictitiousPlay(), FictitiousPlay(), 7, 34, 0, 944904, [0, 1, 399, 0, 0]),
    (FictitiousPlay(EpsilonGreedy(0.2)), PayoffBased(EpsilonGreedy(0.2)), 1, 9, 0, 51596, [43, 26, 331]),
    (FictitiousPlay(EpsilonGreedy(0.2)), PayoffBased(EpsilonGreedy(0.2)), 4, 56, 0, 915538, [23, 297, 28, 52]),
    (FictitiousPlay(EpsilonGreedy(0.2)), PayoffBased(EpsilonGreedy(0.2)), 7, 11, 0, 728427, [15, 37, 310, 17, 21]),
    (PayoffBased(), PayoffBased(EpsilonGreedy(0.5)), 1, 17, 0, 994268, [6, 196, 198]),
    (PayoffBased(), PayoffBased(EpsilonGreedy(0.5)), 4, 9, 0, 107302, [6, 394, 0, 0]),
    (PayoffBased(), PayoffBased(EpsilonGreedy(0.5)), 7, 10, 0, 199106, [2, 1, 397, 0, 0]),
    (FictitiousPlay(Proportional()), PayoffBased(Proportional()), 1, 0, 3, 584547, [126, 88, 186]),
    (FictitiousPlay(Proportional()), PayoffBased(Proportional()), 4, 0, 5, 924724, [92, 106, 96, 106]),
    (FictitiousPlay(Proportional()), PayoffBased(Proportional()), 7, 0, 6, 59820, [72, 72, 92, 82, 82]),
    (
        PayoffBased(Proportional(0.5), initial=1.0),
        FictitiousPlay(Proportional(0.3), forgiveness=0.9),
        1,
        147,
        4,
        818195,
        [34, 68, 298],
    ),
    (
        PayoffBased(Proportional(0.5), initial=1.0),
        FictitiousPlay(Proportional(0.3), forgiveness=0.9),
        4,
        114,
        4,
        51340,
        [38, 230, 41, 91],
    ),
    (
        PayoffBased(Proportional(0.5), initial=1.0),
        FictitiousPlay(Proportional(0.3), forgiveness=0.9),
        7,
        140,
        2,
        317009,
        [29, 46, 247, 42, 36],
    ),
    (FictitiousPlay(forgiveness=0.5), PayoffBased(Proportional(), forgiveness=0.8), 1, 22, 3, 287197, [0, 0, 400]),
    (FictitiousPlay(forgiveness=0.5), PayoffBased(Proportional(), forgiveness=0.8), 4, 247, 1, 72032, [0, 308, 92, 0]),
    (
        FictitiousPlay(forgiveness=0.5),
        PayoffBased(Proportional(), forgiveness=0.8),
        7,
        179,
        1,
        509133,
        [0, 16, 369, 0, 15],
    ),
]


# Of equal actions one is drawn anew in every step.
TIED = SwitchingGame.repeated(BimatrixGame([[1, 1], [0, 0], [1, 1]], [[1, 1]] * 3))
TIES = [
    (FictitiousPlay(), PayoffBased(), 0, 180, 0, 668241, [49, 0, 41]),
    (FictitiousPlay(), PayoffBased(), 1, 180, 0, 744223, [50, 0, 40]),
    (PayoffBased(EpsilonGreedy(0.3)), FictitiousPlay(EpsilonGreedy(0.3)), 0, 134, 0, 295714, [35, 5, 50]),
    (PayoffBased(EpsilonGreedy(0.3)), FictitiousPlay(EpsilonGreedy(0.3)), 1, 124, 0, 573301, [35, 6, 49]),
    (
        PayoffBased(EpsilonGreedy(0.5), forgiveness=0.5),
        PayoffBased(EpsilonGreedy(0.2)),
        0,
        122,
        0,
        283719,
        [30, 15, 45],
    ),
    (
        PayoffBased(EpsilonGreedy(0.5), forgiveness=0.5),
        PayoffBased(EpsilonGreedy(0.2)),
        1,
        114,
        0,
        743379,
        [34, 17, 39],
    ),
]


def worked(row, column, seed, monkeypatch, steps=400, game=None, ties="lowest"):
    with monkeypatch.context() as patch:
        looks, draws = Counted(_kernels.greatest), Counted(_kernels.by_inversion)
        patch.setattr(_kernels, "greatest", looks)
        patch.setattr(_kernels, "by_inversion", draws)
        patch.setattr(_kernels, "advance", _kernels._advance)
        rng = np.random.default_rng(seed)
        history = simulate(game or drawn_game(seed), row, column, steps, rng=rng, ties=ties)
    return looks.calls, draws.calls, int(rng.integers(10**6)), [int(v) for v in history.visits[0].sum(axis=0)]


@pytest.mark.parametrize(("row", "column", "seed", "looks", "draws", "following", "visits"), WORK)
def test_the_history_and_the_work_of_a_seed(row, column, seed, looks, draws, following, visits, monkeypatch):
    assert worked(row, column, seed, monkeypatch) == (looks, draws, following, visits)


@pytest.mark.parametrize(("row", "column", "seed", "looks", "draws", "following", "visits"), TIES)
def test_the_history_and_the_work_of_a_seed_where_actions_tie(
    row, column, seed, looks, draws, following, visits, monkeypatch
):
    found = worked(row, column, seed, monkeypatch, 90, TIED, "random")
    assert found == (looks, draws, following, visits)


# --- the parts -----------------------------------------------------------------------------------------------------


def test_a_fixed_action_is_the_one_whose_interval_holds_the_mark():
    for law in ([1.0], [0.25, 0.25, 0.5], [0.0, 0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.125] * 8):
        cumulated = np.cumsum(law)
        for mark in [*np.arange(64) / 64, 0.9999]:
            found = _kernels.fixed(len(law), mark, cumulated)
            assert found == int(np.searchsorted(cumulated, mark, side="right"))
            assert law[found] > 0


def parts(seed, *, whole):
    """Arrays of a kernel, (2, 2, 5) or (2, 5), with four actions used, and the worth of those of each own state."""
    rng = np.random.default_rng(seed)
    draw = (lambda *size: rng.integers(-2, 3, size).astype(float)) if whole else (lambda *size: rng.normal(size=size))
    arrays = {name: draw(2, 2, 5) for name in ("usual", "counters", "learnt")}
    stakes, rises = np.abs(draw(2, 5)), np.abs(draw(2, 5))
    beliefs = arrays["usual"] - stakes[:, None] * (arrays["counters"] * 0.5)
    return arrays["usual"], stakes, rises, arrays["counters"], arrays["learnt"], beliefs


class Marks:
    """A generator that gives these numbers, and counts them."""

    def __init__(self, *marks):
        self.marks, self.drawn = marks, 0

    def random(self):
        self.drawn += 1
        return self.marks[(self.drawn - 1) % len(self.marks)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("by_beliefs", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_greatest_and_what_is_said_of_the_others(seed, by_beliefs, whole):
    usual, stakes, rises, counters, learnt, beliefs = parts(seed, whole=whole)
    for p, i, m in itertools.product(range(2), range(2), (1, 2, 4)):
        values = (beliefs if by_beliefs else learnt)[p, i, :m]
        near, rng = (0.0 if whole else 1e-9), np.random.default_rng(seed)
        arguments = (by_beliefs, p, i, m, 0.5, near, usual, stakes, rises, counters, learnt)
        found, second, ties, rise = _kernels._greatest(rng, False, *arguments)
        assert found == np.argmax(values)
        assert second == np.max(np.delete(values, found), initial=-np.inf)
        assert ties == np.sum(values == values.max())
        assert rise == max(0.0, np.max(usual[p, i, :m] - values + rises[p, :m]))
        assert rng.random() == np.random.default_rng(seed).random()
        last, never = (_kernels._greatest(Marks(mark), True, *arguments)[0] for mark in (0.0, 1.0 - 1e-16))
        best = np.flatnonzero(values == values.max())
        assert (last, never) == (best[-1], best[0])


def test_near_ties_are_ties_from_either_side():
    learnt = np.array([[[1.0, 1.5, 0.5, 2.0, 1.5, 2.5]]])
    nothing = np.zeros((1, 6))
    arguments = (False, 0, 0, 6, 0.0, 0.5, learnt, nothing, nothing, learnt, learnt)
    # from 1: 1.5 and 0.5 are as good, 2 is better; then 1.5 and 2.5 are as good as 2
    assert _kernels._greatest(Marks(0.9), False, *arguments) == (3, 2.5, 3, 0.0)
    assert _kernels._greatest(Marks(0.0), True, *arguments) == (5, 2.5, 3, 0.0)
    marks = Marks(0.5)  # of the k-th that ties, the chance is 1/k: a mark of a half is not below
    assert _kernels._greatest(marks, True, *arguments) == (3, 2.5, 3, 0.0)
    assert marks.drawn == 4


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("by_beliefs", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_a_draw_from_the_whole_distribution(seed, by_beliefs, whole):
    usual, stakes, _, counters, learnt, beliefs = parts(seed, whole=whole)
    for p, i, m in itertools.product(range(2), range(2), (1, 2, 4)):
        values = (beliefs if by_beliefs else learnt)[p, i, :m]
        for floor in (-9.0, float(np.median(values)), 9.0):
            above = np.maximum(values - floor, 0.0)
            weights = above if above.any() else np.ones(m)
            for mark in (0.0, 0.3, 0.5, 0.75, 0.9375):
                found, highest = _kernels._by_inversion(
                    Marks(mark), by_beliefs, p, i, m, 0.5, floor, usual, stakes, counters, learnt
                )
                assert highest == max(floor, values.max())
                ends = np.cumsum(weights) / weights.sum()
                clear = np.all(np.abs(ends - mark) > 1e-9) or whole
                if clear:
                    assert found == np.searchsorted(np.cumsum(weights), mark * weights.sum(), side="right")
                    assert weights[found] > 0


def test_a_weight_is_brought_back_to_one():
    shape = (2, 2)
    weight, total = np.array([[2.0, 3.0], [4.0, 5.0]]), np.array([[8.0, 9.0], [12.0, 15.0]])
    counters, beliefs = np.full((*shape, 3), 8.0), np.full((*shape, 2), 4.0)
    best, peaked = np.ones(shape, int), np.ones(shape)
    assert _kernels.scale_down(1, 0, weight, total, counters, beliefs, best, peaked) is None
    assert weight.tolist() == [[2, 3], [1, 5]]
    assert total.tolist() == [[8, 9], [3, 15]]
    assert counters[:, :, 0].tolist() == [[8, 8], [2, 8]]
    assert beliefs[:, :, 1].tolist() == [[4, 4], [1, 4]]
    assert best.tolist() == [[1, 1], [-1, 1]]
    assert peaked.tolist() == [[1, 1], [-np.inf, 1]]
