"""Properties of learners: counters and means computed anew from the actions that were played, and bounds on regrets."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import learning
from solvers.bimatrix import BimatrixGame
from solvers.core import Status
from solvers.learning import _static, _static_kernels
from solvers.learning._learners import EpsilonGreedy, FictitiousPlay, Greedy, PayoffBased, Policy, Proportional
from solvers.stochastic import SwitchingGame
from verification.jamming_strategies import jamming_models
from verification.properties import _no_regret
from verification.properties._drawn import exactly, games
from verification.properties._fractions import ranges, regrets, times, transposed
from verification.properties._markov import saved_states
from verification.properties._no_regret import fresh, gap, of_learners, rounds
from verification.properties._property import Property

WORD = 2**62  # exact sums are kept in two words
POLICIES: tuple[Policy, ...] = (Greedy(), EpsilonGreedy(0.2), Proportional(), Proportional(0.1))
ROUNDING = Fraction(1, 10**12)

seeds = st.integers(0, 2**32 - 1)


# --- fictitious play of one game -------------------------------------------------------------------------------------


def _sums(drawn: tuple[BimatrixGame, int]) -> float:
    """The running sums are the payoffs times the counts, bit by bit, also of payoffs with which every round carries."""
    game, rounds = drawn
    m, n = game.shape
    A, B = game.rational_payoffs
    (rows, _), (columns, _) = _static.whole(A.transposed), _static.whole(B)
    for _ in range(2):
        sums, counts = [np.zeros(k, np.int64) for k in (m, m, n, n)], [np.zeros(k, np.int64) for k in (m, n)]
        played = np.zeros(2, np.int64)
        _static_kernels.fictitious(rows, columns, tuple(sums), tuple(counts), played, rounds, True, fresh(1))
        for high, low, payoffs, count in ((*sums[:2], rows, counts[1]), (*sums[2:], columns, counts[0])):
            total = [int(h) * WORD + int(w) for h, w in zip(high, low, strict=True)]
            wanted = list(payoffs.astype(object).T @ count.astype(object))
            assert total == wanted, "a sum is not that of the counts"
        assert counts[0].sum() == counts[1].sum() == rounds, "some round is not counted"
        rows, columns = (np.where(values == values.max(), WORD - 1, values) for values in (rows, columns))
    return 0.0


def _by_hand(drawn: tuple[BimatrixGame, int]) -> float:
    """Best replies to all that was played, in fractions, the first one of several."""
    game, rounds = drawn
    found = learning.fictitious_play(game, rounds)
    if not found.stats["exact"]:
        return 0.0
    A, B = exactly(game)
    counts, (i, j) = [[0] * size for size in game.shape], (0, 0)
    for _ in range(rounds):
        counts[0][i] += 1
        counts[1][j] += 1
        earned, taken = times(A, counts[1]), times(transposed(B), counts[0])
        i, j = earned.index(max(earned)), taken.index(max(taken))
    shares = [[count / rounds for count in own] for own in counts]
    return max(gap(mix, own) for mix, own in zip(found.profiles[0], shares, strict=True))


@st.composite
def _started(draw: Any) -> tuple[BimatrixGame, int, tuple[int, int], str, float]:
    game = draw(games(4))
    i, j = (draw(st.integers(0, size - 1)) for size in game.shape)
    ties, tolerance = draw(st.sampled_from(("lowest", "random"))), draw(st.sampled_from((0.0, 1e-9, 0.1)))
    return game, draw(st.integers(1, 60)), (i, j), ties, tolerance


def _bound(drawn: tuple[BimatrixGame, int, tuple[int, int], str, float]) -> float:
    """Regrets in fractions, at most (r + 1) / (2 r) of the range; what is said of them; and of the tolerance."""
    game, rounds, initial, ties, tolerance = drawn
    found = learning.fictitious_play(
        game, rounds, initial=initial, ties=ties, rng=fresh(0), tolerance=tolerance
    )  # fmt: skip
    (profile,), share = found.profiles, Fraction(rounds + 1, 2 * rounds)
    counts = [np.round(mix * rounds) for mix in profile]
    assert all(count.sum() == rounds for count in counts), "some round is not counted"
    assert counts[0][initial[0]] and counts[1][initial[1]], "the first moves are not played"  # noqa: PT018
    mixes = [[Fraction(int(count), rounds) for count in own] for own in counts]
    gaps = [max(gap(mix, exact) for mix, exact in zip(profile, mixes, strict=True))]
    for k, (gain, size) in enumerate(zip(regrets(game, *mixes), ranges(game), strict=True)):
        assert gain <= share * size, f"a regret is {float(gain):.6g}, more than {float(share * size):.6g}"
        unit = size or Fraction(1)
        gaps += [float(abs(Fraction(float(found.stats[name][k])) - true) / unit)
                 for name, true in (("regrets", gain), ("bounds", share * size))]  # fmt: skip
        if gain > (Fraction(tolerance) + ROUNDING) * size:
            assert found.status is Status.LIMIT, "it is said to be solved, and is not"
    if all(g < (Fraction(tolerance) - ROUNDING) * s for g, s in zip(regrets(game, *mixes), ranges(game), strict=True)):
        assert found.status is Status.SOLVED, "it is solved, and not said to be"
    return max(gaps)


def _converges(game: BimatrixGame) -> float:
    """Robinson (1951); the regret over the range after 10,000 rounds."""
    (profile,) = learning.fictitious_play(game, 10**4).profiles
    return max((float(g / s) for g, s in zip(regrets(game, *profile), ranges(game), strict=True) if s), default=0.0)


# --- learners that meet again and again ------------------------------------------------------------------------------


@st.composite
def _switching(draw: Any) -> SwitchingGame:
    """Payoffs in which nothing ties, up to three own states and five actions a player."""
    rng = fresh(draw(seeds))
    m, n, k, h = (draw(st.integers(1, most)) for most in (5, 5, 3, 3))
    return SwitchingGame(
        rng.normal(size=(m, n)),
        rng.normal(size=(m, n)),
        row_next=rng.integers(0, k, m),
        column_next=rng.integers(0, h, n),
        row_costs=rng.normal(size=(k, m)),
        column_costs=rng.normal(size=(h, n)),
    )


def _told(game: SwitchingGame, row: Any, column: Any, steps: int, seed: int) -> tuple[Any, list[tuple[int, int]]]:
    """The history, and all pairs of actions in it: each has a number, seen in windows of one step."""
    pairs = np.arange(float(game.A.size)).reshape(game.shape)
    history = learning.simulate(game, row, column, steps, rng=fresh(seed), windows=steps, event=pairs)
    return history, [divmod(int(pair), game.shape[1]) for pair in history.window_events]


@st.composite
def _learnt(draw: Any) -> tuple[SwitchingGame, Policy, float, float, int, int]:
    forgiveness = draw(st.sampled_from([1.0, 1.0, 0.9, 0.5]))
    policy = draw(st.sampled_from((EpsilonGreedy(1.0), *POLICIES)))
    return draw(_switching()), policy, forgiveness, draw(st.integers(-4, 4)) / 2, draw(st.integers(1, 200)), draw(seeds)


def _counters(drawn: tuple[SwitchingGame, Policy, float, float, int, int]) -> float:
    """What is counted of the opponent in each own state, what is expected of it, and visits, from the actions alone."""
    game, policy, forgiveness, _, steps, seed = drawn
    player = FictitiousPlay(policy, forgiveness=forgiveness)
    history, actions = _told(game, player, player, steps, seed)
    counts = [np.ones((k, other)) for k, other in zip(game.own_states, reversed(game.shape), strict=True)]
    visits, own = [np.zeros_like(v) for v in history.visits], [0, 0]
    for a, b in actions:
        for p, (mine, theirs) in enumerate(((a, b), (b, a))):
            counts[p][own[p]] *= forgiveness
            counts[p][own[p], theirs] += 1
            visits[p][own[p], mine] += 1
        own = [int(game.row_next[a]), int(game.column_next[b])]
    gaps = []
    for p, (payoffs, costs) in enumerate(((game.A, game.row_costs), (game.B.T, game.column_costs))):
        assert np.array_equal(history.visits[p], visits[p]), "visits are not those of the actions"
        if forgiveness == 1.0:
            assert np.array_equal(history.beliefs[p], counts[p]), "counters are not those of the actions"
        shares = counts[p] / counts[p].sum(axis=1, keepdims=True)
        told = history.beliefs[p] / history.beliefs[p].sum(axis=1, keepdims=True)
        gaps += [gap(told, shares), gap(history.estimates[p], shares @ payoffs.T - costs)]
    return max(gaps)


def _greedy(drawn: tuple[SwitchingGame, Policy, float, float, int, int]) -> float:
    """A greedy player takes, in each step, what the counters up to there make the best."""
    game, _, _, _, steps, seed = drawn
    _, actions = _told(game, FictitiousPlay(), FictitiousPlay(), steps, seed)
    counts = [np.ones((k, other)) for k, other in zip(game.own_states, reversed(game.shape), strict=True)]
    own = [0, 0]
    for step, (a, b) in enumerate(actions):
        for p, (payoffs, costs, taken) in enumerate(((game.A, game.row_costs, a), (game.B.T, game.column_costs, b))):
            seen = counts[p][own[p]]
            expected = payoffs @ seen / seen.sum() - costs[own[p]]
            assert expected.max() - expected[taken] <= 1e-9, f"step {step} is not the best that is expected"
        counts[0][own[0], b] += 1
        counts[1][own[1], a] += 1
        own = [int(game.row_next[a]), int(game.column_next[b])]
    return 0.0


def _means(drawn: tuple[SwitchingGame, Policy, float, float, int, int]) -> float:
    """The mean payoff of each own state and action, weighted by what is not forgotten; what it began with, if none."""
    game, policy, forgiveness, initial, steps, seed = drawn
    player = PayoffBased(policy, initial=initial, forgiveness=forgiveness)
    history, actions = _told(game, player, player, steps, seed)
    tables = [(np.full(costs.shape, initial), np.zeros(costs.shape)) for costs in (game.row_costs, game.column_costs)]
    own = [0, 0]
    for a, b in actions:
        paid = game.A[a, b] - game.row_costs[own[0], a], game.B[a, b] - game.column_costs[own[1], b]
        for (mean, weight), i, taken, payoff in zip(tables, own, (a, b), paid, strict=True):
            kept = forgiveness * weight[i, taken]
            mean[i, taken] = (mean[i, taken] * kept + payoff) / (kept + 1)
            weight[i, taken] = kept + 1
        own = [int(game.row_next[a]), int(game.column_next[b])]
    return max(gap(estimate, mean) for estimate, (mean, _) in zip(history.estimates, tables, strict=True))


@st.composite
def _expected(draw: Any) -> tuple[list[float], float, float]:
    eighths = st.integers(-800, 800).map(lambda k: k / 8)
    values = draw(st.lists(eighths, min_size=1, max_size=8))
    return values, draw(st.integers(0, 400)) / 8, draw(st.integers(-8000, 8000)) / 8


def _chances(drawn: tuple[list[float], float, float]) -> float:
    """(20) with P(k) - PMIN summed: a law that rises with the payoff, and that no common shift changes."""
    values, room, shift = drawn
    least = min(values) - room
    law = learning.choice_probabilities(Proportional(), values, least)
    above = [Fraction(v) - Fraction(least) for v in values]
    wanted = [part / sum(above) if sum(above) else Fraction(1, len(values)) for part in above]
    moved = learning.choice_probabilities(Proportional(), [v + shift for v in values], least + shift)
    mixed = learning.choice_probabilities(Proportional(0.25), values, least)
    best = values.index(max(values))
    shares = [0.25 * float(p) + 0.75 * (k == best) for k, p in enumerate(wanted)]
    assert min(law) >= 0, "a probability is negative"
    return max(gap(law, wanted), gap(moved, wanted), gap(mixed, shares), abs(float(np.sum(law)) - 1))


# --- whole runs ------------------------------------------------------------------------------------------------------


@st.composite
def _runs(draw: Any) -> tuple[Any, Policy, int, int, int]:
    model = draw(jamming_models(max_channels=3, max_powers=2))
    return model, draw(st.sampled_from(POLICIES)), draw(st.integers(1, 300)), draw(st.integers(1, 40)), draw(seeds)


def _run(drawn: Any, windows: int, seed: int) -> Any:
    model, policy, steps, _, _ = drawn
    players = FictitiousPlay(policy), PayoffBased(policy)
    return learning.simulate(
        model.game(0.5), *players, steps, rng=fresh(seed), windows=windows, event=model.jam_matrix
    )  # fmt: skip


def _repeated(drawn: Any) -> float:
    """A seed fixes a run, however it is cut into windows."""
    *_, windows, seed = drawn
    one, other, again = _run(drawn, windows, seed), _run(drawn, 1, seed), _run(drawn, windows, seed)
    for p in (0, 1):
        assert np.array_equal(one.visits[p], other.visits[p]), "windows change what is played"
        assert np.array_equal(one.estimates[p], other.estimates[p]), "windows change what is learnt"
    assert np.array_equal(one.window_payoffs, again.window_payoffs), "the same seed gives another run"
    assert np.array_equal(one.joint_states, again.joint_states), "the same seed gives another run"
    return gap(one.payoffs, other.payoffs) / float(np.max(np.abs([*drawn[0].most_payoffs, 1.0])))


def _within(drawn: Any) -> float:
    """Payoffs of like channels are from -X - H - g_nC to R - g_1, those of all windows add up, and so do counts."""
    model, _, steps, windows, seed = drawn
    history = _run(drawn, windows, seed)
    size = float(np.max(np.abs([*model.most_payoffs, *model.least_payoffs, 1.0])))
    low = np.max(model.least_payoffs - history.window_payoffs.min(axis=0))
    high = np.max(history.window_payoffs.max(axis=0) - model.most_payoffs)
    for radio, least, most in zip((model.transmitter, model.jammer), *_bounds(model), strict=True):
        assert least >= -radio.penalty - radio.hop_costs.max() - radio.power_costs[-1], "a step may cost more"
        assert most <= radio.rewards.max() - radio.power_costs[0], "a step may earn more"
    lengths = np.diff(history.window_ends, prepend=0)
    gaps = [gap(lengths @ history.window_payoffs / steps, history.payoffs)]
    assert history.joint_states.sum() == history.visits[0].sum() == history.visits[1].sum() == steps, "a step is lost"
    game = model.game(0.5)
    for p, costs in enumerate((game.row_costs, game.column_costs)):
        hops = [np.sum(v[: c.size] * (np.arange(c.size) // (c.size // model.channels) != i))
                for i, (v, c) in enumerate(zip(history.visits[p], costs, strict=True))]  # fmt: skip
        gaps.append(size * abs(sum(hops) / steps - history.hop_rates[p]))
    return float(max(low, high, *gaps)) / size


def _bounds(model: Any) -> tuple[list[float], list[float]]:
    stages = model.game(0.5).stage_payoffs(np.arange(model.channels**2))
    return [float(M.min()) for M in stages], [float(M.max()) for M in stages]


# --- the records -----------------------------------------------------------------------------------------------------


def _saved_run(example: Any, path: Path) -> Path:
    return saved_states(example[0].game(0.5), path)


PROPERTIES: tuple[Property, ...] = (
    of_learners(
        "jamming-19a",
        "",
        "Running sums of fictitious play are the payoffs times the counts, bit by bit",
        lambda: rounds(games(5, "ties", "integers", "rationals", "units", "near-ties"), 200),
        _sums,
        share=0.3,
    ),
    of_learners(
        "jamming-19b",
        "Algorithm 1",
        "What fictitious players have counted is what was played",
        _learnt,
        _counters,
        tolerance=1e-10,
        share=0.4,
        save=saved_states,
    ),
    of_learners(
        "jamming-19c",
        "Algorithm 1",
        "A greedy fictitious player takes what its counters make the best",
        _learnt,
        _greedy,
        share=0.3,
        save=saved_states,
    ),
    of_learners(
        "jamming-19d",
        "",
        "Fictitious play is that of best replies in fractions, ties and all",
        lambda: rounds(games(4), 40),
        _by_hand,
        tolerance=1e-12,
        share=0.4,
    ),
    of_learners(
        "jamming-20",
        "",
        "Fictitious play regrets at most (r + 1) / (2 r) of the range of payoffs",
        _started,
        _bound,
        tolerance=1e-12,
        share=0.5,
    ),
    of_learners(
        "jamming-21",
        "(19)",
        "A payoff-based player has the mean of each own state and action",
        _learnt,
        _means,
        tolerance=1e-10,
        share=0.4,
        save=saved_states,
    ),
    of_learners(
        "jamming-22",
        "(20)",
        "Chances in proportion to payoffs above the least are a law that no shift changes",
        _expected,
        _chances,
        tolerance=1e-12,
        save=None,
        share=0.6,
    ),
    of_learners(
        "jamming-23b",
        "(1), (2)",
        "Realised payoffs are within those of the worst and the best step, and add up",
        _runs,
        _within,
        tolerance=1e-9,
        save=_saved_run,
        share=0.4,
    ),
    of_learners(
        "learning-01",
        "",
        "A seed fixes a run, however it is cut into windows",
        _runs,
        _repeated,
        tolerance=1e-12,
        save=_saved_run,
        share=0.2,
    ),
    of_learners(
        "learning-02",
        "",
        "Fictitious play converges in zero-sum games",
        lambda: games(4, "zero-sum"),
        _converges,
        tolerance=0.03,
        share=0.3,
    ),
    *_no_regret.PROPERTIES,
)
