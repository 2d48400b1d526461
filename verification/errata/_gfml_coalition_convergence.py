"""Proposition 2 of the dual-game paper, whether switching ends and where; and equations (20) and (21)."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from verification.errata._gfml_coalition_play import GAIN, Game, Slots, always_ends, moved, play, round_trip
from verification.errata._gfml_coalition_stability import CHASE, DRAWN, TO_THE_LETTER, UNEVEN, made
from verification.errata._record import Record, Verdict

Numbers = tuple[float, ...]

# --- Proposition 2 ---------------------------------------------------------------------------------------------------

HALF_PAID = {**CHASE, "similarity": ((1.0, 0.0), (0.0, 1.0), (0.9, 0.8)), "data": (1.0,) * 3}
HALF_PAID |= {"reputations": (0.1, 1.0, 0.1)}


def least_regret(**numbers: Any) -> float:
    """Of all partitions, the least of what somebody gains by switching: 0 if one is Nash-stable."""
    game = made(**numbers)
    return min(game.regret(slots) for slots in game.partitions())


def ended_unstably(**numbers: Any) -> int:
    """How many runs of the sweeps, one from each partition, end where somebody would still gain."""
    game = made(**numbers)
    ends = [play(game, slots) for slots in game.partitions()]
    return sum(ended and bool(stable_gain(game, slots)) for ended, slots, _ in ends)


def stable_gain(game: Game, slots: Slots) -> float:
    """The most that somebody gains, from utilities alone, where that is more than rounding."""
    gains = [
        game.utility(moved(slots, i, j), i) - game.utility(slots, i)
        for i in game.movers
        for j in range(len(game.prizes))
    ]
    return max(0.0, max(gains) - GAIN)


def stable_not_individually(**numbers: Any) -> int:
    """How many partitions are Nash-stable and not, by the standard definition, individually stable."""
    game = made(**numbers)
    return sum(game.stable(slots) and not game.individually_stable(slots) for slots in game.partitions())


def cycle_by_turns(start: Slots, **numbers: Any) -> int:
    """How many switches lead back, by sweeps, 0 if they end; a way in another order, `trip`, is left aside."""
    return play(made(**{name: value for name, value in numbers.items() if name != "trip"}), start)[2]


def welfares(**numbers: Any) -> tuple[float, float]:
    """The sum of utilities where switching ends, and the greatest of all partitions."""
    game = made(**numbers)
    _, end, _ = play(game, next(game.partitions()))
    return sum(game.utilities(end)), max(sum(game.utilities(slots)) for slots in game.partitions())


def potential_games(**numbers: Any) -> tuple[bool, ...]:
    """Whether switching ends in any order, without pay for reputation: with equal data, and with two coalitions."""
    equal = {**numbers, "data": (1.0,) * len(numbers["data"])}
    two = {**numbers, "similarity": tuple(row[:2] for row in numbers["similarity"][:2] + numbers["similarity"][3:])}
    two |= {"data": numbers["data"][:2] + numbers["data"][3:], "prizes": numbers["prizes"][:2], "heads": (0, 1)}
    return always_ends(made(**equal)), always_ends(made(**two))


PROPOSITION_2: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Proposition 2",
        about="whether a Nash-stable partition exists",
        says="From any partition the algorithm always converges to a Nash-stable partition.",
        instead="There may be none. Where it ends, the partition is Nash-stable; it does end where the game has a "
        "potential.",
        why="Four learners, two of them heads: learner 2, of low reputation, seeks 3, who flees. In each of the four "
        "partitions somebody gains at least 0.304 by leaving.",
        verdict=Verdict.WRONG,
        printed=lambda **_: 0.0,
        correct=least_regret,
        at=CHASE,
        labels=("least regret, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="switching goes round",
        says="The algorithm always converges; the proof supposes that it has returned.",
        instead="It may cycle. Termination is what would have to be shown.",
        why="In the same game switches return to where they were after four, from every partition.",
        verdict=Verdict.WRONG,
        printed=lambda **_: 0,
        correct=lambda start, **numbers: play(made(**numbers), start)[2],
        at={**CHASE, "start": (0, 1, 0, 0)},
        labels=("switches round a cycle, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="if each is paid for its own reputation",
        says="The algorithm always converges to a Nash-stable partition, with (10) to the letter, $H(R_{j,i})$ "
        "under the sum.",
        instead="There may be none then either, since the peak of a coalition depends on who is in it.",
        why="Three heads and three learners of unequal data: in each of the 27 partitions somebody gains at least "
        "0.02 by leaving.",
        verdict=Verdict.WRONG,
        printed=lambda **_: 0.0,
        correct=least_regret,
        at=TO_THE_LETTER,
        labels=("least regret, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="what its proof shows",
        says="If the partition returned were not Nash-stable, a switch would be possible, and the algorithm not "
        "have ended.",
        why="So *if* it ends, the partition is Nash-stable: of all runs, none ends where utilities say that "
        "somebody gains.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: 0,
        correct=ended_unstably,
        at=DRAWN,
        labels=("runs that end unstably", "counted"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="without pay for reputation",
        says="Given any partition, the algorithm always converges to a Nash-stable partition; learners switch by "
        "Definition 5.",
        instead="The order of switches is not said, and it can matter: with unequal data and three heads even without "
        "pay for reputation.",
        why="By turns, each to the best coalition, switching ends from every partition of this game. In another order "
        "two learners return to where they were by six switches, each of which gains at least 0.0142.",
        verdict=Verdict.UNSPECIFIED,
        printed=cycle_by_turns,
        correct=lambda start, trip, **numbers: (
            len(trip) if (round_trip(made(**numbers), start, trip) or 0) > GAIN else 0
        ),
        at={**UNEVEN, "start": (0, 1, 2, 0, 0), "trip": ((4, 1), (3, 2), (4, 2), (3, 1), (4, 0), (3, 0))},
        labels=("switches round a cycle, by turns", "in another order"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="where there is a potential",
        says="Given any partition, the algorithm always converges to a Nash-stable partition.",
        why="So it does without pay for reputation, if data are equal or coalitions are two: a potential rises with "
        "every switch. Here partitions from which no switch leads on are removed until none is left, which shows that "
        "no order of switches goes round.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: (True, True),
        correct=potential_games,
        at=UNEVEN,
        labels=("equal data, two coalitions", "enumerated"),
    ),
    Record(
        paper="gfml",
        where="Proposition 2",
        about="Nash-stable, consequently individually stable",
        says='The partition is "Nash-stable and consequently individually stable".',
        why="By the standard definition, trivially: who would be let in does not gain. By Definition 7 as printed "
        "it need not be.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: 0,
        correct=stable_not_individually,
        at=DRAWN,
        labels=("exceptions", "counted"),
    ),
    Record(
        paper="gfml",
        where="Section IV-D",
        about="what a Nash-stable partition maximizes",
        says="The Nash-stable partition that maximizes the utilities of all MMLs is returned.",
        instead="Each learner's, given where the others are, which is Nash-stability; or the sum of all, which may be "
        "greater elsewhere.",
        why="A learner leaves the head whom it resembles for a head of better reputation, whose pay it lowers. "
        "Sums of utilities are shown.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: welfares(**numbers)[1],
        correct=lambda **numbers: welfares(**numbers)[0],
        at=HALF_PAID,
        labels=("the greatest sum", "where switching ends"),
    ),
)

# --- (20) and (21) ---------------------------------------------------------------------------------------------------


def printed_profit(i: int, **numbers: Any) -> float:
    """(20)."""
    basis = numbers["similarity"][i] + numbers["position"] * numbers["data"][i] / sum(numbers["data"])
    pay = sum(numbers["standing"]) / len(numbers["standing"]) * numbers["pay"]
    return float(basis * pay - numbers["cost"])


def summed_profit(i: int, incentive: float, **numbers: Any) -> float:
    """The rewards one by one: for similarity, for data, for reputation; less the cost."""
    share = numbers["data"][i] / sum(numbers["data"])
    prizes = numbers["similarity"][i] * incentive, numbers["position"] * share * incentive
    return float(sum(prizes) + numbers["pay"] * np.mean(numbers["standing"]) - numbers["cost"])


def arrived(computing: Numbers, sending: Numbers) -> float:
    """When a head that waits for all has the last model."""
    queue = [start + duration for start, duration in zip(computing, sending, strict=True)]
    heapq.heapify(queue)
    now = 0.0
    while queue:
        now = heapq.heappop(queue)
    return now


LEARNER = {"similarity": (0.8, 0.6, 0.5), "data": (6e7, 16e7, 15e7), "standing": (1.0, 0.8, 0.9), "pay": 5.0}

ROUNDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(20)",
        about="the profit in the Stackelberg game",
        says=r"$(S + f s) \times \bar H I_{rep} - c^{comp} - c^{comm}$.",
        instead=r"$(S + f s) I_{comp} + \bar H I_{rep} - c^{comp} - c^{comm}$, as in (10) and (26).",
        why="Without the first product the profit does not depend on the incentive, which is its argument: at 5 and "
        "at 15. It may have been lost in the extraction of the text.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda i, incentives, **numbers: tuple(printed_profit(i, **numbers) for _ in incentives),
        correct=lambda i, incentives, **numbers: tuple(summed_profit(i, each, **numbers) for each in incentives),
        at={**LEARNER, "position": 0.9, "cost": 1.3, "i": 1, "incentives": (5.0, 15.0)},
        labels=("as in the text examined", "as in (10)"),
    ),
    Record(
        paper="gfml",
        where="(21)",
        about="the time of a round",
        says=r"$T^{round} = \max_i (T^{comp}_i + T^{comm}_i)$.",
        why="A head that waits for all models, in the order in which they come, has the last one then.",
        verdict=Verdict.RIGHT,
        printed=lambda computing, sending: max(c + s for c, s in zip(computing, sending, strict=True)),
        correct=arrived,
        at={"computing": (7.2, 9.1, 8.8), "sending": (1.9, 1.0, 1.4)},
    ),
)

RECORDS: tuple[Record, ...] = (*PROPOSITION_2, *ROUNDS)
