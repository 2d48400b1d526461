import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="From a printed paper to a certified answer")

with app.setup:
    import base64
    import io
    from collections import Counter

    import marimo as mo
    import numpy as np
    import sympy as sp
    from matplotlib.figure import Figure

    from solvers.core import InvalidGame
    from solvers.stackelberg import StackelbergGame, bisection, derive, prove, solve
    from verification import certify


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.function
def latex(expression):
    """LaTeX with a thin space between factors, so that W times hi does not read as one word."""
    return sp.latex(expression, mul_symbol=r"\,")


@app.function
def formula(expression):
    """An expression or a relation as inline LaTeX."""
    return rf"$\displaystyle {latex(expression)}$"


@app.function
def stacked(lines):
    """Several lines in one cell of a table."""
    return "<br>".join(lines) or "–"


@app.function
def case_rows(table):
    """One row per KKT case: name, decision, multipliers, conditions."""
    return [
        (
            case.name,
            "where $U' = 0$" if case.decision is None else formula(case.decision[0]),
            stacked(f"{name}: {formula(value)}" for name, value in case.multipliers.items()),
            stacked(formula(c) for c in (*case.compatibility, *case.conditions)),
        )
        for case in table.cases
    ]


@app.function
def numbers(game, table, k, price):
    """What each symbol of the table stands for, for follower `k` at a price."""
    values = {name: float(np.broadcast_to(v, len(game.names))[k]) for name, v in game.values.items()}
    known = {s: values[s.name] for s in table.declaration.parameters}
    return {**known, table.declaration.price: price}


@app.function
def case_names(game, price, decisions):
    """The case each follower is in, by name."""
    masks = game.cases_at(price, decisions)
    return [next(name for name, mask in masks.items() if mask[k]) for k in range(len(game.names))]


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # From a printed paper to a certified answer

    One leader sets a price, many followers answer with what is best for them. To design such an incentive by hand you
    derive Karush-Kuhn-Tucker (KKT) cases, type the formulas into a program, and bisect for the price. Each of these
    steps can go wrong without a sound. This notebook takes one published game through all of them, and lets the
    computer do each step with its evidence.

    The game is the incentive game of Baccour, Erbad, Mohamed, Hamdi and Guizani, *A Blockchain-Based Reliable Federated
    Meta-Learning for Metaverse: A Dual Game Framework*, IEEE Internet of Things Journal 11(12), 2024, section V
    ([arXiv 2408.03694](https://arxiv.org/abs/2408.03694)). A provider pays an incentive $I$; a learner picks the
    frequency $\delta$ of its processor. Every number below is computed while you read; change a cell, and all that
    depends on it follows.

    ## 1. What the paper prints

    Write $W = \tau c D$ for the work of a round and $s$ for a learner's share of the data. A learner maximises

    $$U = \Bigl(S + s\,\frac{\delta - lo}{hi - lo}\Bigr) I + \bar H I_{rep} - \rho\zeta W\delta^2
    \qquad\text{subject to}\quad \frac{W}{\delta} + T_{comm} \le T_{max},\quad lo \le \delta \le hi .$$

    For it the paper prints this Lagrangian, the condition for a learner that is held back by its deadline, and the one
    for a learner that is at its lowest frequency as well:

    $$L = U + \lambda_1\Bigl(T_{comm} + \frac{W}{\delta} - T_{max}\Bigr) +
    \lambda_2(hi - \delta) + \lambda_3(\delta - lo) \tag{26}$$

    $$\lambda_1 = \frac{\delta^2 s I}{W(hi - lo)} - 2\rho\zeta\delta^3 > 0 \tag{34}$$

    $$lo = \frac{W}{T_{max} - T_{comm}} \quad\text{and}\quad
    \frac{\delta^2 s I}{W(hi - lo)} - 2\rho\zeta\delta^3 > 0 \tag{38}$$

    The provider's utility is printed with the plain logarithm of what is left of the deadline,

    $$F = \sum_i \eta H \ln\Bigl(T_{max} - \frac{W}{\delta} - T_{comm}\Bigr) -
    \Bigl(S + s\,\frac{\delta - lo}{hi - lo}\Bigr) I - H I_{rep} , \tag{23}$$

    and Proposition 3 says that its maximum is unique, because $F$ is concave in every case, and that bisection finds
    it. *(The paper writes $\sum_k D_i/D_k$ where $s = D_i/\sum_k D_k$ is meant. That is put right here, so that only
    the signs are compared.)*

    None of these five statements is right. Here is how one finds out.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. Declare the game

    The game is written once, as SymPy expressions and columns of numbers. Three learners are enough. Signs of the
    symbols need not be stated: they are read off the data.
    """)
    return


@app.cell
def _():
    incentive, delta, eta, I_rep, rho, zeta = sp.symbols("I delta eta I_rep rho zeta")
    T_max, T_comm, lo, hi, W, s, S, H, H_mean = sp.symbols("T_max T_comm lo hi W s S H H_mean")

    spare = T_max - W / delta - T_comm
    reward = (S + s * (delta - lo) / (hi - lo)) * incentive

    problem = {
        "price": incentive,
        "decision": delta,
        "bounds": (5.0, 15.0),
        "leader_utility": eta * H * sp.log(1 + spare) - reward - H * I_rep,
        "follower_utility": reward + H_mean * I_rep - rho * zeta * W * delta**2,
        "constraints": {"deadline": W / delta + T_comm <= T_max, "fastest": delta <= hi, "slowest": delta >= lo},
    }
    return H, I_rep, eta, problem, reward, spare


@app.cell
def _(problem):
    constants = {"eta": 25.0, "I_rep": 5.0, "rho": 0.1, "zeta": 1e-27, "T_max": 19.0, "lo": 1e7, "hi": 1e9}
    D = np.array([6e7, 16e7, 15e7])  # bits of data
    tau, cycles = 10.0, 10.0  # local iterations, processor cycles per bit

    learners = {
        "W": tau * cycles * D,
        "s": D / D.sum(),
        "S": np.array([0.8, 0.6, 0.5]),
        "H": np.array([1.0, 0.8, 0.9]),
        "H_mean": np.full(3, 0.9),
        "T_comm": np.array([1.2, 1.1, 1.5]),
    }
    game = StackelbergGame.declare(
        **problem, table=learners, names=["ada", "bob", "cem"], parameters=constants, title="Three learners"
    )
    return D, constants, cycles, game, learners, tau


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. Derive the cases

    `derive` forms the Lagrangian of the *maximisation*, solves every set of active constraints, and keeps those that
    can occur. For a learner there are these:
    """)
    return


@app.cell
def _(game):
    table = derive(game)
    mo.vstack(
        [
            mo.md(f"$$L = {latex(table.lagrangian)}$$"),
            as_table(["active", "decision", "multipliers", "exactly when"], case_rows(table)),
            mo.md("given " + ", ".join(formula(fact) for fact in table.facts)),
        ]
    )
    return (table,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. Compare with the print

    **(26)** The difference between the two Lagrangians ought to be zero. It is not: the sign of $\lambda_1$ belongs to
    a minimisation, the other two to a maximisation.
    """)
    return


@app.cell
def _(table):
    sym = {symbol.name: symbol for symbol in table.lagrangian.free_symbols}
    late = sym["T_comm"] + sym["W"] / sym["delta"] - sym["T_max"]
    printed_lagrangian = (
        table.declaration.follower_utility
        + sym["lambda_deadline"] * late
        + sym["lambda_fastest"] * (sym["hi"] - sym["delta"])
        + sym["lambda_slowest"] * (sym["delta"] - sym["lo"])
    )
    difference_26 = sp.factor(sp.simplify(printed_lagrangian - table.lagrangian))
    mo.md(f"printed $L$ minus derived $L$ = {formula(difference_26)}")
    return difference_26, sym


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **(34)** carries that sign on. Here is bob at a low and at a higher price: the derived multiplier, the printed one,
    and the cases that then apply. A table of cases is sound if exactly one does.
    """)
    return


@app.cell
def _(game, sym, table):
    interior_case, deadline_case = table.cases[0], table.cases[1]
    printed_34 = (
        sym["delta"] ** 2 * sym["s"] * sym["I"] / (sym["W"] * (sym["hi"] - sym["lo"]))
        - 2 * sym["rho"] * sym["zeta"] * sym["delta"] ** 3
    )
    witness_34 = {}
    for _price in (5.0, 7.0):
        _at = numbers(game, table, 1, _price)
        _point = float(deadline_case.decision[0].subs(_at))
        _inside = all(c.subs(_at) for c in interior_case.conditions)
        witness_34[_price] = {
            "derived": float(deadline_case.multipliers["deadline"].subs(_at)),
            "printed": float(printed_34.subs({**_at, sym["delta"]: _point})),
            "interior": _inside,
            "utilities": [
                float(table.declaration.follower_utility.subs({**_at, sym["delta"]: d}))
                for d in (float(interior_case.decision[0].subs(_at)), _point)
            ],
        }

    def _applying(interior, multiplier):
        return stacked(name for name, holds in (("interior", interior), ("deadline", multiplier > 0)) if holds)

    as_table(
        ["price", "derived multiplier", "cases", "multiplier (34)", "cases with (34)"],
        [
            (
                price,
                f"{w['derived']:+.4g}",
                _applying(w["interior"], w["derived"]),
                f"{w['printed']:+.4g}",
                _applying(w["interior"], w["printed"]) if w["interior"] or w["printed"] > 0 else "**none**",
            )
            for price, w in witness_34.items()
        ],
    )
    return (witness_34,)


@app.cell
def _(witness_34):
    _inside, _deadline = witness_34[7.0]["utilities"]
    mo.md(
        f"With (34) as printed, no case applies at the price 5, and two apply at 7. They contradict each other: at its "
        f"interior frequency bob gets {_inside:.4f}, at the deadline only {_deadline:.4f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **(38)** is reversed as well. The witness is nine equal learners whose lowest frequency is just what the deadline
    asks for. The same problem is declared again with other columns:
    """)
    return


@app.cell
def _(constants, cycles, problem, sym, table, tau):
    _n, _D, _T_max, _T_comm = 9, 7.2e7, 11.0, 1.5
    _W = tau * cycles * _D
    nine = StackelbergGame.declare(
        **problem,
        table={
            "W": np.full(_n, _W),
            "s": np.full(_n, 1 / _n),
            "S": np.full(_n, 0.75),
            "H": np.full(_n, 0.9),
            "H_mean": np.full(_n, 0.9),
            "T_comm": np.full(_n, _T_comm),
        },
        parameters={**constants, "T_max": _T_max, "lo": _W / (_T_max - _T_comm)},
    )
    _at = numbers(nine, table, 0, 12.0)
    _low = _at[sym["lo"]]
    _best = nine.best_response(12.0)
    witness_38 = {
        "printed test": float(
            _low**2 * _at[sym["s"]] * 12.0 / (_at[sym["W"]] * (_at[sym["hi"]] - _low))
            - 2 * _at[sym["rho"]] * _at[sym["zeta"]] * _low**3
        ),
        "utility at lo": float(nine.follower_utilities(12.0, np.full(_n, _low))[0]),
        "best decision": float(_best[0]),
        "best utility": float(nine.follower_utilities(12.0, _best)[0]),
    }
    mo.md(
        f"At the price 12 the printed test is positive ({witness_38['printed test']:.4g}), so case 6 puts everybody "
        f"at $lo$ = {_low / 1e9:.3f} GHz, for a utility of {witness_38['utility at lo']:.3f}. The best response is "
        f"{witness_38['best decision'] / 1e9:.3f} GHz, for {witness_38['best utility']:.3f}."
    )
    return nine, witness_38


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    **(23)** has a logarithm of the time that is left. A learner that just meets its deadline has none left. Taken
    literally, such a learner makes the provider's utility minus infinity, or whatever rounding makes of it; so the
    solver asks where a logarithm is defined before it computes one. (The paper's own derivatives (39) and (40) have
    $1 + T_{max}$, which is what this notebook uses.)
    """)
    return


@app.cell
def _(H, I_rep, constants, eta, learners, problem, reward, spare):
    literal = StackelbergGame.declare(
        **{**problem, "leader_utility": eta * H * sp.log(spare) - reward - H * I_rep},
        table=learners,
        names=["ada", "bob", "cem"],
        parameters=constants,
    )
    try:
        solve(literal)
        refusal = ""
    except InvalidGame as problem_found:
        refusal = str(problem_found)
    mo.md(f"`{refusal}`")
    return (refusal,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. Prove the case table

    Nobody should trust our derivation either. `prove` hands the table to the solver Z3 as polynomial inequalities: some
    case always applies, no two overlap, each one's point is feasible, and none is beaten by another feasible point.
    """)
    return


@app.cell
def _(table):
    proof = prove(table)
    as_table(["obligation", "verdict"], [(o.name, o.verdict) for o in proof])
    return (proof,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    *Proved* means: for every value of every symbol that the signs and the facts allow, not only for three learners. The
    facts matter. Leave out the one that the deadline can be met at all, and Z3 shows a learner for whom the table is
    wrong:
    """)
    return


@app.cell
def _(table):
    without = prove(table, facts=table.facts[:-1])
    broken = [o for o in without if o.verdict == "failed"]
    mo.vstack(
        [
            mo.md(f"without the fact {formula(table.facts[-1])}:"),
            as_table(
                ["obligation that fails", "counterexample"],
                [(o.name, ", ".join(f"{k} = {v:g}" for k, v in o.counterexample.items())) for o in broken],
            ),
        ]
    )
    return (broken,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 6. Solve

    Now the provider's price. $F$ is concave as long as every learner stays in its case. But at the price where a
    learner leaves its deadline the slope of $F$ jumps **up**, and there the argument of Proposition 3 ends. The
    thresholds of the case table say where that is:
    """)
    return


@app.cell
def _(game, table):
    leaving = []
    for _k, _name in enumerate(game.names):
        _at = numbers(game, table, _k, 1.0)
        _limits = {t.rhs.subs(_at) for t in table.cases[1].thresholds if t.lhs == table.declaration.price}
        leaving += [(_name, float(p), *game.leader_slopes(float(p))) for p in _limits if 5 < p < 15]
    leaving.sort(key=lambda row: row[1])
    as_table(
        ["learner", "leaves its deadline at", "slope of F below", "slope above"],
        [(name, f"{p:.4f}", f"{below:+.2f}", f"{above:+.2f}") for name, p, below, above in leaving],
    )
    return (leaving,)


@app.cell
def _(game):
    claims = {"solve": solve(game), "bisection": bisection(game)}
    best, stuck = (claim.require() for claim in claims.values())
    as_table(
        ["method", "price", "provider's utility"],
        [(c.method, f"{c.require().price:.4f}", f"{c.stats['leader_utility']:.2f}") for c in claims.values()],
    )
    return best, claims, stuck


@app.cell
def _(best, claims, game):
    _stats = claims["solve"].stats
    _first = game.bounds[0]
    frozen = game.leader_utility(_first, best.decisions)
    mo.md(
        f"""
        Bisection sees the slope change from plus to minus, stops, and reports no trouble. `solve` also returns a bound
        that rounding cannot break: no price gives more than {_stats["upper_bound"]:.6f}, a relative gap of
        {_stats["gap"]:.1e}.

        One more misprint shows here. Definition (25) compares prices while the learners' answers stay *frozen*. Under
        it the best price is no equilibrium: if everybody kept the frequency chosen at {best.price:.3f}, the price
        {_first:.0f} would bring {frozen:.2f}. But learners who are paid less slow down.
        """
    )
    return (frozen,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 7. Certify

    A solver claims; `certify` checks. It computes what the provider and each learner would gain by deviating, from
    the declared utilities alone, with none of the solver's formulas. So it can judge any claim, whoever makes it:
    """)
    return


@app.cell
def _(best, game, stuck):
    certificate = certify(game, best)
    refused = certify(game, stuck)
    as_table(
        ["claim", "provider would gain", "worst learner would gain", "certificate"],
        [
            (f"{who} ({p.price:.4f})", f"{c.regrets[0]:.2g}", f"{np.max(c.regrets[1:]):.2g}", str(c))
            for who, p, c in (("solve", best, certificate), ("bisection", stuck, refused))
        ],
    )
    return certificate, refused


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 8. Look at it

    Move the price, and watch who is in which case.
    """)
    return


@app.cell
def _(best, game):
    price = mo.ui.slider(
        *game.bounds, step=0.05, value=round(best.price, 1), label="price", show_value=True, full_width=True
    )
    price
    return (price,)


@app.cell
def at_the_price(game, price):
    _decisions = game.best_response(price.value)
    _utilities = game.follower_utilities(price.value, _decisions)
    _cases = case_names(game, price.value, _decisions)
    mo.vstack(
        [
            mo.md(f"**F({price.value:.2f}) = {game.leader_utility(price.value):.2f}**"),
            as_table(
                ["learner", "frequency, GHz", "utility", "case"],
                [
                    (name, f"{d / 1e9:.3f}", f"{u:.3f}", case)
                    for name, d, u, case in zip(game.names, _decisions, _utilities, _cases, strict=True)
                ],
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(best, game, leaving, price, stuck):
    _prices = np.linspace(*game.bounds, 601)
    _figure = Figure(figsize=(8, 3.6), layout="constrained")
    _axes = _figure.subplots()
    _axes.plot(_prices, [game.leader_utility(float(p)) for p in _prices], color="black", label="provider's utility F")
    for _name, _p, *_ in leaving:
        _axes.axvline(_p, color="0.7", linewidth=0.8)
        _axes.annotate(f"{_name} leaves its deadline ", (_p, 60), rotation=90, size=8, ha="right", va="center")
    _marks = [(best.price, "*", "solve: certified"), (stuck.price, "X", "bisection: refused")]
    for _p, _marker, _label in [*_marks, (price.value, "o", "the slider")]:
        _axes.plot([_p], [game.leader_utility(_p)], _marker, ms=12, alpha=0.8, label=_label)
    _axes.set(xlabel="price I", ylabel="F", xlim=game.bounds)
    _axes.legend(fontsize=8)
    _content = io.BytesIO()
    _figure.savefig(_content, format="png", dpi=120)
    _source = f"data:image/png;base64,{base64.b64encode(_content.getvalue()).decode()}"
    mo.image(_source, alt="The provider's utility over the price, with two local maxima")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 9. Your own game

    A seller of computing time posts a price $p$; a customer who values $x$ hours at $w \ln(1 + x)$ buys what suits it.
    Open this file with `marimo edit` and change the line marked below, for example to `w * sp.sqrt(1 + x)` or
    `w * (1 - sp.exp(-x))`: all the steps are done again.
    """)
    return


@app.cell
def your_game():
    p, x, w, cap = sp.symbols("p x w cap")
    value = w * sp.log(1 + x)  # <- change this line
    market = StackelbergGame.declare(
        price=p,
        decision=x,
        bounds=(0.1, 4.0),
        leader_utility=p * x,
        follower_utility=value - p * x,
        constraints={"cap": x <= cap, "nothing": x >= 0},
        table={"w": np.array([1.0, 1.2, 1.1, 4.0]), "cap": np.array([3.0, 2.0, 4.0, 2.5])},
        participation=False,  # who buys nothing stays a customer
    )
    market_table = derive(market)
    market_proof = prove(market_table)
    market_verdicts = Counter(o.verdict for o in market_proof)
    market_claim = solve(market)
    market_certificate = certify(market, market_claim.require())
    mo.vstack(
        [
            as_table(["active", "decision", "multipliers", "exactly when"], case_rows(market_table)),
            mo.md(
                f"Obligations: {', '.join(f'{n} {verdict}' for verdict, n in market_verdicts.items())}. "
                f"Best price {market_claim.require().price:.4f}, revenue {market_claim.stats['leader_utility']:.4f}, "
                f"sales {', '.join(f'{d:.3f}' for d in market_claim.require().decisions)}. {market_certificate}."
            ),
        ]
    )
    return market_certificate, market_verdicts


@app.cell(hide_code=True)
def _(best, certificate, proof, refused, stuck):
    if mo.app_meta().mode == "script":
        print(f"proof: {len(proof)} obligations, {sum(o.verdict == 'proved' for o in proof)} proved")
        print(f"solve:     price {best.price:.4f}; {certificate}")
        print(f"bisection: price {stuck.price:.4f}; {refused}")
    return


@app.cell
def test_the_printed_formulas_are_refuted(difference_26, refusal, witness_34, witness_38):
    assert difference_26 != 0
    assert witness_34[5.0]["printed"] < 0 < witness_34[5.0]["derived"]
    assert witness_34[7.0]["interior"]
    assert witness_34[7.0]["printed"] > 0
    assert witness_38["printed test"] > 0
    assert witness_38["best utility"] > witness_38["utility at lo"] + 1
    assert "needs a positive argument" in refusal
    return


@app.cell
def test_one_claim_is_certified_and_the_other_refused(certificate, proof, refused):
    assert all(o.verdict == "proved" for o in proof)
    assert certificate.holds
    assert not refused.holds
    return


if __name__ == "__main__":
    app.run()
