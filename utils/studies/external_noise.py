"""Enhancement or exclusion: the effect of a cue in external and in internal noise.

A digit lies somewhere on a canvas, at a contrast from 0 to 1, in external noise of SD 0
to 60; networks add internal noise to `conv_2`'s input. Half of them have a cue: a gain
on that input at the digit's place, before internal noise is added. A cue that helps
only in strong external noise excludes this noise; a cue that helps only in weak noise
enhances the digit above the internal noise (Lu and Dosher 1998, Dosher and Lu 2000).

Their perceptual template model at one criterion and with a linear transducer, which is
the linear amplifier model (Pelli 1981), is fitted to threshold contrasts:

    threshold^2 = scale^2 ((A_f external noise)^2 + (A_e internal noise)^2)

A_f = A_e = 1 without the cue; with it, A_f < 1 is exclusion and A_e < 1 enhancement.
If both fall by one factor, the observer is better everywhere.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images, over 8 pairs of seeds: the cue's change of the threshold contrast
without external noise, and in the strongest. Threshold is 40% right: networks without a
cue reached it on validation images at full contrast in all these noises, and guessing
does not. A first design, with noise to SD 120 and internal noise of SD 8, was given up
after one pair: without a cue its network named 40% at best.
"""

from typing import NamedTuple

import attrs
import numpy as np
import scipy  # its parts load on first use, so that notebooks open quickly

from utils.displays import Display
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.measures.psychometrics import decibels
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE

PRIMARY = (("enhancement", "exclusion"),)
INTERNAL = 2.0  # SD, in the unit of the activities
SEEDS = range(8)
NOISE = 60.0  # external, SD in grey levels: in training, and the strongest at test
LEVELS = (0.0, NOISE / 2, NOISE)
CONTRASTS = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
NOISES = (0.0, 3.75, 7.5, 15.0, 30.0, 45.0, NOISE)  # external, SD in grey levels
CRITERION = 0.4  # accuracy at threshold
MECHANISMS = {  # may the cue change A_f, and A_e?
    "nothing": (False, False),
    "enhancement": (False, True),
    "exclusion": (True, False),
    "both": (True, True),
}
UNCUED = Tuned(
    "no cue",
    attrs.evolve(
        BASE,
        display=Display(),
        noise_sd=NOISE,
        contrast_varies=True,
        internal_noise=INTERNAL,
        epochs=4,
        test_noise_sds=LEVELS,
    ),
    rates(0.0007, 0.001, 0.0015, 0.003),
    sd=NOISE,
    validation={"epochs": 2},
)
CUED = UNCUED.but("cue", attention="given")
NETWORKS = (UNCUED, CUED)


def _at_contrast(tuned, contrast):
    few = {"test_images": 2_000, "test_noise_sds": NOISES, "curve_images": None}
    return tuned.arm(SEEDS).probed(**few, contrast=contrast)


def probed() -> list[Arm]:
    """All arms of probes."""
    return [_at_contrast(each, c) for each in NETWORKS for c in CONTRASTS]


def accuracies(cued: bool) -> np.ndarray:
    """Accuracies of networks with or without the cue: `(seeds, contrasts, noises)`."""
    tuned = CUED if cued else UNCUED
    arms = [_at_contrast(tuned, contrast) for contrast in CONTRASTS]
    return np.array([[arm.accuracy(sd) for sd in NOISES] for arm in arms]).transpose(
        2, 0, 1
    )


def thresholds(accuracies, contrasts, criterion: float) -> np.ndarray:
    """The contrast at which each network reaches a criterion accuracy.

    Accuracy is interpolated linearly over the logarithm of the contrast; above the
    threshold it stays above the criterion. No function is fitted: with so many trials,
    the data reject the usual ones.

    Args:
        accuracies: `(..., contrasts, noises)`.
        contrasts: `(contrasts,)` above 0, rising.
        criterion: an accuracy.

    Returns:
        `(..., noises)`. NaN if the criterion is not reached at the largest contrast, or
        is exceeded at all of them: the threshold is then outside their range.

    Raises:
        ValueError: if contrasts do not rise from above 0, or their number differs.
    """
    contrasts, curves = np.asarray(contrasts, float), np.asarray(accuracies, float)
    rising = contrasts.ndim == 1 and contrasts[0] > 0 and (np.diff(contrasts) > 0).all()
    if not rising or curves.ndim < 2 or curves.shape[-2] != len(contrasts):
        raise ValueError(
            "Expected accuracies (..., contrasts, noises) and contrasts above 0 that "
            f"rise. Received accuracies {curves.shape} and contrasts {contrasts}."
        )

    def threshold(curve):
        below = np.flatnonzero(~(curve >= criterion))
        if not len(below) or below[-1] == len(curve) - 1:
            return np.nan
        ends = slice(below[-1], below[-1] + 2)
        return np.exp(np.interp(criterion, curve[ends], np.log(contrasts[ends])))

    return np.apply_along_axis(threshold, -2, curves)


class Fit(NamedTuple):
    """The model with one mechanism, fitted to each of several networks."""

    exclusion: np.ndarray  # (seeds,) A_f, 1 if it is fixed
    enhancement: np.ndarray  # (seeds,) A_e, 1 if it is fixed
    internal: np.ndarray  # (seeds,) internal noise, in the unit of the external
    scale: np.ndarray  # (seeds,) contrast for each unit of noise
    squares: float  # sum of squared residuals of ln threshold, over all networks
    parameters: int  # of all networks
    points: int  # thresholds, of all networks

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few points (Hurvich and Tsai 1989): lower is better.

        `n ln(RSS / n) + 2 k n / (n - k - 1)`; k counts the residuals' variance, too.
        """
        n, k = self.points, self.parameters + 1
        return float(n * np.log(self.squares / n) + 2 * k * n / (n - k - 1))

    def predicted(self, noises, cued: bool) -> np.ndarray:
        """Thresholds `(seeds, noises)` that the model predicts."""
        excluded, enhanced = (self.exclusion, self.enhancement) if cued else (1.0, 1.0)
        internal = (enhanced * self.internal)[:, None]
        external = np.multiply.outer(excluded * np.ones(len(self.scale)), noises)
        return self.scale[:, None] * np.hypot(external, internal)


def fit(uncued, cued, noises, mechanism: str = "both") -> Fit:
    """Fit the model to the thresholds of networks without and with the cue.

    The logarithms of thresholds are fitted by least squares. Each pair of networks is
    one observer, whose two conditions share internal noise and scale.

    Args:
        uncued, cued: thresholds `(seeds, noises)`, paired by seed.
        noises: `(noises,)` SDs of external noise; 0 among them is most informative
            about the internal noise.
        mechanism: one of `MECHANISMS`.

    Raises:
        ValueError: for missing thresholds (NaN), too few, or an unknown mechanism.
    """
    uncued, cued, noises = (np.asarray(x, float) for x in (uncued, cued, noises))
    if mechanism not in MECHANISMS:
        raise ValueError(
            f"Expected one of {', '.join(MECHANISMS)}. Received {mechanism!r}."
        )
    if (
        uncued.shape != cued.shape
        or uncued.shape[1:] != noises.shape
        or len(noises) < 4
    ):
        raise ValueError(
            "Expected thresholds (seeds, noises), cued as many as uncued, and four or "
            f"more noises. Received {uncued.shape}, {cued.shape} and noises {noises}."
        )
    both = np.stack([uncued, cued], 1)  # (seeds, 2, noises)
    if not (both > 0).all():
        missing = int((~(both > 0)).sum())
        raise ValueError(
            f"Expected a threshold everywhere; {missing} of {both.size} are not there. "
            "Choose a criterion that every network reaches at every noise, and misses "
            "at some contrast, or leave a noise out."
        )
    free = np.array(MECHANISMS[mechanism])
    seeds = [_fitted(*each, noises, free) for each in np.log(both)]
    factors, internal, scale, squares = map(np.array, zip(*seeds, strict=True))
    parameters = len(both) * (2 + int(free.sum()))
    return Fit(*factors.T, internal, scale, float(squares.sum()), parameters, both.size)


def compared(uncued, cued, noises) -> dict[str, Fit]:
    """The fits of all `MECHANISMS`."""
    return {name: fit(uncued, cued, noises, name) for name in MECHANISMS}


def f_test(simple: Fit, full: Fit) -> float:
    """The p-value of a nested F test of `full` against `simple`.

    `F = ((RSS_s - RSS_f) / (k_f - k_s)) / (RSS_f / (n - k_f))`, as Dosher and Lu
    (2000) compared their models. It takes the thresholds' errors as independent.

    Raises:
        ValueError: if `full` has no parameter more, or as many as there are points.
    """
    more, left = full.parameters - simple.parameters, full.points - full.parameters
    if more <= 0 or left <= 0 or full.points != simple.points:
        raise ValueError(
            "Expected fits to the same thresholds, the second with more parameters "
            f"and fewer than thresholds. Received {simple.parameters} and "
            f"{full.parameters} for {simple.points} and {full.points} thresholds."
        )
    f = (simple.squares - full.squares) / more / (full.squares / left)
    return float(scipy.stats.f.sf(max(f, 0), more, left))


def improvement(uncued, cued) -> Estimate:
    """How much less contrast (dB) a cued network needs, over seeds.

    Args:
        uncued, cued: thresholds at one noise, `(seeds,)`, paired by seed; or factors,
            such as 1 and a fit's A_f: 6 dB is half of it.
    """
    uncued, cued = np.broadcast_arrays(*(decibels(x) for x in (uncued, cued)))
    return difference_with_p(uncued, cued, "dB")


def _fitted(uncued, cued, noises, free):
    """The fit of one observer: (A_f, A_e), internal noise, scale, sum of squares."""
    loudest = noises.max()

    def values(logs):
        factors = np.zeros(2)
        factors[free] = logs[2:]
        return np.exp(factors), loudest * np.exp(logs[0]), np.exp(logs[1])

    def residuals(logs):
        (excluded, enhanced), internal, scale = values(logs)
        without = scale * np.hypot(noises, internal)
        with_cue = scale * np.hypot(excluded * noises, enhanced * internal)
        return np.log(np.concatenate([without, with_cue])) - [*uncued, *cued]

    scale = uncued[noises.argmax()] - np.log(loudest)
    start = [uncued.min() - uncued.max(), scale, *np.zeros(free.sum())]
    bounds = np.array([8.0, 20, *np.full(free.sum(), 5)])
    found = scipy.optimize.least_squares(
        residuals, start, bounds=(-bounds, bounds), x_scale="jac"
    )
    return *values(found.x), 2 * found.cost


PROFILES = {
    "external_noise_rates": Profile(
        "a cue in noise outside and inside, at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "external_noise": Profile(
        "a cue in noise outside and inside", lambda: chosen(NETWORKS, SEEDS)
    ),
    "external_noise_probes": Profile(
        "these networks at several contrasts; run `external_noise` first", probed
    ),
}
