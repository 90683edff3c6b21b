"""Read-outs with and without a map: the mean over places is a part of the question.

A mean over places mixes the digit with the noise around it. Read-outs: the mean as
published, which counts the padding too; the mean without padding; attention pooling,
which learns where to look; the maximum. Maps: none, one of the network's own activity
(`normalised`), and an oracle's, which marks the digit's true place. Displays, training
and noise are those of `uncertain_place`.

The primary contrast was named on 29 November 2026, before any of these networks was
scored on test images, in noise of SD 120, over 20 pairs of seeds: the advantage of the
map with the mean, minus its advantage with attention pooling (interaction).

Settings were tried on validation images, after two epochs, with two other seeds.
"""

from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, on_validation, rates
from utils.studies.uncertain_place import BASE, NOISE

PRIMARY = (("read-out times map",),)
SEEDS = range(20)  # of the primary contrast
SOME_SEEDS = range(8)  # of the other arms
RATES = (0.0005, 0.0007, 0.001, 0.0015, 0.0022)
SIGMAS = (1.0, 3.0, 10.0)  # of `normalised`: its constant of semi-saturation

MEAN = Tuned(
    "mean",
    BASE,
    rates(*RATES),
    sd=NOISE,
    seeds=range(100, 102),
    validation={"epochs": 2},
)
POOLING = MEAN.but("attention pooling", read_out="attention_pooling")
INSIDE = MEAN.but("mean without padding", read_out="mean_inside")
MAXIMUM = MEAN.but("maximum", read_out="max")


def attended(network: Tuned) -> Tuned:
    """The same read-out with a map of the network's own activity."""
    settings = [
        each | {"attention_parameters": {"sigma": sigma}}
        for sigma in SIGMAS
        for each in network.settings
    ]
    return network.but(f"{network.label}, map", settings, attention="normalised")


def told(network: Tuned) -> Tuned:
    """The same read-out with a map that marks the digit's true place."""
    return network.but(f"{network.label}, oracle's map", attention="given")


MEAN_MAP, POOLING_MAP = attended(MEAN), attended(POOLING)
CELLS = (MEAN, MEAN_MAP, POOLING, POOLING_MAP)  # of the primary contrast
OTHERS = (INSIDE, told(MEAN), told(POOLING), MAXIMUM, attended(MAXIMUM), told(MAXIMUM))


def arms() -> list[Arm]:
    """All arms of the study."""
    return [
        *(network.arm(SEEDS) for network in CELLS),
        *(network.arm(SOME_SEEDS, keeps_weights=False) for network in OTHERS),
    ]


PROFILES = {
    "read_out_rates": Profile(
        "read-outs with and without a map, at several settings, on validation images",
        lambda: on_validation((*CELLS, *OTHERS)),
    ),
    "read_out": Profile("read-outs, each without a map and with two", arms),
}
