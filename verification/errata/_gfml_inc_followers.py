"""Section V, stage II: what the dual-game paper says of the learners, equations (22) and (26) to (38)."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from verification.errata._gfml_inc_game import CYCLES, HIGH, KAPPA, LOW, SPREAD, highest, zero
from verification.errata._gfml_inc_learners import (
    BOB,
    DATA,
    IN_UNITS,
    LATE,
    LIMITS,
    NEEDED,
    RATIO,
    UTILITY,
    T_comm,
    T_max,
    W,
    allowed_by_22,
    alone_at_the_limit,
    at_each,
    best_frequencies,
    best_where_sending_is_cheap,
    better_than_the_lowest,
    case_whatever_it_earns,
    cases_as_printed,
    delta,
    gain_by_38,
    hi,
    in_the_interval,
    kappa,
    l1,
    lo,
    multipliers,
    on_time,
    only_the_limit_is_allowed,
    price,
    pull,
    quotient,
    ratio,
    s,
    shadow_price,
    share,
    worth_of_room,
)
from verification.errata._record import Record, Verdict

RECORDS_22: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(22)",
        about="the learner's problem: cost of sending",
        says=r"$c^{comm} \ll c^{comp}$ is one of the constraints.",
        instead="A number for it; or 0 for the cost, as in the rest of the section.",
        verdict=Verdict.UNSPECIFIED,
        printed=lambda **at: best_where_sending_is_cheap(10, **at),
        correct=lambda **at: best_where_sending_is_cheap(100, **at),
        at={"price": 5.0, "b": 0.015, "D": DATA},
        labels=("at most a tenth", "at most a hundredth"),
        why=r"With (8), $c^{comm} = b\delta$ here, it is a bound on the frequency, and bob of "
        r"`two-peaks` chooses by what is meant. (26) to (38) leave it out. " + IN_UNITS,
    ),
)

RECORDS: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(26)",
        about="the Lagrangian: the deadline's term",
        says=r"$L = U + \lambda_1 \left(T^{comm} + W/\delta - T_{max}\right) + \ldots$.",
        instead=r"$L = U - \lambda_1 \left(T^{comm} + W/\delta - T_{max}\right) + \ldots$.",
        verdict=Verdict.WRONG,
        printed=l1 * LATE,
        correct=lambda lambda_1, delta, W, T_comm, T_max: -lambda_1 * (T_comm + W / delta - T_max),
        at={"lambda_1": 1, "delta": 0.8, "W": 16, "T_comm": 1.1, "T_max": 19},
        why="What the term adds for a learner that is 2.1 s late: it must be charged, since the utility "
        "is maximised. The terms of the two other multipliers have the right signs. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(26)",
        about="the Lagrangian: profits",
        says="It is of (22), with three multipliers for four constraints: $U > 0$ has none.",
        instead="What a learner does whose best utility is not positive is not said here. As under Definition 2, it "
        "takes no part.",
        verdict=Verdict.UNSPECIFIED,
        printed=case_whatever_it_earns,
        correct=allowed_by_22,
        at={"price": 5.0, "S": -1.0, "H_mean": 0.5, "D": DATA},
        labels=("frequency and utility by (33)", "allowed by (22)"),
        why=r"$S \in [-1, 1]$ by (13). Bob's case of (26) to (38) exists, at a loss; (22) allows no "
        r"frequency. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(27)",
        about="stationarity: the share",
        says=rf"${RATIO}$.",
        instead=r"$s_i = \frac{\lvert D_i \rvert}{\sum_k \lvert D_k \rvert}$, as in (20), (23) and (26).",
        verdict=Verdict.WRONG,
        printed=ratio,
        correct=share,
        at={"D": DATA},
        why="Bob's data against the coalition's. With equal data the sum is $n$ where the share is $1/n$. (31), (32) "
        "and (34) to (40) repeat it, so that it is hardly the extraction's.",
    ),
    Record(
        paper="gfml",
        where="(27)",
        about="stationarity: the deadline's multiplier",
        says=r"$\frac{s I}{\bar\delta - \underline\delta} - 2\rho\zeta W\delta - \lambda_1 \frac{W}{\delta^2} = 0$ "
        r"where $\lambda_2 = \lambda_3 = 0$, with the share read for the ratio.",
        instead=r"$+\lambda_1 \frac{W}{\delta^2}$.",
        verdict=Verdict.WRONG,
        printed=(sp.diff(UTILITY, delta) - shadow_price() * W / delta**2),
        correct=lambda **_: 0,
        at={"price": 5, **BOB, **LIMITS, "delta": NEEDED},
        labels=("left side", "must be"),
        why=r"At bob's deadline, with what a second more is worth to him for $\lambda_1$. Of (26) as "
        r"printed, too, the derivative is this one: the sign was lost there. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(27)",
        about="stationarity: the left side",
        says=r"$\frac{\partial U}{\partial \delta} = \ldots = 0$.",
        instead=r"$\frac{\partial L}{\partial \delta} = \ldots = 0$.",
        verdict=Verdict.WRONG,
        printed=lambda **_: 0,
        correct=lambda price, W, s, delta: quotient(
            lambda x: float(s * price) * (float(delta) + x) / SPREAD - KAPPA * W * (float(delta) + x) ** 2
        ),
        at={"price": 5, "W": 16, "s": Fraction(16, 37), "delta": NEEDED},
        why="Where a constraint binds the utility itself has a slope: bob would be better off with less speed.",
    ),
    Record(
        paper="gfml",
        where="(28)",
        about="primal feasibility",
        says=r"$T_{max} \ge W/\delta + T^{comm}$, $\underline\delta \le \delta \le \bar\delta$.",
        verdict=Verdict.RIGHT,
        printed=on_time,
        correct=in_the_interval,
        at={"delta": (0.005, 0.5, 0.893, 0.894, 1.0, 1.01), "D": DATA, "T_comm": 1.1, "T_max": 19.0},
        labels=("as printed", "found by bisection"),
        why="They leave an interval. It is empty if the deadline asks for more than the upper limit: no case says so.",
    ),
    Record(
        paper="gfml",
        where="(29)",
        about="dual feasibility",
        says=r"$\lambda_k \ge 0$.",
        verdict=Verdict.RIGHT,
        printed=multipliers,
        correct=worth_of_room,
        at={"price": (5.0, 9.0, 6.0), "own_low": 0.95, "D": DATA},
        labels=("from (27), corrected", "by differences"),
        why="Multipliers are what a little more room is worth, so they cannot be negative: bob at his deadline, at "
        "his upper limit, and at a lower limit of 0.95 GHz, per second and per GHz.",
    ),
    Record(
        paper="gfml",
        where="(30)",
        about="complementary slackness",
        says=r"$\lambda_1 \left(\frac{W}{\delta} - T_{max}\right) = 0$.",
        instead=r"$\lambda_1 \left(\frac{W}{\delta} + T^{comm} - T_{max}\right) = 0$.",
        verdict=Verdict.WRONG,
        printed=shadow_price() * (W / delta - T_max),
        correct=lambda W, delta, T_comm, T_max, **_: W / delta + T_comm - T_max,
        at={"price": 5, **BOB, **LIMITS, "delta": NEEDED},
        labels=("the product", "must be"),
        why="Bob's deadline binds and his multiplier is positive. The two other lines are right. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(31)",
        about="case 1, no constraint binds",
        says=rf"${RATIO} \frac{{I}}{{\bar\delta - \underline\delta}} - 2\rho\zeta W\delta = 0$.",
        instead=r"$s_i \frac{I}{\bar\delta - \underline\delta} - 2\rho\zeta W\delta = 0$.",
        verdict=Verdict.WRONG,
        printed=lambda price, D, delta: pull(ratio(D), price, CYCLES * D[1], delta),
        correct=lambda price, D, delta: quotient(
            lambda x: share(D) * price * (delta + x) / SPREAD - KAPPA * CYCLES * D[1] * (delta + x) ** 2
        ),
        at={"price": 7.0, "D": DATA, "delta": 7 / 7.326},
        labels=("left side", "slope, by differences"),
        why="At bob's best frequency at this price, which meets no limit. With the share for the ratio "
        "the equation is right. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(32)",
        about="case 1, the frequency",
        says=rf"$\delta = {RATIO} \frac{{I}}{{2\rho\zeta W(\bar\delta - \underline\delta)}}$.",
        instead=r"$\delta = \frac{s_i I}{2\rho\zeta W(\bar\delta - \underline\delta)}$, the same for all whom no "
        r"constraint binds.",
        verdict=Verdict.WRONG,
        printed=lambda price, D: ratio(D) * price / (2 * KAPPA * CYCLES * D[1] * SPREAD),
        correct=lambda price, D: highest(
            lambda d: share(D) * price * d / SPREAD - KAPPA * CYCLES * D[1] * d**2, (LOW, HIGH)
        )[0],
        at={"price": 7.0, "D": DATA},
        labels=("as printed", "by search"),
        why="Bob would need ten times his highest frequency. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(33)",
        about="case 2, the deadline binds",
        says=r"$\delta = \frac{W}{T_{max} - T^{comm}}$.",
        verdict=Verdict.RIGHT,
        printed=W / (T_max - T_comm),
        correct=lambda W, T_comm, T_max: zero(lambda d: W / d + T_comm - T_max, 0.01, 10),
        at={"W": 16.0, "T_comm": 1.1, "T_max": 19.0},
        labels=("as printed", "by bisection"),
        why="Bob's lowest frequency that is in time. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(34)",
        about="case 2, the multiplier",
        says=r"$\lambda_1 = \frac{\delta^2 s I}{W(\bar\delta - \underline\delta)} - 2\rho\zeta\delta^3 > 0$, with "
        r"the share read for the ratio.",
        instead=r"$\lambda_1 = 2\rho\zeta\delta^3 - \frac{\delta^2 s I}{W(\bar\delta - \underline\delta)} \ge 0$.",
        verdict=Verdict.WRONG,
        printed=delta**2 * s * price / (W * (hi - lo)) - 2 * kappa * delta**3,
        correct=shadow_price(),
        at={"price": 5, **BOB, **LIMITS, "delta": NEEDED},
        labels=("as printed", "what a second is worth"),
        why="Bob at his deadline. The true one is the negative of the printed one. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(34)",
        about="case 2, when it applies",
        says=r"If the printed $\lambda_1$ is positive.",
        instead="If it is not: where the free frequency is not above what the deadline asks for.",
        verdict=Verdict.WRONG,
        printed=at_each(cases_as_printed),
        correct=at_each(best_frequencies),
        at={
            "price": (Fraction(5), Fraction(7)),
            "W": Fraction(16),
            "s": Fraction(16, 37),
            "T_max": Fraction(19),
            "T_comm": Fraction(11, 10),
            "low": Fraction(1, 100),
        },
        labels=("cases that apply", "best frequencies"),
        why="Bob at two prices. At 5 his deadline binds, and no printed case applies; at 7 it does not, "
        "and two do. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(34)",
        about="case 2, a multiplier of 0",
        says=r"$\lambda_1 > 0$; so for $\lambda_2$ in (35) and $\lambda_3$ in (36).",
        instead=r"$\lambda_1 \ge 0$.",
        verdict=Verdict.WRONG,
        printed=cases_as_printed,
        correct=best_frequencies,
        at={
            "price": NEEDED * Fraction(7326, 1000),
            "W": Fraction(16),
            "s": Fraction(16, 37),
            "T_max": Fraction(19),
            "T_comm": Fraction(11, 10),
            "low": Fraction(1, 100),
        },
        labels=("cases that apply", "best frequencies"),
        why=r"At the price where bob leaves his deadline, 6.548, the free frequency is in time, but not strictly, "
        r"and the multiplier is 0, which is neither sign. At the provider's best price in `two-peaks` it is "
        r"$\lambda_2$ that is 0, of all three learners.",
    ),
    Record(
        paper="gfml",
        where="(35)",
        about="case 3, the upper limit binds",
        says=rf"$\lambda_2 = {RATIO} \frac{{I}}{{\bar\delta - \underline\delta}} - 2\rho\zeta W\delta > 0$.",
        instead=r"$\lambda_2 = \frac{s_i I}{\bar\delta - \underline\delta} - 2\rho\zeta W\delta \ge 0$.",
        verdict=Verdict.WRONG,
        printed=lambda price, D: pull(ratio(D), price, CYCLES * D[1], HIGH) > 0,
        correct=lambda price, D: (
            highest(lambda d: share(D) * price * d / SPREAD - KAPPA * CYCLES * D[1] * d**2, (LOW, HIGH))[0] == HIGH
        ),
        at={"price": 7.0, "D": DATA},
        labels=("the case applies", "1 GHz is best, by search"),
        why="Bob's best frequency at this price is below his limit. With the share for the ratio the "
        "sign is right. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(36)",
        about="case 4, the lower limit binds",
        says=rf"$\lambda_3 = 2\rho\zeta W\delta - {RATIO} \frac{{I}}{{\bar\delta - \underline\delta}} > 0$.",
        instead=r"$\lambda_3 = 2\rho\zeta W\delta - \frac{s_i I}{\bar\delta - \underline\delta} \ge 0$.",
        verdict=Verdict.WRONG,
        printed=lambda price, own_low, D: pull(ratio(D), price, CYCLES * D[1], own_low) < 0,
        correct=lambda price, own_low, D: (
            highest(lambda d: share(D) * price * d / SPREAD - KAPPA * CYCLES * D[1] * d**2, (own_low, HIGH))[0]
            == own_low
        ),
        at={"price": 6.0, "own_low": 0.95, "D": DATA},
        labels=("the case applies", "the limit is best, by search"),
        why="Bob, with a lower limit of his own. With the share for the ratio the sign is right. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(37)",
        about="case 5, deadline and upper limit",
        says=r"Only if $\bar\delta = \frac{W}{T_{max} - T^{comm}}$ and $\frac{s I}{\bar\delta - \underline\delta} > "
        r"2\rho\zeta W\delta$.",
        instead="The first condition alone.",
        verdict=Verdict.WRONG,
        printed=alone_at_the_limit,
        correct=only_the_limit_is_allowed,
        at={"price": 5.0, "W": 36.0, "hi": 0.9, "time": 40.0},
        labels=("the case applies", "0.9 GHz is allowed, and nothing else"),
        why=r"A learner alone in its coalition, so that the printed ratio is 1 as the share is. Only one "
        r"frequency is both allowed and in time: whatever the price, it is the answer, and $\lambda_1$ large enough "
        r"makes it stationary. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(38)",
        about="case 6, deadline and lower limit",
        says=r"only if $\underline\delta = \frac{W}{T_{max} - T^{comm}}$ and "
        rf"${RATIO} \frac{{\delta^2 I}}{{W(\bar\delta - \underline\delta)}} - 2\rho\zeta\delta^3 > 0$.",
        instead=r"$\frac{s_i I}{\bar\delta - \underline\delta} \le 2\rho\zeta W\delta$.",
        verdict=Verdict.WRONG,
        printed=gain_by_38,
        correct=better_than_the_lowest,
        at={"price": 12.0, "n": 9, "D": 0.072, "T_max": 11.0, "T_comm": 1.5},
        labels=("gain by leaving the limit", "the highest frequency's gain"),
        why="Nine like learners whose lower limit is what the deadline asks for. The printed condition "
        "holds, also with the share for the ratio, and yet the limit is the wrong answer: the sign is reversed. "
        + IN_UNITS,
    ),
)
