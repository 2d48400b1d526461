"""Compiled sums over followers: straight-line programs interpreted block by block, so that registers stay in cache.

The interpreter is compiled once for all games and kept on disk; it does the operations of `_program` in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solvers._numba import njit
from solvers.core import Array


def _block(code: Any, columns: Array, start: int, stop: int, registers: Array) -> None:  # noqa: C901 - one loop each
    """Runs a program on followers start..stop; writes `registers`, one row per node."""
    width = stop - start
    for k in range(code.shape[0]):
        op, target, i, j = code[k, 0], code[k, 1], code[k, 2], code[k, 3]
        out = registers[target]
        x = registers[i] if i >= 0 else columns[-1 - i, start:stop]
        if op == 6:
            for w in range(width):
                power = x[w]
                for _ in range(j - 1):
                    power *= x[w]
                out[w] = power
            continue
        if op == 7:
            for w in range(width):
                out[w] = np.sqrt(x[w])
            continue
        if op == 8:
            for w in range(width):
                out[w] = np.log(x[w])
            continue
        if op == 9:
            for w in range(width):
                out[w] = np.exp(x[w])
            continue
        y = registers[j] if j >= 0 else columns[-1 - j, start:stop]
        if op == 2:
            for w in range(width):
                out[w] = x[w] + y[w]
        elif op == 3:
            for w in range(width):
                out[w] = x[w] - y[w]
        elif op == 4:
            for w in range(width):
                out[w] = x[w] * y[w]
        elif op == 5:
            for w in range(width):
                out[w] = x[w] / y[w]
        elif op == 10:
            for w in range(width):
                out[w] = min(x[w], y[w])
        else:
            for w in range(width):
                out[w] = max(x[w], y[w])


def _totals(
    price: float,
    side: float,
    first: Array,
    last: Array,
    early: Any,
    codes: Any,
    tables: Any,
    banks: Any,
    places: Any,
    sums: Array,
) -> None:
    """Sums of the terms' values and slopes, one row of `sums` per block; `banks` are scratch registers.

    `places` holds for each piece the registers of the price, the value and the slope.
    """
    n, size = first.shape[0], banks[0].shape[1]
    for k in range(3):
        banks[k][places[k, 0]] = price
        run_block(early[k], tables[k], 0, size, banks[k])
    for block in range(sums.shape[0]):
        start = block * size
        stop = min(start + size, n)
        before, after = 0, 0
        for k in range(start, stop):
            before += side < first[k]
            after += side > last[k]
        width = stop - start
        if before > 0:
            run_block(codes[0], tables[0], start, stop, banks[0])
        if before + after < width:
            run_block(codes[1], tables[1], start, stop, banks[1])
        if after > 0:
            run_block(codes[2], tables[2], start, stop, banks[2])
        value, slope = 0.0, 0.0
        for w in range(width):
            piece = 0 if side < first[start + w] else 2 if side > last[start + w] else 1
            value += banks[piece][places[piece, 1], w]
            slope += banks[piece][places[piece, 2], w]
        sums[block, 0], sums[block, 1] = value, slope


def _ramps(kinks: Array, rises: Array, low: float, high: float, spread: float) -> tuple[float, float, float]:
    """Over sorted kinks within `spread` of [low, high]: the least and largest sum of rises * ramps, and of rises."""
    k, stop = 0, kinks.shape[0]
    while k < stop:
        middle = (k + stop) // 2
        if kinks[middle] < low - spread:
            k = middle + 1
        else:
            stop = middle
    least, largest, mass = 0.0, 0.0, 0.0
    while k < kinks.shape[0] and kinks[k] <= high + spread:
        least += rises[k] * max(high - kinks[k] - spread, 0.0)
        largest += rises[k] * (max(high - kinks[k], 0.0) + spread)
        mass += rises[k]
        k += 1
    return least, largest, mass


run_block = njit(_block)
totals = njit(_totals)
ramps = njit(_ramps)
