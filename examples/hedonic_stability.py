import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Coalitions that never settle")

with app.setup:
    import base64
    import time
    from collections import Counter

    import marimo as mo
    import numpy as np

    from models.gfml import coalition_game
    from solvers.core import Status
    from solvers.hedonic import (
        AdditivelySeparableGame,
        Partition,
        Reputation,
        best_response,
        deviation,
        enumerate_stable,
        exact,
        gain_tolerance,
        potential,
        replay,
        solve,
    )
    from solvers.hedonic._plot import picture
    from verification import certify
    from verification.hedonic_games import learners, unequal_data_cycle


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.function
def image(content, alt):
    """A picture in the page."""
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return mo.image(source, alt=alt, width="100%")


@app.function
def four_players(*, pay=5.0, shared=True, peaks=None):
    """Two heads, and two learners who may choose between them; all are alike but for the careless one's reputation."""
    return coalition_game(
        np.full((4, 2), 0.8),  # similarity S to each head
        np.ones(4),  # data |D|
        5.0,  # competition incentive I
        frequency=0.3,
        reputation=Reputation([1.0, 1.0, 0.1, 1.0], pay=pay, threshold=0.5, floor=0.5, shared=shared, peaks=peaks),
        heads=[0, 1],
        names=["head A", "head B", "careless", "careful"],
        title="Chase and flee",
    )


@app.function
def in_words(game, partition):
    """Who is with whom."""
    return " · ".join("{" + ", ".join(game.names[i] for i in group) + "}" for group in partition.coalitions if group)


@app.function
def switch_rows(game, start, switches):
    """One row per switch: who goes where, what that gains by the members alone, and who is then with whom."""
    _, gains = replay(game, start, switches)
    rows, current = [], start
    for switch, gain in zip(switches, gains, strict=True):
        current = current.moved(switch.player, switch.target)
        rows.append((game.names[switch.player], switch.source, switch.target, f"{gain:.4f}", in_words(game, current)))
    return rows


@app.function
def blocked_as_printed(game, partition):
    """Definition 7 to the letter: a player and a slot that break individual stability, or None.

    The player does not mind going there, and everybody who is there would rather, or as soon, be without it.
    """
    before, allowed = game.utilities(partition), gain_tolerance(game)
    for i in np.flatnonzero(game.movable).tolist():
        for j in set(range(game.slots)) - {int(partition.slots[i])}:
            after = game.utilities(partition.moved(i, j))
            reluctant = all(before[k] >= after[k] - allowed[k] for k in partition.members(j))
            if after[i] >= before[i] - allowed[i] and reluctant:
                return i, j
    return None


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Coalitions that never settle

    Federated learners gather around heads. Each looks at what it would earn under every head, and goes where that is
    most, one after the other. A published theorem says that this comes to rest, whatever the start, at a partition that
    is *Nash-stable*: nobody gains by going elsewhere alone (Baccour, Erbad, Mohamed, Hamdi, Guizani, IEEE Internet of
    Things Journal 11(12), 2024, Proposition 2).

    This notebook shows four learners who never come to rest, why they do not, which repairs help, and how often it
    happens with 36. Every number below is computed while you read; change a cell, and all that depends on it follows.

    ## 1. The claim, and four players

    In the coalition $C$ of head $j$, learner $i$ earns, by equation (10),

    $$
    \Big(S_{ij} + f_i \frac{|D_i|}{\sum_{k \in C} |D_k|}\Big) I_j
    \;+\; I_{rep}\, \frac{1}{|C|} \sum_{k \in C} H(R_k) \;-\; c_{ij}:
    $$

    a part for being similar to the head, a share of a prize by how much data it brings, and pay for the *mean*
    reputation of the coalition. $H$ is the paper's reputation utility, with $\log(1 + \mu)$ where the paper prints
    $\log(1 - \mu)$, which is undefined near the highest reputation.

    Two heads, A and B, stay where they are. Two learners choose. All four have the same data and the same similarity to
    both heads; only one thing differs: the *careless* learner has a low reputation.
    """)
    return


@app.cell
def _():
    game = four_players()
    everywhere = enumerate_stable(game)  # looks at every partition
    partitions = [Partition([0, 1, a, b]) for a in (0, 1) for b in (0, 1)]
    _leavers = [deviation(game, p) for p in partitions]
    mo.vstack(
        [
            as_table(
                ["partition", "careless earns", "careful earns", "who would rather leave, and gains"],
                [
                    (
                        in_words(game, p),
                        *(f"{u:.3f}" for u in game.utilities(p)[2:]),
                        f"{game.names[found.players[0]]}, {found.gain:.3f}",
                    )
                    for p, found in zip(partitions, _leavers, strict=True)
                ],
            ),
            mo.md(
                f"""
                There are {everywhere.stats["partitions"]} partitions, and in each of them somebody would rather leave.
                `enumerate_stable` looks at all of them and says: *{everywhere.status}*.
                """
            ),
        ]
    )
    return everywhere, game, partitions


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. The switches go round

    `best_response` follows the paper's Algorithm 1, without its slips: players take turns, and each goes to the slot
    that is best for it. Where the paper promises that it stops, it returns to an earlier state, and so it would go on
    for ever. The status says so, and the cycle is part of the answer.
    """)
    return


@app.cell
def _(game):
    trajectory = best_response(game, Partition([0, 1, 0, 0]))
    back, gains = replay(game, trajectory.cycle_start, trajectory.cycle)
    mo.vstack(
        [
            mo.md(
                f"""
                **{trajectory.status.name}**: {trajectory.status}. The cycle has {len(trajectory.cycle)} switches. From
                {in_words(game, trajectory.cycle_start)}:
                """
            ),
            as_table(
                ["player", "from slot", "to slot", "gains", "then"],
                switch_rows(game, trajectory.cycle_start, trajectory.cycle),
            ),
            mo.md(
                f"""
                `replay` recomputed each gain from the members alone; the least is {gains.min():.4f}. It ends where it
                began: {back == trajectory.cycle_start}.
                """
            ),
        ]
    )
    return back, gains, trajectory


@app.cell(hide_code=True)
def _(game, trajectory):
    mo.vstack(
        [
            mo.md("Left, the partition where the run was stopped; right, where each player was, and what it gained:"),
            image(picture(game, trajectory.last, trajectory), "Two coalitions, and the switches between them"),
        ]
    )
    return


@app.cell
def _(game):
    search = exact(game)
    individual = exact(game, concept="individual")
    mo.md(
        f"""
        A run proves nothing about other runs. `exact` asks a constraint solver whether *any* Nash-stable partition
        exists: **{search.status.name}**. That is a proof: the program that it searched admits every stable partition,
        with all rounding outwards, and has no solution. For individual stability, of which more below, the answer is
        {individual.status.name}.

        The paper proves its proposition by saying: if the result were not stable, a switch would be possible, and the
        algorithm would not have ended. This takes for granted that it ends.
        """
    )
    return individual, search


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. Why: one chases, one flees

    Pay goes by the coalition's *mean* reputation. The careless learner gains by being where the careful one is, for
    that raises the mean. The careful one gains by being where the careless one is not. This is matching pennies, and
    it has no pure equilibrium. What speaks against company is the shared prize: every member makes each share smaller,
    for all alike. Move the pay and watch which is stronger:
    """)
    return


@app.cell
def _():
    pay = mo.ui.slider(0.0, 10.0, step=0.25, value=5.0, label="reputation pay", show_value=True)
    pay
    return (pay,)


@app.cell
def at_the_pay(pay):
    _game = four_players(pay=pay.value)
    _apart, _together = Partition([0, 1, 0, 1]), Partition([0, 1, 0, 0])
    _careless = float((_game.utilities(Partition([0, 1, 1, 1])) - _game.utilities(_apart))[2])
    _careful = float((_game.utilities(Partition([0, 1, 0, 1])) - _game.utilities(_together))[3])
    _stable = enumerate_stable(_game)
    _run = best_response(_game, _together)
    mo.md(
        f"""
        At a pay of {pay.value:g}, the careless learner gains **{_careless:+.3f}** by going after the careful one, and
        the careful one **{_careful:+.3f}** by leaving it. Nash-stable are {len(_stable.profiles)} of
        {_stable.stats["partitions"]} partitions; best response: {_run.status.name}.
        """
    )
    return


@app.cell
def _():
    _pays = np.linspace(0.0, 10.0, 401)
    _exists = [four_players(pay=p).regrets(Partition([0, 1, 0, 1])).max() == 0 for p in _pays]
    _share = 0.3 * 5.0 * (1 / 2 - 1 / 3)
    _H = Reputation([1.0, 0.1], pay=1, threshold=0.5).utility(np.array([1.0, 0.1]), peak=1.0)
    critical = float(_share / ((2 * _H[0] + _H[1]) / 3 - (_H[0] + _H[1]) / 2))
    largest_stable = float(max(p for p, exists in zip(_pays, _exists, strict=True) if exists))
    mo.md(
        f"""
        Apart, the two are stable as long as the share that the careless one would lose, {_share:g}, is worth more than
        the mean it would win: up to a pay of {critical:.4f}. Of {len(_pays)} pays between 0 and 10, the largest for
        which they are stable is {largest_stable:g}.
        """
    )
    return critical, largest_stable


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. Repairs

    What could be changed? The game, or the rules of the switches. Each row below starts where all are with head A.
    """)
    return


@app.cell
def repairs(game):
    _start = Partition([0, 1, 0, 0])
    _changed = {
        "no reputation pay": (four_players(pay=0.0), {}),
        "pay for one's own reputation, peaks frozen": (four_players(shared=False, peaks=[1.0, 1.0]), {}),
        "pay for the mean, peaks frozen": (four_players(peaks=[1.0, 1.0]), {}),
        "only switches that raise the welfare": (game, {"welfare": True}),
        "nobody joins a coalition a second time": (game, {"history": True}),
        "the members of the joined coalition are asked": (game, {"permission": "individual"}),
    }
    repaired = {
        name: (changed, best_response(changed, _start, **rules), potential(changed))
        for name, (changed, rules) in _changed.items()
    }
    stable_ends = {
        name: certify(changed, run.last, tolerance=gain_tolerance(changed))
        for name, (changed, run, _) in repaired.items()
    }
    as_table(
        ["repair", "switches", "status", "ends at", "largest gain by leaving", "potential"],
        [
            (
                name,
                len(run.switches),
                run.status.name,
                in_words(changed, run.last),
                f"{stable_ends[name].residual:.3f}" + (", **Nash-stable**" if stable_ends[name].holds else ""),
                "–" if known is None else known.kind,
            )
            for name, (changed, run, known) in repaired.items()
        ],
    )
    return repaired, stable_ends


@app.cell
def _(game, partitions, repaired):
    _welfare = sorted({round(game.welfare(p), 9) for p in partitions})
    _of_four = {name: [round(changed.welfare(p), 9) for p in partitions] for name, (changed, *_) in repaired.items()}
    welfare_is_constant = len(_welfare) == 1
    mo.md(
        f"""
        The first two changes of the **game** cure it. `potential` says why:

        > {repaired["no reputation pay"][2].theorem}

        The third does not, so it is the *averaging* that breaks it, not the peak that moves with the members.

        The **rules** of welfare and history make every run end, and that is all. The welfare is the same in all four
        partitions, {", ".join(f"{w:.4f}" for w in _welfare)}, so no switch raises it, and nobody moves at all. The
        history rule, the paper's $h(i)$, stops the run when every coalition that somebody wants has been tried. Both
        ends are *STUCK*: stopped is not stable.

        Where the joined are asked, they always refuse here, since a newcomer costs them; the end is *individually*
        stable, which is all that SOLVED claims under this rule, and the gain by leaving is still there.
        """
    )
    return (welfare_is_constant,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A *potential* is a number that every improving switch raises. There are finitely many partitions, so switches end,
    in whatever order they come. Where each is paid for its own reputation:
    """)
    return


@app.cell
def _(repaired):
    _changed, _run, _known = repaired["pay for one's own reputation, peaks frozen"]
    rises = []
    _current = _run.initial
    for _switch in _run.switches:
        _next = _current.moved(_switch.player, _switch.target)
        rises.append((_switch, _known.value(_current), _known.value(_next)))
        _current = _next
    as_table(
        ["player", "gains", "potential before", "after"],
        [(_changed.names[s.player], f"{s.gain:.4f}", f"{v:.4f}", f"{w:.4f}") for s, v, w in rises],
    )
    return (rises,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Switching the pay off is no cure in general: it needs learners with equal data, or two slots. With three slots and
    unequal data, improving switches can go round even without reputation pay. Players 0, 1, 2 are heads here:
    """)
    return


@app.cell
def _():
    unequal = unequal_data_cycle()
    unequal_start = Partition([0, 1, 2, 0, 0])
    round_trip = [(4, 0, 1), (3, 0, 2), (4, 1, 2), (3, 2, 1), (4, 2, 0), (3, 1, 0)]
    unequal_back, unequal_gains = replay(unequal, unequal_start, [(*s, 0.0) for s in round_trip])
    unequal_stable = enumerate_stable(unequal)
    mo.vstack(
        [
            as_table(
                ["player", "from slot", "to slot", "gains"],
                [(*s, f"{gain:.4f}") for s, gain in zip(round_trip, unequal_gains, strict=True)],
            ),
            mo.md(
                f"""
                `potential` returns {potential(unequal)}. Still, {len(unequal_stable.profiles)} of its
                {unequal_stable.stats["partitions"]} partitions are Nash-stable, and best response from the same start
                ends with {best_response(unequal, unequal_start).status.name}.
                """
            ),
        ]
    )
    return unequal, unequal_back, unequal_gains, unequal_stable, unequal_start


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. Individually stable, by which definition?

    A partition is *individually stable* if nobody can gain by joining a coalition in which nobody loses by that
    (Bogomolnaia and Jackson 2002). Fewer moves count than for Nash stability, so **every Nash-stable partition is
    individually stable**. The paper's Proposition 2 says so too. But its Definition 7 reads: *no player $i$ such that
    $C_{j'} \cup \{i\} \succeq_i C_j$ and $C_{j'} \succeq_k C_{j'} \cup \{i\}$ for all $k \in C_{j'}$*. The first
    relation is weak where it should be strict, and the second is turned round: a newcomer counts if all who are there
    would rather *not* have it. Here is that definition as a function, beside the standard one:
    """)
    return


@app.cell
def _(game, partitions):
    twins = coalition_game(
        np.full((3, 2), 0.8), np.ones(3), 5.0, frequency=0.3, heads=[0, 1], names=["head A", "head B", "learner"]
    )
    welcome = coalition_game(
        [[0.8, 0.8], [0.8, 0.8], [0.8, 0.2]],
        np.ones(3),
        5.0,
        frequency=0.3,
        reputation=Reputation([0.1, 0.1, 1.0], pay=5, threshold=0.5),
        heads=[0, 1],
        names=["head A", "head B", "learner"],
    )
    _looked_at = [
        *(("chase and flee", game, p) for p in partitions),
        ("one learner, two equal heads", twins, Partition([0, 1, 0])),
        ("one learner, welcome at head A", welcome, Partition([0, 1, 1])),
    ]
    verdicts = [
        (
            name,
            in_words(looked, p),
            deviation(looked, p) is None,
            deviation(looked, p, "individual") is None,
            blocked_as_printed(looked, p) is None,
        )
        for name, looked, p in _looked_at
    ]
    as_table(
        ["game", "partition", "Nash-stable", "individually stable", "by Definition 7 as printed"],
        [(name, words, *("yes" if v else "no" for v in found)) for name, words, *found in verdicts],
    )
    return (verdicts,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The last two rows separate them in both directions. One learner who earns the same under both heads is Nash-stable
    where it is, but *not* individually stable as printed: it would not mind going, and the other head would mind. And a
    learner who would gain by going to a head that gains by it is individually stable as printed.

    ## 6. Thirty-six learners

    Is the four-player game a freak? Here is the paper's scale: 36 learners, 4 heads, lognormal amounts of data,
    reputations between 0 and 2. Each row is 12 drawn games.
    """)
    return


@app.cell
def at_scale():
    options = {
        "I = 5, f about 0.3": {},
        "I = 5, f about 0.3, all but equally similar": {"spread": 0.01},
        "I = 12, f about 0.9": {"incentive": 12.0, "frequency": 0.9},
        "I = 12, f about 0.9, all but equally similar": {"incentive": 12.0, "frequency": 0.9, "spread": 0.01},
        "I = 5, f about 0.3, no reputation pay": {"pay": 0.0},
        "I = 5, f about 0.3, own reputation, peaks frozen": {"shared": False},
    }
    drawn = {
        name: [learners(36, np.random.default_rng(seed), **given) for seed in range(12)]
        for name, given in options.items()
    }
    runs = {name: [best_response(g) for g in games] for name, games in drawn.items()}
    counts = {name: Counter(run.status.name for run in found) for name, found in runs.items()}
    as_table(
        ["12 games", "Nash-stable", "cycle", "longest cycle"],
        [
            (name, counts[name]["SOLVED"], counts[name]["CYCLE"], max(len(run.cycle) for run in found) or "–")
            for name, found in runs.items()
        ],
    )
    return counts, drawn, runs


@app.cell
def _(drawn, runs):
    _first = next(iter(runs))
    ruled = [best_response(g, history=True) for g in drawn[_first]]
    raised = [best_response(g, welfare=True) for g in drawn[_first]]
    changed_by_history = [
        seed
        for seed, (free, kept) in enumerate(zip(runs[_first], ruled, strict=True))
        if free.status is Status.SOLVED and kept.status is not Status.SOLVED
    ]
    _stuck, _welfare_stuck = (sum(run.status is Status.STUCK for run in found) for found in (ruled, raised))
    mo.md(
        f"""
        A cycle is a proof that this run never ends: the state that came back includes whose turn it is. With the
        history rule all of the first 12 runs end, {_stuck} of them STUCK where somebody still gains by leaving,
        {len(changed_by_history)} of them in a game where the run without the rule ends stable. With the welfare rule
        {_welfare_stuck} of 12 are STUCK. Choose a game of the first row, and look at its run:
        """
    )
    return changed_by_history, raised, ruled


@app.cell
def _():
    seed = mo.ui.slider(0, 11, step=1, value=0, label="game", show_value=True)
    seed
    return (seed,)


@app.cell
def a_run_at_scale(drawn, runs, seed):
    _game, _run = next(iter(drawn.values()))[seed.value], next(iter(runs.values()))[seed.value]
    _more = f", the last {len(_run.cycle)} of them a cycle" if _run.cycle else ""
    mo.vstack(
        [
            mo.md(f"Game {seed.value}: **{_run.status.name}** after {len(_run.switches)} switches{_more}."),
            image(picture(_game, _run.last, _run), "The coalitions of 36 learners, and who switched when"),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One run that cycles does not say that no stable partition exists. `solve` starts again elsewhere, and if no run ends
    it searches exactly, until it has an answer or the time is up. Game 2 cycles from its first start:
    """)
    return


@app.cell
def _(drawn):
    _game = next(iter(drawn.values()))[2]
    rescued = solve(_game, time_limit=20.0)
    rescued_certificate = certify(_game, rescued.require(), tolerance=gain_tolerance(_game))
    mo.md(
        f"""
        First run: {rescued.trajectory.status.name}. In the end: **{rescued.status.name}**, by
        *{rescued.stats["found by"]}*, after {rescued.stats["starts"]} starts. {rescued_certificate}.
        """
    )
    return rescued, rescued_certificate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 7. Many

    Sums and peaks are kept up to date, so that looking at a switch costs the same in a coalition of ten and of ten
    thousand. Here are 100,000 learners and 20 heads, without reputation pay:
    """)
    return


@app.cell
def _():
    crowd = learners(100_000, np.random.default_rng(0), slots=20, pay=0.0)
    _start = time.perf_counter()
    crowd_run = best_response(crowd)
    _seconds = time.perf_counter() - _start
    _start = time.perf_counter()
    crowd_certificate = certify(crowd, crowd_run.last, tolerance=gain_tolerance(crowd))
    _check = time.perf_counter() - _start
    mo.md(
        f"""
        **{crowd_run.status.name}** after {len(crowd_run.switches):,} switches, in {_seconds:.1f} s. The certificate is
        computed from scratch, in {_check:.2f} s: {crowd_certificate}.
        """
    )
    return crowd_certificate, crowd_run


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 8. Your own game

    Open this file with `marimo edit` and change the weights: entry $(i, k)$ is what player $i$ gets from being with
    $k$. Here coalitions are free, and players may be alone. These are two friends and a stalker of one of them.
    """)
    return


@app.cell
def your_game():
    yours = AdditivelySeparableGame(
        [[0, 2, -3], [2, 0, 1], [4, 0, 0]],
        names=["Ann", "Bob", "Cem"],
    )
    your_answer = solve(yours)
    your_witness = deviation(yours, your_answer.least_unstable)
    _said = "nobody gains by leaving"
    if your_witness is not None:
        _said = f"{yours.names[your_witness.players[0]]} would gain {your_witness.gain:g} by leaving"
    mo.md(
        f"""
        **{your_answer.status.name}**: {your_answer.status}. First run: {your_answer.trajectory.status.name}. The least
        unstable partition that was seen is {in_words(yours, your_answer.least_unstable)}, where
        {_said}.
        """
    )
    return your_answer, your_witness


@app.cell(hide_code=True)
def _(counts, crowd_certificate, gains, search, trajectory):
    if mo.app_meta().mode == "script":
        print(f"four players: {trajectory.status.name}, a cycle of {len(gains)}, least gain {gains.min():.4f}")
        print(f"a Nash-stable partition of theirs: {search.status.name}")
        for _name, _count in counts.items():
            print(f"36 learners, {_name}: {_count['SOLVED']} stable, {_count['CYCLE']} cycle")
        print(f"100,000 learners: {crowd_certificate}")
    return


@app.cell
def test_no_partition_is_stable_and_the_cycle_is_one(back, everywhere, gains, individual, search, trajectory):
    assert everywhere.complete
    assert everywhere.status is search.status is Status.NONE_EXISTS
    assert individual.status is Status.SOLVED
    assert trajectory.status is Status.CYCLE
    assert len(gains) == len(trajectory.cycle) == 4
    assert gains.min() > 0.3
    assert back == trajectory.cycle_start
    return


@app.cell
def test_the_mean_is_what_breaks_it(critical, largest_stable):
    assert 0 <= critical - largest_stable < 0.025
    return


@app.cell
def test_a_repair_of_the_game_helps_and_a_rule_only_stops(repaired, stable_ends, welfare_is_constant):
    _status = [run.status.name for _, run, _ in repaired.values()]
    assert _status == ["SOLVED", "SOLVED", "CYCLE", "STUCK", "STUCK", "SOLVED"]
    assert [c.holds for c in stable_ends.values()] == [True, True, False, False, False, False]
    assert [known is not None for *_, known in repaired.values()] == [True, True, False, False, False, False]
    assert welfare_is_constant
    assert [len(run.switches) for _, run, _ in repaired.values()][3::2] == [0, 0]
    return


@app.cell
def test_a_potential_rises(rises):
    assert rises
    for _switch, _before, _after in rises:
        assert abs(_after - _before - _switch.gain) < 1e-9
    return


@app.cell
def test_unequal_data_can_go_round(unequal, unequal_back, unequal_gains, unequal_stable, unequal_start):
    assert potential(unequal) is None
    assert unequal_back == unequal_start
    assert unequal_gains.min() > 0.014
    assert len(unequal_stable.profiles) == 2
    assert best_response(unequal, unequal_start).status is Status.SOLVED
    return


@app.cell
def test_the_printed_definition_differs_both_ways(verdicts):
    assert [tuple(found) for _, _, *found in verdicts] == [
        *[(False, True, False)] * 4,
        (True, True, False),
        (False, False, True),
    ]
    return


@app.cell
def test_at_scale(changed_by_history, counts, crowd_certificate, raised, rescued, rescued_certificate, ruled):
    _cycles = [count["CYCLE"] for count in counts.values()]
    assert all(count["CYCLE"] + count["SOLVED"] == 12 for count in counts.values())
    assert min(_cycles[:2]) >= 6
    assert _cycles[4:] == [0, 0]
    assert all(run.status in (Status.SOLVED, Status.STUCK) for run in [*ruled, *raised])
    assert any(run.status is Status.STUCK for run in ruled)
    assert changed_by_history
    assert rescued.trajectory.status is Status.CYCLE
    assert rescued_certificate.holds
    assert crowd_certificate.holds
    return


if __name__ == "__main__":
    app.run()
