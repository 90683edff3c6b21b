"""Arms and how two of them compare, by hand, on records whose accuracies are known."""

import attrs
import numpy as np
import pytest
from invented import save
from tiny_study import SPECS

from utils.runs.arms import (
    CLEAN,
    MATCHED,
    Arm,
    alike,
    contrast,
    contrast_after_an_epoch,
)
from utils.runs.store import Store
from utils.spec import RunSpec

RUN = RunSpec(noise_sd=2.5, epochs=1, test_images=1_000, test_noise_sds=(0.0, 2.5))


@pytest.fixture
def invent(tmp_path):
    """Return a function: an arm of made-up runs, each .001 better than the last."""

    def invent(kind, clean, noisy, seeds=range(10)):
        arm = Arm(kind, attrs.evolve(RUN, attention=kind), seeds, Store(tmp_path))
        rng = np.random.default_rng(0)
        for run in arm.specs:
            shares = [share + run.seed / 1000 for share in (clean, noisy)]
            right = {
                sd: rng.permutation(1000) < round(1000 * share)
                for sd, share in zip((0.0, 2.5), shares, strict=True)
            }
            epoch = dict(zip((CLEAN, MATCHED), shares, strict=True))
            save(arm.store, run, right=right, epochs=[epoch])
        return arm

    return invent


@pytest.fixture
def arm(invent):
    return invent("as_coded", 0.8, 0.7)


@pytest.fixture
def control(invent):
    return invent("ones", 0.5, 0.7)


# --- Arms ------------------------------------------------------------------------


def test_an_arm_is_its_runs_records_and_weights(tiny):
    arm = Arm("control", SPECS[1], range(2), tiny)
    assert arm.specs == [SPECS[1], SPECS[3]]
    assert arm.records == [tiny.record(run.name) for run in arm.specs]
    assert arm.levels.tolist() == list(SPECS[1].test_noise_sds)
    for seed, name in enumerate(run.name for run in arm.specs):
        expected = tiny.weights(name)
        for layer, weight in arm.weights(seed).items():
            np.testing.assert_array_equal(weight, expected[layer])
    assert arm.curve(CLEAN).shape == (2, 12)
    assert arm.right(20.0).shape == (2, 40)
    np.testing.assert_allclose(arm.accuracy(0.0), arm.curve(CLEAN)[:, -1])
    np.testing.assert_allclose(arm.accuracy(2.5), arm.curve(MATCHED)[:, -1])


def test_an_arm_whose_runs_are_not_finished_has_no_accuracy(tmp_path):
    arm = Arm("control", RUN, range(2), Store(tmp_path))
    with pytest.raises(FileNotFoundError, match="No record"):
        arm.accuracy(0.0)


# --- Contrasts -------------------------------------------------------------------


def test_a_contrast_by_hand(arm, control):
    found = contrast(arm, control, 0.0)
    assert found.value == pytest.approx(30)  # points; all pairs differ alike
    assert found.low < 30 < found.high  # other images
    assert found.p == pytest.approx(2 / 2**10)
    assert str(found).startswith("+30.0 points (95% interval +2")
    assert str(found).endswith(", 10 pairs)")
    none = contrast(arm, control, 2.5)
    assert none.value == pytest.approx(0, abs=1e-9)
    assert none.p == 1
    turned = contrast(control, arm, 0.0)
    assert turned[:3] == pytest.approx((-found.value, -found.high, -found.low))


def test_few_pairs_have_a_wider_interval(invent, arm, control):
    few = contrast(invent("as_coded", 0.8, 0.7, range(3)), control, 0.0)
    assert (few.basis, few.p) == ("3 pairs", 2 / 2**3)
    all_pairs = contrast(arm, control, 0.0)
    assert few.value == pytest.approx(all_pairs.value)
    assert few.low < all_pairs.low < all_pairs.high < few.high


def test_a_contrast_after_an_epoch_by_hand(arm, control):
    found = contrast_after_an_epoch(arm, control, CLEAN)
    assert found[:3] == pytest.approx((30, 30, 30))
    assert contrast_after_an_epoch(arm, control).value == pytest.approx(0)


def test_arms_that_differ_by_less_than_a_margin_are_alike(arm, control):
    assert alike(arm, control, 2.5, 1.0).equivalent
    assert not alike(arm, control, 0.0, 1.0).equivalent


def test_arms_with_other_seeds_are_not_paired(invent, control):
    shifted = invent("as_coded", 0.8, 0.7, range(1, 11))
    for compare in (contrast, alike):
        with pytest.raises(ValueError, match="the same seeds"):
            compare(shifted, control, 0.0, *([1.0] if compare is alike else []))
