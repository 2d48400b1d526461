"""Where the ledgers of runs are, and how they are opened."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from models.gfml._store import Unit
from solvers.core import InvalidGame, NotSolved

if TYPE_CHECKING:
    from models.gfml._pages import OpenBook

KEY = "CERTEQ_LEDGER_KEY"
LOG = b"SQLite format 3\0"  # how the file of a ledger begins
NEEDED = ("pyrevm", "coincurve", "Crypto", "web3")


class Look(NamedTuple):
    """What a ledger has: where it is, how far it has got, under which root, and the global reputations by name."""

    place: str
    contract: str
    rounds: int
    contributions: int
    root: str
    reputations: dict[str, float]


@dataclass(frozen=True)
class Where:
    """The place of ledgers: a file, the address of a node, or, where there are `many` runs, a folder of files.

    `keystore` is a file with the key that pays; without it there must be one in the environment or beside the file.
    """

    place: str
    keystore: str | None = None
    many: bool = False

    def check(self, others: Iterable[str | None]) -> None:
        """Refuses what can be no place of ledgers, or has no key, or is written by others too, before any work.

        Raises
        ------
        InvalidGame
            With the rule and the value.
        """
        from models.ledger import LedgerError, keys_for

        _check_installed()
        path, node = Path(self.place), "://" in self.place
        there = os.path.lexists(path)
        if not node and not (self._fits(path) if there else path.absolute().parent.is_dir()):
            kind = "folder" if self.many else "file of a ledger"
            raise InvalidGame(f"--ledger-path must be a {kind}, or a new one in a folder that is there, got {path}")
        kept = {Path(f"{self.place}{suffix}").resolve() for suffix in ("", ".key", ".seal", "-journal")}
        kept |= {Path(self.keystore).resolve()} if self.keystore else set()
        for other in map(Path, filter(None, others)):
            if other.resolve() in kept or (self.many and other.resolve().parent in kept):
                raise InvalidGame(f"the store and outputs must not be files of a ledger, got {other}")
        try:
            if self.keystore or KEY in os.environ or node or (there and not self.many):
                keys_for(self.place, self.keystore)
        except LedgerError as problem:
            raise InvalidGame(str(problem)) from None

    def _fits(self, path: Path) -> bool:
        """Whether what is there can be a log, or a folder where there are many."""
        if self.many or not path.is_file():
            return self.many and path.is_dir()
        with path.open("rb") as file:
            return file.read(len(LOG)) == LOG

    @contextmanager
    def opened(self, unit: Unit) -> Iterator[OpenBook]:
        """A function that opens the ledger of this unit, or makes it.

        Raises
        ------
        NotSolved
            If a library is missing, or the ledger cannot be opened or written; what is recorded is kept.
        """
        from models.ledger import Ledger, LedgerError, writing

        _check_installed()
        try:
            with writing(self.of(unit), self.keystore) as (chain, keys):
                own = keys.named(unit.key)
                yield lambda names, forgetting: Ledger.start(chain, own, names, forgetting=forgetting)
        except LedgerError as problem:
            raise NotSolved(f"{unit.title}: {problem}; stored rounds are kept") from None

    def look(self, unit: Unit) -> Look:
        """What the ledger of this unit has now.

        Raises
        ------
        NotSolved
            If it cannot be read.
        """
        from models.ledger import LedgerError, keys_for, made_by, reading
        from models.ledger._places import shown

        place = self.of(unit)
        if "://" not in place and not os.path.lexists(place):
            lost = f"{place}: there must be the ledger of the stored rounds, there is none"
            raise NotSolved(f"{unit.title}: {lost}; --fresh plays them again")
        try:
            contract = made_by(keys_for(place, self.keystore).named(unit.key).provider.address)
            with reading(place, contract) as ledger:
                status, root = ledger.status(), f"0x{ledger.root().hex()}"
                reputations = dict(zip(ledger.names, ledger.totals().tolist(), strict=True))
                return Look(shown(place), contract, status.round, status.leaves, root, reputations)
        except LedgerError as problem:
            raise NotSolved(f"{unit.title}: {problem}; stored rounds are kept") from None

    def of(self, unit: Unit) -> str:
        """The place of one unit's ledger."""
        if not self.many or "://" in self.place:
            return self.place
        Path(self.place).mkdir(exist_ok=True)
        return str(Path(self.place, f"{unit.key[:16]}.sqlite"))


def _check_installed() -> None:
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise NotSolved("a ledger needs pyrevm, coincurve, pycryptodome and web3: install certeq[ledger]")
