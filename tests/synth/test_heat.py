"""Laws of the demand for heat, and of the fit that finds homes that heat with electricity."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.synth.heat import Heat, cop, fit_heat, flow_c

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the measured sets are not beside the project")
KEY = jax.random.key(0)
HEAT = Heat.example()


@pytest.fixture(scope="module")
def homes():
    """2,000 homes."""
    return jax.jit(jax.vmap(HEAT.home))(jax.random.split(KEY, 2000))


@jax.jit
def asked(homes, outdoor_c):
    keys = jax.random.split(jax.random.key(1), homes.balance_c.shape[0])
    return jax.vmap(lambda home, key: HEAT.demand(home, outdoor_c, None, key))(homes, keys)


def test_homes_are_spread_as_published(homes):
    """Median 198 W/°C of metered energy, 85 % of it heat, standard deviation 119; balance 15.2 ± 2.3 °C."""
    assert abs(float(jnp.median(homes.loss_kw_per_c)) - 0.168) < 0.008
    assert abs(float(homes.loss_kw_per_c.std()) - 0.85 * 0.119) < 0.02
    assert abs(float(jnp.median(homes.balance_c)) - 15.2) < 0.2 and abs(float(homes.balance_c.std()) - 2.3) < 0.3


def test_colder_asks_for_more_and_warm_days_for_nothing(homes):
    days = [asked(homes, jnp.full(24, outdoor_c)) for outdoor_c in (-10.0, 0.0, 8.0, 30.0)]
    means = [float(day.mean()) for day in days]
    assert means[0] > means[1] > means[2] > 0 and float(days[3].max()) == 0
    assert all(bool((day >= 0).all()) for day in days)


def test_a_degree_costs_what_the_house_loses(homes):
    """Below every balance temperature a degree adds the loss of the house, on average."""
    more = asked(homes, jnp.full(24, -6.0)).mean(1) - asked(homes, jnp.full(24, -5.0)).mean(1)
    assert abs(float((more / homes.loss_kw_per_c).mean()) - 1) < 0.02


@pytest.mark.study
def test_the_set_back_moves_heat_and_does_not_lose_any(homes):
    assert jnp.allclose(homes.rhythm_c.mean(1), 0, atol=1e-5)
    profile = asked(homes, jnp.full(24, 0.0)).mean(0)
    assert profile[7:9].min() > profile.mean() > profile[:4].max()


@pytest.mark.study
def test_sun_on_the_windows_saves_heat(homes):
    home, demand = jax.tree.map(lambda x: x[0], homes), eqx.filter_jit(HEAT.demand)
    dark, bright = (demand(home, jnp.zeros(24), jnp.full(24, sun), KEY).sum() for sun in (0.0, 0.2))
    usual = demand(home, jnp.zeros(24), None, KEY).sum()
    assert dark > usual > bright


def test_the_same_key_is_the_same_home():
    one, same, other = (eqx.filter_jit(HEAT.home)(jax.random.key(seed)).loss_kw_per_c for seed in (3, 3, 4))
    assert one == same != other


def test_cop_of_the_generic_heat_pump():
    """Known from the hplib row: its reference point, -7 °C outdoors and 52 °C flow, is 1.41; more lift costs more."""
    assert abs(float(cop(-7.0, 52.0)) - 1.41) < 0.01
    assert cop(7.0, 35.0) > cop(2.0, 35.0) > cop(2.0, 45.0) and cop(-40.0, 60.0) == 1
    assert 30 - 2 < flow_c(18.0) < flow_c(0.0) < flow_c(-20.0) <= 55


def test_the_fit_finds_planted_homes():
    rng = np.random.default_rng(0)
    outdoor_c = np.broadcast_to(10 + 8 * np.cos(np.arange(365) / 58)[:, None] + rng.normal(0, 2, (365, 1)), (365, 24))
    loss, balance = np.array([0.1, 0.0])[:, None, None], 14.0
    load_kw = 0.4 + loss * np.maximum(balance - outdoor_c, 0)[None] + rng.normal(0, 0.2, (2, 365, 24))
    load_kw[0, 5, 3] = np.nan
    found = fit_heat(load_kw, outdoor_c)
    assert abs(found["loss_kw_per_c"][0] - 0.1) < 0.01 and abs(found["balance_c"][0] - 14) < 1
    assert found["fit"][0] > 0.9 and found["fit"][1] < 0.1


@needs_data
@pytest.mark.study
def test_hplib_is_as_cited():
    table = pl.read_csv(SHARED / "heat_pumps" / "hplib_database.csv.gz")
    row = table.filter((pl.col("Manufacturer") == "Generic") & (pl.col("Group") == 1)).row(0, named=True)
    slope = row["p1_COP [-]"] + row["p4_COP [-]"]
    assert abs(float(cop(6.0, 40.0)) - (slope * 6 + row["p2_COP [-]"] * 40 + row["p3_COP [-]"])) < 1e-4


@needs_data
@pytest.mark.study
def test_london_homes_that_heat_with_electricity(homes):
    """The few that do lose less than the published median (flats, a room or two) and balance where it says."""
    folder = SHARED / "london_load_2013"
    keep = pl.read_csv(folder / "homes.csv").filter((pl.col("stdorToU") == "Std") & (pl.col("coverage") >= 0.99))
    load = pl.read_parquet(folder / "load_kwh_halfhour.parquet").select(keep["home"].to_list())
    load_kw = load.to_numpy().T.reshape(keep.height, 365, 24, 2).sum(-1)
    celsius = pl.read_parquet(folder / "temperature_and_price.parquet")["temp_c_london_city_airport"]
    outdoor_c = celsius.to_numpy().astype(float).reshape(365, 24, 2).mean(-1)
    found = fit_heat(load_kw, outdoor_c)
    electric = (found["fit"] > 0.5) & (found["loss_kw_per_c"] > 0.03)
    assert 5 <= electric.sum() <= 12
    assert 0.03 < np.median(found["loss_kw_per_c"][electric]) < 0.2
    assert abs(np.median(found["balance_c"][electric]) - 15.2) < 2.3
    year = np.stack([asked(homes, jnp.asarray(day, jnp.float32)).sum(1) for day in outdoor_c]).sum(0)
    assert 5_000 < np.median(year) < 11_000, "kWh of heat, a British home's"
