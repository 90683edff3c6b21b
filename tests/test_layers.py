"""The layers: what runs against what is read, answers by hand, and the noise."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import reference
from keras import ops

from utils.kernels import convolve, convolve_few_channels
from utils.layers import (
    Attend,
    Convolution,
    LocalResponseNormalization,
    MaxPool,
    TrainingNoise,
)
from utils.wiring import InternalNoise

KERNELS = [  # shapes of an input and a kernel
    ((2, 30, 30, 1), (3, 3, 1, 32)),  # conv_1
    ((2, 17, 17, 32), (3, 3, 32, 32)),  # conv_2
    ((3, 6, 11, 7), (2, 5, 7, 3)),
    ((1, 9, 6, 9), (1, 4, 9, 2)),
    ((2, 4, 5, 12), (1, 1, 12, 3)),
    ((2, 5, 3, 8), (5, 3, 8, 1)),
]
NORMALISATIONS = [  # channels, settings
    (32, {}),
    (1, {}),
    (2, {"n": 7, "alpha": 0.1}),
    (5, {"n": 3, "alpha": 0.5}),
    (7, {"k": 1.0, "n": 1, "alpha": 2.0}),
]
LAYERS = [
    Convolution(4, (2, 3), activation="relu"),
    Convolution(4, 3, use_bias=False),
    MaxPool(name="a_pool"),
    LocalResponseNormalization(k=1.5, n=3, alpha=0.25),
    TrainingNoise(2.5, seed=3),
    TrainingNoise(0),
    Attend(name="an_attend"),
    InternalNoise(1.5),
]
BLANK = np.zeros((200, 28, 28, 1), "float32")


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 30, shape).astype("float32")


def value_and_gradients(function):
    """Compiled: the value, and its weighted sum's gradient for each array."""

    def both(weights, *arrays):
        value, pull = jax.vjp(function, *arrays)
        return value, *pull(weights)

    return jax.jit(both)


def assert_same(fast, formula, *shapes):
    arrays = [drawn(*shape, seed=i) for i, shape in enumerate(shapes)]
    weights = drawn(*jax.eval_shape(formula, *arrays).shape, seed=9)
    received, expected = (
        value_and_gradients(form)(weights, *arrays) for form in (fast, formula)
    )
    for ours, theirs in zip(received, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * jnp.abs(theirs).max())


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_every_layer_survives_its_configuration(layer):
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


# --- Convolution -----------------------------------------------------------------


@pytest.mark.parametrize("function", [convolve, convolve_few_channels])
@pytest.mark.parametrize("shapes", KERNELS, ids=str)
def test_both_convolutions_are_keras_own(function, shapes):
    assert_same(function, ops.conv, *shapes)


def test_convolution_by_hand():
    """It correlates, as Keras does: the kernel is not flipped."""
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None, None]
    for function in (convolve, convolve_few_channels, reference.convolve):
        out = np.asarray(function(x, kernel))[0, ..., 0]
        np.testing.assert_array_equal(out, [[27, 37], [57, 67]])


@pytest.mark.parametrize("shapes", KERNELS[:2], ids=str)
def test_the_layer_is_keras_own(shapes):
    x = drawn(*shapes[0])
    settings = {"activation": "relu", "bias_initializer": "normal"}
    theirs = keras.layers.Conv2D(32, 3, **settings)
    expected = theirs(x)
    ours = Convolution(32, 3, **settings)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"strides": 2},
        {"strides": (1, 2)},
        {"dilation_rate": 2},
        {"groups": 2},
        {"padding": "same"},
        {"data_format": "channels_first"},
    ],
    ids=str,
)
def test_convolution_refuses_what_it_lacks(settings):
    keras.layers.Conv2D(4, 3, **settings)
    message = rf"Expected strides 1, .*'{next(iter(settings))}'.*keras\.layers\.Conv2D"
    with pytest.raises(ValueError, match=message):
        Convolution(4, 3, **settings)


# --- MaxPool ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [(3, 3), (4, 3), (5, 8), (17, 40)], ids=str)
def test_pooling_is_its_formula(size):
    """To the bit, with ties and without, and below 0, where zeros of padding show.

    Of whole numbers, so that sums are exact in any order.
    """
    rng = np.random.default_rng(0)
    fast, formula = map(value_and_gradients, (MaxPool(), MaxPool.formula))
    weights = np.ones((2, (size[0] - 1) // 2, (size[1] - 1) // 2, 3), "float32")
    weights *= rng.integers(1, 100, weights.shape)
    for levels in (1, 2, 4, 10**6):
        x = -rng.integers(1, levels + 1, (2, *size, 3)).astype("float32")
        (value, gradient), expected = fast(weights, x), formula(weights, x)
        np.testing.assert_array_equal(value, reference.max_pool(x))
        np.testing.assert_array_equal(value, expected[0])
        np.testing.assert_array_equal(gradient, expected[1])
        assert gradient.sum() == weights.sum()


def test_gradient_of_equal_places_by_hand():
    x = np.array([[0, 7, 0], [7, 7, 0], [0, 0, 0.0]]).reshape(1, 3, 3, 1)
    for form in (MaxPool(), MaxPool.formula):
        _, gradient = value_and_gradients(form)(np.ones((1, 1, 1, 1)), x)
        expected = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
        np.testing.assert_array_equal(gradient[0, ..., 0], expected)


# --- LocalResponseNormalization --------------------------------------------------


@pytest.mark.parametrize(("channels", "settings"), NORMALISATIONS, ids=str)
def test_normalisation_is_its_formula(channels, settings):
    layer = LocalResponseNormalization(**settings)
    assert_same(layer, layer.formula, (2, 3, 4, channels))


@pytest.mark.parametrize("form", ["__call__", "formula"])
def test_normalisation_by_hand(form):
    """Three channels 1, 2, 3: divide 2 by (2 + 1 + 4 + 9) ^ 0.75 = 8, for example."""

    def check(x, expected, **settings):
        normalise = getattr(LocalResponseNormalization(**settings), form)
        out = normalise(np.array(x, "float32").reshape(1, 1, 1, -1))
        np.testing.assert_allclose(np.ravel(out), expected, rtol=1e-6)

    check([1, 2, 3], [1 / 7**0.75, 2 / 8, 3 / 15**0.75], k=2, n=3, alpha=1)
    check([1] * 7, np.array([3, 4, 5, 5, 5, 4, 3]) ** -0.75, k=0, n=5, alpha=1)
    check([100], [100 / 3**0.75])
    check([-1, 5], np.array([-1, 5]) / 2**0.75, alpha=0)
    check([-1, 5], [-1, 5], k=1, alpha=0)


@pytest.mark.parametrize("n", [0, 2, 4, -1])
def test_an_even_number_of_neighbours_has_no_middle(n):
    with pytest.raises(ValueError, match=f"odd number of channels n, received {n}"):
        LocalResponseNormalization(n=n)


# --- Attend ----------------------------------------------------------------------


@pytest.mark.parametrize("border", [0, 1, 2])
def test_attention_multiplies_every_channel_by_the_gain(border):
    def multiply(features, gain):
        around = ((0, 0), (border, border), (border, border))
        return features * jnp.pad(gain, around)[..., None]

    features, gain = (2, 5 + 2 * border, 4 + 2 * border, 3), (2, 5, 4)
    assert_same(Attend(), multiply, features, gain)
    padded = reference.pad(drawn(*gain, 3), border)
    unchanged = Attend()(padded, np.ones(gain, "float32"))
    np.testing.assert_array_equal(unchanged, padded)


# --- TrainingNoise ---------------------------------------------------------------


def test_the_same_seed_gives_the_same_noise_and_each_call_another():
    layer, same, other = (TrainingNoise(2.5, seed=seed) for seed in (1, 1, 2))
    layer.build(BLANK.shape)
    draw = jax.jit(lambda state: layer.stateless_call([], state, BLANK, training=True))
    state, before = [v.value for v in layer.non_trainable_variables], BLANK
    for _ in range(3):
        compiled, state = draw(state)
        noise = np.asarray(same(BLANK, training=True))
        np.testing.assert_allclose(compiled, noise, rtol=1e-5, atol=1e-6)
        for another in (before, other(BLANK, training=True)):
            assert (noise != another).mean() > 0.99
        before = noise


@pytest.mark.parametrize("sd", [-1, -1e-9, np.nan, np.inf, "2.5", None, [1.0], 1j])
def test_an_impossible_sd_of_noise_is_refused(sd):
    with pytest.raises(ValueError, match=r"noise_sd.*finite number of at least 0"):
        TrainingNoise(sd)


def test_internal_noise_is_an_image_s_own_and_the_same_each_time():
    """Of SD `sd` at every place and channel, in training and at test."""
    x = drawn(20, 12, 12, 8)
    noise = np.asarray(InternalNoise(3.0)(x)) - x
    np.testing.assert_allclose(noise.std((1, 2, 3)), 3.0, rtol=0.1)
    assert abs(noise.mean()) < 0.1
    between = np.corrcoef(noise.reshape(20, -1)) - np.eye(20)
    assert abs(between).max() < 0.15
    again = InternalNoise(3.0)(x[::-1], training=True)
    np.testing.assert_array_equal(np.asarray(again)[::-1] - x, noise)
    np.testing.assert_array_equal(InternalNoise(0.0)(x), x)
