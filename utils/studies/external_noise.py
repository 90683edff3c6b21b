"""Enhancement or exclusion: the effect of a cue in external and in internal noise.

A digit lies somewhere on a canvas, at a contrast from 0 to 1, in external noise of SD 0
to 60; networks add internal noise to `conv_2`'s input. A cue is a gain on that input
at the digit's place. It enhances the digit if it lifts it above the internal noise; it
excludes external noise if it helps where this noise is strong (Lu and Dosher 1998,
Dosher and Lu 2000). Pairs of networks, without the cue and with it, differ in where the
external noise lies, in training and at test: everywhere, only on the square in which
the digit lies, or only off it. Two more networks have a cue and external noise
everywhere: in one, internal noise is added before the gain and not after it; in the
other, the gain acts at the read-out, so that it tells the place to the read-out only.

A threshold is the contrast at which a network's accuracy is a share of the way from
chance to its accuracy at full contrast in the same noise. With one accuracy for all
networks, those that name more digits at full contrast would seem to need less of it.

These contrasts were named on 29 November 2026, before any of the networks named here
but the first pair was scored on test images, over 8 pairs of seeds, with thresholds
halfway; the benefit is how much lower the threshold is with the cue. In the weakest
external noise: the benefit with internal noise after the gain minus before it. In the
strongest: the benefit with external noise off the digit minus on it; with external
noise on it; and of the cue at the read-out, with noise everywhere.

Two earlier contrasts are withdrawn. They were named on 26 November 2026 for the first
pair: its benefit without external noise and in the strongest, at 40% right. Networks
without a cue hardly met displays without noise in training, and need more contrast
there than in weak noise; and one criterion favours the network that names more digits
at full contrast. A first design, with noise to SD 120 and internal noise of SD 8, was
given up after one pair: without a cue its network named 40% at best.

Noise that lies on the digit only, or off it only, shows where the digit is. So these
pairs ask what a cue does against noise if the place can be seen.
"""

import attrs
import numpy as np
import scipy

from utils.displays import Display
from utils.estimate import Estimate
from utils.inference import sign_flip_test
from utils.maps import DIGITS
from utils.measures.psychometrics import decibels
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE

PRIMARY = (("internal noise", "off or on", "on", "read-out"),)
INTERNAL = 2.0  # SD, in the unit of the activities
SEEDS = range(8)
NOISE = 60.0  # external, SD in grey levels: in training, and the strongest at test
LEVELS = (0.0, NOISE / 2, NOISE)
CONTRASTS = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
NOISES = (3.75, 15.0, NOISE)  # external, SD in grey levels
SHARES = (0.25, 0.5, 0.75)  # of the way from chance to full contrast, at threshold
DRAWS = 1_000  # of the bootstrap
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
# Around the best rate of each network, so that none is an end.
SETTINGS, HIGHER = rates(0.0007, 0.001, 0.0015), rates(0.001, 0.0015, 0.0022, 0.003)
FIRST = CUED.but(
    "cue, internal noise before the gain", SETTINGS, internal_noise_first=True
)
READ_OUT = CUED.but("cue at the read-out", SETTINGS, acts_on="read_out")


def _pair(place, *settings):
    """Networks without and with the cue whose external noise lies on or off a digit."""
    return tuple(
        each.but(f"{each.label}, noise {place} the digit", tried, noise_lies=place)
        for each, tried in zip((UNCUED, CUED), settings, strict=True)
    )


PAIRS = {  # networks without and with the cue
    "first pair": (UNCUED, CUED),
    "internal noise before the gain": (UNCUED, FIRST),
    "noise on the digit": _pair("on", SETTINGS, HIGHER[:3]),
    "noise off the digit": _pair("off", HIGHER, SETTINGS),
    "cue at the read-out": (UNCUED, READ_OUT),
}
NETWORKS = tuple(dict.fromkeys(each for pair in PAIRS.values() for each in pair))


def _at_contrast(tuned, contrast):
    few = {"test_images": 2_000, "test_noise_sds": NOISES, "curve_images": None}
    return tuned.arm(SEEDS).probed(**few, contrast=contrast)


def probed() -> list[Arm]:
    """All arms of probes."""
    return [_at_contrast(each, c) for each in NETWORKS for c in CONTRASTS]


def answers(network: Tuned) -> np.ndarray:
    """Right answers of a network: `(seeds, contrasts, noises, images)` bool."""
    arms = [_at_contrast(network, contrast) for contrast in CONTRASTS]
    found = np.array([[arm.right(sd) for sd in NOISES] for arm in arms])
    return found.transpose(2, 0, 1, 3)


def criterion(accuracies, share: float) -> np.ndarray:
    """Accuracies `(..., noises)`, a share of the way from chance to full contrast.

    Args:
        accuracies: `(..., contrasts, noises)`; the last contrast is the full one.
        share: 0 is chance, 1 the accuracy at full contrast.
    """
    return 1 / DIGITS + share * (np.asarray(accuracies)[..., -1, :] - 1 / DIGITS)


def thresholds(accuracies, contrasts, criterion) -> np.ndarray:
    """The contrast at which each network reaches a criterion accuracy.

    Accuracy is interpolated linearly over the logarithm of the contrast; above the
    threshold it stays above the criterion. No function is fitted: with so many trials,
    the data reject the usual ones.

    Args:
        accuracies: `(..., contrasts, noises)`.
        contrasts: `(contrasts,)` above 0, rising.
        criterion: an accuracy, or one for each network and noise `(..., noises)`.

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
    curves, most = np.moveaxis(curves, -2, -1), len(contrasts) - 1
    reached = curves >= np.asarray(criterion, float)[..., None]
    last = most - np.argmin(reached[..., ::-1], -1)  # the last contrast below it
    outside = reached.all(-1) | (last == most)
    last = np.where(outside, 0, last)[..., None]
    low, high = (np.take_along_axis(curves, last + i, -1)[..., 0] for i in (0, 1))
    start, end = (np.log(contrasts)[last[..., 0] + i] for i in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = start + (criterion - low) / (high - low) * (end - start)
    return np.where(outside, np.nan, np.exp(found))


def needed(right, share: float = 0.5) -> np.ndarray:
    """Thresholds `(1 + DRAWS, seeds, noises)`, in decibels of full contrast.

    The first are those of all test images; the others are those of images drawn with
    replacement, which are the same for all networks and shares.

    Args:
        right: `answers` of a network.
        share: where the threshold lies, from chance (0) to full contrast (1).
    """
    images = right.shape[-1]
    drawn = np.random.default_rng(0).multinomial(
        images, np.full(images, 1 / images), DRAWS
    )
    weights = np.vstack([np.ones(images), drawn]).T / images
    accuracies = np.moveaxis(right.astype(np.float32) @ weights, -1, 0)
    found = thresholds(accuracies, CONTRASTS, criterion(accuracies, share))
    return decibels(found)


def estimate(values) -> Estimate:
    """The mean over networks, in decibels; its interval is for others and other images.

    The variance of the mean is that over networks, plus that over draws of images,
    minus the part that both contain, which is what differs between networks from draw
    to draw (as for seeds crossed with images, Clark 1973). The degrees of freedom of
    Student's t are those of the networks if these vary most, and more if images do
    (Satterthwaite 1946). A bootstrap of eight networks would be too narrow.

    Args:
        values: `(1 + draws, seeds)`, such as a difference of `needed` at one noise: of
            all images, then of each draw of images.

    Returns:
        The estimate; NaN if any value is, because a threshold is out of range.
    """
    if np.isnan(values).any():
        return Estimate(np.nan, unit="dB")
    (whole, *_), seeds = values, np.shape(values)[1]
    of_images = np.var(np.mean(values[1:], 1))
    in_both = (np.mean(np.var(values[1:], 0)) - of_images) / (seeds - 1)
    of_networks = max(np.var(whole, ddof=1) / seeds, in_both)
    variance = of_networks + max(of_images - in_both, 0)
    reach = 0.0
    if variance:  # else all values are equal
        freedom = (seeds - 1) * (variance / of_networks) ** 2
        reach = np.sqrt(variance) * scipy.stats.t.ppf(0.975, freedom)
    mean, p = whole.mean(), sign_flip_test(whole, np.zeros(seeds))
    basis = f"{seeds} pairs"
    return Estimate(mean, mean - reach, mean + reach, unit="dB", basis=basis, p=p)


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
