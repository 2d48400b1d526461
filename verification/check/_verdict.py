"""What came out of checking a certificate: a verdict on each claim, with the number that was found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

EXACT: Final = "exact"
INTERVAL: Final = "interval"
NONE: Final = "none"


class BadCertificate(ValueError):
    """What was given is no certificate that can be read; the message names the place, the rule and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one claim.

    Attributes
    ----------
    concept
        The kind of equilibrium that is claimed.
    claim
        The claim in one sentence.
    holds
        True where it was proved, False where it was refuted or not proved, None where it was not decided; `why`
        says why.
    residual
        What the player with the least room gains by its best deviation, in payoff units: exactly, or in interval
        arithmetic an upper bound. None where it was not computed.
    tolerance
        What that player may gain.
    infeasibility
        How far the profile lies outside the strategy sets.
    share
        The largest tolerance as a share of the range of that player's payoffs, so that a loose one is seen; None where
        payoffs do not differ.
    arithmetic
        "exact", "interval", or "none" where nothing was computed.
    why
        What was looked at, or what is wrong.
    seconds
        How long it took.
    """

    concept: str
    claim: str
    holds: bool | None
    why: str
    residual: Fraction | None = None
    tolerance: Fraction | None = None
    infeasibility: Fraction = Fraction(0)
    share: float | None = None
    arithmetic: str = NONE
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.concept}: {self.word}: {self.why}"

    @property
    def word(self) -> str:
        """The verdict in a word or two."""
        return "not decided" if self.holds is None else "holds" if self.holds else "does not hold"

    def json(self) -> dict[str, Any]:
        """The verdict as JSON holds it: exact numbers as strings, and as floats beside them."""
        return {
            "concept": self.concept,
            "claim": self.claim,
            "holds": self.holds,
            "residual": _number(self.residual),
            "residual_exact": _text(self.residual) if self.arithmetic == EXACT else None,
            "tolerance": _number(self.tolerance),
            "tolerance_share": self.share if self.share is not None and math.isfinite(self.share) else None,
            "infeasibility": _number(self.infeasibility),
            "arithmetic": self.arithmetic,
            "why": self.why,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of a certificate.

    Attributes
    ----------
    name
        The file's name, "certificate" for a document that was given as it is.
    kind
        The kind of game.
    title
        The game's title, if it has one.
    verdicts
        One for each claim, in their order.
    complete
        Whether the certificate says that its claims are all equilibria. That is not checked.
    source
        The file of the game and its SHA-256, as the certificate says.
    versions, command
        With which the certificate was made, as it says.
    """

    name: str
    kind: str
    title: str
    verdicts: tuple[Verdict, ...]
    complete: bool = False
    source: Mapping[str, str] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    HEADS = ("concept", "verdict", "gain at most", "tolerance", "of payoffs", "arithmetic", "seconds", "why")

    @property
    def holds(self) -> bool:
        """Whether every claim was proved."""
        return bool(self.verdicts) and all(verdict.holds for verdict in self.verdicts)

    @property
    def seconds(self) -> float:
        """How long the claims took together."""
        return sum(verdict.seconds for verdict in self.verdicts)

    def rows(self) -> list[tuple[str, ...]]:
        """A row of cells for each claim, under `HEADS`.

        Examples
        --------
        >>> from verification.check import check
        >>> game = {"kind": "bimatrix", "A": [[1, 0], [0, 1]], "B": [[0, 1], [1, 0]]}
        >>> half = {"row": ["1/2", "1/2"], "column": ["1/2", "1/2"]}
        >>> claim = {"concept": "Nash", "profile": half, "tolerance": 0}
        >>> document = {"format": "certeq certificate", "version": 1, "game": game, "claims": [claim]}
        >>> check(document).rows()[0][:4]
        ('Nash', 'holds', '0', '0')
        """
        return [
            (
                verdict.concept,
                verdict.word,
                _shown(verdict.residual),
                _shown(verdict.tolerance),
                "" if verdict.share is None else f"{verdict.share:.1e}",
                verdict.arithmetic,
                f"{verdict.seconds:.2f}",
                verdict.why,
            )
            for verdict in self.verdicts
        ]

    def json(self) -> dict[str, Any]:
        """The whole as JSON holds it.

        The keys are `certificate`, `kind`, `title`, `holds`, `complete` (as claimed), `source`, `versions`, `command`,
        `seconds` and `claims`, a list of what `Verdict.json` gives.
        """
        return {
            "certificate": self.name,
            "kind": self.kind,
            "title": self.title,
            "holds": self.holds,
            "complete": self.complete,
            "source": None if self.source is None else dict(self.source),
            "versions": dict(self.versions),
            "command": self.command,
            "seconds": self.seconds,
            "claims": [verdict.json() for verdict in self.verdicts],
        }


def _number(value: Fraction | None) -> float | None:
    """The nearest float, and none where it is beyond float64."""
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: Fraction | None) -> str | None:
    """The fraction, if it is short enough to be read by anything."""
    if value is None or max(abs(value.numerator), value.denominator).bit_length() > 10_000:
        return None
    return str(value)


def _shown(value: Fraction | None) -> str:
    if value is None:
        return ""
    if value == 0:
        return "0"
    number = _number(value)
    return f"{number:.3g}" if number else f"about 2^{_power(value)}"


def _power(value: Fraction) -> int:
    return math.floor(abs(value.numerator).bit_length() - value.denominator.bit_length())
