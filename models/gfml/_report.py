"""What a run comes to, round by round: tables for people and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.text import Text

from solvers._documents import json_members, json_value
from solvers._tables import Cell, mark, show, show_title, titled

if TYPE_CHECKING:
    from models.gfml._parameters import Parameters

Record: TypeAlias = Mapping[str, Any]

SHOWN = 10  # rounds in the table
FOLDED = 20  # characters to which a column of text may be narrowed
UNFOLDED = 10_000  # characters, more than any table needs
NAMED = 5  # users who are named as left out
BY_USER = ("profits", "coalitions", "reputations")  # lists that --brief leaves out
HEADS = (
    *("round", "accuracy", "personalised", "loss", "time, s", "profit", "MSP\nutility", "mean\nprice", "switches"),
    *("partition", "certificate"),
)


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

    @property
    def stands(self) -> bool:
        """Whether all rounds are there and their certificates hold."""
        return not self.problem and len(self.records) == self.rounds and all(map(certified, self.records))

    @property
    def heading(self) -> str:
        """What the report is about."""
        p = self.parameters
        users = f"{p.users} users in {p.coalitions} coalition{'s' * (p.coalitions > 1)}"
        lazy = f", {p.misbehaving:.0%} of them misbehaving" if p.misbehaving else ""
        return f"{self.title} on {self.dataset}: {users}{lazy}, seed {self.seed}"

    def figures(self) -> dict[str, Callable[[], bytes]]:
        """What can be drawn, by name; nothing where rounds are missing."""
        if len(self.records) < self.rounds:
            return {}
        from models.gfml._plot import figure_3

        return {"fig3": partial(figure_3, {self.framework: [self.records]})}

    # --- JSON ------------------------------------------------------------------------------------------------------

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on, as pieces of one JSON document."""
        about = {"framework": self.framework, "dataset": self.dataset, "parameters": self.parameters.document()}
        yield "{" + json_members(json_value(about)) + ',\n"rounds": ['
        yield from json_rounds(self.records, brief=self.brief)
        after = {
            "summary": self.summary,
            "seed": self.seed,
            "problem": self.problem or None,
            "stats": {"rounds_from_store": self.kept, "seconds": self.seconds},
        }
        yield "],\n" + json_members(json_value(after)) + "}\n"

    # --- tables ----------------------------------------------------------------------------------------------------

    def print(self, console: Console) -> None:
        """The rounds, what they sum up to, and what is certified."""
        show_title(console, self.heading)
        if self.kept:
            console.print(Text(kept_sentence(self.kept, len(self.records), self.store)))
        if not self.records:
            return
        chosen = thinned(self.records, SHOWN)
        left_out = f" ({len(chosen)} of {len(self.records)})" if len(chosen) < len(self.records) else ""
        show_fitting(console, f"Rounds{left_out}", HEADS, [_row(record) for record in chosen], spare=(1, 3, 8, 7))
        console.print(Text(self._sums()))
        if dropped := _dropped(self.records):
            console.print(Text(dropped, "yellow"))
        show_evidence(console, self.records)

    def _sums(self) -> str:
        found = self.summary
        price = found["mean_price"]
        return (
            f"{_counted(found['rounds'])}: accuracy {found['accuracy']:.1%} before and "
            f"{found['personalised_accuracy']:.1%} after personalisation, total profit per learner "
            f"{found['total_profit']:.5g}, per round {found['completion_time']:.4g} s and an MSP utility of "
            f"{found['provider_utility']:.5g}" + (f", mean price {price:.4g}" if price is not None else "") + "."
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
    return f"{kept:,} of {all_rounds:,} rounds from {store}."


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


# --- certificates ------------------------------------------------------------------------------------------------


def certified(record: Record) -> bool:
    """Whether all that a round claims is proved; a partition claims to be stable only where it says so."""
    game, partition = record["certificate"], record["partition_certificate"]
    proved = partition is not None and partition["holds"]
    return (game is None or bool(game["holds"])) and (not record["stable"] or proved)


def partition_word(record: Record) -> str:
    """What kind of partition the coalitions are."""
    if record["stable"] is None:
        return "-"
    return "stable" if record["stable"] else "cycling" if record["cycling"] else "not stable"


def _worst(certificates: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The certificate nearest to its limit, or furthest beyond; one without a number before all."""

    def excess(certificate: Mapping[str, Any]) -> tuple[bool, float]:
        residual = certificate["residual"]
        return not certificate["holds"], float("inf") if residual is None else residual / certificate["tolerance"]

    return max(certificates, key=excess)


def show_evidence(console: Console, records: Sequence[Record]) -> None:
    """What is certified of the rounds: of their partitions, and of the games that set prices and frequencies."""
    console.print(_partitions(records))
    proofs = [record["certificate"] for record in records if record["certificate"] is not None]
    if not proofs:
        console.print(Text("Prices and frequencies: no game sets them, so none is certified."))
    for concept in dict.fromkeys(proof["concept"] for proof in proofs):
        found = [proof for proof in proofs if proof["concept"] == concept]
        count = sum(proof["holds"] for proof in found)
        sentence = _sentence(_worst(found), "nobody", "by deviating")
        console.print(sentence.append(f" in {count:,} of {len(found):,} rounds"))


def _partitions(records: Sequence[Record]) -> Text:
    """How many partitions are stable, and with what certificate."""
    judged = [record for record in records if record["stable"] is not None]
    if not judged:
        return Text("Partitions: no game forms the coalitions, so none is certified.")
    words = [partition_word(record) for record in judged]
    counts = {word: words.count(word) for word in ("stable", "not stable", "cycling")}
    text = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    sentence = Text(f"Partitions of {len(judged):,} rounds: {text}.")
    proofs = [record["partition_certificate"] for record in judged if record["stable"]]
    if None in proofs:
        return sentence.append(" One that is called stable has ").append("no certificate", "red").append(".")
    return (
        sentence.append(" ").append_text(_sentence(_worst(proofs), "no learner", "by moving")) if proofs else sentence
    )


def _sentence(proof: Mapping[str, Any], who: str, way: str) -> Text:
    residual = "nan" if proof["residual"] is None else f"{proof['residual']:.3g}"
    claim = f"Certificate ({proof['concept']}): {who} gains more than {residual} {way} "
    return Text(f"{claim}(tolerance {proof['tolerance']:.3g}): ").append_text(mark(proof["holds"]))


# --- pieces ------------------------------------------------------------------------------------------------------


def _row(record: Record) -> list[Cell]:
    price, proof = mean_price(record), record["certificate"]
    return [
        str(record["round"]),
        *(f"{record[name]:.3f}" for name in ("accuracy", "personalised_accuracy")),
        _number(record["loss"], ".4g"),
        _number(record["completion_time"], ".2f"),
        _number(record["profit"], ".2f"),
        _number(record["provider_utility"], ".1f"),
        _number(price, ".2f"),
        str(record["switches"]),
        partition_word(record),
        Text("-") if proof is None else mark(proof["holds"]),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _counted(rounds: int) -> str:
    return f"{rounds:,} round{'s' * (rounds > 1)}"


def _dropped(records: Sequence[Record]) -> str:
    """Who was left out of rounds, and why."""
    reasons: dict[str, str] = {}
    rounds: dict[str, int] = {}
    for record in records:
        for entry in record["dropped"]:
            reasons.setdefault(entry["name"], entry["reason"])
            rounds[entry["name"]] = rounds.get(entry["name"], 0) + 1
    if not reasons:
        return ""
    named = [
        f"{name} ({rounds[name]} round{'s' * (rounds[name] > 1)}: {reasons[name]})" for name in list(reasons)[:NAMED]
    ]
    more = f" and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    return f"Left out of rounds: {'; '.join(named)}{more}."


def json_rounds(records: Sequence[Record], *, brief: bool) -> Iterator[str]:
    """The members of a JSON list of rounds."""
    for k, record in enumerate(records):
        kept = {name: value for name, value in record.items() if not (brief and name in BY_USER)}
        yield (",\n " if k else "\n ") + json.dumps(json_value(kept), allow_nan=False)
