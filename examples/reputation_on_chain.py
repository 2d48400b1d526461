import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Reputations that nobody can edit")

with app.setup:
    import sqlite3
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from models.data import digits
    from models.gfml import Experiment, Parameters, play
    from models.ledger import Corrupted, EmbeddedChain, Keys, Ledger, Transaction, encoded, to_fixed
    from models.reputation import Record, replay
    from verification import certify

    PARAMETERS = Parameters(
        users=8,
        coalitions=2,
        hidden=(16,),
        meta_rate=0.1,
        step_size=0.1,
        gradient="fo",  # first order: the quickest
        steps=6,
        cycles=100 / 6,
        batch=10,
        passive=0.0,
        personalisation=(1,),
        misbehaving=0.125,  # one of eight
    )
    ROUNDS, SEED = 3, 2


@app.function
def as_table(head, rows):
    """A markdown table."""
    lines = [head, [":---"] * len(head), *rows]
    return mo.md("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Reputations that nobody can edit

    Eight learners train together for three rounds. One of them cheats: it claims six local steps and takes three. That
    is seen in what it contributes, and its reputation falls behind. So it goes on to the place where reputations are
    kept, and tries to change them: once in a database, once on a chain.

    Everything below is computed while you read. The chain is a real Ethereum virtual machine in this process, with
    signed transactions in a file.

    ## 1. Three rounds

    `Experiment` takes a function that opens its ledger. Each round is recorded there, each contribution by the head of
    the user's coalition, and the reputations of the next round are those that the contract gives back.
    """)
    return


@app.cell
def _():
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "ledger.sqlite")
    keys = Keys.random()  # all accounts follow from one secret: this is one person's experiment
    chain = EmbeddedChain.create(path, funded={keys.root.address: 10**24})
    opened = []

    def open_ledger(names, forgetting):
        opened.append(Ledger.start(chain, keys, names, forgetting=forgetting))
        return opened[0]

    experiment = Experiment(digits(), "gfml", PARAMETERS, certify=certify, seed=SEED, ledger=open_ledger)
    rounds = [record for _, record in play(experiment, ROUNDS)]
    ledger = opened[0]
    cheater = int(np.flatnonzero(experiment.devices.misbehaving)[0])
    past = list(ledger.history.rounds())
    as_table(
        ["user", "", *(f"u in round {one.round}" for one in past), "reputation on the chain"],
        [
            (
                name,
                "cheats" if i == cheater else "",
                *(next((f"{r.training:.3f}" for r in one.records if r.user == i), "-") for one in past),
                f"{ledger.totals()[i]:.3f}",
            )
            for i, name in enumerate(ledger.names)
        ],
    )
    return chain, cheater, folder, keys, ledger, past, path, rounds


@app.cell
def _(cheater, ledger, rounds):
    refused = sum(record.refused for record in rounds)
    place = int((ledger.totals() > ledger.totals()[cheater]).sum()) + 1
    mo.md(f"""
    The cheater is number {place} of {len(ledger.names)}. In each round it took part in, it also sent a better record of
    itself to the contract, in its own name: {refused} attempts, all refused.

    ## 2. The database

    Without a chain, somebody keeps a table of contributions, and reputations are computed from it. This is the same
    history as the chain has.
    """)
    return place, refused


@app.cell
def _(cheater, ledger, past):
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE contributions (round, user, head, training, slack)")
    _rows = [(r.round, r.user, r.head, r.training, r.slack) for one in past for r in one.records]
    table.executemany("INSERT INTO contributions VALUES (?, ?, ?, ?, ?)", _rows)

    def reputations():
        records = [Record(*row) for row in table.execute("SELECT * FROM contributions")]
        return replay(records, users=len(ledger.names), rounds=ROUNDS).total

    honest = reputations()
    changed = table.execute("UPDATE contributions SET training = 1.0 WHERE user = ?", (cheater,)).rowcount
    forged = reputations()
    return changed, forged, honest


@app.cell(hide_code=True)
def _(changed, cheater, forged, honest, ledger):
    _before, _after = (int((values > values[cheater]).sum()) + 1 for values in (honest, forged))
    mo.md(f"""
    One statement, `UPDATE contributions SET training = 1.0 WHERE user = {cheater}`, changes {changed} rows. The
    cheater's reputation goes from {honest[cheater]:.3f} to {forged[cheater]:.3f}, from number {_before} to number
    {_after} of {len(ledger.names)}. Nothing is left that says so.

    ## 3. The contract

    On the chain there is no statement that changes a record. The cheater can only send another: in its own name, or by
    asking its head for a second one.
    """)
    return


@app.cell
def _(chain, cheater, keys, ledger, past):
    last = past[-1]
    _mine = next(record for record in last.records if record.user == cheater)
    _better = (cheater, to_fixed(1.0), to_fixed(_mine.slack))
    attempts = []
    for _who, _account in (("itself", keys.user(cheater)), ("its head", keys.user(_mine.head))):
        _call = encoded("record", last.round, list(last.heads).index(_mine.head), [_better])
        _nonce = chain.nonces([_account.address])[0]
        _raw = Transaction(chain.chain_id, _nonce, ledger.address, _call).signed(_account)
        attempts.append((_who, chain.send([_raw])[0]))
    as_table(
        ["in whose name", "succeeded", "the contract's reason", "kept in block"],
        [(who, one.succeeded, one.reason, one.block) for who, one in attempts],
    )
    return attempts, last


@app.cell(hide_code=True)
def _(attempts):
    mo.md(f"""
    Round {ROUNDS} is closed, so that even its head is too late. Both attempts are in the chain for good, signed by who
    made them: blocks {attempts[0][1].block} and {attempts[1][1].block}.

    ## 4. The file

    The cheater may have the file itself. It turns over one bit of it.
    """)
    return


@app.cell
def _(chain, ledger, path):
    root, totals = ledger.root(), ledger.totals()
    checks = ledger.history.checks()
    chain.close()
    content = path.read_bytes()
    answers = []
    for _place in np.linspace(0, len(content) - 1, 12).astype(int):
        _bad = bytearray(content)
        _bad[_place] ^= 1
        path.write_bytes(_bad)
        try:
            EmbeddedChain.open(path).close()
            answers.append((int(_place), "not noticed"))
        except Corrupted as _problem:
            answers.append((int(_place), str(_problem).replace(str(path), path.name)))
    path.write_bytes(content)
    as_table(["byte", "what opening the file says"], answers)
    return answers, checks, root, totals


@app.cell
def _(path, root, totals):
    with EmbeddedChain.open(path) as again:
        _ledger = Ledger(again, again.contracts()[0])
        same = _ledger.root() == root and np.array_equal(_ledger.totals(), totals)
        blocks = again.height
    outcome = "the same" if same else "another"
    mo.md(f"""
    With the byte put back, the file opens: every signature of its {blocks} blocks is checked and every transaction
    carried out again, to {outcome} root of all contributions, and to {outcome} digit of every reputation.
    """)
    return (same,)


@app.cell
def _(checks):
    as_table(["what was checked", "", "found"], [(c.name, "holds" if c.holds else "fails", c.detail) for c in checks])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 5. What this does not give

    Whoever has the *key* can write another history from the start. A chain of one operator is a history that is signed,
    complete, and cannot be changed unnoticed by whoever has seen an earlier root; it is no agreement among many. For
    that, put a node's address in place of the file.

    And the contract believes what a head measures. Had the head been the cheater's friend, it would have recorded
    $u = 1$ in time, under its own name, for all to see.
    """)
    return


@app.cell
def test_the_cheater_falls_behind_and_its_attempts_fail(attempts, cheater, past, refused, totals):
    assert totals[cheater] < np.median(totals)
    assert refused == sum(any(r.user == cheater for r in one.records) for one in past) > 0
    assert [one.succeeded for _, one in attempts] == [False, False]
    assert {one.reason for _, one in attempts} == {"late"}
    return


@app.cell
def test_a_database_can_be_edited_and_a_log_cannot(answers, changed, cheater, checks, forged, honest, same, totals):
    assert np.abs(honest - totals).max() < 1e-12
    assert changed > 0
    assert forged[cheater] > honest[cheater]
    assert not [place for place, told in answers if told == "not noticed"]
    assert same
    assert all(check.holds for check in checks)
    return


if __name__ == "__main__":
    app.run()
