"""Nash equilibria of bimatrix games: probabilities, and every pure deviation, in rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import flint

from verification.check._document import Node
from verification.check._numbers import ZERO, column, decimal, fraction, is_rounded, share, strain
from verification.check._verdict import EXACT, BadCertificate, Verdict

FEASIBLE = flint.fmpq(1, 10**9)  # by which probabilities in float64 may miss, and rational ones never
GAME = ("kind", "title", "players", "rows", "columns", "A", "B")
CLAIM = ("concept", "claim", "profile", "tolerance", "residual", "infeasibility", "arithmetic")
PLAYERS = ("row", "column")


def judge(game: Node) -> Callable[[Node], Verdict]:
    """A function that judges claims of Nash equilibria in the bimatrix game."""
    game.only(GAME)
    A = game.matrix("A")
    B = game.matrix("B", len(A[0]))
    if len(B) != len(A):
        raise BadCertificate(f"{game.where}: A and B must have one shape, got {len(A)} and {len(B)} rows")
    m, n = len(A), len(A[0])
    row = flint.fmpq_mat(m, n, [value for line in A for value in line])
    column_player = flint.fmpq_mat(m, n, [value for line in B for value in line]).transpose()
    ranges = [max(map(max, payoffs)) - min(map(min, payoffs)) for payoffs in (A, B)]

    def verdict(claim: Node) -> Verdict:
        claim.only(CLAIM)
        claim.node("profile").only(PLAYERS)
        x, y = mixed(claim.node("profile"), "row", m), mixed(claim.node("profile"), "column", n)
        regrets = [regret(row, x, y), regret(column_player, y, x)]
        worst = max((x, y), key=lambda mix: (mix.missed > mix.allowed, mix.missed))
        return concluded(claim, regrets, ranges, worst.missed, worst.allowed, m + n)

    return verdict


@dataclass(frozen=True, slots=True)
class Mixed:
    """A mixed strategy: `weights`, and by how much what was given `missed` them, and was `allowed` to."""

    weights: list[flint.fmpq]
    missed: flint.fmpq
    allowed: flint.fmpq


def mixed(profile: Node, key: str, length: int) -> Mixed:
    """The probabilities at `key`."""
    rounded = is_rounded(profile.items(key))
    return normalised(profile.vector(key, length), rounded=rounded, where=f"{profile.where}.{key}")


def normalised(given: Sequence[flint.fmpq], *, rounded: bool, where: str) -> Mixed:
    """The mixed strategy that is nearest to what is given.

    Raises
    ------
    BadCertificate
        If no probability is positive.
    """
    total = sum(given, ZERO)
    missed = max(abs(total - 1), *(-p for p in given))
    weights = [p if p > 0 else ZERO for p in given]
    positive = sum(weights, ZERO)
    if not positive > 0:
        raise BadCertificate(f"{where}: probabilities must not all be 0 or less")
    allowed = FEASIBLE if rounded else ZERO
    return Mixed(weights if positive == 1 else [p / positive for p in weights], max(missed, ZERO), allowed)


def regret(payoffs: flint.fmpq_mat, own: Mixed, opposing: Mixed) -> flint.fmpq:
    """What the player with these payoffs, by its own strategy and then the other's, gains by its best deviation."""
    values = (payoffs * column(opposing.weights)).entries()
    expected = sum((p * value for p, value in zip(own.weights, values, strict=True) if p), ZERO)
    return max(values) - expected


def concluded(
    claim: Node,
    regrets: Sequence[flint.fmpq],
    ranges: Sequence[flint.fmpq],
    missed: flint.fmpq,
    allowed: flint.fmpq,
    deviations: int,
) -> Verdict:
    """The verdict on a claim about two players, from their exact regrets and the ranges of their payoffs."""
    limits = claim.tolerances(2)
    tight = max((0, 1), key=lambda player: strain(regrets[player], limits[player]))
    shares = [part for limit, whole in zip(limits, ranges, strict=True) if (part := share(limit, whole)) is not None]
    feasible = missed <= allowed
    holds = feasible and regrets[tight] <= limits[tight]
    if not feasible:
        why = f"the probabilities are off by {decimal(missed)}, allowed is {decimal(allowed)}"
    elif holds:
        why = f"no one of {deviations:,} pure deviations gains more"
    else:
        why = f"the {PLAYERS[tight]} player gains {decimal(regrets[tight])} by a pure deviation"
    return Verdict(
        concept=claim.text("concept"),
        claim=claim.text("claim", ""),
        holds=bool(holds),
        why=why,
        residual=fraction(regrets[tight]),
        tolerance=fraction(limits[tight]),
        infeasibility=fraction(missed),
        share=max(shares, default=None),
        arithmetic=EXACT,
    )
