"""Many units, each played to a number of rounds, here or elsewhere, as they are finished."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from models.data import Dataset, load
from models.gfml._play import Loader, Plan, Records, counted, run_unit
from models.gfml._store import Record, Store, Unit
from models.gfml._workers import Outcome, check_address, in_processes, in_this_process, on_machines
from solvers._documents import FilePath
from solvers._messages import quoted
from solvers.core import InvalidGame, NotSolved

if TYPE_CHECKING:
    from models.gfml._incentives import Certify
    from models.gfml._ledgers import Where

__all__ = ["Source", "run_all", "run_unit"]

NAMED = 3  # units that did not finish and are named

OnRound: TypeAlias = Callable[[Unit, Record], None]
Backend: TypeAlias = Callable[[list[Unit], Plan, Loader, Store | None, OnRound], Iterator[Outcome]]


@dataclass(frozen=True)
class Source:
    """A function of a data set's name: `models.data.load` from a folder. It can be sent to other processes.

    Examples
    --------
    >>> Source()("digits")
    Dataset('digits': 1797 samples of 64 pixels in 10 classes)
    """

    folder: str | None = None

    def __call__(self, name: str) -> Dataset:
        return load(name, self.folder)


@dataclass(frozen=True)
class _Held:
    """A function of the name as `Source`, of data sets in memory that are sent along.

    They are made anew where they arrive, since arrays lose their protection on the way.
    """

    token: str  # by which a process knows that it has them already
    parts: Mapping[str, tuple[Any, ...]] = field(compare=False)

    def __call__(self, name: str) -> Dataset:
        return Dataset(*self.parts[name])


def run_all(
    units: Iterable[Unit],
    rounds: int,
    *,
    datasets: Mapping[str, Dataset] | Loader,
    certify: Certify,
    store_path: FilePath | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    device: str = "cpu",
    threads: int = 1,
    ledger: Where | None = None,
    on_round: OnRound | None = None,
) -> Iterator[tuple[Unit, Records]]:
    """Each unit with the records of its first `rounds` rounds, as it is finished; first those that are stored.

    What is not stored is played: here, by so many `workers`, processes of this machine, or by those of the Dask
    `scheduler` at an address such as "host:8786". The latter need no access to the store; they may join later, and what
    a lost one had begun is played by another.

    `datasets` are those of the units by name, or a function of the name, such as `Source`. Worker processes call it,
    once each if it is equal to itself after it was sent; for a scheduler there must be a function, since each machine
    loads its own data. `on_round` is called with each round that is played; of other processes when the unit is done.

    Units that are not without a ledger are recorded where `ledger` says, by processes of this machine only.

    A unit that diverges, needs too much memory, or that no machine survives, does not keep the others from being
    finished.

    Raises
    ------
    InvalidGame
        If `rounds` or `workers` are no whole numbers of at least 1, there are workers as well as a scheduler, its
        address has no port, a data set is missing, or one of the rules of `run_unit` is broken.
    NotSolved
        When the rest is finished, if units were stopped; the message has the first and names a few more. At once, if a
        library is missing, the scheduler does not answer, or a process of this machine was killed. Stored rounds are
        kept.

    Examples
    --------
    >>> from models.gfml._parameters import Parameters
    >>> from verification import certify
    >>> small = Parameters(users=8, coalitions=2, steps=2, batch=8)
    >>> units = [Unit("digits", name, 0, small) for name in ("random-random", "best-effort-random")]
    >>> for unit, records in run_all(units, 1, datasets=Source(), certify=certify):
    ...     print(unit.framework, len(records))
    random-random 1
    best-effort-random 1
    """
    chosen = list({unit.key: unit for unit in units}.values())
    plan = Plan(counted("rounds", rounds), certify, device, threads, ledger)
    backend = _backend(workers, scheduler)
    loader = _loader(datasets, chosen, workers, scheduler)
    store = None if store_path is None else Store(store_path)
    return _finished(chosen, plan, loader, store, on_round or _unheard, backend)


def _unheard(unit: Unit, record: Record) -> None:
    """Nobody wants to know."""


def _backend(workers: int, scheduler: str | None) -> Backend:
    if scheduler is not None:
        if workers != 1:
            raise InvalidGame(f"workers must not be given beside a scheduler, which has its own, got {workers}")
        check_address(scheduler)
        return functools.partial(on_machines, scheduler=scheduler)
    if counted("workers", workers) > 1:
        return functools.partial(in_processes, workers=workers)
    return in_this_process


def _loader(datasets: Mapping[str, Dataset] | Loader, units: list[Unit], workers: int, scheduler: str | None) -> Loader:
    """A function of the name that can be sent to where it is called."""
    if not isinstance(datasets, Mapping):
        return datasets
    if scheduler is not None:
        raise InvalidGame("datasets must be a function of the name for a scheduler, got a mapping")
    for unit in units:
        if unit.dataset not in datasets:
            raise InvalidGame(f"datasets must have {quoted(unit.dataset)} for {unit.title}, it has not")
    if workers == 1:
        return datasets.__getitem__
    parts = {name: (d.name, d.images, d.labels, d.classes, d.class_names) for name, d in datasets.items()}
    return _Held(uuid4().hex, parts)


def _finished(
    units: list[Unit], plan: Plan, loader: Loader, store: Store | None, told: OnRound, backend: Backend
) -> Iterator[tuple[Unit, Records]]:
    """The units as they are finished, and an error at the end if some were not."""
    rest = []
    for unit in units:
        records = store.records(unit, plan.rounds) if store else []
        if len(records) < plan.rounds:
            rest.append(unit)
        else:
            yield unit, records
    stopped = []
    for outcome in backend(rest, plan, loader, store, told) if rest else ():
        if outcome.problem is None:
            yield outcome.unit, outcome.records
        else:
            stopped.append(outcome)
    if stopped:
        raise NotSolved(f"{stopped[0].problem}{_others([outcome.unit for outcome in stopped[1:]], units)}")


def _others(stopped: Sequence[Unit], units: Sequence[Unit]) -> str:
    """Who else did not finish: how many, and the names of a few, by what tells them from other units."""
    if not stopped:
        return ""
    parts = [unit.changed() for unit in units]
    common = [name for name in parts[0] if all(part.get(name) == parts[0][name] for part in parts)]
    named = []
    for unit in stopped[:NAMED]:
        settings = [f"{name} {json.dumps(value)}" for name, value in unit.changed().items() if name not in common]
        named.append(" ".join([unit.framework, f"seed {unit.seed}", *settings]))
    more = [f"and {len(stopped) - NAMED} more"] if len(stopped) > NAMED else []
    return f"; {len(stopped)} more of {len(units)} units did not finish: {', '.join(named + more)}"
