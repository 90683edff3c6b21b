"""Read-outs with and without a map: the mean over places is a part of the question.

A mean over places mixes the digit with the noise around it. Two read-outs (the mean as
published; attention pooling, which learns where to look), each without a map and with
one of the network's own activity (`normalised`), are a 2 x 2. Displays, training and
noise are those of `uncertain_place`; the two networks with the mean are those of
`decomposition`. Attention pooling leaves out the padding, which the published mean
counts; a mean without padding is a control for this.

The primary contrast was named on 29 November 2026, before any network with attention
pooling was scored on test images, in noise of SD 120, over 20 pairs of seeds: the
advantage of the map with the mean, minus its advantage with attention pooling.

With either read-out, another network has an oracle's map, which marks the true place.

Settings were tried on validation images, after two epochs, with two other seeds.
"""

import attrs

from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, on_validation, rates
from utils.studies.decomposition import CONTROL, NORMALISED
from utils.studies.uncertain_place import BASE, LONG, NOISE

PRIMARY = (("read-out times map",),)
SEEDS = range(20)  # of the primary contrast
SOME_SEEDS = range(8)  # of the other arms
LONG_SEEDS = range(4)  # of the networks that are trained for longer
RATES = (0.0003, 0.0005, 0.0007, 0.001, 0.0015)
SIGMAS = (1.0, 3.0, 10.0)  # of `normalised`: its constant of semi-saturation

MEAN, MEAN_MAP = CONTROL, NORMALISED
POOLING = Tuned(
    "attention pooling",
    attrs.evolve(BASE, read_out="attention_pooling"),
    rates(*RATES),
    sd=NOISE,
    seeds=range(100, 102),
    validation={"epochs": 2},
)
INSIDE = POOLING.but(
    "mean without padding", rates(*RATES[1:], 0.0022), read_out="mean_inside"
)


def attended(network: Tuned) -> Tuned:
    """The same read-out with a map of the network's own activity."""
    settings = [
        each | {"attention_parameters": {"sigma": sigma}}
        for sigma in SIGMAS
        for each in network.settings
    ]
    return network.but(f"{network.label}, map", settings, attention="normalised")


POOLING_MAP = attended(POOLING)
# The oracle's map marks the digit's place. More rates were tried where the best was an
# end of their range.
MEAN_ORACLE = POOLING.but(
    "oracle, mean", rates(*RATES, 0.0022), read_out="mean", attention="given"
)
POOLING_ORACLE = POOLING.but(
    "oracle, attention pooling", rates(0.0001, 0.0002, *RATES), attention="given"
)
CELLS = (MEAN, MEAN_MAP, POOLING, POOLING_MAP)  # of the primary contrast
OTHERS = (INSIDE, MEAN_ORACLE, POOLING_ORACLE)


def trained_long(network: Tuned) -> Arm:
    """A network with attention pooling that is trained for more epochs."""
    return network.arm(LONG_SEEDS, epochs=LONG, keeps_weights=False)


def arms() -> list[Arm]:
    """All arms of the study."""
    return [
        *map(trained_long, (POOLING, POOLING_MAP)),
        *(network.arm(SEEDS) for network in CELLS),
        *(network.arm(SOME_SEEDS, keeps_weights=False) for network in OTHERS),
    ]


PROFILES = {
    "read_out_rates": Profile(
        "read-outs with and without a map, at several settings, on validation images",
        lambda: on_validation((*CELLS, *OTHERS)),
    ),
    "read_out": Profile(
        "read-outs by the mean and by attention pooling, without a map and with one",
        arms,
    ),
}
