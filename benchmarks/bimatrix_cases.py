"""What is measured: the cases of the table, quick and full."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.bimatrix_pairs import Cell
from benchmarks.bimatrix_peers import (
    PIVOTS,
    Problem,
    Stack,
    certeq,
    certeq_batch,
    certeq_exact,
    gambit_rational,
    nashpy,
    quantecon,
    quantecon_loop,
)
from benchmarks.bimatrix_survey import Survey
from verification.generators import FAMILIES, integer

Draw = Callable[[np.random.Generator], Problem]

SAME_LABEL = {5: 2.0, 20: 1.3, 50: 2.0, 100: 3.0, 200: 4.0, 400: 8.0}  # n: ratio asked
ANY = {100: 7.0, 200: 15.0, 400: 25.0}
NOT_SLOWER = ("covariance", "ranking", "sgc", "tournament")
BATCH = {4: 20.0, 12: 5.0}
EXACT = {12: 10.0, 30: 20.0}
CODENOTTI = 10  # pivots of the sweep over labels that quantecon's documentation suggests
LARGEST = 1000  # integer payoffs of the exact cases
QUICK_PATHS = {5: PIVOTS, 20: PIVOTS, 50: PIVOTS, 100: PIVOTS, 200: 20_000, 400: 3_000}
FULL_PATHS = {**QUICK_PATHS, 200: PIVOTS, 400: 100_000}
FEW_PIVOTS, MANY_PIVOTS = 10_000, 300_000  # the limit on a peer's path from label 0


def survey(*, full: bool) -> Survey:
    """How many wrong profiles are looked for."""
    if full:
        return Survey(1000, {"quantecon": 1000, "gambit": 50, "nashpy": 5})
    return Survey(84, {"quantecon": 14, "gambit": 1, "nashpy": 0.2})  # 1,008 games a family


def cells(*, full: bool) -> list[Cell]:
    """All timed cases in the order of the table."""
    more = 5.0 if full else 1.0
    return [
        *(_same_label(n, asked, full=full) for n, asked in SAME_LABEL.items()),
        *(_any("uniform", n, asked, full=full) for n, asked in ANY.items()),
        *(
            cell
            for name in NOT_SLOWER
            for n in ((20, 100, 200) if full else (100,))
            for cell in _families(name, n, more)
        ),
        *(_batch(n, asked, more) for n, asked in BATCH.items()),
        *(_exact(n, asked, more) for n, asked in EXACT.items()),
        Cell(
            "uniform n=20, games both finish", _labelled("uniform", 20), certeq, {"nashpy": nashpy}, 50.0, 40, 12 * more
        ),
    ]


def _same_label(n: int, asked: float, *, full: bool) -> Cell:
    """Games in which both follow the same path; very long ones are left out, for their time."""
    paths, seconds = (FULL_PATHS, 60.0 if n < 200 else 240.0) if full else (QUICK_PATHS, 2.0 if n < 200 else 8.0)
    limit = paths[n]
    case = f"same label, uniform n={n}" + (f", paths up to {limit:,} pivots" if limit < PIVOTS else "")
    peer = quantecon(limit=limit, excused=True) if limit < PIVOTS else quantecon()
    return Cell(case, _labelled("uniform", n), certeq, {"quantecon": peer}, asked, 400, seconds, same_path=True)


def _any(family: str, n: int, asked: float, *, full: bool) -> Cell:
    limit = MANY_PIVOTS if full else FEW_PIVOTS
    peers = {
        "quantecon": quantecon(limit=limit, excused=True),
        f"quantecon, capping={CODENOTTI}": quantecon(capping=CODENOTTI, limit=limit, excused=True),
    }
    seconds = 120.0 if full else 4.0 + n / 50
    return Cell(f"any equilibrium, {family} n={n}", _unlabelled(family, n), certeq, peers, asked, 200, seconds)


def _families(family: str, n: int, more: float) -> list[Cell]:
    """Both ways on a family where no speed-up is asked."""
    peers = {"quantecon": quantecon(limit=FEW_PIVOTS, excused=True)}
    ways = {"same label": _labelled(family, n), "any equilibrium": _unlabelled(family, n)}
    return [
        Cell(f"{way}, {family} n={n}", draw, certeq, peers, 0.9, 100, 2.0 * more, same_path=way == "same label")
        for way, draw in ways.items()
    ]


def _batch(n: int, asked: float, more: float) -> Cell:
    def draw(rng: np.random.Generator) -> Stack:
        return Stack(*rng.random((2, 1000, n, n)))

    case = f"1,000 games {n}x{n}, construction included"
    return Cell(case, draw, certeq_batch, {"quantecon": quantecon_loop}, asked, 20, 2.0 * more)


def _exact(n: int, asked: float, more: float) -> Cell:
    def draw(rng: np.random.Generator) -> Problem:
        return Problem(integer(n, n, rng, top=LARGEST), None)

    case = f"exact equilibrium, integers up to {LARGEST:,}, n={n}"
    return Cell(case, draw, certeq_exact, {"gambit": gambit_rational}, asked, 100, 4.0 * more)


def _labelled(family: str, n: int) -> Draw:
    def draw(rng: np.random.Generator) -> Problem:
        game = FAMILIES[family](n, rng)
        return Problem(game, int(rng.integers(sum(game.shape))))

    return draw


def _unlabelled(family: str, n: int) -> Draw:
    return lambda rng: Problem(FAMILIES[family](n, rng), None)
