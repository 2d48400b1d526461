"""Certificates as files, checked again from the file alone: no solver and no model is loaded.

`check` reads what `--certificate P` of a command has written: the whole game, and what is claimed of it. Whatever is
rational is checked in rational arithmetic, the rest in interval arithmetic; what is proved is proved for the numbers in
the file.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from verification.check._document import Node, read
from verification.check._verdict import BadCertificate, Checked, Verdict

__all__ = ["BadCertificate", "Checked", "Verdict", "check"]

FORMAT, VERSION = "certeq certificate", 1
KEYS = ("format", "version", "game", "source", "claims", "complete", "versions", "command")
MODULES = {  # each has a function `judge`, from a game to a function from a claim to a verdict
    **dict.fromkeys(("bimatrix",), "_nash"),
    **dict.fromkeys(("additively-separable", "fractional", "best", "worst", "friends", "enemies"), "_hedonic"),
    **dict.fromkeys(("anonymous", "labelled"), "_hedonic"),
    **dict.fromkeys(("jamming", "switching"), "_markov"),
    **dict.fromkeys(("stackelberg",), "_stackelberg"),
}
CONCEPTS = {
    "_nash": ("Nash",),
    "_hedonic": (
        "Nash-stable",
        "individually stable",
        "contractually individually stable",
        "contractual Nash-stable",
        "cycle of improving switches",
    ),
    "_markov": ("Markov-perfect", "Nash, stage by stage"),
    "_stackelberg": ("Stackelberg",),
}
CLAIMS = 100_000  # in one certificate


def check(certificate: Mapping[str, Any] | str | os.PathLike[str]) -> Checked:
    """What becomes of each claim of a certificate, given as a file or as the document that is in it.

    A JSON number is the float64 that it is read as, a string such as "1/30" a rational; both are taken exactly. Nothing
    but the certificate is looked at: not the file of the game that it names, and nothing that a solver computed.

    Raises
    ------
    BadCertificate
        If it is no certificate of this format and version; a claim that does not hold is a verdict.

    Examples
    --------
    >>> game = {"kind": "bimatrix", "A": [[1, -1], [-1, 1]], "B": [[-1, 1], [1, -1]]}
    >>> profile = {"row": [0.5, 0.5], "column": ["1/3", "2/3"]}
    >>> claim = {"concept": "Nash", "profile": profile, "tolerance": 1e-9}
    >>> found = check({"format": "certeq certificate", "version": 1, "game": game, "claims": [claim]})
    >>> found.holds, found.verdicts[0].residual
    (False, Fraction(1, 3))
    """
    name, document = ("certificate", certificate) if isinstance(certificate, Mapping) else read(certificate)
    root = Node(name, document)
    _check_format(root)
    game = root.node("game")
    kind = game.text("kind")
    if kind not in MODULES:
        game.refuse(f"kind must be one of {', '.join(MODULES)}", kind)
    claims = [Node(f"{name}.claims[{k}]", claim) for k, claim in enumerate(root.items("claims"))]
    if not 1 <= len(claims) <= CLAIMS:
        root.refuse(f"claims must be 1 to {CLAIMS:,}", root["claims"])
    for claim in claims:
        _check_concept(claim, CONCEPTS[MODULES[kind]])
    judge = _judge(MODULES[kind], game)
    return Checked(
        name=name,
        kind=kind,
        title=game.text("title", ""),
        verdicts=tuple(_timed(judge, claim) for claim in claims),
        complete=root.truth("complete", False),
        source=_texts(root, "source") if "source" in root else None,
        versions=_texts(root, "versions") if "versions" in root else {},
        command=root.text("command", ""),
    )


def _check_format(root: Node) -> None:
    if root["format"] != FORMAT:
        root.refuse(f"format must be {FORMAT!r}", root["format"])
    if type(root["version"]) is not int or root["version"] != VERSION:
        root.refuse(f"version must be {VERSION}, others are not known here", root["version"])
    root.only(KEYS)


def _check_concept(claim: Node, concepts: tuple[str, ...]) -> None:
    if claim.text("concept") not in concepts:
        claim.refuse(f"concept must be one of {', '.join(concepts)}", claim["concept"])


def _judge(module: str, game: Node) -> Callable[[Node], Verdict]:
    """What judges claims about the game; its module is loaded when it is needed."""
    judge: Callable[[Node], Verdict] = importlib.import_module(f"verification.check.{module}").judge(game)
    return judge


def _timed(judge: Callable[[Node], Verdict], claim: Node) -> Verdict:
    start = time.perf_counter()
    verdict = judge(claim)
    return replace(verdict, seconds=time.perf_counter() - start)


def _texts(root: Node, key: str) -> dict[str, str]:
    node = root.node(key)
    return {name: node.text(name) for name in node.found}
