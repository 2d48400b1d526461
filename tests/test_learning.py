"""Learning players: the compiled simulation against a plain one, (19) and (20), seeds, means, and bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from solvers.bimatrix import BimatrixGame
from solvers.core import InvalidGame
from solvers.learning import (
    EpsilonGreedy,
    FictitiousPlay,
    FixedStrategy,
    Greedy,
    PayoffBased,
    Proportional,
    choice_probabilities,
    simulate,
)
from solvers.stochastic import SwitchingGame

POLICIES = (Greedy(), EpsilonGreedy(0.2), Proportional(), Proportional(0.1))


def channels(count, levels, hop=1.0, reward=10.0):
    """A small jamming game, written out here: channel first, then power; ties of power go to the jammer."""
    costs = np.arange(1, levels + 1) / 2
    places, level = np.repeat(np.arange(count), levels), np.tile(np.arange(levels), count)
    jammed = (places[:, None] == places) & (level <= level[:, None]).T
    A = np.where(jammed, -10.0, reward) - costs[level][:, None]
    B = np.where(jammed, reward, -10.0) - costs[level]
    hops = hop * (np.arange(count)[:, None] != places)
    return SwitchingGame(A, B, row_next=places, column_next=places, row_costs=hops, column_costs=hops), jammed * 1.0


def drawn_game(seed):
    """A game of random payoffs, in which nothing ties, with up to three own states and up to five actions a player."""
    rng = np.random.default_rng(seed)
    m, n, k, h = rng.integers(1, (6, 6, 4, 4))
    return SwitchingGame(
        rng.normal(size=(m, n)),
        rng.normal(size=(m, n)),
        row_next=rng.integers(0, k, m),
        column_next=rng.integers(0, h, n),
        row_costs=rng.normal(size=(k, m)),
        column_costs=rng.normal(size=(h, n)),
    )


class Plain:
    """A greedy player as the paper has it, with everything computed anew in each step."""

    def __init__(self, payoffs, costs, learner):
        self.payoffs, self.costs, self.learner = payoffs, costs, learner
        actions, others = payoffs.shape
        self.counts = np.ones((len(costs), others), dtype=int)
        self.got = [[[] for _ in range(actions)] for _ in costs]

    def expected(self, i):
        if isinstance(self.learner, FictitiousPlay):
            return self.payoffs @ (self.counts[i] / self.counts[i].sum()) - self.costs[i]
        return np.array([np.mean(got) if got else 0.0 for got in self.got[i]])

    def act(self, i):
        return int(np.argmax(self.expected(i)))

    def learn(self, i, a, b):
        self.counts[i, b] += 1
        self.got[i][a].append(self.payoffs[a, b] - self.costs[i, a])


def played(game, row, column, steps):
    """The actions of two plain players, and the players."""
    players = Plain(game.A, game.row_costs, row), Plain(game.B.T, game.column_costs, column)
    own, actions = [0, 0], []
    for _ in range(steps):
        a, b = (player.act(i) for player, i in zip(players, own, strict=True))
        players[0].learn(own[0], a, b)
        players[1].learn(own[1], b, a)
        actions.append((own[0], own[1], a, b))
        own = [game.row_next[a], game.column_next[b]]
    return actions, players


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kinds", list(itertools.product((FictitiousPlay, PayoffBased), repeat=2)))
def test_incremental_counters_play_like_everything_computed_anew(seed, kinds):
    game, steps = drawn_game(seed), 200
    history = simulate(game, kinds[0](), kinds[1](), steps, rng=np.random.default_rng(0), windows=7)
    actions, players = played(game, kinds[0](), kinds[1](), steps)
    visits = np.zeros_like(history.visits[0]), np.zeros_like(history.visits[1])
    for i, j, a, b in actions:
        visits[0][i, a] += 1
        visits[1][j, b] += 1
    assert np.array_equal(history.visits[0], visits[0])
    assert np.array_equal(history.visits[1], visits[1])
    for p, player in enumerate(players):
        if kinds[p] is FictitiousPlay:
            assert np.array_equal(history.beliefs[p], player.counts)  # integers, bit for bit
        anew = np.array([player.expected(i) for i in range(len(player.costs))])
        assert history.estimates[p] == pytest.approx(anew, abs=1e-12)


def test_counters_are_the_recomputed_products_as_integers():
    game, _ = channels(5, 3)
    steps = 5_000
    rng = np.random.default_rng(3)
    history = simulate(game, FictitiousPlay(Proportional()), FictitiousPlay(Proportional()), steps, rng=rng)
    row, column = history.beliefs
    assert row.sum() == steps + row.size
    expected = row @ game.A.T / row.sum(axis=1, keepdims=True) - game.row_costs
    assert history.estimates[0] == pytest.approx(expected, abs=1e-12)
    jammed = (game.A < 0).astype(float)
    losses = 20.0 * ((row @ jammed.T) / row.sum(axis=1, keepdims=True))  # counts of being jammed are whole numbers
    assert np.array_equal(history.estimates[0], (game.A.max(axis=1) - game.row_costs) - losses)
    assert np.array_equal(column.sum(axis=1) - game.shape[0], history.visits[1].sum(axis=1))


def test_a_payoff_based_player_has_the_mean_of_each_own_state_and_action():
    game, _ = channels(3, 2)
    fixed = FixedStrategy(np.full((9, 6), 1 / 6))
    history = simulate(game, PayoffBased(EpsilonGreedy(1.0)), fixed, 200_000, rng=np.random.default_rng(1))
    truth = game.A.mean(axis=1) - game.row_costs
    spread = game.A.std(axis=1) / np.sqrt(history.visits[0])
    assert np.all(np.abs(history.estimates[0] - truth) < 5 * spread)


def test_the_first_payoff_replaces_what_was_expected_before():
    game = SwitchingGame.repeated(BimatrixGame([[7.0]], [[0.0]]))
    history = simulate(game, PayoffBased(initial=1000.0), PayoffBased(), 1, rng=np.random.default_rng(0))
    assert history.estimates[0].tolist() == [[7.0]]


def test_19_as_printed_hardly_corrects_a_rare_action_and_the_mean_per_action_does():
    # the printed rule weighs an estimate by the step: an action that pays 5, taken once in a hundred steps
    printed = 0.0
    for s in range(1, 10**5):
        if s % 100 == 0:
            printed = (printed * s + 5.0) / (s + 1)
    assert printed < 0.6
    game = SwitchingGame.repeated(BimatrixGame([[5.0], [6.0]], [[0.0], [0.0]]))
    rarely = PayoffBased(EpsilonGreedy(0.02))
    history = simulate(game, rarely, PayoffBased(), 10**5, rng=np.random.default_rng(0))
    assert history.visits[0][0, 0] < 2_000
    assert history.estimates[0][0, 0] == 5.0


# --- (20) ----------------------------------------------------------------------------------------------------------


def test_20_is_uniform_where_nothing_is_expected_above_the_least():
    assert choice_probabilities(Proportional(), [-2, -2, -2], -2).tolist() == [1 / 3] * 3


def test_20_as_printed_is_no_law():
    def printed(payoffs, least):
        return [(p - least) / (sum(payoffs) - least) for p in payoffs]

    assert printed([3, 1, -4], -5) == pytest.approx([1.6, 1.2, 0.2])
    with pytest.raises(ZeroDivisionError):
        printed([-1, -2, -2], -5)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("kind", [FictitiousPlay, PayoffBased])
def test_the_kernel_draws_by_the_law_of_the_policy(policy, kind):
    # one state; the opponent's single action makes every expectation constant after the first payoff
    payoffs = np.array([[3.0], [1.0], [-4.0], [2.5], [-4.5]])
    game = SwitchingGame.repeated(BimatrixGame(payoffs, np.zeros((5, 1))))
    steps = 100_000
    history = simulate(game, kind(policy), PayoffBased(), steps, rng=np.random.default_rng(8))
    law = choice_probabilities(policy, payoffs[:, 0], -4.5)
    expected = steps * law
    counts = history.visits[0][0]
    assert np.all(counts[expected == 0] <= 5)
    used = expected > 0
    chi_squared = np.sum((counts[used] - expected[used]) ** 2 / expected[used])
    assert chi_squared < 50 if kind is FictitiousPlay else np.abs(counts / steps - law).max() < 0.01


# --- runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_seed_fixes_the_history_however_it_is_cut(policy):
    game, jammed = channels(3, 2)
    found = [
        simulate(
            game,
            FictitiousPlay(policy),
            PayoffBased(policy),
            3_000,
            rng=np.random.default_rng(5),
            windows=w,
            event=jammed,
        )
        for w in (1, 10, 77)
    ]
    for other in found[1:]:
        assert np.array_equal(found[0].visits[0], other.visits[0])
        assert np.array_equal(found[0].estimates[1], other.estimates[1])
        assert found[0].payoffs == pytest.approx(other.payoffs, rel=1e-12)
    again = simulate(game, FictitiousPlay(policy), PayoffBased(policy), 3_000, rng=np.random.default_rng(5), windows=10)
    assert np.array_equal(found[1].window_payoffs, again.window_payoffs)
    other = simulate(game, FictitiousPlay(policy), PayoffBased(policy), 3_000, rng=np.random.default_rng(6), windows=10)
    assert isinstance(policy, Greedy) == np.array_equal(again.visits[0], other.visits[0])


def test_payoffs_are_within_the_games_and_add_up():
    game, jammed = channels(4, 3)
    history = simulate(
        game, FictitiousPlay(), PayoffBased(EpsilonGreedy()), 10_000, rng=np.random.default_rng(2), event=jammed
    )
    assert np.all(history.window_payoffs >= -10 - 1 - 1.5)
    assert np.all(history.window_payoffs <= 10 - 0.5)
    lengths = np.diff(history.window_ends, prepend=0)
    assert lengths @ history.window_payoffs / 10_000 == pytest.approx(history.payoffs)
    assert history.joint_states.sum() == history.visits[0].sum() == history.visits[1].sum() == history.steps == 10_000
    # both players' payoffs and costs, from the counts alone
    costs = [np.sum(v * c) / 10_000 for v, c in zip(history.visits, (game.row_costs, game.column_costs), strict=True)]
    power = [np.sum(v.sum(axis=0) * np.tile([0.5, 1.0, 1.5], 4)) / 10_000 for v in history.visits]
    assert history.payoffs[0] == pytest.approx(10 - 20 * history.event_rate - costs[0] - power[0])
    assert history.payoffs[1] == pytest.approx(-10 + 20 * history.event_rate - costs[1] - power[1])
    assert history.hop_rates == pytest.approx(costs)  # a hop costs 1


def test_forgiveness_follows_an_opponent_who_changes_and_survives_renormalisation():
    game = SwitchingGame.repeated(BimatrixGame([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]))
    rng = np.random.default_rng(0)
    keen = simulate(game, FictitiousPlay(forgiveness=0.5), FixedStrategy([[0.0, 1.0]]), 5_000, rng=rng)
    assert np.isfinite(keen.beliefs[0]).all()
    assert keen.visits[0][0, 1] >= 4_999
    assert keen.estimates[0][0] == pytest.approx([-1.0, 1.0])
    drifting = simulate(
        game, PayoffBased(EpsilonGreedy(0.1), forgiveness=0.9), FixedStrategy([[0.0, 1.0]]), 5_000, rng=rng
    )
    assert drifting.estimates[0][0] == pytest.approx([-1.0, 1.0])


def test_imperfect_sensing_observes_that_share_of_the_steps():
    game, _ = channels(3, 2)
    history = simulate(
        game, FictitiousPlay(Proportional()), PayoffBased(), 40_000, rng=np.random.default_rng(0), sensing=(0.25, 0.0)
    )
    observed = history.beliefs[0].sum() - history.beliefs[0].size
    assert abs(observed - 10_000) < 4 * np.sqrt(40_000 * 0.25 * 0.75)


def integer_game(seed):
    """A game of small integers, where many expectations tie exactly, with nothing to pay for a change."""
    rng = np.random.default_rng(seed)
    return BimatrixGame(rng.integers(-3, 4, (3, 3)), rng.integers(-3, 4, (3, 3)))


@pytest.mark.parametrize("shift", [0.0, 1e9])
@pytest.mark.parametrize("seed", range(20))
def test_ties_are_those_of_the_payoffs_and_the_first_action_is_taken(seed, shift):
    game, steps = integer_game(seed), 300
    shifted = BimatrixGame(game.A + shift, game.B - shift)
    history = simulate(
        SwitchingGame.repeated(shifted), FictitiousPlay(), FictitiousPlay(), steps, rng=np.random.default_rng(0)
    )
    counts, visits = [np.ones(3, int), np.ones(3, int)], np.zeros((2, 3), int)  # of the opponent's actions: exact sums
    for _ in range(steps):
        a, b = int(np.argmax(game.A.astype(int) @ counts[0])), int(np.argmax(counts[1] @ game.B.astype(int)))
        visits[0, a] += 1
        visits[1, b] += 1
        counts[0][b] += 1
        counts[1][a] += 1
    assert np.array_equal([v[0] for v in history.visits], visits)


def test_random_ties_use_all_best_actions_and_the_lowest_only_the_first():
    game = SwitchingGame.repeated(BimatrixGame(np.ones((4, 1)), np.ones((4, 1))))
    counts = {
        ties: simulate(game, FictitiousPlay(), PayoffBased(), 8_000, rng=np.random.default_rng(0), ties=ties).visits[0][
            0
        ]
        for ties in ("lowest", "random")
    }
    assert counts["lowest"].tolist() == [8_000, 0, 0, 0]
    assert np.all(np.abs(counts["random"] - 2_000) < 4 * np.sqrt(8_000 * 3 / 16))


def test_greedy_play_sticks_to_an_action_and_explores_few_states():
    # section 3.3.1 of the paper: a greedy policy "gets stuck"; a random one visits everything
    game, _ = channels(4, 3)
    stuck = simulate(game, FictitiousPlay(), PayoffBased(), 100_000, rng=np.random.default_rng(0))
    drawn = simulate(
        game, FictitiousPlay(Proportional()), PayoffBased(Proportional()), 100_000, rng=np.random.default_rng(0)
    )
    assert stuck.run_lengths.min() > 100
    assert drawn.run_lengths.max() < 2
    assert np.count_nonzero(stuck.joint_states) < 16
    assert np.count_nonzero(drawn.joint_states) == 16


def test_fictitious_play_against_a_fixed_mix_finds_the_best_reply():
    game, _ = channels(3, 2)
    rng = np.random.default_rng(4)
    mix = rng.dirichlet(np.ones(6), 9)
    mix = np.repeat(mix[::3], 3, axis=0)  # the jammer looks at the transmitter's channel only
    history = simulate(game, FictitiousPlay(EpsilonGreedy(0.2)), FixedStrategy(mix), 300_000, rng=rng)
    truth = mix[::3] @ game.A.T - game.row_costs
    assert history.estimates[0] == pytest.approx(truth, abs=0.15)


BAD = [
    ({"steps": 0}, "steps must be a whole number from 1"),
    ({"steps": 2.5}, "steps must be a whole number"),
    ({"steps": True}, "steps must be a whole number"),
    ({"windows": 0}, "windows must be a whole number"),
    ({"ties": "first"}, "ties must be one of lowest, random, got 'first'"),
    ({"sensing": (0.0, 1.0)}, "fictitious play must observe the opponent, but sensing of row is 0"),
    ({"rng": 3}, "rng must be a numpy.random.Generator, got 3"),
    ({"sensing": 1}, "sensing must be two numbers in"),
    ({"sensing": (1.0, 1.5)}, "sensing must be two numbers in"),
    ({"initial_state": (0, 9)}, "initial_state must be below"),
    ({"initial_state": (0.5, 0)}, "initial_state must be two own states"),
    ({"event": np.zeros((2, 2))}, "event must be"),
    ({"column": FixedStrategy(np.full((2, 6), 1 / 6))}, "strategy of column must be"),
    ({"column": "greedy"}, "column must be a FictitiousPlay, PayoffBased or FixedStrategy, got str"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_one_clear_line(change, message):
    game, _ = channels(3, 2)
    call = {"row": FictitiousPlay(), "column": PayoffBased(), "steps": 10, "rng": np.random.default_rng(0), **change}
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is compared
        simulate(game, **call)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EpsilonGreedy(1.5), "rate must be in [0, 1], got 1.5"),
        (lambda: Proportional(np.nan), "rate must be in [0, 1], got nan"),
        (lambda: FictitiousPlay(prior=0.0), "prior must be positive and at most 1e+15, got 0.0"),
        (lambda: FictitiousPlay(forgiveness=0.0), "forgiveness must be in (0, 1], got 0.0"),
        (lambda: PayoffBased(forgiveness=1.1), "forgiveness must be in (0, 1], got 1.1"),
        (lambda: PayoffBased(initial=np.inf), "initial must be finite, got inf"),
        (
            lambda: FixedStrategy([[0.5, 0.6]]),
            (
                "strategy must hold probabilities that sum to 1 in every state, "
                "those of state 0 sum to 1.1, the least is 0.5"
            ),
        ),
        (
            lambda: FictitiousPlay("greedy"),
            "policy must be Greedy(), EpsilonGreedy(rate) or Proportional(rate), got `greedy`",
        ),
        (lambda: EpsilonGreedy("x"), "rate must be a number, got `x`"),
        (lambda: choice_probabilities(Greedy(), [1.0, -6.0], -5.0), "expected must be numbers of at least -5, got -6"),
        (lambda: choice_probabilities(Greedy(), [], 0.0), "expected must hold a number for each action, got none"),
    ],
)
def test_learners_check_what_they_are_told(make, message):
    with pytest.raises(InvalidGame) as refused:
        make()
    assert str(refused.value) == message


def test_memory_does_not_grow_with_the_steps():
    game, _ = channels(3, 2)
    short, long = (
        simulate(game, FictitiousPlay(), PayoffBased(), steps, rng=np.random.default_rng(0))
        for steps in (10_000, 1_000_000)
    )
    size = lambda history: sum(a.nbytes for a in (history.window_payoffs, history.joint_states, *history.visits))  # noqa: E731
    assert size(short) == size(long)
