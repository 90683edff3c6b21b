"""Accuracy as a function of the noise level: psychometric functions, thresholds, d'.

Noise levels are 0 or more, in any unit (grey levels); their ratios are in decibels,
6 dB twice the noise. Everything returns numbers and draws nothing.
"""

from typing import NamedTuple

import numpy as np
import scipy
from scipy import special

from utils.statistics import Estimate, resampled_accuracies

SPREADS = (0.1, 60.0)  # dB: as good as a step, as good as flat
REACH = 20.0  # dB: how far outside the tested levels a fit may look
ENDS = (0.025, 0.975)  # of the 95% intervals, percentiles
STEPS = 200  # of a fit, at most; some ten are usual
ENOUGH = 1e-8  # a smaller step ends it: dB, log dB, share
PROBABLE = (1e-9, 1 - 1e-9)  # of an answer
FALL_ALPHA = 0.01  # of the likelihood-ratio test that accuracy falls at all


class PsychometricFunction(NamedTuple):
    """A cumulative Gaussian that falls over the logarithm of the noise level.

    `p = guess + (1 - guess - lapse) * Phi((dB(threshold) - dB(level)) / spread)`
    (Wichmann and Hill 2001a, equation 1, turned round). The threshold is the level at
    which p is midway between `1 - lapse`, its value without noise, and `guess`.
    """

    threshold: float  # a noise level
    spread: float  # SD of the Gaussian, dB
    lapse: float  # errors that remain without noise
    guess: float  # accuracy in noise without end
    deviance: float  # misfit: near the number of levels - 3 if the model holds

    def accuracy(self, levels) -> np.ndarray:
        """Expected accuracy at noise levels of any shape."""
        below = (decibels(self.threshold) - decibels(levels)) / self.spread
        return self.guess + (1 - self.guess - self.lapse) * special.ndtr(below)


def decibels(ratio):
    """`20 log10(ratio)`, any shape: 1 is 0 dB, 0 is minus infinity."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(ratio)


def fit(levels, correct, trials, guess: float = 0.1) -> PsychometricFunction:
    """The psychometric function that makes the counts most likely.

    Args:
        levels: `(levels,)` noise levels, at least 4, some of them within the fall.
        correct: `(levels,)` how many answers were right.
        trials: `(levels,)` out of how many, or one number for all levels.
        guess: accuracy of guessing, 0.1 for ten digits.

    Raises:
        ValueError: if these are not such counts; if accuracy does not fall (always
            perfect, always at chance); if the threshold lies outside the levels.
    """
    levels, correct = np.asarray(levels, float), np.asarray(correct, float)
    trials = np.broadcast_to(np.asarray(trials, float), levels.shape)
    enough = correct.shape == levels.shape and len({*levels.flat}) >= 4
    counts = enough and (correct >= 0) & (correct <= trials) & (trials > 0)
    if not np.all(counts & (levels >= 0) & (0 <= guess < 1)):
        raise ValueError(
            "Expected 4 or more noise levels of 0 or more, as many right answers as "
            "trials or fewer at each, and a guessing rate from 0 to below 1, received "
            f"levels {levels}, {correct} right of {trials}, guess {guess}."
        )
    ((best,), (deviance,)) = _most_likely(levels, correct[None], trials, guess)
    flat = _deviance(correct.sum() / trials.sum(), correct, trials)
    falls = flat - deviance > scipy.stats.chi2.isf(FALL_ALPHA, 2)
    threshold = 10 ** (best[0] / 20)
    if not (falls and levels.min() <= threshold <= levels.max()):
        raise ValueError(
            "Expected accuracy to fall through a threshold within the levels, received "
            f"{(correct / trials).round(3)} at {levels}, with guess {guess}."
        )
    numbers = threshold, np.exp(best[1]), best[2], guess, deviance
    return PsychometricFunction(*map(float, numbers))


def threshold_interval(
    levels, correct, trials, guess: float = 0.1, *, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Threshold of one observer, with an interval for other trials of that observer.

    Parametric bootstrap: counts are drawn from the fitted function and fitted again
    (Wichmann and Hill 2001b). Width falls as 1 / sqrt(trials). Arguments: see `fit`.
    """
    fitted = fit(levels, correct, trials, guess)
    trials = np.broadcast_to(trials, np.shape(levels)).astype(int)
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(trials, fitted.accuracy(levels), (resamples, len(trials)))
    found = _thresholds(levels, drawn, trials, fitted)
    low, high = 10 ** (np.quantile(found, ENDS) / 20)
    method = f"parametric bootstrap, {trials.sum():,} trials"
    return Estimate(fitted.threshold, float(low), float(high), 0.95, method)


def threshold_shift(
    levels, arm, control, guess: float = 0.1, *, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """How many decibels more noise an arm bears at its threshold than its control.

    `20 log10(threshold of arm / of control)`, fitted to accuracy over all seeds. Both
    arms are `(seeds, levels, images)` bool: which test images were right. The interval
    holds for other seeds and images (`utils.statistics`). Identical arms: 0 to 0. With
    fewer than 8 seeds, give each network's decibels to `statistics.paired_difference`.
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
    drawn = resampled_accuracies(both, resamples, seed) * trials
    found = [_thresholds(levels, drawn[:, i], trials, fits[i]) for i in (0, 1)]
    low, high = np.quantile(found[0] - found[1], ENDS)
    method = "bootstrap over {} seeds and {:,} images".format(*arm.shape[::2])
    value = float(decibels(fits[0].threshold / fits[1].threshold))
    basis = f"{len(arm)} pairs"
    return Estimate(value, float(low), float(high), 0.95, method, "dB", basis)


def forced_choice_accuracy(d_prime, alternatives: int = 10) -> np.ndarray:
    """Accuracy in choosing the one of m Gaussians whose mean is d' higher.

    `p = integral of phi(x - d') Phi(x)^(m - 1) dx` (Green and Swets 1966; Hacker and
    Ratcliff 1979): independent, of SD 1, no bias. d' = 0, any shape, gives 1 / m.
    """
    x = np.linspace(-10, 10, 401)  # the trapezoid rule is as good as exact for these
    one_below = special.ndtr(np.asarray(d_prime)[..., None] + x)
    return one_below ** (alternatives - 1) @ scipy.stats.norm.pdf(x) * (x[1] - x[0])


def d_prime(accuracy, alternatives: int = 10) -> np.ndarray:
    """The d' of accuracies (any shape) among m alternatives, from the formula above.

    0 at 1 / m, negative below; infinite at an accuracy of 0 or 1.
    """
    accuracy = np.asarray(accuracy, float)
    if not ((accuracy >= 0) & (accuracy <= 1)).all() or alternatives < 2:
        raise ValueError(
            "Expected accuracies from 0 to 1 and 2 or more alternatives, received "
            f"{accuracy} and {alternatives}."
        )
    from scipy.optimize import elementwise  # half a second, and few need it

    found = elementwise.find_root(
        lambda d, p: forced_choice_accuracy(d, alternatives) - p,
        (-40, 40),
        args=(np.clip(accuracy, 1e-14, 1 - 1e-14),),
    )
    return np.select([accuracy == 0, accuracy == 1], [-np.inf, np.inf], found.x)


# Many fits at once: parameters are threshold (dB), logarithm of the spread, and lapse.


def _below(parameters, levels):
    """How many spreads each level lies below the threshold: `(..., levels)`."""
    return (parameters[..., :1] - decibels(levels)) / np.exp(parameters[..., 1:2])


def _accuracy(parameters, levels, guess):
    """`PsychometricFunction.accuracy` for parameters `(..., 3)`: `(..., levels)`."""
    share = 1 - guess - parameters[..., 2:]
    return guess + share * special.ndtr(_below(parameters, levels))


def _deviance(p, correct, trials):
    """Twice the logarithm of how much likelier the counts are by their own shares."""
    share, p = correct / trials, np.clip(p, *PROBABLE)
    divergence = special.rel_entr(share, p) + special.rel_entr(1 - share, 1 - p)
    return (2 * trials * divergence).sum(-1)


def _most_likely(levels, correct, trials, guess, start=None):
    """Parameters `(fits, 3)` that make counts `(fits, levels)` most likely; deviances.

    Fisher scoring for all at once, each step damped until it is one downhill (Levenberg
    1944; Marquardt 1963); a parameter that is drawn beyond its limit stays there.
    """
    lowest, *_, highest = decibels(sorted({*levels} - {0}))
    limits = [(lowest - REACH, highest + REACH), np.log(SPREADS), (0, 1 - guess)]
    low, high = np.transpose(limits)
    if start is None:
        start = _grid(levels, correct, trials, guess, lowest, highest)

    def deviance(parameters):
        return _deviance(_accuracy(parameters, levels, guess), correct, trials)

    found = np.clip(np.broadcast_to(start, (len(correct), 3)), low, high)
    misfit, damping = deviance(found), np.full(len(correct), 1e-3)
    for _ in range(STEPS):
        gradient, information = _scores(found, levels, correct, trials, guess)
        free = ~((found <= low) & (gradient < 0) | (found >= high) & (gradient > 0))
        information *= free[:, :, None] & free[:, None, :]
        diagonal = np.einsum("fii->fi", information)  # a view
        diagonal += damping[:, None] * diagonal + np.where(free, 1e-9, 1)
        step = np.linalg.solve(information, (free * gradient)[..., None])[..., 0]
        tried = np.clip(found + step, low, high)
        if np.abs(tried - found).max() < ENOUGH:
            break
        now = deviance(tried)
        better = now < misfit
        found = np.where(better[:, None], tried, found)
        misfit = np.where(better, now, misfit)
        damping *= np.where(better, 0.1, 10)
    return found, misfit


def _scores(parameters, levels, correct, trials, guess):
    """Gradient of the log likelihood `(fits, 3)`, Fisher information `(fits, 3, 3)`."""
    below, share = _below(parameters, levels), 1 - guess - parameters[:, 2:]
    fall = share * scipy.stats.norm.pdf(below)
    slopes = np.stack(
        [
            fall / np.exp(parameters[:, 1:2]),
            -fall * np.where(np.isfinite(below), below, 0),  # without noise: infinite
            -special.ndtr(below),
        ],
        axis=1,
    )
    p = np.clip(_accuracy(parameters, levels, guess), *PROBABLE)
    weights = trials / (p * (1 - p))
    gradient = np.einsum("fil,fl->fi", slopes, weights * (correct / trials - p))
    return gradient, np.einsum("fil,fjl,fl->fij", slopes, slopes, weights)


def _grid(levels, correct, trials, guess, lowest, highest):
    """Of a few hundred functions, that which fits each row of counts best."""
    lapses = np.stack([np.full(len(correct), 0.01), 1 - (correct / trials).max(-1)])
    axes = np.linspace(lowest, highest, 50), np.log([2, 4, 8, 16]), [0, 1]
    threshold, spread, which = (x.ravel() for x in np.meshgrid(*axes))
    starts = np.empty((len(which), len(correct), 3))
    starts[..., 0], starts[..., 1] = threshold[:, None], spread[:, None]
    starts[..., 2] = lapses[which.astype(int)]
    misfit = _deviance(_accuracy(starts, levels, guess), correct, trials)
    return starts[misfit.argmin(0), np.arange(len(correct))]


def _thresholds(levels, drawn, trials, fitted):
    """Thresholds (dB) of resampled counts `(resamples, levels)`."""
    start = decibels(fitted.threshold), np.log(fitted.spread), fitted.lapse
    return _most_likely(levels, drawn, trials, fitted.guess, start)[0][:, 0]
