"""Expressions over intervals with their derivatives in the decision and the price, and over balls without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import flint
import numpy as np

from verification.check._expressions import Expression, Operation
from verification.check._intervals import Array, Interval, Mask, exactly, thin

Part: TypeAlias = Interval | None  # None is 0 everywhere
Ball: TypeAlias = Any  # flint.arb

BITS = 192  # of balls
VALUE, DECISION, PRICE, BEND, CROSS = 0, 1, 2, 4, 8
"""Which derivatives are wanted, added up: the first in either, the second in the decision, the mixed one."""

NOTHING, ONE, TWO = thin(0.0), thin(1.0), thin(2.0)
ANYTHING = Interval(np.array(-np.inf), np.array(np.inf))


@dataclass(frozen=True, slots=True)
class Jet:
    """A value `v` and its derivatives: `d` in the decision, `p` in the price, `dd`, `dp`; None is 0 everywhere.

    Where minima and maxima change sides, `d` and `p` hold both sides' derivatives, and `dd` and `dp` anything. It is
    `sure` where the whole is known to be defined all over: elsewhere everything holds of the defined part alone, and
    no derivative leads from one point to another.
    """

    v: Interval
    d: Part = None
    p: Part = None
    dd: Part = None
    dp: Part = None
    sure: Mask | bool = field(default=True, kw_only=True)

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        """The derivatives."""
        return self.d, self.p, self.dd, self.dp


class Function:
    """An expression at given numbers, as a function of the price and the decision.

    `numbers` are intervals of shape () or (n,); the price and the decision may have any shape that broadcasts with
    (n,). What depends on neither is computed once.
    """

    def __init__(self, expression: Expression, numbers: Mapping[str, Interval], price: str, decision: str) -> None:
        self.steps, self.price, self.decision = expression.operations, price, decision
        self.hot = _hot(self.steps, {price, decision})
        self.partial = [step.of[0] for step in self.steps if is_partial(step)]
        self.fixed: dict[int, Jet] = {}
        for k, step in enumerate(self.steps):
            if not self.hot[k]:
                self.fixed[k] = _at(step, self.fixed, numbers, VALUE)

    def only(self, rows: Any) -> Function:
        """The same function of those of the n that an index chooses."""
        other = Function.__new__(Function)
        other.steps, other.price, other.decision, other.hot = self.steps, self.price, self.decision, self.hot
        other.partial = self.partial
        other.fixed = {k: Jet(jet.v.at(rows)) for k, jet in self.fixed.items()}
        return other

    def __call__(self, price: Interval, decision: Interval, want: int = VALUE) -> Jet:
        """The value and the wanted derivatives."""
        given = {self.price: Jet(price, None, ONE), self.decision: Jet(decision, ONE)}
        jets = dict(self.fixed)
        for k, step in enumerate(self.steps):
            if self.hot[k]:
                jets[k] = given[step.word] if step.name == "name" else _at(step, jets, {}, want)
        whole = jets[len(self.steps) - 1]
        if not self.partial:
            return whole
        sure: Mask = np.asarray(True)
        for k in self.partial:
            sure = sure & (jets[k].v.low >= 0)
        return replace(whole, sure=sure)

    def varies(self, name: str) -> bool:
        """Whether the price, or the decision, occurs in it."""
        return any(step.word == name for step in self.steps)


def is_partial(step: Operation) -> bool:
    """Whether it is a logarithm or a root, which is defined for a part of all numbers."""
    return step.name == "log" or (step.name == "power" and (step.constant or Fraction(0)).denominator > 1)


def ball_value(expression: Expression, numbers: Mapping[str, Any]) -> Ball:
    """The value in a ball; not finite where it is undefined.

    Examples
    --------
    >>> from verification.check._expressions import parse
    >>> ball_value(parse("x/3 - log(x)", {"x"}, where="u"), {"x": 1.0}).overlaps(flint.arb(1) / 3)
    True
    """
    before = flint.ctx.prec
    flint.ctx.prec = BITS
    try:
        found: list[Ball] = []
        for step in expression.operations:
            found.append(_ball(step, found, numbers))
        return found[-1]
    finally:
        flint.ctx.prec = before


def _ball(step: Operation, found: list[Ball], numbers: Mapping[str, Any]) -> Ball:
    a, b = [*(found[k] for k in step.of), None, None][:2]
    if step.name == "name":
        return flint.arb(numbers[step.word])
    if step.name == "power" and step.constant is not None:
        return a ** _rational(step.constant) if step.constant.denominator > 1 else a ** int(step.constant)
    if step.constant is not None:
        return flint.arb(_rational(step.constant))
    return _BALLS[step.name](a, b)


def _rational(value: Fraction) -> Any:
    return flint.fmpq(value.numerator, value.denominator)


_BALLS: Mapping[str, Callable[[Ball, Ball], Ball]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "min": lambda a, b: a.min(b),
    "max": lambda a, b: a.max(b),
    "log": lambda a, _: a.log(),
    "exp": lambda a, _: a.exp(),
}


def _hot(steps: tuple[Operation, ...], names: set[str]) -> list[bool]:
    hot: list[bool] = []
    for step in steps:
        hot.append(step.word in names or any(hot[k] for k in step.of))
    return hot


def _at(step: Operation, jets: Mapping[int, Jet], numbers: Mapping[str, Interval], want: int) -> Jet:
    if step.name == "name":
        return Jet(numbers[step.word])
    a = jets[step.of[0]] if step.of else None
    if a is None:
        return Jet(exactly(step.constant or Fraction(0)))
    if len(step.of) == 1:
        return _chain(a, *_unary(step, a.v, want), want)
    b = jets[step.of[1]]
    match step.name:
        case "+":
            return Jet(a.v + b.v, *(_plus(x, y) for x, y in zip(a.parts, b.parts, strict=True)))
        case "-":
            return Jet(a.v - b.v, *(_plus(x, _negative(y)) for x, y in zip(a.parts, b.parts, strict=True)))
        case "*":
            return _times(a, b, want)
        case "/" if all(part is None for part in b.parts):
            return Jet(a.v / b.v, *(None if part is None else part / b.v for part in a.parts))
        case "/":
            return _quotient(a, b, want)
        case _:
            return _choice(a, b, step.name == "min", want)


def _plus(x: Part, y: Part) -> Part:
    if x is None or y is None:
        return y if x is None else x
    return x + y


def _negative(x: Part) -> Part:
    return None if x is None else -x


def _by(x: Part, y: Part) -> Part:
    if x is None or y is None:
        return None
    return y if x is ONE else x if y is ONE else x * y


def _sum(*parts: Part) -> Part:
    found: Part = None
    for part in parts:
        found = _plus(found, part)
    return found


def _times(a: Jet, b: Jet, want: int) -> Jet:
    return Jet(
        a.v * b.v,
        _plus(_by(a.d, b.v), _by(a.v, b.d)) if want & DECISION else None,
        _plus(_by(a.p, b.v), _by(a.v, b.p)) if want & PRICE else None,
        _sum(_by(a.dd, b.v), _by(TWO, _by(a.d, b.d)), _by(a.v, b.dd)) if want & BEND else None,
        _sum(_by(a.dp, b.v), _by(a.d, b.p), _by(a.p, b.d), _by(a.v, b.dp)) if want & CROSS else None,
    )


def _quotient(a: Jet, b: Jet, want: int) -> Jet:
    """a/b, by the derivatives of 1/b; the value is divided once."""
    below = _chain(b, *_unary(Operation("power", constant=Fraction(-1)), b.v, want), want)
    found = _times(a, below, want)
    return Jet(a.v / b.v, *found.parts)


def _unary(step: Operation, v: Interval, want: int) -> tuple[Interval, Part, Part]:
    """A function of one number with its first and second derivative, as far as they are wanted."""
    second = bool(want & (BEND | CROSS))
    if step.name == "exp":
        found = v.exp()
        return found, found, found
    if step.name == "log":
        first = v.inverse() if want else None
        return v.log(), first, -v.power(Fraction(-2)) if second else None
    power = step.constant or Fraction(0)
    if want and power < 0 and power.denominator == 1:
        return v.power(power), *_beside_poles(v, power, second)
    first = _by(exactly(power), _raised(v, power - 1)) if want else None
    return v.power(power), first, _by(exactly(power * (power - 1)), _raised(v, power - 2)) if second else None


def _beside_poles(v: Interval, power: Fraction, second: bool) -> tuple[Interval, Part]:
    """The derivatives of a negative power; anything where 0 is inside, so that nobody reasons across a pole.

    The second one is anything beside a pole, too: two intervals that touch there would pass for one concave piece.
    """
    pole, near = (v.low < 0) & (v.high > 0), (v.low <= 0) & (v.high >= 0)
    first = _unless(pole, exactly(power) * v.power(power - 1))
    return first, _unless(near, exactly(power * (power - 1)) * v.power(power - 2)) if second else None


def _raised(v: Interval, power: Fraction) -> Part:
    return ONE if power == 0 else v if power == 1 else v.power(power)


def _chain(a: Jet, value: Interval, first: Part, second: Part, want: int) -> Jet:
    bend = cross = None
    if want & BEND and a.d is not None:
        bend = _plus(_by(second, _square(a.d)), _by(first, a.dd))
    if want & CROSS:
        cross = _plus(_by(second, _by(a.d, a.p)), _by(first, a.dp))
    return Jet(
        value,
        _by(first, a.d) if want & DECISION else None,
        _by(first, a.p) if want & PRICE else None,
        bend,
        cross,
    )


def _square(x: Interval) -> Interval:
    return ONE if x is ONE else x.power(Fraction(2))


def _choice(a: Jet, b: Jet, least: bool, want: int) -> Jet:
    """The smaller or the larger of two; both, where the intervals do not tell which."""
    below, above = a.v.high < b.v.low, b.v.high < a.v.low
    takes_a, takes_b = (below, above) if least else (above, below)
    value = a.v.minimum(b.v) if least else a.v.maximum(b.v)
    first = [_either(x, y, takes_a, takes_b) for x, y in zip(a.parts[:2], b.parts[:2], strict=True)]
    wanted = bool(want & BEND) and first[0] is not None, bool(want & CROSS) and None not in first
    open_ = ~(takes_a | takes_b)
    second = [
        _unless(open_, _either(x, y, takes_a, takes_b)) if asked else None
        for x, y, asked in zip(a.parts[2:], b.parts[2:], wanted, strict=True)
    ]
    return Jet(value, *first, *second)


def _either(x: Part, y: Part, takes_x: Mask, takes_y: Mask) -> Part:
    if x is None and y is None:
        return None
    one, other = zero_or(x), zero_or(y)
    both = one.hull(other)
    low = np.where(takes_x, one.low, np.where(takes_y, other.low, both.low))
    return Interval(low, np.where(takes_x, one.high, np.where(takes_y, other.high, both.high)))


def _unless(open_: Mask, part: Part) -> Interval:
    known = zero_or(part)
    return Interval(np.where(open_, -np.inf, known.low), np.where(open_, np.inf, known.high))


def zero_or(part: Part) -> Interval:
    """The derivative as an interval."""
    return NOTHING if part is None else part


def shaped(interval: Interval, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Both ends in full."""
    return np.broadcast_to(interval.low, shape), np.broadcast_to(interval.high, shape)
