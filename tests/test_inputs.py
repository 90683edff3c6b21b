"""What a network sees: images, order, noise and displays, in training and at test."""

import functools

import attrs
import numpy as np
import pytest
from scipy import stats
from tiny_study import SPECS

from utils.data import load_mnist
from utils.displays import Display
from utils.inputs import batches, displays_at_test, load_data
from utils.spec import RunSpec

changed = functools.partial(attrs.evolve, SPECS[1])


def epoch_of(spec, epoch=1):
    """All images of an epoch `(images, rows, cols)` and their labels."""
    parts = list(batches(spec, *load_mnist()[0], epoch))
    assert {images.dtype for images, _ in parts} == {np.dtype("float32")}
    images = np.concatenate([images.reshape(-1, 28, 28) for images, _ in parts])
    return images, np.concatenate([labels.ravel() for _, labels in parts])


@pytest.mark.parametrize("batch_size", [1, 300])
def test_the_arms_of_a_pair_see_the_same(batch_size):
    arms = [
        changed(batch_size=batch_size, images=1200, **arm)
        for arm in (
            {"attention": "as_coded"},
            {"attention": "ones"},
            {"attention": "top_n", "attention_parameters": {"n": 3}, "strength": 0.5},
        )
    ]
    for epoch in (1, 2):
        first, *others = ([*batches(arm, *load_mnist()[0], epoch)] for arm in arms)
        for images, labels in first:
            assert images.shape[1:] == (batch_size, 28, 28, 1)
            assert labels.shape == images.shape[:2]
        for other in others:
            for one, same in zip(first, other, strict=True):
                assert one[0].tobytes() == same[0].tobytes()
                assert one[1].tobytes() == same[1].tobytes()


def test_an_epoch_is_a_new_order_of_the_same_images():
    spec = changed(noise_sd=0.0, images=1200)
    (one, labels), (two, _) = epoch_of(spec, 1), epoch_of(spec, 2)
    flat = [images.reshape(len(images), -1) for images in (one, two)]
    assert not np.array_equal(*flat)
    np.testing.assert_array_equal(*(np.unique(images, axis=0) for images in flat))
    assert len(np.unique(flat[0], axis=0)) == 1200  # none twice
    fewer = epoch_of(attrs.evolve(spec, images=300))[0].reshape(300, -1)
    rows = {image.tobytes() for image in flat[0]}
    assert all(image.tobytes() in rows for image in fewer)
    (x_train, y_train), _ = load_mnist()
    label_of = {
        image.astype("float32").tobytes(): label
        for image, label in zip(x_train, y_train, strict=True)
    }
    assert [label_of[image.tobytes()] for image in one] == labels.tolist()


def test_all_images_are_used():
    spec = RunSpec(batch_size=32)
    labels = epoch_of(spec)[1]
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(load_mnist()[0][1]))


def test_noise_is_drawn_anew_and_scaled():
    def noise(sd=2.5, epoch=1, seed=0):
        noisy, clean = (
            epoch_of(changed(noise_sd=level, seed=seed), epoch)[0].astype("float64")
            for level in (sd, 0.0)
        )
        return (noisy - clean).ravel()

    first = noise()
    assert abs(first.std() - 2.5) < 4 * 2.5 / np.sqrt(2 * first.size)
    np.testing.assert_allclose(noise(sd=25.0), 10 * first, atol=1e-3)
    for other in (noise(epoch=2), noise(seed=1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(first.size)


def test_noise_may_vary_from_image_to_image():
    """Each has an SD of its own, uniform from 0 to the spec's."""
    spec = changed(noise_sd=20.0, noise_varies=True, images=500)
    clean = epoch_of(changed(noise_sd=0.0, images=500))[0].astype("float64")
    sds = (epoch_of(spec)[0] - clean).std(axis=(1, 2))
    assert stats.kstest(sds, "uniform", args=(0, 20)).pvalue > 0.01
    assert stats.kstest(sds, "uniform", args=(0, 25)).pvalue < 1e-6


def test_noise_may_lie_on_the_target_s_square_or_off_it():
    """Together they are the noise of the whole display; nothing else changes."""
    whole, on, off, none = (
        displays_of(attrs.evolve(SPEC, **changes))[0].reshape(-1, 44, 44)
        for changes in (
            *({"noise_lies": lies} for lies in ("everywhere", "on", "off")),
            {"noise_sd": 0.0},
        )
    )
    np.testing.assert_allclose(on + off - none, whole, atol=1e-3)
    for noisy, rest in zip(on != none, off != none, strict=True):
        rows, cols = (np.flatnonzero(noisy.any(axis)) for axis in (1, 0))
        assert np.ptp(rows) == np.ptp(cols) == 27
        assert not rest[np.ix_(rows, cols)].any()
        assert noisy.sum() == 28 * 28
        assert rest.sum() == 44 * 44 - 28 * 28


def test_contrast_may_vary_from_image_to_image():
    one = changed(noise_sd=0.0, images=500)
    (full, labels), (varied, same) = map(
        epoch_of, (one, attrs.evolve(one, contrast_varies=True))
    )
    np.testing.assert_array_equal(labels, same)
    share = varied.max((1, 2)) / full.max((1, 2))
    np.testing.assert_allclose(varied, share[:, None, None] * full, atol=1e-3)
    assert share.min() < 0.05
    assert share.max() > 0.95
    assert 0.45 < share.mean() < 0.55


def test_a_yoked_network_sees_another_display_in_as_much_noise():
    display = Display(rows=60, cols=60)
    spec = changed(
        attention="energy", display=display, noise_sd=120.0, noise_varies=True
    )
    own = list(batches(spec, *load_mnist()[0], 1))
    yoked = list(batches(attrs.evolve(spec, yoked=True), *load_mnist()[0], 1))
    for (images, labels), (inputs, same) in zip(own, yoked, strict=True):
        np.testing.assert_array_equal(inputs[0], images)  # the pair's displays stay
        np.testing.assert_array_equal(labels, same)
        both = images.reshape(-1, 60, 60), inputs[1].reshape(-1, 60, 60)
        sds = [np.median(np.abs(each), axis=(1, 2)) for each in both]
        assert np.corrcoef(*sds)[0, 1] > 0.99
        assert np.mean(both[0] == both[1]) < 0.01


# --- Displays --------------------------------------------------------------------

TRAIN = load_mnist()[0]
SPEC = RunSpec(
    display=Display(distractors=2), noise_sd=40.0, images=40, batch_size=4, seed=3
)


def displays_of(spec, number=1):
    inputs, labels = zip(*batches(spec, TRAIN[0], TRAIN[1], number), strict=True)
    return np.concatenate(inputs), np.concatenate(labels)


def test_the_arms_of_a_pair_see_the_same_displays_under_the_same_noise():
    one = displays_of(SPEC)
    other = displays_of(attrs.evolve(SPEC, attention="energy", learning_rate=1.0))
    assert one[0].shape == (10, 4, 44, 44, 1)
    assert (one[0] == other[0]).all()
    assert (one[1] == other[1]).all()
    given = list(batches(attrs.evolve(SPEC, attention="given"), TRAIN[0], TRAIN[1], 1))
    (images, maps), _ = given[0]
    assert (images == one[0]).all()
    assert maps.shape == (10, 4, 23, 23)


def test_displays_are_made_anew_for_every_epoch_and_seed():
    one = displays_of(attrs.evolve(SPEC, noise_sd=0.0))[0]
    for other in (
        displays_of(attrs.evolve(SPEC, noise_sd=0.0), 2)[0],
        displays_of(attrs.evolve(SPEC, noise_sd=0.0, seed=4))[0],
    ):
        assert (one != other).any()


def test_epochs_that_go_on_see_every_image_before_any_again():
    small = TRAIN[0][:120], TRAIN[1][:120]
    spec = attrs.evolve(SPEC, goes_on=True, display=None, noise_sd=0.0)

    def seen(number, spec):
        inputs = np.concatenate([x for x, _ in batches(spec, *small, number)])
        return {each.tobytes() for each in inputs.reshape(-1, 28 * 28)}

    parts = [seen(number, spec) for number in (1, 2, 3)]
    assert len(set.union(*parts)) == 120
    assert seen(4, spec) == parts[0]
    assert seen(2, attrs.evolve(spec, goes_on=False)) == parts[0]


# --- At test ---------------------------------------------------------------------


def at_test(spec, sd, count=600):
    parts = [*displays_at_test(spec, *load_mnist()[1], sd, count)]
    return np.concatenate([each.images for each in parts])[:count]


def test_every_level_of_noise_at_test_is_one_draw_scaled():
    clean, weak, strong = (at_test(changed(), sd) for sd in (0.0, 2.5, 25.0))
    np.testing.assert_array_equal(clean, load_mnist()[1][0][:600])
    np.testing.assert_allclose(strong - clean, 10 * (weak - clean), atol=1e-2)
    assert (at_test(changed(seed=1), 2.5) != weak).any()
    first = at_test(changed(), 25.0, 40)  # seen as they are among all
    np.testing.assert_array_equal(first, strong[:40])


def test_displays_at_test_are_the_same_for_every_seed():
    spec = changed(display=Display(second_digit=True))
    one, other = (at_test(attrs.evolve(spec, seed=seed), 0.0, 50) for seed in (0, 1))
    np.testing.assert_array_equal(one, other)


# --- Data ------------------------------------------------------------------------


def test_validation_images_are_not_trained_on():
    (x_fit, y_fit), (x_validation, _) = load_data(
        RunSpec(scored_on="validation", images=50_000)
    )
    assert len(x_fit) == len(y_fit) == 50_000
    fitted = {image.tobytes() for image in x_fit}
    assert not any(image.tobytes() in fitted for image in x_validation)
