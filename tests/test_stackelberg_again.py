"""One declaration, many followers: games made of another, or solved together, give what they give alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
import sympy as sp

from solvers.core import Array, InvalidGame, NotSolved, Solution, Status
from solvers.stackelberg import Mean, Profile, StackelbergGame, Total, load, solve, solve_each
from solvers.stackelberg._together import prepare
from verification import certify

LEARNERS = load("gfml")
Make: TypeAlias = Callable[[StackelbergGame, np.random.Generator, int], StackelbergGame]


def declared(source: StackelbergGame, table: dict[str, Array], **changes: object) -> StackelbergGame:
    given = {"names": None, "parameters": source.parameters, "title": source.title, **changes}
    return StackelbergGame.declare(
        price=source.form.price,
        decision=source.form.decision,
        bounds=source.bounds,
        leader_utility=source.form.leader_utility,
        follower_utility=source.form.follower_utility,
        constraints={c.name: (c.left, c.right) for c in source.form.constraints},
        table=table,
        derived=source.derived,
        participation=source.participation,
        **given,
    )


def coalition(rng: np.random.Generator, n: int = 9) -> dict[str, Array]:
    """Learners of one coalition, their similarities of any sign."""
    return {
        "coalition": np.zeros(n),
        "D": rng.uniform(3e7, 1e8, n).round(),
        "S": rng.uniform(rng.choice([-1.0, -0.1, 0.0, 0.3]), 1.0, n),
        "H": rng.uniform(0.0, 1.0, n),
        "B": rng.uniform(5.0, 10.0, n),
        "T_max": np.full(n, rng.uniform(11.0, 20.0)),
        "lo": np.full(n, 1e7),
        "hi": np.full(n, 1e9),
    }


def outcome(game: StackelbergGame) -> Solution[Profile] | str:
    try:
        return solve(game)
    except (InvalidGame, NotSolved) as reason:
        return str(reason)


def test_fifty_games_of_one_declaration_are_solved_to_the_same_bits_as_games_declared_from_nothing() -> None:
    rng = np.random.default_rng(0)
    solved = 0
    for k in range(50):
        table = coalition(rng, 1 + k % 12)
        again, new = LEARNERS.with_followers(table), declared(LEARNERS, table)
        assert (again.excluded, list(again.names), again.title) == (new.excluded, list(new.names), new.title)
        one, two = outcome(again), outcome(new)
        if isinstance(one, str) or isinstance(two, str):
            assert one == two
            continue
        assert (one.status, one.method, dict(one.stats)) == (two.status, two.method, dict(two.stats))
        assert one.profiles[0].price == two.profiles[0].price
        assert np.array_equal(one.profiles[0].decisions, two.profiles[0].decisions, equal_nan=True)
        solved += 1
        if k % 10 == 0:
            profile = one.profiles[0]
            assert np.array_equal(again.regrets(profile), new.regrets(profile), equal_nan=True)
            assert one.status is not Status.SOLVED or certify(again, profile, tolerance=1e-6).holds
    assert solved > 30


def test_what_sympy_worked_out_is_shared_whatever_the_signs_of_what_only_multiplies() -> None:
    rng = np.random.default_rng(1)
    response = LEARNERS.response
    for signs in (np.ones(9), -np.ones(9), np.resize([1.0, -1.0, 0.0], 9)):
        table = coalition(rng)
        game = LEARNERS.with_followers(
            {**table, "S": signs * np.abs(table["S"]), "H": np.maximum(signs, 0.0) * table["H"]}
        )
        assert game.response is response
        assert game.declaration is LEARNERS.declaration


def test_signs_that_a_formula_needs_are_read_off_the_new_data() -> None:
    game = LEARNERS.with_followers(coalition(np.random.default_rng(2)))
    symbols = {s.name: s for s in game.declaration.parameters}
    assert symbols["W"].is_positive
    assert symbols["rho"].is_positive
    assert symbols["S"].is_positive is None
    free = game.with_followers(dict(game.table), parameters={"model": 0.0})
    assert {s.name: s for s in free.declaration.parameters}["T_comm"].is_positive is None
    assert free.response is not game.response
    assert solve(free).stats == solve(declared(game, dict(game.table), parameters=free.parameters)).stats


def test_followers_who_cannot_meet_their_deadline_are_left_out_by_name() -> None:
    table = coalition(np.random.default_rng(3))
    table["hi"] = table["hi"].copy()
    table["hi"][4] = 2e7
    names = [f"learner {k}" for k in range(9)]
    game = LEARNERS.with_followers(table, names=names, title="eight are left")
    assert [gone.name for gone in game.excluded] == ["learner 4"]
    assert game.excluded == declared(LEARNERS, table, names=names).excluded
    assert game.title == "eight are left"
    assert list(game.names) == [name for name in names if name != "learner 4"]
    assert game.values["s"].sum() == pytest.approx(1.0)
    assert not game.with_followers(coalition(np.random.default_rng(4))).excluded


def test_parameters_take_the_place_of_the_game_s_own() -> None:
    table = coalition(np.random.default_rng(5))
    game = LEARNERS.with_followers(table, parameters={"eta": 40.0})
    assert game.parameters == {**LEARNERS.parameters, "eta": 40.0}
    assert LEARNERS.parameters["eta"] == 25.0
    assert solve(game).stats == solve(declared(LEARNERS, table, parameters=game.parameters)).stats


@pytest.mark.parametrize(
    ("change", "names", "parameters", "rule"),
    [
        ({}, ["a"], None, "names must be one per follower, got 1"),
        ({}, ["a"] * 9, None, "names must be unique"),
        ({}, None, {"etta": 1.0}, "`etta` is not a parameter of this game; did you mean `eta`"),
        ({"D": np.ones(3)}, None, None, "table must hold columns of one length"),
        ({"D": ["many"] * 9}, None, None, "table column 'D' must be numbers"),
        ({"S": np.full(9, np.nan)}, None, None, "S must be finite"),
        ({"B": np.zeros(9)}, None, None, "T_comm must be finite"),
        ({"D": None}, None, None, "symbol 'D' has no value"),
        ({"hi": np.full(9, 2e7)}, None, None, "no follower is left"),
    ],
)
def test_data_that_make_no_game_are_refused(
    change: dict[str, object], names: list[str] | None, parameters: dict[str, float] | None, rule: str
) -> None:
    table = {**coalition(np.random.default_rng(6)), **change}
    table = {name: column for name, column in table.items() if column is not None}
    with pytest.raises(InvalidGame, match=rule):
        LEARNERS.with_followers(table, names=names, parameters=parameters)


# --- games solved together ---------------------------------------------------------------------------------------

p, x, w, c, q, k, T = sp.symbols("p x w c q k T")
STILL = replace(LEARNERS, participation=False)
SOLD = StackelbergGame.declare(
    price=p,
    decision=x,
    bounds=(0.5, 4.0),
    leader_utility=(p - k) * x * (1 + q / 4),
    follower_utility=w * sp.log(1 + x) - p * x / c,
    constraints={"none": x >= 0, "cap": x <= 3 * c},
    table={"w": np.array([2.0, 4.0]), "c": np.ones(2), "q": np.zeros(2)},
    parameters={"k": 0.3},
)
SHARED = StackelbergGame.declare(
    price=p,
    decision=x,
    bounds=(0.5, 4.0),
    leader_utility=k * w / T * x - p * x * c,
    follower_utility=p * w * x / T - c * x**2,
    constraints={"least": x >= c / 5, "most": x <= w / c},
    table={"w": np.array([2.0, 4.0]), "c": np.ones(2), "q": np.zeros(2)},
    parameters={"k": 0.3},
    derived={"T": Total(w) + Mean(c)},
    participation=False,
)


def sellers(game: StackelbergGame, rng: np.random.Generator, n: int) -> StackelbergGame:
    """Buyers at random, the parameter the game's own or another one."""
    table = {"w": rng.uniform(0.5, 6.0, n), "c": rng.uniform(0.2, 2.0, n), "q": rng.uniform(-1.0, 1.0, n)}
    return game.with_followers(table, parameters={"k": float(rng.choice([0.3, rng.uniform(0.1, 1.0)]))})


def learners(game: StackelbergGame, rng: np.random.Generator, n: int) -> StackelbergGame:
    return game.with_followers(coalition(rng, n))


def drawn(rng: np.random.Generator, make: Make, source: StackelbergGame, sizes: Sequence[int]) -> list[StackelbergGame]:
    games = []
    for n in sizes:
        try:
            games.append(make(source, rng, int(n)))
        except InvalidGame:  # nobody meets the deadline
            continue
    return games


def assert_same_bits(one: Solution[Profile], two: Solution[Profile]) -> None:
    assert (one.status, one.method, dict(one.stats)) == (two.status, two.method, dict(two.stats))
    assert one.profiles[0].price == two.profiles[0].price
    assert one.profiles[0].decisions.tobytes() == two.profiles[0].decisions.tobytes()


@pytest.mark.parametrize(
    ("source", "make"),
    [(LEARNERS, learners), (STILL, learners), (SOLD, sellers), (SHARED, sellers)],
    ids=["participation", "no participation", "logarithms", "sums"],
)
def test_games_solved_together_are_solved_to_the_same_bits_as_alone(source: StackelbergGame, make: Make) -> None:
    rng = np.random.default_rng(7)
    together = 0
    for sizes in ([1], [1, 1, 1], [9, 10, 11, 10], [1, 64, 2, 65, 30], [70, 80], rng.integers(1, 40, 12)):
        games = drawn(rng, make, source, sizes)
        alone = [replace(game) for game in games]  # copies for which nothing is worked out yet
        again = [replace(game) for game in games]
        prepare(again)
        together += sum("curve" in vars(game) for game in again)
        for one, two in zip(again, alone, strict=True):
            assert one.curve.kinks.tobytes() == two.curve.kinks.tobytes()
            assert one.curve.jumps.tobytes() == two.curve.jumps.tobytes()
            for name in ("value_error", "slope_error", "spread"):
                assert getattr(one.curve, name) == getattr(two.curve, name)
        if any(isinstance(outcome(game), str) for game in alone):
            continue
        for one, game in zip(solve_each(games), alone, strict=True):
            assert_same_bits(one, solve(game))
    assert together > 15


def test_games_that_cannot_be_prepared_together_are_solved_as_alone() -> None:
    rng = np.random.default_rng(8)
    table = coalition(rng)
    signs = [LEARNERS.with_followers(coalition(rng)), LEARNERS.with_followers(table, parameters={"model": 0.0})]
    bounds = [replace(STILL.with_followers(coalition(rng)), bounds=(5.0, high)) for high in (11.0, 12.0)]
    moving = load("cloud-pricing")
    games = [*signs, *bounds, moving, replace(moving), SOLD, load("two-peaks")]
    for one, game in zip(solve_each(games), games, strict=True):
        assert_same_bits(one, solve(replace(game)))
    assert solve_each([]) == ()


def test_a_follower_that_breaks_concavity_changes_nothing_for_the_games_beside_its_own() -> None:
    bent = StackelbergGame.declare(
        price=p,
        decision=x,
        bounds=(0.5, 4.0),
        leader_utility=p * x + q * p**3,
        follower_utility=w * x - x**2 / 2 - p * x,
        constraints={"none": x >= 0, "cap": x <= 3},
        table={"w": np.array([2.0, 4.0]), "q": np.zeros(2)},
        participation=False,
    )
    tables = [{"w": np.array([2.0, 3.5]), "q": np.array([share, -0.1])} for share in (-0.1, 2.0, -0.2)]
    games = [bent.with_followers(table) for table in tables]
    swept = [solve(replace(game)).method == "exact sweep" for game in games]
    assert swept == [True, False, True]
    for one, game in zip(solve_each(games), games, strict=True):
        assert_same_bits(one, solve(replace(game)))


def test_a_game_that_is_refused_is_named() -> None:
    source = load("log-literal")
    games = [source.with_followers(dict(source.table), title=title) for title in ("first", "second")]
    with pytest.raises(InvalidGame) as alone:
        solve(replace(games[0]))
    with pytest.raises(InvalidGame) as together:
        solve_each(games)
    assert str(together.value) == f"first: {alone.value}"
    with pytest.raises(InvalidGame, match=r"^tolerance must be positive"):
        solve_each(games, tolerance=0.0)


@pytest.mark.parametrize("source", [LEARNERS, load("cloud-pricing"), load("two-peaks")])
def test_magnitudes_take_all_prices_at_once_to_the_same_bits(source: StackelbergGame) -> None:
    profile = solve(source).profiles[0]
    part = source.among(profile)
    tried = [part.leader_utility(float(price)) for price in np.linspace(*source.bounds, 9)]
    assert part._leader_utilities(np.linspace(*source.bounds, 9)).tolist() == tried
