"""Existence, the partition, and its welfare, against brute force over all partitions; nothing unchecked comes back."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame, NotSolved, Status
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._callable import CallableGame
from solvers.hedonic._exact import exact
from solvers.hedonic._exact_choice import program_of
from solvers.hedonic._exact_integers import scaled
from solvers.hedonic._exact_labelled import LabelledSlots
from solvers.hedonic._game import gain_tolerance
from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
from solvers.hedonic._pairwise import AdditivelySeparableGame, BestWorstGame, FractionalGame
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._stability import StabilityGame
from solvers.hedonic._verdicts import is_stable
from verification.certificates import certify

EVERY = (
    "separable",
    "fractional",
    "best",
    "worst",
    "anonymous",
    "callable",
    "shares",
    "speeds",
    "shared",
    "own",
    "frozen",
)


def drawn(kind, seed, whole):
    """A random game of at most five players: whole numbers, so that utilities are often equal, or any."""
    rng = np.random.default_rng(seed)
    if kind in {"shares", "speeds", "shared", "own", "frozen"}:
        return labelled(kind, rng, whole)
    n = int(rng.integers(1, 6))
    slots = int(rng.integers(1, n + 2)) if rng.random() < 0.5 else None
    heads = rng.permutation(n)[:slots].tolist() if slots and slots <= n and rng.random() < 0.4 else []
    draw = (lambda shape: rng.integers(-3, 4, shape).astype(float)) if whole else (lambda shape: rng.normal(size=shape))
    weights = draw((n, n)) * (1 - np.eye(n))
    shape = {"slots": slots, "heads": heads}
    if kind == "callable":
        shape |= {
            "labelled": slots is not None and rng.random() < 0.5,
            "outside": draw(n) if rng.random() < 0.4 else None,
        }
        table, places = draw((n, 2**n)), draw((n, n + 2)) * shape["labelled"]
        return CallableGame(lambda i, j, who: table[i, sum(1 << k for k in who)] + places[i, j], n, **shape)
    games = {
        "separable": lambda: AdditivelySeparableGame(weights, **shape),
        "fractional": lambda: FractionalGame(weights, **shape),
        "best": lambda: BestWorstGame(weights, worst=False, **shape),
        "worst": lambda: BestWorstGame(weights, worst=True, **shape),
        "anonymous": lambda: AnonymousGame(draw((n, n)), **shape),
    }
    return games[kind]()


def labelled(kind, rng, whole):
    n, slots = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    heads = rng.permutation(n)[:slots].tolist() if slots <= n and rng.random() < 0.5 else []
    sizes = rng.integers(1, 4, n).astype(float) if whole else rng.lognormal(0, 0.5, n)
    values = rng.integers(0, 4, (n, slots)) * 0.4 if whole else rng.uniform(0, 2, (n, slots))
    pay = {"pay": float(rng.integers(1, 4)), "threshold": float(rng.choice([0.4, 0.5, 1.2]))}
    peaks = np.full(slots, 3.0) if kind == "frozen" else None
    paid = kind in {"shared", "own", "frozen"}
    reputation = Reputation(values, shared=kind != "own", peaks=peaks, **pay) if paid else None
    pace = Speeds(rng.uniform(2, 3, n), rng.uniform(0, 2, n), rng.uniform(3, 4, n)) if kind == "speeds" else None
    return LabelledGame(
        rng.integers(0, 4, (n, slots)) * 0.5 if whole else rng.uniform(0, 1, (n, slots)),
        weights=rng.integers(0, 3, (n, slots)) if whole else rng.uniform(0, 2, n),
        sizes=sizes,
        reputation=reputation,
        speeds=pace,
        heads=heads,
        outside=float(rng.choice([0.0, 0.7])) if rng.random() < 0.4 else None,
    )


def everywhere(game):
    """All feasible partitions; of those that differ in the numbering of like slots only, one."""
    movers = [i for i in range(game.players) if i not in game.heads]
    for places in product(range(-1 if game.has_out else 0, game.capacity), repeat=len(movers)):
        slots = np.zeros(game.players, dtype=int)
        slots[list(game.heads)], slots[movers] = range(len(game.heads)), places
        partition = Partition(slots)
        if game.labelled or game.heads or partition == partition.canonical:
            yield partition


def nobody_moves(game, partition, concept):
    """Stability from the definition and `utility` alone."""
    allowed, slots = gain_tolerance(game), partition.slots.tolist()
    used = [j for j in range(game.capacity) if j in slots]
    empty = [j for j in range(game.capacity) if j not in slots]
    open_slots = used + (empty if game.labelled else empty[:1]) + ([OUT] if game.has_out else [])
    for i in set(range(game.players)) - set(game.heads):
        members = partition.members(slots[i]).tolist() if slots[i] != OUT else [i]
        now = game.utility(i, slots[i], members)
        for j in set(open_slots) - {slots[i]}:
            there = partition.members(j).tolist() if j != OUT else []
            after = sorted([*there, i])
            hurt = any(game.utility(k, j, there) - game.utility(k, j, after) > allowed[k] for k in there)
            if game.utility(i, j, after) - now > allowed[i] and not (concept == "individual" and hurt):
                return False
    return True


def chase_and_flee(**reputation):
    """Four players, two slots with heads 0 and 1: section 1 of the notes on the dual-game paper, Proposition 2."""
    values = Reputation([1.0, 1.0, 0.1, 1.0], pay=5.0, threshold=0.5, **reputation)
    return LabelledGame(np.full((4, 2), 4.0), weights=[1.5] * 4, sizes=[1.0] * 4, reputation=values, heads=[0, 1])


@pytest.mark.parametrize("concept", ["nash", "individual"])
@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans())
def test_agrees_with_brute_force(kind, concept, seed, whole):
    game = drawn(kind, seed, whole)
    stable = [p for p in everywhere(game) if nobody_moves(game, p, concept)]
    solution = exact(game, concept=concept, maximize_welfare=True, workers=1)
    assert solution.status is (Status.SOLVED if stable else Status.NONE_EXISTS), solution
    assert solution.complete is not bool(stable)
    if not stable:
        return
    certificate = certify(StabilityGame(game, concept), solution.require(), tolerance=gain_tolerance(game))
    assert certificate.holds, certificate
    best = max(map(game.welfare, stable))
    assert game.welfare(solution.require()) == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert solution.stats["bound"] >= best - 1e-9


@pytest.mark.parametrize("concept", ["nash", "individual"])
@settings(max_examples=15)
@given(kind=st.sampled_from(EVERY), seed=st.integers(0, 2**32 - 1), whole=st.booleans())
def test_every_stable_partition_satisfies_the_program(concept, kind, seed, whole):
    from ortools.sat.python import cp_model

    game = drawn(kind, seed, whole)
    stable = [p for p in everywhere(game) if nobody_moves(game, p, concept)]
    for partition in stable[:10]:
        by_sums = kind in {"shares", "shared", "own", "frozen"}
        program = LabelledSlots(game, concept) if by_sums else program_of(game, concept)
        for literal in program.differs(partition):
            program.model.add(literal == 0)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        assert solver.solve(program.model) == cp_model.OPTIMAL, partition
        assert program.partition(solver.value).canonical == partition.canonical


def test_the_four_player_cycle_has_no_stable_partition():
    solution = exact(chase_and_flee())
    assert solution.status is Status.NONE_EXISTS
    assert solution.complete
    with pytest.raises(NotSolved, match="no profile"):
        solution.require()


def test_own_reputation_repairs_the_four_player_cycle():
    game = chase_and_flee(shared=False)
    assert certify(game, exact(game).require(), tolerance=gain_tolerance(game)).holds


def test_a_stalker_makes_nash_stability_impossible():
    chase = AdditivelySeparableGame([[0, 1], [-1, 0]])
    assert exact(chase).status is Status.NONE_EXISTS
    assert exact(chase, concept="individual").require() == Partition([0, 1])


def test_fourteen_players_with_dense_weights_are_decided():
    weights = np.random.default_rng(1).integers(-10, 11, (14, 14)) * (1 - np.eye(14))
    assert exact(AdditivelySeparableGame(weights)).status is Status.NONE_EXISTS
    symmetric = AdditivelySeparableGame(weights + weights.T)
    assert certify(symmetric, exact(symmetric).require(), tolerance=gain_tolerance(symmetric)).holds


def test_what_is_stable_up_to_the_tolerance_only_is_found():
    almost = AdditivelySeparableGame([[0, 1e-12, 1], [-1, 0, 0], [1, 0, 0]])
    assert is_stable(almost, Partition([0, 1, 0]), "nash", gain_tolerance(almost))
    assert exact(almost).status is Status.SOLVED


@pytest.mark.parametrize("scale", [1e-300, 1e-7, 1.0, 1 / 3, 1e12, 1e290])
def test_the_answer_does_not_depend_on_the_unit_of_utility(scale):
    weights = np.array([[0, 2, -1], [-2, 0, 1], [1, -1, 0]]) * scale
    assert exact(AdditivelySeparableGame(weights)).status is exact(AdditivelySeparableGame(weights / scale)).status


def test_at_the_time_limit_nothing_is_claimed():
    rng = np.random.default_rng(0)
    game = AdditivelySeparableGame(rng.integers(-10, 11, (40, 40)) * (1 - np.eye(40)))
    solution = exact(game, time_limit=0.05)
    assert solution.status is Status.TIME_LIMIT
    assert solution.profiles == ()
    assert not solution.complete


def test_a_search_that_has_hardly_begun_gives_no_bound(monkeypatch):
    """OR-Tools reports 0 then, which was taken for a bound."""
    from ortools.sat.python import cp_model

    game = AdditivelySeparableGame([[0, 4, -9], [4, 0, -9], [-9, -9, 0]], slots=3)
    solve = cp_model.CpSolver.solve

    def interrupted(solver, model):
        if model.has_objective():
            solver.parameters.max_time_in_seconds = 0.0
        return solve(solver, model)

    monkeypatch.setattr(cp_model.CpSolver, "solve", interrupted)
    solution = exact(game, maximize_welfare=True)
    assert solution.status is Status.TIME_LIMIT
    assert solution.stats["bound"] == np.inf


def test_at_the_time_limit_the_best_stable_partition_found_comes_with_a_bound():
    rng = np.random.default_rng(0)
    weights = rng.integers(-10, 11, (30, 30)) * (1 - np.eye(30))
    game = AdditivelySeparableGame(weights + weights.T, slots=3)
    solution = exact(game, maximize_welfare=True, time_limit=2.0)
    assert solution.status is Status.TIME_LIMIT
    assert certify(game, solution.profiles[0], tolerance=gain_tolerance(game)).holds
    assert solution.stats["bound"] > solution.stats["welfare"] == game.welfare(solution.profiles[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concept": "core"}, "concept must be one of nash, individual, got 'core'"),
        ({"time_limit": 0}, "time_limit must be positive"),
        ({"time_limit": float("nan")}, "time_limit must be positive"),
        ({"workers": 0}, "workers must be a whole number >= 1, got 0"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(InvalidGame, match=words):
        exact(AdditivelySeparableGame([[0]]), **options)


def test_games_that_are_too_large_are_refused():
    with pytest.raises(InvalidGame, match=r"number of coalitions must be at most 4096 .*, got 1048576"):
        exact(CallableGame(lambda i, j, who: float(len(who)), 20))
    with pytest.raises(InvalidGame, match="number of players must be at most 100"):
        exact(AdditivelySeparableGame(np.zeros((101, 101))))


def test_short_decimals_become_exact_integers():
    numbers = scaled(np.array([0.1, -0.25, 3.0]), 1e-9)
    assert numbers.integers == [10, -25, 300]
    assert numbers.error < 1e-12
    assert scaled(np.array([123456789.0, 1.0]), 1e-3).integers == [123456789, 1]
    thirds = scaled(np.array([1 / 3, -1.0]), 1e-9)
    assert abs(thirds.integers[0] / thirds.scale - 1 / 3) * thirds.scale <= thirds.error
