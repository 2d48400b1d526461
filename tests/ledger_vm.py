"""The contract in a bare virtual machine: no signatures, no fees, no blocks."""

import re
from typing import Any, NamedTuple

from eth_utils.address import to_checksum_address
from pyrevm import EVM

from models.ledger._contract import Event, answer, constructor, encoded, event, reason
from models.ledger._errors import Reverted
from models.ledger._transactions import Log

GAS = 1_000_000_000
WAD = 10**18
OUT = 0xFFFF


def address(k: int) -> str:
    """The k-th of many accounts."""
    return str(to_checksum_address((0xC0FFEE << 64 | k + 1).to_bytes(20)))


PROVIDER, MINER, STRANGER = address(10**6), address(10**6 + 1), address(10**6 + 2)


class Sent(NamedTuple):
    """What came of a call that the contract took."""

    events: list[Event]
    gas: int


class Machine:
    """One contract, made by PROVIDER, who is rich."""

    def __init__(self, forgetting: int = 7 * WAD // 10, unit: int = 10**12) -> None:
        self.evm = EVM(spec_id="CANCUN")
        self.evm.set_balance(PROVIDER, 10**40)
        self.contract = self.deploy(constructor(forgetting, unit))
        self.deployment = self.evm.result.gas_used

    def deploy(self, data: bytes) -> str:
        """The address of what these data make."""
        return str(to_checksum_address(self._carry("deploy", lambda: self.evm.deploy(PROVIDER, data, gas=GAS))))

    def carry(self, to: str, data: bytes) -> None:
        """Call any account, as STRANGER."""
        self._carry("a call", lambda: self.evm.message_call(STRANGER, to, calldata=data, gas=GAS))

    def send(self, sender: str, name: str, *arguments: Any, value: int = 0) -> Sent:
        """Call a function, or raise Reverted."""
        data = encoded(name, *arguments)
        self._carry(name, lambda: self.evm.message_call(sender, self.contract, calldata=data, value=value, gas=GAS))
        result = self.evm.result
        logs = [Log(self.contract, tuple(one.data[0]), one.data[1], 0) for one in result.logs]
        return Sent([event(log) for log in logs], result.gas_used)

    def ask(self, name: str, *arguments: Any) -> Any:
        """What a view says."""
        checkpoint = self.evm.snapshot()
        data = encoded(name, *arguments)
        try:
            output = self.evm.message_call(STRANGER, self.contract, calldata=data, gas=GAS, is_static=True)
        except RuntimeError as problem:
            raise Reverted(refusal(problem), name) from None
        finally:
            self.evm.revert(checkpoint)
        found = answer(name, output)
        return found[0] if len(found) == 1 else found

    def balance(self, account: str) -> int:
        return int(self.evm.get_balance(account))

    def _carry(self, name: str, call: Any) -> Any:
        """One transaction. Without the snapshot, a commit would take the journal's depth below 0."""
        checkpoint = self.evm.snapshot()
        try:
            found = call()
        except RuntimeError as problem:
            self.evm.revert(checkpoint)
            raise Reverted(refusal(problem), name) from None
        self.evm.commit()
        return found


def refusal(problem: RuntimeError) -> str:
    """The contract's reason, or the machine's own words where there is none."""
    output = re.search(r"output: 0x([0-9a-f]*)", str(problem))
    return (reason(bytes.fromhex(output[1])) if output else "") or str(problem)


def slots(*coalitions: int) -> bytes:
    """The coalitions of all users, −1 for none, as `form` takes them."""
    return b"".join((OUT if one < 0 else one).to_bytes(2) for one in coalitions)
