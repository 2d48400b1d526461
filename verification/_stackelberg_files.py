"""A Stackelberg game and an equilibrium of it as a certificate has them: texts and numbers, no formula of a solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.core import Array, InvalidGame
from verification.check._expressions import WORD_RULE, is_word, parse, parse_constraint

if TYPE_CHECKING:
    import sympy as sp

    from solvers.stackelberg import Profile, StackelbergGame
    from solvers.stackelberg._report import Report

CLAIM = "no follower gains more than its tolerance by another decision, nor the leader by another price"


def stackelberg(report: Report, *, tolerance: float | Array, arguments: Sequence[str], source: str | Path) -> bytes:
    """The certificate of the report's equilibrium, as a file's content.

    `tolerance` is one number, or the leader's and each follower's, (1 + n,).

    Raises
    ------
    InvalidGame
        If the game cannot be written in a certificate's language.
    """
    from verification.certificate_files import content

    found = report.certificate
    claim = claim_document(
        report.profile,
        tolerance,
        residual=float(found.residual),
        infeasibility=float(getattr(found, "infeasibility", 0.0)),
    )
    command = "solvers.stackelberg", *arguments
    return content(game_document(report.game, report.profile), [claim], command=command, source=source)


def game_document(game: StackelbergGame, profile: Profile) -> dict[str, Any]:
    """The `game` of a certificate of the profile: the declaration as texts, and what its names stand for.

    A follower's numbers are those that it has beside all that take part in the profile: an aggregate such as a share
    of all data is over them, and over itself if it stays out.

    Raises
    ------
    InvalidGame
        If a name or an expression cannot be written in a certificate's language.

    Examples
    --------
    >>> from solvers.stackelberg import load, solve
    >>> game = load("cloud-pricing")
    >>> document = game_document(game, solve(game).require())
    >>> document["follower_utility"], document["constraints"]["quota"], document["parameters"]
    ('-p*x + value*log(1 + x/scale)', 'x <= cap', {'cost': 0.02})
    """
    form = game.form
    known = {form.price.name, form.decision.name, *(symbol.name for symbol in form.parameters)}
    for name in sorted(known):
        if not is_word(name):
            raise InvalidGame(f"a certificate's names must {WORD_RULE}, got {name!r}")
    parameters, columns = _numbers(game, profile, known)
    document = {
        "kind": "stackelberg",
        "title": game.title,
        "price": form.price.name,
        "decision": form.decision.name,
        "bounds": list(game.bounds),
        "leader_utility": _text(form.leader_utility),
        "follower_utility": _text(form.follower_utility),
        "constraints": {c.name: f"{_text(c.left)} <= {_text(c.right)}" for c in form.constraints},
        "participation": game.participation,
        "parameters": parameters,
        "columns": columns,
        "names": [str(name) for name in game.names],
    }
    _check(document, known)
    return document


def claim_document(
    profile: Profile, tolerance: float | Array, *, residual: float, infeasibility: float
) -> dict[str, Any]:
    """The claim that the profile is an equilibrium within the tolerances, (1 + n,), of the leader and each follower.

    Examples
    --------
    >>> from solvers.stackelberg import Profile
    >>> claim = claim_document(Profile(7.5, [1e9, float("nan")]), 1e-9, residual=0.0, infeasibility=0.0)
    >>> claim["profile"], claim["tolerance"]
    ({'price': 7.5, 'decisions': [1000000000.0, None]}, 1e-09)
    """
    decisions = [None if np.isnan(decision) else decision for decision in profile.decisions.tolist()]
    return {
        "concept": "Stackelberg",
        "claim": CLAIM,
        "profile": {"price": float(profile.price), "decisions": decisions},
        "tolerance": np.asarray(tolerance).tolist(),
        "residual": residual,
        "infeasibility": infeasibility,
        "arithmetic": "float64",
    }


def _numbers(
    game: StackelbergGame, profile: Profile, known: set[str]
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Of each name that is used: one number for all followers, or one for each."""
    n = len(game.names)
    columns = {name: np.full(n, np.nan) for name in known & game.values.keys()}
    members = np.flatnonzero(~np.isnan(profile.decisions))
    places = [(members, game.among(profile), np.arange(len(members))), *game.joined(profile)]
    for positions, part, rows in places:
        for name, column in columns.items():
            column[positions] = np.broadcast_to(part.values[name], (len(part.names),))[rows]
    alike = {name for name in columns if name in game.parameters or _is_one(game.values[name], columns[name])}
    parameters = {name: float(columns[name][0]) for name in sorted(alike)}
    return parameters, {name: columns[name].tolist() for name in sorted(columns.keys() - alike)}


def _is_one(value: Any, column: Array) -> bool:
    return not np.ndim(value) and bool(np.all(column == column[0]))


def _text(expression: sp.Expr) -> str:
    """The expression in the certificate's language."""
    return _printer().doprint(expression)  # type: ignore[no-any-return]


def _printer() -> Any:
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):  # type: ignore[misc]  # SymPy ships no types
        """Minima, maxima and absolute values in the words of the language; names are checked elsewhere."""

        def _print_Min(self, expr: sp.Expr) -> str:
            return f"min({self.stringify(expr.args, ', ')})"

        def _print_Max(self, expr: sp.Expr) -> str:
            return f"max({self.stringify(expr.args, ', ')})"

        def _print_Abs(self, expr: sp.Expr) -> str:
            inner = self._print(expr.args[0])
            return f"max({inner}, -({inner}))"

    return Printer()


def _check(document: Mapping[str, Any], known: set[str]) -> None:
    """Refuses what could not be read again."""
    texts = {key: document[key] for key in ("leader_utility", "follower_utility")}
    try:
        for key, text in texts.items():
            parse(text, known, where=key)
        for key, text in document["constraints"].items():
            parse_constraint(text, known, where=key)
    except ValueError as problem:
        raise InvalidGame(f"the game cannot be written as a certificate: {problem}") from None
