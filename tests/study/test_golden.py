"""The whole way from readings to figures gives what it gave before; `make regold` shows and keeps a change."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattflock.study.build import build

pytestmark = pytest.mark.study
golden = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("regold.py"))))


@pytest.fixture(scope="module")
def scenario():
    return golden.golden_scenario()


@pytest.fixture(scope="module")
def built(scenario):
    return build(scenario)


@pytest.fixture(scope="module")
def policies(scenario, built):
    return golden.policies(scenario, built)


@pytest.fixture(scope="module")
def found(scenario, built, policies):
    return golden.measure(scenario, built, policies)


@pytest.fixture(scope="module")
def expected():
    return json.loads(golden.EXPECTED.read_text())


def test_the_golden_run_is_as_it_was(found, expected):
    assert golden.differences(found, expected) == []


def test_the_golden_test_can_fail(scenario, built, policies, expected):
    """A battery that is one per cent less efficient is noticed."""
    rules = {"rules": policies["rules"]}
    worse = golden.measure(scenario, golden.perturbed(built), rules)
    lines = golden.differences(worse, {"rules": expected["rules"]})
    assert any("cost_per_home_day" in line for line in lines)


def test_a_difference_is_told(expected):
    assert golden.differences(expected, expected) == []
    dearer = json.loads(json.dumps(expected))
    dearer["idle"]["cost_per_home_day"] *= 1 + 1e-5
    (line,) = golden.differences(dearer, expected)
    assert "idle" in line
    assert "cost_per_home_day" in line
    assert len(golden.differences({}, expected)) == sum(map(len, expected.values()))


def test_the_uncontrolled_case_is_plausible(expected):
    """It violates, costs some dollars a day, and rules spend less than nobody at all."""
    idle, rules, gradmap = (expected[name] for name in ("idle", "rules", "gradmap"))
    assert idle["violated_share"] > 0.01
    assert 1 < idle["cost_per_home_day"] < 15
    assert rules["cost_per_home_day"] < idle["cost_per_home_day"]
    assert gradmap["violation_pu_h"] != idle["violation_pu_h"]
