"""Where units are played: in this process, by other processes of this machine, or by those of other machines."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from models.data import Dataset
from models.gfml._play import Loader, NoMemory, Plan, Records, played, resumed
from models.gfml._store import Record, Store, Unit
from solvers._messages import quoted, shown
from solvers.core import InvalidGame, NotSolved

ANSWER = 8.0  # s within which a scheduler must answer
RETRIES = 3  # of a task that fails on one machine, for reasons of that machine
STRANGE = (MemoryError, ValueError)  # what comes of reading another service's answer as a scheduler's
SILENT = (OSError, TypeError, RuntimeError, ImportError)  # what a wrong address may lead to
PARENT = os.getppid()  # in a worker process: who wants its results
KEPT = "stored rounds are kept: run it again to go on"
ADDRESS = re.compile(r"(?:(?:tcp|tls|wss?|ucx)://)?(?:\[[0-9a-f:.%]+\]|[^\s:/\[\]]+):([0-9]{1,5})/?", re.IGNORECASE)


class Outcome(NamedTuple):
    """What came of a unit: all its records, or what stopped it."""

    unit: Unit
    records: Records
    problem: str | None = None


class Told(Protocol):
    """Takes notice of a round that was played."""

    def __call__(self, unit: Unit, record: Record, /) -> None: ...


def in_this_process(
    units: list[Unit], plan: Plan, loader: Loader, store: Store | None, told: Told
) -> Iterator[Outcome]:
    """One unit after the other.

    Raises
    ------
    InvalidGame, NotSolved
        As `run_unit`; where a unit diverges or has too little memory, its outcome says so.
    """
    from models.fml import Diverged

    loaded: dict[str, Dataset] = {}
    for unit in units:
        if unit.dataset not in loaded:
            loaded[unit.dataset] = loader(unit.dataset)
        try:
            outcome = Outcome(unit, resumed(unit, plan, loaded[unit.dataset], store, functools.partial(told, unit)))
        except (Diverged, NoMemory) as problem:
            outcome = Outcome(unit, [], str(problem))
        yield outcome


def in_processes(
    units: list[Unit], plan: Plan, loader: Loader, store: Store | None, told: Told, *, workers: int
) -> Iterator[Outcome]:
    """So many units at once, each by a process that stores its rounds itself.

    Raises
    ------
    InvalidGame, NotSolved
        As `run_unit`, or if joblib is missing or a process was killed.
    """
    if importlib.util.find_spec("joblib") is None:
        raise NotSolved("several workers need joblib: install certeq[workers]")
    if len(units) == 1:
        yield from in_this_process(units, plan, loader, store, told)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=min(workers, len(units)), backend="loky", batch_size=1, return_as="generator_unordered")
    tasks = (delayed(_in_process)(n, unit, plan, loader, store) for n, unit in enumerate(units))
    try:
        with contextlib.closing(parallel(tasks)) as answers:
            for n, records, new, problem in answers:
                for record in new:
                    told(units[n], record)
                yield Outcome(units[n], records, problem)
    except BrokenExecutor:
        raise NotSolved(f"a worker process was killed, perhaps for want of memory{_kept(store)}") from None


def _in_process(
    number: int, unit: Unit, plan: Plan, loader: Loader, store: Store | None
) -> tuple[int, Records, Records, str | None]:
    """A task of `in_processes`: which it is, all records, those that are new, and what stopped it."""
    from models.fml import Diverged

    new: Records = []

    def tell(record: Record) -> None:
        new.append(dict(record))
        if os.getppid() != PARENT:
            os._exit(1)  # nobody waits for the rest, and who starts anew wants the machine for that

    try:
        return number, resumed(unit, plan, _dataset(loader, unit.dataset), store, tell), new, None
    except (Diverged, NoMemory) as problem:
        return number, [], new, str(problem)


@functools.lru_cache(maxsize=3)
def _dataset(loader: Loader, name: str) -> Dataset:
    """Loaded once in a process."""
    return loader(name)


def on_machines(
    units: list[Unit], plan: Plan, loader: Loader, store: Store | None, told: Told, *, scheduler: str
) -> Iterator[Outcome]:
    """All units as tasks of a Dask scheduler; the rounds of a unit are stored here when it comes back.

    Raises
    ------
    InvalidGame, NotSolved
        As `run_unit`, or if distributed is missing, or the scheduler does not answer or is lost.
    """
    if importlib.util.find_spec("distributed") is None:
        raise NotSolved("a scheduler needs distributed: install certeq[dask]")
    from distributed import Client, as_completed

    _check_answer(scheduler, store)
    with _quiet(), Client(scheduler, timeout=ANSWER, set_as_default=False) as client:
        waiting: dict[Any, tuple[Unit, Records]] = {}
        for unit in units:
            records, checkpoint = store.progress(unit) if store else ([], None)
            task = (unit, unit.key, plan, loader, checkpoint)
            waiting[client.submit(_on_machine, *task, pure=False, retries=RETRIES)] = unit, records
        for future in as_completed(list(waiting), loop=client.loop):
            unit, records = waiting.pop(future)
            new, state, problem = _answer(future, unit, scheduler, store)
            if store and new:
                store.extend(unit, new, state)
            for record in new:
                told(unit, record)
            yield Outcome(unit, records + new, problem)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A client that has lost its scheduler says so by an error, and does not log a traceback as well."""
    logger = logging.getLogger("distributed.client")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _on_machine(
    unit: Unit, key: str, plan: Plan, loader: Loader, checkpoint: bytes | None
) -> tuple[Records, bytes, str | None]:
    """A task of `on_machines`: the rounds after the checkpoint, the state after them, and what stopped it."""
    from models.fml import Diverged

    if unit.key != key:
        raise NotSolved("the workers must have the same version of certeq as this process")
    new: Records = []
    state = None
    problem = None
    try:
        for record, state in played(unit, plan, _dataset(loader, unit.dataset), checkpoint):  # noqa: B007  # the last
            new.append(record)
    except (Diverged, NoMemory) as stop:
        problem = str(stop)
    return new, b"" if state is None else state.to_bytes(), problem


def _answer(future: Any, unit: Unit, scheduler: str, store: Store | None) -> tuple[Records, bytes, str | None]:
    """What the task has returned, or that no worker outlived it."""
    from distributed import KilledWorker

    try:
        found: tuple[Records, bytes, str | None] = future.result()
    except KilledWorker:
        return [], b"", f"{unit.title}: the workers that played it were lost, one after the other{_kept(store)}"
    except CancelledError:
        raise NotSolved(f"the scheduler at {shown(scheduler)} was lost{_kept(store)}") from None
    except ImportError as problem:
        raise NotSolved(f"the workers of {shown(scheduler)} need certeq[fml], they lack it: {problem}") from None
    return found


def _kept(store: Store | None) -> str:
    """That rounds are kept, if some are."""
    return f"; {KEPT}" if store and store.units() else ""


def check_address(scheduler: str) -> None:
    """Refuses what cannot be the address of a scheduler.

    Raises
    ------
    InvalidGame
        If it has no host or port, or another protocol than those of Dask.
    """
    found = ADDRESS.fullmatch(scheduler)
    if not found or not 1 <= int(found[1]) <= 65535:
        raise InvalidGame(f"scheduler must be an address such as host:8786, got {quoted(scheduler)}")


def _check_answer(scheduler: str, store: Store | None) -> None:
    """Asks who is there, in a loop of its own: a client that fails to connect would go on trying for a while."""
    from distributed.core import rpc

    rule = f"there must be a Dask scheduler at {quoted(scheduler)}"

    async def identity() -> str:
        async with rpc(scheduler, timeout=ANSWER) as other:
            return str((await other.identity())["type"])

    try:
        with ThreadPoolExecutor(1) as aside:
            kind = aside.submit(asyncio.run, asyncio.wait_for(identity(), ANSWER)).result()
    except STRANGE:
        raise NotSolved(f"{rule}, what answers is none{_kept(store)}") from None
    except SILENT as problem:
        reason = f": {shown(str(problem))}" if str(problem) else ""
        raise NotSolved(f"{rule}, none answers{reason}{_kept(store)}") from None
    if "Scheduler" not in kind:
        raise NotSolved(f"{rule}, it is a {shown(kind)}{_kept(store)}")
