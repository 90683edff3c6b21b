"""What the displaced study found: thresholds, how much sooner, where the network looks.

Arms are named as in `utils.profiles`; accuracies at one noise level are compared by
`utils.contrasts`. Everything is computed from the committed records and weights.
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from utils import contrasts, profiles, psychometrics, statistics
from utils.data import load_mnist
from utils.displays import on_target, pointing_game, show
from utils.model import attention_maps, build_model, predict, set_weights
from utils.noise import add_noise
from utils.psychometrics import PsychometricFunction
from utils.records import Store
from utils.replication import RECORDS
from utils.statistics import FEWEST_TO_RESAMPLE, Estimate
from utils.training import decode_correct

CONTROL, ATTENDED = (f"displaced_{network}" for network in profiles.HEADLINE)
LOOKED = 500  # test images on which maps are looked at
AT_ONCE = 20  # of them
LOOK = 0  # seed of their places and noise


def levels(arm: str) -> list[float]:
    """Noise SDs in grey levels at which the runs of an arm were tested."""
    return contrasts.records(arm)[0]["spec"]["test_noise_sds"]


def right(arm: str) -> np.ndarray:
    """Which test images each network named right: `(seeds, levels, images)` bool."""
    return np.array(
        [
            [decode_correct(record, sd) for sd in levels(arm)]
            for record in contrasts.records(arm)
        ]
    )


def in_noise(arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Levels above 0, and `right` at them.

    Without noise, networks that learnt in noise name fewer digits than in a little of
    it. A psychometric function only falls, so it is fitted to the rest.
    """
    found = np.array(levels(arm))
    return found[found > 0], right(arm)[:, found > 0]


@functools.cache
def psychometric_function(arm: str, seed: int | None = None) -> PsychometricFunction:
    """Accuracy in noise, fitted to one network or to all of an arm together."""
    sds, found = in_noise(arm)
    found = found if seed is None else found[seed : seed + 1]
    trials = found.shape[0] * found.shape[2]
    return psychometrics.fit(sds, found.sum((0, 2)), trials)


def thresholds(arm: str) -> np.ndarray:
    """The threshold of each network, a noise SD in grey levels: `(seeds,)`."""
    seeds = range(len(contrasts.records(arm)))
    return np.array([psychometric_function(arm, seed).threshold for seed in seeds])


def threshold(arm: str) -> Estimate:
    """Geometric mean of the thresholds, with an interval for other seeds."""
    found = np.log(thresholds(arm))
    of_logarithms = statistics.paired_difference(found, np.zeros_like(found))
    numbers = np.exp(of_logarithms[:3]).tolist()
    return Estimate(*numbers, *of_logarithms[3:])


@functools.cache
def shift(arm: str, control: str) -> Estimate:
    """How many decibels more noise an arm bears at its threshold than its control.

    With fewer than 8 pairs each network is fitted, and the interval is for other seeds;
    from there on, `psychometrics.threshold_shift`.
    """
    both = contrasts.pairs(arm, control)
    if both >= FEWEST_TO_RESAMPLE:
        (sds, one), (_, other) = in_noise(arm), in_noise(control)
        return psychometrics.threshold_shift(sds, one[:both], other[:both])
    one, other = (
        psychometrics.decibels(thresholds(each)[:both]) for each in (arm, control)
    )
    return statistics.paired_difference(one, other)


def noise_borne(arm: str, accuracy: float) -> np.ndarray:
    """The noise SD in which each network still has an accuracy: `(seeds,)`.

    Between levels, accuracy is taken as straight over the logarithm of the SD; no
    function is fitted.

    Raises:
        ValueError: if a network is never, or always, as accurate as that.
    """
    sds, found = in_noise(arm)
    borne = []
    for seed, curve in enumerate(found.mean(2)):
        if not curve[-1] < accuracy <= curve[0]:
            raise ValueError(
                f"Expected an accuracy from {curve[-1]:.3f} to {curve[0]:.3f}, which "
                f"network {seed} of {arm} has in noise; received {accuracy}."
            )
        i = np.flatnonzero(curve >= accuracy)[-1]  # the next level is too much
        share = (curve[i] - accuracy) / (curve[i] - curve[i + 1])
        borne.append(sds[i] * (sds[i + 1] / sds[i]) ** share)
    return np.array(borne)


def more_noise(arm: str, control: str, accuracy: float) -> Estimate:
    """How many decibels more noise an arm bears than its control, both as accurate."""
    both = contrasts.pairs(arm, control)
    one, other = (
        psychometrics.decibels(noise_borne(each, accuracy)[:both])
        for each in (arm, control)
    )
    return statistics.paired_difference(one, other)


def sooner(arm: str, control: str) -> Estimate:
    """How many times fewer images an arm needs for its control's late accuracy.

    That is the mean of the control's last three epochs, on test images with the largest
    noise of training; see `statistics.speed_up`.
    """
    both = contrasts.pairs(arm, control)
    one, other = (contrasts.curve(each)[:both] for each in (arm, control))
    return statistics.speed_up(one, other)


def late_gain(arm: str, epochs: int = 1) -> Estimate:
    """Points of accuracy that the last epochs of training still add."""
    curve = 100 * contrasts.curve(arm)
    return statistics.paired_difference(curve[:, -1], curve[:, -1 - epochs])


def gap_change(arm: str, control: str, since: int = 3) -> Estimate:
    """Points by which the lead of an arm has changed from epoch `since` to the last."""
    both = contrasts.pairs(arm, control)
    one, other = (100 * contrasts.curve(each)[:both] for each in (arm, control))
    gaps = one - other
    return statistics.paired_difference(gaps[:, -1], gaps[:, since - 1])


class Look(NamedTuple):
    """Where a trained network looks, on test images that all networks share."""

    images: np.ndarray  # (images, rows, cols) noisy, grey levels
    places: np.ndarray  # (images, 2) corners of the digits, pixels
    labels: np.ndarray  # (images,)
    gains: np.ndarray  # (images, rows', cols')
    answers: np.ndarray  # (images,) digits that it names

    @property
    def correct(self) -> np.ndarray:
        """Which answers are right: `(images,)` bool."""
        return self.answers == self.labels


@functools.lru_cache(maxsize=8)
def look(arm: str, seed: int, sd: float, images: int = LOOKED, kind=None) -> Look:
    """The maps and answers of one network of an arm under noise of SD `sd`.

    Of the kind of map that it learnt with, or of another that has no parameters.

    Raises:
        KeyError: for an arm that does not exist.
        FileNotFoundError: if its weights are not among the committed ones.
    """
    trained = run = profiles.arm(arm)[seed]
    if kind:
        run = dataclasses.replace(run, attention=kind, attention_parameters={})
    _, (digits, labels) = load_mnist()
    rng = np.random.default_rng(LOOK)
    shown = show(run.display, digits[:images], digits, rng)
    noisy = add_noise(shown.images, sd, rng)
    model = _network(
        run.attention,
        run.attention_parameters,
        image_shape=run.display.shape,
        strength=run.strength,
        input_scale=run.input_scale,
    )
    set_weights(model, Store(RECORDS).weights(trained.name))
    parts = np.array_split(noisy, max(1, images // AT_ONCE))
    gains = np.concatenate([attention_maps(model, part) for part in parts])
    answers = np.concatenate([predict(model, part).argmax(-1) for part in parts])
    return Look(noisy, shown.places, labels[:images], gains, answers)


@functools.lru_cache(maxsize=2)
def _network(attention, parameters, **settings):
    """Built and compiled once; each look gives it other weights."""
    return build_model(attention, **settings, **parameters)


class Pointed(NamedTuple):
    """Where the maps of an arm point; one number for each seed.

    The outermost ring of a map lies over the padding of `conv_2`'s input: its gains
    multiply zeros and change nothing. So the peak is sought inside of it.
    """

    hits: np.ndarray  # share of maps whose peak lies on the digit's square
    accuracy: np.ndarray  # share of these images that were named right
    gain_on_digit: np.ndarray  # mean gain on the digit's square
    gain_elsewhere: np.ndarray  # and on the rest, without the ring
    on_padding: np.ndarray  # share of all gain that the ring takes
    chance: float  # hits of places drawn at random
    found_by_all: int  # of `LOOKED` images: peaks of all networks lie on the digit


@functools.cache
def pointed(
    arm: str, sd: float, seeds: int = len(profiles.PROBED_SEEDS), kind=None
) -> Pointed:
    """How often the maps of an arm find the digit (`displays.pointing_game`)."""
    (_, (digits, _)), rows, found = load_mnist(), [], []
    size = digits.shape[1:]
    for seed in range(seeds):
        seen = look(arm, seed, sd, kind=kind)
        inside = np.zeros(seen.gains.shape[1:], bool)
        inside[1:-1, 1:-1] = True
        gains = np.where(inside, seen.gains, 0)
        targets = on_target(seen.places, size, inside.shape) & inside
        hits = pointing_game(np.where(inside, gains, -1), seen.places, size).hits
        found.append(hits)
        rows.append(
            [
                hits.mean(),
                seen.correct.mean(),
                gains[targets].mean(),
                gains[inside & ~targets].mean(),
                1 - gains.sum() / seen.gains.sum(),
            ]
        )
    every = int(np.all(found, axis=0).sum())
    return Pointed(*np.transpose(rows), float(targets[:, inside].mean()), every)
