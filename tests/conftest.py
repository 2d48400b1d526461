import os

from hypothesis import HealthCheck, settings

os.environ["MPLBACKEND"] = "Agg"

# A compiled kernel's first call takes seconds, and says nothing about the property.
settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), max_examples=200, derandomize=True)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
