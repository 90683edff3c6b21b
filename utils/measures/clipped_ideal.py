"""The ideal observer of displays as a screen shows them: noise that is clipped.

A screen rounds grey levels to whole numbers from 0 (black) to 255 (white). In Gaussian
noise of SD sd, a pixel of a template with grey level t becomes black with probability
Phi((0.5 - t) / sd), white with Phi((t - 254.5) / sd), and has a grey level v between
them with a likelihood that is proportional to exp((v t - t^2 / 2) / (sd^2 + 1 / 12));
the twelfth is the variance that rounding adds (Sheppard 1898). Pixels are independent,
so the log likelihood of a template at a place is a sum over pixels, and the rest is as
in `ideal_observer`. Where nothing is clipped, the two observers agree.

This is the best that anyone could do in the observer explorer, and so the standard for
a reader's efficiency there. Networks see noise that is not clipped.
"""

import time

import jax
import numpy as np
from jax.scipy.special import logsumexp
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import log_ndtr

from utils.checks import number
from utils.inputs import load_data
from utils.maps import DIGITS
from utils.measures.ideal_observer import BLOCK, Observer, _check, _displays, check_spec
from utils.noise import WHITE
from utils.record import decode_correct, encode, processor, versions
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.spec import RunSpec

LEVELS = (40.0, 80.0, 120.0, 180.0, 270.0, 400.0, 600.0, 900.0)  # noise SDs
COUNT = 125  # displays, spread evenly over those of the study


def on_screen(displays: np.ndarray) -> np.ndarray:
    """Displays as a screen shows them: whole grey levels from 0 to 255 (uint8)."""
    return np.rint(np.clip(displays, 0, WHITE)).astype("uint8")


def log_evidence(screens, templates, labels, sd: float, places=None) -> np.ndarray:
    """The ideal observer's evidence for each class, in natural logarithms.

    It is the log of the joint likelihood of display and class, relative to an empty
    canvas. As the SD grows, it tends to the log of the class's share of the templates.

    Args:
        screens: displays with their noise, `(displays, rows, cols)` uint8.
        templates: `(templates, digit rows, digit cols)`, grey levels.
        labels: classes of the templates, `(templates,)`, 0 to 9.
        sd: SD of the noise before it was clipped, grey levels, above 0.
        places: upper left corners of the digits, `(displays, 2)`, if the observer is
            told them. By default all places where a template fits are equally likely.

    Returns:
        `(displays, 10)`.

    Raises:
        ValueError: for another shape or type, a label or place out of range, or an SD
            of 0.
    """
    screens, templates = np.asarray(screens), np.asarray(templates, "float32")
    labels, sd = np.asarray(labels), number(above=0)("sd", sd)
    if screens.dtype != "uint8":
        raise ValueError(
            "Expected displays as a screen shows them, uint8. Received "
            f"{screens.dtype}. Clip and round them: on_screen(displays)."
        )
    _check(screens, templates, labels, places, None)
    black, white = screens == 0, screens == WHITE
    seen = np.stack([np.where(white, 0, screens), black, white], 1).astype("float32")
    windows = sliding_window_view(seen, templates.shape[1:], (2, 3))
    blocks = np.array_split(np.arange(len(labels)), -(-len(labels) // BLOCK))
    parts = [jax.device_put(_weights(templates[each], sd)) for each in blocks]
    over_places, found = jax.jit(_over_places), []
    for i, window in enumerate(np.moveaxis(windows, 1, 3)):  # (rows', cols', 3, ...)
        at = ... if places is None else tuple(places[i])
        patches = window[at].reshape(-1, 3 * templates[0].size)
        each = np.concatenate([over_places(patches, *part) for part in parts])
        of_class = (each[labels == digit] for digit in range(DIGITS))
        found.append([np.logaddexp.reduce(every.astype(float)) for every in of_class])
    return np.array(found) - np.log(len(labels))


def ideal(spec: RunSpec, *, told: bool = False) -> Observer:
    """The ideal observer of a study's test displays on a screen; the result is kept.

    Its templates are all test digits, so that it is exact. Displays, noise (before it
    is clipped) and errors are those of `ideal_observer.ideal`, for fewer displays.

    Args:
        spec: a run whose displays have one digit at a random place.
        told: whether the observer is told the place.
    """
    check_spec(spec)
    record = derived(_observed, Arm("", spec, []), spec.name, told, COUNT)
    return Observer(LEVELS, np.array([decode_correct(record, sd) for sd in LEVELS]))


def _weights(templates, sd):
    """What each pixel of a display counts for each template, and the rest.

    Weights are `(templates, 3 pixels)`: of grey levels inside the range, of black
    pixels, and of white ones. The rest, `(templates,)`, is the log likelihood of a
    window whose pixels are inside the range and have a grey level of 0.
    """
    flat, variance = templates.reshape(len(templates), -1).astype(float), sd**2 + 1 / 12
    inside = -np.square(flat) / (2 * variance)
    black = log_ndtr((0.5 - flat) / sd) - log_ndtr(0.5 / sd) - inside
    white = log_ndtr((flat - 254.5) / sd) - log_ndtr(-254.5 / sd) - inside
    weights = np.concatenate([flat / variance, black, white], 1)
    return weights.astype("float32"), inside.sum(1).astype("float32")


def _over_places(patches, weights, rest):
    """Log of the mean likelihood over places, of patches `(places, 3 pixels)`."""
    return logsumexp(patches @ weights.T, 0) + rest - np.log(len(patches))


def _observed(arm, name, told, count):
    """Which displays were named right at each of `LEVELS`, as in a record of a run."""
    start, spec = time.perf_counter(), arm.tested
    clean, noise, places, labels = _displays(spec, count)
    known, where = load_data(spec)[1], places if told else None
    right = [
        log_evidence(on_screen(clean + sd * noise), *known, sd, where).argmax(1)
        == labels
        for sd in LEVELS
    ]
    return {
        "correct": {f"{sd:g}": encode(x) for sd, x in zip(LEVELS, right, strict=True)},
        "spec": {"test_images": count},
        "versions": versions(),
        "processor": processor(),
        "seconds": round(time.perf_counter() - start, 1),
    }
