"""Controls for other explanations of the benefit of attention.

Each changes one thing in the attended network of `uncertain_place` or in its control
(the image of the map, where it is made, where it acts; the digit's place; the
read-out), and is trained as they are. Each arm uses the better of their two learning
rates on one validation seed, so that a lower accuracy may be due to a rate that does
not suit the arm.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images, in noise of SD 120, over 8 pairs of seeds: the advantage of attention at
random places minus that with the digit always in the middle of an equally large canvas
(interaction); the attended network minus the one with another image's map; the attended
network minus the control that reads out by the maximum.
"""

import attrs

from utils.displays import Display
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies import uncertain_place
from utils.studies.uncertain_place import BASE, CANVAS, CONTROL, ENERGY, NOISE

PRIMARY = (("place or area", "yoked", "read-out"),)
SEEDS = range(8)
MIDDLE = Display(CANVAS, CANVAS, central=True)
PLAIN = Tuned("control", BASE, rates(0.001, 0.0015), sd=NOISE)
ATTENDED = PLAIN.but("energy", attention="energy")
YOKED = ATTENDED.but("another image's map", yoked=True)
READ_OUT = ATTENDED.but("map at the read-out", acts_on="read_out")
GATE = ATTENDED.but("gate: no first look", attention="place", looks_at="conv_1")
MAXIMUM = PLAIN.but("no map, read-out by maximum", read_out="max")
MIDDLE_CONTROL = PLAIN.but("control, digit in the middle", display=MIDDLE)
MIDDLE_ENERGY = ATTENDED.but("energy, digit in the middle", display=MIDDLE)
CHANGED_MAPS = (YOKED, GATE, READ_OUT)
NETWORKS = (MIDDLE_CONTROL, MIDDLE_ENERGY, MAXIMUM, *CHANGED_MAPS)


def place_or_area() -> Estimate:
    """Advantage of attention at random places, minus that in the middle, in points.

    The canvas is equally large, so that only the uncertainty of the place differs. The
    interval is for other seeds.
    """
    arms = [each.arm(SEEDS) for each in (MIDDLE_ENERGY, MIDDLE_CONTROL)]
    for network in (ENERGY, CONTROL):
        arms.append(attrs.evolve(uncertain_place.arm(network), seeds=SEEDS))
    middle, middle_control, anywhere, anywhere_control = (
        100 * arm.accuracy(NOISE) for arm in arms
    )
    return difference_with_p(anywhere - anywhere_control, middle - middle_control)


PROFILES = {
    "controls_rates": Profile(
        "the controls at two rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "controls": Profile(
        "controls for other explanations of the benefit of attention",
        lambda: chosen(NETWORKS, SEEDS),
    ),
}
