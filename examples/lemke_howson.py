import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The path to an equilibrium")

with app.setup:
    import base64
    import time
    from collections import Counter
    from fractions import Fraction

    import marimo as mo
    import numpy as np

    from solvers.bimatrix import (
        BimatrixGame,
        CorrelatedGame,
        Profile,
        RationalProfile,
        correlated_equilibrium,
        exact_equilibrium,
        extreme_equilibria,
        lemke_howson,
        lemke_howson_all,
        lemke_howson_batch,
        lemke_howson_path,
        support,
    )
    from solvers.bimatrix._plot import picture
    from verification import certify
    from verification.crosscheck import crosscheck


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.function
def mixture(strategy):
    """A strategy in words, floats as the simple fractions they stand for; nothing yet if it is all zeros."""
    if not any(strategy):
        return "–"
    return ", ".join(str(Fraction(float(p)).limit_denominator(1000)) for p in strategy)


@app.function
def labels(game, vertex):
    """The labels of each player's strategy: its own unused strategies, and the opponent's best responses to it."""
    m, n = game.shape
    best_rows, best_columns = game.best_responses(vertex)
    row = {i for i in range(m) if vertex.row[i] == 0}
    column = {m + j for j in range(n) if vertex.column[j] == 0}
    if vertex.row.any():
        row |= {m + int(j) for j in best_columns}
    if vertex.column.any():
        column |= {int(i) for i in best_rows}
    return row, column


@app.function
def listed(numbers):
    """Numbers in order, or a dash."""
    return ", ".join(map(str, sorted(numbers))) or "–"


@app.function
def claim_rows(checked):
    """One row per solver of a cross-check: what it claims, how many of its profiles are wrong, and why."""
    return [
        (v.solver, v.status if v.solution else f"**{v.status}**", v.certified, v.rejected, v.reason or "–")
        for v in checked.verdicts
    ]


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The path to an equilibrium

    Two players each choose a strategy, at the same time, and each gets a payoff that depends on both. A pair of
    strategies, possibly mixed ones, is a *Nash equilibrium* if neither player gains by changing its own. One always
    exists, and the algorithm of Lemke and Howson (1964) walks to it along a path of corners.

    This notebook follows such a path step by step, shows where ties lead, finds all equilibria instead of one, and
    looks at what happens when the answer is wrong. Every number below is computed while you read; change a cell, and
    all that depends on it follows.

    ## 1. A game

    The example is from B. von Stengel, *Equilibrium computation for two-player games in strategic and extensive form*
    (Algorithmic Game Theory, 2007, chapter 3). The row player has three strategies, the column player two. Both
    matrices have a row for each of the row player's strategies.
    """)
    return


@app.cell
def _():
    game = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]], title="von Stengel's 3x2 game")
    _cells = [[f"{a:.0f}, {b:.0f}" for a, b in zip(*rows, strict=True)] for rows in zip(game.A, game.B, strict=True)]
    as_table(["", "column 0", "column 1"], [(f"**row {i}**", *cells) for i, cells in enumerate(_cells)])
    return (game,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. Labels, and the path

    Number all strategies: 0, 1, 2 are the rows, 3 and 4 the columns. A strategy of a player carries a label for each of
    its *own strategies that it does not use*, and for each of the *opponent's strategies that are best against it*. A
    pair of strategies is an equilibrium exactly if every label occurs: each strategy is then unused or a best response.

    The path starts at the *artificial equilibrium*, where nobody plays anything yet, and every label occurs because
    everything is unused. Now **drop one label**: its player moves along an edge to a new corner, and *picks up* another
    label there. The other player has that label already, so it drops it, moves in turn, and picks up a label too. This
    goes on until the label that is picked up is the one that was dropped first. Then all labels are there again, and
    this is an equilibrium. No corner is met twice, because each has only one way in and one way out.

    Choose the label to drop:
    """)
    return


@app.cell
def _(game):
    initial = mo.ui.slider(0, sum(game.shape) - 1, step=1, value=1, label="initial label", show_value=True)
    initial
    return (initial,)


@app.cell
def the_path(game, initial):
    path = lemke_howson_path(game, initial_label=initial.value)
    _rows = []
    for _step, _vertex in enumerate(path):
        _row, _column = labels(game, _vertex)
        _missing = set(range(sum(game.shape))) - _row - _column
        _verdict = f"missing {listed(_missing)}, twice {listed(_row & _column)}" if _missing else "**all there**"
        _rows.append((_step, mixture(_vertex.row), mixture(_vertex.column), listed(_row), listed(_column), _verdict))
    mo.vstack(
        [
            as_table(["step", "row plays", "column plays", "row's labels", "column's labels", "together"], _rows),
            mo.md(f"The path of label {initial.value} has {len(path) - 1} steps. {certify(game, path[-1])}."),
        ]
    )
    return (path,)


@app.cell(hide_code=True)
def _(everything, game, initial, path):
    _content = picture(game, everything.profiles, path, label=initial.value)
    _source = f"data:image/png;base64,{base64.b64encode(_content).decode()}"
    mo.vstack(
        [
            mo.md(
                r"""
                Above: what each row earns, over the probability of column 1, and which column is best against each
                mixture of rows; the stars are the equilibria. Below: the path in both players' strategies.
                """
            ),
            mo.image(_source, alt="Best responses and the Lemke-Howson path", width="100%"),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. Where the paths lead

    From each equilibrium a path of each label leads on, to another one or back to the artificial one. So equilibria
    come in pairs, if the artificial one is counted, and a game without ties has an odd number of them.
    `lemke_howson_all` follows them all:
    """)
    return


@app.cell
def _(game):
    graph = lemke_howson_all(game)
    _names = ["artificial", *(f"{i}: {mixture(p.row)} / {mixture(p.column)}" for i, p in enumerate(graph.profiles, 1))]
    _ends = {(start, label): end for start, label, end in graph.edges}
    as_table(
        ["from", *(f"label {k}" for k in range(sum(game.shape)))],
        [
            (name, *(f"to {_ends[node, k] or 'artificial'}" for k in range(sum(game.shape))))
            for node, name in enumerate(_names)
        ],
    )
    return (graph,)


@app.cell
def _(game, graph):
    everything = extreme_equilibria(game)
    mo.md(
        f"""
        No path from the artificial equilibrium ends at the mixture of rows 0 and 1; it is reached by going on from
        another equilibrium. There are games where paths reach only some of the equilibria, so this list is never called
        complete (`complete` is {graph.complete}). A proof that there are no others takes an enumeration:
        `extreme_equilibria` finds {len(everything.profiles)}, `complete` is {everything.complete}.
        """
    )
    return (everything,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. Ties

    Change one number: against row 0, the column player now gets 3 from either column. Such a game is *degenerate*: a
    strategy has more best responses than it uses strategies. A path can then meet a corner with too many labels, where
    the next step is not determined. A careless choice can lead in circles. Here ties are broken as if every payoff had
    been changed by an infinitesimal amount of its own (the *lexicographic* rule), so that no corner is met twice.
    """)
    return


@app.cell
def _():
    tied = BimatrixGame([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]], title="with a tie")
    reached, whole = lemke_howson_all(tied), extreme_equilibria(tied)
    segment = next(c for c in whole.components if not c.isolated)
    _row, _ends = segment.subsets[0][0][0], segment.subsets[0][1]
    between = RationalProfile(_row, tuple(sum(p) / 2 for p in zip(*_ends, strict=True)))
    between_certificate = certify(tied, between)
    _known = {(mixture(p.row), mixture(p.column)) for p in reached.profiles}
    mo.vstack(
        [
            as_table(
                ["extreme equilibrium: row plays", "column plays", "found by paths"],
                [
                    (
                        mixture(p.row),
                        mixture(p.column),
                        "yes" if (mixture(p.row), mixture(p.column)) in _known else "no",
                    )
                    for p in whole.profiles
                ],
            ),
            mo.md(
                f"""
                The {len(whole.profiles)} extreme equilibria make {len(whole.components)} components. One is a whole
                segment: every mixture of its ends is an equilibrium too, for example ({mixture(between.row)}) against
                ({mixture(between.column)}). {between_certificate}. So *the number of equilibria is odd* need not be
                true where there are ties, and a list of all equilibria is a list of components.
                """
            ),
        ]
    )
    return between_certificate, reached, whole


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. Exactly

    Paths can be long. This game has one equilibrium, and the length of the path to it depends on the label. It is one
    of a family whose paths grow exponentially with the size of the game (R. Savani and B. von Stengel, *Hard-to-solve
    bimatrix games*, Econometrica 74, 2006).
    """)
    return


@app.cell
def _():
    hard = BimatrixGame(
        [
            [-180, 72, -333, 297, -153, 270],
            [-30, 17, -33, 42, -3, 20],
            [-81, 36, -126, 126, -36, 90],
            [90, -36, 126, -126, 36, -81],
            [20, -3, 42, -33, 17, -30],
            [270, -153, 297, -333, 72, -180],
        ],
        [
            [72, 36, 17, -3, -36, -153],
            [-180, -81, -30, 20, 90, 270],
            [297, 126, 42, -33, -126, -333],
            [-333, -126, -33, 42, 126, 297],
            [270, 90, 20, -30, -81, -180],
            [-153, -36, -3, 17, 36, 72],
        ],
        title="a long path",
    )
    lengths = [lemke_howson(hard, initial_label=k).stats["pivots"] for k in range(12)]
    as_table(["label", *range(12)], [("steps", *lengths)])
    return hard, lengths


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The path was followed in floating-point numbers, so its end is right up to rounding. `exact_equilibrium` takes from
    it only *which* strategies are used, solves the equations that belong to them in rationals, and checks every
    inequality in rationals. `certify` then works in rationals too, and allows no error at all:
    """)
    return


@app.cell
def _(hard):
    rounded = lemke_howson(hard).require()
    exact = exact_equilibrium(hard, rounded).require()
    exact_certificate = certify(hard, exact)
    as_table(
        ["", "row plays", "certificate"],
        [
            (
                "floats",
                ", ".join(f"{p:.4f}" for p in rounded.row),
                certify(hard, rounded, tolerance=1e-9 * hard.magnitudes()),
            ),
            ("rationals", ", ".join(map(str, exact.row)), exact_certificate),
        ],
    )
    return exact, exact_certificate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 6. Every equilibrium

    How many equilibria can a game have? With 6 strategies each, 75 are possible (B. von Stengel, *New maximal numbers
    of equilibria in bimatrix games*, Discrete and Computational Geometry 21, 1999). `extreme_equilibria` enumerates
    the corners of both polytopes in integers, so that rounding can neither lose one nor invent one.
    """)
    return


@app.cell
def _():
    crowded = BimatrixGame(
        [
            [9504, -660, 19976, -20526, 1776, -8976],
            [-111771, 31680, -130944, 168124, -8514, 52764],
            [397584, -113850, 451176, -586476, 29216, -178761],
            [171204, -45936, 208626, -263076, 14124, -84436],
            [1303104, -453420, 1227336, -1718376, 72336, -461736],
            [737154, -227040, 774576, -1039236, 48081, -300036],
        ],
        [
            [72336, 48081, 29216, 14124, 1776, -8514],
            [-461736, -300036, -178761, -84436, -8976, 52764],
            [1227336, 774576, 451176, 208626, 19976, -130944],
            [-1718376, -1039236, -586476, -263076, -20526, 168124],
            [1303104, 737154, 397584, 171204, 9504, -111771],
            [-453420, -227040, -113850, -45936, -660, 31680],
        ],
        title="75 equilibria",
    )
    crowd = extreme_equilibria(crowded)
    crowd_certificates = [certify(crowded, profile) for profile in crowd.profiles]
    _sizes = Counter(len(support(profile)[0]) for profile in crowd.profiles)
    mo.vstack(
        [
            as_table(["strategies used", *sorted(_sizes)], [("equilibria", *(_sizes[k] for k in sorted(_sizes)))]),
            mo.md(
                f"{len(crowd.profiles)} equilibria, `complete` is {crowd.complete}; certified in rationals: "
                f"{sum(c.holds for c in crowd_certificates)} of {len(crowd_certificates)}."
            ),
        ]
    )
    return crowd, crowd_certificates


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 7. Wrong answers

    Which unit payoffs are in changes no equilibrium. But it changes what a computer takes for zero. Here is a game of
    Shapley (*Some topics in two-person games*, 1964), whose only equilibrium is to play all three strategies equally
    often, with its payoffs in a small unit:
    """)
    return


@app.cell
def _():
    tiny = BimatrixGame(
        1e-11 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        1e-11 * np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        title="Shapley's game, small payoffs",
    )
    wrong = Profile(np.array([1.0, 0, 0]), np.array([1.0, 0, 0]))
    naive, strict = certify(tiny, wrong), certify(tiny, wrong, tolerance=1e-9 * tiny.magnitudes())
    mo.vstack(
        [
            mo.md("Somebody claims that row 0 and column 0 are an equilibrium. Is that so?"),
            as_table(
                ["tolerance", "certificate"],
                [("1e-9, whatever the payoffs are", naive), ("1e-9 of the range of each player's payoffs", strict)],
            ),
            mo.md(
                f"The column player would gain {strict.regrets[1]:.0e}. That is nothing beside 1e-9, and all that "
                "there is to gain in this game. A tolerance needs the game's own unit."
            ),
        ]
    )
    return naive, strict, tiny


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `crosscheck` asks several libraries about one game, each in a process of its own that a time limit stops, and
    certifies every profile that comes back. This is what the releases installed here say about the game with small
    payoffs, and about the one with the long path:
    """)
    return


@app.cell
def other_libraries(hard, tiny):
    _solvers = ["lemke_howson", "gambit_lcp", "nashpy_lemke_howson", "quantecon_lemke_howson"]
    checks = [crosscheck(g, solvers=_solvers, time_limit=2.0) for g in (tiny, hard)]
    _absent = sorted({v.reason for checked in checks for v in checked.verdicts if v.solution is None})
    mo.vstack(
        [
            *(
                mo.vstack(
                    [
                        mo.md(f"**{checked.game.title}**"),
                        as_table(["solver", "status", "certified", "wrong", "remark"], claim_rows(checked)),
                    ]
                )
                for checked in checks
            ),
            mo.md(
                f"**Not every library was asked:** {'; '.join(_absent)}. The rows above say *not run*."
                if _absent
                else "Every library is installed, and was asked."
            ),
        ]
    )
    return (checks,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Rounding can mislead any solver that works in floats. What counts is that the answer is checked before anybody sees
    it. Here `lemke_howson` measures the regrets on the payoffs as given before it returns anything; where floats fail,
    it walks the path again in integers.

    ## 8. More than Nash

    In the game of chicken, each player yields (row 1, column 1) or does not. Let a referee draw a cell and tell each
    player only its own part, as a traffic light does. If it is best for both to obey, this is a *correlated*
    equilibrium. It can be worth more in total than any Nash equilibrium.
    """)
    return


@app.cell
def _():
    chicken = BimatrixGame([[0, 7], [2, 6]], [[0, 2], [7, 6]], title="chicken")
    nash = extreme_equilibria(chicken)
    correlated = correlated_equilibrium(chicken)
    referee = CorrelatedGame(chicken)
    referee_certificate = certify(referee, correlated.require(), tolerance=1e-9 * chicken.magnitudes())
    welfare = [float(sum(chicken.payoffs(profile))) for profile in nash.profiles]
    _mixed = " ; ".join(", ".join(f"{p:.2f}" for p in line) for line in correlated.require())
    mo.vstack(
        [
            as_table(
                ["equilibrium", "row expects", "column expects", "together"],
                [
                    *(
                        (
                            f"Nash: {mixture(p.row)} / {mixture(p.column)}",
                            *(f"{u:.3f}" for u in map(float, chicken.payoffs(p))),
                            f"{w:.3f}",
                        )
                        for p, w in zip(nash.profiles, welfare, strict=True)
                    ),
                    (
                        f"correlated: {_mixed}",
                        *(f"{u:.3f}" for u in referee.payoffs(correlated.require())),
                        f"**{correlated.stats['objective']:.3f}**",
                    ),
                ],
            ),
            mo.md(f"{referee_certificate}."),
        ]
    )
    return correlated, referee_certificate, welfare


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 9. A thousand games

    Many small games of one size are one call on stacked arrays, with no Python object per game. The answers are those
    of `lemke_howson`, one by one.
    """)
    return


@app.cell
def _():
    _rng = np.random.default_rng(2024)
    many_A, many_B = _rng.random((2, 1000, 12, 12))
    lemke_howson_batch(many_A[:1], many_B[:1])  # compiled, or loaded, before the clock starts
    _start = time.perf_counter()
    batch = lemke_howson_batch(many_A, many_B)
    _seconds = time.perf_counter() - _start
    batch_certificates = [
        certify(BimatrixGame(A, B), Profile(row, column))
        for A, B, row, column in zip(many_A, many_B, batch.row, batch.column, strict=True)
    ]
    mo.md(
        f"""
        1,000 uniform games of 12 by 12 took {1000 * _seconds:.0f} ms. Solved: {np.sum(batch.solved):,}; certified:
        {sum(c.holds for c in batch_certificates):,}; worst regret {np.max(batch.regrets):.1e}; steps per path:
        {np.median(batch.pivots):.0f} in the median, {np.max(batch.pivots)} at most.
        """
    )
    return batch, batch_certificates


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 10. Your own game

    Open this file with `marimo edit` and change the payoffs. Fractions are taken exactly. A file of Gambit's is read by
    `solvers.bimatrix.load("game.nfg")`.
    """)
    return


@app.cell
def your_game():
    yours = BimatrixGame(
        [[Fraction(1, 2), 0, 2], [1, Fraction(1, 3), 0]],
        [[0, 1, Fraction(1, 2)], [2, 0, 1]],
    )
    your_claim = extreme_equilibria(yours)
    your_certificates = [certify(yours, p) for p in your_claim.profiles]
    mo.vstack(
        [
            as_table(
                ["row plays", "column plays", "row expects", "column expects", "certificate"],
                [
                    (mixture(p.row), mixture(p.column), *yours.payoffs(p), c)
                    for p, c in zip(your_claim.profiles, your_certificates, strict=True)
                ],
            ),
            mo.md(f"{len(your_claim.components)} component(s); `complete` is {your_claim.complete}."),
        ]
    )
    return your_certificates, your_claim


@app.cell(hide_code=True)
def _(batch_certificates, checks, crowd, everything, exact_certificate):
    if mo.app_meta().mode == "script":
        print(f"von Stengel's game: {len(everything.profiles)} equilibria; 6x6: {len(crowd.profiles)} equilibria")
        print(f"6x6 with a long path: {exact_certificate}")
        print(f"a thousand games: {sum(c.holds for c in batch_certificates):,} certified")
        for _checked in checks:
            for _v in _checked.verdicts:
                print(f"{_checked.game.title}: {_v.solver}: {_v.status}{': ' if _v.reason else ''}{_v.reason}")
    return


@app.cell
def test_the_path_ends_where_the_certificate_holds(everything, game, graph, path):
    assert certify(game, path[-1]).holds
    assert everything.complete
    assert len(everything.profiles) == len(graph.profiles) == 3
    return


@app.cell
def test_ties_make_a_continuum(between_certificate, reached, whole):
    assert between_certificate.holds
    assert len(reached.profiles) < len(whole.profiles)
    assert len(whole.components) % 2 == 0
    return


@app.cell
def test_exact_answers_are_exact(crowd, crowd_certificates, exact, exact_certificate, lengths):
    assert exact_certificate.residual == 0
    assert exact.row == tuple(Fraction(k, 30) for k in (1, 5, 9, 9, 5, 1))
    assert min(lengths) < max(lengths) == 88
    assert crowd.complete
    assert len(crowd.profiles) == 75
    assert all(c.holds for c in crowd_certificates)
    return


@app.cell
def test_what_is_wrong_is_refused(checks, naive, strict):
    assert naive.holds
    assert not strict.holds
    for _checked in checks:
        assert _checked["lemke_howson"].certified == 1
        assert _checked["lemke_howson"].rejected == 0
    return


@app.cell
def test_a_referee_is_worth_something(correlated, referee_certificate, welfare):
    assert referee_certificate.holds
    assert correlated.stats["objective"] > max(welfare) + 1
    return


@app.cell
def test_all_of_the_thousand_are_certified(batch, batch_certificates, your_certificates, your_claim):
    assert batch.solved.all()
    assert all(c.holds for c in batch_certificates)
    assert your_claim.profiles
    assert all(c.holds for c in your_certificates)
    return


if __name__ == "__main__":
    app.run()
