"""The equilibrium of a Stackelberg game, with a rigorous bound on how much better any other price could be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from solvers.core import InvalidGame, NotSolved, Solution, Status
from solvers.stackelberg._curve import NotConcave
from solvers.stackelberg._game import Profile, StackelbergGame
from solvers.stackelberg._interval import interval_branch_and_bound
from solvers.stackelberg._leader import Optimum, branch_and_bound, exact_sweep
from solvers.stackelberg._together import prepare

SWEEP_UP_TO = 64  # followers for which looking at every kink is quicker than bounding


def solve(game: StackelbergGame, *, tolerance: float = 1e-9) -> Solution[Profile]:
    """The leader's globally best price and the followers' best responses to it.

    `stats` holds `leader_utility`, `upper_bound` (rigorous: rounding is accounted for), `gap` (their difference over
    |leader_utility|, or over a thousandth of the largest utility met if that is more), `tolerance` (what is allowed of
    that difference), `passes` over the followers, and `rounds` of participation. With participation, followers whose
    best utility is not positive at the optimal price leave (their decision is nan), the game among the others is solved
    again, and one that would gain by joining alone comes back; the price is optimal for those who take part. The status
    is LIMIT where the gap stays above `tolerance`, CYCLE where participation returns to an earlier state.

    Raises
    ------
    InvalidGame
        If a utility is undefined at some best response, or `tolerance` is not positive.
    NotSolved
        If no follower has a positive utility at the price that is best while all take part.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, problems (22) and (24), whose Proposition 3 does not hold.

    Examples
    --------
    >>> from solvers.stackelberg import load, solve
    >>> solution = solve(load("two-peaks"))
    >>> round(solution.require().price, 6), solution.stats["gap"] <= 1e-9
    (7.326, True)
    """
    _check(tolerance)
    profile, rounds, seen = Profile(game.bounds[0], np.zeros(len(game.names))), 0, set()
    while True:
        part, stays = game.among(profile), ~np.isnan(profile.decisions)
        method, optimum = _optimum(part, tolerance)
        rounds += 1
        profile = _profile(part, stays, optimum)
        seen.add(stays.tobytes())
        moved = _moved(game, part, profile, stays) if game.participation else stays
        if np.array_equal(moved, stays):
            status = Status.SOLVED if optimum.gap <= tolerance else Status.LIMIT
            return _solution(optimum, profile, method, rounds, status, tolerance)
        if moved.tobytes() in seen:
            return _solution(optimum, profile, method, rounds, Status.CYCLE, tolerance)
        profile = Profile(optimum.price, np.where(moved, 0.0, np.nan))


def solve_each(games: Sequence[StackelbergGame], *, tolerance: float = 1e-9) -> tuple[Solution[Profile], ...]:
    """What `solve` finds for each of these games, to the bit; quicker for many small games of one declaration.

    Games that `with_followers` makes of each other, of the same bounds and of up to 64 followers each, are prepared
    together, in about the time that one of them takes.

    Raises
    ------
    InvalidGame, NotSolved
        If `solve` refuses one of the games; the message begins with its title.

    Examples
    --------
    >>> import numpy as np
    >>> from solvers.stackelberg import load, solve_each
    >>> game = load("two-peaks")
    >>> games = [game.with_followers({**game.table, "D": share * game.table["D"]}) for share in (1.0, 1.1)]
    >>> [round(solution.require().price, 4) for solution in solve_each(games)]
    [7.326, 8.0586]
    """
    _check(tolerance)
    prepare(games)
    found = []
    for k, game in enumerate(games):
        try:
            found.append(solve(game, tolerance=tolerance))
        except (InvalidGame, NotSolved) as reason:
            raise type(reason)(f"{game.title or f'game {k + 1}'}: {reason}") from reason
    return tuple(found)


def _check(tolerance: float) -> None:
    if not 0 < tolerance < np.inf:
        raise InvalidGame(f"tolerance must be positive and finite, got {tolerance}")


def _profile(part: StackelbergGame, stays: npt.NDArray[np.bool_], optimum: Optimum) -> Profile:
    decisions = np.full(len(stays), np.nan)
    decisions[stays] = part.best_response(optimum.price)
    return Profile(optimum.price, decisions)


def _moved(
    game: StackelbergGame, part: StackelbergGame, profile: Profile, stays: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Who takes part next: without all whose utility is not positive, else with the one that gains most by joining."""
    leaving = np.zeros(len(stays), dtype=bool)
    utilities = part.follower_utilities(profile.price, profile.decisions[stays])
    leaving[stays] = utilities <= 0
    if np.all(leaving[stays]):
        raise NotSolved(
            f"no follower is left: none has a positive utility at the price {profile.price:.6g}, best for all"
        )
    if np.any(leaving):
        return stays & ~leaving
    gains = np.full(len(stays), -np.inf)
    for positions, joined, places in game.joined(profile):
        best = joined.best_response(profile.price)
        gains[positions] = joined.follower_utilities(profile.price, best)[places]
    joins = np.zeros(len(stays), dtype=bool)
    joins[np.argmax(gains)] = np.max(gains) > 0
    return stays | joins


def _optimum(game: StackelbergGame, tolerance: float) -> tuple[str, Optimum]:
    if game.undefined:
        raise InvalidGame(game.undefined)
    try:
        curve = game.curve
    except NotConcave:
        return "interval branch and bound", interval_branch_and_bound(game, tolerance=tolerance)
    if len(game.names) <= SWEEP_UP_TO:
        swept = exact_sweep(curve)
        if swept.gap <= tolerance:
            return "exact sweep", swept
    return "branch and bound", branch_and_bound(curve, tolerance=tolerance)


def _solution(
    optimum: Optimum, profile: Profile, method: str, rounds: int, status: Status, tolerance: float
) -> Solution[Profile]:
    stats = {
        "leader_utility": optimum.value,
        "upper_bound": optimum.upper,
        "gap": optimum.gap,
        "tolerance": tolerance * optimum.scale,
        "passes": float(optimum.passes),
        "rounds": float(rounds),
    }
    return Solution((profile,), status, method, stats=stats)
