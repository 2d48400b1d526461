"""Put a solver of your own to the test: it passes, or the smallest game on which it fails is shown.

One line in a test file is enough:

    def test_my_solver():
        check_bimatrix_solver(my_solver)

The solver runs in a process of its own. If it hangs, crashes, returns nan, changes its input, returns the wrong shape
or prints, that is the verdict, and nothing of it reaches the run. Needs Hypothesis: install certeq[verification].
"""

from __future__ import annotations

import enum
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.core import NotSolved
from verification._sandbox import Outcome, Sandbox
from verification.certificates import Certificate, certify

if TYPE_CHECKING:
    from hypothesis import strategies as st

    from solvers.bimatrix import BimatrixGame
    from solvers.core import Array
    from solvers.hedonic import HedonicGame
    from solvers.stackelberg import StackelbergGame
    from solvers.stochastic import StochasticGame
    from verification.stackelberg_games import GameData

SHOWN = 400  # characters of an answer


class Fault(enum.StrEnum):
    """How a solver can fail."""

    WRONG = "wrong"
    HANGS = "hangs"
    CRASHES = "crashes"
    NAN = "returns nan"
    SHAPE = "returns the wrong shape"
    MUTATES = "changes its input"
    PRINTS = "prints"


class SolverFailed(AssertionError):
    """A solver under test failed: `fault`, the smallest `game` found, and in words what happened there."""

    def __init__(self, message: str, fault: Fault, game: Any) -> None:
        super().__init__(message)
        self.fault, self.game = fault, game


@dataclass(frozen=True)
class Conformance:
    """A solver passed: on how many games, and the worst regret as a share of a player's payoffs."""

    examples: int
    worst: float
    seconds: float


class _Refusal(AssertionError):
    """The verdict on one answer."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(f"{fault}: {sentence}")
        self.fault = fault


@dataclass(frozen=True)
class _Kit:
    """What is particular to a family: its games, what the solver gets, how an answer is judged and a game is shown."""

    games: Callable[[], st.SearchStrategy[Any]]
    argument: Callable[[Any], Any]
    judge: Callable[[Any, Any, float], float]
    shown: Callable[[Any], str]
    digest: Callable[[Any], bytes] = pickle.dumps


# --- the families ----------------------------------------------------------------------------------------------------


def check_bimatrix_solver(
    solver: Callable[[Array, Array], Any],
    *,
    examples: int = 100,
    max_size: int = 5,
    kinds: Sequence[str] | None = None,
    tolerance: float = 1e-9,
    seconds: float = 5.0,
    warm_up: float = 30.0,
    seed: int = 0,
    may_print: bool = False,
) -> Conformance:
    """Whether `solver(A, B)` returns a Nash equilibrium `(x, y)` of every drawn game.

    `A` and `B`, (m, n), are the payoffs of the row and the column player, arrays of its own; `x`, (m,), and `y`, (n,),
    are probabilities. Games have up to `max_size` strategies a player and are of the `kinds` of
    `verification.strategies.KINDS`, by default all, ties, scales and long paths among them.

    Parameters
    ----------
    examples, seed
        How many games, and which.
    tolerance
        The regret that is allowed, as a share of the range of the player's payoffs.
    seconds, warm_up
        For one game, and for the first one in addition, since a solver may compile itself then.
    may_print
        Whether output is no fault.

    Raises
    ------
    SolverFailed
        If it does not, with the smallest game found.

    Examples
    --------
    >>> def first_strategies(A, B):
    ...     return np.eye(len(A))[0], np.eye(A.shape[1])[0]
    >>> try:
    ...     check_bimatrix_solver(first_strategies, kinds=["ties"])
    ... except SolverFailed as failed:
    ...     print(failed.fault, sorted(failed.game.shape))
    wrong [1, 2]
    """

    def games() -> st.SearchStrategy[BimatrixGame]:
        from verification.strategies import bimatrix_games

        return bimatrix_games(max_size=max_size, kinds=kinds)

    def argument(game: BimatrixGame) -> tuple[Array, Array]:
        return np.array(game.A), np.array(game.B)

    def called(matrices: tuple[Array, Array]) -> Any:
        return solver(*matrices)

    kit = _Kit(games, argument, _judged_pair, _matrices)
    return _checked(solver, called, kit, examples, tolerance, (seconds, warm_up), seed, may_print)


def check_stackelberg_solver(
    solver: Callable[[StackelbergGame], Any],
    *,
    examples: int = 50,
    kinds: Sequence[str] | None = None,
    tolerance: float = 1e-9,
    seconds: float = 10.0,
    warm_up: float = 30.0,
    seed: int = 0,
    may_print: bool = False,
) -> Conformance:
    """Whether `solver(game)` returns the price and decisions `(price, decisions)` of a Stackelberg equilibrium.

    `game` is a `solvers.stackelberg.StackelbergGame`; `decisions`, (n,), holds nan for followers that stay out, in the
    kinds with participation. Games are of the `kinds` of `verification.strategies.STACKELBERG_KINDS`, by default all;
    leaders with several local optima are among them. The other arguments are those of `check_bimatrix_solver`; the
    regret is a share of the player's `magnitudes`.

    Raises
    ------
    SolverFailed
        If it does not, with the numbers of the smallest game found: its `game.game()` is the game.

    Examples
    --------
    >>> from solvers.stackelberg import best_response
    >>> def lowest(game):
    ...     return game.bounds[0], best_response(game, game.bounds[0])
    >>> try:
    ...     check_stackelberg_solver(lowest, kinds=["typical"])
    ... except SolverFailed as failed:
    ...     print(failed.fault)
    wrong
    """

    def games() -> st.SearchStrategy[GameData]:
        from verification.strategies import stackelberg_games

        return stackelberg_games(kinds=kinds)

    def called(data: GameData) -> Any:
        return solver(data.game())

    kit = _Kit(games, _itself, _judged_price, _numbers, _columns)
    return _checked(solver, called, kit, examples, tolerance, (seconds, warm_up), seed, may_print)


def check_hedonic_solver(
    solver: Callable[[HedonicGame], Any],
    *,
    examples: int = 100,
    max_players: int = 5,
    kinds: Sequence[str] | None = None,
    tolerance: float = 1e-9,
    seconds: float = 5.0,
    warm_up: float = 30.0,
    seed: int = 0,
    may_print: bool = False,
) -> Conformance:
    """Whether `solver(game)` returns a Nash-stable partition of every drawn game, or None where there is none.

    `game` is a `solvers.hedonic.HedonicGame`; a partition is each player's slot, (n,) whole numbers, -1 for out. None
    is compared with a list of all partitions. Games have up to `max_players` players and are of the `kinds` of
    `verification.strategies.HEDONIC_KINDS`, by default all. The other arguments are those of `check_bimatrix_solver`.

    Raises
    ------
    SolverFailed
        If it does not, with the smallest game found.

    Examples
    --------
    >>> def everybody_alone(game):
    ...     return np.arange(game.players)
    >>> try:
    ...     check_hedonic_solver(everybody_alone, kinds=["friends"])
    ... except SolverFailed as failed:
    ...     print(failed.fault)
    wrong
    """

    def games() -> st.SearchStrategy[HedonicGame]:
        from verification.strategies import hedonic_games

        return hedonic_games(max_players=max_players, kinds=kinds)

    kit = _Kit(games, _itself, _judged_partition, _document, lambda game: _document(game).encode())
    return _checked(solver, solver, kit, examples, tolerance, (seconds, warm_up), seed, may_print)


def check_stochastic_solver(
    solver: Callable[[StochasticGame], Any],
    *,
    examples: int = 50,
    max_states: int = 3,
    max_actions: int = 3,
    tolerance: float = 1e-9,
    seconds: float = 10.0,
    warm_up: float = 30.0,
    seed: int = 0,
    may_print: bool = False,
) -> Conformance:
    """Whether `solver(game)` returns a stationary Markov-perfect equilibrium `(row, column)` of every drawn game.

    `game` is a `solvers.stochastic.StochasticGame` with a discount; `row`, (states, m), and `column`, (states, n), are
    probabilities, 0 for actions that a state does not have. The other arguments are those of `check_bimatrix_solver`.

    Raises
    ------
    SolverFailed
        If it does not, with the smallest game found.

    Examples
    --------
    >>> def first_actions(game):
    ...     return np.eye(game.shape[0])[[0] * game.states], np.eye(game.shape[1])[[0] * game.states]
    >>> try:
    ...     check_stochastic_solver(first_actions)
    ... except SolverFailed as failed:
    ...     print(failed.fault, failed.game.states)
    wrong 1
    """

    def games() -> st.SearchStrategy[StochasticGame]:
        from verification.strategies import stochastic_games

        return stochastic_games(max_states=max_states, max_actions=max_actions, discounts=[0.5, 0.0, 0.9])

    kit = _Kit(games, _itself, _judged_mixes, _stages, _numbers_of)
    return _checked(solver, solver, kit, examples, tolerance, (seconds, warm_up), seed, may_print)


# --- the run ---------------------------------------------------------------------------------------------------------


def _checked(
    solver: Callable[..., Any],
    called: Callable[[Any], Any],
    kit: _Kit,
    examples: int,
    tolerance: float,
    seconds: tuple[float, float],
    seed: int,
    may_print: bool,
) -> Conformance:
    """Passes, or raises `SolverFailed` for the smallest game."""
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be finite and >= 0, got {tolerance}")
    if examples < 1 or not 0 < seconds[0] < np.inf or not 0 <= seconds[1] < np.inf:
        raise ValueError(f"examples must be >= 1 and times positive, got {examples} and {seconds}")
    try:
        from verification.properties import Property, attempt
    except ImportError:
        raise NotSolved("conformance needs Hypothesis; install certeq[verification]") from None
    last: list[tuple[Fault, Any, Outcome]] = []

    with Sandbox(called, seconds=seconds[0], warm_up=seconds[1], digest=kit.digest) as sandbox:

        def measure(game: Any) -> float:
            outcome = sandbox.call(kit.argument(game))
            if outcome.hung:
                outcome = sandbox.call(kit.argument(game))  # once more: the machine may have been busy
            try:
                return _measured(kit, game, outcome, tolerance, may_print)
            except _Refusal as refusal:
                last[:] = [(refusal.fault, game, outcome)]
                raise

        tried = Property(
            name="conformance",
            family="bimatrix",
            equation="",
            statement="the solver's answers are equilibria",
            examples=kit.games,
            measure=measure,
            tolerance=tolerance,
        )
        found = attempt(tried, examples=examples, seed=seed)
    if found.failure is None:
        return Conformance(found.examples, found.worst, found.seconds)
    if not last:
        raise AssertionError(found.failure.problem)
    fault, game, outcome = last[0]
    raise SolverFailed(_told(solver, kit, game, outcome, found.failure.problem, found.examples), fault, game)


def _measured(kit: _Kit, game: Any, outcome: Outcome, tolerance: float, may_print: bool) -> float:
    if outcome.problem:
        raise _Refusal(Fault.HANGS if outcome.hung else Fault.CRASHES, outcome.problem)
    if outcome.mutated:
        raise _Refusal(Fault.MUTATES, "the game is not what it was before the call")
    if outcome.printed and not may_print:
        raise _Refusal(Fault.PRINTS, repr(outcome.printed))
    return kit.judge(game, outcome.value, tolerance)


def _told(solver: Callable[..., Any], kit: _Kit, game: Any, outcome: Outcome, problem: str, examples: int) -> str:
    name = getattr(solver, "__name__", repr(solver))
    lines = [f"{name} {problem}", f"the smallest game found, after {examples} that were drawn:", kit.shown(game)]
    if not outcome.problem:
        text = _repr(outcome.value)
        lines.append(f"it returned {text if len(text) <= SHOWN else text[:SHOWN] + ' ..'}")
    return "\n".join(lines)


# --- verdicts --------------------------------------------------------------------------------------------------------


def _array(what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """The value as floats of this shape; complex numbers, text and masked entries are none."""
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biufO" or np.ma.is_masked(value):
            raise TypeError
        array = np.asarray(given, dtype=np.float64)
    except Exception:  # noqa: BLE001 - whatever a foreign object raises
        raise _Refusal(Fault.SHAPE, f"{what} must be {shape} numbers, got {_kind(value)}") from None
    if array.shape != shape:
        raise _Refusal(Fault.SHAPE, f"{what} must be {shape} numbers, got shape {array.shape}")
    return array


def _finite(what: str, array: Array) -> Array:
    if not np.all(np.isfinite(array)):
        raise _Refusal(Fault.NAN, f"{what} must be finite, got {array.tolist()}")
    return array


def _kind(value: Any) -> str:
    text = _repr(value)
    return text if len(text) <= 80 else f"{type(value).__name__}"


def _repr(value: Any) -> str:
    """The value in one line, even if it cannot be shown."""
    try:
        return " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a foreign __repr__
        return f"a {type(value).__name__}"


def _two(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise _Refusal(Fault.SHAPE, f"it must return {what}, got {_kind(value)}")
    return value[0], value[1]


def _share(certificate: Certificate, sizes: Array, tolerance: float) -> float:
    """The worst regret as a share of the players' payoffs; the refusal names the player."""
    regrets = np.asarray(certificate.regrets, dtype=np.float64)
    shares = np.where(regrets > 0, regrets / np.where(sizes > 0, sizes, 1.0), 0.0)
    worst = float(np.max(np.where(np.isnan(regrets), np.inf, shares)))
    if not certificate.holds:
        if certificate.residual == certificate.infeasibility and not worst > tolerance:
            raise _Refusal(Fault.WRONG, f"it is no profile of the game, by {float(certificate.infeasibility):.3g}")
        player = int(np.argmax(shares))
        raise _Refusal(Fault.WRONG, f"player {player} gains {regrets[player]:.6g} by deviating ({certificate})")
    return worst


def _judged_pair(game: BimatrixGame, value: Any, tolerance: float) -> float:
    from solvers.bimatrix import Profile

    x, y = _two(value, "a pair (x, y)")
    row = _finite("x", _array("x", x, (game.shape[0],)))
    column = _finite("y", _array("y", y, (game.shape[1],)))
    sizes = game.magnitudes()
    return _share(certify(game, Profile(row, column), tolerance=tolerance * sizes), sizes, tolerance)


def _judged_price(data: GameData, value: Any, tolerance: float) -> float:
    from solvers.stackelberg import Profile

    game = data.game()
    first, second = _two(value, "a pair (price, decisions)")
    price = _finite("price", _array("price", first, ()))
    decisions = _array("decisions", second, (len(game.names),))
    if not game.participation:
        _finite("decisions", decisions)
    profile = Profile(float(price), decisions)
    sizes = game.magnitudes(profile)
    return _share(certify(game, profile, tolerance=tolerance * sizes), sizes, tolerance)


def _judged_partition(game: HedonicGame, value: Any, tolerance: float) -> float:
    from solvers.hedonic import Partition, enumerate_stable

    if value is None:
        stable = enumerate_stable(game).profiles
        if stable:
            raise _Refusal(Fault.WRONG, f"it says that nothing is stable, but {stable[0]} is")
        return 0.0
    slots = _finite("the partition", _array("the partition", value, (game.players,)))
    whole = slots.astype(np.intp)
    if np.any(whole != slots) or np.any(whole < Partition.OUT):
        raise _Refusal(Fault.SHAPE, f"slots must be whole numbers from -1 up, got {slots.tolist()}")
    partition, sizes = Partition(whole), game.magnitudes()
    if game.infeasibility(partition) > 0:
        raise _Refusal(Fault.WRONG, f"it is no partition of the game: {whole.tolist()}")
    return _share(certify(game, partition, tolerance=tolerance * sizes), sizes, tolerance)


def _judged_mixes(game: StochasticGame, value: Any, tolerance: float) -> float:
    from solvers.stochastic import StationaryProfile

    first, second = _two(value, "a pair (row, column)")
    row = _finite("row", _array("row", first, (game.states, game.shape[0])))
    column = _finite("column", _array("column", second, (game.states, game.shape[1])))
    sizes = game.magnitudes()
    return _share(certify(game, StationaryProfile(row, column), tolerance=tolerance * sizes), sizes, tolerance)


# --- games -----------------------------------------------------------------------------------------------------------


def _itself(game: Any) -> Any:
    return game


def _matrices(game: BimatrixGame) -> str:
    return f"A = {game.A.tolist()}\nB = {game.B.tolist()}"


def _numbers(data: GameData) -> str:
    rows = {**data.parameters, **{name: column.tolist() for name, column in data.columns.items()}}
    numbers = "\n".join(f"{name} = {value}" for name, value in rows.items())
    return f"{data.form.title}, price within {data.bounds}\n{numbers}"


def _columns(data: GameData) -> bytes:
    return b"".join(column.tobytes() for column in data.columns.values())


def _document(game: HedonicGame) -> str:
    from solvers.hedonic import format_json

    return format_json(game)


def _stages(game: StochasticGame) -> str:
    """The payoffs and the law of the next state, state by state."""
    lines = [f"discount {game.discount}"]
    for state in range(game.states):
        stage = game.stage(state)
        lines.append(f"state {state}: A = {stage.A.tolist()}, B = {stage.B.tolist()}")
    return "\n".join([*lines, f"law of the next state: {np.asarray(game._law).tolist()}"])


def _numbers_of(game: StochasticGame) -> bytes:
    return game._A.tobytes() + game._B.tobytes()
