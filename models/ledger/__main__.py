"""`python -m models.ledger`: make a ledger, look into it, verify it."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.ledger._options import names, parsed
from solvers._command import BadInput, complain, deliver, exit_status, json_file, outputs
from solvers._messages import quoted, suggestion

if TYPE_CHECKING:
    from models.ledger._ledger import Ledger
    from models.ledger._report import Report
    from solvers._command import Outputs


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(parsed(sys.argv[1:] if arguments is None else arguments)))


def _answer(options: argparse.Namespace) -> int:
    from models.ledger._errors import Corrupted, LedgerError

    try:
        return _chosen(options)(options)
    except Corrupted as problem:
        if options.command != "verify":
            raise BadInput(str(problem)) from None
        complain(problem)
        return 1
    except LedgerError as problem:
        raise BadInput(str(problem)) from None


def _chosen(options: argparse.Namespace) -> Callable[[argparse.Namespace], int]:
    """What answers."""
    from models.ledger._proofs import is_proof

    if options.command == "verify" and is_proof(options.place):
        _check_installed("Crypto")
        return _prove
    _check_installed("pyrevm", "coincurve", "Crypto", "web3")
    return _init if options.command == "init" else _read


def _check_installed(*needed: str) -> None:
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in needed):
        raise BadInput("a ledger needs pyrevm, coincurve, pycryptodome and web3: install certeq[ledger]")


def _init(options: argparse.Namespace) -> int:
    from models.ledger._ledger import Ledger
    from models.ledger._places import writing
    from models.ledger._report import shown

    files = _outputs(options, (options.json, json_file))
    with writing(options.place, options.keystore) as (chain, keys):
        ledger = Ledger.start(chain, keys, names(options), forgetting=options.forgetting)
        return deliver(shown(ledger), files, as_json=options.json == "-")


def _read(options: argparse.Namespace) -> int:
    from models.ledger._places import reading

    table: str | None = getattr(options, "table", None)
    exported = partial(_exported, path=table or "")
    files = _outputs(options, (getattr(options, "json", None), json_file), (table, exported))
    with reading(options.place, options.contract) as ledger:
        return deliver(_report(ledger, options), files, as_json=getattr(options, "json", None) == "-")


def _prove(options: argparse.Namespace) -> int:
    """Whether a proof leads to the root that is given, which is all that it takes."""
    from models.ledger._proofs import read_proof
    from models.ledger._report import proved

    if options.root is None:
        raise BadInput(f"{options.place}: a proof must lead to a root: give it by --root")
    if options.user is not None or options.contract is not None:
        raise BadInput("--user, --round and --contract go with a ledger, not with a proof")
    files = _outputs(options, (options.json, json_file))
    report = proved(read_proof(options.place), bytes.fromhex(options.root[2:]))
    return deliver(report, files, as_json=options.json == "-")


def _outputs(options: argparse.Namespace, *wanted: tuple[str | None, Callable[[Report], bytes]]) -> Outputs[Report]:
    """The files to write, none of which may be one of the ledger's."""
    from models.ledger._places import files_of

    kept = {Path(path).resolve() for path in [*files_of(options.place), getattr(options, "keystore", None)] if path}
    return outputs(wanted, map(str, kept))


def _report(ledger: Ledger, options: argparse.Namespace) -> Report:
    from models.ledger._report import Report, contributions, counted, had, shown, told, verified

    notes = list(getattr(ledger.chain, "notes", ()))
    if options.command == "verify":
        proof = None
        if options.user is not None:
            proof = ledger.history.proof(_user(ledger, options.user), options.round)
        checks = ledger.history.checks()
        if options.root is not None:
            checks.append(had(ledger, bytes.fromhex(options.root[2:])))
        return verified(ledger, checks, proof, notes)
    if options.command == "history":
        return told(ledger, _user(ledger, options.user), list(ledger.history.rounds()))
    if options.command == "export":
        rows = contributions(ledger, list(ledger.history.rounds()))
        return Report(f"{counted(len(rows), 'contribution')} written to {options.table}", {"contributions": rows})
    return shown(ledger, notes)


def _exported(report: Report, *, path: str) -> bytes:
    from models.ledger._report import COLUMNS

    rows: Sequence[dict[str, Any]] = report.document["contributions"]
    if Path(path).suffix.lower() == ".json":
        return (json.dumps(rows, indent=1) + "\n").encode()
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _user(ledger: Ledger, text: str) -> int:
    """Which user has this name, or the number that it ends in; where no name ends in one, they are counted from 0."""
    known = ledger.names
    if text in known:
        return known.index(text)
    ends = [end[0].lstrip("0") if (end := re.search("[0-9]+$", name)) else None for name in known]
    if set(ends) == {None}:
        ends = [str(i).lstrip("0") for i in range(len(known))]
    if re.fullmatch("[0-9]+", text) and ends.count(text.lstrip("0")) == 1:
        return ends.index(text.lstrip("0"))
    raise BadInput(f"user must be a name, or the number in one, got {quoted(text)}; {suggestion(text, known)}")


if __name__ == "__main__":
    sys.exit(main())
