"""Algorithm 1 of the dual-game paper: heads are selected, then learners switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verification.errata._gfml_coalition_play import GAIN, Slots, moved, play
from verification.errata._gfml_coalition_stability import APART, CHASE, TWINS, made
from verification.errata._record import Record, Undefined, Verdict

Numbers = tuple[float, ...]


def printed_scores(reputations: Numbers, deadlines: Numbers) -> list[float]:
    """What line 11 takes the maximum of."""
    if not deadlines:
        raise Undefined("the longest of no deadlines")
    longest, shortest = max(deadlines), min(deadlines)
    return [r * (1 - (t - longest) / (longest - shortest)) for r, t in zip(reputations, deadlines, strict=True)]


def best(scores: Sequence[float]) -> int:
    """The member with the greatest score, from 0."""
    return max(range(len(scores)), key=lambda i: scores[i])


def last_resort(members: tuple[Slots, ...], reputations: Numbers) -> int:
    """The learner of the highest reputation in the largest coalition, but for its first, who is its own head."""
    return max(max(members, key=len)[1:], key=lambda i: reputations[i])


def one_sweep(start: Slots, fresh: bool, **numbers: Any) -> Slots:
    """Lines 17 to 33 until nobody switches; others are where they were in the last round, unless `fresh`."""
    game, slots = made(**numbers), start
    met: set[Slots] = set()
    while slots not in met:
        met.add(slots)
        for i in game.movers:
            for j in range(len(game.prizes)):
                there = game.utility(moved(slots if fresh else start, i, j), i)
                if j != slots[i] and there > game.utility(slots, i) + GAIN:
                    slots = moved(slots, i, j)
    return slots


def coalitions_joined(worth: Numbers) -> tuple[int, ...]:
    """Lines 20 to 32 to the letter: where a learner from coalition 0 is in the end, by what each is worth to it."""
    coalitions: list[set[str]] = [{"learner"}, *(set() for _ in worth[1:])]
    j = 0
    for other in range(len(worth)):
        if other != j and worth[other] > worth[j]:
            coalitions[j].discard("learner")
            coalitions[other].add("learner")
    return tuple(k for k, members in enumerate(coalitions) if members)


def coalitions_left(worth: Numbers) -> tuple[int, ...]:
    """The same if the learner goes on from the coalition that it has joined."""
    j = 0
    for other in range(len(worth)):
        if worth[other] > worth[j]:
            j = other
    return (j,)


def twice(partition: tuple[Slots, ...], i: int) -> int:
    """How many coalitions there are after lines 25, 27 and 29, if line 29 takes the sets that 25 and 27 have made.

    The learner leaves the first of the partition for the second.
    """
    found = {frozenset(members) for members in partition}
    left, joined = frozenset(partition[0]) - {i}, frozenset(partition[1]) | {i}
    return len((found - {left, joined}) | {left - {i}, joined | {i}})


def first_better(worth: Numbers) -> int:
    """The first coalition that is worth more than coalition 0."""
    return next(j for j in range(len(worth)) if worth[j] > worth[0])


RHO_ZETA, CYCLES = 0.1 * 1e-27, 100  # Table II: unit cost times capacitance, and steps times cycles per bit


def profit(delta: float, alike: float, share: float, prize: float, data: float) -> float:
    """(10) without pay for reputation, between the limits of Table II."""
    return (alike + (delta - 1e7) / 9.9e8 * share) * prize - RHO_ZETA * CYCLES * data * delta**2


def response(share: float, prize: float, data: float, left: float) -> float:
    """The best frequency, with so many seconds left to compute in."""
    free = share * prize / 9.9e8 / (2 * RHO_ZETA * CYCLES * data)
    return min(max(free, CYCLES * data / left, 1e7), 1e9)


def decision(here: tuple[float, float, float], there: tuple[float, float, float], again: bool, data: float) -> str:
    """Whether a learner switches, by similarity, share and prize; at its present frequency, or choosing `again`."""
    now = response(*here[1:], data, 18.5)
    then = response(*there[1:], data, 18.5) if again else now
    return "switch" if profit(then, *there, data) > profit(now, *here, data) else "stay"


RECORDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 11: a learner or a number",
        says=r"$h_j = \max(R_i^{global} (1 - \frac{T^i_{max} - \bar T}{\bar T - \underline T}))$.",
        instead=r"The greatest score; or, surely, $\mathrm{argmax}_i (\ldots)$, who has it: a head is a learner.",
        why="Of two members with the scores 2 and 1.5, in this order, the maximum is 2, and the head the first. (Lines "
        "are counted as in the listing examined; the text counts one more.)",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda reputations, deadlines: max(printed_scores(reputations, deadlines)),
        correct=lambda reputations, deadlines: best(
            [r * (1 + (max(deadlines) - t) / np.ptp(deadlines)) for r, t in zip(reputations, deadlines, strict=True)]
        ),
        at={"reputations": (1.0, 1.5), "deadlines": (12.0, 20.0)},
        labels=("the maximum", "the head, from 0"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 11: equal deadlines",
        says=r"The factor $1 - \frac{T^i_{max} - \bar T}{\bar T - \underline T}$, from 1 for the longest deadline "
        "to 2 for the shortest.",
        instead="1 for all, where all deadlines are equal: reputation alone decides.",
        why=r"It is $0/0$, also in any coalition of one.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda reputations, deadlines: best(printed_scores(reputations, deadlines)),
        correct=lambda reputations, **_: best(reputations),
        at={"reputations": (1.0, 1.5), "deadlines": (12.0, 12.0)},
        labels=("as printed", "the head, from 0"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 11: negative reputations",
        says="Reputation times a factor that is the greater the stricter the deadline.",
        instead="Nothing is said of negative reputations; they would have to be divided by it.",
        why="Reputations can be negative as (14) to (17) are printed. Of two that are equal and negative the "
        "laxer deadline is chosen, against the rule in the text.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda reputations, deadlines: best(printed_scores(reputations, deadlines)),
        correct=lambda deadlines, **_: best([-t for t in deadlines]),
        at={"reputations": (-1.0, -1.0), "deadlines": (12.0, 20.0)},
        labels=("the head, by the product", "by the stricter deadline"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="lines 9 to 11: an empty coalition",
        says=r"The longest and the shortest of the deadlines of all $i \in C_j$, though a coalition may be empty "
        "(section IV-C).",
        instead="Some learner from elsewhere; here one of the largest coalition.",
        why="The maximum of nothing is undefined. Coalition 1 is empty.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda reputations, deadlines, members: members[1][
            best(printed_scores(tuple(reputations[i] for i in members[1]), tuple(deadlines[i] for i in members[1])))
        ],
        correct=lambda reputations, members, **_: last_resort(members, reputations),
        at={"reputations": (1.0, 1.5, 1.2), "deadlines": (12.0, 13.0, 14.0), "members": ((0, 1, 2), ())},
        labels=("as printed", "a choice"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 17: heads may switch",
        says=r"Each MML $i \in C_j$ may switch.",
        instead="Heads too; or each but the heads, whose coalitions would be left without them.",
        why="With prizes of 5 and 15 the head of the first coalition goes to the second, where it still heads the "
        "first.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: play(made(**{**numbers, "heads": ()}), (0, 1, 0))[1][0],
        correct=lambda **numbers: play(made(**numbers), (0, 1, 0))[1][0],
        at={**TWINS, "similarity": ((1.0, 0.8), (0.8, 1.0), (0.8, 0.8)), "prizes": (5.0, 15.0)},
        labels=("coalition of head 0, if heads may switch", "if not"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 18: the learner's frequency",
        says='Compute the utility "by solving problem (10)", for the present coalition and, in line 21, for others.',
        instead="(10) is a definition; the problem is (22). Whether a learner who looks elsewhere keeps its "
        "frequency or chooses again, and for which incentive, is not said.",
        why="Similarity, share and prize of the present coalition and of another that is larger: at the present "
        "frequency the learner stays, choosing again it switches.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda here, there, data: decision(here, there, False, data),
        correct=lambda here, there, data: decision(here, there, True, data),
        at={"here": (0.7, 1 / 9, 12.0), "there": (0.76, 1 / 30, 12.0), "data": 7.2e7},
        labels=("at the present frequency", "choosing again"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="lines 18 to 23: what is not checked",
        says="A learner's utilities are compared with each other.",
        instead="Also with 0, as under Definition 2. The history $h(i)$ that section IV-C suggests is not in the "
        "listing either.",
        why="With costs of 9 the loop ends with a learner at a negative utility.",
        verdict=Verdict.WRONG,
        printed=lambda **numbers: made(**numbers).utility(play(made(**numbers), (0, 1, 0, 1))[1], 2),
        correct=lambda **numbers: max(0.0, made(**numbers).utility(play(made(**numbers), (0, 1, 0, 1))[1], 2)),
        at={**APART, "heads": (0, 1), "cost": 9.0},
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="line 20: coalitions of the last round",
        says=r"For each coalition $C_{j'} \in \Pi^{k-1}$.",
        instead=r"$\in \Pi^k$, which changes with each switch.",
        why="Two learners go, one after the other, to the same coalition, each as if it were alone there; the "
        "partition is returned as Nash-stable, and both would gain by going back.",
        verdict=Verdict.WRONG,
        printed=lambda start, **numbers: made(**numbers).regret(one_sweep(start, False, **numbers)),
        correct=lambda start, **numbers: made(**numbers).regret(one_sweep(start, True, **numbers)),
        at={
            **CHASE,
            "similarity": ((1.0, 0.8), (0.8, 1.0), (0.8, 0.82), (0.8, 0.82)),
            "pay": 0.0,
            "start": (0, 1, 0, 0),
        },
        labels=("gain left, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="lines 20 to 32: after a switch",
        says=r"Within the loop the learner leaves its current coalition, $C_j \leftarrow C_j \setminus \{i\}$; $j$ and "
        r"$U_{j,i}$ are set before it.",
        instead="$j$ as it was set; or the learner's current coalition, from which the loop goes on.",
        why="A learner who would earn 0, 1 and 2 in three coalitions ends in two of them, by the first reading.",
        verdict=Verdict.AMBIGUOUS,
        printed=coalitions_joined,
        correct=coalitions_left,
        at={"worth": (0.0, 1.0, 2.0)},
        labels=("j as it was set", "j as it is now"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="lines 20 to 24: which coalition is joined",
        says="The text lets a learner rank all other coalitions; the listing moves it at the first that is better.",
        instead="The best, by the text; the toolkit has both rules.",
        why="The same learner, if the loop is left after a switch.",
        verdict=Verdict.AMBIGUOUS,
        printed=first_better,
        correct=lambda worth: best(worth),
        at={"worth": (0.0, 1.0, 2.0)},
        labels=("the first better", "the best"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 1",
        about="lines 25 to 29: the update is made twice",
        says=r"$C_j \leftarrow C_j \setminus \{i\}$, $C_{j'} \leftarrow C_{j'} \cup \{i\}$, then "
        r"$\Pi \leftarrow \Pi \setminus \{C_j, C_{j'}\} \cup \{C_j \setminus \{i\}, C_{j'} \cup \{i\}\}$.",
        instead="One of the two.",
        why="If coalitions are sets, the new ones are not in the partition, the old ones stay there, and two "
        "coalitions become four.",
        verdict=Verdict.AMBIGUOUS,
        printed=twice,
        correct=lambda partition, **_: len(partition),
        at={"partition": ((0, 2, 3), (1,)), "i": 3},
        labels=("coalitions, done twice", "done once"),
    ),
)
