"""The causes of the published difference: gain, map, mismatch and learning rate.

Networks see centred digits and are trained as published, but for fewer images: two
epochs of 30,000 or, if a map makes an update twice as long, one. Learning rates were
tried on validation images with other seeds. Findings are about test images.
"""

import attrs
import numpy as np

from utils.estimate import Estimate
from utils.inference import paired_difference
from utils.model import attention_maps, build_model, predict, set_weights
from utils.noise import add_noise
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, on_validation, rates
from utils.spec import RunSpec
from utils.studies.published import NOISE
from utils.wiring import build_network

SEEDS = range(20)  # an exact sign-flip test of 20 pairs can reach p = 2e-6; of 3, .25
FEW_SEEDS = range(4)  # for arms that appear in a figure but in no claim
GRID = (NOISE, 0.0, 10.0, 40.0)  # noise SDs in training and at test
LONG_SEEDS = range(5)
PRIMARY = (("initialisation", "rate alone"),)  # named on 25 November 2026
BASE = RunSpec(
    noise_sd=NOISE,
    images=30_000,
    epochs=2,
    test_noise_sds=(0.0, NOISE),
    keeps_weights=False,
)
SWAPPED_IMAGES = 1_000  # test images on which maps are swapped
CONTROL = Tuned(
    "control",
    BASE,
    rates(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    sd=NOISE,
    seeds=range(100, 102),
    validation={"test_noise_sds": (0.0, NOISE)},
)
FIFTEENTH, QUARTER, FOURFOLD = (
    CONTROL.but(f"gain {words}", attention="uniform", attention_parameters={"gain": g})
    for words, g in (("1/15", 1 / 15), ("1/4", 1 / 4), ("4", 4.0))
)
# With two looks an update takes twice as long; these networks have one epoch.
AS_CODED = CONTROL.but("as_coded (published)", attention="as_coded", epochs=1)
MAP_RATES = rates(0.0001, 0.0003, 0.001, 0.003, 0.01)
ENERGY = AS_CODED.but("energy", MAP_RATES, attention="energy")
EVIDENCE = ENERGY.but("evidence", attention="evidence")
SELECTIVITY = ENERGY.but("selectivity", attention="selectivity")
SHUFFLED = ENERGY.but(
    "shuffled", attention="shuffled", attention_parameters={"of": "energy"}
)
GUESS = ENERGY.but("top_n, N = 1", attention="top_n", attention_parameters={"n": 1})
MAPS = (ENERGY, SHUFFLED, EVIDENCE, SELECTIVITY, GUESS)
NETWORKS = (CONTROL, FIFTEENTH, *MAPS)  # trained at several rates


def arm(network: Tuned, noise_sd: float = NOISE) -> Arm:
    """A network at the published learning rate, trained with noise of SD `noise_sd`."""
    few = noise_sd > NOISE or network in (QUARTER, FOURFOLD)
    crossed = network in (CONTROL, FIFTEENTH)
    levels = GRID if crossed else BASE.test_noise_sds
    run = attrs.evolve(network.spec, noise_sd=noise_sd, test_noise_sds=levels)
    label = f"{network.label}, noise {noise_sd:g}"
    return Arm(label, run, FEW_SEEDS if few else SEEDS)


def tuned(network: Tuned) -> Arm:
    """A network at the learning rate that was chosen for it."""
    claimed = network in (CONTROL, FIFTEENTH, ENERGY, SHUFFLED, GUESS)
    seeds = SEEDS if claimed else FEW_SEEDS
    best = network.arm(seeds, keeps_weights=network == ENERGY)
    return attrs.evolve(best, label=f"{network.label}, its best rate")


def likeliest(n: int) -> Arm:
    """Attention to the n likeliest digits, at the rate of n = 1; 10 is the control."""
    rate = (GUESS if n < 10 else CONTROL).chosen
    run = attrs.evolve(GUESS.spec, attention_parameters={"n": n}, **rate)
    seeds = SEEDS if n in (1, 3) else FEW_SEEDS
    return Arm(f"top_n, N = {n}, its best rate", run, seeds)


def arms() -> list[Arm]:
    """All arms of the study."""
    return [
        *(arm(network, sd) for network in (CONTROL, FIFTEENTH) for sd in GRID),
        *map(tuned, NETWORKS),
        *map(arm, (GUESS, AS_CODED, QUARTER, FOURFOLD)),
        *map(likeliest, (2, 3, 5, 10)),
    ]


def equivalent(start: float = 1.0, rate: float = 1.0) -> Arm:
    """The control with `conv_2`'s initial kernel and its rate multiplied.

    A constant gain of g has both effects: the kernel is g times as large and learns at
    g^2 times the rate. (`g W` with `x` gives the same as `W` with `g x`. The gradient
    of W is g times that of `g W`, so that an update of W changes `g W` by g^2 times its
    own gradient.)
    """
    label = f"control, conv_2 from {start:.3g}, at {rate:.3g} of the rate"
    run = attrs.evolve(CONTROL.spec, conv_2_start=start, conv_2_rate=rate)
    return Arm(label, run, SEEDS)


def full_length(attention: str, learning_rate: float) -> Arm:
    """An arm trained as long as published: 12 epochs of 60,000 images, with noise."""
    run = RunSpec(attention, noise_sd=NOISE, learning_rate=learning_rate)
    return Arm(f"{attention}, rate {learning_rate:g}", run, LONG_SEEDS)


def apart() -> list[Arm]:
    """Arms with either the initial weights or the rate changed, and of full length."""
    g, rate = FIFTEENTH.spec.attention_parameters["gain"], BASE.learning_rate
    return [
        *(equivalent(start=g), equivalent(rate=g**2), full_length("as_coded", rate)),
        full_length("ones", **CONTROL.chosen),
    ]


def swapped() -> Estimate:
    """The effect of another image's map on trained `energy` networks, in points.

    Each test image receives the map that the same network made from the image before
    it: the values of a real map, at the places of another digit.
    """
    own, other = np.transpose(derived(_swapped, tuned(ENERGY)))
    found = paired_difference(100 * np.array(other), 100 * np.array(own))
    return found._replace(unit="points", basis=f"{len(own)} networks")


def _swapped(trained: Arm) -> list[list[float]]:
    """For each seed, accuracy with its own maps and with those of another image."""
    images, labels = trained.test_data()
    labels = labels[:SWAPPED_IMAGES]
    noisy = add_noise(images[:SWAPPED_IMAGES], NOISE, np.random.default_rng(0))
    own, given = build_network(trained.tested), build_model("given")
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


PROFILES = {
    "gain_rates": Profile(
        "the networks of `gain` at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "gain": Profile(
        "gain, map and mismatch, one at a time; up to 20 pairs for each arm", arms
    ),
    "gain_apart": Profile(
        "the two effects of a constant gain, one at a time; the full length", apart
    ),
}
