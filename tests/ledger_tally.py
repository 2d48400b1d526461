"""A small contract, accounts that use it, and processes that are killed while they do.

The contract is, compiled by Vyper 0.4.3 with `--no-bytecode-metadata --optimize codesize`:

    event Added:
        who: indexed(address)
        total: uint256

    total: public(uint256)
    shares: public(HashMap[address, uint256])
    busy: transient(bool)

    @external
    @payable
    def add(n: uint256):
        assert n > 0, "nothing to add"
        assert not self.busy, "busy"
        self.busy = True
        self.total += n
        self.shares[msg.sender] += n
        log Added(who=msg.sender, total=self.total)

    @external
    def take(amount: uint256):
        send(msg.sender, amount)

    @external
    def spin():
        for i: uint256 in range(1_000_000_000):
            self.total += 1

    @external
    @view
    def here() -> (uint256, uint256, uint256, address):
        return block.number, block.timestamp, chain.id, tx.origin
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from models.ledger import Account, EmbeddedChain, Transaction
from models.ledger._transactions import created

CODE = bytes.fromhex(
    "61027061001161000039610270610000f35f3560e01c6005610241601b395f51600760078260ff16848460181c0260181c06028260081c61ffff"
    "1601601939505f51818160181c14600336111615610239578060fe1636103482600116021761023d578060081c61ffff16565b6004356100d357"
    "60208060a052600e6040527f6e6f7468696e6720746f2061646400000000000000000000000000000000000060605260408160a001602e82825e"
    "8051806020830101601f825f03163682375050601f19601f8251602001011690509050810190506308c379a060805280600401609cfd5b60015c"
    "1561014c5760208060a05260046040527f627573790000000000000000000000000000000000000000000000000000000060605260408160a001"
    "602482825e8051806020830101601f825f03163682375050601f19601f8251602001011690509050810190506308c379a060805280600401609c"
    "fd5b600160015d5f5460043580820182811061023d57905090505f556001336020525f5260405f20805460043580820182811061023d57905090"
    "50815550337f446e00ad56f9b887844f390c87a128507b991ea0499375f13ecb115288c2df7d5f5460405260206040a2005b5f5f5f5f60043533"
    "5ff11561023d57005b5f633b9aca00905b806040525f546001810181811061023d5790505f556001018181186101cf575050005b436040524260"
    "6052466080523260a05260806040f35b5f5460405260206040f35b6004358060a01c61023d5760405260016040516020525f5260405f20546060"
    "5260206060f35b5f5ffd5b5f80fd000e0246062ddbd13a0208054fd9efc401b6251003e2d2005b24f0acd7d501c705ce7c2ac2021325cc5ea9c3"
    "01f205"
)
ADD, TAKE, SPIN, HERE, TOTAL, SHARES = (
    bytes.fromhex(one) for one in ("1003e2d2", "4fd9efc4", "f0acd7d5", "cc5ea9c3", "2ddbd13a", "ce7c2ac2")
)
CHAIN = 1337
USERS = [Account((1000 + k).to_bytes(32)) for k in range(8)]
MAKER = USERS[0]
CONTRACT = created(MAKER.address, 0)
MONEY = 10**18


def word(n):
    return n.to_bytes(32)


def signed(user, nonce, to=CONTRACT, data=b"", **fields):
    return Transaction(**{"chain_id": CHAIN, "gas": 10**6} | fields, nonce=nonce, to=to, data=data).signed(user)


def made(path, **options):
    """A chain with the contract on it."""
    chain = EmbeddedChain.create(path, chain_id=CHAIN, funded={user.address: MONEY for user in USERS}, **options)
    chain.send([signed(MAKER, 0, None, CODE)])
    return chain


def play(chain, blocks, users=USERS[1:4]):
    """Blocks in which each of the users adds one transaction."""
    for _ in range(blocks):
        nonces = chain.nonces([user.address for user in users])
        data = [ADD + word(chain.height + k) for k in range(len(users))]
        chain.send([signed(user, nonce, data=one) for user, nonce, one in zip(users, nonces, data, strict=True)])
    return chain


def number(chain, question):
    return int.from_bytes(chain.call(CONTRACT, [question])[0])


def seen(chain):
    """All that can be seen of a chain."""
    addresses = [*(user.address for user in USERS), CONTRACT]
    questions = [TOTAL, HERE, *(SHARES + bytes(12) + bytes.fromhex(one[2:]) for one in addresses)]
    return {
        "hash": (chain.height, chain.last_hash, chain.state_root, chain.chain_id),
        "accounts": (chain.nonces(addresses), chain.balances(addresses), chain.contracts()),
        "contract": chain.call(CONTRACT, questions),
        "logs": list(chain.logs(CONTRACT)),
    }


# --- killing ------------------------------------------------------------------------------------------------------


def write_until_killed(path, out):
    """Add 1 again and again, and tell, after each time, up to which height it was promised to be kept."""
    with EmbeddedChain.open(path) as chain:
        user = USERS[1]
        while True:
            nonce = chain.nonces([user.address])[0]
            receipt = chain.send([signed(user, nonce, data=ADD + word(1))])[0]
            os.write(out, receipt.block.to_bytes(8))


def killed(path, delay):
    """How high the chain was when its process was killed, as far as it was told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write_until_killed(path, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        first = told.read(8)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = first + told.read()
    return int.from_bytes(rest[-8:])


def kill(path, times, seed):
    """Kill a writer again and again; what it promised must be there, once, and what is there must add up."""
    rng, found = random.Random(seed), Counter()
    made(path).close()
    for _ in range(times):
        promised = killed(path, rng.uniform(0, 0.03))
        with EmbeddedChain.open(path) as chain:
            assert chain.height in (promised, promised + 1), (chain.height, promised)
            assert number(chain, TOTAL) == chain.height - 1 == chain.nonces([USERS[1].address])[0]
            assert len(list(chain.logs(CONTRACT))) == chain.height - 1
            found.update(dropped=chain.dropped, unsealed=chain.unsealed, ahead=chain.height - promised, kills=1)
        with EmbeddedChain.open(path) as chain:
            assert not chain.dropped
            assert not chain.unsealed
    print(dict(found), "blocks:", chain.height)


if __name__ == "__main__":
    kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
