"""Profiles: the studies of this project, as lists of runs.

Each is a plain list of `RunSpec`, so a reader can take one apart, change it and run it.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from utils.displays import Display
from utils.probes import Probe
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


def arm(name: str) -> Sequence[RunSpec | Probe]:
    """The runs of an arm of the paired or the displaced study, or probes of `probes`.

    Raises:
        KeyError: for an unknown name, with those that exist.
    """
    known = {**arms(), **displaced_arms(), **probes()}
    if name not in known:
        raise KeyError(f"No arm {name!r}. Expected one of {', '.join(known)}.")
    return known[name]


def paired() -> list[RunSpec]:
    """What made the difference: gain, map and mismatch, each apart from the others."""
    return list(dict.fromkeys(itertools.chain.from_iterable(arms().values())))


# Networks of the displaced study. Both scales of the input were tried for each, since a
# network may learn well at one and not at all at the other.
DISPLACED_NOISE = 120.0  # grey levels: each image has an SD of its own, from 0 to this
DISPLACED_LEVELS = (0.0, 30.0, 60.0, 90.0, 120.0, 160.0, 240.0)  # at test
CANVAS = 60  # pixels, rows and columns
CANVASES = (28, 44)  # other ones; on 28 a digit has one place only
FIXED_LEVELS = (40.0, 120.0)  # noise in training and at test that does not vary
CLUTTER = Display(distractors=4, validity=0.8)
CLUTTER_NOISE = 60.0
SOME_SEEDS = range(5)  # for arms beside the headline
LONG = 15  # epochs, where the others have 6 or 4
PROBED_SEEDS = range(8)  # enough for a bootstrap
PROBED_LEVELS = (60.0, 120.0)
GREY, UNIT = 1.0, 1 / 255  # input scales: grey levels as published, or from 0 to 1
DISPLACED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ones": ("ones", {}),
    "energy": ("energy", {}),
    "selectivity": ("selectivity", {}),
    "evidence": ("evidence", {}),
    "shuffled": ("shuffled", {"of": "energy"}),
    "centre": ("centre", {}),
    "oracle": ("given", {}),  # the digit's true place: meant as an upper bound
}
BY_GREY = ((GREY, 0.0007), (GREY, 0.0015), (GREY, 0.003), (UNIT, 0.003))
BY_BOTH = (
    *((UNIT, 0.0015), (UNIT, 0.003), (UNIT, 0.006)),
    *((GREY, 0.0005), (GREY, 0.001), (GREY, 0.002)),
)
DISPLACED_RATES = {  # (input scale, learning rate); more where the best was an end
    **dict.fromkeys(("ones", "shuffled", "centre"), BY_GREY),
    "oracle": (*BY_GREY, (GREY, 0.0003)),
    "energy": BY_BOTH,
    "evidence": (*BY_BOTH, (GREY, 0.004)),
    "selectivity": (*BY_BOTH, (GREY, 0.0002)),
}
# The best of those tried, as for `CHOSEN`.
DISPLACED_CHOSEN: Mapping[str, tuple[float, float]] = {
    "ones": (GREY, 0.0015),
    "energy": (GREY, 0.001),
    "selectivity": (GREY, 0.001),
    "evidence": (GREY, 0.002),
    "shuffled": (GREY, 0.0015),
    "centre": (GREY, 0.0015),
    "oracle": (GREY, 0.0007),
}
HEADLINE = ("ones", "energy")  # the control first


def placed(network: str, seeds: Iterable[int], **settings) -> list[RunSpec]:
    """Runs of one network of the displaced study, for each seed.

    Digits at random places on a canvas of 60 x 60 pixels, in noise from none to strong;
    Adam on four images at a time, at a rate that falls as 1 / (1 + t / 20,000 updates).
    """
    attention, parameters = DISPLACED[network]
    common = {
        "display": Display(rows=CANVAS, cols=CANVAS),
        "noise_sd": DISPLACED_NOISE,
        "noise_varies": True,
        "images": 20_000,
        "goes_on": True,
        "epochs": 6,
        "batch_size": 4,
        "optimizer": "adam",
        "learning_rate_decay": 5e-5,
        "curve_images": 2_000,
        "test_noise_sds": DISPLACED_LEVELS,
    }
    return [
        RunSpec(attention, parameters, seed=seed, **{**common, **settings})
        for seed in seeds
    ]


def displaced_tried(network: str) -> list[RunSpec]:
    """One network of the displaced study at each of its `DISPLACED_RATES`."""
    short = {
        "epochs": 2,
        "scored_on": "validation",
        "test_images": 2_000,
        "test_noise_sds": (0.0, 60.0, DISPLACED_NOISE),
        "keeps_weights": False,
    }
    return [
        spec
        for scale, rate in DISPLACED_RATES[network]
        for spec in placed(
            network,
            VALIDATION_SEEDS[:1],
            input_scale=scale,
            learning_rate=rate,
            **short,
        )
    ]


def displaced_rates() -> list[RunSpec]:
    """The networks of the displaced study at several rates, on validation images."""
    return [spec for network in DISPLACED_RATES for spec in displaced_tried(network)]


def _chosen(network: str) -> dict:
    """Input scale and learning rate that were chosen for a network."""
    return dict(
        zip(("input_scale", "learning_rate"), DISPLACED_CHOSEN[network], strict=True)
    )


@functools.cache
def displaced_arms() -> Mapping[str, list[RunSpec]]:
    """The arms of the displaced study by name, each a list of runs for the same seeds.

    A name is `displaced_` and a network's. Its ending says what differs: `_28`, `_44`
    the canvas; `_fixed_40`, `_fixed_120` a noise that does not vary, on a canvas of 44;
    `_long` more epochs, of which the first are those of the runs that it is beside;
    `_clutter` fragments of other digits, where `cued` gets a cue that is right in four
    of five displays. All use the rate that was chosen for their network.
    """
    found = {
        f"displaced_{name}": placed(
            name,
            SEEDS if name in HEADLINE else SOME_SEEDS,
            keeps_weights=name in (*HEADLINE, "oracle"),
            **_chosen(name),
        )
        for name in DISPLACED
    }
    for name in HEADLINE:
        others = {
            f"{size}": {"display": Display(rows=size, cols=size)} for size in CANVASES
        }
        for sd in FIXED_LEVELS:
            others[f"fixed_{sd:g}"] = {
                "display": Display(),
                "noise_sd": sd,
                "noise_varies": False,
                "test_noise_sds": sorted({*DISPLACED_LEVELS, sd}),
                "epochs": 4,
            }
        others["long"] = {"epochs": LONG, "seeds": SEEDS}
        for ending, settings in others.items():
            common = {"seeds": SOME_SEEDS, "keeps_weights": False, **_chosen(name)}
            found[f"displaced_{name}_{ending}"] = placed(name, **{**common, **settings})
    cluttered = {name: name for name in HEADLINE} | {"cued": "oracle"}
    for name, network in cluttered.items():
        found[f"displaced_{name}_clutter"] = placed(
            network,
            SOME_SEEDS,
            display=CLUTTER,
            noise_sd=CLUTTER_NOISE,
            epochs=4,
            keeps_weights=name == "cued",
            **_chosen(network),
        )
    return found


def displaced() -> list[RunSpec]:
    """Where attention helps: uncertain places; short runs first, seed by seed."""
    runs = itertools.chain.from_iterable(displaced_arms().values())
    return sorted(dict.fromkeys(runs), key=lambda run: (run.epochs == LONG, run.seed))


@functools.cache
def probes() -> Mapping[str, list[Probe]]:
    """Trained networks of the displaced study, looked at again; a list for each name.

    `strength ...`: the attended network with weaker attention, 0 dividing the gain out.
    `misplaced`: with its own map's values in shuffled places. `added`: the control with
    a map of its own, which it never learnt with. `lent`: the control with the map of
    the attended network of its seed. `clutter ...`, `large ...`: displays that neither
    has met. `valid`, `neutral`, `invalid`: what a cue said to a network that learnt
    with one.
    """
    ones, attended = (displaced_arms()[f"displaced_{name}"] for name in HEADLINE)
    kind, parameters = DISPLACED[HEADLINE[1]]
    few = {"test_images": 5_000, "test_noise_sds": PROBED_LEVELS}
    cluttered = {"display": Display(CANVAS, CANVAS, distractors=4)}
    large = {"display": Display(CANVAS + 16, CANVAS + 16)}
    found = {
        f"strength {strength:g}": [
            Probe(attended[seed], {"strength": strength, **few})
            for seed in PROBED_SEEDS
        ]
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    }
    for name, runs, changes in (
        ("misplaced", attended, {"attention": "shuffled",
                                 "attention_parameters": {"of": kind}}),
        ("added", ones, {"attention": kind, "attention_parameters": parameters}),
        ("alone", ones, {}),
        ("clutter, attended", attended, cluttered),
        ("clutter, control", ones, cluttered),
        ("large, attended", attended, large),
        ("large, control", ones, large),
    ):  # fmt: skip
        found[name] = [Probe(runs[seed], {**changes, **few}) for seed in PROBED_SEEDS]
    found["lent"] = [
        Probe(ones[seed], {"attention": "given", **few}, maps_of=attended[seed])
        for seed in PROBED_SEEDS
    ]
    cued = displaced_arms()["displaced_cued_clutter"]
    for name, changes in (
        ("valid", {"display": dataclasses.replace(CLUTTER, validity=1.0)}),
        ("neutral", {"strength": 0.0}),
        ("invalid", {"display": dataclasses.replace(CLUTTER, validity=0.0)}),
    ):
        levels = {"test_images": 5_000, "test_noise_sds": (0.0, CLUTTER_NOISE)}
        found[name] = [Probe(run, {**changes, **levels}) for run in cued]
    return found


def displaced_probes() -> list[Probe]:
    """Trained networks of the displaced study, looked at again; after its runs."""
    return list(itertools.chain.from_iterable(probes().values()))
