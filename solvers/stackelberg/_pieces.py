"""Sums over followers of three-piece terms, in NumPy for few followers and by the compiled kernel for many."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from solvers.core import Array, Mask
from solvers.stackelberg._program import Environment, Op, Program, Value, spread

COMPILED_FROM = 512  # followers from which starting the compiled kernel pays
SUM_UNITS = 256  # both ways of summing stay within this many units of roundoff of the absolute terms
PRICE = "#price"
Ramps: TypeAlias = Callable[[Array, Array, float, float, float], tuple[float, float, float]]
BLOCK = 128  # followers whose registers the compiled kernel keeps in cache


@dataclass(frozen=True)
class Point:
    """The leader's utility and its slope at a price."""

    value: float
    slope: float


@dataclass(frozen=True)
class Piece:
    """A term and its slope on one piece: the program that needs the price, and the columns it reads."""

    program: Program
    columns: Environment


class Pieces(Protocol):
    """What the leader gets from all followers."""

    def totals(self, price: float, side: float) -> Point:
        """The sums at a price, each follower on the piece on which it is at the price `side`."""
        ...


def pieces_of(pieces: list[Piece], first: Array, last: Array) -> Pieces:
    """The fitting implementation. A follower is on piece 0 below `first`, 2 above `last`, 1 between; both (n,)."""
    steps = any(node.op is Op.STEP for piece in pieces for node in piece.program.nodes)
    plain = len(first) < COMPILED_FROM or steps
    return Vectorised(pieces, first, last) if plain else _Compiled(pieces, first, last)


def ramps_of(n: int) -> Ramps:
    """A function (kinks, rises, low, high, spread) for sums over the sorted kinks within `spread` of [low, high].

    It gives the least and the largest sum of rise * max(0, high - kink), each kink known up to `spread`, and the sum of
    the rises.
    """
    if n < COMPILED_FROM:
        return _ramps
    from solvers.stackelberg import _kernels

    compiled: Ramps = _kernels.ramps
    return compiled


def _ramps(kinks: Array, rises: Array, low: float, high: float, spread: float) -> tuple[float, float, float]:
    first, stop = np.searchsorted(kinks, low - spread), np.searchsorted(kinks, high + spread, side="right")
    rises, reach = rises[first:stop], high - kinks[first:stop]
    least, largest = np.maximum(reach - spread, 0.0), np.maximum(reach, 0.0) + spread
    return float(rises @ least), float(rises @ largest), float(np.sum(rises))


class Vectorised:
    """The sums in NumPy."""

    def __init__(self, pieces: list[Piece], first: Array, last: Array) -> None:
        self.pieces, self.first, self.last = pieces, first, last

    def totals(self, price: float, side: float) -> Point:
        """The sums at one price."""
        values, slopes = self.sums(np.array([[price]]), np.array([[side]]))
        return Point(float(values[0]), float(slopes[0]))

    def sums(self, prices: Array, sides: Array) -> tuple[Array, Array]:
        """The sums (m,) of values and of slopes at prices (m, 1)."""
        values, slopes = self._sums([piece.program for piece in self.pieces], prices, self._where(sides))
        return values, slopes

    def slopes(self, sides: Array) -> Callable[[Array], Array]:
        """The sums (m,) of slopes as a function of prices (m, 1)."""
        programs, where = [piece.program.last for piece in self.pieces], self._where(sides)
        return lambda prices: self._sums(programs, prices, where)[0]

    def _where(self, sides: Array) -> list[tuple[int, Mask]]:
        """The pieces that somebody is on at some of the sides (m, 1), and who, (m, n)."""
        before, after = sides < self.first, sides > self.last
        masks = ((1, ~(before | after)), (0, before), (2, after))
        return [(k, mask) for k, mask in masks if mask.any()] or [masks[0]]

    def _sums(self, programs: list[Program], prices: Array, where: list[tuple[int, Mask]]) -> list[Array]:
        result: list[Value] = []
        for k, mask in where:
            terms = programs[k].evaluate({**self.pieces[k].columns, PRICE: prices})
            result = [np.where(mask, *pair) for pair in zip(terms, result, strict=True)] if result else terms
        shape = where[0][1].shape
        return [np.add.reduce(spread(term, shape), axis=1) for term in result]


class _Compiled:
    def __init__(self, pieces: list[Piece], first: Array, last: Array) -> None:
        from solvers.stackelberg import _kernels

        self.first, self.last = first, last
        self._kernel = _kernels.totals
        codes = [_Code(piece, len(first)) for piece in pieces]
        parts = zip(*((c.early, c.code, c.table, c.registers) for c in codes), strict=True)
        places = np.array([[c.price_register, *c.outputs] for c in codes])
        self._arguments = (*parts, places)
        self._sums = np.empty((-(-len(first) // BLOCK), 2))

    def totals(self, price: float, side: float) -> Point:
        self._kernel(price, side, self.first, self.last, *self._arguments, self._sums)
        return Point(*(math.fsum(column) for column in self._sums.T.tolist()))


class _Code:
    """A piece's program as the kernel reads it: rows (operation, target, first, second operand).

    An operand of at least 0 is a register, another one column -1 - operand of `table`. Registers hold one block of
    followers. Constants are filled in once; what depends on the price alone is done by `early`, once per price.
    """

    def __init__(self, piece: Piece, n: int) -> None:
        program, nodes = piece.program, piece.program.nodes
        self.registers = np.zeros((len(nodes) + 3, BLOCK))
        self.price_register = len(nodes)
        columns: list[str] = []
        place: dict[int, int] = {}
        early: list[tuple[int, int, int, int]] = []
        late: list[tuple[int, int, int, int]] = []
        alone: set[int] = set()
        for k, node in enumerate(nodes):
            label = program.labels.get(k)
            place[k] = k
            if node.op is Op.CONSTANT:
                alone.add(k)
                self.registers[k] = float(program.labels[k])
            elif node.op is not Op.INPUT:
                second = place[node.b] if len(node.operands) == 2 else node.b
                row = (int(node.op), k, place[node.a], second)
                (early if alone.issuperset(node.operands) else late).append(row)
                if alone.issuperset(node.operands):
                    alone.add(k)
            elif label == PRICE:
                alone.add(k)
                place[k] = self.price_register
            elif np.ndim(piece.columns[str(label)]) == 0:
                alone.add(k)
                self.registers[k] = piece.columns[str(label)]
            else:
                columns.append(str(label))
                place[k] = -len(columns)
        self.outputs = []
        for spare, k in enumerate(program.outputs, start=len(nodes) + 1):
            if place[k] < 0:  # a bare column: copied, since sums read registers
                late.append((int(Op.MAXIMUM), spare, place[k], place[k]))
            self.outputs.append(spare if place[k] < 0 else place[k])
        self.early, self.code = (np.array(rows, dtype=np.int64).reshape(-1, 4) for rows in (early, late))
        self.table = np.empty((max(len(columns), 1), n))
        for row_number, name in enumerate(columns):
            self.table[row_number] = piece.columns[name]
