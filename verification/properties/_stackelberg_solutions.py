"""Properties of solutions, of both families: brute force, bounds, certificates, who takes part, equal games."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import verification
from solvers import stackelberg
from solvers.core import NotSolved, Solution, Status
from verification.properties._property import Property
from verification.properties._stackelberg_measures import (
    ROUNDING,
    above,
    off,
    ordinary_games,
    priced,
    shares,
    short,
    size,
    stackelberg_property,
    worst,
)
from verification.stackelberg_games import GameData, IncentiveData
from verification.stackelberg_strategies import (
    ORDINARY_KINDS,
    incentive_games,
    pricing_games,
    stackelberg_games,
)

TOLERANCE = 1e-9  # the default of `solve`, relative to `size`
CLOSED = 1e-11  # relative, of decisions in closed form
MONEY = (1e12, 1e-12, 1e6, 1e-6, 3.0)


# --- brute force -----------------------------------------------------------------------------------------------------


def _as_good_as_brute_force(data: GameData) -> float:
    """Shortfall from the best price that brute force finds; the claims about itself are checked on the way."""
    solution = stackelberg.solve(data.game())
    assert solution.status is Status.SOLVED, f"the status is {solution.status}"
    _, best = data.best_found()
    return worst(short(data, solution.stats["leader_utility"], best), _claims(data, solution))


def _claims(data: GameData, solution: Solution[stackelberg.Profile]) -> float:
    """How far the decisions and the utility that a solution states are from the closed forms at its price."""
    profile, value = solution.profiles[0], solution.stats["leader_utility"]
    price, noise = profile.price, ROUNDING * data.magnitude(data.bounds[1])
    assert data.bounds[0] <= price <= data.bounds[1], f"the price {price} is outside {data.bounds}"
    (low, high), best = data.limits(), data.response(price)
    decisions = worst(np.abs(profile.decisions - best) / np.where(high - low > 1e-3 * high, high - low, high))
    assert decisions <= CLOSED, f"at the price {price} decisions are {profile.decisions}, not {best}"
    there = float(data.leader(np.array([price]))[0])
    assert abs(there - value) <= 10 * noise, f"the leader's utility at {price} is {there}, not {value}"
    allowed = (1 + 1e-6) * TOLERANCE * size(data, value)  # `size` looks at fewer prices
    gap = solution.stats["upper_bound"] - value
    assert 0 <= gap <= max(allowed, solution.stats["tolerance"]), f"the bound is {gap} above the value"
    return above(solution.stats["tolerance"], allowed, 1e6 * allowed)


def _never_above_its_bound(example: tuple[GameData, list[float]]) -> float:
    data, some = example
    solution = stackelberg.solve(data.game())
    beside = [min(kink * (1 + q), data.bounds[1]) for kink in data.inner_kinks()[:20] for q in (0.0, 1e-9)]
    prices = np.array([*data.prices(*some), *beside, solution.profiles[0].price])
    bound = solution.stats["upper_bound"]
    return above(data.leader(prices), bound, data.magnitude(data.bounds[1]))


# --- certificates and regrets ----------------------------------------------------------------------------------------


def _is_certified(data: GameData) -> float:
    game = data.game()
    profile = stackelberg.solve(game).require()
    part = data.among(data.feasible()) if isinstance(data, IncentiveData) else data
    tolerance = TOLERANCE * game.magnitudes(profile) + 1e-12 * part.magnitude(profile.price)
    certificate = verification.certify(game, profile, tolerance=tolerance)
    assert certificate.holds, str(certificate)
    return certificate.residual / certificate.tolerance


def _regrets_are_what_deviating_gains(example: tuple[GameData, float, float]) -> float:
    """The leader's regret against brute force, the followers' against closed forms; all decisions moved a share."""
    data, price, share = example
    game, (low, high), best = data.game(), data.limits(), data.response(price)
    moved = best + share * (low + high - 2 * best)  # towards the limit that is further away
    regrets = game.regrets(stackelberg.Profile(price, moved))
    lost = game.follower_utilities(price, best) - game.follower_utilities(price, moved)
    scale = data.magnitude(price)
    leader = game.regrets(stackelberg.Profile(price, best))[0]
    here = float(data.leader(np.array([price]))[0])
    least, most = float(np.max(data.leader(np.linspace(*data.bounds, 129)))), data.best_found()[1]
    return worst(
        off(regrets[1:], np.maximum(lost, 0.0), scale),
        short(data, here + leader, least),
        short(data, most, here + leader),
    )


# --- who takes part --------------------------------------------------------------------------------------------------


def _the_excluded_do_not_matter(data: IncentiveData) -> float:
    game, feasible = data.game(), data.feasible()
    names = [str(k + 1) for k in np.flatnonzero(feasible)]
    assert list(game.names) == names, f"left are {list(game.names)}, not {names}"
    part = data.among(feasible)
    one, two = stackelberg.solve(game), stackelberg.solve(part.game())
    assert one.require().price == two.require().price, "those who are excluded move the price"
    return worst(short(part, one.stats["leader_utility"], part.best_found()[1]), _claims(part, one))


def _nobody_joins_or_leaves(data: GameData) -> float:
    try:
        solution = stackelberg.solve(data.game())
    except NotSolved:
        at = data.best_found()[0]
        assert np.any(data.follower(at) <= ROUNDING * data.magnitude(at)), "everyone gains, and the game is refused"
        return 0.0
    if solution.status is Status.CYCLE:
        return 0.0  # nothing is claimed
    assert solution.status is Status.SOLVED, f"the status is {solution.status}"
    profile = solution.require()
    stays, price = ~np.isnan(profile.decisions), profile.price
    part, scale = data.among(stays), data.magnitude(price)
    best = part.response(price)
    found = [
        off(profile.decisions[stays], best, part.limits()[1]),
        above(-part.follower(price), 0.0, scale),
        short(part, solution.stats["leader_utility"], part.best_found()[1]),
    ]
    for k in np.flatnonzero(~stays):
        joined = np.sort(np.append(np.flatnonzero(stays), k))
        found.append(above(data.among(joined).follower(price)[np.searchsorted(joined, k)], 0.0, scale))
    return worst(*found)


# --- equal games -----------------------------------------------------------------------------------------------------


def _split_in_parts(example: tuple[GameData, int]) -> float:
    """The same followers in parts: the same decisions, and the same utility for the leader."""
    data, parts = example
    many, price = data.split(parts), data.prices(0.3)[0]
    one, two = stackelberg.solve(data.game()), stackelberg.solve(many.game())
    whole, part = data.response(price), many.game().best_response(price)
    together = np.add.reduceat(part, np.arange(0, many.n, parts))
    same = together / parts if isinstance(data, IncentiveData) else together
    values = [solution.stats["leader_utility"] for solution in (one, two)]
    return worst(
        short(data, values[0], values[1]),
        short(data, values[1], values[0]),
        1e-3 * off(same, whole, data.limits()[1]),
    )


def _in_other_money(example: tuple[GameData, float]) -> float:
    data, money = example
    other = data.in_units(money)
    one, two = stackelberg.solve(data.game()), stackelberg.solve(other.game())
    assert two.status is one.status, f"the status is {two.status}, not {one.status}"
    prices, noise = np.array([one.profiles[0].price, two.profiles[0].price / money]), 10 * ROUNDING
    values = data.leader(np.clip(prices, *data.bounds))
    stated = np.array([one.stats["leader_utility"], two.stats["leader_utility"] / money])
    assert off(values, stated, data.magnitude(data.bounds[1])) <= noise, f"utilities are {values}, not {stated}"
    return worst(short(data, values[0], values[1]), short(data, values[1], values[0]))


def _solved_together(games: Sequence[GameData]) -> float:
    alone = [stackelberg.solve(data.game()) for data in games]
    together = stackelberg.solve_each([data.game() for data in games])
    assert len(together) == len(alone), f"{len(together)} solutions of {len(alone)} games"
    for k, (one, two) in enumerate(zip(alone, together, strict=True)):
        assert (one.method, one.status, dict(one.stats)) == (two.method, two.status, dict(two.stats)), f"game {k + 1}"
        assert one.profiles[0].price == two.profiles[0].price, f"the price of game {k + 1} is another"
        assert np.array_equal(one.profiles[0].decisions, two.profiles[0].decisions), f"decisions of game {k + 1}"
    return 0.0


def _written_down(data: GameData) -> float:
    with tempfile.TemporaryDirectory() as folder:
        read, game = stackelberg.load(data.save(Path(folder, "game"))), data.game()
    assert [gone.name for gone in read.excluded] == [gone.name for gone in game.excluded], "others are excluded"
    price = data.prices(0.3)[0]
    assert np.array_equal(read.best_response(price), game.best_response(price)), f"other best responses at {price}"
    one, two = stackelberg.solve(read), stackelberg.solve(game)
    assert dict(one.stats) == dict(two.stats), f"solved to {dict(one.stats)}, not {dict(two.stats)}"
    return 0.0


def _several_games() -> st.SearchStrategy[Sequence[GameData]]:
    prices = st.lists(pricing_games(kinds=ORDINARY_KINDS), min_size=1, max_size=4)
    return prices | st.lists(incentive_games(kinds=ORDINARY_KINDS), min_size=1, max_size=4)


def _crowd(data: GameData) -> GameData:
    """The same followers again and again, `CROWD` of them."""
    return data.among(np.arange(CROWD) % data.n)


def _brute(number: int, statement: str, examples: Callable[[], st.SearchStrategy[GameData]], share: float) -> Property:
    name = f"stackelberg-{number:02d}"
    return stackelberg_property(name, statement, examples, _as_good_as_brute_force, tolerance=TOLERANCE, share=share)


CROWD = 600  # followers: above the number from which kernels are compiled
ORDINARY, PEAKS, TIES = ["typical", "floats", "units"], ["multi-modal"], ["ties", "near-ties"]

SOLUTIONS: tuple[Property, ...] = (
    _brute(
        1, "no price found by brute force is better in an incentive game", lambda: incentive_games(kinds=ORDINARY), 0.2
    ),
    _brute(2, "no price found by brute force is better in a monopoly", lambda: pricing_games(kinds=ORDINARY), 0.2),
    _brute(3, "of several peaks the highest is found", lambda: stackelberg_games(kinds=PEAKS), 0.2),
    _brute(
        4, "ties and kinks that coincide, or nearly, hide no better price", lambda: stackelberg_games(kinds=TIES), 0.2
    ),
    _brute(
        5, "no price found by brute force is better with many followers", lambda: stackelberg_games(kinds=["many"]), 0.2
    ),
    _brute(6, "a utility affine between kinks is maximised too", lambda: stackelberg_games(kinds=["affine"]), 0.02),
    stackelberg_property(
        "stackelberg-07",
        "the leader's utility is above the stated bound at no price",
        lambda: st.tuples(stackelberg_games(kinds=[*ORDINARY_KINDS, "many"]), st.lists(shares, min_size=1, max_size=9)),
        _never_above_its_bound,
        tolerance=ROUNDING,
        share=0.3,
    ),
    stackelberg_property(
        "stackelberg-08",
        "a solution is certified, the residual being a share of what is allowed",
        lambda: stackelberg_games(kinds=[*ORDINARY_KINDS, "deadlines"]),
        _is_certified,
        tolerance=1.0,
        share=0.1,
    ),
    stackelberg_property(
        "stackelberg-09",
        "regrets are what the leader gains by its best price, and a follower by its best response",
        lambda: priced(ordinary_games()).flatmap(lambda drawn: st.tuples(*map(st.just, drawn), shares)),
        _regrets_are_what_deviating_gains,
        tolerance=TOLERANCE,
        share=0.1,
    ),
    stackelberg_property(
        "stackelberg-10",
        "followers who cannot meet their deadlines change nothing for the others",
        lambda: incentive_games(kinds=["deadlines"]),
        _the_excluded_do_not_matter,
        tolerance=TOLERANCE,
        equation="(22)",
        share=0.2,
    ),
    stackelberg_property(
        "stackelberg-11",
        "at the solution nobody who takes part would rather leave, nobody who does not would rather join alone",
        lambda: stackelberg_games(kinds=["participation"]),
        _nobody_joins_or_leaves,
        tolerance=TOLERANCE,
        equation="(22)",
        share=0.3,
    ),
    stackelberg_property(
        "stackelberg-12",
        "a follower in parts, up to 100 equal ones, is to the leader what it was",
        lambda: st.tuples(ordinary_games(), st.sampled_from([2, 3, 20, 100])),
        _split_in_parts,
        tolerance=2 * TOLERANCE,
        share=0.2,
    ),
    stackelberg_property(
        "stackelberg-13",
        "another unit of money, from 1e-12 to 1e12, leaves the solution",
        lambda: st.tuples(stackelberg_games(kinds=[*ORDINARY_KINDS, "many"]), st.sampled_from(MONEY)),
        _in_other_money,
        tolerance=2 * TOLERANCE,
        share=0.2,
    ),
    stackelberg_property(
        "stackelberg-14",
        "games solved together are solved as alone, to the bit",
        _several_games,
        _solved_together,
        tolerance=0.0,
        share=0.1,
    ),
    stackelberg_property(
        "stackelberg-15",
        "a game that was written down is read as the same game, to the bit",
        lambda: stackelberg_games(kinds=[*ORDINARY_KINDS, "deadlines"]),
        _written_down,
        tolerance=0.0,
        share=0.1,
    ),
    _brute(
        16, "nor with hundreds of followers, for whom kernels are compiled", lambda: ordinary_games().map(_crowd), 0.1
    ),
)
"""The toolkit's own properties."""
