"""Differences between two arms: intervals, tests and equivalence.

Two arms of a study are paired by seed: both runs of a seed share initial weights, the
order of images and the noise. `arm` and `control` are `(pairs,)`, one number for each
seed, in the same order; differences are arm minus control, in their unit.

All networks of a study see the same test images, so seeds and images are crossed, and
an interval can hold for other seeds and other images at once (Clark 1973).
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load on first use, so that notebooks open quickly

from utils.estimate import Estimate

BATCH = 100  # patterns of signs that are drawn at a time
MOST_TO_ENUMERATE = 22  # pairs: 2**21 sums take 16 MiB


def paired_difference(arm, control) -> Estimate:
    """Mean difference over pairs; its interval is for other seeds, same test images.

    The interval is that of Student's paired t. (A bootstrap's is too narrow with few
    pairs: it covers some 90% with eight, not 95%.) If all differences are equal, it has
    no width.

    Raises:
        ValueError: if the arms are not two equally long sequences of numbers.
    """
    differences = _differences(arm, control)
    mean, pairs = float(differences.mean()), len(differences)
    error = differences.std(ddof=1) / np.sqrt(pairs)
    return _by_t(mean, error, pairs - 1, f"{pairs} pairs")


def _by_t(mean, error, freedom, basis):
    """An estimate with its 95% interval, from its standard error."""
    half = float(scipy.stats.t.ppf(0.975, freedom) * error) if error else 0.0
    return Estimate(mean, mean - half, mean + half, basis=basis)


def difference_with_p(arm, control, unit: str = "points", basis: str = "") -> Estimate:
    """`paired_difference` in a unit, with the p-value of `sign_flip_test`."""
    found, p = paired_difference(arm, control), sign_flip_test(arm, control)
    return found._replace(unit=unit, basis=basis or found.basis, p=p)


def difference_over_seeds_and_images(arm, control) -> Estimate:
    """Difference in accuracy, with an interval for other seeds and other test images.

    The differences of single answers form a table of seeds and images with random
    effects of both. The variance of its mean is (MS of seeds + MS of images - MS of the
    residual) / number of answers, where an effect below the residual counts as none;
    Student's t has the degrees of freedom of Satterthwaite (1946), as in the quasi F of
    Clark (1973). Identical arms give an interval from 0 to 0.

    Args:
        arm: `(seeds, images)` bool: which test images were right; 2 seeds or more.
        control: the same for the other arm, with the same seeds and images.

    Raises:
        ValueError: if the arms are not two such arrays of one shape.
    """
    arm, control = np.asarray(arm), np.asarray(control)
    alike = arm.shape == control.shape and arm.dtype == control.dtype == bool
    if not alike or arm.ndim != 2 or min(arm.shape) < 2:
        raise ValueError(
            "Expected two arrays of right and wrong, both (seeds, images) bool, for 2 "
            f"seeds and 2 images or more. Received {arm.dtype} {arm.shape} and "
            f"{control.dtype} {control.shape}."
        )
    seeds, images = arm.shape
    table = arm.astype(float) - control
    mean, of_seeds, of_images = table.mean(), table.mean(1), table.mean(0)
    residual = table - of_seeds[:, None] - of_images + mean
    free = np.array([seeds - 1, images - 1, (seeds - 1) * (images - 1)])
    squares = [images * np.var(of_seeds) * seeds, seeds * np.var(of_images) * images]
    of_seeds, of_images, rest = np.array([*squares, (residual**2).sum()]) / free
    parts = np.array([max(of_seeds, rest), max(of_images, rest), -rest])
    variance, basis = parts.sum() / table.size, f"{seeds} pairs"
    if not variance:
        return _by_t(float(mean), 0.0, 1, basis)
    freedom = parts.sum() ** 2 / (parts**2 / free).sum()
    return _by_t(float(mean), np.sqrt(variance), freedom, basis)


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
