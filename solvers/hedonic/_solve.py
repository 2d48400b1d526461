"""A Nash-stable partition, a proof that there is none, or the least unstable one: switching, then exact search."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.core import InvalidGame, NotSolved, Solution, Status
from solvers.hedonic._dynamics import Switches, Trajectory, best_response, check_generator
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._listing import distinguished
from solvers.hedonic._partition import Partition
from solvers.hedonic._verdicts import is_stable

METHOD = "best response, then exact search"
FIRST = 10**3  # switches of a first attempt, or one per player; each further one may take `GROWTH` times as many
GROWTH = 4
PATIENCE = 50  # switches per player after a restart: runs that end are seen to need a few
ENUMERATED = 25_000  # partitions that are all looked at for the least unstable: a second or two
SEARCHED = 10**4  # players times slots: the program of a larger game would take minutes to build
INSPECTED = 100  # partitions of one cycle whose regrets are measured


@dataclass(frozen=True, slots=True, kw_only=True)
class HedonicSolution(Solution[Partition]):
    """What `solve` found, and how.

    `least_unstable` is the partition with the smallest `regret`, the largest gain of a player by leaving, of those that
    were looked at; the stable one, if it was found. Where slots are not told apart, they are numbered in order of their
    first members. `trajectory` is the first run, from the initial partition.
    """

    least_unstable: Partition
    regret: float
    trajectory: Trajectory

    @property
    def cycle(self) -> Switches:
        """The cycle of the first run, or no switches if it had none."""
        return self.trajectory.cycle


def solve(
    game: HedonicGame,
    *,
    initial: Partition | None = None,
    restarts: int = 20,
    max_switches: int = 10**6,
    time_limit: float = 60.0,
    rng: np.random.Generator | None = None,
) -> HedonicSolution:
    """A Nash-stable partition, NONE_EXISTS where that is proved, or the least unstable partition that was seen.

    Players switch by best response in fixed order from `initial`, by default `game.starting_partition()`. If they cycle
    or make `max_switches`, they start again from up to `restarts` random partitions in random order, drawn by `rng`, by
    default `numpy.random.default_rng(0)`, and make at most 50 switches per player each time. If none of these runs
    ends, an exact search decides, as `exact` does, or where that cannot take the game or OR-Tools is not installed,
    looking at all partitions of a small one. `time_limit` is in seconds, half of it for the runs, or all if the game is
    too large to be searched; it is looked at between runs, which are begun small, and again with a higher limit where
    the time that they took lets expect that there is enough. The search has what is left, at least the other half,
    though runs took longer, as where kernels had to be compiled.

    The status is SOLVED, with one profile; NONE_EXISTS, with `complete` true; TIME_LIMIT; or LIMIT, where the game is
    beyond every exact search. In all cases but the first `least_unstable` is the best of the start, of where all runs
    ended and of the first run's cycle, or of all partitions where they are few. `stats` holds `starts`, `switches` (of
    all runs), `found by` ("dynamics", "restart", "exact", "enumeration" or "nothing"), `exact` (what became of the
    exact search) and `seconds`.

    Raises
    ------
    InvalidGame
        If `initial` is not a partition of this game's players into its slots.
    ValueError
        If `restarts` is negative, `max_switches` less than 1, `time_limit` not positive and finite, or `rng` no
        generator.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, Algorithm 1 and Proposition 2, which runs that cycle refute.
    Sung and Dimitrov, Computational complexity in additive hedonic games, EJOR 203 (2010): whether a Nash-stable
    partition exists is strongly NP-complete.

    Examples
    --------
    Player 0 seeks player 1, who avoids it: whatever the partition, one of them leaves.

    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> answer = solve(AdditivelySeparableGame([[0, 1], [-1, 0]]))
    >>> answer.status.name, answer.complete, answer.regret, answer.trajectory.status.name
    ('NONE_EXISTS', True, 1.0, 'CYCLE')
    """
    _check(restarts, time_limit)
    check_generator(rng)
    start = game.admitted(game.starting_partition() if initial is None else initial)
    search = _Search(game, start, time_limit)
    trajectory = search.attempt("dynamics", start, max_switches)
    limit = min(max_switches, PATIENCE * game.players)
    search.restart(restarts, limit, np.random.default_rng(0) if rng is None else rng)
    if search.stable is None:
        search.exact()
    if search.stable is None:
        search.enumerate()
    return search.answer(trajectory)


class _Search:
    """The least unstable partition so far, and what was tried."""

    def __init__(self, game: HedonicGame, start: Partition, time_limit: float) -> None:
        self.game, self.time_limit, self.began = game, time_limit, time.monotonic()
        self.tolerances = gain_tolerance(game)
        self.least, self.regret = start, self._largest(start)
        self.stable: Partition | None = None
        self.status = Status.LIMIT
        self.stats: dict[str, Any] = {"starts": 0, "switches": 0, "found by": "nothing", "exact": "not needed"}

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.time_limit - (time.monotonic() - self.began)

    @property
    def searchable(self) -> bool:
        """Whether the game is small enough for the exact search to be tried."""
        return self.game.players * self.game.capacity <= SEARCHED

    @property
    def left_for_runs(self) -> float:
        """Those of them that are not kept for the exact search."""
        return self.left - (self.time_limit / 2 if self.searchable else 0.0)

    def restart(self, restarts: int, limit: int, rng: np.random.Generator) -> None:
        """Runs from random partitions, until one of them ends."""
        for _ in range(restarts):
            if self.stable is not None:
                return
            if self.left_for_runs <= 0:
                self.status = Status.TIME_LIMIT
                return
            start = random_partition(self.game, rng)
            self.attempt("restart", start, limit, seed=int(rng.integers(0, 2**63)))

    def attempt(self, name: str, start: Partition, most: int, *, seed: int | None = None) -> Trajectory:
        """One run, in fixed order without a seed; begun again with a higher limit while there is time."""
        limit = min(max(FIRST, self.game.players), most)
        while True:  # the limit grows up to `most`
            rng = None if seed is None else np.random.default_rng(seed)
            order, before = "fixed" if seed is None else "random", self.left_for_runs
            trajectory = best_response(self.game, start, order=order, max_switches=limit, rng=rng)
            took = before - self.left_for_runs
            if trajectory.status is not Status.LIMIT or limit >= most or GROWTH * took > self.left_for_runs:
                break
            limit = min(GROWTH * limit, most)
        if trajectory.status is Status.LIMIT and limit < most:
            self.status = Status.TIME_LIMIT
        self.stats["starts"] += 1
        self.stats["switches"] += len(trajectory.switches)
        for partition in _visited(trajectory):
            self._look(partition)
        if trajectory.status is Status.SOLVED:
            self._found(name, trajectory.last)
        return trajectory

    def exact(self) -> None:
        """What the exact search says, if it can take the game and is installed."""
        if not self.searchable:
            self.stats["exact"] = f"not tried: more than {SEARCHED} players times slots"
            return
        from solvers.hedonic._exact import exact

        try:
            claim = exact(self.game, time_limit=max(self.left, self.time_limit / 2))
        except (InvalidGame, NotSolved) as fault:  # too large or of another kind; not installed
            self.stats["exact"] = str(fault)
            return
        self._take("exact", claim)

    def enumerate(self) -> None:
        """The least unstable of all partitions, if they are few; it may be stable, or prove that none is."""
        from solvers.hedonic._enumeration import enumerate_stable, least_regret
        from solvers.hedonic._table import too_large

        if too_large(self.game, ENUMERATED):
            return
        if self.status is not Status.NONE_EXISTS:
            self._take("enumeration", enumerate_stable(self.game))
        least = least_regret(self.game)
        self._look(least)
        if is_stable(self.game, least, "nash", self.tolerances):
            self._found("enumeration", least)

    def _take(self, name: str, claim: Solution[Partition]) -> None:
        """What an exact search claims, its partition after a check."""
        self.status, self.stats["exact"] = claim.status, f"{claim.method}: {claim.status.value}"
        for partition in claim.profiles[:1]:
            if is_stable(self.game, partition, "nash", self.tolerances):
                self._found(name, partition)
            else:
                self.status = Status.FAILED

    def _found(self, name: str, partition: Partition) -> None:
        self.stable, self.status, self.stats["found by"] = partition, Status.SOLVED, name
        self.least, self.regret = partition, self._largest(partition)

    def _look(self, partition: Partition) -> None:
        regret = self._largest(partition)
        if regret < self.regret:
            self.least, self.regret = partition, regret

    def _largest(self, partition: Partition) -> float:
        return float(np.max(self.game.regrets(partition)))

    def answer(self, trajectory: Trajectory) -> HedonicSolution:
        """All of it."""
        self.stats["seconds"] = time.monotonic() - self.began
        stable, least = (p if p is None or distinguished(self.game) else p.canonical for p in (self.stable, self.least))
        assert least is not None
        return HedonicSolution(
            profiles=() if stable is None else (stable,),
            status=self.status,
            method=METHOD,
            complete=self.status is Status.NONE_EXISTS,
            stats=self.stats,
            least_unstable=least,
            regret=self.regret,
            trajectory=trajectory,
        )


def random_partition(game: HedonicGame, rng: np.random.Generator) -> Partition:
    """A feasible partition: players in slots, or out, at random; of slots that are alike a random number is used.

    Examples
    --------
    >>> from solvers.hedonic import AdditivelySeparableGame
    >>> len(random_partition(AdditivelySeparableGame(np.zeros((5, 5))), np.random.default_rng(1)))
    5
    """
    used = game.capacity if game.labelled or game.heads else int(rng.integers(1, game.capacity + 1))
    slots = rng.integers(-1 if game.has_out else 0, used, game.players)
    slots[list(game.heads)] = np.arange(len(game.heads))
    return Partition(slots)


def _visited(trajectory: Trajectory) -> Iterator[Partition]:
    """The partitions whose regrets count: the last, and those of a cycle."""
    partition = trajectory.last
    yield partition
    for player, _, target, _ in trajectory.cycle[:INSPECTED]:
        partition = partition.moved(player, target)
        yield partition


def _check(restarts: int, time_limit: float) -> None:
    if isinstance(restarts, bool) or not isinstance(restarts, int | np.integer) or restarts < 0:
        raise ValueError(f"restarts must be a whole number of at least 0, got {restarts!r}")
    if not 0 < time_limit < np.inf:
        raise ValueError(f"time_limit must be positive and finite, in seconds, got {time_limit}")
