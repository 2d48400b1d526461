"""Hypothesis strategies for jamming models and small stochastic games; `verification.strategies` has them too.

Needs Hypothesis, which the extra `verification` installs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from models.jamming._model import JammingModel
from models.jamming._radio import Radio
from models.jamming._success import RULES
from solvers.core import Array, Positions
from solvers.stochastic._game import MarkovGame, StationaryProfile
from solvers.stochastic._general import StochasticGame
from solvers.stochastic._switching import SwitchingGame

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("verification.jamming_strategies needs Hypothesis; install certeq[verification]") from None

Draw = Callable[[st.SearchStrategy[Any]], Any]

DISCOUNTS = (0.5, 0.0, 0.9)
UNIT = 8  # numbers are multiples of 1 / 8, which floats add up exactly
GRAIN = 12  # probabilities are shares of weights up to this


def jamming_models(
    *, max_channels: int = 4, max_powers: int = 3, kinds: Sequence[str] | None = None
) -> st.SearchStrategy[JammingModel]:
    """A strategy for models with up to so many channels and powers, of the `kinds` of `JAMMING_KINDS`, by default all.

    Raises
    ------
    ValueError
        If `max_channels` is less than 2, `max_powers` less than 1, or a kind is not one of `JAMMING_KINDS`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(jamming_models(kinds=["mixed"]))
    ... def nobody_does_better_than_the_greatest_payoff(model):
    ...     assert np.all(model.stage_game(0, 0).A <= model.most_payoffs[0])
    >>> nobody_does_better_than_the_greatest_payoff()
    """
    chosen = tuple(JAMMING_KINDS) if kinds is None else tuple(kinds)
    if max_channels < 2:
        raise ValueError(f"max_channels must be >= 2, got {max_channels}")
    if max_powers < 1:
        raise ValueError(f"max_powers must be >= 1, got {max_powers}")
    if not chosen or not set(chosen) <= set(JAMMING_KINDS):
        raise ValueError(f"kinds must be among {', '.join(JAMMING_KINDS)}, got {chosen}")
    return st.sampled_from(chosen).flatmap(lambda kind: JAMMING_KINDS[kind](max_channels, max_powers))


def stationary_profiles(game: MarkovGame) -> st.SearchStrategy[StationaryProfile]:
    """A strategy for stationary profiles of `game`, pure ones and zeros among them, of allowed actions only.

    Examples
    --------
    >>> from hypothesis import given
    >>> game = StochasticGame([[[1, 2]], [[3]]], [[[1, 2]], [[3]]], [[[0, 1]], [[0]]])
    >>> @given(stationary_profiles(game))
    ... def they_are_feasible(profile):
    ...     assert game.infeasibility(profile) < 1e-12
    >>> they_are_feasible()
    """
    sizes = (game.row_actions, game.column_actions)
    return st.builds(StationaryProfile, *(_mixes(s, n) for s, n in zip(sizes, game.shape, strict=True)))


def switching_games(
    *, max_states: int = 3, max_actions: int = 3, discounts: Sequence[float | None] = DISCOUNTS
) -> st.SearchStrategy[SwitchingGame]:
    """A strategy for games of up to `max_states` own states and `max_actions` actions a player, in small integers.

    Raises
    ------
    ValueError
        If a size is less than 1, or there are no `discounts`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(switching_games(max_states=2))
    ... def written_out_it_is_the_same_game(game):
    ...     everyone = np.arange(game.states)
    ...     for ours, theirs in zip(game.stage_payoffs(everyone), game.to_arrays().stage_payoffs(everyone)):
    ...         assert np.array_equal(ours, theirs)
    >>> written_out_it_is_the_same_game()
    """
    _check(max_states, max_actions, discounts)
    return _switching(max_states, max_actions, discounts)


def stochastic_games(
    *, max_states: int = 3, max_actions: int = 3, discounts: Sequence[float | None] = DISCOUNTS
) -> st.SearchStrategy[StochasticGame]:
    """A strategy for games of up to `max_states` states and `max_actions` actions a player, and any transition law.

    The next state is certain in some, drawn in others; numbers of actions differ by state; some states are never left.
    Payoffs are small integers.

    Raises
    ------
    ValueError
        If a size is less than 1, or there are no `discounts`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(stochastic_games(max_states=2, discounts=[0.9]))
    ... def there_is_a_stage_game(game):
    ...     assert game.stage(0).shape == (game.row_actions[0], game.column_actions[0])
    >>> there_is_a_stage_game()
    """
    _check(max_states, max_actions, discounts)
    return _stochastic(max_states, max_actions, discounts)


def _check(max_states: int, max_actions: int, discounts: Sequence[float | None]) -> None:
    for name, value in (("max_states", max_states), ("max_actions", max_actions)):
        if value < 1:
            raise ValueError(f"{name} must be >= 1, got {value}")
    if not discounts:
        raise ValueError("discounts must have at least one entry, got none")


# --- numbers ---------------------------------------------------------------------------------------------------------


def _eighths(low: int, high: int) -> st.SearchStrategy[float]:
    """Multiples of 1 / 8 from `low` / 8 to `high` / 8."""
    return st.integers(low, high).map(lambda k: k / UNIT)


def _array(draw: Draw, entries: st.SearchStrategy[Any], *shape: int) -> Array:
    size = int(np.prod(shape))
    return np.array(draw(st.lists(entries, min_size=size, max_size=size)), dtype=np.float64).reshape(shape)


@st.composite
def _mixes(draw: Draw, allowed: Positions, actions: int) -> Array:
    """A mix of the first `allowed` actions in each state, (states, actions)."""
    weights = _array(draw, st.integers(0, GRAIN), len(allowed), actions)
    for s, size in enumerate(allowed):
        weights[s, draw(st.integers(0, int(size) - 1))] += 1.0  # alone it makes a pure mix
        weights[s, int(size) :] = 0.0
    mixes: Array = weights / weights.sum(axis=1, keepdims=True)
    return mixes


# --- jamming ---------------------------------------------------------------------------------------------------------


def _rising(draw: Draw, powers: int, least: int = 1) -> Array:
    """Costs of powers that rise by `least` / 8 or more from one to the next."""
    steps = _array(draw, _eighths(least, 8), powers)
    costs: Array = np.cumsum(steps)
    return costs


def _alike(
    draw: Draw, channels: int, costs: Sequence[Array], hops: Sequence[float], stakes: list[float]
) -> JammingModel:
    """Radios to which all channels are alike and a success is worth so much more than a failure; the threshold rule."""
    apart = 1.0 - np.eye(channels)
    transmitter, jammer = (
        Radio(np.full(channels, reward), stake - reward, own, hop * apart)
        for own, hop, stake, reward in zip(
            costs, hops, stakes, (draw(_eighths(-16, 160)) for _ in range(2)), strict=True
        )
    )
    return JammingModel(transmitter, jammer, _threshold(len(costs[0])))


def _bounds(channels: int, costs: Sequence[Array], hops: Sequence[float]) -> list[float]:
    """What the stakes of transmitter and jammer have to exceed for a completely mixed equilibrium."""
    spans = [channels * float(np.ptp(own)) for own in costs]
    return [hops[0] + spans[0], (channels - 1) * hops[1] + spans[1]]


def _above(draw: Draw, bounds: list[float]) -> list[float]:
    return [bound + draw(_eighths(2, 160)) for bound in bounds]


def _threshold(powers: int) -> Array:
    jammed: Array = np.triu(np.ones((powers, powers)))
    return jammed


@st.composite
def _mixed(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """Both stakes above their bounds by at least 1 / 4."""
    channels, powers = draw(st.integers(2, max_channels)), draw(st.integers(1, max_powers))
    costs, hops = [_rising(draw, powers) for _ in range(2)], [draw(_eighths(0, 40)) for _ in range(2)]
    return _alike(draw, channels, costs, hops, _above(draw, _bounds(channels, costs, hops)))


@st.composite
def _outside(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """One player's stake at 1 / 8 to 7 / 8 of its bound, the other's anywhere but near its own; hops cost something."""
    channels, powers = draw(st.integers(2, max_channels)), draw(st.integers(1, max_powers))
    costs, hops = [_rising(draw, powers) for _ in range(2)], [draw(_eighths(4, 40)) for _ in range(2)]
    shares = draw(st.permutations([draw(_eighths(1, 7)), draw(_eighths(1, 7) | _eighths(9, 24))]))
    stakes = [bound * share for bound, share in zip(_bounds(channels, costs, hops), shares, strict=True)]
    return _alike(draw, channels, costs, hops, stakes)


@st.composite
def _border(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """One player's stake at its bound, or 1 / 8 to either side, the other's well above or like the first."""
    channels, powers = draw(st.integers(2, max_channels)), draw(st.integers(1, max_powers))
    costs, hops = [_rising(draw, powers) for _ in range(2)], [draw(_eighths(0, 40)) for _ in range(2)]
    slacks = draw(st.permutations([draw(_eighths(-1, 1)), draw(_eighths(-1, 1) | _eighths(2, 160))]))
    bounds = _bounds(channels, costs, hops)
    stakes = [max(bound + slack, 1 / UNIT) for bound, slack in zip(bounds, slacks, strict=True)]
    return _alike(draw, channels, costs, hops, stakes)


@st.composite
def _flat(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """All powers cost a player the same: the stakes are high enough, and still nothing is completely mixed."""
    channels, powers = draw(st.integers(2, max_channels)), draw(st.integers(2, max(2, max_powers)))
    flat = np.full(powers, draw(_eighths(0, 16)))
    costs = draw(st.permutations([flat, flat if draw(st.booleans()) else _rising(draw, powers)]))
    hops = [draw(_eighths(0, 40)) for _ in range(2)]
    return _alike(draw, channels, costs, hops, _above(draw, _bounds(channels, costs, hops)))


@st.composite
def _uneven_mixed(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """Channels that differ, by less than the stakes allow for any discount.

    By `models.jamming.closed_form`, with 1 / W at least the least stake over the number of channels, all probabilities
    are positive if every stake exceeds channels * (spread of rewards + 2 * most of hops + span of costs).
    """
    channels, powers = draw(st.integers(2, max_channels)), draw(st.integers(1, max_powers))
    transmitter, jammer = (_uneven_radio(draw, channels, powers) for _ in range(2))
    return JammingModel(transmitter, jammer, _threshold(powers))


def _uneven_radio(draw: Draw, channels: int, powers: int) -> Radio:
    """A radio whose channels differ by less than its stakes allow."""
    costs, hops, rewards = _rising(draw, powers), _hops(draw, channels, 16), _array(draw, _eighths(40, 80), channels)
    bound = channels * float(np.ptp(rewards) + 2 * hops.max() + np.ptp(costs))
    return Radio(rewards, bound + draw(_eighths(2, 160)) - float(rewards.min()), costs, hops)


@st.composite
def _uneven(draw: Draw, max_channels: int, max_powers: int) -> JammingModel:
    """Anything: channels that differ, powers of different numbers, any rule of jamming."""
    channels, powers = draw(st.integers(1, max_channels)), [draw(st.integers(1, max_powers)) for _ in range(2)]
    transmitter, jammer = (_any_radio(draw, channels, count) for count in powers)
    levels = [sorted(draw(st.sets(st.integers(1, 3 * count), min_size=count, max_size=count))) for count in powers]
    return JammingModel(transmitter, jammer, RULES[draw(st.sampled_from(sorted(RULES)))](*map(np.array, levels)))


def _any_radio(draw: Draw, channels: int, powers: int) -> Radio:
    rewards = _array(draw, _eighths(-16, 160), channels)
    penalty = draw(_eighths(1, 160)) - float(rewards.min())
    return Radio(rewards, penalty, _rising(draw, powers, least=0), _hops(draw, channels, 80))


def _hops(draw: Draw, channels: int, most: int) -> Array:
    """Costs of hops between every pair of channels, up to `most` / 8."""
    return _array(draw, _eighths(0, most), channels, channels) * (1 - np.eye(channels))


# --- stochastic games ------------------------------------------------------------------------------------------------


@st.composite
def _switching(draw: Draw, max_states: int, max_actions: int, discounts: Sequence[float | None]) -> SwitchingGame:
    (m, n), (own, other) = ([draw(st.integers(1, most)) for _ in range(2)] for most in (max_actions, max_states))
    A, B = (_array(draw, st.integers(-4, 4), m, n) for _ in range(2))
    return SwitchingGame(
        A,
        B,
        row_next=_array(draw, st.integers(0, own - 1), m).astype(np.intp),
        column_next=_array(draw, st.integers(0, other - 1), n).astype(np.intp),
        row_costs=_array(draw, st.integers(0, 4), own, m),
        column_costs=_array(draw, st.integers(0, 4), other, n),
        discount=draw(st.sampled_from(discounts)),
    )


@st.composite
def _stochastic(draw: Draw, max_states: int, max_actions: int, discounts: Sequence[float | None]) -> StochasticGame:
    states, certain = draw(st.integers(1, max_states)), draw(st.booleans())
    A, B, transitions = [], [], []
    for _ in range(states):
        m, n = (draw(st.integers(1, max_actions)) for _ in range(2))
        A.append(_array(draw, st.integers(-4, 4), m, n))
        B.append(_array(draw, st.integers(-4, 4), m, n))
        following = _array(draw, st.integers(0, states - 1), m, n).astype(np.intp)
        transitions.append(following if certain else _laws(draw, following, states))
    return StochasticGame(A, B, transitions, discount=draw(st.sampled_from(discounts)))


def _laws(draw: Draw, following: Positions, states: int) -> Array:
    """Laws of the next state, (m, n, states), in which the one in `following` has a positive probability."""
    weights = np.eye(states)[following] + _array(draw, st.integers(0, GRAIN), *following.shape, states)
    laws: Array = weights / weights.sum(axis=2, keepdims=True)
    return laws


JAMMING_KINDS: Mapping[str, Callable[[int, int], st.SearchStrategy[JammingModel]]] = MappingProxyType(
    {
        "mixed": _mixed,
        "outside": _outside,
        "flat": _flat,
        "uneven-mixed": _uneven_mixed,
        "uneven": _uneven,
        "border": _border,
    }
)
"""Kinds of models, by name: the largest numbers of channels and of powers to a strategy for models.

- mixed, outside, flat: channels alike, threshold; with a completely mixed equilibrium, without since a stake is too low
  for the hops and powers, without since all powers cost the same; never near the border
- border: channels alike, threshold; a stake at the border of what a completely mixed equilibrium takes, or next to it
- uneven-mixed: channels that differ, threshold; with a completely mixed Markov-perfect equilibrium for every discount
- uneven: any model, of unequal numbers of powers and all rules of jamming too
"""
