"""A region learned from a small table: pieces are kept, what is not given is borrowed, what is wrong is told."""

import datetime
import functools

import polars as pl
import pytest
from typer.testing import CliRunner

from tests.data.make import long
from wattflock.apps.cli import make_app
from wattflock.data.home_days import from_table
from wattflock.synth import bundle, disaggregate, habits_training
from wattflock.synth.disaggregate import Finer
from wattflock.synth.fit import held_out_homes
from wattflock.synth.generate import Wanted, made
from wattflock.verbs import GROUPS, VERBS

pytestmark = pytest.mark.study


@pytest.fixture(scope="module", autouse=True)
def short():
    """A lesson of a few steps: what is tested is the way, not the skill."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(habits_training, "STEPS", 200)
        patch.setattr(disaggregate, "STEPS", 50)
        yield


def fit(*words: object):
    return CliRunner(env={"COLUMNS": "120"}).invoke(make_app(VERBS, GROUPS), ["data", "fit", *map(str, words)])


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pl.DataFrame:
    """Eight homes, five weeks, half hours."""
    return long(homes=8, days=35, minutes=30)


@pytest.fixture(scope="module")
def fitted(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    table.write_parquet(folder / "meters.parquet")
    said = fit("mine", f"table={folder / 'meters.parquet'}", "--zone", "Europe/Oslo", "--like", "london", "--out",
               folder / "mine.safetensors")  # fmt: skip
    assert said.exit_code == 0, said.output
    return folder / "mine.safetensors"


@pytest.mark.slow
def test_a_region_keeps_every_fourth_home_back_and_says_what_it_borrowed(fitted, table):
    card = bundle.card(fitted)
    flock = from_table(table)
    assert tuple(card["load_data"]["held_out"]) == held_out_homes(flock)
    assert len(card["load_data"]["homes"]) == 6
    assert card["cars_data"] == bundle.load("london")[1]["cars_data"]
    assert not fitted.with_suffix(".pieces").exists()


@pytest.mark.slow
def test_its_homes_are_of_the_size_of_those_it_was_learned_from(fitted, table):
    region, card = bundle.load(fitted)
    flock = made(region, Wanted(40, 14, datetime.date(2024, 1, 8), card["zone"]))
    assert 0.5 < flock.load_kw.mean() / table["load_kw"].mean() < 1.6


@pytest.mark.slow
def test_pieces_of_a_fit_that_was_stopped_are_used_again(fitted, monkeypatch, tmp_path):
    words = ("mine", f"table={fitted.with_name('meters.parquet')}", "--zone", "Europe/Oslo", "--like", "london",
             "--out", tmp_path / "mine.safetensors")  # fmt: skip
    learn = Finer.fit

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Finer, "fit", stopped)
    fit(*words)
    piece = tmp_path / "mine.pieces" / "load.safetensors"
    assert piece.exists() and not (tmp_path / "mine.safetensors").exists()
    monkeypatch.setattr(Finer, "fit", learn)
    begun = []
    monkeypatch.setattr(habits_training, "_fitted", functools.partial(begun.append))
    said = fit(*words)
    assert said.exit_code == 0, said.output
    assert not begun
    assert (tmp_path / "mine.safetensors").read_bytes() == fitted.read_bytes(), "the same region, to the bit"


def test_what_is_missing_or_unknown_is_told_at_once(fitted, tmp_path):
    meters = f"table={fitted.with_name('meters.parquet')}"
    alone = fit("mine", meters, "--zone", "Europe/Oslo", "--sky", "mars=there")
    assert alone.exit_code == 2
    for word in ("--cars", "--sky", "california, london"):
        assert word in alone.output
    wrong = fit("mine", meters, "--zone", "Europe/Oslo", "--like", "london", "--held-out", "H9", "--without", "H8")
    assert wrong.exit_code == 2 and "H8" in wrong.output and "H9" in wrong.output
    assert fit("mine", meters, "--zone", "Mars/Olympus", "--like", "london").exit_code == 2
    (tmp_path / "broken.safetensors").write_bytes(b"not a region")
    assert fit("mine", meters, "--zone", "Europe/Oslo", "--like", tmp_path / "broken.safetensors").exit_code == 2
