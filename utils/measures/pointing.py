"""Where trained networks look: their maps on displays, and the pointing game.

In that game a map scores a hit if its peak lies on the target (Zhang et al. 2016).
"""

from typing import NamedTuple

import attrs
import numpy as np
import scipy  # its parts load on first use, so that notebooks open quickly

from utils.displays import arrange
from utils.estimate import Estimate
from utils.inference import paired_difference
from utils.model import map_shape, predict, set_weights
from utils.noise import add_noise
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.wiring import build_network

SEEDS = range(8)  # of networks whose maps are looked at
LOOKED = 500  # number of test images


class Look(NamedTuple):
    """Where a trained network looks, on test images that all networks share."""

    images: np.ndarray  # (images, rows, cols) noisy, grey levels
    places: np.ndarray  # (images, 2) corners of the digits, pixels
    labels: np.ndarray  # (images,)
    gains: np.ndarray  # (images, rows', cols')
    answers: np.ndarray  # (images,) digits that the network names

    @property
    def correct(self) -> np.ndarray:
        """Which answers are right: `(images,)` bool."""
        return self.answers == self.labels


def look(arm: Arm, seed: int, sd: float, images: int = LOOKED, model=None) -> Look:
    """The maps and answers of one network of an arm, in noise of SD `sd`.

    `model` receives its weights; by default it has the attention of training.

    Raises:
        FileNotFoundError: if its weights are not in the arm's store.
    """
    model = model or build_network(arm.tested)
    noisy, places, labels = _displays(arm, sd, images)
    set_weights(model, arm.weights(seed))
    gains, probabilities = predict(model, noisy, ("attention", "softmax"))
    return Look(noisy, places, labels, gains, probabilities.argmax(-1))


def _displays(arm, sd, images):
    """The first test images as an arm's networks see them, their places and labels."""
    digits, labels = arm.test_data()
    rng = np.random.default_rng(0)
    shown = arrange(arm.tested.display, digits[:images], digits, rng)
    return add_noise(shown.images, sd, rng), shown.places, labels[:images]


class Pointed(NamedTuple):
    """Where the maps of an arm point, with one number for each seed.

    The outermost ring of a map lies over the padding of `conv_2`'s input: its gains
    multiply zeros and have no effect. Peaks are therefore searched inside it.
    """

    hits: list[float]  # share of maps whose peak lies on the digit's square
    accuracy: list[float]  # share of these images that were named right
    gain_on_digit: list[float]  # mean gain on the digit's square
    gain_elsewhere: list[float]  # mean gain on the rest, without the ring
    on_padding: list[float]  # share of all gain that lies on the ring
    chance: float  # share of hits for random places
    found_by_all: int  # number of images on which all networks hit


def pointed(arm: Arm, sd: float, kind: str | None = None) -> Pointed:
    """Scores of the maps of an arm's first 8 networks in the pointing game.

    With `kind`, their attention is replaced by that kind.
    """
    return Pointed(*derived(_pointed, attrs.evolve(arm, seeds=SEEDS), float(sd), kind))


class Pooled(NamedTuple):
    """Where a read-out by attention pooling looks, with one number for each seed."""

    hits: list[float]  # share of displays whose largest weight is on the digit's square
    on_digit: list[float]  # share of all weight that is on the digit's square
    chance: float  # the same share if all places have equal weights


def pooled(arm: Arm, sd: float) -> Pooled:
    """Where the read-outs of an arm's first 8 networks put their weights."""
    return Pooled(*derived(_pooled, attrs.evolve(arm, seeds=SEEDS), float(sd)))


def gain_inside(arm: Arm, sd: float) -> list[float]:
    """Mean gain inside the outermost ring, for each of the first 8 networks."""
    return derived(_gain_inside, attrs.evolve(arm, seeds=SEEDS), float(sd))


def mean_share(shares: list[float]) -> Estimate:
    """Mean of the networks' shares, in percent; the interval is for other seeds."""
    found = paired_difference(100 * np.array(shares), np.zeros(len(shares)))
    return found._replace(unit="%", basis=f"{len(shares)} networks")


def found_by_blur(arm: Arm, sd: float, width: int = 5) -> int:
    """The number of images whose brightest place lies on the digit's square.

    Brightness is the mean over `width` x `width` pixels, 0 beyond the canvas.
    """
    noisy, places, _ = _displays(arm, sd, LOOKED)
    (digits, _), shape = arm.test_data(), noisy.shape[1:]
    blurred = scipy.ndimage.uniform_filter(noisy, (0, width, width), mode="constant")
    peaks = np.transpose(np.unravel_index(blurred.reshape(LOOKED, -1).argmax(1), shape))
    beyond = peaks - places
    return int(((beyond >= 0) & (beyond < digits.shape[1:])).all(1).sum())


def pointing_game(maps, places, digit: tuple[int, int]) -> np.ndarray:
    """Whether the largest gain of each map lies on the target (Zhang et al. 2016).

    Args:
        maps: `(batch, rows', cols')` of the size of `conv_2`'s output; of equal peaks,
            the first counts.
        places: `(batch, 2)` upper left corners of the targets, pixels.
        digit: rows and columns of a digit, pixels.

    Returns:
        `(batch,)` bool. A random place hits with the mean of `on_target`.
    """
    maps = np.asarray(maps)
    targets = on_target(places, digit, maps.shape[1:])
    peaks = maps.reshape(len(maps), -1).argmax(1)
    return targets.reshape(len(maps), -1)[np.arange(len(maps)), peaks]


def on_target(places, digit: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """Which cells of attention maps lie over the target's square.

    Args:
        places, digit: as for `pointing_game`.
        shape: rows and columns of a map, `(rows', cols')`.

    Returns:
        `(batch, rows', cols')` bool.
    """
    corners, inside = np.asarray(places)[:, :, None], []
    for axis, size in enumerate(shape):
        beyond = 2 * np.arange(size) - 1 - corners[:, axis]  # pixels beyond the corner
        inside.append((beyond >= 0) & (beyond < digit[axis]))
    rows, cols = inside
    return rows[:, :, None] & cols[:, None, :]


def share_of_images(count: int) -> Estimate:
    """A number of images as a percentage of `LOOKED`; the interval is for other images.

    The interval is exact (Clopper and Pearson 1934).
    """
    count = scipy.stats.binomtest(count, LOOKED)
    low, high = count.proportion_ci(method="exact")
    return Estimate(
        *(100 * share for share in (count.statistic, low, high)),
        unit="%",
        basis="exact binomial",
    )


def _gain_inside(arm, sd):
    model = build_network(arm.tested)
    looks = (look(arm, seed, sd, LOOKED, model) for seed in arm.seeds)
    return [float(seen.gains[:, 1:-1, 1:-1].mean()) for seen in looks]


def _pointed(arm: Arm, sd: float, kind: str | None) -> Pointed:
    (digits, _), spec, rows, found = arm.test_data(), arm.tested, [], []
    if kind:
        spec = attrs.evolve(spec, attention=kind, attention_parameters={})
    size, model = digits.shape[1:], build_network(spec)
    for seed in arm.seeds:
        seen = look(arm, seed, sd, LOOKED, model)
        inside = np.zeros(seen.gains.shape[1:], bool)
        inside[1:-1, 1:-1] = True
        gains = np.where(inside, seen.gains, 0)
        targets = on_target(seen.places, size, inside.shape) & inside
        hits = pointing_game(np.where(inside, gains, -1), seen.places, size)
        found.append(hits)
        rows.append(
            [
                float(hits.mean()),
                float(seen.correct.mean()),
                float(gains[targets].mean()),
                float(gains[inside & ~targets].mean()),
                float(1 - gains.sum() / seen.gains.sum()),
            ]
        )
    every = int(np.all(found, axis=0).sum())
    shares = np.transpose(rows).tolist()
    return Pointed(*shares, float(targets[:, inside].mean()), every)


def _pooled(arm: Arm, sd: float) -> Pooled:
    noisy, places, _ = _displays(arm, sd, LOOKED)
    size, model = arm.test_data()[0].shape[1:], build_network(arm.tested)
    layer, shape = model.get_layer("read_out_attention"), map_shape(noisy.shape[1:])
    targets = on_target(places, size, shape)[:, 1::2, 1::2]  # centres of its windows
    rows = []
    for seed in arm.seeds:
        set_weights(model, arm.weights(seed))
        weights = np.asarray(layer.weights_of_places(predict(model, noisy, "inside")))
        peaks = weights.reshape(len(weights), -1).argmax(1)
        hits = targets.reshape(len(weights), -1)[np.arange(len(weights)), peaks]
        rows.append([float(hits.mean()), float(weights[targets].sum() / len(weights))])
    return Pooled(*np.transpose(rows).tolist(), float(targets.mean()))
