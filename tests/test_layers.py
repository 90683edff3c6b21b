"""The layers: NumPy's answer, Keras' and JAX' where they have one, and gradients."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import reference

from utils.layers import (
    Attend,
    Convolution,
    LocalResponseNormalization,
    MaxPool,
    TrainingNoise,
    convolve,
    convolve_few_channels,
)

KERNELS = [  # rows, cols and channels of the input, kernel, channels of the output
    (30, 30, 1, (3, 3), 32),  # conv_1
    (17, 17, 32, (3, 3), 32),  # conv_2
    (8, 9, 1, (3, 3), 4),
    (6, 11, 7, (2, 5), 3),
    (7, 7, 8, (3, 3), 5),
    (9, 6, 9, (1, 4), 2),
    (4, 5, 12, (1, 1), 3),
    (5, 3, 8, (5, 3), 1),
]
SIZES = [(3, 3), (4, 3), (5, 8), (28, 28), (17, 40)]
LAYERS = [
    (Convolution, {"filters": 4, "kernel_size": (2, 3), "activation": "relu"}),
    (Convolution, {"filters": 4, "kernel_size": 3, "use_bias": False}),
    (MaxPool, {"name": "a_pool"}),
    (LocalResponseNormalization, {"k": 1.5, "n": 3, "alpha": 0.25}),
    (TrainingNoise, {"sd": 2.5, "seed": 3}),
    (TrainingNoise, {"sd": 0}),
    (Attend, {"name": "an_attend"}),
]

every_kernel = pytest.mark.parametrize("case", KERNELS, ids=str)
every_size = pytest.mark.parametrize("size", SIZES, ids=str)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def float32(*arrays):
    return [jnp.asarray(array, "float32") for array in arrays]


def gradients(function, arrays, weights):
    """Of `sum(weights * function(*arrays))` with respect to each array."""

    def total(*arrays):
        return jnp.sum(function(*arrays) * weights)

    return jax.jit(jax.grad(total, range(len(arrays))))(*float32(*arrays))


def check_gradients(function, by_numpy, *arrays, tolerance=1e-4):
    """Each element of each gradient, against differences of the float64 function."""
    weights = normal(*by_numpy(*arrays).shape, seed=8)
    for i, received in enumerate(gradients(function, arrays, float32(weights)[0])):

        def total(x, i=i):
            return (weights * by_numpy(*arrays[:i], x, *arrays[i + 1 :])).sum()

        expected = reference.slopes(total, arrays[i])
        largest = np.abs(expected).max()
        np.testing.assert_allclose(received, expected, atol=tolerance * largest)


# --- What every layer has in common ----------------------------------------------


@pytest.mark.parametrize(("kind", "settings"), LAYERS)
def test_every_layer_survives_its_configuration(kind, settings):
    layer = kind(**settings)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again) is kind
    assert again.get_config() == layer.get_config()


# --- Convolution -----------------------------------------------------------------


def test_convolution_by_hand():
    """It correlates, as Keras does: the kernel is not flipped."""
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None, None]
    for function in (convolve, convolve_few_channels, reference.convolve):
        out = np.asarray(function(x, kernel))[0, ..., 0]
        np.testing.assert_array_equal(out, [[27, 37], [57, 67]])


@every_kernel
@pytest.mark.parametrize("function", [convolve, convolve_few_channels])
def test_both_convolutions_are_numpy_s(function, case):
    rows, cols, n_in, kernel, n_out = case
    x, kernel = normal(2, rows, cols, n_in), normal(*kernel, n_in, n_out, seed=1)
    received = jax.jit(function)(*float32(x, kernel))
    np.testing.assert_allclose(received, reference.convolve(x, kernel), atol=1e-4)


@pytest.mark.parametrize("case", KERNELS[:2], ids=str)
def test_convolution_is_that_of_keras(case):
    rows, cols, n_in, kernel, n_out = case
    (x,) = float32(normal(2, rows, cols, n_in))
    settings = {"activation": "relu", "bias_initializer": "normal"}
    ours = Convolution(n_out, kernel, **settings)
    theirs = keras.layers.Conv2D(n_out, kernel, **settings)
    expected = theirs(x)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)


@pytest.mark.parametrize("case", KERNELS[2:], ids=str)
@pytest.mark.parametrize("function", [convolve, convolve_few_channels])
def test_gradients_of_convolution(function, case):
    rows, cols, n_in, kernel, n_out = case
    x, kernel = normal(2, rows, cols, n_in), normal(*kernel, n_in, n_out, seed=1)
    check_gradients(function, reference.convolve, x, kernel)


@pytest.mark.parametrize("case", KERNELS[:2], ids=str)
@pytest.mark.parametrize("function", [convolve, convolve_few_channels])
def test_gradients_of_convolution_are_those_of_jax(function, case):
    def of_jax(x, kernel):
        dimensions = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "VALID", dimension_numbers=dimensions
        )

    rows, cols, n_in, kernel, n_out = case
    arrays = float32(normal(2, rows, cols, n_in), normal(*kernel, n_in, n_out, seed=1))
    (weights,) = float32(normal(*of_jax(*arrays).shape, seed=2))
    expected = gradients(of_jax, arrays, weights)
    for received, wanted in zip(
        gradients(function, arrays, weights), expected, strict=True
    ):
        np.testing.assert_allclose(received, wanted, atol=1e-5 * jnp.abs(wanted).max())


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
    with pytest.raises(
        ValueError, match=r"Expected strides 1, .*keras\.layers\.Conv2D"
    ):
        Convolution(4, 3, **settings)


# --- MaxPool ---------------------------------------------------------------------


def pool_of_jax(x):
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID"
    )


@every_size
def test_pooling_is_numpy_s_and_jax_s(size):
    """Below 0 too, where padding with zeros would show."""
    (x,) = float32(normal(2, *size, 3) - 5)
    pooled = jax.jit(MaxPool())(x)
    assert pooled.shape == (2, (size[0] - 1) // 2, (size[1] - 1) // 2, 3)
    np.testing.assert_array_equal(pooled, reference.max_pool(np.asarray(x)))
    np.testing.assert_array_equal(pooled, pool_of_jax(x))


@every_size
def test_gradient_of_pooling(size):
    """JAX's, but that of equal places the first of the leftmost column has it.

    JAX gives it to the leftmost of the first row: the same on transposed images.
    Of whole numbers, so that sums are exact in any order.
    """
    rng = np.random.default_rng(0)
    shape = (2, *size, 3)
    weights = jnp.ones((2, (size[0] - 1) // 2, (size[1] - 1) // 2, 3))
    weights *= rng.integers(1, 100, weights.shape)

    def pool_by_columns(x):
        return pool_of_jax(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)

    ours, theirs = (
        jax.jit(jax.grad(lambda x, pool=pool: jnp.sum(weights * pool(x))))
        for pool in (MaxPool(), pool_by_columns)
    )
    no_ties = rng.permutation(np.prod(shape)).reshape(shape) - 50
    for x in (no_ties, *(rng.integers(0, levels, shape) for levels in (1, 2, 4))):
        received = ours(*float32(x))
        np.testing.assert_array_equal(received, theirs(*float32(x)))
        assert received.sum() == weights.sum()


def test_gradient_of_equal_places_by_hand():
    x = np.array([[0, 7, 0], [7, 7, 0], [0, 0, 0]]).reshape(1, 3, 3, 1)
    received = gradients(MaxPool(), [x], np.ones((1, 1, 1, 1)))[0][0, ..., 0]
    np.testing.assert_array_equal(received, [[0, 0, 0], [1, 0, 0], [0, 0, 0]])


# --- LocalResponseNormalization --------------------------------------------------


def test_normalisation_by_hand():
    """Three channels 1, 2, 3: divide 2 by (2 + 1 + 4 + 9) ^ 0.75 = 8, for example."""
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    out = LocalResponseNormalization(k=2, n=3, alpha=1)(x)
    expected = [1 / 7**0.75, 2 / 8, 3 / 15**0.75]
    np.testing.assert_allclose(np.ravel(out), expected, rtol=1e-6)
    out = LocalResponseNormalization()(np.full((1, 1, 1, 1), 100.0))
    np.testing.assert_allclose(np.ravel(out), 100 / 3**0.75, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 5, 32])
@pytest.mark.parametrize("n", [1, 3, 5, 7])
def test_normalisation_is_numpy_s(channels, n):
    x = 100 * normal(2, 3, 4, channels)
    for settings in ({}, {"k": 1.0, "alpha": 0.5}):
        out = LocalResponseNormalization(n=n, **settings)(*float32(x))
        expected = reference.normalise(x, n=n, **settings)
        np.testing.assert_allclose(out, expected, rtol=1e-5)


def test_normalisation_without_neighbours():
    (x,) = float32(normal(2, 3, 4, 6))
    np.testing.assert_allclose(
        LocalResponseNormalization(k=2, alpha=0)(x), x / 2**0.75, rtol=1e-6
    )
    np.testing.assert_array_equal(LocalResponseNormalization(k=1, alpha=0)(x), x)


@pytest.mark.parametrize(
    "settings", [{}, {"n": 3, "alpha": 0.5}, {"k": 1.0, "n": 1, "alpha": 2.0}], ids=str
)
@pytest.mark.parametrize("scale", [1, 30])
def test_gradient_of_normalisation(settings, scale):
    check_gradients(
        LocalResponseNormalization(**settings),
        lambda x: reference.normalise(x, **settings),
        scale * normal(2, 2, 3, 7),
    )


@pytest.mark.parametrize("n", [0, 2, 4, -1])
def test_an_even_number_of_neighbours_has_no_middle(n):
    with pytest.raises(ValueError, match=f"odd number of channels n, received {n}"):
        LocalResponseNormalization(n=n)


# --- TrainingNoise ---------------------------------------------------------------


def test_noise_is_for_training_only():
    (x,) = float32(100 * normal(5, 28, 28, 1))
    noisy = TrainingNoise(2.5, seed=0)
    for at_test in (noisy(x), noisy(x, training=False)):
        np.testing.assert_array_equal(at_test, x)
    assert (noisy(x, training=True) != x).mean() > 0.99
    np.testing.assert_array_equal(TrainingNoise(0)(x, training=True), x)


@pytest.mark.parametrize("sd", [0.1, 1, 2.5, 80])
def test_noise_has_the_sd_it_should(sd):
    blank = np.zeros((200, 28, 28, 1), "float32")
    noise = np.asarray(TrainingNoise(sd, seed=1)(blank, training=True), np.float64)
    assert abs(noise.mean()) < 4 * sd / np.sqrt(noise.size)  # standard errors
    assert abs(noise.std() - sd) < 4 * sd / np.sqrt(2 * noise.size)


def test_noise_is_independent_of_place_and_image():
    blank = np.zeros((200, 28, 28, 1), "float32")
    noise = np.asarray(TrainingNoise(2.5, seed=1)(blank, training=True))
    for a, b in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[:, :, 1:], noise[:, :, :-1]),
    ):
        correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
        assert abs(correlation) < 4 / np.sqrt(a.size)


def test_noise_is_added_to_the_image():
    (x,) = float32(100 * normal(2, 5, 6, 1))
    added = TrainingNoise(2.5, seed=1)(x, training=True)
    alone = TrainingNoise(2.5, seed=1)(0 * x, training=True)
    np.testing.assert_allclose(added, x + alone, atol=1e-4)


def test_the_same_seed_gives_the_same_noise():
    blank = np.zeros((2, 5, 6, 1), "float32")
    layers = [TrainingNoise(2.5, seed=seed) for seed in (1, 1, 2)]
    one, same, other = ([layer(blank, training=True) for _ in "ab"] for layer in layers)
    np.testing.assert_array_equal(one, same)
    assert (np.asarray(one) != other).all()
    assert (one[0] != one[1]).all()


def test_a_compiled_layer_draws_anew_each_time():
    layer = TrainingNoise(2.5, seed=1)
    blank = jnp.zeros((2, 5, 6, 1))
    layer.build(blank.shape)
    draw = jax.jit(lambda state: layer.stateless_call([], state, blank, training=True))
    state = [variable.value for variable in layer.non_trainable_variables]
    compiled = []
    for _ in range(3):
        noise, state = draw(state)
        compiled.append(noise)
    again = TrainingNoise(2.5, seed=1)
    expected = [again(blank, training=True) for _ in range(3)]
    np.testing.assert_allclose(compiled, expected, rtol=1e-5)
    assert (compiled[0] != compiled[1]).all()
    assert (compiled[1] != compiled[2]).all()


@pytest.mark.parametrize("sd", [-1, -1e-9, np.nan, np.inf, "2.5", None, [1.0], 1j])
def test_impossible_noise(sd):
    with pytest.raises(ValueError, match=r"SD of at least 0 grey levels, received "):
        TrainingNoise(sd)


# --- Attend ----------------------------------------------------------------------


def attend_by_numpy(features, gain):
    border = (features.shape[1] - gain.shape[1]) // 2
    return features * reference.pad(gain[..., None], border)


@pytest.mark.parametrize("border", [0, 1, 2])
def test_attention_multiplies_every_channel_by_the_gain(border):
    gain = np.abs(normal(2, 5, 4))
    features = normal(2, 5 + 2 * border, 4 + 2 * border, 3, seed=1)
    out = Attend()(*float32(features, gain))
    np.testing.assert_allclose(out, attend_by_numpy(features, gain), rtol=1e-6)


def test_a_gain_of_1_changes_nothing():
    features, ones = float32(normal(2, 5, 4, 3), np.ones((2, 5, 4)))
    np.testing.assert_array_equal(Attend()(features, ones), features)
    padded = jnp.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    np.testing.assert_array_equal(Attend()(padded, ones), padded)


@pytest.mark.parametrize("border", [0, 1])
def test_gradients_of_attention(border):
    features = normal(2, 4 + 2 * border, 3 + 2 * border, 5)
    check_gradients(Attend(), attend_by_numpy, features, normal(2, 4, 3, seed=1))
