"""Profiles: the studies of this project, as lists of runs.

Each is a plain list of `RunSpec`, so a reader can take one apart, change it and run it.
"""

import functools
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from utils.displays import Display
from utils.training import RunSpec

PUBLISHED_NOISE = 2.5  # grey levels
SEEDS = range(20)  # an exact sign-flip test of 20 pairs can reach p = 2e-6; of 3, .25
FEW_SEEDS = range(4)  # for arms that a figure shows and no claim rests on
GRID = (2.5, 0.0, 10.0, 40.0)  # noise in training and at test, from unseen to plain
VALIDATION_SEEDS = range(100, 102)

# Networks of the paired study: a kind of attention and its parameters.
NETWORKS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ones": ("ones", {}),
    "gain_1/15": ("uniform", {"gain": 1 / 15}),
    "gain_1/4": ("uniform", {"gain": 1 / 4}),
    "gain_4": ("uniform", {"gain": 4.0}),
    "as_coded": ("as_coded", {}),
    "energy": ("energy", {}),
    "shuffled": ("shuffled", {"of": "energy"}),
    "evidence": ("evidence", {}),
    "selectivity": ("selectivity", {}),
    **{f"top_{n}": ("top_n", {"n": n}) for n in (1, 2, 3, 5, 10)},
}
TWO_EPOCHS = (
    "ones",
    "gain_1/15",
    "gain_1/4",
    "gain_4",
)  # one for those that look twice
MAPS = ("energy", "shuffled", "evidence", "selectivity", "top_1")
# Learning rates that were tried on validation images, and the best of them: the highest
# mean accuracy under the noise of training (a test holds the two together).
RATES = {
    **dict.fromkeys(("ones", "gain_1/15"), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
    **dict.fromkeys(MAPS, (0.0001, 0.0003, 0.001, 0.003, 0.01)),
}
CHOSEN: Mapping[str, float] = {
    "ones": 0.003,
    "gain_1/15": 0.03,
    "energy": 0.003,
    "shuffled": 0.001,
    "evidence": 0.003,
    "selectivity": 0.001,
    "top_1": 0.001,
}


def published_cells(seeds: Iterable[int], **settings) -> list[RunSpec]:
    """The post's four cells, {as_coded, ones} x {noise 2.5, none}, for each seed."""
    return [
        RunSpec(attention, noise_sd=noise_sd, seed=seed, **settings)
        for seed, noise_sd, attention in itertools.product(
            seeds, (PUBLISHED_NOISE, 0.0), ("as_coded", "ones")
        )
    ]


def guided() -> list[RunSpec]:
    """The network whose own guess guides it, which the post found erratic."""
    return [RunSpec("top_n", {"n": 1}, seed=seed) for seed in range(3)]


def explorers() -> list[RunSpec]:
    """Networks for notebooks 1 to 3, trained under every noise up to SD 80."""
    return [
        RunSpec(attention, noise_sd=80.0, noise_varies=True, epochs=3)
        for attention in ("ones", "energy")
    ]


def small(network: str, seeds: Iterable[int], **settings) -> list[RunSpec]:
    """Runs of one network of the paired study, for each seed.

    As published but for their length: epochs of 30,000 images, two of them or, where a
    map makes an update twice as long, one.
    """
    attention, parameters = NETWORKS[network]
    common = {
        "noise_sd": PUBLISHED_NOISE,
        "images": 30_000,
        "epochs": 2 if network in TWO_EPOCHS else 1,
        "test_noise_sds": (0.0, 2.5),
        "keeps_weights": False,
    }
    return [
        RunSpec(attention, parameters, seed=seed, **{**common, **settings})
        for seed in seeds
    ]


def tried(network: str) -> list[RunSpec]:
    """One network at each of its `RATES`, scored on validation images."""
    validation = {
        "scored_on": "validation",
        "test_images": 5_000,
        "test_noise_sds": (0.0, 2.5),
    }
    return [
        spec
        for rate in RATES[network]
        for spec in small(network, VALIDATION_SEEDS, learning_rate=rate, **validation)
    ]


def rates() -> list[RunSpec]:
    """The networks of the paired study at several learning rates."""
    return [spec for network in RATES for spec in tried(network)]


@functools.cache
def arms() -> Mapping[str, list[RunSpec]]:
    """The arms of the paired study by name, each a list of runs for the same seeds.

    A name is a network's. Its ending says what differs from the published settings:
    `_clean`, `_10`, `_40` the noise in training, `_tuned` the learning rate, chosen for
    that network on validation images.
    """
    found = {}
    for name, sd in itertools.product(("ones", "gain_1/15"), GRID):
        ending = {PUBLISHED_NOISE: "", 0.0: "_clean"}.get(sd, f"_{sd:g}")
        seeds = SEEDS if sd <= PUBLISHED_NOISE else FEW_SEEDS
        found[name + ending] = small(name, seeds, noise_sd=sd, test_noise_sds=GRID)
    for name, rate in CHOSEN.items():
        claimed = name in ("ones", "gain_1/15", "energy", "shuffled", "top_1")
        found[f"{name}_tuned"] = small(
            name,
            SEEDS if claimed else FEW_SEEDS,
            learning_rate=rate,
            keeps_weights=name == "energy",
        )
    found |= {name: small(name, SEEDS) for name in ("top_1", "as_coded")}
    found |= {name: small(name, FEW_SEEDS) for name in ("gain_1/4", "gain_4")}
    for n in (2, 3, 5, 10):
        rate = CHOSEN["top_1" if n < 10 else "ones"]
        seeds = SEEDS if n == 3 else FEW_SEEDS
        found[f"top_{n}_tuned"] = small(f"top_{n}", seeds, learning_rate=rate)
    return found


def paired() -> list[RunSpec]:
    """What made the difference: gain, map and mismatch, each apart from the others."""
    return list(dict.fromkeys(itertools.chain.from_iterable(arms().values())))


# Networks of the displaced study. Both scales of the input were tried for each, since a
# network may learn well at one and not at all at the other.
DISPLACED_NOISE = 120.0  # grey levels: each image has an SD of its own, from 0 to this
GREY, UNIT = 1.0, 1 / 255  # input scales: grey levels as published, or from 0 to 1
DISPLACED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ones": ("ones", {}),
    "energy": ("energy", {}),
    "selectivity": ("selectivity", {}),
    "evidence": ("evidence", {}),
    "shuffled": ("shuffled", {"of": "energy"}),
    "centre": ("centre", {}),
    "oracle": ("given", {}),  # the digit's true place: an upper bound
}
DISPLACED_RATES = {  # (input scale, learning rate)
    "ones": ((GREY, 0.0003), (GREY, 0.001), (UNIT, 0.001), (UNIT, 0.003)),
    "energy": ((GREY, 0.0003), (UNIT, 0.001), (UNIT, 0.003), (UNIT, 0.01)),
    "selectivity": ((GREY, 0.0003), (UNIT, 0.001), (UNIT, 0.003)),
    "evidence": ((GREY, 0.0003), (UNIT, 0.001), (UNIT, 0.003)),
    "shuffled": ((GREY, 0.0003), (GREY, 0.001), (UNIT, 0.001), (UNIT, 0.003)),
    "centre": ((GREY, 0.0003), (GREY, 0.001), (UNIT, 0.001), (UNIT, 0.003)),
    "oracle": ((GREY, 0.0003), (GREY, 0.001), (UNIT, 0.001), (UNIT, 0.003)),
}


def placed(network: str, seeds: Iterable[int], **settings) -> list[RunSpec]:
    """Runs of one network of the displaced study, for each seed.

    Digits at random places on a canvas of 44 x 44 pixels, in noise from none to more
    than the eye can see through; Adam, batches of 8, a rate that falls as
    1 / (1 + t / 20,000 updates).
    """
    attention, parameters = DISPLACED[network]
    common = {
        "display": Display(),
        "noise_sd": DISPLACED_NOISE,
        "noise_varies": True,
        "images": 20_000,
        "goes_on": True,
        "batch_size": 8,
        "optimizer": "adam",
        "learning_rate_decay": 5e-5,
    }
    return [
        RunSpec(attention, parameters, seed=seed, **{**common, **settings})
        for seed in seeds
    ]


def displaced_rates() -> list[RunSpec]:
    """The networks of the displaced study at several rates, on validation images."""
    short = {
        "epochs": 4,
        "scored_on": "validation",
        "test_images": 2_000,
        "test_noise_sds": (0.0, 60.0, DISPLACED_NOISE),
        "keeps_weights": False,
    }
    return [
        spec
        for network, tried in DISPLACED_RATES.items()
        for scale, rate in tried
        for spec in placed(
            network,
            VALIDATION_SEEDS[:1],
            input_scale=scale,
            learning_rate=rate,
            **short,
        )
    ]
