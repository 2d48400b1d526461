"""What several frameworks or settings come to, over seeds: means with 95 % intervals, and the paper's claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from models.gfml._claim_table import coloured, interval, measured, show_claims, signed
from models.gfml._claims import PRINTED, TABLE_THREE, claims, orderings
from models.gfml._evidence import counted, left_out_of, partitions_cell, prices_cell, proved, show_evidence
from models.gfml._record import summary
from models.gfml._report import kept_sentence, show_changed, show_fitting, size
from models.gfml._statistics import BASE, LAST, Estimate, Measure, Study, estimate, last, mean, table_three, total
from models.gfml._sweeps import Played, Record, by_framework, by_point
from models.gfml._verdicts import HELD, NOT_HELD, NOT_MEASURED, UNDECIDED, judge, tally, title
from solvers._documents import json_members, json_value
from solvers._messages import one_line
from solvers._tables import Cell, show_title

if TYPE_CHECKING:
    from models.gfml._parameters import Parameters
    from models.gfml._statistics import Results
    from models.gfml._verdicts import Verdict

FIGURES: Mapping[str, Mapping[str, str]] = {  # of a sweep: the file's name, and what draws it
    "users": {"fig6": "figure_6", "fig9-users": "figure_9"},
    "coalitions": {"fig7": "figure_7"},
    "misbehaving": {"fig8": "figure_8", "fig9-misbehaving": "figure_9"},
}
COLUMN_TITLES = {
    "total_profit": "total profit per learner",
    "completion_time": "completion time per round",
    "provider_utility": "provider's utility per round",
}
MEASURES: Mapping[str, tuple[str, Measure]] = {
    "accuracy": ("accuracy", last("accuracy")),
    "personalised_accuracy": ("personalised", last("personalised_accuracy")),
    "total_profit": ("total\nprofit", total("profit")),
    "completion_time": ("time, s", mean("completion_time")),
    "provider_utility": ("provider's\nutility", mean("provider_utility")),
    "prices": ("price", mean("prices")),
}
EVIDENCE = ("partition", "prices")  # columns
FORMS = {"accuracy": ".3f", "personalised_accuracy": ".3f", "completion_time": ".2f", "prices": ".2f"}
UNSAID = (
    "The paper calls the provider's utility that of the MSP (metaverse service provider), and does not say over how "
    "many rounds its profits are summed."
)
ONE_SEED = "One seed gives no intervals, so nothing is decided; use --seeds 3 or more."
UNFINISHED = "no run of it is finished"


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
        return not self.problem and self.certified is not False

    @property
    def certified(self) -> bool | None:
        """Whether all that the rounds claim is proved; None where they claim nothing."""
        return proved(self._records)

    @property
    def _records(self) -> list[Record]:
        return [record for one in self.played for record in _records(one)]

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
        return f"{counted(self.rounds, 'round')}, {seeds}"

    @property
    def _note(self) -> str:
        means = f"the last {min(LAST, self.rounds)} rounds" if min(LAST, self.rounds) > 1 else "the last round"
        interval = "; ± is half of a 95 % interval." if len(self.seeds) > 1 else "."
        return f"Accuracies are means over {means}{interval}"

    def _asked(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "parameters": self.parameters.document()}

    def _after(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "seeds": list(self.seeds),
            "certified": self.certified,
            "problem": self.problem or None,
            "stats": {"rounds_from_store": self.kept, "seconds": self.seconds},
        }

    def _introduction(self, console: Console, heading: str) -> None:
        show_title(console, heading)
        show_changed(console, self.parameters)
        if self.kept:
            console.print(Text(kept_sentence(self.kept, len(self._records), self.store)))

    def _conclusion(self, console: Console) -> None:
        """Who was left out, what is certified, and what one seed cannot tell."""
        for one in self.played:
            if told := left_out_of(one.runs):
                console.print(Text(f"Left out of rounds, {_named(one)}: {one_line(told, len(told))}.", "yellow"))
        show_evidence(console, self._records)
        if len(self.seeds) == 1:
            console.print(Text(ONE_SEED, "yellow"))


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

    def figures(self) -> dict[str, Callable[[], bytes] | str]:
        """What can be drawn, by name, or why it cannot."""
        from models.gfml import _plot

        results = self.study.results
        if not results:
            return dict.fromkeys(("fig3", "fig4", "fig5"), UNFINISHED)
        return {
            "fig3": partial(_plot.figure_3, results),
            "fig4": partial(_plot.figure_4, results),
            "fig5": _without_passive(results) or partial(_plot.figure_5, results),
        }

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
        self._introduction(console, f"Frameworks on {self.dataset}: {size(self.parameters)}; {self._size}")
        heads = ["framework"]
        for column in COLUMN_TITLES:
            heads += [f"{MEASURES[column][0]}\n{whose}" for whose in ("printed", "ours")]
        heads += ["personalised\naccuracy", *EVIDENCE]
        rows = [self._row(one) for one in self.played]
        show_fitting(console, "Table III, printed and ours", heads, rows, spare=(7, 8, 9, 3, 4), folded=0)
        console.print(Text(f"{self._note} {UNSAID}"))
        self._show_orderings(console)
        show_claims(console, self.verdicts)
        self._conclusion(console)

    def _row(self, one: Played) -> list[Cell]:
        name = one.point.framework
        row: list[Cell] = [title(name)]
        for column in COLUMN_TITLES:
            printed = _printed(name, column)
            row += ["-" if printed is None else f"{printed:g}", _shown(column, one)]
        return [*row, _shown("personalised_accuracy", one), *_evidence(one)]

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
            rows = [[v.claim.statement, signed(v.table), interval(v), coloured(v)] for v in against]
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

    def figures(self) -> dict[str, Callable[[], bytes] | str]:
        """What can be drawn, by name, or why it cannot."""
        from models.gfml import _plot

        if self.axis == "samples":
            results = self.study.results
            return {"fig5-samples": _without_passive(results) or partial(_plot.figure_5, results)}
        if not self.study.swept(self.axis):
            return dict.fromkeys(FIGURES[self.axis], UNFINISHED)
        return {name: partial(getattr(_plot, draw), self.study) for name, draw in FIGURES[self.axis].items()}

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
            heads += [*(head for head, _ in MEASURES.values()), *EVIDENCE]
            rows = [
                [*map(_word, one.point.settings.values()), *(_shown(name, one) for name in MEASURES), *_evidence(one)]
                for one in self.played
            ]
        special = len(heads) - len(MEASURES) - len(EVIDENCE)  # columns that say which point it is
        spare = () if self.axis == "samples" else tuple(special + k for k in (0, 5, 6, 7, 3, 4))
        show_fitting(console, "Means over seeds", heads, rows, spare=spare)
        console.print(Text(self._note))
        show_claims(console, measured(self.verdicts))
        self._conclusion(console)


def _without_passive(results: Results) -> str:
    """Why Figure 5 cannot be drawn, if it cannot."""
    if "gfml" not in results:
        return "it shows passive users of gfml, of which no run is finished"
    return "" if results["gfml"][0][-1]["passive"] else "there are no passive users"


# --- pieces ------------------------------------------------------------------------------------------------------


def _printed(framework: str, column: str) -> float | None:
    row = TABLE_THREE.get(framework)
    return None if row is None else float(getattr(row, column))


def _records(one: Played) -> list[Record]:
    return [record for run in one.runs.values() for record in run]


def _named(one: Played) -> str:
    """The framework, or what is special about the point of a sweep."""
    settings = {name: value for name, value in one.point.settings.items() if name != "framework"}
    words = [f"{name.replace('_', ' ')} {_word(value)}" for name, value in settings.items()]
    return ", ".join(words) or title(one.point.framework)


def _evidence(one: Played) -> list[Cell]:
    """What is certified, as cells: of partitions, and of prices."""
    if not one.whole:
        return [Text("-"), Text("not finished", "red")]
    records = _records(one)
    return [partitions_cell(records), prices_cell(records)]


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
            "certified": proved(_records(one)),
            "problems": list(one.problems.values()),
        }
        yield (",\n {" if k else "\n {") + json_members(json_value(document)) + "}"
