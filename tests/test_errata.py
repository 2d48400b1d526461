"""The records of both papers: complete, recomputed, told apart, and shown as they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sympy as sp

from verification.errata import PAPERS, Finding, Record, Verdict, examine, records
from verification.errata import _command as command
from verification.errata._record import UNDEFINED, Undefined, close, log
from verification.errata._report import ErrataReport, shown

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "theory" / "errata.md"
NUMBERED = {
    "gfml": [
        *(f"({k})" for k in range(1, 41)),
        *(f"Proposition {k}" for k in (1, 2, 3)),
        *("Algorithm 1", "Algorithm 2", "Table I", "Table II", "Table III"),
        *(f"Definition {k}" for k in range(1, 9)),
    ],
    "jamming": [*(f"({k})" for k in range(1, 21)), "Algorithm 1", "Algorithm 2", "Figure 1", "Figure 2"],
}
FINDINGS = [examine(record) for record in records()]
REPORT = ErrataReport(tuple(FINDINGS), 1.0)


def made(**changes: object) -> Record:
    """A record of a square."""
    x = sp.Symbol("x")
    facts = {"paper": "gfml", "where": "(0)", "about": "a square", "says": "$2x$", "verdict": Verdict.WRONG}
    return Record(**{**facts, "printed": 2 * x, "correct": lambda x: x * x, "at": {"x": 3}, **changes})


# --- the records -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", PAPERS)
def test_every_numbered_statement_has_a_record(paper):
    known = {record.where for record in records(paper)}
    assert [number for number in NUMBERED[paper] if number not in known] == []


def test_there_are_records_of_every_verdict():
    assert len(FINDINGS) >= 200
    assert {record.verdict for record in records()} == set(Verdict)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda f: f"{f.record.paper} {f.record.where} {f.record.about}")
def test_every_witness_bears_out_its_verdict(finding):
    assert finding.stands, (finding.printed, finding.correct)


@pytest.mark.parametrize("record", records(), ids=lambda r: f"{r.paper} {r.where} {r.about}")
def test_every_record_says_what_it_is_about(record):
    assert record.says
    assert record.where
    assert bool(record.instead) == (record.verdict is not Verdict.RIGHT) or record.verdict is Verdict.UNSPECIFIED
    for text in (record.says, record.instead, record.why, record.about):
        assert text.count("$") % 2 == 0
        assert "|" not in text


def test_no_two_records_state_the_same():
    places = [(record.paper, record.where, record.about) for record in records()]
    assert len(set(places)) == len(places)


def test_formulas_can_be_set_as_mathml():
    from latex2mathml.converter import convert

    texts = [text for r in records() for text in (r.says, r.instead, r.why)]
    formulas = [formula for text in texts for formula in re.findall(r"\$([^$]+)\$", text)]
    assert len(formulas) > 300
    for formula in formulas:
        assert "\\" not in re.sub(r"<[^>]*>", "", convert(formula)), formula  # a command it does not know stays


# --- what a witness shows --------------------------------------------------------------------------------------------


def test_a_witness_that_no_longer_separates_fails():
    assert examine(made()).stands
    assert not examine(made(at={"x": 2})).stands
    assert not examine(made(at={"x": 2 + 1e-8})).stands  # neither the same nor clearly apart
    assert examine(made(at={"x": 2}, verdict=Verdict.RIGHT)).stands
    assert not examine(made(at={"x": 2 + 1e-8}, verdict=Verdict.RIGHT)).stands


def test_what_is_not_defined_is_a_value_of_the_print_only():
    finding = examine(made(printed=lambda x: log(x - 3)))
    assert (finding.printed, finding.stands) == (UNDEFINED, True)
    assert not examine(made(correct=lambda x: 1 / (x - 3))).stands
    assert examine(made(printed=sp.log(sp.Symbol("x") - 3))).printed == UNDEFINED
    assert examine(made(printed=lambda x: float("nan"))).printed == UNDEFINED
    with pytest.raises(Undefined, match="log of -1"):
        log(-1)


def test_mistakes_in_a_record_are_not_taken_for_a_witness():
    with pytest.raises(TypeError, match="numbers, truths and words"):
        examine(made(printed=lambda x: object()))
    with pytest.raises(ValueError, match="oops"):
        examine(made(printed=lambda x: (_ for _ in ()).throw(ValueError("oops"))))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ((1, 2), (1, 2 + 1e-12), True),
        ((1,), 1, False),
        ("a", "a", True),
        (0, 1e-13, True),
    ],
)
def test_values_are_compared_by_kind(a, b, same):
    assert close(a, b, 1e-9, 1e-12) is same


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_the_page_of_the_documentation_is_the_one_that_is_generated():
    text = PAGE.read_text(encoding="utf-8")
    assert text == REPORT.markdown(), "write it anew: python -m verification errata --markdown docs/theory/errata.md"


def test_the_page_in_html_needs_no_network():
    page = REPORT.html().decode()
    assert page.count("<math") > 500
    assert page.count("data:image/svg+xml;base64") == 4
    assert page.count("<h3>") == len(FINDINGS)
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)


def test_latex_has_a_balanced_item_for_every_record():
    text = REPORT.latex()
    assert text.count(r"\item[") == len(FINDINGS)
    for opened, closed in ((r"\begin{", r"\end{"), ("{", "}")):
        plain = re.sub(r"\\[{}]", "", text)
        assert plain.count(opened) == plain.count(closed)


def test_values_are_shown_with_six_digits():
    assert shown(1234567.0) == "1.23457e6"
    assert shown(1e-7) == "1e-07".replace("e-0", "e-")
    assert shown({"a": (1, True), "b": None}) == "a = (1, yes), b = none"


def test_json_holds_every_record(capsys):
    assert command.main(["--paper", "jamming", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stands"] is True
    assert len(document["records"]) == len(records("jamming")) == sum(document["counts"].values())


def test_a_failing_witness_is_exit_status_1(monkeypatch, capsys):
    broken = replace(
        records("jamming")[0], about="that it fails", verdict=Verdict.NOT_REPRODUCIBLE, printed=lambda **_: 1
    )
    monkeypatch.setattr(command, "records", lambda *_: (replace(broken, correct=lambda **_: 1),))
    assert command.main([]) == 1
    out = capsys.readouterr().out
    assert "that it fails" in out
    assert "1 witness fails" in out


def test_tables_name_every_statement(capsys):
    assert command.main(["--paper", "gfml"]) == 0
    out = capsys.readouterr().out
    assert "Proposition 3" in out
    assert "no witness fails" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--paper", "other"], "invalid choice: 'other'"),
        (["--html", "no/such/folder/page.html"], "must be a file in a folder that can be written"),
        (["--json", "e.json", "--latex", "e.json"], "a file of its own"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys):
    assert command.main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_paper_must_be_known():
    with pytest.raises(ValueError, match="paper must be among gfml, jamming, got 'x'"):
        records("x")


def test_records_need_neither_kernels_nor_learning():
    code = "import sys; from verification.errata import examine, records; [examine(r) for r in records()]; "
    code += "print([m for m in ('numba', 'torch', 'cvxpy', 'ortools') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_findings_are_equal_when_computed_again():
    again = [examine(finding.record) for finding in FINDINGS]
    assert [(f.printed, f.correct) for f in again] == [(f.printed, f.correct) for f in FINDINGS]
    assert all(isinstance(finding, Finding) for finding in again)
