"""Responses of units to two stimuli, and the effect of attention on them.

Networks look at two digits, alone and together, without noise; a cue marks one of them
or nothing (a map of ones). Is the response to the pair a mean of the single responses,
with weights that attention shifts, as in V2 and V4 (Reynolds et al. 1999)?

A unit of `conv_2` is a channel at a place, and sees 9 x 9 pixels: both digits only
where they meet. A channel of the read-out, `conv_2`'s average over places, sees the
whole display, as cells of inferotemporal cortex nearly do. Both are measured.
"""

from collections.abc import Callable
from typing import NamedTuple

import attrs
import numpy as np
from scipy import ndimage

from utils.displays import arrange, cue_maps
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.model import map_shape, predict, set_weights
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.wiring import build_network

NEAR, FAR = 7.0, 21.0  # pixels between the two digits
PAIRS = 100  # number of pairs of digits
RECEPTIVE_FIELD = 9  # rows and columns of a unit of conv_2, pixels
INK = 128  # grey level above which a pixel counts as ink
STAGES = ("conv_2", "read-out")
ATTENTION = ("nowhere", "at the probe", "at the reference")


class Responses(NamedTuple):
    """Responses of units at one stage; a row is a pair (at `conv_2`, at one place)."""

    probe: np.ndarray  # (rows, channels), to the probe alone, attention nowhere
    reference: np.ndarray  # (rows, channels), to the other digit alone
    pair: dict[str, np.ndarray]  # (rows, channels), to both, by place of attention


def second_look(arm: Arm, seed: int) -> Callable:
    """A function that gives the responses of one network's units at the second look.

    It takes images `(images, rows, cols)`, grey levels, and maps for its kind `(images,
    rows', cols')`. It returns `conv_2` `(images, rows', cols', channels)` and the
    read-out, the mean of its normalised channels, `(images, channels)`.
    """
    model = build_network(arm.tested)
    set_weights(model, arm.weights(seed))
    return lambda images, gains: predict(
        model, [images, gains], ("conv_2 again", "dense_1")
    )


def responses(
    arm: Arm, seed: int, distance: float, pairs: int = PAIRS
) -> dict[str, Responses]:
    """Responses of one network's units to two digits, by stage.

    The probe lies in the middle of the canvas. At `conv_2`, only units count whose
    receptive field contains ink of both digits.

    Args:
        arm: an arm whose networks are given the map of a cue.
        seed: seed of the network.
        distance: distance between the two digits, pixels.
        pairs: the number of pairs; the probes are the first test images.
    """
    look = second_look(arm, seed)
    digits, labels = arm.test_data()
    pair = {"second_digit": True, "distance": distance, "validity": 0.0}
    display = attrs.evolve(arm.tested.display, central=True, **pair)
    shown = arrange(
        *(display, digits[:pairs], digits, np.random.default_rng(0)),
        labels=(labels[:pairs], labels),
    )
    probe = _canvases(digits[:pairs], shown.places, display.shape)
    reference = _canvases(digits[shown.second], shown.cues, display.shape)
    flat = np.ones((pairs, *map_shape(display.shape)), "float32")
    maps = [cue_maps(x, digits.shape[1:], flat.shape[1:]) for x in shown[1:3]]
    together = zip(ATTENTION, (flat, *maps), strict=True)
    alone = look(probe, flat), look(reference, flat)
    pair = {where: look(np.maximum(probe, reference), gain) for where, gain in together}
    meet = _sees_ink(probe) & _sees_ink(reference)

    def at(stage):
        def of(found):
            return found[0][:, 1:, 1:][meet] if stage == "conv_2" else found[1]

        return Responses(*map(of, alone), {where: of(pair[where]) for where in pair})

    return {stage: at(stage) for stage in STAGES}


class Weights(NamedTuple):
    """Weights of the two single responses in the response to the pair.

    They are fitted by least squares within channels: responses are divided by the
    channel's largest, and its mean is subtracted. Fields are numbers or `(seeds,)`.
    """

    slope: float  # of (pair - reference) on (probe - reference)
    probe: float  # pair = probe * P + reference * R + constant
    reference: float

    @property
    def total(self) -> float:
        """The sum of both weights: 1 for a weighted mean, 2 for a sum of responses."""
        return self.probe + self.reference

    @property
    def share(self) -> float:
        """The probe's share: 1/2 if both count alike, 1 if the other is ignored."""
        return self.probe / self.total


def weights(probe, reference, pair) -> Weights:
    """The slope of Reynolds, Chelazzi and Desimone (1999), and a fit of both weights.

    The slope is the probe's weight if the weights add up to 1. It does not show that
    they do: the slope is also 1/2 for a sum, and for a response to the pair that is
    unrelated to the single ones, if these are independent and of equal variance.

    Args:
        probe, reference, pair: `(rows, channels)`; channels that respond to neither
            digit alone are left out.

    Raises:
        ValueError: if no channel responds, or shapes differ.
    """
    several = [np.asarray(each, float) for each in (probe, reference, pair)]
    alike = len({each.shape for each in several}) == 1
    most = np.max(several[:2], axis=(0, 1)) if alike else np.zeros(1)
    if not most.any():
        raise ValueError(
            "Expected three arrays (rows, channels) of one shape, and a channel that "
            f"answers. Received {[each.shape for each in several]}."
        )
    scaled = [each[:, most > 0] / most[most > 0] for each in several]
    p, r, both = (np.ravel(each - each.mean(0)) for each in scaled)
    (slope,), (one, other) = (
        np.linalg.lstsq(np.stack(of, 1), y)[0]
        for of, y in (([p - r], both - r), ([p, r], both))
    )
    return Weights(float(slope), float(one), float(other))


def weighed(arm: Arm, distance: float) -> dict[str, dict[str, Weights]]:
    """Weights of all networks `(seeds,)`, by stage and by place of attention."""
    return {
        stage: {where: Weights(*np.transpose(found[where])) for where in ATTENTION}
        for stage, found in derived(_weighed, arm, float(distance)).items()
    }


def over_networks(one, other=0.0, unit: str = "") -> Estimate:
    """Mean difference over networks, of `(seeds,)`; the interval is for other seeds."""
    one, other = np.broadcast_arrays(np.asarray(one, float), other)
    return difference_with_p(one, other, unit, f"{len(one)} networks")


def _canvases(digits, corners, shape):
    """Each digit alone on a canvas: `(images, rows, cols)` float32, grey levels."""
    images = np.zeros((len(digits), *shape), "float32")
    rows, cols = digits.shape[1:]
    for image, digit, (row, col) in zip(images, digits, corners, strict=True):
        image[row : row + rows, col : col + cols] = digit
    return images


def _sees_ink(images):
    """Which units of `conv_2` see ink, without its first row and column of places."""
    brightest = ndimage.maximum_filter(images, RECEPTIVE_FIELD, axes=(1, 2))
    return brightest[:, 1::2, 1::2] > INK


def _weighed(arm: Arm, distance: float) -> dict:
    found = {stage: {where: [] for where in ATTENTION} for stage in STAGES}
    for seed in arm.seeds:
        for stage, seen in responses(arm, seed, distance).items():
            for where, pair in seen.pair.items():
                found[stage][where].append(weights(seen.probe, seen.reference, pair))
    return found
