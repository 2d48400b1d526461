"""Properties of coalition games in which others are asked, or remember: permission, cores, rules of switching."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers.core import Status
from solvers.hedonic import (
    AdditivelySeparableGame,
    BestWorstGame,
    FractionalGame,
    HedonicGame,
    Partition,
    best_response,
    better_response,
    deviation,
    enumerate_stable,
    gain_tolerance,
)
from verification.certificates import certify
from verification.hedonic_strategies import HEDONIC_KINDS, hedonic_games, partitions
from verification.properties._hedonic_definitions import (
    OUT,
    all_partitions,
    compares_exactly,
    moved,
    nash_stable,
    numbered,
    places,
    switches,
    tolerances,
    worth,
)
from verification.properties._property import Property

ASKED = ("individual", "contractual", "contractual-nash")
ORDINARY = tuple(kind for kind in HEDONIC_KINDS if kind != "cycling")  # which have a property of their own
FREE = ("integers", "symmetric", "friends", "anonymous", "fractional", "best-worst", "floats")

# --- one player's choice ---------------------------------------------------------------------------------------------


def _choices_off(drawn: tuple[HedonicGame, Partition]) -> float:
    """What each player gets everywhere, -inf where it may not go; and the best place: its own, else the lowest."""
    game, partition = drawn
    slots, sizes = partition.slots.tolist(), np.maximum(game.magnitudes(), 1e-300)
    best, chosen = game.best_moves(partition)
    worst = 0.0
    for i in range(game.players):
        wanted = np.full(game.capacity + 1, -np.inf)
        for j in [slots[i], *places(game, slots, i)]:
            wanted[j] = worth(game, moved(slots, i, j), i)  # the last entry is that of `OUT`
        found = game.values(partition, i)
        assert np.array_equal(np.isfinite(found), np.isfinite(wanted)), f"player {i} may go to others of the places"
        there = np.isfinite(wanted)
        apart = np.max(np.abs(found[there] - wanted[there]))
        worst = max(worst, apart / sizes[i], abs(best[i] - np.max(wanted)) / sizes[i])
        if compares_exactly(game):
            equal = np.flatnonzero(wanted == np.max(wanted)).tolist()
            place = slots[i] if wanted[slots[i]] == np.max(wanted) else equal[0]
            assert chosen[i] == place, f"of the best places {equal} player {i} is sent to {chosen[i]}, not {place}"
    return float(worst)


# --- who is asked ----------------------------------------------------------------------------------------------------


def _permission_off(drawn: tuple[HedonicGame, Partition, str]) -> float:
    """The worst deviation is what asking everybody about every move says."""
    game, partition, concept = drawn
    wanted, found = switches(game, partition.slots.tolist(), concept), deviation(game, partition, concept)
    assert (found is None) == (not wanted), f"{found} from {partition}, and {wanted} are permitted"
    if found is None:
        return 0.0
    (player,), (gain,), target = found.players, found.gains, found.target
    assert target is not None, "a switch leads nowhere"
    assert (player, target) in wanted, f"player {player} is not let go to {target}: {wanted}"
    size = float(np.max(game.magnitudes()))
    return max(abs(gain - wanted[player, target]), max(wanted.values()) - gain) / size


def _lists_off(drawn: tuple[HedonicGame, str]) -> float:
    game, concept = drawn
    found = {numbered(game, partition) for partition in enumerate_stable(game, concept).profiles}
    wanted = {
        numbered(game, partition)
        for partition in all_partitions(game)
        if not switches(game, partition.slots.tolist(), concept)
    }
    assert found == wanted, f"listed {sorted(map(str, found))}, and stable are {sorted(map(str, wanted))}"
    return 0.0


def _blocks(game: HedonicGame, present: list[float], members: tuple[int, ...], *, strict: bool) -> bool:
    gains = [game.utility(i, 0, members) - present[i] for i in members]
    least = [tolerances(game)[i] for i in members]
    gaining = [gain > own for gain, own in zip(gains, least, strict=True)]
    content = [gain >= -own for gain, own in zip(gains, least, strict=True)]
    return all(content) and any(gaining) if strict else all(gaining)


def _core_off(drawn: tuple[HedonicGame, Partition]) -> float:
    """Every coalition of free players is asked whether it would rather be among itself."""
    game, partition = drawn
    slots = partition.slots.tolist()
    present = [worth(game, slots, i) for i in range(game.players)]
    sizes = range(1, game.players + 1)
    every = [group for size in sizes for group in itertools.combinations(range(game.players), size)]
    for concept in ("core", "strict-core"):
        strict, found = concept == "strict-core", deviation(game, partition, concept)
        blocking = [group for group in every if _blocks(game, present, group, strict=strict)]
        assert (found is None) == (not blocking), f"{concept}: {found} from {partition}, and {blocking} block it"
        assert found is None or found.players in blocking, f"{concept}: {found.players} do not block {partition}"
    return 0.0


# --- small gains -----------------------------------------------------------------------------------------------------


@st.composite
def _near_ties(draw: Any) -> tuple[HedonicGame, Partition]:
    """Small weights, which noise tells apart: a thousand times a gain that counts, or a tenth of one."""
    n = draw(st.integers(2, 4))
    entries = st.lists(st.integers(-1, 1), min_size=n * n, max_size=n * n)
    noise = draw(st.sampled_from([1e-6, 1e-10]))
    weights = (np.array(draw(entries)) + noise * np.array(draw(entries))).reshape(n, n) * (1 - np.eye(n))
    return AdditivelySeparableGame(weights), draw(
        st.lists(st.integers(0, n - 1), min_size=n, max_size=n).map(Partition)
    )


def _small_gains_count(drawn: tuple[HedonicGame, Partition]) -> float:
    """From 1e-9 of a player's size on, for certificates, witnesses, lists and runs alike."""
    game, partition = drawn
    stable = nash_stable(game, partition)
    certificate = certify(game, partition, tolerance=gain_tolerance(game))
    assert certificate.holds == stable, f"{partition} is stable: {stable}, and its certificate says {certificate}"
    witness = deviation(game, partition)
    assert (witness is None) == stable, f"{partition} is stable: {stable}, and the witness against it is {witness}"
    listed = numbered(game, partition) in enumerate_stable(game).profiles
    assert listed == stable, f"{partition} is stable: {stable}, and listed: {listed}"
    run = best_response(game, partition, max_switches=50)
    if run.status is Status.SOLVED:
        assert nash_stable(game, run.require()), f"{run.require()} is called stable, but a player gains by leaving"
    return 0.0


# --- the rules of switching ------------------------------------------------------------------------------------------


@st.composite
def _ruled(draw: Any) -> tuple[HedonicGame, Partition, bool, dict[str, Any]]:
    game, start = draw(placed(5))
    rules = {
        "permission": draw(st.sampled_from(["nash", *ASKED])),
        "order": draw(st.sampled_from(["fixed", "random", "most-gain"])),
        "history": draw(st.booleans()),
        "welfare": draw(st.booleans()),
        "ties": draw(st.sampled_from(["lowest", "random"])),
    }
    return game, start, draw(st.booleans()), rules


def _keeps_the_rules(drawn: tuple[HedonicGame, Partition, bool, dict[str, Any]]) -> float:
    """Switch by switch: allowed, and the best, or the first, of those that are; at the end none is."""
    game, start, best, rules = drawn
    respond = best_response if best else better_response
    run = respond(game, start, max_switches=60, rng=np.random.default_rng(0), **rules)
    slots, met = start.slots.tolist(), set[tuple[Any, ...]]()
    met.update(_joined(game, start.slots.tolist(), i, j) for i, j in enumerate(start.slots.tolist()) if j != OUT)
    worst, sizes = 0.0, np.maximum(game.magnitudes(), 1e-300)
    for player, source, target, gain in run.switches:
        allowed = _allowed(game, slots, rules, met)
        assert slots[player] == source, f"player {player} leaves slot {source}, where it is not"
        assert (player, target) in allowed, f"player {player} may not go to {target} from {slots} under {rules}"
        rivals = allowed if rules["order"] == "most-gain" else {k: v for k, v in allowed.items() if k[0] == player}
        if best or rules["order"] == "most-gain":
            worst = max(worst, (max(rivals.values()) - allowed[player, target]) / sizes.max())
        elif rules["ties"] == "lowest":
            first = min(j if j != OUT else game.capacity for _, j in rivals)
            assert (target if target != OUT else game.capacity) == first, (
                f"player {player} goes to {target}, not {first}"
            )
        worst = max(worst, abs(gain - allowed[player, target]) / sizes[player])
        met.add(_joined(game, slots, player, target))
        slots = moved(slots, player, target)
    assert slots == run.last.slots.tolist(), f"the switches lead to {slots}, not to {run.last}"
    assert run.status is not Status.FAILED, f"the run failed: {run.stats}"
    if run.status in (Status.SOLVED, Status.STUCK):
        left = _allowed(game, slots, rules, met)
        assert not left, f"the run ends as {run.status.name} where {left} are allowed"
    return float(worst)


def _allowed(game: HedonicGame, slots: list[int], rules: dict[str, Any], met: set[Any]) -> dict[tuple[int, int], float]:
    found = switches(game, slots, rules["permission"])
    if rules["history"]:
        found = {move: gain for move, gain in found.items() if move[1] == OUT or _joined(game, slots, *move) not in met}
    if rules["welfare"]:
        least = float(np.max(tolerances(game)))
        here = game.welfare(Partition(slots))
        found = {m: gain for m, gain in found.items() if game.welfare(Partition(moved(slots, *m))) - here > least}
    return found


def _joined(game: HedonicGame, slots: list[int], player: int, target: int) -> tuple[Any, ...]:
    """The coalition that a player joins, and its slot where slots are told apart."""
    after = moved(slots, player, target)
    return player, target if game.labelled else None, tuple(j == target for j in after)


# --- the properties --------------------------------------------------------------------------------------------------


@st.composite
def _sparse(draw: Any, most: int) -> HedonicGame:
    """Games of weights whose players know few of the others, so that what strangers are worth matters."""
    n = draw(st.integers(1, most))
    entries = st.lists(st.sampled_from([0, 0, 0, 1, -1, 2, -2]), min_size=n * n, max_size=n * n)
    weights = np.array(draw(entries), dtype=float).reshape(n, n) * (1 - np.eye(n))
    kind, slots = draw(st.sampled_from(["worst", "best", "mean", "sum"])), draw(st.sampled_from([None, 1, 2]))
    slots = slots if slots is None or slots <= n else None
    if kind in ("best", "worst"):
        return BestWorstGame(weights, worst=kind == "worst", slots=slots)
    return (AdditivelySeparableGame if kind == "sum" else FractionalGame)(weights, slots=slots)


def placed(most: int, kinds: tuple[str, ...] | None = None) -> st.SearchStrategy[Any]:
    """A game of up to `most` players and a partition; often one that is rare among all kinds of games.

    Those are games of sizes, prizes with reputations and speeds, and players that are strangers to each other.
    """
    every = hedonic_games(max_players=most, kinds=kinds or ORDINARY)
    others = [hedonic_games(max_players=most, kinds=[kind]) for kind in ("anonymous", "labelled") if not kinds]
    games = st.one_of([every, *others, _sparse(most)])
    return games.flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def _narrow() -> st.SearchStrategy[Any]:
    """Games of strangers, and of sizes, in which many places are alike."""
    games = _sparse(5) | hedonic_games(max_players=5, kinds=["anonymous"]).filter(lambda game: game.players > 1)
    return games.flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def rewarded() -> st.SearchStrategy[Any]:
    """Prizes with pay for reputations, which are rare among all kinds of games."""
    games = hedonic_games(max_players=6, kinds=["labelled"]).filter(_pays)
    return games.flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def _pays(game: Any) -> bool:
    return game.players > 1 and game.reputation is not None and game.reputation.pay != 0


def _asked_about() -> st.SearchStrategy[Any]:
    return st.tuples(placed(6), st.sampled_from(ASKED)).map(lambda drawn: (*drawn[0], drawn[1]))


def _free() -> st.SearchStrategy[Any]:
    games = hedonic_games(max_players=4, kinds=FREE).filter(lambda game: game.slots is None)
    return games.flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def properties(record: Any) -> tuple[Property, ...]:
    """The properties, each as `record(name, statement, examples, measure)` makes it."""
    return (
        record(
            "hedonic-11",
            "values of places are those of going there; of equal places the own one, else the lowest, is best",
            lambda: placed(6),
            _choices_off,
            tolerance=1e-12,
        ),
        record(
            "hedonic-12",
            "the worst permitted deviation is what asking everybody about every move says",
            _asked_about,
            _permission_off,
            tolerance=1e-12,
            equation="Definition 7",
        ),
        record(
            "hedonic-13",
            "the lists of individually and contractually stable partitions are complete",
            lambda: st.tuples(hedonic_games(max_players=3), st.sampled_from(ASKED)),
            _lists_off,
            share=0.3,
        ),
        record(
            "hedonic-14",
            "a blocking coalition is named if and only if one of all coalitions blocks",
            _free,
            _core_off,
            share=0.5,
        ),
        record(
            "hedonic-15",
            "a gain counts from 1e-9 of the size of a player's utilities on, wherever it is looked for",
            _near_ties,
            _small_gains_count,
        ),
        record(
            "hedonic-16",
            "where reputations are paid for, values of places are those of going there too",
            rewarded,
            _choices_off,
            tolerance=1e-12,
            equation="(10)-(12)",
        ),
        record(
            "hedonic-17",
            "so they are among strangers, and where only sizes matter",
            _narrow,
            _choices_off,
            tolerance=1e-12,
        ),
        record(
            "gfml-23d",
            "under every order, permission, history and welfare rule each switch is allowed, and the best that is",
            _ruled,
            _keeps_the_rules,
            tolerance=1e-12,
            equation="Algorithm 1",
        ),
    )
