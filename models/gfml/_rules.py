"""What a framework is made of: a rule for coalitions, one for heads, and one for resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from models.gfml import _heads
from models.gfml._coalitions import coalition_game
from models.reputation import similarity
from solvers.core import Array, Mask, Positions
from solvers.hedonic import LabelledGame, Partition, Reputation

if TYPE_CHECKING:
    from models.gfml._devices import Devices
    from models.gfml._incentives import Coalition, Outcome, Terms
    from models.gfml._parameters import Parameters
    from models.reputation import ReputationState


@dataclass(frozen=True, eq=False)
class Situation:
    """What is known when a round begins, for n active users and M coalitions.

    `partition` (none before the first round), `prices`, (M,), and `frequencies`, (n,) in Hz, are those of the last
    round; `embeddings` are (n, M, width), those of user i by the model of coalition j; `reputation` is the stored one.
    `rng` is the round's own generator for coalitions, heads and frequencies.
    """

    devices: Devices
    parameters: Parameters
    partition: Partition | None
    prices: Array
    frequencies: Array
    embeddings: Array
    reputation: ReputationState
    rng: np.random.Generator

    @property
    def users(self) -> int:
        """How many users are active, n."""
        return len(self.devices.names)

    @property
    def coalitions(self) -> int:
        """How many coalitions there are, M."""
        return len(self.prices)

    @property
    def eligible(self) -> Mask:
        """Who may lead: whoever can meet its own deadline, (n,)."""
        return np.asarray(self.devices.quickest <= self.devices.deadlines)

    def alike(self, heads: Positions) -> Array:
        """The similarities of all users to these heads, (n, M)."""
        return similarity(self.embeddings, heads)

    def reputations(self, alike: Array) -> Array:
        """The reputations (18) of all users for these heads, (n, M); unlike tasks count nothing, not less."""
        return self.reputation.overall(np.maximum(alike, 0.0), weighting=self.parameters.weighting)


# --- coalitions --------------------------------------------------------------------------------------------------

Form: TypeAlias = Callable[[Situation], Partition]


class CoalitionRule(NamedTuple):
    """Who is with whom when the round begins, whether users then switch, and whether there is one coalition only."""

    name: str
    form: Form
    switching: bool = False
    single: bool = False


def balanced(situation: Situation) -> Partition:
    """Users dealt out at random, the same number to each coalition or one more."""
    deal = np.arange(situation.users) % situation.coalitions
    return Partition(situation.rng.permutation(deal))


def last(situation: Situation) -> Partition:
    """The coalitions of the last round; at first, dealt out at random, Algorithm 2, line 4."""
    return situation.partition or balanced(situation)


def together(situation: Situation) -> Partition:
    """Everybody in one coalition."""
    return Partition(np.zeros(situation.users, dtype=np.intp))


def clusters(situation: Situation) -> Partition:
    """At first, clusters of similar embeddings, by Ward's method on their directions; then the same for ever."""
    if situation.partition is not None:
        return situation.partition
    from scipy.cluster.hierarchy import cut_tree, ward

    vectors = situation.embeddings[:, 0]  # all coalitions begin with one model
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    if situation.users == 1:
        return together(situation)
    return Partition(cut_tree(ward(directions), n_clusters=situation.coalitions)[:, 0].astype(np.intp))


# --- heads -------------------------------------------------------------------------------------------------------


class HeadRule(NamedTuple):
    """Who leads each coalition."""

    name: str
    choose: Callable[[Situation, Partition], Positions]


def reputable(situation: Situation, partition: Partition) -> Positions:
    """A good reputation and a strict deadline, Algorithm 1, lines 8 to 13."""
    return _heads.reputable_heads(
        partition,
        situation.reputation.total,
        situation.devices.deadlines,
        coalitions=situation.coalitions,
        eligible=situation.eligible,
    )


def fastest(situation: Situation, partition: Partition) -> Positions:
    """The strictest deadline."""
    deadlines = situation.devices.deadlines
    return _heads.fastest_heads(partition, deadlines, coalitions=situation.coalitions, eligible=situation.eligible)


def anybody(situation: Situation, partition: Partition) -> Positions:
    """A random member."""
    return _heads.random_heads(
        partition, coalitions=situation.coalitions, rng=situation.rng, eligible=situation.eligible
    )


# --- resources ---------------------------------------------------------------------------------------------------


class ResourceRule(NamedTuple):
    """What is paid and how fast users compute: what they expect before coalitions form, and what it comes to.

    `expect` returns prices, (M,), and frequencies, (n,); `settle` returns one outcome per coalition and has these
    frequencies among its terms. Where they are `drawn`, they stay as expected, whatever the deadline.
    """

    name: str
    expect: Callable[[Situation], tuple[Array, Array]]
    settle: Callable[[Sequence[Coalition], Terms], list[Outcome]]
    drawn: bool = False


def as_before(situation: Situation) -> tuple[Array, Array]:
    """The prices and frequencies of the last round."""
    return situation.prices, situation.frequencies


def at_the_highest_price(situation: Situation) -> tuple[Array, Array]:
    """The highest price everywhere, and the frequencies of the last round."""
    return np.full(situation.coalitions, situation.parameters.incentives[1]), situation.frequencies


def random_frequencies(situation: Situation) -> tuple[Array, Array]:
    """The highest price everywhere, and frequencies drawn evenly between the limits."""
    prices, _ = at_the_highest_price(situation)
    devices = situation.devices
    return prices, situation.rng.uniform(devices.slowest, devices.fastest, situation.users)


# --- the coalition game of a round ---------------------------------------------------------------------------------


def round_game(
    situation: Situation,
    heads: Positions,
    alike: Array,
    reputations: Array,
    prices: Array,
    speeds: Array,
    *,
    drawn: bool = False,
) -> LabelledGame:
    """The game of users who choose among the coalitions of these heads, equation (10), or stay out for nothing.

    `alike` and `reputations` are (n, M). Prices, (M,), and frequencies, (n,), are what users expect, and stay so
    whoever moves; but a frequency is raised to what a coalition's deadline requires, unless it is `drawn`. Whoever
    would be late in a coalition loses by joining.
    """
    devices, parameters = situation.devices, situation.parameters
    required, own = devices.required(devices.deadlines[heads]), speeds[:, None]
    feasible = required <= (own if drawn else devices.fastest)
    chosen = np.where(feasible, np.maximum(own, required), own)
    never = 2 * (2 * np.max(prices) + parameters.reputation_incentive + 1)
    return coalition_game(
        alike,
        devices.data,
        prices,
        frequency=(chosen - devices.slowest) / (devices.fastest - devices.slowest),
        cost=np.where(feasible, devices.energy[:, None] * chosen**2, never),
        reputation=Reputation(
            reputations,
            pay=parameters.reputation_incentive,
            threshold=parameters.threshold,
            floor=parameters.floor,
        ),
        heads=heads.tolist(),
        outside=0.0,
        names=devices.names,
        title="coalitions of federated learners",
    )
