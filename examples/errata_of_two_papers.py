import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Errata of two papers, recomputed")

with app.setup:
    import base64
    from collections import Counter
    from dataclasses import replace

    import marimo as mo
    import numpy as np

    from models.reputation import reputation_utility
    from solvers._figure import COLOURS, encoded, new_figure
    from verification.errata import PAPERS, Record, Verdict, examine, records


@app.function
def found(paper, where, about):
    """The record of a statement."""
    return next(r for r in records(paper) if (r.where, r.about) == (where, about))


@app.function
def digits(value):
    """A value with six digits."""
    if isinstance(value, tuple):
        return f"({', '.join(map(digits, value))})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@app.function
def as_card(record):
    """What is printed, what is so, and the witness, computed now."""
    finding = examine(record)
    at = ", ".join(f"{name} = {digits(value)}" for name, value in record.at.items())
    values = zip(record.labels, (finding.printed, finding.correct), strict=True)
    lines = [
        f"**{record.where}, {record.about}: {record.verdict}**",
        f"- as printed: {record.says}",
        *([f"- instead: {record.instead}"] if record.instead else []),
        f"- why: {record.why}",
        f"- at {at}:",
        *(f"    - {label}: **{digits(value)}**" for label, value in values),
        f"- the witness {'bears this out' if finding.stands else '**does not bear this out**'}",
    ]
    return mo.md("\n".join([lines[0], "", *lines[1:]]))


@app.function
def picture(threshold):
    """(11) as printed and corrected, for a peak of 1 and a floor of 0.5."""
    own = np.linspace(0.0, 1.0, 400)
    figure = new_figure(7.0, 3.4)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for printed, colour, label in ((True, COLOURS[1], "as printed, log(1 − μ)"), (False, COLOURS[0], "log(1 + μ)")):
        values = reputation_utility(own, peak=1.0, threshold=threshold, as_printed=printed)
        axes.plot(own, values, color=colour, label=label)
    axes.axvline(threshold, color="0.7", linewidth=0.8, zorder=0)
    axes.set(xlabel="reputation R", ylabel="its utility H(R)", ylim=(-2.0, 1.1))
    axes.legend(frameon=False, loc="lower left")
    return encoded(figure, ".png")


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    # Errata of two papers, recomputed

    Two papers are implemented in this toolkit. Before a formula can be programmed somebody has to decide whether it is
    right, and a slip that is found should not be found again by the next reader. So every numbered statement has a
    *record*: what is printed, as something that runs; what is right, derived without it; and numbers at which the two
    are compared. Nobody has to believe it, for it is recomputed whenever somebody asks.

    - *gfml*: {PAPERS["gfml"]}
    - *jamming*: {PAPERS["jamming"]}
    """)
    return


@app.cell
def _():
    _findings = [examine(record) for record in records()]
    counts = {paper: Counter(f.record.verdict for f in _findings if f.record.paper == paper) for paper in PAPERS}
    all_stand = all(finding.stands for finding in _findings)
    mo.md(
        "\n".join(
            [
                f"| paper | {' | '.join(Verdict)} |",
                "| :--- |" + " ---: |" * len(Verdict),
                *(f"| {p} | " + " | ".join(str(count[v]) for v in Verdict) + " |" for p, count in counts.items()),
                "",
                f"{len(_findings)} witnesses were computed just now. All bear out their verdicts: **{all_stand}**.",
            ]
        )
    )
    return all_stand, counts


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Here is one of each verdict.

    ## 1. Right

    To say that a formula is right takes a second way to the same number. Here the cosine of an angle is measured with
    the angles of both vectors, and never by a product of them:
    """)
    return


@app.cell
def _():
    right = found("gfml", "(13)", "cosine similarity")
    as_card(right)
    return (right,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. Wrong

    The reputation utility is to rise with the reputation. What is printed above the threshold falls, and ends in the
    logarithm of a negative number:
    """)
    return


@app.cell
def _():
    wrong = found("gfml", "(11)", "the reputation utility above the threshold")
    as_card(wrong)
    return (wrong,)


@app.cell
def _():
    threshold = mo.ui.slider(0.1, 0.9, step=0.1, value=0.5, label="threshold", show_value=True)
    threshold
    return (threshold,)


@app.cell
def the_picture(threshold):
    _source = base64.b64encode(picture(threshold.value)).decode()
    _undefined = threshold.value + (1 - threshold.value) / (np.e - 1)
    mo.vstack(
        [
            mo.image(f"data:image/png;base64,{_source}", alt="(11) as printed and corrected", width="100%"),
            mo.md(f"As printed, it is defined up to a reputation of {_undefined:.3f}; the peak is at 1."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. Ambiguous

    Where a text can be read in two ways, a record holds both readings. They must differ, or there would be nothing to
    ask. A rate given in MHz may be meant as megabits per second or as a bandwidth:
    """)
    return


@app.cell
def _():
    ambiguous = found("gfml", "(9)", "the unit of the rate")
    as_card(ambiguous)
    return (ambiguous,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. Unspecified

    Sometimes nothing is wrong with what is written, but the result depends on what is not. A learner that starts with
    low estimates stays with the first action; one that starts with high ones tries them all:
    """)
    return


@app.cell
def _():
    unspecified = found("jamming", "Algorithm 1", "first estimates")
    as_card(unspecified)
    return (unspecified,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. Not reproducible

    And sometimes a number does not follow from what is said of it. The layers of the network are given, and so its
    weights can be counted:
    """)
    return


@app.cell
def _():
    lost = found("gfml", "Table II", "the size of the model")
    as_card(lost)
    return (lost,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 6. A record of your own

    A paper on an oligopoly says that each of $n$ firms, with cost $c$ and price $a - \sum_i q_i$, sells $(a - c) / n$.
    To find out, do not look for the slip in its derivation. Compute the answer in another way: what each firm sells if
    it does what is best for it, one after the other, until nothing changes.
    """)
    return


@app.function
def sold(a, c, n):
    """What a firm sells in equilibrium, by best responses."""
    sales = np.zeros(n)
    for step in range(200 * n):
        i = step % n
        sales[i] = max(0.0, (a - c - (sales.sum() - sales[i])) / 2)
    return float(sales[0])


@app.cell
def your_record():
    yours = Record(
        paper="mine",
        where="(4)",
        about="what each firm sells",
        says=r"$q = \frac{a - c}{n}$.",
        verdict=Verdict.WRONG,
        printed=lambda a, c, n: (a - c) / n,
        correct=sold,
        at={"a": 10.0, "c": 1.0, "n": 2},
        instead=r"$q = \frac{a - c}{n + 1}$.",
        why="What is printed are the sales at which the price is down to the cost, where nobody earns anything.",
    )
    as_card(yours)
    return (yours,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A witness can be badly chosen. If nobody would buy at the cost, both formulas say 0, and a record that calls one of
    them wrong at these numbers must not pass. It does not:
    """)
    return


@app.cell
def _(yours):
    unconvincing = replace(yours, at={"a": 10.0, "c": 10.0, "n": 2})
    as_card(unconvincing)
    return (unconvincing,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    And if the correction is tried out as the statement of a *right* record, it has to agree with the same computation:
    """)
    return


@app.cell
def _(yours):
    corrected = replace(
        yours,
        says=r"$q = \frac{a - c}{n + 1}$.",
        verdict=Verdict.RIGHT,
        printed=lambda a, c, n: (a - c) / (n + 1),
        at={"a": 10.0, "c": 1.0, "n": 5},
        instead="",
        why="Best responses come to the same, for five firms too.",
    )
    as_card(corrected)
    return (corrected,)


@app.cell(hide_code=True)
def _(corrected, counts, lost, right, unconvincing, unspecified, ambiguous, wrong, yours):
    if mo.app_meta().mode == "script":
        for _paper, _count in counts.items():
            print(f"{_paper}: {', '.join(f'{_count[v]} {v}' for v in Verdict)}")
        for _record in (right, wrong, ambiguous, unspecified, lost, yours, unconvincing, corrected):
            _finding = examine(_record)
            _verdict = "stands" if _finding.stands else "does not stand"
            print(f"{_record.where}, {_record.about}: {_record.verdict} {_verdict}")
    return


@app.cell
def test_one_of_each_verdict(all_stand, ambiguous, lost, right, unspecified, wrong):
    assert all_stand
    assert [r.verdict for r in (right, wrong, ambiguous, unspecified, lost)] == list(Verdict)
    return


@app.cell
def test_a_witness_must_separate(corrected, unconvincing, yours):
    assert examine(yours).stands
    assert not examine(unconvincing).stands
    assert examine(corrected).stands
    return


if __name__ == "__main__":
    app.run()
