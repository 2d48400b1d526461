"""Where ledgers are: in a file of this machine, or behind the address of a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from models.ledger._chain import Chain
from models.ledger._errors import LedgerError
from models.ledger._keys import Keys
from models.ledger._ledger import Ledger

__all__ = ["files_of", "is_url", "keys_for", "reading", "writing"]

KEY = "CERTEQ_LEDGER_KEY"  # the environment variable that has the secret
PLENTY = 10**30  # wei that an embedded chain begins with
CHAIN = 1337  # the number of embedded chains


def is_url(place: str) -> bool:
    """Whether a place is a node's address, not a file."""
    return "://" in place or place.lower().startswith(("http:", "https:"))


def files_of(place: str) -> list[str]:
    """The files of a ledger, none of which may be written by anything else."""
    return [] if is_url(place) else [place, *(f"{place}{suffix}" for suffix in (".key", ".seal", "-journal"))]


def shown(place: str) -> str:
    """A place as it may be shown: of an address only the host, since there may be a key or a password in it."""
    if not is_url(place):
        return place
    parts = urlsplit(place)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


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
            raise LedgerError("a ledger behind a node is known by its contract: give its address by --contract")
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
    if is_url(place):
        from models.ledger._rpc import RpcChain

        keys = keys_for(place, keystore)
        with closing(RpcChain(place)) as node:
            yield node, keys
        return
    from models.ledger._embedded import EmbeddedChain

    if os.path.lexists(place):  # what it is, is looked at first, so that errors are about that
        with EmbeddedChain.open(place) as chain:
            yield chain, keys_for(place, keystore)
        return
    keys = keys_for(place, keystore, new=True)
    with EmbeddedChain.create(place, chain_id=CHAIN, funded={keys.root.address: PLENTY}) as chain:
        yield chain, keys


def keys_for(place: str, keystore: str | None = None, *, new: bool = False) -> Keys:
    """The keys from a keystore or the environment; of a file, else from `FILE.key` beside it, made for a `new` ledger.

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
    if os.path.lexists(beside):
        return Keys.from_file(beside)
    if new:
        return Keys.create(beside)
    raise LedgerError(f"{place}: writing needs its key, in {beside}, in {KEY}, or in a keystore; there is none")


def _only(found: list[str]) -> str:
    """The one contract of an embedded chain."""
    if not found:
        raise LedgerError("there must be a contract in the log, there is none yet")
    if len(found) > 1:
        raise LedgerError(f"there are {len(found)} contracts in the log: give one by --contract, {', '.join(found)}")
    return found[0]
