"""Properties of two-player games: paths, lists and closed forms against trying everything in plain fractions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from solvers import bimatrix
from solvers.bimatrix import BimatrixGame, Profile, RationalProfile, _exact_path
from solvers.core import Solution, Status
from verification import certificates
from verification.properties import _bimatrix_lists, _bimatrix_paths
from verification.properties._drawn import exactly, games, of_games, ordered, saved, small_games
from verification.properties._fractions import Listed, infeasible, off, ranges, regrets, worst
from verification.properties._property import Property
from verification.strategies import KINDS, bimatrix_games, profiles, rational_profiles

LABELS = 12
ORDINARY = tuple(kind for kind in KINDS if kind not in ("units", "shifted"))
LIMIT = 10**4  # pivots of an exact path

# --- Lemke-Howson ----------------------------------------------------------------------------------------------------


def _float_paths(game: BimatrixGame) -> float:
    """Equilibria, and of each the regret that is told."""
    gaps, sizes = [0.0], [float(size) or 1.0 for size in ranges(game)]
    for label in (None, *range(sum(game.shape))):
        found = bimatrix.lemke_howson(game, initial_label=label)
        gaps.append(off(game, found.require()))
        true = max(regrets(game, *found.require()))
        gaps.append(abs(float(found.stats["regret"]) - float(true)) / max(sizes))
    return float(np.max(gaps))


def _exact_paths(drawn: tuple[BimatrixGame, int]) -> float:
    game, label = drawn
    return off(game, bimatrix.lemke_howson_exact(game, initial_label=label % sum(game.shape)).require())


def _way_back(drawn: tuple[BimatrixGame, int]) -> float:
    game, label = drawn[0], drawn[1] % sum(drawn[0].shape)
    paths = _exact_path.ExactPaths(game)
    end, pivots = _followed(paths, _exact_path.ARTIFICIAL, label)
    back = _followed(paths, end, label)
    assert back == (_exact_path.ARTIFICIAL, pivots), f"the path of label {label} leads back to something else"
    return off(game, paths.profile(end))


def _followed(paths: _exact_path.ExactPaths, start: Any, label: int) -> tuple[Any, int]:
    """Where the path of a label ends, and after how many pivots."""
    found = paths.follow(start, label, LIMIT)
    assert found is not None, f"the path of label {label} is longer than {LIMIT:,} pivots"
    return found[0], found[1]


def _one_path(game: BimatrixGame) -> float:
    """Where nothing ties, both arithmetics make the same pivots."""
    if not Listed(game).nondegenerate:
        return 0.0
    paths, gap = _exact_path.ExactPaths(game), 0.0
    for label in range(sum(game.shape)):
        end, pivots = _followed(paths, _exact_path.ARTIFICIAL, label)
        found = bimatrix.lemke_howson(game, initial_label=label)
        assert found.stats["pivots"] == pivots, f"label {label} takes {found.stats['pivots']} pivots, not {pivots}"
        gap = max(gap, distance(found.require(), paths.profile(end)))
    return gap


def _all_paths(game: BimatrixGame) -> float:
    found, labels = bimatrix.lemke_howson_all(game), set(range(sum(game.shape)))
    assert found.status is Status.SOLVED, f"the status is {found.status}"
    edges = set(found.edges)
    assert edges == {(end, label, start) for start, label, end in edges}, "some path does not lead back"
    assert labels == {label for start, label, _ in edges if start == 0}, "some label is missing at the beginning"
    listed = Listed(game) if max(game.shape) <= 3 else None
    if listed and listed.nondegenerate:
        near = [min(distance(profile, known) for known in listed.equilibria) for profile in found.profiles]
        assert max(near) <= 1e-6, "an end of a path is not among all equilibria"
    return worst(game, found.profiles)


def _batch(several: list[BimatrixGame]) -> float:
    """Games of one shape at once, as one by one."""
    A, B = (np.array([getattr(game, name) for game in several]) for name in "AB")
    found = bimatrix.lemke_howson_batch(A, B)
    assert found.solved.all(), "some game of the batch is not solved"
    pairs = zip(several, found.row, found.column, strict=True)
    return float(np.max([off(BimatrixGame(game.A, game.B), (row, column)) for game, row, column in pairs]))


@st.composite
def _batches(draw: Any) -> list[BimatrixGame]:
    game = draw(bimatrix_games(max_size=5))
    shares = draw(st.lists(st.integers(0, 3), max_size=3))
    return [game, *(BimatrixGame(game.A * 2.0**-k, np.roll(game.B, k, axis=1)) for k in shares)]


def distance(one: Any, other: Any) -> float:
    """The greatest difference of two profiles' probabilities."""
    pairs = zip(one, other, strict=True)
    return max(abs(float(p) - float(q)) for mix, known in pairs for p, q in zip(mix, known, strict=True))


# --- what does not matter --------------------------------------------------------------------------------------------


def _order(drawn: tuple[BimatrixGame, list[int], list[int]]) -> float:
    game, rows, columns = drawn
    turned = ordered(game, rows, columns)
    found = bimatrix.lemke_howson(turned).require()
    row, column = (np.empty(size) for size in game.shape)
    row[rows], column[columns] = found
    if max(game.shape) <= 4:
        listed = {(p.row, p.column) for p in bimatrix.extreme_equilibria(game).profiles}
        again = {(p.row, p.column) for p in bimatrix.extreme_equilibria(turned).profiles}
        moved = {(tuple(x[i] for i in rows), tuple(y[j] for j in columns)) for x, y in listed}
        assert moved == again, "the equilibria of the game in another order are others"
    return off(game, Profile(row, column))


def _changed_over(game: BimatrixGame) -> float:
    row, column = bimatrix.lemke_howson(game.transposed).require()
    return off(game, Profile(column, row))


@st.composite
def _reordered(draw: Any) -> tuple[BimatrixGame, list[int], list[int]]:
    game = draw(games(5))
    return game, *(list(draw(st.permutations(range(size)))) for size in game.shape)


def _units(drawn: tuple[BimatrixGame, int, int, int]) -> float:
    """Units that are powers of two, and shifts in fractions: nothing is rounded."""
    game, first, second, shift = drawn
    units = Fraction(2) ** first, Fraction(2) ** second
    A, B = exactly(game)
    moved = BimatrixGame(
        [[units[0] * v + shift for v in row] for row in A], [[units[1] * v - shift for v in row] for row in B]
    )
    if max(game.shape) <= 3:
        before, after = (set(map(tuple, bimatrix.extreme_equilibria(g).profiles)) for g in (game, moved))
        assert before == after, "the equilibria in other units are others"
    profile = bimatrix.lemke_howson(moved).require()
    for unit, one, other in zip(units, regrets(game, *profile), regrets(moved, *profile), strict=True):
        assert unit * one == other, "regrets are not in the new unit"
    return max(off(game, profile), off(moved, profile))


def _needless(drawn: tuple[BimatrixGame, int]) -> float:
    """With a row that another one dominates and a copy of a column, equilibria are what they were."""
    game, pick = drawn
    A, B = exactly(game)
    m, n = game.shape
    i, j = pick % m, pick % n
    A, B = [*A, [v - 1 for v in A[i]]], [*B, B[i]]
    wider = BimatrixGame([[*row, row[j]] for row in A], [[*row, row[j]] for row in B])
    if max(game.shape) <= 3:
        every = bimatrix.extreme_equilibria(wider).profiles
        assert not any(row[m] for row, _ in every), "a strategy is used that another one dominates"
        merged = {(row[:m], _merged(column, j)) for row, column in every}
        assert merged == set(map(tuple, bimatrix.extreme_equilibria(game).profiles)), "a copy makes other equilibria"
    row, column = bimatrix.lemke_howson(wider).require()
    return max(float(row[m]), off(wider, (row, column)), off(game, (row[:m], _merged(column, j))))


def _merged(mix: Any, copied: int) -> tuple[Any, ...]:
    """The mix with what the last strategy, a copy, is used moved to the original."""
    *own, extra = mix
    return tuple(p + extra if k == copied else p for k, p in enumerate(own))


# --- certificates ----------------------------------------------------------------------------------------------------


@st.composite
def _judged(draw: Any) -> tuple[BimatrixGame, Any]:
    game = draw(games(5))
    return game, draw(profiles(game.shape) | rational_profiles(game.shape))


def _residuals(drawn: tuple[BimatrixGame, Any]) -> float:
    """What `regrets` says is what fractions say, to rounding relative to the range, and exactly of fractions."""
    game, profile = drawn
    told, true = game.regrets(profile), regrets(game, *profile)
    if isinstance(profile, RationalProfile):
        assert tuple(told) == true, "the regrets of a rational profile are not exact"
        assert certificates.certify(game, profile).residual == max(true), "the residual is not the regret"
    pairs = zip(told, true, ranges(game), strict=True)
    return max(float(abs(Fraction(one) - other) / size) if size else float(one) for one, other, size in pairs)


def _verdicts(drawn: tuple[BimatrixGame, Any]) -> float:
    """A certificate holds just above the regret, and just below it does not."""
    game, profile = drawn
    exact = RationalProfile(*map(_exact_mix, profile))
    sizes, true = game.magnitudes(), [float(gain) for gain in regrets(game, *exact)]
    above, below = ([gain * (1 + sign) + sign * size for gain, size in zip(true, sizes, strict=True)]
                    for sign in (1e-9, -1e-9))  # fmt: skip
    assert certificates.certify(game, exact, tolerance=np.array(above)).holds, "an allowed regret is refused"
    if max(true) == 0:
        assert certificates.certify(game, exact).holds, "an exact equilibrium is refused"
        return 0.0
    assert not certificates.certify(game, exact).holds, "a profile that leaves a regret passes for an equilibrium"
    if min(below) >= 0:
        assert not certificates.certify(game, exact, tolerance=np.array(below)).holds, "too great a regret passes"
    floats = Profile(*(np.array(mix, dtype=float) for mix in exact))
    if any(gain > 1e-6 * size for gain, size in zip(true, sizes, strict=True)):
        assert not certificates.certify(game, floats, tolerance=1e-9 * sizes).holds, "a great regret passes in floats"
    return 0.0


def _exact_mix(mix: Any) -> tuple[Fraction, ...]:
    """Fractions that sum to 1."""
    weights = [Fraction(p) for p in mix]
    return tuple(weight / sum(weights) for weight in weights)


def _shaken(drawn: tuple[BimatrixGame, int, int]) -> float:
    """An equilibrium from which a share of a player's probability is moved to what is no best reply."""
    game, pick, share = drawn
    A, B = exactly(game)
    equilibria = sorted(Listed(game).equilibria)
    x, y = equilibria[pick % len(equilibria)]
    rows, columns = (
        [sum(v * p for v, p in zip(line, mix, strict=True)) for line in lines]
        for lines, mix in ((A, y), ([list(line) for line in zip(*B, strict=True)], x))
    )
    assert certificates.certify(game, RationalProfile(x, y)).holds, "an equilibrium is refused"
    for player, (earned, own) in enumerate(((rows, x), (columns, y))):
        least = earned.index(min(earned))
        if earned[least] < max(earned):
            part = Fraction(1, 10**share)
            mix = tuple((1 - part) * p + part * (k == least) for k, p in enumerate(own))
            moved = RationalProfile(x, mix) if player else RationalProfile(mix, y)
            assert not certificates.certify(game, moved).holds, f"a share of {part} on a worse strategy passes"
    return 0.0


def _no_mixes(drawn: tuple[BimatrixGame, int, float]) -> float:
    """An equilibrium whose probabilities are shifted, so that they are none, passes at no tolerance."""
    game, pick, by = drawn
    row, column = bimatrix.lemke_howson(game).require()
    row, column = row.copy(), column.copy()
    changed = (row, column)[pick % 2]
    changed[pick % len(changed)] += by
    for tolerance in (1e-9 * game.magnitudes(), 1e9):
        found = certificates.certify(game, Profile(row, column), tolerance=tolerance)
        assert not found.holds, f"a sum of probabilities of {changed.sum():.9g} passes"
    told = game.infeasibility(Profile(row, column))
    return abs(float(told) - float(infeasible((row, column))))


def _refined(game: BimatrixGame) -> float:
    """An equilibrium in floats, of which `exact_equilibrium` makes one in fractions."""
    found: Solution[RationalProfile] = bimatrix.exact_equilibrium(game, bimatrix.lemke_howson(game).require())
    if max(game.shape) <= 3 and Listed(game).nondegenerate:
        assert tuple(found.require()) in Listed(game).equilibria, "it is made into none of the game's equilibria"
    return worst(game, found.profiles)


def _labelled(size: int) -> st.SearchStrategy[tuple[BimatrixGame, int]]:
    return st.tuples(bimatrix_games(max_size=size), st.integers(0, LABELS - 1))


def _saved_first(several: list[BimatrixGame], path: Path) -> Path:
    return saved(several[0], path)


PROPERTIES: tuple[Property, ...] = (
    of_games(
        1,
        "Lemke-Howson ends in an equilibrium from every label",
        lambda: bimatrix_games(),
        _float_paths,
        tolerance=1e-9,
        share=0.25,
    ),
    of_games(
        2, "In integers, Lemke-Howson ends in an exact equilibrium", lambda: _labelled(5), _exact_paths, share=0.6
    ),
    of_games(3, "A path of Lemke-Howson leads back where it came from", lambda: _labelled(5), _way_back, share=0.5),
    of_games(
        4,
        "Where nothing ties, floats and integers make the same pivots",
        lambda: bimatrix_games(max_size=4, kinds=("integers", "dense-supports", "long-paths")),
        _one_path,
        tolerance=1e-9,
        share=0.15,
    ),
    of_games(
        5,
        "All that paths reach is an equilibrium, and every path leads back",
        lambda: bimatrix_games(max_size=4),
        _all_paths,
        tolerance=1e-9,
        share=0.3,
    ),
    of_games(
        6, "A batch of games is solved as each is", _batches, _batch, tolerance=1e-9, save=_saved_first, share=0.4
    ),
    of_games(7, "The order of strategies changes no equilibrium", _reordered, _order, tolerance=1e-9, share=0.4),
    of_games(
        8, "Players changed over have the same equilibria", lambda: games(5), _changed_over, tolerance=1e-9, share=0.5
    ),
    of_games(
        9,
        "Units and shifts of payoffs change no equilibrium",
        lambda: st.tuples(games(4, *ORDINARY), *[st.integers(-40, 40)] * 2, st.integers(-9, 9)),
        _units,
        tolerance=1e-9,
        share=0.4,
    ),
    of_games(
        10,
        "Dominated strategies are not used, and a copy of a strategy is that strategy",
        lambda: st.tuples(games(4, "ties", "integers", "rationals", "identity-like", "near-ties"), st.integers(0, 11)),
        _needless,
        tolerance=1e-9,
        share=0.4,
    ),
    of_games(11, "Regrets are what fractions say", _judged, _residuals, tolerance=1e-12, share=0.6),
    of_games(12, "A certificate holds above the regret and not below it", _judged, _verdicts, share=0.6),
    of_games(
        13,
        "A certificate refuses an equilibrium with a share moved to a worse strategy",
        lambda: st.tuples(small_games(), st.integers(0, 30), st.integers(1, 12)),
        _shaken,
        share=0.4,
    ),
    of_games(
        14,
        "A certificate refuses what is no mix, at any tolerance",
        lambda: st.tuples(games(4), st.integers(0, 11), st.sampled_from((0.5, 1e-3, 1e-6, 1e-8, -1e-8, -0.25))),
        _no_mixes,
        tolerance=1e-15,
        share=0.6,
    ),
    of_games(15, "What an equilibrium in floats is made into is an exact one", lambda: games(5), _refined, share=0.4),
    *_bimatrix_lists.PROPERTIES,
    *_bimatrix_paths.PROPERTIES,
)
