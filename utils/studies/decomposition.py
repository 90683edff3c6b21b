"""What kind of attention helps: selection of places, a change of amount, or both.

`energy` puts part of its gain on the padding, where it multiplies zeros: it selects
places and, in noise, lowers the gain of the interior. Two kinds separate these effects
(`place`, `amount`); a third sets the amount by a constant (`normalised`: Reynolds and
Heeger 2009). Displays, training and noise are those of `uncertain_place`.

These contrasts were named on 25 November 2026, before any of these networks was scored
on test images, in noise of SD 120, over 20 pairs of seeds: the main effect of place,
that of amount, and their interaction, in the 2 x 2 of `ones`, `place`, `amount` and
`energy`; `normalised` minus `ones`; `normalised` minus `energy`. The headline is the
network that is best on validation images.
"""

from typing import NamedTuple

import numpy as np

from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, on_validation, rates
from utils.studies.uncertain_place import BASE, LONG, NOISE

PRIMARY = (("places", "amount", "interaction", "constant", "constant or ring"),)
SEEDS = range(20)
LONG_SEEDS = range(8)
SETTINGS = rates(0.0007, 0.001, 0.0015, 0.0022)
CONTROL = Tuned("control", BASE, SETTINGS, sd=NOISE, seeds=range(100, 102))
AMOUNT = CONTROL.but("amount", attention="amount")
PLACE = CONTROL.but("place", attention="place")
ENERGY = CONTROL.but("energy", attention="energy")
NORMALISED = CONTROL.but(
    "normalised",
    rates(0.001, 0.0015, attention_parameters={"sigma": 1.0})
    + rates(0.001, 0.0015, 0.0022, attention_parameters={"sigma": 3.0})
    + rates(0.0015, attention_parameters={"sigma": 10.0}),
    attention="normalised",
)
NETWORKS = (CONTROL, AMOUNT, PLACE, ENERGY, NORMALISED)


def trained_long(tuned: Tuned) -> Arm:
    """A network trained for more epochs; its first epochs are those of the others."""
    return tuned.arm(LONG_SEEDS, epochs=LONG, keeps_weights=False)


def first_epoch_again() -> Arm:
    """The first epoch of `normalised`, to compare two processors.

    Its records were computed on a CPU; those of the network itself, on a GPU.
    """
    return NORMALISED.arm(SEEDS, epochs=1, keeps_weights=False)


def arms() -> list[Arm]:
    """All arms of the study."""
    return [*(each.arm(SEEDS) for each in NETWORKS), *map(trained_long, NETWORKS)]


class Factorial(NamedTuple):
    """The effects in a 2 x 2 of arms, paired by seed, in points."""

    place: Estimate  # main effect: selection minus none, mean over amounts
    amount: Estimate  # main effect: change minus none, mean over places
    interaction: Estimate  # effect of place with the change, minus without it


def factorial(none, place, amount, both) -> Factorial:
    """Effects in a 2 x 2 whose four cells share their seeds.

    Args:
        none, place, amount, both: accuracies `(seeds,)` with neither, one, or both.
    """
    cells = [100 * np.asarray(each, float) for each in (none, place, amount, both)]
    none, place, amount, both = cells
    return Factorial(
        difference_with_p((place + both) / 2, (none + amount) / 2),
        difference_with_p((amount + both) / 2, (none + place) / 2),
        difference_with_p(both - amount, place - none),
    )


PROFILES = {
    "decomposition_rates": Profile(
        "selection and amount apart, at several settings, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "decomposition": Profile(
        "the same on test images, each network at the best of its settings", arms
    ),
    "first_epoch_again": Profile(
        "the first epoch of `normalised`, to compare two processors",
        lambda: [first_epoch_again()],
    ),
}
