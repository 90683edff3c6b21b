"""Three ways to make a digit harder to see, behind one interface.

Each is a function `(images, level, rng)` that returns float32 images of the same
shape, in grey levels, and leaves its input alone. Level 0 returns the images
exactly. The number of random draws is the same at every level: with one seed, two
levels differ in strength only. Each raises `ValueError` for a level out of range, for
images of another shape or type, and if `rng` is not a NumPy Generator.

Images have shape `(rows, cols)`, `(batch, rows, cols)` or `(batch, rows, cols, 1)`,
and any numeric type; grey levels run from 0 (background) to 255 (ink). Results are
not clipped to that range: a screen clips, a network does not.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from utils.checks import number

WHITE = 255.0  # grey level of full ink; black, the background, is 0


def add_noise(images: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, independent at every pixel.

    The result is `image + sd * z`, with z standard normal: the noise of Vatterott
    (2016), at SD 2.5, and of `keras.layers.GaussianNoise`. SD 0 changes nothing.

    Args:
        images: Shape `(rows, cols)`, `(batch, rows, cols)` or
            `(batch, rows, cols, 1)`, grey levels.
        sd: Standard deviation of the noise in grey levels, 0 or more.
        rng: Source of the noise; the same seed repeats it bit for bit.

    Returns:
        float32 images of the same shape, in grey levels, not clipped.

    Example:
        >>> noisy = add_noise(x_train[:32], 2.5, np.random.default_rng(0))
        >>> noisy.shape, noisy.dtype
        ((32, 28, 28), dtype('float32'))
    """
    images, sd = _checked(images, rng, sd=sd)
    noisy = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= sd
    noisy += images  # in place: a training epoch needs no second copy
    return noisy


def salt_and_pepper(
    images: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Replace random pixels by black or white, with equal chances.

    Each pixel is replaced with probability `fraction`, independently of the others
    (Geirhos et al., 2018, `salt_and_pepper_noise`). Fraction 0 leaves the images
    unchanged; at fraction 1 nothing of them is left.

    Args:
        images: As for `add_noise`.
        fraction: Probability that a pixel is replaced, 0 to 1.
        rng: As for `add_noise`.

    Example:
        >>> salt_and_pepper(x_test[0], 0.2, np.random.default_rng(0))
    """
    images, fraction = _checked(images, rng, most=1, fraction=fraction)
    draw = rng.random(images.shape, dtype=np.float32)
    noisy = images.astype(np.float32)
    noisy[draw < fraction] = WHITE
    noisy[draw < fraction / 2] = 0.0
    return noisy


def reduce_contrast(
    images: np.ndarray, removed: float, rng: np.random.Generator
) -> np.ndarray:
    """Shrink each image toward its own mean grey level.

    `mean + (1 - removed) * (image - mean)`: RMS contrast, the SD of an image's grey
    levels (Peli, 1990), falls to the share that is left, and the mean stays. This is
    how vision science varies contrast: at a constant mean luminance. Geirhos et al.
    (2018) shrink toward mid-grey (127.5) instead; on MNIST, whose mean is 33, this
    would also change the mean, to which a network on raw grey levels is sensitive.
    Removing 0 leaves the images unchanged; removing 1 makes each of them uniform.

    Args:
        images: As for `add_noise`.
        removed: Share of the contrast that is removed, 0 to 1.
        rng: Not used; it is here because every entry of `NOISES` takes one.

    Example:
        >>> faint = reduce_contrast(x_test[0], 0.9, np.random.default_rng(0))
        >>> faint.std() / x_test[0].std()  # 0.1, up to rounding
    """
    images, removed = _checked(images, rng, most=1, removed=removed)
    rows_and_cols = (0, 1) if images.ndim == 2 else (1, 2)
    mean = images.mean(axis=rows_and_cols, keepdims=True, dtype=np.float64)
    # In this order nothing is rounded at 0, where the images come back exactly.
    return ((1 - removed) * images + removed * mean).astype(np.float32)


class Noise(NamedTuple):
    """One way to make an image harder to see."""

    label: str  # text of a legend or a menu
    unit: str  # unit of its level
    maximum: float  # right end of a slider; its left end is 0, the image itself
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    meaning: str  # one line for the reader


NOISES: Mapping[str, Noise] = {  # an entry adds a noise to explorers, tests, figures
    "gaussian": Noise(
        "Gaussian noise",
        "SD in grey levels",
        128.0,
        add_noise,
        "A random number is added to every pixel; the published SD is 2.5.",
    ),
    "salt_and_pepper": Noise(
        "Salt and pepper",
        "share of pixels",
        1.0,
        salt_and_pepper,
        "Some pixels turn black or white and say nothing about the digit.",
    ),
    "contrast": Noise(
        "Contrast reduction",
        "share of contrast removed",
        1.0,
        reduce_contrast,
        "All pixels move toward the mean of their image; nothing is random.",
    ),
}


def _checked(images, rng, most=None, **level) -> tuple[np.ndarray, float]:
    """Check images, generator and level; return images as an array, and the level."""
    images = np.asarray(images)
    has_channel = images.ndim > 2 and images.shape[-1] == 1
    fits = images.ndim in (2, 3, 4) and has_channel == (images.ndim == 4)
    if images.dtype.kind not in "iuf" or not fits:
        raise ValueError(
            "Expected grey levels as numbers, of shape (rows, cols), (batch, rows, "
            f"cols) or (batch, rows, cols, 1). Received {images.dtype} of shape "
            f"{images.shape}. Drop the channel axis of one image: images[..., 0]."
        )
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"Expected rng: np.random.default_rng(seed). Received {rng}.")
    ((name, value),) = level.items()
    return images, number(most=most)(name, value)
