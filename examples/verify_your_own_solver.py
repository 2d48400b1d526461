import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A solver of your own, put to the test")

with app.setup:
    import contextlib
    import io
    import json
    import os
    import tempfile
    from itertools import combinations, product
    from pathlib import Path

    import marimo as mo
    import numpy as np
    from hypothesis import strategies as st

    from solvers.bimatrix import BimatrixGame, Profile
    from solvers.bimatrix.__main__ import main as bimatrix_command
    from solvers.hedonic import Partition
    from verification import certify
    from verification.certificate_files import content
    from verification.check import check
    from verification.conformance import (
        Conformance,
        Fault,
        SolverFailed,
        check_bimatrix_solver,
        check_hedonic_solver,
    )
    from verification.properties import Property, attempt
    from verification.strategies import KINDS


@app.function
def outcome(checked, solver, **options):
    """What `checked(solver)` comes to: `Conformance`, or `SolverFailed` with the smallest game that was found."""
    try:
        return checked(solver, **options)
    except SolverFailed as failed:
        return failed


@app.function
def told(found):
    """An outcome in words."""
    if isinstance(found, Conformance):
        return mo.md(f"**passes** on {found.examples} games; the worst regret is {found.worst:.1g} of the payoffs.")
    return mo.vstack([mo.md(f"**{found.fault}**:"), mo.plain_text(str(found))])


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A solver of your own, put to the test

    Say that you have written a solver for two-player games, in thirty lines, and that it gets the textbook's examples
    right. Is it right? This notebook finds the smallest game on which it is not, mends it, and goes on until nothing is
    found any more. Then it does the same to a solver that does not always come back, shows the line that belongs into
    your tests, how to ask for games as hard as yours, and how to check an answer that came from elsewhere.

    Every verdict below is computed while you read; change a cell, and all that depends on it follows.

    ## 1. Thirty lines

    In equilibrium, all strategies that a player mixes are equally good. So take a set of rows and one of columns of the
    same size, solve for the probabilities that make them equally good, and if all are positive, that is the answer.
    """)
    return


@app.function
def equaliser(A, rows, columns):
    """Probabilities of `columns`, 0 for all others, that make `rows` worth the same; None if that has no answer."""
    size = len(rows)
    system = np.ones((size + 1, size + 1))
    system[:size, :size], system[size, size] = A[np.ix_(rows, columns)], 0.0
    try:
        solved = np.linalg.solve(system, np.append(np.zeros(size), 1.0))
    except np.linalg.LinAlgError:
        return None
    y = np.zeros(A.shape[1])
    y[list(columns)] = solved[:size]
    return y


@app.function
def candidates(A, B):
    """Rows, columns, and the probabilities x and y that make them equally good, the fewest first."""
    m, n = A.shape
    for size in range(1, min(m, n) + 1):
        for rows, columns in product(combinations(range(m), size), combinations(range(n), size)):
            x, y = equaliser(B.T, columns, rows), equaliser(A, rows, columns)
            if x is not None and y is not None:
                yield rows, columns, x, y


@app.function
def supports_only(A, B):
    """The first mixes that make their strategies equally good."""
    for rows, columns, x, y in candidates(A, B):
        if np.all(x[list(rows)] > 0) and np.all(y[list(columns)] > 0):
            return x, y
    raise ValueError("no equilibrium found")


@app.cell
def _():
    first = outcome(check_bimatrix_solver, supports_only, max_size=3)
    told(first)
    return (first,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `check_bimatrix_solver` draws games, gives each to the solver, and certifies what comes back from the payoffs alone.
    Where that fails, it looks for smaller games that fail as well. The game above needs no pencil: the solver takes the
    first strategy, and never asks whether one that it leaves out would be better.

    ## 2. Mended, and refuted again

    Outside strategies must not be better. Easily said:
    """)
    return


@app.function
def outside_checked(A, B):
    """As before, but no other strategy may be better."""
    for rows, columns, x, y in candidates(A, B):
        positive = np.all(x[list(rows)] > 0) and np.all(y[list(columns)] > 0)
        if positive and np.max(A @ y) == x @ A @ y and np.max(x @ B) == x @ B @ y:
            return x, y
    raise ValueError("no equilibrium found")


@app.cell
def _():
    second = outcome(check_bimatrix_solver, outside_checked, max_size=3, examples=1000)
    told(second)
    return (second,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two numbers that should be equal are not, after rounding, and the solver refuses the equilibrium that it has in its
    hands. So there must be a tolerance. A billionth is little, is it not?
    """)
    return


@app.function
def with_tolerance(A, B):
    """As before, but what is better by 1e-9 counts as equally good."""
    for rows, columns, x, y in candidates(A, B):
        positive = np.all(x[list(rows)] > 0) and np.all(y[list(columns)] > 0)
        if positive and np.max(A @ y) <= x @ A @ y + 1e-9 and np.max(x @ B) <= x @ B @ y + 1e-9:
            return x, y
    raise ValueError("no equilibrium found")


@app.cell
def _():
    third = outcome(check_bimatrix_solver, with_tolerance, max_size=2, kinds=["units"])
    told(third)
    return (third,)


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    A billionth of what? Somebody who counts in another unit gets another answer. `kinds` says which games are drawn,
    here those in tiny and huge units. There are {len(KINDS)} kinds: {", ".join(KINDS)}.

    A tolerance is a share of something. Here it becomes one of the range of a player's payoffs:
    """)
    return


@app.function
def shares(A):
    """Payoffs between 0 and 1."""
    return (A - A.min()) / (np.ptp(A) or 1.0)


@app.function
def in_shares(A, B):
    """As before, in shares of the range of the payoffs."""
    return with_tolerance(shares(A), shares(B))


@app.cell
def _():
    fourth = outcome(check_bimatrix_solver, in_shares, max_size=4)
    told(fourth)
    return (fourth,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A hundred games of all kinds may find nothing wrong with it. That is evidence, and no proof.

    ## 3. Games like yours

    You know which games you will solve. Suppose that they are zero-sum, with few different payoffs, so that there are
    many ties. A strategy of Hypothesis for these is three lines, and `Property` is anything that you want to hold of
    what is drawn: here, that the solver's answer is an equilibrium, to within a billionth of the payoffs.
    """)
    return


@app.function
def zero_sum_games():
    """A strategy for zero-sum games of two to four rows and four columns, with payoffs from 0 to 3."""
    row = st.lists(st.integers(0, 3), min_size=4, max_size=4)
    return st.lists(row, min_size=2, max_size=4).map(np.array).map(lambda A: BimatrixGame(A, -A))


@app.function
def solves_zero_sum(solver):
    """The property that `solver` solves zero-sum games."""

    def regret(game):
        try:
            profile = Profile(*solver(game.A, game.B))
        except ValueError as problem:
            raise AssertionError(problem) from None
        sizes = np.maximum(game.magnitudes(), np.finfo(float).tiny)
        return float(np.max(certify(game, profile).regrets / sizes))

    return Property(
        name="zero-sum",
        family="bimatrix",
        equation="",
        statement="the answer is an equilibrium of a zero-sum game",
        examples=zero_sum_games,
        measure=regret,
        tolerance=1e-9,
    )


@app.cell
def _():
    tried = attempt(solves_zero_sum(in_shares), examples=2000)
    mo.md(
        f"""
        {tried.examples} games were drawn until one failed, *{tried.failure.problem}*. The smallest that was found:

        ```text
        {tried.failure.example.split("), B=")[0]}
        ```
        """
    )
    return (tried,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With ties there may be no equilibrium in which both players mix equally many strategies. But there is always one in
    which the sets are equally large and some of their probabilities are 0. So zeros must be allowed, and with them tiny
    negative numbers, which rounding makes of zeros:
    """)
    return


@app.function
def mix(weights):
    """Probabilities: without what rounding has left below 0."""
    kept = np.maximum(weights, 0.0)
    return kept / kept.sum()


@app.function
def zeros_allowed(A, B):
    """As before, but probabilities within the sets may be 0."""
    A, B = shares(A), shares(B)
    for *_, x, y in candidates(A, B):
        if np.min(x) < -1e-9 or np.min(y) < -1e-9:
            continue
        x, y = mix(x), mix(y)
        if max(np.max(A @ y) - x @ A @ y, np.max(x @ B) - x @ B @ y) < 5e-10:
            return x, y
    raise ValueError("no equilibrium found")


@app.cell
def _():
    mended = attempt(solves_zero_sum(zeros_allowed), examples=300)
    passed = outcome(check_bimatrix_solver, zeros_allowed, max_size=4)
    mo.vstack(
        [
            mo.md(f"Zero-sum games, {mended.examples} of them: {'one fails' if mended.failure else 'none fails'}."),
            mo.md("Games of all kinds:"),
            told(passed),
        ]
    )
    return mended, passed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. The line in your tests

    ```python
    from verification.conformance import check_bimatrix_solver
    from your_package import your_solver


    def test_my_solver():
        check_bimatrix_solver(your_solver)
    ```

    It raises an `AssertionError`, so that pytest shows the smallest game. `examples` says how many games, `max_size`
    how large, `tolerance` how much regret, `seed` which. For other games there are `check_stackelberg_solver`,
    `check_hedonic_solver` and `check_stochastic_solver`.

    A wrong answer is only one way to fail. The solver runs in a process of its own, and whatever it does there is a
    verdict:
    """)
    return


@app.function
def prints(A, B):
    """An equilibrium, with a word too many."""
    print("solving ..")
    return zeros_allowed(A, B)


@app.function
def overwrites(A, B):
    """An equilibrium of a game that is not there any more."""
    answer = zeros_allowed(A, B)
    A -= A.max()
    A -= 1.0
    return answer


@app.function
def forgets_a_player(A, B):
    """Only the row player's probabilities."""
    return zeros_allowed(A, B)[0]


@app.function
def divides_by_zero(A, B):
    """All nan."""
    return A[:, 0] * np.nan, B[0] * np.nan


@app.function
def ends_the_process(A, B):
    """No answer, and nobody to give one."""
    os._exit(len(A) + len(B))


@app.cell
def _():
    faulty = [prints, overwrites, forgets_a_player, divides_by_zero, ends_the_process]
    faults = [outcome(check_bimatrix_solver, solver, max_size=2, examples=20) for solver in faulty]
    as_table(
        ["solver", "verdict", "in words"],
        [
            (f"`{solver.__name__}`", f"**{found.fault}**", str(found).splitlines()[0].split(": ", 1)[-1])
            for solver, found in zip(faulty, faults, strict=True)
        ],
    )
    return (faults,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. A solver that does not come back

    Players form coalitions. Each goes where it earns most, one after the other, and when nobody moves any more, that is
    a stable partition:
    """)
    return


@app.function
def after_a_turn(game, partition):
    """Where players are when each in turn has gone where it earns most."""
    for i in np.flatnonzero(game.movable):
        slots = range(Partition.OUT if game.has_out else 0, game.capacity)
        places = [partition, *(partition.moved(i, j) for j in slots)]
        partition = max(places, key=lambda place: game.utilities(place)[i])
    return partition


@app.function
def switches_until_all_stay(game):
    """The partition that nobody leaves."""
    partition = game.starting_partition()
    while (after := after_a_turn(game, partition)) != partition:
        partition = after
    return partition.slots


@app.cell
def _():
    endless = outcome(check_hedonic_solver, switches_until_all_stay, kinds=["integers"], max_players=2, seconds=0.5)
    told(endless)
    return (endless,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The process was stopped, and nothing is lost but the time. `weights` are what each player gets from being with each
    other one; where one seeks another who avoids it, both move for ever. So the solver must notice that it has been
    there before. May it then say that nothing is stable? `None` stands for that answer:
    """)
    return


@app.function
def gives_up(game):
    """The partition that nobody leaves, or None if the switches go round."""
    partition, seen = game.starting_partition(), set()
    while (after := after_a_turn(game, partition)) != partition:
        if after in seen:
            return None
        seen.add(after)
        partition = after
    return partition.slots


@app.cell
def _():
    hasty = outcome(check_hedonic_solver, gives_up, kinds=["integers"], max_players=3, examples=1000)
    told(hasty)
    return (hasty,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    It may not: that one run goes round says nothing about partitions that it did not come to. Before it says that
    nothing is stable, it has to look at all of them:
    """)
    return


@app.function
def looks_everywhere(game):
    """A partition that nobody leaves, or None if there is none."""
    found = gives_up(game)
    if found is not None:
        return found
    slots = range(Partition.OUT if game.has_out else 0, game.capacity)
    for places in map(Partition, product(slots, repeat=game.players)):
        if game.infeasibility(places) == 0 and after_a_turn(game, places) == places:
            return places.slots
    return None


@app.cell
def _():
    thorough = outcome(check_hedonic_solver, looks_everywhere, max_players=3)
    told(thorough)
    return (thorough,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 6. An answer in a file

    Whoever gets your answer has neither your solver nor a reason to trust it. Each solver's command writes a
    *certificate*: a file with the whole game, and what is claimed of it.
    """)
    return


@app.cell
def _():
    with tempfile.TemporaryDirectory() as _folder, contextlib.redirect_stdout(io.StringIO()):
        _game, _kept = Path(_folder, "chicken.json"), Path(_folder, "chicken.cert.json")
        _game.write_text('{"A": [[0, 7], [2, 6]], "B": [[0, 2], [7, 6]]}', encoding="utf-8")
        _options = ["--all", "--exact", "--method", "supports", "--certificate", str(_kept)]
        _status = bimatrix_command([str(_game), *_options])
        certificate = json.loads(_kept.read_text(encoding="utf-8"))
    solved = check(certificate)
    mo.vstack(
        [
            mo.md("""
            ```text
            python -m solvers.bimatrix chicken.json --all --exact --method supports --certificate chicken.cert.json
            python -m verification check chicken.cert.json
            ```
            """),
            as_table(solved.HEADS[:4], [row[:4] for row in solved.rows()]),
            mo.md(f"All claims hold: **{solved.holds}** (the first command's exit status was {_status})."),
        ]
    )
    return certificate, solved


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `verification.check` imports no solver. It reads the numbers as they stand, and computes what each player gains by
    its best deviation, in fractions or intervals. If one number in the file is changed, it says so:
    """)
    return


@app.cell
def _(certificate):
    forged = json.loads(json.dumps(certificate))
    forged["game"]["A"][0][1] = 8
    doubted = check(forged)
    as_table(doubted.HEADS[:4], [row[:4] for row in doubted.rows()])
    return (doubted,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Nothing in this needs a solver of ours. Here are two claims about the game of rock, paper and scissors, as a paper
    may print them: one in thirds, one rounded to two digits. `content` makes a certificate of any game and claims.
    """)
    return


@app.cell
def your_claims():
    your_game = {
        "kind": "bimatrix",
        "A": [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
        "B": [[0, 1, -1], [-1, 0, 1], [1, -1, 0]],
    }
    _thirds, _rounded = ["1/3", "1/3", "1/3"], [0.33, 0.33, 0.34]
    your_claims = [
        {"concept": "Nash", "claim": "as printed", "profile": {"row": mixed, "column": mixed}, "tolerance": 0}
        for mixed in (_thirds, _rounded)
    ]
    judged = check(json.loads(content(your_game, your_claims)))
    as_table(judged.HEADS[:4], [row[:4] for row in judged.rows()])
    return (judged,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 7. Your solver

    Open this file with `marimo edit` and write your solver here. This one assumes that there is a pure equilibrium.
    """)
    return


@app.function
def your_solver(A, B):
    """The first pure equilibrium."""
    for i, j in np.ndindex(A.shape):
        if A[i, j] == A[:, j].max() and B[i, j] == B[i].max():
            return np.eye(len(A))[i], np.eye(A.shape[1])[j]
    raise ValueError("no equilibrium found")


@app.cell
def yours():
    your_outcome = outcome(check_bimatrix_solver, your_solver, max_size=3)
    told(your_outcome)
    return (your_outcome,)


@app.cell(hide_code=True)
def _(doubted, endless, faults, first, hasty, judged, mended, passed, second, solved, third, thorough, tried):
    if mo.app_meta().mode == "script":
        print(f"refuted: {', '.join(str(f.fault) for f in (first, second, third, endless, hasty, *faults))}")
        print(f"a property of one's own: {tried.failure.problem}; mended: {mended.failure is None}")
        print(f"passed: {isinstance(passed, Conformance) and isinstance(thorough, Conformance)}")
        print(f"certificates: {solved.holds}, forged {doubted.holds}, printed {[v.holds for v in judged.verdicts]}")
    return


@app.cell
def test_each_solver_is_refuted_for_its_own_fault(first, second, third):
    assert [found.fault for found in (first, second, third)] == [Fault.WRONG, Fault.CRASHES, Fault.WRONG]
    assert max(first.game.shape) == 2
    return


@app.cell
def test_the_mended_one_passes(mended, passed, tried):
    assert tried.failure
    assert mended.failure is None
    assert passed.examples == 100
    assert passed.worst <= 1e-9
    return


@app.cell
def test_every_way_to_fail_has_its_name(faults):
    assert [f.fault for f in faults] == [Fault.PRINTS, Fault.MUTATES, Fault.SHAPE, Fault.NAN, Fault.CRASHES]
    return


@app.cell
def test_what_hangs_is_stopped_and_none_is_checked(endless, hasty, thorough):
    assert endless.fault is Fault.HANGS
    assert hasty.fault is Fault.WRONG
    assert "says that nothing is stable" in str(hasty)
    assert isinstance(thorough, Conformance)
    return


@app.cell
def test_certificates_are_checked_by_their_numbers(doubted, judged, solved):
    assert solved.holds
    assert len(solved.verdicts) == 3
    assert not doubted.holds
    assert [verdict.holds for verdict in judged.verdicts] == [True, False]
    return


if __name__ == "__main__":
    app.run()
