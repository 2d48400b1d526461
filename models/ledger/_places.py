"""Where ledgers are: in a file of this machine, or behind the address of a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from models.ledger._chain import Chain
from models.ledger._errors import LedgerError
from models.ledger._keys import Keys
from models.ledger._ledger import Ledger

__all__ = ["is_url", "keys_for", "reading", "writing"]

KEY = "CERTEQ_LEDGER_KEY"  # the environment variable that has the secret
PLENTY = 10**30  # wei that an embedded chain begins with
CHAIN = 1337  # the number of embedded chains


def is_url(place: str) -> bool:
    """Whether a place is a node's address, not a file."""
    return "://" in place


@contextmanager
def reading(place: str, contract: str | None = None) -> Iterator[Ledger]:
    """The ledger at a place; nothing can be written, and keys are not needed.

    Raises
    ------
    LedgerError
        If there is none, or the log is not what was written; of a node, if the contract is not given.
    """
    if is_url(place):
        from models.ledger._rpc import RpcChain

        if contract is None:
            raise LedgerError("a ledger behind a node is known by its contract: give its address")
        with closing(RpcChain(place)) as node:
            yield Ledger(node, contract)
    else:
        from models.ledger._embedded import EmbeddedChain

        with EmbeddedChain.open(place, read_only=True) as chain:
            yield Ledger(chain, contract or _only(chain.contracts()))


@contextmanager
def writing(place: str, keystore: str | None = None) -> Iterator[tuple[Chain, Keys]]:
    """The chain at a place, made if it is a file that is not there, and the keys of who writes.

    Raises
    ------
    LedgerError
        If the log is not what was written, is in use, the node does not answer, or there are no keys.
    """
    keys = keys_for(place, keystore)
    with closing(_opened(place, keys)) as chain:
        yield chain, keys


def _opened(place: str, keys: Keys) -> Chain:
    if is_url(place):
        from models.ledger._rpc import RpcChain

        return RpcChain(place)
    from models.ledger._embedded import EmbeddedChain

    if os.path.lexists(place):
        return EmbeddedChain.open(place)
    funded = {keys.root.address: PLENTY}
    return EmbeddedChain.create(place, chain_id=CHAIN, funded=funded)


def keys_for(place: str, keystore: str | None = None) -> Keys:
    """The keys from a keystore or the environment; of a file, else from `FILE.key` beside it, made with a new file.

    Raises
    ------
    LedgerError
        If there are none, or they cannot be read.
    """
    if keystore is not None:
        return Keys.from_keystore(keystore)
    if KEY in os.environ:
        return Keys.from_environment(KEY)
    if is_url(place):
        raise LedgerError(f"writing to a node needs a key: a keystore, or 64 hexadecimal digits in {KEY}")
    beside = Path(f"{place}.key")
    if beside.exists() or os.path.lexists(place):
        return Keys.from_file(beside)
    return Keys.create(beside)


def _only(found: list[str]) -> str:
    """The one contract of an embedded chain."""
    if len(found) != 1:
        raise LedgerError(f"there must be one contract in the log, found {len(found)}: say which, {', '.join(found)}")
    return found[0]
