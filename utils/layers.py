"""Layers that Keras lacks or restricts, or runs slowly inside a compiled loop.

A layer's `formula` defines what it computes (that of `Convolution` is in Keras). Its
`call` runs the same arithmetic, arranged for speed in `utils.kernels`; tests compare
the values and gradients of both. Arrays are `(batch, rows, cols, channels)`.
"""

import keras
import numpy as np
from keras import ops

from utils import kernels
from utils.checks import number


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D` at stride 1 without padding, fast on one CPU thread.

    The weights and, to rounding, the result are the same: at (y, x) the sum over i and
    j of `inputs[y + i, x + j] @ kernel[i, j]`; at 1 x 1, a dense layer at each place.

    Call arguments:
        inputs: `(batch, rows + k_rows - 1, cols + k_cols - 1, in)`.

    Returns:
        `(batch, rows, cols, filters)`.

    Raises:
        ValueError: for strides, dilation, groups or padding.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        names = ("strides", "dilation_rate", "groups", "padding", "data_format")
        received = {name: getattr(self, name) for name in names}
        if list(received.values()) != [(1, 1), (1, 1), 1, "valid", "channels_last"]:
            raise ValueError(
                "Expected strides 1, dilation 1, one group, 'valid' padding, channels "
                f"last. Received {received}. Use keras.layers.Conv2D for these."
            )

    def convolution_op(self, inputs, kernel):
        few = kernel.shape[2] < 8
        convolve = kernels.convolve_few_channels if few else kernels.convolve
        return convolve(inputs, ops.convert_to_tensor(kernel))


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class MaxPool(keras.layers.Layer):
    """Maximum of each 3 x 3 window at stride 2 (Krizhevsky et al. 2012, section 3.4).

    It takes the maximum over rows, then over columns. In a tie, the gradient goes to
    the leftmost column and, within it, to the first row.

    Call arguments:
        x: `(batch, rows, cols, channels)`, at least 3 x 3 places.

    Returns:
        `(batch, (rows - 1) // 2, (cols - 1) // 2, channels)`: a last row or column
        that fills no window is left out. A uniform image keeps its grey level.
    """

    @staticmethod
    def formula(x):
        largest_of_rows = ops.max_pool(x, pool_size=(3, 1), strides=(2, 1))
        return ops.max_pool(largest_of_rows, pool_size=(1, 3), strides=(1, 2))

    def call(self, x):
        return kernels.max_pool(x)


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide each activity by a sum over its neighbours in channel order.

    After Krizhevsky, Sutskever and Hinton (2012), section 3.3. As in the paper, alpha
    multiplies the *sum* of squares; PyTorch's multiplies their mean, so it would be n
    times larger. At alpha 0 the layer divides by `k ** 0.75`.

    Args:
        k: the constant that is added to the sum.
        n: the number of channels in the sum, odd: the channel and its neighbours.
        alpha: weight of the sum of squares.

    Call arguments:
        x: `(batch, rows, cols, channels)`.

    Returns:
        The same shape.

    Raises:
        ValueError: if `n` is not a positive odd number.
    """

    def __init__(self, k=2.0, n=5, alpha=1e-4, **kwargs):
        super().__init__(**kwargs)
        if n < 1 or n % 2 == 0:
            raise ValueError(f"Expected an odd number of channels n, received {n}.")
        self.k, self.n, self.alpha = k, n, alpha

    def formula(self, x):
        channel = np.arange(x.shape[-1])
        neighbours = abs(channel[:, None] - channel) <= self.n // 2
        return x / (self.k + self.alpha * (x**2 @ neighbours)) ** 0.75

    def call(self, x):
        return kernels.normalise(x, self.k, self.n, self.alpha)


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class TrainingNoise(keras.layers.Layer):
    """Add Gaussian noise in training, and none at test.

    `keras.layers.GaussianNoise` accepts a standard deviation of at most 1; the
    published one is 2.5 grey levels. At 0 the layer does nothing.

    The layer is for Keras' own `fit`. Studies leave it at 0 and draw their noise in
    `utils.inputs.batches`, from the seed of the run.

    Args:
        sd: standard deviation in the input's unit (here grey levels, 0 to 255).
        seed: seed of the layer's own stream of random numbers.

    Raises:
        ValueError: if `sd` is negative or not finite.
    """

    def __init__(self, sd, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.sd = number()("noise_sd", sd)
        if self.sd > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training or self.sd == 0:
            return x
        noise = keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return x + self.sd * noise


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Attend(keras.layers.Layer):
    """Multiply features by an attention gain, the same for all channels.

    Call arguments:
        features: `(batch, rows, cols, channels)`, with `border` rows and columns of
            padding on each side, which the gain does not cover.
        gain: `(batch, rows - 2 * border, cols - 2 * border)`; 1 changes nothing.

    Returns:
        `(batch, rows, cols, channels)`; the border is multiplied by 0.
    """

    def call(self, features, gain):
        border = (features.shape[1] - gain.shape[1]) // 2
        around = ((0, 0), (border, border), (border, border))
        return kernels.multiply_by_gain(features, ops.pad(gain, around))
