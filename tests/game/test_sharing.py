"""Ways to share: all that is saved is handed out, clusters leave nobody worse off, and figures are those of payoffs."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.game.homes import EVERY, flock, world_of
from tests.study.test_bound import days
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.game import values
from wattflock.game.clusters import clustered, elbow
from wattflock.game.coalition_study import apart, differences, spreads
from wattflock.game.feed_in import plain_feed_in
from wattflock.game.nucleolus import nucleolus
from wattflock.game.outcome import Outcome, outcome
from wattflock.game.shapley import shapley
from wattflock.game.sharing import METHODS, Settings, Sharing, shared, usual
from wattflock.game.split import split, weights
from wattflock.game.values import flock_of
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.panel import Panel
from wattflock.report.share_report import methods_table, notes, picture
from wattflock.report.theme import spec
from wattflock.report.words import DASH
from wattflock.study import build as build_of
from wattflock.verbs.sharing import share


@pytest.fixture(scope="module")
def sharing() -> Sharing:
    """Two days of six homes with all devices among them, in three clusters."""
    return Sharing(flock(), Settings(clusters=3, accuracy=1e-4))


@pytest.fixture(scope="module")
def found() -> Outcome:
    """The same in every way."""
    return outcome(flock(), METHODS, Settings(clusters=3, accuracy=1e-4))


@pytest.mark.study
@pytest.mark.parametrize("method", METHODS)
def test_all_that_is_saved_is_handed_out(sharing, method):
    one = shared(sharing, method)
    assert one.payoff.sum() == pytest.approx(sharing.total, rel=1e-9)
    assert one.judged.efficiency_gap == pytest.approx(0, abs=1e-6 * sharing.total)
    assert one.seconds >= 0 and one.programs >= 0


def test_what_methods_share_counts_for_each_of_them():
    each = Sharing(flock(EVERY[:4]), Settings(clusters=2, split="prices"))
    first, second, owen = (shared(each, name) for name in ("nucleolus_clusters", "shapley_clusters", "owen"))
    assert first.programs == second.programs > owen.programs == 2 * 4
    assert second.seconds > owen.seconds


def test_nobody_loses_by_concepts_that_promise_it(sharing):
    for method in ("nucleolus", "nucleolus_clusters", "shapley", "shapley_clusters", "owen", "fair_least_core"):
        assert shared(sharing, method).payoff.min() >= -1e-6 * sharing.total, method


def test_up_to_sixteen_homes_concepts_are_those_of_the_homes(sharing):
    game = sharing.flock.game()
    np.testing.assert_allclose(shared(sharing, "nucleolus").payoff, nucleolus(game), atol=1e-7)
    np.testing.assert_allclose(shared(sharing, "shapley").payoff, shapley(game), atol=1e-9)


@pytest.mark.study
def test_as_many_clusters_as_homes_are_the_homes():
    homes = flock(EVERY[:4])
    each = Sharing(homes, Settings(clusters=4, accuracy=1e-5))
    assert each.clusters.count == 4
    np.testing.assert_allclose(shared(each, "shapley_clusters").payoff, shapley(homes.game()), atol=1e-4 * each.total)


def test_mid_market_rate_and_bill_sharing_by_hand(sharing):
    """Bills at the rate of Long et al. 2017; what devices cost a home is a difference of two programs."""
    homes, day = sharing.flock, np.asarray(sharing.flock.profile.dt_h)[..., None]
    kwh = homes.grand.net_kw * day
    drawn, given = np.maximum(kwh, 0), np.maximum(-kwh, 0)
    bought = np.stack([each.bought for each in homes.days]) / day[..., 0]
    sold = np.stack([each.sold for each in homes.days]) / day[..., 0]
    total, spare, middle = drawn.sum(-1), given.sum(-1), (bought + sold) / 2
    buy = np.where(total > spare, (spare * middle + (total - spare) * bought) / np.maximum(total, 1e-9), middle)
    sell = np.where(spare > total, (total * middle + (spare - total) * sold) / np.maximum(spare, 1e-9), middle)
    bill = (drawn * buy[..., None] - given * sell[..., None]).sum((0, 1))
    paid = (bought * np.maximum(total - spare, 0)).sum() * drawn.sum((0, 1)) / drawn.sum()
    earned = (sold * np.maximum(spare - total, 0)).sum() * given.sum((0, 1)) / given.sum()
    mid, pooled = (shared(sharing, name).payoff for name in ("mid_market", "bill_sharing"))
    np.testing.assert_allclose(mid - pooled, paid - earned - bill, atol=1e-6 * sharing.total)


def test_the_coalition_that_complains_among_many_homes(sharing):
    """More than 60 homes: a coalition of clusters, and the bound by Owen's prices; here asked of six."""
    payoff = np.full(6, sharing.total / 6)
    label = sharing.clusters.label
    members = (np.arange(1, 7)[:, None] >> np.arange(3) & 1 == 1)[:, label]
    excess = sharing.flock.values(members) - members @ payoff
    found, upper, who = sharing.of_clusters(payoff)
    assert found == pytest.approx(excess.max(), abs=1e-3 * sharing.total)
    np.testing.assert_array_equal(who, members[excess.argmax()])
    every = sharing.flock.game()
    masks = np.arange(1, 63)[:, None] >> np.arange(6) & 1 == 1
    assert upper >= (every.values(masks) - masks @ payoff).max() - 1e-9


def test_split_by_hand():
    label = np.array([0, 0, 1, 1, 1])
    given = split(np.array([6.0, 3.0]), label, np.array([2.0, 1.0, 0.0, -5.0, 0.0]))
    np.testing.assert_allclose(given, [4, 2, 1, 1, 1])
    with pytest.raises(ScenarioError, match="did you mean 'marginal'"):
        weights(flock(EVERY[:2]), "marginel", lambda: np.zeros(2))


def test_marginal_contributions_are_at_least_owens_point(sharing):
    marginal = weights(sharing.flock, "marginal", lambda: np.zeros(6))
    game = sharing.flock.game()
    np.testing.assert_allclose(marginal, game.total - game.worth[63 - (1 << np.arange(6))], atol=1e-9)
    assert (marginal >= sharing.owen.payoff - 1e-6).all()


def test_clusters_are_groups_of_like_profiles():
    random = np.random.default_rng(0)
    groups = random.normal(0, 3, (4, 24))
    number = random.integers(0, 4, 60)
    net_kw = (groups[number] + random.normal(0, 0.1, (60, 24))).T[None]
    found = clustered(net_kw)
    assert found.count == 4  # the elbow
    assert len(set(zip(found.label, number, strict=True))) == 4
    np.testing.assert_array_equal(clustered(net_kw).label, found.label)
    alike = clustered(net_kw * random.uniform(1, 50, 60), 4, scaled=True)
    assert len(set(zip(alike.label, number, strict=True))) == 4
    assert clustered(np.ones((1, 24, 5)), 3).count == 1
    assert elbow({2: 0.2, 3: 0.8, 4: 0.9, 5: 1.0}) == 3
    with pytest.raises(ScenarioError, match="1 to 5"):
        clustered(np.ones((1, 24, 5)), 7)


@pytest.mark.slow
def test_homes_that_decide_nothing_pay_at_least_as_much():
    homes = flock(((Battery, Panel), (Panel,), ()))
    feed_in = plain_feed_in(homes)
    assert feed_in[0] > homes.alone[0]
    np.testing.assert_allclose(feed_in[1:], homes.alone[1:], rtol=1e-9)  # there is nothing to decide


@pytest.mark.slow
def test_tables_words_and_picture(found):
    assert found.homes.columns == ["home", "feed_in", "alone", *METHODS] and found.homes.height == 6
    row = found.methods.row(by_predicate=pl.col("method") == "bill_sharing", named=True)
    payoff = found.homes["bill_sharing"].to_numpy()
    assert row["worse_off"] == (payoff < -1e-6).sum() and row["least"] == payoff.min()
    assert (
        row["above_feed_in"] == (found.homes["feed_in"].to_numpy() - found.homes["alone"].to_numpy() + payoff > 0).sum()
    )
    table = methods_table(found, "EUR", wide=False)
    assert len(table.rows) == len(METHODS) and len(table.rows[0].cells) == len(table.heads) == 7
    assert any(text.startswith("even: most complains: home") for text in notes(found))
    assert json.dumps(spec(picture(found, "EUR")))


def test_figures_of_seeds():
    lines = [
        {"row": "a", "sweep": "", "homes": 3, "method": name, "seed": seed, "excess": value + seed}
        for name, value in (("nucleolus_clusters", 1.0), ("even", 4.0))
        for seed in range(3)
    ]
    found = spreads(pl.DataFrame(lines))
    assert found["excess"].to_list() == [2.0, 5.0] and found["excess_half"][0] == pytest.approx(
        4.303 / 3**0.5, rel=1e-3
    )
    gap = differences(pl.DataFrame(lines), "excess", "nucleolus_clusters")
    assert gap.rows() == [("a", "even", 3.0, 0.0)]
    assert apart(np.array([1.0, 2.0]), np.array([2.0, 1.0]), 4.0) == 0.25


def test_methods_that_search_are_left_out_of_many_homes():
    assert set(usual(16)) == set(METHODS)
    assert "owen" in usual(1000) and "sampled_shapley" not in usual(1000)


def test_wrong_options_are_named_at_once(tmp_path):
    with pytest.raises(ScenarioError) as error:
        share("mixed", ["nucleolis"], clusters=13, split="marginel", out=tmp_path / "a.doc", days=-1)
    said = "\n".join(map(str, error.value.problems))
    assert all(text in said for text in ("'nucleolus'", "1 to 12", "'marginal'", ".xlsx", "--days"))
    with pytest.raises(ScenarioError, match="did you mean 'mixed'"):
        share("mixxed")


@pytest.mark.study
def test_a_home_alone_has_nobody_to_share_with():
    found = outcome(flock(EVERY[:1]), METHODS)
    assert found.saving == 0 and set(found.methods["better_off"]) == {0}
    table = methods_table(found, "EUR")
    assert [row.cells[4] for row in table.rows] == [DASH] * len(METHODS)  # there is no coalition that could complain
    assert table.note.startswith("1 home, ") and notes(found)[0] == "A home alone has nobody to share with."


def test_a_market_that_cannot_be_shared_is_refused_before_homes_are_made(monkeypatch):
    monkeypatch.setattr(build_of, "build", lambda *_: pytest.fail("built"))
    monkeypatch.setattr(values, "build", lambda *_: pytest.fail("built"))
    with pytest.raises(ScenarioError, match="loss_per_kw"):
        share("flexibility")
    with pytest.raises(ScenarioError, match="loss_per_kw"):
        values.flock(load(Path("flexibility")))


@pytest.mark.slow
def test_the_verb_writes_what_every_home_saves(tmp_path):
    asked = {"homes": 4, "runs": tmp_path, "out": tmp_path / "shares.csv", "picture": tmp_path / "shares.svg"}
    found = share("mixed", ["owen", "even"], **asked)
    assert found.homes.height == 4 and found.methods["method"].to_list() == ["owen", "even"]
    kept = pl.read_csv(tmp_path / "shares.csv")
    np.testing.assert_allclose(kept["owen"].sum(), found.found.saving, rtol=1e-6)
    assert (tmp_path / "shares.svg").exists() and any((tmp_path / "coalitions").iterdir())


@pytest.mark.study
def test_net_metering_leaves_nothing_to_share():
    homes = flock_of(world_of(), days(6))  # exports earn what imports cost
    found = outcome(homes, ["owen", "nucleolus_clusters", "mid_market", "even"], Settings(clusters=2))
    assert found.saving == 0
    assert found.methods["worse_off"].to_list() == found.methods["better_off"].to_list() == [0] * 4
    assert notes(found)[0].startswith("Homes save nothing together")
