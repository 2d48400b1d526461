"""Better- and best-response switching: a stable partition, a cycle to replay, or why there is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np

from solvers.core import Array, InvalidGame, Positions, Solution, Status
from solvers.hedonic import _compiled, _engine
from solvers.hedonic._engine import ORDERS, Path, Rules
from solvers.hedonic._game import HedonicGame, gain_tolerance
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._permission import PERMISSIONS, permitted
from solvers.hedonic._verdicts import is_stable

TIES = ("lowest", "random")

Engine: TypeAlias = Callable[[HedonicGame, Partition, Rules, int, int], Path]


class Switch(NamedTuple):
    """One player's move from slot to slot, and what it gained by it."""

    player: int
    source: int
    target: int
    gain: float


class Switches(Sequence[Switch]):
    """The log of a run: a sequence of `Switch`, kept as four read-only arrays since there may be millions.

    Examples
    --------
    >>> log = Switches([2, 3], [0, 0], [1, 1], [0.5, 0.25])
    >>> log[-1]
    Switch(player=3, source=0, target=1, gain=0.25)
    >>> len(log[1:]), log.players.tolist()
    (1, [2, 3])
    """

    __slots__ = ("gains", "players", "sources", "targets")

    players: Positions
    sources: Positions
    targets: Positions
    gains: Array

    def __init__(
        self,
        players: Sequence[int] | Positions = (),
        sources: Sequence[int] | Positions = (),
        targets: Sequence[int] | Positions = (),
        gains: Sequence[float] | Array = (),
    ) -> None:
        self.players, self.sources, self.targets = (
            _sealed(np.asarray(column, dtype=np.intp)) for column in (players, sources, targets)
        )
        self.gains = _sealed(np.asarray(gains, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.players)

    @overload
    def __getitem__(self, index: int) -> Switch: ...

    @overload
    def __getitem__(self, index: slice) -> Switches: ...

    def __getitem__(self, index: int | slice) -> Switch | Switches:
        columns = self.players[index], self.sources[index], self.targets[index], self.gains[index]
        if isinstance(index, slice):
            return Switches(*columns)
        player, source, target, gain = columns
        return Switch(int(player), int(source), int(target), float(gain))

    def __iter__(self) -> Iterator[Switch]:
        columns = self.players.tolist(), self.sources.tolist(), self.targets.tolist(), self.gains.tolist()
        return map(Switch._make, zip(*columns, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Switches):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.players.tobytes(), self.targets.tobytes()))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3]))
        return f"<{len(self)} switches: {shown}{', ...' if len(self) > 3 else ''}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(Solution[Partition]):
    """A run of switches from `initial` to `last`, and how it ended.

    With `Status.CYCLE`, `cycle` are the last of the `switches`; from `cycle_start` they lead back to it, which was
    checked by `replay`. Else it is empty, and `cycle_start` None.
    """

    initial: Partition
    last: Partition
    switches: Switches
    cycle: Switches
    cycle_start: Partition | None = None


def best_response(
    game: HedonicGame,
    initial: Partition | None = None,
    *,
    order: str = "fixed",
    permission: str = "nash",
    history: bool = False,
    welfare: bool = False,
    ties: str = "lowest",
    tolerance: float | Array | None = None,
    max_switches: int = 10**6,
    rng: np.random.Generator | None = None,
) -> Trajectory:
    """Where players arrive who, one at a time, switch to the slot that is best for them: Algorithm 1, corrected.

    `initial` is where they start, by default `game.starting_partition()`. `order` says who is next: "fixed", player
    after player; "random", the same in a new order each time round; "most-gain", whoever gains most of all.
    `permission` says who is asked: "nash", nobody; "individual", the members of the joined coalition;
    "contractual-nash", those of the left one; "contractual", both. With `history` nobody joins a coalition that it
    joined before, the paper's h(i); with `welfare` a switch must raise the sum of utilities too. Either makes every run
    end. `ties` between best slots go to the "lowest" or are drawn at "random". A gain is one of more than `tolerance`,
    a number or (players,), by default 1e-9 of the size of each player's utilities. `rng` is needed where something is
    random. The module `_engine` has all details.

    The status is SOLVED if the last partition is stable in the sense of `permission`, by `game.regrets` or by
    `game.values` and the utilities of those who are asked; CYCLE if the run came back to an earlier state, which only a
    run without randomness and history can show; STUCK if the rules, but not stability, allow no switch; LIMIT after
    `max_switches`; and FAILED, with a `reason` in `stats`, if what the run says does not pass its check.

    Raises
    ------
    InvalidGame
        If `initial` is not a partition of this game's players into its slots, or `tolerance` does not fit.
    ValueError
        If an option is not one of those named, `max_switches` is less than 1, or `rng` is no generator, or None where
        it is needed.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, Definitions 5 to 7 and Algorithm 1. Its Proposition 2 says that every
    run ends at a Nash-stable partition; without a potential, runs may cycle for ever.
    Bogomolnaia and Jackson, The stability of hedonic coalition structures, Games Econ. Behav. 38 (2002).

    Examples
    --------
    >>> from solvers.hedonic import LabelledGame
    >>> game = LabelledGame([[1.0, 0.0], [1.0, 0.9]], weights=[1.0, 1.0], sizes=[3.0, 1.0])
    >>> found = best_response(game, Partition([0, 0]))
    >>> found.require()
    Partition([0, 1])
    >>> [(switch.player, switch.target, round(switch.gain, 3)) for switch in found.switches]
    [(1, 1, 0.65)]
    """
    options = _Options(order, permission, history, welfare, ties, tolerance, max_switches, rng)
    return _switching(game, initial, options, best=True)


def better_response(
    game: HedonicGame,
    initial: Partition | None = None,
    *,
    order: str = "fixed",
    permission: str = "nash",
    history: bool = False,
    welfare: bool = False,
    ties: str = "lowest",
    tolerance: float | Array | None = None,
    max_switches: int = 10**6,
    rng: np.random.Generator | None = None,
) -> Trajectory:
    """Where players arrive who, one at a time, switch to the first slot, in index order, that is better for them.

    In the order "most-gain" that is the slot of the largest gain, as in `best_response`, whose options these are.

    Raises
    ------
    InvalidGame
        If `initial` is not a partition of this game's players into its slots, or `tolerance` does not fit.
    ValueError
        If an option is not one of those named, `max_switches` is less than 1, or `rng` is no generator, or None where
        it is needed.

    References
    ----------
    Baccour et al., IEEE IoT Journal 11(12), 2024, Algorithm 1, whose inner loop takes the first better coalition.

    Examples
    --------
    >>> from solvers.hedonic import LabelledGame
    >>> game = LabelledGame([[0.0, 1.0, 2.0]], weights=[0.0], sizes=[1.0])
    >>> better_response(game, Partition([0])).switches.targets.tolist()
    [1, 2]
    """
    options = _Options(order, permission, history, welfare, ties, tolerance, max_switches, rng)
    return _switching(game, initial, options, best=False)


def replay(
    game: HedonicGame, partition: Partition, switches: Iterable[Switch | tuple[int, int, int]]
) -> tuple[Partition, Array]:
    """Where the switches lead from `partition`, and what each one gains, (switches,), by `game.utility` alone.

    A switch is a `Switch`, whose own gain is not looked at, or (player, source, target).

    Raises
    ------
    InvalidGame
        If `partition` is not one of this game, or a switch is not from where the player is to where it may go.

    Examples
    --------
    >>> from solvers.hedonic import LabelledGame
    >>> game = LabelledGame([[1.0, 0.0], [1.0, 0.9]], weights=[1.0, 1.0], sizes=[3.0, 1.0])
    >>> last, gains = replay(game, Partition([0, 0]), [(1, 0, 1), (0, 0, 1)])
    >>> last, gains.round(3).tolist()
    (Partition([1, 1]), [0.65, -1.25])
    """
    slots = game.admitted(partition).slots.copy()
    groups = {j: partition.members(j) for j in set(slots.tolist()) - {OUT}}
    gains = []
    for number, switch in enumerate(switches):
        player, source, target = switch[:3]
        _check_switch(game, slots, number, (player, source, target))
        before = game.utility(player, source, groups[source] if source != OUT else [player])
        _leave(groups, player, source)
        _join(groups, player, target)
        slots[player] = target
        gains.append(game.utility(player, target, groups[target] if target != OUT else [player]) - before)
    return Partition(slots), np.array(gains, dtype=np.float64)


class _Options(NamedTuple):
    """The keywords of both functions, as given."""

    order: str
    permission: str
    history: bool
    welfare: bool
    ties: str
    tolerance: float | Array | None
    max_switches: int
    rng: np.random.Generator | None


def _switching(game: HedonicGame, initial: Partition | None, options: _Options, *, best: bool) -> Trajectory:
    """A checked run."""
    _check_options(options)
    start = game.admitted(game.starting_partition() if initial is None else initial)
    rules = Rules(
        best=best,
        order=options.order,
        permission=options.permission,
        history=bool(options.history),
        welfare=bool(options.welfare),
        random_ties=options.ties == "random",
        tolerances=gain_tolerance(game, options.tolerance),
    )
    seed = 0 if options.rng is None else int(options.rng.integers(0, 2**63))
    path = _engine_for(game, rules)(game, start, rules, int(options.max_switches), seed)
    return _judged(game, start, rules, path)


def _engine_for(game: HedonicGame, rules: Rules) -> Engine:
    """The quickest engine for this game under these rules."""
    return _compiled.follow if _compiled.knows(game, rules) else _engine.follow


def _check_options(options: _Options) -> None:
    choices = ("order", options.order, ORDERS), ("permission", options.permission, PERMISSIONS)
    for name, given, known in (*choices, ("ties", options.ties, TIES)):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    limit = options.max_switches
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise ValueError(f"max_switches must be a whole number of at least 1, got {limit!r}")
    if options.rng is None and "random" in (options.order, options.ties):
        name = "order" if options.order == "random" else "ties"
        raise ValueError(f"{name}='random' needs rng, a numpy.random.Generator, got None")
    check_generator(options.rng)


def check_generator(rng: object) -> None:
    """Nothing, if `rng` is a generator or None.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if not isinstance(rng, np.random.Generator | None):
        raise ValueError(f"rng must be a numpy.random.Generator, got {rng!r}")


def _judged(game: HedonicGame, start: Partition, rules: Rules, path: Path) -> Trajectory:
    """What the engine says, after a check from scratch."""
    last = Partition(path.slots)
    switches = Switches(path.players, path.sources, path.targets, path.gains)
    cycle = switches[len(switches) - path.cycle_length :]
    status, reason = _verdict(game, last, rules, path, cycle)
    stats: dict[str, Any] = {"switches": len(switches), **({"reason": reason} if reason else {})}
    cycles = status is Status.CYCLE
    return Trajectory(
        profiles=(last,) if status is Status.SOLVED else (),
        status=status,
        method=_described(rules),
        stats=stats,
        initial=start,
        last=last,
        switches=switches,
        cycle=cycle if cycles else Switches(),
        cycle_start=last if cycles else None,
    )


def _verdict(game: HedonicGame, last: Partition, rules: Rules, path: Path, cycle: Switches) -> tuple[Status, str]:
    """How the path ended, and the reason if it does not pass its check."""
    if path.ended == "limit":
        return Status.LIMIT, ""
    if path.ended == "cycle":
        fault = _fault(game, last, rules, cycle)
        return (Status.FAILED, fault) if fault else (Status.CYCLE, "")
    if is_stable(game, last, rules.permission, rules.tolerances):
        return Status.SOLVED, ""
    if rules.history or rules.welfare:
        return Status.STUCK, ""
    return Status.FAILED, "the engine stopped where a player still gains, or where a utility is not a number"


def _fault(game: HedonicGame, start: Partition, rules: Rules, cycle: Switches) -> str:
    """Why `cycle` is none of permitted gains from `start` back to it, or nothing."""
    last, gains = replay(game, start, cycle)
    if not len(cycle) or last != start:
        return "the cycle does not return to its start"
    if not np.all(gains > rules.tolerances[cycle.players]):
        return f"a switch of the cycle gains {np.min(gains):g}, which is no gain"
    if rules.permission == "nash":
        return ""
    partition = start
    for player, _, target, _ in cycle:
        if not permitted(game, partition, player, target, rules.permission, rules.tolerances):
            return f"a switch of the cycle, of player {player} to slot {target}, is not permitted"
        partition = partition.moved(player, target)
    return ""


def _described(rules: Rules) -> str:
    """The method in words: what the reader has to choose to have the same run."""
    words = [f"{rules.order} order", f"{rules.permission} permission"]
    extra = ("history", rules.history), ("welfare", rules.welfare), ("random ties", rules.random_ties)
    return f"{'best' if rules.best else 'better'} response, " + ", ".join(words + [name for name, on in extra if on])


def _check_switch(game: HedonicGame, slots: Positions, number: int, switch: tuple[int, int, int]) -> None:
    player, source, target = switch
    if not 0 <= player < game.players:
        raise InvalidGame(f"switch {number}: players are numbered 0 to {game.players - 1}, got {player}")
    if slots[player] != source:
        raise InvalidGame(f"switch {number}: player {player} must leave slot {slots[player]}, got slot {source}")
    if player in game.heads:
        raise InvalidGame(f"switch {number}: heads stay in their slots, got head {player} to slot {target}")
    lowest = OUT if game.has_out else 0
    if target == source or not lowest <= target < game.capacity:
        rule = f"another slot of {lowest} to {game.capacity - 1}"
        raise InvalidGame(f"switch {number}: player {player} in slot {source} must go to {rule}, got {target}")


def _leave(groups: dict[int, Positions], player: int, slot: int) -> None:
    if slot != OUT:
        groups[slot] = np.delete(groups[slot], np.searchsorted(groups[slot], player))


def _join(groups: dict[int, Positions], player: int, slot: int) -> None:
    if slot != OUT:
        members = groups.get(slot, np.empty(0, dtype=np.intp))
        groups[slot] = np.insert(members, np.searchsorted(members, player), player)


def _sealed(values: Any) -> Any:
    view = values.view()
    view.flags.writeable = False
    return view
