"""Other libraries' solvers: their right answers pass, their wrong ones are caught, and a time limit stops them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import bimatrix_cases as cases
import numpy as np
import pytest

from solvers.bimatrix import backends
from solvers.bimatrix._game import BimatrixGame, RationalProfile
from solvers.bimatrix.backends import _check, _own, _pool, _wire
from solvers.core import NotSolved, Status
from verification import certify

ROOT = Path(__file__).parent.parent
ONE = [
    backends.gambit_lcp,
    backends.gambit_logit,
    backends.nashpy_lemke_howson,
    backends.quantecon_lemke_howson,
]
LISTS = [
    backends.gambit_enummixed,
    backends.nashpy_support_enumeration,
    backends.nashpy_vertex_enumeration,
    backends.quantecon_support_enumeration,
    backends.quantecon_vertex_enumeration,
]
EASY = (cases.VON_STENGEL, cases.PRISONERS_DILEMMA, cases.MATCHING_PENNIES, cases.SHAPLEY, cases.IDENTITY)


def certified(game, solution):
    """Whether every profile of a solved game is an equilibrium: exactly, or to the tolerance of floats."""
    allowed = [None if isinstance(p, RationalProfile) else 1e-9 * game.magnitudes() for p in solution.profiles]
    evidence = [certify(game, p, tolerance=t) for p, t in zip(solution.profiles, allowed, strict=True)]
    return solution.status is Status.SOLVED and all(certificate.holds for certificate in evidence)


def same(found, known):
    """Whether two lists hold the same profiles, in any order."""
    points = [
        sorted(tuple(np.round(np.concatenate(p).astype(float), 6) + 0.0) for p in list_) for list_ in (found, known)
    ]
    return len(points[0]) == len(points[1]) and np.allclose(*points, atol=1e-6)


def uniform(seed, n, scale=1.0, shift=0.0):
    """Independent payoffs from [0, 1), scaled and shifted."""
    rng = np.random.default_rng(seed)
    return BimatrixGame(rng.random((n, n)) * scale + shift, rng.random((n, n)) * scale + shift)


def ties(seed, n):
    """Independent payoffs 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    return BimatrixGame(rng.integers(0, 3, (n, n)), rng.integers(0, 3, (n, n)))


# --- right answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EASY, ids=str)
@pytest.mark.parametrize("solve", ONE)
def test_one_equilibrium_of_a_pinned_game(solve, case):
    solution = solve(case.game, time_limit=30)
    assert certified(case.game, solution), solution
    assert solution.stats["wrong"] == 0
    assert solution.stats["returned"] == len(solution.profiles) == 1
    assert solution.stats["seconds"] > 0
    assert not solution.complete


@pytest.mark.parametrize("case", EASY, ids=str)
@pytest.mark.parametrize("solve", LISTS)
def test_every_equilibrium_of_a_pinned_game_without_ties(solve, case):
    solution = solve(case.game, time_limit=30)
    assert certified(case.game, solution), solution
    assert same(solution.profiles, case.equilibria)


@pytest.mark.parametrize("case", cases.SMALL, ids=str)
def test_gambit_lists_the_extreme_equilibria_exactly_and_says_that_these_are_all(case):
    solution = backends.gambit_enummixed(case.game)
    assert certified(case.game, solution)
    assert solution.complete
    assert len(solution.profiles) == case.count
    assert case.equilibria is None or set(solution.profiles) == set(case.equilibria)


def test_lists_in_floats_do_not_claim_to_be_complete():
    for solve in LISTS[1:]:
        assert not solve(cases.VON_STENGEL.game).complete
    assert not backends.gambit_enummixed(cases.VON_STENGEL.game, rational=False).complete


@pytest.mark.parametrize("solve", [backends.gambit_lcp, backends.gambit_enummixed])
def test_gambit_is_exact_about_the_payoffs_that_were_given(solve):
    third = Fraction(1, 3)
    for game in (uniform(4, 4), BimatrixGame([[third, 0], [0, 2 * third]], [[third, 0], [0, 0.1]])):
        solution = solve(game, rational=True)
        assert all(isinstance(profile, RationalProfile) for profile in solution.profiles)
        assert certified(game, solution)


@pytest.mark.parametrize("rational", [False, True])
def test_gambit_solves_constant_sum_games_by_linear_programming(rational):
    solution = backends.gambit_lp(cases.MATCHING_PENNIES.game, rational=rational)
    assert certified(cases.MATCHING_PENNIES.game, solution)
    solution = backends.gambit_lp(cases.SHAPLEY.game, rational=rational)
    assert solution.status is Status.FAILED
    assert solution.stats["reason"] == "raised RuntimeError: Method only valid for constant-sum games."


def test_gambit_lists_pure_equilibria_and_says_where_there_are_none():
    solution = backends.gambit_enumpure(cases.IDENTITY.game)
    assert certified(cases.IDENTITY.game, solution)
    assert set(solution.profiles) == set(cases.IDENTITY.equilibria[:3])
    assert not solution.complete
    none = backends.gambit_enumpure(cases.MATCHING_PENNIES.game)
    assert (none.status, none.profiles) == (Status.NONE_EXISTS, ())


@pytest.mark.parametrize("solve", [backends.nashpy_lemke_howson, backends.quantecon_lemke_howson])
def test_labels_are_those_of_this_package(solve):
    game = cases.VON_STENGEL.game
    found = [solve(game, initial_label=label).require() for label in range(5)]
    by_label = [0, 2, 0, 0, 2]  # von Stengel (2007), figure 3.6: labels 1, 3, 4 to (1,0,0),(1,0), 2 and 5 to the last
    assert same(found[:1], [cases.VON_STENGEL.equilibria[0]])
    for profile, k in zip(found, by_label, strict=True):
        assert same([profile], [cases.VON_STENGEL.equilibria[k]])


@pytest.mark.parametrize("label", [0, 5, 6, 11])
def test_quantecon_takes_the_pivots_that_the_paper_counts(label):
    solution = backends.quantecon_lemke_howson(cases.LONG_PATH.game, initial_label=label)
    assert certified(cases.LONG_PATH.game, solution)
    assert solution.stats["pivots"] == cases.LONG_PATH_LENGTHS[label]


# --- wrong answers are caught ----------------------------------------------------------------------------------------

WRONG = [
    # bimatrix theory, section 1: ties cycle; comparisons with 1e-15 whatever the payoffs' unit
    ("quantecon cycles, 12x12", backends.quantecon_lemke_howson, ties(168, 12), r"regret 0\.298 of the row player"),
    ("quantecon cycles, 20x20", backends.quantecon_lemke_howson, ties(23, 20), r"regret 0\.29 .*without converging"),
    ("quantecon, 1e-11", backends.quantecon_lemke_howson, uniform(0, 20, 1e-11), r"regret .*e-12 of the row player"),
    ("quantecon, 1e15", backends.quantecon_lemke_howson, uniform(0, 20, 1e15), r"returned no probabilities|regret"),
    ("nashpy, shape 10", backends.nashpy_lemke_howson, uniform(15, 10), r"a profile of shape \(9,\), \(10,\)"),
    ("nashpy, shape 20", backends.nashpy_lemke_howson, uniform(1, 20), r"a profile of shape \(18,\), \(20,\)"),
    ("nashpy, flat", backends.nashpy_vertex_enumeration, cases.FLAT.game, r"raised TypeError: 'NoneType' object"),
    ("gambit, 1e-9", backends.gambit_lcp, uniform(0, 8, 1e-9), r"regret .*e-10 of the row player"),
    ("gambit, +1e6", backends.gambit_lcp, uniform(0, 8, 1.0, 1e6), r"regret 0\.\d+ of the row player"),
    ("gambit logit, 1e-9", backends.gambit_logit, uniform(0, 8, 1e-9), "no profile .*REGRET_TARGET_NOT_REACHED"),
]


@pytest.mark.parametrize(("solve", "game", "reason"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_answer_is_a_status_with_a_reason(solve, game, reason):
    solution = solve(game, time_limit=30)
    assert solution.status is Status.FAILED
    assert solution.profiles == ()
    assert not solution.complete
    assert solution.stats["wrong"] == solution.stats["returned"]
    assert re.search(reason, solution.stats["reason"]), solution.stats["reason"]
    with pytest.raises(NotSolved, match="use another"):
        solution.require()


def test_right_profiles_among_wrong_ones_are_kept_and_the_others_counted():
    game = cases.MANY.game
    solution = backends.nashpy_vertex_enumeration(game, time_limit=60)
    assert certified(game, solution)
    assert solution.stats["wrong"] > 0
    assert len(solution.profiles) + solution.stats["wrong"] == solution.stats["returned"]
    assert f"{solution.stats['wrong']} of {solution.stats['returned']} wrong: regret" in solution.stats["reason"]


def test_what_a_library_warns_of_is_passed_on():
    solution = backends.nashpy_support_enumeration(cases.VON_STENGEL_DEGENERATE.game)
    assert "An even number of (2) equilibria was returned" in solution.stats["warnings"]


@pytest.mark.parametrize(
    ("row", "column", "fault"),
    [
        ([1.0, 0.0, 0.0], [1.0, 0.0], ""),
        ([1.0, 1e-10, 0.0], [1.0, 0.0], ""),
        ([1.0, 0.0], [1.0, 0.0], "returned a profile of shape (2,), (2,)"),
        ([[1.0, 0.0, 0.0]], [1.0, 0.0], "returned a profile of shape (1, 3), (2,)"),
        ([], [], "returned a profile of shape (0,), (0,)"),
        (1.0, [1.0, 0.0], "returned a profile of shape (), (2,)"),
        ([1.0, float("nan"), 0.0], [1.0, 0.0], "returned nan"),
        ([1.0, 0.0, float("inf")], [1.0, 0.0], "returned inf"),
        ([1.0, 1e-8, 0.0], [1.0, 0.0], "returned no probabilities: off by 1e-08"),
        ([1.5, -0.5, 0.0], [1.0, 0.0], "returned no probabilities: off by 0.5"),
        ([0.0, 1.0, 0.0], [0.0, 1.0], "regret 1 of the row player, who is allowed 6e-09"),
        ([1.0, 0.0, 0.0], [0.0, 1.0], "regret 3 of the row player, who is allowed 6e-09"),
        (["1/1", "0/1", "0/1"], ["1/1", "0/1"], ""),
        (["1/1", "0/1", "0/1"], ["1/2", "1/2"], "regret 0.5 of the row player, who is allowed 0"),
        (["1/1", "1/100000000000", "0/1"], ["1/1", "0/1"], "returned no probabilities: off by 5.68e-14"),
    ],
)
def test_each_fault_is_named(row, column, fault):
    assert _check.fault(cases.VON_STENGEL.game, row, column) == fault


def test_a_regret_is_measured_against_the_players_own_payoffs():
    game = BimatrixGame([[1e-12, 0], [0, 0]], [[1e6, 0], [0, 0]])
    assert _check.fault(game, [0.5, 0.5], [1.0, 0.0]) == "regret 5e-13 of the row player, who is allowed 1e-21"


# --- time limits and crashes -----------------------------------------------------------------------------------------


def test_a_time_limit_stops_a_library_that_loops():
    backends.nashpy_lemke_howson(cases.VON_STENGEL.game)  # a warm process, so that starting one is not measured
    start = time.perf_counter()
    solution = backends.nashpy_lemke_howson(uniform(1, 10), time_limit=0.5)
    seconds = time.perf_counter() - start
    assert (solution.status, solution.profiles) == (Status.TIME_LIMIT, ())
    assert 0.5 <= seconds < 2.5
    assert solution.stats["seconds"] == pytest.approx(seconds, abs=1.0)
    assert solution.stats["reason"] == "no answer within 0.5 s"


def test_a_time_limit_stops_compiled_code():
    game = uniform(3, 14)
    solution = backends.gambit_enummixed(game, time_limit=0.5)
    assert solution.status is Status.TIME_LIMIT
    assert certified(game, backends.gambit_lcp(game))


FAKES = {
    "crash": (
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        Status.FAILED,
        "ended its process with SIGSEGV",
    ),
    "exit": ("import os; os._exit(3)", Status.FAILED, "ended its process with exit status 3"),
    "leave": ("raise SystemExit(4)", Status.FAILED, "ended its process with exit status 4"),
    "raise": ("raise ValueError('two\\nlines')", Status.FAILED, "raised ValueError: two lines"),
    "memory": ("bytearray(2**45)", Status.FAILED, "raised MemoryError: "),
    "nothing": ("return None", Status.FAILED, "raised TypeError: 'NoneType' object is not iterable"),
    "nan": ("return numpy.full(2, numpy.nan), numpy.ones(2) / 2", Status.FAILED, "returned nan"),
    "words": ("return ('a', 'b'), ('c', 'd')", Status.FAILED, "raised ValueError: could not convert string to float"),
    "prints": ("print('x' * 10**5); import os; os.write(1, b'noise'); return [.5, .5], [.5, .5]", Status.SOLVED, ""),
}


COORDINATION = BimatrixGame(np.eye(2), np.eye(2))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A library called nashpy that behaves on matching pennies and then does as told on any other game."""

    def install(*deeds, always="pass", first="pass"):
        source = [
            first,
            "import numpy",
            "__version__ = 'fake'",
            "class Game:",
            "    def __init__(self, A, B):",
            "        self.A = A",
            "    def lemke_howson(self, initial_dropped_label):",
            f"        {always}",
            "        A = self.A",
            "        if A[0, 1] == -1: return [.5, .5], [.5, .5]",
            *(f"        {deed}" for deed in deeds),
        ]
        (tmp_path / "nashpy.py").write_text("\n".join(source), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        _close("nashpy")

    yield install
    _close("nashpy")


def _close(library):
    """End the waiting processes of one library."""
    waiting = _pool._idle[library]
    while waiting:
        waiting.pop().end()


@pytest.mark.parametrize(("deed", "status", "reason"), FAKES.values(), ids=FAKES)
def test_whatever_a_library_does_is_reported(fake, deed, status, reason):
    fake(deed)
    solution = backends.nashpy_lemke_howson(BimatrixGame([[1, 0], [0, 1]], [[0, 1], [1, 0]]))
    assert solution.status is status
    assert solution.stats.get("reason", "").startswith(reason)
    assert solution.stats["library"] == "nashpy fake"


def number_of(worker_of):
    """The number of the process that waits for the next call."""
    with _pool._borrowed(worker_of) as worker:
        return worker.process.pid


def test_an_answer_that_is_too_long_is_not_read(fake, monkeypatch):
    monkeypatch.setattr(_pool, "ANSWER_LIMIT", 2**20)
    fake("return numpy.ones(10**6), numpy.ones(2)")
    solution = backends.nashpy_lemke_howson(COORDINATION)
    assert solution.status is Status.FAILED
    assert solution.stats["reason"] == "answered with more than 1 MiB"


def test_the_process_is_gone_after_a_time_limit_and_another_answers(fake):
    fake("while A[0, 0] == 0: pass", "return [1, 0], [1, 0]")
    assert certified(COORDINATION, backends.nashpy_lemke_howson(COORDINATION))
    number = number_of("nashpy")
    assert backends.nashpy_lemke_howson(cases.SHAPLEY.game, time_limit=0.3).status is Status.TIME_LIMIT
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert certified(COORDINATION, backends.nashpy_lemke_howson(COORDINATION))


def test_a_thousand_calls_share_one_process(fake):
    fake("return [1, 0], [1, 0]")
    backends.nashpy_lemke_howson(COORDINATION)
    number, start = number_of("nashpy"), time.perf_counter()
    solutions = [backends.nashpy_lemke_howson(COORDINATION) for _ in range(1000)]
    assert time.perf_counter() - start < 20
    assert all(solution.status is Status.SOLVED for solution in solutions)
    assert number_of("nashpy") == number


def test_threads_get_processes_of_their_own_and_their_own_answers(fake):
    fake("return numpy.eye(len(A))[0], numpy.eye(len(A))[0]")
    answers = {}

    def solve(size):
        game = BimatrixGame(np.eye(size), np.eye(size))
        answers[size] = [backends.nashpy_lemke_howson(game).require() for _ in range(50)]

    threads = [threading.Thread(target=solve, args=(size,)) for size in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(profile.row) == size for size in (3, 4) for profile in answers[size])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="lists processes through /proc")
def test_children_of_a_stopped_library_are_stopped_too(fake):
    fake("import subprocess; subprocess.run(['sleep', '600.5'])")
    assert backends.nashpy_lemke_howson(COORDINATION, time_limit=0.5).status is Status.TIME_LIMIT
    until = time.monotonic() + 5.0  # a killed process takes a moment to go
    while any(b"600.5" in command for command in commands()):
        assert time.monotonic() < until
        time.sleep(0.05)


def commands():
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield path.read_bytes()


def test_a_library_that_fails_at_its_first_call_is_reported(fake):
    fake("", always="raise OSError('broken')")
    solution = backends.nashpy_lemke_howson(cases.SHAPLEY.game)
    assert solution.status is Status.FAILED
    assert solution.stats["reason"] == "raised OSError: broken, at its first call, on matching pennies"


def test_a_library_that_is_not_installed_is_one_line_that_names_the_extra(monkeypatch):
    _close("quantecon")
    monkeypatch.setitem(_pool.IMPORTED, "quantecon", "no_such_library")
    with pytest.raises(backends.NotInstalled) as caught:
        backends.quantecon_lemke_howson(cases.SHAPLEY.game)
    assert str(caught.value) == "no_such_library is not installed; pip install 'certeq[peers]'"


def test_a_library_that_cannot_be_imported_is_one_line_that_says_why(fake):
    fake("", first="raise ImportError('libmissing.so: cannot open')")
    with pytest.raises(backends.NotInstalled) as caught:
        backends.nashpy_lemke_howson(cases.SHAPLEY.game)
    why = "raised ImportError: libmissing.so: cannot open"
    assert str(caught.value) == f"nashpy cannot be used: {why}; pip install 'certeq[peers]'"


def test_a_worker_that_died_while_it_waited_is_replaced(fake):
    fake("return [1, 0], [1, 0]")
    backends.nashpy_lemke_howson(COORDINATION)
    with _pool._borrowed("nashpy") as worker:
        pass
    worker.process.kill()
    worker.process.wait()
    assert certified(COORDINATION, backends.nashpy_lemke_howson(COORDINATION))


def test_an_interrupt_ends_the_worker_that_was_asked(fake, monkeypatch):
    def interrupted(self, request):
        raise KeyboardInterrupt

    fake("return [1, 0], [1, 0]")
    backends.nashpy_lemke_howson(COORDINATION)
    with monkeypatch.context() as patch:
        patch.setattr(_pool.Worker, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backends.nashpy_lemke_howson(COORDINATION)
    assert certified(COORDINATION, backends.nashpy_lemke_howson(COORDINATION))


PROGRAM = """
import os
import numpy
from solvers.bimatrix import backends
from solvers.bimatrix._game import BimatrixGame
from solvers.bimatrix.backends import _pool

def solve():
    return backends.nashpy_lemke_howson(BimatrixGame(numpy.eye(2), numpy.eye(2))).status.name

"""


def printed(program, tmp_path):
    """What a new Python prints that sees the false library."""
    place = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + program],
        env={**os.environ, "PYTHONPATH": place},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_no_process_is_left_behind(fake, tmp_path):
    fake("return [1, 0], [1, 0]")
    status, number = printed("print(solve(), _pool._idle['nashpy'][0].process.pid)", tmp_path)
    assert status == "SOLVED"
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_starts_workers_of_its_own(fake, tmp_path):
    fake("return [1, 0], [1, 0]")
    program = """
print(solve(), flush=True)
child = os.fork()
print(solve(), flush=True)
if child: assert os.waitpid(child, 0)[1] == 0
print(solve(), flush=True)
"""
    assert printed(program, tmp_path) == ["SOLVED"] * 5


# --- what is sent, and misuse ----------------------------------------------------------------------------------------


def test_games_are_sent_without_rounding():
    for A in ([[0.1, 1e-300], [-0.0, 1.7e308]], [[Fraction(1, 3), 10**400 - 10**400], [2**60 + 1, 0.1]]):
        game = BimatrixGame(A, [[1, 2], [3, 4]])
        sent = _wire.game_of(json.loads(_wire.line(_wire.game_message(game))))
        assert sent.A.tobytes() == game.A.tobytes()
        assert sent.rational_payoffs == game.rational_payoffs


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), 1e7])
def test_a_time_limit_must_be_positive_and_finite(limit):
    with pytest.raises(ValueError, match="time_limit must be positive and at most 1e\\+06 seconds, got"):
        backends.gambit_lcp(cases.SHAPLEY.game, time_limit=limit)


@pytest.mark.parametrize("label", [-1, 6])
@pytest.mark.parametrize("solve", [backends.nashpy_lemke_howson, backends.quantecon_lemke_howson])
def test_a_label_must_be_a_strategy(solve, label):
    with pytest.raises(ValueError, match=f"initial_label must be one of 0, ..., 5, got {label}"):
        solve(cases.SHAPLEY.game, initial_label=label)


def test_options_must_make_sense():
    game = cases.SHAPLEY.game
    with pytest.raises(ValueError, match="stop_after must be at least 1 or None, got 0"):
        backends.gambit_lcp(game, stop_after=0)
    with pytest.raises(ValueError, match="tolerance must be positive, got nan"):
        backends.gambit_logit(game, tolerance=float("nan"))
    with pytest.raises(ValueError, match="max_pivots must be at least 1, got 0"):
        backends.quantecon_lemke_howson(game, max_pivots=0)
    with pytest.raises(ValueError, match=r"solver must be one of lemke_howson, .*, got 'magic'"):
        _own.within("magic", game)


def test_gambit_goes_on_to_all_that_it_reaches():
    game = cases.VON_STENGEL.game
    assert same(backends.gambit_lcp(game, stop_after=None).profiles, cases.VON_STENGEL.equilibria)


def test_pivots_can_be_limited_and_the_reason_says_so():
    solution = backends.quantecon_lemke_howson(cases.LONG_PATH.game, max_pivots=5)
    assert solution.status is Status.FAILED
    assert "stopped at 5 pivots without converging" in solution.stats["reason"]
