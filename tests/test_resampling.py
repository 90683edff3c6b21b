"""The bootstrap over seeds and images: against exact moments, limits, coverage."""

import numpy as np
import pytest
from scipy import stats

from utils.resampling import difference_over_seeds_and_images, resampled_accuracies


def test_moments_are_those_of_the_crossed_design():
    """With counts S of seeds and I of images, both multinomial, E[S S'] is
    identity + (1 - 1/n) everywhere, so the variance is known exactly."""
    right = np.random.default_rng(0).random((8, 15)) < np.linspace(0.1, 1, 15)
    means = resampled_accuracies(right, 40_000, np.random.default_rng(1))
    seeds, images = (np.eye(n) + (1 - 1 / n) for n in right.shape)
    second = np.einsum("ij,ik,kl,jl", right, seeds, right, images) / right.size**2
    variance = second - right.mean() ** 2
    assert means.mean() == pytest.approx(right.mean(), abs=4 * np.sqrt(variance / 4e4))
    assert means.var() == pytest.approx(variance, rel=0.03)


def test_the_axes_between_share_the_draws():
    rng = np.random.default_rng(2)
    right = rng.random((9, 3, 2, 50)) < 0.7
    right[:, 2] = right[:, 0]
    means = resampled_accuracies(right, 250, rng)
    assert means.shape == (250, 3, 2)
    assert (means[:, 2] == means[:, 0]).all()
    assert (means[:, 1] != means[:, 0]).any()


def test_always_right_stays_right():
    means = resampled_accuracies(np.ones((8, 30), bool), 20, np.random.default_rng(3))
    assert (means == 1).all()


def test_each_axis_alone_has_its_own_spread():
    """Where all images are alike, only seeds vary; where all seeds are, images."""
    seeds = np.random.default_rng(4).random((40, 1)) < 0.7
    images = np.random.default_rng(5).random((1, 900)) < 0.7
    for right, n in ((np.repeat(seeds, 900, 1), 40), (np.repeat(images, 40, 0), 900)):
        means = resampled_accuracies(right, 4000, np.random.default_rng(6))
        p = right.mean()
        assert means.std() == pytest.approx(np.sqrt(p * (1 - p) / n), rel=0.05)


def test_the_interval_of_a_difference_covers_it():
    """Nominal 95%: a little less with few seeds, more where nothing but the single
    answers varies. The two arms here differ in nothing, so the truth is 0."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        hard = rng.normal(1, 1, size=200)
        arm, control = (
            rng.normal(0, 0.4, size=(10, 1)) + rng.normal(size=(10, 200)) < hard
            for _ in range(2)
        )
        found = difference_over_seeds_and_images(arm, control, resamples=300)
        hits += found.low <= 0 <= found.high
    lowest, _ = stats.binom.interval(0.998, 200, 0.92)
    _, highest = stats.binom.interval(0.998, 200, 0.97)
    assert lowest <= hits <= highest


def test_what_the_arms_share_cancels():
    """Seeds and images that are easy for both arms do not widen the interval."""
    rng = np.random.default_rng(8)
    control = (rng.random((12, 1)) < 0.6) & (rng.random((1, 400)) < 0.6)
    arm = control.copy()
    arm[:, rng.choice(400, 20, replace=False)] = True
    found = difference_over_seeds_and_images(arm, control)
    alone = resampled_accuracies(control, 500, rng).std()
    assert 0 < found.low < found.value < found.high
    assert (found.high - found.low) / 4 < alone / 3
    assert found.method == "bootstrap over 12 seeds and 400 images"


def test_identical_arms_differ_by_exactly_nothing():
    right = np.random.default_rng(9).random((8, 100)) < 0.8
    assert difference_over_seeds_and_images(right, right)[:3] == (0, 0, 0)


def test_swapped_arms_swap_the_ends():
    arm, control = np.random.default_rng(10).random((2, 8, 100)) < 0.8
    found = difference_over_seeds_and_images(arm, control)
    mirrored = difference_over_seeds_and_images(control, arm)
    np.testing.assert_allclose(found[:3], [-mirrored[i] for i in (0, 2, 1)])


def test_the_same_seed_draws_the_same_resamples():
    arm, control = np.random.default_rng(11).random((2, 8, 100)) < 0.8
    found = difference_over_seeds_and_images(arm, control, seed=1)
    assert found == difference_over_seeds_and_images(arm, control, seed=1)
    assert found != difference_over_seeds_and_images(arm, control, seed=2)


@pytest.mark.parametrize(
    "shapes", [((8, 10), (8, 11)), ((10,), (10,)), ((8, 2, 5),) * 2]
)
def test_arms_of_other_shapes_are_refused(shapes):
    arm, control = (np.ones(shape, bool) for shape in shapes)
    with pytest.raises(ValueError, match=r"both \(seeds, images\), received \("):
        difference_over_seeds_and_images(arm, control)


@pytest.mark.parametrize(
    "right", [np.ones((7, 10), bool), np.ones((8, 10)), np.ones(10, bool)]
)
def test_few_seeds_and_what_is_not_right_or_wrong_are_refused(right):
    with pytest.raises(ValueError, match=r"8 seeds or more, received .*paired_differe"):
        resampled_accuracies(right, 10, np.random.default_rng(12))
