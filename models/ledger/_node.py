"""A node's answers to questions in JSON-RPC: asked in batches, and asked again where no answer came."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from models.ledger._contract import reason
from models.ledger._errors import LedgerError, Unreachable
from models.ledger._web3 import same_recursion_limit

__all__ = ["Node", "Question", "Refusal", "data", "number"]

MOST = 50  # requests in a batch; nodes that take fewer say so, and get fewer
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # s, between two attempts; each is twice the one before
SHOWN = 200  # characters of what a node says
SECRET = 6  # characters of a part of an address that may be a key
AGAIN = frozenset({429, -32005, -32603})  # too many requests, limit exceeded, internal error
BUSY = re.compile(r"rate.?limit|too many requests|header not found|unknown block|block not found", re.IGNORECASE)
REASON = re.compile(r"reverted with reason string '(.*)'|reverted: (.*)", re.DOTALL)


class Question(NamedTuple):
    """A request, and what makes an answer of its result; that raises ValueError, TypeError or KeyError if it cannot."""

    method: str
    params: Sequence[Any]
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Refusal:
    """An error that a node answered with; `output` is what a contract returned as it reverted."""

    code: int
    message: str
    output: bytes = b""

    @property
    def reverted(self) -> bool:
        """Whether it is a contract that refused, not the node."""
        return self.code == 3 or bool(self.output) or "revert" in self.message.lower()

    @property
    def reason(self) -> str:
        """Why a contract refused, or nothing if it did not say."""
        said = REASON.search(self.message)
        return one_line(reason(self.output) or (said[1] or said[2] if said else ""))

    @property
    def busy(self) -> bool:
        """Whether it is not about the question, but how many are asked, or how far the node has got."""
        return self.code == 429 or BUSY.search(self.message) is not None

    @property
    def passing(self) -> bool:
        """Whether the same question may be answered a moment later."""
        return not self.reverted and (self.code in AGAIN or self.busy)


class Node:
    """What answers at an address, http or https; only `name`, without keys or passwords, is ever shown of that.

    Every batch asks for the chain's number too, so that another chain behind the address is noticed at once.

    Raises
    ------
    LedgerError
        If the address is not such a one.
    Unreachable
        If nothing answers, or the chain is not the one of that number.
    """

    def __init__(self, url: str, chain_id: int | None, *, timeout: float, attempts: int) -> None:
        parts = _parts(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self.name = f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
        self.failures = 0
        self._secrets = [text for text in _secrets(parts) if len(text) >= SECRET]
        self._timeout, self._attempts = timeout, attempts
        self._most = MOST
        self._session, self._provider = _connection(url, timeout)
        if re.fullmatch(r"localhost|127\.[\d.]+|::1", parts.hostname or ""):
            self._session.trust_env = False  # no proxy leads to this machine
        self._expected = chain_id
        try:
            self.chain_id: int = self.ask([Question("eth_chainId", [], number)])[0]
        except BaseException:
            self.close()
            raise

    def ask(self, questions: Sequence[Question], *, patient: bool = True) -> list[Any]:
        """What each question's `read` makes of the result, or the `Refusal`; if not `patient`, also of a passing kind.

        Raises
        ------
        Unreachable
            If no answer comes, or it makes no sense, or it is that of another chain.
        """
        answers: list[Any] = []
        while len(answers) < len(questions):
            start, most = len(answers), max(1, self._most - 1)
            try:
                answers += self._answers(questions[start : start + most], patient)
            except _TooMany:
                self._most = (min(most, len(questions) - start) + 1) // 2  # the chain's number is in the batch too
        return answers

    def values(self, questions: Sequence[Question]) -> list[Any]:
        """The answers to questions that a node must not refuse.

        Raises
        ------
        Unreachable
            If it does, or no answer comes.
        """
        answers = self.ask(questions)
        for question, answer in zip(questions, answers, strict=True):
            self.given(question, answer)
        return answers

    def given(self, question: Question, answer: Any) -> None:
        """Raises Unreachable if the answer is a refusal."""
        if isinstance(answer, Refusal):
            what = f"{self.name} refuses {question.method}: {answer.message}"
            raise Unreachable(f"{what}; the same call can be made again")

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _answers(self, questions: Sequence[Question], patient: bool) -> list[Any]:
        asked = [Question("eth_chainId", [], number), *questions]
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
            try:
                found, *answers = self._read(asked)
                for one in (found, *answers) if patient else (found,):
                    if isinstance(one, Refusal) and (one.passing or one is found):
                        raise _NoAnswer(f"it says: {one.message}")
            except _NoAnswer as problem:
                self.failures += 1
                why = str(problem)
                continue
            if self._expected not in (None, found):
                raise Unreachable(
                    f"{self.name} must be of chain {self._expected}, it is of chain {found}; "
                    "on the right chain, the same call can be made again"
                )
            self._expected = found
            return answers
        raise Unreachable(f"{self.name} does not answer: {why}; the same call can be made again")

    def _read(self, questions: Sequence[Question]) -> list[Any]:
        try:
            return [
                self._refusal(one["error"]) if one.get("error") is not None else question.read(one["result"])
                for one, question in zip(self._exchanged(questions), questions, strict=True)
            ]
        except (ValueError, TypeError, LookupError, AttributeError):
            raise _NoAnswer("its answer makes no sense") from None

    def _exchanged(self, questions: Sequence[Question]) -> list[Any]:
        """As many answers as there are questions, in their order."""
        requests = [(question.method, question.params) for question in questions]
        if self._most == 1:
            return [self._posted([request]) for request in requests]
        found = self._posted(requests)
        if isinstance(found, dict) or (len(found) != len(requests) and any("error" in one for one in found)):
            whole = found if isinstance(found, dict) else next(one for one in found if "error" in one)
            refusal = self._refusal(whole["error"])
            raise _NoAnswer(f"it says: {refusal.message}") if refusal.passing else _TooMany
        first = int(found[0]["id"])
        if [one["id"] for one in found] != list(range(first, first + len(requests))):
            raise ValueError("answers to other questions")
        return list(found)

    def _posted(self, requests: list[Any]) -> Any:
        """What the node answers, whatever it is."""
        try:
            if len(requests) == 1:
                return self._provider.make_request(*requests[0])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # that an answer has no number; `_exchanged` looks
                return self._provider.make_batch_request(requests)
        except OSError as problem:  # as all exceptions of Requests are
            response = getattr(problem, "response", None)
            if response is None:
                raise _NoAnswer(self._why(problem)) from None
            status = response.status_code
            if status == 413 and len(requests) > 1:
                raise _TooMany from None
            try:
                if 400 <= status < 500 and status not in (408, 429):
                    return response.json()  # some nodes send errors in this way
            except ValueError:
                pass
            raise _NoAnswer(f"HTTP status {status}") from None

    def _why(self, problem: OSError) -> str:
        kind = type(problem).__name__
        if "Timeout" in kind:
            return f"nothing came in {self._timeout:g} s"
        return {"SSLError": "its certificate is not valid", "ProxyError": "the proxy fails"}.get(kind, "no connection")

    def _refusal(self, error: Any) -> Refusal:
        if not isinstance(error, dict):
            return Refusal(0, self._shown(str(error)))
        code, output = error.get("code"), error.get("data")
        while isinstance(output, dict):
            output = output.get("data") or output.get("result")
        digits = re.search(r"0x((?:[0-9a-fA-F]{2})+)$", output) if isinstance(output, str) else None
        return Refusal(
            code if isinstance(code, int) else 0,
            self._shown(str(error.get("message", ""))),
            bytes.fromhex(digits[1]) if digits else b"",
        )

    def _shown(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return one_line(text)


class _NoAnswer(Exception):
    """Nothing that makes sense came; asking again may help."""


class _TooMany(Exception):
    """The node takes no batches of this size."""


def number(value: Any) -> int:
    """The number that a node wrote in hexadecimal digits, of 256 bits at most."""
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 66:
        raise ValueError("not a number")
    return int(value, 16)


def data(value: Any) -> bytes:
    """The bytes that a node wrote in hexadecimal digits."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("not bytes")
    return bytes.fromhex(value[2:])


def one_line(text: str) -> str:
    """The text in one line that a terminal can show."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # the rest of it may have a key or a password in it
        kind = re.match(r"([a-zA-Z]{1,8})://", url)
        raise LedgerError(
            f"a node's address must be http(s)://HOST[:PORT][/...], got {kind[0] if kind else 'another'}…"
        )
    return parts


def _secrets(parts: SplitResult) -> list[str]:
    named = [value for _, value in parse_qsl(parts.query, keep_blank_values=True)]
    texts = [parts.username, parts.password, *parts.path.split("/"), *named, parts.query]
    return sorted((text for text in texts if text), key=len, reverse=True)


def _connection(url: str, timeout: float) -> tuple[Any, Any]:
    """What keeps the connection open, and what speaks over it."""
    try:
        with same_recursion_limit():
            from web3.providers.rpc import HTTPProvider

        session = import_module("requests").Session()  # it has no types
    except ImportError as error:
        raise LedgerError("a node needs web3: pip install 'certeq[ledger]'") from error
    return session, HTTPProvider(url, {"timeout": timeout}, session, exception_retry_configuration=None)
