"""What is drawn of Stackelberg games, what is written down of them, and faults that the properties must notice.

The properties themselves are in `verification.properties`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import started
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from solvers.core import InvalidGame, Solution
from solvers.stackelberg import StackelbergGame, _game, _leader, _regrets, _solve, load, solve
from solvers.stackelberg._leader import exact_sweep
from verification.properties._property import Property
from verification.properties._stackelberg import PROPERTIES
from verification.stackelberg_games import GameData, IncentiveData, PricingData
from verification.stackelberg_strategies import (
    INCENTIVE_KINDS,
    ORDINARY_KINDS,
    PRICING_KINDS,
    STACKELBERG_KINDS,
    game_prices,
    incentive_games,
    pricing_games,
    stackelberg_games,
)

BY_NAME = {each.name: each for each in PROPERTIES}
TWO = PricingData({"w": [2, 8], "k": [1, 1], "cap": [9, 9], "fee": [0, 0]}, {"cost": 1}, (1.5, 20.0))


def test_every_number_of_the_incentive_game_has_a_property() -> None:
    numbers = {int(re.fullmatch(r"gfml-(\d\d)[a-z]?", name)[1]) for name in BY_NAME if name.startswith("gfml")}
    assert numbers == set(range(1, 19))
    assert len(BY_NAME) == len(PROPERTIES) == len({each.statement for each in PROPERTIES})


# --- faults ----------------------------------------------------------------------------------------------------------

best_response, sweep, bound, regrets = (
    StackelbergGame.best_response,
    _leader.exact_sweep,
    _leader.branch_and_bound,
    _regrets.regrets,
)


FIRST = settings(phases=[Phase.generate], database=None, derandomize=True)  # nothing is shrunk


def swapped_limits(self: StackelbergGame, price: float) -> np.ndarray:
    right, limits = best_response(self, price), self.limits(price)
    return np.where(right == limits.low, limits.high, np.where(right == limits.high, limits.low, right))


def a_little_off(self: StackelbergGame, price: float) -> np.ndarray:
    return best_response(self, price) * (1 + 1e-8)


def of_another_price(self: StackelbergGame, price: float) -> np.ndarray:
    return best_response(self, 0.5 * (price + self.bounds[1]))


def first_peak(curve: Any) -> Any:
    found = sweep(curve)
    price = found.local[0]
    return dataclasses.replace(found, price=price, value=curve.at(price).value, upper=curve.at(price).value)


def last_kink_is_lost(curve: Any) -> Any:
    found = sweep(curve)
    if found.price not in curve.kinks:
        return found
    value = curve.at(curve.low).value
    return dataclasses.replace(found, price=curve.low, value=value, upper=value + 1e-10 * found.scale)


def too_low_a_bound(curve: Any) -> Any:
    found = sweep(curve)
    return dataclasses.replace(found, upper=found.value - 1e-9 * found.scale)


def stops_early(curve: Any, tolerance: float = 1e-9, **options: Any) -> Any:
    return bound(curve, tolerance=1e3 * tolerance, **options)


def claims_to_be_done(curve: Any, tolerance: float = 1e-9, **options: Any) -> Any:
    found = bound(curve, tolerance=1e3 * tolerance, **options)
    return dataclasses.replace(found, upper=found.value)


def nobody_leaves(game: Any, part: Any, profile: Any, stays: np.ndarray) -> np.ndarray:
    return stays


def forgets_followers(game: StackelbergGame, profile: Any) -> np.ndarray:
    return np.concatenate([regrets(game, profile)[:-1], [0.0]])


def old_aggregates(self: StackelbergGame, reasons: Any) -> StackelbergGame:
    left, gone = without(self, reasons), list(reasons)
    old = {name: np.asarray(self.values[name]) for name in self.derived}
    old = {name: np.delete(value, gone) if value.ndim else value for name, value in old.items()}
    left.__dict__["values"] = {**left.values, **old}
    return left


without = StackelbergGame.without


def one_is_dropped(self: StackelbergGame, price: float, decisions: np.ndarray | None = None) -> float:
    decisions = best_response(self, price) if decisions is None else decisions
    terms = self.leader_terms(price, decisions)
    return float(np.sum(terms[..., :-1])) if len(self.names) > 1 else float(np.sum(terms))


def worse_in_large_units(game: StackelbergGame, **options: Any) -> Solution[Any]:
    if game.bounds[1] > 1e5:
        game = dataclasses.replace(game, bounds=(1.01 * game.bounds[0], game.bounds[1]))
    return solution(game, **options)


solution = _solve.solve


class Noticed(Exception):
    """A property does not hold of an example."""


def look_for_faults(prop: Property) -> None:
    """Tries up to 100 examples; the first that fails ends it."""

    @settings(FIRST, max_examples=100, report_multiple_bugs=False)
    @given(prop.examples())
    def holds(example: Any) -> None:
        if not prop.measure(example) <= prop.tolerance:
            raise Noticed

    try:
        holds()
    except AssertionError:
        raise Noticed from None


FAULTS: list[tuple[object, str, Callable[..., Any], str]] = [
    (StackelbergGame, "best_response", swapped_limits, "gfml-02a"),
    (StackelbergGame, "best_response", a_little_off, "gfml-01b"),
    (StackelbergGame, "best_response", of_another_price, "gfml-04"),
    (StackelbergGame, "leader_utility", one_is_dropped, "gfml-11"),
    (StackelbergGame, "without", old_aggregates, "gfml-12"),
    (_solve, "exact_sweep", first_peak, "stackelberg-03"),
    (_solve, "exact_sweep", last_kink_is_lost, "gfml-16"),
    (_solve, "exact_sweep", too_low_a_bound, "stackelberg-07"),
    (_solve, "branch_and_bound", stops_early, "stackelberg-05"),
    (_solve, "branch_and_bound", claims_to_be_done, "stackelberg-05"),
    (_solve, "_moved", nobody_leaves, "stackelberg-11"),
    (_solve, "solve", worse_in_large_units, "stackelberg-13"),
    (_game._regrets, "regrets", forgets_followers, "stackelberg-09"),
]


@pytest.mark.parametrize(("place", "name", "fault", "noticed_by"), FAULTS, ids=lambda v: getattr(v, "__name__", None))
def test_a_planted_fault_is_noticed(
    place: object, name: str, fault: Callable[..., Any], noticed_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, fault)
    with pytest.raises(Noticed):
        look_for_faults(BY_NAME[noticed_by])


# --- what is drawn ---------------------------------------------------------------------------------------------------


def first(games: st.SearchStrategy[Any], wanted: Callable[[Any], bool] = lambda data: True) -> GameData:
    """An example that is wanted, as it is drawn."""
    return find(games, wanted, settings=settings(FIRST, max_examples=300))


def peaks(data: GameData) -> int:
    return len(exact_sweep(data.game().curve).local)


@pytest.mark.parametrize("kinds", [INCENTIVE_KINDS, PRICING_KINDS], ids=["incentive", "pricing"])
def test_each_family_has_games_of_several_peaks(kinds: dict[str, Any]) -> None:
    data = first(kinds["multi-modal"](4), lambda data: peaks(data) >= 2)
    values = [float(data.leader(np.array([price]))[0]) for price in exact_sweep(data.game().curve).local]
    assert max(values) == pytest.approx(data.best_found()[1], rel=1e-9)


def test_games_shrink_to_one_follower_of_round_numbers() -> None:
    for games in (incentive_games(), pricing_games(), stackelberg_games()):
        data = find(games, lambda data: True, settings=settings(database=None, derandomize=True))
        assert data.n == 1
        for value in [*data.parameters.values(), *(column[0] for column in data.columns.values())]:
            assert value == 0 or np.log2(value) % 1 == 0 or value == 0.75


def test_ties_are_ties_and_near_ties_are_not() -> None:
    def gaps(data: GameData) -> np.ndarray:
        kinks = np.sort(data.kinks()[data.n :])
        return np.diff(kinks) / kinks[:-1]

    assert first(stackelberg_games(kinds=["ties"]), lambda data: data.n > 1 and np.max(gaps(data)) == 0)
    assert first(stackelberg_games(kinds=["near-ties"]), lambda data: data.n > 1 and 0 < np.max(gaps(data)) < 1e-11)


def test_some_are_late_some_stay_out_and_many_are_many() -> None:
    late = first(stackelberg_games(kinds=["deadlines"]), lambda data: not np.all(data.feasible()))
    assert [gone.name for gone in late.game().excluded] == [str(k + 1) for k in np.flatnonzero(~late.feasible())]
    for kinds in (INCENTIVE_KINDS, PRICING_KINDS):
        data = first(
            kinds["participation"](4),
            lambda data: np.any(data.follower(data.bounds[0]) <= 0) and np.all(data.follower(data.bounds[0])[:1] > 0),
        )
        assert data.participation
        assert solve(first(kinds["many"](5), lambda data: data.n >= 65).game()).method == "branch and bound"


@given(stackelberg_games(), st.data())
def test_prices_are_within_the_bounds_and_copies_are_the_game(data: GameData, draw: st.DataObject) -> None:
    price = draw.draw(game_prices(data))
    assert data.bounds[0] <= price <= data.bounds[1]
    same = data.but().among(range(data.n)).split(1)
    assert all(np.array_equal(same.columns[name], column) for name, column in data.columns.items())
    assert (same.parameters, same.bounds, same.participation) == (data.parameters, data.bounds, data.participation)


@pytest.mark.parametrize("games", [stackelberg_games, incentive_games, pricing_games])
def test_unknown_kinds_and_sizes_are_refused(games: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="max_followers must be >= 1, got 0"):
        games(max_followers=0)
    for kinds in ([], ["unusual"]):
        with pytest.raises(ValueError, match=r"kinds must be among typical, ties, .*, got"):
            games(kinds=kinds)


def test_kinds_of_both_families_are_kinds() -> None:
    assert STACKELBERG_KINDS.keys() == INCENTIVE_KINDS.keys() | PRICING_KINDS.keys()
    assert set(ORDINARY_KINDS) < INCENTIVE_KINDS.keys() & PRICING_KINDS.keys()


def test_numbers_that_make_no_game_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^columns must be w, k, cap, fee, got w$"):
        PricingData({"w": [1]}, {"cost": 0}, (1.0, 2.0))
    with pytest.raises(ValueError, match=r"^parameters must be cost, got price$"):
        PricingData(TWO.columns, {"price": 0}, (1.0, 2.0))
    with pytest.raises(ValueError, match=r"^columns must have one shape \(n,\), got"):
        PricingData({**TWO.columns, "w": [1]}, {"cost": 0}, (1.0, 2.0))
    with pytest.raises(ValueError, match=r"^a change must be of a column or a parameter, got eta$"):
        TWO.but(eta=1.0)
    with pytest.raises(ValueError, match="read-only"):
        TWO.columns["w"][0] = 3.0


def test_nobody_left_is_an_error_of_the_game() -> None:
    data = first(incentive_games(kinds=["typical"]))
    with pytest.raises(InvalidGame, match=r"no follower is left; .*: infeasible: "):
        data.but(c=data.columns["c"] * 1e9).game()


# --- what is written down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STACKELBERG_KINDS)
def test_a_saved_game_of_every_kind_has_the_same_solution(kind: str, tmp_path: Path) -> None:
    for family in (INCENTIVE_KINDS, PRICING_KINDS):
        if kind in family:
            data = first(family[kind](3), lambda data: data.n > 1)
            one, two = solve(data.game()), solve(load(data.save(tmp_path / "game 1.of 2")))
            assert dict(one.stats) == dict(two.stats)
            assert np.array_equal(one.profiles[0].decisions, two.profiles[0].decisions, equal_nan=True)


def test_what_a_property_saves_is_what_its_command_loads(tmp_path: Path) -> None:
    prop: Property = BY_NAME["gfml-02a"]
    data = IncentiveData(
        {"D": [1, 2], "c": [1, 1], "zeta": [0.5, 1], "S": [1, 0.5], "H": [1, 1], "T_comm": [0.25, 0.5],
         "T_max": [1.75, 3], "lo": [1, 1], "hi": [2, 4]},
        {"eta": 8.0, "I_rep": 4.0, "rho": 0.0625, "tau": 1.0}, (1.0, 8.0),
    )  # fmt: skip
    file = prop.save((data, 2.0), tmp_path / prop.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gfml-02a.csv", "gfml-02a.toml"]
    assert prop.command == "python -m solvers.stackelberg FILE"
    done = started("solvers.stackelberg", file, "--json", "-")
    answer = json.loads(done.stdout)
    assert answer["price"] == solve(data.game()).require().price
    assert answer["certificate"]["holds"] is True
