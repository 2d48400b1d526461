"""`python -m models.gfml`: what it prints, writes, keeps and refuses. Most rounds are made up; a few are played."""

import csv
import errno
import io
import json
import subprocess
import sys
from functools import partial
from unittest.mock import create_autospec

import numpy as np
import pytest
from commands import ROOT, refusal
from rich.console import Console
from scipy import stats

from models.gfml import FRAMEWORKS, Parameters, _help, _plot, _runs, summary
from models.gfml.__main__ import _bar, main
from models.gfml._evidence import certified, partition_word, proved
from models.gfml._options import DEFAULTS, check, parameters, parsed
from models.gfml._report import RunReport, thinned
from models.gfml._store import Store, Unit
from models.gfml._sweeps import sweep
from solvers import _command
from solvers.core import NotSolved

KEYS = ["framework", "dataset", "parameters", "rounds", "summary", "certified", "seed", "problem", "stats"]
CONTRACT = {
    *("round", "accuracy", "personalised_accuracy", "loss", "completion_time", "profit", "provider_utility", "prices"),
    *("switches", "stable", "certificate"),
}
TINY = ("--users", "8", "--coalitions", "2", "--steps", "1", "--batch", "4", "--rounds", "2")
HOLDS = {"concept": "Stackelberg", "residual": 1e-12, "tolerance": 1e-8, "holds": True}
FAILS = {**HOLDS, "residual": 0.5, "holds": False}
STABLE = {"concept": "Nash-stable", "residual": 0.0, "tolerance": 1e-9, "holds": True}
EMPTY = ("scheduler", "data-dir", "store", "json", "export", "plot")
LOOSE = {**STABLE, "residual": 0.25, "holds": False}


def made_up(number, seed=0, framework="gfml", **changed):
    """The document of a round."""
    shift = 0.01 * seed + 0.001 * [*FRAMEWORKS].index(framework)
    return {
        "round": number,
        "accuracy": 0.4 + shift,
        "personalised_accuracy": 0.8 + shift + 0.01 * number,
        "personalised": {"1": 0.8 + shift + 0.01 * number, "10": 0.9 + shift},
        "loss": 1.0 / number,
        "passive": {str(count): 0.5 + shift for count in Parameters().passive_samples},
        "completion_time": 10.0 + seed,
        "profit": 5.0 + seed,
        "profits": [4.0, 6.0 + 2 * seed],
        "misbehaving_profit": None,
        "provider_utility": 500.0 + number,
        "provider_utilities": [250.0, 250.0 + number],
        "prices": [5.0, None],
        "heads": [0, 1],
        "coalitions": [0, 1],
        "reputations": [1.0, 2.0],
        "switches": 3,
        "stable": True,
        "cycling": False,
        "dropped": [],
        "certificate": HOLDS,
        "partition_certificate": STABLE,
        **changed,
    }


def pretended(units, rounds, *, store_path, on_round, change=None, stop=None, **how):
    """Stands for `run_all`: made-up rounds, which `change` may alter; `stop` raises an error in place of a round."""
    store = Store(store_path)
    for unit in units:
        for number in range(len(store.records(unit)) + 1, rounds + 1):
            if stop:
                stop(unit, number)
            record = made_up(number, unit.seed, unit.framework, **(change(unit, number) if change else {}))
            store.save(unit, record, b"state")
            on_round(unit, record)
        yield unit, store.records(unit, rounds)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Sets what is made up, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_runs, "run_all", pretended)
    return lambda **how: monkeypatch.setattr(_runs, "run_all", partial(pretended, **how))


@pytest.fixture
def drawn(monkeypatch):
    """Figures are not drawn, but called as they would be."""
    for number in range(3, 10):
        name = f"figure_{number}"
        monkeypatch.setattr(_plot, name, create_autospec(getattr(_plot, name), return_value=b"a picture"))


def answer(capsys, *arguments, status=0):
    """The JSON on standard output."""
    assert main([*arguments, "--json", "-"]) == status
    return json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"JSON holds {name}"))


def table(capsys, *arguments, status=0):
    assert main([*arguments]) == status
    return capsys.readouterr()


# --- options -----------------------------------------------------------------------------------------------------


def test_without_a_command_the_options_are_those_of_run():
    assert parsed([]) == parsed(["run"])
    assert parsed(["--rounds", "3"]).rounds == 3
    assert parsed(["compare"]).command == "compare"


def test_the_listed_frameworks_are_those_that_there_are():
    rules = {name: (one.coalitions.name, one.heads.name, one.resources.name) for name, one in FRAMEWORKS.items()}
    described = {name: f"{one.title}: {' / '.join(rules[name])}" for name, one in FRAMEWORKS.items()}
    assert [*described.items()] == [*_help.FRAMEWORKS.items()]


def test_every_parameter_can_be_set_and_its_shown_default_is_its_default():
    settings = [part for name in DEFAULTS for part in ("--set", f"{name}={_help.default(name)}")]
    assert parameters(parsed(settings)) == Parameters()


@pytest.mark.parametrize(
    ("option", "value", "name", "meant"),
    [
        ("--users", "12", "users", 12),
        ("--coalitions", "3", "coalitions", 3),
        ("--classes-each", "4", "classes_each", 4),
        ("--misbehaving", "0.25", "misbehaving", 0.25),
        ("--meta-rate", "0.5", "meta_rate", 0.5),
        ("--step-size", "0.5", "step_size", 0.5),
        ("--gradient", "fo", "gradient", "fo"),
        ("--steps", "2", "steps", 2),
        ("--batch", "7", "batch", 7),
        ("--refresh", "3", "refresh", 3),
        ("--reputation-incentive", "10", "reputation_incentive", 10.0),
        ("--incentives", "6,9", "incentives", (6.0, 9.0)),
        ("--set", "hidden=5,6,7", "hidden", (5, 6, 7)),
        ("--set", "energy-price=0.2", "energy_price", 0.2),
        ("--set", "centred=false", "centred", False),
    ],
)
def test_an_option_sets_its_parameter_and_no_other(option, value, name, meant):
    found = parameters(parsed([option, value]))
    assert found == Parameters(**{name: meant})


def test_tampering_is_a_flag():
    assert parameters(parsed(["--tampered"])) == Parameters(tampered=True)


@pytest.mark.parametrize(("text", "meant"), [("2", (0, 1)), ("4,9", (4, 9)), ("7,", (7,))])
def test_seeds_are_counted_or_listed(text, meant):
    assert parsed(["compare", "--seeds", text]).seeds == meant


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("comapre", "command must be one of run, compare, sweep, got `comapre`; did you mean `compare`?"),
        ("--framework gmfl", "framework must be a known name, got `gmfl`; did you mean `gfml`?"),
        (
            "compare --frameworks gfml,random",
            "framework must be a known name, got `random`; did you mean `gfml-random`",
        ),
        ("compare --frameworks gfml,gfml", "--frameworks must name each framework once, got `gfml,gfml`"),
        ("--dataset digit", "dataset must be a known name, got `digit`; did you mean `digits`?"),
        ("--dataset mnist --data-dir .", "there must be train-images-idx3-ubyte.gz in the folder `.`"),
        ("--dataset mnist --data-dir nowhere", "--data-dir must be a folder, got `nowhere`"),
        ("--data-dir nowhere", "--data-dir goes with --dataset mnist or fashion-mnist, got digits"),
        ("--rounds 0", "--rounds must be 1 to 100,000, got 0"),
        ("--rounds few", "argument --rounds: must be a whole number, got `few`"),
        ("--refresh 0", "refresh must be an integer of at least 1, got 0"),
        ("--users 8 --coalitions 8", "coalitions must be at most 7, the number of active users, got 8"),
        ("--classes-each 11", "classes_each must be at most 10, the number of classes, got 11"),
        ("--users 2000", "2000 users of 2 classes need 4000 samples, got 1797"),
        ("--misbehaving 1.5", "misbehaving must be in [0, 1], got 1.5"),
        ("--incentives 9,6", "incentives must be two numbers low <= high, got [9.0, 6.0]"),
        ("--gradient none", "gradient must be one of hvp, hf, fo"),
        ("--set stepps=3", "must name a parameter, got `stepps`; did you mean `steps`"),
        ("--set steps", "must be NAME=VALUE, got `steps`"),
        ("--set steps=some", "steps must be a whole number, got `some`"),
        ("--set centred=maybe", "centred must be true or false, got `maybe`"),
        ("--users 8 --set users=9", "users must be given once, got `8` and `9`"),
        ("--seed -1", "--seed must be at least 0, got -1"),
        ("compare --seed 4", "unrecognized arguments: --seed 4"),
        ("compare --seeds 0", "must be 1 to 1,000 seeds, got 0"),
        ("compare --seeds 3,3", "must be different numbers of at least 0, got `3,3`"),
        ("sweep user", "sweep must be over one of users, coalitions, misbehaving, samples, got `user`; did you mean"),
        ("sweep users --users 9", "users is what the sweep over users varies, set it with --values"),
        ("sweep misbehaving --tampered", "tampered is what the sweep over misbehaving varies"),
        ("sweep users --values 20,x", "each of --values must be a whole number, got `x`"),
        ("sweep users --values 20,20", "--values must be different, got `20,20`"),
        ("sweep coalitions --values 4,40", "coalitions must be at most 36, the number of active users, got 40"),
        ("--workers 0", "--workers must be 1 to 1,024, got 0"),
        ("--workers 2 --scheduler there:8786", "--workers goes without --scheduler"),
        ("--scheduler nonsense", "scheduler must be an address such as host:8786, got `nonsense`"),
        ("--device meta", "device must be auto, cpu, cuda, cuda:N, mps or xpu, got `meta`"),
        ("--device cuda:99", "device must be one that PyTorch can use here, got `cuda:99`: "),
        ("--device meta --scheduler host:8786", "device must be auto, cpu, "),
        ("sweep samples --set passive=0", "sweep over samples needs passive users, got none of 40; set passive higher"),
        *(
            (f"--{name}=", f"--{name} must not be empty")
            for name in ["scheduler", "data-dir", "store", "json", "export", "plot"]
        ),
        ("--threads 0", "--threads must be 1 to 1,024, got 0"),
        ("--store no/such.sqlite", "the store must be in a folder that is there"),
        ("--json no/such.json", "output must be a file in a folder that can be written, got no/such.json"),
        ("--json x --store x", "an output must be a file of its own, and none of the inputs"),
        ("--export rounds.xls", "--export must end in .csv or .parquet, got rounds.xls"),
        ("--plot no/such", "--plot must be a folder that can be written, or a new one, got no/such"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(fake, capsys, tmp_path, arguments, told):
    assert told in refusal(capsys, main, *arguments.split())
    assert [*tmp_path.iterdir()] == []


def test_a_corrupt_data_file_is_named_with_its_md5(fake, capsys, tmp_path):
    tmp_path.joinpath("train-images-idx3-ubyte.gz").write_bytes(b"not an image")
    told = refusal(capsys, main, "--dataset", "mnist", "--data-dir", ".")
    assert "train-images-idx3-ubyte.gz" in told
    assert "MD5" in told


def test_a_store_that_is_none_is_refused_and_stays(fake, capsys, tmp_path):
    tmp_path.joinpath("gfml.sqlite").write_text("my diary")
    assert refusal(capsys, main).startswith("error: gfml.sqlite: the store must be ")
    assert tmp_path.joinpath("gfml.sqlite").read_text() == "my diary"


# --- run ---------------------------------------------------------------------------------------------------------


def test_the_json_of_run_is_what_scripts_depend_on(fake, capsys):
    found = answer(capsys, "run", *TINY, "--seed", "3")
    assert list(found) == KEYS
    assert (found["framework"], found["dataset"], found["seed"], found["problem"]) == ("gfml", "digits", 3, None)
    assert Parameters.from_document(found["parameters"]) == Parameters(users=8, coalitions=2, steps=1, batch=4)
    assert found["rounds"] == [made_up(1, 3), made_up(2, 3)]
    assert set(found["rounds"][0]) >= CONTRACT
    assert found["summary"] == summary(found["rounds"])


def test_brief_leaves_out_what_is_by_user_and_nothing_else(fake, capsys):
    found = answer(capsys, *TINY, "--brief")["rounds"][0]
    assert made_up(1).keys() - found.keys() == {"profits", "coalitions", "reputations"}


def test_the_table_shows_each_round_the_sums_and_what_is_certified(fake, capsys):
    out, err = table(capsys, *TINY)
    assert err == ""
    assert out.startswith("GFML on digits: 8 users in 2 coalitions, seed 0\n")
    assert out.splitlines()[1] == "Not the default: steps 1, batch 4."
    numbers = ["1", "0.400", "0.810", "0.900", "1", "10.00", "5.00", "501.0", "5.00", "3", "0"]
    assert [*numbers, "stable", "holds"] in words(out)
    assert "2 rounds: accuracy 40.0% before personalisation, 82.0% after 1 step, 90.0% after 10 steps" in out
    assert "in no coalition" not in out
    expected = "at the prices and frequencies that users expected"
    assert f"Partitions of 2 rounds, {expected}: 2 stable. Certificate (Nash-stable): no learner gains" in out
    assert (
        "Certificate (Stackelberg): nobody gains more than 1e-12 by deviating (tolerance 1e-08): holds in 2 of 2" in out
    )


def words(out):
    return [line.split() for line in out.splitlines()]


def test_long_runs_are_thinned_to_ten_rows_from_the_first_to_the_last():
    chosen = thinned([made_up(number) for number in range(1, 51)], 10)
    numbers = [record["round"] for record in chosen]
    assert (len(numbers), numbers[0], numbers[-1]) == (10, 1, 50)
    assert set(np.diff(numbers)) <= {5, 6}
    assert len(thinned(chosen, 10)) == 10


def test_rounds_come_from_the_store_and_more_can_be_added(fake, capsys):
    assert "from gfml.sqlite" not in table(capsys, *TINY).out
    fake(stop=lambda unit, number: pytest.fail("was played again"))
    again = table(capsys, *TINY).out
    assert "\n2 of 2 rounds from gfml.sqlite.\n" in again
    fake()
    assert answer(capsys, *TINY, "--rounds", "3")["stats"]["rounds_from_store"] == 2
    assert len(answer(capsys, *TINY)["rounds"]) == 2  # as many as are asked for


def test_other_parameters_and_seeds_are_other_runs(fake, capsys):
    answer(capsys, *TINY)
    for other in (("--seed", "1"), ("--framework", "random-random"), ("--set", "shirked=0.4")):
        assert answer(capsys, *TINY, *other)["stats"]["rounds_from_store"] == 0


def test_fresh_forgets_these_runs_alone(fake, capsys):
    for seed in ("0", "1"):
        answer(capsys, *TINY, "--seed", seed)
    fake(change=lambda unit, number: {"loss": 9.0})
    found = answer(capsys, *TINY, "--fresh")
    assert found["stats"]["rounds_from_store"] == 0
    assert found["summary"]["loss"] == 9.0
    assert answer(capsys, *TINY, "--seed", "1")["summary"]["loss"] == 0.5


def test_a_certificate_that_does_not_hold_is_seen_and_no_success(fake, capsys):
    fake(change=lambda unit, number: {"certificate": FAILS} if number == 1 else {})
    out = table(capsys, *TINY, status=1).out
    assert "nobody gains more than 0.5 by deviating (tolerance 1e-08): does not hold in 1 of 2 rounds" in out


@pytest.mark.parametrize(("cycling", "word"), [(True, "cycling"), (False, "not stable")])
def test_an_unstable_partition_is_a_finding_and_no_failure(fake, capsys, cycling, word):
    fake(change=lambda unit, number: {"stable": False, "cycling": cycling, "partition_certificate": LOOSE})
    assert (
        f"Partitions of 2 rounds, at the prices and frequencies that users expected: 2 {word}."
        in table(capsys, *TINY).out
    )


def test_a_partition_called_stable_needs_its_proof():
    assert not certified(made_up(1, partition_certificate=None))
    assert not certified(made_up(1, partition_certificate=LOOSE))
    assert certified(made_up(1, certificate=None, stable=None, partition_certificate=None))
    assert partition_word(made_up(1, stable=None)) == "-"


def test_one_verdict_is_in_the_json_and_decides_the_exit_status(fake, capsys):
    nothing = {"certificate": None, "stable": None, "partition_certificate": None}
    for change, meant in (({}, True), (nothing, None), ({"partition_certificate": LOOSE}, False)):
        assert proved([made_up(1), made_up(2)] if not change else [made_up(1, **change)]) is meant
        fake(change=lambda unit, number, change=change: change)
        status = 1 if meant is False else 0
        assert answer(capsys, *TINY, "--fresh", status=status)["certified"] is meant
        found = answer(capsys, "compare", *TINY, "--seeds", "1", "--frameworks", "gfml", status=status)
        assert (found["certified"], found["frameworks"][0]["certified"]) == (meant, meant)


def test_best_responses_are_told_apart_from_stackelberg(fake, capsys):
    best = {**HOLDS, "concept": "best responses"}
    fake(change=lambda unit, number: {"certificate": best} if number == 1 else {})
    out = table(capsys, *TINY).out
    told = "no learner gains more than 1e-12 by another frequency at the given price (tolerance 1e-08): holds in 1 of 1"
    assert f"Certificate (best responses): {told} round Cert" in " ".join(out.split())
    assert "Certificate (Stackelberg): nobody gains more than 1e-12 by deviating" in out


ALONE = {"coalitions": [-1, -1], "prices": [None, None], "completion_time": None, "certificate": None}


def test_a_run_in_which_nobody_takes_part_is_told(fake, capsys):
    fake(change=lambda unit, number: ALONE if number == 1 else {"coalitions": [-1, 1]})
    out = table(capsys, *TINY).out
    assert ["1", "0.400", "0.810", "0.900", "1", "-", "5.00", "501.0", "-", "3", "2", "stable", "-"] in words(out)
    assert "\n1 to 2 of 2 active users are in no coalition, depending on the round.\n" in out
    assert "Prices and frequencies: nobody took part in 1 of 2 rounds, so there were none to certify.\n" in out
    assert "no game" not in out
    fake(change=lambda unit, number: ALONE)
    out = table(capsys, *TINY, "--fresh").out
    assert "per round - and a provider's utility of 501.5; mean price -." in " ".join(out.split())
    assert "\n2 of 2 active users are in no coalition.\n" in out


def test_where_no_game_is_played_the_table_says_so(fake, capsys):
    nothing = {"certificate": None, "stable": None, "partition_certificate": None}
    fake(change=lambda unit, number: nothing)
    out = table(capsys, *TINY, "--framework", "random-random").out
    assert "Partitions: no game forms the coalitions, so none is certified." in out
    assert "Prices and frequencies: no game sets them, so none is certified." in out
    assert "nobody took part" not in out


def test_who_was_left_out_is_named(fake, capsys):
    fake(change=lambda unit, number: {"dropped": [{"name": "user 5", "reason": "too slow"}]})
    assert "Left out of rounds: user 5 (2 rounds: too slow)." in table(capsys, *TINY).out


def test_a_run_that_diverges_keeps_its_rounds_and_says_where(fake, capsys, tmp_path):
    def stop(unit, number):
        if number == 2:
            raise NotSolved("gfml on digits, seed 0: round 2, user 3: the loss is not finite; lower the rates, or look")

    fake(stop=stop)
    out, err = table(capsys, *TINY, "--plot", "pictures", status=1)
    told = "round 2, user 3: the loss is not finite; lower --meta-rate or --step-size, or look"
    assert err == f"not drawn: fig3-gfml, since rounds are missing\nerror: gfml on digits, seed 0: {told}\n"
    assert "\n1 round: accuracy" in out
    assert answer(capsys, *TINY, status=1)["problem"].endswith(told)
    assert [path.name for path in tmp_path.iterdir()] == ["gfml.sqlite"]


def test_nothing_that_could_be_played_is_one_line_and_leaves_no_store(fake, capsys, tmp_path):
    def stop(unit, number):
        raise NotSolved("scheduler there:8786 does not answer")

    fake(stop=stop)
    assert table(capsys, *TINY, status=1) == ("", "error: scheduler there:8786 does not answer\n")
    assert [*tmp_path.iterdir()] == []


def test_a_device_is_checked_where_all_rounds_are_stored(fake, capsys):
    answer(capsys, *TINY)
    assert "device must be auto, cpu, " in refusal(capsys, main, *TINY, "--device", "meta")


@pytest.mark.parametrize("fresh", [False, True])
def test_an_interrupt_says_what_is_kept_and_how_to_go_on(fake, capsys, fresh):
    def stop(unit, number):
        if number == 2:
            raise KeyboardInterrupt

    fake(stop=stop)
    out, err = table(capsys, *TINY, *["--fresh"] * fresh, status=130)
    how = " without --fresh" * fresh
    kept = f"1 of 2 rounds are kept in gfml.sqlite; the same command{how} goes on from there"
    assert (out, err) == ("", f"error: interrupted; {kept}\n")


def test_the_bar_tells_round_accuracy_and_price():
    seen = []

    def step(name):
        seen.append(name)
        return lambda done, total: seen.append((done, total))

    show = _bar(step, 5, 12)
    show(Unit("digits", "gfml", 2), made_up(4))
    told = "gfml, seed 2, round 4, personalised accuracy 0.840, price 5.00; 6 of 12 rounds"
    assert seen == ["playing", told, (6, 12)]
    show(Unit("digits", "gfml", 2), made_up(5, prices=[None, None]))
    assert "price" not in seen[-2]


def test_rounds_are_exported_and_drawn(fake, drawn, tmp_path):
    assert main([*TINY, "--export", "rounds.csv", "--plot", "pictures", "--json", "run.json"]) == 0
    with tmp_path.joinpath("rounds.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [(row["framework"], row["round"], row["personalised_accuracy"]) for row in rows] == [
        ("gfml", "1", "0.81"),
        ("gfml", "2", "0.8200000000000001"),
    ]
    assert tmp_path.joinpath("pictures/fig3-gfml.png").read_bytes() == b"a picture"
    assert json.loads(tmp_path.joinpath("run.json").read_text())["rounds"][1]["round"] == 2
    assert main([*TINY, "--rounds", "1", "--export", "rounds.csv"]) == 0
    assert len(tmp_path.joinpath("rounds.csv").read_text().splitlines()) == 2


def test_outputs_appear_all_or_none_and_the_rounds_are_kept(fake, drawn, capsys, tmp_path, monkeypatch):
    def full(path, content, drafts):
        if path.suffix == ".png":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return draft(path, content, drafts)

    draft = _command._draft
    monkeypatch.setattr(_command, "_draft", full)
    outputs = ("--export", "rounds.csv", "--json", "run.json", "--plot", "pictures")
    told = refusal(capsys, main, *TINY, *outputs)
    assert told.endswith("fig3-gfml.png: No space left on device; the rounds are kept in gfml.sqlite\n")
    assert [path.name for path in tmp_path.iterdir()] == ["gfml.sqlite"]


def test_a_name_in_another_script_is_shown():
    records = [made_up(1, dropped=[{"name": "用户\x1b[31m", "reason": "slow"}])]
    report = RunReport("gfml", "GFML", "digits", Parameters(), 0, 1, records, summary(records), "s", 0, False, 0.1)
    report.print(Console(file=io.StringIO(), width=140))
    assert json.loads("".join(report.json()))["rounds"][0]["dropped"][0]["name"] == "用户\x1b[31m"


@pytest.mark.parametrize(("width", "whole"), [(140, True), (80, False), (30, False)])
def test_a_narrow_terminal_gets_fewer_columns_and_no_cut_cell(width, whole):
    shown, records = io.StringIO(), [made_up(number) for number in (1, 2)]
    report = RunReport("gfml", "GFML", "digits", Parameters(), 0, 2, records, summary(records), "s", 0, False, 0.1)
    report.print(Console(file=shown, width=width))
    assert all(len(line) <= width for line in shown.getvalue().splitlines() if line.startswith(" "))
    assert ("Not shown, for want of room: switches" in " ".join(shown.getvalue().split())) is not whole
    assert ("0.820" in shown.getvalue()) is (width > 30)
    assert "…" not in shown.getvalue()


# --- compare and sweep -------------------------------------------------------------------------------------------


def test_compare_plays_all_frameworks_with_all_seeds(fake, capsys):
    found = answer(capsys, "compare", *TINY, "--seeds", "3")
    assert list(found)[:6] == ["dataset", "parameters", "frameworks", "table_three", "orderings", "claims"]
    assert [entry["framework"] for entry in found["frameworks"]] == list(FRAMEWORKS)
    assert all(entry["seeds"] == [0, 1, 2] and entry["certified"] for entry in found["frameworks"])
    assert len(found["orderings"]) == 108
    assert found["stats"]["rounds_from_store"] == 0


def test_means_and_intervals_are_those_of_student(fake, capsys):
    found = answer(capsys, "compare", *TINY, "--seeds", "3", "--frameworks", "gfml,best-effort-random")
    one = found["frameworks"][0]
    profits = [summary["total_profit"] for summary in one["summaries"]]
    assert profits == [10.0, 12.0, 14.0]
    low, high = stats.t.interval(0.95, 2, np.mean(profits), stats.sem(profits))
    assert one["means"]["total_profit"] == pytest.approx(12.0)
    assert one["intervals"]["total_profit"] == pytest.approx([low, high])
    gfml = found["table_three"]["gfml"]["total_profit"]
    assert gfml == pytest.approx({"paper": 2350.0, "mean": 12.0, "low": low, "high": high})
    assert found["table_three"]["best-effort-random"]["total_profit"]["paper"] is None


def test_one_seed_has_no_interval_and_decides_nothing(fake, capsys):
    found = answer(capsys, "compare", *TINY, "--seeds", "1", "--frameworks", "gfml,gfml-optimized")
    assert found["frameworks"][0]["intervals"]["total_profit"] is None
    assert {verdict["verdict"] for verdict in found["orderings"]} == {"undecided", "not measured"}
    out = table(capsys, "compare", *TINY, "--seeds", "1", "--frameworks", "gfml,gfml-optimized").out
    assert "One seed gives no intervals, so nothing is decided; use --seeds 3 or more.\n" in out
    assert "Accuracies are means over the last 2 rounds. " in out


def test_compare_tells_partitions_from_prices_and_who_was_left_out(fake, capsys):
    late = {"dropped": [{"name": f"user {k}", "reason": "slow"} for k in range(5)]}
    drawn = {"certificate": None, **late}
    cycling = {"stable": False, "cycling": True, "partition_certificate": LOOSE}
    nothing = {"stable": None, "partition_certificate": None, "certificate": FAILS}

    def change(unit, number):
        return {"gfml-random": drawn, "random-stackelberg": nothing}.get(unit.framework, cycling if number == 2 else {})

    fake(change=change)
    frameworks = ("--frameworks", "gfml,gfml-random,random-stackelberg")
    out = table(capsys, "compare", *TINY, "--seeds", "2", *frameworks, status=1).out
    rows = [line for line in words(out) if "±" in line]
    assert rows[0][-3:] == ["2/4", "stable,", "holds"]
    assert ["2", "cycling"] in words(out)
    assert rows[1][-4:] == ["4/4", "stable", "no", "game"]
    assert rows[2][-4:] == ["-", "does", "not", "hold"]
    left = "seed 0: user 0, user 1, user 2 and 2 more, in 2 of 2 rounds; seed 1: user 0, user 1, user 2 and 2 more"
    assert f"Left out of rounds, GFML + random frequencies: {left}, in 2 of" in " ".join(out.split())
    assert "Prices and frequencies: no game sets them in 4 of 12 rounds, so none is certified." in out
    assert "MSP (metaverse service provider)" in " ".join(out.split())


def test_the_table_of_compare_has_the_papers_numbers_beside_ours(fake, capsys):
    out = table(capsys, "compare", *TINY, "--seeds", "2", "--frameworks", "gfml,fixed-optimized").out
    row = next(line for line in words(out) if line[:3] == ["Fixed", "+", "optimized"])
    assert row[3:7] == ["3194.7", "11", "±", "13"]
    assert "total profit: Fixed + optimized frequencies (3194.7) above GFML (2350)" in out
    assert "Certificate (Stackelberg): nobody gains more than 1e-12" in out
    assert "holds in 8 of 8 rounds" in out


def test_a_framework_that_diverges_is_left_out_and_the_others_are_compared(fake, capsys):
    def stop(unit, number):
        if unit.framework == "random-random":
            raise NotSolved("random-random on digits, seed 0: round 1, user 2: the loss is not finite")

    fake(stop=stop)
    frameworks = ("--frameworks", "gfml,fixed-optimized,random-random")
    out, err = table(capsys, "compare", *TINY, "--seeds", "1", *frameworks, status=1)
    assert err.endswith("user 2: the loss is not finite\n")
    assert ["Random", "+", "random", "frequencies", *["-"] * 8, "not", "finished"] in words(out)
    assert "total profit: Fixed + optimized frequencies (3194.7) above GFML (2350)" in out


def test_figures_of_compare(fake, drawn, tmp_path):
    arguments = ("--seeds", "2", "--frameworks", "gfml,fixed-optimized", "--plot", ".")
    assert main(["compare", *TINY, *arguments]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["fig3.png", "fig4.png", "fig5.png"]


@pytest.mark.parametrize(
    ("axis", "values", "points", "figures"),
    [
        ("users", "8,10", 4, ["fig6.png", "fig9-users.png"]),
        ("coalitions", "1,2", 2, ["fig7.png"]),
        ("misbehaving", "0,0.5", 7, ["fig8.png", "fig9-misbehaving.png"]),
        ("samples", "1,5", 1, ["fig5-samples.png"]),
    ],
)
def test_sweeps_vary_one_thing_and_draw_its_figures(fake, drawn, capsys, tmp_path, axis, values, points, figures):
    tiny = ("--rounds", "2", "--steps", "1", *(("--users", "8") if axis != "users" else ()))
    tiny += ("--coalitions", "2") if axis != "coalitions" else ()
    assert main(["sweep", axis, *tiny, "--values", values, "--seeds", "2", "--json", "s.json", "--plot", "."]) == 0
    out = capsys.readouterr().out
    found = json.loads(tmp_path.joinpath("s.json").read_text())
    assert list(found)[:4] == ["sweep", "dataset", "parameters", "points"]
    assert (found["sweep"], len(found["points"])) == (axis, points)
    assert found["claims"] or axis == "coalitions"
    assert all(claim["verdict"] != "not measured" for claim in found["claims"])
    assert sorted(path.name for path in tmp_path.glob("*.png")) == figures
    assert "Means over seeds" in out


def test_a_picture_that_cannot_be_drawn_is_named_and_a_folder_without_pictures_is_not_made(
    fake, drawn, capsys, tmp_path
):
    call = ("compare", *TINY, "--seeds", "2", "--frameworks", "fixed-optimized", "--plot", "pictures")
    assert table(capsys, *call).err == (
        "not drawn: fig5, since it shows passive users of gfml, of which no run is finished\n"
    )
    assert sorted(path.name for path in tmp_path.glob("pictures/*")) == ["fig3.png", "fig4.png"]

    def stop(unit, number):
        if number == 2:
            raise NotSolved("too much")

    fake(stop=stop)
    call = ("sweep", "coalitions", *TINY[:2], *TINY[4:], "--values", "1,2", "--seeds", "1", "--plot", "others")
    assert "not drawn: fig7, since no run of it is finished\n" in table(capsys, *call, status=1).err
    assert not tmp_path.joinpath("others").exists()


def test_a_sweep_over_samples_needs_no_run_of_its_own(fake, capsys):
    answer(capsys, *TINY)
    fake(stop=lambda unit, number: pytest.fail("was played again"))
    found = answer(capsys, "sweep", "samples", *TINY, "--values", "5,20", "--seeds", "1")
    assert found["samples"] == {count: {"mean": 0.5, "low": None, "high": None} for count in ("5", "20")}


def test_other_samples_are_played():
    assert sweep("samples", (3,), Parameters)[0].parameters == Parameters(passive_samples=(3,))


def test_sweeps_share_their_runs_with_others(fake, capsys):
    answer(capsys, *TINY)
    found = answer(capsys, "sweep", "coalitions", *TINY[:2], *TINY[4:], "--values", "2,3", "--seeds", "1")
    assert found["stats"]["rounds_from_store"] == 2


# --- played ------------------------------------------------------------------------------------------------------


def test_a_run_is_played_and_certified_and_goes_on_as_if_it_had_not_stopped(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer(capsys, *TINY, "--rounds", "1")
    resumed = answer(capsys, *TINY)
    again = answer(capsys, *TINY, "--fresh")
    kept = answer(capsys, *TINY)
    assert [found["stats"]["rounds_from_store"] for found in (resumed, again, kept)] == [1, 0, 2]
    assert resumed["rounds"] == again["rounds"] == kept["rounds"]
    assert set(kept["rounds"][0]) == set(made_up(1))
    assert all(record["certificate"]["holds"] for record in kept["rounds"])


def test_learners_who_miss_every_deadline_are_told_and_no_error(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, "--rounds", "1", "--set", "deadlines=1,1.5", "--json", "d.json"]) == 0
    out = capsys.readouterr().out
    record = json.loads(tmp_path.joinpath("d.json").read_text())["rounds"][0]
    assert all(entry["name"] in out for entry in record["dropped"])
    assert f"\n{record['coalitions'].count(-1)} of 7 active users" in out


# --- the command's manners ---------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy():
    heavy = {"torch", "sympy", "scipy", "sklearn", "numba", "matplotlib", "rich", "flint", "pyarrow", "sqlite3"}
    heavy |= {"joblib", "distributed"}
    program = (
        "import sys\nfrom models.gfml.__main__ import main\n"
        "for words in (['--help'], ['run', '--help'], ['compare', '--help'], ['sweep', '--help']):\n"
        "    try:\n        main(words)\n    except SystemExit as end:\n        print(end.code)\n"
        f"print(sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert done.stdout.endswith("0\n[]\n"), done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    assert text.count("exit status: 0 all certificates hold") == 4
    assert "best-effort-stackelberg Best effort + Stackelberg: one coalition / deadline / Stackelberg" in text
    assert "2 bad input, or an output cannot be written" in text


@pytest.mark.parametrize(("columns", "widest"), [(60, 60), (300, 112)])
def test_help_is_as_wide_as_the_terminal_but_not_too_wide(monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", str(columns))
    for text in [
        _help.wrapped(_help.DESCRIPTION),
        *map(_help.description, _help.SHORT),
        *map(_help.epilog, _help.SHORT),
    ]:
        lines = [line for line in text.splitlines() if not line.startswith("  python -m")]
        assert max(map(len, lines)) <= widest
    assert "(Hz)" in _help.epilog("run")
    assert _help.wrapped("some words\nand more\n\n  name  its\n  other  of it") == (
        "some words and more\n\n  name   its\n  other  of it"
    )


def test_the_examples_of_the_help_are_good_calls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command, example in _help.EXAMPLES.items():
        check(parsed([command, *example.split()]))
