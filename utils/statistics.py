"""Numbers that summarise and compare runs. They return numbers and draw nothing.

Two arms of a study are paired: run s of either has the weights, the order of images and
the noise of seed s. `arm` and `control` are `(pairs,)`, one number for each seed, in
the same order; differences are arm minus control, in the unit of these numbers.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

FEWEST_TO_RESAMPLE = 8  # seeds; with fewer, a bootstrap's interval is too narrow
MOST_TO_ENUMERATE = 22  # pairs: 2**21 sums take 16 MiB


def mean_and_standard_error(values, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean over runs and the standard error of that mean.

    `SE = s / sqrt(n)` with s the sample standard deviation (n - 1 in its
    denominator). With one run the standard error is NaN: one run says nothing of
    the spread between runs.

    Args:
        values: any shape; runs along `axis`.
        axis: the axis of runs.

    Returns:
        Two arrays of that shape without the axis.

    Raises:
        ValueError: if there is no run.
    """
    values = np.asarray(values, float)
    runs = values.shape[axis] if values.ndim else 0
    if runs == 0:
        raise ValueError(f"Expected at least one run, received shape {values.shape}.")
    mean = values.mean(axis)
    if runs == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, values.std(axis, ddof=1) / np.sqrt(runs)


class Estimate(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float
    confidence: float
    method: str  # of the interval

    def __str__(self):
        return (
            f"{self.value:.4g} ({self.confidence:.0%} interval {self.low:.4g} to "
            f"{self.high:.4g}, {self.method})"
        )


def paired_difference(
    arm, control, *, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
) -> Estimate:
    """Mean difference over pairs, with an interval for other seeds, same test images.

    From 8 pairs on, the bias-corrected and accelerated bootstrap (BCa: Efron 1987);
    with fewer, Student's t. Where all pairs differ by the same, it has no width.

    Raises:
        ValueError: if the arms are not two equally long sequences of numbers.
    """
    differences = _differences(arm, control)
    mean, pairs = float(differences.mean()), len(differences)
    if not np.ptp(differences):
        low, high, method = mean, mean, f"{pairs} equal differences"
    elif pairs < FEWEST_TO_RESAMPLE:
        low, high = stats.ttest_1samp(differences, 0).confidence_interval(confidence)
        method = f"Student's t over {pairs} pairs"
    else:
        low, high = stats.bootstrap(
            (differences,),
            np.mean,
            confidence_level=confidence,
            n_resamples=resamples,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        method = f"BCa bootstrap over {pairs} pairs"
    return Estimate(mean, float(low), float(high), confidence, method)


def epochs_to_reach(curve, target: float, start: float = 0.1) -> float:
    """After how many epochs a learning curve first reaches an accuracy.

    Linear between epochs, and from `start` (chance) before the first; NaN if never.

    Args:
        curve: `(epochs,)` accuracy after each epoch.
        target: the accuracy to reach.
        start: accuracy before training.
    """
    curve = np.concatenate([[start], np.asarray(curve, float)])
    reached = np.flatnonzero(curve >= target)
    if not len(reached):
        return float("nan")
    after = reached[0]
    if after == 0:
        return 0.0
    before, there = curve[after - 1 : after + 1]
    return float(after - 1 + (target - before) / (there - before))


def speed_up(
    arm, control, *, last: int = 3, start: float = 0.1, **settings
) -> Estimate:
    """How many times sooner an arm reaches the accuracy at which its control ends.

    For each seed, the target is the mean of the control's `last` epochs, and the ratio
    is that of the epochs after which control and arm first reach it. The value is the
    geometric mean over seeds, and the interval is for other seeds. Equal curves give 1.

    Args:
        arm, control: `(pairs, epochs)` accuracy after each epoch, of equal images.
        last: epochs whose mean is the control's final accuracy.
        start: accuracy before training.
        **settings: as for `paired_difference`.

    Raises:
        ValueError: if an arm never reaches the target: there is no ratio then.
    """
    arm, control = np.asarray(arm, float), np.asarray(control, float)
    targets = control[:, -last:].mean(1)
    sooner, later = (
        np.array(
            [epochs_to_reach(c, t, start) for c, t in zip(x, targets, strict=True)]
        )
        for x in (arm, control)
    )
    if np.isnan(sooner).any():
        raise ValueError(
            f"{np.isnan(sooner).sum()} of {len(sooner)} networks never reach the final "
            "accuracy of their controls: there is no ratio for them."
        )
    found = paired_difference(np.log(later), np.log(sooner), **settings)
    value, low, high = np.exp([found.value, found.low, found.high]).tolist()
    return found._replace(value=value, low=low, high=high)


class EffectSize(NamedTuple):
    """A mean difference in standard deviations of the differences."""

    d_z: float
    g_z: float  # without the bias of few pairs


def effect_size(arm, control) -> EffectSize:
    """Cohen's d for pairs, and Hedges' correction of its bias.

    `d_z = mean / s` of the differences (Cohen 1988, section 2.3.5) and
    `g_z = d_z * Gamma(v/2) / (sqrt(v/2) Gamma((v-1)/2))`, v = n - 1 (Hedges 1981; for
    pairs Gibbons, Hedeker and Davis 1993). Identical arms have 0.
    """
    differences = _differences(arm, control, fewest=3)
    mean, half = differences.mean(), (len(differences) - 1) / 2
    if not np.ptp(differences):
        d_z = float(np.copysign(np.inf, mean)) if mean else 0.0
        return EffectSize(d_z, d_z)
    d_z = float(mean / differences.std(ddof=1))
    correction = special.poch(half - 0.5, 0.5) / np.sqrt(half)
    return EffectSize(d_z, float(d_z * correction))


class SignFlipTest(NamedTuple):
    """A two-sided p-value, and the smallest that so many pairs can reach."""

    p: float
    smallest_p: float
    pairs: int
    exact: bool


def sign_flip_test(
    arm, control, *, resamples: int = 99_999, seed: int = 0
) -> SignFlipTest:
    """Whether the arms' names could as well be swapped in any of the pairs.

    p is the share of the 2^n patterns of signs in which the sum of the differences is
    at least as far from 0 (Fisher 1935, section 21). It cannot be below 2 / 2^n: .25
    with three pairs, .03 with six. Beyond 22 pairs, patterns are drawn and
    `p = (1 + count) / (1 + resamples)` (Phipson and Smyth 2010). Identical arms have
    p = 1. (`scipy.stats.permutation_test` agrees, but needs seconds for 20 pairs.)
    """
    differences = _differences(arm, control)
    pairs = len(differences)
    exact = pairs <= MOST_TO_ENUMERATE
    if exact:
        sums = differences[:1]  # the other half of the patterns mirrors this one
        for difference in differences[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
    else:
        rng = np.random.default_rng(seed)
        flips = rng.integers(2, size=(resamples, pairs), dtype=np.int8)
        sums = differences.sum() - 2 * flips @ differences
    rounding = 1e-12 * np.abs(differences).sum()
    extreme = np.abs(sums) >= abs(differences.sum()) - rounding
    if exact:
        return SignFlipTest(float(extreme.mean()), 2 / 2**pairs, pairs, exact)
    p = (1 + extreme.sum()) / (1 + resamples)
    return SignFlipTest(float(p), 1 / (1 + resamples), pairs, exact)


def holm(p_values) -> np.ndarray:
    """p-values adjusted for their number, in the order given.

    The i-th smallest of m is multiplied by m - i + 1, is no smaller than the one
    before and at most 1 (Holm 1979): under any dependence, the chance of one false
    positive or more stays below alpha. A single p-value stays as it is.
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
    """Whether a difference is shown to be smaller than a margin."""

    difference: Estimate  # its interval has confidence 1 - 2 alpha
    margin: float
    p: float  # the larger of the two one-sided tests
    equivalent: bool

    def __str__(self):
        verdict = "equivalent" if self.equivalent else "not shown equivalent"
        return f"{self.difference}: {verdict} within {self.margin:g}, p = {self.p:.2g}"


def equivalence(arm, control, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """Whether two arms differ by less than a margin, fixed before the data were seen.

    Two one-sided paired t tests, against -margin and against +margin (Schuirmann
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
    method = f"Student's t over {len(differences)} pairs"
    if np.ptp(differences):
        above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
        p = float(max(above, below))
        low, high = stats.ttest_1samp(differences, 0).confidence_interval(confidence)
    else:
        p, low, high = float(abs(mean) >= margin), mean, mean
    difference = Estimate(mean, float(low), float(high), confidence, method)
    return Equivalence(difference, margin, p, p < alpha)


def smallest_detectable_difference(
    pairs: int, sd: float = 1.0, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The true mean difference that a two-sided paired t test finds with that power.

    Solves `P(|T| > critical t) = power`, T noncentral t with n - 1 degrees of freedom
    and noncentrality sqrt(n) difference / sd (Cohen 1988). `sd` is that of the
    differences; 1 gives the answer as d_z. It falls to 0 as 1 / sqrt(pairs).
    """
    if pairs < 2 or not sd >= 0 or not 0 < alpha < power < 1:
        raise ValueError(
            "Expected 2 pairs or more, an SD of 0 or more and 0 < alpha < power < 1, "
            f"received {pairs} pairs, SD {sd}, alpha {alpha}, power {power}."
        )
    freedom, beyond = pairs - 1, (1 - power) / 2
    critical = stats.t.isf(alpha / 2, freedom)

    def excess(noncentrality):  # the lower tail by symmetry: nct.cdf is NaN far out
        tails = stats.nct.sf(critical, freedom, [noncentrality, -noncentrality])
        return tails.sum() - power

    # Enough: Z > -z and S < s, each but for half of 1 - power, give T > critical.
    largest_spread = np.sqrt(stats.chi2.isf(beyond, freedom) / freedom)
    enough = critical * largest_spread + stats.norm.isf(beyond)
    return float(sd * optimize.brentq(excess, 0, enough) / np.sqrt(pairs))


def _differences(arm, control, fewest=2):
    """Arm minus control, `(pairs,)`; those that only rounding tells apart, equal."""
    arm, control = np.asarray(arm, float), np.asarray(control, float)
    paired = arm.ndim == 1 and arm.shape == control.shape and len(arm) >= fewest
    if not paired or not np.isfinite([arm, control]).all():
        raise ValueError(
            f"Expected two sequences of {fewest} or more finite numbers, paired by "
            f"seed, received {arm} and {control}."
        )
    differences = arm - control
    rounding, mean = 1e-12 * np.abs([arm, control]).max(), differences.mean()
    if np.ptp(differences) <= rounding:
        differences[:] = mean if abs(mean) > rounding else 0
    return differences
