"""Side-by-side measurements; not part of the distribution and not collected by the tests."""
