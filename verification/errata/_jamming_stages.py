"""The jamming paper, section 3.1: the stage games, how many equilibria they have, and what is observed of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from random import Random

from models.jamming._model import jamming_model
from verification.errata._jamming_exact import (
    bordered,
    corners,
    det,
    equilibria,
    exact,
    gains,
    indifferent,
    regrets,
    regular,
    stage,
    supports,
    transposed,
)
from verification.errata._record import Record, Undefined, Verdict

_record = partial(Record, paper="jamming")

POWERS = (0.5, 1, 1.5)


# --- the stage games and their union ----------------------------------------------------------------------------------


def _different(channels: int, powers: Sequence[float]) -> int:
    """How many of the stage games of all pairs of states, channel and power of both players, are different."""
    states = [f for f in range(channels) for _ in powers]
    model = jamming_model(channels, powers)
    games = (model.stage_game(f, h) for f in states for h in states)
    return len({game.A.tobytes() + game.B.tobytes() for game in games})


LINE = tuple(tuple(abs(f - g) / 3 for g in range(4)) for f in range(4))

STAGES = (
    _record(
        where="Section 3.1",
        about="number of stage games",
        says=r"The game is divided into $n_f \cdot n_{C^T}$ subgames, one for each combination of possible states of "
        r"the transmitter and the jammer.",
        verdict=Verdict.WRONG,
        printed=lambda channels, powers: channels * len(powers),
        correct=_different,
        at={"channels": 4, "powers": (0.5, 1, 1.5)},
        instead="$n_f^2$ of the $(n_f n_C)^2$ combinations are different, as only previous channels matter; two, same "
        "channel or not, if all channels are alike.",
        why="All 144 pairs of states are formed, and 16 games are different.",
    ),
    _record(
        where="Section 3.1",
        about="the union of stage equilibria: costly hops",
        says="A union of equilibria strategies of all combinations of the states within the game may be considered as "
        "the Nash equilibrium of the game.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda hop, **_: gains(0, hop=hop, channels=2, powers=[1]),
        correct=lambda hop, discount: gains(discount, hop=hop, channels=2, powers=[1]),
        at={"hop": 25, "discount": 0.9},
        labels=("the next step alone", "later steps, discounted"),
        instead="By definition, of players who look at the next step alone, as section 3 can be read; of players who "
        "look further only under conditions, see the next two.",
        why="Gains per step by deviating, transmitter and jammer. Nobody hops for the sake of one step, so that a "
        "transmitter on the jammer's channel stays there; to leave once, for 25, would earn 20 more in every later "
        "step.",
    ),
    _record(
        where="Section 3.1",
        about="the union of stage equilibria: channels in a line",
        says="A union of equilibria strategies of all combinations of the states within the game may be considered as "
        "the Nash equilibrium of the game.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda hop, **_: gains(0, hop=hop),
        correct=lambda hop, discount: gains(discount, hop=hop),
        at={"hop": LINE, "discount": 0.9},
        labels=("the next step alone", "later steps, discounted"),
        instead=r"As before. If later steps count and all stage equilibria are completely mixed: iff the mean cost of "
        r"a hop, with weights $\frac{1}{R_f + X}$, is the same from every channel, for both players.",
        why="(1) has one $H$ and one $R^T$ for all channels. If they may differ, as here, where a hop costs a third "
        "per channel passed, the stage equilibria ignore that a channel is worth more if hops from it cost less.",
    ),
    _record(
        where="Section 3.1",
        about="the union of stage equilibria: channels alike",
        says="A union of equilibria strategies of all combinations of the states within the game may be considered as "
        "the Nash equilibrium of the game.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: (0, 0),
        correct=lambda hop, discount: gains(discount, hop=hop),
        at={"hop": 2, "discount": 0.9},
        why="With like channels and completely mixed stage equilibria it is, for every discount: every state is worth "
        "the same, so that what comes later decides nothing.",
    ),
)


# --- how many equilibria ----------------------------------------------------------------------------------------------


def _best_replies(channels: int, powers: Sequence[float]) -> int:
    """How many rows are best against the highest power on the channel where both were."""
    A, _ = stage(0, 0, channels=channels, powers=powers)
    worth = [row[len(powers) - 1] for row in A]
    return worth.count(max(worth))


def _listed(channels: int, hop: float) -> tuple[int, bool]:
    """How many extreme equilibria there are with one power, and whether those between the first two are, too."""
    A, B = stage(0, 0, channels=channels, powers=[1], hop=hop)
    (x, y), (other, z) = sorted(equilibria(A, B))[:2]
    between = [
        (tuple((1 - t) * p + t * q for p, q in zip(x, other, strict=True)), y) for t in (Fraction(1, 4), Fraction(1, 2))
    ]
    return len(equilibria(A, B)), y == z and all(not any(regrets(A, B, *pair)) for pair in between)


def _parities(seed: int, games: int) -> tuple[int, ...]:
    """The number of equilibria, modulo 2, of 3 by 3 games in which no mix has more best replies than actions."""
    found: list[int] = []
    draw = Random(seed).randint
    while len(found) < games:
        A, B = (exact([[draw(-50, 50) for _ in range(3)] for _ in range(3)]) for _ in "AB")
        tight = [len(idle) + len(best) for M in (transposed(B), A) for idle, best in corners(M).values()]
        if set(tight) == {3}:
            found.append(len(equilibria(A, B)) % 2)
    return tuple(found)


def constructed(d: int) -> int:
    """Equilibria of a nondegenerate d by d game, d even: von Stengel, Discrete Comput. Geom. 21 (1999), 557-568.

    Examples
    --------
    >>> constructed(4), constructed(6)
    (15, 75)
    """
    return _delannoy(d // 2) + _delannoy(d // 2 - 1) - 1


def _delannoy(n: int) -> int:
    return sum(math.comb(n + k, k) * math.comb(n, k) for k in range(n + 1))


NUMBER = (
    _record(
        where="Section 3.1",
        about="stage games are nondegenerate",
        says=r"Each of the subgames $(A_{ij}, B_{ij})$ is a nondegenerate bimatrix game.",
        verdict=Verdict.WRONG,
        printed=lambda **_: 1,
        correct=_best_replies,
        at={"channels": 4, "powers": POWERS},
        labels=("best replies to one action, at most", "best replies"),
        instead="Degenerate if there are three like channels or more, an equal power jams, and a success is worth "
        "more than a hop.",
        why="Against the highest power on the channel where both were, the least power on every other channel is best.",
    ),
    _record(
        where="Section 3.1",
        about="an odd number of equilibria: the paper's games",
        says="There exists an odd number of equilibria for each subgame.",
        verdict=Verdict.WRONG,
        printed=lambda **_: (1, False),
        correct=lambda channels, hop: (_listed(channels, hop)[0] % 2, _listed(channels, hop)[1]),
        at={"channels": 3, "hop": 12},
        labels=("odd, and no continuum", "extreme ones modulo 2, and whether all between are equilibria"),
        instead="Odd where a game is nondegenerate; these need not be, and may have infinitely many.",
        why="One power, rewards and penalties of 10: two extreme equilibria, and all between them. (11) holds.",
    ),
    _record(
        where="Section 3.1",
        about="an odd number of equilibria: nondegenerate games",
        says="A nondegenerate bimatrix game has an odd number of equilibria.",
        verdict=Verdict.RIGHT,
        printed=lambda games, **_: (1,) * games,
        correct=_parities,
        at={"seed": 0, "games": 6},
        why="Numbers modulo 2, by enumeration, of games that are found to be nondegenerate.",
    ),
    _record(
        where="Section 3.1",
        about="bound on the number of equilibria",
        says=r"The upper bound on the number of equilibria in $d \times d$ games is $\frac{2.41^d}{d^{1/2}}$.",
        verdict=Verdict.WRONG,
        printed=lambda d: 2.41**d / d**0.5,
        correct=constructed,
        at={"d": 40},
        labels=("at most, as printed", "of a game that exists"),
        instead=r"A lower bound on the greatest number: some games have about $0.949 \cdot 2.414^d / \sqrt{d}$. The "
        r"upper bound known grows like $2.6^d / \sqrt{d}$.",
        why=r"Von Stengel's games have more than this from $d = 32$ on; his formula gives 15 and 75 for $d = 4$ and "
        r"6. (The rounding of $1 + \sqrt{2}$ to 2.41 lets them pass it; by his abstract it is a new lower bound.)",
    ),
)


# --- what is said of the paper's own games ----------------------------------------------------------------------------


def _satisfied(rules: Sequence[str]) -> tuple[bool, ...]:
    """Whether (11) holds in all stage games of three channels and two powers."""
    found = []
    for rule in rules:
        games = [stage(f, h, channels=3, powers=[1, 2], success=rule) for f in range(2) for h in range(2)]
        found.append(all(regular(A, B) for A, B in games))
    return tuple(found)


def _determinants(channels: int, powers: Sequence[float], hops: Sequence[float]) -> tuple[Fraction, ...]:
    """det(A, e) in units of a power of the stakes, for each cost of a hop and two states."""
    games = [stage(0, h, channels=channels, powers=powers, hop=hop)[0] for hop in hops for h in (0, 1)]
    return tuple(det(bordered(A)) / 20 ** (len(A) - 1) for A in games)


def _on_supports(hop: float, powers: Sequence[float], rows: Sequence[int], columns: Sequence[int]) -> tuple[int, int]:
    """The equilibrium on given supports, from channels 0 and 1: its supports."""
    A, B = stage(0, 1, hop=hop, powers=powers)
    part = indifferent(*([[M[i][j] for j in columns] for i in rows] for M in (A, B)))
    if part is None:
        raise Undefined("supports of other equilibria")
    x, y = (
        tuple(dict(zip(used, mix, strict=True)).get(k, Fraction(0)) for k in range(len(A)))
        for used, mix in zip((rows, columns), part, strict=True)
    )
    return supports(A, B, x, y)


def _single(channels: int, powers: Sequence[float]) -> tuple[int, ...]:
    """How many equilibria the stage games of both kinds have."""
    return tuple(len(equilibria(*stage(0, h, channels=channels, powers=powers))) for h in (0, 1))


OBSERVED = (
    _record(
        where="Section 3.1",
        about="(11) holds in all stage games: who jams whom",
        says="It may be computationally shown that all of the subgames satisfy (11).",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda rules: (True,) * len(rules),
        correct=_satisfied,
        at={"rules": ("threshold", "strict", "same-channel")},
        labels=("(11) holds, as printed", "(11) holds"),
        instead="With an equal or a higher power that jams; not where only a higher one does, nor, with two powers or "
        "more, where any does. Section 3 does not say which.",
        why="Three channels and two powers, all kinds of states, rule by rule.",
    ),
    _record(
        where="Section 3.1",
        about="(11) holds in all stage games: an equal power jams",
        says="It may be computationally shown that all of the subgames satisfy (11).",
        verdict=Verdict.RIGHT,
        printed=lambda channels, hops, **_: (channels,) * 2 * len(hops),
        correct=_determinants,
        at={"channels": 4, "powers": POWERS, "hops": (1, 6, 25)},
        labels=("channels", "det(A, e) in stakes"),
        why=r"It can be shown by hand: $\det(A, \mathbf{e}) = (-1)^n n_f (R + X)^{n - 1}$, whatever the state and the "
        r"costs. So (11) says who jams whom, and nothing of costs, and cannot tell where equilibria are completely "
        r"mixed.",
    ),
    _record(
        where="Section 3.1",
        about="equilibria are completely mixed: costly powers",
        says=r"It may indeed be observed that $\mathrm{supp}(x^*) = \mathrm{supp}(y^*) = n_f \cdot n_{C^T}$.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda powers, **_: (4 * len(powers),) * 2,
        correct=_on_supports,
        at={"hop": 1, "powers": (3, 6, 9), "rows": (0, 1, 3, 4, 6, 7, 9, 10), "columns": (0, 1, 3, 4, 6, 7, 9, 10)},
        labels=("actions used, as observed", "in the equilibrium with these"),
        instead="So it is where the two inequalities given at (11) hold. Section 3 has no numbers to check.",
        why="Powers that cost 3, 6 and 9, for rewards and penalties of 10 on four channels: the highest is not used.",
    ),
    _record(
        where="Section 3.1",
        about="equilibria are completely mixed: costly hops",
        says=r"It may indeed be observed that $\mathrm{supp}(x^*) = \mathrm{supp}(y^*) = n_f \cdot n_{C^T}$.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda powers, **_: (4 * len(powers),) * 2,
        correct=_on_supports,
        at={"hop": 25, "powers": POWERS, "rows": (0,), "columns": (3,)},
        labels=("actions used, as observed", "in the equilibrium with these"),
        instead="As before.",
        why="A hop of 25 is made by nobody: from different channels both stay, at the least power.",
    ),
    _record(
        where="Section 3.1",
        about="a single equilibrium",
        says="Trying to find multiple equilibria has resulted in a single (completely mixed) one for each subgame.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: (1, 1),
        correct=_single,
        at={"channels": 2, "powers": (1, 2)},
        why=r"By enumeration, for both kinds of states. Where one is completely mixed, it is a theorem: $\frac{A}{R^T "
        r"+ X^T} + \frac{B}{R^J + X^J}$ is a number by row plus a number by column, so best replies are those of a "
        r"zero-sum game, whose equilibria form a product; with (11) that is one point.",
    ),
)
