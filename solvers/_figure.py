"""Pictures without pyplot: which formats there are, and a figure as a file's content."""

from __future__ import annotations

import importlib.util
import io
import warnings
from pathlib import Path
from typing import Any

from solvers._messages import one_line
from solvers.core import InvalidGame

FORMATS = (".png", ".svg", ".pdf")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")  # Okabe and Ito
ACCENT = "#D55E00"  # what the eye should find first


def check_format(path: Path) -> None:
    """Refuses a file name whose picture format is not known, and says what to install where nothing can draw.

    Raises
    ------
    InvalidGame
        If the suffix is not one of .png, .svg, .pdf, or matplotlib is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise InvalidGame(f"--plot must end in {', '.join(FORMATS)}, got {path.name}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InvalidGame("pictures need matplotlib: install certeq[plot]")


def new_figure(width: float, height: float) -> Any:
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def encoded(figure: Any, suffix: str) -> bytes:
    """The figure as the content of a file that ends in `suffix`."""
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in another script is drawn as boxes
        figure.savefig(content, format=suffix.lstrip(".").lower())
    return content.getvalue()


def cycled(count: int) -> list[str]:
    """So many colours, from the start again where they run out."""
    return [COLOURS[k % len(COLOURS)] for k in range(count)]


def drawn_text(text: str, length: int = 80) -> str:
    """The user's text, cut, with nothing that is taken for a formula, a line end, or a line without a legend."""
    shown = one_line(text, length).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown
