"""Enhancement or exclusion: the effect of a cue in external and in internal noise.

A digit lies somewhere on a canvas, at a contrast from 0 to 1, in external noise of SD 0
to 60; networks add internal noise to `conv_2`'s input. Half of them have a cue: a gain
on that input at the digit's place, before internal noise is added. A cue that helps
only in strong external noise excludes this noise; a cue that helps only in weak noise
enhances the digit above the internal noise (Lu and Dosher 1998, Dosher and Lu 2000).

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images, over 8 pairs of seeds: the cue's change of the threshold contrast
without external noise, and in the strongest. Threshold is 40% right: networks without a
cue reached it on validation images at full contrast in all these noises, and guessing
does not. A first design, with noise to SD 120 and internal noise of SD 8, was given up
after one pair: without a cue its network named 40% at best.

What they can show is limited. Internal noise is added after the gain, so that
enhancement is built in. Networks without a cue need more contrast without external
noise, which they hardly met in training, than in weak noise; the first contrast also
measures that. One criterion favours the network that names more digits at full
contrast; `halfway` gives each network a criterion of its own. To see which noise the
cue could exclude, `noise_in_parts` puts it on the digit only, or elsewhere only; this
was not planned, and no network was trained with such noise.
"""

import attrs
import numpy as np

from utils.displays import Display, arrange, cue_maps, squares
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.maps import DIGITS
from utils.measures.psychometrics import decibels
from utils.model import map_shape, predict, set_weights
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE
from utils.wiring import build_network

PRIMARY = (("enhancement", "exclusion"),)
INTERNAL = 2.0  # SD, in the unit of the activities
SEEDS = range(8)
NOISE = 60.0  # external, SD in grey levels: in training, and the strongest at test
LEVELS = (0.0, NOISE / 2, NOISE)
CONTRASTS = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
NOISES = (0.0, 3.75, 7.5, 15.0, 30.0, 45.0, NOISE)  # external, SD in grey levels
CRITERION = 0.4  # accuracy at threshold, of the primary contrasts
FAINT, SHOWN = 0.4, 1_000  # contrast and number of displays with noise in parts
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


def halfway(accuracies) -> np.ndarray:
    """Criteria `(..., noises)` midway from chance to the accuracy at full contrast.

    Args:
        accuracies: `(..., contrasts, noises)`; the last contrast is the full one.
    """
    return (1 / DIGITS + np.asarray(accuracies)[..., -1, :]) / 2


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

    def threshold(curve, criterion):
        below = np.flatnonzero(~(curve >= criterion))
        if not len(below) or below[-1] == len(curve) - 1:
            return np.nan
        ends = slice(below[-1], below[-1] + 2)
        return np.exp(np.interp(criterion, curve[ends], np.log(contrasts[ends])))

    of_each = np.vectorize(threshold, signature="(contrasts),()->()")
    return of_each(np.moveaxis(curves, -2, -1), criterion)


def improvement(uncued, cued) -> Estimate:
    """How much less contrast (dB) a cued network needs, over seeds; 6 dB is half of it.

    Args:
        uncued, cued: thresholds at one noise, `(seeds,)`, paired by seed.
    """
    return difference_with_p(decibels(uncued), decibels(cued), "dB")


def noise_in_parts(cued: bool) -> dict[str, np.ndarray]:
    """Accuracies `(seeds,)` by the part of the canvas that has the strongest noise.

    The digit has a contrast of `FAINT`. Noise is nowhere, everywhere, on the square
    that the digit lies in, or elsewhere, that is everywhere but on this square.
    """
    found = derived(_noise_in_parts, (CUED if cued else UNCUED).arm(SEEDS))
    return {part: np.array(right) for part, right in found.items()}


def _noise_in_parts(arm: Arm) -> dict:
    (digits, labels), rng = arm.test_data(), np.random.default_rng(0)
    (rows, cols), shape = digits.shape[1:], arm.tested.display.shape
    shown = arrange(arm.tested.display, digits[:SHOWN], digits, rng)
    gains = cue_maps(shown.cues, (rows, cols), map_shape(shape))
    on_digit = squares(shown.places, (rows, cols), shape)
    noise, model = rng.normal(0, NOISE, on_digit.shape), build_network(arm.tested)
    parts = {"nowhere": 0, "elsewhere": 1 - on_digit}
    parts |= {"on the digit": on_digit, "everywhere": 1}
    found = {part: [] for part in parts}
    for seed in arm.seeds:
        set_weights(model, arm.weights(seed))
        for part, share in parts.items():
            images = FAINT * shown.images + share * noise
            p = predict(model, [images, gains][: len(model.inputs)])
            found[part].append(float(np.mean(p.argmax(1) == labels[:SHOWN])))
    return found


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
