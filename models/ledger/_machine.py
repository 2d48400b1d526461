"""The Ethereum virtual machine in this process: pyrevm, with what it leaves to its caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from models.ledger._contract import reason
from models.ledger._errors import LedgerError, Reverted
from models.ledger._rlp import Packable
from models.ledger._transactions import Signed, _address

__all__ = ["LIMIT", "RULES", "Machine", "Outcome"]

RULES = "CANCUN"  # the newest that pyrevm knows
LIMIT = 1_000_000_000  # gas of a transaction or a question, so that none runs for ever
NOBODY = "0x" + "00" * 20  # who asks
OUTPUT = re.compile(r"output: 0x([0-9a-f]*)")


class Outcome(NamedTuple):
    """What came of a transaction; of a new contract, the address, and as output its code's hash."""

    succeeded: bool
    gas: int
    contract: str | None
    output: bytes
    reason: str
    logs: list[tuple[bytes, list[bytes], bytes]]  # who said it, topics, data

    def packable(self) -> list[Packable]:
        """As a list of bytes, numbers and lists."""
        contract = b"" if self.contract is None else bytes.fromhex(self.contract[2:])
        return [int(self.succeeded), self.gas, contract, self.output, self.reason.encode(), self.logs]

    @classmethod
    def unpacked(cls, item: Any) -> Outcome:
        """From that list, whose numbers have become bytes."""
        succeeded, gas, contract, output, why, logs = item
        made = _address(contract) if contract else None
        return cls(bool(succeeded), int.from_bytes(gas), made, output, why.decode(), [tuple(log) for log in logs])


class Machine:
    """Accounts and contracts; `funded` have that many wei.

    pyrevm keeps one journal for ever: `mark` and `settle` must stand around every block, as committing without a mark
    takes the journal's depth below 0, where every call ends as one that is too deep. What was used in any block stays
    warm, so that gas depends on the order of blocks, but on nothing else, because questions are asked behind a mark
    too. Nonces are counted for deployments only, and set before each; transient storage is not cleared.
    """

    def __init__(self, chain_id: int, funded: Mapping[str, int]) -> None:
        from pyrevm import EVM, CfgEnv, Env

        self._evm: Any = EVM(env=Env(cfg=CfgEnv(chain_id=chain_id)), spec_id=RULES)
        for address, wei in funded.items():
            self._evm.set_balance(address, wei)
        self.enter(0)

    def enter(self, number: int) -> None:
        """Go to the block of that number, which is its time as well."""
        from pyrevm import BlockEnv

        self._evm.set_block_env(BlockEnv(number=number, timestamp=number, basefee=0))

    def mark(self) -> Any:
        """A point to go back to."""
        return self._evm.snapshot()

    def back(self, mark: Any) -> None:
        """Undo what was done since the mark."""
        self._evm.revert(mark)

    def settle(self) -> None:
        """Keep what was done since the last mark."""
        self._evm.commit()

    def balance(self, address: str) -> int:
        """What an account holds, in wei."""
        return int(self._evm.get_balance(address))

    def ask(self, to: str, data: bytes) -> bytes:
        """What a contract answers.

        Raises
        ------
        Reverted
            If it refuses.
        """
        self._evm.reset_transient_storage()
        try:
            return bytes(self._evm.message_call(NOBODY, to, calldata=data, gas=LIMIT, is_static=True))
        except RuntimeError as problem:
            raise Reverted(self._refusal(problem)[1] or "without a word") from None

    def run(self, signed: Signed) -> Outcome:
        """Carry out a transaction, whose nonce must be right.

        Raises
        ------
        LedgerError
            If it cannot be carried out at all.
        """
        one, sender = signed.transaction, signed.sender
        if one.gas > LIMIT:
            raise LedgerError(f"a transaction must have at most {LIMIT:,} gas, got {one.gas:,}")
        has = self.balance(sender)
        if has < one.value:
            raise LedgerError(f"{sender} must have the {one.value} wei that it sends, it has {has}")
        self._evm.reset_transient_storage()
        contract, output, why = None, b"", ""
        try:
            if one.to is None:
                contract, output = self._deploy(signed, has)
            else:
                output = self._evm.message_call(sender, one.to, calldata=one.data, value=one.value, gas=one.gas)
        except RuntimeError as problem:
            if self._evm.result is None:
                raise LedgerError(f"a transaction must be one that can be carried out, got {problem}") from None
            output, why = self._refusal(problem)
        result = self._evm.result
        logs = [(bytes.fromhex(log.address[2:]), *log.data) for log in result.logs]
        return Outcome(result.is_success, result.gas_used, contract, bytes(output), why, logs)

    def _deploy(self, signed: Signed, has: int) -> tuple[str, bytes]:
        """The address and the hash of the code of a new contract."""
        from pyrevm import AccountInfo

        one = signed.transaction
        sender: Any = AccountInfo
        self._evm.insert_account_info(signed.sender, sender(nonce=one.nonce, balance=has))
        made = self._evm.deploy(signed.sender, one.data, value=one.value, gas=one.gas)
        return _address(bytes.fromhex(made[2:])), bytes(self._evm.basic(made).code_hash)

    def _refusal(self, problem: RuntimeError) -> tuple[bytes, str]:
        """What a refused call put out, and why it was refused, in words; empty where it does not tell."""
        found = OUTPUT.search(str(problem))
        if found is not None:
            output = bytes.fromhex(found[1])
            return output, reason(output)
        halt = str(getattr(self._evm.result, "reason", problem)).partition("(")[0]
        return b"", re.sub("(?<=[a-z])(?=[A-Z])", " ", halt).lower()
