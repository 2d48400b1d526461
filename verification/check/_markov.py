"""Equilibria of switching games, from the numbers of a file: of all the game, or stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import flint

from verification.check._deviations import Bound, Side, Unknown, bound, leading, matrix
from verification.check._document import Node
from verification.check._nash import PLAYERS, Mixed, normalised
from verification.check._numbers import BITS, ZERO, ball, decimal, fraction, is_rounded, share, strain
from verification.check._verdict import INTERVAL, Verdict

GAME = ("kind", "title", "discount", "A", "B", "row_next", "column_next", "row_costs", "column_costs")
CLAIM = ("concept", "claim", "profile", "tolerance", "residual", "infeasibility", "arithmetic")
STATES = 2_500  # of a game whose values are computed
PRODUCTS = 500_000_000  # of a payoff and a probability
MOST_BITS = 10_000  # added to those of balls, where costs are so much larger than payoffs


def judge(game: Node) -> Callable[[Node], Verdict]:
    """A function that judges claims of equilibria of the switching game, of all of it or stage by stage."""
    switching = _read(game)

    def verdict(claim: Node) -> Verdict:
        claim.only(CLAIM)
        mixes = [_mixes(claim.node("profile"), key, switching, player) for player, key in enumerate(PLAYERS)]
        claim.node("profile").only(PLAYERS)
        limits = claim.tolerances(2)
        discount = switching.discount if claim.text("concept") == "Markov-perfect" else ZERO
        products = 2 * switching.states * len(switching.next[0]) * len(switching.next[1])
        if products > PRODUCTS or (discount != 0 and switching.states > STATES):
            rule = f"at most {STATES:,} states and {PRODUCTS:,} products are looked at"
            return _unchecked(claim, f"{rule}, these are {switching.states:,} and {products:,}")
        try:
            with flint.ctx.workprec(BITS + switching.more_bits):
                bounds = [bound(_side(switching, mixes, player), discount) for player in (0, 1)]
        except Unknown:
            return _unchecked(claim, "no values of the states were found in floats: the discount is too near 1")
        return _concluded(claim, switching, mixes, bounds, limits)

    return verdict


# --- the game ---


@dataclass(frozen=True)
class _Switching:
    """Payoffs and costs by player: `payoffs` by own action and the opponent's, `next` the own place it leads to."""

    discount: flint.fmpq | None
    payoffs: tuple[list[list[flint.fmpq]], list[list[flint.fmpq]]]
    next: tuple[list[int], list[int]]
    costs: tuple[list[list[flint.fmpq]], list[list[flint.fmpq]]]

    @property
    def places(self) -> tuple[int, int]:
        """How many own places each player has."""
        return len(self.costs[0]), len(self.costs[1])

    @property
    def states(self) -> int:
        """How many pairs of places there are."""
        return self.places[0] * self.places[1]

    @cached_property
    def ranges(self) -> list[flint.fmpq]:
        """The range of each player's payoffs, or of its costs where that is 0."""
        pairs = zip(self.payoffs, self.costs, strict=True)
        return [_range(payoffs) or _range(costs) for payoffs, costs in pairs]

    @property
    def more_bits(self) -> int:
        """How many bits the costs take that are larger than all payoffs."""
        pairs = zip(self.costs, self.ranges, strict=True)
        ratios = [_range(costs) / part for costs, part in pairs if part > 0]
        return min(max((int(ratio.p // ratio.q).bit_length() for ratio in ratios), default=0), MOST_BITS)


def _range(table: Sequence[Sequence[flint.fmpq]]) -> flint.fmpq:
    return max(map(max, table)) - min(map(min, table))


def _read(game: Node) -> _Switching:
    game.only(GAME)
    A = game.matrix("A")
    B = game.matrix("B", len(A[0]))
    if len(B) != len(A):
        game.refuse("A and B must have one shape", f"{len(A)} and {len(B)} rows")
    columns = [list(column) for column in zip(*B, strict=True)]
    costs = game.matrix("row_costs", len(A)), game.matrix("column_costs", len(A[0]))
    following = (
        _places(game, "row_next", len(A), len(costs[0])),
        _places(game, "column_next", len(A[0]), len(costs[1])),
    )
    discount = None if game["discount"] is None else game.number("discount")
    if discount is not None and not 0 <= discount < 1:
        game.refuse("discount must be in [0, 1), or null for the average payoff", str(discount))
    return _Switching(discount, (A, columns), following, costs)


def _places(game: Node, key: str, actions: int, count: int) -> list[int]:
    places = game.items(key)
    if len(places) != actions or not all(type(place) is int and 0 <= place < count for place in places):
        game.refuse(f"{key} must be {actions} places, 0 to {count - 1}", places)
    return places


def _mixes(profile: Node, key: str, game: _Switching, player: int) -> list[Mixed]:
    """A player's mix in every state."""
    rows, actions = profile.items(key), len(game.next[player])
    if len(rows) != game.states:
        profile.refuse(f"{key} must have a mix for each of {game.states:,} states", rows)
    table, where = profile.matrix(key, actions), f"{profile.where}.{key}"
    pairs = enumerate(zip(table, rows, strict=True))
    return [normalised(mix, rounded=is_rounded(given), where=f"{where}[{s}]") for s, (mix, given) in pairs]


def _side(game: _Switching, mixes: Sequence[Sequence[Mixed]], player: int) -> Side:
    """What the player faces, in balls."""
    own_count, other_count = game.places[player], game.places[1 - player]
    order = [_state(game, player, i, j) for i in range(own_count) for j in range(other_count)]
    least, cheapest = (min(map(min, table[player])) for table in (game.payoffs, game.costs))
    scale = game.ranges[player] if game.ranges[player] > 0 else flint.fmpq(1)
    mine, others = ([[ball(p) for p in mixes[who][s].weights] for s in order] for who in (player, 1 - player))
    payoffs = matrix([[ball((value - least) / scale) for value in row] for row in game.payoffs[player]])
    earned = (matrix(others) * payoffs.transpose()).tolist()
    charges = [[ball((cost - cheapest) / scale) for cost in row] for row in game.costs[player]]
    rewards = [
        [reward - charge for reward, charge in zip(row, charges[t // other_count], strict=True)]
        for t, row in enumerate(earned)
    ]
    return Side(
        rewards=rewards,
        mix=mine,
        own=matrix(mine) * leading(game.next[player], own_count),
        other=matrix(others) * leading(game.next[1 - player], other_count),
        next=game.next[player],
        scale=scale,
    )


def _state(game: _Switching, player: int, own: int, other: int) -> int:
    return own * game.places[1] + other if player == 0 else other * game.places[1] + own


# --- verdicts ---


def _concluded(
    claim: Node,
    game: _Switching,
    mixes: Sequence[Sequence[Mixed]],
    bounds: Sequence[Bound],
    limits: Sequence[flint.fmpq],
) -> Verdict:
    missed = max(mix.missed for table in mixes for mix in table)
    feasible = all(mix.missed <= mix.allowed for table in mixes for mix in table)
    unknown = [bound.why_not for bound in bounds if bound.most is None]
    if unknown and feasible:
        return _unchecked(claim, unknown[0])
    gains = [ZERO if bound.most is None else bound.most for bound in bounds]
    tight = max((0, 1), key=lambda player: strain(gains[player], limits[player]))
    proved, refuted = gains[tight] <= limits[tight], bounds[tight].least > limits[tight]
    parts = [part for pair in zip(limits, game.ranges, strict=True) if (part := share(*pair)) is not None]
    if not feasible:
        why = f"the probabilities are off by {decimal(missed)}"
    elif proved:
        why = f"from no one of {game.states:,} states does a deviation gain more"
    elif refuted:
        why = f"the {PLAYERS[tight]} player gains at least {decimal(bounds[tight].least)} from some state"
    else:
        why = f"the bound {decimal(gains[tight])} on what the {PLAYERS[tight]} player gains does not prove it"
    return Verdict(
        concept=claim.text("concept"),
        claim=claim.text("claim", ""),
        holds=True if feasible and proved else None if feasible and not refuted else False,
        why=why,
        residual=fraction(gains[tight]),
        tolerance=fraction(limits[tight]),
        infeasibility=fraction(missed),
        share=max(parts, default=None),
        arithmetic=INTERVAL,
    )


def _unchecked(claim: Node, why: str) -> Verdict:
    return Verdict(concept=claim.text("concept"), claim=claim.text("claim", ""), holds=None, why=why)
