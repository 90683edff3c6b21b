"""Where attention helps: digits at uncertain places in noise.

Digits lie at random places on a canvas of 60 x 60 pixels, in noise from none to strong.
Networks are trained by Adam on four images at a time; after t updates the rate is
divided by 1 + t / 20,000. Rates and input scales were tried on validation images with
one other seed. Findings are about test images, and come from records and weights.
"""

import attrs

from utils.displays import Display
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, on_validation, rates
from utils.spec import RunSpec

NOISE = 120.0  # grey levels: each image has an SD of its own, from 0 to this
LEVELS = (0.0, 30.0, 60.0, 90.0, 120.0, 160.0, 240.0)  # at test
CANVAS = 60  # pixels, rows and columns
CANVASES = (28, 44)  # other sizes; at 28 a digit has only one place
CLUTTER = Display(distractors=4, validity=0.8)
CLUTTER_NOISE = 60.0
SEEDS = range(20)  # of the headline
SOME_SEEDS = range(5)  # of the other arms
PROBED_SEEDS = range(8)  # enough for a bootstrap
PROBED_LEVELS = (60.0, 120.0)
PRIMARY = (("uncertain",),)  # named before a test image was scored
LONG = 15  # epochs, where the others have 6 or 4
LARGE = CANVAS + 16  # pixels of a canvas that no network was trained on
BASE = RunSpec(
    display=Display(rows=CANVAS, cols=CANVAS),
    noise_sd=NOISE,
    noise_varies=True,
    images=20_000,
    goes_on=True,
    epochs=6,
    batch_size=4,
    optimizer="adam",
    learning_rate_decay=5e-5,
    curve_images=2_000,
    test_noise_sds=LEVELS,
)
GREY, UNIT = 1.0, 1 / 255  # input scales: grey levels as published, or from 0 to 1
CONTROL = Tuned(
    "control",
    attrs.evolve(BASE, keeps_weights=False),
    rates(0.0007, 0.0015, 0.003, input_scale=GREY) + rates(0.003, input_scale=UNIT),
    sd=NOISE,
    validation={"epochs": 2, "test_images": 2_000},
)
ENERGY = CONTROL.but(
    "energy",
    rates(0.0015, 0.003, 0.006, input_scale=UNIT)
    + rates(0.0005, 0.001, 0.002, input_scale=GREY),
    attention="energy",
)
# More settings were tried where the best one was at an end of their range.
SELECTIVITY = ENERGY.but(
    "selectivity",
    ENERGY.settings + rates(0.0002, input_scale=GREY),
    attention="selectivity",
)
EVIDENCE = ENERGY.but(
    "evidence",
    ENERGY.settings + rates(0.004, input_scale=GREY),
    attention="evidence",
)
# A map gives the digit's true place; the arm is meant as an upper bound.
ORACLE = CONTROL.but(
    "oracle (told the place)",
    CONTROL.settings + rates(0.0003, input_scale=GREY),
    attention="given",
)
NETWORKS = (ORACLE, ENERGY, SELECTIVITY, EVIDENCE, CONTROL)
HEADLINE = (CONTROL, ENERGY)


def arm(network: Tuned) -> Arm:
    """A network on the canvas of the study."""
    seeds = SEEDS if network in HEADLINE else SOME_SEEDS
    return network.arm(seeds, keeps_weights=network in (*HEADLINE, ORACLE))


def on_canvas(network: Tuned, size: int) -> Arm:
    """A network on a canvas of `size` x `size` pixels."""
    return network.arm(SOME_SEEDS, display=Display(rows=size, cols=size))


def trained_long(network: Tuned) -> Arm:
    """A network trained for more epochs; its first epochs are those of `arm`."""
    return network.arm(SEEDS, epochs=LONG)


def in_clutter(network: Tuned) -> Arm:
    """A network among fragments of other digits; the oracle's map is that of a cue."""
    shown = {"display": CLUTTER, "noise_sd": CLUTTER_NOISE}
    keeps = network == ORACLE
    return network.arm(SOME_SEEDS, epochs=4, keeps_weights=keeps, **shown)


def arms() -> list[Arm]:
    """All arms of the study."""
    return [
        *map(arm, NETWORKS),
        *(on_canvas(network, size) for network in HEADLINE for size in CANVASES),
        *map(in_clutter, (*HEADLINE, ORACLE)),
        *map(trained_long, HEADLINE),
    ]


# Probes test trained networks with one change, on fewer images.
FEW = {"test_images": 5_000, "test_noise_sds": PROBED_LEVELS}


def probe(of: Arm, *, seeds=PROBED_SEEDS, maps_of=None, **changes) -> Arm:
    """Trained networks of an arm, with something changed at test."""
    return of.probed(seeds, maps_of, **{**FEW, **changes})


def weakened(strength: float) -> Arm:
    """The attended networks with weaker attention; at 0 the gain is 1."""
    return probe(arm(ENERGY), strength=strength)


def reduced_to(kind: str) -> Arm:
    """The attended networks with only one part of their map.

    `place`: their map, scaled to mean 1 inside the ring. `amount`: their mean gain
    inside it, everywhere. `shuffled`: their map with its places inside the ring in
    another order for each image.
    """
    parts = {"of": "energy", "inside": True, "each": True}
    parameters = parts if kind == "shuffled" else {}
    return probe(arm(ENERGY), attention=kind, attention_parameters=parameters)


def unaided() -> Arm:
    """The controls as they are."""
    return probe(arm(CONTROL))


def added() -> Arm:
    """The controls with a map of their own activity, which they did not learn with."""
    return probe(arm(CONTROL), attention="energy", attention_parameters={})


def lent() -> Arm:
    """The controls with the map of the attended network of their seed."""
    return probe(arm(CONTROL), attention="given", maps_of=arm(ENERGY))


def on_larger_canvas(network: Tuned) -> Arm:
    """Networks on a canvas that is larger than in training."""
    return probe(arm(network), display=Display(LARGE, LARGE))


def cue(says: str) -> Arm:
    """Networks trained with a cue, with one that is "valid", "neutral" or "invalid"."""
    changes = {
        "valid": {"display": attrs.evolve(CLUTTER, validity=1.0)},
        "neutral": {"strength": 0.0},
        "invalid": {"display": attrs.evolve(CLUTTER, validity=0.0)},
    }
    levels = {"test_noise_sds": (0.0, CLUTTER_NOISE)}
    return probe(in_clutter(ORACLE), seeds=SOME_SEEDS, **changes[says], **levels)


def probed() -> list[Arm]:
    """All arms of probes."""
    return [
        *map(weakened, (0.0, 0.25, 0.5, 0.75, 1.0)),
        *map(reduced_to, ("place", "amount", "shuffled")),
        *(unaided(), added(), lent()),
        *map(on_larger_canvas, HEADLINE),
        *map(cue, ("valid", "neutral", "invalid")),
    ]


PROFILES = {
    "uncertain_place_rates": Profile(
        "digits at uncertain places, at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "uncertain_place": Profile(
        "attention where the place is uncertain, control and oracle", arms
    ),
    "uncertain_place_probes": Profile(
        "these networks, tested otherwise; run `uncertain_place` first", probed
    ),
}
