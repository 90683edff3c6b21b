"""Where trained networks look: their maps, the ring around them, the pointing game."""

import attrs
import numpy as np
import pytest
from invented import save, with_weights_of
from scipy import stats

from utils.displays import Display, arrange, cue_maps
from utils.layers import Attend
from utils.measures import pointing
from utils.measures.pointing import on_target, pointing_game
from utils.model import build_model, map_shape, predict
from utils.runs.arms import Arm
from utils.runs.store import COMMITTED
from utils.studies import uncertain_place
from utils.wiring import build_network

CONTROL, ATTENDED = map(uncertain_place.arm, uncertain_place.HEADLINE)
IMAGES = 100  # of those looked at, where a few do


@pytest.fixture
def point(monkeypatch):
    """Two networks of an arm play the game on a few images; nothing is kept."""
    monkeypatch.setattr(pointing, "LOOKED", IMAGES)
    return lambda arm: pointing._pointed(attrs.evolve(arm, seeds=range(2)), 0.0, None)


def test_a_look_holds_what_the_network_saw_and_said():
    seen = pointing.look(ATTENDED, 0, 0.0, IMAGES)
    assert seen.images.shape == (IMAGES, 60, 60)
    assert seen.gains.shape == (IMAGES, 31, 31)
    np.testing.assert_allclose(seen.gains.mean((1, 2)), 1, rtol=1e-4)
    assert 0.8 < seen.correct.mean() < 1
    # without noise the digit is where `places` says, and nothing else is
    row, col = seen.places[0]
    inside = seen.images[0, row : row + 28, col : col + 28].sum()
    assert inside == seen.images[0].sum() > 0


def test_networks_of_all_arms_look_at_the_same_images():
    one, other = (pointing.look(arm, 1, 60.0, IMAGES) for arm in (ATTENDED, CONTROL))
    assert (one.images == other.images).all()
    assert (other.gains == 1).all()


def test_a_network_can_be_asked_for_a_map_that_it_did_not_learn_with(tmp_path):
    lent = with_weights_of(
        attrs.evolve(CONTROL, seeds=[3]), ATTENDED.spec, tmp_path / "records"
    )
    one, other = pointing.look(lent, 3, 60.0, 20), pointing.look(CONTROL, 3, 60.0, 20)
    model = build_network(attrs.evolve(CONTROL.spec, attention="energy"))
    asked = pointing.look(CONTROL, 3, 60.0, 20, model)
    np.testing.assert_allclose(asked.gains, one.gains)
    assert not np.allclose(asked.gains, other.gains)


def test_a_map_of_activity_points_at_the_digit(point):
    found = point(ATTENDED)
    both = IMAGES * np.array(found.hits)
    assert both.shape == (2,)
    assert both.sum() - IMAGES <= found.found_by_all <= both.min()
    assert min(found.hits) > found.chance + 0.5
    assert min(found.gain_on_digit) > 2 * max(found.gain_elsewhere)
    assert 0.8 < min(found.accuracy) < 1


def test_a_flat_map_points_at_the_corner(point):
    found = point(CONTROL)
    assert max(found.hits) < 0.03  # the first of equal peaks is a corner
    np.testing.assert_allclose(found.gain_on_digit, 1)
    np.testing.assert_allclose(found.gain_elsewhere, 1)
    np.testing.assert_allclose(found.on_padding, 4 * 30 / 31**2, rtol=1e-6)


def test_a_read_out_without_a_query_weights_all_places_equally(tmp_path, monkeypatch):
    """And with one that prefers active places, it looks at the digit."""
    monkeypatch.setattr(pointing, "LOOKED", IMAGES)
    spec = attrs.evolve(CONTROL.spec, read_out="attention_pooling")
    weights = CONTROL.weights(0)
    for name, query in (("flat", np.zeros(32)), ("active", np.ones(32))):
        learnt = weights | {"read_out_attention/query": query.astype("f4")}
        save(tmp_path / name, spec.with_seed(0), weights=learnt)
    flat, active = (
        pointing._pooled(Arm(name, spec, [0], tmp_path / name), 0.0)
        for name in ("flat", "active")
    )
    np.testing.assert_allclose(flat.on_digit, flat.chance, rtol=1e-5)
    assert 0.2 < flat.chance < 0.24  # 28 x 28 of 60 x 60 pixels
    assert min(active.hits) > 0.9
    assert min(active.on_digit) > 2 * flat.chance


def test_a_blur_finds_the_digit_where_it_is_bright():
    clean, noisy, lost = (
        pointing.found_by_blur(CONTROL, sd) for sd in (0.0, 120.0, 1e4)
    )
    assert clean == pointing.LOOKED >= noisy > lost
    assert 0.5 < lost / (pointing.LOOKED * (28 / 60) ** 2) < 2  # as often as by chance


def test_shares_have_intervals_in_percent():
    mean = pointing.mean_share([0.7, 0.8])
    t = stats.t.ppf(0.975, 1) * 5  # standard error: 10 / sqrt(2) / sqrt(2)
    np.testing.assert_allclose(mean[:3], (75, 75 - t, 75 + t))
    assert (mean.number, mean.basis) == ("75.0%", "2 networks")
    every = pointing.share_of_images(pointing.LOOKED)
    lowest = 100 * 0.025 ** (1 / pointing.LOOKED)  # (Clopper and Pearson 1934)
    np.testing.assert_allclose(every[:3], (100, lowest, 100))


# --- Kept beside the records --------------------------------------------------------

KEPT = [(ATTENDED, sd, None) for sd in uncertain_place.LEVELS]
KEPT += [(CONTROL, uncertain_place.NOISE, "energy")]


@pytest.mark.parametrize("which", [KEPT[-2], KEPT[-1]])
def test_kept_results_are_those_of_the_weights(which):
    """The first of its networks, anew; noise of SD 240 is where peaks fail."""
    arm, sd, kind = which
    before = pointing.pointed(*which)
    again = pointing._pointed(attrs.evolve(arm, seeds=[0]), sd, kind)
    for name, tolerance in (("hits", 0.005), ("accuracy", 0.005), ("on_padding", 1e-4)):
        (new,) = getattr(again, name)
        assert new == pytest.approx(getattr(before, name)[0], abs=tolerance), name
    assert again.chance == pytest.approx(before.chance)


def test_all_results_that_are_shown_are_kept_and_no_others(monkeypatch):
    monkeypatch.setattr(Arm, "weights", lambda arm, seed: pytest.fail("not kept"))
    for arguments in KEPT:
        assert len(pointing.pointed(*arguments).hits) == 8
    files = (COMMITTED.folder / "derived").glob("pointing.pointed-*.json")
    assert len([*files]) == len(KEPT)


def test_the_map_finds_the_digit():
    """What notebook 7 says in bold."""
    found = pointing.pointed(ATTENDED, uncertain_place.NOISE)
    assert pointing.share_of_images(found.found_by_all).low > 50
    assert min(found.on_padding) > 0.5


# --- What lies under a map ----------------------------------------------------------


def test_the_outermost_ring_of_a_map_changes_nothing():
    """It multiplies zeros: the padding around `conv_2`'s input."""
    model = build_model("energy", image_shape=(60, 60), seed=0)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (3, 60, 60)).astype("float32")
    features = predict(model, images, output="pad_1")
    inside = rng.uniform(0.1, 1, (3, 29, 29)).astype("float32")
    without, with_ring = (
        np.asarray(Attend()(features, np.pad(inside, around, constant_values=ring)))
        for around in [((0, 0), (1, 1), (1, 1))]
        for ring in (0.0, 50.0)
    )
    assert features.any()
    assert (without == with_ring).all()


def test_cells_on_the_target_by_hand():
    """A square of 4 pixels at (3, 0): cells over pixels 3, 5 and -1 (none), 1, 3."""
    found = on_target([[3, 0]], (4, 4), (5, 4))
    rows, cols = np.nonzero(found[0])
    assert {*rows} == {2, 3}
    assert {*cols} == {1, 2}


def test_cells_on_the_target_cover_the_ink():
    images = np.full((20, 28, 28), 255, "uint8")
    shown = arrange(Display(60, 60), images, images, np.random.default_rng(0))
    found = on_target(shown.places, (28, 28), (31, 31))
    pixels = shown.images[:, ::2, ::2] > 0  # what cell o lies over: pixel 2 o - 1
    assert found.sum() == pytest.approx(pixels.sum(), rel=0.05)
    model = build_model("energy", image_shape=(60, 60), seed=0)
    assert model.get_layer("conv_2").output.shape[1:3] == (31, 31)


def test_the_pointing_game_is_won_on_the_digit_and_by_chance_as_often_as_it_is_large():
    blank = np.zeros((4_000, 28, 28), "uint8")
    found = arrange(Display(), blank, blank, np.random.default_rng(0))
    shape = map_shape((44, 44))
    rng = np.random.default_rng(0)
    anywhere = pointing_game(rng.random((len(found.places), *shape)), found.places,
                             (28, 28))  # fmt: skip
    chance = on_target(found.places, (28, 28), shape).mean()
    assert chance == pytest.approx((14 / 23) ** 2, abs=0.02)
    error = 3 * np.sqrt(0.25 / len(found.places))
    assert anywhere.mean() == pytest.approx(chance, abs=error)
    there = cue_maps(found.places, (28, 28), shape)
    assert pointing_game(there, found.places, (28, 28)).all()
    assert not pointing_game(there, found.places + 60, (28, 28)).any()


def test_the_pointing_game_by_hand():
    maps = np.zeros((3, 23, 23))
    maps[0, 6, 6] = maps[1, 5, 6] = maps[2, 19, 6] = 1  # rows 11, 9, 37
    places = np.full((3, 2), 10)
    found = pointing_game(maps, places, (28, 28))
    assert found.tolist() == [True, False, True]
    chance = on_target(places, (28, 28), (23, 23)).mean()
    assert chance == pytest.approx((14 / 23) ** 2)  # pixels 11 to 37 of 10 to 37
