"""What kind of attention helps: selection of places, a change of amount, or both.

`energy` takes part of its gain to the padding, where it multiplies zeros: it selects
places and, in noise, turns the interior down. Two kinds take it apart (`place`,
`amount`), and one has the amount written out as a constant (`normalised`: Reynolds and
Heeger 2009). Displays, training and noise are those of `uncertain_place`.

Named on 25 November 2026, before any of these networks was scored on test images. At
noise of SD 120, over 20 pairs of seeds: the main effect of place, that of amount, and
their interaction, in the 2 x 2 of `ones`, `place`, `amount` and `energy`; `normalised`
minus `ones`; `normalised` minus `energy`. The headline is the network that is best on
validation images.
"""

from typing import NamedTuple

import attrs
import numpy as np

from utils.runs import RunSpec
from utils.statistics import Estimate, paired_difference, sign_flip_test
from utils.studies.arms import Arm
from utils.studies.tuning import Tuned, seed_by_seed
from utils.studies.uncertain_place import BASE, LONG, NOISE

PRIMARY = ("places", "amount", "interaction", "constant", "constant or ring")
SEEDS = range(20)
LONG_SEEDS = range(8)
VALIDATION_SEEDS = range(100, 102)
RATES = (0.0007, 0.001, 0.0015, 0.0022)
SIGMAS, SIGMA_RATES = (1.0, 3.0), (0.001, 0.0015)


def _tuned(label, attention, settings=None):
    run = attrs.evolve(BASE, attention=attention)
    settings = settings or [{"learning_rate": rate} for rate in RATES]
    return Tuned(label, run, settings, VALIDATION_SEEDS, NOISE)


CONTROL = _tuned("control", "ones")
AMOUNT = _tuned("amount only", "amount")
PLACE = _tuned("place only", "place")
ENERGY = _tuned("activity: both", "energy")
NORMALISED = _tuned(
    "activity, normalised by a constant",
    "normalised",
    [
        {"attention_parameters": {"sigma": sigma}, "learning_rate": rate}
        for sigma in SIGMAS
        for rate in SIGMA_RATES
    ],
)
NETWORKS = (CONTROL, AMOUNT, PLACE, ENERGY, NORMALISED)


def rates() -> list[RunSpec]:
    """Profile `decomposition_rates`: settings on validation images, seed by seed."""
    return seed_by_seed([run for each in NETWORKS for run in each.runs])


def trained_long(tuned: Tuned) -> Arm:
    """For more epochs, of which the first are those of the others."""
    run = attrs.evolve(tuned.best, epochs=LONG, keeps_weights=False)
    return Arm(tuned.label, run, LONG_SEEDS)


def study() -> list[RunSpec]:
    """Profile `decomposition`: after `decomposition_rates`; seed by seed, long last."""
    short = [run for each in NETWORKS for run in each.arm(SEEDS).runs]
    long = [run for each in NETWORKS for run in trained_long(each).runs]
    return seed_by_seed(short) + seed_by_seed(long)


class Factorial(NamedTuple):
    """A 2 x 2 of arms, seed by seed, in points."""

    place: Estimate  # main effect: with selection minus without, mean over amounts
    amount: Estimate  # main effect: with the change minus without, mean over places
    interaction: Estimate  # of place with the change, minus of place without it


def factorial(none, place, amount, both) -> Factorial:
    """Effects in a 2 x 2 whose four cells share their seeds.

    Args:
        none, place, amount, both: accuracies `(seeds,)` with neither, one, or both.
    """
    cells = [100 * np.asarray(each, float) for each in (none, place, amount, both)]
    none, place, amount, both = cells

    def estimate(one, other):
        p = sign_flip_test(one, other)
        return paired_difference(one, other)._replace(unit="points", p=p)

    return Factorial(
        estimate((place + both) / 2, (none + amount) / 2),
        estimate((amount + both) / 2, (none + place) / 2),
        estimate(both - amount, place - none),
    )
