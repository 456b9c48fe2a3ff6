"""Laws of the sun, of the sky that neighbours share, and of the fits; and the sky of California beside the real one."""

import datetime
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import wasserstein_distance

from wattflock.core.types import on_device
from wattflock.data.calendar import When, calendar
from wattflock.synth import bundle, sun
from wattflock.synth.cloud_fit import LEVELS as CLOUD_LEVELS
from wattflock.synth.cloud_fit import as_bright, fit_clouds, hourly_clear
from wattflock.synth.sky import MeasuredWeather, PanelTraits, Sky
from wattflock.synth.sky_fit import (
    FONTANA,
    GERMANY,
    LONDON,
    LONDON_FLAT_KW_PER_M2,
    LOS_ANGELES,
    NAMES,
    PanelLight,
    Panels,
    Weather,
    clearness_of,
    fit_abroad,
    fit_local,
    fit_panel,
    fit_sky,
    stated_panels,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the measured sets are not beside the project")
HELD_OUT = ("B04", "B09", "B16")
KINDS, LEVELS = 3, np.array([0.0, 0.5, 1.0])
START = jnp.zeros(()), jnp.zeros(1)
STEPS = (24, 48, 96, 288)
BEAM = {"clearness": np.array([0.0, 0.4, 1.0]), "share": np.array([0.0, 0.02, 0.9])}


@eqx.filter_jit
def panels_of(sky: Sky, key, count: int) -> PanelTraits:
    return jax.vmap(sky.panel)(jax.random.split(key, count))


@eqx.filter_jit
def first_day(sky: Sky, when: When, key, measured: MeasuredWeather | None = None):
    """`Outside` of a first day."""
    return sky.day(START, when, key, measured)[1]


@eqx.filter_jit
def power_of(sky: Sky, panel: PanelTraits, outside):
    return sky.sun(panel, outside, jax.random.key(0), 24)


def one_day(date: datetime.date, zone: str = "UTC") -> When:
    return jax.tree.map(lambda x: jnp.asarray(x[0]), calendar(date, 1, zone))


@pytest.fixture(scope="module")
def sky() -> Sky:
    """A made-up sky over London."""
    rng = np.random.default_rng(0)
    clouds = {
        "keep": np.array(0.4),
        "days": np.tile([0.1, 0.6, 1.0], (12, 1)),
        "best": np.ones(12),
        "levels": LEVELS,
        "edges": np.tile([0.4, 0.8], (2, 1)),
        "hours": np.tile([0.2, 0.6, 1.0], (2, KINDS, 24, 1)),
        "patterns": 0.3 * rng.standard_normal((2, KINDS, 2, 24)).clip(-2, 2),
        "rest": np.full((2, KINDS, 24), 0.5),
    }
    season = np.zeros((7, 24))
    season[0], season[1] = 10 + 3 * np.sin(np.arange(24) / 4), -6
    warmth = {
        "season": season,
        "patterns": np.ones((1, 24)),
        "keep": np.array([[0.7]]),
        "follow": np.array([0.5]),
        "draw": np.array([[1.0]]),
    }
    local = {"jump": np.array([0.0, 0.3]), "hour": np.array([0.02, 0.1]), "day": np.array(0.02)}
    return on_device(Sky(LONDON, clouds, BEAM, warmth, stated_panels(), local), "float32")


def year_of(sky: Sky, key, traits: PanelTraits, when: When):
    """Power (days, homes, 24), temperature and clearness (days, 24) of the region's days."""
    homes = traits.gain.shape[0]

    def day(state, given):
        one, key = given
        state, outside = sky.day(state, one, key)
        keys = jax.random.split(jax.random.fold_in(key, 1), homes)
        power = jax.vmap(lambda panel, key: sky.sun(panel, outside, key, 24))(traits, keys)
        return state, (power, outside.outdoor_c, outside.clearness)

    days = when.year_part.shape[0]
    return jax.lax.scan(day, sky.begin(key), (when, jax.random.split(key, days)))[1]


def test_declination_at_the_solstices_and_equinoxes():
    """Known: 23.45 degrees on 21 June, -23.45 on 21 December, near zero on 20 March."""
    dates = ((6, 21, 23.45, 0.1), (12, 21, -23.45, 0.1), (3, 20, 0.0, 0.6))
    for month, day, expected, near in dates:
        part = one_day(datetime.date(2027, month, day)).year_part
        assert abs(float(jnp.rad2deg(sun.declination_rad(part))) - expected) < near


def test_equation_of_time_at_its_extremes():
    """Known: 16.4 minutes on 3 November, -14.2 on 11 February."""
    for month, day, expected in ((11, 3, 16.4), (2, 11, -14.2)):
        part = one_day(datetime.date(2027, month, day)).year_part
        assert abs(float(sun.equation_of_time_h(part)) * 60 - expected) < 0.4


def through_the_day(when: When) -> np.ndarray:
    """Towards the sun over London at each minute (1440, 3)."""
    return np.asarray(jax.jit(lambda one: sun.sun_vector(LONDON, one, jnp.arange(0, 24, 1 / 60)))(when))


@pytest.mark.parametrize(("date", "elevation_deg", "day_h"), [((6, 21), 61.9, 16.4), ((12, 21), 15.1, 7.65)])
def test_the_sun_over_london(date, elevation_deg, day_h):
    """Noon at 90 - latitude + declination; length of the day by the cosine rule, without refraction."""
    toward = through_the_day(one_day(datetime.date(2027, *date)))
    assert np.allclose(np.linalg.norm(toward, axis=-1), 1, atol=1e-5)
    assert abs(np.rad2deg(np.arcsin(toward[:, 2].max())) - elevation_deg) < 0.2
    assert abs((toward[:, 2] > 0).sum() / 60 - day_h) < 0.1
    assert toward[360, 0] > 0 > toward[1080, 0], "it stands in the east in the morning"


def test_clocks_in_summer_show_noon_an_hour_later():
    noon_h = []
    for zone in ("UTC", "Europe/London"):
        up = through_the_day(one_day(datetime.date(2027, 6, 21), zone))[:, 2]
        noon_h.append(up.argmax() / 60)
    assert abs(noon_h[1] - noon_h[0] - 1) < 0.05


def test_clear_sky_at_the_zenith():
    """Haurwitz: 1.098 exp(-0.057); Meinel: 1.353 times 0.7; at the mean distance of the sun."""
    beam, flat = jax.jit(sun.clear_sky)(jnp.ones(1), 0.25)
    assert abs(float(flat[0]) - 1.037) < 0.002 and abs(float(beam[0]) - 0.947) < 0.002


@pytest.mark.parametrize("clearness", [0.2, 0.7, 1.0])
def test_a_flat_panel_gets_all_there_is(clearness):
    """Beam and diffuse on the flat add up to the clearness times a clear sky's, where the sun is well up."""
    when = one_day(datetime.date(2027, 5, 1))

    @jax.jit
    def flat_and_clear(share):
        toward = sun.sun_vector(LONDON, when, jnp.arange(0.5, 24))
        there = sun.light(toward, when.year_part, jnp.full(24, share), jnp.full(24, share**2))
        flat = sun.plane_kw_per_m2(there, jnp.array([0.0, 0.0, 1.0]))
        return flat, share * sun.clear_sky(toward[:, 2], when.year_part)[1]

    assert np.allclose(*flat_and_clear(clearness), atol=2e-3)


@pytest.mark.study
def test_panels_see_the_sun_where_they_look(sky):
    outside = first_day(sky, one_day(datetime.date(2027, 3, 1)), jax.random.key(1), CLEAR)
    east, south, west = (energy_and_centre(sky, outside, azimuth) for azimuth in (90.0, 180.0, 270.0))
    assert east[1] < south[1] - 0.5 < west[1] - 1
    assert south[0] > east[0] and abs(south[1] - 12.2) < 0.2


CLEAR = MeasuredWeather(jnp.full(24, 10.0), jnp.ones(24))


def energy_and_centre(sky, outside, azimuth_deg):
    panel = PanelTraits(sun.facing(35.0, azimuth_deg), *map(jnp.asarray, (0.9, 0.0, 0.0)))
    power = np.asarray(power_of(sky, panel, outside))
    return float(power.sum()), float((power * (np.arange(24) + 0.5)).sum() / power.sum())


@pytest.fixture(scope="module")
def made(sky):
    """A hundred days of six homes."""
    traits = panels_of(sky, jax.random.key(3), 6)
    when = jax.tree.map(jnp.asarray, calendar(datetime.date(2027, 1, 1), 100, "Europe/London"))
    return traits, when, jax.jit(lambda key: year_of(sky, key, traits, when))


@pytest.mark.slow
def test_power_is_never_negative_and_nothing_at_night(made):
    power = np.asarray(made[2](jax.random.key(0))[0])
    assert np.isfinite(power).all() and power.min() >= 0
    assert power[:, :, [0, 1, 2, 3, 22, 23]].max() == 0 < power[:, :, 11].min()


@pytest.mark.slow
def test_the_same_key_is_the_same_weather(made):
    first, again, other = (made[2](jax.random.key(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.study
def test_weather_of_a_day_is_there_for_any_home(sky, made):
    """What is drawn for the region does not depend on the homes under it."""
    when = jax.tree.map(lambda x: x[0], made[1])
    _, outdoor_c, clearness = made[2](jax.random.key(1))
    first = jax.random.split(jax.random.key(1), 100)[0]
    alone = eqx.filter_jit(lambda sky, begin, key: sky.day(sky.begin(begin), when, key)[1])(
        sky, jax.random.key(1), first
    )
    assert np.allclose(alone.outdoor_c, outdoor_c[0], atol=1e-4)
    assert np.allclose(alone.clearness, clearness[0], atol=1e-4)


def test_neighbours_are_alike_but_not_the_same(made):
    daily = np.asarray(made[2](jax.random.key(0))[0]).sum(-1).T
    alike = np.corrcoef(daily)[np.triu_indices(6, 1)]
    assert alike.min() > 0.8 and alike.max() < 0.9999


@pytest.mark.slow
def test_finer_steps_keep_the_energy_of_every_hour(sky):

    @jax.jit
    def at_all_steps(key):
        outside = sky.day(START, one_day(datetime.date(2027, 7, 1)), key)[1]
        return [sky.sun(sky.panel(key), outside, key, steps) for steps in STEPS]

    hourly, *finer = map(np.asarray, at_all_steps(jax.random.key(8)))
    for steps, power in zip(STEPS[1:], finer, strict=True):
        assert power.shape == (steps,) and power.min() >= 0
        assert np.allclose(power.reshape(24, -1).mean(1), hourly, atol=1e-5)
        assert power.std() > 0.9 * hourly.std()


@pytest.mark.slow
def test_measured_weather_is_used_as_it_is(sky):
    when, key, given_c = one_day(datetime.date(2027, 5, 1)), jax.random.key(0), np.linspace(3, 9, 24, dtype=np.float32)
    measured = (MeasuredWeather(jnp.asarray(given_c), jnp.full(24, share)) for share in (0.3, 0.9))
    dull, bright = (first_day(sky, when, key, weather) for weather in measured)
    assert np.array_equal(dull.outdoor_c, given_c)
    assert np.allclose(np.asarray(dull.light.ground) * 3, bright.light.ground, rtol=1e-5)
    drawn, free = first_day(sky, when, key, MeasuredWeather(jnp.asarray(given_c))), first_day(sky, when, key)
    assert np.allclose(drawn.clearness, free.clearness, atol=1e-6) and not np.allclose(free.outdoor_c, given_c)


def test_a_file_can_hold_a_sky(sky):
    leaves = jax.tree.leaves(sky)
    assert all(leaf.dtype == jnp.float32 for leaf in leaves) and sum(leaf.size for leaf in leaves) < 100_000


@pytest.mark.study
def test_the_fit_finds_how_a_panel_looks():
    """Tilt and azimuth of a planted panel on clear days with a few clouds among them."""
    scene = PanelLight(
        LONDON, calendar(datetime.date(2027, 1, 1), 365, "Europe/London"), BEAM, np.full((365, 24), 10.0)
    )
    planted = np.array([28.0, 205.0, 0.8, 0.2, 0.1])
    cloudy = np.where(np.random.default_rng(0).random((365, 1)) < 0.4, 0.5, 1.0)
    found = fit_panel(scene, scene.power(planted, slice(20, 21))[:, 0] * cloudy)
    assert abs(found[0] - 28) < 4 and abs(found[1] - 205) < 4 and abs(found[2] - 0.8) < 0.04


def test_half_a_year_is_not_enough(sky):
    when = calendar(datetime.date(2027, 1, 1), 181, "UTC")
    light = hourly_clear(LONDON, when)[0]
    with pytest.raises(ValueError, match="month 7"):
        fit_clouds(np.where(light > 0.05, 0.5, np.nan), light, when)


@pytest.fixture(scope="module")
def california():
    """Panels of training and held-out homes (homes, days, 24), their calendar, temperature, and the fitted sky."""
    table = pl.read_parquet(SHARED / "california_2016" / "homes_hourly.parquet").sort("home", "step")
    common = pl.read_parquet(SHARED / "california_2016" / "common_hourly.parquet")[1 : 1 + 364 * 24]
    names = [n for n in table["home"].unique(maintain_order=True) if n not in ("B14", "B15")]

    def panels(keep):
        rows = (table.filter(pl.col("home") == n)["pv_wh_per_kw"].to_numpy() for n in keep)
        return np.stack([row[: 364 * 24].reshape(364, 24).astype(float) / 1000 for row in rows])

    train, held = panels([n for n in names if n not in HELD_OUT]), panels(HELD_OUT)
    outdoor_c, flat, beam = (
        common[c].to_numpy().reshape(364, 24).astype(float) for c in ("temp_c", "diffuse_wm2", "direct_wm2")
    )
    first = datetime.date(2016, 8, 1)
    when = calendar(first, 364, "America/Los_Angeles")
    weather = Weather(outdoor_c, calendar(first, 364, "Etc/GMT+8"), LOS_ANGELES, flat / 1000, beam / 1000)
    return train, held, when, weather, fit_sky(Panels(train, when, FONTANA), weather)


@pytest.fixture(scope="module")
def years(california):
    """24 years of the training homes' panels: power (years, homes, days, 24), temperature and clearness."""
    _, _, when, _, fitted = california
    sky = on_device(fitted, "float32")
    traits = known_panels(np.stack([fitted.panels[n] for n in NAMES], 1))
    run = jax.jit(lambda key: year_of(sky, key, traits, jax.tree.map(jnp.asarray, when)))
    power, outdoor_c, clearness = zip(*(run(jax.random.key(100 + seed)) for seed in range(24)), strict=True)
    return np.stack(power).transpose(0, 2, 1, 3), np.stack(outdoor_c), np.stack(clearness)


def known_panels(rows) -> PanelTraits:
    tilt, azimuth, *rest = (jnp.asarray(column, jnp.float32) for column in rows.T)
    return PanelTraits(sun.facing(tilt, azimuth), *rest)


def month_means(values, month):
    return np.stack([values[..., month == m].mean(-1) for m in range(12)], -1)


def alike(daily):
    return np.corrcoef(daily)[np.triu_indices(len(daily), 1)]


@needs_data
@pytest.mark.study
def test_california_months_give_what_they_gave(california, years):
    """The mean over years is within 10 % in every month; one drawn winter month may well be further off."""
    daily, month = california[0].sum(-1), california[2].month - 1
    on = daily > 0.02
    real = np.array([daily[:, month == m][on[:, month == m]].mean() for m in range(12)])
    drawn = month_means(years[0].sum(-1), month).mean((0, 1))
    assert np.abs(drawn / real - 1).max() < 0.1


@needs_data
@pytest.mark.study
def test_california_neighbours_have_the_same_days(california, years):
    """Daily energy as it is, and without the month's mean; homes without outages and torn clocks."""
    month = california[2].month - 1
    sound = [0, 1, 2, 3, 4, 6, 9, 10, 11]
    for take_away in (0, 1):
        found = []
        for daily in (california[0][sound].sum(-1), years[0][0][sound].sum(-1)):
            found.append(alike(daily - take_away * month_means(daily, month)[:, month]).mean())
        assert found[1] > 0.8 and abs(found[1] - found[0]) < 0.04


@needs_data
@pytest.mark.study
def test_california_days_and_hours_of_homes_that_were_not_fitted(california, years):
    """Wasserstein distance of daily energy below 6 % of the mean: their own roofs, but the sky of the others.

    B04 and B09 read like scaled copies of training homes, so this is weaker than it sounds; B16 is not.
    """
    train, held, when, weather, fitted = california
    sky = on_device(fitted, "float32")
    mean_c = np.broadcast_to(weather.outdoor_c.mean(0), held.shape[1:])
    scene = PanelLight(FONTANA, when, fitted.beam, mean_c)
    rows = np.stack([fit_panel(scene, power) for power in held])
    run = jax.jit(lambda key: year_of(sky, key, known_panels(rows), jax.tree.map(jnp.asarray, when))[0])
    drawn = np.stack([run(jax.random.key(seed)) for seed in range(8)]).sum(-1)
    for home, power in enumerate(held):
        daily = power.sum(-1)
        distance = np.mean([wasserstein_distance(daily, year[:, home]) for year in drawn]) / daily.mean()
        assert distance < 0.06
    hours = [
        [np.corrcoef(h[lag:], h[:-lag])[0, 1] for lag in (1, 2, 6, 24)]
        for h in (train[1].ravel(), years[0][0, 1].ravel())
    ]
    assert np.abs(np.subtract(*hours)).max() < 0.05


@needs_data
@pytest.mark.study
def test_california_temperature(california, years):
    """Months within 0.6 °C, days linger as measured, and clear days have the wider swing."""
    _, _, when, weather, _ = california
    month, real, drawn = when.month - 1, weather.outdoor_c, years[1]
    assert np.abs(month_means(real.mean(-1), month) - month_means(drawn.mean(-1), month).mean(0)).max() < 0.6

    def lingers(daily):
        away = daily - month_means(daily, month)[..., month]
        return (away[..., 1:] * away[..., :-1]).mean() / (away**2).mean()

    assert abs(lingers(real.mean(-1)) - lingers(drawn.mean(-1))) < 0.1
    bright = years[2][:, :, 8:17].mean(-1)
    away = (np.ptp(drawn, axis=-1), bright)
    swing, clear = ((x - month_means(x, month)[:, month]).ravel() for x in away)
    assert np.corrcoef(swing, clear)[0, 1] > 0.3


@pytest.fixture(scope="module")
def london_years():
    """The bundled London: power of 12 roofs in 30 years (years, days, homes, 24), and the month of each day.

    A single May differs by 16 kWh per kW peak from year to year (standard deviation), so that six years are too few.
    """
    sky = bundle.load("london")[0].sky
    when = calendar(datetime.date(2027, 1, 1), 365, "Europe/London")
    traits = panels_of(sky, jax.random.key(0), 12)
    run = jax.jit(lambda key: year_of(sky, key, traits, jax.tree.map(jnp.asarray, when))[0])
    return np.stack([np.asarray(run(jax.random.key(seed))) for seed in range(30)]), np.asarray(when.month)


@pytest.mark.slow
def test_london_s_months_are_those_of_its_climate(london_years):
    """Most of the sun in May, June and July, alike within 8 %; less in August, least in December [kWh per kW peak].

    PVGIS gives 100 to 125 for each month from May to August and 900 to 1,000 a year; 3 % for eight drawn years.
    """
    power, month = london_years
    daily = power.sum(-1).mean((0, 2))
    of = np.array([daily[month == m].sum() for m in range(1, 13)])
    assert of[4:7].min() > 0.92 * of[4:7].max() and of[4:7].min() > 110
    assert of[7] < 0.92 * of[4:7].min() and of[3] < of[4:7].min()
    assert 95 < of[7] < 112 and 20 < of[11] < 35 and of.argmin() == 11
    assert of[4:8].min() > 0.97 * 100 and of[4:8].max() < 1.03 * 125 and 900 < of.sum() < 1000


@pytest.mark.study
def test_no_hour_of_london_is_above_what_british_roofs_give(london_years):
    assert london_years[0].max() <= 0.9


def test_clouds_as_bright_as_told_keep_the_days_that_were_measured():
    clouds = {"days": np.linspace(0.1, 1.0, 13)[None] * np.ones((12, 1))}
    for wanted in (0.3, 0.5, 0.8):
        days = as_bright(clouds, np.full(12, wanted))["days"]
        assert np.allclose((np.diff(CLOUD_LEVELS) * (days[:, 1:] + days[:, :-1]) / 2).sum(1), wanted, atol=1e-4)
        assert days.min() >= 0.1 - 1e-6 and days.max() <= 1.0 + 1e-6 and (np.diff(days) >= 0).all()


@needs_data
@pytest.mark.study
def test_london_is_a_composite_near_the_published_yield(california):
    """SimBench clouds over London's latitude: mixed roofs, 850 to 1,080 kWh per kW peak (PVGIS: some 950 to 1,000)."""
    columns = [f"PV{i}" for i in (1, 3, 4, 7)]
    table = pl.read_parquet(SHARED / "simbench_lv" / "residential_15min_pu.parquet", columns=columns)
    power = table.to_numpy().T.reshape(4, 366, 24, 4).mean(-1).astype(float)
    temperature = pl.read_parquet(SHARED / "london_load_2013" / "temperature_and_price.parquet")
    outdoor_c = temperature["temp_c_london_city_airport"].to_numpy().astype(float).reshape(365, 24, 2).mean(-1)
    weather = Weather(outdoor_c, calendar(datetime.date(2013, 1, 1), 365, "UTC"), LONDON)
    panels = Panels(power, calendar(datetime.date(2016, 1, 1), 366, "UTC"), GERMANY)
    sky = on_device(fit_abroad(panels, weather, (LONDON, LONDON_FLAT_KW_PER_M2), california[4]), "float32")
    when = calendar(datetime.date(2027, 1, 1), 365, "Europe/London")
    traits = panels_of(sky, jax.random.key(0), 50)
    run = jax.jit(lambda key: year_of(sky, key, traits, jax.tree.map(jnp.asarray, when)))
    got = [run(jax.random.key(seed)) for seed in range(4)]
    assert 850 < np.mean([np.asarray(power).sum((0, 2)).mean() for power, _, _ in got]) < 1080
    drawn = np.mean([month_means(np.asarray(c).mean(-1), when.month - 1) for _, c, _ in got], 0)
    real = month_means(outdoor_c.mean(-1), calendar(datetime.date(2013, 1, 1), 365).month - 1)
    assert np.abs(drawn - real).max() < 2.5


@needs_data
@pytest.mark.study
def test_mended_gains_give_each_home_its_energy(california):
    """Gains are mended on the region's sky, so the sum of a home's year under that sky is its own."""
    train, _, when, weather, fitted = california
    rows = np.stack([fitted.panels[n] for n in NAMES], 1).astype(float)
    scene = PanelLight(FONTANA, when, fitted.beam, np.broadcast_to(weather.outdoor_c.mean(0), train.shape[1:]))
    again, _ = fit_local(scene, rows, train, clearness_of(scene, rows, train), when)
    assert np.abs(again[:, 2] / rows[:, 2] - 1).max() < 0.05
