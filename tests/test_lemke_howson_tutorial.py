"""The Lemke-Howson tutorial says what it claims to say, also where no other library is installed."""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace

import pytest
from bimatrix_cases import LONG_PATH_LENGTHS, VON_STENGEL
from test_examples import ROOT, rendered
from test_project import script

from solvers.bimatrix import lemke_howson_path
from solvers.bimatrix.backends import _pool
from solvers.core import Status
from verification import certify

TUTORIAL = ROOT / "examples" / "lemke_howson.py"


@pytest.fixture(scope="module")
def tutorial():
    """What the tutorial shows, as one text, and its variables."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        outputs, variables = script(TUTORIAL).app.run()
    return "\n".join([*map(rendered, outputs), printed.getvalue()]), variables


def test_its_equilibria_are_those_of_the_pinned_game(tutorial):
    _, found = tutorial
    assert set(found["everything"].profiles) == set(VON_STENGEL.equilibria)
    assert found["everything"].complete


@pytest.mark.parametrize("label", range(5))
def test_the_slider_shows_the_path_of_its_label(tutorial, label):
    _, found = tutorial
    shown, _ = script(TUTORIAL).the_path.run(game=found["game"], initial=SimpleNamespace(value=label))
    path = lemke_howson_path(found["game"], initial_label=label)
    assert f"The path of label {label} has {len(path) - 1} steps." in rendered(shown)
    assert rendered(shown).count("all there") == 2  # at both ends of the path
    assert rendered(shown).count(f"missing {label}, twice") == len(path) - 2
    assert certify(found["game"], path[-1]).holds


def test_paths_miss_a_component_of_the_tied_game(tutorial):
    shown, found = tutorial
    assert len(found["reached"].profiles) == 1
    assert [component.isolated for component in found["whole"].components] == [False, True]
    assert found["between_certificate"].residual == 0
    assert str(found["between_certificate"]) in shown


def test_exact_answers_are_certified_exactly(tutorial):
    _, found = tutorial
    assert tuple(found["lengths"]) == LONG_PATH_LENGTHS
    assert found["exact_certificate"].holds
    assert found["exact_certificate"].tolerance == 0
    assert len(found["crowd"].profiles) == sum(c.holds for c in found["crowd_certificates"]) == 75


def test_wrong_answers_of_other_libraries_are_shown(tutorial):
    shown, found = tutorial
    small, long = found["checks"]
    assert "Every library is installed" in shown
    for solver in ("gambit_lcp", "quantecon_lemke_howson"):
        assert (small[solver].certified, small[solver].rejected) == (0, 1)
        assert small[solver].reason in shown
    assert long["nashpy_lemke_howson"].solution.status is Status.TIME_LIMIT
    assert (small["lemke_howson"].certified, long["lemke_howson"].certified) == (1, 1)


def test_a_missing_library_is_visible(tutorial, monkeypatch):
    _, found = tutorial
    absent = {"gambit": "gambit_lcp", "nashpy": "nashpy_lemke_howson", "quantecon": "quantecon_lemke_howson"}
    _pool.close()  # what is loaded already would still answer
    for library in absent:
        monkeypatch.setitem(_pool.IMPORTED, library, f"no_such_{library}")
    shown, variables = script(TUTORIAL).other_libraries.run(hard=found["hard"], tiny=found["tiny"])
    assert "Not every library was asked" in rendered(shown)
    for library, solver in absent.items():
        assert f"no_such_{library} is not installed; pip install" in rendered(shown)
        assert all(checked[solver].status == "not run" for checked in variables["checks"])
    assert rendered(shown).count("<strong>not run</strong>") == len(absent) * len(variables["checks"])
    assert all(checked["lemke_howson"].certified == 1 for checked in variables["checks"])


def test_the_referee_beats_every_nash_equilibrium(tutorial):
    _, found = tutorial
    assert found["referee_certificate"].holds
    assert found["correlated"].stats["objective"] == pytest.approx(10.5)
    assert max(found["welfare"]) == pytest.approx(28 / 3)


@pytest.mark.parametrize("payoffs", ["[[2, 0], [0, 1]],\n        [[1, 0], [0, 2]],", "[[0]],\n        [[0]],"])
def test_the_reader_may_change_the_payoffs(tmp_path, payoffs):
    source = TUTORIAL.read_text(encoding="utf-8")
    given = "[[Fraction(1, 2), 0, 2], [1, Fraction(1, 3), 0]],\n        [[0, 1, Fraction(1, 2)], [2, 0, 1]],"
    assert source.count(given) == 1
    changed = tmp_path / "changed.py"
    changed.write_text(source.replace(given, payoffs), encoding="utf-8")
    shown, found = script(changed).your_game.run()
    assert found["your_claim"].complete
    assert all(certificate.holds for certificate in found["your_certificates"])
    assert "holds" in rendered(shown)
