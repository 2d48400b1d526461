"""Hypothesis strategies for hedonic games and partitions; `verification.strategies` has them too.

Needs Hypothesis, which the extra `verification` installs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from solvers.hedonic import (
    AdditivelySeparableGame,
    AnonymousGame,
    BestWorstGame,
    FractionalGame,
    HedonicGame,
    LabelledGame,
    Partition,
    Reputation,
    Speeds,
    friends_and_enemies,
)
from solvers.hedonic._partition import OUT

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("verification.hedonic_strategies needs Hypothesis; install certeq[verification]") from None

Draw = Callable[[st.SearchStrategy[Any]], Any]
Rows = list[list[float]]

UNITS = (1e-9, 1e-3, 1e6)


def hedonic_games(*, max_players: int = 6, kinds: Sequence[str] | None = None) -> st.SearchStrategy[HedonicGame]:
    """A strategy for games with 1 to `max_players` players, of the `kinds` of `HEDONIC_KINDS`, by default all.

    Simple kinds come first: failing examples shrink towards small games of small integers.

    Raises
    ------
    ValueError
        If `max_players` is less than 1, or a kind is not one of `HEDONIC_KINDS`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(hedonic_games(max_players=3))
    ... def it_can_start_somewhere(game):
    ...     assert game.infeasibility(game.starting_partition()) == 0
    >>> it_can_start_somewhere()
    """
    chosen = tuple(HEDONIC_KINDS) if kinds is None else tuple(kinds)
    if max_players < 1:
        raise ValueError(f"max_players must be >= 1, got {max_players}")
    if not chosen or not set(chosen) <= set(HEDONIC_KINDS):
        raise ValueError(f"kinds must be among {', '.join(HEDONIC_KINDS)}, got {chosen}")
    return st.sampled_from(chosen).flatmap(lambda kind: HEDONIC_KINDS[kind](max_players))


def partitions(game: HedonicGame) -> st.SearchStrategy[Partition]:
    """A strategy for the feasible partitions of `game`: heads in their slots, who may be out now and then out.

    Examples
    --------
    >>> from hypothesis import given
    >>> game = AnonymousGame([[0, 1], [1, 0]])
    >>> @given(partitions(game))
    ... def everybody_has_a_slot(partition):
    ...     assert game.infeasibility(partition) == 0
    >>> everybody_has_a_slot()
    """
    places = st.integers(OUT if game.has_out else 0, game.capacity - 1)
    placed = st.lists(places, min_size=game.players, max_size=game.players)
    return placed.map(lambda slots: Partition(_with_heads(slots, game.heads)))


def _with_heads(slots: list[int], heads: tuple[int, ...]) -> list[int]:
    for j, head in enumerate(heads):
        slots[head] = j
    return slots


# --- numbers and settings --------------------------------------------------------------------------------------------


def _lists(entries: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(entries, min_size=size, max_size=size)


def _tables(entries: st.SearchStrategy[Any], m: int, n: int) -> st.SearchStrategy[Rows]:
    return _lists(_lists(entries, n), m)


def _sizes(max_players: int) -> st.SearchStrategy[int]:
    return st.integers(1, max_players)


@st.composite
def _settings(draw: Draw, players: int) -> dict[str, Any]:
    """Free slots, mostly; or a number of them, with or without heads."""
    slots = draw(st.none() | st.integers(1, players))
    if slots is None or not draw(st.booleans()):
        return {"slots": slots}
    return {"slots": slots, "heads": draw(st.permutations(range(players)))[:slots]}


def _weights(draw: Draw, n: int, entries: st.SearchStrategy[Any]) -> np.ndarray[Any, Any]:
    return np.array(draw(_tables(entries, n, n))).reshape(n, n) * (1 - np.eye(n))


# --- games of weights and sizes --------------------------------------------------------------------------------------


@st.composite
def _integers(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    return AdditivelySeparableGame(_weights(draw, n, st.integers(-4, 4)), **draw(_settings(n)))


@st.composite
def _floats(draw: Draw, max_players: int) -> HedonicGame:
    n, unit = draw(_sizes(max_players)), draw(st.sampled_from((1.0, *UNITS)))
    weights = _weights(draw, n, st.floats(-1, 1, allow_subnormal=False)) * unit
    return AdditivelySeparableGame(weights, **draw(_settings(n)))


@st.composite
def _symmetric(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    upper = np.triu(_weights(draw, n, st.integers(-4, 4)))
    return AdditivelySeparableGame(upper + upper.T, **draw(_settings(n)))


@st.composite
def _friends(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    calls = _weights(draw, n, st.booleans()) != 0
    return friends_and_enemies(calls, aversion=draw(st.booleans()), **draw(_settings(n)))


@st.composite
def _fractional(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    return FractionalGame(_weights(draw, n, st.integers(-4, 4)), **draw(_settings(n)))


@st.composite
def _best_worst(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    return BestWorstGame(_weights(draw, n, st.integers(-4, 4)), worst=draw(st.booleans()), **draw(_settings(n)))


@st.composite
def _anonymous(draw: Draw, max_players: int) -> HedonicGame:
    n = draw(_sizes(max_players))
    return AnonymousGame(draw(_tables(st.integers(-4, 4), n, n)), **draw(_settings(n)))


@st.composite
def _cycling(draw: Draw, max_players: int) -> HedonicGame:
    """Everybody wants to be with the next one, and away, more than that, from the one before: two, or an odd number.

    Who is with the one before leaves. So neighbours are apart, and i does not follow i + 1 only where i - 1 is there:
    if nobody moved, i - 1 and i + 1 would be together for all i, and with an odd number everybody, neighbours too.
    """
    n = draw(st.sampled_from([k for k in range(1, max_players + 1) if k == 2 or k % 2]))
    chase = draw(_lists(st.integers(1, 3), n))
    weights = np.zeros((n, n))
    for i in range(n if n > 1 else 0):
        if n > 2 or i == 0:
            weights[i, (i + 1) % n] += chase[i]
        if n > 2 or i == 1:
            weights[i, (i - 1) % n] -= chase[i] + draw(st.integers(1, 3))
    return AdditivelySeparableGame(weights)


# --- labelled games --------------------------------------------------------------------------------------------------


@st.composite
def _labelled_settings(draw: Draw, n: int, slots: int) -> dict[str, Any]:
    """With or without an outside, with or without heads."""
    outside = draw(st.none() | st.integers(-2, 2) | _lists(st.integers(-2, 2), n))
    heads = draw(st.permutations(range(n)))[:slots] if slots <= n and draw(st.booleans()) else ()
    return {"outside": outside, "heads": heads}


@st.composite
def _shares(draw: Draw, max_players: int) -> HedonicGame:
    """A share of a prize by size, in small integers: many ties."""
    n, slots = draw(_sizes(max_players)), draw(st.integers(1, 3))
    return LabelledGame(
        draw(_tables(st.integers(-2, 2), n, slots)),
        weights=draw(_lists(st.integers(-2, 6), n) | _tables(st.integers(-2, 6), n, slots)),
        sizes=draw(_lists(st.integers(1, 4), n)),
        **draw(_labelled_settings(n, slots)),
    )


@st.composite
def _labelled(draw: Draw, max_players: int) -> HedonicGame:
    """Every variant of reputation and speed."""
    n, slots = draw(_sizes(max_players)), draw(st.integers(1, 3))
    return LabelledGame(
        draw(_tables(st.floats(-2, 2, allow_subnormal=False), n, slots)),
        weights=draw(_tables(st.floats(0, 6, allow_subnormal=False), n, slots)),
        sizes=draw(_lists(st.floats(0.25, 4), n)),
        reputation=draw(st.none() | _reputations(n, slots)),
        speeds=draw(st.none() | _speeds(n)),
        **draw(_labelled_settings(n, slots)),
    )


@st.composite
def _reputations(draw: Draw, n: int, slots: int) -> Reputation:
    values = np.array(draw(_lists(st.integers(0, 8), n) | _tables(st.integers(0, 8), n, slots))) / 4
    peaks = draw(st.sampled_from([None, np.full(slots, 2.0)]))
    pay, threshold = draw(st.integers(-5, 5)), draw(st.sampled_from([0.5, 0.0, 2.0]))
    floor, shared = draw(st.sampled_from([0.5, 0.0, 1.0])), draw(st.booleans())
    return Reputation(values, pay=pay, threshold=threshold, floor=floor, shared=shared, peaks=peaks)


@st.composite
def _speeds(draw: Draw, n: int) -> Speeds:
    low, width, share = (draw(_lists(st.integers(1, 4), n)) for _ in range(3))
    return Speeds(np.array(low) + np.array(width) * (np.array(share) - 1) / 4, low, np.array(low) + np.array(width))


HEDONIC_KINDS: Mapping[str, Callable[[int], st.SearchStrategy[HedonicGame]]] = MappingProxyType(
    {
        "integers": _integers,
        "symmetric": _symmetric,
        "friends": _friends,
        "anonymous": _anonymous,
        "fractional": _fractional,
        "best-worst": _best_worst,
        "shares": _shares,
        "labelled": _labelled,
        "floats": _floats,
        "cycling": _cycling,
    }
)
"""Kinds of hedonic games, by name: the largest number of players to a strategy for games.

- integers, symmetric, floats: additively separable, with small integers or floats in several units
- friends: friends and enemies
- anonymous, fractional, best-worst: the values or weights are small integers
- cycling: everybody chases the next and flees the one before, so that nothing is stable with two players or more
- shares: labelled slots and prizes shared by size, in small integers; labelled: with reputations and speeds, in floats
"""
