"""Properties of stochastic games: deviations and equilibria against the best of all policies, tried in fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import stochastic
from solvers.core import Array, Status
from solvers.stochastic import StationaryProfile, StochasticGame, SwitchingGame, _search
from solvers.stochastic._game import MarkovGame
from verification.jamming_strategies import stationary_profiles, stochastic_games, switching_games
from verification.properties._fractions import off, solution
from verification.properties._markov import PATIENT, Written, gains, saved_states, worths
from verification.properties._property import Property

DISCOUNTS = (0.5, 0.0, 0.9, None)
SWEEPS = 300  # of value iteration, at discounts up to 0.9

# --- what is drawn ---------------------------------------------------------------------------------------------------


def _drawn(discounts: tuple[float | None, ...] = DISCOUNTS) -> st.SearchStrategy[MarkovGame]:
    general = stochastic_games(max_states=3, max_actions=2, discounts=discounts)
    return general | switching_games(max_states=2, max_actions=3, discounts=discounts)


def _future_matters(draw: Any, *, zero_sum: bool = False, size: int = 3) -> StochasticGame:
    """Two or three states of integer payoffs that differ, so that what is best now is seldom best in the long run."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    states, m, n = draw(st.integers(2, 3)), draw(st.integers(2, size)), draw(st.integers(2, size))
    A, B = rng.integers(-9, 10, (2, states, m, n))
    weights = rng.integers(0, 5, (states, m, n, states)) * rng.integers(0, 2, (states, m, n, states)) + np.where(
        np.arange(states) == rng.integers(0, states, (states, m, n, 1)), 1, 0
    )
    law = weights / weights.sum(axis=-1, keepdims=True)
    return StochasticGame(A, -A if zero_sum else B, law, discount=draw(st.sampled_from([0.5, 0.9])))


@st.composite
def _games_with_a_future(draw: Any) -> StochasticGame:
    return _future_matters(draw)


@st.composite
def _zero_sum(draw: Any) -> StochasticGame:
    return _future_matters(draw, zero_sum=True, size=2)


@st.composite
def _played(draw: Any) -> tuple[MarkovGame, StationaryProfile]:
    game = draw(_drawn())
    return game, draw(stationary_profiles(game))


def _relative(game: MarkovGame, gaps: Any) -> float:
    """The greatest of a player's gaps over the range of its payoffs."""
    pairs = zip(gaps, Written(game).ranges(), strict=True)
    return float(np.max([float(max(own)) / (float(size) or 1.0) for own, size in pairs]))


# --- deviations ------------------------------------------------------------------------------------------------------


def _best_of_all(drawn: tuple[MarkovGame, StationaryProfile]) -> float:
    """Values, best values, regrets, and what the deviations that are named are worth."""
    game, profile = drawn
    found, (best, values) = stochastic.exploitability(game, profile), worths(game, profile)
    named = []
    for player in (0, 1):
        pure = np.eye(game.shape[player])[found.deviations[player]]
        moved = StationaryProfile(pure, profile.column) if player == 0 else StationaryProfile(profile.row, pure)
        named.append(worths(game, moved)[1][player])
    gaps = [
        [abs(Fraction(float(v)) - w) for told, true in rows for v, w in zip(told, true, strict=True)]
        for rows in (
            [(found.values[k], values[k]), (found.best[k], best[k]), (found.best[k], named[k])] for k in (0, 1)
        )
    ]
    for player, (b, v) in enumerate(zip(best, values, strict=True)):
        gain = max(Fraction(0), *(one - other for one, other in zip(b, v, strict=True)))
        gaps[player].append(abs(Fraction(float(found.regrets[player])) - gain))
    assert np.array_equal(game.regrets(profile), found.regrets), "the game's regrets are others"
    return _relative(game, gaps)


def _by_definition(drawn: tuple[SwitchingGame, StationaryProfile]) -> float:
    """Payoffs less the costs of both own states, the next own states by action; written out, it is the same game."""
    game, profile = drawn
    (k, h), (m, n), written = game.own_states, game.shape, Written(game)
    for s in range(game.states):
        i, j = divmod(s, h)
        for a in range(m):
            for b in range(n):
                paid = game.A[a, b] - game.row_costs[i, a], game.B[a, b] - game.column_costs[j, b]
                assert tuple(M[s, a, b] for M in written.payoffs) == paid, f"payoffs in state {s} are others"
                following = game.row_next[a] * h + game.column_next[b]
                assert written.law[s, a, b, following] == 1.0, f"state {s} leads elsewhere"
    assert game.states == k * h, "states are not pairs of own states"
    ours, theirs = (stochastic.exploitability(each, profile).regrets for each in (game, game.to_arrays()))
    return _relative(game, np.abs(ours - theirs)[:, None])


def _in_units(drawn: tuple[StochasticGame, StationaryProfile, int]) -> float:
    game, profile, power = drawn
    every = np.arange(game.states)
    A, B = game.stage_payoffs(every)
    law = np.stack([game.continuation(unit, every) for unit in np.eye(game.states)], axis=-1)
    moved = StochasticGame(np.ldexp(A, power), B - 7, law, discount=game.discount)
    before, after = (stochastic.exploitability(each, profile).regrets for each in (game, moved))
    return _relative(game, np.abs(np.array([np.ldexp(after[0], -power), after[1]]) - before)[:, None])


@st.composite
def _patient(draw: Any) -> tuple[StochasticGame, StationaryProfile, int]:
    game = draw(_games_with_a_future())
    return game, draw(stationary_profiles(game)), draw(st.integers(-40, 40))


# --- equilibria ------------------------------------------------------------------------------------------------------


def _stages(game: MarkovGame) -> float:
    found = stochastic.stage_equilibria(game).require()
    sizes, worst = zip(game.row_actions, game.column_actions, strict=True), 0.0
    for s, (m, n) in enumerate(sizes):
        assert not found.row[s, m:].any(), "an action is used that the state does not allow"
        assert not found.column[s, n:].any(), "an action is used that the state does not allow"
        worst = max(worst, off(game.stage(s), (found.row[s, :m], found.column[s, :n])))
    return worst


def _perfect(game: MarkovGame) -> float:
    found = stochastic.markov_perfect(game)
    assert found.status is Status.SOLVED, f"no equilibrium is found, and there is one: {found.status}"
    return _relative(game, gains(game, found.require()))


def _on_average(game: MarkovGame) -> float:
    """There need not be one: what is claimed holds."""
    found = stochastic.markov_perfect(game, restarts=2, max_iterations=50)
    return _relative(game, gains(game, found.profiles[0])) if found.status is Status.SOLVED else 0.0


def _along_the_path(game: StochasticGame) -> float:
    """Logit equilibria followed to the end, and what Newton's method on their supports makes of it."""
    search = _search.DiscountedSearch(game, _search.Options(1.0, 0, 500, 1e-9, np.random.default_rng(0)))
    search._follow(first=True)
    profile = search.best.profile
    return _relative(game, gains(game, profile)) if profile is not None and search.best.within else 0.0


def _value_iteration(game: StochasticGame) -> float:
    """Shapley's operator with the value of a 2 x 2 game by von Neumann's formula: a saddle point, or both mix."""
    A = game.stage_payoffs(np.arange(game.states))[0]
    law, d, values = Written(game).law, game.discount or 0.0, np.zeros(game.states)
    for _ in range(SWEEPS):
        values = np.array([_value(M) for M in (1 - d) * A + d * (law @ values)])
    found = stochastic.exploitability(game, stochastic.markov_perfect(game).require()).values
    gaps = [np.abs(found[0] - values), np.abs(found[1] + values)]
    return _relative(game, gaps)


def _value(M: Array) -> float:
    sure, held = M.min(axis=1).max(), M.max(axis=0).min()
    (a, b), (c, e) = M
    return float(sure if sure == held else (a * e - b * c) / (a + e - b - c))


# --- the chain of play -----------------------------------------------------------------------------------------------


@st.composite
def _chains(draw: Any) -> tuple[StochasticGame, StationaryProfile]:
    """One action each and a sparse chain: often several closed classes, transient states and periods."""
    states = draw(st.integers(1, 5))
    weights = np.array(draw(st.lists(st.integers(0, 3), min_size=states**2, max_size=states**2)), dtype=float)
    P = np.maximum(weights.reshape(states, states) - 1, 0.0)
    P[np.arange(states), draw(st.lists(st.integers(0, states - 1), min_size=states, max_size=states))] += 1.0
    pays, ones = np.arange(float(states))[:, None, None], np.ones((states, 1))
    law = P / P.sum(axis=1, keepdims=True)
    return StochasticGame(pays, -pays, law[:, None, None, :]), StationaryProfile(ones, ones)


def _long_run(drawn: tuple[StochasticGame, StationaryProfile]) -> float:
    """The mean law in the long run, from equal chances, and the steps until state 0 is reached."""
    game, profile = drawn
    chain, states = stochastic.markov_chain(game, profile), game.states
    exact = [[Fraction(float(p)) for p in row] for row in Written(game).played(profile)[0]]
    P = [[p / sum(row) for p in row] for row in exact]
    system = [[(s == t) - PATIENT * P[t][s] for t in range(states)] for s in range(states)]
    law = solution(system, [(1 - PATIENT) / states] * states)
    assert law is not None, "a chain has no long run: the oracle is wrong"
    gaps = [abs(float(told) - float(true)) for told, true in zip(chain.stationary, law, strict=True)]
    mean = float(sum(s * p for s, p in enumerate(law)))
    gaps += [abs(chain.payoffs[0] - mean), abs(chain.payoffs[1] + mean)]
    return float(np.max([*gaps, _until_zero(P, chain.hitting_times([0]))]))


def _until_zero(P: list[list[Fraction]], told: Array) -> float:
    """Infinite where some way leads to where 0 is out of reach; else what the linear equations say."""
    states = range(len(P))
    reach = {s: {s} for s in states}
    for _ in states:
        reach = {s: reach[s].union(*(reach[t] for t in states if s and P[s][t])) for s in states}
    sure = [s for s in states if s and all(0 in reach[t] for t in reach[s])]
    assert {s for s in states if np.isfinite(told[s])} == {0, *sure}, "state 0 is certain from others"
    assert told[0] == 0, "state 0 is not reached at once from itself"
    steps = solution([[(s == t) - P[s][t] for t in sure] for s in sure], [1] * len(sure)) if sure else []
    assert steps is not None, "steps are not determined: the oracle is wrong"
    return max((abs(float(told[s]) / float(true) - 1) for s, true in zip(sure, steps, strict=True)), default=0.0)


def _record(number: int, statement: str, examples: Any, measure: Any, **other: Any) -> Property:
    return Property(
        name=f"stochastic-{number:02}", family="stochastic", equation="", statement=statement, examples=examples,
        measure=measure, save=saved_states, **other,
    )  # fmt: skip


@st.composite
def _switched(draw: Any) -> tuple[SwitchingGame, StationaryProfile]:
    game = draw(switching_games(discounts=DISCOUNTS))
    return game, draw(stationary_profiles(game))


PROPERTIES: tuple[Property, ...] = (
    _record(
        1, "What deviating is worth is the best of all policies", _played, _best_of_all, tolerance=1e-9, share=0.25
    ),
    _record(
        2, "A game with switching costs is the game written out", _switched, _by_definition, tolerance=1e-10, share=0.3
    ),
    _record(
        3,
        "Regrets are in the units of payoffs, whatever is added to them",
        _patient,
        _in_units,
        tolerance=1e-12,
        share=0.3,
    ),
    _record(4, "Stage-wise equilibria are equilibria of every stage", _drawn, _stages, tolerance=1e-9, share=0.4),
    _record(
        5,
        "A Markov-perfect equilibrium is found, and no policy gains anything",
        _games_with_a_future,
        _perfect,
        tolerance=1e-8,
        share=0.2,
    ),
    _record(
        6,
        "So it is where payoffs tie and states are never left",
        lambda: _drawn((0.5, 0.9)),
        _perfect,
        tolerance=1e-8,
        share=0.2,
    ),
    _record(
        7,
        "What is claimed for the average payoff holds",
        lambda: stochastic_games(max_states=2, max_actions=2, discounts=[None]),
        _on_average,
        tolerance=1e-8,
        share=0.2,
    ),
    _record(
        8,
        "A path of logit equilibria that is said to end in an equilibrium does",
        _games_with_a_future,
        _along_the_path,
        tolerance=1e-8,
        share=0.08,
    ),
    _record(
        9,
        "The value of a zero-sum stochastic game is that of value iteration",
        _zero_sum,
        _value_iteration,
        tolerance=1e-8,
        share=0.15,
    ),
    _record(
        10,
        "The long run of a chain is the limit of patience, and times to a state solve their equations",
        _chains,
        _long_run,
        tolerance=1e-9,
        share=0.4,
    ),
)
