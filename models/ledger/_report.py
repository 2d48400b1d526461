"""What is said about a ledger: tables for people and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from solvers._documents import json_value
from solvers._tables import Cell, Titled, mark, number, show, show_title, titled

if TYPE_CHECKING:
    from models.ledger._history import Check, Past
    from models.ledger._ledger import Ledger
    from models.ledger._merkle import Proof

SHOWN = 40  # users or rounds in a table
PHASES = ("over", "recruited", "formed")
FIELDS = ("training", "slack", "contribution")
COLUMNS = ("round", "user", "head", *FIELDS, "reputation", "paid_wei", "block", "leaf")  # of an exported table


@dataclass(frozen=True)
class Report:
    """A title, tables, sentences, and the same as a document; `stands` if nothing was found that must not be."""

    title: str
    document: Mapping[str, Any]
    tables: Sequence[Titled] = ()
    sentences: Sequence[str | Text] = field(default=())
    stands: bool = True

    def json(self) -> Iterator[str]:
        """The contract that scripts depend on."""
        yield json.dumps(json_value(dict(self.document)), indent=1) + "\n"

    def print(self, console: Console) -> None:
        """Tables, then sentences."""
        show_title(console, self.title)
        for title, table in self.tables:
            show(console, title, table)
        for sentence in self.sentences:
            console.print(Text(sentence) if isinstance(sentence, str) else sentence)


def shown(ledger: Ledger, notes: Sequence[str] = ()) -> Report:
    """Accounts and roles, reputations, money."""
    status = ledger.status()
    names, accounts, totals, due = ledger.names, ledger.accounts(), ledger.totals(), ledger.credits()
    document = _about(ledger) | {
        "users": [
            {"name": name, "account": account, "reputation": float(total), "credit": credit}
            for name, account, total, credit in zip(names, accounts, totals, due, strict=True)
        ],
    }
    rows = [
        [name, account, number(total), _money(credit, ledger)]
        for name, account, total, credit in zip(names, accounts, totals, due, strict=True)
    ]
    heads = ["user", "account", f"reputation\nafter round {status.round}", "earned, to\nbe withdrawn"]
    roles = [["provider", ledger.provider()], *(["miner", account] for account in ledger.miners())]
    tables = [titled("Roles", ["role", "account"], roles), titled(_some("Users", rows), heads, rows[:SHOWN])]
    return Report(_title(ledger), document, tables, [_progress(ledger), *notes])


def verified(ledger: Ledger, checks: Sequence[Check], proof: Proof | None, notes: Sequence[str] = ()) -> Report:
    """The checks, and the proof if one was asked for."""
    rows: list[list[Cell]] = [[check.name, mark(check.holds), check.detail] for check in checks]
    document = _about(ledger) | {"checks": [check._asdict() for check in checks]}
    sentences: list[str | Text] = [_progress(ledger), *notes]
    stands = all(check.holds for check in checks)
    tables = [titled("Checks", ["of", "verdict", "found"], rows)]
    if proof is not None:
        holds = proof.root() == ledger.root()
        stands = stands and holds
        names = {"user_name": ledger.names[proof.user], "head_name": ledger.names[proof.head]}
        document["proof"] = _proof(proof, ledger.root()) | names
        path = [[str(k), "0x" + sibling.hex()] for k, sibling in enumerate(proof.siblings)]
        tables.append(_contribution(proof, *names.values()))
        tables.append(titled("Proof: with these neighbours the contribution hashes to the root", ["", "hash"], path))
        sentences.append(_under(proof, ledger.root()))
    return Report(_title(ledger), document, tables, sentences, stands)


def had(ledger: Ledger, root: bytes) -> Check:
    """Whether a root is the ledger's, or was after a round; that each follows from what was recorded, others check."""
    from models.ledger._history import Check

    if root == ledger.root():
        return Check("root given", True, "is the root now")
    rounds = (one.fields["round"] for one in ledger.events() if one.name == "Closed" and one.fields["root"] == root)
    found = next(rounds, None)
    return Check(
        "root given", found is not None, "was of no round" if found is None else f"was that after round {found}"
    )


def proved(proof: Proof, root: bytes) -> Report:
    """What a proof says, and whether it leads to a root."""
    document, holds = {"proof": _proof(proof, root)}, proof.root() == root
    tables = [_contribution(proof, f"place {proof.user}", f"place {proof.head}")]
    return Report("proof of a contribution", document, tables, [_under(proof, root)], holds)


def told(ledger: Ledger, user: int, rounds: Sequence[Past]) -> Report:
    """What a user did in each round."""
    name, entries = ledger.names[user], []
    for past in rounds:
        slot = -1 if past.slots is None else int(past.slots[user])
        one = next((entry for entry in past.recorded if entry["user"] == user), None)
        entry: dict[str, Any] = {"round": past.round, "coalition": slot if slot >= 0 else None}
        entry["head"] = ledger.names[past.heads[slot]] if slot >= 0 else None
        entry["leads"] = user in past.heads
        entry |= {key: None if one is None else one[key] / 10**18 for key in (*FIELDS, "total")}
        entry["paid"] = past.payments.get(user, 0)
        entries.append(entry)
    rows: list[list[Cell]] = [
        [
            str(one["round"]),
            "-" if one["coalition"] is None else str(one["coalition"]),
            "itself" if one["leads"] and one["head"] == name else one["head"] or "-",
            *("-" if one[key] is None else f"{one[key]:.6g}" for key in (*FIELDS, "total")),
            _money(one["paid"], ledger),
        ]
        for one in entries
    ]
    heads = ["round", "coali-\ntion", "head", "u", "slack,\ns", "contri-\nbution", "repu-\ntation", "paid"]
    document = _about(ledger) | {"user": name, "history": entries}
    return Report(
        f"{name} in {_title(ledger)}", document, [titled(_some("Rounds", rows, last=True), heads, rows[-SHOWN:])]
    )


def contributions(ledger: Ledger, rounds: Sequence[Past]) -> list[dict[str, Any]]:
    """All contributions, a row each."""
    names = ledger.names
    return [
        {
            "round": past.round,
            "user": names[one["user"]],
            "head": names[one["head"]],
            **{key: one[key] / 10**18 for key in FIELDS},
            "reputation": one["total"] / 10**18,
            "paid_wei": past.payments.get(one["user"], 0),
            "block": past.block,
            "leaf": one["leaf"],
        }
        for past in rounds
        for one in past.recorded
    ]


def _about(ledger: Ledger) -> dict[str, Any]:
    status = ledger.status()
    return {
        "chain_id": ledger.chain.chain_id,
        "height": ledger.chain.height,
        "contract": ledger.address,
        "provider": ledger.provider(),
        "miners": ledger.miners(),
        "forgetting": ledger.forgetting,
        "unit": ledger.unit,
        "round": status.round,
        "phase": PHASES[status.phase],
        "contributions": status.leaves,
        "escrow": ledger.escrow(),
        "root": "0x" + ledger.root().hex(),
        "coalition_chain": "0x" + ledger.coalition_chain().hex(),
    }


def _proof(proof: Proof, root: bytes) -> dict[str, Any]:
    return proof.document() | {"root": f"0x{root.hex()}", "holds": proof.root() == root}


def _contribution(proof: Proof, user: str, head: str) -> Titled:
    """What is proved."""
    fields = [number(getattr(proof, name) / 10**18) for name in FIELDS]
    heads = ["round", "user", "head", "u", "slack, s", "contribution"]
    return titled("Contribution", heads, [[str(proof.round), user, head, *fields]])


def _under(proof: Proof, root: bytes) -> Text:
    sentence = f"It is contribution {proof.index}, from 0, under the root 0x{root.hex()}: "
    return Text(sentence).append_text(mark(proof.root() == root))


def _title(ledger: Ledger) -> str:
    return f"ledger {ledger.address} on chain {ledger.chain.chain_id}"


def _progress(ledger: Ledger) -> str:
    status = ledger.status()
    state = "" if status.phase == 0 else f", the last one {PHASES[status.phase]} and not over"
    return (
        f"{counted(status.round, 'round')}{state}; {counted(status.leaves, 'contribution')} of "
        f"{counted(status.users, 'user')}; {_money(ledger.escrow(), ledger)} in escrow; the last block is number "
        f"{ledger.chain.height:,}."
    )


def counted(count: int, what: str) -> str:
    """So many of them, in the singular or the plural."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _money(wei: int, ledger: Ledger) -> str:
    """In units of incentive."""
    return f"{wei / ledger.unit:.6g}"


def _some(title: str, rows: Sequence[Any], *, last: bool = False) -> str:
    if len(rows) <= SHOWN:
        return title
    return f"{title} ({'last' if last else 'first'} {SHOWN} of {len(rows):,})"
