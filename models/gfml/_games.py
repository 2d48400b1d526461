"""The games of one round: who joins whom, what is paid, and what it adds to reputations. No learning here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.gfml._incentives import Certify, Coalition, Outcome, Terms
from models.gfml._rules import Situation, round_game
from models.reputation import Record, proportional_contribution, training_contribution
from solvers.core import Array, Evidence, Positions, Status
from solvers.hedonic import Partition, Switch, best_response, gain_tolerance

if TYPE_CHECKING:
    from models.gfml._devices import Devices
    from models.gfml._parameters import Parameters
    from models.gfml.baselines import Framework

SWITCHES = 100_000  # after which a game is left where it stands


class Formed(NamedTuple):
    """The coalitions of a round and how they came about.

    `alike` and `reputations`, (n, M), are those of all users for the `heads`, (M,), and `speeds`, (n,) in Hz, what
    users expected to compute with. `certificate` is of Nash-stability, None where no game formed the coalitions.
    From the slots `begun` it was the `moves` that led to the partition.
    """

    partition: Partition
    heads: Positions
    alike: Array
    reputations: Array
    speeds: Array
    switches: int
    cycling: bool
    certificate: Evidence | None
    begun: Positions
    moves: Sequence[Switch] = ()

    def left(self) -> list[Positions]:
        """The slots before each move: the partitions that did not last."""
        found = [self.begun]
        for move in self.moves:
            found.append(found[-1].copy())
            found[-1][move.player] = move.target
        return found[:-1]


def form(framework: Framework, situation: Situation, certify: Certify) -> Formed:
    """Heads, then coalitions around them: Algorithm 1 where users switch, else as the framework has it.

    Users switch until nobody gains, or until the partition comes back, which proves that they would go on for ever; in
    that case, and after a hundred thousand switches, they stay where they are.
    """
    before = framework.coalitions.form(situation)
    heads = framework.heads.choose(situation, before)
    alike = situation.alike(heads)
    known = situation.reputations(alike)
    prices, speeds = framework.resources.expect(situation)
    if not framework.coalitions.switching:
        return Formed(before, heads, alike, known, speeds, 0, cycling=False, certificate=None, begun=before.slots)
    game = round_game(situation, heads, alike, known, prices, speeds, drawn=framework.resources.drawn)
    slots = before.slots.copy()
    slots[heads] = np.arange(len(heads))
    tolerance = gain_tolerance(game)
    run = best_response(game, Partition(slots), tolerance=tolerance, max_switches=SWITCHES)
    evidence = certify(game, run.last, tolerance=tolerance)
    cycling = run.status is Status.CYCLE
    return Formed(run.last, heads, alike, known, speeds, len(run.switches), cycling, evidence, slots, run.switches)


def settle(
    framework: Framework, formed: Formed, devices: Devices, parameters: Parameters, certify: Certify
) -> list[Outcome]:
    """What each coalition is paid and does, under its head's deadline."""
    terms = Terms(devices, parameters, formed.speeds, certify)
    coalitions = []
    for j, head in enumerate(formed.heads):
        members = np.flatnonzero(formed.partition.slots == j)
        deadline = float(devices.deadlines[head])
        coalitions.append(Coalition(j, members, deadline, formed.alike[members, j], formed.reputations[members, j]))
    return framework.resources.settle(coalitions, terms)


def contributions(
    formed: Formed, outcomes: Sequence[Outcome], norms: Array, devices: Devices, batch: int, *, round_number: int
) -> list[Record]:
    """What each who took part has contributed: the more it learnt of its coalition, and the earlier it was ready.

    `norms`, (n, steps), are the lengths of all users' meta-gradients. Equation (15) as printed rewards whoever leaves
    out steps, so that its terms ‖g‖² alone are taken here, and compared by `proportional_contribution` within the
    coalition.
    """
    found, all_efforts = [], training_contribution(norms, batch, drift=0, noise=0)
    for outcome, head in zip(outcomes, formed.heads.tolist(), strict=True):
        if len(outcome.members):
            efforts = all_efforts[outcome.members]
            slack = np.maximum(devices.deadlines[head] - outcome.times, 0.0)
            each = zip(
                outcome.members.tolist(), proportional_contribution(efforts).tolist(), slack.tolist(), strict=True
            )
            found += [Record(round_number, user, head, training, left) for user, training, left in each]
    return found
