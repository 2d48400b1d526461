"""Other libraries' solvers, each in a process of its own that a time limit stops, each answer checked.

A library that loops, crashes or returns what is no equilibrium gives a `Solution` whose status and `stats["reason"]`
say so; one that is not installed raises `NotInstalled`.
"""

from solvers.bimatrix.backends._gambit import gambit_enummixed, gambit_enumpure, gambit_lcp, gambit_logit, gambit_lp
from solvers.bimatrix.backends._nashpy import (
    nashpy_lemke_howson,
    nashpy_support_enumeration,
    nashpy_vertex_enumeration,
)
from solvers.bimatrix.backends._pool import NotInstalled
from solvers.bimatrix.backends._quantecon import (
    quantecon_lemke_howson,
    quantecon_support_enumeration,
    quantecon_vertex_enumeration,
)

__all__ = [
    "NotInstalled",
    "gambit_enummixed",
    "gambit_enumpure",
    "gambit_lcp",
    "gambit_logit",
    "gambit_lp",
    "nashpy_lemke_howson",
    "nashpy_support_enumeration",
    "nashpy_vertex_enumeration",
    "quantecon_lemke_howson",
    "quantecon_support_enumeration",
    "quantecon_vertex_enumeration",
]
