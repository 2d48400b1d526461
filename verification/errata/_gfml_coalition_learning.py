"""Table I and section III-A of the dual-game paper: users, meta-learning, equations (1) to (5)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from verification.errata._gfml_coalition_costs import computing_cost
from verification.errata._gfml_coalition_play import Game, Slots, moved
from verification.errata._record import Record, Verdict

Samples = tuple[float, ...]

# --- Table I and the text around it ----------------------------------------------------------------------------------


def everybody(active: int, passive: int) -> int:
    """How many users there are, if active and passive ones are both numbered from 1."""
    return len(set(range(1, active + 1)) | set(range(1, passive + 1)))


def loss_of_others(start: Slots, **numbers: Any) -> float:
    """The most that somebody loses by the first improving switch."""
    game = Game(**numbers)
    switch = game.switches(start)[0]
    after = game.utilities(moved(start, *switch))
    return max(b - a for b, a in zip(game.utilities(start), after, strict=True))


TABLE: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Table I",
        about="the names of the two costs",
        says=r"$c^{com}_{j,i}$ is the computation cost and $c^{comp}_{j,i}$ the communication cost.",
        instead=r"$c^{comp}$ is the cost of computing, (6), and $c^{comm}$ that of communication, (8).",
        why="More local steps cost more computing, and no more communication; what the table calls the communication "
        "cost rises by $0.72$ as they double.",
        verdict=Verdict.WRONG,
        printed=lambda delta, data, steps: (
            computing_cost(0.1, 2 * steps, 10, data, 1e-27, delta) - computing_cost(0.1, steps, 10, data, 1e-27, delta)
        ),
        correct=lambda steps, **_: 0.0 * steps,
        at={"delta": 1e9, "data": 7.2e7, "steps": 10},
    ),
    Record(
        paper="gfml",
        where="Table I",
        about="the limits of a frequency",
        says=r"$\underline\delta^i, \bar\delta^i$ are the maximum and the minimum CPU frequency; so too in section "
        "III-A.",
        instead="The minimum and the maximum, in the order of the symbols, as under (22) and in Table II.",
        why="By Table II the first is $10^7$ and the second $10^9$. The order may not be meant, and lines over and "
        "under symbols may come from the extraction of the text.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda underlined, barred: underlined - barred,
        correct=lambda underlined, barred: max(underlined, barred) - min(underlined, barred),
        at={"underlined": 1e7, "barred": 1e9},
        labels=("maximum less minimum, in this order", "the other way round"),
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="the set of all users",
        says=r"$\mathcal N = \{1, \ldots, N^a\} \cup \{1, \ldots, N^p\}$.",
        instead=r"A union of numbers; or, surely, of two kinds of users, each numbered from 1: $\{1, \ldots, N^a + "
        r"N^p\}$, the first $N^a$ of whom are active.",
        why="As sets of numbers the two overlap: of 36 active and 4 passive users 36 are left.",
        verdict=Verdict.AMBIGUOUS,
        printed=everybody,
        correct=lambda active, passive: active + passive,
        at={"active": 36, "passive": 4},
        labels=("numbers", "users"),
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="the tolerated completion time",
        says=r"A learner submits its tolerated task completion time $\frac{T^i_{max}}{\delta^i}$.",
        instead=r"It submits $T^i_{max}$, in seconds, as in Table II.",
        why="A time divided by a frequency is no time. The fraction may come from the extraction of the text.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda tolerated, delta: tolerated / delta,
        correct=lambda tolerated, **_: tolerated,
        at={"tolerated": 11.0, "delta": 1e9},
        labels=("the fraction", "the time alone"),
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="who gains by a switch",
        says='The miners are responsible in "ensuring that new coalitions remain beneficial to all members involved".',
        instead="Better for all than before; or worth more than nothing to all. Others than the one who goes may lose, "
        "as section IV-C says.",
        why="Learner 3 leaves learner 2, who loses 0.304; another who is joined loses more.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **_: 0.0,
        correct=loss_of_others,
        at={
            "similarity": ((0.8, 0.8),) * 4,
            "data": (1.0,) * 4,
            "prizes": (5.0, 5.0),
            "frequency": 0.3,
            "reputations": (1.0, 1.0, 0.1, 1.0),
            "pay": 5.0,
            "heads": (0, 1),
            "start": (0, 1, 0, 0),
        },
        labels=("most lost by a switch, if nobody loses", "if all only earn something"),
    ),
)

# --- the meta-learning problem, (1) to (5) ---------------------------------------------------------------------------

Curve = tuple[float, float]
"""A user's loss a (theta - c)^2 / 2, as (a, c)."""


def loss(curve: Curve, theta: float) -> float:
    """f_i."""
    a, c = curve
    return a * (theta - c) ** 2 / 2


def slope(curve: Curve, theta: float) -> float:
    """The derivative of f_i."""
    a, c = curve
    return a * (theta - c)


def meta_loss(curve: Curve, theta: float, beta: float) -> float:
    """F_i, the loss after one step."""
    return loss(curve, theta - beta * slope(curve, theta))


def meta_slope(curve: Curve, theta: float, beta: float) -> float:
    """(3) with all data in each batch."""
    return (1 - beta * curve[0]) * slope(curve, theta - beta * slope(curve, theta))


def problem(curves: tuple[Curve, ...], theta: float, beta: float) -> float:
    """F, (1)."""
    return sum(meta_loss(curve, theta, beta) for curve in curves) / len(curves)


def tested_loss(curves: tuple[Curve, ...], theta: float, beta: float) -> float:
    """The mean over users of their losses after each has made a step along a slope measured from the loss alone."""

    def measured(curve: Curve) -> float:
        return (loss(curve, theta + 0.5) - loss(curve, theta - 0.5)) / 1.0  # exact for a parabola

    return float(np.mean([loss(curve, theta - beta * measured(curve)) for curve in curves]))


def local_steps(curve: Curve, theta: float, alpha: float, beta: float, steps: int) -> float:
    """The local model after the steps of (2)."""
    for _ in range(steps):
        theta -= alpha * meta_slope(curve, theta, beta)
    return theta


def geometric(curve: Curve, theta: float, alpha: float, beta: float, steps: int) -> float:
    """Where gradient descent on the parabola F_i is after so many steps, in closed form."""
    a, c = curve
    return c + (1 - alpha * a * (1 - beta * a) ** 2) ** steps * (theta - c)


def printed_meta_gradient(theta: float, beta: float, data: Samples) -> float:
    """(3), all data in each batch, for the losses (x theta - 1)^4 / 4 of samples x."""

    def first(at: float) -> float:
        return mean(x * (x * at - 1) ** 3 for x in data)

    def second(at: float) -> float:
        return mean(3 * x**2 * (x * at - 1) ** 2 for x in data)

    return (1 - beta * second(theta)) * first(theta - beta * first(theta))


def derived_meta_gradient(theta: float, beta: float, data: Samples) -> float:
    """The derivative of the same F as a polynomial of degree 12, from its coefficients."""
    f = sum((np.poly1d([x, -1.0]) ** 4 / 4 for x in data), np.poly1d([0.0])) / len(data)
    composed = f(np.poly1d([1.0, 0.0]) - beta * f.deriv())
    return float(composed.deriv()(theta))


def bias(first: Callable[[float, float], float], second: Callable[[float, float], float]) -> Callable[..., float]:
    """The expected value of (3) less its value for all data, over independent batches of one sample each.

    `first` and `second` are the derivatives of a sample's loss, of the sample and the model.
    """

    def estimate(theta: float, beta: float, outer: Iterable[float], inner: Samples, curved: Samples) -> float:
        outer, step = tuple(outer), mean(first(x, theta) for x in inner)
        shift = theta - beta * step
        return (1 - beta * mean(second(x, theta) for x in curved)) * mean(first(x, shift) for x in outer)

    def found(theta: float, beta: float, data: Samples) -> float:
        drawn = itertools.product(data, repeat=3)
        return mean(estimate(theta, beta, (x,), (y,), (z,)) for x, y, z in drawn) - estimate(
            theta, beta, data, data, data
        )

    return found


def mean(values: Iterable[float]) -> float:
    """Their mean."""
    found = tuple(values)
    return math.fsum(found) / len(found)


parabola_bias = bias(lambda x, theta: x * (x * theta - 1), lambda x, _: x**2)  # (x theta - 1)^2 / 2
logistic_bias = bias(
    lambda x, theta: -x / (1 + math.exp(x * theta)),
    lambda x, theta: x**2 / (2 + math.exp(x * theta) + math.exp(-x * theta)),
)


def biased(found: float) -> str:
    """The word for a bias."""
    return "biased" if abs(found) > 1e-9 else "unbiased"


def batch_mean(theta: float, data: Samples, size: int) -> float:
    """The mean of (4) over all batches of that size, for the losses (x theta - 1)^2 / 2."""
    return mean(mean(x * (x * theta - 1) for x in batch) for batch in itertools.combinations(data, size))


def parabola_slope(theta: float, data: Samples) -> float:
    """The derivative of the mean loss, from its coefficients."""
    squares, sums = sum(x * x for x in data), sum(data)
    return float(np.polyval(np.polyder([squares / 2, -sums, len(data) / 2]), theta) / len(data))


def aggregated(curves: tuple[Curve, ...], theta: float, alpha: float, beta: float) -> float:
    """(5) after one step of each, (2)."""
    return sum(local_steps(curve, theta, alpha, beta, 1) for curve in curves) / len(curves)


def descent(curves: tuple[Curve, ...], theta: float, alpha: float, beta: float) -> float:
    """One step along the derivative of (1), which is a parabola: its difference quotient is exact."""
    return theta - alpha * (problem(curves, theta + 1, beta) - problem(curves, theta - 1, beta)) / 2


CURVES = ((1.0, 2.0), (3.0, -1.0), (0.5, 4.0))

META: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(1)",
        about="the problem of meta-learning",
        says=r"$\min_\theta F(\theta) = \frac{1}{N^a} \sum_i f_i(\theta - \beta \nabla f_i(\theta))$.",
        why="The mean of what users lose after a step each, with slopes measured from the losses. ($N^a$ is a "
        "number in Table I and a set under this sum.)",
        verdict=Verdict.RIGHT,
        printed=problem,
        correct=tested_loss,
        at={"curves": CURVES, "theta": 0.3, "beta": 0.1},
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="the meta-function of one user",
        says=r"A learner updates by its meta-function $F(\theta) = f_i(\theta - \beta \nabla f_i(\theta))$.",
        instead=r"$F_i(\theta) = \ldots$, as (2) has it; $F$ is the mean over all users, (1).",
        why="The two differ as soon as users do. An index may have been lost in the extraction of the text.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda curves, theta, beta: meta_loss(curves[0], theta, beta),
        correct=tested_loss,
        at={"curves": CURVES, "theta": 0.3, "beta": 0.1},
        labels=("of one user", "of all, as in (1)"),
    ),
    Record(
        paper="gfml",
        where="(2)",
        about="local steps",
        says=r"$\theta^{k,t+1} = \theta^{k,t} - \alpha \tilde\nabla F_i(\theta^{k,t})$, $0 \le t \le \tau - 1$.",
        why="Ten steps on a parabola are where its closed form has them.",
        verdict=Verdict.RIGHT,
        printed=local_steps,
        correct=geometric,
        at={"curve": (3.0, -1.0), "theta": 0.3, "alpha": 0.05, "beta": 0.1, "steps": 10},
    ),
    Record(
        paper="gfml",
        where="(3)",
        about="the gradient of the meta-function",
        says=r"$\tilde\nabla F = (I - \beta \tilde\nabla^2 f(\theta)) \tilde\nabla f(\theta - \beta \tilde\nabla "
        r"f(\theta))$, on three batches.",
        why="With all data in each batch it is the derivative of $F_i$, here a polynomial of degree 12 for losses of "
        "degree 4, multiplied out.",
        verdict=Verdict.RIGHT,
        printed=printed_meta_gradient,
        correct=derived_meta_gradient,
        at={"theta": 0.4, "beta": 0.3, "data": (1.5, -2.0, 0.7)},
    ),
    Record(
        paper="gfml",
        where="(4)",
        about="a batch is an unbiased estimate",
        says=r"$\tilde\nabla f(\theta, \mathcal D)$, the mean over a batch, is an unbiased estimate of $\nabla "
        r"f(\theta)$.",
        why="The mean over all batches of two among five samples is the derivative of the whole.",
        verdict=Verdict.RIGHT,
        printed=batch_mean,
        correct=lambda theta, data, **_: parabola_slope(theta, data),
        at={"theta": 0.4, "data": (1.5, -2.0, 0.7, 1.0, 3.0), "size": 2},
    ),
    Record(
        paper="gfml",
        where="(4)",
        about="what is summed",
        says=r"The mean over a batch of $\tilde\nabla l(\theta; x, y)$, marked as stochastic.",
        instead=r"Of $\nabla l(\theta; x, y)$, the exact derivative of a sample's loss.",
        why="If each sample's derivative were an estimate too, all data together would not give the gradient; "
        "here each has an error.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda theta, data, errors: mean(x * (x * theta - 1) + e for x, e in zip(data, errors, strict=True)),
        correct=lambda theta, data, **_: parabola_slope(theta, data),
        at={"theta": 0.4, "data": (1.5, -2.0, 0.7), "errors": (0.1, -0.2, 0.4)},
        labels=("an estimate of each", "the derivative of each"),
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="the meta-gradient is biased",
        says=r"$\tilde\nabla F$ is a biased estimate of $\nabla F$.",
        why="So it is in general: of logistic losses, over all draws of three independent batches of one sample.",
        verdict=Verdict.RIGHT,
        printed=lambda **_: "biased",
        correct=lambda theta, beta, data: biased(logistic_bias(theta, beta, data)),
        at={"theta": 0.4, "beta": 0.3, "data": (1.5, -2.0, 0.7)},
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="why the meta-gradient is biased",
        says="It is biased as it is expressed as a stochastic gradient that contains another stochastic gradient "
        "inside.",
        instead="So it is of losses in general; of quadratic losses, with independent batches, the estimate is "
        "unbiased though it contains another.",
        why="There the outer gradient is linear in the inner one, and expectations of independent factors "
        "multiply. All draws of three samples are enumerated.",
        verdict=Verdict.AMBIGUOUS,
        printed=lambda **_: "biased",
        correct=lambda theta, beta, data: biased(parabola_bias(theta, beta, data)),
        at={"theta": 0.4, "beta": 0.3, "data": (1.5, -2.0, 0.7)},
        labels=("losses in general", "squared errors"),
    ),
    Record(
        paper="gfml",
        where="Section III-A",
        about="the model that a learner returns",
        says=r"The local parameters returned before (5) are $\theta^k_{j,i} = \theta^{k,\tau-1}_{j,i}$.",
        instead=r"$\theta^{k,\tau}_{j,i}$, as in Algorithm 2, line 29.",
        why=r"The last step is lost. With $\tau = 1$ the model comes back as it was sent, and nothing is ever "
        "learned.",
        verdict=Verdict.WRONG,
        printed=lambda curve, theta, alpha, beta, steps: local_steps(curve, theta, alpha, beta, steps - 1),
        correct=geometric,
        at={"curve": (3.0, -1.0), "theta": 0.3, "alpha": 0.05, "beta": 0.1, "steps": 1},
    ),
    Record(
        paper="gfml",
        where="(5)",
        about="aggregation",
        says=r"$\theta_j^{k+1} = \frac{1}{\lvert C_j \rvert} \sum_{i \in C_j} \theta^k_{j,i}$.",
        why="Users weigh alike, as in (1): after one step each, their mean is one step of gradient descent on "
        "(1), whose derivative is measured by differences.",
        verdict=Verdict.RIGHT,
        printed=aggregated,
        correct=descent,
        at={"curves": CURVES, "theta": 0.3, "alpha": 0.05, "beta": 0.1},
    ),
)

RECORDS: tuple[Record, ...] = (*TABLE, *META)
