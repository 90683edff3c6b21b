"""Differences between two arms: intervals, tests and equivalence.

Two arms of a study are paired by seed: both runs of a seed share initial weights, the
order of images and the noise. `arm` and `control` are `(pairs,)`, one number for each
seed, in the same order; differences are arm minus control, in their unit.

All networks of a study see the same test images, so seeds and images are crossed. For
intervals that hold for other images too, a resample draws seeds and, independently,
images, each with replacement (the pigeonhole bootstrap: Owen 2007).
"""

import functools
from typing import NamedTuple

import numpy as np
import scipy  # its parts load on first use, so that notebooks open quickly

from utils.estimate import Estimate

BATCH = 100  # resamples at a time: with 10,000 images, 8 MB of counts
FEWEST_TO_RESAMPLE = 8  # seeds; with fewer, a bootstrap's interval is too narrow
MOST_TO_ENUMERATE = 22  # pairs: 2**21 sums take 16 MiB


def paired_difference(
    arm, control, *, resamples: int = 9999, seed: int = 0
) -> Estimate:
    """Mean difference over pairs; its interval is for other seeds, same test images.

    The interval is a bias-corrected and accelerated bootstrap (BCa: Efron 1987); with
    fewer than 8 pairs, Student's t. If all differences are equal, it has no width.

    Raises:
        ValueError: if the arms are not two equally long sequences of numbers.
    """
    differences = _differences(arm, control)
    mean, pairs = float(differences.mean()), len(differences)
    if not np.ptp(differences):
        low, high = mean, mean
    elif pairs < FEWEST_TO_RESAMPLE:
        low, high = scipy.stats.ttest_1samp(differences, 0).confidence_interval()
    else:
        rng = np.random.default_rng(seed)
        found = scipy.stats.bootstrap(
            (differences,), np.mean, n_resamples=resamples, rng=rng
        )
        low, high = found.confidence_interval
    return Estimate(mean, float(low), float(high), basis=f"{pairs} pairs")


def difference_with_p(arm, control, unit: str = "points", basis: str = "") -> Estimate:
    """`paired_difference` in a unit, with the p-value of `sign_flip_test`."""
    found, p = paired_difference(arm, control), sign_flip_test(arm, control)
    return found._replace(unit=unit, basis=basis or found.basis, p=p)


def difference_over_seeds_and_images(
    arm, control, *, resamples: int = 2000, seed: int = 0
) -> Estimate:
    """Difference in accuracy, with an interval for other seeds and other test images.

    The interval consists of percentiles over resamples, in which both arms share seeds
    and images, so that common variation cancels. Its variance is right where seeds or
    images matter by themselves, and up to three times too large where only their
    combination does (Owen 2007). Identical arms give an interval from 0 to 0.

    Args:
        arm: `(seeds, images)` bool: which test images were right. 8 seeds or more.
        control: the same for the other arm, with the same seeds and images.
        resamples: their number; 20 seeds and 10,000 images take a second or two.
        seed: seed of the draws.

    Raises:
        ValueError: if the arms are not two such arrays of one shape.
    """
    arm, control = np.asarray(arm), np.asarray(control)
    alike = arm.shape == control.shape and arm.dtype == control.dtype == bool
    if not alike or arm.ndim != 2 or len(arm) < FEWEST_TO_RESAMPLE:
        raise ValueError(
            "Expected two arrays of right and wrong, both (seeds, images) bool, for "
            f"{FEWEST_TO_RESAMPLE} seeds or more. Received {arm.dtype} {arm.shape} and "
            f"{control.dtype} {control.shape}. With fewer, use paired_difference."
        )
    both = np.stack([arm, control], axis=1)  # (seeds, arms, images)
    differences = -np.diff(resampled_accuracies(both, resamples, seed))
    low, high = np.quantile(differences, [0.025, 0.975]).tolist()
    value = float(arm.mean() - control.mean())
    return Estimate(value, low, high, basis=f"{len(arm)} pairs")


def resampled_accuracies(right, resamples: int, seed: int = 0) -> np.ndarray:
    """Accuracies `(resamples, ...)` of seeds and images drawn anew, with replacement.

    `right` is `(seeds, ..., images)` bool; the axes between share the draws.
    """
    seeds, images = right.shape[0], right.shape[-1]
    weights = right.astype(np.float32)  # sums below 2**24 are exact
    accuracies = []
    for of_images, of_seeds in _draws(seeds, images, resamples, seed):
        by_seed = weights @ of_images.astype(np.float32)
        drawn = np.einsum("s...r,sr->r...", by_seed, of_seeds)
        accuracies.append(drawn / (seeds * images))
    return np.concatenate(accuracies)


@functools.lru_cache(maxsize=2)  # many contrasts use the same draws
def _draws(seeds, images, resamples, seed):
    """Counts of each image and each seed in draws, `(images or seeds, batch)` uint8."""
    rng, found = np.random.default_rng(seed), []
    for start in range(0, resamples, BATCH):
        batch = min(BATCH, resamples - start)
        pair = _counts(images, batch, rng), _counts(seeds, batch, rng)
        found.append(tuple(counts.astype("uint8") for counts in pair))
    return found


def _counts(size, resamples, rng):
    """Counts of each in a draw, `(size, resamples)`: multinomial, but faster."""
    drawn = rng.integers(size, size=(resamples, size))
    drawn += size * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).T


def sign_flip_test(arm, control) -> float:
    """The two-sided p-value of a test that swaps the arms' names in pairs.

    p is the share of the 2^n patterns of signs in which the sum of the differences is
    at least as far from 0 (Fisher 1935, section 21). It cannot be below 2 / 2^n: .25
    with three pairs, .03 with six. Identical arms have p = 1. With more than 22 pairs,
    SciPy draws 99,999 patterns at random (Phipson and Smyth 2010).
    """
    differences = _differences(arm, control)
    if len(differences) > MOST_TO_ENUMERATE:
        return scipy.stats.permutation_test(
            (differences,),
            np.sum,
            permutation_type="samples",
            n_resamples=99_999,
            batch=BATCH,
            rng=np.random.default_rng(0),
        ).pvalue
    sums = differences[:1]  # the other half of the patterns mirrors this one
    for difference in differences[1:]:
        sums = np.concatenate([sums + difference, sums - difference])
    rounding = 1e-12 * np.abs(differences).sum()
    return float(np.mean(np.abs(sums) >= abs(differences.sum()) - rounding))


def holm(p_values) -> np.ndarray:
    """p-values adjusted for their number, in the order given.

    The i-th smallest of m is multiplied by m - i + 1, then raised to the one before it
    if it is smaller, and cut at 1 (Holm 1979). Under any dependence, the chance of at
    least one false positive stays below alpha. A single p-value does not change.
    """
    p_values = np.asarray(p_values, float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"Expected p-values from 0 to 1, received {p_values}.")
    order = np.argsort(p_values)
    multiplied = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(multiplied), 1)
    return adjusted


class Equivalence(NamedTuple):
    """The result of a test that a difference is smaller than a margin."""

    difference: Estimate  # its interval has confidence 1 - 2 alpha
    margin: float
    p: float  # the larger of the two one-sided tests
    equivalent: bool


def equivalence(arm, control, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """Test whether two arms differ by less than a margin that was fixed beforehand.

    There are two one-sided paired t tests, against -margin and +margin (Schuirmann
    1987; Lakens 2017). Both reject at alpha exactly when the 1 - 2 alpha interval of
    the mean difference lies within the margin. Identical arms have p = 0.
    """
    if not (margin > 0 and 0 < alpha < 0.5):
        raise ValueError(
            "Expected a margin above 0 and 0 < alpha < 0.5, received margin "
            f"{margin} and alpha {alpha}."
        )
    differences = _differences(arm, control)
    mean, confidence = float(differences.mean()), 1 - 2 * alpha
    if np.ptp(differences):
        low, high = scipy.stats.ttest_1samp(differences, 0).confidence_interval(
            confidence
        )
        towards = np.copysign(1, mean) * differences  # against the nearer margin
        p = float(scipy.stats.ttest_1samp(towards, margin, alternative="less").pvalue)
    else:
        p, low, high = float(abs(mean) >= margin), mean, mean
    difference = Estimate(mean, float(low), float(high), confidence)
    return Equivalence(difference, margin, p, p < alpha)


def _differences(arm, control):
    """Arm minus control, `(pairs,)`; differences that agree to rounding are equal."""
    arm, control = np.asarray(arm, float), np.asarray(control, float)
    paired = arm.ndim == 1 and arm.shape == control.shape and len(arm) > 1
    if not paired or not np.isfinite([arm, control]).all():
        raise ValueError(
            "Expected two sequences of 2 or more finite numbers, paired by seed, "
            f"received {arm} and {control}."
        )
    differences = arm - control
    rounding, mean = 1e-12 * np.abs([arm, control]).max(), differences.mean()
    if np.ptp(differences) <= rounding:
        differences[:] = mean if abs(mean) > rounding else 0
    return differences
