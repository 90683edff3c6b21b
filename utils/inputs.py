"""The images that a run's network sees, in training and at test.

Order, places and noise come from the spec alone. Paired runs therefore see the same
images, and every level of noise at test scales the same draw.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from utils.data import Part, validation_split
from utils.displays import arrange, cue_maps, squares
from utils.model import map_shape
from utils.noise import add_noise
from utils.spec import RunSpec

IMAGES_PER_LOOP = 500  # images that one compiled loop takes: about 0.1 s of training
# Independent streams of random numbers for a seed; all seeds share test displays.
ORDER, NOISE, TEST_NOISE, DISPLAYS, TEST_DISPLAYS, YOKED, TEST_YOKED = range(7)


class Streams(NamedTuple):
    """Independent sources of random numbers."""

    places: np.random.Generator  # digits and fragments on displays
    noise: np.random.Generator
    others: np.random.Generator  # the second input of a yoked network


class Seen(NamedTuple):
    """Images as a network sees them."""

    images: np.ndarray  # (images, rows, cols) float32, grey levels, with noise
    beside: np.ndarray | None  # second input: maps (images, rows', cols') or displays
    second: np.ndarray | None  # (images,) labels of second digits


def load_data(spec: RunSpec) -> tuple[Part, Part]:
    """Load `(x_train, y_train), (x_test, y_test)` of a run; the second part is scored.

    Raises:
        ValueError: if the data set has fewer images than the spec asks for.
    """
    train, test = spec.load()
    if spec.scored_on == "validation":
        train, test = validation_split(*train)
    for what, (_, labels) in {"images": train, "test_images": test}.items():
        if getattr(spec, what) > len(labels):
            raise ValueError(
                f"The data ({spec.data}) has {len(labels):,} images for {what}; the "
                f"spec asks for {getattr(spec, what):,}. Lower {what}."
            )
    return train, (test[0][: spec.test_images], test[1][: spec.test_images])


def batches(spec: RunSpec, images, labels, epoch: int) -> Iterator[tuple]:
    """The training images of one epoch, with noise, in groups of updates.

    Args:
        spec: the run.
        images: `(all, rows, cols)` grey levels.
        labels: `(all,)`.
        epoch: counted from 1; order, displays and noise differ from epoch to epoch.

    Yields:
        Inputs from `arranged`, and labels `(updates, batch)` int32.
    """
    chosen = np.random.default_rng([spec.seed, ORDER]).permutation(len(images))
    if spec.goes_on:
        chosen = np.roll(chosen, -(epoch - 1) * spec.images)
    order = np.random.default_rng([spec.seed, ORDER, epoch]).permutation(
        chosen[: spec.images]
    )
    kinds = DISPLAYS, NOISE, YOKED
    streams = Streams(*(np.random.default_rng([spec.seed, k, epoch]) for k in kinds))
    step = max(IMAGES_PER_LOOP // spec.batch_size, 1) * spec.batch_size
    for places in np.split(order, range(0, len(order), step)[1:]):
        own = images[places], labels[places]
        seen = see(spec, own, (images, labels), streams, spec.noise_sd, training=True)
        answers = own[1].astype("int32").reshape(-1, spec.batch_size)
        yield arranged(seen.images, seen.beside, spec.batch_size), answers


def displays_at_test(spec: RunSpec, images, labels, sd: float, count: int):
    """The first test images as a network sees them, `IMAGES_PER_LOOP` at a time.

    Noise depends on the seed of the spec; displays are the same for every seed. The
    first images look the same whatever `count` is.

    Args:
        spec: the run.
        images: `(all, rows, cols)` grey levels.
        labels: `(all,)`.
        sd: SD of the noise, grey levels.
        count: the number of images that are needed.

    Yields:
        `Seen`.
    """
    streams = Streams(
        np.random.default_rng([0, TEST_DISPLAYS]),
        np.random.default_rng([spec.seed, TEST_NOISE]),
        np.random.default_rng([spec.seed, TEST_YOKED]),
    )
    for start in range(0, count, IMAGES_PER_LOOP):
        own = tuple(x[start : start + IMAGES_PER_LOOP] for x in (images, labels))
        yield see(spec, own, (images, labels), streams, sd)


def see(spec, own: Part, pool: Part, streams: Streams, sd: float, *, training=False):
    """Images as the spec shows them.

    Args:
        spec: gives display, cue, contrast and noise.
        own: the images and their labels.
        pool: images and labels, the source of second digits and fragments.
        streams: sources of random numbers.
        sd: SD of the noise, grey levels; in training, its maximum if it varies.
        training: whether contrast and noise vary from image to image.

    Returns:
        `Seen`. The second input is the maps of cues, if there are cues; for a yoked
        network, the display of the image before each, in equally strong noise.
    """
    images, beside, second, places = _displayed(spec, own, pool, streams.places)
    each, share = (len(images), 1, 1), None
    if training and spec.contrast_varies:
        images = images * streams.noise.random(each, dtype=np.float32)
    elif not training and spec.contrast != 1:
        images = np.float32(spec.contrast) * images
    noisy = _with_noise(spec, images, places, sd, streams.noise, own[0].shape[1:])
    if training and spec.noise_varies:
        share = streams.noise.random(each, dtype=np.float32)
        noisy = images + share * (noisy - images)
    if spec.yoked:
        neighbours = tuple(np.roll(x, 1, 0) for x in own)
        others, *_, places = _displayed(spec, neighbours, pool, streams.others)
        digit = own[0].shape[1:]
        beside = _with_noise(spec, others, places, sd, streams.others, digit)
        if share is not None:
            beside = others + share * (beside - others)
    return Seen(noisy, beside, second)


def arranged(images, beside, batch: int):
    """Arrange images, and a second input if there is one, in batches.

    Returns:
        `(batches, batch, rows, cols, 1)` float32; with a second input, a list of this
        and `(batches, batch, rows', cols')`.
    """
    images = images.reshape(-1, batch, *images.shape[1:], 1)
    if beside is None:
        return images
    return [images, beside.reshape(-1, batch, *beside.shape[1:])]


def _with_noise(spec, images, places, sd, rng, digit):
    """Images with noise everywhere, or only on or off the squares of targets."""
    noisy = add_noise(images, sd, rng)
    if spec.noise_lies == "everywhere":
        return noisy
    on_target = squares(places, digit, images.shape[1:])
    return np.where(on_target == (spec.noise_lies == "on"), noisy, images)


def _displayed(spec, own, pool, rng):
    """Images on displays, maps of cues, labels of second digits and places, or None."""
    images, labels = own
    if not spec.display:
        return images, None, None, None
    others, classes = pool
    shown = arrange(spec.display, images, others, rng, labels=(labels, classes))
    second = None if shown.second is None else classes[shown.second]
    maps = None
    if spec.is_cued:
        shape = map_shape(spec.display.shape)
        maps = cue_maps(shown.cues, images.shape[1:], shape)
    return shown.images, maps, second, shown.places
