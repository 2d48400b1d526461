"""Many properties at once: batches of examples in processes of their own, kept as they are done."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

import numpy as np

from solvers.core import NotSolved
from verification.properties._attempt import Attempt, Failure, attempt
from verification.properties._property import Property
from verification.properties._store import Store, sources

BATCH = 250  # examples that are lost, at most, when a run is killed
PATIENCE = 300.0  # seconds for one example, the first of which may compile kernels
LOG = "printed.log"  # what processes say, of the last run
TURN = 0.5  # seconds between looks at the clock


@dataclass(frozen=True)
class Batch:
    """So many examples of a property, the `number`-th lot of them."""

    name: str
    number: int
    examples: int


@dataclass(frozen=True)
class Tried:
    """All that a run came to for one property."""

    of: Property
    wanted: int
    attempts: tuple[Attempt, ...]

    @property
    def examples(self) -> int:
        """How many were tried."""
        return sum(part.examples for part in self.attempts)

    @property
    def worst(self) -> float:
        """The worst residual; nan if any is."""
        return float(np.max([0.0, *(part.worst for part in self.attempts)]))

    @property
    def seconds(self) -> float:
        """How long it took, in all processes together."""
        return sum(part.seconds for part in self.attempts)

    @property
    def failure(self) -> Failure | None:
        """The first one."""
        return next((part.failure for part in self.attempts if part.failure), None)

    @property
    def not_run(self) -> str:
        """Why it was not tried, if a library is missing."""
        return next((part.not_run for part in self.attempts if part.not_run), "")

    @property
    def verdict(self) -> str:
        """`holds` of all examples that were tried, `fails`, `not run`, or `not tried` within the time."""
        if self.failure:
            return "fails"
        if self.not_run:
            return "not run"
        return "holds" if self.attempts else "not tried"


def run(
    chosen: Sequence[Property],
    *,
    examples: int = 100,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    folder: Path,
    patience: float = PATIENCE,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Tried, ...]:
    """Each property on so many examples, or as many as `seconds` leave room for.

    What is done is kept in `folder`: the same run goes on where it was killed, or where `seconds` ended it, as long as
    the code is the same. Properties that failed before come first. `patience`, in seconds, is for one example.
    """
    store, plans = Store(folder), _planned(chosen, examples)
    plan = {"examples": examples, "seed": seed, "names": [each.name for each in chosen], "sources": sources()}
    with store.open(plan) as done:
        past = store.past_failures()
        batches = [b for b in _ordered(plans, past) if (b.name, b.number) not in done]
        pool = _Pool({each.name: each for each in chosen}, min(workers, len(batches) or 1), seed, store, patience)
        total, tried = sum(b.examples for b in _ordered(plans, past)), sum(part.examples for part in done.values())
        end = None if seconds is None else time.monotonic() + seconds
        with pool:
            for batch, result in pool.results(batches, lambda: end is not None and time.monotonic() >= end):
                store.keep(batch.number, result)
                done[batch.name, batch.number] = result
                tried += batch.examples
                progress(tried, total)
        tries = tuple(_tried(each, plans, done) for each in chosen)
        _remember(store, past, tries)
        if sum(len(parts) for parts in plans.values()) == len(done):
            store.finish()
    return tries


def _planned(chosen: Iterable[Property], examples: int) -> dict[str, list[Batch]]:
    plans = {}
    for each in chosen:
        wanted = max(1, round(examples * each.share))
        sizes = [BATCH] * (wanted // BATCH) + ([wanted % BATCH] if wanted % BATCH else [])
        plans[each.name] = [Batch(each.name, k, size) for k, size in enumerate(sizes)]
    return plans


def _ordered(plans: Mapping[str, Sequence[Batch]], past: set[str]) -> list[Batch]:
    """Past failures first, then the first batches of all, then the second ones."""
    batches = [batch for parts in plans.values() for batch in parts]
    return sorted(batches, key=lambda batch: (batch.number, batch.name not in past))


def _tried(each: Property, plans: Mapping[str, Sequence[Batch]], done: Mapping[tuple[str, int], Attempt]) -> Tried:
    parts = plans[each.name]
    attempts = tuple(done[each.name, part.number] for part in parts if (each.name, part.number) in done)
    return Tried(each, sum(part.examples for part in parts), attempts)


def _remember(store: Store, past: set[str], tries: Iterable[Tried]) -> None:
    failed = {each.of.name for each in tries if each.verdict == "fails"}
    held = {each.of.name for each in tries if each.verdict == "holds"}
    store.remember_failures((past - held) | failed)


# --- processes -------------------------------------------------------------------------------------------------------


class _Worker:
    """A process that tries batches, and the time at which its present example began."""

    def __init__(self, pool: _Pool) -> None:
        context = multiprocessing.get_context("fork")
        self.ours, theirs = context.Pipe()
        self.clock = context.Value("d", time.monotonic(), lock=False)
        inherited = [pool.store.fileno(), self.ours.fileno(), *(other.ours.fileno() for other in pool.workers)]
        arguments = (theirs, self.clock, pool.properties, pool.seed, pool.store.folder, os.getpid(), inherited)
        self.process = context.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.batch: Batch | None = None

    def give(self, batch: Batch) -> None:
        self.batch, self.clock.value = batch, time.monotonic()
        self.ours.send(batch)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.ours.close()


class _Pool:
    """Workers, replaced when they die or take too long for one example."""

    def __init__(
        self, properties: Mapping[str, Property], workers: int, seed: int, store: Store, patience: float
    ) -> None:
        self.properties, self.seed, self.store, self.patience = properties, seed, store, patience
        self.size = workers
        self.workers: list[_Worker] = []

    def __enter__(self) -> Self:
        for _ in range(self.size):
            self.workers.append(_Worker(self))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.stop()

    def results(self, batches: Sequence[Batch], over: Callable[[], bool]) -> Iterable[tuple[Batch, Attempt]]:
        """Each batch with what it came to, as they finish; no further batch is begun once it is `over`."""
        waiting, failed = deque(batches), set[str]()
        while True:
            for k, worker in enumerate(self.workers):
                while worker.batch is None and waiting and not over():
                    batch = waiting.pop() if k % 2 else waiting.popleft()  # from both ends: fewer imports of a library
                    if batch.name in failed:
                        yield batch, Attempt(batch.name, 0, 0.0, 0.0)  # nothing more to learn
                    else:
                        worker.give(batch)
            busy = [worker for worker in self.workers if worker.batch]
            if not busy:
                return
            ready = wait([worker.ours for worker in busy], timeout=TURN)
            for k, worker in enumerate(self.workers):
                answer = self._answer(worker, worker.ours in ready)
                if worker.batch and answer:
                    batch, worker.batch = worker.batch, None
                    if answer.failure:
                        failed.add(batch.name)
                    if not worker.process.is_alive():
                        worker.stop()
                        del self.workers[k]
                        self.workers.insert(k, _Worker(self))
                    yield batch, answer

    def _answer(self, worker: _Worker, ready: bool) -> Attempt | None:
        if worker.batch is None:
            return None
        if ready:
            try:
                answer: Attempt | BaseException = worker.ours.recv()
            except EOFError:
                worker.process.join()
                return self._lost(worker.batch, f"the process died: {_cause(worker.process.exitcode)}")
            if isinstance(answer, BaseException):
                raise answer
            return answer
        if time.monotonic() - worker.clock.value > self.patience:
            worker.process.kill()
            worker.process.join()
            return self._lost(worker.batch, f"no answer on one example within {self.patience:g} s")
        return None

    def _lost(self, batch: Batch, problem: str) -> Attempt:
        seed = _seed(self.seed, batch)
        return Attempt(batch.name, 0, float("inf"), 0.0, Failure(problem, f"one of the examples of seed {seed}"))


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):  # real-time signals have no names
            return signal.Signals(-code).name
    return f"exit status {code}"


def _serve(
    pipe: Connection,
    clock: Any,
    properties: Mapping[str, Property],
    seed: int,
    folder: Path,
    parent: int,
    inherited: Sequence[int],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    _write_to(folder / LOG)
    with contextlib.suppress(ImportError):  # before CVXPY's solvers, beside which it does not load
        importlib.import_module("ortools.sat.python.cp_model")
    for descriptor in inherited:  # the folder's lock, and ends of pipes by which workers notice that the parent is gone
        os.close(descriptor)

    def begun() -> None:
        clock.value = time.monotonic()
        if os.getppid() != parent:
            os._exit(1)

    while True:
        try:
            batch: Batch = pipe.recv()
        except EOFError:
            return
        wanted = properties[batch.name]
        try:
            pipe.send(attempt(wanted, examples=batch.examples, seed=_seed(seed, batch), folder=folder, begun=begun))
        except Exception as problem:  # noqa: BLE001 - a strategy that fails: told to the parent, which raises it
            pipe.send(NotSolved(f"{batch.name} cannot be tried: {type(problem).__name__}: {problem}"))


def _write_to(path: Path) -> None:
    """Whatever libraries print and warn of goes to a file, not between the lines of the report."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def _seed(seed: int, batch: Batch) -> int:
    """Different for each batch, and the same in each run."""
    text = f"{seed} {batch.name} {batch.number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
