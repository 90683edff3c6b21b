"""What made the published difference: gain, map, mismatch and learning rate, apart.

Networks on centred digits, trained as published but for their length: epochs of 30,000
images, two of them or, where a map makes an update twice as long, one. Learning rates
were tried on validation images with other seeds. Findings are about test images.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
import numpy as np

from utils.data import load_mnist
from utils.model import attention_maps, build_model, predict, set_weights
from utils.noise import add_noise
from utils.runs import RunSpec
from utils.statistics import Estimate, paired_difference
from utils.studies.arms import CLEAN, MATCHED, Arm
from utils.studies.kept import kept
from utils.studies.published import NOISE

SEEDS = range(20)  # an exact sign-flip test of 20 pairs can reach p = 2e-6; of 3, .25
FEW_SEEDS = range(4)  # for arms that a figure shows and no claim rests on
VALIDATION_SEEDS = range(100, 102)
GRID = (NOISE, 0.0, 10.0, 40.0)  # in training and at test, from unseen to plain
LONG_SEEDS = range(5)
PRIMARY = ("initialisation", "rate alone")  # named on 25 November 2026, before the runs
BASE = RunSpec(
    noise_sd=NOISE,
    images=30_000,
    test_noise_sds=(0.0, NOISE),
    keeps_weights=False,
)
SWAPPED_IMAGES = 1_000  # test images on which maps are swapped
CONSTANT_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
MAP_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01)


class Network(NamedTuple):
    """A kind of attention, and the learning rates tried for it."""

    label: str
    attention: str
    parameters: Mapping[str, Any] = MappingProxyType({})
    rates: tuple[float, ...] = ()
    chosen: float | None = None  # the best in the noise of training; a test sees to it

    @property
    def epochs(self) -> int:
        """Two for a constant gain, one for networks that look twice."""
        return 2 if self.attention in ("ones", "uniform") else 1


CONTROL = Network("control", "ones", {}, CONSTANT_RATES, 0.003)
FIFTEENTH = Network("gain 1/15", "uniform", {"gain": 1 / 15}, CONSTANT_RATES, 0.03)
QUARTER = Network("gain 1/4", "uniform", {"gain": 1 / 4})
FOURFOLD = Network("gain 4", "uniform", {"gain": 4.0})
AS_CODED = Network("published attention", "as_coded")
ENERGY = Network("energy", "energy", {}, MAP_RATES, 0.003)
SHUFFLED = Network("shuffled", "shuffled", {"of": "energy"}, MAP_RATES, 0.001)
EVIDENCE = Network("evidence", "evidence", {}, MAP_RATES, 0.003)
SELECTIVITY = Network("selectivity", "selectivity", {}, MAP_RATES, 0.001)
GUESS = Network("top_1", "top_n", {"n": 1}, MAP_RATES, 0.001)
MAPS = (ENERGY, SHUFFLED, EVIDENCE, SELECTIVITY, GUESS)


def likeliest(n: int) -> Network:
    """Attention to the n likeliest digits, at the rate of n = 1; 10 is the control."""
    like = GUESS if n < 10 else CONTROL
    return GUESS._replace(label=f"top_{n}", parameters={"n": n}, chosen=like.chosen)


def arm(network: Network, noise_sd: float = NOISE) -> Arm:
    """A network at the published learning rate, trained with noise of SD `noise_sd`."""
    few = noise_sd > NOISE or network in (QUARTER, FOURFOLD)
    crossed = network in (CONTROL, FIFTEENTH)
    return _arm(
        network,
        FEW_SEEDS if few else SEEDS,
        label=f"{network.label}, noise {noise_sd:g}",
        noise_sd=noise_sd,
        test_noise_sds=GRID if crossed else BASE.test_noise_sds,
    )


def tuned(network: Network) -> Arm:
    """A network at the learning rate that was chosen for it."""
    claimed = (CONTROL, FIFTEENTH, ENERGY, SHUFFLED, GUESS, likeliest(3))
    return _arm(
        network,
        SEEDS if network in claimed else FEW_SEEDS,
        label=f"{network.label}, its best rate",
        learning_rate=network.chosen,
        keeps_weights=network == ENERGY,
    )


def _arm(network, seeds, *, label=None, **settings):
    kind = {
        "attention": network.attention,
        "attention_parameters": network.parameters,
        "epochs": network.epochs,
    }
    return Arm(label or network.label, attrs.evolve(BASE, **kind, **settings), seeds)


def arms() -> list[Arm]:
    """Every arm of the study."""
    return [
        *(arm(network, sd) for network in (CONTROL, FIFTEENTH) for sd in GRID),
        *map(tuned, (CONTROL, FIFTEENTH, *MAPS)),
        *map(arm, (GUESS, AS_CODED, QUARTER, FOURFOLD)),
        *(tuned(likeliest(n)) for n in (2, 3, 5, 10)),
    ]


def equivalent(start: float = 1.0, rate: float = 1.0) -> Arm:
    """The control with `conv_2`'s initial kernel and its rate multiplied.

    A constant gain of g is both: a kernel of g times the size that learns at g^2 times
    the rate. (`g W` and `x` give what `W` and `g x` do, and an update of W by its
    gradient, g times that of `g W`, changes `g W` by g^2 times its gradient.)
    """
    label = f"control, conv_2 from {start:.3g}, at {rate:.3g} of the rate"
    return _arm(CONTROL, SEEDS, label=label, conv_2_start=start, conv_2_rate=rate)


def full_length(attention: str, rate: float) -> Arm:
    """As long as published: 12 epochs of 60,000 images, noise in training."""
    run = RunSpec(attention, noise_sd=NOISE, learning_rate=rate)
    return Arm(f"{attention}, rate {rate:g}", run, LONG_SEEDS)


def apart() -> list[RunSpec]:
    """Profile `gain_apart`: initial weights and rate apart; the full length."""
    g = FIFTEENTH.parameters["gain"]
    arms = (equivalent(start=g), equivalent(rate=g**2))
    full = [full_length("ones", CONTROL.chosen), full_length("as_coded", 0.01)]
    runs = [run for arm in arms for run in arm.runs]
    return runs + [arm.run.with_seed(seed) for seed in LONG_SEEDS for arm in full]


def rate_sweep(network: Network) -> dict[float, Arm]:
    """A network at each of its rates, scored on validation images."""
    scored = {"scored_on": "validation", "test_images": 5_000}
    return {
        rate: _arm(network, VALIDATION_SEEDS, learning_rate=rate, **scored)
        for rate in network.rates
    }


def rates() -> list[RunSpec]:
    """Profile `gain_rates`: several learning rates, on validation images."""
    networks = (CONTROL, FIFTEENTH, *MAPS)
    return [
        run
        for each in networks
        for arm in rate_sweep(each).values()
        for run in arm.runs
    ]


def study() -> list[RunSpec]:
    """Profile `gain`: gain, map and mismatch, each apart from the others."""
    return [run for each in arms() for run in each.runs]


def validation_accuracy(network: Network) -> dict[float, np.ndarray]:
    """What was found on validation images: rate -> `(seeds, 2)`, clean and matched."""
    return {
        rate: np.stack([arm.curve(test)[:, -1] for test in (CLEAN, MATCHED)], axis=1)
        for rate, arm in rate_sweep(network).items()
    }


def swapped() -> Estimate:
    """What another image's map does to trained `energy` networks, in points.

    Each test image gets the map that the same network made of the image before it:
    the values of a real map, at the places of another digit.
    """
    own, other = np.transpose(kept(_swapped, tuned(ENERGY)))
    found = paired_difference(100 * np.array(other), 100 * np.array(own))
    return found._replace(unit="points", basis=f"{len(own)} networks")


def _swapped(trained: Arm) -> list[list[float]]:
    """For each seed, accuracy with its own maps and with another image's."""
    _, (images, labels) = load_mnist()
    labels = labels[:SWAPPED_IMAGES]
    noisy = add_noise(images[:SWAPPED_IMAGES], NOISE, np.random.default_rng(0))
    own, given = build_model(trained.run.attention), build_model("given")
    found = []
    for seed in trained.seeds:
        for model in (own, given):
            set_weights(model, trained.weights(seed))
        gains = attention_maps(own, noisy)
        answers = [
            predict(given, [noisy, each]).argmax(-1)
            for each in (gains, np.roll(gains, 1, axis=0))
        ]
        found.append([float(np.mean(each == labels)) for each in answers])
    return found
