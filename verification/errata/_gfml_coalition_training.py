"""Algorithm 2 of the dual-game paper: rounds of meta-learning between the two games."""

from __future__ import annotations

import math

import numpy as np

from verification.errata._gfml_coalition_learning import CURVES, Curve, meta_slope
from verification.errata._gfml_coalition_profit import Vector, cosine
from verification.errata._record import Record, Undefined, Verdict

# --- lines 5 to 15: embeddings ---------------------------------------------------------------------------------------


def printed_refreshes(rounds: int, every: int) -> tuple[int, ...]:
    """The rounds in which lines 9 to 15 make embeddings anew."""
    found, n = [], 1
    for k in range(1, rounds):
        if k == n * every:
            found.append(k)
        n += 1
    return tuple(found)


def refreshed(models: tuple[tuple[Vector, Vector], ...], whose: int) -> float:
    """The similarity of a learner and its head as the model of round k - 1 or k embeds them."""
    return cosine(*models[whose])


# --- lines 19 to 33: local steps and aggregation ---------------------------------------------------------------------


def trained_alone(curves: tuple[Curve, ...], rounds: int, alpha: float, beta: float) -> float:
    """The aggregate after rounds of one step each, in which everybody starts from its own last model, line 19."""
    local = [0.0] * len(curves)
    for _ in range(rounds):
        local = [theta - alpha * meta_slope(curve, theta, beta) for curve, theta in zip(curves, local, strict=True)]
    return math.fsum(local) / len(local)


def least_meta_loss(curves: tuple[Curve, ...], beta: float) -> float:
    """Where (1) is least, from the coefficients of its parabola."""
    total = np.poly1d([0.0])
    for a, c in curves:
        f = np.poly1d([a / 2, -a * c, a * c * c / 2])
        total += f(np.poly1d([1.0, 0.0]) - beta * f.deriv())
    return float(total.deriv().roots[0])


def printed_model(curve: Curve, received: float, steps: int, alpha: float, beta: float) -> float:
    """The model of lines 19 to 29, which name its steps.

    Raises
    ------
    Undefined
        If a step starts from a model that no line has set.
    """
    local = {0: received}
    for t in range(1, steps + 1):
        if t not in local:
            raise Undefined(f"the model after {t} steps")
        local[t + 1] = local[t] - alpha * meta_slope(curve, local[t], beta)
    return local[steps]


def stepped(curve: Curve, received: float, steps: int, alpha: float, beta: float) -> list[float]:
    """The models after 0, 1, 2, ... steps of (2)."""
    found = [received]
    for _ in range(steps):
        found.append(found[-1] - alpha * meta_slope(curve, found[-1], beta))
    return found


def iterated_model(curve: Curve, received: float, steps: int, alpha: float, beta: float) -> float:
    """The model after that many steps, which shrink its distance from the user's own optimum by one factor."""
    a, c = curve
    return c + (received - c) * math.prod([1 - alpha * a * (1 - beta * a) ** 2] * steps)


# --- line 17: the price ----------------------------------------------------------------------------------------------


def utilities_of_msp(learners: int, data: float, left: float, prices: tuple[float, float]) -> tuple[list[float], ...]:
    """Prices, and what equal learners leave to the MSP at each, (23) with 1 + in the logarithm, at Table II."""
    work, kappa, width, similarity = 100 * data, 1e-28, 9.9e8, 0.8
    grid = [prices[0] + (prices[1] - prices[0]) * n / 200 for n in range(201)]
    found = []
    for price in grid:
        free = price / learners / width / (2 * kappa * work)
        delta = min(max(free, work / left, 1e7), 1e9)
        paid = (similarity + (delta - 1e7) / width / learners) * price
        found.append(learners * (25 * math.log(1 + max(left - work / delta, 0.0)) - paid))
    return grid, found


def price_by_slope(learners: int, data: float, left: float, prices: tuple[float, float]) -> float:
    """Line 17: a price at which the slope changes from rising to falling.

    Raises
    ------
    Undefined
        If there is none.
    """
    grid, found = utilities_of_msp(learners, data, left, prices)
    for n in range(1, len(grid) - 1):
        if found[n - 1] < found[n] >= found[n + 1]:
            return grid[n]
    raise Undefined("a slope of 0")


def best_price(learners: int, data: float, left: float, prices: tuple[float, float]) -> float:
    """The price of the greatest utility, ends included."""
    grid, found = utilities_of_msp(learners, data, left, prices)
    return grid[found.index(max(found))]


RECORDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="lines 6 and 12: who is embedded by whom",
        says=r"Calculate embeddings $\omega_i$ for all $i \in C_j$ using the model of the head $h_j$.",
        instead="For all learners and all heads: Algorithm 1, line 21, needs the similarity to every other head.",
        why="Embeddings of 36 learners under four heads.",
        verdict=Verdict.WRONG,
        printed=lambda learners, heads: sum(len([i for i in range(learners) if i % heads == j]) for j in range(heads)),
        correct=lambda learners, heads: learners * heads,
        at={"learners": 36, "heads": 4},
        labels=("embeddings, as printed", "needed"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="line 10: embeddings are late",
        says="Coalitions form in line 10; embeddings by the model of the new head are calculated in line 12.",
        instead='Heads, then embeddings, then coalitions: "the embedding presented by the new head" decides on them '
        "(section IV-D).",
        why="The similarity of a learner and the new head, as the last round's model and the new head's embed both.",
        verdict=Verdict.WRONG,
        printed=lambda models: refreshed(models, 0),
        correct=lambda models: refreshed(models, 1),
        at={"models": (((1.0, 0.0), (3.0, 4.0)), ((1.0, 1.0), (2.0, 1.0)))},
        labels=("in line 10, as printed", "correct"),
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="lines 11 to 15: embeddings are never made again",
        says=r"If $k = n \chi$, calculate embeddings; $n \leftarrow n + 1$ after the end of the condition.",
        instead=r"$n \leftarrow n + 1$ within it: in every $\chi$-th round.",
        why=r"As printed $n = k$ in every round, and $k = k \chi$ only if $\chi = 1$. Rounds with new embeddings for "
        r"$\chi = 2$, $K = 10$:",
        verdict=Verdict.WRONG,
        printed=printed_refreshes,
        correct=lambda rounds, every: tuple(range(every, rounds, every)),
        at={"rounds": 10, "every": 2},
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="line 17: the price",
        says=r"Find $I_{com}^j$ based on $\frac{\partial U_j^{MSP}}{\partial I_{com}^j} = 0$.",
        instead="The greatest of the utilities at zeros of the slope, at kinks, and at the ends.",
        why="Nine equal learners who at every price between 5 and 15 need the same frequency for their deadline: "
        "the slope is nowhere 0, and 5 is best.",
        verdict=Verdict.WRONG,
        printed=price_by_slope,
        correct=best_price,
        at={"learners": 9, "data": 9.3e7, "left": 9.5, "prices": (5.0, 15.0)},
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="line 19: where learners start",
        says=r"$\theta_{j,i}^{k,0} \leftarrow \theta_{j,i}^{k-1}$, the learner's own last model.",
        instead=r"$\leftarrow \theta_j^k$, the head's, as section III-A has it.",
        why="As printed nobody ever uses the aggregate (5): the mean of the users' own optima comes out, and not "
        "the minimum of (1).",
        verdict=Verdict.WRONG,
        printed=trained_alone,
        correct=lambda curves, beta, **_: least_meta_loss(curves, beta),
        at={"curves": CURVES, "rounds": 400, "alpha": 0.2, "beta": 0.1},
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="line 21: the local steps",
        says=r"$t = 1 : \tau$, in each of which $\theta^{k,t+1}$ is made from $\theta^{k,t}$.",
        instead=r"$t = 0 : \tau - 1$, as in (2) and (15).",
        why=r"Line 19 sets $\theta^{k,0}$, and the first step starts from $\theta^{k,1}$, which nothing has set.",
        verdict=Verdict.WRONG,
        printed=printed_model,
        correct=iterated_model,
        at={"curve": (3.0, -1.0), "received": 0.3, "steps": 10, "alpha": 0.05, "beta": 0.1},
    ),
    Record(
        paper="gfml",
        where="Algorithm 2",
        about="line 29: the model that is returned",
        says=r"$\theta_{j,i}^k \leftarrow \theta_{j,i}^{k,\tau}$.",
        why=r"The model after all $\tau$ steps, which the text before (5) has as $\theta^{k,\tau-1}$; with a "
        "quadratic loss each step shrinks the distance from the user's optimum by one factor.",
        verdict=Verdict.RIGHT,
        printed=lambda curve, received, steps, alpha, beta: stepped(curve, received, steps, alpha, beta)[steps],
        correct=iterated_model,
        at={"curve": (3.0, -1.0), "received": 0.3, "steps": 10, "alpha": 0.05, "beta": 0.1},
    ),
)
