"""Section IV-B of the dual-game paper: contributions and reputations, equations (14) to (18)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from verification.errata._gfml_coalition_profit import Vector, cosine
from verification.errata._record import Record, Verdict, log

Numbers = tuple[float, ...]

# --- contributions, (14) and (15) ------------------------------------------------------------------------------------


def contributed(training: float, slack: float) -> float:
    """(14)."""
    return (training + 1) * log(1 + slack)


def trained(norms: Iterator[float] | Numbers, data: float) -> float:
    """(15)."""
    error = 1 + 1 / math.sqrt(data)
    return math.fsum(norm**2 - 2 * error * norm for norm in norms)


def least_trained(steps: int, data: float) -> float:
    """The least value of (15), at the zero of the derivative of its parabola in each norm."""
    term = np.poly1d([1.0, -2 * (1 + 1 / math.sqrt(data)), 0.0])
    return float(steps * term(term.deriv().roots[0]))


def norms_of_descent(start: float, rate: float, steps: int) -> Numbers:
    """The lengths of the gradients met by gradient descent on theta^2 / 2."""
    return tuple(start * (1 - rate) ** t for t in range(steps))


def descended(start: float, rate: float, steps: int) -> float:
    """By how much that lowers the loss."""
    end = start * (1 - rate) ** steps
    return (start**2 - end**2) / 2


def ahead(honest: float, idle: float) -> str:
    """Who has more."""
    return "honest" if honest > idle else "idle"


def first_by_contribution(users: tuple[tuple[float, float], ...], per_second: float) -> int:
    """The user, from 1, whose contribution (14) is greatest if times are in units of which a second has so many."""
    found = [contributed(training, slack * per_second) for training, slack in users]
    return found.index(max(found)) + 1


CONTRIBUTIONS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(14)",
        about="when a contribution is 0",
        says=r'$\vartheta$ is 0 where the learner has "the lowest contribution to the training, as indicated by $u '
        '= -1$, and when it has the longest task completion time".',
        instead="Where either is so, and the second only if no time is left to the deadline.",
        why="A learner of the greatest contribution with no time left: 0, though only one of the two holds.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda training, slack: training == -1 and slack == 0,
        correct=lambda training, slack: contributed(training, slack) == 0,
        at={"training": 1.0, "slack": 0.0},
        labels=("0 if both", "0 by the formula"),
    ),
    Record(
        paper="gfml",
        where="(14)",
        about="a learner who is late",
        says=r"$\vartheta = (u + 1) \log(1 + T_{max} - T^{comp} - T^{comm})$.",
        instead=r"Here $(u + 1) \log(1 + x^+)$, with $x$ the time left: 0 for who is late.",
        why="A second and a half after the deadline the logarithm is undefined. By (22) nobody is late; of who is "
        "nevertheless, as misbehaving users may be, nothing is said.",
        verdict=Verdict.UNSPECIFIED,
        printed=contributed,
        correct=lambda training, slack: (training + 1) * log(1 + max(slack, 0.0)),
        at={"training": 1.0, "slack": -1.5},
        labels=("as printed", "a choice"),
    ),
    Record(
        paper="gfml",
        where="(14)",
        about="a learner who is late and harms the training",
        says=r"$\vartheta = (u + 1) \log(1 + T_{max} - T^{comp} - T^{comm})$.",
        instead=r"Here $(u + 1) \log(1 + x^+)$, and $u$ cut or scaled to $[-1, 1]$.",
        why="With $u = -2$, which (15) allows, and half a second too late, two negative factors make a "
        "contribution of 0.69.",
        verdict=Verdict.UNSPECIFIED,
        printed=contributed,
        correct=lambda training, slack: (max(training, -1.0) + 1) * log(1 + max(slack, 0.0)),
        at={"training": -2.0, "slack": -0.5},
        labels=("as printed", "a choice"),
    ),
    Record(
        paper="gfml",
        where="(14)",
        about="the unit of time",
        says=r"$\log(1 + T_{max} - T^{comp} - T^{comm})$, of a time.",
        instead="In seconds, as Table II has times; the base of the logarithm does not matter.",
        why="Of $u = 1$ with half a second left and $u = 0$ with two seconds left, the second contributes more by "
        "seconds and the first by milliseconds.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda users: first_by_contribution(users, 1000.0),
        correct=lambda users: first_by_contribution(users, 1.0),
        at={"users": ((1.0, 0.5), (0.0, 2.0))},
        labels=("first by milliseconds", "first by seconds"),
    ),
    Record(
        paper="gfml",
        where="(15)",
        about="its least value",
        says=r"$u = \sum_{t=0}^{\tau-1} (\lVert g_t \rVert^2 - 2 (1 + 1/\sqrt{D}) \lVert g_t \rVert) \in [-1, 1]$.",
        instead=r"$u \ge -\tau (1 + 1/\sqrt{D})^2$; it has to be cut or scaled, which is a choice.",
        why="With the ten steps and batches of 40 of Table II $u$ can be $-13.41$, and then (14) is negative.",
        verdict=Verdict.WRONG,
        printed=lambda **_: -1.0,
        correct=least_trained,
        at={"steps": 10, "data": 40.0},
    ),
    Record(
        paper="gfml",
        where="(15)",
        about="its greatest value",
        says=r"$u \in [-1, 1]$.",
        instead="There is no upper bound.",
        why="Ten gradients of length 5 and 40 samples: 134.19.",
        verdict=Verdict.WRONG,
        printed=lambda norms, data: min(1.0, trained(norms, data)),
        correct=trained,
        at={"norms": (5.0,) * 10, "data": 40.0},
    ),
    Record(
        paper="gfml",
        where="(15)",
        about="who leaves out steps",
        says='$u$ is "the contribution of the user to the reduction of the round global loss".',
        instead=r"It falls with each step while $\lVert g \rVert < 2 (1 + 1/\sqrt{D})$; sums of squares alone rise.",
        why="Gradient descent from a gradient of length 1.6: ten steps lower the loss by more than five do, and "
        "have the smaller $u$.",
        verdict=Verdict.WRONG,
        printed=lambda start, rate, data: ahead(
            trained(norms_of_descent(start, rate, 10), data), trained(norms_of_descent(start, rate, 5), data)
        ),
        correct=lambda start, rate, **_: ahead(descended(start, rate, 10), descended(start, rate, 5)),
        at={"start": 1.6, "rate": 0.01, "data": 40.0},
        labels=("ahead, as printed", "ahead, by the loss"),
    ),
)

# --- reputations, (16) to (18) ---------------------------------------------------------------------------------------


def printed_weights(rounds: int, forgetting: float) -> Numbers:
    """Those of rounds 1 to K, as printed."""
    return tuple(forgetting**k for k in range(1, rounds + 1))


def folded(contributions: Numbers, forgetting: float) -> float:
    """What is left of all if in each round what was there shrinks and the new is added."""
    found = 0.0
    for gain in contributions:
        found = forgetting * found + gain
    return found


def folded_weights(rounds: int, forgetting: float) -> Numbers:
    """What a contribution of 1 in each of the rounds is worth in the end."""
    return tuple(folded(tuple(float(k == s) for s in range(rounds)), forgetting) for k in range(rounds))


def weighed(weights: Numbers, contributions: Numbers) -> float:
    """The weighted sum."""
    return math.fsum(w * c for w, c in zip(weights, contributions, strict=True))


def printed_task(contributions: Numbers, led: tuple[int, ...], alike: Numbers, j: int, weights: Numbers) -> float:
    """(17): who led each round, and the similarity of each head to head j."""
    total = 0.0
    for weight, gain, r in zip(weights, contributions, led, strict=True):
        total += weight * ((1 if r == j else 0) * gain + (alike[r] * gain if r != j else 0))
    return total


def by_head(contributions: Numbers, led: tuple[int, ...], alike: Numbers, weights: Numbers) -> float:
    """The sums under each head, times similarities with 1 for the head itself."""
    sums = np.zeros(len(alike))
    np.add.at(sums, np.array(led), np.multiply(weights, contributions))
    return float(sums @ np.array(alike))


def raised(gain: float, alike: float, phi: float) -> float:
    """By how much a contribution under another head raises the reputation (18)."""
    return phi * gain + (1 - phi) * alike * gain


def alike_by(models: tuple[tuple[Vector, Vector], ...], whose: int) -> float:
    """The similarity of two heads' data as the model of one of them embeds both."""
    return cosine(*models[whose])


HISTORY = {"contributions": (1.2, 0.4, 2.0, 0.9), "led": (1, 0, 2, 1)}

REPUTATIONS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(16)",
        about="the weights of rounds",
        says=r"$R^{global} = \sum_{k=1}^K \lambda^k \vartheta^k$, by which more recent contributions are given "
        "greater weight.",
        instead=r"$\sum_k \lambda^{K-k} \vartheta^k$, that is $R \leftarrow \lambda R + \vartheta$.",
        why=r"The weights of rounds 1 and 20 at $\lambda = 0.7$: as printed the oldest counts most.",
        verdict=Verdict.WRONG,
        printed=lambda rounds, forgetting: (
            printed_weights(rounds, forgetting)[0],
            printed_weights(rounds, forgetting)[-1],
        ),
        correct=lambda rounds, forgetting: (
            folded_weights(rounds, forgetting)[0],
            folded_weights(rounds, forgetting)[-1],
        ),
        at={"rounds": 20, "forgetting": 0.7},
        labels=("rounds 1 and 20, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="(16)",
        about="its scale",
        says=r"A sum, compared with the threshold $R_{th} = 0.5$ of Table II.",
        instead=r"A sum, which tends to $\vartheta / (1 - \lambda)$, or a mean; nothing relates either to a "
        "threshold.",
        why=r"Sixty rounds of the same contribution $\log 6$ ($u = 0$, five seconds left).",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda gain, rounds, forgetting: folded((gain,) * rounds, forgetting),
        correct=lambda gain, rounds, forgetting: (
            folded((gain,) * rounds, forgetting) / folded((1.0,) * rounds, forgetting)
        ),
        at={"gain": math.log(6), "rounds": 60, "forgetting": 0.7},
        labels=("sum", "mean"),
    ),
    Record(
        paper="gfml",
        where="(16)",
        about="whose contributions are summed",
        says=r"$R^{global}_{j,i}$ sums $\vartheta^k_{j,i}$, with the index of one coalition.",
        instead="Over all coalitions that the learner was in, as the text says: it does not depend on $j$.",
        why="Four rounds under heads 1, 0, 2, 1: to the letter only the second counts for $j = 0$. Weights are "
        "left out.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda contributions, led: math.fsum(c for c, r in zip(contributions, led, strict=True) if r == 0),
        correct=lambda contributions, **_: math.fsum(contributions),
        at=HISTORY,
        labels=("in coalition 0", "in all coalitions"),
    ),
    Record(
        paper="gfml",
        where="(17)",
        about="direct and indirect reputation",
        says=r"$\mathbf{1}_{r=j} \vartheta_r + \mathbf{1}_{r \ne j} S_{j,r} \vartheta_r$ in each round, $r$ being "
        "who led in it.",
        why="With 1 for the similarity of a head to itself both parts are one product: the sums under each head, "
        "times similarities. Weights are 1 here.",
        verdict=Verdict.RIGHT,
        printed=lambda contributions, led, alike: printed_task(contributions, led, (*alike,), 0, (1.0,) * len(led)),
        correct=lambda contributions, led, alike: by_head(contributions, led, alike, (1.0,) * len(led)),
        at={**HISTORY, "alike": (1.0, 0.6, -0.3)},
    ),
    Record(
        paper="gfml",
        where="(17)",
        about="the weights of rounds",
        says=r"$R^{task} = \sum_{k=1}^K \lambda^k (\ldots)$.",
        instead=r"$\sum_k \lambda^{K-k} (\ldots)$, as in (16).",
        why="A learner who once did well under this head, and since under an unrelated one, has the higher "
        "reputation as printed than one who did so the other way round. The difference of the two is shown.",
        verdict=Verdict.WRONG,
        printed=lambda alike, forgetting: (
            printed_task((1.0, 1.0), (0, 1), alike, 0, printed_weights(2, forgetting))
            - printed_task((1.0, 1.0), (1, 0), alike, 0, printed_weights(2, forgetting))
        ),
        correct=lambda alike, forgetting: folded((1.0, alike[1]), forgetting) - folded((alike[1], 1.0), forgetting),
        at={"alike": (1.0, 0.1), "forgetting": 0.7},
    ),
    Record(
        paper="gfml",
        where="(17)",
        about="unrelated tasks",
        says='Contributions under other heads are "adjusted by $S_{j,r}$, thereby minimizing the influence of '
        'unrelated tasks".',
        instead=r"As it is where $S$ is near 0; but $S$ is in $[-1, 1]$, and a negative one is not spoken of. With "
        r"$\max(S_{j,r}, 0)$ it has no influence.",
        why=r"At $S = -0.5$ and $\phi = 0.2$ good work lowers the reputation (18): $\phi + (1 - \phi) S < 0$ for "
        "all $S < -0.25$.",
        verdict=Verdict.UNSPECIFIED,
        printed=raised,
        correct=lambda gain, alike, phi: raised(gain, max(alike, 0.0), phi),
        at={"gain": math.log(6), "alike": -0.5, "phi": 0.2},
        labels=("change, with a negative similarity", "with 0 for it"),
    ),
    Record(
        paper="gfml",
        where="(17)",
        about="by whose model heads are alike",
        says=r"$S_{j,r}$ compares two heads; under (13) embeddings are derived from the model of the head.",
        instead=r"Either head's; only with one model for both is $S_{j,r} = S_{r,j}$.",
        why="The two models embed the two heads' data as shown.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda models: alike_by(models, 0),
        correct=lambda models: alike_by(models, 1),
        at={"models": (((1.0, 0.0), (3.0, 4.0)), ((1.0, 1.0), (1.0, 1.0)))},
        labels=("by the present head's", "by the earlier head's"),
    ),
    Record(
        paper="gfml",
        where="(18)",
        about="the overall reputation",
        says=r"$R = \phi R^{global} + (1 - \phi) R^{task}$.",
        why=r"The same as one sum, $\sum_k \lambda^{K-k} (\phi + (1 - \phi) S_{j,r(k)}) \vartheta^k$, round by "
        "round.",
        verdict=Verdict.RIGHT,
        printed=lambda contributions, led, alike, forgetting, phi: (
            phi * folded(contributions, forgetting)
            + (1 - phi) * by_head(contributions, led, alike, folded_weights(len(led), forgetting))
        ),
        correct=lambda contributions, led, alike, forgetting, phi: folded(
            tuple((phi + (1 - phi) * alike[r]) * c for c, r in zip(contributions, led, strict=True)), forgetting
        ),
        at={**HISTORY, "alike": (1.0, 0.6, -0.3), "forgetting": 0.7, "phi": 0.2},
    ),
)

RECORDS: tuple[Record, ...] = (*CONTRIBUTIONS, *REPUTATIONS)
