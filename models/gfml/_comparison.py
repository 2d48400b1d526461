"""What several frameworks or settings come to, over seeds: means with 95 % intervals, and the paper's claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from models.gfml._claims import PRINTED, TABLE_THREE, claims, orderings
from models.gfml._record import summary
from models.gfml._report import certified, kept_sentence, show_evidence, show_fitting
from models.gfml._statistics import BASE, LAST, Estimate, Measure, Study, estimate, last, mean, table_three, total
from models.gfml._sweeps import Played, by_framework, by_point
from models.gfml._verdicts import HELD, NOT_HELD, NOT_MEASURED, UNDECIDED, judge, tally, title
from solvers._documents import json_members, json_value
from solvers._tables import Cell, mark, show_title

if TYPE_CHECKING:
    from models.gfml._parameters import Parameters
    from models.gfml._statistics import Results
    from models.gfml._verdicts import Verdict

COLOURS = {HELD: "green", NOT_HELD: "red", UNDECIDED: "yellow", NOT_MEASURED: "dim"}
FIGURES = {"users": ("fig6", "fig9"), "coalitions": ("fig7",), "misbehaving": ("fig8", "fig9")}
COLUMN_TITLES = {
    "total_profit": "total profit per learner",
    "completion_time": "completion time per round",
    "provider_utility": "MSP utility per round",
}
MEASURES: Mapping[str, tuple[str, Measure]] = {
    "accuracy": ("accuracy", last("accuracy")),
    "personalised_accuracy": ("personalised", last("personalised_accuracy")),
    "total_profit": ("total\nprofit", total("profit")),
    "completion_time": ("time, s", mean("completion_time")),
    "provider_utility": ("MSP\nutility", mean("provider_utility")),
    "prices": ("price", mean("prices")),
}
FORMS = {"accuracy": ".3f", "personalised_accuracy": ".3f", "completion_time": ".2f", "prices": ".2f"}
NOTE = f"Accuracies are means over the last {LAST} rounds; ± is half of a 95 % interval, which one seed does not give."
UNSAID = "The paper does not say over how many rounds its profits are summed."


@dataclass(frozen=True)
class Several:
    """What is said about several points, each played with the same seeds; what both reports share."""

    dataset: str
    parameters: Parameters
    rounds: int
    seeds: Sequence[int]
    played: Sequence[Played]
    store: str
    kept: int
    seconds: float

    @property
    def stands(self) -> bool:
        """Whether all runs have all their rounds, and their certificates hold."""
        return not self.problem and all(map(_certified, self.played))

    @property
    def problem(self) -> str:
        """Why runs have fewer rounds than asked for, in one sentence."""
        return "; ".join(dict.fromkeys(text for one in self.played for text in one.problems.values()))

    @cached_property
    def study(self) -> Study:
        """The whole runs, as claims and figures take them."""
        base = {name: getattr(self.parameters, name) for name in BASE}
        return Study(by_framework(self.played), base=base)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """The verdicts on the paper's claims."""
        return [judge(claim, self.study, PRINTED) for claim in claims()]

    @property
    def _size(self) -> str:
        seeds = f"seeds {', '.join(map(str, self.seeds))}" if len(self.seeds) > 1 else f"seed {self.seeds[0]}"
        return f"{self.rounds} rounds, {seeds}"

    def _asked(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "parameters": self.parameters.document()}

    def _after(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "seeds": list(self.seeds),
            "problem": self.problem or None,
            "stats": {"rounds_from_store": self.kept, "seconds": self.seconds},
        }

    def _introduction(self, console: Console, heading: str) -> None:
        show_title(console, heading)
        if self.kept:
            rounds = sum(len(run) for one in self.played for run in one.runs.values())
            console.print(Text(kept_sentence(self.kept, rounds, self.store)))

    def _conclusion(self, console: Console) -> None:
        show_evidence(console, [record for one in self.played for run in one.runs.values() for record in run])


@dataclass(frozen=True)
class Comparison(Several):
    """All frameworks beside the paper's Table III."""

    @cached_property
    def orderings(self) -> list[Verdict]:
        """The verdict on every ordering in a column of Table III."""
        return orderings(self.study.results)

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        yield "{" + json_members(json_value(self._asked())) + ',\n"frameworks": ['
        yield from _json_points(self.played)
        after = {
            "table_three": self._table_three(),
            "orderings": [verdict.document() for verdict in self.orderings],
            "claims": [verdict.document() for verdict in self.verdicts],
            **self._after(),
        }
        yield "],\n" + json_members(json_value(after)) + "}\n"

    def figures(self) -> dict[str, Callable[[], bytes]]:
        """What can be drawn, by name."""
        from models.gfml import _plot

        results = self.study.results
        found: dict[str, Callable[[], bytes]] = {}
        if results:
            found = {"fig3": partial(_plot.figure_3, results), "fig4": partial(_plot.figure_4, results)}
        if _has_passive(results):
            found["fig5"] = partial(_plot.figure_5, results)
        return found

    def _table_three(self) -> dict[str, Any]:
        """Their numbers beside ours, by framework and column."""
        ours = table_three(self.study.results)
        return {
            one.point.framework: {
                column: {
                    "paper": _printed(one.point.framework, column),
                    **(ours[one.point.framework][column]._asdict() if one.whole else {"mean": None}),
                }
                for column in COLUMN_TITLES
            }
            for one in self.played
        }

    def print(self, console: Console) -> None:
        """Table III beside ours, the orderings that hold, and the claims."""
        self._introduction(console, f"Frameworks on {self.dataset}: {_users(self.parameters)}; {self._size}")
        heads = ["framework"]
        for column in COLUMN_TITLES:
            heads += [f"{MEASURES[column][0]}\n{whose}" for whose in ("printed", "ours")]
        heads += ["personalised\naccuracy", "certified"]
        rows = [self._row(one) for one in self.played]
        show_fitting(console, "Table III, printed and ours", heads, rows, spare=(7, 8, 3, 4), folded=0)
        console.print(Text(f"{NOTE} {UNSAID}"))
        self._show_orderings(console)
        show_claims(console, self.verdicts)
        self._conclusion(console)

    def _row(self, one: Played) -> list[Cell]:
        name = one.point.framework
        row: list[Cell] = [title(name)]
        for column in COLUMN_TITLES:
            printed = _printed(name, column)
            row += ["-" if printed is None else f"{printed:g}", _shown(column, one)]
        return [*row, _shown("personalised_accuracy", one), _verdict_on(one)]

    def _show_orderings(self, console: Console) -> None:
        """How many orderings of Table III hold, and which of GFML against each rival."""
        rows: list[Sequence[Cell]] = []
        for column, words in COLUMN_TITLES.items():
            found = [verdict for verdict in self.orderings if verdict.claim.name.startswith(f"{column}-")]
            counts = tally(found)
            rows.append([words, *(str(count) for count in counts.values())])
        kinds = [HELD, NOT_HELD, UNDECIDED, NOT_MEASURED]
        show_fitting(console, "Orderings of two frameworks in a column of Table III", ["", *kinds], rows, spare=(4,))
        against = [v for v in self.orderings if "gfml" in v.claim.needs and v.verdict != NOT_MEASURED]
        if against:
            heads = ["", "printed\ndifference", "ours", "verdict"]
            rows = [[v.claim.statement, _signed(v.table), _interval(v), _coloured(v)] for v in against]
            show_fitting(console, "Orderings of GFML and another framework", heads, rows, spare=(1,), folded=0)


@dataclass(frozen=True)
class Sweep(Several):
    """GFML with one thing varied; the values of `axis` are `values`."""

    axis: str
    values: Sequence[Any]

    @cached_property
    def study(self) -> Study:
        """The whole runs, by point."""
        if self.axis == "samples":
            return super().study
        return Study({}, by_point(self.played), {name: getattr(self.parameters, name) for name in BASE})

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        yield "{" + json_members(json_value({"sweep": self.axis, **self._asked()})) + ',\n"points": ['
        yield from _json_points(self.played)
        extra = {"samples": self._samples()} if self.axis == "samples" else {}
        found = [verdict.document() for verdict in measured(self.verdicts)]
        after = {**extra, "claims": found, **self._after()}
        yield "],\n" + json_members(json_value(after)) + "}\n"

    def figures(self) -> dict[str, Callable[[], bytes]]:
        """What can be drawn, by name."""
        from models.gfml import _plot

        if self.axis == "samples":
            results = self.study.results
            return {"fig5": partial(_plot.figure_5, results)} if _has_passive(results) else {}
        draw = {"fig6": _plot.figure_6, "fig7": _plot.figure_7, "fig8": _plot.figure_8, "fig9": _plot.figure_9}
        return {name: partial(draw[name], self.study) for name in FIGURES[self.axis] if self.study.swept(self.axis)}

    def _samples(self) -> dict[str, Any]:
        """The accuracy of passive users by number of samples."""
        return {str(count): _document(_estimate(last(f"passive/{count}"), self.played[0])) for count in self.values}

    def print(self, console: Console) -> None:
        """A row for each point, and the claims."""
        self._introduction(console, f"GFML on {self.dataset}, {self.axis} varied; {self._size}")
        if self.axis == "samples":
            heads = ["samples", "accuracy of\npassive users"]
            rows: list[list[Cell]] = [
                [str(count), _formatted(_estimate(last(f"passive/{count}"), self.played[0]), ".3f")]
                for count in self.values
            ]
            rows.append(["active users", _shown("personalised_accuracy", self.played[0])])
        else:
            heads = [name.replace("_", "\n") for name in self.played[0].point.settings]
            heads += [head for head, _ in MEASURES.values()] + ["certified"]
            rows = [
                [*map(_word, one.point.settings.values()), *(_shown(name, one) for name in MEASURES), _verdict_on(one)]
                for one in self.played
            ]
        special = len(heads) - len(MEASURES) - 1  # columns that say which point it is
        spare = () if self.axis == "samples" else tuple(special + k for k in (0, 5, 6, 3, 4))
        show_fitting(console, "Means over seeds", heads, rows, spare=spare)
        console.print(Text(NOTE))
        show_claims(console, measured(self.verdicts))
        self._conclusion(console)


# --- claims ------------------------------------------------------------------------------------------------------


def measured(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those for which all was played that they need."""
    return [verdict for verdict in verdicts if verdict.verdict != NOT_MEASURED]


def show_claims(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The claims with what was measured, and how many were not."""
    if found := measured(verdicts):
        heads = ["source", "claim", "paper", "ours", "verdict"]
        rows: list[Sequence[Cell]] = [
            [
                verdict.claim.source,
                verdict.claim.statement,
                _with_unit(_signed(verdict.paper), verdict),
                _with_unit(_interval(verdict), verdict),
                _coloured(verdict),
            ]
            for verdict in found
        ]
        show_fitting(console, "Claims of the paper", heads, rows, spare=(0, 2), folded=1)
    if left_out := len(verdicts) - len(found):
        console.print(Text(f"{left_out} more claims need sweeps, or frameworks that were not played."))


def _with_unit(text: str, verdict: Verdict) -> str:
    return text if text == "-" else f"{text} {verdict.claim.unit}".rstrip()


def _coloured(verdict: Verdict) -> Text:
    return Text(verdict.verdict, COLOURS[verdict.verdict])


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4g}"


def _interval(verdict: Verdict) -> str:
    """The number that decides, and its interval."""
    if verdict.ours is None:
        return "-"
    if verdict.low is None or verdict.high is None:
        return _signed(verdict.ours)
    return f"{_signed(verdict.ours)} [{_signed(verdict.low)}, {_signed(verdict.high)}]"


def _has_passive(results: Results) -> bool:
    return "gfml" in results and bool(results["gfml"][0][-1]["passive"])


# --- pieces ------------------------------------------------------------------------------------------------------


def _users(p: Parameters) -> str:
    return f"{p.users} users in {p.coalitions} coalition{'s' * (p.coalitions > 1)}"


def _printed(framework: str, column: str) -> float | None:
    row = TABLE_THREE.get(framework)
    return None if row is None else float(getattr(row, column))


def _certified(one: Played) -> bool:
    return all(certified(record) for run in one.runs.values() for record in run)


def _verdict_on(one: Played) -> Text:
    if not one.whole:
        return Text("not finished", "red")
    proved = [record["certificate"] is not None for run in one.runs.values() for record in run]
    return mark(_certified(one)) if any(proved) else Text("no game")


def _estimate(measure: Measure, one: Played) -> Estimate | None:
    return estimate([measure(run) for run in one.runs.values()]) if one.whole and one.runs else None


def _shown(name: str, one: Played) -> str:
    return _formatted(_estimate(MEASURES[name][1], one), FORMS.get(name, ".5g"))


def _formatted(found: Estimate | None, form: str) -> str:
    """The mean, and half its interval in two figures; as many decimals for either."""
    if found is None or math.isnan(found.mean):
        return "-"
    if found.high is None:
        return format(found.mean, form)
    half = found.high - found.mean
    decimals = min(max(1 - math.floor(math.log10(half)), 0), 3) if half > 0 else 3
    return f"{found.mean:.{decimals}f} ± {half:.{decimals}f}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _document(found: Estimate | None) -> dict[str, float | None]:
    return {"mean": None, "low": None, "high": None} if found is None else found._asdict()


def _json_points(played: Sequence[Played]) -> Iterator[str]:
    """The members of a JSON list of points: what is special about each, its runs, their means and intervals."""
    for k, one in enumerate(played):
        found = {name: _estimate(measure, one) for name, (_, measure) in MEASURES.items()}
        settings = {name: value for name, value in one.point.settings.items() if name != "framework"}
        document = {
            "framework": one.point.framework,
            **settings,
            "seeds": list(one.runs),
            "summaries": [summary(run) if run else None for run in one.runs.values()],
            "means": {name: None if value is None else value.mean for name, value in found.items()},
            "intervals": {
                name: None if value is None or value.low is None else [value.low, value.high]
                for name, value in found.items()
            },
            "certified": _certified(one),
            "problems": list(one.problems.values()),
        }
        yield (",\n {" if k else "\n {") + json_members(json_value(document)) + "}"
