"""What each solver that applies makes of a game from a file: in a process with a time limit, judged by certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.core import InvalidGame, NotSolved, Solution, Status
from verification._sandbox import Outcome, Sandbox
from verification.certificates import certify

if TYPE_CHECKING:
    from solvers.bimatrix import BimatrixGame
    from solvers.hedonic import HedonicGame, Partition
    from solvers.stackelberg import StackelbergGame
    from verification.crosscheck import CrossCheck, Verdict

TOLERANCE = 1e-9  # of a player's payoffs
SAME = 1e-6  # relative: two leaders' utilities are one
SHOWN = 60  # characters of an answer
CONVEX = "CVXPY's followers at that price"
CLOSE = 1e-4  # relative: two solvers' decisions are one
PRICES = 2_001  # of the grid
MOST_PARTITIONS = 10**5  # that are all looked at
NOTHING = "nothing is stable"
MARGIN = 2.0  # seconds beyond a solver's own time limit, to end by itself


@dataclass(frozen=True)
class Opinion:
    """One solver's answer: in words, how it was judged, and how it fits in with the others'.

    `certified` is None where there is nothing to certify. `local` solvers promise no more than a local optimum, and
    `agrees` says nothing about them. `failed` means that the solver claimed what does not hold.
    """

    solver: str
    answer: str = ""
    certificate: str = ""
    certified: bool | None = None
    seconds: float | None = None
    agreement: str = ""
    failed: bool = False
    local: bool = False

    def json(self) -> dict[str, Any]:
        """The opinion in plain numbers and words."""
        return dict(vars(self))


@dataclass(frozen=True)
class Opinions:
    """All opinions on one game, and the conclusion in sentences."""

    file: str
    kind: str
    opinions: tuple[Opinion, ...]
    agree: bool
    sentences: tuple[str, ...]

    def answered(self) -> str:
        """How many solvers had an answer."""
        count = sum(bool(opinion.certificate) or opinion.answer == NOTHING for opinion in self.opinions)
        return f"{count} of {len(self.opinions)} solvers have an answer"

    def json(self) -> dict[str, Any]:
        """Everything in plain numbers and words."""
        return {
            "file": self.file,
            "kind": self.kind,
            "agree": self.agree,
            "solvers": [opinion.json() for opinion in self.opinions],
            "conclusion": list(self.sentences),
        }


def opinions(path: str, *, time_limit: float) -> Opinions:
    """What all solvers make of the game in a file: `.nfg`, `.toml`, or `.json` of a two-player or a hedonic game.

    Raises
    ------
    InvalidGame
        If the file holds no such game.

    Examples
    --------
    >>> from solvers.bimatrix import BimatrixGame, write_json
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(BimatrixGame([[1, 0], [0, 1]], [[0, 1], [1, 0]]), Path(folder, "pennies.json"))
    ...     checked = opinions(f"{folder}/pennies.json", time_limit=20)
    >>> checked.kind, checked.agree
    ('two-player', True)
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".toml":
        return _of_scenario(path, time_limit)
    if suffix == ".nfg":
        return _of_matrices(path, time_limit)
    if suffix == ".json":
        return _of_json(path, time_limit)
    raise InvalidGame(f"{path}: the file of a game must end in .nfg, .json or .toml")


def _of_json(path: str, time_limit: float) -> Opinions:
    from solvers._documents import file_name, parsed_json, read_text

    document = parsed_json(read_text(path), file_name(path))
    hedonic = isinstance(document, dict) and "kind" in document
    return _of_coalitions(path, time_limit) if hedonic else _of_matrices(path, time_limit)


# --- two players -----------------------------------------------------------------------------------------------------


def _of_matrices(path: str, time_limit: float) -> Opinions:
    from solvers.bimatrix import load
    from verification.crosscheck import crosscheck

    game: BimatrixGame = load(path)
    checked: CrossCheck = crosscheck(game, time_limit=time_limit)
    found = tuple(_of_verdict(verdict, checked) for verdict in checked.verdicts)
    return Opinions(path, "two-player", found, checked.agree, tuple(checked.sentences()))


def _of_verdict(verdict: Verdict, checked: CrossCheck) -> Opinion:
    if verdict.solution is None:
        return Opinion(verdict.solver, f"not run: {verdict.reason}")
    claimed = verdict.certified + verdict.rejected
    regret = "" if verdict.regret is None else f", regret {verdict.regret:.2g}"
    return Opinion(
        verdict.solver,
        _counted(claimed, verdict.complete, verdict.status),
        f"{verdict.certified} of {claimed} hold{regret}" if claimed else "",
        None if not claimed else not verdict.rejected,
        verdict.solution.stats.get("seconds"),
        verdict.reason if verdict.rejected else _compared(verdict.solver, checked) or verdict.reason,
        bool(verdict.rejected),
    )


def _counted(claimed: int, complete: bool, status: str) -> str:
    if not claimed:
        return status.replace("_", " ")
    return f"{claimed} equilibri{'um' if claimed == 1 else 'a'}{', all there are' if complete else ''}"


def _compared(solver: str, checked: CrossCheck) -> str:
    """How its list compares with the other complete ones."""
    mine = [c for c in checked.comparisons if solver in (c.first, c.second)]
    if not mine:
        return ""
    different = [c for c in mine if not c.equal]
    return str(different[0]) if different else f"the same list as {len(mine)} other{'s' if len(mine) > 1 else ''}"


# --- a leader and followers ------------------------------------------------------------------------------------------


def _of_scenario(path: str, time_limit: float) -> Opinions:
    from solvers.stackelberg import Profile, bisection, bounded, convex_best_response, load, solve
    from solvers.stackelberg._interval import interval_branch_and_bound

    game = load(path)
    first = _called(lambda: solve(game).require(), time_limit)
    if first.problem:
        return Opinions(path, "Stackelberg", (_unanswered("solve", first),), False, ("there is no answer to compare",))
    part = game.among(first.value)  # the other methods know nothing of followers that stay out
    price = float(first.value.price)
    others: list[tuple[str, Callable[[], Any], bool]] = [
        ("interval branch and bound", lambda: _at_price(part, interval_branch_and_bound(part).price), False),
        (CONVEX, lambda: Profile(price, convex_best_response(part, price)), False),
        ("grid of prices", lambda: _at_price(part, _on_grid(part)), True),
        ("SciPy DIRECT", lambda: _at_price(part, _direct(part)), True),
        ("SciPy bounded Brent", lambda: bounded(part).require(), True),
        ("bisection", lambda: bisection(part).require(), True),
    ]
    found = [_priced(game, "solve", first, False)]
    found += [_priced(part, name, _called(call, time_limit), local) for name, call, local in others]
    best = max((utility for _, utility in found if np.isfinite(utility)), default=-np.inf)
    rows = tuple(_with_loss(opinion, utility, best) for opinion, utility in found)
    return Opinions(path, "Stackelberg", rows, *_agreed(rows))


def _called(call: Callable[[], Any], time_limit: float) -> Outcome:
    with Sandbox(lambda _: call(), seconds=time_limit) as sandbox:
        return sandbox.call(None)


def _at_price(game: StackelbergGame, price: float) -> Any:
    from solvers.stackelberg import Profile

    return Profile(float(price), game.best_response(float(price)))


def _on_grid(game: StackelbergGame) -> float:
    prices = np.linspace(*game.bounds, PRICES)
    return float(prices[int(np.argmax([game.leader_utility(float(price)) for price in prices]))])


def _direct(game: StackelbergGame) -> float:
    from scipy.optimize import direct

    return float(direct(lambda x: -game.leader_utility(float(x[0])), [game.bounds], maxfun=2_000).x[0])


def _priced(game: StackelbergGame, name: str, outcome: Outcome, local: bool) -> tuple[Opinion, float]:
    """The opinion, and the leader's utility there."""
    if outcome.problem:
        return _unanswered(name, outcome, local=local), -np.inf
    if name == CONVEX:
        return _beside(game, outcome.value, outcome.seconds), -np.inf
    profile = outcome.value
    holds, sentence = _certified(game, profile, TOLERANCE * game.magnitudes(profile))
    utility = game.among(profile).leader_utility(profile.price, profile.decisions[~np.isnan(profile.decisions)])
    words = f"price {profile.price:.8g}, utility {utility:.8g}"
    return Opinion(name, words, sentence, holds, outcome.seconds, "", not holds and not local, local), utility


def _beside(game: StackelbergGame, profile: Any, seconds: float) -> Opinion:
    """CVXPY's decisions beside ours: they are exact to about 1e-7, which no certificate accepts."""
    apart = np.abs(profile.decisions - game.best_response(profile.price))
    worst = float(np.max(apart / np.maximum(np.abs(profile.decisions), np.finfo(float).tiny)))
    same = worst <= CLOSE
    words = f"price {profile.price:.8g}"
    return Opinion(CONVEX, words, f"decisions differ by {worst:.2g}", None, seconds, "", not same)


def _certified(game: Any, profile: Any, tolerance: Any) -> tuple[bool, str]:
    certificate = certify(game, profile, tolerance=tolerance)
    verdict = "holds" if certificate.holds else "does not hold"
    return certificate.holds, f"residual {float(certificate.residual):.2g}: {verdict}"


def _with_loss(opinion: Opinion, utility: float, best: float) -> Opinion:
    if not np.isfinite(utility):
        return opinion
    loss = best - utility
    same = loss <= SAME * max(abs(best), 1e-300)
    words = "the best utility found" if same else f"{loss:.6g} below the best found"
    return Opinion(**{**vars(opinion), "agreement": words})


def _agreed(rows: tuple[Opinion, ...]) -> tuple[bool, tuple[str, ...]]:
    sure = [row for row in rows if not row.local]
    stuck = [row for row in rows if row.local and row.certified is False]
    failed = [row for row in sure if row.failed or "below the best found" in row.agreement]
    agree = not failed and any(row.certified for row in sure)
    sentences = ["the solvers agree" if agree else "the solvers do not agree, or one claimed what does not hold"]
    if stuck:
        names = ", ".join(row.solver for row in stuck)
        sentences.insert(0, f"{names}: stopped at a price that is no equilibrium, which such methods cannot notice")
    return agree, tuple(sentences)


# --- coalitions ------------------------------------------------------------------------------------------------------


def _of_coalitions(path: str, time_limit: float) -> Opinions:
    from solvers.hedonic import best_response, better_response, enumerate_stable, exact, load, solve

    game: HedonicGame = load(path)
    limit = max(time_limit - MARGIN, 0.5 * time_limit)
    solvers: list[tuple[str, Callable[[], Solution[Any]]]] = [
        ("solve", lambda: _bare(solve(game, time_limit=limit))),
        ("best response", lambda: _bare(best_response(game))),
        ("better response", lambda: _bare(better_response(game))),
        ("exact (CP-SAT)", lambda: _bare(exact(game, time_limit=limit))),
        ("every partition", lambda: _bare(enumerate_stable(game, limit=MOST_PARTITIONS))),
    ]
    found = [_placed(game, name, _called(call, time_limit)) for name, call in solvers]
    rows = tuple(_with_partition(opinion, partition, found) for opinion, partition in found)
    stable = [row for row in rows if row.certified]
    none = [row for row in rows if row.answer == NOTHING]
    failed = [row for row in rows if row.failed]
    agree = not failed and not (stable and none) and bool(stable or none)
    sentences = []
    if stable and none:
        sentences.append(f"{none[0].solver} says that nothing is stable, {stable[0].solver} has a certified partition")
    sentences.append("the solvers agree" if agree else "the solvers do not agree, or none has an answer")
    return Opinions(path, "hedonic", rows, agree, tuple(sentences))


def _bare(solution: Solution[Any]) -> Solution[Any]:
    """Without what cannot be passed between processes."""
    found = {"n": len(solution.profiles)}
    return Solution(solution.profiles[:1], solution.status, solution.method, solution.complete, found)


def _placed(game: HedonicGame, name: str, outcome: Outcome) -> tuple[Opinion, Partition | None]:
    """The opinion, and the partition it is about."""
    if outcome.problem:
        return _unanswered(name, outcome), None
    solution: Solution[Partition] = outcome.value
    if solution.status is Status.NONE_EXISTS:
        return Opinion(name, NOTHING, seconds=outcome.seconds), None
    if solution.status is not Status.SOLVED or not solution.profiles:
        return Opinion(name, solution.status.name.lower().replace("_", " "), seconds=outcome.seconds), None
    partition = solution.profiles[0]
    holds, sentence = _certified(game, partition, TOLERANCE * game.magnitudes())
    many = f", one of {solution.stats['n']}" if solution.stats["n"] > 1 else ""
    words = _short(" ".join(str(list(members)) for members in partition.coalitions if members))
    return Opinion(name, f"{words}{many}", sentence, holds, outcome.seconds, "", not holds), partition


def _with_partition(
    opinion: Opinion, partition: Partition | None, found: list[tuple[Opinion, Partition | None]]
) -> Opinion:
    """Whether the partition is that of the first solver that has one."""
    first, other = next(((each, place) for each, place in found if place is not None), (opinion, None))
    if partition is None or other is None or first.solver == opinion.solver:
        return opinion
    same = set(partition.coalitions) - {()} == set(other.coalitions) - {()}
    return Opinion(**{**vars(opinion), "agreement": f"{'the same' if same else 'another'} partition"})


def _unanswered(name: str, outcome: Outcome, *, local: bool = False) -> Opinion:
    return Opinion(name, _missing(outcome.problem), seconds=outcome.seconds, local=local)


def _missing(problem: str) -> str:
    """Words for a solver that gave no answer."""
    for kind in (NotSolved, InvalidGame):
        problem = problem.removeprefix(f"raised {kind.__name__}: ")
    return f"not run: {problem}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} .."


def rows(checked: Opinions) -> Iterator[tuple[str, ...]]:
    """Solver, answer, certificate, seconds and agreement, in words.

    Examples
    --------
    >>> opinion = Opinion("a", "1 equilibrium", "1 of 1 hold", True, 0.5)
    >>> list(rows(Opinions("g.nfg", "two-player", (opinion,), True, ())))
    [('a', '1 equilibrium', '1 of 1 hold', '0.5', '')]
    """
    for opinion in checked.opinions:
        seconds = "" if opinion.seconds is None else f"{opinion.seconds:.2g}"
        yield opinion.solver, opinion.answer, opinion.certificate, seconds, opinion.agreement
