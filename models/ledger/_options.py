"""The options of `python -m models.ledger`."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any

from solvers._command import BadInput, Parser
from solvers._messages import quoted, suggestion

COMMANDS = {
    "init": "make a ledger: its accounts and roles",
    "show": "accounts, roles, reputations, money",
    "verify": "run all of it again and check it; prove one contribution",
    "history": "what one user has contributed and earned",
    "export": "all contributions as a table",
}
EXPORTS = (".csv", ".json")
MOST_USERS = 65_534  # that the contract can number
LONGEST = 64  # bytes of a user's name
HASHES = {"contract": 40, "root": 64}  # options that are hexadecimal digits, and of how many
PATHS = ("place", "json", "table", "keystore")  # options that must not be empty
PLACE = "the file of an embedded ledger, or the http(s) address of a node"
USER = "a name, or the number in it"
EPILOG = """examples:
  python -m models.gfml run --ledger embedded --ledger-path ledger.sqlite
  python -m models.ledger show ledger.sqlite
  python -m models.ledger verify ledger.sqlite --user 3 --round 2 --json p.json
  python -m models.ledger verify p.json --root 0x...

Keys are read from a keystore (its password from CERTEQ_LEDGER_PASSWORD), from
CERTEQ_LEDGER_KEY, or, for a file, from FILE.key beside it, which only its
owner can read. Reading and verifying need none.

exit status: 0 all checks hold, 1 one does not, 2 bad input or no answer,
130 interrupted
"""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options of the command that the first argument names.

    Raises
    ------
    BadInput
        With the option, the rule, and the value.
    """
    first = arguments[0] if arguments else ""
    if not first or (not first.startswith("-") and first not in COMMANDS):
        hint = f", got {quoted(first)}; {suggestion(first, COMMANDS)}" if first else ", got none"
        raise BadInput(f"command must be one of {', '.join(COMMANDS)}{hint}")
    options = _parser().parse_args(arguments)
    _check(options)
    return options


def names(options: argparse.Namespace) -> list[str]:
    """Those of the users of a new ledger."""
    if options.names is None:
        return [f"user-{i}" for i in range(options.users)]
    return [name.strip() for name in options.names.split(",")]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {quoted(text)}") from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, got {quoted(text)}")
    return value


def _parser() -> argparse.ArgumentParser:
    style: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    made = Parser(prog="python -m models.ledger", description=_about(), epilog=EPILOG, **style)
    commands = made.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, text in COMMANDS.items():
        one = commands.add_parser(name, help=text, description=text.capitalize() + ".", epilog=EPILOG, **style)
        proof = "; or a JSON file with a proof, which --root verifies" if name == "verify" else ""
        one.add_argument("place", metavar="FILE-OR-URL", help=PLACE + proof)
        if name == "init":
            one.add_argument("--users", type=_whole, metavar="N", help="how many, named user-0, user-1, ...")
            one.add_argument("--names", metavar="A,B,..", help="their names, in place of --users")
            one.add_argument("--forgetting", type=_number, default=0.7, metavar="X", help="lambda; default: 0.7")
            one.add_argument("--keystore", metavar="P", help="an Ethereum keystore file with the key that pays")
        else:
            one.add_argument("--contract", metavar="ADDRESS", help="which one, of a node or a file with several")
        if name == "verify":
            one.add_argument("--user", metavar="U", help=f"whose contribution is to be proved, {USER}")
            one.add_argument("--round", type=_whole, metavar="K", help="the round of that contribution")
            root = (
                "a root that was noted: the ledger must have it, or have had it after a round; a proof must lead to it"
            )
            one.add_argument("--root", metavar="HASH", help=root)
        if name == "history":
            one.add_argument("user", metavar="USER", help=USER)
        if name == "export":
            one.add_argument("table", metavar="P", help="a new .csv or .json file")
        else:
            one.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    return made


def _about() -> str:
    return "Reputations, coalitions and incentives of federated learners on a chain."


def _check(options: argparse.Namespace) -> None:
    for name in PATHS:
        if getattr(options, name, None) == "":
            what = {"place": "FILE-OR-URL", "table": "P"}.get(name, f"--{name}")
            raise BadInput(f"{what} must not be empty")
    for name, digits in HASHES.items():
        text = getattr(options, name, None)
        if text is not None and not re.fullmatch(rf"0x[0-9a-fA-F]{{{digits}}}", text):  # not shown: it may be a key
            raise BadInput(f"--{name} must be 0x and {digits} hexadecimal digits, got {len(text)} characters")
    if options.command == "init":
        _check_new(options)
    if options.command == "verify" and (options.user is None) != (options.round is None):
        raise BadInput("--user and --round go together")
    if options.command == "export" and Path(options.table).suffix.lower() not in EXPORTS:
        raise BadInput(f"the table must end in {' or '.join(EXPORTS)}, got {quoted(options.table)}")


def _check_new(options: argparse.Namespace) -> None:
    if (options.users is None) == (options.names is None):
        raise BadInput("init needs either --users or --names")
    if options.users is not None and not 1 <= options.users <= MOST_USERS:
        raise BadInput(f"--users must be 1 to {MOST_USERS:,}, got {options.users:,}")
    found = names(options)
    for name in found:
        if not name.isprintable() or not 0 < len(name.encode()) <= LONGEST:
            raise BadInput(f"each of --names must be 1 to {LONGEST} bytes of printable text, got {quoted(name)}")
    if len(set(found)) < len(found) or len(found) > MOST_USERS:
        raise BadInput(f"--names must be different, and {MOST_USERS:,} at most, got {quoted(options.names)}")
    if not 0 <= options.forgetting <= 1:
        raise BadInput(f"--forgetting must be 0 to 1, got {options.forgetting:g}")
