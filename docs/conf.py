import re
import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

project = "certeq"
author = copyright = "certeq contributors"
version = release = installed("certeq")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
exclude_patterns = ["_build"]
default_role = "code"  # single backquotes in docstrings

html_theme = "furo"
html_title = f"certeq {version}"

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = False


def keep_bars(*arguments):
    """Docstrings write |x| for an absolute value, where reStructuredText would look for a substitution."""
    *_, lines = arguments
    in_example = False
    for k, line in enumerate(lines):
        in_example = line.strip() != "" and (in_example or line.lstrip().startswith(">>>"))
        if not in_example:
            lines[k] = re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or r"\|", line)


def setup(app):
    app.connect("autodoc-process-docstring", keep_bars)
