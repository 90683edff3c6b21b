"""Controls for other explanations of the benefit of attention.

Each changes one thing in `energy`, in `place` or in the control of `decomposition` (the
image of the map, the digit's place, the part of the network that makes the map), and
is trained as they are.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images, in noise of SD 120, over 8 pairs of seeds: the advantage of attention at
random places minus that with the digit always in the middle of an equally large canvas
(interaction); the attended network minus the one with another image's map. A third,
with a read-out by the maximum, is withdrawn. At first each arm had two rates, tried
with one seed. On 29 November at least five were tried on validation images, after two
epochs, with two other seeds, which chose the same rates; the gate was added then.
"""

from utils.displays import Display
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.runs.profiles import Profile
from utils.runs.tuning import chosen, on_validation, rates
from utils.studies.decomposition import CONTROL, ENERGY
from utils.studies.read_out import POOLING, RATES
from utils.studies.uncertain_place import CANVAS, NOISE

PRIMARY = (("place or area", "yoked"),)
SEEDS = range(8)
MIDDLE = Display(CANVAS, CANVAS, central=True)
MIDDLE_ENERGY = POOLING.but(
    "energy, digit in the middle", read_out="mean", attention="energy", display=MIDDLE
)
MIDDLE_CONTROL = MIDDLE_ENERGY.but(
    "control, digit in the middle", rates(*RATES, 0.0022), attention="ones"
)
YOKED = POOLING.but(
    "another image's map", read_out="mean", attention="energy", yoked=True
)
# A gate may put all gain of `energy` on the ring, where it is lost; `place` it cannot.
GATE = POOLING.but(
    "a gate of one layer", read_out="mean", attention="place", looks_at="gate"
)
NETWORKS = (MIDDLE_CONTROL, MIDDLE_ENERGY, YOKED, GATE)


def place_or_area() -> Estimate:
    """Advantage of attention at random places, minus that in the middle, in points.

    The canvas is equally large, so that only the uncertainty of the place differs. The
    interval is for other seeds.
    """
    networks = MIDDLE_ENERGY, MIDDLE_CONTROL, ENERGY, CONTROL
    middle, middle_control, anywhere, anywhere_control = (
        100 * each.arm(SEEDS).accuracy(NOISE) for each in networks
    )
    return difference_with_p(anywhere - anywhere_control, middle - middle_control)


PROFILES = {
    "controls_rates": Profile(
        "the controls at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "controls": Profile(
        "controls for other explanations of the benefit of attention",
        lambda: chosen(NETWORKS, SEEDS),
    ),
}
