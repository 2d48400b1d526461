"""`python -m models.gfml`: play federated meta-learning, certify its games, compare it with the paper."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.gfml._help import FRAMEWORKS
from models.gfml._options import LEDGER, check, ledger_kind, parameters, parsed, sweep_values
from solvers._command import BadInput, complain, deliver, exit_status, json_file, outputs, progress
from solvers._messages import escaped
from solvers.core import NotSolved

if TYPE_CHECKING:
    from models.gfml._comparison import Comparison, Sweep
    from models.gfml._ledgers import Where
    from models.gfml._report import RunReport
    from models.gfml._store import Record, Store, Unit
    from models.gfml._sweeps import Played, Point
    from solvers._command import Outputs


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    return exit_status(lambda: _answer(parsed(sys.argv[1:] if arguments is None else arguments)))


def _answer(options: argparse.Namespace) -> int:
    check(options)
    points = _points(options)
    exported = partial(_exported, points=points, options=options)
    files: Outputs[Any] = outputs([(options.json, json_file), (options.export, exported)], [options.store])
    start = time.perf_counter()
    found = _play(points, options)
    report = _report(options, points, found, time.perf_counter() - start)
    with _kept_anyway(options.store), _folder(report, options.plot) as pictures:
        status = deliver(report, files + pictures, as_json=options.json == "-")
    if report.problem:
        complain(report.problem)
    return status


@contextlib.contextmanager
def _kept_anyway(store: str) -> Iterator[None]:
    """An error in writing the answer is told where the rounds are."""
    try:
        yield
    except (OSError, KeyboardInterrupt) as problem:
        problem.add_note(f"the rounds are kept in {store}")
        raise


def _exported(_: Any, *, points: Sequence[Point], options: argparse.Namespace) -> bytes:
    """The table of all rounds that the answer is made of."""
    from models.gfml._export import table
    from models.gfml._store import Store

    units = [_unit(point, seed, options) for point, seed in product(points, _seeds(options))]
    return table(Store(options.store), options.export, units, rounds=options.rounds)


# --- what is played ----------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """What was played and stored: rounds by the unit's key, how many were there before, and what stopped units."""

    records: dict[str, list[dict[str, Any]]]
    kept: int
    problem: str


def _points(options: argparse.Namespace) -> list[Point]:
    from models.gfml._sweeps import frameworks, sweep

    if options.command == "sweep":
        return sweep(options.axis, sweep_values(options), partial(parameters, options))
    names = [options.framework] if options.command == "run" else options.frameworks or [*FRAMEWORKS]
    return frameworks(names, parameters(options))


def _seeds(options: argparse.Namespace) -> Sequence[int]:
    return (options.seed,) if options.command == "run" else options.seeds


def _unit(point: Point, seed: int, options: argparse.Namespace) -> Unit:
    from models.gfml._store import Unit

    kind = "none" if point.parameters.tampered else ledger_kind(options)  # who tampers does so where that is possible
    return Unit(options.dataset, point.framework, seed, point.parameters, kind)


def _where(options: argparse.Namespace) -> Where | None:
    """Where ledgers are, if there are any."""
    from models.gfml._ledgers import Where

    kind = ledger_kind(options)
    if kind == "none":
        return None
    place = options.ledger if kind == "node" else options.ledger_path or LEDGER[options.command]
    return Where(place, options.ledger_keystore, many=options.command != "run")


def _play(points: Sequence[Point], options: argparse.Namespace) -> Found:
    """All rounds that were asked for, from the store or new."""
    from models.gfml._store import Store

    units = [_unit(point, seed, options) for seed, point in product(_seeds(options), points)]
    store, rounds = Store(options.store), options.rounds
    kept = 0 if options.fresh else _kept(store, units, rounds)
    datasets = _datasets(points, options) if kept < rounds * len(units) else {}
    for unit in units if options.fresh else ():
        store.forget(unit)
    problem = ""
    with progress() as step:
        bar = _bar(step, kept, rounds * len(units))
        try:
            _play_all(units, datasets, options, bar)
        except NotSolved as stop:
            problem = str(stop).replace("lower the rates", "lower --meta-rate or --step-size")
        except KeyboardInterrupt as stop:
            stop.add_note(_left(store, units, options))
            raise
    records = {unit.key: store.records(unit, rounds) for unit in units}
    if problem and not any(records.values()):
        raise NotSolved(problem)
    return Found(records, kept, problem)


def _left(store: Store, units: Sequence[Unit], options: argparse.Namespace) -> str:
    """What an interrupted command leaves, and how to go on."""
    from models.gfml._evidence import counted

    done, total = _kept(store, units, options.rounds), options.rounds * len(units)
    if not done:
        return "no round was finished"
    how = " without --fresh" if options.fresh else ""
    kept = f"{done:,} of {counted(total, 'round')} {'is' if total == 1 else 'are'} kept in {options.store}"
    return f"{kept}; the same command{how} goes on from there"


def _kept(store: Store, units: Sequence[Unit], rounds: int) -> int:
    return sum(len(store.records(unit, rounds)) for unit in units)


def _datasets(points: Sequence[Point], options: argparse.Namespace) -> Any:
    """The data set, after a look whether it can be dealt out; where other processes load it, how they do."""
    from importlib.util import find_spec

    import numpy as np

    from models.data import federation, load
    from models.gfml._runs import Source

    if find_spec("torch") is None:
        raise BadInput("learning needs PyTorch: install certeq[fml]")
    dataset = load(options.dataset, options.data_dir)
    for p in {point.parameters: None for point in points}:
        rng = np.random.default_rng(0)
        federation(dataset, p.users, p.classes_each, rng=rng, passive=p.passive, test=p.test)
    if options.workers > 1 or options.scheduler:
        return Source(options.data_dir)
    return {options.dataset: dataset}


def _play_all(units: Sequence[Unit], datasets: Any, options: argparse.Namespace, bar: Any) -> None:
    from models.gfml._runs import run_all
    from verification import certify

    if not datasets:
        return
    for _ in run_all(
        units,
        options.rounds,
        datasets=datasets,
        certify=certify,
        store_path=options.store,
        workers=options.workers,
        scheduler=options.scheduler,
        device=options.device,
        threads=options.threads,
        ledger=_where(options),
        on_round=bar,
    ):
        pass


def _bar(step: Any, kept: int, total: int) -> Callable[[Unit, Record], None]:
    """Shows each round that is played: how far it is, and what came of it."""
    from models.gfml._evidence import counted
    from models.gfml._report import mean_price

    done = kept
    step("playing")

    def show(unit: Unit, record: Record) -> None:
        nonlocal done
        done += 1
        price = mean_price(record)
        words = [unit.framework, f"seed {unit.seed}", f"round {record['round']}"]
        words.append(f"personalised accuracy {record['personalised_accuracy']:.3f}")
        words += [] if price is None else [f"price {price:.2f}"]
        step(f"{', '.join(words)}; {done:,} of {counted(total, 'round')}")(done, total)

    return show


# --- reports -----------------------------------------------------------------------------------------------------


def _report(
    options: argparse.Namespace, points: Sequence[Point], found: Found, seconds: float
) -> RunReport | Comparison | Sweep:
    about = {
        "dataset": options.dataset,
        "rounds": options.rounds,
        "store": options.store,
        "kept": found.kept,
        "seconds": seconds,
    }
    if options.command == "run":
        return _run_report(options, points[0], found, about)
    from models.gfml._comparison import Comparison, Sweep

    about |= {"parameters": parameters(options), "seeds": options.seeds}
    about |= {"played": [_played(point, found, options) for point in points]}
    if options.command == "compare":
        return Comparison(**about)
    return Sweep(**about, axis=options.axis, values=sweep_values(options))


def _run_report(options: argparse.Namespace, point: Point, found: Found, about: dict[str, Any]) -> RunReport:
    from models.gfml import FRAMEWORKS, summary
    from models.gfml._report import RunReport

    unit, where = _unit(point, options.seed, options), _where(options)
    records = found.records[unit.key]
    return RunReport(
        framework=point.framework,
        title=FRAMEWORKS[point.framework].title,
        parameters=point.parameters,
        seed=options.seed,
        brief=options.brief,
        records=records,
        summary=summary(records),
        problem=found.problem,
        ledger=where.look(unit) if where and records else None,
        **about,
    )


def _played(point: Point, found: Found, options: argparse.Namespace) -> Played:
    from models.gfml._sweeps import Played

    units = {seed: _unit(point, seed, options) for seed in options.seeds}
    runs = {seed: found.records[unit.key] for seed, unit in units.items()}
    short = {seed: found.problem for seed, run in runs.items() if len(run) < options.rounds}
    return Played(point, runs, short)


# --- pictures ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(report: RunReport | Comparison | Sweep, path: str | None) -> Iterator[Outputs[Any]]:
    """The figures that there are the rounds for, as files of the folder, which stays new only if they are written.

    Which cannot be drawn, and why, is said on standard error.
    """
    if path is None:
        yield []
        return
    folder, figures = Path(path), report.figures()
    for name, reason in figures.items():
        if isinstance(reason, str):
            print(f"not drawn: {name}, since {escaped(reason)}", file=sys.stderr)
    drawn = {name: draw for name, draw in figures.items() if not isinstance(draw, str)}
    made = bool(drawn) and not folder.exists()
    if made:
        folder.mkdir()
    try:
        yield [(folder / f"{name}.png", partial(_drawn, draw=draw)) for name, draw in drawn.items()]
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise


def _drawn(_: Any, *, draw: Callable[[], bytes]) -> bytes:
    return draw()


if __name__ == "__main__":
    sys.exit(main())
