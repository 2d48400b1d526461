"""Each planted fault is noticed by the property that is there for it, which holds of the same examples without it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from planted_faults import FAULTS, ROOT, planted

LEAST = 60
FAMILIES = {"bimatrix", "stackelberg", "hedonic", "gfml", "jamming", "stochastic"}


@pytest.fixture(scope="module")
def answers() -> list[dict[str, object]]:
    """What the properties say with each fault, and then without any."""
    command = [sys.executable, "tests/planted_faults.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def said(answers) -> dict[int, object]:
    """What is said of each fault."""
    return {answer["fault"]: answer["said"] for answer in answers if "fault" in answer}


def test_there_are_enough_faults_of_different_kinds_in_all_families():
    assert len(FAULTS) >= LEAST
    assert len({fault.kind for fault in FAULTS}) >= 20
    assert len({(fault.module, fault.right, fault.wrong) for fault in FAULTS}) == len(FAULTS)
    assert {fault.noticed_by.split("-")[0] for fault in FAULTS} == FAMILIES


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.noticed_by}: {fault.kind} in {fault.module}")
def test_the_fault_is_in_the_source_and_noticed(fault, said):
    assert planted(fault)
    assert said[FAULTS.index(fault)], f"{fault.noticed_by} holds in spite of {fault}"


def test_without_a_fault_the_same_properties_hold_of_the_same_examples(answers):
    controls = {answer["control"]: answer["said"] for answer in answers if "control" in answer}
    assert controls == dict.fromkeys((fault.noticed_by for fault in FAULTS), "")
