"""Arms of a study, compared seed by seed on the same test images.

An arm is a list of runs that differ in their seed only (`utils.profiles.arm`); two
arms are paired by seed. Differences are in percentage points, arm minus control.
"""

import functools
from typing import NamedTuple

import numpy as np

from utils import profiles
from utils.noise import add_noise
from utils.records import Store
from utils.replication import CLEAN, MATCHED, PUBLISHED_NOISE, RECORDS, committed
from utils.resampling import difference_over_seeds_and_images
from utils.statistics import (
    FEWEST_TO_RESAMPLE,
    Estimate,
    effect_size,
    equivalence,
    paired_difference,
    sign_flip_test,
    smallest_detectable_difference,
)
from utils.training import decode_correct

INTERVENED = 1_000  # test images on which maps are swapped
SWAP_NOISE = 0  # seed of their noise


class Contrast(NamedTuple):
    """One arm against another."""

    arm: str
    control: str
    test: str  # in words
    points: Estimate  # arm minus control
    p: float  # exact sign-flip test over seeds
    g_z: float  # effect size, in standard deviations of the differences
    pairs: int
    detectable: float  # points that so many pairs find with a power of 80%

    def __str__(self):
        return (
            f"{self.points.value:+.1f} points ({self.points.confidence:.0%} interval "
            f"{self.points.low:+.1f} to {self.points.high:+.1f}, {self.pairs} pairs)"
        )


@functools.cache
def records(arm: str) -> tuple[dict, ...]:
    """The committed records of an arm, in the order of their seeds.

    Raises:
        KeyError: for an arm that no study has.
        FileNotFoundError: if a run of it is not among the committed ones.
    """
    return tuple(committed(profiles.arm(arm)))


def accuracy(arm: str, sd: float) -> np.ndarray:
    """Accuracy of each run of an arm after training, at noise SD `sd`: `(seeds,)`."""
    return np.array([decode_correct(each, sd).mean() for each in records(arm)])


def curve(arm: str, test: str = MATCHED) -> np.ndarray:
    """Accuracy after each epoch, `(seeds, epochs)`; `test` as a record names it."""
    return np.array([[e[test] for e in each["epochs"]] for each in records(arm)])


def pairs(arm: str, control: str) -> int:
    """How many seeds both arms have, from the first on.

    Raises:
        ValueError: if these are not the same seeds.
    """
    seeds = [
        [each["spec"]["seed"] for each in records(name)] for name in (arm, control)
    ]
    both = min(map(len, seeds))
    if seeds[0][:both] != seeds[1][:both]:
        raise ValueError(f"Expected arms with the same seeds, received {seeds}.")
    return both


@functools.cache
def contrast(arm: str, control: str, sd: float) -> Contrast:
    """Compare two arms after training, on test images with noise of SD `sd`.

    The interval holds for other seeds and other test images (`utils.resampling`), with
    fewer than 8 pairs for other seeds; seeds that only one arm has are left out.
    """
    right = [[decode_correct(r, sd) for r in records(each)] for each in (arm, control)]
    both = pairs(arm, control)
    one, other = (np.array(each[:both]) for each in right)
    if both < FEWEST_TO_RESAMPLE:
        points = paired_difference(one.mean(1), other.mean(1))
    else:
        points = difference_over_seeds_and_images(one, other)
    test = f"noise of SD {sd:g}" if sd else "clean images"
    return _contrast(arm, control, test, points, one.mean(1), other.mean(1))


@functools.cache
def contrast_after_an_epoch(arm: str, control: str, test: str = MATCHED) -> Contrast:
    """Compare two arms after their first epoch; the interval holds for other seeds."""
    one, other = (
        curve(each, test)[: pairs(arm, control), 0] for each in (arm, control)
    )
    points = paired_difference(one, other)
    words = "clean images" if test == CLEAN else "the noise of training"
    return _contrast(arm, control, f"{words}, epoch 1", points, one, other)


def same(arm: str, control: str, sd: float, margin: float):
    """Whether two arms differ by less than a margin in points: two one-sided tests."""
    both = pairs(arm, control)
    return equivalence(
        100 * accuracy(arm, sd)[:both], 100 * accuracy(control, sd)[:both], margin
    )


def _contrast(arm, control, test, points, one, other):
    points = points._replace(
        **{name: 100 * getattr(points, name) for name in ("value", "low", "high")}
    )
    one, other = 100 * one, 100 * other
    detectable = smallest_detectable_difference(len(one), (one - other).std(ddof=1))
    p, g_z = sign_flip_test(one, other).p, effect_size(one, other).g_z
    return Contrast(arm, control, test, points, p, g_z, len(one), detectable)


@functools.cache
def validation(network: str) -> dict[float, np.ndarray]:
    """What was tried on validation images: rate -> `(seeds, 2)`, clean and matched."""
    found: dict[float, list] = {}
    for record in committed(profiles.tried(network)):
        last = record["epochs"][-1]
        rate = record["spec"]["learning_rate"]
        found.setdefault(rate, []).append((last[CLEAN], last[MATCHED]))
    return {rate: np.array(scores) for rate, scores in found.items()}


def best_rate(network: str) -> float:
    """The rate with the highest mean validation accuracy under the training noise."""
    tried = validation(network)
    return max(tried, key=lambda rate: tried[rate][:, 1].mean())


@functools.cache
def displaced_validation(network: str) -> dict[tuple[float, float], float]:
    """The same for the displaced study: (input scale, rate) -> noisy accuracy."""
    found: dict[tuple[float, float], list] = {}
    for record in committed(profiles.displaced_tried(network)):
        setting = record["spec"]["input_scale"], record["spec"]["learning_rate"]
        found.setdefault(setting, []).append(record["epochs"][-1][MATCHED])
    return {setting: float(np.mean(scores)) for setting, scores in found.items()}


@functools.cache
def swapped(arm: str) -> np.ndarray:
    """Accuracy of trained networks with their own maps, and with another image's.

    Each test image gets the map that the same network made of the image before it:
    the values of a real map, at the places of another digit.

    Returns:
        `(seeds, 2)`: own map, another image's; on 1,000 test images with the noise of
        training.
    """
    from utils.data import load_mnist
    from utils.model import attention_maps, build_model, predict, set_weights

    _, (images, labels) = load_mnist()
    rng = np.random.default_rng(SWAP_NOISE)
    noisy = add_noise(images[:INTERVENED], PUBLISHED_NOISE, rng)
    specs, found = profiles.arms()[arm], []
    own = build_model(specs[0].attention, **specs[0].attention_parameters)
    given = build_model("given")
    for spec in specs:
        for model in (own, given):
            set_weights(model, Store(RECORDS).weights(spec.name))
        gains = attention_maps(own, noisy)
        found.append(
            [
                np.mean(predict(given, [noisy, each]).argmax(-1) == labels[:INTERVENED])
                for each in (gains, np.roll(gains, 1, axis=0))
            ]
        )
    return np.array(found)
