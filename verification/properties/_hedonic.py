"""Properties of coalition games: utilities by their definitions, switches, stability, potentials, exact search."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers.core import Status
from solvers.hedonic import (
    AdditivelySeparableGame,
    HedonicGame,
    LabelledGame,
    Partition,
    best_response,
    better_response,
    deviation,
    enumerate_stable,
    exact,
    gain_tolerance,
    potential,
    replay,
    solve,
    write_json,
)
from verification.certificates import certify
from verification.hedonic_games import chase_and_flee
from verification.hedonic_strategies import hedonic_games, partitions
from verification.properties import _hedonic_asked
from verification.properties._hedonic_definitions import (
    OUT,
    Table,
    all_partitions,
    best_gains,
    compares_exactly,
    gain_of,
    nash_stable,
    numbered,
    places,
    plain_utility,
    weights_of,
)
from verification.properties._property import Property

SMALL = 4  # players, so that all partitions can be looked at one by one
LARGER = 8  # players of runs whose ends are checked move by move
WEIGHTED = ("integers", "symmetric", "friends", "anonymous", "fractional", "best-worst", "floats")


# --- measures --------------------------------------------------------------------------------------------------------


def _utilities_off(drawn: tuple[HedonicGame, Partition]) -> float:
    game, partition = drawn
    found, sizes = game.utilities(partition), np.maximum(game.magnitudes(), 1e-300)
    slots, weights = partition.slots.tolist(), weights_of(game)
    groups = [[k for k, other in enumerate(slots) if other == own] for own in slots]
    wanted = [plain_utility(game, weights, i, group) for i, group in enumerate(groups)]
    return float(np.max(np.abs(found - wanted) / sizes))


def _labelled_off(drawn: tuple[LabelledGame, Partition]) -> float:
    """The fixed part, a share of the prize by size and speed, and pay for reputations: term by term."""
    game, partition = drawn
    slots, found, worst = partition.slots.tolist(), game.utilities(partition), 0.0
    for i, j in enumerate(slots):
        if j == OUT:
            continue
        members = [k for k, s in enumerate(slots) if s == j]
        prize = game.weights[i, min(j, game.weights.shape[1] - 1)] * _pace(game, i, members)
        shared = game.base[i, j] + prize * game.sizes[i] / sum(game.sizes[k] for k in members)
        wanted = shared + _standing(game, i, j, members)
        worst = max(worst, abs(found[i] - wanted) / max(1.0, abs(wanted)))
    return float(worst)


def _pace(game: LabelledGame, player: int, members: list[int]) -> float:
    """How fast a player is between the slowest and the fastest that members can be."""
    if game.speeds is None:
        return 1.0
    low, high = min(game.speeds.lowest[k] for k in members), max(game.speeds.highest[k] for k in members)
    return float((game.speeds.values[player] - low) / (high - low))


def _standing(game: LabelledGame, player: int, slot: int, members: list[int]) -> float:
    """Pay times H of (11) and (12), a player's own or the mean of all members'."""
    rule = game.reputation
    if rule is None:
        return 0.0
    known = {k: float(rule.values[k] if rule.values.ndim == 1 else rule.values[k, slot]) for k in members}
    peak = max(known.values()) if rule.peaks is None else float(rule.peaks[slot])

    def worth(r: float) -> float:
        if r < rule.threshold:
            return rule.floor * math.exp(r - rule.threshold)
        climb = (r - rule.threshold) / (peak - rule.threshold) if peak > rule.threshold else 0.0
        return rule.floor + (1 - rule.floor) * math.log(1 + (math.e - 1) * climb)

    if not rule.shared:
        return rule.pay * worth(known[player])
    return rule.pay * sum(map(worth, known.values())) / len(members)


def _regrets_off(drawn: tuple[HedonicGame, Partition]) -> float:
    game, partition = drawn
    apart = np.abs(np.asarray(game.regrets(partition), dtype=float) - best_gains(game, partition))
    return float(np.max(apart / np.maximum(game.magnitudes(), 1e-300)))


def _certificate_agrees(drawn: tuple[HedonicGame, Partition]) -> float:
    game, partition = drawn
    holds, stable = certify(game, partition, tolerance=gain_tolerance(game)).holds, nash_stable(game, partition)
    assert holds == stable, f"the certificate says {holds}, looking at every move says {stable}: {partition}"
    witness = deviation(game, partition)
    assert (witness is None) == stable, f"the witness of instability is {witness}, and it is {stable} that it is stable"
    return 0.0


def _run_is_what_it_says(respond: Callable[..., Any]) -> Callable[[Any], float]:
    def measure(drawn: tuple[HedonicGame, Partition]) -> float:
        game, start = drawn
        run = respond(game, start, max_switches=300)
        end, gains = replay(game, start, run.switches)
        assert end == run.last, f"the switches lead to {end}, not to {run.last}"
        assert all(game.infeasibility(partition) == 0 for partition in (end, run.last)), (
            "heads moved, or slots are wrong"
        )
        assert np.all(gains > 0), f"a switch was accepted that gains {gains.min():.3g}"
        if run.status is Status.SOLVED:
            assert nash_stable(game, run.require()), f"{run.require()} is called stable, but a player gains by leaving"
        elif run.status is Status.CYCLE:
            back, round_trip = replay(game, run.cycle_start, run.cycle)
            assert back == run.cycle_start, f"the cycle leads from {run.cycle_start} to {back}"
            assert np.all(round_trip > 0), "a switch of the cycle gains nothing"
        else:
            assert run.status is Status.LIMIT, f"a run of switches ended as {run.status.name}"
        return 0.0

    return measure


def _moves_best(drawn: tuple[HedonicGame, Partition]) -> float:
    """Each switch of a best response gains as much as the best one there is, and goes to the lowest of equal slots."""
    game, start = drawn
    run, slots, worst = best_response(game, start, max_switches=40), start.slots.tolist(), 0.0
    sizes = np.maximum(game.magnitudes(), 1e-300)
    for player, _source, target, *_ in run.switches:
        gains = {j: gain_of(game, slots, player, j) for j in places(game, slots, player)}
        worst = max(worst, (max(gains.values()) - gains[target]) / sizes[player])
        if compares_exactly(game):
            lowest = min(j for j, gain in gains.items() if gain == max(gains.values()))
            assert target == lowest, f"of equal slots player {player} takes {target}, not {lowest}"
        slots[player] = target
    return float(worst)


def _enumeration_is_complete(game: HedonicGame) -> float:
    found = {numbered(game, partition) for partition in enumerate_stable(game).profiles}
    wanted = {numbered(game, partition) for partition in all_partitions(game) if nash_stable(game, partition)}
    assert found == wanted, f"listed {sorted(map(str, found))}, and stable are {sorted(map(str, wanted))}"
    return 0.0


def _solver_is_right(answer: Callable[[HedonicGame], Any]) -> Callable[[HedonicGame], float]:
    def measure(game: HedonicGame) -> float:
        found, stable = answer(game), any(nash_stable(game, partition) for partition in all_partitions(game))
        wanted = Status.SOLVED if stable else Status.NONE_EXISTS
        assert found.status is wanted, f"the status is {found.status.name}, and should be {wanted.name}"
        if stable:
            assert nash_stable(game, found.require()), f"{found.require()} is not stable"
        return 0.0

    return measure


def _implications_hold(drawn: tuple[HedonicGame, Partition]) -> float:
    game, partition = drawn
    nash, individual, contractual = (
        deviation(game, partition, concept) is None for concept in ("nash", "individual", "contractual")
    )
    assert individual or not nash, f"{partition} is Nash-stable and not individually stable"
    assert contractual or not individual, f"{partition} is individually stable and not contractually so"
    return 0.0


def _contractual_exists(game: HedonicGame) -> float:
    assert enumerate_stable(game, "contractual").profiles, "no partition is contractually individually stable"
    return 0.0


def _chase_never_ends(game: HedonicGame) -> float:
    """Nothing is stable, and the switches are found to go round."""
    if game.players > 1:
        assert not any(nash_stable(game, partition) for partition in all_partitions(game)), "a partition is stable"
        run, listed = best_response(game), enumerate_stable(game)
        assert run.status is Status.CYCLE, f"the run ended as {run.status.name}"
        assert listed.status is Status.NONE_EXISTS, f"listed as stable: {listed.profiles}"
    return 0.0


def _renumbered(drawn: tuple[AdditivelySeparableGame, Partition, list[int]]) -> float:
    game, partition, order = drawn
    other = AdditivelySeparableGame(game.weights.toarray()[np.ix_(order, order)])
    moved = Partition([int(partition.slots[i]) for i in order])
    apart = np.abs(np.asarray(other.regrets(moved)) - np.asarray(game.regrets(partition))[order])
    return float(np.max(apart / np.maximum(game.magnitudes(), 1e-300)))


# --- potentials ------------------------------------------------------------------------------------------------------


def _potential_rises(drawn: tuple[HedonicGame, Partition]) -> float:
    """Every improving switch from here raises the potential, by the gain itself if it is exact."""
    game, partition = drawn
    found, slots = potential(game), partition.slots.tolist()
    if found is None:
        return 0.0
    worst, here = 0.0, found.value(partition)
    for i in range(game.players):
        for j in places(game, slots, i):
            gain = gain_of(game, slots, i, j)
            if gain > 1e-6 * game.magnitudes()[i]:
                rise = found.value(partition.moved(i, j)) - here
                assert rise > 0, f"player {i} gains {gain:.3g} by going to {j}, and the potential rises by {rise:.3g}"
                worst = max(worst, abs(rise - gain) / game.magnitudes()[i] if found.kind == "exact" else 0.0)
    return float(worst)


@st.composite
def _shared_prizes(draw: Any, slots: int, *, equal: bool) -> LabelledGame:
    """Fixed similarities, prizes shared by data, frozen speeds, no pay for reputation: (a) and (b)."""
    n = draw(st.integers(1, 5))
    data = [1] * n if equal else draw(st.lists(st.integers(1, 30), min_size=n, max_size=n))
    prices = np.array(draw(st.lists(st.integers(5, 15), min_size=slots, max_size=slots)), dtype=float)
    speeds = np.array(draw(st.lists(st.integers(1, 10), min_size=n, max_size=n))) / 10
    alike = np.array(draw(st.lists(st.integers(-10, 10), min_size=n * slots, max_size=n * slots))) / 10
    return LabelledGame(alike.reshape(n, slots) * prices, weights=speeds[:, None] * prices, sizes=data)


def _two_slots_terminate(game: LabelledGame) -> float:
    """(a): an ordinal potential for two slots, computed here: loads against thresholds."""
    for start in all_partitions(game):
        run = best_response(game, start)
        assert run.status is Status.SOLVED, f"switches from {start} end as {run.status.name}"
    return 0.0


def _equal_data_off(drawn: tuple[LabelledGame, Partition]) -> float:
    """(b): Φ = Σ_j I_j (1 + 1/2 + .. + 1/n_j) + Σ_i S_i I / f_i, by which a switch's gain over f_i rises."""
    game, partition = drawn
    slots, worst = partition.slots.tolist(), 0.0

    def value(slots: list[int], scale: Table, prices: Table) -> float:
        shared = sum(prices[j] * sum(1 / m for m in range(1, slots.count(j) + 1)) for j in set(slots))
        return float(shared + sum(game.base[i, j] / scale[i] for i, j in enumerate(slots)))

    first = game.weights[0]
    scale = game.weights[:, 0] / first[0]  # speeds, up to that of learner 0
    for i in range(game.players):
        for j in places(game, slots, i):
            after = [j if k == i else s for k, s in enumerate(slots)]
            rise = value(after, scale, first) - value(slots, scale, first)
            gain = game.utilities(Partition(after))[i] - game.utilities(partition)[i]
            worst = max(worst, abs(gain - scale[i] * rise) / max(1.0, *game.magnitudes()))
    return float(worst)


def _chase_is_a_cycle(seed: int) -> float:
    """The four learners of whom no partition is stable, from each partition: always reported as a cycle."""
    game = chase_and_flee()
    starts = list(all_partitions(game))
    assert not any(nash_stable(game, start) for start in starts), "a partition of the counterexample is stable"
    run = best_response(game, starts[seed % len(starts)], max_switches=1000)
    assert run.status is Status.CYCLE, f"the run ended as {run.status.name}"
    assert len(run.cycle) == 4, f"the cycle has {len(run.cycle)} switches"
    assert enumerate_stable(game).status is Status.NONE_EXISTS, "a stable partition was listed"
    return 0.0


# --- what is drawn ---------------------------------------------------------------------------------------------------


def _placed(**options: Any) -> Callable[[], st.SearchStrategy[Any]]:
    def drawn() -> st.SearchStrategy[Any]:
        return hedonic_games(**options).flatmap(lambda game: st.tuples(st.just(game), partitions(game)))

    return drawn


def _prizes_placed(slots: int) -> st.SearchStrategy[Any]:
    return _shared_prizes(slots, equal=True).flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def _plain_labelled(**_: Any) -> st.SearchStrategy[Any]:
    shares = hedonic_games(max_players=LARGER, kinds=["shares", "labelled"])
    return shares.flatmap(lambda game: st.tuples(st.just(game), partitions(game)))


def _with_order() -> st.SearchStrategy[Any]:
    def drawn(game: HedonicGame) -> st.SearchStrategy[Any]:
        places = st.lists(st.integers(0, game.players - 1), min_size=game.players, max_size=game.players)
        return st.tuples(st.just(game), places.map(Partition), st.permutations(range(game.players)))

    free = hedonic_games(max_players=6, kinds=["integers", "symmetric"])
    return free.filter(lambda game: game.slots is None and not game.heads).flatmap(drawn)


def _save(example: Any, path: Path) -> Path:
    game = example[0] if isinstance(example, tuple) else example
    file = path.with_suffix(".json")
    write_json(game, file)
    return file


def _property(name: str, statement: str, examples: Callable[[], Any], measure: Any, **options: Any) -> Property:
    known = {"family": "hedonic", "equation": "", "save": _save, "command": "python -m solvers.hedonic FILE", **options}
    return Property(name=name, statement=statement, examples=examples, measure=measure, **known)


def _small() -> st.SearchStrategy[Any]:
    return hedonic_games(max_players=SMALL)


PROPERTIES = (
    _property(
        "hedonic-01",
        "utilities of weighted and anonymous games are those of their definitions",
        lambda: _hedonic_asked.placed(LARGER, WEIGHTED),
        _utilities_off,
        tolerance=1e-12,
    ),
    _property(
        "hedonic-02",
        "with labelled slots a prize is shared by size and speed, and reputations are paid for",
        _plain_labelled,
        _labelled_off,
        tolerance=1e-12,
        equation="(10)",
    ),
    _property(
        "hedonic-03",
        "regrets are what the best single moves gain, looked at one by one",
        lambda: _hedonic_asked.placed(6),
        _regrets_off,
        tolerance=1e-12,
    ),
    _property(
        "hedonic-04",
        "certificate and witness say what looking at every move says",
        _placed(max_players=6),
        _certificate_agrees,
    ),
    _property(
        "hedonic-05",
        "the list of stable partitions is complete",
        _small,
        _enumeration_is_complete,
        share=0.5,
    ),
    _property(
        "hedonic-06",
        "the exact search finds a stable partition if and only if there is one",
        _small,
        _solver_is_right(lambda game: exact(game, workers=1)),
        share=0.25,
    ),
    _property(
        "hedonic-07",
        "solve finds a stable partition if and only if there is one",
        _small,
        _solver_is_right(lambda game: solve(game, restarts=1, max_switches=200)),
        share=0.5,
    ),
    _property(
        "hedonic-08",
        "Nash-stable partitions are individually stable, and those contractually so",
        _placed(max_players=5),
        _implications_hold,
        equation="Definition 7",
    ),
    _property(
        "hedonic-09", "some partition is contractually individually stable", _small, _contractual_exists, share=0.5
    ),
    _property(
        "hedonic-10",
        "numbering the players differently renumbers their regrets",
        _with_order,
        _renumbered,
        tolerance=1e-12,
    ),
    _property(
        "gfml-23a",
        "best responses: partitions stay feasible, switches gain, stable ends pass every move, cycles come back",
        lambda: _hedonic_asked.placed(LARGER),
        _run_is_what_it_says(best_response),
        equation="Algorithm 1",
    ),
    _property(
        "gfml-23b",
        "better responses: the same",
        lambda: _hedonic_asked.placed(LARGER),
        _run_is_what_it_says(better_response),
        equation="Algorithm 1",
    ),
    _property(
        "gfml-23c",
        "a best response is the best move there is, to the lowest of equal slots",
        lambda: _hedonic_asked.placed(6),
        _moves_best,
        tolerance=1e-12,
        equation="Algorithm 1",
    ),
    _property(
        "gfml-23e",
        "so it is where reputations are paid for",
        _hedonic_asked.rewarded,
        _moves_best,
        tolerance=1e-12,
        equation="Algorithm 1",
    ),
    _property(
        "gfml-24a",
        "with two slots and no pay for reputation switches end, whatever the data",
        lambda: _shared_prizes(2, equal=False),
        _two_slots_terminate,
        share=0.5,
        equation="Proposition 2",
    ),
    _property(
        "gfml-24b",
        "with equal data the sum of harmonic prizes is a weighted potential, for any number of slots",
        lambda: st.integers(1, 3).flatmap(_prizes_placed),
        _equal_data_off,
        tolerance=1e-12,
        equation="Proposition 2",
    ),
    _property(
        "gfml-24c",
        "a potential that is claimed rises with every improving switch, an exact one by the gain",
        _placed(max_players=5, kinds=["symmetric", "anonymous", "shares"]),
        _potential_rises,
        tolerance=1e-9,
        equation="Proposition 2",
    ),
    _property(
        "gfml-24d",
        "the four learners without a stable partition are reported as a cycle of four switches",
        lambda: st.integers(0, 15),
        _chase_is_a_cycle,
        equation="Proposition 2",
        save=None,
        command="",
    ),
    _property(
        "hedonic-18",
        "where everybody chases the next and flees the one before nothing is stable, and switches go round",
        lambda: hedonic_games(max_players=5, kinds=["cycling"]),
        _chase_never_ends,
        share=0.25,
    ),
    *_hedonic_asked.properties(_property),
)
