import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Ten rounds of a dual game")

with app.setup:
    import base64
    import io
    from dataclasses import replace

    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from models.data import digits
    from models.fml import aggregate, evaluate, local_update, meta_batches
    from models.gfml import (
        Coalition,
        Experiment,
        Parameters,
        Situation,
        contributions,
        form,
        incentive_game,
        play,
        reputable_heads,
        round_game,
        settle,
        summary,
    )
    from models.reputation import similarity
    from solvers.core import Status
    from solvers.hedonic import Partition, best_response, gain_tolerance
    from solvers.stackelberg import solve
    from verification import certify

    BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
    PARAMETERS = Parameters(
        users=20,
        coalitions=3,
        hidden=(32, 16),
        meta_rate=0.1,
        step_size=0.1,
        gradient="fo",  # first order: the quickest
        steps=6,
        cycles=100 / 6,  # as many cycles per round as with ten steps of 10 per bit
        batch=20,
        personalisation=(1, 5),
        passive_samples=(1, 10),
        misbehaving=0.2,
    )
    ROUNDS, SEED = 10, 1
    LOOKED_AT = 3  # the round that is taken apart


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.function
def image(figure, alt):
    """A figure in the page."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    return mo.image(source, alt=alt, width="100%")


@app.function
def peaks(values):
    """Where numbers in a row are locally largest, ends included."""
    before, after = np.append(-np.inf, values[:-1]), np.append(values[1:], -np.inf)
    return np.flatnonzero((values > before) & (values >= after))


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Ten rounds of a dual game

    Learners with little data and different tasks want a common model that each can quickly make its own. In every round
    two games are played before anybody learns: learners choose a coalition, and each coalition's provider sets the
    price that it pays for computing speed. This is the framework of Baccour, Erbad, Mohamed, Hamdi and Guizani (IEEE
    Internet of Things Journal 11(12), 2024), with its Algorithms 1 and 2 corrected.

    This notebook plays ten rounds on the digits of scikit-learn, and takes one of them apart, step by step. Every
    number below is computed while you read; whatever a game claims is certified.

    ## 1. Who holds what

    Twenty users hold the digits, two classes each; eighteen are *active*, two come later with a task of their own.
    Some of the active *misbehave*: they claim all six local steps and leave out three.
    """)
    return


@app.cell
def _():
    data = digits()
    experiment = Experiment(data, "gfml", PARAMETERS, certify=certify, seed=SEED)
    machines = experiment.devices
    users = len(experiment.active)
    lazy = machines.misbehaving
    held = [sorted(set(data.labels[user.train].tolist())) for user in experiment.active]
    as_table(
        ["user", "digits", "to train, to test", "data, Mbit", "to send, s", "would wait, s", ""],
        [
            (
                machines.names[i],
                " ".join(map(str, held[i])),
                f"{len(user.train)}, {len(user.test)}",
                f"{machines.data[i] / 1e6:.0f}",
                f"{machines.sending[i]:.2f}",
                f"{machines.deadlines[i]:.1f}",
                "misbehaves" if lazy[i] else "",
            )
            for i, user in enumerate(experiment.active)
        ],
    )
    return data, experiment, held, lazy, machines, users


@app.cell
def _(experiment):
    history = [(experiment.start(), None), *play(experiment, ROUNDS)]
    pages = [record.document() for _, record in history[1:]]
    before, after = history[LOOKED_AT - 1][0], history[LOOKED_AT][0]
    recorded = history[LOOKED_AT][1]
    mo.md(
        f"""
        `play` has played {len(pages)} rounds; what came of them is section 8. A round needs nothing but the state
        before it, so that each can be looked at afterwards. Here is round {LOOKED_AT}, with the state after round
        {before.round} in hand.
        """
    )
    return after, before, history, pages, recorded


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. Who is like whom

    Each user runs a batch through a coalition's model and sends the mean output $\omega$ of its last hidden layer. The
    paper compares users and heads by a cosine (13), of $\Delta\omega$, which it does not define. Those of $\omega$
    itself say little: it is mostly what all users have in common. So $\Delta\omega$ is read as the difference from the
    mean of the active users. Left, the cosines of the embeddings; right, those of the differences. Users are in the
    order of their digits, and in the first round all use one model.
    """)
    return


@app.cell
def _(data, held, history, users):
    centred = history[1][0].embeddings[:users, 0]
    _raw = Experiment(data, "gfml", replace(PARAMETERS, centred=False), certify=certify, seed=SEED)
    plain = _raw.play(_raw.start())[0].embeddings[:users, 0]
    _order = sorted(range(users), key=held.__getitem__)
    cosines = {name: similarity(v, range(users)) for name, v in (("ω", plain), ("Δω", centred))}
    _shared = np.array([[len(set(a) & set(b)) for a in held] for b in held])
    _pairs = np.triu_indices(users, 1)
    likeness = {
        name: [float(found[_pairs][_shared[_pairs] == k].mean()) for k in (0, 1)] for name, found in cosines.items()
    }
    lowest = {name: float(found.min()) for name, found in cosines.items()}
    _figure = Figure(figsize=(10.0, 4.4), dpi=110, layout="constrained")
    for _axes, (_name, _found) in zip(_figure.subplots(1, 2), cosines.items(), strict=True):
        _shown = _axes.imshow(_found[np.ix_(_order, _order)], vmin=-1, vmax=1, cmap="RdBu")
        _axes.set_title(f"cosines of {_name}")
        _axes.set_xticks(range(users), [" ".join(map(str, held[i])) for i in _order], rotation=90, fontsize=8)
        _axes.set_yticks(range(users), [" ".join(map(str, held[i])) for i in _order], fontsize=8)
    _figure.colorbar(_shown, ax=_figure.axes)
    mo.vstack(
        [
            image(_figure, "Cosines of embeddings, and of their differences from the mean, between all users"),
            mo.md(
                f"""
                The cosines of $\\omega$ are at least {lowest["ω"]:.2f}: {likeness["ω"][0]:.2f} on average between users
                with no digit in common, {likeness["ω"][1]:.2f} with one. Of $\\Delta\\omega$ it is
                {likeness["Δω"][0]:.2f} and {likeness["Δω"][1]:.2f}; some are below 0, which will matter.
                """
            ),
        ]
    )
    return cosines, likeness, lowest


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. Heads

    Heads are chosen among the members of the last round's coalitions, by Algorithm 1, line 11: the greatest reputation
    times a factor from 1, for the longest deadline of the coalition, to 2, for the strictest. For the whole coalition
    then works under its head's deadline.
    """)
    return


@app.cell
def _(after, before, machines, recorded, users):
    old = Partition(before.slots)
    _scores = before.reputation.total
    heads = reputable_heads(
        old,
        _scores,
        machines.deadlines,
        coalitions=PARAMETERS.coalitions,
        eligible=machines.quickest <= machines.deadlines,
    )
    alike = similarity(after.embeddings[:users], heads)
    mo.vstack(
        [
            as_table(
                ["coalition", "members before", "head", "its reputation", "its deadline, s"],
                [
                    (
                        j,
                        ", ".join(machines.names[i] for i in old.members(j)),
                        f"**{machines.names[head]}**",
                        f"{_scores[head]:.2f}, greatest {_scores[old.slots == j].max():.2f}",
                        f"{machines.deadlines[head]:.1f}, strictest {machines.deadlines[old.slots == j].min():.1f}",
                    )
                    for j, head in enumerate(heads)
                ],
            ),
            mo.md(
                f"""
                The similarities $S$ to these heads are between {alike[alike < 1].min():.2f} and
                {alike[alike < 1].max():.2f}. The same heads as recorded: {heads.tolist() == list(recorded.heads)}.
                """
            ),
        ]
    )
    return alike, heads


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. The coalition game

    Now every other user asks what it would earn in each coalition, by equation (10), and goes where that is most, one
    after the other, until nobody gains. It takes the prices and frequencies of the last round for granted; a frequency
    is raised to what the new head's deadline requires. Whoever would earn less than nothing everywhere stays out.
    """)
    return


@app.cell
def _(after, alike, before, experiment, heads, machines, users):
    situation = Situation(
        devices=machines,
        parameters=PARAMETERS,
        partition=Partition(before.slots),
        prices=before.prices,
        frequencies=before.frequencies,
        embeddings=after.embeddings[:users],
        reputation=before.reputation,
        rng=np.random.default_rng(0),  # which this framework does not use
    )
    known = situation.reputations(alike)
    game = round_game(situation, heads, alike, known, before.prices, before.frequencies)
    _slots = before.slots.copy()
    _slots[heads] = np.arange(len(heads))
    trajectory = best_response(game, Partition(_slots), tolerance=gain_tolerance(game))
    formed = form(experiment.framework, situation, certify)
    partition_certificate = certify(game, trajectory.last, tolerance=gain_tolerance(game))
    mo.vstack(
        [
            mo.md(f"Prices expected: {', '.join(f'{p:.2f}' for p in before.prices)}. **{trajectory.status.name}**:"),
            as_table(
                ["user", "from", "to", "gains"],
                [
                    (machines.names[s.player], *("out" if j < 0 else j for j in (s.source, s.target)), f"{s.gain:.2f}")
                    for s in trajectory.switches
                ],
            ),
            mo.md(
                f"""
                {partition_certificate}. That is proof that nobody gains by going elsewhere; that switches end is luck,
                since they need not ([Coalitions that never settle](hedonic_stability.py)). A round in which they go
                round is recorded as `cycling`, and users stay where they were when it was noticed.
                """
            ),
        ]
    )
    return formed, game, partition_certificate, trajectory


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. The incentive game

    With members and deadline known, each coalition's provider sets the price $I$ that is best for it, knowing how fast
    each member will then compute. The paper says (Proposition 3) that its utility is concave in the price and the best
    price where the slope is 0. Here it is:
    """)
    return


@app.cell
def _(formed, machines):
    played = []
    for _j, _head in enumerate(formed.heads):
        _members = np.flatnonzero(formed.partition.slots == _j)
        _played = incentive_game(
            Coalition(
                _j,
                _members,
                float(machines.deadlines[_head]),
                formed.alike[_members, _j],
                formed.reputations[_members, _j],
            ),
            machines,
            PARAMETERS,
        )
        _claim = solve(_played)
        _profile = _claim.require()
        _certificate = certify(_played, _profile, tolerance=1e-9 * _played.magnitudes(_profile))
        played.append((_played, _profile, _certificate))
    grid = np.linspace(*PARAMETERS.incentives, 401)
    curves = [np.array([g.leader_utility(float(price)) for price in grid]) for g, *_ in played]
    summits = [peaks(curve) for curve in curves]
    slopes = [g.leader_slopes(profile.price) for g, profile, _ in played]
    losses = [
        g.leader_utility(profile.price) - curve[summit[0]]
        for (g, profile, _), curve, summit in zip(played, curves, summits, strict=True)
    ]
    _figure = Figure(figsize=(10.0, 3.2), dpi=110, layout="constrained")
    for _j, (_axes, _curve) in enumerate(zip(_figure.subplots(1, len(played)), curves, strict=True)):
        _game, _profile, _ = played[_j]
        _axes.plot(grid, _curve, color=BLUE)
        _axes.plot(grid[summits[_j]], _curve[summits[_j]], "o", color=ORANGE, label="local maximum")
        _axes.plot(_profile.price, _game.leader_utility(_profile.price), "o", color=GREEN, label="best price")
        _axes.set_title(f"coalition {_j}, {len(_profile.decisions)} members", fontsize=10)
        _axes.set_xlabel("price")
        _axes.spines[["top", "right"]].set_visible(False)
    _figure.axes[0].set_ylabel("provider's utility")
    _figure.axes[0].legend(frameon=False)
    mo.vstack(
        [
            image(_figure, "The provider's utility over the price in each coalition"),
            as_table(
                ["coalition", "best price", "slope below, above", "local maxima", "lost at the first", "certificate"],
                [
                    (
                        j,
                        f"**{played[j][1].price:.3f}**",
                        " and ".join(f"{slope:.1f}" for slope in slopes[j]),
                        len(summits[j]),
                        f"{max(losses[j], 0.0):.1f}",
                        played[j][2],
                    )
                    for j in range(len(played))
                ],
            ),
            mo.md(
                """
                The best price is at a *kink*, where some member reaches its highest frequency: the slope is positive
                below and negative above, and nowhere there 0. Where a member leaves its deadline, the slope jumps up,
                and so a second maximum can lie beyond a valley; who climbs from the lowest price ends at the first.
                `solve` looks at every kink, and bounds what lies between.
                """
            ),
        ]
    )
    return curves, grid, losses, played, slopes, summits


@app.cell
def _(experiment, formed, machines, recorded):
    outcomes = settle(experiment.framework, formed, machines, PARAMETERS, certify)
    same_prices = [outcome.price for outcome in outcomes] == recorded.prices.tolist()
    as_table(
        ["coalition", "deadline, s", "members, their frequencies in MHz", "slowest, s", "profits", "provider"],
        [
            (
                j,
                f"{machines.deadlines[formed.heads[j]]:.1f}",
                ", ".join(
                    f"{machines.names[i]} {f / 1e6:.0f}"
                    for i, f in zip(outcome.members, outcome.frequencies, strict=True)
                ),
                f"{outcome.times.max():.2f}",
                f"{outcome.profits.min():.1f} to {outcome.profits.max():.1f}",
                f"{outcome.provider:.1f}",
            )
            for j, outcome in enumerate(outcomes)
        ],
    )
    return outcomes, same_prices


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 6. Local steps, and their mean

    Now they learn. Each member starts from its coalition's model and takes six steps along the meta-gradient (3), which
    asks not for a model that is good, but for one that is good *after one step* on the user's own data; the
    misbehaving leave out the last three. The coalition's next model is the mean of what comes back (5). The batches
    here are drawn anew, so that the numbers differ a little from the recorded ones.
    """)
    return


@app.cell
def _(before, experiment, formed, lazy, machines, outcomes, users):
    _own = [user.train for user in experiment.active]
    _drawn = meta_batches(_own, steps=PARAMETERS.steps, size=PARAMETERS.batch, rng=np.random.default_rng(0))
    part = np.concatenate([outcome.members for outcome in outcomes])
    taken = np.where(lazy, PARAMETERS.steps - round(PARAMETERS.shirked * PARAMETERS.steps), PARAMETERS.steps)
    labels = formed.partition.slots[part]
    update = local_update(
        experiment.network,
        before.models[labels],
        experiment.samples,
        _drawn[part],
        experiment.learning,
        steps=taken[part],
        names=[machines.names[i] for i in part],
    )
    norms = np.zeros((users, PARAMETERS.steps))
    norms[part] = update.norms
    models = [aggregate(update.models[labels == j]) for j in range(PARAMETERS.coalitions)]
    _idle, _busy = int(np.flatnonzero(lazy)[0]), int(np.flatnonzero(~lazy)[0])
    as_table(
        ["user", "lengths of its meta-gradients, step by step", "sum of squares"],
        [
            (
                f"{machines.names[i]}{', misbehaves' if lazy[i] else ''}",
                " · ".join(f"{norm:.2f}" for norm in norms[i]),
                f"{np.sum(norms[i] ** 2):.2f}",
            )
            for i in sorted((_idle, _busy))
        ],
    )
    return labels, models, norms, part, taken, update


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 7. Contributions and reputations

    What was a member's work worth? The paper's (15) is $u = \sum_t \lVert g_t\rVert^2 - 2(1 +
    1/\sqrt{D})\lVert g_t\rVert$. Its terms are negative while $\lVert g_t\rVert$ is below 2.4, so that
    leaving out a step *raises* $u$. Only the squares are taken here, compared with the greatest in the coalition:
    $u = -1$ for nothing, $1$ for the greatest. A contribution (14) is $(1 + u)\log(1 + x)$ with $x$ the seconds left
    to the deadline, and the reputation (16) is $R \leftarrow 0.7 R$ plus that.
    """)
    return


@app.cell
def _(before, formed, lazy, machines, norms, outcomes, recorded):
    records = contributions(formed, outcomes, norms, machines, PARAMETERS.batch, round_number=LOOKED_AT)
    updated = before.reputation.update(records).total
    _batch = 2 * (1 + 1 / np.sqrt(PARAMETERS.batch))
    printed = np.sum(norms * (norms - _batch), axis=1)
    u = {record.user: record.training for record in records}
    correlation = float(np.corrcoef(updated, recorded.reputations)[0, 1])
    as_table(
        ["", "u of (15) as printed", "u here", "reputation before", "after"],
        [
            (
                name,
                f"{printed[who].mean():.2f}",
                f"{np.mean([u[i] for i in np.flatnonzero(who) if i in u]):.2f}",
                f"{before.reputation.total[who].mean():.2f}",
                f"{updated[who].mean():.2f}",
            )
            for name, who in (("honest, mean", ~lazy), ("misbehaving, mean", lazy))
        ],
    )
    return correlation, printed, records, u, updated


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 8. Ten rounds

    That was one round. All ten, with everything certified:
    """)
    return


@app.cell
def _(history, lazy, machines, pages):
    totals = summary(pages)
    reputations = np.array([[record.reputations[who].mean() for who in (~lazy, lazy)] for _, record in history[1:]])
    _rounds = [page["round"] for page in pages]
    _figure = Figure(figsize=(10.0, 5.6), dpi=110, layout="constrained")
    _accuracy, _price, _time, _known = _figure.subplots(2, 2).ravel()
    _accuracy.plot(_rounds, [page["accuracy"] for page in pages], color=ORANGE, label="the head's model")
    _accuracy.plot(_rounds, [page["personalised"]["1"] for page in pages], color=BLUE, label="after one own step")
    _accuracy.plot(_rounds, [page["personalised"]["5"] for page in pages], color=GREEN, label="after five")
    _accuracy.set_ylabel("accuracy")
    for _j in range(PARAMETERS.coalitions):
        _price.plot(_rounds, [page["prices"][_j] for page in pages], "o-", markersize=3, label=f"coalition {_j}")
    _price.set_ylabel("price")
    _time.plot(_rounds, [page["completion_time"] for page in pages], color=RED, label="completion time, s")
    _time.plot(_rounds, [page["profit"] for page in pages], color=BLUE, label="profit of a user")
    _time.set_ylim(bottom=0)
    _known.plot(_rounds, reputations[:, 0], color=BLUE, label="honest")
    _known.plot(_rounds, reputations[:, 1], color=RED, label="misbehaving")
    _known.set_ylabel("mean reputation")
    for _axes in _figure.axes:
        _axes.set_xlabel("round")
        _axes.legend(frameon=False, fontsize=8)
        _axes.spines[["top", "right"]].set_visible(False)
    mo.vstack(
        [
            image(_figure, "Accuracy, prices, times and profits, and reputations over ten rounds"),
            as_table(
                ["round", "accuracy", "after 1 step", "prices", "time, s", "profit", "provider", "switches", "out"],
                [
                    (
                        page["round"],
                        f"{page['accuracy']:.2f}",
                        f"{page['personalised_accuracy']:.2f}",
                        ", ".join("–" if price is None else f"{price:.2f}" for price in page["prices"]),
                        f"{page['completion_time']:.2f}",
                        f"{page['profit']:.2f}",
                        f"{page['provider_utility']:.0f}",
                        f"{page['switches']}" + (", cycling" if page["cycling"] else ""),
                        ", ".join(machines.names[i] for i, j in enumerate(page["coalitions"]) if j < 0) or "–",
                    )
                    for page in pages
                ],
            ),
            mo.md(
                f"""
                Over {totals["rounds"]} rounds a user earned {totals["total_profit"]:.1f}, a round took
                {totals["completion_time"]:.2f} s, and the providers had {totals["provider_utility"]:.0f} per round.
                {totals["stable_rounds"]} partitions are certified Nash-stable; all certificates of incentives hold:
                {totals["certified"]}. With a dozen test samples a user and ten rounds, the accuracy says that the
                program learns, not how well the framework does: for that see the results in the documentation.
                """
            ),
        ]
    )
    return reputations, totals


@app.cell(hide_code=True)
def _(pages, partition_certificate, played, reputations, totals):
    if mo.app_meta().mode == "script":
        print(f"round {LOOKED_AT}, coalitions: {partition_certificate}")
        for _, _profile, _certificate in played:
            print(f"round {LOOKED_AT}, price {_profile.price:.4f}: {_certificate}")
        print(
            f"{totals['stable_rounds']} of {totals['rounds']} partitions Nash-stable, certified: {totals['certified']}"
        )
        _first, _last = (page["personalised_accuracy"] for page in (pages[0], pages[-1]))
        print(f"accuracy after one own step: {_first:.2f} in round 1, {_last:.2f} in round {ROUNDS}")
        print(f"reputations: honest {reputations[-1, 0]:.2f}, misbehaving {reputations[-1, 1]:.2f}")
    return


@app.cell
def test_differences_from_the_mean_tell_users_apart(likeness, lowest):
    assert lowest["ω"] > 0.8
    assert lowest["Δω"] < -0.5
    assert likeness["ω"][1] - likeness["ω"][0] < 0.05
    assert likeness["Δω"][1] - likeness["Δω"][0] > 0.25
    return


@app.cell
def test_the_steps_taken_apart_give_the_round_that_was_recorded(formed, heads, recorded, same_prices, trajectory):
    assert formed.heads.tolist() == heads.tolist() == list(recorded.heads)
    assert formed.partition.slots.tolist() == trajectory.last.slots.tolist() == list(recorded.coalitions)
    assert formed.switches == len(trajectory.switches) == recorded.switches > 0
    assert same_prices
    return


@app.cell
def test_nobody_gains_by_another_coalition_price_or_frequency(partition_certificate, played, totals, trajectory):
    assert trajectory.status is Status.SOLVED
    assert partition_certificate.holds
    assert all(certificate.holds for *_, certificate in played)
    assert all(switch.gain > 0 for switch in trajectory.switches)
    assert totals["certified"]
    assert totals["stable_rounds"] + totals["cycling_rounds"] == ROUNDS
    return


@app.cell
def test_the_best_price_is_no_zero_of_the_slope(curves, losses, played, slopes, summits):
    assert all(below > 1 and above < -1 for below, above in slopes)
    assert max(len(summit) for summit in summits) > 1
    assert max(losses) > 1
    for (_game, _profile, _), _curve in zip(played, curves, strict=True):
        assert _game.leader_utility(_profile.price) >= _curve.max() - 1e-9
    return


@app.cell
def test_a_coalition_s_model_is_the_mean_and_learns(data, experiment, history, labels, models, pages, part, update):
    for _j, _model in enumerate(models):
        assert np.allclose(_model, update.models[labels == _j].mean(axis=0), atol=1e-6)
    assert sorted(part) == sorted(set(part))
    _first = evaluate(experiment.network, history[0][0].models[0], experiment.samples, [np.arange(len(data.labels))])
    assert _first.accuracy[0] < 0.25
    assert pages[-1]["personalised_accuracy"] > pages[0]["personalised_accuracy"]
    assert pages[-1]["personalised"]["5"] > pages[0]["personalised"]["5"] > 0.4
    return


@app.cell
def test_who_leaves_out_steps_is_found_out_but_not_by_the_printed_formula(
    correlation, lazy, norms, printed, reputations, taken, u
):
    assert np.all((norms > 0).sum(axis=1)[list(u)] == taken[list(u)])
    assert np.mean([u[i] for i in u if lazy[i]]) < np.mean([u[i] for i in u if not lazy[i]])
    assert printed[lazy].mean() > printed[~lazy].mean()
    assert correlation > 0.98
    assert reputations[-1, 1] < 0.7 * reputations[-1, 0]
    return


if __name__ == "__main__":
    app.run()
