"""One two-player game through every solver that applies to it: each claim certified, complete lists compared."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.bimatrix import backends
from solvers.bimatrix._game import AnyProfile, BimatrixGame, RationalProfile, support
from solvers.bimatrix._zero_sum import _constant_sum
from solvers.bimatrix.backends._own import OWN, within
from solvers.core import InvalidGame, NotSolved, Solution, Status
from verification.certificates import Certificate, certify

if TYPE_CHECKING:
    from rich.table import Table

    from solvers._tables import Cell

TOLERANCE = 1e-9  # regret of a float profile, as a share of the range of the player's payoffs
SAME = 1e-6  # float profiles whose probabilities differ by at most this are one
ENUMERATED = 24  # strategies of both players together, up to which lists of all equilibria are asked for
LISTED = 3  # profiles that a sentence shows

Solve = Callable[..., Solution[Any]]


@dataclass(frozen=True)
class Contender:
    """A solver to be judged: `solve(game, time_limit=seconds)`, and what is known of it before it starts.

    `pure` solvers list every equilibrium in pure strategies and no other. `objection` says why a game is not for the
    solver, nothing if it is.
    """

    name: str
    solve: Solve
    pure: bool = False
    objection: Callable[[BimatrixGame], str] | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of one solver: its claim, and a certificate for each profile, or why it did not run.

    `rejected` counts profiles that are no equilibria, those included that a backend already refused.
    """

    solver: str
    solution: Solution[Any] | None
    certificates: tuple[Certificate, ...] = ()
    rejected: int = 0
    reason: str = ""
    pure: bool = False

    @property
    def certified(self) -> int:
        """How many profiles are equilibria."""
        return sum(certificate.holds for certificate in self.certificates)

    @property
    def status(self) -> str:
        """The solver's status as one word, or `not run`."""
        return "not run" if self.solution is None else self.solution.status.name.lower()

    @property
    def complete(self) -> bool:
        """Whether the solver proves that it lists all equilibria, or, if it is `pure`, all pure ones."""
        if self.solution is None or self.rejected:
            return False
        listed = self.solution.status in (Status.SOLVED, Status.NONE_EXISTS)
        return self.solution.complete or (self.pure and listed)

    @property
    def regret(self) -> float | None:
        """The worst residual of a certificate, in payoff units."""
        residuals = [float(certificate.residual) for certificate in self.certificates]
        return float(np.max(residuals)) if residuals else None

    def json(self) -> dict[str, Any]:
        """The verdict in plain numbers and words."""
        stats = {} if self.solution is None else self.solution.stats
        return {
            "solver": self.solver,
            "library": stats.get("library", ""),
            "status": self.status,
            "reason": self.reason,
            "certified": self.certified,
            "rejected": self.rejected,
            "complete": self.complete,
            "regret": self.regret if self.regret is not None and np.isfinite(self.regret) else None,
            "seconds": stats.get("seconds"),
        }


@dataclass(frozen=True)
class Comparison:
    """Two lists of equilibria, both complete, and what each lacks of the other's; `pure` if of pure ones only."""

    first: str
    second: str
    missing_from_first: tuple[AnyProfile, ...]
    missing_from_second: tuple[AnyProfile, ...]
    pure: bool = False

    @property
    def equal(self) -> bool:
        """Whether neither lacks any."""
        return not self.missing_from_first and not self.missing_from_second

    @property
    def kind(self) -> str:
        """Of what the lists are."""
        return "pure equilibria" if self.pure else "equilibria"

    def __str__(self) -> str:
        if self.equal:
            return f"{self.first} and {self.second} list the same {self.kind}"
        lacks = ((self.first, self.missing_from_first), (self.second, self.missing_from_second))
        return "; ".join(f"{name} lacks {_shown(missing)}" for name, missing in lacks if missing)

    def json(self) -> dict[str, Any]:
        """The comparison in plain words; probabilities as words, so that rationals stay what they are."""
        return {
            "first": self.first,
            "second": self.second,
            "of": "pure" if self.pure else "all",
            "equal": self.equal,
            "missing_from_first": [_words(profile) for profile in self.missing_from_first],
            "missing_from_second": [_words(profile) for profile in self.missing_from_second],
        }


@dataclass(frozen=True)
class CrossCheck:
    """The verdicts on all solvers of one game, and the comparisons of those lists that claim to be complete."""

    game: BimatrixGame
    verdicts: tuple[Verdict, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def agree(self) -> bool:
        """Whether every profile that was claimed is certified, there is one, and all complete lists are equal."""
        claimed = [verdict for verdict in self.verdicts if verdict.certificates or verdict.rejected]
        certified = all(verdict.certified and not verdict.rejected for verdict in claimed)
        return bool(claimed) and certified and all(comparison.equal for comparison in self.comparisons)

    def __getitem__(self, solver: str) -> Verdict:
        """The verdict on a solver."""
        return {verdict.solver: verdict for verdict in self.verdicts}[solver]

    def table(self) -> Table:
        """A row per solver: what it claimed, what is certified of it, and how it failed."""
        from solvers._tables import titled

        heads = ("solver", "status", "certified", "wrong", "regret", "complete", "seconds", "remark")
        return titled("", heads, [_row(verdict) for verdict in self.verdicts])[1]

    def sentences(self) -> Iterator[str]:
        """What the comparisons gave, and the whole."""
        for pure in (False, True):
            compared = [comparison for comparison in self.comparisons if comparison.pure is pure]
            different = [comparison for comparison in compared if not comparison.equal]
            yield from map(str, different or _together(compared))
        yield "the solvers agree" if self.agree else "the solvers do not agree, or one claimed what is no equilibrium"

    def json(self) -> dict[str, Any]:
        """The report in plain numbers and words, for `json.dump`."""
        return {
            "game": self.game.title,
            "strategies": list(self.game.shape),
            "agree": self.agree,
            "solvers": [verdict.json() for verdict in self.verdicts],
            "comparisons": [comparison.json() for comparison in self.comparisons],
        }


def crosscheck(
    game: BimatrixGame, *, time_limit: float = 10.0, solvers: Iterable[str | Contender] | None = None
) -> CrossCheck:
    """What each solver that applies to `game` makes of it, every profile certified, complete lists compared.

    `time_limit`, in seconds, is each solver's. `solvers` are names from `CONTENDERS`, by default all of them, or
    contenders of your own. A solver that does not apply, or whose library is not installed, is reported as not run.
    Rational profiles are compared exactly, others to 1e-6 in the probabilities.

    Raises
    ------
    ValueError
        If a solver is named that is not known, or two have one name, or `time_limit` is not within 0 and 1e6 seconds.

    Examples
    --------
    >>> game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    >>> checked = crosscheck(game, solvers=["extreme_equilibria", "gambit_enummixed", "gambit_lp"])
    >>> checked.agree, checked["gambit_enummixed"].certified
    (True, 3)
    >>> list(checked.sentences())
    ['extreme_equilibria and gambit_enummixed list the same equilibria', 'the solvers agree']
    >>> checked["gambit_lp"].reason
    'A + B is not constant'
    """
    chosen = _chosen(CONTENDERS.values() if solvers is None else solvers)
    verdicts = tuple(_verdict(game, contender, time_limit) for contender in chosen)
    pairs = itertools.combinations([verdict for verdict in verdicts if verdict.complete], 2)
    return CrossCheck(game, verdicts, tuple(_compared(first, second) for first, second in pairs))


def _chosen(solvers: Iterable[str | Contender]) -> list[Contender]:
    chosen = [_known(solver) if isinstance(solver, str) else solver for solver in solvers]
    names = [contender.name for contender in chosen]
    if len(set(names)) < len(names):
        raise ValueError(f"solvers must have different names, got {', '.join(names)}")
    return chosen


def _known(name: str) -> Contender:
    if name not in CONTENDERS:
        raise ValueError(f"solvers must be among {', '.join(CONTENDERS)}, got {name!r}")
    return CONTENDERS[name]


# --- verdicts --------------------------------------------------------------------------------------------------------


def _verdict(game: BimatrixGame, contender: Contender, time_limit: float) -> Verdict:
    objection = contender.objection(game) if contender.objection else ""
    if objection:
        return Verdict(contender.name, None, reason=objection)
    try:
        solution = contender.solve(game, time_limit=time_limit)
    except NotSolved as missing:
        return Verdict(contender.name, None, reason=str(missing))
    return _judged(game, contender, solution)


def _judged(game: BimatrixGame, contender: Contender, solution: Solution[Any]) -> Verdict:
    certificates, misfits = [], []
    for profile in solution.profiles:
        try:
            certificates.append(_certificate(game, profile))
        except ValueError as misfit:  # of another game's shape
            misfits.append(str(misfit))
    refused = [str(certificate) for certificate in certificates if not certificate.holds] + misfits
    rejected = int(solution.stats.get("wrong", 0)) + len(refused)
    reason = "; ".join([*refused[:1], str(solution.stats.get("reason", ""))]).strip("; ")
    return Verdict(contender.name, solution, tuple(certificates), rejected, reason, contender.pure)


def _certificate(game: BimatrixGame, profile: AnyProfile) -> Certificate:
    """The evidence, against exactly 0 for a rational profile."""
    exact = isinstance(profile, RationalProfile)
    return certify(game, profile, tolerance=None if exact else TOLERANCE * game.magnitudes())


def _row(verdict: Verdict) -> tuple[Cell, ...]:
    from rich.text import Text

    solution = verdict.solution
    if solution is None:
        return verdict.solver, Text("not run", "yellow"), "", "", "", "", "", verdict.reason
    failed = solution.status in (Status.FAILED, Status.TIME_LIMIT) or verdict.rejected
    return (
        verdict.solver,
        Text(verdict.status, "red") if failed else verdict.status,
        str(verdict.certified),
        Text(str(verdict.rejected), "red") if verdict.rejected else "0",
        "" if verdict.regret is None else f"{verdict.regret:.3g}",
        "yes" if verdict.complete else "",
        f"{solution.stats['seconds']:.3g}" if "seconds" in solution.stats else "",
        verdict.reason,
    )


# --- comparisons -----------------------------------------------------------------------------------------------------


def _compared(first: Verdict, second: Verdict) -> Comparison:
    """Both lists, or the pure equilibria in them if one holds no others."""
    pure = first.pure or second.pure
    one, other = (_listed(verdict, pure) for verdict in (first, second))
    return Comparison(first.solver, second.solver, _lacking(one, other), _lacking(other, one), pure)


def _listed(verdict: Verdict, pure: bool) -> list[AnyProfile]:
    profiles = () if verdict.solution is None else verdict.solution.profiles
    return [profile for profile in profiles if not pure or all(len(used) == 1 for used in support(profile))]


def _lacking(given: Sequence[AnyProfile], wanted: Sequence[AnyProfile]) -> tuple[AnyProfile, ...]:
    """Those of `wanted` that are not in `given`: exactly, if all are rational."""
    if all(isinstance(profile, RationalProfile) for profile in [*given, *wanted]):
        present = set(given)
        return tuple(profile for profile in wanted if profile not in present)
    points = [_point(profile) for profile in given]
    return tuple(p for p in wanted if not any(np.max(np.abs(point - _point(p))) <= SAME for point in points))


def _point(profile: AnyProfile) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(p) for strategy in profile for p in strategy])


def _together(equal: Sequence[Comparison]) -> Iterator[str]:
    """One sentence for comparisons that are all equal."""
    names = dict.fromkeys(name for comparison in equal for name in (comparison.first, comparison.second))
    if names:
        *most, last = names
        yield f"{', '.join(most)} and {last} list the same {equal[0].kind}"


def _words(profile: AnyProfile) -> dict[str, list[str]]:
    """The probabilities as words: fractions exactly, floats to six digits."""
    row, column = ([str(p) if isinstance(p, Fraction) else f"{p:.6g}" for p in strategy] for strategy in profile)
    return {"row": row, "column": column}


def _shown(profiles: Sequence[AnyProfile]) -> str:
    """The first of them in words."""
    strategies = [_words(profile) for profile in profiles[:LISTED]]
    words = [f"({', '.join(s['row'])}), ({', '.join(s['column'])})" for s in strategies]
    more = [f"and {len(profiles) - LISTED} more"] if len(profiles) > LISTED else []
    return " and ".join(words) + ("" if not more else f" {more[0]}")


# --- the solvers -----------------------------------------------------------------------------------------------------


def _many(game: BimatrixGame) -> str:
    """Why equilibria are not listed, for games where that would take for ever."""
    size = sum(game.shape)
    return (
        f"lists of all equilibria are asked for up to {ENUMERATED} strategies, got {size}" if size > ENUMERATED else ""
    )


def _not_constant_sum(game: BimatrixGame) -> str:
    """Why a game is not for a linear programme."""
    A, B = (payoffs.rows() for payoffs in game.rational_payoffs)
    sums = {a + b for row, other in zip(A, B, strict=True) for a, b in zip(row, other, strict=True)}
    return "" if len(sums) == 1 else "A + B is not constant"


def _not_zero_sum(game: BimatrixGame) -> str:
    """Why a game is not for our own, which allows for rounding."""
    try:
        _constant_sum(game)
    except InvalidGame as varies:
        return str(varies)
    return ""


def _contenders() -> Iterator[Contender]:
    """Ours, then the other libraries'."""
    for name in OWN:
        yield Contender(name, partial(within, name), name == "pure_equilibria", OBJECTIONS.get(name))
    everywhere = partial(within, "support_enumeration", equal_size=False)
    yield Contender("support_enumeration, all sizes", everywhere, objection=_many)
    yield Contender("gambit_lcp", backends.gambit_lcp)
    yield Contender("gambit_lcp, rational", partial(backends.gambit_lcp, rational=True))
    yield Contender("gambit_enummixed", backends.gambit_enummixed, objection=_many)
    yield Contender("gambit_lp", backends.gambit_lp, objection=_not_constant_sum)
    yield Contender("gambit_enumpure", backends.gambit_enumpure, pure=True)
    yield Contender("gambit_logit", backends.gambit_logit)
    yield Contender("nashpy_lemke_howson", backends.nashpy_lemke_howson)
    yield Contender("nashpy_support_enumeration", backends.nashpy_support_enumeration, objection=_many)
    yield Contender("nashpy_vertex_enumeration", backends.nashpy_vertex_enumeration, objection=_many)
    yield Contender("quantecon_lemke_howson", backends.quantecon_lemke_howson)
    yield Contender("quantecon_support_enumeration", backends.quantecon_support_enumeration, objection=_many)
    yield Contender("quantecon_vertex_enumeration", backends.quantecon_vertex_enumeration, objection=_many)


OBJECTIONS = {"support_enumeration": _many, "extreme_equilibria": _many, "zero_sum": _not_zero_sum}
CONTENDERS = {contender.name: contender for contender in _contenders()}
"""The solvers that are known, by name."""
