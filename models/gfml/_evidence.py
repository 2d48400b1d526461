"""What is certified of rounds, in words: of partitions, of prices and frequencies; and who took no part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rich.console import Console
from rich.text import Text

from solvers._tables import mark

Record: TypeAlias = Mapping[str, Any]

NAMED = 5  # users who are named as left out, with the reason
FEW = 3  # users who are named where many runs are told of, and seeds of which it is told
DEVIATIONS = {"best responses": ("no learner", "by another frequency at the given price")}


def counted(number: int, noun: str) -> str:
    """So many of them: "1 round", "2 rounds"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


# --- verdicts ----------------------------------------------------------------------------------------------------


def certified(record: Record) -> bool:
    """Whether all that a round claims is proved; a partition claims to be stable only where it says so."""
    game, partition = record["certificate"], record["partition_certificate"]
    stable = partition is not None and partition["holds"]
    return (game is None or bool(game["holds"])) and (not record["stable"] or stable)


def proved(records: Sequence[Record]) -> bool | None:
    """Whether all that the rounds claim is proved; None where they claim nothing. On it the exit status depends."""
    claims = any(record["certificate"] is not None or record["stable"] for record in records)
    return all(map(certified, records)) if claims else None


def partition_word(record: Record) -> str:
    """What kind of partition the coalitions are."""
    if record["stable"] is None:
        return "-"
    return "stable" if record["stable"] else "cycling" if record["cycling"] else "not stable"


def partitions_cell(records: Sequence[Record]) -> Text:
    """How many partitions are stable, and how many cycling; a dash where no game forms them."""
    words = [partition_word(record) for record in records if record["stable"] is not None]
    if not words:
        return Text("-")
    cycling = f",\n{words.count('cycling'):,} cycling" if "cycling" in words else ""
    cell = Text(f"{words.count('stable'):,}/{len(words):,} stable{cycling}")
    claimed = [record["partition_certificate"] for record in records if record["stable"]]
    return cell if all(proof and proof["holds"] for proof in claimed) else cell.append("\nno proof", "red")


def prices_cell(records: Sequence[Record]) -> Text:
    """Whether the certificates of prices and frequencies hold, if there are any."""
    proofs = [record["certificate"] for record in records if record["certificate"] is not None]
    if proofs:
        return mark(all(proof["holds"] for proof in proofs))
    return Text("-") if all(map(_idle, records)) else Text("no game")


def _idle(record: Record) -> bool:
    """Whether nobody took part in the round."""
    return all(price is None for price in record["prices"])


# --- sentences ---------------------------------------------------------------------------------------------------


def show_evidence(console: Console, records: Sequence[Record]) -> None:
    """What is certified of the rounds: of their partitions, and of the games that set prices and frequencies."""
    if not records:
        return
    console.print(_partitions(records))
    proofs = [record["certificate"] for record in records if record["certificate"] is not None]
    for concept in dict.fromkeys(proof["concept"] for proof in proofs):
        found = [proof for proof in proofs if proof["concept"] == concept]
        count = sum(proof["holds"] for proof in found)
        sentence = _sentence(_worst(found), *DEVIATIONS.get(concept, ("nobody", "by deviating")))
        console.print(sentence.append(f" in {count:,} of {counted(len(found), 'round')}"))
    without = [record for record in records if record["certificate"] is None]
    idle = sum(map(_idle, without))
    if drawn := len(without) - idle:
        where = f" in {drawn:,} of {counted(len(records), 'round')}" if drawn < len(records) else ""
        console.print(Text(f"Prices and frequencies: no game sets them{where}, so none is certified."))
    if idle:
        where = f"{idle:,} of {counted(len(records), 'round')}"
        console.print(Text(f"Prices and frequencies: nobody took part in {where}, so there were none to certify."))


def _partitions(records: Sequence[Record]) -> Text:
    """How many partitions are stable, and with what certificate."""
    judged = [record for record in records if record["stable"] is not None]
    if not judged:
        return Text("Partitions: no game forms the coalitions, so none is certified.")
    words = [partition_word(record) for record in judged]
    counts = {word: words.count(word) for word in ("stable", "not stable", "cycling")}
    text = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    rounds = counted(len(judged), "round")
    sentence = Text(f"Partitions of {rounds}, at the prices and frequencies that users expected: {text}.")
    proofs = [record["partition_certificate"] for record in judged if record["stable"]]
    if None in proofs:
        return sentence.append(" One that is called stable has ").append("no certificate", "red").append(".")
    return (
        sentence.append(" ").append_text(_sentence(_worst(proofs), "no learner", "by moving")) if proofs else sentence
    )


def _worst(certificates: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The certificate nearest to its limit, or furthest beyond; one without a number before all."""

    def excess(certificate: Mapping[str, Any]) -> tuple[bool, float]:
        residual = certificate["residual"]
        return not certificate["holds"], float("inf") if residual is None else residual / certificate["tolerance"]

    return max(certificates, key=excess)


def _sentence(proof: Mapping[str, Any], who: str, way: str) -> Text:
    residual = "nan" if proof["residual"] is None else f"{proof['residual']:.3g}"
    claim = f"Certificate ({proof['concept']}): {who} gains more than {residual} {way} "
    return Text(f"{claim}(tolerance {proof['tolerance']:.3g}): ").append_text(mark(proof["holds"]))


# --- who took no part --------------------------------------------------------------------------------------------


def outside(record: Record) -> int:
    """How many active users are in no coalition."""
    return sum(slot < 0 for slot in record["coalitions"])


def absent(records: Sequence[Record]) -> str:
    """How many active users are in no coalition, if any, in a sentence."""
    counts = [outside(record) for record in records]
    low, high = min(counts), max(counts)
    if not high:
        return ""
    users = f"of {counted(len(records[0]['coalitions']), 'active user')}"
    if low == high:
        return f"{high:,} {users} {'is' if high == 1 else 'are'} in no coalition."
    return f"{low:,} to {high:,} {users} are in no coalition, depending on the round."


def left_out(records: Sequence[Record]) -> str:
    """Who was in a coalition and yet took no part in rounds, and why."""
    rounds = _rounds_without(records)
    reasons: dict[str, str] = {}
    for record in records:
        for entry in record["dropped"]:
            reasons.setdefault(entry["name"], entry["reason"])
    if not rounds:
        return ""
    named = [f"{name} ({counted(rounds[name], 'round')}: {reasons[name]})" for name in list(rounds)[:NAMED]]
    more = f" and {len(rounds) - NAMED:,} more" if len(rounds) > NAMED else ""
    return f"Left out of rounds: {'; '.join(named)}{more}."


def left_out_of(runs: Mapping[int, Sequence[Record]]) -> str:
    """The same of several runs, by seed, in short: how many, and the first names."""
    parts = []
    for seed, records in runs.items():
        if rounds := _rounds_without(records):
            more = f" and {len(rounds) - FEW:,} more" if len(rounds) > FEW else ""
            when = f"{sum(bool(record['dropped']) for record in records):,} of {counted(len(records), 'round')}"
            parts.append(f"seed {seed}: {', '.join(list(rounds)[:FEW])}{more}, in {when}")
    more = f"; {counted(len(parts) - FEW, 'more seed')}" if len(parts) > FEW else ""
    return "; ".join(parts[:FEW]) + more


def _rounds_without(records: Sequence[Record]) -> dict[str, int]:
    """In how many rounds each who was left out took no part."""
    found: dict[str, int] = {}
    for record in records:
        for entry in record["dropped"]:
            found[entry["name"]] = found.get(entry["name"], 0) + 1
    return found
