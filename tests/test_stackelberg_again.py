"""One declaration, many followers: games made of another give what games declared from nothing give."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.core import Array, InvalidGame, NotSolved, Solution, Status
from solvers.stackelberg import Profile, StackelbergGame, load, solve
from verification import certify

LEARNERS = load("gfml")


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
