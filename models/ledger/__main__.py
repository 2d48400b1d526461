"""`python -m models.ledger`: make a ledger, look into it, verify it."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.ledger._options import parsed
from solvers._command import BadInput, deliver, exit_status, json_file, outputs
from solvers._messages import quoted, suggestion

if TYPE_CHECKING:
    from models.ledger._ledger import Ledger
    from models.ledger._report import Report
    from solvers._command import Outputs


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(parsed(sys.argv[1:] if arguments is None else arguments)))


def _answer(options: argparse.Namespace) -> int:
    _check_installed()
    from models.ledger._errors import Corrupted, LedgerError

    try:
        return {"init": _init}.get(options.command, _read)(options)
    except Corrupted as problem:
        if options.command != "verify":
            raise BadInput(f"{options.place}: {problem}") from None
        print(f"error: {options.place}: {problem}", file=sys.stderr)
        return 1
    except LedgerError as problem:
        raise BadInput(str(problem)) from None


def _check_installed() -> None:
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("pyrevm", "coincurve", "eth_abi", "rlp", "web3")):
        raise BadInput("a ledger needs pyrevm, coincurve, eth-abi, rlp and web3: install certeq[ledger]")


def _init(options: argparse.Namespace) -> int:
    from models.ledger._ledger import Ledger
    from models.ledger._places import writing
    from models.ledger._report import shown

    files: Outputs[Report] = outputs([(options.json, json_file)], [options.place])
    names = options.names.split(",") if options.names else [f"user-{i}" for i in range(options.users)]
    with writing(options.place, options.keystore) as (chain, keys):
        ledger = Ledger.start(chain, keys, names, forgetting=options.forgetting)
        return deliver(shown(ledger), files, as_json=options.json == "-")


def _read(options: argparse.Namespace) -> int:
    from models.ledger._places import reading

    table: str | None = getattr(options, "table", None)
    exported = partial(_exported, path=table or "")
    files: Outputs[Report] = outputs([(getattr(options, "json", None), json_file), (table, exported)], [options.place])
    with reading(options.place, options.contract) as ledger:
        return deliver(_report(ledger, options), files, as_json=getattr(options, "json", None) == "-")


def _report(ledger: Ledger, options: argparse.Namespace) -> Report:
    from models.ledger._report import Report, contributions, shown, told, verified

    notes = list(getattr(ledger.chain, "notes", ()))
    if options.command == "verify":
        proof = None
        if options.user is not None:
            proof = ledger.history.proof(_user(ledger, options.user), options.round)
        return verified(ledger, ledger.history.checks(), proof, notes)
    if options.command == "history":
        return told(ledger, _user(ledger, options.user), list(ledger.history.rounds()))
    if options.command == "export":
        rows = contributions(ledger, list(ledger.history.rounds()))
        return Report(f"{len(rows):,} contributions written to {options.table}", {"contributions": rows})
    return shown(ledger, notes)


def _exported(report: Report, *, path: str) -> bytes:
    rows: Sequence[dict[str, Any]] = report.document["contributions"]
    if Path(path).suffix.lower() == ".json":
        return (json.dumps(rows, indent=1) + "\n").encode()
    text = io.StringIO(newline="")
    names = list(rows[0]) if rows else ["round", "user", "head", "training", "slack", "contribution"]
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _user(ledger: Ledger, text: str) -> int:
    """The number of a user, by name or number."""
    names = ledger.names
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise BadInput(f"user must be a name or a number below {len(names)}, got {quoted(text)}; {suggestion(text, names)}")


if __name__ == "__main__":
    sys.exit(main())
