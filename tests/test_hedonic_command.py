"""`python -m solvers.hedonic`: what it prints, writes and refuses."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from commands import ROOT, into_a_closed_pipe, refusal, started
from rich.console import Console

from solvers.core import InvalidGame, Solution, Status
from solvers.hedonic import _dynamics, _exact, _solve
from solvers.hedonic.__main__ import _parser, main
from solvers.hedonic.__main__ import _solve as answered
from solvers.hedonic._anonymous import AnonymousGame
from solvers.hedonic._callable import CallableGame
from solvers.hedonic._dynamics import Switches, replay
from solvers.hedonic._game import gain_tolerance
from solvers.hedonic._json import format_json, load, parse_json, write_json
from solvers.hedonic._labelled import LabelledGame, Reputation, Speeds
from solvers.hedonic._pairwise import AdditivelySeparableGame, BestWorstGame, FractionalGame, friends_and_enemies
from solvers.hedonic._partition import OUT, Partition
from solvers.hedonic._placing import listed, parse_partition
from solvers.hedonic._stability import StabilityGame
from verification import certify

EXAMPLES = ROOT / "examples"
CHASE = EXAMPLES / "chase-and-flee.json"
STALKER = EXAMPLES / "stalker.json"
STUDY = EXAMPLES / "study-groups.json"
PROMISED = {"status", "method", "partition", "stability", "cycle", "cycle_start", "certificate", "stats"}
CONTRACT = ("nash", "individual", "contractual", "core")
HONEST = {"kind": "labelled", "base": [[1, 0], [1, 0.9], [0, 0]], "weights": [1, 1, 1], "sizes": [3, 1, 2]}


@pytest.fixture
def game_file(tmp_path):
    """A function that writes a game, or any text, into a file and returns its path."""

    def write(game, name="game.json", **more):
        path = tmp_path / name
        path.write_text(game if isinstance(game, str) else json.dumps({**game, **more}))
        return path

    return write


def command(*arguments):
    """A process of its own, as a user starts it."""
    return started("solvers.hedonic", *arguments)


def refused(capsys, *arguments):
    """The one error line of a refused call."""
    return refusal(capsys, main, *arguments)


def answer(capsys, path, *arguments, status=0):
    """The JSON on standard output, after its partition is certified anew and its cycle replayed."""
    assert main([str(path), *map(str, arguments), "--json", "-"]) == status
    found = json.loads(capsys.readouterr().out, parse_constant=lambda constant: pytest.fail(f"JSON holds {constant}"))
    game = load(path)
    assert set(found) == PROMISED | ({"out"} if game.has_out else set())
    partition = partition_of(found, game)
    asked = arguments.index("--permission") + 1 if "--permission" in arguments else None
    wanted = StabilityGame(game, arguments[asked] if asked else "nash")
    certificate = certify(wanted, partition, tolerance=wanted.tolerances)
    assert found["certificate"]["concept"] == wanted.concept
    assert found["certificate"]["holds"] is certificate.holds
    assert found["certificate"]["residual"] == pytest.approx(certificate.residual)
    assert (found["status"] == "solved") <= certificate.holds
    check_verdicts(found["stability"], game, partition)
    check_cycle(found, game)
    return found


def partition_of(found, game):
    return parse_partition(json.dumps({k: found[k] for k in ("partition", "out") if k in found}), game)


def number(game, player):
    return game.names.index(player) if isinstance(player, str) else player


def check_verdicts(stability, game, partition):
    assert tuple(stability)[:4] == CONTRACT
    for concept, found in stability.items():
        if found["holds"] is None:
            assert found["reason"]
            continue
        judged = StabilityGame(game, concept)
        assert found["holds"] is certify(judged, partition, tolerance=judged.tolerances).holds
        assert found["holds"] is (found["deviation"] is None)
        if concept == "nash" and found["deviation"]:
            (player,), (gain,), to = (found["deviation"][key] for key in ("players", "gains", "to"))
            i, slot = number(game, player), OUT if to == "out" else to
            _, gains = replay(game, partition, [(i, int(partition.slots[i]), slot)])
            assert gains[0] == pytest.approx(gain) == pytest.approx(found["regret"])


def check_cycle(found, game):
    """Every switch gains what it says, and the last leads back."""
    if not found["cycle"]:
        assert found["cycle_start"] is None
        return
    start = parse_partition(json.dumps(found["cycle_start"]), game)
    ends = [[OUT if s[key] == "out" else s[key] for key in ("from", "to")] for s in found["cycle"]]
    moves = [(number(game, s["player"]), *pair) for s, pair in zip(found["cycle"], ends, strict=True)]
    last, gains = replay(game, start, moves)
    assert last == start
    assert gains.tolist() == pytest.approx([s["gain"] for s in found["cycle"]])
    assert all(gains > gain_tolerance(game)[[i for i, _, _ in moves]])


# --- answers -----------------------------------------------------------------------------------------------------


def test_a_stable_game_in_a_process_of_its_own():
    done = command(STUDY)
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("Study groups", "6 players", "Ann, Bob", "The stable partition: 3 coalitions", "Bogomolnaia", "holds"):
        assert part in done.stdout
    assert "fails" not in done.stdout


def test_a_stable_game_by_the_contract(capsys):
    found = answer(capsys, STUDY)
    assert found["status"] == "solved"
    assert found["partition"] == [["Ann", "Bob"], ["Cem", "Dana", "Eve"], ["Finn"]]
    assert (found["cycle"], found["stats"]["potential"]["kind"]) == ([], "exact")
    assert all(found["stability"][concept]["holds"] for concept in CONTRACT)


def test_chase_and_flee_has_no_stable_partition(capsys):
    found = answer(capsys, CHASE, status=1)
    assert (found["status"], found["stats"]["enumerated"]) == ("none_exists", 4)
    assert len(found["cycle"]) == 4
    assert [round(s["gain"], 3) for s in found["cycle"]] == [1.358, 0.304, 1.358, 0.304]
    assert found["stability"]["nash"]["regret"] == pytest.approx(0.304, abs=5e-4)  # the least of all four
    assert found["stability"]["individual"]["holds"] is True
    assert len(found["partition"]) == 2


def test_chase_and_flee_in_words(capsys):
    assert main([str(CHASE)]) == 1
    out, err = capsys.readouterr()
    for part in (
        "careless gains 0.304033 by going to slot 1, to {head B, careful}",
        "A cycle of 4 switches, replayed: each one gains, and the last leads back",
        "head A (head), careless",
        "No partition is Nash-stable: best response, then exact search proves it, and all 4 partitions were looked at",
        "The least unstable partition that was found",
        "switches may cycle",
    ):
        assert part in out
    assert "It starts from {head A, careless, careful} in slot 0, {head B} in slot 1." in out
    assert "requested kind" not in out
    assert err == "error: best response, then exact search: no partition is Nash-stable\n"


def test_the_stalker_is_individually_stable_alone(capsys):
    assert answer(capsys, STALKER, status=1)["status"] == "none_exists"
    found = answer(capsys, STALKER, "--permission", "individual")
    assert (found["status"], found["certificate"]["concept"]) == ("solved", "individually stable")
    assert found["partition"] == [["stalker"], ["loner"]]
    assert main([str(STALKER), "--permission", "individual"]) == 0
    assert "stalker gains 1 by joining {loner}" in capsys.readouterr().out  # Nash stability fails


@pytest.mark.parametrize(
    ("rules", "statuses"),
    [
        (["--order", "fixed"], {"cycle"}),
        (["--order", "most-gain"], {"cycle"}),
        (["--response", "better"], {"cycle"}),
        (["--max-switches", "2"], {"limit"}),
        (["--order", "random", "--max-switches", "9", "--seed", "3"], {"limit"}),
        (["--history"], {"stuck"}),
        (["--welfare"], {"stuck"}),
        (["--history", "--order", "random"], {"stuck"}),
    ],
)
def test_rules_of_the_switches_are_followed_and_no_others(capsys, monkeypatch, rules, statuses):
    monkeypatch.setattr(_solve, "solve", lambda *_, **__: pytest.fail("solved"))
    found = answer(capsys, CHASE, *rules, status=1)
    assert found["status"] in statuses
    assert bool(found["cycle"]) is (found["status"] == "cycle")
    assert main([str(CHASE), *rules]) == 1
    out, err = capsys.readouterr()
    stuck = "some player would gain by one; drop a rule or decide with --exact"
    assert (stuck if found["status"] == "stuck" else Status[found["status"].upper()].value) in err
    assert "No certified answer" in out
    assert "Where switching was left: " in out


def test_rules_that_end_at_a_stable_partition(capsys):
    for rules in (["--order", "random"], ["--response", "better"], ["--history"], ["--permission", "contractual"]):
        assert answer(capsys, STUDY, *rules)["status"] == "solved"


def test_exact(capsys):
    found = answer(capsys, CHASE, "--exact", status=1)
    assert (found["status"], found["stats"]["enumerated"], found["cycle"]) == ("none_exists", 4, [])
    assert found["stability"]["nash"]["regret"] == pytest.approx(0.304, abs=5e-4)
    assert answer(capsys, CHASE, "--exact", "--permission", "individual")["status"] == "solved"
    found = answer(capsys, STUDY, "--exact", "--best-welfare")
    assert (found["status"], found["stats"]["welfare"]) == ("solved", 20.0)
    assert found["stats"]["bound"] == pytest.approx(20.0)


def how(text):
    """The rows of the table that says how the answer was found, the first two words of each."""
    return [
        line.split()[:2] for line in text.split("\nHow\n")[1].split("\nCertificate")[0].splitlines() if line.strip()
    ]


@pytest.mark.parametrize(
    ("permission", "way"),
    [
        ("nash", "by deviating"),
        ("individual", "by a switch that those joined allow"),
        ("contractual", "by a switch that those joined and left allow"),
        ("contractual-nash", "by a switch that those left allow"),
    ],
)
def test_the_certificate_says_which_switches_it_is_about(capsys, permission, way):
    main([str(STALKER), "--permission", permission])
    assert f"{way} (tolerance" in capsys.readouterr().out


def test_the_certificate_of_a_weaker_permission_does_not_deny_the_table(capsys):
    assert main([str(STALKER), "--exact", "--permission", "individual"]) == 0
    out = capsys.readouterr().out
    assert "stalker gains 1 by joining {loner}" in out
    assert "by deviating" not in out


@pytest.mark.parametrize(
    ("game", "rules", "parts"),
    [
        (STALKER, [], ["no potential is known for this game, so switches may cycle"]),
        (STALKER, ["--permission", "individual"], ["no potential is known"]),
        (STALKER, ["--permission", "contractual"], ["every run ends, contractually individually", "not always Nash-"]),
        (STALKER, ["--history"], ["every run ends: nobody joins a coalition twice", "not always Nash-stable"]),
        (STALKER, ["--welfare"], ["every run ends: each switch raises the sum", "not always Nash-stable"]),
        (STALKER, ["--history", "--permission", "individual"], ["every run ends", "not always individually stable"]),
        (STUDY, [], ["improving switches end at a Nash-stable partition"]),
        (STUDY, ["--history"], ["every run ends: nobody joins a coalition twice", "not always Nash-stable"]),
        (STUDY, ["--welfare"], ["every run ends: each switch raises the sum", "not always Nash-stable"]),
        (
            STUDY,
            ["--permission", "individual"],
            ["every run ends, individually stable: each switch raises a potential"],
        ),
        (STUDY, ["--permission", "contractual-nash"], ["every run ends, contractual Nash-stable: each switch raises"]),
    ],
)
def test_convergence_is_that_of_the_rules(game, rules, parts):
    report = io.StringIO()
    answered(_parser().parse_args([str(game), *(rules or ["--order", "fixed"])])).print(Console(file=report, width=300))
    assert [row[0] for row in how(report.getvalue())].count("convergence") == 1
    assert all(part in report.getvalue() for part in parts)


def test_an_exact_search_says_nothing_about_convergence(capsys):
    assert main([str(STUDY), "--exact"]) == 0
    out = capsys.readouterr().out
    rows = [row[0] for row in how(out)]
    assert "method" in rows
    assert not {"convergence", "encoding", "conflicts", "walked", "cut"} & set(rows)
    assert "encoding" in answer(capsys, STUDY, "--exact")["stats"]


def test_what_a_partition_that_is_not_stable_is_called(capsys, monkeypatch):
    stopped = Solution((), Status.TIME_LIMIT, "cp-sat")
    monkeypatch.setattr(_exact, "exact", lambda game, **_: stopped)
    assert main([str(CHASE), "--exact"]) == 1
    out = capsys.readouterr().out
    assert "Where switching was left: 2 coalitions" in out
    assert "least unstable" not in out


def test_reasons_name_no_options_of_python(capsys, game_file):
    path = game_file({"kind": "additively-separable", "players": 30, "edges": [[0, 1, 1], [1, 0, 1]]})
    assert main([str(path), "--order", "fixed"]) == 0
    out = capsys.readouterr().out
    assert "too many coalitions to look at: 1,073,741,824, the limit is 4,194,304" in out
    assert "max_coalitions" not in out
    assert "max_coalitions" not in json.dumps(answer(capsys, path, "--order", "fixed"))


def test_players_called_by_other_players_numbers_are_found(capsys, game_file):
    path = game_file({"kind": "fractional", "players": ["0", "1"], "edges": [[0, 1, 1], [1, 0, 1]]})
    start = game_file('[["0"], ["1"]]', "start.json")
    assert answer(capsys, path, "--initial", start, "--order", "fixed")["partition"] == [[0, 1]]


def test_a_search_out_of_time_shows_what_it_has(capsys, monkeypatch):
    best = Solution((Partition([0, 0, 1, 1, 1, 2]),), Status.TIME_LIMIT, "cp-sat", stats={"bound": np.inf})
    monkeypatch.setattr(_exact, "exact", lambda game, **_: best)
    found = answer(capsys, STUDY, "--exact", "--best-welfare", status=1)
    assert (found["status"], found["certificate"]["holds"], found["stats"]["bound"]) == ("time_limit", True, None)
    assert main([str(STUDY), "--exact", "--best-welfare"]) == 1
    assert "Stable, but that is not all that was asked: cp-sat: stopped at the time limit" in capsys.readouterr().out
    monkeypatch.setattr(_exact, "exact", lambda game, **_: replace(best, profiles=()))
    found = answer(capsys, CHASE, "--exact", "--time-limit", "5", status=1)
    assert (found["status"], found["certificate"]["holds"]) == ("time_limit", False)


def test_the_seed_decides_what_is_drawn(capsys):
    once, again, other = (answer(capsys, STUDY, "--order", "random", "--seed", k) for k in (5, 5, 6))
    for found in (once, again, other):
        del found["stats"]["seconds"]
    assert once == again
    assert other["status"] == "solved"


def test_an_answer_is_a_start(capsys, tmp_path):
    saved = tmp_path / "answer.json"
    assert main([str(STUDY), "--json", str(saved)]) == 0
    capsys.readouterr()
    found = answer(capsys, STUDY, "--initial", saved, "--order", "fixed")
    assert (found["stats"]["switches"], found["partition"]) == (0, json.loads(saved.read_text())["partition"])


def test_players_without_names_are_numbers(capsys, game_file):
    path = game_file(HONEST)
    found = answer(capsys, path, "--initial", game_file("[[0, 1, 2], []]", "start.json"))
    assert {i for members in found["partition"] for i in members} == {0, 1, 2}
    assert len(found["partition"]) == 2


def test_who_is_out_is_listed_apart(capsys, game_file):
    path = game_file(HONEST, outside=[0, 5, 0])
    found = answer(capsys, path)
    assert (found["status"], found["out"]) == ("solved", [1])
    assert sorted(i for members in found["partition"] for i in members) == [0, 2]
    assert main([str(path)]) == 0
    assert "out" in capsys.readouterr().out
    start = game_file("[[], [0]]", "start.json")  # the others are out
    assert answer(capsys, path, "--initial", start, "--order", "fixed")["out"] == [1]


def test_empty_slots_stay_in_their_places(capsys, game_file):
    path = game_file({**HONEST, "base": [[0, 0, 9]] * 3})
    assert answer(capsys, path)["partition"] == [[], [], [0, 1, 2]]


def test_one_player(capsys, game_file):
    found = answer(capsys, game_file({"kind": "fractional", "weights": [[0]]}))
    assert (found["status"], found["partition"]) == ("solved", [[0]])
    assert main([str(game_file({"kind": "fractional", "weights": [[0]]}))]) == 0
    assert "1 player, coalitions free in number" in capsys.readouterr().out


# --- games in files ----------------------------------------------------------------------------------------------


def drawn(rng, players=5, slots=3):
    """A game of every kind with numbers that decimals cannot hold."""
    weights = rng.normal(size=(players, players)) * (rng.random((players, players)) < 0.5)
    np.fill_diagonal(weights, 0)
    names = [f"n{i}" for i in range(players)]
    low = rng.random(players)
    details = {"pay": rng.random(), "threshold": 0.3, "floor": 0.2, "shared": False, "peaks": [2.0, 3.0, 1.0]}
    reputation = Reputation(rng.random(players), **details)
    speeds = Speeds(low + 0.3, low, low + 1 / 3)
    common = {"weights": rng.random(players), "sizes": rng.random(players) + 0.1}
    base = rng.normal(size=(players, slots))
    return [
        AdditivelySeparableGame(weights, names=names, title='a "title", ü'),
        AdditivelySeparableGame(weights * (rng.random(weights.shape) < 0.2), slots=3, heads=(2, 0, 1)),
        FractionalGame(weights),
        BestWorstGame(weights, worst=False),
        BestWorstGame(weights, worst=True, slots=2),
        friends_and_enemies(weights > 0, aversion=True),
        AnonymousGame(rng.normal(size=(players, players)), names=names),
        LabelledGame(base, **common),
        LabelledGame(base, **{**common, "weights": rng.random((players, slots))}, outside=0.1, heads=(4, 2, 1)),
        LabelledGame(base, **common, reputation=reputation, speeds=speeds, outside=rng.random(players), names=names),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_games_come_back_from_files_bit_for_bit(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for k, game in enumerate(drawn(rng)):
        write_json(game, tmp_path / f"{k}.json")
        back = load(tmp_path / f"{k}.json")
        assert type(back) is type(game)
        assert (back.names, back.title, back.slots, back.heads, back.has_out) == (
            game.names,
            game.title,
            game.slots,
            game.heads,
            game.has_out,
        )
        assert format_json(back) == format_json(game)
        for _ in range(10):
            slots = rng.integers(-1 if game.has_out else 0, game.capacity, game.players)
            slots[list(game.heads)] = range(len(game.heads))
            partition = Partition(slots)
            assert np.array_equal(back.utilities(partition), game.utilities(partition))
            assert parse_partition(json.dumps(listed(game, partition, as_it_is=True)), back) == partition


def test_every_kind_is_read():
    square = [[0, 1], [0, 0]]
    for kind in ("additively-separable", "fractional", "best", "worst"):
        dense = parse_json(json.dumps({"kind": kind, "weights": square}))
        sparse = parse_json(json.dumps({"kind": kind, "players": ["Ann", "Bob"], "edges": [["Ann", 1, 1]]}))
        together = Partition([0, 0])
        assert dense.utilities(together).tolist() == sparse.utilities(together).tolist()
    for kind, expected in (("friends", [[0, 2], [-1, 0]]), ("enemies", [[0, 1], [-2, 0]])):
        for content in (
            {"friends": square},
            {"friends": [[False, True], [False, 0]]},
            {"players": 2, "edges": [[0, 1]]},
        ):
            assert parse_json(json.dumps({"kind": kind, **content})).weights.toarray().tolist() == expected
    sizes = parse_json('{"kind": "anonymous", "values": [[1, 2], [3, 4]]}')
    assert sizes.utilities(Partition([0, 0])).tolist() == [2, 4]


def test_a_python_function_has_no_file():
    with pytest.raises(InvalidGame, match=r"must be one of additively-separable, .* got CallableGame"):
        format_json(CallableGame(lambda player, slot, members: 0.0, 2))


# --- refusals ----------------------------------------------------------------------------------------------------

PAIR = '{"kind": "fractional", "players": 2, "edges": [%s]}'
LABELLED = '{"kind": "labelled", "base": [[1, 2], [3, 4]], "weights": [1, 1], "sizes": [1, 1]%s}'
PAID = LABELLED % ', "reputation": {"values": [1, 1], "pay": 1, "threshold": 1, %s}'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "must be JSON"),
        ("[]", "one object with the key kind"),
        ("[" * 100_000, "few brackets"),
        ("{}", "a known kind of game, it is missing"),
        ('{"kind": "fractonal"}', "did you mean `fractional`?"),
        ('{"kind": ["fractional"]}', "a known kind"),
        ('{"kind": "fractional", "kind": "best"}', "`kind` stands twice"),
        ('{"kind": "fractional", "wieghts": [[0]]}', "did you mean `weights`?"),
        ('{"kind": "fractional", "values": [[0]]}', "`values` is not a key of kind fractional"),
        ('{"kind": "fractional"}', "either `weights` or `edges`, both are missing"),
        ('{"kind": "fractional", "weights": [[0]], "edges": []}', "either `weights` or `edges`, not both"),
        ('{"kind": "fractional", "players": ["a", ""], "edges": []}', "a name in players must not be empty"),
        ('{"kind": "anonymous", "players": ["a"], "values": [[1, 2], [1, 2]]}', "1 of 2 names are missing"),
        ('{"kind": "fractional", "weights": []}', "weights must be a list of rows"),
        ('{"kind": "fractional", "weights": [[]]}', "weights must be square"),
        ('{"kind": "fractional", "weights": [[0, 1]]}', "weights must be square"),
        ('{"kind": "fractional", "weights": [[0, 1], [0]]}', "rows of one length"),
        ('{"kind": "fractional", "weights": [[0, NaN], [0, 0]]}', "weights, row 0, must be finite"),
        ('{"kind": "fractional", "weights": [[0, -Infinity], [0, 0]]}', "got -inf"),
        ('{"kind": "fractional", "weights": [[0, 1e999], [0, 0]]}', "got inf"),
        ('{"kind": "fractional", "weights": [[0, 1%s], [0, 0]]}' % ("0" * 400), "got inf"),
        ('{"kind": "fractional", "weights": [[0, 1%s], [0, 0]]}' % ("0" * 5000), "4,300 digits"),
        ('{"kind": "fractional", "weights": [[0, "1"], [0, 0]]}', "entry 1 is not, got `1`"),
        ('{"kind": "fractional", "weights": [[0, true], [0, 0]]}', "entry 1 is not, got True"),
        ('{"kind": "fractional", "weights": [[0, null], [0, 0]]}', "entry 1 is not, got None"),
        ('{"kind": "fractional", "weights": [[0, [1]], [0, 0]]}', "entry 1 is not"),
        ('{"kind": "fractional", "weights": [[1]]}', "the diagonal must be 0"),
        ('{"kind": "fractional", "weights": [[0, 1e308, 1e308], [0, 0, 0], [0, 0, 0]]}', "finite sum"),
        ('{"kind": "fractional", "players": 0, "edges": []}', "players must be an integer of 1"),
        ('{"kind": "fractional", "players": [], "edges": []}', "players must be at least one"),
        ('{"kind": "fractional", "players": -2, "edges": []}', "players must be an integer of 1"),
        ('{"kind": "fractional", "players": 1e3, "edges": []}', "players must be an integer of 1"),
        ('{"kind": "fractional", "players": ["a", "a"], "edges": []}', "`a` stands twice"),
        ('{"kind": "fractional", "players": ["a", 1], "edges": []}', "a name in players must be a string"),
        ('{"kind": "fractional", "players": ["\\ud800"], "edges": []}', "must be Unicode text"),
        ('{"kind": "fractional", "players": ["a"], "weights": [[0, 1], [1, 0]]}', "1 of 2 names are missing"),
        ('{"kind": "fractional", "edges": []}', "there must be a key `players`"),
        (PAIR % "[0, 1]", "edges must be [i, k, value] each, edge 0 is not"),
        (PAIR % "[0, 2, 1]", "players are numbered 0 to 1, got 2"),
        (PAIR % "[-1, 0, 1]", "players are numbered 0 to 1, got -1"),
        (PAIR % '[0, "Bob", 1]', "no player is called `Bob`"),
        (PAIR % "[0, true, 1]", "a player must be a number or a name, got True"),
        (PAIR % "[0, 0, 1]", "edges must join two players"),
        (PAIR % "[0, 1, 1], [0, 1, 1]", "edges must stand once each, edge 1 stands twice"),
        (PAIR % "[0, 1, NaN]", "must be finite"),
        ('{"kind": "fractional", "weights": [[0]], "slots": 0}', "slots must be an integer of 1"),
        ('{"kind": "fractional", "weights": [[0]], "slots": true}', "slots must be an integer of 1"),
        ('{"kind": "fractional", "weights": [[0]], "title": 3}', "title must be a string"),
        ('{"kind": "fractional", "weights": [[0]], "heads": [0]}', "heads need a fixed number of slots"),
        ('{"kind": "fractional", "weights": [[0]], "heads": 0}', "heads must be a list of players"),
        ('{"kind": "friends", "friends": [[0, 2], [0, 0]]}', "friends must be true or false"),
        ('{"kind": "friends", "players": 1000000, "edges": []}', "10,000 players is the most"),
        ('{"kind": "anonymous", "values": [[1, 2]]}', "values must be (1, 1)"),
        ('{"kind": "anonymous"}', "there must be a key `values`"),
        (LABELLED % ', "heads": [0, 0]', "got 0 twice"),
        (LABELLED % ', "heads": [0]', "one player for each of 2 slots"),
        (LABELLED % ', "heads": [0, 2]', "players are numbered 0 to 1, got 2"),
        (LABELLED % ', "heads": [0, "x"]', "no player is called `x`"),
        (LABELLED % ', "slots": 3', "slots must be the columns of base, 2, got 3"),
        (LABELLED % ', "players": ["a"]', "players must name everybody, 1 of 2 names are missing"),
        (LABELLED % ', "outside": "none"', "outside must be numbers"),
        (LABELLED % ', "outside": [1]', "outside must be a number or (2,)"),
        (LABELLED % ', "reputation": 3', "reputation must be an object with the keys values, pay"),
        (LABELLED % ', "reputation": {"values": [1, 1], "pay": 1}', "reputation: there must be a key `threshold`"),
        (LABELLED % ', "reputation": {"treshold": 1}', "did you mean `threshold`?"),
        (PAID % '"floor": 2', "floor must be in [0, 1]"),
        (PAID % '"floor": -Infinity', "floor must be finite"),
        (PAID % '"shared": 1', "shared must be true or false, got 1"),
        (PAID % '"peaks": [1]', "peaks must be (2,)"),
        (LABELLED % ', "speeds": {"values": [1, 1], "lowest": [1, 1], "highest": [1, 1]}', "lowest < highest"),
        (LABELLED.replace('"sizes": [1, 1]', '"sizes": [1, -1]') % "", "sizes must be positive"),
        (LABELLED.replace('"sizes": [1, 1]', '"sizes": [1, 0]') % "", "sizes must be positive"),
        (LABELLED.replace('"weights": [1, 1]', '"weights": [1, 1, 1]') % "", "weights must be"),
        (LABELLED.replace("[3, 4]", "[3]") % "", "base must have rows of one length"),
    ],
)
def test_bad_games_get_one_line(capsys, game_file, text, part):
    line = refused(capsys, game_file(text))
    assert part in line
    assert line.startswith("error: game.json")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "must be JSON"),
        ("3", "must be a list of coalitions"),
        ("[0, 1]", "must be a list of coalitions"),
        ("{}", "there must be a key `partition`"),
        ('{"partition": [[0]], "outt": []}', "did you mean `out`?"),
        ("[[0, 2], [1, 2], [3]]", "at most 2 coalitions, slots 0 to 1, got 3"),
        ("[[0, 2], [1, 2, 3]]", "one coalition only, got `careless` in slots 0 and 1"),
        ("[[0, 2, 2], [1, 3]]", "one coalition only"),
        ("[[0, 2], [1]]", "every player must be in a coalition, `careful` is in none"),
        ("[[0], [1]]", "`careless` and 1 more is in none"),
        ("[[0, 2], [1, 4]]", "players are numbered 0 to 3, got 4"),
        ('[["head A", 2], [1, "carefull"]]', "no player is called `carefull`; did you mean `careful`"),
        ("[[0, 2], [1, 3.0]]", "must be a number or a name, got 3.0"),
        ("[[0, 2], [1, true]]", "must be a number or a name, got True"),
        ("[[1, 2], [0, 3]]", "head 0 must be in slot 0"),
        ('{"partition": [[0, 2], [1]], "out": [3]}', "nobody may be out in this game"),
        ('{"partition": [[0, 2], [1]], "out": 3}', "out must be a list of players"),
    ],
)
def test_bad_starts_get_one_line(capsys, game_file, text, part):
    line = refused(capsys, CHASE, "--initial", game_file(text, "start.json"))
    assert part in line
    assert line.startswith("error: start.json")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--order", "last"], "invalid choice"),
        (["--permission", "all"], "invalid choice"),
        (["--response", "worse"], "invalid choice"),
        (["--seed", "x"], "invalid int value"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--max-switches", "0"], "--max-switches must be at least 1, got 0"),
        (["--time-limit", "0"], "--time-limit must be a positive number of seconds, got 0"),
        (["--time-limit", "nan"], "--time-limit must be a positive number of seconds, got nan"),
        (["--time-limit", "inf"], "--time-limit must be a positive number of seconds, got inf"),
        (["--time-limit", "9", "--history"], "switches alone have --max-switches"),
        (["--best-welfare"], "it goes with --exact"),
        (["--exact", "--order", "fixed"], "--order does not go with it"),
        (["--exact", "--max-switches", "5"], "--max-switches does not go with it"),
        (["--exact", "--welfare"], "--welfare does not go with it"),
        (["--exact", "--initial", "p.json"], "--initial does not go with it"),
        (["--exact", "--permission", "contractual"], "--exact decides nash or individual stability, got"),
        (["--plot", "picture.gif"], "--plot must end in"),
        (["--json", "no/such/folder/a.json"], "output must be a file in a folder that can be written"),
        (["--json", "/dev/null"], "output must be a file"),
        (["--json", ""], "output must be a file in a folder that can be written"),
        (["--initial", ""], "--initial must be a .json file, got an empty name"),
        (["--initial", "nowhere.json"], "nowhere.json: there must be a file"),
        (["\u001b[31m"], r"unrecognized arguments: \x1b[31m"),
        (["more"], "unrecognized arguments"),
    ],
)
def test_bad_calls_get_one_line(capsys, arguments, part):
    assert part in refused(capsys, STUDY, *arguments)


def test_missing_and_foreign_files_get_one_line(capsys, tmp_path):
    assert "nowhere.json" in refused(capsys, tmp_path / "nowhere.json")
    assert "must end in .json" in refused(capsys, tmp_path / "game.txt")
    assert "required: GAME" in refused(capsys)


def test_nothing_is_written_on_bad_input(capsys, game_file, tmp_path):
    path = game_file(PAIR % "[0, 0, 1]")
    refused(capsys, path, "--json", tmp_path / "a.json", "--plot", tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_spare_the_inputs_and_one_another(capsys, game_file, tmp_path):
    path, start = game_file(STUDY.read_text()), game_file("[[0, 1, 2, 3, 4, 5]]", "start.json")
    before = path.read_bytes(), start.read_bytes()
    assert "none of the inputs" in refused(capsys, path, "--json", path)
    assert "none of the inputs" in refused(capsys, path, "--initial", start, "--json", start)
    assert "file of its own" in refused(capsys, path, "--json", tmp_path / "a.png", "--plot", tmp_path / "a.png")
    assert (path.read_bytes(), start.read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == [path, start]


# --- claims that do not hold -------------------------------------------------------------------------------------


def test_a_partition_that_is_not_stable_is_not_shown_as_one(capsys, monkeypatch):
    wrong = Solution((Partition([0, 0, 0, 0, 0, 0]),), Status.SOLVED, "guess")
    monkeypatch.setattr(_solve, "solve", lambda game, **_: wrong)
    found = answer(capsys, STUDY, status=1)
    assert (found["status"], found["certificate"]["holds"]) == ("failed", False)
    assert main([str(STUDY)]) == 1
    out, err = capsys.readouterr()
    assert "The partition that was claimed: " in out
    assert err == "error: guess: the partition is not stable\n"


def test_a_wrong_proof_is_refuted_by_looking(capsys, monkeypatch):
    monkeypatch.setattr(_exact, "exact", lambda game, **_: Solution((), Status.NONE_EXISTS, "guess", complete=True))
    found = answer(capsys, STUDY, "--exact", status=1)
    assert (found["status"], found["certificate"]["holds"]) == ("failed", True)
    assert main([str(STUDY), "--exact"]) == 1
    assert capsys.readouterr().err == "error: guess: a stable partition exists, against what was claimed\n"


def test_a_cycle_that_does_not_gain_is_refuted(capsys, monkeypatch):
    game = load(STALKER)
    found = _dynamics.best_response(game)
    back = Switches(found.cycle.players[::-1], found.cycle.targets[::-1], found.cycle.sources[::-1], found.cycle.gains)
    wrong = replace(found, switches=back, cycle=back, method="guess")
    monkeypatch.setattr(_dynamics, "best_response", lambda *_, **__: wrong)
    assert main([str(STALKER), "--order", "fixed"]) == 1
    out, err = capsys.readouterr()
    assert "which its replay REFUTES" in out
    assert err == "error: guess: the cycle does not lead back to its start by gains alone\n"


def test_an_interrupt_writes_nothing(capsys, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_solve, "solve", interrupted)
    assert main([str(STUDY), "--json", str(tmp_path / "a.json")]) == 130
    assert capsys.readouterr().err == "error: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


# --- the command's manners ---------------------------------------------------------------------------------------


def test_files_are_written_whole(game_file, tmp_path):
    path = game_file(CHASE.read_text())
    outputs = [tmp_path / "a.json", tmp_path / "a.png"]
    assert main([str(path), "--json", str(outputs[0]), "--plot", str(outputs[1])]) == 1  # a cycle is worth a picture
    assert json.loads(outputs[0].read_text())["status"] == "none_exists"
    assert sorted(tmp_path.iterdir()) == sorted([path, *outputs])


def test_names_are_text_and_nothing_else(game_file):
    names = ["[red]a", "b\\", "c" * 500, "d\u0007", ":heart:"]
    game = {"kind": "best", "players": names, "edges": [[0, 1, 1], [1, 0, 1]]}
    path = game_file(game, title="[/bold] $x^{ \u001b[31m\n")
    plot = path.with_suffix(".png")
    done = command(path, "--plot", plot)
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("[/bold] $x^{ ?[31m?", "[red]a, b\\", "d?", ":heart:"):
        assert part in done.stdout
    assert "\u001b" not in done.stdout
    assert "\u0007" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 140
    assert plot.stat().st_size > 10_000


def test_a_narrow_terminal(capsys):
    report = io.StringIO()
    answered(_parser().parse_args([str(CHASE), "--order", "fixed"])).print(Console(file=report, width=60))
    tables = [line for line in report.getvalue().splitlines() if line.startswith(" ")]
    assert all(len(line) <= 60 for line in tables)


def test_large_games_are_shown_in_part_and_written_in_full(capsys, game_file):
    n = 3000
    edges = [edge for i in range(0, n, 2) for edge in ([i, i + 1, 1], [i + 1, i, 1])]
    path = game_file({"kind": "additively-separable", "players": n, "edges": edges})
    assert main([str(path), "--order", "fixed"]) == 0
    out = capsys.readouterr().out
    assert "1,500 coalitions" in out
    assert "the 30 largest are shown, all are in the JSON" in out
    assert len(out.splitlines()) < 90
    assert main([str(path), "--order", "fixed", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["partition"] == [[i, i + 1] for i in range(0, n, 2)]


def test_help_loads_nothing_heavy():
    heavy = {"numba", "scipy", "sympy", "matplotlib", "rich", "ortools", "flint"}
    program = (
        "import sys\nfrom solvers.hedonic.__main__ import main\ntry:\n    main(['--help'])\n"
        f"except SystemExit as end:\n    print(end.code, sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert done.stdout.endswith("0 []\n"), done.stdout + done.stderr
    assert "exit status: 0 solved and certified" in done.stdout


def test_closed_output_is_told():
    call = [sys.executable, "-m", "solvers.hedonic", str(STUDY)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *call], cwd=ROOT, text=True, stderr=subprocess.PIPE, timeout=120
    )
    assert (done.returncode, done.stderr) == (2, "error: standard output must be open\n")


def test_a_closed_pipe_is_not_a_traceback():
    done = into_a_closed_pipe("solvers.hedonic", STUDY, "--json", "-")
    assert (done.returncode, done.stderr) == (1, "")


def test_optional_packages_are_named(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "certeq[plot]" in refused(capsys, STUDY, "--plot", "a.png")


def test_without_ortools_exact_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ortools.sat.python.cp_model", None)
    assert main([str(STUDY), "--exact"]) == 1
    assert "certeq[ortools]" in capsys.readouterr().err
    assert main([str(STUDY)]) == 0  # what switching finds needs no search


# --- pictures ----------------------------------------------------------------------------------------------------


def pictured(path, *arguments):
    import matplotlib.image

    plot = path.with_suffix(".png")
    main([str(path), *arguments, "--plot", str(plot)])
    pixels = matplotlib.image.imread(plot)
    assert np.ptp(pixels[..., :3]) > 0.9
    assert 0.002 < np.mean(pixels[..., :3].min(axis=-1) < 0.9) < 0.9  # neither empty nor full
    return pixels


@pytest.mark.parametrize(
    "game",
    [
        {"kind": "fractional", "weights": [[0]]},
        {**HONEST, "outside": [0, 5, 0]},
        {**HONEST, "base": [[0] * 20] * 3, "outside": 9},
        {"kind": "additively-separable", "weights": (np.ones((60, 60)) - np.eye(60)).tolist()},
        {"kind": "anonymous", "values": [[1] * 50] * 50, "slots": 50},
    ],
)
def test_pictures_show_something(game_file, game):
    pictured(game_file(game))


def titles(monkeypatch, path, *arguments):
    """Everything that a picture says in titles."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    said, of_axes, of_figure = [], Axes.set_title, Figure.suptitle
    monkeypatch.setattr(Axes, "set_title", lambda axes, text, **how: (said.append(text), of_axes(axes, text, **how)))
    monkeypatch.setattr(Figure, "suptitle", lambda fig, text, **how: (said.append(text), of_figure(fig, text, **how)))
    main([str(path), *arguments, "--plot", str(path.with_suffix(".png"))])
    return said


def test_pictures_say_what_they_show(monkeypatch, game_file):
    found = titles(monkeypatch, game_file(STUDY.read_text()))
    assert found[0] == "Nash-stable: 6 players in 3 coalitions"
    found = titles(monkeypatch, game_file({"kind": "fractional", "weights": [[0, 1], [-1, 0]]}), "--order", "fixed")
    assert found[0].startswith("Where switching was left: 2 players")
    assert found[-1] == "game.json"
    restarted = {"kind": "additively-separable", "weights": [[0, 3, -1], [0, 0, 1], [2, 1, 0]]}
    found = titles(monkeypatch, game_file(restarted))
    assert found[0] == "Nash-stable: 3 players in 1 coalition"
    assert found[1].endswith("a cycle (shaded)\nthe first run; the partition is from a restart")
    found = titles(monkeypatch, game_file(CHASE.read_text()), "--exact")
    assert found[0].startswith("The least unstable partition that was found: ")
    assert found[1].endswith("a run by best response; the partition is from looking at all partitions")


def test_the_picture_of_an_exact_search_follows_its_permission(monkeypatch, game_file):
    found = titles(monkeypatch, game_file(STALKER.read_text()), "--exact", "--permission", "individual")
    assert found[0].startswith("individually stable: ")
    assert found[1] == "No player switches, solved"


def test_a_cycle_that_is_drawn_in_part():
    from solvers.hedonic import _plot

    found = _dynamics.best_response(load(STALKER))
    assert _plot._ending(found, 4) == ", the last 4 a cycle (shaded)"
    assert _plot._ending(found, 3) == ", of a cycle of 4 (shaded)"


def test_slots_that_are_shown_have_colours_of_their_own():
    from solvers.hedonic._plot import OTHER, shared_colours

    colours = shared_colours(range(100), [3, 5, 90])
    assert len({colours[j] for j in (3, 5, 90)} | {OTHER}) == 4
    assert colours[4] == OTHER
    assert OTHER not in shared_colours(range(100), []).values()


def test_a_cycle_is_shaded(game_file):
    from matplotlib.colors import to_rgb

    from solvers._figure import ACCENT

    shade = 0.16 * np.array(to_rgb(ACCENT)) + 0.84
    for content, expected in ((CHASE.read_text(), True), (STUDY.read_text(), False)):
        pixels = pictured(game_file(content), "--order", "fixed")
        assert (np.mean(np.all(np.abs(pixels[..., :3] - shade) < 0.01, axis=-1)) > 0.02) is np.bool_(expected)


@pytest.mark.parametrize("suffix", [".svg", ".PDF"])
def test_other_picture_formats(game_file, suffix):
    path = game_file(STUDY.read_text())
    assert main([str(path), "--exact", "--plot", str(path.with_suffix(suffix))]) == 0
    assert path.with_suffix(suffix).stat().st_size > 1000
