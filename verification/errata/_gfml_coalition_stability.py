"""Section IV-C of the dual-game paper: what the coalition game is, and what is stable in it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import numpy as np

from verification.errata._gfml_coalition_play import (
    GAIN,
    OUT,
    Game,
    Slots,
    company,
    moved,
    play_with_history,
)
from verification.errata._record import Record, Verdict

Coalition = tuple[int, tuple[int, ...]]
"""A slot and its members."""

# --- games -----------------------------------------------------------------------------------------------------------

APART = {
    "similarity": ((1.0, 0.0), (0.0, 1.0), (0.5, 0.2), (0.5, 0.2)),
    "data": (1.0,) * 4,
    "prizes": (5.0, 5.0),
    "frequency": 0.9,
}
"""Two heads who differ, and two learners who are alike."""

CHASE = {
    "similarity": ((0.8, 0.8),) * 4,
    "data": (1.0,) * 4,
    "prizes": (5.0, 5.0),
    "frequency": 0.3,
    "reputations": (1.0, 1.0, 0.1, 1.0),
    "pay": 5.0,
    "heads": (0, 1),
}
"""Learner 2, of low reputation, seeks learner 3, who flees."""

TWINS = {
    "similarity": ((0.8, 0.8),) * 3,
    "data": (1.0,) * 3,
    "prizes": (5.0, 5.0),
    "frequency": 0.3,
    "heads": (0, 1),
}
"""Heads who are alike, and one learner."""

WELCOME = {
    **TWINS,
    "similarity": ((0.8, 0.8), (0.8, 0.8), (0.8, 0.2)),
    "reputations": (0.1, 0.1, 1.0),
    "pay": 5.0,
}
"""Heads of low reputation, and a learner of high reputation."""

UNEVEN = {
    "similarity": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.1023, 0.0791, 0.0), (0.0775, 0.0, 0.0239)),
    "data": (0.3, 0.8, 1.0, 2.4, 1.0),
    "prizes": (8.0, 7.7, 14.1),
    "frequency": 0.3,
    "heads": (0, 1, 2),
}
"""Three heads and two learners of unequal data."""

TO_THE_LETTER = {
    "similarity": (
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.0, 0.0, 1.0),
        (0.79, 0.53, 0.49),
        (0.82, 0.58, 0.56),
        (0.77, 0.66, 0.53),
    ),
    "data": (0.2, 0.2, 4.0, 0.5, 2.0, 4.0),
    "prizes": (5.0, 2.0, 8.0),
    "frequency": 0.6,
    "reputations": (1.0, 0.8, 0.8, 2.0, 1.0, 0.1),
    "pay": 5.0,
    "own": True,
    "heads": (0, 1, 2),
}
"""Three heads and three learners, each paid for its own reputation."""

DRAWN = {
    "similarity": ((1.0, 0.1), (0.1, 1.0), (0.7, 0.4), (0.3, 0.9), (0.6, 0.5)),
    "data": (1.0, 2.0, 3.0, 1.5, 0.5),
    "prizes": (6.0, 5.0),
    "frequency": 0.6,
    "reputations": (1.2, 0.8, 0.2, 1.0, 0.4),
    "pay": 3.0,
    "heads": (0, 1),
}
"""Nothing special."""

# --- preferences -----------------------------------------------------------------------------------------------------


def options(game: Game, i: int) -> list[Coalition]:
    """The coalitions that learner `i` may be in."""
    others = [k for k in range(game.learners) if k != i]
    groups = itertools.chain.from_iterable(itertools.combinations(others, n) for n in range(len(others) + 1))
    return [(j, (*group, i)) for group in groups for j in range(len(game.prizes))]


def worth(game: Game, i: int, coalition: Coalition) -> float:
    """What learner `i` earns in that coalition."""
    j, members = coalition
    return game.utility(tuple(j if k in members else OUT for k in range(game.learners)), i)


def is_order(i: int, **numbers: Any) -> tuple[bool, bool, bool]:
    """Whether "earns at least as much in" is reflexive, complete and transitive."""
    values = worths(i, **numbers)
    weak = np.greater_equal.outer(values, values)
    through = (weak.astype(int) @ weak.astype(int)) > 0
    return bool(weak.diagonal().all()), bool((weak | weak.T).all()), bool((weak | ~through).all())


def worths(i: int, **numbers: Any) -> list[float]:
    """What learner `i` earns in all coalitions that it may be in, without rounding errors."""
    game = made(**numbers)
    return [round(worth(game, i, coalition), 9) for coalition in options(game, i)]


def made(**numbers: Any) -> Game:
    """The game of a record's numbers."""
    return Game(**numbers)


def strict_pairs(i: int, **numbers: Any) -> int:
    """How many ordered pairs of coalitions (19) ranks strictly."""
    values = worths(i, **numbers)
    return sum(a > b for a in values for b in values)


def ranked_pairs(i: int, **numbers: Any) -> int:
    """The same from sizes of the classes of equal coalitions."""
    _, sizes = np.unique(worths(i, **numbers), return_counts=True)
    return int((sizes.sum() ** 2 - (sizes**2).sum()) // 2)


def weak_from_strict(i: int, **numbers: Any) -> int:
    """How many ordered pairs are related by "not strictly less", from the strict relation alone."""
    values = worths(i, **numbers)
    strict = {(a, b) for a, b in itertools.product(range(len(values)), repeat=2) if values[a] > values[b]}
    return sum((b, a) not in strict for a, b in itertools.product(range(len(values)), repeat=2))


def weak_by_rank(i: int, **numbers: Any) -> int:
    """The same by counting, for each coalition, those of its class and of lower ones."""
    ordered = np.sort(worths(i, **numbers))
    return int(np.searchsorted(ordered, ordered, side="right").sum())


# --- stability -------------------------------------------------------------------------------------------------------


def stable_by_definition(**numbers: Any) -> tuple[Slots, ...]:
    """The partitions that satisfy Definition 6."""
    game = made(**numbers)
    return tuple(slots for slots in game.partitions() if game.stable(slots))


def stable_by_tables(**numbers: Any) -> tuple[Slots, ...]:
    """The pure equilibria of the game in which movers choose slots, where each plays a best reply in its table."""
    game = made(**numbers)
    shape = (len(game.prizes),) * len(game.movers)
    found = list(game.partitions())
    best = np.ones(shape, dtype=bool)
    for axis, i in enumerate(game.movers):
        table = np.array([game.utility(slots, i) for slots in found]).reshape(shape)
        best &= table >= table.max(axis=axis, keepdims=True) - GAIN
    return tuple(slots for slots, is_best in zip(found, best.ravel(), strict=True) if is_best)


def printed_individually_stable(slots: Slots, **numbers: Any) -> bool:
    """Definition 7 to the letter."""
    game = made(**numbers)
    before = game.utilities(slots)
    for i, j in itertools.product(game.movers, range(len(game.prizes))):
        if j != slots[i]:
            after = game.utilities(moved(slots, i, j))
            if after[i] >= before[i] and all(before[k] >= after[k] for k in company(slots, j)):
                return False
    return True


def by_sets(slots: Slots, i: int, j: int) -> tuple[tuple[int, ...], ...]:
    """The coalitions after a switch, by the formula of Definition 5."""
    partition = {company(slots, slot) for slot in set(slots)}
    left, joined = company(slots, slots[i]), company(slots, j)
    return in_order((partition - {left, joined}) | {left - {i}, joined | {i}})


def in_order(partition: set[frozenset[int]]) -> tuple[tuple[int, ...], ...]:
    """Its coalitions, sorted."""
    return tuple(sorted(tuple(sorted(members)) for members in partition))


def after_switch(slots: Slots, i: int, j: int) -> tuple[tuple[int, ...], ...]:
    """The same from where each learner is."""
    end = moved(slots, i, j)
    return in_order({company(end, slot) for slot in set(end)})


def most_utilities(**numbers: Any) -> int:
    """How many utilities a learner has in one slot with the same members, at most, however all others are arranged."""
    game, found = made(**numbers), defaultdict(set)
    for slots, i in itertools.product(game.partitions(), range(game.learners)):
        found[i, slots[i], company(slots, slots[i])].add(round(game.utility(slots, i), 9))
    return max(map(len, found.values()))


def alone(**numbers: Any) -> float:
    """The most that a learner gains by acting alone, for nothing, in the first Nash-stable partition."""
    game = made(**numbers)
    slots = next(slots for slots in game.partitions() if game.stable(slots))
    return max(game.utility(moved(slots, i, OUT), i) - game.utility(slots, i) for i in game.movers)


def preferred_by_all(slots: Slots, i: int, j: int, **numbers: Any) -> bool:
    """Whether everybody gains by a switch."""
    game = made(**numbers)
    pairs = zip(game.utilities(moved(slots, i, j)), game.utilities(slots), strict=True)
    return all(after > before for after, before in pairs)


RECORDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Condition 1",
        about="what makes a game hedonic",
        says='"The utility of any player depends solely on the members of the coalition to which the player belongs", '
        "and coalitions form by the players' preferences.",
        why="These are the conditions of a hedonic game. Of (10) the first is checked over all partitions: a learner "
        "with the same members under the same head has one utility. (The text uses cooperative for hedonic; hedonic "
        "games are a kind of cooperative games.)",
        verdict=Verdict.RIGHT,
        printed=lambda **_: 1,
        correct=most_utilities,
        at=TO_THE_LETTER,
        labels=("utilities, as printed", "found, at most"),
    ),
    Record(
        paper="gfml",
        where="Proposition 1",
        about="what a learner's utility depends on",
        says=r"$U_{j,i}$ depends solely on the learners in the coalition $C_j$, so the game is hedonic.",
        instead="A coalition is a set of learners; or a slot $j$ and learners, since similarity and prize belong to "
        "the slot. By the second the game is hedonic, if heads stay where they are, and if nothing depends on what was "
        "joined before.",
        why="Learners 2 and 3 are together and alone, under one head and under the other: not the same utility, as the "
        "first would have it.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: (made(**numbers).utility((1, 1, 0, 0), 2),) * 2,
        correct=lambda **numbers: tuple(made(**numbers).utility((1 - j, 1 - j, j, j), 2) for j in (0, 1)),
        at=APART,
        labels=("utility under each head, if only members matter", "if the slot does too"),
    ),
    Record(
        paper="gfml",
        where="Definition 1",
        about="whether the head is a member",
        says=r"A coalition is $C_j \subseteq \mathcal N^a$, where $j$ is the index of the coalition head.",
        instead="Either: a coalition nobody volunteers for is said to be empty, so that heads are not members; "
        "but section III-A has heads among the followers, and Algorithm 1 chooses them among the members.",
        why="Partitions of four learners, of whom two are heads, if heads are anywhere, and if each is in its own "
        "coalition.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: len(list(made(**{**numbers, "heads": ()}).partitions())),
        correct=lambda **numbers: len(list(made(**numbers).partitions())),
        at=CHASE,
        labels=("partitions, heads anywhere", "heads in their own"),
    ),
    Record(
        paper="gfml",
        where="Definition 2",
        about="who is in a coalition",
        says=r"$\bigcup_j C_j = \mathcal N^a$: every learner is in one; under it, a learner does not participate "
        "where its utility is negative.",
        instead="In one; or in one or in none, with $M + 1$ options.",
        why="With costs of 9 the best of the $M$ coalitions is worth $-5$ to learner 2; out is worth 0.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: max(made(**numbers).utility((0, 1, j, 0), 2) for j in (0, 1)),
        correct=lambda **numbers: max(made(**numbers).utility((0, 1, j, 0), 2) for j in (OUT, 0, 1)),
        at={**APART, "cost": 9.0},
        labels=("the best of M", "of M + 1"),
    ),
    Record(
        paper="gfml",
        where="Definition 3",
        about="preferences",
        says=r"$\succeq_i$ is reflexive, complete and transitive.",
        why="So it is, as it compares numbers: checked for all pairs and triples of coalitions of one learner.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: (True, True, True),
        correct=is_order,
        at={**DRAWN, "i": 2},
    ),
    Record(
        paper="gfml",
        where="(19)",
        about="strict preference",
        says=r"$C_j \succ_i C_{j'} \iff U_{j,i} > U_{j',i}$.",
        why="It ranks all pairs but those of equal worth: counted pair by pair, and from the sizes of classes of "
        "equal worth.",
        verdict=Verdict.RIGHT,
        printed=strict_pairs,
        correct=ranked_pairs,
        at={**CHASE, "i": 2},
    ),
    Record(
        paper="gfml",
        where="Section IV-C",
        about="the history rule",
        says="The complexity can be reduced by saving the history $h(i)$ of the coalitions that a learner has joined, "
        "and avoiding revisiting them.",
        instead="Whether what is reached so is meant to be Nash-stable is not said. The rule makes every run end, but "
        "not always at such a partition; and preferences alone then do not decide what forms, as condition 2 of "
        "hedonic games has it.",
        why="The game has no Nash-stable partition. The run ends where a learner would still gain by a coalition "
        "that it has been in.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda **_: 0.0,
        correct=lambda start, **numbers: made(**numbers).regret(play_with_history(made(**numbers), start)),
        at={**CHASE, "start": (0, 1, 0, 1)},
        labels=("gain left at the end, if Nash-stable", "with the rule"),
    ),
    Record(
        paper="gfml",
        where="Definition 4",
        about="the game",
        says=r"A hedonic game is a pair $(\mathcal N^a, \succ)$ of players and their strict preferences.",
        why=r"Strict preferences are enough: with Definition 3, $a \succeq_i b$ is that not $b \succ_i a$; pairs "
        "are counted from the strict relation and from ranks.",
        verdict=Verdict.RIGHT,
        printed=weak_from_strict,
        correct=weak_by_rank,
        at={**CHASE, "i": 2},
    ),
    Record(
        paper="gfml",
        where="Definition 5",
        about="the partition after a switch",
        says=r"$\Pi' = \Pi \setminus \{C_j, C_{j'}\} \cup \{C_j \setminus \{i\}, C_{j'} \cup \{i\}\}$.",
        why="The sets are those read off from where each learner then is.",
        verdict=Verdict.RIGHT,
        printed=by_sets,
        correct=after_switch,
        at={"slots": (0, 1, 2, 0, 1), "i": 3, "j": 2},
    ),
    Record(
        paper="gfml",
        where="Definition 5",
        about="who must prefer the switch",
        says=r"$C_{j'} \cup \{i\} \succ C_j$, where $\succ$, by Definition 4, is the profile of all learners' "
        "preferences.",
        instead=r"$C_{j'} \cup \{i\} \succ_i C_j$: learner $i$ alone, as the text says, regardless of others.",
        why="Learner 3 gains by leaving learner 2, who loses.",
        verdict=Verdict.AMBIGUOUS,
        printed=preferred_by_all,
        correct=lambda slots, i, j, **numbers: made(**numbers).gain(slots, i, j) > 0,
        at={**CHASE, "slots": (0, 1, 0, 0), "i": 3, "j": 1},
        labels=("a switch if all gain", "if the learner gains"),
    ),
    Record(
        paper="gfml",
        where="Definition 6",
        about="Nash-stability",
        says=r"$\Pi$ is Nash-stable if $C_j \succeq_i C_{j'} \cup \{i\}$ for all $i \in C_j$, $j' \ne j$.",
        why="These partitions are the pure equilibria of the game in which learners choose slots, found from "
        "tables of payoffs.",
        verdict=Verdict.RIGHT,
        printed=stable_by_definition,
        correct=stable_by_tables,
        at=UNEVEN,
        labels=("by the definition", "by tables"),
    ),
    Record(
        paper="gfml",
        where="Definition 6",
        about="acting individually",
        says=r'No player gains by joining another coalition "or acting individually".',
        instead=r"The formula has only the $M$ coalitions; acting alone needs an option of its own.",
        why="With costs of 9 a partition satisfies the formula, and a learner would gain 5 by acting alone for "
        "nothing.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **numbers: 0.0 if stable_by_definition(**numbers) else None,
        correct=alone,
        at={**APART, "heads": (0, 1), "cost": 9.0},
        labels=("gain by the formula", "by acting alone"),
    ),
    Record(
        paper="gfml",
        where="Definition 7",
        about="a partition that it wrongly excludes",
        says=r"No $i$ with $C_{j'} \cup \{i\} \succeq_i C_j$ and $C_{j'} \succeq_k C_{j'} \cup \{i\}$ for all $k "
        r"\in C_{j'}$.",
        instead=r"No $i$ with $C_{j'} \cup \{i\} \succ_i C_j$ and $C_{j'} \cup \{i\} \succeq_k C_{j'}$ for all $k "
        r"\in C_{j'}$.",
        why="A learner earns the same under two heads. The partition is Nash-stable, yet fails the printed "
        "definition, which counts a move that gains nothing and harms who is joined. The text below it, and the "
        "standard, decide.",
        verdict=Verdict.WRONG,
        printed=printed_individually_stable,
        correct=lambda slots, **numbers: made(**numbers).individually_stable(slots),
        at={**TWINS, "slots": (0, 1, 0)},
    ),
    Record(
        paper="gfml",
        where="Definition 7",
        about="a partition that it wrongly admits",
        says=r"The same, with $C_{j'} \succeq_k C_{j'} \cup \{i\}$: who is joined would rather be spared.",
        instead=r"$C_{j'} \cup \{i\} \succeq_k C_{j'}$: who is joined does not lose.",
        why="The learner would gain 3 by going to head 0, who would gain by its reputation; the printed "
        "definition sees no such move.",
        verdict=Verdict.WRONG,
        printed=printed_individually_stable,
        correct=lambda slots, **numbers: made(**numbers).individually_stable(slots),
        at={**WELCOME, "slots": (0, 1, 1)},
    ),
)
