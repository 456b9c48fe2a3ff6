"""A home for other programs: a scenario that loads, EMHASS' keys and lengths, evcc's paths; and the commands."""

import json
import re
import shlex
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.assistant import dialogue
from wattflock.assistant.plan.climate import region_of, typical
from wattflock.assistant.plan.exports import emhass, evcc, scenario
from wattflock.assistant.plan.parameters import of_slots
from wattflock.core.scenario import load
from wattflock.report import html
from wattflock.sources.california import California
from wattflock.study.build import build
from wattflock.verbs import GROUPS, VERBS, planning

PAGE = Path(__file__).parents[2] / "docs" / "plan-my-home.md"
BASH = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)
VALUES = {
    "city": "San Diego", "ev_battery_kwh": 60, "ev_charger_kw": 7, "pv_peak_kw": 4, "home_battery_kwh": 9,
    "appliance_earliest_start": "10:00", "appliance_latest_end": "16:00", "appliance_duration_min": 90,
    "date_start": "2024-03-30", "date_end": "2024-03-31",
}  # fmt: skip
EMHASS = {  # keys of docs/passing_data.md
    "prediction_horizon", "soc_init", "soc_final", "pv_power_forecast", "load_power_forecast", "load_cost_forecast",
    "prod_price_forecast", "number_of_deferrable_loads", "nominal_power_of_deferrable_loads",
    "operating_hours_of_each_deferrable_load", "start_timesteps_of_each_deferrable_load",
    "end_timesteps_of_each_deferrable_load", "treat_deferrable_load_as_semi_cont",
    "set_deferrable_load_single_constant", "battery_minimum_state_of_charge", "battery_maximum_state_of_charge",
    "battery_charge_power_max", "battery_discharge_power_max", "optimization_time_step",
}  # fmt: skip


def wattflock(*words: object, said: str | None = None):
    return CliRunner(env={"COLUMNS": "200"}).invoke(make_app(VERBS, GROUPS), list(map(str, words)), input=said)


def test_the_home_joins_a_flock(tmp_path):
    file = tmp_path / "home.toml"
    file.write_text(scenario(of_slots(VALUES)), encoding="utf-8")
    checked = load(file)
    built = build(checked)
    assert checked.homes.count == len(built.kinds) == 20
    mine = built.kinds.index("my home")
    fleet = built.world.fleet.devices
    assert float(fleet["ev"].size_kwh[mine]) == 60 and float(fleet["battery"].size_kwh[mine]) == 9
    assert float(fleet["appliance"].need_kwh[mine]) == 1.5 and float(fleet["heat_pump"].low_c[mine]) == 18
    assert set(np.unique(built.readings.import_price_per_kwh)) == {0.21, 0.54}


def test_emhass_gets_its_keys_with_a_value_for_each_step():
    told = json.loads(emhass(of_slots(VALUES)))
    assert set(told) == EMHASS
    steps = told["prediction_horizon"]
    assert steps == 2 * 48 + 16
    for name in ("pv_power_forecast", "load_power_forecast", "load_cost_forecast", "prod_price_forecast"):
        assert len(told[name]) == steps
    assert told["number_of_deferrable_loads"] == 4
    assert told["nominal_power_of_deferrable_loads"] == [7000, 7000, 1000, 1000]
    assert told["operating_hours_of_each_deferrable_load"][0] == pytest.approx(0.4 * 60 / 0.92 / 7, abs=0.01)
    assert told["start_timesteps_of_each_deferrable_load"] == [36, 84, 20, 68]
    assert told["end_timesteps_of_each_deferrable_load"] == [64, 112, 32, 80]


def test_evcc_gets_levels_and_energies_by_the_local_clock():
    told = json.loads(evcc(of_slots({**VALUES, "city": "Oxford"})))
    first, second = told["plans"]
    assert first["by_level"] == "POST /api/vehicles/{name}/plan/soc/80/2024-03-31T08:00:00+01:00"  # summer time begins
    assert second["by_energy"] == "POST /api/loadpoints/{id}/plan/energy/26.1/2024-04-01T08:00:00+01:00"
    (repeats,) = told["repeating"]["body"]
    assert repeats == {"active": True, "soc": 80, "time": "08:00", "tz": "Europe/London", "weekdays": [0, 1]}
    winter = json.loads(
        evcc(of_slots({**VALUES, "city": "San Diego", "date_start": "2024-01-08", "date_end": "2024-01-08"}))
    )
    assert winter["plans"][0]["leaves"] == "2024-01-09T08:00:00-08:00"


def test_the_table_of_climates_is_that_of_the_bundled_regions():
    readings = California(colder_c=0.0).read()
    july = readings.month == 7
    table = typical("california")
    np.testing.assert_allclose(table.outdoor_c[6], readings.outdoor_c[july].mean(0), atol=0.051)
    np.testing.assert_allclose(table.sun_kw_per_kwp[6], readings.sun_kw_per_kwp[july].mean((0, 2)), atol=6e-4)
    assert [region_of(city) for city in ("Oxford", "Berlin", "Phoenix", "nowhere")] == [
        "london", "london", "california", "london",
    ]  # fmt: skip
    assert 3 < typical("london").outdoor_c[0].mean() < 8 and 15 < typical("london").outdoor_c[6].mean() < 21


class Eve(date):
    """The day before the plan that the page shows."""

    @classmethod
    def today(cls) -> date:
        return date(2024, 5, 2)


@pytest.mark.study
def test_every_command_of_the_page_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dialogue, "date", Eve)  # the day that the page shows
    monkeypatch.setattr(html, "_bundle", lambda: "")  # the library that draws takes seconds to be bundled
    printed = []
    for line in re.findall(
        r"^wattflock (.*)$", "\n".join(BASH.findall(PAGE.read_text(encoding="utf-8"))), re.MULTILINE
    ):
        words = shlex.split(line)
        if words[0] == "compare":  # the scenario is built above; a comparison takes a minute
            continue
        done = wattflock(*words, said="" if "--resume" in words else "it holds 60 kWh\n")
        assert done.exit_code == 0, (line, done.output)
        printed.append(done.output)
    chatted, planned = printed[1:3]
    assert "kept in home.json" in chatted and "Taken as usual" in chatted
    shown = PAGE.read_text(encoding="utf-8").split("```\nYour plan\n")[1].split("```")[0]
    assert shown in planned
    assert (
        Path("plan.csv").read_text().startswith("begins,") and "A plan for your home" in Path("plan.html").read_text()
    )
    assert tomllib.loads(Path("home.toml").read_text())["homes"]["count"] == 20
    assert (
        set(json.loads(Path("emhass.json").read_text())) <= EMHASS
        and json.loads(Path("evcc.json").read_text())["plans"]
    )
    facts = json.loads(wattflock("assistant", "plan", "home.json", "--json").output)
    assert facts["cost"] <= facts["timer_cost"] <= facts["usual_cost"]
    assert facts["saving"] == pytest.approx(facts["usual_cost"] - facts["cost"])


def test_a_spreadsheet_runs_no_name_of_an_appliance(tmp_path):
    wishes = [{"name": "=1+1", "duration_min": 60.0}]
    planning.write_table(planning.planned_for(of_slots({"ev_count": 0}, {"appliances": wishes})), tmp_path / "plan.csv")
    names = (tmp_path / "plan.csv").read_text().partition("\n")[0].split(",")
    assert "'=1+1_kw" in names and not any(name.startswith("=") for name in names)


def test_every_fault_of_a_command_is_said_at_once(tmp_path):
    (tmp_path / "home.json").write_text("{}")
    refused = wattflock("assistant", "plan", tmp_path / "home.json", "--out", "plan.txt", "--horizon", 3)
    assert refused.exit_code == 2
    assert "12 to 168 h" in refused.output and ".csv, .json" in refused.output
    assert "not a saved conversation" in wattflock("assistant", "plan", tmp_path / "home.json").output
    unknown = wattflock("assistant", "export", tmp_path / "home.json", "--to", "evc")
    assert unknown.exit_code == 2 and "did you mean 'evcc'?" in unknown.output
