"""The kernels of sums over followers, instruction by instruction and block by block, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from solvers.stackelberg import _kernels as kernels

NAN = np.nan
ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, ROOT, LOGARITHM, EXPONENTIAL, LEAST, MOST = range(2, 12)
COLUMNS = np.array([[0.5, 2.0, 3.0, 4.0, 0.25], [1.5, 1.0, 8.0, 5.0, 6.0]])
REGISTERS = np.array([[7.0, 9.0, 2.5, NAN], [0.5, 16.0, 3.0, NAN], [NAN, NAN, NAN, NAN]])


def program(*instructions):
    return np.array(instructions, dtype=np.int64).reshape(-1, 4)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ADD, np.add),
        (SUBTRACT, np.subtract),
        (MULTIPLY, np.multiply),
        (DIVIDE, np.divide),
        (LEAST, np.minimum),
        (MOST, np.maximum),
    ],
)
@pytest.mark.parametrize("i", [0, 1, -1, -2])
@pytest.mark.parametrize("j", [0, 1, -1, -2])
def test_two_operands(op, expected, i, j):
    registers = REGISTERS.copy()
    assert kernels.run_block(program((op, 2, i, j)), COLUMNS, 1, 4, registers) is None
    x, y = (registers[k, :3] if k >= 0 else COLUMNS[-1 - k, 1:4] for k in (i, j))
    assert registers[2, :3].tolist() == expected(x, y).tolist()
    np.testing.assert_array_equal(registers[:2], REGISTERS[:2])
    assert np.isnan(registers[2, 3])


@pytest.mark.parametrize("i", [0, 1, -1, -2])
@pytest.mark.parametrize(
    ("op", "j", "expected"),
    [
        (POWER, 1, lambda x: x),
        (POWER, 2, lambda x: x * x),
        (POWER, 5, lambda x: x * x * x * x * x),
        (ROOT, 0, np.sqrt),
        (LOGARITHM, 0, np.log),
        (EXPONENTIAL, 0, np.exp),
    ],
)
def test_one_operand(i, op, j, expected):
    registers = REGISTERS.copy()
    # what follows must still be run, and what it needs must be there
    kernels.run_block(program((op, 2, i, j), (ADD, 0, 2, 2)), COLUMNS, 2, 4, registers)
    x = REGISTERS[i, :2] if i >= 0 else COLUMNS[-1 - i, 2:4]
    assert registers[2, :2] == pytest.approx(expected(x), rel=1e-15)
    assert registers[0, :2].tolist() == (2 * registers[2, :2]).tolist()
    assert registers[0, 2:].tolist() == REGISTERS[0, 2:].tolist() or np.isnan(registers[0, 3])
    assert np.isnan(registers[2, 2:]).all()


def test_an_empty_program_and_an_empty_block_change_nothing():
    for code, stop in ((program(), 4), (program((ADD, 2, 0, 1)), 1)):
        registers = REGISTERS.copy()
        kernels.run_block(code, COLUMNS, 1, stop, registers)
        np.testing.assert_array_equal(registers, REGISTERS)


# --- sums over blocks of followers ---------------------------------------------------------------------------------

N = 7
FIRST, LAST = np.array([1.0, 4, 2, 2, 0, 3, 5]), np.array([3.0, 6, 2, 9, 1, 4, 5])
TABLE = np.array([np.arange(1.0, 8.0), [0.5, 2, 1, 4, 3, 0.25, 8]])
PLACES = np.array([[0, 2, 3], [1, 3, 0], [3, 1, 2]])  # registers of the price, the value and the slope


def pieces(price):
    """Values and slopes of every follower in each of the three pieces, (3, 2, n), by NumPy."""
    a, b = TABLE
    doubled = price + price
    middle, last = [2 * a - doubled, 2 * b * doubled], [4 * b / (price * price), 4 * a + 4 * b]
    return np.array([[a * price, b + price], middle, last])


EARLY = (program(), program((ADD, 2, 1, 1)), program((MULTIPLY, 0, 3, 3)))
CODES = (
    program((MULTIPLY, 2, -1, 0), (ADD, 3, -2, 0)),
    program((SUBTRACT, 3, -1, 2), (MULTIPLY, 0, -2, 2)),
    program((DIVIDE, 1, -2, 0), (ADD, 2, -1, -2)),
)


def summed(price, side, size):
    banks = tuple(np.full((4, size), NAN) for _ in range(3))
    sums = np.full((-(-N // size), 2), NAN)
    tables = (TABLE, 2 * TABLE, 4 * TABLE)
    assert kernels.totals(price, side, FIRST, LAST, EARLY, CODES, tables, banks, PLACES, sums) is None
    return sums, banks


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("side", [-1.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 9.5])
def test_each_block_adds_every_follower_in_its_piece(size, side):
    price = 1.5
    sums, _ = summed(price, side, size)
    which = np.where(side < FIRST, 0, np.where(side > LAST, 2, 1))
    found = pieces(price)[which, :, np.arange(N)]
    for block in range(len(sums)):
        assert sums[block] == pytest.approx(found[block * size : (block + 1) * size].sum(axis=0), rel=1e-14)


@pytest.mark.parametrize("side", [-1.0, 2.0, 3.0, 9.5])
def test_a_piece_that_no_follower_is_in_is_not_run(side):
    for size, start in itertools.product((1, 7), (0,)):
        _, banks = summed(1.5, side, size)
        inside = slice(N - size, N) if size == 7 else slice(start, N)
        before, after = side < FIRST[inside], side > LAST[inside]
        for k, needed in enumerate((before.any(), not np.all(before | after), after.any())):
            assert np.isnan(banks[k][PLACES[k, 1:]]).all() != needed


# --- ramps ---------------------------------------------------------------------------------------------------------

KINKS, RISES = np.array([0.0, 1.0, 1.0, 2.0, 3.5, 5.0]), np.array([1.0, -2.0, 4.0, 0.5, 8.0, -16.0])


@pytest.mark.parametrize("spread", [0.0, 0.25, 1.0])
@pytest.mark.parametrize(
    ("low", "high"), [(0, 5), (1, 2), (1, 1), (2.25, 3.25), (-3, -2), (6, 7), (1.25, 3.25), (0, 4.75)]
)
def test_ramps_between_the_ends(low, high, spread):
    inside = np.abs(KINKS - (low + high) / 2) <= (high - low) / 2 + spread
    kinks, rises = KINKS[inside], RISES[inside]
    least = np.sum(rises * np.maximum(high - kinks - spread, 0.0))
    largest = np.sum(rises * (np.maximum(high - kinks, 0.0) + spread))
    assert kernels.ramps(KINKS, RISES, float(low), float(high), spread) == (least, largest, rises.sum())


def test_no_ramps():
    assert kernels.ramps(np.zeros(0), np.zeros(0), 0.0, 1.0, 0.5) == (0.0, 0.0, 0.0)
