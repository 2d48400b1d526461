"""Switching and solving: every end is checked by brute force, every cycle replayed, every rule by a second reading."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.core import InvalidGame, NotSolved, Status
from solvers.hedonic import _dynamics, _engine
from solvers.hedonic._callable import CallableGame
from solvers.hedonic._dynamics import Switch, Switches, Trajectory, best_response, better_response, replay
from solvers.hedonic._engine import ORDERS, Path, Rules, splitmix64
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._labelled import LabelledGame
from solvers.hedonic._pairwise import AdditivelySeparableGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._permission import PERMISSIONS
from solvers.hedonic._solve import random_partition, solve
from tests.conftest import fewer
from verification import hedonic_games
from verification.certificates import certify

TOGETHER = Partition([0, 1, 0, 0])  # both movers of `chase_and_flee` with head 0
IMPROVEMENTS = [(4, 0, 1), (3, 0, 2), (4, 1, 2), (3, 2, 1), (4, 2, 0), (3, 1, 0)]  # of `unequal_data_cycle`


# --- games, and the definitions once more ----------------------------------------------------------------------------


def tabled(n: int, rng: np.random.Generator, top: int = 3) -> CallableGame:
    """Labelled slots, an outside, and small integer utilities that nothing connects: ties and cycles abound."""
    table = {
        (i, j, members): float(rng.integers(-top, top + 1))
        for i in range(n)
        for j in range(2)
        for size in range(1, n + 1)
        for members in itertools.combinations(range(n), size)
        if i in members
    }
    return CallableGame(lambda *key: table[key], n, slots=2, labelled=True, outside=0.0)


FAMILIES: dict[str, Callable[[int, np.random.Generator], HedonicGame]] = {
    "tabled": tabled,
    "labelled": hedonic_games.labelled,
    "learners": lambda n, rng: hedonic_games.learners(n + 2, rng, slots=2),
    "weights": lambda n, rng: hedonic_games.integer_weights(n, rng, top=2),
    "fractional": lambda n, rng: hedonic_games.fractional(n, rng, top=2),
    "anonymous": lambda n, rng: hedonic_games.anonymous(n, rng, top=3),
}


@st.composite
def games(draw: st.DrawFn, most: int = 5) -> HedonicGame:
    family = draw(st.sampled_from(list(FAMILIES)))
    return FAMILIES[family](draw(st.integers(1, most)), np.random.default_rng(draw(st.integers(0, 2**32 - 1))))


seeds = st.integers(0, 2**32 - 1)
orders, permissions, flags = st.sampled_from(ORDERS), st.sampled_from(PERMISSIONS), st.booleans()
responses = st.sampled_from([best_response, better_response])
options = st.fixed_dictionaries(
    {
        "order": orders,
        "permission": permissions,
        "history": flags,
        "welfare": flags,
        "ties": st.sampled_from(["lowest", "random"]),
    }
)


def utility(game: HedonicGame, slots: list[int], player: int) -> float:
    j = slots[player]
    return game.utility(player, j, [k for k, s in enumerate(slots) if s == j] if j != OUT else [player])


def moved(slots: list[int], player: int, target: int) -> list[int]:
    return [target if k == player else j for k, j in enumerate(slots)]


def places(game: HedonicGame, slots: list[int], player: int) -> list[int]:
    """Where a player may go: every slot but its own, of several empty ones that are alike the first, and out last."""
    if player in game.heads:
        return []
    empty = [j for j in range(game.capacity) if j not in slots]
    alike = [] if game.labelled else empty[1:]
    found = [j for j in range(game.capacity) if j not in alike]
    return [j for j in [*found, *([OUT] if game.has_out else [])] if j != slots[player]]


def agreed(game: HedonicGame, slots: list[int], player: int, target: int, permission: str, allowed: Any) -> bool:
    """Nobody who is asked loses."""
    after = moved(slots, player, target)
    joined, left = permission in ("individual", "contractual"), permission in ("contractual", "contractual-nash")
    asked = [
        k
        for k, j in enumerate(slots)
        if k != player and j != OUT and ((joined and j == target) or (left and j == slots[player]))
    ]
    return all(utility(game, slots, k) - utility(game, after, k) <= allowed[k] for k in asked)


def is_stable(game: HedonicGame, partition: Partition, permission: str) -> bool:
    slots, allowed = partition.slots.tolist(), gain_tolerance(game)
    return not any(
        utility(game, moved(slots, i, j), i) - utility(game, slots, i) > allowed[i]
        and agreed(game, slots, i, j, permission, allowed)
        for i in range(game.players)
        for j in places(game, slots, i)
    )


def by_the_book(game: HedonicGame, start: Partition, rules: Rules) -> tuple[list[tuple[int, int]], str, int]:
    """The switches under rules without randomness, how they end, and the cycle's length: all states remembered."""
    slots, turn, quiet, n, allowed = start.slots.tolist(), 0, 0, game.players, rules.tolerances
    by_gain = rules.order == "most-gain"

    def coalition(slots: list[int], i: int) -> tuple[int, int | None, frozenset[int]]:
        return i, slots[i] if game.labelled else None, frozenset(k for k in range(n) if slots[k] == slots[i])

    known = {coalition(slots, i) for i in range(n) if slots[i] != OUT}
    log: list[tuple[int, int]] = []
    seen = {(tuple(slots), turn): 0}
    while quiet < n:
        found = []
        for i in range(n) if by_gain else [turn]:
            for rank, j in enumerate(places(game, slots, i)):
                after = moved(slots, i, j)
                gain = utility(game, after, i) - utility(game, slots, i)
                refused = rules.history and j != OUT and coalition(after, i) in known
                welfare = sum(utility(game, after, k) - utility(game, slots, k) for k in range(n))
                refused |= rules.welfare and not welfare > max(allowed)
                if gain > allowed[i] and not refused and agreed(game, slots, i, j, rules.permission, allowed):
                    worth = gain if by_gain else utility(game, after, i) * rules.best
                    found.append((-worth, i, rank, j))
        turn = 0 if by_gain else (turn + 1) % n
        quiet = 0 if found else quiet + 1
        if not found:
            continue
        _, player, _, target = min(found)
        slots = moved(slots, player, target)
        log.append((player, target))
        if target != OUT:
            known.add(coalition(slots, player))
        state = tuple(slots), turn
        if state in seen and not rules.history:
            return log, "cycle", len(log) - seen[state]
        seen[state] = len(log)
    return log, "stable", 0


def rules_of(game: HedonicGame, **changes: Any) -> Rules:
    known: dict[str, Any] = {"best": True, "order": "fixed", "permission": "nash", "history": False, "welfare": False}
    return Rules(**{**known, "random_ties": False, "tolerances": gain_tolerance(game), **changes})


def pairs(path: Path) -> list[tuple[int, int]]:
    return list(zip(path.players.tolist(), path.targets.tolist(), strict=True))


def check_claims(game: HedonicGame, found: Trajectory, permission: str) -> None:
    """What a run says, by utilities alone: every switch gains, and the end is what the status says."""
    last, gains = replay(game, found.initial, found.switches)
    assert last == found.last
    assert np.all(gains > gain_tolerance(game)[found.switches.players])
    np.testing.assert_allclose(found.switches.gains, gains, atol=1e-9)
    assert game.infeasibility(last) == 0
    if found.status is Status.CYCLE:
        assert len(found.cycle) > 1
        assert found.cycle_start is not None
        assert replay(game, found.cycle_start, found.cycle)[0] == found.cycle_start
    else:
        assert is_stable(game, last, permission) == (found.status is Status.SOLVED)
    assert found.profiles == ((last,) if found.status is Status.SOLVED else ())


# --- the paper's counterexamples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["fixed", "most-gain"])
@pytest.mark.parametrize("respond", [best_response, better_response])
@pytest.mark.parametrize("movers", list(itertools.product(range(2), repeat=2)), ids=str)
def test_the_four_player_game_is_reported_as_a_cycle(respond: Any, order: str, movers: tuple[int, int]) -> None:
    game = hedonic_games.chase_and_flee()
    found = respond(game, Partition([0, 1, *movers]), order=order)
    assert found.status is Status.CYCLE
    assert found.profiles == ()
    with pytest.raises(NotSolved, match="earlier state"):
        found.require()
    start = found.cycle_start
    end, gains = replay(game, start, found.cycle)
    assert end == start
    assert sorted(gains.round(3)) == [0.304, 0.304, 1.358, 1.358]
    visited = [start := start.moved(switch.player, switch.target) for switch in found.cycle]
    assert len(set(visited)) == 4  # all there are: none is stable
    assert not any(certify(game, partition).holds for partition in visited)


@pytest.mark.parametrize("repair", [{"pay": 0.0}, {"shared": False}], ids=str)
def test_the_cycle_is_mended_by_no_pay_and_by_own_reputation(repair: dict[str, Any]) -> None:
    game = hedonic_games.chase_and_flee(**repair)
    found = best_response(game, TOGETHER)
    assert certify(game, found.require()).holds


@pytest.mark.parametrize("rule", ["history", "welfare"])
@pytest.mark.parametrize("order", ["fixed", "most-gain"])
def test_a_rule_ends_the_cycle_but_not_in_a_stable_partition(rule: str, order: str) -> None:
    game = hedonic_games.chase_and_flee()
    for movers in itertools.product(range(2), repeat=2):
        found = best_response(game, Partition([0, 1, *movers]), order=order, **{rule: True})
        assert found.status is Status.STUCK
        assert not certify(game, found.last).holds
        with pytest.raises(NotSolved, match="drop a rule"):
            found.require()


def test_the_history_keeps_a_player_from_a_coalition_that_it_joined() -> None:
    found = best_response(hedonic_games.chase_and_flee(), TOGETHER, history=True)
    assert [(s.player, s.source, s.target) for s in found.switches] == [(3, 0, 1), (2, 0, 1), (3, 1, 0)]
    # Player 2 would go back to {0, 2, 3}, where it began.
    game = hedonic_games.chase_and_flee()
    assert game.regrets(found.last).round(3).tolist() == [0, 0, 0.304, 0]


@pytest.mark.parametrize("permission", [p for p in PERMISSIONS if p != "nash"])
def test_nobody_is_let_in_or_out_of_the_four_player_game(permission: str) -> None:
    # Shares of data fall for all where one joins; whoever leaves takes a reputation along, which hurts in one case.
    game = hedonic_games.chase_and_flee()
    ends = {
        movers: best_response(game, Partition([0, 1, *movers]), permission=permission)
        for movers in itertools.product(range(2), repeat=2)
    }
    for found in ends.values():
        check_claims(game, found, permission)
        assert found.status is Status.SOLVED
    if permission in ("individual", "contractual"):
        assert all(not found.switches for found in ends.values())


def test_the_improvement_cycle_of_unequal_data_replays() -> None:
    game = hedonic_games.unequal_data_cycle()
    start = Partition([0, 1, 2, 0, 0])
    last, gains = replay(game, start, IMPROVEMENTS)
    assert last == start
    assert np.all(gains > 0.014)
    for movers in [(0, 2), (2, 0)]:
        assert certify(game, Partition([0, 1, 2, *movers])).holds
        assert is_stable(game, Partition([0, 1, 2, *movers]), "nash")


@pytest.mark.parametrize("movers", list(itertools.product(range(3), repeat=2)), ids=str)
def test_best_responses_leave_the_improvement_cycle(movers: tuple[int, int]) -> None:
    game = hedonic_games.unequal_data_cycle()
    found = best_response(game, Partition([0, 1, 2, *movers]))
    assert found.require().slots[3:].tolist() in ([0, 2], [2, 0])


@pytest.mark.parametrize("seed", range(6))
def test_cycles_at_the_scale_of_the_paper_replay(seed: int) -> None:
    game = hedonic_games.learners(36, np.random.default_rng(seed), spread=0.01)
    found = best_response(game)
    check_claims(game, found, "nash")
    assert found.status in (Status.SOLVED, Status.CYCLE)


# --- the engine against a second reading of its rules ----------------------------------------------------------------


@fewer
@given(games(4), flags, st.sampled_from(["fixed", "most-gain"]), permissions, flags, flags, seeds)
def test_the_path_is_the_one_of_the_rules(
    game: HedonicGame, best: bool, order: str, permission: str, history: bool, welfare: bool, seed: int
) -> None:
    rules = rules_of(game, best=best, order=order, permission=permission, history=history, welfare=welfare)
    start = random_partition(game, np.random.default_rng(seed))
    path = _engine.follow(game, start, rules, 10**5, 0)
    switches, ended, length = by_the_book(game, start, rules)
    assert path.ended == ended
    assert path.cycle_length == length
    assert pairs(path)[: len(switches)] == switches
    before = len(switches) - length  # switches before the cycle
    assert len(path.players) <= 2 * max(before, length) + length


@fewer
@given(games(), responses, options, seeds)
def test_every_run_is_what_it_says(game: HedonicGame, respond: Any, options: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = random_partition(game, rng)
    found = respond(game, start, **options, max_switches=2000, rng=rng)
    if found.status is Status.LIMIT:
        assert len(found.switches) == 2000
    else:
        check_claims(game, found, options["permission"])
    if options["history"] or options["welfare"]:
        assert found.status in (Status.SOLVED, Status.STUCK)
    else:
        assert found.status is not Status.STUCK
    if "random" in (options["order"], options["ties"]):
        assert found.status is not Status.CYCLE


@fewer
@given(games(), responses, options, seeds)
def test_equal_seeds_give_equal_runs(game: HedonicGame, respond: Any, options: dict[str, Any], seed: int) -> None:
    one, two = (respond(game, **options, max_switches=300, rng=np.random.default_rng(seed)) for _ in range(2))
    assert one == two


@fewer
@given(games(), options, seeds)
def test_partitions_disjoint_and_covering_with_heads_in_place(
    game: HedonicGame, options: dict[str, Any], seed: int
) -> None:
    # Property 23: also along the way.
    found = best_response(game, **options, max_switches=100, rng=np.random.default_rng(seed))
    partition = found.initial
    for switch in found.switches:
        partition = partition.moved(switch.player, switch.target)
        assert game.infeasibility(partition) == 0
        assert switch.player not in game.heads
        inside = [i for members in partition.coalitions for i in members]
        assert sorted([*inside, *np.flatnonzero(partition.slots == OUT)]) == list(range(game.players))


@fewer
@given(games(), flags, permissions, seeds)
def test_the_welfare_rule_raises_the_sum_of_utilities(
    game: HedonicGame, best: bool, permission: str, seed: int
) -> None:
    start = random_partition(game, np.random.default_rng(seed))
    found = (best_response if best else better_response)(game, start, welfare=True, permission=permission)
    sums = [game.welfare(start)]
    partition = start
    for switch in found.switches:
        partition = partition.moved(switch.player, switch.target)
        sums.append(game.welfare(partition))
    assert np.all(np.diff(sums) > np.max(gain_tolerance(game)))


@fewer
@given(games(), seeds)
def test_the_history_rule_bars_every_second_visit(game: HedonicGame, seed: int) -> None:
    start = random_partition(game, np.random.default_rng(seed))
    found = better_response(game, start, history=True)
    slots = start.slots.tolist()
    joined = [{(slots[i] * game.labelled, frozenset(start.members(slots[i]))) if slots[i] != OUT else None}
              for i in range(game.players)]  # fmt: skip
    for player, _, target, _ in found.switches:
        slots = moved(slots, player, target)
        coalition = target * game.labelled, frozenset(k for k, j in enumerate(slots) if j == target)
        assert target == OUT or coalition not in joined[player]
        joined[player].add(coalition)


@fewer
@given(games(), responses, options, seeds, st.integers(1, 4))
def test_the_limit_cuts_the_same_run_short(
    game: HedonicGame, respond: Any, options: dict[str, Any], seed: int, limit: int
) -> None:
    whole, short = (
        respond(game, **options, max_switches=most, rng=np.random.default_rng(seed)) for most in (500, limit)
    )
    assert len(short.switches) <= limit
    assert short.switches == whole.switches[: len(short.switches)]
    assert (short.status is Status.LIMIT) == (len(whole.switches) > limit)


@fewer
@given(st.integers(2, 7), seeds, st.sampled_from(PERMISSIONS), flags, flags)
def test_renumbering_the_players_renumbers_the_most_gain_run(
    n: int, seed: int, permission: str, history: bool, labelled: bool
) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    start = Partition(rng.integers(0, 3 if labelled else n, n))
    if labelled:
        base, weights, sizes = rng.normal(size=(n, 3)), rng.normal(size=(n, 3)), rng.lognormal(size=n)
        game: HedonicGame = LabelledGame(base, weights=weights, sizes=sizes)
        other: HedonicGame = LabelledGame(base[order], weights=weights[order], sizes=sizes[order])
    else:
        table = rng.normal(size=(n, n)) * (1 - np.eye(n))
        game, other = AdditivelySeparableGame(table), AdditivelySeparableGame(table[np.ix_(order, order)])
    found, again = (
        best_response(g, p, order="most-gain", permission=permission, history=history, max_switches=300)
        for g, p in ((game, start), (other, Partition(start.slots[order])))
    )
    assert again.status is found.status
    assert order[again.switches.players].tolist() == found.switches.players.tolist()
    assert Partition(again.last.slots).canonical == Partition(found.last.slots[order]).canonical
    np.testing.assert_allclose(again.switches.gains, found.switches.gains, rtol=1e-9, atol=1e-12)


def test_the_limit_is_no_limit_where_nobody_wants_more() -> None:
    game = LabelledGame([[0.0, 1.0], [0.0, 1.0]], weights=[0.0, 0.0], sizes=[1.0, 1.0])
    both = Partition([0, 0])
    assert best_response(game, both, max_switches=1).status is Status.LIMIT
    found = best_response(game, both, max_switches=2)
    assert found.require() == Partition([1, 1])


def test_better_response_takes_the_first_better_slot_and_best_the_best() -> None:
    game = LabelledGame([[0.0, 1.0, 3.0, 3.0]], weights=[0.0], sizes=[1.0], outside=2.0)
    assert best_response(game, Partition([0])).switches.targets.tolist() == [2]
    assert better_response(game, Partition([0])).switches.targets.tolist() == [1, 2]
    assert better_response(game, Partition([1])).switches.targets.tolist() == [2]
    assert better_response(game, Partition([0]), order="most-gain").switches.targets.tolist() == [2]


def test_most_gain_ties_go_to_the_lowest_player() -> None:
    game = LabelledGame([[0.0, 1.0], [0.0, 2.0], [0.0, 2.0]], weights=[0.0] * 3, sizes=[1.0] * 3)
    found = best_response(game, Partition([0, 0, 0]), order="most-gain")
    assert found.switches.players.tolist() == [1, 2, 0]


def test_out_is_always_open_and_a_coalition_is_not() -> None:
    # Player 0 prefers slot 0 alone to out to slot 0 with 1; player 1 goes in and out as it pleases 0 not to.
    def worth(player: int, slot: int, members: tuple[int, ...]) -> float:
        alone = len(members) == 1
        return (1.0 if alone else -1.0) if player == 0 else (-1.0 if alone else 1.0)

    game = CallableGame(worth, 2, slots=1, labelled=True, outside=0.0)
    assert best_response(game).status is Status.CYCLE
    found = best_response(game, history=True)
    assert found.status is Status.STUCK
    assert found.switches.targets.tolist() == [0, 0, OUT, OUT]  # player 0 may not be alone a second time


def test_random_ties_reach_every_tied_slot() -> None:
    game = LabelledGame([[0.0, 1.0, 1.0, 1.0]], weights=[0.0], sizes=[1.0])
    ends = [
        best_response(game, Partition([0]), ties="random", rng=np.random.default_rng(seed)).require().slots[0]
        for seed in range(300)
    ]
    assert best_response(game, Partition([0])).require() == Partition([1])
    assert np.all(np.bincount(ends, minlength=4)[1:] > 70)


def test_random_order_lets_every_player_go_first() -> None:
    game = LabelledGame([[0.0, 1.0]] * 4, weights=[0.0] * 4, sizes=[1.0] * 4)
    first = [
        best_response(game, order="random", initial=Partition([0] * 4), rng=np.random.default_rng(seed))
        .switches[0]
        .player
        for seed in range(300)
    ]
    assert np.all(np.bincount(first, minlength=4) > 45)


def test_the_draws_are_those_of_splitmix64() -> None:
    # The reference output for the seed 1234567, as in Rosetta Code's task "Pseudo-random numbers/Splitmix64".
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert list(itertools.islice(splitmix64(1234567), 5)) == known


def test_a_shuffle_is_fisher_yates_from_the_top() -> None:
    game = LabelledGame([[0.0, 1.0]] * 5, weights=[0.0] * 5, sizes=[1.0] * 5)
    path = _engine.follow(game, Partition([0] * 5), rules_of(game, order="random"), 10, 7)
    draws, order = splitmix64(7), list(range(5))
    for k in (4, 3, 2, 1):
        other = next(draws) % (k + 1)
        order[k], order[other] = order[other], order[k]
    assert path.players.tolist() == order


# --- nothing unverified leaves ---------------------------------------------------------------------------------------


def lying(path: Path) -> Callable[..., Any]:
    return lambda game, rules: lambda game, start, rules, limit, seed: path


@pytest.mark.parametrize(
    ("switches", "ended", "reason"),
    [
        ([], "stable", "still gains"),
        ([], "cycle", "does not return"),
        ([(3, 0, 1)], "cycle", "does not return"),
        ([(2, 0, 1), (2, 1, 0)], "cycle", "no gain"),
    ],
)
def test_a_wrong_claim_of_an_engine_is_refused(
    monkeypatch: pytest.MonkeyPatch, switches: list[tuple[int, int, int]], ended: Any, reason: str
) -> None:
    columns = np.array(switches, dtype=np.intp).reshape(-1, 3).T
    path = Path(TOGETHER.slots, *columns, np.ones(len(switches)), ended, len(switches))
    monkeypatch.setattr(_dynamics, "_engine_for", lying(path))
    found = best_response(hedonic_games.chase_and_flee(), TOGETHER)
    assert found.status is Status.FAILED
    assert reason in found.stats["reason"]
    assert not found.profiles
    assert not found.cycle


def test_a_cycle_of_switches_that_are_not_permitted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    game = hedonic_games.chase_and_flee()
    honest = best_response(game, TOGETHER)
    log = honest.cycle
    assert honest.cycle_start is not None
    path = Path(honest.cycle_start.slots, log.players, log.sources, log.targets, log.gains, "cycle", len(log))
    monkeypatch.setattr(_dynamics, "_engine_for", lying(path))
    assert best_response(game, TOGETHER).status is Status.CYCLE
    refused = best_response(game, TOGETHER, permission="individual")
    assert refused.status is Status.FAILED
    assert "not permitted" in refused.stats["reason"]


# --- logs and replays ------------------------------------------------------------------------------------------------


def test_a_log_is_a_sequence_of_switches() -> None:
    rows = [Switch(2, 0, 1, 0.5), Switch(3, 0, 1, 0.25), Switch(2, 1, 0, 1.0)]
    log = Switches(*zip(*rows, strict=True))
    assert list(log) == rows
    assert [log[k] for k in (0, -1)] == [rows[0], rows[-1]]
    assert list(log[1:]) == rows[1:]
    assert log == Switches(*zip(*rows, strict=True))
    assert log != log[1:]
    assert rows[1] in log
    assert len({log, log[:]}) == 1
    assert repr(log).startswith("<3 switches: Switch(player=2")
    with pytest.raises(IndexError):
        log[3]
    with pytest.raises(ValueError, match="read-only"):
        log.players[0] = 1


@fewer
@given(games(), seeds, st.integers(0, 20))
def test_a_replay_gains_what_utilities_differ_by(game: HedonicGame, seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    start = random_partition(game, rng)
    slots, switches, expected = start.slots.tolist(), [], []
    for _ in range(steps):
        player = int(rng.integers(game.players))
        to = places(game, slots, player)
        if to:
            after = moved(slots, player, to[int(rng.integers(len(to)))])
            switches.append((player, slots[player], after[player]))
            expected.append(utility(game, after, player) - utility(game, slots, player))
            slots = after
    last, gains = replay(game, start, switches)
    assert last.slots.tolist() == slots
    np.testing.assert_array_equal(gains, expected)


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ((4, 0, 1), "switch 1: players are numbered 0 to 3, got 4"),
        ((2, 0, 1), "switch 1: player 2 must leave slot 1, got slot 0"),
        ((0, 0, 1), "switch 1: heads stay in their slots, got head 0 to slot 1"),
        ((2, 1, 2), "switch 1: player 2 in slot 1 must go to another slot of 0 to 1, got 2"),
        ((2, 1, 1), "switch 1: player 2 in slot 1 must go to another slot of 0 to 1, got 1"),
        ((2, 1, OUT), "switch 1: player 2 in slot 1 must go to another slot of 0 to 1, got -1"),
    ],
)
def test_a_replay_refuses_what_cannot_be(switch: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InvalidGame, match=message):
        replay(hedonic_games.chase_and_flee(), TOGETHER, [(2, 0, 1), switch])


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "last"}, "order must be one of fixed, random, most-gain, got 'last'"),
        ({"permission": "none"}, "permission must be one of nash, .*, got 'none'"),
        ({"ties": "highest"}, "ties must be one of lowest, random, got 'highest'"),
        ({"max_switches": 0}, "max_switches must be a whole number of at least 1, got 0"),
        ({"max_switches": 1.5}, "max_switches must be a whole number of at least 1, got 1.5"),
        ({"max_switches": True}, "max_switches must be a whole number of at least 1, got True"),
        ({"order": "random"}, "order='random' needs rng"),
        ({"ties": "random"}, "ties='random' needs rng"),
        ({"rng": 1}, "rng must be a numpy.random.Generator, got 1"),
        ({"tolerance": -1.0}, "tolerance must be finite and >= 0, got -1.0"),
        ({"tolerance": [0.0]}, r"tolerance must be a number or \(4,\)"),
        ({"initial": Partition([0, 1, 0])}, "partition must give a slot to 4 players, got 3"),
        ({"initial": Partition([1, 0, 0, 0])}, "head 0 must be in slot 0, got slot 1"),
        ({"initial": Partition([0, 1, 2, 0])}, "got player 2 in slot 2"),
        ({"initial": Partition([0, 1, OUT, 0])}, "got player 2 in no coalition"),
    ],
)
@pytest.mark.parametrize("respond", [best_response, better_response])
def test_bad_options_are_refused(respond: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        respond(hedonic_games.chase_and_flee(), **wrong)


def test_a_large_tolerance_makes_everything_stable() -> None:
    game = hedonic_games.chase_and_flee()
    found = best_response(game, TOGETHER, tolerance=2.0)
    assert found.require() == TOGETHER
    assert certify(game, TOGETHER, tolerance=2.0).holds
    assert best_response(game, TOGETHER, tolerance=[0.0, 0.0, 2.0, 0.0]).require() == Partition([0, 1, 0, 1])


def test_one_player_alone_is_content() -> None:
    found = best_response(AdditivelySeparableGame([[0]]))
    assert found.require() == Partition([0])
    assert len(found.switches) == 0


# --- solve -----------------------------------------------------------------------------------------------------------


def largest_regret(game: HedonicGame, partition: Partition) -> float:
    slots = partition.slots.tolist()
    gains = [
        utility(game, moved(slots, i, j), i) - utility(game, slots, i)
        for i in range(game.players)
        for j in places(game, slots, i)
    ]
    return max([0.0, *gains])


def all_partitions(game: HedonicGame) -> list[Partition]:
    """Every feasible labelling, like partitions many times."""
    lowest = OUT if game.has_out else 0
    options = [[game.heads.index(i)] if i in game.heads else range(lowest, game.capacity) for i in range(game.players)]
    return [Partition(list(slots)) for slots in itertools.product(*options)]


def test_solve_proves_that_the_four_player_game_has_no_stable_partition() -> None:
    game = hedonic_games.chase_and_flee()
    answer = solve(game, initial=TOGETHER, restarts=2)
    assert answer.status is Status.NONE_EXISTS
    assert answer.complete
    assert answer.profiles == ()
    assert len(answer.cycle) == 4
    assert answer.trajectory.initial == TOGETHER
    assert answer.regret == pytest.approx(min(largest_regret(game, p) for p in all_partitions(game)))
    assert answer.regret == pytest.approx(largest_regret(game, answer.least_unstable))
    assert answer.stats["starts"] == 3


@fewer
@given(games(4), seeds)
def test_solve_is_right_about_small_games(game: HedonicGame, seed: int) -> None:
    answer = solve(game, restarts=1, max_switches=200, rng=np.random.default_rng(seed))
    stable = [p for p in all_partitions(game) if is_stable(game, p, "nash")]
    assert answer.status is (Status.SOLVED if stable else Status.NONE_EXISTS)
    if stable:
        assert is_stable(game, answer.require(), "nash")
        assert answer.least_unstable == answer.require()
    else:
        least = min(largest_regret(game, p) for p in all_partitions(game))
        assert answer.regret == pytest.approx(least)
    assert answer.regret == pytest.approx(largest_regret(game, answer.least_unstable), abs=1e-12)


def test_solve_needs_no_more_than_a_run_where_there_is_a_potential() -> None:
    game = hedonic_games.symmetric_weights(30, np.random.default_rng(0))
    answer = solve(game)
    assert certify(game, answer.require(), tolerance=1e-9 * game.magnitudes()).holds
    assert answer.stats["found by"] == "dynamics"
    assert answer.stats["starts"] == 1
    assert answer.stats["switches"] == len(answer.trajectory.switches)


def test_solve_finds_by_restarts_or_by_search_what_the_first_run_misses() -> None:
    found = set()
    for seed in range(40):
        game = hedonic_games.integer_weights(5, np.random.default_rng(seed))
        answer = solve(game, restarts=20)
        found.add(answer.stats["found by"])
        if answer.stats["found by"] == "restart":
            assert answer.trajectory.status is Status.CYCLE
            assert len(answer.cycle) > 1
            assert is_stable(game, answer.require(), "nash")
            searched = solve(game, restarts=0)
            assert searched.stats["found by"] == "exact"
            assert is_stable(game, searched.require(), "nash")
    assert found == {"dynamics", "restart", "nothing"}


def test_solve_does_without_ortools_where_the_game_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python.cp_model", None)
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    monkeypatch.setitem(sys.modules, "ortools", None)
    small = solve(hedonic_games.chase_and_flee(), restarts=1)
    assert small.status is Status.NONE_EXISTS
    assert small.complete
    large = solve(cyclic(16), restarts=1)
    assert large.status is Status.LIMIT
    assert not large.complete
    assert "certeq[ortools]" in large.stats["exact"]
    assert large.regret == pytest.approx(largest_regret(cyclic(16), large.least_unstable))


def cyclic(n: int) -> AdditivelySeparableGame:
    """Pairs of a pursuer and a pursued."""
    weights = np.zeros((n, n))
    weights[range(0, n, 2), range(1, n, 2)] = 1.0
    weights[range(1, n, 2), range(0, n, 2)] = -1.0
    return AdditivelySeparableGame(weights)


def test_solve_stops_at_the_time_limit_with_the_least_unstable_it_saw() -> None:
    game = cyclic(16)
    answer = solve(game, time_limit=1e-6)
    assert answer.status is Status.TIME_LIMIT
    assert answer.profiles == ()
    assert not answer.complete
    assert answer.stats["starts"] == 1
    assert "time limit" in answer.stats["exact"]
    assert answer.regret == pytest.approx(largest_regret(game, answer.least_unstable))


def test_solve_does_not_build_the_program_of_a_large_game() -> None:
    answer = solve(cyclic(102), restarts=2)
    assert answer.status is Status.LIMIT
    assert "not tried" in answer.stats["exact"]
    assert answer.stats["starts"] == 3
    assert answer.regret == pytest.approx(1.0)  # one of a pair runs after the other, or away from it


def test_solve_checks_what_an_exact_search_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    from solvers.core import Solution

    wrong = Solution((Partition([0, 1] * 8),), Status.SOLVED, "wrong")
    monkeypatch.setitem(sys.modules, "solvers.hedonic._exact", SimpleNamespace(exact=lambda game, **_: wrong))
    answer = solve(cyclic(16), restarts=0)
    assert answer.status is Status.FAILED
    assert answer.profiles == ()


def test_equal_generators_give_equal_answers() -> None:
    game = hedonic_games.integer_weights(6, np.random.default_rng(3))
    one, two = (solve(game, rng=np.random.default_rng(5)) for _ in range(2))
    assert (one.profiles, one.least_unstable, one.trajectory) == (two.profiles, two.least_unstable, two.trajectory)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"restarts": -1}, "restarts must be a whole number of at least 0, got -1"),
        ({"rng": 1}, "rng must be a numpy.random.Generator, got 1"),
        ({"restarts": 0.5}, "restarts must be a whole number of at least 0, got 0.5"),
        ({"time_limit": 0.0}, "time_limit must be positive and finite, in seconds, got 0.0"),
        ({"time_limit": np.nan}, "time_limit must be positive and finite, in seconds, got nan"),
        ({"max_switches": 0}, "max_switches must be a whole number of at least 1, got 0"),
        ({"initial": Partition([0, 1])}, "partition must give a slot to 4 players, got 2"),
    ],
)
def test_solve_refuses_bad_options(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        solve(hedonic_games.chase_and_flee(), **wrong)
