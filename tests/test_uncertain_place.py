"""Digits at uncertain places: what is compared, and how much noise a network bears."""

import attrs
import numpy as np
import pytest
from scipy import special

from utils import training
from utils.runs import RunSpec, encode
from utils.studies import uncertain_place
from utils.studies.arms import (
    CLEAN,
    MATCHED,
    Arm,
    contrast,
    late_gain,
    lead_change,
    speed_up,
)
from utils.studies.uncertain_place import HEADLINE, NETWORKS

LEVELS = (0.0, 20.0, 40.0, 80.0, 160.0, 320.0)
IMAGES = 2_000
SPREAD, LAPSE = 6.0, 0.05
SIX_DECIBELS = 20 * np.log10(2)


# --- What is compared ---------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS, ids=[each.label for each in NETWORKS])
def test_chosen_settings_are_the_best_of_those_tried_and_no_end_of_them(network):
    found = uncertain_place.validation_accuracy(network)
    assert sorted(found) == sorted(network.tried)
    assert network.chosen == max(found, key=found.get)
    rates = sorted(rate for scale, rate in found if scale == network.chosen[0])
    assert (
        rates[0] < network.chosen[1] < rates[-1]
    )  # a better one may lie beyond an end


def test_settings_were_tried_on_validation_images_of_other_seeds():
    tried = uncertain_place.rates()
    assert {run.scored_on for run in tried} == {"validation"}
    assert not {run.seed for run in tried} & {
        run.seed for run in uncertain_place.study()
    }


def test_arms_have_the_seeds_that_the_claims_name():
    for arm in uncertain_place.arms():
        headline = arm.run.attention in ("ones", "energy")
        as_chosen = arm.run.display == uncertain_place.BASE.display
        assert len(arm.seeds) == (20 if headline and as_chosen else 5), arm.label
        assert arm.run.scored_on == "test"
        assert arm.run.test_images == 10_000


@pytest.mark.parametrize(
    "place",
    [
        uncertain_place.arm,
        uncertain_place.trained_long,
        uncertain_place.in_clutter,
        lambda network: uncertain_place.on_canvas(network, 28),
        lambda network: uncertain_place.on_canvas(network, 44),
        lambda network: uncertain_place.in_fixed_noise(network, 40.0),
        lambda network: uncertain_place.in_fixed_noise(network, 120.0),
    ],
)
def test_both_of_a_pair_see_the_same_displays(place):
    its_own = {"attention": "ones", "input_scale": 1.0, "learning_rate": 1.0}
    one, other = (attrs.evolve(place(network).run, **its_own) for network in HEADLINE)
    assert one == other


def test_a_record_of_every_run_is_there():
    runs = uncertain_place.rates() + uncertain_place.study() + uncertain_place.probes()
    names = {run.name for run in runs}
    assert len(names) == len(runs)
    store = uncertain_place.arm(uncertain_place.CONTROL).store
    assert not [name for name in names if name not in store]


def test_what_is_said_in_bold_holds():
    """Headings state a direction; the intervals must lie on that side."""
    control, attended = map(uncertain_place.arm, HEADLINE)
    shuffled = uncertain_place.arm(uncertain_place.SHUFFLED)
    assert contrast(attended, control, 120).low > 0
    assert contrast(attended, shuffled, 120).low > 0
    removed, whole = uncertain_place.weakened(0.0), uncertain_place.weakened(1.0)
    assert contrast(removed, whole, 120).high < 0


# --- How much noise a network bears, from observers whose thresholds are known -------


class Simulated:
    """A store of records that are given to it."""

    def __init__(self, records):
        self.record = records.__getitem__


def accuracy(threshold, level):
    """Of a simulated observer, by the formula and not by our function."""
    below = np.inf if level == 0 else 20 * np.log10(threshold / level)
    return 0.1 + (0.9 - LAPSE) * special.ndtr(below / SPREAD)


def observers(threshold, curve, seeds, random_seed, clean=None):
    """An arm of observers with one threshold, who have learnt as a curve says."""
    rng = np.random.default_rng(random_seed)
    run = RunSpec(test_images=IMAGES, test_noise_sds=LEVELS)
    records = {}
    for seed in range(seeds):
        right = {x: rng.random(IMAGES) < accuracy(threshold, x) for x in LEVELS}
        if clean is not None:
            right[0.0] = np.full(IMAGES, clean)
        records[run.with_seed(seed).name] = {
            "spec": {"test_images": IMAGES},
            "correct": {f"{x:g}": encode(each) for x, each in right.items()},
            "epochs": [{CLEAN: 0.9, MATCHED: each} for each in curve],
        }
    return Arm("observers", run, range(seeds), Simulated(records))


def control(seeds=8, **settings):
    return observers(50.0, [0.2, 0.4, 0.6, 0.6, 0.6, 0.6], seeds, 1, **settings)


def attended(seeds=8):
    return observers(100.0, [0.35, 0.6, 0.7, 0.75, 0.78, 0.80], seeds, 2)


def test_thresholds_of_simulated_observers_are_found():
    for arm, true in ((control(), 50.0), (attended(), 100.0)):
        together = uncertain_place.psychometric_function(arm)
        assert together.threshold == pytest.approx(true, rel=0.03)
        each = uncertain_place.thresholds(arm)
        assert each.shape == (8,)
        np.testing.assert_allclose(each, true, rtol=0.15)
        mean = uncertain_place.threshold(arm)
        assert mean.low < mean.value < mean.high
        assert mean.value == pytest.approx(np.exp(np.log(each).mean()))
        assert mean.basis == "8 networks"


@pytest.mark.parametrize(("seeds", "method"), [(8, "bootstrap over 8"), (4, "Student")])
def test_a_shift_of_six_decibels_is_found(seeds, method):
    found = uncertain_place.shift(attended(seeds), control(seeds))
    assert found.value == pytest.approx(SIX_DECIBELS, abs=0.5)
    assert found.low < SIX_DECIBELS < found.high
    assert (found.unit, found.basis) == ("dB", f"{seeds} pairs")
    assert method in found.method


def test_the_threshold_agrees_with_a_fit_by_hand():
    """Least squares on a fine grid, without the package's own fit."""
    levels, right = uncertain_place.right_in_noise(control())
    grid = np.geomspace(25, 100, 400)
    curves = np.array([[accuracy(each, x) for x in levels] for each in grid])
    best = grid[((curves - right.mean((0, 2))) ** 2).sum(1).argmin()]
    found = uncertain_place.psychometric_function(control()).threshold
    assert found == pytest.approx(best, rel=0.03)


def test_a_fit_leaves_out_images_without_noise():
    """Networks may be worse there than in a little noise, as no function can be."""
    levels, right = uncertain_place.right_in_noise(control())
    assert levels.tolist() == list(LEVELS[1:])
    assert right.shape == (8, 5, IMAGES)
    expected = [accuracy(50.0, level) for level in levels]
    np.testing.assert_allclose(right.mean((0, 2)), expected, atol=0.015)
    best, worst = (
        uncertain_place.threshold(control(clean=clean)) for clean in (True, False)
    )
    assert best == worst


def test_noise_at_equal_accuracy():
    """Observers that differ in their threshold only: twice the noise everywhere."""
    grid = np.geomspace(20, 320, 3_000)
    curve = np.array([accuracy(50, x) for x in grid])
    for asked in (0.75, 0.525, 0.3):
        sd = grid[np.abs(curve - asked).argmin()]
        borne = uncertain_place.noise_borne(control(), asked)
        np.testing.assert_allclose(borne, sd, rtol=0.15)
        found = uncertain_place.more_noise(attended(), control(), asked)
        assert found.value == pytest.approx(SIX_DECIBELS, abs=0.6)
        assert found.number.endswith(" dB")


def test_an_accuracy_that_a_network_has_at_no_level_is_refused():
    with pytest.raises(ValueError, match=r"Expected an accuracy from .*received 0.99"):
        uncertain_place.noise_borne(control(), 0.99)


# --- Sooner, or higher --------------------------------------------------------------


def test_sooner_by_hand():
    """The control ends at .6, which it reaches in epoch 3 and the other in epoch 2."""
    assert speed_up(attended(4), control(4)).value == pytest.approx(1.5)
    assert speed_up(control(4), control(4)).value == pytest.approx(1)


def test_what_the_last_epochs_still_add():
    assert late_gain(control(4)).value == pytest.approx(0)
    assert late_gain(attended(4)).value == pytest.approx(2)
    assert late_gain(attended(4), epochs=3).value == pytest.approx(10)


def test_whether_the_control_catches_up():
    """The lead is .1 after the third epoch and .2 after the last."""
    found = lead_change(attended(4), control(4), since=3)
    assert found.value == pytest.approx(10)
    assert lead_change(control(4), control(4), since=3).value == 0


@pytest.mark.slow
def test_a_run_comes_out_again():
    """The first epoch of one run, on the images of the learning curves.

    Within the spread of its arm: in another rounding, single images lead elsewhere. On
    28 x 28 pixels, a tenth of the work of 60 x 60.
    """
    arm = uncertain_place.on_canvas(uncertain_place.ENERGY, 28)
    run = arm.run.with_seed(2)
    short = {"epochs": 1, "test_images": run.curve_images, "test_noise_sds": ()}
    again = training.train(attrs.evolve(run, **short), progress=False)
    (epoch,) = again.record["epochs"]
    first = arm.curve()[:, 0]
    assert first.min() - 0.04 < epoch[MATCHED] < first.max() + 0.04
