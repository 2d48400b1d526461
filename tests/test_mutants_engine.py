"""Switching as its rules are written, against a replay of them that keeps every state and asks for every utility."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.hedonic import AdditivelySeparableGame, CallableGame, Partition, random_partition
from solvers.hedonic import _engine as engine
from solvers.hedonic._engine import ORDERS, Rules, splitmix64
from solvers.hedonic._partition import OUT
from solvers.hedonic._permission import PERMISSIONS


def tabled(seed, largest=3):
    """A game of two to four players in which every coalition is worth a small whole number to each of its members."""
    rng = np.random.default_rng(seed)
    players, slots = int(rng.integers(2, 5)), [None, 1, 2, 3][rng.integers(4)]
    labelled = bool(slots and rng.random() < 0.4)
    heads = tuple(rng.permutation(players)[:slots].tolist()) if slots and slots < players and rng.random() < 0.4 else ()
    table = rng.integers(-largest, largest + 1, (players, slots if labelled else 1, 2**players))

    def utility(i, slot, members):
        return int(table[i, slot if labelled else 0, sum(1 << k for k in members)])

    outside = rng.integers(-largest, largest + 1, players) if rng.random() < 0.4 else None
    return CallableGame(utility, players, slots=slots, labelled=labelled, heads=heads, outside=outside)


def drawn_rules(seed, players):
    rng = np.random.default_rng(seed)
    return Rules(
        best=bool(rng.random() < 0.5),
        order=ORDERS[seed % 3],
        permission=PERMISSIONS[rng.integers(4)] if rng.random() < 0.5 else "nash",
        history=bool(rng.random() < 0.4),
        welfare=bool(rng.random() < 0.25),
        random_ties=bool(rng.random() < 0.4),
        tolerances=rng.integers(0, 3, players) / 2.0,
    )


def outputs(seed):
    """splitmix64, from its publication."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


class Replay:
    """A path of switches by the letter of the rules."""

    def __init__(self, game, start, rules, limit, seed):
        self.game, self.rules, self.limit, self.draws = game, rules, limit, outputs(seed)
        self.slots, self.log, self.length = start.slots.tolist(), [], 0
        self.joined = {self.coalition(i, j, self.slots) for i, j in enumerate(self.slots) if j != OUT}
        self.states = [(tuple(self.slots), 0)]
        self.ended = self.run()

    def members(self, slot, slots):
        return [k for k, j in enumerate(slots) if j == slot]

    def get(self, i, slots):
        return self.game.utility(i, slots[i], self.members(slots[i], slots) if slots[i] != OUT else [i])

    def coalition(self, i, slot, slots):
        return i, slot if self.game.labelled else None, frozenset({i, *self.members(slot, slots)})

    def moved(self, i, slot):
        return [slot if k == i else j for k, j in enumerate(self.slots)]

    def candidates(self, i):
        if i in self.game.heads:
            return []
        empty = [j for j in range(self.game.capacity) if j not in self.slots]
        barred = set() if self.game.labelled else set(empty[1:])
        places = [j for j in range(self.game.capacity) if j not in barred] + [OUT] * self.game.has_out
        return [j for j in places if j != self.slots[i]]

    def asked(self, i, slot):
        kind, found = self.rules.permission, []
        if kind in ("individual", "contractual") and slot != OUT:
            found += self.members(slot, self.slots)
        if kind in ("contractual", "contractual-nash") and self.slots[i] != OUT:
            found += self.members(self.slots[i], self.slots)
        return [k for k in found if k != i]

    def allowed(self, i, slot):
        after = self.moved(i, slot)
        if self.get(i, after) - self.get(i, self.slots) <= self.rules.tolerances[i]:
            return False
        if any(self.get(k, self.slots) - self.get(k, after) > self.rules.tolerances[k] for k in self.asked(i, slot)):
            return False
        if self.rules.history and slot != OUT and self.coalition(i, slot, self.slots) in self.joined:
            return False
        every = range(self.game.players)
        rise = sum(self.get(k, after) for k in every) - sum(self.get(k, self.slots) for k in every)
        return not self.rules.welfare or rise > max(self.rules.tolerances)

    def choice(self, lookers):
        by_gain = self.rules.order == "most-gain"
        found, equals = None, 0
        for i in lookers:
            for slot in self.candidates(i):
                if not self.allowed(i, slot):
                    continue
                value = self.get(i, self.moved(i, slot))
                gain = value - self.get(i, self.slots)
                worth = gain if by_gain else value
                if found is None or worth > found[3]:
                    found, equals = (i, slot, gain, worth), 1
                elif worth == found[3] and self.rules.random_ties:
                    equals += 1
                    found = (i, slot, gain, worth) if next(self.draws) % equals == 0 else found
                if not (self.rules.best or by_gain):
                    return found
        return found

    def turns(self):
        n = self.game.players
        if self.rules.order == "most-gain":
            return [(range(n), 0)]
        order = list(range(n))
        if self.rules.order == "random":
            for k in reversed(range(1, n)):
                other = next(self.draws) % (k + 1)
                order[k], order[other] = order[other], order[k]
        return [([i], (i + 1) % n) for i in order]

    def run(self):
        again = self.rules.order != "random" and not (self.rules.random_ties or self.rules.history)
        while True:
            before = len(self.log)
            for lookers, following in self.turns():
                found = self.choice(lookers)
                if found is None:
                    continue
                if len(self.log) == self.limit:
                    return "limit"
                i, slot, gain, _ = found
                self.log.append((i, self.slots[i], slot, gain))
                if slot != OUT:
                    self.joined.add(self.coalition(i, slot, self.slots))
                self.slots = self.moved(i, slot)
                self.states.append((tuple(self.slots), following))
                made = len(self.log)
                checkpoint = 2 ** (made.bit_length() - 1) - 1  # the last of 0, 1, 3, 7, ... before this switch
                if again and self.states[made] == self.states[checkpoint]:
                    self.length = made - checkpoint
                    return "cycle"
            if len(self.log) == before:
                return "stable"


@pytest.mark.parametrize("seed", range(240))
def test_a_path_is_that_of_the_rules(seed):
    game = tabled(seed)
    start = random_partition(game, np.random.default_rng(seed))
    rules = drawn_rules(seed, game.players)
    limit = (0, 1, 5, 40)[seed // 3 % 4]
    found, expected = engine.follow(game, start, rules, limit, seed), Replay(game, start, rules, limit, seed)
    assert (found.ended, found.cycle_length) == (expected.ended, expected.length)
    columns = [found.players, found.sources, found.targets, found.gains]
    assert [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)] == expected.log
    assert found.slots.tolist() == expected.slots
    assert [column.dtype for column in columns] == [np.intp, np.intp, np.intp, np.float64]


def test_the_drawn_paths_end_in_every_way():
    ends = set()
    for seed in range(240):
        game = tabled(seed)
        start, rules = random_partition(game, np.random.default_rng(seed)), drawn_rules(seed, game.players)
        ends.add((engine.follow(game, start, rules, 40, seed).ended, rules.order))
    assert ends >= {(end, order) for end in ("stable", "cycle") for order in ("fixed", "most-gain")}
    assert ends >= {(end, "random") for end in ("stable", "limit")}


@pytest.mark.parametrize("order", ["fixed", "most-gain"])
@pytest.mark.parametrize("ahead", range(5))
def test_a_cycle_is_found_by_brents_method(order, ahead):
    # player 0 runs after player 1, who runs away, and `ahead` friends are first to meet
    n = 2 + 2 * ahead
    weights = np.zeros((n, n))
    weights[0, 1], weights[1, 0] = 1.0, -1.0
    for k in range(2, n, 2):
        weights[k, k + 1] = weights[k + 1, k] = 5.0
    game = AdditivelySeparableGame(weights)
    rules = Rules(True, order, "nash", False, False, False, np.zeros(n))
    start = Partition(np.arange(n))
    found, expected = engine.follow(game, start, rules, 100, 0), Replay(game, start, rules, 100, 0)
    assert (found.ended, found.cycle_length) == (expected.ended, expected.length) == ("cycle", expected.length)
    assert found.players.tolist() == [player for player, *_ in expected.log]
    assert 0 < found.cycle_length <= len(found.players)


@pytest.mark.parametrize("seed", range(60))
def test_nobody_joins_a_coalition_again(seed):
    rng = np.random.default_rng(seed)
    players, slots = int(rng.integers(2, 4)), [None, 2, 3][seed % 3]
    table = rng.integers(-3, 4, (players, 3, 2**players))
    labelled, outside = bool(slots and seed % 2), (rng.integers(-3, 4, players) if seed % 5 == 0 else None)

    def utility(i, slot, members):
        return int(table[i, slot if labelled else 0, sum(1 << k for k in members)])

    game = CallableGame(utility, players, slots=slots, labelled=labelled, outside=outside)
    chase = AdditivelySeparableGame([[0.0, 1.0], [-1.0, 0.0]], slots=slots)
    for one in (game, chase):
        start = random_partition(one, rng)
        for order in ORDERS:
            rules = Rules(bool(seed % 2), order, "nash", True, False, False, np.zeros(one.players))
            found, expected = engine.follow(one, start, rules, 500, seed), Replay(one, start, rules, 500, seed)
            assert found.players.tolist() == [player for player, *_ in expected.log]
            assert found.targets.tolist() == [target for _, _, target, _ in expected.log]
            assert (found.ended, found.cycle_length) == (expected.ended, expected.length) == ("stable", 0)


def test_what_is_random_or_remembered_repeats_nothing():
    tolerances = np.zeros(2)
    for order in ORDERS:
        for history in (False, True):
            for ties in (False, True):
                rules = Rules(True, order, "nash", history, False, ties, tolerances)
                assert rules.deterministic is (order != "random" and not history and not ties)


def test_a_gain_that_is_no_number_is_none():
    class Unknown(AdditivelySeparableGame):
        def values(self, partition, player, /):
            return np.full(self.players + 1, np.nan)

    game = Unknown(np.zeros((2, 2)))
    path = engine.follow(game, Partition([0, 1]), Rules(True, "fixed", "nash", False, False, False, np.zeros(2)), 9, 0)
    assert (path.ended, path.players.size, path.slots.tolist()) == ("stable", 0, [0, 1])


def test_the_published_outputs_of_splitmix64():
    draws = splitmix64(1234567)
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431)
    assert tuple(next(draws) for _ in range(4)) == published
    draws, others = splitmix64(2**64 - 1), outputs(2**64 - 1)
    assert [next(draws) for _ in range(50)] == [next(others) for _ in range(50)]
