"""Layers that Keras lacks, refuses, or runs slowly inside a compiled loop.

Each is an ordinary Keras layer. The arithmetic below them is written out in JAX,
with its derivative where that is faster than the one JAX derives: gradients of
JAX's own convolution run several times slower inside `lax.scan` (JAX issue 12868),
and those of its own max-pooling dominate a network as small as this one. README,
"How it got fast", has what each form was measured to cost.

Arrays are `(batch, rows, cols, channels)` throughout.
"""

import math

import jax
import jax.numpy as jnp
import keras
import numpy as np


def _pad_rows(x, before, after):
    return jnp.pad(x, ((0, 0), (before, after), (0, 0), (0, 0)))


def _pad_cols(x, before, after):
    return jnp.pad(x, ((0, 0), (0, 0), (before, after), (0, 0)))


def _col_patches(x, kernel_cols):
    """Neighbouring columns side by side: `(batch, rows, cols', kernel_cols * in)`."""
    cols = x.shape[2] - kernel_cols + 1
    return jnp.concatenate([x[:, :, j : j + cols] for j in range(kernel_cols)], -1)


def _as_matrix(kernel):
    """`(k_rows, k_cols, in, out)` as a matrix `(k_cols * in, k_rows * out)`."""
    k_rows, k_cols, n_in, n_out = kernel.shape
    return kernel.transpose(1, 2, 0, 3).reshape(k_cols * n_in, k_rows * n_out)


@jax.custom_vjp
def convolve(x, kernel):
    """Cross-correlate `x` with `kernel` at stride 1, without padding.

    One matrix product of patches that are one row high with all kernel rows at
    once, then a sum over row-shifted products. Against full patches this moves a
    third of the memory, for `(rows + k_rows - 1) / rows` times the arithmetic.

    Args:
        x: `(batch, rows + k_rows - 1, cols + k_cols - 1, in)`.
        kernel: `(k_rows, k_cols, in, out)`.

    Returns:
        `(batch, rows, cols, out)`. With a kernel of 1 x 1 this is a matrix product
        at each place.
    """
    return _convolve_forward(x, kernel)[0]


def _convolve_forward(x, kernel):
    k_rows, k_cols, _, n_out = kernel.shape
    patches = _col_patches(x, k_cols)
    batch, padded_rows, cols, depth = patches.shape
    patches = patches.reshape(-1, depth)
    products = (patches @ _as_matrix(kernel)).reshape(
        batch, padded_rows, cols, k_rows, n_out
    )
    rows = padded_rows - k_rows + 1
    out = sum(products[:, i : i + rows, :, i] for i in range(k_rows))
    return out, (patches, kernel)


def _convolve_backward(saved, out_gradient):
    patches, kernel = saved
    k_rows, k_cols, n_in, n_out = kernel.shape
    batch, rows, cols, _ = out_gradient.shape
    shifted = [_pad_rows(out_gradient, i, k_rows - 1 - i) for i in range(k_rows)]
    products_gradient = jnp.concatenate(shifted, -1).reshape(-1, k_rows * n_out)

    kernel_gradient = (products_gradient.T @ patches).reshape(
        k_rows, n_out, k_cols, n_in
    )
    patches_gradient = (products_gradient @ _as_matrix(kernel).T).reshape(
        batch, rows + k_rows - 1, cols, k_cols, n_in
    )
    x_gradient = sum(
        _pad_cols(patches_gradient[:, :, :, j], j, k_cols - 1 - j)
        for j in range(k_cols)
    )
    return x_gradient, kernel_gradient.transpose(0, 2, 3, 1)


convolve.defvjp(_convolve_forward, _convolve_backward)


def convolve_few_channels(x, kernel):
    """`convolve` for an input of one or few channels: full patches, one product."""
    k_rows, k_cols, n_in, n_out = kernel.shape
    patches = _col_patches(x, k_cols)
    batch, padded_rows, cols, _ = patches.shape
    rows = padded_rows - k_rows + 1
    patches = jnp.concatenate([patches[:, i : i + rows] for i in range(k_rows)], -1)
    out = patches.reshape(-1, k_rows * k_cols * n_in) @ kernel.reshape(-1, n_out)
    return out.reshape(batch, rows, cols, n_out)


def _thirds(x, axis):
    """First, second and third member of each window of three at stride 2."""
    windows = (x.shape[axis] - 3) // 2 + 1
    x = jax.lax.slice_in_dim(x, 0, 2 * windows + 1, axis=axis)
    x = jnp.pad(x, [(0, 1) if a == axis else (0, 0) for a in range(x.ndim)])
    x = x.reshape(*x.shape[:axis], windows + 1, 2, *x.shape[axis + 1 :])
    even, odd = (jax.lax.index_in_dim(x, i, axis + 1, keepdims=False) for i in (0, 1))
    first = jax.lax.slice_in_dim(even, 0, windows, axis=axis)
    second = jax.lax.slice_in_dim(odd, 0, windows, axis=axis)
    return first, second, jax.lax.slice_in_dim(even, 1, windows + 1, axis=axis)


def _max_of_three(x, axis):
    first, second, third = _thirds(x, axis)
    return jnp.maximum(jnp.maximum(first, second), third)


def _max_of_three_forward(x, axis):
    largest = _max_of_three(x, axis)
    return largest, (x, largest)


def _max_of_three_backward(axis, saved, gradient):
    """The gradient goes to the first of equal maxima."""
    x, largest = saved
    first, second, _ = _thirds(x, axis)
    to_first = first == largest
    to_second = (second == largest) & ~to_first

    def kept(where, before, after):
        padding = [(before, after) if a == axis else (0, 0) for a in range(x.ndim)]
        return jnp.pad(jnp.where(where, gradient, 0), padding)

    even = kept(to_first, 0, 1) + kept(~(to_first | to_second), 1, 0)
    both = jnp.stack([even, kept(to_second, 0, 1)], axis + 1)
    both = both.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return (jax.lax.slice_in_dim(both, 0, x.shape[axis], axis=axis),)


_max_of_three = jax.custom_vjp(_max_of_three, nondiff_argnums=(1,))
_max_of_three.defvjp(_max_of_three_forward, _max_of_three_backward)


@jax.custom_vjp
def multiply_by_gain(features, gain):
    """`features (batch, rows, cols, channels) * gain (batch, rows, cols)`."""
    return features * gain[..., None]


def _multiply_backward(saved, gradient):
    """The sum over channels as a matrix product, which XLA's reduction is not."""
    features, gain = saved
    ones = jnp.ones((features.shape[-1], 1), features.dtype)
    return gradient * gain[..., None], ((gradient * features) @ ones)[..., 0]


multiply_by_gain.defvjp(
    lambda features, gain: (multiply_by_gain(features, gain), (features, gain)),
    _multiply_backward,
)


@jax.custom_vjp
def _normalise(x, band, k, alpha):
    return _normalise_forward(x, band, k, alpha)[0]


def _sum_over_neighbours(x, band):
    return (x.reshape(-1, x.shape[-1]) @ band).reshape(x.shape)


def _normalise_forward(x, band, k, alpha):
    d = k + alpha * _sum_over_neighbours(jnp.square(x), band)
    root = jnp.sqrt(d)
    factor = 1 / (root * jnp.sqrt(root))  # d ** -0.75 in operations that vectorise
    return x * factor, (x, factor, d, band, alpha)


def _normalise_backward(saved, gradient):
    x, factor, d, band, alpha = saved
    inner = _sum_over_neighbours(gradient * x * factor / d, band)
    return gradient * factor - 1.5 * alpha * x * inner, None, None, None


_normalise.defvjp(_normalise_forward, _normalise_backward)


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D` at stride 1 without padding, fast on one CPU thread.

    The same weights, the same result to rounding; only the arithmetic is arranged
    as matrix products, which keep their speed inside `lax.scan`.

    Raises:
        ValueError: for strides, dilation, groups or padding, which it lacks.
    """

    def __init__(self, filters, kernel_size, **settings):
        super().__init__(filters, kernel_size, **settings)
        received = {
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "padding": self.padding,
            "data_format": self.data_format,
        }
        if list(received.values()) != [(1, 1), (1, 1), 1, "valid", "channels_last"]:
            raise ValueError(
                "Expected strides 1, dilation 1, one group, 'valid' padding and "
                f"channels last. Received {received}. Use keras.layers.Conv2D for "
                "these."
            )

    def convolution_op(self, inputs, kernel):
        """Called by Keras with `(batch, rows, cols, in)` and the kernel."""
        few = kernel.shape[2] < 8
        return (convolve_few_channels if few else convolve)(inputs, jnp.asarray(kernel))


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class MaxPool(keras.layers.Layer):
    """Largest of each 3 x 3 window at stride 2 (AlexNet's overlapping pooling).

    Rows first, then columns. Where places tie, the gradient goes to the leftmost
    column of them, and in it to the first row.

    Call arguments:
        x: `(batch, rows, cols, channels)`, at least 3 x 3 places.

    Returns:
        `(batch, (rows - 1) // 2, (cols - 1) // 2, channels)`: a last row or column
        that fills no window is left out.
    """

    def call(self, x):
        return _max_of_three(_max_of_three(x, 1), 2)


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide each activity by those of its neighbours in channel order.

    `b[i] = a[i] / (k + alpha * sum_j a[j]^2) ^ 0.75`, where j runs over the n
    channels centred on i (Krizhevsky, Sutskever and Hinton 2012, section 3.3). Here
    alpha multiplies the *sum* of squares, as in the paper; PyTorch's `alpha`
    multiplies their mean and would be n times larger. At alpha 0 the layer divides
    by `k ^ 0.75`.

    Args:
        k: the constant.
        n: how many neighbouring channels, an odd number.
        alpha: weight of the sum of squares.

    Call arguments:
        x: `(batch, rows, cols, channels)`.

    Returns:
        The same shape.
    """

    def __init__(self, k=2.0, n=5, alpha=1e-4, **settings):
        super().__init__(**settings)
        if n < 1 or n % 2 == 0:
            raise ValueError(f"Expected an odd number of channels n, received {n}.")
        self.k, self.n, self.alpha = k, n, alpha

    def call(self, x):
        channel = np.arange(x.shape[-1])
        band = np.abs(np.subtract.outer(channel, channel)) <= self.n // 2
        return _normalise(x, jnp.asarray(band, x.dtype), self.k, self.alpha)

    def get_config(self):
        return {**super().get_config(), "k": self.k, "n": self.n, "alpha": self.alpha}


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class TrainingNoise(keras.layers.Layer):
    """Add Gaussian noise in training, none at test.

    `keras.layers.GaussianNoise` accepts a standard deviation of at most 1; on raw
    grey levels, the published one is 2.5. At 0 the layer does nothing.

    Args:
        sd: standard deviation in the input's unit (here grey levels, 0 to 255).
        seed: seed of the layer's own stream of random numbers.

    Raises:
        ValueError: if `sd` is negative or not finite.
    """

    def __init__(self, sd, seed=None, **settings):
        super().__init__(**settings)
        if not (isinstance(sd, int | float) and math.isfinite(sd) and sd >= 0):
            raise ValueError(
                f"Expected a noise SD of at least 0 grey levels, received {sd!r}."
            )
        self.sd, self.seed = float(sd), seed
        if self.sd > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training or self.sd == 0:
            return x
        noise = keras.random.normal(keras.ops.shape(x), seed=self.seed_generator)
        return x + self.sd * noise

    def get_config(self):
        return {**super().get_config(), "sd": self.sd, "seed": self.seed}


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Attend(keras.layers.Layer):
    """Multiply features by an attention gain, the same for all channels.

    Call arguments:
        features: `(batch, rows, cols, channels)`, with `border` rows and columns of
            padding on each side that the gain does not cover.
        gain: `(batch, rows - 2 * border, cols - 2 * border)`. A gain of 1 leaves
            the features as they are.

    Returns:
        `(batch, rows, cols, channels)`; the border is multiplied by 0.
    """

    def call(self, features, gain):
        border = (features.shape[1] - gain.shape[1]) // 2
        around = ((0, 0), (border, border), (border, border))
        return multiply_by_gain(features, jnp.pad(gain, around))
