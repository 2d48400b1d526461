"""Complementary pivoting in float64, against the same path in fractions, and each kernel against its definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from solvers.bimatrix import _pivoting as kernels

F = Fraction
OFFSET = F(1, 4)


@pytest.fixture(autouse=True)
def hashes_wrap():
    """Uncompiled, the products of 64-bit hashes overflow aloud, and infinite steps make nan."""
    with np.errstate(all="ignore"):
        yield


# --- the path in fractions -----------------------------------------------------------------------------------------


class Polytope:
    """A tableau {z >= 0, Mz <= 1} in fractions with every column in it; row i holds the variable `basis[i]`."""

    def __init__(self, rows, own, slacks):
        self.labels = [*own, *slacks]  # of the columns
        unit = [[F(i == k) for k in range(len(rows))] for i in range(len(rows))]
        self.table = [[*row, *ones, F(1)] for row, ones in zip(rows, unit, strict=True)]
        self.basis, self.slacks = list(slacks), len(own)

    def enter(self, label):
        """Brings a label in, by the lexicographic rule; the label that leaves, None if none can."""
        c, first = self.labels.index(label), self.slacks
        rows = [i for i, row in enumerate(self.table) if row[c] > 0]
        if not rows:
            return None
        order = [-1, *sorted(range(first, len(self.labels)), key=lambda k: self.labels[k])]
        r = min(rows, key=lambda i: [self.table[i][k] / self.table[i][c] for k in order])
        self.table[r] = [value / self.table[r][c] for value in self.table[r]]
        for i, row in enumerate(self.table):
            if i != r:
                self.table[i] = [a - row[c] * b for a, b in zip(row, self.table[r], strict=True)]
        leaving, self.basis[r] = self.basis[r], label
        return leaving

    def strategy(self, own):
        values = [self.table[self.basis.index(label)][-1] if label in self.basis else F(0) for label in own]
        return [value / sum(values) for value in values]


def unit(payoffs):
    low, size = min(map(min, payoffs)), max(map(max, payoffs)) - min(map(min, payoffs))
    return [[F(v - low) / size + OFFSET if size else OFFSET for v in row] for row in payoffs]


def path(A, B, label):
    """The equilibrium at the end of the path of `label`, and how many pivots it has."""
    m, n = len(A), len(A[0])
    rows, columns = list(range(m)), list(range(m, m + n))
    P, Q = (
        Polytope([list(column) for column in zip(*unit(B), strict=True)], rows, columns),
        Polytope(unit(A), columns, rows),
    )
    side, entering, pivots = (P if label < m else Q), label, 0
    while True:
        entering, pivots = side.enter(entering), pivots + 1
        if entering == label:
            return P.strategy(rows), Q.strategy(columns), pivots
        side = Q if side is P else P


def drawn(seed):
    """Whole payoffs: few of them in every other game, so that most steps tie."""
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 6, 2)
    most = (2, 3, 50, 1)[seed % 4]
    return rng.integers(-most, most, (m, n), endpoint=True), rng.integers(-most, most, (m, n), endpoint=True)


def whole(matrix):
    return [[int(v) for v in row] for row in matrix]


def tuned(A, B):
    return np.array(A, dtype=float), np.array(B, dtype=float)


CAP = 10**4
SEEDS = range(28)
DRAWN = {seed: drawn(seed) for seed in SEEDS}
PATHS = {
    (seed, label): path(whole(A), whole(B), label) for seed, (A, B) in DRAWN.items() for label in range(sum(A.shape))
}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_path_of_a_small_game(seed):
    A, B = tuned(*DRAWN[seed])
    for label in range(sum(A.shape)):
        x, y, pivots = PATHS[seed, label]
        found = np.full(A.shape[0], 9.0), np.full(A.shape[1], 9.0)
        code, taken, told, *regrets = kernels.small(A, B, label, CAP, *found)
        assert (code, taken, told) == (kernels.SOLVED, pivots, label)
        assert found[0] == pytest.approx(np.array(x, dtype=float), abs=1e-12)
        assert found[1] == pytest.approx(np.array(y, dtype=float), abs=1e-12)
        assert regrets == pytest.approx([0.0, 0.0], abs=1e-11 * 100)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_path_of_a_large_game(seed):
    A, B = tuned(*DRAWN[seed])
    for label in range(sum(A.shape)):
        x, y, pivots = PATHS[seed, label]
        found = np.full(A.shape[0], 9.0), np.full(A.shape[1], 9.0)
        code, taken, told, *regrets, made = kernels.large(A, B, label, 50, CAP, *found)
        assert (code, taken, told, made) == (kernels.SOLVED, pivots, label, 0)
        assert found[0] == pytest.approx(np.array(x, dtype=float), abs=1e-12)
        assert found[1] == pytest.approx(np.array(y, dtype=float), abs=1e-12)
        assert regrets == pytest.approx([0.0, 0.0], abs=1e-11 * 100)


def test_a_path_is_cut_at_the_limit():
    for (seed, label), (_, _, pivots) in list(PATHS.items())[::5]:
        A, B = tuned(*DRAWN[seed])
        x, y = np.zeros(A.shape[0]), np.zeros(A.shape[1])
        assert kernels.small(A, B, label, pivots, x, y)[:2] == (kernels.SOLVED, pivots)
        assert kernels.large(A, B, label, 50, pivots, x, y)[:2] == (kernels.SOLVED, pivots)
        assert kernels.small(A, B, label, pivots - 1, x, y)[:3] == (kernels.LIMIT, pivots - 1, label)
        assert kernels.large(A, B, label, 50, pivots - 1, x, y)[:3] == (kernels.LIMIT, pivots - 1, label)


def test_games_beside_each_other_are_solved_as_each_alone():
    seeds = [seed for seed in range(40) if DRAWN.get(seed, (np.zeros(0),))[0].shape == DRAWN[2][0].shape]
    rng = np.random.default_rng(0)
    shape = DRAWN[2][0].shape
    games = [tuned(*DRAWN[seed]) for seed in seeds] + [(rng.normal(size=shape), rng.normal(size=shape))]
    games.append((1e300 * games[-1][0] / 1e5, games[-1][1]))
    games += games[:2] * 3
    assert len(games) > max(shape)
    A, B = (np.array(matrices) for matrices in zip(*games, strict=True))
    for label, cap in ((-1, CAP), (0, CAP), (1, 1)):
        count = len(games)
        row, column = np.full((count, shape[0]), 9.0), np.full((count, shape[1]), 9.0)
        regrets, counts = np.full((count, 2), 9.0), np.full((count, 2), 9)
        assert kernels.many(A, B, label, cap, row, column, regrets, counts) is None
        for g in range(count):
            x, y = np.full(shape[0], 9.0), np.full(shape[1], 9.0)
            code, pivots, _, first, second = kernels.small(A[g], B[g], label, cap, x, y)
            assert counts[g].tolist() == [code, pivots]
            assert regrets[g].tolist() == [first, second]
            assert (row[g].tolist(), column[g].tolist()) == (x.tolist(), y.tolist())


# --- the whole of a game -------------------------------------------------------------------------------------------


def pure_by_hand(A, B):
    cells = [
        (i, j)
        for i in range(A.shape[0])
        for j in range(A.shape[1])
        if A[i, j] == A[:, j].max() and B[i, j] == B[i].max()
    ]
    return cells[0] if cells else None


@pytest.mark.parametrize("seed", range(60))
def test_the_first_pure_equilibrium_is_found(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 4, 2)
    A, B = rng.integers(-2, 3, shape).astype(float), rng.integers(-2, 3, shape).astype(float)
    x, y = np.full(shape[0], 9.0), np.full(shape[1], 9.0)
    cell = pure_by_hand(A, B)
    assert kernels.pure(A, B, x, y) is (cell is not None)
    if cell is None:
        label = 0
    else:
        assert (x.tolist(), y.tolist()) == (np.eye(shape[0])[cell[0]].tolist(), np.eye(shape[1])[cell[1]].tolist())
        label = -1
    for answer in (
        kernels.small(A, B, -1, CAP, x, y),
        kernels.large(A, B, -1, 50, CAP, x, y),
    ):
        code, pivots, told, first, second = answer[:5]
        assert (code, told, pivots > 0) == (kernels.SOLVED, label, label == 0)
        assert first <= 1e-12 >= second
        assert (x.sum(), y.sum()) == pytest.approx((1.0, 1.0))


def test_ranges_that_float64_cannot_normalise_are_the_callers():
    A = np.array([[1.0, -1.0], [-1.0, 1.0]])
    x, y = np.full(2, 9.0), np.full(2, 9.0)
    for factor, fits in ((1e290, False), (4e289, True), (1e-290, True), (4e-291, False), (0.0, True)):
        for first, second in ((A * factor, -A), (A, -A * factor)):
            bounds, found = kernels.bounds_of(first, second)
            assert bool(found) is fits
            assert bounds == (first.min(), np.ptp(first), second.min(), np.ptp(second))
            answer = kernels.small(first, second, 0, CAP, x, y)
            assert answer[0] == kernels.large(first, second, 0, 50, CAP, x, y)[0]
            assert (answer[0] != kernels.RESCALE) is fits
            if not fits:
                assert answer == (kernels.RESCALE, 0, 0, np.inf, np.inf)
                assert kernels.large(first, second, -1, 50, CAP, x, y) == (kernels.RESCALE, 0, -1, np.inf, np.inf, 0)
    half = A * 5e-291  # its range is just wide enough
    assert kernels.bounds_of(half, A)[1] == kernels.bounds_of(A, half)[1] == (np.ptp(half) >= kernels.NARROWEST)
    top = A * 5e289
    assert kernels.bounds_of(top, A)[1] == kernels.bounds_of(A, top)[1] == (np.ptp(top) <= kernels.WIDEST)


def test_a_verdict_is_relative_to_each_players_range():
    bounds = (5.0, 2.0, 7.0, 4.0)
    limits = 2.0 * kernels.ACCEPTED, 4.0 * kernels.ACCEPTED
    assert kernels.verdict(bounds, *limits) == kernels.SOLVED
    assert kernels.verdict(bounds, 1.1 * limits[0], 0.0) == kernels.REJECTED
    assert kernels.verdict(bounds, 0.0, 1.1 * limits[1]) == kernels.REJECTED
    assert kernels.verdict(bounds, np.nan, 0.0) == kernels.REJECTED


@pytest.mark.parametrize("name", ["_solved", "_large"])
def test_a_profile_that_does_not_pass_is_rejected(name, monkeypatch):
    A = np.array([[1.0, -1.0], [-1.0, 1.0]])

    def claimed(*arguments):
        x, y = arguments[-4:-2] if name == "_solved" else arguments[-2:]
        x[:], y[:] = [1.0, 0.0], [0.0, 1.0]
        return (kernels.SOLVED, 3) if name == "_solved" else (kernels.SOLVED, 3, 5, 1)

    monkeypatch.setattr(kernels, "condensed", claimed)
    monkeypatch.setattr(kernels, "revised", claimed)
    x, y = np.zeros(2), np.zeros(2)
    if name == "_solved":
        answer = kernels._solved(A, -A, 1, CAP, x, y, *kernels.tableaux(2, 2))
        assert answer == (kernels.REJECTED, 3, 1, 2.0, 0.0)
    else:
        assert kernels._large(A, -A, 0, 50, CAP, x, y) == (kernels.REJECTED, 3, 1, 2.0, 0.0, 5)


@pytest.mark.parametrize("label", [-1, 0, 3])
def test_a_large_shift_of_payoffs_rejects_nothing(label):
    A = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])  # no pure equilibrium
    B = -A * [[1.0, 3.0, 1.0], [1.0, 1.0, 5.0], [7.0, 1.0, 1.0]]
    x, y = np.zeros(A.shape[0]), np.zeros(A.shape[1])
    for first, second in ((A + 2.0**40, B), (A, B - 2.0**40), (2.0**40 - A, B - 2.0**40)):
        for answer in (
            kernels.small(first, second, label, CAP, x, y),
            kernels.large(first, second, label, 50, CAP, x, y),
        ):
            assert answer[0] == kernels.SOLVED


def test_a_large_game_hands_on_what_it_was_given(monkeypatch):
    given = []

    def revised(*arguments):
        given.append(arguments)
        return kernels.LIMIT, 3, 5, 1

    monkeypatch.setattr(kernels, "revised", revised)
    A = np.array([[1.0, -1.0], [-1.0, 1.0]])
    x, y = np.zeros(2), np.zeros(2)
    assert kernels._large(A, -A, -1, 50, 70, x, y) == (kernels.LIMIT, 3, 1, np.inf, np.inf, 5)
    assert given[0][2:6] == ((-1.0, 2.0, -1.0, 2.0), -1, 50, 70)
    assert given[0][6] is x
    assert given[0][7] is y


# --- regrets and ranges --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_regrets_and_ranges(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 6, 2)
    A, B = rng.integers(-9, 10, (m, n)).astype(float), rng.integers(-9, 10, (m, n)).astype(float)
    assert kernels.range_of(A) == (A.min(), np.ptp(A))
    for _ in range(3):
        x, y = rng.multinomial(8, np.ones(m) / m) / 8, rng.multinomial(8, np.ones(n) / n) / 8
        expected = ((A @ y).max() - x @ A @ y, (x @ B).max() - x @ B @ y)
        for low_a, low_b in ((0.0, 0.0), (-3.0, 2.0)):
            for regrets_of in (kernels.regrets_of, kernels.regrets_of_small):
                assert regrets_of(A, B, x, y, low_a, low_b) == pytest.approx(expected, abs=1e-12)
    halves = np.full(m, 0.5 / m), np.full(n, 0.25 / n)
    for low in ((0.0, 0.0), (-3.0, 2.0)):
        own, other = (A - low[0]) @ halves[1], halves[0] @ (B - low[1])
        expected = (max(own.max() - halves[0] @ own, 0), max(other.max() - halves[1] @ other, 0))
        for regrets_of in (kernels.regrets_of, kernels.regrets_of_small):
            assert regrets_of(A, B, *halves, *low) == pytest.approx(expected, abs=1e-12)
            for i, j in np.ndindex(m, n):
                pure = (A[:, j].max() - A[i, j], B[i].max() - B[i, j])
                assert regrets_of(A, B, np.eye(m)[i], np.eye(n)[j], *low) == pytest.approx(pure, abs=1e-12)
    # what is more than a whole leaves no negative regret
    low = A.min() - 1.0, B.min() - 1.0
    for regrets_of in (kernels.regrets_of, kernels.regrets_of_small):
        assert regrets_of(A, B, np.full(m, 2.0), np.full(n, 2.0), *low) == (0.0, 0.0)


def test_hashes_are_those_of_splitmix64():
    # the first outputs of the published generator from seed 0
    gamma = 0x9E3779B97F4A7C15
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    found = [int(kernels.mix(np.uint64(k * gamma % 2**64))) for k in range(4)]
    assert found == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 3.0], [0.25, 0.75]),
        ([0.5, 1e-14, 0.5], [0.5, 0.0, 0.5]),
        ([0.5, -9.0, 1.5], [0.25, 0.0, 0.75]),
        ([4e-14, 4e-14], [0.5, 0.5]),
        ([np.nan, 2.0], [0.0, 1.0]),
        ([0.0, 1e-14], None),
        ([-1.0], None),
        ([np.inf, 1.0], None),
    ],
)
def test_values_are_scaled_to_probabilities(values, expected):
    z = np.array(values)
    assert kernels.scaled(z) is (expected is not None)
    assert expected is None or z.tolist() == expected


def test_payoffs_are_normalised_either_way():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (3, 5), (16, 17), (40, 33)):
        payoffs = rng.normal(size=shape) * 7
        expected = (payoffs - payoffs.min()) * (1 / np.ptp(payoffs) if payoffs.size > 1 else 0.0) + 0.25
        for transposed in (False, True):
            found = kernels.normalised(payoffs, payoffs.min(), float(np.ptp(payoffs)), transposed)
            assert found.flags.c_contiguous
            assert found == pytest.approx(expected.T if transposed else expected, rel=1e-15)


# --- the condensed tableau -----------------------------------------------------------------------------------------


def test_the_tableaux_of_the_artificial_equilibrium():
    A, B = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 9.0]]), np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 4.0]])
    T, places = kernels.tableaux(2, 3)
    assert (T.shape, places.shape, places.dtype) == ((2, 4, 4), (2, 3, 5), np.int64)
    T[:], places[:] = np.nan, 99
    assert kernels.fill(A, B, (1.0, 8.0, 0.0, 4.0), T, places) is None
    assert T[0, :3, :3].tolist() == np.column_stack([B.T / 4 + 0.25, np.ones(3)]).tolist()
    assert T[1, :2, :4].tolist() == np.column_stack([(A - 1) / 8 + 0.25, np.ones(2)]).tolist()
    assert np.isnan(T[0, 3]).all()
    assert np.isnan(T[1, 2:]).all()
    assert places[0].tolist() == [[0, 1, -1, -2, -3], [2, 3, 4, 99, 99], [0, 1, 99, 99, 99]]
    assert places[1].tolist() == [[-1, -2, 0, 1, 2], [0, 1, 99, 99, 99], [2, 3, 4, 99, 99]]
    kernels.fill(A, B, (1.0, 0.0, 0.0, 0.0), T, places)
    assert np.all(T[0, :3, :2] == 0.25)
    assert np.all(T[1, :2, :3] == 0.25)


def tableau(entries):
    """One polytope of two rows or more, whose values are last: room, places with slacks 0.. in the basis."""
    rows, columns = np.shape(entries)
    T = np.full((2, max(rows, columns) + 1, max(rows, columns) + 1), np.nan)
    T[1, :rows, :columns] = entries
    labels = rows + columns - 1
    places = np.full((2, 3, labels), 99)
    places[1, kernels.WHERE] = [*(-1 - i for i in range(rows)), *range(columns - 1)]
    places[1, kernels.ROWS, :rows] = range(rows)
    places[1, kernels.COLUMNS, : columns - 1] = range(rows, labels)
    return T, places


@pytest.mark.parametrize(
    ("entries", "row"),
    [
        ([[1.0, 2.0], [1.0, 1.0]], 1),
        ([[1.0, 1.0], [1.0, 2.0]], 0),
        ([[2.0, 1.0], [1.0, 1.0]], 0),
        ([[-1.0, 0.5], [1.0, 3.0]], 1),
        ([[0.0, 0.5], [1.0, 3.0]], 1),
        ([[1e-10, 1e-12], [1.0, 3.0]], 1),  # too small for a pivot
        ([[2e-10, 1e-10], [1.0, 3.0]], 0),
        ([[-1.0, 0.5], [0.0, 3.0]], -1),
        ([[1.0, 0.0], [1.0, 1e-13], [1.0, 5.0]], 1),  # a tie within 1e-12: the slack of row 0 is larger in row 0
        ([[1.0, 1e-13], [1.0, 0.0], [1.0, 5.0]], 1),
        ([[1.0, 0.0], [1.0, 1e-11], [1.0, 5.0]], 0),
        ([[1.0, 3.0], [1.0, 3.0], [2.0, 6.0]], 2),
        ([[4.0, 12.0], [1.0, 3.0], [2.0, 6.0]], 2),
        ([[2.0, 6.0], [1.0, 3.0], [0.0, 3.0]], 1),
        ([[2.0, 6.0], [1.0, 9.0], [1.0, 3.0]], 2),
    ],
)
def test_the_row_that_leaves(entries, row):
    T, places = tableau(entries)
    assert kernels.leaving_row(T, places, 1, len(entries), 1, 0, 0) == row


def test_ties_are_broken_at_the_first_slack_column_that_differs():
    # slacks 0 and 2 are out of the basis, in columns 1 and 2; rows 0 and 1 tie in slack 0 within 1e-10
    T = np.zeros((2, 5, 5))
    places = np.full((2, 3, 6), 99)
    places[1, kernels.WHERE] = [1, -3, 2, -1, -2, 0]
    for differs, expected in ((0.0, 0), (5e-11, 0), (-5e-11, 0), (2e-10, 1), (-2e-10, 0)):
        T[1, :3, 0] = [2.0, 4.0, 1.0]
        T[1, :3, 1] = [1.0 + 2 * differs, 2.0, 7.0]
        T[1, :3, 2] = [1.0, 2.0, 7.0]
        assert kernels.lexicographic(T, places, 1, 3, 0, 0, 0, 1) == expected
        assert kernels.lexicographic(T, places, 1, 3, 0, 0, 1, 0) == (1 if abs(differs) < 1e-10 else expected)
    T[1, :2, 2] = [1.0, 1.0]  # over their pivots 1/2 and 1/4
    T[1, :2, 1] = [1.0, 2.0]
    assert kernels.lexicographic(T, places, 1, 3, 0, 0, 0, 1) == 1
    # with the slack of row 1 in the basis before: 0 in row 0, 1 / 4 in row 1
    places[1, kernels.WHERE, 0] = -2
    assert kernels.lexicographic(T, places, 1, 3, 0, 0, 0, 1) == 0
    assert kernels.lexicographic(T, places, 1, 3, 0, 0, 1, 0) == 0
    places[1, kernels.WHERE, 0] = -1
    assert kernels.lexicographic(T, places, 1, 3, 0, 0, 0, 1) == 1


def test_an_exchange_is_that_of_the_full_tableau():
    rng = np.random.default_rng(5)
    entries = rng.integers(1, 9, (3, 5)).astype(float)
    T, places = tableau(entries)
    before = entries.copy()
    r, c = int(np.argmin(entries[:, 4] / entries[:, 2])), 2
    assert kernels.exchange(T, places, 1, 3, 4, 0, 5) == r
    expected = before - np.outer(before[:, c], before[r]) / before[r, c]
    expected[r] = before[r] / before[r, c]
    expected[:, c] = -before[:, c] / before[r, c]
    expected[r, c] = 1 / before[r, c]
    assert T[1, :3, :5] == pytest.approx(expected, rel=1e-12)
    assert places[1, kernels.WHERE, 5] == -1 - r
    assert places[1, kernels.WHERE, r] == c
    assert places[1, kernels.ROWS, :3].tolist() == [5 if i == r else i for i in range(3)]
    assert places[1, kernels.COLUMNS, :4].tolist() == [3, 4, r, 6]
    assert np.isnan(T[0]).all()
    T, places = tableau([[-1.0, 1.0], [0.0, 1.0]])
    same = T.copy(), places.copy()
    assert kernels.exchange(T, places, 1, 2, 1, 0, 2) == -1
    np.testing.assert_array_equal(T, same[0])
    np.testing.assert_array_equal(places, same[1])


class Script:
    """Stands in for a pivot: gives these labels one after the other, and keeps what it was asked for."""

    def __init__(self, labels):
        self.labels, self.asked = labels, []

    def __call__(self, *arguments):
        self.asked.append(arguments[-1])
        return self.labels[(len(self.asked) - 1) % len(self.labels)]


def scripted(labels, monkeypatch, label=0, cap=1000):
    script = Script(labels)
    monkeypatch.setattr(kernels, "exchange", script)
    A = np.ones((2, 2))
    answer = kernels._condensed(A, A, (0, 1, 0, 1), label, cap, np.zeros(2), np.zeros(2), *kernels.tableaux(2, 2))
    return answer, script.asked


def test_a_pivot_that_nothing_limits_ends_the_path(monkeypatch):
    assert scripted([2, 3, -1], monkeypatch) == ((kernels.STUCK, 2), [0, 2, 3])


def test_a_path_that_returns_is_a_cycle(monkeypatch):
    # every basis of four pivots comes back: entering and leaving labels change over twice
    (code, pivots), _ = scripted([2, 3, 2, 3], monkeypatch, label=0)
    assert code == kernels.CYCLE
    assert pivots <= 16
    for period in ([1, 2, 3], [3], [2, 1, 3, 1, 2]):
        (code, pivots), _ = scripted(period, monkeypatch)
        assert code == kernels.CYCLE
        assert pivots <= 16 * len(period)


def test_values_that_are_no_probabilities_end_in_nothing(monkeypatch):
    monkeypatch.setattr(kernels, "scaled", lambda z: z.size != 3)
    A, B = np.ones((3, 2)), np.ones((3, 2))
    for payoffs in ((A, B), (A.T, B.T)):
        rows, columns = payoffs[0].shape
        room = kernels.tableaux(rows, columns)
        found = kernels._condensed(*payoffs, (1, 0, 1, 0), 0, CAP, np.zeros(rows), np.zeros(columns), *room)
        assert found[0] == kernels.STUCK


class Words:
    """Stands in for the hash: each word is its own bit, and is kept."""

    def __init__(self):
        self.seen = set()

    def __call__(self, word):
        self.seen.add(int(word))
        return np.uint64(1) << word


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if sum(DRAWN[seed][0].shape) <= 10])
def test_bases_are_told_apart_by_a_word_for_each_label_and_side(seed, monkeypatch):
    A, B = tuned(*DRAWN[seed])
    m, n = A.shape
    bounds, _ = kernels.bounds_of(A, B)
    for label in range(m + n):
        monkeypatch.setattr(kernels, "mix", Words())
        x, y = np.zeros(m), np.zeros(n)
        found = kernels._condensed(A, B, bounds, label, CAP, x, y, *kernels.tableaux(m, n))
        assert found == (kernels.SOLVED, PATHS[seed, label][2])
        words = kernels.mix.seen
        P = kernels.workspace(kernels.normalised(B, bounds[2], bounds[3], False), m + n)
        Q = kernels.workspace(kernels.normalised(A, bounds[0], bounds[1], True), m + n)
        monkeypatch.setattr(kernels, "mix", Words())
        assert kernels._follow(P, Q, 0, 0, label, CAP)[:2] == found
        assert kernels.mix.seen == words
        assert max(words, default=0) < 4 * (m + n)


def test_the_words_of_both_sides_differ(monkeypatch):
    # P turns 0 into 4, Q turns 4 into 1, P turns 1 into 3: with two rows and three columns there are five labels
    labels = [4, 1, 3, 0]
    expected = {5, 9, 4, 1, 6, 8} | {9 + 10, 1 + 10, 8 + 10}
    words = Words()
    monkeypatch.setattr(kernels, "mix", words)
    monkeypatch.setattr(kernels, "exchange", Script(labels))
    A = np.ones((2, 3))
    room = kernels.tableaux(2, 3)
    assert kernels._condensed(A, A, (0, 1, 0, 1), 0, CAP, np.zeros(2), np.zeros(3), *room)[1] == 4
    assert words.seen == expected
    words = Words()
    monkeypatch.setattr(kernels, "mix", words)
    assert follow(labels, monkeypatch, shape=(2, 3))[0][:2] == (kernels.SOLVED, 4)
    assert words.seen == expected


# --- the revised tableau -------------------------------------------------------------------------------------------


def room(M, used, tight, first, slack):
    """A polytope's arrays at a basis, computed by NumPy, and k."""
    rows, size = M.shape
    k, most = len(used), min(M.shape) + 1
    inverse, values = np.full((most, most), np.nan), np.full((5, max(most, size)), np.nan)
    basis = np.full((3, rows + size), -1)
    basis[kernels.USED, :k], basis[kernels.TIGHT, :k] = used, tight
    for a in range(k):
        basis[kernels.PLACE, first + used[a]], basis[kernels.PLACE, slack + tight[a]] = a, a
    inverse[:k, :k] = np.linalg.inv(M[np.ix_(used, tight)].T) if k else 0
    z = inverse[:k, :k].sum(axis=1)
    values[kernels.Z, :k] = z
    values[kernels.S, :size] = 1 - z @ M[used] if k else 1.0
    values[kernels.S, list(tight)] = np.inf
    return (M, inverse, values, basis), k


def check(polytope, k, first, slack):
    """Whether the arrays say what their basis means."""
    M, inverse, values, basis = polytope
    used, tight = basis[kernels.USED, :k].tolist(), basis[kernels.TIGHT, :k].tolist()
    (_, right, numbers, places), _ = room(M, used, tight, first, slack)
    assert inverse[:k, :k] == pytest.approx(right[:k, :k], abs=1e-9)
    assert values[kernels.Z, :k] == pytest.approx(numbers[kernels.Z, :k], abs=1e-9)
    assert values[kernels.S, : M.shape[1]] == pytest.approx(numbers[kernels.S, : M.shape[1]], abs=1e-9)
    assert basis[kernels.PLACE].tolist() == places[kernels.PLACE].tolist()


@pytest.mark.parametrize("seed", range(10))
def test_every_pivot_leaves_the_arrays_right(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, 6, 2)
    P = kernels.workspace(rng.random((m, n)) + 0.25, m + n)
    Q = kernels.workspace(rng.random((n, m)) + 0.25, m + n)
    assert [array.shape for array in P] == [(m, n), (min(m, n) + 1,) * 2, (5, max(min(m, n) + 1, n)), (3, m + n)]
    assert P[3].dtype == np.int64
    for label in range(m + n):
        sizes = [0, 0]
        for polytope, first, slack in ((P, 0, m), (Q, m, 0)):
            for array in polytope[1:]:
                array[:] = 99 if array.dtype == np.int64 else np.nan
            assert kernels.enter_basis(*polytope, 0, first, slack) is True
            check(polytope, 0, first, slack)
        side, entering = (0 if label < m else 1), label
        for _ in range(200):
            polytope, first, slack = ((P, 0, m), (Q, m, 0))[side]
            leaving, sizes[side] = kernels.advance(*polytope, sizes[side], first, slack, entering)
            check(polytope, sizes[side], first, slack)
            assert leaving >= 0
            if leaving == label:
                break
            entering, side = leaving, 1 - side
        assert leaving == label


@pytest.mark.parametrize("k", range(10))
def test_the_parts_of_a_pivot(k):
    rng = np.random.default_rng(k)
    rows, size = k + 2, k + 3
    M = rng.random((rows, size)) + 0.25
    used, tight = rng.permutation(rows)[:k], rng.permutation(size)[:k]
    (_, inverse, values, basis), _ = room(M, used, tight, 0, rows)
    exact, part = inverse[:k, :k].copy(), M[used]

    values[kernels.ROW] = 5.0
    expected = values[kernels.ROW, :size] - values[kernels.Z, :k] @ part
    assert kernels.subtract_rows(M, values, basis, k, kernels.Z, kernels.ROW) is None
    assert values[kernels.ROW, :size] == pytest.approx(expected, abs=1e-9)

    for j in range(size):
        assert kernels.tight_row(M, inverse, values, basis, k, j) is None
        assert values[kernels.ROW, :k] == pytest.approx(-part[:, j] @ exact, abs=1e-9)
        for b in range(k):
            assert kernels.entry(M, inverse, basis, k, k + j, b) == pytest.approx(-part[:, j] @ exact[:, b], abs=1e-9)
    for a in range(k):
        for b in range(k):
            assert kernels.entry(M, inverse, basis, k, a, b) == exact[a, b]

    for entering in range(rows):
        assert kernels.direction(M, inverse, values, basis, k, entering, -1) is None
        d = exact @ M[entering, tight]
        assert values[kernels.DZ, :k] == pytest.approx(d, abs=1e-8)
        assert values[kernels.DS, :size] == pytest.approx(M[entering] - d @ part, abs=1e-8)
    for position in range(k):
        kernels.direction(M, inverse, values, basis, k, 0, position)
        assert values[kernels.DZ, :k].tolist() == exact[:, position].tolist()
        assert values[kernels.DS, :size] == pytest.approx(-exact[:, position] @ part, abs=1e-8)

    assert kernels.inverse_of(M, inverse, basis, k) is True
    assert inverse[:k, :k] == pytest.approx(exact, abs=1e-8 * max(1.0, np.abs(exact).max(initial=0)))
    off = values[kernels.Z, :k] + 1e-3
    values[kernels.Z, :k] = off
    error = kernels.refine(M, inverse, values, basis, k)
    assert error == pytest.approx(np.abs(1 - off @ part[:, tight]).max(initial=0), abs=1e-9)
    assert values[kernels.Z, :k] == pytest.approx(exact.sum(axis=1), abs=1e-7)


def test_a_step_is_taken_and_nothing_becomes_negative():
    values = np.arange(20.0).reshape(4, 5) + 1
    values[kernels.DZ] = [1.0, -1.0, 2.0, 0.0, 9.0]
    values[kernels.DS] = [3.0, -2.0, 100.0, 0.0, 1.0]
    before = values.copy()
    assert kernels.move(np.zeros((2, 4)), values, 3, 0.5) is None
    assert values[kernels.Z].tolist() == [0.5, 2.5, 2.0, 4.0, 5.0]
    assert values[kernels.S].tolist() == [4.5, 8.0, 0.0, 9.0, 10.0]
    assert values[2:].tolist() == before[2:].tolist()


def test_elimination_needs_pivoting_and_finds_what_is_singular():
    M = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 1.0], [3.0, 0.0, 1.0]])
    basis = np.full((3, 6), -1)
    basis[kernels.USED, :2], basis[kernels.TIGHT, :2] = [0, 1], [0, 1]
    inverse = np.zeros((3, 3))
    assert kernels.inverse_of(M, inverse, basis, 2) is True
    assert inverse[:2, :2] == pytest.approx(np.linalg.inv(M[:2, :2].T))
    basis[kernels.USED, :2], basis[kernels.TIGHT, :2] = [1, 2], [0, 2]
    assert kernels.inverse_of(M, inverse, basis, 2) is False
    tiny = np.array([[1.0, 0.0], [0.0, 1e-13]])
    basis[kernels.USED, :2], basis[kernels.TIGHT, :2] = [0, 1], [0, 1]
    assert kernels.inverse_of(tiny, inverse, basis, 2) is True
    assert kernels.inverse_of(tiny / [[1, 1], [1, 100]], inverse, basis, 2) is False
    near = np.array([[1e-9, 1.0], [1.0, 1.0]])  # without the larger pivot half of the digits are lost
    assert kernels.inverse_of(near, inverse, basis, 2) is True
    assert inverse[:2, :2] == pytest.approx(np.linalg.inv(near.T), rel=1e-14)


def settled(error, used=(1, 0), tight=(0, 2), M=None):
    M = np.array([[2.0, 1.0, 0.5], [0.5, 0.25, 1.0]]) if M is None else M
    (_, inverse, values, basis), k = room(M, list(used), list(tight), 0, 2)
    inverse[:k, :k] += error
    values[:] = np.nan
    return kernels.settle(M, inverse, values, basis, k), (M, inverse, values, basis), k


def test_values_are_settled_from_the_payoffs():
    for error, made in ((0.0, 0), (1e-12, 0), (1e-3, 1)):
        found, polytope, k = settled(error)
        assert found == made
        check(polytope, k, 0, 2)
    drifting, (_, _, values, _), _ = settled(3e-6)  # after one refinement still there: the error counts before
    assert drifting == 1
    assert values[kernels.Z, :2] == pytest.approx(np.linalg.inv([[0.5, 1.0], [2.0, 0.5]]).T.sum(axis=1), rel=1e-12)


def test_a_basis_that_is_lost_is_said_to_be():
    assert settled(0.0, used=(0,), tight=(2,))[0] == -1  # a slack of 1 - 2 * 2
    assert settled(0.0, used=(0,), tight=(0,))[0] == 0
    assert settled(0.0, used=(1, 0), tight=(1, 2))[0] == -1
    slightly = np.array([[1.0, 1.0 + 5e-7, 0.5], [0.5, 0.25, 1.0]])
    found, (_, _, values, _), _ = settled(0.0, used=(0,), tight=(0,), M=slightly)
    assert (found, values[kernels.S, 1]) == (0, 0.0)
    assert settled(0.0, used=(0,), tight=(0,), M=slightly + 1e-6 * (slightly > 1))[0] == -1
    negative = np.array([[1.0, 1.0 - 1e-8], [1.0, 0.5]])  # the second probability is -2e-8
    found, (_, _, values, _), _ = settled(0.0, used=(0, 1), tight=(0, 1), M=negative)
    assert (found, values[kernels.Z, 1]) == (0, 0.0)
    assert settled(0.0, used=(0, 1), tight=(0, 1), M=negative - 1e-5 * (negative == 1 - 1e-8))[0] == -1


def test_an_inverse_that_cannot_be_made_anew_is_a_basis_that_is_lost():
    M = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 1.0]])
    basis = np.full((3, 5), -1)
    basis[kernels.USED, :2], basis[kernels.TIGHT, :2] = [0, 1], [0, 1]
    assert kernels.settle(M, np.full((3, 3), 7.0), np.zeros((5, 3)), basis, 2) == -1


def test_a_step_without_limit_changes_no_basis():
    polytope = kernels.workspace(-np.ones((2, 3)), 5)
    kernels.enter_basis(*polytope, 0, 0, 2)
    before = [array.copy() for array in polytope[1:]]
    assert kernels.advance(*polytope, 0, 0, 2, 1) == (-1, 0)
    assert polytope[3][kernels.PLACE].tolist() == before[2][kernels.PLACE].tolist()


def test_a_singular_basis_is_no_start():
    M = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 1.0]])
    polytope = kernels.workspace(M, 5)
    polytope[3][kernels.USED, :2], polytope[3][kernels.TIGHT, :2] = [0, 1], [0, 1]
    assert kernels.enter_basis(*polytope, 2, 0, 3) is False
    polytope[3][kernels.USED, :2], polytope[3][kernels.TIGHT, :2] = [2, 0], [0, 1]
    assert kernels.enter_basis(*polytope, 2, 0, 3) is True
    check(polytope, 2, 0, 3)
    polytope[3][kernels.USED, 0], polytope[3][kernels.TIGHT, 0] = 0, 0
    assert kernels.enter_basis(*polytope, 1, 0, 3) is False  # feasible nowhere: a slack of 1 - 2


def leaving(z, dz, s, ds, slack=3):
    """What limits a step at these values, with an inverse that says nothing about ties."""
    k, size = len(z), len(s)
    values = np.full((5, 8), np.nan)
    values[kernels.Z, :k], values[kernels.DZ, :k] = z, dz
    values[kernels.S, :size], values[kernels.DS, :size] = s, ds
    basis = np.full((3, slack + size), -1)
    return kernels.leaving_of(np.zeros((3, size)), np.zeros((4, 4)), values, basis, k, slack)


@pytest.mark.parametrize(
    ("z", "dz", "s", "ds", "expected"),
    [
        ([1.0, 2.0], [1.0, 1.0], [3.0, 4.0], [1.0, 1.0], 0),
        ([2.0, 1.0], [1.0, 1.0], [3.0, 4.0], [1.0, 1.0], 1),
        ([2.0, 3.0], [1.0, 1.0], [1.0, 4.0], [1.0, 1.0], 2),
        ([2.0, 3.0], [1.0, 1.0], [4.0, 1.0], [1.0, 1.0], 3),
        ([2.0, 3.0], [1.0, 4.0], [4.0, 1.0], [1.0, 1.0], 1),
        ([2.0, 3.0], [1.0, 1.0], [4.0, 9.0], [8.0, 1.0], 2),
        ([1.0, 2.0], [-1.0, 1.0], [3.0, np.inf], [1.0, 1.0], 1),
        ([1e-12, 2.0], [1e-10, 1.0], [1e-12, 3.0], [1e-10, 1.0], 1),
        ([1e-12, 2.0], [2e-10, 1.0], [3.0, 3.0], [1.0, 1.0], 0),
        ([1.0, 2.0], [-1.0, 0.0], [3.0, 4.0], [0.0, -1.0], -1),
        ([1.0, 2.0], [-1.0, 0.0], [3.0, np.inf], [0.0, 1.0], -1),
    ],
)
def test_what_limits_a_step(z, dz, s, ds, expected):
    assert leaving(z, dz, s, ds) == expected


def test_tied_rows_are_compared_at_each_slack_in_turn():
    # two probabilities used, slacks 0 and 2 tight, slacks 1 and 3 in the basis
    M = np.arange(1.0, 13.0).reshape(3, 4)
    inverse = np.array([[3.0, 1.0], [1.0, 2.0]])
    values = np.ones((5, 6))
    basis = np.full((3, 7), -1)
    basis[kernels.USED, :2], basis[kernels.TIGHT, :2] = [0, 2], [0, 2]
    basis[kernels.PLACE, 3], basis[kernels.PLACE, 5] = 0, 1
    values[kernels.S, [0, 2]] = np.inf

    def first(dz, ds):
        values[kernels.DZ, :2], values[kernels.DS, :4] = dz, ds
        values[kernels.Z, :2], values[kernels.S, [1, 3]] = values[kernels.DZ, :2], values[kernels.DS, [1, 3]]
        return kernels.first_of_tied(M, inverse, values, basis, 2, 3, 1.0)

    rows = np.vstack([inverse, -M[[0, 2]][:, [1, 3]].T @ inverse])  # of what may leave, in slacks 0 and 2
    for dz, ds in (
        ([1.0, 1.0], [0, -1.0, 0, -1.0]),
        ([3.0, 1.0], [0, -1.0, 0, -1.0]),  # tied in slack 0, and in slacks 1: then slack 2 decides
        ([3.0, 1.0], [0, 13.0, 0, -1.0]),
        ([1.0, -1.0], [0, 13.0, 0, 21.0]),
        ([-1.0, -1.0], [0, 13.0, 0, 17.0]),
        ([-1.0, -1.0], [0, 1.0, 0, 1.0]),
    ):
        pivots = np.array([*dz, ds[1], ds[3]])
        unit = np.array([[0, 0], [0, 0], [1, 0], [0, 1]])
        columns = np.column_stack([rows[:, 0], unit[:, 0], rows[:, 1], unit[:, 1]])
        tied = [i for i in range(4) if pivots[i] > kernels.PIVOT]
        smallest = min(tied, key=lambda i: [round(v / pivots[i], 8) for v in columns[i]])
        assert first(dz, ds) == (0, 1, 3, 5)[smallest]


def test_the_first_slack_may_tie_like_any_other():
    M = np.array([[2.0, 2.0, 1.0], [1.0, 3.0, 1.0]])
    (_, inverse, values, basis), k = room(M, [1], [2], 0, 2)
    values[kernels.DZ, :2], values[kernels.DS, :3] = [1.0, np.nan], [1.0, 1.0, 0.0]
    values[kernels.Z, :2], values[kernels.S, :2] = [1.0, np.nan], [1.0, 1.0]
    # in slack 0 it has the unit itself, 0 and 1 tie below it, and slack 1 tells those apart
    assert kernels.first_of_tied(M, inverse, values, basis, k, 2, 1.0) == 0
    values[kernels.Z, 0] = 2.0
    assert kernels.first_of_tied(M, inverse, values, basis, k, 2, 1.0) == 2
    values[kernels.S, 1] = 2.0
    assert kernels.first_of_tied(M, inverse, values, basis, k, 2, 1.0) == 1


def follow(labels, monkeypatch, *, refresh=50, settles=(0, 0), cap=1000, label=0, shape=(2, 2)):
    """What `_follow` says of a path whose pivots come from a script."""
    script, settled_ones = Script([(entry, 1) for entry in labels]), iter(settles * 1000)
    monkeypatch.setattr(kernels, "advance", script)
    labels_of = sum(shape)
    P, Q = kernels.workspace(np.ones(shape), labels_of), kernels.workspace(np.ones(shape[::-1]), labels_of)
    asked = []

    def settle(*given):
        polytope = Q if len(asked) % 2 else P
        assert all(one is other for one, other in zip(given[:4], polytope, strict=True))
        assert given[4] <= 1
        asked.append(given)
        return next(settled_ones)

    monkeypatch.setattr(kernels, "settle", settle)
    monkeypatch.setattr(kernels, "REFRESH", refresh)
    return kernels._follow(P, Q, 0, 0, label, cap), script.asked


def test_paths_of_the_revised_tableau_end_as_they_must(monkeypatch):
    assert follow([2, 3, -1], monkeypatch)[0] == (kernels.STUCK, 2, 0, 1, 1)
    assert follow([2, 3, 0], monkeypatch) == ((kernels.SOLVED, 3, 0, 1, 1), [0, 2, 3])
    assert follow([2, 3, 0], monkeypatch, cap=2)[0][:2] == (kernels.LIMIT, 2)
    assert follow([0], monkeypatch)[0] == (kernels.SOLVED, 1, 0, 1, 0)
    assert follow([3], monkeypatch, label=3)[0] == (kernels.SOLVED, 1, 0, 0, 1)
    for period in ([1, 2, 3], [3], [2, 1, 3, 1, 2], [2, 3]):
        (code, pivots, *_), _ = follow(period, monkeypatch)
        assert code == kernels.CYCLE
        assert pivots <= 16 * len(period)
        assert scripted(period, monkeypatch)[0] == (kernels.CYCLE, pivots)


def test_inverses_are_checked_now_and_then(monkeypatch):
    path_of_five = [2, 3, 1, 2, 0]
    assert follow(path_of_five, monkeypatch, refresh=2, settles=(1, 0))[0] == (kernels.SOLVED, 5, 2, 1, 1)
    assert follow(path_of_five, monkeypatch, refresh=2, settles=(1, 1))[0] == (kernels.SOLVED, 5, 4, 1, 1)
    assert follow(path_of_five, monkeypatch, refresh=3, settles=(0, 1))[0] == (kernels.SOLVED, 5, 1, 1, 1)
    assert follow(path_of_five, monkeypatch, refresh=2, settles=(0, -1))[0] == (kernels.STUCK, 2, 0, 1, 1)
    assert follow(path_of_five, monkeypatch, refresh=2, settles=(-1, 0))[0] == (kernels.STUCK, 2, 0, 1, 1)
    assert follow(path_of_five, monkeypatch, refresh=5, settles=(-1, 0))[0] == (kernels.SOLVED, 5, 0, 1, 1)


def test_a_path_starts_from_any_pair_of_bases():
    A, B = tuned(*DRAWN[2])
    m, n = A.shape
    bounds, _ = kernels.bounds_of(A, B)
    P = kernels.workspace(kernels.normalised(B, bounds[2], bounds[3], False), m + n)
    Q = kernels.workspace(kernels.normalised(A, bounds[0], bounds[1], True), m + n)
    x, y, again = np.zeros(m), np.zeros(n), (np.zeros(m), np.zeros(n))
    for label in range(m + n):
        code, _, _, kp, kq = kernels.follow(P, Q, 0, 0, label, CAP)
        assert code == kernels.SOLVED
        assert kernels.strategies(P, Q, kp, kq, x, y) is True
        assert kernels.regrets_of(A, B, x, y, *bounds[::2]) == pytest.approx((0, 0), abs=1e-10)
        # back on the same path to the artificial equilibrium
        code, _, made, kp, kq = kernels.follow(P, Q, kp, kq, label, CAP)
        assert (code, made, kp, kq) == (kernels.SOLVED, 0, 0, 0)
        assert kernels.strategies(P, Q, 0, 0, *again) is False


@pytest.mark.parametrize("side", [0, 1])
def test_a_start_that_is_none(side):
    spaces = [kernels.workspace(np.ones((2, 2)), 4) for _ in range(2)]
    spaces[side][3][kernels.USED, :2], spaces[side][3][kernels.TIGHT, :2] = [0, 1], [0, 1]
    sizes = [2 * (side == 0), 2 * (side == 1)]
    assert kernels.follow(*spaces, *sizes, 0, CAP) == (kernels.STUCK, 0, 0, *sizes)


class Attempts:
    """Stands in for a path: keeps the label and the limit of each, and ends as it is told, at the limit otherwise."""

    def __init__(self, *ends):
        self.ends, self.asked = ends, []

    def __call__(self, _p, _q, kp, kq, label, limit):
        assert (kp, kq) == (0, 0)
        self.asked.append((label, limit))
        code = self.ends[len(self.asked) - 1] if len(self.asked) <= len(self.ends) else kernels.LIMIT
        return code, limit, 1, 0, 0


def attempted(label, ends, monkeypatch, *, right=True, cap=100):
    attempts = Attempts(*ends)
    monkeypatch.setattr(kernels, "follow", attempts)
    monkeypatch.setattr(kernels, "strategies", lambda *_: right)
    A = np.array([[1.0, 2.0], [4.0, 3.0], [0.0, 1.0]])
    return kernels._revised(A, A, (0.0, 4.0, 0.0, 4.0), label, 7, cap, np.zeros(3), np.zeros(2)), attempts.asked


def test_labels_are_tried_in_turn(monkeypatch):
    S, L, C = kernels.SOLVED, kernels.LIMIT, kernels.CYCLE
    assert attempted(3, [S], monkeypatch) == ((S, 100, 1, 3), [(3, 100)])
    assert attempted(3, [C], monkeypatch) == ((C, 100, 1, 3), [(3, 100)])
    assert attempted(0, [L], monkeypatch) == ((L, 100, 1, 0), [(0, 100)])
    assert attempted(3, [S], monkeypatch, right=False)[0] == (kernels.STUCK, 100, 1, 3)
    in_turn = [(0, 5), (0, 7), (1, 7), (2, 7), (3, 7), (4, 7)]
    assert attempted(-1, [S], monkeypatch) == ((S, 5, 1, 0), in_turn[:1])
    assert attempted(-1, [L, L, L, S], monkeypatch) == ((S, 26, 4, 2), in_turn[:4])
    assert attempted(-1, [], monkeypatch) == ((L, 100, 7, 0), [*in_turn, (0, 60)])
    assert attempted(-1, [], monkeypatch, cap=10) == (
        (L, 10, 7, 0),
        [(0, 5), (0, 5), *((k, 0) for k in (1, 2, 3, 4, 0))],
    )


def test_strategies_are_refined_and_scaled():
    M = np.array([[2.0, 1.0, 0.5], [0.5, 0.25, 1.0], [1.0, 1.0, 1.0]])
    (_, inverse, values, basis), k = room(M, [1, 0], [0, 2], 0, 3)
    right = values[kernels.Z, :2].copy()
    values[kernels.Z, :2] += 1e-3
    out = np.full(3, 9.0)
    assert kernels.strategy(M, inverse, values, basis, k, out) is True
    assert out == pytest.approx([right[1] / right.sum(), right[0] / right.sum(), 0.0], rel=1e-14)
    inverse[:2, :2] *= 1 + 1e-5  # each refinement gains five digits: two are needed
    values[kernels.Z, :2] = right + 1e-5
    assert kernels.strategy(M, inverse, values, basis, k, out) is True
    assert out == pytest.approx([right[1] / right.sum(), right[0] / right.sum(), 0.0], rel=1e-14)
    assert kernels.strategy(M, inverse, values, basis, 0, out) is False
    assert out.tolist() == [0.0, 0.0, 0.0]
