"""Nodes that fail as they are told: a server that stands before another, and a toy chain that needs no other."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from models.ledger._transactions import Signed, decoded

Answer = Callable[[dict[str, Any]], dict[str, Any]]
Fault = str | int | bytes | Callable[[list[dict[str, Any]]], Any]


class Server(AbstractContextManager["Server"]):
    """Answers each request of a batch by `answer`, except where one of `faults` says otherwise.

    Each of `faults`, of a method and what goes wrong, happens once, to the first batch with that method. It is "lost"
    (nobody gets the batch), "unheard" (it is carried out, and no answer comes), "late" (the answer comes when `hurry`
    is set), an HTTP status or bytes that come as an answer, or makes other answers of the right ones.
    """

    def __init__(self, answer: Answer, *, most: int | None = None) -> None:
        self.answer, self.most = answer, most
        self.faults: list[tuple[str, Fault]] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.paths: list[str] = []
        self.hurry = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *problem: object) -> None:
        self.hurry.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def too_many(self, batch: list[dict[str, Any]]) -> tuple[int, bytes]:
        """The answer to a batch that is too large."""
        return 200, json.dumps(error(None, -32600, "batch too large")).encode()

    def asked(self, method: str) -> list[Any]:
        """The parameters of all requests of that method."""
        return [one["params"] for batch in self.batches for one in batch if one["method"] == method]

    def reply(self, body: Any) -> tuple[int, bytes] | None:
        """The HTTP status and the text of an answer, if one comes."""
        batch = body if isinstance(body, list) else [body]
        if self.most is not None and len(batch) > self.most:
            return self.too_many(batch)
        self.batches.append(batch)
        fault = self._fault({one["method"] for one in batch})
        if fault == "lost":
            return None
        answers: Any = [self.answer(one) for one in batch]
        if fault == "unheard":
            return None
        if fault == "late":
            self.hurry.wait(30)
        if isinstance(fault, int):
            return fault, b"{}"
        if isinstance(fault, bytes):
            return 200, fault
        if callable(fault):
            answers = fault(answers)
        elif not isinstance(body, list):
            (answers,) = answers
        return 200, json.dumps(answers).encode()

    def _fault(self, methods: set[str]) -> Fault | None:
        for k, (method, fault) in enumerate(self.faults):
            if method in methods:
                del self.faults[k]
                return fault
        return None

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server.paths.append(self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    reply = server.reply(body)
                except OSError:  # what is behind does not answer
                    reply = None
                if reply is None:
                    self.close_connection = True
                    return
                status, text = reply
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


def error(number: Any, code: int, message: str, data: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, "data": data}}


class Refused(Exception):
    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class ToyNode:
    """A chain of transactions that do nothing but say their own data, one in a block; those of b"no..." are refused.

    While it is not `mining`, transactions wait.
    """

    def __init__(self, chain_id: int) -> None:
        self.chain_id, self.base_fee, self.tip, self.mining = chain_id, 10**9, 10**9, True
        self.balance, self.height = 10**24, 0
        self.waiting: dict[str, Signed] = {}
        self.mined: dict[str, dict[str, Any]] = {}
        self.counts: dict[str, int] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self, request["method"], None)
        try:
            if method is None:
                raise Refused(-32601, "Method not found")
            return {"jsonrpc": "2.0", "id": request["id"], "result": method(*request["params"])}
        except Refused as refused:
            return error(request["id"], refused.code, refused.message, refused.data)

    def mine(self) -> None:
        """Carry out what waits, an account's in the order of its numbers, until the next one is missing."""
        while True:
            following = (k for k, one in self.waiting.items() if one.transaction.nonce == self.count(one.sender))
            found = next(following, None)
            if found is None:
                return
            self._carry_out(found, self.waiting.pop(found))

    def count(self, sender: str) -> int:
        return self.counts.get(sender, 0)

    def _carry_out(self, hashed: str, one: Signed) -> None:
        self.height += 1
        self.counts[one.sender] = self.count(one.sender) + 1
        made = one.transaction
        place = {"blockNumber": hex(self.height), "transactionIndex": "0x0"}
        said = {
            "address": made.to,
            "topics": ["0x" + bytes(32).hex()],
            "data": "0x" + made.data.hex(),
            "logIndex": "0x0",
        }
        failed = made.data.startswith(b"no")
        self.mined[hashed] = place | {
            "transactionHash": hashed,
            "status": hex(not failed),
            "gasUsed": hex(21_000),
            "contractAddress": None,
            "logs": [] if failed else [said | place],
        }

    def eth_chainId(self) -> str:
        return hex(self.chain_id)

    def eth_blockNumber(self) -> str:
        return hex(self.height)

    def eth_getBlockByNumber(self, block: str, whole: bool) -> dict[str, Any]:
        return {} if self.base_fee is None else {"baseFeePerGas": hex(self.base_fee)}

    def eth_gasPrice(self) -> str:
        return hex((self.base_fee or 0) + 10**9)

    def eth_maxPriorityFeePerGas(self) -> str:
        if self.tip is None:
            raise Refused(-32601, "Method not found")
        return hex(self.tip)

    def eth_getTransactionCount(self, address: str, block: str) -> str:
        waiting = sum(one.sender == address for one in self.waiting.values())
        return hex(self.count(address) + (waiting if block == "pending" else 0))

    def eth_getBalance(self, address: str, block: str) -> str:
        return hex(self.balance)

    def eth_sendRawTransaction(self, raw: str) -> str:
        one = decoded(bytes.fromhex(raw[2:]))
        hashed = "0x" + one.hash.hex()
        if hashed in self.waiting:
            raise Refused(-32000, "already known")
        if one.transaction.nonce < self.count(one.sender):
            raise Refused(-32000, "nonce too low")
        if one.transaction.fee < (self.base_fee or 0):
            raise Refused(-32000, "max fee per gas less than block base fee")
        self.waiting[hashed] = one
        if self.mining:
            self.mine()
        return hashed

    def eth_getTransactionByHash(self, hashed: str) -> dict[str, Any] | None:
        return {"hash": hashed} if hashed in self.mined or hashed in self.waiting else None

    def eth_getTransactionReceipt(self, hashed: str) -> dict[str, Any] | None:
        return self.mined.get(hashed)

    def eth_call(self, call: dict[str, Any], block: str) -> str:
        data = call["data"]
        if bytes.fromhex(data[2:]).startswith(b"no"):
            raise Refused(3, "execution reverted: not you")
        return data

    def eth_getLogs(self, span: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(span["fromBlock"], 16), int(span["toBlock"], 16)
        logs = [log for one in self.mined.values() for log in one["logs"]]
        return [
            log for log in logs if first <= int(log["blockNumber"], 16) <= last and log["address"] == span["address"]
        ]
