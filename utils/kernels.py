"""The arithmetic of `utils.layers` arranged for speed, with derivatives written out.

Time of an update, in microseconds for each image, and its rate as a share of that of a
large matrix product, 91 GFLOP/s (one thread of an AMD EPYC; `make bench`,
`figures/bench.json`):

                        attention                 control
                        batch 1      batch 32     batch 1      batch 32
    this project        525 (55%)    519 (56%)    291 (51%)    290 (51%)
    the page's module   671 (43%)                 682 (22%)
    Keras' own `fit`    590 (49%)    613 (47%)    351 (42%)    328 (45%)
    and Keras' layers   1015 (28%)   1131 (26%)   797 (18%)    795 (18%)
    PyTorch             2608 (11%)   1157 (25%)   1898 (8%)    889 (17%)

JAX's profiler (`jax.profiler.trace`) and timings of variants of each part give these
reasons for the forms below:

- JAX's convolution and its gradients run several times slower inside `lax.scan` (JAX
  issue 12868), where training needs them; matrix products of patches do not.
- The products are of matrices: in four dimensions, an update is a sixth slower.
- JAX's derivative of pooling scatters through strided slices, a third of an update.
- From JAX's derivatives of convolution and LRN, XLA makes loops that compute the same
  values several times.
- A sum over channels is faster as a matrix product, and a power of -3/4 as two square
  roots and a division, which vectorise.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import index_in_dim, slice_in_dim


def _pad(x, axis, before, after):
    return jnp.pad(x, [(before, after) if a == axis else (0, 0) for a in range(x.ndim)])


def _col_patches(x, kernel_cols):
    """Neighbouring columns side by side: `(batch, rows, cols', kernel_cols * in)`."""
    cols = x.shape[2] - kernel_cols + 1
    return jnp.concatenate([x[:, :, j : j + cols] for j in range(kernel_cols)], -1)


def _as_matrix(kernel):
    """Kernel `(k_rows, k_cols, in, out)` as a matrix `(k_cols * in, k_rows * out)`."""
    k_rows, k_cols, n_in, n_out = kernel.shape
    return kernel.transpose(1, 2, 0, 3).reshape(k_cols * n_in, k_rows * n_out)


@jax.custom_vjp
def convolve(x, kernel):
    """Cross-correlate `x` with `kernel` at stride 1, without padding.

    Patches that are one row high are multiplied by all kernel rows in one matrix
    product; the results are then shifted by rows and summed. This moves a third of the
    memory of full patches, for `(rows + k_rows - 1) / rows` times the arithmetic.

    `(batch, rows + k_rows - 1, cols + k_cols - 1, in)` and `(k_rows, k_cols, in, out)`
    give `(batch, rows, cols, out)`. With a kernel of 1 x 1 it is a matrix product.
    """
    return _convolve_forward(x, kernel)[0]


def _convolve_forward(x, kernel):
    k_rows, k_cols, n_in, n_out = kernel.shape
    patches = _col_patches(x, k_cols)
    places, rows = patches.shape[:3], x.shape[1] - k_rows + 1
    patches = patches.reshape(-1, k_cols * n_in)
    products = (patches @ _as_matrix(kernel)).reshape(*places, k_rows, n_out)
    out = sum(products[:, i : i + rows, :, i] for i in range(k_rows))
    return out, (patches, kernel)


def _convolve_backward(saved, gradient):
    patches, kernel = saved
    k_rows, k_cols, n_in, n_out = kernel.shape
    shifted = [_pad(gradient, 1, i, k_rows - 1 - i) for i in range(k_rows)]
    places = shifted[0].shape[:3]
    products = jnp.concatenate(shifted, -1).reshape(-1, k_rows * n_out)
    to_kernel = (products.T @ patches).reshape(k_rows, n_out, k_cols, n_in)
    to_patches = (products @ _as_matrix(kernel).T).reshape(*places, k_cols, n_in)
    to_cols = (to_patches[:, :, :, j] for j in range(k_cols))
    to_x = sum(_pad(col, 2, j, k_cols - 1 - j) for j, col in enumerate(to_cols))
    return to_x, to_kernel.transpose(0, 2, 3, 1)


convolve.defvjp(_convolve_forward, _convolve_backward)


def convolve_few_channels(x, kernel):
    """`convolve` for an input of one or few channels: full patches, one product."""
    k_rows, k_cols, n_in, n_out = kernel.shape
    patches, rows = _col_patches(x, k_cols), x.shape[1] - k_rows + 1
    patches = jnp.concatenate([patches[:, i : i + rows] for i in range(k_rows)], -1)
    out = patches.reshape(-1, k_rows * k_cols * n_in) @ kernel.reshape(-1, n_out)
    return out.reshape(*patches.shape[:3], n_out)


def max_pool(x):
    """Maximum of each 3 x 3 window at stride 2: over three rows, then three columns.

    `(batch, rows, cols, channels)` becomes `(batch, (rows - 1) // 2, (cols - 1) // 2,
    channels)`. Where all places are equal, the gradient goes to the first.
    """
    return _max_of_three(_max_of_three(x, 1), 2)


def _thirds(x, axis):
    """The first, second and third member of each window of three at stride 2."""
    windows = (x.shape[axis] - 3) // 2 + 1
    x = _pad(slice_in_dim(x, 0, 2 * windows + 1, axis=axis), axis, 0, 1)
    x = x.reshape(*x.shape[:axis], windows + 1, 2, *x.shape[axis + 1 :])
    even, odd = (index_in_dim(x, i, axis + 1, keepdims=False) for i in (0, 1))
    first = slice_in_dim(even, 0, windows, axis=axis)
    second = slice_in_dim(odd, 0, windows, axis=axis)
    return first, second, slice_in_dim(even, 1, windows + 1, axis=axis)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
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
        return _pad(jnp.where(where, gradient, 0), axis, before, after)

    even = kept(to_first, 0, 1) + kept(~(to_first | to_second), 1, 0)
    both = jnp.stack([even, kept(to_second, 0, 1)], axis + 1)
    both = both.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return (slice_in_dim(both, 0, x.shape[axis], axis=axis),)


_max_of_three.defvjp(_max_of_three_forward, _max_of_three_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def normalise(x, k, n, alpha):
    """Local response normalisation (Krizhevsky et al. 2012, section 3.3).

    `x` and the result are `(batch, rows, cols, channels)`. At alpha 0, `x` is divided
    by `k ** 0.75`. No gradient goes to k and alpha.
    """
    return _normalise_forward(x, k, n, alpha)[0]


def _sum_over_neighbours(x, n):
    """Sums over the n channels around each, as a product with a band matrix."""
    channel = np.arange(x.shape[-1])
    band = jnp.asarray(abs(channel[:, None] - channel) <= n // 2, x.dtype)
    return (x.reshape(-1, x.shape[-1]) @ band).reshape(x.shape)


def _normalise_forward(x, k, n, alpha):
    d = k + alpha * _sum_over_neighbours(jnp.square(x), n)
    root = jnp.sqrt(d)
    factor = 1 / (root * jnp.sqrt(root))
    return x * factor, (x, factor, d, alpha)


def _normalise_backward(n, saved, gradient):
    x, factor, d, alpha = saved
    inner = _sum_over_neighbours(gradient * x * factor / d, n)
    return gradient * factor - 1.5 * alpha * x * inner, None, None


normalise.defvjp(_normalise_forward, _normalise_backward)


@jax.custom_vjp
def multiply_by_gain(features, gain):
    """`features (batch, rows, cols, channels) * gain (batch, rows, cols)`.

    A gain of 1 leaves the features unchanged.
    """
    return features * gain[..., None]


def _multiply_backward(saved, gradient):
    features, gain = saved
    ones = jnp.ones((features.shape[-1], 1), features.dtype)
    return gradient * gain[..., None], ((gradient * features) @ ones)[..., 0]


multiply_by_gain.defvjp(
    lambda x, g: (multiply_by_gain(x, g), (x, g)), _multiply_backward
)
