"""What a run comes to, round by round: tables for people and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.text import Text

from models.gfml._evidence import absent, counted, left_out, outside, partition_word, proved, show_evidence
from solvers._documents import json_members, json_value
from solvers._messages import one_line
from solvers._tables import Cell, mark, show, show_title, titled

if TYPE_CHECKING:
    from models.gfml._ledgers import Look
    from models.gfml._parameters import Parameters

Record: TypeAlias = Mapping[str, Any]

SHOWN = 10  # rounds in the table
FOLDED = 20  # characters to which a column of text may be narrowed
UNFOLDED = 10_000  # characters, more than any table needs
BY_USER = ("profits", "coalitions", "reputations")  # lists that --brief leaves out
IN_TITLE = ("users", "coalitions")  # parameters that the title of a report has


@dataclass(frozen=True)
class RunReport:
    """What is said about one run: `records` are the documents of its rounds, `kept` of which came from the store.

    `problem` says why it has fewer rounds than asked for, if it has.
    """

    framework: str
    title: str
    dataset: str
    parameters: Parameters
    seed: int
    rounds: int
    records: Sequence[Record]
    summary: Mapping[str, Any]
    store: str
    kept: int
    brief: bool
    seconds: float
    problem: str = ""
    ledger: Look | None = None

    @property
    def stands(self) -> bool:
        """Whether all rounds are there and their certificates hold."""
        return not self.problem and len(self.records) == self.rounds and proved(self.records) is not False

    @property
    def heading(self) -> str:
        """What the report is about."""
        p = self.parameters
        return f"{self.title} on {self.dataset}: {size(p)}, seed {self.seed}"

    def figures(self) -> dict[str, Callable[[], bytes] | str]:
        """What can be drawn, by name, or why it cannot."""
        name = f"fig3-{self.framework}"
        if len(self.records) < self.rounds:
            return {name: "rounds are missing"}
        from models.gfml._plot import figure_3

        return {name: partial(figure_3, {self.framework: [self.records]})}

    # --- JSON ------------------------------------------------------------------------------------------------------

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        about = {"framework": self.framework, "dataset": self.dataset, "parameters": self.parameters.document()}
        yield "{" + json_members(json_value(about)) + ',\n"rounds": ['
        yield from json_rounds(self.records, brief=self.brief)
        after = {
            "summary": self.summary,
            "certified": proved(self.records),
            "seed": self.seed,
            "problem": self.problem or None,
            **({} if self.ledger is None else {"ledger": self.ledger._asdict()}),
            "stats": {"rounds_from_store": self.kept, "seconds": self.seconds},
        }
        yield "],\n" + json_members(json_value(after)) + "}\n"

    # --- tables ----------------------------------------------------------------------------------------------------

    def print(self, console: Console) -> None:
        """The rounds, what they sum up to, and what is certified."""
        show_title(console, self.heading)
        show_changed(console, self.parameters)
        if self.kept:
            console.print(Text(kept_sentence(self.kept, len(self.records), self.store)))
        if not self.records:
            return
        chosen = thinned(self.records, SHOWN)
        thin = f" ({len(chosen)} of {len(self.records)})" if len(chosen) < len(self.records) else ""
        heads = _heads(self.records[0])
        k = len(heads)
        spare = (k - 4, 1, k - 9, k - 5, *range(3, k - 9))  # switches, accuracy before, loss, price, later accuracies
        show_fitting(console, f"Rounds{thin}", heads, [_row(record) for record in chosen], spare=spare)
        console.print(Text(self._sums()))
        for told in filter(None, [absent(self.records), left_out(self.records)]):
            console.print(Text(one_line(told, len(told)), "yellow"))
        show_evidence(console, self.records)
        if self.ledger is not None:
            self._show_ledger(console, self.ledger)

    def _show_ledger(self, console: Console, ledger: Look) -> None:
        """What the chain has: the best and the worst reputations, and how to check them."""
        ranked = sorted(ledger.reputations.items(), key=lambda pair: -pair[1])
        chosen = ranked if len(ranked) <= SHOWN else ranked[: SHOWN // 2] + ranked[-SHOWN // 2 :]
        rows = [[name, f"{value:.6f}"] for name, value in chosen]
        some = f", the best and the worst of {len(ranked)} users" if len(rows) < len(ranked) else ""
        show(
            console,
            *titled(f"Reputations on the chain after round {ledger.rounds}{some}", ["user", "reputation"], rows),
        )
        refused = sum(record.get("refused_attempts", 0) for record in self.records)
        if refused:
            console.print(
                Text(f"{counted(refused, 'attempt')} to tamper with them: the contract refused each of them.")
            )
        found = f"{ledger.contributions:,} contributions under the root {ledger.root}"
        check = f"python -m models.ledger verify {ledger.place} --contract {ledger.contract}"
        console.print(Text(f"The ledger {ledger.contract} has {found}. To check it: {check}"))

    def _sums(self) -> str:
        found = self.summary
        accuracies = [f"{_number(found['accuracy'], '.1%')} before personalisation"]
        accuracies += [
            f"{_number(value, '.1%')} after {counted(int(steps), 'step')}"
            for steps, value in found["personalised"].items()
        ]
        time = found["completion_time"]
        return (
            f"{counted(found['rounds'], 'round')}: accuracy {', '.join(accuracies)}; total profit per learner "
            f"{_number(found['total_profit'], '.5g')}; per round {'-' if time is None else f'{time:.4g} s'} and a "
            f"provider's utility of {_number(found['provider_utility'], '.5g')}; mean price "
            f"{_number(found['mean_price'], '.4g')}."
        )


def show_fitting(
    console: Console,
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    spare: Sequence[int],
    folded: int | None = None,
) -> None:
    """A table without as many of its `spare` columns, in their order, as a narrow terminal has no room for.

    If that is enough, no cell is folded but those of the column `folded`, which may be as narrow as `FOLDED`.
    """
    for count in range(len(spare) + 1):
        stay = [k for k in range(len(heads)) if k not in spare[:count]]
        _, made = titled(title, [heads[k] for k in stay], [[row[k] for k in stay] for row in rows])
        longest = 0 if folded is None else max(len(str(row[folded])) for row in rows)
        wide = console.measure(made, options=console.options.update(max_width=UNFOLDED)).maximum
        fits = wide - max(longest - FOLDED, 0) <= console.width
        if fits:
            break
    for k, column in zip(stay, made.columns, strict=True):
        column.no_wrap = fits and k != folded  # rather folded than cut off
    show(console, title, made)
    if count:
        names = dict.fromkeys(" ".join(heads[k].split()) for k in spare[:count])
        console.print(Text(f"Not shown, for want of room: {', '.join(names)}.", "yellow"))


def kept_sentence(kept: int, all_rounds: int, store: str) -> str:
    """How much was there before."""
    return f"{kept:,} of {counted(all_rounds, 'round')} from {store}."


def size(p: Parameters) -> str:
    """How many users and coalitions there are."""
    return f"{counted(p.users, 'user')} in {counted(p.coalitions, 'coalition')}"


def show_changed(console: Console, p: Parameters) -> None:
    """The parameters that are not the default, but for those that a title has."""
    from models.gfml._store import Unit

    changed = Unit("", "", 0, p).changed()
    if found := [f"{name} {_setting(value)}" for name, value in changed.items() if name not in IN_TITLE]:
        console.print(Text(f"Not the default: {', '.join(found)}."))


def _setting(value: Any) -> str:
    """A parameter's value as --set takes it."""
    if isinstance(value, list):
        return ",".join(map(_setting, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def thinned(records: Sequence[Record], most: int) -> list[Record]:
    """At most so many records, evenly spread, the first and the last among them."""
    last = len(records) - 1
    if last < most:
        return list(records)
    return [records[round(k * last / (most - 1))] for k in range(most)]


def mean_price(record: Record) -> float | None:
    """The mean price of the coalitions that have members."""
    prices = [price for price in record["prices"] if price is not None]
    return sum(prices) / len(prices) if prices else None


# --- pieces ------------------------------------------------------------------------------------------------------


def _heads(record: Record) -> list[str]:
    after = [f"after\n{counted(int(steps), 'step')}" for steps in record["personalised"]]
    games = ["provider's\nutility", "mean\nprice", "switches", "out", "partition", "certificate"]
    return ["round", "accuracy\nbefore", *after, "loss", "time, s", "profit", *games]


def _row(record: Record) -> list[Cell]:
    price, proof = mean_price(record), record["certificate"]
    return [
        str(record["round"]),
        *(_number(value, ".3f") for value in (record["accuracy"], *record["personalised"].values())),
        _number(record["loss"], ".4g"),
        _number(record["completion_time"], ".2f"),
        _number(record["profit"], ".2f"),
        _number(record["provider_utility"], ".1f"),
        _number(price, ".2f"),
        str(record["switches"]),
        str(outside(record)),
        partition_word(record),
        Text("-") if proof is None else mark(proof["holds"]),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def json_rounds(records: Sequence[Record], *, brief: bool) -> Iterator[str]:
    """The members of a JSON list of rounds."""
    for k, record in enumerate(records):
        kept = {name: value for name, value in record.items() if not (brief and name in BY_USER)}
        yield (",\n " if k else "\n ") + json.dumps(json_value(kept), allow_nan=False)
