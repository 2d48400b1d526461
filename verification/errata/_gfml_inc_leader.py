"""Section V, stage I: what the dual-game paper says of the provider: (23) to (25), (39), (40) and Proposition 3."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from verification.errata._gfml_inc_game import HIGH, LOW, THREE, Coalition
from verification.errata._gfml_inc_learners import IN_UNITS, best_frequencies
from verification.errata._gfml_inc_provider import (
    EXACT,
    TIE,
    A,
    E,
    W,
    at_two_prices,
    at_two_prices_answered,
    bends_down,
    best_against,
    best_of_candidates,
    best_price,
    by_bisection,
    cem_alone,
    claimed,
    floats,
    gain,
    gain_weight,
    hi,
    is_defined,
    is_finite,
    learners_at_the_equilibrium,
    learners_searching,
    like_learners,
    lo,
    nash_prices,
    number_of_best_prices,
    only_the_gain_is_summed,
    payment,
    price,
    provider_and_learners,
    r,
    second_difference,
    stackelberg_prices,
    utility_as_printed,
    whole_slope,
)
from verification.errata._record import Record, Verdict

STAGE_ONE: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(23)",
        about="the provider's utility: the logarithm",
        says=r"$\ln(T_{max} - T^{comp} - T^{comm})$.",
        instead=r"$\ln(1 + T_{max} - T^{comp} - T^{comm})$, as in (39) and (40).",
        verdict=Verdict.WRONG,
        printed=utility_as_printed,
        correct=lambda price, **coalition: float(floats(coalition).provider(float(price))[0]),
        at={"price": Fraction(5), **EXACT},
        why="At this price bob and cem only just meet their deadlines, as the paper's own cases 2, 5 and 6 have it, "
        "and the logarithm is of 0. (GHz, Gbit, seconds; the constants of Table II.)",
    ),
    Record(
        paper="gfml",
        where="(23)",
        about="the provider's utility: where it exists",
        says=r"It is to be maximised over $\underline I \le I \le \overline I$.",
        instead="With 1 + in the logarithm it can be.",
        verdict=Verdict.WRONG,
        printed=is_defined,
        correct=is_finite,
        at={"price": tuple(Fraction(k, 10) for k in (50, 60, 65, 66, 150)), **EXACT},
        labels=("defined as printed", "with 1 +"),
        why="Undefined at every price up to 6.548: one learner at its deadline is enough.",
    ),
    Record(
        paper="gfml",
        where="(23)",
        about="the provider's utility: the sum",
        says=r"$\eta \sum_i \ln(\ldots) \times H_i - (S_i + \ldots) I - \frac{\sum_k H_k}{\lvert C_j \rvert} "
        r"I_{rep}$.",
        instead="The sum is over all three terms.",
        verdict=Verdict.AMBIGUOUS,
        printed=only_the_gain_is_summed,
        correct=provider_and_learners,
        at={"price": 6.0, "i": 1, **THREE},
        labels=("only the first term is summed", "all is summed"),
        why="To the letter $i$ is free in the second term. What the learners are paid by (20) is what the provider "
        "pays only if the sum has all; (39), with $-S_i$ of each, agrees.",
    ),
    Record(
        paper="gfml",
        where="(24)",
        about="the provider's problem",
        says=r"$\max_I U^{MSP}(I; \delta)$, with $\delta$ given.",
        instead=r"$\max_I U^{MSP}(I; \delta^*(I))$.",
        verdict=Verdict.AMBIGUOUS,
        printed=best_against,
        correct=best_price,
        at={"frozen": 7.326, **THREE},
        labels=("frequencies as given", "frequencies as answers"),
        why="Of given frequencies the lowest price is always the best: the price is nothing but a cost. The text's "
        "backward induction is the other reading.",
    ),
    Record(
        paper="gfml",
        where="Definition 8",
        about="which prices are in equilibrium",
        says="Those at which (25) holds.",
        instead=r"Those, with $\delta^*$ as numbers; or those that are best for the provider once the learners have "
        r"answered, with $\delta^*$ as a function of the price.",
        verdict=Verdict.AMBIGUOUS,
        printed=nash_prices,
        correct=stackelberg_prices,
        at={"price": (5.0, 5.8148, 7.326, 15.0), **THREE},
        labels=("in equilibrium by (25), with numbers", "best, with answers"),
        why="With numbers the lowest price always is, and no other: what the provider wants is that the learners "
        "answer.",
    ),
    Record(
        paper="gfml",
        where="(25)",
        about="equilibrium: the provider",
        says=r"$U^{MSP}(I^*; \delta^*) \ge U^{MSP}(I; \delta^*)$.",
        instead=r"To the letter, or $U^{MSP}(I^*; \delta^*(I^*)) \ge U^{MSP}(I; \delta^*(I))$, as the backward "
        r"induction of the text has it.",
        verdict=Verdict.AMBIGUOUS,
        printed=at_two_prices,
        correct=at_two_prices_answered,
        at={"price": (5.0, 7.326), "frozen": 7.326, **THREE},
        labels=("frequencies frozen", "frequencies answer"),
        why="The best price is 7.326. Frozen at the answers to it, 5 would give 85.22, more than 78.47, so that to "
        "the letter the condition fails at the equilibrium, and everywhere but at the lowest price: it is one of Nash, "
        "not of Stackelberg.",
    ),
    Record(
        paper="gfml",
        where="(25)",
        about="equilibrium: the learners",
        says=r"$U_i(\delta_i^*, \delta_{-i}^*, I^*) \ge U_i(\delta_i, \delta_{-i}^*, I^*)$.",
        verdict=Verdict.RIGHT,
        printed=learners_at_the_equilibrium,
        correct=learners_searching,
        at={"price": 6.4, **THREE},
        labels=("at the cases' frequencies", "highest, by search"),
        why=r"Since $U_i$ does not depend on the others' frequencies, $\delta_{-i}$ may be left out.",
    ),
)

DERIVATIVES: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="(39)",
        about="the slope: $E$",
        says=r"$\eta H \frac{W}{I^2 E A - W I}$ with $E = \frac{s I}{2\rho\zeta W(\bar\delta - \underline\delta)}$, "
        r"$A = 1 + T_{max} - T^{comm}$.",
        instead=r"$E = \frac{s}{2\rho\zeta W(\bar\delta - \underline\delta)}$, without the price.",
        verdict=Verdict.WRONG,
        printed=gain_weight * W / (price**2 * (E * price) * A - W * price),
        correct=gain(1),
        at={"price": 8, "E": sp.Rational(1, 10), "W": 5, "A": sp.Rational(23, 2), "weight": 20},
        why=r"With $\delta = E I$, as the second term has it. The slope by SymPy, $\eta H = 20$ here. " + IN_UNITS,
    ),
    Record(
        paper="gfml",
        where="(39)",
        about="the slope: the share",
        says=r"$\frac{-2 I E + \underline\delta}{(\bar\delta - \underline\delta) \sum_k \lvert D_i \rvert / \lvert "
        r"D_k \rvert}$.",
        instead=r"$s_i \frac{-2 I E + \underline\delta}{\bar\delta - \underline\delta}$.",
        verdict=Verdict.WRONG,
        printed=(-2 * price * E + lo) / ((hi - lo) * r),
        correct=payment(1),
        at={"price": 8, "E": 0.1, "lo": LOW, "hi": HIGH, "ratio": 1 + 1 / 3, "s": 1 / 4},
        why="Of two learners with data 1 and 3, the first: 3/4 for 1/4. The sum is a denominator here and a "
        "numerator in (27), so that whatever it is meant to be it cannot be right in both.",
    ),
    Record(
        paper="gfml",
        where="(39)",
        about="the slope: of whom",
        says=r"$\frac{\partial U^{MSP}}{\partial I}$ is this, related to each learner $i$; the left side has no $i$.",
        instead=r"The provider's slope is the sum over the learners of case 1, and of all others "
        r"$-S_i - s_i \frac{\delta_i - \underline\delta}{\bar\delta - \underline\delta}$.",
        verdict=Verdict.AMBIGUOUS,
        printed=cem_alone,
        correct=whole_slope,
        at={"price": 6.4, **THREE},
        labels=("one learner's, corrected", "the provider's, by differences"),
        why="Cem is in case 1 here, as is ada; bob is at his deadline, where what the provider pays still grows with "
        "the price.",
    ),
    Record(
        paper="gfml",
        where="(40)",
        about="the second derivative: the gain",
        says=r"$-\eta H \frac{2 W E A + W^2}{(E A I^2 - W I^2)^2}$.",
        instead=r"$-\eta H \frac{W(2 E A I - W)}{(E A I^2 - W I)^2}$.",
        verdict=Verdict.WRONG,
        printed=-gain_weight * (2 * W * E * A + W**2) / (E * A * price**2 - W * price**2) ** 2,
        correct=gain(2),
        at={"price": 8, "E": sp.Rational(1, 10), "W": 5, "A": sp.Rational(23, 2), "weight": 20},
        why="The numbers of (39), SymPy's second derivative. The corrected one is negative where the logarithm is "
        "defined, $E A I > W$, which $T_{max} > T^{comm}$ alone does not give.",
    ),
    Record(
        paper="gfml",
        where="(40)",
        about="the second derivative: the payment",
        says=r"$-\frac{2 E}{(\bar\delta - \underline\delta) \sum_k \lvert D_i \rvert / \lvert D_k \rvert}$.",
        instead=r"$-\frac{2 s_i E}{\bar\delta - \underline\delta}$.",
        verdict=Verdict.WRONG,
        printed=-2 * E / ((hi - lo) * r),
        correct=payment(2),
        at={"price": 8, "E": 0.1, "lo": LOW, "hi": HIGH, "ratio": 1 + 1 / 3, "s": 1 / 4},
        why="As in (39): 3/4 for 1/4.",
    ),
)

PROPOSITION_3: tuple[Record, ...] = (
    Record(
        paper="gfml",
        where="Proposition 3",
        about="concave as a whole",
        says="The provider's utility is concave, since its second derivative is negative in case 1 and 0 in the "
        "others.",
        instead="It is concave between the prices at which a learner changes its case; there its slope may jump up.",
        verdict=Verdict.WRONG,
        printed=lambda price, **coalition: tuple(Coalition(**coalition).slope(one, -1) for one in price),
        correct=lambda price, **coalition: tuple(Coalition(**coalition).slope(one, 1) for one in price),
        at={"price": (7.326 * 6 / 7, 7.326 * 160 / 179), **THREE},
        labels=("slope right of it, at most", "slope right of it"),
        why="Cem leaves his deadline at 6.2794, bob at 6.5484. Were it concave, no slope could be above the one left "
        "of it; they are, by 62 and 54.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="bisection",
        says="The optimum can be effectively determined using the bisection method.",
        instead="Every price at which a learner changes its case, and every stationary one between, is to be compared.",
        verdict=Verdict.WRONG,
        printed=by_bisection,
        correct=lambda **coalition: Coalition(**coalition).best(),
        at=THREE,
        labels=("price and utility by bisection", "by search"),
        why="Bisection on the slope ends at a local optimum with less than half of the best utility. At the best "
        "price, where all three learners reach their upper limits, no slope is 0: it is 25.9 on the left and $-2.9$ "
        "on the right.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="uniqueness",
        says="The provider has a unique optimal price, the game a unique equilibrium.",
        instead="There may be several; for almost all numbers one, among several local optima.",
        verdict=Verdict.WRONG,
        printed=claimed(1),
        correct=number_of_best_prices,
        at={**THREE, "eta": TIE},
        labels=("best prices, claimed", "found"),
        why=r"At this $\eta$ the lowest price, 5, and 7.326 both give $-19.4212$, the highest utility.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="existence",
        says="The provider has an optimal price.",
        verdict=Verdict.RIGHT,
        printed=best_of_candidates,
        correct=lambda **coalition: Coalition(**coalition).best()[1],
        at=THREE,
        labels=("best of finitely many prices", "by search"),
        why="With 1 + in the logarithm, and the same learners at every price, the utility is continuous, hence has a "
        "highest value: at an end, where a learner changes its case, or where a slope is 0.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="the learners' answers",
        says="From the provider's strategy, the learners' optimal strategies can be derived.",
        verdict=Verdict.RIGHT,
        printed=claimed((1, 1, 1)),
        correct=lambda price, **bob: tuple(best_frequencies(price=one, **bob) for one in price),
        at={
            "price": (Fraction(5), Fraction(7), Fraction(12)),
            "W": Fraction(16),
            "s": Fraction(16, 37),
            "T_max": Fraction(19),
            "T_comm": Fraction(11, 10),
            "low": Fraction(1, 100),
        },
        labels=("best frequencies, claimed", "found"),
        why="Each has one answer to a price, since its utility is strictly concave in its own frequency and the "
        "others' do not enter.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="the proof: cases 2 to 6",
        says="From case 2 to 6 the second derivative is 0.",
        verdict=Verdict.RIGHT,
        printed=claimed((0.0, 0.0)),
        correct=lambda price, like, **coalition: (
            second_difference(price[0], 1.0, **like_learners(like)),
            second_difference(price[1], 1.0, **coalition),
        ),
        at={"price": (6.5, 10.0), "like": 9, **THREE},
        labels=("claimed", "second differences"),
        why="Nine like learners, all at their deadlines, and the three of `two-peaks`, all at their upper limits.",
    ),
    Record(
        paper="gfml",
        where="Proposition 3",
        about="the proof: case 1",
        says="In case 1 the second derivative is always negative.",
        verdict=Verdict.RIGHT,
        printed=claimed((True, True, True)),
        correct=bends_down,
        at={"price": (5.5, 6.4, 7.0), **THREE},
        labels=("claimed", "second difference below 0"),
        why="One, two and three learners in case 1. So the utility is strictly concave between two changes of case, "
        "if somebody is in case 1; that $T_{max} > T^{comm}$ is not the reason, see (40).",
    ),
)
