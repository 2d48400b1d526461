"""The kernels of repeated play of one game, each against its definition in whole numbers or in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.learning import _static_kernels as kernels

GREATEST = 2**kernels.DIGIT - 1


class Plain:
    """Sums of payoffs in whole numbers of any size, and the greatest of them."""

    def __init__(self, payoffs):
        self.payoffs, self.sums, self.counts = payoffs, [0] * payoffs.shape[1], [0] * payoffs.shape[1]

    def reply(self, move, random, rng):
        self.sums = [total + int(payoff) for total, payoff in zip(self.sums, self.payoffs[move], strict=True)]
        best = [k for k, total in enumerate(self.sums) if total == max(self.sums)]
        return best[int(rng.random() * len(best))] if random and len(best) > 1 else best[0]


def drawn_payoffs(seed):
    """Payoffs of both players, against each of the other's moves, of a kind that the seed says."""
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 5, 2)
    top = (1, 3, 1000, GREATEST)[seed % 4]
    rows, columns = (rng.integers(0, top, size, endpoint=True) for size in ((n, m), (m, n)))
    if seed % 8 == 3:  # every round carries, and the sums tie in both digits
        rows, columns = np.where(rows > top // 2, top, top - 1), np.where(columns > top // 3, top, 0)
    return rows, columns


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("seed", range(24))
def test_fictitious_play_is_that_of_whole_numbers(seed, random):
    rows, columns = drawn_payoffs(seed)
    n, m = rows.shape
    sums, counts = [np.zeros(k, np.int64) for k in (m, m, n, n)], [np.zeros(k, np.int64) for k in (m, n)]
    start = np.array([m - 1, n - 1])
    actions, rng = start.copy(), np.random.default_rng(seed)
    players, played = (Plain(rows), Plain(columns)), np.zeros((2, max(m, n)), int)
    i, j = start
    other = np.random.default_rng(seed)
    for rounds in (0, 1, 40):
        kernels.fictitious(rows, columns, tuple(sums), tuple(counts), actions, rounds, random, rng)
        for _ in range(rounds):
            played[0, i] += 1
            played[1, j] += 1
            i, j = players[0].reply(j, random, other), players[1].reply(i, random, other)
        assert actions.tolist() == [i, j]
        assert rng.bit_generator.state == other.bit_generator.state
        for k, player in enumerate(players):
            assert counts[k].tolist() == played[k, : len(counts[k])].tolist()
            high, low = sums[2 * k : 2 * k + 2]
            assert [int(h) * 2**62 + int(w) for h, w in zip(high, low, strict=True)] == player.sums
            assert np.all((low >= 0) & (low <= GREATEST))


@pytest.mark.parametrize(
    ("high", "low", "payoffs", "best"),
    [
        ([0, 0, 0], [3, 1, 2], [0, 3, 1], 1),
        ([0, 0, 0], [0, 0, 0], [0, 0, 0], 0),
        ([1, 2, 2], [9, 0, 5], [0, 7, 1], 1),
        ([2, 1, 0], [0, 9, 9], [0, 0, 0], 0),
        ([0, 1, 1], [5, 0, 0], [0, 1, 1], 1),
        ([0, 0, 1], [GREATEST, 0, 0], [1, 5, 0], 0),
        ([0, 0, 1], [GREATEST, 0, 0], [GREATEST, 5, GREATEST], 2),
        ([0, 0, 1], [GREATEST, 0, 1], [2, 5, 0], 0),
    ],
)
@pytest.mark.parametrize("marks", [0.0, 0.5, 0.75])
def test_a_reply_compares_the_high_digit_first(high, low, payoffs, best, marks):
    class Marks:
        def random(self):
            return marks

    for random in (False, True):
        digits = [np.array(high, np.int64), np.array(low, np.int64)]
        found = kernels._reply(np.array([[7, 7, 7], payoffs], np.int64), 1, *digits, random, Marks())
        sums = [h * 2**62 + w + v for h, w, v in zip(high, low, payoffs, strict=True)]
        ties = [k for k, total in enumerate(sums) if total == max(sums)]
        assert ties[0] == best
        assert found == (ties[int(marks * len(ties))] if random else best)
        assert [int(h) * 2**62 + int(w) for h, w in zip(*digits, strict=True)] == sums


REGRETS = ([0.0], [1.0, -2.0, 0.5], [-1.0, -0.5, -3.0], [0.0, 0.0], [700.0, -700.0, 699.0], [0.25, 0.25, -1.0, 2.0])


@pytest.mark.parametrize("regrets", REGRETS)
@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_weights_are_exponential(regrets, rate):
    regrets = np.array(regrets)
    strategy = np.full(regrets.size, 9.0)
    assert kernels.exponential(regrets, rate, strategy) is None
    weights = np.exp(rate * (regrets - regrets.max()))
    assert strategy == pytest.approx(weights / weights.sum(), rel=1e-13)
    assert np.isfinite(strategy).all()


@pytest.mark.parametrize("regrets", REGRETS)
def test_shares_are_those_of_the_positive_parts(regrets):
    regrets = np.array(regrets)
    strategy = np.full(regrets.size, 9.0)
    assert kernels.proportional(regrets, strategy) is None
    above = np.maximum(regrets, 0.0)
    expected = above / above.sum() if above.any() else np.full(regrets.size, 1 / regrets.size)
    assert strategy == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("rule", [kernels.HEDGE, kernels.MATCHING, kernels.MATCHING_PLUS])
@pytest.mark.parametrize("seed", range(4))
def test_learning_round_by_round(rule, seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, 5, 2)
    A, B, rates = rng.random((m, n)), rng.random((n, m)), np.array([0.7, 1.3])
    regrets, joint, rounds = (rng.normal(size=m), rng.normal(size=n)), rng.random((m, n)), 7
    sums, total = [regrets[0].copy(), regrets[1].copy()], joint.copy()
    assert kernels.no_regret(rule, rates, A, B, regrets, joint, rounds) is None
    for _ in range(rounds):
        mixes = []
        for p, r in enumerate(sums):
            weights = np.exp(rates[p] * (r - r.max())) if rule == kernels.HEDGE else np.maximum(r, 0.0)
            weights = weights if weights.any() else np.ones(r.size)
            mixes.append(weights / weights.sum())
        total += np.outer(*mixes)
        for p, values in enumerate((A @ mixes[1], B @ mixes[0])):
            sums[p] = sums[p] + values - values @ mixes[p]
            if rule == kernels.MATCHING_PLUS:
                sums[p] = np.maximum(sums[p], 0.0)
    assert joint == pytest.approx(total, rel=1e-12)
    for found, expected in zip(regrets, sums, strict=True):
        assert found == pytest.approx(expected, abs=1e-12)


def test_one_round_of_regrets():
    payoffs = np.array([[1.0, 0.0], [0.25, 0.5], [0.0, 0.75]])
    for rule in (kernels.HEDGE, kernels.MATCHING, kernels.MATCHING_PLUS):
        regrets, values = np.array([0.5, -0.25, 0.0]), np.full(3, 9.0)
        kernels.learn(rule, payoffs, np.array([0.5, 0.5]), np.array([0.25, 0.25, 0.5]), regrets, values)
        assert values.tolist() == [0.5, 0.375, 0.375]
        expected = np.array([0.5, -0.25, 0.0]) + values - 0.40625
        assert regrets.tolist() == (np.maximum(expected, 0.0) if rule == kernels.MATCHING_PLUS else expected).tolist()


def test_the_rules_have_three_numbers():
    assert (kernels.HEDGE, kernels.MATCHING, kernels.MATCHING_PLUS) == (0, 1, 2)
