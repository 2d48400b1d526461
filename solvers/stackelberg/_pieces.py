"""Sums over followers of three-piece terms, in NumPy for few followers and by the compiled kernel for many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from solvers.core import Array
from solvers.stackelberg._program import Environment, Op, Program, Value, apply

COMPILED_FROM = 512  # followers from which starting the compiled kernel pays
SUM_UNITS = 256  # both ways of summing stay within this many units of roundoff of the absolute terms
PRICE = "#price"
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
    return _Vectorised(pieces, first, last) if plain else _Compiled(pieces, first, last)


class _Vectorised:
    def __init__(self, pieces: list[Piece], first: Array, last: Array) -> None:
        self.pieces, self.first, self.last = pieces, first, last

    def totals(self, price: float, side: float) -> Point:
        before, after = side < self.first, side > self.last
        value, slope = self._terms(1, price)
        for state, k in ((before, 0), (after, 2)):
            if np.any(state):
                limit = self._terms(k, price)
                value, slope = np.where(state, limit[0], value), np.where(state, limit[1], slope)
        return Point(*(float(np.sum(np.broadcast_to(terms, before.shape))) for terms in (value, slope)))

    def _terms(self, k: int, price: float) -> list[Value]:
        return self.pieces[k].program.evaluate({**self.pieces[k].columns, PRICE: price})


class _Compiled:
    def __init__(self, pieces: list[Piece], first: Array, last: Array) -> None:
        from solvers.stackelberg import _kernels

        self.first, self.last = first, last
        self._totals = _kernels.totals
        self._codes = [_Code(piece, len(first)) for piece in pieces]
        parts = zip(*((c.code, c.table, c.registers) for c in self._codes), strict=True)
        self._arguments = (*parts, np.array([c.outputs for c in self._codes]))
        self._sums = np.empty((-(-len(first) // BLOCK), 2))

    def totals(self, price: float, side: float) -> Point:
        for code in self._codes:
            code.set_price(price)
        self._totals(side, self.first, self.last, *self._arguments, self._sums)
        return Point(*(math.fsum(column) for column in self._sums.T.tolist()))


class _Code:
    """A piece's program as the kernel reads it: rows (operation, target, first, second operand).

    An operand of at least 0 is a register, another one column -1 - operand of `table`. What depends on the price alone
    is computed once per price, in `set_price`, and kept in registers of its own.
    """

    def __init__(self, piece: Piece, n: int) -> None:
        self.program = piece.program
        nodes = self.program.nodes
        self._alone: list[int] = []
        columns: list[str] = []
        self._place: dict[int, int] = {}
        rows: list[tuple[int, int, int, int]] = []
        for k, node in enumerate(nodes):
            label = self.program.labels.get(k)
            if all(j in self._alone for j in node.operands) and (node.op is not Op.INPUT or _is_number(piece, label)):
                self._alone.append(k)
            elif node.op is Op.INPUT:
                columns.append(str(label))
                self._place[k] = -len(columns)
        free = iter(range(len(nodes) + 2))
        for k in self._alone:
            self._place[k] = next(free)
        for k, node in enumerate(nodes):
            if k not in self._place:
                self._place[k] = next(free)
                second = node.b if node.op is Op.POWER or len(node.operands) < 2 else self._place[node.b]
                rows.append((int(node.op), self._place[k], self._place[node.a], second))
        self.outputs = []
        for k in self.program.outputs:
            place = self._place[k]
            if place < 0:  # a bare column: copied, since sums read registers
                place = next(free)
                rows.append((int(Op.MAXIMUM), place, self._place[k], self._place[k]))
            self.outputs.append(place)
        self._numbers = {name: c for name, c in piece.columns.items() if np.ndim(c) == 0}
        self.code = np.array(rows, dtype=np.int64).reshape(-1, 4)
        self.table = np.empty((max(len(columns), 1), n))
        for row, name in enumerate(columns):
            self.table[row] = piece.columns[name]
        self.registers = np.zeros((len(nodes) + 2, BLOCK))

    def set_price(self, price: float) -> None:
        """Fills the registers of what depends on the price alone."""
        env = {PRICE: np.float64(price), **self._numbers}
        values: dict[int, Value] = {}
        with np.errstate(all="ignore"):
            for k in self._alone:
                node = self.program.nodes[k]
                if node.op is Op.CONSTANT:
                    values[k] = np.float64(self.program.labels[k])
                elif node.op is Op.INPUT:
                    values[k] = env[str(self.program.labels[k])]
                else:
                    values[k] = apply(node, values)
                self.registers[self._place[k]] = values[k]


def _is_number(piece: Piece, label: object) -> bool:
    return label == PRICE or np.ndim(piece.columns[str(label)]) == 0
