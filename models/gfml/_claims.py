"""What the dual-game paper prints in Table III and claims in words, and the verdicts of played rounds on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

from models.gfml._statistics import (
    LAST,
    TABLE_COLUMNS,
    Results,
    Study,
    SweepResults,
    early,
    last,
    unsteadiness,
    welfare,
)
from models.gfml._sweep_claims import ACCURACY, POINTS, sweep_claims
from models.gfml._verdicts import BELOW, Claim, Kind, Verdict, compare, judge, tally, title
from models.gfml.baselines import FRAMEWORKS

__all__ = ["TABLE_THREE", "Printed", "claims", "orderings", "tally", "verdicts"]

OTHERS = tuple(name for name in FRAMEWORKS if name != "gfml")
RIVALS = tuple(name for name in OTHERS if not name.startswith("gfml"))  # random, best effort, non-uniform clusters
RANDOM = tuple(name for name in OTHERS if name.startswith("random"))
PROFIT = Kind(TABLE_COLUMNS["total_profit"], tabled=True)
TIME = Kind(TABLE_COLUMNS["completion_time"], "s", tabled=True)
UTILITY = Kind(TABLE_COLUMNS["provider_utility"], tabled=True)
STEADINESS = "unsteadiness is the deviation of changes from round to round, in the second half of the rounds"
SPEED = "speed is the mean accuracy over the first half of the rounds"


class Printed(NamedTuple):
    """A row of Table III: a total over all rounds, seconds, and utility per round."""

    total_profit: float
    completion_time: float
    provider_utility: float


TABLE_THREE: Mapping[str, Printed] = {
    "gfml": Printed(2350.0, 10.72, 570.0),
    "gfml-optimized": Printed(3158.7, 10.96, 496.0),
    "gfml-random": Printed(2876.24, 12.15, 159.86),
    "random-stackelberg": Printed(2336.62, 12.68, 737.77),
    "random-optimized": Printed(2554.2, 15.82, 363.35),
    "best-effort-stackelberg": Printed(1915.0, 10.5, 760.2),
    "best-effort-optimized": Printed(2.01, 6.62, 60.0),
    "fixed-stackelberg": Printed(2350.31, 11.67, 682.0),
    "fixed-optimized": Printed(3194.7, 10.97, 419.1),
}


def verdicts(results: Results, sweep: SweepResults | None = None, *, accuracy: str = ACCURACY) -> list[Verdict]:
    """The verdict on every claim in words, in the paper's order; the orderings of Table III are in `orderings`.

    `results` has a run per seed by framework, `sweep` such results by point, as `Study` describes them. `accuracy` is
    the column that stands for accuracy after personalisation, such as "personalised/10"; like loss it is compared by
    its mean over the last `LAST` rounds.

    Raises
    ------
    InvalidGame
        If a framework has no run, or numbers of seeds or rounds differ.

    References
    ----------
    Baccour, Erbad, Mohamed, Hamdi, Guizani: A Blockchain-Based Reliable Federated Meta-Learning for Metaverse: A Dual
    Game Framework, IEEE IoT Journal 11(12), 2024, abstract and sections I and VI.

    Examples
    --------
    >>> def runs(*accuracies):
    ...     return [[{"personalised_accuracy": accuracy}] for accuracy in accuracies]
    >>> found = verdicts({"gfml": runs(0.9, 0.92), "gfml-random": runs(0.8, 0.81)})
    >>> {verdict.claim.name: verdict.verdict for verdict in found if verdict.ours is not None}
    {'random-frequencies-slow': 'held', 'random-frequencies-low': 'held'}
    """
    study = Study(results, sweep or {})
    return [judge(claim, study, PRINTED) for claim in claims(accuracy)]


def orderings(results: Results) -> list[Verdict]:
    """The verdict on every ordering of two frameworks in a column of the printed Table III, column by column.

    Raises
    ------
    InvalidGame
        If a framework has no run, or numbers of seeds or rounds differ.

    Examples
    --------
    >>> record = {"profit": 14.0, "completion_time": 10.5, "provider_utility": 600.0}
    >>> found = orderings({"gfml": [[record]] * 2, "fixed-optimized": [[{**record, "profit": 15.0}]] * 2})
    >>> tally(found)
    {'held': 1, 'not held': 2, 'undecided': 0, 'not measured': 105}
    """
    study = Study(results)
    return [judge(claim, study, PRINTED) for claim in ORDERINGS]


def claims(accuracy: str = ACCURACY) -> tuple[Claim, ...]:
    """Every claim but the orderings of Table III; `accuracy` is as in `verdicts`."""
    return *_abstract(accuracy), _contribution(), *_figure_3(accuracy), *_figure_4(), *sweep_claims(accuracy)


def _personalised(accuracy: str) -> Kind:
    return Kind(last(accuracy), "points", POINTS, by_accuracy=True)


def _abstract(accuracy: str) -> Iterator[Claim]:
    where, final, pairs = "abstract", _personalised(accuracy), [("gfml", rival) for rival in RIVALS]
    means = f"accuracies are means over the last {LAST} rounds"
    above = "GFML's personalised accuracy is above that of every rival"
    yield compare(
        where, "accuracy-above", above, final, pairs, choice=f"{means}; the number is the gap to the best rival"
    )
    for unit, relative in (("points", False), ("%", True)):
        yield compare(
            where,
            f"accuracy-gain-{'percent' if relative else 'points'}",
            f"GFML's accuracy is up to 10 {unit} higher",
            final,
            pairs,
            (10.0, math.inf),
            relative=relative,
            every=False,
            paper=10.0,
            choice="over the weakest rival, by at least 10",
        )
    text, choice = "GFML's rounds are shorter than every rival's", "our reading: the paper says only by as much as 30 %"
    yield compare(where, "time-below", text, TIME, pairs, BELOW, choice=choice)
    yield compare(
        where,
        "time-cut",
        "GFML cuts completion times by as much as 30 %",
        TIME,
        pairs,
        (-math.inf, -30.0),
        relative=True,
        every=False,
        paper=-30.0,
        choice="against the slowest rival, by at least 30 %",
    )
    for every, whom in ((True, "every"), (False, "some")):
        yield compare(
            where,
            f"utility-gain-{whom}",
            f"the provider's utility is more than 25 % above that under {whom} rival",
            UTILITY,
            pairs,
            (25.0, math.inf),
            relative=True,
            every=every,
            paper=25.0,
            choice="in percent of the size of the rival's utility, which may be negative",
        )


def _contribution() -> Claim:
    text = "learners earn more than under best-effort, random and non-uniform clustering schemes"
    pairs, choice = [("gfml", rival) for rival in RIVALS], "than under every rival, however it sets frequencies"
    return compare("section I", "profit-above", text, PROFIT, pairs, choice=choice)


def _figure_3(accuracy: str) -> Iterator[Claim]:
    a, b, c = "Figure 3(a)", "Figure 3(b)", "Figure 3(c)"
    final, everyone = _personalised(accuracy), [("gfml", name) for name in OTHERS]
    rough, fast = replace(final, measure=unsteadiness(accuracy)), replace(final, measure=early(accuracy))
    before = Kind(last("accuracy"), "points", POINTS)
    fixed = [("gfml", "fixed-stackelberg"), ("gfml", "fixed-optimized")]
    games = [("gfml", "gfml-optimized"), ("fixed-stackelberg", "fixed-optimized")]
    best, drawn, unsteady = "best-effort-optimized", [("gfml-random", "gfml")], [(name, "gfml") for name in RANDOM]
    yield compare(a, "highest-accuracy", "GFML has the highest personalised accuracy of all", final, everyone)
    yield compare(c, "lowest-loss", "GFML has the lowest loss of all", Kind(last("loss")), everyone, BELOW)
    text = "before personalisation, GFML is less accurate than fixed coalitions"
    yield compare(b, "fixed-before", text, before, fixed, BELOW)
    yield compare(a, "fixed-after", "after personalisation, GFML is more accurate than fixed coalitions", final, fixed)
    text = "GFML and fixed coalitions are slightly more accurate with the game than with optimized frequencies"
    yield compare(a, "game-over-optimized", text, final, games, choice="how slightly is left open")
    text = "best effort with optimized frequencies is less accurate than GFML and fixed coalitions with them"
    yield compare(a, "best-effort-low", text, final, [(best, "gfml-optimized"), (best, "fixed-optimized")], BELOW)
    text = "best effort is steadier with optimized frequencies than with random heads"
    yield compare(a, "best-effort-steady", text, rough, [(best, "best-effort-random")], BELOW, choice=STEADINESS)
    yield compare(
        a, "random-unsteady", "random coalitions are less steady than GFML", rough, unsteady, choice=STEADINESS
    )
    yield compare(a, "random-slow", "random coalitions converge more slowly", fast, unsteady, BELOW, choice=SPEED)
    text = "GFML is less steady with random frequencies"
    yield compare(a, "random-frequencies-unsteady", text, rough, drawn, choice=STEADINESS)
    text = "GFML converges more slowly with random frequencies"
    yield compare(a, "random-frequencies-slow", text, fast, drawn, BELOW, choice=SPEED)
    text = "GFML is less accurate with random frequencies"
    yield compare(a, "random-frequencies-low", text, final, drawn, BELOW)
    yield from _random_coalitions(a, final, rough, fast)


def _random_coalitions(where: str, final: Kind, rough: Kind, fast: Kind) -> Iterator[Claim]:
    pair, so = [("random-random", "random-optimized")], "with random frequencies than with optimized ones"
    text = f"random coalitions are less steady {so}"
    yield compare(where, "random-random-unsteady", text, rough, pair, choice=STEADINESS)
    text = f"random coalitions converge more slowly {so}"
    yield compare(where, "random-random-slow", text, fast, pair, BELOW, choice=SPEED)
    text = f"random coalitions are less accurate {so}"
    yield compare(where, "random-random-low", text, final, pair, BELOW)


def _figure_4() -> Iterator[Claim]:
    where, best = "Figure 4", "best-effort-optimized"
    games = [
        ("gfml-optimized", "gfml"),
        ("random-optimized", "random-stackelberg"),
        ("fixed-optimized", "fixed-stackelberg"),
    ]
    loose = [("random-stackelberg", "gfml"), ("fixed-stackelberg", "gfml")]
    least = [("gfml-random", name) for name in TABLE_THREE if name not in {"gfml-random", best}]
    yield compare(where, "optimized-profit", "learners earn more where only they optimize", PROFIT, games)
    yield compare(
        where,
        "optimized-utility",
        "the provider's utility is lower where only learners optimize",
        UTILITY,
        games,
        BELOW,
    )
    text = "with the game, random and fixed coalitions give the provider slightly more than GFML"
    yield compare(where, "loose-utility", text, UTILITY, loose, choice="how slightly is left open")
    yield compare(where, "loose-time", "with the game, random and fixed coalitions take longer than GFML", TIME, loose)
    text = "random coalitions take longer than GFML"
    yield compare(where, "random-time", text, TIME, [(name, "gfml") for name in RANDOM if name in TABLE_THREE])
    text = "GFML takes longer with random frequencies"
    yield compare(where, "random-frequencies-time", text, TIME, [("gfml-random", "gfml")])
    text = "GFML with random frequencies gives the provider least, best effort with optimized ones apart"
    yield compare(where, "random-frequencies-utility", text, UTILITY, least, BELOW)
    text = "best effort with optimized frequencies is the fastest"
    yield compare(where, "best-effort-time", text, TIME, [(best, name) for name in TABLE_THREE if name != best], BELOW)
    yield compare(
        where,
        "best-effort-profit",
        "best effort with optimized frequencies leaves learners next to nothing",
        PROFIT,
        [(best, "gfml")],
        (-110.0, -90.0),
        relative=True,
        choice="within a tenth of GFML's profit from 0",
    )
    text = "with the game, best effort has less welfare than GFML"
    choice = "welfare is the provider's utility and all profits of a round"
    yield compare(where, "welfare", text, Kind(welfare), [("best-effort-stackelberg", "gfml")], BELOW, choice=choice)


# --- Table III ---------------------------------------------------------------------------------------------------


def _printed() -> Study:
    """Table III as if it had been played: one seed, one round."""
    keys = ("profit", "completion_time", "provider_utility")
    return Study({name: [[dict(zip(keys, row, strict=True))]] for name, row in TABLE_THREE.items()})


def _orderings() -> Iterator[Claim]:
    kinds = {"total_profit": PROFIT, "completion_time": TIME, "provider_utility": UTILITY}
    for column, kind in kinds.items():
        for more, less in permutations(TABLE_THREE, 2):
            large, small = (getattr(TABLE_THREE[name], column) for name in (more, less))
            if large > small:
                text = f"{column.replace('_', ' ')}: {title(more)} ({large:g}) above {title(less)} ({small:g})"
                yield compare("Table III", f"{column}-{more}-{less}", text, kind, [(more, less)])


PRINTED = _printed()
ORDERINGS = tuple(_orderings())
