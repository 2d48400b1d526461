"""What became of every record: for people, for scripts, as a page of the documentation and as LaTeX."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verification.errata import PAPERS, Finding, Verdict

if TYPE_CHECKING:
    from rich.console import Console

INTRODUCTION = """\
# Errata of two papers

Every numbered statement of the two papers that this toolkit implements, as printed, with a verdict and a witness:
numbers at which what is printed and what is right differ, or, for a right statement, agree with a computation that does
not use it. This page is written by

```
python -m verification errata --markdown docs/theory/errata.md
```

which recomputes every witness, and fails if one no longer tells the two apart.

- **right**: the same value as an independent derivation
- **wrong**: another value than an independent derivation
- **ambiguous**: the text allows two readings, with different values
- **unspecified**: the text leaves open what its numbers depend on
- **not reproducible**: the paper's number is not what its own model gives

A slip that is carried along, such as a sign or a swap of rows and columns, counts wherever it is printed. The papers
were read as text extracted from their files; where the extraction may be at fault, the record says so.
"""


@dataclass(frozen=True)
class ErrataReport:
    """All findings, in the order of the papers."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def stands(self) -> bool:
        """Whether every witness bears out its verdict."""
        return all(finding.stands for finding in self.findings)

    def json(self) -> Iterator[str]:
        """Pieces of one JSON document."""
        document = {
            "stands": self.stands,
            "counts": self._counts(self.findings),
            "records": [_json(finding) for finding in self.findings],
            "seconds": self.seconds,
        }
        yield json.dumps(document, indent=1, allow_nan=False) + "\n"

    def print(self, console: Console) -> None:
        """A table for each paper, and how many statements are what."""
        from rich.text import Text

        from solvers._tables import show, titled

        for paper, findings in self._by_paper():
            rows = [_row(finding) for finding in findings]
            show(console, *titled(PAPERS[paper], ("where", "states", "verdict", "values", "witness"), rows))
        console.print(Text(_counted(self.findings)))
        failed = [finding for finding in self.findings if not finding.stands]
        for finding in failed:
            record = finding.record
            problem = (
                f"the witness of {record.paper} {record.where}, {record.about}, does not bear out: {record.verdict}"
            )
            console.print(Text(problem, "red"))
        witnesses = {0: "no witness fails", 1: "1 witness fails"}.get(len(failed), f"{len(failed)} witnesses fail")
        console.print(Text(f"{witnesses}; recomputed in {self.seconds:.1f} s"))

    def markdown(self) -> str:
        """The page of the documentation."""
        return "\n".join([INTRODUCTION, *self._sections()])

    def latex(self) -> str:
        """A document to be set by LaTeX."""
        body = "\n".join(line for paper, findings in self._by_paper() for line in _latex_section(paper, findings))
        return LATEX.replace("BODY", body)

    def html(self) -> bytes:
        """A page that needs no network."""
        from verification import _html
        from verification.errata._pictures import pictures

        papers = {paper for paper, _ in self._by_paper()}
        parts = [f"<p>{_html.prose(_counted(self.findings))}.</p>", *pictures(papers)]
        for paper, findings in self._by_paper():
            parts += [f"<h2>{_heading(paper)}</h2>", f"<p>{_html.prose(PAPERS[paper])}.</p>"]
            parts += [f"<p>{_html.prose(_counted(findings))}.</p>"]
            parts += [_html_entry(finding) for finding in findings]
        return _html.page("Errata of two papers", parts)

    def _by_paper(self) -> Iterator[tuple[str, list[Finding]]]:
        for paper in PAPERS:
            findings = [finding for finding in self.findings if finding.record.paper == paper]
            if findings:
                yield paper, findings

    def _counts(self, findings: tuple[Finding, ...]) -> dict[str, int]:
        counted = Counter(str(finding.record.verdict) for finding in findings)
        return {str(verdict): counted[verdict] for verdict in Verdict}

    def _sections(self) -> Iterator[str]:
        for paper, findings in self._by_paper():
            yield f"## {_heading(paper)}\n\n{PAPERS[paper]}.\n\n{_counted(findings)}.\n"
            yield from map(_markdown_entry, findings)


def _heading(paper: str) -> str:
    return {"gfml": "The dual-game paper", "jamming": "The jamming paper"}[paper]


def _counted(findings: Any) -> str:
    counts = Counter(finding.record.verdict for finding in findings)
    return f"{len(findings)} statements: " + ", ".join(f"{counts[v]} {v}" for v in Verdict if counts[v])


# --- values ----------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """The value with six digits.

    Examples
    --------
    >>> shown((1 / 3, True, "apart")), shown({"n": 2})
    ('(0.333333, yes, apart)', 'n = 2')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {shown(item)}" for name, item in value.items())
    if isinstance(value, tuple | list):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return "none" if value is None else str(value)


def _plain(value: Any) -> Any:
    """The value as JSON holds it."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction) or not isinstance(value, str | bool | int | float | None):
        return str(value)
    return value if not isinstance(value, float) or abs(value) < float("inf") else str(value)


def _json(finding: Finding) -> dict[str, Any]:
    record = finding.record
    return {
        "paper": record.paper,
        "where": record.where,
        "about": record.about,
        "says": record.says,
        "verdict": str(record.verdict),
        "instead": record.instead,
        "why": record.why,
        "at": {name: _plain(value) for name, value in record.at.items()},
        "labels": list(record.labels),
        "printed": _plain(finding.printed),
        "correct": _plain(finding.correct),
        "stands": finding.stands,
        "seconds": finding.seconds,
    }


def _row(finding: Finding) -> tuple[Any, ...]:
    from rich.text import Text

    record = finding.record
    values = shown(finding.printed) if record.verdict is Verdict.RIGHT else " | ".join(_values(finding))
    witness = Text("holds", "green") if finding.stands else Text("fails", "red")
    return record.where, _terminal(record.about), Text(str(record.verdict), COLOURS[record.verdict]), values, witness


def _values(finding: Finding) -> Iterator[str]:
    for label, value in zip(finding.record.labels, (finding.printed, finding.correct), strict=True):
        yield f"{label}: {shown(value)}"


def _terminal(text: str) -> str:
    """Formulas without their marks."""
    return re.sub(r"[$`*]", "", text)


HEADS = {Verdict.WRONG: "instead", Verdict.NOT_REPRODUCIBLE: "ours", Verdict.UNSPECIFIED: "known"}
COLOURS = {
    Verdict.RIGHT: "green",
    Verdict.WRONG: "red",
    Verdict.AMBIGUOUS: "yellow",
    Verdict.UNSPECIFIED: "yellow",
    Verdict.NOT_REPRODUCIBLE: "magenta",
}


# --- pages -----------------------------------------------------------------------------------------------------------


def _witness(finding: Finding) -> str:
    numbers = f"at {shown(finding.record.at)}: " if finding.record.at else ""
    if finding.record.verdict is Verdict.RIGHT:
        return f"{numbers}{shown(finding.printed)}, both ways"
    return numbers + "; ".join(_values(finding))


def _lines(finding: Finding) -> Iterator[tuple[str, str]]:
    record = finding.record
    yield "as printed", record.says
    if record.instead:
        yield (
            {Verdict.WRONG: "instead", Verdict.NOT_REPRODUCIBLE: "ours"}.get(record.verdict, "readings"),
            record.instead,
        )
    if record.why:
        yield "why", record.why


def _markdown_entry(finding: Finding) -> str:
    record = finding.record
    lines = [f"### {record.where}: {record.about}", "", f"**{record.verdict}**", ""]
    lines += [f"- {name}: {text}" for name, text in _lines(finding)]
    return "\n".join([*lines, f"- witness: `{_witness(finding).replace('`', '')}`", ""])


def _html_entry(finding: Finding) -> str:
    from html import escape

    from verification import _html

    record = finding.record
    good = {Verdict.RIGHT: True, Verdict.WRONG: False}.get(record.verdict)
    verdict = _html.marked(str(record.verdict), good=good)
    lines = [(name, _html.prose(text)) for name, text in _lines(finding)]
    lines.append(("witness", f"<code>{escape(_witness(finding))}</code>"))
    if not finding.stands:
        lines.append(("", _html.marked("the witness fails", good=False)))
    entries = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in lines)
    return f"<h3>{_html.prose(record.where)}: {_html.prose(record.about)} · {verdict}</h3><dl>{entries}</dl>"


LATEX = r"""\documentclass{article}
\usepackage[a4paper, margin=25mm]{geometry}
\usepackage{amsmath, amssymb}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\title{Errata of two papers}
\date{}
\begin{document}
\maketitle
BODY
\end{document}
"""


def _latex_section(paper: str, findings: list[Finding]) -> Iterator[str]:
    yield rf"\section{{{_heading(paper)}}}"
    yield f"{_latex(PAPERS[paper])}. {_counted(findings)}.\n"
    yield r"\begin{description}"
    for finding in findings:
        record = finding.record
        yield rf"\item[{_latex(record.where)}: {_latex(record.about)} --- {record.verdict}.]"
        yield from (f"{name}: {_latex(text)}\\\\" for name, text in _lines(finding))
        yield f"witness: {_latex(_witness(finding))}"
    yield r"\end{description}"


_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {character: rf"\{character}" for character in "&%#_{}"}
_SIGNS = {
    "−": "$-$",
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "×": r"$\times$",
}


def _latex(text: str) -> str:
    """Text whose `$...$` are formulas, with everything else as LaTeX shows it."""
    parts = re.split(r"(\$[^$]+\$)", text)
    return "".join(part if part.startswith("$") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    plain = re.sub(r"\*\*?([^*]+)\*\*?|`([^`]+)`", lambda found: found[1] or found[2], text)
    return "".join(_SPECIAL.get(character, _SIGNS.get(character, character)) for character in plain)
