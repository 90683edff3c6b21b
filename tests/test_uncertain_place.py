"""The displaced study's numbers: thresholds, speed, and where networks look."""

import dataclasses

import numpy as np
import pytest
from scipy import special

from utils import contrasts, displaced, profiles, study
from utils.displays import Display, on_target, show
from utils.layers import Attend
from utils.model import build_model, predict
from utils.records import Store
from utils.replication import CLEAN, MATCHED
from utils.training import RunSpec, encode

LEVELS = [0.0, 20.0, 40.0, 80.0, 160.0, 320.0]
IMAGES = 2_000
KNOWN = {"control": 50.0, "arm": 100.0}  # thresholds; 6.02 dB apart
SPREAD, LAPSE = 6.0, 0.05


def observer(threshold, level):
    """Accuracy of a simulated observer, by the formula and not by our function."""
    seen = (
        1.0 if level == 0 else special.ndtr(20 * np.log10(threshold / level) / SPREAD)
    )
    return 0.1 + (0.9 - LAPSE) * seen


@pytest.fixture
def simulated(monkeypatch):
    """Arms of observers whose thresholds are known; a function sets how many seeds."""

    def arms(seeds):
        rng = np.random.default_rng(1)
        made = {
            name: tuple(
                {
                    "spec": {
                        "seed": seed,
                        "test_images": IMAGES,
                        "test_noise_sds": LEVELS,
                    },
                    "correct": {
                        f"{x:g}": encode(rng.random(IMAGES) < observer(threshold, x))
                        for x in LEVELS
                    },
                    "epochs": [{CLEAN: 0.9, MATCHED: each} for each in curve],
                }
                for seed in range(seeds)
            )
            for (name, threshold), curve in zip(
                KNOWN.items(),
                ([0.2, 0.4, 0.6, 0.6, 0.6, 0.6], [0.35, 0.6, 0.7, 0.75, 0.78, 0.80]),
                strict=True,
            )
        }
        monkeypatch.setattr(contrasts, "records", made.__getitem__)
        forget()

    yield arms
    forget()


def forget():
    for cached in (displaced.psychometric_function, displaced.shift):
        cached.cache_clear()


def test_right_answers_come_by_seed_level_and_image(simulated):
    simulated(3)
    found = displaced.right("control")
    assert found.shape == (3, len(LEVELS), IMAGES)
    assert found[:, 0].mean() == pytest.approx(1 - LAPSE, abs=0.02)
    assert displaced.levels("control") == LEVELS


def test_thresholds_of_simulated_observers_are_found(simulated):
    simulated(8)
    for name, true in KNOWN.items():
        assert displaced.psychometric_function(name).threshold == pytest.approx(
            true, rel=0.03
        )
        each = displaced.thresholds(name)
        assert each.shape == (8,)
        np.testing.assert_allclose(each, true, rtol=0.15)
        mean = displaced.threshold(name)
        assert mean.low < mean.value < mean.high
        assert mean.value == pytest.approx(np.exp(np.log(each).mean()))
        assert mean.value == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize(("seeds", "method"), [(8, "bootstrap over 8"), (4, "Student")])
def test_a_shift_of_six_decibels_is_found(seeds, method, simulated):
    simulated(seeds)
    found = displaced.shift("arm", "control")
    assert found.value == pytest.approx(20 * np.log10(2), abs=0.5)
    assert found.low < 20 * np.log10(2) < found.high
    assert method in found.method


def test_the_threshold_agrees_with_a_fit_by_hand(simulated):
    """Least squares on a fine grid, without the package's own fit."""
    simulated(8)
    share = displaced.right("control").mean((0, 2))
    grid = np.geomspace(25, 100, 400)
    misfit = [
        sum((observer(t, x) - p) ** 2 for x, p in zip(LEVELS, share, strict=True))
        for t in grid
    ]
    best = grid[np.argmin(misfit)]
    assert displaced.psychometric_function("control").threshold == pytest.approx(
        best, rel=0.03
    )


def test_a_fit_leaves_out_images_without_noise(simulated, monkeypatch):
    """Networks may be worse there than in a little noise, as no function can be."""
    simulated(8)
    before = displaced.threshold("control")
    sds, found = displaced.in_noise("control")
    assert sds.tolist() == LEVELS[1:]
    np.testing.assert_array_equal(found, displaced.right("control")[:, 1:])
    for record in contrasts.records("control"):
        record["correct"]["0"] = encode(np.zeros(IMAGES, bool))
    forget()
    assert displaced.threshold("control") == before


def test_noise_at_equal_accuracy(simulated):
    """Observers that differ in their threshold only: twice the noise everywhere."""
    simulated(8)
    grid = np.geomspace(20, 320, 3_000)
    curve = np.array([observer(50, x) for x in grid])
    for accuracy in (0.75, 0.525, 0.3):
        sd = grid[np.abs(curve - accuracy).argmin()]
        np.testing.assert_allclose(
            displaced.noise_borne("control", accuracy), sd, rtol=0.15
        )
        found = displaced.more_noise("arm", "control", accuracy)
        assert found.value == pytest.approx(20 * np.log10(2), abs=0.6)
    with pytest.raises(ValueError, match=r"Expected an accuracy from .*received 0.99"):
        displaced.noise_borne("control", 0.99)


def test_sooner_by_hand(simulated):
    """The control ends at .6, which it reaches in epoch 3 and the arm in epoch 2."""
    simulated(4)
    assert displaced.sooner("arm", "control").value == pytest.approx(1.5)
    assert displaced.sooner("control", "control").value == pytest.approx(1)


def test_what_the_last_epoch_still_adds(simulated):
    simulated(4)
    assert displaced.late_gain("control").value == pytest.approx(0)
    assert displaced.late_gain("arm").value == pytest.approx(2)
    assert displaced.late_gain("arm", epochs=3).value == pytest.approx(10)


def test_whether_the_control_catches_up(simulated):
    """The lead is .1 after the third epoch and .2 after the last."""
    simulated(4)
    assert displaced.gap_change("arm", "control").value == pytest.approx(10)
    assert displaced.gap_change("control", "control").value == 0


# --- Where a real network looks -----------------------------------------------------

TINY = RunSpec(
    "energy",
    display=Display(),
    noise_sd=20.0,
    images=2_000,
    epochs=1,
    batch_size=4,
    optimizer="adam",
    learning_rate=0.001,
    test_images=250,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two trained networks in a store of their own, as an arm."""
    folder = tmp_path_factory.mktemp("records")
    runs = [dataclasses.replace(TINY, seed=seed) for seed in (0, 1)]
    study.run(runs, folder, progress=False)
    flat = [dataclasses.replace(run, attention="ones") for run in runs]
    for one, other in zip(runs, flat, strict=True):  # the same weights, no map
        Store(folder).save(other.name, *_result(Store(folder), one))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(displaced, "RECORDS", folder)
        patch.setattr(profiles, "arm", {"tiny": runs, "flat": flat}.__getitem__)
        displaced.look.cache_clear()
        displaced.pointed.cache_clear()
        yield folder, runs
    displaced.look.cache_clear()
    displaced.pointed.cache_clear()


def _result(store, run):
    return store.record(run.name), store.weights(run.name)


def test_a_look_holds_what_the_network_saw_and_said(tiny):
    seen = displaced.look("tiny", 0, 0.0, 300)
    assert seen.images.shape == (300, 44, 44)
    assert seen.gains.shape == (300, 23, 23)
    np.testing.assert_allclose(seen.gains.mean((1, 2)), 1, rtol=1e-4)
    assert seen.correct.mean() > 0.2  # of chance, .1
    # without noise the digit is where `places` says, and nothing else is
    row, col = seen.places[0]
    inside = seen.images[0, row : row + 28, col : col + 28].sum()
    assert inside == seen.images[0].sum() > 0


def test_networks_of_all_arms_look_at_the_same_images(tiny):
    one, other = (displaced.look(arm, 1, 60.0, 200) for arm in ("tiny", "flat"))
    assert (one.images == other.images).all()
    assert (other.gains == 1).all()


def test_a_map_of_activity_points_at_the_digit_and_a_flat_one_at_the_corner(tiny):
    found = displaced.pointed("tiny", 0.0, 2)
    assert found.hits.shape == (2,)
    both = displaced.LOOKED * found.hits
    assert both.sum() - displaced.LOOKED <= found.found_by_all <= both.min()
    assert (found.hits > found.chance + 0.3).all()
    assert (found.gain_on_digit > 2 * found.gain_elsewhere).all()
    assert (found.accuracy > 0.2).all()
    flat = displaced.pointed("flat", 0.0, 2)
    assert (flat.hits < 0.02).all()  # the first of equal peaks is a corner
    np.testing.assert_allclose(flat.gain_on_digit, 1)
    np.testing.assert_allclose(flat.gain_elsewhere, 1)
    np.testing.assert_allclose(flat.on_padding, 4 * 22 / 23**2, rtol=1e-6)
    assert flat.chance == found.chance


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
    shown = show(Display(60, 60), images, images, np.random.default_rng(0))
    found = on_target(shown.places, (28, 28), (31, 31))
    pixels = shown.images[:, ::2, ::2] > 0  # what cell o lies over: pixel 2 o - 1
    assert found.sum() == pytest.approx(pixels.sum(), rel=0.05)
    model = build_model("energy", image_shape=(60, 60), seed=0)
    assert model.get_layer("conv_2").output.shape[1:3] == (31, 31)
