"""Displays of digits at uncertain places, which are made while training runs.

A display is a canvas larger than a digit. The target digit lies somewhere on it: alone,
among fragments of other digits (the cluttered, translated MNIST of Mnih et al. 2014),
or beside a second digit; a cue marks a place (Posner 1980). Displays depend only on
images and a random generator, so that paired networks see the same ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from utils.spec import Display

CANDIDATES = 8  # random places: an invalid cue takes the farthest from the target
CUE_SD = 7.0  # pixels; a digit of MNIST is about 20 high


class Shown(NamedTuple):
    """Displays with the places of things on them; a place is an upper left corner."""

    images: np.ndarray  # (batch, rows, cols) uint8, grey levels
    places: np.ndarray  # (batch, 2) row and column of the target, pixels
    cues: np.ndarray  # (batch, 2) row and column that the cue marks, or (batch, 2, 2)
    valid: np.ndarray  # (batch,) bool: whether the cue marks the target
    second: np.ndarray | None  # (batch,) indices of second digits in `others`


def arrange(
    display: Display,
    targets: np.ndarray,
    others: np.ndarray,
    rng: np.random.Generator,
    *,
    labels: tuple[np.ndarray, np.ndarray] | None = None,
) -> Shown:
    """Put each target digit on a canvas of its own, at a random place or the middle.

    Random places are uniform over those at which a digit fits. Where things overlap,
    the brighter pixel is seen. With one seed, canvases of two sizes have their digits
    at the same relative places, and adding distractors changes nothing else.

    Args:
        display: the contents.
        targets: `(batch, digit rows, digit cols)` uint8, grey levels.
        others: `(any, digit rows, digit cols)`: second digits and fragments.
        rng: source of places, cues and fragments.
        labels: labels of targets `(batch,)` and of others `(any,)`; with them, a
            second digit is never of the target's class.

    Raises:
        ValueError: if a digit or a fragment does not fit, or no second digit is of
            another class.
    """
    batch, *digit = targets.shape
    side, room = display.fragment, np.subtract(display.shape, digit)
    if (room < 0).any() or (display.distractors and side > min(digit)):
        raise ValueError(
            f"Expected a canvas of at least {' x '.join(map(str, digit))} pixels, the "
            "size of a digit, and fragments no larger than that. Received "
            f"{display.rows} x {display.cols} and fragments of {side}."
        )
    drawn = rng.random((CANDIDATES + 2, batch, 2))
    places, elsewhere, *candidates = (drawn * (room + 1)).astype(int)
    if display.central:
        places[:] = room // 2
    images = np.zeros((batch, *display.shape), "uint8")
    _paste(images, targets, places)
    valid = rng.random(batch) < display.validity
    if display.second_digit:
        second = _drawn(len(others), batch, labels, rng)
        _paste(images, others[second], elsewhere)
    else:
        farthest = np.square(candidates - places).sum(-1).argmax(0)
        elsewhere, second = np.array(candidates)[farthest, np.arange(batch)], None
    cues = np.where(valid[:, None], places, elsewhere)
    if display.marked == "both":
        cues = np.stack([places, elsewhere], 1)
    elif display.marked == "random":
        cues = candidates[0]
    for _ in range(display.distractors):
        chosen = others[rng.integers(len(others), size=batch)]
        rooms = np.array([[digit], [display.shape]]) - side
        cut, put = (rng.random((2, batch, 2)) * (rooms + 1)).astype(int)
        fragments = sliding_window_view(chosen, (side, side), (1, 2))
        _paste(images, fragments[np.arange(batch), *cut.T], put)
    return Shown(images, places, cues, valid, second)


def cue_maps(
    cues: np.ndarray | None,
    digit: tuple[int, int],
    shape: tuple[int, int],
    sd: float = CUE_SD,
) -> np.ndarray:
    """Attention maps for a network of kind `given`: a Gaussian at each cued place.

    Cell o of a map lies over pixel 2 o - 1 of the image (`conv_2`'s output, after a
    pooling of stride 2). Maps of cues at the targets themselves are an oracle.

    Args:
        cues: `(batch, 2)` upper left corners of the cued places, pixels; for several
            on each display, `(batch, several, 2)`: a map is then the largest of them.
        digit: rows and columns of a digit, pixels.
        shape: rows and columns of a map, `(rows', cols')`.
        sd: SD of the Gaussian, pixels.

    Returns:
        `(batch, rows', cols')` float32, at most 1.
    """
    if np.ndim(cues) == 3:
        of_each = (cue_maps(each, digit, shape, sd) for each in np.moveaxis(cues, 1, 0))
        return np.maximum.reduce([*of_each])
    centres = cues + (np.asarray(digit) - 1) / 2
    rows, cols = (
        np.exp(
            -np.square(2 * np.arange(size) - 1 - centres[:, axis, None]) / (2 * sd**2)
        )
        for axis, size in enumerate(shape)
    )
    return (rows[:, :, None] * cols[:, None, :]).astype("float32")


def squares(
    places: np.ndarray, digit: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Whether each pixel lies on the square of a digit: `(batch, rows, cols)` bool.

    Args:
        places: `(batch, 2)` upper left corners, pixels.
        digit: rows and columns of a digit, pixels.
        shape: rows and columns of the canvas, pixels.
    """
    rows, cols = (
        ((away := np.arange(size) - places[:, axis, None]) >= 0) & (away < digit[axis])
        for axis, size in enumerate(shape)
    )
    return rows[:, :, None] & cols[:, None, :]


def _drawn(count, batch, labels, rng):
    """Indices of second digits `(batch,)`, of another class if labels are given."""
    if labels is None:
        return rng.integers(count, size=batch)
    own, theirs = labels
    if (theirs == theirs[0]).all() and (own == theirs[0]).any():
        raise ValueError(
            "Expected digits of two or more classes: a second digit is of another "
            f"class than the target. Received {theirs[0]} only."
        )
    drawn = rng.integers(count, size=(CANDIDATES, batch))
    fits = theirs[drawn] != own
    if not fits.any(0).all():
        return _drawn(count, batch, labels, rng)
    return drawn[fits.argmax(0), np.arange(batch)]


def _paste(images, patches, corners):
    """Put a patch on each image, in place; the brighter pixel is seen."""
    size, where = patches.shape[1:], (np.arange(len(images)), *corners.T)
    windows = sliding_window_view(images, size, (1, 2), writeable=True)
    windows[where] = np.maximum(windows[where], patches)
