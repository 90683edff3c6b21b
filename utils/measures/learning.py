"""How networks learn: the gain of late epochs, speed, and the amount of computing."""

import math

import numpy as np

from utils.attention import made_of
from utils.estimate import Estimate
from utils.inference import paired_difference
from utils.maps import DIGITS
from utils.model import CHANNELS, map_shape
from utils.runs.arms import Arm, paired
from utils.spec import RunSpec


def late_gain(arm: Arm, epochs: int = 1) -> Estimate:
    """Accuracy, in points, that the last epochs of training still add."""
    curve = 100 * arm.curve()
    found = paired_difference(curve[:, -1], curve[:, -1 - epochs])
    return found._replace(unit="points", basis="")


def lead_change(arm: Arm, control: Arm, since: int) -> Estimate:
    """Change of an arm's lead from epoch `since` to the last epoch, in points."""
    one, other = (100 * each.curve() for each in paired(arm, control))
    lead = one - other
    found = paired_difference(lead[:, -1], lead[:, since - 1])
    return found._replace(unit="points", basis="")


def speed_up(arm: Arm, control: Arm, *, last: int = 3, start: float = 0.1) -> Estimate:
    """How many times fewer images an arm needs to reach its control's final accuracy.

    For each seed, the target is the mean of the control's `last` epochs, on test images
    with the largest noise of training. The ratio is that of the epochs after which
    control and arm first reach it. The value is the geometric mean over seeds, and the
    interval is for other seeds. Equal curves give 1. `start` is accuracy by chance.

    Raises:
        ValueError: if an arm never reaches the target, so that there is no ratio.
    """
    curves = [each.curve() for each in paired(arm, control)]
    targets = curves[1][:, -last:].mean(1)

    def epochs(curves):
        pairs = zip(curves, targets, strict=True)
        return np.array([epochs_to_reach(*pair, start) for pair in pairs])

    sooner, later = map(epochs, curves)
    if np.isnan(sooner).any():
        raise ValueError(
            f"{np.isnan(sooner).sum()} of {len(sooner)} networks never reach the final "
            "accuracy of their controls: there is no ratio for them."
        )
    found = paired_difference(np.log(later), np.log(sooner))
    return Estimate(*np.exp(found[:3]).tolist(), *found[3:])._replace(unit="times")


def epochs_to_reach(curve, target: float, start: float = 0.1) -> float:
    """The number of epochs after which a learning curve first reaches an accuracy.

    It is interpolated linearly between epochs, from `start` on; NaN if never reached.

    Args:
        curve: `(epochs,)` accuracy after each epoch.
        target: the accuracy to reach.
        start: accuracy before training, by default chance.
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


def multiply_adds(spec: RunSpec) -> int:
    """The number of multiply-adds for one image in a forward pass.

    It counts `conv_1`, `conv_2` at each look (a gate is one of its 32 filters) and, if
    the map needs evidence, `dense_2` at each place of the map. An update takes three
    times as many.
    """
    pixels, places = map(math.prod, (spec.image_shape, map_shape(spec.image_shape)))
    needed = made_of(spec.attention, spec.attention_parameters)
    first_look = 1 / CHANNELS if spec.looks_at == "gate" else needed != "nothing"
    evidence = CHANNELS * DIGITS * places if needed == "evidence" else 0
    look = 9 * CHANNELS**2 * places
    return round(9 * CHANNELS * pixels + (1 + first_look) * look + evidence)


def lead_at_equal_computing(arm: Arm, control: Arm, epoch: int) -> Estimate:
    """The lead of an arm after an epoch over a control with as many multiply-adds.

    It is in points, on images with the noise of training. The control's curve is
    interpolated linearly between epochs; the interval is for other seeds.

    Raises:
        ValueError: if the control was not trained for long enough.
    """
    arm, control = paired(arm, control)
    later = epoch * multiply_adds(arm.spec) / multiply_adds(control.spec)
    curve = control.curve()
    if later > curve.shape[1]:
        raise ValueError(
            f"Expected a control with {later:.1f} epochs: it takes them to do as many "
            f"multiply-adds. Received one with {curve.shape[1]}. Choose a lower epoch."
        )
    epochs = np.arange(1, curve.shape[1] + 1)
    then = np.array([np.interp(later, epochs, each) for each in curve])
    found = paired_difference(arm.curve()[:, epoch - 1], then)
    return found.times(100, "points")
