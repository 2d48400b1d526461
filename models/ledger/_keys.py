"""The keys of those who write a ledger, all made from one secret, which is never shown."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path
from typing import NoReturn

from models.ledger._errors import LedgerError
from models.ledger._transactions import Account, derived

__all__ = ["Keys"]

DIGITS = 64  # hexadecimal, of a key
OTHERS = stat.S_IRWXG | stat.S_IRWXO  # what only the owner may do


class Keys:
    """The accounts that write a ledger, which all follow from a secret of 32 bytes.

    `root` is the account of the secret itself, which holds the money; the others are derived from it, so that whoever
    has the secret has them all, and who has one of them has none of the others. Keys are never shown, cannot be
    pickled, and are in no error.

    Raises
    ------
    LedgerError
        If the secret is not 32 bytes, above 0 and below the order of secp256k1.

    Examples
    --------
    >>> keys = Keys((1).to_bytes(32))
    >>> keys
    Keys(root='0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf')
    >>> len({keys.root, keys.provider, keys.miner(), keys.miner(1), keys.user(0)})
    5
    """

    __slots__ = ("_made", "_prefix", "_root")

    def __init__(self, secret: bytes) -> None:
        self._root = Account(bytes(secret))
        self._prefix = ""
        self._made: dict[str, Account] = {}

    @classmethod
    def random(cls) -> Keys:
        """Keys that nobody else has."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def from_environment(cls, variable: str = "CERTEQ_LEDGER_KEY") -> Keys:
        """The keys whose secret is in an environment variable, 64 hexadecimal digits.

        Raises
        ------
        LedgerError
            If it is not set, or is something else.
        """
        return cls(_secret(_variable(variable), f"the environment variable {_shown(variable)}"))

    @classmethod
    def from_keystore(cls, path: str | os.PathLike[str], password_variable: str = "CERTEQ_LEDGER_PASSWORD") -> Keys:
        """The keys whose secret is in an Ethereum keystore file, version 3; its password is in an environment variable.

        Raises
        ------
        LedgerError
            If the file cannot be read, is no such keystore, or the password is not set, or wrong.

        References
        ----------
        Web3 Secret Storage Definition, ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage.
        """
        try:
            from eth_keyfile.keyfile import decode_keyfile_json
        except ImportError as error:
            raise LedgerError("a keystore needs web3: pip install 'certeq[ledger]'") from error
        what, fault = f"keystore {_shown(path)}", ""
        password = _variable(password_variable)
        text = _read(path, what)
        try:
            found = json.loads(text)
            if found.get("version") == 3:
                return cls(decode_keyfile_json(found, password.encode()))
            fault = "must be a keystore of version 3"
        except (ValueError, TypeError, LookupError, AttributeError, AssertionError, LedgerError) as problem:
            wrong = "MAC" in str(problem)
            fault = f"does not open with the password in {_shown(password_variable)}" if wrong else "is not a keystore"
        raise LedgerError(f"{what} {fault}")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Keys:
        """The keys whose secret is in a file of its own, 64 hexadecimal digits, which only its owner can read.

        Raises
        ------
        LedgerError
            If the file cannot be read, can be read by others, or has something else in it.
        """
        what = f"key file {_shown(path)}"
        return cls(_secret(_read(path, what, private=True), what))

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Keys:
        """New keys, with their secret in a new file that only its owner can read; it is there as a whole or not at all.

        Raises
        ------
        LedgerError
            If there is a file already, which is left as it is, or none can be made.
        """
        made, place, draft, fault = cls.random(), Path(path), None, ""
        try:
            descriptor, draft = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)  # mode 0600
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(made._root.key.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, place)  # unlike a rename, never over a file that is there
            _sync(place.parent)
        except FileExistsError:
            fault = "must not be there yet; it is kept as it is"
        except OSError as problem:
            fault = f"cannot be made: {problem.strerror}"
        finally:
            if draft is not None:
                Path(draft).unlink()
        if fault:
            raise LedgerError(f"key file {_shown(path)} {fault}")
        return made

    @property
    def root(self) -> Account:
        """The account of the secret itself, which pays."""
        return self._root

    def named(self, name: str) -> Keys:
        """The keys of another ledger that the same root pays for."""
        found = Keys(self._root.key)
        found._prefix = f"{self._prefix}{name}/"
        return found

    @property
    def provider(self) -> Account:
        """Who makes the ledger, recruits, and pays."""
        return self._derived("provider")

    def miner(self, k: int = 0) -> Account:
        """Who records coalitions, number k from 0."""
        return self._derived("miner", k)

    def user(self, i: int) -> Account:
        """The account of user i."""
        return self._derived("user", i)

    def _derived(self, role: str, number: int | None = None) -> Account:
        if number is not None and number < 0:
            raise LedgerError(f"a {role}'s number must be 0 or more, got {number}")
        name = self._prefix + (role if number is None else f"{role}/{number}")
        if name not in self._made:
            self._made[name] = derived(self._root.key, name)
        return self._made[name]

    def __repr__(self) -> str:
        return f"Keys(root={self._root.address!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise LedgerError("keys must not be written anywhere: they cannot be pickled or copied")


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise LedgerError(f"the environment variable {_shown(name)} must be set, it is not")
    return value


def _secret(text: str, what: str) -> bytes:
    """The key of 64 hexadecimal digits; of anything else, only the length is told."""
    text = text.strip()
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not re.fullmatch(rf"[0-9a-fA-F]{{{DIGITS}}}", digits):
        got = f"{len(digits)} characters" if len(digits) != DIGITS else "others"
        raise LedgerError(f"{what} must have a key of {DIGITS} hexadecimal digits, got {got}")
    return bytes.fromhex(digits)


def _read(path: str | os.PathLike[str], what: str, *, private: bool = False) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if private and os.name == "posix" and mode & OTHERS:
                raise LedgerError(f"{what} must be for its owner alone, others can read it: chmod 600 {_shown(path)}")
            return file.read()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not text"
    raise LedgerError(f"{what} cannot be read: {why}")


def _shown(given: str | os.PathLike[str]) -> str:
    """What was given, without what looks like a key that was meant for another place."""
    return re.sub(rf"[0-9a-fA-F]{{{DIGITS - 4},}}", "…", os.fspath(given))


def _sync(folder: Path) -> None:
    """Have the folder's own entries kept, where that is not done anyway."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
