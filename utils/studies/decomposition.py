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

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
import numpy as np

from utils.runs import RunSpec
from utils.statistics import Estimate, paired_difference
from utils.studies.arms import Arm
from utils.studies.uncertain_place import BASE, NOISE

SEEDS = range(20)
VALIDATION_SEEDS = range(100, 102)
RATES = (0.0007, 0.001, 0.0015, 0.0022)
SIGMAS, SIGMA_RATES = (1.0, 3.0), (0.001, 0.0015)


class Network(NamedTuple):
    """A kind of attention, and the four settings tried for it at full length."""

    label: str
    attention: str
    tried: tuple[Mapping[str, Any], ...] = tuple(
        MappingProxyType({"learning_rate": rate}) for rate in RATES
    )


CONTROL = Network("control", "ones")
AMOUNT = Network("amount only", "amount")
PLACE = Network("place only", "place")
ENERGY = Network("activity: both", "energy")
NORMALISED = Network(
    "activity, normalised by a constant",
    "normalised",
    tuple(
        MappingProxyType(
            {"attention_parameters": {"sigma": sigma}, "learning_rate": rate}
        )
        for sigma in SIGMAS
        for rate in SIGMA_RATES
    ),
)
NETWORKS = (CONTROL, AMOUNT, PLACE, ENERGY, NORMALISED)


def tried(network: Network) -> list[Arm]:
    """A network at each of its settings, scored on validation images."""
    validation = {
        "scored_on": "validation",
        "test_images": 5_000,
        "test_noise_sds": (0.0, 60.0, NOISE),
        "keeps_weights": False,
    }
    base = attrs.evolve(BASE, attention=network.attention, **validation)
    return [
        Arm(network.label, attrs.evolve(base, **setting), VALIDATION_SEEDS)
        for setting in network.tried
    ]


def rates() -> list[RunSpec]:
    """Profile `decomposition_rates`: settings on validation images, seed by seed."""
    runs = [run for each in NETWORKS for arm in tried(each) for run in arm.runs]
    return sorted(runs, key=lambda run: run.seed)


def validation(network: Network) -> np.ndarray:
    """Validation accuracy at noise of SD 120, `(settings, seeds)`, after training."""
    return np.array([arm.accuracy(NOISE) for arm in tried(network)])


def arm(network: Network) -> Arm:
    """A network at the best of its settings, scored on test images.

    Raises:
        FileNotFoundError: before profile `decomposition_rates` is finished.
    """
    best = network.tried[validation(network).mean(1).argmax()]
    run = attrs.evolve(BASE, attention=network.attention, **best)
    return Arm(network.label, run, SEEDS)


def study() -> list[RunSpec]:
    """Profile `decomposition`: after `decomposition_rates`; seed by seed."""
    runs = [run for each in NETWORKS for run in arm(each).runs]
    return sorted(runs, key=lambda run: run.seed)


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
        return paired_difference(one, other)._replace(unit="points")

    return Factorial(
        estimate((place + both) / 2, (none + amount) / 2),
        estimate((amount + both) / 2, (none + place) / 2),
        estimate(both - amount, place - none),
    )
