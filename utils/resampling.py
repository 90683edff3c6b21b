"""Intervals that hold for other seeds and other test images at once.

All networks of a study see the same test images, so seeds and images are crossed: a
resample draws seeds and, independently, images, each with replacement (the pigeonhole
bootstrap: Owen 2007). Functions return numbers and draw nothing.
"""

import numpy as np

from utils.statistics import FEWEST_TO_RESAMPLE, Estimate

BATCH = 100  # resamples at a time: with 10,000 images, 8 MB of counts


def difference_over_seeds_and_images(
    arm, control, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Estimate:
    """Difference in accuracy, with an interval for other seeds and other test images.

    Percentiles of the difference over resamples; the same seeds and images are drawn
    for both arms, so what they share cancels. Its variance is right where seeds or
    images matter by themselves, and up to three times too large where only their
    combination does (Owen 2007). Identical arms give 0 to 0.

    Args:
        arm: `(seeds, images)` bool: which test images were right. 8 seeds or more.
        control: the same for the other arm, same seeds, same images.
        confidence: of the interval.
        resamples: how many; 20 seeds and 10,000 images take a second or two.
        seed: of the draws.

    Raises:
        ValueError: if the arms are not two such arrays of one shape.
    """
    arm, control = np.asarray(arm), np.asarray(control)
    if arm.shape != control.shape or arm.ndim != 2:
        raise ValueError(
            "Expected two arrays of right and wrong, both (seeds, images), received "
            f"{arm.shape} and {control.shape}."
        )
    both = np.stack([arm, control], axis=1)  # (seeds, arms, images)
    means = resampled_accuracies(both, resamples, np.random.default_rng(seed))
    differences = means[:, 0] - means[:, 1]
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    method = "bootstrap over {} seeds and {:,} images".format(*arm.shape)
    value = float(arm.mean() - control.mean())
    return Estimate(value, float(low), float(high), confidence, method)


def resampled_accuracies(right, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Accuracies with seeds and images drawn anew, each with replacement.

    Args:
        right: `(seeds, ..., images)` bool; the axes between (arms, noise levels)
            share the draws.
        resamples: how many.
        rng: source of the draws.

    Returns:
        `(resamples, ...)`. Where every network is right about every image, all 1.

    Raises:
        ValueError: if these are not bool, or from fewer than 8 seeds.
    """
    right = np.asarray(right)
    if right.ndim < 2 or right.dtype != bool or len(right) < FEWEST_TO_RESAMPLE:
        raise ValueError(
            "Expected right or wrong, (seeds, ..., images) bool, for "
            f"{FEWEST_TO_RESAMPLE} seeds or more, received {right.dtype} of shape "
            f"{right.shape}. With fewer seeds, use paired_difference."
        )
    seeds, images = right.shape[0], right.shape[-1]
    weights = right.astype(np.float32)  # sums below 2**24 are exact
    accuracies = []
    for start in range(0, resamples, BATCH):
        batch = min(BATCH, resamples - start)
        by_seed = weights @ _counts(images, batch, rng).astype(np.float32)
        drawn = np.einsum("s...r,sr->r...", by_seed, _counts(seeds, batch, rng))
        accuracies.append(drawn / (seeds * images))
    return np.concatenate(accuracies)


def _counts(size, resamples, rng):
    """How often each is drawn, `(size, resamples)`: multinomial, but faster."""
    drawn = rng.integers(size, size=(resamples, size))
    drawn += size * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).T
