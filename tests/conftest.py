import importlib
import os

from hypothesis import HealthCheck, settings

from models.ledger._web3 import same_recursion_limit

os.environ["MPLBACKEND"] = "Agg"

# OR-Tools and the highspy that CVXPY loads each bring a libhighs; whichever is second fails to load.
importlib.import_module("ortools.sat.python.cp_model")

# It raises the limit of recursion, with which nested JSON, that other tests have refused, kills the process.
with same_recursion_limit():
    importlib.import_module("web3")

# A compiled kernel's first call takes seconds, and says nothing about the property.
settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), max_examples=200, derandomize=True)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# For properties that are checked by brute force over all partitions of a game.
fewer = settings(max_examples=max(25, settings.default.max_examples // 4))
