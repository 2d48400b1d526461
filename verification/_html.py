"""Pages that need no network: one file with its style, its tables, its formulas in MathML and its pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

from solvers.core import NotSolved

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --pale: #5b6570; --paper: #fff; --line: #d8dee4; --good: #1a7f37; --bad: #cf222e;
  --open: #9a6700; --soft: #f4f6f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6edf3; --pale: #9aa4af; --paper: #0f1419; --line: #30363d; --good: #3fb950; --bad: #f85149;
    --open: #d29922; --soft: #161b22;
  }
}
body {
  font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 72rem; padding: 1.5rem;
}
h1 { font-size: 1.6rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.6rem 0 .3rem; font-size: 1.05rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--pale); font-weight: 600; }
dl { display: grid; grid-template-columns: 7rem 1fr; gap: .2rem 1rem; margin: .3rem 0 1rem; }
dt { color: var(--pale); }
dd { margin: 0; overflow-x: auto; }
code, pre { font: .9em/1.4 ui-monospace, monospace; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.open { color: var(--open); }
figcaption { color: var(--pale); }
figure { margin: 1rem 0; }
figure img { max-width: 100%; background: #fff; }
math { font-size: 1.05em; }
"""
_PIECES = re.compile(r"\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\*(?P<soft>[^*]+)\*")


def page(title: str, parts: Iterable[str]) -> bytes:
    """The whole document.

    Examples
    --------
    >>> page("A title", ["<p>text</p>"])[:15]
    b'<!doctype html>'
    """
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", *parts])
    start = f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>'
    return f"{start}\n<body>\n{body}\n</body></html>\n".encode()


def prose(text: str) -> str:
    """Text whose `$...$` are formulas, with `code`, *soft* and **bold** words.

    Examples
    --------
    >>> prose("a < b, **so**")
    'a &lt; b, <strong>so</strong>'
    """
    pieces, end = [], 0
    for found in _PIECES.finditer(text):
        pieces += [escape(text[end : found.start()]), _piece(found)]
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def _piece(found: re.Match[str]) -> str:
    if found["math"]:
        return formula(found["math"])
    if found["code"]:
        return f"<code>{escape(found['code'])}</code>"
    return f"<strong>{escape(found['bold'])}</strong>" if found["bold"] else f"<em>{escape(found['soft'])}</em>"


def formula(tex: str, *, display: bool = False) -> str:
    """TeX as MathML, which browsers set by themselves.

    Raises
    ------
    NotSolved
        If latex2mathml is not installed.

    Examples
    --------
    >>> formula("x").startswith("<math")
    True
    """
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise NotSolved("a page with formulas needs latex2mathml; install certeq[verification]") from None
    text: str = convert(tex, display="block" if display else "inline")
    return text


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already.

    Examples
    --------
    >>> table(["a"], [["1"]])
    '<div class="wide"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></div>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(picture: bytes, caption: str) -> str:
    """An SVG or PNG picture, inside the page.

    Examples
    --------
    >>> figure(b"<svg/>", "nothing")[:40]
    '<figure><img alt="nothing" src="data:ima'
    """
    kind = "png" if picture.startswith(b"\x89PNG") else "svg+xml"
    data = base64.b64encode(picture).decode()
    source = f"data:image/{kind};base64,{data}"
    return f'<figure><img alt="{escape(caption)}" src="{source}"><figcaption>{prose(caption)}</figcaption></figure>'


def marked(word: str, *, good: bool | None) -> str:
    """A verdict in its colour, which is between the two if it is neither good nor bad.

    Examples
    --------
    >>> marked("holds", good=True)
    '<span class="good">holds</span>'
    """
    kind = {True: "good", False: "bad", None: "open"}[good]
    return f'<span class="{kind}">{escape(word)}</span>'
