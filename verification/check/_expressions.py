"""The expressions of a certificate's Stackelberg game: text to a list of operations; no text is ever evaluated."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from verification.check._verdict import BadCertificate

LENGTH = 20_000  # characters of one expression
TOKENS = 6_000
DEPTH = 90  # levels of parentheses, signs, powers and functions
DIGITS = 1_300  # characters of one number
BITS = 5_000  # of a constant's exact numerator and denominator
EXPONENT = 100  # largest constant power
DENOMINATOR = 10**6  # of a constant power
ARGUMENTS = 16  # of min and max

ONE, TWO = {"log", "exp", "sqrt"}, {"min", "max"}
FUNCTIONS = frozenset(ONE | TWO)
WORD = r"[A-Za-z_][A-Za-z0-9_]{0,59}"
_NUMBER = r"[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|({WORD})(?![A-Za-z0-9_])|(\*\*|<=|>=|[-+*/(),]))")
WORD_RULE = "be 1 to 60 of A-Z a-z 0-9 _, not start with a digit, and be no function"
_WRITTEN = "write numbers, names, + - * / **, log, exp, sqrt, min, max"


def is_word(name: str) -> bool:
    """Whether the text can be a name in an expression."""
    return re.fullmatch(WORD, name) is not None and name not in FUNCTIONS


@dataclass(frozen=True, slots=True)
class Operation:
    """One step: `of` are the numbers of the steps it works on, `constant` is a number or a power.

    `name` is "constant", "name", "+", "-", "*", "/", "power", "log", "exp", "min" or "max".
    """

    name: str
    of: tuple[int, ...] = ()
    constant: Fraction | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """Operations in an order in which each comes after what it works on; the last one is the whole."""

    operations: tuple[Operation, ...]

    @property
    def words(self) -> frozenset[str]:
        """The names that it refers to."""
        return frozenset(step.word for step in self.operations if step.name == "name")


def parse(text: object, names: Collection[str], *, where: str) -> Expression:
    """The expression that `text` writes in `names`, its decimals exact.

    Raises
    ------
    BadCertificate
        If the text is anything but numbers, names, `+ - * / **`, `log`, `exp`, `sqrt`, `min`, `max` of two or more, or
        beyond the limits of this module.

    Examples
    --------
    >>> [step.name for step in parse("0.1*x + min(x, 2)", {"x"}, where="utility").operations]
    ['constant', 'name', '*', 'constant', 'min', '+']
    >>> parse("x.real", {"x"}, where="utility")
    Traceback (most recent call last):
    ...
    verification.check._verdict.BadCertificate: utility: write numbers, names, + - * / **, log, exp, sqrt, min, max,
    got ".real"
    """
    reader = _Reader(_tokens(text, where), names, where)
    whole = reader.sum(0)
    if reader.next is not None:
        reader.refuse("this is not an expression", reader.next)
    return reader.expression(whole)


def parse_constraint(text: object, names: Collection[str], *, where: str) -> tuple[Expression, Expression]:
    """The sides (left, right) of `left <= right`; those of `>=` come back swapped.

    Raises
    ------
    BadCertificate
        If the text is not one comparison by `<=` or `>=` of expressions that `parse` accepts.

    Examples
    --------
    >>> left, right = parse_constraint("x >= 2*y", {"x", "y"}, where="floor")
    >>> sorted(left.words), sorted(right.words)
    (['y'], ['x'])
    """
    tokens = _tokens(text, where)
    signs = [k for k, token in enumerate(tokens) if token in ("<=", ">=")]
    if len(signs) != 1:
        raise BadCertificate(f"{where}: a constraint must be one comparison by <= or >=, got {_short(text)}")
    sides = []
    for part in (tokens[: signs[0]], tokens[signs[0] + 1 :]):
        reader = _Reader(part, names, where)
        whole = reader.sum(0)
        if reader.next is not None:
            reader.refuse("this is not an expression", reader.next)
        sides.append(reader.expression(whole))
    return (sides[0], sides[1]) if tokens[signs[0]] == "<=" else (sides[1], sides[0])


def joined(parts: Sequence[Expression], operations: Sequence[Operation]) -> Expression:
    """The parts one after another, then `operations`, which refer to the k-th part as -1 - k, to each other as k."""
    steps: list[Operation] = []
    wholes: list[int] = []
    for part in parts:
        shift = len(steps)
        steps += [Operation(s.name, tuple(k + shift for k in s.of), s.constant, s.word) for s in part.operations]
        wholes.append(len(steps) - 1)
    shift = len(steps)
    for step in operations:
        of = tuple(wholes[-1 - k] if k < 0 else k + shift for k in step.of)
        steps.append(Operation(step.name, of, step.constant, step.word))
    return Expression(tuple(steps))


def _tokens(text: object, where: str) -> list[str]:
    if not isinstance(text, str):
        raise BadCertificate(f"{where}: an expression must be text, got {_short(text)}")
    if len(text) > LENGTH:
        raise BadCertificate(f"{where}: an expression must have at most {LENGTH:,} characters, got {len(text):,}")
    found, place, line = [], 0, text.rstrip()
    while place < len(line):
        token = _TOKEN.match(line, place)
        if token is None:
            raise BadCertificate(f"{where}: {_WRITTEN}, got {_short(line[place:].lstrip())}")
        found.append(token.group().strip())
        place = token.end()
    if not 1 <= len(found) <= TOKENS:
        raise BadCertificate(f"{where}: an expression must have 1 to {TOKENS:,} parts, got {len(found):,}")
    return found


class _Reader:
    """Reads tokens by precedence; equal operations become one, and constants are computed exactly."""

    def __init__(self, tokens: Sequence[str], names: Collection[str], where: str) -> None:
        self._tokens: Iterator[str] = iter(tokens)
        self.next = next(self._tokens, None)
        self.names, self.where = names, where
        self.steps: list[Operation] = []
        self._known: dict[Operation, int] = {}

    def expression(self, whole: int) -> Expression:
        """The steps that `whole` needs."""
        needed, pending = {whole}, [whole]
        while pending:
            new = set(self.steps[pending.pop()].of) - needed
            needed |= new
            pending += new
        order = {old: new for new, old in enumerate(sorted(needed))}
        steps = (self.steps[old] for old in order)
        return Expression(tuple(Operation(s.name, tuple(order[k] for k in s.of), s.constant, s.word) for s in steps))

    def refuse(self, rule: str, value: object) -> NoReturn:
        """One line that says what is wrong.

        Raises
        ------
        BadCertificate
            Always.
        """
        raise BadCertificate(f"{self.where}: {rule}, got {_short(value)}")

    def sum(self, depth: int) -> int:
        """Terms with + or - between them."""
        left = self._product(depth)
        while self.next in ("+", "-"):
            sign = self._take()
            left = self._emit(sign, left, self._product(depth))
        return left

    def _product(self, depth: int) -> int:
        left = self._signed(depth)
        while self.next in ("*", "/"):
            sign = self._take()
            left = self._emit(sign, left, self._signed(depth))
        return left

    def _signed(self, depth: int) -> int:
        """A factor with any signs before it, which bind less than a power does."""
        if self.next in ("+", "-"):
            sign = self._take()
            value = self._signed(self._deeper(depth))
            return value if sign == "+" else self._emit("-", self._constant(Fraction(0)), value)
        base = self._atom(depth)
        if self.next != "**":
            return base
        self._take()
        return self._power(base, self._signed(self._deeper(depth)))

    def _atom(self, depth: int) -> int:
        token = self._take()
        if token == "(":
            inner = self.sum(self._deeper(depth))
            self._expect(")")
            return inner
        if token[0].isdigit() or token[0] == ".":
            return self._number(token)
        if not (token[0].isalpha() or token[0] == "_"):
            self.refuse("this is not an expression", token)
        if self.next == "(":
            return self._call(token, self._deeper(depth))
        if token not in self.names:
            self.refuse("a name must be the price, the decision, a parameter or a column of the game", token)
        return self._step(Operation("name", word=token))

    def _call(self, name: str, depth: int) -> int:
        if name not in FUNCTIONS:
            self.refuse(f"{_WRITTEN}, no other function", name)
        self._expect("(")
        arguments = [self.sum(depth)]
        while self.next == ",":
            self._take()
            arguments.append(self.sum(depth))
        self._expect(")")
        least, most = (1, 1) if name in ONE else (2, ARGUMENTS)
        if not least <= len(arguments) <= most:
            self.refuse(f"{name} must have {f'{least} to {most}' if most > 1 else 'one'} arguments", len(arguments))
        if name == "sqrt":
            return self._raised(arguments[0], Fraction(1, 2))
        result, *others = arguments
        for other in others:
            result = self._emit(name, result, other)
        return result if others else self._step(Operation(name, (result,)))

    def _number(self, token: str) -> int:
        mantissa, _, exponent = token.lower().partition("e")
        if len(token) > DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > 1_000:
            self.refuse("a number must have at most 1,300 characters and an exponent of at most 1,000", token)
        return self._constant(Fraction(mantissa) * Fraction(10) ** int(exponent or 0))

    def _constant(self, value: Fraction) -> int:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > BITS:
            self.refuse(f"a constant must be a fraction of at most {BITS:,} bits", "a longer one")
        return self._step(Operation("constant", constant=value))

    def _emit(self, name: str, left: int, right: int) -> int:
        a, b = self.steps[left].constant, self.steps[right].constant
        known = self.steps[left].name == self.steps[right].name == "constant"
        if not known or a is None or b is None:
            return self._step(Operation(name, (left, right)))
        if name == "/" and b == 0:
            self.refuse("a divisor must not be zero", f"{a}/0")
        return self._constant(_folded(name, a, b))

    def _power(self, base: int, power: int) -> int:
        if self.steps[power].name == "constant":
            return self._raised(base, self.steps[power].constant or Fraction(0))
        logarithm = self._step(Operation("log", (base,)))
        return self._step(Operation("exp", (self._emit("*", power, logarithm),)))

    def _raised(self, base: int, power: Fraction) -> int:
        if abs(power) > EXPONENT or power.denominator > DENOMINATOR:
            self.refuse(f"a constant power must be within {EXPONENT} and have at most six decimals", power)
        known = self.steps[base]
        if power == 1:
            return base
        if power == 0:
            return self._constant(Fraction(1))
        if known.name == "constant" and known.constant is not None and power.denominator == 1:
            if known.constant == 0 and power < 0:
                self.refuse("a divisor must not be zero", f"0**{power}")
            size = max(known.constant.numerator.bit_length(), known.constant.denominator.bit_length())
            if size * abs(power) > BITS:
                self.refuse(f"a constant must be a fraction of at most {BITS:,} bits", "a longer one")
            return self._constant(known.constant ** int(power))
        return self._step(Operation("power", (base,), power))

    def _step(self, step: Operation) -> int:
        if step not in self._known:
            self._known[step] = len(self.steps)
            self.steps.append(step)
        return self._known[step]

    def _deeper(self, depth: int) -> int:
        if depth >= DEPTH:
            self.refuse(f"an expression must nest at most {DEPTH} levels deep", "a deeper one")
        return depth + 1

    def _take(self) -> str:
        if self.next is None:
            self.refuse("this is not an expression", "one that ends too early")
        token, self.next = self.next, next(self._tokens, None)
        return token

    def _expect(self, token: str) -> None:
        if self.next != token:
            self.refuse(f"there must be a {token}", "the end" if self.next is None else self.next)
        self._take()


def _folded(name: str, a: Fraction, b: Fraction) -> Fraction:
    if name in ("min", "max"):
        return min(a, b) if name == "min" else max(a, b)
    return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[name]


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)[:100]
    return f'"{text[:40]}..."' if len(text) > 40 else f'"{text}"'
