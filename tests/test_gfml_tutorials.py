"""What the tutorials and the theory of the dual game say in numbers.

`test_examples` executes the notebooks as a whole, with their own checks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
from test_examples import ROOT
from test_project import script

from solvers.core import Status
from solvers.stackelberg import load, solve

ROUNDS, TABLE = (ROOT / "examples" / f"{name}.py" for name in ("gfml_rounds", "reproducing_table_three"))
THEORY = (ROOT / "docs" / "theory" / "federated.md").read_text(encoding="utf-8").replace("\n", " ")
GFML = load("gfml")


PEAKS = [
    ([1, 2, 3], [2]),
    ([3, 2, 1], [0]),
    ([1, 3, 2, 4], [1, 3]),
    ([3, 1, 3], [0, 2]),
    ([1, 2, 2, 1], [1]),
    ([7], [0]),
]


def test_local_maxima_are_found_ends_included():
    peaks = script(ROUNDS).peaks
    for values, expected in PEAKS:
        assert peaks(np.array(values)).tolist() == expected


def test_the_theory_quotes_what_the_notebook_computes():
    notebook = script(TABLE)
    _, drawn = notebook.drawn_coalitions.run()
    first = np.sum(drawn["missed"]["bisection, the ends looked at first"] > 1e-6)
    assert f"wrong in {first} of 60 drawn coalitions" in THEORY
    columns, label = GFML.table, GFML.table["coalition"]
    four = [notebook.game_of({name: column[label == j] for name, column in columns.items()}) for j in range(4)]
    _, data = notebook.amounts_of_data.run(four=four)
    (gfml, _), (best_effort, _) = data["fits"]
    assert f"takes about {gfml:.0f} and {best_effort:.0f} Mbit" in THEORY


def among(members, similarity, worth):
    """The incentive game of these users, whoever gains nothing by it included."""
    n, who = len(members), list(members)
    same = {"coalition": 0.0, "D": 7e7, "B": 10.0, "T_max": 12.0, "lo": 1e7, "hi": 1e9}
    table = {name: np.full(n, value) for name, value in same.items()}
    game = GFML.with_followers(table | {"S": similarity[who], "H": worth[who]})
    return replace(game, participation=False)


def fits(members, similarity, worth):
    """Whether at the price that is best for these members all of them gain, and nobody else would by joining."""
    game = among(members, similarity, worth)
    best = solve(game).require()
    if np.any(game.follower_utilities(best.price, best.decisions) <= 0):
        return False
    for user in set(range(len(similarity))) - set(members):
        joined = sorted((*members, user))
        larger = among(joined, similarity, worth)
        gains = larger.follower_utilities(best.price, larger.best_response(best.price))
        if gains[joined.index(user)] > 0:
            return False
    return True


def test_often_no_set_of_participants_fits():
    rng = np.random.default_rng(0)
    cycling = without = 0
    for _ in range(60):
        similarity = np.concatenate([rng.uniform(-0.2, 1.0, 1), rng.uniform(-1.0, 0.6, 3)])
        worth = rng.uniform(0.3, 1.0, 4)
        everybody = among(range(4), similarity, worth)
        if solve(replace(everybody, participation=True)).status is Status.CYCLE:
            cycling += 1
            sets = [members for size in range(1, 5) for members in combinations(range(4), size)]
            without += not any(fits(members, similarity, worth) for members in sets)
    said = re.search(r"Of (\d+) coalitions of four drawn at random, .* (\d+) cycled, and in (\d+) of these", THEORY)
    assert [int(number) for number in said.groups()] == [60, cycling, without]
