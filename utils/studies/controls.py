"""Controls that a referee asks for: what else could explain that attention helps.

Each changes one thing in the attended network of `uncertain_place` or in its control
(the map's image, its order, where it is made, where it acts, how it is learnt; the
digit's place; the noise of training; how places are read out), and is trained as these
are. Of the learning rates of the two, each takes the better on one validation seed.

Named on 26 November 2026, before any of these networks was scored on test images, at
noise of SD 120, over 8 pairs of seeds: the advantage of attention where the place is
random, minus that where the digit is always in the middle of as large a canvas
(interaction); the attended network minus the one with another image's map; the attended
network minus the control that reads out by the maximum.
"""

import math

import attrs
import numpy as np

from utils.attention import DIGITS, WITHOUT_EVIDENCE, WITHOUT_FIRST_LOOK
from utils.displays import Display
from utils.model import CHANNELS, map_shape
from utils.runs import RunSpec
from utils.statistics import Estimate, difference_with_p, paired_difference
from utils.studies import uncertain_place
from utils.studies.arms import Arm, paired
from utils.studies.tuning import Tuned, rates
from utils.studies.uncertain_place import BASE, CANVAS, CONTROL, ENERGY, NOISE

PRIMARY = ("place or area", "yoked", "read-out")
SEEDS = range(8)
MIDDLE = Display(CANVAS, CANVAS, central=True)
PLAIN = Tuned("control", BASE, rates(0.001, 0.0015), sd=NOISE)
ATTENDED = PLAIN.but("activity", attention="energy")
YOKED = ATTENDED.but("another image's map", yoked=True)
STOPPED = ATTENDED.but("no learning through the map", stops_gradient=True)
READ_OUT = ATTENDED.but("map at the read-out", acts_on="read_out")
GATE = ATTENDED.but("gate: no first look", attention="place", looks_at="conv_1")
INSIDE = {"of": "energy", "inside": True}
REORDERED, SCATTERED = (
    ATTENDED.but(label, attention="shuffled", attention_parameters=INSIDE | each)
    for label, each in (
        ("one order for all images", {}),
        ("an order for each image", {"each": True}),
    )
)
MAXIMUM = PLAIN.but("no map, read-out by maximum", read_out="max")
MIDDLE_CONTROL = PLAIN.but("control, digit in the middle", display=MIDDLE)
MIDDLE_ENERGY = ATTENDED.but("activity, digit in the middle", display=MIDDLE)
QUIET_CONTROL = PLAIN.but("control, trained without noise", noise_sd=0.0)
QUIET_ENERGY = ATTENDED.but("activity, trained without noise", noise_sd=0.0)
CHANGED_MAPS = (YOKED, SCATTERED, REORDERED, STOPPED, GATE, READ_OUT)
NETWORKS = (
    *(MIDDLE_CONTROL, MIDDLE_ENERGY, MAXIMUM, QUIET_CONTROL, QUIET_ENERGY),
    *CHANGED_MAPS,
)


def place_or_area() -> Estimate:
    """Advantage of attention at random places, minus that in the middle; in points.

    The canvas is as large, so that what differs is whether the place is uncertain. The
    interval is for other seeds.
    """
    arms = [each.arm(SEEDS) for each in (MIDDLE_ENERGY, MIDDLE_CONTROL)]
    for network in (ENERGY, CONTROL):
        arms.append(attrs.evolve(uncertain_place.arm(network), seeds=SEEDS))
    middle, middle_control, anywhere, anywhere_control = (
        100 * arm.accuracy(NOISE) for arm in arms
    )
    return difference_with_p(anywhere - anywhere_control, middle - middle_control)


def multiply_adds(run: RunSpec) -> int:
    """Multiplications of weights with one image, in a forward pass.

    Those of `conv_1`, of `conv_2` at each look and, where the map needs evidence, of
    `dense_2` at each of its places. An update has three times as many.
    """
    pixels, places = map(math.prod, (run.image_shape, map_shape(run.image_shape)))
    gate = run.looks_at == "conv_1"
    looks = 1 if gate or run.attention in WITHOUT_FIRST_LOOK else 2
    kind = run.attention_parameters.get("of", run.attention)
    evidence = 0 if kind in WITHOUT_EVIDENCE else CHANNELS * DIGITS * places
    return 9 * CHANNELS * pixels + looks * 9 * CHANNELS**2 * places + evidence


def lead_at_equal_computing(arm: Arm, control: Arm, epoch: int) -> Estimate:
    """Lead of an arm after an epoch over a control with as many multiply-adds by then.

    In points, on images in the noise of training. The control's curve is straight from
    epoch to epoch; the interval is for other seeds.

    Raises:
        ValueError: if the control has not been trained for so long.
    """
    arm, control = paired(arm, control)
    later = epoch * multiply_adds(arm.run) / multiply_adds(control.run)
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
