"""Noise: the right amount of it, nothing else, and the same for the same seed."""

import re

import numpy as np
import pytest
from scipy import stats

from utils.data import load_mnist
from utils.noise import NOISES, add_noise, reduce_contrast, salt_and_pepper

SHAPES = [(6, 7), (1, 6, 7), (5, 6, 7), (5, 6, 7, 1), (1, 28, 28, 1), (0, 6, 7)]
every_noise = pytest.mark.parametrize("name", NOISES)


@pytest.fixture(scope="module")
def digits():
    """Return 1,000 test digits, uint8 of shape (1000, 28, 28), read-only."""
    return load_mnist()[1][0][:1000]


def seeded(seed=0):
    return np.random.default_rng(seed)


def grey_levels(shape, dtype=np.uint8):
    return seeded(9).integers(0, 256, shape).astype(dtype)


# --- What every noise has in common ----------------------------------------------


def test_every_noise_says_what_it_is():
    functions = {noise.apply for noise in NOISES.values()}
    assert functions >= {add_noise, salt_and_pepper, reduce_contrast}
    assert len({noise.label for noise in NOISES.values()}) == len(NOISES)
    for noise in NOISES.values():
        assert noise.unit
        assert 0 < noise.maximum < np.inf
        assert noise.meaning.endswith(".")
        assert "\n" not in noise.meaning


@every_noise
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, "f4", ">f8"])
@pytest.mark.parametrize("shape", SHAPES)
def test_level_0_is_the_identity(name, shape, dtype):
    images = grey_levels(shape, dtype)
    for level in (0, 0.0, -0.0, np.float32(0)):
        same = NOISES[name].apply(images, level, seeded())
        assert same.dtype == np.float32
        assert same.shape == images.shape
        assert same.tobytes() == images.astype(np.float32).tobytes()


@every_noise
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_input_stays_as_it_was(name, dtype):
    images = grey_levels((5, 6, 7), dtype)
    before = images.copy()
    for level in (0, NOISES[name].maximum / 2):
        noisy = NOISES[name].apply(images, level, seeded())
        assert not np.shares_memory(noisy, images)
        noisy[:] = -1
        np.testing.assert_array_equal(images, before)


@every_noise
def test_the_same_seed_gives_the_same_bits(name, digits):
    noise = NOISES[name]
    first, again, other = (
        noise.apply(digits, noise.maximum / 2, seeded(seed)) for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert np.array_equal(first, other) == (name == "contrast")


@every_noise
def test_every_level_takes_the_same_from_the_generator(name, digits):
    """So that two levels of one seed differ in strength alone."""
    after = []
    for level in np.linspace(0, NOISES[name].maximum, 4):
        rng = seeded()
        NOISES[name].apply(digits, level, rng)
        after.append(rng.bit_generator.state["state"])
    assert all(state == after[0] for state in after)


@every_noise
def test_a_channel_axis_makes_no_difference(name, digits):
    noise = NOISES[name]
    level = noise.maximum / 3
    flat = noise.apply(digits, level, seeded())
    with_channel = noise.apply(digits[..., None], level, seeded())
    np.testing.assert_array_equal(with_channel[..., 0], flat)
    one = noise.apply(digits[0], level, seeded())
    np.testing.assert_array_equal(one, noise.apply(digits[:1], level, seeded())[0])


@every_noise
@pytest.mark.parametrize(
    "level", [-1, -1e-9, np.nan, np.inf, "2.5", None, [1.0], True, 1j]
)
def test_a_level_that_is_not_a_finite_number_of_at_least_0_is_refused(name, level):
    said = re.escape(str(level))
    with pytest.raises(ValueError, match=f"(sd|fraction|removed).*{said}"):
        NOISES[name].apply(grey_levels((6, 7)), level, seeded())


@pytest.mark.parametrize("name", ["salt_and_pepper", "contrast"])
def test_a_share_is_1_at_most(name):
    with pytest.raises(ValueError, match=r"from 0 to 1.*1\.0000001"):
        NOISES[name].apply(grey_levels((6, 7)), 1.0000001, seeded())


@every_noise
@pytest.mark.parametrize("rng", [0, None, np.random, np.random.RandomState(0)])
def test_only_generators_make_noise(name, rng):
    with pytest.raises(ValueError, match=r"rng.*default_rng\(seed\)"):
        NOISES[name].apply(grey_levels((6, 7)), 0.5, rng)


@every_noise
@pytest.mark.parametrize("dtype", [bool, str, object, complex])
def test_images_are_numbers(name, dtype):
    with pytest.raises(ValueError, match=r"grey levels as numbers.*Received"):
        NOISES[name].apply(grey_levels((6, 7)).astype(dtype), 0.5, seeded())


@every_noise
@pytest.mark.parametrize(
    "shape", [(), (7,), (5, 6, 7, 3), (2, 5, 6, 7, 1), (28, 28, 1)], ids=str
)
def test_an_array_of_another_shape_than_images_is_refused(name, shape):
    words = re.escape(f"of shape {shape}")
    with pytest.raises(ValueError, match=rf"{words}.*images\[\.\.\., 0\]"):
        NOISES[name].apply(grey_levels(shape), 0.5, seeded())


# --- Gaussian noise --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_gaussian_noise_is_the_image_plus_sd_times_z(dtype):
    images = grey_levels((5, 6, 7), dtype)
    z = seeded().standard_normal(images.shape, dtype=np.float32).astype(np.float64)
    np.testing.assert_allclose(
        add_noise(images, 2.5, seeded()), images + 2.5 * z, rtol=1e-6, atol=1e-5
    )


def test_gaussian_noise_is_not_clipped(digits):
    noisy = add_noise(digits, 50.0, seeded())
    assert noisy.min() < -100
    assert noisy.max() > 355


def test_the_published_noise_is_invisible(digits):
    """At SD 2.5, one pixel in 36 changes by more than 5 of 255 grey levels."""
    changed = np.abs(np.round(add_noise(digits, 2.5, seeded())) - digits) > 5
    expected = 2 * stats.norm.sf(5.5 / 2.5)
    standard_error = np.sqrt(expected * (1 - expected) / digits.size)
    assert abs(changed.mean() - expected) < 4 * standard_error
    assert round(1 / expected) == 36


# --- Salt and pepper -------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.001, 0.2, 0.5, 1.0])
def test_salt_and_pepper_replaces_the_share_it_should(fraction):
    grey = np.full((1000, 28, 28), 100, np.uint8)
    noisy = salt_and_pepper(grey, fraction, seeded(4))
    assert set(np.unique(noisy)) <= {0.0, 100.0, 255.0}
    half = fraction / 2
    for replaced in (noisy == 0, noisy == 255):
        standard_error = np.sqrt(half * (1 - half) / grey.size)
        assert abs(replaced.mean() - half) < 4 * standard_error
    assert fraction < 1 or not (noisy == 100).any()


def test_salt_and_pepper_leaves_the_other_pixels_alone(digits):
    noisy = salt_and_pepper(digits, 0.3, seeded())
    kept = noisy == digits
    assert np.isin(noisy[~kept], [0, 255]).all()
    assert kept.mean() > 0.7  # many digits' pixels are black before


def test_a_larger_share_contains_the_smaller():
    grey = np.full((50, 28, 28), 100, np.uint8)
    fewer = salt_and_pepper(grey, 0.1, seeded()) != 100
    more = salt_and_pepper(grey, 0.4, seeded()) != 100
    assert fewer.any()
    assert not (fewer & ~more).any()


# --- Contrast --------------------------------------------------------------------


def test_contrast_by_hand():
    image = np.array([[0, 100], [200, 100]])  # mean 100
    np.testing.assert_array_equal(
        reduce_contrast(image, 0.25, seeded()), [[25, 100], [175, 100]]
    )
    np.testing.assert_array_equal(reduce_contrast(image, 1, seeded()), [[100] * 2] * 2)


@pytest.mark.parametrize("removed", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("channels", [False, True])
def test_contrast_shrinks_around_each_image_s_mean(digits, removed, channels):
    images = digits[..., None] if channels else digits
    faint = reduce_contrast(images, removed, seeded()).reshape(1000, -1)
    digits = digits.reshape(1000, -1)
    np.testing.assert_allclose(faint.mean(1, dtype="f8"), digits.mean(1), rtol=1e-6)
    left = faint.std(axis=1, dtype="f8") / digits.std(axis=1)  # RMS contrast
    np.testing.assert_allclose(left, 1 - removed, rtol=1e-5)


def test_without_contrast_each_image_is_its_mean(digits):
    blank = reduce_contrast(digits, 1, seeded())
    assert np.ptp(blank, axis=(1, 2)).max() == 0
    np.testing.assert_allclose(blank[:, 0, 0], digits.mean(axis=(1, 2)), rtol=1e-6)


def test_a_uniform_image_has_no_contrast_to_lose():
    grey = np.full((3, 6, 7), 93, np.uint8)
    for removed in (0.1, 1 / 3, 0.7, 1):
        np.testing.assert_allclose(reduce_contrast(grey, removed, seeded()), 93)
