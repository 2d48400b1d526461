"""`python -m models.gfml`: what it prints, writes, keeps and refuses. Most rounds are made up; a few are played."""

import csv
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

from models.gfml import FRAMEWORKS, Parameters, _options, _plot, _runs, summary
from models.gfml.__main__ import _bar, main
from models.gfml._options import DEFAULTS, parameters, parsed
from models.gfml._report import RunReport, certified, partition_word, thinned
from models.gfml._store import Store, Unit
from models.gfml._sweeps import sweep
from solvers.core import NotSolved

KEYS = ["framework", "dataset", "parameters", "rounds", "summary", "seed", "problem", "stats"]
CONTRACT = {
    *("round", "accuracy", "personalised_accuracy", "loss", "completion_time", "profit", "provider_utility", "prices"),
    *("switches", "stable", "certificate"),
}
TINY = ("--users", "8", "--coalitions", "2", "--steps", "1", "--batch", "4", "--rounds", "2")
HOLDS = {"concept": "Stackelberg", "residual": 1e-12, "tolerance": 1e-8, "holds": True}
FAILS = {**HOLDS, "residual": 0.5, "holds": False}
STABLE = {"concept": "Nash-stable", "residual": 0.0, "tolerance": 1e-9, "holds": True}
LOOSE = {**STABLE, "residual": 0.25, "holds": False}


def made_up(number, seed=0, framework="gfml", **changed):
    """The document of a round."""
    shift = 0.01 * seed + 0.001 * [*FRAMEWORKS].index(framework)
    return {
        "round": number,
        "accuracy": 0.4 + shift,
        "personalised_accuracy": 0.8 + shift + 0.01 * number,
        "personalised": {"1": 0.8, "10": 0.9},
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
    assert tuple(FRAMEWORKS) == _options.FRAMEWORKS


def test_every_parameter_can_be_set_and_its_shown_default_is_its_default():
    settings = [part for name in DEFAULTS for part in ("--set", f"{name}={_options._default(name)}")]
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
        ("--dataset mnist --data-dir nowhere", "there must be train-images-idx3-ubyte.gz in the folder `nowhere`"),
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
    assert ["1", "0.400", "0.810", "1", "10.00", "5.00", "501.0", "5.00", "3", "stable", "holds"] in words(out)
    assert "2 rounds: accuracy 40.0% before and 82.0% after personalisation" in out
    assert "Partitions of 2 rounds: 2 stable. Certificate (Nash-stable): no learner gains more than 0" in out
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
    assert f"Partitions of 2 rounds: 2 {word}." in table(capsys, *TINY).out


def test_a_partition_called_stable_needs_its_proof():
    assert not certified(made_up(1, partition_certificate=None))
    assert not certified(made_up(1, partition_certificate=LOOSE))
    assert certified(made_up(1, certificate=None, stable=None, partition_certificate=None))
    assert partition_word(made_up(1, stable=None)) == "-"


def test_where_no_game_is_played_the_table_says_so(fake, capsys):
    nothing = {"certificate": None, "stable": None, "partition_certificate": None}
    fake(change=lambda unit, number: nothing)
    out = table(capsys, *TINY, "--framework", "random-random").out
    assert "Partitions: no game forms the coalitions, so none is certified." in out
    assert "Prices and frequencies: no game sets them, so none is certified." in out


def test_who_was_left_out_is_named(fake, capsys):
    fake(change=lambda unit, number: {"dropped": [{"name": "user 5", "reason": "too slow"}]})
    assert "Left out of rounds: user 5 (2 rounds: too slow)." in table(capsys, *TINY).out


def test_a_run_that_diverges_keeps_its_rounds_and_says_where(fake, capsys):
    def stop(unit, number):
        if number == 2:
            raise NotSolved("gfml on digits, seed 0: round 2, user 3: the loss is not finite")

    fake(stop=stop)
    out, err = table(capsys, *TINY, status=1)
    assert err == "error: gfml on digits, seed 0: round 2, user 3: the loss is not finite\n"
    assert "\n1 round: accuracy" in out
    assert answer(capsys, *TINY, status=1)["problem"].endswith("user 3: the loss is not finite")


def test_nothing_that_could_be_played_is_one_line(fake, capsys):
    def stop(unit, number):
        raise NotSolved("scheduler there:8786 does not answer")

    fake(stop=stop)
    assert table(capsys, *TINY, status=1) == ("", "error: scheduler there:8786 does not answer\n")


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


def test_rounds_are_exported_and_drawn(fake, capsys, tmp_path):
    assert main([*TINY, "--export", "rounds.csv", "--plot", "pictures", "--json", "run.json"]) == 0
    with tmp_path.joinpath("rounds.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [(row["framework"], row["round"], row["personalised_accuracy"]) for row in rows] == [
        ("gfml", "1", "0.81"),
        ("gfml", "2", "0.8200000000000001"),
    ]
    assert tmp_path.joinpath("pictures/fig3.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(tmp_path.joinpath("run.json").read_text())["rounds"][1]["round"] == 2


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
    assert ("Not shown, for want of room: accuracy" in " ".join(shown.getvalue().split())) is not whole
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


def test_the_table_of_compare_has_the_papers_numbers_beside_ours(fake, capsys):
    out = table(capsys, "compare", *TINY, "--seeds", "2", "--frameworks", "gfml,fixed-optimized").out
    row = next(line for line in words(out) if line[:4] == ["Fixed", "+", "optimized", "frequencies"])
    assert row[4:8] == ["3194.7", "11", "±", "13"]
    assert "total profit: Fixed + optimized frequencies 3194.7, GFML 2350" in out
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
    assert ["Random", "+", "random", "frequencies", "-", "-", "-", "-", "-", "-", "-", "not", "finished"] in words(out)
    assert "total profit: Fixed + optimized frequencies 3194.7, GFML 2350" in out


def test_figures_of_compare(fake, drawn, tmp_path):
    arguments = ("--seeds", "2", "--frameworks", "gfml,fixed-optimized", "--plot", ".")
    assert main(["compare", *TINY, *arguments]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["fig3.png", "fig4.png", "fig5.png"]


@pytest.mark.parametrize(
    ("axis", "values", "points", "figures"),
    [
        ("users", "8,10", 4, ["fig6.png", "fig9.png"]),
        ("coalitions", "1,2", 2, ["fig7.png"]),
        ("misbehaving", "0,0.5", 7, ["fig8.png", "fig9.png"]),
        ("samples", "1,5", 1, ["fig5.png"]),
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


def test_a_run_is_played_and_certified_and_the_same_bits_come_from_the_store(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = answer(capsys, *TINY)
    again = answer(capsys, *TINY, "--fresh")
    kept = answer(capsys, *TINY)
    assert first["rounds"] == again["rounds"] == kept["rounds"]
    assert kept["stats"]["rounds_from_store"] == 2
    assert set(first["rounds"][0]) == set(made_up(1))
    assert all(record["certificate"]["holds"] for record in first["rounds"])


def test_a_run_goes_on_as_if_it_had_not_stopped(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer(capsys, *TINY, "--rounds", "1")
    resumed = answer(capsys, *TINY)
    assert resumed["stats"]["rounds_from_store"] == 1
    assert resumed["rounds"] == answer(capsys, *TINY, "--store", "other.sqlite")["rounds"]


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
    assert done.stdout.count("exit status: 0 all certificates hold") == 4
    assert "best-effort-stackelberg" in done.stdout
