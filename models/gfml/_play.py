"""One unit, played from where a store left it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from models.data import Dataset
from models.gfml._store import Record, Store, Unit
from solvers._messages import quoted
from solvers.core import InvalidGame, NotSolved

if TYPE_CHECKING:
    from models.gfml._experiment import Experiment
    from models.gfml._incentives import Certify
    from models.gfml._ledgers import Where
    from models.gfml._pages import OpenBook
    from models.gfml._state import State

Loader: TypeAlias = Callable[[str], Dataset]
Records: TypeAlias = list[dict[str, Any]]
Tell: TypeAlias = Callable[[Record], None]

MEMORY = re.compile(r"memory|alloc", re.IGNORECASE)  # in PyTorch's messages that there is not enough


class NoMemory(NotSolved):
    """A unit needs more memory than there is; another may need less."""


class Plan(NamedTuple):
    """How units are played."""

    rounds: int
    certify: Certify
    device: str = "cpu"
    threads: int = 1
    ledger: Where | None = None


def run_unit(
    unit: Unit,
    rounds: int,
    dataset: Dataset,
    *,
    certify: Certify,
    store: Store | None = None,
    device: str = "cpu",
    threads: int = 1,
    ledger: Where | None = None,
    on_round: Tell | None = None,
) -> Records:
    """The records of the unit's first `rounds` rounds; what is not stored is played, and stored round by round.

    It goes on from the stored checkpoint, to the same bits as if it had not stopped there, as long as machine, device,
    threads and versions are the same. A unit that has a ledger is recorded where `ledger` says. `on_round` is called
    with each round that is played. `certify` is `verification.certify` or a function like it.

    Raises
    ------
    InvalidGame
        If the data set is another than the unit's, or one of the rules of `Experiment` or `Store` is broken.
    Diverged
        If a loss or a gradient is not finite; the message has the unit, the round and the user.
    NotSolved
        If PyTorch is missing, there is not enough memory, or the store fails.

    Examples
    --------
    >>> from models.data import digits
    >>> from models.gfml._parameters import Parameters
    >>> from verification import certify
    >>> unit = Unit("digits", "random-random", 1, Parameters(users=8, coalitions=2, steps=2, batch=8))
    >>> [record["round"] for record in run_unit(unit, 2, digits(), certify=certify)]
    [1, 2]
    """
    return resumed(unit, Plan(counted("rounds", rounds), certify, device, threads, ledger), dataset, store, on_round)


def resumed(unit: Unit, plan: Plan, dataset: Dataset, store: Store | None, tell: Tell | None = None) -> Records:
    """What `run_unit` says.

    Raises
    ------
    InvalidGame, NotSolved
        As there.
    """
    records, checkpoint = store.progress(unit) if store else ([], None)
    if len(records) >= plan.rounds:
        return records[: plan.rounds]
    try:
        for record, state in played(unit, plan, dataset, checkpoint):
            if store:
                store.save(unit, record, state.to_bytes())
            records.append(record)
            if tell:
                tell(record)
    except NoMemory as problem:
        raise NoMemory(f"{problem}; stored rounds are kept") if store and records else problem from None
    return records


def played(
    unit: Unit, plan: Plan, dataset: Dataset, checkpoint: bytes | None
) -> Iterator[tuple[dict[str, Any], State]]:
    """Each round after the checkpoint, and the state after it.

    Raises
    ------
    InvalidGame, NotSolved
        As `run_unit`.
    """
    from models.fml import Diverged

    if dataset.name != unit.dataset:
        raise InvalidGame(f"dataset must be the unit's, {quoted(unit.dataset)}, got {quoted(dataset.name)}")
    with _book(unit, plan) as book:
        with _enough_memory(unit):
            experiment = _experiment(unit, plan, dataset, book)
            state = experiment.start() if checkpoint is None else experiment.restore(checkpoint)
        while state.round < plan.rounds:
            try:
                with _enough_memory(unit):
                    state, record = experiment.play(state)
            except Diverged as problem:
                raise Diverged(f"{unit.title}: {problem}") from None
            yield record.document(), state


@contextmanager
def _book(unit: Unit, plan: Plan) -> Iterator[OpenBook | None]:
    """Where the unit's reputations are kept, if not with its rounds."""
    if unit.ledger == "none":
        yield None
    elif plan.ledger is None:
        raise InvalidGame(f"{unit.title}: its ledger must be given, it is not")
    else:
        with plan.ledger.opened(unit) as book:
            yield book


@contextmanager
def _enough_memory(unit: Unit) -> Iterator[None]:
    """PyTorch's and NumPy's words for too little of it, in ours."""
    try:
        yield
    except (RuntimeError, MemoryError) as problem:
        if isinstance(problem, RuntimeError) and (isinstance(problem, NotSolved) or not MEMORY.search(str(problem))):
            raise
        raise NoMemory(f"{unit.title}: needs more memory than there is; lower the batch or the users") from None


def _experiment(unit: Unit, plan: Plan, dataset: Dataset, book: OpenBook | None) -> Experiment:
    from models.gfml._experiment import Experiment

    return Experiment(
        dataset,
        unit.framework,
        unit.parameters,
        certify=plan.certify,
        seed=unit.seed,
        device=plan.device,
        threads=plan.threads,
        ledger=book,
    )


def counted(name: str, value: int) -> int:
    """The value, if it is a whole number of at least 1.

    Raises
    ------
    InvalidGame
        If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidGame(f"{name} must be a whole number of at least 1, got {quoted(value)}")
    return value
