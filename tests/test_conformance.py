"""Solvers under test: right ones pass, and whatever a wrong one does is a verdict with the smallest game."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from solvers.bimatrix import BimatrixGame, lemke_howson
from solvers.hedonic import solve as solve_hedonic
from solvers.stackelberg import bisection
from solvers.stackelberg import solve as solve_stackelberg
from solvers.stochastic import markov_perfect
from verification.conformance import (
    Conformance,
    Fault,
    SolverFailed,
    check_bimatrix_solver,
    check_hedonic_solver,
    check_stackelberg_solver,
    check_stochastic_solver,
)


def ours(A, B):
    profile = lemke_howson(BimatrixGame(A, B)).require()
    return profile.row, profile.column


def first(A, B):
    """Right for one strategy a player."""
    return np.eye(len(A))[0], np.eye(A.shape[1])[0]


quickly = partial(check_bimatrix_solver, kinds=["ties"], max_size=2, examples=30, seconds=3.0)

ours(np.eye(2), np.eye(2))  # compiled here, and so in the processes that are forked from this one


def verdict(solver, **options):
    with pytest.raises(SolverFailed) as failed:
        quickly(solver, **options)
    return failed.value


# --- solvers that pass -----------------------------------------------------------------------------------------------


def test_lemke_howson_passes_on_every_kind():
    found = check_bimatrix_solver(ours)
    assert isinstance(found, Conformance)
    assert found.examples >= 90
    assert 0 <= found.worst <= 1e-9


def test_the_toolkits_solvers_of_every_family_pass():
    def stackelberg(game):
        profile = solve_stackelberg(game).require()
        return profile.price, profile.decisions

    def hedonic(game):
        found = solve_hedonic(game, restarts=1, max_switches=300)
        return found.profiles[0].slots if found.profiles else None

    def stochastic(game):
        profile = markov_perfect(game).require()
        return profile.row, profile.column

    assert check_stackelberg_solver(stackelberg, examples=20).worst <= 1e-9
    assert check_hedonic_solver(hedonic, examples=40).worst <= 1e-9
    assert check_stochastic_solver(stochastic, examples=20).worst <= 1e-9


def test_output_may_be_allowed():
    def talks(A, B):
        print("pivot")
        return ours(A, B)

    assert quickly(talks, may_print=True).examples > 0


# --- solvers that fail -----------------------------------------------------------------------------------------------


def test_a_wrong_answer_comes_with_the_smallest_game():
    failed = verdict(first)
    assert failed.fault is Fault.WRONG
    assert sorted(failed.game.shape) == [1, 2]
    assert sorted([*failed.game.A.ravel(), *failed.game.B.ravel()]) == [0.0, 0.0, 0.0, 1.0]
    assert re.search(r"first wrong: player [01] gains 1 by deviating", str(failed))
    lines = f"A = {failed.game.A.tolist()}\nB = {failed.game.B.tolist()}\nit returned (array([1."
    assert lines in str(failed)


def hangs(A, B):
    while A.size > 1:
        time.sleep(1)
    return first(A, B)


def leaves(A, B):
    os._exit(7)


def breaks(A, B):
    ctypes.string_at(0)


def prints(A, B):
    os.write(1, b"from compiled code\n")
    return ours(A, B)


def whispers(A, B):
    print("a warning", file=sys.stderr)
    return ours(A, B)


def changes(A, B):
    answer = ours(A, B)
    A[0, 0] += 1.0
    return answer


def says_nothing(A, B):
    return np.full(len(A), np.nan), np.ones(A.shape[1])


def exits(A, B):
    raise SystemExit(0)


def loosens(A, B):
    x, y = ours(A, B)
    return x + 1e-6, y


class Unreadable:
    def __repr__(self):
        raise ValueError("nothing to see")


class Unpicklable:
    def __reduce__(self):
        return _raise, ()


def _raise():
    raise ValueError("not again")


class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")


def speechless(A, B):
    raise Speechless


def floods(A, B):
    while True:
        os.write(1, b"x" * 2**20)


def later(A, B):
    threading.Timer(0.005, os._exit, (3,)).start()
    return ours(A, B)


@pytest.mark.parametrize(
    ("solver", "fault", "words"),
    [
        (leaves, Fault.CRASHES, "its process ended: exit status 7"),
        (breaks, Fault.CRASHES, "its process ended: SIGSEGV"),
        (exits, Fault.CRASHES, "raised SystemExit: 0"),
        (lambda A, B: A[len(A)], Fault.CRASHES, "raised IndexError"),
        (lambda A, B: np.linalg.inv(A), Fault.CRASHES, "raised LinAlgError"),
        (lambda A, B: lambda: 0, Fault.CRASHES, "cannot be passed on: function"),
        (says_nothing, Fault.NAN, "x must be finite, got [nan]"),
        (lambda A, B: None, Fault.SHAPE, "it must return a pair (x, y), got None"),
        (lambda A, B: ours(A, B)[:1], Fault.SHAPE, "it must return a pair (x, y)"),
        (lambda A, B: ([0.5, 0.5, 0.0], [1.0]), Fault.SHAPE, "x must be (1,) numbers, got shape (3,)"),
        (lambda A, B: ("ab", [1.0]), Fault.SHAPE, "x must be (1,) numbers, got 'ab'"),
        (changes, Fault.MUTATES, "the game is not what it was before the call"),
        (prints, Fault.PRINTS, "'from compiled code'"),
        (whispers, Fault.PRINTS, "'a warning'"),
        (lambda A, B: (ours(A, B)[0] + 1j, ours(A, B)[1]), Fault.SHAPE, "x must be (1,) numbers, got array([1.+1.j])"),
        (lambda A, B: (ours(A, B)[0].astype(str), ours(A, B)[1]), Fault.SHAPE, "numbers, got array(['1.0']"),
        (lambda A, B: (np.ma.masked_all(len(A)), ours(A, B)[1]), Fault.SHAPE, "numbers, got masked_array"),
        (lambda A, B: Unreadable(), Fault.SHAPE, "it must return a pair (x, y), got a Unreadable"),
        (lambda A, B: Unpicklable(), Fault.CRASHES, "cannot be passed on: ValueError: not again"),
        (speechless, Fault.CRASHES, "raised Speechless: no message"),
        (lambda A, B: os.kill(os.getpid(), 37), Fault.CRASHES, "its process ended: signal 37"),
        (lambda A, B: os.closerange(0, 4096) or time.sleep(100), Fault.CRASHES, "it closed the pipe by which it"),
        (floods, Fault.HANGS, "no answer, and more than 64 MiB printed"),
        (later, Fault.CRASHES, "its process ended: exit status 3"),
        (loosens, Fault.WRONG, "it is no profile of the game, by 1e-06"),
        (lambda A, B: ([2.0] * len(A), [1.0] * A.shape[1]), Fault.WRONG, "it is no profile of the game"),
    ],
)
def test_whatever_a_solver_does_is_a_verdict(solver, fault, words, capfd):
    failed = verdict(solver)
    assert failed.fault is fault
    assert words in str(failed)
    assert str(fault) in str(failed)
    assert capfd.readouterr() == ("", "")


def test_a_solver_that_hangs_takes_little_more_than_its_time():
    start = time.monotonic()
    failed = verdict(hangs, seconds=0.3, warm_up=0.3)
    assert time.monotonic() - start < 30
    assert failed.fault is Fault.HANGS
    assert "hangs hangs: no answer within" in str(failed)


def ends(process):
    """Whether a process is gone, or a zombie, within ten seconds."""
    status, deadline = Path("/proc", process, "stat"), time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_processes_that_a_solver_started_are_stopped_with_it(tmp_path):
    note = tmp_path / "child"

    def starts(A, B):
        child = os.fork()
        if child == 0:
            note.write_text(str(os.getpid()))
            time.sleep(100)
        time.sleep(100)

    verdict(starts, seconds=0.3, warm_up=0.3)
    assert ends(note.read_text())


def test_a_session_of_its_own_is_no_refuge(tmp_path):
    note = tmp_path / "child"

    def starts(A, B):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
        note.write_text(str(child.pid))
        return ours(A, B)

    assert quickly(starts, examples=2).examples > 0
    assert ends(note.read_text())


def test_a_solver_that_forks_answers_once():
    def forks(A, B):
        os.fork()
        return ours(A, B)

    assert quickly(forks).examples > 10


def test_threads_that_print_after_the_answer_do_not_reach_the_run(capfd):
    def whispers_later(A, B):
        threading.Timer(0.001, os.write, (1, b"later\n")).start()
        return ours(A, B)

    quickly(whispers_later, may_print=True)
    assert capfd.readouterr() == ("", "")


def test_a_solver_may_close_its_outputs():
    def closes(A, B):
        sys.stdout.close()
        os.close(1)
        os.close(2)
        return ours(A, B)

    assert quickly(closes).examples > 10


def test_a_local_optimum_is_no_stackelberg_equilibrium():
    def local(game):
        profile = bisection(game).require()
        return profile.price, profile.decisions

    with pytest.raises(SolverFailed) as failed:
        check_stackelberg_solver(local, kinds=["multi-modal"])
    assert failed.value.fault is Fault.WRONG
    assert "player 0 gains" in str(failed.value)


@pytest.mark.parametrize(
    ("solver", "fault", "words"),
    [
        (lambda game: None, Fault.WRONG, "it says that nothing is stable, but"),
        (lambda game: [0.5] * game.players, Fault.SHAPE, "slots must be whole numbers from -1 up"),
        (lambda game: [0], Fault.SHAPE, "numbers, got shape (1,)"),
        (lambda game: [99] * game.players, Fault.WRONG, "it is no partition of the game"),
        (lambda game: list(range(game.players)), Fault.WRONG, "by deviating"),
    ],
)
def test_partitions_are_judged(solver, fault, words):
    with pytest.raises(SolverFailed) as failed:
        check_hedonic_solver(solver, kinds=["friends"], examples=60)
    assert failed.value.fault is fault
    assert words in str(failed.value)
    assert '"kind"' in str(failed.value)


def test_stochastic_answers_are_judged():
    def myopic(game):
        row, column = np.zeros((game.states, game.shape[0])), np.zeros((game.states, game.shape[1]))
        for s in range(game.states):
            profile = lemke_howson(game.stage(s)).require()
            row[s, : len(profile.row)], column[s, : len(profile.column)] = profile.row, profile.column
        return row, column

    with pytest.raises(SolverFailed) as failed:
        check_stochastic_solver(myopic)
    assert failed.value.fault is Fault.WRONG
    assert failed.value.game.states >= 2
    assert "law of the next state" in str(failed.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": -1.0}, "tolerance must be finite and >= 0, got -1"),
        ({"tolerance": np.nan}, "tolerance must be finite and >= 0, got nan"),
        ({"examples": 0}, "examples must be >= 1"),
        ({"seconds": 0.0}, "times positive"),
        ({"kinds": ["chess"]}, "kinds must be among"),
    ],
)
def test_options_must_make_sense(options, words):
    with pytest.raises(ValueError, match=words):
        check_bimatrix_solver(ours, **options)
