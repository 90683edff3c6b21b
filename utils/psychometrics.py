"""Accuracy as a function of the noise level: psychometric functions, thresholds, d'.

Noise levels are 0 or more, in any unit (grey levels); their ratios are in decibels,
`20 log10(ratio)`: 6 dB is twice the noise. Intervals are 95% percentile intervals.
Everything returns numbers and draws nothing.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats
from scipy.optimize import elementwise

from utils.resampling import resampled_accuracies
from utils.statistics import Estimate

SPREADS = (0.1, 60.0)  # dB: from as good as a step to as good as flat
REACH = 20.0  # dB outside the tested levels, as far as a fit may look
FALL_ALPHA = 0.01  # of the test that accuracy falls at all


class PsychometricFunction(NamedTuple):
    """A cumulative Gaussian that falls over the logarithm of the noise level.

    `p = guess + (1 - guess - lapse) * Phi((dB(threshold) - dB(level)) / spread)`
    (Wichmann and Hill 2001, equation 1, turned round). The threshold is the level at
    which p is midway between `1 - lapse`, where it starts without noise, and `guess`,
    where it ends.
    """

    threshold: float  # a noise level
    spread: float  # SD of the Gaussian, dB
    lapse: float  # errors that remain without noise
    guess: float
    deviance: float  # misfit: near the number of levels - 3 if the model holds

    def accuracy(self, levels) -> np.ndarray:
        """Expected accuracy at noise levels of any shape."""
        parameters = decibels(self.threshold), np.log(self.spread), self.lapse
        return _accuracy(parameters, decibels(levels), self.guess)[0]

    @property
    def slope(self) -> float:
        """Change of accuracy per decibel at the threshold, below 0."""
        return -(1 - self.guess - self.lapse) / (self.spread * np.sqrt(2 * np.pi))


def decibels(ratio):
    """`20 log10(ratio)`, any shape: 1 is 0 dB, 0 is minus infinity."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(ratio)


def fit(levels, correct, trials, guess: float = 0.1) -> PsychometricFunction:
    """The psychometric function that makes the counts most likely.

    Args:
        levels: `(levels,)` noise levels, at least 4 different ones.
        correct: `(levels,)` how many answers were right.
        trials: `(levels,)` out of how many, or one number for all levels.
        guess: accuracy of guessing, 0.1 for ten digits.

    Raises:
        ValueError: if these are not such counts; if accuracy does not fall (always
            perfect, always at chance); if the threshold lies outside the levels.
    """
    levels, correct = np.asarray(levels, float), np.asarray(correct, float)
    trials = np.broadcast_to(np.asarray(trials, float), levels.shape)
    _check(levels, correct, trials, guess)
    best, cost = _most_likely(levels, correct, trials, guess)
    overall = correct.sum() / trials.sum()
    if 2 * (_cost(correct, trials, overall) - cost) < stats.chi2.isf(FALL_ALPHA, 2):
        raise ValueError(
            "Expected accuracy to fall with noise, but from level "
            f"{levels.min():g} to {levels.max():g} it is about {overall:.2f} (guessing: "
            f"{guess:g}): no threshold. Test lower levels if it is low, else higher."
        )
    threshold = float(10 ** (best[0] / 20))
    if not levels.min() <= threshold <= levels.max():
        raise ValueError(
            "Expected levels on both sides of the threshold, received "
            f"{levels.min():g} to {levels.max():g}; it is nearer {threshold:.3g}."
        )
    deviance = 2 * (cost - _cost(correct, trials, correct / trials))
    spread, lapse = float(np.exp(best[1])), float(best[2])
    return PsychometricFunction(threshold, spread, lapse, guess, float(deviance))


def threshold_interval(
    levels, correct, trials, guess: float = 0.1, *, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Threshold of one observer, with an interval for other trials of that observer.

    Parametric bootstrap: counts are drawn from the fitted function and fitted again
    (Wichmann and Hill 2001). Its width falls to 0 as 1 / sqrt(trials). Arguments and
    errors are those of `fit`.
    """
    function = fit(levels, correct, trials, guess)
    trials = np.broadcast_to(trials, np.shape(levels))
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(trials, function.accuracy(levels), (resamples, len(trials)))
    found = [_most_likely(levels, counts, trials, guess)[0][0] for counts in drawn]
    low, high = 10 ** (np.quantile(found, [0.025, 0.975]) / 20)
    method = f"parametric bootstrap, {int(trials.sum()):,} trials"
    return Estimate(function.threshold, float(low), float(high), 0.95, method)


def threshold_shift(
    levels, arm, control, guess: float = 0.1, *, resamples: int = 500, seed: int = 0
) -> Estimate:
    """How many decibels more noise an arm bears at its threshold than its control.

    `20 log10(threshold of arm / of control)`, fitted to accuracy over all seeds. The
    interval holds for other seeds and test images (`utils.resampling`). Identical
    arms give 0 to 0. With fewer than 8 seeds, fit each network, and compare the
    decibels of the thresholds by `utils.statistics.paired_difference`.

    Args:
        levels: `(levels,)` noise levels.
        arm: `(seeds, levels, images)` bool: which test images were right.
        control: the same for the other arm, same seeds, same images.
        guess: accuracy of guessing.
        resamples: how many; each is two fits.
        seed: of the draws.
    """
    arm, control = np.asarray(arm), np.asarray(control)
    if arm.shape != control.shape or arm.ndim != 3 or arm.shape[1] != len(levels):
        raise ValueError(
            f"Expected two arrays (seeds, {len(levels)} levels, images), received "
            f"{arm.shape} and {control.shape}."
        )
    both = np.stack([arm, control], axis=1)  # (seeds, arms, levels, images)
    trials = np.full(len(levels), arm.shape[0] * arm.shape[2])
    fits = [fit(levels, counts, trials, guess) for counts in both.sum((0, 3))]
    means = resampled_accuracies(both, resamples, np.random.default_rng(seed))
    found = [
        [_most_likely(levels, counts, trials, guess)[0][0] for counts in pair]
        for pair in means * trials
    ]
    low, high = np.quantile(np.subtract(*np.transpose(found)), [0.025, 0.975])
    method = "dB, bootstrap over {} seeds and {:,} images".format(*arm.shape[::2])
    value = float(decibels(fits[0].threshold / fits[1].threshold))
    return Estimate(value, float(low), float(high), 0.95, method)


def forced_choice_accuracy(d_prime, alternatives: int = 10) -> np.ndarray:
    """Accuracy in choosing the one of m Gaussians whose mean is d' higher.

    `p = integral of phi(x - d') Phi(x)^(m - 1) dx` (Green and Swets 1966; Hacker and
    Ratcliff 1979): independent, of SD 1, no bias. d' = 0, any shape, gives 1 / m.
    """
    x = np.linspace(-10, 10, 401)  # the trapezoid rule is as good as exact for these
    others_below = special.ndtr(np.asarray(d_prime)[..., None] + x) ** (
        alternatives - 1
    )
    return others_below @ stats.norm.pdf(x) * (x[1] - x[0])


def d_prime(accuracy, alternatives: int = 10) -> np.ndarray:
    """d' of accuracies (any shape) among m alternatives: the inverse of the above.

    0 at 1 / m, negative under it; infinite at an accuracy of 0 or 1.
    """
    accuracy = np.asarray(accuracy, float)
    if not ((accuracy >= 0) & (accuracy <= 1)).all() or alternatives < 2:
        raise ValueError(
            "Expected accuracies from 0 to 1 and 2 or more alternatives, received "
            f"{accuracy} and {alternatives}."
        )
    found = elementwise.find_root(
        lambda d, p: forced_choice_accuracy(d, alternatives) - p,
        (-40, 40),
        args=(np.clip(accuracy, 1e-14, 1 - 1e-14),),
    ).x
    return np.select([accuracy == 0, accuracy == 1], [-np.inf, np.inf], found)


def _check(levels, correct, trials, guess):
    counts = levels.ndim == 1 and correct.shape == levels.shape
    if not (counts and np.all((correct >= 0) & (correct <= trials) & (trials > 0))):
        raise ValueError(
            "Expected a count of right answers, at most that of trials, for each of "
            f"{levels.shape} levels, received {correct} of {trials}."
        )
    if len(np.unique(levels)) < 4 or not (levels >= 0).all() or not 0 <= guess < 1:
        raise ValueError(
            "Expected 4 or more noise levels, 0 or more each, and a guessing rate in "
            f"[0, 1), received levels {levels} and {guess}."
        )


def _accuracy(parameters, level_db, guess):
    """Accuracy and the share seen, `(levels,)`, and the z-scores of the latter."""
    threshold_db, log_spread, lapse = parameters
    z = np.clip((threshold_db - level_db) / np.exp(log_spread), -40, 40)
    seen = special.ndtr(z)
    return guess + (1 - guess - lapse) * seen, seen, z


def _cost(correct, trials, p):
    """Minus the log-likelihood, without the part that is the same for every p."""
    wrong = special.xlogy(trials - correct, 1 - p)
    return -np.sum(special.xlogy(correct, p) + wrong)


def _most_likely(levels, correct, trials, guess):
    """Threshold (dB), log spread and lapse, and the cost there."""
    level_db, total = decibels(levels), np.sum(trials)
    tested = level_db[np.isfinite(level_db)]

    def cost_and_gradient(parameters):
        p, seen, z = _accuracy(parameters, level_db, guess)
        p = np.clip(p, 1e-9, 1 - 1e-9)
        pull = (trials * p - correct) / (p * (1 - p)) / total
        steep = (1 - guess - parameters[2]) * stats.norm.pdf(z)
        down = np.sum(pull * steep) / np.exp(parameters[1])
        gradient = [down, -np.sum(pull * steep * z), -np.sum(pull * seen)]
        return _cost(correct, trials, p) / total, np.array(gradient)

    starts = [
        (threshold, np.log(spread), lapse)
        for threshold in np.linspace(tested.min(), tested.max(), 9)
        for spread in (1, 3, 9)
        for lapse in (0.01, 1 - np.max(correct / trials))
    ]
    bounds = [(tested.min() - REACH, tested.max() + REACH), np.log(SPREADS)]
    best = optimize.minimize(
        cost_and_gradient,
        min(starts, key=lambda start: cost_and_gradient(start)[0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[*bounds, (0, 1 - guess)],
    )
    return best.x, best.fun * total
