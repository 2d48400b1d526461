"""Verdicts on stability to the last detail, who deviates, where to and for how much, by oracles that try everything."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

from solvers.core import InvalidGame, NotSolved
from solvers.hedonic import AdditivelySeparableGame, CallableGame, LabelledGame, Partition, random_partition
from solvers.hedonic import _core as core
from solvers.hedonic import _permission as permission
from solvers.hedonic import _stability as stability
from solvers.hedonic import _verdicts as verdicts
from solvers.hedonic._checks import checked_heads, checked_names
from solvers.hedonic._deviation import CONCEPTS, TITLES, Deviation, NotDecided, checked_concept
from solvers.hedonic._enumeration import partitions
from solvers.hedonic._partition import OUT
from solvers.hedonic._stability import StabilityGame, deviation

SWITCHES = ("nash", "individual", "contractual", "contractual-nash")
SEEDS = range(70)


def labelled(payoffs, **setting):
    """A game in which only the slot matters."""
    nothing = np.zeros(len(payoffs))
    return LabelledGame(payoffs, weights=nothing, sizes=nothing + 1, **setting)


def tabled(seed, largest=3):
    """A game in which every coalition is worth a small whole number to each member; every third one of pairs."""
    rng = np.random.default_rng(seed)
    players, slots = int(rng.integers(1, 5)), [None, 1, 2, 3][rng.integers(4)]
    heads = tuple(rng.permutation(players)[:slots].tolist()) if slots and slots < players and rng.random() < 0.4 else ()
    if seed % 3 == 0:
        weights = rng.integers(-largest, largest + 1, (players, players)).astype(float)
        np.fill_diagonal(weights, 0)
        return AdditivelySeparableGame(weights, slots=slots, heads=heads)
    if seed % 7 == 1 and slots:
        outside = rng.integers(-largest, largest + 1, players) if rng.random() < 0.5 else None
        payoffs = rng.integers(-largest, largest + 1, (players, slots))
        return labelled(payoffs, heads=heads if len(heads) == slots else (), outside=outside)
    apart = bool(slots and rng.random() < 0.4)
    table = rng.integers(-largest, largest + 1, (players, slots if apart else 1, 2**players))

    def utility(i, slot, members):
        return int(table[i, slot if apart else 0, sum(1 << k for k in members)])

    outside = rng.integers(-largest, largest + 1, players) if rng.random() < 0.5 else None
    return CallableGame(utility, players, slots=slots, labelled=apart, heads=heads, outside=outside)


def placed(seed):
    game = tabled(seed)
    rng = np.random.default_rng(seed + 10**6)
    return game, random_partition(game, rng), rng.integers(0, 3, game.players) / 2.0


# --- oracles -------------------------------------------------------------------------------------------------------


def get(game, i, slots):
    return game.utility(i, slots[i], [k for k, j in enumerate(slots) if j == slots[i]] if slots[i] != OUT else [i])


def moved(slots, i, place):
    return [place if k == i else j for k, j in enumerate(slots)]


def targets(game, slots, i):
    if i in game.heads:
        return []
    empty = [j for j in range(game.capacity) if j not in slots]
    barred = () if game.labelled else empty[1:]
    places = [j for j in range(game.capacity) if j not in barred] + [OUT] * game.has_out
    return [j for j in places if j != slots[i]]


def objects(game, slots, i, place, concept, tolerances):
    after, asked = moved(slots, i, place), set()
    if concept in ("individual", "contractual") and place != OUT:
        asked |= {k for k, j in enumerate(slots) if j == place}
    if concept in ("contractual", "contractual-nash") and slots[i] != OUT:
        asked |= {k for k, j in enumerate(slots) if j == slots[i]}
    return any(get(game, k, slots) - get(game, k, after) > tolerances[k] for k in asked - {i})


def best_switches(game, slots, concept, tolerances):
    """Each player's best permitted gain above 0 and the first place that gives it."""
    found = []
    for i in range(game.players):
        ways = [
            (get(game, i, moved(slots, i, place)) - get(game, i, slots), place)
            for place in targets(game, slots, i)
            if not objects(game, slots, i, place, concept, tolerances)
        ]
        best = max([gain for gain, _ in ways], default=0)
        found.append((best, next(place for gain, place in ways if gain == best)) if best > 0 else (0.0, None))
    return found


def switch_oracle(game, slots, concept, tolerances):
    found = best_switches(game, slots, concept, tolerances)
    gainers = [i for i in range(game.players) if found[i][0] > tolerances[i]]
    if not gainers:
        return None
    bounds = [gain for gain, _ in best_switches(game, slots, "nash", tolerances)]
    if isinstance(game, AdditivelySeparableGame | LabelledGame):
        bounds = [0] * game.players
    first = min(gainers, key=lambda i: (-found[i][0], -bounds[i], i))
    return Deviation(concept, (first,), (float(found[first][0]),), found[first][1])


def core_oracle(game, slots, concept, tolerances):
    present = [get(game, i, slots) for i in range(game.players)]
    free = [i for i in range(game.players) if i not in game.heads]
    apart = game.labelled or bool(game.heads)
    found = []  # strength, first what comes first, then what was found
    if game.has_out:
        for i in free:
            gain = game.utility(i, OUT, [i]) - present[i]
            if gain > tolerances[i]:
                found.append((-gain, -1, 1, i, Deviation(concept, (i,), (gain,), OUT)))
    for slot in range(game.capacity if apart else 1):
        for bits in range(2 ** len(free)):
            members = sorted([*game.heads[slot : slot + 1], *(i for b, i in enumerate(free) if bits >> b & 1)])
            if not members or (game.capacity == 1 and not game.has_out and len(members) < game.players):
                continue
            gains = [game.utility(i, slot, members) - present[i] for i in members]
            more = [gain > tolerances[i] for i, gain in zip(members, gains, strict=True)]
            least = all(gain >= -tolerances[i] for i, gain in zip(members, gains, strict=True))
            if all(more) or (concept == "strict-core" and least and any(more)):
                strength = min(gains) if concept == "core" else max(gains)
                way = Deviation(concept, tuple(members), tuple(map(float, gains)), slot if apart else None)
                found.append((-strength, slot, len(members), bits, way))
    return min(found, key=lambda entry: entry[:4])[4] if found else None


def pareto_oracle(game, slots, concept, tolerances):
    present, best, found = [get(game, i, slots) for i in range(game.players)], None, None
    for other in partitions(game):
        gains = [get(game, i, other.slots.tolist()) - present[i] for i in range(game.players)]
        fine = all(gain >= -t for gain, t in zip(gains, tolerances, strict=True))
        better = [i for i, gain in enumerate(gains) if gain > tolerances[i]]
        if fine and better and (best is None or max(gains) > best):
            best = max(gains)
            found = Deviation(concept, tuple(better), tuple(float(gains[i]) for i in better), None, other)
    return found


def alone_gains(game, slots):
    """What each player gains by being alone or out, and whether by being out."""
    found = []
    for i in range(game.players):
        alone = game.utility(i, 0, [i]) if game.slots is None and not game.labelled else -np.inf
        out = game.utility(i, OUT, [i]) if game.has_out else -np.inf
        found.append((-np.inf if i in game.heads else max(alone, out) - get(game, i, slots), out > alone))
    return found


def rational_oracle(game, slots, concept, tolerances):
    if not (game.has_out or game.slots is None):
        return NotDecided("players can be neither out nor in a coalition of their own at will")
    found = alone_gains(game, slots)
    gainers = [i for i in range(game.players) if found[i][0] > tolerances[i]]
    if not gainers:
        return None
    first = min(gainers, key=lambda i: (-found[i][0], i))
    return Deviation(concept, (first,), (float(found[first][0]),), OUT if found[first][1] else None)


ORACLES = dict.fromkeys(SWITCHES, switch_oracle) | {
    "core": core_oracle,
    "strict-core": core_oracle,
    "pareto": pareto_oracle,
    "rational": rational_oracle,
}


def oracle(game, partition, concept, tolerances):
    return ORACLES[concept](game, partition.slots.tolist(), concept, tolerances)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict(seed):
    game, partition, tolerances = placed(seed)
    for given in (tolerances, np.zeros(game.players)):
        expected = {concept: oracle(game, partition, concept, given) for concept in CONCEPTS}
        assert stability.stability(game, partition, tolerance=given) == expected
        for concept, right in expected.items():
            if isinstance(right, NotDecided):
                with pytest.raises(NotSolved, match=f"^{concept}: {right.reason}$"):
                    deviation(game, partition, concept, tolerance=given)
            else:
                assert deviation(game, partition, concept, tolerance=given) == right
            if concept in SWITCHES:
                assert verdicts.is_stable(game, partition, concept, given) is (right is None)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_regret(seed):
    game, partition, tolerances = placed(seed)
    slots = partition.slots.tolist()
    for concept in CONCEPTS:
        judge = StabilityGame(game, concept, tolerance=tolerances)
        assert judge.concept == TITLES[concept]
        assert judge.infeasibility(partition) == 0.0
        if concept in SWITCHES:
            expected = [gain for gain, _ in best_switches(game, slots, concept, tolerances)]
        elif concept == "rational" and (game.has_out or game.slots is None):
            expected = [max(gain, 0.0) for gain, _ in alone_gains(game, slots)]
        else:
            found = oracle(game, partition, concept, np.zeros(game.players) if concept == "core" else tolerances)
            if isinstance(found, NotDecided):
                with pytest.raises(NotSolved, match=f"^{concept}: {found.reason}$"):
                    judge.regrets(partition)
                continue
            expected = np.zeros(game.players)
            for i, gain in zip(found.players, found.gains, strict=True) if found else ():
                expected[i] = min(found.gains) if concept == "core" else max(gain, 0.0)
        assert judge.regrets(partition).tolist() == list(expected), concept
        again = pickle.loads(pickle.dumps((judge.kind, judge.tolerances)))  # noqa: S301 - our own
        assert again[0] == concept
        assert again[1].tolist() == tolerances.tolist()
        kind, arguments = judge.__reduce__()
        assert kind(*arguments).regrets(partition).tolist() == judge.regrets(partition).tolist()
        assert kind(*arguments).tolerances.tolist() == tolerances.tolist()


def test_a_tolerance_is_relative_unless_it_is_given():
    game = AdditivelySeparableGame([[0, 1e-3], [1e6, 0]])
    judge = StabilityGame(game, "individual")
    assert judge.tolerances.tolist() == pytest.approx([1e-12, 1e-3])
    assert deviation(game, Partition([0, 1]), tolerance=[1e-2, 2e6]) is None
    assert deviation(game, Partition([0, 1]), tolerance=[1e-4, 2e6]).players == (0,)
    assert stability.stability(game, Partition([0, 1]), tolerance=[1e-2, 2e6])["nash"] is None
    assert deviation(game, Partition([0, 1])).players == (1,)


def test_a_judge_never_changes():
    judge = StabilityGame(AdditivelySeparableGame(np.zeros((2, 2))), "core")
    with pytest.raises(AttributeError, match="a game never changes; build another, got kind = 'nash'"):
        judge.kind = "nash"
    assert judge.infeasibility(Partition([0, 5])) == 1.0


def test_an_infeasible_partition_is_refused_by_every_concept():
    game = AdditivelySeparableGame(np.zeros((2, 2)))
    for concept in CONCEPTS:
        with pytest.raises(InvalidGame, match="partition"):
            deviation(game, Partition([0, 7]), concept)


def test_concepts_by_name():
    assert [checked_concept(concept) for concept in CONCEPTS] == list(CONCEPTS)
    game = AdditivelySeparableGame(np.zeros((2, 2)))
    for call in (checked_concept, lambda c: deviation(game, Partition([0, 1]), c), lambda c: StabilityGame(game, c)):
        with pytest.raises(ValueError, match=r"concept must be one of nash, individual, .*, rational, got 'fair'"):
            call("fair")
    assert deviation(AdditivelySeparableGame([[0, 1], [-1, 0]]), Partition([0, 1])).concept == "nash"
    assert list(CONCEPTS) == [*SWITCHES, "core", "strict-core", "pareto", "rational"]


# --- what is no number ---------------------------------------------------------------------------------------------


class Unsure(CallableGame):
    """A game with nan for some."""

    def utility(self, player, slot, members):
        return self._utility(int(player), int(slot), tuple(map(int, members)))


@pytest.mark.parametrize("who", range(3))
def test_nan_never_proves_stability(who):
    def worth(i, slot, members):
        return np.nan if i == who and len(members) == 2 else float(len(members) % 3)

    game, zero = Unsure(worth, 3), np.zeros(3)
    alone = Partition([0, 1, 2])
    for concept in ("nash", "contractual-nash", "core", "strict-core"):
        found = verdicts.verdict(game, alone, concept, zero, None)
        assert who in found.players, concept
        assert np.isnan(found.gain)
        assert verdicts.is_stable(game, alone, "nash", zero) is False
    paired = Partition([0 if k == who or k == (who + 1) % 3 else 1 for k in range(3)])
    found = verdicts.verdict(game, paired, "rational", zero, None)
    assert found.players == (who,)
    assert np.isnan(StabilityGame(game, "nash", tolerance=0.0).regrets(alone)[who])
    assert np.isnan(StabilityGame(game, "contractual-nash", tolerance=0.0).regrets(alone)[who])


def test_who_gets_no_number_may_go_where_nobody_objects():
    def worth(i, slot, members):
        return np.nan if i == 0 and len(members) == 2 else 0.0

    zero = np.zeros(4)
    for own in (0, 2):
        paired = Partition([own, own, 1, 1])
        for concept in ("individual", "contractual", "contractual-nash"):
            found = verdicts.verdict(Unsure(worth, 4), paired, concept, zero, None)
            assert (found.players, found.target) == ((0,), 0 if own else 1)
    headed = Unsure(worth, 3, slots=2, heads=(0, 1))  # a head goes nowhere, whatever it gets
    for concept in ("individual", "contractual", "contractual-nash"):
        assert verdicts.verdict(headed, Partition([0, 1, 0]), concept, np.zeros(3), None) is None


def test_of_very_many_equal_slots_the_first_is_taken():
    game = CallableGame(lambda i, slot, members: float(i == 40 and len(members) == 2), 41)
    found = verdicts.verdict(game, Partition(np.arange(41)[::-1]), "individual", np.zeros(41), None)
    assert (found.players, found.target) == ((40,), 1)


def test_a_loss_that_is_no_number_is_an_objection():
    def worth(i, slot, members):
        return float(len(members)) if i == 0 else (np.nan if len(members) > 1 else 0.0)

    game = Unsure(worth, 2)
    assert permission.permitted(game, Partition([0, 1]), 0, 1, "nash", np.zeros(2))
    assert not permission.permitted(game, Partition([0, 1]), 0, 1, "individual", np.zeros(2))
    assert not permission.permitted(game, Partition([0, 0]), 0, 1, "contractual-nash", np.zeros(2))


# --- the parts -----------------------------------------------------------------------------------------------------


def test_permissions_and_whom_they_ask():
    asked = {"nash": (False, False), "individual": (True, False), "contractual": (True, True)}
    asked["contractual-nash"] = (False, True)
    assert set(permission.PERMISSIONS) == set(asked)
    for name, (joined, left) in asked.items():
        assert (permission.asks_joined(name), permission.asks_left(name)) == (joined, left)
        assert permission.checked_permission(name) == name
    for question in (permission.asks_joined, permission.asks_left, permission.checked_permission):
        with pytest.raises(ValueError, match=r"permission must be one of nash, individual, .*, got 'core'"):
            question("core")


def test_losses_are_those_of_the_joined_and_then_of_the_left():
    calls = []

    def worth(i, slot, members):
        calls.append((i, slot, members))
        return 100 * i + 10 * slot + len(members)

    game = CallableGame(worth, 6, slots=3, labelled=True, outside=0)
    partition = Partition([1, 0, 0, 1, 0, OUT])
    found = list(permission.losses(game, partition, 1, 1, "contractual"))
    assert found == [(0, -1.0), (3, -1.0), (2, 1.0), (4, 1.0)]
    assert {(0, 1, (0, 3)), (0, 1, (0, 1, 3)), (2, 0, (1, 2, 4)), (2, 0, (2, 4))} <= set(calls)
    assert list(permission.losses(game, partition, 1, 1, "individual")) == found[:2]
    assert list(permission.losses(game, partition, 1, 1, "contractual-nash")) == found[2:]
    assert list(permission.losses(game, partition, 1, 1, "nash")) == []
    for kind in permission.PERMISSIONS:
        assert list(permission.losses(game, partition, 1, 0, kind)) == []
    assert list(permission.losses(game, partition, 1, 2, "individual")) == []
    assert list(permission.losses(game, partition, 1, OUT, "contractual")) == found[2:]
    assert list(permission.losses(game, partition, 5, 1, "contractual")) == found[:2]
    with pytest.raises(ValueError, match="permission must be one of"):
        permission.losses(game, partition, 1, 0, "core")
    assert permission.permitted(game, partition, 1, 1, "contractual-nash", np.ones(6))
    assert not permission.permitted(game, partition, 1, 1, "contractual-nash", np.full(6, 0.5))
    assert not permission.permitted(game, partition, 1, 1, "contractual-nash", np.array([1, 1, 1, 1, 0.5, 1]))


def test_who_can_be_alone():
    zeros = np.zeros((3, 3))
    assert verdicts.can_be_alone(AdditivelySeparableGame(zeros)) is True
    assert verdicts.can_be_alone(AdditivelySeparableGame(zeros, slots=3)) is False
    assert verdicts.can_be_alone(labelled(zeros)) is False
    assert verdicts.can_be_alone(labelled(zeros, outside=0.0)) is True


def test_a_head_that_would_rather_be_alone_is_bound():
    game = CallableGame(lambda i, slot, members: float(len(members) == 1), 2, slots=1, heads=(0,), outside=0.0)
    gains, out = verdicts.loner_gains(game, Partition([0, 0]))
    assert gains.tolist() == [-np.inf, 0.0]
    assert out.tolist() == [False, True]
    assert deviation(game, Partition([0, 0]), "rational") is None
    either = CallableGame(lambda i, slot, members: float(len(members) == 1), 2, outside=1.0)  # alone is as good as out
    assert deviation(either, Partition([0, 0]), "rational") == Deviation("rational", (0,), (1.0,), None)


def test_limits_on_coalitions():
    zeros = np.zeros((5, 5))
    plain, asking = AdditivelySeparableGame(zeros), CallableGame(lambda *_: 0.0, 5)
    assert core.default_limit(plain) == core.MAX_COALITIONS == 2**22
    assert core.default_limit(asking) == core.MAX_ASKED == 2**16
    start = Partition(np.zeros(5, dtype=int))
    for concept in ("core", "strict-core"):
        assert deviation(plain, start, concept, max_coalitions=32) is None
        with pytest.raises(NotSolved, match=f"^{concept}: 32 coalitions, more than max_coalitions = 31$"):
            deviation(plain, start, concept, max_coalitions=31)
        found = stability.stability(plain, start, max_coalitions=31)
        assert found[concept] == NotDecided("32 coalitions, more than max_coalitions = 31")
        assert found["nash"] is None
    many = CallableGame(lambda *_: 0.0, 17)
    with pytest.raises(NotSolved, match="more than max_coalitions = 65536"):
        deviation(many, Partition(np.zeros(17, dtype=int)), "core")
    with pytest.raises(NotSolved, match=r"^pareto: "):
        deviation(AdditivelySeparableGame(np.zeros((13, 13))), Partition(np.zeros(13, dtype=int)), "pareto")


def test_where_a_coalition_may_form():
    weights = np.zeros((3, 3))
    free, one = AdditivelySeparableGame(weights), AdditivelySeparableGame(weights, slots=1)
    headed = AdditivelySeparableGame(weights, slots=2, heads=(2, 0))
    out = labelled(np.zeros((3, 1)), outside=0.0)
    for members in itertools.chain.from_iterable(itertools.combinations(range(3), size) for size in (1, 2, 3)):
        assert core.may_form(free, 0, members) is True
        assert core.may_form(out, 0, members) is True
        assert core.may_form(one, 0, members) is (len(members) == 3)
        assert core.may_form(headed, 0, members) is (2 in members)
        assert core.may_form(headed, 1, members) is (0 in members)


def test_only_the_willing_are_asked():
    asked = []

    def worth(i, slot, members):
        asked.append((i, members))
        return (3.0 if i == 0 else 1.0) if len(members) == 1 else 2.0

    game = CallableGame(worth, 3)
    zeros = np.zeros(3)
    game.magnitudes()
    asked.clear()
    # 0 is best off, and refuses every pair and the three before anybody else is asked about them
    assert core.worst_block(game, np.array([3.0, 1.0, 1.0]), strict=False, tolerances=zeros) is not None
    assert asked[:4] == [(0, (0,)), (0, (0, 1)), (0, (0, 2)), (0, (0, 1, 2))]
    assert {members for i, members in asked if i != 0} == {(1,), (2,), (1, 2)}


def test_deviations_in_words():
    cases = [
        (Deviation("nash", (1,), (2.0,), 3), 2.0, "player 1 gains 2 by going to slot 3"),
        (Deviation("rational", (1,), (2.5,), OUT), 2.5, "player 1 gains 2.5 by being in no coalition"),
        (Deviation("rational", (1,), (2.5,)), 2.5, "player 1 gains 2.5 by being alone"),
        (Deviation("core", (0, 2), (3.0, 1.0)), 1.0, "players 0, 2 gain 3, 1 by forming a coalition"),
        (Deviation("core", (0, 2), (3.0, 1.0), 4), 1.0, "players 0, 2 gain 3, 1 by forming a coalition in slot 4"),
        (Deviation("strict-core", (0, 2), (0.0, 1.0)), 1.0, "players 0, 2 gain 0, 1 by forming a coalition"),
        (
            Deviation("pareto", (0, 1), (1.0, 1 / 3), None, Partition([0, 0])),
            1.0,
            "players 0, 1 gain 1, 0.333333 and nobody loses in Partition([0, 0])",
        ),
    ]
    for found, gain, words in cases:
        assert (found.gain, str(found)) == (gain, words)
        assert type(found.gain) is float
    assert str(NotDecided("too large")) == "not decided: too large"


def test_heads():
    assert checked_heads((), 3, None) == ()
    assert checked_heads(np.array([2, 0]), 3, 2) == (2, 0)
    assert all(type(head) is int for head in checked_heads(np.array([2, 0]), 3, 2))
    refused = [
        ((0,), None, "heads need a fixed number of slots, got 1 heads"),
        ((0,), 2, "heads need one player for each of 2 slots, got 1 heads"),
        ((0, 1, 2), 2, "heads need one player for each of 2 slots, got 3 heads"),
        ((3, 0), 2, "heads must be players 0 to 2, got 3"),
        ((0, -1), 2, "heads must be players 0 to 2, got -1"),
        ((True, 0), 2, "heads must be players 0 to 2, got True"),
        ((0.0, 1), 2, "heads must be players 0 to 2, got 0.0"),
        ((1, 1), 2, "heads: a player heads one slot only, got 1 twice"),
        ((2, 0, 0), 3, "heads: a player heads one slot only, got 0 twice"),
    ]
    for heads, slots, message in refused:
        with pytest.raises(InvalidGame, match=f"^{message}$"):
            checked_heads(heads, 3, slots)


def test_names():
    assert checked_names((), 3) == ("0", "1", "2")
    assert checked_names(["a", 7], 2) == ("a", "7")
    with pytest.raises(InvalidGame, match=r"^names must be 2, one per player, got 1$"):
        checked_names(["a"], 2)
    with pytest.raises(InvalidGame, match=r"^names must be 2, one per player, got 3$"):
        checked_names(["a", "b", "c"], 2)
    with pytest.raises(InvalidGame, match=r"^names: each player has its own, got 'b' twice$"):
        checked_names(["a", "b", "b"], 3)


def test_of_the_coalitions_that_gain_most_the_smallest_comes_first():
    gains = np.array([0.0, 0, 0, 2, 2, 1, 0, 2])  # by members in binary: two, one and three of them gain 2
    assert core._smallest(gains) == 4
    gains[6] = np.nan
    assert core._smallest(gains) == 6


def test_why_no_verdict_is_given_is_said(monkeypatch):
    monkeypatch.setattr(verdicts, "MAX_PARTITIONS", 1)
    found = stability.stability(AdditivelySeparableGame([[0, 1], [1, 0]]), Partition([0, 1]))["pareto"]
    assert isinstance(found, NotDecided)
    assert "partitions" in str(found.reason)
