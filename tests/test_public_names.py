"""What each package promises: its public names, which need no optional library and are all in the reference."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPTIONAL = {
    *("cvxpy", "distributed", "joblib", "matplotlib", "nashpy", "ortools", "pyarrow", "pygambit", "pyomo", "quantecon"),
    *("coincurve", "eth_abi", "pyrevm", "sklearn", "torch", "web3"),
}
PUBLIC = {
    "models.data": [
        "Dataset",
        "Federation",
        "User",
        "digits",
        "fashion_mnist",
        "federation",
        "label_quantity",
        "load",
        "mnist",
        "openml",
        "read_idx",
        "split",
    ],
    "models.fml": [
        "Diverged",
        "Learning",
        "Network",
        "Samples",
        "Scores",
        "Update",
        "aggregate",
        "batches",
        "embedding",
        "evaluate",
        "initial",
        "local_update",
        "logits",
        "loss",
        "meta_batches",
        "meta_gradient",
        "on_device",
        "personalise",
    ],
    "models.gfml": [
        "FRAMEWORKS",
        "TABLE_THREE",
        "Coalition",
        "CoalitionRule",
        "Devices",
        "Experiment",
        "Formed",
        "Framework",
        "HeadRule",
        "Outcome",
        "Parameters",
        "ResourceRule",
        "Round",
        "Situation",
        "Source",
        "State",
        "Store",
        "Study",
        "Unit",
        "Verdict",
        "coalition_game",
        "contributions",
        "devices",
        "export",
        "fastest_heads",
        "form",
        "incentive_game",
        "orderings",
        "play",
        "random_heads",
        "reputable_heads",
        "round_game",
        "run_all",
        "run_unit",
        "settle",
        "summary",
        "verdicts",
    ],
    "models.jamming": [
        "Condition",
        "JammingModel",
        "Radio",
        "Rates",
        "chase_rates",
        "closed_form",
        "completely_mixed_conditions",
        "hop_rates",
        "jam_rate",
        "jamming_model",
        "logistic",
        "rates",
        "same_channel",
        "strict",
        "threshold",
        "unique",
    ],
    "models.ledger": [
        "Account",
        "Busy",
        "Chain",
        "Check",
        "Corrupted",
        "EmbeddedChain",
        "History",
        "Keys",
        "Ledger",
        "LedgerError",
        "Log",
        "Page",
        "Past",
        "Proof",
        "Receipt",
        "Reverted",
        "RpcChain",
        "Status",
        "Terms",
        "Transaction",
        "Unreachable",
        "Written",
        "encoded",
        "keys_for",
        "made_by",
        "partition_hash",
        "reading",
        "to_fixed",
        "writing",
    ],
    "solvers": ["Game", "InvalidGame", "NotSolved", "Solution", "Status"],
    "solvers.bimatrix": [
        "BatchSolution",
        "BimatrixGame",
        "ClosedForm",
        "Component",
        "CorrelatedGame",
        "EquilibriumComponents",
        "LabelPaths",
        "Profile",
        "RationalMatrix",
        "RationalProfile",
        "completely_mixed",
        "completely_mixed_exact",
        "completely_mixed_symbolic",
        "correlated_equilibrium",
        "equivalent_zero_sum",
        "exact_equilibrium",
        "extreme_equilibria",
        "format_json",
        "format_nfg",
        "from_nashpy",
        "from_pygambit",
        "from_quantecon",
        "lemke_howson",
        "lemke_howson_all",
        "lemke_howson_batch",
        "lemke_howson_exact",
        "lemke_howson_path",
        "load",
        "parse_json",
        "parse_nfg",
        "pure_equilibria",
        "read_json",
        "read_nfg",
        "support",
        "support_enumeration",
        "to_nashpy",
        "to_pygambit",
        "to_quantecon",
        "write_json",
        "write_nfg",
        "zero_sum",
    ],
    "solvers.bimatrix.backends": [
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
    ],
    "solvers.hedonic": [
        "AdditivelySeparableGame",
        "AnonymousGame",
        "BestWorstGame",
        "CallableGame",
        "Deviation",
        "FractionalGame",
        "HedonicGame",
        "HedonicSolution",
        "LabelledGame",
        "NotDecided",
        "Partition",
        "Potential",
        "Prices",
        "Reputation",
        "Speeds",
        "StabilityGame",
        "Switch",
        "Switches",
        "Trajectory",
        "best_response",
        "better_response",
        "deviation",
        "enumerate_stable",
        "exact",
        "format_json",
        "friends_and_enemies",
        "gain_tolerance",
        "least_regret",
        "load",
        "maximal_welfare",
        "parse_json",
        "partitions",
        "potential",
        "prices",
        "random_partition",
        "replay",
        "solve",
        "stability",
        "write_json",
    ],
    "solvers.learning": [
        "CoarseCorrelatedGame",
        "EpsilonGreedy",
        "FictitiousPlay",
        "FixedStrategy",
        "Greedy",
        "History",
        "Orbit",
        "PayoffBased",
        "Proportional",
        "choice_probabilities",
        "fictitious_play",
        "multiplicative_weights",
        "regret_matching",
        "replicator",
        "simulate",
    ],
    "solvers.stackelberg": [
        "Case",
        "CaseTable",
        "Comparison",
        "Constraint",
        "Declaration",
        "Excluded",
        "Greatest",
        "Least",
        "Mean",
        "Obligation",
        "Profile",
        "StackelbergGame",
        "Total",
        "best_response",
        "bisection",
        "bounded",
        "bundled",
        "compare",
        "convex_best_response",
        "derive",
        "load",
        "prove",
        "solve",
        "solve_each",
    ],
    "solvers.stochastic": [
        "Exploitability",
        "MarkovChain",
        "MarkovGame",
        "StationaryProfile",
        "StochasticGame",
        "SwitchingGame",
        "exploitability",
        "markov_chain",
        "markov_perfect",
        "stage_equilibria",
    ],
    "verification": ["Certificate", "certify"],
    "verification.check": ["BadCertificate", "Checked", "Verdict", "check"],
    "verification.errata": ["PAPERS", "Finding", "Record", "Verdict", "examine", "records"],
    "verification.properties": [
        "FAMILIES",
        "Attempt",
        "Failure",
        "Property",
        "Tried",
        "attempt",
        "properties",
        "run",
    ],
}
FAMILIES = [package for package in PUBLIC if package.startswith("solvers.")]


def packages() -> list[str]:
    """Every package of the distribution."""
    found = [file for layer in ("solvers", "models", "verification") for file in (ROOT / layer).rglob("__init__.py")]
    return sorted(".".join(file.parent.relative_to(ROOT).parts) for file in found)


def test_every_package_with_public_names_is_pinned() -> None:
    assert {name for name in packages() if hasattr(importlib.import_module(name), "__all__")} == set(PUBLIC)
    assert {name for name in packages() if name.startswith("solvers.")} == set(FAMILIES)


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_are_the_pinned_ones_in_order(package: str) -> None:
    names = importlib.import_module(package).__all__
    assert names == PUBLIC[package]
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name))  # constants first


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in PUBLIC for name in PUBLIC[package] if not name.isupper()],  # not of constants
)
def test_a_public_name_is_the_thing_of_that_name(package: str, name: str) -> None:
    found = getattr(importlib.import_module(package), name)
    assert found.__name__ == name
    assert found.__doc__


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_load_no_optional_library(package: str) -> None:
    program = f"import sys; from {package} import *; print(*({OPTIONAL!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", FAMILIES)
def test_the_reference_page_of_a_family_has_each_public_name(package: str) -> None:
    page = ROOT / "docs" / "reference" / f"{package.removeprefix('solvers.').replace('.', '-')}.md"
    listed = re.findall(r"^\.\. auto(?:class|function|exception|data):: (\w+)$", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == PUBLIC[package]
