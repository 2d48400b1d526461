"""Certificates as files: the whole game and what is claimed of it, to be checked by `verification.check`.

Each function takes a command's report and gives the content of the file. Numbers are float64 where JSON has them, and
strings such as "1/30" where they are rational and no float64.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from solvers._documents import fraction_text
from verification.check import FORMAT, VERSION

if TYPE_CHECKING:
    from models.jamming._report import Report as JammingReport
    from solvers.bimatrix._report import Report as BimatrixReport
    from solvers.core import Evidence
    from solvers.hedonic._game import HedonicGame
    from solvers.hedonic._partition import Partition
    from solvers.hedonic._report import Cycle
    from solvers.hedonic._report import Report as HedonicReport
    from solvers.stochastic._switching import SwitchingGame

CYCLE = "cycle of improving switches"
STAGE = "Nash, stage by stage"
Document: TypeAlias = dict[str, Any]

EXACT_INTEGER = 2**53  # every integer up to here is a float64
PACKAGES = {"certeq": "certeq", "numpy": "numpy", "scipy": "scipy", "numba": "numba", "python-flint": "python-flint"}


def content(
    game: Mapping[str, Any],
    claims: Sequence[Mapping[str, Any]],
    *,
    command: Sequence[str] = (),
    source: str | Path | None = None,
    complete: bool = False,
) -> bytes:
    """The content of a certificate's file.

    `game` and `claims` are as `verification.check.check` reads them, `source` is the file of the game, `command` the
    module and the arguments that were called. `complete` says that the claims are all equilibria.

    Examples
    --------
    >>> from verification.check import check
    >>> game = {"kind": "bimatrix", "A": [[2]], "B": [[3]]}
    >>> profile = {"row": [1], "column": [1]}
    >>> claim = {"concept": "Nash", "claim": "nobody gains", "profile": profile, "tolerance": 0}
    >>> check(json.loads(content(game, [claim]))).holds
    True
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "game": game,
        "source": None if source is None else _source(Path(source)),
        "claims": list(claims),
        "complete": complete,
        "versions": _versions(),
        "command": shlex.join(["python", "-m", *command]) if command else "",
    }
    return ("".join(_laid_out(document)) + "\n").encode()


def bimatrix(report: BimatrixReport, *, tolerances: Sequence[Any], arguments: Sequence[str], source: str) -> bytes:
    """The certificate of the equilibria of a bimatrix game, each with its tolerance: a number, or one per player."""
    game, evidence = report.game, zip(report.claim.profiles, report.certificates, tolerances, strict=True)
    claims = [
        {
            "concept": certificate.concept,
            "claim": "neither player gains more than the tolerance by another strategy",
            "profile": {key: probabilities(getattr(profile, key)) for key in ("row", "column")},
            **_evidence(certificate, tolerance),
        }
        for profile, certificate, tolerance in evidence
    ]
    named = {"title": game.title, "players": game.players, "rows": game.rows, "columns": game.columns}
    payoffs = {key: numbers(matrix.rows()) for key, matrix in zip("AB", game.rational_payoffs, strict=True)}
    document = {"kind": "bimatrix", **{key: value for key, value in named.items() if value}, **payoffs}
    command = "solvers.bimatrix", *arguments
    return content(document, claims, command=command, source=source, complete=report.complete)


def hedonic(report: HedonicReport, *, tolerances: Any, arguments: Sequence[str], source: str) -> bytes:
    """The certificate of a stable partition, or that there is none, or of a cycle.

    `tolerances` is one number, or one per player. That no partition is stable is claimed where all were looked at.
    Players are called by their numbers.

    Raises
    ------
    ValueError
        If the report says none of these.
    """
    from solvers.core import Status
    from solvers.hedonic._json import format_json

    claims: list[Document] = []
    game, limits = report.game, _limits(tolerances)
    concept, way = report.certificate.concept, report.asked.way
    if report.stands:
        said = f"no player gains more than the tolerance {way}"
        profile = _profile(game, report.partition)
        claims.append({"concept": concept, "claim": said, "profile": profile, **_evidence(report.certificate, limits)})
    elif report.status is Status.NONE_EXISTS and report.enumerated:
        said = f"no partition is {concept}: in each some player gains more than the tolerance {way}"
        claims.append({"concept": concept, "claim": said, "exists": False, "tolerance": limits})
    if not report.stands and report.cycle is not None and report.cycle.holds:
        claims.append(_cycle(game, report.cycle, limits))
    if not claims:
        raise ValueError(f"there must be a stable partition, or a proof that there is none, got {report.status.name}")
    command = "solvers.hedonic", *arguments
    return content(json.loads(format_json(game)), claims, command=command, source=source)


def _cycle(game: HedonicGame, cycle: Cycle, limits: Any) -> Document:
    """The claim that switches lead round."""
    return {
        "concept": CYCLE,
        "claim": "each switch gains its player more than the tolerance, and the last leads back to the start",
        "profile": _profile(game, cycle.start, as_it_is=True),
        "switches": [[int(player), int(target)] for player, _, target, _ in cycle.switches],
        "tolerance": limits,
    }


def _profile(game: HedonicGame, partition: Partition, *, as_it_is: bool = False) -> Document:
    """The members of each slot; where slots are alike, the coalitions only, unless they are wanted as they are."""
    from solvers.hedonic._listing import distinguished
    from solvers.hedonic._partition import OUT

    kept = as_it_is or distinguished(game)
    used = max([*partition.slots.tolist(), 0]) + 1
    groups = [partition.members(j).tolist() for j in range(game.capacity if distinguished(game) else used)]
    found = {"partition": groups if kept else [members for members in groups if members]}
    return {**found, "out": partition.members(OUT).tolist()} if game.has_out else found


def jamming(report: JammingReport, *, game: SwitchingGame, tolerances: Any, arguments: Sequence[str]) -> bytes:
    """The certificate of both equilibria of a jamming game: that of the stochastic game, and those of its stage games.

    `tolerances` is one number, or one per player.
    """
    said = (
        ("Markov-perfect", "from no state does a player gain more per step than the tolerance by any other strategy"),
        (STAGE, "in no state does a player gain more in that one step than the tolerance by another mix"),
    )
    claims = []
    for (concept, claim), judged in zip(said, (report.perfect, report.stage), strict=True):
        if judged.profile is None or judged.certificate is None:
            raise ValueError(f"there must be a certified equilibrium, {concept}, it is missing")
        profile = {"row": numbers(judged.profile.row), "column": numbers(judged.profile.column)}
        evidence = _evidence(judged.certificate, tolerances)
        claims.append({"concept": concept, "claim": claim, "profile": profile, **evidence})
    keys = ("A", "B", "row_next", "column_next", "row_costs", "column_costs")
    tables = {key: numbers(getattr(game, key)) for key in keys}
    discount = None if game.discount is None else number(game.discount)
    named = {"kind": "jamming", "title": game.title, "discount": discount}
    return content({**named, **tables}, claims, command=("models.jamming", *arguments))


# --- parts -------------------------------------------------------------------------------------------------------


def number(value: Any) -> int | float | str:
    """A number as a certificate holds it: a JSON number that is read as the same float64, or else a string.

    Examples
    --------
    >>> number(Fraction(1, 4)), number(Fraction(1, 3)), number(7.0), number(2**60 + 1)
    (0.25, '1/3', 7, '1152921504606846977')
    """
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < EXACT_INTEGER
        return int(value) if whole else float(value)
    exact = Fraction(value)
    if exact.denominator == 1 and abs(exact) < EXACT_INTEGER:
        return int(exact)
    try:
        near = float(exact)
    except OverflowError:
        return fraction_text(exact)
    return near if Fraction(near) == exact else fraction_text(exact)


def numbers(values: Any) -> list[Any]:
    """A vector or a table of numbers as a certificate holds it; rationals stay rationals, and floats floats."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    return [numbers(value) if isinstance(value, list | tuple) else number(value) for value in listed]


def probabilities(values: Any) -> list[Any]:
    """A strategy as a certificate holds it: whole numbers and strings if it is rational, otherwise float64.

    Examples
    --------
    >>> probabilities([Fraction(1, 4), Fraction(3, 4)]), probabilities([0.25, 0.75])
    (['1/4', '3/4'], [0.25, 0.75])
    """
    return [
        (int(p) if p.denominator == 1 else fraction_text(p)) if isinstance(p, Fraction) else number(p)
        for p in (values.tolist() if hasattr(values, "tolist") else values)
    ]


def _evidence(certificate: Evidence, tolerance: Any) -> Document:
    """What was measured, and what is allowed: one number, or one for each player where they differ."""
    return {
        "tolerance": _limits(tolerance),
        "residual": number(certificate.residual),
        "infeasibility": number(getattr(certificate, "infeasibility", 0)),
        "arithmetic": "exact" if isinstance(certificate.residual, Fraction) else "float64",
    }


def _limits(tolerance: Any) -> Any:
    """The tolerance as one number, if it is the same for all."""
    limits = numbers(np.ravel(tolerance))
    return limits[0] if len(set(limits)) == 1 else limits


def _source(path: Path) -> Document:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _versions() -> Document:
    found = {"python": platform.python_version()}
    for name, package in PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:  # a part that this installation does without
            found[name] = "none"
    return found


def _laid_out(value: Any, indent: int = 0) -> Iterator[str]:
    """The JSON text in pieces: a line for each member of an object, each object in a list, and each row of a table."""
    inner = "\n" + " " * (indent + 1)
    if isinstance(value, Mapping) and value:
        for k, (key, member) in enumerate(value.items()):
            yield ("," if k else "{") + inner + json.dumps(key) + ": "
            yield from _laid_out(member, indent + 1)
        yield inner[:-1] + "}"
    elif isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple | Mapping):
        for k, member in enumerate(value):
            yield ("," if k else "[") + inner
            yield from _laid_out(member, indent + 1)
        yield inner[:-1] + "]"
    else:
        yield json.dumps(value, allow_nan=False)
