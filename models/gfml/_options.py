"""The options of `python -m models.gfml`: what they mean, which values they take, and the parameters they describe."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.gfml._help import (
    DEFAULTS,
    DESCRIPTION,
    FRAMEWORKS,
    KEPT,
    SHORT,
    STORE,
    default,
    description,
    epilog,
    style,
    wrapped,
)
from models.gfml._parameters import Parameters
from solvers._command import BadInput, Parser
from solvers._messages import quoted, suggestion

COMMANDS = tuple(SHORT)
ROUNDS = 20
MOST_ROUNDS = 100_000  # which take days
SEEDS = 3
MOST_SEEDS = 1_000
MOST_WORKERS = 1_024
EXPORTS = (".csv", ".parquet")
LEDGER = {"run": "gfml-ledger.sqlite", "compare": "gfml-ledgers", "sweep": "gfml-ledgers"}
PLACES = ("scheduler", "data_dir", "store", "json", "export", "plot")
PATHS = (*PLACES, "ledger", "ledger_path", "ledger_keystore")  # options that must not be empty
VALUES: dict[str, tuple[Any, ...]] = {
    "users": (20, 40, 80, 120),
    "coalitions": (2, 4, 6, 8),
    "misbehaving": (0.0, 0.25, 0.5, 0.75),
    "samples": tuple(Parameters().passive_samples),
}
VARIED = {
    "users": ("users", "reputation_incentive"),
    "coalitions": ("coalitions",),
    "misbehaving": ("misbehaving", "reputation_incentive", "tampered"),
    "samples": ("passive_samples",),
}


# --- values ------------------------------------------------------------------------------------------------------


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


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"must be true or false, got {quoted(text)}")
    return text.lower() == "true"


def _value(name: str, text: str) -> Any:
    """The value of a parameter, of the kind that its default has."""
    default = DEFAULTS[name]
    if isinstance(default, tuple):
        kind = _whole if isinstance(default[0], int) else _number
        return tuple(kind(part) for part in text.split(","))
    if isinstance(default, bool):
        return _truth(text)
    if isinstance(default, int):
        return _whole(text)
    return _number(text) if isinstance(default, float) else text


def _setting(text: str) -> tuple[str, Any]:
    """A parameter's name and value, from NAME=VALUE."""
    name, separator, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {quoted(text)}")
    if name not in DEFAULTS:
        known = suggestion(name, DEFAULTS)
        raise argparse.ArgumentTypeError(f"must name a parameter, got {quoted(name)}; {known}")
    try:
        return name, _value(name, value.strip())
    except argparse.ArgumentTypeError as problem:
        raise argparse.ArgumentTypeError(f"{name} {problem}") from None


def _seeds(text: str) -> tuple[int, ...]:
    """So many seeds from 0, or those between commas; one alone is written with a comma behind it."""
    if "," not in text:
        count = _whole(text)
        if not 1 <= count <= MOST_SEEDS:
            raise argparse.ArgumentTypeError(f"must be 1 to {MOST_SEEDS:,} seeds, got {count}")
        return tuple(range(count))
    found = tuple(_whole(part) for part in text.removesuffix(",").split(","))
    if len(set(found)) < len(found) or min(found) < 0:
        raise argparse.ArgumentTypeError(f"must be different numbers of at least 0, got {quoted(text)}")
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


# --- options -----------------------------------------------------------------------------------------------------


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options of the command that the first argument names, of `run` where it names none.

    Raises
    ------
    BadInput
        If an option or a command is unknown, or a value is not of its kind.
    """
    first = arguments[0] if arguments else ""
    if first.startswith("-") and first not in {"-h", "--help"}:
        first = ""
    if first and not first.startswith("-") and first not in COMMANDS:
        rule = f"command must be one of {', '.join(COMMANDS)}"
        raise BadInput(f"{rule}, got {quoted(first)}; {suggestion(first, COMMANDS)}")
    return parser().parse_args(arguments if first else ["run", *arguments])


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    made = Parser(prog="python -m models.gfml", description=wrapped(DESCRIPTION), epilog=wrapped(KEPT), **style())
    commands = made.add_subparsers(dest="command", required=True, metavar="run | compare | sweep")
    for name, short in SHORT.items():
        one = commands.add_parser(name, help=short, description=description(name), epilog=epilog(name), **style())
        _add_own(one, name)
        _add_data(one.add_argument_group("data and rounds"))
        _add_parameters(one.add_argument_group("parameters"))
        _add_machine(one.add_argument_group("machine"))
        _add_ledger(one.add_argument_group("ledger"), name)
        _add_outputs(one.add_argument_group("store and outputs"), name)
    return made


def _add_own(one: argparse.ArgumentParser, command: str) -> None:
    """The options that make the command what it is."""
    if command == "run":
        one.add_argument("--framework", default="gfml", metavar="NAME", help="see below; default: gfml")
        one.add_argument("--seed", type=_whole, default=0, metavar="S", help="of all that is drawn; default: 0")
        return
    if command == "sweep":
        one.add_argument("axis", metavar="users | coalitions | misbehaving | samples", help="what is varied")
        shown = "; ".join(f"{name} {','.join(f'{v:g}' for v in values)}" for name, values in VALUES.items())
        one.add_argument("--values", metavar="X,..", help=f"default: {shown}")
    else:
        one.add_argument("--frameworks", type=_words, metavar="A,B,..", help="which of them, see below; default: all")
    several = "how many, from 0, or which: 4,5,6 (one alone: 4,); default: " + str(SEEDS)
    one.add_argument("--seeds", type=_seeds, default=tuple(range(SEEDS)), metavar="N", help=several)


def _add_data(group: Any) -> None:
    names = "digits, which needs no files, mnist or fashion-mnist; default: digits"
    group.add_argument("--dataset", default="digits", metavar="NAME", help=names)
    folder = "folder with the files of mnist or fashion-mnist, or a subfolder of that name; default: from OpenML"
    group.add_argument("--data-dir", metavar="D", help=folder)
    group.add_argument("--rounds", type=_whole, default=ROUNDS, metavar="K", help=f"default: {ROUNDS}")


def _add_parameters(group: Any) -> None:
    def add(name: str, metavar: str, text: str) -> None:
        shown = f"{text}; default: {default(name)}"
        group.add_argument(named(name), type=partial(_value, name), metavar=metavar, help=shown)

    add("users", "N", "active and passive ones")
    add("coalitions", "M", "as many as there are heads")
    add("classes_each", "C", "classes that each user has samples of")
    add("misbehaving", "SHARE", "of active users, who do fewer local steps than they claim")
    tampered = "reputations that misbehaving users can raise, as without blockchain"
    group.add_argument("--tampered", action="store_true", default=None, help=tampered)
    add("meta_rate", "X", "alpha, of the local steps")
    add("step_size", "X", "beta, of the inner step")
    add("gradient", "hvp|hf|fo", "exact, Hessian by differences, or first order")
    add("steps", "N", "tau, local steps in a round")
    add("batch", "N", "samples in a step")
    add("refresh", "CHI", "embeddings are made anew in every CHI-th round")
    add("reputation_incentive", "X", "I_rep")
    add("incentives", "LOW,HIGH", "range of the price I_com")
    every = "any parameter, see below; may be given several times"
    group.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help=every)


def _add_machine(group: Any) -> None:
    group.add_argument(
        "--device", default="cpu", metavar="NAME", help="auto, cpu, cuda, cuda:N, mps or xpu; default: cpu"
    )
    group.add_argument("--threads", type=_whole, default=1, metavar="N", help="of PyTorch, per run; default: 1")
    workers = "runs played at the same time, by a process each; other runs in the store stay as they are; default: 1"
    group.add_argument("--workers", type=_whole, default=1, metavar="N", help=workers)
    scheduler = "HOST:PORT of dask.distributed, whose workers play the runs, each on a device of its own machine"
    group.add_argument("--scheduler", metavar="ADDRESS", help=scheduler)


def _add_ledger(group: Any, command: str) -> None:
    place = "where reputations are kept: none, embedded (a chain in a file), or the http(s) address of a node"
    group.add_argument("--ledger", default="none", metavar="none|embedded|URL", help=f"{place}; default: none")
    what = "file of the embedded ledger" if command == "run" else "folder of embedded ledgers, a file for each run"
    group.add_argument("--ledger-path", metavar="P", help=f"{what}; default: {LEDGER[command]}")
    keys = "Ethereum keystore with the key that pays, its password in CERTEQ_LEDGER_PASSWORD; else the key is in "
    group.add_argument("--ledger-keystore", metavar="P", help=f"{keys}CERTEQ_LEDGER_KEY, or beside the file")


def _add_outputs(group: Any, command: str) -> None:
    figures = {"run": "Figure 3", "compare": "Figures 3, 4 and 5", "sweep": "its figures"}[command]
    group.add_argument("--store", default=STORE, metavar="P", help=f"where rounds are kept; default: {STORE}")
    fresh = "forget what the store has of these runs, and play them anew; its other runs stay as they are"
    group.add_argument("--fresh", action="store_true", help=fresh)
    group.add_argument("--json", metavar="P", help="write the answer as JSON to P, or to standard output for -")
    if command == "run":
        group.add_argument("--brief", action="store_true", help="leave the lists by user out of the JSON")
    group.add_argument("--export", metavar="P", help="write a table of these rounds to P (.csv or .parquet)")
    group.add_argument("--plot", metavar="DIR", help=f"draw {figures} into the folder DIR")


def named(name: str) -> str:
    """The option of a parameter."""
    return f"--{name.replace('_', '-')}"


# --- rules -------------------------------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> None:
    """Refuses options that do not go together, or have no meaning.

    Raises
    ------
    BadInput
        With the option, the rule, and the value.
    """
    for name in PATHS:
        if getattr(options, name) == "":
            raise BadInput(f"{named(name)} must not be empty")
    _check_range("--rounds", options.rounds, MOST_ROUNDS)
    _check_range("--workers", options.workers, MOST_WORKERS)
    _check_range("--threads", options.threads, MOST_WORKERS)
    if options.command == "run" and options.seed < 0:
        raise BadInput(f"--seed must be at least 0, got {options.seed}")
    if options.scheduler and options.workers > 1:
        raise BadInput(f"--workers goes without --scheduler, which has workers of its own, got {options.workers}")
    _check_frameworks([options.framework] if options.command == "run" else getattr(options, "frameworks", None) or [])
    if options.data_dir and options.dataset == "digits":
        raise BadInput("--data-dir goes with --dataset mnist or fashion-mnist, got digits")
    if options.command == "sweep":
        _check_sweep(options)
    _check_files(options)
    _check_machine(options)
    _check_ledger(options)


def _check_machine(options: argparse.Namespace) -> None:
    """Whether there is the device; that of other machines, only whether there could be."""
    if options.scheduler:
        from models.gfml._workers import check_address

        check_address(options.scheduler)
    if options.device == "cpu":
        return
    from models.fml._samples import check_device_name, chosen_device

    check_device_name(options.device)
    if options.device != "auto" and not options.scheduler:
        chosen_device(options.device)


def _check_ledger(options: argparse.Namespace) -> None:
    kind = ledger_kind(options)
    for name in ("ledger_path", "ledger_keystore"):
        if getattr(options, name) and kind == "none":
            raise BadInput(f"{named(name)} goes with --ledger embedded or the address of a node")
    if kind == "none":
        return
    if options.ledger_path and kind == "node":
        raise BadInput("--ledger-path goes with --ledger embedded, a node keeps its ledgers itself")
    if options.scheduler:
        raise BadInput("--ledger goes without --scheduler, whose machines cannot reach it")
    if options.workers > 1 and kind == "node":
        raise BadInput(f"--workers must be 1 with the ledger of a node, got {options.workers}")
    if parameters(options).tampered:
        raise BadInput("--tampered goes without --ledger, in which nobody can tamper")
    from models.gfml._ledgers import Where

    place = options.ledger if kind == "node" else options.ledger_path or LEDGER[options.command]
    outputs = [options.store, None if options.json == "-" else options.json, options.export]
    Where(place, options.ledger_keystore, many=options.command != "run").check(outputs)


def ledger_kind(options: argparse.Namespace) -> str:
    """What --ledger says: none, embedded, or node.

    Raises
    ------
    BadInput
        If it is none of them.
    """
    if options.ledger in {"none", "embedded"}:
        return str(options.ledger)
    if _is_address(options.ledger):
        return "node"
    plain = re.fullmatch(r"[\w. -]{,40}", options.ledger)  # unlike a key, or an address with a password in it
    got = quoted(options.ledger) if plain else f"{len(options.ledger)} characters of something else"
    raise BadInput(f"--ledger must be none, embedded, or the http(s) address of a node, got {got}")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise BadInput(f"{name} must be 1 to {most:,}, got {value:,}")


def _check_frameworks(names: Sequence[str]) -> None:
    for name in names:
        if name not in FRAMEWORKS:
            raise BadInput(f"framework must be a known name, got {quoted(name)}; {suggestion(name, FRAMEWORKS)}")
    if len(set(names)) < len(names):
        raise BadInput(f"--frameworks must name each framework once, got {quoted(','.join(names))}")


def _check_sweep(options: argparse.Namespace) -> None:
    if options.axis not in VALUES:
        rule = f"sweep must be over one of {', '.join(VALUES)}"
        raise BadInput(f"{rule}, got {quoted(options.axis)}; {suggestion(options.axis, VALUES)}")
    for name in VARIED[options.axis]:
        if name in _given(options):
            rule = f"{name} is what the sweep over {options.axis} varies"
            raise BadInput(f"{rule}" + (", set it with --values" if name == VARIED[options.axis][0] else ""))
    sweep_values(options)
    if options.axis == "samples":
        made = parameters(options)
        if made.users == made.active:
            raise BadInput(f"sweep over samples needs passive users, got none of {made.users}; set passive higher")


def _check_files(options: argparse.Namespace) -> None:
    from importlib.util import find_spec

    from models.gfml._store import Store

    if options.data_dir and not Path(options.data_dir).is_dir():
        raise BadInput(f"--data-dir must be a folder, got {quoted(options.data_dir)}")
    Store(options.store)  # which refuses what can be none
    if options.plot:
        if find_spec("matplotlib") is None:
            raise BadInput("pictures need matplotlib: install certeq[plot]")
        folder = Path(options.plot)
        place = folder if folder.exists() else folder.absolute().parent
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise BadInput(f"--plot must be a folder that can be written, or a new one, got {options.plot}")
    if options.export:
        suffix = Path(options.export).suffix.lower()
        if suffix not in EXPORTS:
            raise BadInput(f"--export must end in {' or '.join(EXPORTS)}, got {options.export}")
        if suffix == ".parquet" and find_spec("pyarrow") is None:
            raise BadInput("Parquet files need pyarrow: install certeq[parquet]")


# --- what they describe ------------------------------------------------------------------------------------------


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters that are given, by name.

    Raises
    ------
    BadInput
        If one is given twice.
    """
    found = {name: getattr(options, name) for name in DEFAULTS if getattr(options, name, None) is not None}
    for name, value in options.set:
        if name in found:
            raise BadInput(f"{name} must be given once, got {quoted(str(found[name]))} and {quoted(str(value))}")
        found[name] = value
    return found


def parameters(options: argparse.Namespace, **varied: Any) -> Parameters:
    """The parameters that the options describe, with those that a sweep varies.

    Raises
    ------
    BadInput, InvalidGame
        If one is given twice, or does not fit.
    """
    return Parameters(**{**_given(options), **varied})


def sweep_values(options: argparse.Namespace) -> tuple[Any, ...]:
    """What the sweep goes through, each value once.

    Raises
    ------
    BadInput
        If a value is not of its kind, or given twice.
    """
    if options.values is None:
        return VALUES[options.axis]
    kind = _number if options.axis == "misbehaving" else _whole
    try:
        found = tuple(kind(part) for part in options.values.split(","))
    except argparse.ArgumentTypeError as problem:
        raise BadInput(f"each of --values {problem}") from None
    if len(set(found)) < len(found):
        raise BadInput(f"--values must be different, got {quoted(options.values)}")
    return found
