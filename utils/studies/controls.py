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

import attrs

from utils.displays import Display
from utils.runs import RunSpec
from utils.studies.tuning import Tuned, seed_by_seed
from utils.studies.uncertain_place import BASE, CANVAS, NOISE

PRIMARY = ("place or area", "yoked", "read-out")
SEEDS = range(8)
VALIDATION_SEEDS = range(100, 101)
RATES = (0.001, 0.0015)  # of the attended network, and of its control
MIDDLE = Display(CANVAS, CANVAS, central=True)


def _tuned(label, attention, **changes):
    run = attrs.evolve(BASE, attention=attention, **changes)
    settings = [{"learning_rate": rate} for rate in RATES]
    return Tuned(label, run, settings, VALIDATION_SEEDS, NOISE)


def _shuffled(**parameters):
    return {"attention_parameters": {"of": "energy", "inside": True, **parameters}}


YOKED = _tuned("another image's map", "energy", yoked=True)
SCATTERED = _tuned("an order for each image", "shuffled", **_shuffled(each=True))
REORDERED = _tuned("one order for all images", "shuffled", **_shuffled())
STOPPED = _tuned("no learning through the map", "energy", stops_gradient=True)
GATE = _tuned("gate: no first look", "place", looks_at="conv_1")
READ_OUT = _tuned("map at the read-out", "energy", acts_on="read_out")
MAXIMUM = _tuned("no map, read-out by maximum", "ones", read_out="max")
MIDDLE_CONTROL = _tuned("control, digit in the middle", "ones", display=MIDDLE)
MIDDLE_ENERGY = _tuned("activity, digit in the middle", "energy", display=MIDDLE)
QUIET_CONTROL = _tuned("control, trained without noise", "ones", noise_sd=0.0)
QUIET_ENERGY = _tuned("activity, trained without noise", "energy", noise_sd=0.0)
NETWORKS = (
    *(MIDDLE_CONTROL, MIDDLE_ENERGY, YOKED, MAXIMUM, READ_OUT, REORDERED),
    *(SCATTERED, STOPPED, GATE, QUIET_CONTROL, QUIET_ENERGY),
)


def rates() -> list[RunSpec]:
    """Profile `controls_rates`: two learning rates each, on validation images."""
    return [run for each in NETWORKS for run in each.runs]


def study() -> list[RunSpec]:
    """Profile `controls`: after `controls_rates`; seed by seed."""
    return seed_by_seed([run for each in NETWORKS for run in each.arm(SEEDS).runs])
